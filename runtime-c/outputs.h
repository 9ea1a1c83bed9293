/* Saves the outputs of a run. */
#ifndef LAPIDARY_OUTPUTS_H
#define LAPIDARY_OUTPUTS_H

#include "prepare.h"

/* Writes each output as .npy into the folder, which is made if it is missing, and prints one line of JSON for each:
 * {"output":NAME,"file":PATH,"dtype":TYPE,"shape":[…]}. 0 or, after a message, an exit code. */
int write_outputs(const preparation *prepared, const char *folder);

#endif
