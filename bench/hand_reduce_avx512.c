/*
 * hand_reduce_avx512.c - the hand-written reductions for AVX-512 (F, BW, DQ, VL).
 *
 * As hand_reduce_avx2.c, but a selected lane is a masked operation's, and vrangeps knows -0 from +0, so that only the NaNs are left
 * to be found beside it.
 */
#include "hand.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#include <math.h>

#define LANES 16
#define PARTS 4
#define REDUCTION(name) size_t wn_hand_##name##_avx512(const hand_inputs *in, void *out, size_t n)
#define STORE(T, value) (*(T *)out = (value), (size_t)1)

/* All parts as one. */
#define FOLD4(op, part) op(op((part)[0], (part)[1]), op((part)[2], (part)[3]))

/* part[k] = joined for the vector at i + k * lanes. */
#define JOIN(part, lanes, n, joined)                                                               \
    for (size_t i = 0; i < n; i += PARTS * (lanes))                                                \
        for (size_t k = 0; k < PARTS; k++)                                                         \
    (part)[k] = joined

/* ---- Sums ------------------------------------------------------------------------------------------------------------- */

static inline __m512 all_at(const hand_inputs *in, size_t i) {
    return _mm512_load_ps(in->x + i);
}

/* vmaxps gives its second operand for a NaN: what is not above 0 is 0. */
static inline __m512 positive_at(const hand_inputs *in, size_t i) {
    return _mm512_max_ps(_mm512_load_ps(in->x + i), _mm512_setzero_ps());
}

static inline __m512 add_all(__m512 sum, const hand_inputs *in, size_t i) {
    return _mm512_add_ps(sum, all_at(in, i));
}

static inline __m512 add_positive(__m512 sum, const hand_inputs *in, size_t i) {
    return _mm512_add_ps(sum, positive_at(in, i));
}

static inline __m512 add_selected(__m512 sum, const hand_inputs *in, size_t i) {
    __m128i bools = _mm_load_si128((const __m128i *)(in->m + i));
    return _mm512_mask_add_ps(sum, _mm_test_epi8_mask(bools, bools), sum, all_at(in, i));
}

static inline __m512 add_selected_ahead(__m512 sum, const hand_inputs *in, size_t i) {
    _mm_prefetch((const char *)(in->x + i + HAND_AHEAD), _MM_HINT_T0);
    if (i % 64 == 0) _mm_prefetch((const char *)(in->m + i + HAND_AHEAD), _MM_HINT_T0);
    return add_selected(sum, in, i);
}

#define SUM(name, add, result)                                                                     \
    REDUCTION(name) {                                                                              \
        __m512 part[PARTS] = {_mm512_setzero_ps()};                                                \
        JOIN(part, LANES, n, add(part[k], in, i + k * LANES));                                     \
        float sum = _mm512_reduce_add_ps(FOLD4(_mm512_add_ps, part));                              \
        return STORE(float, result);                                                               \
    }
SUM(sum, add_all, sum)
SUM(sum_where, add_selected, sum)
SUM(sum_where_ahead, add_selected_ahead, sum)
SUM(sum_positive, add_positive, sum)
SUM(mean, add_all, sum / (float)n)

REDUCTION(sum_f64) {
    __m512d part[PARTS] = {_mm512_setzero_pd()};
    JOIN(part, 8, n, _mm512_add_pd(part[k], _mm512_load_pd(in->d + i + k * 8)));
    return STORE(double, _mm512_reduce_add_pd(FOLD4(_mm512_add_pd, part)));
}

/*
 * The sum of the upper halves and the sum modulo 2^32 give the whole sum of up to 2^16 values: what the lower halves add up to is
 * their difference, and below 2^32. That is three operations a vector, where widening takes four.
 */
static inline __m512i widen_sums(__m512i upper, __m512i modulo) {
    __m512i low = _mm512_sub_epi32(modulo, _mm512_slli_epi32(upper, 16));
    __m512i up = _mm512_add_epi64(_mm512_srai_epi64(_mm512_slli_epi64(upper, 32), 32),
                                  _mm512_srai_epi64(upper, 32));
    __m512i even = _mm512_and_si512(low, _mm512_set1_epi64(0xffffffff));
    low = _mm512_add_epi64(even, _mm512_srli_epi64(low, 32));
    return _mm512_add_epi64(_mm512_slli_epi64(up, 16), low);
}

REDUCTION(sum_i32) {
    __m512i sum = _mm512_setzero_si512();
    for (size_t first = 0, end; first < n; first = end) {
        __m512i upper[4] = {_mm512_setzero_si512()}, modulo[4] = {_mm512_setzero_si512()};
        end = n - first < 64 << 16 ? n : first + (64 << 16);
        for (size_t i = first; i < end; i += 64)
            for (size_t k = 0; k < 4; k++) {
                __m512i v = _mm512_load_si512(in->i + i + k * LANES);
                modulo[k] = _mm512_add_epi32(modulo[k], v);
                upper[k] = _mm512_add_epi32(upper[k], _mm512_srai_epi32(v, 16));
            }
        for (size_t k = 0; k < 4; k++)
            sum = _mm512_add_epi64(sum, widen_sums(upper[k], modulo[k]));
    }
    return STORE(int64_t, _mm512_reduce_add_epi64(sum));
}

/* The distances of eight bytes from 0, added up by one instruction. */
static inline int64_t sum_bytes(const uint8_t *u, size_t n) {
    __m512i sum = _mm512_setzero_si512();
    _Pragma("GCC unroll 4") for (size_t i = 0; i < n; i += 64) {
        __m512i v = _mm512_load_si512(u + i);
        sum = _mm512_add_epi64(sum, _mm512_sad_epu8(v, _mm512_setzero_si512()));
    }
    return _mm512_reduce_add_epi64(sum);
}

REDUCTION(sum_u8) {
    return STORE(int64_t, sum_bytes(in->u, n));
}

REDUCTION(mean_u8) {
    return STORE(double, (double)sum_bytes(in->u, n) / (double)n);
}

/* ---- Counts ----------------------------------------------------------------------------------------------------------- */

#define COUNT(name, predicate)                                                                       \
    REDUCTION(name) {                                                                                \
        __m512i part[4] = {_mm512_setzero_si512()};                                                  \
        for (size_t i = 0; i < n; i += 4 * LANES)                                                    \
            for (size_t k = 0; k < 4; k++) {                                                         \
                __mmask16 true_here =                                                                \
                    _mm512_cmp_ps_mask(all_at(in, i + k * LANES), _mm512_setzero_ps(), predicate);   \
                part[k] = _mm512_mask_sub_epi32(part[k], true_here, part[k], _mm512_set1_epi32(-1)); \
            }                                                                                        \
        __m512i all = FOLD4(_mm512_add_epi32, part);                                                 \
        return STORE(int64_t, (unsigned)_mm512_reduce_add_epi32(all));                               \
    }
COUNT(count_negative, _CMP_LT_OQ)
COUNT(count_nonzero, _CMP_NEQ_UQ)

/* A branch every 256 elements ends it early. */
REDUCTION(any) {
    for (size_t i = 0, end; i < n; i = end) {
        __mmask16 all[4] = {0};
        end = n - i < 256 ? n : i + 256;
        for (size_t j = i; j < end; j += 4 * LANES)
            for (size_t k = 0; k < 4; k++)
                all[k] |= _mm512_cmp_ps_mask(all_at(in, j + k * LANES), _mm512_set1_ps(2), _CMP_GT_OQ);
        if (all[0] | all[1] | all[2] | all[3]) return STORE(char, 1);
    }
    return STORE(char, 0);
}

/* ---- The least and the greatest --------------------------------------------------------------------------------------- */

/* vrangeps: the least or the greatest by value, the sign that of what is chosen; of a number and a NaN, the number. */
#define MIN(a, b) _mm512_range_ps(a, b, 4)
#define MAX(a, b) _mm512_range_ps(a, b, 5)

/* Elements [first, end) to the best of each lane, and whether there are NaNs. */
#define JOIN_ORDER(op, best, nan, first, end)                                                      \
    for (size_t i = first; i < end; i += 4 * LANES)                                                \
        for (size_t k = 0; k < 4; k += 2) {                                                        \
            __m512 v = all_at(in, i + k * LANES), w = all_at(in, i + k * LANES + LANES);           \
            best[k] = op(best[k], v);                                                              \
            best[k + 1] = op(best[k + 1], w);                                                      \
            nan[k / 2] |= _mm512_cmp_ps_mask(v, w, _CMP_UNORD_Q);                                  \
        }

/* The best of all lanes. */
#define HORIZONTAL(name, op)                                                                       \
    static inline float name(__m512 v) {                                                           \
        v = op(v, _mm512_shuffle_f32x4(v, v, 0x4e));                                               \
        v = op(v, _mm512_shuffle_f32x4(v, v, 0xb1));                                               \
        v = op(v, _mm512_permute_ps(v, 0x4e));                                                     \
        return _mm512_cvtss_f32(op(v, _mm512_permute_ps(v, 0xb1)));                                \
    }
HORIZONTAL(min_of, MIN)
HORIZONTAL(max_of, MAX)

#define ORDER(name, op, op_of, worst)                                                              \
    REDUCTION(name) {                                                                              \
        __m512 from = _mm512_set1_ps(worst), best[4] = {from, from, from, from};                   \
        __mmask16 nan[2] = {0, 0};                                                                 \
        JOIN_ORDER(op, best, nan, 0, n)                                                            \
        return STORE(float, nan[0] | nan[1] ? NAN : op_of(FOLD4(op, best)));                       \
    }
ORDER(min, MIN, min_of, INFINITY)
ORDER(max, MAX, max_of, -INFINITY)

/* The first element from x[i] on that is equal to `value`, or NaN if that is: there is one. */
static size_t find(const float *x, size_t i, float value) {
    for (;; i += LANES) {
        __m512 v = _mm512_load_ps(x + i), wanted = _mm512_set1_ps(value);
        __mmask16 here = isnan(value) ? _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q)
                                      : _mm512_cmp_ps_mask(v, wanted, _CMP_EQ_OQ);
        if (here) return i + (size_t)__builtin_ctz(here);
    }
}

/* Only the block of the least is searched for its place. */
REDUCTION(argmin) {
    float least = INFINITY;
    size_t block = 0;
    for (size_t first = 0, end; first < n; first = end) {
        __m512 infinity = _mm512_set1_ps(INFINITY);
        __m512 best[4] = {infinity, infinity, infinity, infinity};
        __mmask16 nan[2] = {0, 0};
        end = n - first < 1024 ? n : first + 1024;
        JOIN_ORDER(_mm512_min_ps, best, nan, first, end)
        if (nan[0] | nan[1]) return STORE(int64_t, (int64_t)find(in->x, first, NAN));
        float value = min_of(FOLD4(_mm512_min_ps, best));
        if (value < least) {
            least = value;
            block = first;
        }
    }
    return STORE(int64_t, (int64_t)find(in->x, block, least));
}

#endif
