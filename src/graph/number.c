/*
 * number.c - numbers between their forms: 16-bit and wider floats, doubles and their decimals.
 *
 * C has no 16-bit floats, and the decimals of its library follow the locale and, like its
 * conversions, the caller's rounding mode. Here everything is integer arithmetic on the bits, so a
 * result depends on the arguments alone.
 *
 * Every conversion into a float ends in round_to, which rounds a significand once, to nearest even.
 * Where a value has more than 64 bits, the lowest of them is set if any bit below is ("rounded to
 * odd"): with two bits to spare below the target's last place, which all targets leave, rounding
 * that is rounding the value itself.
 */
#include "graph/graph.h"

#include <string.h>

/* A binary interchange format: how many bits its fraction and its exponent have. */
typedef struct format {
    int fraction, exponent_bits;
} format;

static const format F16 = {10, 5}, BF16 = {7, 8}, F32 = {23, 8}, F64 = {52, 11};

static inline int bias_of(format f) {
    return (1 << (f.exponent_bits - 1)) - 1;
}
static inline uint64_t infinity_of(format f) {
    return ((1ull << f.exponent_bits) - 1) << f.fraction;
}
static inline uint64_t sign_of(format f) {
    return 1ull << (f.fraction + f.exponent_bits);
}
static inline int bit_length(uint64_t v) {
    return v ? 64 - __builtin_clzll(v) : 0;
}

/* v / 2^shift, to nearest even. */
static inline uint64_t shift_to_even(uint64_t v, int shift) {
    if (shift > 64) return 0;
    uint64_t kept = shift < 64 ? v >> shift : 0;
    uint64_t lost = v << (64 - shift); /* aligned at the top, so that a half is 2^63 */
    uint64_t half = 1ull << 63;
    return kept + (lost > half || (lost == half && (kept & 1)));
}

/* The bits of m * 2^e in a format, to nearest even; beyond its greatest number, infinity. */
static inline uint64_t round_to(format f, uint64_t m, int e) {
    if (m == 0) return 0;
    int least = 1 - bias_of(f);
    int exponent = e + bit_length(m) - 1;
    if (exponent > bias_of(f)) return infinity_of(f);
    if (exponent < least) exponent = least;
    int shift = exponent - f.fraction - e;
    uint64_t significand = shift > 0 ? shift_to_even(m, shift) : m << -shift;
    /* The leading 1 of a normal number adds 1 to the exponent, and so does a carry out of the
       fraction: both are right. */
    return ((uint64_t)(exponent - least) << f.fraction) + significand;
}

/* A float of one format in another, rounded once. A NaN becomes quiet, and keeps its sign and what
   fits of its payload. */
static inline uint64_t convert(format from, format to, uint64_t bits) {
    uint64_t sign = bits & sign_of(from) ? sign_of(to) : 0;
    uint64_t magnitude = bits & (sign_of(from) - 1);
    uint64_t fraction = magnitude & ((1ull << from.fraction) - 1);
    int biased = (int)(magnitude >> from.fraction);
    if (magnitude > infinity_of(from)) {
        int shift = from.fraction - to.fraction;
        uint64_t payload = shift > 0 ? fraction >> shift : fraction << -shift;
        return sign | infinity_of(to) | 1ull << (to.fraction - 1) | payload;
    }
    if (magnitude == infinity_of(from)) return sign | infinity_of(to);
    if (biased)
        fraction |= 1ull << from.fraction;
    else
        biased = 1;
    return sign | round_to(to, fraction, biased - bias_of(from) - from.fraction);
}

static inline uint64_t convert_integer(format to, int64_t v) {
    return v < 0 ? sign_of(to) | round_to(to, 0 - (uint64_t)v, 0) : round_to(to, (uint64_t)v, 0);
}

static inline uint32_t bits_of_f32(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}
static inline uint64_t bits_of_f64(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}
static inline float f32_of_bits(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
static inline double f64_of_bits(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* ---- 16-bit floats ------------------------------------------------------------------------- */

float wn_f16_to_f32(uint16_t bits) {
    return f32_of_bits((uint32_t)convert(F16, F32, bits));
}
float wn_bf16_to_f32(uint16_t bits) {
    return f32_of_bits((uint32_t)bits << 16);
}
uint16_t wn_f32_to_f16(float v) {
    return (uint16_t)convert(F32, F16, bits_of_f32(v));
}
uint16_t wn_f32_to_bf16(float v) {
    return (uint16_t)convert(F32, BF16, bits_of_f32(v));
}
uint16_t wn_f64_to_f16(double v) {
    return (uint16_t)convert(F64, F16, bits_of_f64(v));
}
uint16_t wn_f64_to_bf16(double v) {
    return (uint16_t)convert(F64, BF16, bits_of_f64(v));
}
uint16_t wn_i64_to_f16(int64_t v) {
    return (uint16_t)convert_integer(F16, v);
}
uint16_t wn_i64_to_bf16(int64_t v) {
    return (uint16_t)convert_integer(BF16, v);
}
uint16_t wn_u64_to_f16(uint64_t v) {
    return (uint16_t)round_to(F16, v, 0);
}
uint16_t wn_u64_to_bf16(uint64_t v) {
    return (uint16_t)round_to(BF16, v, 0);
}

double wn_constant_value(wn_type type, uint64_t bits) {
    switch (type) {
    case WN_I8: return (int8_t)bits;
    case WN_I16: return (int16_t)bits;
    case WN_I32: return (int32_t)bits;
    case WN_I64: return f64_of_bits(convert_integer(F64, (int64_t)bits));
    case WN_F16: return f64_of_bits(convert(F16, F64, (uint16_t)bits));
    case WN_BF16: return f64_of_bits(convert(BF16, F64, (uint16_t)bits));
    case WN_F32: return f64_of_bits(convert(F32, F64, (uint32_t)bits));
    case WN_F64: return f64_of_bits(bits);
    default: return f64_of_bits(round_to(F64, bits, 0));
    }
}

/* ---- Integers of any size, for decimals ---------------------------------------------------- */

/* Enough for 10^1110 and one bit: the divisor of MAX_DIGITS digits that begin at 10^-330. */
#define LIMBS 120
#define MAX_DIGITS 780 /* the halfway points between doubles have at most 768 */

typedef struct natural {
    uint32_t limbs[LIMBS]; /* least first, 0 from count on */
    int count;             /* the highest one is not 0     */
} natural;

static void multiply_add(natural *n, uint32_t factor, uint32_t addend) {
    uint64_t carry = addend;
    for (int i = 0; i < n->count; i++) {
        carry += (uint64_t)n->limbs[i] * factor;
        n->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) n->limbs[n->count++] = (uint32_t)carry;
}

static void multiply_power_of_ten(natural *n, int64_t power) {
    for (; power >= 9; power -= 9)
        multiply_add(n, 1000000000, 0);
    for (; power > 0; power--)
        multiply_add(n, 10, 0);
}

static int length_of(const natural *n) {
    return n->count ? 32 * (n->count - 1) + bit_length(n->limbs[n->count - 1]) : 0;
}

static void shift_left(natural *n, int shift) {
    int words = shift / 32;
    if (n->count == 0) return;
    multiply_add(n, 1u << (shift % 32), 0);
    memmove(n->limbs + words, n->limbs, (size_t)n->count * sizeof *n->limbs);
    memset(n->limbs, 0, (size_t)words * sizeof *n->limbs);
    n->count += words;
}

static bool is_below(const natural *a, const natural *b) {
    if (a->count != b->count) return a->count < b->count;
    for (int i = a->count - 1; i >= 0; i--) {
        if (a->limbs[i] != b->limbs[i]) return a->limbs[i] < b->limbs[i];
    }
    return false;
}

/* a -= b, where b <= a. */
static void take_away(natural *a, const natural *b) {
    uint64_t borrow = 0;
    for (int i = 0; i < a->count; i++) {
        uint64_t difference = (uint64_t)a->limbs[i] - b->limbs[i] - borrow;
        a->limbs[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    while (a->count && a->limbs[a->count - 1] == 0)
        a->count--;
}

/* The double nearest a / b, neither being 0; both are used up. */
static uint64_t nearest_quotient(natural *a, natural *b) {
    int exponent = length_of(a) - length_of(b);
    if (exponent > 0)
        shift_left(b, exponent);
    else
        shift_left(a, -exponent);
    uint64_t quotient = 0; /* its first bit may be 0; the remaining 63 are enough */
    for (int i = 0; i < 64; i++) {
        quotient <<= 1;
        if (!is_below(a, b)) {
            take_away(a, b);
            quotient |= 1;
        }
        shift_left(a, 1);
    }
    return round_to(F64, quotient | (a->count > 0), exponent - 63);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* 0.d1d2d3... * 10^point, where d1 is not 0; 0 has no digits. */
typedef struct decimal {
    natural digits; /* as one integer */
    int64_t count, point;
} decimal;

/* Any exponent beyond this is as good as infinite, and a text's length added to it fits int64. */
#define FAR (INT64_MAX / 4)

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Digits and at most one '.'; returns where they end, or 0 if there are no digits. */
static size_t read_digits(const char *text, size_t length, decimal *d) {
    bool after_point = false, any = false, lost = false;
    size_t i = 0;
    for (; i < length && (is_digit(text[i]) || (text[i] == '.' && !after_point)); i++) {
        if (text[i] == '.') {
            after_point = true;
            continue;
        }
        any = true;
        bool leading_zero = d->digits.count == 0 && text[i] == '0';
        if (!leading_zero && d->count < MAX_DIGITS) {
            multiply_add(&d->digits, 10, (uint32_t)(text[i] - '0'));
            d->count++;
        } else if (!leading_zero && text[i] != '0') {
            lost = true;
        }
        d->point += leading_zero ? -(int64_t)after_point : !after_point;
    }
    if (lost) d->digits.limbs[0] |= 1; /* only that something follows can matter */
    return any ? i : 0;
}

/* "e+12", the whole rest of a number; 0 for no text at all. False if it is neither. */
static bool read_exponent(const char *text, size_t length, int64_t *exponent) {
    *exponent = 0;
    if (length == 0) return true;
    if (*text != 'e' && *text != 'E') return false;
    size_t i = 1;
    bool negative = i < length && text[i] == '-';
    if (i < length && (text[i] == '-' || text[i] == '+')) i++;
    if (i == length) return false;
    for (; i < length; i++) {
        if (!is_digit(text[i])) return false;
        if (*exponent < FAR / 10) *exponent = *exponent * 10 + (text[i] - '0');
    }
    if (negative) *exponent = -*exponent;
    return true;
}

static uint64_t nearest_to_decimal(decimal *d) {
    if (d->count == 0 || d->point < -330) return 0;
    if (d->point > 310) return infinity_of(F64);
    natural divisor = {{1}, 1};
    int64_t scale = d->point - d->count;
    if (scale > 0)
        multiply_power_of_ten(&d->digits, scale);
    else
        multiply_power_of_ten(&divisor, -scale);
    return nearest_quotient(&d->digits, &divisor);
}

bool wn_read_float(const char *text, size_t length, double *v) {
    decimal d = {0};
    int64_t exponent;
    size_t end = read_digits(text, length, &d);
    if (!end || !read_exponent(text + end, length - end, &exponent)) return false;
    d.point += exponent;
    *v = f64_of_bits(nearest_to_decimal(&d));
    return true;
}

/* ---- Writing ------------------------------------------------------------------------------- */

#define DIGITS 17 /* that always tell a double from its neighbours */

/* One digit more than DIGITS of m * 2^e, m not 0, as numbers; `more` says if others follow. Returns
   the point's place. */
static int first_digits(uint64_t m, int e, char *digits, bool *more) {
    natural a = {{(uint32_t)m, (uint32_t)(m >> 32)}, m >> 32 ? 2 : 1}, b = {{1}, 1};
    /* The bit length times log10(2) is the number of digits, or one too many. */
    int point = (int)(((int64_t)(e + bit_length(m)) * 30103 + 100000 * 400) / 100000) - 400 + 1;
    if (e > 0)
        shift_left(&a, e);
    else
        shift_left(&b, -e);
    if (point > 0)
        multiply_power_of_ten(&b, point);
    else
        multiply_power_of_ten(&a, -point);
    for (int i = 0; i <= DIGITS;) {
        char digit = 0;
        multiply_add(&a, 10, 0);
        for (; !is_below(&a, &b); digit++)
            take_away(&a, &b);
        if (i == 0 && digit == 0)
            point--;
        else
            digits[i++] = digit;
    }
    *more = a.count > 0;
    return point;
}

/* Whether the nearest decimal of `count` digits, or of two the even one, is above the cut. */
static bool rounds_up(const char *digits, int count, bool more) {
    if (digits[count] != 5) return digits[count] > 5;
    for (int i = count + 1; i <= DIGITS; i++)
        more |= digits[i] != 0;
    return more || (digits[count - 1] & 1);
}

/* The first `count` of the digits, rounded down or up; returns the point's place. */
static int cut_digits(const char *digits, int point, int count, bool up, char *cut) {
    memcpy(cut, digits, (size_t)count);
    if (!up) return point;
    int i = count - 1;
    while (i >= 0 && cut[i] == 9)
        cut[i--] = 0;
    if (i >= 0) {
        cut[i]++;
        return point;
    }
    cut[0] = 1;
    return point + 1;
}

/* Whether the digits, read as a double and rounded to the format, are these bits. */
static bool reads_back(const char *digits, int count, int point, format f, uint64_t bits) {
    decimal d = {.count = count, .point = point};
    for (int i = 0; i < count; i++)
        multiply_add(&d.digits, 10, (uint32_t)digits[i]);
    return convert(F64, f, nearest_to_decimal(&d)) == bits;
}

/* The fewest digits that read back, and of those the nearest; returns how many. */
static int shortest(uint64_t magnitude, format f, char *cut, int *point) {
    char digits[DIGITS + 1];
    bool more;
    int biased = (int)(magnitude >> F64.fraction);
    uint64_t fraction = magnitude & ((1ull << F64.fraction) - 1);
    uint64_t significand = biased ? fraction | 1ull << F64.fraction : fraction;
    int start = first_digits(significand, (biased ? biased : 1) - 1075, digits, &more);
    uint64_t bits = convert(F64, f, magnitude);
    for (int count = 1; count < DIGITS; count++) {
        bool up = rounds_up(digits, count, more);
        *point = cut_digits(digits, start, count, up, cut);
        if (reads_back(cut, count, *point, f, bits)) return count;
        /* Doubles lie wider above a power of two than below it, so the farther may read back alone.
         */
        *point = cut_digits(digits, start, count, !up, cut);
        if (reads_back(cut, count, *point, f, bits)) return count;
    }
    *point = cut_digits(digits, start, DIGITS, rounds_up(digits, DIGITS, more), cut);
    return DIGITS;
}

/* 1234.5, 0.00012345 */
static char *write_positional(char *out, const char *digits, int count, int point) {
    if (point <= 0) {
        *out++ = '0';
        *out++ = '.';
        for (int i = point; i < 0; i++)
            *out++ = '0';
        for (int i = 0; i < count; i++)
            *out++ = (char)('0' + digits[i]);
        return out;
    }
    int end = count > point ? count : point + 1;
    for (int i = 0; i < end; i++) {
        if (i == point) *out++ = '.';
        *out++ = (char)('0' + (i < count ? digits[i] : 0));
    }
    return out;
}

/* 1.2345e+30; at least two digits of exponent */
static char *write_scientific(char *out, const char *digits, int count, int point) {
    int exponent = point - 1;
    int size = exponent < 0 ? -exponent : exponent;
    *out++ = (char)('0' + digits[0]);
    if (count > 1) *out++ = '.';
    for (int i = 1; i < count; i++)
        *out++ = (char)('0' + digits[i]);
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    if (size >= 100) *out++ = (char)('0' + size / 100);
    *out++ = (char)('0' + size / 10 % 10);
    *out++ = (char)('0' + size % 10);
    return out;
}

static format format_of(wn_type type) {
    return type == WN_F16 ? F16 : type == WN_BF16 ? BF16 : type == WN_F32 ? F32 : F64;
}

void wn_format_float(wn_type type, double v, char text[32]) {
    uint64_t bits = bits_of_f64(v);
    uint64_t magnitude = bits & (sign_of(F64) - 1);
    char digits[DIGITS], *out = text;
    int point;
    if (magnitude > infinity_of(F64)) {
        memcpy(text, "nan", 4);
        return;
    }
    if (bits != magnitude) *out++ = '-';
    if (magnitude == infinity_of(F64) || magnitude == 0) {
        memcpy(out, magnitude ? "inf" : "0.0", 4);
        return;
    }
    int count = shortest(magnitude, format_of(type), digits, &point);
    out = point > -4 && point <= 16 ? write_positional(out, digits, count, point)
                                    : write_scientific(out, digits, count, point);
    *out = '\0';
}
