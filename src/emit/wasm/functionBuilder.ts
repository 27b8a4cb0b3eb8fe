import { EinfoldError } from '../../errors.ts'
import { ByteWriter } from './byteWriter.ts'
import type {
  LaneInstructionName,
  MemoryInstructionName,
  MemoryLaneInstructionName,
  PlainInstruction,
  ValueType,
} from './opcodes.ts'
import { laneInstructions, memoryInstructions, memoryLaneInstructions, plainInstructions } from './opcodes.ts'
import { StackCheck } from './stackCheck.ts'

export interface FunctionType {
  readonly params?: readonly ValueType[]
  readonly results?: readonly ValueType[]
}

/** What `call` accepts: an imported function, or a builder, whether its body is written yet or not. */
export interface Callable {
  readonly index: number
  readonly type: FunctionType
}

export interface Local {
  readonly index: number
  readonly type: ValueType
}

export interface Global {
  readonly index: number
  readonly type: ValueType
}

/** Bytes of the module that memory.init copies from. */
export interface PassiveData {
  readonly dataIndex: number
}

/** Where a branch goes: the end of a block or an if, the beginning of a loop. */
export interface Label {
  readonly level: number
  readonly types: readonly ValueType[]
}

type Body = (label: Label) => void

export const valueTypeCodes: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
}

/** What a function needs of the module it is in. */
export interface ModuleContext {
  readonly check: boolean
  typeIndex(type: FunctionType): number
}

/** Writes the body of one function, instruction by instruction. Every method returns the builder. */
export class FunctionBuilder implements Callable {
  readonly name: string
  readonly index: number
  readonly type: FunctionType
  readonly params: readonly Local[]
  readonly #module: ModuleContext
  readonly #locals: Local[] = []
  readonly #labels: Label[] = []
  readonly #code = new ByteWriter(1024)
  readonly #stack: StackCheck | undefined

  /** Use `wasmModule().func(...)`. */
  constructor(module: ModuleContext, name: string, index: number, type: FunctionType) {
    this.#module = module
    this.name = name
    this.index = index
    this.type = type
    this.params = (type.params ?? []).map((param, i) => ({ index: i, type: param }))
    this.#stack = module.check ? new StackCheck(name, type.results ?? []) : undefined
  }

  /** A new local variable, 0 at the function's entry. */
  local(type: ValueType): Local {
    const local = { index: this.params.length + this.#locals.length, type }
    this.#locals.push(local)
    return local
  }

  get(local: Local): this {
    this.#stack?.apply('local.get', [], [local.type])
    return this.#withIndex(0x20, local.index)
  }

  set(local: Local): this {
    this.#stack?.apply('local.set', [local.type], [])
    return this.#withIndex(0x21, local.index)
  }

  /** Sets the local and leaves the value on the stack. */
  tee(local: Local): this {
    this.#stack?.apply('local.tee', [local.type], [local.type])
    return this.#withIndex(0x22, local.index)
  }

  getGlobal(global: Global): this {
    this.#stack?.apply('global.get', [], [global.type])
    return this.#withIndex(0x23, global.index)
  }

  setGlobal(global: Global): this {
    this.#stack?.apply('global.set', [global.type], [])
    return this.#withIndex(0x24, global.index)
  }

  i32Const(value: number): this {
    this.#stack?.apply('i32.const', [], ['i32'])
    this.#code.byte(0x41)
    this.#code.signed(value)
    return this
  }

  i64Const(value: bigint): this {
    this.#stack?.apply('i64.const', [], ['i64'])
    this.#code.byte(0x42)
    this.#code.signed64(value)
    return this
  }

  f32Const(value: number): this {
    this.#stack?.apply('f32.const', [], ['f32'])
    this.#code.byte(0x43)
    this.#code.f32(value)
    return this
  }

  f64Const(value: number): this {
    this.#stack?.apply('f64.const', [], ['f64'])
    this.#code.byte(0x44)
    this.#code.f64(value)
    return this
  }

  /** A vector constant given as 16 bytes, 4 floats, 2 doubles or 4 integers in a typed array. */
  v128Const(lanes: Uint8Array | Float32Array | Float64Array | Int32Array): this {
    if (lanes.byteLength !== 16) {
      throw new EinfoldError('wasm-immediate', `v128.const takes 16 bytes, not ${lanes.byteLength}`)
    }
    this.#stack?.apply('v128.const', [], ['v128'])
    this.#opcode(0xfd_000c)
    this.#code.bytes(new Uint8Array(lanes.buffer, lanes.byteOffset, 16))
    return this
  }

  /** An instruction without immediates: arithmetic, comparison, conversion, splat, bitselect, … */
  op(name: PlainInstruction): this {
    const { code, params, results } = plainInstructions[name]
    this.#stack?.apply(name, params, results)
    return this.#opcode(code)
  }

  /**
   * A load, a store or an atomic access at `offset` bytes beyond the address on the stack. `alignment` in bytes is a
   * promise about the whole address that may be broken except by atomics; it is the natural one unless given.
   */
  memory(name: MemoryInstructionName, offset = 0, alignment?: number): this {
    const { code, params, results, log2Bytes } = memoryInstructions[name]
    this.#stack?.apply(name, params, results)
    this.#opcode(code)
    return this.#memoryImmediate(name, log2Bytes, offset, alignment)
  }

  /** Extracts or replaces lane number `lane`. */
  lane(name: LaneInstructionName, lane: number): this {
    const { code, params, results, lanes } = laneInstructions[name]
    this.#stack?.apply(name, params, results)
    this.#opcode(code)
    return this.#laneImmediate(name, lane, lanes)
  }

  /** Loads or stores lane number `lane`: the address lies under the vector on the stack. */
  memoryLane(name: MemoryLaneInstructionName, lane: number, offset = 0, alignment?: number): this {
    const { code, params, results, lanes, log2Bytes } = memoryLaneInstructions[name]
    this.#stack?.apply(name, params, results)
    this.#opcode(code)
    this.#memoryImmediate(name, log2Bytes, offset, alignment)
    return this.#laneImmediate(name, lane, lanes)
  }

  /** i8x16.shuffle: byte i of the result is byte `bytes[i]` of the first vector, or from 16 up of the second. */
  shuffle(bytes: readonly number[]): this {
    if (bytes.length !== 16) throw new EinfoldError('wasm-immediate', `shuffle takes 16 bytes, not ${bytes.length}`)
    this.#stack?.apply('i8x16.shuffle', ['v128', 'v128'], ['v128'])
    this.#opcode(0xfd_000d)
    for (const byte of bytes) this.#laneImmediate('i8x16.shuffle', byte, 32)
    return this
  }

  /** A shuffle of 32-bit lanes: lane i of the result is lane `lanes[i]` of the first vector, or from 4 up of the second. */
  shuffle32(lanes: readonly [number, number, number, number]): this {
    return this.shuffle(lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]))
  }

  /** A block: a branch to its label leaves it. */
  block(body: Body): this
  block(type: FunctionType, body: Body): this
  block(typeOrBody: FunctionType | Body, body?: Body): this {
    const [type, inner] = typedBody(typeOrBody, body)
    this.#stack?.open('block', type.params ?? [], type.results ?? [])
    return this.#nest(0x02, type, type.results ?? [], inner)
  }

  /** A loop: a branch to its label starts the next turn; running off its end leaves it. */
  loop(body: Body): this
  loop(type: FunctionType, body: Body): this
  loop(typeOrBody: FunctionType | Body, body?: Body): this {
    const [type, inner] = typedBody(typeOrBody, body)
    this.#stack?.open('loop', type.params ?? [], type.results ?? [])
    return this.#nest(0x03, type, type.params ?? [], inner)
  }

  /** Takes an i32 off the stack and runs `then` where it is not 0, else `otherwise`. */
  if(then: Body, otherwise?: Body): this
  if(type: FunctionType, then: Body, otherwise?: Body): this
  if(typeOrThen: FunctionType | Body, ...bodies: (Body | undefined)[]): this {
    const type = typeof typeOrThen === 'function' ? {} : typeOrThen
    const [then, otherwise] = typeof typeOrThen === 'function' ? [typeOrThen, ...bodies] : bodies
    this.#stack?.apply('if', ['i32'], [])
    this.#stack?.open('if', type.params ?? [], type.results ?? [])
    return this.#nest(0x04, type, type.results ?? [], (label) => {
      then!(label)
      if (!otherwise) return
      this.#stack?.otherwise()
      this.#code.byte(0x05)
      otherwise(label)
    })
  }

  br(label: Label): this {
    this.#stack?.apply('br', label.types, [])
    this.#stack?.never()
    return this.#withIndex(0x0c, this.#depth(label))
  }

  /** Takes an i32 off the stack and branches where it is not 0. */
  brIf(label: Label): this {
    this.#stack?.apply('br_if', [...label.types, 'i32'], label.types)
    return this.#withIndex(0x0d, this.#depth(label))
  }

  /** Takes an i32 off the stack and branches to the label of that number, or beyond them to `otherwise`. */
  brTable(labels: readonly Label[], otherwise: Label): this {
    this.#stack?.apply('br_table', [...otherwise.types, 'i32'], [])
    this.#stack?.never()
    this.#withIndex(0x0e, labels.length)
    for (const label of [...labels, otherwise]) this.#code.unsigned(this.#depth(label))
    return this
  }

  return(): this {
    this.#stack?.apply('return', this.type.results ?? [], [])
    this.#stack?.never()
    return this.#opcode(0x0f)
  }

  unreachable(): this {
    this.#stack?.never()
    return this.#opcode(0x00)
  }

  call(target: Callable): this {
    this.#stack?.apply('call', target.type.params ?? [], target.type.results ?? [])
    return this.#withIndex(0x10, target.index)
  }

  drop(): this {
    this.#stack?.applyAny('drop')
    return this.#opcode(0x1a)
  }

  /** Of (a, b, condition) on the stack leaves a where the condition is not 0, else b. */
  select(): this {
    this.#stack?.applyAny('select')
    return this.#opcode(0x1b)
  }

  /** Pages of 64 KiB the memory has. */
  memorySize(): this {
    this.#stack?.apply('memory.size', [], ['i32'])
    return this.#withIndex(0x3f, 0)
  }

  /** Grows the memory by the pages on the stack; leaves the old size, or -1 when it cannot. */
  memoryGrow(): this {
    this.#stack?.apply('memory.grow', ['i32'], ['i32'])
    return this.#withIndex(0x40, 0)
  }

  /** (address, byte, count) */
  memoryFill(): this {
    this.#stack?.apply('memory.fill', ['i32', 'i32', 'i32'], [])
    return this.#withIndex(0xfc_000b, 0)
  }

  /** (to, from, count); the two may overlap. */
  memoryCopy(): this {
    this.#stack?.apply('memory.copy', ['i32', 'i32', 'i32'], [])
    this.#withIndex(0xfc_000a, 0)
    this.#code.byte(0)
    return this
  }

  /** (address, offset in the data, count) */
  memoryInit(data: PassiveData): this {
    this.#stack?.apply('memory.init', ['i32', 'i32', 'i32'], [])
    this.#withIndex(0xfc_0008, data.dataIndex)
    this.#code.byte(0)
    return this
  }

  /** Orders all accesses before it before all after it. */
  atomicFence(): this {
    return this.#withIndex(0xfe_0003, 0)
  }

  /** The function as the code section holds it. The module calls this; nothing may be written afterwards. */
  encode(): Uint8Array {
    this.#stack?.close('end')
    this.#code.byte(0x0b)
    const body = new ByteWriter(this.#code.length + 64)
    const runs = runsOfType(this.#locals)
    body.unsigned(runs.length)
    for (const { type, count } of runs) {
      body.unsigned(count)
      body.byte(valueTypeCodes[type])
    }
    body.bytes(this.#code.view())
    return body.view()
  }

  #opcode(code: number): this {
    if (code > 0xff) {
      this.#code.byte(code >> 16)
      this.#code.unsigned(code & 0xffff)
    } else this.#code.byte(code)
    return this
  }

  #withIndex(code: number, index: number): this {
    this.#opcode(code)
    this.#code.unsigned(index)
    return this
  }

  #memoryImmediate(name: string, log2Bytes: number, offset: number, alignment?: number): this {
    const log2Alignment = alignment === undefined ? log2Bytes : Math.log2(alignment)
    const atomic = name.includes('atomic')
    if (!Number.isInteger(log2Alignment) || log2Alignment > log2Bytes || (atomic && log2Alignment !== log2Bytes)) {
      const accepted = atomic ? `exactly ${2 ** log2Bytes}` : `a power of two up to ${2 ** log2Bytes}`
      throw new EinfoldError('wasm-immediate', `${name} takes an alignment of ${accepted} bytes, not ${alignment}`)
    }
    if (!Number.isInteger(offset) || offset < 0 || offset >= 2 ** 32) {
      throw new EinfoldError('wasm-immediate', `${name} takes an offset from 0 to 2^32 - 1, not ${offset}`)
    }
    this.#code.byte(log2Alignment)
    this.#code.unsigned(offset)
    return this
  }

  #laneImmediate(name: string, lane: number, lanes: number): this {
    if (!Number.isInteger(lane) || lane < 0 || lane >= lanes) {
      throw new EinfoldError('wasm-immediate', `${name} takes a lane from 0 to ${lanes - 1}, not ${lane}`)
    }
    this.#code.byte(lane)
    return this
  }

  #nest(code: number, type: FunctionType, branchTypes: readonly ValueType[], body: Body): this {
    this.#code.byte(code)
    this.#blockType(type)
    const label = { level: this.#labels.length, types: branchTypes }
    this.#labels.push(label)
    body(label)
    this.#labels.pop()
    this.#stack?.close('end')
    this.#code.byte(0x0b)
    return this
  }

  #blockType({ params = [], results = [] }: FunctionType): void {
    if (params.length === 0 && results.length === 0) this.#code.byte(0x40)
    else if (params.length === 0 && results.length === 1) this.#code.byte(valueTypeCodes[results[0]])
    else this.#code.signed(this.#module.typeIndex({ params, results }))
  }

  #depth(label: Label): number {
    if (this.#labels[label.level] !== label) {
      throw new EinfoldError('wasm-label', `a branch in '${this.name}' goes to a block that is not open around it`)
    }
    return this.#labels.length - 1 - label.level
  }
}

function typedBody(typeOrBody: FunctionType | Body, body?: Body): [FunctionType, Body] {
  return typeof typeOrBody === 'function' ? [{}, typeOrBody] : [typeOrBody, body!]
}

function runsOfType(locals: readonly Local[]): { type: ValueType; count: number }[] {
  const runs: { type: ValueType; count: number }[] = []
  for (const { type } of locals) {
    const last = runs.at(-1)
    if (last?.type === type) last.count++
    else runs.push({ type, count: 1 })
  }
  return runs
}
