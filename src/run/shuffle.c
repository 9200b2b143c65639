/*
 * shuffle.c - which vectors lines are put together from, and putting them together (shuffle.h).
 *
 * With AVX-512 VBMI a vector has 64 bytes, elsewhere 16.
 *
 * Invariant: a source reaches from an element on in the direction of the lines, no further than lines that are there, and which lie less than a
 * page apart: so all that is loaded lies in pages of the array. The last groups, of which that is not so, are left, or loaded by masks.
 */
#include "run/shuffle.h"

#include <stdbool.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>

#define LEAST_GROUPS 4 /* fewer are not worth it   */
#define FURTHEST 2048  /* bytes from line to line */

/* The elements that come from one source. */
typedef struct extent {
    int64_t low, high;
} extent;

static bool widen(extent *e, int64_t at, int size, int width) {
    int64_t low = at < e->low ? at : e->low, high = at + size > e->high ? at + size : e->high;
    if (high - low > width) return false;
    *e = (extent){low, high};
    return true;
}

static uint64_t mask_of(int64_t low, int64_t high) {
    return UINT64_MAX >> (64 - high) & UINT64_MAX << low;
}

/* Bytes that come from elsewhere are marked for pshufb by the highest bit; for vpermb, which ignores it, those that do not. */
static void lay_sources(shuffle *s, const int64_t *at, const uint8_t *of, const extent *extents,
                        int count) {
    shuffle_source *first = s->source + s->sources;
    int size = (int)s->of.size, mark = s->width == SHUFFLE_WIDEST ? 0x80 : 0;
    for (int k = 0; k < count; k++) {
        first[k].from = s->of.across < 0 ? extents[k].high - s->width : extents[k].low;
        first[k].loaded = mask_of(extents[k].low - first[k].from, extents[k].high - first[k].from);
        memset(first[k].bytes, mark ^ 0x80, sizeof first[k].bytes);
    }
    for (int e = 0; e < s->width / size; e++) {
        uint8_t *bytes = first[of[e]].bytes + e * size;
        int64_t byte = at[e] - first[of[e]].from;
        for (int b = 0; b < size; b++)
            bytes[b] = (uint8_t)((byte + b) | mark);
    }
    s->counts[s->vectors++] = (uint8_t)count;
    s->sources += count;
}

/* Find the sources of the next vector, whose first element is the j-th of the line at `line`, and move on to the vector after it. False: they
   are too many. */
static bool lay_vector(shuffle *s, int64_t *line, int64_t *j) {
    int64_t at[SHUFFLE_WIDEST];
    extent extents[SHUFFLE_WIDEST / 2];
    uint8_t of[SHUFFLE_WIDEST];
    int count = 0, size = (int)s->of.size, elements = s->width / size;
    for (int e = 0; e < elements; e++) {
        int k = 0;
        at[e] = *line + *j * s->of.stride;
        while (k < count && !widen(&extents[k], at[e], size, s->width))
            k++;
        if (k == count) {
            if (++count > elements / 2) return false;
            extents[k] = (extent){at[e], at[e] + size};
        }
        of[e] = (uint8_t)k;
        if (++*j < s->of.length) continue;
        *j = 0;
        *line += s->of.across;
    }
    if (s->sources + count > SHUFFLE_SOURCES) return false;
    lay_sources(s, at, of, extents, count);
    return true;
}

/* How many lines it takes until their bytes are whole vectors. */
static int64_t lines_of_group(const short_lines *of, int width) {
    return width >> __builtin_ctzll((uint64_t)(of->length * of->size | width));
}

static void lay_group(shuffle *s, short_lines of, int width) {
    int64_t line = 0, j = 0;
    s->of = of;
    s->width = width;
    s->lines = lines_of_group(&of, width);
    s->vectors = s->sources = 0;
    int64_t vectors = s->lines * of.length * of.size / width;
    while (vectors <= SHUFFLE_SOURCES && s->vectors < vectors)
        if (!lay_vector(s, &line, &j)) break;
    int least = width == 16 ? 2 : 3; /* elements of a source, or it is slower than one by one */
    if (s->vectors < vectors || s->sources * least > s->lines * of.length) s->vectors = 0;
}

/* A vector of each of `groups`, which lie `step` bytes apart; `count`, of its sources, is a constant where this is inlined. */
#define SHUFFLE(NAME, TARGET, VECTOR, ZERO, LOAD, JOIN, STORE, WIDTH)                              \
    TARGET static inline __attribute__((always_inline)) void NAME##_of(                            \
        char *to, int64_t packed, const char *from, int64_t step, const shuffle_source *source,    \
        int count, int64_t groups) {                                                               \
        for (; groups > 0; groups--, to += packed, from += step) {                                 \
            VECTOR all = ZERO;                                                                     \
            for (int k = 0; k < count; k++)                                                        \
                all = JOIN(all, LOAD((const void *)source[k].bytes),                               \
                           LOAD((const void *)(from + source[k].from)));                           \
            STORE((void *)to, all);                                                                \
        }                                                                                          \
    }                                                                                              \
    TARGET static void NAME(char *to, const char *from, const shuffle *s, int64_t groups) {        \
        int64_t packed = s->vectors * WIDTH, step = s->lines * s->of.across;                       \
        const shuffle_source *source = s->source;                                                  \
        for (int v = 0; v < s->vectors; source += s->counts[v++], to += WIDTH) {                   \
            switch (s->counts[v]) {                                                                \
            case 1: NAME##_of(to, packed, from, step, source, 1, groups); break;                   \
            case 2: NAME##_of(to, packed, from, step, source, 2, groups); break;                   \
            case 3: NAME##_of(to, packed, from, step, source, 3, groups); break;                   \
            case 4: NAME##_of(to, packed, from, step, source, 4, groups); break;                   \
            default: NAME##_of(to, packed, from, step, source, s->counts[v], groups); break;       \
            }                                                                                      \
        }                                                                                          \
    }
#define JOIN_16(all, bytes, x) _mm_or_si128(all, _mm_shuffle_epi8(x, bytes))
#define JOIN_64(all, bytes, x)                                                                     \
    _mm512_mask_permutexvar_epi8(all, _mm512_movepi8_mask(bytes), bytes, x)
SHUFFLE(shuffle_16, __attribute__((target("ssse3"))), __m128i, _mm_setzero_si128(), _mm_loadu_si128,
        JOIN_16, _mm_storeu_si128, 16)
#define WIDE __attribute__((target("avx512bw,avx512vbmi")))
SHUFFLE(shuffle_64, WIDE, __m512i, _mm512_setzero_si512(), _mm512_loadu_si512, JOIN_64,
        _mm512_storeu_si512, 64)

/* One group, of which nothing is loaded but what is needed. */
WIDE static void shuffle_exactly(char *to, const char *from, const shuffle *s) {
    const shuffle_source *source = s->source;
    for (int v = 0; v < s->vectors; v++, to += 64) {
        __m512i all = _mm512_setzero_si512();
        for (int k = 0; k < s->counts[v]; k++, source++) {
            __m512i bytes = _mm512_loadu_si512(source->bytes);
            all = JOIN_64(all, bytes, _mm512_maskz_loadu_epi8(source->loaded, from + source->from));
        }
        _mm512_storeu_si512(to, all);
    }
}

/* What is left, less than a group or more, group by group: the last one ends with the last line, so it may overlap what is done. */
static void shuffle_rest(char *to, const char *from, const shuffle *s, int64_t lines) {
    int64_t packed = s->of.length * s->of.size;
    for (int64_t i = 0; i < lines; i += s->lines) {
        if (i > lines - s->lines) i = lines - s->lines;
        shuffle_exactly(to + i * packed, from + i * s->of.across, s);
    }
}

/* How many groups there are whose sources reach over lines that are there. */
static int64_t count_groups(const shuffle *s, int64_t lines) {
    int64_t distance = s->of.across < 0 ? -s->of.across : s->of.across;
    int64_t left = lines - (s->width + distance - 1) / distance;
    return left < 0 ? 0 : left / s->lines;
}

int64_t wn_shuffle_lines(shuffle *s, char *to, const char *from, short_lines of, int64_t lines) {
    int64_t furthest = of.length == 1 ? SHUFFLE_WIDEST / 2 : FURTHEST;
    if (of.across == 0 || of.across < -furthest || of.across > furthest || lines < LEAST_GROUPS ||
        of.length > lines) /* long lines are taken one by one */
        return 0;
    int width = SHUFFLE_WIDEST;
    if (lines < LEAST_GROUPS * lines_of_group(&of, width) || !__builtin_cpu_supports("avx512vbmi"))
        width = 16;
    if (lines < LEAST_GROUPS * lines_of_group(&of, width) || !__builtin_cpu_supports("ssse3"))
        return 0;
    if (s->width != width || memcmp(&s->of, &of, sizeof of) != 0) lay_group(s, of, width);
    if (!s->vectors) return 0;
    int64_t groups = count_groups(s, lines), done = groups * s->lines;
    if (width == 16) {
        shuffle_16(to, from, s, groups);
        return done;
    }
    shuffle_64(to, from, s, groups);
    shuffle_rest(to + done * of.length * of.size, from + done * of.across, s, lines - done);
    return lines;
}

#else

int64_t wn_shuffle_lines(shuffle *s, char *to, const char *from, short_lines of, int64_t lines) {
    (void)s, (void)to, (void)from, (void)of, (void)lines;
    return 0;
}

#endif
