import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grad } from '../../src/autodiff/index.ts'
import { tensor, zeros } from '../../src/graph/index.ts'
import type { Parameter } from '../../src/graph/parameter.ts'
import type { Tensor } from '../../src/graph/tensor.ts'
import { compile } from '../../src/index.ts'
import { init, linear, mse, parameter } from '../../src/nn/index.ts'
import type { Optimizer } from '../../src/optim/index.ts'
import { adam, adamW, sgd } from '../../src/optim/index.ts'

const start = [1.5, -0.75, 0.25]

/** A gradient with several scales, that changes as the parameters do. */
const slope = (p: number, i: number): number => [1, 0.01, 100][i] * (p - 0.1 * i) + Math.sin(3 * p)

/** What `next` makes of each number, a loop over the updates. */
function sequence<State>(
  state: () => State,
  next: (p: number, g: number, state: State, t: number) => number,
): number[] {
  return start.map((first, i) => {
    const own = state()
    let p = first
    for (let t = 1; t <= 12; t++) p = next(p, slope(p, i), own, t)
    return p
  })
}

async function expectSequence(make: () => Optimizer, expected: readonly number[]): Promise<void> {
  const scales = tensor([1, 0.01, 100], { dtype: 'f64' })
  const shifts = tensor([0, 0.1, 0.2], { dtype: 'f64' })
  const gradientOf = (p: Tensor): Tensor => p.sub(shifts).mul(scales).add(p.mul(3).sin())
  for (const compiled of [false, true]) {
    const p = parameter([3], { fill: (values) => values.set(start) }, { dtype: 'f64' })
    const optimizer = make().bind([p])
    const update = (): void => optimizer.update([gradientOf(p)])
    const step = compiled ? compile(() => update() as undefined) : update
    for (let t = 0; t < 12; t++) step()
    const found = await p.data()
    for (const [i, value] of expected.entries())
      assert(
        Math.abs(found[i] - value) <= 1e-10 * Math.max(1, Math.abs(value)),
        `${optimizer.name}${compiled ? ', compiled' : ''}: ${found[i]}, not ${value}`,
      )
  }
}

test('sgd is that of PyTorch, with momentum, Nesterov momentum and weight decay', async () => {
  const lr = 0.005
  await expectSequence(
    () => sgd({ lr }),
    sequence(
      () => null,
      (p, g) => p - lr * g,
    ),
  )
  for (const nesterov of [false, true])
    await expectSequence(
      () => sgd({ lr, momentum: 0.8, nesterov, weightDecay: 0.3 }),
      sequence(
        () => ({ b: null as number | null }),
        (p, gradient, state) => {
          const g = gradient + 0.3 * p
          state.b = state.b === null ? g : 0.8 * state.b + g
          return p - lr * (nesterov ? g + 0.8 * state.b : state.b)
        },
      ),
    )
})

/** The loop of torch.optim.Adam and AdamW. */
const adamSequence = (weightDecay: number, decoupled: boolean, [beta1, beta2]: readonly [number, number], lr: number) =>
  sequence(
    () => ({ m: 0, v: 0 }),
    (before, gradient, state, t) => {
      const p = decoupled ? before - lr * weightDecay * before : before
      const g = decoupled ? gradient : gradient + weightDecay * before
      state.m = beta1 * state.m + (1 - beta1) * g
      state.v = beta2 * state.v + (1 - beta2) * g * g
      const denominator = Math.sqrt(state.v) / Math.sqrt(1 - beta2 ** t) + 1e-8
      return p - (lr / (1 - beta1 ** t)) * (state.m / denominator)
    },
  )

test('adam and adamW are those of PyTorch', async () => {
  await expectSequence(() => adam(), adamSequence(0, false, [0.9, 0.999], 1e-3))
  await expectSequence(
    () => adam({ lr: 0.1, betas: [0.5, 0.9], weightDecay: 0.2 }),
    adamSequence(0.2, false, [0.5, 0.9], 0.1),
  )
  await expectSequence(() => adam({ lr: 0.1, betas: [0, 0.9] }), adamSequence(0, false, [0, 0.9], 0.1))
  await expectSequence(() => adamW({ lr: 0.1 }), adamSequence(0.01, true, [0.9, 0.999], 0.1))
  await expectSequence(() => adamW({ lr: 0.1, weightDecay: 0.5 }), adamSequence(0.5, true, [0.9, 0.999], 0.1))
})

test('in f32 the first Adam step is lr, whatever the size of the gradient', async () => {
  const p = parameter([2], init.constant(1))
  adam({ lr: 0.01 }).update([p], [tensor([1e-3, 1e3])])
  const [small, large] = await p.data()
  assert(Math.abs(small - 0.99) < 1e-6 && Math.abs(large - 0.99) < 1e-6, `${small} and ${large}`)
})

test('the learning rate can change between the runs of a compiled step, which is not traced again', async () => {
  const p = parameter([1], zeros, { dtype: 'f64' })
  const optimizer = sgd({ lr: 0.5 })
  const step = compile((g: Tensor) => optimizer.update([p], [g]) as undefined)
  const gradient = tensor([1], { dtype: 'f64' })
  step(gradient)
  optimizer.lr = 0.25
  assert.equal(optimizer.lr, 0.25)
  step(gradient)
  assert.equal(await p.at(0).item(), -0.75)
  assert.equal(step.programs.length, 1)
})

test('gradients come in order, by name or by parameter', async () => {
  const net = linear(1, 1, { weightInit: zeros, biasInit: zeros, dtype: 'f64' })
  const [weight, bias] = net.parameters()
  const [dw, db] = [tensor([[2]], { dtype: 'f64' }), tensor([3], { dtype: 'f64' })]
  const optimizer = sgd({ lr: 1 }).bind(net)
  optimizer.update([dw, db])
  optimizer.update({ bias: db, weight: dw })
  optimizer.update(
    new Map<Parameter, Tensor>([
      [bias, db],
      [weight, dw],
    ]),
  )
  assert.equal(await weight.at(0, 0).item(), -6)
  assert.equal(await bias.at(0).item(), -9)
})

test('a step compiled whole learns a line', async () => {
  const net = linear(1, 1)
  const optimizer = adam({ lr: 0.05 })
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = mse(net(x), y)
    optimizer.update(net.parameters(), grad(loss, net.parameters()))
    return { loss }
  })
  const x = tensor([[-1], [0], [1], [2]])
  const y = x.mul(3).sub(1)
  for (let t = 0; t < 400; t++) step(x, y)
  assert((await step(x, y).loss.item()) < 1e-3)
  assert.equal(step.programs.length, 1)
  const [weight, bias] = net.parameters()
  assert(Math.abs((await weight.at(0, 0).item()) - 3) < 0.05 && Math.abs((await bias.at(0).item()) + 1) < 0.05)
})

test('the state goes by name, and holds what is needed to go on', async () => {
  const net = linear(2, 1)
  const optimizer = adam()
  assert.deepEqual(optimizer.state, {})
  optimizer.bind(net).update([zeros([1, 2]).add(1), zeros([1])])
  assert.deepEqual(Object.keys(optimizer.state), ['step', 'mean.weight', 'square.weight', 'mean.bias', 'square.bias'])
  assert.equal(await optimizer.state.step.item(), 1)
  assert.deepEqual(
    (await optimizer.state['mean.weight'].data()).map((value) => Math.round(value * 1e6) / 1e6),
    Float32Array.from([0.1, 0.1]),
  )
  assert.deepEqual(Object.keys(sgd({ lr: 1 }).bind(net).state), [])
})

test('an optimizer that cannot update says why', () => {
  const p = parameter([2], zeros)
  assert.throws(() => sgd({ lr: 1 }).update([zeros([2])]), { code: 'optimizer-unbound' })
  const optimizer = sgd({ lr: 1 }).bind([p])
  assert.throws(() => optimizer.update([]), { code: 'missing-gradient', message: /0 gradients for 1 parameters/ })
  assert.throws(() => optimizer.update({}), { code: 'missing-gradient', message: /for the parameter 0/ })
  assert.throws(() => optimizer.update([zeros([3])]), {
    code: 'shape-mismatch',
    message: 'sgd: the gradient of 0 has shape [3], the parameter [2]; they must be equal',
  })
  assert.throws(() => optimizer.bind([parameter([2], zeros)]), { code: 'optimizer-bound' })
  assert.throws(() => sgd({ lr: -1 }), { code: 'bad-option', message: 'sgd: lr is -1; it must be 0 or more' })
  assert.throws(() => sgd({ lr: 1, nesterov: true }), { code: 'bad-option', message: /more than 0 for nesterov/ })
  assert.throws(() => adam({ betas: [0.9, 1] }), { code: 'bad-option', message: /a beta is 1/ })
})
