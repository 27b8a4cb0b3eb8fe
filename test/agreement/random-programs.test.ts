// What is compiled means what the graph says: random programs, against the interpreter of nodes.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { evaluator } from '../../src/graph/evaluator.ts'
import { type DeviceName, device, setDevice } from '../../src/index.ts'
import { expectedOf, firstDisagreement } from '../support/agreement.ts'
import { programOf, recipes } from '../support/programs.ts'

let devices: DeviceName
before(() => {
  devices = device().name
  setDevice('js')
})
after(() => setDevice(devices))

test('random programs in f64 give what the interpreter gives', async () => {
  await fc.assert(
    fc.asyncProperty(recipes(), async (recipe) => {
      const program = programOf(recipe, 'f64')
      const found = await evaluator().evaluate(program.outputs.map(({ tensor }) => tensor.node))
      const wrong = firstDisagreement(program, await expectedOf(program), found, 2 ** -52)
      assert(wrong === null, `${program.lines.join('\n')}\n${wrong}`)
    }),
    { numRuns: 250, includeErrorInReport: true },
  )
})
