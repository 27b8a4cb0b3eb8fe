// The operations of the shared polynomials as instructions on four lanes: every result goes into a local of its own.
import type { Reduced, VectorMath } from '../math/vectorMath.ts'
import type { FunctionBuilder, Local } from './encoder.ts'
import type { PlainInstruction } from './opcodes.ts'

/** Pushes a vector. */
type Vector = () => void

const roundingShift = 1.5 * 2 ** 23

/** `take` makes the locals; they are free again once the last result has been pushed. */
export function localVectorMath(
  f: FunctionBuilder,
  fused: boolean,
  take: () => Local,
): VectorMath<Vector, Vector, Vector> & { of(local: Local): Vector } {
  const of =
    (local: Local): Vector =>
    () => {
      f.get(local)
    }
  const keep = (): Vector => {
    const local = take()
    f.set(local)
    return of(local)
  }
  const op =
    (name: PlainInstruction) =>
    (...args: Vector[]): Vector => {
      for (const arg of args) arg()
      f.op(name)
      return keep()
    }
  const shift =
    (name: PlainInstruction) =>
    (a: Vector, count: number): Vector => {
      a()
      f.i32Const(count).op(name)
      return keep()
    }
  const bitselect = (mask: Vector, a: Vector, b: Vector): Vector => {
    a()
    b()
    mask()
    f.op('v128.bitselect')
    return keep()
  }
  const float =
    (value: number): Vector =>
    () => {
      f.v128Const(Float32Array.of(value, value, value, value))
    }
  const int =
    (value: number): Vector =>
    () => {
      f.v128Const(Int32Array.of(value, value, value, value))
    }
  const same = (a: Vector): Vector => a
  const [add, sub, mul] = [op('f32x4.add'), op('f32x4.sub'), op('f32x4.mul')]
  const fma = fused ? op('f32x4.relaxed_madd') : (a: Vector, b: Vector, c: Vector) => add(mul(a, b), c)
  const fnma = fused ? op('f32x4.relaxed_nmadd') : (a: Vector, b: Vector, c: Vector) => sub(c, mul(a, b))
  const and = op('v128.and')
  return {
    of,
    fused,
    float,
    int,
    add,
    sub,
    mul,
    div: op('f32x4.div'),
    fma,
    fnma,
    min: op('f32x4.pmin'),
    max: op('f32x4.pmax'),
    abs: op('f32x4.abs'),
    neg: op('f32x4.neg'),
    floor: op('f32x4.floor'),
    lt: op('f32x4.lt'),
    eq: op('f32x4.eq'),
    and,
    select: bitselect,
    selectInt: bitselect,
    testBit: (a, bit) => op('i32x4.ne')(and(a, int(1 << bit)), int(0)),
    bits: same,
    fromBits: same,
    toInt: op('i32x4.trunc_sat_f32x4_s'),
    toFloat: op('f32x4.convert_i32x4_s'),
    iadd: op('i32x4.add'),
    isub: op('i32x4.sub'),
    imul: op('i32x4.mul'),
    iand: and,
    ior: op('v128.or'),
    ixor: op('v128.xor'),
    shl: shift('i32x4.shl'),
    shrUnsigned: shift('i32x4.shr_u'),
    shrSigned: shift('i32x4.shr_s'),
    roundProduct: (x, factor) => {
      const shifted = fma(x, float(Math.fround(factor)), float(roundingShift))
      return { whole: sub(shifted, float(roundingShift)), low: shifted }
    },
    rarely: (mask, common, rare): Reduced<Vector, Vector> => {
      const settle = (value: Vector): Local => {
        const local = take()
        value()
        f.set(local)
        return local
      }
      const angle = common.angle.map(settle)
      const quarters = settle(common.quarters)
      mask()
      f.op('v128.any_true').if(() => {
        const other = rare()
        for (const [at, local] of [...angle, quarters].entries()) {
          bitselect(mask, other.angle[at] ?? other.quarters, of(local))()
          f.set(local)
        }
      })
      return { angle: angle.map(of), quarters: of(quarters) }
    },
  }
}
