/* Pseudo-random input data. Float bits are put together by hand, because not every type has one in C. */
#include "fill.h"

#include <string.h>

#include "element-types.h"

/* Steele's SplitMix64: a counter and a mixer. */
static uint64_t next_random(uint64_t *state) {
  uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

static double next_unit(uint64_t *state) {
  return (double)(int64_t)(next_random(state) >> 11) / 4503599627370496.0 - 1;
}

static uint64_t next_element(int dtype, int kind, uint64_t *state) {
  uint64_t bits = 0;
  if (dtype == LAP_FLOAT32 || dtype == LAP_COMPLEX64 || dtype == LAP_BFLOAT16) {
    const float value = (float)next_unit(state);
    memcpy(&bits, &value, sizeof value);
    return dtype == LAP_BFLOAT16 ? bits >> 16 & 0xffff : bits;
  }
  if (dtype == LAP_FLOAT64 || dtype == LAP_COMPLEX128) {
    const double value = next_unit(state);
    memcpy(&bits, &value, sizeof value);
    return bits;
  }
  const uint64_t random = next_random(state);
  if (dtype == LAP_FLOAT16) return (random & 0x83ff) | (10 + (random >> 16) % 5) << 10; /* 2^-5 … 1 */
  if (dtype == LAP_INT8 || dtype == LAP_UINT8) return random & 0xff;
  return kind == 'u' && dtype >= LAP_FLOAT8E4M3FN && dtype <= LAP_FLOAT8E5M2FNUZ ? random & 0x37 : random & 1;
}

void fill_tensor(int dtype, void *data, size_t elements, uint64_t seed) {
  const element_type *type = element_type_of(dtype);
  const size_t parts = type->kind == 'c' ? 2 : 1, bytes = type->bytes / parts;
  unsigned char *at = data;
  uint64_t state = seed << 32;
  for (size_t i = 0; i < elements * parts; i++, at += bytes) {
    const uint64_t bits = next_element(dtype, type->kind, &state);
    memcpy(at, &bits, bytes);
  }
}
