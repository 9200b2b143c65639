/*
 * literal.c - numbers without a type: what they are worth, what they become, and exact comparison
 * with typed values.
 *
 * An int literal is exact: -2^63 to 2^64 - 1, and as the complement of one down to -2^64. All of it
 * is computed in 128 bits, where nothing here overflows. A float literal is an f64. What rounds is
 * done by wn_evaluate, by the same loops and in the same floating-point environment as a run, so
 * folding never changes a result.
 */
#include "graph/environment.h"
#include "graph/graph.h"
#include "graph/trace.h"

#include <string.h>

__extension__ typedef __int128 wide;

static const wide ONE = 1;

/* ---- Scalars as constants store them --------------------------------------------------------- */

static void store_bits(wn_type type, uint64_t bits, void *out) {
    switch (wn_type_size(type)) {
    case 1: memcpy(out, &(uint8_t){(uint8_t)bits}, 1); break;
    case 2: memcpy(out, &(uint16_t){(uint16_t)bits}, 2); break;
    case 4: memcpy(out, &(uint32_t){(uint32_t)bits}, 4); break;
    default: memcpy(out, &bits, 8); break;
    }
}

static uint64_t load_bits(wn_type type, const void *in) {
    uint8_t b;
    uint16_t h;
    uint32_t w;
    uint64_t d;
    switch (wn_type_size(type)) {
    case 1: return memcpy(&b, in, 1), b;
    case 2: return memcpy(&h, in, 2), h;
    case 4: return memcpy(&w, in, 4), w;
    default: return memcpy(&d, in, 8), d;
    }
}

uint64_t wn_evaluate(op o, wn_type type, wn_type to, const uint64_t *args, size_t count) {
    uint64_t memory[3] = {0}, result = 0;
    const void *pointers[3] = {&memory[0], &memory[1], &memory[2]};
    for (size_t i = 0; i < count && i < 3; i++)
        store_bits(o == OP_where && i == 0 ? WN_BOOL : type, args[i], &memory[i]);
    environment callers = environment_enter();
    wn_interpret_op(o, type, to, pointers, &result, 1);
    environment_leave(callers);
    return load_bits(to, &result);
}

static double double_of_bits(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* ---- Int literals ---------------------------------------------------------------------------- */

static bool is_int(const node *n) {
    return n->type == WN_I64;
}

static wide int_value(const node *n) {
    switch ((literal_kind)n->attribute) {
    case LITERAL_NEGATIVE: return (int64_t)n->bits;
    case LITERAL_COMPLEMENT: return ~(wide)n->bits;
    default: return (wide)n->bits;
    }
}

static wide least_int(wn_type type) {
    return type_is_signed(type) ? -(ONE << (wn_type_size(type) * 8 - 1)) : 0;
}

static wide greatest_int(wn_type type) {
    size_t bits = wn_type_size(type) * 8;
    return (ONE << (type_is_signed(type) ? bits - 1 : bits)) - 1;
}

/* The low bits of an int, as a constant of an integer type stores them. */
static uint64_t wrap_int(wn_type type, wide v) {
    return (uint64_t)v & UINT64_MAX >> (64 - wn_type_size(type) * 8);
}

/* An int as the nearest value of a float type. */
static uint64_t round_int(wn_type type, wide v) {
    static const uint64_t two_to_64[] = {
        [WN_F16] = 0x7c00, [WN_BF16] = 0x5f80, [WN_F32] = 0x5f800000, [WN_F64] = 0x43f0000000000000};
    wide size = v < 0 ? -v : v;
    uint64_t bits = (uint64_t)size;
    bits = size >> 64 ? two_to_64[type] : wn_evaluate(OP_cast, WN_U64, type, &bits, 1);
    return v < 0 ? bits | 1ull << (wn_type_size(type) * 8 - 1) : bits;
}

/* -1, 0 or 1 as v is below, at or above d, which is no NaN. On the bits: whatever the caller's environment is. */
static int compare_exactly(wide v, double d) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    int biased = (int)(bits >> 52 & 0x7ff), exponent = (biased ? biased : 1) - 1075;
    wide significand = (wide)((bits & ((1ull << 52) - 1)) | (uint64_t)(biased > 0) << 52);
    if (bits >> 63) significand = -significand;
    if (exponent > 12) return significand > 0 ? -1 : 1; /* 2^65 or more */
    int shift = exponent > -64 ? -exponent : 64;
    wide whole = shift > 0 ? significand >> shift : significand * (ONE << exponent); /* rounded down */
    if (v != whole) return v < whole ? -1 : 1;
    return shift > 0 && whole * (ONE << shift) != significand ? -1 : 0;
}

/* ---- Folding --------------------------------------------------------------------------------- */

static node_id make_int(wn_graph *g, op o, wide v) {
    if (v < least_int(WN_I64) || v > greatest_int(WN_U64))
        return wn_graph_fail(g, WN_ERROR_LITERAL,
                             "%s: the result is outside the integers from -2^63 to 2^64 - 1",
                             written_name(g, o));
    return wn_build_literal(g, v < 0 ? LITERAL_NEGATIVE : LITERAL_INT, (uint64_t)v);
}

/* ~v; below 0 it stays a complement, since an unsigned type reads it as one. */
static node_id make_complement(wn_graph *g, wide v) {
    return v < 0 ? wn_build_literal(g, LITERAL_INT, (uint64_t)~v)
                 : wn_build_literal(g, LITERAL_COMPLEMENT, (uint64_t)v);
}

static node_id fold_bits(wn_graph *g, op o, const node *a, const node *b) {
    wide x = int_value(a), y = int_value(b);
    wide v = o == OP_bitwise_and ? x & y : o == OP_bitwise_or ? x | y : x ^ y;
    bool complement = a->attribute == LITERAL_COMPLEMENT || b->attribute == LITERAL_COMPLEMENT;
    return v < 0 && complement ? make_complement(g, ~v) : make_int(g, o, v);
}

static node_id fold_shift(wn_graph *g, op o, wide v, wide count) {
    if (count < 0 || count > 64)
        return wn_graph_fail(g, WN_ERROR_LITERAL, "%s: the count is outside 0 to 64",
                             written_name(g, o));
    if (o == OP_right_shift) return make_int(g, o, v >> (int)count);
    for (; count > 0 && v < ONE << 65 && v > -(ONE << 65); count--)
        v *= 2;
    return make_int(g, o, v);
}

static node_id fold_division(wn_graph *g, op o, wide a, wide b) {
    if (b == 0)
        return wn_graph_fail(g, WN_ERROR_LITERAL, "%s: division of a literal by 0", written_name(g, o));
    wide quotient = a / b, remainder = a % b;
    bool down = remainder != 0 && (remainder < 0) != (b < 0);
    return make_int(g, o, o == OP_floor_divide ? quotient - down : remainder + (down ? b : 0));
}

static node_id fold_product(wn_graph *g, wide a, wide b) {
    const wide limit = ONE << 66;
    wide size = b < 0 ? -b : b;
    bool too_large = size != 0 && (a > limit / size || a < -limit / size);
    return make_int(g, OP_multiply, too_large ? limit : a * b);
}

/* Whether a comparison holds, given -1, 0 or 1 for below, equal, above. */
static bool comparison_holds(op o, int order) {
    switch ((int)o) {
    case OP_equal: return order == 0;
    case OP_not_equal: return order != 0;
    case OP_less: return order < 0;
    case OP_less_equal: return order <= 0;
    case OP_greater: return order > 0;
    default: return order >= 0;
    }
}

static bool is_comparison(op o) {
    return o >= OP_equal && o <= OP_greater_equal;
}

static node_id fold_ints(wn_graph *g, op o, const node *n) {
    wide a = int_value(&n[0]), b = int_value(&n[1]);
    if (is_comparison(o))
        return wn_build_literal(g, LITERAL_BOOL, comparison_holds(o, a < b ? -1 : a > b));
    switch ((int)o) {
    case OP_add: return make_int(g, o, a + b);
    case OP_subtract: return make_int(g, o, a - b);
    case OP_multiply: return fold_product(g, a, b);
    case OP_minimum: return make_int(g, o, a < b ? a : b);
    case OP_maximum: return make_int(g, o, a > b ? a : b);
    case OP_negative: return make_int(g, o, -a);
    case OP_abs: return make_int(g, o, a < 0 ? -a : a);
    case OP_invert: return make_complement(g, a);
    case OP_floor_divide:
    case OP_floor_mod: return fold_division(g, o, a, b);
    case OP_left_shift:
    case OP_right_shift: return fold_shift(g, o, a, b);
    case OP_bitwise_and:
    case OP_bitwise_or:
    case OP_bitwise_xor: return fold_bits(g, o, &n[0], &n[1]);
    default:
        return wn_graph_fail(g, WN_ERROR_INTERNAL, "%s: is not folded on ints", written_name(g, o));
    }
}

/* An int and a float, compared exactly. */
static bool mixed_comparison(op o, const node *a, const node *b) {
    uint64_t bits = is_int(a) ? b->bits : a->bits;
    double d = double_of_bits(bits);
    if (wn_evaluate(OP_is_nan, WN_F64, WN_BOOL, &bits, 1)) return o == OP_not_equal;
    return comparison_holds(o, is_int(a) ? compare_exactly(int_value(a), d)
                                         : -compare_exactly(int_value(b), d));
}

static uint64_t literal_as_f64(const node *n) {
    return is_int(n) ? round_int(WN_F64, int_value(n)) : n->bits;
}

static node_id fold_floats(wn_graph *g, op o, const node *n, size_t count) {
    if (is_comparison(o) && is_int(&n[0]) != is_int(&n[1]))
        return wn_build_literal(g, LITERAL_BOOL, mixed_comparison(o, &n[0], &n[1]));
    uint64_t args[3] = {0};
    for (size_t i = 0; i < count; i++)
        args[i] = literal_as_f64(&n[i]);
    bool gives_bool = wn_op_row(o)->gives_bool;
    uint64_t bits = wn_evaluate(o, WN_F64, gives_bool ? WN_BOOL : WN_F64, args, count);
    return wn_build_literal(g, gives_bool ? LITERAL_BOOL : LITERAL_FLOAT, bits);
}

static node_id fold_bools(wn_graph *g, op o, const node *n, size_t count) {
    uint64_t args[3] = {n[0].bits, n[1].bits, n[2].bits};
    return wn_build_literal(g, LITERAL_BOOL, wn_evaluate(o, WN_BOOL, WN_BOOL, args, count));
}

/* where(true, 1, 2.5) is 1.0: the literals agree first, as they do when the condition is an
   array. */
static node_id fold_where(wn_graph *g, const node *n) {
    if (n[0].type != WN_BOOL)
        return wn_graph_fail(g, WN_ERROR_TYPE, "%s: the condition is a literal number, it must be bool",
                             written_name(g, OP_where));
    if ((n[1].type == WN_BOOL) != (n[2].type == WN_BOOL))
        return wn_graph_fail(g, WN_ERROR_TYPE,
                             "%s: the choices are a bool and a number; write true and false",
                             written_name(g, OP_where));
    const node *chosen = n[0].bits ? &n[1] : &n[2];
    if (n[1].type != n[2].type) return wn_build_literal(g, LITERAL_FLOAT, literal_as_f64(chosen));
    return wn_build_literal(g, (literal_kind)chosen->attribute, chosen->bits);
}

static node_id fail_kind(wn_graph *g, op o, const char *kind) {
    return wn_graph_fail(g, WN_ERROR_TYPE, "%s: does not take %s", written_name(g, o), kind);
}

node_id wn_fold_literal(wn_graph *g, op o, const node_id *args, size_t count) {
    node n[3] = {{0}};
    size_t bools = 0, floats = 0;
    for (size_t i = 0; i < count; i++) {
        wn_trace_literal(g, args[i], 0);
        n[i] = *graph_node(g, args[i]);
        bools += n[i].type == WN_BOOL;
        floats += n[i].type == WN_F64;
    }
    if (o == OP_where) return fold_where(g, n);
    if (bools && !wn_op_takes(o, WN_BOOL)) return fail_kind(g, o, "the literals true and false");
    if (bools && bools < count) return fail_kind(g, o, "a bool beside a number");
    if (bools) return fold_bools(g, o, n, count);
    if (wn_op_row(o)->takes == TAKES_BOOLEAN)
        return fail_kind(g, o, "a literal number; it takes bool");
    if (!floats && wn_op_takes(o, WN_I64)) return fold_ints(g, o, n);
    if (!wn_op_takes(o, WN_F64)) return fail_kind(g, o, "a float literal; it takes integers");
    return fold_floats(g, o, n, count);
}

/* ---- A literal becomes a constant ------------------------------------------------------------ */

static node_id fail_meeting(wn_graph *g, const node *n, wn_type type, op o, size_t position,
                            const char *hint) {
    char text[40];
    wn_constant_text(n, text);
    return wn_graph_fail(g, WN_ERROR_TYPE, "%s: operand %zu is the literal %s where %s is wanted%s",
                         written_name(g, o), written_place(g, position), text, wn_type_name(type),
                         hint);
}

static node_id fail_range(wn_graph *g, const node *n, wn_type type, op o, size_t position) {
    char text[40];
    wn_constant_text(n, text);
    return wn_graph_fail(g, WN_ERROR_LITERAL, "%s: operand %zu is the literal %s, which does not fit %s",
                         written_name(g, o), written_place(g, position), text, wn_type_name(type));
}

static node_id type_int(wn_graph *g, const node *n, wn_type type, op o, size_t position) {
    wide v = int_value(n);
    /* A complement fits an unsigned type if what is complemented does. */
    bool turned = n->attribute == LITERAL_COMPLEMENT && !type_is_signed(type);
    wide checked = turned ? ~v : v;
    if (checked < least_int(type) || checked > greatest_int(type))
        return fail_range(g, n, type, o, position);
    return wn_build_constant(g, type, wrap_int(type, v));
}

static node_id type_literal(wn_graph *g, node_id literal, wn_type type, op o, size_t position) {
    const node n = *graph_node(g, literal);
    if ((n.type == WN_BOOL) != (type == WN_BOOL))
        return fail_meeting(g, &n, type, o, position, type == WN_BOOL ? "; write true or false" : "");
    if (type == WN_BOOL) return wn_build_constant(g, WN_BOOL, n.bits);
    if (is_int(&n) && type_is_integer(type)) return type_int(g, &n, type, o, position);
    if (is_int(&n)) {
        uint64_t bits = round_int(type, int_value(&n));
        bool infinite = wn_evaluate(OP_is_inf, type, WN_BOOL, &bits, 1);
        return infinite ? fail_range(g, &n, type, o, position) : wn_build_constant(g, type, bits);
    }
    if (type_is_integer(type))
        return fail_meeting(g, &n, type, o, position, ", a float; cast the other operand");
    return wn_build_constant(g, type, wn_evaluate(OP_cast, WN_F64, type, &n.bits, 1));
}

/* What the place in the text that asked for the literal has got. */
static node_id became(wn_graph *g, node_id literal, node_id constant) {
    wn_trace_literal(g, literal, constant);
    return constant;
}

node_id wn_type_literal(wn_graph *g, node_id literal, wn_type type, op o, size_t position) {
    return became(g, literal, type_literal(g, literal, type, o, position));
}

node_id wn_cast_literal(wn_graph *g, node_id literal, wn_type type) {
    const node n = *graph_node(g, literal);
    uint64_t bits;
    if (!is_int(&n))
        bits = wn_evaluate(OP_cast, (wn_type)n.type, type, &n.bits, 1);
    else if (type == WN_BOOL)
        bits = int_value(&n) != 0;
    else if (type_is_integer(type))
        bits = wrap_int(type, int_value(&n));
    else
        bits = round_int(type, int_value(&n));
    return became(g, literal, wn_build_constant(g, type, bits));
}

node_id wn_default_literal(wn_graph *g, node_id literal) {
    const node n = *graph_node(g, literal);
    if (!is_int(&n)) return became(g, literal, wn_build_constant(g, (wn_type)n.type, n.bits));
    wide v = int_value(&n);
    if (v >= least_int(WN_I64) && v <= greatest_int(WN_I64))
        return became(g, literal, wn_build_constant(g, WN_I64, (uint64_t)v));
    char text[40];
    wn_constant_text(&n, text);
    return wn_graph_fail(
        g, WN_ERROR_LITERAL,
        "the literal %s does not fit i64, which an int becomes where nothing gives it a type", text);
}

/* ---- Comparison with an int ------------------------------------------------------------------ */

static node_id compare(wn_graph *g, op o, node_id value, wn_type type, uint64_t bits) {
    const node_id args[2] = {value, wn_build_constant(g, type, bits)};
    return args[1] ? wn_build(g, o, args, 2, WN_BOOL, 0) : 0;
}

/* x < 300 ==> x <= 255, x == 300 ==> x > 255: true of every value of the type, or of none. */
static node_id compare_out_of_range(wn_graph *g, op o, node_id value, wn_type type, bool above) {
    bool always = comparison_holds(o, above ? -1 : 1);
    return compare(g, always ? OP_less_equal : OP_greater, value, type,
                   wrap_int(type, greatest_int(type)));
}

/* The next value of a float type, upwards or downwards, from one that is not the infinity on
   that side. */
static uint64_t next_float(wn_type type, uint64_t bits, bool up) {
    uint64_t sign = 1ull << (wn_type_size(type) * 8 - 1);
    bool away = up == !(bits & sign);
    if ((bits & ~sign) == 0) return up ? 1 : sign | 1;
    return away ? bits + 1 : bits - 1;
}

/*
 * No value of the type is v. With `low` and `high` the values on either side of it:
 *     x < v, x <= v ==> x <= low        x == v ==> x < -inf, never
 *     x > v, x >= v ==> x >= high       x != v ==> !(x < -inf), of a NaN too
 */
static node_id compare_between(wn_graph *g, op o, node_id value, wn_type type, uint64_t low,
                               uint64_t high) {
    if (o == OP_less || o == OP_less_equal) return compare(g, OP_less_equal, value, type, low);
    if (o == OP_greater || o == OP_greater_equal)
        return compare(g, OP_greater_equal, value, type, high);
    const uint64_t minus_inf = 0xfff0000000000000;
    node_id never =
        compare(g, OP_less, value, type, wn_evaluate(OP_cast, WN_F64, type, &minus_inf, 1));
    return never && o == OP_not_equal ? wn_build(g, OP_logical_not, &never, 1, WN_BOOL, 0) : never;
}

static node_id compare_float(wn_graph *g, op o, node_id value, wn_type type, wide v) {
    uint64_t nearest = round_int(type, v);
    int order = compare_exactly(v, wn_constant_value(type, nearest));
    if (order == 0) return compare(g, o, value, type, nearest);
    uint64_t low = order < 0 ? next_float(type, nearest, false) : nearest;
    uint64_t high = order > 0 ? next_float(type, nearest, true) : nearest;
    return compare_between(g, o, value, type, low, high);
}

static node_id compare_with_int(wn_graph *g, op o, node_id value, node_id literal) {
    const node n = *graph_node(g, literal);
    wn_type type = (wn_type)graph_node(g, value)->type;
    wide v = int_value(&n);
    if (type_is_float(type)) return compare_float(g, o, value, type, v);
    bool turned = n.attribute == LITERAL_COMPLEMENT && !type_is_signed(type);
    if (turned || (v >= least_int(type) && v <= greatest_int(type))) {
        node_id args[2] = {value, type_int(g, &n, type, o, 1)};
        return args[1] ? wn_build(g, o, args, 2, WN_BOOL, 0) : 0;
    }
    return compare_out_of_range(g, o, value, type, v > greatest_int(type));
}

/* The constant that a comparison is with, or the comparison that is inverted; 0: that is gone. */
static node_id compared_constant(const wn_graph *g, node_id id) {
    const node *n = graph_node(g, id);
    if (n->op == OP_logical_not) n = graph_node(g, n->args[0]);
    return is_comparison((op)n->op) && graph_node(g, n->args[1])->op == OP_constant ? n->args[1] : 0;
}

node_id wn_compare_with_int(wn_graph *g, op o, node_id value, node_id literal) {
    node_id id = compare_with_int(g, o, value, literal);
    if (g->trace) wn_trace_literal(g, literal, compared_constant(g, id));
    return id;
}
