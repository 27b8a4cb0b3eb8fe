import { formula, type Tensor } from '/tmp/shim.ts'
import * as nn from '../../src/nn/index.ts'
import type { Inputs } from '../_dev/goldens.ts'
import { testGoldens } from '../_dev/goldens.ts'

interface Pooling {
  readonly axes: 1 | 2 | 3
  readonly size: readonly number[]
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly countIncludePad?: boolean
}

/** The windows over x, whose elements in the padding are absent. */
const windows = {
  1: { axes: 'n,c,i<L1', ranges: 'u<k1', read: 'x?[n,c,s1*i+u-p1]' },
  2: { axes: 'n,c,i<L1,j<L2', ranges: 'u<k1,v<k2', read: 'x?[n,c,s1*i+u-p1,s2*j+v-p2]' },
  3: { axes: 'n,c,i<L1,j<L2,k<L3', ranges: 'u<k1,v<k2,w<k3', read: 'x?[n,c,s1*i+u-p1,s2*j+v-p2,s3*k+w-p3]' },
}

/** Windows that all lie inside, as many as there are. */
const inside = {
  1: { axes: 'n,c,i', ranges: 'u<k1', read: 'x[n,c,s1*i+u]' },
  2: { axes: 'n,c,i,j', ranges: 'u<k1,v<k2', read: 'x[n,c,s1*i+u,s2*j+v]' },
  3: { axes: 'n,c,i,j,k', ranges: 'u<k1,v<k2,w<k3', read: 'x[n,c,s1*i+u,s2*j+v,s3*k+w]' },
}

function pool(op: string, { x }: Inputs, { axes, size, stride, padding }: Pooling): Tensor {
  const isPadded = padding.some((width) => width > 0)
  const window = isPadded ? windows[axes] : inside[axes]
  const extents = size.map((length, axis) =>
    Math.floor((x.shape[axis + 2] + 2 * padding[axis] - length) / stride[axis] + 1),
  )
  return formula(`y[${window.axes}] = ${op}(${window.ranges}) ${window.read}` as string)({
    x,
    ...numbered('k', size),
    ...numbered('s', stride),
    ...(isPadded && { ...numbered('p', padding), ...numbered('L', extents) }),
  })
}

const numbered = (name: string, values: readonly number[]): Record<string, number> =>
  Object.fromEntries(values.map((value, axis) => [`${name}${axis + 1}`, value]))

const maxPools = { 1: nn.maxPool1d, 2: nn.maxPool2d, 3: nn.maxPool3d }
const avgPools = { 1: nn.avgPool1d, 2: nn.avgPool2d, 3: nn.avgPool3d }

testGoldens('pooling', {
  maxPool: {
    nn: ({ x }, { axes, size, ...options }: Pooling) => maxPools[axes](size, options)(x),
    formula: (inputs, pooling: Pooling) => pool('max', inputs, pooling),
  },
  avgPool: {
    nn: ({ x }, { axes, size, ...options }: Pooling) => avgPools[axes](size, options)(x),
    formula: (inputs, pooling: Pooling) => {
      if (!pooling.countIncludePad) return pool('mean', inputs, pooling)
      return pool('sum', inputs, pooling).div(pooling.size.reduce((count, length) => count * length))
    },
  },
})
