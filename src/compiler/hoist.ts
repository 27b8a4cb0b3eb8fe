// Index arithmetic, each part computed in the outermost loop where its indices are known.
import { type Affine, add, affineKey, constant, indexOf, namesIn } from '../index/index.ts'
import type { Statement, Value } from './ir.ts'

interface Level {
  readonly result: Statement[]
  readonly known: Map<string, string>
}

/** The same statements with offsets split by loop: an inner loop adds only what depends on its own index. */
export function hoistOffsets(body: readonly Statement[]): readonly Statement[] {
  const levels: Level[] = []
  const depthOf = new Map<string, number>()
  let names = 0

  const split = (affine: Affine): Affine => {
    const innermost = levels.length - 1
    const parts: Affine[] = Array.from({ length: innermost + 1 }, () => constant(0))
    for (const term of affine.terms) {
      let depth = 0
      for (const name of namesIn({ constant: 0, terms: [term] })) depth = Math.max(depth, depthOf.get(name) ?? 0)
      parts[depth] = add(parts[depth], { constant: 0, terms: [term] })
    }
    let sum = constant(0)
    for (let depth = 0; depth < innermost; depth++) {
      if (parts[depth].terms.length === 0) continue
      sum = add(sum, parts[depth])
      const trivial = sum.terms.length === 1 && sum.terms[0].coefficient === 1 && sum.terms[0].atom.kind === 'index'
      if (!trivial) sum = indexOf(nameAt(depth, sum))
    }
    return add(add(sum, parts[innermost]), constant(affine.constant))
  }
  const nameAt = (depth: number, sum: Affine): string => {
    const { known, result } = levels[depth]
    const key = affineKey(sum)
    let name = known.get(key)
    if (name === undefined) {
      name = `o${names++}`
      known.set(key, name)
      depthOf.set(name, depth)
      result.push({ kind: 'let', name, value: { kind: 'index', type: 'i32', of: sum } })
    }
    return name
  }
  const value = (old: Value): Value => {
    switch (old.kind) {
      case 'index':
        return { ...old, of: split(old.of) }
      case 'load':
        return { ...old, offset: split(old.offset), guard: old.guard && value(old.guard) }
      case 'operation':
        return { ...old, args: old.args.map(value) }
      default:
        return old
    }
  }
  const block = (statements: readonly Statement[]): readonly Statement[] => {
    const result: Statement[] = []
    levels.push({ result, known: new Map() })
    for (const statement of statements) {
      switch (statement.kind) {
        case 'loop': {
          depthOf.set(statement.index, levels.length)
          const inner = block(statement.body)
          result.push({ ...statement, body: inner })
          break
        }
        case 'let':
          depthOf.set(statement.name, levels.length - 1)
          result.push({ ...statement, value: value(statement.value) })
          break
        case 'store':
          result.push({ ...statement, offset: split(statement.offset), value: value(statement.value) })
          break
        case 'accumulate':
          result.push({ ...statement, value: value(statement.value), where: statement.where && value(statement.where) })
          break
        case 'accumulateWinner':
          result.push({
            ...statement,
            value: value(statement.value),
            position: value(statement.position),
            where: statement.where && value(statement.where),
          })
          break
        case 'contraction': {
          const { a, b, c, plus } = statement
          const moved = {
            a: { ...a, base: split(a.base) },
            b: { ...b, base: split(b.base) },
            c: { ...c, base: split(c.base) },
            ...(plus && { plus: { ...plus, base: split(plus.base) } }),
          }
          result.push({ ...statement, ...moved })
          break
        }
        default:
          result.push(statement)
      }
    }
    levels.pop()
    return result
  }
  return block(body)
}
