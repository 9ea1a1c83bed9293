/* Opens a tensor file of either format, and brings what was read into the form in which models take it. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "tensor-file.h"

#include <errno.h>
#include <string.h>

#include "element-types.h"
#include "messages.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Executables read and write little-endian files by plain copying."
#endif

int open_tensor_file(const char *path, tensor_file *result) {
  memset(result, 0, sizeof *result);
  result->path = path;
  result->file = fopen(path, "rb");
  if (result->file == NULL) return fail(EXIT_USAGE, "cannot open \"%s\": %s", path, strerror(errno));
  const int first = fgetc(result->file);
  if (fseeko(result->file, 0, SEEK_END) != 0 || (result->bytes = (int64_t)ftello(result->file)) < 0 ||
      fseeko(result->file, 0, SEEK_SET) != 0 || (first == EOF && result->bytes > 0)) {
    close_tensor_file(result);
    return fail(EXIT_USAGE, "cannot read \"%s\": it must be a regular file", path);
  }
  result->is_npy = first == 0x93; /* not the first byte of any protobuf message that is a tensor */
  const int status = result->is_npy ? read_npy_header(result) : read_onnx_header(result);
  if (status != 0) close_tensor_file(result);
  return status;
}

int check_tensor_dtype(const tensor_file *file, int dtype) {
  const element_type *type = element_type_of(dtype);
  if (!file->is_npy) {
    if (file->dtype == dtype) return 0;
    return fail(EXIT_USAGE, "\"%s\" holds %s, expected %s", file->path, element_type_of(file->dtype)->name, type->name);
  }
  const int same_kind = file->kind == type->kind || (type->foreign && strchr("uiV", file->kind) != NULL);
  if (same_kind && file->element_bytes == type->bytes) return 0;
  return fail(EXIT_USAGE, "\"%s\" holds elements '%c%d', expected '%c%d' (%s)", file->path, file->kind,
              file->element_bytes, type->kind, type->bytes, type->name);
}

/* Elements of 2 or 4 bits, packed or already one a byte, become one a byte. Backwards, since they grow in place. */
static void widen(unsigned char *data, size_t elements, const element_type *type, int packed) {
  const unsigned bits = type->bits, mask = (1u << bits) - 1, sign = type->kind == 'i' ? 1u << (bits - 1) : 0;
  for (size_t i = elements; i-- > 0;) {
    const size_t per_byte = packed ? 8 / bits : 1;
    const unsigned value = (unsigned)data[i / per_byte] >> (i % per_byte * bits) & mask;
    data[i] = (unsigned char)((value ^ sign) - sign);
  }
}

int read_tensor_data(tensor_file *file, int dtype, void *data, size_t elements) {
  const element_type *type = element_type_of(dtype);
  const int status =
      file->is_npy ? read_npy_data(file, dtype, data, elements) : read_onnx_data(file, dtype, data, elements);
  if (status != 0) return status;
  if (type->bits < 8) widen(data, elements, type, !file->is_npy);
  if (dtype == LAP_BOOL) {
    unsigned char *bytes = data;
    for (size_t i = 0; i < elements; i++) bytes[i] = bytes[i] != 0;
  }
  return 0;
}

void close_tensor_file(tensor_file *file) {
  if (file->file != NULL) fclose(file->file);
  file->file = NULL;
}
