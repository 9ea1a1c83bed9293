// Checks cuda-emulation.h with kernels that need threads of a block to meet. Prints what is wrong; exit code 1 then.
// With an argument, runs one of the cases that must not end well.
#include "cuda-emulation.h"

static int wrong = 0;
static void expect(const char *what, long got, long wanted) {
  if (got == wanted) return;
  printf("%s: %ld, expected %ld\n", what, got, wanted);
  wrong = 1;
}

// Each block reverses its part through shared memory: every thread reads what another one wrote.
__global__ void reverse(const int *from, int *to) {
  __shared__ int part[256];
  const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
  part[threadIdx.x] = from[at];
  __syncthreads();
  to[at] = part[blockDim.x - 1 - threadIdx.x];
  __syncthreads();
}

// A sum by halves, with a barrier in each turn of a loop.
__global__ void sum(const int *from, int *to) {
  __shared__ int part[256];
  part[threadIdx.x] = from[threadIdx.x];
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
  }
  if (threadIdx.x == 0) *to = part[0];
}

__global__ void shuffles(int *sums, int *shifted, unsigned *votes) {
  int value = (int)threadIdx.x;
  for (int bits = 16; bits > 0; bits /= 2) value += __shfl_xor_sync(0xffffffffu, value, bits);
  sums[threadIdx.x] = value;
  shifted[threadIdx.x] = __shfl_up_sync(0xffffffffu, (int)threadIdx.x, 1) + 1000 * __shfl_sync(0xffffffffu, (int)threadIdx.x, 3);
  votes[threadIdx.x] = __ballot_sync(0xffffffffu, threadIdx.x % 3 == 0);
}

// The second warp never comes to the barrier of the first, and most threads end before the others meet.
__global__ void apart(int *to) {
  if (threadIdx.x < 32) {
    const double mine = __shfl_down_sync(0x0000ffffu, (double)threadIdx.x, 4, 16);
    if (threadIdx.x < 16) to[threadIdx.x] = (int)mine;
  } else if (threadIdx.x >= 40) return;
  __syncthreads();
  atomicAdd(&to[32], 1);
}

__global__ void place(int *to) {
  const unsigned inside = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned outside = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  to[outside * blockDim.x * blockDim.y * blockDim.z + inside] = (int)(threadIdx.z * 100 + threadIdx.y * 10 + threadIdx.x);
}

__global__ void stuck() {
  if (threadIdx.x < 16) __syncthreads();
  else __syncwarp();
}

static int *device(size_t count) {
  void *memory = NULL;
  if (cudaMalloc(&memory, count * sizeof(int)) != cudaSuccess) abort();
  return (int *)memory;
}

static void read(int *to, const int *from, size_t count) {
  if (cudaMemcpy(to, from, count * sizeof(int), cudaMemcpyDeviceToHost) != cudaSuccess) abort();
}

int main(int count, char **) {
  enum { SIZE = 1024 };
  static int host[SIZE];
  int *a = device(SIZE), *b = device(SIZE), *c = device(SIZE);
  if (count == 2) {
    LAP_LAUNCH(stuck, 1, 32, 0, 0);
    return 0;
  }
  if (count == 3) return *(volatile int *)a & 1; // the host reads what is the device's

  for (int i = 0; i < SIZE; i++) host[i] = i;
  if (cudaMemcpy(a, host, sizeof host, cudaMemcpyHostToDevice) != cudaSuccess) abort();
  LAP_LAUNCH(reverse, SIZE / 256, 256, 0, 0, a, b);
  read(host, b, SIZE);
  for (int i = 0; i < SIZE; i++) expect("reverse", host[i], i / 256 * 256 + 255 - i % 256);

  LAP_LAUNCH(sum, 1, 256, 0, 0, a, b);
  read(host, b, 1);
  expect("sum", host[0], 255 * 128);

  LAP_LAUNCH(shuffles, 1, 64, 0, 0, a, b, (unsigned *)c);
  read(host, a, 64);
  for (int i = 0; i < 64; i++) expect("sum by shuffles", host[i], i < 32 ? 31 * 16 : 31 * 16 + 32 * 32);
  read(host, b, 64);
  for (int i = 0; i < 64; i++) expect("shift", host[i], (i % 32 == 0 ? i : i - 1) + 1000 * (i / 32 * 32 + 3));
  read(host, c, 64);
  for (int i = 0; i < 64; i++)
    for (int lane = 0; lane < 32; lane++) expect("vote", (unsigned)host[i] >> lane & 1, (i / 32 * 32 + lane) % 3 == 0);

  if (cudaMemset(a, 0, SIZE * sizeof(int)) != cudaSuccess) abort();
  LAP_LAUNCH(apart, 1, 128, 0, 0, a);
  read(host, a, 33);
  for (int i = 0; i < 16; i++) expect("shift of 16 lanes", host[i], i < 12 ? i + 4 : i);
  expect("threads at the last barrier", host[32], 40);

  LAP_LAUNCH(place, dim3(2, 3, 2), dim3(5, 4, 3), 0, 0, a);
  read(host, a, 720);
  for (int i = 0; i < 720; i++) expect("place", host[i], i % 60 / 20 * 100 + i % 20 / 5 * 10 + i % 5);

  expect("no error", cudaGetLastError(), cudaSuccess);
  LAP_LAUNCH(stuck, 1, 1025, 0, 0);
  LAP_LAUNCH(stuck, 0, 32, 0, 0);
  expect("an error", cudaGetLastError(), cudaErrorInvalidConfiguration);
  expect("no second error", cudaGetLastError(), cudaSuccess);
  cudaFree(b);
  cudaFree(a);
  cudaFree(c);
  return wrong;
}
