// Kernels that several threads run together: who does what, and where they meet.
import { accumulatesOutside } from '../../compiler/accumulates.ts'
import type { Statement, Value } from '../../compiler/ir.ts'
import { valuesOf } from '../../compiler/tidy.ts'
import { blockWork } from '../../compiler/work.ts'
import type { Callable, Local, WasmModule } from './encoder.ts'
import type { KernelState } from './kernelState.ts'
import { giveBack } from './kernelState.ts'
import { type Share, writeStatement } from './statements.ts'

/** A kernel that does less runs on one thread: meeting the others would take longer. */
const sharedWork = 30_000

/** Whether only the first thread has anything to do. Sums of a whole kernel are one thread's, in one order. */
export const isAlone = (body: readonly Statement[]): boolean =>
  blockWork(body) < sharedWork || body.some(({ kind }) => kind === 'accumulator') || !body.some(canDivide)

const canDivide = (statement: Statement): boolean => {
  if (statement.kind === 'contraction') return statement.parallel
  if (statement.kind !== 'loop') return false
  return (statement.mode === 'parallel' || statement.mode === 'lanes') && !accumulatesOutside(statement)
}

/** The thread that runs, and how it meets the others. */
export interface Team extends Share {
  meet(): void
}

/** Each thread takes its part of the loops that can be divided; the first does the rest. */
export function writeShared(k: KernelState, body: readonly Statement[], team: Team): void {
  const { f } = k
  const bound: Local[] = []
  let open = false
  const meet = (): void => {
    if (open) team.meet()
    open = false
  }
  for (const statement of body) {
    if (statement.kind === 'let' || statement.kind === 'pack') {
      // Names of the outermost block, and operands put in order, are every thread's own.
      if (statement.kind === 'pack' || valuesOf(statement).some(hasLoad)) meet()
      writeStatement(k, statement, null, bound)
      continue
    }
    meet()
    if (canDivide(statement)) writeStatement(k, statement, team, bound)
    else {
      f.get(team.thread)
        .op('i32.eqz')
        .if(() => {
          writeStatement(k, statement, null, bound)
        })
    }
    open = true
  }
  giveBack(k, bound)
}

const hasLoad = (value: Value): boolean =>
  value.kind === 'load' || (value.kind === 'operation' && value.args.some(hasLoad))

/**
 * Where threads meet, in bytes from the start of their block of memory: how often they have met, how many have arrived, how many
 * sleep, whether the first may sleep, and whether one has failed. Each is on a cache line of its own.
 */
export const meetingPlaces = { meetings: 0, arrived: 64, sleepers: 128, firstMaySleep: 192, failed: 256 } as const
export const meetingBytes = 320

/** How often a thread looks before it goes to sleep: some tens of microseconds. */
const looks = 60_000
const sleepNanoseconds = 1_000_000_000n

/** Writes the function (place, thread, threads) that returns when all threads have called it. */
export function writeMeet(m: WasmModule): Callable {
  const f = m.func('meet', { params: ['i32', 'i32', 'i32'] })
  const [place, thread, threads] = f.params
  const seen = f.local('i32')
  const left = f.local('i32')
  const { meetings, arrived, sleepers, firstMaySleep, failed } = meetingPlaces
  const load = (at: number) => f.get(place).memory('i32.atomic.load', at)
  const isOpen = () => load(meetings).get(seen).op('i32.eq')
  load(meetings).set(seen)
  f.get(place).i32Const(1).memory('i32.atomic.rmw.add', arrived).i32Const(1).op('i32.add').get(threads).op('i32.eq')
  f.if(() => {
    f.get(place).i32Const(0).memory('i32.atomic.store', arrived)
    f.get(place).i32Const(1).memory('i32.atomic.rmw.add', meetings).drop()
    load(sleepers).if(() => {
      f.get(place).i32Const(-1).memory('memory.atomic.notify', meetings).drop()
    })
    f.return()
  })
  f.i32Const(looks).set(left)
  f.loop((next) => {
    isOpen()
      .op('i32.eqz')
      .if(() => {
        f.return()
      })
    f.get(left).i32Const(1).op('i32.sub').tee(left).brIf(next)
  })
  f.loop((next) => {
    load(failed).if(() => {
      f.unreachable()
    })
    // A page's own thread must not sleep.
    f.get(thread)
    load(firstMaySleep).op('i32.or')
    f.if(() => {
      f.get(place).i32Const(1).memory('i32.atomic.rmw.add', sleepers).drop()
      f.get(place).get(seen).i64Const(sleepNanoseconds).memory('memory.atomic.wait32', meetings).drop()
      f.get(place).i32Const(1).memory('i32.atomic.rmw.sub', sleepers).drop()
    })
    isOpen().brIf(next)
  })
  return f
}
