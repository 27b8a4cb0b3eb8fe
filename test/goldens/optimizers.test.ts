import { compile, stack, Tensor, zeros } from '../../src/index.ts'
import { parameter } from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import type { Inputs, Operations } from '../support/goldens.ts'
import { testGoldens } from '../support/goldens.ts'

/** The parameter after each of the updates that the gradients [step, …] make. */
function afterEach(optimizer: optim.Optimizer, { parameter: start, gradients }: Inputs, compiled: boolean): Tensor {
  const weight = parameter(start.shape, zeros, { dtype: 'f64' })
  weight.assign(start)
  const advance = (gradient: Tensor): Tensor => {
    optimizer.update([weight], [gradient])
    return new Tensor(weight.node)
  }
  const step = compiled ? compile(advance) : advance
  return stack(Array.from({ length: gradients.shape[0] }, (_, at) => step(gradients.at(at))))
}

const ways = <Options>(make: (options: Options) => optim.Optimizer): Operations[string] => ({
  '': (inputs, options: Options) => afterEach(make(options), inputs, false),
  compiled: (inputs, options: Options) => afterEach(make(options), inputs, true),
})

testGoldens('optimizers', { sgd: ways(optim.sgd), adam: ways(optim.adam), adamW: ways(optim.adamW) })
