/* The whole executable as one translation unit, which compiles in half the time of its parts. Compile this and the
 * generated code: cc -std=c99 -O1 -pthread -DLAP_MAIN_MODEL=net_describe executable.c net.c -o net */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "arguments.c"
#include "describe.c"
#include "element-types.c"
#include "fill.c"
#include "main.c"
#include "messages.c"
#include "npy.c"
#include "onnx-tensor.c"
#include "outputs.c"
#include "parallel.c"
#include "prepare.c"
#include "run.c"
#include "tensor-file.c"
#include "weights.c"
