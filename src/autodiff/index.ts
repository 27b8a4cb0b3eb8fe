export { customGradient, stopGradient } from './customGradient.ts'
export type { Gradients, Variables } from './derivatives.ts'
export { grad, jvp, valueAndGrad, vjp } from './derivatives.ts'
export { hessian, jacobian } from './jacobian.ts'
