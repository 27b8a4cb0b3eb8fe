import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { simplify } from '../../src/expression/simplify.ts'
import type { Expr } from '../../src/expression/tree.ts'
import { binary, call, name, number, unary } from '../../src/expression/tree.ts'
import { parseExpression } from '../../src/formula/parse.ts'
import { print } from '../../src/formula/print.ts'
import { applyBinary, applyFunction, applyUnary } from '../support/scalars.ts'

const expectSimplified = (text: string, simple: string): void =>
  assert.equal(print(simplify(parseExpression(text))), simple, text)

test('numbers are computed and identities that always hold are applied', () => {
  expectSimplified('2*3 + 1', '7')
  expectSimplified('1/4 - 2^3', '-7.75')
  expectSimplified('x*1', 'x')
  expectSimplified('1*x', 'x')
  expectSimplified('x/1', 'x')
  expectSimplified('x^1', 'x')
  expectSimplified('x+0', 'x')
  expectSimplified('0+x', 'x')
  expectSimplified('x-0', 'x')
  expectSimplified('-(-x)', 'x')
  expectSimplified('x*-1', '-x')
  expectSimplified('x + -y', 'x - y')
  expectSimplified('x - -y', 'x + y')
  expectSimplified('not not (x < y)', 'x < y')
  expectSimplified('where(1 < 2, x, y)', 'x')
  expectSimplified('where(1 == 2, x, y)', 'y')
  expectSimplified('x < y and 1 < 2', 'x < y')
  expectSimplified('x < y or 1 < 2', '0 == 0')
  expectSimplified('x < y and not 1 < 2', '0 == 1')
  expectSimplified('x and 1 < 2', 'x and 1 < 2')
  expectSimplified('not not x', 'not not x')
  expectSimplified('x / sqrt(2*8)', 'x / 4')
  expectSimplified('sum(i) (1*x[i] + 0)', 'sum(i) x[i]')
})

test('what may differ for infinities, NaN or in an index is kept', () => {
  for (const text of [
    'x * 0',
    '0 * x',
    'x - x',
    'x / x',
    '1 / 0',
    '0 / 0',
    'log(0)',
    '0 - x',
    '(x + 1) + 2',
    'x[7/2]',
  ]) {
    assert.deepEqual(simplify(parseExpression(text)), parseExpression(text), text)
  }
})

const values = [0, -0, 1, -1, 0.5, -3, 7, Infinity, -Infinity, Number.NaN]
const { expr } = fc.letrec<{ expr: Expr }>((tie) => ({
  expr: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('x', 'y').map(name),
    fc.constantFrom(0, 1, -1, 2, 0.5, Infinity, -Infinity).map(number),
    fc
      .tuple(
        fc.constantFrom('+', '-', '*', '/', '%', '^', '<', '<=', '==', '!=', 'and', 'or'),
        tie('expr'),
        tie('expr'),
      )
      .map(([op, a, b]) => binary(op, a, b)),
    fc.tuple(fc.constantFrom('-', 'not'), tie('expr')).map(([op, a]) => unary(op, a)),
    fc.tuple(tie('expr'), tie('expr'), tie('expr')).map(([c, a, b]) => call('where', binary('<', c, number(1)), a, b)),
    fc.tuple(fc.constantFrom('min', 'max'), tie('expr'), tie('expr')).map(([fn, a, b]) => call(fn, a, b)),
    fc.tuple(fc.constantFrom('exp', 'log', 'sqrt', 'abs', 'floor', 'ceil'), tie('expr')).map(([fn, a]) => call(fn, a)),
  ),
}))

function evaluate(of: Expr, at: Readonly<Record<string, number>>): number {
  const value = (part: Expr): number => evaluate(part, at)
  if (of.kind === 'number') return of.value
  if (of.kind === 'name') return at[of.name]
  if (of.kind === 'unary') return applyUnary(of.op, value(of.arg))
  if (of.kind === 'binary') return applyBinary(of.op, value(of.left), value(of.right))
  assert(of.kind === 'call')
  return applyFunction(of.fn, of.args.map(value))
}

test('a simplified expression has the same value, infinities and NaN included', () => {
  fc.assert(
    fc.property(expr, (of) => {
      const simple = simplify(of)
      for (const x of values) {
        for (const y of values) {
          const [before, after] = [evaluate(of, { x, y }), evaluate(simple, { x, y })]
          assert(
            Object.is(before + 0, after + 0),
            `${print(of)} is ${before}, ${print(simple)} is ${after} at ${x}, ${y}`,
          )
        }
      }
    }),
    { numRuns: 2000 },
  )
})
