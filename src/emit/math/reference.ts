import type { VectorMath } from './vectorMath.ts'
import { roundingShift } from './vectorMath.ts'

export { roundingShift } from './vectorMath.ts'

const { fround } = Math
const single = new Float32Array(1)
const singleBits = new Int32Array(single.buffer)
const double = new Float64Array(1)
const doubleBits = new Uint32Array(double.buffer)
const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/** What differs between machines. */
export interface MathForm {
  readonly fused: boolean
  /** Whether there is `scale`; without, there is none. */
  readonly scales?: boolean
}

/** The operations on one lane, bit for bit what an emitter's code must give, as plain numbers. */
export function referenceMath({ fused, scales = false }: MathForm): VectorMath<number, number, boolean> {
  const fma = fused ? fusedMultiplyAdd : (a: number, b: number, c: number) => fround(fround(a * b) + c)
  return {
    fused,
    float: fround,
    int: (value) => value | 0,
    add: (a, b) => fround(a + b),
    sub: (a, b) => fround(a - b),
    mul: (a, b) => fround(a * b),
    div: (a, b) => fround(a / b),
    fma,
    fnma: (a, b, c) => fma(-a, b, c),
    // Math.min and Math.max differ for NaN and zeros.
    min: (a, b) => (b < a ? b : a),
    max: (a, b) => (a < b ? b : a),
    abs: Math.abs,
    neg: (a) => -a,
    floor: Math.floor,
    lt: (a, b) => a < b,
    eq: (a, b) => a === b,
    and: (a, b) => a && b,
    select: (mask, a, b) => (mask ? a : b),
    selectInt: (mask, a, b) => (mask ? a : b),
    testBit: (a, bit) => ((a >>> bit) & 1) === 1,
    bits,
    fromBits,
    toInt: (a) => Math.trunc(a) | 0,
    toFloat: fround,
    iadd: (a, b) => (a + b) | 0,
    isub: (a, b) => (a - b) | 0,
    imul: Math.imul,
    iand: (a, b) => a & b,
    ior: (a, b) => a | b,
    ixor: (a, b) => a ^ b,
    shl: (a, count) => a << count,
    shrUnsigned: (a, count) => (a >>> count) | 0,
    shrSigned: (a, count) => a >> count,
    scale: scales ? (x, n) => fround(x * 2 ** n) : null,
    roundProduct(x, factor) {
      const shifted = fma(x, fround(factor), roundingShift)
      return { whole: fround(shifted - roundingShift), low: bits(shifted) }
    },
    rarely: (mask, common, rare) => (mask ? rare() : common),
  }
}

function bits(a: number): number {
  single[0] = a
  return singleBits[0]
}

function fromBits(a: number): number {
  singleBits[0] = a
  return single[0]
}

/**
 * a * b + c rounded once to f32. The product is exact in f64; their sum is rounded to odd there (an inexact one gets an
 * odd last bit, from Knuth's error of the sum), so that rounding it again to f32 is as rounding the exact sum.
 */
function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b
  const sum = product + c
  const part = sum - product
  const error = product - (sum - part) + (c - part)
  if (error === 0 || !Number.isFinite(sum) || Number.isNaN(error)) return fround(sum)
  double[0] = sum
  const low = littleEndian ? 0 : 1
  if (doubleBits[low] % 2 === 0) {
    // One step towards the exact sum; an even word can always take one more.
    if (error > 0 === sum > 0) doubleBits[low]++
    else if (doubleBits[low]-- === 0) doubleBits[1 - low]--
  }
  return fround(double[0])
}
