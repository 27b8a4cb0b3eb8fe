import assert from 'node:assert/strict'
import { test } from 'node:test'
import { einfold, einfoldProcess } from './einfold.ts'

test('--help names every command and shows a formula', async () => {
  const { code, stdout, stderr } = await einfoldProcess('--help')
  assert.equal(code, 0)
  assert.equal(stderr, '')
  for (const part of ['run', 'explain', 'check', 'data', 'devices', 'bench', 'sum(j) W[i,j] * x[b,j]'])
    assert.ok(stdout.includes(part), part)
  assert.ok(!stdout.includes('\x1b'), 'no colour in a pipe')
})

test('devices says what each computes products in at each precision', async () => {
  const { code, stdout } = await einfold('devices')
  assert.equal(code, 0)
  assert.match(stdout, /js .*\n +products, highest +f32\n +products, high +f32: .*bfloat16\n +products, medium +f32: /)
})

test('every command has help with examples', async () => {
  for (const [command, part] of [
    ['run', 'conv-from-scratch --epochs'],
    ['check', '--gradient "dx[…] = …"'],
  ]) {
    const { code, stdout } = await einfold(command, '--help')
    assert.equal(code, 0)
    assert.ok(stdout.includes(part), stdout)
  }
})

const misused: [args: string[], message: RegExp][] = [
  [['explian', 'z = 1'], /there is no command explian; did you mean explain\?/],
  [['explain', 'z[i] = x[i]', '--shap', 'x=3'], /einfold explain has no flag --shap; did you mean --shape\?/],
  [['explain'], /a formula is missing, as in:\n {2}einfold explain/],
  [['explain', 'z[i]', '=', 'x[i]'], /3 arguments where one belongs: a formula \(is it in quotes\?\)/],
  [['explain', 'z[i] = x[i]', '--shape', 'y=3'], /the formula has no operand y; did you mean x\?/],
  [['explain', 'z[i] = x[i]', '--shape', 'x=3,4'], /the formula reads x with 1 index; --shape gives it 2/],
  [
    ['explain', 'z[i] = x[s*i]'],
    /s stands in an index or a range, so it must be a number: add, for example, --value s=2/,
  ],
  [['run', 'conv-from-scrach'], /there is no experiment conv-from-scrach; did you mean conv-from-scratch\?/],
  [['run', 'conv-from-scratch', '--epochs', 'two'], /--epochs takes a whole number above 0, not "two"/],
  [['data', 'get', 'fashion-mist'], /there is no image set fashion-mist; did you mean fashion-mnist\?/],
]
test('what is not understood is answered with what was meant, and exit code 2', async () => {
  for (const [args, message] of misused) {
    const { code, stdout, stderr } = await einfold(...args)
    assert.match(stderr, message)
    assert.equal(code, 2)
    assert.equal(stdout, '')
  }
})
