// Einfold's main entry: formulas, tensors, derivatives, compilation. Importing it readies the devices.
import './runtime/evaluate.ts'

export * from './autodiff/index.ts'
export type { Device, DeviceName } from './device/device.ts'
export { type Precision, setPrecision, type UsedPrecision } from './device/precision.ts'
export { setThreads, threads } from './device/threads.ts'
export type { Dtype, TypedArray } from './dtype.ts'
export { DataError, DeviceError, EinfoldError, FormulaError, ShapeError } from './errors.ts'
export * from './graph/index.ts'
export * as random from './random/index.ts'
export { type CompiledProgram, type CompiledStep, compile, type StepResult } from './runtime/compile.ts'
export { type DeviceInfo, device, devices, setDevice } from './runtime/devices.ts'
export { precision } from './runtime/precision.ts'
