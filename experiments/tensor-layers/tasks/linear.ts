// Two linear layers with tanh tell the inside of a ring from the outside; a single linear layer cannot.
import { formula, stack, type Tensor, tensor } from '../../../src/index.ts'
import { init, parameter } from '../../../src/nn/index.ts'
import { heatMap } from '../../../src/plot/index.ts'
import { linearText } from '../layers.ts'
import { dice, type Learnt, learn } from './learn.ts'

const layer = formula(linearText)
/** Half the points of the square lie inside. */
const radius = Math.sqrt(2 / Math.PI)

export async function learnRing(steps: number, seed: number, signal?: AbortSignal): Promise<Learnt> {
  const hidden = 16
  const W = parameter([hidden, 2])
  const b = parameter([hidden], init.uniform(-1, 1))
  const V = parameter([1, hidden])
  const c = parameter([1], init.constant(0))
  const net = (x: Tensor): Tensor => layer({ W: V, b: c, x: layer({ W, b, x: x as Tensor<2> }) })
  const points = await learn({
    parameters: [W, b, V, c],
    loss: (x, side) => net(x).sub(side).square().mean(),
    batch: (step) => batch(256, seed, step),
    steps,
    lr: 0.02,
    signal,
  })
  const [x, side] = batch(4000, seed + 1, 0)
  const right = await net(x).mul(side).gt(0).mean().item()
  return {
    task: 'linear with tanh',
    about: 'Points of a square, inside (+1) or outside (-1) of a circle, by two layers with 16 units between them.',
    points,
    reached: right,
    // A line through the square leaves at least this share on the wrong side: the best is all on one side.
    baseline: 0.5,
    measure: 'share right',
    picture: heatMap({
      title: 'What the two layers say of each place',
      values: await picture(net, 48),
      colors: 'diverging',
      from: -1,
      to: 1,
      cell: 6,
      legend: 'z',
      x: { label: 'x₁, from -1 to 1' },
      y: { label: 'x₂, from 1 to -1' },
    }),
  }
}

function batch(count: number, seed: number, step: number): readonly Tensor[] {
  const next = dice(seed, step)
  const places = Float32Array.from({ length: 2 * count }, () => 2 * next() - 1)
  const sides = Float32Array.from({ length: count }, (_, at) =>
    Math.hypot(places[2 * at], places[2 * at + 1]) < radius ? 1 : -1,
  )
  return [tensor(places, { shape: [count, 2] }), tensor(sides, { shape: [count, 1] })]
}

async function picture(net: (x: Tensor) => Tensor, size: number): Promise<number[][]> {
  const at = Float32Array.from({ length: size }, (_, place) => (2 * place) / (size - 1) - 1)
  const across = tensor(at).broadcastTo([size, size])
  const values = net(stack([across, across.T.neg()], 2).reshape([size * size, 2]))
  return (await values.reshape([size, size]).array()) as number[][]
}
