/* What every CUDA model needs on the host's side; generated code holds it word for word. Compiled by anything but nvcc,
 * kernels run on the CPU: give the folder of cuda-emulation.h with -I. */
#if defined(__CUDACC__)
#include <cuda_runtime.h>
#define LAP_LAUNCH(kernel, grid, threads, shared_bytes, stream, ...) \
  kernel<<<(grid), (threads), (shared_bytes), (stream)>>>(__VA_ARGS__)
#else
#include "cuda-emulation.h"
#endif
#include <stdlib.h>
#include <string.h>

/* Copies from the device, once all before has been done. Gives the first error that kernels of this run have reported. */
static inline int lap_fetch(void *to, const void *from, size_t bytes, const int *errors, cudaStream_t stream) {
  int code = LAP_OK;
  if (cudaMemcpyAsync(&code, errors, sizeof code, cudaMemcpyDeviceToHost, stream) != cudaSuccess ||
      (bytes > 0 && cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream) != cudaSuccess) ||
      cudaStreamSynchronize(stream) != cudaSuccess)
    return LAP_E_DEVICE;
  return code;
}

/* Whether all kernels could be started; where some can report errors (`errors` not NULL), waits for them all. */
static inline int lap_finish(const int *errors, cudaStream_t stream) {
  if (cudaGetLastError() != cudaSuccess) return LAP_E_DEVICE;
  return errors == NULL ? LAP_OK : lap_fetch(NULL, NULL, 0, errors, stream);
}

static inline size_t lap_element_bytes(int dtype) {
  switch (dtype) {
    case LAP_COMPLEX128: return 16;
    case LAP_FLOAT64: case LAP_INT64: case LAP_UINT64: case LAP_COMPLEX64: return 8;
    case LAP_FLOAT32: case LAP_INT32: case LAP_UINT32: return 4;
    case LAP_FLOAT16: case LAP_BFLOAT16: case LAP_INT16: case LAP_UINT16: return 2;
    default: return 1;
  }
}

/* SIZE_MAX where there are more than any memory has. */
static inline size_t lap_tensor_bytes(const lap_tensor *tensor, const int64_t *dims) {
  size_t bytes = lap_element_bytes(tensor->dtype);
  for (int axis = 0; axis < tensor->rank; axis++) {
    const int64_t given = tensor->shape[axis], size = given < 0 ? dims[-1 - given] : given;
    if (size < 0 || (size > 0 && bytes > SIZE_MAX / 4 / (uint64_t)size)) return SIZE_MAX;
    bytes *= (size_t)size;
  }
  return bytes;
}

/* All sizes of a run: those given, and the most that the others can be. */
static inline int lap_bound_dims(const lap_model *model, const int64_t *given, int64_t *dims) {
  for (int i = 0; i < model->dim_count; i++) {
    dims[i] = i < model->given_dim_count ? given[i] : model->dim_max[i];
    if (dims[i] < model->dim_min[i] || dims[i] > model->dim_max[i]) return LAP_E_SHAPE;
  }
  return model->bound_dims == NULL ? LAP_OK : model->bound_dims(dims);
}

/* A model as it is on the device: how much memory a run needs there, and the run over tensors that lie there. */
typedef struct {
  size_t (*arena_bytes)(const int64_t *dims);
  int (*run)(const lap_call *call);
} lap_device_model;

/* A run over tensors of the host: takes memory on the device, copies, runs, copies back. */
static int lap_run_from_host(const lap_model *model, lap_device_model device, const void *weights, const lap_call *call) {
  const int inputs = model->input_count, tensors = inputs + model->output_count, arena = tensors, constants = tensors + 1;
  void **memory = (void **)calloc((size_t)tensors + 2, sizeof *memory);
  int64_t *dims = (int64_t *)calloc((size_t)model->dim_count + 1, sizeof *dims);
  int status = memory == NULL || dims == NULL ? LAP_E_DEVICE : lap_bound_dims(model, call->dims, dims);
  for (int i = 0; i < tensors + 2 && status == LAP_OK; i++) {
    const lap_tensor *tensor = i < inputs ? &model->inputs[i] : i < tensors ? &model->outputs[i - inputs] : NULL;
    const void *source = i < inputs ? call->inputs[i] : i == constants ? weights : NULL;
    const size_t bytes = tensor != NULL ? lap_tensor_bytes(tensor, dims)
                                        : i == arena ? device.arena_bytes(dims) : model->weights_bytes;
    if (bytes == SIZE_MAX || cudaMalloc(&memory[i], bytes + 1) != cudaSuccess ||
        (source != NULL && cudaMemcpy(memory[i], source, bytes, cudaMemcpyHostToDevice) != cudaSuccess))
      status = LAP_E_DEVICE;
  }
  if (status == LAP_OK) {
    lap_call there = *call;
    there.inputs = (const void *const *)memory;
    there.outputs = memory + inputs;
    there.arena = memory[arena];
    there.weights = memory[constants];
    there.dims = dims;
    status = device.run(&there);
    /* Work that cannot fail may still be going on; a copy waits for it. */
    for (int i = inputs; i < tensors && status == LAP_OK; i++) {
      const size_t bytes = lap_tensor_bytes(&model->outputs[i - inputs], dims);
      if (cudaMemcpy(call->outputs[i - inputs], memory[i], bytes, cudaMemcpyDeviceToHost) != cudaSuccess)
        status = LAP_E_DEVICE;
    }
    for (int i = model->given_dim_count; i < model->dim_count; i++) call->dims[i] = dims[i];
  }
  for (int i = 0; memory != NULL && i < tensors + 2; i++) cudaFree(memory[i]);
  if (status == LAP_E_DEVICE) (void)cudaGetLastError();
  free(memory);
  free(dims);
  return status;
}
