// The matrix products of the workloads, as tables of offsets.
import type { ProductShape } from '../../test/support/productModule.ts'

/** Offsets of all combinations of axes given as [extent, stride], the last running fastest. */
export function offsets(...axes: readonly (readonly [extent: number, stride: number])[]): Int32Array {
  let all = Int32Array.of(0)
  for (const [extent, stride] of axes) {
    const longer = new Int32Array(all.length * extent)
    all.forEach((offset, at) => {
      for (let step = 0; step < extent; step++) longer[at * extent + step] = offset + step * stride
    })
    all = longer
  }
  return all
}

/** Row-major operands; transposed ones lie the other way round. */
export function dense(m: number, n: number, k: number, transposed = ''): ProductShape {
  const isA = transposed.includes('a')
  const isB = transposed.includes('b')
  return {
    m, n, k,
    aRows: offsets([m, isA ? 1 : k]), aColumns: offsets([k, isA ? m : 1]),
    bRows: offsets([k, isB ? 1 : n]), bColumns: offsets([n, isB ? k : 1]),
    cRows: offsets([m, n]), cColumns: offsets([n, 1]),
  } // biome-ignore format: a table
}

interface ConvolutionSizes {
  readonly images: number
  readonly channels: number
  readonly filters: number
  /** Of the result. */
  readonly size: number
  readonly kernel: number
}

/** Filters times windows: images of channels × (size + kernel - 1)², already padded. */
export function convolution({ images, channels, filters, size, kernel }: ConvolutionSizes): ProductShape {
  const side = size + kernel - 1
  const patch = channels * kernel * kernel
  return {
    m: filters, n: images * size * size, k: patch,
    aRows: offsets([filters, patch]), aColumns: offsets([patch, 1]),
    bRows: offsets([channels, side * side], [kernel, side], [kernel, 1]),
    bColumns: offsets([images, channels * side * side], [size, side], [size, 1]),
    cRows: offsets([filters, size * size]), cColumns: offsets([images, filters * size * size], [size * size, 1]),
  } // biome-ignore format: a table
}

/** The gradient of the filters: results' gradients times windows, over all places of all images. */
export function convolutionWeights({ images, channels, filters, size, kernel }: ConvolutionSizes): ProductShape {
  const side = size + kernel - 1
  const patch = channels * kernel * kernel
  return {
    m: filters, n: patch, k: images * size * size,
    aRows: offsets([filters, size * size]), aColumns: offsets([images, filters * size * size], [size * size, 1]),
    bRows: offsets([images, channels * side * side], [size, side], [size, 1]),
    bColumns: offsets([channels, side * side], [kernel, side], [kernel, 1]),
    cRows: offsets([filters, patch]), cColumns: offsets([patch, 1]),
  } // biome-ignore format: a table
}

/** One place of a locally connected layer: a batch of windows times that place's own filters. */
export function locallyConnected({ images, channels, filters, size, kernel }: ConvolutionSizes): ProductShape {
  const side = size + kernel - 1
  const places = size * size
  const patch = channels * kernel * kernel
  return {
    m: images, n: filters, k: patch,
    aRows: offsets([images, channels * side * side]),
    aColumns: offsets([channels, side * side], [kernel, side], [kernel, 1]),
    bRows: offsets([patch, 1]), bColumns: offsets([filters, places * patch]),
    cRows: offsets([images, filters * places]), cColumns: offsets([filters, places]),
  } // biome-ignore format: a table
}

export const productShapes: Readonly<Record<string, () => ProductShape>> = {
  'matmul-64': () => dense(64, 64, 64),
  'matmul-256': () => dense(256, 256, 256),
  'matmul-512': () => dense(512, 512, 512),
  'matmul-1024': () => dense(1024, 1024, 1024),
  'matmul-512-bt': () => dense(512, 512, 512, 'b'),
  'matmul-512-at': () => dense(512, 512, 512, 'a'),
  'matmul-skinny': () => dense(1000, 16, 784),
  'mlp-forward': () => dense(1000, 16, 784, 'b'),
  'mlp-second': () => dense(1000, 10, 16, 'b'),
  'mlp-weights': () => dense(16, 784, 1000, 'a'),
  'autoencoder-forward': () => dense(1000, 64, 784, 'b'),
  'autoencoder-decode': () => dense(1000, 784, 64, 'b'),
  'autoencoder-back': () => dense(1000, 64, 784),
  'autoencoder-weights': () => dense(784, 64, 1000, 'a'),
  'matrix-vector': () => dense(1000, 1, 784),
  'vector-matrix': () => dense(1, 1000, 784),
  'tiny-8': () => dense(8, 8, 8),
  'tiny-16': () => dense(16, 16, 16),
  'tiny-32': () => dense(32, 32, 32),
  conv3x3: () => convolution({ images: 1, channels: 64, filters: 64, size: 32, kernel: 3 }),
  'conv3x3-two': () => convolution({ images: 2, channels: 64, filters: 64, size: 32, kernel: 3 }),
  'conv3x3-30': () => convolution({ images: 1, channels: 64, filters: 64, size: 30, kernel: 3 }),
  'conv5x5-first': () => convolution({ images: 4, channels: 1, filters: 16, size: 28, kernel: 5 }),
  'conv3x3-weights': () => convolutionWeights({ images: 4, channels: 64, filters: 64, size: 32, kernel: 3 }),
  'conv3x3-weights-30': () => convolutionWeights({ images: 4, channels: 64, filters: 64, size: 30, kernel: 3 }),
  'conv5x5-weights': () => convolutionWeights({ images: 60, channels: 1, filters: 16, size: 28, kernel: 5 }),
  'local-27-10': () => locallyConnected({ images: 64, channels: 3, filters: 10, size: 30, kernel: 3 }),
  'local-576-64': () => locallyConnected({ images: 64, channels: 64, filters: 64, size: 8, kernel: 3 }),
  'attention-scores': () => dense(128, 128, 32, 'b'),
  'attention-values': () => dense(128, 32, 128),
  'rows-1024x64x1024': () => dense(1024, 64, 1024),
  'rows-512x32x1024': () => dense(512, 32, 1024),
  'rows-512x16x300': () => dense(512, 16, 300),
  'columns-16x1024x300': () => dense(16, 1024, 300),
  'columns-32x1024x300': () => dense(32, 1024, 300),
  'columns-64x1024x300': () => dense(64, 1024, 300),
  'columns-32x1024x1024': () => dense(32, 1024, 1024),
  'conv-16-filters': () => convolution({ images: 1, channels: 16, filters: 16, size: 32, kernel: 3 }),
  'conv-32-filters': () => convolution({ images: 1, channels: 32, filters: 32, size: 32, kernel: 3 }),
  'conv-32-filters-28': () => convolution({ images: 1, channels: 32, filters: 32, size: 28, kernel: 3 }),
  'conv-128-filters': () => convolution({ images: 1, channels: 64, filters: 128, size: 32, kernel: 3 }),
  'conv-256-filters': () => convolution({ images: 1, channels: 64, filters: 256, size: 16, kernel: 3 }),
  'matmul-512-500': () => dense(512, 500, 512),
  'matmul-100-500': () => dense(100, 500, 512),
  lstm: () => dense(64, 512, 156, 'b'),
}
