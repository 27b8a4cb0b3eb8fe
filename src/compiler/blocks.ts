// A kernel's code while it grows: nested blocks, and every value computed once, in the outermost block where it can be.
import {
  type Affine,
  affineKey,
  constant,
  type Interval,
  type Intervals,
  indexOf,
  isConstant,
  namesIn,
} from '../index/index.ts'
import type { LoopMode, Operation, ScalarType, Statement, Value } from './ir.ts'

interface Block {
  readonly statements: Statement[]
  /** Values at hand in this block, by what they compute. */
  readonly known: Map<string, Value>
}

/**
 * Builds the body of one kernel. Operations and loads are bound to names as they are made; operands are always constants,
 * variables or index expressions, so a value's home is the innermost block that its operands' names belong to.
 */
export class KernelBuilder {
  readonly #blocks: Block[] = [{ statements: [], known: new Map() }]
  readonly #depthOf = new Map<string, number>()
  readonly #intervals = new Map<string, Interval>()
  #names = 0

  get intervals(): Intervals {
    return this.#intervals
  }

  get body(): readonly Statement[] {
    return this.#blocks[0].statements
  }

  fresh(prefix: string): string {
    return `${prefix}${this.#names++}`
  }

  /** Runs `inside` in a new loop; the index it is given runs from `start`. */
  loop(extent: number, start: number, mode: LoopMode, inside: (index: Affine) => void): void {
    // One round is no loop: its index is a number, and what depends on it is decided now.
    if (extent === 1) {
      inside(constant(start))
      return
    }
    const index = this.fresh('i')
    const block: Block = { statements: [], known: new Map() }
    this.#blocks.push(block)
    this.#declare(index, { min: start, max: start + extent - 1 })
    inside(indexOf(index))
    this.#blocks.pop()
    this.push({ kind: 'loop', index, start, extent, mode, body: block.statements })
  }

  /** Appends to the innermost block. */
  push(statement: Statement): void {
    this.#blocks[this.#blocks.length - 1].statements.push(statement)
  }

  accumulator(type: ScalarType, initial: number): Value & { kind: 'variable' } {
    const name = this.fresh('a')
    this.#declare(name)
    this.push({ kind: 'accumulator', name, type, initial })
    return { kind: 'variable', type, name }
  }

  operation(type: ScalarType, op: Operation, ...args: Value[]): Value {
    const known = decided(op, args)
    if (known) return known
    return this.#bind(`${op}:${type}(${args.map(valueKey).join()})`, { kind: 'operation', type, op, args }, args)
  }

  load(type: ScalarType, buffer: string, offset: Affine, guard: Value | null): Value {
    if (guard?.kind === 'constant')
      return guard.value === 0 ? constantValue(type, 0) : this.load(type, buffer, offset, null)
    const key = `${buffer}[${affineKey(offset)}]${guard ? valueKey(guard) : ''}`
    const operands: Value[] = [indexValue(offset)]
    if (guard) operands.push(guard)
    return this.#bind(key, { kind: 'load', type, buffer, offset, guard }, operands)
  }

  /** A load that stays in the innermost block: what it reads is written anew in each turn of the loops around. */
  loadHere(type: ScalarType, buffer: string, offset: Affine): Value {
    const name = this.fresh('v')
    this.#declare(name)
    this.push({ kind: 'let', name, value: { kind: 'load', type, buffer, offset, guard: null } })
    return { kind: 'variable', type, name }
  }

  /** An i32 value as an index that index expressions can be made of. */
  asIndex(value: Value, interval: Interval): Affine {
    if (value.kind === 'index') return value.of
    if (value.kind === 'constant') return constant(value.value)
    if (value.kind !== 'variable') throw new Error('only integers that are bound to a name can be indices')
    this.#intervals.set(value.name, interval)
    return indexOf(value.name)
  }

  /** Remembers a value under a key as long as what it is made of is in scope; `make` is called when it is not at hand. */
  remember(key: string, make: () => Value): Value {
    const found = this.#find(key)
    if (found) return found
    const value = make()
    this.#blocks[this.#depth(value)].known.set(key, value)
    return value
  }

  #bind(key: string, value: Value, operands: readonly Value[]): Value {
    const found = this.#find(key)
    if (found) return found
    const depth = operands.reduce((deepest, operand) => Math.max(deepest, this.#depth(operand)), 0)
    const name = this.fresh('v')
    this.#depthOf.set(name, depth)
    const block = this.#blocks[depth]
    block.statements.push({ kind: 'let', name, value })
    const variable: Value = { kind: 'variable', type: value.type, name }
    block.known.set(key, variable)
    return variable
  }

  #find(key: string): Value | undefined {
    for (const block of this.#blocks) {
      const found = block.known.get(key)
      if (found) return found
    }
    return undefined
  }

  #declare(name: string, interval?: Interval): void {
    this.#depthOf.set(name, this.#blocks.length - 1)
    if (interval) this.#intervals.set(name, interval)
  }

  #depth(value: Value): number {
    if (value.kind === 'variable') return this.#depthOf.get(value.name)!
    if (value.kind !== 'index') return 0
    let depth = 0
    for (const name of namesIn(value.of)) depth = Math.max(depth, this.#depthOf.get(name)!)
    return depth
  }
}

export const constantValue = (type: ScalarType, value: number): Value => ({ kind: 'constant', type, value })

export const indexValue = (of: Affine): Value =>
  isConstant(of) ? constantValue('i32', of.constant) : { kind: 'index', type: 'i32', of }

/** What a condition on constants comes to, and what it chooses; null where that is not known yet. */
function decided(op: Operation, [first, second, third]: readonly Value[]): Value | null {
  if (first.kind !== 'constant') return null
  const truth = (is: boolean): Value => constantValue('bool', is ? 1 : 0)
  const isSet = first.value !== 0
  switch (op) {
    case 'lt':
      return second.kind === 'constant' ? truth(first.value < second.value) : null
    case 'le':
      return second.kind === 'constant' ? truth(first.value <= second.value) : null
    case 'eq':
      return second.kind === 'constant' ? truth(first.value === second.value) : null
    case 'ne':
      return second.kind === 'constant' ? truth(first.value !== second.value) : null
    case 'not':
      return truth(!isSet)
    case 'and':
      return isSet ? second : first
    case 'or':
      return isSet ? first : second
    case 'select':
      return isSet ? second : third
    default:
      return null
  }
}

function valueKey(value: Value): string {
  switch (value.kind) {
    case 'constant':
      return `${value.type}${Object.is(value.value, -0) ? '-0' : value.value}`
    case 'variable':
      return value.name
    case 'index':
      return affineKey(value.of)
    default:
      throw new Error('operands are constants, variables and index expressions')
  }
}
