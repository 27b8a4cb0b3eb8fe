// Statements with their offsets, indices or names changed, all else as it was.
import type { Affine } from '../index/index.ts'
import type { Panel, Statement, Value } from './ir.ts'

export interface Changes {
  /** Where a buffer is read or written. */
  offset?(buffer: string, at: Affine): Affine
  /** An integer that is a value. */
  index?(of: Affine): Affine
  /** What a loop's index, a value, an accumulator or a packed operand is called. */
  name?(name: string): string
  buffer?(name: string): string
  /** An operand or the result of a product, in place of what else is asked for. */
  panel?(panel: Panel): Panel
}

export function mapStatements(body: readonly Statement[], changes: Changes): readonly Statement[] {
  const { offset = (_, at) => at, index = (of) => of, name = (same) => same, buffer = (same) => same } = changes
  const value = (old: Value): Value => {
    switch (old.kind) {
      case 'variable':
        return { ...old, name: name(old.name) }
      case 'index':
        return { ...old, of: index(old.of) }
      case 'load':
        return {
          ...old,
          buffer: buffer(old.buffer),
          offset: offset(old.buffer, old.offset),
          guard: old.guard && value(old.guard),
        }
      case 'operation':
        return { ...old, args: old.args.map(value) }
      default:
        return old
    }
  }
  const ownPanel = (old: Panel): Panel => ({
    ...old,
    buffer: buffer(old.buffer),
    base: offset(old.buffer, old.base),
    packed: old.packed === null ? null : name(old.packed),
  })
  const { panel = ownPanel } = changes
  const change = (statement: Statement): Statement => {
    switch (statement.kind) {
      case 'loop':
        return { ...statement, index: name(statement.index), body: statement.body.map(change) }
      case 'let':
        return { ...statement, name: name(statement.name), value: value(statement.value) }
      case 'accumulator':
        return { ...statement, name: name(statement.name) }
      case 'store':
        return {
          ...statement,
          buffer: buffer(statement.buffer),
          offset: offset(statement.buffer, statement.offset),
          value: value(statement.value),
        }
      case 'accumulate':
        return {
          ...statement,
          name: name(statement.name),
          value: value(statement.value),
          where: statement.where && value(statement.where),
        }
      case 'accumulateWinner':
        return {
          ...statement,
          name: name(statement.name),
          positionName: name(statement.positionName),
          value: value(statement.value),
          position: value(statement.position),
          where: statement.where && value(statement.where),
        }
      case 'contraction':
        return {
          ...statement,
          a: panel(statement.a),
          b: panel(statement.b),
          c: panel(statement.c),
          ...(statement.plus && { plus: panel(statement.plus) }),
        }
      case 'pack':
        return { ...statement, name: name(statement.name), panel: panel(statement.panel) }
    }
  }
  return body.map(change)
}
