// The network: a convolution, tanh, perhaps pooling, and a dense layer; and its losses.
import { customGradient, type Tensor } from '../../src/index.ts'
import { apply } from '../../src/nn/apply.ts'
import {
  avgPool2d,
  conv2d,
  crossEntropy,
  defineLayer,
  flatten,
  type Init,
  init,
  type Layer,
  layerDefault,
  linear,
  maxPool2d,
  sequential,
  tanh,
} from '../../src/nn/index.ts'
import type { Loss } from '../../src/train/evaluate.ts'
import { documentInputGradient } from './document.ts'

export interface NetworkOptions {
  readonly gradients: 'derived' | 'document'
  readonly init: keyof typeof initializations
  readonly pool: 'none' | 'max' | 'average'
  readonly stride: number
  /** Whether the convolution adds a number of its own for each window; the document's does not. */
  readonly bias: boolean
}

/** How weights begin. */
export const initializations = {
  document: () => init.normal(),
  pytorch: () => layerDefault,
  xavier: () => init.xavierUniform(),
} as const satisfies Record<string, () => Init>

/** For images [n, channels, height, width]: 16 windows of 5×5, and from all they see to the classes. */
export function network(
  [, channels, height, width]: readonly number[],
  classes: number,
  { gradients, init: name, pool, stride, bias }: NetworkOptions,
): Layer {
  const begin = initializations[name]
  // Padded as in the document, so that a stride of 1 keeps the size.
  const convolution = conv2d(channels, 16, 5, { stride, padding: 2, bias, weightInit: begin() })
  const [rows, columns] = [height, width].map((size) =>
    Math.floor(Math.ceil(size / stride) / (pool === 'none' ? 1 : 2)),
  )
  return sequential(
    gradients === 'document' ? withDocumentGradients(convolution) : convolution,
    tanh(),
    ...poolings[pool](),
    flatten(),
    linear(16 * rows * columns, classes, {
      weightInit: begin(),
      biasInit: name === 'document' ? init.normal() : undefined,
    }),
  )
}

const poolings = {
  none: () => [],
  max: () => [maxPool2d(2)],
  average: () => [avgPool2d(2)],
} as const satisfies Record<NetworkOptions['pool'], () => readonly Layer[]>

/** A convolution of stride 1, trained by the document's formulas instead of those that follow from its own. */
function withDocumentGradients(convolution: Layer): Layer {
  const [weight] = convolution.parameters() as readonly Tensor[]
  const convolve = customGradient(
    (x: Tensor, _weight: Tensor) => convolution(x),
    (dz, _z, x, weight) => {
      const [, , H, W] = x.shape
      // The document has the channels that come in first.
      const w = weight.transpose(0, 1)
      return [apply(documentInputGradient, { dz, w, H, W }), kernelGradient(x, dz).transpose(0, 1)]
    },
  )
  return defineLayer({
    name: `${convolution.name} with the document's gradients`,
    children: { convolution },
    forward: (x: Tensor) => convolve(x, weight),
  })
}

/**
 * `documentKernelGradient` in the document's own steps, which are quicker: rows of patches, place by place, and rows of the gradient,
 * image by image. The transpose that is missing would stand before the first reshape.
 */
function kernelGradient(x: Tensor, dz: Tensor): Tensor {
  const [B, C, H, W] = x.shape
  const patches = apply('q[p<H*W,b,c,u<5,v<5] = x?[b,c,p/W+u-2,p%W+v-2]', { x, H, W }).reshape([B * H * W, C, 5, 5])
  const rows = dz.permute(0, 2, 3, 1).reshape([B * H * W, dz.shape[1]])
  return apply('dw[c,o,u,v] = sum(r) q[r,c,u,v] * g[r,o]', { q: patches, g: rows })
}

/** From logits and classes to a loss for each example. */
export const losses = {
  'cross-entropy': (logits, classes) => crossEntropy(logits, classes, { reduction: 'none' }),
  /** The document's value, and the gradient that belongs to it. */
  binary: (logits, classes) => apply(binaryText, { x: logits, y: classes, K: logits.shape[1] }),
  /** The document's value, and the gradient of the cross-entropy. */
  document: (logits, classes) => mismatched(logits, classes),
} as const satisfies Record<string, Loss>

/** The document's loss for numbers of 32 bits: shares are held above its 1e-9, and 1 - p is summed from the other shares. */
const binaryText = `m[n] = max(k) x[n,k]
e[n,k] = exp(x[n,k] - m[n])
s[n] = sum(k) e[n,k]
others[n,k<K] = sum(k') where(k' == k, 0, e[n,k'])
L[n] = -log(max(e[n,y[n]] / s[n], 1e-9)) - sum(k) where(k == y[n], 0, log(max(others[n,k] / s[n], 1e-9)))`

function mismatched(logits: Tensor, classes: Tensor): Tensor {
  const loss = customGradient(
    (x: Tensor) => losses.binary(x, classes),
    (dL, _, x) => [
      x
        .softmax(1)
        .sub(classes.oneHot(x.shape[1]))
        .mul(dL.reshape([dL.shape[0], 1])),
    ],
  )
  return loss(logits)
}
