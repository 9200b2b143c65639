/*
 * body.h - a function that is being emitted: its parameters, its values, its loops.
 *
 * body.c has what all functions share; emit.c has map and count, emit_pack.c fused, scatter and expand, emit_reduce.c, accumulator.c and narrow_sums.c reduce.
 */
#ifndef WN_BODY_H
#define WN_BODY_H

#include "jit/llvm/emit.h"

#include <string.h>

/* Groups of lanes in a row, without a loop: more would only make the code longer, and LLVM slower. */
#define MOST_GROUPS 4

/* A function that is being emitted. */
typedef struct body {
    emitter *e;
    const wn_plan *plan;
    const plan_stage *stage;
    const plan_program *program;
    kernel_function function;
    ir in, out, bitmap, n, cursor; /* parameters */
    ir *streams; /* pointer of each; of reduce, behind them, to its last elements, and to its first where a loop moves the first ones */
    ir moved;    /* NULL, or the element that the pointers are at which a loop moves */
    ir *bits; /* of each of bits: at which bit it begins; then of each two numbers that follow from it (find_bit) */
    ir *words; /* of each of bits: those from `word` on, if they are loaded */
    ir word;   /* where in the space the word begins whose lanes are being emitted; not in a map */
    ir *outputs;    /* pointer of each, then of each one's mask (the map of REDUCE) */
    ir *invariants; /* by value: <1 x T>, or NULL */
    ir *values;     /* by value: in the step being emitted, or NULL */
    ir *waiting;    /* by group of lanes and output, of two words: what waits to be stored */
    ir base;        /* cursor->base, if the program has an index */
    ir next;        /* EXPAND: cursor->values */
    ir limit;       /* PACK: which words are looked at (emit_pack.c) */
    LLVMBasicBlockRef entry;
    bool beside; /* what is emitted is not the loop that most elements pass through: debug information says so */
} body;

/* The values that the mask is made of, those that the outputs are made of, and both: true by value. */
typedef struct wanted_sets {
    bool *mask, *values, *all;
} wanted_sets;

/* A loop over elements, `step` at a time, whose condition is tested first: index is a phi in `head`. */
typedef struct loop {
    LLVMBasicBlockRef head, inside, after;
    ir index;
    ir at; /* index, or in a body that skips steps the last one */
    unsigned step;
} loop;

static inline LLVMBasicBlockRef new_block(const body *b, const char *name) {
    return LLVMAppendBasicBlockInContext(b->e->context, b->e->function, name);
}

static inline ir add(const body *b, ir x, ir y, const char *name) {
    return LLVMBuildAdd(b->e->builder, x, y, name);
}

/* A constant in the index is added last, to the pointer: all that is near has the rest in common, which LLVM would have to find out. */
static inline ir element_pointer(const body *b, wn_type type, ir base, ir index) {
    LLVMTypeRef element = wn_ir_storage(b->e, type);
    bool is_sum = LLVMIsABinaryOperator(index) && LLVMGetInstructionOpcode(index) == LLVMAdd;
    ir last = is_sum ? LLVMGetOperand(index, 1) : NULL;
    if (!last || !LLVMIsAConstantInt(last))
        return LLVMBuildInBoundsGEP2(b->e->builder, element, base, &index, 1, "");
    index = LLVMGetOperand(index, 0);
    base = LLVMBuildInBoundsGEP2(b->e->builder, element, base, &index, 1, "");
    return LLVMBuildInBoundsGEP2(b->e->builder, element, base, &last, 1, "");
}

static inline ir is_below(const body *b, ir x, ir y) {
    return LLVMBuildICmp(b->e->builder, LLVMIntSLT, x, y, "");
}

/*
 * Whether a loop of reduce moves the pointer of a stream rather than counting from it: an operand in memory that has an index takes one more
 * micro-operation on Intel's processors. Bools are loaded by themselves.
 */
static inline bool is_moved(const body *b, uint32_t stream) {
    const plan_stream *s = &b->program->streams[stream];
    return b->streams[stream] && !s->scalar && !s->bits && s->type != WN_BOOL;
}

/* Whether a value is read from a bitmap, element by element. */
static inline bool value_is_bits(const body *b, const plan_value *v) {
    return v->kind == VALUE_STREAM && b->program->streams[v->number].bits &&
           !b->program->streams[v->number].scalar;
}

/* Ask for the lines of so many bytes, `distance` bytes behind `at`, to be written or read: a prefetch may point anywhere. */
void wn_emit_prefetch(const body *b, ir at, uint64_t distance, uint64_t bytes, bool write);

static inline void forget_values(body *b) {
    memset(b->values, 0, sizeof *b->values * b->program->value_count);
}

/* ---- Where what is emitted comes from (debug.c) ---------------------------------------------------------------------- */

void wn_debug_function(body *b, const char *name);
wn_spot wn_place_of_output(const body *b, const plan_output *o);

static inline void locate_node(const body *b, node_id id) {
    if (!b->e->debug) return;
    b->e->about.node = id;
    wn_locate(b->e, b->e->debug->nodes[id]);
}
static inline void locate_output(const body *b, const plan_output *o) {
    if (b->e->debug) wn_locate(b->e, wn_place_of_output(b, o));
}
static inline void locate_packing(const body *b, const plan_output *o) {
    if (b->e->debug) locate_node(b, wn_plan_packer(b->plan, b->stage, o));
}
static inline void locate_stores(body *b, const plan_output *o) {
    if (!b->e->debug) return;
    b->e->packing = b->e->debug->nodes[wn_plan_packer(b->plan, b->stage, o)];
    b->e->storing = wn_place_of_output(b, o);
}
/* The loop itself, and what is done once for it. */
static inline void locate_loop(const body *b) {
    b->e->about.node = 0;
    if (b->e->debug)
        wn_locate(b->e, (wn_spot){wn_place_of_output(b, &b->stage->outputs[0]).line,
                                  b->beside ? PLACE_BESIDE : PLACE_LOOP});
}

/* ---- body.c ---------------------------------------------------------------------------------------------------------- */

/* Open a function: parameters, pointers, invariants. False: out of memory. */
bool wn_body_begin(body *b, uint32_t stage, kernel_function function, const bool *wanted);
/* Of what exceeds the caches (KERNEL_STREAM): before a vector of every stream is loaded, ask for what will be some way behind: the lines
   that begin in the vector. It is at element `first` of a step. */
void wn_ask_ahead(const body *b, const bool *wanted, ir step, uint64_t first);
/* Load the pointers of streams from in[first] on. */
void wn_load_streams(body *b, const bool *wanted, uint32_t first);
void wn_body_end(body *b);
/* The fields of the cursor, eight bytes each, as kernel_cursor has them. */
enum { CURSOR_POSITION, CURSOR_ROOM, CURSOR_BASE, CURSOR_LOOKS, CURSOR_UNIFORM, CURSOR_VALUES };
ir wn_cursor_field(const body *b, unsigned field);

/* The values that `wanted` marks and that are not there yet, over the lanes from `index` on. */
void wn_emit_values(body *b, const bool *wanted, ir index);
/* What is emitted next lies in the 64 lanes from `index` on: bits are loaded once for all. Not in a map. */
void wn_begin_word(body *b, ir index);
/* Of a stream of bits, a word from `index` on; in a map, as many as there are lanes. */
ir wn_load_bits(const body *b, uint32_t stream, ir index);
/* The lanes from `index` on of a stream of bits, as an integer of so many. */
ir wn_stream_bits(body *b, uint32_t stream, ir index);
/* Mark all that the marked values are made of. */
void wn_want_operands(const plan_program *p, bool *wanted);
/* The widest element that is computed with, in bits. */
unsigned wn_widest_bits(const plan_program *p);
/* A value as it is stored: bools as bytes. */
ir wn_stored_value(body *b, uint32_t value);

loop wn_begin_loop(body *b, ir first, unsigned step);
/* Leave the loop unless `more`; the body follows. */
void wn_enter_loop(body *b, const loop *l, ir more);
void wn_end_loop(body *b, const loop *l);
/* What counts a loop's iterations, in the next one. */
ir wn_advance(const body *b, ir count, ir step);
/* A value that the loop carries: before it `initial`, and in the next iteration what wn_next_iteration says. */
ir wn_new_phi(const body *b, ir initial, const char *name);
void wn_next_iteration(body *b, ir phi, ir next);

/* ---- The loops ------------------------------------------------------------------------------------------------------- */

void wn_emit_pack_loop(body *b, const wanted_sets *sets);
unsigned wn_lanes_to_pack(const emitter *e, const plan_stage *s);
bool wn_emit_reduce_loop(body *b, const bool *wanted); /* false: out of memory */
/* The value that reduce joins for an output: the output's own, or what it is widened from (narrow_sums.c). */
uint32_t wn_value_to_join(const emitter *e, const plan_stage *s, uint32_t output);
unsigned wn_lanes_to_reduce(const emitter *e, const plan_stage *s, const bool *wanted);

#endif
