/*
 * test_bind.c - kernels meet arrays: what a caller may give, what is refused and in which words, and that memory may run out
 * anywhere.
 *
 * Both engines are asked each time: a caller must not be able to tell them apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "counted_memory.h"

#include "winnow/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Scaffolding ------------------------------------------------------------------------------------------------- */

static const wn_engine engines[] = {COMPARE_ENGINE, WN_ENGINE_INTERPRETER};
#define ENGINES (sizeof engines / sizeof *engines)

/* Call a kernel of the text on both engines, expecting a failure with this message. */
static void expect_failure(const char *text, const wn_array *inputs, size_t input_count,
                           const wn_array *outputs, size_t output_count, wn_status status,
                           const char *message) {
    wn_context *c = compare_context(1);
    for (size_t i = 0; i < ENGINES; i++) {
        wn_kernel *k = compare_compile_text(c, text, engines[i]);
        wn_array given[4];
        wn_error error = {WN_OK, ""};
        memcpy(given, outputs, output_count * sizeof *outputs);
        assert_int_equal(wn_call(k, inputs, input_count, given, output_count, &error), status);
        assert_int_equal(error.status, status);
        assert_string_equal(error.message, message);
        assert_memory_equal(given, outputs, output_count * sizeof *outputs);
        assert_int_equal(wn_call(k, inputs, input_count, given, output_count, NULL), status);
        wn_kernel_free(k);
    }
    wn_context_free(c);
}

static const wn_array no_array = {0};

static wn_array matrix(wn_type type, const void *data, int64_t rows, int64_t columns) {
    return wn_array_of(type, data, 2, (const int64_t[]){rows, columns});
}

static float floats[64];
static uint8_t bytes[64];

/* ---- Handles and counts ------------------------------------------------------------------------------------------ */

static void handles_that_are_none_are_refused(void **state) {
    (void)state;
    uint64_t garbage[64] = {0};
    wn_array a = wn_vector(WN_F32, floats, 3), out = no_array;
    wn_binding *b = (wn_binding *)garbage;
    wn_error error;
    assert_int_equal(wn_bind(NULL, &a, 1, &out, 1, &b, &error), WN_ERROR_ARGUMENT);
    assert_string_equal(error.message, "bind: the kernel is NULL or not one");
    assert_null(b);
    assert_null(wn_graph_new((wn_context *)garbage));
    wn_text_free((wn_context *)garbage, (char *)garbage, 0);
    wn_array_free((wn_context *)garbage, &a);
    assert_int_equal(wn_bind((wn_kernel *)garbage, &a, 1, &out, 1, &b, NULL), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_rebind((wn_binding *)garbage, &a, 1, &out, 1, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_run(NULL, &error), WN_ERROR_ARGUMENT);
    assert_string_equal(error.message, "run: the binding is NULL or not one");
    assert_int_equal(wn_run((wn_binding *)garbage, NULL), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_count(NULL, 0, NULL, NULL), WN_ERROR_ARGUMENT);
    assert_null(wn_result(NULL, 0));
    assert_int_equal(wn_eval(NULL, "x", NULL, NULL, 0, &out, 1, &error), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_kernel_input_count(NULL), -1);
    assert_null(wn_kernel_input_name(NULL, 0));
    wn_binding_free(NULL);
    wn_kernel_free(NULL);
    wn_context_free(NULL);
    wn_array_free(NULL, NULL);
}

/* What wn_array_new gave is given back only with a type and a shape that an array can have. */
static void arrays_that_are_none_are_not_freed(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    wn_array a = wn_array_new(c, WN_F32, 1, (const int64_t[]){3}), broken[] = {a, a, a};
    broken[0].rank = 1000000;
    broken[1].shape[0] = -3;
    broken[2].type = (wn_type)77;
    for (int i = 0; i < 3; i++)
        wn_array_free(c, &broken[i]);
    assert_ptr_equal(broken[1].data, a.data);
    wn_array_free(c, &a);
    assert_null(a.data);
    wn_context_free(c);
}

static void counts_must_be_the_kernels(void **state) {
    (void)state;
    wn_array in[] = {wn_vector(WN_F32, floats, 3), wn_vector(WN_F32, floats, 3)};
    const char *text = "input x: f32[?]; x + 1";
    expect_failure(text, in, 2, &no_array, 1, WN_ERROR_ARGUMENT, "bind: 1 inputs expected, 2 given");
    expect_failure(text, NULL, 1, &no_array, 1, WN_ERROR_ARGUMENT, "bind: inputs is NULL");
    expect_failure(text, in, 1, in, 0, WN_ERROR_ARGUMENT, "bind: 1 outputs expected, 0 given");
}

static void a_kernel_tells_what_it_takes(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    wn_kernel *k = compare_compile_text(
        c, "input a: f32[?]; input b: u8[]; output y = a[a < 0]; output z = b;", WN_ENGINE_AUTO);
    assert_int_equal(wn_kernel_input_count(k), 2);
    assert_int_equal(wn_kernel_output_count(k), 2);
    assert_string_equal(wn_kernel_input_name(k, 1), "b");
    assert_string_equal(wn_kernel_output_name(k, 0), "y");
    assert_null(wn_kernel_input_name(k, 2));
    assert_null(wn_kernel_output_name(k, -1));
    assert_int_equal(wn_kernel_output_type(k, 1), WN_U8);
    assert_int_equal(wn_kernel_output_rank(k, 0), 1);
    assert_int_equal(wn_kernel_output_rank(k, 2), -1);
    assert_int_not_equal(wn_kernel_isa(k), WN_ISA_NATIVE);
    wn_kernel_free(k);
    wn_context_free(c);
}

/* ---- Arrays that are none ------------------------------------------------------------------------------------------ */

static void arrays_must_be_arrays(void **state) {
    (void)state;
    const char *text = "input x: f32[?]; x + 1";
    wn_array a = wn_vector(WN_F64, floats, 3);
    expect_failure(text, &a, 1, &no_array, 1, WN_ERROR_TYPE, "input x: type f32 expected, f64 given");
    a = wn_vector((wn_type)77, floats, 3);
    expect_failure(text, &a, 1, &no_array, 1, WN_ERROR_TYPE, "input x: 77 is not a type");
    a = matrix(WN_F32, floats, 2, 2);
    expect_failure(text, &a, 1, &no_array, 1, WN_ERROR_SHAPE,
                   "input x: shape [?] expected, [2, 2] given");
    a = wn_vector(WN_F32, floats, -3);
    expect_failure(text, &a, 1, &no_array, 1, WN_ERROR_SHAPE, "input x: axis 0 has length -3");
    a = wn_array_of(WN_F32, floats, 9, NULL);
    expect_failure(text, &a, 1, &no_array, 1, WN_ERROR_ARGUMENT,
                   "input x: rank 9 is not between 0 and 8");
    a = wn_vector(WN_F32, NULL, 3);
    expect_failure(text, &a, 1, &no_array, 1, WN_ERROR_ARGUMENT,
                   "input x: data is NULL, with shape [3] and type f32");
    a = wn_vector(WN_F32, floats, INT64_MAX / 2);
    expect_failure(text, &a, 1, &no_array, 1, WN_ERROR_LIMIT,
                   "input x: too large, with shape [4611686018427387903] and type f32");
    a = wn_vector(WN_F32, floats, 3);
    a.strides[0] = INT64_MAX / 2;
    expect_failure(text, &a, 1, &no_array, 1, WN_ERROR_LIMIT,
                   "input x: the strides lead out of memory, with shape [3] and type f32");
}

static void outputs_must_fit(void **state) {
    (void)state;
    const char *text = "input x: f32[?]; x + 1";
    float result[64];
    wn_array a = wn_vector(WN_F32, floats, 3), out = wn_vector(WN_F32, result, 4);
    expect_failure(text, &a, 1, &out, 1, WN_ERROR_SHAPE, "output result: shape [3] expected, [4] given");
    out = wn_vector(WN_I32, result, 3);
    expect_failure(text, &a, 1, &out, 1, WN_ERROR_TYPE, "output result: type f32 expected, i32 given");
    out = matrix(WN_F32, result, 3, 1);
    expect_failure("input x: f32[?]; x[x < 1]", &a, 1, &out, 1, WN_ERROR_SHAPE,
                   "output result: shape [?] expected, [3, 1] given");
    expect_failure("input x: f32[2]; x", &a, 1, &no_array, 1, WN_ERROR_SHAPE,
                   "input x: shape [2] expected, [3] given");
}

static void lengths_must_fit_each_other(void **state) {
    (void)state;
    wn_array xy[] = {wn_vector(WN_F32, floats, 3), wn_vector(WN_F32, floats, 4)};
    expect_failure("input x: f32[?]; input y: f32[?]; x < y", xy, 2, &no_array, 1, WN_ERROR_SHAPE,
                   "less: shapes [3] and [4] do not broadcast");
    wn_array tm[] = {matrix(WN_F32, floats, 2, 2), wn_vector(WN_BOOL, bytes, 3)};
    expect_failure("input t: f32[?, ?]; input m: bool[?]; t[m]", tm, 2, &no_array, 1, WN_ERROR_SHAPE,
                   "boolean_mask: mask shape [3] does not match tensor shape [2, 2] at axis 0");
    tm[0] = matrix(WN_F32, floats, 0, 2);
    expect_failure("input t: f32[?, ?]; input m: bool[?]; t[:, m]", tm, 2, &no_array, 1, WN_ERROR_SHAPE,
                   "boolean_mask: mask shape [3] does not match tensor shape [0, 2] at axis 1");
    wn_array three[] = {wn_vector(WN_BOOL, bytes, 3), wn_vector(WN_F32, floats, 3),
                        wn_vector(WN_F32, floats, 2)};
    expect_failure("input c: bool[?]; input x: f32[?]; input y: f32[?]; where(c, x, y)", three, 3,
                   &no_array, 1, WN_ERROR_SHAPE, "where: shapes [3], [3] and [2] do not broadcast");
}

/* Whatever rewrites have made of it. */
static void a_message_names_what_was_written(void **state) {
    (void)state;
    static const struct {
        const char *expression, *message;
    } cases[] = {
        {"i + j", "add: shapes [2] and [3] do not broadcast"},
        {"j + i", "add: shapes [3] and [2] do not broadcast"},
        {"!(j < i)", "less: shapes [3] and [2] do not broadcast"},
        {"!(j == i)", "equal: shapes [3] and [2] do not broadcast"},
        {"i * i32(d)", "multiply: shapes [2] and [3] do not broadcast"},
        {"i32(d) * i", "multiply: shapes [3] and [2] do not broadcast"},
        {"i32(!d) * i", "multiply: shapes [3] and [2] do not broadcast"},
        {"where(!d, i, k)", "where: shapes [3], [2] and [2] do not broadcast"},
        {"where(!c, k, j)", "where: shapes [2], [2] and [3] do not broadcast"},
        {"where(!c, j, 0)", "where: shapes [2] and [3] do not broadcast"},
        {"where(c, d, false)", "where: shapes [2] and [3] do not broadcast"},
        {"select(c, true, d, false, c)", "select: shapes [3] and [2] do not broadcast"},
        {"clip(i, k, j)", "clip: shapes [2] and [3] do not broadcast"},
    };
    wn_array in[] = {wn_vector(WN_I32, floats, 2), wn_vector(WN_I32, floats, 3),
                     wn_vector(WN_I32, floats, 2), wn_vector(WN_BOOL, floats, 2),
                     wn_vector(WN_BOOL, floats, 3)};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text,
                 sizeof text, "input i: i32[?]; input j: i32[?]; input k: i32[?]; input c: bool[?]; input d: bool[?]; %s",
                 cases[i].expression);
        expect_failure(text, in, 5, &no_array, 1, WN_ERROR_SHAPE, cases[i].message);
    }
}

static void packed_lengths_are_compared_when_they_are_counted(void **state) {
    (void)state;
    const char *text = "input x: f32[?]; input m: bool[?]; input v: f32[?]; x[m] + v";
    uint8_t mask[] = {1, 0, 0, 0};
    wn_array in[] = {wn_vector(WN_F32, floats, 4), wn_vector(WN_BOOL, mask, 4),
                     wn_vector(WN_F32, floats, 2)};
    expect_failure(text, in, 3, &no_array, 1, WN_ERROR_SHAPE,
                   "add: shapes [1] and [2] do not broadcast: a packed axis does not stretch");
    mask[1] = mask[2] = 1;
    expect_failure(text, in, 3, &no_array, 1, WN_ERROR_SHAPE,
                   "add: shapes [3] and [2] do not broadcast");
}

/* The interpreter copies its inputs, and runs out of memory before it comes to that. */
static void spaces_may_be_too_large(void **state) {
    (void)state;
    const int64_t tall[] = {(int64_t)1 << 40, 1}, wide[] = {1, (int64_t)1 << 40};
    wn_array in[] = {wn_array_of(WN_F32, floats, 2, tall), wn_array_of(WN_F32, floats, 2, wide)};
    wn_array out = no_array;
    wn_error error;
    in[0].strides[0] = in[1].strides[1] = 0;
    wn_context *c = compare_context(1);
    wn_kernel *k =
        compare_compile_text(c, "input x: f32[?, 1]; input y: f32[1, ?]; x + y", COMPARE_ENGINE);
    wn_status status = wn_call(k, in, 2, &out, 1, &error);
    if (wn_kernel_engine(k) == WN_ENGINE_JIT) {
        assert_int_equal(status, WN_ERROR_LIMIT);
        assert_string_equal(
            error.message,
            "add: a result of shape [1099511627776, 1099511627776] and type f32 is too large");
    }
    wn_kernel_free(k);
    wn_context_free(c);
}

/* ---- Overlap ------------------------------------------------------------------------------------------------------- */

static void overlap_is_refused(void **state) {
    (void)state;
    float m[64] = {0};
    const char *text = "input x: f32[?]; x + 1";
    wn_array x = wn_vector(WN_F32, m, 8), out = wn_vector(WN_F32, m + 1, 8);
    expect_failure(text, &x, 1, &out, 1, WN_ERROR_OVERLAP,
                   "output result: overlaps input x; give it memory of its own");
    out = x;
    out.data = m + 7;
    out.strides[0] = -4;
    expect_failure(text, &x, 1, &out, 1, WN_ERROR_OVERLAP,
                   "output result: overlaps input x; give it memory of its own");
    out = wn_vector(WN_F32, m + 10, 8);
    out.strides[0] = 0;
    expect_failure(text, &x, 1, &out, 1, WN_ERROR_OVERLAP,
                   "output result: its elements overlap each other");
    out.strides[0] = 2;
    expect_failure(text, &x, 1, &out, 1, WN_ERROR_OVERLAP,
                   "output result: its elements overlap each other");
    wn_array both[] = {wn_vector(WN_F32, m + 10, 8), wn_vector(WN_F32, m + 17, 8)};
    expect_failure("input x: f32[?]; output a = x + 1; output b = x * 2;", &x, 1, both, 2,
                   WN_ERROR_OVERLAP, "output b: overlaps output a");
    out = x;
    expect_failure(
        "input x: f32[?]; x[x < 1]", &x, 1, &out, 1,
        WN_ERROR_OVERLAP, "output result: overlaps input x, which is not used at the same element alone; give it memory of its own");
    wn_array in[] = {matrix(WN_F32, m, 4, 4), matrix(WN_F32, m, 4, 4)};
    in[1].strides[0] = 4;
    in[1].strides[1] = 16;
    expect_failure("input x: f32[?, ?]; input y: f32[?, ?]; x + y", in, 2, in, 1, WN_ERROR_OVERLAP,
                   "output result: overlaps input y; give it memory of its own");
}

static void expect_call(const char *text, const wn_array *inputs, size_t count, wn_array *outputs,
                        size_t output_count) {
    wn_context *c = compare_context(1);
    for (size_t i = 0; i < ENGINES; i++) {
        wn_error error;
        wn_kernel *k = compare_compile_text(c, text, engines[i]);
        compare_expect_ok(wn_call(k, inputs, count, outputs, output_count, &error), &error);
        wn_kernel_free(k);
    }
    wn_context_free(c);
}

/* Arrays that interleave without sharing a byte. */
static void neighbours_do_not_overlap(void **state) {
    (void)state;
    float m[64] = {0};
    wn_array column[3], odd = wn_vector(WN_F32, m + 1, 20), even = wn_vector(WN_F32, m, 20);
    for (int i = 0; i < 3; i++) {
        column[i] = wn_vector(WN_F32, m + i, 20);
        column[i].strides[0] = 12;
    }
    for (int i = 0; i < 20; i++)
        m[3 * i] = (float)i;
    expect_call("input x: f32[?]; output a = x + 1; output b = x * 2;", column, 1, column + 1, 2);
    for (int i = 0; i < 20; i++) {
        assert_true(m[3 * i + 1] == (float)i + 1);
        assert_true(m[3 * i + 2] == (float)i * 2);
    }
    odd.strides[0] = even.strides[0] = 8;
    expect_call("input x: f32[?]; x + 1", &even, 1, &odd, 1);
    even.data = m + 38;
    even.strides[0] = -8;
    expect_call("input x: f32[?]; x + 1", &even, 1, &odd, 1);
    wn_array left = matrix(WN_F32, m, 8, 2), right = matrix(WN_F32, m + 2, 8, 2);
    left.strides[0] = right.strides[0] = 20;
    expect_call("input x: f32[?, ?]; x + 1", &left, 1, &right, 1);
}

/* ---- Room ---------------------------------------------------------------------------------------------------------- */

static void too_small_a_buffer_says_how_much_is_needed(void **state) {
    (void)state;
    uint8_t mask[4000];
    float x[4000], result[4001];
    for (int i = 0; i < 4000; i++) {
        mask[i] = i % 3 == 0;
        x[i] = (float)i;
    }
    const char *text = "input x: f32[?]; input m: bool[?]; x[m]";
    wn_array in[] = {wn_vector(WN_F32, x, 4000), wn_vector(WN_BOOL, mask, 4000)};
    static const int64_t rooms[] = {0, 1, 63, 64, 65, 1333};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        char message[100];
        wn_array out = wn_vector(WN_F32, result, rooms[i]);
        result[rooms[i]] = 77;
        snprintf(message, sizeof message, "output result: room for %d on axis 0, 1334 needed",
                 (int)rooms[i]);
        expect_failure(text, in, 2, &out, 1, WN_ERROR_ROOM, message);
        assert_true(result[rooms[i]] == 77);
    }
    wn_array out = wn_vector(WN_F32, result, 1334);
    expect_call(text, in, 2, &out, 1);
    assert_true(result[1333] == 3999);
}

static void empty_arrays_are_arrays(void **state) {
    (void)state;
    float result[8];
    wn_array x = wn_vector(WN_F32, NULL, 0), out = wn_vector(WN_F32, result, 0);
    expect_call("input x: f32[?]; x + 1", &x, 1, &out, 1);
    out = wn_vector(WN_F32, result, 8);
    expect_call("input x: f32[?]; x[x < 0]", &x, 1, &out, 1);
    assert_int_equal(out.shape[0], 0);
}

/* Beside a length of 0 the others may be any: no product of lengths or strides is formed, on either engine. */
static void empty_arrays_may_be_long(void **state) {
    (void)state;
    static const char *const texts[] = {
        "x * 2 + x",
        "x[x < 0]",
        "x[:, :, m]",
        "(x + 1)[:, :, m]",
        "nonzero(x)",
        "x[x < 0] + x[x < 0 | x > 1]",
        "sum(x)",
        "max(x, axis=1, initial=1)",
        "mean(x, axis=0)",
        "sum(x, axis=(0, 2), where=x < 0)",
        "count(x, axis=2)",
        "sum(x[:, :, m], axis=2)",
        "expand(x[:, :, m], m, 0, axis=2)",
        "expand(x[:, :, m], m, x, axis=2)",
        "place(x, x < 0, x)",
        "putmask(x, x < 0, x)",
        "compress(m, x, axis=2)",
    };
    static const int64_t shapes[][3] = {
        {0, INT64_MAX, 3}, {INT64_MAX, INT64_MAX, 0}, {INT64_MAX, 0, 3}, {INT64_MAX - 1, 0, 0}};
    wn_context *c = compare_context(1);
    for (size_t t = 0; t < 2 * sizeof texts / sizeof *texts; t++) {
        char text[200];
        snprintf(text, sizeof text, "input x: f32[?, ?, ?]; input m: bool[?]; %s", texts[t / 2]);
        wn_kernel *k = compare_compile_text(c, text, engines[t % 2]);
        for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
            const int64_t *shape = shapes[i / 2];
            wn_array in[] = {wn_array_of(WN_F32, NULL, 3, shape), wn_vector(WN_BOOL, bytes, shape[2])};
            wn_array out = no_array;
            wn_error error = {WN_OK, ""};
            if (t < 2) out = wn_array_of(WN_F32, floats, 3, shape);
            for (int axis = 0; axis < 3 && i % 2; axis++)
                out.strides[axis] = in[0].strides[axis] = axis ? INT64_MIN : INT64_MAX;
            wn_status status = wn_call(k, in, 2, &out, 1, &error);
            if (status == WN_ERROR_LIMIT || status == WN_ERROR_MEMORY) {
                assert_non_null(strstr(error.message, "a result of shape ["));
                continue;
            }
            compare_expect_ok(status, &error);
            if (t >= 2) wn_array_free(c, &out);
        }
        wn_kernel_free(k);
    }
    wn_context_free(c);
}

/* ---- Bindings ------------------------------------------------------------------------------------------------------ */

static void a_binding_is_run_and_rebound(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    for (size_t e = 0; e < ENGINES; e++) {
        float x[100], y[100];
        wn_error error;
        wn_binding *b = NULL;
        for (int i = 0; i < 100; i++)
            x[i] = (float)(i - 50);
        wn_kernel *k = compare_compile_text(
            c, "input x: f32[?]; output n = x[x < 0]; output y = x + 1;", engines[e]);
        wn_array in = wn_vector(WN_F32, x, 100), out[] = {no_array, wn_vector(WN_F32, y, 100)};
        compare_expect_ok(wn_bind(k, &in, 1, out, 2, &b, &error), &error);
        wn_kernel_free(k);
        assert_null(wn_result(b, 0));
        compare_expect_ok(wn_run(b, &error), &error);
        assert_int_equal(wn_result(b, 0)->shape[0], 50);
        assert_ptr_equal(wn_result(b, 1)->data, y);
        assert_null(wn_result(b, 2));
        int64_t n = -1;
        compare_expect_ok(wn_count(b, 0, &n, &error), &error);
        assert_int_equal(n, 50);
        assert_int_equal(wn_count(b, 1, &n, &error), WN_ERROR_ARGUMENT);
        assert_string_equal(error.message, "count: output y has no packed axis");

        wn_array wrong = wn_vector(WN_F64, x, 3);
        assert_int_equal(wn_rebind(b, &wrong, 1, out, 2, &error), WN_ERROR_TYPE);
        in = wn_vector(WN_F32, x + 40, 60);
        assert_int_equal(wn_rebind(b, &in, 1, out, 2, &error), WN_ERROR_SHAPE);
        compare_expect_ok(wn_run(b, &error), &error); /* on the old arrays */
        assert_int_equal(wn_result(b, 0)->shape[0], 50);
        out[1] = wn_vector(WN_F32, y, 60);
        compare_expect_ok(wn_rebind(b, &in, 1, out, 2, &error), &error);
        compare_expect_ok(wn_run(b, &error), &error);
        assert_int_equal(wn_result(b, 0)->shape[0], 10);
        assert_true(y[59] == 50);
        in.data = x; /* only a pointer */
        compare_expect_ok(wn_rebind(b, &in, 1, out, 2, &error), &error);
        compare_expect_ok(wn_run(b, &error), &error);
        assert_int_equal(wn_result(b, 0)->shape[0], 50);
        wn_binding_free(b);
    }
    wn_context_free(c);
}

static void equal_graphs_share_a_kernel(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    wn_kernel *a = compare_compile_text(c, "input x: f32[?]; x + 1", WN_ENGINE_AUTO);
    wn_kernel *b = compare_compile_text(c, "input x: f32[?]; x + 1", WN_ENGINE_AUTO);
    wn_kernel *d = compare_compile_text(c, "input x: f32[?]; x + 2", WN_ENGINE_AUTO);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, d);
    wn_kernel_free(a);
    assert_int_equal(wn_kernel_input_count(b), 1);
    wn_kernel_free(b);
    wn_kernel_free(d);
    wn_context_free(c);
}

static void bad_options_are_refused(void **state) {
    (void)state;
    wn_compile_options options = {.size = sizeof options, .engine = (wn_engine)9};
    wn_context *c = compare_context(1);
    wn_graph *g = wn_graph_new(c);
    wn_output(g, "y", wn_input(g, "x", WN_F32));
    assert_null(wn_compile(g, &options));
    assert_string_equal(wn_graph_error(g), "compile: 9 is not an engine");
    wn_graph_free(g);
    g = wn_graph_new(c);
    assert_null(wn_compile(g, NULL));
    assert_string_equal(
        wn_graph_error(g),
        "compile: the graph has no output; call wn_output, or end the text with an expression");
    wn_graph_free(g);
    assert_null(wn_compile(NULL, NULL));
    assert_null(wn_context_new_abi(WN_ABI_VERSION + 1, NULL));
    assert_null(wn_context_new(&(wn_context_options){0}));
    wn_context_free(c);
}

typedef struct heard {
    int warnings;
    char text[700];
} heard;

static void listen(void *user, wn_log_level level, const char *message) {
    heard *h = user;
    h->warnings += level == WN_LOG_WARNING;
    snprintf(h->text, sizeof h->text, "%s", message);
}

static void without_llvm_the_interpreter_runs(void **state) {
    (void)state;
    heard h = {0, ""};
    wn_context_options options = {
        .size = sizeof options, .log = listen, .log_user = &h, .llvm_library = "/no/such/file"};
    wn_context *c = wn_context_new(&options);
    wn_kernel *k = compare_compile_text(c, "input x: f32[?]; x + 1", WN_ENGINE_AUTO);
#ifdef WN_TEST_LLVM_PATH
    assert_int_equal(h.warnings, 1);
    assert_non_null(strstr(h.text, "/no/such/file"));
    assert_int_equal(wn_kernel_engine(k), WN_ENGINE_INTERPRETER);
    wn_graph *g = wn_graph_new(c);
    wn_output(g, "y", wn_input(g, "x", WN_F32));
    assert_null(wn_compile(
        g, &(wn_compile_options){sizeof(wn_compile_options), WN_ENGINE_JIT, WN_ISA_NATIVE}));
    assert_int_equal(wn_graph_status(g), WN_ERROR_COMPILER);
    wn_graph_free(g);
#endif
    wn_kernel_free(k);
    wn_context_free(c);
}

static void eval_is_one_call(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    float x[] = {1, -2, 3, -4};
    const char *names[] = {"x"};
    for (int i = 0; i < 3; i++) {
        wn_array in = wn_vector(WN_F32, x, 2 + i), out = no_array;
        wn_error error;
        compare_expect_ok(wn_eval(c, "x[x < 0]", names, &in, 1, &out, 1, &error), &error);
        assert_int_equal(out.shape[0], 1 + (i == 2));
        assert_true(*(float *)out.data == -2);
        wn_array_free(c, &out);
        assert_int_equal(wn_eval(c, "x[x < ", names, &in, 1, &out, 1, &error), WN_ERROR_SYNTAX);
        assert_int_equal(wn_eval(c, "x[x < 0]", (const char *[]){NULL}, &in, 1, &out, 1, &error),
                         WN_ERROR_ARGUMENT);
    }
    wn_context_free(c);
}

/* ---- Memory that runs out ------------------------------------------------------------------------------------------- */

/* A binding's life, whose outputs are first the context's: run, bound to fewer elements, to more, and run again. */
static wn_status try_binding(wn_kernel *k, wn_array *in, const wn_array *out) {
    static const int64_t lengths[] = {100, 60, 200};
    wn_binding *b = NULL;
    wn_status status = WN_OK;
    for (size_t i = 0; i < 3 && status == WN_OK; i++) {
        in[0].shape[0] = in[1].shape[0] = lengths[i];
        status = b ? wn_rebind(b, in, 2, out, 3, NULL) : wn_bind(k, in, 2, out, 3, &b, NULL);
        if (status == WN_OK) status = wn_run(b, NULL);
    }
    wn_binding_free(b);
    return status;
}

/* Everything from a context to a result, stopping where memory runs out. */
static wn_status try_all(counted_memory *m, wn_engine engine, const char *text) {
    float x[200];
    uint8_t mask[200];
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = m};
#ifdef WN_TEST_LLVM_PATH
    options.llvm_library = WN_TEST_LLVM_PATH;
#endif
    for (int i = 0; i < 200; i++) {
        x[i] = (float)i;
        mask[i] = i % 2 == 0;
    }
    wn_context *c = wn_context_new(&options);
    wn_graph *g = c ? wn_graph_new(c) : NULL;
    wn_status status = WN_ERROR_MEMORY;
    if (g) {
        wn_parse(g, text, strlen(text));
        wn_kernel *k =
            wn_compile(g, &(wn_compile_options){sizeof(wn_compile_options), engine, WN_ISA_NATIVE});
        wn_array in[] = {wn_vector(WN_F32, x, 200), wn_vector(WN_BOOL, mask, 200)},
                 out[3] = {{0}, {0}, {0}};
        status = wn_graph_status(g);
        assert_true(k != NULL || status != WN_OK);
        if (k) status = try_binding(k, in, out);
        if (k && status == WN_OK) status = wn_call(k, in, 2, out, 3, NULL);
        for (int i = 0; i < 3; i++)
            wn_array_free(c, &out[i]);
        wn_kernel_free(k);
    }
    wn_graph_free(g);
    wn_context_free(c);
    return status;
}

static void any_allocation_may_fail(void **state) {
    static const char *const texts[] = {
        "input x: f32[?]; input m: bool[?]; output a = x[m] + x[m & (x == x | x < 1)]; output b = "
        "nonzero(m); output c = where(m, x, 0);",
        "input x: f32[?]; input m: bool[?]; output a = expand(x[m & x == x] + x[m], m, x); output "
        "b "
        "= sum(x[m] * 2 - x[m]) + f32(argmax(x / 2)); output c = place(x * 2, m, x)[x - mean(x) < "
        "0];"};
    (void)state;
    for (size_t e = 0; e < 2 * ENGINES; e++) {
        wn_status status = WN_ERROR_MEMORY;
        int64_t n = 0;
        for (; status != WN_OK; n++) {
            counted_memory m = {n, 0};
            status = try_all(&m, engines[e / 2], texts[e % 2]);
            assert_true(status == WN_OK || status == WN_ERROR_MEMORY);
            assert_int_equal(m.live, 0);
        }
        assert_true(n > 20);
    }
}

static wn_status try_eval(counted_memory *m) {
    float x[] = {1, -2, 3};
    const char *names[] = {"x"};
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = m};
#ifdef WN_TEST_LLVM_PATH
    options.llvm_library = WN_TEST_LLVM_PATH;
#endif
    wn_context *c = wn_context_new(&options);
    wn_status status = c ? WN_OK : WN_ERROR_MEMORY;
    for (int i = 0; i < 2 && status == WN_OK; i++) { /* the second finds the first's kernel */
        wn_array in = wn_vector(WN_F32, x, 3), out = no_array;
        wn_error error = {WN_OK, ""};
        status = wn_eval(c, "sum(x[x < 0])", names, &in, 1, &out, 1, &error);
        assert_int_equal(status, error.status);
        if (status == WN_OK) assert_true(*(float *)out.data == -2);
        wn_array_free(c, &out);
    }
    wn_context_free(c);
    return status;
}

static void any_allocation_of_eval_may_fail(void **state) {
    (void)state;
    wn_status status = WN_ERROR_MEMORY;
    for (int64_t n = 0; status != WN_OK; n++) {
        counted_memory m = {n, 0};
        status = try_eval(&m);
        assert_true(status == WN_OK || status == WN_ERROR_MEMORY);
        assert_int_equal(m.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_that_are_none_are_refused),
        cmocka_unit_test(arrays_that_are_none_are_not_freed),
        cmocka_unit_test(counts_must_be_the_kernels),
        cmocka_unit_test(a_kernel_tells_what_it_takes),
        cmocka_unit_test(arrays_must_be_arrays),
        cmocka_unit_test(outputs_must_fit),
        cmocka_unit_test(lengths_must_fit_each_other),
        cmocka_unit_test(a_message_names_what_was_written),
        cmocka_unit_test(packed_lengths_are_compared_when_they_are_counted),
        cmocka_unit_test(spaces_may_be_too_large),
        cmocka_unit_test(overlap_is_refused),
        cmocka_unit_test(neighbours_do_not_overlap),
        cmocka_unit_test(too_small_a_buffer_says_how_much_is_needed),
        cmocka_unit_test(empty_arrays_are_arrays),
        cmocka_unit_test(empty_arrays_may_be_long),
        cmocka_unit_test(a_binding_is_run_and_rebound),
        cmocka_unit_test(equal_graphs_share_a_kernel),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(without_llvm_the_interpreter_runs),
        cmocka_unit_test(eval_is_one_call),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(any_allocation_of_eval_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
