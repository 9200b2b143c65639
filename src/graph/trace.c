/*
 * trace.c - the trace of a graph's building.
 */
#include "graph/trace.h"

#include <string.h>
#include <time.h>

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

WN_API void wn_trace(wn_graph *graph) {
    if (!graph_ok(graph) || graph->trace) return;
    graph->trace = wn_allocate(graph->context, sizeof *graph->trace);
    if (graph->trace) *graph->trace = (graph_trace){.text = {.context = graph->context}};
}

void wn_trace_free(wn_graph *g) {
    graph_trace *t = g->trace;
    if (!t) return;
    wn_buffer_free(&t->text);
    wn_release(g->context, t->spellings, t->spelling_room * sizeof *t->spellings);
    wn_release(g->context, t->rewrites, t->rewrite_room * sizeof *t->rewrites);
    wn_release(g->context, t, sizeof *t);
    g->trace = NULL;
}

size_t wn_trace_text(wn_graph *g, const char *text, size_t length) {
    if (!g->trace) return 0;
    wn_buffer *b = &g->trace->text;
    if (b->length) wn_buffer_add(b, "\n");
    size_t begin = b->length;
    wn_buffer_add_bytes(b, text, length);
    g->trace->build_ns -= now();
    return begin;
}

void wn_trace_text_done(wn_graph *g) {
    if (g->trace) g->trace->build_ns += now();
}

void wn_trace_spelling(wn_graph *g, node_id id, size_t begin, size_t end) {
    graph_trace *t = g->trace;
    if (!t || !id || end > t->text.length || end > UINT32_MAX)
        return; /* the text may not have fitted */
    if (!wn_grow(g->context, (void **)&t->spellings, &t->spelling_room,
                 (size_t)t->spelling_count + 1, sizeof *t->spellings))
        return;
    t->spellings[t->spelling_count++] = (trace_spelling){id, (uint32_t)begin, (uint32_t)end};
}

/* A literal is used soon after it is read, or never. */
void wn_trace_literal(wn_graph *g, node_id literal, node_id constant) {
    enum { RECENT = 1000 };
    graph_trace *t = g->trace;
    uint32_t first = t && t->spelling_count > RECENT ? t->spelling_count - RECENT : 0;
    for (uint32_t k = t ? t->spelling_count : 0; k-- > first;)
        if (t->spellings[k].node == literal) {
            t->spellings[k].node = constant;
            return;
        }
}

void wn_trace_rewrite(wn_graph *g, const char *pass, const char *rule, const node *before,
                      node_id after) {
    graph_trace *t = g->trace;
    if (!t || !after) return;
    if (!wn_grow(g->context, (void **)&t->rewrites, &t->rewrite_room, (size_t)t->rewrite_count + 1,
                 sizeof *t->rewrites))
        return;
    t->rewrites[t->rewrite_count++] = (trace_rewrite){pass, rule, *before, after};
}
