// einfold explain: all that follows from a formula.
import { formula } from '../autodiff/index.ts'
import { compileGraph } from '../compiler/compile.ts'
import { printProgram } from '../compiler/print.ts'
import { allowedPrecision } from '../device/precision.ts'
import { EinfoldError } from '../errors.ts'
import type { FormulaTree } from '../expression/tree.ts'
import { inputNode } from '../graph/build.ts'
import { describeNode } from '../graph/describe.ts'
import { type Node, operandsOf } from '../graph/node.ts'
import { Tensor } from '../graph/tensor.ts'
import { device } from '../index.ts'
import { onePositional, parseFlags } from './arguments.ts'
import { type Command, type Terminal, UsageError } from './command.ts'
import { chooseDevice } from './device.ts'
import { type OperandSpec, operandSpecs } from './operands.ts'

const example = 'einfold explain "z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]"'

export const explain: Command = {
  name: 'explain',
  summary: 'a formula with its ranges, gradients, loops and code',
  help: `einfold explain "FORMULA" [flags]

  Prints the formula in canonical form, the ranges that were inferred, the gradient by each operand, the loop nest and
  the generated code.

Flags
  --shape NAME=a,b,…   the shape of an operand; repeat it, or put several in quotes. Others get small shapes that fit.
  --value NAME=n       the number that a constant is, such as a stride
  --gradient NAME      loops and code of the gradient by this operand, instead of those of the formula
  --latex              formula and gradients as LaTeX too
  --device NAME        whose loops and code are shown (einfold devices lists them); js when left out, the readable one

Examples
  ${example}
  einfold explain "z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]" \\
    --shape "x=64,3,32,32 w=16,3,5,5" --value s=2 --latex
  einfold explain "z[n,i] = max(u<2) x[n,2*i+u]" --gradient x
`,
  async run(args, terminal) {
    const { values, positionals } = parseFlags(args, flags, 'explain')
    const text = onePositional(positionals, 'a formula', example)
    chooseDevice(values.device ?? 'js')
    const f = formula(text)
    const specs = operandSpecs(f.tree, values.shape ?? [], values.value ?? [])
    const operands = inputsFor(specs)
    const result = withShapeHint(() => f(operands as never), specs)

    const { print, style } = terminal
    print(style.bold('formula'))
    print(indented(String(f)))
    if (values.latex) print(indented(f.latex()))
    print(`\n${style.bold('operands')}`)
    for (const spec of specs) print(`  ${operandText(spec)}`)
    print(`  ${style.faint('result')} ${f.tree.statements.at(-1)!.name} ${result.dtype}[${result.shape}]`)
    print(`\n${style.bold('ranges')}`)
    for (const node of computedNodes(result.node)) print(indented(describeNode(node)))
    const floats = specs.filter((spec) => spec.kind === 'tensor' && spec.dtype === 'float')
    print(`\n${style.bold('gradients')}`)
    for (const { name } of floats) {
      const gradient = f.gradient(name)
      print(indented(String(gradient)))
      if (values.latex) print(indented(gradient.latex()))
    }
    const wanted = values.gradient
    if (wanted !== undefined && !floats.some(({ name }) => name === wanted))
      throw new UsageError(`--gradient ${wanted}: gradients are taken by ${floats.map(({ name }) => name).join(', ')}`)
    const shown = wanted === undefined ? result : gradientTensor(f, wanted, operands, result)
    showProgram(shown, wanted, terminal)
    return 0
  },
}

const flags = {
  shape: { type: 'string', multiple: true },
  value: { type: 'string', multiple: true },
  gradient: { type: 'string' },
  latex: { type: 'boolean' },
  device: { type: 'string' },
} as const

function inputsFor(specs: readonly OperandSpec[]): Record<string, Tensor | number> {
  return Object.fromEntries(
    specs.map((spec, position) => {
      if (spec.kind === 'number') return [spec.name, spec.value]
      return [spec.name, new Tensor(inputNode(position, spec.shape, spec.dtype === 'i32' ? 'i32' : 'f32'))]
    }),
  )
}

/** A mistake in shapes may be one of the shapes that were guessed: the error then says so. */
export function withShapeHint<T>(build: () => T, specs: readonly OperandSpec[]): T {
  try {
    return build()
  } catch (error) {
    const guessed = specs.flatMap((spec) =>
      spec.kind === 'tensor' && !spec.isGiven && spec.shape.length > 0 ? [`${spec.name}=${spec.shape.join(',')}`] : [],
    )
    if (!(error instanceof EinfoldError) || guessed.length === 0) throw error
    const hint = `These shapes were chosen, not given; change them with --shape: ${guessed.join(' ')}`
    throw new EinfoldError(error.code, `${error.message}\n\n${hint}`, { cause: error })
  }
}

function operandText(spec: OperandSpec): string {
  if (spec.kind === 'number') return `${spec.name} = ${spec.value}`
  const dtype = spec.dtype === 'i32' ? 'i32' : 'f32'
  return `${spec.name} ${dtype}[${spec.shape}]${spec.isGiven || spec.shape.length === 0 ? '' : '  (shape chosen; --shape sets it)'}`
}

/** What is computed on the way to a node, itself last. */
function computedNodes(root: Node): Node[] {
  const found = new Set<Node>()
  const visit = (node: Node): void => {
    if (found.has(node)) return
    operandsOf(node).forEach(visit)
    if (node.kind === 'comprehension' || node.kind === 'scatter') found.add(node)
  }
  visit(root)
  return [...found]
}

function gradientTensor(
  f: ReturnType<typeof formula>,
  name: string,
  operands: Record<string, Tensor | number>,
  result: Tensor,
): Tensor {
  const dz = new Tensor(inputNode(Object.keys(operands).length, result.shape, 'f32'))
  return f.gradient(name)({ ...operands, [adjointName(f)]: dz } as never)
}

/** What the gradient by the result is called in gradients of a formula: `dz` for `z = …`. */
export const adjointName = (f: { readonly tree: FormulaTree }): string => `d${f.tree.statements.at(-1)!.name}`

function showProgram(shown: Tensor, wanted: string | undefined, { print, style }: Terminal): void {
  const of = wanted === undefined ? '' : ` of the gradient by ${wanted}`
  const { program } = compileGraph({ outputs: [shown.node], updates: [] }, device().targetOf(allowedPrecision()))
  print(`\n${style.bold(`loop nest${of}`)}`)
  print(indented(printProgram(program)))
  const chosen = device()
  print(`\n${style.bold(`code${of} for the device ${chosen.name}`)}`)
  print(indented(chosen.load(program).source.trimEnd()))
}

const indented = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n')
