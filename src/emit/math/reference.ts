import type { VectorMath } from './vectorMath.ts'

const { fround } = Math
const buffer = new DataView(new ArrayBuffer(8))

/** The operations on one lane, bit for bit what an emitter's code must give, as plain numbers. */
export function referenceMath({ fused }: { fused: boolean }): VectorMath<number, number, boolean> {
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
    // biome-ignore lint/style/useExplicitMathMinMax: Math.min differs where a or b is NaN or a zero
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
    roundProduct(x, factor) {
      const shifted = fma(x, fround(factor), roundingShift)
      return { whole: fround(shifted - roundingShift), low: bits(shifted) }
    },
    rarely: (mask, common, rare) => (mask ? rare() : common),
  }
}

/** Added to a float of up to 2^22, it leaves the nearest integer in the low bits. */
export const roundingShift = 1.5 * 2 ** 23

function bits(a: number): number {
  buffer.setFloat32(0, a)
  return buffer.getInt32(0)
}

function fromBits(a: number): number {
  buffer.setInt32(0, a)
  return buffer.getFloat32(0)
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
  buffer.setFloat64(0, sum)
  const last = buffer.getBigInt64(0)
  if ((last & 1n) === 1n) return fround(sum)
  buffer.setBigInt64(0, error > 0 === sum > 0 ? last + 1n : last - 1n)
  return fround(buffer.getFloat64(0))
}
