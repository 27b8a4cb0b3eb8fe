// AMX for machines without it: the instructions trap, and a signal handler does what they do, as the manual has it (Intel SDM,
// volume 2, TDPBF16PS and the others by name). Included before a program's text, which stays as it is.
#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// The system, asked for tile registers, says yes.
#define syscall(...) 0L

// What is added to each sum: to see that a machine that multiplies wrongly is found out.
#ifndef TRAP_ERROR
#define TRAP_ERROR 0
#endif

static _Thread_local struct {
  int palette;
  int bytes[8], rows[8];
  uint32_t words[8][16][16];
} trapTiles;

// Times each was carried out, by all threads.
static int trapCounts[3];
int trapCount(int which) { return trapCounts[which]; }

static void trapConfigure(const uint8_t *m) {
  memset(&trapTiles, 0, sizeof trapTiles);
  trapTiles.palette = m[0];
  if (m[0] != 1 || m[1] != 0) abort();
  for (int t = 0; t < 8; t++) {
    trapTiles.bytes[t] = m[16 + 2 * t] | m[17 + 2 * t] << 8;
    trapTiles.rows[t] = m[48 + t];
    if (trapTiles.bytes[t] > 64 || trapTiles.rows[t] > 16) abort();
  }
}

static float trapFlushed(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x; }

static float trapHalf(uint32_t word, int which) {
  const uint32_t bits = which ? word & 0xffff0000u : word << 16;
  float x;
  memcpy(&x, &bits, 4);
  return trapFlushed(x);
}

static void trapDot(int sums, int a, int b) {
  const int pairs = trapTiles.bytes[a] / 4, columns = trapTiles.bytes[sums] / 4;
  if (trapTiles.rows[a] != trapTiles.rows[sums] || trapTiles.rows[b] != pairs || trapTiles.bytes[b] != trapTiles.bytes[sums]) abort();
  for (int r = 0; r < trapTiles.rows[sums]; r++)
    for (int j = 0; j < columns; j++) {
      float even = 0, odd = 0, sum;
      for (int q = 0; q < pairs; q++) {
        const uint32_t x = trapTiles.words[a][r][q], y = trapTiles.words[b][q][j];
        even = trapFlushed(fmaf(trapHalf(x, 0), trapHalf(y, 0), even));
        odd = trapFlushed(fmaf(trapHalf(x, 1), trapHalf(y, 1), odd));
      }
      memcpy(&sum, &trapTiles.words[sums][r][j], 4);
      sum = trapFlushed(trapFlushed(sum) + trapFlushed(even + odd) + TRAP_ERROR);
      memcpy(&trapTiles.words[sums][r][j], &sum, 4);
    }
}

static int64_t trapRegister(const ucontext_t *context, int number) {
  static const int places[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                 REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return context->uc_mcontext.gregs[places[number]];
}

/* The memory operand that starts at the ModRM byte: its address, the index register as a stride, and where it ends. */
static uint8_t *trapOperand(const ucontext_t *context, const uint8_t **at, int vex, int64_t *stride) {
  const uint8_t modrm = *(*at)++, mode = modrm >> 6;
  const int extendBase = vex & 0x20 ? 0 : 8, extendIndex = vex & 0x40 ? 0 : 8;
  int base = modrm & 7, index = 4, scale = 1;
  int64_t address = 0;
  if (base == 4) {
    const uint8_t sib = *(*at)++;
    base = sib & 7;
    index = (sib >> 3 & 7) + extendIndex;
    scale = 1 << (sib >> 6);
    if (mode == 0 && base == 5) base = -1;
  } else if (mode == 0 && base == 5) base = -2;
  int32_t offset = 0;
  if (mode == 1) offset = (int8_t)*(*at)++;
  else if (mode == 2 || base < 0) {
    memcpy(&offset, *at, 4);
    *at += 4;
  }
  if (base >= 0) address = trapRegister(context, base + extendBase);
  if (base == -2) address = (int64_t)*at;
  *stride = index == 4 ? 0 : trapRegister(context, index) * scale;
  return (uint8_t *)(address + offset);
}

static void trapHandler(int number, siginfo_t *info, void *given) {
  ucontext_t *context = given;
  const uint8_t *at = (const uint8_t *)context->uc_mcontext.gregs[REG_RIP];
  (void)info;
  // A three-byte VEX prefix of map 0F38, W0, 128 bits.
  const uint8_t vex = at[1], rest = at[2], opcode = at[3], modrm = at[4];
  const int form = rest & 3, tile = modrm >> 3 & 7, isMemory = modrm >> 6 != 3;
  if (at[0] != 0xc4 || (vex & 0x1f) != 2 || (rest & 0x84) != 0) goto unknown;
  at += 4;
  int64_t stride;
  if (opcode == 0x49 && form == 0 && isMemory && tile == 0) trapConfigure(trapOperand(context, &at, vex, &stride));
  else if (trapTiles.palette == 0) goto unknown;
  else if (opcode == 0x49 && form == 0 && modrm == 0xc0) {
    memset(&trapTiles, 0, sizeof trapTiles);
    at++;
  } else if (opcode == 0x49 && form == 3 && !isMemory) {
    memset(trapTiles.words[tile], 0, sizeof trapTiles.words[tile]);
    at++;
  } else if (opcode == 0x4b && (form == 3 || form == 2) && isMemory) {
    uint8_t *memory = trapOperand(context, &at, vex, &stride);
    for (int r = 0; r < trapTiles.rows[tile]; r++) {
      uint8_t *row = memory + r * stride;
      if (form == 3) memcpy(trapTiles.words[tile][r], row, trapTiles.bytes[tile]);
      else memcpy(row, trapTiles.words[tile][r], trapTiles.bytes[tile]);
    }
    __atomic_fetch_add(&trapCounts[form == 3 ? 0 : 1], 1, __ATOMIC_RELAXED);
  } else if (opcode == 0x5c && form == 2 && !isMemory) {
    trapDot(tile, modrm & 7, ~(rest >> 3) & 7);
    at++;
    __atomic_fetch_add(&trapCounts[2], 1, __ATOMIC_RELAXED);
  } else goto unknown;
  context->uc_mcontext.gregs[REG_RIP] = (int64_t)at;
  return;
unknown:
  signal(number, SIG_DFL);
}

__attribute__((constructor)) static void trapInstall(void) {
  struct sigaction action = {0};
  action.sa_sigaction = trapHandler;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, NULL);
}
