/*
 * test_interpret.c - what the interpreter does around its operations: strides, shapes that only a run
 * knows, packed axes, memory. What the operations give is test_golden.c's.
 */
#include "counted_memory.h"
#include "guard.h"
#include "values.h"

#include "graph/interpret_mask.h"
#include "graph/reduce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- Scaffolding --------------------------------------------------------------------------- */

typedef struct fixture {
    wn_context *context;
    wn_graph *g;
} fixture;

static fixture set_up(void) {
    fixture f = {wn_context_new(NULL), NULL};
    assert_non_null(f.context);
    f.g = wn_graph_new(f.context);
    assert_non_null(f.g);
    return f;
}

static void tear_down(fixture f) {
    wn_graph_free(f.g);
    wn_context_free(f.context);
}

static wn_status run(fixture f, const wn_array *inputs, wn_array *results, wn_error *error) {
    assert_string_equal(wn_graph_error(f.g), "");
    wn_graph *copy = wn_graph_copy(f.g);
    assert_non_null(copy);
    wn_status status = wn_interpret(f.context, copy, inputs, results, error);
    wn_graph_free(copy);
    return status;
}

/* Run a graph with one output and compare it. */
static void expect_result(fixture f, const wn_array *inputs, wn_type type, int rank,
                          const int64_t *shape, const void *expected) {
    wn_array result = {0};
    wn_error error = {WN_OK, ""};
    if (run(f, inputs, &result, &error) != WN_OK) fail_msg("%s", error.message);
    wn_array whole = wn_array_of(type, NULL, rank, shape);
    size_t size = wn_type_size(type);
    assert_int_equal(result.type, type);
    assert_int_equal(result.rank, rank);
    for (int i = 0; i < rank; i++) {
        assert_int_equal(result.shape[i], shape[i]);
        assert_int_equal(result.strides[i], whole.strides[i]);
        size *= (size_t)shape[i];
    }
    assert_non_null(result.data);
    assert_memory_equal(result.data, expected, size);
    wn_array_free(f.context, &result);
    tear_down(f);
}

static void expect_failure(fixture f, const wn_array *inputs, wn_status status, const char *message) {
    wn_array results[4] = {{0}};
    wn_error error = {WN_OK, ""};
    assert_int_equal(run(f, inputs, results, &error), status);
    assert_int_equal(error.status, status);
    assert_string_equal(error.message, message);
    tear_down(f);
}

#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})

/* ---- Arrays in memory ---------------------------------------------------------------------- */

static void inputs_have_any_strides_and_alignment(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_I16, WN_ANY, WN_ANY), b = wn_input(f.g, "b", WN_I16, 3);
    wn_output(f.g, "y", wn_add(x, b));
    /* x: 2 x 3, columns first and the rows backwards, at an odd address; b: one element, repeated */
    char memory[16] = {0};
    int16_t values[6] = {1, 2, 3, 4, 5, 6}, ten = 10;
    memcpy(memory + 1, values, sizeof values);
    wn_array inputs[2] = {wn_array_of(WN_I16, memory + 3, 2, SHAPE(2, 3)), wn_vector(WN_I16, &ten, 3)};
    inputs[0].strides[0] = -2;
    inputs[0].strides[1] = 4;
    inputs[1].strides[0] = 0;
    int16_t expected[6] = {12, 14, 16, 11, 13, 15};
    expect_result(f, inputs, WN_I16, 2, SHAPE(2, 3), expected);
}

static void bools_are_normalised(void **state) {
    (void)state;
    fixture f = set_up();
    wn_output(f.g, "y", wn_input(f.g, "x", WN_BOOL, WN_ANY));
    uint8_t memory[4] = {0, 1, 2, 255}, expected[4] = {0, 1, 1, 1};
    wn_array input = wn_vector(WN_BOOL, memory, 4);
    expect_result(f, &input, WN_BOOL, 1, SHAPE(4), expected);
}

static void copies_keep_nan_payloads(void **state) {
    (void)state;
    fixture f = set_up();
    wn_output(f.g, "y", wn_input(f.g, "x", WN_F32, WN_ANY));
    uint32_t memory[3] = {0x7f800001, 0xffc12345, 0x80000000};
    wn_array input = wn_vector(WN_F32, memory, 3);
    expect_result(f, &input, WN_F32, 1, SHAPE(3), memory);
}

static void blocks_meet_without_a_gap(void **state) {
    (void)state;
    enum { ROWS = 37, COLUMNS = 41 };
    fixture f = set_up();
    wn_node column = wn_input(f.g, "x", WN_I32, WN_ANY, 1), row = wn_input(f.g, "b", WN_I32, WN_ANY);
    wn_output(f.g, "y", wn_subtract(column, row));
    int32_t x[ROWS], b[COLUMNS], expected[ROWS * COLUMNS];
    for (int i = 0; i < ROWS; i++)
        x[i] = 1000 * i;
    for (int i = 0; i < COLUMNS; i++)
        b[i] = i;
    for (int i = 0; i < ROWS * COLUMNS; i++)
        expected[i] = 1000 * (i / COLUMNS) - i % COLUMNS;
    wn_array inputs[2] = {wn_array_of(WN_I32, x, 2, SHAPE(ROWS, 1)), wn_vector(WN_I32, b, COLUMNS)};
    expect_result(f, inputs, WN_I32, 2, SHAPE(ROWS, COLUMNS), expected);
}

static void an_empty_result_has_data(void **state) {
    (void)state;
    fixture f = set_up();
    wn_output(f.g, "y", wn_negative(wn_input(f.g, "x", WN_F64, WN_ANY)));
    wn_array input = wn_vector(WN_F64, NULL, 0);
    expect_result(f, &input, WN_F64, 1, SHAPE(0), "");
}

static void one_value_may_be_two_outputs(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_I8), y = wn_add(x, x);
    wn_output(f.g, "y", y);
    wn_output(f.g, "z", y);
    wn_output(f.g, "w", wn_multiply(y, x));
    int8_t three = 3;
    wn_array input = wn_scalar(WN_I8, &three), results[3] = {{0}};
    assert_int_equal(run(f, &input, results, NULL), WN_OK);
    assert_ptr_not_equal(results[0].data, results[1].data);
    assert_int_equal(*(int8_t *)results[0].data, 6);
    assert_int_equal(*(int8_t *)results[1].data, 6);
    assert_int_equal(*(int8_t *)results[2].data, 18);
    for (int i = 0; i < 3; i++)
        wn_array_free(f.context, &results[i]);
    tear_down(f);
}

static void a_literal_may_be_an_output(void **state) {
    (void)state;
    fixture f = set_up();
    wn_output(f.g, "y", wn_constant(f.g, wn_operand_int(-7)));
    int64_t expected = -7;
    expect_result(f, NULL, WN_I64, 0, NULL, &expected);
}

/* ---- Shapes that do not fit ---------------------------------------------------------------- */

static void lengths_that_do_not_broadcast(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node a = wn_input(f.g, "a", WN_F32, WN_ANY), b = wn_input(f.g, "b", WN_F32, WN_ANY);
    wn_output(f.g, "y", wn_less(a, b));
    float zeros[4] = {0};
    wn_array inputs[2] = {wn_vector(WN_F32, zeros, 3), wn_vector(WN_F32, zeros, 4)};
    expect_failure(f, inputs, WN_ERROR_SHAPE, "less: shapes [3] and [4] do not broadcast");
}

static void three_lengths_that_do_not_broadcast(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node c = wn_input(f.g, "c", WN_BOOL, WN_ANY), a = wn_input(f.g, "a", WN_I8, WN_ANY);
    wn_output(f.g, "y", wn_where(c, a, wn_input(f.g, "b", WN_I8)));
    int8_t zeros[4] = {0};
    wn_array inputs[3] = {wn_vector(WN_BOOL, zeros, 3), wn_vector(WN_I8, zeros, 4),
                          wn_scalar(WN_I8, zeros)};
    expect_failure(f, inputs, WN_ERROR_SHAPE, "where: shapes [3] and [4] do not broadcast");
}

static void a_mask_of_another_shape(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node t = wn_input(f.g, "t", WN_F32, WN_ANY, WN_ANY), m = wn_input(f.g, "m", WN_BOOL, WN_ANY);
    wn_output(f.g, "y", wn_boolean_mask(t, m));
    float zeros[4] = {0};
    wn_array inputs[2] = {wn_array_of(WN_F32, zeros, 2, SHAPE(2, 2)), wn_vector(WN_BOOL, zeros, 3)};
    expect_failure(f, inputs, WN_ERROR_SHAPE,
                   "boolean_mask: mask shape [3] does not match tensor shape [2, 2] at axis 0");
}

static void a_declared_length_is_checked(void **state) {
    (void)state;
    fixture f = set_up();
    wn_output(f.g, "y", wn_negative(wn_input(f.g, "x", WN_F32, WN_ANY, 3)));
    float zeros[8] = {0};
    wn_array input = wn_array_of(WN_F32, zeros, 2, SHAPE(2, 4));
    expect_failure(f, &input, WN_ERROR_SHAPE, "input x: shape [?, 3] expected, [2, 4] given");
}

static void an_unused_input_is_checked(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32);
    (void)wn_input(f.g, "unused", WN_I8, 2);
    wn_output(f.g, "y", x);
    float zero = 0;
    wn_array inputs[2] = {wn_scalar(WN_F32, &zero), wn_vector(WN_I8, &zero, 3)};
    expect_failure(f, inputs, WN_ERROR_SHAPE, "input unused: shape [2] expected, [3] given");
}

static void a_result_too_large_is_a_limit(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node c = wn_input(f.g, "c", WN_BOOL, WN_ANY, 1, 1), a = wn_input(f.g, "a", WN_I8, WN_ANY, 1);
    wn_output(f.g, "y", wn_where(c, a, wn_input(f.g, "b", WN_I8, WN_ANY)));
    int64_t n = 1 << 22;
    int8_t zero = 0;
    wn_array inputs[3] = {wn_array_of(WN_BOOL, &zero, 3, SHAPE(n, 1, 1)),
                          wn_array_of(WN_I8, &zero, 2, SHAPE(n, 1)), wn_vector(WN_I8, &zero, n)};
    for (int i = 0; i < 3; i++)
        inputs[i].strides[0] = 0;
    expect_failure(f, inputs, WN_ERROR_LIMIT,
                   "where: a result of shape [4194304, 4194304, 4194304] and type i8 is too large");
}

/* ---- Packed axes --------------------------------------------------------------------------- */

/* x[m] + y, where n_true is 1 or 2 and y has `length` elements. */
static fixture packed_sum(void) {
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_I8, WN_ANY), m = wn_input(f.g, "m", WN_BOOL, WN_ANY);
    wn_node packed = wn_boolean_mask(x, m);
    wn_output(f.g, "total", wn_add(packed, wn_input(f.g, "y", WN_I8, WN_ANY)));
    return f;
}

static const int8_t FIVE[5] = {10, 20, 30, 40, 50};
static const uint8_t ONE_TRUE[3] = {0, 1, 0}, TWO_TRUE[3] = {1, 0, 1}, NONE_TRUE[3] = {0, 0, 0};

static void set_packed_inputs(wn_array inputs[3], const uint8_t *mask, int64_t length) {
    static const int8_t X[3] = {1, 2, 3};
    inputs[0] = wn_vector(WN_I8, X, 3);
    inputs[1] = wn_vector(WN_BOOL, mask, 3);
    inputs[2] = wn_vector(WN_I8, FIVE, length);
}

static void a_packed_axis_does_not_stretch(void **state) {
    (void)state;
    wn_array inputs[3];
    set_packed_inputs(inputs, ONE_TRUE, 5);
    expect_failure(packed_sum(), inputs, WN_ERROR_SHAPE,
                   "add: shapes [1] and [5] do not broadcast: a packed axis does not stretch");
    set_packed_inputs(inputs, ONE_TRUE, 0);
    expect_failure(packed_sum(), inputs, WN_ERROR_SHAPE,
                   "add: shapes [1] and [0] do not broadcast: a packed axis does not stretch");
    set_packed_inputs(inputs, TWO_TRUE, 5);
    expect_failure(packed_sum(), inputs, WN_ERROR_SHAPE, "add: shapes [2] and [5] do not broadcast");
}

static void arrays_fit_beside_a_packed_axis(void **state) {
    (void)state;
    wn_array inputs[3];
    set_packed_inputs(inputs, TWO_TRUE, 2);
    expect_result(packed_sum(), inputs, WN_I8, 1, SHAPE(2), ((const int8_t[]){11, 23}));
    set_packed_inputs(inputs, TWO_TRUE, 1);
    expect_result(packed_sum(), inputs, WN_I8, 1, SHAPE(2), ((const int8_t[]){11, 13}));
    set_packed_inputs(inputs, ONE_TRUE, 1);
    expect_result(packed_sum(), inputs, WN_I8, 1, SHAPE(1), ((const int8_t[]){12}));
    set_packed_inputs(inputs, NONE_TRUE, 1);
    expect_result(packed_sum(), inputs, WN_I8, 1, SHAPE(0), "");
}

static void packed_axes_of_two_masks(void **state) {
    (void)state;
    for (int same = 0; same < 2; same++) {
        fixture f = set_up();
        wn_node x = wn_input(f.g, "x", WN_I8, WN_ANY);
        wn_node m = wn_input(f.g, "m", WN_BOOL, WN_ANY), k = wn_input(f.g, "k", WN_BOOL, WN_ANY);
        wn_node packed = wn_boolean_mask(x, m);
        wn_output(f.g, "y", wn_add(packed, wn_boolean_mask(x, k)));
        wn_array inputs[3] = {wn_vector(WN_I8, FIVE, 3), wn_vector(WN_BOOL, ONE_TRUE, 3),
                              wn_vector(WN_BOOL, same ? (const uint8_t[]){1, 0, 0} : TWO_TRUE, 3)};
        if (same) {
            expect_result(f, inputs, WN_I8, 1, SHAPE(1), ((const int8_t[]){30}));
        } else {
            expect_failure(
                f, inputs, WN_ERROR_SHAPE,
                "add: shapes [1] and [2] do not broadcast: a packed axis does not stretch");
        }
    }
}

/* ---- Reductions ---------------------------------------------------------------------------- */

static fixture parsed(const char *text) {
    fixture f = set_up();
    wn_parse(f.g, text, strlen(text));
    return f;
}

/* x[:, i, :, j] of shape [A, B, C, D], row by row as reduce.h has it, bit by bit. */
static void reduced_axes_need_not_be_neighbours(void **state) {
    (void)state;
    enum { A = 41, B = 2, C = 63, D = 3, N = A * B * C * D };
    static float x[N], row[A * C];
    static uint8_t m[A * D], selected[A * C];
    float expected[B * D];
    uint64_t random = 1, bits = 0;
    for (int i = 0; i < N; i++)
        x[i] = (float)values_below(&random, 1 << 30) / 3;
    values_fill(WN_BOOL, m, A * D, &random);
    for (int b = 0; b < B; b++)
        for (int d = 0; d < D; d++) {
            for (int i = 0; i < A * C; i++) {
                row[i] = x[((i / C * B + b) * C + i % C) * D + d];
                selected[i] = m[i / C * D + d];
            }
            reduce_state s;
            wn_reduce_begin(&s, OP_sum, WN_F32, 0);
            wn_reduce_add(&s, row, selected, A * C);
            assert_int_equal(wn_reduce_finish(&s, &bits, NULL), WN_OK);
            memcpy(&expected[b * D + d], &bits, sizeof *expected);
        }
    fixture f = parsed("input x: f32[?, ?, ?, ?]; input m: bool[?, 1, 1, ?]; "
                       "sum(x, where=m, axis=(2, 0), keepdims=true)");
    wn_array inputs[2] = {wn_array_of(WN_F32, x, 4, SHAPE(A, B, C, D)),
                          wn_array_of(WN_BOOL, m, 4, SHAPE(A, 1, 1, D))};
    expect_result(f, inputs, WN_F32, 4, SHAPE(1, B, 1, D), expected);
}

/* They are counts in the graph, whose type is another one of unsigned sums. */
static void sums_of_bools_as_numbers(void **state) {
    (void)state;
    static const bool b[6] = {true, false, true, true, true, true};
    static const struct {
        const char *sum;
        wn_type type;
        int rank;
        int64_t shape[2], expected[3];
    } rows[] = {
        {"sum(i8(b))", WN_I64, 0, {0}, {5}},
        {"sum(u32(b), axis=1)", WN_U64, 1, {2}, {2, 3}},
        {"sum(where(b, 1, 0), axis=0)", WN_I64, 1, {3}, {2, 1, 2}},
        {"sum(where(b, 0, u8(1)), axis=0, keepdims=true)", WN_U64, 2, {1, 3}, {0, 1, 0}},
        {"sum(where(!b, i16(0), 1), axis=1, initial=-7)", WN_I64, 1, {2}, {-5, -4}},
        {"sum(u16(b), where=!b, initial=3)", WN_U64, 0, {0}, {3}},
        {"sum(u16(!b), where=!b, initial=3)", WN_U64, 0, {0}, {4}},
        {"sum(where(b, 2, 0))", WN_I64, 0, {0}, {10}},
        {"sum(where(b, 1, 1))", WN_I64, 0, {0}, {6}},
        {"sum(i8(b)[b])", WN_I64, 0, {0}, {5}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f = parsed("input b: bool[?, ?];");
        wn_parse(f.g, rows[i].sum, strlen(rows[i].sum));
        wn_array input = wn_array_of(WN_BOOL, (void *)b, 2, SHAPE(2, 3));
        expect_result(f, &input, rows[i].type, rows[i].rank, rows[i].shape, rows[i].expected);
    }
}

static void where_does_not_enlarge(void **state) {
    (void)state;
    static const char text[] = "input x: i8[?, ?]; input m: bool[?]; sum(x, where=m)";
    wn_array inputs[2] = {wn_array_of(WN_I8, FIVE, 2, SHAPE(2, 1)), wn_vector(WN_BOOL, TWO_TRUE, 3)};
    expect_failure(parsed(text), inputs, WN_ERROR_SHAPE,
                   "sum: where has shape [3], which does not broadcast to [2, 1]");
    inputs[1] = wn_vector(WN_BOOL, ONE_TRUE + 1, 1);
    int64_t sum = 30;
    expect_result(parsed(text), inputs, WN_I64, 0, NULL, &sum);
}

static void a_packed_where_does_not_stretch(void **state) {
    (void)state;
    static const char text[] =
        "input x: i8[?]; input m: bool[?]; input k: bool[?]; sum(x, where=m[k])";
    wn_array inputs[3] = {wn_vector(WN_I8, FIVE, 2), wn_vector(WN_BOOL, TWO_TRUE, 3),
                          wn_vector(WN_BOOL, ONE_TRUE, 3)};
    expect_failure(parsed(text), inputs, WN_ERROR_SHAPE,
                   "sum: where has shape [1], which does not broadcast to [2]");
}

static void a_reduction_of_packed_values_checks_the_mask(void **state) {
    (void)state;
    wn_array inputs[2] = {wn_array_of(WN_I8, FIVE, 2, SHAPE(2, 2)), wn_vector(WN_BOOL, TWO_TRUE, 1)};
    expect_failure(parsed("input x: i8[?, ?]; input m: bool[?]; sum(x[:, m])"), inputs, WN_ERROR_SHAPE,
                   "boolean_mask: mask shape [1] does not match tensor shape [2, 2] at axis 1");
}

static void a_row_of_nothing_fails_where_there_is_one(void **state) {
    (void)state;
    static const char text[] = "input x: i8[?, ?]; input m: bool[?, 1]; min(x, where=m, axis=1)";
    wn_array inputs[2] = {wn_array_of(WN_I8, FIVE, 2, SHAPE(2, 2)),
                          wn_array_of(WN_BOOL, ONE_TRUE, 2, SHAPE(2, 1))};
    expect_failure(parsed(text), inputs, WN_ERROR_ARGUMENT,
                   "min: nothing is selected, and there is no initial=");
    inputs[0].shape[0] = inputs[1].shape[0] = 0;
    expect_result(parsed(text), inputs, WN_I8, 1, SHAPE(0), "");
}

/* ---- What a mask puts into an array -------------------------------------------------------- */

static void expand_wants_as_many_as_are_true(void **state) {
    (void)state;
    static const char text[] = "input v: i8[?]; input m: bool[?]; input a: i8[?]; expand(v, m, a)";
    wn_array inputs[3] = {wn_vector(WN_I8, FIVE, 5), wn_vector(WN_BOOL, TWO_TRUE, 3),
                          wn_vector(WN_I8, FIVE, 3)};
    expect_failure(parsed(text), inputs, WN_ERROR_SHAPE,
                   "expand: v has 5 elements on axis 0 and the mask 2 true");
    inputs[0].shape[0] = 1;
    expect_result(parsed(text), inputs, WN_I8, 1, SHAPE(3), ((const int8_t[]){10, 20, 10}));
    inputs[2].shape[0] = 4;
    expect_failure(parsed(text), inputs, WN_ERROR_SHAPE,
                   "expand: mask shape [3] does not match tensor shape [4] at axis 0");
}

static void packed_values_do_not_stretch_into_expand(void **state) {
    (void)state;
    static const char text[] =
        "input x: i8[?]; input m: bool[?]; input k: bool[?]; expand(x[m], k, 0)";
    wn_array inputs[3] = {wn_vector(WN_I8, FIVE, 3), wn_vector(WN_BOOL, ONE_TRUE, 3),
                          wn_vector(WN_BOOL, TWO_TRUE, 3)};
    expect_failure(
        parsed(text), inputs, WN_ERROR_SHAPE,
        "expand: v has 1 element on axis 0 and the mask 2 true: a packed axis does not stretch");
    inputs[2].data = inputs[1].data;
    expect_result(parsed(text), inputs, WN_I8, 1, SHAPE(3), ((const int8_t[]){0, 20, 0}));
}

static void expand_checks_the_other_axes(void **state) {
    (void)state;
    wn_array inputs[3] = {wn_array_of(WN_I8, FIVE, 2, SHAPE(2, 2)), wn_vector(WN_BOOL, TWO_TRUE, 3),
                          wn_array_of(WN_I8, FIVE, 2, SHAPE(3, 1))};
    expect_failure(
        parsed("input v: i8[?, ?]; input m: bool[?]; input a: i8[?, ?]; expand(v, m, a)"), inputs,
        WN_ERROR_SHAPE, "expand: v has shape [2, 2], which does not broadcast to [?, 1]");
}

static void place_needs_something_to_place(void **state) {
    (void)state;
    wn_array inputs[3] = {wn_vector(WN_I8, FIVE, 3), wn_vector(WN_BOOL, TWO_TRUE, 3),
                          wn_vector(WN_I8, NULL, 0)};
    static const char text[] = "input a: i8[?]; input m: bool[?]; input v: i8[?]; place(a, m, v)";
    expect_failure(parsed(text), inputs, WN_ERROR_SHAPE, "place: v is empty and the mask has 2 true");
    inputs[1].data = (void *)(uintptr_t)NONE_TRUE;
    expect_result(parsed(text), inputs, WN_I8, 1, SHAPE(3), FIVE);
    inputs[1].shape[0] = 2;
    expect_failure(parsed(text), inputs, WN_ERROR_SHAPE,
                   "place: mask shape [2] does not match tensor shape [3] at axis 0");
}

static void compress_says_where_its_condition_is_too_long(void **state) {
    (void)state;
    wn_array inputs[2] = {wn_vector(WN_BOOL, TWO_TRUE, 3), wn_array_of(WN_I8, FIVE, 2, SHAPE(2, 2))};
    expect_failure(parsed("input c: bool[?]; input t: i8[?, ?]; compress(c, t, axis=-1)"), inputs,
                   WN_ERROR_SHAPE,
                   "compress: the condition has 3 elements, true at 2, and axis 1 has length 2");
}

/* Views of larger arrays, backwards, and a mask of any bytes; the result in the very array. */
static void masks_run_over_any_strides_and_in_place(void **state) {
    (void)state;
    enum { N = 1200 };
    static int16_t a[3 * N], expected[3 * N], v[5] = {-1, 9, -2, 9, -3};
    static uint8_t m[2 * N];
    for (int o = 0; o < 2; o++) {
        uint64_t random = 1;
        values_fill(WN_BOOL, m, 2 * N, &random);
        for (int i = 0; i < 3 * N; i++)
            a[i] = expected[i] = (int16_t)i;
        for (int i = 0, j = 0; i < N; i++)
            if (m[2 * i]) expected[3 * (N - 1 - i)] = v[(o ? i : j++) % 3 * 2];
        wn_array array = wn_array_of(WN_I16, a + 3 * (N - 1), 2, SHAPE(N / 4, 4));
        wn_array mask = wn_array_of(WN_BOOL, m, 2, array.shape), values = wn_vector(WN_I16, v, 3);
        array.strides[0] = -24;
        array.strides[1] = -6;
        mask.strides[0] = 8;
        mask.strides[1] = 2;
        values.strides[0] = 4;
        mask_operation operation = {.op = o ? OP_putmask : OP_place, .args = {&array, &mask, &values}};
        int rank;
        int64_t shape[WN_MAX_RANK];
        assert_int_equal(wn_mask_shape(&operation, &rank, shape, NULL), WN_OK);
        assert_int_equal(rank, 2);
        assert_memory_equal(shape, array.shape, 2 * sizeof *shape);
        wn_mask_run(&operation, &array);
        assert_memory_equal(a, expected, sizeof a);
    }
}

/* The mask is the caller's, and may have another number of true elements when it is read again: nothing outside v is read. */
static void masks_may_change_after_they_were_counted(void **state) {
    (void)state;
    enum { N = 5000, ROOM = 100 };
    static const op ops[] = {OP_expand, OP_place, OP_putmask, OP_boolean_mask};
    static uint8_t m[N];
    static int32_t a[N], result[N];
    guard v, packed;
    guard_new(&v, ROOM * sizeof *a);
    guard_new(&packed, ROOM * sizeof *a);
    guard_place(&packed, AT_END, 0);
    for (size_t i = 0; i < 4 * sizeof ops / sizeof *ops; i++) {
        int64_t before = i % 4 < 2 ? ROOM : 0; /* true at first, and then */
        size_t after = i % 2 ? N : 0;
        wn_array array = wn_vector(WN_I32, a, N), mask = wn_vector(WN_BOOL, m, N), out = array;
        wn_array values =
            wn_vector(WN_I32, guard_place(&v, AT_END, (size_t)before * sizeof *a), before);
        mask_operation operation = {.op = ops[i / 4], .args = {&array, &mask, &values}};
        if (operation.op == OP_expand) operation.args[0] = &values, operation.args[2] = &array;
        int rank;
        int64_t shape[WN_MAX_RANK];
        memset(m, 0, N);
        memset(m, 1, (size_t)before);
        assert_int_equal(wn_mask_shape(&operation, &rank, shape, NULL), WN_OK);
        out.data = result;
        if (operation.op == OP_boolean_mask)
            out = wn_vector(WN_I32, guard_place(&packed, AT_END, (size_t)shape[0] * sizeof *a),
                            shape[0]);
        memset(m, 0, N);
        memset(m, 1, after);
        wn_mask_run(&operation, &out);
        assert_true(guard_intact(&v) && guard_intact(&packed));
    }
    guard_free(&v);
    guard_free(&packed);
}

/* ---- Memory -------------------------------------------------------------------------------- */

/* Every allocation of a run fails once: each time there is a status, and nothing is left behind. */
static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    counted_memory counted = {-1, 0};
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = &counted};
    fixture f = {wn_context_new(&options), NULL};
    assert_non_null(f.context);
    f.g = wn_graph_new(f.context);
    wn_node x = wn_input(f.g, "x", WN_I8, WN_ANY), m = wn_input(f.g, "m", WN_BOOL, WN_ANY);
    wn_node y = wn_add(wn_boolean_mask(x, m), 1);
    wn_output(f.g, "y", y);
    wn_output(f.g, "again", y);
    wn_output(f.g, "places", wn_nonzero(m));
    wn_output(f.g, "sum", wn_reduce(WN_REDUCE_SUM, y, NULL));
    wn_output(f.g, "back", wn_expand(y, m, x));
    wn_graph *copy = wn_graph_copy(f.g);
    assert_non_null(copy);
    wn_array inputs[2] = {wn_vector(WN_I8, FIVE, 3), wn_vector(WN_BOOL, TWO_TRUE, 3)},
             results[5] = {{0}};
    int64_t before = counted.live;
    int failures = 0;
    for (wn_status status = WN_ERROR_MEMORY; status != WN_OK; failures++) {
        wn_error error = {WN_OK, ""};
        counted.until_failure = failures;
        status = wn_interpret(f.context, copy, inputs, results, &error);
        assert_int_equal(status, error.status);
        if (status == WN_OK) break;
        assert_int_equal(status, WN_ERROR_MEMORY);
        assert_int_equal(counted.live, before);
    }
    assert_true(failures > 5);
    counted.until_failure = -1;
    for (int i = 0; i < 5; i++)
        wn_array_free(f.context, &results[i]);
    assert_int_equal(counted.live, before);
    wn_graph_free(copy);
    tear_down(f);
    assert_int_equal(counted.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_have_any_strides_and_alignment),
        cmocka_unit_test(bools_are_normalised),
        cmocka_unit_test(copies_keep_nan_payloads),
        cmocka_unit_test(blocks_meet_without_a_gap),
        cmocka_unit_test(an_empty_result_has_data),
        cmocka_unit_test(one_value_may_be_two_outputs),
        cmocka_unit_test(a_literal_may_be_an_output),
        cmocka_unit_test(lengths_that_do_not_broadcast),
        cmocka_unit_test(three_lengths_that_do_not_broadcast),
        cmocka_unit_test(a_mask_of_another_shape),
        cmocka_unit_test(a_declared_length_is_checked),
        cmocka_unit_test(an_unused_input_is_checked),
        cmocka_unit_test(a_result_too_large_is_a_limit),
        cmocka_unit_test(a_packed_axis_does_not_stretch),
        cmocka_unit_test(arrays_fit_beside_a_packed_axis),
        cmocka_unit_test(packed_axes_of_two_masks),
        cmocka_unit_test(reduced_axes_need_not_be_neighbours),
        cmocka_unit_test(sums_of_bools_as_numbers),
        cmocka_unit_test(where_does_not_enlarge),
        cmocka_unit_test(a_packed_where_does_not_stretch),
        cmocka_unit_test(a_reduction_of_packed_values_checks_the_mask),
        cmocka_unit_test(a_row_of_nothing_fails_where_there_is_one),
        cmocka_unit_test(expand_wants_as_many_as_are_true),
        cmocka_unit_test(packed_values_do_not_stretch_into_expand),
        cmocka_unit_test(expand_checks_the_other_axes),
        cmocka_unit_test(place_needs_something_to_place),
        cmocka_unit_test(compress_says_where_its_condition_is_too_long),
        cmocka_unit_test(masks_run_over_any_strides_and_in_place),
        cmocka_unit_test(masks_may_change_after_they_were_counted),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
