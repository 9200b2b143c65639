/*
 * plan_print.c - a plan in words, and what it says about arrays that coincide.
 */
#include "jit/plan.h"

/* ---- In words --------------------------------------------------------------------------------------------------------- */

static const char *input_name(const wn_graph *g, uint32_t number) {
    return wn_graph_name(g, NAME_INPUT, (int32_t)number);
}

/* What comes next is about this. */
static void note(plan_notes *to, wn_buffer *b, note_about about, uint32_t number) {
    if (!to || b->failed) return;
    if (!wn_grow(b->context, (void **)&to->notes, &to->room, (size_t)to->count + 1, sizeof *to->notes))
        b->failed = true;
    else
        to->notes[to->count++] = (plan_note){b->length, about, number};
}

static node_id stream_node(const wn_plan *plan, const plan_stream *s) {
    return s->source == SOURCE_TEMP ? plan->temps[s->number].node : plan->graph->inputs[s->number];
}

static void print_stream(const wn_plan *plan, const plan_program *p, const plan_stream *s,
                         wn_buffer *b) {
    if (s->source == SOURCE_TEMP)
        wn_buffer_add(b, "    reads temporary %u: %s", s->number, wn_type_name(s->type));
    else
        wn_buffer_add(b, "    reads %s: %s", input_name(plan->graph, s->number), wn_type_name(s->type));
    if (s->scalar) {
        wn_buffer_add(b, ", one value, loaded before the loop\n");
        return;
    }
    wn_buffer_add(b, ", axes [");
    for (int i = 0; i < p->rank; i++) {
        if (i) wn_buffer_add(b, ", ");
        if (s->axes[i] < 0)
            wn_buffer_add(b, "stays");
        else
            wn_buffer_add(b, "%d", s->axes[i]);
    }
    wn_buffer_add(b, "]\n");
}

static void print_value(const wn_plan *plan, const plan_program *p, uint32_t number, wn_buffer *b) {
    const plan_value *v = &p->values[number];
    char text[40];
    wn_buffer_add(b, "    %%%u = ", number);
    switch ((value_kind)v->kind) {
    case VALUE_STREAM:
        wn_buffer_add(b, "load %s",
                      p->streams[v->number].source == SOURCE_TEMP
                          ? "temporary"
                          : input_name(plan->graph, p->streams[v->number].number));
        break;
    case VALUE_CONSTANT:
        wn_constant_text(graph_node(plan->graph, v->node), text);
        wn_buffer_add(b, "%s", text);
        break;
    case VALUE_INDEX: wn_buffer_add(b, "index of the element"); break;
    case VALUE_AND: wn_buffer_add(b, "mask of a mask %%%u, %%%u", v->args[0], v->args[1]); break;
    case VALUE_OPERATION:
        wn_buffer_add(b, "%s", wn_op_row((op)v->op)->name);
        for (int i = 0; i < wn_op_row((op)v->op)->arity; i++)
            wn_buffer_add(b, "%s%%%u", i ? ", " : " ", v->args[i]);
        break;
    }
    wn_buffer_add(b, ": %s%s\n", wn_type_name((wn_type)v->type),
                  v->invariant ? ", once before the loop" : "");
}

static void print_program(const wn_plan *plan, const plan_program *p, wn_buffer *b, plan_notes *notes) {
    for (uint32_t i = 0; i < p->stream_count; i++) {
        note(notes, b, ABOUT_NODE, stream_node(plan, &p->streams[i]));
        print_stream(plan, p, &p->streams[i], b);
    }
    for (uint32_t i = 0; i < p->value_count; i++) {
        note(notes, b, ABOUT_NODE, p->values[i].node);
        print_value(plan, p, i, b);
    }
}

static const char *operand_name(const wn_plan *plan, const plan_operand *o) {
    return o->source == SOURCE_INPUT ? input_name(plan->graph, o->number) : "a temporary";
}

static void print_output(const wn_plan *plan, const plan_stage *s, const plan_output *o, wn_buffer *b) {
    static const char *const verbs[] = {"stores", "packs", "packs", "reduces", "expands", "makes"};
    const char *name = wn_op_row((op)graph_node(plan->graph, o->node)->op)->name;
    wn_buffer_add(b, "    %s ", verbs[s->kind]);
    if (s->kind == STAGE_REDUCE || s->kind == STAGE_WHOLE) wn_buffer_add(b, "%s ", name);
    if (s->kind == STAGE_REDUCE) wn_buffer_add(b, "of ");
    if (s->kind == STAGE_EXPAND)
        wn_buffer_add(b, "%s where %s%%%u, else ", operand_name(plan, &s->operands[0]),
                      stage_has_rows(s) ? "mask " : "", s->mask_value);
    if (s->kind != STAGE_WHOLE) wn_buffer_add(b, "%%%u ", o->value);
    if (o->masked) wn_buffer_add(b, "where %%%u ", o->mask);
    wn_buffer_add(b, "into ");
    if (o->target == TARGET_TEMP)
        wn_buffer_add(b, "temporary %u", o->number);
    else
        wn_buffer_add(b, "%s", wn_graph_name(plan->graph, NAME_OUTPUT, (int32_t)o->number));
    wn_buffer_add(b, "%s\n", o->coordinates ? ", as coordinates" : "");
}

static void print_reason(const wn_plan *plan, const wn_labels *labels, const plan_stage *s,
                         wn_buffer *b) {
    char mask[48] = "";
    if (s->kind == STAGE_WHOLE && graph_node(plan->graph, s->outputs[0].node)->op == OP_count) {
        wn_buffer_add(b, "an earlier stage has found it out, as the length of what it packed\n");
        return;
    }
    if (s->kind == STAGE_WHOLE) {
        wn_buffer_add(b, "it is done to whole arrays, by a function in C\n");
        return;
    }
    if (s->kind == STAGE_EXPAND && stage_has_rows(s)) {
        wn_buffer_add(b, "rows of %s in turn go where the mask is true, which is evaluated once before\n",
                      operand_name(plan, &s->operands[0]));
        return;
    }
    if (s->kind == STAGE_EXPAND) {
        wn_buffer_add(
            b, "which element of %s comes next depends on the whole mask before it: one pass that counts as it goes\n",
            operand_name(plan, &s->operands[0]));
        return;
    }
    if (s->kind == STAGE_REDUCE) {
        bool packed = false;
        for (uint32_t i = 0; i < s->output_count; i++)
            packed |= (graph_node(plan->graph, s->outputs[i].node)->bits & REDUCE_PACKED) != 0;
        wn_buffer_add(
            b, "axes are reduced: what needs the result has to wait for all of it%s%s\n",
            packed ? "; what is packed is taken where it lies" : "",
            s->folds ? "; rows are short, or places are asked for: map computes, C reduces" : "");
        return;
    }
    if (s->kind == STAGE_MAP) {
        wn_buffer_add(
            b, s->level == 0 ? "one loop for everything of this shape\n" : "it needs values of earlier stages whole, which it reads back from temporaries\n");
        return;
    }
    wn_node_label(labels, (node_id)plan->graph->symbols[s->count_symbol].a, mask, sizeof mask);
    if (!s->owns_mask)
        wn_buffer_add(b, "stage %u has the bitmap of mask %s already\n", s->mask_stage, mask);
    else if (s->kind == STAGE_PACK)
        wn_buffer_add(b, "mask %s is evaluated once; values are computed before they are packed\n",
                      mask);
    else
        wn_buffer_add(b, "mask %s covers %d of %d axes: %s\n", mask, s->mask_rank, s->program.rank,
                      row_is_packed(s->row) ? "rows are short, and packed element by element"
                      : s->row < 0          ? "whole rows are moved, or packed if they are short"
                                            : "whole rows are moved");
}

static void print_functions(const plan_stage *s, wn_buffer *b) {
    wn_buffer_add(b, "  functions:");
    for (kernel_function f = KERNEL_MAP; f < KERNEL_FUNCTION_COUNT; f++)
        if (stage_has(s, f)) wn_buffer_add(b, " %s", kernel_function_name[f]);
    wn_buffer_add(b, ", %d elements a step\n", s->program.step);
}

static void print_stage(const wn_plan *plan, const wn_labels *labels, uint32_t number, wn_buffer *b,
                        plan_notes *notes) {
    static const char *const kinds[] = {"map", "pack", "rows", "reduce", "expand", "whole"};
    const plan_stage *s = &plan->stages[number];
    char shape[256];
    wn_shape_text(s->program.rank, s->program.dims, shape, sizeof shape);
    note(notes, b, ABOUT_STAGE, number);
    wn_buffer_add(b, "stage %u: %s", number, kinds[s->kind]);
    if (s->kind != STAGE_WHOLE) wn_buffer_add(b, " over %s", shape);
    wn_buffer_add(b, "\n");
    wn_buffer_add(b, "  because: ");
    note(notes, b, ABOUT_REASON, number);
    print_reason(plan, labels, s, b);
    if (s->kind != STAGE_WHOLE) print_functions(s, b);
    if (stage_has_rows(s) && s->owns_mask) {
        wn_buffer_add(b, "  mask, over axes %d to %d:\n", s->mask_first,
                      s->mask_first + s->mask_rank - 1);
        print_program(plan, &s->mask, b, notes);
        wn_buffer_add(b, "    selects where %%%u\n", s->mask_value);
    }
    if (s->kind != STAGE_WHOLE) wn_buffer_add(b, "  program:\n");
    print_program(plan, &s->program, b, notes);
    if (s->kind == STAGE_PACK && s->owns_mask)
        wn_buffer_add(b, "    selects where %%%u\n", s->mask_value);
    else if (stage_is_masked(s) && !s->owns_mask)
        wn_buffer_add(b, "    selects by the bitmap of stage %u\n", s->mask_stage);
    for (uint32_t i = 0; i < s->output_count; i++) {
        const plan_output *o = &s->outputs[i];
        bool temp = o->target == TARGET_TEMP;
        note(notes, b, temp ? ABOUT_NODE : ABOUT_OUTPUT, temp ? o->node : o->number);
        print_output(plan, s, o, b);
    }
}

void wn_plan_print_noted(const wn_plan *plan, wn_buffer *b, plan_notes *notes) {
    wn_labels labels;
    if (!wn_labels_find(&labels, plan->graph)) {
        b->failed = true;
        return;
    }
    wn_buffer_add(b, "%u stage%s, %u temporar%s, %u length check%s when it runs\n",
                  plan->stage_count, plan->stage_count == 1 ? "" : "s", plan->temp_count,
                  plan->temp_count == 1 ? "y" : "ies", plan->check_count,
                  plan->check_count == 1 ? "" : "s");
    for (uint32_t i = 0; i < plan->stage_count; i++)
        print_stage(plan, &labels, i, b, notes);
    wn_labels_free(&labels);
}

void wn_plan_print(const wn_plan *plan, wn_buffer *b) {
    wn_plan_print_noted(plan, b, NULL);
}

/* ---- What packs ----------------------------------------------------------------------------------------------------------- */

/* Downwards along the operands that have the packed length. */
node_id wn_plan_packer(const wn_plan *plan, const plan_stage *s, const plan_output *o) {
    const wn_graph *g = plan->graph;
    node_id id = o->node;
    while (stage_is_masked(s)) {
        const node *n = graph_node(g, id);
        node_id next = 0;
        if (n->op == OP_boolean_mask || n->op == OP_nonzero) return id;
        for (int i = 0; i < 3 && n->args[i] && !next; i++) {
            const node *a = graph_node(g, n->args[i]);
            for (int axis = 0; axis < a->rank; axis++)
                if (node_dims(g, a)[axis] == ~(dim)s->count_symbol) next = n->args[i];
        }
        if (!next) break;
        id = next;
    }
    return id;
}

/* ---- Arrays that coincide ----------------------------------------------------------------------------------------------- */

/* Every axis of the input runs along with one of the space. */
static bool stream_is_in_step(const plan_stream *s, int rank) {
    for (int axis = 0; axis < rank; axis++)
        if (s->axes[axis] != axis) return false;
    return true;
}

static void note_read(wn_plan *plan, uint32_t stage, uint32_t input, bool in_step) {
    plan_reads *r = &plan->reads[input];
    if (!r->first) r->first = stage + 1;
    r->last = stage + 1;
    r->out_of_step |= !in_step;
}

static void note_program(wn_plan *plan, uint32_t stage, const plan_program *p) {
    for (uint32_t i = 0; i < p->stream_count; i++)
        if (p->streams[i].source == SOURCE_INPUT)
            note_read(plan, stage, p->streams[i].number, stream_is_in_step(&p->streams[i], p->rank));
}

void wn_plan_find_uses(wn_plan *plan) {
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const plan_stage *s = &plan->stages[i];
        note_program(plan, i, &s->program);
        note_program(plan, i, &s->mask);
        for (int k = 0; k < 3; k++)
            if (s->operands[k].node && s->operands[k].source == SOURCE_INPUT)
                note_read(plan, i, s->operands[k].number, false);
        for (uint32_t j = 0; j < s->output_count; j++)
            if (s->outputs[j].target == TARGET_OUTPUT)
                plan->writers[s->outputs[j].number] = (plan_writer){i + 1, j};
    }
}

/* By how many operands of a WHOLE or EXPAND stage an input is read. */
static int operand_reads(const plan_stage *s, uint32_t input) {
    int count = 0;
    for (int i = 0; i < 3; i++)
        count += s->operands[i].node && s->operands[i].source == SOURCE_INPUT &&
                 s->operands[i].number == input;
    return count;
}

static bool used_by_values(const plan_program *p, uint32_t value) {
    for (uint32_t i = value + 1; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        for (uint32_t k = 0; k < value_arity(v); k++)
            if (v->args[k] == value) return true;
    }
    return false;
}

/* A PACK or ROWS stage's output is the input itself, packed, and nothing else in the stage reads the input. */
static bool packs_input_alone(const plan_stage *s, const plan_output *entry, uint32_t input) {
    const plan_program *p = &s->program;
    const plan_value *v = &p->values[entry->value];
    uint32_t uses = 0;
    for (uint32_t i = 0; i < p->stream_count; i++)
        uses += p->streams[i].source == SOURCE_INPUT && p->streams[i].number == input;
    for (uint32_t i = 0; i < s->mask.stream_count; i++)
        uses += s->mask.streams[i].source == SOURCE_INPUT && s->mask.streams[i].number == input;
    for (uint32_t i = 0; i < s->output_count; i++)
        if (&s->outputs[i] != entry && s->outputs[i].value == entry->value) return false;
    if (v->kind != VALUE_STREAM || uses != 1 || p->streams[v->number].source != SOURCE_INPUT)
        return false;
    bool is_mask = s->kind == STAGE_PACK && s->owns_mask && s->mask_value == entry->value;
    return p->streams[v->number].number == input && !is_mask && !used_by_values(p, entry->value);
}

/* The output is the input itself, but for some elements. */
static bool changes_input(const wn_plan *plan, const plan_stage *s, const plan_output *entry,
                          uint32_t input) {
    op o = (op)graph_node(plan->graph, entry->node)->op;
    const plan_operand *changed = &s->operands[o == OP_expand ? 2 : 0];
    return o != OP_compress && operand_reads(s, input) == 1 && changed->source == SOURCE_INPUT &&
           changed->number == input;
}

/* Whether a stage reads the input at the element that it stores alone. */
static bool reads_in_step(const plan_stage *s, uint32_t input) {
    const plan_program *p = &s->program;
    for (uint32_t i = 0; i < p->stream_count; i++) {
        const plan_stream *from = &p->streams[i];
        if (from->source == SOURCE_INPUT && from->number == input && !stream_is_in_step(from, p->rank))
            return false;
    }
    return operand_reads(s, input) == 0;
}

bool wn_plan_may_alias(const wn_plan *plan, uint32_t input, uint32_t output) {
    const plan_reads *r = &plan->reads[input];
    const plan_writer *w = &plan->writers[output];
    if (!w->stage) return false;
    if (!r->first) return true;
    const plan_stage *s = &plan->stages[w->stage - 1];
    const plan_output *entry = &s->outputs[w->entry];
    bool expands = graph_node(plan->graph, entry->node)->op == OP_expand;
    if (s->kind == STAGE_WHOLE) return r->last == w->stage && changes_input(plan, s, entry, input);
    if (expands) return r->last == w->stage && reads_in_step(s, input);
    if (r->first != w->stage || r->last != w->stage || r->out_of_step) return false;
    return s->kind == STAGE_MAP || (stage_is_masked(s) && packs_input_alone(s, entry, input));
}
