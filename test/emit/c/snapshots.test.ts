// Kernels as they are generated, so that a change in them is seen in review. To write them anew:
//
//   EINFOLD_SNAPSHOTS=write node --import tsx --test test/emit/c/snapshots.test.ts
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { compileGraph } from '../../../src/compiler/compile.ts'
import { printProgram } from '../../../src/compiler/print.ts'
import { emitC } from '../../../src/emit/c/emit.ts'
import { usualCache } from '../../../src/emit/c/tiles.ts'
import { emitJs } from '../../../src/emit/js/emit.ts'
import { inputNode } from '../../../src/graph/build.ts'
import { formula, grad, Tensor } from '../../../src/index.ts'

let inputs = 0
const input = (...shape: number[]): Tensor => new Tensor(inputNode(inputs++, shape, 'f32'))

const cases: Readonly<Record<string, () => Tensor[]>> = {
  dense: () => [
    formula('z[b,i] = tanh(c[i] + sum(j) W[i,j] * x[b,j])')({ c: input(16), W: input(16, 20), x: input(8, 20) }),
  ],
  convolution: () => [
    formula('z[n,k,i<6,j<6] = sum(c,u,v) x?[n,c,i+u-1,j+v-1] * w[k,c,u,v]')({
      x: input(2, 3, 6, 6),
      w: input(4, 3, 3, 3),
    }),
  ],
  softmax: () => [input(5, 33).softmax(-1)],
  grid: () => [
    formula('z[b,p] = tanh(c[p] + sum(-1<=q<=1) w?[p+q] * x?[b,p+q])')({ c: input(40), w: input(40), x: input(4, 40) }),
  ],
  'pooling-gradient': () => {
    const x = input(2, 9)
    const z = formula('z[n,i] = max(u<2) x[n,2*i+u]')({ x })
    return [grad(z.square().sum(), x)]
  },
}

/** The part of a C file that is of this program alone. */
const kernelsOf = (source: string): string => source.slice(source.indexOf('\nstatic float blockSpace')).trim()

for (const [name, make] of Object.entries(cases)) {
  test(`the code of ${name} is as it was last seen`, () => {
    inputs = 0
    const request = { outputs: make().map(({ node }) => node), updates: [] }
    const loops = compileGraph(request, { contractions: false }).program
    const products = compileGraph(request, { contractions: true }).program
    const text = [
      '=== loops',
      printProgram(loops),
      '=== JavaScript',
      emitJs(loops),
      '=== C, 16 lanes',
      kernelsOf(emitC(products, { widths: [16, 4, 1], fused: true, maxThreads: 2, cache: usualCache, bf16: null })),
    ]
    const path = new URL(`../../snapshots/${name}.txt`, import.meta.url)
    const found = `${text.map((part) => part.trimEnd()).join('\n\n')}\n`
    if (process.env.EINFOLD_SNAPSHOTS === 'write') writeFileSync(path, found)
    else assert.equal(found, readFileSync(path, 'utf8'))
  })
}
