// Runs the native device's programs under AddressSanitizer and UBSan: npm run test:sanitize [-- FILE …]
//
// The compiler is one that adds the sanitizers' flags; the node process is started with their libraries, so that its array
// buffers are checked too; and the room that the device leaves behind each buffer is marked as not to be touched.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

if (process.env.EINFOLD_SANITIZE_CHILD) markSlack()
else process.exit(main())

function main() {
  const compiler = process.env.EINFOLD_CC || 'gcc'
  const libraries = ['libasan.so', 'libubsan.so'].map((name) => libraryPath(compiler, name))
  if (libraries.includes(null)) {
    console.error(`${compiler} has no libasan or libubsan; install them, or name another compiler by EINFOLD_CC`)
    return 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'einfold-sanitize-'))
  try {
    const command = join(folder, 'cc')
    // Last on the command line, so that they win.
    const flags = '-O1 -g1 -fno-var-tracking -fsanitize=address,undefined -fno-sanitize-recover=undefined'
    writeFileSync(command, `#!/bin/sh\nunset LD_PRELOAD\nexec ${compiler} "$@" ${flags}\n`)
    chmodSync(command, 0o755)
    const named = process.argv.slice(2)
    const files = named.length > 0 ? named : ['test/device/native.test.ts', 'test/device/native-threads.test.ts']
    const self = fileURLToPath(import.meta.url)
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--import', self, '--test', ...files], {
      stdio: 'inherit',
      env: {
        ...process.env,
        EINFOLD_CC: command,
        EINFOLD_CACHE: join(folder, 'cache'),
        EINFOLD_SANITIZE_CHILD: '1',
        EINFOLD_SEPARATE_BUFFERS: '1',
        LD_PRELOAD: libraries.join(' '),
        // Node frees nothing when it ends; V8 moves its own stack.
        ASAN_OPTIONS: 'detect_leaks=0:detect_stack_use_after_return=0:allocator_may_return_null=1',
        UBSAN_OPTIONS: 'print_stacktrace=1',
      },
    })
    return status ?? 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function libraryPath(compiler, name) {
  const path = execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim()
  return existsSync(path) ? path : null
}

/** Makes every read and write between the end of a device buffer's elements and the end of its array buffer an error. */
function markSlack() {
  const koffi = createRequire(import.meta.url)('koffi')
  const alignment = 64n
  const { address } = koffi
  const poison = koffi.load(null).func('void __asan_poison_memory_region(void *address, size_t size)')
  koffi.address = (value) => {
    const start = address(value)
    if (value instanceof ArrayBuffer) {
      const offset = (alignment - (start % alignment)) % alignment
      const end = start + offset + BigInt(value.byteLength) - 2n * alignment
      poison(end, Number(start + BigInt(value.byteLength) - end))
    }
    return start
  }
}
