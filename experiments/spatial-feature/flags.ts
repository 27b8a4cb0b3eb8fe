import type { Flags } from '../experiment.ts'

export const flags = {
  part: { type: 'string', value: 'NAMES', about: 'only these of cost,dense,training' },
  model: { type: 'string', value: 'NAMES', about: 'only these of regular-conv,spatial-dense,shared-dense,simple' },
  'fan-in': {
    type: 'string',
    value: 'NAME',
    about: "of wired filters: right (the default), or the document's original",
  },
  storage: { type: 'string', value: 'NAME', about: "of wired filters: windows (the default), or the document's dense" },
  schedule: { type: 'string', value: 'NAME', about: 'of the learning rate: constant (the default), linear or late' },
  precision: { type: 'string', value: 'NAME', about: 'of products: highest (the default), high or medium' },
  plain: { type: 'boolean', about: 'no random crops and mirrorings' },
  width: { type: 'string', value: 'X', about: 'what all inner widths are multiplied by (1; 0.25 with --quick)' },
} as const satisfies Flags

export const parts = ['cost', 'dense', 'training'] as const
export type Part = (typeof parts)[number]
