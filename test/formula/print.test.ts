import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { binary, call, type Expr, name, number, read, reduce, unary } from '../../src/expression/tree.ts'
import { parse, parseExpression } from '../../src/formula/parse.ts'
import { print } from '../../src/formula/print.ts'
import { anyExpr, anyFormula, withoutSpans } from './trees.ts'

const expectPrinted = (text: string, canonical: string) => {
  assert.equal(print(parse(text)), canonical)
  assert.equal(print(parse(canonical)), canonical)
}

test('print writes the canonical text of a formula', () => {
  const conv = 'z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]'
  expectPrinted(conv, conv)
  expectPrinted(conv.replaceAll(' ', '').replace('sum(c,u,v)', 'sum( c , u,v )'), conv)
  expectPrinted('z[b,i]=c[i]+sum(j)W[i,j]*x[b,j]', 'z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]')
  expectPrinted('z[p]=sum(-1 <= q<=1) w ?[ p + q ]', 'z[p] = sum(-1<=q<=1) w?[p+q]')
  expectPrinted('z[i < n+1] = 2', 'z[i<n+1] = 2')
  expectPrinted('z[i] = max(u < 2) x[2 * i+u]', 'z[i] = max(u<2) x[2*i+u]')
  expectPrinted('z[i] = where(i<=2 and not (i==0),x[i],-inf)', 'z[i] = where(i <= 2 and not i == 0, x[i], -inf)')
  expectPrinted("m=max(i)x[i];z[i]=x[i]-m # softmax's shift", 'm = max(i) x[i]\nz[i] = x[i] - m')
  expectPrinted('z[n,k] = x[idx[n] + 1, k/2 % 3]', 'z[n,k] = x[idx[n]+1,k/2%3]')
})

test('print writes numbers so that they are read back exactly', () => {
  expectPrinted('z = .5 + 1. + 1e-3 + 1e21 + 1E-7', 'z = 0.5 + 1 + 0.001 + 1e21 + 1e-7')
  expectPrinted('z = inf - -inf + pi * -pi + nan', 'z = inf - -inf + pi * -pi + nan')
  expectPrinted('z = -0', 'z = -0')
  assert.equal(print(number(-0)), '-0')
  assert.equal(print(number(5e-324)), '5e-324')
  assert.equal(print(number(0.1 + 0.2)), '0.30000000000000004')
})

test('print leaves out every parenthesis that the parser does not need', () => {
  expectPrinted('z = ((a)+((b*c)))', 'z = a + b * c')
  expectPrinted('z = (a+b)+c', 'z = a + b + c')
  expectPrinted('z = a-(b-c)', 'z = a - (b - c)')
  expectPrinted('z = a/(b*c)', 'z = a / (b * c)')
  expectPrinted('z = (a^b)^c', 'z = (a^b)^c')
  expectPrinted('z = a^(b^c)', 'z = a^b^c')
  expectPrinted('z = -(a^2)', 'z = -a^2')
  expectPrinted('z = (-a)^2', 'z = (-a)^2')
  expectPrinted('z = (-1)^2 + 2^(-1)', 'z = (-1)^2 + 2^-1')
  expectPrinted('z = (-a)*b', 'z = -a * b')
  expectPrinted('z = -(a*b)', 'z = -(a * b)')
  expectPrinted('z = (a<b)==(c<d)', 'z = (a < b) == (c < d)')
  expectPrinted('z = (a and b) or (not c)', 'z = a and b or not c')
  expectPrinted('z = a and (b or c)', 'z = a and (b or c)')
})

test('print puts parentheses where a reduction would take too much or too little', () => {
  expectPrinted('z = (sum(i) x[i]) * a', 'z = (sum(i) x[i]) * a')
  expectPrinted('z = a * (sum(i) x[i]) * b', 'z = a * (sum(i) x[i]) * b')
  expectPrinted('z = a * (sum(i) x[i])', 'z = a * sum(i) x[i]')
  expectPrinted('z = -(sum(i) x[i]) / b', 'z = -(sum(i) x[i]) / b')
  expectPrinted('z = (sum(i) x[i]) + a', 'z = sum(i) x[i] + a')
  expectPrinted('z = sum(i) (x[i] + a)', 'z = sum(i) (x[i] + a)')
  expectPrinted('z = sum(i) (sum(j) (x[i,j]*y[j]))', 'z = sum(i) sum(j) x[i,j] * y[j]')
  expectPrinted('z = (sum(i) x[i])^2', 'z = (sum(i) x[i])^2')
  expectPrinted('z = sum(i) x[i]^2', 'z = sum(i) x[i]^2')
})

test('print keeps the function max and the reduction max apart', () => {
  const expectText = (expr: Expr, text: string) => {
    assert.equal(print(expr), text)
    assert.deepEqual(withoutSpans(parseExpression(text)), withoutSpans(expr))
  }
  const range = (index: string) => ({ index, bound: { kind: 'inferred' } as const })
  const [a, b] = [name('a'), name('b')]
  expectText(reduce('max', [range('i'), range('j')], unary('-', read('x', [a]))), 'max(i,j) (-x[a])')
  expectText(reduce('max', [range('i')], unary('-', read('x', [a]))), 'max(i) -x[a]')
  expectText(binary('-', call('max', a, b), a), 'max(a, b) - a')
  const below = binary('<', a, number(1))
  expectText(binary('-', call('max', below, b), a), 'max((a < 1), b) - a')
  expectText(unary('-', number(1)), '-(1)')
  expectText(unary('-', number(-1)), '--1')
})

test('a read without indices prints as a bare name', () => {
  assert.equal(print(read('x', [])), 'x')
})

test('any expression is read back as it was', () => {
  fc.assert(
    fc.property(anyExpr, (expr) => {
      assert.deepEqual(withoutSpans(parseExpression(print(expr))), withoutSpans(expr))
    }),
    { numRuns: 2000 },
  )
})

test('any formula is read back as it was', () => {
  fc.assert(
    fc.property(anyFormula, (tree) => {
      assert.deepEqual(withoutSpans(parse(print(tree))), withoutSpans(tree))
    }),
    { numRuns: 500 },
  )
})
