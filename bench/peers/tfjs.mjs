// TensorFlow.js, its WebAssembly backend or (with --backend cpu) the one in plain JavaScript, on one thread. The former has
// no gradient of convolutions or of max pooling: there they are put together from slices, products and maxima.
import { createRequire } from 'node:module'
import { classes, numbers, oneHotRows, participate, sizeOf } from './participate.mjs'

const require = createRequire(import.meta.url)
const tf = require('@tensorflow/tfjs')
let isWasm = true

const random = (shape, limit = 1, seed = 1) => tf.tensor(numbers(sizeOf(shape), limit, seed), shape)
const weight = (shape, fanIn, seed = 1) => tf.variable(random(shape, 1 / Math.sqrt(fanIn), seed))
const zeros = (shape) => tf.variable(tf.zeros(shape))

/** Layers are functions; what they hold is trained because `minimize` finds every variable. */
function dense(inputs, outputs, seed) {
  const w = weight([inputs, outputs], inputs, seed)
  const b = zeros([outputs])
  return (x) => x.matMul(w).add(b)
}

/** 'same' convolution of [n, h, w, c]. */
function convolution(inputs, outputs, kernel, seed) {
  const w = weight([kernel, kernel, inputs, outputs], inputs * kernel * kernel, seed)
  const b = zeros([outputs])
  if (!isWasm) return (x) => tf.conv2d(x, w, 1, 'same').add(b)
  const around = (kernel - 1) / 2
  return (x) => {
    const [n, height, width, channels] = x.shape
    const padded = tf.pad(x, [
      [0, 0],
      [around, around],
      [around, around],
      [0, 0],
    ])
    const windows = []
    for (let u = 0; u < kernel; u++)
      for (let v = 0; v < kernel; v++) windows.push(tf.slice(padded, [0, u, v, 0], [n, height, width, channels]))
    const rows = tf.concat(windows, 3).reshape([n * height * width, kernel * kernel * channels])
    return rows
      .matMul(w.reshape([kernel * kernel * inputs, outputs]))
      .add(b)
      .reshape([n, height, width, outputs])
  }
}

function halved(x) {
  if (!isWasm) return tf.maxPool(x, 2, 2, 'valid')
  const [n, height, width, channels] = x.shape
  const rows = x.reshape([(n * height) / 2, 2, width * channels]).max(1)
  const both = rows.reshape([(n * height * width) / 4, 2, channels]).max(1)
  return both.reshape([n, height / 2, width / 2, channels])
}

function batchNorm(channels) {
  const scale = tf.variable(tf.ones([channels]))
  const shift = zeros([channels])
  return (x) => {
    const { mean, variance } = tf.moments(x, [0, 1, 2])
    return tf.batchNorm(x, mean, variance, shift, scale, 1e-5)
  }
}

const channelDropout = (x, rate) => tf.dropout(x, rate, [x.shape[0], 1, 1, x.shape[3]])
const flat = (x) => x.reshape([x.shape[0], -1])
const crossEntropy = (logits, target) => tf.neg(tf.logSoftmax(logits).mul(target).sum()).div(logits.shape[0])
const meanSquare = (z, y) => z.sub(y).square().mean()

/** A step's scalar, read when it is asked for; of steps in a row only the last is, and the others' results are freed. */
let unread = null
function reader(tensor, scalarOf) {
  unread?.dispose()
  unread = tensor
  return async () => {
    const scalar = tf.tidy(() => scalarOf(tensor))
    const [value] = await scalar.data()
    scalar.dispose()
    return value
  }
}

const training = ({ net, loss, optimizer, x, y }) => ({
  batch: x.shape[0],
  step: () =>
    reader(
      optimizer.minimize(() => loss(net(x), y), true),
      (value) => value.clone(),
    ),
})

function sigmoidNetwork(name) {
  const isAuto = name === 'mnist-autoencoder'
  const sizes = isAuto ? [784, 64, 784] : [784, 16, 16, 10]
  const layers = sizes.slice(1).map((outputs, at) => dense(sizes[at], outputs, at + 1))
  const x = random([1000, 784])
  return training({
    net: (x) => layers.reduce((z, layer) => layer(z).sigmoid(), x),
    loss: meanSquare,
    optimizer: tf.train.momentum(10, 0.5),
    x,
    y: isAuto ? x : tf.tensor(oneHotRows(1000, 10), [1000, 10]),
  })
}

const targets = (count) => tf.oneHot(tf.tensor1d(classes(count, 10), 'int32'), 10).toFloat()

function fashionConv() {
  const conv = convolution(1, 16, 5, 1)
  const last = dense(12544, 10, 2)
  return training({
    net: (x) => last(flat(conv(x).tanh())),
    loss: crossEntropy,
    optimizer: tf.train.momentum(0.1, 0.9),
    x: random([60, 28, 28, 1]),
    y: targets(60),
  })
}

function cifarConv() {
  const block = (inputs, first, second) => {
    const [one, norm, two] = [convolution(inputs, first, 3), batchNorm(first), convolution(first, second, 3)]
    return (x) => halved(two(norm(one(x)).relu()).relu())
  }
  const blocks = [block(3, 32, 64), block(64, 128, 128), block(128, 256, 256)]
  const ends = [dense(4096, 1024, 1), dense(1024, 512, 2), dense(512, 10, 3)]
  return training({
    net: (x) => {
      const features = flat(blocks[2](channelDropout(blocks[1](blocks[0](x)), 0.05)))
      const hidden = ends[1](ends[0](tf.dropout(features, 0.1)).relu()).relu()
      return ends[2](tf.dropout(hidden, 0.1))
    },
    loss: crossEntropy,
    optimizer: tf.train.adam(3e-4),
    x: random([64, 32, 32, 3]),
    y: targets(64),
  })
}

function grid(name) {
  const [, height, batch] = name.split('-').map((part) => Number(part.replace('b', '')))
  const first = dense(784, height, 1)
  const last = dense(height, 10, 2)
  const layers = Array.from({ length: 128 }, (_, at) => ({ w: weight([height], 1, at + 3), b: zeros([height]) }))
  return training({
    net: (x) =>
      last(
        layers.reduce((z, { w, b }) => {
          const seen = tf.pad(z.mul(w), [
            [0, 0],
            [1, 1],
          ])
          const part = (start) => tf.slice(seen, [0, start], [batch, height])
          return part(0).add(part(1)).add(part(2)).add(b).sin()
        }, first(x)),
      ),
    loss: crossEntropy,
    optimizer: tf.train.adam(1e-4),
    x: random([batch, 784]),
    y: targets(batch),
  })
}

function attention() {
  const [batch, time, features, heads] = [8, 128, 256, 8]
  const size = features / heads
  const projections = [1, 2, 3].map((seed) => dense(features, features, seed))
  const last = dense(features, features, 4)
  return training({
    net: (x) => {
      const rows = x.reshape([batch * time, features])
      const [q, k, v] = projections.map((project) =>
        project(rows)
          .reshape([batch, time, heads, size])
          .transpose([0, 2, 1, 3])
          .reshape([batch * heads, time, size]),
      )
      const mixed = tf.matMul(tf.softmax(tf.matMul(q, k, false, true).div(Math.sqrt(size))), v)
      const back = mixed
        .reshape([batch, heads, time, size])
        .transpose([0, 2, 1, 3])
        .reshape([batch * time, features])
      return last(back).reshape([batch, time, features])
    },
    loss: meanSquare,
    optimizer: tf.train.sgd(0.01),
    x: random([batch, time, features]),
    y: random([batch, time, features], 1, 2),
  })
}

const operation = (f, flops, batch) => ({
  batch,
  flops,
  step: () => reader(tf.tidy(f), (result) => tf.slice(result.reshape([-1]), 0, 1)),
})

function matmul(name) {
  const n = Number(name.split('-')[1])
  const [rows, inner, columns] = name === 'matmul-skinny' ? [1000, 784, 16] : [n, n, n]
  const [a, b] = [random([rows, inner]), random([inner, columns], 1, 2)]
  return operation(() => tf.matMul(a, b), 2 * rows * inner * columns)
}

await participate({
  peer: 'tfjs',
  device: ({ backend }) => backend,
  options: { backend: { type: 'string', default: 'wasm' } },
  prepare: async ({ backend, threads }) => {
    if (threads > 1) return 'in Node it computes with one thread'
    isWasm = backend === 'wasm'
    if (isWasm) require('@tensorflow/tfjs-backend-wasm')
    await tf.setBackend(backend)
    await tf.ready()
  },
  workloads: {
    'mnist-mlp': sigmoidNetwork,
    'mnist-autoencoder': sigmoidNetwork,
    'fashion-conv': fashionConv,
    'cifar-conv': cifarConv,
    'grid-128-b64': grid,
    'grid-128-b256': grid,
    'grid-512-b64': grid,
    attention,
    'matmul-64': matmul,
    'matmul-512': matmul,
    'matmul-1024': matmul,
    'matmul-2048': matmul,
    'matmul-skinny': matmul,
    conv3x3: () => {
      const [x, w, b] = [random([64, 32, 32, 64]), random([3, 3, 64, 64], 0.1), random([64], 0.1)]
      return operation(() => tf.conv2d(x, w, 1, 'same').add(b), 2 * 64 * 32 * 32 * 64 * 64 * 9, 64)
    },
    'tanh-chain': () => {
      const x = random([10_000_000])
      return operation(() => x.mul(1.5).add(0.5).tanh().mul(2))
    },
    softmax: () => {
      const x = random([4096, 1000])
      return operation(() => tf.softmax(x))
    },
  },
})
