#!/bin/sh
# Compiles the model for browsers, and runs it under Node.
set -eu
cd "$(dirname "$0")/../.."
node bin/lapidary.js compile examples/digits/digits.onnx -o examples/web/out --target wasm
node examples/web/node.mjs
