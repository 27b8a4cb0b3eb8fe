// Windows along short rows are laid side by side.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepareContractions } from '../../src/compiler/contraction/prepare.ts'
import { unfoldWindows } from '../../src/compiler/contraction/unfold.ts'
import { describeNode } from '../../src/graph/describe.ts'
import { formula, setDevice, type Tensor } from '../../src/index.ts'
import { assertSame } from '../support/runOn.ts'
import { numbers, outputsOf, run } from './run.ts'

setDevice('js')

/** The contraction as its operands are read, once it is sure that its numbers are those of plain loops. */
async function unfolded(z: Tensor): Promise<string> {
  const [expected] = (await run(outputsOf([z]))).outputs
  const [found] = (await run(outputsOf([z], true))).outputs
  assertSame('numbers', found, expected, 1e-4)
  const [node] = unfoldWindows(prepareContractions({ outputs: [z.node], updates: [] }), 2).outputs
  return describeNode(node)
}

const convolution = formula('z[n,k,i,j] = sum(c,u,v) x[n,c,i+u,j+v] * w[k,c,u,v]')
const padded = formula('z[n,k,i<12,j<12] = sum(c,u,v) x?[n,c,i+u-2,j+v-2] * w[k,c,u,v]')
const turned = formula('z[n,c,i<15,j<15] = sum(k,u,v) dy?[n,k,i-u,j-v] * w[k,c,u,v]')
const gradient = formula('z[k,c,u,v] = sum(n,i,j) x[n,c,i+u,j+v] * dy[n,k,i,j]')

test('convolutions and their gradients by filters read rows that follow one another', async () => {
  const [x, w, dy] = [numbers(3, 2, 14, 14), numbers(16, 2, 5, 5), numbers(3, 16, 10, 10)]
  assert.match(await unfolded(convolution({ x, w })), /left\[n,c,v,i\+u,j\]/)
  assert.match(await unfolded(gradient({ x, dy })), /left\[n,c,v,i\+u,j\]/)
})

test('so do those of padded images, and windows that run backwards', async () => {
  const w = numbers(16, 2, 5, 5)
  assert.match(await unfolded(padded({ x: numbers(3, 2, 12, 12), w })), /left\[n,c,v,i\+u,j\]/)
  assert.match(await unfolded(turned({ dy: numbers(3, 6, 11, 11), w: numbers(6, 6, 5, 5) })), /left\[n,k,4-v,[^,]*,j\]/)
})

test('rows of whole vectors, large images, and windows that are used little stay as they are', async () => {
  const asTheyLie = /[a-z]+\[n,c,i\+u,j\+v\]/
  const w = numbers(16, 2, 5, 5)
  assert.match(await unfolded(convolution({ x: numbers(1, 2, 20, 20), w })), asTheyLie)
  assert.match(await unfolded(convolution({ x: numbers(1, 40, 34, 34), w: numbers(2, 40, 3, 5) })), asTheyLie)
  assert.match(await unfolded(convolution({ x: numbers(3, 2, 14, 14), w: numbers(2, 2, 5, 5) })), asTheyLie)
})

test('windows whose positions have filters of their own stay as they are', async () => {
  const own = formula('z[n,k,i,j] = sum(c,u,v) x[n,c,i+u,j+v] * w[k,i,j,c,u,v]')
  const [x, w] = [numbers(8, 4, 10, 10), numbers(16, 6, 6, 4, 5, 5)]
  assert.match(await unfolded(own({ x, w })), /[a-z]+\[n,c,i\+u,j\+v\]/)
})
