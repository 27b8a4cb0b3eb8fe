// The native device as machines with narrower vectors have it: what this one compiles for them runs here too.
import type { Device } from '../../src/device/device.ts'
import { findCompiler } from '../../src/device/native/compiler.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'

/** One for each width that this machine can run and does not use itself; none where there is no native device. */
export function otherWidths(): Readonly<Record<string, Device>> {
  if (nativeAbsence() !== null) return {}
  const compiler = findCompiler()!
  const flags = compiler.flags.filter((flag) => !/^-m(arch|cpu)=/.test(flag))
  const bf16 = { amx: 'not tried', avx512: 'not tried' }
  const plain = { ...compiler, flags, bf16, fused: process.arch === 'arm64' }
  const hasAvx2 = process.arch === 'x64' && compiler.widths[0] >= 8
  return {
    ...(hasAvx2 && {
      'native with AVX2': nativeDevice({
        ...plain,
        flags: [...flags, '-mavx2', '-mfma'],
        widths: [8, 4, 1],
        fused: true,
      }),
    }),
    'native with vectors that every machine has': nativeDevice({ ...plain, widths: [4, 1] }),
    // Products of matrices are loops then, as in exported files.
    'native without vectors': { ...nativeDevice({ ...plain, widths: [1] }), targetOf: () => ({ contractions: false }) },
  }
}
