import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read } from '../../src/expression/tree.ts'
import { parseExpression } from '../../src/formula/parse.ts'
import { print } from '../../src/formula/print.ts'
import type { Interval } from '../../src/index/index.ts'
import {
  affineOf,
  bounds,
  contains,
  exprOf,
  intersect,
  intervalsOf,
  isEmpty,
  substituteIndices,
} from '../../src/index/index.ts'

/** Extents of the indices of the tables below. */
const within = intervalsOf([
  { index: 'i', start: 0, extent: 7 },
  { index: 'j', start: 0, extent: 4 },
  { index: 'k', start: 0, extent: 3 },
  { index: 'p', start: -2, extent: 5 },
])

function expectIndex(text: string, simplified: string): void {
  const affine = affineOf(parseExpression(text), within)
  assert(affine, `${text} is no index expression`)
  assert.equal(print(read('x', [exprOf(affine)])), `x[${simplified}]`, text)
}

test('sums and multiples of indices are collected', () => {
  expectIndex('i+j+i', '2*i+j')
  expectIndex('2*(i+3)-i-6', 'i')
  expectIndex('i-i', '0')
  expectIndex('0*i', '0')
  expectIndex('-i', '-i')
  expectIndex('3-i', '3-i')
  expectIndex('-3-i', '-i-3')
  expectIndex('j-i', 'j-i')
  expectIndex('(i+j)*2', '2*i+2*j')
})

test('quotients and remainders are simplified by what is known of the indices', () => {
  expectIndex('(4*i+j)/4', 'i')
  expectIndex('(4*i+j)%4', 'j')
  expectIndex('(4*i+j+4)/4', 'i+1')
  expectIndex('j/4', '0')
  expectIndex('(j+8)/4', '2')
  expectIndex('(j+8)%4', 'j')
  expectIndex('p/3', 'p/3')
  expectIndex('(p+2)/5', '0')
  expectIndex('(i/2)/3', 'i/6')
  expectIndex('(i/2+1)/2', '(i+2)/4')
  expectIndex('(i%6)%3', 'i%3')
  expectIndex('(p%6)/3', 'p/3%2')
  expectIndex('(4*i+j)/8', 'i/2')
  expectIndex('(4*i+j)%8', '4*(i%2)+j')
  expectIndex('2*(i/2) + i%2', 'i')
  expectIndex('6*(p/6) + p%6', 'p')
  expectIndex('3*(p/3%2) + p%3', 'p%6')
  expectIndex('p - 3*(p/3)', 'p%3')
  expectIndex('p - p%3', '3*(p/3)')
  expectIndex('2*p + j - 6*((p+1)/3)', '2*((p+1)%3)+j-2')
  expectIndex('(p - p%3)/3', 'p/3')
  expectIndex('(p+j - (p+j)%3 + 6)/3', '(j+p)/3+2')
  expectIndex('(5*i)/4', 'i/4+i')
  expectIndex('i/1', 'i')
  expectIndex('i%1', '0')
  expectIndex('i/-2', '-i/2')
  expectIndex('7/2 + -7/2 + -7%3', '1')
})

test('a reshape there and back is the plain index', () => {
  const flat = '((12*i + 3*j + k)'
  expectIndex(`${flat}/12)`, 'i')
  expectIndex(`${flat}/3%4)`, 'j')
  expectIndex(`${flat}%3)`, 'k')
  expectIndex(`${flat}%12/3)`, 'j')
  expectIndex(`12*${flat}/12) + 3*${flat}/3%4) + ${flat}%3)`, '12*i+3*j+k')
})

test('what is no index expression is null', () => {
  for (const text of [
    '0.5',
    'i*j',
    'x[i]',
    'i/j',
    'i/0',
    'i%0',
    'i%-3',
    'exp(i)',
    'i^2',
    'i < 3',
    'not i',
    'sum(q<3) i',
  ]) {
    assert.equal(affineOf(parseExpression(text), within), null, text)
  }
})

test('substitution simplifies quotients again', () => {
  const quotient = affineOf(parseExpression('(a+1)/4 + a%4'), new Map())!
  const value = affineOf(parseExpression('4*i+j-1'), within)!
  assert.equal(print(exprOf(substituteIndices(quotient, new Map([['a', value]]), within))), '(j + 3) % 4 + i')
})

test('bounds of quotients and remainders use the bounds of what is divided', () => {
  const expectBounds = (text: string, min: number, max: number): void =>
    assert.deepEqual(bounds(affineOf(parseExpression(text), within)!, within), { min, max }, text)
  expectBounds('2*i-j+1', -2, 13)
  expectBounds('p/2', -1, 1)
  expectBounds('p%2', 0, 1)
  expectBounds('3*(i/2)', 0, 9)
  expectBounds('unknown', -Infinity, Infinity)
  expectBounds('unknown%5', 0, 4)
})

test('intervals can be empty, be intersected and contain each other', () => {
  const [low, high]: [Interval, Interval] = [
    { min: 0, max: 3 },
    { min: 2, max: 9 },
  ]
  assert.deepEqual(intersect(low, high), { min: 2, max: 3 })
  assert.equal(isEmpty(intersect(low, { min: 4, max: 9 })), true)
  assert.equal(isEmpty({ min: 3, max: 3 }), false)
  assert.equal(contains(high, { min: 2, max: 4 }), true)
  assert.equal(contains(high, low), false)
  assert.equal(contains(high, { min: 5, max: 1 }), true)
})
