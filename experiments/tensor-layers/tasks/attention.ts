// Multi-head attention looks up: pairs of a key and a value, then a key alone; wanted is its value.
import { formula, type Tensor, tensor } from '../../../src/index.ts'
import { crossEntropy, parameter, xavierUniform } from '../../../src/nn/index.ts'
import { heatMap } from '../../../src/plot/index.ts'
import { attentionText } from '../layers.ts'
import { dice, type Learnt, learn, shareRight } from './learn.ts'

const attention = formula(attentionText)
/** The same up to the weights, to look at them. */
const weights = formula(`q[n,t,h,d] = sum(e) Q[h,d,e] * x[n,t,e]
k[n,t,h,d] = sum(e) K[h,d,e] * x[n,t,e]
s[n,h,t,t'] = sum(d) q[n,t,h,d] * k[n,t',h,d] / sqrt(D)
a[n,h,t,t'] = exp(s[n,h,t,t']) / sum(u) exp(s[n,h,t,u])`)

const keys = 8
const values = 5
const pairs = 6
/** Key, value, and whether the value is asked for. */
const features = keys + values + 1
const heads = 2
const size = 12

export async function learnLookup(steps: number, seed: number, signal?: AbortSignal): Promise<Learnt> {
  const inward = () => parameter([heads, size, features], xavierUniform({ fanIn: features, fanOut: size }))
  const [Q, K, V] = [inward(), inward(), inward()]
  const O = parameter([values, heads, size], xavierUniform({ fanIn: heads * size, fanOut: values }))
  const net = (x: Tensor): Tensor => attention({ x: x as Tensor<3>, Q, K, V, O, D: size }).select(1, pairs)
  const points = await learn({
    parameters: [Q, K, V, O],
    loss: (x, wanted) => crossEntropy(net(x), wanted),
    batch: (step) => lookups(128, seed, step),
    steps,
    lr: 0.01,
    signal,
  })
  const [x, wanted] = lookups(2000, seed + 1, 0)
  const { text, one } = example(seed + 2)
  const looks = weights({ x: one as Tensor<3>, Q, K, D: size })
    .select(0, 0)
    .select(1, pairs)
  return {
    task: 'multi-head attention',
    about: `Six pairs of one of ${keys} keys and one of ${values} values, then a key: its value is wanted. Two heads of ${size}.`,
    points,
    reached: await shareRight(net(x), wanted),
    baseline: 1 / values,
    measure: 'share right',
    picture: heatMap({
      title: 'Where the last place looks',
      values: (await looks.array()) as unknown as number[][],
      x: { names: text },
      y: { names: ['head 1', 'head 2'] },
      from: 0,
      to: 1,
      cell: 44,
      numbers: (value) => value.toFixed(2),
    }),
  }
}

interface Lookup {
  readonly shown: readonly (readonly [key: number, value: number])[]
  readonly asked: number
}

/** Six different keys, each with any value; one of them is asked for. */
function draw(next: () => number): Lookup {
  const order = Array.from({ length: keys }, (_, key) => ({ key, luck: next() })).sort((a, b) => a.luck - b.luck)
  const shown = order.slice(0, pairs).map(({ key }) => [key, Math.floor(values * next())] as const)
  return { shown, asked: Math.floor(pairs * next()) }
}

function encode(all: readonly Lookup[]): Tensor {
  const x = new Float32Array(all.length * (pairs + 1) * features)
  for (const [n, { shown, asked }] of all.entries()) {
    const place = (t: number): number => (n * (pairs + 1) + t) * features
    for (const [t, [key, value]] of shown.entries()) x[place(t) + key] = x[place(t) + keys + value] = 1
    x[place(pairs) + shown[asked][0]] = x[place(pairs) + features - 1] = 1
  }
  return tensor(x, { shape: [all.length, pairs + 1, features] })
}

function lookups(count: number, seed: number, step: number): readonly Tensor[] {
  const next = dice(seed, step)
  const all = Array.from({ length: count }, () => draw(next))
  const wanted = Int32Array.from(all, ({ shown, asked }) => shown[asked][1])
  return [encode(all), tensor(wanted)]
}

function example(seed: number): { readonly text: readonly string[]; readonly one: Tensor } {
  const lookup = draw(dice(seed, 0))
  const text = lookup.shown.map(([key, value]) => `${letters[key]}→${value}`)
  return { text: [...text, `${letters[lookup.shown[lookup.asked][0]]}?`], one: encode([lookup]) }
}

const letters = 'ABCDEFGH'
