// Random formulas: sums of products of reads at affine, divided and looked-up positions, reduced in every way.
import { formula, type Tensor } from '../../src/index.ts'
import type { Item, Step } from './programs.ts'
import type { Draw } from './randomDraw.ts'

interface Index {
  readonly name: string
  readonly least: number
  readonly most: number
}

/** A piece of a formula, and what is known about its value. */
interface Piece {
  readonly text: string
  readonly bound: number
  readonly exact: boolean
}

/** A formula being written. */
interface Draft {
  readonly draw: Draw
  readonly operands: readonly Item[]
  readonly lookups: readonly Item[]
  /** Whether all operands are free of rounding, so that the formula may decide. */
  readonly mayDecide: boolean
  readonly used: Map<string, Tensor>
  /** Names for reduction indices that are not used yet. */
  readonly free: string[]
  terms: number
}

export const formulaStep: Step = (draw, items, dtype) => {
  const floats = items.filter(({ kind }) => kind === 'float')
  const operands = Array.from({ length: draw.between(1, 3) }, () => draw.of(floats))
  const draft: Draft = {
    draw,
    operands,
    lookups: items.filter(({ kind, tensor }) => kind === 'integer' && tensor.rank < 3),
    mayDecide: operands.every(({ exact }) => exact),
    used: new Map(),
    free: ['u', 'v', 'w', 'r', 's'],
    terms: 1,
  }
  const axes = ['i', 'j', 'k'].slice(0, draw.of([0, 1, 1, 2, 2, 2, 3])).map((name) => axisOf(name, draw))
  const body = sum(draft, axes, 0)
  if (draft.used.size === 0 || !Number.isFinite(body.bound)) return null
  const left = axes.length > 0 ? `y[${axes.map(({ name, most }) => `${name}<${most + 1}`).join(',')}]` : 'y'
  const text = `${left} = ${body.text}`
  const result = formula(text as string)(Object.fromEntries(draft.used))
  // Without an operand in it a value is a whole number or f32, whose rounding would be taken for a mistake.
  if (result.dtype !== dtype && !body.exact) return null
  return {
    tensor: result.cast(dtype),
    text: `formula('${text}')({ ${[...draft.used.keys()].join(', ')} })${result.dtype === dtype ? '' : `.cast('${dtype}')`}`,
    exact: body.exact,
    bound: body.bound,
    terms: draft.terms,
  }
}

const axisOf = (name: string, draw: Draw): Index => ({ name, least: 0, most: draw.between(0, 3) })

function sum(draft: Draft, scope: readonly Index[], depth: number): Piece {
  const first = term(draft, scope, depth)
  if (draft.draw.chance(0.6)) return first
  const second = term(draft, scope, depth)
  return {
    text: `${first.text} ${draft.draw.of(['+', '-'])} ${second.text}`,
    bound: first.bound + second.bound,
    exact: first.exact && second.exact,
  }
}

function term(draft: Draft, scope: readonly Index[], depth: number): Piece {
  return depth < 2 && draft.draw.chance(depth === 0 ? 0.75 : 0.2)
    ? reduction(draft, scope, depth)
    : product(draft, scope, depth)
}

function reduction(draft: Draft, scope: readonly Index[], depth: number): Piece {
  const { draw, mayDecide } = draft
  const ranges = draft.free.splice(0, draw.of([1, 1, 2])).map((name) => rangeOf(name, draw))
  if (ranges.length === 0) return product(draft, scope, depth)
  const text = ranges.map(({ name, least, most }) =>
    least === 0 && draw.chance(0.8) ? `${name}<${most + 1}` : `${least}<=${name}<=${most}`,
  )
  const count = ranges.reduce((product, { least, most }) => product * (most - least + 1), 1)
  draft.terms *= count
  const inner = [...ranges, ...scope]
  const op = draw.of(['sum', 'sum', 'sum', 'mean', 'prod', ...(mayDecide ? ['max', 'min', 'argmax', 'any'] : [])])
  if (op === 'any') {
    const { text: tested } = read(draft, inner)
    const some = draw.of(['any', 'all'])
    return { text: `where(${some}(${text}) (${tested} > 0.25), 1, -0.5)`, bound: 1, exact: true }
  }
  const body = product(draft, inner, depth + 1)
  const whole = `${op}(${text}) ${body.text}`
  switch (op) {
    case 'sum':
      return { text: whole, bound: body.bound * count, exact: body.exact && body.bound * count < 256 }
    case 'mean':
      return { text: whole, bound: body.bound, exact: false }
    case 'prod':
      return { text: whole, bound: Math.max(1, body.bound) ** count, exact: false }
    case 'argmax':
      return body.exact
        ? { text: `0.5 * ${whole}`, bound: count, exact: true }
        : { text: `sum(${text}) ${body.text}`, bound: body.bound * count, exact: false }
    default:
      // Of nothing the maximum is -inf.
      return body.exact
        ? { text: `clamp(${whole}, -9, 9)`, bound: 9, exact: true }
        : { text: `sum(${text}) ${body.text}`, bound: body.bound * count, exact: false }
  }
}

function rangeOf(name: string, draw: Draw): Index {
  const least = draw.of([0, 0, 0, -1, 1])
  return { name, least, most: least + draw.between(0, 2) }
}

function product(draft: Draft, scope: readonly Index[], depth: number): Piece {
  const factors = Array.from({ length: draft.draw.of([1, 2, 2, 3]) }, () => factor(draft, scope, depth))
  const bound = factors.reduce((most, piece) => most * piece.bound, 1)
  return {
    text: factors.map(({ text }) => text).join(' * '),
    bound,
    exact: factors.every(({ exact }) => exact) && bound < 256,
  }
}

function factor(draft: Draft, scope: readonly Index[], depth: number): Piece {
  const { draw, mayDecide } = draft
  const kinds = ['read', 'read', 'read', 'read', 'function', 'mask', 'index', 'nested']
  switch (draw.of(mayDecide ? [...kinds, 'decision'] : kinds)) {
    case 'function': {
      const { text, bound } = read(draft, scope)
      const functions: readonly (readonly [string, number])[] = [
        [`tanh(${text})`, 1],
        [`sin(${text})`, 1],
        [`sigmoid(${text})`, 1],
        [`${text}^2`, bound * bound],
        [`1/(1+${text}^2)`, 1],
        [`sqrt(1+${text}^2)`, 1 + bound],
      ]
      const [applied, most] = draw.of(functions)
      return { text: `(${applied})`, bound: most, exact: false }
    }
    case 'decision': {
      const { text, bound, exact } = read(draft, scope)
      const applied = draw.of([`relu(${text})`, `abs(${text})`, `floor(${text})`, `clamp(${text}, -1, 0.5)`])
      return { text: draw.chance(0.2) ? `max(${text}, 0.25)` : applied, bound: bound + 1, exact }
    }
    case 'mask': {
      const piece = read(draft, scope)
      const condition = `${position(draft, scope).text} ${draw.of(['<', '<=', '==', '!='])} ${position(draft, scope).text}`
      return {
        ...piece,
        text: `where(${condition}, ${piece.text}, ${draw.of(['0', '0.5'])})`,
        bound: piece.bound + 0.5,
      }
    }
    case 'index': {
      const { text, least, most } = position(draft, scope)
      return { text: `(${text})`, bound: Math.max(Math.abs(least), Math.abs(most)), exact: true }
    }
    case 'nested': {
      if (depth >= 2 || draft.free.length === 0) return read(draft, scope)
      const inner = sum(draft, scope, depth + 1)
      return { ...inner, text: `(${inner.text})` }
    }
    default:
      return read(draft, scope)
  }
}

/** A read of one of the operands, marked with `?` where it may fall outside. */
function read(draft: Draft, scope: readonly Index[]): Piece {
  const { draw } = draft
  const { name, tensor, bound, exact } = draw.of(draft.operands)
  draft.used.set(name, tensor)
  if (tensor.rank === 0) return { text: name, bound, exact }
  const at = tensor.shape.map(() => position(draft, scope))
  const isInside = at.every(({ least, most }, axis) => least >= 0 && most < tensor.shape[axis])
  const mayLieOutside = !isInside || draw.chance(0.1)
  const texts = at.map(({ text }, axis) => {
    const fitting = draft.lookups.filter((lookup) => lookup.bound <= tensor.shape[axis])
    return fitting.length > 0 && draw.chance(0.2) ? lookupText(draw.of(fitting), draft, scope) : text
  })
  return { text: `${name}${mayLieOutside ? '?' : ''}[${texts.join(',')}]`, bound, exact }
}

/** An element of an integer tensor. */
function lookupText({ name, tensor }: Item, draft: Draft, scope: readonly Index[]): string {
  draft.used.set(name, tensor)
  if (tensor.rank === 0) return name
  const at = tensor.shape.map((extent) => {
    const { text, least, most } = position(draft, scope)
    return least >= 0 && most < extent ? text : `(${text}) % ${extent}`
  })
  return `${name}[${at.join(',')}]`
}

/** A position made of the indices in scope: affine, or divided, or its remainder. */
function position(draft: Draft, scope: readonly Index[]): { text: string; least: number; most: number } {
  const { draw } = draft
  if (scope.length === 0) return { text: '0', least: 0, most: 0 }
  const affine = draw.chance(0.45) ? single(draw.of(scope)) : combination(draw, scope)
  const { text, least, most } = affine
  if (draw.chance(0.85)) return affine
  const by = draw.between(2, 3)
  if (draw.chance(0.5)) return { text: `(${text})/${by}`, least: Math.floor(least / by), most: Math.floor(most / by) }
  return { text: `(${text})%${by}`, least: 0, most: by - 1 }
}

const single = ({ name, least, most }: Index) => ({ text: name, least, most })

function combination(draw: Draw, scope: readonly Index[]) {
  const chosen = draw.shuffled(scope).slice(0, draw.between(1, 2))
  let text = ''
  let [least, most] = [0, 0]
  for (const index of chosen) {
    const factor = draw.of([1, 1, 1, 2, 3, -1])
    const scaled = Math.abs(factor) === 1 ? index.name : `${Math.abs(factor)}*${index.name}`
    text += factor < 0 ? `-${scaled}` : text === '' ? scaled : `+${scaled}`
    const ends = [factor * index.least, factor * index.most]
    least += Math.min(...ends)
    most += Math.max(...ends)
  }
  const shift = draw.of([0, 0, -1, 1, -2, 2])
  if (shift !== 0) text += shift < 0 ? `${shift}` : `+${shift}`
  return { text, least: least + shift, most: most + shift }
}
