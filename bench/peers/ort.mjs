// onnxruntime-web on WebAssembly: forward only, a model of a few nodes for each workload.
import * as ort from 'onnxruntime-web'
import { modelOf } from './onnxModel.mjs'
import { numbers, participate, sizeOf } from './participate.mjs'

const random = (shape, limit = 1, seed = 1) => new ort.Tensor('float32', numbers(sizeOf(shape), limit, seed), shape)

/** Its results come back as arrays: copying them out is part of every call. */
async function operation(graph, feeds, flops, batch) {
  const session = await ort.InferenceSession.create(modelOf(graph), { executionProviders: ['wasm'] })
  let last = Promise.resolve()
  return {
    batch,
    flops,
    step: () => {
      last = last.then(() => session.run(feeds))
      const mine = last
      return async () => (await mine).z.data[0]
    },
  }
}

function matmul(name) {
  const n = Number(name.split('-')[1])
  const [rows, inner, columns] = name === 'matmul-skinny' ? [1000, 784, 16] : [n, n, n]
  return operation(
    {
      inputs: { a: [rows, inner], b: [inner, columns] },
      output: [rows, columns],
      nodes: [{ type: 'MatMul', inputs: ['a', 'b'], output: 'z' }],
    },
    { a: random([rows, inner]), b: random([inner, columns], 1, 2) },
    2 * rows * inner * columns,
  )
}

await participate({
  peer: 'ort',
  device: 'wasm',
  prepare: async ({ threads }) => {
    ort.env.wasm.numThreads = threads
  },
  workloads: {
    'matmul-64': matmul,
    'matmul-512': matmul,
    'matmul-1024': matmul,
    'matmul-2048': matmul,
    'matmul-skinny': matmul,
    conv3x3: () => {
      const shape = [64, 64, 32, 32]
      const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }
      return operation(
        {
          inputs: { x: shape, w: [64, 64, 3, 3], b: [64] },
          output: shape,
          nodes: [{ type: 'Conv', inputs: ['x', 'w', 'b'], output: 'z', attributes }],
        },
        { x: random(shape), w: random([64, 64, 3, 3], 0.1), b: random([64], 0.1) },
        2 * 64 * 32 * 32 * 64 * 64 * 9,
        64,
      )
    },
    'tanh-chain': () =>
      operation(
        {
          inputs: { x: [10_000_000], scale: [1], shift: [1], two: [1] },
          output: [10_000_000],
          nodes: [
            { type: 'Mul', inputs: ['x', 'scale'], output: 'p' },
            { type: 'Add', inputs: ['p', 'shift'], output: 'q' },
            { type: 'Tanh', inputs: ['q'], output: 'r' },
            { type: 'Mul', inputs: ['r', 'two'], output: 'z' },
          ],
        },
        {
          x: random([10_000_000]),
          scale: new ort.Tensor('float32', [1.5], [1]),
          shift: new ort.Tensor('float32', [0.5], [1]),
          two: new ort.Tensor('float32', [2], [1]),
        },
      ),
    softmax: () =>
      operation(
        { inputs: { x: [4096, 1000] }, output: [4096, 1000], nodes: [{ type: 'Softmax', inputs: ['x'], output: 'z' }] },
        { x: random([4096, 1000]) },
      ),
  },
})
