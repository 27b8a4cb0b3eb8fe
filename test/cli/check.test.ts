import assert from 'node:assert/strict'
import { test } from 'node:test'
import { einfold } from './einfold.ts'

test('check proves the derived gradients', async () => {
  const { code, stdout } = await einfold('check', 'z[n] = max(u<2) tanh(x[2*n+u]) * w[n]')
  assert.equal(code, 0, stdout)
  assert.equal(stdout.match(/^right /gm)?.length, 2)
})

test('check finds the kernel that was not flipped, and prints the right gradient', async () => {
  const { code, stdout } = await einfold(
    'check',
    'z[i] = sum(u<3) x[i+u] * w[u]',
    '--gradient',
    'dx[a] = sum(u<3) dz?[a+u] * w[u]',
  )
  assert.equal(code, 1)
  assert.match(stdout, /WRONG {2}\d of 4 elements differ from finite differences; the most at \[\d\]/)
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
  assert.match(stdout, /written by hand[\s\S]*right {2}it agrees with finite differences in all 4 elements tried/)
})

test('a gradient by what is no operand is answered with what there is', async () => {
  const { code, stderr } = await einfold('check', 'z[i] = x[i] * w[i]', '--gradient', 'dy[i] = dz[i]')
  assert.equal(code, 2)
  assert.match(stderr, /gradients of z\[i\] = x\[i\] \* w\[i\] are called dx, dw/)
})
