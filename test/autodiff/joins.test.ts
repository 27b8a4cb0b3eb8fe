// Adjoints that are added up in one step: parts side by side, and like products as one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertGradients } from '../../src/autodiff/index.ts'
import { type ComprehensionNode, type Node, operandsOf } from '../../src/graph/node.ts'
import { grad, setDevice, stack, type Tensor, tensor } from '../../src/index.ts'

setDevice('js')

const wave = (...shape: number[]): Tensor => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float64Array.from({ length: size }, (_, at) => Math.sin(1 + 0.7 * at)),
    { shape, dtype: 'f64' },
  )
}

function nodesOf({ node }: Tensor): readonly ComprehensionNode[] {
  const found = new Set<Node>()
  const visit = (one: Node): void => {
    if (found.has(one)) return
    found.add(one)
    operandsOf(one).forEach(visit)
  }
  visit(node)
  return [...found].filter((one): one is ComprehensionNode => one.kind === 'comprehension')
}

const sumsIn = (gradient: Tensor): number => nodesOf(gradient).filter(({ reduction }) => reduction?.op === 'sum').length

/** Whether a node adds up parts, where-chains and all. */
const addsParts = ({ body, operands }: ComprehensionNode): boolean => body.kind === 'binary' && operands.has('a1')

test('what slices hand back is put side by side, and zeros between', async () => {
  const cases: Record<string, (x: Tensor) => Tensor> = {
    'every row': (x) => x.select(0, 0).sin().add(x.select(0, 1).cos()).add(x.select(0, 2).exp()),
    'some rows': (x) => x.select(0, 2).sin().add(x.select(0, 0).cos()),
    'a column and a range': (x) =>
      x
        .slice(null, [0, 1])
        .sin()
        .sum(1)
        .add(x.slice(null, [1, 4]).cos().sum(1)),
    'ranges with gaps': (x) =>
      x
        .slice(null, [1, 2])
        .sin()
        .sum(1)
        .add(x.slice(null, [3, 4]).exp().sum(1)),
  }
  for (const [name, loss] of Object.entries(cases)) {
    const x = wave(3, 4)
    const gradient = grad(loss(x).sum(), x)
    assert.ok(!nodesOf(gradient).some(addsParts), `${name}: nothing is added up`)
    await assertGradients((at) => loss(at).sum(), [x])
  }
})

test('slices that overlap are added up', async () => {
  const loss = (x: Tensor): Tensor =>
    x
      .slice([0, 2])
      .sin()
      .sum()
      .add(x.slice([1, 3]).exp().sum())
  const x = wave(3, 4)
  assert.ok(nodesOf(grad(loss(x), x)).some(addsParts))
  await assertGradients(loss, [x])
})

test('what steps of a recurrence add to the gradient of a weight is one sum over all steps', async () => {
  const recurrence = (w: Tensor, x: Tensor, steps: number): Tensor => {
    const states: Tensor[] = []
    let h = x.select(1, 0)
    for (let t = 1; t <= steps; t++) {
      h = h.matmul(w).add(x.select(1, t)).tanh()
      states.push(h)
    }
    return stack(states, 1).square().sum()
  }
  const x = wave(2, 6, 3)
  const w = wave(3, 3)
  const sums = (steps: number): number => sumsIn(grad(recurrence(w, x, steps), w))
  // One more step is one more product on the way back, and none for the weight.
  assert.equal(sums(5) - sums(4), 2)
  assert.equal(sums(4) - sums(3), 2)
  await assertGradients((at) => recurrence(at, x, 4), [w])
})
