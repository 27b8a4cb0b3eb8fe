// One operation in five forms: [b, units] and a layer's weights and biases, [units] each, to [b, units].
import { formula, fromArray, stack, type Tensor } from '../../../src/index.ts'
import type { Activation } from '../network.ts'

export const formNames = ['loop', 'unfold', 'matrix', 'sparse', 'formula'] as const
export type FormName = (typeof formNames)[number]

/** What a layer does. */
export type LayerForm = (x: Tensor, w: Tensor, c: Tensor) => Tensor

/** For layers of `units`. */
export function formOf(form: FormName, units: number, activation: Activation): LayerForm {
  switch (form) {
    case 'loop':
      return looped(units, activation)
    case 'unfold':
      return unfolded(units, activation)
    case 'matrix':
      return multiplied(units, activation)
    case 'sparse':
      return listed(units, activation)
    case 'formula':
      return stated(activation)
  }
}

/** What a grid layer is: the sum over the neighbours that exist. */
function stated(activation: Activation): LayerForm {
  const text = formula(`z[b,p] = ${activation}(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])`)
  return (x, w, c) => text({ x, w, c })
}

/** A tensor of rank 1, [b], for each unit, as the draft's naive code has it; with the right indices. */
function looped(units: number, activation: Activation): LayerForm {
  return (x, w, c) => {
    const results = Array.from({ length: units }, (_, p) => {
      const sources = [p - 1, p, p + 1].filter((source) => source >= 0 && source < units)
      const terms = sources.map((source) => x.slice(null, source).mul(w.slice(source)))
      const sum = terms.reduce((total, term) => total.add(term), c.slice(p))
      return activation === 'sin' ? sum.sin() : sum.tanh()
    })
    return stack(results, 1)
  }
}

export const unfoldTexts = {
  x: 'u[b,p<H,k<3] = x?[b,p+k-1]',
  w: 'v[p<H,k<3] = w?[p+k-1]',
} as const

/** Every unit gets copies of its three neighbours and of their weights; these are multiplied one by one and summed. */
function unfolded(units: number, activation: Activation): LayerForm {
  const [windows, weights] = [formula(unfoldTexts.x), formula(unfoldTexts.w)]
  const sum = formula(`z[b,p] = ${activation}(c[p] + sum(k) v[p,k] * u[b,p,k])`)
  return (x, w, c) => sum({ u: windows({ x, H: units }), v: weights({ w, H: units }), c })
}

/** The matrix of a layer: column s holds weight s, in the rows of the units that see unit s. */
export const matrixText = 'M[p<H,s] = where(p - 1 <= s and s <= p + 1, w[s], 0)'

/** A product with that matrix, zeros and all. */
function multiplied(units: number, activation: Activation): LayerForm {
  const matrix = formula(matrixText)
  const product = formula(`z[b,p] = ${activation}(c[p] + sum(s) M[p,s] * x[b,s])`)
  return (x, w, c) => product({ M: matrix({ w, H: units }), x, c })
}

/** The same product without the zeros: for each row the numbers of its columns, -1 where there are fewer than three. */
function listed(units: number, activation: Activation): LayerForm {
  const numbers = Int32Array.from({ length: 3 * units }, (_, at) => {
    const source = Math.floor(at / 3) + (at % 3) - 1
    return source < units ? source : -1
  })
  const columns = fromArray(numbers, [units, 3])
  const product = formula(`z[b,p] = ${activation}(c[p] + sum(k) w?[columns[p,k]] * x?[b,columns[p,k]])`)
  return (x, w, c) => product({ x, w, c, columns })
}
