// Accumulators that a lanes loop adds to from inside: each lane of each copy adds up its own part, and the parts are put
// together in a fixed order when the outermost loop around is done.
import type { AccumulateOperator, LoopStatement, ScalarType, Statement } from '../../compiler/ir.ts'
import { combination, combineScalar, identityOf } from './accumulators.ts'
import type { Local } from './encoder.ts'
import type { KernelState } from './kernelState.ts'
import { giveBack, takeLocal, withTemporary } from './kernelState.ts'
import { copiesOf, runsInVectors } from './statements.ts'
import { pushVectorConstant } from './vectorCode.ts'

interface Started {
  readonly name: string
  readonly op: AccumulateOperator
  readonly locals: readonly Local[]
}

/** Makes vectors for the accumulators in scope that lanes loops in this loop, or it itself, accumulate into. */
export function startPartials(k: KernelState, loop: LoopStatement): readonly Started[] {
  if (k.lanes) return []
  const needed = new Map<string, { op: AccumulateOperator; copies: number }>()
  collect(k, loop, needed)
  return [...needed].map(([name, { op, copies }]) => {
    const { type } = k.bindings.get(name)!
    const locals = Array.from({ length: copies }, () => {
      const local = takeLocal(k, 'v128')
      pushVectorConstant(k, type, identityOf(op, type))
      k.f.set(local)
      return local
    })
    k.partials.set(name, locals)
    return { name, op, locals }
  })
}

function collect(
  k: KernelState,
  loop: LoopStatement,
  needed: Map<string, { op: AccumulateOperator; copies: number }>,
): void {
  if (loop.mode === 'lanes' && runsInVectors(k, loop)) {
    const copies = copiesOf(loop)
    for (const { name, op } of accumulates(loop.body)) {
      if (!k.bindings.has(name) || k.partials.has(name) || isBoundIn(loop.body, name)) continue
      needed.set(name, { op, copies: Math.max(copies, needed.get(name)?.copies ?? 1) })
    }
    return
  }
  for (const statement of loop.body) {
    if (statement.kind !== 'loop') continue
    const inner = new Map<string, { op: AccumulateOperator; copies: number }>()
    collect(k, statement, inner)
    for (const [name, { op, copies }] of inner) {
      if (isBoundIn(loop.body, name)) continue
      needed.set(name, { op, copies: Math.max(copies, needed.get(name)?.copies ?? 1) })
    }
  }
}

function accumulates(body: readonly Statement[]): (Statement & { kind: 'accumulate' })[] {
  return body.flatMap((statement) => {
    if (statement.kind === 'accumulate') return [statement]
    return statement.kind === 'loop' ? accumulates(statement.body) : []
  })
}

/** Names of loops left behind stay among the bindings, and copies of a loop's body bind them anew. */
function isBoundIn(body: readonly Statement[], name: string): boolean {
  return body.some((statement) => {
    if (statement.kind === 'accumulator') return statement.name === name
    return statement.kind === 'loop' && isBoundIn(statement.body, name)
  })
}

/** Adds the parts up into the accumulators themselves. */
export function addPartials(k: KernelState, started: readonly Started[]): void {
  const { f } = k
  for (const { name, op, locals } of started) {
    const binding = k.bindings.get(name)!
    if (binding.kind !== 'scalar') throw new Error(`accumulator ${name} has no single value`)
    const { local, type } = binding
    const together = combination(op, type)
    let open = locals
    while (open.length > 1) {
      const half = open.length / 2
      for (let at = 0; at < half; at++) {
        f.get(open[at])
          .get(open[at + half])
          .op(together)
          .set(open[at])
      }
      open = open.slice(0, half)
    }
    f.get(local)
    pushLanes(k, open[0], op, type)
    combineScalar(k, op, type)
    f.set(local)
    k.partials.delete(name)
    giveBack(k, locals)
  }
}

/** Pushes the four lanes of a vector as one value. */
function pushLanes(k: KernelState, vector: Local, op: AccumulateOperator, type: ScalarType): void {
  const { f } = k
  if (op === 'any') {
    f.get(vector).op('v128.any_true')
    return
  }
  if (op === 'all') {
    f.get(vector).op('i32x4.all_true')
    return
  }
  const together = combination(op, type)
  withTemporary(k, 'v128', (half) => {
    f.get(vector).get(vector).get(vector).shuffle32([2, 3, 0, 1]).op(together).tee(half)
    f.get(half).get(half).shuffle32([1, 0, 3, 2]).op(together)
    f.lane(type === 'f32' ? 'f32x4.extract_lane' : 'i32x4.extract_lane', 0)
  })
}
