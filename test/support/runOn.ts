// Runs a graph on a device of the test's own, past the runtime.
import assert from 'node:assert/strict'
import { compileGraph } from '../../src/compiler/compile.ts'
import type { Device, Storage } from '../../src/device/device.ts'
import { allowedPrecision } from '../../src/device/precision.ts'
import { wasmDevice } from '../../src/device/wasm/device.ts'
import type { TypedArray } from '../../src/dtype.ts'
import type { DataNode } from '../../src/graph/node.ts'
import { sizeOf } from '../../src/graph/node.ts'
import type { Tensor } from '../../src/index.ts'

/** The numbers of tensors computed by one program on a device; operands are data on the host. */
export function runOn(device: Device, tensors: readonly Tensor[]): TypedArray[] {
  const { program, bindings } = compileGraph(
    { outputs: tensors.map(({ node }) => node), updates: [] },
    device.targetOf(allowedPrecision()),
  )
  const executable = device.load(program)
  const outputs: Storage[] = []
  const external = bindings.map((binding) => {
    if (binding.kind === 'output') {
      const { dtype, size } = tensors[binding.output]
      outputs[binding.output] = device.allocate(dtype, size)
      return outputs[binding.output]
    }
    const node = binding.node as DataNode
    const storage = device.allocate(node.dtype, sizeOf(node.shape))
    device.write(storage, node.storage!.host!)
    return storage
  })
  executable.run(external)
  return outputs.map((output) => device.read(output) as TypedArray)
}

/** The same values, NaN and zeros of either sign included; floats within `tolerance` of the larger of 1 and their size. */
export function assertSame(name: string, actual: TypedArray, expected: TypedArray, tolerance = 0): void {
  assert.equal(actual.length, expected.length, name)
  for (let at = 0; at < actual.length; at++) {
    const [own, other] = [actual[at], expected[at]]
    const close = Object.is(own, other) || Math.abs(own - other) <= tolerance * Math.max(1, Math.abs(other))
    assert.ok(close, `${name}: element ${at} is ${own}, expected ${other}`)
  }
}

const plain = { contractions: false }

/** The ways the device compiles. */
export const variants: Readonly<Record<string, Device>> = {
  'fused multiply-adds': wasmDevice({ check: true, target: plain, threads: () => 1 }),
  'plain multiply-adds': wasmDevice({ check: true, target: plain, threads: () => 1, relaxedSimd: false }),
  'matrix products': wasmDevice({ check: true, threads: () => 1 }),
}
