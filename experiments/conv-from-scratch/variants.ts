// Pooling and strides: what they cost, and what they bring.
import type { Split } from '../../src/data/index.ts'
import type { EpochRecord } from '../../src/train/index.ts'
import { type Course, parameterCount, type Recipe, train } from './recipe.ts'

export interface Variant {
  readonly name: string
  readonly parameters: number
  /** What the dense layer sees of an image. */
  readonly features: number
  readonly testAccuracy: number | null
  /** Milliseconds a step, gathering of the batch included: the mean over the quickest epoch. */
  readonly stepMs: number
  readonly epochs: readonly EpochRecord[]
}

const variants: readonly Pick<Recipe, 'pool' | 'stride'>[] = [1, 2].flatMap((stride) =>
  (['none', 'max', 'average'] as const).map((pool) => ({ pool, stride })),
)

export async function compareVariants(
  split: Split,
  recipe: Recipe,
  course: Course,
  print: (text?: string) => void,
): Promise<readonly Variant[]> {
  const compared: Variant[] = []
  for (const variant of variants) {
    if (course.signal?.aborted && compared.length > 0) break
    const name = nameOf(variant)
    print(name)
    const { net, history } = await train(split, { ...recipe, ...variant }, { ...course, validation: split.test })
    const { epochs } = history
    compared.push({
      name,
      parameters: parameterCount(net),
      features: net.parameters().at(-2)!.shape[1],
      testAccuracy: epochs.at(-1)?.validationAccuracy ?? null,
      stepMs: Math.min(...epochs.map(({ seconds, steps }) => (1000 * seconds) / steps)),
      epochs,
    })
  }
  return compared
}

const nameOf = ({ pool, stride }: Pick<Recipe, 'pool' | 'stride'>): string =>
  [`stride ${stride}`, ...(pool === 'none' ? [] : [`${pool} pooling`])].join(', ')
