/** A ustar archive of the given entries; a name that ends in `/` is a folder. */
export function makeTar(entries: readonly (readonly [name: string, data: Uint8Array])[]): Uint8Array {
  const blocks: Uint8Array[] = []
  for (const [name, data] of entries) {
    const header = new Uint8Array(512)
    const put = (text: string, at: number): void => header.set(new TextEncoder().encode(text), at)
    put(name, 0)
    put('0000644\0', 100)
    put(`${data.length.toString(8).padStart(11, '0')}\0`, 124)
    put(name.endsWith('/') ? '5' : '0', 156)
    put('ustar\x0000', 257)
    put('        ', 148)
    const sum = header.reduce((total, byte) => total + byte, 0)
    put(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const padded = new Uint8Array(Math.ceil(data.length / 512) * 512)
    padded.set(data)
    blocks.push(header, padded)
  }
  return Buffer.concat([...blocks, new Uint8Array(1024)])
}
