// A WebAssembly module around one matrix product, with its operands in its memory.
import type { ContractionStatement, Panel } from '../../src/compiler/ir.ts'
import { wasmFeatures } from '../../src/device/wasm/features.ts'
import { wasmModule } from '../../src/emit/wasm/encoder.ts'
import { type ProductCode, packCode, productCode } from '../../src/emit/wasm/matrixProduct.ts'
import type { PlanOverrides } from '../../src/emit/wasm/productPlan.ts'
import { constant } from '../../src/index/index.ts'

export interface ProductShape {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly aRows: Int32Array
  readonly aColumns: Int32Array
  readonly bRows: Int32Array
  readonly bColumns: Int32Array
  readonly cRows: Int32Array
  readonly cColumns: Int32Array
}

export interface ProductOptions {
  readonly fma?: boolean
  /** Whether a pack statement goes first. */
  readonly packA?: boolean
  readonly packB?: boolean
  readonly overrides?: PlanOverrides
  readonly check?: boolean
}

export interface ProductModule {
  readonly a: Float32Array
  readonly b: Float32Array
  readonly c: Float32Array
  readonly units: number
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Packs what is to be packed. */
  pack(): void
  /** Does some of the units, or all. */
  run(from?: number, to?: number): void
  /** Does all units again and again, without going through JavaScript. */
  runTimes(times: number): void
}

const line = 64
const roundUp = (bytes: number): number => Math.ceil(bytes / line) * line

export function productModule(shape: ProductShape, options: ProductOptions = {}): ProductModule {
  const features = wasmFeatures()
  const m = wasmModule({ check: options.check })
  const panel = (buffer: string, rows: Int32Array, columns: Int32Array, packed: boolean): Panel => ({
    buffer, base: constant(0), rows, columns, packed: packed ? `packed_${buffer}` : null,
  }) // biome-ignore format: short
  const statement: ContractionStatement = {
    kind: 'contraction',
    m: shape.m,
    n: shape.n,
    k: shape.k,
    a: panel('a', shape.aRows, shape.aColumns, options.packA ?? false),
    b: panel('b', shape.bRows, shape.bColumns, options.packB ?? false),
    c: panel('c', shape.cRows, shape.cColumns, false),
    add: false,
    parallel: true,
  }
  let end = line
  const place = (bytes: number): number => {
    const at = end
    end = roundUp(end + bytes)
    return at
  }
  const places = {
    a: place(4 * reach(shape.aRows, shape.aColumns)),
    b: place(4 * reach(shape.bRows, shape.bColumns)),
    c: place(4 * reach(shape.cRows, shape.cColumns)),
  }
  const tables: { at: number; values: Int32Array }[] = []
  const context = {
    module: m,
    fma: (options.fma ?? true) && features.relaxedSimd,
    table: (values: Int32Array) => {
      const at = place(values.byteLength)
      tables.push({ at, values })
      return at
    },
  }
  m.importMemory('env', 'memory', { minimumPages: 1 })
  const pack = m.func('pack')
  const product: ProductCode = productCode(context, statement, options.overrides)
  const from = { a: places.a, b: places.b }
  for (const side of ['a', 'b'] as const) {
    if (statement[side].packed === null) continue
    const code = packCode(
      context,
      { kind: 'pack', name: `packed_${side}`, side, panel: statement[side] },
      statement,
      options.overrides,
    )
    from[side] = place(code.bytes)
    pack.i32Const(places[side]).i32Const(from[side]).i32Const(0).i32Const(0).i32Const(code.units).call(code.func)
  }
  const scratch = place(product.scratchBytes)
  const run = m.func('run', { params: ['i32', 'i32'] })
  // Tables are placed at their addresses: what these count from is 0.
  for (const address of [from.a, from.b, places.c, scratch, 0]) run.i32Const(address)
  for (const param of run.params) run.get(param)
  run.call(product.func)
  const again = m.func('runTimes', { params: ['i32'] })
  again.loop((next) => {
    again.i32Const(0).i32Const(product.units).call(run)
    again.get(again.params[0]).i32Const(1).op('i32.sub').tee(again.params[0]).brIf(next)
  })
  for (const f of [pack, run, again]) m.export(f.name, f)
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65536) })
  for (const { at, values } of tables) new Int32Array(memory.buffer, at, values.length).set(values)
  const bytes = m.encode()
  const exports = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as {
    pack(): void
    run(from: number, to: number): void
    runTimes(times: number): void
  }
  const view = (at: number, rows: Int32Array, columns: Int32Array) =>
    new Float32Array(memory.buffer, at, reach(rows, columns))
  return {
    a: view(places.a, shape.aRows, shape.aColumns),
    b: view(places.b, shape.bRows, shape.bColumns),
    c: view(places.c, shape.cRows, shape.cColumns),
    units: product.units,
    bytes,
    pack: exports.pack,
    run: (first = 0, last = product.units) => exports.run(first, last),
    runTimes: exports.runTimes,
  }
}

/** Elements a panel reaches over, from 0. */
function reach(rows: Int32Array, columns: Int32Array): number {
  const last = (offsets: Int32Array) => offsets.reduce((most, offset) => Math.max(most, offset), 0)
  return last(rows) + last(columns) + 1
}
