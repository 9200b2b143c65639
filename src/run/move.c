/*
 * move.c - packing where there is little to do (move.h).
 */
#include "run/move.h"

/* Arrays may lie anywhere. */
typedef uint16_t any_u16 __attribute__((aligned(1), may_alias));
typedef uint32_t any_u32 __attribute__((aligned(1), may_alias));
typedef uint64_t any_u64 __attribute__((aligned(1), may_alias));

#define MOVE_TRUE(T)                                                                               \
    static int64_t move_true_##T(T *to, const T *from, const uint64_t *words, int64_t n) {         \
        const T *begin = to;                                                                       \
        for (int64_t first = 0; first < n; first += 64)                                            \
            for (uint64_t bits = words[first / 64]; bits; bits &= bits - 1)                        \
                *to++ = from[first + __builtin_ctzll(bits)];                                       \
        return to - begin;                                                                         \
    }
MOVE_TRUE(uint8_t)
MOVE_TRUE(any_u16)
MOVE_TRUE(any_u32)
MOVE_TRUE(any_u64)

int64_t wn_move_selected(size_t size, void *to, const void *from, const uint64_t *words, int64_t n) {
    switch (size) {
    case 1: return move_true_uint8_t(to, from, words, n);
    case 2: return move_true_any_u16(to, from, words, n);
    case 4: return move_true_any_u32(to, from, words, n);
    default: return move_true_any_u64(to, from, words, n);
    }
}
