import { parameterNode } from '../graph/build.ts'
import { Parameter } from '../graph/parameter.ts'
import type { Tensor } from '../graph/tensor.ts'
import { defaultGenerator } from '../random/generator.ts'
import { apply } from './apply.ts'
import { checkProbability, checkRank } from './checks.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'

/**
 * In training, each element becomes 0 with probability `p`, and what stays is divided by 1 - p; otherwise x itself.
 * The mask comes from the stream that the generator of `manualSeed` hands out here, and from a counter, the buffer `step`,
 * that every call in training advances, so that a compiled step draws anew at each run.
 * Source: Srivastava and others, 2014. Throws EinfoldError `bad-option`.
 */
export const dropout = (p = 0.5): Layer =>
  masking('dropout', p, 'z[i] = where(uniform(seed, stream, step, i) < p, 0, x[i] / (1 - p))', (x) => [x.size])

/**
 * As `dropout`, of whole channels: [batch, channels, …].
 * Source: Tompson and others, 2015. Throws EinfoldError `bad-option`; called, ShapeError.
 */
export function dropout2d(p = 0.5): Layer {
  const formula = 'z[c,i] = where(uniform(seed, stream, step, c) < p, 0, x[c,i] / (1 - p))'
  return masking('dropout2d', p, formula, (x) => {
    if (x.shape.length < 3) checkRank(`dropout2d(${p})`, x, ['batch', 'channels', 'height', 'width'])
    const channels = x.shape[0] * x.shape[1]
    return [channels, x.size / channels]
  })
}

function masking(kind: string, p: number, formula: string, shapeOf: (x: Tensor) => readonly number[]): Layer {
  const name = `${kind}(${p})`
  checkProbability(name, 'p', p)
  const { seed, nextStream } = defaultGenerator()
  const stream = nextStream()
  const step = new Parameter(parameterNode('step', new Int32Array(1), [], 'i32'))
  const layer: Layer = defineLayer({
    name,
    formula,
    buffers: { step },
    forward: (x: Tensor) => {
      if (!layer.training || p === 0) return x
      const flat = x.reshape(shapeOf(x))
      const z = apply(formula, { x: flat, p, seed, stream, step })
      step.assign(step.add(1))
      return z.reshape(x.shape)
    },
  })
  return layer
}
