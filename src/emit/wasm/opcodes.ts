// Every WebAssembly instruction the generators use: its bytes, its immediates, and what it does to the stack.
// The table is checked instruction by instruction against wabt in test/emit/wasm/opcodes.test.ts.
//
// Codes are those of the specification (webassembly.github.io/spec/core/binary/instructions.html). An instruction with
// a prefix byte is written prefix_subcode: 0xfd_0100 is the prefix 0xfd and then 0x100 in LEB128.

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

export interface Instruction {
  readonly code: number
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
  /** log2 of the bytes accessed, which is also the natural alignment; only for instructions that touch memory. */
  readonly log2Bytes?: number
  /** How many lanes the lane immediate can choose from; only for instructions that have one. */
  readonly lanes?: number
}

type Family<Prefix extends string, Name extends string, Entry> = { readonly [N in Name as `${Prefix}.${N}`]: Entry }

const letters: Readonly<Record<string, ValueType>> = { i: 'i32', l: 'i64', f: 'f32', d: 'f64', v: 'v128' }

/** Instructions with consecutive codes and one signature, written as 'll>i': two i64 come off the stack, an i32 goes on. */
function family<P extends string, const N extends string>(
  prefix: P,
  firstCode: number,
  signature: string,
  names: readonly N[],
): Family<P, N, Instruction> {
  return entries(prefix, names, (i) => ({ code: firstCode + i, ...parseSignature(signature) }))
}

type MemoryInstruction = Instruction & { readonly log2Bytes: number }

function memoryFamily<P extends string, const N extends string>(
  prefix: P,
  firstCode: number,
  signature: string,
  names: { readonly [name in N]: number },
): Family<P, N, MemoryInstruction> {
  const list = Object.keys(names) as N[]
  return entries(prefix, list, (i) => ({
    code: firstCode + i,
    ...parseSignature(signature),
    log2Bytes: Math.log2(names[list[i]]),
  }))
}

type LaneInstruction = Instruction & { readonly lanes: number }

function laneFamily<P extends string, const N extends string>(
  prefix: P,
  firstCode: number,
  signature: string,
  lanes: number,
  names: readonly N[],
): Family<P, N, LaneInstruction> {
  return entries(prefix, names, (i) => ({ code: firstCode + i, ...parseSignature(signature), lanes }))
}

function entries<P extends string, N extends string, Entry>(
  prefix: P,
  names: readonly N[],
  make: (i: number) => Entry,
) {
  return Object.fromEntries(names.map((name, i) => [`${prefix}.${name}`, make(i)])) as Family<P, N, Entry>
}

function parseSignature(signature: string): { params: ValueType[]; results: ValueType[] } {
  const [params, results] = signature.split('>').map((side) => [...side].map((letter) => letters[letter]))
  return { params, results }
}

const integerComparisons = ['eq', 'ne', 'lt_s', 'lt_u', 'gt_s', 'gt_u', 'le_s', 'le_u', 'ge_s', 'ge_u'] as const
const floatComparisons = ['eq', 'ne', 'lt', 'gt', 'le', 'ge'] as const
const integerUnary = ['clz', 'ctz', 'popcnt'] as const
const integerBinary = [
  ...['add', 'sub', 'mul', 'div_s', 'div_u', 'rem_s', 'rem_u', 'and', 'or', 'xor'],
  ...['shl', 'shr_s', 'shr_u', 'rotl', 'rotr'],
] as const
const floatUnary = ['abs', 'neg', 'ceil', 'floor', 'trunc', 'nearest', 'sqrt'] as const
const floatBinary = ['add', 'sub', 'mul', 'div', 'min', 'max', 'copysign'] as const
const vectorFloatBinary = ['add', 'sub', 'mul', 'div', 'min', 'max', 'pmin', 'pmax'] as const

/** Instructions without immediates: `f.op('i32.add')`. */
export const plainInstructions = {
  ...family('i32', 0x45, 'i>i', ['eqz']),
  ...family('i32', 0x46, 'ii>i', integerComparisons),
  ...family('i64', 0x50, 'l>i', ['eqz']),
  ...family('i64', 0x51, 'll>i', integerComparisons),
  ...family('f32', 0x5b, 'ff>i', floatComparisons),
  ...family('f64', 0x61, 'dd>i', floatComparisons),
  ...family('i32', 0x67, 'i>i', integerUnary),
  ...family('i32', 0x6a, 'ii>i', integerBinary),
  ...family('i64', 0x79, 'l>l', integerUnary),
  ...family('i64', 0x7c, 'll>l', integerBinary),
  ...family('f32', 0x8b, 'f>f', floatUnary),
  ...family('f32', 0x92, 'ff>f', floatBinary),
  ...family('f64', 0x99, 'd>d', floatUnary),
  ...family('f64', 0xa0, 'dd>d', floatBinary),
  ...family('i32', 0xa7, 'l>i', ['wrap_i64']),
  ...family('i32', 0xa8, 'f>i', ['trunc_f32_s', 'trunc_f32_u']),
  ...family('i32', 0xaa, 'd>i', ['trunc_f64_s', 'trunc_f64_u']),
  ...family('i64', 0xac, 'i>l', ['extend_i32_s', 'extend_i32_u']),
  ...family('i64', 0xae, 'f>l', ['trunc_f32_s', 'trunc_f32_u']),
  ...family('i64', 0xb0, 'd>l', ['trunc_f64_s', 'trunc_f64_u']),
  ...family('f32', 0xb2, 'i>f', ['convert_i32_s', 'convert_i32_u']),
  ...family('f32', 0xb4, 'l>f', ['convert_i64_s', 'convert_i64_u']),
  ...family('f32', 0xb6, 'd>f', ['demote_f64']),
  ...family('f64', 0xb7, 'i>d', ['convert_i32_s', 'convert_i32_u']),
  ...family('f64', 0xb9, 'l>d', ['convert_i64_s', 'convert_i64_u']),
  ...family('f64', 0xbb, 'f>d', ['promote_f32']),
  ...family('i32', 0xbc, 'f>i', ['reinterpret_f32']),
  ...family('i64', 0xbd, 'd>l', ['reinterpret_f64']),
  ...family('f32', 0xbe, 'i>f', ['reinterpret_i32']),
  ...family('f64', 0xbf, 'l>d', ['reinterpret_i64']),
  ...family('i32', 0xc0, 'i>i', ['extend8_s', 'extend16_s']),
  ...family('i64', 0xc2, 'l>l', ['extend8_s', 'extend16_s', 'extend32_s']),
  ...family('i32', 0xfc_0000, 'f>i', ['trunc_sat_f32_s', 'trunc_sat_f32_u']),
  ...family('i32', 0xfc_0002, 'd>i', ['trunc_sat_f64_s', 'trunc_sat_f64_u']),
  ...family('i64', 0xfc_0004, 'f>l', ['trunc_sat_f32_s', 'trunc_sat_f32_u']),
  ...family('i64', 0xfc_0006, 'd>l', ['trunc_sat_f64_s', 'trunc_sat_f64_u']),

  ...family('i8x16', 0xfd_000e, 'vv>v', ['swizzle']),
  ...family('i8x16', 0xfd_000f, 'i>v', ['splat']),
  ...family('i16x8', 0xfd_0010, 'i>v', ['splat']),
  ...family('i32x4', 0xfd_0011, 'i>v', ['splat']),
  ...family('i64x2', 0xfd_0012, 'l>v', ['splat']),
  ...family('f32x4', 0xfd_0013, 'f>v', ['splat']),
  ...family('f64x2', 0xfd_0014, 'd>v', ['splat']),
  ...family('i8x16', 0xfd_0023, 'vv>v', integerComparisons),
  ...family('i16x8', 0xfd_002d, 'vv>v', integerComparisons),
  ...family('i32x4', 0xfd_0037, 'vv>v', integerComparisons),
  ...family('f32x4', 0xfd_0041, 'vv>v', floatComparisons),
  ...family('f64x2', 0xfd_0047, 'vv>v', floatComparisons),
  ...family('v128', 0xfd_004d, 'v>v', ['not']),
  ...family('v128', 0xfd_004e, 'vv>v', ['and', 'andnot', 'or', 'xor']),
  ...family('v128', 0xfd_0052, 'vvv>v', ['bitselect']),
  ...family('v128', 0xfd_0053, 'v>i', ['any_true']),
  ...family('f32x4', 0xfd_005e, 'v>v', ['demote_f64x2_zero']),
  ...family('f64x2', 0xfd_005f, 'v>v', ['promote_low_f32x4']),

  ...family('i8x16', 0xfd_0060, 'v>v', ['abs', 'neg', 'popcnt']),
  ...family('i8x16', 0xfd_0063, 'v>i', ['all_true', 'bitmask']),
  ...family('i8x16', 0xfd_0065, 'vv>v', ['narrow_i16x8_s', 'narrow_i16x8_u']),
  ...family('f32x4', 0xfd_0067, 'v>v', ['ceil', 'floor', 'trunc', 'nearest']),
  ...family('i8x16', 0xfd_006b, 'vi>v', ['shl', 'shr_s', 'shr_u']),
  ...family('i8x16', 0xfd_006e, 'vv>v', ['add', 'add_sat_s', 'add_sat_u', 'sub', 'sub_sat_s', 'sub_sat_u']),
  ...family('f64x2', 0xfd_0074, 'v>v', ['ceil', 'floor']),
  ...family('i8x16', 0xfd_0076, 'vv>v', ['min_s', 'min_u', 'max_s', 'max_u']),
  ...family('f64x2', 0xfd_007a, 'v>v', ['trunc']),
  ...family('i8x16', 0xfd_007b, 'vv>v', ['avgr_u']),
  ...family('i16x8', 0xfd_007c, 'v>v', ['extadd_pairwise_i8x16_s', 'extadd_pairwise_i8x16_u']),
  ...family('i32x4', 0xfd_007e, 'v>v', ['extadd_pairwise_i16x8_s', 'extadd_pairwise_i16x8_u']),

  ...family('i16x8', 0xfd_0080, 'v>v', ['abs', 'neg']),
  ...family('i16x8', 0xfd_0082, 'vv>v', ['q15mulr_sat_s']),
  ...family('i16x8', 0xfd_0083, 'v>i', ['all_true', 'bitmask']),
  ...family('i16x8', 0xfd_0085, 'vv>v', ['narrow_i32x4_s', 'narrow_i32x4_u']),
  ...family('i16x8', 0xfd_0087, 'v>v', ['extend_low_i8x16_s', 'extend_high_i8x16_s']),
  ...family('i16x8', 0xfd_0089, 'v>v', ['extend_low_i8x16_u', 'extend_high_i8x16_u']),
  ...family('i16x8', 0xfd_008b, 'vi>v', ['shl', 'shr_s', 'shr_u']),
  ...family('i16x8', 0xfd_008e, 'vv>v', ['add', 'add_sat_s', 'add_sat_u', 'sub', 'sub_sat_s', 'sub_sat_u']),
  ...family('f64x2', 0xfd_0094, 'v>v', ['nearest']),
  ...family('i16x8', 0xfd_0095, 'vv>v', ['mul', 'min_s', 'min_u', 'max_s', 'max_u']),
  ...family('i16x8', 0xfd_009b, 'vv>v', ['avgr_u']),
  ...family('i16x8', 0xfd_009c, 'vv>v', ['extmul_low_i8x16_s', 'extmul_high_i8x16_s']),
  ...family('i16x8', 0xfd_009e, 'vv>v', ['extmul_low_i8x16_u', 'extmul_high_i8x16_u']),

  ...family('i32x4', 0xfd_00a0, 'v>v', ['abs', 'neg']),
  ...family('i32x4', 0xfd_00a3, 'v>i', ['all_true', 'bitmask']),
  ...family('i32x4', 0xfd_00a7, 'v>v', ['extend_low_i16x8_s', 'extend_high_i16x8_s']),
  ...family('i32x4', 0xfd_00a9, 'v>v', ['extend_low_i16x8_u', 'extend_high_i16x8_u']),
  ...family('i32x4', 0xfd_00ab, 'vi>v', ['shl', 'shr_s', 'shr_u']),
  ...family('i32x4', 0xfd_00ae, 'vv>v', ['add']),
  ...family('i32x4', 0xfd_00b1, 'vv>v', ['sub']),
  ...family('i32x4', 0xfd_00b5, 'vv>v', ['mul', 'min_s', 'min_u', 'max_s', 'max_u', 'dot_i16x8_s']),
  ...family('i32x4', 0xfd_00bc, 'vv>v', ['extmul_low_i16x8_s', 'extmul_high_i16x8_s']),
  ...family('i32x4', 0xfd_00be, 'vv>v', ['extmul_low_i16x8_u', 'extmul_high_i16x8_u']),

  ...family('i64x2', 0xfd_00c0, 'v>v', ['abs', 'neg']),
  ...family('i64x2', 0xfd_00c3, 'v>i', ['all_true', 'bitmask']),
  ...family('i64x2', 0xfd_00c7, 'v>v', ['extend_low_i32x4_s', 'extend_high_i32x4_s']),
  ...family('i64x2', 0xfd_00c9, 'v>v', ['extend_low_i32x4_u', 'extend_high_i32x4_u']),
  ...family('i64x2', 0xfd_00cb, 'vi>v', ['shl', 'shr_s', 'shr_u']),
  ...family('i64x2', 0xfd_00ce, 'vv>v', ['add']),
  ...family('i64x2', 0xfd_00d1, 'vv>v', ['sub']),
  ...family('i64x2', 0xfd_00d5, 'vv>v', ['mul', 'eq', 'ne', 'lt_s', 'gt_s', 'le_s', 'ge_s']),
  ...family('i64x2', 0xfd_00dc, 'vv>v', ['extmul_low_i32x4_s', 'extmul_high_i32x4_s']),
  ...family('i64x2', 0xfd_00de, 'vv>v', ['extmul_low_i32x4_u', 'extmul_high_i32x4_u']),

  ...family('f32x4', 0xfd_00e0, 'v>v', ['abs', 'neg']),
  ...family('f32x4', 0xfd_00e3, 'v>v', ['sqrt']),
  ...family('f32x4', 0xfd_00e4, 'vv>v', vectorFloatBinary),
  ...family('f64x2', 0xfd_00ec, 'v>v', ['abs', 'neg']),
  ...family('f64x2', 0xfd_00ef, 'v>v', ['sqrt']),
  ...family('f64x2', 0xfd_00f0, 'vv>v', vectorFloatBinary),
  ...family('i32x4', 0xfd_00f8, 'v>v', ['trunc_sat_f32x4_s', 'trunc_sat_f32x4_u']),
  ...family('f32x4', 0xfd_00fa, 'v>v', ['convert_i32x4_s', 'convert_i32x4_u']),
  ...family('i32x4', 0xfd_00fc, 'v>v', ['trunc_sat_f64x2_s_zero', 'trunc_sat_f64x2_u_zero']),
  ...family('f64x2', 0xfd_00fe, 'v>v', ['convert_low_i32x4_s', 'convert_low_i32x4_u']),

  // Relaxed SIMD: the result may differ between machines, within what each instruction allows.
  ...family('i8x16', 0xfd_0100, 'vv>v', ['relaxed_swizzle']),
  ...family('i32x4', 0xfd_0101, 'v>v', ['relaxed_trunc_f32x4_s', 'relaxed_trunc_f32x4_u']),
  ...family('i32x4', 0xfd_0103, 'v>v', ['relaxed_trunc_f64x2_s_zero', 'relaxed_trunc_f64x2_u_zero']),
  ...family('f32x4', 0xfd_0105, 'vvv>v', ['relaxed_madd', 'relaxed_nmadd']),
  ...family('f64x2', 0xfd_0107, 'vvv>v', ['relaxed_madd', 'relaxed_nmadd']),
  ...family('i8x16', 0xfd_0109, 'vvv>v', ['relaxed_laneselect']),
  ...family('i16x8', 0xfd_010a, 'vvv>v', ['relaxed_laneselect']),
  ...family('i32x4', 0xfd_010b, 'vvv>v', ['relaxed_laneselect']),
  ...family('i64x2', 0xfd_010c, 'vvv>v', ['relaxed_laneselect']),
  ...family('f32x4', 0xfd_010d, 'vv>v', ['relaxed_min', 'relaxed_max']),
  ...family('f64x2', 0xfd_010f, 'vv>v', ['relaxed_min', 'relaxed_max']),
  ...family('i16x8', 0xfd_0111, 'vv>v', ['relaxed_q15mulr_s', 'relaxed_dot_i8x16_i7x16_s']),
  ...family('i32x4', 0xfd_0113, 'vvv>v', ['relaxed_dot_i8x16_i7x16_add_s']),
} as const

/** Instructions with an offset and an alignment: `f.memory('f32.load', 16)`. The number is the bytes accessed. */
export const memoryInstructions = {
  ...memoryFamily('i32', 0x28, 'i>i', { load: 4 }),
  ...memoryFamily('i64', 0x29, 'i>l', { load: 8 }),
  ...memoryFamily('f32', 0x2a, 'i>f', { load: 4 }),
  ...memoryFamily('f64', 0x2b, 'i>d', { load: 8 }),
  ...memoryFamily('i32', 0x2c, 'i>i', { load8_s: 1, load8_u: 1, load16_s: 2, load16_u: 2 }),
  ...memoryFamily('i64', 0x30, 'i>l', { load8_s: 1, load8_u: 1, load16_s: 2, load16_u: 2, load32_s: 4, load32_u: 4 }),
  ...memoryFamily('i32', 0x36, 'ii>', { store: 4 }),
  ...memoryFamily('i64', 0x37, 'il>', { store: 8 }),
  ...memoryFamily('f32', 0x38, 'if>', { store: 4 }),
  ...memoryFamily('f64', 0x39, 'id>', { store: 8 }),
  ...memoryFamily('i32', 0x3a, 'ii>', { store8: 1, store16: 2 }),
  ...memoryFamily('i64', 0x3c, 'il>', { store8: 1, store16: 2, store32: 4 }),

  ...memoryFamily('v128', 0xfd_0000, 'i>v', { load: 16, load8x8_s: 8, load8x8_u: 8, load16x4_s: 8, load16x4_u: 8 }),
  ...memoryFamily('v128', 0xfd_0005, 'i>v', { load32x2_s: 8, load32x2_u: 8 }),
  ...memoryFamily('v128', 0xfd_0007, 'i>v', { load8_splat: 1, load16_splat: 2, load32_splat: 4, load64_splat: 8 }),
  ...memoryFamily('v128', 0xfd_000b, 'iv>', { store: 16 }),
  ...memoryFamily('v128', 0xfd_005c, 'i>v', { load32_zero: 4, load64_zero: 8 }),

  // Atomics trap unless the address is aligned; wait32(address, expected, nanoseconds) is for shared memory only.
  ...memoryFamily('memory.atomic', 0xfe_0000, 'ii>i', { notify: 4 }),
  ...memoryFamily('memory.atomic', 0xfe_0001, 'iil>i', { wait32: 4 }),
  ...memoryFamily('memory.atomic', 0xfe_0002, 'ill>i', { wait64: 8 }),
  ...memoryFamily('i32.atomic', 0xfe_0010, 'i>i', { load: 4 }),
  ...memoryFamily('i64.atomic', 0xfe_0011, 'i>l', { load: 8 }),
  ...memoryFamily('i32.atomic', 0xfe_0012, 'i>i', { load8_u: 1, load16_u: 2 }),
  ...memoryFamily('i32.atomic', 0xfe_0017, 'ii>', { store: 4 }),
  ...memoryFamily('i64.atomic', 0xfe_0018, 'il>', { store: 8 }),
  ...memoryFamily('i32.atomic', 0xfe_0019, 'ii>', { store8: 1, store16: 2 }),
  ...memoryFamily('i32.atomic', 0xfe_001e, 'ii>i', { 'rmw.add': 4 }),
  ...memoryFamily('i64.atomic', 0xfe_001f, 'il>l', { 'rmw.add': 8 }),
  ...memoryFamily('i32.atomic', 0xfe_0025, 'ii>i', { 'rmw.sub': 4 }),
  ...memoryFamily('i32.atomic', 0xfe_002c, 'ii>i', { 'rmw.and': 4 }),
  ...memoryFamily('i32.atomic', 0xfe_0033, 'ii>i', { 'rmw.or': 4 }),
  ...memoryFamily('i32.atomic', 0xfe_003a, 'ii>i', { 'rmw.xor': 4 }),
  ...memoryFamily('i32.atomic', 0xfe_0041, 'ii>i', { 'rmw.xchg': 4 }),
  ...memoryFamily('i32.atomic', 0xfe_0048, 'iii>i', { 'rmw.cmpxchg': 4 }),
} as const

/** Instructions with a lane number: `f.lane('f32x4.extract_lane', 2)`. */
export const laneInstructions = {
  ...laneFamily('i8x16', 0xfd_0015, 'v>i', 16, ['extract_lane_s', 'extract_lane_u']),
  ...laneFamily('i8x16', 0xfd_0017, 'vi>v', 16, ['replace_lane']),
  ...laneFamily('i16x8', 0xfd_0018, 'v>i', 8, ['extract_lane_s', 'extract_lane_u']),
  ...laneFamily('i16x8', 0xfd_001a, 'vi>v', 8, ['replace_lane']),
  ...laneFamily('i32x4', 0xfd_001b, 'v>i', 4, ['extract_lane']),
  ...laneFamily('i32x4', 0xfd_001c, 'vi>v', 4, ['replace_lane']),
  ...laneFamily('i64x2', 0xfd_001d, 'v>l', 2, ['extract_lane']),
  ...laneFamily('i64x2', 0xfd_001e, 'vl>v', 2, ['replace_lane']),
  ...laneFamily('f32x4', 0xfd_001f, 'v>f', 4, ['extract_lane']),
  ...laneFamily('f32x4', 0xfd_0020, 'vf>v', 4, ['replace_lane']),
  ...laneFamily('f64x2', 0xfd_0021, 'v>d', 2, ['extract_lane']),
  ...laneFamily('f64x2', 0xfd_0022, 'vd>v', 2, ['replace_lane']),
} as const

const withLanes = <T extends Readonly<Record<string, MemoryInstruction>>>(table: T) =>
  Object.fromEntries(
    Object.entries(table).map(([name, entry]) => [name, { ...entry, lanes: 16 >> entry.log2Bytes }]),
  ) as { readonly [N in keyof T]: MemoryInstruction & LaneInstruction }

/** Loads and stores of one lane: `f.memoryLane('v128.load32_lane', 2, 16)`; the vector is on the stack above the address. */
export const memoryLaneInstructions = withLanes({
  ...memoryFamily('v128', 0xfd_0054, 'iv>v', { load8_lane: 1, load16_lane: 2, load32_lane: 4, load64_lane: 8 }),
  ...memoryFamily('v128', 0xfd_0058, 'iv>', { store8_lane: 1, store16_lane: 2, store32_lane: 4, store64_lane: 8 }),
})

export type PlainInstruction = keyof typeof plainInstructions
export type MemoryInstructionName = keyof typeof memoryInstructions
export type LaneInstructionName = keyof typeof laneInstructions
export type MemoryLaneInstructionName = keyof typeof memoryLaneInstructions
