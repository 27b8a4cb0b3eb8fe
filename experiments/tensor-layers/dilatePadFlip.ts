// The document's backward pass to the letter, in plain numbers: dilate, pad, flip, and convolve with stride 1.

/** One channel: rows of numbers. */
export type Plane = readonly (readonly number[])[]

export const plane = (rows: number, columns: number, at: (row: number, column: number) => number): Plane =>
  Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => at(row, column)))

/** R(i,j) = Σ I(iS + a, jS + b) k(a,b), wherever the kernel lies inside. */
export function convolve(image: Plane, kernel: Plane, stride = 1): Plane {
  const count = (size: number, width: number): number => Math.floor((size - width) / stride) + 1
  return plane(count(image.length, kernel.length), count(image[0].length, kernel[0].length), (i, j) => {
    let sum = 0
    for (const [a, row] of kernel.entries())
      for (const [b, weight] of row.entries()) sum += image[i * stride + a][j * stride + b] * weight
    return sum
  })
}

/** S - 1 zeros after all rows and columns but the last. */
export const dilate = (image: Plane, stride: number): Plane =>
  plane((image.length - 1) * stride + 1, (image[0].length - 1) * stride + 1, (i, j) =>
    i % stride === 0 && j % stride === 0 ? image[i / stride][j / stride] : 0,
  )

export interface Margins {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

export const pad = (image: Plane, { top, bottom, left, right }: Margins): Plane =>
  plane(image.length + top + bottom, image[0].length + left + right, (i, j) => image[i - top]?.[j - left] ?? 0)

export const flip = (kernel: Plane): Plane => kernel.map((row) => [...row].reverse()).reverse()

/**
 * ∂L/∂I as a convolution: the gradient by R dilated, padded by F - 1, with the flipped kernel. `rest` is what S leaves over
 * of the height and the width less F, rows and columns of I that no window reaches; the document forgets to pad by it.
 */
export function gradientByInput(
  gradient: Plane,
  kernel: Plane,
  stride: number,
  rest: readonly [number, number],
): Plane {
  const [rows, columns] = [kernel.length - 1, kernel[0].length - 1]
  const margins = { top: rows, bottom: rows + rest[0], left: columns, right: columns + rest[1] }
  return convolve(pad(dilate(gradient, stride), margins), flip(kernel))
}

/** ∂L/∂k as a convolution: of the input with the dilated gradient, which with `rest` has one entry a window of stride 1. */
export function gradientByKernel(
  image: Plane,
  gradient: Plane,
  stride: number,
  rest: readonly [number, number],
): Plane {
  const dilated = pad(dilate(gradient, stride), { top: 0, bottom: rest[0], left: 0, right: rest[1] })
  return convolve(image, dilated)
}

export const plus = (one: Plane, other: Plane): Plane => one.map((row, i) => row.map((value, j) => value + other[i][j]))
