// How good a network is.
import { batches } from '../data/shuffle.ts'
import { fromArray } from '../graph/creation.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Layer } from '../nn/layer.ts'
import { compile } from '../runtime/compile.ts'
import { batchTaker } from './batch.ts'
import { areClasses, type Data, type Examples, examplesOf, type Statistics, statisticsOf } from './examples.ts'
import { turn } from './turn.ts'

/** A loss of a batch: its mean is taken where it has one value an example. */
export type Loss = (outputs: Tensor, labels: Tensor) => Tensor

export interface EvaluateOptions {
  readonly loss?: Loss
  /** Examples at a time; 250 when left out. */
  readonly batchSize?: number
  /** What to standardise bytes by. When left out: what the network was trained with, else the statistics of `data`. */
  readonly statistics?: Statistics
  /** Stops after the current batch; what was seen so far counts. */
  readonly signal?: AbortSignal
}

export interface Evaluation {
  /** Examples seen. */
  readonly count: number
  /** The mean over them; null without a `loss`. */
  readonly loss: number | null
  /** The share of right answers; null when labels are not class numbers. */
  readonly accuracy: number | null
  /** The class of the largest output, an example; empty when labels are not class numbers. */
  readonly predictions: Int32Array
  readonly seconds: number
}

/**
 * Runs a network over a data set in evaluation mode, and puts it back into the mode it was in. Every example counts once: the
 * last batch, when it is smaller, is a program of its own. Throws ShapeError `shape-mismatch`, `empty-set`.
 */
export async function evaluate(net: Layer, data: Data, options: EvaluateOptions = {}): Promise<Evaluation> {
  const statistics = options.statistics ?? trainedWith.get(net) ?? (await statisticsOf(data))
  return evaluator(net, examplesOf(data), { ...options, statistics })(options.signal)
}

/** What a network's training standardised its images by. */
export const trainedWith = new WeakMap<Layer, Statistics>()

/** `evaluate` for more than one time: the step is compiled at the first. */
export function evaluator(
  net: Layer,
  examples: Examples,
  options: { readonly loss?: Loss; readonly batchSize?: number; readonly statistics: Statistics | null },
): (signal?: AbortSignal) => Promise<Evaluation> {
  const { loss, batchSize = 250, statistics } = options
  const take = batchTaker(examples, statistics)
  const classified = areClasses(examples)
  const step = compile((rows: Tensor) => {
    const { images, labels } = take({ rows })
    const outputs = net(images)
    return {
      loss: loss ? meanOf(loss(outputs, labels)) : undefined,
      predictions: classified ? outputs.argmax(-1) : undefined,
      hits: classified ? outputs.argmax(-1).eq(labels).cast('i32').sum() : undefined,
    }
  })
  return async (signal) => {
    const began = performance.now()
    const n = examples.images.shape[0]
    const predictions = new Int32Array(classified ? n : 0)
    let count = 0
    let hits = 0
    let lossSum = 0
    const before = net.training
    net.eval()
    try {
      for (const rows of batches(n, batchSize)) {
        const result = step(fromArray(rows, [rows.length]))
        if (result.loss) lossSum += (await numberOf(result.loss)) * rows.length
        if (result.hits) hits += await numberOf(result.hits)
        if (result.predictions) predictions.set(await result.predictions.data(), count)
        result.predictions?.[Symbol.dispose]()
        count += rows.length
        await turn()
        if (signal?.aborted) break
      }
    } finally {
      net.train(before)
    }
    return {
      count,
      loss: loss ? lossSum / count : null,
      accuracy: classified ? hits / count : null,
      predictions: predictions.subarray(0, classified ? count : 0),
      seconds: (performance.now() - began) / 1000,
    }
  }
}

/** One number of a batch. */
export const meanOf = (loss: Tensor): Tensor => (loss.rank === 0 ? loss : loss.mean())

/** The number in a tensor that is of no further use. */
export async function numberOf(result: Tensor): Promise<number> {
  const number = await result.item()
  result[Symbol.dispose]()
  return number
}
