/*
 * hand_reduce_avx2.c - the hand-written reductions for AVX2.
 *
 * Sums add up in an order of their own: eight vectors side by side hide an addition's latency. vminps and vmaxps lose NaNs and
 * do not know one zero from the other; both are made good beside them: one comparison finds the NaNs of two vectors, and the OR
 * (max: AND) of all bits says by its sign whether a zero of the other sign came by, which matters only if the result is a zero.
 */
#include "hand.h"

#if defined(__AVX2__)
#include <immintrin.h>
#include <math.h>

#define LANES 8
#define PARTS 8
#define REDUCTION(name) size_t wn_hand_##name##_avx2(const hand_inputs *in, void *out, size_t n)
#define STORE(T, value) (*(T *)out = (value), (size_t)1)

/* ---- Lanes to one value ----------------------------------------------------------------------------------------------- */

#define HORIZONTAL(name, op)                                                                       \
    static inline float name(__m256 v) {                                                           \
        __m128 h = op(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));                     \
        h = op(h, _mm_movehl_ps(h, h));                                                            \
        return _mm_cvtss_f32(op(h, _mm_movehdup_ps(h)));                                           \
    }
HORIZONTAL(sum_of, _mm_add_ps)
HORIZONTAL(min_of, _mm_min_ps)
HORIZONTAL(max_of, _mm_max_ps)

static inline double sum_of_doubles(__m256d v) {
    __m128d h = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(h, _mm_unpackhi_pd(h, h)));
}

static inline int64_t sum_of_longs(__m256i v) {
    __m128i h = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return _mm_cvtsi128_si64(_mm_add_epi64(h, _mm_unpackhi_epi64(h, h)));
}

/* All parts as one. */
#define FOLD4(op, part) op(op((part)[0], (part)[1]), op((part)[2], (part)[3]))
#define FOLD8(op, part) op(FOLD4(op, part), FOLD4(op, (part) + 4))

/* ---- Sums ------------------------------------------------------------------------------------------------------------- */

static inline __m256 all_at(const hand_inputs *in, size_t i) {
    return _mm256_load_ps(in->x + i);
}

/* vmaxps gives its second operand for a NaN: what is not above 0 is 0. */
static inline __m256 positive_at(const hand_inputs *in, size_t i) {
    return _mm256_max_ps(_mm256_load_ps(in->x + i), _mm256_setzero_ps());
}

/* A bool is 0 or 1: 0 - bool is a mask, each byte of which is shuffled to the four of its element. */
static inline __m256 selected_at(const hand_inputs *in, size_t i) {
    const __m256i spread[2] = {_mm256_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4,
                                                4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7),
                               _mm256_setr_epi8(8, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11,
                                                11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14,
                                                15, 15, 15, 15)};
    __m128i bools = _mm_load_si128((const __m128i *)(in->m + (i & ~(size_t)15)));
    __m256i mask = _mm256_broadcastsi128_si256(_mm_sub_epi8(_mm_setzero_si128(), bools));
    mask = _mm256_shuffle_epi8(mask, spread[i / 8 % 2]);
    return _mm256_and_ps(_mm256_load_ps(in->x + i), _mm256_castsi256_ps(mask));
}

static inline __m256 selected_ahead_at(const hand_inputs *in, size_t i) {
    if (i % 16 == 0) _mm_prefetch((const char *)(in->x + i + HAND_AHEAD), _MM_HINT_T0);
    if (i % 64 == 0) _mm_prefetch((const char *)(in->m + i + HAND_AHEAD), _MM_HINT_T0);
    return selected_at(in, i);
}

#define SUM(name, value_at, result)                                                                \
    REDUCTION(name) {                                                                              \
        __m256 part[PARTS] = {_mm256_setzero_ps()};                                                \
        for (size_t i = 0; i < n; i += LANES * PARTS)                                              \
            for (size_t k = 0; k < PARTS; k++)                                                     \
                part[k] = _mm256_add_ps(part[k], value_at(in, i + k * LANES));                     \
        float sum = sum_of(FOLD8(_mm256_add_ps, part));                                            \
        return STORE(float, result);                                                               \
    }
SUM(sum, all_at, sum)
SUM(sum_where, selected_at, sum)
SUM(sum_where_ahead, selected_ahead_at, sum)
SUM(sum_positive, positive_at, sum)
SUM(mean, all_at, sum / (float)n)

REDUCTION(sum_f64) {
    __m256d part[PARTS] = {_mm256_setzero_pd()};
    for (size_t i = 0; i < n; i += 4 * PARTS)
        for (size_t k = 0; k < PARTS; k++)
            part[k] = _mm256_add_pd(part[k], _mm256_load_pd(in->d + i + 4 * k));
    return STORE(double, sum_of_doubles(FOLD8(_mm256_add_pd, part)));
}

/*
 * The sum of the upper halves and the sum modulo 2^32 give the whole sum of up to 2^16 values: what the lower halves add up to is
 * their difference, and below 2^32. That is three operations a vector, where widening takes four.
 */
static inline __m256i widen_sums(__m256i upper, __m256i modulo) {
    __m256i low = _mm256_sub_epi32(modulo, _mm256_slli_epi32(upper, 16));
    __m256i up = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(upper)),
                                  _mm256_cvtepi32_epi64(_mm256_extracti128_si256(upper, 1)));
    __m256i even = _mm256_and_si256(low, _mm256_set1_epi64x(0xffffffff));
    low = _mm256_add_epi64(even, _mm256_srli_epi64(low, 32));
    return _mm256_add_epi64(_mm256_slli_epi64(up, 16), low);
}

REDUCTION(sum_i32) {
    __m256i sum = _mm256_setzero_si256();
    for (size_t first = 0, end; first < n; first = end) {
        __m256i upper[4] = {_mm256_setzero_si256()}, modulo[4] = {_mm256_setzero_si256()};
        end = n - first < 32 << 16 ? n : first + (32 << 16);
        for (size_t i = first; i < end; i += 32)
            for (size_t k = 0; k < 4; k++) {
                __m256i v = _mm256_load_si256((const __m256i *)(in->i + i + 8 * k));
                modulo[k] = _mm256_add_epi32(modulo[k], v);
                upper[k] = _mm256_add_epi32(upper[k], _mm256_srai_epi32(v, 16));
            }
        for (size_t k = 0; k < 4; k++)
            sum = _mm256_add_epi64(sum, widen_sums(upper[k], modulo[k]));
    }
    return STORE(int64_t, sum_of_longs(sum));
}

/* The distances of eight bytes from 0, added up by one instruction. */
static inline int64_t sum_bytes(const uint8_t *u, size_t n) {
    const __m256i zero = _mm256_setzero_si256();
    __m256i part[2] = {zero, zero};
    _Pragma("GCC unroll 4") for (size_t i = 0; i < n; i += 64) {
        __m256i v = _mm256_load_si256((const __m256i *)(u + i)),
                w = _mm256_load_si256((const __m256i *)(u + i + 32));
        part[0] = _mm256_add_epi64(part[0], _mm256_sad_epu8(v, zero));
        part[1] = _mm256_add_epi64(part[1], _mm256_sad_epu8(w, zero));
    }
    return sum_of_longs(_mm256_add_epi64(part[0], part[1]));
}

REDUCTION(sum_u8) {
    return STORE(int64_t, sum_bytes(in->u, n));
}

REDUCTION(mean_u8) {
    return STORE(double, (double)sum_bytes(in->u, n) / (double)n);
}

/* ---- Counts ----------------------------------------------------------------------------------------------------------- */

/* A lane that is true is -1. The predicate is of 0 and x, since the second operand may come from memory. */
#define COUNT(name, predicate)                                                                     \
    REDUCTION(name) {                                                                              \
        __m256i part[4] = {_mm256_setzero_si256()};                                                \
        for (size_t i = 0; i < n; i += 8 * LANES)                                                  \
            for (size_t k = 0; k < 8; k++) {                                                       \
                __m256 v = all_at(in, i + k * LANES);                                              \
                v = _mm256_cmp_ps(_mm256_setzero_ps(), v, predicate);                              \
                part[k % 4] = _mm256_sub_epi32(part[k % 4], _mm256_castps_si256(v));               \
            }                                                                                      \
        __m256i all = FOLD4(_mm256_add_epi32, part);                                               \
        return STORE(int64_t, sum_of_longs(widen_sums(_mm256_setzero_si256(), all)));              \
    }
COUNT(count_negative, _CMP_GT_OQ)
COUNT(count_nonzero, _CMP_NEQ_UQ)

/* A branch every 128 elements ends it early. */
REDUCTION(any) {
    for (size_t i = 0, end; i < n; i = end) {
        __m256 all[4] = {_mm256_setzero_ps()};
        end = n - i < 128 ? n : i + 128;
        for (size_t j = i; j < end; j += 64)
            for (size_t k = 0; k < 8; k++)
                all[k % 4] = _mm256_or_ps(all[k % 4], _mm256_cmp_ps(all_at(in, j + 8 * k),
                                                                    _mm256_set1_ps(2), _CMP_GT_OQ));
        if (_mm256_movemask_ps(FOLD4(_mm256_or_ps, all))) return STORE(char, 1);
    }
    return STORE(char, 0);
}

/* ---- The least and the greatest --------------------------------------------------------------------------------------- */

/* Elements [first, end) to the best of each lane, and to where the NaNs are; what else is to be done with vectors v and w. */
#define JOIN(op, best, nan, first, end, also)                                                      \
    for (size_t i = first; i < end; i += LANES * 4)                                                \
        for (size_t k = 0; k < 4; k += 2) {                                                        \
            __m256 v = all_at(in, i + k * LANES), w = all_at(in, i + k * LANES + LANES);           \
            best[k] = op(best[k], v);                                                              \
            best[k + 1] = op(best[k + 1], w);                                                      \
            nan[k / 2] = _mm256_or_ps(nan[k / 2], _mm256_cmp_ps(v, w, _CMP_UNORD_Q));              \
            also;                                                                                  \
        }

#define ORDER(name, op, op_of, worst, bits_op, is_negative)                                        \
    REDUCTION(name) {                                                                              \
        __m256 from = _mm256_set1_ps(worst), zero = _mm256_setzero_ps();                           \
        __m256 best[4] = {from, from, from, from}, nan[2] = {zero, zero};                          \
        __m256 bits[2] = {all_at(in, 0), all_at(in, 0)};                                           \
        JOIN(op, best, nan, 0, n, bits[k / 2] = bits_op(bits[k / 2], bits_op(v, w)))               \
        if (_mm256_movemask_ps(_mm256_or_ps(nan[0], nan[1]))) return STORE(float, NAN);            \
        float value = op_of(FOLD4(op, best));                                                      \
        int signs = _mm256_movemask_ps(bits_op(bits[0], bits[1]));                                 \
        if (value == 0) value = is_negative ? -0.0f : 0.0f;                                        \
        return STORE(float, value);                                                                \
    }
ORDER(min, _mm256_min_ps, min_of, INFINITY, _mm256_or_ps, signs != 0)
ORDER(max, _mm256_max_ps, max_of, -INFINITY, _mm256_and_ps, signs == 0xff)

/* The first element from x[i] on that is equal to `value`, or NaN if that is: there is one. */
static size_t find(const float *x, size_t i, float value) {
    for (;; i += LANES) {
        __m256 v = _mm256_load_ps(x + i), wanted = _mm256_set1_ps(value);
        __m256 here =
            isnan(value) ? _mm256_cmp_ps(v, v, _CMP_UNORD_Q) : _mm256_cmp_ps(v, wanted, _CMP_EQ_OQ);
        int mask = _mm256_movemask_ps(here);
        if (mask) return i + (size_t)__builtin_ctz((unsigned)mask);
    }
}

/* Only the block of the least is searched for its place. */
REDUCTION(argmin) {
    float least = INFINITY;
    size_t block = 0;
    for (size_t first = 0, end; first < n; first = end) {
        __m256 infinity = _mm256_set1_ps(INFINITY), zero = _mm256_setzero_ps();
        __m256 best[4] = {infinity, infinity, infinity, infinity}, nan[2] = {zero, zero};
        end = n - first < 1024 ? n : first + 1024;
        JOIN(_mm256_min_ps, best, nan, first, end, (void)0)
        if (_mm256_movemask_ps(_mm256_or_ps(nan[0], nan[1])))
            return STORE(int64_t, (int64_t)find(in->x, first, NAN));
        float value = min_of(FOLD4(_mm256_min_ps, best));
        if (value < least) {
            least = value;
            block = first;
        }
    }
    return STORE(int64_t, (int64_t)find(in->x, block, least));
}

#endif
