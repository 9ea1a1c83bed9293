/* Files that hold one tensor: .npy (read and written) and ONNX TensorProto .pb (read).
 * First the header, so that all sizes are known before memory is taken; then the data, straight to its place. */
#ifndef LAPIDARY_TENSOR_FILE_H
#define LAPIDARY_TENSOR_FILE_H

#include <stdint.h>
#include <stdio.h>

enum { MAX_RANK = 64 };

typedef struct {
  const char *path;
  FILE *file;    /* NULL: not open */
  int64_t bytes; /* of the whole file */
  int is_npy;
  char kind;         /* .npy: letter and size of the element type */
  int element_bytes;
  int64_t data;      /* .npy: where the data begins */
  int dtype;         /* .pb: lap_dtype, 0 if not stated */
  int rank;
  int64_t shape[MAX_RANK];
} tensor_file;

/* All return 0 or, after a message, an exit code. Which format it is, the first bytes tell. */
int open_tensor_file(const char *path, tensor_file *result);
int check_tensor_dtype(const tensor_file *file, int dtype);
int read_tensor_data(tensor_file *file, int dtype, void *data, size_t elements);
void close_tensor_file(tensor_file *file);

int write_npy(const char *path, int dtype, const int64_t *shape, int rank, const void *data);

/* The two formats; `file` is open and at its beginning. */
int read_npy_header(tensor_file *file);
int read_npy_data(tensor_file *file, int dtype, void *data, size_t elements);
int read_onnx_header(tensor_file *file);
int read_onnx_data(tensor_file *file, int dtype, void *data, size_t elements);

#endif
