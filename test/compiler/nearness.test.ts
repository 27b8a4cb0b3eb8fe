// Kernels joined and buffers made small: the same bits, and only where no round needs what another makes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Compiled } from '../../src/compiler/compile.ts'
import type { Buffer, Kernel, Statement } from '../../src/compiler/ir.ts'
import { keepNear, type Thresholds } from '../../src/compiler/nearness.ts'
import { bytesPerElement } from '../../src/dtype.ts'
import { setDevice, type Tensor, tensor } from '../../src/index.ts'
import { programOf, recipes } from '../support/programs.ts'
import { outputsOf, run, statementsOf } from './run.ts'

setDevice('js')

const always: Thresholds = { handed: 1, part: 1 }

/** The program with everything joined that can be, and every buffer at a place of its own. */
function nearer({ program, bindings }: Compiled, thresholds = always): Compiled {
  const bytesOf = (name: string): number => {
    const { length, dtype } = program.buffers.get(name)!
    return length * bytesPerElement(dtype)
  }
  const isOwn = (name: string): boolean => program.buffers.get(name)!.place.kind === 'arena'
  const { kernels, scratch } = keepNear(program.kernels, bytesOf, isOwn, thresholds)
  let end = 0
  const buffers = new Map<string, Buffer>()
  for (const buffer of program.buffers.values()) {
    const length = scratch.get(buffer.name)
    if (length !== undefined) buffers.set(buffer.name, { ...buffer, length, place: { kind: 'scratch' } })
    else if (!isOwn(buffer.name)) buffers.set(buffer.name, buffer)
    else {
      buffers.set(buffer.name, { ...buffer, place: { kind: 'arena', byteOffset: end } })
      end += Math.ceil(bytesOf(buffer.name) / 64) * 64
    }
  }
  return { program: { ...program, kernels, buffers, arenaBytes: end }, bindings }
}

test('random programs give the same bits when all is joined that can be', async () => {
  let joined = 0
  let small = 0
  const scratchIn = ({ program }: Compiled): number =>
    [...program.buffers.values()].filter(({ place }) => place.kind === 'scratch').length
  await fc.assert(
    fc.asyncProperty(recipes(), fc.boolean(), async (recipe, contractions) => {
      const program = programOf(recipe, contractions ? 'f32' : 'f64')
      const before = outputsOf(
        program.outputs.map(({ tensor }) => tensor),
        contractions,
      )
      const after = nearer(before)
      joined += before.program.kernels.length - after.program.kernels.length
      small += scratchIn(after) - scratchIn(before)
      assert.deepEqual((await run(after)).outputs, (await run(before)).outputs, program.lines.join('\n'))
    }),
    { numRuns: 100, includeErrorInReport: true },
  )
  assert.ok(joined > 0 && small > 0, `${joined} kernels joined, ${small} buffers made small`)
})

const f32 = (...shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => (at % 7) - 3),
    { shape },
  )

test('products by batches and the softmax between them become one loop, with room for one batch', () => {
  const [q, k, v] = [f32(9, 6, 4), f32(9, 6, 4), f32(9, 6, 4)]
  const before = outputsOf([q.matmul(k.transpose(1, 2)).softmax(-1).matmul(v)], true)
  const after = nearer(before)
  assert.ok(before.program.kernels.length > 1)
  const [kernel, ...others] = after.program.kernels
  assert.equal(others.length, 0)
  const [loop] = kernel.body
  assert.ok(loop.kind === 'loop' && loop.extent === 9)
  assert.deepEqual(
    loop.body.map(({ kind }) => kind),
    ['contraction', 'loop', 'contraction'],
  )
  assert.equal(after.program.arenaBytes, 0)
  const scratch = [...after.program.buffers.values()].filter(({ place }) => place.kind === 'scratch')
  for (const { name, length } of scratch) assert.ok(length <= 36, `${name} has ${length} elements`)
})

test('programs of little data stay as they are', () => {
  const before = outputsOf(
    [
      f32(9, 6, 4)
        .matmul(f32(9, 4, 6))
        .softmax(-1)
        .matmul(f32(9, 6, 4)),
    ],
    true,
  )
  const after = nearer(before, { handed: 1e6, part: 64 })
  assert.equal(after.program.kernels.length, before.program.kernels.length)
})

/** `for i < 8: to[8 i + j + shift] = from[stride i + j]`, over j < 8. */
function copying(from: string, to: string, { stride = 8, shift = 0 } = {}): Kernel {
  const at = (name: string, coefficient: number) => ({ coefficient, atom: { kind: 'index', key: name, name } as const })
  const store: Statement = {
    kind: 'store',
    add: false,
    buffer: to,
    offset: { constant: shift, terms: [at('i0', 8), at('i1', 1)] },
    value: {
      kind: 'load',
      type: 'f32',
      buffer: from,
      offset: { constant: 0, terms: [at('i0', stride), at('i1', 1)] },
      guard: null,
    },
  }
  const inner: Statement = { kind: 'loop', index: 'i1', start: 0, extent: 8, mode: 'lanes', body: [store] }
  const loop: Statement = { kind: 'loop', index: 'i0', start: 0, extent: 8, mode: 'parallel', body: [inner] }
  return { name: `${from} to ${to}`, formulas: [], reads: [from], writes: [to], body: [loop] }
}

test('loops stay apart where a round reads, or writes, what belongs to another', () => {
  const kernelsOf = (...kernels: Kernel[]): number =>
    keepNear(
      kernels,
      () => 1000,
      () => false,
      always,
    ).kernels.length
  assert.equal(kernelsOf(copying('a', 'b'), copying('b', 'c')), 1)
  assert.equal(kernelsOf(copying('a', 'b'), copying('b', 'c', { stride: 4 })), 2, 'reads the round before')
  assert.equal(kernelsOf(copying('a', 'b', { shift: 4 }), copying('b', 'c')), 2, 'reads what the round after writes')
  assert.equal(kernelsOf(copying('a', 'b'), copying('b', 'a', { stride: 8 })), 1)
  assert.equal(kernelsOf(copying('a', 'b', { stride: 4 }), copying('b', 'a')), 2, 'writes what the round after reads')
  assert.equal(kernelsOf(copying('a', 'b'), copying('a', 'c')), 1, 'reads what the other has read')
  assert.equal(kernelsOf(copying('a', 'b'), copying('a', 'c', { stride: 4 })), 2, 'reads other parts of it')
  assert.equal(kernelsOf(copying('a', 'b'), copying('c', 'd')), 2, 'has nothing in common')
})

test('joined loops keep their names apart', () => {
  const { kernels } = keepNear(
    [copying('a', 'b'), copying('b', 'c'), copying('c', 'd')],
    () => 1000,
    () => false,
    { handed: 500, part: 1 },
  )
  assert.equal(kernels.length, 1)
  const loops = statementsOf(kernels[0].body).flatMap((statement) =>
    statement.kind === 'loop' ? [statement.index] : [],
  )
  assert.equal(loops.length, 4)
  assert.equal(new Set(loops).size, 4)
})
