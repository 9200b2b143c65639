/*
 * inspect_code.c - plan, IR and instructions as tables: what each line serves, where the loops are, and the figures of the innermost one.
 */
#include "run/inspection.h"

#include "jit/assembly.h"

#include <stdlib.h>
#include <string.h>

/* ---- Places to origins ------------------------------------------------------------------------------------------------- */

/* Where no node stands at the very column, the loop: its column, or that of a prologue. */
wn_origin wn_inspection_origin(const wn_inspection *i, wn_spot spot) {
    uint32_t low = 0, high = i->listed.count;
    if (spot.line == 0) return (wn_origin){WN_SERVES_NOTHING, 0};
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const wn_spot *at = &i->listed.at[middle].spot;
        if (at->line < spot.line || (at->line == spot.line && at->column < spot.column))
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < i->listed.count && i->listed.at[low].spot.line == spot.line &&
                 i->listed.at[low].spot.column == spot.column;
    return found ? i->listed.at[low].origin : (wn_origin){WN_SERVES_LOOP, 0};
}

/* ---- The plan ---------------------------------------------------------------------------------------------------------- */

static wn_origin origin_of_note(const plan_note *n) {
    if (n->about == ABOUT_OUTPUT) return (wn_origin){WN_SERVES_OUTPUT, n->number};
    if (n->about == ABOUT_NODE && n->number) return (wn_origin){WN_SERVES_NODE, n->number};
    return (wn_origin){WN_SERVES_NOTHING, 0};
}

static uint32_t bytes_read(const plan_program *p) {
    size_t bytes = 0;
    for (uint32_t k = 0; k < p->stream_count; k++)
        if (!p->streams[k].scalar) bytes += wn_type_size(p->streams[k].type);
    return (uint32_t)bytes;
}

static void measure_stage(const wn_plan *plan, const plan_stage *s, wn_stage_info *to) {
    const wn_graph *g = plan->graph;
    to->bytes_read = bytes_read(&s->program) + bytes_read(&s->mask);
    for (int k = 0; k < 3 && s->operands[k].node; k++)
        to->bytes_read += (uint32_t)wn_type_size((wn_type)graph_node(g, s->operands[k].node)->type);
    for (uint32_t k = 0; s->kind != STAGE_REDUCE && k < s->output_count; k++)
        to->bytes_written += (uint32_t)wn_type_size((wn_type)graph_node(g, s->outputs[k].node)->type);
}

static void add_stage(wn_inspection *i, uint32_t number) {
    static const char *const kinds[] = {"map", "pack", "rows", "reduce", "expand", "whole"};
    const plan_stage *s = &i->plan->stages[number];
    char space[256];
    wn_stage_info *to = APPEND(i, stages);
    if (!to) return;
    wn_shape_text(s->program.rank, s->program.dims, space, sizeof space);
    to->kind = kinds[s->kind];
    to->reason = "";
    to->space = s->kind == STAGE_WHOLE ? "" : wn_inspection_keep(i, space, strlen(space));
    to->first_line = i->plan_lines.count;
    measure_stage(i->plan, s, to);
    i->figures.stages++;
    i->figures.bytes_per_element += to->bytes_read + to->bytes_written;
}

static void add_plan_line(wn_inspection *i, const char *text, size_t length, const plan_note *note) {
    if (note && note->about == ABOUT_STAGE) add_stage(i, note->number);
    wn_line *line = APPEND(i, plan_lines);
    if (!line) return;
    line->text = wn_inspection_keep(i, text, length);
    if (note) line->of = origin_of_note(note);
    if (i->stages.count) i->stages.at[i->stages.count - 1].line_count++;
}

static void add_plan_lines(wn_inspection *i, const wn_buffer *b, const plan_notes *notes) {
    const plan_note *n = notes->notes, *end = n + notes->count;
    for (size_t at = 0; !i->failed && at < b->length;) {
        size_t length = strcspn(b->text + at, "\n");
        bool noted = n < end && n->begin == at;
        add_plan_line(i, b->text + at, length, noted ? n : NULL);
        n += noted;
        at += length + 1;
        for (; !i->failed && n < end && n->begin < at;
             n++) /* in the middle of the line: a reason, up to its end */
            i->stages.at[n->number].reason =
                wn_inspection_keep(i, b->text + n->begin, at - 1 - n->begin);
    }
}

void wn_inspect_plan(wn_inspection *i) {
    wn_buffer b = {.context = i->context};
    plan_notes notes = {.count = 0};
    wn_plan_print_noted(i->plan, &b, &notes);
    i->failed |= b.failed;
    if (!i->failed) add_plan_lines(i, &b, &notes);
    wn_release(i->context, notes.notes, notes.room * sizeof *notes.notes);
    wn_buffer_free(&b);
}

/* ---- IR ---------------------------------------------------------------------------------------------------------------- */

static wn_function_info *find_function(wn_inspection *i, const char *name, size_t length) {
    for (uint32_t k = 0; k < i->functions.count; k++)
        if (strlen(i->functions.at[k].name) == length && !memcmp(i->functions.at[k].name, name, length))
            return &i->functions.at[k];
    return NULL;
}

/* The function that a line of IR defines, or NULL. */
static wn_function_info *defined_function(wn_inspection *i, const char *line) {
    const char *name = strncmp(line, "define ", 7) == 0 ? strchr(line, '@') : NULL;
    return name ? find_function(i, name + 1, strcspn(name + 1, "(")) : NULL;
}

/* Lines of a text, and where each function's begin and end. */
static void add_ir(wn_inspection *i, const char *text, const wn_spot *spots, bool optimized) {
    wn_function_info *inside = NULL;
    for (size_t number = 0; text && *text && !i->failed; number++) {
        size_t length = strcspn(text, "\n");
        wn_line *line = optimized ? APPEND(i, ir_optimized) : APPEND(i, ir);
        if (!line) return;
        uint32_t index = (optimized ? i->ir_optimized.count : i->ir.count) - 1;
        line->text = wn_inspection_keep(i, text, length);
        line->of = wn_inspection_origin(i, spots[number]);
        wn_function_info *begins = defined_function(i, line->text);
        if (begins) {
            inside = begins;
            *(optimized ? &inside->first_optimized : &inside->first_ir) = index;
        }
        if (inside) ++*(optimized ? &inside->optimized_count : &inside->ir_count);
        if (*line->text == '}') inside = NULL;
        text += length + (text[length] == '\n');
    }
}

/* ---- Instructions ------------------------------------------------------------------------------------------------------ */

static const char *constant_of(wn_inspection *i, const provider_instruction *at, const char *text) {
    char constant[96] = "";
    object_bytes there = wn_object_referred(&i->object, at->offset, at->offset + at->length);
    if (there.size) wn_instruction_constant(text, there.bytes, there.size, constant);
    return *constant ? wn_inspection_keep(i, constant, strlen(constant)) : "";
}

static void add_instructions(wn_inspection *i, wn_function_info *f) {
    const provider_listing *l = &i->disassembly;
    f->first_instruction = i->instructions.count;
    for (size_t k = 0; k < l->count; k++) {
        const provider_instruction *from = &l->instructions[k];
        if (from->offset < f->offset || from->offset >= f->offset + f->bytes) continue;
        wn_instruction *to = APPEND(i, instructions);
        if (!to) return;
        const char *text = l->texts + from->text;
        instruction_facts facts = wn_instruction_facts(text, false);
        *to = (wn_instruction){.offset = from->offset,
                               .length = from->length,
                               .bytes = i->object.code.bytes + from->offset,
                               .text = text,
                               .constant = constant_of(i, from, text),
                               .of = wn_inspection_origin(i, wn_object_spot(&i->object, from->offset)),
                               .target = -1};
        if (facts.jumps) to->target = (int64_t)from->offset + from->length + facts.displacement;
        f->instruction_count++;
    }
}

static wn_instruction *instructions_of(const wn_inspection *i, const wn_function_info *f) {
    return i->instructions.at + f->first_instruction;
}

/* ---- Loops ------------------------------------------------------------------------------------------------------------- */

/* A jump backwards, inside the function. */
static bool closes_loop(const wn_function_info *f, const wn_instruction *at) {
    return at->target >= (int64_t)f->offset && at->target <= (int64_t)at->offset;
}

/* Whether another loop lies in it, that begins after it. */
static bool is_innermost(const wn_inspection *i, const wn_function_info *f, const wn_instruction *end) {
    const wn_instruction *at = instructions_of(i, f);
    for (uint32_t k = 0; k < f->instruction_count; k++)
        if (&at[k] != end && closes_loop(f, &at[k]) && at[k].target > end->target &&
            at[k].offset <= end->offset)
            return false;
    return true;
}

/* Loops beside the one that most elements pass through say so, by the place of their last instruction. */
static bool is_beside(const wn_inspection *i, const wn_instruction *end) {
    return wn_object_spot(&i->object, end->offset).column == PLACE_BESIDE;
}

static void find_loops(const wn_inspection *i, wn_function_info *f) {
    const wn_instruction *at = instructions_of(i, f);
    const wn_instruction *best = NULL;
    for (uint32_t k = 0; k < f->instruction_count; k++) {
        if (!closes_loop(f, &at[k])) continue;
        bool again = false; /* another jump to the same beginning */
        for (uint32_t j = 0; j < k && !again; j++)
            again = closes_loop(f, &at[j]) && at[j].target == at[k].target;
        f->loops += !again;
        bool better =
            !best || is_beside(i, best) || (at[k].target == best->target && !is_beside(i, &at[k]));
        if (is_innermost(i, f, &at[k]) && better) best = &at[k];
    }
    if (!best) return;
    f->loop_begin = (uint32_t)best->target;
    f->loop_end = best->offset + best->length;
}

static bool is_framed(const wn_inspection *i, const wn_function_info *f) {
    const wn_instruction *at = instructions_of(i, f);
    for (uint32_t k = 0; k < f->instruction_count; k++)
        if (strstr(at[k].text, "%rsp, %rbp")) return true;
    return false;
}

static void measure_loop(const wn_inspection *i, wn_function_info *f) {
    bool framed = is_framed(i, f);
    wn_instruction *at = instructions_of(i, f);
    for (uint32_t k = 0; k < f->instruction_count; k++) {
        at[k].in_loop = at[k].offset >= f->loop_begin && at[k].offset < f->loop_end;
        if (!at[k].in_loop) continue;
        instruction_facts facts = wn_instruction_facts(at[k].text, framed);
        if (facts.does_nothing) continue;
        f->loop_instructions++;
        f->loop_loads += facts.loads && !facts.stack;
        f->loop_stores += facts.stores && !facts.stack;
        f->spills += (facts.loads || facts.stores) && facts.stack;
        if (facts.vector_bits > f->vector_bits) f->vector_bits = facts.vector_bits;
    }
}

/* ---- Whom they serve --------------------------------------------------------------------------------------------------- */

/*
 * LLVM gives no place to what it moves out of a loop or makes anew there, and the line table none to what has none: it goes on as before.
 * So whatever only prepares a register serves the first instruction that mentions that; as does a vector that the loop seems to want, and what
 * computes a general register before the loop without a place of its own.
 */
static bool is_loose(const wn_inspection *i, const wn_function_info *f, const wn_instruction *at,
                     const instruction_facts *facts) {
    bool placed = at->of.serves == WN_SERVES_NODE || at->of.serves == WN_SERVES_OUTPUT;
    if (facts->written < 0) return false;
    if (facts->prepares || (!placed && facts->written < GENERAL_REGISTERS)) return true;
    return facts->written >= GENERAL_REGISTERS && at->offset < f->loop_begin &&
           !wn_object_has_row(&i->object, at->offset);
}

/* What nobody mentions is the loop's. */
static void settle_origins(const wn_inspection *i, const wn_function_info *f) {
    wn_instruction *at = instructions_of(i, f);
    for (uint32_t k = f->instruction_count; k-- > 0;) {
        instruction_facts facts = wn_instruction_facts(at[k].text, false);
        bool loose = is_loose(i, f, &at[k], &facts);
        if (facts.stores && facts.stack && !wn_object_has_row(&i->object, at[k].offset))
            at[k].of = (wn_origin){WN_SERVES_LOOP, 0}; /* kept for the loop, in the want of a register */
        for (uint32_t user = k + 1; loose && user < f->instruction_count; user++)
            if (wn_instruction_mentions(at[user].text, facts.written)) {
                at[k].of = at[user].of;
                break;
            }
        if (at[k].of.serves == WN_SERVES_NOTHING) at[k].of = (wn_origin){WN_SERVES_LOOP, 0};
    }
}

/* ---- Functions --------------------------------------------------------------------------------------------------------- */

/* "wn_fused_12": its kind and stage. */
static void read_name(const wn_inspection *i, wn_function_info *f) {
    const char *number = strrchr(f->name, '_');
    unsigned long stage = number ? strtoul(number + 1, NULL, 10) : 0;
    for (kernel_function k = KERNEL_MAP; number && k < KERNEL_FUNCTION_COUNT; k++) {
        size_t length = strlen(kernel_function_name[k]);
        bool same = strncmp(f->name, "wn_", 3) == 0 && f->name + 3 + length == number &&
                    !strncmp(f->name + 3, kernel_function_name[k], length);
        if (!same || stage >= i->plan->stage_count) continue;
        f->kind = kernel_function_name[k];
        f->stage = (uint32_t)stage;
        f->elements = i->result.elements[stage * KERNEL_FUNCTION_COUNT + k];
    }
}

void wn_inspect_code(wn_inspection *i) {
    i->figures.code_bytes = (uint32_t)i->object.code.size;
    i->figures.constant_bytes = (uint32_t)i->object.constant_bytes;
    i->figures.object_bytes = (uint32_t)i->result.object_size;
    for (uint32_t k = 0; k < i->object.function_count; k++) {
        const object_function *from = &i->object.functions[k];
        wn_function_info *f = APPEND(i, functions);
        if (!f) return;
        *f = (wn_function_info){
            .name = from->name, .kind = "", .offset = from->offset, .bytes = from->size};
        read_name(i, f);
        add_instructions(i, f);
        find_loops(i, f);
        settle_origins(i, f);
        measure_loop(i, f);
    }
    add_ir(i, i->result.ir, i->result.ir_places, false);
    add_ir(i, i->result.ir_optimized, i->result.ir_optimized_places, true);
}
