// Loads and stores of four lanes: neighbours at once, others one by one.
import type { ScalarType, Statement, Value } from '../../compiler/ir.ts'
import { patternBounds } from '../../compiler/lanePattern.ts'
import type { Dtype } from '../../dtype.ts'
import type { Affine } from '../../index/index.ts'
import type { Local } from './encoder.ts'
import { pushAddress, pushAffineVector } from './indexCode.ts'
import type { KernelState } from './kernelState.ts'
import { scalarTypeOf, shiftOf, width, withTemporary } from './kernelState.ts'
import { isUniform, patternOf, strideOf } from './laneAnalysis.ts'
import { convert, pushScalar } from './scalarCode.ts'
import { convertVector, pushVector } from './vectorCode.ts'

type Load = Value & { kind: 'load' }
type Store = Statement & { kind: 'store' }

/** Pushes the elements of four lanes that are not all the same. */
export function pushVectorLoad(k: KernelState, load: Load, copy: number): void {
  const { f } = k
  const { guard } = load
  if (!guard) pushElements(k, load, copy)
  else if (isUniform(guard, k.lanes!)) {
    pushScalar(k, guard)
    f.if(
      { results: ['v128'] },
      () => pushElements(k, load, copy),
      () => f.v128Const(zeros),
    )
  } else pushGuarded(k, load, guard, copy)
  convertVector(k, scalarTypeOf(dtypeOf(k, load.buffer)), load.type)
}

const zeros = new Int32Array(width)

const dtypeOf = (k: KernelState, buffer: string): Dtype => k.program.buffers.get(buffer)!.dtype

function pushElements(k: KernelState, { buffer, offset }: Load, copy: number): void {
  const stride = strideOf(offset, k.lanes!.strides)
  if (stride === null) {
    const pattern = patternOf(offset, k.lanes!, copy)
    if (pattern) pushSpread(k, buffer, offset, pattern)
    else pushGathered(k, buffer, () => pushAffineVector(k, offset, copy))
  } else if (stride === 1) pushNeighbours(k, buffer, offset, copy * width)
  else if (stride === 0) pushRepeated(k, buffer, offset)
  else pushStrided(k, buffer, offset, stride, copy)
}

function pushNeighbours(k: KernelState, buffer: string, offset: Affine, extra: number): void {
  const { f } = k
  const at = pushAddress(k, buffer, offset, extra)
  switch (dtypeOf(k, buffer)) {
    case 'u8':
      f.memory('v128.load32_zero', at, 1).op('i16x8.extend_low_i8x16_u').op('i32x4.extend_low_i16x8_u')
      break
    case 'bool':
      f.memory('v128.load32_zero', at, 1).op('i16x8.extend_low_i8x16_u').op('i32x4.extend_low_i16x8_u')
      f.v128Const(zeros).op('i32x4.ne')
      break
    default:
      f.memory('v128.load', at, 4)
  }
}

/** One element for all lanes; only a guard differs between them. */
function pushRepeated(k: KernelState, buffer: string, offset: Affine): void {
  const { f } = k
  const dtype = dtypeOf(k, buffer)
  const at = pushAddress(k, buffer, offset)
  if (shiftOf(dtype) === 2) f.memory('v128.load32_splat', at)
  else {
    f.memory('i32.load8_u', at).op('i32x4.splat')
    if (dtype === 'bool') f.v128Const(zeros).op('i32x4.ne')
  }
}

function pushStrided(k: KernelState, buffer: string, offset: Affine, stride: number, copy: number): void {
  const pattern = Array.from({ length: width }, (_, lane) => (copy * width + lane) * stride)
  pushSpread(k, buffer, offset, pattern)
}

/** Elements at the places of a pattern from the offset: one or two loads and a shuffle where they lie close together. */
function pushSpread(k: KernelState, buffer: string, offset: Affine, pattern: readonly number[]): void {
  const { f } = k
  const dtype = dtypeOf(k, buffer)
  const shift = shiftOf(dtype)
  const { least, greatest } = patternBounds(pattern)
  // Instructions only add: the lowest element is the one whose address is computed.
  // The second vector ends with the last element wanted.
  const second = greatest - width + 1
  const from = (lane: number): number => {
    const place = pattern[lane] - least
    return place < width ? place : width + pattern[lane] - second
  }
  const lanes = [from(0), from(1), from(2), from(3)] as const
  if (shift === 2 && greatest - least < width) {
    // What is read behind the last element is within 12 bytes, which every buffer has on both sides.
    withTemporary(k, 'v128', (vector) => {
      const at = pushAddress(k, buffer, offset, least)
      f.memory('v128.load', at, 4).tee(vector).get(vector).shuffle32(lanes)
    })
    return
  }
  if (shift === 2 && greatest - least < 2 * width) {
    withTemporary(k, 'i32', (address) => {
      const at = pushAddress(k, buffer, offset, least)
      f.tee(address).memory('v128.load', at, 4)
      f.get(address).memory('v128.load', at + (second - least) * 4, 4)
      f.shuffle32(lanes)
    })
    return
  }
  withTemporary(k, 'i32', (address) => {
    const at = pushAddress(k, buffer, offset, least)
    f.set(address)
    for (const [lane, place] of pattern.entries()) {
      pushLane(k, dtype, lane, () => f.get(address), at + (place - least) * 2 ** shift)
    }
  })
  if (dtype === 'bool') f.v128Const(zeros).op('i32x4.ne')
}

/** Puts one element into a lane of the vector on the stack; lane 0 makes the vector. */
function pushLane(k: KernelState, dtype: Dtype, lane: number, pushPlace: () => void, at: number): void {
  const { f } = k
  if (shiftOf(dtype) === 2 && lane === 0) {
    pushPlace()
    f.memory('v128.load32_zero', at)
  } else if (shiftOf(dtype) === 2) {
    // The address goes below the vector.
    withTemporary(k, 'v128', (others) => {
      f.set(others)
      pushPlace()
      f.get(others).memoryLane('v128.load32_lane', lane, at)
    })
  } else {
    pushPlace()
    f.memory('i32.load8_u', at)
    if (lane === 0) f.op('i32x4.splat')
    else f.lane('i32x4.replace_lane', lane)
  }
}

/** Elements at offsets that follow no stride. */
function pushGathered(k: KernelState, buffer: string, pushOffsets: () => void): void {
  const { f } = k
  const dtype = dtypeOf(k, buffer)
  withTemporary(k, 'v128', (addresses) => {
    pushOffsets()
    setAddresses(k, buffer, addresses)
    for (let lane = 0; lane < width; lane++) {
      pushLane(k, dtype, lane, () => f.get(addresses).lane('i32x4.extract_lane', lane), 0)
    }
  })
  if (dtype === 'bool') f.v128Const(zeros).op('i32x4.ne')
}

/** From the offsets on the stack. */
function setAddresses(k: KernelState, buffer: string, addresses: Local): void {
  const { f } = k
  const shift = shiftOf(dtypeOf(k, buffer))
  if (shift > 0) f.i32Const(shift).op('i32x4.shl')
  f.get(k.bases.get(buffer)!).op('i32x4.splat').op('i32x4.add').set(addresses)
}

/**
 * Clears the lanes where the guard fails. Neighbours are loaded when one of them is inside: then what lies outside is within
 * 12 bytes, which every buffer has on both sides. Of others, element 0 is read in place of what is outside.
 */
function pushGuarded(k: KernelState, load: Load, guard: Value, copy: number): void {
  const { f } = k
  const { buffer, offset } = load
  const stride = strideOf(offset, k.lanes!.strides)
  withTemporary(k, 'v128', (mask) => {
    pushVector(k, guard, copy)
    f.set(mask)
    if (stride === 0 || stride === 1) {
      f.get(mask).op('v128.any_true')
      f.if(
        { results: ['v128'] },
        () => {
          if (stride === 1) pushNeighbours(k, buffer, offset, copy * width)
          else pushRepeated(k, buffer, offset)
          f.get(mask).op('v128.and')
        },
        () => f.v128Const(zeros),
      )
      return
    }
    pushGathered(k, buffer, () => {
      pushAffineVector(k, offset, copy)
      f.get(mask).op('v128.and')
    })
    f.get(mask).op('v128.and')
  })
}

/** Stores the lanes of one copy. */
export function storeVector(k: KernelState, statement: Store, copy: number): void {
  const { f } = k
  const { buffer, offset, value } = statement
  const dtype = dtypeOf(k, buffer)
  const stride = strideOf(offset, k.lanes!.strides)
  if (stride === 0) {
    // All lanes write the same place; the last one stays.
    const at = pushAddress(k, buffer, offset)
    pushVector(k, value, copy)
    storeLane(k, value.type, dtype, width - 1, at)
    return
  }
  if (stride === 1) {
    const at = pushAddress(k, buffer, offset, copy * width)
    pushVector(k, value, copy)
    convertVector(k, value.type, scalarTypeOf(dtype))
    if (shiftOf(dtype) === 2) f.memory('v128.store', at, 4)
    else {
      if (dtype === 'bool') f.v128Const(ones).op('v128.and')
      f.v128Const(zeros).shuffle([0, 4, 8, 12, ...new Array<number>(12).fill(16)])
      f.memoryLane('v128.store32_lane', 0, at, 1)
    }
    return
  }
  withTemporary(k, 'v128', (vector) =>
    withTemporary(k, 'v128', (addresses) => {
      pushVector(k, value, copy)
      f.set(vector)
      pushAffineVector(k, offset, copy)
      setAddresses(k, buffer, addresses)
      for (let lane = 0; lane < width; lane++) {
        f.get(addresses).lane('i32x4.extract_lane', lane).get(vector)
        storeLane(k, value.type, dtype, lane, 0)
      }
    }),
  )
}

/** Whether a store goes to every second element of f32. */
export const liesInTurns = (k: KernelState, { buffer, offset }: Store): boolean =>
  dtypeOf(k, buffer) === 'f32' && strideOf(offset, k.lanes!.strides) === 2

/** Stores two such vectors, of elements next to each other, as two of neighbours. */
export function storePairs(k: KernelState, [first, second]: readonly Store[], copy: number): void {
  const { f } = k
  withTemporary(k, 'v128', (a) =>
    withTemporary(k, 'v128', (b) => {
      pushVector(k, first.value, copy)
      f.set(a)
      pushVector(k, second.value, copy)
      f.set(b)
      for (const half of [0, 1]) {
        const at = pushAddress(k, first.buffer, first.offset, copy * width * 2 + half * width)
        f.get(a)
          .get(b)
          .shuffle32(half === 0 ? [0, 4, 1, 5] : [2, 6, 3, 7])
        f.memory('v128.store', at, 4)
      }
    }),
  )
}

const ones = Int32Array.of(1, 1, 1, 1)

/** Stores one lane of the vector on the stack at the address below it. */
function storeLane(k: KernelState, type: ScalarType, dtype: Dtype, lane: number, at: number): void {
  const { f } = k
  f.lane(type === 'f32' ? 'f32x4.extract_lane' : 'i32x4.extract_lane', lane)
  if (type === 'bool') f.i32Const(1).op('i32.and')
  convert(k, type, scalarTypeOf(dtype))
  storeScalar(k, dtype, at)
}

/** Stores the value on the stack at the address below it. */
export function storeScalar({ f }: KernelState, dtype: Dtype, at: number): void {
  if (dtype === 'u8' || dtype === 'bool') f.memory('i32.store8', at)
  else f.memory(`${dtype}.store`, at)
}
