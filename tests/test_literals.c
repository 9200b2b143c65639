/*
 * test_literals.c - literals: what they become, how they fold, and exact comparison of any type
 * with any int.
 */
#include "graph_fixture.h"

#include <math.h>

static void expect_constant(wn_graph *g, node_id id, wn_type type, uint64_t bits) {
    assert_string_equal(wn_graph_error(g), "");
    assert_true(id > 0);
    const node *n = graph_node(g, id);
    assert_string_equal(wn_op_row((op)n->op)->name, "constant");
    assert_string_equal(wn_type_name((wn_type)n->type), wn_type_name(type));
    assert_int_equal(n->bits, bits);
}

static wn_node literal(wn_graph *g, long long v) {
    return wn_constant(g, wn_operand_int(v));
}

static wn_node float_literal(wn_graph *g, double v) {
    return wn_constant(g, wn_operand_float(v));
}

static uint64_t bits_of(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* ---- Literals -------------------------------------------------------------------------------- */

/* What `x + literal` adds. */
static node_id meets(wn_graph *g, wn_type type, wn_operand value) {
    char name[16];
    snprintf(name, sizeof name, "x%u", g->input_count);
    wn_node sum = wn_multiply(wn_input(g, name, type), value);
    return sum.id ? graph_node(g, sum.id)->args[1] : 0;
}

static void an_int_becomes_the_type_it_meets(void **state) {
    (void)state;
    fixture f = set_up();
    expect_constant(f.g, meets(f.g, WN_U8, wn_operand_int(255)), WN_U8, 255);
    expect_constant(f.g, meets(f.g, WN_I8, wn_operand_int(-128)), WN_I8, 0x80);
    expect_constant(f.g, meets(f.g, WN_U64, wn_operand_uint(UINT64_MAX)), WN_U64, UINT64_MAX);
    expect_constant(f.g, meets(f.g, WN_I64, wn_operand_int(INT64_MIN)), WN_I64, (uint64_t)INT64_MIN);
    expect_constant(f.g, meets(f.g, WN_F16, wn_operand_int(65519)), WN_F16, 0x7bff);
    expect_constant(f.g, meets(f.g, WN_F32, wn_operand_int(16777217)), WN_F32, 0x4b800000);
    expect_constant(f.g, meets(f.g, WN_F32, wn_operand_uint(UINT64_MAX)), WN_F32, 0x5f800000);
    expect_constant(f.g, meets(f.g, WN_BF16, wn_operand_int(-3)), WN_BF16, 0xc040);
    expect_constant(f.g, meets(f.g, WN_F64, wn_operand_int(7)), WN_F64, bits_of(7));
    meets(f.g, WN_U8, wn_operand_int(256));
    expect_error(f, WN_ERROR_LITERAL, "multiply: operand 2 is the literal 256, which does not fit u8");
    f = set_up();
    meets(f.g, WN_U8, wn_operand_int(-1));
    expect_error(f, WN_ERROR_LITERAL, "multiply: operand 2 is the literal -1, which does not fit u8");
    f = set_up();
    meets(f.g, WN_F16, wn_operand_int(65520));
    expect_error(f, WN_ERROR_LITERAL,
                 "multiply: operand 2 is the literal 65520, which does not fit f16");
}

static void a_float_becomes_the_float_it_meets(void **state) {
    (void)state;
    fixture f = set_up();
    expect_constant(f.g, meets(f.g, WN_F64, wn_operand_float(0.1)), WN_F64, bits_of(0.1));
    expect_constant(f.g, meets(f.g, WN_F32, wn_operand_float(0.1)), WN_F32, 0x3dcccccd);
    expect_constant(f.g, meets(f.g, WN_F16, wn_operand_float(-0.0)), WN_F16, 0x8000);
    expect_constant(f.g, meets(f.g, WN_F16, wn_operand_float(1e9)), WN_F16, 0x7c00);
    expect_constant(f.g, meets(f.g, WN_BF16, wn_operand_float((double)INFINITY)), WN_BF16, 0x7f80);
    meets(f.g, WN_I32, wn_operand_float(1));
    assert_int_equal(wn_graph_status(f.g), WN_ERROR_TYPE);
    tear_down(f);
    f = set_up();
    meets(f.g, WN_F32, wn_operand_bool(true));
    assert_int_equal(wn_graph_status(f.g), WN_ERROR_TYPE);
    tear_down(f);
}

static void a_complement_is_of_the_type_it_meets(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node u32 = wn_input(f.g, "w", WN_U32), u8 = wn_input(f.g, "b", WN_U8),
            i8 = wn_input(f.g, "s", WN_I8);
    wn_node not3 = wn_invert(literal(f.g, 3));
    expect_constant(f.g, at(wn_bitwise_and(u32, not3))->args[1], WN_U32, 0xfffffffc);
    expect_constant(f.g, at(wn_less(u8, not3))->args[1], WN_U8, 252);
    expect_constant(f.g, at(wn_less(i8, not3))->args[1], WN_I8, 0xfc);
    expect_constant(f.g, at(wn_less(wn_input(f.g, "h", WN_F16), not3))->args[1], WN_F16, 0xc400);
    assert_int_equal(wn_invert(not3).id, literal(f.g, 3).id);
    wn_node low = wn_bitwise_and(not3, wn_invert(literal(f.g, 4)));
    expect_constant(f.g, at(wn_bitwise_and(u8, low))->args[1], WN_U8, 0xf8);
    wn_bitwise_and(u8, wn_invert(literal(f.g, 256)));
    assert_int_equal(wn_graph_status(f.g), WN_ERROR_LITERAL);
    tear_down(f);
}

static void zero_and_one_are_bools_in_c(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node c = wn_input(f.g, "c", WN_BOOL), x = wn_input(f.g, "x", WN_F32);
    assert_int_equal(wn_equal(c, 1).id, c.id);
    assert_int_equal(wn_logical_and(c, 1).id, c.id);
    assert_int_equal(wn_logical_xor(true, c).id, wn_logical_not(c).id);
    assert_int_equal(wn_where(1, x, 0).id, x.id);
    assert_int_equal(at(wn_where(c, c, 0))->type, WN_BOOL);
    expect_ok(f.g);
    wn_equal(c, 2);
    expect_error(f, WN_ERROR_TYPE,
                 "equal: operand 2 is the literal 2 where bool is wanted; write true or false");
    f = set_up();
    c = wn_input(f.g, "c", WN_BOOL);
    const node_id args[2] = {c.id, wn_build_literal(f.g, LITERAL_INT, 1)};
    assert_int_equal(wn_build(f.g, OP_equal, args, 2, WN_BOOL, 0), 0);
    assert_int_equal(wn_graph_status(f.g), WN_ERROR_TYPE);
    tear_down(f);
}

static void choices_without_a_type_get_one(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node c = wn_input(f.g, "c", WN_BOOL, 3), d = wn_input(f.g, "d", WN_BOOL, 3),
            x = wn_input(f.g, "x", WN_U8, 3);
    assert_int_equal(at(wn_where(c, 1, 0))->type, WN_I64);
    assert_int_equal(at(wn_where(c, 1.0, 0))->type, WN_F64);
    assert_int_equal(at(wn_where(c, 5, x))->type, WN_U8);
    bool yes = true, no = false; /* in C11 `true` is the int 1 */
    assert_int_equal(wn_where(c, yes, no).id, c.id);
    assert_int_equal(at(wn_where(c, yes, 0))->type, WN_BOOL);
    const wn_operand conditions[] = {wn_operand_node(c), wn_operand_node(d)};
    const wn_operand values[] = {wn_operand_node(x), wn_operand_int(1)};
    wn_node chosen = wn_select(2, conditions, values, wn_operand_int(0));
    expect_ok(f.g);
    assert_int_equal(at(chosen)->type, WN_U8);
    assert_int_equal(
        chosen.id,
        wn_where(c, x, wn_where(d, wn_cast(literal(f.g, 1), WN_U8), wn_cast(literal(f.g, 0), WN_U8)))
            .id);
    const wn_operand numbers[] = {wn_operand_int(1), wn_operand_float(2)};
    assert_int_equal(at(wn_select(2, conditions, numbers, wn_operand_int(0)))->type, WN_F64);
    expect_ok(f.g);
    wn_where(c, wn_constant(f.g, wn_operand_uint(UINT64_MAX)), 0);
    assert_int_equal(wn_graph_status(f.g), WN_ERROR_LITERAL);
    tear_down(f);
}

static void an_output_that_is_a_literal_gets_a_type(void **state) {
    (void)state;
    fixture f = set_up();
    wn_output(f.g, "i", literal(f.g, -7));
    wn_output(f.g, "d", float_literal(f.g, 0.5));
    wn_output(f.g, "b", wn_constant(f.g, wn_operand_bool(true)));
    expect_constant(f.g, f.g->outputs[0], WN_I64, (uint64_t)-7);
    expect_constant(f.g, f.g->outputs[1], WN_F64, bits_of(0.5));
    expect_constant(f.g, f.g->outputs[2], WN_BOOL, 1);
    wn_output(f.g, "u", wn_constant(f.g, wn_operand_uint(UINT64_MAX)));
    assert_int_equal(wn_graph_status(f.g), WN_ERROR_LITERAL);
    tear_down(f);
}

static void a_cast_of_a_literal_wraps_and_saturates(void **state) {
    (void)state;
    fixture f = set_up();
    expect_constant(f.g, wn_cast(literal(f.g, 300), WN_I8).id, WN_I8, 44);
    expect_constant(f.g, wn_cast(literal(f.g, -1), WN_U16).id, WN_U16, 0xffff);
    expect_constant(f.g, wn_cast(wn_invert(literal(f.g, 3)), WN_U64).id, WN_U64, UINT64_MAX - 3);
    expect_constant(f.g, wn_cast(float_literal(f.g, 300.9), WN_I8).id, WN_I8, 127);
    expect_constant(f.g, wn_cast(float_literal(f.g, (double)NAN), WN_U8).id, WN_U8, 0);
    expect_constant(f.g, wn_cast(float_literal(f.g, (double)NAN), WN_BOOL).id, WN_BOOL, 1);
    expect_constant(f.g, wn_cast(literal(f.g, 70000), WN_F16).id, WN_F16, 0x7c00);
    expect_constant(f.g, wn_cast(wn_constant(f.g, wn_operand_bool(true)), WN_F32).id, WN_F32,
                    0x3f800000);
    tear_down(f);
}

static void literals_fold_exactly(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node big = wn_constant(f.g, wn_operand_uint(UINT64_MAX)), one = literal(f.g, 1),
            half = float_literal(f.g, .5);
    assert_int_equal(at(wn_subtract(big, big))->bits, 0);
    assert_int_equal(wn_subtract(big, 1).id, wn_constant(f.g, wn_operand_uint(UINT64_MAX - 1)).id);
    assert_int_equal(at(wn_less(float_literal(f.g, 18446744073709551616.0), big))->bits, 0);
    assert_int_equal(
        at(wn_equal(float_literal(f.g, 9007199254740992.0), literal(f.g, 9007199254740993)))->bits, 0);
    assert_int_equal(at(wn_less(literal(f.g, -1), big))->bits, 1);
    assert_int_equal(wn_divide(one, 4).id, float_literal(f.g, .25).id);
    assert_int_equal(wn_divide(one, 0).id, float_literal(f.g, (double)INFINITY).id);
    assert_int_equal(wn_add(one, half).id, float_literal(f.g, 1.5).id);
    assert_int_equal(wn_floor_divide(literal(f.g, -7), 2).id, literal(f.g, -4).id);
    assert_int_equal(wn_floor_mod(literal(f.g, -7), 2).id, one.id);
    assert_int_equal(wn_floor_mod(literal(f.g, 7), -2).id, literal(f.g, -1).id);
    assert_int_equal(wn_left_shift(one, 63).id, wn_constant(f.g, wn_operand_uint(1ull << 63)).id);
    assert_int_equal(wn_right_shift(literal(f.g, -5), 1).id, literal(f.g, -3).id);
    assert_int_equal(wn_bitwise_xor(literal(f.g, 6), 3).id, literal(f.g, 5).id);
    assert_int_equal(wn_negative(float_literal(f.g, 0.0)).id, float_literal(f.g, -0.0).id);
    assert_int_equal(wn_sqrt(literal(f.g, 4)).id, float_literal(f.g, 2).id);
    assert_int_equal(wn_where(wn_less(one, 2), 1, half).id, float_literal(f.g, 1).id);
    assert_int_equal(wn_logical_and(wn_less(one, 2), false).id,
                     wn_constant(f.g, wn_operand_bool(false)).id);
    assert_int_equal(wn_maximum(literal(f.g, 3), literal(f.g, 5)).id, literal(f.g, 5).id);
    expect_ok(f.g);
    tear_down(f);
}

static void literals_without_an_answer_are_errors(void **state) {
    (void)state;
    static const struct {
        op o;
        long long a, b;
        wn_status status;
    } rows[] = {
        {OP_floor_divide, 1, 0, WN_ERROR_LITERAL},
        {OP_floor_mod, 1, 0, WN_ERROR_LITERAL},
        {OP_left_shift, 1, 64, WN_ERROR_LITERAL},
        {OP_left_shift, 1, 1000, WN_ERROR_LITERAL},
        {OP_left_shift, 1, -1, WN_ERROR_LITERAL},
        {OP_right_shift, 1, 65, WN_ERROR_LITERAL},
        {OP_multiply, INT64_MIN, INT64_MIN, WN_ERROR_LITERAL},
        {OP_multiply, INT64_MAX, 3, WN_ERROR_LITERAL},
        {OP_add, INT64_MIN, -1, WN_ERROR_LITERAL},
        {OP_logical_and, 2, 3, WN_ERROR_TYPE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f = set_up();
        const node_id args[2] = {literal(f.g, rows[i].a).id, literal(f.g, rows[i].b).id};
        assert_int_equal(wn_build(f.g, rows[i].o, args, 2, WN_BOOL, 0), 0);
        assert_int_equal(wn_graph_status(f.g), rows[i].status);
        tear_down(f);
    }
}

/* ---- Comparison with an int, exactly --------------------------------------------------------- */

__extension__ typedef __int128 wide;

/* The order of a constant and an int, exactly: -1, 0, 1; 2: unordered. */
static int order_of(wn_type type, uint64_t bits, wide v) {
    if (type_is_float(type)) {
        double d = wn_constant_value(type, bits);
        if (d != d) return 2;
        if (isinf(d)) return d > 0 ? 1 : -1;
        if (fabs(d) >= 0x1p66) return d > 0 ? 1 : -1;
        double whole = floor(d);
        wide floor_of_d = (wide)whole;
        return floor_of_d < v ? -1 : floor_of_d > v || d > whole ? 1 : 0;
    }
    size_t shift = 64 - 8 * wn_type_size(type);
    wide value = type_is_signed(type) ? (wide)((int64_t)(bits << shift) >> shift) : (wide)bits;
    return value < v ? -1 : value > v;
}

static bool holds(op o, int order) {
    switch ((int)o) {
    case OP_equal: return order == 0;
    case OP_not_equal: return order != 0;
    case OP_less: return order == -1;
    case OP_less_equal: return order == -1 || order == 0;
    case OP_greater: return order == 1;
    default: return order == 1 || order == 0;
    }
}

static void store(wn_type type, uint64_t bits, uint8_t *out) {
    for (size_t i = 0; i < wn_type_size(type); i++)
        out[i] = (uint8_t)(bits >> 8 * i);
}

/* What a comparison built by the library says of values of its input: a byte each, to be freed. */
static uint8_t *evaluate(const wn_graph *g, node_id id, wn_type type, const uint64_t *values,
                         size_t count) {
    const node *n = graph_node(g, id);
    bool negated = n->op == OP_logical_not;
    if (negated) n = graph_node(g, n->args[0]);
    size_t size = wn_type_size(type);
    uint8_t *a = malloc(count * size), *b = malloc(count * size), *result = malloc(count);
    assert_true(a && b && result);
    assert_int_equal(graph_node(g, n->args[1])->op, OP_constant);
    for (size_t i = 0; i < count; i++) {
        store(type, values[i], a + i * size);
        store(type, graph_node(g, n->args[1])->bits, b + i * size);
    }
    const void *args[2] = {a, b};
    wn_interpret_op((op)n->op, type, WN_BOOL, args, result, count);
    for (size_t i = 0; i < count; i++)
        result[i] ^= negated;
    free(a);
    free(b);
    return result;
}

/* Values of a type: all of them up to 16 bits, else those around the interesting places. */
static size_t values_of(wn_type type, uint64_t **values) {
    size_t width = 8 * wn_type_size(type), count = 0;
    size_t room = width <= 16 ? (size_t)1 << width : 8192;
    *values = malloc(room * sizeof **values);
    assert_non_null(*values);
    if (width <= 16) {
        for (; count < room; count++)
            (*values)[count] = count;
        return count;
    }
    uint64_t mask = UINT64_MAX >> (64 - width);
    for (size_t bit = 0; bit < width; bit++)
        for (int delta = -3; delta <= 3; delta++) {
            uint64_t offset = (uint64_t)(int64_t)delta, power_of_2 = (uint64_t)1 << bit;
            (*values)[count++] = (power_of_2 + offset) & mask;
            (*values)[count++] = ~(power_of_2 + offset) & mask;
            if (!type_is_float(type)) continue;
            double power = ldexp(1, (int)bit * 2 - 20);
            uint64_t float_bits = bits_of(power);
            if (type == WN_F32) {
                float single = (float)power;
                uint32_t word;
                memcpy(&word, &single, sizeof word);
                float_bits = word;
            }
            (*values)[count++] = (float_bits + offset) & mask;
            (*values)[count++] = ((float_bits + offset) & mask) | (mask / 2 + 1);
        }
    return count;
}

static const wide INTS[] = {0,
                            1,
                            -1,
                            2,
                            127,
                            128,
                            -128,
                            -129,
                            252,
                            255,
                            256,
                            257,
                            300,
                            -300,
                            2049,
                            -2049,
                            32767,
                            32768,
                            -32768,
                            -32769,
                            65503,
                            65504,
                            65505,
                            65519,
                            65520,
                            65535,
                            65536,
                            70000,
                            -65505,
                            -70000,
                            16777215,
                            16777216,
                            16777217,
                            -16777217,
                            2147483647,
                            2147483648,
                            -2147483648,
                            -2147483649,
                            4294967295,
                            4294967296,
                            9007199254740992,
                            9007199254740993,
                            -9007199254740993,
                            INT64_MAX,
                            INT64_MIN,
                            INT64_MIN + 1,
                            (wide)INT64_MAX + 1,
                            (wide)INT64_MAX + 2,
                            (wide)UINT64_MAX,
                            (wide)UINT64_MAX - 1,
                            (wide)UINT64_MAX - 2048};

static void check_comparisons(wn_type type, wide v, const uint64_t *values, size_t count) {
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", type);
    wn_operand number = v < 0 ? wn_operand_int((long long)v) : wn_operand_uint((unsigned long long)v);
    for (op o = OP_equal; o <= OP_greater_equal; o++) {
        const node_id args[2] = {x.id, wn_constant(f.g, number).id};
        const node_id swapped[2] = {args[1], args[0]};
        node_id id = wn_build(f.g, o, args, 2, WN_BOOL, 0);
        expect_ok(f.g);
        assert_int_equal(id, wn_build(f.g, (op)wn_op_row(o)->mirror, swapped, 2, WN_BOOL, 0));
        uint8_t *said = evaluate(f.g, id, type, values, count);
        for (size_t i = 0; i < count; i++)
            if (said[i] != holds(o, order_of(type, values[i], v)))
                fail_msg("%s %s %lld (of 2^64: %d), value %llx", wn_type_name(type), wn_op_row(o)->name,
                         (long long)v, (int)(v >> 64), (unsigned long long)values[i]);
        free(said);
    }
    tear_down(f);
}

static void comparisons_with_ints_are_exact(void **state) {
    (void)state;
    for (int type = WN_I8; type < WN_TYPE_COUNT; type++) {
        uint64_t *values;
        size_t count = values_of((wn_type)type, &values);
        for (size_t i = 0; i < sizeof INTS / sizeof *INTS; i++)
            check_comparisons((wn_type)type, INTS[i], values, count);
        free(values);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_int_becomes_the_type_it_meets),
        cmocka_unit_test(a_float_becomes_the_float_it_meets),
        cmocka_unit_test(a_complement_is_of_the_type_it_meets),
        cmocka_unit_test(zero_and_one_are_bools_in_c),
        cmocka_unit_test(choices_without_a_type_get_one),
        cmocka_unit_test(an_output_that_is_a_literal_gets_a_type),
        cmocka_unit_test(a_cast_of_a_literal_wraps_and_saturates),
        cmocka_unit_test(literals_fold_exactly),
        cmocka_unit_test(literals_without_an_answer_are_errors),
        cmocka_unit_test(comparisons_with_ints_are_exact),
    };
    return cmocka_run_group_tests_name("literals", tests, NULL, NULL);
}
