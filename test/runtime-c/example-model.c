/* A model table written by hand: what generated code must look like from outside. From x [batch, 3], scale, pick:
 *   y [batch, 3] = scale * x + 1       picked/row [3] = y[pick]       positives [found] = the elements of y above 0
 * With EXTERNAL_WEIGHTS, the 1 is read from outside. */
#include <string.h>

#include "lapidary.h"

enum { BATCH, FOUND };

typedef struct {
  const float *x, *scale, *shift;
  float *rows;
} affine;

static void affine_rows(void *context, ptrdiff_t begin, ptrdiff_t end) {
  const affine *self = context;
  for (ptrdiff_t i = begin * 3; i < end * 3; i++) self->rows[i] = *self->scale * self->x[i] + *self->shift;
}

static int run(const lap_call *call) {
  static const float one = 1;
  const int64_t batch = call->dims[BATCH], pick = *(const int64_t *)call->inputs[2];
  float *y = call->outputs[0], *positives = call->outputs[2];
  affine work = {call->inputs[0], call->inputs[1], &one, call->arena};
#ifdef EXTERNAL_WEIGHTS
  if (call->weights == NULL) return LAP_E_WEIGHTS;
  work.shift = call->weights;
#endif
  if (batch < 1 || batch > 1000) return LAP_E_SHAPE;
  if ((uintptr_t)call->arena % 64 != 0) return LAP_E_ARENA;
  if (pick < 0 || pick >= batch) return LAP_E_INDEX;
  if (call->parallel != NULL) call->parallel->for_each(call->parallel, affine_rows, &work, (ptrdiff_t)batch, 4);
  else affine_rows(&work, 0, (ptrdiff_t)batch);
  memcpy(y, work.rows, (size_t)batch * 3 * sizeof *y);
  memcpy(call->outputs[1], y + pick * 3, 3 * sizeof *y);
  call->dims[FOUND] = 0;
  for (int64_t i = 0; i < batch * 3; i++)
    if (y[i] > 0) positives[call->dims[FOUND]++] = y[i];
  return LAP_OK;
}

static int bound_dims(int64_t *dims) {
  dims[FOUND] = dims[BATCH] * 3;
  return LAP_OK;
}

static size_t arena_bytes(const int64_t *dims) { return (size_t)dims[BATCH] * 3 * sizeof(float); }

const lap_model *lap_main_model(void);
const lap_model *lap_main_model(void) {
  static const int64_t rows[] = {-1 - BATCH, 3}, row[] = {3}, found[] = {-1 - FOUND};
  static const lap_tensor inputs[] = {
      {"x", LAP_FLOAT32, 2, rows}, {"scale", LAP_FLOAT32, 0, NULL}, {"pick", LAP_INT64, 0, NULL}};
  static const lap_tensor outputs[] = {
      {"y", LAP_FLOAT32, 2, rows}, {"picked/row", LAP_FLOAT32, 1, row}, {"positives", LAP_FLOAT32, 1, found}};
  static const char *const dim_names[] = {"batch", "found"};
  static const int64_t dim_min[] = {1, 0}, dim_max[] = {1000, 3000};
  static const lap_model model = {
      .name = "example",
      .input_count = 3,
      .output_count = 3,
      .inputs = inputs,
      .outputs = outputs,
      .dim_count = 2,
      .given_dim_count = 1,
      .dim_names = dim_names,
      .dim_min = dim_min,
      .dim_max = dim_max,
      .bound_dims = bound_dims,
      .arena_alignment = 64,
      .arena_bytes = arena_bytes,
      .weights_bytes = sizeof(float),
#ifdef EXTERNAL_WEIGHTS
      .weights_file = "example.weights",
#endif
      .threaded = 1,
      .run = run,
  };
  return &model;
}
