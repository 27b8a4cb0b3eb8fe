// The document's layer and loss as formulas, with its gradients as it wrote them and as they are right.

/** The document's layouts: images [b,c,H,W], weights [channels in, channels out, 5, 5]; padding 2, no bias. */
export const convolutionText = 'z[b<B,o,i<H,j<W] = sum(c,u,v) x?[b,c,i+u-2,j+v-2] * w[c,o,u,v]'

/**
 * Its `_param_grad` multiplies rows of patches with rows of the gradient, but the patches lie place by place (all images of
 * the first place, then of the next) and the gradient image by image: a transpose is missing. Row r pairs place r/B of image r%B with the
 * gradient at place r%(H·W) of image r/(H·W).
 */
export const documentKernelGradient =
  'dw[c,o,u<5,v<5] = sum(r<B*H*W) x?[r%B,c,r/B/W+u-2,r/B%W+v-2] * dz[r/(H*W),o,r%(H*W)/W,r%W]'
export const rightKernelGradient = 'dw[c,o,u<5,v<5] = sum(b,i,j) x?[b,c,i+u-2,j+v-2] * dz[b,o,i,j]'

/** Its `_input_grad` runs the convolution again, over the gradient; the kernel should be read from its end. */
export const documentInputGradient = 'dx[b,c,i<H,j<W] = sum(o,u,v) dz?[b,o,i+u-2,j+v-2] * w[c,o,u,v]'
export const rightInputGradient = 'dx[b,c,i<H,j<W] = sum(o,u,v) dz?[b,o,i-u+2,j-v+2] * w[c,o,u,v]'

const softmaxText = `e[n,k] = exp(x[n,k])
p[n,k] = e[n,k] / sum(k') e[n,k']
`

/** Its loss: the answer yes or no for each class, from shares that a softmax made. */
export const documentLossText = `${softmaxText}L[n] = -log(p[n,y[n]]) - sum(k) where(k == y[n], 0, log(1 - p[n,k]))`
/** What a softmax goes with, and what the document's gradient belongs to. */
export const crossEntropyText = `${softmaxText}L[n] = -log(p[n,y[n]])`

export const documentLossGradient = `${softmaxText}dx[n,k] = dL[n] * (p[n,k] - where(k == y[n], 1, 0))`
export const rightLossGradient = `${softmaxText}g[n,k] = where(k == y[n], -1 / p[n,k], 1 / (1 - p[n,k]))
dx[n,k] = dL[n] * p[n,k] * (g[n,k] - sum(k') g[n,k'] * p[n,k'])`
