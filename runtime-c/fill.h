/* Stands in for input data where only speed matters: the same numbers on every machine. */
#ifndef LAPIDARY_FILL_H
#define LAPIDARY_FILL_H

#include <stddef.h>
#include <stdint.h>

/* Floats lie in -1 … 1, 8-bit integers anywhere, other integers are 0 or 1: they may be indices. */
void fill_tensor(int dtype, void *data, size_t elements, uint64_t seed);

#endif
