/* The opt-in parallel-for over POSIX threads: workers that stay, spin for a moment, then sleep.
 * Pass the result as `parallel` to a run; one pool may serve many models. */
#ifndef LAPIDARY_PARALLEL_H
#define LAPIDARY_PARALLEL_H

#include "lapidary.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `threads` counts the caller: threads - 1 workers are started. NULL if that fails, or if threads is not 1 to 1024.
 * for_each may be called from a body, or from several threads at once: all but the first then work alone. */
lap_parallel *lap_parallel_create(int threads);

/* Waits for the workers to end. No for_each may be under way. NULL is allowed. */
void lap_parallel_destroy(lap_parallel *parallel);

#ifdef __cplusplus
}
#endif

#endif
