/*
 * test_expand_rows.c - expand(v, m, fill) with a mask over some of the axes: every row's length, at every axis, every density, v that
 * stretches or is not contiguous, in place, on threads, and a v of another length; each for every instruction set, against unreadable pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "layouts.h"
#include "store.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int densities[] = {500, 0, 1000, 10, 990};
static const wn_type widths[] = {WN_F32, WN_U8, WN_F64, WN_BOOL, WN_I16};

/* outer x places x row elements, masked along the places. */
typedef struct block {
    int64_t outer, places, row;
} block;

static int64_t count_true(const wn_array *m) {
    const uint8_t *truths = m->data;
    int64_t count = 0;
    for (int64_t i = 0; i < compare_count(m); i++)
        count += truths[i] != 0;
    return count;
}

/* m, the fill a and a v that fits, but for the axes of `once`, by bit, on which it has length 1. */
static void add_arrays(store *s, wn_type type, block of, int density, unsigned once) {
    store_add_mask(s, density, 1, &of.places);
    int64_t shape[] = {of.outer, count_true(&s->arrays[0]), of.row};
    store_add(s, type, 3, SHAPE(of.outer, of.places, of.row));
    for (int i = 0; i < 3; i++)
        if (once >> i & 1) shape[i] = 1;
    store_add(s, type, 3, shape);
}

/* The row's length is known when compiled, or not. */
static void compare_block(wn_context *c, wn_type type, block of, int density, bool known,
                          const char *outputs) {
    store s = {.random = (uint64_t)(of.places * 31 + of.row)};
    char text[400], row[24] = "?";
    const char *t = wn_type_name(type);
    if (known) snprintf(row, sizeof row, "%d", (int)of.row);
    add_arrays(&s, type, of, density, 0);
    snprintf(text, sizeof text, "input m: bool[?]; input a: %s[?, ?, %s]; input v: %s[?, ?, %s]; %s",
             t, row, t, row, outputs);
    store_compare(c, text, &s);
}

#define EXPAND "output y = expand(v, m, a, axis=1);"

static void every_length_of_row(void **state) {
    for (int64_t row = 1; row <= 20; row++)
        for (size_t w = 0; w < LENGTH(widths); w++)
            for (size_t d = 0; d < SAMPLE(1, LENGTH(densities)); d++)
                compare_block(*state, widths[w], (block){1 + (row + (int64_t)w) % 2, 333, row},
                              densities[d], (row + (int64_t)w) % 3 == 0, EXPAND);
}

static void long_rows(void **state) {
    static const int64_t rows[] = {31, 64, 100, 511, 512, 513, 1024, 1025, 2049, 5000};
    for (size_t r = 0; r < LENGTH(rows); r++)
        for (size_t d = 0; d < SAMPLE(1, LENGTH(densities)); d++)
            compare_block(*state, widths[r % LENGTH(widths)],
                          (block){1 + (int64_t)r % 3, 5000 / rows[r] + 7, rows[r]}, densities[d],
                          r % 2, EXPAND);
}

/* Around words and blocks of rows. */
static void every_number_of_rows(void **state) {
    for (int64_t row = 1; row <= 9; row++)
        for (int64_t places = 0; places < 200; places += SAMPLE(61, row == 3 ? 1 : 7))
            compare_block(*state, widths[row % 4], (block){1 + row % 3, places, row},
                          places % 3 ? 500 : 1000, row % 2, EXPAND);
    static const int64_t many[] = {2731, 8192, 8193, 20000};
    for (size_t i = 0; i < SAMPLE(1, LENGTH(many)); i++)
        for (int64_t row = 2; row <= 9; row++)
            compare_block(*state, WN_F32, (block){1 + (int64_t)i % 2, many[i], row}, 500, row % 2,
                          EXPAND);
}

static void nothing_in_a_row(void **state) {
    static const block blocks[] = {{0, 5, 3}, {2, 0, 3}, {2, 70, 0}, {0, 0, 0}};
    for (size_t i = 0; i < LENGTH(blocks); i++)
        for (int density = 0; density <= 1000; density += 500)
            compare_block(*state, WN_F32, blocks[i], density, i % 2, EXPAND);
}

static void every_type_keeps_its_bits(void **state) {
    for (wn_type type = 0; type < WN_TYPE_COUNT; type++)
        for (int64_t row = 2; row <= 12; row += 5)
            compare_block(*state, type, (block){2, 300, row}, 500, row % 2, EXPAND);
}

static void masks_fills_and_values_that_are_computed(void **state) {
    static const char *const outputs[] = {
        "output y = expand(v, !!m, a * 2 + 1, axis=1);",
        "output y = expand(v, m, 0, axis=1);",
        "output y = expand(v * 2, m, a, axis=1) + a;",
        "output y = sum(expand(v, m, a, axis=1)); output z = a;",
        "output y = expand(expand(v, m, a, axis=1)[:, m], m, a, axis=1);",
        "output y = expand(a[:, m] * a[:, m], m, a, axis=1); output z = a[:, m];",
    };
    for (size_t i = 0; i < LENGTH(outputs); i++)
        for (int64_t row = 1; row <= 40; row += row < 9 ? 2 : 20)
            compare_block(*state, WN_F32, (block){3, 130, row}, 500, row % 2, outputs[i]);
}

/* A mask of two axes, rows of two. */
static void masks_and_rows_of_two_axes(void **state) {
    for (size_t d = 0; d < LENGTH(densities); d++)
        for (int64_t row = 1; row <= 5; row++) {
            store s = {.random = d};
            store_add_mask(&s, densities[d], 2, SHAPE(13, 11));
            store_add(&s, WN_I32, 5, SHAPE(2, 13, 11, row, 2));
            store_add(&s, WN_I32, 4, SHAPE(2, count_true(&s.arrays[0]), row, 2));
            store_compare(
                *state,
                "input m: bool[?, ?]; input a: i32[?, ?, ?, ?, ?]; input v: i32[?, ?, ?, ?]; "
                "output y = expand(v, m, a, axis=1); output z = expand(v, m, 7, axis=1);",
                &s);
        }
}

/* One, two or three axes of v are of length 1. */
static void values_that_stretch(void **state) {
    static const block blocks[] = {{2, 100, 3}, {3, 333, 1}, {1, 70, 40}, {2, 5, 1500}};
    for (size_t i = 0; i < LENGTH(blocks); i++)
        for (unsigned once = 1; once < 8; once++)
            for (int density = 300; density <= 1000; density += 700) {
                store s = {.random = i * 8 + once};
                add_arrays(&s, widths[i], blocks[i], density, once);
                char text[300];
                const char *t = wn_type_name(widths[i]);
                snprintf(text, sizeof text,
                         "input m: bool[?]; input a: %s[?, ?, ?]; input v: %s[?, ?, ?]; " EXPAND, t, t);
                store_compare(*state, text, &s);
            }
}

/* A v of fewer axes than the result: it is aligned right. */
static void values_without_the_first_axes(void **state) {
    for (int64_t row = 1; row <= 12; row += 11) {
        store s = {.random = 5};
        store_add_mask(&s, 500, 1, SHAPE(300));
        store_add(&s, WN_I16, 3, SHAPE(4, 300, row));
        store_add(&s, WN_I16, 2, SHAPE(count_true(&s.arrays[0]), row));
        store_compare(*state,
                      "input m: bool[?]; input a: i16[?, ?, ?]; input v: i16[?, ?]; " EXPAND, &s);
    }
}

/* ---- Layouts ----------------------------------------------------------------------------------------------------------- */

static void put(const wn_array *from, placed *to) {
    size_t size = wn_type_size(from->type);
    for (int64_t i = 0; i < compare_count(from); i++) {
        int64_t at = 0;
        for (int64_t axis = from->rank, rest = i; axis-- > 0; rest /= from->shape[axis])
            at += rest % from->shape[axis] * to->array.strides[axis];
        memcpy((char *)to->array.data + at, (const char *)from->data + (size_t)i * size, size);
    }
}

/* m, a, v and the result, in its own memory or in that of a. */
static void run_layouts(wn_kernel *k, const store *s, const wn_array *want, const layout l[4],
                        placement where, bool in_place) {
    placed p[4];
    wn_array in[3];
    wn_error error = {WN_OK, ""};
    for (int i = 0; i < 3; i++) {
        p[i] = layout_place(s->arrays[i].type, s->arrays[i].rank, s->arrays[i].shape, l[i], where);
        put(&s->arrays[i], &p[i]);
        in[i] = p[i].array;
    }
    p[3] = layout_place(want->type, want->rank, want->shape, l[3], where);
    wn_array *out = &p[in_place ? 1 : 3].array;
    compare_expect_ok(wn_call(k, in, 3, out, 1, &error), &error);
    compare_expect_equal(out, want, in_place ? "in place" : layout_name(l[3]));
    layout_expect_gaps(&p[in_place ? 1 : 3], out);
    for (int i = 0; i < 4; i++)
        layout_unplace(&p[i]);
}

static layout pick(size_t number) {
    static const layout writable[] = {LAYOUT_CONTIGUOUS, LAYOUT_REVERSED, LAYOUT_STEPPED,
                                      LAYOUT_PADDED, LAYOUT_TRANSPOSED};
    return writable[number % LENGTH(writable)];
}

static void compare_layouts(wn_context *c, wn_type type, block of) {
    compare_isas isas = compare_available(c);
    char text[200];
    store s = {.random = 9};
    add_arrays(&s, type, of, 500, 0);
    const char *t = wn_type_name(type);
    snprintf(text, sizeof text,
             "input m: bool[?]; input a: %s[?, ?, ?]; input v: %s[?, ?, ?]; " EXPAND, t, t);
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    wn_kernel *oracle = compare_compile(g, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    wn_array want = {0};
    wn_error error = {WN_OK, ""};
    compare_expect_ok(wn_call(oracle, s.arrays, 3, &want, 1, &error), &error);
    for (size_t i = 0; i < isas.count; i++) {
        wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
        for (size_t n = 0; n < SAMPLE(7, 50); n++)
            run_layouts(k, &s, &want, (const layout[]){pick(n / 2), pick(n / 3), pick(n), pick(n / 5)},
                        (placement)(n % PLACEMENT_COUNT), n % 4 == 3);
        wn_kernel_free(k);
    }
    wn_kernel_free(oracle);
    wn_array_free(c, &want);
    wn_graph_free(g);
    store_drop(&s);
}

static void arrays_of_every_layout_and_in_place(void **state) {
    static const block blocks[] = {{2, 65, 3}, {3, 130, 1}, {1, 200, 8},
                                   {2, 30, 9}, {2, 3, 700}, {1, 4, 3000}};
    for (size_t i = 0; i < LENGTH(blocks); i++)
        for (size_t w = 0; w < LENGTH(widths); w++)
            compare_layouts(*state, widths[w], blocks[i]);
}

/* ---- A v of another length --------------------------------------------------------------------------------------------- */

static void expect_shape_error(wn_context *c, const char *text, const store *s, const char *message) {
    static const wn_engine engines[] = {COMPARE_ENGINE, WN_ENGINE_INTERPRETER};
    for (size_t i = 0; i < 2; i++) {
        wn_kernel *k = compare_compile_text(c, text, engines[i]);
        wn_array out = {0};
        wn_error error = {WN_OK, ""};
        assert_int_equal(wn_call(k, s->arrays, s->count, &out, 1, &error), WN_ERROR_SHAPE);
        assert_string_equal(error.message, message);
        wn_kernel_free(k);
    }
}

static void values_that_do_not_fit(void **state) {
    static const int64_t rows[] = {3, 20, 0};
    const char *text = "input m: bool[?]; input a: f32[?, ?, ?]; input v: f32[?, ?, ?]; " EXPAND;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        store s = {.random = 1};
        char message[200];
        add_arrays(&s, WN_F32, (block){4, 100, rows[i]}, 500, 0);
        long long n_true = count_true(&s.arrays[0]);
        s.arrays[2].shape[1]--;
        snprintf(message, sizeof message,
                 "expand: v has %lld elements on axis 1 and the mask %lld true", n_true - 1, n_true);
        expect_shape_error(*state, text, &s, message);
        s.arrays[2].shape[1]++;
        s.arrays[2].shape[0] = 3;
        snprintf(message, sizeof message,
                 "expand: v has shape [3, %lld, %d], which does not broadcast to [4, ?, %d]",
                 n_true, (int)rows[i], (int)rows[i]);
        expect_shape_error(*state, text, &s, message);
        store_drop(&s);
    }
}

static void a_packed_axis_does_not_stretch(void **state) {
    store s = {.random = 1};
    store_add_mask(&s, 1000, 1, SHAPE(5));
    store_add(&s, WN_F32, 2, SHAPE(5, 2));
    store_add_mask(&s, 1000, 1, SHAPE(1));
    store_add(&s, WN_F32, 2, SHAPE(1, 2));
    expect_shape_error(
        *state, "input m: bool[?]; input a: f32[?, ?]; input k: bool[?]; input w: f32[?, ?]; expand(w[k], m, a)",
        &s, "expand: v has 1 element on axis 0 and the mask 5 true: a packed axis does not stretch");
    store_drop(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, store_make_context, store_free_context)
#define TEST_ON_THREADS(name)                                                                      \
    { #name "_on_threads", name, store_make_context_of_threads, store_free_context, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_length_of_row),
        TEST(long_rows),
        TEST(every_number_of_rows),
        TEST(nothing_in_a_row),
        TEST(every_type_keeps_its_bits),
        TEST(masks_fills_and_values_that_are_computed),
        TEST(masks_and_rows_of_two_axes),
        TEST(values_that_stretch),
        TEST(values_without_the_first_axes),
        TEST(arrays_of_every_layout_and_in_place),
        TEST(values_that_do_not_fit),
        TEST(a_packed_axis_does_not_stretch),
        TEST_ON_THREADS(every_length_of_row),
        TEST_ON_THREADS(long_rows),
        TEST_ON_THREADS(values_that_stretch),
        TEST_ON_THREADS(arrays_of_every_layout_and_in_place),
        TEST_ON_THREADS(values_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
