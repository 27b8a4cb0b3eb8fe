// einfold check: proves gradients against finite differences; the derived ones, and those written by hand.
import { type Formula, formula, grad, gradcheck, type OperandReport } from '../autodiff/index.ts'
import type { TypedArray } from '../dtype.ts'
import { parse, print as printFormula } from '../formula/index.ts'
import { fromArray } from '../graph/creation.ts'
import { elaborate } from '../graph/elaborate.ts'
import { Tensor } from '../graph/tensor.ts'
import { uniformAt } from '../random/threefry.ts'
import { numberFlag, onePositional, parseFlags } from './arguments.ts'
import { type Command, type Terminal, UsageError } from './command.ts'
import { adjointName, withShapeHint } from './explain.ts'
import { type OperandSpec, operandSpecs } from './operands.ts'

const example = 'einfold check "z[n] = sum(k<3) x[n+k] * w[k]"'

export const check: Command = {
  name: 'check',
  summary: 'prove the gradients of a formula against finite differences, or find the error in one written by hand',
  help: `einfold check "FORMULA" [flags]

  Computes the derived gradient by each operand in f64, on random numbers, and compares it with finite differences, as
  gradcheck does. With --gradient it also takes a gradient that was written by hand, compares it with the derived one,
  and says whether it is right, where it is wrong, and what the right one is.

Flags
  --gradient "dx[…] = …"  a gradient by the operand x, of the formula's operands and of the gradient by its result (dz
                          for z = …)
  --shape NAME=a,b,…      the shape of an operand; repeat it, or put several in quotes. Others get small shapes that fit.
  --value NAME=n          the number that a constant is, such as a stride
  --seed N                of the random numbers (0)

Exit code 1 when a gradient is wrong.

Examples
  ${example}
  einfold check "z[i] = sum(u<3) x[i+u] * w[u]" --gradient "dx[a] = sum(u<3) dz?[a+u] * w[u]"
`,
  async run(args, terminal) {
    const { values, positionals } = parseFlags(args, flags, 'check')
    const text = onePositional(positionals, 'a formula', example)
    const seed = numberFlag(values.seed, 'seed', 'whole number') ?? 0
    const f = formula(text)
    const specs = operandSpecs(f.tree, values.shape ?? [], values.value ?? [])
    const operands = randomOperands(specs, seed)
    const result = withShapeHint(() => f(operands as never), specs)
    const checked: Checked = { f, operands, dz: randomTensor(result.shape, seed, specs.length), terminal }

    terminal.print(String(f))
    for (const spec of specs) {
      if (spec.kind === 'number') terminal.print(`  ${spec.name} = ${spec.value}`)
      else terminal.print(`  ${spec.name}[${spec.shape}]${spec.isGiven ? '' : ' (shape chosen)'}`)
    }
    terminal.print()
    let right = await checkDerived(checked, floatsOf(specs))
    for (const written of values.gradient ?? []) right = (await checkWritten(checked, written)) && right
    return right ? 0 : 1
  },
}

const flags = {
  gradient: { type: 'string', multiple: true },
  shape: { type: 'string', multiple: true },
  value: { type: 'string', multiple: true },
  seed: { type: 'string' },
} as const

interface Checked {
  readonly f: Formula
  readonly operands: Readonly<Record<string, Tensor | number>>
  /** The gradient by the result. */
  readonly dz: Tensor
  readonly terminal: Terminal
}

const floatsOf = (specs: readonly OperandSpec[]): string[] =>
  specs.flatMap((spec) => (spec.kind === 'tensor' && spec.dtype === 'float' ? [spec.name] : []))

function randomOperands(specs: readonly OperandSpec[], seed: number): Record<string, Tensor | number> {
  return Object.fromEntries(
    specs.map((spec, stream) => {
      if (spec.kind === 'number') return [spec.name, spec.value]
      const numbers = randomTensor(spec.shape, seed, stream)
      if (spec.dtype === 'float') return [spec.name, numbers]
      const whole = numbers.add(1).mul((spec.largest + 1) / 2)
      return [spec.name, whole.floor().cast('i32')]
    }),
  )
}

/** Numbers in [-1, 1), f64. */
function randomTensor(shape: readonly number[], seed: number, stream: number): Tensor {
  const length = shape.reduce((product, extent) => product * extent, 1)
  return fromArray(
    Float64Array.from({ length }, (_, at) => 2 * uniformAt(seed, stream, 0, at) - 1),
    shape,
  )
}

/** Gradients by `names`: the one that training uses against differences, and the printed one against that. */
async function checkDerived(checked: Checked, names: readonly string[]): Promise<boolean> {
  const { f, operands, dz, terminal } = checked
  const { print, style } = terminal
  const { perOperand } = await gradcheck((all) => f(all as never), operands)
  let right = true
  for (const name of names) {
    const derived = f.gradient(name)
    // An operand without elements is not tried.
    const report = perOperand[name] as OperandReport | undefined
    const printed = await derived({ ...operands, [adjointName(f)]: dz } as never).data()
    const found = differing(printed, await derivedNumbers(checked, name))
    const isRight = report?.ok !== false && found.length === 0
    print(`${isRight ? style.good('right') : style.bad('WRONG')}  ${String(derived)}`)
    if (report) print(`       ${report.ok ? style.faint(tried(report)) : mismatch(report)}`)
    if (found.length > 0)
      print(`       as printed, it differs from the one that training uses; ${worst(found, shapeOf(checked, name))}`)
    right &&= isRight
  }
  return right
}

/** The gradient by an operand, as training computes it. */
const derivedNumbers = ({ f, operands, dz }: Checked, name: string): Promise<TypedArray> =>
  grad(
    f(operands as never)
      .mul(dz)
      .sum(),
    operands[name] as Tensor,
  ).data()

const shapeOf = ({ operands }: Checked, name: string): readonly number[] => (operands[name] as Tensor).shape

function tried({ mode, compared, maxError }: OperandReport): string {
  const what = mode === 'jacobian' ? 'derivatives' : 'random directions'
  return `${compared} ${what} against finite differences, largest error ${maxError.toExponential(1)}`
}

function mismatch({ worst }: OperandReport): string {
  const { element, result, analytic, numeric, kink } = worst!
  const place = element ? `at [${element}], of result [${result}]` : 'along a random direction'
  const hint = kink ? '; there is a kink, at which there is no derivative: try another --seed' : ''
  return `the most ${place}: ${analytic.toPrecision(5)} where finite differences give ${numeric.toPrecision(5)}${hint}`
}

/** A gradient written by hand against the derived one, which finite differences have been held against before. */
async function checkWritten(checked: Checked, text: string): Promise<boolean> {
  const { f, operands, dz, terminal } = checked
  const { print, style } = terminal
  const tree = parse(text)
  const name = operandOf(tree.statements.at(-1)!.name, f, operands)
  const x = operands[name] as Tensor
  const written = new Tensor(writtenGradient(text, x, { ...operands, [adjointName(f)]: dz }))
  const found = differing(await written.data(), await derivedNumbers(checked, name))
  print(`\nwritten by hand\n  ${printFormula(tree).replaceAll('\n', '\n  ')}`)
  if (found.length === 0) {
    print(`${style.good('right')}  it agrees with the derived gradient in all ${x.size} elements`)
    return true
  }
  print(
    `${style.bad('WRONG')}  ${found.length} of ${x.size} elements differ from the derived gradient; ${worst(found, x.shape)}`,
  )
  print(`the right one is\n  ${String(f.gradient(name)).replaceAll('\n', '\n  ')}`)
  return false
}

/** The operand that a gradient of this name is by. Throws UsageError. */
function operandOf(gradientName: string, f: Formula, operands: Checked['operands']): string {
  const name = gradientName.replace(/^d/, '')
  if (gradientName.startsWith('d') && operands[name] instanceof Tensor) return name
  const tensors = Object.keys(operands).filter((operand) => operands[operand] instanceof Tensor)
  const names = tensors.map((operand) => `d${operand}`).join(', ')
  throw new UsageError(`--gradient computes ${gradientName}; gradients of ${String(f)} are called ${names}`)
}

/** The tensor that a gradient by `x` means, of the operands that it names; as large as `x`. */
function writtenGradient(text: string, x: Tensor, given: Readonly<Record<string, Tensor | number>>) {
  const { operands, tree } = formula(text)
  const nodes = operands.map(({ name }) => {
    const operand = given[name]
    if (operand === undefined)
      throw new UsageError(`--gradient reads ${name}; it may read ${Object.keys(given).join(', ')}`)
    return [name, operand instanceof Tensor ? operand.node : operand] as const
  })
  return elaborate(tree, text, new Map(nodes), { resultShape: x.shape })
}

interface Difference {
  readonly place: number
  readonly found: number
  readonly expected: number
}

/** Where two gradients that are computed in f64 differ by more than the order of their sums accounts for. */
function differing(found: TypedArray, expected: TypedArray): Difference[] {
  const scale = Array.from(expected).reduce((largest, value) => Math.max(largest, Math.abs(value)), 1)
  return Array.from(found, (value, place) => ({ place, found: value, expected: expected[place] })).filter(
    (pair) => !(Math.abs(pair.found - pair.expected) <= 1e-9 * scale),
  )
}

/** The largest of some differences, in words. */
function worst(differences: readonly Difference[], shape: readonly number[]): string {
  const { place, found, expected } = differences.reduce((largest, other) =>
    Math.abs(other.found - other.expected) > Math.abs(largest.found - largest.expected) ? other : largest,
  )
  const at: number[] = []
  let rest = place
  for (const extent of [...shape].reverse()) {
    at.unshift(rest % extent)
    rest = Math.floor(rest / extent)
  }
  return `the most at [${at}]: ${found.toPrecision(5)} where ${expected.toPrecision(5)} is right`
}
