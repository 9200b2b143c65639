/*
 * accumulator.h - what reduce keeps of an output: how a chunk of elements is joined to it, and what becomes of it in the end.
 *
 * accumulator.c has one accumulator's life, narrow_sums.c what is its own in that of sums of narrow integers, emit_reduce.c the loops that all of
 * them go through together.
 */
#ifndef WN_ACCUMULATOR_H
#define WN_ACCUMULATOR_H

#include "jit/llvm/body.h"

#define MOST_PARTS 16

/* BEST: min and max of floats, whose parts are the best so far, two of signs unless they are ranged, and one that says where NaNs were.
   PLACE: argmin and argmax, whose parts are the best so far, and of floats the NaNs. HALVES: sums of 32-bit integers as 64-bit ones, whose
   parts are the sum modulo 2^32, and that of the upper halves. NEIGHBOURS: sums of integers of 8 or 16 bits as 64-bit ones, whose parts have lanes
   of 64 or 32 bits, to each of which eight or two elements are added at once. */
typedef enum join {
    JOIN_TREE,
    JOIN_FLAT,
    JOIN_COUNT,
    JOIN_BEST,
    JOIN_PLACE,
    JOIN_HALVES,
    JOIN_NEIGHBOURS
} join;

/* An accumulator: vectors that the chunks of a row are joined to in turn. */
typedef struct accumulator {
    join join;
    op o;
    uint32_t output; /* in the stage */
    wn_type type; /* of the values; COUNT: an unsigned integer as wide as a register's share for a lane */
    unsigned parts;
    unsigned best; /* as many as parts, but of BEST and PLACE: how many of them are the best, the first ones */
    bool sums;   /* COUNT: of bools that are added up as integers, whose number is the value */
    bool second; /* TREE: of the second of two leaves */
    bool ranged; /* BEST: joined by an instruction that tells -0 from +0 */
    ir part[MOST_PARTS];
    ir before[MOST_PARTS]; /* PLACE: the best before this leaf                         */
    ir found[MOST_PARTS];  /* PLACE: the leaf in which each was found; all bits: in none */
    ir waiting; /* BEST: a chunk whose NaNs are looked for together with the next one's */
    ir total; /* COUNT of less than 32 bits: an i64, to which the parts are added at the end of each leaf; else NULL */
} accumulator;

typedef struct reducing {
    body *b;
    const bool *wanted;
    accumulator *all;
    unsigned count;
    ir leaves; /* NULL: no trees */
} reducing;

static inline void locate_accumulator(const reducing *r, const accumulator *a) {
    locate_node(r->b, r->b->stage->outputs[a->output].node);
}

/* Whether its parts begin anew with each leaf. */
static inline bool is_emptied(const accumulator *a) {
    return a->join == JOIN_TREE || a->total;
}

static inline bool is_narrow_sum(const accumulator *a) {
    return a->join == JOIN_HALVES || a->join == JOIN_NEIGHBOURS;
}

static inline ir value_to_join(const reducing *r, const accumulator *a) {
    return r->b->values[wn_value_to_join(r->b->e, r->b->stage, a->output)];
}

/* Those that a stage's outputs need, into r->all. */
void wn_find_accumulators(reducing *r);
/* Before the first leaf of a call, and after the last. */
void wn_load_accumulator(reducing *r, accumulator *a);
void wn_store_accumulator(const reducing *r, accumulator *a);
/* Of the leaf that begins at `index`. */
void wn_end_leaf(const reducing *r, accumulator *a, ir index);

/* Join the values that were emitted last, chunk number `chunk` of a row, of which the lanes in `present` are there (NULL: all). */
void wn_join_chunk(const reducing *r, accumulator *a, unsigned chunk, ir present);
/* The same, with no other chunk beside it. */
void wn_join_chunk_alone(const reducing *r, accumulator *a, ir present);
ir wn_join_values(const reducing *r, const accumulator *a, ir x, ir y);

/* Of HALVES and NEIGHBOURS: how many parts there are, and the type of one. */
unsigned wn_narrow_parts(const emitter *e, const accumulator *a);
LLVMTypeRef wn_narrow_part(const emitter *e, const accumulator *a);
/* Join chunk number `chunk` of a row, of which the lanes in `selected` take part (NULL: all). */
void wn_join_narrow(const reducing *r, accumulator *a, unsigned chunk, ir selected);
/* What came before the call and all that was joined in it, an i64. */
ir wn_settle_narrow(const reducing *r, const accumulator *a);

/* The address of a kernel_accumulator's field. */
ir wn_accumulator_field(const reducing *r, const accumulator *a, size_t offset);
/* Part k of the lanes at `base`. */
ir wn_load_part(const reducing *r, const accumulator *a, ir base, unsigned k);
void wn_store_part(const reducing *r, const accumulator *a, ir base, unsigned k);

#endif
