// Contractions and packings of the loop IR: calls of the functions that do them.
import type { ContractionStatement, PackStatement, Panel, Statement } from '../../compiler/ir.ts'
import { pushAffine } from './indexCode.ts'
import type { KernelState } from './kernelState.ts'
import { type ProductContext, packCode, productCode } from './matrixProduct.ts'
import { pushTurn, type Share } from './statements.ts'

const contextOf = ({ parts }: KernelState): ProductContext => ({
  module: parts.module,
  fma: parts.fused,
  table: parts.table,
})

/** Writes a matrix product; with a share, each thread does some of its units. */
export function writeContraction(k: KernelState, statement: ContractionStatement, share: Share | null): void {
  const { f, workspace } = k
  const { func, scratchBytes, units } = productCode(contextOf(k), statement)
  for (const panel of [statement.a, statement.b, statement.c]) {
    if (panel.packed === null) pushPanel(k, panel)
    else f.get(k.workspaceBase).i32Const(workspace.packed.get(panel.packed)!).op('i32.add')
  }
  f.get(k.workspaceBase).i32Const(workspace.take(scratchBytes)).op('i32.add').get(k.constants)
  if (share) {
    pushTurn(k, share, units, 0)
    pushTurn(k, share, units, 1)
  } else f.i32Const(0).i32Const(units)
  f.call(func)
}

/** Writes a packing: every thread makes its own copy. */
export function writePack(k: KernelState, statement: PackStatement): void {
  const { f, workspace } = k
  const { func, bytes, units } = packCode(contextOf(k), statement, workspace.users.get(statement.name)!)
  const place = workspace.take(bytes)
  workspace.packed.set(statement.name, place)
  pushPanel(k, statement.panel)
  f.get(k.workspaceBase).i32Const(place).op('i32.add').get(k.constants).i32Const(0).i32Const(units).call(func)
}

/** Pushes the address of the panel's base. */
function pushPanel(k: KernelState, { buffer, base }: Panel): void {
  k.f.get(k.bases.get(buffer)!)
  pushAffine(k, base)
  k.f.i32Const(2).op('i32.shl').op('i32.add')
}

/** The contractions that read packed operands, by the operands' names. */
export function packUsers(body: readonly Statement[]): Map<string, ContractionStatement> {
  const users = new Map<string, ContractionStatement>()
  const visit = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if (statement.kind === 'loop') visit(statement.body)
      if (statement.kind !== 'contraction') continue
      for (const { packed } of [statement.a, statement.b]) if (packed !== null) users.set(packed, statement)
    }
  }
  visit(body)
  return users
}
