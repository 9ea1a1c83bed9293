/* Everything one run needs, taken from the command line: sizes, buffers, input data, weights, threads. */
#ifndef LAPIDARY_PREPARE_H
#define LAPIDARY_PREPARE_H

#include "arguments.h"
#include "tensor-file.h"

typedef struct {
  const lap_model *model;
  tensor_file *files; /* one for each input, open between reading its header and its data */
  void **inputs, **outputs;
  void *weights_map;  /* NULL unless weights are external */
  size_t arena_bytes;
  lap_call call;
} preparation;

/* 0 or, after a message, an exit code. release in any case. For a bench, inputs not given are made up. */
int prepare(const lap_model *model, const arguments *given, preparation *result);
void release(preparation *prepared);

/* The sizes of a tensor in this run. `shape` has room for MAX_RANK. */
void resolve_shape(const lap_tensor *tensor, const int64_t *dims, int64_t *shape);

#endif
