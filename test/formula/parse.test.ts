import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  binary,
  call,
  type Expr,
  name,
  number,
  type Range,
  read,
  reduce,
  type Statement,
  unary,
  walk,
} from '../../src/expression/tree.ts'
import { parse, parseExpression } from '../../src/formula/parse.ts'
import { withoutSpans } from './trees.ts'

const expectExpr = (text: string, expr: Expr) =>
  assert.deepEqual(withoutSpans(parseExpression(text)), withoutSpans(expr), text)

const expectStatements = (text: string, ...statements: Statement[]) =>
  assert.deepEqual(withoutSpans(parse(text)), withoutSpans({ statements }), text)

const [a, b, c, i, j] = ['a', 'b', 'c', 'i', 'j'].map(name)
const index = (index: string): Range => ({ index, bound: { kind: 'inferred' } })
const below = (index: string, extent: Expr): Range => ({ index, bound: { kind: 'extent', extent } })
const between = (index: string, start: Expr, last: Expr): Range => ({ index, bound: { kind: 'between', start, last } })

test('operators bind as on paper', () => {
  expectExpr('a + b * c', binary('+', a, binary('*', b, c)))
  expectExpr('a - b - c', binary('-', binary('-', a, b), c))
  expectExpr('a / b * c % 2', binary('%', binary('*', binary('/', a, b), c), number(2)))
  expectExpr('a^b^c', binary('^', a, binary('^', b, c)))
  expectExpr('-a^2', unary('-', binary('^', a, number(2))))
  expectExpr('2^-a', binary('^', number(2), unary('-', a)))
  expectExpr('a * -b', binary('*', a, unary('-', b)))
  expectExpr('-a * b', binary('*', unary('-', a), b))
  expectExpr('a + b < c', binary('<', binary('+', a, b), c))
  expectExpr(
    'a < b and not b == c or c',
    binary('or', binary('and', binary('<', a, b), unary('not', binary('==', b, c))), c),
  )
  expectExpr('(a + b) * c', binary('*', binary('+', a, b), c))
  for (const op of ['<', '<=', '>', '>=', '==', '!='] as const) expectExpr(`a ${op} b`, binary(op, a, b))
})

test('a minus before a number is the number’s own', () => {
  expectExpr('-1', number(-1))
  expectExpr('-inf', number(-Infinity))
  expectExpr('a - 1', binary('-', a, number(1)))
  expectExpr('a - -1', binary('-', a, number(-1)))
  expectExpr('-2^2', unary('-', binary('^', number(2), number(2))))
  expectExpr('(-2)^2', binary('^', number(-2), number(2)))
  expectExpr('--1', unary('-', number(-1)))
  expectExpr('-(1)', unary('-', number(1)))
  assert.ok(Object.is((parseExpression('-0') as { value: number }).value, -0))
})

test('numbers have decimals, exponents and names', () => {
  for (const text of ['1', '.5', '0.5', '5.', '1e-3', '1E+3', '2.5e10']) expectExpr(text, number(Number(text)))
  expectExpr('pi', number(Math.PI))
  expectExpr('inf', number(Infinity))
  expectExpr('nan', number(Number.NaN))
})

test('names are letters, digits, underscores and primes, in any script', () => {
  for (const text of ["k'", "k''", 'α', 'lr_2', '_x1', 'größe', '학습률', 'E1', 'sum', 'max'])
    expectExpr(text, name(text))
})

test('reads hold index expressions, and may fall outside with ?', () => {
  expectExpr('x[i]', read('x', [i]))
  expectExpr('x?[i-1]', read('x', [binary('-', i, number(1))], true))
  expectExpr('x[idx[i],j]', read('x', [read('idx', [i]), j]))
  expectExpr('x[i/2,i%2]', read('x', [binary('/', i, number(2)), binary('%', i, number(2))]))
  expectExpr('max[i] + sum [j]', binary('+', read('max', [i]), read('sum', [j])))
})

test('a reduction covers the product behind it and stops at + and - and comparisons', () => {
  const x = read('x', [i])
  const sum = (body: Expr) => reduce('sum', [index('i')], body)
  expectExpr('sum(i) x[i] * a', sum(binary('*', x, a)))
  expectExpr('sum(i) x[i] / a * b', sum(binary('*', binary('/', x, a), b)))
  expectExpr('sum(i) x[i]^2', sum(binary('^', x, number(2))))
  expectExpr('sum(i) -x[i] * a', sum(binary('*', unary('-', x), a)))
  expectExpr('sum(i) x[i] + a', binary('+', sum(x), a))
  expectExpr('sum(i) x[i] < a', binary('<', sum(x), a))
  expectExpr('a - sum(i) x[i] - b', binary('-', binary('-', a, sum(x)), b))
  expectExpr('a * sum(i) x[i] * b', binary('*', a, sum(binary('*', x, b))))
  expectExpr('-sum(i) x[i]', unary('-', sum(x)))
  expectExpr('sum(i) (x[i] + a)', sum(binary('+', x, a)))
  const y = read('y', [j])
  expectExpr('sum(i) sum(j) x[i] * y[j]', sum(reduce('sum', [index('j')], binary('*', x, y))))
  expectExpr('sum(i) x[i] * sum(j) y[j]', sum(binary('*', x, reduce('sum', [index('j')], y))))
  for (const op of ['sum', 'mean', 'max', 'min', 'prod', 'argmax', 'argmin', 'any', 'all'] as const) {
    expectExpr(`${op}(i) x[i]`, reduce(op, [index('i')], x))
  }
})

test('ranges are inferred, below an extent, or between two bounds', () => {
  const one = number(1)
  expectExpr('sum(i, j) 1', reduce('sum', [index('i'), index('j')], one))
  expectExpr('sum(i<2*a+1) 1', reduce('sum', [below('i', binary('+', binary('*', number(2), a), one))], one))
  expectExpr('sum(-1<=i<=1) 1', reduce('sum', [between('i', number(-1), one)], one))
  expectExpr('sum(a<=i<=b, j<3) 1', reduce('sum', [between('i', a, b), below('j', number(3))], one))
})

test('max and min are functions of two values, or reductions if a term follows', () => {
  const x = read('x', [i])
  const [ri, rj] = [index('i'), index('j')]
  const ranges = [below('i', number(2)), below('j', number(2))]
  // A term follows: a reduction.
  expectExpr('max(i) x[i]', reduce('max', [ri], x))
  expectExpr('max(i,j) x[i]', reduce('max', [ri, rj], x))
  expectExpr('max(a,b) (c)', reduce('max', [index('a'), index('b')], c))
  expectExpr('max(a,b) 2', reduce('max', [index('a'), index('b')], number(2)))
  expectExpr('max(i<2,j<2) x[i]', reduce('max', ranges, x))
  expectExpr('max(0<=i<=a) x[i]', reduce('max', [between('i', number(0), a)], x))
  expectExpr('min(i) min(j) x[i]', reduce('min', [ri], reduce('min', [rj], x)))
  expectExpr('max(i) max(a, x[i])', reduce('max', [ri], call('max', a, x)))
  // Something else follows: the larger of two values.
  expectExpr('max(x[i], 0)', call('max', x, number(0)))
  expectExpr('max(a,b)', call('max', a, b))
  expectExpr('max(a,b)*c', binary('*', call('max', a, b), c))
  expectExpr('max(a,b)^2', binary('^', call('max', a, b), number(2)))
  expectExpr('max(a < b, c)', call('max', binary('<', a, b), c))
  expectExpr('max(a,b) and c', binary('and', call('max', a, b), c))
  expectExpr('max(max(a, b), c)', call('max', call('max', a, b), c))
  // A minus sign follows: two values are subtracted from, but ranges are not.
  expectExpr('max(a,b) - c', binary('-', call('max', a, b), c))
  expectExpr('max(x[i], 0) - c', binary('-', call('max', x, number(0)), c))
  expectExpr('max(i) -x[i]', reduce('max', [ri], unary('-', x)))
  expectExpr('max(i<2,j<2) -x[i]', reduce('max', ranges, unary('-', x)))
  expectExpr('max(a,b,c) -x[a]', reduce('max', [index('a'), index('b'), index('c')], unary('-', read('x', [a]))))
})

test('functions take their arguments', () => {
  expectExpr('where(a <= b, a, -inf)', call('where', binary('<=', a, b), a, number(-Infinity)))
  expectExpr('exp ( a )^2', binary('^', call('exp', a), number(2)))
  expectExpr('clamp(a, 0, 1)', call('clamp', a, number(0), number(1)))
  expectExpr(
    'pow(a, b) * uniform(1, 2, 3, a)',
    binary('*', call('pow', a, b), call('uniform', ...[1, 2, 3].map(number), a)),
  )
})

test('statements name their result and its axes', () => {
  expectStatements('z = 1', { name: 'z', axes: [], value: number(1) })
  expectStatements('z[i,j<3] = 1', { name: 'z', axes: [index('i'), below('j', number(3))], value: number(1) })
  const x = read('x', [i])
  const sum: Statement = { name: 's', axes: [], value: reduce('sum', [index('i')], x) }
  const share: Statement = { name: 'z', axes: [index('i')], value: binary('/', x, name('s')) }
  expectStatements('s = sum(i) x[i]; z[i] = x[i] / s', sum, share)
  expectStatements('\n# softer\ns = sum(i) x[i] # all\n\n;z[i] = x[i] / s;\r\n', sum, share)
  expectStatements('s = sum(i)x[i]\nz[i] =\n  x[i] / # of\n\n s', sum, share)
  expectStatements('s = sum(\n i\n) x[\ni\n]\nz[\n  i\n] = (\nx[i]\n/ s\n)', sum, share)
})

test('every node knows where it stands', () => {
  const text = 'm = max(i) x[i]\nz[n, k<4] = (a + b) * sum(c, -1<=q<=1) -w?[n-1] # end'
  const [, statement] = parse(text).statements
  const spans: string[] = []
  const note = (at: { span?: { start: number; end: number } }) => spans.push(text.slice(at.span!.start, at.span!.end))
  note(statement)
  statement.axes.forEach(note)
  walk(statement.value, (part) => {
    note(part)
    if (part.kind === 'reduce') part.ranges.forEach(note)
  })
  assert.deepEqual(spans, [
    'z[n, k<4] = (a + b) * sum(c, -1<=q<=1) -w?[n-1]',
    'n',
    'k<4',
    '(a + b) * sum(c, -1<=q<=1) -w?[n-1]',
    'a + b',
    'a',
    'b',
    'sum(c, -1<=q<=1) -w?[n-1]',
    'c',
    '-1<=q<=1',
    '-w?[n-1]',
    'w?[n-1]',
    'n-1',
    'n',
    '1',
  ])
})

test('long formulas and moderate nesting are read', () => {
  const terms = Array.from({ length: 990 }, (_, k) => `x[${k % 10}] * a`)
  const text = `z = ${terms.join(' + ')}`
  assert.ok(text.length > 10_000)
  let reads = 0
  walk(parse(text).statements[0].value, (part) => {
    if (part.kind === 'read') reads++
  })
  assert.equal(reads, 990)
  expectExpr(`${'('.repeat(150)}a${')'.repeat(150)}`, a)
})
