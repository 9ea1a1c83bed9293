/* The model table in words and in JSON. */
#include "describe.h"

#include "element-types.h"
#include "messages.h"

static void print_tensor(const lap_model *model, const lap_tensor *tensor) {
  printf("{\"name\":");
  print_json_string(tensor->name);
  printf(",\"dtype\":\"%s\",\"shape\":[", element_type_of(tensor->dtype)->name);
  for (int axis = 0; axis < tensor->rank; axis++) {
    const int64_t size = tensor->shape[axis];
    if (axis > 0) putchar(',');
    if (size >= 0) printf("%lld", (long long)size);
    else print_json_string(model->dim_names[-1 - size]);
  }
  printf("]}");
}

static void print_tensors(const lap_model *model, const lap_tensor *tensors, int count, const char *between) {
  for (int i = 0; i < count; i++) {
    if (i > 0) printf("%s", between);
    print_tensor(model, &tensors[i]);
  }
}

void print_help(const lap_model *model) {
  printf("Runs the model ");
  print_json_string(model->name);
  printf(".\n\n"
         "  --input NAME=FILE  a .npy or ONNX TensorProto (.pb) file for an input\n"
         "  --input-at N=FILE  the same for input number N, from 0\n"
         "  --output-dir DIR   where outputs go as .npy (default: the current folder)\n"
         "  --dim NAME=SIZE    a symbolic dimension, where no input tells it\n"
         "  --threads N        work on N threads (default 1)\n"
         "  --bench N          time N runs (0 or auto: about a second), print JSON; inputs not given are made up\n"
         "  --weights FILE     external weights (default: beside the executable)\n"
         "  --describe         print inputs, outputs and sizes as JSON\n"
         "  --help             print this\n\n"
         "Exit codes: 0 ok, 2 usage or a bad input file, 3 the machine (memory, disk, threads), 4 the run failed.\n");
  printf("\nInputs:\n  ");
  print_tensors(model, model->inputs, model->input_count, "\n  ");
  printf("\nOutputs:\n  ");
  print_tensors(model, model->outputs, model->output_count, "\n  ");
  printf("\n");
}

static void print_dims(const lap_model *model) {
  for (int i = 0; i < model->dim_count; i++) {
    printf(i > 0 ? ",{\"name\":" : "{\"name\":");
    print_json_string(model->dim_names[i]);
    printf(",\"min\":%lld,\"max\":%lld,\"given\":%s}", (long long)model->dim_min[i], (long long)model->dim_max[i],
           i < model->given_dim_count ? "true" : "false");
  }
}

void print_description(const lap_model *model) {
  printf("{\"name\":");
  print_json_string(model->name);
  printf(",\"inputs\":[");
  print_tensors(model, model->inputs, model->input_count, ",");
  printf("],\"outputs\":[");
  print_tensors(model, model->outputs, model->output_count, ",");
  printf("],\"dims\":[");
  print_dims(model);
  printf("],\"arenaAlignment\":%llu,\"arenaBytes\":", (unsigned long long)model->arena_alignment);
  if (model->given_dim_count > 0) printf("null"); /* it depends on the dimensions */
  else printf("%llu", (unsigned long long)model->arena_bytes(NULL));
  printf(",\"weightsBytes\":%llu,\"weightsFile\":", (unsigned long long)model->weights_bytes);
  if (model->weights_file == NULL) printf("null");
  else print_json_string(model->weights_file);
  printf(",\"threaded\":%s}\n", model->threaded ? "true" : "false");
}
