/* NumPy's .npy files, versions 1 to 3: little-endian, C order, simple element types. The header is a Python dict:
 * {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "element-types.h"
#include "messages.h"
#include "tensor-file.h"

enum { MAX_HEADER = 8192 }; /* NumPy itself stops trusting headers at 10,000 characters */

static const char *skip_spaces(const char *at) {
  while (*at == ' ' || *at == '\n' || *at == '\t') at++;
  return at;
}

/* Each reader returns where it stopped, or NULL. */
static const char *read_punctuation(const char *at, char expected) {
  at = skip_spaces(at);
  return *at == expected ? at + 1 : NULL;
}

static const char *read_text(const char *at, char *text, size_t size) {
  at = skip_spaces(at);
  const char quote = *at++;
  if (quote != '\'' && quote != '"') return NULL;
  size_t length = 0;
  while (at[length] != quote) {
    if (at[length] == 0 || length + 1 >= size) return NULL;
    text[length] = at[length];
    length++;
  }
  text[length] = 0;
  return at + length + 1;
}

static const char *read_descriptor(const char *at, tensor_file *file) {
  char text[8];
  at = read_text(at, text, sizeof text);
  if (at == NULL || text[0] == 0 || strchr("<|=", text[0]) == NULL || text[1] == 0) return NULL;
  char *end;
  const long bytes = strtol(text + 2, &end, 10);
  if (text[2] < '1' || text[2] > '9' || *end != 0 || bytes > 64) return NULL;
  file->kind = text[1];
  file->element_bytes = (int)bytes;
  return at;
}

static const char *read_shape(const char *at, tensor_file *file) {
  at = read_punctuation(at, '(');
  file->rank = 0;
  while (at != NULL && *(at = skip_spaces(at)) != ')') {
    if (*at < '0' || *at > '9' || file->rank == MAX_RANK) return NULL;
    char *end;
    errno = 0;
    const long long size = strtoll(at, &end, 10);
    if (errno != 0) return NULL;
    file->shape[file->rank++] = size;
    at = skip_spaces(*end == 'L' ? end + 1 : end);
    if (*at == ',') at++;
    else if (*at != ')' || file->rank == 1) return NULL; /* (3) is a number, (3,) a tuple */
  }
  return at == NULL ? NULL : at + 1;
}

static int read_dict(const char *at, tensor_file *file, int *fortran_order) {
  int found = 0;
  at = read_punctuation(at, '{');
  while (at != NULL && *(at = skip_spaces(at)) != '}') {
    char key[16];
    at = read_text(at, key, sizeof key);
    if (at == NULL || (at = read_punctuation(at, ':')) == NULL) return 0;
    at = skip_spaces(at);
    if (strcmp(key, "descr") == 0) {
      at = read_descriptor(at, file);
      found |= 1;
    } else if (strcmp(key, "shape") == 0) {
      at = read_shape(at, file);
      found |= 2;
    } else if (strcmp(key, "fortran_order") == 0) {
      *fortran_order = strncmp(at, "True", 4) == 0;
      at = *fortran_order ? at + 4 : strncmp(at, "False", 5) == 0 ? at + 5 : NULL;
      found |= 4;
    } else {
      return 0;
    }
    if (at != NULL && *(at = skip_spaces(at)) == ',') at++;
    else if (at != NULL && *at != '}') return 0;
  }
  return at != NULL && found == 7;
}

int read_npy_header(tensor_file *file) {
  unsigned char start[12];
  char header[MAX_HEADER + 1];
  int fortran_order = 0;
  if (fread(start, 1, 10, file->file) != 10 || memcmp(start, "\x93NUMPY", 6) != 0 || start[6] < 1 || start[6] > 3)
    return fail(EXIT_USAGE, "\"%s\" is not a .npy file of version 1, 2 or 3", file->path);
  size_t length = start[8] | (size_t)start[9] << 8;
  file->data = 10;
  if (start[6] > 1) {
    if (fread(start + 10, 1, 2, file->file) != 2) return fail(EXIT_USAGE, "\"%s\" is cut off", file->path);
    length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    file->data = 12;
  }
  file->data += (int64_t)length;
  if (length > MAX_HEADER || fread(header, 1, length, file->file) != length)
    return fail(EXIT_USAGE, "\"%s\" has a header that is cut off or too long", file->path);
  header[length] = 0;
  if (!read_dict(header, file, &fortran_order))
    return fail(EXIT_USAGE, "\"%s\" has a .npy header that is broken or not of a simple little-endian array",
                file->path);
  if (fortran_order && file->rank > 1)
    return fail(EXIT_USAGE, "\"%s\" is in Fortran order; save it with numpy.ascontiguousarray", file->path);
  size_t elements, bytes;
  if (!count_elements(file->shape, file->rank, (size_t)file->element_bytes, &elements, &bytes) ||
      (uint64_t)bytes != (uint64_t)(file->bytes - file->data))
    return fail(EXIT_USAGE, "\"%s\" has %lld bytes of data, which is not what its shape needs", file->path,
                (long long)(file->bytes - file->data));
  return 0;
}

int read_npy_data(tensor_file *file, int dtype, void *data, size_t elements) {
  const size_t bytes = elements * element_type_of(dtype)->bytes;
  if (fseeko(file->file, (off_t)file->data, SEEK_SET) != 0 || fread(data, 1, bytes, file->file) != bytes)
    return fail(EXIT_USAGE, "cannot read the data of \"%s\"", file->path);
  return 0;
}

int write_npy(const char *path, int dtype, const int64_t *shape, int rank, const void *data) {
  const element_type *type = element_type_of(dtype);
  char header[128 + MAX_RANK * 24] = "\x93NUMPY\x01";
  size_t elements, bytes, end = 10;
  if (rank > MAX_RANK || !count_elements(shape, rank, type->bytes, &elements, &bytes))
    return fail(EXIT_MACHINE, "cannot write \"%s\": its shape is too large", path);
  end += (size_t)sprintf(header + end, "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (",
                         type->bytes == 1 ? '|' : '<', type->kind, type->bytes);
  for (int axis = 0; axis < rank; axis++)
    end += (size_t)sprintf(header + end, axis == 0 ? "%lld," : " %lld,", (long long)shape[axis]);
  if (rank > 1) end--; /* (3,) but (3, 4) */
  end += (size_t)sprintf(header + end, "), }");
  while (end % 64 != 63) header[end++] = ' ';
  header[end++] = '\n';
  header[8] = (char)((end - 10) & 255);
  header[9] = (char)((end - 10) >> 8);
  FILE *file = fopen(path, "wb");
  int ok = file != NULL && fwrite(header, 1, end, file) == end && fwrite(data, 1, bytes, file) == bytes;
  if (file != NULL && fclose(file) != 0) ok = 0;
  return ok ? 0 : fail(EXIT_MACHINE, "cannot write \"%s\": %s", path, strerror(errno));
}
