/*
 * fold_avx2.c - the loops of fold.h for AVX2.
 */
#ifdef __x86_64__
#define TARGET __attribute__((target("avx2")))
#define LOOPS wn_fold_avx2
#include "run/fold_loops.h"
#else
typedef int nothing; /* C has no empty files */
#endif
