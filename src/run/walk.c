/*
 * walk.c - elements copied between arrays of any strides and contiguous memory.
 *
 * Copying starts at any row-major place, found by division, once a block; from there on it goes line by line, and plane by plane
 * where whole lines are short. A plane is walked along its longer axis, so that an inner axis of length 3 costs no more
 * than one of length 3,000; and by vectors where its elements lie near each other (shuffle.h).
 */
#include "run/walk.h"
#include "jit/plan.h"

#include <string.h>
#ifdef __x86_64__
#include <tmmintrin.h>
#endif

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

typedef uint32_t square_line __attribute__((vector_size(16)));

/* ---- Lines: elements at one distance to elements at another ----------------------------------------------------------- */

#define DEFINE_COPY_LINE(NAME, T)                                                                     \
    static void NAME(char *to, int64_t to_stride, const char *from, int64_t from_stride, int64_t n) { \
        for (int64_t i = 0; i < n; i++) {                                                             \
            T element;                                                                                \
            memcpy(&element, from + i * from_stride, sizeof element);                                 \
            memcpy(to + i * to_stride, &element, sizeof element);                                     \
        }                                                                                             \
    }                                                                                                 \
    static void NAME##_apart(char *restrict to, const char *restrict from, int64_t from_stride,       \
                             int64_t n) {                                                             \
        for (int64_t i = 0; i < n; i++)                                                               \
            memcpy(to + i * (int64_t)sizeof(T), from + i * from_stride, sizeof(T));                   \
    }

DEFINE_COPY_LINE(copy_line_1, uint8_t)
DEFINE_COPY_LINE(copy_line_2, uint16_t)
DEFINE_COPY_LINE(copy_line_4, uint32_t)
DEFINE_COPY_LINE(copy_line_8, uint64_t)

/* Into contiguous memory that does not overlap: also spreading one element. */
static void gather_line(shuffle *known, char *to, const char *from, int64_t stride, int64_t n,
                        uint8_t size) {
    int64_t done = wn_shuffle_lines(known, to, from, (short_lines){size, 1, 0, stride}, n);
    to += done * size;
    from += done * stride;
    n -= done;
    switch (size) {
    case 1: copy_line_1_apart(to, from, stride, n); break;
    case 2: copy_line_2_apart(to, from, stride, n); break;
    case 4: copy_line_4_apart(to, from, stride, n); break;
    default: copy_line_8_apart(to, from, stride, n); break;
    }
}

static void copy_line(shuffle *known, char *to, int64_t to_stride, const char *from,
                      int64_t from_stride, int64_t n, uint8_t size) {
    if (to_stride == size && from_stride == size) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    if (to_stride == -size) {
        to += (n - 1) * to_stride;
        from += (n - 1) * from_stride;
        to_stride = size;
        from_stride = -from_stride;
    }
    if (to_stride == size) {
        gather_line(known, to, from, from_stride, n, size);
        return;
    }
    switch (size) {
    case 1: copy_line_1(to, to_stride, from, from_stride, n); break;
    case 2: copy_line_2(to, to_stride, from, from_stride, n); break;
    case 4: copy_line_4(to, to_stride, from, from_stride, n); break;
    default: copy_line_8(to, to_stride, from, from_stride, n); break;
    }
}

typedef uint64_t half_line __attribute__((vector_size(32)));

/* Lines of contiguous elements, each as two parts, which may overlap. */
#define COPY_LINES(T)                                                                              \
    for (int64_t i = 0; i < lines; i++, to += to_across, from += from_across) {                    \
        T first, last;                                                                             \
        memcpy(&first, from, sizeof first);                                                        \
        memcpy(&last, from + bytes - sizeof last, sizeof last);                                    \
        memcpy(to, &first, sizeof first);                                                          \
        memcpy(to + bytes - sizeof last, &last, sizeof last);                                      \
    }
static void copy_lines(char *to, int64_t to_across, const char *from, int64_t from_across,
                       int64_t bytes, int64_t lines) {
    if (bytes <= 4)
        COPY_LINES(uint16_t)
    else if (bytes <= 8)
        COPY_LINES(uint32_t)
    else if (bytes <= 16)
        COPY_LINES(uint64_t)
    else if (bytes <= 32)
        COPY_LINES(square_line)
    else if (bytes <= 64)
        COPY_LINES(half_line)
    else
        for (int64_t i = 0; i < lines; i++, to += to_across, from += from_across)
            memcpy(to, from, (size_t)bytes);
}

/* ---- Transposing: elements of four bytes that lie across the lines ----------------------------------------------------- */

#if defined(__clang__) || __GNUC__ >= 12
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define LOW(a, b) __builtin_shuffle(a, b, (square_line){0, 4, 1, 5})
#define HIGH(a, b) __builtin_shuffle(a, b, (square_line){2, 6, 3, 7})
#endif

/* A square of four by four, of which two lines or more are stored. */
static inline void transpose_square(char *to, int64_t packed, const char *from, int64_t stride,
                                    int64_t lines) {
    square_line a, b, c, d;
    memcpy(&a, from, sizeof a);
    memcpy(&b, from + stride, sizeof b);
    memcpy(&c, from + 2 * stride, sizeof c);
    memcpy(&d, from + 3 * stride, sizeof d);
    square_line ac = LOW(a, c), bd = LOW(b, d), high_ac = HIGH(a, c), high_bd = HIGH(b, d);
    square_line e = LOW(ac, bd), f = HIGH(ac, bd), g = LOW(high_ac, high_bd),
                h = HIGH(high_ac, high_bd);
    memcpy(to, &e, sizeof e);
    memcpy(to + packed, &f, sizeof f);
    if (lines > 2) memcpy(to + 2 * packed, &g, sizeof g);
    if (lines > 3) memcpy(to + 3 * packed, &h, sizeof h);
}

/*
 * Lines whose elements lie `stride` apart, and beside those of the next line; how many elements of each line are done, the others
 * are left. Squares lie within the lines: the last ones overlap those before. Of two or three lines, they reach into the next
 * element's, if it lies there.
 */
static int64_t transpose(char *to, int64_t packed, const char *from, int64_t stride, int64_t length,
                         int64_t lines) {
    bool few = lines < 4;
    int64_t done = (few ? length - 2 : length) & -4;
    if (lines < 2 || length < 8 || (few && stride != 4 * lines)) return 0;
    for (int64_t j = 0; few && j < done; j += 4)
        transpose_square(to + j * 4, packed, from + j * stride, stride, lines);
    for (int64_t i = 0; !few && i < lines; i += 4) {
        int64_t line = least(i, lines - 4);
        for (int64_t j = 0; j < done; j += 4)
            transpose_square(to + line * packed + j * 4, packed, from + j * stride + line * 4,
                             stride, 4);
    }
    return done;
}

/* ---- Spreading: elements that stay along short lines ------------------------------------------------------------------- */

/* Elements of a line, at most, that vectors are shuffled for. */
#define SHUFFLED_LINE 8

typedef uint64_t word_pair __attribute__((vector_size(16)));

/* Each line is filled by a word, or pairs of them, which reach into the lines after it. */
static inline void fill_line(char *to, uint64_t word, int64_t bytes) {
    word_pair pair = {word, word};
    if (bytes <= 8) {
        memcpy(to, &word, sizeof word);
        return;
    }
    for (int64_t done = 0; done < bytes; done += 16)
        memcpy(to + done, &pair, sizeof pair);
}

#define SPREAD(T, BYTES)                                                                           \
    for (int64_t i = 0; i < n; i++) {                                                              \
        T element;                                                                                 \
        memcpy(&element, from + i * across, sizeof element);                                       \
        fill_line(to + i * packed, element * (UINT64_MAX / (T)-1), BYTES);                         \
    }
#define DEFINE_SPREAD(NAME, T)                                                                     \
    static void NAME(char *restrict to, int64_t packed, const char *restrict from, int64_t across, \
                     int64_t n) {                                                                  \
        if (packed <= 8)                                                                           \
            SPREAD(T, 8)                                                                           \
        else if (packed <= 16)                                                                     \
            SPREAD(T, 16)                                                                          \
        else                                                                                       \
            SPREAD(T, packed)                                                                      \
    }

DEFINE_SPREAD(spread_1, uint8_t)
DEFINE_SPREAD(spread_2, uint16_t)
DEFINE_SPREAD(spread_4, uint32_t)
DEFINE_SPREAD(spread_8, uint64_t)

#ifdef __x86_64__
/* By the size of an element and the length of a line: from which byte of a vector each byte of the vectors comes that it becomes. */
#define SOURCE(SIZE, LENGTH, BYTE) (BYTE) / (SIZE) / (LENGTH) * (SIZE) + (BYTE) % (SIZE)
#define FOUR_SOURCES(S, L, B)                                                                      \
    SOURCE(S, L, B), SOURCE(S, L, B + 1), SOURCE(S, L, B + 2), SOURCE(S, L, B + 3)
#define SHUFFLE(S, L, K)                                                                           \
    {                                                                                              \
        FOUR_SOURCES(S, L, 16 * K), FOUR_SOURCES(S, L, 16 * K + 4),                                \
            FOUR_SOURCES(S, L, 16 * K + 8), FOUR_SOURCES(S, L, 16 * K + 12)                        \
    }
#define SHUFFLES(S, L)                                                                             \
    {                                                                                              \
        SHUFFLE(S, L, 0), SHUFFLE(S, L, 1), SHUFFLE(S, L, 2), SHUFFLE(S, L, 3), SHUFFLE(S, L, 4),  \
            SHUFFLE(S, L, 5), SHUFFLE(S, L, 6), SHUFFLE(S, L, 7)                                   \
    }
#define SHUFFLES_OF(S)                                                                             \
    {                                                                                              \
        [2] = SHUFFLES(S, 2), [3] = SHUFFLES(S, 3), [4] = SHUFFLES(S, 4), [5] = SHUFFLES(S, 5),    \
        [6] = SHUFFLES(S, 6), [7] = SHUFFLES(S, 7), [8] = SHUFFLES(S, 8)                           \
    }
static const uint8_t shuffles[4][SHUFFLED_LINE + 1][SHUFFLED_LINE][16] = {
    SHUFFLES_OF(1), SHUFFLES_OF(2), SHUFFLES_OF(4), SHUFFLES_OF(8)};

/* Each element of `bytes` as often as a line is long, a constant where this is inlined. */
__attribute__((target("ssse3"), always_inline)) static inline void shuffle_line_of(
    char *to, const char *from, int64_t bytes, uint8_t size, int length) {
    __m128i pattern[SHUFFLED_LINE];
    _Pragma("GCC unroll 8") for (int k = 0; k < length; k++) pattern[k] =
        _mm_loadu_si128((const void *)shuffles[__builtin_ctz(size)][length][k]);
    for (int64_t at = 0; at < bytes; at += 16, to += 16 * length) {
        __m128i elements = _mm_loadu_si128((const void *)(from + at));
        _Pragma("GCC unroll 8") for (int k = 0; k < length; k++)
            _mm_storeu_si128((void *)(to + 16 * k), _mm_shuffle_epi8(elements, pattern[k]));
    }
}

/* Lines whose elements lie side by side; how many are done: whole vectors of elements. */
__attribute__((target("ssse3"))) static int64_t repeat_elements(char *to, int64_t length,
                                                                const char *from, int64_t lines,
                                                                uint8_t size) {
    int64_t bytes = lines * size & -16;
    switch (length) {
    case 2: shuffle_line_of(to, from, bytes, size, 2); break;
    case 3: shuffle_line_of(to, from, bytes, size, 3); break;
    case 4: shuffle_line_of(to, from, bytes, size, 4); break;
    case 5: shuffle_line_of(to, from, bytes, size, 5); break;
    case 6: shuffle_line_of(to, from, bytes, size, 6); break;
    case 7: shuffle_line_of(to, from, bytes, size, 7); break;
    case 8: shuffle_line_of(to, from, bytes, size, 8); break;
    default: return 0;
    }
    return bytes / size;
}
#endif

/* How many of the lines are done: not the last, after which there is no room. */
static int64_t fill_lines(char *to, int64_t packed, const char *from, int64_t across, int64_t lines,
                          uint8_t size) {
    int64_t n = lines - ((int64_t)sizeof(word_pair) + packed - 1) / packed;
    if (n <= 0) return 0;
    switch (size) {
    case 1: spread_1(to, packed, from, across, n); break;
    case 2: spread_2(to, packed, from, across, n); break;
    case 4: spread_4(to, packed, from, across, n); break;
    default: spread_8(to, packed, from, across, n); break;
    }
    return n;
}

static int64_t spread(char *to, int64_t packed, const char *from, int64_t across, int64_t lines,
                      uint8_t size) {
    int64_t done = 0;
#ifdef __x86_64__
    if (across == size && __builtin_cpu_supports("ssse3"))
        done = repeat_elements(to, packed / size, from, lines, size);
#endif
    return done +
           fill_lines(to + done * packed, packed, from + done * across, across, lines - done, size);
}

/* ---- A walk over a strided array, beside contiguous memory ------------------------------------------------------------- */

typedef struct walk {
    int rank;
    uint8_t size;
    bool into_array;
    const int64_t *dims, *strides;
    char *array; /* the next element */
    char *block;
    int64_t index[PLAN_MAX_AXES];
    shuffle *known;
} walk;

static void begin_walk(walk *w, int64_t first) {
    for (int i = w->rank; i-- > 0;) {
        w->index[i] = first % w->dims[i];
        first /= w->dims[i];
        w->array += w->index[i] * w->strides[i];
    }
}

static void walk_line(const walk *w, int64_t stride, int64_t n) {
    if (w->into_array)
        copy_line(w->known, w->array, stride, w->block, w->size, n, w->size);
    else
        copy_line(w->known, w->block, w->size, w->array, stride, n, w->size);
}

/* Move `n` steps along an axis whose inner axes are at 0, and on to the next line of it at its end. */
static void advance(walk *w, int axis, int64_t n) {
    w->index[axis] += n;
    w->array += n * w->strides[axis];
    while (axis > 0 && w->index[axis] == w->dims[axis]) {
        w->array += w->strides[axis - 1] - w->index[axis] * w->strides[axis];
        w->index[axis--] = 0;
        w->index[axis]++;
    }
}

/* Short lines that lie near each other, by shuffles; how many are done. Into an array without gaps, by the inverse: from its lowest address
   on, from elements of the block that lie at the same distances; those left are then the first ones if the lines go downwards. */
static int64_t walk_short_lines(const walk *w, int64_t lines, int64_t length, int64_t stride,
                                int64_t across) {
    short_lines of = {w->size, length, stride, across};
    int64_t packed = length * w->size, low = 0;
    if (!w->into_array) {
        int64_t done = 0;
        if (stride || length > SHUFFLED_LINE)
            done = wn_shuffle_lines(w->known, w->block, w->array, of, lines);
        if (stride || done) return done;
        return spread(w->block, packed, w->array, across, lines, w->size);
    }
    if ((stride != w->size && stride != -w->size) || (across != packed && across != -packed))
        return 0;
    if (across < 0) low += (lines - 1) * across;
    if (stride < 0) low += (length - 1) * stride;
    return wn_shuffle_lines(w->known, w->array + low, w->block - low, of, lines);
}

/* Whole lines: together if they are short, or have no gaps in them; else along them if they are long; else across them, element by element
   of a line. */
static void walk_plane(const walk *w, int64_t lines) {
    int last = w->rank - 1;
    int64_t length = w->dims[last], stride = w->strides[last], across = w->strides[last - 1];
    int64_t packed = length * w->size, done = walk_short_lines(w, lines, length, stride, across);
    walk line = *w;
    lines -= done;
    if (!w->into_array || across > 0) {
        line.array += done * across;
        line.block += done * packed;
    }
    if (stride == w->size && packed > 1) {
        if (w->into_array)
            copy_lines(line.array, across, line.block, packed, packed, lines);
        else
            copy_lines(line.block, packed, line.array, across, packed, lines);
        return;
    }
    if (!w->into_array && w->size == 4 && across == 4 && stride != 4) {
        done = transpose(line.block, packed, line.array, stride, length, lines);
        length -= done;
        line.array += done * stride;
        line.block += done * 4;
    }
    if (length >= lines) {
        for (int64_t i = 0; i < lines; i++, line.array += across, line.block += packed)
            walk_line(&line, stride, length);
        return;
    }
    for (int64_t i = 0; i < length; i++, line.array += stride, line.block += w->size) {
        if (w->into_array)
            copy_line(w->known, line.array, across, line.block, packed, lines, w->size);
        else
            copy_line(w->known, line.block, packed, line.array, across, lines, w->size);
    }
}

static void walk_elements(walk *w, int64_t count) {
    int last = w->rank - 1;
    while (count > 0) {
        int64_t done = 0;
        if (w->rank > 1 && w->index[last] == 0 && count >= w->dims[last]) {
            int64_t lines = least(w->dims[last - 1] - w->index[last - 1], count / w->dims[last]);
            walk_plane(w, lines);
            advance(w, last - 1, lines);
            done = lines * w->dims[last];
        } else {
            done = least(w->dims[last] - w->index[last], count);
            walk_line(w, w->strides[last], done);
            advance(w, last, done);
        }
        w->block += done * w->size;
        count -= done;
    }
}

static void copy_between(walk *w, int64_t first, int64_t count) {
    if (w->rank == 0) {
        walk_line(w, 0, count);
        return;
    }
    begin_walk(w, first);
    walk_elements(w, count);
}

void wn_gather(shuffle *known, char *to, const char *from, uint8_t size, int rank,
               const int64_t *dims, const int64_t *strides, int64_t first, int64_t count) {
    shuffle own;
    own.width = 0;
    walk w = {.rank = rank, .size = size, .dims = dims, .strides = strides};
    w.array = (char *)(uintptr_t)from; /* only read */
    w.block = to;
    w.known = known ? known : &own;
    copy_between(&w, first, count);
}

void wn_scatter(shuffle *known, char *to, const char *from, uint8_t size, int rank,
                const int64_t *dims, const int64_t *strides, int64_t first, int64_t count) {
    shuffle own;
    own.width = 0;
    walk w = {.rank = rank, .size = size, .into_array = true, .dims = dims, .strides = strides};
    w.array = to;
    w.block = (char *)(uintptr_t)from; /* only read */
    w.known = known ? known : &own;
    copy_between(&w, first, count);
}
