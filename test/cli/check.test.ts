import assert from 'node:assert/strict'
import { test } from 'node:test'
import { einfold } from './einfold.ts'

test('check proves the derived gradients', async () => {
  const { code, stdout } = await einfold('check', 'z[n] = max(u<2) tanh(x[2*n+u]) * w[n]')
  assert.equal(code, 0, stdout)
  assert.equal(stdout.match(/^right /gm)?.length, 2)
  assert.equal(stdout.match(/derivatives against finite differences, largest error \d\.\de-\d+$/gm)?.length, 2)
})

test('check tries random directions where there are too many elements to try each', async () => {
  const { code, stdout } = await einfold('check', 'z[i] = sum(j) w[i,j] * sin(x[j])', '--shape', 'w=12,20')
  assert.equal(code, 0, stdout)
  assert.match(stdout, /^right {2}dw.*\n.*random directions against finite differences/m)
  assert.match(stdout, /^right {2}dx.*\n.*240 derivatives against finite differences/m)
})

test('check says WRONG where there is no derivative', async () => {
  const { code, stdout } = await einfold('check', 'z[i] = log(x[i] - 5)', '--shape', 'x=2')
  assert.equal(code, 1)
  assert.match(stdout, /^WRONG {2}dx\[i\].*\n.*where finite differences give NaN/m)
})

test('indices into what the formula itself defines stay inside of it', async () => {
  const { code, stdout } = await einfold('check', "p[n,k] = exp(x[n,k]) / sum(k') exp(x[n,k'])\nL[n] = -log(p[n,y[n]])")
  assert.equal(code, 0, stdout)
  assert.match(stdout, /^ {7}16 derivatives against finite differences/m)
})

test('a gradient written by hand that is not linear in the gradient by the result is found out', async () => {
  const { code, stdout } = await einfold('check', 'z[i] = x[i] * w[i]', '--gradient', 'dx[i] = dz[i]^2 * w[i]')
  assert.equal(code, 1)
  assert.match(stdout, /^right {2}dx[\s\S]*written by hand[\s\S]*WRONG/m)
})

test('check finds the kernel that was not flipped, and prints the right gradient', async () => {
  const { code, stdout } = await einfold(
    'check',
    'z[i] = sum(u<3) x[i+u] * w[u]',
    '--gradient',
    'dx[a] = sum(u<3) dz?[a+u] * w[u]',
  )
  assert.equal(code, 1)
  assert.match(
    stdout,
    /WRONG {2}\d of 4 elements differ from the derived gradient; the most at \[\d\]: \S+ where \S+ is right/,
  )
  assert.match(stdout, /the right one is\n {2}dx\[a\] = sum\(u<3\) dz\?\[a\+u-2\] \* w\[2-u\]/)
})

test('check accepts a right gradient in other words', async () => {
  const { code, stdout } = await einfold(
    'check',
    'z[i] = sum(u<3) x[i+u] * w[u]',
    '--gradient',
    'dx[a] = sum(u<3) dz?[a-u] * w[u]',
  )
  assert.equal(code, 0, stdout)
  assert.match(stdout, /written by hand[\s\S]*right {2}it agrees with the derived gradient in all 4 elements/)
})

test('a gradient by what is no operand is answered with what there is', async () => {
  const { code, stderr } = await einfold('check', 'z[i] = x[i] * w[i]', '--gradient', 'dy[i] = dz[i]')
  assert.equal(code, 2)
  assert.match(stderr, /gradients of z\[i\] = x\[i\] \* w\[i\] are called dx, dw/)
})
