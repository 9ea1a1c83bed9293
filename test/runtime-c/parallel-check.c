/* Exercises the pool: every iteration exactly once, for many shapes of job, nested and concurrent use, sleep and wake.
 * With the argument `latency`, prints the fork-join round trip instead. */
#define _POSIX_C_SOURCE 200809L
#include "parallel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 5000 };

typedef struct {
  lap_parallel *pool;
  ptrdiff_t grain;
  int hits[MOST]; /* not atomic: only one thread may ever get an iteration */
  int misaligned;
} job;

static void count_hits(void *context, ptrdiff_t begin, ptrdiff_t end) {
  job *self = context;
  if (begin % self->grain != 0 || begin >= end) self->misaligned = 1;
  for (ptrdiff_t i = begin; i < end; i++) self->hits[i]++;
}

static void check(lap_parallel *pool, job *self, ptrdiff_t count, ptrdiff_t grain) {
  memset(self, 0, sizeof *self);
  self->grain = grain;
  pool->for_each(pool, count_hits, self, count, grain);
  for (ptrdiff_t i = 0; i < MOST; i++) {
    if (self->hits[i] == (i < count) && !self->misaligned) continue;
    printf("count %td, grain %td: iteration %td ran %d times\n", count, grain, i, self->hits[i]);
    exit(1);
  }
}

static void nested(void *context, ptrdiff_t begin, ptrdiff_t end) {
  job *jobs = context;
  for (ptrdiff_t i = begin; i < end; i++) check(jobs[i].pool, &jobs[i], 300, 1);
}

static void *other_caller(void *context) {
  job *self = context;
  lap_parallel *pool = self->pool;
  for (int i = 0; i < 300; i++) check(pool, self, 1 + i * 7 % MOST, 1 + i % 5);
  return NULL;
}

/* Each chunk waits for all others, so that every thread must have come: the longest way round. */
static void meet(void *context, ptrdiff_t begin, ptrdiff_t end) {
  int *missing = context;
  __atomic_sub_fetch(missing, (int)(end - begin), __ATOMIC_SEQ_CST);
  while (__atomic_load_n(missing, __ATOMIC_SEQ_CST) > 0) continue;
}

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void print_latency(lap_parallel *pool) {
  double best = 1e9, total = 0;
  for (int batch = 0; batch < 50; batch++) {
    const double start = now_us();
    for (int i = 0; i < 1000; i++) {
      int missing = pool->threads;
      pool->for_each(pool, meet, &missing, pool->threads, 1);
    }
    const double each = (now_us() - start) / 1000;
    best = each < best ? each : best;
    total += each / 50;
  }
  printf("{\"threads\":%d,\"bestUs\":%.3f,\"meanUs\":%.3f}\n", pool->threads, best, total);
}

static void exercise(lap_parallel *pool, int rounds) {
  static job mine, theirs;
  const struct timespec a_while = {0, 3000000}; /* longer than workers spin */
  pthread_t thread;
  for (int i = 0; i < rounds; i++) check(pool, &mine, i * 13 % MOST, 1 + i % 17);
  check(pool, &mine, 0, 1);
  check(pool, &mine, 1, 1);
  check(pool, &mine, MOST, PTRDIFF_MAX);
  check(pool, &mine, MOST, 1);
  for (int i = 0; i < 5; i++) {
    nanosleep(&a_while, NULL);
    check(pool, &mine, MOST, 64);
  }
  theirs.pool = pool;
  pthread_create(&thread, NULL, other_caller, &theirs);
  for (int i = 0; i < 300; i++) check(pool, &mine, MOST - i, 3);
  pthread_join(thread, NULL);
}

static void check_nested(lap_parallel *pool) {
  static job jobs[8];
  for (int i = 0; i < 8; i++) jobs[i].pool = pool;
  pool->for_each(pool, nested, jobs, 8, 1);
}

int main(int count, char **texts) {
  const int latency = count > 1 && strcmp(texts[1], "latency") == 0;
  static const int sizes[] = {1, 2, 3, 8};
  if (lap_parallel_create(0) != NULL || lap_parallel_create(1025) != NULL) return 1;
  lap_parallel_destroy(NULL);
  for (int i = 0; i < 4; i++) {
    lap_parallel *pool = lap_parallel_create(sizes[i]);
    if (pool == NULL || pool->threads != sizes[i]) return 1;
    if (latency && sizes[i] <= 2) {
      print_latency(pool);
    } else if (!latency) {
      exercise(pool, 2000);
      check_nested(pool);
    }
    lap_parallel_destroy(pool);
  }
  for (int i = 0; i < 50; i++) lap_parallel_destroy(lap_parallel_create(4));
  return 0;
}
