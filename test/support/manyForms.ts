// Work of all kinds, large enough that threads share it.
import { formula, grad, type Tensor, tensor } from '../../src/index.ts'
import { uniform } from '../../src/random/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'

/** Makes tensors of numbers between -1 and 1, each of others, the same in each run. */
export function numbersFrom(): (...shape: number[]) => Tensor {
  let drawings = 0
  return (...shape) => {
    const stream = drawings++
    const size = shape.reduce((product, extent) => product * extent, 1)
    return tensor(
      Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(5, stream, 0, at) - 1),
      { shape },
    )
  }
}

/** What is worth sharing among threads: products of all kinds, sums and maxima along and across rows, scatters, random masks. */
export function manyForms(): () => Record<string, Tensor> {
  const numbers = numbersFrom()
  const a = numbers(203, 150)
  const b = numbers(150, 97)
  const x = numbers(6, 5, 24, 24)
  const w = numbers(7, 5, 3, 3)
  const [q, k] = [numbers(18, 64, 8), numbers(18, 64, 8)]
  const rows = tensor(
    Array.from({ length: 2000 }, (_, at) => (at * at) % 40),
    { dtype: 'i32' },
  )
  const conv = formula('z[n,k,i,j] = tanh(sum(c,u,v) x[n,c,i+u,j+v] * w[k,c,u,v])')
  return () => {
    const z = conv({ x, w })
    const [byX, byW] = grad(z.square().mean(), [x, w])
    const images = x.reshape([30, 24, 24])
    const scores = q.matmul(k.transpose(1, 2))
    return {
      product: a.matmul(b),
      turned: b.T.matmul(a.T),
      narrow: a.matmul(b.slice(null, [0, 3])),
      batches: images.matmul(images.transpose(1, 2)),
      // One loop over the batches, in which a batch's scores and weights are each thread's own.
      mixture: scores.softmax(-1).matmul(q),
      convolution: z,
      byX,
      byW,
      softmax: a.softmax(0),
      rows: a.logSoftmax(),
      sum: x.sum(),
      columns: x.mean(0),
      largest: x.max(1),
      winners: a.argmax(-1),
      taken: grad(x.reshape([-1, 24]).take(rows, 0).square().sum(), x),
      masks: uniform([40_000], { seed: 3 }).lt(0.5),
    }
  }
}
