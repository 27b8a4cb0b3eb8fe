// Steps that are found as an earlier process left them: the same numbers, of this call's own tensors; else made anew.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { printProgram } from '../../src/compiler/print.ts'
import { codeVersion, versionOf } from '../../src/device/native/codeVersion.ts'
import { nativeAbsence } from '../../src/device/native/device.ts'
import { compile, device, grad, setDevice, setPrecision, tensor } from '../../src/index.ts'
import { parameter } from '../runtime/support.ts'
import { programOf, recipes } from '../support/programs.ts'
import { setEnvironment, temporaryFolder } from '../support/temporaryFolder.ts'

const skip = nativeAbsence() ?? false

/** The native device with an empty cache of the test's own: the folder of compiled programs. */
function ownCache(context: TestContext): string {
  const folder = temporaryFolder(context)
  setEnvironment(context, 'EINFOLD_CACHE', folder)
  setDevice('native')
  return join(folder, 'native')
}

/** A training step with numbers of its own, and what it does: the losses of three steps and where the weights end. */
async function trained(start: readonly number[], rate = 0.25) {
  const w = parameter('w', start)
  const x = tensor([
    [1, 2, -1],
    [0.5, -1, start[0]],
  ])
  const step = compile((scale) => {
    const loss = x.matmul(w.unsqueeze(1)).tanh().mul(scale).square().sum()
    w.assign(w.sub(grad(loss, w).mul(rate)))
    return { losses: [loss, loss.sqrt()] }
  })
  const losses: number[] = []
  for (const scale of [1, 2, 3]) for (const loss of step(tensor(scale)).losses) losses.push(await loss.item())
  const [program] = step.programs
  return { numbers: [...losses, ...(await w.array())], wasFound: program.wasFound, program }
}

const steps = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.step'))
    .map((name) => join(folder, name))

test('a step is found when one of its structure was compiled before, and works on its own numbers', {
  skip,
}, async (context) => {
  ownCache(context)
  const first = await trained([1, -1, 2])
  const second = await trained([3, 0.5, -2])
  assert.equal(first.wasFound, false)
  assert.equal(second.wasFound, true)
  assert.deepEqual((await trained([1, -1, 2])).numbers, first.numbers)
  ownCache(context)
  const alone = await trained([3, 0.5, -2])
  assert.equal(alone.wasFound, false)
  assert.deepEqual(second.numbers, alone.numbers)
})

test('another structure, constant, shape or precision is another step', { skip }, async (context) => {
  ownCache(context)
  const tripled = (factor: number, shape: readonly number[]) => {
    const step = compile((x) => x.mul(factor))
    step(tensor(new Float32Array(12), { shape }))
    return step.programs[0].wasFound
  }
  assert.equal(tripled(3, [12]), false)
  assert.equal(tripled(3, [12]), true)
  assert.equal(tripled(4, [12]), false)
  assert.equal(tripled(3, [3, 4]), false)
  context.after(() => setPrecision('highest'))
  setPrecision('high')
  assert.equal(tripled(3, [12]), false)
  assert.equal(tripled(3, [12]), true)
})

test('another process finds a step', { skip }, (context) => {
  const folder = temporaryFolder(context)
  const index = new URL('../../src/index.ts', import.meta.url).href
  const program = `
    import { compile, tensor } from ${JSON.stringify(index)}
    const step = compile((x) => x.exp().sum())
    console.log(await step(tensor([0, 0, 0])).item(), step.programs[0].wasFound)`
  const env = { ...process.env, EINFOLD_DEVICE: 'native', EINFOLD_CACHE: folder }
  const run = () =>
    spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { encoding: 'utf8', env })
      .stdout
  assert.equal(run(), '3 false\n')
  assert.equal(run(), '3 true\n')
})

test('the loops and the code of a step that was found are those it was made from', { skip }, async (context) => {
  ownCache(context)
  const { program: made } = await trained([1, -1, 2])
  const { program: found } = await trained([3, 0.5, -2])
  assert.equal(found.source, made.source)
  assert.equal(printProgram(found.program), printProgram(made.program))
})

const damages: Readonly<Record<string, (folder: string) => void>> = {
  'its record is cut short': (folder) => change(folder, (text) => text.slice(0, -9)),
  'a digit of its record is another': (folder) => change(folder, (text) => text.replace(/1(\D*)$/, '2$1')),
  'its record is empty': (folder) => change(folder, () => ''),
  'its library is gone': (folder) => {
    for (const path of libraries(folder)) rmSync(path)
  },
  'its library is cut short': (folder) => {
    for (const path of libraries(folder)) {
      // This process has loaded the file; another takes its place.
      rmSync(path)
      writeFileSync(path, 'no library')
    }
  },
}

const libraries = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.so'))
    .map((name) => join(folder, name))

function change(folder: string, of: (text: string) => string): void {
  const [path] = steps(folder)
  const text = readFileSync(path, 'utf8')
  assert.notEqual(of(text), text)
  writeFileSync(path, of(text))
}

for (const [damage, wreck] of Object.entries(damages)) {
  test(`a step is made anew where ${damage}, and found again after that`, { skip }, async (context) => {
    const folder = ownCache(context)
    const { numbers } = await trained([1, -1, 2])
    wreck(folder)
    const anew = await trained([1, -1, 2])
    assert.equal(anew.wasFound, false)
    assert.deepEqual(anew.numbers, numbers)
    const again = await trained([1, -1, 2])
    assert.equal(again.wasFound, true)
    assert.deepEqual(again.numbers, numbers)
  })
}

test("a record under another step's name is not taken for it", { skip }, async (context) => {
  const folder = ownCache(context)
  await trained([1, -1, 2], 0.5)
  const [other] = steps(folder)
  const kept = `${other}.kept`
  renameSync(other, kept)
  const { numbers } = await trained([1, -1, 2])
  const [own] = steps(folder)
  renameSync(kept, own)
  const anew = await trained([1, -1, 2])
  assert.equal(anew.wasFound, false)
  assert.deepEqual(anew.numbers, numbers)
})

test('where the cache cannot be written steps are made by each process', { skip }, async (context) => {
  const folder = temporaryFolder(context)
  writeFileSync(join(folder, 'file'), '')
  setDevice('native')
  setEnvironment(context, 'EINFOLD_CACHE', join(folder, 'file'))
  const first = await trained([1, -1, 2])
  const second = await trained([1, -1, 2])
  assert.deepEqual([first.wasFound, second.wasFound], [false, false])
  assert.deepEqual(second.numbers, first.numbers)
})

test('a step that was found refuses buffers of other lengths', { skip }, (context) => {
  ownCache(context)
  const chosen = device()
  const { kept } = chosen as { kept: NonNullable<typeof chosen.kept> }
  const doubling = compile((x) => x.mul(2))
  doubling(tensor([1, 2, 3]))
  const [{ program }] = doubling.programs
  kept.load('key', program, 'a note')
  const { executable, note } = kept.find('key', () => program)!
  assert.equal(note, 'a note')
  const [x, y, short] = [3, 3, 2].map((length) => chosen.allocate('f32', length))
  executable.run([x, y])
  assert.throws(() => executable.run([x, short]), {
    code: 'wrong-buffer',
    message: /holds 3 elements of f32.*2 of f32/,
  })
  assert.throws(() => executable.run([x]), { code: 'wrong-buffer', message: /given nothing/ })
  assert.equal(
    kept.find('another key', () => program),
    null,
  )
})

test('random programs that are found give the bits of those that were made', { skip }, async (context) => {
  ownCache(context)
  await fc.assert(
    fc.asyncProperty(fc.array(recipes(), { minLength: 1, maxLength: 6, size: 'max' }), async (recipes) => {
      const tensors = recipes.flatMap((recipe) => programOf(recipe, 'f32').outputs.map(({ tensor }) => tensor))
      const numbers = async () => {
        const step = compile(() => tensors)
        const found = await Promise.all(step().map((result) => result.data()))
        return { found, wasFound: step.programs[0].wasFound }
      }
      const made = await numbers()
      const again = await numbers()
      assert.equal(again.wasFound, true)
      assert.deepEqual(again.found, made.found)
    }),
    { numRuns: 4, includeErrorInReport: true },
  )
})

test('the version of the code follows every byte and name of it, and of nothing else', (context) => {
  const folder = temporaryFolder(context)
  const home = join(folder, 'device', 'native')
  mkdirSync(home, { recursive: true })
  const module = join(home, 'codeVersion.js')
  const url = pathToFileURL(module).href
  const seen = new Set<string | null>()
  const expectAnother = (): void => {
    const version = versionOf(url)
    assert.ok(version !== null && !seen.has(version))
    assert.equal(versionOf(url), version)
    seen.add(version)
  }
  writeFileSync(module, 'a')
  expectAnother()
  writeFileSync(module, 'b')
  expectAnother()
  writeFileSync(join(folder, 'other.js'), 'b')
  expectAnother()
  renameSync(join(folder, 'other.js'), join(folder, 'another.js'))
  expectAnother()
  const before = versionOf(url)
  writeFileSync(join(folder, 'another.d.ts'), 'types')
  writeFileSync(join(folder, 'notes.txt'), 'text')
  assert.equal(versionOf(url), before)
})

test('code in a bundle has no version, and keeps no steps', () => {
  assert.equal(versionOf('file:///somewhere/bundle.js'), null)
  assert.equal(versionOf('https://example.org/device/native/codeVersion.js?v=1'), null)
  assert.match(codeVersion()!, /^[0-9a-f]{64}$/)
})
