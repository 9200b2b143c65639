/*
 * fold_avx512.c - the loops of fold.h for AVX-512.
 */
#ifdef __x86_64__
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define ROWS wn_fold_avx2.rows(step, type, length)
#define LOOPS wn_fold_avx512
#include "run/fold_loops.h"
#else
typedef int nothing; /* C has no empty files */
#endif
