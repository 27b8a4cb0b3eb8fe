// Moves a tile of results to where its elements belong when those are not next to each other.
import type { FunctionBuilder, WasmModule } from './encoder.ts'
import { advance, repeat } from './partialVectors.ts'

/** The function (tile, to, rowTable, columnTable, rows, add): stores a tile of `width` columns, or adds it to what is there. */
export function spreadTile(m: WasmModule, width: number): FunctionBuilder {
  const f = m.func(`spread_${width}`, { params: Array(6).fill('i32') })
  const [tile, to, rowTable, columnTable, rows, add] = f.params
  const [row, at] = [f.local('i32'), f.local('i32')]
  repeat(f, rows, () => {
    f.get(to).get(rowTable).memory('i32.load').op('i32.add').set(row)
    for (let column = 0; column < width; column++) {
      f.get(row)
        .get(columnTable)
        .memory('i32.load', 4 * column)
        .op('i32.add')
        .tee(at)
      f.get(tile).memory('f32.load', 4 * column)
      f.get(add)
      f.if({ params: ['f32'], results: ['f32'] }, () => f.get(at).memory('f32.load').op('f32.add'))
      f.memory('f32.store')
    }
    advance(f, tile, 4 * Math.ceil(width / 4) * 4)
    advance(f, rowTable, 4)
  })
  return f
}
