/* What the executable says: errors to stderr, JSON to stdout. Texts may hold names from a model, so both escape. */
#ifndef LAPIDARY_MESSAGES_H
#define LAPIDARY_MESSAGES_H

#include <stdio.h>

/* Exit codes. */
enum { EXIT_USAGE = 2, EXIT_MACHINE = 3, EXIT_RUN = 4 };

#if defined(__GNUC__)
#define PRINTS(text, values) __attribute__((format(printf, text, values)))
#else
#define PRINTS(text, values)
#endif

/* Prints "error: …" and returns `code`, for `return fail(…)`. */
int fail(int code, const char *format, ...) PRINTS(2, 3);

void note(const char *format, ...) PRINTS(1, 2);

void print_json_string(const char *text);

#endif
