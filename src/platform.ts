// What the platform offers beyond the language. A browser has none of it, and may load every file all the same.
import { DeviceError } from './errors.ts'

interface Builtins {
  'node:child_process': typeof import('node:child_process')
  'node:crypto': typeof import('node:crypto')
  'node:fs': typeof import('node:fs')
  'node:module': typeof import('node:module')
  'node:os': typeof import('node:os')
  'node:path': typeof import('node:path')
  'node:url': typeof import('node:url')
}

interface Process {
  getBuiltinModule?(name: string): unknown
  readonly env?: Readonly<Record<string, string | undefined>>
}

const ofPlatform = (): Process | undefined => (globalThis as { process?: Process }).process

/** Whether Node's own modules are at hand: Node 20.16, 22.3 and later have them. */
export const hasBuiltins = (): boolean => typeof ofPlatform()?.getBuiltinModule === 'function'

/** One of Node's own modules, without an import that a browser would stumble over. Throws DeviceError `no-node`. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  if (!hasBuiltins()) throw new DeviceError('no-node', `${name} is needed, which Node 20.16 or later provides`)
  return ofPlatform()!.getBuiltinModule!(name) as Builtins[Name]
}

/** An environment variable; undefined where there is none, and in browsers. */
export const environment = (name: string): string | undefined => ofPlatform()?.env?.[name]
