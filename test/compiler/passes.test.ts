// Passes over loops change how a program computes, never what: random programs give the same bits before and after.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arrangeLoops } from '../../src/compiler/arrange.ts'
import { fuseLoops } from '../../src/compiler/fuse.ts'
import { hoistOffsets } from '../../src/compiler/hoist.ts'
import type { LoopStatement, Statement, Value } from '../../src/compiler/ir.ts'
import { chooseLanes } from '../../src/compiler/lanes.ts'
import { mergeLoops } from '../../src/compiler/merge.ts'
import { peelGuards } from '../../src/compiler/peel.ts'
import { rebase } from '../../src/compiler/rebase.ts'
import { inlineSingleUses } from '../../src/compiler/tidy.ts'
import { concat, formula, setDevice, tensor } from '../../src/index.ts'
import { programOf, recipes } from '../support/programs.ts'
import { outputsOf, type Pass, run, statementsOf } from './run.ts'

setDevice('js')

const expectSameBits = (pass: Pass, numRuns = 60) =>
  fc.assert(
    fc.asyncProperty(recipes(), async (recipe) => {
      const program = programOf(recipe, 'f64')
      const compiled = outputsOf(program.outputs.map(({ tensor }) => tensor))
      const [before, after] = [await run(compiled), await run(compiled, pass)]
      assert.deepEqual(after.outputs, before.outputs, program.lines.join('\n'))
    }),
    { numRuns, includeErrorInReport: true },
  )

test('choosing lanes changes no result', () => expectSameBits(chooseLanes))

test('cutting loops where guards turn changes no result, at any width', async () => {
  for (const width of [1, 4, 16]) await expectSameBits((body) => peelGuards(allLanes(body), width), 30)
})

test('hoisting offsets changes no result', () => expectSameBits(hoistOffsets))

test('merging loops changes no result', () => expectSameBits(mergeLoops))

test('fusing loops changes no result', () => expectSameBits(fuseLoops))

test('all passes together change no result', () => expectSameBits((body) => inlineSingleUses(arrangeLoops(body, 16))))

test('putting values back where they are used once changes no result', () =>
  expectSameBits((body) => inlineSingleUses(spelledOut(body))))

/** Every innermost loop as one that may run in lanes: guards are cut only there. */
const allLanes = (body: readonly Statement[]): readonly Statement[] =>
  body.map((statement) => {
    if (statement.kind !== 'loop') return statement
    const isInnermost = statement.body.every(({ kind }) => kind !== 'loop')
    return { ...statement, mode: isInnermost ? 'lanes' : statement.mode, body: allLanes(statement.body) }
  })

/** Every operation and load under a name of its own. */
function spelledOut(body: readonly Statement[]): readonly Statement[] {
  let names = 0
  const block = (statements: readonly Statement[]): Statement[] => {
    const result: Statement[] = []
    const named = (value: Value): Value => {
      if (value.kind !== 'operation' && value.kind !== 'load') return value
      const parts: Value =
        value.kind === 'load'
          ? { ...value, guard: value.guard && named(value.guard) }
          : { ...value, args: value.args.map(named) }
      const name = `n${names++}`
      result.push({ kind: 'let', name, value: parts })
      return { kind: 'variable', type: value.type, name }
    }
    for (const statement of statements) {
      switch (statement.kind) {
        case 'loop':
          result.push({ ...statement, body: block(statement.body) })
          break
        case 'store':
          result.push({ ...statement, value: named(statement.value) })
          break
        case 'accumulate':
          result.push({ ...statement, where: statement.where && named(statement.where), value: named(statement.value) })
          break
        default:
          result.push(statement)
      }
    }
    return result
  }
  return block(body)
}

test('values spelled out are put back into one expression', () => {
  const x = tensor([1, 2, 3, 4, 5])
  const [{ body }] = outputsOf([x.mul(2).add(1).square()]).program.kernels
  const restored = inlineSingleUses(spelledOut(body))
  assert.deepEqual(restored, inlineSingleUses(body))
  assert.ok(statementsOf(spelledOut(body)).length > statementsOf(restored).length)
})

/** The loops of a body as `mode start…end`, the outermost first. */
const loopsOf = (body: readonly Statement[]): string[] =>
  statementsOf(body)
    .filter((statement): statement is LoopStatement => statement.kind === 'loop')
    .map(({ mode, start, extent }) => `${mode} ${start}…${start + extent - 1}`)

const f32 = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), { shape })

const bodyOf = (text: string, operands: Record<string, ReturnType<typeof f32>>) =>
  outputsOf([formula(text)(operands as never)]).program.kernels[0].body

test('the loop over neighbouring elements runs in lanes, wherever it stands', () => {
  const expectLoops = (text: string, operands: Record<string, ReturnType<typeof f32>>, loops: string[]) =>
    assert.deepEqual(loopsOf(chooseLanes(bodyOf(text, operands))), loops)
  expectLoops('z[i,j] = 2 * x[i,j]', { x: f32(40, 50) }, ['parallel 0…39', 'lanes 0…49'])
  // A sum along a row reads neighbours.
  expectLoops('z[i] = sum(j) x[i,j]', { x: f32(40, 50) }, ['parallel 0…39', 'lanes 0…49'])
  // A sum along a column does not; its results are neighbours.
  expectLoops('z[j] = sum(i) x[i,j]', { x: f32(40, 50) }, ['lanes 0…49', 'serial 0…39'])
  // Neither is as long as a vector.
  expectLoops('z[i,j] = 2 * x[i,j]', { x: f32(3, 3) }, ['parallel 0…2', 'serial 0…2'])
})

test('axes that all elements walk as one are one loop', () => {
  const expectLoops = (text: string, operands: Record<string, ReturnType<typeof f32>>, loops: string[]) =>
    assert.deepEqual(loopsOf(mergeLoops(bodyOf(text, operands))), loops)
  expectLoops('z[i,j,k] = 2 * x[i,j,k]', { x: f32(4, 5, 6) }, ['lanes 0…119'])
  expectLoops('z[i,j,k] = x[i,j,k] + y[j,k]', { x: f32(4, 5, 6), y: f32(5, 6) }, ['parallel 0…3', 'lanes 0…29'])
  expectLoops('z[i,j,k] = x[i,j,k] + y[i]', { x: f32(4, 5, 6), y: f32(4) }, ['parallel 0…3', 'lanes 0…29'])
  expectLoops('z[c] = sum(n,i,j) x[n,c,i,j]', { x: f32(9, 7, 5, 6) }, ['parallel 0…6', 'serial 0…8', 'lanes 0…29'])
  // A part of the rows, or the rows in another order, is no walk.
  expectLoops('z[i,j<5] = x[i,j]', { x: f32(4, 6) }, ['parallel 0…3', 'lanes 0…4'])
  expectLoops('z[j,i] = x[i,j]', { x: f32(4, 5) }, ['parallel 0…4', 'lanes 0…3'])
  // Guards of one axis keep it apart from the next.
  expectLoops('z[n<6,i<8,j<8] = x?[n,i-1,j]', { x: f32(6, 8, 8) }, ['parallel 0…5', 'serial 0…7', 'lanes 0…7'])
})

test('loops that read the same elements are one loop, unless one needs all of the other', () => {
  const expectLoops = (made: ReturnType<typeof f32>, loops: string[]) =>
    assert.deepEqual(loopsOf(fuseLoops(outputsOf([made]).program.kernels[0].body)), loops)
  const x = f32(40, 80)
  // The exponentials and their sum, between the maximum and the division.
  expectLoops(x.softmax(-1), ['parallel 0…39', 'lanes 0…79', 'lanes 0…79', 'lanes 0…79'])
  // The mean comes before the distances from it.
  const centred = x.sub(x.mean(-1, true))
  expectLoops(centred.square().mean(-1), ['parallel 0…39', 'lanes 0…79', 'lanes 0…79'])
})

test('a guard that holds in the middle of a loop is tested only at its ends, at whole vectors', () => {
  const body = bodyOf('z[i<64] = x?[i-1] + x?[i+1]', { x: f32(64) })
  const guards = (width: number) =>
    peelGuards(body, width).map((statement) => {
      assert.equal(statement.kind, 'loop')
      const loop = statement as LoopStatement
      return [loop.start, loop.extent, JSON.stringify(loop.body).includes('"guard":{')]
    })
  assert.deepEqual(guards(1), [
    [0, 1, false],
    [1, 62, false],
    [63, 1, false],
  ])
  assert.deepEqual(guards(16), [
    [0, 16, true],
    [16, 32, false],
    [48, 16, true],
  ])
})

test('a loop over tensors that stand side by side is written out', () => {
  const parts = [f32(4, 1, 64), f32(4, 1, 64), f32(4, 1, 64)]
  const [{ body }] = outputsOf([concat(parts, 1)]).program.kernels
  assert.deepEqual(loopsOf(peelGuards(chooseLanes(body), 16)), [
    'parallel 0…3',
    ...[0, 1, 2].flatMap((part) => [`serial ${part}…${part}`, 'lanes 0…63']),
  ])
  assert.ok(!JSON.stringify(peelGuards(chooseLanes(body), 16)).includes('"guard":{'))
  // Edges alone are not worth it: here all rounds but the first do the same.
  const [padded] = outputsOf([f32(9, 20).pad([[1, 0], [0, 0]])]).program.kernels // biome-ignore format: short
  assert.ok(loopsOf(peelGuards(chooseLanes(padded.body), 16)).includes('parallel 0…9'))
})

test('kernels that do the same at other places become the same statements', () => {
  const [at2, at7] = [2, 7].map((start) => bodyOf(`z[i<4] = x[i+${start}]`, { x: f32(20) }))
  assert.notDeepEqual(at2, at7)
  const [a, b] = [rebase(at2), rebase(at7)]
  assert.deepEqual(a.body, b.body)
  assert.deepEqual([[...a.origins.values()], [...b.origins.values()]], [[2], [7]])
})
