// What a worker thread runs: plain JavaScript, so that it starts from its text alone wherever workers are.

/**
 * Words of the block of memory through which threads are told what to do, by their position as 32-bit integers. `bell` changes
 * whenever a worker should look; `posted` programs have been sent by message, and worker i has loaded `loaded + 16 i` of them.
 */
export const words = {
  bell: 0,
  sleepers: 16,
  job: 32,
  program: 33,
  table: 34,
  threads: 35,
  posted: 48,
  failed: 64,
  loaded: 80,
} as const

export const wordCount = (workers: number): number => words.loaded + 16 * workers

/** How often a worker looks for something to do before it sleeps: about half a millisecond. */
const looks = 20_000

/** The text of a worker. It gets a message { memory, block, thread, failed } and then one { module, program } a program. */
export const workerSource = `
const node = typeof process === 'object' && typeof require === 'function'
const port = node ? require('node:worker_threads').parentPort : self
const words = ${JSON.stringify(words)}
let memory, cells, thread, failedPlace, lastJob = 0
const programs = new Map()
const receive = (message) => {
  if (message.memory) {
    memory = message.memory
    cells = new Int32Array(memory.buffer, message.block, message.count)
    thread = message.thread
    failedPlace = new Int32Array(memory.buffer, message.failed, 1)
    return
  }
  try {
    const instance = new WebAssembly.Instance(message.module, { env: { memory } })
    programs.set(message.program, instance.exports.run)
    Atomics.add(cells, words.loaded + 16 * (thread - 1), 1)
  } catch {
    Atomics.store(cells, words.failed, 1)
  }
  work()
}
// Until there is a message to be read.
const work = () => {
  for (;;) {
    const bell = Atomics.load(cells, words.bell)
    if (Atomics.load(cells, words.posted) !== Atomics.load(cells, words.loaded + 16 * (thread - 1))) return
    const job = Atomics.load(cells, words.job)
    if (job !== lastJob) {
      lastJob = job
      try {
        programs.get(cells[words.program])(cells[words.table], thread, cells[words.threads])
      } catch {
        Atomics.store(cells, words.failed, 1)
        Atomics.store(failedPlace, 0, 1)
        return
      }
      continue
    }
    let left = ${looks}
    while (left > 0 && Atomics.load(cells, words.bell) === bell) left--
    if (left > 0) continue
    Atomics.add(cells, words.sleepers, 1)
    Atomics.wait(cells, words.bell, bell)
    Atomics.sub(cells, words.sleepers, 1)
  }
}
if (node) port.on('message', receive)
else self.onmessage = ({ data }) => receive(data)
`
