import { test } from 'node:test'
import { formula, grad, type Tensor, tensor, zeros } from '../../src/index.ts'
import * as nn from '../../src/nn/index.ts'
import type { Inputs } from '../support/goldens.ts'
import { assertClose, inputsOf, readGoldens, testGoldens, withParameters } from '../support/goldens.ts'

interface Convolution {
  readonly axes: 1 | 2 | 3
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  readonly groups: number
}

interface ConvTranspose extends Convolution {
  readonly axes: 1 | 2
  readonly outputPadding: readonly number[]
}

/** Every output channel o reads the C channels of its group; a group has O output channels. */
const convolutions = {
  1: 'y[n,o,i<L1] = bias[o] + sum(c,u) x?[n,o/O*C+c,s1*i+d1*u-p1] * weight[o,c,u]',
  2: `y[n,o,i<L1,j<L2] = bias[o] +
        sum(c,u,v) x?[n,o/O*C+c,s1*i+d1*u-p1,s2*j+d2*v-p2] * weight[o,c,u,v]`,
  3: `y[n,o,i<L1,j<L2,k<L3] = bias[o] +
        sum(c,u,v,w) x?[n,o/O*C+c,s1*i+d1*u-p1,s2*j+d2*v-p2,s3*k+d3*w-p3] * weight[o,c,u,v,w]`,
}

/** Without padding every read lies inside, and the extents follow. */
const unpadded = {
  1: 'y[n,o,i] = bias[o] + sum(c,u) x[n,o/O*C+c,s1*i+d1*u] * weight[o,c,u]',
  2: 'y[n,o,i,j] = bias[o] + sum(c,u,v) x[n,o/O*C+c,s1*i+d1*u,s2*j+d2*v] * weight[o,c,u,v]',
  3: `y[n,o,i,j,k] = bias[o] +
        sum(c,u,v,w) x[n,o/O*C+c,s1*i+d1*u,s2*j+d2*v,s3*k+d3*w] * weight[o,c,u,v,w]`,
}

function convolutionFormula({ x, weight, bias }: Inputs, attributes: Convolution) {
  const { axes, stride, padding, dilation, groups } = attributes
  const isPadded = padding.some((width) => width > 0)
  const text = isPadded ? convolutions[axes] : unpadded[axes]
  const extents = stride.map((step, axis) => {
    const span = dilation[axis] * (weight.shape[axis + 2] - 1) + 1
    return Math.floor((x.shape[axis + 2] + 2 * padding[axis] - span) / step) + 1
  })
  const operands: Record<string, Tensor | number> = {
    x,
    weight,
    ...(bias && { bias }),
    O: weight.shape[0] / groups,
    C: weight.shape[1],
    ...numbered('s', stride),
    ...numbered('d', dilation),
    ...(isPadded && { ...numbered('p', padding), ...numbered('L', extents) }),
  }
  return { conv: formula(bias ? text : text.replace('bias[o] +', '')), operands }
}

function convolve(inputs: Inputs, attributes: Convolution): Tensor {
  const { conv, operands } = convolutionFormula(inputs, attributes)
  return conv(operands)
}

/** `{ s1: …, s2: … }`: one constant an axis. */
const numbered = (name: string, values: readonly number[]): Record<string, number> =>
  Object.fromEntries(values.map((value, axis) => [`${name}${axis + 1}`, value]))

/** Of the input positions i and kernel positions u, those that meet at output position a count. */
const meeting = {
  1: `y[n,o,a<L1] = bias[o] + sum(c<C,i,u) where(s1*i + d1*u - p1 == a,
        x[n,o/O*C+c,i] * weight[o/O*C+c,o%O,u], 0)`,
  2: `y[n,o,a<L1,b<L2] = bias[o] + sum(c<C,i,j,u,v) where(s1*i + d1*u - p1 == a and s2*j + d2*v - p2 == b,
        x[n,o/O*C+c,i,j] * weight[o/O*C+c,o%O,u,v], 0)`,
}

/** The same, with the kernel position that brings input position i to a. */
const solved = {
  1: `y[n,o,a<L1] = bias[o] + sum(c<C,i) where((a+p1-s1*i) % d1 == 0,
        x[n,o/O*C+c,i] * weight?[o/O*C+c,o%O,(a+p1-s1*i)/d1], 0)`,
  2: `y[n,o,a<L1,b<L2] = bias[o] + sum(c<C,i,j) where((a+p1-s1*i) % d1 == 0 and (b+p2-s2*j) % d2 == 0,
        x[n,o/O*C+c,i,j] * weight?[o/O*C+c,o%O,(a+p1-s1*i)/d1,(b+p2-s2*j)/d2], 0)`,
}

const transposed =
  (texts: { readonly 1: string; readonly 2: string }) =>
  ({ x, weight, bias }: Inputs, attributes: ConvTranspose): Tensor =>
    formula(texts[attributes.axes])({
      x,
      weight,
      bias,
      O: weight.shape[1],
      C: weight.shape[0] / attributes.groups,
      ...numbered('s', attributes.stride),
      ...numbered('d', attributes.dilation),
      ...numbered('p', attributes.padding),
      ...numbered('L', transposedExtents(x, weight, attributes)),
    })

const transposedExtents = (x: Tensor, weight: Tensor, { stride, padding, dilation, outputPadding }: ConvTranspose) =>
  stride.map(
    (step, axis) =>
      (x.shape[axis + 2] - 1) * step -
      2 * padding[axis] +
      dilation[axis] * (weight.shape[axis + 2] - 1) +
      outputPadding[axis] +
      1,
  )

/** A transposed convolution is the derivative of the convolution by its input. */
function adjointOfConvolution({ x, weight, bias }: Inputs, attributes: ConvTranspose): Tensor {
  const channels = weight.shape[1] * attributes.groups
  const input = zeros([x.shape[0], channels, ...transposedExtents(x, weight, attributes)], { dtype: 'f64' })
  const dInput = grad(convolve({ x: input, weight }, attributes).mul(x).sum(), input)
  return dInput.add(bias.reshape([channels, ...attributes.stride.map(() => 1)]))
}

const convolutionLayers = { 1: nn.conv1d, 2: nn.conv2d, 3: nn.conv3d }

function convolutionLayer(inputs: Inputs, { axes, groups, ...options }: Convolution): Tensor {
  const [channels, perGroup, ...kernel] = inputs.weight.shape
  const make = convolutionLayers[axes]
  const all = { ...options, groups, bias: 'bias' in inputs, dtype: 'f64' } as const
  return withParameters(make(perGroup * groups, channels, kernel, all), inputs)(inputs.x)
}

const transposedLayers = { 1: nn.convTranspose1d, 2: nn.convTranspose2d }

function transposedLayer(inputs: Inputs, { axes, groups, ...options }: ConvTranspose): Tensor {
  const [channels, perGroup, ...kernel] = inputs.weight.shape
  const layer = transposedLayers[axes](channels, perGroup * groups, kernel, { ...options, groups, dtype: 'f64' })
  return withParameters(layer, inputs)(inputs.x)
}

testGoldens('convolution', {
  conv: { nn: convolutionLayer, formula: convolve },
  convTranspose: {
    nn: transposedLayer,
    'formula over meeting positions': transposed(meeting),
    'formula over input positions': transposed(solved),
    'adjoint of the convolution': adjointOfConvolution,
  },
})

for (const golden of readGoldens('convolution').filter(({ op }) => op === 'conv')) {
  test(`${golden.name}: the formulas of the gradients give PyTorch's gradients`, async () => {
    const inputs = inputsOf(golden)
    const { conv, operands } = convolutionFormula(inputs, golden.attributes as unknown as Convolution)
    const { shape, cotangent } = golden.outputs.y
    const dy = tensor(Float64Array.from(cotangent!), { shape, dtype: 'f64' })
    for (const [name, expected] of Object.entries(golden.gradients)) {
      const gradient = conv.gradient(name)
      assertClose(`${gradient}`, await gradient({ ...operands, dy }).data(), expected.map(Number))
    }
  })
}
