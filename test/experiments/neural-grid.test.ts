import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agreements, allowed } from '../../experiments/neural-grid/agreement.ts'
import { type LoopOptions, loopGradient, outputOf, runLoop } from '../../experiments/neural-grid/forms/loop.ts'
import { loopTraining } from '../../experiments/neural-grid/forms/loopTraining.ts'
import { formNames, formOf, matrixText, unfoldTexts } from '../../experiments/neural-grid/forms/tensors.ts'
import { activationMaps, distinctMaps, parameterMaps } from '../../experiments/neural-grid/maps.ts'
import {
  codeOptions,
  type GridSize,
  gridNetwork,
  type NetworkOptions,
  parameterCount,
  parseSize,
  sizeText,
} from '../../experiments/neural-grid/network.ts'
import { reachEnds, reachOf } from '../../experiments/neural-grid/reach.ts'
import { formNetwork, numbersOf } from '../../experiments/neural-grid/timing.ts'
import { train } from '../../experiments/neural-grid/training.ts'
import { expectedStrength, strengths } from '../../experiments/neural-grid/variance.ts'
import { loadImages, type Split, take } from '../../src/data/index.ts'
import { compile, formula, fromArray, grad, setDevice, type Tensor, tensor } from '../../src/index.ts'
import { crossEntropy } from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import { randomNumbers } from '../autodiff/check.ts'

// Small as these networks are, compiling C would take most of their time.
setDevice('js')

const glyphs = loadImages('glyphs')
const glyphSubset = async (): Promise<Split> => {
  const { train: training, test: testing } = await glyphs
  return { train: take(training, 600), test: take(testing, 100) }
}

const count = (size: GridSize, options: Partial<NetworkOptions> = {}): number =>
  parameterCount(gridNetwork([28, 28], 10, { ...codeOptions, size, ...options }).net)

test('the grids have as many parameters as the draft says, its padding counted', () => {
  assert.equal(count({ height: 512, layers: 128 }, { padded: true }), 538_378)
  assert.equal(count({ height: 28, width: 28, layers: 16 }), 32_938)
})

test('without padding a grid has two parameters a unit and layer, besides the dense layers', () => {
  assert.equal(count({ height: 64, layers: 64 }), 785 * 64 + 2 * 64 * 64 + 65 * 10)
  assert.equal(count({ height: 128, layers: 128 }), 785 * 128 + 2 * 128 * 128 + 129 * 10)
  assert.equal(count({ height: 512, layers: 128 }), 538_378 - 2 * 128)
})

test('weights begin inside of the Xavier bound of their fans, and fill it; biases begin at 0', async () => {
  for (const [size, fanOut, bound] of [
    [{ height: 500, layers: 2 }, undefined, 1],
    [{ height: 500, layers: 2 }, 1, Math.sqrt(6 / 4)],
    [{ height: 28, width: 28, layers: 2 }, undefined, Math.sqrt(6 / 18)],
  ] as const) {
    manualSeed(2)
    const { weights, biases } = await parameterMaps(gridNetwork([28, 28], 10, { ...codeOptions, size, fanOut }))
    const largest = Math.max(...weights.flat().map(Math.abs))
    assert.ok(largest <= bound && largest > 0.98 * bound, `${sizeText(size)}: ${largest}, not ${bound}`)
    assert.ok(biases.flat().every((value) => value === 0))
  }
})

test('padded weights are those without padding between two zeros, and give the same outputs', async () => {
  const [plain, padded] = [false, true].map((isPadded) => {
    manualSeed(3)
    return gridNetwork([4, 4], 3, { ...codeOptions, size: { height: 6, layers: 4 }, padded: isPadded })
  })
  const { weights } = await parameterMaps(plain)
  const { weights: between } = await parameterMaps(padded)
  assert.deepEqual(
    between,
    weights.map((row) => [0, ...row, 0]),
  )
  const x = fromArray(Float32Array.from(randomNumbers(32, 4)), [2, 1, 4, 4])
  assert.deepEqual(await padded.net(x).data(), await plain.net(x).data())
})

test('all forms agree with the loop in plain numbers, and their gradients too', async () => {
  const found = await agreements(5)
  assert.equal(found.length, 2 * formNames.length)
  for (const { form, activation, output, gradient } of found)
    assert.ok(output <= allowed && gradient <= allowed, `${form}, ${activation}: ${output}, ${gradient}`)
})

test('the gradient of the loop is what differences say, with either reading', () => {
  const [height, layers] = [5, 3]
  const draw = (stream: number) => Array.from({ length: layers }, (_, at) => randomNumbers(height, stream + at))
  const grid = { w: draw(1), c: draw(10) }
  const x = randomNumbers(height, 20)
  const error = randomNumbers(height, 21)
  for (const options of [
    { activation: 'sin', reads: 'neighbours' },
    { activation: 'tanh', reads: 'below' },
  ] as const satisfies readonly LoopOptions[]) {
    const value = (): number =>
      outputOf(runLoop(grid, x, options)).reduce((total, out, at) => total + out * error[at], 0)
    const into = { w: grid.w.map(() => new Float64Array(height)), c: grid.c.map(() => new Float64Array(height)) }
    const byInput = loopGradient(grid, runLoop(grid, x, options), error, options, into)
    const slope = (of: Float64Array, at: number): number => {
      const [kept, step] = [of[at], 1e-5]
      of[at] = kept + step
      const above = value()
      of[at] = kept - step
      const below = value()
      of[at] = kept
      return (above - below) / (2 * step)
    }
    const close = (of: Float64Array, found: Float64Array): void => {
      for (let at = 0; at < of.length; at++) assert.ok(Math.abs(slope(of, at) - found[at]) < 1e-9)
    }
    close(x, byInput)
    for (let layer = 0; layer < layers; layer++) {
      close(grid.w[layer], into.w[layer])
      close(grid.c[layer], into.c[layer])
    }
  }
})

test('the matrix of five units is the one of the draft', async () => {
  const w = tensor([1, 2, 3, 4, 5])
  const matrix = await formula(matrixText)({ w, H: 5 }).array()
  assert.deepEqual(matrix, [
    [1, 2, 0, 0, 0],
    [1, 2, 3, 0, 0],
    [0, 2, 3, 4, 0],
    [0, 0, 3, 4, 5],
    [0, 0, 0, 4, 5],
  ])
})

test('the unfold gives every unit its neighbours, and zeros where there are none', async () => {
  const windows = await formula(unfoldTexts.w)({ w: tensor([1, 2, 3]), H: 3 }).array()
  assert.deepEqual(windows, [
    [0, 1, 2],
    [1, 2, 3],
    [2, 3, 0],
  ])
})

test('the gradient of a weight is the sum over its column of the gradient of the matrix', async () => {
  const [w, x, error] = [1, 2, 3].map((seed) => tensor(randomNumbers(5, seed)))
  const matrix = formula(matrixText)({ w, H: 5 }).detach()
  const product = formula('z[p] = sum(s) M[p,s] * x[s]')
  const [byMatrix] = grad(product({ M: matrix, x }).mul(error).sum(), [matrix])
  const pattern = formula(matrixText)({ w: tensor(new Float64Array(5).fill(1)), H: 5 })
  const columns = await byMatrix.mul(pattern).sum(0).data()
  const form = formOf('formula', 5, 'tanh')
  const rest = tensor(new Float64Array(5))
  // Through tanh, whose slope is taken out again.
  const z = form(x.reshape([1, 5]), w, rest)
  const slope = z.square().neg().add(1)
  const [byWeight] = grad(z.mul(error.reshape([1, 5]).div(slope).detach()).sum(), [w])
  const found = await byWeight.data()
  for (let s = 0; s < 5; s++) assert.ok(Math.abs(found[s] - columns[s]) < 1e-12)
})

test("the draft's loop is the grid that reads p-2, p-1 and p, and carries nothing to smaller indices", async () => {
  const [height, layers] = [7, 4]
  const draw = (stream: number) => Array.from({ length: layers }, (_, at) => randomNumbers(height, stream + at))
  const grid = { w: draw(1), c: draw(10) }
  const x = randomNumbers(height, 20)
  const asDrafted = outputOf(runLoop(grid, x, { activation: 'tanh', reads: 'below' }))
  const layer = formula('z[p] = tanh(c[p] + sum(-2<=q<=0) w?[p+q] * x?[p+q])')
  const out = grid.w.reduce<Tensor>(
    (signal, w, at) => layer({ x: signal, w: tensor(w), c: tensor(grid.c[at]) }),
    tensor(x),
  )
  const found = await out.data()
  for (let p = 0; p < height; p++) assert.ok(Math.abs(found[p] - asDrafted[p]) < 1e-14)
  assert.deepEqual(reachEnds(reachOf('below', 41, 8, 0)), [0, 16])
  assert.deepEqual(reachEnds(reachOf('neighbours', 41, 8, 0)), [-8, 8])
})

test('training by the loop goes as the compiled step does', async () => {
  const size = { height: 6, layers: 4 }
  const images = take((await glyphSubset()).train, 8)
  manualSeed(6)
  const net = formNetwork('formula', { size, images })
  const step = loopTraining(await numbersOf({ net }), 'sin', 0.001)
  const optimizer = adam({ lr: 0.001 }).bind(net)
  const compiled = compile((x: Tensor, y: Tensor) => {
    const loss = crossEntropy(net(x), y)
    optimizer.update(grad(loss, net.parameters()))
    return loss
  })
  const pixels = 28 * 28
  const inputs = Array.from({ length: 8 }, (_, at) => randomNumbers(pixels, at))
  const x = fromArray(Float32Array.from(inputs.flatMap((input) => Array.from(input))), [8, pixels])
  const y = fromArray(Int32Array.from(images.labels), [8])
  const losses: number[] = []
  for (let at = 0; at < 6; at++) {
    losses.push(step(inputs, images.labels))
    const wanted = await compiled(x, y).item()
    assert.ok(Math.abs(losses[at] - wanted) < 1e-5, `step ${at}: ${losses[at]}, not ${wanted}`)
  }
  assert.ok(losses[5] < 0.9 * losses[0])
})

test('without activation, fans of 3 keep the signal of a layer but for the ends of the row', async () => {
  const options = { height: 64, layers: 3, draws: 40, seed: 1 }
  const expected = expectedStrength(options)
  assert.ok(Math.abs(expected[1] - (64 - 2 / 3) / 64) < 1e-12)
  const found = await strengths(options)
  const of = (fanOut: number) => found.find((one) => one.activation === 'none' && one.fanOut === fanOut)!
  for (const layer of [1, 2, 3]) {
    assert.ok(Math.abs(of(3).signal.mean[layer] / expected[layer] - 1) < 0.1)
    assert.ok(Math.abs(of(3).gradient.mean[3 - layer] / expected[layer] - 1) < 0.1)
    // The variance of weights is half as much again with a fan out of 1.
    assert.ok(Math.abs(of(1).signal.mean[layer] / (1.5 ** layer * expected[layer]) - 1) < 0.15)
  }
})

const recipe = {
  network: { ...codeOptions, size: { height: 16, layers: 6 } },
  loss: 'cross-entropy',
  epochs: 5,
  batchSize: 50,
  lr: 3e-3,
  schedule: 'constant',
  seed: 1,
  log: false,
} as const

test('a grid of rows, one of planes and the draft with its half squares all learn', async () => {
  const split = await glyphSubset()
  for (const changes of [
    {},
    { network: { ...recipe.network, size: { height: 28, width: 28, layers: 2 } }, schedule: 'linear' },
    { network: { ...recipe.network, activation: 'tanh', denseActivation: true }, loss: 'half-mse' },
  ] as const) {
    const { epochs } = await train(split, { ...recipe, ...changes })
    assert.equal(epochs.length, 5)
    assert.ok(epochs[4].loss < 0.95 * epochs[0].loss, `${epochs[0].loss} to ${epochs[4].loss}`)
  }
})

test('activation maps are the means over the images of a class, and apart they sum to 0 over the classes', async () => {
  const { test: images } = await glyphSubset()
  manualSeed(7)
  const network = gridNetwork([28, 28], 10, recipe.network)
  const maps = await activationMaps(network, images)
  assert.equal(maps.length, 10)
  assert.deepEqual([maps[0].length, maps[0][0].length], [7, 16])
  const own = images.labels.indexOf(3)
  const one = { ...take(images, 1), images: images.images.slice(own * 784, (own + 1) * 784), labels: Uint8Array.of(3) }
  const [, , , alone] = await activationMaps(network, one)
  const scaled = Float32Array.from(one.images, (value) => (value / 255 - 0.5) / 0.5)
  const first = await network.grid[0](network.before(fromArray(scaled, [1, 1, 28, 28]))).data()
  for (let unit = 0; unit < 16; unit++) assert.ok(Math.abs(alone[1][unit] - first[unit]) < 1e-5)
  const apart = distinctMaps(maps)
  for (let unit = 0; unit < 16; unit++)
    assert.ok(Math.abs(apart.reduce((total, map) => total + map[6][unit], 0)) < 1e-5)
})

test('a size is read as it is written, and what is none is refused', () => {
  for (const text of ['64x64', '28x28x16']) assert.equal(sizeText(parseSize(text)), text)
  for (const text of ['64', '64x', '0x3', '2x2x2x2', 'axb'])
    assert.throws(() => parseSize(text), /a size is height x layers/)
  assert.throws(() => count({ height: 14, width: 14, layers: 2 }), /planes must be of the images' size, 28x28/)
})
