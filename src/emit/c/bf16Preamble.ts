// What files with products in bfloat16 begin with: rounding to pairs, and the instructions that multiply them.
import type { Bf16 } from './bf16Plan.ts'

/** `mayUseTiles`: whether the system lets the process use tile registers, which it does not before it is asked. */
export const tilePermission = `
#include <unistd.h>
#include <sys/syscall.h>
static int mayUseTiles(void) {
#ifdef SYS_arch_prctl
  const long request = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, request, tileData) == 0;
#else
  return 0;
#endif
}
`

/** Functions on vectors of 16; needs `vectorTypes(16)` before it. */
export const bf16Functions = ({ unit }: Pick<Bf16, 'unit'>): string =>
  `${rounding}${unit === 'amx' ? tileRegisters : dotProduct}`

/** Rounds to the nearest, of two equally near to the even. The instruction takes numbers below 2^-126 for 0, as products do. */
const rounding = `
typedef uint16_t H16 __attribute__((vector_size(32)));
typedef uint16_t H32 __attribute__((vector_size(64)));
typedef uint16_t HU16 __attribute__((vector_size(32), aligned(2), may_alias));
#if defined(__AVX512BF16__)
static inline H32 narrow_16(F16 first, F16 second) {
  H32 r;
  __asm__("vcvtne2ps2bf16 %1, %2, %0" : "=v"(r) : "v"(first), "v"(second));
  return r;
}
#else
static inline U16 rounded_16(F16 x) {
  const U16 bits = (U16)x, near = bits + 0x7fff + ((bits >> 16) & 1), quiet = bits | 0x400000;
  return (U16)selecti_16(x == x, (I16)near, (I16)quiet) >> 16;
}
static inline H32 narrow_16(F16 first, F16 second) {
  union { H16 parts[2]; H32 whole; } r;
  r.parts[0] = __builtin_convertvector(rounded_16(first), H16);
  r.parts[1] = __builtin_convertvector(rounded_16(second), H16);
  return r.whole;
}
#endif
static inline F16 widen_16(const uint16_t *p) {
  const H16 half = *(const HU16 *)p;
  return (F16)(__builtin_convertvector(half, U16) << 16);
}
static inline I16 pairs_16(F16 even, F16 odd) {
  const H32 r = narrow_16(even, odd);
  return (I16)SHUFFLE(H32, r, r, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
static inline void pairUp(const float *even, const float *odd, int32_t *high, int32_t *low) {
  const F16 e = loadf_16(even), o = loadf_16(odd);
  const I16 pairs = pairs_16(e, o);
  storei_16(high, pairs);
  if (low) storei_16(low, pairs_16(e - (F16)(pairs << 16), o - (F16)(pairs & splati_16(-65536))));
}
static inline void narrowRow(const float *from, int count, int32_t *high, int32_t *low) {
  for (int k = 0; k < count; k += 32, high += 16) {
    float part[32];
    const float *x = from + k;
    if (count - k < 32) {
      memset(part, 0, sizeof part);
      memcpy(part, x, (count - k) * 4);
      x = part;
    }
    const F16 first = loadf_16(x), second = loadf_16(x + 16);
    storei_16(high, (I16)narrow_16(first, second));
    if (low) {
      const uint16_t *halves = (const uint16_t *)high;
      storei_16(low, (I16)narrow_16(first - widen_16(halves), second - widen_16(halves + 16)));
      low += 16;
    }
  }
}
static inline F16 finite_16(F16 x) { return selectf_16(absf_16(x) <= 0x1.fffffep127f, x, (F16){}); }
`

const dotProduct = `
static inline F16 dot_16(F16 sum, I16 a, I16 b) {
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  return sum;
}
`

/** Tile registers are named in the instructions, so these are macros. */
const tileRegisters = `
static inline void startTiles(void) {
  static const struct { uint8_t palette, start, reserved[14]; uint16_t bytes[16]; uint8_t rows[16]; } shapes __attribute__((aligned(64))) = {
    .palette = 1, .bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
  __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
}
static inline void endTiles(void) { __asm__ volatile("tilerelease"); }
#define TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t :)
#define TILE_LOAD(t, from, stride) \\
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"(from), "r"((int64_t)(stride)) : "memory")
#define TILE_STORE(t, to, stride) \\
  __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : "r"(to), "r"((int64_t)(stride)) : "memory")
#define TILE_DOT(sums, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #sums :)
`
