/* Messages of the executable. Control characters are replaced: a name must not steer the terminal. */
#include "messages.h"

#include <stdarg.h>

static void print_line(const char *kind, const char *format, va_list values) {
  char text[4096];
  vsnprintf(text, sizeof text, format, values);
  for (char *at = text; *at != 0; at++)
    if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = '?';
  fprintf(stderr, "%s: %s\n", kind, text);
}

int fail(int code, const char *format, ...) {
  va_list values;
  va_start(values, format);
  print_line("error", format, values);
  va_end(values);
  return code;
}

void note(const char *format, ...) {
  va_list values;
  va_start(values, format);
  print_line("note", format, values);
  va_end(values);
}

void print_json_string(const char *text) {
  putchar('"');
  for (; *text != 0; text++) {
    const unsigned char byte = (unsigned char)*text;
    if (byte < 0x20 || byte == 0x7f) printf("\\u%04x", byte);
    else if (byte == '"' || byte == '\\') printf("\\%c", byte);
    else putchar(byte);
  }
  putchar('"');
}
