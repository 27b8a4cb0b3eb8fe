// Constant offset tables of a generated file, each written once.

export interface Tables {
  /** The C name of an array with these values. */
  nameOf(offsets: Int32Array): string
  /** All arrays, as declarations. */
  text(): string
  /** The name of a function that has to be called before any table is read; null where all are constants. */
  readonly filler: string | null
}

export function offsetTables(): Tables {
  const names = new Map<string, { readonly name: string; readonly offsets: Int32Array }>()
  const isFilled = ({ offsets }: { readonly offsets: Int32Array }) => offsets.length >= longTable && nestOf(offsets)
  return {
    nameOf: (offsets) => {
      const key = offsetsKey(offsets)
      let table = names.get(key)
      if (table === undefined) {
        table = { name: `table${names.size}`, offsets }
        names.set(key, table)
      }
      return table.name
    },
    text: () => {
      const declarations: string[] = []
      const fills: string[] = []
      for (const { name, offsets } of names.values()) {
        const nest = offsets.length >= longTable ? nestOf(offsets) : null
        if (nest) {
          declarations.push(`static int32_t ${name}[${offsets.length}];`)
          fills.push(fillText(name, offsets[0], nest))
        } else declarations.push(`static const int32_t ${name}[] = {${offsets.join()}};`)
      }
      if (fills.length > 0) declarations.push(`static void ${fillerName}(void) {`, ...fills, '}')
      return declarations.join('\n')
    },
    get filler() {
      return [...names.values()].some(isFilled) ? fillerName : null
    },
  }
}

const keys = new WeakMap<Int32Array, string>()

/** Equal for equal offsets; those of loops are told by these, which is shorter. */
export function offsetsKey(offsets: Int32Array): string {
  let key = keys.get(offsets)
  if (key === undefined) {
    const nest = nestOf(offsets)
    key = nest ? [offsets[0], ...nest.map(({ extent, step }) => `${extent}*${step}`)].join() : `= ${offsets.join()}`
    keys.set(offsets, key)
  }
  return key
}

const fillerName = 'fillTables'

/** Longer tables are computed when a program is loaded: a compiler takes its time over a hundred thousand numbers. */
const longTable = 512

interface Run {
  readonly extent: number
  readonly step: number
}

/** Offsets as those of nested loops, the outermost first; null where they are none. */
export function nestOf(offsets: Int32Array): readonly Run[] | null {
  const runs: Run[] = []
  let rest = offsets
  while (rest.length > 1) {
    const step = rest[1] - rest[0]
    let extent = 2
    while (extent < rest.length && rest[extent] - rest[extent - 1] === step) extent++
    if (rest.length % extent !== 0) return null
    const outer = new Int32Array(rest.length / extent)
    for (let at = 0; at < rest.length; at++) {
      const first = rest[at - (at % extent)]
      if (rest[at] !== first + (at % extent) * step) return null
      if (at % extent === 0) outer[at / extent] = first
    }
    runs.unshift({ extent, step })
    rest = outer
  }
  return runs
}

function fillText(name: string, first: number, nest: readonly Run[]): string {
  const loops = nest.map(({ extent }, at) => `for (int i${at} = 0; i${at} < ${extent}; i${at}++)`)
  const sum = nest.map(({ step }, at) => `i${at} * ${step}`)
  return `  { int32_t *to = ${name}; ${loops.join(' ')} *to++ = ${[first, ...sum].join(' + ')}; }`
}

/** `step` when each offset is the one before plus `step`; null otherwise. A single offset steps by 0. */
export function stepOf(offsets: Int32Array): number | null {
  if (offsets.length < 2) return 0
  const step = offsets[1] - offsets[0]
  for (let at = 2; at < offsets.length; at++) if (offsets[at] - offsets[at - 1] !== step) return null
  return step
}

/** Whether offsets from `at` on are neighbours. */
export function isRun(offsets: Int32Array, at: number, length: number): boolean {
  for (let step = 1; step < length; step++) if (offsets[at + step] !== offsets[at] + step) return false
  return true
}

/** The first of some lengths that cuts the offsets into runs of neighbours; 1 where none does. */
export function runLength(offsets: Int32Array, lengths: readonly number[]): number {
  const fits = (length: number): boolean => {
    if (offsets.length % length !== 0) return false
    for (let at = 0; at < offsets.length; at += length) if (!isRun(offsets, at, length)) return false
    return true
  }
  return offsets.length === 0 ? 1 : (lengths.find(fits) ?? 1)
}
