// Views for random programs: the same elements at other places, some of them twice, some left out.
import type { Tensor } from '../../src/index.ts'
import type { Item, Made } from './programs.ts'
import type { Draw } from './randomDraw.ts'

/** A view of an item that has axes. */
export function viewOf({ tensor: x, name, exact, bound }: Item, draw: Draw): Made {
  const axis = draw.below(x.rank)
  const made = (method: string, result: Tensor, ...args: readonly unknown[]): Made => ({
    tensor: result,
    text: `${name}.${method}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`,
    exact,
    bound,
  })
  const views: readonly (() => Made)[] = [
    () => {
      const axes = draw.shuffled(x.shape.map((_, at) => at))
      return made('permute', x.permute(...axes), ...axes)
    },
    () => {
      const shape = draw.of(factorings(x.size))
      return made('reshape', x.reshape(shape), shape)
    },
    () => {
      const specs = x.shape.map((extent) => sliceOf(extent, draw))
      return made('slice', x.slice(...specs), ...specs)
    },
    () => made('flip', x.flip(axis), axis),
    () => {
      const shift = draw.between(-3, 3)
      return made('roll', x.roll(shift, axis), shift, axis)
    },
    () => {
      const widths = x.shape.map((): [number, number] => [draw.below(3), draw.below(2)])
      const value = draw.of([0, 0, 1.5])
      return made('pad', x.pad(widths, value), widths, value)
    },
    () => made('tile', x.tile([2, 1]), [2, 1]),
    () => made('repeat', x.repeat(2, axis), 2, axis),
    () => made('unsqueeze', x.unsqueeze(axis).broadcastTo(x.shape.toSpliced(axis, 0, 2)), axis, 'grown to 2'),
    () => made('select', x.select(axis, -1), axis, -1),
  ]
  return draw.of(views)()
}

/** Shapes of up to three axes that hold `size` elements. */
function factorings(size: number): number[][] {
  const found: number[][] = [[size]]
  for (let first = 1; first <= size; first++)
    if (size % first === 0) {
      found.push([first, size / first])
      for (let second = 2; second <= size / first; second++)
        if ((size / first) % second === 0) found.push([first, second, size / first / second])
    }
  return found
}

function sliceOf(extent: number, draw: Draw): number | null | [number | null, number | null, number] {
  if (draw.chance(0.4)) return null
  if (draw.chance(0.2)) return draw.between(-extent, extent - 1)
  const step = draw.of([1, 2, 3, -1, -2])
  const start = draw.below(extent)
  return step > 0 ? [start, draw.of([null, draw.between(start + 1, extent)]), step] : [start, null, step]
}
