/*
 * kernel.h - how generated code is called: the contract between src/jit/llvm (which emits it) and src/run (which calls it).
 *
 * A stage of the plan becomes a few functions of one type. They see contiguous blocks only:
 *   in[i]   stream i of the function's program: the block's first element; for a scalar stream, its one element.
 *           n elements are readable. Any alignment. Of a stream of bits, the byte in which the first one lies; at
 *           which bit of it, 0 to 7, is in[i + number of streams], as an integer.
 *   out[j]  output j of the stage; one of bits begins with the lowest bit of a byte.
 *
 * map      computes n elements of every output. n is a multiple of the program's step. Returns n.
 * count    evaluates the mask over n elements, n a multiple of 64, and writes n / 64 words of bitmap, first element in the
 *          lowest bit. Returns how many are set.
 * fused    mask, pack and store in one pass: n a multiple of 64. Goes word by word (64 elements) while
 *          cursor->position + 64 <= cursor->room, moves cursor->position by the elements packed, and returns the
 *          elements consumed. It may write up to out[j] + room, never beyond. The bitmap is not used.
 * scatter  the same, but reads the mask from the bitmap; of ROWS, one that has a bit for each element.
 * expand   mask and fill in one pass: n a multiple of 64. The next element of cursor->values goes where the mask is true, the fill where it
 *          is not, word by word while cursor->position + 64 <= cursor->room; moves cursor->position by the elements taken, and
 *          returns the elements of the space that are done. It may read up to values + room, never beyond. Of rows, it reads the mask
 *          from the bitmap, which has a bit for each element.
 * stream   map or reduce, of what exceeds the caches: what is read is asked for ahead. Of a map, stores go past the caches: every out[j]
 *          is aligned to KERNEL_LINE, and none is an input.
 * reduce   joins n elements to what out[j], an accumulator, holds of those before them. n is a multiple of KERNEL_LEAF but at the end
 *          of a row, and not 0. What lies behind the last multiple of 64 is read through a pointer of its own, in[i + 2 * number
 *          of streams], at the same distance as in in[i]: 64 elements, of which those past n count for nothing. Returns n.
 *
 * The map of a REDUCE stage stores the values to reduce, and behind all of them, as bools, the masks of those that have one.
 *
 * A last partial step is the caller's: it runs the function on padded copies, and clears the bits past the end between
 * count and scatter. So generated code has no tails but of reduce, and touches no byte outside what it was given.
 * An output pointer may equal an input pointer; a function loads a vector of every stream before it stores that vector's
 * outputs, in ascending order.
 */
#ifndef WN_KERNEL_H
#define WN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kernel_cursor {
    int64_t position; /* elements written to each output so far, from out[j]; expand: taken of values */
    int64_t room; /* elements that each out[j] has room for; expand: that values has              */
    int64_t base; /* the row-major index in the stage's space of in[]'s first element             */
    int64_t looks; /* fused and scatter: not 0: each word is tested first for being all false, or all true */
    int64_t uniform; /* fused: how many of the tested words were, added to this                         */
    const void *values; /* expand alone                                                                 */
} kernel_cursor;

typedef int64_t (*kernel_fn)(const void *const *in, void *const *out, uint64_t *bitmap, int64_t n,
                             kernel_cursor *cursor);

/* Elements that a word of bitmap, and so a step of count, fused, scatter and expand, covers. */
#define KERNEL_WORD 64

/* Bytes of a cache line: what prefetches ask for, and what stores past the caches fill. */
#define KERNEL_LINE 64

/*
 * What reduce keeps of an output between calls. The driver begins a row with nothing counted, no leaves, no place, and the identity as
 * the first of the lanes.
 *
 * A sum, prod or mean of floats has a tree, which docs/reductions.md describes: element i of a row is joined to lane i mod 64 (f64: 32)
 * of its leaf, leaves are joined lane by lane as in a binary counter, and `levels` are its digits: level k is in use if bit k of
 * `leaves` is set. All others join elements to lanes in any order.
 */
#define KERNEL_LEAF 2048 /* elements */
#define KERNEL_LEVELS 53
typedef struct kernel_accumulator {
    int64_t leaves;
    int64_t count; /* count, any: how many are true; all: how many are not; others that have a mask: how many it selects */
    int64_t leaf; /* argmin, argmax: the first in which the best of this call was found, counted from the call's beginning on; -1: in none */
    int64_t place; /* the driver's: where the leaf of the best of all calls so far begins, counted from the first one on; -1: nowhere yet */
    uint64_t best; /* and that best, as a constant stores it */
    bool unsure;   /* argmin, argmax: a NaN was met */
    _Alignas(64) unsigned char lanes[256]; /* one element, the value so far, of a mean the sum; of argmin and argmax that of this call alone */
    _Alignas(64) unsigned char levels[KERNEL_LEVELS][256]; /* 64 f32, or 32 f64 */
} kernel_accumulator;

/* Elements of a call of reduce, at most: its counters have 32 bits, and those of leaves as many as a value. */
#define KERNEL_REDUCE_MOST ((int64_t)1 << 30)
static inline int64_t kernel_places_most(size_t value_bytes) {
    return value_bytes == 2 ? (int64_t)KERNEL_LEAF << 15 : KERNEL_REDUCE_MOST;
}

/*
 * Of a sum of narrower integers as 64-bit ones. Those of 16 and 32 bits are kept in lanes of 32. Those of 32 bits have four lanes at least: each
 * gets 2^16 upper halves, and what their lower halves come to is below 2^32. Those of 16 bits come in vectors of eight at least (lanes_of_narrow in
 * emit_reduce.c), 2^15 in all. Each adds two to a lane: what is least, -2^15, comes to -2^31. Bytes and bools have room for more.
 */
#define KERNEL_WIDENED_MOST ((int64_t)4 << 16)
static inline int64_t kernel_widened_most(size_t value_bytes) {
    return value_bytes == 1 ? KERNEL_REDUCE_MOST : KERNEL_WIDENED_MOST;
}

typedef enum kernel_function {
    KERNEL_MAP,
    KERNEL_COUNT,
    KERNEL_FUSED,
    KERNEL_SCATTER,
    KERNEL_STREAM,
    KERNEL_REDUCE,
    KERNEL_EXPAND,
    KERNEL_FUNCTION_COUNT
} kernel_function;

/* The symbol of a function of stage i is wn_<name>_<i>: "wn_fused_0". */
static const char *const kernel_function_name[KERNEL_FUNCTION_COUNT] = {
    "map", "count", "fused", "scatter", "stream", "reduce", "expand"};

#endif
