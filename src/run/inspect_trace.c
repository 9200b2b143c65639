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

/* A walk through the text that knows where it is; backwards it begins anew. */
typedef struct place_walk {
    size_t at;
    uint32_t line, column;
} place_walk;

static void walk_to(place_walk *w, const char *text, size_t length, size_t to) {
    if (to < w->at) *w = (place_walk){0, 1, 1};
    while (w->at < to && w->at < length) {
        size_t size = wn_utf8_length(text + w->at, length - w->at);
        bool ends = text[w->at] == '\n';
        w->line += ends;
        w->column = ends ? 1 : w->column + 1;
        w->at += size ? size : 1;
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

static void add_places(telling *t, const graph_trace *trace) {
    wn_inspection *i = t->i;
    place_walk w = {0, 1, 1};
    for (uint32_t k = 0; k < trace->spelling_count; k++) {
        const trace_spelling *s = &trace->spellings[k];
        if (!t->ids[s->node]) continue;
        wn_spelling *to = APPEND(i, spellings);
        if (!to) return;
        walk_to(&w, trace->text.text, trace->text.length, s->begin);
        *to = (wn_spelling){
            .node = t->ids[s->node], .begin = s->begin, .end = s->end, .line = w.line, .column = w.column};
    }
}

void wn_inspect_trace(wn_inspection *i, const wn_graph *from, const node_id *ids) {
    const graph_trace *trace = from->trace;
    if (!trace || i->failed) return;
    telling t = {.i = i, .from = from, .ids = ids, .b = {.context = i->context}};
    i->source_length = trace->text.length;
    i->source = wn_inspection_keep(i, trace->text.length ? trace->text.text : "", trace->text.length);
    add_places(&t, trace);
    if (i->spellings.count)
        qsort(i->spellings.at, i->spellings.count, sizeof *i->spellings.at, compare_spellings);
    for (uint32_t k = 0; k < trace->rewrite_count && !i->failed; k++)
        add_rewrite(&t, &trace->rewrites[k]);
    wn_buffer_free(&t.b);
}
