// Checked by `tsc --noEmit` alone: which operands a literal formula takes. Each line under @ts-expect-error holds a mistake
// that must not compile; if it does, tsc reports the directive as unused.
import { formula } from '../../src/autodiff/index.ts'
import type { Tensor } from '../../src/graph/tensor.ts'

declare const vector: Tensor<1>
declare const matrix: Tensor<2>
declare const scalar: Tensor<0>
declare const unknownRank: Tensor
declare const text: string

const dense = formula('z[b,i] = s * c[i] + sum(j) W[i,j] * x[b,j]')

const result: Tensor<2> = dense({ c: vector, W: matrix, x: matrix, s: 2 })
dense({ c: vector, W: matrix, x: matrix, s: scalar })
dense({ c: vector, W: unknownRank, x: matrix, s: 2 })

// @ts-expect-error -- x is missing
dense({ c: vector, W: matrix, s: 2 })
// @ts-expect-error -- y is not an operand
dense({ c: vector, W: matrix, x: matrix, s: 2, y: matrix })
// @ts-expect-error -- it is called x
dense({ c: vector, W: matrix, X: matrix, s: 2 })
// @ts-expect-error -- c has rank 1
dense({ c: matrix, W: matrix, x: matrix, s: 2 })
// @ts-expect-error -- a number is no matrix
dense({ c: vector, W: 1, x: matrix, s: 2 })
// @ts-expect-error -- nested arrays are no tensors
dense({ c: [1, 2], W: matrix, x: matrix, s: 2 })
// @ts-expect-error -- the result has rank 2
const wrong: Tensor<1> = dense({ c: vector, W: matrix, x: matrix, s: 2 })

dense.gradient('W')
// @ts-expect-error -- w is not an operand
dense.gradient('w')

// The operands of a text that is no literal are checked when it is called.
formula(text)({ anything: matrix, n: 3 })
formula(text).gradient('anything')

void [result, wrong]
