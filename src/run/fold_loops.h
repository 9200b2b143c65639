/*
 * fold_loops.h - the loops of fold.h, of every type. Included once for each instruction set, with names defined:
 *
 * TARGET   the attribute of functions that are compiled for it, or nothing
 * LOOPS    the table that is made
 * ROWS     the loop for short rows of a step and type, if there are to be none of its own: they are for vectors of 32 bytes
 */
#include "run/fold.h"

#include <string.h>
#ifndef ROWS
#include <immintrin.h>
#endif

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

static inline int least(int a, int b) {
    return a < b ? a : b;
}

/* Strips of 64 without one are passed over; of one that has some, the first is the least of their places. */
#define FIND(TYPE, T)                                                                              \
    TARGET static int64_t find_##TYPE(const void *from, const uint8_t *selected, int64_t n,        \
                                      uint64_t bits) {                                             \
        const T *x = from;                                                                         \
        T sought;                                                                                  \
        memcpy(&sought, &bits, sizeof sought);                                                     \
        for (int64_t first = 0; first < n; first += 64) {                                          \
            const T *strip = x + first;                                                            \
            int count = n - first < 64 ? (int)(n - first) : 64, found = count < 64, place = 64;    \
            for (int j = 0; count == 64 && j < 64; j++)                                            \
                found += strip[j] == sought;                                                       \
            if (!found) continue;                                                                  \
            for (int j = 0; count == 64 && !selected && j < 64; j++)                               \
                place = least(place, strip[j] == sought ? j : 64);                                 \
            if (place < 64) return first + place;                                                  \
            for (int j = 0; j < count; j++)                                                        \
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

/* ---- Short rows ------------------------------------------------------------------------------------------------------ */

#ifdef ROWS

static fold_rows_fn *fold_rows(fold_step step, wn_type type, int64_t length) {
    (void)step, (void)type, (void)length;
    return ROWS;
}

#else

#define INLINE TARGET static inline __attribute__((always_inline))

typedef uint32_t wide_4 __attribute__((vector_size(32)));
typedef uint64_t wide_8 __attribute__((vector_size(32)));

/* Two rows, one behind the other. */
INLINE __m256i two_rows(const char *low, const char *high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)low)),
                                   _mm_loadu_si128((const void *)high), 1);
}

/* Eight rows of four elements to a vector for each place. */
INLINE void square_4(wide_4 *to, const char *row, int64_t pitch) {
    __m256i a = two_rows(row, row + 4 * pitch), b = two_rows(row + pitch, row + 5 * pitch),
            c = two_rows(row + 2 * pitch, row + 6 * pitch),
            d = two_rows(row + 3 * pitch, row + 7 * pitch);
    __m256i ac = _mm256_unpacklo_epi32(a, c), bd = _mm256_unpacklo_epi32(b, d),
            high_ac = _mm256_unpackhi_epi32(a, c), high_bd = _mm256_unpackhi_epi32(b, d);
    to[0] = (wide_4)_mm256_unpacklo_epi32(ac, bd);
    to[1] = (wide_4)_mm256_unpackhi_epi32(ac, bd);
    to[2] = (wide_4)_mm256_unpacklo_epi32(high_ac, high_bd);
    to[3] = (wide_4)_mm256_unpackhi_epi32(high_ac, high_bd);
}

/* Four rows of two. */
INLINE void square_8(wide_8 *to, const char *row, int64_t pitch) {
    __m256i a = two_rows(row, row + 2 * pitch), b = two_rows(row + pitch, row + 3 * pitch);
    to[0] = (wide_8)_mm256_unpacklo_epi64(a, b);
    to[1] = (wide_8)_mm256_unpackhi_epi64(a, b);
}

/*
 * `length` is a constant where this is inlined. BEGIN makes of elements what lanes begin with; then they are halved, as those of a leaf
 * are. Of a row shorter than a square's, the next one's elements are loaded too: so the last rows are copied before.
 */
#define SHORT_ROWS(name, T, SIZE, BEGIN, OPERATION)                                                \
    INLINE void rows_of_##name(T *to, const T *x, int64_t n, int length) {                         \
        typedef T wide __attribute__((vector_size(32)));                                           \
        const int rows = 32 / SIZE, places = 16 / SIZE;                                            \
        T last[FOLD_ROW * (32 / SIZE + 1)];                                                        \
        for (; n > 0; n -= rows, to += rows, x += rows * length) {                                 \
            wide_##SIZE bits[FOLD_ROW + 2];                                                        \
            wide lane[FOLD_ROW];                                                                   \
            if (n <= rows) {                                                                       \
                memset(last, 0, sizeof last);                                                      \
                x = memcpy(last, x, (size_t)(n * length) * SIZE);                                  \
            }                                                                                      \
            _Pragma("GCC unroll 4") for (int k = 0; k < length; k += places) {                     \
                int at = k && k + places > length ? length - places : k;                           \
                square_##SIZE(bits + at, (const char *)(x + at), SIZE * length);                   \
            }                                                                                      \
            _Pragma("GCC unroll 8") for (int k = 0; k < length; k++) {                             \
                wide a = (wide)bits[k];                                                            \
                lane[k] = BEGIN(a);                                                                \
            }                                                                                      \
            _Pragma("GCC unroll 4") for (int h = FOLD_ROW / 2; h > 0; h /= 2) {                    \
                _Pragma("GCC unroll 4") for (int j = 0; j < h; j++) {                              \
                    if (j + h < length) lane[j] = OPERATION(lane[j], lane[j + h]);                 \
                }                                                                                  \
            }                                                                                      \
            if (n < rows)                                                                          \
                memcpy(to, lane, (size_t)n *SIZE);                                                 \
            else                                                                                   \
                memcpy(to, lane, sizeof *lane);                                                    \
        }                                                                                          \
    }                                                                                              \
    TARGET static void short_rows_##name(void *to, const void *x, int64_t n, int64_t length) {     \
        switch (length) {                                                                          \
        case 2: rows_of_##name(to, x, n, 2); break;                                                \
        case 3: rows_of_##name(to, x, n, 3); break;                                                \
        case 4: rows_of_##name(to, x, n, 4); break;                                                \
        case 5: rows_of_##name(to, x, n, 5); break;                                                \
        case 6: rows_of_##name(to, x, n, 6); break;                                                \
        case 7: rows_of_##name(to, x, n, 7); break;                                                \
        default: rows_of_##name(to, x, n, FOLD_ROW); break;                                        \
        }                                                                                          \
    }

/* A sum begins at +0. Floats in order become keys, as below. */
#define FROM_ZERO(a) 0 + (a)
#define AS_IT_IS(a) (a)
#define KEY_OF(a, U, nan, IS_NAN)                                                                  \
    ((((a) ^ (wide)((U)((a) >> (8 * (int)sizeof((a)[0]) - 1)) >> 1)) & ~(wide)(IS_NAN)) |          \
     ((wide)(IS_NAN) & (nan)))
#define IS_NAN_4(a) (((a)&INT32_MAX) > 0x7f800000)
#define IS_NAN_8(a) (((a)&INT64_MAX) > 0x7ff0000000000000)
#define LEAST_KEY_4(a) KEY_OF(a, wide_4, INT32_MIN, IS_NAN_4(a))
#define LEAST_KEY_8(a) KEY_OF(a, wide_8, INT64_MIN, IS_NAN_8(a))
#define GREATEST_KEY_4(a) KEY_OF(a, wide_4, INT32_MAX, IS_NAN_4(a))
#define GREATEST_KEY_8(a) KEY_OF(a, wide_8, INT64_MAX, IS_NAN_8(a))
#define PLUS(a, b) (a) + (b)
#define BY(instruction, a, b) (wide) _mm256_##instruction((__m256i)(a), (__m256i)(b))
#define LEAST_I8(a, b) BY(min_epi8, a, b)
#define LEAST_I16(a, b) BY(min_epi16, a, b)
#define LEAST_I32(a, b) BY(min_epi32, a, b)
#define LEAST_U8(a, b) BY(min_epu8, a, b)
#define LEAST_U16(a, b) BY(min_epu16, a, b)
#define LEAST_U32(a, b) BY(min_epu32, a, b)
#define GREATEST_I8(a, b) BY(max_epi8, a, b)
#define GREATEST_I16(a, b) BY(max_epi16, a, b)
#define GREATEST_I32(a, b) BY(max_epi32, a, b)
#define GREATEST_U8(a, b) BY(max_epu8, a, b)
#define GREATEST_U16(a, b) BY(max_epu16, a, b)
#define GREATEST_U32(a, b) BY(max_epu32, a, b)
/* There are no such instructions for 64 bits. */
#define CHOSEN(a, b, wins) (wide) _mm256_blendv_epi8((__m256i)(a), (__m256i)(b), (__m256i)(wins))
#define LEAST_I64(a, b) CHOSEN(a, b, (b) < (a))
#define LEAST_U64(a, b) CHOSEN(a, b, (b) < (a))
#define GREATEST_I64(a, b) CHOSEN(a, b, (b) > (a))
#define GREATEST_U64(a, b) CHOSEN(a, b, (b) > (a))

/* ---- Longer rows ------------------------------------------------------------------------------------------------------- */

typedef wide_8 begin_fn(wide_8 elements);
typedef wide_8 join_fn(wide_8 a, wide_8 b);
/* What is done to elements; a constant, so that all is inlined. */
typedef struct row_kind {
    begin_fn *begin;
    join_fn *join;
    uint64_t identity; /* of all the elements of 64 bits */
    int size;
} row_kind;

/* A round of a row: as many bytes as the tree of graph/reduce.h has lanes of. */
#define ROUND_BYTES REDUCE_LANE_BYTES
/* Whether bytes are a row's, of which there are n in a round: from COUNTS + ROUND_BYTES - n on. */
static const uint8_t COUNTS[2 * ROUND_BYTES] = {[0 ... ROUND_BYTES - 1] = 0xff};

INLINE wide_8 load_wide(const void *x) {
    return (wide_8)_mm256_loadu_si256(x);
}

/* A row of `left` bytes, in rounds of `vectors`: each has a lane for every element, and the lanes are halved to those of one vector. What the
   last round reads behind the row is replaced by the identity. */
INLINE wide_8 join_row(const row_kind *kind, const char *x, int64_t left, int vectors) {
    const int64_t round = 32 * vectors;
    wide_8 lane[ROUND_BYTES / 32], identity = (wide_8){0} + kind->identity;
    _Pragma("GCC unroll 8") for (int i = 0; i < vectors; i++) {
        lane[i] = identity;
    }
    for (; vectors == 8 && left > round; left -= round, x += round)
        _Pragma("GCC unroll 8") for (int i = 0; i < vectors; i++) {
            lane[i] = kind->join(lane[i], kind->begin(load_wide(x + 32 * i)));
        }
    _Pragma("GCC unroll 8") for (int i = 0; i < vectors; i++) {
        wide_8 on = load_wide(COUNTS + ROUND_BYTES - left + 32 * i),
               some = kind->begin(load_wide(x + 32 * i));
        if (vectors == 8 || i >= vectors / 2)
            some = (some & on) | (identity & ~on); /* else all are */
        lane[i] = kind->join(lane[i], some);
    }
    _Pragma("GCC unroll 4") for (int h = vectors / 2; h > 0; h /= 2) {
        _Pragma("GCC unroll 4") for (int j = 0; j < h; j++) {
            lane[j] = kind->join(lane[j], lane[j + h]);
        }
    }
    return lane[0];
}

/* The halves of a, and those of b. */
INLINE wide_8 join_halves(const row_kind *kind, wide_8 a, wide_8 b) {
    return kind->join((wide_8)_mm256_permute2x128_si256((__m256i)a, (__m256i)b, 0x20),
                      (wide_8)_mm256_permute2x128_si256((__m256i)a, (__m256i)b, 0x31));
}

/* Four rows at a time: the vectors to which they are joined are halved together, to 64 bits for each, and those by shifts. The last rows are
   copied, as more than them is read. */
INLINE void join_rows(const row_kind *kind, char *to, const char *x, int64_t n, int64_t length,
                      int vectors) {
    char last[2 * (4 * 8 * FOLD_LONG_ROW + ROUND_BYTES)], results[32];
    int64_t at_once = 4 * length + 32 * vectors;
    const char *end = x + n * length;
    for (; n > 0; n -= 4, to += 4 * kind->size, x += 4 * length) {
        if (end - x < at_once) {
            memset(last + (end - x), 0, (size_t)at_once);
            x = memcpy(last, x, (size_t)(end - x));
            end = last + sizeof last;
        }
        wide_8 row[4];
        for (int k = 0; k < 4; k++)
            row[k] = join_row(kind, x + k * length, length, vectors);
        wide_8 a = join_halves(kind, row[0], row[2]), b = join_halves(kind, row[1], row[3]);
        a = kind->join((wide_8)_mm256_unpacklo_epi64((__m256i)a, (__m256i)b),
                       (wide_8)_mm256_unpackhi_epi64((__m256i)a, (__m256i)b));
        _Pragma("GCC unroll 4") for (int bits = 32; bits >= 8 * kind->size; bits /= 2) {
            a = kind->join(a, a >> bits);
        }
        for (int k = 0; k < 4; k++)
            memcpy(results + k * kind->size, (char *)&a + 8 * k, (size_t)kind->size);
        if (n < 4)
            memcpy(to, results, (size_t)n * (size_t)kind->size);
        else
            memcpy(to, results, 4 * (size_t)kind->size);
    }
}

#define ROWS_OF(name, T, BEGIN, OPERATION, IDENTITY)                                               \
    INLINE wide_8 begin_##name(wide_8 bits) {                                                      \
        typedef T wide __attribute__((vector_size(32)));                                           \
        wide a = (wide)bits;                                                                       \
        return (wide_8)(BEGIN(a));                                                                 \
    }                                                                                              \
    INLINE wide_8 both_##name(wide_8 bits_a, wide_8 bits_b) {                                      \
        typedef T wide __attribute__((vector_size(32)));                                           \
        wide a = (wide)bits_a, b = (wide)bits_b;                                                   \
        return (wide_8)(OPERATION(a, b));                                                          \
    }                                                                                              \
    TARGET static void long_rows_##name(void *to, const void *x, int64_t n, int64_t length) {      \
        const row_kind kind = {begin_##name, both_##name, IDENTITY, sizeof(T)};                    \
        int64_t bytes = length * (int64_t)sizeof(T);                                               \
        if (bytes <= 32)                                                                           \
            join_rows(&kind, to, x, n, bytes, 1);                                                  \
        else if (bytes <= 64)                                                                      \
            join_rows(&kind, to, x, n, bytes, 2);                                                  \
        else if (bytes <= 128)                                                                     \
            join_rows(&kind, to, x, n, bytes, 4);                                                  \
        else                                                                                       \
            join_rows(&kind, to, x, n, bytes, 8);                                                  \
    }

#define REPEATED(U, value) ((uint64_t)(U)(value) * (UINT64_MAX / (U)-1))
ROWS_OF(add_U8, uint8_t, AS_IT_IS, PLUS, 0)
ROWS_OF(add_F32, float, AS_IT_IS, PLUS, 0)
ROWS_OF(add_F64, double, AS_IT_IS, PLUS, 0)
ROWS_OF(add_U64, uint64_t, AS_IT_IS, PLUS, 0)
ROWS_OF(least_F32, int32_t, LEAST_KEY_4, LEAST_I32, REPEATED(uint32_t, INT32_MAX))
ROWS_OF(least_F64, int64_t, LEAST_KEY_8, LEAST_I64, INT64_MAX)
ROWS_OF(greatest_F32, int32_t, GREATEST_KEY_4, GREATEST_I32, REPEATED(uint32_t, INT32_MIN))
ROWS_OF(greatest_F64, int64_t, GREATEST_KEY_8, GREATEST_I64, (uint64_t)INT64_MIN)
#define ORDERED_ROWS(TYPE, T, U, LEAST, GREATEST)                                                  \
    ROWS_OF(least_##TYPE, T, AS_IT_IS, LEAST_##TYPE, REPEATED(U, GREATEST))                        \
    ROWS_OF(greatest_##TYPE, T, AS_IT_IS, GREATEST_##TYPE, REPEATED(U, LEAST))
ORDERED_ROWS(I8, int8_t, uint8_t, INT8_MIN, INT8_MAX)
ORDERED_ROWS(I16, int16_t, uint16_t, INT16_MIN, INT16_MAX)
ORDERED_ROWS(I32, int32_t, uint32_t, INT32_MIN, INT32_MAX)
ORDERED_ROWS(I64, int64_t, uint64_t, INT64_MIN, INT64_MAX)
ORDERED_ROWS(U8, uint8_t, uint8_t, 0, UINT8_MAX)
ORDERED_ROWS(U16, uint16_t, uint16_t, 0, UINT16_MAX)
ORDERED_ROWS(U32, uint32_t, uint32_t, 0, UINT32_MAX)
ORDERED_ROWS(U64, uint64_t, uint64_t, 0, UINT64_MAX)

SHORT_ROWS(add_F32, float, 4, FROM_ZERO, PLUS)
SHORT_ROWS(add_F64, double, 8, FROM_ZERO, PLUS)
SHORT_ROWS(add_U64, uint64_t, 8, AS_IT_IS, PLUS)
SHORT_ROWS(least_F32, int32_t, 4, LEAST_KEY_4, LEAST_I32)
SHORT_ROWS(least_F64, int64_t, 8, LEAST_KEY_8, LEAST_I64)
SHORT_ROWS(least_I32, int32_t, 4, AS_IT_IS, LEAST_I32)
SHORT_ROWS(greatest_F32, int32_t, 4, GREATEST_KEY_4, GREATEST_I32)
SHORT_ROWS(greatest_F64, int64_t, 8, GREATEST_KEY_8, GREATEST_I64)
SHORT_ROWS(greatest_I32, int32_t, 4, AS_IT_IS, GREATEST_I32)

/* Bytes of so many rows, which the compiler makes vectors of. */
#define ROWS_OF_BYTES(LENGTH, SUM)                                                                 \
    case LENGTH:                                                                                   \
        for (int64_t i = 0; i < n; i++, x += LENGTH)                                               \
            result[i] = (uint8_t)(SUM);                                                            \
        break;

TARGET static void short_rows_add_U8(void *to, const void *from, int64_t n, int64_t length) {
    uint8_t *restrict result = to;
    const uint8_t *restrict x = from;
    switch (length) {
        ROWS_OF_BYTES(2, x[0] + x[1])
        ROWS_OF_BYTES(3, x[0] + x[1] + x[2])
        ROWS_OF_BYTES(4, x[0] + x[1] + x[2] + x[3])
        ROWS_OF_BYTES(5, x[0] + x[1] + x[2] + x[3] + x[4])
        ROWS_OF_BYTES(6, x[0] + x[1] + x[2] + x[3] + x[4] + x[5])
        ROWS_OF_BYTES(7, x[0] + x[1] + x[2] + x[3] + x[4] + x[5] + x[6])
        ROWS_OF_BYTES(8, x[0] + x[1] + x[2] + x[3] + x[4] + x[5] + x[6] + x[7])
    default: break;
    }
}

static fold_rows_fn *fold_rows(fold_step step, wn_type type, int64_t length) {
    static fold_rows_fn *const SHORT[FOLD_GREATEST + 1][WN_TYPE_COUNT] = {
        [FOLD_ADD] =
            {[WN_U8] = short_rows_add_U8, [WN_I64] = short_rows_add_U64, [WN_U64] = short_rows_add_U64, [WN_F32] = short_rows_add_F32, [WN_F64] = short_rows_add_F64},
        [FOLD_LEAST] = {[WN_I32] = short_rows_least_I32, [WN_F32] = short_rows_least_F32, [WN_F64] = short_rows_least_F64},
        [FOLD_GREATEST] = {
            [WN_I32] = short_rows_greatest_I32, [WN_F32] = short_rows_greatest_F32, [WN_F64] = short_rows_greatest_F64}};
    static fold_rows_fn *const LONG[FOLD_GREATEST + 1][WN_TYPE_COUNT] = {
        [FOLD_ADD] =
            {[WN_U8] = long_rows_add_U8, [WN_I64] = long_rows_add_U64, [WN_U64] = long_rows_add_U64, [WN_F32] = long_rows_add_F32, [WN_F64] = long_rows_add_F64},
        [FOLD_LEAST] = {[WN_I8] = long_rows_least_I8,
                        [WN_I16] = long_rows_least_I16,
                        [WN_I32] = long_rows_least_I32,
                        [WN_I64] = long_rows_least_I64,
                        [WN_U8] = long_rows_least_U8,
                        [WN_U16] = long_rows_least_U16,
                        [WN_U32] = long_rows_least_U32,
                        [WN_U64] = long_rows_least_U64,
                        [WN_F32] = long_rows_least_F32,
                        [WN_F64] = long_rows_least_F64},
        [FOLD_GREATEST] = {[WN_I8] = long_rows_greatest_I8,
                           [WN_I16] = long_rows_greatest_I16,
                           [WN_I32] = long_rows_greatest_I32,
                           [WN_I64] = long_rows_greatest_I64,
                           [WN_U8] = long_rows_greatest_U8,
                           [WN_U16] = long_rows_greatest_U16,
                           [WN_U32] = long_rows_greatest_U32,
                           [WN_U64] = long_rows_greatest_U64,
                           [WN_F32] = long_rows_greatest_F32,
                           [WN_F64] = long_rows_greatest_F64}};
    return (length <= FOLD_ROW ? SHORT : LONG)[step][type];
}

#endif

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

TARGET static void fold_widen(int64_t *restrict to, const uint8_t *restrict x, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        to[j] = x[j];
}

#define DIVIDE(T)                                                                                  \
    TARGET static void divide_##T(T *restrict x, const int64_t *restrict by, T all, int64_t n) {   \
        for (int64_t j = 0; by && j < n; j++)                                                      \
            x[j] /= (T)by[j];                                                                      \
        for (int64_t j = 0; !by && j < n; j++)                                                     \
            x[j] /= all;                                                                           \
    }
DIVIDE(float)
DIVIDE(double)

/* Sums of integers, in whose place their means are put. */
TARGET static void divide_integers(void *x, const int64_t *restrict by, int64_t all, int64_t n) {
    const int64_t *sum = x;
    double *mean = x;
    for (int64_t j = 0; j < n; j++)
        mean[j] = (double)sum[j] / (double)(by ? by[j] : all);
}

TARGET static void fold_divide(wn_type type, void *x, const int64_t *by, int64_t all, int64_t n) {
    if (type == WN_F32) divide_float(x, by, (float)all, n);
    if (type == WN_F64) divide_double(x, by, (double)all, n);
    if (!type_is_float(type)) divide_integers(x, by, all, n);
}

TARGET static void fold_decide(bool any, uint8_t *restrict to, const int64_t *restrict trues,
                               const int64_t *restrict of, int64_t all, int64_t n) {
    for (int64_t j = 0; any && j < n; j++)
        to[j] = trues[j] != 0;
    for (int64_t j = 0; !any && of && j < n; j++)
        to[j] = trues[j] == of[j];
    for (int64_t j = 0; !any && !of && j < n; j++)
        to[j] = trues[j] == all;
}

const fold_loops LOOPS = {fold_of,    fold_rows,   fold_place_of, fold_join_places, fold_fill,
                          fold_blend, fold_truths, fold_keys,     fold_unkey,       fold_flush,
                          fold_widen, fold_divide, fold_decide,   fold_find};
