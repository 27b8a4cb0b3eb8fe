// What every generated C file begins with: vectors of each width in use, and the operations on them by name.

/** C text that defines F16, I16, splatf_16 … for a width; width 1 is plain scalars with the same names. */
export function vectorTypes(width: number): string {
  return width === 1
    ? scalarTypes
    : vectorTemplate
        .replace('ACROSS_LANES', acrossLanes(width))
        .replaceAll('$', String(width))
        .replaceAll('@', String(width * 4))
        .replaceAll(
          'LANES',
          list(width, (lane) => lane),
        )
}

/** Functions that leave one number of a vector: halves are joined until one lane is left, always in this order. */
function acrossLanes(width: number): string {
  const halvings: string[] = []
  for (let half = width / 2; half >= 1; half /= 2) {
    halvings.push(`y = SHUFFLE(I$, x, x, ${list(width, (lane) => lane ^ half)}); x = JOIN;`)
  }
  const define = (name: string, scalar: string, vector: string, join: string) =>
    `static inline ${scalar} ${name}_$(${vector} x) { ${vector} y; ${halvings.join(' ').replaceAll('JOIN', join)} return x[0]; }`
  return [
    define('sumf', 'float', 'F$', 'x + y'),
    define('prodf', 'float', 'F$', 'x * y'),
    define('hmaxf', 'float', 'F$', 'maxf_$(x, y)'),
    define('hminf', 'float', 'F$', 'minf_$(x, y)'),
    define('sumi', 'int32_t', 'I$', 'iadd_$(x, y)'),
    define('prodi', 'int32_t', 'I$', 'imul_$(x, y)'),
    define('hmaxi', 'int32_t', 'I$', 'maxi_$(x, y)'),
    define('hmini', 'int32_t', 'I$', 'mini_$(x, y)'),
  ].join('\n')
}

const list = (width: number, of: (lane: number) => number): string =>
  Array.from({ length: width }, (_, lane) => of(lane)).join(', ')

export const header = `#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <math.h>
#pragma GCC diagnostic ignored "-Wpsabi"
typedef uint8_t u8;
#if defined(__clang__)
#define SHUFFLE(type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(type, a, b, ...) __builtin_shuffle(a, b, (type){__VA_ARGS__})
#endif
#if !defined(__has_builtin)
#define __has_builtin(name) 0
#endif
// Clang gives up instructions' own names from time to time; gcc keeps them.
#if defined(__clang__)
#define HAS_INSTRUCTION(name) __has_builtin(name)
#else
#define HAS_INSTRUCTION(name) 1
#endif
// Whether products and sums are rounded once where the program says so.
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_FEATURE_FMA)
#define FUSED 1
#else
#define FUSED 0
#endif
// Keeps a vector that is used often in a register: compilers would rather read memory again.
#if defined(__AVX512F__)
#define HOLD(x) __asm__("" : "+v"(x))
#elif defined(__SSE__)
#define HOLD(x) __asm__("" : "+x"(x))
#elif defined(__aarch64__)
#define HOLD(x) __asm__("" : "+w"(x))
#else
#define HOLD(x)
#endif
// A vector of the lanes named, from two shorter ones in memory.
#define PARTS(element, lanes, p, q) \\
  typedef element part_ __attribute__((vector_size(4 * lanes))); \\
  typedef element loose_ __attribute__((vector_size(4 * lanes), aligned(4), may_alias)); \\
  const part_ a_ = *(const loose_ *)(p), b_ = *(const loose_ *)(q);
#if __has_builtin(__builtin_shufflevector)
#define WIDEN(wide, element, lanes, p, q, ...) ({ PARTS(element, lanes, p, q) (wide)__builtin_shufflevector(a_, b_, __VA_ARGS__); })
#else
#define WIDEN(wide, element, lanes, p, q, ...) ({ PARTS(element, lanes, p, q) wide r_; const int at_[] = {__VA_ARGS__}; \\
  for (int l = 0; l < (int)(sizeof(wide) / 4); l++) r_[l] = at_[l] < lanes ? a_[at_[l]] : b_[at_[l] - lanes]; r_; })
#endif
// Stores the lanes named, so many, of a vector of f32.
#if __has_builtin(__builtin_shufflevector)
#define NARROW(wide, lanes, p, v, ...) { typedef float loose_ __attribute__((vector_size(4 * lanes), aligned(4), may_alias)); \\
  *(loose_ *)(p) = __builtin_shufflevector(v, v, __VA_ARGS__); }
#else
#define NARROW(wide, lanes, p, v, ...) { float *p_ = p; const wide v_ = v; const int at_[] = {__VA_ARGS__}; \\
  for (int l = 0; l < lanes; l++) p_[l] = v_[at_[l]]; }
#endif
#ifdef _OPENMP
#include <omp.h>
static inline void meet(int threads) {
  if (threads > 1) {
    #pragma omp barrier
  }
}
#elif defined(THREAD_POOL)
// Threads that the programs of a process share; who loads a program tells it where they are.
typedef struct {
  void (*share)(void (*program)(void **, int, int), void **buffers, int threads);
  void (*meet)(int threads);
} Pool;
static const Pool *pool;
void usePool(uint64_t address) { pool = (const Pool *)(uintptr_t)address; }
static inline void meet(int threads) { if (threads > 1) pool->meet(threads); }
#else
static inline void meet(int threads) {}
#endif
`

const scalarTypes = `
typedef float F1; typedef int32_t I1; typedef uint32_t U1; typedef int M1;
static inline F1 splatf_1(float x) { return x; }
static inline I1 splati_1(int32_t x) { return x; }
static inline I1 ltf_1(F1 a, F1 b) { return -(a < b); }
static inline I1 lef_1(F1 a, F1 b) { return -(a <= b); }
static inline I1 eqf_1(F1 a, F1 b) { return -(a == b); }
static inline I1 nef_1(F1 a, F1 b) { return -(a != b); }
static inline I1 lti_1(I1 a, I1 b) { return -(a < b); }
static inline I1 lei_1(I1 a, I1 b) { return -(a <= b); }
static inline I1 eqi_1(I1 a, I1 b) { return -(a == b); }
static inline I1 nei_1(I1 a, I1 b) { return -(a != b); }
static inline F1 selectf_1(I1 m, F1 a, F1 b) { return m ? a : b; }
static inline I1 selecti_1(I1 m, I1 a, I1 b) { return m ? a : b; }
static inline I1 any_1(I1 m) { return m != 0; }
static inline I1 bits_1(F1 x) { I1 r; memcpy(&r, &x, 4); return r; }
static inline F1 fromBits_1(I1 x) { F1 r; memcpy(&r, &x, 4); return r; }
static inline F1 pickf_1(M1 m, F1 a, F1 b) { return m ? a : b; }
static inline I1 picki_1(M1 m, I1 a, I1 b) { return m ? a : b; }
static inline M1 ltm_1(F1 a, F1 b) { return a < b; }
static inline M1 eqm_1(F1 a, F1 b) { return a == b; }
static inline M1 bitm_1(I1 x, I1 bit) { return (x & bit) != 0; }
static inline I1 anym_1(M1 m) { return m; }
static inline F1 lower_1(F1 a, F1 b) { return b < a ? b : a; }
static inline F1 higher_1(F1 a, F1 b) { return a < b ? b : a; }
static inline F1 absf_1(F1 x) { return __builtin_fabsf(x); }
static inline I1 absi_1(I1 x) { return x < 0 ? (I1)(0u - (U1)x) : x; }
static inline F1 floorf_1(F1 x) { return __builtin_floorf(x); }
static inline F1 ceilf_1(F1 x) { return __builtin_ceilf(x); }
static inline F1 roundf_1(F1 x) { return __builtin_rintf(x); }
static inline F1 sqrtf_1(F1 x) { return __builtin_sqrtf(x); }
static inline I1 toInt_1(F1 x) { return x >= 2147483648.0f ? INT32_MAX : x >= -2147483648.0f ? (I1)x : x != x ? 0 : INT32_MIN; }
static inline I1 cut_1(F1 x) { return toInt_1(x); }
static inline F1 toFloat_1(I1 x) { return (F1)x; }
static inline I1 iadd_1(I1 a, I1 b) { return (I1)((U1)a + (U1)b); }
static inline I1 isub_1(I1 a, I1 b) { return (I1)((U1)a - (U1)b); }
static inline I1 imul_1(I1 a, I1 b) { return (I1)((U1)a * (U1)b); }
static inline I1 shl_1(I1 a, int n) { return (I1)((U1)a << n); }
static inline I1 shr_1(I1 a, int n) { return (I1)((U1)a >> n); }
static inline F1 scale_1(F1 x, F1 n) { I1 e = toInt_1(n), m = e >> 1; return x * fromBits_1(shl_1(m + 127, 23)) * fromBits_1(shl_1(e - m + 127, 23)); }
static inline F1 minf_1(F1 a, F1 b) { return a != a ? a : b < a || b != b ? b : a; }
static inline F1 maxf_1(F1 a, F1 b) { return a != a ? a : a < b || b != b ? b : a; }
static inline I1 mini_1(I1 a, I1 b) { return b < a ? b : a; }
static inline I1 maxi_1(I1 a, I1 b) { return a < b ? b : a; }
static inline F1 modf_1(F1 a, F1 b) { F1 r = fmodf(a, b); return r != 0 && (r < 0) != (b < 0) ? r + b : r; }
static inline I1 divi_1(I1 a, I1 b) { I1 q = a / b; return q - (a % b != 0 && (a < 0) != (b < 0)); }
static inline I1 modi_1(I1 a, I1 b) { if (b == 0) return 0; I1 r = a % b; return r != 0 && (r < 0) != (b < 0) ? r + b : r; }
#if FUSED
static inline F1 fma_1(F1 a, F1 b, F1 c) { return __builtin_fmaf(a, b, c); }
#else
static inline F1 fma_1(F1 a, F1 b, F1 c) { return a * b + c; }
#endif
static inline double mind(double a, double b) { return a != a ? a : b < a || b != b ? b : a; }
static inline double maxd(double a, double b) { return a != a ? a : a < b || b != b ? b : a; }
static inline I1 cutd(double x) { return x >= 2147483647.0 ? INT32_MAX : x > -2147483648.0 ? (I1)x : x != x ? 0 : INT32_MIN; }
static inline double modd(double a, double b) { double r = fmod(a, b); return r != 0 && (r < 0) != (b < 0) ? r + b : r; }
static inline double sigmoidd(double x) { return 1 / (1 + exp(-x)); }
static void packGather(const float *restrict b, const int32_t *restrict rows, const int32_t *restrict column, float *restrict out, int from, int to, int count, int columns) {
  for (int k = from; k < to; k++, out += columns) {
    const float *row = b + rows[k];
    for (int j = 0; j < count; j++) out[j] = row[column[j]];
    for (int j = count; j < columns; j++) out[j] = 0;
  }
}
static inline I1 rotl_1(I1 x, int n) { return (I1)((U1)x << n | (U1)x >> (32 - n)); }
`

const elementwise = (name: string, type: string, from: string, expression: string): string =>
  `static inline ${type}$ ${name}_$(${from}$ x) { ${type}$ r; for (int l = 0; l < $; l++) r[l] = ${expression}; return r; }`

const vectorTemplate = `
typedef float F$ __attribute__((vector_size(@)));
typedef int32_t I$ __attribute__((vector_size(@)));
typedef uint32_t U$ __attribute__((vector_size(@)));
typedef float FU$ __attribute__((vector_size(@), aligned(4), may_alias));
typedef int32_t IU$ __attribute__((vector_size(@), aligned(4), may_alias));
typedef u8 B$ __attribute__((vector_size($)));
typedef u8 BU$ __attribute__((vector_size($), aligned(1), may_alias));
static const I$ iota_$ = {LANES};
static inline F$ splatf_$(float x) { return x - (F$){}; }
static inline I$ splati_$(int32_t x) { return x - (I$){}; }
static inline F$ loadf_$(const float *p) { return *(const FU$ *)p; }
static inline I$ loadi_$(const int32_t *p) { return *(const IU$ *)p; }
static inline I$ loadb_$(const u8 *p) { BU$ b = *(const BU$ *)p; return __builtin_convertvector(b, I$); }
static inline void storef_$(float *p, F$ x) { *(FU$ *)p = x; }
static inline void storei_$(int32_t *p, I$ x) { *(IU$ *)p = x; }
static inline void storeb_$(u8 *p, I$ x) { *(BU$ *)p = __builtin_convertvector(x, B$); }
static inline F$ gatherf_$(const float *p, I$ o) { F$ r; for (int l = 0; l < $; l++) r[l] = p[o[l]]; return r; }
static inline I$ gatheri_$(const int32_t *p, I$ o) { I$ r; for (int l = 0; l < $; l++) r[l] = p[o[l]]; return r; }
static inline I$ gatherb_$(const u8 *p, I$ o) { I$ r; for (int l = 0; l < $; l++) r[l] = p[o[l]]; return r; }
static inline void scatterf_$(float *p, I$ o, F$ x) { for (int l = 0; l < $; l++) p[o[l]] = x[l]; }
static inline void scatteri_$(int32_t *p, I$ o, I$ x) { for (int l = 0; l < $; l++) p[o[l]] = x[l]; }
static inline void scatterb_$(u8 *p, I$ o, I$ x) { for (int l = 0; l < $; l++) p[o[l]] = x[l]; }
static inline I$ ltf_$(F$ a, F$ b) { return a < b; }
static inline I$ lef_$(F$ a, F$ b) { return a <= b; }
static inline I$ eqf_$(F$ a, F$ b) { return a == b; }
static inline I$ nef_$(F$ a, F$ b) { return a != b; }
static inline I$ lti_$(I$ a, I$ b) { return a < b; }
static inline I$ lei_$(I$ a, I$ b) { return a <= b; }
static inline I$ eqi_$(I$ a, I$ b) { return a == b; }
static inline I$ nei_$(I$ a, I$ b) { return a != b; }
static inline F$ selectf_$(I$ m, F$ a, F$ b) { return (F$)((m & (I$)a) | (~m & (I$)b)); }
static inline I$ selecti_$(I$ m, I$ a, I$ b) { return (m & a) | (~m & b); }
static inline int32_t any_$(I$ m) {
#if $ == 16 && defined(__AVX512F__) && defined(__AVX512DQ__) && HAS_INSTRUCTION(__builtin_ia32_cvtd2mask512)
  return -(__builtin_ia32_cvtd2mask512(m) != 0);
#else
  int32_t r = 0; for (int l = 0; l < $; l++) r |= m[l]; return r;
#endif
}
// Masks: a bit a lane where there are such registers, else a whole lane. lower and higher give a where one is NaN.
#undef HAS
#undef BIT_MASKS
#if $ == 16 && defined(__AVX512F__) && !defined(__clang__)
#define BIT_MASKS 1
typedef uint16_t M$;
#define HAS(m, lane) ((m) >> (lane) & 1)
static inline M$ firstm_$(int count) { return (1 << count) - 1; }
static inline M$ maskOf_$(I$ m) { return __builtin_ia32_ptestmd512(m, m, -1); }
static inline M$ ltm_$(F$ a, F$ b) { return __builtin_ia32_cmpps512_mask(a, b, 1, -1, 4); }
static inline M$ eqm_$(F$ a, F$ b) { return __builtin_ia32_cmpps512_mask(a, b, 0, -1, 4); }
static inline M$ bitm_$(I$ x, int bit) { return __builtin_ia32_ptestmd512(x, splati_$(bit), -1); }
static inline F$ pickf_$(M$ m, F$ a, F$ b) { return (F$)__builtin_ia32_blendmps_512_mask(b, a, m); }
static inline I$ picki_$(M$ m, I$ a, I$ b) { return (I$)__builtin_ia32_blendmd_512_mask(b, a, m); }
static inline int anym_$(M$ m) { return m != 0; }
static inline F$ lower_$(F$ a, F$ b) { return (F$)__builtin_ia32_minps512_mask(b, a, a, -1, 4); }
static inline F$ higher_$(F$ a, F$ b) { return (F$)__builtin_ia32_maxps512_mask(b, a, a, -1, 4); }
#else
#define BIT_MASKS 0
typedef I$ M$;
#define HAS(m, lane) (m)[lane]
static inline M$ firstm_$(int count) { return iota_$ < splati_$(count); }
static inline M$ maskOf_$(I$ m) { return m; }
static inline M$ ltm_$(F$ a, F$ b) { return a < b; }
static inline M$ eqm_$(F$ a, F$ b) { return a == b; }
static inline M$ bitm_$(I$ x, int bit) { return (x & splati_$(bit)) != 0; }
static inline F$ pickf_$(M$ m, F$ a, F$ b) { return selectf_$(m, a, b); }
static inline I$ picki_$(M$ m, I$ a, I$ b) { return selecti_$(m, a, b); }
static inline int anym_$(M$ m) { return any_$(m); }
#if $ == 8 && defined(__AVX__) && !defined(__clang__)
static inline F$ lower_$(F$ a, F$ b) { return __builtin_ia32_minps256(b, a); }
static inline F$ higher_$(F$ a, F$ b) { return __builtin_ia32_maxps256(b, a); }
#elif $ == 4 && defined(__SSE__) && !defined(__clang__)
static inline F$ lower_$(F$ a, F$ b) { return __builtin_ia32_minps(b, a); }
static inline F$ higher_$(F$ a, F$ b) { return __builtin_ia32_maxps(b, a); }
#else
static inline F$ lower_$(F$ a, F$ b) { return selectf_$(b < a, b, a); }
static inline F$ higher_$(F$ a, F$ b) { return selectf_$(a < b, b, a); }
#endif
#endif
static inline F$ loadMaskedf_$(const float *p, M$ m) {
#if BIT_MASKS
  return (F$)__builtin_ia32_loadups512_mask(p, (F$){}, m);
#elif $ == 16 && defined(__AVX512F__) && defined(__AVX512DQ__) && HAS_INSTRUCTION(__builtin_ia32_loadups512_mask)
  return (F$)__builtin_ia32_loadups512_mask(p, (F$){}, __builtin_ia32_cvtd2mask512(m));
#elif $ == 8 && defined(__AVX2__) && HAS_INSTRUCTION(__builtin_ia32_maskloadps256)
  return (F$)__builtin_ia32_maskloadps256((const F$ *)p, m);
#elif $ == 4 && defined(__AVX2__) && HAS_INSTRUCTION(__builtin_ia32_maskloadps)
  return (F$)__builtin_ia32_maskloadps((const F$ *)p, m);
#else
  F$ r; for (int l = 0; l < $; l++) r[l] = HAS(m, l) ? p[l] : 0; return r;
#endif
}
static inline I$ loadMaskedi_$(const int32_t *p, M$ m) { return (I$)loadMaskedf_$((const float *)p, m); }
static inline I$ loadMaskedb_$(const u8 *p, M$ m) { I$ r; for (int l = 0; l < $; l++) r[l] = HAS(m, l) ? p[l] : 0; return r; }
static inline void storeMaskedf_$(float *p, F$ x, M$ m) {
#if BIT_MASKS
  __builtin_ia32_storeups512_mask(p, x, m);
#elif $ == 16 && defined(__AVX512F__) && defined(__AVX512DQ__) && HAS_INSTRUCTION(__builtin_ia32_storeups512_mask)
  __builtin_ia32_storeups512_mask(p, x, __builtin_ia32_cvtd2mask512(m));
#else
  for (int l = 0; l < $; l++) if (HAS(m, l)) p[l] = x[l];
#endif
}
static inline void storeMaskedi_$(int32_t *p, I$ x, M$ m) { storeMaskedf_$((float *)p, (F$)x, m); }
static inline void storeMaskedb_$(u8 *p, I$ x, M$ m) { for (int l = 0; l < $; l++) if (HAS(m, l)) p[l] = x[l]; }
static inline F$ gatherMaskedf_$(const float *p, I$ o, M$ m) { F$ r; for (int l = 0; l < $; l++) r[l] = HAS(m, l) ? p[o[l]] : 0; return r; }
static inline I$ gatherMaskedi_$(const int32_t *p, I$ o, M$ m) { I$ r; for (int l = 0; l < $; l++) r[l] = HAS(m, l) ? p[o[l]] : 0; return r; }
static inline I$ gatherMaskedb_$(const u8 *p, I$ o, M$ m) { I$ r; for (int l = 0; l < $; l++) r[l] = HAS(m, l) ? p[o[l]] : 0; return r; }
static inline void scatterMaskedf_$(float *p, I$ o, F$ x, M$ m) { for (int l = 0; l < $; l++) if (HAS(m, l)) p[o[l]] = x[l]; }
static inline void scatterMaskedi_$(int32_t *p, I$ o, I$ x, M$ m) { for (int l = 0; l < $; l++) if (HAS(m, l)) p[o[l]] = x[l]; }
static inline void scatterMaskedb_$(u8 *p, I$ o, I$ x, M$ m) { for (int l = 0; l < $; l++) if (HAS(m, l)) p[o[l]] = x[l]; }
static inline I$ bits_$(F$ x) { return (I$)x; }
static inline F$ fromBits_$(I$ x) { return (F$)x; }
static inline F$ absf_$(F$ x) { return (F$)((I$)x & 0x7fffffff); }
static inline I$ absi_$(I$ x) { I$ s = x >> 31; return (I$)((U$)(x ^ s) - (U$)s); }
${elementwise('floorf', 'F', 'F', '__builtin_floorf(x[l])')}
${elementwise('ceilf', 'F', 'F', '__builtin_ceilf(x[l])')}
${elementwise('roundf', 'F', 'F', '__builtin_rintf(x[l])')}
${elementwise('sqrtf', 'F', 'F', '__builtin_sqrtf(x[l])')}
// For what is surely an i32.
static inline I$ toInt_$(F$ x) { return __builtin_convertvector(x, I$); }
static inline I$ cut_$(F$ x) {
  const I$ above = x >= 2147483648.0f, below = x < -2147483648.0f, inside = ~above & ~below & (x == x);
  return (toInt_$(selectf_$(inside, x, splatf_$(0))) & inside) | (above & INT32_MAX) | (below & INT32_MIN);
}
static inline F$ toFloat_$(I$ x) { return __builtin_convertvector(x, F$); }
static inline I$ iadd_$(I$ a, I$ b) { return (I$)((U$)a + (U$)b); }
static inline I$ isub_$(I$ a, I$ b) { return (I$)((U$)a - (U$)b); }
static inline I$ imul_$(I$ a, I$ b) { return (I$)((U$)a * (U$)b); }
static inline I$ shl_$(I$ a, int n) { return (I$)((U$)a << n); }
static inline I$ shr_$(I$ a, int n) { return (I$)((U$)a >> n); }
// x * 2^n, rounded once.
static inline F$ scale_$(F$ x, F$ n) {
#if $ == 16 && defined(__AVX512F__) && !defined(__clang__)
  return (F$)__builtin_ia32_scalefps512_mask(x, n, x, -1, 4);
#else
  const I$ e = toInt_$(n), m = e >> 1;
  return x * (F$)shl_$(m + 127, 23) * (F$)shl_$(e - m + 127, 23);
#endif
}
static inline I$ rotl_$(I$ x, int n) { return (I$)((U$)x << n | (U$)x >> (32 - n)); }
#if $ == 16 && defined(__AVX512F__) && !defined(__clang__)
// The instructions give their second operand where one is NaN or both are zeros; where b is NaN, it is kept.
static inline F$ minf_$(F$ a, F$ b) { return (F$)__builtin_ia32_minps512_mask(b, a, b, __builtin_ia32_cmpps512_mask(b, b, 7, -1, 4), 4); }
static inline F$ maxf_$(F$ a, F$ b) { return (F$)__builtin_ia32_maxps512_mask(b, a, b, __builtin_ia32_cmpps512_mask(b, b, 7, -1, 4), 4); }
#elif $ == 16 && defined(__AVX512F__) && HAS_INSTRUCTION(__builtin_ia32_minps512) && HAS_INSTRUCTION(__builtin_ia32_maxps512)
static inline F$ minf_$(F$ a, F$ b) { return selectf_$(b != b, b, (F$)__builtin_ia32_minps512(a, b, 4)); }
static inline F$ maxf_$(F$ a, F$ b) { return selectf_$(b != b, b, (F$)__builtin_ia32_maxps512(a, b, 4)); }
#else
static inline F$ minf_$(F$ a, F$ b) { return selectf_$((b < a) | (b != b), selectf_$(a != a, a, b), a); }
static inline F$ maxf_$(F$ a, F$ b) { return selectf_$((a < b) | (b != b), selectf_$(a != a, a, b), a); }
#endif
static inline I$ mini_$(I$ a, I$ b) { return selecti_$(b < a, b, a); }
static inline I$ maxi_$(I$ a, I$ b) { return selecti_$(a < b, b, a); }
static inline F$ modf_$(F$ a, F$ b) { F$ r; for (int l = 0; l < $; l++) r[l] = modf_1(a[l], b[l]); return r; }
static inline I$ divi_$(I$ a, I$ b) { I$ r; for (int l = 0; l < $; l++) r[l] = divi_1(a[l], b[l]); return r; }
static inline I$ modi_$(I$ a, I$ b) { I$ r; for (int l = 0; l < $; l++) r[l] = modi_1(a[l], b[l]); return r; }
static inline F$ fma_$(F$ a, F$ b, F$ c) {
#if !FUSED
  return a * b + c;
#elif __has_builtin(__builtin_elementwise_fma)
  return __builtin_elementwise_fma(a, b, c);
#elif $ == 16 && defined(__AVX512F__) && HAS_INSTRUCTION(__builtin_ia32_vfmaddps512_mask)
  return (F$)__builtin_ia32_vfmaddps512_mask(a, b, c, -1, 4);
#elif $ == 8 && (defined(__FMA__) || defined(__AVX512F__)) && HAS_INSTRUCTION(__builtin_ia32_vfmaddps256)
  return (F$)__builtin_ia32_vfmaddps256(a, b, c);
#elif $ == 4 && (defined(__FMA__) || defined(__AVX512F__)) && HAS_INSTRUCTION(__builtin_ia32_vfmaddps)
  return (F$)__builtin_ia32_vfmaddps(a, b, c);
#else
  F$ r; for (int l = 0; l < $; l++) r[l] = fma_1(a[l], b[l], c[l]); return r;
#endif
}
ACROSS_LANES
`

/** uniform(seed, stream, step, i) on vectors of a width: Threefry-2x32-20, its first word's upper 24 bits as a fraction. */
export function uniformFunction(width: number): string {
  const w = width
  const rotations = [13, 15, 26, 6, 17, 29, 16, 24]
  const lines: string[] = []
  for (let round = 0; round < 20; round++) {
    lines.push(`  x0 = iadd_${w}(x0, x1); x1 = rotl_${w}(x1, ${rotations[round % 8]}) ^ x0;`)
    if (round % 4 === 3) {
      const step = (round + 1) / 4
      const key = (n: number) => ['k0', 'k1', 'k2'][n % 3]
      lines.push(
        `  x0 = iadd_${w}(x0, ${key(step)}); x1 = iadd_${w}(iadd_${w}(x1, ${key(step + 1)}), splati_${w}(${step}));`,
      )
    }
  }
  return `static inline F${w} uniform_${w}(I${w} k0, I${w} k1, I${w} x0, I${w} x1) {
  const I${w} k2 = k0 ^ k1 ^ splati_${w}(0x1BD11BDA);
  x0 = iadd_${w}(x0, k0); x1 = iadd_${w}(x1, k1);
${lines.join('\n')}
  return toFloat_${w}(shr_${w}(x0, 8)) * splatf_${w}(0x1p-24f);
}`
}
