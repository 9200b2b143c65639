/*
 * inspect_json.c - an inspection as one JSON document: docs/inspection.md says what each member means.
 */
#include "run/inspection.h"

#include "graph/json.h"

#include <stdio.h>
#include <string.h>

/* ---- Pieces ------------------------------------------------------------------------------------------------------------ */

/* "n3", "o0", "loop" or "" */
static void add_origin(json *j, wn_origin o) {
    char text[16] = "";
    if (o.serves == WN_SERVES_NODE) snprintf(text, sizeof text, "n%u", o.number);
    if (o.serves == WN_SERVES_OUTPUT) snprintf(text, sizeof text, "o%u", o.number);
    wn_json_string(j, o.serves == WN_SERVES_LOOP ? "loop" : text);
}

static void add_of(json *j, const char *key, wn_origin o) {
    wn_json_key(j, key);
    add_origin(j, o);
}

static wn_origin node_origin(uint32_t number) {
    return (wn_origin){number ? WN_SERVES_NODE : WN_SERVES_NOTHING, number};
}

static void add_spot(json *j, uint32_t line, uint32_t column) {
    if (!line) return;
    wn_json_count(j, "line", line);
    wn_json_count(j, "column", column);
}

static void add_lines(json *j, const char *key, const wn_line *lines, uint32_t first, uint32_t count) {
    wn_json_open_member(j, key, '[');
    for (uint32_t k = first; k < first + count; k++) {
        wn_json_open(j, '{');
        wn_json_member(j, "text", lines[k].text);
        add_of(j, "of", lines[k].of);
        wn_json_close(j, '}');
    }
    wn_json_close(j, ']');
}

/* ---- The graph --------------------------------------------------------------------------------------------------------- */

static void add_arrays(const wn_inspection *i, json *j) {
    const wn_graph *g = i->graph;
    wn_json_open_member(j, "inputs", '[');
    for (uint32_t k = 0; k < g->input_count && k < g->numbered_count[NAME_INPUT]; k++) {
        const wn_node_info *n = &i->nodes.at[g->inputs[k] - 1];
        wn_json_open(j, '{');
        add_of(j, "of", node_origin(g->inputs[k]));
        wn_json_member(j, "name", wn_graph_name(g, NAME_INPUT, (int32_t)k));
        wn_json_member(j, "type", wn_type_name(n->type));
        wn_json_member(j, "shape", n->shape);
        wn_json_close(j, '}');
    }
    wn_json_close(j, ']');
    wn_json_open_member(j, "outputs", '[');
    for (uint32_t k = 0; k < g->output_count && k < g->numbered_count[NAME_OUTPUT]; k++) {
        const wn_node_info *n = &i->nodes.at[g->outputs[k] - 1];
        wn_json_open(j, '{');
        add_of(j, "of", (wn_origin){WN_SERVES_OUTPUT, k});
        wn_json_member(j, "name", wn_graph_name(g, NAME_OUTPUT, (int32_t)k));
        add_of(j, "node", node_origin(g->outputs[k]));
        wn_json_member(j, "type", wn_type_name(n->type));
        wn_json_member(j, "shape", n->shape);
        add_spot(j, i->output_spots[k].line, i->output_spots[k].column);
        wn_json_close(j, '}');
    }
    wn_json_close(j, ']');
}

static void add_listing(const wn_inspection *i, json *j) {
    uint32_t line = 0, next = 0;
    wn_json_open_member(j, "listing", '[');
    for (const char *text = i->listing.length ? i->listing.text : ""; *text;) {
        size_t length = strcspn(text, "\n");
        line++;
        wn_json_open(j, '{');
        wn_json_key(j, "text");
        wn_json_text(j, text, length);
        wn_json_open_member(j, "of", '[');
        for (; next < i->listed.count && i->listed.at[next].spot.line == line; next++)
            add_origin(j, i->listed.at[next].origin);
        wn_json_close(j, ']');
        wn_json_close(j, '}');
        text += length + (text[length] == '\n');
    }
    wn_json_close(j, ']');
}

static const char *const fate_names[] = {[WN_FATE_CODE] = "code",
                                         [WN_FATE_HOISTED] = "hoisted",
                                         [WN_FATE_LOADED] = "loaded",
                                         [WN_FATE_ABSORBED] = "absorbed",
                                         [WN_FATE_CONSTANT] = "constant",
                                         [WN_FATE_PACKED] = "packed",
                                         [WN_FATE_C] = "c",
                                         [WN_FATE_UNUSED] = "unused",
                                         [WN_FATE_UNKNOWN] = "unknown"};

/* Those of a node, which are the next ones. */
static void add_spellings(const wn_inspection *i, json *j, uint32_t id, uint32_t *next) {
    wn_json_open_member(j, "spellings", '[');
    for (; *next < i->spellings.count && i->spellings.at[*next].node == id; ++*next) {
        const wn_spelling *s = &i->spellings.at[*next];
        wn_json_open(j, '{');
        if (s->name) {
            wn_json_member(j, "name", s->name);
        } else {
            wn_json_count(j, "begin", i->places[s->begin].character);
            wn_json_count(j, "end", i->places[s->end].character);
            add_spot(j, s->line, s->column);
        }
        wn_json_close(j, '}');
    }
    wn_json_close(j, ']');
}

static void add_node(const wn_inspection *i, json *j, uint32_t id, uint32_t *spelling) {
    const wn_node_info *n = &i->nodes.at[id - 1];
    wn_json_open(j, '{');
    add_of(j, "id", node_origin(id));
    wn_json_member(j, "op", n->op);
    wn_json_member(j, "label", n->label);
    wn_json_member(j, "type", wn_type_name(n->type));
    wn_json_member(j, "shape", n->shape);
    add_spot(j, n->line, n->column);
    wn_json_open_member(j, "operands", '[');
    for (int a = 0; a < 3 && n->operands[a]; a++)
        add_origin(j, node_origin(n->operands[a]));
    wn_json_close(j, ']');
    add_spellings(i, j, id, spelling);
    wn_json_member(j, "fate", fate_names[n->fate]);
    add_of(j, "into", n->into);
    wn_json_count(j, "instructions", n->instructions);
    wn_json_count(j, "loop_instructions", n->loop_instructions);
    wn_json_close(j, '}');
}

static void add_decisions(const wn_inspection *i, json *j) {
    wn_json_open_member(j, "decisions", '[');
    for (uint32_t k = 0; k < i->decisions.count; k++) {
        const wn_decision *d = &i->decisions.at[k];
        wn_json_open(j, '{');
        wn_json_member(j, "pass", d->pass);
        wn_json_member(j, "rule", d->rule);
        wn_json_member(j, "before", d->before);
        wn_json_member(j, "after", d->after);
        wn_json_member(j, "reason", d->reason);
        add_of(j, "of", d->of);
        if (d->stage) wn_json_count(j, "stage", d->stage - 1);
        wn_json_close(j, '}');
    }
    wn_json_close(j, ']');
}

/* ---- Plan and code ----------------------------------------------------------------------------------------------------- */

static void add_stage(const wn_inspection *i, json *j, uint32_t number) {
    const wn_stage_info *s = &i->stages.at[number];
    wn_json_open(j, '{');
    wn_json_member(j, "kind", s->kind);
    wn_json_member(j, "reason", s->reason);
    wn_json_member(j, "space", s->space);
    wn_json_count(j, "bytes_read", s->bytes_read);
    wn_json_count(j, "bytes_written", s->bytes_written);
    wn_json_count(j, "first_line", s->first_line);
    wn_json_count(j, "line_count", s->line_count);
    wn_json_open_member(j, "functions", '[');
    for (uint32_t f = 0; f < i->functions.count; f++)
        if (i->functions.at[f].stage == number) wn_json_number(j, f);
    wn_json_close(j, ']');
    wn_json_close(j, '}');
}

static void add_plan(const wn_inspection *i, json *j) {
    wn_json_open_member(j, "plan", '{');
    add_lines(j, "lines", i->plan_lines.at, 0, i->plan_lines.count);
    wn_json_open_member(j, "stages", '[');
    for (uint32_t k = 0; k < i->stages.count; k++)
        add_stage(i, j, k);
    wn_json_close(j, ']');
    wn_json_close(j, '}');
}

static void add_instruction(json *j, const wn_instruction *at) {
    static const char digits[] = "0123456789abcdef";
    char bytes[2 * 16 + 1];
    uint32_t length = at->length < 16 ? at->length : 16;
    for (uint32_t k = 0; k < length; k++) {
        bytes[2 * k] = digits[at->bytes[k] >> 4];
        bytes[2 * k + 1] = digits[at->bytes[k] & 15];
    }
    bytes[2 * length] = 0;
    wn_json_open(j, '{');
    wn_json_count(j, "offset", at->offset);
    wn_json_member(j, "bytes", bytes);
    wn_json_member(j, "text", at->text);
    if (*at->constant) wn_json_member(j, "constant", at->constant);
    add_of(j, "of", at->of);
    if (at->in_loop) {
        wn_json_key(j, "loop");
        wn_json_bool(j, true);
    }
    if (at->target >= 0) wn_json_count(j, "target", at->target);
    wn_json_close(j, '}');
}

static void add_figures_of(json *j, const wn_function_info *f) {
    const struct {
        const char *key;
        uint32_t number;
    } rows[] = {{"loops", f->loops},           {"loop_begin", f->loop_begin},
                {"loop_end", f->loop_end},     {"loop_instructions", f->loop_instructions},
                {"loop_loads", f->loop_loads}, {"loop_stores", f->loop_stores},
                {"spills", f->spills},         {"vector_bits", f->vector_bits},
                {"elements", f->elements}};
    wn_json_open_member(j, "figures", '{');
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        wn_json_count(j, rows[k].key, rows[k].number);
    wn_json_close(j, '}');
}

static void add_function(const wn_inspection *i, json *j, const wn_function_info *f) {
    wn_json_open(j, '{');
    wn_json_member(j, "name", f->name);
    wn_json_member(j, "kind", f->kind);
    wn_json_count(j, "stage", f->stage);
    wn_json_count(j, "offset", f->offset);
    wn_json_count(j, "bytes", f->bytes);
    add_figures_of(j, f);
    wn_json_open_member(j, "instructions", '[');
    for (uint32_t k = 0; k < f->instruction_count; k++)
        add_instruction(j, &i->instructions.at[f->first_instruction + k]);
    wn_json_close(j, ']');
    add_lines(j, "ir", i->ir.at, f->first_ir, f->ir_count);
    add_lines(j, "ir_optimized", i->ir_optimized.at, f->first_optimized, f->optimized_count);
    wn_json_close(j, '}');
}

/* ---- All of it --------------------------------------------------------------------------------------------------------- */

static void add_head(const wn_inspection *i, json *j) {
    wn_json_count(j, "version", 1);
    wn_json_member(j, "winnow", wn_version());
    if (i->provider) wn_json_member(j, "llvm", i->provider->llvm_version);
    wn_json_member(j, "isa", wn_isa_name(i->target.isa));
    if (i->error.status != WN_OK) {
        wn_json_open_member(j, "error", '{');
        wn_json_member(j, "status", wn_status_name(i->error.status));
        wn_json_member(j, "message", i->problem);
        wn_json_close(j, '}');
    }
    if (!i->source_length) return;
    wn_json_key(j, "text");
    wn_json_text(j, i->source, i->source_length);
}

static void add_totals(const wn_inspection *i, json *j, bool timed) {
    const wn_figures *f = &i->figures;
    wn_json_open_member(j, "figures", '{');
    wn_json_count(j, "stages", f->stages);
    wn_json_count(j, "bytes_per_element", f->bytes_per_element);
    wn_json_count(j, "code_bytes", f->code_bytes);
    wn_json_count(j, "constant_bytes", f->constant_bytes);
    wn_json_count(j, "object_bytes", f->object_bytes);
    wn_json_close(j, '}');
    if (!timed) return;
    const struct {
        const char *phase;
        int64_t ns;
    } rows[] = {{"build_ns", f->build_ns},       {"prune_ns", f->prune_ns},
                {"plan_ns", f->plan_ns},         {"emit_ns", f->emit_ns},
                {"optimize_ns", f->optimize_ns}, {"codegen_ns", f->codegen_ns},
                {"load_ns", f->load_ns}};
    wn_json_open_member(j, "timings", '{');
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        if (rows[k].ns) wn_json_count(j, rows[k].phase, rows[k].ns);
    wn_json_close(j, '}');
}

void wn_inspection_json(const wn_inspection *i, bool timed, wn_buffer *b) {
    json j = {.b = b};
    uint32_t spelling = 0;
    wn_json_open(&j, '{');
    add_head(i, &j);
    add_arrays(i, &j);
    add_listing(i, &j);
    wn_json_open_member(&j, "nodes", '[');
    for (uint32_t id = 1; id <= i->nodes.count; id++)
        add_node(i, &j, id, &spelling);
    wn_json_close(&j, ']');
    add_decisions(i, &j);
    add_plan(i, &j);
    wn_json_open_member(&j, "functions", '[');
    for (uint32_t f = 0; f < i->functions.count; f++)
        add_function(i, &j, &i->functions.at[f]);
    wn_json_close(&j, ']');
    add_totals(i, &j, timed);
    wn_json_close(&j, '}');
    wn_buffer_add(b, "\n");
}
