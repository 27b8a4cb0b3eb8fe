// The document's layers as formulas, and its derivations beside ours.
import { type Formula, formula } from '../../src/index.ts'

/** z = f(W x + b) of a batch, with f = tanh. */
export const linearText = 'z[n,i] = tanh(b[i] + sum(j) W[i,j] * x[n,j])'

/** One channel, stride S. */
export const singleText = 'R[i,j] = t + sum(a,b) I[S*i+a,S*j+b] * k[a,b]'

/** N images of C channels, Q filters; the document's layout NHWC, kernels [Q,F,F,C]. Each filter has a bias of its own. */
export const nhwcText = 'R[v,i,j,f] = t[f] + sum(a,b,p) I[v,S*i+a,S*j+b,p] * k[f,a,b,p]'
/** The same with channels first, kernels [Q,C,F,F]. */
export const nchwText = 'R[v,f,i,j] = t[f] + sum(p,a,b) I[v,p,S*i+a,S*j+b] * k[f,p,a,b]'

/** One step in time: from the input x and the state h before to the state after. */
export const recurrentText = 'h1[n,i] = tanh(c[i] + sum(j) U[i,j] * x[n,j] + sum(k) V[i,k] * h[n,k])'

/** Every head h has rows of its own in the three projections; D is the size of a head. */
export const attentionText = `q[n,t,h,d] = sum(e) Q[h,d,e] * x[n,t,e]
k[n,t,h,d] = sum(e) K[h,d,e] * x[n,t,e]
v[n,t,h,d] = sum(e) V[h,d,e] * x[n,t,e]
s[n,h,t,t'] = sum(d) q[n,t,h,d] * k[n,t',h,d] / sqrt(D)
a[n,h,t,t'] = exp(s[n,h,t,t']) / sum(u) exp(s[n,h,t,u])
y[n,t,h,d] = sum(t') a[n,h,t,t'] * v[n,t',h,d]
z[n,t,e] = sum(h,d) O[e,h,d] * y[n,t,h,d]`

/** A gradient: the document's formula as it stands there (in TeX), and the layer and operand ours is derived from. */
export interface Derivation {
  readonly title: string
  /** Null where the document leaves the derivation to its tensor operations. */
  readonly document: string | null
  readonly layer: string
  readonly operand: string
  /** How the two are the same. */
  readonly remark: string
}

/** With the stride written into the text, so that each is printed as its own case. */
const withStride = (text: string, stride: number): string => text.replaceAll('S*', stride === 1 ? '' : `${stride}*`)

export const derivations: readonly Derivation[] = [
  {
    title: 'One channel, stride 1: by the input',
    document: String.raw`\frac{\partial L}{\partial I(x,y)} = \sum_{a=0}^{F-1}\sum_{b=0}^{F-1} \frac{\partial L}{\partial R(x-a,\,y-b)}\, k(a,b)`,
    layer: withStride(singleText, 1),
    operand: 'I',
    remark:
      'The same, with c, d for x, y. The mark ? stands for the condition that x - a and y - b lie inside of R, for which the document pads R by F - 1; with a = F - 1 - a’ and b = F - 1 - b’ the kernel is read from its end: the flipped kernel.',
  },
  {
    title: 'One channel, stride S: by the input',
    document: String.raw`\frac{\partial L}{\partial I(x,y)} = \sum_{a=0}^{F-1}\sum_{b=0}^{F-1} \frac{\partial L}{\partial R\left(\frac{x-a}{S},\,\frac{y-b}{S}\right)}\, k(a,b) \quad\text{where } \tfrac{x-a}{S}, \tfrac{y-b}{S} \text{ are integers}`,
    layer: singleText,
    operand: 'I',
    remark:
      'The same: the condition that S divides x - a and y - b is written out. What is computed has no condition left: each remainder of x and y by S is a dense sum of its own, so no zero is ever multiplied.',
  },
  {
    title: 'One channel, stride S: by the kernel',
    document: String.raw`\frac{\partial L}{\partial k(c,d)} = \sum_{i}\sum_{j} \frac{\partial L}{\partial R(i,j)}\, I(iS+c,\,jS+d)`,
    layer: singleText,
    operand: 'k',
    remark: 'The same, with a, b for c, d.',
  },
  {
    title: 'Several channels, stride S: by the input',
    document: String.raw`\frac{\partial L}{\partial I(v,x,y,r)} = \sum_{a=0}^{F-1}\sum_{b=0}^{F-1}\sum_{g=0}^{Q-1} \gamma(x-a,\,y-b)\, \frac{\partial L}{\partial R(v,x-a,y-b,g)}\, k(g,a,b,r)`,
    layer: nhwcText,
    operand: 'I',
    remark:
      'The same, with f for g and p for r. The document’s R has its zeros put back here, so γ picks the entries that exist; ours reads R as it is.',
  },
  {
    title: 'Several channels, stride S: by the kernels',
    document: String.raw`\frac{\partial L}{\partial k(h,c,d,r)} = \sum_{w=0}^{N-1}\sum_{i=0}^{W-F}\sum_{j=0}^{H-F} \gamma(i,j)\, \frac{\partial L}{\partial R(w,i,j,g)}\, I(c+i,\,j+d,\,r)`,
    layer: nhwcText,
    operand: 'k',
    remark:
      'The document loses two indices: the gradient has to be that of filter h (not g), and I that of image w. Ours has both.',
  },
  {
    title: 'Several channels: by the biases',
    document: null,
    layer: nhwcText,
    operand: 't',
    remark: 'The document has one bias t for all filters; here each has its own.',
  },
  { title: 'Linear with tanh: by the weights', document: null, layer: linearText, operand: 'W', remark: '' },
  { title: 'Recurrent: by the weights of the state', document: null, layer: recurrentText, operand: 'V', remark: '' },
  {
    title: 'Multi-head attention: by the query weights',
    document: null,
    layer: attentionText,
    operand: 'Q',
    remark: '',
  },
]

export function gradientOf({ layer, operand }: Derivation): Formula {
  return (formula(layer) as Formula).gradient(operand)
}
