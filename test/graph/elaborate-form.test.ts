import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dtype } from '../../src/dtype.ts'
import { typedArray } from '../../src/dtype.ts'
import { parse } from '../../src/formula/parse.ts'
import { dataNode } from '../../src/graph/build.ts'
import { describeNode } from '../../src/graph/describe.ts'
import { elaborate } from '../../src/graph/elaborate.ts'
import type { Node, Shape } from '../../src/graph/node.ts'
import { operandsOf, sizeOf } from '../../src/graph/node.ts'

const t = (shape: Shape, dtype: Dtype = 'f32'): Node => dataNode(typedArray(dtype, sizeOf(shape)), shape, dtype)
type Operands = Readonly<Record<string, Node | number>>

const nodeOf = (text: string, operands: Operands, resultShape?: Shape): Node =>
  elaborate(parse(text), text, new Map(Object.entries(operands)), { resultShape })

/** The comprehensions a formula becomes, in the order they are computed. */
function expectNodes(text: string, operands: Operands, formulas: readonly string[]): void {
  const found = new Set<Node>()
  const visit = (node: Node): void => {
    for (const operand of operandsOf(node)) visit(operand)
    if (node.kind === 'comprehension') found.add(node)
  }
  visit(nodeOf(text, operands))
  assert.deepEqual([...found].map(describeNode), formulas, text)
}

test('each reduction is a node over the indices it depends on, and what is left is one more', () => {
  const x = t([2, 5])
  expectNodes('z[n,k] = sum(c) x[n,c] * w[k,c]', { x, w: t([3, 5]) }, ['z[n<2,k<3] = sum(c<5) x[n,c] * w[k,c]'])
  expectNodes(
    'z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]',
    { x: t([2, 3, 9, 9]), w: t([4, 3, 3, 3]), t: t([4]), s: 2 },
    [
      'z[n<2,k<4,i<4,j<4] = sum(c<3,u<3,v<3) x[n,c,2*i+u,2*j+v] * w[k,c,u,v]',
      'z[n<2,k<4,i<4,j<4] = t[k] + sum_1[n,k,i,j]',
    ],
  )
  expectNodes('z[b,i] = exp(x[b,i]) / sum(j) exp(x[b,j])', { x }, [
    'z[b<2] = sum(j<5) exp(x[b,j])',
    'z[b<2,i<5] = exp(x[b,i]) / sum_1[b]',
  ])
  expectNodes('z[b] = max(i) abs(x[b,i] - min(j) x[b,j])', { x }, [
    'z[b<2] = min(j<5) x[b,j]',
    'z[b<2] = max(i<5) abs(x[b,i] - min_1[b])',
  ])
  expectNodes('z[i,b] = sum(j) x[b,j] + sum(j<2) x[b,i+j]', { x }, [
    'z[b<2] = sum(j<5) x[b,j]',
    "z[i<4,b<2] = sum(j'<2) x[b,i+j']",
    'z[i<4,b<2] = sum_1[b] + sum_2[i,b]',
  ])
})

test('equal reductions in one formula are one node', () => {
  expectNodes('z[b,i] = (x[b,i] - mean(j) x[b,j]) * mean(k) x[b,k]', { x: t([2, 5]) }, [
    'z[b<2] = sum(j<5) x[b,j]',
    'z[b<2,i<5] = (x[b,i] - sum_1[b] / 5) * (sum_1[b] / 5)',
  ])
})

test('a statement that only copies is the tensor itself', () => {
  const x = t([2, 5])
  assert.equal(nodeOf('z[i,j] = x[i,j]', { x }), x)
  assert.equal(nodeOf('y[i,j] = x?[i,j] * 1; z[a,b] = y[a,b] + 0', { x }), x)
  assert.notEqual(nodeOf('z[i,j<4] = x[i,j]', { x }), x)
  assert.deepEqual(nodeOf('z[j,i] = x[i,j]', { x }).shape, [5, 2])
})

test('factors that do not depend on the ranges leave a sum', () => {
  const [a, x, y] = [t([3]), t([4]), t([3, 4])]
  expectNodes('z[i] = sum(j) a[i] * y[i,j] / a[i]', { a, y }, [
    'z[i<3] = sum(j<4) y[i,j]',
    'z[i<3] = a[i] * sum_1[i] / a[i]',
  ])
  expectNodes('z = sum(i) sum(j) a[i] * x[j]', { a, x }, [
    'z = sum(j<4) x[j]',
    'z = sum(i<3) a[i]',
    'z = sum_1 * sum_2',
  ])
  expectNodes('z = mean(j) -0.5 * x[j]^2', { x }, ['z = sum(j<4) x[j]^2', 'z = -0.5 * sum_1 / 4'])
  expectNodes('z[i] = sum(j<4) 2 * a[i]', { a }, ['z[i<3] = 2 * a[i] * 4'])
  expectNodes('z[i] = max(j) a[i] * x[j]', { a, x }, ['z[i<3] = max(j<4) a[i] * x[j]'])
  expectNodes('z[i] = sum(j) (a[i] + x[j])', { a, x }, ['z[i<3] = sum(j<4) (a[i] + x[j])'])
})

test('a factor that may be absent stays in its sum, whose absence is not that of the reduction around it', () => {
  expectNodes('z = max(n<3) sum(j) x?[n+1] * w[j]', { x: t([3]), w: t([4]) }, [
    'z[n<3] = sum(j<4) x?[n+1] * w[j]',
    'z = max(n<3) sum_1[n]',
  ])
})

test('directly nested reductions of one kind are one', () => {
  const y = t([3, 4])
  expectNodes('z = sum(i) sum(j) y[i,j]', { y }, ['z = sum(i<3,j<4) y[i,j]'])
  expectNodes('z = max(i) max(j) y[i,j]', { y }, ['z = max(i<3,j<4) y[i,j]'])
  expectNodes('z = max(i) min(j) y[i,j]', { y }, ['z[i<3] = min(j<4) y[i,j]', 'z = max(i<3) min_1[i]'])
})

test('only conditions that matter are kept on a reduction', () => {
  const [x, w] = [t([2, 5]), t([5])]
  expectNodes('z[b,p<5] = sum(-1<=q<=1) w?[p+q] * x?[b,p+q]', { x, w }, [
    'z[b<2,p<5] = sum(-1<=q<=1) w?[p+q] * x?[b,p+q]',
  ])
  expectNodes('z[b,p<5] = sum(q<2) -x?[b,p+q] / 3', { x }, [
    'z[b<2,p<5] = sum(q<2) x?[b,p+q]',
    'z[b<2,p<5] = -(sum_1[b,p] / 3)',
  ])
  expectNodes('z[b,p<5] = sum(q<2) exp(x?[b,p+q])', { x }, [
    'z[b<2,p<5] = sum(q<2) where(p + q < 5, exp(x?[b,p+q]), 0)',
  ])
  expectNodes('z[b,p<5] = max(-1<=q<=1) x?[b,p+q]', { x }, [
    'z[b<2,p<5] = max(-1<=q<=1) where(0 <= p + q and p + q < 5, x?[b,p+q], -inf)',
  ])
  expectNodes('z[b,p<4] = max(q<2) x?[b,p+q]', { x }, ['z[b<2,p<4] = max(q<2) x[b,p+q]'])
  expectNodes('z[b,p<20] = max(q<1) w?[p/4+q] * x[b,0]', { x, w }, ['z[b<2,p<20] = max(q<1) w[p/4+q] * x[b,0]'])
  expectNodes('z[p<24] = max(q<2) w?[p/4]', { w }, ['z[p<24] = max(q<2) where(p - 20 < 0, w?[p/4], -inf)'])
})

test('a mean divides by how many combinations are kept', () => {
  const x = t([2, 5])
  expectNodes('z[b,p<5] = mean(u<3,v<2) x?[b,p+u-1]', { x }, [
    'z[b<2,p<5] = sum(u<3,v<2) x?[b,p+u-1]',
    'z[p<5] = sum(u<3) where(0 <= p + u - 1 and p + u - 1 < 5, 1, 0)',
    'z[b<2,p<5] = sum_1[b,p] / (2 * sum_2[p])',
  ])
})

test('axes of nodes start at 0 also for ranges that do not', () => {
  const x = t([6, 3])
  expectNodes('z[n<6] = max(-1<=q<=1) sum(j) exp(x?[n+q,j])', { x }, [
    'z[n<6,q<3] = sum(j<3) where(0 <= n + (q - 1) and n + (q - 1) < 6, exp(x?[n+q-1,j]), 0)',
    'z[n<6] = max(-1<=q<=1) sum_1[n,q+1]',
  ])
  expectNodes('z = argmax(2<=i<=4) x[i,0]', { x }, ['z = argmax(2<=i<=4) x[i,0]', 'z = argmax_1 + 2'])
})

test('the result takes the wanted shape where nothing else tells its extents', () => {
  assert.deepEqual(nodeOf('z[i,j] = x?[i-1]', { x: t([3]) }, [4, 2]).shape, [4, 2])
  assert.deepEqual(nodeOf('z[i] = x[i]', { x: t([3]) }, [2]).shape, [2])
})

test('dtypes follow the operands', () => {
  const [f, d, i, u, b] = [t([3]), t([3], 'f64'), t([3], 'i32'), t([3], 'u8'), t([3], 'bool')]
  const expectDtype = (text: string, operands: Operands, dtype: Dtype): void =>
    assert.equal(nodeOf(text, operands).dtype, dtype, text)
  expectDtype('z[i] = 0.5 * f[i]', { f }, 'f32')
  expectDtype('z[i] = 0.5 * d[i] + 1', { d }, 'f64')
  expectDtype('z[n] = f[n] + d[n]', { f, d }, 'f64')
  expectDtype('z[n] = n * k[n]', { k: i }, 'i32')
  expectDtype('z[n] = k[n] / 2', { k: i }, 'f32')
  expectDtype('z = mean(n) k[n]', { k: i }, 'f32')
  expectDtype('z = sum(n) u[n]', { u }, 'i32')
  expectDtype('z = sum(n) u[n] / 255', { u }, 'f32')
  expectDtype('z = max(n) u[n]', { u }, 'u8')
  expectDtype('z[n<2] = u[n+1]', { u }, 'u8')
  expectDtype('z[n] = where(b[n], u[n], 0)', { b, u }, 'u8')
  expectDtype('z[n] = b[n] and f[n] > 0', { b, f }, 'bool')
  expectDtype('z = any(n) b[n]', { b }, 'bool')
  expectDtype('z = sum(n) b[n]', { b }, 'i32')
  expectDtype('z = argmax(n) f[n]', { f }, 'i32')
  expectDtype('z[n<3] = exp(n)', {}, 'f32')
  expectDtype('z[n<3] = where(n < 2, 0, -inf)', {}, 'f32')
})

test('the nodes keep no places in the text', () => {
  const node = nodeOf('z[b,i] = exp(x[b,i]) / sum(j) exp(x[b,j+0*2])', { x: t([2, 5]) })
  assert(node.kind === 'comprehension')
  assert.equal(JSON.stringify([node.body, node.axes]).includes('span'), false)
})
