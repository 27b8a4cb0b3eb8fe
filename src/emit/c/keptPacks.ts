// Operands that several kernels multiply by, and none writes in between, are packed by the first of them.
import { accessesOf } from '../../compiler/divisions.ts'
import type { ContractionStatement, Kernel, PackStatement, Panel, Statement } from '../../compiler/ir.ts'
import { affineKey } from '../../index/index.ts'
import { readsInPlace, summandsOf } from './floatPlan.ts'
import { type Machine, type Plan, packingCost, panelColumns, panelsOf, planOf } from './plan.ts'
import { offsetsKey } from './tables.ts'

/** From this part of a product's cost on, packing is worth memory of its own. */
const leastShare = 0.02
/** Numbers that are kept, at most (8 MiB), for all operands together: more would rather be read from where it lies. */
const mostKept = 2097152

interface Use {
  readonly statement: ContractionStatement
  readonly side: 'a' | 'b'
}

interface Kept {
  readonly buffer: string
  readonly size: number
  readonly uses: Use[]
}

/**
 * The same kernels, with a `pack` statement in the first of those that multiply by one operand and its name, one of `names`,
 * in all of them.
 */
export function keepPacks(
  kernels: readonly Kernel[],
  machine: Machine,
): { readonly kernels: readonly Kernel[]; readonly names: readonly string[] } {
  const kept = keptOperands(kernels, machine)
  const changed = new Map<Statement, readonly Statement[]>()
  kept.forEach(({ uses }, number) => {
    for (const [position, { statement, side }] of uses.entries()) {
      const panel: Panel = { ...statement[side], packed: nameOf(number) }
      const pack: PackStatement = { kind: 'pack', name: nameOf(number), side, panel: statement[side] }
      const product = { ...statement, [side]: panel }
      changed.set(statement, position === 0 ? [pack, product] : [product])
    }
  })
  const body = ({ body }: Kernel) => body.flatMap((statement) => changed.get(statement) ?? [statement])
  return { kernels: kernels.map((kernel) => ({ ...kernel, body: body(kernel) })), names: [...kept.keys()].map(nameOf) }
}

const nameOf = (number: number): string => `kept${number}`

function keptOperands(kernels: readonly Kernel[], machine: Machine): readonly Kept[] {
  const all: Kept[] = []
  const open = new Map<string, Kept>()
  // A product in a loop has packed what does not move with it.
  for (const statement of kernels.flatMap(({ body }) => body)) {
    const plan = statement.kind === 'contraction' && statement.parallel ? planOf(statement, machine) : null
    if (statement.kind === 'contraction' && plan && isWorthKeeping(plan)) {
      const key = keyOf(plan, machine)
      const known = open.get(key) ?? {
        buffer: plan.b.buffer,
        size: panelsOf(plan) * panelColumns(plan) * plan.k,
        uses: [],
      }
      if (known.uses.length === 0) all.push(known)
      known.uses.push({ statement, side: plan.b === statement.b ? 'b' : 'a' })
      open.set(key, known)
    }
    const written = new Set(accessesOf(statement).flatMap(({ isWrite, buffer }) => (isWrite ? [buffer] : [])))
    for (const [key, { buffer }] of open) if (written.has(buffer)) open.delete(key)
  }
  let left = mostKept
  return all.filter(({ uses, size }) => {
    const fits = uses.length > 1 && size <= left
    if (fits) left -= size
    return fits
  })
}

const isWorthKeeping = (plan: Plan): boolean =>
  plan.dots === null &&
  plan.b.packed === null &&
  !readsInPlace(plan) &&
  packingCost(plan, plan.width) >= leastShare * productCost(plan)

/** Cycles, roughly. */
const productCost = ({ m, n, k, width }: Plan): number => m * Math.ceil(n / width) * k

/** Equal for operands that are packed alike. */
function keyOf(plan: Plan, { cache }: Machine): string {
  const { b, n, k, tile, bf16 } = plan
  const { buffer, base, rows, columns } = b
  const sums = bf16 ? 'bf16' : summandsOf(plan, cache)
  return [buffer, affineKey(base), n, k, tile.vectors, sums, offsetsKey(rows), offsetsKey(columns)].join(';')
}
