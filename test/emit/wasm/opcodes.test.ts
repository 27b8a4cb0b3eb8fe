import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wasmFeatures } from '../../../src/device/wasm/features.ts'
import type { FunctionBuilder } from '../../../src/emit/wasm/encoder.ts'
import { wasmModule } from '../../../src/emit/wasm/encoder.ts'
import type {
  Instruction,
  LaneInstructionName,
  MemoryInstructionName,
  MemoryLaneInstructionName,
  PlainInstruction,
  ValueType,
} from '../../../src/emit/wasm/opcodes.ts'
import {
  laneInstructions,
  memoryInstructions,
  memoryLaneInstructions,
  plainInstructions,
} from '../../../src/emit/wasm/opcodes.ts'
import { functionBodies, wabtAssemble, wabtValidate } from './wabtModule.ts'

interface Case {
  readonly text: string
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
  readonly write: (f: FunctionBuilder) => void
}

/** Every instruction of the table, in every form its immediates have: the text wabt reads and the calls that should equal it. */
const cases: Case[] = [
  ...each<PlainInstruction, Instruction>(plainInstructions, (name) => [[name, (f) => f.op(name)]]),
  ...each(memoryInstructions, (name: MemoryInstructionName, { log2Bytes }) => [
    [name, (f) => f.memory(name)],
    [`${name} offset=1000000`, (f) => f.memory(name, 1_000_000)],
    ...alignmentCases(name, log2Bytes, (f, alignment) => f.memory(name, 64, alignment)),
  ]),
  ...each(laneInstructions, (name: LaneInstructionName, { lanes }) => [
    [`${name} 0`, (f) => f.lane(name, 0)],
    [`${name} ${lanes - 1}`, (f) => f.lane(name, lanes - 1)],
  ]),
  ...each(memoryLaneInstructions, (name: MemoryLaneInstructionName, { lanes, log2Bytes }) => [
    [`${name} 0`, (f) => f.memoryLane(name, 0)],
    [`${name} offset=200 ${lanes - 1}`, (f) => f.memoryLane(name, lanes - 1, 200)],
    ...alignmentCases(name, log2Bytes, (f, alignment) => f.memoryLane(name, 1, 64, alignment), ' 1'),
  ]),
]

type Form = readonly [text: string, write: (f: FunctionBuilder) => void]

function each<Name extends string, Entry extends Instruction>(
  table: { readonly [N in Name]: Entry },
  forms: (name: Name, entry: Entry) => Form[],
): Case[] {
  const names = Object.keys(table) as Name[]
  return names.flatMap((name) => {
    const { params, results } = table[name]
    return forms(name, table[name]).map(([text, write]) => ({ text, params, results, write }))
  })
}

/** Atomics have their natural alignment only. */
function alignmentCases(
  name: string,
  log2Bytes: number,
  write: (f: FunctionBuilder, alignment: number) => void,
  suffix = '',
): Form[] {
  if (name.includes('atomic')) return []
  return Array.from({ length: log2Bytes + 1 }, (_, i) => [
    `${name} offset=64 align=${2 ** i}${suffix}`,
    (f) => write(f, 2 ** i),
  ])
}

const ours = ((): Uint8Array<ArrayBuffer> => {
  const m = wasmModule({ check: true })
  m.memory({ minimumPages: 1, maximumPages: 2, shared: true })
  for (const { text, params, results, write } of cases) {
    const f = m.func(text, { params, results })
    for (const param of f.params) f.get(param)
    write(f)
  }
  return m.encode()
})()

test('the table names each code once', () => {
  const tables = [plainInstructions, memoryInstructions, laneInstructions, memoryLaneInstructions]
  const codes = tables.flatMap((table) => Object.values<Instruction>(table).map(({ code }) => code))
  assert.equal(new Set(codes).size, codes.length)
  assert.ok(codes.length > 420)
})

test('every instruction in every form has the bytes and the stack signature that wabt gives it', () => {
  const functions = cases.map(({ text, params, results }) => {
    const gets = params.map((_, i) => `local.get ${i} `).join('')
    return `(func (param ${params.join(' ')}) (result ${results.join(' ')}) ${gets} ${text})`
  })
  const expected = functionBodies(wabtAssemble(`(module (memory 1 2 shared) ${functions.join('\n')})`))
  const found = functionBodies(ours)
  assert.equal(found.length, cases.length)
  for (const [i, { text }] of cases.entries()) assert.equal(found[i], expected[i], text)
})

test('a module with every instruction is valid for wabt and for this engine', () => {
  wabtValidate(ours)
  if (wasmFeatures().relaxedSimd) assert.ok(WebAssembly.validate(ours))
})
