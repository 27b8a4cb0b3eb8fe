// Threads for programs whose compiler has no OpenMP: one pool for the process, in a library of its own.

/** At most so many threads run a program: it has workspace for each. */
export const maxThreads = 16

/**
 * The C text of the pool. `threadPool()` gives the address of what programs call, which `usePool` in them takes. Threads that
 * wait spin for some microseconds and then sleep. A thread is woken by a word of its own, so that one which has no part in a
 * program never looks at it.
 */
export const threadPoolText = (maxThreads: number): string => `#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE()
#endif
typedef void Work(void **buffers, int thread, int threads);
static struct { Work *work; void **buffers; int threads; } job;
static struct { int turn; char apart[60]; } members[${maxThreads}];
static int started = 1, spins, sleepers, arrived, meetings;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, bed = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t morning = PTHREAD_COND_INITIALIZER;

static void await(int *word, int old) {
  for (int spin = 0; spin < spins; spin++) {
    if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != old) return;
    PAUSE();
  }
  pthread_mutex_lock(&bed);
  __atomic_add_fetch(&sleepers, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == old) pthread_cond_wait(&morning, &bed);
  __atomic_sub_fetch(&sleepers, 1, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&bed);
}

// Called after a word has changed: who counts as sleeper after that sees the change before it sleeps.
static void wake(void) {
  if (__atomic_load_n(&sleepers, __ATOMIC_SEQ_CST) == 0) return;
  pthread_mutex_lock(&bed);
  pthread_cond_broadcast(&morning);
  pthread_mutex_unlock(&bed);
}

static void meet(int threads) {
  const int now = __atomic_load_n(&meetings, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) < threads) {
    await(&meetings, now);
    return;
  }
  __atomic_store_n(&arrived, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&meetings, now + 1, __ATOMIC_SEQ_CST);
  wake();
}

static void *member(void *number) {
  const int thread = (int)(intptr_t)number;
  for (int turn = 0;; turn++) {
    await(&members[thread].turn, turn);
    job.work(job.buffers, thread, job.threads);
    meet(job.threads);
  }
  return NULL;
}

// Programs know where the pool is, and its threads wait in it, after whoever loaded this library has let go of it.
static void stay(void) {
  Dl_info here;
  if (dladdr((void *)&member, &here)) dlopen(here.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

// Starts what threads are missing; how many there are then.
static int start(int threads) {
  sigset_t all, before;
  pthread_attr_t how;
  if (threads <= started) return threads;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_init(&how);
  pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&how, 1 << 20);
  while (started < threads) {
    pthread_t thread;
    if (pthread_create(&thread, &how, member, (void *)(intptr_t)started) != 0) break;
    started++;
  }
  pthread_attr_destroy(&how);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

static void share(Work *work, void **buffers, int threads) {
  pthread_mutex_lock(&one);
  // Where there are fewer processors than threads, a thread that spins keeps others from what it waits for.
  if (spins == 0) spins = sysconf(_SC_NPROCESSORS_ONLN) < threads ? 100 : 20000;
  threads = start(threads);
  job.work = work;
  job.buffers = buffers;
  job.threads = threads;
  for (int t = 1; t < threads; t++) __atomic_add_fetch(&members[t].turn, 1, __ATOMIC_SEQ_CST);
  wake();
  work(buffers, 0, threads);
  if (threads > 1) meet(threads);
  pthread_mutex_unlock(&one);
}

static const struct { void (*share)(Work *, void **, int); void (*meet)(int); } pool = {share, meet};
uint64_t threadPool(void) {
  stay();
  return (uint64_t)(uintptr_t)&pool;
}
`
