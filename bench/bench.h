/*
 * bench.h - what the parts of winnow-bench share: works, arrays, what takes turns, cells of figures.
 *
 * A work is an expression with what it is measured against; a cell is one work at one size and number of threads. Of a cell all
 * candidates take turns: our kernels and the hand-written loops for each instruction set, the limit, the peers.
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

#define ISA_COUNT 2

/* ---- works.c ---------------------------------------------------------------------------------------------------------- */

#define MAX_HANDS 3
#define LIMITS 4

typedef struct isa_row {
    const char *name, *loops; /* "v3", and what the loops that it is measured against are made of */
    wn_isa isa;
    bool (*available)(void);  /* whether the hand-written loops may be called */
    limit_fn *limits[LIMITS]; /* named by limit_names */
} isa_row;

extern const isa_row isas[ISA_COUNT];
extern const char *const limit_names[LIMITS];

typedef enum work_kind {
    WORK_MAP,
    WORK_PACK,
    WORK_REDUCE,
    WORK_SUM /* a reduction of which both sides add up in an order of their own */
} work_kind;

typedef struct hand_row {
    const char *name; /* "stream" and "ahead" are for what exceeds the caches */
    hand_fn *loop[ISA_COUNT];
} hand_row;

typedef struct work {
    const char *name, *text; /* peers.py finds its own spellings by the text */
    const char *inputs;      /* a letter each, as arrays.c has them */
    work_kind kind;
    wn_type type; /* of the output */
    hand_row hand[MAX_HANDS];
    int32_t outputs, row; /* 0: one output; of elements, not of rows */
    int32_t per_mille;    /* of m are true; 0: half */
    bool huge;            /* measured at 128 Mi too */
} work;

extern const work works[];
extern const size_t work_count;

static inline bool is_reduction(const work *w) {
    return w->kind == WORK_REDUCE || w->kind == WORK_SUM;
}
static inline size_t output_count(const work *w) {
    return w->outputs ? (size_t)w->outputs : 1;
}
/* Whether a processor would know by heart where the branches on so many elements go, if they were the same in each call; of fewer, the call
   is what counts. */
static inline bool is_learnt(size_t n) {
    return n >= 1024 && n <= (size_t)1 << 20;
}
/* Of an element of the output, or of its row. */
static inline size_t element_size(const work *w) {
    return wn_type_size(w->type) * (w->row ? (size_t)w->row : 1);
}

/* ---- arrays.c --------------------------------------------------------------------------------------------------------- */

#define MAX_INPUTS 13
#define MAX_OUTPUTS 3
#define MAX_MASKS 4
/* The outputs begin at one of so many places, so many bytes apart. */
#define PLACES 7
#define PLACE 576

typedef enum filling {
    FILL_SPECIAL, /* uniform in [-0.5, 0.5), and here and there a value that only a careful loop treats rightly */
    FILL_ZEROS,  /* of both signs */
    FILL_FINITE, /* uniform, and nothing else: what is timed */
    FILLINGS
} filling;

typedef struct arrays {
    const work *w;
    size_t n;
    size_t selected; /* how many of m are true, which is v's length */
    size_t elements; /* of each output, once ours has run */
    size_t masks; /* in place of m, one behind the other: the same words in other orders; 1 where order makes no difference */
    char *memory; /* the inputs one behind the other, then the outputs */
    void *in[MAX_INPUTS];
    char *out; /* with room for moving */
} arrays;

/* The lengths are known afterwards, the contents are FILL_FINITE. */
bool arrays_new(arrays *a, const work *w, size_t n);
void arrays_fill(const arrays *a, filling how);
/* With another of its masks as m. */
arrays arrays_with_mask(const arrays *a, size_t mask);
/* New orders of all masks. */
void arrays_shuffle(const arrays *a, uint64_t *state);
void arrays_free(arrays *a);
size_t arrays_of_inputs(const arrays *a, wn_array to[MAX_INPUTS]);
size_t arrays_of_outputs(const arrays *a, void *out, wn_array to[MAX_OUTPUTS]);
/* From one output to the next, in bytes. */
size_t output_stride(const arrays *a);
hand_inputs hand_inputs_of(const arrays *a);
limit_streams streams_of(const arrays *a);
/* That are read and written, in a whole run. */
size_t traffic(const limit_streams *s);
void declare_inputs(wn_graph *g, const char *inputs);

/* splitmix64: the same numbers in every run. */
uint64_t next_random(uint64_t *state);

/* ---- timing.c --------------------------------------------------------------------------------------------------------- */

#define MAX_CANDIDATES (ISA_COUNT * (2 + MAX_HANDS + LIMITS))
#define MAX_PEERS 8
#define MAX_ROUNDS 301

typedef enum role { OURS, HAND, LIMIT } role;

typedef struct candidate {
    role role;
    size_t isa;
    const char *name;
    size_t (*call)(const struct candidate *c); /* returns the elements written */
    wn_binding *binding;
    hand_fn *hand;
    hand_inputs in;
    void *out;
    size_t n;
    limit_fn *limit;
    limit_streams streams;
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
/* The median over the rounds of one time by the other. */
double median_ratio(const timing *over, const timing *under, size_t rounds);
/* Best of many. */
double best_of(const candidate *c, size_t calls);

typedef struct peers peers;
/* Round after round, the outputs moved before each; `c` has `count` candidates for each mask, `t` their times and then the peers'.
   Returns how many rounds there were, 0 if the peers broke off. */
size_t take_turns(candidate *c, size_t count, const arrays *a, peers *p, timing *t, size_t threads,
                  bool quick);

/* ---- peers.c ---------------------------------------------------------------------------------------------------------- */

/* Starts the command, which is "python peers.py", and hears what there is. NULL with a message if it fails. */
peers *peers_new(const char *command);
void peers_free(peers *p);
size_t peer_count(const peers *p); /* 0 of NULL */
/* "numpy", and its version or why it is missing. */
const char *peer_name(const peers *p, size_t k);
const char *peer_version(const peers *p, size_t k);
/* The inputs of a cell and what ours made of them, which each peer has to make too. Returns whether any can. */
bool peers_begin(peers *p, const arrays *a);
/* Nanoseconds a call of each that takes part, NAN of the others. */
bool peers_round(peers *p, double *ns);

/* ---- report.c, svg.c, tables.c -------------------------------------------------------------------------------------------------- */

/* Times are nanoseconds an element, best of all rounds; 0 where nothing was measured. A ratio above 1: ours is faster. */
typedef struct figures {
    double ours, hand, limit;
    double by_hand, by_limit;           /* hand / ours, limit / ours: medians over the rounds */
    const char *hand_name, *limit_name; /* the best of each; with 2 threads "hand" is ours with 1 */
} figures;

typedef struct cell {
    const work *w;
    size_t n, threads, bytes;
    figures isa[ISA_COUNT];
    double peer[MAX_PEERS], by_peer[MAX_PEERS]; /* peer / the best of ours */
} cell;

typedef struct cost {
    char what[64];
    const char *isa, *unit;
    double value;
} cost;

typedef struct report {
    const char *commit;
    const peers *peers;
    cell *cells;
    cost *costs;
    size_t cell_count, cost_count;
} report;

bool report_cell(report *r, const cell *c); /* keeps a copy, prints a row */
/* The first only keeps it. */
bool keep_cost(report *r, const char *isa, const char *unit, double value, const char *what, ...);
bool report_cost(report *r, const char *isa, const char *unit, double value, const char *what, ...);
void report_peers(const report *r); /* prints their table */
/* "AMD EPYC" and the like, from the system. */
void machine_name(char *to, size_t room);
/* What a row is called: the text, or of a long one the name. */
void work_name(char *to, size_t room, const work *w);
/* "4 Ki" */
void size_name(char *to, size_t room, size_t n);
void put_json(FILE *f, const report *r);
void put_svg(FILE *f, const report *r);
void put_tables(FILE *f, const report *r);

/* ---- bench.c, cost.c, accuracy.c -------------------------------------------------------------------------------------- */

wn_graph *graph_of(wn_context *context, const char *inputs, const char *text);
wn_kernel *compile(wn_graph *g, wn_isa isa);
wn_binding *bind(wn_context *context, wn_isa isa, const arrays *a);

size_t call_run(const candidate *c);

/* What compiling takes, and what running a small work and binding it again costs. */
bool measure_costs(report *r, wn_context *context, const isa_row *isa);
/* How far float32 sums are from the exact ones. */
bool measure_accuracy(report *r);

#endif
