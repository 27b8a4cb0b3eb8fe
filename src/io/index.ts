export { loadParameters, saveParameters } from './parameters.ts'
export { decodeSafetensors, encodeSafetensors, type Safetensors, type StoredTensor } from './safetensors.ts'
