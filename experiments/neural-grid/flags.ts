import type { Flags } from '../experiment.ts'

export const flags = {
  part: { type: 'string', value: 'NAMES', about: 'only these of forms,times,variance,training,variants,grids' },
  grid: {
    type: 'string',
    value: 'SIZE',
    about: 'height x layers, as in 64x64; height x width x layers, as in 28x28x16',
  },
  activation: { type: 'string', value: 'NAME', about: 'sin (the default) or tanh' },
  loss: { type: 'string', value: 'NAME', about: 'cross-entropy (the default) or half-mse' },
  'fan-out': {
    type: 'string',
    value: 'N',
    about: 'of the Xavier bound: 3 (the default; 9 where layers are planes) or 1',
  },
  reads: { type: 'string', value: 'NAME', about: "neighbours (the default), or below: the draft's loop, one off" },
  padded: { type: 'boolean', about: "weights with the draft's two zeros a layer that are multiplied with nothing" },
  dropout: { type: 'string', value: 'P', about: 'the share of pixels left out of a training step' },
  schedule: {
    type: 'string',
    value: 'NAME',
    about: 'of the learning rate: constant (the default) or linear, falling to 0',
  },
} as const satisfies Flags

export const parts = ['forms', 'times', 'variance', 'training', 'variants', 'grids'] as const
export type Part = (typeof parts)[number]
