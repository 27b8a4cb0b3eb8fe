// The document's three gradients, and the right ones, before `einfold check`.
import { check } from '../../src/cli/check.ts'
import { styleFor } from '../../src/cli/style.ts'
import * as text from './document.ts'

export interface Claim {
  readonly title: string
  /** The formula whose gradient is claimed. */
  readonly layer: string
  readonly gradient: string
  /** Sizes for the check; small, and no two alike. */
  readonly sizes: readonly string[]
  /** Whose it is. */
  readonly by: 'document' | 'us'
}

const images = ['--shape', 'x=3,2,6,7 w=2,4,5,5', '--value', 'B=3 H=6 W=7']
const logits = ['--shape', 'x=4,5']

/** Each gradient of the document, and after it one that is right. */
export const claims: readonly Claim[] = [
  {
    title: 'The gradient of the kernel',
    layer: text.convolutionText,
    gradient: text.documentKernelGradient,
    sizes: images,
    by: 'document',
  },
  {
    title: 'The gradient of the kernel, transposed',
    layer: text.convolutionText,
    gradient: text.rightKernelGradient,
    sizes: images,
    by: 'us',
  },
  {
    title: 'The gradient of the input',
    layer: text.convolutionText,
    gradient: text.documentInputGradient,
    sizes: images,
    by: 'document',
  },
  {
    title: 'The gradient of the input, the kernel read from its end',
    layer: text.convolutionText,
    gradient: text.rightInputGradient,
    sizes: images,
    by: 'us',
  },
  {
    title: 'The gradient of the loss',
    layer: text.documentLossText,
    gradient: text.documentLossGradient,
    sizes: logits,
    by: 'document',
  },
  {
    title: 'The gradient of the loss as it is written',
    layer: text.documentLossText,
    gradient: text.rightLossGradient,
    sizes: logits,
    by: 'us',
  },
  {
    title: 'The gradient of the document, of the loss it belongs to',
    layer: text.crossEntropyText,
    gradient: text.documentLossGradient,
    sizes: logits,
    by: 'us',
  },
]

export interface Verdict extends Claim {
  /** What one would type. */
  readonly command: string
  /** What it answers. */
  readonly output: string
  readonly isRight: boolean
}

/** Runs `einfold check` on a claim. */
export async function judge(claim: Claim): Promise<Verdict> {
  const args = [claim.layer, ...claim.sizes, '--gradient', claim.gradient]
  const lines: string[] = []
  const say = (line = ''): void => {
    lines.push(line)
  }
  const code = await check.run(args, { print: say, complain: say, style: styleFor(false) })
  const shown = args.map((arg) => (arg.startsWith('--') ? arg : `"${arg}"`))
  return { ...claim, command: `einfold check ${shown.join(' ')}`, output: lines.join('\n'), isRight: code === 0 }
}
