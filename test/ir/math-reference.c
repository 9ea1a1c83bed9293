/* What `math-harness.c` compares with: the C library in the next wider format. */
#include <math.h>
#include "generated.h"

#ifdef FLOAT32
typedef float value;
typedef double wide;
#define CALL(name) name
#else
typedef double value;
typedef long double wide;
#define CALL(name) name##l
#endif

static inline double sigmoid(double x) {
  double e = exp(-fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

static inline long double sigmoidl(long double x) {
  long double e = expl(-fabsl(x));
  return (x < 0 ? e : 1) / (1 + e);
}

#define DEFINE(name) \
  void reference_##name(const value *restrict a, wide *restrict r, int n); \
  void reference_##name(const value *restrict a, wide *restrict r, int n) { \
    for (int i = 0; i < n; i++) r[i] = CALL(name)((wide)a[i]); \
  }
UNARY(DEFINE)
