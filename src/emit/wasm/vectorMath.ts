import type { VectorMath } from '../math/vectorMath.ts'
import { roundingShift } from '../math/vectorMath.ts'
import type { FunctionBuilder, Local } from './functionBuilder.ts'
import type { PlainInstruction } from './opcodes.ts'

/** Four 32-bit lanes: in a local, or a constant that stands in the code wherever it is used. */
export type Lanes = Local | { readonly constant: Int32Array }

/**
 * The operations of VectorMath as f32x4 and i32x4 instructions, written to `f` as they are called; every result gets a
 * local of its own. With `relaxed` the multiply-adds are those of relaxed SIMD, and the caller has made sure
 * (`wasmFeatures().relaxedSimd`) that they round once. `take` gives the locals, where a caller uses them again.
 */
export function wasmMath(
  f: FunctionBuilder,
  { relaxed, take = () => f.local('v128') }: { relaxed: boolean; take?: () => Local },
): VectorMath<Lanes, Lanes, Lanes> {
  const push = (value: Lanes): void => {
    if ('constant' in value) f.v128Const(value.constant)
    else f.get(value)
  }
  const pop = (): Local => {
    const local = take()
    f.set(local)
    return local
  }
  const apply = (name: PlainInstruction, ...operands: Lanes[]): Local => {
    operands.forEach(push)
    f.op(name)
    return pop()
  }
  const unary = (name: PlainInstruction) => (a: Lanes) => apply(name, a)
  const binary = (name: PlainInstruction) => (a: Lanes, b: Lanes) => apply(name, a, b)
  const shift = (name: PlainInstruction) => (a: Lanes, count: number) => {
    push(a)
    f.i32Const(count).op(name)
    return pop()
  }
  const float = (value: number): Lanes => ({ constant: new Int32Array(new Float32Array(4).fill(value).buffer) })
  const int = (value: number): Lanes => ({ constant: new Int32Array(4).fill(value) })

  const mul = binary('f32x4.mul')
  const add = binary('f32x4.add')
  const sub = binary('f32x4.sub')
  const fma = (a: Lanes, b: Lanes, c: Lanes): Lanes =>
    relaxed ? apply('f32x4.relaxed_madd', a, b, c) : add(mul(a, b), c)
  const fnma = (a: Lanes, b: Lanes, c: Lanes): Lanes =>
    relaxed ? apply('f32x4.relaxed_nmadd', a, b, c) : sub(c, mul(a, b))
  const select = (mask: Lanes, a: Lanes, b: Lanes): Lanes =>
    apply(relaxed ? 'i32x4.relaxed_laneselect' : 'v128.bitselect', a, b, mask)
  const shl = shift('i32x4.shl')
  const shrSigned = shift('i32x4.shr_s')

  return {
    fused: relaxed,
    float,
    int,
    add,
    sub,
    mul,
    div: binary('f32x4.div'),
    fma,
    fnma,
    min: binary('f32x4.pmin'),
    max: binary('f32x4.pmax'),
    abs: unary('f32x4.abs'),
    neg: unary('f32x4.neg'),
    floor: unary('f32x4.floor'),
    lt: binary('f32x4.lt'),
    eq: binary('f32x4.eq'),
    and: binary('v128.and'),
    select,
    selectInt: select,
    testBit: (a, bit) => shrSigned(bit === 31 ? a : shl(a, 31 - bit), 31),
    bits: (a) => a,
    fromBits: (a) => a,
    toInt: unary('i32x4.trunc_sat_f32x4_s'),
    toFloat: unary('f32x4.convert_i32x4_s'),
    iadd: binary('i32x4.add'),
    isub: binary('i32x4.sub'),
    imul: binary('i32x4.mul'),
    iand: binary('v128.and'),
    ior: binary('v128.or'),
    ixor: binary('v128.xor'),
    shl,
    shrUnsigned: shift('i32x4.shr_u'),
    shrSigned,
    scale: null,
    roundProduct(x, factor) {
      const shifted = fma(x, float(factor), float(roundingShift))
      return { whole: sub(shifted, float(roundingShift)), low: shifted }
    },
    rarely(mask, common, rare) {
      const copies = [...common.angle, common.quarters].map((value) => {
        push(value)
        return pop()
      })
      push(mask)
      f.op('v128.any_true').if(() => {
        const { angle, quarters } = rare()
        for (const [i, value] of [...angle, quarters].entries()) {
          push(select(mask, value, copies[i]))
          f.set(copies[i])
        }
      })
      return { angle: copies.slice(0, -1), quarters: copies.at(-1)! }
    },
  }
}
