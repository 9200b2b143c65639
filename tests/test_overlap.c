/*
 * test_overlap.c - arrays that share memory: which outputs may lie on an input, that their results are those of arrays apart, and
 * that thousands of arrays are told apart in time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const wn_engine engines[] = {COMPARE_ENGINE, WN_ENGINE_INTERPRETER};
#define ENGINES (sizeof engines / sizeof *engines)

/* ---- In place ------------------------------------------------------------------------------------------------------ */

#define LENGTH 200000 /* enough for several threads */

/* For each output the input that it lies on; '-': memory of its own. */
typedef struct in_place {
    const char *on, *text;
    bool allowed;
} in_place;

#define XYM "input x: f32[?]; input y: f32[?]; input m: bool[?];"
static const in_place cases[] = {
    {"x", XYM "where(x < 0, 0, x)", true},
    {"y", XYM "x + y * x", true},
    {"xy", XYM "output a = x + y; output b = x - y;", true},
    {"-x", XYM "output a = y[m]; output b = x + 1;", true}, /* two stages, one of which reads x */
    {"x-", XYM "output a = x * 3; output b = nonzero(m);", true},
    {"x", XYM "y * 2", true}, /* nobody reads x */
    {"x", XYM "x[m]", true},
    {"x", XYM "x[y < 0]", true},
    {"xy", XYM "output a = x[m]; output b = y[m];", true},
    {"x-", XYM "output a = x[m]; output b = y[m] * 2;", true},
    {"x-", XYM "output a = x[m]; output b = y[m & y < 0];", true},

    {"x", XYM "x[x < 0]", false}, /* its mask needs what was overwritten */
    {"x", XYM "x[m] * 2", false},
    {"x", XYM "y[x < 0]", false},
    {"x-", XYM "output a = x[m]; output b = x[m] + 1;", false},
    {"x-", XYM "output a = x[m]; output b = x[!m];", false},
    {"x-", XYM "output a = x + 1; output b = x[m];", false}, /* x is read by the other stage too */
    {"x-", XYM "output a = y + 1; output b = x[m];", false},
    {"x", XYM "x[m] + x[m & (y < 0 | y >= 0)]", false},
    {"xx", XYM "output a = x + 1; output b = x + 2;", false},
    {"x-", XYM "output a = y[m]; output b = nonzero(x < 0);", false},
};

typedef struct arrays {
    float x[LENGTH], y[LENGTH], own[2][2 * LENGTH];
    uint8_t m[LENGTH];
} arrays;

static void fill(arrays *a) {
    for (int i = 0; i < LENGTH; i++) {
        a->x[i] = (float)(i * 7919 % 2003 - 1000);
        a->y[i] = (float)(i * 4729 % 1009 - 500);
        a->m[i] = i * 31 % 7 < 3;
    }
}

static wn_array own_memory(const wn_kernel *k, int output, float *memory) {
    wn_type type = wn_kernel_output_type(k, output);
    int32_t rank = wn_kernel_output_rank(k, output);
    return wn_array_of(type, memory, rank, (const int64_t[]){rank == 2 ? LENGTH / 2 : LENGTH, 1});
}

static void check_in_place(const in_place *c, wn_kernel *k, arrays *a) {
    wn_array in[] = {wn_vector(WN_F32, a->x, LENGTH), wn_vector(WN_F32, a->y, LENGTH),
                     wn_vector(WN_BOOL, a->m, LENGTH)};
    wn_array want[2] = {{0}}, out[2];
    size_t count = strlen(c->on);
    wn_error error = {WN_OK, ""};
    fill(a);
    compare_expect_ok(wn_call(k, in, 3, want, count, &error), &error);
    for (size_t i = 0; i < count; i++)
        out[i] = c->on[i] == '-' ? own_memory(k, (int)i, a->own[i]) : in[c->on[i] == 'y'];
    wn_status status = wn_call(k, in, 3, out, count, &error);
    if (status != (c->allowed ? WN_OK : WN_ERROR_OVERLAP))
        fail_msg("%s, outputs on %s: %s", c->text, c->on, status ? error.message : "allowed");
    for (size_t i = 0; i < count; i++) {
        if (c->allowed) compare_expect_equal(&out[i], &want[i], c->text);
        free(want[i].data); /* of a context that uses malloc */
    }
}

static void outputs_in_place_are_as_outputs_apart(void **state) {
    (void)state;
    arrays *a = malloc(sizeof *a);
    assert_non_null(a);
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        wn_context *ctx = compare_context(threads);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            for (size_t e = 0; e < ENGINES; e++) {
                wn_kernel *k = compare_compile_text(ctx, cases[i].text, engines[e]);
                check_in_place(&cases[i], k, a);
                wn_kernel_free(k);
            }
        wn_context_free(ctx);
    }
    free(a);
}

/* The array that is added to a packed one of its length: read by the second stage alone. */
static void a_late_stage_may_run_in_place(void **state) {
    (void)state;
    float x[] = {1, 2, 3, 4}, v[] = {10, 20, 30};
    uint8_t m[] = {1, 0, 1, 1};
    wn_context *ctx = compare_context(1);
    for (size_t e = 0; e < ENGINES; e++) {
        wn_error error;
        wn_kernel *k = compare_compile_text(
            ctx, "input x: f32[?]; input m: bool[?]; input v: f32[?]; x[m] + v", engines[e]);
        wn_array in[] = {wn_vector(WN_F32, x, 4), wn_vector(WN_BOOL, m, 4), wn_vector(WN_F32, v, 3)};
        wn_array out = in[2];
        v[0] = 10, v[1] = 20, v[2] = 30;
        compare_expect_ok(wn_call(k, in, 3, &out, 1, &error), &error);
        assert_true(v[0] == 11 && v[1] == 23 && v[2] == 34);
        wn_kernel_free(k);
    }
    wn_context_free(ctx);
}

/* Strides of axes that have one element or none lead nowhere. */
static void arrays_without_bytes_in_common_do_not_overlap(void **state) {
    (void)state;
    float m[8] = {1, 2};
    wn_context *ctx = compare_context(1);
    for (size_t e = 0; e < ENGINES; e++) {
        wn_error error;
        wn_kernel *k = compare_compile_text(
            ctx, "input x: f32[?, ?]; output a = x + 1; output b = x * 3;", engines[e]);
        wn_array none = wn_array_of(WN_F32, m, 2, (const int64_t[]){0, 5}), nones[] = {none, none};
        compare_expect_ok(wn_call(k, &none, 1, nones, 2, &error), &error);
        wn_array one = wn_array_of(WN_F32, m, 2, (const int64_t[]){1, 1}), ones[] = {one, one};
        for (int i = 0; i < 2; i++) {
            ones[i].data = m + 1 + i;
            ones[i].strides[0] = ones[i].strides[1] = 0;
        }
        compare_expect_ok(wn_call(k, &one, 1, ones, 2, &error), &error);
        assert_true(m[1] == 2 && m[2] == 3);
        wn_kernel_free(k);
    }
    wn_context_free(ctx);
}

/* ---- Many arrays ---------------------------------------------------------------------------------------------------- */

#define MANY 10000

static wn_kernel *compile_many(wn_context *ctx) {
    wn_compile_options options = {.size = sizeof options, .engine = WN_ENGINE_INTERPRETER};
    wn_graph *g = wn_graph_new(ctx);
    for (int i = 0; i < MANY; i++) {
        char name[24];
        snprintf(name, sizeof name, "x%d", i);
        wn_node x = wn_input(g, name, WN_F32, 4);
        snprintf(name, sizeof name, "y%d", i);
        wn_output(g, name, wn_add(x, 1));
    }
    wn_kernel *k = wn_compile(g, &options);
    assert_non_null(k);
    wn_graph_free(g);
    return k;
}

/* Looking at all pairs takes many seconds, a search in order of address some hundredths of one. */
static void many_arrays_are_bound_in_time(void **state) {
    (void)state;
    wn_context *ctx = compare_context(1);
    wn_kernel *k = compile_many(ctx);
    float *memory = calloc(MANY, 32), *results = memory + (size_t)4 * MANY;
    wn_array *in = calloc(MANY, sizeof *in), *out = calloc(MANY, sizeof *out);
    wn_binding *b = NULL;
    wn_error error;
    for (int i = 0; i < MANY; i++) { /* neighbours, in no order */
        in[i] = wn_vector(WN_F32, memory + i * 7919 % MANY * 4, 4);
        out[i] = wn_vector(WN_F32, results + i * 3571 % MANY * 4, 4);
    }
    clock_t begin = clock();
    compare_expect_ok(wn_bind(k, in, MANY, out, MANY, &b, &error), &error);
    compare_expect_ok(wn_rebind(b, in, MANY, out, MANY, &error), &error);
    float *apart = out[17].data;
    out[17].data = (float *)out[4999].data + 3;
    assert_int_equal(wn_rebind(b, in, MANY, out, MANY, &error), WN_ERROR_OVERLAP);
    assert_string_equal(error.message, "output y4999: overlaps output y17");
    out[17].data = (float *)in[9000].data - 1;
    assert_int_equal(wn_rebind(b, in, MANY, out, MANY, &error), WN_ERROR_OVERLAP);
    assert_non_null(strstr(error.message, "output y17: overlaps input x"));
    out[17].data = apart;
    for (int i = 0; i < MANY; i++)
        in[i].data = memory; /* inputs may lie on each other as they like */
    compare_expect_ok(wn_rebind(b, in, MANY, out, MANY, &error), &error);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    if (seconds > 3) fail_msg("%.1f seconds", seconds);
    compare_expect_ok(wn_run(b, &error), &error);
    assert_true(results[0] == 1 && results[4 * MANY - 1] == 1);
    wn_binding_free(b);
    free(in);
    free(out);
    free(memory);
    wn_kernel_free(k);
    wn_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_in_place_are_as_outputs_apart),
        cmocka_unit_test(a_late_stage_may_run_in_place),
        cmocka_unit_test(arrays_without_bytes_in_common_do_not_overlap),
        cmocka_unit_test(many_arrays_are_bound_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
