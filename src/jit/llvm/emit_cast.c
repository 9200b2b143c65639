/*
 * emit_cast.c - every cast among the 13 types.
 *
 * Casts to and from f16 and bf16 are integer sequences, or F16C's instruction where it is exact: what LLVM would do by itself is
 * to call a library that the object does not have. One rounding only: f64 and 64-bit integers reach a 16-bit float by way of a
 * float that was rounded to odd, which keeps what the last rounding needs to know.
 */
#include "jit/llvm/emit.h"

static LLVMTypeRef f32_vector(const emitter *e) {
    return vector_of(e, LLVMFloatTypeInContext(e->context));
}

static bool has_f16c(const emitter *e) {
    return e->target.isa == WN_ISA_X86_64_V3 || e->target.isa == WN_ISA_X86_64_V4;
}

static ir shift_left(emitter *e, ir a, unsigned bits, unsigned by) {
    return LLVMBuildShl(e->builder, a, wn_ir_int(e, bits, by), "");
}
static ir shift_right(emitter *e, ir a, unsigned bits, unsigned by) {
    return LLVMBuildLShr(e->builder, a, wn_ir_int(e, bits, by), "");
}
static ir and_mask(emitter *e, ir a, unsigned bits, uint64_t mask) {
    return LLVMBuildAnd(e->builder, a, wn_ir_int(e, bits, mask), "");
}
static ir above(emitter *e, ir a, unsigned bits, uint64_t limit) {
    return LLVMBuildICmp(e->builder, LLVMIntUGT, a, wn_ir_int(e, bits, limit), "");
}

/* ---- 16-bit floats to f32 -------------------------------------------------------------------------------------------- */

/* Move exponent and digits into an f32's place and multiply by 2^112, which makes up for the difference in bias and normalises
   subnormals; an exponent of all ones is set again. */
static ir widen_f16_by_integers(emitter *e, ir h) {
    LLVMBuilderRef b = e->builder;
    LLVMTypeRef i32 = int_vector(e, 32);
    ir x = LLVMBuildZExt(b, h, i32, "");
    ir sign = shift_left(e, and_mask(e, x, 32, 0x8000), 32, 16), magnitude = and_mask(e, x, 32, 0x7fff);
    ir moved = wn_ir_bitcast(e, shift_left(e, magnitude, 32, 13), f32_vector(e));
    ir scaled = LLVMBuildFMul(b, moved, wn_ir_float(e, WN_F32, 0x1p112), "");
    ir special = wn_ir_choose(e, above(e, magnitude, 32, 0x7bff), wn_ir_int(e, 32, 0x7f800000),
                              wn_ir_int(e, 32, 0));
    ir bits = LLVMBuildOr(b, wn_ir_bitcast(e, scaled, i32), LLVMBuildOr(b, special, sign, ""), "");
    return wn_ir_bitcast(e, bits, f32_vector(e));
}

ir wn_emit_widen(emitter *e, wn_type from, ir value) {
    if (from == WN_BF16)
        return wn_ir_bitcast(
            e, shift_left(e, LLVMBuildZExt(e->builder, value, int_vector(e, 32), ""), 32, 16),
            f32_vector(e));
    if (!has_f16c(e)) return widen_f16_by_integers(e, value);
    ir half = wn_ir_bitcast(e, value, vector_of(e, LLVMHalfTypeInContext(e->context)));
    return LLVMBuildFPExt(e->builder, half, f32_vector(e), "");
}

/* ---- f32 to 16-bit floats -------------------------------------------------------------------------------------------- */

/* A normal result: subtract the bias, add a half of the last place (less one where the digit is even), cut. A subnormal one: add
   0.5, so that the adder rounds at the right place. */
static ir narrow_f16_by_integers(emitter *e, ir value) {
    LLVMBuilderRef b = e->builder;
    LLVMTypeRef i32 = int_vector(e, 32);
    ir x = wn_ir_bitcast(e, value, i32), magnitude = and_mask(e, x, 32, 0x7fffffff);
    ir sign = shift_right(e, and_mask(e, x, 32, 0x80000000), 32, 16);
    ir odd = and_mask(e, shift_right(e, magnitude, 32, 13), 32, 1);
    ir rounded = LLVMBuildAdd(b, LLVMBuildAdd(b, magnitude, wn_ir_int(e, 32, 0xc8000fff), ""), odd, "");
    ir normal = shift_right(e, rounded, 32, 13);
    ir small =
        LLVMBuildFAdd(b, wn_ir_bitcast(e, magnitude, f32_vector(e)), wn_ir_float(e, WN_F32, 0.5), "");
    ir subnormal = LLVMBuildSub(b, wn_ir_bitcast(e, small, i32), wn_ir_int(e, 32, 0x3f000000), "");
    ir result = wn_ir_choose(e, above(e, magnitude, 32, 0x387fffff), normal, subnormal);
    result = wn_ir_choose(e, above(e, magnitude, 32, 0x477fefff), wn_ir_int(e, 32, 0x7c00), result);
    result = wn_ir_choose(e, above(e, magnitude, 32, 0x7f800000), wn_ir_int(e, 32, 0x7e00), result);
    return LLVMBuildTrunc(b, LLVMBuildOr(b, result, sign, ""), int_vector(e, 16), "");
}

static ir narrow_bf16(emitter *e, ir value) {
    LLVMBuilderRef b = e->builder;
    ir x = wn_ir_bitcast(e, value, int_vector(e, 32));
    ir high = shift_right(e, x, 32, 16), odd = and_mask(e, high, 32, 1);
    ir rounded = LLVMBuildAdd(b, LLVMBuildAdd(b, x, wn_ir_int(e, 32, 0x7fff), ""), odd, "");
    ir quiet = LLVMBuildOr(b, high, wn_ir_int(e, 32, 0x40), "");
    ir is_nan = above(e, and_mask(e, x, 32, 0x7fffffff), 32, 0x7f800000);
    ir result = wn_ir_choose(e, is_nan, quiet, shift_right(e, rounded, 32, 16));
    return LLVMBuildTrunc(b, result, int_vector(e, 16), "");
}

ir wn_emit_narrow(emitter *e, wn_type to, ir value) {
    if (to == WN_BF16) return narrow_bf16(e, value);
    if (!has_f16c(e)) return narrow_f16_by_integers(e, value);
    ir half = LLVMBuildFPTrunc(e->builder, value, vector_of(e, LLVMHalfTypeInContext(e->context)), "");
    return wn_ir_bitcast(e, half, int_vector(e, 16));
}

/* ---- f64 and wide integers to 16-bit floats ---------------------------------------------------------------------------- */

/* f64 to f32, rounded to odd: towards zero, then the last bit set if anything was lost. */
static ir round_to_odd(emitter *e, ir value) {
    LLVMBuilderRef b = e->builder;
    LLVMTypeRef f64 = LLVMTypeOf(value), i32 = int_vector(e, 32), i64 = int_vector(e, 64);
    ir near = LLVMBuildFPTrunc(b, value, f32_vector(e), "");
    ir back = LLVMBuildFPExt(b, near, f64, "");
    ir inexact = LLVMBuildFCmp(b, LLVMRealONE, back, value, "");
    ir back_bits = and_mask(e, wn_ir_bitcast(e, back, i64), 64, INT64_MAX);
    ir value_bits = and_mask(e, wn_ir_bitcast(e, value, i64), 64, INT64_MAX);
    ir too_far = LLVMBuildAnd(b, inexact, LLVMBuildICmp(b, LLVMIntUGT, back_bits, value_bits, ""), "");
    ir bits = LLVMBuildAdd(b, wn_ir_bitcast(e, near, i32), LLVMBuildSExt(b, too_far, i32, ""), "");
    bits = LLVMBuildOr(b, bits, LLVMBuildZExt(b, inexact, i32, ""), "");
    return wn_ir_bitcast(e, bits, f32_vector(e));
}

/* An integer of 64 bits as an f64 that rounds to a 16-bit float as the integer does: from 2^53 up the lowest 11 bits are
   gathered in the one above them. */
static ir gather_low_bits(emitter *e, ir value) {
    LLVMBuilderRef b = e->builder;
    ir low = and_mask(e, value, 64, 0x7ff), high = and_mask(e, value, 64, ~(uint64_t)0x7ff);
    ir lost = LLVMBuildICmp(b, LLVMIntNE, low, wn_ir_int(e, 64, 0), "");
    ir gathered =
        LLVMBuildOr(b, high, wn_ir_choose(e, lost, wn_ir_int(e, 64, 0x800), wn_ir_int(e, 64, 0)), "");
    /* |value| < 2^53, in one unsigned comparison; a u64 that wraps around to it, from 2^64 - 2^53 on, rounds to 2^64 either way */
    ir shifted = LLVMBuildAdd(b, value, wn_ir_int(e, 64, (uint64_t)1 << 53), "");
    return wn_ir_choose(e, above(e, shifted, 64, (uint64_t)1 << 54), gathered, value);
}

static ir integer_to_float(emitter *e, wn_type from, ir value, LLVMTypeRef to) {
    return type_is_signed(from) ? LLVMBuildSIToFP(e->builder, value, to, "")
                                : LLVMBuildUIToFP(e->builder, value, to, "");
}

static ir cast_to_half(emitter *e, wn_type from, wn_type to, ir value) {
    LLVMTypeRef f64 = vector_of(e, LLVMDoubleTypeInContext(e->context));
    if (from == WN_F64 || (type_bits(from) > 16 && type_is_integer(from)))
        wn_tell(e, "rounded to odd first, the last rounding knows what was lost",
                "rounded to %s in two steps", wn_type_name(to));
    if (from == WN_F64) return wn_emit_narrow(e, to, round_to_odd(e, value));
    if (from == WN_F32) return wn_emit_narrow(e, to, value);
    if (type_is_half(from)) return wn_emit_narrow(e, to, wn_emit_widen(e, from, value));
    if (type_bits(from) <= 16)
        return wn_emit_narrow(e, to, integer_to_float(e, from, value, f32_vector(e)));
    if (type_bits(from) == 64) value = gather_low_bits(e, value);
    return wn_emit_narrow(e, to, round_to_odd(e, integer_to_float(e, from, value, f64)));
}

/* ---- The rest ---------------------------------------------------------------------------------------------------------- */

static ir cast_bool(emitter *e, wn_type to, ir value) {
    LLVMTypeRef type = vector_of(e, wn_ir_element(e, to));
    if (type_is_half(to)) {
        uint64_t one = to == WN_F16 ? 0x3c00 : 0x3f80;
        return wn_ir_choose(e, value, wn_ir_int(e, 16, one), wn_ir_int(e, 16, 0));
    }
    if (type_is_float(to))
        return wn_ir_choose(e, value, wn_ir_float(e, to, 1), wn_ir_float(e, to, 0));
    return LLVMBuildZExt(e->builder, value, type, "");
}

/* != 0: true for NaN, false for -0. (16-bit floats are compared by their bits, as is done before this is called.) */
static ir cast_to_bool(emitter *e, wn_type from, ir value) {
    if (type_is_float(from))
        return LLVMBuildFCmp(e->builder, LLVMRealUNE, value, wn_ir_float(e, from, 0), "");
    return LLVMBuildICmp(e->builder, LLVMIntNE, value, wn_ir_int(e, type_bits(from), 0), "");
}

static double power_of_two(unsigned n) {
    double p = 1;
    while (n--)
        p *= 2;
    return p;
}

/* Truncated and saturated, NaN to 0. What does not fit becomes 0 before the conversion, which is undefined outside, and the limit after
   it. (llvm.fptosi.sat says the same, and becomes a branch a lane.) Narrow integers are converted as i32 and cut. */
static ir cast_float_to_integer(emitter *e, wn_type from, wn_type to, ir value) {
    LLVMBuilderRef b = e->builder;
    wn_tell(e, "LLVM leaves open what a conversion that does not fit gives, and its own saturating one is a branch an element",
            "what does not fit is set to 0 before it is converted, and to the limit after it");
    if (type_is_half(from)) {
        value = wn_emit_widen(e, from, value);
        from = WN_F32;
    }
    bool is_signed = type_is_signed(to);
    unsigned bits = type_bits(to), wide = bits < 32 ? 32 : bits, digits = is_signed ? bits - 1 : bits;
    ir zero = wn_ir_float(e, from, 0), limit = wn_ir_float(e, from, power_of_two(digits));
    ir least = is_signed ? wn_ir_float(e, from, -power_of_two(bits - 1)) : zero;
    ir inside = wn_ir_choose(e, LLVMBuildFCmp(b, LLVMRealOLT, value, limit, ""), value, zero);
    inside = wn_ir_choose(e, LLVMBuildFCmp(b, LLVMRealOGE, inside, least, ""), inside, zero);
    bool as_signed = is_signed || bits < 32;
    ir result = as_signed ? LLVMBuildFPToSI(b, inside, int_vector(e, wide), "")
                          : LLVMBuildFPToUI(b, inside, int_vector(e, wide), "");
    if (wide != bits) result = LLVMBuildTrunc(b, result, int_vector(e, bits), "");
    uint64_t most = 2 * ((uint64_t)power_of_two(digits - 1) - 1) + 1; /* 2^digits - 1 */
    result = wn_ir_choose(e, LLVMBuildFCmp(b, LLVMRealOGE, value, limit, ""),
                          wn_ir_int(e, bits, most), result);
    if (!is_signed) return result;
    return wn_ir_choose(e, LLVMBuildFCmp(b, LLVMRealOLT, value, least, ""),
                        wn_ir_int(e, bits, most + 1), result);
}

static ir cast_integer(emitter *e, wn_type from, wn_type to, ir value) {
    LLVMTypeRef type = int_vector(e, type_bits(to));
    if (type_bits(to) < type_bits(from)) return LLVMBuildTrunc(e->builder, value, type, "");
    if (type_bits(to) == type_bits(from)) return value;
    return type_is_signed(from) ? LLVMBuildSExt(e->builder, value, type, "")
                                : LLVMBuildZExt(e->builder, value, type, "");
}

static ir cast_float(emitter *e, wn_type from, wn_type to, ir value) {
    if (type_is_half(from)) {
        value = wn_emit_widen(e, from, value);
        from = WN_F32;
    }
    if (from == to) return value;
    LLVMTypeRef type = vector_of(e, wn_ir_element(e, to));
    return to == WN_F64 ? LLVMBuildFPExt(e->builder, value, type, "")
                        : LLVMBuildFPTrunc(e->builder, value, type, "");
}

ir wn_emit_cast(emitter *e, wn_type from, wn_type to, ir value) {
    if (from == to) return value;
    if (from == WN_BOOL) return cast_bool(e, to, value);
    if (to == WN_BOOL) return cast_to_bool(e, from, value);
    if (type_is_half(to)) return cast_to_half(e, from, to, value);
    if (type_is_float(from))
        return type_is_float(to) ? cast_float(e, from, to, value)
                                 : cast_float_to_integer(e, from, to, value);
    if (type_is_float(to))
        return integer_to_float(e, from, value, vector_of(e, wn_ir_element(e, to)));
    return cast_integer(e, from, to, value);
}
