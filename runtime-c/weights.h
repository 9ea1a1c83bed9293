/* External weights: a file of exactly weights_bytes bytes, mapped and not copied. */
#ifndef LAPIDARY_WEIGHTS_H
#define LAPIDARY_WEIGHTS_H

#include "lapidary.h"

/* `path` NULL: the model's weights_file, beside the executable. 0 or, after a message, an exit code. */
int map_weights(const lap_model *model, const char *path, void **weights);
void unmap_weights(const lap_model *model, void *weights);

#endif
