/*
 * accumulator.c - one accumulator's life: loaded, joined to, at the end of a leaf emptied or asked, stored (accumulator.h).
 */
#include "jit/llvm/accumulator.h"

#include <stddef.h>

/* ---- What is accumulated --------------------------------------------------------------------------------------------------- */

static wn_type value_type(const body *b, uint32_t output) {
    return (wn_type)b->program->values[b->stage->outputs[output].value].type;
}

static op reduction_of(const body *b, uint32_t output) {
    return (op)graph_node(b->e->graph, b->stage->outputs[output].node)->op;
}

static bool counts_truth(op o) {
    return o == OP_count || o == OP_any || o == OP_all;
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* Enough vectors to keep the ports busy, in at most eight registers. */
static unsigned flat_parts(const emitter *e, unsigned bits) {
    unsigned registers = e->lanes * bits / register_bits(e), fit = 8 / (registers ? registers : 1);
    return least(least(fit ? fit : 1, 4), KERNEL_WORD / e->lanes);
}

/* Whether vrangeps and vrangepd take vectors of as many lanes. */
static bool has_range(const emitter *e, wn_type type) {
    return e->target.isa == WN_ISA_X86_64_V4 && e->lanes * type_bits(type) == 512;
}

static void add_accumulator(reducing *r, join how, op o, uint32_t output, wn_type type) {
    accumulator *a = &r->all[r->count++];
    *a = (accumulator){.join = how, .o = o, .output = output, .type = type};
    if (is_narrow_sum(a)) {
        a->parts = a->best = wn_narrow_parts(r->b->e, a);
        return;
    }
    unsigned tree_lanes = type == WN_F64 ? KERNEL_WORD / 2 : KERNEL_WORD;
    a->parts = how == JOIN_TREE ? tree_lanes / r->b->e->lanes : flat_parts(r->b->e, type_bits(type));
    a->best = a->parts;
    a->ranged = how == JOIN_BEST && has_range(r->b->e, type);
    if (how == JOIN_BEST) a->parts += a->ranged ? 1 : 3;
    if (how == JOIN_PLACE) a->parts += type_is_float(type);
}

static join join_of(op o, wn_type type) {
    if (op_is_place(o)) return JOIN_PLACE;
    if (!type_is_float(type)) return JOIN_FLAT;
    return o == OP_min || o == OP_max ? JOIN_BEST : JOIN_TREE;
}

_Static_assert(KERNEL_LEAF / 16 <= UINT8_MAX,
               "a counter of a byte lasts a leaf, of which sixteen lanes share its elements");
/* As wide as the lanes that are compared; with registers for masks, 32 bits are half as much as 64. */
static wn_type counter_type(const emitter *e) {
    unsigned bits = register_bits(e) / e->lanes;
    if (bits >= 64 && e->target.isa != WN_ISA_X86_64_V4) return WN_U64;
    return bits >= 32 ? WN_U32 : bits >= 16 ? WN_U16 : WN_U8;
}

/* A sum of 64-bit integers that are made of narrower ones. */
static void add_widening(reducing *r, op o, uint32_t output, wn_type from) {
    bool counts = from == WN_BOOL;
    join how = counts ? JOIN_COUNT : type_bits(from) == 32 ? JOIN_HALVES : JOIN_NEIGHBOURS;
    add_accumulator(r, how, o, output, counts ? counter_type(r->b->e) : from);
    r->all[r->count - 1].sums = counts;
}

static void tell_accumulator(const reducing *r, const accumulator *a) {
    static const struct {
        const char *begin, *end, *why;
    } rows[] = {
        [JOIN_TREE] = {"added to", "; leaf by leaf these are joined as a binary counter carries",
                       "a sum of floats depends on its order: so it is the same on every "
                       "instruction set, for every number of threads"},
        [JOIN_FLAT] = {"kept in",
                       ", joined at the end", "the order does not matter, and chains that do not wait for each other keep the ports busy"},
        [JOIN_COUNT] =
            {"counted in", ", added up at the end",
             "a truth is added to its lane more cheaply than each vector's bits are counted"},
        [JOIN_BEST] = {"the best is kept in",
                       ", signs and NaNs in three more", "a comparison passes by NaNs and takes -0 for 0: both are noted beside it, and settled once at the end"},
        [JOIN_PLACE] = {"the best is kept in", ", and the leaf in which each was found",
                        "the place itself is looked for later, in one leaf"},
        [JOIN_HALVES] = {"added to", ", as they are and their upper halves",
                         "that takes less than to make 64-bit integers of them: modulo 2^32 the "
                         "sum tells what the lower halves come to"},
        [JOIN_NEIGHBOURS] = {"added to", ", several neighbours to each lane",
                             "an instruction adds up eight bytes or two words, which takes less "
                             "than to make 64-bit integers of them"}};
    locate_accumulator(r, a);
    if (a->ranged) {
        wn_tell(r->b->e, "vrangeps tells -0 from 0, and passes by NaNs: these are noted beside it",
                "the best is kept in %u vectors of %u lanes, NaNs in one more", a->best,
                r->b->e->lanes);
        return;
    }
    unsigned lanes = is_narrow_sum(a) ? LLVMGetVectorSize(wn_narrow_part(r->b->e, a)) : r->b->e->lanes;
    wn_tell(r->b->e, rows[a->join].why, "%s %u vectors of %u lanes%s", rows[a->join].begin, a->best,
            lanes, rows[a->join].end);
}

void wn_find_accumulators(reducing *r) {
    for (uint32_t i = 0; i < r->b->stage->output_count; i++) {
        op o = reduction_of(r->b, i);
        wn_type type = value_type(r->b, i);
        if (first_alike(r->b->stage, i) != i) continue;
        uint32_t joined = wn_value_to_join(r->b->e, r->b->stage, i);
        if (joined != r->b->stage->outputs[i].value)
            add_widening(r, o, i, (wn_type)r->b->program->values[joined].type);
        else if (!counts_truth(o))
            add_accumulator(r, join_of(o, type), o, i, type);
        bool needs_count = r->b->stage->outputs[i].masked && o != OP_sum && o != OP_prod;
        if (counts_truth(o) || needs_count)
            add_accumulator(r, JOIN_COUNT, o, i, counter_type(r->b->e));
    }
    for (unsigned i = 0; i < r->count; i++)
        tell_accumulator(r, &r->all[i]);
}

/* ---- Where accumulators are kept ------------------------------------------------------------------------------------------- */

ir wn_accumulator_field(const reducing *r, const accumulator *a, size_t offset) {
    ir at = wn_ir_i64(r->b->e, (int64_t)offset);
    return LLVMBuildInBoundsGEP2(r->b->e->builder, int_type(r->b->e, 8), r->b->outputs[a->output],
                                 &at, 1, "");
}

/* Part k of 64 lanes at `base`. */
static ir part_at(const reducing *r, const accumulator *a, ir base, unsigned k) {
    locate_accumulator(r, a);
    ir at = wn_ir_i64(r->b->e, k * r->b->e->lanes);
    return k ? LLVMBuildInBoundsGEP2(r->b->e->builder, wn_ir_storage(r->b->e, a->type), base, &at, 1, "")
             : base;
}

ir wn_load_part(const reducing *r, const accumulator *a, ir base, unsigned k) {
    emitter *e = r->b->e;
    ir value = LLVMBuildLoad2(e->builder, vector_of(e, wn_ir_storage(e, a->type)),
                              part_at(r, a, base, k), "lanes");
    LLVMSetAlignment(value, 8);
    return value;
}

void wn_store_part(const reducing *r, const accumulator *a, ir base, unsigned k) {
    LLVMSetAlignment(LLVMBuildStore(r->b->e->builder, a->part[k], part_at(r, a, base, k)), 8);
}

static ir identity(const reducing *r, const accumulator *a) {
    emitter *e = r->b->e;
    if (is_narrow_sum(a)) return LLVMConstNull(wn_narrow_part(e, a));
    uint64_t bits = a->join == JOIN_COUNT ? 0 : wn_reduction_identity(a->o, a->type);
    ir integer = LLVMConstInt(int_type(e, type_bits(a->type)), bits, false);
    return wn_ir_splat(
        e, type_is_float(a->type) ? LLVMConstBitCast(integer, wn_ir_element(e, a->type)) : integer);
}

/* ---- A row ----------------------------------------------------------------------------------------------------------------- */

static ir both(const reducing *r, ir a, ir b) {
    return a && b ? LLVMBuildAnd(r->b->e->builder, a, b, "") : a ? a : b;
}

/* Which lanes take part; NULL: all. */
static ir selected_lanes(const reducing *r, const accumulator *a, ir present) {
    const plan_output *o = &r->b->stage->outputs[a->output];
    return both(r, o->masked ? r->b->values[o->mask] : NULL, present);
}

ir wn_join_values(const reducing *r, const accumulator *a, ir x, ir y) {
    LLVMBuilderRef builder = r->b->e->builder;
    const ir args[2] = {x, y};
    bool is_float = type_is_float(a->type);
    switch ((int)a->o) {
    case OP_prod:
        return is_float ? LLVMBuildFMul(builder, x, y, "") : LLVMBuildMul(builder, x, y, "");
    case OP_min: return wn_emit_op(r->b->e, OP_minimum, a->type, args, false); /* of integers */
    case OP_max: return wn_emit_op(r->b->e, OP_maximum, a->type, args, false);
    default: return is_float ? LLVMBuildFAdd(builder, x, y, "") : LLVMBuildAdd(builder, x, y, "");
    }
}

/* The lanes that a COUNT counts. */
static ir counted_lanes(const reducing *r, const accumulator *a, ir selected) {
    ir truth = value_to_join(r, a);
    if (!counts_truth(a->o) && !a->sums) return selected;
    if (a->o == OP_all) truth = LLVMBuildNot(r->b->e->builder, truth, "");
    return both(r, selected, truth);
}

/* Where the target has registers for masks, an addition takes one; elsewhere what is true is -1, and subtracted. */
static ir count_lanes(const reducing *r, const accumulator *a, ir counter, ir truths) {
    emitter *e = r->b->e;
    LLVMTypeRef type = int_vector(e, type_bits(a->type));
    if (e->target.isa != WN_ISA_X86_64_V4)
        return LLVMBuildSub(e->builder, counter, LLVMBuildSExt(e->builder, truths, type, ""), "");
    ir one = wn_ir_int(e, type_bits(a->type), 1);
    return wn_ir_choose(e, truths, LLVMBuildAdd(e->builder, counter, one, ""), counter);
}

/* ---- The best of floats ---------------------------------------------------------------------------------------------------- */

/*
 * A comparison keeps the best but for two things, which are settled when all is done. It passes by NaNs: whether there was one is noted.
 * It takes -0 and +0 for equal: but if the least of all is a zero, any sign bit that was seen is that of a -0; if the greatest is, any
 * sign bit that was missing is that of a +0. (AVX-512 tells them apart: the sign bits of the best of each lane will do.)
 */
static ir join_signs(const reducing *r, const accumulator *a, ir x, ir y) {
    return a->o == OP_min ? LLVMBuildOr(r->b->e->builder, x, y, "")
                          : LLVMBuildAnd(r->b->e->builder, x, y, "");
}

static bool seeks_least(const accumulator *a) {
    return a->o == OP_min || a->o == OP_argmin;
}

static ir beats(const reducing *r, const accumulator *a, ir x, ir best) {
    LLVMBuilderRef builder = r->b->e->builder;
    bool least_wins = seeks_least(a);
    if (type_is_float(a->type))
        return LLVMBuildFCmp(builder, least_wins ? LLVMRealOLT : LLVMRealOGT, x, best, "");
    if (type_is_signed(a->type))
        return LLVMBuildICmp(builder, least_wins ? LLVMIntSLT : LLVMIntSGT, x, best, "");
    return LLVMBuildICmp(builder, least_wins ? LLVMIntULT : LLVMIntUGT, x, best, "");
}

/* vrangeps: of -0 and +0 the one that is less, or greater; of a number and a quiet NaN the number. */
static ir better_by_range(const reducing *r, const accumulator *a, ir x, ir best) {
    emitter *e = r->b->e;
    enum {
        LEAST = 4,
        GREATEST = 5,
        AS_IT_IS = 4
    }; /* of two values, with the sign of what is chosen; the rounding */
    ir args[6] = {best,
                  x,
                  LLVMConstInt(int_type(e, 32), seeks_least(a) ? LEAST : GREATEST, false),
                  best,
                  LLVMConstAllOnes(int_type(e, e->lanes)),
                  LLVMConstInt(int_type(e, 32), AS_IT_IS, false)};
    const char *name = a->type == WN_F32 ? "llvm.x86.avx512.mask.range.ps.512"
                                         : "llvm.x86.avx512.mask.range.pd.512";
    return wn_ir_intrinsic(e, name, NULL, args, 6);
}

static ir better(const reducing *r, const accumulator *a, ir x, ir best) {
    if (a->ranged) return better_by_range(r, a, x, best);
    return wn_ir_choose(r->b->e, beats(r, a, x, best), x, best);
}

/* Where x or y is a NaN: a mask where the target has registers for masks, else integers of all bits. */
static ir find_nans(const reducing *r, const accumulator *a, ir x, ir y) {
    emitter *e = r->b->e;
    ir found = LLVMBuildFCmp(e->builder, LLVMRealUNO, x, y, "");
    if (e->target.isa == WN_ISA_X86_64_V4) return found;
    return LLVMBuildSExt(e->builder, found, int_vector(e, type_bits(a->type)), "");
}

static ir sign_bits(const reducing *r, const accumulator *a, ir x) {
    return wn_ir_bitcast(r->b->e, x, int_vector(r->b->e, type_bits(a->type)));
}

static bool notes_nans(const accumulator *a) {
    return a->join == JOIN_BEST || (a->join == JOIN_PLACE && type_is_float(a->type));
}

static bool has_signs(const accumulator *a) {
    return a->join == JOIN_BEST && !a->ranged;
}

/* The last part. */
static ir *nans_of(accumulator *a) {
    return &a->part[a->parts - 1];
}

static void join_best(const reducing *r, accumulator *a, unsigned chunk, ir value) {
    ir *best = &a->part[chunk % a->best], *signs = has_signs(a) ? &a->part[a->best + chunk % 2] : NULL;
    bool alone = KERNEL_WORD / r->b->e->lanes == 1;
    *best = better(r, a, value, *best);
    if (signs) *signs = join_signs(r, a, *signs, sign_bits(r, a, value));
    if (notes_nans(a) && (alone || chunk % 2))
        *nans_of(a) = LLVMBuildOr(r->b->e->builder, *nans_of(a),
                                  find_nans(r, a, alone ? value : a->waiting, value), "");
    a->waiting = value;
}

/* Of the chunk that waits for another. */
static void note_nans(const reducing *r, accumulator *a) {
    *nans_of(a) =
        LLVMBuildOr(r->b->e->builder, *nans_of(a), find_nans(r, a, a->waiting, a->waiting), "");
}

static ir nan_lanes(const reducing *r, const accumulator *a, ir nans) {
    emitter *e = r->b->e;
    if (e->target.isa == WN_ISA_X86_64_V4) return nans;
    return LLVMBuildICmp(e->builder, LLVMIntNE, nans, wn_ir_int(e, type_bits(a->type), 0), "");
}

static ir signs_of_best(const reducing *r, const accumulator *a) {
    ir signs = sign_bits(r, a, a->part[0]);
    for (unsigned k = 1; k < a->best; k++)
        signs = join_signs(r, a, signs, sign_bits(r, a, a->part[k]));
    return signs;
}

/* Signs and NaNs of what came before; for places, in no leaf yet. */
static void begin_best(const reducing *r, accumulator *a) {
    ir first = a->part[0];
    if (has_signs(a)) a->part[a->best] = a->part[a->best + 1] = signs_of_best(r, a);
    if (notes_nans(a)) *nans_of(a) = find_nans(r, a, first, first);
    for (unsigned k = 0; k < a->best; k++)
        a->found[k] = wn_ir_int(r->b->e, type_bits(a->type), UINT64_MAX);
}

/* All lanes of a vector as one, by an intrinsic. */
static ir reduce_lanes(const reducing *r, const char *name, ir vector) {
    return wn_ir_intrinsic(r->b->e, name, LLVMTypeOf(vector), &vector, 1);
}

static ir any_lane(const reducing *r, ir truths) {
    emitter *e = r->b->e;
    ir bits = wn_ir_bitcast(e, truths, int_type(e, e->lanes));
    return LLVMBuildICmp(e->builder, LLVMIntNE, bits, LLVMConstInt(int_type(e, e->lanes), 0, false), "");
}

static const char *best_intrinsic(const accumulator *a) {
    static const char *const names[3][2] = {{"llvm.vector.reduce.umax", "llvm.vector.reduce.umin"},
                                            {"llvm.vector.reduce.smax", "llvm.vector.reduce.smin"},
                                            {"llvm.vector.reduce.fmax", "llvm.vector.reduce.fmin"}};
    return names[type_is_float(a->type) ? 2 : type_is_signed(a->type)][seeks_least(a)];
}

/* The best of all lanes and parts, of equal zeros either. */
static ir best_of_lanes(const reducing *r, const accumulator *a) {
    ir best = a->part[0];
    for (unsigned k = 1; k < a->best; k++)
        best = better(r, a, a->part[k], best);
    best = reduce_lanes(r, best_intrinsic(a), best);
    if (type_is_float(a->type)) /* where a part is a NaN, that is noted, and the result not used */
        LLVMSetFastMathFlags(best, LLVMFastMathNoNaNs | LLVMFastMathNoSignedZeros);
    return best;
}

static ir settle_best(const reducing *r, accumulator *a) {
    emitter *e = r->b->e;
    LLVMBuilderRef builder = e->builder;
    LLVMTypeRef type = wn_ir_element(e, a->type), integer = int_type(e, type_bits(a->type));
    ir best = best_of_lanes(r, a),
       signs = has_signs(a) ? join_signs(r, a, a->part[a->best], a->part[a->best + 1])
                            : signs_of_best(r, a);
    signs = reduce_lanes(r, seeks_least(a) ? "llvm.vector.reduce.or" : "llvm.vector.reduce.and", signs);
    ir sign = LLVMConstInt(integer, (uint64_t)1 << (type_bits(a->type) - 1), false);
    ir zero = wn_ir_bitcast(e, LLVMBuildAnd(builder, signs, sign, ""), type);
    ir is_zero = LLVMBuildFCmp(builder, LLVMRealOEQ, best, LLVMConstNull(type), "");
    best = wn_ir_choose(e, is_zero, zero, best);
    ir nan = any_lane(r, nan_lanes(r, a, *nans_of(a)));
    return wn_ir_choose(e, nan, LLVMConstReal(type, __builtin_nan("")), best);
}

/* ---- The place of the best ------------------------------------------------------------------------------------------------- */

/* A scalar in all lanes. */
static ir spread(const emitter *e, ir scalar) {
    LLVMTypeRef vector = LLVMVectorType(LLVMTypeOf(scalar), e->lanes);
    ir one = LLVMBuildInsertElement(e->builder, LLVMGetUndef(vector), scalar,
                                    LLVMConstInt(int_type(e, 32), 0, false), "");
    return LLVMBuildShuffleVector(e->builder, one, LLVMGetUndef(vector),
                                  LLVMConstNull(int_vector(e, 32)), "");
}

/* At the end of the leaf that begins at `index`: in the lanes whose best it bettered, it was found here. */
static void note_leaf(const reducing *r, accumulator *a, ir index) {
    emitter *e = r->b->e;
    ir number = LLVMBuildLShr(e->builder, index, wn_ir_i64(e, __builtin_ctz(KERNEL_LEAF)), "");
    ir leaf = spread(
        e, LLVMBuildTruncOrBitCast(e->builder, number, int_type(e, type_bits(a->type)), "leaf"));
    for (unsigned k = 0; k < a->best; k++)
        a->found[k] = wn_ir_choose(e, beats(r, a, a->part[k], a->before[k]), leaf, a->found[k]);
}

/* The best, the first leaf in which it was found, and whether there was a NaN. */
static void store_place(const reducing *r, accumulator *a) {
    emitter *e = r->b->e;
    LLVMBuilderRef builder = e->builder;
    ir best = best_of_lanes(r, a), all = spread(e, best), leaf = NULL;
    for (unsigned k = 0; k < a->best; k++) {
        ir equal = type_is_float(a->type) ? LLVMBuildFCmp(builder, LLVMRealOEQ, a->part[k], all, "")
                                          : LLVMBuildICmp(builder, LLVMIntEQ, a->part[k], all, "");
        ir found = wn_ir_choose(e, equal, a->found[k], wn_ir_int(e, type_bits(a->type), UINT64_MAX));
        ir earlier = leaf ? LLVMBuildICmp(builder, LLVMIntULT, found, leaf, "") : NULL;
        leaf = leaf ? wn_ir_choose(e, earlier, found, leaf) : found;
    }
    leaf = reduce_lanes(r, "llvm.vector.reduce.umin", leaf);
    LLVMBuildStore(builder, best, wn_accumulator_field(r, a, offsetof(kernel_accumulator, lanes)));
    LLVMBuildStore(builder, LLVMBuildSExtOrBitCast(builder, leaf, int_type(e, 64), ""),
                   wn_accumulator_field(r, a, offsetof(kernel_accumulator, leaf)));
    if (!notes_nans(a)) return;
    ir at = wn_accumulator_field(r, a, offsetof(kernel_accumulator, unsure)),
       before = LLVMBuildLoad2(builder, int_type(e, 8), at, "unsure"),
       now = LLVMBuildZExt(builder, any_lane(r, nan_lanes(r, a, *nans_of(a))), int_type(e, 8), "");
    LLVMBuildStore(builder, LLVMBuildOr(builder, before, now, ""), at);
}

/* ---- Integers, all lanes --------------------------------------------------------------------------------------------------- */

static ir settle_flat(const reducing *r, const accumulator *a) {
    ir all = a->part[0];
    for (unsigned k = 1; k < a->parts; k++)
        all = wn_join_values(r, a, all, a->part[k]);
    const char *name = a->o == OP_min || a->o == OP_max ? best_intrinsic(a)
                       : a->o == OP_prod                ? "llvm.vector.reduce.mul"
                                                        : "llvm.vector.reduce.add";
    return reduce_lanes(r, name, all);
}

/* ---- A tree's, in its order ------------------------------------------------------------------------------------------------- */

static ir half_of(const reducing *r, ir vector, unsigned half, unsigned lanes) {
    emitter *e = r->b->e;
    ir numbers[KERNEL_WORD];
    for (unsigned i = 0; i < lanes; i++)
        numbers[i] = LLVMConstInt(int_type(e, 32), half * lanes + i, false);
    return LLVMBuildShuffleVector(e->builder, vector, LLVMGetUndef(LLVMTypeOf(vector)),
                                  LLVMConstVector(numbers, lanes), "");
}

/* Lane j is joined with lane j + h, for h from a half down to 1. */
static ir settle_tree(const reducing *r, accumulator *a) {
    for (unsigned parts = a->parts / 2; parts; parts /= 2)
        for (unsigned k = 0; k < parts; k++)
            a->part[k] = wn_join_values(r, a, a->part[k], a->part[k + parts]);
    ir all = a->part[0];
    for (unsigned lanes = r->b->e->lanes / 2; lanes; lanes /= 2)
        all = wn_join_values(r, a, half_of(r, all, 0, lanes), half_of(r, all, 1, lanes));
    return all;
}

/* Where the target has registers for masks, a sum takes one, and leaves alone what is not selected: no lane of a sum is -0. */
static bool joins_by_mask(const reducing *r, const accumulator *a) {
    return r->b->e->target.isa == WN_ISA_X86_64_V4 && (a->join == JOIN_TREE || a->join == JOIN_FLAT);
}

/* ---- A row, joined --------------------------------------------------------------------------------------------------------- */

void wn_join_chunk(const reducing *r, accumulator *a, unsigned chunk, ir present) {
    emitter *e = r->b->e;
    locate_accumulator(r, a);
    ir *part = &a->part[chunk & (a->parts - 1)], /* a power of two, where it is used */
        selected = selected_lanes(r, a, present);
    if (a->join == JOIN_COUNT) {
        *part = count_lanes(r, a, *part, counted_lanes(r, a, selected));
        return;
    }
    if (is_narrow_sum(a)) {
        wn_join_narrow(r, a, chunk, selected);
        return;
    }
    ir value = r->b->values[r->b->stage->outputs[a->output].value];
    if (selected && joins_by_mask(r, a)) {
        *part = wn_ir_choose(e, selected, wn_join_values(r, a, *part, value), *part);
        return;
    }
    if (selected) value = wn_ir_choose(e, selected, value, identity(r, a));
    if (a->join == JOIN_BEST || a->join == JOIN_PLACE)
        join_best(r, a, chunk, value);
    else
        *part = wn_join_values(r, a, *part, value);
}

void wn_join_chunk_alone(const reducing *r, accumulator *a, ir present) {
    a->waiting = identity(r, a); /* nothing waits for its NaNs */
    wn_join_chunk(r, a, 0, present);
    if (notes_nans(a)) note_nans(r, a);
}

/* ---- All of a call, and the end of a leaf ------------------------------------------------------------------------------------- */

/* All lanes of a COUNT together. */
static ir sum_of_lanes(const reducing *r, const accumulator *a) {
    emitter *e = r->b->e;
    ir sum = a->part[0];
    for (unsigned k = 1; k < a->parts; k++)
        sum = LLVMBuildAdd(e->builder, sum, a->part[k], "");
    sum = LLVMBuildZExt(e->builder, sum, int_vector(e, 64), "");
    return wn_ir_intrinsic(e, "llvm.vector.reduce.add", LLVMTypeOf(sum), &sum, 1);
}

static void store_count(const reducing *r, const accumulator *a) {
    emitter *e = r->b->e;
    size_t field = a->sums ? offsetof(kernel_accumulator, lanes) : offsetof(kernel_accumulator, count);
    ir at = wn_accumulator_field(r, a, field),
       before = LLVMBuildLoad2(e->builder, int_type(e, 64), at, "count");
    LLVMBuildStore(e->builder, add(r->b, before, a->total ? a->total : sum_of_lanes(r, a), ""), at);
}

/* Whether what it keeps between calls is one value, in its first lane. */
static bool is_one_value(const accumulator *a) {
    return a->join == JOIN_FLAT || a->join == JOIN_BEST;
}

static ir insert_before(const reducing *r, const accumulator *a) {
    emitter *e = r->b->e;
    ir before =
        LLVMBuildLoad2(e->builder, wn_ir_element(e, a->type),
                       wn_accumulator_field(r, a, offsetof(kernel_accumulator, lanes)), "before");
    return LLVMBuildInsertElement(e->builder, identity(r, a), before,
                                  LLVMConstInt(int_type(e, 32), 0, false), "");
}

static bool has_order(const accumulator *a) {
    return a->join == JOIN_BEST || a->join == JOIN_PLACE;
}

void wn_load_accumulator(reducing *r, accumulator *a) {
    emitter *e = r->b->e;
    locate_accumulator(r, a);
    if (a->join == JOIN_COUNT && wn_type_size(a->type) < 4) a->total = wn_ir_i64(e, 0);
    if (a->join == JOIN_TREE && !r->leaves)
        r->leaves = LLVMBuildLoad2(e->builder, int_type(e, 64),
                                   wn_accumulator_field(r, a, offsetof(kernel_accumulator, leaves)),
                                   "leaves");
    for (unsigned k = 0; k < a->best; k++)
        a->part[k] = identity(r, a);
    if (is_one_value(a)) a->part[0] = insert_before(r, a);
    if (has_order(a)) begin_best(r, a);
}

void wn_store_accumulator(const reducing *r, accumulator *a) {
    emitter *e = r->b->e;
    locate_accumulator(r, a);
    ir value = NULL;
    switch (a->join) {
    case JOIN_TREE:
        value = settle_tree(r, a);
        LLVMBuildStore(e->builder, r->leaves,
                       wn_accumulator_field(r, a, offsetof(kernel_accumulator, leaves)));
        break;
    case JOIN_BEST: value = settle_best(r, a); break;
    case JOIN_FLAT: value = settle_flat(r, a); break;
    case JOIN_HALVES:
    case JOIN_NEIGHBOURS: value = wn_settle_narrow(r, a); break;
    case JOIN_PLACE: store_place(r, a); return;
    case JOIN_COUNT: store_count(r, a); return;
    }
    LLVMBuildStore(e->builder, value, wn_accumulator_field(r, a, offsetof(kernel_accumulator, lanes)));
}

void wn_end_leaf(const reducing *r, accumulator *a, ir index) {
    locate_accumulator(r, a);
    if (a->join == JOIN_PLACE) note_leaf(r, a, index);
    if (a->total) a->total = add(r->b, a->total, sum_of_lanes(r, a), "");
}
