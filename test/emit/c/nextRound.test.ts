// Products in loops ask for what the next round reads: which lines, and that results are what they were.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileGraph } from '../../../src/compiler/compile.ts'
import type { ContractionStatement, Panel } from '../../../src/compiler/ir.ts'
import { nativeAbsence, nativeDevice } from '../../../src/device/native/device.ts'
import { emitC } from '../../../src/emit/c/emit.ts'
import { type NextOperand, nextRound } from '../../../src/emit/c/nextRound.ts'
import { planOf } from '../../../src/emit/c/plan.ts'
import { usualCache } from '../../../src/emit/c/tiles.ts'
import { add, constant, indexOf, scale } from '../../../src/index/index.ts'
import { formula, setDevice, setThreads, type Tensor, tensor } from '../../../src/index.ts'
import { uniformAt } from '../../../src/random/threefry.ts'
import { outputsOf, run } from '../../compiler/run.ts'
import { assertSame, runOn } from '../../support/runOn.ts'

setDevice('js')

const machine = { width: 16, cache: usualCache, bf16: null }

const multiples = (count: number, step: number): Int32Array => Int32Array.from({ length: count }, (_, at) => at * step)

/** Heads of 32 columns each, in rows of `stride` numbers, times the same of others: one head a round. */
function heads(time: number, stride: number): ContractionStatement {
  const base = add(scale(indexOf('h'), 32), constant(7))
  const panel = (buffer: string, rows: Int32Array, columns: Int32Array): Panel =>
    ({ buffer, base, rows, columns, packed: null }) satisfies Panel
  return {
    kind: 'contraction',
    m: time,
    n: time,
    k: 32,
    a: panel('left', multiples(time, stride), multiples(32, 1)),
    b: panel('right', multiples(32, 1), multiples(time, stride)),
    c: panel('result', multiples(time, time), multiples(time, 1)),
    add: false,
    parallel: false,
  }
}

type IsFar = (buffer: string) => boolean
const far: IsFar = () => true
const askedFor = (statement: ContractionStatement, isFar: IsFar = far, index = 'h'): readonly NextOperand[] =>
  nextRound(planOf(statement, machine), index, isFar)

test('a round asks for every line of memory of both operands of the next round', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 400 }), fc.integer({ min: 3, max: 40 }), (time, lines) => {
      const stride = lines * 16
      const statement = heads(time, stride)
      const plan = planOf(statement, machine)
      const next = askedFor(statement)
      assert.deepEqual(next.map(({ side, step }) => [side, step]).sort(), [
        ['a', 32],
        ['b', 32],
      ])
      for (const { side, lines } of next) {
        const { rows, columns } = plan[side]
        const asked = new Set(lines)
        for (const row of rows) for (const column of columns) assert.ok(asked.has(Math.floor((row + column) / 16) * 16))
        assert.equal(lines.length % statement.k, 0)
      }
    }),
  )
})

test('a round asks for nothing that is near, that stays, that comes by itself, or that its tiles have not the steps for', () => {
  const statement = heads(128, 768)
  assert.deepEqual(
    askedFor(statement, (buffer) => buffer === 'left').map(({ step }) => step),
    [32],
  )
  assert.deepEqual(
    askedFor(statement, () => false),
    [],
  )
  assert.deepEqual(askedFor(statement, far, 'other'), [])
  assert.equal(askedFor({ ...statement, b: { ...statement.b, packed: 'packed0' } }).length, 1)
  // Neighbours all of them.
  assert.deepEqual(askedFor(heads(128, 32)), [])
  // One tile of rows, which packs.
  assert.deepEqual(askedFor(heads(8, 768)), [])
})

const numbers = (stream: number, ...shape: number[]): Tensor => {
  const size = shape.reduce((all, extent) => all * extent, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, at) => 2 * uniformAt(23, stream, 0, at) - 1),
    { shape },
  )
}

const scores = formula('z[b,h,t,u] = sum(d) q[b,t,h,d] * k[b,u,h,d]')
const mixture = formula('z[b,t,h,d] = sum(u) p[b,h,t,u] * v[b,u,h,d]')

test('products of the heads of large tensors ask ahead, those of small ones do not', () => {
  const target = { widths: [16, 4, 1], fused: true, maxThreads: 2, cache: usualCache, bf16: null }
  const codeOf = (batch: number): string => {
    const result = scores({ q: numbers(0, batch, 64, 8, 32), k: numbers(1, batch, 64, 8, 32) })
    return emitC(compileGraph({ outputs: [result.node], updates: [] }, { contractions: true }).program, target)
  }
  assert.match(codeOf(16), /call < \d+\) roundTile/)
  assert.doesNotMatch(codeOf(2), /roundTile/)
})

test('products that ask ahead are what loops give, with the same bits for any number of threads', {
  skip: nativeAbsence() ?? false,
}, async () => {
  const device = nativeDevice()
  const [q, k, v] = [0, 1, 2].map((stream) => numbers(stream, 16, 70, 8, 32))
  const result = [scores({ q, k }), mixture({ p: numbers(3, 16, 8, 70, 70), v })]
  const expected = (await run(outputsOf(result))).outputs
  setThreads(1)
  const alone = runOn(device, result)
  for (const at of result.keys()) assertSame(`product ${at}`, alone[at], expected[at], 1e-4)
  for (const threads of [2, 3]) {
    setThreads(threads)
    assert.deepEqual(runOn(device, result), alone, `${threads} threads`)
  }
})
