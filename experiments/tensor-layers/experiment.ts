// The document's layers as formulas: their gradients beside its derivations, and something to learn for each.
import temml from 'temml'
import { device } from '../../src/index.ts'
import { lineChart } from '../../src/plot/index.ts'
import { manualSeed } from '../../src/random/index.ts'
import type { Experiment, Outcome, Settings } from '../experiment.ts'
import { code, paragraph, type Section, safe, surroundings, table, writePage } from '../page.ts'
import { runFolder } from '../report.ts'
import { type Agreement, cases, compare } from './agreement.ts'
import { derivations, gradientOf } from './layers.ts'
import { slips } from './slips.ts'
import { learnLookup } from './tasks/attention.ts'
import { learnKernel, learnStrokes } from './tasks/convolution.ts'
import type { Learnt } from './tasks/learn.ts'
import { learnRing } from './tasks/linear.ts'
import { learnMemory } from './tasks/recurrent.ts'

export const experiment: Experiment = {
  name: 'tensor-layers',
  summary: "linear, convolution, recurrent and attention layers as formulas, their gradients beside a document's",
  run,
}

async function run(settings: Settings): Promise<Outcome> {
  const { print, seed } = settings
  print(`On the device ${device().name}\n\nGradients`)
  for (const derivation of derivations)
    print(`${derivation.title}\n  ${String(gradientOf(derivation)).replaceAll('\n', '\n  ')}`)
  const agreements: Agreement[] = []
  for (const one of cases) agreements.push(await compare(one, seed))
  const farthest = Math.max(...agreements.map(({ distance }) => distance))
  print(`\nDilate, pad and flip: ${cases.length} cases, off by at most ${farthest.toExponential(1)}`)
  print('\nSlips of the document')
  const found = slips()
  for (const { written, right } of found) print(`  written: ${written}\n  right:   ${right}\n`)
  print('What the layers learn')
  const learnt = await learnAll(settings)
  const folder = await runFolder(settings.out, experiment.name)
  const sections = [gradientSection(), agreementSection(agreements), slipSection(found), ...learnt.map(taskSection)]
  await writePage(folder, {
    title: experiment.name,
    summary: `In ${cases.length} cases the gradients that were derived differ from the document's dilate-pad-flip by at most ${farthest.toExponential(1)}.`,
    settings: surroundings(seed),
    sections,
    results: {
      gradients: derivations.map((one) => ({ title: one.title, formula: String(gradientOf(one)) })),
      agreements,
      slips: found,
      tasks: learnt.map(({ picture, ...numbers }) => numbers),
    },
  })
  print(`\nreport ${folder}/report.html`)
  return { folder }
}

/** Training steps of each task, where --epochs does not say otherwise (in hundreds). */
const tasks: readonly (readonly [steps: number, learn: typeof learnRing])[] = [
  [1500, learnRing],
  [800, learnKernel],
  [400, learnStrokes],
  [1500, learnMemory],
  [1000, learnLookup],
]

async function learnAll({ seed, signal, print, quick, epochs }: Settings): Promise<readonly Learnt[]> {
  const all: Learnt[] = []
  for (const [steps, learn] of tasks) {
    if (signal.aborted) break
    manualSeed(seed)
    const wanted = epochs === undefined ? (quick ? steps / 2 : steps) : 100 * epochs
    const learnt = await learn(wanted, seed, signal)
    const { task, measure, reached, baseline } = learnt
    print(`  ${task.padEnd(30)} ${measure} ${reached.toFixed(4)} (guessing: ${baseline})`)
    all.push(learnt)
  }
  return all
}

function gradientSection(): Section {
  const parts = derivations.flatMap((derivation) => {
    const { title, document, layer, remark } = derivation
    const gradient = gradientOf(derivation)
    return [
      `<h3>${safe(title)}</h3>`,
      paragraph(`Layer: ${layer.includes('\n') ? 'the formula of seven statements' : layer}`),
      document === null
        ? ''
        : `<p>The document: ${temml.renderToString(document, { displayMode: true, throwOnError: true })}</p>`,
      `<p>Einfold: ${gradient.mathml()}</p>`,
      code(String(gradient)),
      code(gradient.latex()),
      paragraph(remark),
    ]
  })
  return { title: 'Gradients', parts }
}

const agreementSection = (agreements: readonly Agreement[]): Section => ({
  title: 'Dilate, pad, flip',
  parts: [
    paragraph(
      "The document's backward pass to the letter, in plain numbers, against the derived formulas, in f64: the largest distance of any number of the result and of the gradients by input and kernel.",
    ),
    table(
      ['layout', 'stride', 'image', 'kernel', 'left over', 'images, channels, filters', 'largest distance'],
      agreements.map(({ layout, stride, height, width, kernel, rest, images, channels, filters, distance }) => [
        layout,
        stride,
        `${height}×${width}`,
        `${kernel}×${kernel}`,
        rest.join(' and '),
        `${images}, ${channels}, ${filters}`,
        distance.toExponential(1),
      ]),
    ),
  ],
})

const slipSection = (found: ReturnType<typeof slips>): Section => ({
  title: 'Slips',
  parts: found.flatMap(({ written, right, shown }) => [
    table(
      ['', ''],
      [
        ['written', written],
        ['right', right],
      ],
    ),
    shown.includes('\n') ? code(shown) : paragraph(shown),
  ]),
})

function taskSection({ task, about, points, reached, baseline, measure, picture }: Learnt): Section {
  const name = task.replace(/[^a-z]+/g, '-')
  const curve = lineChart({
    title: `${task}: loss of the batch at hand`,
    x: { label: 'step' },
    y: { label: 'loss', scale: 'log' },
    series: [{ name: '', points: points.map(({ step, loss }) => [step, loss] as const) }],
    height: 300,
  })
  return {
    title: task,
    parts: [
      paragraph(about),
      table(
        ['', measure],
        [
          ['reached', reached.toFixed(4)],
          ['guessing, or weights of 0', String(baseline)],
        ],
      ),
      { name: `${name}-loss`, picture: curve },
      ...(picture ? [{ name: `${name}-learnt`, picture }] : []),
    ],
  }
}
