/*
 * test_number.c - 16-bit floats and decimals, against formulations that share nothing with number.c:
 * neighbours and midpoints as doubles for rounding, the C library's strtod and printf for decimals.
 */
#include "graph/graph.h"
#include "values.h"

#include <fenv.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- 16-bit floats ------------------------------------------------------------------------- */

typedef struct half_format {
    wn_type type;
    int fraction, exponent_bits;
    float (*to_f32)(uint16_t);
    uint16_t (*from_f32)(float);
    uint16_t (*from_f64)(double);
    uint16_t (*from_i64)(int64_t);
    uint16_t (*from_u64)(uint64_t);
} half_format;

static const half_format HALVES[] = {
    {WN_F16, 10, 5, wn_f16_to_f32, wn_f32_to_f16, wn_f64_to_f16, wn_i64_to_f16, wn_u64_to_f16},
    {WN_BF16, 7, 8, wn_bf16_to_f32, wn_f32_to_bf16, wn_f64_to_bf16, wn_i64_to_bf16, wn_u64_to_bf16},
};

static uint16_t infinity(const half_format *h) {
    return (uint16_t)(((1 << h->exponent_bits) - 1) << h->fraction);
}

/* The value of a finite one's magnitude, from the definition of the format. */
static double value_of(const half_format *h, uint16_t bits) {
    int biased = bits >> h->fraction, fraction = bits & ((1 << h->fraction) - 1);
    int bias = (1 << (h->exponent_bits - 1)) - 1;
    if (biased) fraction += 1 << h->fraction;
    return ldexp(fraction, (biased ? biased : 1) - bias - h->fraction);
}

static void expect_bits(const half_format *h, uint16_t actual, uint16_t expected, double from) {
    if (actual == expected) return;
    fail_msg("%s of %a is %04x, not %04x", wn_type_name(h->type), from, actual, expected);
}

static void all_values_widen_and_come_back(void **state) {
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const half_format *h = &HALVES[k];
        for (uint32_t b = 0; b < 65536; b++) {
            uint16_t bits = (uint16_t)b, magnitude = bits & 0x7fff;
            float f = h->to_f32(bits);
            double d = wn_constant_value(h->type, bits);
            assert_int_equal(!!signbit(f), bits >> 15);
            assert_int_equal(!!signbit(d), bits >> 15);
            if (magnitude > infinity(h)) {
                uint16_t quiet = (uint16_t)(bits | 1 << (h->fraction - 1));
                assert_true(isnan(f) && isnan(d));
                expect_bits(h, h->from_f32(f), quiet, d);
                expect_bits(h, h->from_f64(d), quiet, d);
                continue;
            }
            double exact = magnitude == infinity(h) ? INFINITY : value_of(h, magnitude);
            assert_true(fabs(d) == exact && fabs((double)f) == exact);
            expect_bits(h, h->from_f32(f), bits, d);
            expect_bits(h, h->from_f64(d), bits, d);
        }
    }
}

/* Halfway between two neighbours goes to the even one; the least step off it, to the nearer one. */
static void rounding_turns_at_midpoints(void **state) {
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const half_format *h = &HALVES[k];
        for (uint16_t low = 0; low < infinity(h); low++) {
            uint16_t high = (uint16_t)(low + 1), even = low & 1 ? high : low;
            /* Above the greatest lies what would be the next power of two. */
            double next = high < infinity(h) ? value_of(h, high)
                                             : 2 * value_of(h, (uint16_t)(high - (1 << h->fraction)));
            double middle = (value_of(h, low) + next) / 2;
            expect_bits(h, h->from_f64(middle), even, middle);
            expect_bits(h, h->from_f64(nextafter(middle, 0)), low, middle);
            expect_bits(h, h->from_f64(nextafter(middle, INFINITY)), high, middle);
            expect_bits(h, h->from_f64(-middle), even | 0x8000, -middle);
            expect_bits(h, h->from_f64(nextafter(-middle, -INFINITY)), high | 0x8000, -middle);
            expect_bits(h, h->from_f32((float)middle), even, middle);
            expect_bits(h, h->from_f32(nextafterf((float)middle, 0)), low, middle);
            expect_bits(h, h->from_f32(nextafterf((float)middle, INFINITY)), high, middle);
        }
    }
}

static void nans_stay_nans(void **state) {
    (void)state;
    for (int shift = 0; shift < 52; shift++) {
        uint64_t bits = 0xfff0000000000000u | 1ull << shift;
        double d;
        memcpy(&d, &bits, sizeof d);
        for (size_t k = 0; k < 2; k++) {
            uint16_t half = HALVES[k].from_f64(d);
            assert_true((half & 0x7fff) > infinity(&HALVES[k]));
            assert_true(half & 1 << (HALVES[k].fraction - 1)); /* quiet */
            assert_true(half & 0x8000);
        }
    }
}

/* At every midpoint that is an integer, and one to either side of it. */
static void integers_round_once(void **state) {
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const half_format *h = &HALVES[k];
        for (uint16_t low = 0; low + 1 < infinity(h); low++) {
            uint16_t high = (uint16_t)(low + 1), even = low & 1 ? high : low;
            double middle = (value_of(h, low) + value_of(h, high)) / 2;
            if (middle < 2 || middle >= 0x1p64 || middle != floor(middle)) continue;
            uint64_t u = (uint64_t)middle;
            expect_bits(h, h->from_u64(u), even, middle);
            expect_bits(h, h->from_u64(u - 1), low, middle);
            expect_bits(h, h->from_u64(u + 1), high, middle);
            if (u > INT64_MAX) continue;
            expect_bits(h, h->from_i64((int64_t)u), even, middle);
            expect_bits(h, h->from_i64(-(int64_t)u - 1), high | 0x8000, -middle);
            expect_bits(h, h->from_i64(-(int64_t)u + 1), low | 0x8000, -middle);
        }
        expect_bits(h, h->from_i64(0), 0, 0);
        expect_bits(h, h->from_i64(INT64_MIN), h->from_f64(-0x1p63), -0x1p63);
        expect_bits(h, h->from_u64(UINT64_MAX), h->from_f64(0x1p64), 0x1p64);
    }
}

static void constants_have_their_values(void **state) {
    (void)state;
    assert_true(wn_constant_value(WN_BOOL, 1) == 1);
    assert_true(wn_constant_value(WN_I8, 0xff) == -1);
    assert_true(wn_constant_value(WN_I16, 0x8000) == -32768);
    assert_true(wn_constant_value(WN_I32, 0xfffffffe) == -2);
    assert_true(wn_constant_value(WN_I64, 0x8000000000000000u) == -0x1p63);
    assert_true(wn_constant_value(WN_U8, 0xff) == 255);
    assert_true(wn_constant_value(WN_U64, UINT64_MAX) == 0x1p64);
    assert_true(wn_constant_value(WN_U64, 0x8000000000000001u) == 0x1p63);
    assert_true(wn_constant_value(WN_F32, 0x00000001) == 0x1p-149);
    assert_true(wn_constant_value(WN_F64, 0x3ff8000000000000u) == 1.5);
}

/* ---- Decimals ------------------------------------------------------------------------------ */

static double random_double(uint64_t *seed) {
    uint64_t bits = values_random(seed) & 0x7fffffffffffffffu;
    double d;
    memcpy(&d, &bits, sizeof d);
    return isfinite(d) ? d : 0.1;
}

static void expect_read(const char *text) {
    double actual = -1, expected = strtod(text, NULL);
    if (!wn_read_float(text, strlen(text), &actual)) fail_msg("cannot read '%.60s'", text);
    if (actual != expected) fail_msg("'%.60s' is %a, not %a", text, actual, expected);
}

static void reading_rounds_correctly(void **state) {
    (void)state;
    static const char *const TEXTS[] = {
        "0",
        "0.0",
        "1",
        ".5",
        "5.",
        "1e5",
        "1E+5",
        "1e-5",
        "00012.50",
        "9007199254740993",
        "9007199254740992.99999999999999999999999999999999999",
        "1e308",
        "1e309",
        "1e-400",
        "1e400",
        "2.4703282292062327208e-324",
        "2.4703282292062328e-324",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "2.2250738585072011e-308",
        "6.631236846766476e-316",
        "0e99999999999999999999",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "0.000000000000000000000000001e27",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        expect_read(TEXTS[i]);
    }
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        char text[80];
        int digits = 1 + (int)(values_random(&seed) % 30),
            exponent = (int)(values_random(&seed) % 660) - 330;
        snprintf(text, sizeof text, "%" PRIu64 ".%0*" PRIu64 "e%d",
                 values_random(&seed) >> (values_random(&seed) % 64), digits, values_random(&seed),
                 exponent);
        expect_read(text);
    }
}

/* The exact decimals of midpoints between doubles, which have hundreds of digits, and one more digit. */
static void reading_breaks_ties_to_even(void **state) {
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 2000; i++) {
        char text[1200];
        double low = random_double(&seed);
        /* Twice the last place lies between 53-bit neighbours of twice the size: exact in long double. */
        long double middle = ((long double)low + (long double)nextafter(low, INFINITY)) / 2;
        if (!(low > 0x1p-1000 && low < 0x1p1000)) continue;
        snprintf(text, sizeof text, "%.800Le", middle);
        expect_read(text);
        char *e = strchr(text, 'e');
        memmove(e + 1, e, strlen(e) + 1);
        *e = '1';
        expect_read(text);
    }
}

static void what_is_no_number_is_refused(void **state) {
    (void)state;
    static const char *const TEXTS[] = {"",      ".",   "e5",  "1e",  "1e+",  "+1",
                                        "-1",    "1 ",  " 1",  "0x1", "1f",   "1..",
                                        "1.2.3", "inf", "nan", "1,5", "1e5.0"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        double v = 7;
        if (wn_read_float(TEXTS[i], strlen(TEXTS[i]), &v)) fail_msg("'%s' was read", TEXTS[i]);
        assert_true(v == 7);
    }
    double v;
    assert_true(wn_read_float("12345", 2, &v) && v == 12); /* `length` bytes, not all */
}

static int significant_digits(const char *text) {
    int count = 0, trailing_zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (count == 0 && *text == '0')) continue;
        count++;
        trailing_zeros = *text == '0' ? trailing_zeros + 1 : 0;
    }
    return count - trailing_zeros;
}

static void expect_text(wn_type type, double v, const char *expected) {
    char text[32];
    wn_format_float(type, v, text);
    assert_string_equal(text, expected);
}

static void formatting_looks_as_it_should(void **state) {
    (void)state;
    expect_text(WN_F64, 0.0, "0.0");
    expect_text(WN_F64, -0.0, "-0.0");
    expect_text(WN_F64, 1, "1.0");
    expect_text(WN_F64, -1.5, "-1.5");
    expect_text(WN_F64, 0.1, "0.1");
    expect_text(WN_F64, 1e15, "1000000000000000.0");
    expect_text(WN_F64, 1e16, "1e+16");
    expect_text(WN_F64, 1e30, "1e+30");
    expect_text(WN_F64, 0.0001, "0.0001");
    expect_text(WN_F64, 0.00001, "1e-05");
    expect_text(WN_F64, 5e-324, "5e-324");
    expect_text(WN_F64, -1.7976931348623157e308, "-1.7976931348623157e+308");
    expect_text(WN_F64, 0x1p-44, "5.684341886080802e-14");
    expect_text(WN_F64, INFINITY, "inf");
    expect_text(WN_F64, -INFINITY, "-inf");
    expect_text(WN_F64, NAN, "nan");
    expect_text(WN_F32, 0.1f, "0.1");
    expect_text(WN_F32, 16777216, "16777216.0");
    expect_text(WN_F32, 0x1p-149, "1e-45");
    expect_text(WN_F16, wn_f16_to_f32(0x2e66), "0.1");
    expect_text(WN_F16, 65504, "65500.0");
    expect_text(WN_BF16, wn_bf16_to_f32(0x3dcd), "0.1");
}

static void doubles_are_written_shortest_and_read_back(void **state) {
    (void)state;
    uint64_t seed = 3;
    for (int i = -1074; i < 22000; i++) {
        double v = i < 1024 ? ldexp(1, i) : random_double(&seed), back;
        char text[32], other[40];
        wn_format_float(WN_F64, v, text);
        assert_true(strlen(text) < 32);
        if (!wn_read_float(text, strlen(text), &back) || back != v) {
            fail_msg("%a is written %s", v, text);
        }
        int enough = 1;
        do
            snprintf(other, sizeof other, "%.*e", enough - 1, v);
        while (strtod(other, NULL) != v && enough++ < 17);
        if (significant_digits(text) > enough) fail_msg("%s could be %s", text, other);
    }
}

static void narrow_floats_are_written_shortest_and_read_back(void **state) {
    (void)state;
    uint64_t seed = 4;
    for (int i = 0; i < 20000; i++) {
        float f, v = 0;
        uint32_t bits = (uint32_t)values_random(&seed) & 0x7fffffff;
        memcpy(&f, &bits, sizeof f);
        if (!isfinite(f)) continue;
        char text[32], other[40];
        wn_format_float(WN_F32, f, text);
        double back = 0;
        if (!wn_read_float(text, strlen(text), &back) || (v = (float)back) != f) {
            fail_msg("%a is written %s", (double)f, text);
        }
        int enough = 1;
        do
            snprintf(other, sizeof other, "%.*e", enough - 1, (double)f);
        while ((float)strtod(other, NULL) != f && enough++ < 9);
        if (significant_digits(text) > enough) fail_msg("%s could be %s", text, other);
    }
    for (size_t k = 0; k < 2; k++) {
        for (uint16_t bits = 0; bits < infinity(&HALVES[k]); bits++) {
            char text[32];
            double back = -1;
            wn_format_float(HALVES[k].type, HALVES[k].to_f32(bits), text);
            assert_true(wn_read_float(text, strlen(text), &back));
            expect_bits(&HALVES[k], HALVES[k].from_f64(back), bits, back);
        }
    }
}

/* ---- The caller's environment -------------------------------------------------------------- */

static void rounding_mode_and_locale_change_nothing(void **state) {
    (void)state;
    static const int MODES[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    /* Whichever of them there is: in them, "0,5" is a half. */
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) setlocale(LC_ALL, "fr_FR.UTF-8");
    for (size_t i = 0; i < 4; i++) {
        double v = 0;
        fesetround(MODES[i]);
        assert_int_equal(wn_f64_to_f16(0x1.002p0), 0x3c00);
        assert_int_equal(wn_f64_to_bf16(0x1.03p0), 0x3f82);
        assert_int_equal(wn_f32_to_f16(-65520.0f), 0xfc00);
        assert_int_equal(wn_i64_to_f16(-2049), 0xe800);
        assert_true(wn_constant_value(WN_U64, UINT64_MAX) == 0x1p64);
        assert_true(wn_read_float("0.1", 3, &v) && v == 0x1.999999999999ap-4);
        expect_text(WN_F64, 0x1.999999999999ap-4, "0.1");
        expect_text(WN_F64, 0x1p-44, "5.684341886080802e-14");
    }
    fesetround(FE_TONEAREST);
    setlocale(LC_ALL, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_values_widen_and_come_back),
        cmocka_unit_test(rounding_turns_at_midpoints),
        cmocka_unit_test(nans_stay_nans),
        cmocka_unit_test(integers_round_once),
        cmocka_unit_test(constants_have_their_values),
        cmocka_unit_test(reading_rounds_correctly),
        cmocka_unit_test(reading_breaks_ties_to_even),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(formatting_looks_as_it_should),
        cmocka_unit_test(doubles_are_written_shortest_and_read_back),
        cmocka_unit_test(narrow_floats_are_written_shortest_and_read_back),
        cmocka_unit_test(rounding_mode_and_locale_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
