import { einsum, formula } from '../../src/index.ts'
import * as nn from '../../src/nn/index.ts'
import { testGoldens, withParameters } from '../support/goldens.ts'

testGoldens('contraction', {
  matmul: ({ x, y }) => x.matmul(y),
  einsum: (inputs, { equation }: { equation: string }) => einsum(equation, ...Object.values(inputs)),
  linear: {
    nn: (inputs) => withParameters(nn.linear(4, 3, { dtype: 'f64' }), inputs)(inputs.x),
    tensors: ({ x, weight, bias }) => x.matmul(weight.T).add(bias),
    formula: ({ x, weight, bias }) =>
      x.rank === 2
        ? formula('z[b,i] = bias[i] + sum(j) weight[i,j] * x[b,j]')({ x, weight, bias })
        : formula('z[a,b,i] = bias[i] + sum(j) weight[i,j] * x[a,b,j]')({ x, weight, bias }),
  },
})
