/* The executable around a generated model. Link it with code that defines lap_main_model, or compile it with
 * -DLAP_MAIN_MODEL=net_describe. */
#include "arguments.h"
#include "describe.h"
#include "messages.h"
#include "outputs.h"
#include "prepare.h"
#include "run.h"

#ifndef LAP_MAIN_MODEL
#define LAP_MAIN_MODEL lap_main_model
#endif

extern const lap_model *LAP_MAIN_MODEL(void);

static int run_model(const lap_model *model, const arguments *given) {
  preparation prepared;
  int status = prepare(model, given, &prepared);
  if (status == 0)
    status = given->bench == NOT_GIVEN ? run_once(&prepared) : run_bench(&prepared, given->bench);
  const int save = given->bench == NOT_GIVEN || given->output_folder != NULL;
  if (status == 0 && save) status = write_outputs(&prepared, given->output_folder ? given->output_folder : ".");
  release(&prepared);
  return status;
}

int main(int count, char **texts) {
  const lap_model *model = LAP_MAIN_MODEL();
  arguments given;
  int status = read_arguments(model, count, texts, &given);
  if (status == 0 && given.help) print_help(model);
  else if (status == 0 && given.describe) print_description(model);
  else if (status == 0) status = run_model(model, &given);
  free_arguments(&given);
  if (status == 0 && (fflush(stdout) != 0 || ferror(stdout))) status = fail(EXIT_MACHINE, "cannot write to stdout");
  return status;
}
