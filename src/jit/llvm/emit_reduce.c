/*
 * emit_reduce.c - the loop of reduce: elements joined to accumulators that stay in registers.
 *
 * Row of 64 by row, what is not a whole row in a step of its own whose missing lanes are not selected. The accumulator of a float's sum is
 * emptied at the end of each leaf, as the tree of docs/reductions.md wants it; any other goes through all leaves, which nobody tells apart
 * if none of them asks.
 */
#include "jit/llvm/accumulator.h"

#include <stddef.h>
#include <stdlib.h>

/* ---- What is computed --------------------------------------------------------------------------------------------------- */

/* Bits of the widest element. */
static unsigned widest_bits(const plan_program *p, const bool *wanted) {
    unsigned widest = 8;
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        bool is_half = type_is_half((wn_type)v->type) && v->kind == VALUE_OPERATION; /* in f32 */
        unsigned bits = is_half ? 32 : type_bits((wn_type)v->type);
        if (wanted[i] && !v->invariant && bits > widest) widest = bits;
    }
    return widest;
}

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

/* The pointers of streams to their elements from `first` on. */
static void move_pointers(body *b, ir first) {
    uint32_t count = b->program->stream_count;
    memcpy(b->streams + 2 * count, b->streams, count * sizeof *b->streams);
    for (uint32_t i = 0; i < count; i++)
        if (is_moved(b, i))
            b->streams[i] = element_pointer(b, b->program->streams[i].type, b->streams[i], first);
}

/* What an iteration joins beside a row: nothing, the next row, or as many of the next leaf. */
typedef enum beside { ROW_ALONE = 0, NEXT_ROW = KERNEL_WORD, NEXT_LEAF = KERNEL_LEAF } beside;

/* Join the elements from `first` to `end`, whole rows, and what is beside them. */
static void emit_rows(reducing *r, ir first, ir end, beside other) {
    body *b = r->b;
    uint32_t streams = b->program->stream_count;
    move_pointers(b, first);
    b->entry = LLVMGetInsertBlock(b->e->builder);
    unsigned step = other == NEXT_ROW ? 2 * KERNEL_WORD : KERNEL_WORD;
    loop l = wn_begin_loop(b, first, step);
    if (other == NEXT_LEAF) b->e->elements = 2 * KERNEL_WORD;
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++)
            r->all[i].part[k] = wn_new_phi(b, r->all[i].part[k], "part");
    for (uint32_t i = 0; i < streams; i++)
        if (is_moved(b, i)) b->streams[i] = wn_new_phi(b, b->streams[i], "at");
    b->moved = l.index;
    accumulator *phis = r->all + r->count;
    memcpy(phis, r->all, r->count * sizeof *phis);
    wn_enter_loop(b, &l, is_below(b, l.index, end));
    join_row(r, l.index, false);
    if (other) join_row(r, add(b, l.index, wn_ir_i64(b->e, other), ""), other == NEXT_LEAF);
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; k < r->all[i].parts; k++)
            wn_next_iteration(b, phis[i].part[k], r->all[i].part[k]);
    for (uint32_t i = 0; i < streams; i++)
        if (is_moved(b, i))
            wn_next_iteration(b, b->streams[i],
                              element_pointer(b, b->program->streams[i].type, b->streams[i],
                                              wn_ir_i64(b->e, step)));
    wn_end_loop(b, &l);
    b->moved = NULL;
    memcpy(b->streams, b->streams + 2 * streams, streams * sizeof *b->streams);
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

/* What joins the trees' parts to some of their levels, from the lowest up. */
typedef struct carrying {
    loop l;
    ir levels; /* left to be joined                       */
    ir last;   /* whether this is done after the last leaf */
} carrying;

static carrying emit_carry(reducing *r, ir levels) {
    body *b = r->b;
    accumulator *phis = r->all + r->count;
    ir none = wn_ir_i64(b->e, 0);
    bool was_beside = b->beside;
    b->entry = LLVMGetInsertBlock(b->e->builder);
    b->beside = true;
    carrying c = {.l = wn_begin_loop(b, none, 1)};
    c.levels = wn_new_phi(b, levels, "levels");
    c.last = wn_new_phi(b, LLVMConstInt(int_type(b->e, 1), false, false), "last");
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++)
            r->all[i].part[k] = wn_new_phi(b, r->all[i].part[k], "part");
    memcpy(phis, r->all, r->count * sizeof *phis);
    wn_enter_loop(b, &c.l, LLVMBuildICmp(b->e->builder, LLVMIntNE, c.levels, none, ""));
    ir level = lowest_level(r, c.levels);
    for (unsigned i = 0; i < r->count; i++) {
        const accumulator *a = &r->all[i];
        ir base = a->join == JOIN_TREE ? level_at(r, a, level) : NULL;
        for (unsigned k = 0; base && k < a->parts; k++)
            wn_next_iteration(b, phis[i].part[k],
                              wn_join_values(r, a, wn_load_part(r, a, base, k), a->part[k]));
    }
    wn_next_iteration(b, c.levels, without_lowest(r, c.levels));
    wn_next_iteration(b, c.last, c.last);
    wn_end_loop(b, &c.l);
    b->beside = was_beside;
    return c;
}

static void store_level(reducing *r, ir level) {
    for (unsigned i = 0; i < r->count; i++) {
        accumulator *a = &r->all[i];
        ir base = a->join == JOIN_TREE ? level_at(r, a, level) : NULL;
        for (unsigned k = 0; base && k < a->parts; k++)
            wn_store_part(r, a, base, k);
    }
}

/* Join what is in the parts, the lowest level in use, to the levels above: what they come to is the result. */
static void carry_once_more(reducing *r, const carrying *c) {
    body *b = r->b;
    wn_next_iteration(b, c->l.index, wn_ir_i64(b->e, 0));
    wn_next_iteration(b, c->levels, without_lowest(r, r->leaves));
    wn_next_iteration(b, c->last, LLVMConstInt(int_type(b->e, 1), true, false));
    for (unsigned i = 0; i < r->count; i++)
        for (unsigned k = 0; r->all[i].join == JOIN_TREE && k < r->all[i].parts; k++)
            wn_next_iteration(b, r->all[i].part[k], r->all[i].part[k]);
}

/*
 * Carry the trees' leaves, or what 2^first of them come to, up through the levels that are in use, and keep them as the next level. After
 * the last leaf the levels above are joined too, by the same code. Returns where to go then.
 */
static LLVMBasicBlockRef emit_end_of_trees(reducing *r, ir first, LLVMBasicBlockRef after) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    LLVMBasicBlockRef keep = new_block(b, "keep");
    ir before = r->leaves;
    r->leaves = wn_advance(b, before, LLVMBuildShl(builder, wn_ir_i64(b->e, 1), first, ""));
    ir carried = LLVMBuildAnd(builder, before, LLVMBuildNot(builder, r->leaves, ""), "");
    carrying carry = emit_carry(r, carried);
    LLVMBuildCondBr(builder, carry.last, after, keep);
    LLVMPositionBuilderAtEnd(builder, keep);
    ir is_new = LLVMBuildAnd(builder, r->leaves, LLVMBuildNot(builder, before, ""), "");
    store_level(r, lowest_level(r, is_new));
    carry_once_more(r, &carry);
    return carry.l.head;
}

/* ---- The loop -------------------------------------------------------------------------------------------------------------- */

/* Whether a row takes so few instructions that counting rows takes as long: two registers of each of a few values. */
static bool takes_pairs(const reducing *r) {
    const body *b = r->b;
    unsigned bits = KERNEL_WORD * widest_bits(b->program, r->wanted);
    return bits <= 2 * register_bits(b->e) && step_registers(b->program) == 4 && !r->leaves;
}

/* `count` elements: whole rows, then what is left. */
static void emit_row_by_row(reducing *r, ir index, ir count) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    ir whole = LLVMBuildAnd(builder, count, wn_ir_i64(b->e, -KERNEL_WORD), "whole"),
       rest = LLVMBuildSub(builder, count, whole, "rest");
    ir row = add(b, index, whole, "row");
    bool was_beside = b->beside, pairs = takes_pairs(r);
    if (pairs) {
        ir even = LLVMBuildAnd(builder, count, wn_ir_i64(b->e, -2 * KERNEL_WORD), "");
        ir odd = add(b, index, even, "odd");
        emit_rows(r, index, odd, NEXT_ROW);
        index = odd;
        b->beside = true;
    }
    emit_rows(r, index, row, ROW_ALONE);
    b->beside = was_beside;
    emit_rest(r, row, rest);
}

/*
 * Additions take several cycles each, and a leaf of AVX-512 has only four that do not wait for one another: two leaves have eight. (With
 * narrower registers there are eight and sixteen, and not enough registers for two.) What comes from memory is no faster added up, and sooner
 * there if it is read in order; so are f64 from the second cache of a Zen 4, which does one such addition a cycle and needs no more than three.
 */
static bool takes_two(const reducing *r) {
    unsigned trees = 0;
    for (unsigned i = 0; i < r->count; i++) {
        if (r->all[i].join == JOIN_PLACE) return false; /* asks each leaf */
        if (r->all[i].join != JOIN_TREE) continue;
        if (r->all[i].type == WN_F64 && r->b->e->target.halves) return false;
        trees++;
    }
    return r->b->e->target.isa == WN_ISA_X86_64_V4 && (trees == 1 || trees == 2) &&
           r->b->function != KERNEL_STREAM;
}

/* Two whole leaves at once, which make one of the level above. */
static void emit_two_leaves(reducing *r, ir index) {
    unsigned count = r->count, twin = count;
    for (unsigned i = 0; i < count; i++) {
        if (r->all[i].join != JOIN_TREE) continue;
        r->all[r->count] = r->all[i];
        r->all[r->count++].second = true;
    }
    emit_rows(r, index, add(r->b, index, wn_ir_i64(r->b->e, KERNEL_LEAF), ""), NEXT_LEAF);
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

/* A leaf, or what there is of one. */
static void emit_leaf(reducing *r, ir index) {
    ir left = LLVMBuildSub(r->b->e->builder, r->b->n, index, "left"),
       leaf = wn_ir_i64(r->b->e, KERNEL_LEAF);
    emit_row_by_row(r, index, wn_ir_choose(r->b->e, is_below(r->b, left, leaf), left, leaf));
}

/* The leaves from `index` on: two if there are two and none of before waits for its other one. Returns 1 if they are two, else 0. */
static ir emit_one_or_two(reducing *r, ir index, const accumulator *begun, accumulator *of_two) {
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
    memcpy(r->all, begun, r->count * sizeof *begun);
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

/* There is a leaf, or a part of one. */
static void emit_leaves(reducing *r, accumulator *begun, accumulator *of_two) {
    body *b = r->b;
    LLVMBuilderRef builder = b->e->builder;
    LLVMBasicBlockRef head = new_block(b, "leaf"), after = new_block(b, "done"), then = after;
    LLVMBuildBr(builder, head);
    LLVMPositionBuilderAtEnd(builder, head);
    ir index = wn_new_phi(b, wn_ir_i64(b->e, 0), "leaf"),
       leaves = r->leaves ? wn_new_phi(b, r->leaves, "leaves") : NULL;
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
    memcpy(begun, r->all, r->count * sizeof *begun);
    ir two = wn_ir_i64(b->e, 0);
    if (takes_two(r))
        two = emit_one_or_two(r, index, begun, of_two);
    else
        emit_leaf(r, index);
    for (unsigned i = 0; i < r->count; i++)
        wn_end_leaf(r, &r->all[i], index);
    if (leaves) then = emit_end_of_trees(r, two, after);
    ir next = wn_advance(b, index, LLVMBuildShl(builder, wn_ir_i64(b->e, KERNEL_LEAF), two, ""));
    wn_next_iteration(b, index, next);
    if (leaves) wn_next_iteration(b, leaves, r->leaves);
    for (unsigned i = 0; i < r->count; i++) {
        if (begun[i].total) wn_next_iteration(b, begun[i].total, r->all[i].total);
        for (unsigned k = 0; !is_emptied(&begun[i]) && k < begun[i].parts; k++)
            wn_next_iteration(b, begun[i].part[k], r->all[i].part[k]);
        for (unsigned k = 0; begun[i].join == JOIN_PLACE && k < begun[i].best; k++)
            wn_next_iteration(b, begun[i].found[k], r->all[i].found[k]);
    }
    LLVMBuildCondBr(builder, is_below(b, next, b->n), head, then);
    LLVMPositionBuilderAtEnd(builder, after);
}

/* Whether something is done at the end of a leaf. */
static bool has_leaves(const reducing *r) {
    for (unsigned i = 0; i < r->count; i++)
        if (is_emptied(&r->all[i]) || r->all[i].join == JOIN_PLACE) return true;
    return false;
}

bool wn_emit_reduce_loop(body *b, const bool *wanted) {
    size_t most = 3 * (size_t)b->stage->output_count; /* a value, a count, and of two leaves a value */
    accumulator *all =
        calloc(4 * most, sizeof *all); /* now, in an inner loop's head, in the outer loop's head, of two leaves */
    if (!all) return false;
    reducing r = {.b = b, .wanted = wanted, .all = all};
    wn_find_accumulators(&r);
    for (unsigned i = 0; i < r.count; i++)
        wn_load_accumulator(&r, &r.all[i]);
    if (has_leaves(&r))
        emit_leaves(&r, all + 2 * most, all + 3 * most);
    else
        emit_row_by_row(&r, wn_ir_i64(b->e, 0), b->n);
    for (unsigned i = 0; i < r.count; i++)
        wn_store_accumulator(&r, &r.all[i]);
    locate_loop(b);
    LLVMBuildRet(b->e->builder, b->n);
    wn_turn_comparisons(b->e);
    free(all);
    return true;
}

/* ---- How many lanes at a time ---------------------------------------------------------------------------------------------- */

/* Of sums that need not be widened: a register's lanes of the widest that there is or, where narrower ones meet it, a whole step's. */
static unsigned lanes_of_narrow(const emitter *e, const plan_program *p, const bool *wanted,
                                unsigned narrowest) {
    unsigned widest = widest_bits(p, wanted),
             least = narrowest < 64 ? 8 : 4; /* KERNEL_WIDENED_MOST counts on 8; bools alone, 64 here, need no more than 4 */
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        unsigned bits = type_bits((wn_type)v->type);
        if (!wanted[i] || v->invariant || v->kind != VALUE_STREAM) continue;
        if (bits < narrowest) narrowest = bits;
        if (p->streams[v->number].bits) least = 8;
    }
    unsigned lanes = register_bits(e) / widest;
    if (narrowest < widest) lanes *= (unsigned)step_registers(p);
    return lanes < least ? least : lanes;
}

unsigned wn_lanes_to_reduce(const emitter *e, const plan_stage *s, const bool *wanted) {
    unsigned lanes = (unsigned)s->program.lanes, most = KERNEL_WORD, narrowest = 64;
    bool narrow = false;
    for (uint32_t i = 0; i < s->output_count; i++) {
        uint32_t joined = wn_value_to_join(e, s, i);
        wn_type type = (wn_type)s->program.values[joined].type;
        bool widens = joined != s->outputs[i].value, counts = type == WN_BOOL;
        if (type_bits(type) == 64) most = KERNEL_WORD / 2;
        if (widens && !counts && type_bits(type) < narrowest) narrowest = type_bits(type);
        narrow |= widens && type_bits(type) < 32;
    }
    if (e->counts_by_avx2) lanes /= 2; /* which the plan has for AVX-512 */
    if (narrow) lanes = lanes_of_narrow(e, &s->program, wanted, narrowest);
    return lanes < most ? lanes : most;
}
