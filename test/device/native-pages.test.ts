// Pages of memory under the native device's buffers.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import { leastBytes, pageAdvice, pageBytes } from '../../src/device/native/pages.ts'

const folder = '/sys/kernel/mm/transparent_hugepage/enabled'
const canAsk = existsSync(folder) && !readFileSync(folder, 'utf8').includes('[never]')

/** What Linux notes about the memory at an address. */
function flagsAt(address: bigint): readonly string[] {
  let isThere = false
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line)
    if (range) isThere = BigInt(`0x${range[1]}`) <= address && address < BigInt(`0x${range[2]}`)
    else if (isThere && line.startsWith('VmFlags:')) return line.split(/\s+/).slice(1)
  }
  return []
}

test('large buffers begin where large pages do, and have them asked for', {
  skip: nativeAbsence() ?? (!canAsk && 'the system has no large pages to ask for'),
}, () => {
  const { address } = nativeDevice().allocate('f32', leastBytes / 4) as unknown as { address: bigint }
  assert.equal(address % BigInt(pageBytes), 0n)
  assert.ok(flagsAt(address).includes('hg'))
})

test('small buffers take no more than they need', { skip: nativeAbsence() ?? false }, () => {
  const { array } = nativeDevice().allocate('f32', leastBytes / 4 - 1) as unknown as { array: Float32Array }
  assert.ok(array.buffer.byteLength < leastBytes + 256)
})

test('where the process knows no such call, nothing is asked', () => {
  const library = {
    load: () => {
      throw new Error('nothing to load')
    },
    address: () => 0n,
  }
  assert.equal(pageAdvice(library), null)
})
