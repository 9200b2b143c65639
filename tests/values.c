/*
 * values.c - special and random values of every type.
 */
#include "values.h"

#include <math.h>
#include <string.h>

uint64_t values_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t values_below(uint64_t *state, uint64_t end) {
    return values_random(state) % end;
}

void values_store(wn_type type, void *to, int64_t index, uint64_t bits) {
    size_t size = wn_type_size(type); /* little-endian, as all that the JIT knows */
    memcpy((char *)to + (size_t)index * size, &bits, size);
}

uint64_t values_load(wn_type type, const void *from, int64_t index) {
    size_t size = wn_type_size(type);
    uint64_t bits = 0;
    memcpy(&bits, (const char *)from + (size_t)index * size, size);
    return bits;
}

uint64_t values_of_double(wn_type type, double v) {
    uint64_t bits = 0;
    float single = (float)v;
    switch (type) {
    case WN_F64: memcpy(&bits, &v, 8); return bits;
    case WN_F32: memcpy(&bits, &single, 4); return bits;
    case WN_F16: return wn_f64_to_f16(v);
    case WN_BF16: return wn_f64_to_bf16(v);
    case WN_BOOL: return v != 0;
    case WN_U64: return v < 0 ? (uint64_t)(int64_t)v : (uint64_t)v;
    default: return (uint64_t)(int64_t)v;
    }
}

/* ---- Special values ----------------------------------------------------------------------------------------------- */

typedef struct list {
    uint64_t *values;
    size_t count;
} list;

static void add(list *l, uint64_t bits) {
    if (l->count < VALUES_MAX) l->values[l->count++] = bits;
}

/* Also counts of shifts, and the ends of the narrower types. */
static void add_integers(list *l, wn_type type) {
    unsigned bits = 8 * (unsigned)wn_type_size(type);
    uint64_t top = (uint64_t)1 << (bits - 1);
    static const int64_t small[] = {0,   1,   -1,  2,   -2,   3,     -3,    5,      7,
                                    8,   9,   10,  15,  16,   17,    31,    32,     33,
                                    63,  64,  65,  77,  127,  128,   -128,  -129,   100,
                                    200, 255, 256, 257, 1000, 32767, 32768, -32768, 65535};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        add(l, (uint64_t)small[i]);
    add(l, top);
    add(l, top + 1);
    add(l, top - 1);
    add(l, top - 2);
    add(l, top / 2);
    if (bits < 64) return;
    for (unsigned i = 8; i < 64; i += 5) /* where i64 to a float must round */
        for (int64_t d = -1; d <= 1; d++)
            add(l, ((uint64_t)1 << i) + ((uint64_t)1 << (i > 24 ? i - 24 : 0)) + (uint64_t)d);
    add(l, 0xfffffe8000000000u);
    add(l, 0xffffff7fffffffffu);
    add(l, 0x7fffffbfffffffffu);
    add(l, 0x0020000000000001u);
}

static void add_float_bits(list *l, wn_type type) {
    int mantissa = type == WN_F16 ? 10 : type == WN_BF16 ? 7 : type == WN_F32 ? 23 : 52;
    uint64_t sign = (uint64_t)1 << (8 * wn_type_size(type) - 1);
    uint64_t quiet = (uint64_t)1 << (mantissa - 1), inf = sign - ((uint64_t)1 << mantissa);
    const uint64_t bits[] = {
        0,       1,           2,       quiet * 2 - 1, quiet * 2,       quiet * 2 + 1,   inf,
        inf - 1, inf + quiet, inf + 1, sign - 1,      inf + quiet + 5, inf + quiet - 1, quiet};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        add(l, bits[i]);
        add(l, bits[i] | sign);
    }
}

/* Halves, ends of the integer types, ties and overflow of the narrower floats, each with its neighbours in f64. */
static void add_floats(list *l, wn_type type) {
    static const double numbers[] = {0.5,
                                     1,
                                     1.5,
                                     2,
                                     2.5,
                                     0x1.ffp0,
                                     3,
                                     127,
                                     128,
                                     255,
                                     256,
                                     32767,
                                     32768,
                                     65535,
                                     65536,
                                     65504,
                                     65520,
                                     0x1p31,
                                     0x1p32,
                                     0x1p52,
                                     0x1p63,
                                     0x1p64,
                                     0x1p-14,
                                     0x1p-24,
                                     0x1p-25,
                                     0x1.01p0,
                                     0x1.002p0,
                                     0x1p-126,
                                     0x1p-133,
                                     0x1p-134,
                                     0x1.fffffep127,
                                     0x1.ffp127};
    add_float_bits(l, type);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double v = numbers[i];
        add(l, values_of_double(type, v));
        add(l, values_of_double(type, -v));
        if (type == WN_F16 || type == WN_BF16) continue;
        add(l, type == WN_F64 ? values_of_double(type, nextafter(v, 0))
                              : values_of_double(type, nextafterf((float)v, 0)));
        add(l, type == WN_F64 ? values_of_double(type, nextafter(-v, -INFINITY))
                              : values_of_double(type, nextafterf((float)-v, -INFINITY)));
    }
}

size_t values_special(wn_type type, uint64_t values[VALUES_MAX]) {
    list l = {values, 0};
    if (type == WN_BOOL) {
        static const uint8_t bytes[] = {0, 1, 2, 0x7f, 0x80, 0xff};
        for (size_t i = 0; i < sizeof bytes; i++)
            add(&l, bytes[i]);
    } else if (type_is_float(type)) {
        add_floats(&l, type);
    } else {
        add_integers(&l, type);
    }
    return l.count;
}

static uint64_t pick(wn_type type, const uint64_t *specials, size_t count, uint64_t *state) {
    uint64_t kind = values_below(state, 8), word = values_random(state);
    if (type == WN_BOOL) return kind < 4 ? 0 : kind < 6 ? 1 : word & 0xff;
    if (kind < 3) return specials[word % count];
    if (kind == 7) return word;
    return values_of_double(type, (double)(word % 512) / (type_is_float(type) ? 16 : 2) - 16);
}

uint64_t values_any(wn_type type, uint64_t *state) {
    uint64_t specials[VALUES_MAX];
    return pick(type, specials, values_special(type, specials), state);
}

void values_fill(wn_type type, void *to, int64_t count, uint64_t *state) {
    uint64_t specials[VALUES_MAX];
    size_t special_count = values_special(type, specials);
    for (int64_t i = 0; i < count; i++)
        values_store(type, to, i, pick(type, specials, special_count, state));
}
