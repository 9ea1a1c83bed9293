#!/bin/sh
# Compiles the model to portable C, builds it into a small program, and runs that. Where a compiler for Arm Cortex-M is
# installed, also compiles it for one and prints the sizes.
set -eu
cd "$(dirname "$0")/../.."
out=examples/firmware/out
node bin/lapidary.js compile examples/digits/digits.onnx -o "$out" --target c --emit c
${CC:-cc} -std=c99 -O2 -Wall -Wextra -Wpedantic -Werror -I"$out" examples/firmware/main.c "$out/digits.c" \
  -o "$out/firmware" -lm
"$out/firmware"

if command -v arm-none-eabi-gcc > /dev/null; then
  node bin/lapidary.js compile examples/digits/digits.onnx -o "$out/cortex-m4" --target cortex-m4 --emit c
  arm-none-eabi-gcc -std=c99 -Os -mthumb -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 -I"$out/cortex-m4" \
    -c "$out/cortex-m4/digits.c" -o "$out/cortex-m4/digits.o"
  arm-none-eabi-size "$out/cortex-m4/digits.o"
fi
