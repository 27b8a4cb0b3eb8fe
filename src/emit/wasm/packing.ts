// Puts an operand of a matrix product into the order in which the micro-kernels read it: tile by tile, k by k, the rows
// (of A) or columns (of B) of the tile next to each other. Rows and columns alike are called lanes here.
import type { FunctionBuilder, Local, WasmModule } from './encoder.ts'
import { advance, repeat, storeLanes } from './partialVectors.ts'

/** Where the elements are: a fixed distance apart, or where a table of byte offsets says. Strides in elements. */
export type Spacing = { readonly stride: number } | 'table'

/**
 * How a tile is read. `lanes`: vectors along the lanes, wherever four of them lie next to each other. `k`: vectors along k,
 * turned by shuffles. `scalar`: element by element. The first two fall back to the last where a table's entry is odd: bit 0
 * of every fourth entry of the table of lanes (`lanes`) or of k (`k`) says that the next four are not neighbours.
 */
export type PackOrder = 'lanes' | 'k' | 'scalar'

export interface Packing {
  /** Lanes of a tile. */
  readonly width: number
  /** Elements from one k to the next in the packed tile: `width`, or more, and then the rest is of no account. */
  readonly paddedWidth: number
  /** Elements from one packed tile to the next. */
  readonly tileStride: number
  readonly lanes: Spacing
  readonly k: Spacing
  readonly order: PackOrder
}

/**
 * The function (source, destination, laneTable, kTable, k, tiles): `source` is the address of the first lane of the first
 * tile at the first k where lanes are a stride apart, and what the table's entries count from where they are not.
 */
export function packTiles(m: WasmModule, spec: Packing): FunctionBuilder {
  const f = m.func(`pack_${spec.width}_${spec.order}`, { params: Array(6).fill('i32') })
  const [source, destination, laneTable, kTable, k, tiles] = f.params
  const p: PackCode = {
    f,
    spec,
    kTable,
    k,
    pointers: [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')],
    values: [f.local('v128'), f.local('v128'), f.local('v128'), f.local('v128')],
    vector: f.local('v128'),
    offset: f.local('i32'),
    to: f.local('i32'),
    table: f.local('i32'),
    rest: f.local('i32'),
    steps: f.local('i32'),
  }
  if (isContiguous(spec)) {
    packTogether(p, { source, destination, tiles }, together)
    packTogether(p, { source, destination, tiles }, 1)
    return f
  }
  repeat(f, tiles, () => {
    for (let first = 0; first < spec.width; first += 4) {
      const lanes = Math.min(4, spec.width - first)
      const stored = Math.min(4, spec.paddedWidth - first)
      f.get(destination)
        .i32Const(4 * first)
        .op('i32.add')
        .set(p.to)
      p.pointers.forEach((pointer, at) => {
        const lane = first + Math.min(at, lanes - 1)
        f.get(source)
        if (spec.lanes === 'table') {
          f.get(laneTable).memory('i32.load', 4 * lane)
          if (spec.order === 'lanes' && lane % 4 === 0) f.i32Const(-2).op('i32.and')
        } else f.i32Const(4 * lane * spec.lanes.stride)
        f.op('i32.add').set(pointer)
      })
      startSteps(p)
      if (spec.order === 'scalar' || (spec.order === 'lanes' && lanes < 4)) scalarSteps(p, lanes, stored)
      else if (spec.order === 'k') turnedSteps(p, lanes, stored)
      else if (spec.lanes === 'table') {
        f.get(laneTable)
          .memory('i32.load', 4 * first)
          .i32Const(1)
          .op('i32.and')
        f.if(
          () => scalarSteps(p, lanes, stored),
          () => vectorSteps(p),
        )
      } else vectorSteps(p)
    }
    if (spec.lanes === 'table') advance(f, laneTable, 4 * spec.width)
    else advance(f, source, 4 * spec.width * spec.lanes.stride)
    advance(f, destination, 4 * spec.tileStride)
  })
  return f
}

/** Tiles read together where all lanes lie next to each other: lines of memory are then read whole. */
const together = 4

const isContiguous = ({ lanes, order, width }: Packing): boolean =>
  order === 'lanes' && lanes !== 'table' && lanes.stride === 1 && width % 4 === 0

/** Packs tiles by so many at a time, as long as there are enough. */
function packTogether(
  p: PackCode,
  { source, destination, tiles }: { source: Local; destination: Local; tiles: Local },
  count: number,
): void {
  const { f, spec, to, rest, pointers } = p
  const [from] = pointers
  f.block((done) => {
    f.loop((next) => {
      f.get(tiles).i32Const(count).op('i32.lt_u').brIf(done)
      startSteps(p)
      f.get(destination).set(to)
      repeat(f, rest, () => {
        loadOffset(p)
        pushAddress(p, source).set(from)
        for (let tile = 0; tile < count; tile++) {
          for (let lane = 0; lane < spec.width; lane += 4) {
            f.get(to).get(from)
            f.memory('v128.load', 4 * (tile * spec.width + lane))
            f.memory('v128.store', 4 * (tile * spec.tileStride + lane))
          }
        }
        nextSteps(p, 1)
      })
      advance(f, source, 4 * count * spec.width)
      advance(f, destination, 4 * count * spec.tileStride)
      f.get(tiles).i32Const(count).op('i32.sub').set(tiles)
      f.br(next)
    })
  })
}

interface PackCode {
  readonly f: FunctionBuilder
  readonly spec: Packing
  readonly kTable: Local
  readonly k: Local
  /** Addresses of four lanes. */
  readonly pointers: readonly Local[]
  readonly values: readonly Local[]
  readonly vector: Local
  /** Of the present k, in bytes; counted up where k has a stride. */
  readonly offset: Local
  readonly to: Local
  readonly table: Local
  readonly rest: Local
  readonly steps: Local
}

function startSteps({ f, kTable, k, table, rest, offset }: PackCode): void {
  f.get(kTable).set(table).get(k).set(rest).i32Const(0).set(offset)
}

/** Finds the offset of the present k. */
function loadOffset({ f, spec, table, offset }: PackCode): void {
  if (spec.k !== 'table') return
  f.get(table).memory('i32.load')
  if (spec.order === 'k') f.i32Const(-2).op('i32.and')
  f.set(offset)
}

function nextSteps({ f, spec, table, offset, to }: PackCode, count: number): void {
  advance(f, to, 4 * count * spec.paddedWidth)
  if (spec.k === 'table') advance(f, table, 4 * count)
  else advance(f, offset, 4 * count * spec.k.stride)
}

const pushAddress = ({ f, offset }: PackCode, pointer: Local): FunctionBuilder =>
  f.get(pointer).get(offset).op('i32.add')

/** Four neighbouring lanes at a time. */
function vectorSteps(p: PackCode): void {
  const { f, rest, to } = p
  repeat(f, rest, () => {
    loadOffset(p)
    f.get(to)
    pushAddress(p, p.pointers[0]).memory('v128.load').memory('v128.store')
    nextSteps(p, 1)
  })
}

function scalarSteps(p: PackCode, lanes: number, stored: number): void {
  repeat(p.f, p.rest, () => scalarStep(p, lanes, stored))
}

function scalarStep(p: PackCode, lanes: number, stored: number): void {
  const { f, vector, to } = p
  loadOffset(p)
  pushAddress(p, p.pointers[0]).memory('v128.load32_zero').set(vector)
  for (let lane = 1; lane < lanes; lane++) {
    pushAddress(p, p.pointers[lane]).get(vector).memoryLane('v128.load32_lane', lane).set(vector)
  }
  storeLanes(f, to, 0, stored, vector)
  nextSteps(p, 1)
}

/** Four ks of four lanes at a time, turned. */
function turnedSteps(p: PackCode, lanes: number, stored: number): void {
  const { f, spec, rest, steps, table } = p
  f.block((done) => {
    f.loop((next) => {
      f.get(rest).i32Const(4).op('i32.lt_u').brIf(done)
      if (spec.k === 'table') {
        f.get(table).memory('i32.load').i32Const(1).op('i32.and')
        f.if(
          () => {
            f.i32Const(4).set(steps)
            repeat(f, steps, () => scalarStep(p, lanes, stored))
          },
          () => turnedStep(p, stored),
        )
      } else turnedStep(p, stored)
      f.get(rest).i32Const(4).op('i32.sub').set(rest)
      f.br(next)
    })
  })
  repeat(f, rest, () => scalarStep(p, lanes, stored))
}

function turnedStep(p: PackCode, stored: number): void {
  const { f, spec, to, pointers, values, vector } = p
  loadOffset(p)
  pointers.forEach((pointer, lane) => {
    pushAddress(p, pointer).memory('v128.load').set(values[lane])
  })
  const [x, y, z, w] = values
  for (let k = 0; k < 4; k++) {
    const half: [number, number, number, number] = k < 2 ? [0, 4, 1, 5] : [2, 6, 3, 7]
    const pair: [number, number, number, number] = k % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7]
    f.get(x).get(y).shuffle32(half).get(z).get(w).shuffle32(half).shuffle32(pair).set(vector)
    storeLanes(f, to, 4 * k * spec.paddedWidth, stored, vector)
  }
  nextSteps(p, 4)
}
