/*
 * check.c - do the arrays fit the kernel? Types, shapes, lengths that must be equal, memory that must not be shared.
 *
 * Everything that can be known before a run is checked before it. Messages show whole shapes as they are at run time, and are word
 * for word those of the interpreter; but where several things are wrong, which one is met first may differ.
 */
#include "run/array.h"
#include "run/binding.h"

#include <stdlib.h>
#include <string.h>

static const char *input_name(const wn_kernel *k, uint32_t i) {
    return wn_graph_name(k->graph, NAME_INPUT, (int32_t)i);
}

static const char *output_name(const wn_kernel *k, uint32_t i) {
    return wn_graph_name(k->graph, NAME_OUTPUT, (int32_t)i);
}

static const node *output_node(const wn_kernel *k, uint32_t i) {
    return graph_node(k->graph, k->graph->outputs[i]);
}

/* ---- Types and shapes ------------------------------------------------------------------------------------------------ */

/* What every array needs, and the type that the kernel needs; for bool, a bitmap will do. */
static wn_status check_type(const wn_array *a, const node *n, const char *role, const char *name,
                            wn_error *error) {
    TRY(wn_array_check(a, role, name, error));
    if ((a->type == WN_BITMAP ? WN_BOOL : a->type) == (wn_type)n->type) return WN_OK;
    return wn_fail(error, WN_ERROR_TYPE, "%s %s: type %s expected, %s given", role, name,
                   wn_type_name((wn_type)n->type), wn_type_name(a->type));
}

static wn_status fail_shape(const char *role, const char *name, int rank, const dim *expected,
                            const wn_array *a, wn_error *error) {
    char own[SHAPE_TEXT], given[SHAPE_TEXT];
    return wn_fail(error, WN_ERROR_SHAPE, "%s %s: shape %s expected, %s given", role, name,
                   wn_shape_text(rank, expected, own, sizeof own),
                   wn_shape_text(a->rank, a->shape, given, sizeof given));
}

static wn_status check_input(const wn_kernel *k, const wn_array *a, uint32_t i, wn_error *error) {
    const node *n = graph_node(k->graph, k->graph->inputs[i]);
    const dim *dims = node_dims(k->graph, n);
    TRY(check_type(a, n, "input", input_name(k, i), error));
    bool fits = a->rank == n->rank;
    for (int j = 0; fits && j < n->rank; j++)
        fits = !dim_is_known(dims[j]) || dims[j] == a->shape[j];
    return fits ? WN_OK : fail_shape("input", input_name(k, i), n->rank, dims, a, error);
}

/* A packed axis shows how much room there is; the others are exact. */
static wn_status check_output(const wn_kernel *k, const bound_arrays *next, uint32_t i, wn_error *error) {
    const wn_array *a = &next->rooms[i];
    const node *n = output_node(k, i);
    int64_t shape[WN_MAX_RANK];
    TRY(check_type(a, n, "output", output_name(k, i), error));
    wn_node_shape(k, next, n, shape);
    bool fits = a->rank == n->rank;
    for (int j = 0; fits && j < n->rank; j++)
        fits = shape[j] < 0 || shape[j] == a->shape[j];
    if (!fits) return fail_shape("output", output_name(k, i), n->rank, shape, a, error);
    if (!wn_array_overlaps_itself(a)) return WN_OK;
    return wn_fail(error, WN_ERROR_OVERLAP, "output %s: its elements overlap each other",
                   output_name(k, i));
}

/* ---- Lengths ---------------------------------------------------------------------------------------------------------- */

static void find_symbols(const wn_graph *g, bound_arrays *next) {
    for (uint32_t i = 0; i < g->symbol_count; i++) {
        const length_symbol *s = &g->symbols[i];
        int64_t value = -1;
        if (s->kind == SYMBOL_INPUT) value = next->inputs[s->a].shape[s->b];
        if (s->kind == SYMBOL_BROADCAST) {
            int64_t a = length_of(next, s->a);
            value = a == 1 ? length_of(next, s->b) : a;
        }
        next->symbols[i] = value;
    }
}

void wn_node_shape(const wn_kernel *k, const bound_arrays *a, const node *n, int64_t *shape) {
    for (int i = 0; i < n->rank; i++)
        shape[i] = length_of(a, node_dims(k->graph, n)[i]);
}

static const char *shape_text(const wn_kernel *k, const bound_arrays *a, node_id id,
                              char text[SHAPE_TEXT]) {
    const node *n = graph_node(k->graph, id);
    int64_t shape[WN_MAX_RANK];
    wn_node_shape(k, a, n, shape);
    return wn_shape_text(n->rank, shape, text, SHAPE_TEXT);
}

/* A mask that has not the lengths of the array beside it, from some axis on. */
static wn_status fail_mask(const wn_kernel *k, const bound_arrays *a, const node *n, wn_error *error) {
    char mask[SHAPE_TEXT], tensor[SHAPE_TEXT];
    return wn_fail(error, WN_ERROR_SHAPE, "%s: mask shape %s does not match tensor shape %s at axis %d",
                   wn_op_row((op)n->op)->name, shape_text(k, a, n->args[1], mask),
                   shape_text(k, a, n->args[n->op == OP_expand ? 2 : 0], tensor), n->attribute);
}

static wn_status fail_where(const wn_kernel *k, const bound_arrays *a, const node *n, wn_error *error) {
    char mask[SHAPE_TEXT], whole[SHAPE_TEXT];
    return wn_fail(error, WN_ERROR_SHAPE, "%s: where has shape %s, which does not broadcast to %s",
                   wn_op_row((op)n->op)->name, shape_text(k, a, n->args[1], mask),
                   shape_text(k, a, n->args[0], whole));
}

/* What an expand repeats, against the result with the mask's axes as one of any length. */
static wn_status fail_values(const wn_kernel *k, const bound_arrays *a, const node *n, wn_error *error) {
    char v[SHAPE_TEXT], text[SHAPE_TEXT];
    int64_t shape[WN_MAX_RANK], packed[WN_MAX_RANK];
    int width = graph_node(k->graph, n->args[1])->rank, rank = 0;
    wn_node_shape(k, a, n, shape);
    for (int i = 0; i < n->rank; i++)
        if (i <= n->attribute || i >= n->attribute + width)
            packed[rank++] = i == n->attribute ? WN_ANY : shape[i];
    return wn_fail(error, WN_ERROR_SHAPE, "expand: v has shape %s, which does not broadcast to %s",
                   shape_text(k, a, n->args[0], v), wn_shape_text(rank, packed, text, sizeof text));
}

/* Whether the axis `from_last` of an operand is a packed one of length 1, which would have to stretch. */
static bool is_packed_one(const wn_kernel *k, const bound_arrays *a, node_id id, int from_last) {
    const node *n = graph_node(k->graph, id);
    int axis = n->rank - 1 - from_last;
    if (axis < 0) return false;
    dim d = node_dims(k->graph, n)[axis];
    return dim_is_packed(k->graph, d) && length_of(a, d) == 1;
}

/* Whether the operands of an elementwise node have a common length on an axis, counted from the last. */
static bool axis_broadcasts(const wn_kernel *k, const bound_arrays *a, const node *n, int from_last) {
    int64_t length = 1;
    bool held = false;
    for (int i = 0; i < wn_op_row((op)n->op)->arity; i++) {
        const node *arg = graph_node(k->graph, n->args[i]);
        int axis = arg->rank - 1 - from_last;
        if (axis < 0) continue;
        dim d = node_dims(k->graph, arg)[axis];
        int64_t own = length_of(a, d);
        bool packed = dim_is_packed(k->graph, d), stretches = own == 1 && !packed;
        if (own != length && (length != 1 || held) && !stretches) return false;
        if (own != length && !stretches) length = own;
        held |= packed;
    }
    return true;
}

static wn_status fail_broadcast(const wn_kernel *k, const bound_arrays *a, const node *n,
                                wn_error *error) {
    char texts[3][SHAPE_TEXT] = {"", "", ""};
    int count = wn_op_row((op)n->op)->arity, axis = 0;
    bool packed = false;
    while (axis < n->rank && axis_broadcasts(k, a, n, axis))
        axis++;
    for (int i = 0; i < count; i++) {
        shape_text(k, a, n->args[i], texts[i]);
        packed |= is_packed_one(k, a, n->args[i], axis);
    }
    return wn_fail_shapes(n, texts, packed, error);
}

static bool stretches(const wn_kernel *k, dim d, int64_t length) {
    return length == 1 && !dim_is_packed(k->graph, d);
}

wn_status wn_check_lengths(const wn_kernel *k, const bound_arrays *a, uint32_t stage, wn_error *error) {
    for (uint32_t i = 0; i < k->plan->check_count; i++) {
        const plan_check *c = &k->plan->checks[i];
        if ((uint32_t)c->stage != stage) continue;
        const node *n = graph_node(k->graph, c->node);
        int64_t x = length_of(a, c->a), y = length_of(a, c->b);
        if (x == y) continue;
        bool where = op_is_reduction((op)n->op);
        if ((where || c->of_v) && stretches(k, c->b, y)) continue;
        if (c->of_v) return fail_values(k, a, n, error);
        if (where) return fail_where(k, a, n, error);
        if (!op_is_elementwise((op)n->op)) return fail_mask(k, a, n, error);
        if (!stretches(k, c->a, x) && !stretches(k, c->b, y)) return fail_broadcast(k, a, n, error);
    }
    return WN_OK;
}

wn_status wn_check_room(const wn_kernel *k, const bound_arrays *a, uint32_t output, wn_error *error) {
    const node *n = output_node(k, output);
    const wn_array *room = &a->rooms[output];
    for (int i = 0; i < n->rank; i++) {
        int64_t needed = length_of(a, node_dims(k->graph, n)[i]);
        if (needed <= room->shape[i]) continue;
        return wn_fail(error, WN_ERROR_ROOM, "output %s: room for %lld on axis %d, %lld needed",
                       output_name(k, output), (long long)room->shape[i], i, (long long)needed);
    }
    return WN_OK;
}

/* ---- Overlap ---------------------------------------------------------------------------------------------------------- */

static int compare_spans(const void *left, const void *right) {
    const bound_span *a = left, *b = right;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

/* The spans of all arrays that have any, sorted; how many. */
static uint32_t sort_spans(const wn_graph *g, const bound_arrays *a) {
    uint32_t count = 0, next = UINT32_MAX;
    for (uint32_t i = 0; i < g->input_count + g->output_count; i++) {
        bool input = i < g->input_count;
        const wn_array *array = input ? &a->inputs[i] : &a->rooms[i - g->input_count];
        bound_span *s = &a->spans[count];
        s->number = i;
        count += (input || array->data) && wn_array_span(array, &s->first, &s->end);
    }
    qsort(a->spans, count, sizeof *a->spans, compare_spans);
    for (uint32_t i = count; i-- > 0;) {
        a->spans[i].next_output = next;
        if (a->spans[i].number >= g->input_count) next = i;
    }
    return count;
}

/* An array in the place of an input: only the very one, and only where the plan allows it. */
static wn_status check_on_input(const wn_kernel *k, const bound_arrays *a, uint32_t output,
                                uint32_t input, wn_error *error) {
    const wn_array *out = &a->rooms[output], *in = &a->inputs[input];
    if (!wn_arrays_overlap(out, in)) return WN_OK;
    bool same = wn_array_is_same(out, in);
    a->in_place[output] = true;
    if (same && k->plan && wn_plan_may_alias(k->plan, input, output)) return WN_OK;
    return wn_fail(error, WN_ERROR_OVERLAP, "output %s: overlaps input %s%s; give it memory of its own",
                   output_name(k, output), input_name(k, input),
                   same ? ", which is not used at the same element alone" : "");
}

static wn_status check_on_output(const wn_kernel *k, const bound_arrays *a, uint32_t one,
                                 uint32_t other, wn_error *error) {
    if (!wn_arrays_overlap(&a->rooms[one], &a->rooms[other])) return WN_OK;
    return wn_fail(error, WN_ERROR_OVERLAP, "output %s: overlaps output %s",
                   output_name(k, one > other ? one : other),
                   output_name(k, one > other ? other : one));
}

static wn_status check_pair(const wn_kernel *k, const bound_arrays *a, uint32_t one, uint32_t other,
                            wn_error *error) {
    uint32_t inputs = k->graph->input_count;
    if (one < inputs) return check_on_input(k, a, other - inputs, one, error);
    if (other < inputs) return check_on_input(k, a, one - inputs, other, error);
    return check_on_output(k, a, one - inputs, other - inputs, error);
}

/* Arrays are looked at closely in pairs whose spans meet. Inputs may share memory, all of them: among themselves they are passed over. */
wn_status wn_check_overlaps(const wn_kernel *k, const bound_arrays *a, wn_error *error) {
    const bound_span *s = a->spans;
    uint32_t count = sort_spans(k->graph, a);
    memset(a->in_place, 0, k->graph->output_count * sizeof *a->in_place);
    for (uint32_t i = 0; i < count; i++) {
        bool input = s[i].number < k->graph->input_count;
        for (uint32_t j = input ? s[i].next_output : i + 1; j < count && s[j].first < s[i].end;
             j = input ? s[j].next_output : j + 1)
            TRY(check_pair(k, a, s[i].number, s[j].number, error));
    }
    return WN_OK;
}

/* ---- All of it -------------------------------------------------------------------------------------------------------- */

wn_status wn_check_arrays(const wn_kernel *k, bound_arrays *next, wn_error *error) {
    for (uint32_t i = 0; i < k->graph->input_count; i++)
        TRY(check_input(k, &next->inputs[i], i, error));
    find_symbols(k->graph, next);
    if (k->plan) TRY(wn_check_lengths(k, next, 0, error));
    for (uint32_t i = 0; i < k->graph->output_count; i++)
        if (next->rooms[i].data) TRY(check_output(k, next, i, error));
    return wn_check_overlaps(k, next, error);
}
