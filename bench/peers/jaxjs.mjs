// jax-js on WebAssembly: each step one jitted function, as its guide recommends. In Node it computes with one thread.
import { defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import { classes, numbers, oneHotRows, participate, sizeOf } from './participate.mjs'

// Its einsum uses iterator helpers, which Node has from version 22 on.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))
iterators.map ??= function* (f) {
  for (const value of this) yield f(value)
}
iterators.filter ??= function* (accepts) {
  for (const value of this) if (accepts(value)) yield value
}
iterators.toArray ??= function () {
  return [...this]
}

const random = (shape, limit = 1, seed = 1) => np.array(numbers(sizeOf(shape), limit, seed)).reshape(shape)

/** A dense layer's parameters, and the layer. */
const denseParameters = (inputs, outputs, seed) => ({
  w: random([inputs, outputs], 1 / Math.sqrt(inputs), seed),
  b: np.zeros([outputs]),
})
const dense = (x, { w, b }) => np.matmul(x, w).add(b)

const sgd = (lr, momentum) => ({
  start: (p) => p.map((each) => map(each, (a) => np.zeros(a.shape))),
  next: (p, g, v) => {
    const velocity = zip(v, g, (v, g) => v.mul(momentum).add(g))
    const parameters = zip(p, velocity, (p, v) => p.sub(v.ref.mul(lr)))
    return [parameters, velocity]
  },
})

const adam = (lr) => ({
  start: (p) => [
    p.map((each) => map(each, (a) => np.zeros(a.shape))),
    p.map((each) => map(each, (a) => np.zeros(a.shape))),
    np.array([1]),
    np.array([1]),
  ],
  next: (p, g, [m, v, power1, power2]) => {
    const next1 = power1.mul(0.9)
    const next2 = power2.mul(0.999)
    const means = zip(
      m,
      mapAll(g, (g) => g.ref),
      (m, g) => m.mul(0.9).add(g.mul(0.1)),
    )
    const squares = zip(v, g, (v, g) => v.mul(0.999).add(g.ref.mul(g).mul(0.001)))
    const updates = zip(means, squares, (m, v) => {
      const scale = np.sqrt(v.ref.div(np.subtract(1, next2.ref))).add(1e-8)
      return m.ref.div(np.subtract(1, next1.ref)).div(scale).mul(lr)
    })
    return [zip(p, updates, (p, u) => p.sub(u)), [means, squares, next1, next2]]
  },
})

const map = (record, f) => Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]))
const mapAll = (list, f) => list.map((record) => map(record, f))
const zip = (a, b, f) =>
  a.map((record, at) => Object.fromEntries(Object.keys(record).map((key) => [key, f(record[key], b[at][key])])))

/** A training step: parameters and the optimiser's state go round. */
function training({ parameters, loss, optimizer, x, y, batch }) {
  let p = parameters
  let state = optimizer.start(p)
  const step = jit((p, state, x, y) => {
    const [value, g] = valueAndGrad(loss)(
      mapAll(p, (a) => a.ref),
      x,
      y,
    )
    const [nextP, nextState] = optimizer.next(p, g, state)
    return [value, nextP, nextState]
  })
  return {
    batch,
    step: () => {
      let value
      ;[value, p, state] = step(p, state, x.ref, y.ref)
      return async () => (await value.data())[0]
    },
  }
}

const crossEntropy = (logits, y) => {
  const count = logits.shape[0]
  return np.negative(nn.logSoftmax(logits, -1).mul(nn.oneHot(y, 10)).sum()).div(count)
}

const meanSquare = (z, y) => {
  const difference = z.sub(y)
  return difference.ref.mul(difference).mean()
}

function sigmoidNetwork(name) {
  const isAuto = name === 'mnist-autoencoder'
  const sizes = isAuto ? [784, 64, 784] : [784, 16, 16, 10]
  const x = random([1000, 784])
  return training({
    parameters: sizes.slice(1).map((outputs, at) => denseParameters(sizes[at], outputs, at + 1)),
    loss: (p, x, y) =>
      meanSquare(
        p.reduce((z, layer) => nn.sigmoid(dense(z, layer)), x),
        y,
      ),
    optimizer: sgd(10, 0.5),
    x,
    y: isAuto ? x.ref : np.array(oneHotRows(1000, 10)).reshape([1000, 10]),
    batch: 1000,
  })
}

function fashionConv() {
  return training({
    parameters: [{ w: random([16, 1, 5, 5], 0.2), b: np.zeros([16, 1, 1]) }, denseParameters(12544, 10, 2)],
    loss: ([conv, last], x, y) => {
      const z = np.tanh(lax.conv(x, conv.w, [1, 1], 'SAME').add(conv.b))
      return crossEntropy(dense(z.reshape([60, 12544]), last), y)
    },
    optimizer: sgd(0.1, 0.9),
    x: random([60, 1, 28, 28]),
    y: np.array(classes(60, 10)),
    batch: 60,
  })
}

function grid(name) {
  const [, height, batch] = name.split('-').map((part) => Number(part.replace('b', '')))
  const layers = Array.from({ length: 128 }, (_, at) => ({ w: random([height], 1, at + 3), b: np.zeros([height]) }))
  return training({
    parameters: [denseParameters(784, height, 1), ...layers, denseParameters(height, 10, 2)],
    loss: (p, x, y) => {
      const z = p.slice(1, -1).reduce(
        (z, { w, b }) => {
          const seen = np.pad(z.mul(w), [
            [0, 0],
            [1, 1],
          ])
          const part = (start) => seen.ref.slice([], [start, start + height])
          const sum = part(0).add(part(1)).add(part(2)).add(b)
          seen.dispose()
          return np.sin(sum)
        },
        dense(x, p[0]),
      )
      return crossEntropy(dense(z, p.at(-1)), y)
    },
    optimizer: adam(1e-4),
    x: random([batch, 784]),
    y: np.array(classes(batch, 10)),
    batch,
  })
}

function attention() {
  const [batch, time, features, heads] = [8, 128, 256, 8]
  return training({
    parameters: [denseParameters(features, 3 * features, 1), denseParameters(features, features, 2)],
    loss: ([projection, last], x, y) => {
      const all = dense(x, projection).reshape([batch, time, 3, heads, features / heads])
      const part = (at) => all.ref.slice([], [], at)
      const [q, k, v] = [part(0), part(1), part(2)]
      all.dispose()
      const mixed = nn.dotProductAttention(q, k, v).reshape([batch, time, features])
      return meanSquare(dense(mixed, last), y)
    },
    optimizer: sgd(0.01, 0),
    x: random([batch, time, features]),
    y: random([batch, time, features], 1, 2),
    batch,
  })
}

/** One operation on constant inputs. */
function operation(inputs, f, flops, batch) {
  const compiled = jit(f)
  return {
    batch,
    flops,
    step: () => {
      const result = compiled(...inputs.map((input) => input.ref))
      // Arrays are computed when they are looked at, so that of several steps in a run each has to be.
      if (sizeOf(result.shape) <= smallSize) {
        const [first] = result.dataSync()
        return () => first
      }
      return async () => {
        await result.blockUntilReady()
        return (await result.reshape([-1]).slice([0, 1]).data())[0]
      }
    },
  }
}

/** Copying so many numbers takes next to nothing of a step that makes them. */
const smallSize = 2 ** 19

function matmul(name) {
  const n = Number(name.split('-')[1])
  const [rows, inner, columns] = name === 'matmul-skinny' ? [1000, 784, 16] : [n, n, n]
  const inputs = [random([rows, inner]), random([inner, columns], 1, 2)]
  return operation(inputs, (a, b) => np.matmul(a, b), 2 * rows * inner * columns)
}

await participate({
  peer: 'jaxjs',
  device: 'wasm',
  prepare: async ({ threads }) => {
    if (threads > 1) return 'in Node it computes with one thread'
    await init('wasm')
    defaultDevice('wasm')
  },
  workloads: {
    'mnist-mlp': sigmoidNetwork,
    'mnist-autoencoder': sigmoidNetwork,
    'fashion-conv': fashionConv,
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
      const inputs = [random([64, 64, 32, 32]), random([64, 64, 3, 3], 0.1), random([64, 1, 1], 0.1)]
      const flops = 2 * 64 * 32 * 32 * 64 * 64 * 9
      return operation(inputs, (x, w, b) => lax.conv(x, w, [1, 1], 'SAME').add(b), flops, 64)
    },
    'tanh-chain': () => operation([random([10_000_000])], (x) => np.tanh(x.mul(1.5).add(0.5)).mul(2)),
    softmax: () => operation([random([4096, 1000])], (x) => nn.softmax(x, -1)),
  },
})
