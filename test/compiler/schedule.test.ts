// Which nodes share loops, and what is written in place.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Compiled, compileGraph } from '../../src/compiler/compile.ts'
import type { ParameterNode } from '../../src/graph/node.ts'
import { type Parameter, setDevice, type Tensor, tensor } from '../../src/index.ts'
import { parameter } from '../../src/nn/index.ts'
import { assertSame } from '../support/runOn.ts'
import { outputsOf, run, statementsOf } from './run.ts'

setDevice('js')

const f32 = (...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => (at % 7) - 3),
    { shape },
  )

/** The loops that stand in no other loop, kernel by kernel. */
const outerLoops = ({ program }: Compiled): number[] =>
  program.kernels.map(({ body }) => body.filter(({ kind }) => kind === 'loop').length)

test('a softmax, a normalisation, and what follows on their rows share one loop over rows', () => {
  const x = f32(20, 30)
  assert.deepEqual(outerLoops(outputsOf([x.softmax(-1)])), [1])
  assert.deepEqual(outerLoops(outputsOf([x.logSoftmax(-1).mul(2)])), [1])
  const centred = x.sub(x.mean(-1, true))
  assert.deepEqual(outerLoops(outputsOf([centred.div(centred.square().mean(-1, true).add(1e-5).sqrt())])), [1])
})

test('a softmax over columns cannot share a loop over rows with what reads it by rows', async () => {
  const x = f32(5, 6)
  const y = x.softmax(0).sum(1)
  assert.ok(outputsOf([y]).program.kernels.length > 1)
  const { outputs } = await run(outputsOf([y]))
  const total = Array.from(outputs[0]).reduce((sum, value) => sum + value)
  assert.ok(Math.abs(total - 6) < 1e-5, String(total))
})

test('views and cheap arithmetic are never stored', () => {
  const x = f32(20, 30)
  const { program } = outputsOf([x.T.reshape([-1]).slice([null, null, -1]).mul(2).add(1)])
  assert.equal(program.kernels.length, 1)
  assert.equal(program.arenaBytes, 0)
})

test('intermediate results take turns in the arena', () => {
  let x = f32(64, 64)
  for (let turn = 0; turn < 6; turn++) x = x.softmax(0).softmax(1)
  const { arenaBytes, unsharedBytes } = outputsOf([x]).program
  assert.ok(arenaBytes <= unsharedBytes / 2, `${arenaBytes} of ${unsharedBytes} bytes`)
})

test('what a round of the shared loops makes and uses up lies in scratch', async () => {
  const x = f32(20, 100)
  const compiled = outputsOf([x.softmax(-1)], true)
  assert.equal(compiled.program.arenaBytes, 0)
  const scratch = [...compiled.program.buffers.values()].filter(({ place }) => place.kind === 'scratch')
  assert.deepEqual(
    scratch.map(({ length }) => length),
    [100],
  )
  const { outputs } = await run(compiled)
  const exps = Array.from({ length: 100 }, (_, at) => Math.exp(((1900 + at) % 7) - 3))
  const total = exps.reduce((sum, value) => sum + value)
  for (const [at, value] of exps.entries()) assert.ok(Math.abs(outputs[0][1900 + at] - value / total) < 1e-7)
  // What something else reads again stays.
  const kept = x.sub(x.max(-1, true)).exp()
  assert.ok(outputsOf([kept.div(kept.sum(-1, true)), kept.T.softmax(-1)], true).program.arenaBytes > 0)
})

test('a winner comes before what reads it, though its maximum is made later', async () => {
  const x = f32(20)
  const place = x.argmax(0, true)
  const { outputs } = await run(outputsOf([place.add(1), x.max()]))
  assert.deepEqual([outputs[0][0], outputs[1][0]], [7, 3])
})

const weights = (...values: number[]): Parameter => {
  const made = parameter([values.length])
  made.assign(tensor(values))
  return made
}

const updated = (outputs: readonly Tensor[], updates: readonly [Parameter, Tensor][]): Compiled =>
  compileGraph(
    {
      outputs: outputs.map(({ node }) => node),
      updates: updates.map(([{ node }, value]) => ({ parameter: node as ParameterNode, value: value.node })),
    },
    { contractions: false },
  )

test('an optimiser writes its new values over the old ones', async () => {
  const w = weights(1, 2, 3)
  const moment = weights(0, 0, 0)
  const gradient = f32(3)
  const newMoment = moment.mul(0.9).add(gradient)
  const compiled = updated(
    [],
    [
      [moment, newMoment],
      [w, w.sub(newMoment.mul(0.1))],
    ],
  )
  assert.equal(compiled.program.kernels.length, 1)
  assert.equal(compiled.program.arenaBytes, 0)
  const { leaves } = await run(compiled)
  const near = (found: ArrayLike<number>, expected: readonly number[]) => {
    for (const [at, value] of expected.entries())
      assert.ok(Math.abs(found[at] - value) < 1e-6, `${found[at]}, not ${value}`)
  }
  near(leaves.get(moment.node)!, [-3, -2, -1])
  near(leaves.get(w.node)!, [1.3, 2.2, 3.1])
})

test('new values are written in place in rounds whose inner loops read the old ones', async () => {
  const w = weights(1, 2, 3)
  const bias = parameter([3, 50])
  const x = f32(3, 50)
  const scaled = x
    .mul(w.reshape([3, 1]))
    .relu()
    .softmax(1)
  const updates: [Parameter, Tensor][] = [
    [w, w.sub(scaled.mul(x).sum(1))],
    [bias, bias.mul(0.5).add(scaled)],
  ]
  const expected = await Promise.all(updates.map(([, value]) => value.data()))
  const compiled = updated([scaled], updates)
  assert.equal(compiled.program.kernels.length, 1)
  const { leaves } = await run(compiled)
  for (const [at, [{ node }]] of updates.entries()) assertSame(`parameter ${at}`, leaves.get(node)!, expected[at], 1e-6)
})

test('a new value whose old one is read at other places is written when all have read it', async () => {
  const cases: [about: string, (w: Parameter) => [outputs: Tensor[], value: Tensor]][] = [
    ['by its own kernel', (w) => [[], w.slice([null, null, -1]).add(w)]],
    ['by a sum', (w) => [[], w.sub(w.sum())]],
    ['by a result', (w) => [[w.slice([null, null, -1]).cumsum(0)], w.mul(2)]],
  ]
  for (const [about, make] of cases) {
    const w = weights(1, 2, 3, 4)
    const [outputs, value] = make(w)
    const expected = await Promise.all([value, ...outputs].map((tensor) => tensor.array()))
    const { leaves, outputs: found } = await run(updated(outputs, [[w, value]]))
    assert.deepEqual([Array.from(leaves.get(w.node)!), ...found.map((values) => Array.from(values))], expected, about)
  }
})

test('two parameters that swap their values both get the old one of the other', async () => {
  const [a, b] = [weights(1, 2), weights(3, 4)]
  const { leaves } = await run(
    updated(
      [],
      [
        [a, b.mul(1)],
        [b, a.mul(1)],
      ],
    ),
  )
  assert.deepEqual(
    [Array.from(leaves.get(a.node)!), Array.from(leaves.get(b.node)!)],
    [
      [3, 4],
      [1, 2],
    ],
  )
})

test('reductions over the same ranges run in one loop', () => {
  const x = f32(8, 100)
  const [{ body }] = outputsOf([x.sum(1), x.max(1), x.square().mean(1)]).program.kernels
  const loops = statementsOf(body).filter(({ kind }) => kind === 'loop')
  assert.equal(loops.length, 2)
})

test('what reads a winner comes after it, also where the maximum is only asked for later', async () => {
  const x = f32(7)
  const { program } = outputsOf([x.argmax(0, true), x.max()])
  const made = new Set<string>()
  for (const { reads, writes } of program.kernels) {
    for (const name of reads) {
      const isComputed = program.buffers.get(name)!.place.kind === 'arena'
      assert.ok(!isComputed || made.has(name) || writes.includes(name), `${name} is read before it is made`)
    }
    for (const name of writes) made.add(name)
  }
})
