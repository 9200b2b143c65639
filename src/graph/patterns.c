/*
 * patterns.c - comparisons of f16 and bf16 with constants as ranges of bit patterns.
 *
 * The patterns, as unsigned integers, lie in this order, with `sign` = 2^15 and `inf` that of infinity:
 *
 *     0 .. inf        +0, then the positive numbers, rising      sign .. sign + inf     -0, then the negative numbers, falling
 *     .. sign - 1     NaNs                                       .. 2 sign - 1          NaNs
 *
 * So what is above a number >= 0, or below one <= 0, is one range that ends with an infinity. What is below a number above 0 is
 * two, with the NaNs between them; so is x <= 0, of which +0 is a part.
 */
#include "graph/patterns.h"

static unsigned infinity_of(wn_type type) {
    return type == WN_F16 ? 0x7c00 : 0x7f80;
}

/* x != 0, or x == 0 */
static pattern_range find_truth(bool unequal) {
    pattern_range zero = {.first = 0, .count = 1, .of_magnitude = true};
    pattern_range others = {.first = 1, .count = PATTERN_SIGN - 1, .of_magnitude = true};
    return unequal ? others : zero;
}

/* x == c, or x != c, for a c that is no NaN. */
static pattern_range find_equal(unsigned c, bool unequal) {
    if ((c & (PATTERN_SIGN - 1)) == 0) return find_truth(unequal);
    return unequal ? (pattern_range){.first = (c + 1) & PATTERN_ALL, .count = PATTERN_ALL}
                   : (pattern_range){.first = c, .count = 1};
}

/* x < c or x <= c for a c below 0, x < 0; the same upwards. */
static bool find_beyond(wn_type type, op o, unsigned c, pattern_range *range) {
    unsigned magnitude = c & (PATTERN_SIGN - 1);
    bool below = o == OP_less || o == OP_less_equal, strict = o == OP_less || o == OP_greater;
    if (magnitude == 0 ? !strict : below != (c >= PATTERN_SIGN)) return false;
    range->first = (below ? PATTERN_SIGN : 0) + magnitude + strict;
    range->count = infinity_of(type) - magnitude + !strict;
    return true;
}

static bool find_comparison(wn_type type, op o, unsigned c, pattern_range *range) {
    if ((c & (PATTERN_SIGN - 1)) > infinity_of(type)) return false; /* a NaN */
    if (o != OP_equal && o != OP_not_equal) return find_beyond(type, o, c, range);
    *range = find_equal(c, o == OP_not_equal);
    return true;
}

bool wn_find_patterns(const wn_graph *g, const node *n, pattern_range *range) {
    const node *a = graph_node(g, n->args[0]), *b = graph_node(g, n->args[1]);
    wn_type type = (wn_type)a->type;
    pattern_range found = {.count = 0};
    if (n->type != WN_BOOL || !type_is_half(type)) return false;
    if (n->op == OP_cast) {
        *range = find_truth(true);
        return true;
    }
    if (n->op < OP_equal || n->op > OP_greater_equal) return false;
    bool turned = a->op == OP_constant;
    op o = (op)(turned ? wn_op_row((op)n->op)->mirror : n->op);
    if ((turned ? a : b)->op != OP_constant) return false;
    if (!find_comparison(type, o, (unsigned)(turned ? a : b)->bits, &found)) return false;
    found.operand = turned;
    *range = found;
    return true;
}

/* ---- Graphs --------------------------------------------------------------------------------------------------------- */

static bool takes_floats(const wn_graph *g, const node *n) {
    bool floats = type_is_float((wn_type)n->type);
    for (int i = 0; i < node_arity(n); i++)
        floats |= type_is_float((wn_type)graph_node(g, n->args[i])->type);
    return floats;
}

static bool computes(const wn_graph *g, const node *n) {
    bool is_computed = op_is_elementwise((op)n->op) || op_is_reduction((op)n->op) || n->op == OP_nonzero;
    pattern_range range;
    if (!is_computed || n->op == OP_where || op_reads_bits((op)n->op) || !takes_floats(g, n))
        return false;
    return !wn_find_patterns(g, n, &range);
}

bool wn_computes_floats(const wn_graph *g) {
    for (node_id id = 1; id < g->node_count; id++)
        if (computes(g, graph_node(g, id))) return true;
    return false;
}
