// New values of parameters are made when the old ones have been read, and everybody gets the old ones.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Compiled, compileGraph } from '../../src/compiler/compile.ts'
import type { ParameterNode } from '../../src/graph/node.ts'
import { grad, type Parameter, setDevice, type Tensor } from '../../src/index.ts'
import { parameter } from '../../src/nn/index.ts'
import { assertSame } from '../support/runOn.ts'
import { numbers, run } from './run.ts'

setDevice('js')

const weights = (...shape: number[]): Parameter => weightsNear(0, ...shape)

const weightsNear = (mean: number, ...shape: number[]): Parameter => {
  const made = parameter(shape)
  made.assign(numbers(...shape).add(mean))
  return made
}

type Updates = readonly (readonly [Parameter, Tensor])[]

const compiled = (outputs: readonly Tensor[], updates: Updates, contractions = true): Compiled =>
  compileGraph(
    {
      outputs: outputs.map(({ node }) => node),
      updates: updates.map(([{ node }, value]) => ({ parameter: node as ParameterNode, value: value.node })),
    },
    { contractions },
  )

async function expectOldValues(outputs: readonly Tensor[], updates: Updates, contractions: boolean): Promise<void> {
  const found = await run(compiled(outputs, updates, contractions))
  for (const [at, output] of outputs.entries()) assertSame(`output ${at}`, found.outputs[at], await output.data(), 1e-5)
  for (const [at, [{ node }, value]] of updates.entries())
    assertSame(`parameter ${at}`, found.leaves.get(node)!, await value.data(), 1e-5)
}

test('each weight is written where its gradient is made, also where another gradient reads it afterwards', async () => {
  const layers = [weights(6, 5), weights(5, 7), weights(7, 3)]
  const moments = layers.map(({ shape }) => weights(...shape))
  const loss = layers
    .reduce<Tensor>((x, weight) => x.matmul(weight).tanh(), numbers(40, 6))
    .square()
    .sum()
  const updates = grad(loss, layers).flatMap((gradient, at): Updates => {
    const moment = moments[at].mul(0.5).add(gradient)
    return [
      [moments[at], moment],
      [layers[at], layers[at].sub(moment.div(moment.square().add(1).sqrt()))],
    ]
  })
  const { program, bindings } = compiled([loss], updates)
  const names = new Map(bindings.map((binding, at) => [binding.kind === 'leaf' && binding.node, program.external[at]]))
  for (const [at, layer] of layers.entries()) {
    const writers = (one: Parameter) => program.kernels.filter(({ writes }) => writes.includes(names.get(one.node)!))
    assert.equal(writers(layer).length, 1)
    assert.deepEqual(writers(layer), writers(moments[at]))
    assert.match(writers(layer)[0].formulas[0], /^z\[.*\] = sum/)
  }
  await expectOldValues([loss], updates, true)
})

test('a gradient that is wanted itself, or that two new values need, is made once', async () => {
  const [a, b, x] = [weights(6, 5), weights(5, 4), numbers(9, 6)]
  const loss = x.matmul(a).relu().matmul(b).square().sum()
  const [ofA, ofB] = grad(loss, [a, b])
  await expectOldValues(
    [ofB],
    [
      [a, a.sub(ofA)],
      [b, b.sub(ofB)],
    ],
    true,
  )
  const norm = ofA.square().sum().add(ofB.square().sum()).sqrt()
  await expectOldValues(
    [loss, norm],
    [
      [a, a.sub(ofA.div(norm))],
      [b, b.sub(ofB.div(norm))],
    ],
    true,
  )
})

interface Recipe {
  readonly steps: readonly { readonly op: number; readonly one: number; readonly two: number }[]
  readonly outputs: readonly number[]
  readonly values: readonly number[]
}

const place = fc.nat({ max: 1000 })
const recipes: fc.Arbitrary<Recipe> = fc.record({
  steps: fc.array(fc.record({ op: fc.nat({ max: 6 }), one: place, two: place }), { minLength: 1, maxLength: 12 }),
  outputs: fc.array(place, { maxLength: 2 }),
  values: fc.tuple(place, place, place),
})

const operations: readonly ((one: Tensor, two: Tensor) => Tensor)[] = [
  (one, two) => one.add(two),
  (one, two) => one.mul(two),
  (one, two) => one.matmul(two).tanh(),
  (one, two) => one.sub(two.sum(0)).tanh(),
  (one, two) => one.T.add(two),
  (one, two) => one.sub(two.sum(1, true)).tanh(),
  (one, two) => one.softmax(1).mul(two),
]

test('whatever parameters become, and in whatever order, all is computed from what they were', () =>
  fc.assert(
    fc.asyncProperty(recipes, fc.boolean(), async ({ steps, outputs, values }, contractions) => {
      const parameters = [0, 0.5, 1].map((mean) => weightsNear(mean, 4, 4))
      const all: Tensor[] = [...parameters]
      const at = (position: number) => all[position % all.length]
      for (const { op, one, two } of steps) all.push(operations[op](at(one), at(two)))
      const updates = parameters.map((own, number) => [own, at(values[number]).mul(1)] as const)
      await expectOldValues(outputs.map(at), updates, contractions)
    }),
    { numRuns: 100, includeErrorInReport: true },
  ))
