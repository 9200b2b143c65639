/*
 * bench.h - what the parts of winnow-bench share: works, arrays, what takes turns, and where figures go.
 */
#ifndef WN_BENCH_H
#define WN_BENCH_H

#include "hand.h"
#include "winnow/winnow.h"

#include <stdbool.h>
#include <stdio.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define TRY(call)                                                                                  \
    do {                                                                                           \
        if (!(call)) return false;                                                                 \
    } while (0)

#define MAX_INPUTS 8
#define MAX_HANDS 2
#define ISA_COUNT 2

typedef struct isa_row {
    const char *name; /* of the loops that it is measured against */
    wn_isa isa;
    bool (*available)(void); /* whether the hand-written loops may be called */
} isa_row;

/* SUM: a reduction of which both sides add up in an order of their own. */
typedef enum work_kind { WORK_MAP, WORK_PACK, WORK_COUNT, WORK_REDUCE, WORK_SUM } work_kind;

typedef struct work {
    const char *name, *text;
    const char *inputs; /* a letter each */
    work_kind kind;
    wn_type type; /* of the output */
    hand_fn *hand[MAX_HANDS][ISA_COUNT];
} work;

static inline bool is_reduction(const work *w) {
    return w->kind == WORK_REDUCE || w->kind == WORK_SUM;
}

/* ---- arrays.c --------------------------------------------------------------------------------------------------------- */

/* The output begins at one of so many places, so many bytes apart. */
#define PLACES 7
#define PLACE 576

typedef enum filling {
    FILL_SPECIAL, /* uniform in [-0.5, 0.5), and here and there a value that only a careful loop treats rightly */
    FILL_ZEROS,  /* of both signs */
    FILL_FINITE, /* uniform, and nothing else */
} filling;

typedef struct arrays {
    size_t n;
    size_t selected; /* how many of m are true, which is v's length */
    char *memory;    /* the inputs of a work, one behind the other */
    size_t input_bytes;
    void *in[MAX_INPUTS];
    char *out; /* room for half of what any work reads and writes, which memcpy copies, and for moving */
} arrays;

/* Filled, so that lengths are known. */
bool arrays_new(arrays *a, size_t n, const char *inputs);
void arrays_fill(const arrays *a, const char *inputs, filling how);
void arrays_of_inputs(const arrays *a, const char *inputs, wn_array to[MAX_INPUTS]);
wn_array array_of_output(const arrays *a, const work *w, void *to);
hand_inputs hand_inputs_of(const arrays *a);
/* Bytes of an element of each of them together. */
size_t input_bytes(const char *inputs);
void declare_inputs(wn_graph *g, const char *inputs);

/* splitmix64: the same numbers in every run. */
uint64_t next_random(uint64_t *state);

/* ---- timing.c --------------------------------------------------------------------------------------------------------- */

#define MAX_CANDIDATES (MAX_HANDS + 2)
#define MAX_ROUNDS 301

typedef struct candidate {
    const char *name;
    size_t (*call)(const struct candidate *c); /* returns the elements written or counted */
    wn_binding *binding;
    hand_fn *hand;
    hand_inputs in;
    void *out;
    size_t n; /* memcpy, read: bytes */
} candidate;

#define FAILED ((size_t)-1)

typedef struct timing {
    double best, median;
    double samples[MAX_ROUNDS];
} timing;

double now(void); /* nanoseconds */
/* Nanoseconds a call, over so many calls. */
double sample(const candidate *c, size_t calls);
double median(const double *values, size_t count);
/* Round after round, the output moved before each. Returns how many rounds there were. */
size_t take_turns(candidate *c, size_t count, const work *w, const arrays *a, timing *t, bool quick);

/* ---- bench.c ---------------------------------------------------------------------------------------------------------- */

typedef struct report {
    FILE *json; /* NULL: none */
    bool began;
} report;

/* The next object of the file. */
void json_begin(report *r);
wn_graph *graph_of(wn_context *context, const char *inputs, const char *text);
wn_kernel *compile(wn_graph *g, wn_isa isa);
wn_binding *bind(wn_context *context, wn_isa isa, const work *w, const arrays *a);

/* ---- cost.c, accuracy.c ----------------------------------------------------------------------------------------------- */

/* What compiling takes, and what running `w` and binding it again costs. */
bool measure_costs(report *r, wn_context *context, wn_isa isa, const work *w);
/* How far float32 sums are from the exact ones. */
bool measure_accuracy(report *r);

#endif
