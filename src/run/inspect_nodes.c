/*
 * inspect_nodes.c - what each node is called, where it stands, and what became of it.
 *
 * A node without instructions of its own is not lost: it was absorbed into another's, packed along, done by the library, or is a constant.
 * Which, follows from the plan and from who uses it; each such fate is a line of the ledger.
 */
#include "run/inspection.h"

#include "jit/assembly.h"

#include <stdlib.h>
#include <string.h>

/* ---- Nodes ------------------------------------------------------------------------------------------------------------- */

static int compare_listed(const void *a, const void *b) {
    const wn_spot *x = &((const listed *)a)->spot, *y = &((const listed *)b)->spot;
    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static void add_listed(wn_inspection *i, wn_spot spot, wn_serves serves, uint32_t number) {
    listed *l = spot.line ? APPEND(i, listed) : NULL;
    if (l) *l = (listed){spot, {serves, number}};
}

static void add_node(wn_inspection *i, const wn_labels *labels, node_id id) {
    const node *n = graph_node(i->graph, id);
    char label[64], shape[256];
    wn_node_info *to = APPEND(i, nodes);
    if (!to) return;
    wn_node_label(labels, id, label, sizeof label);
    wn_shape_text(n->rank, node_dims(i->graph, n), shape, sizeof shape);
    *to = (wn_node_info){.op = wn_op_row((op)n->op)->name,
                         .label = wn_inspection_keep(i, label, strlen(label)),
                         .shape = wn_inspection_keep(i, shape, strlen(shape)),
                         .type = (wn_type)n->type,
                         .operands = {n->args[0], n->args[1], n->args[2]},
                         .line = i->node_spots[id].line,
                         .column = i->node_spots[id].column,
                         .fate = WN_FATE_UNKNOWN};
    add_listed(i, i->node_spots[id], WN_SERVES_NODE, id);
}

void wn_inspect_listed(wn_inspection *i) {
    wn_labels labels;
    if (i->failed || !wn_labels_find(&labels, i->graph)) {
        i->failed = true;
        return;
    }
    for (node_id id = 1; id < i->graph->node_count; id++)
        add_node(i, &labels, id);
    wn_labels_free(&labels);
    for (uint32_t k = 0; k < i->graph->output_count; k++)
        add_listed(i, i->output_spots[k], WN_SERVES_OUTPUT, k);
    if (i->listed.count) qsort(i->listed.at, i->listed.count, sizeof *i->listed.at, compare_listed);
}

/* ---- What the plan knows ------------------------------------------------------------------------------------------------ */

/* What stages say of a node. */
enum {
    IN_PROGRAM = 1, /* a value of a program is the node's           */
    VARIES = 2,     /* and one that does not stay through the loop  */
    BY_LIBRARY = 4, /* a stage's output that no function of the object makes */
    LOADED = 8,     /* an input that others' instructions load */
    CONVERTED = 16  /* an input whose own instructions convert it as they load it */
};

static void mark_program(const plan_program *p, uint8_t *marks) {
    for (uint32_t k = 0; k < p->value_count; k++)
        if (p->values[k].node)
            marks[p->values[k].node] |= (uint8_t)(IN_PROGRAM | (p->values[k].invariant ? 0 : VARIES));
}

static void mark_stages(const wn_inspection *i, uint8_t *marks) {
    for (uint32_t k = 0; i->plan && k < i->plan->stage_count; k++) {
        const plan_stage *s = &i->plan->stages[k];
        mark_program(&s->program, marks);
        mark_program(&s->mask, marks);
        if (s->kind == STAGE_EXPAND && s->operands[0].source == SOURCE_INPUT)
            marks[s->operands[0].node] |= LOADED; /* in turn, by the expand */
        for (uint32_t j = 0; stage_is_librarys(s) && j < s->output_count; j++)
            marks[s->outputs[j].node] |= BY_LIBRARY;
    }
}

/* ---- Fates ------------------------------------------------------------------------------------------------------------- */

static void count_instructions(wn_inspection *i, uint8_t *marks, uint32_t *stores) {
    for (uint32_t k = 0; k < i->instructions.count; k++) {
        const wn_instruction *from = &i->instructions.at[k];
        if (from->of.serves == WN_SERVES_OUTPUT) stores[from->of.number]++;
        if (from->of.serves != WN_SERVES_NODE) continue;
        wn_node_info *n = &i->nodes.at[from->of.number - 1];
        n->instructions++;
        n->loop_instructions += from->in_loop;
        if (from->in_loop && wn_instruction_converts(from->text))
            marks[from->of.number] |= CONVERTED;
    }
}

/* Whether others' instructions can do a node's work: it has some in the loop, or no loop to have them in. */
static bool carries(const wn_node_info *n, uint8_t marks) {
    return n->loop_instructions > 0 || (n->instructions > 0 && !(marks & VARIES));
}

/* Where the work of a node that has no code is done: by its nearest user that has some, or by the store of what it is the output of. Users
   have higher ids, so one walk downwards meets them first. */
static void find_carriers(wn_inspection *i, const uint8_t *marks, const uint32_t *stores) {
    const wn_graph *g = i->graph;
    for (uint32_t k = 0; k < g->output_count; k++)
        if (stores[k]) i->nodes.at[g->outputs[k] - 1].into = (wn_origin){WN_SERVES_OUTPUT, k};
    for (node_id id = g->node_count - 1; id > 0; id--) {
        const wn_node_info *n = &i->nodes.at[id - 1];
        wn_origin carrier =
            carries(n, marks[id]) || n->instructions ? (wn_origin){WN_SERVES_NODE, id} : n->into;
        for (int a = 0; a < 3 && n->operands[a]; a++)
            if (carrier.serves) i->nodes.at[n->operands[a] - 1].into = carrier;
    }
}

/* The register that an instruction before the loop loads an input's pointer into; -1: none. */
static int pointer_register(const wn_inspection *i, const wn_instruction *at) {
    bool of_input = at->of.serves == WN_SERVES_NODE &&
                    graph_node(i->graph, at->of.number)->op == OP_input && !at->in_loop;
    instruction_facts facts = wn_instruction_facts(at->text, false);
    return of_input && facts.loads && facts.written >= GENERAL_REGISTERS ? facts.written : -1;
}

/* Whom the first instruction of the loop serves that loads by the pointer, but for the input itself. */
static wn_origin find_loader(const wn_inspection *i, const wn_function_info *f, uint32_t input,
                             int pointer) {
    const wn_instruction *at = i->instructions.at + f->first_instruction;
    for (const wn_instruction *end = at + f->instruction_count; at < end; at++) {
        bool own = at->of.serves == WN_SERVES_NODE && at->of.number == input;
        if (at->in_loop && !own && wn_instruction_facts(at->text, false).loads &&
            wn_instruction_addresses(at->text, pointer))
            return at->of;
    }
    return (wn_origin){WN_SERVES_NOTHING, 0};
}

static void find_loaders(wn_inspection *i, uint8_t *marks) {
    for (uint32_t k = 0; k < i->functions.count; k++) {
        const wn_function_info *f = &i->functions.at[k];
        for (uint32_t j = 0; j < f->instruction_count; j++) {
            const wn_instruction *at = &i->instructions.at[f->first_instruction + j];
            int pointer = pointer_register(i, at);
            wn_node_info *n = pointer < 0 ? NULL : &i->nodes.at[at->of.number - 1];
            if (!n || n->loop_instructions || marks[at->of.number] & LOADED) continue;
            wn_origin loader = find_loader(i, f, at->of.number, pointer);
            if (!loader.serves) continue;
            n->into = loader;
            marks[at->of.number] |= LOADED;
        }
    }
}

/* A cast that is part of its operand's load is done by that. */
static void find_converted(wn_inspection *i, const uint8_t *marks) {
    for (uint32_t k = 0; k < i->nodes.count; k++) {
        wn_node_info *n = &i->nodes.at[k];
        op o = (op)graph_node(i->graph, k + 1)->op;
        uint32_t operand = n->operands[0];
        bool part = o == OP_cast && n->instructions == 0 && marks[operand] & CONVERTED &&
                    graph_node(i->graph, operand)->op == OP_input;
        if (part) n->into = (wn_origin){WN_SERVES_NODE, operand};
    }
}

static bool is_used(const wn_graph *g, node_id id) {
    for (node_id user = id + 1; user < g->node_count; user++)
        for (int a = 0; a < 3; a++)
            if (graph_node(g, user)->args[a] == id) return true;
    for (uint32_t k = 0; k < g->output_count; k++)
        if (g->outputs[k] == id) return true;
    return false;
}

/* Whether a stage packs by this boolean_mask or nonzero; a reduction may take its elements where they lie. */
static bool is_packed(const wn_inspection *i, node_id id) {
    const node *n = graph_node(i->graph, id);
    if (n->op != OP_boolean_mask && n->op != OP_nonzero) return false;
    dim length = node_dims(i->graph, n)[n->attribute];
    for (uint32_t k = 0; k < i->plan->stage_count; k++) {
        const plan_stage *s = &i->plan->stages[k];
        if (stage_is_masked(s) && s->count_symbol == ~length) return true;
    }
    return false;
}

static wn_fate fate_of(const wn_inspection *i, node_id id, uint8_t marks) {
    const wn_node_info *n = &i->nodes.at[id - 1];
    op o = (op)graph_node(i->graph, id)->op;
    if (o == OP_input && n->instructions == 0 && !(marks & IN_PROGRAM) && !is_used(i->graph, id))
        return WN_FATE_UNUSED;
    if (!i->plan || (i->error.status != WN_OK && !i->functions.count)) return WN_FATE_UNKNOWN;
    if (n->loop_instructions > 0) return WN_FATE_CODE;
    if (marks & LOADED && n->into.serves) return WN_FATE_LOADED;
    if (o == OP_constant && n->instructions == 0) return WN_FATE_CONSTANT;
    if (n->instructions > 0 && !(marks & VARIES))
        return marks & IN_PROGRAM ? WN_FATE_HOISTED : WN_FATE_CODE;
    if (marks & BY_LIBRARY) return WN_FATE_C;
    if (n->into.serves == WN_SERVES_NOTHING) return n->instructions ? WN_FATE_CODE : WN_FATE_C;
    return is_packed(i, id) ? WN_FATE_PACKED : WN_FATE_ABSORBED;
}

/* ---- The ledger ---------------------------------------------------------------------------------------------------------- */

static const char *origin_label(const wn_inspection *i, wn_origin o) {
    if (o.serves == WN_SERVES_NODE) return i->nodes.at[o.number - 1].label;
    const char *name = wn_graph_name(i->graph, NAME_OUTPUT, (int32_t)o.number);
    return o.serves == WN_SERVES_OUTPUT && name ? name : "";
}

static void record_stage(wn_inspection *i, uint32_t number) {
    const wn_stage_info *s = &i->stages.at[number];
    const plan_output *o = &i->plan->stages[number].outputs[0];
    wn_decision *d = APPEND(i, decisions);
    if (!d) return;
    *d = (wn_decision){.pass = "plan",
                       .rule = wn_inspection_print(i, "a loop of its own: %s", s->kind),
                       .before = i->nodes.at[o->node - 1].label,
                       .after = wn_inspection_print(i, "stage %u%s%s", number,
                                                    *s->space ? " over " : "", s->space),
                       .reason = s->reason,
                       .of = {WN_SERVES_NODE, o->node},
                       .stage = number + 1};
}

/* How wide the vectors of a loop are, and why (choose_step in plan.c). */
static void record_lanes(wn_inspection *i, uint32_t number) {
    const plan_stage *s = &i->plan->stages[number];
    const plan_program *p = &s->program;
    wn_decision *d = s->kind == STAGE_WHOLE ? NULL : APPEND(i, decisions);
    if (!d) return;
    static const char *const values[] = {
        [4] = "few values: four registers each keep the ports busy",
        [2] = "several values: two registers each are enough, and shorter code",
        [1] = "many values: one register each, more would only make the code longer, or spill"};
    const char *words = "a word of the mask at a time, since what is packed waits for its count";
    bool by_word = !stage_has(s, KERNEL_MAP) && (s->kind == STAGE_PACK || s->kind == STAGE_EXPAND);
    *d =
        (wn_decision){.pass = "lanes",
                      .rule = by_word ? words : values[step_registers(p)],
                      .before = wn_inspection_print(i, "stage %u", number),
                      .after = wn_inspection_print(i, "%d elements a step", p->step),
                      .reason = p->lanes < p->step
                                    ? "all elements are equally wide: a vector is a register"
                                    : "narrow elements meet wide ones, or bits: a vector is a step",
                      .of = {WN_SERVES_NODE, s->outputs[0].node},
                      .stage = number + 1};
}

/* What a function does, and when it is the one that runs; of any kind of stage, or of this one alone. */
static const struct {
    kernel_function function;
    int kind; /* a stage_kind, or -1 */
    const char *what, *when;
} function_texts[] = {
    /* the first row that fits */
    {KERNEL_MAP, STAGE_REDUCE, "computes what is to be reduced",
     "for rows that are short or not contiguous, which a function in C reduces"},
    {KERNEL_MAP, STAGE_ROWS, "computes the elements of rows",
     "the driver moves those that the mask selects"},
    {KERNEL_MAP, STAGE_EXPAND, "computes the fill", "for long rows, over which those of v are laid"},
    {KERNEL_MAP, -1, "computes every output, block by block", "for arrays that the caches hold"},
    {KERNEL_STREAM, STAGE_REDUCE, "computes the same, and asks for lines ahead",
     "for inputs that are larger than the caches"},
    {KERNEL_STREAM, -1, "computes the same, with stores that pass by the caches",
     "for arrays that are larger than those"},
    {KERNEL_COUNT, STAGE_EXPAND,
     "evaluates the mask alone, and counts it", "of rows before all else, into a bitmap; of elements once there are no more values, for the message that says how many are missing"},
    {KERNEL_COUNT, -1, "evaluates the mask alone, into a bitmap, and counts it",
     "where the length of the result has to be known first"},
    {KERNEL_FUSED, -1, "evaluates, packs and stores in one pass",
     "for an array of the caller's, which has room for all"},
    {KERNEL_SCATTER, -1, "evaluates, and packs by the bitmap",
     "for a result that was allocated once the mask was counted"},
    {KERNEL_REDUCE, -1, "computes, and joins to accumulators in registers",
     "for rows that are long and contiguous"},
    {KERNEL_EXPAND, -1, "stores the next value where the mask is true, else the fill",
     "in one pass: values are taken in turn"},
};

static void record_function(wn_inspection *i, uint32_t number, kernel_function f) {
    const plan_stage *s = &i->plan->stages[number];
    wn_decision *d = APPEND(i, decisions);
    size_t row = 0;
    if (!d) return;
    while (function_texts[row].function != f ||
           (function_texts[row].kind >= 0 && function_texts[row].kind != (int)s->kind))
        row++;
    const char *when = function_texts[row].when;
    bool late = function_is_wanted(s, f, FUNCTIONS_LATE);
    *d = (wn_decision){
        .pass = "functions",
        .rule = function_texts[row].what,
        .before = wn_inspection_print(i, "stage %u", number),
        .after = wn_inspection_print(i, "wn_%s_%u", kernel_function_name[f], number),
        .reason = late ? wn_inspection_print(i, "%s; compiled when it is first needed", when) : when,
        .of = {WN_SERVES_NODE, s->outputs[0].node},
        .stage = number + 1};
}

static void record_functions(wn_inspection *i, uint32_t number) {
    for (kernel_function f = KERNEL_MAP; f < KERNEL_FUNCTION_COUNT; f++)
        if (stage_has(&i->plan->stages[number], f)) record_function(i, number, f);
}

/* "wn_fused_0, wn_scatter_0" */
static const char *function_names(wn_inspection *i, const provider_choice *c) {
    const char *names = c->functions ? "" : "all functions";
    for (kernel_function f = KERNEL_MAP; f < KERNEL_FUNCTION_COUNT; f++)
        if (c->functions >> f & 1)
            names = wn_inspection_print(i, "%s%swn_%s_%u", names, *names ? ", " : "",
                                        kernel_function_name[f], c->stage);
    return names;
}

/* What the emitters chose. */
static void record_choices(wn_inspection *i) {
    for (size_t k = 0; k < i->result.choice_count; k++) {
        const provider_choice *c = &i->result.choices[k];
        wn_decision *d = APPEND(i, decisions);
        if (!d) return;
        *d = (wn_decision){.pass = "emit",
                           .rule = wn_inspection_keep(i, c->what, strlen(c->what)),
                           .before = c->node ? i->nodes.at[c->node - 1].label : "the loop",
                           .after = function_names(i, c),
                           .reason = c->why,
                           .of = {c->node ? WN_SERVES_NODE : WN_SERVES_LOOP, c->node},
                           .stage = c->functions ? c->stage + 1 : 0};
    }
}

/* What the fates that need an explanation are: as a rule, and as a reason. */
static const char *const fate_texts[][2] = {
    [WN_FATE_CODE] = {NULL, NULL},
    [WN_FATE_HOISTED] = {"hoisted",
                         "it is the same for every element: computed once, before the loop"},
    [WN_FATE_LOADED] = {"loaded by its user",
                        "an operand in memory needs no instruction of its own"},
    [WN_FATE_ABSORBED] = {"absorbed",
                          "other instructions do its work too, or LLVM found that none is needed"},
    [WN_FATE_CONSTANT] = {"constant", "an immediate operand, or memory beside the code"},
    [WN_FATE_PACKED] = {"packed along",
                        "values are computed before they are packed, and packed once"},
    [WN_FATE_C] = {"done by the library",
                   "a function in C does it, over whole arrays or short rows"},
    [WN_FATE_UNUSED] = {"unused", "nothing reads it"},
    [WN_FATE_UNKNOWN] = {NULL, NULL},
};

static void record_fate(wn_inspection *i, node_id id) {
    const wn_node_info *n = &i->nodes.at[id - 1];
    if (!fate_texts[n->fate][0]) return;
    wn_decision *d = APPEND(i, decisions);
    if (!d) return;
    *d = (wn_decision){.pass = "code",
                       .rule = fate_texts[n->fate][0],
                       .before = n->label,
                       .after = origin_label(i, n->into),
                       .reason = fate_texts[n->fate][1],
                       .of = {WN_SERVES_NODE, id}};
}

static void settle(wn_inspection *i, uint8_t *marks, uint32_t *stores) {
    mark_stages(i, marks);
    count_instructions(i, marks, stores);
    find_carriers(i, marks, stores);
    find_loaders(i, marks);
    find_converted(i, marks);
    for (node_id id = 1; id < i->graph->node_count; id++) {
        wn_node_info *n = &i->nodes.at[id - 1];
        n->fate = fate_of(i, id, marks[id]);
        bool points = n->fate >= WN_FATE_LOADED && n->fate <= WN_FATE_PACKED;
        if (!points) n->into = (wn_origin){WN_SERVES_NOTHING, 0};
    }
    for (uint32_t k = 0; k < i->stages.count; k++) {
        record_stage(i, k);
        record_lanes(i, k);
        record_functions(i, k);
    }
    record_choices(i);
    for (node_id id = 1; id < i->graph->node_count; id++)
        record_fate(i, id);
}

void wn_inspect_fates(wn_inspection *i) {
    if (i->failed) return;
    size_t marks_size = i->graph->node_count,
           stores_size = sizeof(uint32_t) * (i->graph->output_count + 1);
    uint8_t *marks = wn_allocate(i->context, marks_size);
    uint32_t *stores = wn_allocate(i->context, stores_size);
    if (marks && stores) {
        memset(marks, 0, marks_size);
        memset(stores, 0, stores_size);
        settle(i, marks, stores);
    } else {
        i->failed = true;
    }
    wn_release(i->context, marks, marks ? marks_size : 0);
    wn_release(i->context, stores, stores ? stores_size : 0);
}
