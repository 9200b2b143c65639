/*
 * emit_reduce.c - the loop of reduce: elements joined to accumulators that stay in registers.
 *
 * Leaf by leaf, row of 64 by row, what is not a whole row in a step of its own whose missing lanes are not selected. The accumulator of
 * a float's sum is emptied at the end of each leaf, as the tree of docs/reductions.md wants it; any other goes through all leaves.
 */
#include "jit/llvm/accumulator.h"

#include <stddef.h>
#include <stdlib.h>

/* ---- A row ----------------------------------------------------------------------------------------------------------------- */

static void join_row(reducing *r, ir row) {
    emitter *e = r->b->e;
    wn_begin_word(r->b, row);
    for (unsigned chunk = 0; chunk < KERNEL_WORD / e->lanes; chunk++) {
        forget_values(r->b);
        wn_emit_values(r->b, r->wanted,
                       chunk ? add(r->b, row, wn_ir_i64(e, chunk * e->lanes), "") : row);
        for (unsigned i = 0; i < r->count; i++)
            wn_join_chunk(r, &r->all[i], chunk, NULL);
    }
}

/* Join `whole` elements, a multiple of 64, from `first` on. */
static void emit_rows(reducing *r, ir first, ir whole) {
    body *b = r->b;
    b->entry = LLVMGetInsertBlock(b->e->builder);
    loop l = wn_begin_loop(b, KERNEL_WORD);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++)
            r->all[i].part[k] = wn_new_phi(b, r->all[i].part[k], "part");
    accumulator *phis = r->all + r->count;
    memcpy(phis, r->all, r->count * sizeof *phis);
    wn_enter_loop(b, &l, is_below(b, l.index, whole));
    join_row(r, add(b, first, l.index, "row"));
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++)
            wn_next_iteration(b, phis[i].part[k], r->all[i].part[k]);
    wn_end_loop(b, &l);
    memcpy(r->all, phis, r->count * sizeof *phis);
}

/* ---- What is left of less than a row --------------------------------------------------------------------------------------- */

/* The lanes that are below `end`, which is below 64, counted from `first` on. */
static ir present_lanes(const reducing *r, ir first, ir end) {
    emitter *e = r->b->e;
    ir numbers[KERNEL_WORD], zero = LLVMConstInt(int_type(e, 32), 0, false);
    for (unsigned i = 0; i < e->lanes; i++)
        numbers[i] = LLVMConstInt(int_type(e, 8), i, false);
    ir left = LLVMBuildTrunc(e->builder, LLVMBuildSub(e->builder, end, first, ""), int_type(e, 8), "");
    ir spread = LLVMBuildInsertElement(e->builder, LLVMGetUndef(int_vector(e, 8)), left, zero, "");
    spread = LLVMBuildShuffleVector(e->builder, spread, LLVMGetUndef(LLVMTypeOf(spread)),
                                    LLVMConstNull(int_vector(e, 32)), "");
    return LLVMBuildICmp(e->builder, LLVMIntULT, LLVMConstVector(numbers, e->lanes), spread, "present");
}

/* Which part of a tree a chunk is joined to depends on where it is: those parts are in memory then, in `lanes`. All others may be joined to
   the first part. */
static unsigned parts_in_memory(const accumulator *a) {
    return a->join == JOIN_TREE ? a->parts : 0;
}

static ir lanes_of_tree(const reducing *r, const accumulator *a) {
    return wn_accumulator_field(r, a, offsetof(kernel_accumulator, lanes));
}

static void move_to_memory(const reducing *r, accumulator *a) {
    for (unsigned k = 0; k < parts_in_memory(a); k++)
        wn_store_part(r, a, lanes_of_tree(r, a), k);
}

static void move_from_memory(const reducing *r, accumulator *a) {
    for (unsigned k = 0; k < parts_in_memory(a); k++)
        a->part[k] = wn_load_part(r, a, lanes_of_tree(r, a), k);
}

/* Join a chunk to the lanes in memory that its place says. */
static void join_in_memory(const reducing *r, const accumulator *a, ir first, ir present) {
    emitter *e = r->b->e;
    ir lane = LLVMBuildAnd(e->builder, first, wn_ir_i64(e, a->parts * e->lanes - 1), "");
    ir at = LLVMBuildInBoundsGEP2(e->builder, wn_ir_storage(e, a->type), lanes_of_tree(r, a), &lane,
                                  1, "");
    accumulator here = *a;
    here.part[0] = wn_load_part(r, a, at, 0);
    wn_join_chunk(r, &here, 0, present);
    wn_store_part(r, &here, at, 0);
}

/* One chunk from `first` on, of which the lanes below `end` are there. */
static void join_rest(reducing *r, ir row, ir first, ir end) {
    ir present = present_lanes(r, first, end);
    forget_values(r->b);
    wn_begin_word(r->b, row);
    wn_emit_values(r->b, r->wanted, add(r->b, row, first, ""));
    for (unsigned i = 0; i < r->count; i++) {
        accumulator *a = &r->all[i];
        locate_accumulator(r, a);
        if (parts_in_memory(a))
            join_in_memory(r, a, first, present);
        else
            wn_join_chunk_alone(r, a, present);
    }
}

/* Chunk by chunk, in a loop: this is run once a reduction, and should be short rather than fast. */
static void emit_rest_loop(reducing *r, ir row, ir rest) {
    body *b = r->b;
    b->entry = LLVMGetInsertBlock(b->e->builder);
    loop l = wn_begin_loop(b, b->e->lanes);
    accumulator *phis = r->all + r->count;
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = parts_in_memory(&r->all[i]); k < r->all[i].parts; k++)
            r->all[i].part[k] = wn_new_phi(b, r->all[i].part[k], "part");
    memcpy(phis, r->all, r->count * sizeof *phis);
    wn_enter_loop(b, &l, is_below(b, l.index, rest));
    join_rest(r, row, l.index, rest);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = parts_in_memory(&r->all[i]); k < r->all[i].parts; k++)
            wn_next_iteration(b, phis[i].part[k], r->all[i].part[k]);
    wn_end_loop(b, &l);
    memcpy(r->all, phis, r->count * sizeof *phis);
}

/* Join `rest` elements, less than 64, from `row` on. */
static void emit_rest(reducing *r, ir row, ir rest) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    LLVMBasicBlockRef before = LLVMGetInsertBlock(builder), some = new_block(b, "rest"),
                      after = new_block(b, "leaf");
    accumulator *old = r->all + 2 * (size_t)r->count;
    LLVMBuildCondBr(builder, is_below(b, wn_ir_i64(b->e, 0), rest), some, after);
    memcpy(old, r->all, r->count * sizeof *old);
    LLVMPositionBuilderAtEnd(builder, some);
    b->beside = true;
    for (unsigned i = 0; i < r->count; i++)
        move_to_memory(r, &r->all[i]);
    emit_rest_loop(r, row, rest);
    for (unsigned i = 0; i < r->count; i++)
        move_from_memory(r, &r->all[i]);
    LLVMBasicBlockRef from[2] = {before, LLVMGetInsertBlock(builder)};
    LLVMBuildBr(builder, after);
    LLVMPositionBuilderAtEnd(builder, after);
    b->beside = false;
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++) {
            ir values[2] = {old[i].part[k], r->all[i].part[k]};
            r->all[i].part[k] = LLVMBuildPhi(builder, LLVMTypeOf(values[0]), "part");
            LLVMAddIncoming(r->all[i].part[k], values, from, 2);
        }
}

/* ---- The end of a leaf ----------------------------------------------------------------------------------------------------- */

/* The level that `level` counts, of an accumulator. */
static ir level_at(const reducing *r, const accumulator *a, ir level) {
    emitter *e = r->b->e;
    ir bytes = LLVMBuildShl(e->builder, level, wn_ir_i64(e, 8), "");
    return LLVMBuildInBoundsGEP2(e->builder, int_type(e, 8),
                                 wn_accumulator_field(r, a, offsetof(kernel_accumulator, levels)),
                                 &bytes, 1, "");
}

/* Carry the trees' leaves up through the levels that are in use. */
static void emit_carry(reducing *r) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    accumulator *phis = r->all + r->count;
    b->entry = LLVMGetInsertBlock(builder);
    b->beside = true;
    loop l = wn_begin_loop(b, 1);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++)
            phis[i].part[k] = r->all[i].part[k] = wn_new_phi(b, r->all[i].part[k], "leaf");
    ir digit =
        LLVMBuildAnd(builder, LLVMBuildLShr(builder, r->leaves, l.index, ""), wn_ir_i64(b->e, 1), "");
    wn_enter_loop(b, &l, LLVMBuildICmp(builder, LLVMIntNE, digit, wn_ir_i64(b->e, 0), ""));
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++) {
            const accumulator *a = &r->all[i];
            wn_next_iteration(
                b, phis[i].part[k],
                wn_join_values(r, a, wn_load_part(r, a, level_at(r, a, l.index), k), a->part[k]));
        }
    wn_end_loop(b, &l);
    b->beside = false;
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++)
            wn_store_part(r, &r->all[i], level_at(r, &r->all[i], l.index), k);
    r->leaves = add(b, r->leaves, wn_ir_i64(b->e, 1), "");
}

/* ---- What the trees come to ------------------------------------------------------------------------------------------------ */

/* Their levels in use as one, from the lowest up. The identity leaves any level as it is, for none has a lane of -0. */
static void emit_sums(reducing *r) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    ir zero = wn_ir_i64(b->e, 0), one = wn_ir_i64(b->e, 1);
    ir args[2] = {r->leaves, LLVMConstInt(int_type(b->e, 1), false, false)};
    ir lowest = wn_ir_intrinsic(b->e, "llvm.cttz", int_type(b->e, 64), args, 2);
    accumulator *phis = r->all + r->count;
    b->entry = LLVMGetInsertBlock(builder);
    b->beside = true;
    loop l = wn_begin_loop(b, 1);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++)
            phis[i].part[k] = wn_new_phi(b, r->all[i].part[k], "sum");
    ir level = add(b, lowest, l.index, "level"), left = LLVMBuildLShr(builder, r->leaves, level, "");
    wn_enter_loop(b, &l, LLVMBuildICmp(builder, LLVMIntNE, left, zero, ""));
    ir used = LLVMBuildICmp(builder, LLVMIntNE, LLVMBuildAnd(builder, left, one, ""), zero, "");
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++) {
            const accumulator *a = &r->all[i];
            ir so_far = phis[i].part[k], here = wn_load_part(r, a, level_at(r, a, level), k);
            wn_next_iteration(b, so_far,
                              wn_ir_choose(b->e, used, wn_join_values(r, a, here, so_far), so_far));
        }
    wn_end_loop(b, &l);
    b->beside = false;
    for (unsigned i = 0; i < r->count; i++)
        if (r->all[i].join == JOIN_TREE) memcpy(r->all[i].part, phis[i].part, sizeof phis[i].part);
}

/* ---- The loop -------------------------------------------------------------------------------------------------------------- */

/* Whole rows of a leaf, then what is left, then the leaf's end. */
static void emit_leaf(reducing *r, ir index) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    ir left = LLVMBuildSub(builder, b->n, index, ""), leaf = wn_ir_i64(b->e, KERNEL_LEAF);
    ir here = wn_ir_choose(b->e, is_below(b, left, leaf), left, leaf);
    ir whole = LLVMBuildAnd(builder, here, wn_ir_i64(b->e, -KERNEL_WORD), "whole"),
       rest = LLVMBuildSub(builder, here, whole, "rest");
    for (unsigned i = 0; i < r->count; i++)
        memcpy(r->all[i].before, r->all[i].part, sizeof r->all[i].before);
    emit_rows(r, index, whole);
    emit_rest(r, add(b, index, whole, ""), rest);
    if (r->leaves) emit_carry(r);
    for (unsigned i = 0; i < r->count; i++)
        wn_end_leaf(r, &r->all[i], index);
}

static void emit_leaves(reducing *r, accumulator *carried) {
    body *b = r->b;
    loop l = wn_begin_loop(b, KERNEL_LEAF);
    ir leaves = r->leaves ? wn_new_phi(b, r->leaves, "leaves") : NULL;
    for (unsigned i = 0; i < r->count; i++) {
        accumulator *a = &r->all[i];
        if (a->total) a->total = wn_new_phi(b, a->total, "total");
        for (unsigned k = 0; !is_emptied(a) && k < a->parts; k++)
            a->part[k] = wn_new_phi(b, a->part[k], "part");
        for (unsigned k = 0; a->join == JOIN_PLACE && k < a->best; k++)
            a->found[k] = wn_new_phi(b, a->found[k], "found");
    }
    r->leaves = leaves;
    memcpy(carried, r->all, r->count * sizeof *carried);
    wn_enter_loop(b, &l, is_below(b, l.index, b->n));
    emit_leaf(r, l.index);
    if (leaves) wn_next_iteration(b, leaves, r->leaves);
    for (unsigned i = 0; i < r->count; i++) {
        if (carried[i].total) wn_next_iteration(b, carried[i].total, r->all[i].total);
        for (unsigned k = 0; !is_emptied(&carried[i]) && k < carried[i].parts; k++)
            wn_next_iteration(b, carried[i].part[k], r->all[i].part[k]);
        for (unsigned k = 0; carried[i].join == JOIN_PLACE && k < carried[i].best; k++)
            wn_next_iteration(b, carried[i].found[k], r->all[i].found[k]);
    }
    wn_end_loop(b, &l);
    r->leaves = leaves;
    memcpy(r->all, carried, r->count * sizeof *carried);
}

bool wn_emit_reduce_loop(body *b, const bool *wanted) {
    size_t most = 2 * (size_t)b->stage->output_count;
    accumulator *all =
        calloc(4 * most, sizeof *all); /* now, in an inner loop's head, before the rest, in the outer loop's head */
    if (!all) return false;
    reducing r = {.b = b, .wanted = wanted, .all = all};
    wn_find_accumulators(&r);
    for (unsigned i = 0; i < r.count; i++)
        wn_load_accumulator(&r, &r.all[i]);
    emit_leaves(&r, all + 3 * most);
    if (r.leaves) emit_sums(&r);
    for (unsigned i = 0; i < r.count; i++)
        wn_store_accumulator(&r, &r.all[i]);
    locate_loop(b);
    LLVMBuildRet(b->e->builder, b->n);
    free(all);
    return true;
}

/* ---- How many lanes at a time ---------------------------------------------------------------------------------------------- */

unsigned wn_lanes_to_reduce(const plan_stage *s) {
    unsigned lanes = (unsigned)s->program.lanes, most = KERNEL_WORD;
    for (uint32_t i = 0; i < s->output_count; i++)
        if (wn_type_size((wn_type)s->program.values[s->outputs[i].value].type) == 8)
            most = KERNEL_WORD / 2;
    return lanes < most ? lanes : most;
}
