// Places in one arena for buffers that live from one kernel to another.

export interface Life {
  readonly bytes: number
  /** Positions of the first and the last kernel that touches the buffer. */
  readonly from: number
  readonly to: number
}

/** Every place starts at a multiple of this, so that vector loads are aligned. */
const alignment = 64

/**
 * A byte offset for each buffer so that buffers alive together do not overlap: largest first, each at the lowest free place.
 */
export function planArena(lives: readonly Life[]): { readonly offsets: readonly number[]; readonly bytes: number } {
  const offsets = new Array<number>(lives.length).fill(0)
  const placed: { start: number; end: number; life: Life }[] = []
  let total = 0
  const order = lives.map((_, at) => at).sort((a, b) => lives[b].bytes - lives[a].bytes || a - b)
  for (const at of order) {
    const life = lives[at]
    const bytes = aligned(life.bytes)
    let offset = 0
    for (const other of placed) {
      if (other.life.to < life.from || life.to < other.life.from) continue
      if (other.start >= offset + bytes) break
      offset = Math.max(offset, other.end)
    }
    offsets[at] = offset
    const entry = { start: offset, end: offset + bytes, life }
    const position = placed.findIndex((other) => other.start > offset)
    placed.splice(position < 0 ? placed.length : position, 0, entry)
    total = Math.max(total, offset + bytes)
  }
  return { offsets, bytes: total }
}

export const aligned = (bytes: number): number => Math.ceil(Math.max(1, bytes) / alignment) * alignment
