import type { Flags } from '../experiment.ts'

export const flags = {
  part: { type: 'string', value: 'NAMES', about: 'only these of gradients,classifier,autoencoder,wishes,genetic' },
  init: { type: 'string', value: 'NAME', about: 'only this initialisation: kaiming, pytorch or normal' },
  optimizer: { type: 'string', value: 'NAME', about: 'sgd (the default) or adam' },
  loss: { type: 'string', value: 'NAME', about: 'mse (the default) or cross-entropy' },
  dropout: { type: 'string', value: 'P', about: 'the share of inner units left out of a training step' },
  generations: { type: 'string', value: 'N', about: 'of the genetic algorithm' },
} as const satisfies Flags

export const parts = ['gradients', 'classifier', 'autoencoder', 'wishes', 'genetic'] as const
export type Part = (typeof parts)[number]
