// A recurrent layer carries the first sign of a sequence to its end, where it is to be compared with the last.
import { formula, type Tensor, tensor, zeros } from '../../../src/index.ts'
import { init, parameter } from '../../../src/nn/index.ts'
import { lineChart } from '../../../src/plot/index.ts'
import { recurrentText } from '../layers.ts'
import { dice, type Learnt, learn } from './learn.ts'

const cell = formula(recurrentText)
const time = 8
const hidden = 24

export async function learnMemory(steps: number, seed: number, signal?: AbortSignal): Promise<Learnt> {
  const U = parameter([hidden, 1])
  const V = parameter([hidden, hidden])
  const c = parameter([hidden], init.constant(0))
  const W = parameter([1, hidden])
  const b = parameter([1], init.constant(0))
  const readOut = formula('z[n,i] = b[i] + sum(j) W[i,j] * h[n,j]')
  const states = (x: Tensor): Tensor<2>[] => {
    const all: Tensor<2>[] = [zeros([x.shape[0], hidden])]
    for (let t = 0; t < time; t++) all.push(cell({ U, V, c, x: x.slice(null, [t, t + 1]) as Tensor<2>, h: all[t] }))
    return all
  }
  const net = (x: Tensor): Tensor => readOut({ W, b, h: states(x)[time] })
  const points = await learn({
    parameters: [U, V, c, W, b],
    loss: (x, product) => net(x).sub(product).square().mean(),
    batch: (step) => sequences(128, seed, step),
    steps,
    lr: 0.005,
    signal,
  })
  const [x, product] = sequences(4000, seed + 1, 0)
  return {
    task: 'recurrent',
    about: `The product of the first and the last of ${time} signs, which come one at a time: ${hidden} units with tanh.`,
    points,
    reached: await net(x).mul(product).gt(0).mean().item(),
    baseline: 0.5,
    measure: 'share right',
    picture: await memory(states),
  }
}

function sequences(count: number, seed: number, step: number): readonly Tensor[] {
  const next = dice(seed, step)
  const signs = Float32Array.from({ length: count * time }, () => (next() < 0.5 ? -1 : 1))
  const products = Float32Array.from({ length: count }, (_, at) => signs[at * time] * signs[(at + 1) * time - 1])
  return [tensor(signs, { shape: [count, time] }), tensor(products, { shape: [count, 1] })]
}

/** How far apart two sequences are in the states that differ in their first sign only. */
async function memory(states: (x: Tensor) => readonly Tensor[]) {
  const signs = [1, -1, 1, 1, -1, 1, -1, 1]
  const pair = tensor([signs, [-1, ...signs.slice(1)]], { dtype: 'f32' })
  const points: [number, number][] = []
  for (const [t, state] of states(pair).entries())
    points.push([t, await state.select(0, 0).sub(state.select(0, 1)).norm().item()])
  return lineChart({
    title: 'Two sequences that differ in their first sign only',
    x: { label: 'time', unit: 'signs read' },
    y: { label: 'distance of their states', from: 0 },
    series: [{ name: '', points, dots: true }],
    height: 300,
  })
}
