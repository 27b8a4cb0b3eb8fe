// What a step takes: time, and memory.
import { compile, grad, random, type Tensor } from '../../src/index.ts'
import { crossEntropy } from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import { type ModelName, type ModelOptions, model } from './models.ts'
import { weightCounts } from './spatialFeature.ts'

export interface StepCost {
  readonly model: ModelName
  readonly batchSize: number
  /** Of all layers. */
  readonly parameters: number
  /** Of the layers that are wired in place: weights in windows, and in the document's six axes. */
  readonly meaningful: number
  readonly stored: number
  readonly times: { readonly medianMs: number; readonly shortestMs: number; readonly steps: number }
  /** In MiB. */
  readonly memory: {
    /** What the step computes on the way. */
    readonly arena: number
    /** Parameters with Adam's two moments. */
    readonly state: number
    /** The most the process has had so far, all models before this one included. */
    readonly peak: number
  }
}

/** Steps of training on random images for `milliseconds`, at least three. */
export async function stepCost(
  name: ModelName,
  options: ModelOptions,
  { batchSize, lr, milliseconds }: { readonly batchSize: number; readonly lr: number; readonly milliseconds: number },
): Promise<StepCost> {
  const { channels, side, classes } = options
  const { net, locals } = model(name, options)
  const optimizer = adam({ lr }).bind(net)
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = crossEntropy(net(x), y)
    optimizer.update(grad(loss, net.parameters()))
    return loss
  })
  const x = random.normal([batchSize, channels, side, side], { seed: 1 }).detach()
  const y = random.randint(0, classes, [batchSize], { seed: 2 }).detach()
  const once = async (): Promise<number> => {
    const began = performance.now()
    await step(x, y).item()
    return performance.now() - began
  }
  // The first compiles, the second meets cold caches.
  await once()
  await once()
  const times: number[] = []
  const began = performance.now()
  while (times.length < 3 || performance.now() - began < milliseconds) times.push(await once())
  times.sort((a, b) => a - b)
  const count = (kind: 'windows' | 'dense') => locals.reduce((sum, local) => sum + weightCounts(local)[kind], 0)
  const parameters = net.parameters().reduce((sum, { size }) => sum + size, 0)
  return {
    model: name,
    batchSize,
    parameters,
    meaningful: count('windows'),
    stored: count('dense'),
    times: { medianMs: times[times.length >> 1], shortestMs: times[0], steps: times.length },
    memory: {
      arena: step.programs[0].program.arenaBytes / 2 ** 20,
      state: (3 * 4 * parameters) / 2 ** 20,
      peak: process.resourceUsage().maxRSS / 1024,
    },
  }
}
