/*
 * test_patterns.c - comparisons of floats with constants: for every pattern of the 16-bit types, and the special ones of the
 * others, as the interpreter has them.
 */
#include "compare.h"
#include "graph/patterns.h"
#include "graph_fixture.h"
#include "run/context.h"
#include "values.h"

#include <math.h>

#define LENGTH 65536
#define SOME 3000
#define COMPARISONS 12 /* six operations, the constant on either side */

static wn_type types[] = {WN_F16, WN_BF16, WN_F32, WN_F64};

/* 0, 1.5, the least number above 0, the greatest, infinity, NaN; and each with the sign bit. */
static size_t list_constants(wn_type type, uint64_t list[12]) {
    uint64_t infinity = values_of_double(type, INFINITY),
             sign = (uint64_t)1 << (8 * wn_type_size(type) - 1);
    const uint64_t positive[] = {
        0, values_of_double(type, 1.5), 1, infinity - 1, infinity, infinity + 1};
    for (size_t i = 0; i < 12; i++)
        list[i] = positive[i / 2] | (i % 2 ? sign : 0);
    return 12;
}

/* Of two bytes every pattern; else the special ones, among others near the constants. */
static void *new_values(wn_type type) {
    static const double near[] = {-1.5, 0, 1.5};
    uint64_t special[VALUES_MAX], random = type;
    size_t count = values_special(type, special);
    void *values = malloc(LENGTH * wn_type_size(type));
    assert_non_null(values);
    values_fill(type, values, LENGTH, &random);
    for (size_t i = 0; i < LENGTH; i++) {
        uint64_t bits = values_of_double(type, near[i % 3]) + (uint64_t)(i / 3 % 7) - 3;
        if (wn_type_size(type) == 2)
            values_store(type, values, (int64_t)i, i);
        else if (i < SOME / 3)
            values_store(type, values, (int64_t)i, special[i % count]);
        else if (i < SOME * 2 / 3)
            values_store(type, values, (int64_t)i, bits);
    }
    return values;
}

/* ---- The graphs ----------------------------------------------------------------------------------------------------- */

static node_id compare_with(wn_graph *g, node_id x, uint64_t bits, size_t i) {
    node_id c = wn_build_constant(g, (wn_type)graph_node(g, x)->type, bits);
    const node_id args[] = {i % 2 ? c : x, i % 2 ? x : c};
    return wn_build(g, (op)(OP_equal + i / 2), args, 2, WN_BOOL, 0);
}

static bool is_known(const wn_graph *g, node_id id) {
    pattern_range range;
    return wn_find_patterns(g, graph_node(g, id), &range);
}

/* What is made of a comparison. */
typedef enum purpose { CHOOSE, COUNT, COUNT_OTHERS, PACK, STORE, PURPOSES } purpose;

static node_id make(wn_graph *g, purpose p, node_id x, node_id c) {
    node_id chosen[] = {c, x, wn_build_constant(g, (wn_type)graph_node(g, x)->type, 5)};
    node_id packed[] = {x, c};
    switch (p) {
    case CHOOSE: return wn_build(g, OP_where, chosen, 3, WN_BOOL, 0);
    case COUNT: return wn_build_reduction(g, OP_count, c, &(reduction){.where = 0});
    case COUNT_OTHERS:
        c = wn_build(g, OP_logical_not, &c, 1, WN_BOOL, 0);
        return wn_build_reduction(g, OP_count, c, &(reduction){.where = 0});
    case PACK: return wn_build(g, OP_boolean_mask, packed, 2, WN_BOOL, 0);
    default: return c;
    }
}

/* Of the comparisons of x with a constant those that are known, or the others; some of them where each is a loop of its own. */
static wn_graph *build(wn_context *c, wn_type type, uint64_t bits, bool known, purpose p) {
    wn_graph *g = wn_graph_new(c);
    node_id x = wn_input_dims(g, "x", type, 1, &(int64_t){WN_ANY}).id;
    for (size_t i = 0; i < COMPARISONS; i++) {
        node_id compared = compare_with(g, x, bits, i);
        char name[8];
        snprintf(name, sizeof name, "y%zu", i);
        if (is_known(g, compared) != known || (p == PACK && i % 5 != bits % 5)) continue;
        wn_output(g, name, (wn_node){g, make(g, p, x, compared)});
    }
    return g;
}

static void compare_with_constant(wn_type type, uint64_t bits, const void *values) {
    wn_context *c = compare_context(1);
    for (purpose p = CHOOSE; p < PURPOSES; p++)
        for (int known = 0; known < 2; known++) {
            wn_graph *g = build(c, type, bits, known, p);
            bool every = wn_type_size(type) == 2 && p != PACK && !COMPARE_SAMPLED;
            const wn_array x = wn_vector(type, values, every ? LENGTH : SOME);
            if (g->output_count) compare_graph(c, g, &x, 1);
            wn_graph_free(g);
        }
    wn_context_free(c);
}

static void comparisons_are_as_the_interpreter_has_them(void **state) {
    const wn_type type = *(const wn_type *)*state;
    uint64_t constants[12];
    size_t count = list_constants(type, constants);
    void *values = new_values(type);
    for (size_t i = 0; i < count; i++)
        compare_with_constant(type, constants[i], values);
    free(values);
}

/* Each alone, so that what is loaded is used once, and AVX2 compares it where it lies (jit/llvm/compare.c). */
static void floats_that_are_only_compared(void **state) {
    (void)state;
    static const char *const texts[] = {"count(x < 1.5)",    "count(x <= 1.5)",
                                        "count(!(x < 1.5))", "count(!(x <= 1.5))",
                                        "count(1.5 > x)",    "any(x < -1e30)"};
    void *values = new_values(WN_F32);
    const wn_array x = wn_vector(WN_F32, values, SOME);
    wn_context *c = compare_context(1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[64];
        snprintf(text, sizeof text, "input x: f32[?]; %s", texts[i]);
        wn_graph *g = wn_graph_new(c);
        wn_parse(g, text, strlen(text));
        compare_graph(c, g, &x, 1);
        wn_graph_free(g);
    }
    wn_context_free(c);
    free(values);
}

/* ---- What is known ---------------------------------------------------------------------------------------------------- */

static uint64_t is_true(op o, uint64_t x, uint64_t c, bool turned) {
    const uint64_t args[] = {turned ? c : x, turned ? x : c};
    return wn_evaluate(o, WN_F16, WN_BOOL, args, 2);
}

/* By every pattern of f16: a range is exactly what is true, and all that is one range, but for equality with 0, which is of magnitudes, and with
   a NaN, is found. */
static void every_range_is_found(void **state) {
    (void)state;
    fixture f = set_up();
    node_id x = wn_input_dims(f.g, "x", WN_F16, 1, &(int64_t){WN_ANY}).id;
    uint64_t constants[12];
    size_t count = list_constants(WN_F16, constants);
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < COMPARISONS; i++) {
            const node *n = graph_node(f.g, compare_with(f.g, x, constants[k], i));
            op o = (op)(OP_equal + i / 2);
            pattern_range range = {.count = 0};
            bool found = wn_find_patterns(f.g, n, &range);
            unsigned ends = 0;
            for (uint64_t bits = 0; bits < 65536; bits++) {
                uint64_t want = is_true(o, bits, constants[k], i % 2);
                ends += want != is_true(o, (bits + 1) & 0xffff, constants[k], i % 2);
                uint64_t at = range.of_magnitude ? bits & 0x7fff : bits;
                if (found) assert_int_equal(((at - range.first) & 0xffff) < range.count, want);
            }
            bool of_nan = (constants[k] & 0x7fff) > 0x7c00;
            assert_int_equal(found, !of_nan && (ends <= 2 || range.of_magnitude));
        }
    tear_down(f);
}

static bool computes_floats(const char *text) {
    fixture f = set_up();
    char declared[300];
    snprintf(
        declared, sizeof declared,
        "input x: f32[?]; input d: f64[?]; input h: f16[?]; input i: i32[?]; input b: bool[?]; %s",
        text);
    wn_parse(f.g, declared, strlen(declared));
    expect_ok(f.g);
    wn_graph *copy = wn_graph_copy(f.g);
    bool computes = wn_computes_floats(copy);
    wn_graph_free(copy);
    tear_down(f);
    return computes;
}

static void what_computes_floats(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool computes;
    } texts[] = {
        {"where(b, x, 1)", false},
        {"x[b]", false},
        {"i < 3", false},
        {"is_nan(x) | is_finite(-abs(x))", false},
        {"h[h < 0]", false},
        {"count(h)", false},
        {"count(x)", true},
        {"bool(x)", true},
        {"where(x < 0, 1, x)", true},
        {"d[2 <= d]", true},
        {"any(x != -1.5)", true},
        {"x < 1", true},
        {"x <= 0", true},
        {"(d < 0) & (d < f64(i))", true},
        {"h < 1", true},
        {"f32(i)", true},
        {"where(x < 0, 0, x)", true},
        {"where(h > 0, h, 0)", false},
        {"max(x)", true},
        {"x == nan", true},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (computes_floats(texts[i].text) != texts[i].computes) fail_msg("%s", texts[i].text);
}

#define OF(name, type)                                                                             \
    { name, comparisons_are_as_the_interpreter_has_them, NULL, NULL, &types[(type)-WN_F16] }

int main(void) {
    const struct CMUnitTest tests[] = {
        OF("comparisons of f16", WN_F16),
        OF("comparisons of bf16", WN_BF16),
        OF("comparisons of f32", WN_F32),
        OF("comparisons of f64", WN_F64),
        cmocka_unit_test(floats_that_are_only_compared),
        cmocka_unit_test(every_range_is_found),
        cmocka_unit_test(what_computes_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
