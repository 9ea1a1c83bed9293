#!/bin/sh
# Compiles a model into a program, runs the program on a picture, and times it.
set -eu
cd "$(dirname "$0")/../.."
out=examples/shell/out
node bin/lapidary.js compile examples/digits/digits.onnx -o "$out" --emit exe
"$out/digits" --input image=examples/digits/images/three.npy --output-dir "$out"
"$out/digits" --bench 1000
