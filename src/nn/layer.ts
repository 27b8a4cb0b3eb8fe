// A layer: a function with parameters.
import type { Formula } from '../autodiff/formula.ts'
import type { Parameter } from '../graph/parameter.ts'
import type { Tensor } from '../graph/tensor.ts'
import { observe } from '../graph/tracing.ts'
import { formulaOf } from './apply.ts'

/** What has parameters, and behaves differently in training and in use. */
export interface Module {
  readonly name: string
  /** The formula it computes, where it is one: `String(formula)`, `formula.latex()`, `formula.gradient('weight')`. */
  readonly formula: Formula | undefined
  /** True after `train()`, false after `eval()`; at first true. A compiled step that looked at it is traced again when it changes. */
  readonly training: boolean
  /** The modules inside, by name. */
  readonly children: Readonly<Record<string, Module>>
  /** What training changes: all parameters, those of the modules inside included, each once. */
  parameters(): Parameter[]
  /** `parameters()` with the way to each: `0.weight` is the weight of the module 0 inside. */
  namedParameters(): [name: string, parameter: Parameter][]
  /** What a layer keeps for itself, such as running statistics. */
  buffers(): Parameter[]
  namedBuffers(): [name: string, buffer: Parameter][]
  /** Goes to training mode (or, with false, leaves it), with all modules inside. */
  train(mode?: boolean): this
  /** Leaves training mode: dropout lets everything pass, batch norm uses its running statistics. */
  eval(): this
  /** The name; and below, a line each, the modules inside. */
  toString(): string
}

/** A module that is called: by default from one tensor to another. */
export interface Layer<Args extends readonly unknown[] = [x: Tensor], Result = Tensor> extends Module {
  (...args: Args): Result
}

/** What a layer is made of. A parameter or child that is undefined is not there. */
export interface LayerParts<Args extends readonly unknown[], Result> {
  readonly name: string
  readonly formula?: string
  readonly parameters?: Readonly<Record<string, Parameter | undefined>>
  readonly buffers?: Readonly<Record<string, Parameter | undefined>>
  readonly children?: Readonly<Record<string, Module | undefined>>
  readonly forward: (...args: Args) => Result
}

/**
 * A layer from its parts, for what is more than one formula: `forward` computes, `parameters`, `buffers` and `children` say
 * what it holds, under the names that `namedParameters()` then gives.
 *
 *     const residual = (inner: Layer) =>
 *       defineLayer({ name: 'residual', children: { inner }, forward: (x: Tensor) => x.add(inner(x)) })
 */
export function defineLayer<Args extends readonly unknown[], Result>(
  parts: LayerParts<Args, Result>,
): Layer<Args, Result> {
  const children = present(parts.children)
  const own = present(parts.parameters)
  const kept = present(parts.buffers)
  let training = true
  const module: Module = {
    name: parts.name,
    get formula() {
      return parts.formula === undefined ? undefined : formulaOf(parts.formula)
    },
    children,
    get training() {
      return observe(() => training)
    },
    parameters: () => module.namedParameters().map(([, parameter]) => parameter),
    namedParameters: () => collect(own, children, (child) => child.namedParameters()),
    buffers: () => module.namedBuffers().map(([, buffer]) => buffer),
    namedBuffers: () => collect(kept, children, (child) => child.namedBuffers()),
    train(mode = true) {
      training = mode
      for (const child of Object.values(children)) child.train(mode)
      return this
    },
    eval() {
      return this.train(false)
    },
    toString: () => describe(module),
  }
  const call = (...args: Args): Result => parts.forward(...args)
  // Not Object.assign: a function's name is read-only to it, and it would read `training` once.
  Object.defineProperties(call, Object.getOwnPropertyDescriptors(module))
  return call as Layer<Args, Result>
}

function present<T>(record: Readonly<Record<string, T | undefined>> = {}): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).filter((entry): entry is [string, T] => entry[1] !== undefined))
}

function collect(
  own: Readonly<Record<string, Parameter>>,
  children: Readonly<Record<string, Module>>,
  within: (child: Module) => [string, Parameter][],
): [string, Parameter][] {
  const found = new Map<Parameter, string>()
  const note = (name: string, parameter: Parameter): void => {
    if (!found.has(parameter)) found.set(parameter, name)
  }
  for (const [name, parameter] of Object.entries(own)) note(name, parameter)
  for (const [name, child] of Object.entries(children))
    for (const [inner, parameter] of within(child)) note(`${name}.${inner}`, parameter)
  return [...found].map(([parameter, name]) => [name, parameter])
}

function describe(module: Module): string {
  const inside = Object.entries(module.children).map(([name, child]) => `${name}: ${describe(child)}`)
  return [module.name, ...inside.flatMap((text) => text.split('\n').map((line) => `  ${line}`))].join('\n')
}
