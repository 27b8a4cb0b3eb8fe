// The best parameters of a training, put aside.
import type { TypedArray } from '../dtype.ts'
import { fromArray } from '../graph/creation.ts'
import type { Module } from '../nn/layer.ts'

/** All that a network holds at one time, as numbers on the host. */
export interface Snapshot {
  readonly values: readonly TypedArray[]
}

const held = (net: Module) => [...net.parameters(), ...net.buffers()]

export async function snapshot(net: Module): Promise<Snapshot> {
  return { values: await Promise.all(held(net).map((parameter) => parameter.data())) }
}

/** Gives a network the numbers it had when the snapshot was taken. */
export function restore(net: Module, { values }: Snapshot): void {
  for (const [at, parameter] of held(net).entries())
    parameter.assign(fromArray(values[at], parameter.shape, parameter.dtype))
}
