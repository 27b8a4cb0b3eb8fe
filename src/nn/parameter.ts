// Parameters: made with a shape and an initializer, drawn when they are first looked at.
import type { TypedArray } from '../dtype.ts'
import { typedArray } from '../dtype.ts'
import { EinfoldError } from '../errors.ts'
import { parameterNode } from '../graph/build.ts'
import { ones, zeros } from '../graph/creation.ts'
import type { Shape, StorageRef } from '../graph/node.ts'
import { sizeOf } from '../graph/node.ts'
import { checkShape, shapeText } from '../graph/operations/axes.ts'
import { Parameter } from '../graph/parameter.ts'
import { defaultGenerator } from '../random/generator.ts'
import { uniformAt } from '../random/threefry.ts'
import type { Fans, Initializer } from './initializers.ts'
import { constant, layerDefault } from './initializers.ts'

/** An initializer, or the functions `zeros` and `ones` that also make tensors. */
export type Init = Initializer | typeof zeros | typeof ones

/**
 * A parameter of the given shape. Its first numbers come from `init` (uniform in ±1/√fanIn when left out) and the stream
 * that the generator of `manualSeed` hands out here: the same seed and order of making give the same numbers.
 *
 * Where an initializer needs fans that it was not told, they follow from the formula of the `layer` that takes the parameter,
 * else from the shape: of [a, b, …], fanIn = b·… and fanOut = a·…, as in PyTorch. With fewer axes and no formula, reading
 * it throws EinfoldError `unknown-fans`. Throws ShapeError `bad-shape`.
 */
export function parameter<const S extends Shape>(
  shape: S,
  init: Init = layerDefault,
  options: { readonly name?: string; readonly dtype?: 'f32' | 'f64' } = {},
): Parameter<S['length']> {
  const { name = '(unnamed)', dtype = 'f32' } = options
  checkShape('parameter', shape)
  const { seed, nextStream } = defaultGenerator()
  const stream = nextStream()
  const values = typedArray(dtype, sizeOf(shape))
  const node = parameterNode(name, values, shape, dtype)
  const made = new Parameter<S['length']>(node)
  const fans = (): Fans => toldFans.get(made) ?? fansOfShape(shape, name)
  if (node.storage)
    drawWhenRead(node.storage, () => {
      initializerOf(init).fill(values, (index, step = 0) => uniformAt(seed, stream, step, index), fans)
      return values
    })
  return made
}

function initializerOf(init: Init): Initializer {
  if (typeof init === 'object') return init
  if (init === zeros) return constant(0)
  if (init === ones) return constant(1)
  throw new EinfoldError(
    'bad-initializer',
    'parameter: the initializer is a function that is neither zeros nor ones; call it first, as in xavierUniform()',
  )
}

/** Makes the numbers at the first look: by then a layer's formula may have told the fans, and unused layers cost nothing. */
function drawWhenRead(storage: StorageRef, draw: () => TypedArray): void {
  const settle = (host: TypedArray | null): void => {
    Object.defineProperty(storage, 'host', { value: host, writable: true, enumerable: true, configurable: true })
  }
  const get = (): TypedArray => {
    const values = draw()
    settle(values)
    return values
  }
  Object.defineProperty(storage, 'host', { get, set: settle, enumerable: true, configurable: true })
}

const toldFans = new WeakMap<Parameter, Fans>()

/** Tells the fans of a parameter that is not yet drawn. */
export function tellFans(parameter: Parameter | undefined, fans: Fans): void {
  if (parameter) toldFans.set(parameter, fans)
}

function fansOfShape(shape: Shape, name: string): Fans {
  if (shape.length < 2)
    throw new EinfoldError(
      'unknown-fans',
      `the parameter ${name} of shape ${shapeText(shape)} has too few axes to tell how many terms are summed through it; ` +
        'say it, as in xavierUniform({ fanIn: 3, fanOut: 3 })',
    )
  const window = sizeOf(shape.slice(2))
  return { fanIn: shape[1] * window, fanOut: shape[0] * window }
}
