export { type ExportCOptions, exportC } from './c.ts'
export type { Forward, InputOptions } from './forward.ts'
export { type ExportedWasm, exportWasm } from './wasm.ts'
