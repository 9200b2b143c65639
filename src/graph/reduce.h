/*
 * reduce.h - one row of a reduction, fed in pieces and in parts: what the interpreter and the run share.
 *
 *     reduce_state s;
 *     wn_reduce_begin(&s, OP_sum, WN_F32, 0);
 *     wn_reduce_add(&s, values, selected, n);      as often as there are pieces, in order of places
 *     status = wn_reduce_finish(&s, &bits, error);
 *
 * A place is an element's number in the row: row-major within the reduced axes. Float sums and products depend on places alone:
 *
 *     lanes     place i belongs to lane i mod LANES: 64 lanes of f32, 32 of f64, 256 bytes
 *     leaf      2,048 consecutive places; a lane starts at the identity (+0, 1) and takes its elements in ascending order:
 *               lane = lane + x. What is not selected is the identity, and so is what the last leaf lacks.
 *     carry     leaf number k is carried as a binary counter does, all lanes together: while bit `level` of k is 1,
 *               leaf = stack[level] + leaf, level++; then stack[level] = leaf
 *     end       from the lowest occupied level up: sum = stack[level] + sum; no leaf at all: the identity in all lanes
 *     halves    for h = LANES / 2 down to 1, lane[j] = lane[j] + lane[j + h] for j < h; lane 0 is the sum
 */
#ifndef WN_REDUCE_H
#define WN_REDUCE_H

#include "graph/graph.h"

enum {
    REDUCE_LEAF = 2048,      /* places                                                     */
    REDUCE_LANE_BYTES = 256, /* of the lanes together                                      */
    REDUCE_LEVELS = 53       /* no row has 2^63 places: its leaves are fewer than 2^53     */
};
/* For the loops over each of them: the type, and its C type. */
#define REDUCE_INTEGERS(X)                                                                         \
    X(I8, int8_t)                                                                                  \
    X(I16, int16_t)                                                                                \
    X(I32, int32_t)                                                                                \
    X(I64, int64_t)                                                                                \
    X(U8, uint8_t)                                                                                 \
    X(U16, uint16_t)                                                                               \
    X(U32, uint32_t)                                                                               \
    X(U64, uint64_t)

static inline int reduce_lanes(wn_type type) {
    return REDUCE_LANE_BYTES / (type == WN_F32 ? 4 : 8);
}

typedef union reduce_vector {
    float f32[REDUCE_LANE_BYTES / 4];
    double f64[REDUCE_LANE_BYTES / 8];
} reduce_vector;

/* 13 KiB, of which beginning touches a few bytes. */
typedef struct reduce_state {
    op op;
    wn_type type;  /* of the elements                                                            */
    uint64_t bits; /* a reduction node's: REDUCE_NEUTRAL and REDUCE_PACKED matter                */
    int64_t places, selected; /* so far                                                         */
    uint64_t value; /* count, any, all: how many are true; sum, prod, mean of integers: the sum or product; min, max and arg: the best, as a key */
    int64_t best; /* argmin, argmax: its place; of PACKED: its place among the selected           */
    uint64_t leaves; /* float sum, prod, mean: how many; its bits say which levels are occupied    */
    reduce_vector stack[REDUCE_LEVELS];
} reduce_state;

/* Begin a row of elements of a type that the node takes (reductions.def). */
void wn_reduce_begin(reduce_state *s, op o, wn_type type, uint64_t bits);

/*
 * The next n places. Every piece of a row but the last is of whole leaves. `selected` has a byte each, not 0 if the place is
 * selected; NULL if all are. Contiguous, and aligned as the type.
 */
void wn_reduce_add(reduce_state *s, const void *values, const uint8_t *selected, int64_t n);

/*
 * The next part of the row, begun and fed as a row of its own. For a float sum, prod or mean the part has at most 2^k leaves, and as
 * many leaves as a multiple of 2^k come before it: then the bits are those of one row.
 */
void wn_reduce_merge(reduce_state *s, const reduce_state *part);

/* A float sum, prod or mean of so many leaves, joined level by level as in `stack`, of which `selected` elements are the mean's. */
uint64_t wn_reduce_tree(op o, wn_type type, uint64_t leaves, const reduce_vector *levels,
                        int64_t selected);

/* A mean of integers, of their sum and how many they are. */
uint64_t wn_reduce_mean(uint64_t sum, int64_t selected);

/* Whether element x wins against y: 1, or 0 if they are equal, or -1; by argmin or argmax, and neither is a NaN. */
int wn_reduce_compare(op o, wn_type type, uint64_t x, uint64_t y);

/* The result, as a constant stores it. WN_ERROR_ARGUMENT if it is of nothing and has none. The state stays as it is. */
wn_status wn_reduce_finish(const reduce_state *s, uint64_t *bits, wn_error *error);

#endif
