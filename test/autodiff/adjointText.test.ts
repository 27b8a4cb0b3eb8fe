import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adjoints } from '../../src/autodiff/reverse.ts'
import { describeNode } from '../../src/graph/describe.ts'
import type { Node } from '../../src/graph/node.ts'
import { operandsOf } from '../../src/graph/node.ts'
import { build, integers, random, type Values } from './check.ts'

/** The nodes that the gradient by `of` adds to the graph, operands first, as formulas. */
function gradientText(text: string, operands: Values, of: string): string {
  const result = build(text, operands)
  const adjoint = random(result.shape, 5)
  const known = new Set<Node>([result, adjoint])
  const [gradient] = adjoints([[result, adjoint]], [operands[of] as Node])
  const lines: string[] = []
  const visit = (node: Node): void => {
    if (known.has(node) || node.kind === 'data') return
    known.add(node)
    for (const operand of operandsOf(node)) visit(operand)
    lines.push(describeNode(node))
  }
  for (const operand of reach(result)) known.add(operand)
  if (gradient) visit(gradient)
  if (gradient === adjoint) return 'dy'
  return lines.join('; ')
}

function reach(node: Node): Node[] {
  return [node, ...operandsOf(node).flatMap(reach)]
}

function expectGradient(text: string, operands: Values, of: string, expected: string): void {
  assert.equal(gradientText(text, operands, of), expected, `${text} by ${of}`)
}

let seeds = 0
const r = (...shape: number[]): Node => random(shape, ++seeds)

const convolution = 'z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]'

test('the gradient of a contraction is one contraction of the same cost', () => {
  const dense = { W: r(3, 5), x: r(4, 5), c: r(3) }
  const formula = 'z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]'
  expectGradient(formula, dense, 'W', 'z[i<3,j<5] = sum(b<4) dy[b,i] * x[b,j]')
  expectGradient(formula, dense, 'x', 'z[b<4,j<5] = sum(i<3) dy[b,i] * W[i,j]')
  expectGradient(formula, dense, 'c', 'z[i<3] = sum(b<4) dy[b,i]')
})

test('the gradient of a convolution takes the phases of the stride apart', () => {
  const operands = { x: r(2, 3, 9, 9), w: r(4, 3, 3, 3), t: r(4), s: 2 }
  expectGradient(convolution, operands, 't', 'z[k<4] = sum(n<2,i<4,j<4) dy[n,k,i,j]')
  expectGradient(convolution, operands, 'w', 'z[k<4,c<3,u<3,v<3] = sum(n<2,i<4,j<4) dy[n,k,i,j] * x[n,c,2*i+u,2*j+v]')
  expectGradient(
    convolution,
    operands,
    'x',
    "z[n<2,c<3,a<9,b<9] = sum(k<4,u'<2,v'<2) dy?[n,k,a/2-u',b/2-v'] * w?[k,c,a%2+2*u',b%2+2*v']",
  )
  expectGradient(
    convolution,
    { ...operands, s: 1 },
    'x',
    'z[n<2,c<3,a<9,b<9] = sum(k<4,u<3,v<3) dy?[n,k,a-u,b-v] * w[k,c,u,v]',
  )
  expectGradient(
    'z[n,i,j] = mean(u<2,v<2) x[n,2*i+u,2*j+v]',
    { x: r(2, 8, 8) },
    'x',
    'z[n<2,i<4,j<4] = 0.25 * dy[n,i,j]; z[n<2,a<8,b<8] = dy[n,a/2,b/2]',
  )
  expectGradient(
    'z[n,i,j] = max(u<2,v<2) x[n,2*i+u,2*j+v]',
    { x: r(2, 8, 8) },
    'x',
    'z[n<2,i<4,j<4] = argmax(u<2,v<2) x[n,2*i+u,2*j+v]; z[n<2,a<8,b<8] = where(winner[n,a/2,b/2] == a % 2 * 2 + b % 2, dy[n,a/2,b/2], 0)',
  )
  expectGradient(
    'z[n,i] = max(u<3) x[n,2*i+u]',
    { x: r(2, 9) },
    'x',
    "z[n<2,i<4] = argmax(u<3) x[n,2*i+u]; z[n<2,a<9] = sum(u'<2) where(a % 2 + 2 * u' <= 2 and winner?[n,a/2-u'] == a % 2 + 2 * u', dy?[n,a/2-u'], 0)",
  )
  expectGradient(
    'z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])',
    { c: r(4), w: r(4), x: r(2, 4) },
    'w',
    'z[b<2,p<4] = dy[b,p] * (1 - y[b,p] * y[b,p]); z[a<4] = sum(b<2,-1<=q<=1) dy?[b,a-q] * x[b,a]',
  )
  expectGradient(
    'z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])',
    { c: r(4), w: r(4), x: r(2, 4) },
    'x',
    'z[b<2,p<4] = dy[b,p] * (1 - y[b,p] * y[b,p]); z[b<2,a<4] = sum(-1<=q<=1) dy?[b,a-q]; z[b<2,a<4] = w[a] * sum[b,a]',
  )
})

test('what does not run stays outside of the sum', () => {
  expectGradient(
    'y[b,i] = x[b,i] * exp(g[i])',
    { x: r(3, 4), g: r(4) },
    'g',
    'z[i<4] = sum(b<3) dy[b,i] * x[b,i]; z[i<4] = exp(g[i]) * sum[i]',
  )
  expectGradient('y[b,i] = x[b,i] + g[i]', { x: r(3, 4), g: r(4) }, 'g', 'z[i<4] = sum(b<3) dy[b,i]')
  expectGradient('y[b,i] = x[b,i] + g[i]', { x: r(3, 4), g: r(4) }, 'x', 'dy')
  expectGradient('y[i] = relu(x[i])', { x: r(4) }, 'x', 'z[i<4] = where(y[i] > 0, dy[i], 0)')
  expectGradient('y = sum(i) x[i]', { x: r(4) }, 'x', 'z[i<4] = dy')
  expectGradient(
    'y[b,i] = sum(k) where(k <= i, s[b,i,k], 0) * v[b,k]',
    { s: r(2, 3, 3), v: r(2, 3) },
    's',
    'z[b<2,i<3,k<3] = where(k <= i, dy[b,i] * v[b,k], 0)',
  )
  expectGradient(
    'y[b,i] = sum(k) where(k <= i, s[b,i,k], 0) * v[b,k]',
    { s: r(2, 3, 3), v: r(2, 3) },
    'v',
    'z[b<2,k<3] = sum(i<3) dy[b,i] * where(k <= i, s[b,i,k], 0)',
  )
})

test('changes of shape', () => {
  expectGradient('y[i<12] = x[i/4,i%4]', { x: r(3, 4) }, 'x', 'z[a<3,b<4] = dy[4*a+b]')
  expectGradient('y[i<7] = where(i < 3, x?[i], w?[i-3])', { x: r(3), w: r(4) }, 'x', 'z[i<3] = dy[i]')
  expectGradient('y[i<7] = where(i < 3, x?[i], w?[i-3])', { x: r(3), w: r(4) }, 'w', 'z[a<4] = dy[a+3]')
  expectGradient(
    'y[n,c] = x[idx[n],c]',
    { x: r(40, 2), idx: integers([3, 0, 3]) },
    'x',
    'z[a<40,c<2] = sum(n<3) where(idx[n] == a, dy[n,c], 0)',
  )
  expectGradient(
    'y[n] = x[n,idx[n]]',
    { x: r(3, 4), idx: integers([3, 0, 3]) },
    'x',
    'z[n<3,a<4] = where(idx[n] == a, dy[n], 0)',
  )
})
