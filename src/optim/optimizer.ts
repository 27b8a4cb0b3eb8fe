// What optimizers share: whose parameters they update, from which gradients, and how fast.

import { typedArray } from '../dtype.ts'
import { EinfoldError, ShapeError } from '../errors.ts'
import { parameterNode } from '../graph/build.ts'
import { scalar } from '../graph/creation.ts'
import { sizeOf } from '../graph/node.ts'
import { shapeText } from '../graph/operations/axes.ts'
import { Parameter } from '../graph/parameter.ts'
import type { Tensor } from '../graph/tensor.ts'

/** Parameters in order, by name, or of a layer. */
export type Parameters =
  | readonly Parameter[]
  | Readonly<Record<string, Parameter>>
  | { parameters(): readonly Parameter[] }

/** Gradients in the order, or under the names, of the parameters; or by parameter. */
export type ParameterGradients = readonly Tensor[] | Readonly<Record<string, Tensor>> | ReadonlyMap<Parameter, Tensor>

export interface Optimizer {
  readonly name: string
  /** The learning rate. Setting it changes what compiled steps do from then on; they need not be traced again. */
  lr: number
  /** The parameters it updates; none before it is bound. */
  readonly parameters: readonly Parameter[]
  /** What it keeps between updates (moments, the number of steps), by name, for checkpoints. */
  readonly state: Readonly<Record<string, Parameter>>
  /** Binds it to parameters: once, before the first update. Throws EinfoldError `optimizer-bound` for others than before. */
  bind(parameters: Parameters): this
  /**
   * Gives every parameter its next value. The first update may bind: `update(parameters, gradients)`.
   * Throws EinfoldError `optimizer-unbound`, `missing-gradient`; ShapeError `shape-mismatch`.
   */
  update(gradients: ParameterGradients): void
  update(parameters: Parameters, gradients: ParameterGradients): void
}

/** One way to update. `State` is what it keeps for one parameter. */
export interface UpdateRule<State extends Readonly<Record<string, Parameter>>> {
  readonly name: string
  readonly lr: number
  /** What is kept for a parameter; `like` makes a buffer of its shape, filled with zeros. */
  stateFor(like: () => Parameter): State
  /** The parameter's next value; moments are assigned on the way. `step`, a float, counts updates from 1. */
  next(parameter: Parameter, gradient: Tensor, state: State, shared: { lr: Tensor; step: Tensor }): Tensor
  /** Whether `next` asks for the number of the step. */
  readonly counts: boolean
}

export function optimizerOf<State extends Readonly<Record<string, Parameter>>>(rule: UpdateRule<State>): Optimizer {
  let bound: Bound<State> | null = null
  let rate = checkRate(rule.name, rule.lr)

  const optimizer: Optimizer = {
    name: rule.name,
    get lr() {
      return rate
    },
    set lr(value) {
      rate = checkRate(rule.name, value)
      bound?.lr.assign(scalar(value, bound.lr.dtype))
    },
    get parameters() {
      return bound?.parameters ?? []
    },
    get state() {
      return bound ? stateByName(bound, rule.counts) : {}
    },
    bind(parameters) {
      const list = listOf(parameters)
      if (bound && !sameParameters(bound.parameters, list)) throw alreadyBound(rule.name, bound.parameters, list)
      bound ??= bindTo(rule, list, namesOf(parameters), rate)
      return this
    },
    update(first: Parameters | ParameterGradients, second?: ParameterGradients) {
      if (second !== undefined) this.bind(first as Parameters)
      if (!bound)
        throw new EinfoldError(
          'optimizer-unbound',
          `${rule.name}: it does not know its parameters yet; call update(parameters, gradients), or bind(net.parameters()) before`,
        )
      advance(rule, bound, second ?? (first as ParameterGradients))
    },
  }
  return optimizer
}

interface Bound<State> {
  readonly parameters: readonly Parameter[]
  readonly names: readonly string[]
  readonly states: readonly State[]
  readonly lr: Parameter
  readonly step: Parameter
}

function bindTo<State extends Readonly<Record<string, Parameter>>>(
  rule: UpdateRule<State>,
  parameters: readonly Parameter[],
  names: readonly string[],
  rate: number,
): Bound<State> {
  const dtype = parameters.some((parameter) => parameter.dtype === 'f64') ? 'f64' : 'f32'
  return {
    parameters,
    names,
    states: parameters.map((parameter) => rule.stateFor(() => zerosFor(parameter))),
    lr: new Parameter(parameterNode('lr', typedArray(dtype, 1).fill(rate), [], dtype)),
    step: new Parameter(parameterNode('step', new Int32Array(1), [], 'i32')),
  }
}

const zerosFor = ({ name, shape, dtype }: Parameter): Parameter =>
  new Parameter(parameterNode(name, typedArray(dtype, sizeOf(shape)), shape, dtype))

function advance<State extends Readonly<Record<string, Parameter>>>(
  rule: UpdateRule<State>,
  bound: Bound<State>,
  gradients: ParameterGradients,
): void {
  const all = gradientsFor(rule.name, bound, gradients)
  const step = bound.step.add(1)
  const shared = { lr: bound.lr, step: step.cast(bound.lr.dtype) }
  const values = bound.parameters.map((parameter, at) => rule.next(parameter, all[at], bound.states[at], shared))
  if (rule.counts) bound.step.assign(step)
  for (const [at, value] of values.entries()) bound.parameters[at].assign(value)
}

function gradientsFor(
  optimizer: string,
  { parameters, names }: { readonly parameters: readonly Parameter[]; readonly names: readonly string[] },
  gradients: ParameterGradients,
): readonly Tensor[] {
  if (Array.isArray(gradients) && gradients.length !== parameters.length)
    throw new EinfoldError(
      'missing-gradient',
      `${optimizer}: ${gradients.length} gradients for ${parameters.length} parameters; give one for each, in their order`,
    )
  return parameters.map((parameter, at) => {
    const gradient = Array.isArray(gradients)
      ? (gradients as readonly Tensor[])[at]
      : gradients instanceof Map
        ? (gradients as ReadonlyMap<Parameter, Tensor>).get(parameter)
        : (gradients as Readonly<Record<string, Tensor>>)[names[at]]
    if (!gradient)
      throw new EinfoldError('missing-gradient', `${optimizer}: there is no gradient for the parameter ${names[at]}`)
    if (shapeText(gradient.shape) !== shapeText(parameter.shape))
      throw new ShapeError(
        'shape-mismatch',
        `${optimizer}: the gradient of ${names[at]} has shape ${shapeText(gradient.shape)}, the parameter ` +
          `${shapeText(parameter.shape)}; they must be equal`,
      )
    return gradient
  })
}

function listOf(parameters: Parameters): readonly Parameter[] {
  if (Array.isArray(parameters)) return parameters
  if (hasParameters(parameters)) return parameters.parameters()
  return Object.values(parameters)
}

function namesOf(parameters: Parameters): readonly string[] {
  if (Array.isArray(parameters)) return parameters.map((_, at) => String(at))
  if (!hasParameters(parameters)) return Object.keys(parameters)
  if ('namedParameters' in parameters)
    return (parameters.namedParameters as () => [string, Parameter][])().map(([name]) => name)
  return parameters.parameters().map((_, at) => String(at))
}

const hasParameters = (parameters: Parameters): parameters is { parameters(): readonly Parameter[] } =>
  typeof (parameters as { parameters?: unknown }).parameters === 'function'

const sameParameters = (known: readonly Parameter[], given: readonly Parameter[]): boolean =>
  known.length === given.length && known.every((parameter, at) => parameter === given[at])

const alreadyBound = (name: string, known: readonly Parameter[], given: readonly Parameter[]): EinfoldError =>
  new EinfoldError(
    'optimizer-bound',
    `${name}: it updates ${known.length} parameters already and was given ${given.length} others; make a new optimizer for them`,
  )

/** `momentum.0.weight`: what is kept, for which parameter. */
function stateByName(bound: Bound<Readonly<Record<string, Parameter>>>, counts: boolean): Record<string, Parameter> {
  const state: Record<string, Parameter> = counts ? { step: bound.step } : {}
  for (const [at, own] of bound.states.entries())
    for (const [kind, parameter] of Object.entries(own)) state[`${kind}.${bound.names[at]}`] = parameter
  return state
}

function checkRate(name: string, value: number): number {
  return checkNumber(name, 'lr', value, (rate) => rate >= 0, '0 or more')
}

/** Throws EinfoldError `bad-option`. */
export function checkNumber(
  optimizer: string,
  what: string,
  value: number,
  accepted: (value: number) => boolean,
  wanted: string,
): number {
  if (Number.isFinite(value) && accepted(value)) return value
  throw new EinfoldError('bad-option', `${optimizer}: ${what} is ${value}; it must be ${wanted}`)
}
