// Random programs: graphs of tensor operations and formulas, with gradients, for devices to agree on.
import fc from 'fast-check'
import { grad, type Tensor, tensor } from '../../src/index.ts'
import { steps } from './programSteps.ts'
import type { Draw } from './randomDraw.ts'
import { drawFrom } from './randomDraw.ts'

/** What a program is made of: a seed for each operand and for each operation. It shrinks to fewer and to smaller ones. */
export interface Recipe {
  readonly leaves: readonly number[]
  readonly steps: readonly { readonly kind: number; readonly seed: number }[]
}

export interface RandomProgram {
  /** The program, line by line. */
  readonly lines: readonly string[]
  /** All that is computed, operands and gradients left out, in order. */
  readonly values: readonly Tensor[]
  /** What is asked for: results, some of what they are computed from, and the gradients of their sum by the operands. */
  readonly outputs: readonly { readonly name: string; readonly tensor: Tensor }[]
  /** The sum of the results' means, and its gradients by the operands; null when all results are integers. */
  readonly loss: Tensor | null
  readonly gradients: readonly Tensor[]
  /** How many terms are added up on the way to an output, at most; and back again. */
  readonly terms: number
}

/** A tensor of the program, and what is known about it. */
export interface Item {
  readonly name: string
  readonly tensor: Tensor
  readonly kind: 'float' | 'integer' | 'condition'
  /** Free of rounding: other orders of addition give the same bits. Only such values may decide which way something goes. */
  readonly exact: boolean
  /** No element is larger; integers are less than this, and not negative. */
  readonly bound: number
}

/** What a step makes of the items so far; null when it finds none that suit it. */
export type Step = (draw: Draw, items: readonly Item[], dtype: 'f32' | 'f64') => Made | null

export interface Made {
  readonly tensor: Tensor
  readonly text: string
  readonly exact: boolean
  readonly bound: number
  readonly kind?: Item['kind']
  readonly terms?: number
}

export const recipes = (): fc.Arbitrary<Recipe> =>
  fc.record({
    leaves: fc.array(fc.integer(), { minLength: 1, maxLength: 4 }),
    steps: fc.array(fc.record({ kind: fc.nat(steps.length - 1), seed: fc.integer() }), { minLength: 1, maxLength: 7 }),
  })

/** The program of a recipe. `change` may put other numbers into the operands. */
export function programOf(
  recipe: Recipe,
  dtype: 'f32' | 'f64',
  change: (value: number, leaf: number, element: number) => number = (value) => value,
): RandomProgram {
  const items = recipe.leaves.map((seed, leaf) =>
    leafOf(drawFrom(seed), `x${leaf}`, dtype, (value, element) => change(value, leaf, element)),
  )
  const leaves = items.slice()
  const lines = leaves.map(({ name, tensor }) => `${name} = ${tensor}`)
  let terms = 1
  for (const { kind, seed } of recipe.steps) {
    const made = steps[kind](drawFrom(seed), items, dtype)
    if (!made || made.tensor.size > largestSize || made.bound > largestBound) continue
    const name = `t${items.length}`
    items.push({ ...made, name, kind: made.kind ?? 'float' })
    lines.push(`${name} = ${made.text}    [${made.tensor.shape}]`)
    terms += made.terms ?? 0
  }
  const values = items.slice(leaves.length)
  const results = values.length > 0 ? values : items
  const loss = lossOf(results)
  const by = leaves.map(({ tensor }) => tensor)
  const gradients = loss ? grad(loss, by) : []
  return {
    lines,
    values: values.map(({ tensor }) => tensor),
    outputs: [
      ...wanted(results),
      ...gradients.map((gradient, at) => ({ name: `the gradient by ${leaves[at].name}`, tensor: gradient })),
    ],
    loss,
    gradients,
    terms,
  }
}

const largestSize = 96
const largestBound = 1000

/** Quarters from -2 to 2, in up to three short axes or one long one. */
function leafOf(
  draw: Draw,
  name: string,
  dtype: 'f32' | 'f64',
  change: (value: number, element: number) => number,
): Item {
  const short = Array.from({ length: draw.below(4) }, () => draw.between(1, 4))
  const shape = draw.chance(0.15) ? [draw.between(12, 24)] : short
  const size = shape.reduce((product, extent) => product * extent, 1)
  const values = Float64Array.from({ length: size }, (_, element) => change(draw.between(-8, 8) / 4, element))
  return { name, tensor: tensor(values, { shape, dtype }), kind: 'float', exact: true, bound: 2 }
}

/** The last result and every second of the others: what is not asked for may be fused away. */
const wanted = (results: readonly Item[]): { name: string; tensor: Tensor }[] =>
  results.filter((_, at) => (results.length - 1 - at) % 2 === 0).map(({ name, tensor }) => ({ name, tensor }))

function lossOf(results: readonly Item[]): Tensor | null {
  const means = results.filter(({ kind }) => kind === 'float').map(({ tensor }) => tensor.mean())
  return means.length === 0 ? null : means.reduce((total, mean) => total.add(mean))
}
