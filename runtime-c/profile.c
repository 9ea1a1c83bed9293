/* A sampling profiler, linked into an executable to learn which kernels its time goes to. At exit it writes to the
 * file that $LAPIDARY_PROFILE names: first the address of main, then where the program was at each tick. */
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <ucontext.h>

enum { MOST_SAMPLES = 1 << 18, TICK_MICROSECONDS = 1000 };
static uintptr_t samples[MOST_SAMPLES];
static volatile sig_atomic_t sample_count;

extern int main(int count, char **texts);

static void on_tick(int number, siginfo_t *info, void *context) {
  const ucontext_t *at = context;
  (void)number, (void)info;
  if (sample_count >= MOST_SAMPLES) return;
#if defined(__x86_64__)
  samples[sample_count] = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#else
  samples[sample_count] = (uintptr_t)at->uc_mcontext.pc;
#endif
  sample_count++;
}

static void tick_every(int microseconds) {
  struct itimerval timer;
  timer.it_interval.tv_sec = timer.it_value.tv_sec = 0;
  timer.it_interval.tv_usec = timer.it_value.tv_usec = microseconds;
  setitimer(ITIMER_PROF, &timer, NULL);
}

__attribute__((constructor)) static void start_profile(void) {
  struct sigaction action = {0};
  action.sa_sigaction = on_tick;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGPROF, &action, NULL);
  tick_every(TICK_MICROSECONDS);
}

__attribute__((destructor)) static void finish_profile(void) {
  const char *path = getenv("LAPIDARY_PROFILE");
  FILE *file = path == NULL ? NULL : fopen(path, "w");
  tick_every(0);
  if (file == NULL) return;
  fprintf(file, "%" PRIuPTR "\n", (uintptr_t)main);
  for (int i = 0; i < sample_count; i++) fprintf(file, "%" PRIuPTR "\n", samples[i]);
  fclose(file);
}
#else
typedef int no_profile_on_this_machine;
#endif
