// Steps that write over what they read, by several threads on the device wasm.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile, setDevice, setThreads, zeros } from '../../src/index.ts'
import { parameter } from '../../src/nn/index.ts'

test('what vectors side by side leave over is written by one thread alone', async () => {
  setDevice('wasm')
  setThreads(3)
  // Two vectors more than turns of four.
  const count = 65_544
  const weight = parameter([count], zeros)
  const step = compile(() => {
    weight.assign(weight.add(1))
    return weight.at(0)
  })
  const rounds = 40
  for (let round = 0; round < rounds; round++) step()
  const found = await weight.data()
  for (let at = count - 16; at < count; at++) assert.equal(found[at], rounds, `element ${at}`)
})
