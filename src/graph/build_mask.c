/*
 * build_mask.c - the operations that change the number of elements become nodes, and those that undo it.
 *
 * A packed axis has a length of its own kind, SYMBOL_COUNT: how many are true in a mask. Lengths that are known are checked here, the
 * others when the graph runs.
 */
#include "graph/build.h"

#include <string.h>

static const char *op_name(op o) {
    return wn_op_row(o)->name;
}

static bool check_array(wn_graph *g, op o, node_id id, const char *what) {
    if (!is_literal(g, id)) return true;
    return wn_graph_fail(g, WN_ERROR_TYPE, "%s: the %s is a literal; it must be an array",
                         op_name(o), what);
}

bool wn_find_axis(wn_graph *g, op o, int rank, int32_t *axis) {
    if (*axis < -rank || *axis >= rank)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s: axis %d is out of range for a tensor of rank %d",
                             op_name(o), (int)*axis, rank);
    if (*axis < 0) *axis += rank;
    return true;
}

/* ---- Masks ----------------------------------------------------------------------------------- */

static bool check_mask_type(wn_graph *g, op o, const node *m) {
    if (m->type != WN_BOOL)
        return wn_graph_fail(g, WN_ERROR_TYPE,
                             "%s: the mask is %s, it must be bool; write cast(m, bool)", op_name(o),
                             wn_type_name((wn_type)m->type));
    return true;
}

/* Whether known lengths of the mask are the tensor's from `axis` on. */
static bool check_mask_shape(wn_graph *g, op o, const node *t, const node *m, int axis) {
    const dim *t_dims = node_dims(g, t), *m_dims = node_dims(g, m);
    for (int i = 0; i < m->rank; i++) {
        dim want = t_dims[axis + i];
        if (!dim_is_known(want) || !dim_is_known(m_dims[i]) || want == m_dims[i]) continue;
        char t_text[256], m_text[256];
        return wn_graph_fail(g, WN_ERROR_SHAPE,
                             "%s: mask shape %s does not match tensor shape %s at axis %d",
                             op_name(o), wn_shape_text(m->rank, m_dims, m_text, sizeof m_text),
                             wn_shape_text(t->rank, t_dims, t_text, sizeof t_text), axis);
    }
    return true;
}

/* A mask that covers axes of t from `axis` on. */
static bool check_mask(wn_graph *g, op o, const node *t, const node *m, int axis) {
    if (axis + m->rank > t->rank)
        return wn_graph_fail(g, WN_ERROR_SHAPE,
                             "%s: a mask of rank %d at axis %d reaches past a tensor of rank %d",
                             op_name(o), (int)m->rank, axis, (int)t->rank);
    return check_mask_shape(g, o, t, m, axis);
}

static bool is_exactly_at(const wn_graph *g, const node *t, const node *m, int axis) {
    if (m->rank == 0) return true; /* there may be no dims at all */
    return memcmp(node_dims(g, t) + axis, node_dims(g, m), m->rank * sizeof(dim)) == 0;
}

/* ---- boolean_mask, nonzero, compress --------------------------------------------------------- */

/* A node over t in which `width` axes from `axis` on are packed into one, as long as `mask` has true elements. */
static node_id pack_axes(wn_graph *g, node *n, const node *t, int axis, int width, node_id mask) {
    const dim *from = node_dims(g, t);
    dim dims[WN_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < axis; i++)
        dims[rank++] = from[i];
    int count_axis = rank++;
    for (int i = axis + width; i < t->rank; i++)
        dims[rank++] = from[i];
    dims[count_axis] = wn_symbol(g, SYMBOL_COUNT, mask, 0);
    n->type = t->type;
    n->rank = (uint8_t)rank;
    n->attribute = (int8_t)axis;
    return wn_intern(g, n, dims);
}

static node_id build_boolean_mask(wn_graph *g, node_id tensor, node_id mask, int32_t axis) {
    const op o = OP_boolean_mask;
    if (!check_array(g, o, tensor, "tensor") || !check_array(g, o, mask, "mask")) return 0;
    const node *t = graph_node(g, tensor), *m = graph_node(g, mask);
    if (!check_mask_type(g, o, m)) return 0;
    if (m->rank == 0)
        return wn_graph_fail(g, WN_ERROR_SHAPE, "%s: the mask is a scalar; it needs an axis",
                             op_name(o));
    if (!wn_find_axis(g, o, t->rank, &axis) || !check_mask(g, o, t, m, axis)) return 0;
    node n = {.op = OP_boolean_mask, .args = {tensor, mask}};
    n.may_fail = t->may_fail || m->may_fail || !is_exactly_at(g, t, m, axis);
    return pack_axes(g, &n, t, axis, m->rank, mask);
}

node_id wn_build_truth(wn_graph *g, node_id x) {
    const node *n = graph_node(g, x);
    if (n->type == WN_BOOL) return x;
    if (n->op == OP_cast && node_type(g, n->args[0]) == WN_BOOL) return n->args[0];
    node_id args[2] = {x, wn_build_literal(g, LITERAL_INT, 0)};
    return args[1] ? wn_build(g, OP_not_equal, args, 2, WN_BOOL, 0) : 0;
}

static node_id build_nonzero(wn_graph *g, node_id condition) {
    int rank = graph_node(g, condition)->rank;
    if (rank == 0)
        return wn_graph_fail(g, WN_ERROR_SHAPE, "%s: the operand is a scalar; it needs an axis",
                             written_name(g, OP_nonzero));
    condition = wn_build_truth(g, condition);
    if (!condition) return 0;
    node n = {.op = OP_nonzero, .type = WN_I64, .rank = 2, .may_fail = graph_node(g, condition)->may_fail};
    n.args[0] = condition;
    const dim dims[2] = {wn_symbol(g, SYMBOL_COUNT, condition, 0), rank};
    return wn_intern(g, &n, dims);
}

/* compress(c, t, axis=k) ==> boolean_mask(t, c, axis=k)   if c is as long as t, whatever the lengths turn out to be */
static node_id build_compress(wn_graph *g, node_id condition, node_id tensor, int32_t axis) {
    const op o = OP_compress;
    if (!check_array(g, o, condition, "condition") || !check_array(g, o, tensor, "tensor"))
        return 0;
    const node *c = graph_node(g, condition), *t = graph_node(g, tensor);
    if (!check_mask_type(g, o, c)) return 0;
    if (c->rank != 1)
        return wn_graph_fail(g, WN_ERROR_SHAPE, "compress: the condition has rank %d, it must be 1",
                             (int)c->rank);
    if (!wn_find_axis(g, o, t->rank, &axis)) return 0;
    if (is_exactly_at(g, t, c, axis)) return build_boolean_mask(g, tensor, condition, axis);
    node n = {.op = OP_compress, .may_fail = true, .args = {condition, tensor}};
    return pack_axes(g, &n, t, axis, 1, condition);
}

/* ---- expand, place, putmask ------------------------------------------------------------------ */

/* Whether v's length on an axis, which it may have or not, can stretch to `to`. */
static bool may_stretch(const wn_graph *g, dim own, dim to) {
    if (own == to || !dim_is_known(to)) return true;
    return dim_is_packed(g, own) || !dim_is_known(own) || own == 1;
}

static node_id fail_expand(wn_graph *g, const node *v, int rank, const dim *packed) {
    char v_text[256], text[256];
    return wn_graph_fail(g, WN_ERROR_SHAPE, "expand: v has shape %s, which does not broadcast to %s",
                         wn_shape_text(v->rank, node_dims(g, v), v_text, sizeof v_text),
                         wn_shape_text(rank, packed, text, sizeof text));
}

/* v against the shape that it is to fill: `shape`, with the mask's axes replaced by one of any length. */
static bool check_values(wn_graph *g, const node *v, const node *m, int axis, int rank,
                         const dim *shape) {
    dim packed[WN_MAX_RANK];
    int packed_rank = 0;
    for (int i = 0; i < rank; i++)
        if (i <= axis || i >= axis + m->rank) packed[packed_rank++] = i == axis ? WN_ANY : shape[i];
    if (v->rank > packed_rank) return fail_expand(g, v, packed_rank, packed);
    for (int i = 0; i < v->rank; i++)
        if (!may_stretch(g, node_dims(g, v)[i], packed[packed_rank - v->rank + i]))
            return fail_expand(g, v, packed_rank, packed);
    return true;
}

/* The shape of an expand: fill's, or without one v's with the mask's axes in the place of one; the rank, -1 after an error. */
static int expanded_shape(wn_graph *g, const node *v, const node *m, const node *fill,
                          int32_t *axis, dim *dims) {
    int packed_rank = fill->rank ? fill->rank - m->rank + 1 : v->rank ? v->rank : 1;
    if (fill->rank && fill->rank < m->rank) packed_rank = 1; /* check_mask says what is wrong */
    if (!wn_find_axis(g, OP_expand, packed_rank, axis)) return -1;
    if (fill->rank) {
        if (!check_mask(g, OP_expand, fill, m, *axis)) return -1;
        memcpy(dims, node_dims(g, fill), fill->rank * sizeof *dims);
        return fill->rank;
    }
    int rank = packed_rank - 1 + m->rank, at = 0;
    if (rank > WN_MAX_RANK) {
        wn_graph_fail(g, WN_ERROR_LIMIT, "expand: the result would have rank %d, more than %d",
                      rank, WN_MAX_RANK);
        return -1;
    }
    for (int i = 0; i < packed_rank; i++) {
        if (i != *axis) dims[at++] = node_dims(g, v)[i];
        for (int j = 0; i == *axis && j < m->rank; j++)
            dims[at++] = node_dims(g, m)[j];
    }
    return rank;
}

/* expand(v, m, fill) ==> where(m, v, fill)   if v is a scalar and m covers all of fill */
static node_id build_expand(wn_graph *g, const node_id *args, int32_t axis) {
    node_id typed[2] = {args[0], args[2]};
    if (!check_array(g, OP_expand, args[1], "mask") || !wn_type_choices(g, OP_expand, typed, 2))
        return 0;
    const node *v = graph_node(g, typed[0]), *m = graph_node(g, args[1]),
               *fill = graph_node(g, typed[1]);
    if (!check_mask_type(g, OP_expand, m)) return 0;
    if (m->rank == 0)
        return wn_graph_fail(g, WN_ERROR_SHAPE, "expand: the mask is a scalar; it needs an axis");
    dim dims[WN_MAX_RANK] = {0};
    int rank = expanded_shape(g, v, m, fill, &axis, dims);
    if (rank < 0 || !check_values(g, v, m, axis, rank, dims)) return 0;
    if (v->rank == 0 && (fill->rank == 0 || (fill->rank == m->rank && is_exactly_at(g, fill, m, 0)))) {
        const node_id choice[3] = {args[1], typed[0], typed[1]};
        return wn_build(g, OP_where, choice, 3, WN_BOOL, 0);
    }
    node n = {.op = OP_expand,
              .type = v->type,
              .rank = (uint8_t)rank,
              .attribute = (int8_t)axis,
              .may_fail = true};
    memcpy(n.args, (node_id[]){typed[0], args[1], typed[1]}, sizeof n.args);
    return wn_intern(g, &n, dims);
}

/* place and putmask: f(a, m, v) ==> where(m, v, a)   if v is a scalar */
static node_id build_put(wn_graph *g, op o, const node_id *args) {
    node_id typed[2] = {args[0], args[2]};
    if (!check_array(g, o, args[0], "array") || !check_array(g, o, args[1], "mask")) return 0;
    if (!wn_type_choices(g, o, typed, 2)) return 0;
    const node *a = graph_node(g, args[0]), *m = graph_node(g, args[1]), *v = graph_node(g, typed[1]);
    if (!check_mask_type(g, o, m)) return 0;
    if (a->rank != m->rank)
        return wn_graph_fail(g, WN_ERROR_SHAPE,
                             "%s: the mask has rank %d and the array %d; they must have one shape",
                             op_name(o), (int)m->rank, (int)a->rank);
    if (!check_mask_shape(g, o, a, m, 0)) return 0;
    bool exact = is_exactly_at(g, a, m, 0);
    if (v->rank == 0 && exact) {
        const node_id choice[3] = {args[1], typed[1], args[0]};
        return wn_build(g, OP_where, choice, 3, WN_BOOL, 0);
    }
    node n = {.op = (uint8_t)o, .type = a->type, .rank = a->rank, .args = {args[0], args[1], typed[1]}};
    n.may_fail = a->may_fail || m->may_fail || v->may_fail || !exact || o == OP_place;
    dim dims[WN_MAX_RANK];
    memcpy(dims, node_dims(g, a), a->rank * sizeof *dims);
    return wn_intern(g, &n, dims);
}

node_id wn_build_mask(wn_graph *g, op o, const node_id *args, int32_t attribute) {
    switch ((int)o) {
    case OP_boolean_mask: return build_boolean_mask(g, args[0], args[1], attribute);
    case OP_nonzero: return build_nonzero(g, args[0]);
    case OP_compress: return build_compress(g, args[0], args[1], attribute);
    case OP_expand: return build_expand(g, args, attribute);
    default: return build_put(g, o, args);
    }
}
