/*
 * body.c - what every function of a plan is made of: parameters, values, loops.
 *
 * A function loads its pointers, computes what does not vary, and loops; no calls, no tails but of reduce, no branches but the loop's own and, where the driver asks for it, those of words that are all
 * alike.
 * Within a step every stream is loaded once, at its first use, and all loads of a vector come before its stores.
 */
#include "jit/llvm/body.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- One function ------------------------------------------------------------------------------------------------------ */

ir wn_cursor_field(const body *b, unsigned field) {
    ir index = wn_ir_i64(b->e, field);
    return LLVMBuildInBoundsGEP2(b->e->builder, int_type(b->e, 64), b->cursor, &index, 1, "");
}

static ir load_pointer(const body *b, ir table, uint32_t number, const char *name) {
    LLVMTypeRef pointer = LLVMPointerTypeInContext(b->e->context, 0);
    ir index = wn_ir_i64(b->e, number);
    ir at = LLVMBuildInBoundsGEP2(b->e->builder, pointer, table, &index, 1, "");
    return LLVMBuildLoad2(b->e->builder, pointer, at, name);
}

static const char *stream_name(const body *b, const plan_stream *s) {
    return s->source == SOURCE_TEMP ? "temporary"
                                    : wn_graph_name(b->e->graph, NAME_INPUT, (int32_t)s->number);
}

/* ---- Values ------------------------------------------------------------------------------------------------------------- */

static ir constant_value(const emitter *e, wn_type type, uint64_t bits) {
    if (type == WN_BOOL) return wn_ir_int(e, 1, bits ? 1 : 0);
    ir integer = LLVMConstInt(int_type(e, type_bits(type)), bits, false);
    bool is_float = type == WN_F32 || type == WN_F64;
    return wn_ir_splat(e, is_float ? LLVMConstBitCast(integer, wn_ir_element(e, type)) : integer);
}

unsigned wn_widest_bits(const plan_program *p) {
    unsigned widest = 8;
    for (uint32_t i = 0; i < p->value_count; i++) {
        unsigned bits = type_bits((wn_type)p->values[i].type);
        if (bits > widest) widest = bits;
    }
    return widest;
}

/*
 * The bits of an integer as lanes. AVX-512 has registers for them. Elsewhere each lane gets a copy and looks for its own bit: the copy is
 * of all bits where they fit a lane of what is computed with, and lanes four registers, so that no lane has to be widened later; else
 * of the lane's byte.
 */
static ir lanes_of_bits(const body *b, ir bits) {
    emitter *e = b->e;
    if (e->target.isa == WN_ISA_X86_64_V4) {
        wn_tell(e, "AVX-512 has registers for masks", "a bitmap's bits are moved into a mask register");
        return wn_ir_bitcast(e, bits, int_vector(e, 1));
    }
    unsigned width = wn_widest_bits(b->program), most = e->target.isa == WN_ISA_X86_64_V3 ? 1024 : 512;
    if (width < e->lanes || width * e->lanes > most) width = 8;
    wn_tell(e,
            width == 8 ? "a mask is a vector here, and as narrow as bytes until it meets wider ones"
                       : "a mask is a vector here, of lanes as wide as those that it meets",
            "a bitmap's bits are copied to every lane, of %u bits, which tests its own", width);
    LLVMTypeRef copied = LLVMVectorType(int_type(e, width), width == 8 ? e->lanes / 8 : 1);
    if (width > e->lanes) bits = LLVMBuildZExt(e->builder, bits, int_type(e, width), "");
    ir from[KERNEL_WORD], bit[KERNEL_WORD];
    for (unsigned i = 0; i < e->lanes; i++) {
        from[i] = LLVMConstInt(int_type(e, 32), width == 8 ? i / 8 : 0, false);
        bit[i] = LLVMConstInt(int_type(e, width), (uint64_t)1 << i % width, false);
    }
    ir spread = LLVMBuildShuffleVector(e->builder, wn_ir_bitcast(e, bits, copied),
                                       LLVMGetUndef(copied), LLVMConstVector(from, e->lanes), "");
    ir mask = LLVMConstVector(bit, e->lanes);
    return LLVMBuildICmp(e->builder, LLVMIntEQ, LLVMBuildAnd(e->builder, spread, mask, ""), mask, "");
}

static ir load_at(const body *b, LLVMTypeRef type, ir base, ir byte, const char *name) {
    ir at = byte ? LLVMBuildInBoundsGEP2(b->e->builder, int_type(b->e, 8), base, &byte, 1, "") : base;
    ir value = LLVMBuildLoad2(b->e->builder, type, at, name);
    LLVMSetAlignment(value, 1);
    return value;
}

/* Bits that are loaded at once: a word, but where there may be less, or a step is not a word, as many as lanes. */
static unsigned bits_at_once(const body *b) {
    bool is_map = b->function == KERNEL_MAP || b->stage->kind == STAGE_MAP;
    return is_map || b->function == KERNEL_COUNT ? b->e->lanes : KERNEL_WORD;
}

/* An integer of bits that begin at any bit: of the bytes there, with what the next byte has shifted in. If nothing is shifted, that
   is their own last byte, since the next one may not be there, times 0. The product is a shift: where both sides are, LLVM makes
   them a funnel shift, which takes some processors several cycles. */
ir wn_load_bits(const body *b, uint32_t stream, ir index) {
    emitter *e = b->e;
    unsigned width = bits_at_once(b);
    LLVMTypeRef word = int_type(e, width);
    uint32_t count = b->program->stream_count;
    ir base = b->streams[stream], first = LLVMBuildLShr(e->builder, index, wn_ir_i64(e, 3), "");
    ir last = add(b, first, b->bits[count + stream], "");
    ir low = load_at(b, word, base, first, stream_name(b, &b->program->streams[stream]));
    ir high = load_at(b, int_type(e, 8), base, last, "");
    if (width > 8) high = LLVMBuildZExt(e->builder, high, word, "");
    high = LLVMBuildMul(e->builder, high, b->bits[2 * count + stream], "");
    return LLVMBuildOr(e->builder, LLVMBuildLShr(e->builder, low, b->bits[stream], ""), high, "bits");
}

ir wn_stream_bits(body *b, uint32_t stream, ir index) {
    emitter *e = b->e;
    if (bits_at_once(b) == e->lanes) return wn_load_bits(b, stream, index);
    if (!b->words[stream]) b->words[stream] = wn_load_bits(b, stream, b->word);
    ir lane = LLVMBuildSub(e->builder, index, b->word, "");
    ir bits = LLVMBuildLShr(e->builder, b->words[stream], lane, "");
    return LLVMBuildTrunc(e->builder, bits, int_type(e, e->lanes), "");
}

void wn_begin_word(body *b, ir index) {
    b->word = index;
    memset(b->words, 0, sizeof *b->words * b->program->stream_count);
}

static ir load_bit(body *b, uint32_t stream) {
    emitter *e = b->e;
    ir byte = load_at(b, int_type(e, 8), b->streams[stream], NULL,
                      stream_name(b, &b->program->streams[stream]));
    byte = LLVMBuildZExt(e->builder, byte, LLVMTypeOf(b->bits[stream]), "");
    ir bit = LLVMBuildLShr(e->builder, byte, b->bits[stream], "");
    bit = LLVMBuildTrunc(e->builder, bit, int_type(e, 1), "");
    return wn_ir_bitcast(e, bit, int_vector(e, 1));
}

void wn_emit_prefetch(const body *b, ir at, uint64_t distance, uint64_t bytes, bool write) {
    emitter *e = b->e;
    LLVMTypeRef i32 = int_type(e, 32);
    ir one = LLVMConstInt(i32, 1, false), zero = LLVMConstInt(i32, 0, false);
    for (uint64_t line = 0; line < bytes; line += KERNEL_LINE) {
        ir ahead = wn_ir_i64(e, (int64_t)(distance + line)),
           level = LLVMConstInt(i32, write ? 3 : 2, false);
        ir args[] = {LLVMBuildGEP2(e->builder, int_type(e, 8), at, &ahead, 1, ""),
                     write ? one : zero, level, one};
        wn_ir_intrinsic(e, "llvm.prefetch", LLVMPointerTypeInContext(e->context, 0), args, 4);
    }
}

static ir stream_pointer(const body *b, uint32_t stream, ir index) {
    if (b->moved && is_moved(b, stream)) index = LLVMBuildSub(b->e->builder, index, b->moved, "");
    return element_pointer(b, b->program->streams[stream].type, b->streams[stream], index);
}

static ir load_stream(body *b, const plan_stream *s, ir index) {
    emitter *e = b->e;
    uint32_t number = (uint32_t)(s - b->program->streams);
    if (s->bits && s->scalar) return load_bit(b, number);
    if (s->bits) return lanes_of_bits(b, wn_stream_bits(b, number, index));
    LLVMTypeRef type = vector_of(e, wn_ir_storage(e, s->type));
    ir at = b->streams[number];
    if (!s->scalar) at = stream_pointer(b, number, index);
    ir value = LLVMBuildLoad2(e->builder, type, at, stream_name(b, s));
    LLVMSetAlignment(value, 1);
    if (s->type != WN_BOOL) return value;
    return LLVMBuildICmp(e->builder, LLVMIntNE, value, wn_ir_int(e, 8, 0), "");
}

/* The row-major index of each lane. */
static ir index_value(body *b, ir index) {
    emitter *e = b->e;
    ir lanes[256];
    for (unsigned i = 0; i < e->lanes; i++)
        lanes[i] = wn_ir_i64(e, i);
    ir first = add(b, b->base, index, "");
    ir spread = LLVMBuildInsertElement(e->builder, LLVMGetUndef(int_vector(e, 64)), first,
                                       LLVMConstInt(int_type(e, 32), 0, false), "");
    spread = LLVMBuildShuffleVector(e->builder, spread, LLVMGetUndef(LLVMTypeOf(spread)),
                                    LLVMConstNull(int_vector(e, 32)), "");
    return add(b, spread, LLVMConstVector(lanes, e->lanes), "index");
}

static wn_type operand_type(const body *b, const plan_value *v) {
    return (wn_type)b->program->values[v->op == OP_where ? v->args[1] : v->args[0]].type;
}

static ir operation_value(body *b, const plan_value *v, const ir *args) {
    emitter *e = b->e;
    pattern_range range;
    wn_type type = operand_type(b, v);
    if (wn_find_patterns(e->graph, graph_node(e->graph, v->node), &range))
        return wn_emit_in_range(e, args[range.operand], &range);
    if (v->op == OP_cast) return wn_emit_cast(e, type, (wn_type)v->type, args[0]);
    bool constant_divisor = value_arity(v) == 2 && b->program->values[v->args[1]].kind == VALUE_CONSTANT;
    return wn_emit_op(e, (op)v->op, type, args, constant_divisor);
}

static void name_value(ir value, const plan_value *v) {
    const char *name = v->kind == VALUE_OPERATION ? wn_op_row((op)v->op)->name : "";
    if (LLVMIsAInstruction(value)) LLVMSetValueName2(value, name, strlen(name));
}

static ir emit_value(body *b, const plan_value *v, ir index, const ir *args) {
    emitter *e = b->e;
    switch ((value_kind)v->kind) {
    case VALUE_STREAM: return load_stream(b, &b->program->streams[v->number], index);
    case VALUE_CONSTANT:
        return constant_value(e, (wn_type)v->type, graph_node(e->graph, v->node)->bits);
    case VALUE_INDEX: return index_value(b, index);
    case VALUE_AND: return LLVMBuildAnd(e->builder, args[0], args[1], "mask");
    case VALUE_OPERATION: break;
    }
    ir value = operation_value(b, v, args);
    name_value(value, v);
    return value;
}

/* An invariant, <1 x T>, on every lane. */
static ir spread_invariant(body *b, uint32_t i) {
    emitter *e = b->e;
    const plan_value *v = &b->program->values[i];
    if (v->kind == VALUE_CONSTANT)
        return constant_value(e, (wn_type)v->type, graph_node(e->graph, v->node)->bits);
    ir one = b->invariants[i];
    return LLVMBuildShuffleVector(e->builder, one, LLVMGetUndef(LLVMTypeOf(one)),
                                  LLVMConstNull(int_vector(e, 32)), "");
}

/* The values up to `last` that `wanted` marks, over the lanes from `index` on. */
void wn_emit_values(body *b, const bool *wanted, ir index) {
    const plan_program *p = b->program;
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        if (!wanted[i] || b->values[i]) continue;
        locate_node(b, v->node);
        ir args[3] = {NULL, NULL, NULL};
        for (unsigned k = 0; k < value_arity(v); k++)
            args[k] = b->values[v->args[k]];
        b->values[i] = v->invariant ? spread_invariant(b, i) : emit_value(b, v, index, args);
    }
}

/* Mark all that the marked values are made of. */
void wn_want_operands(const plan_program *p, bool *wanted) {
    for (uint32_t i = p->value_count; i-- > 0;)
        if (wanted[i])
            for (uint32_t k = 0; k < value_arity(&p->values[i]); k++)
                wanted[p->values[i].args[k]] = true;
}

static void emit_invariants(body *b, const bool *wanted) {
    const plan_program *p = b->program;
    unsigned lanes = b->e->lanes;
    b->e->lanes = 1;
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        ir args[3] = {NULL, NULL, NULL};
        if (!wanted[i] || !v->invariant) continue;
        locate_node(b, v->node);
        for (unsigned k = 0; k < value_arity(v); k++)
            args[k] = b->invariants[v->args[k]];
        b->invariants[i] = emit_value(b, v, NULL, args);
    }
    b->e->lanes = lanes;
}

/* A value as it is stored: bools as bytes. */
ir wn_stored_value(body *b, uint32_t i) {
    ir value = b->values[i];
    if (b->program->values[i].type != WN_BOOL) return value;
    return LLVMBuildZExt(b->e->builder, value, int_vector(b->e, 8), "");
}

/* ---- The frame of a function -------------------------------------------------------------------------------------------- */

static void new_function(body *b, kernel_function function, uint32_t stage) {
    emitter *e = b->e;
    LLVMTypeRef p = LLVMPointerTypeInContext(e->context, 0), i64 = int_type(e, 64);
    LLVMTypeRef params[] = {p, p, p, i64, p};
    static const char *const names[] = {"in", "out", "bitmap", "n", "cursor"};
    char name[48];
    snprintf(name, sizeof name, "wn_%s_%u", kernel_function_name[function], stage);
    ir f = LLVMAddFunction(e->module, name, LLVMFunctionType(i64, params, 5, false));
    for (unsigned i = 0; i < 5; i++)
        LLVMSetValueName2(LLVMGetParam(f, i), names[i], strlen(names[i]));
    wn_set_target_attributes(e, f);
    e->function = f;
    wn_debug_function(b, name);
    locate_loop(b);
}

/* At which bit a stream begins; in which byte the bits end that are loaded at once; and times what a bit of that byte is to lie above
   those of the others: 2 to the bits of the word less those before the first, or 0 if there are none. */
static void find_bit(body *b, uint32_t stream) {
    LLVMTypeRef i64 = int_type(b->e, 64);
    uint32_t count = b->program->stream_count;
    ir index = wn_ir_i64(b->e, count + stream);
    ir at = LLVMBuildInBoundsGEP2(b->e->builder, i64, b->in, &index, 1, "");
    ir bit = LLVMBuildLoad2(b->e->builder, i64, at, "bit");
    unsigned width = bits_at_once(b);
    ir last = add(b, bit, wn_ir_i64(b->e, width - 1), ""), one = wn_ir_i64(b->e, 1);
    b->bits[count + stream] = LLVMBuildLShr(b->e->builder, last, wn_ir_i64(b->e, 3), "last");
    ir rest = LLVMBuildSub(b->e->builder, wn_ir_i64(b->e, width - 1), bit, "");
    ir factor = LLVMBuildShl(b->e->builder, LLVMBuildShl(b->e->builder, one, rest, ""), one, "");
    b->bits[stream] = width < 64 ? LLVMBuildTrunc(b->e->builder, bit, int_type(b->e, width), "") : bit;
    b->bits[2 * count + stream] =
        width < 64 ? LLVMBuildTrunc(b->e->builder, factor, int_type(b->e, width), "") : factor;
}

/* How far ahead of what is loaded the lines of large arrays are asked for: the processor sees the next page coming too late. */
static uint64_t stream_ahead(const wn_target *t) {
    return t->amd ? 1536 : 4096;
}

void wn_ask_ahead(const body *b, const bool *wanted, ir step, uint64_t first) {
    for (uint32_t i = 0; b->function == KERNEL_STREAM && i < b->program->value_count; i++) {
        const plan_value *v = &b->program->values[i];
        if (!wanted[i] || v->kind != VALUE_STREAM) continue;
        const plan_stream *s = &b->program->streams[v->number];
        if (s->scalar || s->bits) continue;
        uint64_t size = wn_type_size(s->type), end = (first + b->e->lanes) * size;
        uint64_t line = (first * size + KERNEL_LINE - 1) & -(uint64_t)KERNEL_LINE;
        locate_loop(b);
        ir from = stream_pointer(b, v->number, step);
        if (line < end)
            wn_emit_prefetch(b, from, stream_ahead(&b->e->target) + line, end - line, false);
    }
}

void wn_load_streams(body *b, const bool *wanted, uint32_t first) {
    const plan_program *p = b->program;
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        if (!wanted[i] || v->kind != VALUE_STREAM) continue;
        locate_node(b, v->node);
        b->streams[v->number] =
            load_pointer(b, b->in, first + v->number, stream_name(b, &p->streams[v->number]));
    }
}

static void load_pointers(body *b, const bool *wanted, bool outputs) {
    const plan_program *p = b->program;
    wn_load_streams(b, wanted, 0);
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        if (!wanted[i] || v->kind != VALUE_INDEX) continue;
        locate_node(b, v->node);
        b->base = LLVMBuildLoad2(b->e->builder, int_type(b->e, 64), wn_cursor_field(b, CURSOR_BASE),
                                 "base");
    }
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        if (!wanted[i] || v->kind != VALUE_STREAM || !p->streams[v->number].bits) continue;
        locate_node(b, v->node);
        find_bit(b, v->number);
    }
    for (uint32_t i = 0; outputs && i < b->stage->output_count; i++) {
        locate_output(b, &b->stage->outputs[i]);
        b->outputs[i] = load_pointer(b, b->out, i, "out");
    }
    for (uint32_t i = 0; outputs && i < b->stage->output_count; i++)
        if (b->stage->outputs[i].masked && b->function == KERNEL_MAP)
            b->outputs[b->stage->output_count + i] =
                load_pointer(b, b->out, b->stage->output_count + i, "mask");
}

/* Open a function: parameters, pointers, invariants. false: out of memory. */
bool wn_body_begin(body *b, uint32_t stage, kernel_function function, const bool *wanted) {
    emitter *e = b->e;
    const plan_stage *s = b->stage;
    const plan_program *p = b->program;
    new_function(b, function, stage);
    b->in = LLVMGetParam(e->function, 0);
    b->out = LLVMGetParam(e->function, 1);
    b->bitmap = LLVMGetParam(e->function, 2);
    b->n = LLVMGetParam(e->function, 3);
    b->cursor = LLVMGetParam(e->function, 4);
    b->streams = calloc(3 * (size_t)p->stream_count + 1, sizeof *b->streams);
    b->bits = calloc(3 * (size_t)p->stream_count + 1, sizeof *b->bits);
    b->words = calloc((size_t)p->stream_count + 1, sizeof *b->words);
    b->outputs = calloc(2 * (size_t)s->output_count + 1, sizeof *b->outputs);
    b->invariants = calloc(p->value_count + 1, sizeof *b->invariants);
    b->values = calloc(p->value_count + 1, sizeof *b->values);
    b->waiting = calloc(2 * MOST_GROUPS * (size_t)s->output_count + 1, sizeof *b->waiting);
    if (!b->streams || !b->bits || !b->words || !b->outputs || !b->invariants || !b->values || !b->waiting)
        return false;
    b->entry = new_block(b, "entry");
    LLVMPositionBuilderAtEnd(e->builder, b->entry);
    load_pointers(b, wanted, function != KERNEL_COUNT);
    emit_invariants(b, wanted);
    locate_loop(b);
    return true;
}

void wn_body_end(body *b) {
    free(b->streams);
    free(b->bits);
    free(b->words);
    free(b->outputs);
    free(b->invariants);
    free(b->values);
    free(b->waiting);
}

ir wn_new_phi(const body *b, ir initial, const char *name) {
    ir phi = LLVMBuildPhi(b->e->builder, LLVMTypeOf(initial), name);
    LLVMAddIncoming(phi, &initial, (LLVMBasicBlockRef[]){b->entry}, 1);
    return phi;
}

loop wn_begin_loop(body *b, ir first, unsigned step) {
    loop l = {.step = step};
    locate_loop(b);
    if (!b->beside) b->e->elements = step;
    l.head = new_block(b, "head");
    l.inside = new_block(b, "loop");
    l.after = new_block(b, "done");
    LLVMBuildBr(b->e->builder, l.head);
    LLVMPositionBuilderAtEnd(b->e->builder, l.head);
    l.at = l.index = wn_new_phi(b, first, "i");
    return l;
}

/* Leave the loop unless `more`; the body follows. */
void wn_enter_loop(body *b, const loop *l, ir more) {
    LLVMBuildCondBr(b->e->builder, more, l->inside, l->after);
    LLVMPositionBuilderAtEnd(b->e->builder, l->inside);
}

/* What a phi of the loop's head is in the next iteration. */
void wn_next_iteration(body *b, ir phi, ir next) {
    LLVMBasicBlockRef from = LLVMGetInsertBlock(b->e->builder);
    LLVMAddIncoming(phi, &next, &from, 1);
}

/* LLVM's passes over loops take a fifth of the time of all others, to rewrite addresses that are already as they should be. They have
   nothing to do where they do not know how a loop counts; the code generator knows that this intrinsic is its first operand. */
ir wn_advance(const body *b, ir count, ir step) {
    ir args[2] = {add(b, count, step, ""), wn_ir_i64(b->e, 0)};
    ir next = wn_ir_intrinsic(b->e, "llvm.expect", LLVMTypeOf(count), args, 2);
    LLVMSetValueName2(next, "next", 4);
    return next;
}

void wn_end_loop(body *b, const loop *l) {
    locate_loop(b);
    wn_next_iteration(b, l->index, wn_advance(b, l->at, wn_ir_i64(b->e, l->step)));
    LLVMBuildBr(b->e->builder, l->head);
    LLVMPositionBuilderAtEnd(b->e->builder, l->after);
}
