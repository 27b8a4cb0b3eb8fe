// Exported C files compiled by the system's compiler, run, and compared with the library.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findCompiler } from '../../src/device/native/compiler.ts'
import { type ExportCOptions, exportC, type Forward } from '../../src/export/index.ts'
import { type Tensor, tensor } from '../../src/index.ts'
import {
  batchNorm,
  conv2d,
  dropout,
  flatten,
  gelu,
  linear,
  maxPool2d,
  multiHeadAttention,
  neuralGrid,
  relu,
  sequential,
  softmax,
} from '../../src/nn/index.ts'
import { uniformAt } from '../../src/random/threefry.ts'

const compiler = findCompiler()
const skip = compiler === null && 'no C compiler'

const folder = mkdtempSync(join(tmpdir(), 'einfold-export-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

const numbers = (shape: readonly number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => 2 * uniformAt(1, 0, 0, at) - 1),
    { shape },
  )

/** Reads x from standard input, writes y to standard output. */
const main = (input: string, count: number, output: string, results: number): string => `
#include <stdio.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C"
#endif
void predict(const ${input} *x, ${output} *y);
int main(void) {
  static ${input} x[${count}];
  static ${output} y[${results}];
  if (fread(x, sizeof *x, ${count}, stdin) != ${count}) return 1;
  predict(x, y);
  predict(x, y);
  return fwrite(y, sizeof *y, ${results}, stdout) != ${results};
}
`

function runC(source: string, program: string, input: ArrayBufferView, flags: readonly string[]): Buffer {
  const base = join(folder, `program${files++}`)
  writeFileSync(`${base}.c`, source)
  writeFileSync(`${base}-main.c`, program)
  const args = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', ...flags]
  execFileSync(compiler!.command, [...args, '-o', base, `${base}.c`, `${base}-main.c`, '-lm'])
  return execFileSync(base, { input: new Uint8Array(input.buffer, input.byteOffset, input.byteLength) })
}

async function expectSame(
  forward: Forward,
  options: ExportCOptions,
  flags: readonly string[] = ['-std=c99', '-O1'],
): Promise<void> {
  const x =
    options.dtype === 'u8'
      ? tensor(
          Uint8Array.from({ length: 64 }, (_, at) => at * 4),
          { shape: [1, 1, 8, 8] },
        )
      : numbers(options.input)
  const source = await exportC(forward, options)
  const y = forward(x)
  const expected = await y.data()
  const program = main(
    options.dtype === 'u8' ? 'uint8_t' : 'float',
    x.size,
    y.dtype === 'i32' ? 'int32_t' : 'float',
    y.size,
  )
  const bytes = runC(source, program, await x.data(), flags)
  const found = new (y.dtype === 'i32' ? Int32Array : Float32Array)(new Uint8Array(bytes).buffer)
  assert.equal(found.length, expected.length)
  for (const [at, value] of found.entries()) {
    const close = Math.abs(value - expected[at]) <= 2e-5 * Math.max(1, Math.abs(expected[at]))
    assert.ok(close, `element ${at} is ${value}, and the library gives ${expected[at]}`)
  }
}

const network = () =>
  sequential(
    conv2d(1, 6, 3, { padding: 1 }),
    batchNorm(6),
    relu(),
    maxPool2d(2),
    dropout(0.5),
    flatten(),
    linear(6 * 16, 10),
    softmax(),
  ).eval()

test('a convolutional network gives the same results in C, with vectors of any width and without', {
  skip,
}, async () => {
  const net = network()
  for (const lanes of [1, 4, 8, 16] as const) await expectSame(net, { input: [3, 1, 8, 8], lanes })
  await expectSame(net, { input: [3, 1, 8, 8], lanes: 8 }, ['-std=c99', '-O2', '-march=native'])
})

/** Whether the compiler compiles C++ too. */
const hasPlusPlus = (): boolean =>
  spawnSync(compiler!.command, ['-x', 'c++', '-fsyntax-only', '-'], { input: '#include <cstdio>' }).status === 0

test('the file is C++ as well', { skip: skip || (!hasPlusPlus() && 'no C++ compiler') }, async () => {
  const asPlusPlus = ['-O1', '-x', 'c++', '-std=c++11']
  for (const lanes of [1, 16] as const) await expectSame(network(), { input: [3, 1, 8, 8], lanes }, asPlusPlus)
})

test('attention, grids, activations and integer results are exported too', { skip }, async () => {
  const attention = multiHeadAttention(8, 2)
  await expectSame((x) => attention(x), { input: [2, 5, 8] })
  await expectSame(sequential(linear(6, 12), gelu(), neuralGrid(12)), { input: [4, 6] })
  await expectSame((x) => x.argmax(-1), { input: [7, 9] })
})

test('images may be given as bytes', { skip }, async () => {
  const net = network()
  await expectSame((x) => net(x.cast('f32').div(255)), { input: [1, 1, 8, 8], dtype: 'u8' })
})

test('a layer is exported as it is in use, and stays in the mode that it was in', { skip }, async () => {
  const net = network().train()
  net.children['1'].eval()
  const text = await exportC(net, { input: [1, 1, 8, 8] })
  assert.equal(net.training, true)
  assert.equal(net.children['1'].training, false)
  assert.equal(net.children['4'].training, true)
  assert.equal(await exportC(net.eval(), { input: [1, 1, 8, 8] }), text)
})

test('the file says what it computes, and shows nothing else to the outside', { skip }, async () => {
  const source = await exportC(linear(3, 2), { input: [5, 3], name: 'classify' })
  assert.match(source, /x is float\[5, 3\] and y is float\[5, 2\]/)
  const path = join(folder, 'classify.c')
  writeFileSync(path, source)
  execFileSync(compiler!.command, ['-c', path, '-o', `${path}.o`])
  const symbols = execFileSync('nm', ['-g', '--defined-only', `${path}.o`], { encoding: 'utf8' })
  assert.deepEqual(symbols.trim().split(/\s+/).slice(1), ['T', 'classify'])
})

test('what cannot be exported is refused', async () => {
  const layer = linear(3, 2)
  const input = [5, 3]
  await assert.rejects(exportC(layer, { input, name: 'two words' }), { code: 'bad-name' })
  const assigning = (x: Tensor) => {
    layer.parameters()[0].assign(layer.parameters()[0].mul(2))
    return layer(x)
  }
  await assert.rejects(exportC(assigning, { input }), { code: 'export-assigns' })
  await assert.rejects(exportC(((x: Tensor) => [x]) as unknown as Forward, { input }), { code: 'not-a-tensor' })
  await assert.rejects(
    exportC(() => layer(numbers(input)), { input }),
    { code: 'export-constant' },
  )
  await assert.rejects(exportC(layer, { input: [5, 4] }), { name: 'ShapeError' })
})
