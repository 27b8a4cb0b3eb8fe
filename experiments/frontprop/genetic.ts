// The document's genetic algorithm on the classifier: one generation (children, mutation, fitness of all) is one program.
import { batches, type Split } from '../../src/data/index.ts'
import {
  compile,
  concat,
  formula,
  fromArray,
  type Parameter,
  random,
  scalar,
  type Tensor,
  tensor,
} from '../../src/index.ts'
import { init, mse, parameter } from '../../src/nn/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import { classifierSizes, denseText, type Sizes } from './network.ts'
import { pixelsOf } from './training.ts'

export interface GeneticOptions {
  readonly generations: number
  /** Images that decide over a generation. */
  readonly batchSize: number
  readonly seed: number
  /**
   * As in the document's program: an individual is judged once, by the batch of its birth, for ever; and all genes of a child
   * that mutate move by one and the same number. Otherwise all are judged by the same new batch in each generation, and every
   * gene moves by a number of its own.
   */
  readonly original?: boolean
  readonly signal?: AbortSignal
}

/** The best individual, as it does on all test images. */
export interface Fittest {
  readonly generation: number
  readonly hitRate: number
  readonly error: number
}

const population = 8
const children = 4
const all = population + children
const mutationRate = 0.005
/** The share of genes that come from the fitter parent. */
const crossover = 0.7

/**
 * Each generation: the population in order of fitness times luck ("roulette"); of its better half each two neighbours have
 * a child, twice; of parents and children the fittest stay. Fitness is the mean error, negative.
 */
export async function evolve({ train, test }: Split, options: GeneticOptions): Promise<readonly Fittest[]> {
  const { generations, seed, original = false, batchSize, signal } = options
  const sizes = classifierSizes(pixelsOf(train), train.classes.length)
  const luck = (generation: number, at: number): number => uniformAt(seed, luckStream, generation, at)
  const weights = firstGeneration(sizes, seed)
  const nextGeneration = generationStep(weights, { train, seed, original })
  const judgeBest = judgeStep(weights, test)
  const rows = endlessRows(train.shape[0], batchSize, seed)
  const found: Fittest[] = []
  // At first all are strangers: their fitness decides who of them stays.
  let fitness = new Float64Array(all)
  let ranked = Array.from({ length: all }, (_, at) => at)
  for (let generation = 0; generation <= generations && !signal?.aborted; generation++) {
    const stay = ranked.slice(0, population)
    const drawn = stay
      .map((_, at) => ({ at, value: fitness[stay[at]] * luck(generation, at) }))
      .sort((a, b) => b.value - a.value)
      .map(({ at }) => at)
    const errors = await nextGeneration(stay, drawn, generation, rows.next().value)
    const kept = original && generation > 0 ? stay.map((individual) => fitness[individual]) : []
    fitness = Float64Array.from(errors, (error, at) => kept[at] ?? -error)
    ranked = Array.from(fitness.keys()).sort((a, b) => fitness[b] - fitness[a])
    if (generation % measuredEvery(generations) === 0 || generation === generations)
      found.push({ generation, ...(await judgeBest(ranked[0])) })
  }
  return found
}

const luckStream = 1 << 20

const measuredEvery = (generations: number): number => Math.max(1, Math.round(generations / 100))

/** Of each layer the weights of all individuals, [all, n + 1, m]. */
const firstGeneration = (sizes: Sizes, seed: number): Parameter[] => {
  manualSeed(seed)
  return sizes.slice(1).map((m, k) => {
    const n = sizes[k]
    return parameter([all, n + 1, m], init.normal(0, 1 / Math.sqrt(n + 1)), { name: `w${k}` })
  })
}

const child = formula(
  'w1[c,i,j] = where(own[c,i,j] < share, w[p[c],i,j], w[q[c],i,j]) + where(fate[c,i,j] < rate, shift[c,i,j], 0)',
)

interface Surroundings {
  readonly train: Split['train']
  readonly seed: number
  readonly original: boolean
}

/** Who stays, and in which order they pair, to the errors of all afterwards: those who stayed first, then the children. */
function generationStep(weights: readonly Parameter[], { train, seed, original }: Surroundings) {
  const images = fromArray(train.images, [train.shape[0], pixelsOf(train)])
  const labels = fromArray(train.labels, [train.shape[0]])
  const step = compile((stay: Tensor, p: Tensor, q: Tensor, generation: Tensor, rows: Tensor) => {
    for (const [k, parameter] of weights.entries()) {
      const w = parameter.take(stay, 0)
      const shape = [children, ...parameter.shape.slice(1)]
      const draw = (stream: number) => ({ seed, stream: 4 * k + stream, step: generation })
      const shift = original
        ? random.normal([children, 1, 1], { seed, stream: luckStream + 1, step: generation }).broadcastTo(shape)
        : random.normal(shape, draw(2))
      const born = child({
        w: w as Tensor<3>,
        p: p as Tensor<1>,
        q: q as Tensor<1>,
        own: random.uniform(shape, draw(0)) as Tensor<3>,
        fate: random.uniform(shape, draw(1)) as Tensor<3>,
        shift: shift as Tensor<3>,
        share: crossover,
        rate: mutationRate,
      })
      parameter.assign(concat([w, born], 0))
    }
    const x = images.take(rows, 0)
    const y = labels.take(rows, 0).oneHot(train.classes.length)
    return errorsOf(weights, x, y)
  })
  return async (stay: readonly number[], drawn: readonly number[], generation: number, rows: Int32Array) => {
    const parents = [0, 2, 0, 2]
    const errors = step(
      tensor(Int32Array.from(stay)),
      tensor(Int32Array.from(parents, (at) => drawn[at])),
      tensor(Int32Array.from(parents, (at) => drawn[at + 1])),
      scalar(generation, 'i32'),
      fromArray(rows, [rows.length]),
    )
    return (await errors.data()) as Float32Array
  }
}

const firstLayer = formula('a[p,b,j] = sigmoid(w[p,n,j] + sum(i<n) w[p,i,j] * x[b,i] / 255)')
const nextLayer = formula('a[p,b,j] = sigmoid(w[p,n,j] + sum(i<n) w[p,i,j] * x[p,b,i])')

/** Outputs of all individuals for bytes x [b, pixels]: [individual, b, class]. */
function outputsOf(weights: readonly Tensor[], x: Tensor): Tensor<3> {
  let a = firstLayer({ w: weights[0] as Tensor<3>, x: x as Tensor<2>, n: x.shape[1] })
  for (const w of weights.slice(1)) a = nextLayer({ w: w as Tensor<3>, x: a, n: a.shape[2] })
  return a
}

const meanSquares = formula('E[p] = mean(b,j) (a[p,b,j] - t[b,j])^2')

const errorsOf = (weights: readonly Tensor[], x: Tensor, t: Tensor): Tensor =>
  meanSquares({ a: outputsOf(weights, x), t: t as Tensor<2> })

function judgeStep(weights: readonly Parameter[], test: Split['test']) {
  const images = fromArray(test.images, [test.shape[0], pixelsOf(test)])
  const labels = fromArray(test.labels, [test.shape[0]])
  const dense = formula(denseText)
  const step = compile((who: Tensor) => {
    let a = images.mul(1 / 255)
    for (const w of weights) a = dense({ w: w.take(who, 0).squeeze(0), x: a, n: a.shape[1] })
    return {
      error: mse(a, labels.oneHot(test.classes.length)),
      hits: a.argmax(-1).eq(labels).cast('i32').sum(),
    }
  })
  return async (individual: number): Promise<Omit<Fittest, 'generation'>> => {
    const { error, hits } = step(tensor(Int32Array.of(individual)))
    return { error: await error.item(), hitRate: (await hits.item()) / test.shape[0] }
  }
}

function* endlessRows(n: number, batchSize: number, seed: number): Generator<Int32Array, never> {
  for (let epoch = 0; ; epoch++) yield* batches(n, Math.min(n, batchSize), { seed, epoch, dropLast: true })
}
