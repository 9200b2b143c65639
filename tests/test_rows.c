/*
 * test_rows.c - a mask over some of the axes, so that whole rows are selected: every row's length around a vector's, at every density,
 * for every type, at every axis, in place, with much room, on threads; each for every instruction set, against unreadable pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int densities[] = {500, 0, 1000, 1, 10, 990, 999};
static const wn_type widths[] = {WN_U8, WN_I16, WN_F32, WN_F64};

/* "2, ?" and the like: the mask's axes, and a row of known length or not. */
static void compare_rows(wn_context *c, wn_type type, int64_t rows, int64_t row, int density,
                         bool known, const char *outputs) {
    store s = {.random = (uint64_t)(rows * 31 + row)};
    char text[300], length[24] = "?";
    if (known) snprintf(length, sizeof length, "%d", (int)row);
    store_add(&s, type, 2, SHAPE(rows, row));
    store_add_mask(&s, density, 1, SHAPE(rows));
    snprintf(text, sizeof text, "input t: %s[?, %s]; input m: bool[?]; %s", wn_type_name(type),
             length, outputs);
    store_compare(c, text, &s);
}

static void every_length_of_row(void **state) {
    for (int64_t row = 1; row <= 20; row++)
        for (size_t w = 0; w < LENGTH(widths); w++)
            for (size_t d = 0; d < SAMPLE(1, LENGTH(densities)); d++)
                compare_rows(*state, widths[w], 333, row, densities[d], (row + (int64_t)w) % 2,
                             "output y = t[m];");
}

static void rows_that_are_computed(void **state) {
    for (int64_t row = 1; row <= 20; row += row < 9 ? 1 : 5)
        for (size_t w = 0; w < LENGTH(widths); w++)
            for (size_t d = 0; d < SAMPLE(1, LENGTH(densities)); d++)
                compare_rows(*state, widths[w], 400, row, densities[d], (row + (int64_t)w) % 2,
                             "output y = (t * 2)[m]; output z = t[m] == t[m];");
}

/* Around words and blocks of rows, and around the ends of the room. */
static void every_number_of_rows(void **state) {
    for (int64_t row = 1; row <= 8; row++)
        for (int64_t rows = 0; rows < 200; rows += SAMPLE(61, row == 3 ? 1 : 7))
            compare_rows(*state, widths[row % 4], rows, row, rows % 3 ? 500 : 1000, row % 2,
                         "output y = t[m]; output z = t[m] + t[m];");
    static const int64_t many[] = {2731, 8192, 8193, 20000};
    for (size_t i = 0; i < SAMPLE(1, LENGTH(many)); i++)
        for (int64_t row = 2; row <= 9; row++)
            for (size_t d = 0; d < SAMPLE(1, LENGTH(densities)); d += 2)
                compare_rows(*state, WN_F32, many[i], row, densities[d], row % 2, "output y = t[m];");
}

static void every_type(void **state) {
    for (wn_type type = 0; type < WN_TYPE_COUNT; type++)
        for (int64_t row = 2; row <= 9; row += SAMPLE(5, 1))
            compare_rows(
                *state, type, 300, row, 500,
                row % 2, "output y = t[m]; output z = where(t[m] == t[m], t[m], t[m]); output k = bool(t)[m];");
}

static void masks_at_every_axis(void **state) {
    static const char *const texts[] = {
        "boolean_mask(t, m, axis=0)",     "boolean_mask(t, m, axis=1)",
        "boolean_mask(t, m, axis=2)",     "boolean_mask(t + t, m, axis=0)",
        "boolean_mask(t + t, m, axis=1)", "boolean_mask(t + t, m, axis=2)",
    };
    static const int64_t shapes[][4] = {{70, 3, 1, 2}, {3, 70, 2, 2},  {5, 6, 70, 3},
                                        {9, 1, 5, 1},  {2, 200, 4, 2}, {40, 3, 3, 5},
                                        {3, 0, 2, 2},  {3, 65, 3, 0}};
    for (size_t i = 0; i < LENGTH(texts); i++)
        for (size_t k = 0; k < LENGTH(shapes); k++)
            for (size_t d = 0; d < SAMPLE(1, LENGTH(densities)); d++) {
                store s = {.random = i * 8 + k};
                char text[200];
                store_add(&s, k % 2 ? WN_F32 : WN_U8, 4, shapes[k]);
                store_add_mask(&s, densities[d], 1, &shapes[k][i % 3]);
                snprintf(text, sizeof text, "input t: %s[?, ?, ?, %s]; input m: bool[?]; output y = %s;",
                         k % 2 ? "f32" : "u8", k == 0 || k == 1 || k == 4 ? "2" : "?", texts[i]);
                store_compare(*state, text, &s);
            }
}

/* A mask of two axes, rows of two, and values that repeat themselves from row to row. */
static void masks_and_rows_of_two_axes(void **state) {
    for (size_t d = 0; d < LENGTH(densities); d++)
        for (int64_t row = 1; row <= 3; row++) {
            store s = {.random = d};
            char text[300];
            store_add(&s, WN_F32, 4, SHAPE(21, 17, 2, row));
            store_add(&s, WN_F32, 1, SHAPE(row));
            store_add(&s, WN_F32, 3, SHAPE(17, 1, row));
            store_add_mask(&s, densities[d], 2, SHAPE(21, 17));
            snprintf(text, sizeof text,
                     "input t: f32[?, ?, 2, %s]; input c: f32[?]; input e: f32[?, 1, ?]; input m: "
                     "bool[?, ?];"
                     "output y = t[m]; output z = (t * c + e)[m]; output w = t[m] - c;",
                     row == 3 ? "3" : "?");
            store_compare(*state, text, &s);
        }
}

/* ---- Given arrays ---------------------------------------------------------------------------------------------------------- */

/* Whether a result, of any strides, is what the interpreter makes of the same. */
static void run_onto(wn_context *c, const char *text, const wn_array *in, size_t count,
                     wn_array *out, const wn_array *want, wn_isa isa) {
    char wrong[1024];
    wn_error error = {WN_OK, ""};
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isa);
    if (wn_call(k, in, count, out, 1, &error) != WN_OK)
        compare_fail(g, "given arrays", error.message);
    if (!compare_arrays(out, want, true, wrong, sizeof wrong))
        compare_fail(g, "given arrays", wrong);
    wn_kernel_free(k);
    wn_graph_free(g);
}

static wn_array interpreted(wn_context *c, const char *text, const wn_array *in, size_t count) {
    wn_array want = {0};
    wn_error error = {WN_OK, ""};
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    wn_kernel *oracle = compare_compile(g, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    assert_int_equal(wn_call(oracle, in, count, &want, 1, &error), WN_OK);
    wn_kernel_free(oracle);
    wn_graph_free(g);
    return want;
}

static void rows_onto_the_input_itself(void **state) {
    wn_context *c = *state;
    compare_isas isas = compare_available(c);
    static const char *const texts[] = {"t[m]", "boolean_mask(t, m, axis=1)"};
    for (size_t i = 0; i < isas.count; i++)
        for (int64_t row = 1; row <= 12; row++)
            for (size_t n = 0; n < 4 * LENGTH(densities); n++) {
                store s = {.random = n};
                char text[200];
                int64_t axis = (int64_t)(n & 1), shape[] = {n & 2 ? 700 : 70, n & 2 ? 30 : 65, row};
                wn_type type = widths[(n + (size_t)row) % 4];
                store_add(&s, type, 3, shape);
                store_add_mask(&s, densities[n / 4], 1, &shape[axis]);
                if (axis == 0) shape[1] *= row;
                if (axis == 0) s.arrays[0] = wn_array_of(type, s.arrays[0].data, 2, shape);
                snprintf(text, sizeof text, "input t: %s[%s]; input m: bool[?]; output y = %s;",
                         wn_type_name(type), axis ? "?, ?, ?" : "?, ?", texts[axis]);
                wn_array want = interpreted(c, text, s.arrays, 2);
                wn_array out = s.arrays[0];
                run_onto(c, text, s.arrays, 2, &out, &want, isas.list[i]);
                wn_array_free(c, &want);
                store_drop(&s);
            }
}

/* Inputs transposed and given backwards, results with gaps between their rows, or none. */
static void strides_of_all_kinds(void **state) {
    wn_context *c = *state;
    compare_isas isas = compare_available(c);
    for (size_t i = 0; i < isas.count; i++)
        for (int64_t row = 1; row <= 9; row++)
            for (int kind = 0; kind < 8; kind++) {
                store s = {.random = (uint64_t)(row + kind)};
                const char *text =
                    kind & 4 ? "input t: i32[?, ?]; input m: bool[?]; output y = t[m] * 3;"
                             : "input t: i32[?, ?]; input m: bool[?]; output y = t[m];";
                int64_t rows = 500, size = 4;
                wn_array *t = store_add(&s, WN_I32, 2, SHAPE(rows, row));
                store_add_mask(&s, 400, 1, SHAPE(rows));
                if (kind & 1) t->strides[0] = size, t->strides[1] = size * rows;
                wn_array given[2] = {*t, s.arrays[1]};
                if (kind & 2) {
                    given[0].data = (char *)t->data + (rows - 1) * t->strides[0];
                    given[0].strides[0] = -t->strides[0];
                }
                int64_t gap = kind & 1 ? 5 : 0;
                int32_t *y = calloc((size_t)(rows * (row + gap)), sizeof *y);
                assert_non_null(y);
                wn_array out = wn_array_of(WN_I32, y, 2, SHAPE(rows, row)),
                         want = interpreted(c, text, given, 2);
                out.strides[0] = size * (row + gap);
                run_onto(c, text, given, 2, &out, &want, isas.list[i]);
                free(y);
                wn_array_free(c, &want);
                store_drop(&s);
            }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_make_context, store_free_context)
#define TEST_ON_THREADS(name)                                                                      \
    { #name "_on_threads", name, store_make_context_of_threads, store_free_context, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_length_of_row),
        TEST(rows_that_are_computed),
        TEST(every_number_of_rows),
        TEST(every_type),
        TEST(masks_at_every_axis),
        TEST(masks_and_rows_of_two_axes),
        TEST(rows_onto_the_input_itself),
        TEST(strides_of_all_kinds),
        TEST_ON_THREADS(every_length_of_row),
        TEST_ON_THREADS(rows_that_are_computed),
        TEST_ON_THREADS(every_number_of_rows),
        TEST_ON_THREADS(masks_at_every_axis),
        TEST_ON_THREADS(masks_and_rows_of_two_axes),
        TEST_ON_THREADS(rows_onto_the_input_itself),
        TEST_ON_THREADS(strides_of_all_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
