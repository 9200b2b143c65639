/*
 * emit.h - what the emitters share: one module, one function at a time, vectors of `lanes` elements.
 *
 * How a value of a program looks in IR: bool is <lanes x i1>, an integer <lanes x iN>, f32 and f64 <lanes x float|double>; f16 and
 * bf16 stay <lanes x i16> as they are stored, and are widened to float by the operation that needs it. Values that do not vary
 * are computed once, with lanes = 1, and spread.
 */
#ifndef WN_EMIT_H
#define WN_EMIT_H

#include "graph/patterns.h"
#include "jit/provider.h"

#include <llvm-c/Core.h>
#include <llvm-c/Types.h>

typedef LLVMValueRef ir;

typedef struct emitter {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    const wn_graph *graph;
    wn_target target;

    ir function;
    unsigned lanes;      /* of the values being emitted                      */
    bool counts_by_avx2; /* the plan is for AVX-512 (wn_choose_level), not the code */

    const provider_debug *debug; /* NULL: no debug information, and none of the following */
    LLVMDIBuilderRef describing;
    LLVMMetadataRef scope;    /* of the function */
    wn_spot packing, storing; /* where what is packed, and its store, come from */
    unsigned elements;        /* that an iteration of the function's innermost loop computes */
    provider_result *result;  /* whose choices are told */
    provider_choice about;    /* what is being emitted: its stage, function and node */
} emitter;

/* ---- Types ---------------------------------------------------------------------------------------------------------- */

/* Bits of an element in memory. */
static inline unsigned type_bits(wn_type type) {
    return 8 * (unsigned)wn_type_size(type);
}
static inline unsigned register_bits(const emitter *e) {
    return e->target.isa == WN_ISA_X86_64_V4 ? 512 : e->target.isa == WN_ISA_X86_64_V3 ? 256 : 128;
}
static inline LLVMTypeRef int_type(const emitter *e, unsigned bits) {
    return LLVMIntTypeInContext(e->context, bits);
}
static inline LLVMTypeRef vector_of(const emitter *e, LLVMTypeRef element) {
    return LLVMVectorType(element, e->lanes);
}
static inline LLVMTypeRef int_vector(const emitter *e, unsigned bits) {
    return vector_of(e, int_type(e, bits));
}
LLVMTypeRef wn_ir_element(const emitter *e, wn_type type); /* of a value: bool is i1  */
LLVMTypeRef wn_ir_storage(const emitter *e, wn_type type); /* in memory: bool is i8   */

/* ---- Small pieces (ir.c) --------------------------------------------------------------------------------------------------- */

/* Every lane of an integer vector, or of a float vector, the same constant. */
ir wn_ir_int(const emitter *e, unsigned bits, uint64_t value);
ir wn_ir_float(const emitter *e, wn_type type, double value); /* F32 or F64 */
ir wn_ir_splat(const emitter *e, ir constant); /* constant element to constant vector */
ir wn_ir_i64(const emitter *e, int64_t value); /* scalar */
/* Call an intrinsic, overloaded on `type` unless that is NULL. */
ir wn_ir_intrinsic(const emitter *e, const char *name, LLVMTypeRef type, const ir *args, unsigned count);
static inline ir wn_ir_choose(const emitter *e, ir condition, ir x, ir y) {
    return LLVMBuildSelect(e->builder, condition, x, y, "");
}
static inline ir wn_ir_bitcast(const emitter *e, ir value, LLVMTypeRef type) {
    return LLVMBuildBitCast(e->builder, value, type, "");
}

/* ---- The emitters --------------------------------------------------------------------------------------------------- */

/* An elementwise operation on values of `type` (for where: of the choices). emit_op.c */
ir wn_emit_op(emitter *e, op o, wn_type type, const ir *args, bool constant_divisor);
/* Whether an f16 or bf16 has a pattern of a range. emit_op.c */
ir wn_emit_in_range(emitter *e, ir value, const pattern_range *range);
/* The last step of a function that loads floats only to compare them. compare.c */
void wn_turn_comparisons(emitter *e);
/* A cast. emit_cast.c */
ir wn_emit_cast(emitter *e, wn_type from, wn_type to, ir value);
/* f16 or bf16 to float and back: rounded once, to nearest even. emit_cast.c */
ir wn_emit_widen(emitter *e, wn_type from, ir value);
ir wn_emit_narrow(emitter *e, wn_type to, ir value);

/* The mask of `lanes` lanes, as a vector of i1 or as an integer of `lanes` bits: one is given, the other NULL. */
typedef struct pack_mask {
    ir vector, bits;
} pack_mask;
/* How many elements of `bits` bits this target packs, or expands, at once. pack.c */
unsigned wn_pack_lanes(const emitter *e, unsigned bits);
/* Store the selected lanes of `value` (as in memory) together, at base + position elements; the position after them. A store
   may run past it, but not past position + lanes. */
ir wn_emit_pack(emitter *e, ir value, unsigned bits, const pack_mask *mask, ir base, ir position);
/* The inverse: where the mask is true, the elements at base + position one after the other, else those of `fill`, stored at `to`; the
   position after those that were taken. A load may run past it, but not past position + lanes. */
ir wn_emit_expand(emitter *e, ir fill, wn_type type, const pack_mask *mask, ir base, ir position, ir to);

/* For a plan that only counts, on a processor that takes 512 bits in halves, AVX2 instead of AVX-512: it compares into lanes twice as fast as into
   registers for masks. On a Zen 4 count(x < 0) of 4 Ki takes 94 ns so, and 120. emit.c */
void wn_choose_level(emitter *e, const wn_plan *plan);
/* The functions of a plan into e->module, and with debug information their elements into the result; false when memory runs out. emit.c */
bool wn_emit_plan(emitter *e, const wn_plan *plan, provider_functions parts, provider_result *result);
/* Give a function the attributes of the target. llvm.c */
void wn_set_target_attributes(const emitter *e, ir function);
const char *wn_cpu_name(const wn_target *t);
const char *wn_cpu_features(const wn_target *t);

/* ---- Debug information (debug.c): nothing is done where e->debug is NULL ------------------------------------------------------ */

void wn_debug_begin(emitter *e);
void wn_debug_end(emitter *e);
/* What is emitted from here on comes from this place of the listing; from none, it goes with what came before. e->debug is not NULL. */
void wn_locate(const emitter *e, wn_spot place);
/* What was chosen for what is being emitted, and why: for the ledger. */
void wn_tell(emitter *e, const char *why, const char *what, ...) __attribute__((format(printf, 3, 4)));
/* A module's text without debug information, and for each of its lines what that said. Of malloc; false: out of memory. */
bool wn_debug_text(LLVMModuleRef module, char **text, wn_spot **lines);

wn_status wn_disassemble(const wn_target *target, const void *code, size_t size,
                         provider_listing *listing, wn_error *error);
void wn_release_listing(provider_listing *listing);

#endif
