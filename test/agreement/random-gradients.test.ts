// Derivatives of random programs, second ones among them, against central differences.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluator } from '../../src/graph/evaluator.ts'
import { uniformAt } from '../../src/random/threefry.ts'
import type { Recipe } from '../support/programs.ts'
import { programOf, recipes } from '../support/programs.ts'

/** Away from the quarters, where programs round and compare. */
const besideKinks = (leaf: number, element: number): number => 0.02 + 0.06 * uniformAt(9, leaf, 0, element)

const direction = (leaf: number, element: number): number => 2 * uniformAt(9, leaf, 1, element) - 1

/** The program at `distance` from where its gradient is taken. */
const programAt = (recipe: Recipe, distance: number) =>
  programOf(
    recipe,
    'f64',
    (value, leaf, element) => value + besideKinks(leaf, element) + distance * direction(leaf, element),
  )

async function lossAt(recipe: Recipe, distance: number): Promise<number> {
  const { loss } = programAt(recipe, distance)
  return loss ? loss.item() : 0
}

/** The derivative along `direction`, from four points: the error is of fourth order. */
async function difference(recipe: Recipe, step: number): Promise<number> {
  const near = (await lossAt(recipe, step)) - (await lossAt(recipe, -step))
  const far = (await lossAt(recipe, 2 * step)) - (await lossAt(recipe, -2 * step))
  return (8 * near - far) / (12 * step)
}

test('gradients of random programs are those of central differences', async () => {
  await fc.assert(
    fc.asyncProperty(recipes(), async (recipe) => {
      const { lines, gradients } = programAt(recipe, 0)
      const loss = await lossAt(recipe, 0)
      // What is stopped is changed by differences, and not by gradients; a mean over nothing is NaN.
      if (Number.isNaN(loss) || lines.some((line) => line.includes('stopGradient'))) return
      const elements = await evaluator().evaluate(gradients.map(({ node }) => node))
      let along = 0
      let largest = Math.max(1, Math.abs(loss))
      for (const [leaf, values] of elements.entries())
        for (const [element, value] of values.entries()) {
          along += value * direction(leaf, element)
          largest = Math.max(largest, Math.abs(value))
        }
      const expected = await difference(recipe, 1e-6)
      const isClose = Math.abs(along - expected) <= 1e-5 * largest
      assert(isClose, `${lines.join('\n')}\nby differences ${expected}, by the gradient ${along}`)
    }),
    { numRuns: 60, includeErrorInReport: true },
  )
})
