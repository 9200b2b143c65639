/*
 * build_reduction.c - reductions become nodes: of few types, of one operand and a mask.
 *
 * What the language offers is put together here of less, so that whoever runs a graph meets only what reductions.def says a node takes:
 *
 *     count, any, all of numbers    of x != 0
 *     sum of bool, and of i32(b)    count
 *     sum, prod of narrow integers  of cast(x, i64) or cast(x, u64)
 *     mean of bool and integers     of cast(x, f64), which of at most 16 bits is the same as of cast(x, i64) or cast(x, u64)
 *     any of f16, bf16              of cast(x, f32), and cast back
 *     min, max of bool              of cast(x, u8), and cast back
 *     argmin, argmax of one byte    of cast(x, i16) or cast(x, u16)
 *     f(x, initial=i)               add, multiply, minimum, maximum(i, f(x)), where f of nothing is no error
 *
 *     f(x[k][m[k]])                 f(x[k], where=m[k]), if where= can say it
 *
 * f(g(x[m])), where the packed axis is reduced and g is elementwise, of at most 64 operations, is marked (REDUCE_PACKED): it means
 * f(g(x), where=m), but that m's lengths are exactly those of x; so nothing has to be packed. Parts of g may lack the packed axis, if nothing
 * else is packed in them. Of argmin and argmax only x[m] itself.
 */
#include "graph/build.h"
#include "graph/trace.h"

#include <string.h>

static const char *op_name(op o) {
    return wn_op_row(o)->name;
}

/* What a reduction is made of, on the way to its node. */
typedef struct draft {
    op o;
    node_id x, where;
    uint64_t bits;
    int axis; /* of PACKED: the packed one of x */
} draft;

/* ---- Axes ------------------------------------------------------------------------------------ */

static bool find_axes(wn_graph *g, draft *d, const reduction *how) {
    int rank = graph_node(g, d->x)->rank;
    if (how->axis_count == 0) d->bits |= ((uint64_t)1 << rank) - 1;
    if (how->axis_count > 1 && (d->o == OP_argmin || d->o == OP_argmax))
        return wn_graph_fail(g, WN_ERROR_ARGUMENT,
                             "%s: takes one axis, or all without axis=", op_name(d->o));
    for (size_t i = 0; i < how->axis_count; i++) {
        int32_t axis = i < WN_MAX_RANK ? how->axis[i] : WN_MAX_RANK;
        if (!wn_find_axis(g, d->o, rank, &axis)) return false;
        if (d->bits >> axis & 1)
            return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s: axis %d is given twice", op_name(d->o),
                                 (int)axis);
        d->bits |= (uint64_t)1 << axis;
    }
    if (how->keepdims) d->bits |= REDUCE_KEEPDIMS;
    return true;
}

/* What an operand is made of, if all that is packed in it is packed by one mask. */
typedef struct packing {
    node_id first; /* the first boolean_mask that is met                  */
    int behind;    /* axes behind the packed one                          */
    int left;      /* nodes that are still looked at: shared ones are met more than once */
} packing;

#define MOST_LOOKED_AT 64

static void find_packing(const wn_graph *g, node_id id, packing *p) {
    const node *n = graph_node(g, id);
    if (p->first || p->left-- <= 0) return;
    if (n->op == OP_boolean_mask) {
        p->first = id;
        p->behind = n->rank - n->attribute - 1;
    }
    for (size_t i = 0; op_is_elementwise((op)n->op) && i < 3 && n->args[i]; i++)
        find_packing(g, n->args[i], p);
}

/* Whether m of x[m] has a packed length that x has too, as in x[k][m[k]]. */
static bool is_chained(const wn_graph *g, const node *n) {
    const node *x = graph_node(g, n->args[0]), *m = graph_node(g, n->args[1]);
    for (int j = 0; j < m->rank; j++) {
        dim d = node_dims(g, m)[j];
        if (dim_is_packed(g, d) && node_dims(g, x)[n->attribute + j] == d) return true;
    }
    return false;
}

/* Whether two boolean_masks take the same places, which are those of an axis that is packed once. */
static bool packs_alike(const wn_graph *g, const node *n, const node *first) {
    return n->args[1] == first->args[1] &&
           n->rank - n->attribute == first->rank - first->attribute && !is_chained(g, n);
}

static bool has_packed_axis(const wn_graph *g, const node *n) {
    for (int i = 0; i < n->rank; i++)
        if (dim_is_packed(g, node_dims(g, n)[i])) return true;
    return false;
}

/* Whether a value is packed alike in all of its parts, but for those that have no axis there, and are not packed at all. */
static bool is_packed(const wn_graph *g, node_id id, packing *p) {
    const node *n = graph_node(g, id);
    if (n->rank <= p->behind) return !has_packed_axis(g, n);
    if (p->left-- <= 0) return false;
    if (n->op == OP_boolean_mask) return packs_alike(g, n, graph_node(g, p->first));
    bool packed = op_is_elementwise((op)n->op);
    for (size_t i = 0; packed && i < 3 && n->args[i]; i++)
        packed = is_packed(g, n->args[i], p);
    return packed;
}

/* Of what a reduction's node is to take: reduce it in the order of the mask's places, if it is packed by one, and nothing has to be packed. */
static void mark_packed(const wn_graph *g, draft *d) {
    const node *x = graph_node(g, d->x);
    packing p = {.left = MOST_LOOKED_AT};
    find_packing(g, d->x, &p);
    bool itself = p.first == d->x || (x->op == OP_cast && x->args[0] == p.first);
    if (d->where || !p.first || (op_is_place(d->o) && !itself)) return;
    p.left = MOST_LOOKED_AT;
    d->axis = x->rank - p.behind - 1;
    if (d->axis < 0 || !(d->bits >> d->axis & 1) || !is_packed(g, d->x, &p)) return;
    d->where = graph_node(g, p.first)->args[1];
    d->bits |= REDUCE_PACKED;
}

/* f(x[k][m[k]]) ==> f(x[k], where=m[k])   m's axes are the last ones of x[k], which are known to have its lengths. */
static void use_where_of_chain(const wn_graph *g, draft *d) {
    const node *n = graph_node(g, d->x);
    if (d->where || op_is_place(d->o) || n->op != OP_boolean_mask || !is_chained(g, n)) return;
    const node *x = graph_node(g, n->args[0]), *m = graph_node(g, n->args[1]);
    unsigned axis = (unsigned)n->attribute;
    bool same = axis + m->rank == x->rank &&
                memcmp(node_dims(g, x) + axis, node_dims(g, m), sizeof(dim) * (size_t)m->rank) == 0;
    if (!same || !(d->bits >> axis & 1) || (m->rank > 1 && d->bits & REDUCE_KEEPDIMS)) return;
    d->bits |= (((uint64_t)1 << m->rank) - 1) << axis;
    d->where = n->args[1];
    d->x = n->args[0];
}

/* ---- where= ---------------------------------------------------------------------------------- */

static bool check_where(wn_graph *g, draft *d) {
    if (!d->where) return true;
    if (node_type(g, d->where) != WN_BOOL)
        return wn_graph_fail(
            g, WN_ERROR_TYPE, "%s: where is %s, it must be bool; write cast(m, bool)", op_name(d->o),
            is_literal(g, d->where) ? "a literal number" : wn_type_name(node_type(g, d->where)));
    if (is_literal(g, d->where)) {
        bool all = graph_node(g, d->where)->bits != 0;
        d->where = all ? 0 : wn_build_constant(g, WN_BOOL, 0);
        return all || d->where;
    }
    const node *x = graph_node(g, d->x), *m = graph_node(g, d->where);
    bool fits = m->rank <= x->rank;
    for (int i = 0; fits && i < m->rank; i++) {
        dim to = node_dims(g, x)[x->rank - m->rank + i], own = node_dims(g, m)[i];
        fits = !dim_is_known(own) || !dim_is_known(to) || own == to || own == 1;
    }
    if (fits) return true;
    char m_text[256], x_text[256];
    return wn_graph_fail(g, WN_ERROR_SHAPE, "%s: where has shape %s, which does not broadcast to %s",
                         op_name(d->o), wn_shape_text(m->rank, node_dims(g, m), m_text, sizeof m_text),
                         wn_shape_text(x->rank, node_dims(g, x), x_text, sizeof x_text));
}

/* ---- Types ----------------------------------------------------------------------------------- */

static node_id cast_to(wn_graph *g, node_id x, wn_type type) {
    return node_type(g, x) == type ? x : wn_build(g, OP_cast, &x, 1, type, 0);
}

/* The type that a reduction is computed in. */
static wn_type working_type(op o, wn_type type) {
    switch ((int)o) {
    case OP_count:
    case OP_any:
    case OP_all: return WN_BOOL;
    case OP_sum:
    case OP_prod:
        if (!type_is_float(type)) return type_is_signed(type) || type == WN_BOOL ? WN_I64 : WN_U64;
        break;
    case OP_mean:
        if (!type_is_float(type)) return WN_F64;
        break;
    case OP_argmin:
    case OP_argmax:
        if (wn_type_size(type) == 1) return type == WN_I8 ? WN_I16 : WN_U16;
        break;
    default:
        if (type == WN_BOOL) return WN_U8;
        break;
    }
    return type_is_half(type) ? WN_F32 : type;
}

/* The type of the result in the language. */
static wn_type result_type(op o, wn_type type) {
    if (o == OP_count || o == OP_argmin || o == OP_argmax) return WN_I64;
    if (o == OP_any || o == OP_all) return WN_BOOL;
    return o == OP_min || o == OP_max || type_is_float(type) ? type : working_type(o, type);
}

static bool is_narrow(wn_type type) {
    return !type_is_float(type) && wn_type_size(type) <= 2;
}

/*
 * mean(f64(x)) ==> mean(i64(x)), or u64(x), where x is bool or an integer of at most 16 bits: all that is added up on the way to the sum
 * are integers below 2^53 (of fewer than 2^37 elements), which floats would not round.
 */
static node_id operand_of_mean(wn_graph *g, node_id x) {
    node_id from = x, cast = is_narrow(node_type(g, x)) ? 0 : cast_to(g, x, WN_F64);
    if (cast && graph_node(g, cast)->op == OP_cast) from = graph_node(g, cast)->args[0];
    wn_type type = node_type(g, from);
    return is_narrow(type) ? cast_to(g, from, working_type(OP_sum, type)) : cast;
}

/* sum(b), sum(i32(b)) ==> count(b)   of bools; 0: a sum of others, or of floats, which may round. */
static node_id counted_of_sum(const wn_graph *g, node_id x) {
    const node *n = graph_node(g, x);
    node_id from = n->op == OP_cast && type_is_integer((wn_type)n->type) ? n->args[0] : x;
    return node_type(g, from) == WN_BOOL ? from : 0;
}

static bool convert(wn_graph *g, draft *d) {
    wn_type working = working_type(d->o, node_type(g, d->x));
    node_id counted = d->o == OP_sum ? counted_of_sum(g, d->x) : 0;
    if (counted) {
        d->o = OP_count;
        d->x = counted;
    } else if (working == WN_BOOL) {
        d->x = wn_build_truth(g, d->x);
    } else if (d->o == OP_mean && working == WN_F64) {
        d->x = operand_of_mean(g, d->x);
    } else {
        d->x = cast_to(g, d->x, working);
    }
    return d->x != 0;
}

/* ---- The node -------------------------------------------------------------------------------- */

static node_id finish(wn_graph *g, const draft *d) {
    const node *x = graph_node(g, d->x);
    const dim *from = node_dims(g, x);
    int rank = 0;
    dim dims[WN_MAX_RANK];
    for (int i = 0; i < x->rank; i++) {
        bool reduced = d->bits >> i & 1;
        if (!reduced || d->bits & REDUCE_KEEPDIMS) dims[rank++] = reduced ? 1 : from[i];
    }
    node n = {.op = (uint8_t)d->o, .rank = (uint8_t)rank, .bits = d->bits, .args = {d->x, d->where}};
    n.type = (uint8_t)result_type(d->o, (wn_type)x->type);
    if (d->bits & REDUCE_PACKED) n.attribute = (int8_t)d->axis;
    n.may_fail = true; /* of nothing, or by the shape of where */
    return wn_intern(g, &n, dims);
}

/* i, of the type that x is computed in, and of rank 0. */
static node_id type_initial(wn_graph *g, const draft *d, node_id initial, wn_type type, wn_type working) {
    const node *i = graph_node(g, initial);
    if (i->rank)
        return wn_graph_fail(g, WN_ERROR_SHAPE, "%s: initial has rank %d, it must be a scalar",
                             op_name(d->o), (int)i->rank);
    if (is_literal(g, initial)) {
        wn_type own = d->o == OP_sum || d->o == OP_prod ? result_type(d->o, type) : type;
        initial = wn_type_literal(g, initial, own, d->o, 1);
    } else if (i->type != type && i->type != result_type(d->o, type)) {
        return wn_graph_fail(g, WN_ERROR_TYPE,
                             "%s: the operand is %s and initial is %s; write cast(initial, %s)",
                             op_name(d->o), wn_type_name(type), wn_type_name((wn_type)i->type),
                             wn_type_name(result_type(d->o, type)));
    }
    return initial ? cast_to(g, initial, working) : 0;
}

static node_id join_initial(wn_graph *g, const draft *d, node_id initial, node_id value) {
    static const uint8_t joins[OP_end_] = {
#define REDUCTION(name, NAME, takes, gives, nothing, join, doc) [OP_##name] = OP_##join,
#include "graph/reductions.def"
#undef REDUCTION
    };
    node_id both[2] = {initial, value};
    return value ? wn_build(g, (op)joins[d->o], both, 2, WN_BOOL, 0) : 0;
}

/* Whether joining this changes nothing: min(x, initial=inf) is only told that nothing is no error. */
static bool is_identity(const wn_graph *g, const draft *d, node_id initial, wn_type working) {
    const node *i = graph_node(g, initial);
    return i->op == OP_constant && i->bits == wn_reduction_identity(d->o, working);
}

static bool takes_initial(op o) {
    return o == OP_sum || o == OP_prod || o == OP_min || o == OP_max;
}

static node_id build(wn_graph *g, draft *d, node_id initial) {
    op asked = d->o;
    wn_type type = node_type(g, d->x), working = working_type(d->o, type),
            result = result_type(d->o, type);
    if (initial && !takes_initial(d->o))
        return wn_graph_fail(g, WN_ERROR_ARGUMENT,
                             "%s: takes no initial; sum, prod, min and max do", op_name(d->o));
    if (initial && !(initial = type_initial(g, d, initial, type, working))) return 0;
    if (initial && (d->o == OP_min || d->o == OP_max)) d->bits |= REDUCE_NEUTRAL;
    if (!convert(g, d)) return 0;
    mark_packed(g, d);
    node_id value = finish(g, d);
    d->o = asked;
    if (initial && value && !is_identity(g, d, initial, working))
        value = join_initial(g, d, initial, cast_to(g, value, working)); /* a count is i64 */
    return value ? cast_to(g, value, result) : 0;
}

node_id wn_build_reduction(wn_graph *g, op o, node_id x, const reduction *how) {
    if (!graph_ok(g)) return 0;
    if (x == 0 || x >= g->node_count || how->where >= g->node_count || how->initial >= g->node_count)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s: an operand is the null node", op_name(o));
    if (is_literal(g, x))
        return wn_graph_fail(g, WN_ERROR_TYPE, "%s: the operand is a literal; it must be an array",
                             op_name(o));
    draft d = {.o = o, .x = x, .where = how->where};
    if (!find_axes(g, &d, how) || !check_where(g, &d)) return 0;
    const node written = {.op = (uint8_t)o, .args = {x, how->where}};
    use_where_of_chain(g, &d);
    bool chained = d.x != x;
    node_id id = build(g, &d, how->initial);
    if (g->trace && id && (chained || graph_node(g, id)->op != o || graph_node(g, id)->args[0] != x))
        wn_trace_rewrite(g, "build",
                         chained ? "f(x[k][m[k]]) ==> f(x[k], where=m[k])"
                                 : "a reduction ==> one of the few that graphs have, with casts",
                         &written, id);
    return id;
}

uint64_t wn_reduction_identity(op o, wn_type type) {
    unsigned width = 8 * (unsigned)wn_type_size(type);
    uint64_t ones = UINT64_MAX >> (64 - width), sign = (uint64_t)1 << (width - 1);
    switch ((int)o) {
    case OP_prod: return type == WN_F32 ? 0x3f800000u : type == WN_F64 ? 0x3ff0000000000000u : 1;
    case OP_min:
    case OP_argmin:
        if (type_is_float(type)) return type == WN_F32 ? 0x7f800000u : 0x7ff0000000000000u;
        return type_is_signed(type) ? ones ^ sign : ones;
    case OP_max:
    case OP_argmax:
        if (type_is_float(type)) return type == WN_F32 ? 0xff800000u : 0xfff0000000000000u;
        return type_is_signed(type) ? sign : 0;
    default: return 0; /* sums, counts */
    }
}
