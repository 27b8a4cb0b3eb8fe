import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPage } from './markdown.ts'

test('the code of the README runs as written, and prints what it shows', async () => {
  const { outputs, codeBlocks, error } = await runPage('README.md')
  assert.equal(error, '')
  assert.ok(codeBlocks >= 5)
  for (const { shown, printed } of outputs)
    assert.ok(printed.endsWith(shown), `${printed}\n  does not end with\n${shown}`)
})
