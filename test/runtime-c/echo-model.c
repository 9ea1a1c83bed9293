/* A model whose outputs are its inputs: one [size] tensor of each element type, under names that are hard to handle. */
#include <string.h>

#include "lapidary.h"

enum { COUNT = 26, TYPES = 25 };

/* By element type; 8, strings, is left out. Duplicates differ in case only, or look like a replacement name. */
static const char *const input_names[TYPES] = {
    "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "bool", "float16", "float64", "uint32", "uint64",
    "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4",
    "int4", "float4e2m1", "float8e8m0", "uint2", "int2"};
static const char *const output_names[TYPES] = {
    "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "bool", "float16", "float64", "uint32", "uint64",
    "complex64", "complex128", "bfloat16", "float8e4m3fn", "FLOAT8E4M3FN", "../escape", "output_0", "-uint4",
    "int4", ".hidden", "line\nbreak \"quoted\"", "", "output_label"};
static const unsigned char sizes[COUNT + 1] = {0, 4, 1, 1, 2, 2, 4, 8, 0,
    1, 2, 8, 4, 8, 8, 16, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static int dtype_of(int index) { return index < 7 ? index + 1 : index + 2; }

static int run(const lap_call *call) {
  for (int i = 0; i < TYPES; i++)
    memcpy(call->outputs[i], call->inputs[i], (size_t)call->dims[0] * sizes[dtype_of(i)]);
  return LAP_OK;
}

static size_t arena_bytes(const int64_t *dims) {
  (void)dims;
  return 0;
}

const lap_model *echo_describe(void);
const lap_model *echo_describe(void) {
  static lap_tensor inputs[TYPES], outputs[TYPES];
  static const int64_t shape[] = {-1}, least = 0, most = INT64_MAX;
  static const char *const dim_name = "size";
  static lap_model model;
  for (int i = 0; i < TYPES; i++) {
    const lap_tensor input = {input_names[i], dtype_of(i), 1, shape}, output = {output_names[i], dtype_of(i), 1, shape};
    inputs[i] = input;
    outputs[i] = output;
  }
  model.name = "echo";
  model.input_count = model.output_count = TYPES;
  model.inputs = inputs;
  model.outputs = outputs;
  model.dim_count = model.given_dim_count = 1;
  model.dim_names = &dim_name;
  model.dim_min = &least;
  model.dim_max = &most;
  model.arena_alignment = 1;
  model.arena_bytes = arena_bytes;
  model.run = run;
  return &model;
}
