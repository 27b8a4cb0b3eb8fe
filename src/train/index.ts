// Training and judging networks. Steps are computed by the runtime, which is readied here.
import '../runtime/evaluate.ts'

export type { Augmentation } from './augmentation.ts'
export { type ClassReport, type Confusion, confusion } from './confusion.ts'
export { type EvaluateOptions, type Evaluation, evaluate, type Loss } from './evaluate.ts'
export { type Data, type Examples, examplesOf, type Statistics } from './examples.ts'
export { type EpochRecord, type FitOptions, fit, type History } from './fit.ts'
export { restore, type Snapshot, snapshot } from './keepBest.ts'
export { progressLog, type StepProgress, type TextStream, type TrainingEnd, type TrainingLog } from './progress.ts'
