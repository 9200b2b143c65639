/*
 * test_print.c - listings parse back to the same listing, whatever the text; labels; the picture for Graphviz.
 */
#include "text_fixture.h"

/* ---- Round trips ------------------------------------------------------------------------------------------------- */

static const char *const PROGRAMS[] = {
    "a < 0 ? 0 : a",
    "u + 200; i + -5; i ^ ~3; i << 40; u == 300; a < 300",
    "where(c, 1, 0)",
    "where(c, 1.0, 0)",
    "where(c, true, false) & d",
    "output p = where(c, i8(1), 2); output q = where(c, f32(0.1), -0.0); output r = where(c, "
    "u64(1), 2);",
    "output p = i8(44); output q = f32(0.1); output r = f16(-inf); output s = nan; output w = "
    "true; output x = -nan",
    "a * 0.1 + 16777216.0 + 3.4028234663852886e38 + 1e-45",
    "f16(a) * 0.1 + f16(b)",
    "bf16(a) * 3.14159 - nan",
    "f64(a) * 0.1 + 1e300 - -inf",
    "i64(i) + -9223372036854775808",
    "u64(i) + 18446744073709551615",
    "t[:, k]",
    "x = a[c]; y = b[c]; output x; output z = sqrt(x) + y; output w = z;",
    "v1 = a + 1; v3 = v1 * b; output r = (a - b) * v3; output s = (a - b) + v1;",
    "y = a + b; z = a + b; output w = y; output y;",
    "output a = a * 2; output b = a + b; output c = a;",
    "output y = a * b; output z = y + 1; output w = y + 1;",
    "select(c, 1, d, 2, 3) + where(c & d, 1, 0)",
    "q = 3; r = q + 1; output s = a + r; output q;",
    "where(t) + where(t > 1)",
    "multiply_no_nan(a, b) / b; is_nan(a) | is_inf(b) ^ is_finite(a) & !c",
    "(a + (a * (a - 1)))[c][d[c]]",
    "i // 3 % 5 + (i >> 31); abs(-i)",
    "mean(u) + mean(u > 3) + mean(i) + mean(u, where=u > 7); output y = mean(t > 1, axis=1)",
};

/* Twice from a listing to itself, and the graph of a listing is the same each time. */
static void expect_round_trip(const char *text) {
    fixture f = set_up(), again = set_up(), third = set_up();
    parse(f.g, INPUTS);
    parse(f.g, text);
    if (wn_graph_status(f.g) != WN_OK) fail_msg("%s\n%s", text, wn_graph_error(f.g));
    char *listing = list(f.g);
    parse(again.g, listing);
    if (wn_graph_status(again.g) != WN_OK)
        fail_msg("%s\n%s\n%s", text, listing, wn_graph_error(again.g));
    char *second = list(again.g);
    if (strcmp(listing, second) != 0) fail_msg("%s\n%s\nbut then\n%s", text, listing, second);
    parse(third.g, second);
    wn_graph *one = wn_graph_copy(again.g), *two = wn_graph_copy(third.g), *zero = wn_graph_copy(f.g);
    assert_true(same_key(one, two));
    assert_true(same_key(f.g, zero));
    char *of_copy = list(zero);
    if (strcmp(listing, of_copy) != 0) fail_msg("%s\n%s\nbut the copy\n%s", text, listing, of_copy);
    free(listing);
    free(second);
    free(of_copy);
    wn_graph_free(zero);
    wn_graph_free(one);
    wn_graph_free(two);
    tear_down(f);
    tear_down(again);
    tear_down(third);
}

static void test_listings_parse_back(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof PROGRAMS / sizeof *PROGRAMS; i++)
        expect_round_trip(PROGRAMS[i]);
}

static void test_labels(void **state) {
    (void)state;
    fixture f = set_up();
    char text[32];
    parse(f.g, "input x: f32[?]; input v1: f32[?]; y = x + v1; z = (x - v1) * y; s = z * 2; output "
               "out = sqrt(s) + 1;");
    expect_ok(f.g);
    wn_labels labels;
    assert_true(wn_labels_find(&labels, f.g));
    static const char *const names[] = {"x", "v1", "y", "z", "s", "out"};
    for (size_t i = 0; i < 6; i++) {
        wn_node_label(&labels, wn_find(f.g, names[i]).id, text, sizeof text);
        assert_string_equal(text, names[i]);
    }
    wn_node_label(&labels, wn_subtract(wn_find(f.g, "x"), wn_find(f.g, "v1")).id, text, sizeof text);
    assert_string_equal(text, "v2");
    wn_node_label(&labels, wn_sqrt(wn_find(f.g, "s")).id, text, sizeof text);
    assert_string_equal(text, "v3");
    wn_node_label(&labels, wn_find(f.g, "out").id, text, 3);
    assert_string_equal(text, "ou");
    wn_node_label(&labels, 0, text, sizeof text);
    assert_string_equal(text, "null");
    wn_node_label(&labels, 1000000, text, sizeof text);
    assert_string_equal(text, "null");
    wn_labels_free(&labels);
    tear_down(f);
}

static void test_dot(void **state) {
    (void)state;
    fixture f = set_up();
    parse(f.g, "input x: f32[?, 3]; output y = where(x < 0, 0, x); output z = i8(3);");
    wn_buffer b = {.context = f.context};
    wn_print_dot(f.g, &b);
    assert_non_null(strstr(b.text, "digraph winnow {\n"));
    assert_non_null(
        strstr(b.text, "[label=\"x\\nf32[?, 3]\", style=filled, fillcolor=lightgrey];\n"));
    assert_non_null(strstr(b.text, "[label=\"v1 = less(x, 0.0)\\nbool[?, 3]\"];\n"));
    assert_non_null(strstr(b.text, "[label=\"y = where(v1, 0.0, x)\\nf32[?, 3]\"];\n"));
    assert_non_null(strstr(b.text, "[label=\"i8(3)\\ni8[]\"];\n"));
    assert_non_null(strstr(b.text, "out_y [label=\"output y\", shape=ellipse];\n"));
    wn_buffer_free(&b);
    tear_down(f);
}

/* ---- Fuzz -------------------------------------------------------------------------------------------------------- */

enum { FUZZ_ROUNDS = 20000 };

static uint32_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Any text leaves either values or an error with a place; and if values, a listing that parses back to itself. */
static void try_text(const char *text, size_t length) {
    fixture f = set_up();
    parse(f.g, INPUTS);
    wn_parse(f.g, text, length);
    if (wn_graph_status(f.g) != WN_OK) {
        assert_int_not_equal(wn_graph_status(f.g), WN_ERROR_INTERNAL);
        assert_int_equal(strncmp(wn_graph_error(f.g), "line ", 5), 0);
        tear_down(f);
        return;
    }
    fixture again = set_up();
    char *listing = list(f.g);
    parse(again.g, listing);
    if (wn_graph_status(again.g) != WN_OK)
        fail_msg("%.*s\n%s\n%s", (int)length, text, listing, wn_graph_error(again.g));
    char *second = list(again.g);
    if (strcmp(listing, second) != 0)
        fail_msg("%.*s\n%s\nbut then\n%s", (int)length, text, listing, second);
    free(listing);
    free(second);
    tear_down(again);
    tear_down(f);
}

static void test_random_bytes(void **state) {
    (void)state;
    uint64_t seed = 20240229;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        char text[64];
        size_t length = next_random(&seed) % sizeof text;
        for (size_t i = 0; i < length; i++)
            text[i] =
                (char)(next_random(&seed) % 4 ? 32 + next_random(&seed) % 95 : next_random(&seed));
        try_text(text, length);
    }
}

/* Tokens that often fit each other, so that some of the texts are right. */
static void test_random_tokens(void **state) {
    (void)state;
    static const char *const tokens[] = {"a",
                                         "b",
                                         "c",
                                         "d",
                                         "i",
                                         "j",
                                         "u",
                                         "t",
                                         "k",
                                         "n",
                                         "a",
                                         "c",
                                         "i",
                                         "a",
                                         "c",
                                         "i",
                                         "0",
                                         "1",
                                         "2",
                                         "3",
                                         "255",
                                         "300",
                                         "-1",
                                         "0.5",
                                         "1e40",
                                         "nan",
                                         "inf",
                                         "true",
                                         "false",
                                         "18446744073709551615",
                                         "(",
                                         ")",
                                         "(",
                                         ")",
                                         "(",
                                         ")",
                                         "[",
                                         "]",
                                         ",",
                                         ",",
                                         ";",
                                         "?",
                                         ":",
                                         "=",
                                         "+",
                                         "-",
                                         "*",
                                         "/",
                                         "//",
                                         "%",
                                         "<<",
                                         ">>",
                                         "<",
                                         "<=",
                                         ">",
                                         ">=",
                                         "==",
                                         "!=",
                                         "&",
                                         "^",
                                         "|",
                                         "&&",
                                         "||",
                                         "!",
                                         "~",
                                         "where(",
                                         "select(",
                                         "clip(",
                                         "cast(",
                                         "i8(",
                                         "f16(",
                                         "f32(",
                                         "bool(",
                                         "u64(",
                                         "abs(",
                                         "sqrt(",
                                         "minimum(",
                                         "nonzero(",
                                         "boolean_mask(",
                                         "axis=",
                                         ":,",
                                         "input ",
                                         "output ",
                                         "y",
                                         "z",
                                         "y =",
                                         "output z =",
                                         "\n",
                                         "#",
                                         "f64",
                                         "f32[?]",
                                         "sum(",
                                         "is_nan(",
                                         "multiply_no_nan("};
    uint64_t seed = 4;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        char text[512];
        size_t length = 0, count = 1 + next_random(&seed) % 12;
        for (size_t i = 0; i < count; i++) {
            const char *token = tokens[next_random(&seed) % (sizeof tokens / sizeof *tokens)];
            length += (size_t)sprintf(text + length, "%s%s", token, next_random(&seed) % 4 ? " " : "");
        }
        try_text(text, length);
    }
}

/* Expressions that are right in form: most are wrong in type, but hundreds are not. */
static size_t random_expression(uint64_t *seed, char *text, int depth) {
    static const char *const leaves[] = {"a", "b", "c", "d",  "i",   "j",    "a", "c",
                                         "i", "0", "1", "-7", "2.5", "true", "u"};
    static const char *const operators[] = {
        "+", "-", "*", "/", "//", "%", "<", ">=", "==", "!=", "&", "|", "^", "<<", ">>"};
    static const char *const calls[] = {"abs(",  "-(",   "~(",    "i8(",    "f16(",
                                        "bool(", "f32(", "sqrt(", "is_nan("};
    uint32_t choice = depth ? next_random(seed) % 8 : 0;
    size_t length = 0;
    if (choice == 0) return (size_t)sprintf(text, "%s", leaves[next_random(seed) % 15]);
    if (choice < 5) {
        length = random_expression(seed, text, depth - 1);
        length += (size_t)sprintf(text + length, " %s ", operators[next_random(seed) % 15]);
        return length + random_expression(seed, text + length, depth - 1);
    }
    if (choice < 7) {
        length = (size_t)sprintf(text, "%s", calls[next_random(seed) % 9]);
        length += random_expression(seed, text + length, depth - 1);
        return length + (size_t)sprintf(text + length, ")");
    }
    length = (size_t)sprintf(text, "c ? ");
    length += random_expression(seed, text + length, depth - 1);
    length += (size_t)sprintf(text + length, " : ");
    return length + random_expression(seed, text + length, depth - 1);
}

static void test_random_expressions(void **state) {
    (void)state;
    uint64_t seed = 7;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        char text[1024];
        size_t length = random_expression(&seed, text, 1 + round % 4);
        try_text(text, length);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listings_parse_back),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_random_tokens),
        cmocka_unit_test(test_random_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
