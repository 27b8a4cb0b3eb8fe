import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...args], { encoding: 'utf8' })

test('a benchmark prints one line of JSON with all that is promised', () => {
  const { stdout, status } = bench('fashion-conv', '--device', 'js', '--smoke', '--json')
  assert.equal(status, 0)
  assert.equal(stdout.trimEnd().split('\n').length, 1)
  const report = JSON.parse(stdout) as Record<string, unknown>
  const { stepMs, cpuMs, compileMs, peakRssMb, gflops, loss, arenaMb, unsharedMb, ...rest } = report
  assert.deepEqual(rest, {
    peer: 'einfold',
    workload: 'fashion-conv',
    device: 'js',
    threads: 1,
    precision: 'highest',
    batch: 2,
    runs: 1,
  })
  for (const spread of [stepMs, cpuMs] as Record<string, number>[]) {
    assert.deepEqual(Object.keys(spread), ['median', 'min', 'max'])
    assert.ok(spread.min <= spread.median && spread.median <= spread.max)
  }
  for (const value of [compileMs, peakRssMb, gflops, loss, arenaMb, unsharedMb])
    assert.ok(typeof value === 'number' && Number.isFinite(value) && value > 0, String(value))
})

/** What the command line answers to a mistake. */
const expectRefusal = (args: readonly string[], message: RegExp): void => {
  test(`${args.join(' ')} is refused: ${message.source}`, () => {
    const { stderr, stdout, status } = bench(...args)
    assert.match(stderr, message)
    assert.equal(stdout, '')
    assert.equal(status, 2)
  })
}

expectRefusal(['mnist-mpl'], /there is no workload mnist-mpl; there are mnist-mlp/)
expectRefusal(['mnist-mlp', '--device', 'cuda'], /there is no device cuda here; there are auto, js/)
expectRefusal(['mnist-mlp', '--precision', 'low'], /there is no precision low; there are highest, high, medium/)
expectRefusal(['mnist-mlp', '--threads', '0'], /--threads takes a whole number above 0, not "0"/)

test('without a workload the benchmark lists what there is', () => {
  const { stdout, status } = bench()
  assert.equal(status, 0)
  assert.match(stdout, /cifar-spatial +six locally connected/)
})
