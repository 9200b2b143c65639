/*
 * test_rebind.c - a binding over its life: bound to other arrays, refused, run again. What it decided for the arrays before must
 * not show in what it does with the next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"

#include "run/binding.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const wn_engine engines[] = {COMPARE_ENGINE, WN_ENGINE_INTERPRETER};
#define ENGINES (sizeof engines / sizeof *engines)

static const wn_array no_array = {0};

/* ---- A rebind that fails ------------------------------------------------------------------------------------------ */

typedef struct lent {
    wn_array array; /* as wn_result lent it */
    float first;
} lent;

static lent lend(const wn_binding *b, size_t output) {
    const wn_array *a = wn_result(b, output);
    assert_non_null(a);
    assert_non_null(a->data);
    return (lent){*a, *(const float *)a->data};
}

static void expect_still_lent(const wn_binding *b, size_t output, const lent *before) {
    lent now = lend(b, output);
    assert_ptr_equal(now.array.data, before->array.data);
    assert_int_equal(now.array.rank, before->array.rank);
    for (int i = 0; i < now.array.rank; i++) {
        assert_int_equal(now.array.shape[i], before->array.shape[i]);
        assert_int_equal(now.array.strides[i], before->array.strides[i]);
    }
    assert_true(now.first == before->first);
}

/* Lengths whose product no array has are found only when the stages are laid out, after all the checks. */
static void results_outlive_a_rebind_that_fails(void **state) {
    (void)state;
    static const char text[] =
        "input x: f32[?, 1]; input y: f32[1, ?]; output s = x + y; output n = "
        "(x + y)[x + y > 2]; output m = (x * y)[x + y > 2];";
    wn_context *c = compare_context(1);
    float x[] = {1, 2, 3}, y[] = {1, 2}, packed[6];
    const int64_t tall[] = {3, 1}, wide[] = {1, 2}, huge[] = {(int64_t)1 << 40, 1},
                  broad[] = {1, (int64_t)1 << 40};
    for (size_t e = 0; e < ENGINES; e++) {
        wn_kernel *k = compare_compile_text(c, text, engines[e]);
        wn_array in[] = {wn_array_of(WN_F32, x, 2, tall), wn_array_of(WN_F32, y, 2, wide)};
        wn_array bad[] = {wn_array_of(WN_F32, x, 2, huge), wn_array_of(WN_F32, y, 2, broad)};
        wn_array out[] = {no_array, no_array, wn_vector(WN_F32, packed, 6)};
        bad[0].strides[0] = bad[1].strides[1] = 0;
        wn_binding *b;
        wn_error error;
        compare_expect_ok(wn_bind(k, in, 2, out, 3, &b, &error), &error);
        compare_expect_ok(wn_run(b, &error), &error);
        lent results[] = {lend(b, 0), lend(b, 1), lend(b, 2)};
        assert_int_equal(results[1].array.shape[0], 5);
        assert_int_equal(results[2].array.shape[0], 5);
        assert_int_equal(wn_rebind(b, in, 1, out, 3, &error), WN_ERROR_ARGUMENT);
        if (wn_kernel_engine(k) == WN_ENGINE_JIT)
            assert_int_equal(wn_rebind(b, bad, 2, out, 3, &error), WN_ERROR_LIMIT);
        bad[0].type = WN_F64;
        assert_int_equal(wn_rebind(b, bad, 2, out, 3, &error), WN_ERROR_TYPE);
        for (size_t i = 0; i < 3; i++)
            expect_still_lent(b, i, &results[i]);
        compare_expect_ok(wn_run(b, &error), &error); /* on the old arrays */
        assert_int_equal(wn_result(b, 1)->shape[0], 5);
        assert_true(*(float *)wn_result(b, 0)->data == 2);
        wn_binding_free(b);
        wn_kernel_free(k);
    }
    wn_context_free(c);
}

/* ---- What is decided anew ------------------------------------------------------------------------------------------ */

#define LARGE ((int64_t)16 << 20)

static bool streams(const wn_binding *b) {
    return b->stages[0].stream != NULL;
}

/* Stores past the caches are for large outputs that are not read. Nothing is run: the memory is never touched. */
static void stores_past_the_caches_are_decided_anew(void **state) {
    (void)state;
    float *x = calloc((size_t)LARGE, sizeof *x), *y = calloc((size_t)LARGE, sizeof *y);
    for (int32_t threads = 1; threads <= 2; threads++) {
        wn_context *c = compare_context(threads);
        wn_kernel *k = compare_compile_text(c, "input x: f32[?]; x + 1", COMPARE_ENGINE);
        wn_array in = wn_vector(WN_F32, x, LARGE), out = wn_vector(WN_F32, y, LARGE);
        wn_array small_in = wn_vector(WN_F32, x, 1000), small_out = wn_vector(WN_F32, y, 1000);
        wn_binding *b;
        wn_error error;
        compare_expect_ok(wn_bind(k, &in, 1, &out, 1, &b, &error), &error);
        if (wn_kernel_engine(k) == WN_ENGINE_JIT) {
            assert_true(streams(b));
            compare_expect_ok(wn_rebind(b, &in, 1, &in, 1, &error), &error);
            assert_false(streams(b));
            compare_expect_ok(wn_rebind(b, &out, 1, &out, 1, &error), &error);
            assert_false(streams(b));
            compare_expect_ok(wn_rebind(b, &out, 1, &in, 1, &error), &error);
            assert_true(streams(b));
            compare_expect_ok(wn_rebind(b, &small_in, 1, &small_out, 1, &error), &error);
            assert_false(streams(b));
            compare_expect_ok(wn_rebind(b, &in, 1, &no_array, 1, &error), &error);
            assert_true(streams(b));
        }
        wn_binding_free(b);
        wn_kernel_free(k);
        wn_context_free(c);
    }
    free(x);
    free(y);
}

/* ---- New pointers alone ---------------------------------------------------------------------------------------------- */

/* Whatever lengths and strides: a rebind decides as a bind of the same arrays does, message and all; and then the results are those of
   the new arrays. */
static void new_pointers_are_checked_as_a_bind_does(void **state) {
    (void)state;
    static const char text[] =
        "input x: i32[?]; input m: bool[?]; output y = where(m, x, -x); output n = m";
    int32_t data[400];
    uint8_t bools[100];
    for (int i = 0; i < 400; i++)
        data[i] = i % 7 - 3;
    for (int i = 0; i < 100; i++)
        bools[i] = i % 3 == 0;
    char *const last = (char *)UINTPTR_MAX - 40;
    wn_context *c = compare_context(1);
    wn_kernel *k = compare_compile_text(c, text, COMPARE_ENGINE);
    for (int64_t stride = -8; stride <= 8; stride += 4) {
        int64_t first = stride < 0 ? 200 : 0;
        if (stride == 0) continue;
        void *const places[] = {
            data + first, data + 19 + first, data + 100 + first, data + 139 - first / 2, NULL,
            last};
        size_t count = sizeof places / sizeof *places;
        for (size_t i = 0; i < count * count; i++) {
            wn_array in[] = {wn_vector(WN_I32, data + first, 20), wn_vector(WN_BOOL, bools, 20)};
            wn_array out[] = {wn_vector(WN_I32, data + 60 + first, 20), wn_bitmap(bools + 60, 3, 20)};
            wn_binding *b, *fresh;
            wn_error error, own;
            in[0].strides[0] = out[0].strides[0] = stride;
            compare_expect_ok(wn_bind(k, in, 2, out, 2, &b, &error), &error);
            in[0].data = places[i % count];
            out[0].data = places[i / count];
            if (i % 5 == 0) out[1].data = bools + 10; /* which is m's memory */
            if (i % 7 == 0) out[1].bit = 11;
            wn_status expected = wn_bind(k, in, 2, out, 2, &fresh, &own);
            assert_int_equal(wn_rebind(b, in, 2, out, 2, &error), expected);
            if (expected != WN_OK) assert_string_equal(error.message, own.message);
            bool real = in[0].data != last && out[0].data && out[0].data != last;
            if (expected == WN_OK && real) {
                compare_expect_ok(wn_run(b, &error), &error);
                for (int j = 0; j < 20 && in[0].data != out[0].data; j++) {
                    int32_t x = *(int32_t *)((char *)in[0].data + j * stride);
                    assert_int_equal(*(int32_t *)((char *)out[0].data + j * stride), j % 3 ? -x : x);
                }
            }
            wn_binding_free(fresh);
            wn_binding_free(b);
        }
    }
    wn_kernel_free(k);
    wn_context_free(c);
}

/* ---- The same arrays again ------------------------------------------------------------------------------------------- */

/* Each run of a binding sees what the arrays hold then, and nothing of the runs before. */
static void run_and_compare(wn_binding *b, wn_kernel *oracle, const wn_array *in, int64_t n,
                            const char *text) {
    float *x = (float *)in[0].data;
    bool *m = in[1].data;
    for (unsigned run = 0; run < 4; run++) {
        for (int64_t i = 0; i < n; i++) {
            unsigned random = ((unsigned)i + 1) * (2654435761u + 40503u * run);
            x[i] = (float)(int)(random >> 16) / 32768 - 1;
            m[i] = random >> 8 & 1;
        }
        if (run == 2) x[n / 2] = NAN;
        wn_array want = {0};
        wn_error error;
        compare_expect_ok(wn_call(oracle, in, 2, &want, 1, &error), &error);
        compare_expect_ok(wn_run(b, &error), &error);
        compare_expect_equal(wn_result(b, 0), &want, text);
        wn_array_free(oracle->context, &want);
    }
}

/* Into the caller's memory, the context's, and back: a rebind in between, to another length. */
static void runs_do_not_depend_on_the_runs_before(void **state) {
    (void)state;
    static const char *const texts[] = {"argmin(x)",       "argmax(x * 2, where=m)",
                                        "min(x)",          "max(x, where=m, initial=-1)",
                                        "sum(x)",          "mean(x, where=m)",
                                        "count(m)",        "any(x > 2)",
                                        "sum(i32(x * 9))", "argmin(i16(x * 99))",
                                        "argmax(f64(x))",  "x[x < 0]",
                                        "where(m, x, 0)",  "expand(x[m], m, 7)",
                                        "x * 2 + f32(m)",  "x[x < mean(x)]"};
    static float x[5000];
    static bool m[5000];
    static uint64_t result[5000];
    wn_context *c = compare_context(1);
    compare_isas isas = compare_available(c);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        for (size_t isa = 0; isa < isas.count; isa++) {
            char text[200];
            snprintf(text, sizeof text, "input x: f32[?]; input m: bool[?]; %s", texts[t]);
            wn_graph *g = wn_graph_new(c);
            wn_parse(g, text, strlen(text));
            wn_kernel *k = compare_compile(g, COMPARE_ENGINE, isas.list[isa]);
            wn_kernel *oracle = compare_compile(g, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
            wn_type type = wn_kernel_output_type(k, 0);
            wn_binding *b = NULL;
            for (int step = 0; step < 9; step++) {
                static const int64_t lengths[] = {256,  576,  1280, 2880, 2880,
                                                  1280, 1344, 4544, 5000};
                int64_t n = lengths[step];
                wn_array in[] = {wn_vector(WN_F32, x, n), wn_vector(WN_BOOL, m, n)};
                wn_array out = wn_kernel_output_rank(k, 0) ? wn_vector(type, result, n)
                                                           : wn_scalar(type, result);
                if (step % 3) out.data = NULL;
                wn_error error;
                if (step == 0)
                    compare_expect_ok(wn_bind(k, in, 2, &out, 1, &b, &error), &error);
                else
                    compare_expect_ok(wn_rebind(b, in, 2, &out, 1, &error), &error);
                run_and_compare(b, oracle, in, n, text);
                wn_array wrong[] = {in[0], in[0]};
                assert_int_equal(wn_rebind(b, wrong, 2, &out, 1, NULL), WN_ERROR_TYPE);
                run_and_compare(b, oracle, in, n, text);
            }
            wn_binding_free(b);
            wn_kernel_free(k);
            wn_kernel_free(oracle);
            wn_graph_free(g);
        }
    wn_context_free(c);
}

/* ---- Functions that are compiled late ------------------------------------------------------------------------------ */

/* Once one binding has had them compiled, no other waits for anybody: here the mutex is never given back. */
static void compiled_functions_are_found_without_a_lock(void **state) {
    (void)state;
    static const char text[] = "input x: f32[?]; input w: f32[?]; z = x[x < 0] + w; z[z < -1]";
    float x[] = {-1, 1, -2, 2, -3}, w[] = {0, 0, 1};
    wn_array in[] = {wn_vector(WN_F32, x, 5), wn_vector(WN_F32, w, 3)};
    wn_context *c = compare_context(1);
    wn_kernel *k = compare_compile_text(c, text, COMPARE_ENGINE);
    wn_error error;
    for (int round = 0; round < 2; round++) {
        wn_binding *b;
        compare_expect_ok(wn_bind(k, in, 2, &no_array, 1, &b, &error), &error);
        if (round == 1) pthread_mutex_lock(&k->late_mutex);
        alarm(20);
        compare_expect_ok(wn_run(b, &error), &error);
        alarm(0);
        if (round == 1) pthread_mutex_unlock(&k->late_mutex);
        assert_int_equal(wn_result(b, 0)->shape[0], 2);
        wn_binding_free(b);
    }
    wn_kernel_free(k);
    wn_context_free(c);
}

/* Not even the one that a run before has found. */
static void nothing_has_no_place(void **state) {
    (void)state;
    static const char *const texts[] = {"argmin(x)", "argmax(x * 2)", "argmax(x, where=x > 1)"};
    wn_context *c = compare_context(1);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        for (size_t e = 0; e < ENGINES; e++) {
            char text[80];
            float x[] = {3, 1, 2, 5};
            int64_t place = -7;
            snprintf(text, sizeof text, "input x: f32[?]; output y = %s;", texts[t]);
            wn_kernel *k = compare_compile_text(c, text, engines[e]);
            wn_array some = wn_vector(WN_F32, x, 4), none = wn_vector(WN_F32, x, 0),
                     out = wn_array_of(WN_I64, &place, 0, NULL);
            wn_binding *b;
            wn_error error;
            compare_expect_ok(wn_bind(k, &none, 1, &out, 1, &b, &error), &error);
            for (int round = 0; round < 2; round++) {
                assert_int_equal(wn_run(b, &error), WN_ERROR_ARGUMENT);
                assert_non_null(strstr(error.message, "nothing is selected"));
                compare_expect_ok(wn_rebind(b, &some, 1, &out, 1, &error), &error);
                compare_expect_ok(wn_run(b, &error), &error);
                assert_int_equal(place, t ? 3 : 1);
                compare_expect_ok(wn_rebind(b, &none, 1, &out, 1, &error), &error);
            }
            wn_binding_free(b);
            wn_kernel_free(k);
        }
    wn_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_outlive_a_rebind_that_fails),
        cmocka_unit_test(stores_past_the_caches_are_decided_anew),
        cmocka_unit_test(new_pointers_are_checked_as_a_bind_does),
        cmocka_unit_test(runs_do_not_depend_on_the_runs_before),
        cmocka_unit_test(compiled_functions_are_found_without_a_lock),
        cmocka_unit_test(nothing_has_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
