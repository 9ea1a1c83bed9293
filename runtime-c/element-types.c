/* The table of element types, and how many bytes a tensor of them takes. */
#include "element-types.h"

static const element_type unknown = {"an unknown type", 0, 0, '?', 0};

static const element_type types[] = {
    [LAP_FLOAT32] = {"float32", 4, 32, 'f', 0},
    [LAP_UINT8] = {"uint8", 1, 8, 'u', 0},
    [LAP_INT8] = {"int8", 1, 8, 'i', 0},
    [LAP_UINT16] = {"uint16", 2, 16, 'u', 0},
    [LAP_INT16] = {"int16", 2, 16, 'i', 0},
    [LAP_INT32] = {"int32", 4, 32, 'i', 0},
    [LAP_INT64] = {"int64", 8, 64, 'i', 0},
    [LAP_STRING] = {"string", 0, 0, '?', 0},
    [LAP_BOOL] = {"bool", 1, 8, 'b', 0},
    [LAP_FLOAT16] = {"float16", 2, 16, 'f', 0},
    [LAP_FLOAT64] = {"float64", 8, 64, 'f', 0},
    [LAP_UINT32] = {"uint32", 4, 32, 'u', 0},
    [LAP_UINT64] = {"uint64", 8, 64, 'u', 0},
    [LAP_COMPLEX64] = {"complex64", 8, 64, 'c', 0},
    [LAP_COMPLEX128] = {"complex128", 16, 128, 'c', 0},
    [LAP_BFLOAT16] = {"bfloat16", 2, 16, 'u', 1},
    [LAP_FLOAT8E4M3FN] = {"float8e4m3fn", 1, 8, 'u', 1},
    [LAP_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 1, 8, 'u', 1},
    [LAP_FLOAT8E5M2] = {"float8e5m2", 1, 8, 'u', 1},
    [LAP_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 1, 8, 'u', 1},
    [LAP_UINT4] = {"uint4", 1, 4, 'u', 1},
    [LAP_INT4] = {"int4", 1, 4, 'i', 1},
    [LAP_FLOAT4E2M1] = {"float4e2m1", 1, 4, 'u', 1},
    [LAP_FLOAT8E8M0] = {"float8e8m0", 1, 8, 'u', 1},
    [LAP_UINT2] = {"uint2", 1, 2, 'u', 1},
    [LAP_INT2] = {"int2", 1, 2, 'i', 1},
};

const element_type *element_type_of(int dtype) {
  if (dtype < 1 || (size_t)dtype >= sizeof types / sizeof *types) return &unknown;
  return &types[dtype];
}

int count_elements(const int64_t *shape, int rank, size_t element_bytes, size_t *elements, size_t *bytes) {
  size_t count = 1;
  for (int axis = 0; axis < rank; axis++)
    if (shape[axis] == 0) count = 0;
  for (int axis = 0; axis < rank && count > 0; axis++) {
    if (shape[axis] < 0 || (uint64_t)shape[axis] > PTRDIFF_MAX / element_bytes / count) return 0;
    count *= (size_t)shape[axis];
  }
  *elements = count;
  *bytes = count * element_bytes;
  return 1;
}
