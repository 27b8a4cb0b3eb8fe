// A matrix product of the loop IR as a plain loop over its tables of offsets.
import type { ContractionStatement, Panel } from '../../compiler/ir.ts'
import type { Local } from './encoder.ts'
import { pushAffine } from './indexCode.ts'
import type { KernelState } from './kernelState.ts'
import type { Share } from './statements.ts'

/** Writes the product; with a share, each thread makes some of the rows. */
export function writeContraction(k: KernelState, statement: ContractionStatement, share: Share | null): void {
  const { f } = k
  const { m, n, k: depth, a, b, c } = statement
  const at = (panel: Panel): Local => {
    const local = f.local('i32')
    f.get(k.bases.get(panel.buffer)!)
    pushAffine(k, panel.base)
    f.i32Const(4).op('i32.mul').op('i32.add').set(local)
    return local
  }
  const [aAt, bAt, cAt] = [at(a), at(b), at(c)]
  const [row, column, step, sum] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('f32')]
  const pushEntry = (table: Int32Array, index: Local): void => {
    f.get(k.constants).i32Const(k.parts.table(table.map((offset) => 4 * offset))).op('i32.add')
    f.get(index).i32Const(2).op('i32.shl').op('i32.add').memory('i32.load')
  }
  const pushElement = (base: Local, rows: Int32Array, r: Local, columns: Int32Array, s: Local): void => {
    f.get(base)
    pushEntry(rows, r)
    pushEntry(columns, s)
    f.op('i32.add').op('i32.add')
  }
  const count = (index: Local, to: number, body: () => void): void => {
    f.i32Const(0).set(index)
    f.loop((next) => {
      body()
      f.get(index).i32Const(1).op('i32.add').tee(index).i32Const(to).op('i32.lt_s').brIf(next)
    })
  }
  const product = (): void =>
    count(row, m, () => {
      const turn = (): void =>
        count(column, n, () => {
          f.f32Const(0).set(sum)
          count(step, depth, () => {
            f.get(sum)
            pushElement(aAt, a.rows, row, a.columns, step)
            f.memory('f32.load')
            pushElement(bAt, b.rows, step, b.columns, column)
            f.memory('f32.load').op('f32.mul').op('f32.add').set(sum)
          })
          pushElement(cAt, c.rows, row, c.columns, column)
          f.get(sum).memory('f32.store')
        })
      if (!share) turn()
      else f.get(row).get(share.threads).op('i32.rem_u').get(share.thread).op('i32.eq').if(turn)
    })
  product()
}
