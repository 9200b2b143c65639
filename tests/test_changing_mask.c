/*
 * test_changing_mask.c - another thread changes a mask while it is read. The result means nothing then, and the run may fail; but
 * nothing is written outside an output, and nothing crashes.
 *
 * The caller's outputs lie against pages that can't be touched, the context's memory has a rim of known bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 200000
#define COLUMNS 3
#define LENGTH (ROWS * COLUMNS)
#define ROUNDS (COMPARE_SAMPLED ? 10 : 40)

/* ---- Memory with a rim ----------------------------------------------------------------------------------------------- */

#define RIM 256

static atomic_bool rim_is_broken;

static void *allocate_with_rim(void *user, void *pointer, size_t old_size, size_t new_size) {
    (void)user;
    for (size_t i = 0; pointer && i < RIM; i++)
        if (((uint8_t *)pointer)[old_size + i] != GUARD_BYTE) rim_is_broken = true;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    uint8_t *data = realloc(pointer, new_size + RIM);
    if (data) memset(data + new_size, GUARD_BYTE, RIM);
    return data;
}

/* ---- A mask that changes --------------------------------------------------------------------------------------------- */

typedef struct changing {
    volatile uint8_t *mask;
    size_t length;
    pthread_t thread;
} changing;

static volatile uint8_t mask[LENGTH];
static atomic_bool ending;

static void *change_mask(void *state) {
    const changing *c = state;
    uint64_t random = 1;
    while (!ending) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t first = (random >> 20) % c->length, count = 1 + (random >> 40) % 5000;
        for (size_t i = first; i < first + count && i < c->length; i++)
            c->mask[i] = (uint8_t)(random >> 63 ? random >> (i & 31) & 1 : random >> 62 & 1);
    }
    return NULL;
}

static void begin_changing(changing *c) {
    ending = false;
    assert_int_equal(pthread_create(&c->thread, NULL, change_mask, c), 0);
}

static void end_changing(changing *c) {
    ending = true;
    pthread_join(c->thread, NULL);
}

/* ---- Runs ------------------------------------------------------------------------------------------------------------ */

/* m: all of the mask; r: its beginning, for each row; v: one element, which stretches. */
static const char *const texts[] = {
    "x[m]",
    "output a = x[m]; output b = (x * 2)[m]; output c = nonzero(m);",
    "output a = x[m]; output b = sum(x[m]); output c = count(m);",
    "x[r]",
    "(x + 1)[r]",
    "nonzero(m)",
    "x[m] + v",
    "expand(x[m] * 2, m, x)",
    "expand(v, m, x)",
    "expand(v, m, 0)",
    "place(x, m, v)",
    "putmask(x, m, v)",
    "compress(r, x, axis=0)",
    "sum(x, where=m, axis=1)",
    "max(x, where=m, initial=0)",
    "argmax(x, where=m)",
    "x[m][x[m] < 1]",
};

/* Outputs of the caller's with room for half of the mask; or more, where a shape is not packed. */
static void give_outputs(const wn_kernel *k, guard *areas, wn_array *out) {
    for (int32_t i = 0; i < wn_kernel_output_count(k); i++) {
        int32_t rank = wn_kernel_output_rank(k, i);
        wn_type type = wn_kernel_output_type(k, i);
        int64_t shape[] = {rank == 1 ? LENGTH / 2 : ROWS / 2, rank == 2 && type == WN_I64 ? 2 : COLUMNS};
        if (rank == 2 && type == WN_I64) shape[0] = LENGTH / 2;
        out[i] = wn_array_of(type, NULL, rank, shape);
        size_t bytes = (size_t)compare_count(&out[i]) * wn_type_size(type);
        out[i].data = guard_place(&areas[i], AT_END, bytes);
    }
}

static void expect_no_harm(wn_status status, const char *text) {
    if (status != WN_OK && status != WN_ERROR_ROOM && status != WN_ERROR_SHAPE &&
        status != WN_ERROR_ARGUMENT)
        fail_msg("%s: %s", text, wn_status_name(status));
    if (rim_is_broken) fail_msg("%s: wrote outside the context's memory", text);
}

static void run_text(wn_context *c, const char *body, wn_engine engine, const wn_array *in,
                     guard *areas) {
    char text[300];
    snprintf(text, sizeof text,
             "input x: f32[?, 3]; input m: bool[?, 3]; input r: bool[?]; input v: f32[?]; %s", body);
    guard_describe(text);
    wn_kernel *k = compare_compile_text(c, text, engine);
    size_t count = (size_t)wn_kernel_output_count(k);
    for (int round = 0; round < ROUNDS; round++) {
        wn_array out[3] = {{0}};
        if (round % 2) give_outputs(k, areas, out);
        wn_status status = wn_call(k, in, 4, out, count, NULL);
        expect_no_harm(status, body);
        for (size_t i = 0; i < count; i++) {
            if (round % 2 == 0) wn_array_free(c, &out[i]);
            if (round % 2 && !guard_intact(&areas[i]))
                fail_msg("%s: wrote outside output %zu", body, i);
        }
    }
    wn_kernel_free(k);
    guard_describe(NULL);
}

static wn_context *context_with_rims(int32_t threads) {
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_with_rim, .threads = threads};
#ifdef WN_TEST_LLVM_PATH
    options.llvm_library = WN_TEST_LLVM_PATH;
#endif
    return wn_context_new(&options);
}

static void run_texts(wn_engine engine, int32_t threads) {
    wn_context *c = context_with_rims(threads);
    changing changer = {.mask = mask, .length = LENGTH};
    guard areas[3], v;
    float *x = calloc(LENGTH, sizeof *x);
    const int64_t shape[] = {ROWS, COLUMNS};
    for (int i = 0; i < 3; i++)
        guard_new(&areas[i], LENGTH * sizeof(double) * 2);
    guard_new(&v, sizeof *x);
    wn_array in[] = {wn_array_of(WN_F32, x, 2, shape), wn_array_of(WN_BOOL, (void *)mask, 2, shape),
                     wn_vector(WN_BOOL, (void *)mask, ROWS),
                     wn_vector(WN_F32, guard_place(&v, AT_END, sizeof *x), 1)};
    begin_changing(&changer);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        run_text(c, texts[i], engine, in, areas);
    end_changing(&changer);
    wn_context_free(c);
    assert_false(rim_is_broken);
    for (int i = 0; i < 3; i++)
        guard_free(&areas[i]);
    guard_free(&v);
    free(x);
}

static void compiled_runs_survive(void **state) {
    (void)state;
    run_texts(COMPARE_ENGINE, 1);
}

static void compiled_runs_on_threads_survive(void **state) {
    (void)state;
    run_texts(COMPARE_ENGINE, 3);
}

static void interpreted_runs_survive(void **state) {
    (void)state;
    run_texts(WN_ENGINE_INTERPRETER, 1);
}

/* ---- What exceeds the caches, and is packed by way of buffers ---------------------------------------------------------- */

#define LARGE ((size_t)8 << 20)

/* The outputs have room for 1 %, or for nearly half, less than is true at first. */
static void run_large(wn_context *c, const char *body, const wn_array *in, guard *areas) {
    char text[200];
    snprintf(text, sizeof text, "input x: f32[?]; input m: bool[?]; %s", body);
    guard_describe(text);
    wn_kernel *k = compare_compile_text(c, text, COMPARE_ENGINE);
    int32_t count = wn_kernel_output_count(k);
    for (int round = 0; round < 4; round++) {
        wn_array out[2];
        int64_t room = round % 2 ? LARGE / 2 - 1003 : LARGE / 100;
        for (int32_t i = 0; i < count; i++) {
            size_t bytes = (size_t)room * wn_type_size(wn_kernel_output_type(k, i));
            out[i] = wn_vector(wn_kernel_output_type(k, i),
                               guard_place(&areas[i], round < 2 ? AT_END : AT_ODD, bytes), room);
        }
        expect_no_harm(wn_call(k, in, 2, out, (size_t)count, NULL), body);
        for (int32_t i = 0; i < count; i++)
            if (!guard_intact(&areas[i])) fail_msg("%s: wrote outside output %d", body, i);
    }
    wn_kernel_free(k);
    guard_describe(NULL);
}

static void large_runs_survive(void **state) {
    (void)state;
    guard areas[2];
    float *x = calloc(LARGE, sizeof *x);
    changing changer = {.mask = malloc(LARGE), .length = LARGE};
    assert_true(x && changer.mask);
    for (size_t i = 0; i < LARGE; i++)
        changer.mask[i] = (uint8_t)(i * 2654435761 >> 16 & 1);
    wn_array in[] = {wn_vector(WN_F32, x, LARGE), wn_vector(WN_BOOL, (void *)changer.mask, LARGE)};
    for (int i = 0; i < 2; i++)
        guard_new(&areas[i], LARGE / 2 * sizeof *x);
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        wn_context *c = context_with_rims(threads);
        begin_changing(&changer);
        run_large(c, "x[m]", in, areas);
        run_large(c, "output a = x[m]; output b = (x < 1)[m];", in, areas);
        end_changing(&changer);
        wn_context_free(c);
        assert_false(rim_is_broken);
    }
    for (int i = 0; i < 2; i++)
        guard_free(&areas[i]);
    free((void *)changer.mask);
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_runs_survive),
        cmocka_unit_test(compiled_runs_on_threads_survive),
        cmocka_unit_test(interpreted_runs_survive),
        cmocka_unit_test(large_runs_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
