/*
 * simplify.c - rewrites of a node at its birth: `before ==> after`, each a small function.
 *
 * A rewrite must keep, for every input,
 *
 *   bits    each element of the result: -0 apart from +0, and NaN where there was NaN. A NaN that
 *           arithmetic makes may be any NaN; one that is only copied (by where) keeps its bits.
 *   type    the node's.
 *   shape   length by length and symbol by symbol. Two symbols may turn out equal, but nobody knows
 *           yet, so an operand may stand for the result only if it has the result's very symbols.
 *           wn_simplify checks that of every rewrite.
 *   errors  a shape that is checked when a kernel runs must still be checked. So an operand may
 *           vanish only if nothing in it can fail and its own broadcasting cannot (droppable).
 *   order   an operand's id stays below its user's, which building by wn_build alone guarantees.
 *
 * and must make something smaller or more regular, so that rewriting ends. Numbers in the rules
 * below are constants: scalars, whose broadcasting is always safe. x, y are any values, c a bool, K
 * a constant.
 *
 * Tempting, and wrong (tests/test_simplify.c has each with its counter-example):
 *
 *   !(a < b)      ==> a >= b            floats: with a NaN the left is true, the right false
 *   x + 0         ==> x                 floats: -0 + 0 is +0 (but x + -0, x - 0 are right)
 *   x - -0        ==> x                 floats: the same
 *   0 - x         ==> -x                floats: 0 - 0 is +0, -0 is not
 *   x - x         ==> 0                 floats: inf - inf and NaN - NaN are NaN
 *   x / x         ==> 1                 0 / 0, inf / inf and NaN / NaN are NaN
 *   x * 0         ==> 0                 floats: inf * 0 is NaN, -5 * 0 is -0
 *   x * cast(m)   ==> where(m, x, 0)    floats: the same
 *   x / K         ==> x * (1 / K)       rounds twice, unless K is a power of 2
 *   (x + y) - y   ==> x                 floats: (1 + 1e30) - 1e30; so for every law of association
 *   x == x        ==> true              floats: NaN == NaN is false
 *   x % 1         ==> 0                 0 is a scalar, x % 1 has x's shape
 *   c & false     ==> false             the same, unless c is a scalar
 *   minimum(x, y) ==> where(x < y, x, y)   floats: NaN on the left; -0 and +0 in this order
 *   maximum(minimum(x, hi), lo) <==> minimum(maximum(x, lo), hi)   lo may be above hi
 *   abs(-x)       ==> abs(x)            unsigned: abs(x) is x, -x wraps (else right)
 *   (x << K) >> K ==> x                 bits shifted out are gone
 *   i8(i32(u8))   ==> ...               right, but i8(f32(u8)) ==> i8(u8) is not: 200.0
 *                                       saturates to 127, 200 wraps to -56
 *   f16(f32(f64)) ==> f16(f64)          rounds twice on the left, once on the right
 *   where(c, x, x) ==> x                if c is longer than x, or has a shape still to be checked
 *   where(c, x, y) ==> where(!c, y, x) and back: right both ways, so only one may be taken
 */
#include "graph/graph.h"

#include <string.h>

typedef node_id rewrite(wn_graph *g, const node *n, const dim *dims);

/* ---- Looking --------------------------------------------------------------------------------- */

static const node *arg(const wn_graph *g, const node *n, int i) {
    return graph_node(g, n->args[i]);
}

/* The type of what an operation works on: of a where, of the choices. */
static wn_type operand_type(const wn_graph *g, const node *n) {
    return (wn_type)arg(g, n, n->op == OP_where ? 1 : 0)->type;
}

static bool is_constant(const wn_graph *g, node_id id, uint64_t bits) {
    const node *n = graph_node(g, id);
    return n->op == OP_constant && n->bits == bits;
}

static bool is_true(const wn_graph *g, node_id id) {
    return graph_node(g, id)->type == WN_BOOL && is_constant(g, id, 1);
}

static bool is_false(const wn_graph *g, node_id id) {
    return graph_node(g, id)->type == WN_BOOL && is_constant(g, id, 0);
}

/* All bits of a type. */
static uint64_t ones(wn_type type) {
    return UINT64_MAX >> (64 - 8 * wn_type_size(type));
}

static uint64_t bits_of_one(wn_type type) {
    switch ((int)type) {
    case WN_F16: return 0x3c00;
    case WN_BF16: return 0x3f80;
    case WN_F32: return 0x3f800000;
    case WN_F64: return 0x3ff0000000000000;
    default: return 1;
    }
}

static uint64_t bits_of_minus_zero(wn_type type) {
    return 1ull << (8 * wn_type_size(type) - 1);
}

static bool has_shape(const wn_graph *g, node_id id, const node *n, const dim *dims) {
    const node *m = graph_node(g, id);
    return m->rank == n->rank &&
           (m->rank == 0 || !memcmp(node_dims(g, m), dims, m->rank * sizeof *dims));
}

/* Whether an operand can vanish from n without taking an error of the run with it. */
static bool droppable(const wn_graph *g, node_id id, const node *n, const dim *dims) {
    const node *m = graph_node(g, id);
    return !m->may_fail && wn_broadcast_is_safe(m->rank, node_dims(g, m), n->rank, dims);
}

/* ---- Building -------------------------------------------------------------------------------- */

static node_id build1(wn_graph *g, op o, node_id a) {
    return wn_build(g, o, &a, 1, WN_BOOL, 0);
}

static node_id build2(wn_graph *g, op o, node_id a, node_id b) {
    const node_id args[2] = {a, b};
    return wn_build(g, o, args, 2, WN_BOOL, 0);
}

static node_id build_where(wn_graph *g, node_id c, node_id x, node_id y) {
    const node_id args[3] = {c, x, y};
    return wn_build(g, OP_where, args, 3, WN_BOOL, 0);
}

/* What is found is found by this rule, which the trace tells. */
static node_id by(wn_graph *g, const char *rule, node_id id) {
    g->rule = rule;
    return id;
}

/* ---- Constants ------------------------------------------------------------------------------- */

/* f(K, K) ==> K, the interpreter says which */
static node_id fold_constants(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    uint64_t args[3] = {0};
    size_t count = wn_op_row((op)n->op)->arity;
    for (size_t i = 0; i < count; i++) {
        if (arg(g, n, (int)i)->op != OP_constant) return 0;
        args[i] = arg(g, n, (int)i)->bits;
    }
    uint64_t bits = wn_evaluate((op)n->op, operand_type(g, n), (wn_type)n->type, args, count);
    return by(g, "f(K, K) ==> K", wn_build_constant(g, (wn_type)n->type, bits));
}

/* ---- Logic ----------------------------------------------------------------------------------- */

/* !!c ==> c */
/* !(a == b) ==> a != b;  !(a < b) ==> a >= b on integers */
static node_id simplify_not(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    const node m = *arg(g, n, 0);
    if (m.op == OP_logical_not) return by(g, "!!c ==> c", m.args[0]);
    const op_row *row = wn_op_row((op)m.op);
    if (row->negation == OP_none) return 0;
    if (!row->negation_exact && !type_is_integer(operand_type(g, &m))) return 0;
    g->written = (op)m.written; /* what may not broadcast is the comparison's */
    g->exchanged = m.exchanged;
    return by(g, "!(a == b) ==> a != b, !(a < b) ==> a >= b on integers",
              build2(g, (op)row->negation, m.args[0], m.args[1]));
}

/* c & true ==> c;  c & false ==> false where that has the shape */
static node_id simplify_and(wn_graph *g, const node *n, const dim *dims) {
    if (is_true(g, n->args[1])) return by(g, "c & true ==> c", n->args[0]);
    bool drops = is_false(g, n->args[1]) && droppable(g, n->args[0], n, dims);
    return drops ? by(g, "c & false ==> false", n->args[1]) : 0;
}

/* c | false ==> c;  c | true ==> true where that has the shape */
static node_id simplify_or(wn_graph *g, const node *n, const dim *dims) {
    if (is_false(g, n->args[1])) return by(g, "c | false ==> c", n->args[0]);
    bool drops = is_true(g, n->args[1]) && droppable(g, n->args[0], n, dims);
    return drops ? by(g, "c | true ==> true", n->args[1]) : 0;
}

/* On bools: c ^ false, c != false ==> c;  c ^ true, c != true ==> !c */
static node_id simplify_xor(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    if (is_false(g, n->args[1])) return by(g, "c ^ false ==> c", n->args[0]);
    if (!is_true(g, n->args[1])) return 0;
    return by(g, "c ^ true ==> !c", build1(g, OP_logical_not, n->args[0]));
}

/* On bools: c == true ==> c;  c == false ==> !c */
static node_id simplify_equal(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    if (is_true(g, n->args[1])) return by(g, "c == true ==> c", n->args[0]);
    if (!is_false(g, n->args[1])) return 0;
    return by(g, "c == false ==> !c", build1(g, OP_logical_not, n->args[0]));
}

/* f(a, a) ==> a, for the operations that ops.def calls IDEM */
static node_id simplify_idempotent(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    bool same = wn_op_row((op)n->op)->idempotent && n->args[0] == n->args[1];
    return same ? by(g, "f(a, a) ==> a", n->args[0]) : 0;
}

/* ---- Choice ---------------------------------------------------------------------------------- */

/* where(true, x, y) ==> x;  where(false, x, y) ==> y */
static node_id choose_now(wn_graph *g, const node *n, const dim *dims) {
    if (is_true(g, n->args[0]) && droppable(g, n->args[2], n, dims))
        return by(g, "where(true, x, y) ==> x", n->args[1]);
    if (is_false(g, n->args[0]) && droppable(g, n->args[1], n, dims))
        return by(g, "where(false, x, y) ==> y", n->args[2]);
    return 0;
}

/* where(!c, x, y) ==> where(c, y, x) */
static node_id swap_negated(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    const node *c = arg(g, n, 0);
    if (c->op != OP_logical_not) return 0;
    if (arg(g, n, 1)->rank && arg(g, n, 2)->rank) g->exchanged = !n->exchanged;
    return by(g, "where(!c, x, y) ==> where(c, y, x)",
              build_where(g, c->args[0], n->args[2], n->args[1]));
}

/* where(c, x, x) ==> x */
static node_id drop_condition(wn_graph *g, const node *n, const dim *dims) {
    bool drops = n->args[1] == n->args[2] && droppable(g, n->args[0], n, dims);
    return drops ? by(g, "where(c, x, x) ==> x", n->args[1]) : 0;
}

/* On bools: where(c, true, false) ==> c, where(c, false, true) ==> !c,
   where(c, x, false) ==> c & x, where(c, true, y) ==> c | y */
static node_id choose_bools(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    node_id c = n->args[0], x = n->args[1], y = n->args[2];
    if (is_true(g, x) && is_false(g, y)) return by(g, "where(c, true, false) ==> c", c);
    if (is_false(g, x) && is_true(g, y))
        return by(g, "where(c, false, true) ==> !c", build1(g, OP_logical_not, c));
    if (is_false(g, y))
        return by(g, "where(c, x, false) ==> c & x", build2(g, OP_logical_and, c, x));
    if (!is_true(g, x)) return 0;
    return by(g, "where(c, true, y) ==> c | y", build2(g, OP_logical_or, c, y));
}

/* On integers: where(c, 1, 0) ==> T(c), where(c, 0, 1) ==> T(!c) */
static node_id choose_bits(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    node_id c = n->args[0];
    bool is_c = is_constant(g, n->args[1], 1) && is_constant(g, n->args[2], 0),
         is_not = is_constant(g, n->args[1], 0) && is_constant(g, n->args[2], 1);
    if (!type_is_integer((wn_type)n->type) || (!is_c && !is_not)) return 0;
    if (is_not) c = build1(g, OP_logical_not, c);
    return by(g, "where(c, 1, 0) ==> T(c), where(c, 0, 1) ==> T(!c) on integers",
              wn_build(g, OP_cast, &c, 1, (wn_type)n->type, 0));
}

/* where(c, where(c, x, z), y) ==> where(c, x, y);
   where(c, x, where(c, z, y)) ==> where(c, x, y) */
static node_id flatten_choice(wn_graph *g, const node *n, const dim *dims) {
    const node x = *arg(g, n, 1), y = *arg(g, n, 2);
    if (x.op == OP_where && x.args[0] == n->args[0] && droppable(g, x.args[2], n, dims))
        return by(g, "where(c, where(c, x, z), y) ==> where(c, x, y)",
                  build_where(g, n->args[0], x.args[1], n->args[2]));
    if (y.op == OP_where && y.args[0] == n->args[0] && droppable(g, y.args[1], n, dims))
        return by(g, "where(c, x, where(c, z, y)) ==> where(c, x, y)",
                  build_where(g, n->args[0], n->args[1], y.args[2]));
    return 0;
}

static node_id simplify_where(wn_graph *g, const node *n, const dim *dims) {
    static rewrite *const rewrites[] = {choose_now,   swap_negated, drop_condition,
                                        choose_bools, choose_bits,  flatten_choice};
    for (size_t i = 0; i < sizeof rewrites / sizeof *rewrites; i++) {
        node_id id = rewrites[i](g, n, dims);
        if (id) return id;
    }
    return 0;
}

/* ---- Bits ------------------------------------------------------------------------------------ */

/* x & ~0 ==> x */
static node_id simplify_bitwise_and(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    bool drops = is_constant(g, n->args[1], ones((wn_type)n->type));
    return drops ? by(g, "x & ~0 ==> x", n->args[0]) : 0;
}

/* x | 0, x ^ 0, x << 0, x >> 0 ==> x */
static node_id drop_zero(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    bool drops = is_constant(g, n->args[1], 0);
    return drops ? by(g, "x | 0, x ^ 0, x << 0, x >> 0, x - 0 ==> x", n->args[0]) : 0;
}

/* ~~x ==> x;  -(-x) ==> x */
static node_id drop_twice(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    bool twice = arg(g, n, 0)->op == n->op;
    return twice ? by(g, "~~x, -(-x) ==> x", arg(g, n, 0)->args[0]) : 0;
}

/* ---- Arithmetic ------------------------------------------------------------------------------ */

/* x + 0 ==> x on integers;  x + -0 ==> x on floats */
static node_id simplify_add(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    wn_type type = (wn_type)n->type;
    bool drops = is_constant(g, n->args[1], type_is_float(type) ? bits_of_minus_zero(type) : 0);
    return drops ? by(g, "x + 0 ==> x on integers, x + -0 ==> x on floats", n->args[0]) : 0;
}

/* T(c), a bool as a number: the bool, or 0 */
static node_id bool_within(const wn_graph *g, node_id id) {
    const node *n = graph_node(g, id);
    return n->op == OP_cast && graph_node(g, n->args[0])->type == WN_BOOL ? n->args[0] : 0;
}

/* x * 1 ==> x;  on integers x * T(c) ==> where(c, x, 0) */
static node_id simplify_multiply(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    wn_type type = (wn_type)n->type;
    if (is_constant(g, n->args[1], bits_of_one(type))) return by(g, "x * 1 ==> x", n->args[0]);
    if (type_is_float(type)) return 0;
    node_id a = bool_within(g, n->args[0]), b = bool_within(g, n->args[1]);
    if (!a && !b) return 0;
    node_id zero = wn_build_constant(g, type, 0);
    g->exchanged = b ? !n->exchanged : n->exchanged;
    return by(g, "x * T(c) ==> where(c, x, 0) on integers",
              b ? build_where(g, b, n->args[0], zero) : build_where(g, a, n->args[1], zero));
}

/* x / 1 ==> x on floats, x // 1 ==> x on integers;  multiply_no_nan(x, 1) ==> x */
static node_id drop_one(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    bool drops = is_constant(g, n->args[1], bits_of_one((wn_type)n->type));
    return drops ? by(g, "x / 1, x // 1, multiply_no_nan(x, 1) ==> x", n->args[0]) : 0;
}

/* abs(x) ==> x on unsigned;  abs(abs(x)) ==> abs(x), abs(-x) ==> abs(x) on signed and floats */
static node_id simplify_abs(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    const node *m = arg(g, n, 0);
    if (type_is_integer((wn_type)n->type) && !type_is_signed((wn_type)n->type))
        return by(g, "abs(x) ==> x on unsigned", n->args[0]);
    if (m->op == OP_abs) return by(g, "abs(abs(x)) ==> abs(x)", n->args[0]);
    return m->op == OP_negative ? by(g, "abs(-x) ==> abs(x)", build1(g, OP_abs, m->args[0])) : 0;
}

static bool is_rounding(int o) {
    return o == OP_floor || o == OP_ceil || o == OP_rint || o == OP_trunc;
}

/* floor(ceil(x)) ==> ceil(x), and so on: what is whole stays as it is */
static node_id drop_rounding(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    bool whole = is_rounding(arg(g, n, 0)->op);
    return whole ? by(g, "floor(ceil(x)) ==> ceil(x), and so on: it is whole", n->args[0]) : 0;
}

/* ---- Casts ----------------------------------------------------------------------------------- */

/* How many binary digits a type's numbers can have: of an integer, without its sign. */
static int digits(wn_type type) {
    static const uint8_t counts[WN_TYPE_COUNT] = {
        [WN_BOOL] = 1, [WN_I8] = 7,   [WN_I16] = 15, [WN_I32] = 31, [WN_I64] = 63,
        [WN_U8] = 8,   [WN_U16] = 16, [WN_U32] = 32, [WN_U64] = 64, [WN_F16] = 11,
        [WN_BF16] = 8, [WN_F32] = 24, [WN_F64] = 53,
    };
    return counts[type];
}

/* Whether each number of one type is a number of another. The least i8 has more digits than 7,
   but is a power of 2. */
static bool holds(wn_type wide, wn_type narrow) {
    if (wide == narrow || narrow == WN_BOOL) return true;
    if (type_is_float(narrow)) return wide > narrow && wide >= WN_F32;
    if (wide == WN_BOOL || digits(wide) < digits(narrow)) return false;
    return !type_is_signed(narrow) || type_is_signed(wide) || type_is_float(wide);
}

/* T(x) ==> x if x is a T;  T(U(x)) ==> T(x) if a U holds each x (and T too, if U saturates where
   x's type would wrap) */
static node_id simplify_cast(wn_graph *g, const node *n, const dim *dims) {
    (void)dims;
    const node m = *arg(g, n, 0);
    wn_type to = (wn_type)n->type, middle = (wn_type)m.type;
    if (to == middle) return by(g, "T(x) ==> x if x is a T", n->args[0]);
    if (m.op != OP_cast) return 0;
    wn_type from = (wn_type)graph_node(g, m.args[0])->type;
    if (!holds(middle, from)) return 0;
    bool wraps = type_is_integer(from) && type_is_integer(to) && type_is_float(middle);
    if (wraps && !holds(to, from)) return 0;
    return by(g, "T(U(x)) ==> T(x) if a U holds each x", wn_build(g, OP_cast, &m.args[0], 1, to, 0));
}

/* ---- All together ---------------------------------------------------------------------------- */

/* f(K, x) ==> f'(x, K), and lower ids first where f commutes: by the column `mirror`. (b < a stays as it is: what it says when the
   shapes do not fit should name what the user wrote.) */
static void order_operands(const wn_graph *g, node *n) {
    const op_row *row = wn_op_row((op)n->op);
    if (row->mirror == OP_none) return;
    node_id a = n->args[0], b = n->args[1];
    bool a_last = graph_node(g, a)->op == OP_constant, b_last = graph_node(g, b)->op == OP_constant;
    bool commutes = row->mirror == n->op;
    if (a_last != b_last ? !a_last : !commutes || a <= b) return;
    n->op = row->mirror;
    n->args[0] = b;
    n->args[1] = a;
    n->exchanged = !n->exchanged;
}

static rewrite *const REWRITES[OP_end_] = {
    [OP_cast] = simplify_cast,
    [OP_logical_not] = simplify_not,
    [OP_logical_and] = simplify_and,
    [OP_logical_or] = simplify_or,
    [OP_logical_xor] = simplify_xor,
    [OP_not_equal] = simplify_xor,
    [OP_equal] = simplify_equal,
    [OP_where] = simplify_where,
    [OP_bitwise_and] = simplify_bitwise_and,
    [OP_bitwise_or] = drop_zero,
    [OP_bitwise_xor] = drop_zero,
    [OP_left_shift] = drop_zero,
    [OP_right_shift] = drop_zero,
    [OP_invert] = drop_twice,
    [OP_negative] = drop_twice,
    [OP_add] = simplify_add,
    [OP_subtract] = drop_zero, /* on floats too: x - +0 is x */
    [OP_multiply] = simplify_multiply,
    [OP_multiply_no_nan] = drop_one,
    [OP_divide] = drop_one,
    [OP_floor_divide] = drop_one,
    [OP_abs] = simplify_abs,
    [OP_floor] = drop_rounding,
    [OP_ceil] = drop_rounding,
    [OP_rint] = drop_rounding,
    [OP_trunc] = drop_rounding,
};

node_id wn_simplify(wn_graph *g, node *n, dim *dims) {
    order_operands(g, n);
    node_id id = fold_constants(g, n, dims);
    if (!id) id = simplify_idempotent(g, n, dims);
    if (!id && REWRITES[n->op]) id = REWRITES[n->op](g, n, dims);
    return id && has_shape(g, id, n, dims) ? id : 0;
}
