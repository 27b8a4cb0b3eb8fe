import { moved, type Picture } from './svg.ts'

/** Pictures from left to right, their tops in line. */
export function sideBySide(...pictures: readonly Picture[]): Picture {
  let width = 0
  const body = pictures.map((picture) => {
    const placed = moved(width, 0, picture.body)
    width += picture.width
    return placed
  })
  return {
    title: titles(pictures),
    width,
    height: Math.max(...pictures.map(({ height }) => height)),
    body: body.join('\n'),
  }
}

/** Pictures from top to bottom. */
export function stacked(...pictures: readonly Picture[]): Picture {
  let height = 0
  const body = pictures.map((picture) => {
    const placed = moved(0, height, picture.body)
    height += picture.height
    return placed
  })
  return {
    title: titles(pictures),
    width: Math.max(...pictures.map(({ width }) => width)),
    height,
    body: body.join('\n'),
  }
}

const titles = (pictures: readonly Picture[]): string => pictures.map(({ title }) => title).join('; ')
