// Index expressions and addresses as integer instructions.
import { type Affine, type Atom, bounds, constant, namesIn } from '../../index/index.ts'
import type { KernelState } from './kernelState.ts'
import { shiftOf, width, withTemporary } from './kernelState.ts'
import { patternOf, strideOf } from './laneAnalysis.ts'

/** Pushes an index expression: the value of lane 0 of the first copy in a lanes loop. */
export function pushAffine(k: KernelState, affine: Affine): void {
  const { f } = k
  let isFirst = true
  for (const { coefficient, atom } of affine.terms) {
    pushAtom(k, atom)
    if (coefficient !== 1) pushMultiple(k, coefficient)
    if (!isFirst) f.op('i32.add')
    isFirst = false
  }
  if (isFirst) f.i32Const(affine.constant)
  else if (affine.constant !== 0) f.i32Const(affine.constant).op('i32.add')
}

/** Multiplies the integer on the stack. */
function pushMultiple({ f }: KernelState, factor: number): void {
  if (isPowerOfTwo(factor)) f.i32Const(Math.log2(factor)).op('i32.shl')
  else f.i32Const(factor).op('i32.mul')
}

export const isPowerOfTwo = (n: number): boolean => n > 0 && (n & (n - 1)) === 0

function pushAtom(k: KernelState, atom: Atom): void {
  const { f } = k
  if (atom.kind === 'index') {
    const binding = k.bindings.get(atom.name)
    if (binding?.kind !== 'scalar') throw new Error(`index ${atom.name} has no single value`)
    f.get(binding.local)
    return
  }
  const { of, by } = atom
  pushAffine(k, of)
  if (isPowerOfTwo(by)) {
    if (atom.kind === 'div') f.i32Const(Math.log2(by)).op('i32.shr_s')
    else f.i32Const(by - 1).op('i32.and')
    return
  }
  const { min } = bounds(of, k.intervals)
  if (min >= 0) {
    f.i32Const(by).op(atom.kind === 'div' ? 'i32.div_u' : 'i32.rem_u')
    return
  }
  withTemporary(k, 'i32', (value) => {
    f.set(value)
    // The remainder of a division towards zero has the sign of the dividend.
    f.get(value).i32Const(by).op('i32.rem_s')
    if (atom.kind === 'mod') {
      f.tee(value).i32Const(by).op('i32.add').get(value)
      f.get(value).i32Const(0).op('i32.lt_s').select()
    } else {
      f.i32Const(31).op('i32.shr_s')
      f.get(value).i32Const(by).op('i32.div_s').op('i32.add')
    }
  })
}

/** Pushes an index expression of a lanes loop as a vector. */
export function pushAffineVector(k: KernelState, affine: Affine, copy: number): void {
  const { f } = k
  const lanes = k.lanes!
  const stride = strideOf(affine, lanes.strides)
  if (stride !== null) {
    pushAffine(k, affine)
    f.op('i32x4.splat')
    pushRamp(k, stride, copy)
    return
  }
  const pattern = patternOf(affine, lanes, copy)
  if (pattern) {
    pushAffine(k, affine)
    f.op('i32x4.splat').v128Const(Int32Array.from(pattern)).op('i32x4.add')
    return
  }
  const isAlike = (atom: Atom) => strideOf({ constant: 0, terms: [{ coefficient: 1, atom }] }, lanes.strides) !== null
  const alike = affine.terms.filter(({ atom }) => isAlike(atom))
  pushAffineVector(k, { constant: affine.constant, terms: alike }, copy)
  for (const { coefficient, atom } of affine.terms) {
    if (isAlike(atom)) continue
    pushAtomVector(k, atom, copy)
    if (coefficient !== 1) {
      if (isPowerOfTwo(coefficient)) f.i32Const(Math.log2(coefficient)).op('i32x4.shl')
      else f.v128Const(Int32Array.of(coefficient, coefficient, coefficient, coefficient)).op('i32x4.mul')
    }
    f.op('i32x4.add')
  }
}

/** Adds stride · (lane number) to the vector on the stack. */
export function pushRamp({ f }: KernelState, stride: number, copy: number): void {
  if (stride === 0) return
  f.v128Const(Int32Array.from({ length: width }, (_, lane) => stride * (copy * width + lane))).op('i32x4.add')
}

function pushAtomVector(k: KernelState, atom: Atom, copy: number): void {
  const { f } = k
  if (atom.kind === 'index') {
    const binding = k.bindings.get(atom.name)
    if (binding?.kind !== 'vector') throw new Error(`index ${atom.name} is no vector`)
    f.get(binding.locals[copy])
    return
  }
  const { of, by } = atom
  pushAffineVector(k, of, copy)
  if (isPowerOfTwo(by)) {
    if (atom.kind === 'div') f.i32Const(Math.log2(by)).op('i32x4.shr_s')
    else f.v128Const(fourInts(by - 1)).op('v128.and')
    return
  }
  const { min, max } = bounds(of, k.intervals)
  const isSmall = min > -exactFloats && max < exactFloats
  if (isSmall) pushDivisionByFloats(k, atom.kind, by)
  else pushDivisionByLanes(k, atom.kind, by)
}

const fourInts = (value: number): Int32Array => Int32Array.of(value, value, value, value)
const fourFloats = (value: number): Float32Array => Float32Array.of(value, value, value, value)

/** Integers below this are exact in f32, and a quotient by the reciprocal is off by at most one. */
const exactFloats = 2 ** 22

/** Divides the vector on the stack: a product with the reciprocal, then a correction by the remainder. */
function pushDivisionByFloats(k: KernelState, kind: 'div' | 'mod', by: number): void {
  const { f } = k
  withTemporary(k, 'v128', (value) => {
    withTemporary(k, 'v128', (quotient) => {
      f.tee(value)
        .op('f32x4.convert_i32x4_s')
        .v128Const(fourFloats(1 / by))
        .op('f32x4.mul')
      f.op('f32x4.floor').op('i32x4.trunc_sat_f32x4_s').set(quotient)
      f.get(value).get(quotient).v128Const(fourInts(by)).op('i32x4.mul').op('i32x4.sub').set(value)
      const below = () => f.get(value).v128Const(fourInts(0)).op('i32x4.lt_s')
      const above = () =>
        f
          .get(value)
          .v128Const(fourInts(by - 1))
          .op('i32x4.gt_s')
      if (kind === 'div') {
        // A mask is -1 where it holds.
        f.get(quotient)
        below().op('i32x4.add')
        above().op('i32x4.sub')
      } else {
        f.get(value)
        below().v128Const(fourInts(by)).op('v128.and').op('i32x4.add')
        above().v128Const(fourInts(by)).op('v128.and').op('i32x4.sub')
      }
    })
  })
}

function pushDivisionByLanes(k: KernelState, kind: 'div' | 'mod', by: number): void {
  const { f } = k
  const name = k.parts.helper(kind === 'div' ? 'floorDiv' : 'floorMod')
  withTemporary(k, 'v128', (value) => {
    f.set(value).get(value)
    for (let lane = 0; lane < width; lane++) {
      f.get(value).lane('i32x4.extract_lane', lane).i32Const(by).call(name).lane('i32x4.replace_lane', lane)
    }
  })
}

/**
 * Pushes the address of an element, or in a lanes loop of the element of lane 0, and returns what is to be added to it by the
 * instruction that uses it. `extra` counts further elements.
 */
export function pushAddress(k: KernelState, buffer: string, offset: Affine, extra = 0): number {
  const { f } = k
  const shift = shiftOf(k.program.buffers.get(buffer)!.dtype)
  const isInner = (atom: Atom): boolean => {
    for (const name of namesIn({ constant: 0, terms: [{ coefficient: 1, atom }] })) {
      if ((k.depths.get(name) ?? 0) >= k.depth) return true
    }
    return false
  }
  const outer: Affine = { constant: 0, terms: offset.terms.filter(({ atom }) => !isInner(atom)) }
  const inner: Affine = { constant: 0, terms: offset.terms.filter(({ atom }) => isInner(atom)) }
  const plain = { constant: 0, terms: offset.terms }
  const bytes = (offset.constant + extra) * 2 ** shift
  const fixed = bytes >= 0 && bounds(plain, k.intervals).min >= 0 ? bytes : 0
  f.get(k.bases.get(buffer)!)
  // What the loops around leave alone comes first: the engine moves it out of them.
  if (bytes !== fixed) f.i32Const(bytes).op('i32.add')
  for (const part of [outer, inner]) {
    if (part.terms.length === 0) continue
    pushAffine(k, part)
    if (shift > 0) f.i32Const(shift).op('i32.shl')
    f.op('i32.add')
  }
  return fixed
}

/** The bounds that an integer let takes from its index expression. */
export function noteInterval(k: KernelState, name: string, affine: Affine | null): void {
  k.intervals.set(name, affine ? bounds(affine, k.intervals) : { min: -Infinity, max: Infinity })
}

export const zeroOffset = constant(0)
