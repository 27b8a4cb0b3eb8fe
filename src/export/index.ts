// Networks for where Einfold is not. Their weights are computed by the runtime, which is readied here.
import '../runtime/evaluate.ts'

export { type ExportCOptions, exportC } from './c.ts'
export type { Forward, InputOptions } from './forward.ts'
export { type ExportedWasm, exportWasm } from './wasm.ts'
