/*
 * bits.h - bitmaps: an element a bit, the first in the lowest bit of a byte; at any bit, and at any distance.
 */
#ifndef WN_BITS_H
#define WN_BITS_H

#include <stdint.h>

/* Bit `at`, `at + stride`, ... of the bytes at `data`; neither need be positive. Bools of 0 and 1 are bits 8 apart. */
typedef struct bits {
    char *data;
    int64_t at, stride;
} bits;

/*
 * Copy n bits; they may be copied onto themselves. All other bits of the bytes that are written stay as they are, also those that another
 * thread writes at the same time in the same way.
 */
void wn_bits_copy(bits to, bits from, int64_t n);
/* Copy n bits into as many bools. */
void wn_bits_unpack(uint8_t *to, bits from, int64_t n);

#endif
