/*
 * patterns.h - which comparisons of f16 and bf16 are made of their bits, and whether a graph needs the floating-point environment.
 *
 * An integer comparison need not widen them, raises no exception and knows no mode that takes subnormals for 0. For f32 and f64 it would be one
 * instruction more.
 */
#ifndef WN_PATTERNS_H
#define WN_PATTERNS_H

#include "graph/graph.h"

/* The sign bit, and all bits. */
enum { PATTERN_SIGN = 0x8000, PATTERN_ALL = 0xffff };

/* The bit patterns for which a comparison with a constant is true: `count` unsigned integers from `first` on, and behind the
   greatest one 0 again. of_magnitude: they lack the sign bit, which may be either. */
typedef struct pattern_range {
    unsigned first, count;
    bool of_magnitude;
    uint8_t operand; /* what is compared; the other one is the constant */
} pattern_range;

/* Whether a node is such a comparison, or a cast to bool, and its patterns are one range; if not, `range` stays as it is. */
bool wn_find_patterns(const wn_graph *g, const node *n, pattern_range *range);

/* Operations that look at a float's bits, or change its sign bit, whatever the type. */
static inline bool op_reads_bits(op o) {
    return o == OP_negative || o == OP_abs || (o >= OP_is_nan && o <= OP_is_finite);
}

/* Whether anything in a graph is computed or compared as a float: if not, no run depends on the floating-point environment, or changes it. */
bool wn_computes_floats(const wn_graph *g);

#endif
