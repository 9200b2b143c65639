/*
 * test_plan.c - how many loops an expression becomes, and of which kind. A row each: the text, and the plan that it should get.
 *
 * A plan is written as its stages in order: `map`, `pack`, `rows` and so on, with * where the stage uses another one's bitmap; then the
 * temporaries and the checks of lengths at run time, if there are any.
 */
#include "counted_memory.h"
#include "graph_fixture.h"
#include "jit/plan.h"

#include <stdio.h>
#include <string.h>

typedef struct plan_case {
    const char *text;
    const char *plan;
} plan_case;

#define INPUTS                                                                                     \
    "input x: f32[?]; input y: f32[?]; input v: f32[?]; input m: bool[?]; input k: bool[?];"       \
    "input s: f32; input t: u8[?, ?, 3]; input mm: bool[?, ?]; input q: f32[2, ?, 4];"             \
    "input row: u8[3]; input r: f32[?, 1, 4]; input one: f32[1];"                                  \
    "input x5: f32[5]; input y5: f32[3, 5]; input m5: bool[5];"

static const plan_case CASES[] = {
    /* Elementwise: one loop for all outputs of one shape, another for another. */
    {"where(x < 0, 0, x)", "map"},
    {"output a = x + 1; output b = x * 2;", "map"},
    {"output a = x + 1; output b = y * 2;", "map map"},
    {"(x > 0) & (y < 0.2)", "map, 1 check"},
    {"x * s", "map"},
    {"output a = x + 1; output b = s + 1;", "map map"},
    /* boolean_mask: what is computed from packed values is computed before they are packed. */
    {"x[m]", "pack, 1 check"},
    {"x[x < 0]", "pack"},
    {"sqrt(x[m]) + y[m] * s", "pack, 2 checks"},
    {"output a = x[m]; output b = y[m]; output c = i32(v[m]);", "pack, 3 checks"},
    {"nonzero(m)", "pack"},
    {"output a = nonzero(m); output b = x[m];", "pack, 1 check"},
    /* A mask of a mask is one mask. */
    {"x[m][x[m] > 1]", "pack, 1 check"},
    {"x[m][x[m] > 1][k[m][x[m] > 1]]", "pack, 2 checks"},
    /* A mask over some of the axes: rows; the same mask over other axes is evaluated once. */
    {"t[mm]", "rows, 2 checks"},
    {"output a = t[mm]; output b = nonzero(mm);", "rows pack*, 2 checks"},
    {"q[:, m]", "rows, 1 check"},
    {"t[mm] * u8(3)", "rows, 2 checks"},
    /* Lengths that are known only after packing: the packed value is kept. */
    {"x[m] + v", "pack map, 1 temporary, 2 checks"},
    {"x[m] + y[k]", "pack pack map, 2 temporaries, 3 checks"},
    {"x[m][k]", "pack pack, 1 temporary, 2 checks"},
    {"output a = x[m]; output b = x[m] + v;", "pack map, 1 temporary, 2 checks"},
    {"f32(nonzero(m))", "pack map, 1 temporary"},
    /* What is computed from packed values is reduced where it lies; of a mask of a mask only x[k][m[k]] itself is, in x[k]. */
    {"any(x[m] > 3)", "reduce, 1 check"},
    {"sum((x[m] - 1) * (x[m] + 1))", "reduce, 1 check"},
    {"max(t[mm] * row, axis=0)", "reduce, 2 checks"},
    {"sum(x[m] * y[m])", "reduce, 2 checks"},
    {"output a = sum(x[m] * y[m]); output b = sum(x); output c = mean(x[m]);", "reduce, 2 checks"},
    {"sum(x[m] * y[k])", "pack pack reduce, 2 temporaries, 3 checks"},
    {"sum(x[m][k[m]])", "pack reduce, 2 temporaries, 2 checks"},
    {"sum(x[m][k[m]] * 2)", "pack reduce, 1 temporary, 2 checks"},
    {"sum(expand(u8(s), mm, t)[m], axis=0)", "reduce, 3 checks"},
    {"sum(expand(t[mm] * u8(2), mm, t)[m], axis=0)", "map reduce, 1 temporary, 5 checks"},
    {"sum(x5[m5] + y5[:, m5], axis=1)", "reduce"},
    {"sum(y5[:, m5] + x5[m5], axis=1)", "reduce"},
    {"argmax(x[m] * 2)", "pack reduce, 1 temporary, 1 check"},
    {"sum(t[mm] * row, axis=1)", "rows reduce, 1 temporary, 2 checks"},
    /* expand: a choice if v is packed by the mask itself, or a scalar; else a loop of its own. */
    {"expand(x[m] * 2, m, x)", "map, 2 checks"},
    {"expand(1, m, x)", "map, 1 check"},
    {"expand(u8(s), mm, t)", "map, 2 checks"},
    {"expand(v, m, x)", "expand, 1 check"},
    {"expand(v, x > 0, sqrt(x))", "expand"},
    {"expand(v * 2, k & m, 0)", "map expand, 1 temporary, 1 check"},
    {"expand(x[k], m, x) + 1", "pack expand map, 2 temporaries, 2 checks"},
    {"expand(v, x[m] > 0, y[m])", "pack expand, 2 temporaries, 2 checks"},
    {"expand(q, m, 0)", "expand"},
    /* What has no axis for the true places is repeated: a[m] = row. */
    {"expand(row, mm, t)", "map, 2 checks"},
    {"expand(r, m, q, axis=1) * 2", "map, 2 checks"},
    {"expand(u8(v), mm, t)", "map, 3 checks"},
    {"expand(x[k], mm, f32(t))", "pack map, 1 temporary, 4 checks"},
    {"expand(one, m, x)", "map, 1 check"},
};

static void describe(const wn_plan *plan, char *text, size_t size) {
    static const char *const kinds[] = {"map", "pack", "rows", "reduce", "expand", "whole"};
    size_t n = 0;
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const plan_stage *s = &plan->stages[i];
        const char *shared = stage_is_masked(s) && !s->owns_mask ? "*" : "";
        n += (size_t)snprintf(text + n, size - n, "%s%s%s", i ? " " : "", kinds[s->kind], shared);
    }
    if (plan->temp_count == 1) n += (size_t)snprintf(text + n, size - n, ", 1 temporary");
    if (plan->temp_count > 1)
        n += (size_t)snprintf(text + n, size - n, ", %u temporaries", plan->temp_count);
    if (plan->check_count)
        snprintf(text + n, size - n, ", %u check%s", plan->check_count,
                 plan->check_count > 1 ? "s" : "");
}

static wn_graph *parsed(wn_context *ctx, const char *text) {
    char whole[1024];
    wn_graph *g = wn_graph_new(ctx);
    snprintf(whole, sizeof whole, "%s %s", INPUTS, text);
    wn_parse(g, whole, strlen(whole));
    assert_string_equal(wn_graph_error(g), "");
    wn_graph *copy = wn_graph_copy(g);
    assert_non_null(copy);
    wn_graph_free(g);
    return copy;
}

static void each_expression_gets_its_plan(void **state) {
    (void)state;
    wn_context *ctx = wn_context_new(NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[256];
        wn_graph *g = parsed(ctx, CASES[i].text);
        wn_plan *plan = wn_plan_new(ctx, g, NULL, WN_ISA_PORTABLE, NULL);
        assert_non_null(plan);
        describe(plan, text, sizeof text);
        if (strcmp(text, CASES[i].plan) != 0) print_error("%s\n", CASES[i].text);
        assert_string_equal(text, CASES[i].plan);
        wn_plan_free(plan);
        wn_graph_free(g);
    }
    wn_context_free(ctx);
}

/* Output 0 over each of the inputs x, y, m: y for yes. */
static void arrays_may_coincide_only_at_the_same_element(void **state) {
    (void)state;
    static const struct {
        const char *text, *may;
    } cases[] = {
        {"where(x < 0, 0, x)", "yyy"},
        {"x + y", "yyy"},
        {"x[m]", "yyn"},
        {"x[x < 0]", "nyy"},
        {"x[m] * 2", "nyn"},
        {"output a = x[m]; output b = x[m];", "nyn"},
        {"x[m] + v", "nyn"},
        /* x is alone in its stage, whose mask is another stage's */
        {"output a = x[m]; output b = t[m]; ", "yyn"},
        /* what lies over the space of an expand; its values don't */
        {"expand(v, m, x)", "yyy"},
        {"expand(v, x > 0, x)", "yyy"},
        {"expand(y, m, x)", "yny"},
        {"expand(y, m, x + y)", "yny"},
        {"expand(1, m, x)", "yyy"},
        /* what was read before is read no more */
        {"expand(v + x[m], m, x)", "yyy"},
        {"output a = expand(max(x), m, x);", "yyy"},
        {"output a = expand(v, m, x); output b = sum(a) + x;", "nyy"},
    };
    wn_context *ctx = wn_context_new(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wn_graph *g = parsed(ctx, cases[i].text);
        wn_plan *plan = wn_plan_new(ctx, g, NULL, WN_ISA_PORTABLE, NULL);
        assert_non_null(plan);
        char may[4] = {0};
        for (uint32_t k = 0; k < 3; k++)
            may[k] = wn_plan_may_alias(plan, k == 2 ? 3 : k, 0) ? 'y' : 'n';
        if (strcmp(may, cases[i].may) != 0) print_error("%s\n", cases[i].text);
        assert_string_equal(may, cases[i].may);
        wn_plan_free(plan);
        wn_graph_free(g);
    }
    wn_context_free(ctx);
}

/* m is the mask of a shallow stage and of a deep one, which is declared first: it is counted once, and the lengths that depend on it are
   compared before anything is read by them. */
static void a_length_is_checked_before_it_is_relied_on(void **state) {
    (void)state;
    wn_context *ctx = wn_context_new(NULL);
    wn_graph *g = parsed(
        ctx, "p1 = x[m] + v; p2 = p1[k] + y; output a = p2[m] + y; output b = x[m] * y[m] + v;");
    wn_plan *plan = wn_plan_new(ctx, g, NULL, WN_ISA_PORTABLE, NULL);
    assert_non_null(plan);
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const plan_stage *s = &plan->stages[i];
        for (uint32_t j = 0; s->owns_mask && j < i; j++)
            assert_false(plan->stages[j].owns_mask && plan->stages[j].mask_key == s->mask_key);
        if (i) assert_true(s->level >= plan->stages[i - 1].level);
    }
    for (uint32_t i = 0; i < plan->check_count; i++) {
        const plan_check *check = &plan->checks[i];
        for (int32_t j = 0; j < (int32_t)plan->stage_count; j++) {
            const plan_stage *s = &plan->stages[j];
            /* a stage over one of the two lengths comes after the check */
            for (int k = 0; s->kind == STAGE_MAP && k < s->program.rank; k++)
                if (dim_is_packed(g, s->program.dims[k]) &&
                    (s->program.dims[k] == check->a || s->program.dims[k] == check->b))
                    assert_true(check->stage <= j);
        }
    }
    wn_plan_free(plan);
    wn_graph_free(g);
    wn_context_free(ctx);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    counted_memory m = {-1, 0};
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = &m};
    wn_context *ctx = wn_context_new(&options);
    wn_graph *g = parsed(ctx, "output a = x[m][x[m] > 1]; output b = t[mm]; output c = x[m] + v;");
    wn_plan *plan = NULL;
    for (int64_t n = 0; !plan; n++) {
        wn_error error = {WN_OK, ""};
        m.until_failure = n;
        plan = wn_plan_new(ctx, g, NULL, WN_ISA_PORTABLE, &error);
        m.until_failure = -1;
        if (!plan) assert_int_equal(error.status, WN_ERROR_MEMORY);
    }
    wn_plan_free(plan);
    wn_graph_free(g);
    wn_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_expression_gets_its_plan),
        cmocka_unit_test(arrays_may_coincide_only_at_the_same_element),
        cmocka_unit_test(a_length_is_checked_before_it_is_relied_on),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
