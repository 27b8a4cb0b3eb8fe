// Layers as loops over plain arrays: what the formulas are checked against.
import type { Tensor } from '../../src/graph/tensor.ts'

/** Numbers with a shape, row-major. */
export interface Block {
  readonly shape: readonly number[]
  readonly values: ArrayLike<number>
}

export const blockOf = async (tensor: Tensor): Promise<Block> => ({
  shape: tensor.shape,
  values: await tensor.data(),
})

/** The element at `at`; 0 outside. */
export function element({ shape, values }: Block, at: readonly number[]): number {
  let offset = 0
  for (const [axis, position] of at.entries()) {
    if (position < 0 || position >= shape[axis]) return 0
    offset = offset * shape[axis] + position
  }
  return values[offset]
}

export const isInside = ({ shape }: Block, at: readonly number[]): boolean =>
  at.every((position, axis) => position >= 0 && position < shape[axis])

/** All combinations of indices of a shape, in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  const at = shape.map(() => 0)
  if (shape.some((extent) => extent === 0)) return
  for (;;) {
    yield [...at]
    let axis = shape.length - 1
    while (axis >= 0 && at[axis] === shape[axis] - 1) at[axis--] = 0
    if (axis < 0) return
    at[axis]++
  }
}

export const block = (shape: readonly number[], value: (at: readonly number[]) => number): Block => ({
  shape,
  values: [...indices(shape)].map(value),
})

export function sumOver(shape: readonly number[], term: (at: readonly number[]) => number): number {
  let total = 0
  for (const at of indices(shape)) total += term(at)
  return total
}

/** [n,…,c] as [n,c,…]. */
export const channelsFirst = (x: Block): Block =>
  block([x.shape[0], x.shape.at(-1)!, ...x.shape.slice(1, -1)], ([n, c, ...rest]) => element(x, [n, ...rest, c]))

export interface Sliding {
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  /** Before and after each axis. */
  readonly padding: readonly (readonly [number, number])[]
  readonly groups: number
}

/** x [n,c,…], weight [k,c/groups,…]. */
export function convolution(x: Block, weight: Block, bias: Block | null, options: Sliding): Block {
  const { stride, dilation, padding, groups } = options
  const [n, , ...size] = x.shape
  const [outChannels, perGroup, ...kernel] = weight.shape
  const places = size.map((extent, axis) => {
    const room = extent + padding[axis][0] + padding[axis][1] - dilation[axis] * (kernel[axis] - 1) - 1
    return Math.floor(room / stride[axis]) + 1
  })
  return block([n, outChannels, ...places], ([b, k, ...place]) => {
    const group = Math.floor(k / (outChannels / groups))
    const total = sumOver([perGroup, ...kernel], ([c, ...tap]) => {
      const at = place.map((i, axis) => i * stride[axis] + tap[axis] * dilation[axis] - padding[axis][0])
      return element(x, [b, group * perGroup + c, ...at]) * element(weight, [k, c, ...tap])
    })
    return total + (bias ? bias.values[k] : 0)
  })
}

/** x [n,c,…], weight [c,k/groups,…]: every element of x adds its share to the places it reaches. */
export function transposedConvolution(
  x: Block,
  weight: Block,
  bias: Block | null,
  options: Sliding & { readonly outputPadding: readonly number[] },
): Block {
  const { stride, dilation, padding, groups, outputPadding } = options
  const [n, inChannels, ...size] = x.shape
  const [, perGroup, ...kernel] = weight.shape
  const places = size.map(
    (extent, axis) =>
      (extent - 1) * stride[axis] -
      2 * padding[axis][0] +
      dilation[axis] * (kernel[axis] - 1) +
      outputPadding[axis] +
      1,
  )
  const shape = [n, perGroup * groups, ...places]
  const sums = new Map<string, number>()
  for (const [b, c, ...from] of indices(x.shape)) {
    const group = Math.floor(c / (inChannels / groups))
    for (const [k, ...tap] of indices([perGroup, ...kernel])) {
      const to = from.map((i, axis) => i * stride[axis] + tap[axis] * dilation[axis] - padding[axis][0])
      const key = [b, group * perGroup + k, ...to].join()
      const share = element(x, [b, c, ...from]) * element(weight, [c, k, ...tap])
      sums.set(key, (sums.get(key) ?? 0) + share)
    }
  }
  return block(shape, (at) => (sums.get(at.join()) ?? 0) + (bias ? bias.values[at[1]] : 0))
}

/** What `of` makes of the elements of each window that lie inside x [n,c,…]. */
export function pooling(
  x: Block,
  kernel: readonly number[],
  stride: readonly number[],
  padding: readonly number[],
  of: (elements: readonly number[]) => number,
): Block {
  const [n, c, ...size] = x.shape
  const places = size.map((extent, axis) => Math.floor((extent + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1)
  return block([n, c, ...places], ([b, k, ...place]) => {
    const at = [...indices(kernel)].map((tap) => [
      b,
      k,
      ...tap.map((u, axis) => place[axis] * stride[axis] + u - padding[axis]),
    ])
    return of(at.filter((position) => isInside(x, position)).map((position) => element(x, position)))
  })
}
