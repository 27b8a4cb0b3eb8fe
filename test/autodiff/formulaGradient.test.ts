import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../src/runtime/evaluate.ts'
import fc from 'fast-check'
import { type Formula, formula, grad } from '../../src/autodiff/index.ts'
import { parse, print } from '../../src/formula/index.ts'
import { Tensor } from '../../src/graph/tensor.ts'
import { interpret } from '../support/interpret.ts'
import { integers, random, type Values } from './check.ts'

let seeds = 100
const r = (...shape: number[]) => random(shape, ++seeds)

const tensors = (values: Values): Record<string, Tensor | number> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'number' ? value : new Tensor(value)]),
  )

const call = (f: Formula, operands: Readonly<Record<string, Tensor | number>>): Tensor => f(operands as never)

/** What is printed, parses back to the same tree, and computes what reverse mode does (which is checked by differences). */
function expectGradient(text: string, operands: Values, of: string, ...expected: string[]): void {
  const f: Formula = formula(text as string)
  const gradient = f.gradient(of)
  assert.equal(String(gradient), expected.join('\n'), `${text} by ${of}`)
  assert.equal(print(parse(String(gradient))), String(gradient))
  expectNumbers(f, gradient, operands, of)
}

function expectNumbers(f: Formula, gradient: Formula, operands: Values, of: string): void {
  const given = tensors(operands)
  const result = call(f, given)
  const adjoint = new Tensor(r(...result.shape))
  const name = `d${f.tree.statements.at(-1)!.name}`
  const byFormula = call(gradient, { ...given, [name]: adjoint })
  const byReverse = grad(result.mul(adjoint).sum(), given[of] as Tensor)
  assert.deepEqual(byFormula.shape, byReverse.shape)
  const [actual, wanted] = [interpret(byFormula.node), interpret(byReverse.node)]
  for (let at = 0; at < wanted.length; at++) {
    const close = Math.abs(actual[at] - wanted[at]) <= 1e-9 * (1 + Math.abs(wanted[at]))
    assert.ok(close, `${f} by ${of}, element ${at}: ${actual[at]}, and ${wanted[at]} in reverse mode`)
  }
}

test('gradients of a dense layer', () => {
  const text = 'z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]'
  const operands = { c: r(3), W: r(3, 4), x: r(2, 4) }
  expectGradient(text, operands, 'W', 'dW[i,j] = sum(b) dz[b,i] * x[b,j]')
  expectGradient(text, operands, 'x', 'dx[b,j] = sum(i) dz[b,i] * W[i,j]')
  expectGradient(text, operands, 'c', 'dc[i] = sum(b) dz[b,i]')
})

test('gradients of a convolution with a stride ask for divisibility', () => {
  const text = 'z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]'
  for (const s of [1, 2, 3]) {
    const operands = { x: r(2, 2, 6, 7), w: r(2, 2, 3, 2), t: r(2), s }
    expectGradient(text, operands, 'w', 'dw[k,c,u,v] = sum(n,i,j) dz[n,k,i,j] * x[n,c,s*i+u,s*j+v]')
    expectGradient(text, operands, 't', 'dt[k] = sum(n,i,j) dz[n,k,i,j]')
    expectGradient(
      text,
      operands,
      'x',
      'dx[n,c,a,b] = sum(k,u,v) where((a - u) % s == 0 and (b - v) % s == 0, dz?[n,k,(a-u)/s,(b-v)/s] * w[k,c,u,v], 0)',
    )
  }
})

test('with a window of stated extent and steps of one, the gradient is the correlation with the flipped kernel', () => {
  const text = 'R[v,i,j,f] = sum(p,a<F,b<F) I[v,i+a,j+b,p] * k[f,a,b,p]'
  const operands = { I: r(2, 5, 6, 2), k: r(2, 3, 3, 2), F: 3 }
  expectGradient(text, operands, 'I', 'dI[v,c,d,p] = sum(f,a<F,b<F) dR?[v,c+a-(F-1),d+b-(F-1),f] * k[f,F-1-a,F-1-b,p]')
  expectGradient(text, operands, 'k', 'dk[f,a<F,b<F,p] = sum(v,i,j) dR[v,i,j,f] * I[v,i+a,j+b,p]')
  // Of a kernel that is larger than the window, the rest has no influence.
  expectGradient(text, { ...operands, F: 2 }, 'k', 'dk[f,a<F,b<F,p] = sum(v,i,j) dR[v,i,j,f] * I[v,i+a,j+b,p]')
  expectGradient('R[i] = sum(a) I[i+a] * k[a]', { I: r(6), k: r(3) }, 'I', 'dI[b] = sum(a) dR?[b-a] * k[a]')
})

test('gradients of layers without shared weights, and of grids that share them along a window', () => {
  const local = 'z[b,o,i,j] = t[o,i,j] + sum(c,u,v) x[b,c,i+u,j+v] * w[o,i,j,c,u,v]'
  const operands = { t: r(2, 2, 3), x: r(2, 2, 3, 4), w: r(2, 2, 3, 2, 2, 2) }
  expectGradient(local, operands, 'x', 'dx[b,c,a,d] = sum(o,u,v) dz?[b,o,a-u,d-v] * w?[o,a-u,d-v,c,u,v]')
  expectGradient(local, operands, 'w', 'dw[o,i,j,c,u,v] = sum(b) dz[b,o,i,j] * x[b,c,i+u,j+v]')
  const grid = 'y[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])'
  const definitions = [
    'h[b,p] = c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q]',
    'y[b,p] = tanh(h[b,p])',
    'dh[b,p] = dy[b,p] * (1 - y[b,p] * y[b,p])',
  ]
  const units = { c: r(4), w: r(4), x: r(3, 4) }
  expectGradient(grid, units, 'w', ...definitions, 'dw[a] = sum(b,-1<=q<=1) dh?[b,a-q] * x?[b,a]')
  expectGradient(grid, units, 'x', ...definitions, 'dx[b,a] = sum(-1<=q<=1) dh?[b,a-q] * w?[a]')
  expectGradient(grid, units, 'c', ...definitions, 'dc[p] = sum(b) dh[b,p]')
})

test('gradients of pooling go to the winner, or to all alike', () => {
  const operands = { x: r(2, 1, 4, 5) }
  expectGradient(
    'z[n,c,i,j] = max(u<2,v<2) x[n,c,2*i+u,2*j+v]',
    operands,
    'x',
    'winner[n,c,i,j] = argmax(u<2,v<2) x[n,c,2*i+u,2*j+v]',
    'dx[n,c,a,b] = sum(u<2,v<2) where((a - u) % 2 == 0 and (b - v) % 2 == 0 and winner?[n,c,(a-u)/2,(b-v)/2] == 2 * u + v, dz?[n,c,(a-u)/2,(b-v)/2], 0)',
  )
  expectGradient(
    'z[n,c,i,j] = mean(u<2,v<2) x[n,c,2*i+u,2*j+v]',
    operands,
    'x',
    'dx[n,c,a,b] = sum(u<2,v<2) where((a - u) % 2 == 0 and (b - v) % 2 == 0, dz?[n,c,(a-u)/2,(b-v)/2] / 4, 0)',
  )
  expectGradient(
    'z[n] = max(i,j) x[n,i,j]',
    { x: r(2, 3, 2) },
    'x',
    'winner[n] = argmax(i) max(j) x[n,i,j]',
    "winner'[n,i] = argmax(j) x[n,i,j]",
    "dx[n,i,j] = where(winner[n] == i and winner'[n,i] == j, dz[n], 0)",
  )
  expectGradient(
    'z[b] = min(i) x[b,i] * w[i]',
    { x: r(2, 3), w: r(3) },
    'w',
    'winner[b] = argmin(i) x[b,i] * w[i]',
    'dw[i] = sum(b) where(winner[b] == i, dz[b] * x[b,i], 0)',
  )
  expectGradient(
    'z[i<5] = max(-1<=q<=1) x?[i+q]',
    { x: r(5) },
    'x',
    'winner[i<5] = argmax(-1<=q<=1) x?[i+q]',
    'dx[a] = sum(-1<=q<=1) where(winner?[a-q] == q, dz?[a-q], 0)',
  )
})

test('gradients of means, products and diagonals', () => {
  expectGradient(
    'm = mean(i) (x[i] - y[i])^2',
    { x: r(4), y: r(4) },
    'x',
    "dx[i] = 2 * dm / (sum(i') x[i']^0) * (x[i] - y[i])",
  )
  expectGradient('z[b] = prod(i) x[b,i]', { x: r(2, 3) }, 'x', "dx[b,i] = dz[b] * prod(i') where(i' != i, x[b,i'], 1)")
  expectGradient('t = sum(i) x[i,i]', { x: r(3, 3) }, 'x', 'dx[i,a] = where(i == a, dt, 0)')
  expectGradient(
    'y[n] = x[n,label[n]]',
    { x: r(3, 4), label: integers([2, 0, 2]) },
    'x',
    'dx[n,a] = where(label[n] == a, dy[n], 0)',
  )
  expectGradient('y[i] = a * relu(x[i])', { x: r(4), a: r() }, 'a', 'da = sum(i) dy[i] * relu(x[i])')
  expectGradient('y[i] = x[i] * s', { x: r(4), s: 2 }, 'x', 'dx[i] = dy[i] * s')
})

test('a formula of several statements gives one statement an adjoint', () => {
  expectGradient(
    'e[b,i] = exp(x[b,i])\ny[b,i] = e[b,i] / sum(k) e[b,k]',
    { x: r(2, 3) },
    'x',
    'e[b,i] = exp(x[b,i])',
    'h[b] = sum(k) e[b,k]',
    'dh[b] = -sum(i) dy[b,i] * e[b,i] / (h[b] * h[b])',
    'de[b,i] = dy[b,i] / h[b] + dh[b]',
    'dx[b,i] = de[b,i] * exp(x[b,i])',
  )
  expectGradient(
    'y[b,i] = exp(x[b,i]) / sum(k) exp(x[b,k])',
    { x: r(2, 3) },
    'x',
    'h[b] = sum(k) exp(x[b,k])',
    'dh[b] = -sum(i) dy[b,i] * exp(x[b,i]) / (h[b] * h[b])',
    'dx[b,i] = dy[b,i] * exp(x[b,i]) / h[b] + dh[b] * exp(x[b,i])',
  )
})

test('absent reads and ranges keep what they left out', () => {
  expectGradient('z[i<5] = sum(u) x?[i+u-1] * w[u]', { x: r(5), w: r(3) }, 'x', 'dx[a] = sum(u) dz?[a+1-u] * w[u]')
  expectGradient('z[i<5] = sum(u) x?[i+u-1] * w[u]', { x: r(5), w: r(3) }, 'w', 'dw[u] = sum(i<5) dz[i] * x?[i+u-1]')
  expectGradient('z[i] = sum(u) (x[i+u] + w[u])', { x: r(5), w: r(3) }, 'x', 'dx[a] = sum(u) dz?[a-u] * w[u]^0')
  const sums = { x: r(5), c: r(3), g: r(4) }
  expectGradient('z[i] = sum(q<3) (x?[i+q] + c[q]) * g[i]', sums, 'c', 'dc[q<3] = sum(i) dz[i] * g[i] * x?[i+q]^0')
  expectGradient('z[i] = sum(q<3) (x?[i+q] + c[q]) * g[i]', sums, 'x', 'dx[a] = sum(q<3) dz?[a+q-2] * g?[a+q-2]')
})

test('any mixture of stride, dilation, padding and window gives the right formula', () => {
  const size = fc.integer({ min: 1, max: 4 })
  const padding = fc.integer({ min: 0, max: 3 })
  const length = fc.integer({ min: 1, max: 9 })
  fc.assert(
    fc.property(size, size, padding, size, size, length, (s, d, p, I, U, x) => {
      const operands = { x: r(x), w: r(U), s, d, p, I, U }
      for (const text of ['z[i<I] = sum(u<U) x?[s*i+d*u-p] * w[u]', 'z[i<I] = max(u<U) (x?[i+d*u-p] + w[u])']) {
        const f: Formula = formula(text as string)
        const used = Object.fromEntries(
          Object.entries(operands).filter(([name]) => name !== 's' || text.includes('s*')),
        )
        for (const of of ['x', 'w']) expectNumbers(f, f.gradient(of), used, of)
      }
    }),
    { numRuns: 25 },
  )
})

test('gradients of whole layers compute what reverse mode does', () => {
  const layers: [string, Values][] = [
    [
      `a[b,i,k] = sum(d) q[b,i,d] * K[b,k,d] / sqrt(D)
       e[b,i,k] = where(k <= i, exp(a[b,i,k]), 0)
       y[b,i,d] = sum(k) e[b,i,k] * v[b,k,d] / sum(l) e[b,i,l]`,
      { q: r(2, 3, 2), K: r(2, 3, 2), v: r(2, 3, 2), D: 4 },
    ],
    [
      `m[b] = mean(i) x[b,i]
       s[b] = mean(i) (x[b,i] - m[b])^2
       y[b,i] = g[i] * (x[b,i] - m[b]) / sqrt(s[b] + 0.001) + h[i]`,
      { x: r(2, 4), g: r(4), h: r(4) },
    ],
    [
      `h[b,k] = relu(c[k] + sum(j) U[k,j] * x[b,j])
       z[b] = sum(k) v[k] * h[b,k]
       L = mean(b) (z[b] - t[b])^2`,
      { c: r(4), U: r(4, 3), x: r(5, 3), v: r(4), t: r(5) },
    ],
    ['z[n,k,a<9] = sum(c,i,u) where(2*i+u == a, x[n,c,i] * w[c,k,u], 0)', { x: r(1, 2, 4), w: r(2, 2, 3) }],
    ['z[n,g,k,i] = sum(c<2,u) x[n,2*g+c,i+2*u] * w[g,k,c,u]', { x: r(2, 4, 7), w: r(2, 3, 2, 2) }],
    ['y[n,c<2,i<4,j<4] = x[n,c*4+i%2*2+j%2,i/2,j/2]', { x: r(1, 8, 2, 2) }],
    ['y[i] = (sum(j) w[i,j] * x[j]) * (sum(j) v[i,j] * x[j])', { w: r(2, 3), v: r(2, 3), x: r(3) }],
    ['y = sum(i,j) tanh(x[i] * w[j] + sum(k) v[k] * x[k])', { x: r(3), w: r(2), v: r(3) }],
    ['y[i] = prod(u<3) (x[i+u] * w[u] + 1)', { x: r(6), w: r(3) }],
  ]
  for (const [text, operands] of layers) {
    const f: Formula = formula(text)
    for (const [of, operand] of Object.entries(operands)) {
      if (typeof operand !== 'number') expectNumbers(f, f.gradient(of), operands, of)
    }
  }
})

test('a gradient is a formula that has gradients', () => {
  const f = formula('y[i] = x[i] * x[i] * w[i]')
  assert.equal(String(f.gradient('x').gradient('w')), 'dw[i] = 2 * ddx[i] * dy[i] * x[i]')
})

test('what a gradient can be taken by', () => {
  const f: Formula = formula('z[i] = sum(j) weight[i,j] * x[j]' as string)
  assert.throws(() => f.gradient('wieght'), {
    code: 'unknown-operand',
    message: 'gradient: wieght is not an operand of z[i] = sum(j) weight[i,j] * x[j]; did you mean weight?',
  })
  assert.deepEqual(f.operands, [
    { name: 'weight', rank: 2 },
    { name: 'x', rank: 1 },
  ])
})
