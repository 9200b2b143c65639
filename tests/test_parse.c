/*
 * test_parse.c - the text form: what is accepted, and what it means.
 *
 * A text is compared with another spelling of it, whose listing must be the same, so these tests do not depend on how a
 * listing looks; tests/test_text shows that.
 */
#include "text_fixture.h"

/* The listing that a text leads to, after some declarations; it must parse. */
static char *list_of(const char *before, const char *text) {
    fixture f = set_up();
    if (*before) parse(f.g, before);
    parse(f.g, text);
    if (wn_graph_status(f.g) != WN_OK) fail_msg("%s\n%s", text, wn_graph_error(f.g));
    char *listing = list(f.g);
    tear_down(f);
    return listing;
}

static void expect_same(const char *text, const char *other) {
    char *one = list_of(INPUTS, text), *two = list_of(INPUTS, other);
    if (strcmp(one, two) != 0) fail_msg("%s\n%s\nand\n%s\n%s", text, one, other, two);
    free(one);
    free(two);
}

/* ---- Operators --------------------------------------------------------------------------------------------------- */

typedef struct pair {
    const char *text, *other;
} pair;

static void test_precedence(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"a > 0 & b < 1", "(a > 0) & (b < 1)"},
        {"a + b * a", "a + (b * a)"},
        {"a * b + a", "(a * b) + a"},
        {"a - b - a", "(a - b) - a"},
        {"a / b * a", "(a / b) * a"},
        {"i // j % i", "(i // j) % i"},
        {"i % j * i", "(i % j) * i"},
        {"i << j + i", "i << (j + i)"},
        {"i << j >> i", "(i << j) >> i"},
        {"i >> j < i", "(i >> j) < i"},
        {"a < b == c", "(a < b) == c"},
        {"c == a >= b", "c == (a >= b)"},
        {"c != d & c", "(c != d) & c"},
        {"i & j ^ i", "(i & j) ^ i"},
        {"i ^ j & i", "i ^ (j & i)"},
        {"i ^ j | -i", "(i ^ j) | -i"},
        {"i | j ^ -i", "i | (j ^ -i)"},
        {"c & j == i", "c & (j == i)"},
        {"c | d && c", "(c | d) && c"},
        {"c && d || c", "(c && d) || c"},
        {"c || d && c", "c || (d && c)"},
        {"c || d ? a : b", "(c || d) ? a : b"},
        {"c ? a : d ? b : a", "c ? a : (d ? b : a)"},
        {"c ? d ? a : b : b", "c ? (d ? a : b) : b"},
        {"!c == d", "(!c) == d"},
        {"-a * b", "(-a) * b"},
        {"-a[c]", "-(a[c])"},
        {"~i & j", "(~i) & j"},
        {"!c & d", "(!c) & d"},
        {"- - a", "-(-a)"},
        {"!c[d][c[d]]", "!((c[d])[c[d]])"},
        {"a-1", "a - 1"},
        {"a - -1", "a - (-1)"},
    };
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        expect_same(pairs[p].text, pairs[p].other);
}

static void test_operators_are_functions(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"a == b", "equal(a, b)"},
        {"a != b", "not_equal(a, b)"},
        {"a < b", "less(a, b)"},
        {"a <= b", "less_equal(a, b)"},
        {"a > b", "greater(a, b)"},
        {"a >= b", "greater_equal(a, b)"},
        {"c & d", "logical_and(c, d)"},
        {"c && d", "logical_and(c, d)"},
        {"c | d", "logical_or(c, d)"},
        {"c || d", "logical_or(c, d)"},
        {"c ^ d", "logical_xor(c, d)"},
        {"!c", "logical_not(c)"},
        {"~c", "logical_not(c)"},
        {"i & j", "bitwise_and(i, j)"},
        {"i | j", "bitwise_or(i, j)"},
        {"i ^ j", "bitwise_xor(i, j)"},
        {"i & 3", "bitwise_and(i, 3)"},
        {"3 | i", "bitwise_or(3, i)"},
        {"c & true", "logical_and(c, true)"},
        {"false ^ c", "logical_xor(false, c)"},
        {"~i", "invert(i)"},
        {"i << 3", "left_shift(i, 3)"},
        {"i >> 3", "right_shift(i, 3)"},
        {"c ? a : b", "where(c, a, b)"},
        {"f64(a)", "cast(a, f64)"},
        {"a + b", "add(a, b)"},
        {"a - b", "subtract(a, b)"},
        {"a * b", "multiply(a, b)"},
        {"a / b", "divide(a, b)"},
        {"i // j", "floor_divide(i, j)"},
        {"i % j", "floor_mod(i, j)"},
        {"-a", "negative(a)"},
        {"clip(a, 0, 1)", "minimum(maximum(a, 0), 1)"},
        {"where(c)", "nonzero(c)"},
        {"where(a)", "nonzero(a != 0)"},
        {"select(c, a, d, b, 0)", "c ? a : d ? b : 0"},
        {"select(c, 1, d, a, 2)", "c ? 1 : d ? a : 2"},
        {"a[c]", "boolean_mask(a, c)"},
        {"a[c]", "boolean_mask(a, c, axis=0)"},
        {"t[:, k]", "boolean_mask(t, k, axis=1)"},
        {"t[:, :, n]", "boolean_mask(t, n, axis=2)"},
        {"t[:, :, n]", "boolean_mask(t, n, axis=-1)"},
        {"t[:,:,n][:,k]", "boolean_mask(boolean_mask(t, n, axis=2), k, axis=1)"},
        {"multiply_no_nan(a, b) + minimum(a, b)", "add(multiply_no_nan(a, b), minimum(a, b))"},
        {"is_nan(a) | is_inf(a) | is_finite(b)", "(is_nan(a) | is_inf(a)) | is_finite(b)"},
    };
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        expect_same(pairs[p].text, pairs[p].other);
}

static void test_macros_build_the_same(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32, WN_ANY);
    wn_node y = wn_where(wn_less(x, 0), 0, x);
    assert_int_equal(parse(f.g, "where(x < 0, 0, x)").id, y.id);
    expect_ok(f.g);
    tear_down(f);
}

/* ---- Literals ---------------------------------------------------------------------------------------------------- */

static void expect_literal(const char *text, const char *constant) {
    fixture f = set_up();
    char statements[128];
    snprintf(statements, sizeof statements, "output other = 0; %s", text); /* which need not fit i64 then */
    wn_node value = parse(f.g, statements);
    if (wn_graph_status(f.g) != WN_OK) fail_msg("%s\n%s", text, wn_graph_error(f.g));
    char shown[40];
    wn_constant_text(graph_node(f.g, value.id), shown);
    if (strcmp(shown, constant) != 0) fail_msg("%s is shown as %s, not %s", text, shown, constant);
    tear_down(f);
}

static void test_literals(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"0", "0"},
        {"007", "7"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"- 9223372036854775808", "-9223372036854775808"},
        {"0x7fffFFFFffffFFFF", "9223372036854775807"},
        {"0X1f", "31"},
        {"u64(18446744073709551615)", "18446744073709551615"},
        {"u64(0xffffffffffffffff)", "18446744073709551615"},
        {"i8(300)", "44"},
        {"u32(~3)", "4294967292"},
        {"~3", "~3"},
        {"1.", "1.0"},
        {".5", "0.5"},
        {"1e-3", "0.001"},
        {"1.e2", "100.0"},
        {"2.5E+3", "2500.0"},
        {"1e30", "1e+30"},
        {"1e999", "inf"},
        {"0.1", "0.1"},
        {"f32(0.1)", "0.1"},
        {"f16(0.1)", "0.1"},
        {"-0.0", "-0.0"},
        {"inf", "inf"},
        {"-inf", "-inf"},
        {"nan", "nan"},
        {"-nan", "-nan"},
        {"f32(-nan)", "-nan"},
        {"true", "true"},
        {"!true", "false"},
        {"~true", "false"},
        {"false || true", "true"},
        {"1 + 2 * 3", "7"},
        {"1 / 0", "inf"},
        {"7 // -2", "-4"},
        {"5 < 5.5", "true"},
        {"6 & 3 | 8", "10"},
        {"1 << 63", "9223372036854775808"},
    };
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        expect_literal(pairs[p].text, pairs[p].other);
}

/* ---- Statements -------------------------------------------------------------------------------------------------- */

static void test_inputs(void **state) {
    (void)state;
    char *listing = list_of(
        "", "input x: f32[?, 3]; input s: f64[]; input t: i8; input e: u64[0, 9223372036854775807];"
            "input r: bool[1, 2, 3, 4, 5, 6, 7, ?]; s");
    assert_string_equal(
        listing, "input x: f32[?, 3];\ninput s: f64[];\ninput t: i8[];\n"
                 "input e: u64[0, 9223372036854775807];\ninput r: bool[1, 2, 3, 4, 5, 6, 7, ?];\n"
                 "output result = s;\n");
    free(listing);
}

static void test_inputs_of_the_graph_are_visible(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32, 3);
    wn_node y = wn_name(wn_add(x, 1), "y");
    wn_node z = parse(f.g, "z = y * x");
    assert_int_equal(z.id, wn_multiply(y, x).id);
    assert_int_equal(wn_find(f.g, "z").id, z.id);
    expect_ok(f.g);
    tear_down(f);
}

static void test_default_output(void **state) {
    (void)state;
    expect_same("a + b", "output result = a + b");
    expect_same("a + b;", "output result = a + b;");
    expect_same("a * b; a + b", "output result = a + b");
    expect_same("y = a + b", "output y = a + b;");
    expect_same("y = a + b; y * a", "y = a + b; output result = y * a");
    expect_same("a * b; y = a + b", "y = a + b; output y;");
    expect_same("a", "output result = a");
    expect_same("y = 3", "output y = i64(3)");
    expect_same("3.5", "output result = f64(3.5)");
}

static void test_outputs(void **state) {
    (void)state;
    expect_same("y = a + b; output y;", "output y = a + b;");
    expect_same("output y = a + b; output z = y * a;", "y = a + b; output y; output z = y * a;");
    expect_same("output a;", "output a = a;");
    expect_same("output a = a + 1;", "output a = add(a, 1);");
    expect_same("output y = a; output z = a; output w = y;",
                "output y = a; output z = a; output w = a");
    expect_same("y = a + 1; z = a + 1; output z;", "y = a + 1; output z = y;");
}

static void test_values_of_statements(void **state) {
    (void)state;
    fixture f = set_up();
    assert_int_equal(parse(f.g, "input x: f32[?]; input c: bool[?];").id, 0);
    expect_ok(f.g);
    wn_node y = parse(f.g, "y = x + 1; input z: f32;");
    assert_int_equal(y.id, wn_find(f.g, "y").id);
    assert_int_equal(parse(f.g, "output w = y; input v: f32;").id, y.id);
    expect_ok(f.g);
    tear_down(f);
}

static void test_blanks_and_comments(void **state) {
    (void)state;
    expect_same("# all of it\n  a#b\r\n\t+\v\fb # the end", "a+b");
    expect_same("a + b;;; # nothing\n;", "a + b");
    expect_same("where(\n  c,\n  a, # one\n  b)", "c?a:b");
}

static void test_words(void **state) {
    (void)state;
    static const char *const words[] = {
        "input",   "output", "true",  "false",  "nan",  "inf",      "f32",
        "bool",    "less",   "where", "select", "clip", "cast",     "boolean_mask",
        "nonzero", "expand", "sum",   "argmax", "axis", "keepdims", "initial"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(wn_is_word(words[i], strlen(words[i])));
    assert_false(wn_is_word("", 0));
    assert_false(wn_is_word("les", 3));
    assert_false(wn_is_word("lesser", 6));
    assert_false(wn_is_word("less\0", 5));
    assert_true(wn_is_name("_a9", 3));
    assert_true(wn_is_name("less", 4));
    assert_false(wn_is_name("", 0));
    assert_false(wn_is_name("9a", 2));
    assert_false(wn_is_name("a-b", 3));
    assert_false(wn_is_name("a\0b", 3));
    assert_false(wn_is_name("\xc3\xa9", 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_operators_are_functions),
        cmocka_unit_test(test_macros_build_the_same),
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_inputs_of_the_graph_are_visible),
        cmocka_unit_test(test_default_output),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_values_of_statements),
        cmocka_unit_test(test_blanks_and_comments),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
