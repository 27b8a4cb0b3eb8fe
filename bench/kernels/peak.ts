// What one core can do at most with vectors of 128 bits: multiply-adds on registers alone.
import { wasmFeatures } from '../../src/device/wasm/features.ts'
import { wasmModule } from '../../src/emit/wasm/encoder.ts'

const sums = 12
const unroll = 4

function peakFunction(): (turns: number) => number {
  const fma = wasmFeatures().relaxedSimd
  const m = wasmModule()
  const f = m.func('peak', { params: ['i32'], results: ['f32'] })
  const [turns] = f.params
  const locals = Array.from({ length: sums }, () => f.local('v128'))
  const [x, y] = [f.local('v128'), f.local('v128')]
  f.f32Const(0.5).op('f32x4.splat').set(x).f32Const(0.25).op('f32x4.splat').set(y)
  f.loop((next) => {
    for (let at = 0; at < unroll; at++) {
      for (const sum of locals) {
        if (fma) f.get(x).get(y).get(sum).op('f32x4.relaxed_madd').set(sum)
        else f.get(sum).get(x).get(y).op('f32x4.mul').op('f32x4.add').set(sum)
      }
    }
    f.get(turns).i32Const(1).op('i32.sub').tee(turns).brIf(next)
  })
  f.get(locals[0])
  for (const sum of locals.slice(1)) f.get(sum).op('f32x4.add')
  f.lane('f32x4.extract_lane', 0)
  m.export('peak', f)
  const { peak } = new WebAssembly.Instance(new WebAssembly.Module(m.encode())).exports
  return peak as (turns: number) => number
}

let peak: ((turns: number) => number) | undefined

/** Of a run of about a millisecond. */
export function gflopsOfPeak(): number {
  if (!peak) {
    peak = peakFunction()
    for (const until = performance.now() + 50; performance.now() < until; ) peak(1000)
  }
  const turns = 60000
  const start = performance.now()
  peak(turns)
  return (turns * unroll * sums * 8) / (performance.now() - start) / 1e6
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]
