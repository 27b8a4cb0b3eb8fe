// Kernels that do the same are written once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileGraph } from '../../../src/compiler/compile.ts'
import type { Kernel, Program, Statement } from '../../../src/compiler/ir.ts'
import { emitC } from '../../../src/emit/c/emit.ts'
import { usualCache } from '../../../src/emit/c/tiles.ts'
import { formula, tensor } from '../../../src/index.ts'

const target = { widths: [16, 4, 1], fused: true, maxThreads: 2, cache: usualCache, bf16: null }

const x = tensor(new Float32Array(64))
const result = formula('z[i] = where(x[i] > 0, x[i], 0)')({ x })
const { program } = compileGraph({ outputs: [result.node], updates: [] }, { contractions: true })

/** The kernel with another number in place of 0. */
function withNumber(kernel: Kernel, number: number): Kernel {
  const change = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(change)
    if (typeof part !== 'object' || part === null) return part
    const entries = Object.entries(part).map(([key, value]) => [key, change(value)])
    const changed = Object.fromEntries(entries)
    return changed.kind === 'constant' && changed.value === 0 ? { ...changed, value: number } : changed
  }
  return { ...kernel, body: change(kernel.body) as readonly Statement[] }
}

function functionsOf(...numbers: readonly number[]): number {
  const kernels = numbers.map((number) => withNumber(program.kernels[0], number))
  const several: Program = { ...program, kernels }
  return emitC(several, target).match(/void kernel\d+\(/g)!.length
}

test('equal kernels are one function', () => {
  assert.equal(program.kernels.length, 1)
  assert.equal(functionsOf(0, 0, 0), 1)
})

test('kernels of different numbers are different functions', () => {
  assert.equal(functionsOf(0, -0), 2)
  assert.equal(functionsOf(0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1), 6)
})
