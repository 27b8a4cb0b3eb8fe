import type { Tensor } from '/tmp/shim.ts'
import { where } from '/tmp/shim.ts'
import type { Operations, Run } from '../_dev/goldens.ts'
import { testGoldens } from '../_dev/goldens.ts'

const unary =
  (apply: (x: Tensor) => Tensor): Run =>
  ({ x }) =>
    apply(x)

const binary =
  (apply: (x: Tensor, y: Tensor) => Tensor): Run =>
  ({ x, y }) =>
    apply(x, y)

const operations: Operations = {
  exp: unary((x) => x.exp()),
  log: unary((x) => x.log()),
  log1p: unary((x) => x.log1p()),
  expm1: unary((x) => x.expm1()),
  sqrt: unary((x) => x.sqrt()),
  sin: unary((x) => x.sin()),
  cos: unary((x) => x.cos()),
  tan: unary((x) => x.tan()),
  tanh: unary((x) => x.tanh()),
  sigmoid: unary((x) => x.sigmoid()),
  erf: unary((x) => x.erf()),
  relu: unary((x) => x.relu()),
  gelu: unary((x) => x.gelu()),
  silu: unary((x) => x.silu()),
  softplus: unary((x) => x.softplus()),
  abs: unary((x) => x.abs()),
  sign: unary((x) => x.sign()),
  floor: unary((x) => x.floor()),
  ceil: unary((x) => x.ceil()),
  round: unary((x) => x.round()),
  neg: unary((x) => x.neg()),
  square: unary((x) => x.square()),
  add: binary((x, y) => x.add(y)),
  sub: binary((x, y) => x.sub(y)),
  mul: binary((x, y) => x.mul(y)),
  div: binary((x, y) => x.div(y)),
  pow: binary((x, y) => x.pow(y)),
  atan2: binary((x, y) => x.atan2(y)),
  mod: binary((x, y) => x.mod(y)),
  maximum: binary((x, y) => x.maximum(y)),
  minimum: binary((x, y) => x.minimum(y)),
  eq: binary((x, y) => x.eq(y)),
  ne: binary((x, y) => x.ne(y)),
  lt: binary((x, y) => x.lt(y)),
  le: binary((x, y) => x.le(y)),
  gt: binary((x, y) => x.gt(y)),
  ge: binary((x, y) => x.ge(y)),
  powNumber: ({ x }, { exponent }: { exponent: number }) => x.pow(exponent),
  clamp: ({ x }, { low, high }: { low: number; high: number }) => x.clamp(low, high),
  where: ({ condition, x, y }) => where(condition, x, y),
  chain: ({ x, y }) => {
    const a = x.mul(y).tanh().add(x)
    return a.mul(a.sigmoid()).sub(a.div(y.mul(y).add(1)))
  },
}

// No element may hide behind a larger one: log1p and expm1 are about the small ones.
testGoldens('pointwise', operations, { cancelled: 0 })
