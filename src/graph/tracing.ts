// While a step is being compiled its code runs once, on tensors without numbers. This is how it is known that it does.
import type { Node, ParameterCell } from './node.ts'

export interface Trace {
  /** Notes that the trace depends on a value outside the tensors: when it changes the step is traced again. */
  observe(read: () => unknown, value: unknown): void
  /** Notes that a run of the step ends by giving the parameter this value. */
  assign(cell: ParameterCell, value: Node): void
}

let active: Trace | null = null

export const activeTrace = (): Trace | null => active

/** Runs `traced` under a trace. */
export function withTrace<T>(trace: Trace, traced: () => T): T {
  const outer = active
  active = trace
  try {
    return traced()
  } finally {
    active = outer
  }
}

/** The value of `read()`, for example whether a layer is in training mode; a compiled step is traced again when it has changed. */
export function observe<T>(read: () => T): T {
  const value = read()
  active?.observe(read, value)
  return value
}
