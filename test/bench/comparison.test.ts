import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measure, type Run, spread } from '../../bench/measure.ts'
import { ParticipantError, startParticipant } from '../../bench/peers/participant.ts'
import { tableText } from '../../bench/peers/table.ts'
import type { Report } from '../../bench/report.ts'

test('the spread of some values is their median, least and greatest', () => {
  const expectSpread = (values: number[], expected: [number, number, number]) => {
    const { median, min, max } = spread(values)
    assert.deepEqual([median, min, max], expected)
  }
  expectSpread([3], [3, 3, 3])
  expectSpread([9, 1, 2], [2, 1, 9])
  expectSpread([10, 1, 9, 2], [5.5, 1, 10])
})

test('a measurement makes the runs asked for, and one when the time is up before', async () => {
  let made = 0
  const run: Run = async () => ({ stepMs: ++made, cpuMs: 1, loss: made })
  assert.equal((await measure(run, { runs: 5, budgetMs: 60_000 })).runs, 5)
  const short = await measure(run, { runs: 5, budgetMs: 0 })
  assert.deepEqual([short.runs, short.loss, short.stepMs.median], [1, 6, 6])
})

const report = (peer: string, median: number, min: number, cpu: number): Report => ({
  peer,
  workload: 'softmax',
  device: 'any',
  threads: 1,
  batch: null,
  stepMs: { median, min, max: 2 * median },
  cpuMs: { median: cpu, min: cpu, max: cpu },
  runs: 9,
  compileMs: null,
  peakRssMb: 1,
  gflops: null,
  loss: 0,
})

test('a table has our time over theirs, and why a peer is not in it', () => {
  const text = tableText([
    {
      workload: 'softmax',
      reports: [report('einfold', 2, 1, 3), report('pytorch', 4, 4, 4)],
      absences: { ort: 'it is not installed' },
    },
  ])
  const [head, compared, absent] = text.split('\n').map((line) => line.split(/ {2,}/).map((cell) => cell.trim()))
  assert.deepEqual(head, ['workload', 'peer', 'einfold', 'theirs', 'ratio of minima', 'of CPU'])
  assert.deepEqual(compared, ['softmax', 'pytorch', '2.00 ms', '4.00 ms', '0.50', '0.25', '0.75'])
  assert.deepEqual(absent, ['softmax', 'ort', '2.00 ms', '-', 'it is not installed'])
})

const script = (code: string) => ({ program: process.execPath, args: ['-e', code] })

test('a process takes part run by run, and gives its report at the end', async () => {
  const participant = await startParticipant(
    script(`
      console.log('a greeting'); console.log('{"ready":true}')
      let runs = 0
      require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        if (line === 'run') console.log(JSON.stringify({ stepMs: ++runs }))
        else { console.log(JSON.stringify({ runs })); process.exit(0) }
      })`),
    10_000,
  )
  assert.equal(await participant.run(), 1)
  assert.equal(await participant.run(), 2)
  assert.equal((await participant.end()).runs, 2)
})

/** A process that cannot take part says why. */
const expectAbsence = (name: string, code: string, limitMs: number, message: RegExp): void => {
  test(`${name} is told apart: ${message.source}`, async () => {
    await assert.rejects(startParticipant(script(code), limitMs), (error) => {
      assert.ok(error instanceof ParticipantError)
      assert.match(error.message, message)
      return true
    })
  })
}

expectAbsence('a workload without a formulation', `console.log('{"cannot":"no gradient"}')`, 10_000, /^no gradient$/)
expectAbsence('a process that fails', `throw new Error('out of luck')`, 10_000, /Error: out of luck/)
expectAbsence('a process that never gets ready', `setTimeout(() => {}, 60000)`, 50, /longer than 0.05 s/)
