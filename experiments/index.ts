// Every experiment by name. They are loaded when they are run.
import type { Experiment } from './experiment.ts'

export const experiments: Readonly<Record<string, () => Promise<Experiment>>> = {
  'conv-from-scratch': async () => (await import('./conv-from-scratch/experiment.ts')).experiment,
}
