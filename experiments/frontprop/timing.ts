// How long one epoch takes with each way to the gradient.
import { compile, random, type Tensor } from '../../src/index.ts'
import { numericGradient } from './gradients/numeric.ts'
import { everyWeight, type PlainNetwork, type Samples, type WeightPlace } from './gradients/plain.ts'
import { recursiveGradient } from './gradients/recursive.ts'
import {
  directionalDerivative,
  factoredGradient,
  forwardGradient,
  matricisedGradient,
  type Problem,
  reverseGradient,
} from './gradients/tensors.ts'
import { type Sizes, weightCount } from './network.ts'

export interface MethodTime {
  readonly method: string
  /** Multiplications and additions in pairs, for all gradients of one sample. */
  readonly work: number
  /** For an epoch of `samples`, weights not updated. */
  readonly epochSeconds: number
  /** What was run: samples, and derivatives by so many weights (of all, when equal to their number). */
  readonly measured: { readonly samples: number; readonly weights: number; readonly seconds: number }
  /** Whether the time of an epoch follows from less than a whole epoch's first batch. */
  readonly extrapolated: boolean
}

interface Method {
  readonly method: string
  readonly work: (sizes: Sizes) => number
  /** Runs once and says how much of an epoch that was; run twice before it is timed. */
  prepare(
    sizes: Sizes,
  ): Promise<{ readonly once: () => Promise<void>; readonly samples: number; readonly weights: number }>
}

/**
 * Times every method on networks of the given sizes, for `milliseconds` each (but at least one run). What takes long is run
 * on few samples or for few weights, and says so.
 */
export async function timeMethods(sizes: Sizes, samples: number, milliseconds: number): Promise<readonly MethodTime[]> {
  const times: MethodTime[] = []
  for (const { method, work, prepare } of methods) {
    const { once, samples: run, weights } = await prepare(sizes)
    const seconds = await shortest(once, milliseconds)
    const all = weightCount(sizes)
    times.push({
      method,
      work: work(sizes),
      epochSeconds: seconds * (samples / run) * (all / weights),
      measured: { samples: run, weights, seconds },
      extrapolated: run < batchSize || weights < all,
    })
  }
  return times
}

/** The document's. */
const batchSize = 1000

/** Seconds of the quickest of some runs: what else the machine does can only make one longer. */
async function shortest(once: () => Promise<void>, milliseconds: number): Promise<number> {
  await once()
  const began = performance.now()
  let best = Number.POSITIVE_INFINITY
  do {
    const start = performance.now()
    await once()
    best = Math.min(best, performance.now() - start)
  } while (performance.now() - began < milliseconds)
  return best / 1000
}

const methods: readonly Method[] = [
  {
    method: 'numeric differences',
    work: (sizes) => 2 * weightCount(sizes) * runWork(sizes),
    prepare: plain((net, samples, places) => numericGradient(net, samples, places), 40),
  },
  {
    method: 'equation (2), recursive',
    work: (sizes) => recursiveWork(sizes, 1),
    prepare: plain((net, samples, places) => recursiveGradient(net, samples, places), 40),
  },
  {
    method: 'equation (2), with the case k = l - 2',
    work: (sizes) => recursiveWork(sizes, 2),
    prepare: plain((net, samples, places) => recursiveGradient(net, samples, places, { shortcut: true }), 200),
  },
  {
    method: 'forward mode, weight by weight (jvp)',
    work: (sizes) => 2 * weightCount(sizes) * runWork(sizes),
    prepare: async (sizes) => {
      const problem = randomProblem(sizes, batchSize)
      const direction = random.normal(problem.weights[0].shape, { seed: 5 }).detach()
      const step = compile((x: Tensor, t: Tensor, along: Tensor, ...weights: Tensor[]) =>
        directionalDerivative({ weights, x, t }, 0, along),
      )
      const once = async (): Promise<void> => {
        await step(problem.x, problem.t, direction, ...problem.weights).item()
      }
      return { once, samples: batchSize, weights: 1 }
    },
  },
  {
    method: 'forward mode, all weights at once',
    work: (sizes) => forwardWork(sizes) + firstTangentWork(sizes),
    prepare: tensors(forwardGradient, () => 1),
  },
  {
    method: 'equation (2) in matrices',
    work: forwardWork,
    prepare: tensors(matricisedGradient, (sizes) => (weightCount(sizes) > 50_000 ? 1 : 20)),
  },
  {
    method: 'equation (2) in matrices, a^k_i taken out',
    work: factoredWork,
    prepare: tensors(factoredGradient, (sizes) => (weightCount(sizes) > 50_000 ? 100 : batchSize)),
  },
  { method: 'reverse mode', work: reverseWork, prepare: tensors(reverseGradient, () => batchSize) },
]

type PlainGradient = (net: PlainNetwork, samples: Samples, places: readonly WeightPlace[]) => Float64Array

/** In plain JavaScript: one sample, and weights spread over the network. */
function plain(gradient: PlainGradient, weights: number): Method['prepare'] {
  return async (sizes) => {
    const { weights: all, x, t } = randomProblem(sizes, 1)
    const read = async (tensor: Tensor): Promise<Float64Array> => Float64Array.from(await tensor.data())
    const net: PlainNetwork = { sizes, weights: await Promise.all(all.map(read)) }
    const samples: Samples = { count: 1, inputs: await read(x), targets: await read(t) }
    const places = everyWeight(sizes)
    const some = Array.from({ length: weights }, (_, at) => places[Math.floor(((at + 0.5) / weights) * places.length)])
    const once = async (): Promise<void> => {
      gradient(net, samples, some)
    }
    return { once, samples: 1, weights }
  }
}

/** As one compiled program: all weights, as many samples as fit. */
function tensors(
  gradient: (problem: Problem) => readonly Tensor[],
  batchOf: (sizes: Sizes) => number,
): Method['prepare'] {
  return async (sizes) => {
    const batch = batchOf(sizes)
    const problem = randomProblem(sizes, batch)
    const step = compile((x: Tensor, t: Tensor, ...weights: Tensor[]) => gradient({ weights, x, t }))
    const once = async (): Promise<void> => {
      const gradients = step(problem.x, problem.t, ...problem.weights)
      await gradients[0].data()
      for (const one of gradients) one[Symbol.dispose]()
    }
    return { once, samples: batch, weights: weightCount(sizes) }
  }
}

/** Times do not depend on the numbers, as long as they are usual ones. */
function randomProblem(sizes: Sizes, batch: number): Problem {
  return {
    weights: sizes
      .slice(1)
      .map((m, k) => random.normal([sizes[k] + 1, m], { seed: k, std: 1 / Math.sqrt(sizes[k] + 1) }).detach()),
    x: random.uniform([batch, sizes[0]], { seed: 10 }).detach(),
    t: random.uniform([batch, sizes.at(-1)!], { seed: 11 }).detach(),
  }
}

/** One run of one sample. */
const runWork = (sizes: Sizes): number => weightCount(sizes)

/** Terms of equation (2) for all weights and outputs; `direct` levels of recursion need no sum. */
function recursiveWork(sizes: Sizes, direct: 1 | 2): number {
  const last = sizes.length - 1
  const terms = (l: number, k: number): number => (l <= k + direct ? 1 : 1 + (sizes[l - 1] + 1) * terms(l - 1, k))
  return sizes.slice(0, -1).reduce((total, n, k) => total + (n + 1) * sizes[k + 1] * sizes[last] * terms(last, k), 0)
}

/** The tangents of all activations by all weights before them. */
function forwardWork(sizes: Sizes): number {
  const last = sizes.length - 1
  let work = 0
  for (let k = 0; k < last; k++) {
    const weights = (sizes[k] + 1) * sizes[k + 1]
    for (let l = k + 2; l <= last; l++) work += weights * sizes[l - 1] * sizes[l]
    work += weights * sizes[last]
  }
  return work
}

/** What the general rule does besides: it sums over i to find the one term that is not 0. */
const firstTangentWork = (sizes: Sizes): number =>
  sizes.slice(1).reduce((work, m, k) => work + (sizes[k] + 1) * m * (sizes[k] + 1) * m, 0)

/** The gradients by all weights, and by all units but those of the input. */
function reverseWork(sizes: Sizes): number {
  return weightCount(sizes) + weightCount(sizes.slice(1))
}

/** The tangents by the inputs of a layer's units instead of by its weights. */
function factoredWork(sizes: Sizes): number {
  const last = sizes.length - 1
  let work = weightCount(sizes)
  for (let k = 0; k < last; k++) {
    for (let l = k + 2; l <= last; l++) work += sizes[k + 1] * sizes[l - 1] * sizes[l]
    work += sizes[k + 1] * sizes[last]
  }
  return work
}
