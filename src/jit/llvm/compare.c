/*
 * compare.c - comparisons of floats on AVX2, turned so that what comes from memory is the operand that an instruction may take from there.
 *
 * That is the second one, and LLVM writes `load < c` with a load of its own, since it looks for c > load among the comparisons that SSE has. AVX
 * has all; by name it can be had. That takes a tenth off the time of count(x < 0) on a Zen 4; packing and maps gain nothing by it.
 */
#include "jit/llvm/emit.h"

/* c > x and the like for x < c, which raise no exception for a NaN: their numbers in the instruction; 0: there is no need. */
static unsigned turned(LLVMRealPredicate predicate) {
    switch ((int)predicate) {
    case LLVMRealOLT: return 30; /* _CMP_GT_OQ  */
    case LLVMRealOLE: return 29; /* _CMP_GE_OQ  */
    case LLVMRealUGT: return 25; /* _CMP_NGE_UQ, of a negation */
    case LLVMRealUGE: return 26; /* _CMP_NGT_UQ */
    default: return 0;
    }
}

static bool is_used_once(ir value) {
    LLVMUseRef use = LLVMGetFirstUse(value);
    return use && !LLVMGetNextUse(use);
}

/* Not of f64, whose truths it would make from the bits anew. */
static bool is_register_of_floats(LLVMTypeRef type) {
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind && LLVMGetVectorSize(type) == 8 &&
           LLVMGetTypeKind(LLVMGetElementType(type)) == LLVMFloatTypeKind;
}

static void turn(emitter *e, ir compared) {
    ir x = LLVMGetOperand(compared, 0), c = LLVMGetOperand(compared, 1);
    unsigned how = turned(LLVMGetFCmpPredicate(compared));
    if (!how || !is_register_of_floats(LLVMTypeOf(x))) return;
    if (!LLVMIsALoadInst(x) || !is_used_once(x) || LLVMIsALoadInst(c)) return;
    LLVMPositionBuilderBefore(e->builder, compared);
    const ir args[] = {c, x, LLVMConstInt(int_type(e, 8), how, false)};
    ir bits = wn_ir_intrinsic(e, "llvm.x86.avx.cmp.ps.256", NULL, args, 3);
    bits = LLVMBuildBitCast(e->builder, bits, LLVMVectorType(int_type(e, 32), 8), "");
    ir truths = LLVMBuildTrunc(e->builder, bits, LLVMTypeOf(compared), "");
    LLVMReplaceAllUsesWith(compared, truths);
    LLVMInstructionEraseFromParent(compared);
}

void wn_turn_comparisons(emitter *e) {
    if (e->target.isa != WN_ISA_X86_64_V3) return;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(e->function); b; b = LLVMGetNextBasicBlock(b))
        for (ir i = LLVMGetFirstInstruction(b), next; i; i = next) {
            next = LLVMGetNextInstruction(i);
            if (!LLVMIsAFCmpInst(i)) continue;
            if (LLVMGetFirstUse(i))
                turn(e, i);
            else /* negated, it was made anew, and would use its load once more */
                LLVMInstructionEraseFromParent(i);
        }
}
