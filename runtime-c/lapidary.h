/* What generated models and their callers agree on: error codes, element types, the model table, parallel-for.
 * Needs no other file, so a generated header may hold it word for word. C99 and C++. */
#ifndef LAPIDARY_H
#define LAPIDARY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a run returns. After an error the outputs hold no result, and the model can be run again. */
enum {
  LAP_OK = 0,
  LAP_E_INDEX = 1,   /* an index taken from the data is out of range */
  LAP_E_DIVIDE = 2,  /* an integer was divided by zero */
  LAP_E_SHAPE = 3,   /* a size of this run is out of its bounds, or two sizes do not fit each other */
  LAP_E_ARENA = 4,   /* the arena is missing or not aligned */
  LAP_E_WEIGHTS = 5, /* the external weights are missing or not aligned */
  LAP_E_THREADS = 6, /* threads could not be started */
  LAP_E_DEVICE = 7   /* the GPU is missing, has no memory left, or reported an error of its own */
};

/* Element types; the numbers are ONNX TensorProto.DataType. Elements follow each other without gaps, in the byte order
 * of the machine. The 2 and 4 bit types take one byte an element at this border (integers sign-extended). */
typedef enum {
  LAP_FLOAT32 = 1, LAP_UINT8 = 2, LAP_INT8 = 3, LAP_UINT16 = 4, LAP_INT16 = 5, LAP_INT32 = 6, LAP_INT64 = 7,
  LAP_STRING = 8, LAP_BOOL = 9, LAP_FLOAT16 = 10, LAP_FLOAT64 = 11, LAP_UINT32 = 12, LAP_UINT64 = 13,
  LAP_COMPLEX64 = 14, LAP_COMPLEX128 = 15, LAP_BFLOAT16 = 16, LAP_FLOAT8E4M3FN = 17, LAP_FLOAT8E4M3FNUZ = 18,
  LAP_FLOAT8E5M2 = 19, LAP_FLOAT8E5M2FNUZ = 20, LAP_UINT4 = 21, LAP_INT4 = 22, LAP_FLOAT4E2M1 = 23,
  LAP_FLOAT8E8M0 = 24, LAP_UINT2 = 25, LAP_INT2 = 26
} lap_dtype;

/* A string tensor is two tensors: NAME_spans, int64 of its shape, and NAME_bytes, the UTF-8 that these lie in. A sequence
 * is NAME_shapes, a row for each element (its rank, its sizes, 1 beyond its rank), and NAME_data, the elements one after
 * another; as an output also NAME_length, the number of rows that count. An optional has NAME_present, a map NAME_keys
 * and NAME_values. NAME_size [n, 0, 0], of which nothing is read, says beforehand that the input NAME holds n; [0, n, 0]
 * that it holds -n; [n, m, 0, 0, 0] that it holds n and m. */
#define LAP_SPAN(offset, length) ((int64_t)(((uint64_t)(offset) << 32) | (uint64_t)(length)))
#define LAP_SPAN_OFFSET(span) ((size_t)((uint64_t)(span) >> 32))
#define LAP_SPAN_LENGTH(span) ((size_t)((uint64_t)(span) & 0xffffffffu))

/* An input or output. A dimension of 0 or more is the size itself; -1 - k stands for symbolic dimension k. */
typedef struct {
  const char *name;
  int dtype; /* lap_dtype */
  int rank;
  const int64_t *shape; /* NULL when rank is 0 */
} lap_tensor;

/* Work for threads: iterations begin <= i < end. Calls may happen at the same time, in any order. */
typedef void lap_body(void *context, ptrdiff_t begin, ptrdiff_t end);

/* A parallel-for. `for_each` covers 0 <= i < count by calls of `body`, each beginning at a multiple of `grain` (>= 1),
 * and returns when all are done; body(context, 0, count) would be a right implementation. parallel.h has one over
 * POSIX threads; give your own to use your own threads. */
typedef struct lap_parallel lap_parallel;
struct lap_parallel {
  void (*for_each)(lap_parallel *self, lap_body *body, void *context, ptrdiff_t count, ptrdiff_t grain);
  int threads; /* how many may work at the same time, the caller among them */
};

/* One run as generic tools ask for it. Nothing here may overlap; tensors are aligned to their element type. */
typedef struct {
  const void *const *inputs; /* in the order of the model table */
  void *const *outputs;
  int64_t *dims;           /* dim_count sizes: the first given_dim_count set by the caller, the rest written by run */
  void *arena;             /* arena_bytes(dims) bytes at a multiple of arena_alignment; contents do not matter */
  const void *weights;     /* weights_bytes bytes, aligned like the arena; not read unless weights are external */
  lap_parallel *parallel;  /* NULL for one thread */
} lap_call;

/* The model table: all that a generic tool must know. Every pointer is to constant data. */
typedef struct {
  const char *name;
  int input_count, output_count;
  const lap_tensor *inputs, *outputs;

  /* Symbolic dimensions: first those that the caller gives (each occurs in an input), then those that a run finds. */
  int dim_count, given_dim_count;
  const char *const *dim_names;
  const int64_t *dim_min, *dim_max; /* bounds, both included */
  /* From the given sizes, writes the largest value that each of the others can take in this run. LAP_OK or LAP_E_SHAPE.
   * NULL: these are dim_max. Whoever calls run makes its outputs at least this large. */
  int (*bound_dims)(int64_t *dims);

  size_t arena_alignment; /* a power of two; 1 if there is no arena */
  size_t (*arena_bytes)(const int64_t *dims); /* reads the given sizes only; SIZE_MAX where no arena is large enough */
  size_t weights_bytes;
  const char *weights_file; /* name of the file of external weights; NULL: they are part of the code */
  int threaded;             /* 1: run makes use of lap_call.parallel */
  int (*run)(const lap_call *call); /* LAP_OK or a LAP_E_ code; re-entrant, as long as arenas and outputs differ */
} lap_model;

#ifdef __cplusplus
}
#endif

#endif
