export type { Source } from './distributions.ts'
export { bernoulli, normal, permutation, randint, truncatedNormal, uniform } from './distributions.ts'
export type { Generator } from './generator.ts'
export { generator, manualSeed } from './generator.ts'
