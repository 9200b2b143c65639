/*
 * emit_op.c - the elementwise operations of ops.def as vector instructions.
 *
 * Nothing here may trap or be undefined in IR for any operand: divisors are guarded, and a shift by the width or more is chosen away.
 * No fast-math flag is ever set. f16 and bf16 are widened to float, computed, and rounded once: float has more than twice
 * their digits and two, so that rounding twice is rounding once for + - * / and sqrt.
 */
#include "jit/llvm/emit.h"

/* ---- Comparison ------------------------------------------------------------------------------------------------------ */

static LLVMIntPredicate int_predicate(op o, bool is_signed) {
    switch (o) {
    case OP_equal: return LLVMIntEQ;
    case OP_not_equal: return LLVMIntNE;
    case OP_less: return is_signed ? LLVMIntSLT : LLVMIntULT;
    case OP_less_equal: return is_signed ? LLVMIntSLE : LLVMIntULE;
    case OP_greater: return is_signed ? LLVMIntSGT : LLVMIntUGT;
    default: return is_signed ? LLVMIntSGE : LLVMIntUGE;
    }
}

static ir icmp(emitter *e, LLVMIntPredicate p, ir a, ir b) {
    return LLVMBuildICmp(e->builder, p, a, b, "");
}

static LLVMRealPredicate float_predicate(op o) {
    switch (o) {
    case OP_equal: return LLVMRealOEQ;
    case OP_not_equal: return LLVMRealUNE;
    case OP_less: return LLVMRealOLT;
    case OP_less_equal: return LLVMRealOLE;
    case OP_greater: return LLVMRealOGT;
    default: return LLVMRealOGE;
    }
}

static ir emit_comparison(emitter *e, op o, wn_type type, const ir *a) {
    if (type_is_float(type)) return LLVMBuildFCmp(e->builder, float_predicate(o), a[0], a[1], "");
    return LLVMBuildICmp(e->builder, int_predicate(o, type_is_signed(type)), a[0], a[1], "");
}

/* Of a comparison the opposite one: LLVM would take a `not` back and exchange the choices, or have to find that out. */
static ir opposite_of(const emitter *e, ir mask) {
    if (!LLVMIsAFCmpInst(mask)) return LLVMBuildNot(e->builder, mask, "");
    static const LLVMRealPredicate opposite[16] = {
        [LLVMRealOEQ] = LLVMRealUNE, [LLVMRealUNE] = LLVMRealOEQ, [LLVMRealOGT] = LLVMRealULE,
        [LLVMRealOGE] = LLVMRealULT, [LLVMRealOLT] = LLVMRealUGE, [LLVMRealOLE] = LLVMRealUGT};
    return LLVMBuildFCmp(e->builder, opposite[LLVMGetFCmpPredicate(mask)], LLVMGetOperand(mask, 0),
                         LLVMGetOperand(mask, 1), "");
}

/*
 * Whether the pattern of an f16 or bf16 is in a range. A range is moved to where the signed integers begin, so that all of it is below a limit:
 * before AVX-512 there is no unsigned comparison.
 */
ir wn_emit_in_range(emitter *e, ir value, const pattern_range *range) {
    LLVMBuilderRef b = e->builder;
    ir x = wn_ir_bitcast(e, value, int_vector(e, 16));
    wn_tell(e, "what makes it true is one range of bit patterns; nothing is widened",
            "compared as integers");
    if (range->of_magnitude) {
        ir magnitude = LLVMBuildAnd(b, x, wn_ir_int(e, 16, PATTERN_SIGN - 1), "");
        return icmp(e, range->first ? LLVMIntNE : LLVMIntEQ, magnitude, wn_ir_int(e, 16, 0));
    }
    if (range->count == 1) return icmp(e, LLVMIntEQ, x, wn_ir_int(e, 16, range->first));
    if (range->count == PATTERN_ALL)
        return icmp(e, LLVMIntNE, x, wn_ir_int(e, 16, range->first - 1));
    ir moved = LLVMBuildAdd(b, x, wn_ir_int(e, 16, PATTERN_SIGN - range->first), "");
    return icmp(e, LLVMIntSLT, moved, wn_ir_int(e, 16, range->count ^ PATTERN_SIGN));
}

/* ---- Integers -------------------------------------------------------------------------------------------------------- */

/* The count is read as unsigned; the width or more gives 0, or, shifting a signed number right, the sign. */
static ir emit_shift(emitter *e, op o, wn_type type, const ir *a) {
    unsigned bits = type_bits(type);
    ir width = wn_ir_int(e, bits, bits), zero = wn_ir_int(e, bits, 0);
    ir inside = icmp(e, LLVMIntULT, a[1], width);
    if (o == OP_right_shift && type_is_signed(type)) {
        ir count = wn_ir_choose(e, inside, a[1], wn_ir_int(e, bits, bits - 1));
        return LLVMBuildAShr(e->builder, a[0], count, "");
    }
    ir shifted = o == OP_left_shift ? LLVMBuildShl(e->builder, a[0], a[1], "")
                                    : LLVMBuildLShr(e->builder, a[0], a[1], "");
    return wn_ir_choose(e, inside, shifted, zero);
}

/* a / b towards zero for a divisor that is not 0 and does not overflow. Processors divide vectors of floats, not of integers. The quotient
   of n-bit integers is at least 1 / b below the next integer, so n digits and a few keep it there: 24 for 16 bits, 53 for 32. */
static ir divide_by_float(emitter *e, wn_type type, ir a, ir b) {
    bool is_signed = type_is_signed(type), wide = type_bits(type) == 32;
    wn_tell(e, "processors divide vectors of floats, not of integers; every quotient is exact in it",
            "divided as %s, after a divisor that would fail is replaced", wide ? "f64" : "f32");
    LLVMTypeRef f =
        vector_of(e, wide ? LLVMDoubleTypeInContext(e->context) : LLVMFloatTypeInContext(e->context));
    LLVMTypeRef result = LLVMTypeOf(a), i32 = int_vector(e, 32);
    LLVMBuilderRef b_ = e->builder;
    ir x = is_signed ? LLVMBuildSIToFP(b_, a, f, "") : LLVMBuildUIToFP(b_, a, f, "");
    ir y = is_signed ? LLVMBuildSIToFP(b_, b, f, "") : LLVMBuildUIToFP(b_, b, f, "");
    ir q = LLVMBuildFDiv(b_, x, y, "");
    if (wide)
        return is_signed ? LLVMBuildFPToSI(b_, q, result, "") : LLVMBuildFPToUI(b_, q, result, "");
    return LLVMBuildTrunc(b_, LLVMBuildFPToSI(b_, q, i32, ""), result, "");
}

static ir quotient_toward_zero(emitter *e, wn_type type, ir a, ir b, bool constant) {
    if (!constant && type_bits(type) < 64) return divide_by_float(e, type, a, b);
    if (constant)
        wn_tell(e, "the divisor is known", "divided by a multiplication and shifts");
    else
        wn_tell(e, "no float holds every quotient of 64 bits, and there is no such instruction for vectors",
                "divided one element after the other, after a divisor that would fail is replaced");
    return type_is_signed(type) ? LLVMBuildSDiv(e->builder, a, b, "")
                                : LLVMBuildUDiv(e->builder, a, b, "");
}

/* A divisor of 0 becomes 1 and the result 0; of -1 under the least integer it becomes 1 too, which wraps as it should. */
static ir safe_divisor(emitter *e, wn_type type, const ir *a, ir by_zero) {
    unsigned bits = type_bits(type);
    ir one = wn_ir_int(e, bits, 1), unsafe = by_zero;
    if (type_is_signed(type)) {
        ir least = icmp(e, LLVMIntEQ, a[0], wn_ir_int(e, bits, (uint64_t)1 << (bits - 1)));
        ir minus = icmp(e, LLVMIntEQ, a[1], wn_ir_int(e, bits, UINT64_MAX));
        unsafe = LLVMBuildOr(e->builder, unsafe, LLVMBuildAnd(e->builder, least, minus, ""), "");
    }
    return wn_ir_choose(e, unsafe, one, a[1]);
}

static ir emit_division(emitter *e, op o, wn_type type, const ir *a, bool constant) {
    unsigned bits = type_bits(type);
    LLVMBuilderRef b = e->builder;
    ir zero = wn_ir_int(e, bits, 0), by_zero = icmp(e, LLVMIntEQ, a[1], zero);
    ir divisor = safe_divisor(e, type, a, by_zero);
    ir q = quotient_toward_zero(e, type, a[0], divisor, constant);
    ir r = LLVMBuildSub(b, a[0], LLVMBuildMul(b, q, divisor, ""), "");
    if (type_is_signed(type)) {
        ir differ = icmp(e, LLVMIntSLT, LLVMBuildXor(b, r, divisor, ""), zero);
        ir down = LLVMBuildAnd(b, differ, icmp(e, LLVMIntNE, r, zero), "");
        q = LLVMBuildAdd(b, q, LLVMBuildSExt(b, down, int_vector(e, bits), ""), "");
        r = LLVMBuildAdd(b, r, wn_ir_choose(e, down, divisor, zero), "");
    }
    return wn_ir_choose(e, by_zero, zero, o == OP_floor_divide ? q : r);
}

static ir emit_least(emitter *e, op o, wn_type type, const ir *a) {
    const char *name = o == OP_minimum ? (type_is_signed(type) ? "llvm.smin" : "llvm.umin")
                                       : (type_is_signed(type) ? "llvm.smax" : "llvm.umax");
    return wn_ir_intrinsic(e, name, LLVMTypeOf(a[0]), a, 2);
}

static ir emit_magnitude(emitter *e, wn_type type, ir a) {
    if (!type_is_signed(type)) return a;
    ir negative = icmp(e, LLVMIntSLT, a, wn_ir_int(e, type_bits(type), 0));
    return wn_ir_choose(e, negative, LLVMBuildNeg(e->builder, a, ""), a);
}

static ir emit_integer(emitter *e, op o, wn_type type, const ir *a, bool constant) {
    LLVMBuilderRef b = e->builder;
    switch (o) {
    case OP_bitwise_and:
    case OP_logical_and: return LLVMBuildAnd(b, a[0], a[1], "");
    case OP_bitwise_or:
    case OP_logical_or: return LLVMBuildOr(b, a[0], a[1], "");
    case OP_bitwise_xor:
    case OP_logical_xor: return LLVMBuildXor(b, a[0], a[1], "");
    case OP_invert: return LLVMBuildNot(b, a[0], "");
    case OP_logical_not: return opposite_of(e, a[0]);
    case OP_left_shift:
    case OP_right_shift: return emit_shift(e, o, type, a);
    case OP_add: return LLVMBuildAdd(b, a[0], a[1], "");
    case OP_subtract: return LLVMBuildSub(b, a[0], a[1], "");
    case OP_multiply: return LLVMBuildMul(b, a[0], a[1], "");
    case OP_floor_divide:
    case OP_floor_mod: return emit_division(e, o, type, a, constant);
    case OP_minimum:
    case OP_maximum: return emit_least(e, o, type, a);
    case OP_negative: return LLVMBuildNeg(b, a[0], "");
    case OP_abs: return emit_magnitude(e, type, a[0]);
    default: return NULL;
    }
}

/* ---- Floats ---------------------------------------------------------------------------------------------------------- */

/* Operations on the bits, the same for every float type: `infinity` is the pattern of +inf, all exponent bits set. */
static ir emit_float_bits(emitter *e, op o, wn_type type, ir a) {
    unsigned bits = type_bits(type);
    uint64_t sign = (uint64_t)1 << (bits - 1);
    uint64_t infinity = type == WN_F64                      ? 0x7ffu << 4
                        : type == WN_F32 || type == WN_BF16 ? 0x7f80u
                                                            : 0x7c00u;
    LLVMBuilderRef b = e->builder;
    infinity <<= bits - 16;
    ir x = wn_ir_bitcast(e, a, int_vector(e, bits));
    ir magnitude = LLVMBuildAnd(b, x, wn_ir_int(e, bits, sign - 1), "");
    switch (o) {
    case OP_negative:
        return wn_ir_bitcast(e, LLVMBuildXor(b, x, wn_ir_int(e, bits, sign), ""), LLVMTypeOf(a));
    case OP_abs: return wn_ir_bitcast(e, magnitude, LLVMTypeOf(a));
    case OP_is_nan: return icmp(e, LLVMIntUGT, magnitude, wn_ir_int(e, bits, infinity));
    case OP_is_inf: return icmp(e, LLVMIntEQ, magnitude, wn_ir_int(e, bits, infinity));
    case OP_is_finite: return icmp(e, LLVMIntULT, magnitude, wn_ir_int(e, bits, infinity));
    default: return NULL;
    }
}

static ir emit_no_nan(emitter *e, wn_type type, const ir *a) {
    ir zero = wn_ir_float(e, type, 0);
    ir is_zero = LLVMBuildFCmp(e->builder, LLVMRealOEQ, a[1], zero, "");
    return wn_ir_choose(e, is_zero, zero, LLVMBuildFMul(e->builder, a[0], a[1], ""));
}

/* The mask of 1 where a mask is true and 0 where not; NULL: it is something else. */
static ir mask_of_factor(const emitter *e, wn_type type, ir factor) {
    bool is_one_or_zero = LLVMIsASelectInst(factor) &&
                          LLVMGetOperand(factor, 1) == wn_ir_float(e, type, 1) &&
                          LLVMGetOperand(factor, 2) == wn_ir_float(e, type, 0);
    return is_one_or_zero ? LLVMGetOperand(factor, 0) : NULL;
}

/*
 * x * cast(m): a product with 0 where m is false, x elsewhere: one instruction of AVX-512, whose mask is the opposite of m. From a
 * product with the cast, LLVM makes two.
 */
static ir emit_product(emitter *e, wn_type type, const ir *a) {
    for (unsigned i = 0; i < 2 && e->target.isa == WN_ISA_X86_64_V4; i++) {
        ir mask = mask_of_factor(e, type, a[i]), x = a[1 - i];
        if (!mask) continue;
        wn_tell(e, "that is one masked instruction; of a product with the cast LLVM makes two",
                "a product with 0 under the opposite mask");
        ir zero = LLVMBuildFMul(e->builder, x, wn_ir_float(e, type, 0), "");
        return wn_ir_choose(e, opposite_of(e, mask), zero, x);
    }
    return LLVMBuildFMul(e->builder, a[0], a[1], "");
}

static ir emit_float(emitter *e, op o, wn_type type, const ir *a) {
    LLVMBuilderRef b = e->builder;
    LLVMTypeRef t = LLVMTypeOf(a[0]);
    switch (o) {
    case OP_add: return LLVMBuildFAdd(b, a[0], a[1], "");
    case OP_subtract: return LLVMBuildFSub(b, a[0], a[1], "");
    case OP_multiply: return emit_product(e, type, a);
    case OP_divide: return LLVMBuildFDiv(b, a[0], a[1], "");
    case OP_multiply_no_nan: return emit_no_nan(e, type, a);
    case OP_minimum: return wn_ir_intrinsic(e, "llvm.minimum", t, a, 2);
    case OP_maximum: return wn_ir_intrinsic(e, "llvm.maximum", t, a, 2);
    case OP_sqrt: return wn_ir_intrinsic(e, "llvm.sqrt", t, a, 1);
    case OP_floor: return wn_ir_intrinsic(e, "llvm.floor", t, a, 1);
    case OP_ceil: return wn_ir_intrinsic(e, "llvm.ceil", t, a, 1);
    case OP_rint: return wn_ir_intrinsic(e, "llvm.roundeven", t, a, 1);
    case OP_trunc: return wn_ir_intrinsic(e, "llvm.trunc", t, a, 1);
    default: return NULL;
    }
}

static bool op_is_comparison(op o) {
    return o >= OP_equal && o <= OP_greater_equal;
}

/* The lesser or greater of two 16-bit floats, chosen by comparing them as float: it needs no rounding, and LLVM 19 gets
   llvm.minimum of half wrong. Equal ones differ only as -0 and +0 do, in the sign bit. */
static ir emit_half_least(emitter *e, op o, const ir *a, const ir *wide) {
    LLVMBuilderRef b = e->builder;
    ir first = LLVMBuildFCmp(b, o == OP_minimum ? LLVMRealOLT : LLVMRealOGT, wide[0], wide[1], "");
    ir same = LLVMBuildFCmp(b, LLVMRealOEQ, wide[0], wide[1], "");
    ir is_nan = LLVMBuildFCmp(b, LLVMRealUNO, wide[0], wide[0], "");
    ir zero = o == OP_minimum ? LLVMBuildOr(b, a[0], a[1], "") : LLVMBuildAnd(b, a[0], a[1], "");
    return wn_ir_choose(e, LLVMBuildOr(b, first, is_nan, ""), a[0], wn_ir_choose(e, same, zero, a[1]));
}

static ir emit_half(emitter *e, op o, wn_type type, const ir *a, unsigned arity) {
    ir wide[2] = {NULL, NULL};
    wn_tell(e, "f32 has more than twice the digits, so that rounding twice is the same as once",
            "computed as f32%s",
            op_is_comparison(o) || o == OP_minimum || o == OP_maximum ? "" : ", and rounded");
    for (unsigned i = 0; i < arity; i++)
        wide[i] = wn_emit_widen(e, type, a[i]);
    if (op_is_comparison(o)) return emit_comparison(e, o, WN_F32, wide);
    if (o == OP_minimum || o == OP_maximum) return emit_half_least(e, o, a, wide);
    return wn_emit_narrow(e, type, emit_float(e, o, WN_F32, wide));
}

/* ---------------------------------------------------------------------------------------------------------------------- */

ir wn_emit_op(emitter *e, op o, wn_type type, const ir *a, bool constant_divisor) {
    if (o == OP_where) return wn_ir_choose(e, a[0], a[1], a[2]);
    if (type_is_float(type)) {
        if (op_reads_bits(o)) return emit_float_bits(e, o, type, a[0]);
        if (type_is_half(type)) return emit_half(e, o, type, a, wn_op_row(o)->arity);
    }
    if (op_is_comparison(o)) return emit_comparison(e, o, type, a);
    return type_is_float(type) ? emit_float(e, o, type, a)
                               : emit_integer(e, o, type, a, constant_divisor);
}
