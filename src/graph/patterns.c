/*
 * patterns.c - comparisons of floats with constants as ranges of bit patterns.
 *
 * The patterns of a type of n bits, as unsigned integers, lie in this order, with `sign` = 2^(n - 1) and `inf` that of infinity:
 *
 *     0 .. inf        +0, then the positive numbers, rising      sign .. sign + inf     -0, then the negative numbers, falling
 *     .. sign - 1     NaNs                                       .. 2 sign - 1          NaNs
 *
 * So what is above a number >= 0, or below one <= 0, is one range that ends with an infinity. What is below a number above 0 is
 * two, with the NaNs between them; so is x <= 0, of which +0 is a part.
 */
#include "graph/patterns.h"

static uint64_t sign_of(wn_type type) {
    return (uint64_t)1 << (8 * wn_type_size(type) - 1);
}

static uint64_t infinity_of(wn_type type) {
    switch ((int)type) {
    case WN_F16: return 0x7c00;
    case WN_BF16: return 0x7f80;
    case WN_F32: return 0x7f800000;
    default: return 0x7ff0000000000000;
    }
}

/* x != 0, or x == 0 */
static pattern_range find_truth(wn_type type, bool unequal) {
    pattern_range zero = {.first = 0, .count = 1, .of_magnitude = true};
    pattern_range others = {.first = 1, .count = sign_of(type) - 1, .of_magnitude = true};
    return unequal ? others : zero;
}

/* x == c, or x != c, for a c that is no NaN. */
static pattern_range find_equal(wn_type type, uint64_t c, bool unequal) {
    uint64_t all = 2 * (sign_of(type) - 1) + 1;
    if ((c & (sign_of(type) - 1)) == 0) return find_truth(type, unequal);
    return unequal ? (pattern_range){.first = (c + 1) & all, .count = all}
                   : (pattern_range){.first = c, .count = 1};
}

/* x < c or x <= c for a c below 0, x < 0; the same upwards. */
static bool find_beyond(wn_type type, op o, uint64_t c, pattern_range *range) {
    uint64_t sign = sign_of(type), infinity = infinity_of(type), magnitude = c & (sign - 1);
    bool below = o == OP_less || o == OP_less_equal, strict = o == OP_less || o == OP_greater;
    if (magnitude == 0 ? !strict : below != (c >= sign)) return false;
    range->first = (below ? sign : 0) + magnitude + strict;
    range->count = infinity - magnitude + !strict;
    return true;
}

static bool find_comparison(wn_type type, op o, uint64_t c, pattern_range *range) {
    if ((c & (sign_of(type) - 1)) > infinity_of(type)) return false; /* a NaN */
    if (o != OP_equal && o != OP_not_equal) return find_beyond(type, o, c, range);
    *range = find_equal(type, c, o == OP_not_equal);
    return true;
}

bool wn_find_patterns(const wn_graph *g, const node *n, pattern_range *range) {
    const node *a = graph_node(g, n->args[0]), *b = graph_node(g, n->args[1]);
    wn_type type = (wn_type)a->type;
    pattern_range found = {.count = 0};
    if (n->type != WN_BOOL || !type_is_float(type)) return false;
    if (n->op == OP_cast) {
        *range = find_truth(type, true);
        return true;
    }
    if (n->op < OP_equal || n->op > OP_greater_equal) return false;
    bool turned = a->op == OP_constant;
    op o = (op)(turned ? wn_op_row((op)n->op)->mirror : n->op);
    if ((turned ? a : b)->op != OP_constant) return false;
    if (!find_comparison(type, o, (turned ? a : b)->bits, &found)) return false;
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

/* where(x < c, c, x), which is one instruction of floats (vmaxps), and would be three of integers. */
static bool is_limit(const wn_graph *g, const node *n) {
    const node *c = graph_node(g, n->args[0]);
    bool orders = c->op >= OP_less && c->op <= OP_greater_equal;
    return orders && ((c->args[0] == n->args[1] && c->args[1] == n->args[2]) ||
                      (c->args[0] == n->args[2] && c->args[1] == n->args[1]));
}

static float_use use_of(const wn_graph *g, const node *n) {
    bool computes = op_is_elementwise((op)n->op) || op_is_reduction((op)n->op) || n->op == OP_nonzero;
    pattern_range range;
    if (!computes || op_reads_bits((op)n->op) || !takes_floats(g, n)) return FLOATS_MOVED;
    if (n->op == OP_where)
        return is_limit(g, n) && wn_type_size((wn_type)n->type) > 2 ? FLOATS_COMPUTED : FLOATS_MOVED;
    if (!wn_find_patterns(g, n, &range)) return FLOATS_COMPUTED;
    bool is_half = wn_type_size((wn_type)graph_node(g, n->args[0])->type) == 2;
    return is_half ? FLOATS_MOVED : FLOATS_COMPARED;
}

float_use wn_float_use(const wn_graph *g) {
    float_use most = FLOATS_MOVED;
    for (node_id id = 1; id < g->node_count; id++) {
        float_use use = use_of(g, graph_node(g, id));
        if (use > most) most = use;
    }
    return most;
}
