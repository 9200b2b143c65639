/*
 * hand_avx512.c - the hand-written loops for AVX-512 (F, BW, DQ, VL).
 *
 * Packing compresses in a register and stores the whole vector, since vpcompressps to memory is microcoded on some
 * processors; the next store overwrites what did not belong: never past out + n, since position <= i. The form that merges
 * into the vector itself is taken, though nobody needs its upper lanes: Zen 5 waits for the old value of the target even
 * where the zeroing form does not use it, and a target that is not the freshly loaded source makes the loop 2.7 times
 * slower.
 */
#include "hand.h"

#if defined(__AVX512F__)
#include <immintrin.h>

#define LANES 16
#define UNROLL 4

/* ---- Elementwise ------------------------------------------------------------------------------------------------------ */

/* vmaxps gives its second operand when either is NaN or both are zero: this is where(x < 0, 0, x) to the bit. */
static inline __m512 where_at(hand_inputs in, size_t i) {
    return _mm512_max_ps(_mm512_setzero_ps(), _mm512_load_ps(in.x + i));
}

/* Times 1 changes nothing, so only the lanes that are not kept are multiplied. */
static inline __m512 scale_at(hand_inputs in, size_t i) {
    __m512 x = _mm512_load_ps(in.x + i);
    __mmask16 drop = _mm512_cmp_ps_mask(_mm512_load_ps(in.a + i), _mm512_set1_ps(0.1f), _CMP_NGT_UQ);
    return _mm512_mask_mul_ps(x, drop, x, _mm512_setzero_ps());
}

#define MAP(name, value, store, finish)                                                            \
    size_t wn_hand_##name##_avx512(const hand_inputs *inputs, void *out, size_t n) {               \
        const hand_inputs in = *inputs;                                                            \
        float *y = out;                                                                            \
        for (size_t i = 0; i < n; i += LANES * UNROLL)                                             \
            for (size_t u = 0; u < UNROLL; u++)                                                    \
                store(y + i + u * LANES, value(in, i + u * LANES));                                \
        finish;                                                                                    \
        return n;                                                                                  \
    }

MAP(where, where_at, _mm512_store_ps, (void)0)
MAP(where_stream, where_at, _mm512_stream_ps, _mm_sfence())
MAP(scale, scale_at, _mm512_store_ps, (void)0)
MAP(scale_stream, scale_at, _mm512_stream_ps, _mm_sfence())

/* ---- Bools, a byte each ----------------------------------------------------------------------------------------------- */

static inline __mmask16 negative_at(hand_inputs in, size_t i) {
    return _mm512_cmp_ps_mask(_mm512_load_ps(in.x + i), _mm512_setzero_ps(), _CMP_LT_OQ);
}

static inline __mmask16 both_at(hand_inputs in, size_t i) {
    __mmask16 a = _mm512_cmp_ps_mask(_mm512_load_ps(in.a + i), _mm512_setzero_ps(), _CMP_GT_OQ);
    return _mm512_mask_cmp_ps_mask(a, _mm512_load_ps(in.b + i), _mm512_set1_ps(0.2f), _CMP_LT_OQ);
}

static inline __mmask16 logic_at(hand_inputs in, size_t i) {
    __m512 c = _mm512_load_ps(in.c + i), x = _mm512_load_ps(in.x + i);
    return _kor_mask16(both_at(in, i), _mm512_cmp_ps_mask(c, x, _CMP_NGE_UQ));
}

static inline __m512i logic_bytes_at(hand_inputs in, size_t i) {
    __mmask32 low = _mm512_kunpackw(logic_at(in, i + 16), logic_at(in, i));
    __mmask32 high = _mm512_kunpackw(logic_at(in, i + 48), logic_at(in, i + 32));
    return _mm512_maskz_mov_epi8(_mm512_kunpackd(high, low), _mm512_set1_epi8(1));
}

#define LOGIC(name, store, finish)                                                                 \
    size_t wn_hand_##name##_avx512(const hand_inputs *inputs, void *out, size_t n) {               \
        const hand_inputs in = *inputs;                                                            \
        char *y = out;                                                                             \
        for (size_t i = 0; i < n; i += 64)                                                         \
            store((__m512i *)(y + i), logic_bytes_at(in, i));                                      \
        finish;                                                                                    \
        return n;                                                                                  \
    }

LOGIC(logic, _mm512_store_si512, (void)0)
LOGIC(logic_stream, _mm512_stream_si512, _mm_sfence())

/* ---- Packing ---------------------------------------------------------------------------------------------------------- */

/* All loads of a step come before its first store: a load may be held up by a store whose address is not known yet. */
#define PACK(name, mask_at)                                                                        \
    size_t wn_hand_##name##_avx512(const hand_inputs *inputs, void *out, size_t n) {               \
        const hand_inputs in = *inputs;                                                            \
        float *y = out;                                                                            \
        for (size_t i = 0; i < n; i += LANES * UNROLL) {                                           \
            __m512 values[UNROLL];                                                                 \
            __mmask16 masks[UNROLL];                                                               \
            for (size_t u = 0; u < UNROLL; u++) {                                                  \
                __m512 value = _mm512_load_ps(in.x + i + u * LANES);                               \
                masks[u] = mask_at(in, i + u * LANES);                                             \
                values[u] = _mm512_mask_compress_ps(value, masks[u], value);                       \
            }                                                                                      \
            for (size_t u = 0; u < UNROLL; u++) {                                                  \
                _mm512_storeu_ps(y, values[u]);                                                    \
                y += (unsigned)_mm_popcnt_u64(masks[u]);                                           \
            }                                                                                      \
        }                                                                                          \
        return (size_t)(y - (float *)out);                                                         \
    }

PACK(negative, negative_at)
PACK(both, both_at)

static void stream_lines(float *to, const float *from, size_t count) {
    for (size_t i = 0; i < count; i += LANES)
        _mm512_stream_ps(to + i, _mm512_load_ps(from + i));
    _mm_sfence();
}

size_t wn_hand_negative_stream_avx512(const hand_inputs *inputs, void *out, size_t n) {
    return hand_pack_streaming(wn_hand_negative_avx512, stream_lines, inputs, out, n);
}

size_t wn_hand_both_stream_avx512(const hand_inputs *inputs, void *out, size_t n) {
    return hand_pack_streaming(wn_hand_both_avx512, stream_lines, inputs, out, n);
}

/* ---- Expanding -------------------------------------------------------------------------------------------------------- */

size_t wn_hand_expand_avx512(const hand_inputs *inputs, void *out, size_t n) {
    const hand_inputs in = *inputs;
    const float *v = in.v;
    float *y = out;
    for (size_t i = 0; i < n; i += LANES * UNROLL)
        for (size_t u = i; u < i + LANES * UNROLL; u += LANES) {
            __m128i bools = _mm_load_si128((const __m128i *)(in.m + u));
            __mmask16 mask = _mm_test_epi8_mask(bools, bools);
            __m512 fill = _mm512_load_ps(in.x + u);
            _mm512_store_ps(y + u, _mm512_mask_expand_ps(fill, mask, _mm512_loadu_ps(v)));
            v += (unsigned)_mm_popcnt_u64(mask);
        }
    return n;
}

/* ---- Counting --------------------------------------------------------------------------------------------------------- */

/* A masked subtraction of -1 counts in the lanes: no mask has to cross to a general register. */
static inline __m512i count_at(__m512i sum, hand_inputs in, size_t i) {
    return _mm512_mask_sub_epi32(sum, negative_at(in, i), sum, _mm512_set1_epi32(-1));
}

size_t wn_hand_count_avx512(const hand_inputs *inputs, void *out, size_t n) {
    (void)out;
    const hand_inputs in = *inputs;
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    for (size_t i = 0; i < n; i += 64) {
        s0 = count_at(s0, in, i);
        s1 = count_at(s1, in, i + 16);
        s2 = count_at(s2, in, i + 32);
        s3 = count_at(s3, in, i + 48);
    }
    __m512i sum = _mm512_add_epi32(_mm512_add_epi32(s0, s1), _mm512_add_epi32(s2, s3));
    return (unsigned)_mm512_reduce_add_epi32(sum);
}

#endif
