// einfold export: a trained network as a file that needs nothing.
import { readFile, writeFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { formula } from '../autodiff/index.ts'
import { type ExportCOptions, exportC, exportWasm, type Forward } from '../export/index.ts'
import { fromArray, type Tensor } from '../index.ts'
import { decodeSafetensors, loadParameters, type StoredTensor } from '../io/index.ts'
import type { Module } from '../nn/layer.ts'
import { onePositional, parseFlags } from './arguments.ts'
import { type Command, UsageError } from './command.ts'

const example = 'einfold export ./network.js --weights network.safetensors --input 1,1,28,28'

export const exportCommand: Command = {
  name: 'export',
  summary: 'a trained network as one C file, or as a WebAssembly module',
  help: `einfold export NETWORK --input a,b,… [flags]

  Writes a network with its weights as one C file with a function predict, which needs no library and no Einfold; or as
  a .wasm module with a few lines of JavaScript.

  NETWORK is a JavaScript module whose default export is a layer (or a function that makes one), or a formula: the
  operands that the weights file does not hold are its input.

Flags
  --weights FILE   what saveParameters wrote; without it the layer's own numbers are taken
  --input a,b,…    the shape of the input, its batch axis included
  --bytes          the input is bytes, as images are
  --wasm           WebAssembly instead of C
  --lanes N        floats in a vector of the C code: 1, 4 (when left out), 8 (for AVX2), 16 (for AVX-512)
  --name NAME      the C function's name (predict)
  --out FILE       where it goes (predict.c, or predict.wasm with predict.js beside it)

Examples
  ${example}
  einfold export "z[b,i] = tanh(c[i] + sum(j) W[i,j] * x[b,j])" --weights dense.safetensors --input 1,784 --wasm
`,
  async run(args, { print }) {
    const { values, positionals } = parseFlags(args, flags, 'export')
    const network = onePositional(positionals, 'a network', example)
    if (values.input === undefined)
      throw new UsageError(`--input is missing: the shape of the input, as in:\n  ${example}`)
    const options: ExportCOptions = {
      input: shapeOf(values.input),
      dtype: values.bytes ? 'u8' : 'f32',
      lanes: lanesOf(values.lanes),
      name: values.name,
    }
    const { weights } = values
    const forward = network.includes('=')
      ? await formulaForward(network, weights)
      : await moduleForward(network, weights)
    const out = values.out ?? (values.wasm ? 'predict.wasm' : 'predict.c')
    if (!values.wasm) {
      const text = await exportC(forward, options)
      await writeFile(out, text)
      print(`${out}  ${text.length} bytes`)
      return 0
    }
    const { wasm, javascript } = await exportWasm(forward, options)
    const beside = `${out.replace(/\.wasm$/, '')}.js`
    await writeFile(out, wasm)
    await writeFile(beside, javascript)
    print(`${out}  ${wasm.length} bytes\n${beside}  ${javascript.length} bytes; it loads ${basename(out)}`)
    return 0
  },
}

const flags = {
  weights: { type: 'string' },
  input: { type: 'string' },
  bytes: { type: 'boolean' },
  wasm: { type: 'boolean' },
  lanes: { type: 'string' },
  name: { type: 'string' },
  out: { type: 'string' },
} as const

function shapeOf(text: string): readonly number[] {
  const shape = text.split(',').map(Number)
  if (shape.every((extent) => Number.isSafeInteger(extent) && extent > 0)) return shape
  throw new UsageError(`--input takes whole numbers above 0 with commas between them, not ${JSON.stringify(text)}`)
}

function lanesOf(text: string | undefined): ExportCOptions['lanes'] {
  if (text === undefined) return undefined
  const lanes = ([1, 4, 8, 16] as const).find((known) => String(known) === text)
  if (lanes === undefined) throw new UsageError(`--lanes takes 1, 4, 8 or 16, not ${JSON.stringify(text)}`)
  return lanes
}

/** A formula over the tensors of a weights file, as a function of the one operand that is not in it. */
async function formulaForward(text: string, weights: string | undefined): Promise<Forward> {
  const f = formula(text)
  const stored =
    weights === undefined ? new Map<string, StoredTensor>() : decodeSafetensors(await readFile(weights)).tensors
  const names = f.operands.map(({ name }) => name)
  const missing = names.filter((name) => !stored.has(name))
  if (missing.length !== 1) {
    const lack = missing.length === 0 ? 'none is' : `${missing.join(', ')} are`
    const where = weights === undefined ? 'without --weights' : `in ${weights}`
    throw new UsageError(
      `one operand of the formula, the input, must be missing from the weights; ${lack} missing ${where}`,
    )
  }
  const held = [...stored].filter(([name]) => names.includes(name))
  const operands = Object.fromEntries(
    held.map(([name, { values, shape, dtype }]) => [name, fromArray(values, shape, dtype)]),
  )
  return (x: Tensor) => f({ ...operands, [missing[0]]: x } as never)
}

async function moduleForward(path: string, weights: string | undefined): Promise<Forward> {
  let made: unknown
  try {
    made = ((await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }).default
  } catch (error) {
    throw new UsageError(`${path} cannot be loaded: ${error instanceof Error ? error.message : error}`)
  }
  const layer = isModule(made) ? made : typeof made === 'function' ? await made() : undefined
  if (!isModule(layer))
    throw new UsageError(`the default export of ${path} must be a layer, or a function that makes one`)
  if (weights !== undefined) await loadParameters(layer, weights)
  return layer as Forward
}

const isModule = (value: unknown): value is Module => typeof value === 'function' && 'namedParameters' in value
