/* Runs a prepared model: once for its outputs, or many times for the clock. */
#ifndef LAPIDARY_RUN_H
#define LAPIDARY_RUN_H

#include "prepare.h"

/* Both return 0 or, after a message, an exit code. */
int run_once(const preparation *prepared);

/* Warms up, times each run alone, prints one line of JSON. BENCH_AUTO: about a second's worth of runs. */
int run_bench(const preparation *prepared, int runs);

#endif
