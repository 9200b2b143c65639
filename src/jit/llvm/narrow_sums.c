/*
 * narrow_sums.c - sums of narrow integers as 64-bit ones, none of which is widened before it is added: HALVES and NEIGHBOURS (accumulator.h).
 *
 * Invariant: no lane of a part overflows in a call of KERNEL_WIDENED_MOST elements; kernel.h shows that.
 */
#include "jit/llvm/accumulator.h"

#include <stddef.h>

uint32_t wn_value_to_join(const emitter *e, const plan_stage *s, uint32_t output) {
    op o = (op)graph_node(e->graph, s->outputs[output].node)->op;
    int64_t value = widened_value(s, o, output);
    wn_type type = (wn_type)s->program.values[value < 0 ? s->outputs[output].value : value].type;
    bool adds_neighbours = type != WN_BOOL && wn_type_size(type) < 4;
    if (value < 0 || (adds_neighbours && e->target.isa == WN_ISA_PORTABLE))
        return s->outputs[output].value;
    return (uint32_t)value;
}

/* All lanes of 64 bits as one. */
static ir add_lanes(const emitter *e, ir vector) {
    return wn_ir_intrinsic(e, "llvm.vector.reduce.add", LLVMTypeOf(vector), &vector, 1);
}

/* ---- HALVES ---------------------------------------------------------------------------------------------------------------- */

static void join_halves(const reducing *r, accumulator *a, ir selected) {
    emitter *e = r->b->e;
    LLVMBuilderRef builder = e->builder;
    ir value = value_to_join(r, a), bits = wn_ir_int(e, 32, 16);
    if (selected) value = wn_ir_choose(e, selected, value, wn_ir_int(e, 32, 0));
    ir upper = type_is_signed(a->type) ? LLVMBuildAShr(builder, value, bits, "")
                                       : LLVMBuildLShr(builder, value, bits, "");
    a->part[0] = LLVMBuildAdd(builder, a->part[0], value, "");
    a->part[1] = LLVMBuildAdd(builder, a->part[1], upper, "");
}

/*
 * 32-bit integers, of which up to 2^16 were added to each lane, as they are and their upper halves: what the lower halves come to is less than
 * 2^32, so the difference.
 */
static ir settle_halves(const reducing *r, const accumulator *a) {
    emitter *e = r->b->e;
    LLVMBuilderRef builder = e->builder;
    LLVMTypeRef wide = int_vector(e, 64);
    ir upper = a->part[1],
       lower = LLVMBuildSub(builder, a->part[0],
                            LLVMBuildShl(builder, upper, wn_ir_int(e, 32, 16), ""), "");
    upper = type_is_signed(a->type) ? LLVMBuildSExt(builder, upper, wide, "")
                                    : LLVMBuildZExt(builder, upper, wide, "");
    upper = LLVMBuildShl(builder, upper, wn_ir_int(e, 64, 16), "");
    lower = LLVMBuildZExt(builder, lower, wide, "");
    return add_lanes(e, LLVMBuildAdd(builder, upper, lower, ""));
}

/* ---- NEIGHBOURS ------------------------------------------------------------------------------------------------------------ */

/* Bits of the vectors that are added up: a value is one of them, or several, or is filled up with zeros. */
static unsigned piece_bits(const emitter *e, wn_type type) {
    unsigned bits = e->lanes * type_bits(type), most = register_bits(e);
    return bits < 128 ? 128 : bits < most ? bits : most;
}

static unsigned pieces_of_value(const emitter *e, wn_type type) {
    unsigned bits = e->lanes * type_bits(type);
    return bits / piece_bits(e, type) + (bits < 128);
}

/* vpsadbw takes unsigned bytes and vpmaddwd signed words: of the others the sign bits are turned over, which makes each 2^7 more or 2^15 less. */
static bool flips_signs(const accumulator *a) {
    return type_is_signed(a->type) == (type_bits(a->type) == 8);
}

/* Of a value, piece number k; behind its last lane zeros. */
static ir piece_of(const emitter *e, ir value, unsigned k, unsigned lanes) {
    ir numbers[KERNEL_WORD];
    for (unsigned i = 0; i < lanes; i++)
        numbers[i] =
            LLVMConstInt(int_type(e, 32), k * lanes + i < e->lanes ? k * lanes + i : e->lanes, false);
    return LLVMBuildShuffleVector(e->builder, value, LLVMConstNull(LLVMTypeOf(value)),
                                  LLVMConstVector(numbers, lanes), "");
}

/* The sums of eight bytes, or of two words, of a vector. */
static ir sum_neighbours(const reducing *r, wn_type type, ir vector) {
    static const char *const names[2][3] = {
        {"llvm.x86.sse2.psad.bw", "llvm.x86.avx2.psad.bw", "llvm.x86.avx512.psad.bw.512"},
        {"llvm.x86.sse2.pmadd.wd", "llvm.x86.avx2.pmadd.wd", "llvm.x86.avx512.pmaddw.d.512"}};
    emitter *e = r->b->e;
    unsigned bits = type_bits(type), lanes = LLVMGetVectorSize(LLVMTypeOf(vector));
    ir others[KERNEL_WORD]; /* distances from 0, products with 1 */
    for (unsigned i = 0; i < lanes; i++)
        others[i] = LLVMConstInt(int_type(e, bits), bits == 16, false);
    ir args[2] = {vector, LLVMConstVector(others, lanes)};
    unsigned width = (unsigned)__builtin_ctz(lanes * bits / 128);
    return wn_ir_intrinsic(e, names[bits == 16][width], NULL, args, 2);
}

/* What is not selected is 0, and gets another sign too. */
static void join_neighbours(const reducing *r, accumulator *a, unsigned chunk, ir selected) {
    emitter *e = r->b->e;
    LLVMBuilderRef builder = e->builder;
    unsigned bits = type_bits(a->type), pieces = pieces_of_value(e, a->type),
             lanes = piece_bits(e, a->type) / bits;
    ir value = value_to_join(r, a);
    if (selected) value = wn_ir_choose(e, selected, value, wn_ir_int(e, bits, 0));
    if (flips_signs(a))
        value = LLVMBuildXor(builder, value, wn_ir_int(e, bits, (uint64_t)1 << (bits - 1)), "");
    for (unsigned k = 0; k < pieces; k++) {
        ir *part = &a->part[(chunk * pieces + k) % a->parts];
        ir piece = sum_neighbours(r, a->type, piece_of(e, value, k, lanes));
        *part = LLVMBuildAdd(builder, *part, piece, "");
    }
}

/* How many lanes were joined in a call: those that were not there too. */
static ir joined_lanes(const reducing *r) {
    LLVMBuilderRef builder = r->b->e->builder;
    int64_t unit = r->leaves ? KERNEL_WORD : r->b->e->lanes; /* what emit_rest fills up */
    ir most = add(r->b, r->b->n, wn_ir_i64(r->b->e, unit - 1), "");
    return LLVMBuildAnd(builder, most, wn_ir_i64(r->b->e, -unit), "");
}

/* The lanes of all parts together hold what one may (kernel.h). What each element had too much, or too little, is taken off. */
static ir settle_neighbours(const reducing *r, const accumulator *a) {
    emitter *e = r->b->e;
    LLVMBuilderRef builder = e->builder;
    unsigned lanes = LLVMGetVectorSize(LLVMTypeOf(a->part[0]));
    LLVMTypeRef wide = LLVMVectorType(int_type(e, 64), lanes);
    ir all = a->part[0];
    for (unsigned k = 1; k < a->parts; k++)
        all = LLVMBuildAdd(builder, all, a->part[k], "");
    ir sum = add_lanes(e, LLVMBuildSExtOrBitCast(builder, all, wide, ""));
    if (!flips_signs(a)) return sum;
    int64_t each = type_is_signed(a->type) ? INT8_MIN : -(int64_t)INT16_MIN;
    return add(r->b, sum, LLVMBuildMul(builder, joined_lanes(r), wn_ir_i64(e, each), ""), "");
}

/* ---- Either ---------------------------------------------------------------------------------------------------------------- */

unsigned wn_narrow_parts(const emitter *e, const accumulator *a) {
    if (a->join == JOIN_HALVES) return 2;
    unsigned of_row = KERNEL_WORD / e->lanes * pieces_of_value(e, a->type);
    return of_row < 4 ? of_row : 4;
}

LLVMTypeRef wn_narrow_part(const emitter *e, const accumulator *a) {
    unsigned bits = type_bits(a->type) == 8 ? 64 : 32;
    if (a->join == JOIN_HALVES) return int_vector(e, bits);
    return LLVMVectorType(int_type(e, bits), piece_bits(e, a->type) / bits);
}

void wn_join_narrow(const reducing *r, accumulator *a, unsigned chunk, ir selected) {
    if (a->join == JOIN_HALVES)
        join_halves(r, a, selected);
    else
        join_neighbours(r, a, chunk, selected);
}

ir wn_settle_narrow(const reducing *r, const accumulator *a) {
    ir at = wn_accumulator_field(r, a, offsetof(kernel_accumulator, lanes)),
       before = LLVMBuildLoad2(r->b->e->builder, int_type(r->b->e, 64), at, "before");
    return add(r->b, before, a->join == JOIN_HALVES ? settle_halves(r, a) : settle_neighbours(r, a), "");
}
