// Constant offset tables of a generated file, each written once.

export interface Tables {
  /** The C name of an array with these values. */
  nameOf(offsets: Int32Array): string
  /** All arrays, as declarations. */
  text(): string
}

export function offsetTables(): Tables {
  const names = new Map<string, string>()
  return {
    nameOf: (offsets) => {
      const key = offsets.join(',')
      let name = names.get(key)
      if (name === undefined) {
        name = `table${names.size}`
        names.set(key, name)
      }
      return name
    },
    text: () => [...names].map(([values, name]) => `static const int32_t ${name}[] = {${values}};`).join('\n'),
  }
}

/** `step` when each offset is the one before plus `step`; null otherwise. A single offset steps by 0. */
export function stepOf(offsets: Int32Array): number | null {
  if (offsets.length < 2) return 0
  const step = offsets[1] - offsets[0]
  for (let at = 2; at < offsets.length; at++) if (offsets[at] - offsets[at - 1] !== step) return null
  return step
}
