// What every target does lane by lane on 32-bit floats. The functions in this folder are written once over these
// operations; an emitter carries them out by emitting instructions or text, reference.ts by computing.

/**
 * F is a vector of f32, I one of i32, M a mask: what a comparison gives. Floats follow IEEE 754 with denormals; integers
 * wrap. Nothing may be reassociated, and only `fma` and `fnma` may be contracted.
 */
export interface VectorMath<F, I, M> {
  /** Whether fma and fnma round once. The functions hold their bound of 2 ulp either way, some by a longer path. */
  readonly fused: boolean

  float(value: number): F
  int(value: number): I

  add(a: F, b: F): F
  sub(a: F, b: F): F
  mul(a: F, b: F): F
  div(a: F, b: F): F
  /** a * b + c */
  fma(a: F, b: F, c: F): F
  /** c - a * b */
  fnma(a: F, b: F, c: F): F
  /** b < a ? b : a, so that a NaN on either side gives a. */
  min(a: F, b: F): F
  /** a < b ? b : a, so that a NaN on either side gives a. */
  max(a: F, b: F): F
  abs(a: F): F
  neg(a: F): F
  floor(a: F): F

  lt(a: F, b: F): M
  eq(a: F, b: F): M
  and(a: M, b: M): M
  select(mask: M, a: F, b: F): F
  selectInt(mask: M, a: I, b: I): I
  /** Where bit number `bit` of the integer is set. */
  testBit(a: I, bit: number): M

  /** The same bits as an integer. */
  bits(a: F): I
  /** The same bits as a float. */
  fromBits(a: I): F
  /** Rounds towards zero; |a| < 2^31. */
  toInt(a: F): I
  toFloat(a: I): F

  iadd(a: I, b: I): I
  isub(a: I, b: I): I
  imul(a: I, b: I): I
  iand(a: I, b: I): I
  ior(a: I, b: I): I
  ixor(a: I, b: I): I
  shl(a: I, count: number): I
  /** Shifts zeros in. */
  shrUnsigned(a: I, count: number): I
  /** Shifts copies of the sign in. */
  shrSigned(a: I, count: number): I

  /** x * 2^n by one instruction that rounds once, |n| < 250; null where there is none. */
  readonly scale: ((x: F, n: F) => F) | null

  /** The integer nearest to x * factor, halves to even, |x * factor| <= 2^21. It may err by one close to a half. */
  roundProduct(x: F, factor: number): Rounded<F, I>

  /**
   * `common` where the mask is off, and what `rare` computes where it is on, as many floats. An emitter with branches goes
   * around `rare` when the mask is off in every lane.
   */
  rarely(mask: M, common: Reduced<F, I>, rare: () => Reduced<F, I>): Reduced<F, I>
}

/**
 * The usual way to roundProduct: added to a float of up to 2^22, it leaves the nearest integer in the low bits, and taken off
 * again it leaves that integer as a float.
 */
export const roundingShift = 1.5 * 2 ** 23

export interface Rounded<F, I> {
  readonly whole: F
  /** An integer whose low 22 bits are those of `whole`. */
  readonly low: I
}

/** An angle in [-pi/4, pi/4] as a float or a sum of two, and in the low two bits how many quarter turns were taken off. */
export interface Reduced<F, I> {
  readonly angle: readonly F[]
  readonly quarters: I
}

export type UnaryProgram = <F, I, M>(b: VectorMath<F, I, M>, x: F) => F
export type BinaryProgram = <F, I, M>(b: VectorMath<F, I, M>, x: F, y: F) => F
