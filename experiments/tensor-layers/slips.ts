// Where the document slips, and what Einfold or the numbers say to it.
import { EinfoldError, type Formula, formula, tensor } from '../../src/index.ts'
import { dilate, gradientByInput, plane } from './dilatePadFlip.ts'

export interface Slip {
  readonly written: string
  readonly right: string
  /** What shows it: numbers, or the message for the formula as written. */
  readonly shown: string
}

export function slips(): readonly Slip[] {
  return [
    {
      written: 'R has (W - F)/S + 1 columns; dilated they become W - F + 1.',
      right:
        'Only if S divides W - F. Else R has ⌊(W - F)/S⌋ + 1, dilation gives S·⌊(W - F)/S⌋ + 1, and the remainder has to be padded at the far end.',
      shown: remainderShown(),
    },
    {
      written: 'The constraint on the column is 0 ≤ (y - b)/S < ⌊(H - F)/S⌋.',
      right: '≤ at both ends, as it stands for the row: the last column of R counts too.',
      shown: 'With H = F there is one column, and < would leave none.',
    },
    {
      written: '∂L/∂k(c,d) for S > 1 has the factor δ_{a,c} δ_{j,d}.',
      right: 'δ_{a,c} δ_{b,d}: b runs over the kernel, j over the result.',
      shown: 'The line after it, I(c + i, j + d), is right again.',
    },
    {
      written: '∂L/∂k(h,c,d,r) = Σ_{w,i,j} γ(i,j) ∂L/∂R(w,i,j,g) I(c+i, j+d, r).',
      right: '∂L/∂R(w,i,j,h), since δ_{gh} has taken g away; and I(w, c+i, j+d, r), the image at hand.',
      shown: [
        messageFor('dk[h,c,d,r] = sum(w,i,j) dR[w,i,j,g] * I[c+i,j+d,r]'),
        messageFor('dk[h,c,d,r] = sum(w,i,j) dR[w,i,j,h] * I[c+i,j+d,r]'),
      ].join('\n\n'),
    },
    {
      written: 'The input has shape (N, H, W, C), and i, its first place inside an image, runs to ⌊(W - F)/S⌋.',
      right: 'i counts rows and runs to ⌊(H - F)/S⌋, j columns and to ⌊(W - F)/S⌋.',
      shown: 'Einfold takes both from the shapes; the cases above with H ≠ W agree.',
    },
    {
      written: 'γ is called d from the third equation of ∂L/∂I on.',
      right: 'One name for one thing.',
      shown: '',
    },
    {
      written: 'Several filters share the one bias t.',
      right: 't(f), a bias for each filter, is what such layers have.',
      shown: 'In the formula t[f]; with t it would be one.',
    },
  ]
}

/** A row of 8, a kernel of 3, stride 2: 5 is left over 2 by 1. */
function remainderShown(): string {
  const [W, F, S] = [8, 3, 2]
  const count = Math.floor((W - F) / S) + 1
  const ones = plane(count, count, () => 1)
  const kernel = plane(F, F, () => 1)
  const dilated = dilate(ones, S)
  const without = gradientByInput(ones, kernel, S, [0, 0])
  const padded = gradientByInput(ones, kernel, S, [1, 1])
  return (
    `W = ${W}, F = ${F}, S = ${S}: (W - F)/S + 1 = ${(W - F) / S + 1}; R has ${count} columns, dilated ${dilated[0].length} ` +
    `instead of ${W - F + 1}, and the gradient by the input comes out ${without.length}×${without[0].length} instead of ` +
    `${W}×${W}; with the remainder padded ${padded.length}×${padded[0].length}.`
  )
}

/** The error for the formula as the document has it. */
function messageFor(text: string): string {
  const zeros = (...shape: number[]) => tensor(new Float64Array(shape.reduce((a, b) => a * b, 1)), { shape })
  try {
    const wrong: Formula = formula(text)
    wrong({ dR: zeros(2, 3, 4, 4), I: zeros(2, 5, 6, 3) })
    return ''
  } catch (error) {
    if (error instanceof EinfoldError) return error.message
    throw error
  }
}
