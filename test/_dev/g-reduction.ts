import type { Axes, Tensor } from '/tmp/shim.ts'
import type { Run } from '../_dev/goldens.ts'
import { testGoldens } from '../_dev/goldens.ts'

interface Over {
  readonly axis: Axes | null
  readonly keepDims: boolean
  readonly correction?: number
  readonly ord?: number
}

const over =
  (apply: (x: Tensor, axis: Axes | undefined, options: Omit<Over, 'axis'>) => Tensor): Run =>
  ({ x }, { axis, ...options }: Over) =>
    apply(x, axis ?? undefined, options)

const overOne =
  (apply: (x: Tensor, axis: number | undefined, keepDims: boolean) => Tensor): Run =>
  ({ x }, { axis, keepDims }: { axis: number | null; keepDims: boolean }) =>
    apply(x, axis ?? undefined, keepDims)

testGoldens('reduction', {
  sum: over((x, axis, { keepDims }) => x.sum(axis, keepDims)),
  mean: over((x, axis, { keepDims }) => x.mean(axis, keepDims)),
  max: over((x, axis, { keepDims }) => x.max(axis, keepDims)),
  min: over((x, axis, { keepDims }) => x.min(axis, keepDims)),
  prod: over((x, axis, { keepDims }) => x.prod(axis, keepDims)),
  variance: over((x, axis, options) => x.variance(axis, options)),
  std: over((x, axis, options) => x.std(axis, options)),
  norm: over((x, axis, options) => x.norm(axis, options)),
  logSumExp: over((x, axis, { keepDims }) => x.logSumExp(axis, keepDims)),
  argmax: overOne((x, axis, keepDims) => x.argmax(axis, keepDims)),
  argmin: overOne((x, axis, keepDims) => x.argmin(axis, keepDims)),
  any: over((x, axis, { keepDims }) => x.any(axis, keepDims)),
  all: over((x, axis, { keepDims }) => x.all(axis, keepDims)),
})
