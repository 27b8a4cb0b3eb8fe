import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Dtype } from '../../src/dtype.ts'
import { typedArray } from '../../src/dtype.ts'
import { parse } from '../../src/formula/parse.ts'
import { dataNode } from '../../src/graph/build.ts'
import { describeNode } from '../../src/graph/describe.ts'
import { elaborate } from '../../src/graph/elaborate.ts'
import type { Node } from '../../src/graph/node.ts'
import { sizeOf } from '../../src/graph/node.ts'
import { evaluateFormula } from '../support/evaluateFormula.ts'
import { interpret } from '../support/interpret.ts'

/** Values that repeat only after a while, of both signs for floats. */
function tensor(shape: readonly number[], dtype: Dtype = 'f64', scale = 1): Node {
  const values = typedArray(dtype, sizeOf(shape))
  const whole = dtype === 'f32' || dtype === 'f64' ? 0 : dtype === 'bool' ? 2 : 5
  for (let at = 0; at < values.length; at++) {
    const wave = Math.sin(at * 12.9898 + shape.length * 78.233 + scale)
    values[at] = whole === 0 ? wave * scale : Math.floor(((wave + 1) / 2) * whole * 0.999)
  }
  return dataNode(values, shape, dtype)
}

type Operands = Readonly<Record<string, Node | number>>

const nodeOf = (text: string, operands: Operands): Node =>
  elaborate(parse(text), text, new Map(Object.entries(operands)))

/** The formula's elements are those of a direct evaluation with these extents, and its axes have these lengths. */
function expectValues(text: string, operands: Operands, extents: Record<string, number>): void {
  const node = nodeOf(text, operands)
  const tree = parse(text)
  const axes = tree.statements.at(-1)!.axes
  for (const [axis, { index, bound }] of axes.entries()) {
    if (bound.kind === 'inferred') assert.equal(node.shape[axis], extents[index], `extent of ${index} in ${text}`)
  }
  const elements = Object.fromEntries(
    Object.entries(operands).map(([name, operand]) => [
      name,
      typeof operand === 'number' ? operand : { shape: operand.shape, data: interpret(operand) },
    ]),
  )
  const expected = evaluateFormula(tree, elements, extents)
  const actual = interpret(node)
  assert.equal(actual.length, expected.length, text)
  for (const [at, value] of expected.entries()) {
    const close = Object.is(actual[at], value) || Math.abs(actual[at] - value) <= 1e-12 * (1 + Math.abs(value))
    assert(close, `${text}: element ${at} is ${actual[at]}, not ${value}`)
  }
}

test('layers computed through nodes equal loops over their formulas', () => {
  const x = tensor([2, 3, 9, 8])
  expectValues(
    'z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]',
    { x: tensor([4, 3]), W: tensor([5, 3]), c: tensor([5]) },
    { b: 4, i: 5, j: 3 },
  )
  const conv = 'z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+d*u,s*j+v] * w[k,c,u,v]'
  const w = tensor([2, 3, 3, 2])
  expectValues(conv, { x, w, t: tensor([2]), s: 2, d: 1 }, { n: 2, k: 2, i: 4, j: 4, c: 3, u: 3, v: 2 })
  expectValues(conv, { x, w, t: tensor([2]), s: 1, d: 2 }, { n: 2, k: 2, i: 5, j: 7, c: 3, u: 3, v: 2 })
  const padded = 'z[n,k,i<9,j<8] = sum(c,u,v) x?[n,c,i+u-1,j+v-1] * w[k,c,u,v]'
  expectValues(padded, { x, w }, { n: 2, k: 2, c: 3, u: 3, v: 2 })
  const local = 'z[b,o,i,j] = sum(c,u,v) x[b,c,i+u,j+v] * w[o,i,j,c,u,v]'
  expectValues(
    local,
    { x: tensor([2, 2, 4, 3]), w: tensor([2, 3, 2, 2, 2, 2]) },
    { b: 2, o: 2, i: 3, j: 2, c: 2, u: 2, v: 2 },
  )
  const grid = 'z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])'
  expectValues(grid, { w: tensor([6]), x: tensor([2, 6]), c: tensor([6]) }, { b: 2, p: 6 })
  expectValues('z[n,c,i,j] = max(u<2,v<2) x[n,c,2*i+u,2*j+v]', { x }, { n: 2, c: 3, i: 4, j: 4 })
  expectValues('z[b,i] = exp(x[b,i]) / sum(j) exp(x[b,j])', { x: tensor([3, 4]) }, { b: 3, i: 4, j: 4 })
  const norm = 'm[b] = mean(i) x[b,i]; v[b] = mean(i) (x[b,i]-m[b])^2; z[b,i] = g[i] * (x[b,i]-m[b]) / sqrt(v[b]+eps)'
  expectValues(norm, { x: tensor([3, 4]), g: tensor([4]), eps: 1e-5 }, { b: 3, i: 4 })
  const attention = `
    s[h,i,k] = scale * sum(d) q[h,i,d] * x[h,k,d]
    a[h,i,k] = where(k <= i, s[h,i,k], -inf)
    e[h,i,k] = exp(a[h,i,k] - max(k') a[h,i,k'])
    z[h,i,d] = sum(k) e[h,i,k] * y[h,k,d] / sum(k') e[h,i,k']`
  const heads = { q: tensor([2, 4, 3]), x: tensor([2, 4, 3]), y: tensor([2, 4, 3]), scale: 0.5 }
  expectValues(attention, heads, { h: 2, i: 4, k: 4, "k'": 4, d: 3 })
})

test('every reduction agrees with a loop', () => {
  const x = tensor([3, 5])
  for (const op of ['sum', 'mean', 'max', 'min', 'prod', 'argmax', 'argmin']) {
    expectValues(`z[i] = ${op}(j) x[i,j]`, { x }, { i: 3, j: 5 })
    expectValues(`z = ${op}(i,j) 2 * x[i,j]`, { x }, { i: 3, j: 5 })
    expectValues(`z[i] = ${op}(1<=j<=3) x[i,j]`, { x }, { i: 3 })
    expectValues(`z[i] = ${op}(j) ${op}(k) (x[i,j] * y[k,j] - x[i,k])`, { x, y: tensor([5, 5]) }, { i: 3, j: 5, k: 5 })
  }
  expectValues('z[i] = any(j) (x[i,j] > 0.9)', { x }, { i: 3, j: 5 })
  expectValues('z[i] = all(j) (x[i,j] > -0.9)', { x }, { i: 3, j: 5 })
})

test('what is absent is left out of a reduction, and is 0 elsewhere', () => {
  const x = tensor([3, 5])
  const y = tensor([5])
  for (const op of ['sum', 'mean', 'max', 'min', 'prod', 'argmax']) {
    expectValues(`z[i,p<5] = ${op}(0<=q<=2) x?[i,p+q-1]`, { x }, { i: 3 })
    expectValues(`z[i,p<5] = ${op}(0<=q<=2) (x?[i,p+q-1] + 1)`, { x }, { i: 3 })
    expectValues(`z[i,p<5] = ${op}(0<=q<=2) -x?[i,p+q-1] / 7`, { x }, { i: 3 })
    expectValues(`z[i,p<5] = ${op}(0<=q<=2) x?[i,p+q-1] * exp(y?[p-q])`, { x, y }, { i: 3 })
    expectValues(`z[i,p<5] = ${op}(0<=q<=2) y[p] * -x?[i,p-q] / 3`, { x, y }, { i: 3 })
  }
  expectValues('z[i,p<7] = 1 + x?[i,p-1]', { x }, { i: 3 })
  expectValues('z[i] = x?[i,2] + y?[i+4]', { x, y }, { i: 3 })
  expectValues('z[p<4] = sum(q<4) y?[p/2+q%2+2*q]', { y }, {})
  expectValues('z[p<12] = sum(q<3) (1 + y?[p/2-q])', { y }, {})
  expectValues('z[p<6] = sum(q<6) (1 + y?[2*(p/2)+q/3+q])', { y }, {})
  expectValues('z[p<6] = sum(q<6) where(q < 4, 1 + y?[p-q], 7)', { y }, {})
  expectValues('z[n<6] = sum(-1<=q<=1) max(j) x?[n+q,j]', { x: tensor([6, 3]) }, { j: 3 })
  expectValues('z[n<6] = max(-2<=q<=1) sum(j) (x?[n+q,j] + q)', { x: tensor([6, 3]) }, { j: 3 })
})

test('elements of integer tensors are indices', () => {
  const idx = tensor([4], 'i32')
  const x = tensor([5, 3])
  expectValues('z[n,k] = x[idx[n],k]', { x, idx }, { n: 4, k: 3 })
  expectValues('z[n] = sum(k) x[idx[n],k] * w[k,idx[n]]', { x, w: tensor([3, 5]), idx }, { n: 4, k: 3 })
  expectValues('z[k] = x[row,k]', { x, row: dataNode(Int32Array.of(3), [], 'i32') }, { k: 3 })
  expectValues('z[n] = sum(k) x[idx[idx[n]],k]', { x, idx: tensor([5], 'i32') }, { n: 5, k: 3 })
  const loss = 'z = mean(n) -log(p[n,label[n]])'
  expectValues(
    loss,
    {
      p: dataNode(Float64Array.of(0.1, 0.2, 0.7, 0.3, 0.3, 0.4), [2, 3], 'f64'),
      label: dataNode(Uint8Array.of(2, 0), [2], 'u8'),
    },
    { n: 2 },
  )
  const far = dataNode(Int32Array.of(-1, 0, 4, 5), [4], 'i32')
  expectValues('z[n,k] = x?[far[n],k]', { x, far }, { n: 4, k: 3 })
  expectValues('z[k] = sum(n) (1 + x?[far[n],k])', { x, far }, { n: 4, k: 3 })
  expectValues('z[k] = mean(n) x?[far[n],k]', { x, far }, { n: 4, k: 3 })
})

test('an index is its own value, and a constant is a number or a tensor of rank 0', () => {
  expectValues('z[i<3,j<4] = 10*i + j', {}, {})
  expectValues('z[i] = lr * x[i]^p - i', { x: tensor([3]), lr: tensor([]), p: 2 }, { i: 3 })
  expectValues('z = 1 + sum(i<4) i', {}, {})
  expectValues('h = sum(i) x[i]; z[i] = x[i] / h', { x: tensor([3]) }, { i: 3 })
  expectValues('z[i<h*2-1] = i % 3 / 2', { h: 3 }, {})
})

test('extents come from the reads that need them', () => {
  const x = tensor([7])
  expectValues('z[i] = x[i]', { x }, { i: 7 })
  expectValues('z[i] = x[2*i]', { x }, { i: 4 })
  expectValues('z[i] = x[2*i+1]', { x }, { i: 3 })
  expectValues('z[i] = x[6-i]', { x }, { i: 7 })
  expectValues('z[i] = x[i/2]', { x }, { i: 14 })
  expectValues('z[i] = x[i/3+2]', { x }, { i: 15 })
  expectValues('z[i] = x[i+2] * y[i]', { x, y: tensor([4]) }, { i: 4 })
  expectValues('z[i] = x[i+2] * y[2*i]', { x, y: tensor([4]) }, { i: 2 })
  expectValues('z[i] = sum(u) x[i+u] * w[u]', { x, w: tensor([3]) }, { i: 5, u: 3 })
  expectValues('z[i] = sum(2<=u<=3) x[i+u]', { x }, { i: 4 })
  expectValues('z[i,j] = x[i*3+j] * w[j]', { x, w: tensor([3]) }, { i: 2, j: 3 })
  expectValues('z[i] = x?[i]', { x }, { i: 7 })
  expectValues('z[i] = x?[i] + y[i+1]', { x, y: tensor([4]) }, { i: 3 })
  expectValues('z[i,k] = sum(j) x[i+j] * y[j+k] * w[k]', { x, y: tensor([5]), w: tensor([3]) }, { i: 5, j: 3, k: 3 })
})

test('windows of any stride, dilation and padding equal loops', () => {
  const small = (min: number, max: number) => fc.integer({ min, max })
  const window = fc.record({
    s: small(1, 3),
    d: small(1, 3),
    p: small(-2, 4),
    length: small(1, 7),
    u: small(1, 3),
    i: small(1, 5),
  })
  const bodies = [
    'x?[c,s*i+d*u-p] * w[c,u]',
    'w[c,u] * -x?[c,s*i+d*u-p] / 3',
    'exp(x?[c,s*i+d*u-p]) * x?[c,u-i]',
    '(x?[c,s*i+d*u-p] + w[c,u])',
    'where(u < i, x?[c,s*i+d*u-p], w[c,u])',
    'x?[c,(s*i+d*u-p)/2] * w[c,u]',
    '(w[c,u] - x?[c,i/d+(u-p)%3])',
  ]
  const operators = ['sum', 'mean', 'max', 'min', 'prod', 'sum(c) max', 'max(c) sum', 'sum(c) sum', 'mean(c) mean']
  fc.assert(
    fc.property(window, fc.constantFrom(...bodies), fc.constantFrom(...operators), (sizes, body, operator) => {
      const { s, d, p, length, u, i } = sizes
      const ranges = `${operator.includes('(') ? '' : 'c,'}u<${u}`
      const text = `z[i<${i}] = 1 + ${operator}(${ranges}) ${body}`
      const used = Object.entries({ s, d, p }).filter(([constant]) => new RegExp(`\\b${constant}\\b`).test(body))
      const operands: Operands = { x: tensor([2, length]), ...Object.fromEntries(used) }
      expectValues(text, body.includes('w[') ? { ...operands, w: tensor([2, u]) } : { ...operands }, { c: 2, u })
    }),
    { numRuns: 300 },
  )
})

test('an inferred extent is the largest that stays inside', () => {
  const size = fc.integer({ min: 1, max: 4 })
  fc.assert(
    fc.property(
      size,
      size,
      size,
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 1, max: 20 }),
      (s, d, u, o, length) => {
        const inside = (i: number): boolean => s * i + d * (u - 1) + o < length
        const text = 'z[i] = sum(u) x[s*i+d*u+o] * w[u]'
        const operands = { x: tensor([length]), w: tensor([u]), s, d, o }
        if (!inside(0)) {
          assert.throws(() => nodeOf(text, operands), { code: 'out-of-range' })
          return
        }
        let extent = 1
        while (inside(extent)) extent++
        expectValues(text, operands, { i: extent, u })
      },
    ),
    { numRuns: 200 },
  )
})

test('the description of a node is a formula with its value', () => {
  const x = tensor([3, 5])
  const formulas = [
    'z[i,j] = x[i,j] * 2 - j',
    'z[i] = sum(j) x[i,j] / (1 + j)',
    'z[i,p<6] = max(-1<=q<=1) x?[i,p+q]',
    'z[i,p<6] = argmin(q<3) x?[i,p-q]',
    'z[p<6] = prod(q<3) (1 + x?[1,p-q])',
    'z[p<6] = sum(q<3) exp(x?[1,p/2-q])',
    'z[p<6] = any(q<3) (x?[1,p-q] > 0.5)',
    'z[p<6] = all(q<3) (x?[1,p-q] > 0.5)',
  ]
  for (const text of formulas) {
    const node = nodeOf(text, { x })
    assert.deepEqual(interpret(nodeOf(describeNode(node), { x })), interpret(node), describeNode(node))
  }
})
