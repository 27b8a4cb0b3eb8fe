// Where the time of a program goes: each kernel as a program of its own, timed alone on what the whole program left in memory.
import { fuseLoops } from '../src/compiler/fuse.ts'
import type { Kernel, Program } from '../src/compiler/ir.ts'
import { chooseLanes } from '../src/compiler/lanes.ts'
import { mergeLoops } from '../src/compiler/merge.ts'
import type { Device, Storage } from '../src/device/device.ts'
import { typedArray } from '../src/dtype.ts'
import { device } from '../src/index.ts'
import { spread } from './measure.ts'

export interface KernelTime {
  readonly formulas: readonly string[]
  /** Kernels of these formulas; the time is of one. */
  readonly count: number
  readonly ms: number
  readonly shape: string
}

/** The kernels that compute the same formulas are timed once. Slowest in all first. */
export function profile(program: Program): readonly KernelTime[] {
  const chosen = device()
  const external = program.external.map((name) => filled(chosen, program, name))
  const alike = new Map<string, Kernel[]>()
  for (const kernel of program.kernels) {
    const kind = kindOf(kernel)
    alike.set(kind, [...(alike.get(kind) ?? []), kernel])
  }
  return [...alike.values()]
    .map((kernels) => ({
      formulas: kernels[0].formulas,
      count: kernels.length,
      ms: timeOf(chosen, program, kernels[0], external),
      shape: shapeOf(kernels[0]),
    }))
    .toSorted((a, b) => b.ms * b.count - a.ms * a.count)
}

/** Names of buffers and indices differ between kernels that do the same. */
const kindOf = (kernel: Kernel): string => kernel.formulas.join('\n').replaceAll(/\b[a-z]+\d+\b/g, '_')

/** Numbers between 0 and 1, so that no kernel meets infinities; integers, which may be positions, are 0. */
function filled(chosen: Device, program: Program, name: string): Storage {
  const { dtype, length } = program.buffers.get(name)!
  const storage = chosen.allocate(dtype, length)
  const values = typedArray(dtype, length)
  if (dtype === 'f32' || dtype === 'f64') for (let at = 0; at < length; at++) values[at] = ((at * 7919) % 1009) / 1009
  chosen.write(storage, values)
  return storage
}

function timeOf(chosen: Device, program: Program, kernel: Kernel, external: readonly Storage[]): number {
  const alone = chosen.load({ ...program, kernels: [kernel] })
  const once = (): number => {
    const began = performance.now()
    alone.run(external)
    return performance.now() - began
  }
  once()
  const runs = Math.max(3, Math.min(50, Math.ceil(50 / once())))
  // The quickest: what else the machine does only adds.
  return spread(Array.from({ length: runs }, once)).min
}

/** The loops of a kernel as emitters with vectors choose them, and its products. */
function shapeOf(kernel: Kernel): string {
  const parts: string[] = []
  const visit = (body: Kernel['body'], depth: number): void => {
    for (const statement of body) {
      if (statement.kind === 'loop') {
        parts.push(`${'>'.repeat(depth)}${statement.mode} ${statement.extent}`)
        visit(statement.body, depth + 1)
      } else if (statement.kind === 'contraction') {
        parts.push(`${'>'.repeat(depth)}contraction ${statement.m}×${statement.n}×${statement.k}`)
      } else if (statement.kind === 'pack') parts.push(`${'>'.repeat(depth)}pack ${statement.side}`)
    }
  }
  visit(chooseLanes(fuseLoops(mergeLoops(kernel.body))), 0)
  return parts.join(' ')
}

export function profileText(times: readonly KernelTime[]): string {
  const total = times.reduce((sum, { ms, count }) => sum + ms * count, 0)
  const lines = times.map(({ formulas, count, ms, shape }) => {
    const share = `${((100 * ms * count) / total).toFixed(1).padStart(5)}%`
    return `${share} ${(ms * count).toFixed(3).padStart(9)} ms  ${count > 1 ? `${count} × ` : ''}${formulas.join(' ; ')}\n        ${shape}`
  })
  return `${lines.join('\n')}\n${total.toFixed(3)} ms in all\n`
}
