/* Prints the model table: as help for people, as JSON for tools. */
#ifndef LAPIDARY_DESCRIBE_H
#define LAPIDARY_DESCRIBE_H

#include "lapidary.h"

void print_help(const lap_model *model);
void print_description(const lap_model *model);

#endif
