/*
 * patterns.h - which comparisons of floats can be made of their bits, and whether a graph needs the floating-point environment.
 *
 * An integer comparison raises no exception and knows no mode that takes subnormals for 0. f16 and bf16 are always compared so where they can be,
 * since they need not be widened. For f32 and f64 it is one instruction more, and what gains by it is a kernel that compares floats and computes
 * nothing else: its runs need not look at the environment (compares_patterns in jit/provider.h).
 */
#ifndef WN_PATTERNS_H
#define WN_PATTERNS_H

#include "graph/graph.h"

/* The bit patterns for which a comparison of a float with a constant is true: `count` unsigned integers from `first` on, and
   behind the greatest one 0 again. of_magnitude: they lack the sign bit, which may be either. */
typedef struct pattern_range {
    uint64_t first, count;
    bool of_magnitude;
    uint8_t operand; /* what is compared; the other one is the constant */
} pattern_range;

/* Whether a node is such a comparison, or a cast to bool, and its patterns are one range; if not, `range` stays as it is. */
bool wn_find_patterns(const wn_graph *g, const node *n, pattern_range *range);

/* Operations that look at a float's bits, or change its sign bit, whatever the type. */
static inline bool op_reads_bits(op o) {
    return o == OP_negative || o == OP_abs || (o >= OP_is_nan && o <= OP_is_finite);
}

typedef enum float_use {
    FLOATS_MOVED,    /* or looked at bit by bit, whatever the instruction set */
    FLOATS_COMPARED, /* in f32 and f64, as wn_find_patterns knows them        */
    FLOATS_COMPUTED
} float_use;

/* What is done to floats in a graph at most. */
float_use wn_float_use(const wn_graph *g);

#endif
