/*
 * shuffle.h - elements at small distances, gathered by shuffles of whole vectors.
 *
 * However short lines lie, how they come to lie in vectors repeats itself after a group of lines, whose bytes are whole vectors. So it is
 * found out once from which few places of the array each vector of a group comes (sources); then those are loaded, shuffled and
 * joined, group by group. Reversed lines, every other element, axes in another order, and elements that stay along a line
 * differ in their sources alone.
 */
#ifndef WN_SHUFFLE_H
#define WN_SHUFFLE_H

#include <stdint.h>

#define SHUFFLE_WIDEST 64  /* bytes of a vector */
#define SHUFFLE_SOURCES 64 /* of a group        */

/* A vector of the array, and for each byte of the vector that is made from which byte it comes. */
typedef struct shuffle_source {
    int64_t from;
    uint64_t loaded; /* by bit: bytes from the first that is needed to the last */
    uint8_t bytes[SHUFFLE_WIDEST];
} shuffle_source;

/* How lines lie: element j of line i at i * across + j * stride. */
typedef struct short_lines {
    int64_t size; /* of an element */
    int64_t length, stride, across;
} short_lines;

/* What was found out about lines, for others that lie alike. */
typedef struct shuffle {
    short_lines of;
    int64_t lines;                   /* of a group */
    int width;                       /* of a vector, in bytes; 0: nothing is known */
    int vectors, sources;            /* of a group; no vectors: it is not worth it */
    uint8_t counts[SHUFFLE_SOURCES]; /* sources of each vector */
    shuffle_source source[SHUFFLE_SOURCES];
} shuffle;

/* Lay lines out side by side. Returns how many are done, from the first on: all, all but the last few, or none where it does not pay.
   `to` does not overlap them. */
int64_t wn_shuffle_lines(shuffle *s, char *to, const char *from, short_lines of, int64_t lines);

#endif
