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
        wn_ask_ahead(r->b, r->wanted, row, chunk * e->lanes);
        wn_emit_values(r->b, r->wanted,
                       chunk ? add(r->b, row, wn_ir_i64(e, chunk * e->lanes), "") : row);
        for (unsigned i = 0; i < r->count; i++)
            if (is_joined(&r->all[i], second)) wn_join_chunk(r, &r->all[i], chunk, NULL);
    }
}

/* Join the elements from `first` to `end`, whole rows; of two leaves, as many of the second one too. */
static void emit_rows(reducing *r, ir first, ir end, bool two) {
    body *b = r->b;
    b->entry = LLVMGetInsertBlock(b->e->builder);
    loop l = wn_begin_loop(b, first, KERNEL_WORD);
    if (two) b->e->elements = 2 * KERNEL_WORD;
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++)
            r->all[i].part[k] = wn_new_phi(b, r->all[i].part[k], "part");
    accumulator *phis = r->all + r->count;
    memcpy(phis, r->all, r->count * sizeof *phis);
    wn_enter_loop(b, &l, is_below(b, l.index, end));
    join_row(r, l.index, false);
    if (two) join_row(r, add(b, l.index, wn_ir_i64(b->e, KERNEL_LEAF), ""), true);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++)
            wn_next_iteration(b, phis[i].part[k], r->all[i].part[k]);
    wn_end_loop(b, &l);
    memcpy(r->all, phis, r->count * sizeof *phis);
}

/* ---- What is left of less than a row --------------------------------------------------------------------------------------- */

/* The lanes from `first` on that are below `end`, which is less than 64 from there, before or after. */
static ir present_lanes(const reducing *r, ir first, ir end) {
    emitter *e = r->b->e;
    unsigned share = register_bits(e) / e->lanes, bits = share < 8 ? 8 : share > 32 ? 32 : share;
    ir numbers[KERNEL_WORD], zero = LLVMConstInt(int_type(e, 32), 0, false);
    for (unsigned i = 0; i < e->lanes; i++)
        numbers[i] = LLVMConstInt(int_type(e, bits), i, false);
    ir left =
        LLVMBuildTrunc(e->builder, LLVMBuildSub(e->builder, end, first, ""), int_type(e, bits), "");
    ir spread = LLVMBuildInsertElement(e->builder, LLVMGetUndef(int_vector(e, bits)), left, zero, "");
    spread = LLVMBuildShuffleVector(e->builder, spread, LLVMGetUndef(LLVMTypeOf(spread)),
                                    LLVMConstNull(int_vector(e, 32)), "");
    return LLVMBuildICmp(e->builder, LLVMIntSLT, LLVMConstVector(numbers, e->lanes), spread, "present");
}

/* Which part of a tree a chunk is joined to depends on where it is: they go round, so that it is always the first one. All others may be
   joined to the first part. */
static void go_round(accumulator *a) {
    if (a->join != JOIN_TREE) return;
    ir first = a->part[0];
    memmove(a->part, a->part + 1, (a->parts - 1) * sizeof first);
    a->part[a->parts - 1] = first;
}

/* One chunk from `first` on, of which the lanes below `end` are there, by pointers of its own. */
static void join_rest(reducing *r, ir row, ir first, ir end) {
    ir present = present_lanes(r, first, end);
    body *b = r->b;
    b->streams += b->program->stream_count;
    wn_load_streams(b, r->wanted, 2 * b->program->stream_count);
    forget_values(b);
    wn_begin_word(b, row);
    wn_emit_values(b, r->wanted, first);
    b->streams -= b->program->stream_count;
    for (unsigned i = 0; i < r->count; i++) {
        locate_accumulator(r, &r->all[i]);
        wn_join_chunk_alone(r, &r->all[i], present);
        go_round(&r->all[i]);
    }
}

/* Join `rest` elements, less than 64, from `row` on, which lie elsewhere. Chunk by chunk, in a loop: this is run once a reduction, and should be short rather
   than fast. The parts of trees have to go all the way round. */
static void emit_rest(reducing *r, ir row, ir rest) {
    body *b = r->b;
    bool was_beside = b->beside;
    ir none = wn_ir_i64(b->e, 0), some = is_below(b, none, rest), chunks = rest;
    if (r->leaves) chunks = wn_ir_choose(b->e, some, wn_ir_i64(b->e, KERNEL_WORD), none);
    ir end = add(b, row, chunks, "");
    rest = add(b, row, rest, "");
    b->beside = true;
    b->entry = LLVMGetInsertBlock(b->e->builder);
    loop l = wn_begin_loop(b, row, b->e->lanes);
    accumulator *phis = r->all + r->count;
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++)
            r->all[i].part[k] = wn_new_phi(b, r->all[i].part[k], "part");
    memcpy(phis, r->all, r->count * sizeof *phis);
    wn_enter_loop(b, &l, is_below(b, l.index, end));
    join_rest(r, row, l.index, rest);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++)
            wn_next_iteration(b, phis[i].part[k], r->all[i].part[k]);
    wn_end_loop(b, &l);
    memcpy(r->all, phis, r->count * sizeof *phis);
    b->beside = was_beside;
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

/* ---- The end of a leaf ----------------------------------------------------------------------------------------------------- */

/* The level that `level` counts, of an accumulator. */
static ir level_at(const reducing *r, const accumulator *a, ir level) {
    emitter *e = r->b->e;
    ir bytes = LLVMBuildShl(e->builder, level, wn_ir_i64(e, 8), "");
    return LLVMBuildInBoundsGEP2(e->builder, int_type(e, 8),
                                 wn_accumulator_field(r, a, offsetof(kernel_accumulator, levels)),
                                 &bytes, 1, "");
}

static ir lowest_level(const reducing *r, ir levels) {
    emitter *e = r->b->e;
    ir args[2] = {levels, LLVMConstInt(int_type(e, 1), true, false)};
    return wn_ir_intrinsic(e, "llvm.cttz", int_type(e, 64), args, 2);
}

static ir without_lowest(const reducing *r, ir levels) {
    return LLVMBuildAnd(r->b->e->builder, levels, add(r->b, levels, wn_ir_i64(r->b->e, -1), ""), "");
}

/*
 * Join the trees' parts to some of their levels, from the lowest up: those of a leaf to the levels that it carries into; or, if control
 * comes from the head of the outer loop since nothing is left, what no leaf has joined yet to all levels in use. Then `first` is 0.
 */
static loop emit_carry(reducing *r, const accumulator *begun, LLVMBasicBlockRef head, ir carried,
                       ir *first) {
    body *b = r->b;
    accumulator *phis = r->all + r->count;
    ir none = wn_ir_i64(b->e, 0);
    bool was_beside = b->beside;
    b->entry = LLVMGetInsertBlock(b->e->builder);
    b->beside = true;
    loop l = wn_begin_loop(b, none, 1);
    LLVMAddIncoming(l.index, &none, &head, 1);
    ir levels = wn_new_phi(b, carried, "levels");
    LLVMAddIncoming(levels, &r->leaves, &head, 1);
    bool varies = *first != none;
    if (varies) {
        *first = wn_new_phi(b, *first, "first");
        LLVMAddIncoming(*first, &none, &head, 1);
    }
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++) {
            ir before = begun[i].part[k], part = wn_new_phi(b, r->all[i].part[k], "part");
            LLVMAddIncoming(part, &before, &head, 1);
            phis[i].part[k] = r->all[i].part[k] = part;
        }
    wn_enter_loop(b, &l, LLVMBuildICmp(b->e->builder, LLVMIntNE, levels, none, ""));
    ir level = lowest_level(r, levels);
    for (unsigned i = 0; i < r->count; i++) {
        const accumulator *a = &r->all[i];
        ir base = a->join == JOIN_TREE ? level_at(r, a, level) : NULL;
        for (unsigned k = 0; k < a->parts; k++) {
            ir here = base ? wn_load_part(r, a, base, k) : NULL;
            wn_next_iteration(b, phis[i].part[k],
                              here ? wn_join_values(r, a, here, a->part[k]) : a->part[k]);
        }
    }
    if (varies) wn_next_iteration(b, *first, *first);
    wn_next_iteration(b, levels, without_lowest(r, levels));
    wn_end_loop(b, &l);
    b->beside = was_beside;
    return l;
}

static void store_level(reducing *r, ir level) {
    for (unsigned i = 0; i < r->count; i++) {
        accumulator *a = &r->all[i];
        ir base = a->join == JOIN_TREE ? level_at(r, a, level) : NULL;
        for (unsigned k = 0; base && k < a->parts; k++)
            wn_store_part(r, a, base, k);
    }
}

/*
 * Carry the trees' leaves, or what 2^first of them come to, up through the levels that are in use, and keep them as the next level. After
 * the last leaf all levels are joined instead: what they come to is the result. Of both, what loads and joins levels is the same code.
 */
static ir emit_end_of_trees(reducing *r, const accumulator *begun, const loop *outer, ir more, ir first) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    LLVMBasicBlockRef keep = new_block(b, "keep");
    ir before = r->leaves, one = wn_ir_i64(b->e, 1);
    ir leaves = add(b, before, LLVMBuildShl(builder, one, first, ""), "");
    ir carried = LLVMBuildAnd(builder, before, LLVMBuildNot(builder, leaves, ""), "");
    loop carry = emit_carry(r, begun, outer->head, carried, &first);
    LLVMPositionBuilderAtEnd(builder, outer->head);
    LLVMBuildCondBr(builder, more, outer->inside, carry.head);
    LLVMPositionBuilderAtEnd(builder, carry.after);
    LLVMBuildCondBr(builder, more, keep, outer->after);
    LLVMPositionBuilderAtEnd(builder, keep);
    leaves = wn_advance(b, before, LLVMBuildShl(builder, one, first, ""));
    ir is_new = LLVMBuildAnd(builder, leaves, LLVMBuildNot(builder, before, ""), "");
    store_level(r, lowest_level(r, is_new));
    r->leaves = leaves;
    return first;
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
    ir row = add(b, index, whole, "row");
    emit_rows(r, index, row, false);
    emit_rest(r, row, rest);
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
    emit_rows(r, index, add(r->b, index, wn_ir_i64(r->b->e, KERNEL_LEAF), ""), true);
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
    loop l = wn_begin_loop(b, wn_ir_i64(b->e, 0), 1);
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
    ir more = is_below(b, index, b->n);
    if (leaves)
        LLVMPositionBuilderAtEnd(builder, l.inside);
    else
        wn_enter_loop(b, &l, more);
    if (takes_two(r))
        two = emit_one_or_two(r, index, carried, of_two);
    else
        emit_leaf(r, index);
    if (leaves) {
        two = emit_end_of_trees(r, carried, &l, more, two);
        memcpy(of_two, r->all, r->count * sizeof *of_two);
    }
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
    memcpy(r->all, leaves ? of_two : carried, r->count * sizeof *carried);
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
