/*
 * hand.h - the yardstick: loops that an expert would write with intrinsics for one expression and one instruction set.
 *
 * Each loop exists as wn_hand_<name>_avx2 and wn_hand_<name>_avx512, in the file whose name ends so: the only files that
 * are compiled for more than the baseline. Ask the processor before calling one.
 *
 * The loops have it easier than Winnow's kernels: n is a multiple of 64 (so there are no tails), every array begins at a
 * multiple of 64 bytes, and a packed output has room for n elements. A loop returns how many elements it wrote, or
 * counted. `_stream` are the same with non-temporal stores, for outputs that no cache holds. A reduction writes one element; `_ahead` are the same with
 * prefetching, for inputs that no cache holds: of two streams, the processor itself fetches too little ahead.
 */
#ifndef WN_BENCH_HAND_H
#define WN_BENCH_HAND_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct hand_inputs {
    const float *x, *a, *b, *c;
    const unsigned char *m; /* bools: 0 or 1 */
    const int32_t *i;
    const double *d;
    const float *v;             /* as many as are true in m; n are readable */
    const unsigned char *bytes; /* read's, of which there are n */
} hand_inputs;

typedef size_t hand_fn(const hand_inputs *inputs, void *out, size_t n);

/* clang-format off */
/*    name               and what it computes */
#define HAND_LOOPS(X) \
    X(where)            /* where(x < 0, 0, x) */ \
    X(where_stream) \
    X(scale)            /* x * f32(a > 0.1) */ \
    X(scale_stream) \
    X(logic)            /* (a > 0) & (b < 0.2) | !(c >= x), as bytes */ \
    X(logic_stream) \
    X(negative)         /* x[x < 0] */ \
    X(negative_stream) \
    X(both)             /* x[(a > 0) & (b < 0.2)] */ \
    X(both_stream) \
    X(count)            /* of x < 0 */ \
    X(expand)           /* expand(v, m, x) */ \
    X(sum)              /* sum(x) */ \
    X(sum_where)        /* sum(x, where=m) */ \
    X(sum_where_ahead) \
    X(sum_positive)     /* sum(x[x > 0]) */ \
    X(mean)             /* mean(x) */ \
    X(sum_f64)          /* sum(d) */ \
    X(sum_i32)          /* sum(i), an int64 */ \
    X(min)              /* min(x) */ \
    X(max)              /* max(x) */ \
    X(argmin)           /* argmin(x) */ \
    X(count_negative)   /* count(x < 0) */ \
    X(count_nonzero)    /* count(x) */ \
    X(any)              /* any(x > 2) */ \
    X(read)             /* reads all bytes, once, for no result worth having */
/* clang-format on */

#define HAND_DECLARE(name) hand_fn wn_hand_##name##_avx2, wn_hand_##name##_avx512;
HAND_LOOPS(HAND_DECLARE)
#undef HAND_DECLARE

/* Elements that are packed into a buffer before whole lines of it are streamed out: 16 KiB, less than half of an L1. */
#define HAND_BLOCK 4096
/* Elements between what is added and what is prefetched. */
#define HAND_AHEAD 1024
/* Floats in a cache line. */
#define HAND_LINE 16

typedef void hand_stream_fn(float *to, const float *from, size_t count);

/* `pack`, by way of a buffer that stays in L1, out of which `stream` stores whole lines past the caches. */
static inline size_t hand_pack_streaming(hand_fn *pack, hand_stream_fn *stream,
                                         const hand_inputs *inputs, float *out, size_t n) {
    _Alignas(64) float buffer[HAND_BLOCK + 2 * HAND_LINE];
    hand_inputs in = *inputs;
    size_t held = 0, done = 0;
    for (size_t i = 0; i < n; i += HAND_BLOCK) {
        held += pack(&in, buffer + held, n - i < HAND_BLOCK ? n - i : HAND_BLOCK);
        size_t whole = held & ~(size_t)(HAND_LINE - 1);
        stream(out + done, buffer, whole);
        memcpy(buffer, buffer + whole, HAND_LINE * sizeof(float));
        done += whole;
        held -= whole;
        in = (hand_inputs){.x = in.x + HAND_BLOCK,
                           .a = in.a + HAND_BLOCK,
                           .b = in.b + HAND_BLOCK,
                           .c = in.c + HAND_BLOCK};
    }
    memcpy(out + done, buffer, held * sizeof(float));
    return done + held;
}

#endif
