/*
 * shape.c - broadcasting of lengths, some of which are known only when a kernel runs.
 *
 * Shapes are aligned at the right and each axis is decided alone:
 *
 *   one         other                  together
 *   d           d                      d
 *   1           d                      d
 *   k           k'                     an error
 *   symbol      k, not 1               k: the symbol must turn out to be 1 or k
 *   symbol      another symbol         a new symbol of the two: equal, or one of them 1
 *   packed      anything but 1         the packed symbol: the other must turn out equal, or 1
 *   packed      another packed         the older one: they must turn out equal
 *
 * A packed length never stretches itself. What "must turn out" is checked by whoever runs the
 * graph. The table is symmetric, so the simplifier may exchange operands without changing a shape.
 */
#include "graph/graph.h"

#include <stdio.h>
#include <string.h>

static bool has_part(const wn_graph *g, dim whole, dim part) {
    const length_symbol *s = &g->symbols[~whole];
    return s->kind == SYMBOL_BROADCAST && (s->a == part || s->b == part);
}

/* Two different symbols, neither of them packed. The older one comes first, so that each pair
   has one symbol. */
static dim broadcast_symbols(wn_graph *g, dim a, dim b) {
    if (has_part(g, a, b)) return a;
    if (has_part(g, b, a)) return b;
    return a > b ? wn_symbol(g, SYMBOL_BROADCAST, a, b) : wn_symbol(g, SYMBOL_BROADCAST, b, a);
}

/* One axis. False: the lengths can never go together. */
static bool broadcast_axis(wn_graph *g, dim a, dim b, dim *together) {
    bool a_packed = dim_is_packed(g, a), b_packed = dim_is_packed(g, b);
    if (a == b || b == 1)
        *together = a;
    else if (a == 1)
        *together = b;
    else if (a_packed && b_packed)
        *together = a > b ? a : b;
    else if (a_packed)
        *together = a;
    else if (b_packed)
        *together = b;
    else if (!dim_is_known(a) && !dim_is_known(b))
        *together = broadcast_symbols(g, a, b);
    else if (dim_is_known(a) && dim_is_known(b))
        return false;
    else
        *together = dim_is_known(a) ? a : b;
    return true;
}

/* The length of a shape's axis, counted from the right; 1 beyond its rank. */
static dim axis_from_right(int rank, const dim *dims, int i) {
    return i < rank ? dims[rank - 1 - i] : 1;
}

static int fail_broadcast(wn_graph *g, op o, int a_rank, const dim *a, int b_rank, const dim *b) {
    char a_text[256], b_text[256];
    wn_graph_fail(g, WN_ERROR_SHAPE, "%s: shapes %s and %s do not broadcast", written_name(g, o),
                  wn_shape_text(a_rank, a, a_text, sizeof a_text),
                  wn_shape_text(b_rank, b, b_text, sizeof b_text));
    return -1;
}

/* Broadcast `dims`, of `rank`, with one more node's shape, in place. */
static int broadcast_node(wn_graph *g, op o, int rank, dim *dims, node_id id) {
    const node *n = graph_node(g, id);
    const dim *others = node_dims(g, n);
    int new_rank = n->rank > rank ? n->rank : rank;
    dim result[WN_MAX_RANK];
    for (int i = 0; i < new_rank; i++)
        if (!broadcast_axis(g, axis_from_right(rank, dims, i), axis_from_right(n->rank, others, i),
                            &result[new_rank - 1 - i]))
            return fail_broadcast(g, o, rank, dims, n->rank, others);
    if (!graph_ok(g)) return -1;
    memcpy(dims, result, (size_t)new_rank * sizeof *dims);
    return new_rank;
}

int wn_broadcast(wn_graph *g, op o, const node_id *args, size_t count, dim *dims) {
    int rank = 0;
    for (size_t i = 0; i < count && rank >= 0; i++)
        rank = broadcast_node(g, o, rank, dims, args[i]);
    return rank;
}

bool wn_broadcast_is_safe(int rank, const dim *dims, int result_rank, const dim *result) {
    if (rank > result_rank) return false;
    for (int i = 0; i < rank; i++) {
        dim d = axis_from_right(rank, dims, i);
        if (d != 1 && d != axis_from_right(result_rank, result, i)) return false;
    }
    return true;
}

const char *wn_shape_text(int rank, const dim *dims, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < rank && used < size; i++) {
        const char *comma = i ? ", " : "";
        int added = dim_is_known(dims[i])
                        ? snprintf(text + used, size - used, "%s%lld", comma, (long long)dims[i])
                        : snprintf(text + used, size - used, "%s?", comma);
        used += (size_t)added;
    }
    if (used < size) snprintf(text + used, size - used, "]");
    return text;
}

wn_status wn_fail_shapes(const node *n, char (*texts)[SHAPE_TEXT], bool packed, wn_error *error) {
    const char *shown[3] = {"", "", ""};
    int count = 0;
    for (int i = 0; i < wn_op_row((op)n->op)->arity; i++)
        if (strcmp(texts[i], "[]") != 0) shown[count++] = texts[i];
    bool three = count == 3;
    const char *a = shown[three], *b = shown[three + 1];
    return wn_fail(error, WN_ERROR_SHAPE, "%s: shapes %s%s%s and %s do not broadcast%s",
                   node_written_name(n), three ? shown[0] : "", three ? ", " : "", n->exchanged ? b : a,
                   n->exchanged ? a : b, packed ? ": a packed axis does not stretch" : "");
}
