import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fans, Initializer } from '../../src/nn/index.ts'
import * as nn from '../../src/nn/index.ts'
import { readGoldens } from '../support/goldens.ts'

interface Attributes {
  readonly weight: readonly number[]
  readonly gain: number
  readonly mode: 'fanIn' | 'fanOut'
  readonly nonlinearity: nn.Nonlinearity
  readonly negativeSlope: number
}

const initializers: Readonly<Record<string, (attributes: Attributes) => Initializer>> = {
  xavierUniform: ({ gain }) => nn.xavierUniform({ gain }),
  xavierNormal: ({ gain }) => nn.xavierNormal({ gain }),
  kaimingUniform: ({ mode, nonlinearity, negativeSlope: a }) => nn.kaimingUniform({ mode, nonlinearity, a }),
  kaimingNormal: ({ mode, nonlinearity, negativeSlope: a }) => nn.kaimingNormal({ mode, nonlinearity, a }),
}

for (const { name, op, attributes, outputs } of readGoldens('initializers')) {
  const { weight } = attributes as unknown as Attributes
  if (op === 'fans') {
    test(`${name} are PyTorch's`, async () => {
      const found = await fansFor(weight)
      assert.deepEqual(found, { fanIn: outputs.fanIn.values[0], fanOut: outputs.fanOut.values[0] })
    })
    continue
  }
  const [scale] = outputs.scale.values as readonly number[]
  const make = initializers[op]
  assert(make, `no initializer ${op} for the case ${name}`)
  const isUniform = op.endsWith('Uniform')
  test(`${name}: the ${isUniform ? 'bound' : 'standard deviation'} is PyTorch's`, async () => {
    const values = await nn.parameter(weight, make(attributes as unknown as Attributes), { dtype: 'f64' }).data()
    if (isUniform) {
      const largest = Math.max(...Array.from(values, Math.abs))
      assert(largest <= scale && largest > 0.995 * scale, `the largest of ${values.length} is ${largest}, of ${scale}`)
    } else {
      const deviation = Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0) / values.length)
      // Five standard errors.
      const error = 5 / Math.sqrt(2 * values.length)
      assert(Math.abs(deviation / scale - 1) < error, `the deviation of ${values.length} is ${deviation}, not ${scale}`)
    }
  })
}

/** The fans that an initializer is told for a parameter of this shape. */
async function fansFor(shape: readonly number[]): Promise<Fans> {
  let told: Fans | null = null
  const asking: Initializer = {
    fill: (_, __, fans) => {
      told = fans()
    },
  }
  await nn.parameter(shape, asking).data()
  assert(told, 'the initializer was not asked')
  return told
}
