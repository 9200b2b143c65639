/*
 * number.c - decimals and 16-bit floats, for reading literals and printing results.
 *
 * f16 and bf16 differ in two numbers, so one pair of functions serves both. The process stays in the C locale, so that
 * snprintf and strtod write and read a point.
 */
#include "tool/tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a 16-bit float: how many bits its fraction has, and the exponent of its least normal number. */
typedef struct small_float {
    int fraction, least;
} small_float;

static small_float small_of(wn_type type) {
    return type == WN_F16 ? (small_float){10, -14} : (small_float){7, -126};
}

static double widen(small_float s, uint16_t bits) {
    int field = (bits & 0x7fff) >> s.fraction, top = 0x7fff >> s.fraction;
    int part = bits & ((1 << s.fraction) - 1);
    double v = field == 0 ? ldexp(part, s.least - s.fraction)
                          : ldexp(part + (1 << s.fraction), field - 1 + s.least - s.fraction);
    if (field == top) v = part ? (double)NAN : (double)INFINITY;
    return bits & 0x8000 ? -v : v;
}

/* Count v in units of its last place, to nearest even; the exponent field then adds up by itself, carry included. */
static uint16_t narrow(small_float s, double v) {
    int infinity = (0x7fff >> s.fraction) << s.fraction, sign = signbit(v) ? 0x8000 : 0;
    if (isnan(v)) return (uint16_t)(sign | infinity | 1 << (s.fraction - 1));
    if (isinf(v)) return (uint16_t)(sign | infinity);
    int exponent = v == 0 ? s.least : ilogb(v);
    if (exponent < s.least) exponent = s.least;
    if (exponent > 127) return (uint16_t)(sign | infinity);
    int units = (int)rint(ldexp(fabs(v), s.fraction - exponent));
    int bits = ((exponent - s.least) << s.fraction) + units;
    return (uint16_t)(sign | (bits < infinity ? bits : infinity));
}

double wn_float_load(wn_type type, const void *element) {
    union {
        uint16_t small;
        float f;
        double d;
    } u;
    memcpy(&u, element, wn_type_size(type));
    if (type == WN_F64) return u.d;
    if (type == WN_F32) return (double)u.f;
    return widen(small_of(type), u.small);
}

void wn_float_store(wn_type type, void *element, double v) {
    float f = (float)v;
    uint16_t small = type == WN_F16 || type == WN_BF16 ? narrow(small_of(type), v) : 0;
    const void *from = type == WN_F64 ? (void *)&v : type == WN_F32 ? (void *)&f : (void *)&small;
    memcpy(element, from, wn_type_size(type));
}

int64_t wn_load_signed(wn_type type, const void *element) {
    int64_t v = 0;
    int shift = 64 - 8 * (int)wn_type_size(type);
    memcpy(&v, element, wn_type_size(type));
    return (int64_t)((uint64_t)v << shift) >> shift;
}

uint64_t wn_load_unsigned(wn_type type, const void *element) {
    uint64_t v = 0;
    memcpy(&v, element, wn_type_size(type));
    return v;
}

/* Whether a decimal reads back as v in its type. */
static bool reads_back(wn_type type, const char *text, double v) {
    if (type == WN_F64) return strtod(text, NULL) == v;
    if (type == WN_F32) return (double)strtof(text, NULL) == v;
    return widen(small_of(type), narrow(small_of(type), strtod(text, NULL))) == v;
}

/* "-1.25e+03" or "-1250.00" to its parts, without leading and trailing zeros. */
static decimal take_apart(const char *text) {
    decimal d = {.negative = *text == '-'};
    bool point = false;
    int exponent = -1;
    for (text += d.negative; *text && *text != 'e'; text++) {
        if (*text == '.')
            point = true;
        else {
            if (!point) exponent++;
            if (d.count == 0 && *text == '0')
                exponent--;
            else if (d.count < (int)sizeof d.digits - 1)
                d.digits[d.count++] = *text;
        }
    }
    d.exponent = d.count == 0 ? 0 : exponent + (*text ? (int)strtol(text + 1, NULL, 10) : 0);
    if (d.count == 0) d.digits[d.count++] = '0';
    while (d.count > 1 && d.digits[d.count - 1] == '0')
        d.count--;
    d.digits[d.count] = 0;
    return d;
}

/* Above a power of two the neighbour is twice as far as below it, and the nearest decimal of some length may not read back
   where the next one up does: 2^-44 is 5.684341886080801486e-14, and shortest 5.684341886080802e-14. */
decimal wn_decimal_shortest(wn_type type, double v) {
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, v);
        if (reads_back(type, text, v)) break;
        char *last = strchr(text, 'e') - 1;
        if (*last < '9' && (++*last, reads_back(type, text, v))) break;
    }
    return take_apart(text);
}

decimal wn_decimal_rounded(double v, int places, bool scientific) {
    char text[360];
    snprintf(text, sizeof text, scientific ? "%.*e" : "%.*f", places, v);
    return take_apart(text);
}
