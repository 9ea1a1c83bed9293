/* Element types as files know them: sizes, names, and the letters of .npy. */
#ifndef LAPIDARY_ELEMENT_TYPES_H
#define LAPIDARY_ELEMENT_TYPES_H

#include "lapidary.h"

typedef struct {
  const char *name;
  unsigned char bytes; /* of an element in memory; 0: not supported by executables */
  unsigned char bits;  /* of an element in an ONNX file; below 8, elements are packed, low bits first */
  char kind;           /* of the .npy descriptor: b i u f c */
  char foreign;        /* 1: NumPy has no such type; files hold the bits as integers or as void ('V') */
} element_type;

/* Never NULL; an unknown number gives a type of 0 bytes. */
const element_type *element_type_of(int dtype);

/* The number of elements, and of bytes in memory, of a tensor with these sizes. 0 if they do not fit size_t. */
int count_elements(const int64_t *shape, int rank, size_t element_bytes, size_t *elements, size_t *bytes);

#endif
