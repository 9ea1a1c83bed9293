/* Writes outputs to files. A name from a model is used as a file name only if it is harmless everywhere and unlike the
 * others; else the file is output_N.npy. */
#define _POSIX_C_SOURCE 200809L
#include "outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "element-types.h"
#include "messages.h"

enum { LONGEST_NAME = 100 };

static int is_harmless(const char *name) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  const size_t length = strlen(name);
  if (length == 0 || length > LONGEST_NAME || strspn(name, allowed) != length) return 0;
  return name[0] != '.' && name[0] != '-';
}

/* output_N stands in for output N alone, whatever the names are. */
static int is_replacement(const char *name) {
  return strncasecmp(name, "output_", 7) == 0 && strspn(name + 7, "0123456789") == strlen(name + 7);
}

/* File systems that ignore case must not let one output replace another. */
static int is_unique(const lap_model *model, int index) {
  for (int i = 0; i < index; i++)
    if (strcasecmp(model->outputs[i].name, model->outputs[index].name) == 0) return 0;
  return 1;
}

static void write_file_name(const lap_model *model, int index, char *name) {
  const char *own = model->outputs[index].name;
  if (is_harmless(own) && !is_replacement(own) && is_unique(model, index)) sprintf(name, "%s.npy", own);
  else sprintf(name, "output_%d.npy", index);
}

static void print_output(const lap_tensor *output, const char *path, const int64_t *shape) {
  printf("{\"output\":");
  print_json_string(output->name);
  printf(",\"file\":");
  print_json_string(path);
  printf(",\"dtype\":\"%s\",\"shape\":[", element_type_of(output->dtype)->name);
  for (int axis = 0; axis < output->rank; axis++) printf(axis == 0 ? "%lld" : ",%lld", (long long)shape[axis]);
  printf("]}\n");
}

int write_outputs(const preparation *prepared, const char *folder) {
  const lap_model *model = prepared->model;
  if (mkdir(folder, 0777) != 0 && errno != EEXIST)
    return fail(EXIT_MACHINE, "cannot make the folder \"%s\": %s", folder, strerror(errno));
  const size_t folder_length = strlen(folder);
  char *path = malloc(folder_length + LONGEST_NAME + 32);
  if (path == NULL) return fail(EXIT_MACHINE, "out of memory");
  int status = 0;
  for (int i = 0; i < model->output_count && status == 0; i++) {
    const lap_tensor *output = &model->outputs[i];
    int64_t shape[MAX_RANK];
    resolve_shape(output, prepared->call.dims, shape);
    memcpy(path, folder, folder_length);
    path[folder_length] = '/';
    write_file_name(model, i, path + folder_length + 1);
    status = write_npy(path, output->dtype, shape, output->rank, prepared->outputs[i]);
    if (status == 0) print_output(output, path, shape);
    if (status == 0 && element_type_of(output->dtype)->foreign)
      note("NumPy has no %s: \"%s\" holds its bits as integers", element_type_of(output->dtype)->name, path);
  }
  free(path);
  return status;
}
