import type { Flags } from '../experiment.ts'

export const flags = {
  part: { type: 'string', value: 'NAMES', about: 'of training (the default),gradients,story,variants; or all' },
  recipe: {
    type: 'string',
    value: 'NAME',
    about: 'what the flags below begin from: short (the default), long (ten epochs) or document',
  },
  gradients: { type: 'string', value: 'NAME', about: 'of the convolution: derived, or document for its wrong ones' },
  loss: {
    type: 'string',
    value: 'NAME',
    about: "cross-entropy, binary, or document (binary's value, the other's gradient)",
  },
  init: { type: 'string', value: 'NAME', about: 'of the weights: pytorch, xavier, or document for N(0,1)' },
  'weight-decay': { type: 'string', value: 'X', about: 'this times a weight is added to its gradient' },
  schedule: {
    type: 'string',
    value: 'NAME',
    about: 'of the learning rate: linear (to 0) or constant',
  },
  pool: { type: 'string', value: 'NAME', about: 'after the convolution: none, max or average, of 2×2' },
  stride: { type: 'string', value: 'N', about: 'of the convolution' },
} as const satisfies Flags

export const parts = ['training', 'gradients', 'story', 'variants'] as const
export type Part = (typeof parts)[number]
