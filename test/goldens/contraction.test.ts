import { einsum } from '../../src/index.ts'
import { testGoldens } from '../support/goldens.ts'

testGoldens('contraction', {
  matmul: ({ x, y }) => x.matmul(y),
  einsum: (inputs, { equation }: { equation: string }) => einsum(equation, ...Object.values(inputs)),
  linear: {
    tensors: ({ x, weight, bias }) => x.matmul(weight.T).add(bias),
  },
})
