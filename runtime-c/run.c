/* Runs and timings. Only model->run is inside the clock. */
#define _POSIX_C_SOURCE 200809L
#include "run.h"

#include <stdlib.h>
#include <time.h>

#include "messages.h"

enum { LEAST_RUNS = 5, MOST_AUTO_RUNS = 100000 };
static const double warm_up_us = 1e5, auto_us = 1e6;

static const char *error_text(int code) {
  switch (code) {
    case LAP_E_INDEX: return "LAP_E_INDEX: an index taken from the data is out of range";
    case LAP_E_DIVIDE: return "LAP_E_DIVIDE: an integer was divided by zero";
    case LAP_E_SHAPE: return "LAP_E_SHAPE: a size is out of its bounds, or two sizes do not fit each other";
    case LAP_E_ARENA: return "LAP_E_ARENA: the arena is missing or not aligned";
    case LAP_E_WEIGHTS: return "LAP_E_WEIGHTS: the external weights are missing or not aligned";
    case LAP_E_THREADS: return "LAP_E_THREADS: threads could not be started";
    case LAP_E_DEVICE: return "LAP_E_DEVICE: the GPU is missing, has no memory left, or reported an error of its own";
    default: return "an unknown error code";
  }
}

int run_once(const preparation *prepared) {
  const int code = prepared->model->run(&prepared->call);
  return code == LAP_OK ? 0 : fail(EXIT_RUN, "the run failed with code %d, %s", code, error_text(code));
}

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static void print_timings(const preparation *prepared, double *times, size_t runs) {
  qsort(times, runs, sizeof *times, compare);
  const double median = (times[(runs - 1) / 2] + times[runs / 2]) / 2, p90 = times[(runs * 9 + 9) / 10 - 1];
  printf("{\"medianUs\":%.3f,\"minUs\":%.3f,\"p90Us\":%.3f,\"runs\":%lu,\"threads\":%d,", median, times[0], p90,
         (unsigned long)runs, prepared->call.parallel == NULL ? 1 : prepared->call.parallel->threads);
  printf("\"arenaBytes\":%llu,\"weightsBytes\":%llu}\n", (unsigned long long)prepared->arena_bytes,
         (unsigned long long)prepared->model->weights_bytes);
}

int run_bench(const preparation *prepared, int wanted) {
  const size_t most = wanted == BENCH_AUTO ? MOST_AUTO_RUNS : (size_t)wanted;
  double *times = malloc(most * sizeof *times);
  if (times == NULL) return fail(EXIT_MACHINE, "not enough memory for the times of %lu runs", (unsigned long)most);
  int status = 0;
  size_t runs = 0;
  double spent = 0;
  const double begin = now_us();
  do status = run_once(prepared);
  while (status == 0 && ++runs < most && now_us() - begin < warm_up_us);

  runs = 0;
  while (status == 0 && runs < most && (wanted != BENCH_AUTO || spent < auto_us || runs < LEAST_RUNS)) {
    const double start = now_us();
    status = run_once(prepared);
    times[runs] = now_us() - start;
    spent += times[runs++];
  }
  if (status == 0) print_timings(prepared, times, runs);
  free(times);
  return status;
}
