/* The part of CUDA that generated code uses, on a CPU: to test it where there is no GPU. Include it, as C++, in place of
 * cuda_runtime.h. Blocks run one after another, and so do the threads of a block, on the stack of the caller, until one
 * of them waits for the others; from then on each thread that waits is a fiber. So kernels without barriers are plain
 * loops. With LAP_EMULATION_GUARD, device memory can only be touched by kernels and copies. */
#ifndef LAPIDARY_CUDA_EMULATION_H
#define LAPIDARY_CUDA_EMULATION_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static thread_local

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

static thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;
enum { warpSize = 32 };

/* ---- Memory ---------------------------------------------------------------------------------------------------- */

typedef struct CUstream_st *cudaStream_t;
typedef enum {
  cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2, cudaErrorInvalidConfiguration = 9
} cudaError_t;
typedef enum {
  cudaMemcpyHostToHost = 0, cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3
} cudaMemcpyKind;

namespace lap_emulation {

enum { PAGE = 4096, MOST_THREADS = 1024, STACK_BYTES = 1 << 18 };
/* What files of one program share lies in functions: C++14 has no other place for it in a header. */
inline cudaError_t &last_error() {
  static thread_local cudaError_t error = cudaSuccess;
  return error;
}

static inline cudaError_t record(cudaError_t error) {
  if (error != cudaSuccess) last_error() = error;
  return error;
}

#if defined(LAP_EMULATION_GUARD)
/* Before the memory that a caller gets lies a page with its size. */
struct allocation {
  size_t bytes;
  allocation *next, *previous;
};
inline allocation *&allocations() {
  static allocation *first = NULL;
  return first;
}

/* While `open`, everybody can reach device memory. */
static inline void guard(bool open) {
  for (allocation *at = allocations(); at != NULL; at = at->next)
    mprotect((char *)at + PAGE, at->bytes, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}
#else
static inline void guard(bool) {}
#endif

} // namespace lap_emulation

/* New memory is full of NaNs, so that nothing comes to rely on what it contains. */
static inline cudaError_t cudaMalloc(void **result, size_t bytes) {
  using namespace lap_emulation;
#if defined(LAP_EMULATION_GUARD)
  const size_t rounded = (bytes / PAGE + 1) * PAGE;
  void *memory = bytes > SIZE_MAX / 2 ? MAP_FAILED
                                      : mmap(NULL, rounded + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return record(cudaErrorMemoryAllocation);
  allocation *made = (allocation *)memory;
  made->bytes = rounded;
  made->previous = NULL;
  made->next = allocations();
  if (made->next != NULL) made->next->previous = made;
  allocations() = made;
  *result = (char *)memory + PAGE;
  memset(*result, 0xff, bytes);
  guard(false);
#else
  *result = bytes > SIZE_MAX / 2 ? NULL : aligned_alloc(256, (bytes + 255) / 256 * 256 + 256);
  if (*result == NULL) return record(cudaErrorMemoryAllocation);
  memset(*result, 0xff, bytes);
#endif
  return cudaSuccess;
}

static inline cudaError_t cudaFree(void *memory) {
  using namespace lap_emulation;
#if defined(LAP_EMULATION_GUARD)
  if (memory == NULL) return cudaSuccess;
  allocation *gone = (allocation *)((char *)memory - PAGE);
  if (gone->next != NULL) gone->next->previous = gone->previous;
  if (gone->previous != NULL) gone->previous->next = gone->next;
  else allocations() = gone->next;
  munmap(gone, gone->bytes + PAGE);
#else
  free(memory);
#endif
  return cudaSuccess;
}

static inline cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind) {
  lap_emulation::guard(true);
  if (bytes > 0) memmove(to, from, bytes);
  lap_emulation::guard(false);
  return cudaSuccess;
}

static inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t = 0) {
  return cudaMemcpy(to, from, bytes, kind);
}

static inline cudaError_t cudaMemsetAsync(void *memory, int byte, size_t bytes, cudaStream_t = 0) {
  lap_emulation::guard(true);
  if (bytes > 0) memset(memory, byte, bytes);
  lap_emulation::guard(false);
  return cudaSuccess;
}

static inline cudaError_t cudaMemset(void *memory, int byte, size_t bytes) { return cudaMemsetAsync(memory, byte, bytes); }

/* Whatever a stream is given has been done when the call returns. */
static inline cudaError_t cudaStreamCreate(cudaStream_t *stream) { return *stream = NULL, cudaSuccess; }
static inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
static inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
static inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

static inline cudaError_t cudaGetLastError() {
  const cudaError_t error = lap_emulation::last_error();
  lap_emulation::last_error() = cudaSuccess;
  return error;
}

static inline const char *cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
  }
  return "unrecognized error code";
}

/* ---- Threads --------------------------------------------------------------------------------------------------- */

namespace lap_emulation {

enum fiber_state { UNUSED, READY, AT_BARRIER, AT_WARP_BARRIER, AT_END };

/* A stack on which threads run, one after the other until one waits; then it belongs to that one until it ends. */
struct fiber {
  fiber_state state;
  unsigned thread; /* its number in the block */
  unsigned mask;   /* AT_WARP_BARRIER: the lanes that meet */
  void *stack;     /* NULL: the caller's */
  ucontext_t context;
};

/* The block that runs now. */
struct block {
  unsigned threads, next, ended; /* how many there are, are started, have ended */
  void (*body)(const void *arguments);
  const void *arguments;
  unsigned char has_ended[MOST_THREADS];
  fiber *current;
  fiber *fibers[MOST_THREADS + 1]; /* the first is the caller */
  unsigned fiber_count, turn;
  uint64_t exchanged[MOST_THREADS]; /* what lanes show each other */
};
static thread_local fiber caller;
static thread_local block current_block;

static inline void place_thread(unsigned thread) {
  threadIdx.x = thread;
  if (blockDim.y * blockDim.z == 1) return;
  threadIdx.x = thread % blockDim.x;
  threadIdx.y = thread / blockDim.x % blockDim.y;
  threadIdx.z = thread / blockDim.x / blockDim.y;
}

/* Starts threads until none is left. Between two of them the current fiber may have slept, and others have started some. */
static inline void run_threads() {
  while (current_block.next < current_block.threads) {
    const unsigned thread = current_block.next++;
    current_block.current->thread = thread;
    place_thread(thread);
    current_block.body(current_block.arguments);
    current_block.has_ended[thread] = 1;
    current_block.ended++;
  }
}

static inline void leave_fiber();
static inline void fiber_main() {
  run_threads();
  leave_fiber();
}

static inline fiber *new_fiber() {
  for (unsigned i = 1; i < current_block.fiber_count; i++)
    if (current_block.fibers[i]->state == UNUSED) return current_block.fibers[i];
  fiber *made = (fiber *)calloc(1, sizeof(fiber));
  if (made != NULL) made->stack = malloc(STACK_BYTES);
  if (made == NULL || made->stack == NULL) {
    fprintf(stderr, "cuda-emulation: no memory for the stacks of threads\n");
    abort();
  }
  return current_block.fibers[current_block.fiber_count++] = made;
}

static inline fiber *started_fiber() {
  fiber *made = new_fiber();
  made->state = READY;
  getcontext(&made->context);
  made->context.uc_stack.ss_sp = made->stack;
  made->context.uc_stack.ss_size = STACK_BYTES;
  made->context.uc_link = NULL;
  makecontext(&made->context, fiber_main, 0);
  return made;
}

/* Whether all lanes of the fiber's mask that have not ended are at its barrier. */
static inline bool warp_is_complete(const fiber *waiting) {
  const unsigned warp = waiting->thread / warpSize;
  unsigned there = 0;
  for (unsigned i = 0; i < current_block.fiber_count; i++) {
    const fiber *other = current_block.fibers[i];
    if (other->state == AT_WARP_BARRIER && other->thread / warpSize == warp) there |= 1u << other->thread % warpSize;
  }
  for (unsigned lane = 0; lane < warpSize; lane++) {
    const unsigned thread = warp * warpSize + lane;
    const bool is_awaited = (waiting->mask >> lane & 1) && thread < current_block.threads && !current_block.has_ended[thread];
    if (is_awaited && !(there >> lane & 1)) return false;
  }
  return true;
}

/* All threads have started. Lets those go on who waited for nobody but each other. */
static inline void release() {
  unsigned waiting = 0;
  for (unsigned i = 0; i < current_block.fiber_count; i++) waiting += current_block.fibers[i]->state == AT_BARRIER;
  if (waiting == current_block.threads - current_block.ended) {
    for (unsigned i = 0; i < current_block.fiber_count; i++)
      if (current_block.fibers[i]->state == AT_BARRIER) current_block.fibers[i]->state = READY;
    return;
  }
  bool complete[MOST_THREADS + 1];
  for (unsigned i = 0; i < current_block.fiber_count; i++)
    complete[i] = current_block.fibers[i]->state == AT_WARP_BARRIER && warp_is_complete(current_block.fibers[i]);
  for (unsigned i = 0; i < current_block.fiber_count; i++)
    if (complete[i]) current_block.fibers[i]->state = READY;
}

static inline fiber *ready_fiber() {
  for (unsigned i = 0; i < current_block.fiber_count; i++) {
    current_block.turn = (current_block.turn + 1) % current_block.fiber_count;
    if (current_block.fibers[current_block.turn]->state == READY) return current_block.fibers[current_block.turn];
  }
  return NULL;
}

/* The fiber that runs when the current one cannot. */
static inline fiber *next_fiber() {
  if (current_block.next < current_block.threads) return started_fiber();
  if (fiber *ready = ready_fiber()) return ready;
  if (current_block.ended == current_block.threads) return current_block.fibers[0];
  release();
  if (fiber *ready = ready_fiber()) return ready;
  fprintf(stderr, "cuda-emulation: the threads of a block wait for each other at different barriers\n");
  abort();
}

static inline void sleep_in(fiber_state state, unsigned mask) {
  fiber *self = current_block.current;
  self->state = state;
  self->mask = mask;
  fiber *next = next_fiber();
  if (next != self) {
    current_block.current = next;
    swapcontext(&self->context, &next->context);
  }
  current_block.current = self;
  self->state = READY;
}

static inline void wait_in(fiber_state state, unsigned mask) {
  const unsigned thread = current_block.current->thread;
  sleep_in(state, mask);
  place_thread(thread);
}

static inline void leave_fiber() {
  current_block.current->state = UNUSED;
  fiber *next = next_fiber();
  current_block.current = next;
  setcontext(&next->context);
}

/* The caller's fiber comes back from its sleep when all threads have ended. */
static inline void run_block() {
  current_block.next = current_block.ended = current_block.turn = 0;
  memset(current_block.has_ended, 0, current_block.threads);
  current_block.current = current_block.fibers[0];
  current_block.fibers[0]->state = READY;
  run_threads();
  if (current_block.ended < current_block.threads) sleep_in(AT_END, 0);
}

static inline bool is_possible(dim3 grid, dim3 threads) {
  const uint64_t count = (uint64_t)threads.x * threads.y * threads.z;
  return count >= 1 && count <= MOST_THREADS && threads.z <= 64 && grid.x >= 1 && grid.y >= 1 && grid.z >= 1 &&
         grid.x <= 0x7fffffffu && grid.y <= 65535 && grid.z <= 65535;
}

template <class Body> static void launch(dim3 grid, dim3 threads, const Body &body) {
  if (!is_possible(grid, threads)) {
    record(cudaErrorInvalidConfiguration);
    return;
  }
  gridDim = grid;
  blockDim = threads;
  current_block.threads = threads.x * threads.y * threads.z;
  current_block.body = [](const void *arguments) { (*(const Body *)arguments)(); };
  current_block.arguments = &body;
  current_block.fibers[0] = &caller;
  if (current_block.fiber_count == 0) current_block.fiber_count = 1;
  guard(true);
  for (blockIdx.z = 0; blockIdx.z < grid.z; blockIdx.z++)
    for (blockIdx.y = 0; blockIdx.y < grid.y; blockIdx.y++)
      for (blockIdx.x = 0; blockIdx.x < grid.x; blockIdx.x++) run_block();
  guard(false);
}

} // namespace lap_emulation

#define LAP_LAUNCH(kernel, grid, threads, shared_bytes, stream, ...) \
  ((void)(shared_bytes), (void)(stream), lap_emulation::launch(grid, threads, [&]() { kernel(__VA_ARGS__); }))

/* ---- What threads do together ---------------------------------------------------------------------------------- */

static inline void __syncthreads() { lap_emulation::wait_in(lap_emulation::AT_BARRIER, 0); }
static inline void __syncwarp(unsigned mask = 0xffffffffu) { lap_emulation::wait_in(lap_emulation::AT_WARP_BARRIER, mask); }

namespace lap_emulation {

/* Each lane shows a value, then reads that of the lane which `choose` gives; its own where there is no such lane. */
template <class T, class Choose> static T exchange(unsigned mask, T value, int width, Choose choose) {
  static_assert(sizeof(T) <= sizeof(uint64_t), "lanes exchange at most 8 bytes");
  const unsigned thread = current_block.current->thread;
  const int lane = (int)(thread % (unsigned)width), source = choose(lane);
  memcpy(&current_block.exchanged[thread], &value, sizeof value);
  __syncwarp(mask);
  const unsigned from = thread - (unsigned)lane + (unsigned)source;
  T result = value;
  if (source >= 0 && source < width && from < current_block.threads) memcpy(&result, &current_block.exchanged[from], sizeof result);
  __syncwarp(mask);
  return result;
}

} // namespace lap_emulation

template <class T> static T __shfl_sync(unsigned mask, T value, int lane, int width = warpSize) {
  return lap_emulation::exchange(mask, value, width, [=](int) { return lane & (width - 1); });
}
template <class T> static T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize) {
  return lap_emulation::exchange(mask, value, width, [=](int own) { return own - (int)delta; });
}
template <class T> static T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize) {
  return lap_emulation::exchange(mask, value, width, [=](int own) { return own + (int)delta; });
}
template <class T> static T __shfl_xor_sync(unsigned mask, T value, int bits, int width = warpSize) {
  return lap_emulation::exchange(mask, value, width, [=](int own) { return own ^ bits; });
}

static inline unsigned __ballot_sync(unsigned mask, int predicate) {
  using lap_emulation::current_block;
  const unsigned thread = current_block.current->thread, first = thread / warpSize * warpSize;
  current_block.exchanged[thread] = predicate != 0;
  __syncwarp(mask);
  unsigned votes = 0;
  for (unsigned lane = 0; lane < warpSize && first + lane < current_block.threads; lane++)
    if ((mask >> lane & 1) && !current_block.has_ended[first + lane] && current_block.exchanged[first + lane]) votes |= 1u << lane;
  __syncwarp(mask);
  return votes;
}
static inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
static inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

/* Threads take turns only at barriers, so what is written plainly is atomic. */
template <class T> static T atomicCAS(T *at, T expected, T value) {
  const T old = *at;
  if (old == expected) *at = value;
  return old;
}
template <class T> static T atomicExch(T *at, T value) {
  const T old = *at;
  return *at = value, old;
}
template <class T> static T atomicAdd(T *at, T value) {
  const T old = *at;
  return *at = old + value, old;
}
template <class T> static T atomicMax(T *at, T value) {
  const T old = *at;
  return *at = old < value ? value : old, old;
}
template <class T> static T atomicMin(T *at, T value) {
  const T old = *at;
  return *at = value < old ? value : old, old;
}

#endif
