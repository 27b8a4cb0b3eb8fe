import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')

const dense = 'z[b,i] = c[i] + sum(j) W[i,j] * x[b,j]'
const convolution = 'z[n,k,i,j] = t[k] + sum(c,u,v) x[n,c,s*i+u,s*j+v] * w[k,c,u,v]'
const lstm = `f[b,i] = sigmoid(bf[i] + sum(j) wf[i,j] * x[b,j] + sum(k) uf[i,k] * h[b,k])
g[b,i] = sigmoid(bg[i] + sum(j) wg[i,j] * x[b,j] + sum(k) ug[i,k] * h[b,k])
o[b,i] = sigmoid(bo[i] + sum(j) wo[i,j] * x[b,j] + sum(k) uo[i,k] * h[b,k])
c'[b,i] = f[b,i] * c[b,i] + g[b,i] * tanh(bc[i] + sum(j) wc[i,j] * x[b,j] + sum(k) uc[i,k] * h[b,k])
z[b,i] = o[b,i] * tanh(c'[b,i])`
const wide = `z = ${Array.from({ length: 130 }, (_, at) => `x${at || ''}[i]`).join(' + ')}`
const long = Array.from({ length: 10 }, (_, at) => lstm.replaceAll(/[fgocz]'?\[/g, (name) => `y${at}${name}`)).join(
  '\n',
)

/** Instantiations that tsc counts for a project of these formulas. Fails if it does not compile. */
function instantiations(...formulas: string[]): number {
  const folder = mkdtempSync(join(tmpdir(), 'einfold-types-'))
  try {
    const types = join(root, 'src/formula/types.ts')
    const lines = formulas.map(
      (text, at) => `export const ranks${at}: keyof OperandRanks<${JSON.stringify(text)}> = 'x'`,
    )
    writeFileSync(
      join(folder, 'formulas.ts'),
      [
        `import type { OperandRanks } from ${JSON.stringify(types)}`,
        'export type Used = OperandRanks<string>',
        ...lines,
      ].join('\n'),
    )
    const options = { strict: true, noEmit: true, target: 'ES2023', lib: ['ES2023'], module: 'NodeNext', types: [] }
    const compilerOptions = { ...options, allowImportingTsExtensions: true }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['formulas.ts'] }))
    const { stdout } = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--extendedDiagnostics'],
      {
        encoding: 'utf8',
      },
    )
    assert.doesNotMatch(stdout, /error TS/, stdout)
    return Number(/Instantiations:\s+(\d+)/.exec(stdout)![1])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a formula costs the type checker at most 600 instantiations and 75 a character', () => {
  const none = instantiations()
  for (const text of [dense, convolution, lstm]) {
    const cost = instantiations(text) - none
    assert.ok(cost > 10 * text.length, `${cost} instantiations: the scan did not run`)
    assert.ok(cost <= 600 + 75 * text.length, `${cost} instantiations for ${text.length} characters: ${text}`)
  }
})

test('formulas add up, and long ones still compile', () => {
  const none = instantiations()
  const both = instantiations(dense, convolution) - none
  const apart = instantiations(dense) + instantiations(convolution) - 2 * none
  assert.ok(both <= apart, `${both} together, ${apart} apart`)
  for (const text of [wide, long]) {
    const cost = instantiations(text) - none
    assert.ok(cost <= 600 + 75 * text.length, `${cost} instantiations for ${text.length} characters`)
  }
})
