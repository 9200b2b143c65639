/*
 * plan.h - the cut of a graph into stages: loops over one iteration space each, in the order in which they run.
 *
 * A stage is one of
 *   MAP   each element of its outputs from the elements at the same place: one function, map.
 *   PACK  outputs hold the elements of an expression where a mask is true, mask and expression over the same axes: count,
 *         fused and scatter over one program that has both.
 *   REDUCE  an output for each place of the axes that are kept, from all elements of the others: the space is the kept axes, then the
 *         reduced ones. reduce takes long rows of contiguous elements; else the driver reduces what map computes, row by row or all columns at
 *         once.
 *   EXPAND  expand(v, m, fill) over the result: the program has mask and fill, v is read in turn, one element for each place where the
 *         mask is true. A mask that covers only axes [mask_first, mask_first + mask_rank) has a program of its own, as that of ROWS:
 *         short rows are expanded by its bits, repeated; long ones of v are laid over the fill (map).
 *   WHOLE an operation on whole arrays, which a function in C does (place, putmask, compress, an expand of bits); or a count that an
 *         earlier stage has found out already, as the length of what it packed.
 *   ROWS  the same when the mask covers only axes [mask_first, mask_first + mask_rank) of the space: a program for the mask over
 *         those axes (count), one for the values over the whole space. The elements of short rows are packed as those of PACK are
 *         (scatter), by a bitmap in which the driver repeats each bit; long rows are computed (map) and moved whole. How long they are
 *         is known from the graph, or else when arrays are bound.
 *
 * Packed values are not computed after packing but before: a node whose length is n_true of mask m is lowered over
 * the axes of m, so a chain of masks is one mask, and sqrt(x[m]) + y[m] is one loop. Where that can't be (x[m] + v with v of length
 * n_true) the packed value is kept in a temporary array, which later stages read like an input.
 *
 * wn_plan_print says why each stage is there. Node ids are those of the graph copy that the kernel keeps.
 */
#ifndef WN_PLAN_H
#define WN_PLAN_H

#include "graph/patterns.h"
#include "jit/kernel.h"

/* boolean_mask may widen a rank-8 array's one packed axis back to the mask's axes, so spaces have more axes than arrays. */
#define PLAN_MAX_AXES 24

typedef enum source_kind { SOURCE_INPUT, SOURCE_TEMP, SOURCE_CONSTANT } source_kind;

/* An array as a program reads it: for each axis of the space, the axis of the array, or -1 where it stays (stride 0). An array
   axis whose length turns out 1 while the space's is not stays as well. */
typedef struct plan_stream {
    source_kind source;
    uint32_t number; /* of the input or temporary */
    wn_type type;
    bool scalar; /* no axis at all: the function gets a pointer to one element */
    bool bits;   /* of an input that is given as a bitmap */
    int8_t axes[PLAN_MAX_AXES];
} plan_stream;

typedef enum value_kind {
    VALUE_STREAM,    /* number: the stream                                        */
    VALUE_CONSTANT,  /* the node's bits                                           */
    VALUE_OPERATION, /* elementwise or cast: args                                 */
    VALUE_AND,       /* of args 0 and 1: a mask of a mask                         */
    VALUE_INDEX      /* i64: the element's row-major index in the space (nonzero) */
} value_kind;

/* A value in static single assignment: args are indices of earlier values of the program. */
typedef struct plan_value {
    uint8_t kind;
    uint8_t op;   /* OPERATION: an op                         */
    uint8_t type; /* wn_type                                  */
    bool invariant; /* depends on constants and scalar streams alone: computed once, before the loop */
    bool of_bools; /* made of bools alone, as bytes or bits */
    uint32_t number;
    uint32_t args[3];
    node_id node; /* whose value it is; of INDEX the nonzero, of AND the mask that comes last */
} plan_value;

typedef struct plan_program {
    int32_t rank;
    dim dims[PLAN_MAX_AXES];
    int32_t step;  /* elements that one step computes, a power of two */
    int32_t lanes; /* elements of its vectors: the step, or a part of it (map) */
    plan_stream *streams;
    uint32_t stream_count, stream_room;
    plan_value *values;
    uint32_t value_count, value_room;
} plan_program;

typedef enum stage_kind {
    STAGE_MAP,
    STAGE_PACK,
    STAGE_ROWS,
    STAGE_REDUCE,
    STAGE_EXPAND,
    STAGE_WHOLE
} stage_kind;
typedef enum target_kind { TARGET_OUTPUT, TARGET_TEMP } target_kind;

typedef struct plan_output {
    target_kind target;
    uint32_t number; /* of the kernel's output or of the temporary */
    uint32_t value;  /* in stage->program; EXPAND: the fill */
    node_id node;    /* whose shape and type it has */
    bool bits;       /* MAP: stored as bits, into a bitmap */
    bool coordinates; /* nonzero: the value is VALUE_INDEX, the array i64 [n_true, rank], a row of coordinates each */
    bool masked;    /* REDUCE: only elements where `mask` is true take part */
    uint32_t mask;  /* in stage->program */
    int64_t symbol; /* WHOLE, of a count: whose length it is */
} plan_output;

/* What a WHOLE stage is done to, and the v of EXPAND: an array, or a constant. */
typedef struct plan_operand {
    source_kind source;
    uint32_t number; /* of the input or temporary */
    node_id node;
} plan_operand;

typedef struct plan_stage {
    stage_kind kind;
    plan_program program; /* MAP, PACK: over the space; ROWS: the values, over the space      */
    plan_program mask;    /* of rows alone: the mask, over its own axes                       */
    uint32_t mask_value;  /* in program; of rows: in mask                                     */
    int32_t mask_first, mask_rank;
    int64_t row; /* of rows: elements of a row; any number above PACKED_ROW if it is long or nothing packs well; -1: not known yet */
    int64_t count_symbol; /* PACK, ROWS: index of the SYMBOL_COUNT that this stage finds out  */
    uint32_t mask_stage; /* PACK, ROWS: the stage whose bitmap and count it uses: itself, or an earlier one with the same mask */
    bool owns_mask; /* mask_stage is itself: it has a count                                                              */
    bool bitmap_shared; /* a later stage uses this one's bitmap: no fused pass, count writes it whole                        */
    int64_t mask_key; /* the planner's own                                                                                 */
    int32_t kept;     /* REDUCE: how many of the axes, the first ones */
    bool folds; /* REDUCE: there is no reduce function: rows are short, or places in x[m] are asked for */
    bool places;              /* REDUCE: an output is an argmin or argmax */
    plan_operand operands[3]; /* WHOLE; EXPAND: the first, v */
    plan_output *outputs;
    uint32_t output_count, output_room;
    uint32_t level; /* one more than the highest of the stages whose temporaries it reads */
    uint32_t next;  /* the planner's own */
} plan_stage;

/* Two lengths that must fit, checked when they are known: a and b broadcast (node is elementwise), or b to a (where= of a reduction, v of
   an expand), or are equal (a mask). */
typedef struct plan_check {
    node_id node;
    bool of_v;
    dim a, b;
    int32_t stage; /* before which stage: 0 when only lengths of inputs matter (checked by bind), else after a count */
} plan_check;

typedef struct plan_temp {
    node_id node; /* contiguous, of this node's type and shape */
} plan_temp;

/* By input: who reads it. */
typedef struct plan_reads {
    uint32_t first, last; /* stages, from 1; 0: none                            */
    bool out_of_step;     /* not everywhere at the place that the space is at   */
} plan_reads;

/* By output: who writes it. */
typedef struct plan_writer {
    uint32_t stage; /* from 1 */
    uint32_t entry; /* which of its outputs it is */
} plan_writer;

typedef struct wn_plan {
    wn_context *context;
    const wn_graph *graph;
    const bool *bitmaps; /* by input, then by output: whether it is given as a bitmap; NULL: none is */
    plan_stage *stages;
    uint32_t stage_count, stage_room;
    plan_check *checks;
    uint32_t check_count, check_room;
    plan_temp *temps;
    uint32_t temp_count, temp_room;
    plan_reads *reads;
    plan_writer *writers;
    bool computes_floats; /* of what else, no run depends on the floating-point environment */
} wn_plan;

/* Plan a graph copy (wn_graph_copy), which must outlive the plan, as must the bitmaps. NULL: out of memory or a limit, see error. */
wn_plan *wn_plan_new(wn_context *context, const wn_graph *graph, const bool *bitmaps, wn_isa isa,
                     wn_error *error);
void wn_plan_free(wn_plan *plan);
/* The stages with their reasons, as `explain --emit plan` prints them. */
void wn_plan_print(const wn_plan *plan, wn_buffer *b);
/* What a line of that is about, and where the reason of a stage is, up to the end of its line; by where in the text it begins, in order. */
typedef enum note_about { ABOUT_STAGE, ABOUT_REASON, ABOUT_NODE, ABOUT_OUTPUT } note_about;
typedef struct plan_note {
    size_t begin;
    note_about about;
    uint32_t number;
} plan_note;
typedef struct plan_notes {
    plan_note *notes;
    uint32_t count, room;
} plan_notes;
/* The same, with notes that go into memory of the context. */
void wn_plan_print_noted(const wn_plan *plan, wn_buffer *b, plan_notes *notes);
/* The boolean_mask or nonzero whose elements an output of a PACK or ROWS stage is made of; of another stage's, the output's own node. */
node_id wn_plan_packer(const wn_plan *plan, const plan_stage *s, const plan_output *o);
/* How many args a value has. */
static inline uint32_t value_arity(const plan_value *v) {
    if (v->kind == VALUE_AND) return 2;
    return v->kind == VALUE_OPERATION ? wn_op_row((op)v->op)->arity : 0;
}

/* Registers that a value of a step fills: four keep the ports busy in a small graph; a larger one does with fewer, and LLVM takes less time
   for it; in one of hundreds of nodes they would only spill. */
static inline int32_t step_registers(const plan_program *p) {
    return p->value_count <= 8 ? 4 : p->value_count <= 24 ? 2 : 1;
}

/* Of several rows, those of fewer elements are not worth a call of reduce: a tree would be mostly empty. They are reduced in C. */
#define SHORT_ROW 256

/* Rows of up to so many elements are packed: a vector holds several of them, or at least one. */
#define PACKED_ROW 8

static inline bool row_is_packed(int64_t row) {
    return row >= 0 && row <= PACKED_ROW;
}

/* Whether a stage packs by a mask, of its own or of another stage. */
static inline bool stage_is_masked(const plan_stage *s) {
    return s->kind == STAGE_PACK || s->kind == STAGE_ROWS;
}

/* Whether the mask covers only some of the axes, and has a program of its own. */
static inline bool stage_has_rows(const plan_stage *s) {
    return s->kind == STAGE_ROWS || (s->kind == STAGE_EXPAND && s->mask_rank < s->program.rank);
}

/* PACK: whether all outputs are streams as they lie there, so that elements can be moved. */
static inline bool stage_moves_elements(const plan_stage *s) {
    for (uint32_t i = 0; i < s->output_count; i++) {
        const plan_value *v = &s->program.values[s->outputs[i].value];
        if (v->kind != VALUE_STREAM || v->type == WN_BOOL || s->outputs[i].coordinates ||
            s->program.streams[v->number].scalar)
            return false;
    }
    return true;
}

/* Whether the mask is found out for a whole word at once, cheaply. */
static inline bool stage_mask_is_bools(const plan_stage *s) {
    return !stage_has_rows(s) && s->program.values[s->mask_value].of_bools;
}

/* Whether functions of the library make a stage's outputs, not the object's. */
static inline bool stage_is_librarys(const plan_stage *s) {
    return s->kind == STAGE_WHOLE || (s->kind == STAGE_REDUCE && s->folds);
}

/* The first output of a REDUCE stage that has the same node: what is both an output and a temporary is reduced once. */
static inline uint32_t first_alike(const plan_stage *s, uint32_t output) {
    uint32_t first = 0;
    while (s->outputs[first].node != s->outputs[output].node)
        first++;
    return first;
}

/* The bool, or integer of 8, 16 or 32 bits, that output `output` of a REDUCE stage adds up as 64-bit integers, and that `reduce` need not widen
   (kernel.h); -1 if it adds up no such values. */
static inline int64_t widened_value(const plan_stage *s, op o, uint32_t output) {
    const plan_value *values = s->program.values, *v = &values[s->outputs[output].value];
    bool widens = (o == OP_sum || o == OP_mean) && v->kind == VALUE_OPERATION && v->op == OP_cast &&
                  !v->invariant && (v->type == WN_I64 || v->type == WN_U64);
    wn_type from = widens ? (wn_type)values[v->args[0]].type : WN_F64;
    return !type_is_float(from) && wn_type_size(from) < 8 ? (int64_t)v->args[0] : -1;
}

/* Whether a stage has this function. */
static inline bool stage_has(const plan_stage *s, kernel_function function) {
    switch (function) {
    case KERNEL_MAP:
        if (stage_has_rows(s)) return !row_is_packed(s->row);
        return s->kind <= STAGE_REDUCE && s->kind != STAGE_PACK;
    case KERNEL_COUNT: return s->owns_mask || s->kind == STAGE_EXPAND;
    case KERNEL_FUSED: return s->kind == STAGE_PACK && s->owns_mask && !s->bitmap_shared;
    case KERNEL_SCATTER:
        return s->kind == STAGE_PACK ||
               (s->kind == STAGE_ROWS && (s->row < 0 || row_is_packed(s->row)));
    case KERNEL_STREAM: return s->kind == STAGE_MAP || (s->kind == STAGE_REDUCE && !s->folds);
    case KERNEL_REDUCE: return s->kind == STAGE_REDUCE && !s->folds;
    case KERNEL_EXPAND:
        return s->kind == STAGE_EXPAND && !(stage_has_rows(s) && s->row >= 0 && !row_is_packed(s->row));
    case KERNEL_FUNCTION_COUNT: break;
    }
    return false;
}

/*
 * May an output of the kernel lie exactly over an input? If each use of the input is in the one MAP stage that writes the output, at
 * the same element; if the output is the value of a PACK or ROWS stage, packed onto the input itself, which nothing else reads; or if
 * it is the input with some elements changed, by a WHOLE stage, or by a MAP or EXPAND stage at the same element, which is the last to
 * read it. (Same pointer, type, shape and strides is the caller's part.)
 */
bool wn_plan_may_alias(const wn_plan *plan, uint32_t input, uint32_t output);
/* Once all stages are there: fill reads and writers, which are all 0. */
void wn_plan_find_uses(wn_plan *plan);

#endif
