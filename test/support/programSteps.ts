// The operations random programs are made of. Each keeps its values small, and decides (takes a maximum, rounds, compares)
// only where values are free of rounding, so that every correct device gives the same result up to rounding.
import { concat, einsum, grad, stack, type Tensor, tensor, where } from '../../src/index.ts'
import { formulaStep } from './programFormulas.ts'
import type { Item, Made, Step } from './programs.ts'
import { viewOf } from './programViews.ts'
import type { Draw } from './randomDraw.ts'

type Pick = (draw: Draw, items: readonly Item[]) => Item | null

const pickWhere =
  (suits: (item: Item) => boolean): Pick =>
  (draw, items) => {
    const suitable = items.filter(suits)
    // Later items are more telling: they have more behind them.
    return suitable.length === 0 ? null : suitable[Math.max(draw.below(suitable.length), draw.below(suitable.length))]
  }

const anyFloat = pickWhere((item) => item.kind === 'float')
const exactFloat = pickWhere((item) => item.kind === 'float' && item.exact)
const withAxes = pickWhere((item) => item.kind === 'float' && item.tensor.rank > 0)
const exactWithAxes = pickWhere((item) => item.kind === 'float' && item.exact && item.tensor.rank > 0)
const anyInteger = pickWhere((item) => item.kind === 'integer')
const anyCondition = pickWhere((item) => item.kind === 'condition')

/** A step over one item. */
const over =
  (pick: Pick, apply: (x: Item, draw: Draw) => Made | null): Step =>
  (draw, items) => {
    const x = pick(draw, items)
    return x && apply(x, draw)
  }

const smooth = over(anyFloat, ({ tensor: x, name, bound }, draw) => {
  const small = bound > 4 ? x.mul(4 / bound) : x
  const smallName = bound > 4 ? `${name}.mul(${4 / bound})` : name
  const square = x.mul(x)
  const choices: readonly (readonly [Tensor, string, number])[] = [
    [x.tanh(), `${name}.tanh()`, 1],
    [x.sigmoid(), `${name}.sigmoid()`, 1],
    [x.sin(), `${name}.sin()`, 1],
    [x.cos(), `${name}.cos()`, 1],
    [x.erf(), `${name}.erf()`, 1],
    [x.gelu(), `${name}.gelu()`, bound],
    [x.silu(), `${name}.silu()`, bound],
    [x.softplus(), `${name}.softplus()`, bound + 1],
    [small.exp(), `${smallName}.exp()`, 55],
    [small.expm1(), `${smallName}.expm1()`, 55],
    [square.add(0.5).log(), `${name}.square().add(0.5).log()`, Math.log(bound * bound + 0.5) + 1],
    [square.log1p(), `${name}.square().log1p()`, Math.log1p(bound * bound)],
    [square.add(0.5).sqrt(), `${name}.square().add(0.5).sqrt()`, bound + 1],
  ]
  const [result, text, most] = draw.of(choices)
  return { tensor: result, text, exact: false, bound: most }
})

const kinked = over(exactFloat, ({ tensor: x, name, bound }, draw) => {
  const choices: readonly (readonly [Tensor, string])[] = [
    [x.relu(), `${name}.relu()`],
    [x.abs(), `${name}.abs()`],
    [x.sign(), `${name}.sign()`],
    [x.floor(), `${name}.floor()`],
    [x.ceil(), `${name}.ceil()`],
    [x.round(), `${name}.round()`],
    [x.neg(), `${name}.neg()`],
    [x.clamp(-0.5, 1), `${name}.clamp(-0.5, 1)`],
    [x.mod(0.75), `${name}.mod(0.75)`],
    [x.mul(-0.5), `${name}.mul(-0.5)`],
    [x.stopGradient(), `${name}.stopGradient()`],
  ]
  const [result, text] = draw.of(choices)
  return { tensor: result, text, exact: true, bound: Math.max(bound + 1, 1) }
})

const binary: Step = (draw, items) => {
  const x = anyFloat(draw, items)
  const other = anyFloat(draw, items)
  if (!x || !other) return null
  const y = fitted(other, x.tensor)
  const both = x.exact && other.exact
  const a = x.tensor
  const b = y.tensor
  const positive = b.mul(b).add(1)
  const sum = x.bound + other.bound
  const choices: readonly (readonly [Tensor, string, number, boolean])[] = [
    [a.add(b), `${x.name}.add(${y.name})`, sum, both],
    [a.sub(b), `${x.name}.sub(${y.name})`, sum, both],
    [b.sub(a), `${y.name}.sub(${x.name})`, sum, both],
    [a.mul(b), `${x.name}.mul(${y.name})`, x.bound * other.bound, both && x.bound * other.bound < 256],
    [a.div(positive), `${x.name}.div(${y.name}.square().add(1))`, x.bound, false],
    [a.atan2(positive), `${x.name}.atan2(${y.name}.square().add(1))`, 4, false],
    [positive.pow(a.tanh()), `${y.name}.square().add(1).pow(${x.name}.tanh())`, other.bound ** 2 + 1, false],
    ...(both
      ? ([
          [a.maximum(b), `${x.name}.maximum(${y.name})`, sum, true],
          [a.minimum(b), `${x.name}.minimum(${y.name})`, sum, true],
        ] as const)
      : []),
  ]
  const [result, text, bound, exact] = draw.of(choices)
  return { tensor: result, text, exact, bound }
}

/** `item`, with what does not broadcast to `like` cut to the first element. */
function fitted({ tensor: x, name }: Item, like: Tensor): { tensor: Tensor; name: string } {
  const specs = x.shape.map((extent, axis): [number, number] | null => {
    const place = axis - x.rank + like.rank
    return place < 0 || extent === 1 || like.shape[place] === 1 || like.shape[place] === extent ? null : [0, 1]
  })
  if (specs.every((spec) => spec === null)) return { tensor: x, name }
  return { tensor: x.slice(...specs), name: `${name}.slice(${JSON.stringify(specs).slice(1, -1)})` }
}

const comparison: Step = (draw, items) => {
  const x = exactFloat(draw, items)
  const other = exactFloat(draw, items)
  if (!x || !other) return null
  const y = fitted(other, x.tensor)
  const op = draw.of(['lt', 'le', 'gt', 'ge', 'eq', 'ne'] as const)
  const made = { exact: true, bound: 1, kind: 'condition' as const }
  return { ...made, tensor: x.tensor[op](y.tensor), text: `${x.name}.${op}(${y.name})` }
}

const choice: Step = (draw, items) => {
  const condition = anyCondition(draw, items)
  const x = anyFloat(draw, items)
  const y = anyFloat(draw, items)
  if (!condition || !x || !y) return null
  const a = fitted(x, condition.tensor)
  const chosen = where(condition.tensor, a.tensor, 0.25)
  const b = fitted(y, chosen)
  return {
    tensor: where(condition.tensor, a.tensor, b.tensor),
    text: `where(${condition.name}, ${a.name}, ${b.name})`,
    exact: x.exact && y.exact,
    bound: Math.max(x.bound, y.bound),
  }
}

const logic = over(anyCondition, ({ tensor: x, name }, draw) => {
  const axis = x.rank > 0 ? draw.below(x.rank) : undefined
  const made = { exact: true, bound: 1 }
  const op = draw.of(['logicalNot', 'any', 'all', 'cast', 'sum'] as const)
  switch (op) {
    case 'logicalNot':
      return { ...made, tensor: x.logicalNot(), text: `${name}.logicalNot()`, kind: 'condition' }
    case 'cast':
      return { ...made, tensor: x.cast('i32'), text: `${name}.cast('i32')`, kind: 'integer', bound: 2 }
    case 'sum':
      return { ...made, tensor: x.sum(axis), text: `${name}.sum(${axis})`, kind: 'integer', bound: x.size + 1 }
    default:
      return { ...made, tensor: x[op](axis), text: `${name}.${op}(${axis})`, kind: 'condition' }
  }
})

const smoothReduction = over(anyFloat, ({ tensor: x, name, bound, exact }, draw) => {
  const axes = draw.shuffled(x.shape.map((_, axis) => axis)).slice(0, draw.between(0, x.rank))
  const keep = draw.chance(0.5)
  const count = axes.reduce((product, axis) => product * x.shape[axis], 1)
  const op = draw.of(['sum', 'mean', 'prod', 'variance', 'logSumExp'] as const)
  const made = { text: `${name}.${op}([${axes}], ${keep})`, terms: count, exact: false, bound }
  switch (op) {
    case 'sum':
      return { ...made, tensor: x.sum(axes, keep), exact: exact && bound * count < 256, bound: bound * count }
    case 'mean':
      return { ...made, tensor: x.mean(axes, keep) }
    case 'prod':
      return { ...made, tensor: x.prod(axes, keep), bound: Math.max(1, bound) ** count }
    case 'variance':
      return { ...made, tensor: x.variance(axes, { keepDims: keep }), bound: bound * bound }
    case 'logSumExp':
      return { ...made, tensor: x.logSumExp(axes, keep), bound: bound + Math.log(count) }
  }
})

const decidingReduction = over(exactFloat, ({ tensor: x, name, bound }, draw) => {
  const axis = x.rank === 0 || draw.chance(0.2) ? undefined : draw.below(x.rank)
  const keep = draw.chance(0.5)
  const op = draw.of(['max', 'min', 'argmax', 'argmin'] as const)
  const made = { text: `${name}.${op}(${axis}, ${keep})`, exact: true }
  if (op === 'max' || op === 'min') return { ...made, tensor: x[op](axis, keep), bound }
  return { ...made, tensor: x[op](axis, keep), bound: x.size, kind: 'integer' }
})

const softmax = over(withAxes, ({ tensor: x, name, bound }, draw) => {
  const axis = draw.below(x.rank)
  const op = draw.of(['softmax', 'logSoftmax'] as const)
  const most = op === 'softmax' ? 1 : 2 * bound + 4
  return { tensor: x[op](axis), text: `${name}.${op}(${axis})`, exact: false, bound: most, terms: x.shape[axis] }
})

/** The product of two or three tensors, axes of equal extent sometimes shared, some summed. */
const contraction: Step = (draw, items) => {
  const factors = Array.from({ length: draw.between(1, 3) }, () => anyFloat(draw, items))
  if (factors.some((factor) => factor === null)) return null
  const operands = factors as Item[]
  const extents = new Map<string, number>()
  const labelled = operands.map(({ tensor: { shape } }) =>
    shape
      .map((extent) => {
        const fitting = [...extents].filter(([, known]) => known === extent).map(([label]) => label)
        const label = fitting.length > 0 && draw.chance(0.7) ? draw.of(fitting) : 'abcdefghi'[extents.size]
        extents.set(label, extent)
        return label
      })
      .join(''),
  )
  const domain = [...extents.values()].reduce((product, extent) => product * extent, 1)
  if (domain > 400) return null
  const output = draw.shuffled([...extents.keys()]).slice(0, draw.between(0, 3))
  const count = [...extents]
    .filter(([label]) => !output.includes(label))
    .reduce((product, [, extent]) => product * extent, 1)
  const equation = `${labelled.join(',')}->${output.join('')}`
  const bound = operands.reduce((product, operand) => product * operand.bound, count)
  return {
    tensor: einsum(equation, ...operands.map((operand) => operand.tensor)),
    text: `einsum('${equation}', ${operands.map(({ name }) => name).join(', ')})`,
    exact: operands.every(({ exact }) => exact) && bound < 256,
    bound,
    terms: count,
  }
}

/** The same elements elsewhere. Half of the time two views, one of the other. */
const view = over(withAxes, (x, draw) => {
  const first = viewOf(x, draw)
  if (draw.chance(0.5) || first.tensor.rank === 0) return first
  return viewOf({ ...x, tensor: first.tensor, name: first.text }, draw)
})

const join: Step = (draw, items) => {
  const x = withAxes(draw, items)
  if (!x) return null
  const axis = draw.below(x.tensor.rank)
  const others = items.filter(
    ({ kind, tensor: { shape } }) =>
      kind === 'float' &&
      shape.length === x.tensor.rank &&
      shape.every((extent, at) => at === axis || extent === x.tensor.shape[at]),
  )
  const parts = [x, ...Array.from({ length: draw.between(1, 2) }, () => draw.of(others))]
  const names = parts.map(({ name }) => name).join(', ')
  const same = parts.every((part) => part.tensor.shape[axis] === x.tensor.shape[axis])
  const tensors = parts.map((part) => part.tensor)
  const stacked = same && draw.chance(0.4)
  return {
    tensor: stacked ? stack(tensors, axis) : concat(tensors, axis),
    text: `${stacked ? 'stack' : 'concat'}([${names}], ${axis})`,
    exact: parts.every(({ exact }) => exact),
    bound: Math.max(...parts.map(({ bound }) => bound)),
  }
}

/** Elements at computed or at given positions. */
const lookup: Step = (draw, items) => {
  const x = withAxes(draw, items)
  if (!x) return null
  const axis = draw.below(x.tensor.rank)
  const extent = x.tensor.shape[axis]
  const computed = anyInteger(draw, items)
  if (!computed || draw.chance(0.4)) return takeGiven(x, axis, draw)
  const { exact, bound } = x
  if (draw.chance(0.8)) {
    const inside = computed.tensor.mod(extent)
    const text = `${x.name}.take(${computed.name}.mod(${extent}), ${axis})`
    return { tensor: x.tensor.take(inside, axis), text, exact, bound }
  }
  // Positions outside go to the nearest; no derivative is promised there.
  const shift = draw.of([-2, 2])
  const text = `${x.name}.stopGradient().take(${computed.name}.add(${shift}), ${axis})`
  return { tensor: x.tensor.stopGradient().take(computed.tensor.add(shift), axis), text, exact, bound }
}

function takeGiven({ tensor: x, name, exact, bound }: Item, axis: number, draw: Draw): Made {
  // Of many positions the derivative scatters, of few it gathers.
  const count = draw.of([1, 3, 24])
  const positions = Array.from({ length: count }, () => draw.below(x.shape[axis]))
  const index = tensor(positions, { dtype: 'i32' })
  return { tensor: x.take(index, axis), text: `${name}.take([${positions}], ${axis})`, exact, bound }
}

const oneHot: Step = (draw, items, dtype) => {
  const x = anyInteger(draw, items)
  if (!x) return null
  const classes = draw.between(1, 4)
  const text = `${x.name}.oneHot(${classes}, '${dtype}')`
  return { tensor: x.tensor.oneHot(classes, dtype), text, exact: true, bound: 1 }
}

const scan = over(withAxes, ({ tensor: x, name, exact, bound }, draw) => {
  const axis = draw.below(x.rank)
  const terms = x.shape[axis]
  const sum = { tensor: x.cumsum(axis), text: `${name}.cumsum(${axis})`, terms, exact: exact && bound * terms < 256 }
  if (bound > 4 || draw.chance(0.5)) return { ...sum, bound: bound * terms }
  const most = Math.max(1, bound) ** terms
  return { tensor: x.cumprod(axis), text: `${name}.cumprod(${axis})`, exact: false, bound: most, terms }
})

const sorting = over(exactWithAxes, ({ tensor: x, name, bound }, draw) => {
  const axis = draw.below(x.rank)
  const descending = draw.chance(0.5)
  if (x.shape[axis] > 4) return null
  const text = `({ axis: ${axis}, descending: ${descending} })`
  if (draw.chance(0.5)) return { tensor: x.sort({ axis, descending }), text: `${name}.sort${text}`, exact: true, bound }
  const sorted = x.argsort({ axis, descending })
  return { tensor: sorted, text: `${name}.argsort${text}`, exact: true, bound: x.shape[axis], kind: 'integer' }
})

/** A gradient as a value of its own, which is differentiated again at the end. */
const gradient: Step = (draw, items) => {
  const loss = anyFloat(draw, items)
  const by = anyFloat(draw, items)
  if (!loss || !by) return null
  const found = grad(loss.tensor.mul(loss.tensor).mean(), by.tensor)
  const text = `grad(${loss.name}.square().mean(), ${by.name}).tanh()`
  return { tensor: found.tanh(), text, exact: false, bound: 1, terms: loss.tensor.size }
}

/** Formulas and products come more often: most is to be got wrong in them. */
export const steps: readonly Step[] = [
  smooth,
  kinked,
  binary,
  binary,
  comparison,
  choice,
  logic,
  smoothReduction,
  decidingReduction,
  softmax,
  contraction,
  contraction,
  view,
  view,
  join,
  lookup,
  oneHot,
  scan,
  sorting,
  gradient,
  formulaStep,
  formulaStep,
  formulaStep,
  formulaStep,
  formulaStep,
]
