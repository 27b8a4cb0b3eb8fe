import type { Padding, Shape, SliceSpec } from '/tmp/shim.ts'
import { concat, stack } from '/tmp/shim.ts'
import { testGoldens } from '../_dev/goldens.ts'

testGoldens('views', {
  permute: ({ x }, { axes }: { axes: number[] }) => x.permute(...axes),
  transpose: ({ x }) => x.transpose(),
  reshape: ({ x }, { shape }: { shape: Shape }) => x.reshape(shape),
  reshapeTransposed: ({ x }, { shape }: { shape: Shape }) => x.T.reshape(shape),
  flatten: ({ x }, { axes: [first, last] }: { axes: number[] }) => x.flatten(first, last),
  slice: ({ x }, { specs }: { specs: SliceSpec[] }) => x.slice(...specs),
  flip: ({ x }, { axes }: { axes: number[] }) => x.flip(axes),
  roll: ({ x }, { shift, axis }: { shift: number; axis: number | null }) => x.roll(shift, axis ?? undefined),
  pad: ({ x }, { padding, value }: { padding: Padding; value: number }) => x.pad(padding, value),
  broadcastTo: ({ x }, { shape }: { shape: Shape }) => x.broadcastTo(shape),
  tile: ({ x }, { times }: { times: number[] }) => x.tile(times),
  repeat: ({ x }, { times, axis }: { times: number; axis: number }) => x.repeat(times, axis),
  split: ({ x }, { sizes, axis, piece }: { sizes: number[]; axis: number; piece: number }) =>
    x.split(sizes, axis)[piece],
  cumsum: ({ x }, { axis }: { axis: number }) => x.cumsum(axis),
  cumprod: ({ x }, { axis }: { axis: number }) => x.cumprod(axis),
  concat: ({ x, y, z }, { axis }: { axis: number }) => concat([x, y, z], axis),
  stack: ({ x, y, z }, { axis }: { axis: number }) => stack([x, y, z], axis),
  gather: ({ x, index }, { axis }: { axis: number }) => x.gather(axis, index),
  take: ({ x, index }, { axis }: { axis: number }) => x.take(index, axis),
  sort: ({ x }, options: { axis: number; descending: boolean }) => ({
    y: x.sort(options),
    indices: x.argsort(options),
  }),
  topk: ({ x }, { count, largest }: { count: number; largest: boolean }) => {
    const { values, indices } = x.topk(count, { largest })
    return { y: values, indices }
  },
})
