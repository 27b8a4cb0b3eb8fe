// What is taken for what.
import { ShapeError } from '../errors.ts'

export interface ClassReport {
  readonly name: string
  /** Examples of the class. */
  readonly count: number
  /** How much of what was said to be this class is of this class; 0 when it was never said. */
  readonly precision: number
  /** How much of this class was found; 0 when there is none. */
  readonly recall: number
  /** The harmonic mean of precision and recall. */
  readonly f1: number
}

export interface Confusion {
  /** `counts[actual][predicted]` examples. */
  readonly counts: readonly (readonly number[])[]
  readonly accuracy: number
  readonly classes: readonly ClassReport[]
}

/**
 * The confusion matrix of predictions against labels, and what follows from it for each class.
 * Throws ShapeError `shape-mismatch` unless there are as many of one as of the other, `bad-label` for one without a class.
 */
export function confusion(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classes: readonly string[],
): Confusion {
  if (labels.length !== predictions.length)
    throw new ShapeError('shape-mismatch', `${labels.length} labels do not go with ${predictions.length} predictions`)
  const counts = classes.map(() => classes.map(() => 0))
  for (let row = 0; row < labels.length; row++) {
    for (const label of [labels[row], predictions[row]])
      if (counts[label] === undefined)
        throw new ShapeError(
          'bad-label',
          `row ${row} has class ${label}, and there are classes 0 to ${classes.length - 1}`,
        )
    counts[labels[row]][predictions[row]]++
  }
  const hits = sum(counts.map((row, at) => row[at]))
  return {
    counts,
    accuracy: share(hits, labels.length),
    classes: classes.map((name, at) => {
      const count = sum(counts[at])
      const precision = share(counts[at][at], sum(counts.map((row) => row[at])))
      const recall = share(counts[at][at], count)
      return { name, count, precision, recall, f1: share(2 * precision * recall, precision + recall) }
    }),
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
