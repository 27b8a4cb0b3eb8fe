// Programs for ARM's NEON, compiled by a cross compiler and run in an emulator: where either is missing these tests are left out.
import { test } from 'node:test'
import { jsDevice } from '../../src/device/js/device.ts'
import { mathFunction } from '../../src/emit/c/math.ts'
import { header, vectorTypes } from '../../src/emit/c/preamble.ts'
import { type UnaryProgramName, unaryPrograms } from '../../src/emit/math/functions.ts'
import { referenceMath } from '../../src/emit/math/reference.ts'
import { sampleFloats } from '../emit/math/samples.ts'
import { assertDeviceAgreement } from '../support/agreement.ts'
import { arm64, crossAbsence, crossDevice, runThere } from '../support/crossMachine.ts'
import { manyForms } from '../support/manyForms.ts'
import { assertSame, runOn } from '../support/runOn.ts'

const skip = crossAbsence(arm64)

test('random programs in f32 give what the interpreter gives on NEON', { skip }, () =>
  assertDeviceAgreement(crossDevice(arm64, 1), 'f32', 3, { together: 12 }),
)

test('random programs in f64 give what the interpreter gives on NEON', { skip }, () =>
  assertDeviceAgreement(crossDevice(arm64, 1), 'f64', 1, { together: 12 }),
)

test('work of all kinds, shared by two threads, gives what the device js gives on NEON', { skip }, () => {
  const forms = manyForms()()
  const tensors = Object.values(forms)
  const [found, expected] = [runOn(crossDevice(arm64, 2), tensors), runOn(jsDevice(), tensors)]
  for (const [at, name] of Object.keys(forms).entries()) assertSame(name, found[at], expected[at], 1e-4)
})

const names = Object.keys(unaryPrograms) as UnaryProgramName[]

/** Reads floats and writes, function after function, what each makes of them. */
const functionsText = (count: number): string =>
  [
    '#include <stdio.h>',
    header,
    ...[1, 4].map(vectorTypes),
    ...names.map((name) => mathFunction(name, 4, { widest: true, fused: arm64.fused, scales: false })),
    `static float x[${count}], y[${count}];`,
    `int main(void) {`,
    `  if (fread(x, 4, ${count}, stdin) != ${count}) return 1;`,
    ...names.flatMap((name) => [
      `  for (int i = 0; i < ${count}; i += 4) storef_4(y + i, ${name}_4(loadf_4(x + i)));`,
      `  if (fwrite(y, 4, ${count}, stdout) != ${count}) return 1;`,
    ]),
    '  return 0;',
    '}',
    '',
  ].join('\n')

test('functions have the bits of the reference on NEON', { skip }, () => {
  const samples = sampleFloats(1_000_003, [0.55, 88.7, -103.9, 6_400, 100_000, Math.PI / 2])
  const x = samples.subarray(0, samples.length - (samples.length % 4))
  const input = new Uint8Array(x.buffer, x.byteOffset, x.byteLength)
  const found = new Float32Array(new Uint8Array(runThere(arm64, [functionsText(x.length)], input)).buffer)
  const math = referenceMath({ fused: arm64.fused })
  for (const [at, name] of names.entries()) {
    const expected = x.map((value) => unaryPrograms[name](math, value))
    assertSame(name, found.subarray(at * x.length, (at + 1) * x.length), expected)
  }
})
