/*
 * bits.c - bits moved in words of up to 64, whatever they are made of: bits side by side, bytes, or bits at any distance.
 *
 * Words are little-endian, as all that is compiled for. A byte that is not all ours is changed by one atomic operation, which touches
 * our bits alone; the others are stored.
 */
#include "graph/bits.h"

#include <string.h>

#define WORD 64
#define EACH_BYTE ((uint64_t)0x0101010101010101)

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static uint8_t *byte_of(const bits *b, int64_t bit) {
    return (uint8_t *)b->data + (bit >> 3);
}

/* ---- Out ------------------------------------------------------------------------------------------------------------ */

/* Bits side by side: of eight bytes, and what is left of a ninth. No byte is read that has none of them. */
static uint64_t take_run(const bits *b, int64_t n) {
    const uint8_t *from = byte_of(b, b->at);
    int64_t shift = b->at & 7, bytes = (shift + n + 7) / 8;
    uint64_t word = 0;
    if (bytes >= 8)
        memcpy(&word, from, 8);
    else
        memcpy(&word, from, (size_t)bytes);
    word >>= shift;
    if (bytes > 8) word |= (uint64_t)from[8] << (WORD - shift);
    return word;
}

/* The lowest bits of eight bytes. */
static uint64_t take_bytes(const bits *b) {
    uint64_t eight;
    memcpy(&eight, byte_of(b, b->at), 8);
    return (eight & EACH_BYTE) * 0x0102040810204080u >> 56;
}

/* The next n bits, at most 64; what lies above them in the word is anything. */
static uint64_t take(bits *b, int64_t n) {
    uint64_t word = 0;
    int64_t i = 0;
    if (b->stride == 1) {
        word = take_run(b, n);
        b->at += n;
        return word;
    }
    for (; b->stride == 8 && (b->at & 7) == 0 && i + 8 <= n; i += 8, b->at += 64)
        word |= take_bytes(b) << i;
    for (; i < n; i++, b->at += b->stride)
        word |= (uint64_t)(__atomic_load_n(byte_of(b, b->at), __ATOMIC_RELAXED) >> (b->at & 7) & 1)
                << i;
    return word;
}

/* ---- In ------------------------------------------------------------------------------------------------------------- */

/* The bits of `mask` in a byte that has others. */
static void put(uint8_t *byte, uint64_t value, uint64_t mask) {
    uint8_t old = __atomic_load_n(byte, __ATOMIC_RELAXED);
    uint8_t changed = (uint8_t)((old ^ value) & mask);
    if (changed) __atomic_fetch_xor(byte, changed, __ATOMIC_RELAXED);
}

/* Bits side by side: some of one byte, or from the beginning of a byte on. */
static void give_run(const bits *b, uint64_t word, int64_t n) {
    uint8_t *to = byte_of(b, b->at);
    int64_t shift = b->at & 7, bytes = shift ? 0 : n / 8, rest = n - bytes * 8;
    if (bytes == 8)
        memcpy(to, &word, 8);
    else
        memcpy(to, &word, (size_t)bytes);
    if (rest) put(to + bytes, word >> bytes * 8 << shift, (((uint64_t)1 << rest) - 1) << shift);
}

static void give(bits *b, uint64_t word, int64_t n) {
    if (b->stride == 1) {
        give_run(b, word, n);
        b->at += n;
        return;
    }
    for (int64_t i = 0; i < n; i++, b->at += b->stride)
        put(byte_of(b, b->at), (word >> i & 1) << (b->at & 7), (uint64_t)1 << (b->at & 7));
}

/* How many bits to move next: up to the end of a byte that is begun, else a word. */
static int64_t next_count(const bits *to, int64_t n) {
    return least(n, to->stride == 1 && to->at & 7 ? 8 - (to->at & 7) : WORD);
}

/* ---- The calls ------------------------------------------------------------------------------------------------------ */

void wn_bits_copy(bits to, bits from, int64_t n) {
    for (int64_t now; n > 0; n -= now) {
        now = next_count(&to, n);
        give(&to, take(&from, now), now);
    }
}

void wn_bits_unpack(uint8_t *to, bits from, int64_t n) {
    for (int64_t now; n > 0; n -= now, to += now) {
        now = least(n, 8);
        /* Bit i of the word in byte i, then in the lowest bit of it. */
        uint64_t eight = (take(&from, now) & 255) * EACH_BYTE & 0x8040201008040201u;
        eight = (eight + 0x7f * EACH_BYTE) >> 7 & EACH_BYTE;
        memcpy(to, &eight, (size_t)now);
    }
}
