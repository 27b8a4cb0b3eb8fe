// Threads where the compiler has no OpenMP, and workers of one process that run the same program.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { jsDevice } from '../../src/device/js/device.ts'
import { compileC } from '../../src/device/native/compile.ts'
import { type CCompiler, findCompiler } from '../../src/device/native/compiler.ts'
import { nativeAbsence, nativeDevice } from '../../src/device/native/device.ts'
import { maxThreads, threadPoolText } from '../../src/device/native/threadPool.ts'
import { setThreads, tensor } from '../../src/index.ts'
import { manyForms } from '../support/manyForms.ts'
import { assertSame, runOn } from '../support/runOn.ts'

const skip = nativeAbsence() ?? false

const withoutOpenMP = (compiler: CCompiler): CCompiler => ({
  ...compiler,
  threads: 'pthreads',
  flags: [...compiler.flags.filter((flag) => flag !== '-fopenmp'), '-pthread', '-DTHREAD_POOL'],
})

test('without OpenMP threads of our own give the same bits, however many', { skip }, () => {
  const device = nativeDevice(withoutOpenMP(findCompiler()!))
  const forms = manyForms()()
  const tensors = Object.values(forms)
  const expected = runOn(jsDevice(), tensors)
  setThreads(1)
  const alone = runOn(device, tensors)
  for (const [at, name] of Object.keys(forms).entries()) assertSame(name, alone[at], expected[at], 1e-4)
  // Fewer than before too: who has no part in a program is left alone.
  for (const count of [2, 7, 3, 1, 2]) {
    setThreads(count)
    assert.deepEqual(runOn(device, tensors), alone, `${count} threads`)
  }
})

const onLinux = { skip: skip || (process.platform !== 'linux' && 'what is loaded is seen on Linux') }

/** Loaded libraries whose names match, after a program has run and all that refers to it is collected. */
async function loadedAfter(compiler: CCompiler, name: RegExp): Promise<readonly string[]> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const ones = tensor(new Float32Array(90_000).fill(1), { shape: [300, 300] })
  // No other thread has begun yet.
  setThreads(1)
  runOn(nativeDevice(compiler), [ones.matmul(ones)])
  for (let turn = 0; turn < 5; turn++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => name.test(line))
}

test('the library that our own threads wait in stays when nothing refers to it any more', onLinux, async () => {
  const compiler = withoutOpenMP(findCompiler()!)
  const library = compileC(compiler, threadPoolText(maxThreads))
  assert.notDeepEqual(await loadedAfter(compiler, new RegExp(basename(library))), [])
})

test('so does that of OpenMP', {
  skip: onLinux.skip || (findCompiler()?.threads !== 'openmp' && 'no OpenMP'),
}, async () => {
  assert.notDeepEqual(await loadedAfter(findCompiler()!, /lib[gi]?omp/), [])
})

const index = new URL('../../src/index.ts', import.meta.url).href
const working = `
  import { parentPort, workerData } from 'node:worker_threads'
  import { register } from ${JSON.stringify(import.meta.resolve('tsx/esm/api'))}
  register()
  const { compile, setDevice, setThreads, tensor } = await import(${JSON.stringify(index)})
  setDevice('native')
  setThreads(workerData.threads)
  const matrix = (factor) => tensor(Float32Array.from({ length: 480 * 600 }, (_, at) => (at * 7919 * factor) % 13), { shape: [480, 600] })
  const step = compile((a, b) => a.matmul(b.T).add(1).matmul(a))
  const [a, b] = [matrix(workerData.factor), matrix(workerData.factor + 1)]
  const first = await step(a, b).data()
  parentPort.postMessage('ready')
  parentPort.once('message', async () => {
    let differing = 0
    for (let turn = 0; turn < 30; turn++) {
      const again = await step(a, b).data()
      if (again.some((value, at) => value !== first[at])) differing++
    }
    parentPort.postMessage(differing)
  })`

test('workers of a process that run the same program do not disturb each other', { skip }, async () => {
  const workers = [1, 2].map(
    (factor) =>
      new Worker(new URL(`data:text/javascript,${encodeURIComponent(working)}`), {
        workerData: { factor, threads: 2 },
      }),
  )
  const heard = (worker: Worker): Promise<unknown> =>
    new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await Promise.all(workers.map(heard))
  const answers = Promise.all(workers.map(heard))
  for (const worker of workers) worker.postMessage('go')
  assert.deepEqual(await answers, [0, 0])
  await Promise.all(workers.map((worker) => worker.terminate()))
})
