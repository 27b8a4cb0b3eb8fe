// Checked by `tsc --noEmit` alone: what the types make of a literal formula. Each line under @ts-expect-error holds a
// mistake that must not compile; if it does, tsc reports the directive as unused.
import type { FormulaTypes, OperandRanks, ResultRank } from '../../src/formula/types.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Flat<T> = { [Key in keyof T]: T[Key] }

/** Takes no argument if the formula has just these operands; else it wants the true ones as an argument. */
declare function expectOperands<Text extends string, Ranks>(
  ...mismatch: Same<Flat<OperandRanks<Text>>, Ranks> extends true ? [] : [Flat<OperandRanks<Text>>]
): void
declare function expectRank<Text extends string, Rank>(
  ...mismatch: Same<ResultRank<Text>, Rank> extends true ? [] : [ResultRank<Text>]
): void

// Names and ranks of what is read.
expectOperands<'z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]', { c: 1; W: 2; x: 2 }>()
expectOperands<'z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])', { c: 1; w: 1; x: 2 }>()
expectOperands<"z[i] = k'[i] * α_1[i]", { "k'": 1; α_1: 1 }>()
expectOperands<'z = 1', Record<never, never>>()
// @ts-expect-error -- x has rank 2
expectOperands<'z[b,i] = x[b,i]', { x: 1 }>()

// Constants: bare names that are no index.
expectOperands<'z[n,k,i] = t[k] + sum(c,u) x[n,c,s*i+u] * w[k,c,u]', { t: 1; x: 3; w: 3; s: 0 }>()
expectOperands<'z[i<n] = sum(j<2*m+1) x[i*j] + 1e-3 * .5e2 * a', { n: 0; m: 0; x: 1; a: 0 }>()
expectOperands<'z = sum(-r<=q<=(r+s)) x?[q]', { r: 0; s: 0; x: 1 }>()
expectOperands<'z[i,k] = where(k <= i and not k == 0 or k > 2, s[i,k], -inf) + pi', { s: 2 }>()

// Reads inside of indices.
expectOperands<'z[n,k] = x[idx[n,0], k] * y[p[q[n]]+o]', { idx: 2; x: 2; q: 1; p: 1; y: 1; o: 0 }>()

// The functions max and min, and the reductions.
expectOperands<'z = max(a, b) * max(a, c)', { a: 0; b: 0; c: 0 }>()
expectOperands<'z[i] = max(x[i], 0) - min(a,b) - c', { x: 1; a: 0; b: 0; c: 0 }>()
expectOperands<'z = max(a,b) (c) + max(i) -x[i] + max(j,k) 2', { c: 0; x: 1 }>()
expectOperands<'z[n,c,i,j] = max(u<2,v<2) x[n,c,2*i+u,2*j+v]', { x: 4 }>()
expectOperands<'z = max(u<2, v<k) -x[u,v] and a', { x: 2; k: 0; a: 0 }>()
expectOperands<'z = max(a, b) and c', { a: 0; b: 0; c: 0 }>()
expectOperands<'z[i] = argmax(j) x[i,j]', { x: 2 }>()

// Statements: what they define is no operand.
expectOperands<
  `m[i] = max(j) s[i,j]      # the largest of a row
   e[i,j] = exp(s[i,j] - m[i]); t = 2 *
     scale
   p[i,j] = e[i,j] /
     (sum(k) e[i,k] + t)`,
  { s: 2; scale: 0 }
>()
expectRank<'a[i,j] = x[i,j]; z[i,j,k] = a[i,j]', 3>()
expectRank<'a[i,j] = x[i,j]; z = sum(i,j) a[i,j]', 0>()
expectRank<string, number>()

// What is no literal is left to the checks at run time.
expectOperands<string, Record<string, number>>()
expectOperands<`z[i] = ${string}`, Record<string, number>>()

// What a caller makes of it: tensors of the right rank, and numbers for constants.
declare class Tensor<Rank extends number = number> {
  readonly rank: Rank
}
type Given<Text extends string, Ranks = OperandRanks<Text>> = {
  [Name in keyof Ranks]: Ranks[Name] extends 0 ? number | Tensor<0> : Tensor<Ranks[Name] & number>
}
declare function formula<Text extends string>(text: Text): (operands: Given<Text>) => Tensor<FormulaTypes<Text>['rank']>
declare const [x, w, t, scalar]: [Tensor<4>, Tensor<4>, Tensor<1>, Tensor<0>]
declare const someText: string

const conv = formula('z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]')
const result: Tensor<4> = conv({ x, w, t, s: 2 })
conv({ x, w, t, s: scalar })
formula(someText)({ anything: x, other: t })
// @ts-expect-error -- t is missing
conv({ x, w, s: 2 })
// @ts-expect-error -- the constant s is missing
conv({ x, w, t })
// @ts-expect-error -- weight is called w
conv({ x, weight: w, t, s: 2 })
// @ts-expect-error -- one operand too many
conv({ x, w, t, s: 2, stride: 2 })
// @ts-expect-error -- w has rank 4
conv({ x, w: t, t, s: 2 })
// @ts-expect-error -- s is no tensor of rank 1
conv({ x, w, t, s: t })
// @ts-expect-error -- x is no number
conv({ x: 2, w, t, s: 2 })
// @ts-expect-error -- the result has rank 4
const wrong: Tensor<2> = result

export { wrong }
