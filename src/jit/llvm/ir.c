/*
 * ir.c - small pieces of IR: types, constants, intrinsics.
 */
#include "jit/llvm/emit.h"

#include <string.h>

LLVMTypeRef wn_ir_element(const emitter *e, wn_type type) {
    if (type == WN_BOOL) return int_type(e, 1);
    if (type == WN_F32) return LLVMFloatTypeInContext(e->context);
    if (type == WN_F64) return LLVMDoubleTypeInContext(e->context);
    return int_type(e, type_bits(type));
}

LLVMTypeRef wn_ir_storage(const emitter *e, wn_type type) {
    return type == WN_BOOL ? int_type(e, 8) : wn_ir_element(e, type);
}

ir wn_ir_splat(const emitter *e, ir constant) {
    ir lanes[256];
    for (unsigned i = 0; i < e->lanes; i++)
        lanes[i] = constant;
    return LLVMConstVector(lanes, e->lanes);
}

ir wn_ir_int(const emitter *e, unsigned bits, uint64_t value) {
    return wn_ir_splat(e, LLVMConstInt(int_type(e, bits),
                                       bits < 64 ? value & (((uint64_t)1 << bits) - 1) : value, false));
}

ir wn_ir_float(const emitter *e, wn_type type, double value) {
    return wn_ir_splat(e, LLVMConstReal(wn_ir_element(e, type), value));
}

ir wn_ir_i64(const emitter *e, int64_t value) {
    return LLVMConstInt(int_type(e, 64), (uint64_t)value, true);
}

ir wn_ir_intrinsic(const emitter *e, const char *name, LLVMTypeRef type, const ir *args, unsigned count) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    size_t types = type ? 1 : 0;
    ir function = LLVMGetIntrinsicDeclaration(e->module, id, &type, types);
    return LLVMBuildCall2(e->builder, LLVMIntrinsicGetType(e->context, id, &type, types), function,
                          (ir *)args, count, "");
}
