/*
 * emit.c - the functions of a plan: loops of explicit vectors, in the form that src/jit/kernel.h promises to the driver.
 */
#include "jit/llvm/body.h"

#include <stdlib.h>

/* ---- map ---------------------------------------------------------------------------------------------------------------- */

static void set_nontemporal(const emitter *e, ir store) {
    LLVMMetadataRef one = LLVMValueAsMetadata(LLVMConstInt(int_type(e, 32), 1, false));
    LLVMMetadataRef node_ = LLVMMDNodeInContext2(e->context, &one, 1);
    LLVMSetMetadata(store, LLVMGetMDKindIDInContext(e->context, "nontemporal", 11),
                    LLVMMetadataAsValue(e->context, node_));
}

/* What is done to a value so that it can be stored is the value's; LLVM makes one instruction of a comparison and its bytes. */
static void locate_value(const body *b, const plan_output *o, uint32_t value) {
    locate_output(b, o);
    locate_node(b, b->program->values[value].node);
}

/* A store that goes past the caches has to be aligned: at less, it would become one scalar store a lane. */
static void store_vector(body *b, const plan_output *o, uint32_t value, ir to, ir index) {
    wn_type type = (wn_type)b->program->values[value].type;
    locate_value(b, o, value);
    ir stored = wn_stored_value(b, value);
    locate_output(b, o);
    ir store = LLVMBuildStore(b->e->builder, stored, element_pointer(b, type, to, index));
    unsigned bytes = b->e->lanes * type_bits(type) / 8;
    LLVMSetAlignment(store, b->function == KERNEL_STREAM ? (bytes < 64 ? bytes : 64) : 1);
    if (b->function == KERNEL_STREAM) set_nontemporal(b->e, store);
}

/* Into a bitmap. */
static void store_bits(body *b, const plan_output *o, ir to, ir index) {
    emitter *e = b->e;
    locate_value(b, o, o->value);
    ir bits = wn_ir_bitcast(e, b->values[o->value], int_type(e, e->lanes));
    locate_output(b, o);
    ir byte = LLVMBuildLShr(e->builder, index, wn_ir_i64(e, 3), "");
    LLVMSetAlignment(LLVMBuildStore(e->builder, bits, element_pointer(b, WN_U8, to, byte)), 1);
}

/* A step: vectors in a row, each stored as soon as it is evaluated. */
static void emit_map_step(body *b, const bool *wanted, ir index) {
    unsigned lanes = b->e->lanes, count = (unsigned)b->program->step / lanes;
    for (unsigned k = 0; k < count; k++) {
        locate_loop(b);
        ir at = k ? add(b, index, wn_ir_i64(b->e, k * lanes), "") : index;
        forget_values(b);
        wn_ask_ahead(b, wanted, index, k * lanes);
        wn_emit_values(b, wanted, at);
        for (uint32_t i = 0; i < b->stage->output_count; i++) {
            const plan_output *o = &b->stage->outputs[i];
            if (o->bits)
                store_bits(b, o, b->outputs[i], at);
            else
                store_vector(b, o, o->value, b->outputs[i], at);
            if (o->masked) store_vector(b, o, o->mask, b->outputs[b->stage->output_count + i], at);
        }
    }
}

static void emit_map_loop(body *b, const bool *wanted) {
    loop l = wn_begin_loop(b, wn_ir_i64(b->e, 0), (unsigned)b->program->step);
    if (b->function == KERNEL_STREAM)
        wn_tell(b->e, "what is overwritten whole need not be fetched into the caches first",
                "stores that pass by the caches, to addresses of whole vectors");
    wn_enter_loop(b, &l, is_below(b, l.index, b->n));
    emit_map_step(b, wanted, l.index);
    wn_end_loop(b, &l);
    if (b->function == KERNEL_STREAM)
        LLVMBuildFence(b->e->builder, LLVMAtomicOrderingSequentiallyConsistent, false, "");
    LLVMBuildRet(b->e->builder, b->n);
}

/* ---- count -------------------------------------------------------------------------------------------------------------- */

/* The mask over the lanes from `index` on, as an integer of so many bits. */
static ir emit_mask_bits(body *b, const bool *wanted, ir index) {
    const plan_value *mask = &b->program->values[b->stage->mask_value];
    locate_node(b, mask->node);
    if (value_is_bits(b, mask)) return wn_stream_bits(b, mask->number, index);
    forget_values(b);
    wn_emit_values(b, wanted, index);
    locate_node(b, mask->node); /* LLVM makes one instruction of a comparison and its bits */
    return wn_ir_bitcast(b->e, b->values[b->stage->mask_value], int_type(b->e, b->e->lanes));
}

/* Group by group, each stored where its bits lie in the bitmap: joined to a word, they would take LLVM half as long again. */
static void emit_count_loop(body *b, const bool *wanted) {
    emitter *e = b->e;
    LLVMTypeRef i64 = int_type(e, 64);
    loop l = wn_begin_loop(b, wn_ir_i64(e, 0), e->lanes);
    ir total = wn_new_phi(b, wn_ir_i64(e, 0), "count"), to = wn_new_phi(b, b->bitmap, "to");
    wn_enter_loop(b, &l, is_below(b, l.index, b->n));
    wn_begin_word(b, l.index);
    ir bits = emit_mask_bits(b, wanted, l.index);
    locate_packing(b, &b->stage->outputs[0]);
    LLVMSetAlignment(LLVMBuildStore(e->builder, bits, to), 1);
    ir count = wn_ir_intrinsic(e, "llvm.ctpop", LLVMTypeOf(bits), &bits, 1);
    if (e->lanes < KERNEL_WORD) count = LLVMBuildZExt(e->builder, count, i64, "");
    wn_next_iteration(b, total, add(b, total, count, ""));
    wn_next_iteration(b, to, element_pointer(b, WN_U8, to, wn_ir_i64(e, e->lanes / 8)));
    wn_end_loop(b, &l);
    LLVMBuildRet(e->builder, total);
}

/* A whole word at once where that is cheap, a register's lanes where the program is large; and few where it is very large. */
static unsigned lanes_to_count(const emitter *e, const plan_stage *s, const plan_program *p) {
    bool is_v4 = e->target.isa == WN_ISA_X86_64_V4, is_small = p->value_count <= 8;
    unsigned lanes = register_bits(e) / wn_widest_bits(p);
    if (p->value_count > 24) return 16;
    if (p->values[s->mask_value].of_bools || (is_v4 && is_small)) return KERNEL_WORD;
    if (is_small || lanes > KERNEL_WORD / 2) return KERNEL_WORD / 2;
    return lanes < 8 ? 8 : lanes;
}

/* ---- The plan ------------------------------------------------------------------------------------------------------------- */

static bool needs_mask(const body *b) {
    kernel_function f = b->function;
    return f == KERNEL_COUNT || f == KERNEL_FUSED || (f == KERNEL_EXPAND && !stage_has_rows(b->stage));
}

static void mark_wanted(const body *b, const wanted_sets *sets) {
    if (needs_mask(b)) sets->mask[b->stage->mask_value] = true;
    bool joins = b->stage->kind == STAGE_REDUCE && b->function != KERNEL_MAP;
    for (uint32_t i = 0; b->function != KERNEL_COUNT && i < b->stage->output_count; i++)
        sets->values[joins ? wn_value_to_join(b->e, b->stage, i) : b->stage->outputs[i].value] = true;
    for (uint32_t i = 0; i < b->stage->output_count; i++)
        if (b->stage->outputs[i].masked) sets->values[b->stage->outputs[i].mask] = true;
    wn_want_operands(b->program, sets->mask);
    wn_want_operands(b->program, sets->values);
    for (uint32_t i = 0; i < b->program->value_count; i++)
        sets->all[i] = sets->mask[i] || sets->values[i];
}

static unsigned lanes_of(const emitter *e, const plan_stage *s, const plan_program *p,
                         kernel_function function, const bool *wanted) {
    if (function == KERNEL_MAP || s->kind == STAGE_MAP) return (unsigned)p->lanes;
    if (s->kind == STAGE_REDUCE) return wn_lanes_to_reduce(e, s, wanted);
    return function == KERNEL_COUNT ? lanes_to_count(e, s, p) : wn_lanes_to_pack(e, s);
}

static bool emit_function(emitter *e, const wn_plan *plan, uint32_t stage, kernel_function function,
                          const provider_result *result) {
    const plan_stage *s = &plan->stages[stage];
    const plan_program *p = function == KERNEL_COUNT && stage_has_rows(s) ? &s->mask : &s->program;
    bool *flags = calloc(3 * (size_t)p->value_count + 1, sizeof *flags);
    if (!flags) return false;
    wanted_sets sets = {flags, flags + p->value_count, flags + 2 * (size_t)p->value_count};
    body b = {.e = e, .plan = plan, .stage = s, .program = p, .function = function};
    e->about = (provider_choice){.stage = stage, .functions = 1u << function};
    mark_wanted(&b, &sets);
    e->lanes = lanes_of(e, s, p, function, sets.all);
    if (e->counts_by_avx2 && function != KERNEL_MAP)
        wn_tell(e, "this processor takes 512 bits in halves, and compares sooner into lanes than into masks",
                "compiled for AVX2");
    bool ok = wn_body_begin(&b, stage, function, sets.all);
    if (ok && (function == KERNEL_MAP || s->kind == STAGE_MAP))
        emit_map_loop(&b, sets.all);
    else if (ok && function == KERNEL_COUNT)
        emit_count_loop(&b, sets.all);
    else if (ok && s->kind == STAGE_REDUCE)
        ok = wn_emit_reduce_loop(&b, sets.all);
    else if (ok)
        wn_emit_pack_loop(&b, &sets);
    wn_body_end(&b);
    free(flags);
    if (result->elements) result->elements[stage * KERNEL_FUNCTION_COUNT + function] = e->elements;
    return ok;
}

/* Whether a stage only counts, and reads more than bytes, and no bits. */
static bool only_counts(const emitter *e, const plan_stage *s) {
    size_t widest = 1;
    for (uint32_t i = 0; i < s->program.stream_count; i++) {
        size_t size = wn_type_size((wn_type)s->program.streams[i].type);
        if (s->program.streams[i].bits) return false;
        if (size > widest) widest = size;
    }
    if (!stage_has(s, KERNEL_REDUCE) || widest == 1) return false;
    for (uint32_t i = 0; i < s->output_count; i++)
        if (s->program.values[wn_value_to_join(e, s, i)].type != WN_BOOL) return false;
    return true;
}

/* All of it: LLVM 19 cannot select instructions for a module whose functions have different levels (22 can). */
void wn_choose_level(emitter *e, const wn_plan *plan) {
    if (e->target.isa != WN_ISA_X86_64_V4 || !e->target.halves) return;
    for (uint32_t i = 0; i < plan->stage_count; i++)
        if (!only_counts(e, &plan->stages[i])) return;
    e->counts_by_avx2 = true;
    e->target.isa = WN_ISA_X86_64_V3;
}

bool wn_emit_plan(emitter *e, const wn_plan *plan, provider_functions functions,
                  provider_result *result) {
    if (e->debug) {
        result->elements =
            calloc((size_t)plan->stage_count * KERNEL_FUNCTION_COUNT + 1, sizeof(uint32_t));
        if (!result->elements) return false;
    }
    for (uint32_t i = 0; i < plan->stage_count; i++)
        for (kernel_function f = KERNEL_MAP; f < KERNEL_FUNCTION_COUNT; f++)
            if (function_is_wanted(&plan->stages[i], f, functions) &&
                !emit_function(e, plan, i, f, result))
                return false;
    return true;
}
