import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cases, compare } from '../../experiments/tensor-layers/agreement.ts'
import { convolve, dilate, flip, gradientByInput, pad, plane } from '../../experiments/tensor-layers/dilatePadFlip.ts'
import { derivations, gradientOf } from '../../experiments/tensor-layers/layers.ts'
import { slips } from '../../experiments/tensor-layers/slips.ts'
import { learnKernel } from '../../experiments/tensor-layers/tasks/convolution.ts'
import { learnRing } from '../../experiments/tensor-layers/tasks/linear.ts'
import { manualSeed } from '../../src/random/index.ts'

test('a plane is dilated, padded, flipped and convolved as one would by hand', () => {
  const two = [
    [1, 2],
    [3, 4],
  ]
  assert.deepEqual(dilate(two, 2), [
    [1, 0, 2],
    [0, 0, 0],
    [3, 0, 4],
  ])
  assert.deepEqual(flip(two), [
    [4, 3],
    [2, 1],
  ])
  assert.deepEqual(pad([[5]], { top: 1, bottom: 0, left: 0, right: 1 }), [
    [0, 0],
    [5, 0],
  ])
  assert.deepEqual(
    convolve(
      plane(4, 4, (i, j) => 4 * i + j),
      [[1]],
      3,
    ),
    [
      [0, 3],
      [12, 15],
    ],
  )
})

test('the derived gradients are those of dilate, pad and flip for strides 1 to 3, all layouts, any remainder', async () => {
  const rests = new Set<string>()
  for (const [at, one] of cases.entries()) {
    const { distance, rest } = await compare(one, at)
    rests.add(rest.join())
    assert.ok(distance < 1e-12, `${JSON.stringify(one)}: off by ${distance}`)
  }
  assert.ok([...rests].some((rest) => rest !== '0,0'))
  assert.ok(rests.has('0,0'))
})

test('without the remainder the gradient by the input has the wrong size', () => {
  const [gradient, kernel] = [plane(3, 3, () => 1), plane(3, 3, () => 1)]
  assert.equal(gradientByInput(gradient, kernel, 2, [0, 0]).length, 7)
  assert.equal(gradientByInput(gradient, kernel, 2, [1, 1]).length, 8)
})

const printed: readonly (readonly [title: string, last: string])[] = [
  ['One channel, stride 1: by the input', 'dI[c,d] = sum(a,b) dR?[c-a,d-b] * k[a,b]'],
  [
    'One channel, stride S: by the input',
    'dI[c,d] = sum(a,b) where((c - a) % S == 0 and (d - b) % S == 0, dR?[(c-a)/S,(d-b)/S] * k[a,b], 0)',
  ],
  ['One channel, stride S: by the kernel', 'dk[a,b] = sum(i,j) dR[i,j] * I[S*i+a,S*j+b]'],
  [
    'Several channels, stride S: by the input',
    'dI[v,c,d,p] = sum(f,a,b) where((c - a) % S == 0 and (d - b) % S == 0, dR?[v,(c-a)/S,(d-b)/S,f] * k[f,a,b,p], 0)',
  ],
  ['Several channels, stride S: by the kernels', 'dk[f,a,b,p] = sum(v,i,j) dR[v,i,j,f] * I[v,S*i+a,S*j+b,p]'],
  ['Several channels: by the biases', 'dt[f] = sum(v,i,j) dR[v,i,j,f]'],
]

for (const [title, last] of printed)
  test(`${title}: ${last}`, () => {
    const derivation = derivations.find((one) => one.title === title)
    assert.ok(derivation)
    assert.equal(String(gradientOf(derivation)).split('\n').at(-1), last)
  })

test("the document's last formula, as written, is refused: for an index that nobody runs, and for one that is missing", () => {
  const shown = slips().map((slip) => slip.shown)
  const refused = shown.find((text) => text.includes('dR[w,i,j,g]'))
  assert.match(refused ?? '', /^g is neither an index here nor an operand/)
  assert.match(refused ?? '', /I .*has .*4|rank 4|4 axes/)
  assert.ok(shown.some((text) => text.includes('= 3.5') && text.includes('7×7 instead of 8×8')))
})

test('one channel finds the kernel that made its examples', async () => {
  manualSeed(1)
  const { reached } = await learnKernel(400, 1)
  assert.ok(reached < 0.05, `off by ${reached}`)
})

test('two linear layers with tanh tell inside from outside', async () => {
  manualSeed(1)
  const { reached, baseline, points } = await learnRing(300, 1)
  assert.ok(reached > 0.9 && baseline === 0.5, `${reached}`)
  assert.ok(points.at(-1)!.loss < points[0].loss / 2)
})
