/* Prepares a run. All input headers are read first: they bind the symbolic sizes, on which all else depends. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "prepare.h"

#include <stdlib.h>
#include <string.h>

#include "element-types.h"
#include "fill.h"
#include "messages.h"
#include "parallel.h"
#include "weights.h"

enum { ALIGNMENT = 64 };

/* At least one byte, so that NULL always means failure. */
static void *take_memory(size_t alignment, size_t bytes) {
  void *memory = NULL;
  if (alignment < ALIGNMENT) alignment = ALIGNMENT;
  if (bytes == 0) bytes = 1;
  return bytes <= PTRDIFF_MAX && posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}

void resolve_shape(const lap_tensor *tensor, const int64_t *dims, int64_t *shape) {
  for (int axis = 0; axis < tensor->rank; axis++)
    shape[axis] = tensor->shape[axis] >= 0 ? tensor->shape[axis] : dims[-1 - tensor->shape[axis]];
}

/* Checks the header of an input against the model, and takes the symbolic sizes from it. */
static int bind_input(const lap_model *model, int index, const tensor_file *file, int64_t *dims) {
  const lap_tensor *input = &model->inputs[index];
  const int status = check_tensor_dtype(file, input->dtype);
  if (status != 0) return status;
  if (file->rank != input->rank)
    return fail(EXIT_USAGE, "input \"%s\": \"%s\" has %d dimensions, expected %d", input->name, file->path, file->rank,
                input->rank);
  for (int axis = 0; axis < input->rank; axis++) {
    const int64_t wanted = input->shape[axis];
    int64_t *bound = wanted < 0 ? &dims[-1 - wanted] : NULL;
    if (bound != NULL && *bound == NOT_GIVEN) *bound = file->shape[axis];
    const int64_t expected = bound == NULL ? wanted : *bound;
    if (file->shape[axis] != expected)
      return fail(EXIT_USAGE, "input \"%s\": dimension %d of \"%s\" is %lld, expected %lld%s%s", input->name, axis,
                  file->path, (long long)file->shape[axis], (long long)expected, bound == NULL ? "" : " = ",
                  bound == NULL ? "" : model->dim_names[-1 - wanted]);
  }
  return 0;
}

static int open_inputs(const lap_model *model, const arguments *given, preparation *result) {
  for (int i = 0; i < model->input_count; i++) {
    if (given->input_paths[i] == NULL) {
      if (given->bench != NOT_GIVEN) continue;
      return fail(EXIT_USAGE, "input \"%s\" is missing: give --input NAME=FILE (see --help)", model->inputs[i].name);
    }
    int status = open_tensor_file(given->input_paths[i], &result->files[i]);
    if (status == 0) status = bind_input(model, i, &result->files[i], result->call.dims);
    if (status != 0) return status;
  }
  return 0;
}

static int settle_dims(const lap_model *model, int64_t *dims) {
  for (int i = 0; i < model->given_dim_count; i++) {
    const int64_t least = model->dim_min[i], most = model->dim_max[i];
    if (dims[i] == NOT_GIVEN) {
      dims[i] = least < 1 && most >= 1 ? 1 : least;
      note("dimension \"%s\" is taken to be %lld; --dim NAME=SIZE sets it", model->dim_names[i], (long long)dims[i]);
    }
    if (dims[i] < least || dims[i] > most)
      return fail(EXIT_USAGE, "dimension \"%s\" is %lld, expected %lld to %lld", model->dim_names[i],
                  (long long)dims[i], (long long)least, (long long)most);
  }
  for (int i = model->given_dim_count; i < model->dim_count; i++) dims[i] = model->dim_max[i];
  if (model->bound_dims != NULL && model->bound_dims(dims) != LAP_OK)
    return fail(EXIT_USAGE, "the sizes of the inputs do not fit each other");
  return 0;
}

static int take_tensor(const lap_tensor *tensor, const int64_t *dims, void **memory, size_t *elements) {
  int64_t shape[MAX_RANK];
  size_t bytes;
  const element_type *type = element_type_of(tensor->dtype);
  if (type->bytes == 0 || tensor->rank > MAX_RANK)
    return fail(EXIT_USAGE, "tensor \"%s\" of %s and rank %d cannot be read or written by an executable", tensor->name,
                type->name, tensor->rank);
  resolve_shape(tensor, dims, shape);
  if (count_elements(shape, tensor->rank, type->bytes, elements, &bytes) &&
      (*memory = take_memory(type->bytes, bytes)) != NULL)
    return 0;
  return fail(EXIT_MACHINE, "not enough memory for tensor \"%s\"", tensor->name);
}

static int take_tensors(const lap_model *model, preparation *result) {
  size_t elements;
  for (int i = 0; i < model->input_count; i++) {
    const lap_tensor *input = &model->inputs[i];
    int status = take_tensor(input, result->call.dims, &result->inputs[i], &elements);
    if (status != 0) return status;
    if (result->files[i].file == NULL) {
      fill_tensor(input->dtype, result->inputs[i], elements, (uint64_t)i);
      continue;
    }
    status = read_tensor_data(&result->files[i], input->dtype, result->inputs[i], elements);
    close_tensor_file(&result->files[i]);
    if (status != 0) return status;
  }
  for (int i = 0; i < model->output_count; i++) {
    const int status = take_tensor(&model->outputs[i], result->call.dims, &result->outputs[i], &elements);
    if (status != 0) return status;
  }
  return 0;
}

static int take_machine(const lap_model *model, const arguments *given, preparation *result) {
  result->arena_bytes = model->arena_bytes(result->call.dims);
  result->call.arena = take_memory(model->arena_alignment, result->arena_bytes);
  if (result->call.arena == NULL)
    return fail(EXIT_MACHINE, "not enough memory for an arena of %llu bytes", (unsigned long long)result->arena_bytes);
  if (given->threads > 1 && !model->threaded) note("the model was compiled without threads: it runs on one");
  if (given->threads > 1 && model->threaded) {
    result->call.parallel = lap_parallel_create(given->threads);
    if (result->call.parallel == NULL) return fail(EXIT_MACHINE, "cannot start %d threads", given->threads);
  }
  return 0;
}

int prepare(const lap_model *model, const arguments *given, preparation *result) {
  const size_t inputs = (size_t)model->input_count + 1, outputs = (size_t)model->output_count + 1;
  memset(result, 0, sizeof *result);
  result->model = model;
  result->files = calloc(inputs, sizeof *result->files);
  result->inputs = calloc(inputs, sizeof *result->inputs);
  result->outputs = calloc(outputs, sizeof *result->outputs);
  if (result->files == NULL || result->inputs == NULL || result->outputs == NULL)
    return fail(EXIT_MACHINE, "out of memory");
  result->call.dims = given->dims;
  result->call.inputs = (const void *const *)result->inputs;
  result->call.outputs = result->outputs;
  int status = open_inputs(model, given, result);
  if (status == 0) status = settle_dims(model, result->call.dims);
  if (status == 0) status = take_tensors(model, result);
  if (status == 0 && model->weights_file != NULL)
    status = map_weights(model, given->weights_path, &result->weights_map);
  result->call.weights = result->weights_map;
  return status == 0 ? take_machine(model, given, result) : status;
}

void release(preparation *prepared) {
  const lap_model *model = prepared->model;
  lap_parallel_destroy(prepared->call.parallel);
  if (prepared->weights_map != NULL) unmap_weights(model, prepared->weights_map);
  for (int i = 0; prepared->files != NULL && i < model->input_count; i++) close_tensor_file(&prepared->files[i]);
  for (int i = 0; prepared->inputs != NULL && i < model->input_count; i++) free(prepared->inputs[i]);
  for (int i = 0; prepared->outputs != NULL && i < model->output_count; i++) free(prepared->outputs[i]);
  free(prepared->call.arena);
  free(prepared->files);
  free(prepared->inputs);
  free(prepared->outputs);
}
