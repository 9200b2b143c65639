/*
 * test_misuse.c - what a caller may get wrong with contexts, arrays, bindings and runs, and memory that runs out at any call of
 * the allocator: a status each time, nothing lost, and what there was before still works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "counted_memory.h"

#include <stdlib.h>
#include <string.h>

static const wn_engine engines[] = {COMPARE_ENGINE, WN_ENGINE_INTERPRETER};
#define ENGINES (sizeof engines / sizeof *engines)

static const wn_array no_array = {0};

/* ---- Handles and arguments ------------------------------------------------------------------------------------------ */

static void handles_of_another_kind_are_refused(void **state) {
    (void)state;
    float x[3] = {0};
    wn_context *c = compare_context(1);
    wn_graph *g = wn_graph_new(c);
    wn_kernel *k = compare_compile_text(c, "input x: f32[?]; x[x < 0]", WN_ENGINE_AUTO);
    wn_array in = wn_vector(WN_F32, x, 3), out = no_array;
    wn_binding *b = NULL;
    wn_error error;
    int64_t n = 7;
    assert_int_equal(wn_bind((wn_kernel *)(void *)g, &in, 1, &out, 1, &b, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_call((wn_kernel *)(void *)c, &in, 1, &out, 1, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_run((wn_binding *)(void *)k, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_eval((wn_context *)(void *)k, "1", NULL, NULL, 0, &out, 1, &error),
                     WN_ERROR_ARGUMENT);
    assert_int_equal(wn_kernel_output_count((wn_kernel *)(void *)g), -1);
    assert_null(wn_array_new((wn_context *)(void *)g, WN_F32, 0, NULL).data);
    assert_null(wn_result((wn_binding *)(void *)k, 0));
    wn_binding_free((wn_binding *)(void *)k);
    wn_kernel_free((wn_kernel *)(void *)g);
    wn_context_free((wn_context *)(void *)k);
    assert_int_equal(wn_bind(k, &in, 1, &out, 1, NULL, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_bind(k, &in, SIZE_MAX, &out, 1, &b, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_bind(k, &in, 1, NULL, 1, &b, &error), WN_ERROR_ARGUMENT);
    assert_string_equal(error.message, "bind: outputs is NULL");
    assert_int_equal(wn_bind(k, &in, 1, &out, 1, &b, NULL), WN_OK);
    assert_int_equal(wn_rebind(b, &in, 1, &out, 2, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_rebind(b, NULL, 1, &out, 1, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_rebind(b, &in, 1, NULL, 1, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_count(b, 0, NULL, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_count(b, SIZE_MAX, &n, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(n, 7);
    assert_null(wn_result(b, SIZE_MAX));
    assert_int_equal(wn_run(b, NULL), WN_OK);
    wn_binding_free(b);
    wn_kernel_free(k);
    wn_graph_free(g);
    wn_context_free(c);
}

static void values_that_are_none_have_names_and_sizes(void **state) {
    (void)state;
    assert_string_equal(wn_status_name((wn_status)-1), "unknown status");
    assert_string_equal(wn_status_name((wn_status)1000), "unknown status");
    assert_string_equal(wn_type_name((wn_type)-1), "?");
    assert_int_equal(wn_type_size((wn_type)-1), 0);
    assert_int_equal(wn_type_size((wn_type)WN_TYPE_COUNT), 0);
    assert_non_null(wn_isa_name((wn_isa)-1));
    assert_false(wn_isa_available((wn_isa)1000));
}

static void context_options_are_cut_to_what_is_possible(void **state) {
    (void)state;
    static const int32_t threads[] = {INT32_MIN, -1, 0, INT32_MAX};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        wn_context_options options = {.size = sizeof options, .threads = threads[i]};
        wn_context *c = wn_context_new(&options);
        assert_non_null(c);
        wn_context_free(c);
    }
}

/* ---- Arrays ---------------------------------------------------------------------------------------------------------- */

static void arrays_that_none_can_be_are_not_made(void **state) {
    (void)state;
    static const int64_t good[WN_MAX_RANK + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const int64_t huge[] = {INT64_MAX / 2, 4}, negative[] = {3, -1}, empty[] = {INT64_MAX, 0};
    wn_context *c = compare_context(1);
    assert_null(wn_array_new(NULL, WN_F32, 1, good).data);
    assert_null(wn_array_new(c, (wn_type)WN_TYPE_COUNT, 1, good).data);
    assert_null(wn_array_new(c, WN_F32, -1, good).data);
    assert_null(wn_array_new(c, WN_F32, WN_MAX_RANK + 1, good).data);
    assert_null(wn_array_new(c, WN_F32, 1, NULL).data);
    assert_null(wn_array_new(c, WN_F32, 2, huge).data);
    assert_null(wn_array_new(c, WN_F32, 2, negative).data);
    wn_array a = wn_array_new(c, WN_F32, 2, empty);
    assert_non_null(a.data);
    wn_array_free(c, &a);
    assert_null(a.data);
    wn_array_free(c, &a);
    wn_context_free(c);
}

/* What no wn_array_new has made is nobody's to free. */
static void arrays_that_none_can_be_are_not_freed(void **state) {
    (void)state;
    float x = 0;
    wn_context *c = compare_context(1);
    wn_array wrong[] = {wn_vector(WN_F32, &x, -1), wn_vector((wn_type)99, &x, 1),
                        wn_vector(WN_F32, &x, INT64_MAX), wn_vector(WN_F32, &x, 1)};
    wrong[3].rank = 1 << 20;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        wn_array_free(c, &wrong[i]);
        assert_ptr_equal(wrong[i].data, &x);
    }
    wn_context_free(c);
}

static void eval_refuses_what_it_cannot_take(void **state) {
    (void)state;
    float x[3] = {1, 2, 3};
    const char *names[] = {"x"};
    wn_context *c = compare_context(1);
    wn_array in = wn_vector(WN_F32, x, 3), out[2] = {no_array, no_array};
    wn_error error;
    assert_int_equal(wn_eval(c, NULL, names, &in, 1, out, 1, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_eval(c, "x", NULL, &in, 1, out, 1, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_eval(c, "x", names, NULL, 1, out, 1, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_eval(c, "x", names, &in, 1, NULL, 1, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_eval(c, "x", names, &in, 1, out, 2, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_eval(c, "", names, &in, 1, out, 1, &error), WN_ERROR_SYNTAX);
    assert_int_equal(wn_eval(c, "1", (const char *[]){"1x"}, &in, 1, out, 1, &error), WN_ERROR_NAME);
    in.rank = 9;
    assert_int_not_equal(wn_eval(c, "x", names, &in, 1, out, 1, &error), WN_OK);
    in.rank = -1;
    assert_int_not_equal(wn_eval(c, "x", names, &in, 1, out, 1, &error), WN_OK);
    in = wn_vector((wn_type)99, x, 3);
    assert_int_not_equal(wn_eval(c, "x", names, &in, 1, out, 1, &error), WN_OK);
    in = wn_vector(WN_F32, x, 3);
    assert_int_equal(wn_eval(c, "x", names, &in, 1, out, 1, NULL), WN_OK);
    wn_array_free(c, out);
    wn_context_free(c);
}

/* ---- Memory ---------------------------------------------------------------------------------------------------------- */

static wn_context *counted_context(counted_memory *m) {
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = m};
#ifdef WN_TEST_LLVM_PATH
    options.llvm_library = WN_TEST_LLVM_PATH;
#endif
    wn_context *c = wn_context_new(&options);
    assert_non_null(c);
    return c;
}

static void eval_may_run_out_of_memory_anywhere(void **state) {
    (void)state;
    float x[100];
    const char *names[] = {"x"};
    counted_memory m = {-1, 0};
    wn_status status = WN_ERROR_MEMORY;
    int64_t n = 0;
    for (int i = 0; i < 100; i++)
        x[i] = (float)(i % 7 - 3);
    for (; status != WN_OK; n++) {
        wn_context *c = counted_context(&m);
        wn_array in = wn_vector(WN_F32, x, 100), out = no_array;
        wn_error error = {WN_OK, ""};
        m.until_failure = n;
        status = wn_eval(c, "x[x < 0] + sum(x)", names, &in, 1, &out, 1, &error);
        if (status != WN_OK) {
            if (status != WN_ERROR_MEMORY) fail_msg("allocation %d: %s", (int)n, error.message);
            assert_int_equal(error.status, status);
            assert_null(out.data);
            m.until_failure = -1; /* memory is back: so is the call */
            compare_expect_ok(wn_eval(c, "x[x < 0] + sum(x)", names, &in, 1, &out, 1, &error), &error);
        }
        assert_int_equal(out.shape[0], 44);
        m.until_failure = -1;
        wn_array_free(c, &out);
        wn_context_free(c);
        assert_int_equal(m.live, 0);
    }
    assert_true(n > 20);
}

/* One stage of each kind; the masks' results and a temporary wait for counts. */
static const char stages_text[] =
    "input x: f32[?, ?]; input w: f32[?]; output a = (x * w)[x < w]; output b = x * w; "
    "output c = x[:, w < 0] * 2; output d = sum(x, axis=0); output e = w[w < 0] + w[w < 0 | w != "
    "w];";
#define STAGES_OUTPUTS 5

static float values[100 * 1000];

/* Inputs of so many rows and columns. */
static void set_inputs(wn_array *in, int64_t rows, int64_t columns) {
    in[0] = wn_array_of(WN_F32, values, 2, (const int64_t[]){rows, columns});
    in[1] = wn_vector(WN_F32, values, columns);
    in[0].strides[0] = 4 * columns + 4; /* not all is in its place: buffers are needed */
}

static void expect_results(wn_binding *b, wn_array *want) {
    wn_error error;
    compare_expect_ok(wn_run(b, &error), &error);
    for (size_t i = 0; i < STAGES_OUTPUTS; i++)
        compare_expect_equal(wn_result(b, i), &want[i], stages_text);
}

/* For larger arrays, which need more of everything, memory runs out at each place in turn: the binding stays what it was. */
static void rebind_and_run_may_run_out_of_memory_anywhere(void **state) {
    (void)state;
    for (int i = 0; i < 100 * 1000; i++)
        values[i] = (float)(i * 31 % 19 - 9);
    for (size_t e = 0; e < ENGINES; e++) {
        counted_memory m = {-1, 0};
        wn_context *c = counted_context(&m);
        wn_kernel *k = compare_compile_text(c, stages_text, engines[e]);
        wn_array small[2], large[2], out[STAGES_OUTPUTS] = {{0}}, want[STAGES_OUTPUTS] = {{0}},
                                     want_large[STAGES_OUTPUTS] = {{0}};
        wn_status status = WN_ERROR_MEMORY;
        wn_error error = {WN_OK, ""};
        int64_t n = 0;
        set_inputs(small, 3, 5);
        set_inputs(large, 90, 1000);
        compare_expect_ok(wn_call(k, small, 2, want, STAGES_OUTPUTS, &error), &error);
        compare_expect_ok(wn_call(k, large, 2, want_large, STAGES_OUTPUTS, &error), &error);
        for (; status != WN_OK; n++) {
            wn_binding *b;
            compare_expect_ok(wn_bind(k, small, 2, out, STAGES_OUTPUTS, &b, &error), &error);
            expect_results(b, want);
            m.until_failure = n;
            status = wn_rebind(b, large, 2, out, STAGES_OUTPUTS, &error);
            if (status != WN_OK) { /* the results are still there, and the arrays too */
                for (size_t i = 0; i < STAGES_OUTPUTS; i++)
                    compare_expect_equal(wn_result(b, i), &want[i], stages_text);
                m.until_failure = -1;
                expect_results(b, want);
            } else {
                status = wn_run(b, &error);
                assert_true((wn_result(b, 0) == NULL) == (status != WN_OK));
                m.until_failure = -1;
                expect_results(b, want_large);
            }
            if (status != WN_OK && status != WN_ERROR_MEMORY)
                fail_msg("allocation %d: %s", (int)n, error.message);
            m.until_failure = -1;
            wn_binding_free(b);
        }
        assert_true(n > 5);
        for (size_t i = 0; i < STAGES_OUTPUTS; i++) {
            wn_array_free(c, &want[i]);
            wn_array_free(c, &want_large[i]);
        }
        wn_kernel_free(k);
        wn_context_free(c);
        assert_int_equal(m.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_of_another_kind_are_refused),
        cmocka_unit_test(values_that_are_none_have_names_and_sizes),
        cmocka_unit_test(context_options_are_cut_to_what_is_possible),
        cmocka_unit_test(arrays_that_none_can_be_are_not_made),
        cmocka_unit_test(arrays_that_none_can_be_are_not_freed),
        cmocka_unit_test(eval_refuses_what_it_cannot_take),
        cmocka_unit_test(eval_may_run_out_of_memory_anywhere),
        cmocka_unit_test(rebind_and_run_may_run_out_of_memory_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
