/* Reads the command line. Names of a model may hold anything, '=' too: in name=value the longest name that fits
 * counts. */
#include "arguments.h"

#include <stdlib.h>
#include <string.h>

#include "messages.h"

static int read_number(const char *text, int64_t most, int64_t *number) {
  *number = 0;
  for (const char *at = text; *at != 0; at++) {
    if (*at < '0' || *at > '9' || *number > (most - (*at - '0')) / 10) return 0;
    *number = *number * 10 + (*at - '0');
  }
  return *text != 0;
}

/* The value behind "name=", if `text` begins so. */
static const char *value_of(const char *text, const char *name) {
  const size_t length = strlen(name);
  return strncmp(text, name, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

static int read_input(const lap_model *model, const char *text, arguments *result) {
  const char *path = NULL;
  int input = 0;
  for (int i = 0; i < model->input_count; i++) {
    const char *found = value_of(text, model->inputs[i].name);
    if (found == NULL || (path != NULL && found <= path)) continue;
    path = found;
    input = i;
  }
  if (path == NULL) return fail(EXIT_USAGE, "--input %s: expected NAME=FILE, NAME an input (see --help)", text);
  if (result->input_paths[input] != NULL)
    return fail(EXIT_USAGE, "--input %s: input \"%s\" is given twice", text, model->inputs[input].name);
  result->input_paths[input] = path;
  return 0;
}

/* POSITION=FILE: for names that cannot stand on a command line. */
static int read_input_at(const lap_model *model, const char *text, arguments *result) {
  int position = 0;
  const char *at = text;
  for (; *at >= '0' && *at <= '9' && position < model->input_count; at++) position = position * 10 + (*at - '0');
  if (at == text || *at != '=' || position >= model->input_count)
    return fail(EXIT_USAGE, "--input-at %s: expected POSITION=FILE, POSITION below %d", text, model->input_count);
  if (result->input_paths[position] != NULL)
    return fail(EXIT_USAGE, "--input-at %s: this input is given twice", text);
  result->input_paths[position] = at + 1;
  return 0;
}

static int read_dim(const lap_model *model, const char *text, arguments *result) {
  const char *value = NULL;
  int dim = 0;
  for (int i = 0; i < model->given_dim_count; i++) {
    const char *found = value_of(text, model->dim_names[i]);
    if (found == NULL || (value != NULL && found <= value)) continue;
    value = found;
    dim = i;
  }
  if (value == NULL) return fail(EXIT_USAGE, "--dim %s: expected NAME=SIZE, NAME a symbolic dimension", text);
  if (!read_number(value, INT64_MAX, &result->dims[dim]))
    return fail(EXIT_USAGE, "--dim %s: \"%s\" is not a size", text, value);
  return 0;
}

static int read_count(const char *option, const char *text, int least, int most, int *count) {
  int64_t number;
  if (!read_number(text, most, &number) || number < least)
    return fail(EXIT_USAGE, "%s %s: expected a number from %d to %d", option, text, least, most);
  *count = (int)number;
  return 0;
}

static int read_option(const lap_model *model, const char *option, const char *value, arguments *result) {
  if (strcmp(option, "--input") == 0) return read_input(model, value, result);
  if (strcmp(option, "--input-at") == 0) return read_input_at(model, value, result);
  if (strcmp(option, "--dim") == 0) return read_dim(model, value, result);
  if (strcmp(option, "--threads") == 0) return read_count(option, value, 1, 1024, &result->threads);
  if (strcmp(option, "--bench") == 0)
    return read_count(option, strcmp(value, "auto") == 0 ? "0" : value, 0, MAX_RUNS, &result->bench);
  if (strcmp(option, "--output-dir") == 0) result->output_folder = value;
  if (strcmp(option, "--weights") == 0) result->weights_path = value;
  return 0;
}

int read_arguments(const lap_model *model, int count, char **texts, arguments *result) {
  static const char *const options[] = {"--input", "--input-at", "--output-dir", "--dim",
                                        "--threads", "--bench", "--weights"};
  memset(result, 0, sizeof *result);
  result->threads = 1;
  result->bench = NOT_GIVEN;
  result->input_paths = calloc((size_t)model->input_count + 1, sizeof *result->input_paths);
  result->dims = calloc((size_t)model->dim_count + 1, sizeof *result->dims);
  if (result->input_paths == NULL || result->dims == NULL) return fail(EXIT_MACHINE, "out of memory");
  for (int i = 0; i < model->dim_count; i++) result->dims[i] = NOT_GIVEN;

  for (int i = 1; i < count; i++) {
    const char *text = texts[i], *option = NULL, *value = NULL;
    if (strcmp(text, "--help") == 0) result->help = 1;
    if (strcmp(text, "--describe") == 0) result->describe = 1;
    if (strcmp(text, "--help") == 0 || strcmp(text, "--describe") == 0) continue;
    for (size_t k = 0; k < sizeof options / sizeof *options && option == NULL; k++) {
      value = strcmp(text, options[k]) == 0 ? texts[i + 1] : value_of(text, options[k]);
      if (value != NULL || strcmp(text, options[k]) == 0) option = options[k];
    }
    if (option == NULL) return fail(EXIT_USAGE, "unknown argument \"%s\" (see --help)", text);
    if (value == NULL) return fail(EXIT_USAGE, "%s needs a value (see --help)", option);
    if (strcmp(text, option) == 0) i++;
    const int status = read_option(model, option, value, result);
    if (status != 0) return status;
  }
  return 0;
}

void free_arguments(arguments *given) {
  free(given->input_paths);
  free(given->dims);
}
