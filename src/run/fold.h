/*
 * fold.h - loops over columns: many reductions at once, an accumulator each, side by side in memory.
 *
 * Elements have the types that reductions take, but that of floats in order are keys, integers (see keys), and that truths
 * are counted in u8. Every loop runs along contiguous memory, so the compiler makes vectors of it, for each instruction set
 * that a kernel may be compiled for.
 */
#ifndef WN_FOLD_H
#define WN_FOLD_H

#include "graph/reduce.h"

typedef enum fold_step { FOLD_ADD, FOLD_MULTIPLY, FOLD_LEAST, FOLD_GREATEST } fold_step;

/* to[j] = to[j] + x[j], then + x[j + pitch] and so on, `times` times; for each j < n. */
typedef void fold_fn(void *to, const void *x, int64_t n, int64_t times, int64_t pitch);
/* to[i] = row i of x joined to one, of n rows of `length` elements, 2 to FOLD_LONG_ROW; sums of floats as the tree of
   graph/reduce.h is, the least and greatest as keys. */
typedef void fold_rows_fn(void *to, const void *x, int64_t n, int64_t length);
#define FOLD_ROW 8        /* shorter ones, and these, are transposed */
#define FOLD_LONG_ROW 255 /* as many truths fit in a byte            */
/* Where x[j] is selected, and wins over to[j] or is the first (places[j] < 0): to[j] = x[j], places[j] = at, or counts[j]. */
typedef struct fold_place {
    int64_t *places;
    const uint8_t *selected; /* 0 or 1; NULL: all are    */
    const int64_t *counts;   /* or NULL; with `selected` */
    int64_t at;
} fold_place;

/* `size` is an element's; `least` says min or argmin, else max or argmax. */
typedef struct fold_loops {
    /* NULL if no reduction needs it; of rows, where they are no faster than columns. */
    fold_fn *(*of)(fold_step step, wn_type type);
    fold_rows_fn *(*rows)(fold_step step, wn_type type, int64_t length);
    void (*place)(bool least, wn_type type, void *to, const void *x, int64_t n, const fold_place *p);
    /* Of two bests at two places the better, or of equals the earlier; places are in any order. */
    void (*join_places)(bool least, wn_type type, void *to, int64_t *places, const void *x,
                        const int64_t *x_places, int64_t n);
    void (*fill)(uint8_t size, void *x, uint64_t bits, int64_t n);
    /* What is not selected (0, else 1) becomes the identity. */
    void (*blend)(uint8_t size, void *x, const uint8_t *selected, uint64_t identity, int64_t n);
    /* Any byte but 0 becomes 1. */
    void (*truths)(uint8_t *x, int64_t n);
    /* f32, f64 to the integers that are ordered as min and max order floats; a NaN lies beyond all that win. one_zero: -0 is +0. */
    void (*keys)(wn_type type, bool least, bool one_zero, void *x, int64_t n);
    /* And back. */
    void (*unkey)(wn_type type, void *x, int64_t n);
    /* to[j] += x[j], and x[j] = 0. */
    void (*flush)(int64_t *to, uint8_t *x, int64_t n);
    void (*widen)(int64_t *to, const uint8_t *x, int64_t n);
    /* By by[j], or NULL: by `all`; what 64-bit integers come to is f64. */
    void (*divide)(wn_type type, void *x, const int64_t *by, int64_t all, int64_t n);
    /* Whether there is any, or as many as in `of`, or NULL: as `all`. */
    void (*decide)(bool any, uint8_t *to, const int64_t *trues, const int64_t *of, int64_t all,
                   int64_t n);
    /* The first of n elements, here no keys, that is equal to one, which is no NaN, and selected (NULL: all are); 0 if there is none. */
    int64_t (*find)(wn_type type, const void *x, const uint8_t *selected, int64_t n, uint64_t bits);
} fold_loops;

/* The loops for an instruction set; for any machine, for AVX2, for AVX-512. */
const fold_loops *wn_fold_loops(wn_isa isa);
extern const fold_loops wn_fold_any, wn_fold_avx2, wn_fold_avx512;

#endif
