import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPage } from './markdown.ts'

test('the chapter runs, and prints what it shows', async () => {
  const { outputs, codeBlocks, error } = await runPage('docs/from-formula-to-kernel.md')
  assert.equal(error, '')
  assert.ok(codeBlocks > 10 && outputs.length > 10)
  for (const { shown, printed } of outputs) assert.equal(shown, printed)
})
