/*
 * fold.c - the loops of fold.h for any machine, and which to take.
 */
#define TARGET
#define ROWS NULL
#define LOOPS wn_fold_any
#include "run/fold_loops.h"

const fold_loops *wn_fold_loops(wn_isa isa) {
#ifdef __x86_64__
    if (isa == WN_ISA_X86_64_V4) return &wn_fold_avx512;
    if (isa == WN_ISA_X86_64_V3) return &wn_fold_avx2;
#endif
    (void)isa;
    return &wn_fold_any;
}
