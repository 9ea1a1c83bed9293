/* Measures expanded math functions against the C library in higher precision. Built with one of FLOAT32, FLOAT64;
   `generated.h` lists the functions, compiled twice: with and without fusing of products into sums. Prints a line each:
   name, mode, largest error in ULP, where. Arguments: stride over all bit patterns, seed count of random blocks. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "generated.h"

#ifdef FLOAT32
typedef float value;
typedef double wide;
typedef uint32_t word;
#define PRECISION 24
#define LEAST_EXPONENT (-125)
#define LIMIT 0x1p128
#define CALL(name) name
#else
typedef double value;
typedef long double wide;
typedef uint64_t word;
#define PRECISION 53
#define LEAST_EXPONENT (-1021)
#define LIMIT 0x1p1024L
#define CALL(name) name##l
#endif

enum { BLOCK = 4096 };
typedef void unary(const value *, value *, int);
typedef void binary(const value *, const value *, value *, int);
typedef void reference(const value *, wide *, int);

#define DECLARE(name) unary strict_##name, fused_##name; reference reference_##name;
UNARY(DECLARE)
binary strict_pow, fused_pow, strict_fmod, fused_fmod;

static const struct { const char *name; unary *modes[2]; reference *reference; } functions[] = {
#define ENTRY(name) { #name, { strict_##name, fused_##name }, reference_##name },
  UNARY(ENTRY)
};
static const char *const modes[2] = { "strict", "fused" };
static const wide special[] = { 0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, -1.5, INFINITY, -INFINITY, NAN, 33, -33, 1e10,
  -1e10, 1e-10, -1e-10, 16777215, 16777216, -16777215, 8388607.5, 1e30, -1e30, 88.7, 89.3, -103.9, 709.7, 710.4, -745.1,
#ifdef FLOAT32
  0x1p-149, -0x1p-149, 0x1p-126, 0x1.fffffep127, -0x1.fffffep127, 0x1.fffffep-1, 0x1.000002p0, -0x1.000002p0 };
#else
  0x1p-1074, -0x1p-1074, 0x1p-1022, 0x1.fffffffffffffp1023, -0x1.fffffffffffffp1023, 0x1.fffffffffffffp-1, 1e300,
  0x1.0000000000001p0, -0x1.0000000000001p0 };
#endif
enum { SPECIAL = sizeof special / sizeof *special };

static value a[BLOCK], b[BLOCK], results[2][BLOCK];
static wide expected[BLOCK];
static uint64_t state = 88172645463325252u;

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * 2685821657736338717u;
}

static double uniform(void) { return (double)(next() >> 11) * 0x1p-53; }
static value from_bits(uint64_t bits) {
  word w = (word)bits;
  value result;
  memcpy(&result, &w, sizeof result);
  return result;
}

static double error(value got, wide want) {
  if (isnan(want)) return isnan(got) ? 0 : INFINITY;
  if (isnan(got) || ((got == 0 || want == 0) && !signbit(got) != !signbit(want))) return INFINITY;
  wide g = got > (wide)LIMIT ? (wide)LIMIT : got < -(wide)LIMIT ? -(wide)LIMIT : (wide)got;
  wide w = want > (wide)LIMIT ? (wide)LIMIT : want < -(wide)LIMIT ? -(wide)LIMIT : want;
  int exponent = LEAST_EXPONENT;
  if (w != 0) CALL(frexp)(w, &exponent);
  if (exponent < LEAST_EXPONENT) exponent = LEAST_EXPONENT;
  if (exponent > -LEAST_EXPONENT + 3) exponent = -LEAST_EXPONENT + 3;
  return (double)CALL(fabs)(CALL(ldexp)(g - w, PRECISION - exponent));
}

#ifdef FLOAT32
/* The same as `error`, without calls, so that it vectorizes; -1 asks for `error`. */
static double quick_error(value got, wide want) {
  uint64_t bits;
  memcpy(&bits, &want, 8);
  bits &= UINT64_C(0x7ff) << 52;
  int ordinary = bits >= UINT64_C(1023 - 126) << 52 && bits < UINT64_C(1023 + 127) << 52;
  double scale;
  bits = (UINT64_C(2046) << 52) - bits;
  memcpy(&scale, &bits, 8);
  double difference = ((double)got - want) * scale * 0x1p23;
  difference = difference < 0 ? -difference : difference;
  return ordinary && difference < 1e6 ? difference : -1;
}
#else
static double quick_error(value got, wide want) { (void)got; (void)want; return -1; }
#endif

typedef struct { double error[2]; value at[2][2]; } worst;

static void compare(worst *w, int two) {
  static double errors[BLOCK];
  for (int mode = 0; mode < 2; mode++) {
    double largest = 0;
    int odd = 0;
    for (int i = 0; i < BLOCK; i++) errors[i] = quick_error(results[mode][i], expected[i]);
    for (int i = 0; i < BLOCK; i++) {
      odd |= errors[i] < 0;
      largest = errors[i] > largest ? errors[i] : largest;
    }
    if (!odd && largest <= w->error[mode]) continue;
    for (int i = 0; i < BLOCK; i++) {
      double e = errors[i] < 0 ? error(results[mode][i], expected[i]) : errors[i];
      if (e <= w->error[mode]) continue;
      w->error[mode] = e;
      w->at[mode][0] = a[i];
      w->at[mode][1] = two ? b[i] : 0;
    }
  }
}

static void report(const char *name, const worst *w) {
  for (int mode = 0; mode < 2; mode++) {
    printf("%s %s %.4f %a %a\n", name, modes[mode], w->error[mode], (double)w->at[mode][0], (double)w->at[mode][1]);
  }
  fflush(stdout);
}

static void run_unary(int k, worst *w) {
  functions[k].modes[0](a, results[0], BLOCK);
  functions[k].modes[1](a, results[1], BLOCK);
  functions[k].reference(a, expected, BLOCK);
  compare(w, 0);
}

/* Random numbers of moderate size, which random bits seldom give. */
static void moderate(void) {
  for (int i = 0; i < BLOCK; i++) a[i] = (value)ldexp(2 * uniform() - 1, (int)(next() % 40) - 24);
}

static void fill_powers(int kind) {
  for (int i = 0; i < BLOCK; i++) {
    a[i] = from_bits(next());
    b[i] = from_bits(next());
    if (kind == 0) continue;
    a[i] = kind == 1 ? (value)ldexp(1 + uniform(), (int)(next() % 20) - 10) : (value)(1 + (uniform() - 0.5) * 0.1);
    double logarithm = log2(a[i]);
    b[i] = (value)((2 * uniform() - 1) * (PRECISION == 24 ? 150 : 1076) / (logarithm == 0 ? 1 : logarithm));
  }
}

static void fill_remainders(int kind) {
  for (int i = 0; i < BLOCK; i++) {
    uint64_t bits = next();
    a[i] = from_bits(bits);
    if (kind == 0) bits = next();
    if (kind == 1) bits = next() & ~((UINT64_C(0x7ff) << 52) | (UINT64_C(0xff) << 23));
    if (kind == 2) bits = (bits - ((next() % 20) << (PRECISION - 1))) ^ (next() & ((UINT64_C(1) << (PRECISION - 1)) - 1));
    b[i] = from_bits(bits);
  }
}

static void run_binary(binary *const run[2], int is_pow, worst *w) {
  for (int mode = 0; mode < 2; mode++) run[mode](a, b, results[mode], BLOCK);
  for (int i = 0; i < BLOCK; i++) {
    expected[i] = is_pow ? CALL(pow)((wide)a[i], (wide)b[i]) : CALL(fmod)((wide)a[i], (wide)b[i]);
  }
  compare(w, 1);
}

static void all_pairs(binary *const run[2], int is_pow, worst *w) {
  for (int i = 0; i < SPECIAL; i++) {
    for (int k = 0; k < BLOCK; k++) {
      a[k] = (value)special[i];
      b[k] = (value)special[k % SPECIAL];
    }
    run_binary(run, is_pow, w);
  }
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  uint64_t stride = strtoull(arguments[1], 0, 10);
  int blocks = atoi(arguments[2]);
  for (int k = 0; k < (int)(sizeof functions / sizeof *functions); k++) {
    if (count > 3 && strcmp(arguments[3], functions[k].name) != 0) continue;
    worst w = { { -1, -1 }, { { 0 } } };
    for (int i = 0; i < BLOCK; i++) a[i] = (value)special[i % SPECIAL];
    run_unary(k, &w);
    for (int block = 0; block < blocks; block++) {
      if (block % 2) moderate();
      else for (int i = 0; i < BLOCK; i++) a[i] = from_bits(next());
      run_unary(k, &w);
    }
#ifdef FLOAT32
    for (uint64_t bits = 0; stride != 0 && bits < UINT64_C(1) << 32;) {
      for (int i = 0; i < BLOCK; i++, bits += stride) a[i] = from_bits(bits);
      run_unary(k, &w);
    }
#endif
    report(functions[k].name, &w);
  }
  if (count > 3) return 0;
  binary *const powers[2] = { strict_pow, fused_pow }, *const remainders[2] = { strict_fmod, fused_fmod };
  worst power = { { -1, -1 }, { { 0 } } }, remainder = { { -1, -1 }, { { 0 } } };
  all_pairs(powers, 1, &power);
  all_pairs(remainders, 0, &remainder);
  for (int block = 0; block < 3 * blocks; block++) {
    fill_powers(block % 3);
    run_binary(powers, 1, &power);
    fill_remainders(block % 3);
    run_binary(remainders, 0, &remainder);
  }
  report("pow", &power);
  report("fmod", &remainder);
  return 0;
}
