// What the kernels of one module share: functions written when first called, imports, and tables.
import type { BinaryProgramName, UnaryProgramName } from '../math/functions.ts'
import { binaryPrograms, unaryPrograms } from '../math/functions.ts'
import type { Callable, FunctionBuilder, Local, WasmModule } from './encoder.ts'
import type { HelperName } from './helpers.ts'
import { writeHelper } from './helpers.ts'
import { wasmMath } from './vectorMath.ts'

export type MathFunction = UnaryProgramName | BinaryProgramName

export const mathFunctions: Readonly<Record<MathFunction, unknown>> = { ...unaryPrograms, ...binaryPrograms }

/** What kernels on doubles call: imports from `host`. */
export type HostFunction = MathFunction | 'mod'

export const takesTwo = (name: HostFunction): boolean => name === 'mod' || name in binaryPrograms

export interface ModuleParts {
  readonly module: WasmModule
  /** Whether multiply-adds round once. */
  readonly fused: boolean
  helper(name: HelperName): Callable
  /** A function of vectors of four floats. */
  math(name: MathFunction): Callable
  host(name: HostFunction): Callable
  /** The place of a table among the program's constants, in bytes. */
  table(values: Int32Array): number
  /** All tables, once every kernel is written. */
  constants(): Uint8Array
}

export function moduleParts(m: WasmModule, fused: boolean, hostFunctions: ReadonlySet<HostFunction>): ModuleParts {
  const hosts = new Map<string, Callable>()
  for (const name of hostFunctions) {
    const params = takesTwo(name) ? (['f64', 'f64'] as const) : (['f64'] as const)
    hosts.set(name, m.importFunc('host', name, { params, results: ['f64'] }))
  }
  const functions = new Map<string, Callable>()
  const once = (name: string, write: () => Callable): Callable => {
    const known = functions.get(name)
    if (known) return known
    const made = write()
    functions.set(name, made)
    return made
  }
  const places = new Map<string, number>()
  const tables: Int32Array[] = []
  let length = 0
  return {
    module: m,
    fused,
    helper: (name) => once(name, () => writeHelper(m, name)),
    math: (name) => once(`math ${name}`, () => writeMath(m, name, fused)),
    host: (name) => {
      const found = hosts.get(name)
      if (!found) throw new Error(`host function ${name} was not imported`)
      return found
    },
    table: (values) => {
      const key = values.join()
      const known = places.get(key)
      if (known !== undefined) return known
      const place = length
      places.set(key, place)
      tables.push(values)
      length += values.byteLength
      return place
    },
    constants: () => {
      const all = new Int32Array(length / 4)
      let at = 0
      for (const table of tables) {
        all.set(table, at)
        at += table.length
      }
      return new Uint8Array(all.buffer)
    },
  }
}

function writeMath(m: WasmModule, name: MathFunction, fused: boolean): Callable {
  const isBinary = name in binaryPrograms
  const f = m.func(name, { params: isBinary ? ['v128', 'v128'] : ['v128'], results: ['v128'] })
  pushMath(f, name, f.params, fused, () => f.local('v128'))
  return f
}

/** Writes a function's instructions where its value is wanted. */
export function pushMath(
  f: FunctionBuilder,
  name: MathFunction,
  args: readonly Local[],
  fused: boolean,
  take: () => Local,
): void {
  const b = wasmMath(f, { relaxed: fused, take })
  const [x, y] = args
  const result =
    name in binaryPrograms
      ? binaryPrograms[name as BinaryProgramName](b, x, y)
      : unaryPrograms[name as UnaryProgramName](b, x)
  if ('constant' in result) f.v128Const(result.constant)
  else f.get(result)
}
