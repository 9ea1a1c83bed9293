/* The command line of an executable: what it says, checked as far as that goes without reading a file. */
#ifndef LAPIDARY_ARGUMENTS_H
#define LAPIDARY_ARGUMENTS_H

#include "lapidary.h"

enum { NOT_GIVEN = -1, BENCH_AUTO = 0, MAX_RUNS = 1000000 };

typedef struct {
  const char **input_paths; /* one for each input of the model; NULL: not given */
  int64_t *dims;            /* one for each symbolic dimension; NOT_GIVEN */
  const char *output_folder, *weights_path; /* NULL: not given */
  int threads;
  int bench; /* runs to time; BENCH_AUTO; NOT_GIVEN */
  int help, describe;
} arguments;

/* 0 or, after a message, an exit code. free_arguments in any case. */
int read_arguments(const lap_model *model, int count, char **texts, arguments *result);
void free_arguments(arguments *given);

#endif
