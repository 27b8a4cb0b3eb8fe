// What each glyph looks like before anything happens to it: strokes through points in [-1, 1]², x to the right, y down.

export interface Stroke {
  readonly points: readonly (readonly [x: number, y: number])[]
  /** A smooth curve through the points; else straight from one to the next. */
  readonly curved: boolean
  /** Ends where it began. */
  readonly closed: boolean
}

const line = (...points: (readonly [number, number])[]): Stroke => ({ points, curved: false, closed: false })
const outline = (...points: (readonly [number, number])[]): Stroke => ({ points, curved: false, closed: true })
const curve = (...points: (readonly [number, number])[]): Stroke => ({ points, curved: true, closed: false })
const loop = (...points: (readonly [number, number])[]): Stroke => ({ points, curved: true, closed: true })

/** The strokes of each class; the order of the classes is the order of the labels. */
export const glyphShapes: Readonly<Record<string, readonly Stroke[]>> = {
  ring: [
    loop([0, -0.95], [0.67, -0.67], [0.95, 0], [0.67, 0.67], [0, 0.95], [-0.67, 0.67], [-0.95, 0], [-0.67, -0.67]),
  ],
  square: [outline([-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85])],
  triangle: [outline([0, -0.95], [0.95, 0.8], [-0.95, 0.8])],
  cross: [line([0, -0.95], [0, 0.95]), line([-0.95, 0], [0.95, 0])],
  arrow: [line([0, 0.95], [0, -0.9]), line([-0.65, -0.2], [0, -0.95], [0.65, -0.2])],
  fork: [line([0, 0.95], [0, -0.9]), curve([-0.75, -0.95], [-0.6, 0], [0, 0.3], [0.6, 0], [0.75, -0.95])],
  spiral: [
    curve(
      [0.1, 0.05],
      [-0.2, -0.1],
      [0, -0.4],
      [0.4, -0.1],
      [0.2, 0.5],
      [-0.5, 0.4],
      [-0.7, -0.3],
      [0, -0.95],
      [0.9, -0.5],
      [0.8, 0.6],
    ),
  ],
  wave: [curve([-0.95, 0.3], [-0.6, -0.5], [-0.2, 0], [0.2, 0.5], [0.6, 0.5], [0.95, -0.4])],
  hash: [
    line([-0.4, -0.95], [-0.4, 0.95]),
    line([0.4, -0.95], [0.4, 0.95]),
    line([-0.95, -0.4], [0.95, -0.4]),
    line([-0.95, 0.4], [0.95, 0.4]),
  ],
  hourglass: [outline([-0.75, -0.9], [0.75, -0.9], [-0.75, 0.9], [0.75, 0.9])],
}
