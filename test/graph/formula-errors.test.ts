import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dtype } from '../../src/dtype.ts'
import { typedArray } from '../../src/dtype.ts'
import { FormulaError } from '../../src/errors.ts'
import { parse } from '../../src/formula/parse.ts'
import { dataNode } from '../../src/graph/build.ts'
import { elaborate } from '../../src/graph/elaborate.ts'
import type { Node, Shape } from '../../src/graph/node.ts'
import { sizeOf } from '../../src/graph/node.ts'

const t = (shape: Shape, dtype: Dtype = 'f32'): Node => dataNode(typedArray(dtype, sizeOf(shape)), shape, dtype)

/**
 * The formula is refused with this code and message. `marked` is the formula's line with the part between ‹ and › that
 * the carets stand under.
 */
function expectError(
  marked: string,
  operands: Readonly<Record<string, Node | number>>,
  code: string,
  message: string,
  resultShape?: Shape,
): void {
  const text = marked.replace(/[‹›]/g, '')
  const tree = parse(text)
  assert.throws(
    () => elaborate(tree, text, new Map(Object.entries(operands)), { resultShape }),
    (error) => {
      assert(error instanceof FormulaError)
      const start = marked.indexOf('‹')
      const carets = ' '.repeat(start) + '^'.repeat(marked.indexOf('›') - start - 1)
      assert.equal(error.message, `${message}\n\n  ${text}\n  ${carets}`)
      assert.equal(error.code, code)
      return true
    },
  )
}

test('a plain read that can fall outside is refused, with what it reaches and how to mend it', () => {
  expectError(
    'z[i<5] = x[‹i+2›]',
    { x: t([5]) },
    'out-of-range',
    'x[i+2] falls outside: i+2 takes 2 … 6, and x has length 5 (shape [5]). Write x?[i+2] if it is to be 0 there, or bound the index: i < 3.',
  )
  expectError(
    'z[b,i<8] = x[b,‹i-1›]',
    { x: t([2, 8]) },
    'out-of-range',
    'x[b,i-1] falls outside: i-1 takes -1 … 6, and axis 1 of x has length 8 (shape [2,8]). Write x?[b,i-1] if it is to be 0 there.',
  )
  expectError(
    'z[b,i<8] = sum(u<3) x[b,‹i+u-1›]',
    { x: t([2, 8]) },
    'out-of-range',
    'x[b,i+u-1] falls outside: i+u-1 takes -1 … 8, and axis 1 of x has length 8 (shape [2,8]). Write x?[b,i+u-1] to leave such combinations out of the sum.',
  )
  expectError(
    'z[i] = sum(u<3) max(v<3) x[i,‹u+2*v+1›]',
    { x: t([7, 7]) },
    'out-of-range',
    'x[i,u+2*v+1] falls outside: u+2*v+1 takes 1 … 7, and axis 1 of x has length 7 (shape [7,7]). Write x?[i,u+2*v+1] to leave such combinations out of the max, or bound the index: u < 2.',
  )
  expectError(
    'z[i] = y[i] + x[‹i+1›]',
    { x: t([3]), y: t([3]) },
    'out-of-range',
    'x[i+1] falls outside: i+1 takes 1 … 3, and x has length 3 (shape [3]). Write x?[i+1] if it is to be 0 there, or bound the index: i < 2.',
  )
  expectError(
    'z[i] = x[i] + y[‹3›]',
    { x: t([3]), y: t([3]) },
    'out-of-range',
    'y[3] falls outside: 3 is 3, and y has length 3 (shape [3]). Write y?[3] if it is to be 0 there.',
  )
  expectError(
    'z[i] = sum(u) x[‹i+u›] * w[u]',
    { x: t([2]), w: t([5]) },
    'out-of-range',
    'No i keeps i+u inside axis 0 of x (length 2, shape [2]): already at i = 0 it reaches 0 … 4. Write x?[…] if it may fall outside, or give a larger x.',
  )
  expectError(
    'y[i] = x[i]; z[i<9] = 2*y[‹i›]',
    { x: t([7]) },
    'out-of-range',
    'y[i] falls outside: i takes 0 … 8, and y has length 7 (shape [7]). Write y?[i] if it is to be 0 there, or bound the index: i < 7.',
  )
})

test('tensors that disagree about an extent are both named', () => {
  expectError(
    'z[i] = x[i] * w[‹i›]',
    { x: t([5]), w: t([6]) },
    'extent-clash',
    'i runs over axis 0 of x (length 5, shape [5]) and over axis 0 of w (length 6, shape [6]), which differ in length. To read only a part of the longer one, bound the index: i < 5.',
  )
  expectError(
    'z[b,i] = x[b,i] + y[i,‹b›]',
    { x: t([2, 8]), y: t([2, 8]) },
    'extent-clash',
    'b runs over axis 0 of x (length 2, shape [2,8]) and over axis 1 of y (length 8, shape [2,8]), which differ in length. To read only a part of the longer one, bound the index: b < 2.',
  )
  expectError(
    'z[b,i] = x[b,i] - m[‹b›,0]',
    { x: t([4, 8]), m: t([1, 1]) },
    'extent-clash',
    'b runs over axis 0 of x (length 4, shape [4,8]) and over axis 0 of m (length 1, shape [1,1]), which differ in length. To repeat the only element of the shorter one, read it at 0.',
  )
  expectError(
    'z[‹i<3›] = x[i]',
    { x: t([7]) },
    'extent-clash',
    'i is bound to 3 values, the wanted shape [4] has 4.',
    [4],
  )
  expectError(
    '‹z›[i] = x[i]',
    { x: t([7]) },
    'wrong-rank',
    'The result has 1 axis, the wanted shape [4,4] has 2.',
    [4, 4],
  )
})

test('an index without an extent is refused, with the bound to give', () => {
  expectError(
    'z[i] = sum(u) x[‹i+u›]',
    { x: t([9]) },
    'no-extent',
    'i+u in axis 0 of x (length 9, shape [9]) leaves open how far each of i and u runs. Bound u, for example u < 3.',
  )
  expectError(
    'z[i] = sum(u,v) x[‹i+u+v›]',
    { x: t([9]) },
    'no-extent',
    'i+u+v in axis 0 of x (length 9, shape [9]) leaves open how far each of i, u and v runs. Bound u and v, for example u < 3 and v < 3.',
  )
  expectError(
    'z[‹i›] = x[2]',
    { x: t([9]) },
    'no-extent',
    'No tensor is read along i, so nothing tells how far it runs. Bound it: i < 10.',
  )
  expectError(
    'z[i] = sum(‹j›) x[i]',
    { x: t([9]) },
    'no-extent',
    'No tensor is read along j, so nothing tells how far it runs. Bound it: j < 10.',
  )
  expectError(
    'z[‹i›] = x?[i-1]',
    { x: t([9]) },
    'no-extent',
    'x?[i-1] may fall outside, so it does not tell how far i runs. Bound it: i < 9.',
  )
  expectError(
    'z[‹i›] = x[i%3]',
    { x: t([9]) },
    'no-extent',
    'i%3 stays inside axis 0 of x (length 9, shape [9]) however far i runs. Bound it: i < 9.',
  )
  expectError(
    'z[n<‹s›] = x[n]',
    { x: t([7]), s: t([]) },
    'bad-range',
    'The bound s is not a whole number known beforehand. Use whole numbers, constants, and + - * / %.',
  )
  expectError(
    'z[‹n<s›] = x[n]',
    { x: t([7]), s: 0 },
    'extent-not-positive',
    'There is no n with 0 <= n < 0. An index takes at least one value.',
  )
  expectError(
    'z = sum(‹a<=n<=a-2›) x[n]',
    { x: t([7]), a: 3 },
    'extent-not-positive',
    'There is no n with 3 <= n <= 1. An index takes at least one value.',
  )
})

test('a name that means nothing, and an operand that is missing or not used, are named', () => {
  expectError(
    'z[i] = x[i] + ‹k›',
    { x: t([9]) },
    'unknown-name',
    'k is neither an index here nor an operand (given: x). Give it as an operand, as in { k: 2 }, or let it run as an index, as in z[k] or sum(k).',
  )
  expectError(
    'z[i] = ‹rate› * x[i]',
    { x: t([9]), ratio: 2 },
    'unknown-name',
    'rate is neither an index here nor an operand (given: x and ratio). Did you mean ratio?',
  )
  expectError(
    'z[i<‹n›] = 2',
    {},
    'unknown-name',
    'n is neither an index here nor an operand (none was given). Give it as an operand, as in { n: 2 }, or let it run as an index, as in z[n] or sum(n).',
  )
  expectError(
    'z[i] = x[i] * ‹weight›[i]',
    { x: t([9]), wieght: t([9]) },
    'missing-operand',
    'The formula reads weight, but there is no operand weight (given: x and wieght). Did you mean wieght?',
  )
  expectError(
    'z[i] = x[i] * ‹w›?[i]',
    { x: t([9]) },
    'missing-operand',
    'The formula reads w, but there is no operand w (given: x). Give it with the others: { w: … }.',
  )
  expectError(
    '‹z›[n] = x[n]',
    { x: t([2]), w: t([3]), s: 2 },
    'unused-operand',
    'The operand w was given, but the formula uses only x. Leave w out, or use it.',
  )
  expectError(
    'h = 2; ‹z›[n<3] = h*n',
    { s: 2 },
    'unused-operand',
    'The operand s was given, but the formula uses none. Leave s out, or use it.',
  )
  expectError(
    '‹y›[i] = x[i]; z[i] = 2*y[i+1]',
    { x: t([7]), y: t([3]) },
    'name-clash',
    'The formula computes y, and an operand y was given too. Rename one of them.',
  )
})

test('a wrong number of indices is refused, with the shape', () => {
  expectError(
    'z[n,k] = ‹x[n,k]›',
    { x: t([2, 3, 4]) },
    'wrong-rank',
    'x has 3 dimensions (shape [2,3,4]) and is read with 2 indices. Read it as x[i,j,k], with one index a dimension.',
  )
  expectError(
    'z[n] = x[n] + ‹b[n]›',
    { x: t([2]), b: t([]) },
    'wrong-rank',
    'b has 0 dimensions (shape []) and is read with 1 index. Write b alone.',
  )
  expectError(
    'z[n] = x[n] + ‹b[n]›',
    { x: t([2]), b: 3 },
    'wrong-rank',
    'b is the number 3 and has no indices. Write b alone.',
  )
  expectError(
    'z[n<2] = ‹x›',
    { x: t([2]) },
    'wrong-rank',
    'x has shape [2] and stands here without indices. Read one element, as in x[i].',
  )
  expectError(
    'z[n] = ‹n[n]› * x[n]',
    { x: t([2]) },
    'index-as-tensor',
    'n is an index here, not a tensor. Its value is n alone; to multiply write n * (…).',
  )
})

test('an index that is not a whole number is refused', () => {
  expectError(
    'z[n] = x[‹s›*n]',
    { x: t([7]), s: 1.5 },
    'constant-not-integer',
    'An index is a whole number, and s is 1.5. Inside an index, / divides and rounds down, as in x[i/2].',
  )
  expectError(
    'z[n] = x[‹idx[n]›]',
    { x: t([7]), idx: t([3]) },
    'float-in-index',
    'idx[n] stands as an index of x, but idx holds floats (f32), not whole numbers. Give idx as i32.',
  )
  expectError(
    'z[n] = x[‹idx[n]›]',
    { x: t([7]), idx: t([3], 'bool') },
    'float-in-index',
    'idx[n] stands as an index of x, but idx holds conditions (bool), not whole numbers. Give idx as i32.',
  )
  const accepted =
    'sums of indices times whole numbers, / and % by whole numbers, or an element of an integer tensor alone'
  expectError(
    'z[n] = x[‹idx[n]+1›]',
    { x: t([7]), idx: t([3], 'i32') },
    'not-an-index',
    `idx[n]+1 cannot stand as an index of x; what can: ${accepted}. Compute it in a statement of its own and read x with its elements.`,
  )
  expectError(
    'z[i<3,j<3] = x[‹i*j›]',
    { x: t([7]) },
    'not-an-index',
    `i*j cannot stand as an index of x; what can: ${accepted}.`,
  )
  expectError(
    'z[n<3] = x[‹n/s›]',
    { x: t([7]), s: 0 },
    'division-by-zero-in-index',
    'This index divides by zero. Behind / write a whole number from 1 on.',
  )
  expectError(
    'z[n<3] = x[‹n%s›]',
    { x: t([7]), s: -2 },
    'not-an-index',
    'n%s is a remainder by -2. Behind % write a whole number from 1 on.',
  )
  expectError(
    'z[i<3] = x[‹sum(j<2) j›]',
    { x: t([7]) },
    'reduction-in-index',
    'An index cannot hold a sum. Compute it in a statement of its own and read that here.',
  )
})

test('a mistake on a later line is shown under that line', () => {
  const text = 'm = mean(i) x[i]\nz[i] = x[i] - n'
  assert.throws(
    () => elaborate(parse(text), text, new Map([['x', t([3])]])),
    (error) => error instanceof FormulaError && error.message.endsWith(`\n\n  z[i] = x[i] - n\n  ${' '.repeat(14)}^`),
  )
})
