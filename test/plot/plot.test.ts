import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode } from 'fast-png'
import { barChart, colorAt, heatMap, imageGrid, lineChart, sideBySide, stacked, toSvg } from '../../src/plot/index.ts'
import { niceStep, scaleOf, tickText } from '../../src/plot/scale.ts'

const line = lineChart({
  title: 'a < b & "c"',
  x: { label: 'epoch' },
  y: { label: 'time', unit: 's' },
  series: [
    {
      name: 'one',
      points: [
        [0, 0],
        [1, Number.NaN],
        [2, 4],
        [3, 5],
      ],
    },
    {
      name: '',
      points: [
        [0, 1],
        [3, 1],
      ],
      dashed: true,
    },
  ],
  bands: [{ name: 'wanted', from: 3, to: 4 }],
})

test('ticks stand at 1, 2 or 5 times a power of ten, and have the digits they need', () => {
  assert.deepEqual(
    [0.3, 1, 1.2, 7, 0.024].map((least) => Number(niceStep(least).toPrecision(3))),
    [0.5, 1, 2, 10, 0.05],
  )
  assert.deepEqual([tickText(0.1 + 0.2, 0.1), tickText(20_000, 5000), tickText(-1e-20, 0.5)], ['0.3', '20,000', '0'])
  const { ticks, place } = scaleOf({ label: '' }, [3, 97], 0, 100)
  assert.deepEqual(
    ticks.map(({ text }) => text),
    ['0', '20', '40', '60', '80', '100'],
  )
  assert.equal(place(50), 50)
})

test('a logarithmic axis has a tick a decade, and leaves out what is not above 0', () => {
  const { ticks, place } = scaleOf({ label: '', scale: 'log' }, [0, 0.02, 900], 0, 100)
  assert.deepEqual(
    ticks.map(({ text }) => text),
    ['0.01', '0.1', '1', '10', '100', '1,000'],
  )
  assert.equal(place(0.01), 0)
  assert.ok(Math.abs(place(1) - 40) < 1e-9)
})

test('text in a chart is escaped, units stand after labels, and unnamed series are not in the legend', () => {
  const svg = toSvg(line)
  assert.match(svg, /a &#60; b &#38; &#34;c&#34;/)
  assert.match(svg, />time \(s\)</)
  assert.equal(svg.match(/stroke-dasharray/g)?.length, 1)
})

test('a line has a gap where a value is not a number', () => {
  const path = /d="(M[^"]+)"/.exec(line.body)?.[1]
  assert.equal(path?.match(/M/g)?.length, 2)
})

test('every tag of every kind of picture is closed', () => {
  const bars = barChart({
    title: 'bars',
    axis: { label: 't', scale: 'log' },
    groups: [{ name: 'g', bars: [{ name: 'a', value: 3, outlined: true }] }],
    note: 'n',
  })
  const map = heatMap({ title: 'map', values: [[1, 2]], numbers: String, x: { names: ['p', 'q'] }, legend: 'v' })
  const grid = imageGrid({ title: 'grid', rows: [{ name: 'r', images: [{ values: [0, 1], width: 2, height: 1 }] }] })
  const svg = toSvg(stacked(sideBySide(line, bars), sideBySide(map, grid)))
  const open: string[] = []
  for (const [, slash, name, self] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (slash) assert.equal(open.pop(), name)
    else if (!self) open.push(name)
  }
  assert.deepEqual(open, [])
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/)
})

test('a map carries its numbers as the pixels of an image, from the first colour to the last', () => {
  const { body } = heatMap({ title: '', values: [[0, 1]], colors: 'grey', cell: 3 })
  const { data, width, height } = decode(Buffer.from(/base64,([^"]+)/.exec(body)?.[1] ?? '', 'base64'))
  assert.deepEqual([width, height], [6, 3])
  assert.deepEqual([...data.slice(0, 3), ...data.slice(15, 18)], [0, 0, 0, 255, 255, 255])
})

test('what is not a number is grey, and what lies outside has the colour of the end', () => {
  assert.deepEqual(colorAt('grey', Number.NaN), [128, 128, 128])
  assert.deepEqual(colorAt('sequential', 7), colorAt('sequential', 1))
  assert.deepEqual(colorAt('diverging', 0.5), [247, 247, 247])
})
