/* Reads one drawn digit, as a device would: static memory only, nothing allocated, no file. */
#include <stdint.h>
#include <stdio.h>

#include "digits.h"

/* RAM: the arena, one picture, ten scores. The arena lies at a multiple of its alignment. */
static unsigned char memory[DIGITS_ARENA_BYTES + DIGITS_ARENA_ALIGNMENT];
static float image[28 * 28];
static float scores[10];

/* A seven, as a camera might give it: '#' is ink. */
static const char *const drawing[] = {
    "####################",
    "####################",
    "                ### ",
    "               ###  ",
    "              ###   ",
    "              ###   ",
    "             ###    ",
    "            ###     ",
    "            ###     ",
    "           ###      ",
    "          ###       ",
    "          ###       ",
    "         ###        ",
    "        ###         ",
    "        ###         ",
    "       ###          ",
};

int main(void) {
  digits_io io;
  const uintptr_t start = (uintptr_t)memory;
  const uintptr_t aligned = (start + DIGITS_ARENA_ALIGNMENT - 1) / DIGITS_ARENA_ALIGNMENT * DIGITS_ARENA_ALIGNMENT;
  const int rows = (int)(sizeof drawing / sizeof *drawing);
  int best = 0;
  for (int row = 0; row < rows; row++)
    for (int column = 0; drawing[row][column] != 0; column++)
      image[(row + 6) * 28 + column + 4] = drawing[row][column] == '#' ? 1.0f : 0.0f;
  io.image = image;
  io.scores = scores;
  if (digits_run(&io, memory + (aligned - start)) != LAP_OK) return 1;
  for (int digit = 1; digit < 10; digit++)
    if (scores[digit] > scores[best]) best = digit;
  printf("It is a %d (%.1f %%). RAM %u bytes, weights %u bytes.\n", best, scores[best] * 100.0, DIGITS_ARENA_BYTES,
         DIGITS_WEIGHTS_BYTES);
  return best == 7 ? 0 : 1;
}
