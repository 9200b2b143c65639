/*
 * plan_checks.c - what must turn out about lengths that are known only when a kernel runs, and when each can be looked at.
 */
#include "jit/lower.h"

/* After how many stages a length is known. */
static uint32_t known_after(const planner *p, dim d) {
    return dim_is_packed(p->plan->graph, d) ? p->known[~d] : 0;
}

static int32_t known_before(const planner *p, dim a, dim b) {
    uint32_t x = known_after(p, a), y = known_after(p, b);
    return (int32_t)(x > y ? x : y);
}

static void add_check_of(planner *p, node_id id, bool of_v, dim a, dim b) {
    wn_plan *plan = p->plan;
    if (!wn_grow(plan->context, (void **)&plan->checks, &plan->check_room, plan->check_count + 1,
                 sizeof *plan->checks)) {
        p->failed = true;
        return;
    }
    plan->checks[plan->check_count++] = (plan_check){id, of_v, a, b, known_before(p, a, b)};
}

static void add_check(planner *p, node_id id, dim a, dim b) {
    add_check_of(p, id, false, a, b);
}

static void check_mask(planner *p, node_id id, const node *n) {
    const wn_graph *g = p->plan->graph;
    const node *t = graph_node(g, n->args[0]), *m = graph_node(g, n->args[1]);
    for (int j = 0; j < m->rank; j++) {
        dim a = node_dims(g, t)[n->attribute + j], b = node_dims(g, m)[j];
        if (a != b && (a < 0 || b < 0)) add_check(p, id, a, b);
    }
}

static void check_pair(planner *p, node_id id, const node *n, const node *a, const node *b) {
    const wn_graph *g = p->plan->graph;
    for (int i = 0; i < n->rank; i++) {
        dim x = aligned_dim(g, a, n->rank, i), y = aligned_dim(g, b, n->rank, i);
        if (x != y && x != 1 && y != 1 && (x < 0 || y < 0)) add_check(p, id, x, y);
    }
}

/* Operands that broadcast pairwise broadcast together: the lengths that are not 1 are all equal. */
static void check_broadcast(planner *p, node_id id, const node *n) {
    const wn_graph *g = p->plan->graph;
    for (size_t i = 0; i < 3 && n->args[i]; i++)
        for (size_t j = i + 1; j < 3 && n->args[j]; j++)
            check_pair(p, id, n, graph_node(g, n->args[i]), graph_node(g, n->args[j]));
}

/* What an expand repeats broadcasts to the result; any other v is checked when it is expanded. */
static void check_repeated(planner *p, node_id id, const node *n) {
    const wn_graph *g = p->plan->graph;
    const node *v = graph_node(g, n->args[0]);
    for (int i = 0; i < v->rank; i++) {
        dim own = node_dims(g, v)[i], to = node_dims(g, n)[expand_axis_of(g, n, i)];
        if (own != to && own != 1) add_check_of(p, id, true, to, own);
    }
}

/* The mask of an expand, place or putmask has the lengths of the array that it changes. */
static void check_changed(planner *p, node_id id, const node *n) {
    const wn_graph *g = p->plan->graph;
    const node *a = graph_node(g, n->args[n->op == OP_expand ? 2 : 0]), *m = graph_node(g, n->args[1]);
    int first = n->op == OP_expand ? n->attribute : 0;
    for (int j = 0; a->rank && j < m->rank; j++)
        if (node_dims(g, a)[first + j] != node_dims(g, m)[j])
            add_check(p, id, node_dims(g, a)[first + j], node_dims(g, m)[j]);
    if (n->op == OP_expand && expand_repeats(g, n)) check_repeated(p, id, n);
}

/* where= has the lengths of the operand, or 1. */
static void check_where(planner *p, node_id id, const node *n) {
    const wn_graph *g = p->plan->graph;
    const node *x = graph_node(g, n->args[0]), *m = graph_node(g, n->args[1]);
    for (int j = 0; j < m->rank; j++) {
        dim a = node_dims(g, x)[x->rank - m->rank + j], b = node_dims(g, m)[j];
        if (a != b && b != 1) add_check(p, id, a, b);
    }
}

void wn_plan_checks(planner *p) {
    const wn_graph *g = p->plan->graph;
    for (node_id id = 1; id < g->node_count && !p->failed; id++) {
        const node *n = graph_node(g, id);
        if (n->op == OP_boolean_mask)
            check_mask(p, id, n);
        else if (op_is_elementwise((op)n->op))
            check_broadcast(p, id, n);
        else if (op_is_reduction((op)n->op) && n->args[1] && !(n->bits & REDUCE_PACKED))
            check_where(p, id, n);
        else if (op_is_whole((op)n->op) && n->op != OP_compress)
            check_changed(p, id, n);
    }
}
