/*
 * emit.c - the functions of a plan: loops of explicit vectors, in the form that src/jit/kernel.h promises to the driver.
 *
 * A function loads its pointers, computes what does not vary, and loops; no tails, no calls, no branches but the loop's own.
 * Within a step every stream is loaded once, at its first use, and all loads of a vector come before its stores.
 */
#include "jit/llvm/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- One function ------------------------------------------------------------------------------------------------------ */

/* A function that is being emitted. */
typedef struct body {
    emitter *e;
    const plan_stage *stage;
    const plan_program *program;
    kernel_function function;
    ir in, out, bitmap, n, cursor; /* parameters */
    ir *streams;                   /* pointer of each */
    ir *outputs;                   /* pointer of each */
    ir *invariants;                /* by value: <1 x T>, or NULL */
    ir *values;                    /* by value: in the step being emitted, or NULL */
    ir *waiting; /* by group of lanes and output, of two words: what waits to be stored */
    ir base;     /* cursor->base, if the program has an index */
    LLVMBasicBlockRef entry;
} body;

static LLVMBasicBlockRef new_block(const body *b, const char *name) {
    return LLVMAppendBasicBlockInContext(b->e->context, b->e->function, name);
}

static ir add(const body *b, ir x, ir y, const char *name) {
    return LLVMBuildAdd(b->e->builder, x, y, name);
}

static ir element_pointer(const body *b, wn_type type, ir base, ir index) {
    return LLVMBuildInBoundsGEP2(b->e->builder, wn_ir_storage(b->e, type), base, &index, 1, "");
}

/* A field of the cursor: 0 position, 1 room, 2 base. */
static ir cursor_field(const body *b, unsigned field) {
    ir index = wn_ir_i64(b->e, field);
    return LLVMBuildInBoundsGEP2(b->e->builder, int_type(b->e, 64), b->cursor, &index, 1, "");
}

static ir load_pointer(const body *b, ir table, uint32_t number, const char *name) {
    LLVMTypeRef pointer = LLVMPointerTypeInContext(b->e->context, 0);
    ir index = wn_ir_i64(b->e, number);
    ir at = LLVMBuildInBoundsGEP2(b->e->builder, pointer, table, &index, 1, "");
    return LLVMBuildLoad2(b->e->builder, pointer, at, name);
}

static const char *stream_name(const body *b, const plan_stream *s) {
    return s->source == SOURCE_TEMP ? "temporary"
                                    : wn_graph_name(b->e->graph, NAME_INPUT, (int32_t)s->number);
}

/* ---- Values ------------------------------------------------------------------------------------------------------------- */

static ir constant_value(const emitter *e, wn_type type, uint64_t bits) {
    if (type == WN_BOOL) return wn_ir_int(e, 1, bits ? 1 : 0);
    ir integer = LLVMConstInt(int_type(e, type_bits(type)), bits, false);
    bool is_float = type == WN_F32 || type == WN_F64;
    return wn_ir_splat(e, is_float ? LLVMConstBitCast(integer, wn_ir_element(e, type)) : integer);
}

static ir load_stream(body *b, const plan_stream *s, ir index) {
    emitter *e = b->e;
    LLVMTypeRef type = vector_of(e, wn_ir_storage(e, s->type));
    ir at = b->streams[s - b->program->streams];
    if (!s->scalar) at = element_pointer(b, s->type, at, index);
    ir value = LLVMBuildLoad2(e->builder, type, at, stream_name(b, s));
    LLVMSetAlignment(value, 1);
    if (s->type != WN_BOOL) return value;
    return LLVMBuildICmp(e->builder, LLVMIntNE, value, wn_ir_int(e, 8, 0), "");
}

/* The row-major index of each lane. */
static ir index_value(body *b, ir index) {
    emitter *e = b->e;
    ir lanes[256];
    for (unsigned i = 0; i < e->lanes; i++)
        lanes[i] = wn_ir_i64(e, i);
    ir first = add(b, b->base, index, "");
    ir spread = LLVMBuildInsertElement(e->builder, LLVMGetUndef(int_vector(e, 64)), first,
                                       LLVMConstInt(int_type(e, 32), 0, false), "");
    spread = LLVMBuildShuffleVector(e->builder, spread, LLVMGetUndef(LLVMTypeOf(spread)),
                                    LLVMConstNull(int_vector(e, 32)), "");
    return add(b, spread, LLVMConstVector(lanes, e->lanes), "index");
}

static wn_type operand_type(const body *b, const plan_value *v) {
    return (wn_type)b->program->values[v->op == OP_where ? v->args[1] : v->args[0]].type;
}

static ir operation_value(body *b, const plan_value *v, const ir *args) {
    emitter *e = b->e;
    if (v->op == OP_cast) return wn_emit_cast(e, operand_type(b, v), (wn_type)v->type, args[0]);
    bool constant_divisor = value_arity(v) == 2 && b->program->values[v->args[1]].kind == VALUE_CONSTANT;
    return wn_emit_op(e, (op)v->op, operand_type(b, v), args, constant_divisor);
}

static void name_value(ir value, const plan_value *v) {
    const char *name = v->kind == VALUE_OPERATION ? wn_op_row((op)v->op)->name : "";
    if (LLVMIsAInstruction(value)) LLVMSetValueName2(value, name, strlen(name));
}

static ir emit_value(body *b, const plan_value *v, ir index, const ir *args) {
    emitter *e = b->e;
    switch ((value_kind)v->kind) {
    case VALUE_STREAM: return load_stream(b, &b->program->streams[v->number], index);
    case VALUE_CONSTANT:
        return constant_value(e, (wn_type)v->type, graph_node(e->graph, v->node)->bits);
    case VALUE_INDEX: return index_value(b, index);
    case VALUE_AND: return LLVMBuildAnd(e->builder, args[0], args[1], "mask");
    case VALUE_OPERATION: break;
    }
    ir value = operation_value(b, v, args);
    name_value(value, v);
    return value;
}

/* An invariant, <1 x T>, on every lane. */
static ir spread_invariant(body *b, uint32_t i) {
    emitter *e = b->e;
    const plan_value *v = &b->program->values[i];
    if (v->kind == VALUE_CONSTANT)
        return constant_value(e, (wn_type)v->type, graph_node(e->graph, v->node)->bits);
    ir one = b->invariants[i];
    return LLVMBuildShuffleVector(e->builder, one, LLVMGetUndef(LLVMTypeOf(one)),
                                  LLVMConstNull(int_vector(e, 32)), "");
}

/* The values up to `last` that `wanted` marks, over the lanes from `index` on. */
static void emit_values(body *b, const bool *wanted, ir index) {
    const plan_program *p = b->program;
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        if (!wanted[i] || b->values[i]) continue;
        ir args[3] = {NULL, NULL, NULL};
        for (unsigned k = 0; k < value_arity(v); k++)
            args[k] = b->values[v->args[k]];
        b->values[i] = v->invariant ? spread_invariant(b, i) : emit_value(b, v, index, args);
    }
}

/* Mark all that the marked values are made of. */
static void want_operands(const plan_program *p, bool *wanted) {
    for (uint32_t i = p->value_count; i-- > 0;)
        if (wanted[i])
            for (uint32_t k = 0; k < value_arity(&p->values[i]); k++)
                wanted[p->values[i].args[k]] = true;
}

static void emit_invariants(body *b, const bool *wanted) {
    const plan_program *p = b->program;
    unsigned lanes = b->e->lanes;
    b->e->lanes = 1;
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        ir args[3] = {NULL, NULL, NULL};
        if (!wanted[i] || !v->invariant) continue;
        for (unsigned k = 0; k < value_arity(v); k++)
            args[k] = b->invariants[v->args[k]];
        b->invariants[i] = emit_value(b, v, NULL, args);
    }
    b->e->lanes = lanes;
}

/* A value as it is stored: bools as bytes. */
static ir stored_value(body *b, uint32_t i) {
    ir value = b->values[i];
    if (b->program->values[i].type != WN_BOOL) return value;
    return LLVMBuildZExt(b->e->builder, value, int_vector(b->e, 8), "");
}

/* Groups of lanes in a row, without a loop: more would only make the code longer, and LLVM slower. */
#define MOST_GROUPS 4

/* ---- The frame of a function -------------------------------------------------------------------------------------------- */

static ir new_function(emitter *e, kernel_function function, uint32_t stage) {
    LLVMTypeRef p = LLVMPointerTypeInContext(e->context, 0), i64 = int_type(e, 64);
    LLVMTypeRef params[] = {p, p, p, i64, p};
    static const char *const names[] = {"in", "out", "bitmap", "n", "cursor"};
    char name[48];
    snprintf(name, sizeof name, "wn_%s_%u", kernel_function_name[function], stage);
    ir f = LLVMAddFunction(e->module, name, LLVMFunctionType(i64, params, 5, false));
    for (unsigned i = 0; i < 5; i++)
        LLVMSetValueName2(LLVMGetParam(f, i), names[i], strlen(names[i]));
    wn_set_target_attributes(e, f);
    return f;
}

static void load_pointers(body *b, const bool *wanted, bool outputs) {
    const plan_program *p = b->program;
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        if (!wanted[i]) continue;
        if (v->kind == VALUE_STREAM)
            b->streams[v->number] =
                load_pointer(b, b->in, v->number, stream_name(b, &p->streams[v->number]));
        if (v->kind == VALUE_INDEX) {
            b->base = LLVMBuildLoad2(b->e->builder, int_type(b->e, 64), cursor_field(b, 2), "base");
        }
    }
    for (uint32_t i = 0; outputs && i < b->stage->output_count; i++)
        b->outputs[i] = load_pointer(b, b->out, i, "out");
}

/* Open a function: parameters, pointers, invariants. false: out of memory. */
static bool begin(body *b, uint32_t stage, kernel_function function, const bool *wanted) {
    emitter *e = b->e;
    const plan_stage *s = b->stage;
    const plan_program *p = b->program;
    e->function = new_function(e, function, stage);
    b->in = LLVMGetParam(e->function, 0);
    b->out = LLVMGetParam(e->function, 1);
    b->bitmap = LLVMGetParam(e->function, 2);
    b->n = LLVMGetParam(e->function, 3);
    b->cursor = LLVMGetParam(e->function, 4);
    b->streams = calloc(p->stream_count + 1, sizeof *b->streams);
    b->outputs = calloc(s->output_count + 1, sizeof *b->outputs);
    b->invariants = calloc(p->value_count + 1, sizeof *b->invariants);
    b->values = calloc(p->value_count + 1, sizeof *b->values);
    b->waiting = calloc(2 * MOST_GROUPS * (size_t)s->output_count + 1, sizeof *b->waiting);
    if (!b->streams || !b->outputs || !b->invariants || !b->values || !b->waiting) return false;
    b->entry = new_block(b, "entry");
    LLVMPositionBuilderAtEnd(e->builder, b->entry);
    load_pointers(b, wanted, function != KERNEL_COUNT);
    emit_invariants(b, wanted);
    return true;
}

static void end(body *b) {
    free(b->streams);
    free(b->outputs);
    free(b->invariants);
    free(b->values);
    free(b->waiting);
}

/* A loop over [0, n) by `step` elements, whose condition is tested first: index is a phi in `head`. */
typedef struct loop {
    LLVMBasicBlockRef head, inside, after;
    ir index;
    unsigned step;
} loop;

static ir new_phi(const body *b, ir initial, const char *name) {
    ir phi = LLVMBuildPhi(b->e->builder, LLVMTypeOf(initial), name);
    LLVMAddIncoming(phi, &initial, (LLVMBasicBlockRef[]){b->entry}, 1);
    return phi;
}

static loop begin_loop(body *b, unsigned step) {
    loop l = {.step = step};
    l.head = new_block(b, "head");
    l.inside = new_block(b, "loop");
    l.after = new_block(b, "done");
    LLVMBuildBr(b->e->builder, l.head);
    LLVMPositionBuilderAtEnd(b->e->builder, l.head);
    l.index = new_phi(b, wn_ir_i64(b->e, 0), "i");
    return l;
}

/* Leave the loop unless `more`; the body follows. */
static void enter_loop(body *b, const loop *l, ir more) {
    LLVMBuildCondBr(b->e->builder, more, l->inside, l->after);
    LLVMPositionBuilderAtEnd(b->e->builder, l->inside);
}

/* What a phi of the loop's head is in the next iteration. */
static void next_iteration(body *b, ir phi, ir next) {
    LLVMBasicBlockRef from = LLVMGetInsertBlock(b->e->builder);
    LLVMAddIncoming(phi, &next, &from, 1);
}

static void end_loop(body *b, const loop *l) {
    next_iteration(b, l->index, add(b, l->index, wn_ir_i64(b->e, l->step), "next"));
    LLVMBuildBr(b->e->builder, l->head);
    LLVMPositionBuilderAtEnd(b->e->builder, l->after);
}

static ir is_below(const body *b, ir x, ir y) {
    return LLVMBuildICmp(b->e->builder, LLVMIntSLT, x, y, "");
}

static void forget_values(body *b) {
    memset(b->values, 0, sizeof *b->values * b->program->value_count);
}

/* ---- map ---------------------------------------------------------------------------------------------------------------- */

static void set_nontemporal(const emitter *e, ir store) {
    LLVMMetadataRef one = LLVMValueAsMetadata(LLVMConstInt(int_type(e, 32), 1, false));
    LLVMMetadataRef node_ = LLVMMDNodeInContext2(e->context, &one, 1);
    LLVMSetMetadata(store, LLVMGetMDKindIDInContext(e->context, "nontemporal", 11),
                    LLVMMetadataAsValue(e->context, node_));
}

/* A store that goes past the caches has to be aligned: at less, it would become one scalar store a lane. */
static void store_vector(body *b, uint32_t output, ir value, ir index) {
    wn_type type = (wn_type)b->program->values[b->stage->outputs[output].value].type;
    ir store =
        LLVMBuildStore(b->e->builder, value, element_pointer(b, type, b->outputs[output], index));
    unsigned bytes = b->e->lanes * type_bits(type) / 8;
    LLVMSetAlignment(store, b->function == KERNEL_STREAM ? (bytes < 64 ? bytes : 64) : 1);
    if (b->function == KERNEL_STREAM) set_nontemporal(b->e, store);
}

/* A step: vectors in a row, each stored as soon as it is evaluated. */
static void emit_map_step(body *b, const bool *wanted, ir index) {
    unsigned lanes = b->e->lanes, count = (unsigned)b->program->step / lanes;
    for (unsigned k = 0; k < count; k++) {
        ir at = k ? add(b, index, wn_ir_i64(b->e, k * lanes), "") : index;
        forget_values(b);
        emit_values(b, wanted, at);
        for (uint32_t i = 0; i < b->stage->output_count; i++)
            store_vector(b, i, stored_value(b, b->stage->outputs[i].value), at);
    }
}

static void emit_map_loop(body *b, const bool *wanted) {
    loop l = begin_loop(b, (unsigned)b->program->step);
    enter_loop(b, &l, is_below(b, l.index, b->n));
    emit_map_step(b, wanted, l.index);
    end_loop(b, &l);
    if (b->function == KERNEL_STREAM)
        LLVMBuildFence(b->e->builder, LLVMAtomicOrderingSequentiallyConsistent, false, "");
    LLVMBuildRet(b->e->builder, b->n);
}

/* ---- count -------------------------------------------------------------------------------------------------------------- */

/* The mask over the lanes from `index` on, as an integer of so many bits. */
static ir emit_mask_bits(body *b, const bool *wanted, ir index) {
    forget_values(b);
    emit_values(b, wanted, index);
    return wn_ir_bitcast(b->e, b->values[b->stage->mask_value], int_type(b->e, b->e->lanes));
}

static ir emit_mask_word(body *b, const bool *wanted, ir index) {
    emitter *e = b->e;
    LLVMTypeRef i64 = int_type(e, 64);
    ir word = NULL;
    for (unsigned first = 0; first < KERNEL_WORD; first += e->lanes) {
        ir bits = emit_mask_bits(b, wanted, first ? add(b, index, wn_ir_i64(e, first), "") : index);
        if (e->lanes == KERNEL_WORD) return bits;
        bits = LLVMBuildZExt(e->builder, bits, i64, "");
        if (first) bits = LLVMBuildShl(e->builder, bits, wn_ir_i64(e, first), "");
        word = word ? LLVMBuildOr(e->builder, word, bits, "") : bits;
    }
    return word;
}

static void emit_count_loop(body *b, const bool *wanted) {
    emitter *e = b->e;
    LLVMTypeRef i64 = int_type(e, 64);
    loop l = begin_loop(b, KERNEL_WORD);
    ir total = new_phi(b, wn_ir_i64(e, 0), "count");
    enter_loop(b, &l, is_below(b, l.index, b->n));
    ir word = emit_mask_word(b, wanted, l.index);
    ir number = LLVMBuildLShr(e->builder, l.index, wn_ir_i64(e, 6), "");
    ir at = LLVMBuildInBoundsGEP2(e->builder, i64, b->bitmap, &number, 1, "");
    LLVMBuildStore(e->builder, word, at);
    next_iteration(b, total, add(b, total, wn_ir_intrinsic(e, "llvm.ctpop", i64, &word, 1), ""));
    end_loop(b, &l);
    LLVMBuildRet(e->builder, total);
}

/* ---- fused and scatter ---------------------------------------------------------------------------------------------------- */

/* The values that the mask is made of, those that the outputs are made of, and both: true by value. */
typedef struct wanted_sets {
    bool *mask, *values, *all;
} wanted_sets;

/* Lanes that are evaluated and wait to be packed: their mask, and the value of each output as it is stored. */
typedef struct pack_group {
    pack_mask mask;
    ir *values;
} pack_group;

/* Evaluate the lanes from `index` on. An empty `mask` is evaluated too. */
static void emit_group(body *b, const bool *wanted, ir index, pack_mask mask, pack_group *group) {
    emitter *e = b->e;
    forget_values(b);
    emit_values(b, wanted, index);
    if (!mask.bits && !mask.vector) mask.vector = b->values[b->stage->mask_value];
    group->mask = mask;
    for (uint32_t i = 0; i < b->stage->output_count; i++) {
        uint32_t value = b->stage->outputs[i].value;
        LLVMTypeRef type = int_vector(e, type_bits((wn_type)b->program->values[value].type));
        group->values[i] = wn_ir_bitcast(e, stored_value(b, value), type);
    }
}

/* Pack and store them in every output; the position after them. */
static ir store_group(body *b, const pack_group *group, ir position) {
    ir after = position;
    for (uint32_t i = 0; i < b->stage->output_count; i++) {
        unsigned bits = type_bits((wn_type)b->program->values[b->stage->outputs[i].value].type);
        after = wn_emit_pack(b->e, group->values[i], bits, &group->mask, b->outputs[i], position);
    }
    return after;
}

static ir load_word(body *b, ir index) {
    emitter *e = b->e;
    ir number = LLVMBuildLShr(e->builder, index, wn_ir_i64(e, 6), "");
    ir at = LLVMBuildInBoundsGEP2(e->builder, int_type(e, 64), b->bitmap, &number, 1, "");
    return LLVMBuildLoad2(e->builder, int_type(e, 64), at, "word");
}

/* Lanes first .. first + count - 1 of a word; `first` may be known only at run time. */
static ir word_bits(body *b, ir word, ir first, unsigned count) {
    emitter *e = b->e;
    ir shifted = LLVMBuildLShr(e->builder, word, first, "");
    return count < KERNEL_WORD ? LLVMBuildTrunc(e->builder, shifted, int_type(e, count), "") : shifted;
}

static unsigned groups_in_a_row(const body *b) {
    return b->program->value_count <= 24 ? MOST_GROUPS : b->program->value_count <= 96 ? 2 : 1;
}

/* `count` groups of lanes of a word, from lane `first` of the word on. All are evaluated before one is stored: a load behind a store to
   an address that is not known yet has to wait for it. */
static ir emit_pack_groups(body *b, const bool *wanted, ir word, ir index, ir first, unsigned count,
                           ir position) {
    emitter *e = b->e;
    pack_group groups[MOST_GROUPS];
    for (unsigned i = 0; i < count; i++) {
        ir lane = i ? add(b, first, wn_ir_i64(e, i * e->lanes), "") : first;
        groups[i].values = b->waiting + i * b->stage->output_count;
        pack_mask mask = {NULL, word ? word_bits(b, word, lane, e->lanes) : NULL};
        emit_group(b, wanted, add(b, index, lane, ""), mask, &groups[i]);
    }
    for (unsigned i = 0; i < count; i++)
        position = store_group(b, &groups[i], position);
    return position;
}

/* A word of more groups than that: an inner loop over them. */
static ir emit_pack_inner_loop(body *b, const bool *wanted, ir word, ir index, ir position) {
    emitter *e = b->e;
    unsigned groups = groups_in_a_row(b);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(e->builder), inner = new_block(b, "groups"),
                      after = new_block(b, "word");
    LLVMBuildBr(e->builder, inner);
    LLVMPositionBuilderAtEnd(e->builder, inner);
    ir first = LLVMBuildPhi(e->builder, int_type(e, 64), "lane"), start = wn_ir_i64(e, 0);
    ir at = LLVMBuildPhi(e->builder, int_type(e, 64), "position");
    LLVMAddIncoming(first, &start, &before, 1);
    LLVMAddIncoming(at, &position, &before, 1);
    ir packed = emit_pack_groups(b, wanted, word, index, first, groups, at);
    ir next = add(b, first, wn_ir_i64(e, groups * e->lanes), "");
    next_iteration(b, first, next);
    next_iteration(b, at, packed);
    LLVMBuildCondBr(e->builder, is_below(b, next, wn_ir_i64(e, KERNEL_WORD)), inner, after);
    LLVMPositionBuilderAtEnd(e->builder, after);
    return packed;
}

static ir emit_pack_word(body *b, const bool *wanted, kernel_function function, ir index, ir position) {
    ir word = function == KERNEL_SCATTER ? load_word(b, index) : NULL;
    unsigned groups = KERNEL_WORD / b->e->lanes;
    if (groups > groups_in_a_row(b)) return emit_pack_inner_loop(b, wanted, word, index, position);
    return emit_pack_groups(b, wanted, word, index, wn_ir_i64(b->e, 0), groups, position);
}

/* ---- fused, a word ahead -------------------------------------------------------------------------------------------------- */

/*
 * Where an element is stored depends on all masks before it. A processor that once took a load for dependent on a store before
 * it, since their addresses agreed in the lowest bits, lets it wait for the addresses of all stores before it, and so for
 * masks that come from other loads: such a loop takes three times as long, on some runs and not on others. When the masks of
 * the next word are loaded before the stores of this one, no address waits for a load. With one or two outputs their values
 * come along, which saves loading them again. All this takes registers, which AVX-512 has.
 */
static bool runs_ahead(const body *b) {
    return b->function == KERNEL_FUSED && b->e->target.isa == WN_ISA_X86_64_V4 &&
           KERNEL_WORD / b->e->lanes <= groups_in_a_row(b);
}

static bool values_run_ahead(const body *b) {
    return b->stage->output_count <= 2;
}

/* What is evaluated a word ahead, of the word at `index`. */
static void emit_ahead(body *b, const wanted_sets *sets, ir index, unsigned count, pack_group *groups) {
    for (unsigned i = 0; i < count; i++) {
        ir at = add(b, index, wn_ir_i64(b->e, i * b->e->lanes), "");
        if (values_run_ahead(b)) {
            emit_group(b, sets->all, at, (pack_mask){NULL, NULL}, &groups[i]);
            continue;
        }
        forget_values(b);
        emit_values(b, sets->mask, at);
        groups[i].mask = (pack_mask){b->values[b->stage->mask_value], NULL};
    }
}

/* The groups of a word as the loop carries them, first as they are before it. */
static void carry_groups(body *b, unsigned count, pack_group *groups) {
    for (unsigned i = 0; i < count; i++) {
        groups[i].mask.vector = new_phi(b, groups[i].mask.vector, "mask");
        for (uint32_t k = 0; values_run_ahead(b) && k < b->stage->output_count; k++)
            groups[i].values[k] = new_phi(b, groups[i].values[k], "value");
    }
}

static void carry_on(body *b, unsigned count, const pack_group *carried, const pack_group *next) {
    for (unsigned i = 0; i < count; i++) {
        next_iteration(b, carried[i].mask.vector, next[i].mask.vector);
        for (uint32_t k = 0; values_run_ahead(b) && k < b->stage->output_count; k++)
            next_iteration(b, carried[i].values[k], next[i].values[k]);
    }
}

/* Return at once if there is no word; else go on in a new block, which is the entry of the loop. */
static void return_if_empty(body *b) {
    emitter *e = b->e;
    LLVMBasicBlockRef none = new_block(b, "none"), some = new_block(b, "some");
    LLVMBuildCondBr(e->builder, is_below(b, wn_ir_i64(e, 0), b->n), some, none);
    LLVMPositionBuilderAtEnd(e->builder, none);
    LLVMBuildRet(e->builder, wn_ir_i64(e, 0));
    LLVMPositionBuilderAtEnd(e->builder, some);
    b->entry = some;
}

/* The index of the next word; of the last one, if there is no next. */
static ir next_word(const body *b, ir index) {
    emitter *e = b->e;
    ir next = add(b, index, wn_ir_i64(e, KERNEL_WORD), "");
    ir last = LLVMBuildSub(e->builder, b->n, wn_ir_i64(e, KERNEL_WORD), "");
    return wn_ir_choose(e, is_below(b, next, b->n), next, last);
}

static ir emit_word_ahead(body *b, const wanted_sets *sets, ir index, pack_group *groups, ir position) {
    unsigned count = KERNEL_WORD / b->e->lanes;
    pack_group next[MOST_GROUPS];
    for (unsigned i = 0; i < count; i++)
        next[i].values = b->waiting + (MOST_GROUPS + i) * b->stage->output_count;
    emit_ahead(b, sets, next_word(b, index), count, next);
    for (unsigned i = 0; i < count && !values_run_ahead(b); i++)
        emit_group(b, sets->values, add(b, index, wn_ir_i64(b->e, i * b->e->lanes), ""),
                   groups[i].mask, &groups[i]);
    for (unsigned i = 0; i < count; i++)
        position = store_group(b, &groups[i], position);
    carry_on(b, count, groups, next);
    return position;
}

/* Word by word while there are elements, and room for a whole word. */
static void emit_pack_loop(body *b, const wanted_sets *sets) {
    emitter *e = b->e;
    LLVMTypeRef i64 = int_type(e, 64);
    ir start = LLVMBuildLoad2(e->builder, i64, cursor_field(b, 0), "position");
    ir room = LLVMBuildLoad2(e->builder, i64, cursor_field(b, 1), "room");
    ir last = LLVMBuildSub(e->builder, room, wn_ir_i64(e, KERNEL_WORD), "last");
    bool ahead = runs_ahead(b);
    unsigned count = ahead ? KERNEL_WORD / e->lanes : 0;
    pack_group groups[MOST_GROUPS];
    for (unsigned i = 0; i < count; i++)
        groups[i].values = b->waiting + i * b->stage->output_count;
    if (ahead) return_if_empty(b);
    if (ahead) emit_ahead(b, sets, wn_ir_i64(e, 0), count, groups);
    loop l = begin_loop(b, KERNEL_WORD);
    ir position = new_phi(b, start, "position");
    carry_groups(b, count, groups);
    ir fits = LLVMBuildICmp(e->builder, LLVMIntSLE, position, last, "");
    enter_loop(b, &l, LLVMBuildAnd(e->builder, fits, is_below(b, l.index, b->n), ""));
    next_iteration(b, position,
                   ahead ? emit_word_ahead(b, sets, l.index, groups, position)
                         : emit_pack_word(b, sets->all, b->function, l.index, position));
    end_loop(b, &l);
    LLVMBuildStore(e->builder, position, cursor_field(b, 0));
    LLVMBuildRet(e->builder, l.index);
}

/* ---- How many lanes at a time --------------------------------------------------------------------------------------------- */

static unsigned largest(unsigned a, unsigned b) {
    return a > b ? a : b;
}

/* As many as the widest group that an output's packing takes; at least 8. */
static unsigned lanes_to_pack(const emitter *e, const plan_stage *s) {
    unsigned lanes = 8;
    for (uint32_t i = 0; i < s->output_count; i++) {
        wn_type type = (wn_type)s->program.values[s->outputs[i].value].type;
        lanes = largest(lanes, wn_pack_lanes(e, type_bits(type)));
    }
    return lanes;
}

/* A whole word at once in a small program; in a large one its registers would spill. */
static unsigned lanes_to_count(const plan_program *p) {
    return p->value_count <= 24 ? KERNEL_WORD : 16;
}

/* ---- The plan ------------------------------------------------------------------------------------------------------------- */

static bool needs_mask(kernel_function f) {
    return f == KERNEL_COUNT || f == KERNEL_FUSED;
}

static void mark_wanted(const body *b, const wanted_sets *sets) {
    if (needs_mask(b->function)) sets->mask[b->stage->mask_value] = true;
    for (uint32_t i = 0; b->function != KERNEL_COUNT && i < b->stage->output_count; i++)
        sets->values[b->stage->outputs[i].value] = true;
    want_operands(b->program, sets->mask);
    want_operands(b->program, sets->values);
    for (uint32_t i = 0; i < b->program->value_count; i++)
        sets->all[i] = sets->mask[i] || sets->values[i];
}

static unsigned lanes_of(const emitter *e, const plan_stage *s, const plan_program *p,
                         kernel_function function) {
    if (function == KERNEL_MAP || function == KERNEL_STREAM) return (unsigned)p->lanes;
    return function == KERNEL_COUNT ? lanes_to_count(p) : lanes_to_pack(e, s);
}

static bool emit_function(emitter *e, const wn_plan *plan, uint32_t stage, kernel_function function) {
    const plan_stage *s = &plan->stages[stage];
    const plan_program *p = function == KERNEL_COUNT && s->kind == STAGE_ROWS ? &s->mask : &s->program;
    bool *flags = calloc(3 * (size_t)p->value_count + 1, sizeof *flags);
    if (!flags) return false;
    wanted_sets sets = {flags, flags + p->value_count, flags + 2 * (size_t)p->value_count};
    body b = {.e = e, .stage = s, .program = p, .function = function};
    mark_wanted(&b, &sets);
    e->lanes = lanes_of(e, s, p, function);
    bool ok = begin(&b, stage, function, sets.all);
    if (ok && (function == KERNEL_MAP || function == KERNEL_STREAM))
        emit_map_loop(&b, sets.all);
    else if (ok && function == KERNEL_COUNT)
        emit_count_loop(&b, sets.all);
    else if (ok)
        emit_pack_loop(&b, &sets);
    end(&b);
    free(flags);
    return ok;
}

bool wn_emit_plan(emitter *e, const wn_plan *plan, provider_functions functions) {
    for (uint32_t i = 0; i < plan->stage_count; i++)
        for (kernel_function f = KERNEL_MAP; f < KERNEL_FUNCTION_COUNT; f++)
            if (function_is_wanted(&plan->stages[i], f, functions) && !emit_function(e, plan, i, f))
                return false;
    return true;
}
