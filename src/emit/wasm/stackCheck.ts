import { EinfoldError } from '../../errors.ts'
import type { ValueType } from './opcodes.ts'

// Follows the validation algorithm of the specification's appendix: a stack of value types and a stack of open blocks.
// Below an unconditional branch the stack is unknown, and every pop that finds it empty succeeds.

interface OpenBlock {
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
  /** Height of the value stack where the block begins. */
  readonly height: number
  unreachable: boolean
}

/** Follows the types on the stack of one function and throws where an instruction does not find what it takes. */
export class StackCheck {
  readonly #functionName: string
  readonly #values: (ValueType | 'unknown')[] = []
  readonly #blocks: OpenBlock[] = []
  #instructions = 0

  constructor(functionName: string, results: readonly ValueType[]) {
    this.#functionName = functionName
    this.#open([], results)
  }

  apply(instruction: string, params: readonly ValueType[], results: readonly ValueType[]): void {
    this.#instructions++
    this.#popAll(instruction, params)
    for (const type of results) this.#values.push(type)
  }

  /** Takes any one value off the stack, or with `same` another of its type too and puts one back: drop and select. */
  applyAny(instruction: 'drop' | 'select'): void {
    this.#instructions++
    if (instruction === 'drop') {
      this.#pop(instruction)
      return
    }
    this.#pop(instruction, 'i32')
    const second = this.#pop(instruction)
    const first = this.#pop(instruction, second === 'unknown' ? undefined : second)
    this.#values.push(second === 'unknown' ? first : second)
  }

  open(instruction: string, params: readonly ValueType[], results: readonly ValueType[]): void {
    this.#instructions++
    this.#popAll(instruction, params)
    this.#open(params, results)
  }

  otherwise(): void {
    const { params, results } = this.#close('else')
    this.#open(params, results)
  }

  close(instruction: string): void {
    const { results } = this.#close(instruction)
    this.#values.push(...results)
  }

  /** The rest of the block cannot be reached: after br, br_table, return, unreachable. */
  never(): void {
    const block = this.#blocks.at(-1)!
    this.#values.length = block.height
    block.unreachable = true
  }

  #open(params: readonly ValueType[], results: readonly ValueType[]): void {
    this.#blocks.push({ params, results, height: this.#values.length, unreachable: false })
    this.#values.push(...params)
  }

  #close(instruction: string): OpenBlock {
    const block = this.#blocks.at(-1)!
    this.#popAll(instruction, block.results)
    if (this.#values.length > block.height) {
      const left = this.#values.slice(block.height).join(', ')
      throw this.#error(instruction, `the block leaves [${left}] on the stack beyond its results`)
    }
    this.#blocks.pop()
    return block
  }

  #popAll(instruction: string, params: readonly ValueType[]): void {
    for (let i = params.length - 1; i >= 0; i--) this.#pop(instruction, params[i])
  }

  #pop(instruction: string, expected?: ValueType): ValueType | 'unknown' {
    const block = this.#blocks.at(-1)!
    if (this.#values.length === block.height) {
      if (block.unreachable) return expected ?? 'unknown'
      throw this.#error(instruction, `it takes ${expected ?? 'a value'}, but the block's stack is empty`)
    }
    const found = this.#values.pop()!
    if (expected && found !== 'unknown' && found !== expected) {
      const stack = [...this.#values.slice(block.height), found].join(', ')
      throw this.#error(instruction, `it takes ${expected}, but ${found} is on top of the stack [${stack}]`)
    }
    return found
  }

  #error(instruction: string, problem: string): EinfoldError {
    const place = `instruction ${this.#instructions} (${instruction}) of the WebAssembly function '${this.#functionName}'`
    return new EinfoldError('wasm-stack', `${place}: ${problem}`)
  }
}
