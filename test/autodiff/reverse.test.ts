import { test } from 'node:test'
import fc from 'fast-check'
import { expectFormula, integers, random } from './check.ts'

const r = random

test('pointwise formulas', () => {
  expectFormula('y[i] = x[i] * x[i]', { x: r([3], 1) })
  expectFormula('y[b,i] = tanh(x[b,i] + c[i])', { x: r([2, 3], 1), c: r([3], 2) })
  expectFormula('y[i] = (x[i] - a) / (b * b)', { x: r([3], 1), a: r([], 2), b: r([], 3, 0.2, 1) })
  expectFormula('y[j,i] = x[i,j] * w[i]', { x: r([2, 3], 1), w: r([2], 2) })
  expectFormula('y[i] = where(x[i] > 0, x[i] * w[i], exp(w[i]))', { x: r([4], 1), w: r([4], 2) })
  expectFormula('y[i] = i * x[i]', { x: r([4], 1) })
})

test('contractions', () => {
  expectFormula('z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]', { c: r([2], 1), W: r([2, 3], 2), x: r([2, 3], 3) })
  expectFormula('s = sum(i) x[i] * x[i]', { x: r([4], 1) })
  expectFormula('s[i] = sum(j) tanh(x[i,j] * w[j]) * w[j]', { x: r([2, 3], 1), w: r([3], 2) })
  expectFormula('s = sum(i,j<4) x[i]', { x: r([3], 1) })
  expectFormula('m[b] = mean(i) (x[b,i] - a[b])^2', { x: r([2, 3], 1), a: r([2], 2) })
  expectFormula('t = sum(i) x[i,i]', { x: r([3, 3], 1) })
})

test('windows, strides, dilations and groups', () => {
  expectFormula(
    'z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]',
    {
      x: r([1, 2, 5, 6], 1),
      w: r([2, 2, 3, 2], 2),
      t: r([2], 3),
      s: 2,
    },
    false,
  )
  expectFormula('z[i<5] = sum(u) x?[i+u-1] * w[u]', { x: r([5], 1), w: r([3], 2) })
  expectFormula('z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])', {
    c: r([4], 1),
    w: r([4], 2),
    x: r([2, 4], 3),
  })
  expectFormula('z[b,o,i] = sum(u) x[b,i+u] * w[o,i,u]', { x: r([2, 5], 1), w: r([2, 3, 3], 2) }, false)
  expectFormula('z[g,i] = sum(c<2,u<2) x[2*g+c,2*i+u] * w[g,c,u]', { x: r([4, 6], 1), w: r([2, 2, 2], 2) })
})

test('changes of shape and flips', () => {
  expectFormula('y[i<12] = x[i/4,i%4] * w[i]', { x: r([3, 4], 1), w: r([12], 2) })
  expectFormula('y[i,j<3] = x[3*i+j]', { x: r([6], 1) })
  expectFormula('y[i<4] = x[3-i]', { x: r([4], 1) })
  expectFormula('y[i<9] = x[i/2%3]', { x: r([3], 1) })
})

test('max, min, argmax and prod', () => {
  expectFormula('z[i,j] = max(u<2,v<2) x[2*i+u,2*j+v]', { x: r([4, 5], 1) })
  expectFormula('z[i] = max(u<3) x[2*i+u]', { x: r([7], 1) })
  expectFormula('z[i<5] = max(-1<=q<=1) x?[i+q]', { x: r([5], 1) })
  expectFormula('z[b] = min(i) x[b,i] * w[i]', { x: r([2, 4], 1), w: r([4], 2) })
  expectFormula('z = max(i) x[i] * x[i]', { x: r([4], 1) })
  expectFormula('z[b] = prod(i) x[b,i]', { x: r([2, 3], 1) })
  expectFormula('z = prod(1<=i<=2) (x[i] + x[i-1])', { x: r([3], 1) })
})

test('elements picked by an integer tensor', () => {
  expectFormula('y[n,c] = x[idx[n],c] * w[c]', { x: r([4, 2], 1), w: r([2], 2), idx: integers([3, 0, 3, 1, 1]) })
  expectFormula('y[n] = x[n,label[n]]', { x: r([3, 4], 1), label: integers([2, 0, 2]) })
  expectFormula('y[n] = x[idx[n]]', { x: r([40], 1), idx: integers([3, 0, 39, 3]) })
})

test('several statements', () => {
  expectFormula(
    `m[b] = max(i) x[b,i]
     e[b,i] = exp(x[b,i] - m[b])
     y[b,i] = e[b,i] / sum(k) e[b,k]`,
    { x: r([2, 3], 1) },
  )
})

test('any mixture of stride, dilation, padding and window has the right derivatives', () => {
  const size = fc.integer({ min: 1, max: 4 })
  fc.assert(
    fc.property(
      size,
      size,
      fc.integer({ min: 0, max: 3 }),
      size,
      size,
      fc.integer({ min: 1, max: 9 }),
      (s, d, p, i, u, x) => {
        expectFormula(
          'z[i<I] = sum(u<U) x?[s*i+d*u-p] * w[u]',
          { x: r([x], 1), w: r([u], 2), s, d, p, I: i, U: u },
          false,
        )
      },
    ),
    { numRuns: 30 },
  )
})
