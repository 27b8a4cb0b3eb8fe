import { erf } from './errorFunction.ts'
import { exp, expm1, sigmoid, tanh } from './exponential.ts'
import { log, log1p } from './logarithm.ts'
import { pow } from './power.ts'
import { atan2, cos, sin, tan } from './trigonometry.ts'
import type { BinaryProgram, UnaryProgram } from './vectorMath.ts'

// The functions of one and of two arguments that every emitter takes from here. In f32, each is within 2 ulp of the true
// value for all arguments, denormals and all, whether multiply-adds are fused or not: test/emit/math/accuracy.test.ts.

export const unaryPrograms = { exp, expm1, log, log1p, tanh, sigmoid, sin, cos, tan, erf } as const satisfies Record<
  string,
  UnaryProgram
>

/** atan2 takes (y, x), pow (base, exponent). */
export const binaryPrograms = { atan2, pow } as const satisfies Record<string, BinaryProgram>

export type UnaryProgramName = keyof typeof unaryPrograms
export type BinaryProgramName = keyof typeof binaryPrograms
