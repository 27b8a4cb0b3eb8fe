// Steps that write over what they read, by several threads on the device wasm.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
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
    return zeros([1])
  })
  const rounds = 200
  for (let round = 0; round < rounds; round++) {
    step()
    // The other threads need a moment to begin.
    if (round < 20) await sleep(10)
  }
  const found = await weight.data()
  for (let at = count - 16; at < count; at++) assert.equal(found[at], rounds, `element ${at}`)
})
