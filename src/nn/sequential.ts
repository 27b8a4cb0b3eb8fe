import { EinfoldError } from '../errors.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Layer } from './layer.ts'
import { defineLayer } from './layer.ts'

/** Layers one after the other. */
export interface Sequential extends Layer {
  readonly layers: readonly Layer[]
}

/**
 * Each layer's result is the next one's input. In `namedParameters()` layers go by their numbers, `0.weight`; those of a
 * record by their names. Throws EinfoldError `bad-option` for what is no layer.
 */
export function sequential(...layers: readonly Layer[] | readonly [Readonly<Record<string, Layer>>]): Sequential {
  const [first] = layers
  const isRecord = layers.length === 1 && typeof first === 'object'
  const entries = isRecord
    ? Object.entries(first as Readonly<Record<string, Layer>>)
    : layers.map((layer, position) => [String(position), layer as Layer] as const)
  for (const [name, layer] of entries) checkLayer(name, layer)
  const own = entries.map(([, layer]) => layer)
  const made = defineLayer({
    name: 'sequential',
    children: Object.fromEntries(entries),
    forward: (x: Tensor) => own.reduce((value, layer) => layer(value), x),
  })
  return Object.defineProperty(made, 'layers', { value: own }) as Sequential
}

function checkLayer(name: string, layer: unknown): void {
  if (typeof layer === 'function' && 'namedParameters' in layer) return
  const fix =
    typeof layer === 'function' && layer.name ? `; call it, as in ${layer.name}(), or wrap it with defineLayer` : ''
  throw new EinfoldError('bad-option', `sequential: part ${name} is no layer but a ${typeof layer}${fix}`)
}
