export { gelu, relu, sigmoid, silu, sin, softmax, softplus, tanh } from './activations.ts'
export type { AttentionOptions } from './attention.ts'
export { multiHeadAttention } from './attention.ts'
export type { BatchNormOptions } from './batchNorm.ts'
export { batchNorm } from './batchNorm.ts'
export type { ConvolutionOptions } from './convolution.ts'
export { conv1d, conv2d, conv3d } from './convolution.ts'
export { dropout, dropout2d } from './dropout.ts'
export { embedding } from './embedding.ts'
export { flatten } from './flatten.ts'
export type { LayerOperands } from './formulaLayer.ts'
export { layer } from './formulaLayer.ts'
export type { Fans, Initializer, Nonlinearity } from './initializers.ts'
/** All initializers: `init.normal(0, 0.02)`; `uniform`, `normal` and `truncatedNormal` make random tensors elsewhere. */
export * as init from './initializers.ts'
export {
  constant,
  gainOf,
  kaimingNormal,
  kaimingUniform,
  layerDefault,
  xavierNormal,
  xavierUniform,
} from './initializers.ts'
export type { Layer, LayerParts, Module } from './layer.ts'
export { defineLayer } from './layer.ts'
export type { LayerNormOptions } from './layerNorm.ts'
export { layerNorm } from './layerNorm.ts'
export type { WeightOptions } from './linear.ts'
export { linear } from './linear.ts'
export type { LocallyConnectedOptions } from './locallyConnected.ts'
export { locallyConnected } from './locallyConnected.ts'
export type { LossOptions } from './losses.ts'
export { accuracy, binaryCrossEntropyWithLogits, crossEntropy, huber, l1, mse } from './losses.ts'
export type { NeuralGridOptions, NeuralGridShape } from './neuralGrid.ts'
export { neuralGrid } from './neuralGrid.ts'
export type { Init } from './parameter.ts'
export { parameter } from './parameter.ts'
export type { AveragePoolingOptions, PoolingOptions } from './pooling.ts'
export { avgPool1d, avgPool2d, avgPool3d, maxPool1d, maxPool2d, maxPool3d } from './pooling.ts'
export type { LstmState, RecurrentOptions, RnnOptions, StackedOptions } from './recurrent.ts'
export { gru, gruCell, lstm, lstmCell, rnn, rnnCell } from './recurrent.ts'
export type { Sequential } from './sequential.ts'
export { sequential } from './sequential.ts'
export type { Layout, Padding, PerAxis } from './spatial.ts'
export type { TransposedConvolutionOptions } from './transposedConvolution.ts'
export { convTranspose1d, convTranspose2d, convTranspose3d } from './transposedConvolution.ts'
