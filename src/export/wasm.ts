// A trained network as one WebAssembly module, and the few lines of JavaScript that call it.
import { bytesPerElement, type Dtype } from '../dtype.ts'
import { ByteWriter } from '../emit/wasm/byteWriter.ts'
import { emitWasm, slots } from '../emit/wasm/emit.ts'
import { EinfoldError } from '../errors.ts'
import { type Forward, type ForwardProgram, forwardProgram, type InputOptions } from './forward.ts'

export interface ExportedWasm {
  /** The module, weights included. */
  readonly wasm: Uint8Array<ArrayBuffer>
  /** An ES module: `const predict = await load(bytes)`, then `y = predict(x)`. It needs nothing else. */
  readonly javascript: string
}

/**
 * A WebAssembly module (with SIMD, as every engine has had since 2023) that computes what `forward` computes for an input of
 * shape `input`, and JavaScript that loads it in browsers and Node. Throws what `forward` throws, and EinfoldError
 * `export-doubles` for functions of f64 numbers, which the module would have to import.
 */
export async function exportWasm(forward: Forward, options: InputOptions): Promise<ExportedWasm> {
  const traced = await forwardProgram(forward, options, true)
  const { program } = traced
  const emitted = emitWasm(program, { memory: { minimumPages: 1 }, relaxedSimd: false })
  if (emitted.hostFunctions.length > 0)
    throw new EinfoldError(
      'export-doubles',
      `export: ${emitted.hostFunctions.join(', ')} of f64 numbers cannot be exported to WebAssembly; cast to f32 first`,
    )
  const { places, image, bytes } = layOut(traced, emitted.constants, program.arenaBytes, emitted.scratchBytes)
  return { wasm: withSection(emitted.bytes, image), javascript: loader(traced, places, Math.ceil(bytes / pageBytes)) }
}

interface Places {
  readonly table: number
  readonly x: number
  readonly y: number
}

const pageBytes = 65536
const alignment = 64

/** Memory as it is to be when the module starts: what never changes comes first, so that the rest need not be stored. */
function layOut({ external }: ForwardProgram, constants: Uint8Array, arenaBytes: number, scratchBytes: number) {
  // Address 0 is nobody's.
  let end = alignment
  const take = (bytes: number): number => {
    const at = end
    end += Math.ceil(bytes / alignment) * alignment
    return at
  }
  const bytesOf = ({ buffer }: ForwardProgram['external'][number]) => buffer.length * bytesPerElement(buffer.dtype)
  const table = take(4 * (slots.external + external.length))
  const constantsAt = take(constants.byteLength)
  const addresses = external.map((part) => (part.kind === 'constant' ? take(bytesOf(part)) : 0))
  const image = new Uint8Array(end)
  external.forEach((part, at) => {
    if (part.kind !== 'constant') addresses[at] = take(bytesOf(part))
    else image.set(new Uint8Array(part.values.buffer, part.values.byteOffset, part.values.byteLength), addresses[at])
  })
  image.set(constants, constantsAt)
  const words = new DataView(image.buffer)
  const put = (slot: number, address: number) => words.setUint32(table + 4 * slot, address, true)
  put(slots.arena, take(arenaBytes))
  put(slots.scratch, take(scratchBytes))
  put(slots.scratchBytes, scratchBytes)
  put(slots.constants, constantsAt)
  for (const [at, address] of addresses.entries()) put(slots.external + at, address)
  const addressOf = (kind: 'input' | 'output') => addresses[external.findIndex((part) => part.kind === kind)]
  return { places: { table, x: addressOf('input'), y: addressOf('output') }, image, bytes: end }
}

const sectionName = 'einfold'

/** The module with the image of its memory as a section of its own, which engines hand out and otherwise ignore. */
function withSection(module: Uint8Array, image: Uint8Array): Uint8Array<ArrayBuffer> {
  const content = new ByteWriter()
  content.string(sectionName)
  content.bytes(image)
  const all = new ByteWriter()
  all.bytes(module)
  all.byte(0)
  all.sized(content.view())
  return all.view().slice() as Uint8Array<ArrayBuffer>
}

const arrayNames: Readonly<Record<Dtype, string>> = {
  f32: 'Float32Array', f64: 'Float64Array', i32: 'Int32Array', u8: 'Uint8Array', bool: 'Uint8Array',
} // biome-ignore format: a table

function loader({ input, output }: ForwardProgram, { table, x, y }: Places, pages: number): string {
  const count = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1)
  return `// A network written by Einfold: predict takes ${input.dtype} [${input.shape.join(', ')}] and gives ${output.dtype} [${output.shape.join(', ')}], row-major.
//   const predict = await load(await (await fetch('network.wasm')).arrayBuffer())
export async function load(bytes) {
  const module = await WebAssembly.compile(bytes)
  const memory = new WebAssembly.Memory({ initial: ${pages} })
  new Uint8Array(memory.buffer).set(new Uint8Array(WebAssembly.Module.customSections(module, '${sectionName}')[0]))
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } })
  const x = new ${arrayNames[input.dtype]}(memory.buffer, ${x}, ${count(input.shape)})
  const y = new ${arrayNames[output.dtype]}(memory.buffer, ${y}, ${count(output.shape)})
  return (values) => {
    if (values.length !== x.length) throw new RangeError(\`predict takes \${x.length} numbers; it was given \${values.length}\`)
    x.set(values)
    exports.run(${table}, 0, 1)
    return y.slice()
  }
}
`
}
