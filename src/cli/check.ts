// einfold check: proves gradients against finite differences; the derived ones, and those written by hand.
import { type Formula, formula, grad } from '../autodiff/index.ts'
import { parse, print as printFormula } from '../formula/index.ts'
import { fromArray } from '../graph/creation.ts'
import { elaborate } from '../graph/elaborate.ts'
import { Tensor } from '../graph/tensor.ts'
import { uniformAt } from '../random/threefry.ts'
import { numberFlag, onePositional, parseFlags } from './arguments.ts'
import { type Command, type Terminal, UsageError } from './command.ts'
import { differing, slopes } from './differences.ts'
import { adjointName, withShapeHint } from './explain.ts'
import { type OperandSpec, operandSpecs } from './operands.ts'

const example = 'einfold check "z[n] = sum(k<3) x[n+k] * w[k]"'

export const check: Command = {
  name: 'check',
  summary: 'prove the gradients of a formula against finite differences, or find the error in one written by hand',
  help: `einfold check "FORMULA" [flags]

  Computes the derived gradient by each operand in f64, on random numbers, and compares it with finite differences.
  With --gradient it also takes a gradient that was written by hand, and says whether it is right, where it is wrong,
  and what the right one is.

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

/** The printed gradient, and the one that training uses, against differences; a line an operand. */
async function checkDerived({ f, operands, dz, terminal }: Checked, names: readonly string[]): Promise<boolean> {
  const { print, style } = terminal
  let right = true
  for (const name of names) {
    const loss = (x: Tensor): Tensor =>
      f({ ...operands, [name]: x } as never)
        .mul(dz)
        .sum()
    const x = operands[name] as Tensor
    const expected = await slopes(loss, x)
    const derived = f.gradient(name)
    const printed = derived({ ...operands, [adjointName(f)]: dz } as never)
    const found = [...differing(await printed.data(), expected), ...differing(await grad(loss(x), x).data(), expected)]
    const verdict = found.length === 0 ? style.good('right') : style.bad('WRONG')
    print(`${verdict}  ${String(derived)}`)
    if (found.length > 0) print(`       ${worst(found, x.shape)}`)
    right &&= found.length === 0
  }
  return right
}

async function checkWritten({ f, operands, dz, terminal }: Checked, text: string): Promise<boolean> {
  const { print, style } = terminal
  const tree = parse(text)
  const name = operandOf(tree.statements.at(-1)!.name, f, operands)
  const x = operands[name] as Tensor
  const loss = (moved: Tensor): Tensor =>
    f({ ...operands, [name]: moved } as never)
      .mul(dz)
      .sum()
  const expected = await slopes(loss, x)
  const found = differing(
    await new Tensor(writtenGradient(text, x, { ...operands, [adjointName(f)]: dz })).data(),
    expected,
  )
  print(`\nwritten by hand\n  ${printFormula(tree).replaceAll('\n', '\n  ')}`)
  if (found.length === 0) {
    print(`${style.good('right')}  it agrees with finite differences in all ${expected.places.length} elements tried`)
    return true
  }
  print(
    `${style.bad('WRONG')}  ${found.length} of ${expected.places.length} elements differ from finite differences; ${worst(found, x.shape)}`,
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

/** The largest of some differences, in words. */
function worst(found: ReturnType<typeof differing>, shape: readonly number[]): string {
  const {
    place,
    found: got,
    expected,
  } = found.reduce((largest, other) =>
    Math.abs(other.found - other.expected) > Math.abs(largest.found - largest.expected) ? other : largest,
  )
  const at: number[] = []
  let rest = place
  for (const extent of [...shape].reverse()) {
    at.unshift(rest % extent)
    rest = Math.floor(rest / extent)
  }
  return `the most at [${at}]: ${got.toPrecision(5)} where finite differences give ${expected.toPrecision(5)}`
}
