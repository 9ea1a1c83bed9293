/* A pool of workers for lap_parallel. A job is cut into chunks. Each thread has a share of neighbouring ones, the same
 * share of every job: so it mostly reads what it wrote itself, and what another core holds in its cache stays there. A
 * thread that is done takes chunks of the others' shares, so that one that the system holds up takes fewer. All claims of
 * a share go through one word, its ticket: the job's number in the upper half, the chunks not yet claimed in the lower.
 * A claim is a compare-and-swap of the whole word, so a worker that was held up since an earlier job can never claim a
 * chunk of this one with that job's bounds. */
#define _POSIX_C_SOURCE 200809L
#include "parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__GNUC__) && !defined(LAP_C11_ATOMICS)
#define ATOMIC(type) type
#define atomic_get(place, order) __atomic_load_n(place, __ATOMIC_##order)
#define atomic_set(place, value, order) __atomic_store_n(place, value, __ATOMIC_##order)
#define atomic_take(place) __atomic_exchange_n(place, 1, __ATOMIC_ACQUIRE)
#define atomic_decrement(place) (__atomic_sub_fetch(place, 1, __ATOMIC_SEQ_CST))
#define atomic_count(place) (__atomic_add_fetch(place, 1, __ATOMIC_RELAXED))
#define atomic_claim(place, expected, value) \
  __atomic_compare_exchange_n(place, expected, value, 1, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#else
#include <stdatomic.h>
#define ORDER_RELAXED memory_order_relaxed
#define ORDER_ACQUIRE memory_order_acquire
#define ORDER_RELEASE memory_order_release
#define ORDER_SEQ_CST memory_order_seq_cst
#define ATOMIC(type) _Atomic(type)
#define atomic_get(place, order) atomic_load_explicit(place, ORDER_##order)
#define atomic_set(place, value, order) atomic_store_explicit(place, value, ORDER_##order)
#define atomic_take(place) atomic_exchange_explicit(place, 1, memory_order_acquire)
#define atomic_decrement(place) (atomic_fetch_sub(place, 1) - 1)
#define atomic_count(place) (atomic_fetch_add(place, 1) + 1)
#define atomic_claim(place, expected, value) \
  atomic_compare_exchange_weak_explicit(place, expected, value, memory_order_acq_rel, memory_order_acquire)
#endif

enum {
  SPINS = 40000,         /* about 0.5 ms: longer than the serial stretches between two parallel loops */
  CHUNKS_PER_THREAD = 8, /* enough to even out unequal threads; a claim costs far less than a chunk */
  CACHE_LINES = 128,     /* two lines: processors fetch them in pairs */
  MAX_THREADS = 1024
};

/* On lines of its own: each is mostly used by one thread. */
typedef struct {
  ATOMIC(uint64_t) ticket;
  char rest[CACHE_LINES - sizeof(uint64_t)];
} ticket_line;

typedef struct {
  lap_parallel parallel; /* first: for_each gets a pointer to it */
  int spins;
  int workers;
  ATOMIC(int) started; /* workers that know their number */
  pthread_t *threads;
  ticket_line *shares;
  ATOMIC(int) busy; /* 1 while a for_each owns the pool */

  /* The job. Atomic, because a late worker may read these while the next job is written; its claim then fails. */
  ATOMIC(lap_body *) body;
  ATOMIC(void *) context;
  ATOMIC(ptrdiff_t) count, chunk;

  pthread_mutex_t mutex;
  pthread_cond_t wake, finished;
  ATOMIC(int) sleepers; /* workers in `wake`; written under the mutex */
  ATOMIC(int) waiting;  /* 1 while the caller is in `finished` */
  ATOMIC(int) stop;

  /* Written by all threads: each on lines of its own. */
  char before_job[CACHE_LINES];
  ATOMIC(uint32_t) job; /* the number of the latest job, written when it may be worked on */
  char before_pending[CACHE_LINES];
  ATOMIC(uint32_t) pending; /* chunks not yet done */
  char after_pending[CACHE_LINES];
} pool;

static uint32_t unclaimed(uint64_t ticket) { return (uint32_t)ticket; }

static void pause_spinning(void) {
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
  __builtin_ia32_pause();
#elif defined(__GNUC__) && defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/* The first chunk of a share. */
static ptrdiff_t first_chunk(const pool *self, ptrdiff_t chunks, int share) {
  return chunks * share / self->parallel.threads;
}

/* Claims and runs one chunk of a share; 0 if all are claimed. */
static int work_on(pool *self, int share) {
  uint64_t ticket = atomic_get(&self->shares[share].ticket, ACQUIRE);
  while (unclaimed(ticket) > 0) {
    lap_body *body = atomic_get(&self->body, RELAXED);
    void *context = atomic_get(&self->context, RELAXED);
    const ptrdiff_t count = atomic_get(&self->count, RELAXED);
    const ptrdiff_t chunk = atomic_get(&self->chunk, RELAXED);
    /* Success means that this job still had an unclaimed chunk, so what was read above was this job's. */
    if (!atomic_claim(&self->shares[share].ticket, &ticket, ticket - 1)) continue;
    const ptrdiff_t chunks = count / chunk + (count % chunk != 0);
    const ptrdiff_t begin = (first_chunk(self, chunks, share + 1) - (ptrdiff_t)unclaimed(ticket)) * chunk;
    body(context, begin, count - begin < chunk ? count : begin + chunk);
    if (atomic_decrement(&self->pending) == 0 && atomic_get(&self->waiting, SEQ_CST)) {
      pthread_mutex_lock(&self->mutex);
      pthread_cond_signal(&self->finished);
      pthread_mutex_unlock(&self->mutex);
    }
    return 1;
  }
  return 0;
}

/* Works until nothing is left to claim: first on one's own share, then on the others'. */
static void work(pool *self, int own) {
  const int shares = self->parallel.threads;
  for (int i = 0; i < shares; i++)
    while (work_on(self, (own + i) % shares)) continue;
}

static void *worker(void *argument) {
  pool *self = argument;
  const int own = atomic_count(&self->started);
  uint32_t seen = 0;
  while (!atomic_get(&self->stop, ACQUIRE)) {
    const uint32_t job = atomic_get(&self->job, ACQUIRE);
    if (job != seen) {
      seen = job;
      work(self, own);
      continue;
    }
    int spins = self->spins;
    while (spins > 0 && atomic_get(&self->job, RELAXED) == seen && !atomic_get(&self->stop, RELAXED)) {
      pause_spinning();
      spins--;
    }
    if (spins > 0) continue;
    /* The caller writes `job`, then reads `sleepers`; here it is the other way round: one must see the other. */
    pthread_mutex_lock(&self->mutex);
    atomic_set(&self->sleepers, atomic_get(&self->sleepers, RELAXED) + 1, SEQ_CST);
    while (atomic_get(&self->job, SEQ_CST) == seen && !atomic_get(&self->stop, RELAXED))
      pthread_cond_wait(&self->wake, &self->mutex);
    atomic_set(&self->sleepers, atomic_get(&self->sleepers, RELAXED) - 1, SEQ_CST);
    pthread_mutex_unlock(&self->mutex);
  }
  return NULL;
}

static void wake_workers(pool *self) {
  if (atomic_get(&self->sleepers, SEQ_CST) == 0) return;
  pthread_mutex_lock(&self->mutex);
  pthread_cond_broadcast(&self->wake);
  pthread_mutex_unlock(&self->mutex);
}

static void wait_for_workers(pool *self) {
  for (int spins = self->spins; spins > 0; spins--) {
    if (atomic_get(&self->pending, ACQUIRE) == 0) return;
    pause_spinning();
  }
  pthread_mutex_lock(&self->mutex);
  atomic_set(&self->waiting, 1, SEQ_CST);
  while (atomic_get(&self->pending, SEQ_CST) != 0) pthread_cond_wait(&self->finished, &self->mutex);
  atomic_set(&self->waiting, 0, SEQ_CST);
  pthread_mutex_unlock(&self->mutex);
}

/* Iterations of one chunk: a multiple of `grain`, and few enough chunks to keep claims rare and countable. */
static ptrdiff_t chunk_size(ptrdiff_t count, ptrdiff_t grain, int threads) {
  if (count <= grain) return count;
  const ptrdiff_t grains = (count - 1) / grain + 1, most = (ptrdiff_t)threads * CHUNKS_PER_THREAD;
  const ptrdiff_t chunk_grains = (grains - 1) / most + 1;
  return chunk_grains >= grains ? count : chunk_grains * grain;
}

static void for_each(lap_parallel *parallel, lap_body *body, void *context, ptrdiff_t count, ptrdiff_t grain) {
  pool *self = (pool *)(void *)parallel;
  if (count <= 0) return;
  const ptrdiff_t chunk = chunk_size(count, grain < 1 ? 1 : grain, parallel->threads);
  if (chunk >= count || self->workers == 0 || atomic_take(&self->busy)) {
    body(context, 0, count);
    return;
  }
  const uint32_t chunks = (uint32_t)((count - 1) / chunk + 1);
  atomic_set(&self->body, body, RELAXED);
  atomic_set(&self->context, context, RELAXED);
  atomic_set(&self->count, count, RELAXED);
  atomic_set(&self->chunk, chunk, RELAXED);
  atomic_set(&self->pending, chunks, RELAXED);
  const uint32_t number = atomic_get(&self->job, RELAXED) + 1;
  for (int i = 0; i < parallel->threads; i++) {
    const uint64_t own = (uint64_t)(first_chunk(self, chunks, i + 1) - first_chunk(self, chunks, i));
    atomic_set(&self->shares[i].ticket, (uint64_t)number << 32 | own, RELEASE);
  }
  atomic_set(&self->job, number, SEQ_CST);
  wake_workers(self);
  work(self, 0);
  wait_for_workers(self);
  atomic_set(&self->busy, 0, RELEASE);
}

/* Workers get no signals: those belong to the program that uses the model. */
static void start_workers(pool *self, int wanted) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (self->workers < wanted && pthread_create(&self->threads[self->workers], NULL, worker, self) == 0)
    self->workers++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

lap_parallel *lap_parallel_create(int threads) {
  if (threads < 1 || threads > MAX_THREADS) return NULL;
  pool *self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  self->parallel.for_each = for_each;
  self->parallel.threads = threads;
  /* With more threads than processors, spinning would take time from those that work. */
  self->spins = sysconf(_SC_NPROCESSORS_ONLN) < threads ? 0 : SPINS;
  pthread_mutex_init(&self->mutex, NULL);
  pthread_cond_init(&self->wake, NULL);
  pthread_cond_init(&self->finished, NULL);
  self->threads = calloc((size_t)threads, sizeof *self->threads);
  self->shares = calloc((size_t)threads, sizeof *self->shares);
  const int has_memory = self->threads != NULL && self->shares != NULL;
  if (has_memory) start_workers(self, threads - 1);
  if (has_memory && self->workers == threads - 1) return &self->parallel;
  lap_parallel_destroy(&self->parallel);
  return NULL;
}

void lap_parallel_destroy(lap_parallel *parallel) {
  if (parallel == NULL) return;
  pool *self = (pool *)(void *)parallel;
  pthread_mutex_lock(&self->mutex);
  atomic_set(&self->stop, 1, SEQ_CST);
  pthread_cond_broadcast(&self->wake);
  pthread_mutex_unlock(&self->mutex);
  for (int i = 0; i < self->workers; i++) pthread_join(self->threads[i], NULL);
  free(self->threads);
  free(self->shares);
  pthread_cond_destroy(&self->finished);
  pthread_cond_destroy(&self->wake);
  pthread_mutex_destroy(&self->mutex);
  free(self);
}
