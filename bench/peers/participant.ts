// A benchmark in a process of its own that makes a timed run when it is told to (see bench/serve.ts).
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Report } from '../report.ts'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Participant {
  /** Milliseconds a step, in one run. Throws ParticipantError. */
  run(): Promise<number>
  /** What it has to say at the end; its process ends with it. Throws ParticipantError. */
  end(): Promise<Report>
  /** Ends it in the middle. */
  kill(): void
}

/** A process that could not do what it was asked, with what it said about it. */
export class ParticipantError extends Error {}

interface Line {
  readonly ready?: boolean
  readonly cannot?: string
  readonly stepMs?: number | Report['stepMs']
}

/** Starts a process and waits until it is warm. Throws ParticipantError, also for a workload that it says it cannot do. */
export async function startParticipant(command: Command, limitMs: number): Promise<Participant> {
  const child = spawn(command.program, [...command.args], {
    env: { ...process.env, ...command.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // A child that has ended is noticed where its answer is awaited.
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const complaints = tailOf(child)
  const closed = new Promise((resolve) => child.once('close', resolve))
  const answer = async (request: string | null): Promise<Line> => {
    if (request !== null) child.stdin.write(`${request}\n`)
    const next = await withinLimit(child, lines.next(), limitMs)
    if (next.done) {
      await closed
      throw new ParticipantError(complaints() || 'it ended without a word')
    }
    const line = lineFrom(next.value)
    // Libraries print greetings.
    return line ?? answer(null)
  }
  const first = await answer(null)
  if (first.cannot !== undefined) throw new ParticipantError(first.cannot)
  return {
    run: async () => (await answer('run')).stepMs as number,
    end: async () => (await answer('end')) as Report,
    kill: () => void child.kill('SIGKILL'),
  }
}

function lineFrom(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? (value as Line) : null
  } catch {
    return null
  }
}

function tailOf(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-4000)
  })
  return () => {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    return (lines.find((line) => /(^|\s)\w*error:/i.test(line)) ?? lines.at(-1) ?? '').trim().slice(0, 160)
  }
}

async function withinLimit<T>(child: ChildProcess, promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new ParticipantError(`it took longer than ${limitMs / 1000} s`))
    }, limitMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
