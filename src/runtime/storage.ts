// Numbers on their way between host and device.
import type { Device, Storage } from '../device/device.ts'
import type { TypedArray } from '../dtype.ts'
import { DeviceError } from '../errors.ts'
import { sharedSize } from '../graph/build.ts'
import { type DataNode, type Node, type ParameterNode, type StorageRef, sizeOf } from '../graph/node.ts'

/** A reference to device storage. The storage's memory is the device's to free when nothing refers to it any more. */
export const deviceRef = (device: Device, storage: Storage): StorageRef => ({
  host: null,
  device: { device, handle: storage },
})

/** The numbers of a leaf on a device; they are moved there at first use and stay. */
export function onDevice(device: Device, node: DataNode | ParameterNode): Storage {
  const ref = liveStorage(node)
  // Data of few elements is shared by all tensors with these numbers, whatever device they are for: its host copy stays.
  if (ref.device?.device === device) return ref.device.handle as Storage
  if (ref.device && ref.host === null) {
    throw new DeviceError(
      'other-device',
      `a tensor of shape [${node.shape}] is on the device ${(ref.device.device as Device).name}, and the computation runs on ${device.name}; choose the device before making tensors`,
    )
  }
  const storage = device.allocate(node.dtype, sizeOf(node.shape))
  device.write(storage, ref.host!)
  ref.device = { device, handle: storage }
  if (node.kind !== 'data' || sizeOf(node.shape) > sharedSize) ref.host = null
  return storage
}

/** The elements of a leaf, as a copy. */
export async function readLeaf(node: DataNode | ParameterNode): Promise<TypedArray> {
  const ref = liveStorage(node)
  if (!ref.device) return ref.host!.slice()
  return (ref.device.device as Device).read(ref.device.handle as Storage)
}

/** The elements of a leaf where its device gives them at once. */
export function peekLeaf({ storage }: DataNode | ParameterNode): TypedArray | null {
  if (!storage?.device) return storage?.host ?? null
  const values = (storage.device.device as Device).read(storage.device.handle as Storage)
  return values instanceof Promise ? null : values
}

function liveStorage(node: DataNode | ParameterNode): StorageRef {
  if (node.storage) return node.storage
  const name = node.kind === 'parameter' ? node.cell.name : 'a tensor'
  throw new DeviceError(
    'overwritten',
    `this tensor was built from the parameter ${name} as it was before a step wrote a new value over it; build it again, or read it before the step`,
  )
}

/** Gives the memory behind a leaf back now. */
export function releaseLeaf(node: Node): void {
  if (node.kind !== 'data' && node.kind !== 'parameter') return
  const ref = node.storage
  // Data of few elements is shared by all tensors with these numbers.
  if (!ref?.device || sizeOf(node.shape) <= sharedSize) return
  ;(ref.device.device as Device).free(ref.device.handle as Storage)
  ref.device = null
  ref.host = null
}
