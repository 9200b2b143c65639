/*
 * block.h - a space laid out for kernels: which operands they can read where they lie, and which are copied to blocks first.
 *
 * A grid is made when arrays are bound and does not change while it runs; what changes belongs to a worker, of which each thread
 * has its own.
 */
#ifndef WN_BLOCK_H
#define WN_BLOCK_H

#include "jit/plan.h"
#include "run/walk.h"

typedef enum operand_mode {
    OPERAND_SCALAR, /* one element, for the whole run                                                           */
    OPERAND_DIRECT, /* contiguous over the whole grid: its own memory, but for what is not a whole step         */
    OPERAND_PERIODIC, /* repeats itself, soon enough to be laid out once a run, for a block that begins anywhere  */
    OPERAND_STRIDED, /* laid out block by block                                                                  */
    OPERAND_BUFFER /* an output that has no place on the grid: always in the buffer                            */
} operand_mode;

typedef struct operand {
    char *data;
    uint8_t mode;
    uint8_t size;   /* bytes of an element; 0: it is a bit, and strides are bits */
    uint8_t bit;    /* of a bit: where in the first byte of data it lies, 0 to 7 */
    uint8_t uses;   /* USE_MASK, USE_VALUES                           */
    size_t buffer;  /* where in a worker's buffers; multiple of 64    */
    size_t known;   /* STRIDED, of elements: where in them lies what is known about its lines */
    int64_t period; /* PERIODIC                                      */
    int64_t strides[PLAN_MAX_AXES];
} operand;

typedef struct grid {
    int64_t total;
    int64_t step; /* kernels take multiples of it                              */
    int rank;
    int64_t dims[PLAN_MAX_AXES];
    int64_t block; /* elements that a buffer holds, a multiple of step and of 64 */
    bool direct;   /* nothing needs a buffer but a last partial step             */
    bool tiled; /* taken by tiles (columns.h), not in order: only what stays where it is may be periodic */
    bool any_order; /* elements may be taken in any order: all that matters is that they are together */
    uint32_t in_count, out_count;
    operand *in, *out;
    size_t buffers; /* bytes of a worker's buffers */
} grid;

/* How elements are packed. A word of which all elements are true, or all false, is uniform. */
typedef enum pack_way {
    PACK_LOOKING, /* uniform words are left out or copied           */
    PACK_WORDS,   /* every word is packed                           */
    PACK_MOVING   /* elements one by one, by a bitmap (move.h)      */
} pack_way;

/* A piece that was packed, chunk by chunk, and is written to its place while the next one is packed. */
typedef struct held_piece {
    int64_t chunks, written;
} held_piece;

/* Each has lines of its own, so that no thread waits for another's. */
typedef struct worker {
    _Alignas(64) const void **in;
    void **out;
    uint64_t *words; /* a block's mask */
    char *buffers;
    bool filled;       /* the periodic operands are laid out */
    pack_way way;      /* PACK: how to go on, after what was packed last */
    int unlooked;      /* PACK: so many calls more test no word          */
    bool dense;        /* PACK: of what was packed last there was much to store */
    bool counts_first; /* PACK: the next piece is counted before it is packed */
    held_piece held;
} worker;

/* Bytes that elements take. */
static inline int64_t operand_bytes(const operand *o, int64_t elements) {
    return o->size ? elements * o->size : (elements + 7) / 8;
}

#define BUFFER_BYTES ((int64_t)128 << 10)

static inline int64_t round_up(int64_t n, int64_t multiple) {
    if ((multiple & (multiple - 1)) == 0) return (n + multiple - 1) & -multiple;
    return (n + multiple - 1) / multiple * multiple;
}

/* How many elements to take next, before `end`: whole words up to the end of a block, or what is left of less than a word. */
static inline int64_t grid_next_count(const grid *g, bool directly, int64_t first, int64_t end) {
    int64_t count = end - first, block = g->block - first % g->block;
    if (!directly && block < count) count = block;
    return count < KERNEL_WORD ? count : count - count % KERNEL_WORD;
}

/* Merge axes that every operand runs through as if they were one, and choose modes, the block and the buffers. `dims`, step, tiled, any_order,
   operands' data, sizes and strides are set; modes are SCALAR or BUFFER where they are, else anything. */
void wn_grid_lay_out(grid *g, int64_t largest_block);
/* Whether kernels read the operands in `uses` (0: all) where they lie. */
bool wn_grid_reads_directly(const grid *g, uint8_t uses);
/* Whether operands are bits, of which one cannot begin to read at any element. */
bool wn_grid_has_bits(const grid *g);
/* Before the first block of a run. */
void wn_grid_begin(const grid *g, worker *w);
/* Point w->in at elements [first, first + count), of those operands that are in `uses` (0: all). Whole steps are readable. If the
   grid ends inside the last of them, count must be less than a step. */
void wn_grid_point(const grid *g, worker *w, uint8_t uses, int64_t first, int64_t count);

/* Copy the elements of an output from the worker's buffer to their place. */
void wn_grid_put(const grid *g, const worker *w, const operand *o, int64_t first, int64_t count);

/* Copy `count` elements of contiguous memory into an array, from the row-major place `first` on; bools into a bitmap too. */
void wn_array_put(const wn_array *a, const char *from, int64_t first, int64_t count);

/* What is known about a strided operand's lines; NULL: it is none. */
shuffle *wn_known_lines(const worker *w, const operand *o);

#endif
