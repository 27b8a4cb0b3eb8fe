import wabtModule from 'wabt'

// wabt's declarations leave out that validate takes the features too.
interface ParsedModule {
  validate(features: object): void
  toBinary(options: object): { buffer: Uint8Array }
  destroy(): void
}

const features = { simd: true, threads: true, relaxed_simd: true, bulk_memory: true, mutable_globals: true }

const wabt = await wabtModule()

/** The bytes wabt makes of WebAssembly text; throws where the text is not a valid module. */
export function wabtAssemble(text: string): Uint8Array {
  return using(wabt.parseWat('test.wat', text, features) as unknown as ParsedModule, (module) => {
    return module.toBinary({}).buffer
  })
}

/** Throws unless the bytes are a module that wabt's validator accepts. */
export function wabtValidate(bytes: Uint8Array): void {
  using(wabt.readWasm(bytes, features) as unknown as ParsedModule, () => undefined)
}

function using<T>(module: ParsedModule, body: (module: ParsedModule) => T): T {
  try {
    module.validate(features)
    return body(module)
  } finally {
    module.destroy()
  }
}

/** The bodies in a module's code section: each is its locals and instructions, as hexadecimal. */
export function functionBodies(module: Uint8Array): string[] {
  let at = 8
  const unsigned = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++]
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  while (at < module.length) {
    const id = module[at++]
    const size = unsigned()
    if (id !== 10) {
      at += size
      continue
    }
    return Array.from({ length: unsigned() }, () => {
      const length = unsigned()
      at += length
      return Buffer.from(module.subarray(at - length, at)).toString('hex')
    })
  }
  return []
}
