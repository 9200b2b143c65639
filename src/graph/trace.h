/*
 * trace.h - what building is remembered by, for whoever inspects the graph later: texts, which place asked for which value, and rewrites.
 *
 * A graph has a trace only after wn_trace. Each function here does nothing without one; a trace that runs out of memory stops growing, and
 * the graph goes on.
 */
#ifndef WN_TRACE_H
#define WN_TRACE_H

#include "graph/graph.h"

/* These bytes of the text asked for a value, and got this node. */
typedef struct trace_spelling {
    node_id node;
    uint32_t begin, end;
} trace_spelling;

/* Instead of `before`, which may never have been a node, came `after`. */
typedef struct trace_rewrite {
    const char *pass, *rule;
    node before;
    node_id after;
} trace_rewrite;

struct graph_trace {
    wn_buffer text; /* all that was parsed, one after the other */
    trace_spelling *spellings;
    uint32_t spelling_count, spelling_room;
    trace_rewrite *rewrites;
    uint32_t rewrite_count, rewrite_room;
    int64_t build_ns; /* what the texts took: to be read, built, and rewritten */
};

/* Where in the trace's text this one begins; 0 without a trace. A text is read from here on, until it is done. */
size_t wn_trace_text(wn_graph *g, const char *text, size_t length);
void wn_trace_text_done(wn_graph *g);
void wn_trace_spelling(wn_graph *g, node_id node, size_t begin, size_t end);
/* The last place that asked for this literal, and for no constant yet, asked for what it has become; 0: part of another literal. */
void wn_trace_literal(wn_graph *g, node_id literal, node_id constant);
void wn_trace_rewrite(wn_graph *g, const char *pass, const char *rule, const node *before,
                      node_id after);
void wn_trace_free(wn_graph *g);

#endif
