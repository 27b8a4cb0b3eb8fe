import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FormulaError } from '../../src/errors.ts'
import { parse } from '../../src/formula/parse.ts'

/** Each formula, which marks by « » what is to be underlined, must be refused with just this message. */
const expectError =
  (code: string) =>
  (message: string, ...formulas: string[]) => {
    for (const marked of formulas) {
      const text = marked.replace(/[«»]/g, '')
      const start = marked.indexOf('«')
      const end = marked.indexOf('»') - 1
      const line = text.slice(text.lastIndexOf('\n', start - 1) + 1).split('\n')[0]
      const column = start - (text.lastIndexOf('\n', start - 1) + 1)
      const carets = ' '.repeat(column) + '^'.repeat(Math.max(1, end - start))
      assert.throws(
        () => parse(text),
        (error) => {
          assert.ok(error instanceof FormulaError)
          assert.equal(error.message, `${message}\n\n  ${line}\n  ${carets}`)
          assert.equal(error.code, code)
          assert.deepEqual(error.span, { start, end })
          assert.equal(error.text, text)
          return true
        },
      )
    }
  }

test('an empty formula is refused', () => {
  const expect = expectError('empty-formula')
  expect('The formula is empty. Write a result and what it is, such as z[i] = 2*x[i].', '«»', '# only a comment«»')
})

test('a statement without = is refused', () => {
  const expect = expectError('assign-missing')
  expect(
    'A `=` is missing here. A formula names its result first, with its axes: z[i] = 2*x[i], or z = 1 without axes.',
    'x[i] «+» 1',
    '«2» = x',
    'z[i]«»',
    'z«(»i) = x[i]',
    'z[i] «+»= x[i]',
    'z«?»[i] = 1',
  )
  expect('`==` compares. Write a single `=` between the result and what it is.', 'z[i] «==» x[i]')
  expect('A line cannot begin with `+`. To go on with the line above, end that one with `+`.', 'z[i] = x[i]\n«+» y[i]')
})

test('a bracket that nothing closes or opens is refused', () => {
  const expect = expectError('unbalanced-bracket')
  expect('This `[` is never closed. Add the missing `]`.', 'z[i] = x«[»i', 'a«[»i; j] = 1')
  expect(
    '`[` is closed by `)`. Write `]` here: [ ] hold the indices of a tensor, ( ) hold everything else.',
    'z[i] = x[i«)»',
  )
  expect('This `(` is never closed. Add the missing `)`.', 'z = «(»a + b')
  expect('This `)` closes nothing. Remove it, or add the `(` that it should close.', 'z = a + b«)»')
})

test('a character of another language is refused', () => {
  const expect = expectError('unexpected-character')
  expect('`×` is not part of the formula language. Write * to multiply.', 'z[i] = 2 «×» x[i]')
  expect('`&&` is not part of the formula language. Write and.', 'z = a «&&» b')
  expect(
    '`:` is not part of the formula language. There are no slices: give every axis an index, as in x[n,i].',
    'z[n] = x[«:»,n]',
  )
  expect(
    '`$` is not part of the formula language. A formula holds names, numbers, ( ) [ ] and the operators + - * / % ^ < <= > >= == !=.',
    'z = «$»a',
  )
  expect('`.` is not part of the formula language. Write a number as 0.5 or .5; names have no dots.', 'z = x«.»y')
})

test('a value that is missing, or too many of one is refused', () => {
  const expect = expectError('unexpected-token')
  expect(
    'The statement ends too early: a value is missing after `=`. Write one, or remove what stands before it.',
    'z =«»',
  )
  expect('`*` cannot stand here after `*`. A value is missing before it; a power is written x^2.', 'z = a * «*» b')
  expect(
    'The statement ends too early: a value is missing after `+`. Write one, or remove what stands before it.',
    'z = a +«»\n',
  )
  expect('`+` cannot stand here after `=`. A value is missing before it; a number needs no plus sign.', 'z = «+»a')
  expect('These brackets are empty. Name the indices; a tensor of rank 0 has no brackets at all.', 'z[i] = x[«]»')
  expect('`sum` needs an index to run over. Write sum(i) x[i].', 'z = sum(«)» x')
  expect('`not` binds looser than what stands before it. Put it in parentheses: (not …).', 'z = any(i) «not» x[i]')
  expect(
    '`=` cannot stand here after `a`. To compare write ==; a further statement begins on a line of its own or after a semicolon.',
    'z = a «=» b',
  )
  expect('`,` cannot stand here after `a`. A comma stands between indices and between arguments only.', 'z = a«,» b')
  expect('`]` cannot stand here after `,`. An index is missing before it.', 'z[i] = x[i,«]»')
  expect('`?` marks a read that may fall outside. Write the indices after it: x?[i+1].', 'z = x? «+» 1')
  expect('`)` cannot stand here after `,`. A value is missing before it.', 'z = exp(a,«)»', 'z = sum(i,«)» x[i]')
  expect(
    'The statement ends too early: a value is missing after `and`. Write one, or remove what stands before it.',
    'z = a and«»',
  )
  expect('`)` cannot stand here after `(`. A value is missing before it.', 'z = («)»')
  expect('`not` cannot stand here after `a`.', 'z[i] = a «not» b')
  expect(
    '`,` cannot stand here after `,`. A comma stands between indices and between arguments only.',
    'z = where(a,«,»b)',
  )
  expect('Here the name of an index is wanted. A range is i, i<10, or -1<=i<=1.', 'z = sum(2<=«3»<=4) x[i]')
})

test('two values without an operator between them is refused', () => {
  const expect = expectError('missing-operator')
  expect('Between `2` and `x` an operator or a comma is missing. A product is written with *.', 'z[i] = «2x»[i]')
  expect(
    'Between `]` and `y` an operator or a comma is missing. A product is written with *.',
    'z = sum(i) x[i«] y»[i]',
  )
  expect('`exp` needs parentheses. Write exp(x).', 'z[i] = «exp» x[i]')
  expect('Only a tensor can be followed by `[`. Write its name before the brackets, as in x[i].', 'z[i] = (a«)[»i]')
  expect('Between `i` and `j` an operator or a comma is missing. A product is written with *.', 'z = x[«i j»]')
  expect(
    'Between `)` and `a` an operator or a comma is missing. A product is written with *.',
    'z[i] = max(x[i], 0«) a»',
  )
  expect('`sum` needs parentheses. Write sum(i) x[i].', 'z = «sum» x')
})

test('a reduction of nothing is refused', () => {
  const expect = expectError('missing-body')
  expect(
    '`sum(i)` has nothing to reduce. Write what it reduces after it: sum(i) x[…].',
    'z = «sum(i)»',
    'z = «sum(i)» + 1',
  )
  expect(
    '`max(i)` has nothing to reduce. Write what it reduces after it: max(i) x[…], or give max two values: max(a, b).',
    'z = «max(i)»',
  )
  expect(
    '`max(i<2,j,k)` has nothing to reduce. Write what it reduces after it: max(i<2,j,k) x[…], or give max two values: max(a, b).',
    'z = «max(i<2,j,k)»',
  )
  expect(
    '`max(a)` has nothing to reduce. Write what it reduces after it: max(a) x[…], or give max two values: max(a, b).',
    'z = «max(a)»',
  )
})

test('something else where ranges belong is refused', () => {
  const expect = expectError('bad-range')
  expect(
    '`x[i]` is not a range. In the parentheses of sum write the indices it runs over, i or i<10 or -1<=i<=1, and what it reduces after them: sum(i) x[i].',
    'z = sum(«x[i]»)',
  )
  expect(
    '`i<=5` is not a range. In the parentheses of sum write the indices it runs over, i or i<10 or -1<=i<=1, and what it reduces after them: sum(i) x[i].',
    'z = sum(«i<=5») x[i]',
  )
  expect(
    '`0<i<5` is not a range. In the parentheses of sum write the indices it runs over, i or i<10 or -1<=i<=1, and what it reduces after them: sum(i) x[i].',
    'z = sum(«0<i<5») x[i]',
  )
  expect(
    '`i j` is not a range. In the parentheses of sum write the indices it runs over, i or i<10 or -1<=i<=1, and what it reduces after them: sum(i) x[i].',
    'z = sum(«i j») x[i]',
  )
  expect(
    '`0` is not an axis. On the left of = write an index, i, or one with its extent, i<10; it starts at 0.',
    'z[«0»] = 1',
  )
  expect(
    '`2*i` is not an axis. On the left of = write an index, i, or one with its extent, i<10; it starts at 0.',
    'z[«2*i»] = x[i]',
  )
  expect(
    '`-1<=i<=1` is not an axis. On the left of = write an index, i, or one with its extent, i<10; it starts at 0.',
    'z[«-1<=i<=1»] = x[i]',
  )
  expect(
    '`i<n<3` is not a range. In the parentheses of sum write the indices it runs over, i or i<10 or -1<=i<=1, and what it reduces after them: sum(i) x[i].',
    'z = sum(«i<n<3») x[i]',
  )
  expect('A bound cannot hold this. Use whole numbers, names of constants, and + - * / %.', 'z = sum(i<«y[0]») x[i]')
  expect(
    '`exp(i)` is not a range. In the parentheses of sum write the indices it runs over, i or i<10 or -1<=i<=1, and what it reduces after them: sum(i) x[i].',
    'z = sum(«exp(i)») x[i]',
  )
  expect(
    '`pi` is not a range. In the parentheses of sum write the indices it runs over, i or i<10 or -1<=i<=1, and what it reduces after them: sum(i) x[i].',
    'z = sum(«pi») x[i]',
  )
})

test('a chain of comparisons is refused', () => {
  const expect = expectError('chained-comparison')
  expect(
    'Comparisons do not chain. Write both and join them: a < b and b < c.',
    'z = a < b «<» c',
    'z[i] = where(0 <= i «<=» 3, 1, 2)',
  )
})

test('a function that there is not is refused', () => {
  const expect = expectError('unknown-function')
  expect('There is no function `expp`. Did you mean `exp`, as in exp(x)?', 'z = «expp»(a)')
  expect('There is no function `ln`. Did you mean `log`, as in log(x)?', 'z = «ln»(a)')
  expect(
    'There is no function `softmax`; there are exp, log, log1p, expm1, sqrt, pow, sin, cos, tan, atan2, tanh, sigmoid, erf, relu, gelu, silu, softplus, abs, sign, floor, ceil, round, min, max, clamp, where, stopGradient, uniform, sum, mean, prod, argmax, argmin, any, all. To read a tensor write softmax[i]; to multiply write softmax*(…).',
    'z[i] = «softmax»(x[i])',
  )
  expect(
    '`x` is a tensor, not a function. To read a tensor write x[i]; to multiply write x*(…).',
    'z[i] = «x»(i) + x[i]',
  )
  expect('There is no function `Σ`. Did you mean `sum`, as in sum(i) x[i]?', 'z = «Σ»(i) x[i]')
  expect(
    'There is no function `s`; there are exp, log, log1p, expm1, sqrt, pow, sin, cos, tan, atan2, tanh, sigmoid, erf, relu, gelu, silu, softplus, abs, sign, floor, ceil, round, min, max, clamp, where, stopGradient, uniform, sum, mean, prod, argmax, argmin, any, all. To read a tensor write s[i]; to multiply write s*(…).',
    's = 2\nz = «s»(1+2)',
  )
})

test('a function with too many or too few arguments is refused', () => {
  const expect = expectError('wrong-arity')
  expect('`exp` takes 1 argument, not 2. Write exp(x): e to the power of x.', 'z = «exp(a, b)»')
  expect(
    '`max` takes 2 arguments, not 3. Write max(x, y): the larger of two. As a reduction it is followed by what it reduces: max(i) x[i].',
    'z = «max(a, b + 1, c)»',
  )
  expect(
    '`where` takes 3 arguments, not 2. Write where(condition, a, b): a where it holds, else b.',
    'z = «where(a, b)»',
  )
  expect('`exp` takes 1 argument, not 0. Write exp(x): e to the power of x.', 'z = «exp()»')
  expect(
    '`max` takes 2 arguments, not 1. Write max(x, y): the larger of two. As a reduction it is followed by what it reduces: max(i) x[i].',
    'z = «max(x[i])»',
  )
})

test('a fraction in an index is refused', () => {
  const expect = expectError('float-in-index')
  expect(
    'An index is a whole number, and 0.5 is not. Inside an index, / divides and rounds down, as in x[i/2].',
    'z[i] = x[i+«0.5»]',
  )
  expect(
    'An index is a whole number, and pi is not. Inside an index, / divides and rounds down, as in x[i/2].',
    'z[i] = x[i*«pi»]',
  )
  expect(
    'An index is a whole number, and 2.5 is not. Inside an index, / divides and rounds down, as in x[i/2].',
    'z[i<«2.5»] = 1',
  )
})

test('a division by zero in an index is refused', () => {
  const expect = expectError('division-by-zero-in-index')
  expect(
    'This index divides by zero. After / write a whole number from 1 on.',
    'z[i] = x[«i/0»]',
    'z[i] = x[«i/(1-1)»]',
  )
  expect('This index divides by zero. After % write a whole number from 1 on.', 'z[i] = x[«i%0»]')
})

test('an index that runs already is refused', () => {
  const expect = expectError('shadowed-index')
  expect(
    'The index `i` runs here already. Take another letter for this one, here and in what it reduces.',
    'z[i] = sum(«i») x[i]',
    'z = sum(i) x[i] * sum(«i») y[i]',
  )
  expect('The index `s` has the name of a statement. Take another letter for it.', 's = 1; z = sum(«s») x[s]')
})

test('an index that stands twice in a reduction is refused', () => {
  const expect = expectError('duplicate-index')
  expect('The index `i` stands twice. Rename or remove one.', 'z = sum(i,«i») x[i,i]')
})

test('an axis that stands twice is refused', () => {
  const expect = expectError('duplicate-axis')
  expect('The axis `i` stands twice. For a diagonal write z[i,j] = where(i == j, …, 0).', 'z[i,«i»] = x[i]')
})

test('two statements of one name is refused', () => {
  const expect = expectError('duplicate-statement')
  expect('`a` is defined twice. Rename one of them.', 'a = 1\n«a» = 2')
})

test('a name used before its statement is refused', () => {
  const expect = expectError('used-before-definition')
  expect(
    '`w` is used before it is defined. A statement may use what is defined above it; give the result a new name, or change the order.',
    'w[i] = «w»[i] - g[i]',
  )
  expect(
    '`a` is used before it is defined. A statement may use what is defined above it; give the result a new name, or change the order.',
    'z = «a» + 1; a = 2',
  )
})

test('an index used where it does not run is refused', () => {
  const expect = expectError('index-out-of-scope')
  expect(
    'The index `i` does not run here. It runs in `sum(i)` only, which covers the product after it and stops at + and - and comparisons. To cover more, use parentheses: sum(i) (… + …).',
    'z = sum(i) x[i] + y[«i»]',
  )
  expect(
    'The index `i` does not run here. It is an axis of `m[…]` only. Add it to the axes of this statement or reduce over it.',
    'm[i] = x[i]\nz = m[«i»]',
  )
})

test('an index in a bound is refused', () => {
  const expect = expectError('index-in-bound')
  expect(
    'A bound is made of numbers and constants, and `i` is an index. Let the index run its whole range and leave values out: sum(j) where(j < i, x[j], 0).',
    'z[i] = sum(j<«i») x[j]',
  )
})

test('a name with a meaning of its own is refused', () => {
  const expect = expectError('reserved-name')
  expect(
    '`pi` has a meaning of its own in formulas and cannot name a tensor or an index. Choose another name.',
    'z = «pi»[i]',
  )
  expect(
    '`inf` has a meaning of its own in formulas and cannot name a tensor or an index. Choose another name.',
    '«inf» = 2',
  )
  expect(
    '`nan` has a meaning of its own in formulas and cannot name a tensor or an index. Choose another name.',
    'z[«nan»] = 1',
  )
  expect(
    '`and` has a meaning of its own in formulas and cannot name a tensor or an index. Choose another name.',
    '«and» = 2',
  )
})

test('a formula nested too deeply is refused', () => {
  const nested = [
    `${'('.repeat(2000)}a${')'.repeat(2000)}`,
    `${'x['.repeat(2000)}1${']'.repeat(2000)}`,
    `${'max('.repeat(2000)}1${', 2)'.repeat(2000)}`,
    `${'-'.repeat(2000)}a`,
    `${'2^'.repeat(2000)}a`,
    `${'not '.repeat(2000)}a`,
    `${'sum(i) '.repeat(2000)}1`,
    `${'a + '.repeat(20000)}1`,
  ]
  for (const text of nested) {
    assert.throws(
      () => parse(`z = ${text}`),
      (error) => {
        assert.ok(error instanceof FormulaError)
        assert.equal(error.code, 'too-deep')
        assert.match(error.message, /^The formula is nested too deeply here\. Give parts of it names, in statements/)
        return true
      },
    )
  }
})

test('any text is either read or refused with a FormulaError', () => {
  const pieces =
    "x y[ i z[i] = ( ) [ ] , ; \n + - * / % ^ < <= == ? ?[ sum( max( exp( and not 1 .5 pi inf # é ' . :".split(' ')
  let read = 0
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), fc.boolean(), (parts, begun) => {
      try {
        parse(`${begun ? 'z[i] = ' : ''}${parts.join(' ')}`)
        read++
      } catch (error) {
        assert.ok(error instanceof FormulaError, String(error))
      }
    }),
    { numRuns: 5000 },
  )
  assert.ok(read > 0)
})
