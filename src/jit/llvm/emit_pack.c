/*
 * emit_pack.c - the loops of fused and scatter: lanes evaluated, and those that the mask selects stored together; and of expand, which
 * evaluates lanes and stores them all, those that the mask selects replaced by what comes next in another array.
 */
#include "jit/llvm/body.h"

/* ---- fused and scatter ---------------------------------------------------------------------------------------------------- */

/* Lanes that are evaluated and wait to be packed: their mask, and the value of each output as it is stored. */
typedef struct pack_group {
    ir index; /* of the first one */
    pack_mask mask;
    ir *values;
} pack_group;

/* Groups with room for their values, `first` others before them. */
static void empty_groups(const body *b, pack_group groups[MOST_GROUPS], uint32_t first) {
    for (uint32_t i = 0; i < MOST_GROUPS; i++)
        groups[i] = (pack_group){.values = b->waiting + (size_t)(first + i) * b->stage->output_count};
}

/* Evaluate the lanes from `index` on. An empty `mask` is evaluated too. */
static void emit_group(body *b, const bool *wanted, ir index, pack_mask mask, pack_group *group) {
    emitter *e = b->e;
    forget_values(b);
    wn_emit_values(b, wanted, index);
    if (!mask.bits && !mask.vector) mask.vector = b->values[b->stage->mask_value];
    group->index = index;
    group->mask = mask;
    for (uint32_t i = 0; i < b->stage->output_count; i++) {
        uint32_t value = b->stage->outputs[i].value;
        locate_node(b, b->program->values[value].node); /* LLVM makes one load of a load and its cast */
        LLVMTypeRef type = int_vector(e, type_bits((wn_type)b->program->values[value].type));
        group->values[i] = wn_ir_bitcast(e, wn_stored_value(b, value), type);
    }
}

/* Pack or expand, and store them in every output; the position after them. */
static ir store_group(body *b, const pack_group *group, ir position) {
    ir after = position;
    for (uint32_t i = 0; i < b->stage->output_count; i++) {
        wn_type type = (wn_type)b->program->values[b->stage->outputs[i].value].type;
        locate_packing(b, &b->stage->outputs[i]);
        locate_stores(b, &b->stage->outputs[i]);
        if (b->function == KERNEL_EXPAND)
            after = wn_emit_expand(b->e, group->values[i], type, &group->mask, b->next, position,
                                   element_pointer(b, type, b->outputs[i], group->index));
        else
            after = wn_emit_pack(b->e, group->values[i], type_bits(type), &group->mask,
                                 b->outputs[i], position);
    }
    return after;
}

static ir load_word(body *b, ir index) {
    emitter *e = b->e;
    ir number = LLVMBuildLShr(e->builder, index, wn_ir_i64(e, 6), "");
    ir at = LLVMBuildInBoundsGEP2(e->builder, int_type(e, 64), b->bitmap, &number, 1, "");
    return LLVMBuildLoad2(e->builder, int_type(e, 64), at, "word");
}

/* Lanes first .. first + count - 1 of a word, or of half of one. */
static ir word_bits(body *b, ir word, unsigned first, unsigned count) {
    emitter *e = b->e;
    LLVMTypeRef type = LLVMTypeOf(word);
    ir shifted = LLVMBuildLShr(e->builder, word, LLVMConstInt(type, first, false), "");
    return count < LLVMGetIntTypeWidth(type)
               ? LLVMBuildTrunc(e->builder, shifted, int_type(e, count), "")
               : shifted;
}

/* A group is a mask that is computed and one register of values. */
static bool groups_are_small(const body *b) {
    return b->function == KERNEL_FUSED && !stage_mask_is_bools(b->stage) &&
           b->stage->output_count == 1 &&
           wn_widest_bits(b->program) * b->e->lanes <= register_bits(b->e);
}

/* Four are no faster than two where there is much to compute, or of 16 registers each takes several, and take LLVM half a
   millisecond longer. */
static unsigned groups_in_a_row(const body *b) {
    if (b->program->value_count > 96) return 1;
    bool fit = b->e->target.isa == WN_ISA_X86_64_V4 || groups_are_small(b);
    return fit && b->program->value_count <= 12 ? MOST_GROUPS : 2;
}

/* `count` groups of lanes from `index` on; `word` is their mask, from its lowest bit on. All are evaluated before one is stored: a load
   behind a store to an address that is not known yet has to wait for it. */
static ir emit_pack_groups(body *b, const bool *wanted, ir word, ir index, unsigned count, ir position) {
    emitter *e = b->e;
    pack_group groups[MOST_GROUPS];
    empty_groups(b, groups, 0);
    for (unsigned i = 0; i < count; i++) {
        locate_packing(b, &b->stage->outputs[0]);
        pack_mask mask = {NULL, word ? word_bits(b, word, i * e->lanes, e->lanes) : NULL};
        ir at = i ? add(b, index, wn_ir_i64(e, i * e->lanes), "") : index;
        emit_group(b, wanted, at, mask, &groups[i]);
    }
    for (unsigned i = 0; i < count; i++)
        position = store_group(b, &groups[i], position);
    return position;
}

/* How far ahead of what is stored its lines are asked for. */
#define AHEAD_BYTES 512

/* A store whose line is not in the first cache waits for it, and all stores behind it; where it will go the processor does not foresee,
   since the distance from store to store varies. Of bytes, a line a word at most, asking gains nothing; nor before AVX-512, where packing
   a word takes longer; nor on a Zen 4, where three outputs from memory take half as long again with it. */
static void prefetch_outputs(const body *b, ir position) {
    emitter *e = b->e;
    if (b->function == KERNEL_EXPAND || e->target.isa != WN_ISA_X86_64_V4 || e->target.amd) return;
    for (uint32_t i = 0; i < b->stage->output_count; i++) {
        wn_type type = (wn_type)b->program->values[b->stage->outputs[i].value].type;
        if (wn_type_size(type) == 1) continue;
        locate_packing(b, &b->stage->outputs[i]);
        ir at = LLVMBuildGEP2(e->builder, wn_ir_storage(e, type), b->outputs[i], &position, 1, "");
        wn_emit_prefetch(b, at, AHEAD_BYTES, wn_type_size(type) * KERNEL_WORD, true);
    }
}

/* A word of more groups than that: an inner loop over them. */
static ir emit_pack_inner_loop(body *b, const bool *wanted, ir word, ir index, ir position) {
    emitter *e = b->e;
    unsigned groups = groups_in_a_row(b);
    ir end = add(b, index, wn_ir_i64(e, KERNEL_WORD), ""), step = wn_ir_i64(e, groups * e->lanes);
    LLVMBasicBlockRef inner = new_block(b, "groups"), after = new_block(b, "word");
    b->entry = LLVMGetInsertBlock(e->builder);
    LLVMBuildBr(e->builder, inner);
    LLVMPositionBuilderAtEnd(e->builder, inner);
    ir at = wn_new_phi(b, index, "group"), to = wn_new_phi(b, position, "position"),
       bits = word ? wn_new_phi(b, word, "bits") : NULL;
    ir packed = emit_pack_groups(b, wanted, bits, at, groups, to);
    e->elements = groups * e->lanes;
    locate_loop(b);
    ir next = wn_advance(b, at, step);
    wn_next_iteration(b, at, next);
    wn_next_iteration(b, to, packed);
    if (word) wn_next_iteration(b, bits, LLVMBuildLShr(e->builder, bits, step, ""));
    LLVMBuildCondBr(e->builder, is_below(b, next, end), inner, after);
    LLVMPositionBuilderAtEnd(e->builder, after);
    return packed;
}

/* `word` is the mask; NULL: it is evaluated. */
static ir emit_pack_word(body *b, const bool *wanted, ir word, ir index, ir position) {
    unsigned groups = KERNEL_WORD / b->e->lanes, row = groups_in_a_row(b);
    prefetch_outputs(b, position);
    locate_packing(b, &b->stage->outputs[0]);
    wn_tell(b->e, "a load behind a store to an address that is not known yet has to wait for it; registers allow so many",
            "%u times %u elements are evaluated before any of them is stored",
            groups < row ? groups : row, b->e->lanes);
    wn_begin_word(b, index);
    if (groups > row) return emit_pack_inner_loop(b, wanted, word, index, position);
    return emit_pack_groups(b, wanted, word, index, groups, position);
}

/* ---- Masks that are read ------------------------------------------------------------------------------------------------------ */

/* Whether the bitmap says what the mask is, not the program. */
static bool reads_bitmap(const body *b) {
    return b->function == KERNEL_SCATTER || stage_has_rows(b->stage);
}

/* A mask that is made of bools alone, as bytes or bits, is found out a word at once. */
static bool mask_is_read(const body *b) {
    return !reads_bitmap(b) && stage_mask_is_bools(b->stage);
}

/* The mask of `count` elements from `index` on, as an integer. */
static ir evaluate_mask(body *b, const wanted_sets *sets, ir index, unsigned count) {
    unsigned lanes = b->e->lanes;
    b->e->lanes = count;
    forget_values(b);
    wn_emit_values(b, sets->mask, index);
    b->e->lanes = lanes;
    return wn_ir_bitcast(b->e, b->values[b->stage->mask_value], int_type(b->e, count));
}

static ir mask_word(body *b, const wanted_sets *sets, ir index) {
    const plan_value *mask = &b->program->values[b->stage->mask_value];
    locate_node(b, mask->node);
    if (value_is_bits(b, mask)) return wn_load_bits(b, mask->number, index);
    wn_begin_word(b, index);
    return evaluate_mask(b, sets, index, KERNEL_WORD);
}

/* The index of the next word; of this one, if there is no next. */
static ir next_word(const body *b, ir index) {
    ir next = add(b, index, wn_ir_i64(b->e, KERNEL_WORD), "");
    return wn_ir_choose(b->e, is_below(b, next, b->n), next, index);
}

/* ---- Words of none, or of all --------------------------------------------------------------------------------------------------- */

/* A word whose mask is known. */
typedef struct pack_word {
    ir bits, index;
    const wanted_sets *sets;
    const bool *wanted; /* what its values are made of */
    ir next;            /* of a mask that is read: the bits of the word behind */
} pack_word;

/* All elements of a word. */
static ir emit_full_word(body *b, const pack_word *w, ir position) {
    emitter *e = b->e;
    pack_mask all = {NULL, LLVMConstAllOnes(int_type(e, e->lanes))};
    pack_group groups[MOST_GROUPS];
    empty_groups(b, groups, 0);
    prefetch_outputs(b, position);
    for (unsigned lane = 0; lane < KERNEL_WORD; lane += e->lanes) {
        emit_group(b, w->wanted, add(b, w->index, wn_ir_i64(e, lane), ""), all, groups);
        for (uint32_t i = 0; i < b->stage->output_count; i++) {
            const plan_output *o = &b->stage->outputs[i];
            wn_type type = (wn_type)b->program->values[o->value].type;
            locate_output(b, o);
            ir to = element_pointer(b, type, b->outputs[i], add(b, position, wn_ir_i64(e, lane), ""));
            LLVMSetAlignment(LLVMBuildStore(e->builder, groups[0].values[i], to), 1);
        }
    }
    return add(b, position, wn_ir_i64(e, KERNEL_WORD), "");
}

/* Whether the caller wants words to be looked at, as what word + 1 is below if it is one to look at: 2 or 0. */
static ir load_limit(const body *b) {
    emitter *e = b->e;
    ir looks = LLVMBuildLoad2(e->builder, int_type(e, 64), wn_cursor_field(b, CURSOR_LOOKS), "looks");
    ir wanted = LLVMBuildICmp(e->builder, LLVMIntNE, looks, wn_ir_i64(e, 0), "");
    return wn_ir_choose(e, wanted, wn_ir_i64(e, 2), wn_ir_i64(e, 0));
}

/* Words after one of zeros that are looked at at once. */
#define SKIPPED_AT_ONCE 4

/* Whether the mask is one array of bytes, of which many are as easily looked at as a word. */
static bool skips_words(const body *b) {
    const plan_value *mask = &b->program->values[b->stage->mask_value];
    return mask_is_read(b) && mask->kind == VALUE_STREAM &&
           !b->program->streams[mask->number].bits && !b->program->streams[mask->number].scalar;
}

/* Whether any byte of that array is not 0 in the words from `index` on. */
static ir any_is_true(const body *b, ir index) {
    emitter *e = b->e;
    ir mask = b->streams[b->program->values[b->stage->mask_value].number], any = NULL;
    for (unsigned k = 0; k < SKIPPED_AT_ONCE; k++) {
        ir at = element_pointer(b, WN_BOOL, mask, add(b, index, wn_ir_i64(e, k * KERNEL_WORD), ""));
        ir bytes = LLVMBuildLoad2(e->builder, LLVMVectorType(int_type(e, 8), KERNEL_WORD), at, "");
        LLVMSetAlignment(bytes, 1);
        any = any ? LLVMBuildOr(e->builder, any, bytes, "") : bytes;
    }
    any = wn_ir_bitcast(e, any, int_type(e, 8 * KERNEL_WORD));
    return LLVMBuildICmp(e->builder, LLVMIntNE, any, LLVMConstNull(LLVMTypeOf(any)), "any");
}

/* After a word of zeros: pass by more of them, several at a time. The word becomes the last of them. */
static void emit_skipping(body *b, pack_word *w) {
    emitter *e = b->e;
    const unsigned step = SKIPPED_AT_ONCE * KERNEL_WORD;
    wn_tell(e, "where hardly any word has one, the next ones have none either",
            "after %d elements of which none is selected, %u are looked at at once", KERNEL_WORD, step);
    b->entry = LLVMGetInsertBlock(e->builder);
    loop l = wn_begin_loop(b, w->index, step);
    ir left = LLVMBuildSub(e->builder, b->n, l.index,
                           "left"); /* compared with a constant: what the loop does not change takes a register */
    wn_enter_loop(b, &l,
                  LLVMBuildICmp(e->builder, LLVMIntSGE, left, wn_ir_i64(e, KERNEL_WORD + step), ""));
    ir any = any_is_true(b, add(b, l.index, wn_ir_i64(e, KERNEL_WORD), ""));
    wn_next_iteration(b, l.index, wn_advance(b, l.index, wn_ir_i64(e, step)));
    LLVMBuildCondBr(e->builder, any, l.after, l.head);
    LLVMPositionBuilderAtEnd(e->builder, l.after);
    w->index = l.index;
    w->next = mask_word(b, w->sets, next_word(b, w->index));
}

/* In memory: a register would be missing where no word is uniform. */
static void count_uniform(const body *b, ir words) {
    if (b->function != KERNEL_FUSED) return;
    ir at = wn_cursor_field(b, CURSOR_UNIFORM);
    ir before = LLVMBuildLoad2(b->e->builder, int_type(b->e, 64), at, "uniform");
    LLVMBuildStore(b->e->builder, add(b, before, words, ""), at);
}

static ir one_of(const body *b, ir values[3], LLVMBasicBlockRef from[3], const char *name) {
    ir phi = LLVMBuildPhi(b->e->builder, LLVMTypeOf(values[0]), name);
    LLVMAddIncoming(phi, values, from, 3);
    return phi;
}

/* Of a word of zeros nothing is stored, one of ones is copied, any other is packed. */
static ir emit_looked_word(body *b, pack_word *w, ir position) {
    emitter *e = b->e;
    LLVMBuilderRef builder = e->builder;
    LLVMBasicBlockRef mixed = new_block(b, "mixed"), uniform = new_block(b, "uniform"),
                      full = new_block(b, "full"), zeros = new_block(b, "zeros"),
                      after = new_block(b, "packed"), from[3];
    ir positions[3] = {NULL, NULL, position}, indices[3] = {w->index, w->index},
       nexts[3] = {w->next, w->next};
    locate_packing(b, &b->stage->outputs[0]);
    wn_tell(e, "it pays where the branch is foreseen, and the caller says if it is",
            "none of %d elements is selected: nothing is done; all are: they are copied", KERNEL_WORD);
    locate_loop(b);
    ir above = add(b, w->bits, wn_ir_i64(e, 1), "");
    LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntULT, above, b->limit, ""), uniform, mixed);

    LLVMPositionBuilderAtEnd(builder, mixed);
    positions[0] = emit_pack_word(b, w->wanted, w->bits, w->index, position);
    from[0] = LLVMGetInsertBlock(builder);
    LLVMBuildBr(builder, after);

    b->beside = true;
    LLVMPositionBuilderAtEnd(builder, uniform);
    locate_loop(b);
    ir none = LLVMBuildICmp(builder, LLVMIntEQ, w->bits, wn_ir_i64(e, 0), "");
    LLVMBuildCondBr(builder, none, zeros, full);

    LLVMPositionBuilderAtEnd(builder, full);
    count_uniform(b, wn_ir_i64(e, 1));
    positions[1] = emit_full_word(b, w, position);
    from[1] = LLVMGetInsertBlock(builder);
    LLVMBuildBr(builder, after);

    LLVMPositionBuilderAtEnd(builder, zeros);
    bool skips = skips_words(b);
    ir words = wn_ir_i64(e, 1);
    if (skips) {
        emit_skipping(b, w);
        ir passed = LLVMBuildSub(builder, w->index, indices[0], "");
        words = add(b, LLVMBuildLShr(builder, passed, wn_ir_i64(e, 6), ""), words, "");
    }
    count_uniform(b, words);
    indices[2] = w->index;
    nexts[2] = w->next;
    from[2] = LLVMGetInsertBlock(builder);
    LLVMBuildBr(builder, after);
    b->beside = false;

    LLVMPositionBuilderAtEnd(builder, after);
    if (skips) {
        w->index = one_of(b, indices, from, "index");
        w->next = one_of(b, nexts, from, "next");
    }
    return one_of(b, positions, from, "position");
}

static bool looks_at_words(const body *b) {
    return b->stage->kind == STAGE_PACK && stage_moves_elements(b->stage) &&
           (b->function == KERNEL_SCATTER || stage_mask_is_bools(b->stage));
}

static ir emit_known_word(body *b, pack_word *w, ir position) {
    return looks_at_words(b) ? emit_looked_word(b, w, position)
                             : emit_pack_word(b, w->wanted, w->bits, w->index, position);
}

/* ---- fused, a word ahead -------------------------------------------------------------------------------------------------- */

/*
 * Where an element is stored depends on all masks before it. A processor that once took a load for dependent on a store before
 * it, since their addresses agreed in the lowest bits, lets it wait for the addresses of all stores before it, and so for
 * masks that come from other loads: such a loop takes three times as long, on some runs and not on others. When the masks of
 * the next word are loaded before the stores of this one, no address waits for a load. With one or two outputs their values
 * come along, which saves loading them again. All this takes registers, which AVX-512 has.
 */
static bool runs_ahead(const body *b) {
    return b->function == KERNEL_FUSED && !stage_mask_is_bools(b->stage) &&
           b->e->target.isa == WN_ISA_X86_64_V4 && KERNEL_WORD / b->e->lanes <= groups_in_a_row(b);
}

static bool values_run_ahead(const body *b) {
    return b->stage->output_count <= 2;
}

/* What is evaluated a word ahead, of the word at `index`. */
static void emit_ahead(body *b, const wanted_sets *sets, ir index, unsigned count, pack_group *groups) {
    wn_begin_word(b, index);
    for (unsigned i = 0; i < count; i++) {
        locate_loop(b);
        ir at = add(b, index, wn_ir_i64(b->e, i * b->e->lanes), "");
        if (values_run_ahead(b)) {
            emit_group(b, sets->all, at, (pack_mask){NULL, NULL}, &groups[i]);
            continue;
        }
        forget_values(b);
        wn_emit_values(b, sets->mask, at);
        groups[i].mask = (pack_mask){b->values[b->stage->mask_value], NULL};
    }
}

/* The groups of a word as the loop carries them, first as they are before it. */
static void carry_groups(body *b, unsigned count, pack_group *groups) {
    for (unsigned i = 0; i < count; i++) {
        groups[i].mask.vector = wn_new_phi(b, groups[i].mask.vector, "mask");
        for (uint32_t k = 0; values_run_ahead(b) && k < b->stage->output_count; k++)
            groups[i].values[k] = wn_new_phi(b, groups[i].values[k], "value");
    }
}

static void carry_on(body *b, unsigned count, const pack_group *carried, const pack_group *next) {
    for (unsigned i = 0; i < count; i++) {
        wn_next_iteration(b, carried[i].mask.vector, next[i].mask.vector);
        for (uint32_t k = 0; values_run_ahead(b) && k < b->stage->output_count; k++)
            wn_next_iteration(b, carried[i].values[k], next[i].values[k]);
    }
}

/* Return at once if there is no word; else go on in a new block, which is the entry of the loop. */
static void return_if_empty(body *b) {
    emitter *e = b->e;
    LLVMBasicBlockRef none = new_block(b, "none"), some = new_block(b, "some");
    LLVMBuildCondBr(e->builder, is_below(b, wn_ir_i64(e, 0), b->n), some, none);
    LLVMPositionBuilderAtEnd(e->builder, none);
    LLVMBuildRet(e->builder, wn_ir_i64(e, 0));
    LLVMPositionBuilderAtEnd(e->builder, some);
    b->entry = some;
}

static ir emit_word_ahead(body *b, const wanted_sets *sets, ir index, pack_group *groups, ir position) {
    unsigned count = KERNEL_WORD / b->e->lanes;
    prefetch_outputs(b, position);
    locate_packing(b, &b->stage->outputs[0]);
    wn_tell(b->e, "where an element goes depends on all masks before it: so no store's address waits for a load",
            "%s of the next %d elements are evaluated before these are stored",
            values_run_ahead(b) ? "mask and values" : "the mask", KERNEL_WORD);
    locate_loop(b);
    pack_group next[MOST_GROUPS];
    empty_groups(b, next, MOST_GROUPS);
    emit_ahead(b, sets, next_word(b, index), count, next);
    wn_begin_word(b, index);
    for (unsigned i = 0; i < count && !values_run_ahead(b); i++)
        emit_group(b, sets->values, add(b, index, wn_ir_i64(b->e, i * b->e->lanes), ""),
                   groups[i].mask, &groups[i]);
    for (unsigned i = 0; i < count; i++)
        position = store_group(b, &groups[i], position);
    carry_on(b, count, groups, next);
    return position;
}

/* ---- masks of bytes and words on AVX2: in two general registers, a word ahead ---------------------------------------------- */

/* So many bytes are a register, and so many words are packed into one: an instruction takes their signs out of it. */
#define HALF_WORD 32

static bool mask_is_narrow(const body *b, const wanted_sets *sets) {
    for (uint32_t i = 0; i < b->program->value_count; i++) {
        wn_type type = (wn_type)b->program->values[i].type;
        if (sets->mask[i] && (type_bits(type) > 16 || type_is_float(type))) return false;
    }
    return true;
}

/*
 * From elements by their mask's bits to where the next ones are stored takes some 30 cycles, packing a word half of that. A
 * processor that begins the next words meanwhile runs out of places for what waits, unless the bits are there before the elements: that takes a
 * fifth of the time away. Not where much is computed, so that there is enough to do, or more vectors would wait for their packing
 * than there are registers.
 */
static bool halves_run_ahead(const body *b, const wanted_sets *sets) {
    return b->function == KERNEL_FUSED && b->e->target.isa == WN_ISA_X86_64_V3 && !reads_bitmap(b) &&
           !mask_is_read(b) && b->program->value_count <= 12 && mask_is_narrow(b, sets) &&
           HALF_WORD / b->e->lanes * b->stage->output_count <= MOST_GROUPS;
}

static void evaluate_halves(body *b, const wanted_sets *sets, ir index, ir halves[2]) {
    wn_begin_word(b, index);
    for (unsigned k = 0; k < 2; k++) {
        locate_loop(b);
        halves[k] =
            evaluate_mask(b, sets, add(b, index, wn_ir_i64(b->e, k * HALF_WORD), ""), HALF_WORD);
    }
}

static ir emit_halves(body *b, const wanted_sets *sets, ir index, ir halves[2], ir position) {
    emitter *e = b->e;
    ir next[2];
    locate_packing(b, &b->stage->outputs[0]);
    wn_tell(e, "from elements by their mask to where the next ones go takes longer than packing a word",
            "the mask's bits of the next %d elements are found out before these are packed",
            KERNEL_WORD);
    evaluate_halves(b, sets, next_word(b, index), next);
    wn_begin_word(b, index);
    for (unsigned k = 0; k < 2; k++)
        position = emit_pack_groups(b, sets->values, halves[k],
                                    add(b, index, wn_ir_i64(e, k * HALF_WORD), ""),
                                    HALF_WORD / e->lanes, position);
    for (unsigned k = 0; k < 2; k++)
        wn_next_iteration(b, halves[k], next[k]);
    return position;
}

/* ---- The loop ------------------------------------------------------------------------------------------------------------- */

/* The words of such a mask are found out one ahead. */
static ir emit_read_word(body *b, pack_word *word, loop *l, ir position) {
    ir bits = word->bits;
    word->wanted = word->sets->values;
    word->next = mask_word(b, word->sets, next_word(b, l->index));
    wn_tell(b->e, "where an element goes depends on all masks before it: so no store's address waits for a load",
            "the mask's next word is found out before the elements of this one are stored");
    position = emit_known_word(b, word, position);
    wn_next_iteration(b, bits, word->next);
    l->at = word->index;
    return position;
}

static ir emit_next_word(body *b, pack_word *word, ir position) {
    locate_packing(b, &b->stage->outputs[0]);
    if (!reads_bitmap(b)) return emit_pack_word(b, word->sets->all, NULL, word->index, position);
    word->bits = load_word(b, word->index);
    word->wanted = word->sets->all;
    return emit_known_word(b, word, position);
}

/* Word by word while there are elements, and room for a whole word. */
void wn_emit_pack_loop(body *b, const wanted_sets *sets) {
    emitter *e = b->e;
    LLVMTypeRef i64 = int_type(e, 64);
    ir start = LLVMBuildLoad2(e->builder, i64, wn_cursor_field(b, CURSOR_POSITION), "position");
    ir room = LLVMBuildLoad2(e->builder, i64, wn_cursor_field(b, CURSOR_ROOM), "room");
    ir last = LLVMBuildSub(e->builder, room, wn_ir_i64(e, KERNEL_WORD), "last");
    if (b->function == KERNEL_EXPAND)
        b->next = LLVMBuildLoad2(e->builder, LLVMPointerTypeInContext(e->context, 0),
                                 wn_cursor_field(b, CURSOR_VALUES), "values");
    bool ahead = runs_ahead(b), read = mask_is_read(b), halved = halves_run_ahead(b, sets);
    if (looks_at_words(b)) b->limit = load_limit(b);
    unsigned count = ahead ? KERNEL_WORD / e->lanes : 0;
    pack_group groups[MOST_GROUPS];
    empty_groups(b, groups, 0);
    ir halves[2] = {NULL, NULL};
    if (ahead || read || halved) return_if_empty(b);
    if (ahead) emit_ahead(b, sets, wn_ir_i64(e, 0), count, groups);
    if (halved) evaluate_halves(b, sets, wn_ir_i64(e, 0), halves);
    pack_word word = {.sets = sets, .bits = read ? mask_word(b, sets, wn_ir_i64(e, 0)) : NULL};
    loop l = wn_begin_loop(b, wn_ir_i64(b->e, 0), KERNEL_WORD);
    ir position = wn_new_phi(b, start, "position");
    carry_groups(b, count, groups);
    word.index = l.index;
    if (read) word.bits = wn_new_phi(b, word.bits, "word");
    for (unsigned k = 0; k < 2 && halved; k++)
        halves[k] = wn_new_phi(b, halves[k], "mask");
    ir fits = LLVMBuildICmp(e->builder, LLVMIntSLE, position, last, "");
    wn_enter_loop(b, &l, LLVMBuildAnd(e->builder, fits, is_below(b, l.index, b->n), ""));
    wn_next_iteration(b, position,
                      ahead    ? emit_word_ahead(b, sets, l.index, groups, position)
                      : read   ? emit_read_word(b, &word, &l, position)
                      : halved ? emit_halves(b, sets, l.index, halves, position)
                               : emit_next_word(b, &word, position));
    wn_end_loop(b, &l);
    LLVMBuildStore(e->builder, position, wn_cursor_field(b, CURSOR_POSITION));
    LLVMBuildRet(e->builder, l.index);
}

/* ---- How many lanes at a time --------------------------------------------------------------------------------------------- */

static unsigned largest(unsigned a, unsigned b) {
    return a > b ? a : b;
}

/* As many as the widest group that an output's packing takes; at least 8. */
unsigned wn_lanes_to_pack(const emitter *e, const plan_stage *s) {
    unsigned lanes = 8;
    for (uint32_t i = 0; i < s->output_count; i++) {
        wn_type type = (wn_type)s->program.values[s->outputs[i].value].type;
        lanes = largest(lanes, wn_pack_lanes(e, type_bits(type)));
    }
    unsigned widest = wn_widest_bits(&s->program);
    if (e->target.isa == WN_ISA_X86_64_V3 && widest <= 16) lanes = register_bits(e) / widest;
    return lanes;
}
