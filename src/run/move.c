/*
 * move.c - packing where there is little to do (move.h).
 */
#include "run/move.h"

/* Arrays may lie anywhere. */
typedef uint16_t any_u16 __attribute__((aligned(1), may_alias));
typedef uint32_t any_u32 __attribute__((aligned(1), may_alias));
typedef uint64_t any_u64 __attribute__((aligned(1), may_alias));

/* Words that are looked at together. */
#define WORDS 256

/* The places of those that have bits. */
static size_t find_words(const uint64_t *words, size_t count, uint8_t *places) {
    size_t n = 0;
#pragma GCC unroll 4
    for (size_t i = 0; i < count; i++) {
        places[n] = (uint8_t)i;
        n += words[i] != 0;
    }
    return n;
}

/* The place of the lowest bit; of none, any place. */
static inline size_t lowest(uint64_t bits) {
    return (size_t)__builtin_ctzll(bits | (uint64_t)1 << 63);
}

/*
 * Where few are true, most words that have any have three at most: these are moved without asking how many there are. What is stored in
 * vain, for those that are not there, lies within three elements of `to`, which is never behind the word's first element where both are in
 * one array: so before the next word.
 */
#define MOVE_TRUE(T)                                                                               \
    static T *move_one_by_one_##T(T *to, const T *from, uint64_t bits) {                           \
        for (; bits; bits &= bits - 1)                                                             \
            *to++ = from[lowest(bits)];                                                            \
        return to;                                                                                 \
    }                                                                                              \
    static T *move_word_##T(T *to, const T *from, uint64_t bits) {                                 \
        uint64_t second = bits & (bits - 1), third = second & (second - 1);                        \
        to[0] = from[lowest(bits)];                                                                \
        to[1] = from[lowest(second)];                                                              \
        to[2] = from[lowest(third)];                                                               \
        to += 1 + (second != 0) + (third != 0);                                                    \
        return move_one_by_one_##T(to, from, third & (third - 1));                                 \
    }                                                                                              \
    static int64_t move_true_##T(T *to, int64_t room, const T *from, const uint64_t *words,        \
                                 int64_t count, int64_t *mixed) {                                  \
        const T *begin = to, *end = to + room;                                                     \
        int64_t some = 0;                                                                          \
        for (; count > 0; count -= WORDS, words += WORDS, from += WORDS * 64) {                    \
            uint8_t places[WORDS];                                                                 \
            size_t n = find_words(words, (size_t)(count < WORDS ? count : WORDS), places);         \
            for (size_t i = 0; i < n; i++) {                                                       \
                uint64_t bits = words[places[i]];                                                  \
                const T *x = from + (size_t)places[i] * 64;                                        \
                some += bits + 1 != 0;                                                             \
                to = end - to < 3 ? move_one_by_one_##T(to, x, bits) : move_word_##T(to, x, bits); \
            }                                                                                      \
        }                                                                                          \
        *mixed = some;                                                                             \
        return to - begin;                                                                         \
    }
MOVE_TRUE(uint8_t)
MOVE_TRUE(any_u16)
MOVE_TRUE(any_u32)
MOVE_TRUE(any_u64)

int64_t wn_move_selected(size_t size, void *to, int64_t room, const void *from,
                         const uint64_t *words, int64_t count, int64_t *mixed) {
    switch (size) {
    case 1: return move_true_uint8_t(to, room, from, words, count, mixed);
    case 2: return move_true_any_u16(to, room, from, words, count, mixed);
    case 4: return move_true_any_u32(to, room, from, words, count, mixed);
    default: return move_true_any_u64(to, room, from, words, count, mixed);
    }
}
