/*
 * fold_loops.h - the loops of fold.h, of every type. Included once for each instruction set, with two names defined:
 *
 * TARGET   the attribute of functions that are compiled for it, or nothing
 * LOOPS    the table that is made
 */
#include "run/fold.h"

#include <string.h>

#define ADD(a, b) (a) + (b)
#define MULTIPLY(a, b) (a) * (b)
#define LEAST(a, b) (b) < (a) ? (b) : (a)
#define GREATEST(a, b) (b) > (a) ? (b) : (a)

/* Four at a time, so that the accumulators are loaded and stored once for four. */
#define FOLD(name, T, OPERATION)                                                                   \
    TARGET static void name(void *to, const void *from, int64_t n, int64_t times, int64_t pitch) { \
        T *restrict acc = to;                                                                      \
        const T *restrict x = from;                                                                \
        for (; times >= 4; times -= 4, x += 4 * pitch) {                                           \
            const T *restrict b = x + pitch, *restrict c = b + pitch, *restrict d = c + pitch;     \
            for (int64_t j = 0; j < n; j++) {                                                      \
                T sum = acc[j];                                                                    \
                sum = (T)(OPERATION(sum, x[j]));                                                   \
                sum = (T)(OPERATION(sum, b[j]));                                                   \
                sum = (T)(OPERATION(sum, c[j]));                                                   \
                acc[j] = (T)(OPERATION(sum, d[j]));                                                \
            }                                                                                      \
        }                                                                                          \
        for (; times > 0; times--, x += pitch)                                                     \
            for (int64_t j = 0; j < n; j++)                                                        \
                acc[j] = (T)(OPERATION(acc[j], x[j]));                                             \
    }

FOLD(add_U8, uint8_t, ADD)
FOLD(add_U64, uint64_t, ADD)
FOLD(add_F32, float, ADD)
FOLD(add_F64, double, ADD)
FOLD(multiply_U64, uint64_t, MULTIPLY)
FOLD(multiply_F32, float, MULTIPLY)
FOLD(multiply_F64, double, MULTIPLY)

/* A condition is a mask as wide as the places, so that both are chosen without a branch. */
#define CHOOSE(T, U, wins)                                                                         \
    {                                                                                              \
        uint64_t w = 0 - (uint64_t)(wins);                                                         \
        best[j] = (T)((U)best[j] ^ (((U)best[j] ^ (U)x[j]) & (U)w));                               \
        place[j] ^= (place[j] ^ now) & (int64_t)w;                                                 \
    }

#define ORDER(TYPE, T, U, NAME, BETTER)                                                            \
    TARGET static void place_##NAME##_##TYPE(void *to, const void *from, int64_t n,                \
                                             const fold_place *p) {                                \
        T *restrict best = to;                                                                     \
        const T *restrict x = from;                                                                \
        int64_t *restrict place = p->places;                                                       \
        const uint8_t *restrict selected = p->selected;                                            \
        const int64_t *restrict counts = p->counts;                                                \
        int64_t now = p->at;                                                                       \
        if (!selected)                                                                             \
            for (int64_t j = 0; j < n; j++)                                                        \
                CHOOSE(T, U, (x[j] BETTER best[j]) | (place[j] < 0))                               \
        else                                                                                       \
            for (int64_t j = 0; j < n; j++) {                                                      \
                if (counts) now = counts[j];                                                       \
                CHOOSE(T, U, ((x[j] BETTER best[j]) | (place[j] < 0)) & selected[j])               \
            }                                                                                      \
    }                                                                                              \
    TARGET static void join_##NAME##_##TYPE(void *to, int64_t *restrict place, const void *from,   \
                                            const int64_t *restrict later, int64_t n) {            \
        T *restrict best = to;                                                                     \
        const T *restrict x = from;                                                                \
        for (int64_t j = 0; j < n; j++) {                                                          \
            int64_t now = later[j];                                                                \
            bool earlier = (x[j] == best[j]) & (now < place[j]);                                   \
            CHOOSE(T, U, (((x[j] BETTER best[j]) | earlier) & (now >= 0)) | (place[j] < 0))        \
        }                                                                                          \
    }

#define ORDERS(TYPE, T)                                                                            \
    FOLD(least_##TYPE, T, LEAST)                                                                   \
    FOLD(greatest_##TYPE, T, GREATEST)                                                             \
    ORDER(TYPE, T, uint64_t, least, <)                                                             \
    ORDER(TYPE, T, uint64_t, greatest, >)
REDUCE_INTEGERS(ORDERS)

#define ORDER_ROW(TYPE, T)                                                                         \
    [WN_##TYPE] = {{least_##TYPE, greatest_##TYPE},                                                \
                   {place_least_##TYPE, place_greatest_##TYPE},                                    \
                   {join_least_##TYPE, join_greatest_##TYPE}},
static const struct order_row {
    fold_fn *fold[2];
    void (*place[2])(void *to, const void *x, int64_t n, const fold_place *p);
    void (*join[2])(void *to, int64_t *places, const void *x, const int64_t *x_places, int64_t n);
} ORDER[WN_TYPE_COUNT] = {REDUCE_INTEGERS(ORDER_ROW)};

/* Strips of 64 without one are passed over. */
#define FIND(TYPE, T)                                                                              \
    TARGET static int64_t find_##TYPE(const void *from, const uint8_t *selected, int64_t n,        \
                                      uint64_t bits) {                                             \
        const T *x = from;                                                                         \
        T sought;                                                                                  \
        memcpy(&sought, &bits, sizeof sought);                                                     \
        for (int64_t first = 0; first < n; first += 64) {                                          \
            const T *strip = x + first;                                                            \
            int count = n - first < 64 ? (int)(n - first) : 64, found = count < 64;                \
            for (int j = 0; count == 64 && j < 64; j++)                                            \
                found |= strip[j] == sought;                                                       \
            for (int j = 0; found && j < count; j++)                                               \
                if (strip[j] == sought && (!selected || selected[first + j])) return first + j;    \
        }                                                                                          \
        return 0;                                                                                  \
    }
REDUCE_INTEGERS(FIND)
FIND(F32, float)
FIND(F64, double)

static int64_t fold_find(wn_type type, const void *x, const uint8_t *selected, int64_t n, uint64_t bits) {
#define FIND_ROW(TYPE, T) [WN_##TYPE] = find_##TYPE,
    static int64_t (*const FINDS[WN_TYPE_COUNT])(const void *, const uint8_t *, int64_t, uint64_t) = {
        REDUCE_INTEGERS(FIND_ROW) FIND_ROW(F32, float) FIND_ROW(F64, double)};
    return FINDS[type](x, selected, n, bits);
}

static fold_fn *fold_of(fold_step step, wn_type type) {
    static fold_fn *const ARITHMETIC[2][WN_TYPE_COUNT] = {
        {[WN_U8] = add_U8, [WN_I64] = add_U64, [WN_U64] = add_U64, [WN_F32] = add_F32, [WN_F64] = add_F64},
        {[WN_I64] = multiply_U64, [WN_U64] = multiply_U64, [WN_F32] = multiply_F32, [WN_F64] = multiply_F64}};
    return step < FOLD_LEAST ? ARITHMETIC[step][type] : ORDER[type].fold[step - FOLD_LEAST];
}

TARGET static void fold_place_of(bool least, wn_type type, void *to, const void *x, int64_t n,
                                 const fold_place *p) {
    ORDER[type].place[!least](to, x, n, p);
}

TARGET static void fold_join_places(bool least, wn_type type, void *to, int64_t *places,
                                    const void *x, const int64_t *x_places, int64_t n) {
    ORDER[type].join[!least](to, places, x, x_places, n);
}

/* ---- Before and after ------------------------------------------------------------------------------------------------ */

#define BLEND(T)                                                                                   \
    TARGET static void fill_##T(T *x, T bits, int64_t n) {                                         \
        for (int64_t j = 0; j < n; j++)                                                            \
            x[j] = bits;                                                                           \
    }                                                                                              \
    TARGET static void blend_##T(T *restrict x, const uint8_t *restrict selected, T identity,      \
                                 int64_t n) {                                                      \
        for (int64_t j = 0; j < n; j++)                                                            \
            x[j] = (T)((x[j] ^ identity) & (T)(0 - (T)selected[j])) ^ identity;                    \
    }
BLEND(uint8_t)
BLEND(uint16_t)
BLEND(uint32_t)
BLEND(uint64_t)

TARGET static void fold_blend(uint8_t size, void *x, const uint8_t *selected, uint64_t identity,
                              int64_t n) {
    switch (size) {
    case 1: blend_uint8_t(x, selected, (uint8_t)identity, n); break;
    case 2: blend_uint16_t(x, selected, (uint16_t)identity, n); break;
    case 4: blend_uint32_t(x, selected, (uint32_t)identity, n); break;
    default: blend_uint64_t(x, selected, identity, n); break;
    }
}

TARGET static void fold_fill(uint8_t size, void *x, uint64_t bits, int64_t n) {
    switch (size) {
    case 1: fill_uint8_t(x, (uint8_t)bits, n); break;
    case 2: fill_uint16_t(x, (uint16_t)bits, n); break;
    case 4: fill_uint32_t(x, (uint32_t)bits, n); break;
    default: fill_uint64_t(x, bits, n); break;
    }
}

TARGET static void fold_truths(uint8_t *x, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        x[j] = x[j] != 0;
}

/* -0 is -1, +0 is 0: the sign is kept, and a negative number's other bits are inverted. */
#define KEYS(T, U, INFINITY_BITS)                                                                  \
    TARGET static T key_##T(T bits) {                                                              \
        return bits ^ (T)((U)(bits >> (8 * sizeof(T) - 1)) >> 1);                                  \
    }                                                                                              \
    TARGET static void keys_##T(T *x, T nan, T one_zero, int64_t n) {                              \
        for (int64_t j = 0; j < n; j++) {                                                          \
            T bits = x[j], key = key_##T(bits);                                                    \
            key += key == -1 ? one_zero : 0;                                                       \
            x[j] = (bits & (T)((U)-1 >> 1)) > INFINITY_BITS ? nan : key;                           \
        }                                                                                          \
    }                                                                                              \
    TARGET static void unkey_##T(T *x, int64_t n) {                                                \
        for (int64_t j = 0; j < n; j++)                                                            \
            x[j] = key_##T(x[j]);                                                                  \
    }
KEYS(int32_t, uint32_t, 0x7f800000)
KEYS(int64_t, uint64_t, 0x7ff0000000000000)

TARGET static void fold_keys(wn_type type, bool least, bool one_zero, void *x, int64_t n) {
    if (type == WN_F32)
        keys_int32_t(x, least ? INT32_MIN : INT32_MAX, one_zero, n);
    else
        keys_int64_t(x, least ? INT64_MIN : INT64_MAX, one_zero, n);
}

TARGET static void fold_unkey(wn_type type, void *x, int64_t n) {
    if (type == WN_F32)
        unkey_int32_t(x, n);
    else
        unkey_int64_t(x, n);
}

TARGET static void fold_flush(int64_t *restrict to, uint8_t *restrict x, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        to[j] += x[j];
    memset(x, 0, (size_t)n);
}

TARGET static void fold_divide(wn_type type, void *x, const int64_t *by, int64_t n) {
    float *f32 = x;
    double *f64 = x;
    for (int64_t j = 0; type == WN_F32 && j < n; j++)
        f32[j] /= (float)by[j];
    for (int64_t j = 0; type == WN_F64 && j < n; j++)
        f64[j] /= (double)by[j];
}

const fold_loops LOOPS = {fold_of,    fold_place_of, fold_join_places, fold_fill,
                          fold_blend, fold_truths,   fold_keys,        fold_unkey,
                          fold_flush, fold_divide,   fold_find};
