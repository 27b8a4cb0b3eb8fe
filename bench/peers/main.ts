// Einfold and its peers on the same workloads, taking turns run by run:
// npm run -s bench:peers -- [--workloads a,b] [--device native|wasm] [--peers pytorch,jaxjs,tfjs,tfjs-cpu,ort] [--threads 1] [--precision P] [--rounds R] [--json]
import os from 'node:os'
import { parseArgs } from 'node:util'
import { spread } from '../measure.ts'
import type { Report } from '../report.ts'
import { workloads } from '../workloads/index.ts'
import { type Participant, ParticipantError, startParticipant } from './participant.ts'
import { einfold, type Peer, peers, pinned, torchBlas } from './peers.ts'
import { type Comparison, tableText } from './table.ts'

const help = `npm run -s bench:peers -- [options]

  --workloads a,b   all when left out: ${workloads.map(({ name }) => name).join(', ')}
  --device NAME     Einfold's device, native when left out
  --peers a,b       ${peers.map(({ name }) => name).join(', ')}; pytorch when left out
  --threads N       of each, 1 when left out; each process is held to as many cores
  --precision P     of Einfold's products: highest (when left out), high or medium; the others stay as they are
  --rounds R        timed runs of each, taking turns; 9 when left out
  --limit S         seconds that a peer may take to get warm, or for one run; 120 when left out
  --json            the figures as JSON instead of a table
`

const { values } = parseArgs({
  options: {
    workloads: { type: 'string' },
    device: { type: 'string', default: 'native' },
    peers: { type: 'string', default: 'pytorch' },
    threads: { type: 'string', default: '1' },
    precision: { type: 'string', default: 'highest' },
    rounds: { type: 'string', default: '9' },
    limit: { type: 'string', default: '120' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

async function main(): Promise<void> {
  if (values.help) return void process.stdout.write(help)
  const known = workloads.map(({ name }) => name)
  const names = values.workloads === undefined ? known : chosenFrom(values.workloads, known, 'workload')
  const wanted = chosenFrom(
    values.peers,
    peers.map(({ name }) => name),
    'peer',
  ).map((name) => peers.find((peer) => peer.name === name)!)
  const blas = wanted.some(({ name }) => name === 'pytorch') ? torchBlas() : null
  if (blas?.isReference) note(slowBlas(blas.gflops))
  const machine = { ...machineFacts(), torch: blas }

  const comparisons: Comparison[] = []
  for (const workload of names) {
    comparisons.push(await compare(workload, wanted))
    if (!values.json) process.stdout.write(tableText(comparisons.slice(-1), comparisons.length === 1))
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, comparisons }, null, 1)}\n`)
}

function chosenFrom(text: string, known: readonly string[], what: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  for (const name of names) {
    if (known.includes(name)) continue
    note(`there is no ${what} ${name}; there are ${known.join(', ')}`)
    process.exit(2)
  }
  return names
}

const note = (text: string): void => void process.stderr.write(`bench:peers: ${text}\n`)

const slowBlas = (gflops: number): string =>
  `PyTorch multiplies matrices at ${gflops.toFixed(1)} GFLOP/s: that is the reference BLAS. Install libopenblas0-pthread; ` +
  'until then these ratios flatter Einfold'

function machineFacts() {
  const [cpu] = os.cpus()
  return {
    cpu: cpu.model,
    cores: os.cpus().length,
    node: process.version,
    load: os.loadavg()[0],
    date: new Date().toISOString(),
  }
}

async function compare(workload: string, wanted: readonly Peer[]): Promise<Comparison> {
  const threads = Number(values.threads)
  const limitMs = 1000 * Number(values.limit)
  const absences = new Map<string, string>()
  const taking: { readonly name: string; readonly participant: Participant; readonly times: number[] }[] = []
  const join = async (name: string, start: () => Promise<Participant>): Promise<void> => {
    try {
      taking.push({ name, participant: await start(), times: [] })
    } catch (error) {
      absences.set(name, reasonOf(error))
    }
  }
  const own = einfold(workload, values.device, values.precision, threads)
  await join('einfold', () => startParticipant(pinned(own, threads), limitMs))
  for (const peer of wanted) {
    const absence = peer.absence()
    if (absence !== null) absences.set(peer.name, absence)
    else await join(peer.name, () => startParticipant(pinned(peer.command(workload, threads), threads), limitMs))
  }

  for (let round = 0; round < Number(values.rounds); round++) {
    for (const one of [...taking]) {
      const spent = one.times.reduce((sum, ms) => sum + ms, 0)
      if (spent > budgetMs && one.times.length >= leastRounds) continue
      try {
        one.times.push(await one.participant.run())
      } catch (error) {
        absences.set(one.name, reasonOf(error))
        taking.splice(taking.indexOf(one), 1)
      }
    }
  }

  const reports: Report[] = []
  for (const { name, participant, times } of taking) {
    const report = await participant.end()
    reports.push({ ...report, peer: name, stepMs: spread(times), runs: times.length })
    participant.kill()
  }
  return { workload, reports, absences: Object.fromEntries(absences) }
}

/** Steps of half a minute need no nine runs. */
const budgetMs = 40_000
const leastRounds = 2

function reasonOf(error: unknown): string {
  if (error instanceof ParticipantError) return error.message
  throw error
}

await main()
