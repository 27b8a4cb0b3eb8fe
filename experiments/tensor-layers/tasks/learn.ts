// Learning from batches that are made as they are needed.
import { compile, grad, type Parameter, type Tensor } from '../../../src/index.ts'
import { adam } from '../../../src/optim/index.ts'
import type { Picture } from '../../../src/plot/index.ts'
import { uniformAt } from '../../../src/random/threefry.ts'

/** What a layer learnt. */
export interface Learnt {
  readonly task: string
  /** What is to be learnt, in a sentence. */
  readonly about: string
  readonly points: readonly Point[]
  /** At the end, and what guessing gives (or weights of 0); what they count is `measure`. */
  readonly reached: number
  readonly baseline: number
  readonly measure: string
  readonly picture?: Picture
}

export interface Point {
  readonly step: number
  readonly loss: number
}

export interface LearnOptions {
  readonly parameters: readonly Parameter[]
  /** The mean loss of a batch. */
  readonly loss: (...batch: Tensor[]) => Tensor
  /** Batch number `step`; all of the same shapes. */
  readonly batch: (step: number) => readonly Tensor[]
  readonly steps: number
  readonly lr: number
  readonly signal?: AbortSignal
}

/** Trains with Adam; the loss of each fiftieth step is kept. */
export async function learn({ parameters, loss, batch, steps, lr, signal }: LearnOptions): Promise<readonly Point[]> {
  const optimizer = adam({ lr }).bind(parameters)
  const step = compile((...inputs: Tensor[]) => {
    const value = loss(...inputs)
    optimizer.update(grad(value, parameters))
    return value
  })
  const points: Point[] = []
  for (let at = 0; at < steps && !signal?.aborted; at++) {
    const value = step(...batch(at))
    if (at % Math.max(1, Math.round(steps / 50)) === 0 || at === steps - 1)
      points.push({ step: at + 1, loss: await value.item() })
    value[Symbol.dispose]()
  }
  return points
}

/** Numbers in [0, 1), one after the other: the same for the same seed and turn. */
export function dice(seed: number, turn: number): () => number {
  let at = 0
  return () => uniformAt(seed, 0, turn, at++)
}

/** The share of rows whose largest output is at their class. */
export async function shareRight(outputs: Tensor, classes: Tensor): Promise<number> {
  return outputs.argmax(-1).eq(classes).mean().item()
}
