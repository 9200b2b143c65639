/*
 * test_bitmap_bind.c - packed masks in bindings: bytes and bits in turn, threads that meet inside a byte, memory that runs out; and what
 * is refused. (test_bitmap.c has what expressions make of them.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "counted_memory.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})
#define VECTORS "input m: bool[?]; input k: bool[?]; input x: f32[?]; "

static void write_bit(void *data, int64_t bit, bool value) {
    uint8_t *byte = (uint8_t *)data + (bit >> 3);
    *byte = (uint8_t)((*byte & ~(1 << (bit & 7))) | value << (bit & 7));
}

/* ---- Bindings ------------------------------------------------------------------------------------------------------ */

#define LENGTH 100

/* A binding that is given bytes, bits and bits elsewhere in turn, and what does not fit between them. */
static void rebound(wn_engine engine) {
    wn_context *c = compare_context(1);
    wn_kernel *k = compare_compile_text(
        c, "input m: bool[?]; input x: i32[?]; output y = x[m]; output z = !m;", engine);
    uint8_t bytes[LENGTH], bits[2][LENGTH / 8 + 3] = {{0}}, z[LENGTH / 8 + 3];
    int32_t x[LENGTH], y[LENGTH];
    int64_t want = 0, found;
    for (int i = 0; i < LENGTH; i++) {
        x[i] = i;
        bytes[i] = i % 3 == 0;
        want += bytes[i];
        write_bit(bits[0], i + 3, bytes[i]);
        write_bit(bits[1], i + 13, bytes[i]);
    }
    wn_binding *b = NULL;
    wn_error error;
    wn_array out[] = {wn_vector(WN_I32, y, LENGTH), wn_bitmap(z, 5, LENGTH)};
    wn_array none[] = {wn_vector(WN_I32, y, LENGTH), {0}}, bad = wn_bitmap(bits[0], 3, LENGTH - 1);
    wn_array masks[] = {wn_vector(WN_BOOL, bytes, LENGTH), wn_bitmap(bits[0], 3, LENGTH),
                        wn_bitmap(bits[0] + 1, -5, LENGTH), wn_bitmap(bits[1], 13, LENGTH),
                        wn_bitmap(bits[1] + 1, 5, LENGTH)};
    for (int round = 0; round < 20; round++) {
        wn_array in[] = {masks[round % 5], wn_vector(WN_I32, x, LENGTH)};
        wn_array refused[] = {bad, in[1]};
        wn_array *results = round % 3 ? out : none;
        memset(z, GUARD_BYTE, sizeof z);
        compare_expect_ok(b ? wn_rebind(b, in, 2, results, 2, &error)
                            : wn_bind(k, in, 2, results, 2, &b, &error),
                          &error);
        assert_int_equal(wn_rebind(b, refused, 2, none, 2, &error), WN_ERROR_SHAPE);
        compare_expect_ok(wn_run(b, &error), &error);
        compare_expect_ok(wn_count(b, 0, &found, &error), &error);
        assert_int_equal(found, want);
        assert_int_equal(wn_result(b, 0)->shape[0], want);
        for (int i = 0; i < want; i++)
            assert_int_equal(y[i], 3 * i);
        const uint8_t *not = wn_result(b, 1)->data;
        for (int i = 0; i < LENGTH; i++)
            assert_int_equal(results == out ? z[(i + 5) / 8] >> (i + 5) % 8 & 1 : not [i], !bytes[i]);
    }
    wn_binding_free(b);
    wn_kernel_free(k);
    wn_context_free(c);
}

static void a_binding_changes_between_bytes_and_bits(void **state) {
    (void)state;
    rebound(COMPARE_ENGINE);
    rebound(WN_ENGINE_INTERPRETER);
}

/* Parts of a run share bytes of an output whose bits do not begin with a byte. */
static void threads_share_bytes(void **state) {
    (void)state;
    const int64_t length = 1 << 20;
    wn_context *c = compare_context(4);
    wn_kernel *k = compare_compile_text(
        c, VECTORS "output y = m ^ k; output z = any(m); output w = x[m];", COMPARE_ENGINE);
    uint8_t *m = malloc((size_t)length), *packed = malloc((size_t)length), *y = malloc((size_t)length);
    float *x = malloc((size_t)length * sizeof *x);
    uint64_t random = 7;
    for (int64_t i = 0; i < length; i++) {
        m[i] = values_random(&random) & 1;
        x[i] = (float)i;
    }
    for (int round = 0; round < 24; round++) {
        int64_t stride = round % 3 ? 1 : 3, bit = round % 8;
        memset(packed, GUARD_BYTE, (size_t)length);
        memset(y, GUARD_BYTE, (size_t)length);
        for (int64_t i = 0; i < length; i++)
            write_bit(packed, bit + i * stride, m[i]);
        wn_array in[] = {wn_bitmap(packed, bit, length), wn_vector(WN_BOOL, m, length),
                         wn_vector(WN_F32, x, length)};
        wn_array out[] = {
            round % 2 ? wn_bitmap(packed, bit, length) : wn_bitmap(y, bit, length), {0}, {0}};
        wn_error error;
        in[0].strides[0] = out[0].strides[0] = stride;
        if (round % 2) in[0] = wn_vector(WN_BOOL, m, length); /* another array than the output */
        compare_expect_ok(wn_call(k, in, 3, out, 3, &error), &error);
        const uint8_t *bits = out[0].data;
        for (int64_t i = 0; i < length * stride + bit && i < length * 8; i++) {
            bool is_element = i >= bit && (i - bit) % stride == 0 && (i - bit) / stride < length;
            if ((bits[i / 8] >> i % 8 & 1) != (is_element ? 0 : GUARD_BYTE >> i % 8 & 1))
                fail_msg("round %d: bit %lld is wrong", round, (long long)i);
        }
        wn_array_free(c, &out[1]);
        wn_array_free(c, &out[2]);
    }
    free(m);
    free(packed);
    free(y);
    free(x);
    wn_kernel_free(k);
    wn_context_free(c);
}

static void threads_work_in_place(void **state) {
    (void)state;
    const int64_t length = 1 << 18;
    wn_context *c = compare_context(4);
    wn_kernel *k = compare_compile_text(c, VECTORS "output y = m ^ k;", COMPARE_ENGINE);
    uint8_t *flips = malloc((size_t)length), *packed = malloc((size_t)length);
    for (int64_t i = 0; i < length; i++)
        flips[i] = i % 5 < 2;
    for (int round = 0; round < 16; round++) {
        int64_t stride = round % 2 ? 3 : 1, bit = round;
        wn_error error;
        wn_array in[] = {wn_bitmap(packed, bit, length), wn_vector(WN_BOOL, flips, length),
                         wn_vector(WN_F32, &bit, 0)};
        in[0].strides[0] = stride;
        memset(packed, GUARD_BYTE, (size_t)length);
        compare_expect_ok(wn_call(k, in, 3, in, 1, &error), &error);
        for (int64_t i = 0; i < length * 8; i++) {
            bool flipped = i >= bit && (i - bit) % stride == 0 && (i - bit) / stride < length &&
                           flips[(i - bit) / stride];
            if ((packed[i / 8] >> i % 8 & 1) != ((GUARD_BYTE >> i % 8 & 1) ^ flipped))
                fail_msg("round %d: bit %lld is wrong", round, (long long)i);
        }
    }
    free(flips);
    free(packed);
    wn_kernel_free(k);
    wn_context_free(c);
}

/* Streaming stores begin where the output is aligned, which may be at any bit of the mask. */
static void large_outputs(void **state) {
    (void)state;
    static const char *const texts[] = {
        "input m: bool[?]; input x: i32[?]; output y = where(m, x, 0);",
        "input m: bool[?]; input x: i32[?]; output y = where(m, x, 0); output z = m & x > 0;"};
    const int64_t length = (9 << 20) + 5;
    wn_context *c = compare_context(1);
    uint8_t *m = malloc((size_t)length / 8 + 2), *z = malloc((size_t)length / 8 + 2);
    int32_t *x = malloc((size_t)length * sizeof *x), *y = malloc((size_t)length * sizeof *y);
    memset(m, 0x6d, (size_t)length / 8 + 2);
    for (int64_t i = 0; i < length; i++)
        x[i] = (int32_t)i | 1;
    for (int round = 0; round < 4; round++) {
        size_t outputs = round % 2 ? 2 : 1;
        int bit = round / 2 * 5;
        wn_kernel *k = compare_compile_text(c, texts[outputs - 1], COMPARE_ENGINE);
        wn_array in[] = {wn_bitmap(m, bit, length), wn_vector(WN_I32, x, length)};
        wn_array out[] = {wn_vector(WN_I32, y, length), wn_bitmap(z, 0, length)};
        wn_error error;
        compare_expect_ok(wn_call(k, in, 2, out, outputs, &error), &error);
        for (int64_t i = 0; i < length; i++) {
            bool truth = 0x6d >> (i + bit) % 8 & 1;
            if (y[i] != (truth ? x[i] : 0) || (outputs == 2 && (z[i / 8] >> i % 8 & 1) != truth))
                fail_msg("element %lld is wrong", (long long)i);
        }
        wn_kernel_free(k);
    }
    free(m);
    free(z);
    free(x);
    free(y);
    wn_context_free(c);
}

/* ---- Memory that runs out ------------------------------------------------------------------------------------------- */

static void expect_true_places(wn_binding *b, int64_t step) {
    wn_error error;
    compare_expect_ok(wn_run(b, &error), &error);
    const wn_array *y = wn_result(b, 0);
    for (int64_t i = 0; i < y->shape[0]; i++)
        assert_int_equal(((const int64_t *)y->data)[i], i * step);
}

/* A rebind that runs out of memory leaves the binding with the arrays, and the kernel, that it had. */
static void a_rebind_that_fails_changes_nothing(void **state) {
    (void)state;
    counted_memory m = {-1, 0};
    int64_t failures = 0, y[1000];
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = &m};
#ifdef WN_TEST_LLVM_PATH
    options.llvm_library = WN_TEST_LLVM_PATH;
#endif
    wn_context *c = wn_context_new(&options);
    wn_kernel *k = compare_compile_text(c, "input m: bool[?]; output y = where(m); output z = !m;",
                                        COMPARE_ENGINE);
    uint8_t bytes[900], bits[400] = {0}, z[900];
    for (int i = 0; i < 900; i++)
        bytes[i] = i % 2 == 0;
    for (int i = 0; i < 1000; i += 5)
        write_bit(bits, 3 * i, true);
    wn_array in = wn_vector(WN_BOOL, bytes, 900), packed = wn_bitmap(bits, 0, 1000);
    wn_array out[] = {wn_array_of(WN_I64, y, 2, SHAPE(900, 1)), wn_vector(WN_BOOL, z, 900)},
             none[2] = {{0}, {0}};
    packed.strides[0] = 3;
    wn_binding *b = NULL, *other = NULL;
    wn_error error;
    compare_expect_ok(wn_bind(k, &packed, 1, none, 2, &other, &error), &error);
    compare_expect_ok(wn_bind(k, &in, 1, out, 2, &b, &error), &error);
    for (int64_t n = 0;; n++, failures++) {
        m.until_failure = n;
        wn_status status = wn_rebind(b, &packed, 1, none, 2, &error);
        m.until_failure = -1;
        expect_true_places(b, status == WN_OK ? 5 : 2);
        if (status == WN_OK) break;
        assert_int_equal(status, WN_ERROR_MEMORY);
    }
    assert_true(failures > 1 || wn_kernel_engine(k) == WN_ENGINE_INTERPRETER);
    wn_binding_free(other);
    wn_binding_free(b);
    wn_kernel_free(k);
    wn_context_free(c);
}

/* ---- One row ---------------------------------------------------------------------------------------------------------- */

/* Strides of axes of length 1 may be anything, and say nothing of how the others lie. */
static void strides_of_one_element_mean_nothing(void **state) {
    uint8_t m = 2, r = 1, y = 0xff;
    wn_kernel *k = compare_compile_text(
        *state, "input m: bool[?, ?]; input r: bool[?]; output y = m[r] ^ true;", COMPARE_ENGINE);
    wn_array in[] = {wn_array_of(WN_BITMAP, &m, 2, SHAPE(1, 1)), wn_bitmap(&r, 0, 1)};
    wn_array out = wn_array_of(WN_BITMAP, &y, 2, SHAPE(1, 1));
    wn_error error;
    in[0].bit = 1;
    out.bit = 4;
    memset(out.strides, 0, sizeof out.strides);
    compare_expect_ok(wn_call(k, in, 2, &out, 1, &error), &error);
    assert_int_equal(y, 0xef);
    wn_kernel_free(k);
}

/* ---- Text ---------------------------------------------------------------------------------------------------------- */

static void a_text_takes_bitmaps(void **state) {
    float x[] = {1, 2, 3, 4};
    uint8_t m = 0xa8, packed = 0; /* 0, 1, 0, 1 from bit 2 on */
    const char *names[] = {"x", "m"};
    wn_array in[] = {wn_vector(WN_F32, x, 4), wn_bitmap(&m, 2, 4)}, y = {0},
             z = wn_bitmap(&packed, 1, 4);
    wn_error error;
    compare_expect_ok(wn_eval(*state, "x[m]", names, in, 2, &y, 1, &error), &error);
    assert_int_equal(y.shape[0], 2);
    assert_true(((float *)y.data)[0] == 2 && ((float *)y.data)[1] == 4);
    wn_array_free(*state, &y);
    compare_expect_ok(wn_eval(*state, "!m", names, in, 2, &z, 1, &error), &error);
    assert_int_equal(packed, 0x0a);
}

/* ---- What is refused ----------------------------------------------------------------------------------------------- */

static void expect_refusal(wn_kernel *k, wn_array m, wn_array out, wn_status status,
                           const char *message) {
    wn_error error = {WN_OK, ""};
    assert_int_equal(wn_call(k, &m, 1, &out, 1, &error), status);
    assert_string_equal(error.message, message);
}

static void what_does_not_fit_is_refused(void **state) {
    wn_context *c = *state;
    uint8_t m[64] = {0}, y[64];
    wn_kernel *k = compare_compile_text(c, "input m: bool[?]; output y = !m;", COMPARE_ENGINE);
    wn_kernel *f = compare_compile_text(c, "input m: f32[?]; output y = m < 0;", COMPARE_ENGINE);
    wn_kernel *back = compare_compile_text(c, "input m: bool[3]; output y = f32(m);", COMPARE_ENGINE);
    wn_array out = wn_bitmap(y, 3, 20), twice = out, crossed = wn_bitmap(m, 0, 20);
    twice.strides[0] = 0;
    expect_refusal(f, wn_bitmap(m, 0, 20), out, WN_ERROR_TYPE,
                   "input m: type f32 expected, bitmap given");
    expect_refusal(back, wn_bitmap(m, 0, 3), wn_bitmap(y, 0, 3), WN_ERROR_TYPE,
                   "output y: type f32 expected, bitmap given");
    expect_refusal(k, wn_bitmap(NULL, 0, 20), out, WN_ERROR_ARGUMENT,
                   "input m: data is NULL, with shape [20] and type bitmap");
    expect_refusal(k, wn_bitmap(m, 0, 19), out, WN_ERROR_SHAPE,
                   "output y: shape [19] expected, [20] given");
    expect_refusal(k, wn_bitmap(m, INT64_MIN, 20), out, WN_ERROR_LIMIT,
                   "input m: the strides lead out of memory, with shape [20] and type bitmap");
    expect_refusal(k, wn_bitmap(m, INT64_MAX, INT64_MAX), out, WN_ERROR_SHAPE,
                   "output y: shape [9223372036854775807] expected, [20] given");
    expect_refusal(k, wn_bitmap(m, 0, 20), twice, WN_ERROR_OVERLAP,
                   "output y: its elements overlap each other");
    /* In the last byte of the output. */
    expect_refusal(k, wn_bitmap(m, 20, 20), crossed, WN_ERROR_OVERLAP,
                   "output y: overlaps input m; give it memory of its own");
    expect_refusal(k, wn_bitmap(m + 2, 4, 20), crossed, WN_ERROR_OVERLAP,
                   "output y: overlaps input m; give it memory of its own");
    expect_refusal(k, wn_bitmap(m + 1, 0, 20), crossed, WN_ERROR_OVERLAP,
                   "output y: overlaps input m; give it memory of its own");
    wn_error error;
    wn_array in = wn_bitmap(m + 3, 0, 20);
    compare_expect_ok(wn_call(k, &in, 1, &crossed, 1, &error), &error);
    in = wn_bitmap(m + 1, -8, 20); /* the very bits */
    compare_expect_ok(wn_call(k, &in, 1, &crossed, 1, &error), &error);
    assert_null(wn_array_new(c, WN_BITMAP, 1, SHAPE(20)).data);
    wn_kernel_free(k);
    wn_kernel_free(f);
    wn_kernel_free(back);
}

static void it_is_no_type_of_a_value(void **state) {
    wn_graph *g = wn_graph_new(*state);
    assert_string_equal(wn_type_name(WN_BITMAP), "bitmap");
    assert_int_equal(wn_type_size(WN_BITMAP), 0);
    wn_input(g, "m", WN_BITMAP, WN_ANY);
    assert_string_equal(wn_graph_error(g), "input \"m\": declare it bool, and give it a bitmap");
    wn_graph_free(g);
    g = wn_graph_new(*state);
    wn_cast(wn_input(g, "x", WN_I8), WN_BITMAP);
    assert_string_equal(wn_graph_error(g),
                        "cast: cast to bool; a bitmap is how an array of bools may lie in memory");
    wn_graph_free(g);
}

static int make_context(void **state) {
    *state = compare_context(1);
    return *state == NULL;
}

static int free_context(void **state) {
    wn_context_free(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_binding_changes_between_bytes_and_bits),
        cmocka_unit_test(threads_share_bytes),
        cmocka_unit_test(threads_work_in_place),
        cmocka_unit_test(large_outputs),
        cmocka_unit_test(a_rebind_that_fails_changes_nothing),
        cmocka_unit_test(strides_of_one_element_mean_nothing),
        cmocka_unit_test(a_text_takes_bitmaps),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(it_is_no_type_of_a_value),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
