import assert from 'node:assert/strict'
import { test } from 'node:test'
import { einfold } from './einfold.ts'

test('explain shows ranges, gradients, LaTeX, loops and code of a dense layer', async () => {
  const formula = 'z[b,i]=c[i]+sum(j)W[i,j]*x[b,j]'
  const { code, stdout } = await einfold('explain', formula, '--shape', 'x=64,784 W=10,784', '--latex')
  assert.equal(code, 0)
  for (const part of [
    'z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]',
    'W f32[10,784]',
    'z f32[64,10]',
    'z[b<64,i<10] = sum(j<784) W[i,j] * x[b,j]',
    'dc[i] = sum(b) dz[b,i]',
    'dW[i,j] = sum(b) dz[b,i] * x[b,j]',
    'dx[b,j] = sum(i) dz[b,i] * W[i,j]',
    '\\sum_{j} W_{i,j}',
    'in 0 … 63',
    'function kernel0(',
  ])
    assert.ok(stdout.includes(part), `${part}\nis not in\n${stdout}`)
})

test('explain --gradient shows the loops of a gradient, and takes numbers for constants', async () => {
  const conv = 'z[n,i] = sum(u) x[n,s*i+u] * w[u]'
  const { code, stdout } = await einfold('explain', conv, '--shape', 'x=4,9 w=3', '--value', 's=2', '--gradient', 'w')
  assert.equal(code, 0)
  assert.ok(stdout.includes('z f32[4,4]'), stdout)
  assert.ok(stdout.includes('loop nest of the gradient by w'), stdout)
})

test('a mistake in a formula is shown in its place, and exit code 1', async () => {
  const { code, stdout, stderr } = await einfold('explain', 'z[i] = x[i+1', '--shape', 'x=3')
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.ok(stderr.includes('z[i] = x[i+1\n          ^'), stderr)
})

test('a read that falls outside names the tensor, and says which shapes were only chosen', async () => {
  const { code, stderr } = await einfold('explain', 'z[i] = x[i-1] * w[i]', '--shape', 'x=5')
  assert.equal(code, 1)
  assert.match(stderr, /x\?\[/)
  assert.match(stderr, /These shapes were chosen, not given; change them with --shape: w=/)
})
