/* Maps the file of external weights. Pages come in as the run touches them, and several processes share them. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "weights.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "messages.h"

/* Joins the executable's folder and `name`; without /proc, this is the current folder. */
static int path_beside_executable(const char *name, char *path, size_t size) {
  const ssize_t length = readlink("/proc/self/exe", path, size - 1);
  path[length > 0 ? length : 0] = 0;
  char *slash = strrchr(path, '/');
  char *end = slash == NULL ? path : slash + 1;
  if (strlen(name) >= size - (size_t)(end - path)) return 0;
  strcpy(end, name);
  return 1;
}

int map_weights(const lap_model *model, const char *path, void **weights) {
  char beside[4096];
  struct stat info;
  if (path == NULL) {
    if (!path_beside_executable(model->weights_file, beside, sizeof beside))
      return fail(EXIT_USAGE, "the path of the weights is too long");
    path = beside;
  }
  const int file = open(path, O_RDONLY);
  if (file < 0) return fail(EXIT_USAGE, "cannot open the weights \"%s\": %s (--weights FILE)", path, strerror(errno));
  int status = 0;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode) || (uint64_t)info.st_size != (uint64_t)model->weights_bytes) {
    status = fail(EXIT_USAGE, "\"%s\" does not hold the weights of this model: expected %llu bytes", path,
                  (unsigned long long)model->weights_bytes);
  } else if (model->weights_bytes > 0) {
    void *memory = mmap(NULL, model->weights_bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED) status = fail(EXIT_MACHINE, "cannot map \"%s\": %s", path, strerror(errno));
    else *weights = memory;
  }
  close(file);
  return status;
}

void unmap_weights(const lap_model *model, void *weights) { munmap(weights, model->weights_bytes); }
