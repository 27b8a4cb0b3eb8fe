import { parameterNode } from '../../src/graph/build.ts'
import { Parameter } from '../../src/index.ts'

export { compile, grad, Parameter, setDevice, type Tensor, tensor } from '../../src/index.ts'

/** A parameter of rank 1. */
export const parameter = (name: string, values: readonly number[]): Parameter<1> =>
  new Parameter(parameterNode(name, Float32Array.from(values), [values.length], 'f32'))
