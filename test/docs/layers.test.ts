import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPage } from './markdown.ts'

test('the code of the page on layers runs as written, and prints what it shows', async () => {
  const { outputs, codeBlocks, error } = await runPage('docs/layers.md')
  assert.equal(error, '')
  assert.ok(codeBlocks >= 5 && outputs.length >= 5)
  for (const { shown, printed } of outputs) assert.equal(printed, shown)
})
