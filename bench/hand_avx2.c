/*
 * hand_avx2.c - the hand-written loops for AVX2, BMI2 and popcnt.
 *
 * Packing takes one pass: the lanes' mask picks a permutation from a 1 KiB table that holds eight lane numbers a word, four
 * bits each; a variable shift brings each number into its lane, where the permutation reads its low three bits alone. The
 * whole vector is stored, and the next one overwrites what did not belong: never past out + n, since position <= i.
 */
#include "hand.h"

#if defined(__AVX2__)
#include <immintrin.h>
#include <stdint.h>

#define LANES 8
#define UNROLL 8

/* ---- Elementwise ------------------------------------------------------------------------------------------------------ */

/* vmaxps gives its second operand when either is NaN or both are zero: this is where(x < 0, 0, x) to the bit. */
static inline __m256 where_at(hand_inputs in, size_t i) {
    return _mm256_max_ps(_mm256_setzero_ps(), _mm256_load_ps(in.x + i));
}

static inline __m256d where_f64_at(hand_inputs in, size_t i) {
    return _mm256_max_pd(_mm256_setzero_pd(), _mm256_load_pd(in.d + i));
}

static inline __m256i where_i16_at(hand_inputs in, size_t i) {
    return _mm256_max_epi16(_mm256_setzero_si256(), _mm256_load_si256((const void *)(in.s + i)));
}

static inline __m256 scale_at(hand_inputs in, size_t i) {
    __m256 keep = _mm256_cmp_ps(_mm256_load_ps(in.a + i), _mm256_set1_ps(0.1f), _CMP_GT_OQ);
    return _mm256_mul_ps(_mm256_load_ps(in.x + i), _mm256_and_ps(keep, _mm256_set1_ps(1)));
}

/* where((a > 0) & (b < 0.2) | !(c >= x), x * 2 + a * b - where(c < e, c, e), (x - f) * 0.5 + abs(e) - f * (a - c)), each step
   rounded; vminps gives its second operand unless the first is less. */
static inline __m256 nodes20_at(hand_inputs in, size_t i) {
    __m256 x = _mm256_load_ps(in.x + i), a = _mm256_load_ps(in.a + i), b = _mm256_load_ps(in.b + i);
    __m256 c = _mm256_load_ps(in.c + i), e = _mm256_load_ps(in.e + i), f = _mm256_load_ps(in.f + i);
    __m256 m = _mm256_and_ps(_mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_GT_OQ),
                             _mm256_cmp_ps(b, _mm256_set1_ps(0.2f), _CMP_LT_OQ));
    m = _mm256_or_ps(m, _mm256_cmp_ps(c, x, _CMP_NGE_UQ));
    __m256 yes = _mm256_add_ps(_mm256_add_ps(x, x), _mm256_mul_ps(a, b));
    yes = _mm256_sub_ps(yes, _mm256_min_ps(c, e));
    __m256 no = _mm256_mul_ps(_mm256_sub_ps(x, f), _mm256_set1_ps(0.5f));
    no = _mm256_add_ps(no, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), e));
    no = _mm256_sub_ps(no, _mm256_mul_ps(f, _mm256_sub_ps(a, c)));
    return _mm256_blendv_ps(no, yes, m);
}

#define MAP_OF(T, lanes, name, value, store, finish)                                               \
    size_t wn_hand_##name##_avx2(const hand_inputs *inputs, void *out, size_t n) {                 \
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
    MAP_OF(T, lanes, name, name##_at, _mm256_store_##type, (void)0)                                \
    MAP_OF(T, lanes, name##_stream, name##_at, _mm256_stream_##type, _mm_sfence())

MAP(float, 8, where, ps)
MAP(double, 4, where_f64, pd)
MAP(int16_t, 16, where_i16, si256)
MAP(float, 8, scale, ps)
MAP(float, 8, nodes20, ps)

/* ---- Bools, a byte each ----------------------------------------------------------------------------------------------- */

static inline __m256 negative_at(hand_inputs in, size_t i) {
    return _mm256_cmp_ps(_mm256_load_ps(in.x + i), _mm256_setzero_ps(), _CMP_LT_OQ);
}

static inline __m256 both_at(hand_inputs in, size_t i) {
    __m256 a = _mm256_cmp_ps(_mm256_load_ps(in.a + i), _mm256_setzero_ps(), _CMP_GT_OQ);
    __m256 b = _mm256_cmp_ps(_mm256_load_ps(in.b + i), _mm256_set1_ps(0.2f), _CMP_LT_OQ);
    return _mm256_and_ps(a, b);
}

/* Eight bools as the signs of eight lanes. */
static inline __m256 masked_at(hand_inputs in, size_t i) {
    __m128i bools = _mm_loadl_epi64((const __m128i *)(const void *)(in.m + i));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu8_epi32(bools), 31));
}

static inline __m256i logic_at(hand_inputs in, size_t i) {
    __m256 c = _mm256_cmp_ps(_mm256_load_ps(in.c + i), _mm256_load_ps(in.x + i), _CMP_NGE_UQ);
    return _mm256_castps_si256(_mm256_or_ps(both_at(in, i), c));
}

/* Four vectors of masks as 32 bytes of 0 and 1: packing works within halves, so the words are put in order afterwards. */
static inline __m256i logic_bytes_at(hand_inputs in, size_t i) {
    __m256i low = _mm256_packs_epi32(logic_at(in, i), logic_at(in, i + 8));
    __m256i high = _mm256_packs_epi32(logic_at(in, i + 16), logic_at(in, i + 24));
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
    return _mm256_and_si256(bytes, _mm256_set1_epi8(1));
}

#define LOGIC(name, store, finish)                                                                 \
    size_t wn_hand_##name##_avx2(const hand_inputs *inputs, void *out, size_t n) {                 \
        const hand_inputs in = *inputs;                                                            \
        char *y = out;                                                                             \
        for (size_t i = 0; i < n; i += 64) {                                                       \
            store((__m256i *)(y + i), logic_bytes_at(in, i));                                      \
            store((__m256i *)(y + i + 32), logic_bytes_at(in, i + 32));                            \
        }                                                                                          \
        finish;                                                                                    \
        return n;                                                                                  \
    }

LOGIC(logic, _mm256_store_si256, (void)0)
LOGIC(logic_stream, _mm256_stream_si256, _mm_sfence())

/* ---- Packing ---------------------------------------------------------------------------------------------------------- */

/* Word m: the numbers of the bits that are set in m, ascending, four bits each from the lowest. */
static const uint32_t permutations[256] = {
    0x00000000, 0x00000000, 0x00000001, 0x00000010, 0x00000002, 0x00000020, 0x00000021, 0x00000210,
    0x00000003, 0x00000030, 0x00000031, 0x00000310, 0x00000032, 0x00000320, 0x00000321, 0x00003210,
    0x00000004, 0x00000040, 0x00000041, 0x00000410, 0x00000042, 0x00000420, 0x00000421, 0x00004210,
    0x00000043, 0x00000430, 0x00000431, 0x00004310, 0x00000432, 0x00004320, 0x00004321, 0x00043210,
    0x00000005, 0x00000050, 0x00000051, 0x00000510, 0x00000052, 0x00000520, 0x00000521, 0x00005210,
    0x00000053, 0x00000530, 0x00000531, 0x00005310, 0x00000532, 0x00005320, 0x00005321, 0x00053210,
    0x00000054, 0x00000540, 0x00000541, 0x00005410, 0x00000542, 0x00005420, 0x00005421, 0x00054210,
    0x00000543, 0x00005430, 0x00005431, 0x00054310, 0x00005432, 0x00054320, 0x00054321, 0x00543210,
    0x00000006, 0x00000060, 0x00000061, 0x00000610, 0x00000062, 0x00000620, 0x00000621, 0x00006210,
    0x00000063, 0x00000630, 0x00000631, 0x00006310, 0x00000632, 0x00006320, 0x00006321, 0x00063210,
    0x00000064, 0x00000640, 0x00000641, 0x00006410, 0x00000642, 0x00006420, 0x00006421, 0x00064210,
    0x00000643, 0x00006430, 0x00006431, 0x00064310, 0x00006432, 0x00064320, 0x00064321, 0x00643210,
    0x00000065, 0x00000650, 0x00000651, 0x00006510, 0x00000652, 0x00006520, 0x00006521, 0x00065210,
    0x00000653, 0x00006530, 0x00006531, 0x00065310, 0x00006532, 0x00065320, 0x00065321, 0x00653210,
    0x00000654, 0x00006540, 0x00006541, 0x00065410, 0x00006542, 0x00065420, 0x00065421, 0x00654210,
    0x00006543, 0x00065430, 0x00065431, 0x00654310, 0x00065432, 0x00654320, 0x00654321, 0x06543210,
    0x00000007, 0x00000070, 0x00000071, 0x00000710, 0x00000072, 0x00000720, 0x00000721, 0x00007210,
    0x00000073, 0x00000730, 0x00000731, 0x00007310, 0x00000732, 0x00007320, 0x00007321, 0x00073210,
    0x00000074, 0x00000740, 0x00000741, 0x00007410, 0x00000742, 0x00007420, 0x00007421, 0x00074210,
    0x00000743, 0x00007430, 0x00007431, 0x00074310, 0x00007432, 0x00074320, 0x00074321, 0x00743210,
    0x00000075, 0x00000750, 0x00000751, 0x00007510, 0x00000752, 0x00007520, 0x00007521, 0x00075210,
    0x00000753, 0x00007530, 0x00007531, 0x00075310, 0x00007532, 0x00075320, 0x00075321, 0x00753210,
    0x00000754, 0x00007540, 0x00007541, 0x00075410, 0x00007542, 0x00075420, 0x00075421, 0x00754210,
    0x00007543, 0x00075430, 0x00075431, 0x00754310, 0x00075432, 0x00754320, 0x00754321, 0x07543210,
    0x00000076, 0x00000760, 0x00000761, 0x00007610, 0x00000762, 0x00007620, 0x00007621, 0x00076210,
    0x00000763, 0x00007630, 0x00007631, 0x00076310, 0x00007632, 0x00076320, 0x00076321, 0x00763210,
    0x00000764, 0x00007640, 0x00007641, 0x00076410, 0x00007642, 0x00076420, 0x00076421, 0x00764210,
    0x00007643, 0x00076430, 0x00076431, 0x00764310, 0x00076432, 0x00764320, 0x00764321, 0x07643210,
    0x00000765, 0x00007650, 0x00007651, 0x00076510, 0x00007652, 0x00076520, 0x00076521, 0x00765210,
    0x00007653, 0x00076530, 0x00076531, 0x00765310, 0x00076532, 0x00765320, 0x00765321, 0x07653210,
    0x00007654, 0x00076540, 0x00076541, 0x00765410, 0x00076542, 0x00765420, 0x00765421, 0x07654210,
    0x00076543, 0x00765430, 0x00765431, 0x07654310, 0x00765432, 0x07654320, 0x07654321, 0x76543210,
};

static inline __m256 packed8(__m256 value, unsigned mask) {
    const __m256i shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
    __m256i lanes = _mm256_srlv_epi32(_mm256_set1_epi32((int)permutations[mask]), shifts);
    return _mm256_permutevar8x32_ps(value, lanes);
}

/* All loads of a step come before its first store: a load may be held up by a store whose address is not known yet. */
#define PACK(name)                                                                                 \
    size_t wn_hand_##name##_avx2(const hand_inputs *inputs, void *out, size_t n) {                 \
        const hand_inputs in = *inputs;                                                            \
        float *y = out;                                                                            \
        for (size_t i = 0; i < n; i += LANES * UNROLL) {                                           \
            __m256 values[UNROLL];                                                                 \
            unsigned masks[UNROLL];                                                                \
            for (size_t u = 0; u < UNROLL; u++) {                                                  \
                masks[u] = (unsigned)_mm256_movemask_ps(name##_at(in, i + u * LANES));             \
                values[u] = packed8(_mm256_load_ps(in.x + i + u * LANES), masks[u]);               \
            }                                                                                      \
            for (size_t u = 0; u < UNROLL; u++) {                                                  \
                _mm256_storeu_ps(y, values[u]);                                                    \
                y += (unsigned)_mm_popcnt_u32(masks[u]);                                           \
            }                                                                                      \
        }                                                                                          \
        return (size_t)(y - (float *)out);                                                         \
    }

PACK(negative)
PACK(both)
PACK(masked)

/* Sixty-four at a time: nothing to do where none is true, a copy where all are; a few are taken one by one. */
size_t wn_hand_masked_words_avx2(const hand_inputs *inputs, void *out, size_t n) {
    const float *x = inputs->x;
    float *y = out;
    for (size_t i = 0; i < n; i += 64) {
        const __m256i *m = (const void *)(inputs->m + i);
        uint64_t low = (unsigned)_mm256_movemask_epi8(_mm256_slli_epi16(_mm256_load_si256(m), 7));
        uint64_t high = (unsigned)_mm256_movemask_epi8(_mm256_slli_epi16(_mm256_load_si256(m + 1), 7));
        uint64_t word = low | high << 32;
        if (word + 1 > 1) {
            if (_mm_popcnt_u64(word) <= 6)
                for (; word; word &= word - 1)
                    *y++ = x[i + (size_t)__builtin_ctzll(word)];
            for (size_t u = 0; word; u += LANES, word >>= LANES) {
                _mm256_storeu_ps(y, packed8(_mm256_load_ps(x + i + u), (unsigned)word & 0xff));
                y += (unsigned)_mm_popcnt_u64(word & 0xff);
            }
        } else if (word) {
            for (size_t u = 0; u < 64; u += LANES)
                _mm256_storeu_ps(y + u, _mm256_load_ps(x + i + u));
            y += 64;
        }
    }
    return (size_t)(y - (float *)out);
}

/* Each permutation is made once; the outputs end at the same place of each. */
size_t wn_hand_columns_avx2(const hand_inputs *inputs, void *out, size_t n) {
    const hand_inputs in = *inputs;
    float *p = out, *q = p + n + HAND_STAGGER / 4, *r = q + n + HAND_STAGGER / 4;
    size_t at = 0;
    for (size_t i = 0; i < n; i += LANES) {
        unsigned mask = (unsigned)_mm256_movemask_ps(masked_at(in, i));
        __m256 x = packed8(_mm256_load_ps(in.x + i), mask);
        __m256 a = packed8(_mm256_load_ps(in.a + i), mask);
        __m256 b = packed8(_mm256_load_ps(in.b + i), mask);
        _mm256_storeu_ps(p + at, x);
        _mm256_storeu_ps(q + at, a);
        _mm256_storeu_ps(r + at, b);
        at += (unsigned)_mm_popcnt_u32(mask);
    }
    return at;
}

/* Eight rows are three vectors; each bit of the mask becomes three. */
size_t wn_hand_rows_avx2(const hand_inputs *inputs, void *out, size_t n) {
    const hand_inputs in = *inputs;
    float *y = out;
    for (size_t i = 0; i < n; i += LANES) {
        unsigned mask = (unsigned)_mm256_movemask_ps(masked_at(in, i));
        mask = 7 * _pdep_u32(mask, 0x249249);
        for (size_t u = 0; u < 3; u++, mask >>= LANES) {
            _mm256_storeu_ps(y, packed8(_mm256_load_ps(in.t + 3 * i + u * LANES), mask & 0xff));
            y += (unsigned)_mm_popcnt_u32(mask & 0xff);
        }
    }
    return (size_t)(y - (float *)out) / 3;
}

size_t wn_hand_rows_each_avx2(const hand_inputs *inputs, void *out, size_t n) {
    float *y = out;
    for (size_t i = 0; i < n; i += 32) {
        __m256i bools = _mm256_load_si256((const void *)(inputs->m + i));
        unsigned word = (unsigned)_mm256_movemask_epi8(_mm256_slli_epi16(bools, 7));
        for (; word; word &= word - 1, y += 3)
            _mm_storeu_ps(y, _mm_loadu_ps(inputs->t + 3 * (i + (size_t)__builtin_ctz(word))));
    }
    return (size_t)(y - (float *)out) / 3;
}

/* Four lanes' numbers, packed as int32, then widened. */
size_t wn_hand_places_avx2(const hand_inputs *inputs, void *out, size_t n) {
    const hand_inputs in = *inputs;
    int64_t *y = out;
    const __m256i shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28), low = _mm256_set1_epi32(7);
    for (size_t i = 0; i < n; i += LANES) {
        unsigned mask = (unsigned)_mm256_movemask_ps(negative_at(in, i));
        __m256i lanes = _mm256_srlv_epi32(_mm256_set1_epi32((int)permutations[mask]), shifts);
        lanes = _mm256_and_si256(lanes, low);
        __m256i first = _mm256_set1_epi64x((int64_t)i);
        __m256i p = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(lanes));
        __m256i q = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(lanes, 1));
        _mm256_storeu_si256((void *)y, _mm256_add_epi64(first, p));
        _mm256_storeu_si256((void *)(y + 4), _mm256_add_epi64(first, q));
        y += (unsigned)_mm_popcnt_u32(mask);
    }
    return (size_t)(y - (int64_t *)out);
}

/* Four doubles are eight lanes of the same table: each bit of the mask becomes two. */
size_t wn_hand_negative_f64_avx2(const hand_inputs *inputs, void *out, size_t n) {
    double *y = out;
    for (size_t i = 0; i < n; i += 4 * UNROLL) {
        __m256 values[UNROLL];
        unsigned masks[UNROLL];
        for (size_t u = 0; u < UNROLL; u++) {
            __m256d d = _mm256_load_pd(inputs->d + i + 4 * u);
            __m256d less = _mm256_cmp_pd(d, _mm256_setzero_pd(), _CMP_LT_OQ);
            masks[u] = (unsigned)_mm256_movemask_ps(_mm256_castpd_ps(less));
            values[u] = packed8(_mm256_castpd_ps(d), masks[u]);
        }
        for (size_t u = 0; u < UNROLL; u++) {
            _mm256_storeu_ps((float *)y, values[u]);
            y += (unsigned)_mm_popcnt_u32(masks[u]) / 2;
        }
    }
    return (size_t)(y - (double *)out);
}

/* Row m: the numbers of the bits that are set in m, a byte each; row 256 + m: each 8 more. Made from `permutations` at the first call. */
typedef uint64_t byte_table[512];
static void make_bytes(byte_table bytes) {
    for (size_t m = 0; m < 256; m++) {
        bytes[m] = _pdep_u64(permutations[m], 0x0f0f0f0f0f0f0f0f);
        bytes[256 + m] = bytes[m] | 0x0808080808080808;
    }
}

/* Eight elements of two bytes: lane k is bytes 2k and 2k + 1, by a table of shuffles. */
size_t wn_hand_negative_i16_avx2(const hand_inputs *inputs, void *out, size_t n) {
    static byte_table bytes;
    static __m128i shuffles[256];
    int16_t *y = out;
    if (!bytes[1 << 1]) {
        make_bytes(bytes);
        for (size_t m = 0; m < 256; m++) {
            __m128i lanes = _mm_cvtepu8_epi16(_mm_cvtsi64_si128((int64_t)bytes[m]));
            lanes = _mm_mullo_epi16(lanes, _mm_set1_epi16(0x0202));
            shuffles[m] = _mm_add_epi8(lanes, _mm_set1_epi16(0x0100));
        }
    }
    for (size_t i = 0; i < n; i += 32) {
        __m128i v[4];
        unsigned masks[4];
        for (size_t u = 0; u < 4; u++) {
            v[u] = _mm_load_si128((const void *)(inputs->s + i + 8 * u));
            masks[u] = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(v[u], _mm_setzero_si128()));
            v[u] = _mm_shuffle_epi8(v[u], shuffles[masks[u]]);
        }
        for (size_t u = 0; u < 4; u++) {
            _mm_storeu_si128((void *)y, v[u]);
            y += (unsigned)_mm_popcnt_u32(masks[u]);
        }
    }
    return (size_t)(y - (int16_t *)out);
}

static inline unsigned below_u8_at(const uint8_t *u) {
    __m256i v = _mm256_load_si256((const void *)u), least = _mm256_min_epu8(v, _mm256_set1_epi8(76));
    return (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(least, v));
}

/* Masks are found out 64 elements ahead; eight bytes a shuffle, from either half of a register. */
size_t wn_hand_below_u8_avx2(const hand_inputs *inputs, void *out, size_t n) {
    static byte_table bytes;
    const uint8_t *from = inputs->u;
    uint8_t *y = out;
    if (!bytes[1 << 1]) make_bytes(bytes);
    unsigned masks[2] = {below_u8_at(from), below_u8_at(from + 32)};
    for (size_t i = 0; i < n; i += 64) {
        const uint8_t *ahead = from + (i + 64 < n ? i + 64 : i);
        unsigned next[2] = {below_u8_at(ahead), below_u8_at(ahead + 32)};
        for (size_t u = 0; u < 64; u += 8) {
            unsigned mask = masks[u / 32] >> u % 32 & 0xff;
            __m128i v = _mm_load_si128((const void *)(from + i + u / 16 * 16));
            __m128i lanes = _mm_loadl_epi64((const void *)(bytes + mask + u % 16 / 8 * 256));
            _mm_storel_epi64((void *)y, _mm_shuffle_epi8(v, lanes));
            y += (unsigned)_mm_popcnt_u32(mask);
        }
        memcpy(masks, next, sizeof masks);
    }
    return (size_t)(y - (uint8_t *)out);
}

static void stream_lines(float *to, const float *from, size_t count) {
    for (size_t i = 0; i < count; i += 2 * LANES) {
        _mm256_stream_ps(to + i, _mm256_load_ps(from + i));
        _mm256_stream_ps(to + i + LANES, _mm256_load_ps(from + i + LANES));
    }
    _mm_sfence();
}

size_t wn_hand_negative_stream_avx2(const hand_inputs *inputs, void *out, size_t n) {
    return hand_pack_streaming(wn_hand_negative_avx2, stream_lines, inputs, out, n);
}

size_t wn_hand_both_stream_avx2(const hand_inputs *inputs, void *out, size_t n) {
    return hand_pack_streaming(wn_hand_both_avx2, stream_lines, inputs, out, n);
}

size_t wn_hand_masked_stream_avx2(const hand_inputs *inputs, void *out, size_t n) {
    return hand_pack_streaming(wn_hand_masked_avx2, stream_lines, inputs, out, n);
}

/* ---- Expanding -------------------------------------------------------------------------------------------------------- */

/* Word m: for each bit that is set in m, how many are set below it, four bits each. */
static const uint32_t ranks[256] = {
    0x00000000, 0x00000000, 0x00000000, 0x00000010, 0x00000000, 0x00000100, 0x00000100, 0x00000210,
    0x00000000, 0x00001000, 0x00001000, 0x00002010, 0x00001000, 0x00002100, 0x00002100, 0x00003210,
    0x00000000, 0x00010000, 0x00010000, 0x00020010, 0x00010000, 0x00020100, 0x00020100, 0x00030210,
    0x00010000, 0x00021000, 0x00021000, 0x00032010, 0x00021000, 0x00032100, 0x00032100, 0x00043210,
    0x00000000, 0x00100000, 0x00100000, 0x00200010, 0x00100000, 0x00200100, 0x00200100, 0x00300210,
    0x00100000, 0x00201000, 0x00201000, 0x00302010, 0x00201000, 0x00302100, 0x00302100, 0x00403210,
    0x00100000, 0x00210000, 0x00210000, 0x00320010, 0x00210000, 0x00320100, 0x00320100, 0x00430210,
    0x00210000, 0x00321000, 0x00321000, 0x00432010, 0x00321000, 0x00432100, 0x00432100, 0x00543210,
    0x00000000, 0x01000000, 0x01000000, 0x02000010, 0x01000000, 0x02000100, 0x02000100, 0x03000210,
    0x01000000, 0x02001000, 0x02001000, 0x03002010, 0x02001000, 0x03002100, 0x03002100, 0x04003210,
    0x01000000, 0x02010000, 0x02010000, 0x03020010, 0x02010000, 0x03020100, 0x03020100, 0x04030210,
    0x02010000, 0x03021000, 0x03021000, 0x04032010, 0x03021000, 0x04032100, 0x04032100, 0x05043210,
    0x01000000, 0x02100000, 0x02100000, 0x03200010, 0x02100000, 0x03200100, 0x03200100, 0x04300210,
    0x02100000, 0x03201000, 0x03201000, 0x04302010, 0x03201000, 0x04302100, 0x04302100, 0x05403210,
    0x02100000, 0x03210000, 0x03210000, 0x04320010, 0x03210000, 0x04320100, 0x04320100, 0x05430210,
    0x03210000, 0x04321000, 0x04321000, 0x05432010, 0x04321000, 0x05432100, 0x05432100, 0x06543210,
    0x00000000, 0x10000000, 0x10000000, 0x20000010, 0x10000000, 0x20000100, 0x20000100, 0x30000210,
    0x10000000, 0x20001000, 0x20001000, 0x30002010, 0x20001000, 0x30002100, 0x30002100, 0x40003210,
    0x10000000, 0x20010000, 0x20010000, 0x30020010, 0x20010000, 0x30020100, 0x30020100, 0x40030210,
    0x20010000, 0x30021000, 0x30021000, 0x40032010, 0x30021000, 0x40032100, 0x40032100, 0x50043210,
    0x10000000, 0x20100000, 0x20100000, 0x30200010, 0x20100000, 0x30200100, 0x30200100, 0x40300210,
    0x20100000, 0x30201000, 0x30201000, 0x40302010, 0x30201000, 0x40302100, 0x40302100, 0x50403210,
    0x20100000, 0x30210000, 0x30210000, 0x40320010, 0x30210000, 0x40320100, 0x40320100, 0x50430210,
    0x30210000, 0x40321000, 0x40321000, 0x50432010, 0x40321000, 0x50432100, 0x50432100, 0x60543210,
    0x10000000, 0x21000000, 0x21000000, 0x32000010, 0x21000000, 0x32000100, 0x32000100, 0x43000210,
    0x21000000, 0x32001000, 0x32001000, 0x43002010, 0x32001000, 0x43002100, 0x43002100, 0x54003210,
    0x21000000, 0x32010000, 0x32010000, 0x43020010, 0x32010000, 0x43020100, 0x43020100, 0x54030210,
    0x32010000, 0x43021000, 0x43021000, 0x54032010, 0x43021000, 0x54032100, 0x54032100, 0x65043210,
    0x21000000, 0x32100000, 0x32100000, 0x43200010, 0x32100000, 0x43200100, 0x43200100, 0x54300210,
    0x32100000, 0x43201000, 0x43201000, 0x54302010, 0x43201000, 0x54302100, 0x54302100, 0x65403210,
    0x32100000, 0x43210000, 0x43210000, 0x54320010, 0x43210000, 0x54320100, 0x54320100, 0x65430210,
    0x43210000, 0x54321000, 0x54321000, 0x65432010, 0x54321000, 0x65432100, 0x65432100, 0x76543210,
};

size_t wn_hand_expand_avx2(const hand_inputs *inputs, void *out, size_t n) {
    const hand_inputs in = *inputs;
    const float *v = in.v;
    float *y = out;
    const __m256i shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
    for (size_t i = 0; i < n; i += LANES * UNROLL)
        for (size_t u = i; u < i + LANES * UNROLL; u += LANES) {
            __m256 mask = masked_at(in, u);
            unsigned bits = (unsigned)_mm256_movemask_ps(mask);
            __m256i lanes = _mm256_srlv_epi32(_mm256_set1_epi32((int)ranks[bits]), shifts);
            __m256 next = _mm256_permutevar8x32_ps(_mm256_loadu_ps(v), lanes);
            _mm256_store_ps(y + u, _mm256_blendv_ps(_mm256_load_ps(in.x + u), next, mask));
            v += (unsigned)_mm_popcnt_u32(bits);
        }
    return n;
}

#endif
