/* ONNX TensorProto files: a protobuf message, read field by field without a copy of the whole. The message is walked
 * twice: once for type and shape, once for the data, because protobuf lets fields come in any order. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include <string.h>

#include "element-types.h"
#include "messages.h"
#include "tensor-file.h"

/* Field numbers of TensorProto. */
enum {
  DIMS = 1, DATA_TYPE = 2, SEGMENT = 3, FLOAT_DATA = 4, INT32_DATA = 5, INT64_DATA = 7, RAW_DATA = 9, DOUBLE_DATA = 10,
  UINT64_DATA = 11, DATA_LOCATION = 14
};
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 }; /* wire types */

typedef struct {
  tensor_file *file;
  int64_t left;        /* bytes of the file not yet read */
  unsigned char *data; /* NULL on the first walk */
  int data_field;      /* the field that holds typed data of this dtype */
  size_t unit;         /* bytes in memory of one entry there */
  size_t filled, bytes;
  const char *problem;
} walk;

static int stop(walk *self, const char *problem) {
  if (self->problem == NULL) self->problem = problem;
  return 0;
}

static int read_bytes(walk *self, void *to, size_t count) {
  if ((uint64_t)self->left < count || fread(to, 1, count, self->file->file) != count)
    return stop(self, "it is cut off");
  self->left -= (int64_t)count;
  return 1;
}

static int read_varint(walk *self, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    unsigned char byte;
    if (!read_bytes(self, &byte, 1)) return 0;
    *value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return 1;
  }
  return stop(self, "a number in it is too long");
}

static int skip_bytes(walk *self, uint64_t count) {
  if (count > (uint64_t)self->left || fseeko(self->file->file, (off_t)count, SEEK_CUR) != 0)
    return stop(self, "it is cut off");
  self->left -= (int64_t)count;
  return 1;
}

/* One number of a field, as it is after its tag or inside a packed list. */
static int read_entry(walk *self, int wire, uint64_t *value) {
  *value = 0;
  if (wire == VARINT) return read_varint(self, value);
  if (wire != FIXED32 && wire != FIXED64) return stop(self, "it is not an ONNX tensor");
  return read_bytes(self, value, wire == FIXED32 ? 4 : 8);
}

static int take_number(walk *self, int field, uint64_t value) {
  tensor_file *file = self->file;
  if (field == self->data_field && self->data != NULL) {
    if (self->bytes - self->filled < self->unit) return stop(self, "it has more elements than its shape says");
    memcpy(self->data + self->filled, &value, self->unit);
    self->filled += self->unit;
  } else if (self->data != NULL) {
    return 1;
  } else if (field == DIMS) {
    if (file->rank == MAX_RANK || value > INT64_MAX) return stop(self, "its shape is not valid");
    file->shape[file->rank++] = (int64_t)value;
  } else if (field == DATA_TYPE) {
    file->dtype = value < 1000 ? (int)value : 0;
  } else if (field == DATA_LOCATION && value != 0) {
    return stop(self, "its data is in another file");
  }
  return 1;
}

static int take_bytes(walk *self, int field) {
  uint64_t length;
  if (!read_varint(self, &length)) return 0;
  if (length > (uint64_t)self->left) return stop(self, "it is cut off");
  if (field == SEGMENT) return stop(self, "it is only a segment of a tensor");
  if (field == RAW_DATA && self->data != NULL && length > 0) {
    if (self->filled > 0 || length != self->bytes)
      return stop(self, "its data does not have the size that its shape needs");
    self->filled = self->bytes;
    return read_bytes(self, self->data, self->bytes);
  }
  if (field != DIMS && (self->data == NULL || field != self->data_field)) return skip_bytes(self, length);
  const int wire = field == FLOAT_DATA ? FIXED32 : field == DOUBLE_DATA ? FIXED64 : VARINT;
  for (const int64_t end = self->left - (int64_t)length; self->left > end;) {
    uint64_t value;
    if (!read_entry(self, wire, &value) || !take_number(self, field, value)) return 0;
    if (self->left < end) return stop(self, "a list in it is cut off");
  }
  return 1;
}

static int walk_fields(walk *self) {
  if (fseeko(self->file->file, 0, SEEK_SET) != 0) return stop(self, "it cannot be read");
  self->left = self->file->bytes;
  while (self->left > 0) {
    uint64_t tag, value;
    if (!read_varint(self, &tag)) return 0;
    const int wire = (int)(tag & 7), field = tag >> 3 < 1000 ? (int)(tag >> 3) : 1000;
    if (field == 0) return stop(self, "it is not an ONNX tensor");
    if (wire == BYTES) {
      if (!take_bytes(self, field)) return 0;
    } else if (!read_entry(self, wire, &value) || !take_number(self, field, value)) {
      return 0;
    }
  }
  return 1;
}

int read_onnx_header(tensor_file *file) {
  walk self = {0};
  self.file = file;
  if (walk_fields(&self)) return 0;
  return fail(EXIT_USAGE, "\"%s\" is neither .npy nor a usable ONNX tensor: %s", file->path, self.problem);
}

static int typed_field(int dtype) {
  switch (dtype) {
    case LAP_FLOAT32: case LAP_COMPLEX64: return FLOAT_DATA;
    case LAP_FLOAT64: case LAP_COMPLEX128: return DOUBLE_DATA;
    case LAP_INT64: return INT64_DATA;
    case LAP_UINT32: case LAP_UINT64: return UINT64_DATA;
    default: return INT32_DATA;
  }
}

int read_onnx_data(tensor_file *file, int dtype, void *data, size_t elements) {
  const element_type *type = element_type_of(dtype);
  walk self = {0};
  self.file = file;
  self.data = data;
  self.data_field = typed_field(dtype);
  self.unit = type->kind == 'c' ? type->bytes / 2u : type->bytes;
  self.bytes = type->bits < 8 ? (elements + 8u / type->bits - 1) / (8u / type->bits) : elements * type->bytes;
  if (walk_fields(&self) && self.filled != self.bytes) stop(&self, "it has fewer elements than its shape says");
  if (self.problem == NULL) return 0;
  return fail(EXIT_USAGE, "\"%s\" is not a usable ONNX tensor: %s", file->path, self.problem);
}
