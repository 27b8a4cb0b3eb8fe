// Small pieces of code over addresses, loops and parts of vectors.
import type { FunctionBuilder, Local } from './encoder.ts'

/** Adds a constant to an integer local. */
export function advance(f: FunctionBuilder, local: Local, by: number): void {
  if (by !== 0) f.get(local).i32Const(by).op('i32.add').set(local)
}

/** Runs `body` `count` times, which may be none; `count` is used up. */
export function repeat(f: FunctionBuilder, count: Local, body: () => void): void {
  f.get(count).if(() => {
    f.loop((next) => {
      body()
      f.get(count).i32Const(1).op('i32.sub').tee(count).brIf(next)
    })
  })
}

/** Puts on the stack a vector of which the first `lanes` lanes come from memory, touching nothing beyond. */
export function loadLanes(f: FunctionBuilder, at: Local, offset: number, lanes: number): void {
  f.get(at)
  if (lanes === 4) f.memory('v128.load', offset)
  else if (lanes === 1) f.memory('v128.load32_zero', offset)
  else {
    f.memory('v128.load64_zero', offset)
    if (lanes === 3) {
      const low = f.local('v128')
      f.set(low)
      f.get(at)
        .get(low)
        .memoryLane('v128.load32_lane', 2, offset + 8)
    }
  }
}

/** Stores the first `lanes` lanes of the vector. */
export function storeLanes(f: FunctionBuilder, at: Local, offset: number, lanes: number, vector: Local): void {
  f.get(at).get(vector)
  if (lanes === 4) f.memory('v128.store', offset)
  else if (lanes === 1) f.memoryLane('v128.store32_lane', 0, offset)
  else {
    f.memoryLane('v128.store64_lane', 0, offset)
    if (lanes === 3)
      f.get(at)
        .get(vector)
        .memoryLane('v128.store32_lane', 2, offset + 8)
  }
}
