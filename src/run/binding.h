/*
 * binding.h - the inside of a binding: arrays, lengths, and a plan's stages made ready for them.
 *
 * A stage whose space is known from the shapes of inputs is prepared when arrays are bound, any other when it runs, after the
 * counts before it. Memory is kept from run to run and only grows; but results, which are the caller's to see, are allocated
 * exactly.
 */
#ifndef WN_BINDING_H
#define WN_BINDING_H

#include "run/block.h"
#include "run/kernel.h"

typedef struct memory {
    void *data;
    size_t size;
} memory;

/* The bytes from an array's first to its last, for the search of arrays that overlap. */
typedef struct bound_span {
    uintptr_t first, end;
    uint32_t number;      /* inputs, then outputs                          */
    uint32_t next_output; /* the index of the next span that is an output's */
} bound_span;

/* The bytes that an array covers, as seen from the byte in which its first element begins. */
typedef struct bound_reach {
    uintptr_t before; /* of them, so many lie before it */
    uintptr_t size;   /* 0: there are none              */
} bound_reach;

/* One set of what a caller binds, with the lengths that follow. */
typedef struct bound_arrays {
    wn_array *inputs;
    wn_array *outputs; /* with true lengths once they are known */
    wn_array *rooms;   /* outputs as they were given            */
    int64_t *symbols;  /* by symbol; -1: not known yet          */
    bool *in_place;    /* by output: it is an input's very array */
    bound_span *spans; /* room for all; of both sets            */
} bound_arrays;

/* Makes a result of what reduce found out of `selected` elements, and stores it. False: it takes more to finish, and nothing is stored. */
typedef bool settle_fn(const kernel_accumulator *a, int64_t selected, void *to);

/* An output of a PACK, ROWS or REDUCE stage. */
typedef struct bound_output {
    wn_array *array; /* of the binding's outputs or temporaries                               */
    bool given;      /* the caller's memory                                                   */
    bool contiguous; /* packed elements (ROWS: the packed rows of one outer index) have no gaps */
    bool normalise;  /* ROWS: a plain bool, moved without having been computed                */
    uint32_t source; /* the stream that its rows, or of PACK its elements, may be moved from  */
    int64_t row_stride, outer_strides[PLAN_MAX_AXES]; /* of the source */
    uint32_t own;        /* REDUCE: the first output that is reduced alike */
    int64_t chunk_at;    /* PACK: in a worker's memory, where what the first chunk holds begins */
    int64_t chunk_bytes; /* PACK: how far it is to the next */
    settle_fn *settle;   /* REDUCE: NULL if it always takes more */
    bool counts;         /* REDUCE: how many elements are selected matters, and is counted */
    uint8_t value_type;  /* REDUCE: wn_type */
    uint8_t size;        /* REDUCE: of a result, in bytes; 0: it is a bit */
    uint64_t identity;   /* REDUCE: what lanes begin with */
} bound_output;

/* Runs one of a binding's stages, or, as the binding's own, all there is to run. */
typedef wn_status run_fn(wn_binding *b, uint32_t stage, wn_error *error);

/* What a direct run needs comes first, and so lies in few lines: those of arrays that just fill the first cache have to make room for them. */
typedef struct bound_stage {
    const plan_stage *plan;
    kernel_fn map, count, fused, scatter, stream, reduce, expand; /* NULL: not there, or not needed */
    const void **in;                                              /* direct: the streams */
    void **out;          /* direct: the outputs; REDUCE: what they are reduced to on the way */
    const uint8_t *uses; /* by stream */
    bool early;          /* prepared when bound */
    bool prepared;
    bool bitmap_wanted; /* count is a pass of its own */
    grid grid;          /* the space; ROWS: of the values */
    grid mask;          /* of rows */
    bound_output *outputs;
    worker *workers;
    int32_t worker_count;
    memory scratch; /* workers, their pointers and buffers */
    memory bitmap;
    memory parts;       /* what each part of a run on threads found */
    int64_t n_true;     /* of this run */
    int64_t move_block; /* elements whose bits are found before any is moved */
    int64_t move_one_in; /* PACK: where no more than one in so many is true there is little to move, and little to store */
    int64_t room; /* PACK, in one pass: elements that every output has room for */
    bool may_move; /* PACK: all outputs are inputs as they lie there, so that elements can be moved (move.h) */
    bool direct;  /* one thread; all is read and stored in place, but for a last partial step */
    bool placed;  /* the targets are where they will be in the next run too */
    bool repeats; /* MAP: elements can be computed twice, from any on */
    int64_t outer, places, row; /* of rows: how many outer indices, places in the mask, elements in a row */
    bool move_rows;             /* ROWS: they can be moved straight from the inputs */
    bool pack_rows; /* ROWS: they can be packed by scatter; EXPAND: they are expanded by expand */
    memory spread;  /* of these: by byte, each of its bits `spread_row` times */
    int64_t spread_row;
    int64_t rows, length; /* REDUCE: how many results, elements of each */
    bool in_place; /* REDUCE: the function reads all streams where they lie, from any element on */
    bool by_columns;     /* REDUCE: not row by row (columns.h) */
    bool in_rows;        /* REDUCE, by columns: each is a short row, the space is as it was */
    memory columns;      /* REDUCE: how, if by columns */
    memory accumulators; /* REDUCE: of each part of a run on threads, for each output */
    int64_t piece; /* PACK: elements that a thread takes at a time, or past the caches a lone one; 0: all of them */
    bool may_count;                   /* PACK: threads may count a piece before they pack it */
    bool counts_first;                /* PACK: as far as the last run tells, it pays */
    bool in_caches;                   /* PACK: on threads: they hold all of it */
    int64_t mask_bytes, output_bytes; /* PACK: of an element, in the inputs of the mask and in the outputs */
    size_t piece_buffer; /* PACK: where in a worker's buffers its chunks begin, but for their alignment (pieces.c) */
    int64_t chunks_bytes; /* PACK: of the chunks of all outputs */
    int64_t counts_bytes; /* PACK: of what is known of each chunk */
    int64_t step; /* PACK: elements that are packed at a time of what is stored past the caches; 0: it is not */
    int64_t steps_ahead;  /* PACK: of which the inputs are asked for; 0: they are not */
    size_t values_buffer; /* EXPAND: where in a worker's buffers v is laid out */
    int64_t dims[PLAN_MAX_AXES];
} bound_stage;

struct wn_binding {
    uint32_t magic;
    bool computes_floats; /* the kernel does */
    bool has_run;
    run_fn *run; /* chosen when bound: of a lone direct stage its own, without a detour */
    bound_stage *stages;
    wn_kernel *kernel;
    size_t size;
    bound_arrays now, next;
    bound_reach *reaches; /* of the inputs, then of the outputs in `now` */
    memory *owned;        /* by output: the context's memory, of exactly the result's size */
    wn_array *results;    /* by output: the interpreter's, before they are given out */
    wn_array *temps;
    memory *temp_memory;
    bool bound;       /* the arrays in `now` are checked and laid out */
    bool late_checks; /* some lengths are compared only after a count */
};

/* Parts of a run on threads, for each of them: some are slower than others. */
#define PARTS_PER_WORKER 4

#define BINDING_MAGIC 0x426e6957u /* "WinB" */

static inline int64_t length_of(const bound_arrays *a, dim d) {
    return d >= 0 ? d : a->symbols[~d];
}

/* ---- Shapes and checks (check.c) ------------------------------------------------------------------------------------- */

/* Whether the arrays fit the kernel, and each other: fills next->symbols and the true shapes of next->outputs. */
wn_status wn_check_arrays(const wn_kernel *k, bound_arrays *next, wn_error *error);
/* The plan's checks that can be made before `stage`. */
wn_status wn_check_lengths(const wn_kernel *k, const bound_arrays *a, uint32_t stage, wn_error *error);
/* Also finds out which outputs are in place. */
wn_status wn_check_overlaps(const wn_kernel *k, const bound_arrays *a, wn_error *error);
/* The shape of a node. */
void wn_node_shape(const wn_kernel *k, const bound_arrays *a, const node *n, int64_t *shape);
/* Whether an output given by the caller has room for a packed axis, now known. */
wn_status wn_check_room(const wn_kernel *k, const bound_arrays *a, uint32_t output, wn_error *error);

/* ---- Stages ---------------------------------------------------------------------------------------------------------- */

/* Lay out a stage whose lengths are known (stage.c). */
wn_status wn_stage_prepare(wn_binding *b, uint32_t stage, wn_error *error);
/* Take the pointers of the arrays as they are now. */
void wn_stage_point(wn_binding *b, uint32_t stage);
wn_array *wn_stage_target(const wn_binding *b, const plan_output *o);
static inline bool target_is_given(const wn_binding *b, const plan_output *o) {
    return o->target == TARGET_OUTPUT && b->now.rooms[o->number].data;
}
/* Whether a run reads and stores so much that it comes from memory, on a processor for which code can say so (stage.c). */
bool wn_exceeds_caches(const wn_binding *b, const bound_stage *s);
/* Memory for an output whose lengths are known: a temporary's, or the context's; the caller's is checked for room. */
wn_status wn_target_make(wn_binding *b, const plan_output *o, wn_error *error);
bool wn_memory_make(wn_context *c, memory *m, size_t size);
void wn_memory_free(wn_context *c, memory *m);

/* Memory for the outputs of a stage that stores them in place, over its space, if they have none yet. */
wn_status wn_make_targets_in_place(wn_binding *b, bound_stage *s, wn_error *error);
/* After a run: what the context made for a stage whose lengths were known when bound stays, and so the next run can be direct. */
void wn_stage_keep_targets(wn_binding *b, uint32_t stage);
/* Where the kernel writes elements from `first` on: to their place, if that is contiguous and they are a whole number of steps, else to
   the buffer; and from there to their place. */
void wn_point_outputs(const grid *g, worker *w, int64_t first, bool whole);
void wn_write_outputs(const grid *g, const worker *w, int64_t first, int64_t count, bool whole);

/* What wn_run is to call, once all that can be is prepared (run.c). */
void wn_run_choose(wn_binding *b);
/* By kind. A direct stage has a shorter way. */
run_fn wn_map_run, wn_map_directly;
run_fn wn_pack_run, wn_pack_directly;     /* mask.c   */
run_fn wn_rows_run;                       /* rows.c   */
run_fn wn_expand_run;                     /* expand.c */
run_fn wn_reduce_run, wn_reduce_directly; /* reduce.c */
run_fn wn_whole_run;                      /* whole.c  */

/* Compute elements to their places in the outputs. */
void wn_map_range(const bound_stage *s, worker *w, int64_t first, int64_t end);

/* ---- Masks (mask.c) ------------------------------------------------------------------------------------------------- */

/* How many are true of the elements [first, end), whose first begins a word; `words` is the whole bitmap, or NULL if the bits are not wanted. */
int64_t wn_count_range(const bound_stage *s, worker *w, int64_t first, int64_t end, uint64_t *words);
/* Evaluate a stage's own mask, into its bitmap if `keep`; how many are true. */
int64_t wn_mask_count(const wn_binding *b, bound_stage *s, bool keep);
/* Count into the bitmap if the mask is the stage's own, else take the other's; announce the count to the symbols. */
wn_status wn_mask_find(wn_binding *b, bound_stage *s, wn_error *error);
wn_status wn_mask_announce(wn_binding *b, const bound_stage *s, int64_t n_true, wn_error *error);
static inline const uint64_t *mask_words(const wn_binding *b, const bound_stage *s) {
    return b->stages[s->plan->mask_stage].bitmap.data;
}
/* Whether a PACK stage stores straight into all its outputs, which are the caller's (mask.c). */
bool wn_packs_directly(const bound_stage *s);
/* Let a PACK stage in one pass be run by this many threads, piece by piece; `apart`: no output lies on an input (pieces.c). */
void wn_pieces_prepare(const wn_binding *b, bound_stage *s, int32_t workers, bool apart);
/* Let one thread run it by steps, whose results go past the caches, if it can (pieces.c). */
void wn_steps_prepare(const wn_binding *b, bound_stage *s);
/* Find out what a PACK stage may move, once its space is laid out (mask.c). */
void wn_moves_prepare(const wn_binding *b, bound_stage *s);
/* Find out what can be done to a ROWS stage's rows, before its space is laid out (rows.c). */
wn_status wn_rows_prepare(const wn_binding *b, bound_stage *s, wn_error *error);
/* Compute elements of the space into a worker's buffers, from their beginning on (rows.c). */
void wn_compute(const bound_stage *s, worker *w, int64_t first, int64_t count);

/* ---- Expanding (expand.c) -------------------------------------------------------------------------------------------- */

/* Find out how an EXPAND stage's rows are expanded, before its space is laid out. */
wn_status wn_expand_prepare(const wn_binding *b, bound_stage *s, wn_error *error);
/* Bytes of the buffer for v. */
size_t wn_expand_buffer(const bound_stage *s);

/* ---- Reductions and whole arrays (reduce.c, whole.c) ------------------------------------------------------------------ */

/* How rows are reduced, once the space is laid out: in how many parts, with which memory. */
wn_status wn_reduce_prepare(wn_binding *b, bound_stage *s, uint32_t stage, wn_error *error);
/* Which axes of v are packed, by bit, so that they do not stretch. */
unsigned wn_packed_axes(const wn_graph *g, node_id v);

#endif
