// The inner loops of matrix products: a column of register tiles, each the product of a few rows of A and a few vectors of
// columns of B, summed over k in order.
import type { FunctionBuilder, Local, WasmModule } from './encoder.ts'

/** How a tile finds its operands; strides in elements, known when the kernel is written. */
export interface MicroKernel {
  /** Rows of a tile. */
  readonly height: number
  /** Columns of a tile; the last vector may be partly filled. */
  readonly width: number
  readonly fma: boolean
  /** `a[row · rowStride + k · kStride]`; the next tile's rows begin `tileStride` further. */
  readonly a: { readonly rowStride: number; readonly kStride: number; readonly tileStride: number }
  /** Rows of B: `kStride` apart, or where a table of byte offsets says. Packed, all vectors are whole. */
  readonly b: { readonly kStride: number | 'table'; readonly packed: boolean }
  /** Rows of C: `rowStride` apart, or where a table of byte offsets says. */
  readonly c: { readonly rowStride: number | 'table' }
  /** Whether sums are stored, added to what is there, or the one or other as the last parameter says. */
  readonly result: 'store' | 'add' | 'either'
}

/** The most accumulators a tile may have: V8 allots 15 vector registers, and a tile needs its vectors of B and one of A. */
export const vectorRegisters = 15

/** k is unrolled this many times. */
const unroll = 4

/**
 * Writes the function (a, b, c, tiles, k, bTable, cTable, add) for `tiles` tiles under each other: addresses in bytes; the
 * tables are read where the kernel asks for them.
 */
export function microKernel(m: WasmModule, spec: MicroKernel): FunctionBuilder {
  const { height, width } = spec
  const name = `f32_product_${height}x${width}${spec.fma ? '_fma' : ''}`
  const f = m.func(name, { params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] })
  const [a, b, c, tiles, k, bTable, cTable, add] = f.params
  const vectors = Math.ceil(width / 4)
  const sums = Array.from({ length: height * vectors }, () => f.local('v128'))
  const columns = Array.from({ length: vectors }, () => f.local('v128'))
  const element = f.local('v128')
  const [aAt, bAt, tableAt, rest] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')]

  const lanesOf = (vector: number) => (spec.b.packed ? 4 : Math.min(4, width - 4 * vector))
  const aOffset = (row: number, step: number) => 4 * (row * spec.a.rowStride + step * spec.a.kStride)

  const steps = (count: number): void => {
    for (let step = 0; step < count; step++) {
      let rowOffset = 0
      if (spec.b.kStride === 'table') {
        f.get(b)
          .get(tableAt)
          .memory('i32.load', 4 * step)
          .op('i32.add')
          .set(bAt)
      } else rowOffset = 4 * step * spec.b.kStride
      columns.forEach((column, vector) => {
        loadLanes(f, bAt, rowOffset + 16 * vector, lanesOf(vector))
        f.set(column)
      })
      for (let row = 0; row < height; row++) {
        f.get(aAt).memory('v128.load32_splat', aOffset(row, step)).set(element)
        columns.forEach((column, vector) => {
          multiplyAdd(f, spec.fma, element, column, sums[row * vectors + vector])
        })
      }
    }
    f.get(aAt).i32Const(aOffset(0, count)).op('i32.add').set(aAt)
    if (spec.b.kStride === 'table') f.get(tableAt).i32Const(4 * count).op('i32.add').set(tableAt)
    else f.get(bAt).i32Const(4 * count * spec.b.kStride).op('i32.add').set(bAt)
    f.get(rest).i32Const(count).op('i32.sub').set(rest)
  }

  f.loop((nextTile) => {
    for (const sum of sums) f.v128Const(new Uint8Array(16)).set(sum)
    f.get(a).set(aAt).get(b).set(bAt).get(bTable).set(tableAt).get(k).set(rest)
    f.get(rest).i32Const(unroll).op('i32.ge_u')
    f.if(() => {
      f.loop((next) => {
        steps(unroll)
        f.get(rest).i32Const(unroll).op('i32.ge_u').brIf(next)
      })
    })
    f.get(rest)
    f.if(() => {
      f.loop((next) => {
        steps(1)
        f.get(rest).brIf(next)
      })
    })
    storeTile(f, spec, { c, cTable, add, sums, row: aAt })
    f.get(a).i32Const(4 * spec.a.tileStride).op('i32.add').set(a)
    f.get(tiles).i32Const(1).op('i32.sub').tee(tiles).brIf(nextTile)
  })
  return f
}

function multiplyAdd(f: FunctionBuilder, fma: boolean, element: Local, column: Local, sum: Local): void {
  if (fma) f.get(element).get(column).get(sum).op('f32x4.relaxed_madd').set(sum)
  else f.get(sum).get(element).get(column).op('f32x4.mul').op('f32x4.add').set(sum)
}

interface TileStore {
  readonly c: Local
  readonly cTable: Local
  readonly add: Local
  readonly sums: readonly Local[]
  readonly row: Local
}

/** Writes the sums out and moves to the next tile's rows. */
function storeTile(f: FunctionBuilder, spec: MicroKernel, { c, cTable, add, sums, row }: TileStore): void {
  const { height, width, result } = spec
  const { rowStride } = spec.c
  const vectors = Math.ceil(width / 4)
  const eachVector = (write: (at: Local, offset: number, lanes: number, sum: Local) => void): void => {
    for (let r = 0; r < height; r++) {
      if (rowStride === 'table') f.get(c).get(cTable).memory('i32.load', 4 * r).op('i32.add').set(row)
      for (let v = 0; v < vectors; v++) {
        const lanes = Math.min(4, width - 4 * v)
        if (rowStride === 'table') write(row, 16 * v, lanes, sums[r * vectors + v])
        else write(c, 4 * r * rowStride + 16 * v, lanes, sums[r * vectors + v])
      }
    }
  }
  const addInto = () =>
    eachVector((at, offset, lanes, sum) => {
      loadLanes(f, at, offset, lanes)
      f.get(sum).op('f32x4.add').set(sum)
      storeLanes(f, at, offset, lanes, sum)
    })
  const store = () => eachVector((at, offset, lanes, sum) => storeLanes(f, at, offset, lanes, sum))
  if (result === 'either') f.get(add).if(addInto, store)
  else if (result === 'add') addInto()
  else store()
  if (rowStride === 'table') f.get(cTable).i32Const(4 * height).op('i32.add').set(cTable)
  else f.get(c).i32Const(4 * height * rowStride).op('i32.add').set(c)
}

/** Puts on the stack a vector of which the first `lanes` lanes come from memory, touching nothing beyond. */
export function loadLanes(f: FunctionBuilder, at: Local, offset: number, lanes: number): void {
  f.get(at)
  if (lanes === 4) f.memory('v128.load', offset)
  else if (lanes === 1) f.memory('v128.load32_zero', offset)
  else {
    f.memory('v128.load64_zero', offset)
    if (lanes === 3) {
      const low = f.local('v128')
      f.set(low)
      f.get(at).get(low).memoryLane('v128.load32_lane', 2, offset + 8)
    }
  }
}

/** Stores the first `lanes` lanes of the vector. */
export function storeLanes(f: FunctionBuilder, at: Local, offset: number, lanes: number, vector: Local): void {
  f.get(at).get(vector)
  if (lanes === 4) f.memory('v128.store', offset)
  else if (lanes === 1) f.memoryLane('v128.store32_lane', 0, offset)
  else {
    f.memoryLane('v128.store64_lane', 0, offset)
    if (lanes === 3) f.get(at).get(vector).memoryLane('v128.store32_lane', 2, offset + 8)
  }
}
