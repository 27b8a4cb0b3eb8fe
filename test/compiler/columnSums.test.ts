// Sums over the loops of other nodes: in rows of their own, added up when all is done.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Device } from '../../src/device/device.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import { wasmDevice } from '../../src/device/wasm/device.ts'
import { formula, grad, setDevice, setThreads, type Tensor, tensor } from '../../src/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import { assertSame, runOn } from '../support/runOn.ts'
import { outputsOf, run, statementsOf } from './run.ts'

setDevice('js')

let drawings = 0
const numbers = (...shape: number[]): Tensor => {
  const stream = drawings++
  const size = shape.reduce((product, extent) => product * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(11, stream, 0, at) - 1),
    { shape },
  )
}

const grid = formula('z[b,p] = sin(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])')

/** Gradients of two layers of a grid: of what is read shifted, of what is added to every row. */
function gridGradients(batch: number, units: number): readonly Tensor[] {
  const [x, w, c, v, d] = [numbers(batch, units), numbers(units), numbers(units), numbers(units), numbers(units)]
  const z = grid({ x: grid({ x, w, c }), w: v, c: d })
  return grad(z.square().mean().mul(100), [x, w, c, v, d])
}

/** Gradients of a bias for each channel: what is summed lies around it. */
function channelGradients(): readonly Tensor[] {
  const [x, bias] = [numbers(24, 5, 12, 12), numbers(5)]
  const z = formula('z[n,c,i,j] = tanh(x[n,c,i,j] + b[c])')({ x, b: bias })
  return grad(z.square().mean().mul(100), [x, bias])
}

/** A dense layer's loss, its sum and the gradients of its bias and weight. */
function denseGradients(batch: number, inputs: number, units: number): readonly Tensor[] {
  const [x, w, c, y] = [numbers(batch, inputs), numbers(units, inputs), numbers(units), numbers(batch, units)]
  const z = formula('z[b,i] = c[i] + sum(j) w[i,j] * x[b,j]')({ x, w, c }).sigmoid()
  const loss = z.sub(y).square().mean()
  return [loss, ...grad(loss.mul(100), [w, c])]
}

/** Sums over what a convolution leaves: statistics of channels, and the gradient of a bias. */
function convolutionGradients(images: number, channels: number, side: number): readonly Tensor[] {
  const [x, w, b] = [numbers(images, channels, side, side), numbers(8, channels, 3, 3), numbers(8)]
  const z = formula(`z[n,k,i<${side},j<${side}] = b[k] + sum(c,-1<=u<=1,-1<=v<=1) w[k,c,u+1,v+1] * x?[n,c,i+u,j+v]`)({
    x,
    w,
    b,
  }).tanh()
  const loss = z.square().mean()
  return [z.sum([0, 2, 3]).mul(0.01), loss, ...grad(loss.mul(100), [w, b])]
}

/** The mean of squared distances, and its gradient: both read the same. */
function distances(): readonly Tensor[] {
  const [x, y] = [numbers(8, 40, 65), numbers(8, 40, 65)]
  const loss = x.sub(y).square().mean()
  return [loss, ...grad(loss.mul(100), [x])]
}

const cases: Readonly<Record<string, () => readonly Tensor[]>> = {
  'gradients of a grid': () => gridGradients(256, 64),
  'rows that no vector divides': () => gridGradients(250, 67),
  'a bias for each channel': channelGradients,
  'a dense layer': () => denseGradients(96, 40, 200),
  'a dense layer in chunks': () => denseGradients(640, 30, 130),
  'a convolution': () => convolutionGradients(6, 3, 24),
  'a convolution by transforms': () => convolutionGradients(4, 16, 32),
  'the sum of everything': distances,
  'sums of squares of columns': () => [numbers(640, 40).square().sum(0)],
}

const devices: Record<string, (threads: number) => Device> = {
  wasm: (threads) => wasmDevice({ threads: () => threads }),
}
if (nativeAbsence() === null) {
  devices.native = (threads) => {
    setThreads(threads)
    return nativeDevice()
  }
}

for (const [name, make] of Object.entries(cases)) {
  test(`${name} are added up in rows, and are what loops one by one give, with the same bits for all threads`, async () => {
    const tensors = make()
    const expected = (await run(outputsOf(tensors))).outputs
    const inRows = outputsOf(tensors, true)
    const additions = inRows.program.kernels
      .flatMap(({ body }) => statementsOf(body))
      .filter((statement) => statement.kind === 'store' && statement.add)
    assert.ok(additions.length > 0, 'some sum is added up in rows')
    const found = (await run(inRows)).outputs
    for (const [at, values] of expected.entries()) assertSame(`output ${at}`, found[at], values, 2e-5)
    for (const [device, withThreads] of Object.entries(devices)) {
      const alone = runOn(withThreads(1), tensors)
      for (const [at, values] of expected.entries()) assertSame(`${device}, output ${at}`, alone[at], values, 2e-5)
      for (const threads of [2, 3])
        assert.deepEqual(runOn(withThreads(threads), tensors), alone, `${device}, ${threads} threads`)
    }
  })
}

test('little sums, and sums over a prime number of rows, stay loops of their own', () => {
  for (const tensors of [gridGradients(4, 8), gridGradients(251, 128)]) {
    const stores = outputsOf(tensors, true).program.kernels.flatMap(({ body }) => statementsOf(body))
    assert.ok(stores.every((statement) => statement.kind !== 'store' || !statement.add))
  }
})

test('the sum of everything is added up where its summands are read for something else', () => {
  const { kernels } = outputsOf(distances(), true).program
  const readers = kernels.filter(({ reads }) => reads.filter((name) => /^[xd]/.test(name)).length === 2)
  assert.equal(readers.length, 1, kernels.map(({ formulas }) => formulas.join('; ')).join('\n'))
})
