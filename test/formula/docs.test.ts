import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scalarFunctions } from '../../src/expression/functions.ts'
import { latex } from '../../src/formula/latex.ts'
import { parse } from '../../src/formula/parse.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/formula-language.md'), 'utf8')
const blocks = [...page.matchAll(/^```(\w+)\n(.*?)\n```$/gms)].map(([, kind, text]) => ({ kind, text }))

test('every formula in docs/formula-language.md is read, or refused with the message below it', () => {
  let refused = 0
  for (const [at, { kind, text }] of blocks.entries()) {
    if (kind !== 'einfold') continue
    const next = blocks[at + 1]
    if (next?.kind === 'latex') assert.equal(latex(parse(text)), next.text)
    else if (next?.kind === 'text') {
      assert.throws(() => parse(text), { name: 'FormulaError', message: next.text })
      refused++
    } else parse(text)
  }
  assert.ok(refused >= 20)
})

test('docs/formula-language.md lists every function', () => {
  for (const [name, { arity, about }] of Object.entries(scalarFunctions)) {
    assert.ok(page.includes(`| \`${name}\` | ${arity} | ${about} |`), name)
  }
})
