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

/* Those of the second of two leaves have accumulators of their own where leaves are kept apart. */
static bool is_joined(const accumulator *a, bool second) {
    return a->join != JOIN_TREE || a->second == second;
}

static void join_row(reducing *r, ir row, bool second) {
    emitter *e = r->b->e;
    wn_begin_word(r->b, row);
    for (unsigned chunk = 0; chunk < KERNEL_WORD / e->lanes; chunk++) {
        forget_values(r->b);
        wn_emit_values(r->b, r->wanted,
                       chunk ? add(r->b, row, wn_ir_i64(e, chunk * e->lanes), "") : row);
        for (unsigned i = 0; i < r->count; i++)
            if (is_joined(&r->all[i], second)) wn_join_chunk(r, &r->all[i], chunk, NULL);
    }
}

/* Join `whole` elements, a multiple of 64, from `first` on; of two leaves, as many of the second one too. */
static void emit_rows(reducing *r, ir first, ir whole, bool two) {
    body *b = r->b;
    b->entry = LLVMGetInsertBlock(b->e->builder);
    loop l = wn_begin_loop(b, KERNEL_WORD);
    if (two) b->e->elements = 2 * KERNEL_WORD;
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++)
            r->all[i].part[k] = wn_new_phi(b, r->all[i].part[k], "part");
    accumulator *phis = r->all + r->count;
    memcpy(phis, r->all, r->count * sizeof *phis);
    wn_enter_loop(b, &l, is_below(b, l.index, whole));
    ir row = add(b, first, l.index, "row");
    join_row(r, row, false);
    if (two) join_row(r, add(b, row, wn_ir_i64(b->e, KERNEL_LEAF), ""), true);
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

/* All parts: those of `other` where control came from the first block. */
static void merge_parts(reducing *r, const accumulator *other, LLVMBasicBlockRef from[2]) {
    LLVMBuilderRef builder = r->b->e->builder;
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++) {
            ir values[2] = {other[i].part[k], r->all[i].part[k]};
            r->all[i].part[k] = LLVMBuildPhi(builder, LLVMTypeOf(values[0]), "part");
            LLVMAddIncoming(r->all[i].part[k], values, from, 2);
        }
}

/* Join `rest` elements, less than 64, from `row` on, which lie elsewhere. */
static void emit_rest(reducing *r, ir row, ir rest) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    LLVMBasicBlockRef before = LLVMGetInsertBlock(builder), some = new_block(b, "rest"),
                      after = new_block(b, "leaf");
    accumulator *old = r->all + 2 * (size_t)r->count;
    LLVMBuildCondBr(builder, is_below(b, wn_ir_i64(b->e, 0), rest), some, after);
    memcpy(old, r->all, r->count * sizeof *old);
    LLVMPositionBuilderAtEnd(builder, some);
    bool was_beside = b->beside;
    b->beside = true;
    for (unsigned i = 0; i < r->count; i++)
        move_to_memory(r, &r->all[i]);
    b->streams += b->program->stream_count;
    wn_load_streams(b, r->wanted, 2 * b->program->stream_count);
    emit_rest_loop(r, row, rest);
    b->streams -= b->program->stream_count;
    for (unsigned i = 0; i < r->count; i++)
        move_from_memory(r, &r->all[i]);
    LLVMBasicBlockRef from[2] = {before, LLVMGetInsertBlock(builder)};
    LLVMBuildBr(builder, after);
    LLVMPositionBuilderAtEnd(builder, after);
    b->beside = was_beside;
    merge_parts(r, old, from);
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

/* Carry the trees' leaves, or what 2^first of them come to, up through the levels that are in use. */
static void emit_carry(reducing *r, ir first) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    accumulator *phis = r->all + r->count;
    bool was_beside = b->beside;
    b->entry = LLVMGetInsertBlock(builder);
    b->beside = true;
    loop l = wn_begin_loop(b, 1);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++)
            phis[i].part[k] = r->all[i].part[k] = wn_new_phi(b, r->all[i].part[k], "leaf");
    ir level = add(b, l.index, first, "level");
    ir digit =
        LLVMBuildAnd(builder, LLVMBuildLShr(builder, r->leaves, level, ""), wn_ir_i64(b->e, 1), "");
    wn_enter_loop(b, &l, LLVMBuildICmp(builder, LLVMIntNE, digit, wn_ir_i64(b->e, 0), ""));
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++) {
            const accumulator *a = &r->all[i];
            wn_next_iteration(
                b, phis[i].part[k],
                wn_join_values(r, a, wn_load_part(r, a, level_at(r, a, level), k), a->part[k]));
        }
    wn_end_loop(b, &l);
    b->beside = was_beside;
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++)
            wn_store_part(r, &r->all[i], level_at(r, &r->all[i], level), k);
    r->leaves = wn_advance(b, r->leaves, LLVMBuildShl(builder, wn_ir_i64(b->e, 1), first, ""));
}

/* ---- What the trees come to ------------------------------------------------------------------------------------------------ */

static ir lowest_level(const reducing *r, ir levels) {
    emitter *e = r->b->e;
    ir args[2] = {levels, LLVMConstInt(int_type(e, 1), true, false)};
    return wn_ir_intrinsic(e, "llvm.cttz", int_type(e, 64), args, 2);
}

static ir without_lowest(const reducing *r, ir levels) {
    return LLVMBuildAnd(r->b->e->builder, levels, add(r->b, levels, wn_ir_i64(r->b->e, -1), ""), "");
}

/* Their levels in use as one, from the lowest up. */
static void emit_sums(reducing *r) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    accumulator *phis = r->all + r->count;
    b->beside = true;
    ir lowest = lowest_level(r, r->leaves), levels = without_lowest(r, r->leaves);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++)
            r->all[i].part[k] = wn_load_part(r, &r->all[i], level_at(r, &r->all[i], lowest), k);
    b->entry = LLVMGetInsertBlock(builder);
    loop l = wn_begin_loop(b, 1);
    levels = wn_new_phi(b, levels, "levels");
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++)
            phis[i].part[k] = wn_new_phi(b, r->all[i].part[k], "sum");
    wn_enter_loop(b, &l, LLVMBuildICmp(builder, LLVMIntNE, levels, wn_ir_i64(b->e, 0), ""));
    ir level = lowest_level(r, levels);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++) {
            const accumulator *a = &r->all[i];
            ir sum = phis[i].part[k], here = wn_load_part(r, a, level_at(r, a, level), k);
            wn_next_iteration(b, sum, wn_join_values(r, a, here, sum));
        }
    wn_next_iteration(b, levels, without_lowest(r, levels));
    wn_end_loop(b, &l);
    b->beside = false;
    for (unsigned i = 0; i < r->count; i++)
        if (r->all[i].join == JOIN_TREE) memcpy(r->all[i].part, phis[i].part, sizeof phis[i].part);
}

/* ---- The loop -------------------------------------------------------------------------------------------------------------- */

/* Whole rows of a leaf, then what is left. */
static void emit_leaf(reducing *r, ir index) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    ir left = LLVMBuildSub(builder, b->n, index, ""), leaf = wn_ir_i64(b->e, KERNEL_LEAF);
    ir here = wn_ir_choose(b->e, is_below(b, left, leaf), left, leaf);
    ir whole = LLVMBuildAnd(builder, here, wn_ir_i64(b->e, -KERNEL_WORD), "whole"),
       rest = LLVMBuildSub(builder, here, whole, "rest");
    emit_rows(r, index, whole, false);
    emit_rest(r, add(b, index, whole, ""), rest);
}

/*
 * Additions take several cycles each, and a leaf of AVX-512 has only four that do not wait for one another: two leaves have eight. (With
 * narrower registers there are eight and sixteen, and not enough registers for two.)
 */
static bool takes_two(const reducing *r) {
    unsigned trees = 0;
    for (unsigned i = 0; i < r->count; i++) {
        if (r->all[i].join == JOIN_PLACE) return false; /* asks each leaf */
        trees += r->all[i].join == JOIN_TREE;
    }
    return r->b->e->target.isa == WN_ISA_X86_64_V4 && (trees == 1 || trees == 2);
}

/* Two whole leaves at once, which make one of the level above. */
static void emit_two_leaves(reducing *r, ir index) {
    unsigned count = r->count, twin = count;
    for (unsigned i = 0; i < count; i++) {
        if (r->all[i].join != JOIN_TREE) continue;
        r->all[r->count] = r->all[i];
        r->all[r->count++].second = true;
    }
    emit_rows(r, index, wn_ir_i64(r->b->e, KERNEL_LEAF), true);
    for (unsigned i = 0; i < count; i++) {
        accumulator *a = &r->all[i];
        if (a->join != JOIN_TREE) continue;
        locate_accumulator(r, a);
        wn_tell(r->b->e, "an addition takes several cycles, and these have twice as many chains that do not wait for each other",
                "two leaves of %d elements are added up at once", KERNEL_LEAF);
        for (unsigned k = 0; k < a->parts; k++)
            a->part[k] = wn_join_values(r, a, a->part[k], r->all[twin].part[k]);
        twin++;
    }
    r->count = count;
}

/* The leaves from `index` on: two if there are two and none of before waits for its other one. Returns 1 if they are two, else 0. */
static ir emit_one_or_two(reducing *r, ir index, const accumulator *carried, accumulator *of_two) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    LLVMBasicBlockRef two = new_block(b, "two"), one = new_block(b, "one"),
                      after = new_block(b, "joined"), from[2];
    ir zero = wn_ir_i64(b->e, 0), unit = wn_ir_i64(b->e, 1), counts[2] = {unit, zero};
    ir even = LLVMBuildICmp(builder, LLVMIntEQ, LLVMBuildAnd(builder, r->leaves, unit, ""), zero, "");
    ir last = add(b, index, wn_ir_i64(b->e, 2 * KERNEL_LEAF - 1), "");
    LLVMBuildCondBr(builder, LLVMBuildAnd(builder, even, is_below(b, last, b->n), ""), two, one);
    LLVMPositionBuilderAtEnd(builder, two);
    emit_two_leaves(r, index);
    memcpy(of_two, r->all, r->count * sizeof *of_two);
    from[0] = LLVMGetInsertBlock(builder);
    LLVMBuildBr(builder, after);
    LLVMPositionBuilderAtEnd(builder, one);
    memcpy(r->all, carried, r->count * sizeof *carried);
    b->beside = true;
    emit_leaf(r, index);
    b->beside = false;
    from[1] = LLVMGetInsertBlock(builder);
    LLVMBuildBr(builder, after);
    LLVMPositionBuilderAtEnd(builder, after);
    ir are_two = LLVMBuildPhi(builder, int_type(b->e, 64), "two");
    LLVMAddIncoming(are_two, counts, from, 2);
    merge_parts(r, of_two, from);
    return are_two;
}

static void emit_leaves(reducing *r, accumulator *carried, accumulator *of_two) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    loop l = wn_begin_loop(b, 1);
    ir index = wn_new_phi(b, wn_ir_i64(b->e, 0), "leaf"),
       leaves = r->leaves ? wn_new_phi(b, r->leaves, "leaves") : NULL, two = wn_ir_i64(b->e, 0);
    for (unsigned i = 0; i < r->count; i++) {
        accumulator *a = &r->all[i];
        if (a->total) a->total = wn_new_phi(b, a->total, "total");
        for (unsigned k = 0; !is_emptied(a) && k < a->parts; k++)
            a->part[k] = wn_new_phi(b, a->part[k], "part");
        for (unsigned k = 0; a->join == JOIN_PLACE && k < a->best; k++)
            a->found[k] = wn_new_phi(b, a->found[k], "found");
    }
    r->leaves = leaves;
    for (unsigned i = 0; i < r->count; i++)
        memcpy(r->all[i].before, r->all[i].part, sizeof r->all[i].before);
    memcpy(carried, r->all, r->count * sizeof *carried);
    wn_enter_loop(b, &l, is_below(b, index, b->n));
    if (takes_two(r))
        two = emit_one_or_two(r, index, carried, of_two);
    else
        emit_leaf(r, index);
    if (leaves) emit_carry(r, two);
    for (unsigned i = 0; i < r->count; i++)
        wn_end_leaf(r, &r->all[i], index);
    wn_next_iteration(
        b, index, wn_advance(b, index, LLVMBuildShl(builder, wn_ir_i64(b->e, KERNEL_LEAF), two, "")));
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
    size_t most = 3 * (size_t)b->stage->output_count; /* a value, a count, and of two leaves a value */
    accumulator *all =
        calloc(5 * most, sizeof *all); /* now, in an inner loop's head, before the rest, in the outer loop's head, of two leaves */
    if (!all) return false;
    reducing r = {.b = b, .wanted = wanted, .all = all};
    wn_find_accumulators(&r);
    for (unsigned i = 0; i < r.count; i++)
        wn_load_accumulator(&r, &r.all[i]);
    emit_leaves(&r, all + 3 * most, all + 4 * most);
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
