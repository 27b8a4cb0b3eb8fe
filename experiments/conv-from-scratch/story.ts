// From the document's setting to one that works, a change at a time.
import type { Split } from '../../src/data/index.ts'
import type { EpochRecord } from '../../src/train/index.ts'
import { type Course, type Recipe, recipes, train } from './recipe.ts'

export interface Chapter {
  readonly name: string
  readonly recipe: Recipe
  readonly epochs: readonly EpochRecord[]
  readonly ended: string
}

/** All are judged by the document's loss: its gradient is that of the cross-entropy, so it trains as that does. */
export const chapters: readonly (readonly [name: string, changes: Partial<Recipe>])[] = [
  ['as the document has it', {}],
  ['the gradient of the kernel right', { gradients: 'derived' }],
  ['and weights that begin small', { gradients: 'derived', init: 'pytorch' }],
  ['and our recipe for ten epochs', { ...recipes.long, loss: 'document' }],
]

export async function tell(split: Split, course: Course, print: (text?: string) => void): Promise<readonly Chapter[]> {
  const told: Chapter[] = []
  for (const [name, changes] of chapters) {
    if (course.signal?.aborted && told.length > 0) break
    print(name)
    const recipe = { ...recipes.document, ...changes }
    const { history } = await train(split, recipe, { ...course, validation: split.test })
    told.push({ name, recipe, epochs: history.epochs, ended: history.ended })
  }
  return told
}

/** The document's validation losses after 1 to 10 epochs. */
export const reportedLosses = [9.986, 8.988, 10.053, 7.842, 9.555, 9.809, 10.407, 9.666, 8.497, 8.726]
