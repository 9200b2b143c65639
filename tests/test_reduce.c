/*
 * test_reduce.c - a row of a reduction: every kind, type and length, against the elementwise operations one element after another;
 * float sums against a tree that is written as a recursion, bit by bit, and against exact sums.
 */
#include "graph/reduce.h"
#include "compare.h"
#include "values.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { LONGEST = 40000, LEAF = 2048 };

static const int64_t LENGTHS[] = {1023, 1024, 1025, 2047, 2048, 2049, 2050, 5000, 8191, 8193};
enum { SHORT_LENGTHS = 71, LENGTH_COUNT = SHORT_LENGTHS + sizeof LENGTHS / sizeof *LENGTHS };

static int64_t length_number(size_t i) {
    return i < SHORT_LENGTHS ? (int64_t)i : LENGTHS[i - SHORT_LENGTHS];
}

/* ---- Rows ---------------------------------------------------------------------------------------------------------- */

typedef struct row {
    op o;
    wn_type type;
    uint64_t bits;
    const void *values;
    const uint8_t *selected; /* or NULL */
    int64_t n;
} row;

static bool takes(op o, wn_type type) {
    bool wide = type == WN_I64 || type == WN_U64, real = type == WN_F32 || type == WN_F64;
    switch ((int)o) {
    case OP_count:
    case OP_any:
    case OP_all: return type == WN_BOOL;
    case OP_sum:
    case OP_prod:
    case OP_mean: return wide || real;
    default: return type_is_integer(type) || real;
    }
}

static bool is_selected(const row *r, int64_t i) {
    return !r->selected || r->selected[i];
}

static const void *element(const row *r, int64_t i) {
    return (const char *)r->values + (size_t)i * wn_type_size(r->type);
}

static wn_status reduce(const row *r, uint64_t *bits) {
    reduce_state s;
    wn_reduce_begin(&s, r->o, r->type, r->bits);
    wn_reduce_add(&s, r->values, r->selected, r->n);
    assert_int_equal(s.places, r->n);
    return wn_reduce_finish(&s, bits, NULL);
}

static void expect(const row *r, uint64_t actual, uint64_t expected, const char *how) {
    wn_type type = r->o == OP_mean && r->type != WN_F32 ? WN_F64 : r->type;
    bool number = r->o != OP_argmin && r->o != OP_argmax && type_is_float(type);
    if (actual == expected) return;
    if (number && compare_is_nan(type, actual) && compare_is_nan(type, expected)) return;
    fail_msg("%s of %" PRId64 " %s%s, %s: %#" PRIx64 ", not %#" PRIx64, wn_op_row(r->o)->name, r->n,
             wn_type_name(r->type), r->selected ? ", masked" : "", how, actual, expected);
}

/* A mask of one of four kinds: NULL, random (any byte but 0 is true), nothing, one place. */
enum { MASK_KINDS = 4 };
static const uint8_t *make_mask(int kind, uint8_t *mask, int64_t n, uint64_t *random) {
    if (kind == 0) return NULL;
    values_fill(WN_BOOL, mask, n, random);
    if (kind > 1) memset(mask, 0, (size_t)n);
    if (kind == 3 && n) mask[values_below(random, (uint64_t)n)] = 0x80;
    return mask;
}

/* ---- One element after another ------------------------------------------------------------------------------------- */

static uint64_t apply(op o, wn_type type, uint64_t a, const void *b) {
    const void *args[2] = {&a, b};
    uint64_t result = 0;
    wn_interpret_op(o, type, type, args, &result, 1);
    return result;
}

static bool is_nan(wn_type type, uint64_t bits) {
    return type_is_float(type) && compare_is_nan(type, bits);
}

/* What the order of elements does not change. WN_ERROR_ARGUMENT: of nothing. */
static wn_status one_by_one(const row *r, uint64_t *bits) {
    static const uint8_t STEP[OP_end_] = {
        [OP_sum] = OP_add, [OP_mean] = OP_add, [OP_prod] = OP_multiply, [OP_min] = OP_minimum, [OP_max] = OP_maximum};
    bool is_arg = r->o == OP_argmin || r->o == OP_argmax;
    int64_t count = 0, trues = 0, place = 0;
    uint64_t value = 0;
    for (int64_t i = 0; i < r->n; i++) {
        if (!is_selected(r, i)) continue;
        uint64_t x = values_load(r->type, r->values, i);
        if (is_arg) {
            op better = r->o == OP_argmin ? OP_less : OP_greater;
            uint64_t wins = apply(better, r->type, x, &value) & 1;
            if (count == 0 || (!is_nan(r->type, value) && (is_nan(r->type, x) || wins))) {
                value = x;
                place = r->bits & REDUCE_PACKED ? count : i;
            }
        } else if (r->type == WN_BOOL) {
            trues += x != 0;
        } else {
            value = count ? apply((op)STEP[r->o], r->type, value, element(r, i)) : x;
        }
        count++;
    }
    switch ((int)r->o) {
    case OP_count: *bits = (uint64_t)trues; return WN_OK;
    case OP_any: *bits = trues > 0; return WN_OK;
    case OP_all: *bits = trues == count; return WN_OK;
    case OP_mean:
        *bits = values_of_double(WN_F64, (double)(int64_t)value / (double)count);
        return WN_OK;
    default: break;
    }
    *bits = is_arg ? (uint64_t)place : value;
    if (count) return WN_OK;
    *bits = wn_reduction_identity(r->o, r->type);
    return r->o == OP_sum || r->o == OP_prod ? WN_OK : WN_ERROR_ARGUMENT;
}

static bool is_ordered(op o, wn_type type) { /* the order of additions matters */
    return type_is_float(type) && (o == OP_sum || o == OP_prod || o == OP_mean);
}

static void what_has_no_order_equals_one_by_one(void **state) {
    (void)state;
    uint64_t random = 1, values[LONGEST];
    uint8_t mask[LONGEST];
    for (int o = OP_first_reduction_; o < OP_first_elementwise_; o++)
        for (wn_type type = WN_BOOL; type <= WN_F64; type++)
            for (size_t i = 0; takes((op)o, type) && !is_ordered((op)o, type) && i < LENGTH_COUNT; i++)
                for (int kind = 0; kind < MASK_KINDS; kind++) {
                    row r = {(op)o, type, 0, values, NULL, length_number(i)};
                    values_fill(type, values, r.n, &random);
                    r.selected = make_mask(kind, mask, r.n, &random);
                    if (o == OP_argmin || o == OP_argmax) r.bits = i % 2 ? REDUCE_PACKED : 0;
                    uint64_t bits = 0, expected = 0;
                    wn_status status = one_by_one(&r, &expected);
                    assert_int_equal(reduce(&r, &bits), status);
                    if (status == WN_OK) expect(&r, bits, expected, "one by one");
                }
}

/* Random elements hold a NaN almost always; these never do, and often hold equal ones and zeros of both signs. */
static void few_different_elements_have_a_first(void **state) {
    (void)state;
    uint64_t random = 2, values[3000];
    uint8_t mask[3000];
    for (int o = OP_min; o <= OP_argmax; o++)
        for (wn_type type = WN_I8; type <= WN_F64; type++)
            for (int round = 0; takes((op)o, type) && round < 200; round++) {
                row r = {(op)o,  type, round % 4 < 2 ? 0 : REDUCE_PACKED,
                         values, NULL, 1 + 14 * round};
                for (int64_t i = 0; i < r.n; i++) {
                    double v = values_below(&random, 300) ? 1 : 0;
                    if (round % 5 == 0) v *= 2;
                    if (type_is_float(type) && values_below(&random, 2)) v = -v;
                    if ((o == OP_max || o == OP_argmax) && v > 0) v = -v;
                    if ((o == OP_min || o == OP_argmin) && v < 0) v = -v;
                    if (round % 7 == 0 && type_is_float(type))
                        v = o == OP_max || o == OP_argmax ? -INFINITY : INFINITY;
                    if (type >= WN_U8 && type <= WN_U64 && v < 0) v = -v;
                    values_store(type, values, i, values_of_double(type, v));
                }
                r.selected = make_mask(round % 2, mask, r.n, &random);
                uint64_t bits = 0, expected = 0;
                wn_status status = one_by_one(&r, &expected);
                assert_int_equal(reduce(&r, &bits), status);
                if (status == WN_OK) expect(&r, bits, expected, "one by one");
            }
}

/* ---- The tree ------------------------------------------------------------------------------------------------------ */

/*
 * `count` leaves from `first` on: the greatest power of two of them, joined with the rest; a power of two is two halves.
 * An element that is not there, or not selected, is the identity.
 */
#define TREE(T, LANES)                                                                                \
    static T join_##T(op o, T a, T b) {                                                               \
        return o == OP_prod ? a * b : a + b;                                                          \
    }                                                                                                 \
    static void tree_##T(const row *r, int64_t first, int64_t count, T *lane) {                       \
        T identity = r->o == OP_prod ? 1 : 0, right[LANES];                                           \
        for (int j = 0; j < LANES; j++)                                                               \
            lane[j] = identity;                                                                       \
        if (count == 1)                                                                               \
            for (int64_t i = LEAF * first; i < LEAF * (first + 1) && i < r->n; i++)                   \
                lane[i % LANES] = join_##T(r->o, lane[i % LANES],                                     \
                                           is_selected(r, i) ? ((const T *)r->values)[i] : identity); \
        if (count < 2) return;                                                                        \
        int64_t left = 1;                                                                             \
        while (2 * left < count)                                                                      \
            left *= 2;                                                                                \
        tree_##T(r, first, left, lane);                                                               \
        tree_##T(r, first + left, count - left, right);                                               \
        for (int j = 0; j < LANES; j++)                                                               \
            lane[j] = join_##T(r->o, lane[j], right[j]);                                              \
    }                                                                                                 \
    static T sum_##T(const row *r) {                                                                  \
        T lane[LANES], selected = 0;                                                                  \
        tree_##T(r, 0, (r->n + LEAF - 1) / LEAF, lane);                                               \
        for (int h = LANES / 2; h > 0; h /= 2)                                                        \
            for (int j = 0; j < h; j++)                                                               \
                lane[j] = join_##T(r->o, lane[j], lane[j + h]);                                       \
        for (int64_t i = 0; i < r->n; i++)                                                            \
            selected += is_selected(r, i);                                                            \
        return r->o == OP_mean ? lane[0] / selected : lane[0];                                        \
    }
TREE(float, 64)
TREE(double, 32)

static uint64_t by_recursion(const row *r) {
    return values_of_double(r->type, r->type == WN_F32 ? (double)sum_float(r) : sum_double(r));
}

/* Of sizes that make every rounding count; near 1 for products. */
static void fill_numbers(wn_type type, op o, void *values, int64_t n, uint64_t *random) {
    for (int64_t i = 0; i < n; i++) {
        double v = (double)values_below(random, 1 << 30) / (1 << 30) - (o == OP_prod ? -.5 : .5);
        if (o != OP_prod) v *= (double)(1 << values_below(random, 12));
        values_store(type, values, i, values_of_double(type, v));
    }
}

static void check_tree(op o, wn_type type, int64_t n, uint64_t *random) {
    static uint64_t values[LONGEST];
    static uint8_t mask[LONGEST];
    for (int kind = 0; kind < MASK_KINDS; kind++) {
        row r = {o, type, 0, values, NULL, n};
        fill_numbers(type, o, values, n, random);
        r.selected = make_mask(kind, mask, n, random);
        uint64_t bits = 0;
        assert_int_equal(reduce(&r, &bits), WN_OK);
        expect(&r, bits, by_recursion(&r), "by recursion");
    }
}

static void float_sums_are_the_tree(void **state) {
    (void)state;
    uint64_t random = 3;
    for (op o = OP_sum; o <= OP_mean; o++)
        for (wn_type type = WN_F32; type <= WN_F64; type++) {
            for (size_t i = 0; i < LENGTH_COUNT; i++)
                check_tree(o, type, length_number(i), &random);
            for (int64_t leaves = 1; leaves < 20; leaves++)
                check_tree(o, type, leaves * LEAF - 100, &random);
        }
}

/* NaN, infinities and zeros of both signs come through like the others; a sum of -0 alone is +0. */
static void special_values_are_summed(void **state) {
    (void)state;
    uint64_t random = 4, values[2100];
    for (op o = OP_sum; o <= OP_mean; o++)
        for (wn_type type = WN_F32; type <= WN_F64; type++)
            for (int64_t n = 0; n < 2100; n = 2 * n + 1) {
                row r = {o, type, 0, values, NULL, n};
                uint64_t bits = 0;
                values_fill(type, values, n, &random);
                assert_int_equal(reduce(&r, &bits), WN_OK);
                expect(&r, bits, by_recursion(&r), "special values");
                for (int64_t i = 0; i < n; i++)
                    values_store(type, values, i, values_of_double(type, -0.0));
                assert_int_equal(reduce(&r, &bits), WN_OK);
                if (o == OP_sum) assert_int_equal(bits, 0);
            }
}

/* Of what a mean of them may be taken of: integers, and the floats that they would be converted to. */
static void means_of_narrow_integers_are_those_of_floats(void **state) {
    (void)state;
    static const wn_type types[] = {WN_BOOL, WN_I8, WN_U8, WN_I16, WN_U16};
    static uint64_t values[LONGEST], integers[LONGEST];
    static double floats[LONGEST];
    static uint8_t mask[LONGEST];
    uint64_t random = 7;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (size_t i = 0; i < LENGTH_COUNT; i++)
            for (int kind = 0; kind < MASK_KINDS; kind++) {
                wn_type wide = types[t] == WN_U8 || types[t] == WN_U16 ? WN_U64 : WN_I64;
                row r = {OP_mean, WN_F64, 0, floats, NULL, length_number(i)}, s = r;
                const void *from = values;
                values_fill(types[t], values, r.n, &random);
                wn_interpret_op(OP_cast, types[t], WN_F64, &from, floats, (size_t)r.n);
                wn_interpret_op(OP_cast, types[t], wide, &from, integers, (size_t)r.n);
                r.selected = s.selected = make_mask(kind, mask, r.n, &random);
                s.type = wide;
                s.values = integers;
                uint64_t expected = 0, bits = 0;
                assert_int_equal(reduce(&r, &expected), WN_OK);
                assert_int_equal(reduce(&s, &bits), WN_OK);
                expect(&s, bits, expected, wn_type_name(types[t]));
            }
}

/* The integers of f64 are exact, and so is their sum: how far a sum of f32 is from it. */
static void float_sums_are_near_the_exact_sum(void **state) {
    (void)state;
    enum { N = 20000 };
    static float values[N];
    uint64_t random = 5, bits = 0;
    double exact = 0, magnitude = 0;
    for (int i = 0; i < N; i++) {
        values[i] = (float)((int64_t)values_below(&random, 1 << 25) - (1 << 24));
        exact += values[i];
        magnitude += fabs((double)values[i]);
    }
    row r = {OP_sum, WN_F32, 0, values, NULL, N};
    assert_int_equal(reduce(&r, &bits), WN_OK);
    double error = fabs(wn_constant_value(WN_F32, bits) - exact);
    int depth = 32 + 4 + 6; /* roundings on the way of one element: rows, leaves, halves */
    assert_true(error > 0); /* else the bound shows nothing */
    assert_true(error <= depth * 0x1p-24 * magnitude);
}

/* ---- Pieces and parts ---------------------------------------------------------------------------------------------- */

static void fill_any(const row *r, void *values, uint64_t *random) {
    if (r->n % 3 == 0)
        for (int64_t i = 0; i < r->n; i++)
            values_store(r->type, values, i, wn_reduction_identity(r->o, r->type));
    else if (is_ordered(r->o, r->type))
        fill_numbers(r->type, r->o, values, r->n, random);
    else
        values_fill(r->type, values, r->n, random);
}

static void feed(reduce_state *s, const row *r, int64_t from, int64_t to) {
    wn_reduce_add(s, element(r, from), r->selected ? r->selected + from : NULL, to - from);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void in_pieces(const row *r, reduce_state *s, uint64_t *random) {
    wn_reduce_begin(s, r->o, r->type, r->bits);
    for (int64_t at = 0, to; at < r->n; at = to) {
        to = least(r->n, at + REDUCE_LEAF * (int64_t)values_below(random, 4));
        feed(s, r, at, to);
    }
}

/* Parts of 2^k leaves. */
static void in_parts(const row *r, reduce_state *s, int k) {
    wn_reduce_begin(s, r->o, r->type, r->bits);
    for (int64_t at = 0, size = (int64_t)REDUCE_LEAF << k; at < r->n; at += size) {
        reduce_state part;
        wn_reduce_begin(&part, r->o, r->type, r->bits);
        feed(&part, r, at, least(r->n, at + size));
        wn_reduce_merge(s, &part);
    }
}

static void check_parts(const row *r, uint64_t *random) {
    uint64_t whole = 0, bits = 0;
    wn_status status = reduce(r, &whole);
    for (int k = -1; k < 4; k++) {
        reduce_state s;
        k < 0 ? in_pieces(r, &s, random) : in_parts(r, &s, k);
        assert_int_equal(s.places, r->n);
        assert_int_equal(wn_reduce_finish(&s, &bits, NULL), status);
        if (status == WN_OK) expect(r, bits, whole, k < 0 ? "in pieces" : "in parts");
    }
}

static void pieces_and_parts_equal_the_whole(void **state) {
    (void)state;
    static uint64_t values[LONGEST];
    static uint8_t mask[LONGEST];
    uint64_t random = 6;
    for (int o = OP_first_reduction_; o < OP_first_elementwise_; o++)
        for (wn_type type = WN_BOOL; type <= WN_F64; type++)
            for (int round = 0; takes((op)o, type) && round < 12; round++) {
                row r = {(op)o, type, round / MASK_KINDS % 2 ? REDUCE_PACKED : 0, values, NULL, 0};
                r.n = (int64_t)values_below(&random, LONGEST);
                fill_any(&r, values, &random);
                r.selected = make_mask(round % MASK_KINDS, mask, r.n, &random);
                check_parts(&r, &random);
            }
}

/* ---- Nothing ------------------------------------------------------------------------------------------------------- */

static void expect_nothing(op o, wn_type type, uint64_t bits, const char *message) {
    reduce_state s;
    uint64_t result = 0;
    wn_error error = {WN_OK, ""};
    wn_reduce_begin(&s, o, type, bits);
    assert_int_equal(wn_reduce_finish(&s, &result, &error), WN_ERROR_ARGUMENT);
    assert_string_equal(error.message, message);
}

static void of_nothing(void **state) {
    (void)state;
    expect_nothing(OP_min, WN_I8, 0, "min: nothing is selected, and there is no initial=");
    expect_nothing(OP_max, WN_F32, REDUCE_PACKED, "max: nothing is selected, and there is no initial=");
    expect_nothing(OP_argmin, WN_F64, 0, "argmin: nothing is selected");
    expect_nothing(OP_argmax, WN_U64, 0, "argmax: nothing is selected");
    uint64_t bits = 0;
    for (int o = OP_first_reduction_; o < OP_argmin; o++)
        for (wn_type type = WN_BOOL; type <= WN_F64; type++) {
            if (!takes((op)o, type)) continue;
            row r = {(op)o, type, REDUCE_NEUTRAL, "", NULL, 0};
            assert_int_equal(reduce(&r, &bits), WN_OK);
            uint64_t expected = o == OP_all    ? 1
                                : o == OP_mean ? values_of_double(type == WN_F32 ? type : WN_F64, NAN)
                                               : wn_reduction_identity((op)o, type);
            expect(&r, bits, expected, "of nothing");
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_order_equals_one_by_one),
        cmocka_unit_test(few_different_elements_have_a_first),
        cmocka_unit_test(float_sums_are_the_tree),
        cmocka_unit_test(special_values_are_summed),
        cmocka_unit_test(means_of_narrow_integers_are_those_of_floats),
        cmocka_unit_test(float_sums_are_near_the_exact_sum),
        cmocka_unit_test(pieces_and_parts_equal_the_whole),
        cmocka_unit_test(of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
