/*
 * inspect_trace.c - what a graph's trace says, in terms of the copy that is inspected: places in the text, and the rewrites of building.
 *
 * A rewrite's operands may be nodes that died on the way. They are written out as expressions, down to what is alive and has a label.
 */
#include "run/inspection.h"

#include "graph/lex.h"
#include "graph/trace.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 6 };

typedef struct telling {
    wn_inspection *i;
    const wn_graph *from;
    const node_id *ids;
    wn_buffer b;
} telling;

/* ---- Expressions ------------------------------------------------------------------------------------------------------- */

static void write_node(telling *t, const node *n, int depth);

static void write_value(telling *t, node_id id, int depth) {
    const node *n = graph_node(t->from, id);
    char text[40];
    if (n->op == OP_constant || n->op == OP_literal) {
        wn_constant_text(n, text);
        wn_buffer_add(&t->b, "%s", text);
    } else if (t->ids[id]) {
        wn_buffer_add(&t->b, "%s", t->i->nodes.at[t->ids[id] - 1].label);
    } else if (depth == 0) {
        wn_buffer_add(&t->b, "...");
    } else {
        write_node(t, n, depth - 1);
    }
}

static void write_node(telling *t, const node *n, int depth) {
    wn_buffer_add(&t->b, "%s(", wn_op_row((op)n->op)->name);
    for (int a = 0; a < 3; a++) {
        if (!n->args[a]) break;
        if (a) wn_buffer_add(&t->b, ", ");
        write_value(t, n->args[a], depth);
    }
    if (n->op == OP_cast) wn_buffer_add(&t->b, ", %s", wn_type_name((wn_type)n->type));
    wn_buffer_add(&t->b, ")");
}

static const char *take(telling *t) {
    t->i->failed |= t->b.failed;
    const char *text = wn_inspection_keep(t->i, t->b.length ? t->b.text : "", t->b.length);
    t->b.length = 0;
    return text;
}

/* ---- The ledger -------------------------------------------------------------------------------------------------------- */

static const char *reason_of(const char *pass) {
    if (!strcmp(pass, "merge")) return "equal values are one";
    if (!strcmp(pass, "build")) return "graphs have few operations, the others are made of them";
    return "less to compute, or more regular, with the same bits for every input";
}

static void add_rewrite(telling *t, const trace_rewrite *from) {
    wn_decision *d = APPEND(t->i, decisions);
    if (!d) return;
    node_id after = t->ids[from->after];
    write_node(t, &from->before, DEEPEST);
    const char *before = take(t);
    write_value(t, from->after, DEEPEST);
    *d = (wn_decision){.pass = from->pass,
                       .rule = from->rule ? from->rule : "",
                       .before = before,
                       .after = take(t),
                       .reason = reason_of(from->pass),
                       .of = {after ? WN_SERVES_NODE : WN_SERVES_NOTHING, after}};
}

/* ---- Places ------------------------------------------------------------------------------------------------------------ */

static void find_places(wn_inspection *i) {
    text_place at = {0, 1, 1};
    i->places = i->failed ? NULL : wn_allocate(i->context, (i->source_length + 1) * sizeof at);
    i->failed |= !i->places;
    if (i->failed) return;
    for (size_t k = 0; k < i->source_length;) {
        size_t size = wn_utf8_length(i->source + k, i->source_length - k), next = k + (size ? size : 1);
        bool ends = i->source[k] == '\n';
        while (k < next)
            i->places[k++] = at;
        at = (text_place){at.character + 1, at.line + ends, ends ? 1 : at.column + 1};
    }
    i->places[i->source_length] = at;
}

static void add_names(wn_inspection *i) {
    for (uint32_t k = 0; k < i->graph->name_count; k++) {
        const node_name *from = &i->graph->names[k];
        wn_spelling *to = APPEND(i, spellings);
        if (to) *to = (wn_spelling){.node = from->id, .name = from->text};
    }
}

static int compare_spellings(const void *a, const void *b) {
    const wn_spelling *x = a, *y = b;
    if (x->node != y->node) return x->node < y->node ? -1 : 1;
    if (!x->name != !y->name) return x->name ? -1 : 1;
    if (x->name && y->name) return strcmp(x->name, y->name);
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static void add_texts(telling *t, const graph_trace *trace) {
    for (uint32_t k = 0; k < trace->spelling_count && !t->i->failed; k++) {
        const trace_spelling *s = &trace->spellings[k];
        const text_place *begin = &t->i->places[s->begin];
        wn_spelling *to = s->node && t->ids[s->node] ? APPEND(t->i, spellings) : NULL;
        if (!to) continue;
        *to = (wn_spelling){.node = t->ids[s->node],
                            .begin = s->begin,
                            .end = s->end,
                            .line = begin->line,
                            .column = begin->column};
    }
}

static void tell(telling *t, const graph_trace *trace) {
    wn_inspection *i = t->i;
    i->source_length = trace->text.length;
    i->source = wn_inspection_keep(i, trace->text.length ? trace->text.text : "", trace->text.length);
    find_places(i);
    add_texts(t, trace);
    for (uint32_t k = 0; k < trace->rewrite_count && !i->failed; k++)
        add_rewrite(t, &trace->rewrites[k]);
    wn_buffer_free(&t->b);
}

void wn_inspect_trace(wn_inspection *i, const wn_graph *from, const node_id *ids) {
    telling t = {.i = i, .from = from, .ids = ids, .b = {.context = i->context}};
    if (i->failed) return;
    add_names(i);
    if (from && from->trace) tell(&t, from->trace);
    if (i->spellings.count)
        qsort(i->spellings.at, i->spellings.count, sizeof *i->spellings.at, compare_spellings);
}
