// Functions that kernels call for what takes more than a few instructions.
import type { Callable, FunctionBuilder, Local, WasmModule } from './encoder.ts'

export type HelperName = 'floorDiv' | 'floorMod' | 'divide' | 'remainder' | 'remainders' | 'uniform'

const integers = { params: ['i32', 'i32'], results: ['i32'] } as const

export function writeHelper(m: WasmModule, name: HelperName): Callable {
  switch (name) {
    case 'floorDiv':
      return floorDiv(m.func(name, integers))
    case 'floorMod':
      return floorMod(m.func(name, integers))
    case 'divide':
      return divide(m.func(name, integers))
    case 'remainder':
      return remainder(m.func(name, integers))
    case 'remainders':
      return remainders(m.func(name, { params: ['v128', 'v128'], results: ['v128'] }))
    case 'uniform':
      return uniform(m.func(name, { params: ['v128', 'v128', 'v128', 'v128'], results: ['v128'] }))
  }
}

/** floor(a / b) for b > 0. */
function floorDiv(f: FunctionBuilder): Callable {
  const [a, b] = f.params
  return f.get(a).get(b).op('i32.div_s').get(a).get(b).op('i32.rem_s').i32Const(31).op('i32.shr_s').op('i32.add')
}

/** a - b · floor(a / b) for b > 0. */
function floorMod(f: FunctionBuilder): Callable {
  const [a, b] = f.params
  f.get(a).get(b).op('i32.rem_s').tee(a)
  return f.get(b).i32Const(0).get(a).i32Const(0).op('i32.lt_s').select().op('i32.add')
}

/** The quotient, rounded towards zero and modulo 2^32; 0 for a division by 0. */
function divide(f: FunctionBuilder): Callable {
  const [a, b] = f.params
  return f.get(b).if(
    { results: ['i32'] },
    () => {
      f.get(a).op('i64.extend_i32_s').get(b).op('i64.extend_i32_s').op('i64.div_s').op('i32.wrap_i64')
    },
    () => f.i32Const(0),
  )
}

/** The remainder with the sign of the divisor; 0 for a division by 0. */
function remainder(f: FunctionBuilder): Callable {
  const [a, b] = f.params
  return f.get(b).if(
    { results: ['i32'] },
    () => {
      f.get(a).get(b).op('i32.rem_s').tee(a)
      // The divisor is added where there is a remainder and its sign is the other one.
      f.get(b).i32Const(0)
      f.get(a).i32Const(0).op('i32.ne').get(a).get(b).op('i32.xor').i32Const(0).op('i32.lt_s').op('i32.and')
      f.select().op('i32.add')
    },
    () => f.i32Const(0),
  )
}

/**
 * Remainders of floats with the sign of the divisor, as helpers.ts of the js device has them: in doubles, where the product of
 * quotient and divisor is exact up to quotients of 2^29.
 */
function remainders(f: FunctionBuilder): Callable {
  const [a, b] = f.params
  const [dividend, divisor, rest, result] = [f.local('v128'), f.local('v128'), f.local('v128'), f.local('v128')]
  for (const upper of [false, true]) {
    for (const [from, to] of [
      [a, dividend],
      [b, divisor],
    ]) {
      f.get(from)
      if (upper) f.get(from).shuffle32([2, 3, 2, 3])
      f.op('f64x2.promote_low_f32x4').set(to)
    }
    f.get(dividend).get(dividend).get(divisor).op('f64x2.div').op('f64x2.floor')
    f.get(divisor).op('f64x2.mul').op('f64x2.sub').set(rest)
    writeSigned(f, dividend, divisor, rest)
    f.get(rest).op('f32x4.demote_f64x2_zero')
    if (upper) f.set(rest).get(result).get(rest).shuffle32([0, 1, 4, 5])
    else f.set(result)
  }
  return f
}

/** Gives a remainder its sign: the divisor's, or that of the dividend where it is 0. */
function writeSigned(f: FunctionBuilder, dividend: Local, divisor: Local, rest: Local): void {
  const zero = () => f.v128Const(new Float64Array(2))
  // An infinite divisor leaves the dividend, save an infinite one: x - x is NaN there.
  f.get(dividend).get(dividend).get(dividend).op('f64x2.sub').op('f64x2.add').get(rest).get(divisor).op('f64x2.abs')
  f.v128Const(Float64Array.of(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)).op('f64x2.eq')
  f.op('v128.bitselect').set(rest)
  f.get(rest).get(divisor)
  f.get(rest)
  zero().op('f64x2.lt').get(divisor)
  zero().op('f64x2.lt').op('v128.xor')
  f.get(rest)
  zero().op('f64x2.ne').op('v128.and')
  f.op('v128.and').op('f64x2.add').set(rest)
  f.get(dividend).v128Const(Float64Array.of(-0, -0)).op('v128.and').get(rest).op('v128.or').get(rest)
  f.get(rest)
  zero().op('f64x2.eq').op('v128.bitselect').set(rest)
}

const parity = 0x1bd11bda
const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const

/** uniformAt of src/random/threefry.ts in four lanes: (seed, stream, step, index). */
function uniform(f: FunctionBuilder): Callable {
  const [k0, k1, a, b] = f.params
  const k2 = f.local('v128')
  const four = (value: number) => f.v128Const(Int32Array.of(value, value, value, value))
  four(parity).get(k0).op('v128.xor').get(k1).op('v128.xor').set(k2)
  const keys = [k0, k1, k2]
  f.get(a).get(k0).op('i32x4.add').set(a)
  f.get(b).get(k1).op('i32x4.add').set(b)
  for (let group = 0; group < 5; group++) {
    for (const rotation of rotations[group % 2]) {
      f.get(a).get(b).op('i32x4.add').set(a)
      f.get(b).i32Const(rotation).op('i32x4.shl')
      f.get(b)
        .i32Const(32 - rotation)
        .op('i32x4.shr_u')
      f.op('v128.or').get(a).op('v128.xor').set(b)
    }
    f.get(a)
      .get(keys[(group + 1) % 3])
      .op('i32x4.add')
      .set(a)
    f.get(b)
      .get(keys[(group + 2) % 3])
      .op('i32x4.add')
    four(group + 1)
    f.op('i32x4.add').set(b)
  }
  // The upper 24 bits are below 2^24 and exact.
  f.get(a).i32Const(8).op('i32x4.shr_u').op('f32x4.convert_i32x4_s')
  const scale = 2 ** -24
  return f.v128Const(Float32Array.of(scale, scale, scale, scale)).op('f32x4.mul')
}
