/*
 * hand.h - the yardstick: loops that an expert would write with intrinsics for one expression and one instruction set.
 *
 * Each loop exists as wn_hand_<name>_avx2 and wn_hand_<name>_avx512, in a file whose name ends so: the only files that
 * are compiled for more than the baseline. Ask the processor before calling one.
 *
 * The loops have it easier than Winnow's kernels: n is a multiple of 64 (so there are no tails), every array begins at a
 * multiple of 64 bytes with some readable bytes behind it, and a packed output has room for n elements and a vector. A loop
 * returns how many elements it wrote, or counted. `_stream` are the same with non-temporal stores, for outputs that no cache
 * holds; a reduction writes one element; `_ahead` are the same with prefetching, for inputs that no cache holds: of two
 * streams, the processor itself fetches too little ahead.
 */
#ifndef WN_BENCH_HAND_H
#define WN_BENCH_HAND_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct hand_inputs {
    const float *x, *a, *b, *c, *e, *f;
    const unsigned char *m; /* bools: 0 or 1 */
    const int32_t *i;
    const double *d;
    const float *v; /* as many as are true in m; n are readable */
    const uint8_t *u;
    const int16_t *s;
    const float *t; /* rows of three */
} hand_inputs;

typedef size_t hand_fn(const hand_inputs *inputs, void *out, size_t n);

/* From one output of several to the next: n elements and so many bytes. Inputs are as far apart. */
#define HAND_STAGGER 320

/* clang-format off */
/*    name               and what it computes */
#define HAND_LOOPS(X) \
    X(where)            /* where(x < 0, 0, x) */ \
    X(where_stream) \
    X(where_f64)        /* where(d < 0, 0, d) */ \
    X(where_f64_stream) \
    X(where_i16)        /* where(s < 0, 0, s) */ \
    X(where_i16_stream) \
    X(scale)            /* x * f32(a > 0.1) */ \
    X(scale_stream) \
    X(logic)            /* (a > 0) & (b < 0.2) | !(c >= x), as bytes */ \
    X(logic_stream) \
    X(nodes20)          /* twenty nodes over six inputs */ \
    X(nodes20_stream) \
    X(negative)         /* x[x < 0] */ \
    X(negative_stream) \
    X(negative_f64)     /* d[d < 0] */ \
    X(negative_i16)     /* s[s < 0] */ \
    X(below_u8)         /* u[u < 77] */ \
    X(both)             /* x[(a > 0) & (b < 0.2)] */ \
    X(both_stream) \
    X(masked)           /* x[m] */ \
    X(masked_stream) \
    X(masked_words)     /* the same; words of m that are all false or all true have a way of their own, sparse ones go bit by bit */ \
    X(columns)          /* x[m], a[m], b[m] */ \
    X(rows)             /* t[m] */ \
    X(rows_each)        /* the same, row by row */ \
    X(places)           /* nonzero(x < 0) */ \
    X(expand)           /* expand(v, m, x) */ \
    X(sum)              /* sum(x) */ \
    X(sum_where)        /* sum(x, where=m) */ \
    X(sum_where_ahead) \
    X(sum_positive)     /* sum(x[x > 0]) */ \
    X(mean)             /* mean(x) */ \
    X(sum_f64)          /* sum(d) */ \
    X(sum_i32)          /* sum(i), an int64 */ \
    X(sum_u8)           /* sum(u), a uint64 */ \
    X(mean_u8)          /* mean(u), a double */ \
    X(min)              /* min(x) */ \
    X(max)              /* max(x) */ \
    X(argmin)           /* argmin(x) */ \
    X(count_negative)   /* count(x < 0) */ \
    X(count_nonzero)    /* count(x) */ \
    X(any)              /* any(x > 2) */
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
        in.x += HAND_BLOCK;
        in.a += HAND_BLOCK;
        in.b += HAND_BLOCK;
        in.m += HAND_BLOCK;
    }
    memcpy(out + done, buffer, held * sizeof(float));
    return done + held;
}

/* ---- The limit: the same bytes, read and written, and nothing else ----------------------------------------------------- */

#define LIMIT_STREAMS 8

typedef struct limit_streams {
    const char *in[LIMIT_STREAMS];
    char *out[LIMIT_STREAMS];
    size_t in_bytes[LIMIT_STREAMS], out_bytes[LIMIT_STREAMS];
    size_t in_count, out_count;
    size_t steps; /* that the streams are gone through in, side by side: a power of two */
} limit_streams;

typedef void limit_fn(const limit_streams *s);

/* clang-format off */
#define LIMIT_LOOPS(X) \
    X(plain) \
    X(stream) /* stores past the caches */ \
    X(ahead)  /* prefetches */ \
    X(both)   /* does both */
/* clang-format on */
#define LIMIT_DECLARE(name) limit_fn wn_limit_##name##_avx2, wn_limit_##name##_avx512;
LIMIT_LOOPS(LIMIT_DECLARE)
#undef LIMIT_DECLARE

/* Where a step of a stream begins: whole lines. */
static inline size_t limit_place(size_t bytes, size_t step, size_t steps) {
    return bytes * step >> __builtin_ctzll(steps) & ~(size_t)63;
}

/* Streams of one length go line by line, as a loop over elements would; a constant `ins` lets the compiler write each load. */
static inline int limit_is_even(const limit_streams *s) {
    size_t bytes = s->in_bytes[0], even = 1;
    for (size_t k = 0; k < s->in_count; k++)
        even &= s->in_bytes[k] == bytes;
    for (size_t k = 0; k < s->out_count; k++)
        even &= s->out_bytes[k] == bytes;
    return even && s->out_count <= 1;
}

/*
 * The limit's loops, once for each instruction set, which says by LOAD, STORE and SIZE what a vector is. Streams of different
 * lengths go side by side in steps of a few KiB. Up to a line at the end is left out.
 */
#define LIMIT_LINE(at, SIZE, ACCESS)                                                               \
    for (size_t u = 0; u < 64; u += (SIZE))                                                        \
    ACCESS((at) + u)
#define LIMIT_EVEN(ins, SIZE, LOAD, STORE_ONE, prefetch)                                           \
    _Pragma("GCC unroll 4") for (size_t at = 0; at < bytes; at += 64) {                            \
        for (size_t k = 0; k < (ins); k++) {                                                       \
            if (prefetch) _mm_prefetch(in[k] + at + 4096, _MM_HINT_T0);                            \
            LIMIT_LINE(in[k] + at, SIZE, LOAD);                                                    \
        }                                                                                          \
        if (out) LIMIT_LINE(out + at, SIZE, STORE_ONE);                                            \
    }
#define LIMIT_LOOP(name, isa, SIZE, LOAD, STORE_ONE, prefetch, finish)                              \
    static void name##_even(const limit_streams *s) {                                               \
        const char *in[LIMIT_STREAMS];                                                              \
        char *out = s->out_count ? s->out[0] : NULL;                                                \
        size_t bytes = s->in_bytes[0];                                                              \
        for (size_t k = 0; k < LIMIT_STREAMS; k++)                                                  \
            in[k] = s->in[k];                                                                       \
        switch (s->in_count) {                                                                      \
        case 1: LIMIT_EVEN(1, SIZE, LOAD, STORE_ONE, prefetch) break;                               \
        case 2: LIMIT_EVEN(2, SIZE, LOAD, STORE_ONE, prefetch) break;                               \
        case 6: LIMIT_EVEN(6, SIZE, LOAD, STORE_ONE, prefetch) break;                               \
        default: LIMIT_EVEN(s->in_count, SIZE, LOAD, STORE_ONE, prefetch)                           \
        }                                                                                           \
    }                                                                                               \
    void wn_limit_##name##_##isa(const limit_streams *s) {                                          \
        int even = limit_is_even(s);                                                                \
        if (even) name##_even(s);                                                                   \
        for (size_t step = 0; !even && step < s->steps; step++) {                                   \
            for (size_t k = 0; k < s->in_count; k++) {                                              \
                const char *at = s->in[k] + limit_place(s->in_bytes[k], step, s->steps);            \
                const char *end = s->in[k] + limit_place(s->in_bytes[k], step + 1, s->steps);       \
                _Pragma("GCC unroll 4") for (; at < end; at += 64) {                                \
                    if (prefetch) _mm_prefetch(at + 4096, _MM_HINT_T0);                             \
                    LIMIT_LINE(at, SIZE, LOAD);                                                     \
                }                                                                                   \
            }                                                                                       \
            for (size_t k = 0; k < s->out_count; k++) {                                             \
                char *at = s->out[k] + limit_place(s->out_bytes[k], step, s->steps);                \
                char *end = s->out[k] + limit_place(s->out_bytes[k], step + 1, s->steps);           \
                _Pragma("GCC unroll 4") for (; at < end; at += 64) LIMIT_LINE(at, SIZE, STORE_ONE); \
            }                                                                                       \
        }                                                                                           \
        finish;                                                                                     \
    }

#endif
