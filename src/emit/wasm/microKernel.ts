// The inner loops of matrix products: a column of register tiles, each the product of a few rows of A and a few vectors of
// columns of B, summed over k in order.
import type { FunctionBuilder, Local, WasmModule } from './encoder.ts'
import { advance, loadLanes, storeLanes } from './partialVectors.ts'

/** How a tile finds its operands; strides in elements, known when the kernel is written. */
export interface MicroKernel {
  /** Rows of a tile. */
  readonly height: number
  /** Columns of a tile; the last vector may be partly filled. */
  readonly width: number
  readonly fma: boolean
  /** `a[row · rowStride + k · kStride]`, or in place of the latter a table; the next tile's rows are `tileStride` further. */
  readonly a: { readonly rowStride: number; readonly kStride: number | 'table'; readonly tileStride: number }
  /** Rows of B: `kStride` apart, or where a table of byte offsets says. Packed, all vectors are whole. */
  readonly b: { readonly kStride: number | 'table'; readonly packed: boolean }
  /** Rows of C: `rowStride` apart, or where a table of byte offsets says. */
  readonly c: { readonly rowStride: number | 'table' }
  /** Whether sums are stored, or stored or added to what is there as the last parameter says. */
  readonly result: 'store' | 'either'
}

/** V8 allots so many: sums, a row of B and one element of A have to fit. */
export const vectorRegisters = 15

/** Steps over k in one turn of the loop: more hide the loop's own work, and cost code. */
const unroll = 4

/**
 * The function (a, b, c, tiles, k, aTable, bTable, cTable, add) for `tiles` ≥ 1 tiles one below the other and `k` ≥ 1: addresses in
 * bytes; tables are read where the kernel asks for them.
 *
 * V8's compiler moves arithmetic down to where its result is used, which is the end of the loop, but keeps loads where they
 * are: all operands of a turn would be loaded first, and most spilled. So after each row there is a branch out of the loop
 * that is never taken; as the sums are used outside, they have to be ready there. It makes 28 GFLOP/s of a 6×8 tile 48.
 */
export function microKernel(m: WasmModule, spec: MicroKernel): FunctionBuilder {
  const { height, width } = spec
  const f = m.func(`f32_product_${height}x${width}${spec.fma ? '_fma' : ''}`, { params: Array(9).fill('i32') })
  const [a, b, c, tiles, k, aTable, bTable, cTable, add] = f.params
  const vectors = Math.ceil(width / 4)
  const sums = Array.from({ length: height * vectors }, () => f.local('v128'))
  const columns = Array.from({ length: vectors }, () => f.local('v128'))
  const element = f.local('v128')
  const [aAt, bAt, aStep, bStep, rest] = Array.from({ length: 5 }, () => f.local('i32'))

  const step = (at: number, done: Parameters<FunctionBuilder['brIf']>[0]): void => {
    if (spec.a.kStride === 'table') f.get(a).get(aStep).memory('i32.load').op('i32.add').set(aAt)
    if (spec.b.kStride === 'table') f.get(b).get(bStep).memory('i32.load').op('i32.add').set(bAt)
    columns.forEach((column, vector) => {
      loadLanes(f, bAt, 16 * vector, spec.b.packed ? 4 : Math.min(4, width - 4 * vector))
      f.set(column)
    })
    for (let row = 0; row < height; row++) {
      f.get(aAt)
        .memory('v128.load32_splat', 4 * row * spec.a.rowStride)
        .set(element)
      columns.forEach((column, vector) => {
        multiplyAdd(f, spec.fma, element, column, sums[row * vectors + vector])
      })
      // Each has a number of its own that `rest` never is, or the compiler would drop all but the first.
      if (row < height - 1)
        f.get(rest)
          .i32Const(-1 - row - at * height)
          .op('i32.eq')
          .brIf(done)
    }
    if (spec.a.kStride === 'table') advance(f, aStep, 4)
    else advance(f, aAt, 4 * spec.a.kStride)
    if (spec.b.kStride === 'table') advance(f, bStep, 4)
    else advance(f, bAt, 4 * spec.b.kStride)
  }

  f.loop((nextTile) => {
    for (const sum of sums) f.v128Const(new Uint8Array(16)).set(sum)
    f.get(a).set(aAt).get(b).set(bAt).get(aTable).set(aStep).get(bTable).set(bStep).get(k).set(rest)
    f.block((done) => {
      f.loop((next) => {
        for (let at = 0; at < unroll; at++) {
          step(at, done)
          f.get(rest).i32Const(1).op('i32.sub').tee(rest)
          if (at < unroll - 1) f.op('i32.eqz').brIf(done)
          else f.brIf(next)
        }
      })
    })
    storeTile(f, spec, { c, cTable, add, sums, row: aAt })
    advance(f, a, 4 * spec.a.tileStride)
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
  /** A local to spare. */
  readonly row: Local
}

/** Writes the sums out and moves on to the rows of the next tile. */
function storeTile(f: FunctionBuilder, spec: MicroKernel, { c, cTable, add, sums, row }: TileStore): void {
  const { height, width } = spec
  const { rowStride } = spec.c
  const vectors = Math.ceil(width / 4)
  const eachVector = (write: (at: Local, offset: number, lanes: number, sum: Local) => void): void => {
    for (let r = 0; r < height; r++) {
      if (rowStride === 'table')
        f.get(c)
          .get(cTable)
          .memory('i32.load', 4 * r)
          .op('i32.add')
          .set(row)
      for (let v = 0; v < vectors; v++) {
        const lanes = Math.min(4, width - 4 * v)
        if (rowStride === 'table') write(row, 16 * v, lanes, sums[r * vectors + v])
        else write(c, 4 * r * rowStride + 16 * v, lanes, sums[r * vectors + v])
      }
    }
  }
  const store = () => eachVector((at, offset, lanes, sum) => storeLanes(f, at, offset, lanes, sum))
  const addInto = () =>
    eachVector((at, offset, lanes, sum) => {
      loadLanes(f, at, offset, lanes)
      f.get(sum).op('f32x4.add').set(sum)
      storeLanes(f, at, offset, lanes, sum)
    })
  if (spec.result === 'either') f.get(add).if(addInto, store)
  else store()
  if (rowStride === 'table') advance(f, cTable, 4 * height)
  else advance(f, c, 4 * height * rowStride)
}
