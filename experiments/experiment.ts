// What an experiment is, to the command that runs it.

export interface Experiment {
  readonly name: string
  /** One line for the list of experiments. */
  readonly summary: string
  /** What it can be told besides what all can: by the name of the flag. */
  readonly flags?: Flags
  run(settings: Settings): Promise<Outcome>
}

export type Flags = Readonly<Record<string, Flag>>

export interface Flag {
  readonly type: 'string' | 'boolean'
  /** How the help shows what follows it, such as `N`; for `string`. */
  readonly value?: string
  readonly about: string
}

/** What the command line says; what is left out is the experiment's to choose. */
export interface Settings {
  readonly epochs?: number
  readonly batchSize?: number
  /** The learning rate. */
  readonly lr?: number
  readonly seed: number
  /** The image set by name. */
  readonly set?: string
  /** A folder that holds image sets. */
  readonly data?: string
  /** At most so many images to train on, and as large a share of those to test on. */
  readonly limit?: number
  /** A minute's version, on the glyphs unless a set is named. */
  readonly quick?: boolean
  /** The experiment's own flags, where they were given. */
  readonly flags?: Readonly<Record<string, string | boolean | undefined>>
  /** The folder for reports; each run makes a folder of its own in it. */
  readonly out: string
  /** Ends training after the current step; what was learnt is still judged and reported. */
  readonly signal: AbortSignal
  print(text?: string): void
}

export interface Outcome {
  /** The share of the test set that was answered right; left out where there is none. */
  readonly testAccuracy?: number
  /** The folder that holds the report. */
  readonly folder: string
}
