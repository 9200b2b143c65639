/*
 * hand_avx512.c - the hand-written loops for AVX-512 (F, BW, DQ, VL).
 *
 * Packing compresses in a register and stores the whole vector, since vpcompressps to memory is microcoded on some
 * processors; the next store overwrites what did not belong: never past out + n, since position <= i. The form that merges
 * into the vector itself is taken, though nobody needs its upper lanes: Zen 5 waits for the old value of the target even
 * where the zeroing form does not use it, and a target that is not the freshly loaded source makes the loop 2.7 times
 * slower.
 *
 * u8[u < 77] has VBMI2's byte compression; there is one of it in a step, so that 64 elements are enough.
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

static inline __m512d where_f64_at(hand_inputs in, size_t i) {
    return _mm512_max_pd(_mm512_setzero_pd(), _mm512_load_pd(in.d + i));
}

static inline __m512i where_i16_at(hand_inputs in, size_t i) {
    return _mm512_max_epi16(_mm512_setzero_si512(), _mm512_load_si512(in.s + i));
}

/* Times 1 changes nothing, so only the lanes that are not kept are multiplied. */
static inline __m512 scale_at(hand_inputs in, size_t i) {
    __m512 x = _mm512_load_ps(in.x + i);
    __mmask16 drop = _mm512_cmp_ps_mask(_mm512_load_ps(in.a + i), _mm512_set1_ps(0.1f), _CMP_NGT_UQ);
    return _mm512_mask_mul_ps(x, drop, x, _mm512_setzero_ps());
}

/* where((a > 0) & (b < 0.2) | !(c >= x), x * 2 + a * b - where(c < e, c, e), (x - f) * 0.5 + abs(e) - f * (a - c)), each step
   rounded; vminps gives its second operand unless the first is less. */
static inline __m512 nodes20_at(hand_inputs in, size_t i) {
    __m512 x = _mm512_load_ps(in.x + i), a = _mm512_load_ps(in.a + i), b = _mm512_load_ps(in.b + i);
    __m512 c = _mm512_load_ps(in.c + i), e = _mm512_load_ps(in.e + i), f = _mm512_load_ps(in.f + i);
    __mmask16 m = _mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_GT_OQ);
    m = _mm512_mask_cmp_ps_mask(m, b, _mm512_set1_ps(0.2f), _CMP_LT_OQ);
    m = _kor_mask16(m, _mm512_cmp_ps_mask(c, x, _CMP_NGE_UQ));
    __m512 yes = _mm512_add_ps(_mm512_add_ps(x, x), _mm512_mul_ps(a, b));
    yes = _mm512_sub_ps(yes, _mm512_min_ps(c, e));
    __m512 no = _mm512_mul_ps(_mm512_sub_ps(x, f), _mm512_set1_ps(0.5f));
    no = _mm512_add_ps(no, _mm512_abs_ps(e));
    no = _mm512_sub_ps(no, _mm512_mul_ps(f, _mm512_sub_ps(a, c)));
    return _mm512_mask_mov_ps(no, m, yes);
}

#define MAP_OF(T, lanes, name, value, store, finish)                                               \
    size_t wn_hand_##name##_avx512(const hand_inputs *inputs, void *out, size_t n) {               \
        const hand_inputs in = *inputs;                                                            \
        T *y = out;                                                                                \
        size_t i = 0, step = (lanes)*UNROLL;                                                       \
        for (; i + step <= n; i += step)                                                           \
            for (size_t u = 0; u < UNROLL; u++)                                                    \
                store((void *)(y + i + u * (lanes)), value(in, i + u * (lanes)));                  \
        for (; i < n; i += (lanes))                                                                \
            store((void *)(y + i), value(in, i));                                                  \
        finish;                                                                                    \
        return n;                                                                                  \
    }
#define MAP(T, lanes, name, type)                                                                  \
    MAP_OF(T, lanes, name, name##_at, _mm512_store_##type, (void)0)                                \
    MAP_OF(T, lanes, name##_stream, name##_at, _mm512_stream_##type, _mm_sfence())

MAP(float, 16, where, ps)
MAP(double, 8, where_f64, pd)
MAP(int16_t, 32, where_i16, si512)
MAP(float, 16, scale, ps)
MAP(float, 16, nodes20, ps)

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

static inline __mmask16 masked_at(hand_inputs in, size_t i) {
    __m128i bools = _mm_load_si128((const __m128i *)(const void *)(in.m + i));
    return _mm_test_epi8_mask(bools, bools);
}

static inline __mmask8 negative_f64_at(hand_inputs in, size_t i) {
    return _mm512_cmp_pd_mask(_mm512_load_pd(in.d + i), _mm512_setzero_pd(), _CMP_LT_OQ);
}

static inline __mmask32 negative_i16_at(hand_inputs in, size_t i) {
    return _mm512_movepi16_mask(_mm512_load_si512(in.s + i));
}

static inline __mmask64 below_u8_at(hand_inputs in, size_t i) {
    return _mm512_cmplt_epu8_mask(_mm512_load_si512(in.u + i), _mm512_set1_epi8(77));
}

/* All loads of a step come before its first store: a load may be held up by a store whose address is not known yet. */
#define PACK_OF(T, lanes, unroll, name, from, compress)                                            \
    size_t wn_hand_##name##_avx512(const hand_inputs *inputs, void *out, size_t n) {               \
        const hand_inputs in = *inputs;                                                            \
        T *y = out;                                                                                \
        for (size_t i = 0; i < n; i += (lanes) * (unroll)) {                                       \
            __m512i values[unroll];                                                                \
            uint64_t masks[unroll];                                                                \
            for (size_t u = 0; u < (unroll); u++) {                                                \
                __m512i value = _mm512_load_si512(in.from + i + u * (lanes));                      \
                masks[u] = name##_at(in, i + u * (lanes));                                         \
                values[u] = compress(value, (__mmask##lanes)masks[u], value);                      \
            }                                                                                      \
            for (size_t u = 0; u < (unroll); u++) {                                                \
                _mm512_storeu_si512(y, values[u]);                                                 \
                y += (unsigned)_mm_popcnt_u64(masks[u]);                                           \
            }                                                                                      \
        }                                                                                          \
        return (size_t)(y - (T *)out);                                                             \
    }
#define PACK(name) PACK_OF(float, 16, 4, name, x, _mm512_mask_compress_epi32)

PACK(negative)
PACK(both)
PACK(masked)
PACK_OF(double, 8, 8, negative_f64, d, _mm512_mask_compress_epi64)
PACK_OF(int16_t, 32, 2, negative_i16, s, _mm512_mask_compress_epi16)
PACK_OF(uint8_t, 64, 1, below_u8, u, _mm512_mask_compress_epi8)

/* Sixty-four at a time: nothing to do where none is true, a copy where all are; a few are taken one by one. */
size_t wn_hand_masked_words_avx512(const hand_inputs *inputs, void *out, size_t n) {
    const float *x = inputs->x;
    float *y = out;
    for (size_t i = 0; i < n; i += 64) {
        __m512i bools = _mm512_load_si512(inputs->m + i);
        uint64_t word = _mm512_test_epi8_mask(bools, bools);
        if (word + 1 > 1) {
            if (_mm_popcnt_u64(word) <= 6)
                for (; word; word &= word - 1)
                    *y++ = x[i + (size_t)__builtin_ctzll(word)];
            for (size_t u = 0; word; u += LANES, word >>= LANES) {
                __m512 value = _mm512_load_ps(x + i + u);
                _mm512_storeu_ps(y, _mm512_mask_compress_ps(value, (__mmask16)word, value));
                y += (unsigned)_mm_popcnt_u64(word & 0xffff);
            }
        } else if (word) {
            for (size_t u = 0; u < 64; u += LANES)
                _mm512_storeu_ps(y + u, _mm512_load_ps(x + i + u));
            y += 64;
        }
    }
    return (size_t)(y - (float *)out);
}

/* Each mask is made once; the outputs end at the same place of each. */
size_t wn_hand_columns_avx512(const hand_inputs *inputs, void *out, size_t n) {
    const hand_inputs in = *inputs;
    float *p = out, *q = p + n + HAND_STAGGER / 4, *r = q + n + HAND_STAGGER / 4;
    size_t at = 0;
    for (size_t i = 0; i < n; i += LANES) {
        __mmask16 mask = masked_at(in, i);
        __m512 x = _mm512_load_ps(in.x + i), a = _mm512_load_ps(in.a + i), b = _mm512_load_ps(in.b + i);
        _mm512_storeu_ps(p + at, _mm512_mask_compress_ps(x, mask, x));
        _mm512_storeu_ps(q + at, _mm512_mask_compress_ps(a, mask, a));
        _mm512_storeu_ps(r + at, _mm512_mask_compress_ps(b, mask, b));
        at += (unsigned)_mm_popcnt_u64(mask);
    }
    return at;
}

/* Sixteen rows are three vectors; each bit of the mask becomes three. */
size_t wn_hand_rows_avx512(const hand_inputs *inputs, void *out, size_t n) {
    const hand_inputs in = *inputs;
    float *y = out;
    for (size_t i = 0; i < n; i += LANES) {
        uint64_t mask = 7 * _pdep_u64(masked_at(in, i), 0x249249249249);
        for (size_t u = 0; u < 3; u++, mask >>= LANES) {
            __m512 value = _mm512_load_ps(in.t + 3 * i + u * LANES);
            _mm512_storeu_ps(y, _mm512_mask_compress_ps(value, (__mmask16)mask, value));
            y += (unsigned)_mm_popcnt_u64(mask & 0xffff);
        }
    }
    return (size_t)(y - (float *)out) / 3;
}

size_t wn_hand_rows_each_avx512(const hand_inputs *inputs, void *out, size_t n) {
    float *y = out;
    for (size_t i = 0; i < n; i += 64) {
        __m512i bools = _mm512_load_si512(inputs->m + i);
        for (uint64_t word = _mm512_test_epi8_mask(bools, bools); word; word &= word - 1, y += 3)
            _mm_storeu_ps(y, _mm_loadu_ps(inputs->t + 3 * (i + (size_t)__builtin_ctzll(word))));
    }
    return (size_t)(y - (float *)out) / 3;
}

size_t wn_hand_places_avx512(const hand_inputs *inputs, void *out, size_t n) {
    const hand_inputs in = *inputs;
    int64_t *y = out;
    __m512i place = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), step = _mm512_set1_epi64(8);
    for (size_t i = 0; i < n; i += LANES) {
        __mmask16 mask = negative_at(in, i);
        for (size_t u = 0; u < 2; u++) {
            __mmask8 half = (__mmask8)(mask >> 8 * u);
            __m512i here = place;
            _mm512_storeu_si512(y, _mm512_mask_compress_epi64(here, half, here));
            y += (unsigned)_mm_popcnt_u64(half);
            place = _mm512_add_epi64(place, step);
        }
    }
    return (size_t)(y - (int64_t *)out);
}

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

size_t wn_hand_masked_stream_avx512(const hand_inputs *inputs, void *out, size_t n) {
    return hand_pack_streaming(wn_hand_masked_avx512, stream_lines, inputs, out, n);
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

#endif
