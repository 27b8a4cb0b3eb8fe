import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../src/runtime/evaluate.ts'
import { gradcheck } from '../../src/autodiff/index.ts'
import { partial } from '../../src/autodiff/scalarDerivatives.ts'
import { type ScalarFunctionName, scalarFunctions } from '../../src/expression/functions.ts'
import { type Expr, number, type ReadExpr } from '../../src/expression/tree.ts'
import { parseExpression, print } from '../../src/formula/index.ts'
import { parse } from '../../src/formula/parse.ts'
import { elaborate } from '../../src/graph/elaborate.ts'
import { Tensor } from '../../src/graph/tensor.ts'
import { random } from './check.ts'

/** The derivative by every read written x[i]. */
function expectPartial(body: string, expected: string, by = 'x[i]'): void {
  const derived: Expr = partial(parseExpression(body), parseExpression(by) as ReadExpr) ?? number(0)
  assert.equal(print(derived), expected, `${body} by ${by}`)
}

test('arithmetic', () => {
  expectPartial('x[i]', '1')
  expectPartial('x[j]', '0')
  expectPartial('x?[i]', '0')
  expectPartial('a[i] * x[i] * b[i]', 'a[i] * b[i]')
  expectPartial('x[i] * x[i]', '2 * x[i]')
  expectPartial('3 * x[i] - x[i]', '2')
  expectPartial('-x[i]', '-1')
  expectPartial('(x[i] + y[i]) * w[i]', 'w[i]')
  expectPartial('x[i] / y[i]', '1 / y[i]')
  expectPartial('y[i] / x[i]', '-(y[i] / (x[i] * x[i]))')
  expectPartial('x[i] - x[i]', '0')
  expectPartial('where(i < 3, x[i], y[i])', 'where(i < 3, 1, 0)')
  expectPartial('x[i] > 0', '0')
  expectPartial('floor(x[i]) + sign(x[i]) + stopGradient(x[i])', '0')
  expectPartial('w[x[i]]', '0')
})

test('powers', () => {
  expectPartial('x[i]^2', '2 * x[i]')
  expectPartial('x[i]^3', '3 * x[i]^2')
  expectPartial('x[i]^1', '1')
  expectPartial('x[i]^0', '0')
  expectPartial('2^x[i]', '0.6931471805599453 * 2^x[i]')
  expectPartial('x[i]^y[i]', 'where(y[i] == 0, 0, y[i] * x[i]^(y[i] - 1))')
  expectPartial('y[i]^x[i]', 'where(y[i] == 0 and x[i] >= 0, 0, y[i]^x[i] * log(y[i]))')
})

test('chains', () => {
  expectPartial('tanh(x[i] * w[i])', '(1 - tanh(x[i] * w[i]) * tanh(x[i] * w[i])) * w[i]')
  expectPartial('exp(-x[i])', '-exp(-x[i])')
  expectPartial('relu(x[i])', 'where(x[i] > 0, 1, 0)')
  expectPartial('max(x[i], y[i])', 'where(x[i] > y[i], 1, where(x[i] == y[i], 0.5, 0))')
  expectPartial('min(x[i], y[i])', 'where(y[i] > x[i], 1, where(y[i] == x[i], 0.5, 0))')
  expectPartial('clamp(x[i], 0, 1)', 'where(0 <= x[i] and x[i] <= 1, 1, 0)')
})

/** Where arguments are drawn from, when not between -1 and 1. */
const ranges: Partial<Record<ScalarFunctionName, readonly [number, number]>> = {
  log: [0.3, 2],
  sqrt: [0.3, 2],
  pow: [0.3, 2],
  log1p: [-0.5, 2],
}

const constants: ReadonlySet<string> = new Set(['uniform', 'stopGradient'])

test('the derivatives of all scalar functions are those of differences, to second order', async () => {
  for (const [fn, { arity }] of Object.entries(scalarFunctions)) {
    if (constants.has(fn)) continue
    const names = ['x', 'y', 'z'].slice(0, arity)
    const args = names.map((name) => `${name}[i]`)
    if (fn === 'where') args[0] = 'x[i] > 0'
    const [low, high] = ranges[fn as ScalarFunctionName] ?? [-1, 1]
    const operands = Object.fromEntries(
      names.map((name, at) => [name, new Tensor(random([6], at + 3, (high - low) / 2, (high + low) / 2))]),
    )
    const text = `r[i] = ${fn}(${args.join(', ')})`
    const apply = (given: Readonly<Record<string, Tensor>>): Tensor =>
      new Tensor(elaborate(parse(text), text, new Map(Object.entries(given).map(([name, { node }]) => [name, node]))))
    const report = await gradcheck(apply, operands, { secondOrder: true })
    assert.ok(report.ok, `${text}\n${report}`)
  }
})

test('the derivatives of powers are finite at zero', async () => {
  const zero = new Tensor(random([1], 1, 0))
  const slopes = async (text: string): Promise<number> => {
    const derived = partial(parseExpression(text), parseExpression('x[i]') as ReadExpr) ?? number(0)
    const statement = `y[i<1] = ${print(derived)}`
    return new Tensor(
      elaborate(parse(statement), statement, new Map(derived.kind === 'number' ? [] : [['x', zero.node]])),
    ).item()
  }
  assert.equal(await slopes('x[i]^2'), 0)
  assert.equal(await slopes('x[i]^1'), 1)
  assert.equal(await slopes('x[i]^0'), 0)
  assert.equal(await slopes('0^x[i]'), 0)
  assert.equal(await slopes('pow(x[i], x[i] + 1)'), 1)
})
