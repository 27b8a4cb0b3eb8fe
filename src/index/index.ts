export type { Affine, Atom, Interval, Intervals, Term } from './affine.ts'
export {
  add,
  affineKey,
  constant,
  evaluateAffine,
  indexOf,
  isConstant,
  isZero,
  namesIn,
  scale,
  subtract,
} from './arithmetic.ts'
export { bounds, contains, intersect, intervalsOf, isEmpty } from './bounds.ts'
export { affineOf, exprOf } from './convert.ts'
export { floorDivide, greatestCommonDivisor, remainder } from './divide.ts'
export { substituteIndices } from './substitute.ts'
