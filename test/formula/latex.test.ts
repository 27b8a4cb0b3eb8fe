import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import temml from 'temml'
import { scalarFunctions } from '../../src/expression/functions.ts'
import { latex } from '../../src/formula/latex.ts'
import { mathml } from '../../src/formula/mathml.ts'
import { parse, parseExpression } from '../../src/formula/parse.ts'
import { reductionNames } from '../../src/formula/precedence.ts'
import { anyExpr } from './trees.ts'

const render = (tex: string) => temml.renderToString(tex, { displayMode: true, throwOnError: true })

const expectLatex = (text: string, tex: string) => {
  assert.equal(latex(parse(text)), tex)
  assert.match(render(tex), /^<math/)
}

const expectExprLatex = (text: string, tex: string) => {
  assert.equal(latex(parseExpression(text)), tex)
  assert.match(render(tex), /^<math/)
}

test('formulas look as in a paper', () => {
  expectLatex('z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]', 'z_{b,i} = c_{i} + \\sum_{j} W_{i,j} \\, x_{b,j}')
  expectLatex(
    'z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]',
    'z_{n,k,i,j} = t_{k} + \\sum_{c,u,v} x_{n,c,s i+u,s j+v} \\, w_{k,c,u,v}',
  )
  expectLatex(
    'z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])',
    'z_{b,p} = \\tanh\\left( c_{p} + \\sum_{q=-1}^{1} w^{?}_{p+q} \\, x^{?}_{b,p+q} \\right)',
  )
  expectLatex(
    'z[n,c,i,j] = max(u<2,v<2) x[n,c,2*i+u,2*j+v]',
    'z_{n,c,i,j} = \\max_{u < 2,\\,v < 2} x_{n,c,2 i+u,2 j+v}',
  )
  expectLatex('z[i<n] = i', 'z_{i} = i, \\quad i < n')
})

test('several statements are aligned at =', () => {
  expectLatex(
    'm = max(i) x[i]; z[i] = x[i] - m',
    '\\begin{aligned} m &= \\max_{i} x_{i} \\\\ z_{i} &= x_{i} - m \\end{aligned}',
  )
})

test('division is a fraction, and is rounded down inside an index', () => {
  expectExprLatex('(a + b) / c * 2', '\\frac{a + b}{c} \\cdot 2')
  expectExprLatex('(a / b)^2', '\\left( \\frac{a}{b} \\right)^{2}')
  expectExprLatex('x[i/2,(i+1)%2]', 'x_{\\lfloor i/2 \\rfloor,\\left( i+1 \\right) \\bmod 2}')
})

test('where is a list of cases', () => {
  expectExprLatex(
    'where(k <= i, s[i,k], -inf)',
    '\\begin{cases} s_{i,k} & \\text{if } k \\le i \\\\ -\\infty & \\text{otherwise} \\end{cases}',
  )
  expectExprLatex(
    'where(a < b and not a == 0, 1, where(a != b or a >= 2, 2, 3))',
    '\\begin{cases} 1 & \\text{if } a < b \\land \\lnot \\left( a = 0 \\right) \\\\ ' +
      '2 & \\text{if } a \\ne b \\lor a \\ge 2 \\\\ 3 & \\text{otherwise} \\end{cases}',
  )
  expectExprLatex(
    '2 * where(a, 1, 2)',
    '2 \\cdot \\left( \\begin{cases} 1 & \\text{if } a \\\\ 2 & \\text{otherwise} \\end{cases} \\right)',
  )
})

test('names are letters, Greek letters, or upright words, with primes and number subscripts', () => {
  expectExprLatex('alpha + β + Gamma', '\\alpha + \\beta + \\Gamma')
  expectExprLatex("k' + k'^2", "{k'} + {k'}^{2}")
  expectExprLatex('d_model * lr', '\\mathrm{d\\_model} \\, \\mathrm{lr}')
  expectExprLatex("w1 + theta2'[i]", "{w_{1}} + {\\theta'_{2}}_{i}")
  expectExprLatex('größe + 학습률', '\\text{größe} + \\text{학습률}')
  expectExprLatex('dw[k,c]', '\\mathrm{dw}_{k,c}')
})

test('numbers', () => {
  expectExprLatex('1e-7 + 2.5e30 - inf + pi', '10^{-7} + 2.5 \\cdot 10^{30} - \\infty + \\pi')
  expectExprLatex('10^2 + (-2)^2', '{10}^{2} + \\left( -2 \\right)^{2}')
})

test('products have dots where letters alone would mislead', () => {
  expectExprLatex('a * b', 'a \\, b')
  expectExprLatex('2 * 3 * a', '2 \\cdot 3 \\, a')
  expectExprLatex('a * (b + c)', 'a \\cdot \\left( b + c \\right)')
  expectExprLatex('a * -1', 'a \\cdot \\left( -1 \\right)')
  expectExprLatex('a * (sum(i) x[i]) * b', 'a \\cdot \\left( \\sum_{i} x_{i} \\right) \\, b')
  expectExprLatex('sum(i) (x[i] + a)', '\\sum_{i} \\left( x_{i} + a \\right)')
})

test('functions with a notation of their own have it', () => {
  expectExprLatex('sqrt(a + b)', '\\sqrt{a + b}')
  expectExprLatex('abs(a)^2', '\\left| a \\right|^{2}')
  expectExprLatex('floor(a) + ceil(b)', '\\left\\lfloor a \\right\\rfloor + \\left\\lceil b \\right\\rceil')
  expectExprLatex('pow(a, b)', 'a^{b}')
  expectExprLatex('exp(a)^2', '\\left( \\exp\\left( a \\right) \\right)^{2}')
  expectExprLatex('max(a, 0)', '\\max\\left( a, 0 \\right)')
})

test('every function and every reduction renders', () => {
  for (const [fn, { arity }] of Object.entries(scalarFunctions)) {
    const text = `${fn}(${Array.from({ length: arity }, (_, at) => `x[${at}]`).join(', ')})`
    assert.match(mathml(parseExpression(text)), /^<math.*<\/math>$/s, text)
  }
  for (const op of reductionNames) assert.match(mathml(parseExpression(`${op}(i) x[i]`)), /^<math.*<\/math>$/s, op)
})

test('any expression renders', () => {
  fc.assert(
    fc.property(anyExpr, (expr) => {
      assert.match(mathml(expr), /^<math/)
    }),
    { numRuns: 300 },
  )
})
