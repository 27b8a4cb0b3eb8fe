import assert from 'node:assert/strict'
import { test } from 'node:test'
import { observe } from '../../src/graph/tracing.ts'
import { assertSame } from '../support/runOn.ts'
import { compile, grad, Parameter, parameter, setDevice, type Tensor, tensor } from './support.ts'

test('a compiled step computes what the same code computes when it is run plainly', async () => {
  const plain = (x: Tensor, y: Tensor) => x.matmul(y.T).tanh().sum(1)
  const step = compile(plain)
  const x = tensor([
    [1, 2],
    [3, -4],
  ])
  const y = tensor([
    [0.5, -0.25],
    [0.125, 1],
  ])
  // A device may run un-compiled code in another way, down to the last bits.
  assertSame('step', await step(x, y).data(), await plain(x, y).data(), 1e-6)
})

test('a step updates its parameters in place, and later calls see the new values', async () => {
  const w = parameter('w', [1, 2, 3])
  const step = compile((x: Tensor) => {
    const loss = x.mul(w).sum()
    w.assign(w.sub(grad(loss, w).mul(0.5)))
    return { loss }
  })
  const x = tensor([2, 2, 2])
  assert.equal(await step(x).loss.item(), 12)
  assert.equal(await step(x).loss.item(), 6)
  assert.deepEqual(await w.array(), [-1, 0, 1])
})

test('every update sees the parameters as they were before the step', async () => {
  const a = parameter('a', [1, 2])
  const b = parameter('b', [10, 20])
  const swap = compile(() => {
    const [oldA, oldB] = [a.mul(1), b.mul(1)]
    a.assign(oldB)
    b.assign(oldA)
  })
  swap()
  assert.deepEqual(
    [await a.array(), await b.array()],
    [
      [10, 20],
      [1, 2],
    ],
  )
})

test('a parameter whose old value is read at other places is not overwritten too early', async () => {
  const a = parameter('a', [1, 2, 3, 4])
  const step = compile(() => {
    a.assign(a.flip(0).add(a))
  })
  step()
  assert.deepEqual(await a.array(), [5, 5, 5, 5])
})

test('after an assignment the step goes on with the new value', async () => {
  const a = parameter('a', [1])
  const step = compile(() => {
    a.assign(a.add(1))
    const between = a.mul(10)
    a.assign(a.add(1))
    return { between, after: a.mul(10) }
  })
  const { between, after } = step()
  assert.deepEqual([await between.item(), await after.item(), await a.item()], [20, 30, 3])
})

test('a step is traced once for each combination of shapes', () => {
  let traces = 0
  const step = compile((x: Tensor) => {
    traces++
    return x.sum()
  })
  step(tensor([1, 2]))
  step(tensor([3, 4]))
  step(tensor([1, 2, 3]))
  step(tensor([5, 6]))
  assert.equal(traces, 2)
  assert.equal(step.programs.length, 2)
})

test('a step is traced again when what it observed has changed, and the first trace is kept', async () => {
  let training = true
  const step = compile((x: Tensor) => (observe(() => training) ? x.mul(2) : x))
  const x = tensor([3])
  assert.equal(await step(x).item(), 6)
  training = false
  assert.equal(await step(x).item(), 3)
  training = true
  assert.equal(await step(x).item(), 6)
  assert.equal(step.programs.length, 2)
})

test('a tensor built from a parameter that a step has since overwritten says so', async () => {
  const w = parameter('w', [1, 2])
  const before = w.mul(3)
  compile(() => w.assign(w.add(1)))()
  await assert.rejects(before.data(), { code: 'overwritten', message: /parameter w/ })
  assert.deepEqual(await w.mul(3).array(), [6, 9])
})

test('an assignment outside a step leaves what was built before as it was', async () => {
  const w = parameter('w', [1, 2])
  const before = w.mul(3)
  w.assign(w.add(1))
  assert.deepEqual(
    [await before.array(), await w.array()],
    [
      [3, 6],
      [2, 3],
    ],
  )
})

test('reading numbers inside a step is an error that says what to do', () => {
  const step = compile((x: Tensor) => {
    void x.add(1).detach()
    return x
  })
  assert.throws(() => step(tensor([1])), { code: 'read-in-step', message: /return the tensor from the step/ })
})

test('an argument that is no tensor is refused by its place', () => {
  const step = compile((x: Tensor) => x)
  assert.throws(() => step(5 as unknown as Tensor), { code: 'not-a-tensor', message: /argument 0 .* number/ })
})

test('a step that throws leaves the parameters as they were', async () => {
  const w = parameter('w', [1])
  const step = compile(() => {
    w.assign(w.add(1))
    throw new Error('stop')
  })
  assert.throws(() => step(), /stop/)
  assert.ok(w instanceof Parameter)
  assert.equal(await w.item(), 1)
})

test('arguments and parameters may be returned as they are', async () => {
  const w = parameter('w', [4])
  const step = compile((x: Tensor) => [x, w, x.reshape([1, 2])])
  const [x, same, shaped] = step(tensor([1, 2]))
  assert.deepEqual([await x.array(), await same.array(), await shaped.array()], [[1, 2], [4], [[1, 2]]])
})

test('what a step returns shows its numbers, as does what has been read', async () => {
  const step = compile((x: Tensor) => x.mul(2))
  assert.match(String(step(tensor([1, 2]))), /2.*4/s)
  const sum = tensor([1, 2]).add(0.5)
  assert.doesNotMatch(String(sum), /1\.5/)
  await sum.data()
  assert.match(String(sum), /1\.5.*2\.5/s)
})

test('equal small tensors may be used on one device after another', async () => {
  const sums: number[] = []
  for (const name of ['wasm', 'js'] as const) {
    setDevice(name)
    sums.push(await tensor([11, 31]).sum().item())
  }
  assert.deepEqual(sums, [42, 42])
})
