// Every experiment by name. They are loaded when they are run.
import type { Experiment, Flags } from './experiment.ts'
import { flags as frontprop } from './frontprop/flags.ts'
import { flags as neuralGrid } from './neural-grid/flags.ts'

export const experiments: Readonly<Record<string, () => Promise<Experiment>>> = {
  'conv-from-scratch': async () => (await import('./conv-from-scratch/experiment.ts')).experiment,
  frontprop: async () => (await import('./frontprop/experiment.ts')).experiment,
  'neural-grid': async () => (await import('./neural-grid/experiment.ts')).experiment,
  'tensor-layers': async () => (await import('./tensor-layers/experiment.ts')).experiment,
}

/** What some of them can be told besides what all can; apart, so that the help need not load them. */
export const experimentFlags: Readonly<Record<string, Flags>> = { frontprop, 'neural-grid': neuralGrid }
