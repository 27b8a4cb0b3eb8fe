// From wanted values to a program: fuse, lower, plan memory.
import { bytesPerElement } from '../dtype.ts'
import { describeNode } from '../graph/describe.ts'
import { type Node, type ParameterNode, sizeOf } from '../graph/node.ts'
import { pairAngles } from './angles.ts'
import { aligned, planArena } from './arena.ts'
import { prepareContractions } from './contraction/prepare.ts'
import { unflattenProducts } from './contraction/unflatten.ts'
import { unfoldWindows } from './contraction/unfold.ts'
import type { Places } from './elements.ts'
import type { Buffer, Kernel, Program } from './ir.ts'
import { joinInPlace } from './joins.ts'
import { moveAxes } from './lastAxes.ts'
import { lowerKernel } from './lower.ts'
import { keepNear } from './nearness.ts'
import { type ComputedNode, isContraction, isLeaf, resolve, storageNode } from './reads.ts'
import { type ComputedRequest, computedRequest, type Request } from './request.ts'
import { type KernelPlan, type Schedule, schedule } from './schedule.ts'
import { shareCalls } from './sharedCalls.ts'
import { splitSums } from './splitSums.ts'
import { inlineSingleUses } from './tidy.ts'

/** A program, and what each of its external buffers is: a leaf of the graph, or the place of an output. */
export interface Compiled {
  readonly program: Program
  readonly bindings: readonly Binding[]
}

export type Binding =
  | { readonly kind: 'leaf'; readonly node: Node }
  | { readonly kind: 'output'; readonly output: number }

/** What a device's emitter can do beyond plain loops. */
export interface Target {
  /** Whether it has micro-kernels for matrix products. */
  readonly contractions: boolean
  /**
   * Sums along an axis that a tile of a transformed convolution holds at most, 2 unless given: larger tiles take fewer products,
   * whose sums are less exact.
   */
  readonly tileSide?: 2 | 4
}

const tileSideOf = ({ tileSide = 2 }: Target): number => tileSide

/** What is done to the graph for devices with micro-kernels, in this order. */
const rewrites: readonly ((request: Request, target: Target) => Request)[] = [
  prepareContractions,
  (request, target) => unfoldWindows(request, tileSideOf(target)),
  unflattenProducts,
  moveAxes,
  splitSums,
  shareCalls,
  pairAngles,
]

/** Compiles a request: one program that computes all outputs and then stores the new values of all updated parameters. */
export function compileGraph(request: Request, target: Target): Compiled {
  const wanted = computedRequest(
    target.contractions ? rewrites.reduce((current, rewrite) => rewrite(current, target), request) : request,
  )
  const plan = schedule(wanted, target)
  const layout = layOut(wanted, plan)
  const kernels = plan.kernels.map((kernel, at) => lowerPlanned(kernel, at, plan, layout, target))
  for (const { from, to } of layout.copies) kernels.push(copyKernel(from, to, kernels.length, layout))
  // Devices without micro-kernels are for reading and checking.
  const near = target.contractions ? nearer(kernels, layout) : kernels
  return { program: assemble(near, layout), bindings: layout.bindings }
}

interface Layout {
  readonly buffers: Map<string, Omit<Buffer, 'place'> & { readonly use: 'external' | 'arena' | 'scratch' }>
  readonly bindings: readonly Binding[]
  readonly external: readonly string[]
  /** Where a leaf's or stored node's elements are. */
  readonly bufferOf: ReadonlyMap<Node, string>
  readonly targetsOf: ReadonlyMap<Node, readonly string[]>
  /** New values of parameters that could not be written in place: copied when all else is done. */
  readonly copies: readonly { readonly from: string; readonly to: string }[]
}

function layOut(request: ComputedRequest, plan: Schedule): Layout {
  const buffers: Layout['buffers'] = new Map()
  const bindings: Binding[] = []
  const external: string[] = []
  const bufferOf = new Map<Node, string>()
  const targetsOf = new Map<Node, string[]>()
  const copies: { from: string; to: string }[] = []

  const declare = (prefix: string, node: Node, isExternal: boolean): string => {
    const name = `${prefix}${buffers.size}`
    buffers.set(name, { name, dtype: node.dtype, length: sizeOf(node.shape), use: isExternal ? 'external' : 'arena' })
    if (isExternal) external.push(name)
    return name
  }
  const target = (node: Node, name: string): void => {
    const known = targetsOf.get(node)
    if (known) known.push(name)
    else targetsOf.set(node, [name])
    if (!bufferOf.has(node)) bufferOf.set(node, name)
  }

  for (const node of plan.nodes) {
    const plain = resolve(node)
    if (!isLeaf(plain) || bufferOf.has(plain)) continue
    bufferOf.set(plain, declare(plain.kind === 'parameter' ? 'p' : plain.kind === 'input' ? 'x' : 'd', plain, true))
    bindings.push({ kind: 'leaf', node: plain })
  }
  for (const { parameter } of request.updates) {
    if (bufferOf.has(parameter)) continue
    bufferOf.set(parameter, declare('p', parameter, true))
    bindings.push({ kind: 'leaf', node: parameter })
  }
  request.outputs.forEach((node, output) => {
    target(node, declare('y', node, true))
    bindings.push({ kind: 'output', output })
  })
  const inPlace = new Set<ParameterNode>()
  for (const { parameter, value } of request.updates) {
    if (canWriteInPlace(parameter, value, plan)) {
      inPlace.add(parameter)
      target(value, bufferOf.get(parameter)!)
    }
  }
  for (const node of plan.kernels.flatMap((kernel) => kernel.members)) {
    if (!targetsOf.has(node) && isStored(node, plan)) target(node, declare('t', node, false))
  }
  for (const { parameter, value } of request.updates) {
    if (inPlace.has(parameter)) continue
    if (!bufferOf.has(value)) target(value, declare('t', value, false))
    copies.push({ from: bufferOf.get(value)!, to: bufferOf.get(parameter)! })
  }
  return { buffers, bindings, external, bufferOf, targetsOf, copies }
}

/**
 * A new value may overwrite its parameter at once when no later kernel reads the old one, and its own kernel reads just the
 * element that it replaces.
 */
function canWriteInPlace(parameter: ParameterNode, value: ComputedNode, plan: Schedule): boolean {
  const home = plan.kernelOf.get(value)!
  const kernel = plan.kernels[home]
  if (value.kind === 'scatter' || value.dtype !== parameter.dtype) return false
  for (const { at, member, read } of readersOf(plan).get(parameter) ?? []) {
    if (at < home) continue
    if (at > home || member.kind === 'scatter') return false
    if (member.shape.length < kernel.extents.length) return false
    if (isContraction(member) || kernel.sums.has(member)) return false
    // Stores of what is computed once a round of the shared loops come after all reads of this round; others at once.
    if (value.shape.length > kernel.extents.length && (member !== value || member.reduction)) return false
    const same = read.at.every(
      (index, axis) =>
        index !== null &&
        index.constant === 0 &&
        index.terms.length === 1 &&
        index.terms[0].coefficient === 1 &&
        index.terms[0].atom.key === member.axes[axis].index,
    )
    if (!same) return false
  }
  return true
}

interface Reader {
  /** The number of its kernel. */
  readonly at: number
  readonly member: ComputedNode
  readonly read: ReturnType<Schedule['reads']>[number]
}

const readers = new WeakMap<Schedule, ReadonlyMap<Node, readonly Reader[]>>()

/** Who reads a node. */
function readersOf(plan: Schedule): ReadonlyMap<Node, readonly Reader[]> {
  let found = readers.get(plan)
  if (!found) {
    const all = new Map<Node, Reader[]>()
    plan.kernels.forEach(({ members }, at) => {
      for (const member of members) {
        for (const read of plan.reads(member)) {
          const known = all.get(read.node)
          if (known) known.push({ at, member, read })
          else all.set(read.node, [{ at, member, read }])
        }
      }
    })
    found = all
    readers.set(plan, found)
  }
  return found
}

/** Whether a node needs a buffer: another kernel reads it, or a later loop of its own. */
function isStored(node: ComputedNode, plan: Schedule): boolean {
  const home = plan.kernelOf.get(node)!
  if (node.kind === 'scatter' || node.shape.length > plan.kernels[home].extents.length) return true
  return storedElsewhere(plan).has(node)
}

const elsewhere = new WeakMap<Schedule, ReadonlySet<Node>>()

/** The nodes that kernels other than their own read. */
function storedElsewhere(plan: Schedule): ReadonlySet<Node> {
  let stored = elsewhere.get(plan)
  if (!stored) {
    const found = new Set<Node>()
    plan.kernels.forEach((kernel, at) => {
      for (const member of kernel.members) {
        for (const read of plan.reads(member)) {
          const node = storageNode(read.node)
          const home = plan.kernelOf.get(node)
          if (home !== undefined && home !== at) found.add(node)
        }
      }
    })
    stored = found
    elsewhere.set(plan, stored)
  }
  return stored
}

function lowerPlanned(kernel: KernelPlan, at: number, plan: Schedule, layout: Layout, target: Target): Kernel {
  const reads = new Set<string>()
  const places: Places = {
    inlined: plan.inlined,
    bufferOf: (node) => {
      const name = layout.bufferOf.get(node)
      if (name === undefined) throw new Error(`node ${node.id} has no buffer`)
      reads.add(name)
      return name
    },
    targetsOf: (node) => layout.targetsOf.get(node) ?? [],
    contractions: target.contractions,
    tileSide: tileSideOf(target),
    scratch: (length, owner) => {
      const name = `s${layout.buffers.size}`
      layout.buffers.set(name, { name, dtype: 'f32', length, use: owner === 'thread' ? 'scratch' : 'arena' })
      reads.add(name)
      return name
    },
  }
  const body = inlineSingleUses(lowerKernel(kernel, places))
  const writes = kernel.members.flatMap((member) => [...places.targetsOf(member)])
  return {
    name: `kernel${at}`,
    formulas: kernel.members.map(describeNode),
    reads: [...reads],
    writes: [...new Set(writes)],
    body,
  }
}

function copyKernel(from: string, to: string, at: number, layout: Layout): Kernel {
  const { length, dtype } = layout.buffers.get(to)!
  const type = dtype === 'u8' ? 'i32' : dtype
  const offset = { constant: 0, terms: [{ coefficient: 1, atom: { kind: 'index', key: 'i', name: 'i' } as const }] }
  return {
    name: `kernel${at}`,
    formulas: [`${to} = ${from}`],
    reads: [from],
    writes: [to],
    body: [
      {
        kind: 'loop',
        index: 'i',
        start: 0,
        extent: length,
        mode: 'lanes',
        body: [
          {
            kind: 'store',
            buffer: to,
            offset,
            add: false,
            value: { kind: 'load', type, buffer: from, offset, guard: null },
          },
        ],
      },
    ],
  }
}

/** The kernels without needless copies, and such that what they hand on stays in the cache; the layout changes with them. */
function nearer(kernels: readonly Kernel[], { buffers }: Layout): readonly Kernel[] {
  const lengthOf = (name: string): number | null => (isOwn(name) ? buffers.get(name)!.length : null)
  const bytesOf = (name: string): number => buffers.get(name)!.length * bytesPerElement(buffers.get(name)!.dtype)
  // Scratch has room for numbers of this type.
  const isOwn = (name: string): boolean => buffers.get(name)!.use === 'arena' && buffers.get(name)!.dtype === 'f32'
  const joined = joinInPlace(kernels, lengthOf)
  const used = new Set(joined.flatMap(({ reads, writes }) => [...reads, ...writes]))
  for (const name of [...buffers.keys()]) if (isOwn(name) && !used.has(name)) buffers.delete(name)
  const near = keepNear(joined, bytesOf, isOwn)
  for (const [name, length] of near.scratch) buffers.set(name, { ...buffers.get(name)!, length, use: 'scratch' })
  return near.kernels
}

/** Plans the arena from what the kernels touch. */
function assemble(kernels: readonly Kernel[], layout: Layout): Program {
  const first = new Map<string, number>()
  const last = new Map<string, number>()
  kernels.forEach((kernel, at) => {
    for (const name of [...kernel.reads, ...kernel.writes]) {
      if (!first.has(name)) first.set(name, at)
      last.set(name, at)
    }
  })
  const temporaries = [...layout.buffers.values()].filter((buffer) => buffer.use === 'arena')
  const lives = temporaries.map((buffer) => ({
    bytes: buffer.length * bytesPerElement(buffer.dtype),
    from: first.get(buffer.name) ?? 0,
    to: last.get(buffer.name) ?? 0,
  }))
  const { offsets, bytes } = planArena(lives)
  const offsetOf = new Map(temporaries.map((buffer, at) => [buffer.name, offsets[at]]))
  const buffers = new Map<string, Buffer>()
  for (const { name, dtype, length, use } of layout.buffers.values()) {
    const place = use === 'arena' ? { kind: use, byteOffset: offsetOf.get(name)! } : { kind: use }
    buffers.set(name, { name, dtype, length, place })
  }
  const unsharedBytes = lives.reduce((sum, life) => sum + aligned(life.bytes), 0)
  return { buffers, external: layout.external, kernels, arenaBytes: bytes, unsharedBytes }
}
