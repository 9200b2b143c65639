/*
 * inspect.h - look at what becomes of a graph: its listing, its plan, its LLVM IR, its machine code.
 *
 *     size_t length;
 *     char *text = wn_inspect(g, NULL, WN_VIEW_PLAN, &length);
 *     if (text) fwrite(text, 1, length, stdout);
 *     wn_text_free(ctx, text, length);
 *
 * For people and for tools that show things to people. The texts may change with any version; only the listing
 * (WN_VIEW_GRAPH) is a language, which wn_parse reads back.
 */
#ifndef WINNOW_INSPECT_H
#define WINNOW_INSPECT_H

#include "winnow/winnow.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum wn_view {
    WN_VIEW_GRAPH, /* the canonical listing: inputs, a statement for each live value, outputs */
    WN_VIEW_DOT,   /* the same as a drawing, for Graphviz                                     */
    WN_VIEW_PLAN,  /* the loops that the graph is cut into, each with its reason              */
    WN_VIEW_IR,    /* LLVM IR as it is emitted                                                */
    WN_VIEW_IR_OPTIMIZED, /* LLVM IR after the passes                                                */
    WN_VIEW_ASSEMBLY, /* the instructions                                                        */
    WN_VIEW_OBJECT    /* the ELF object, the very bytes that a kernel runs: binary               */
} wn_view;

/*
 * Show one stage of a graph's way to machine code.
 *
 * graph    kept and unchanged; needs an output
 * options  NULL for defaults; isa may be one that this machine lacks; engine does not matter
 * length   receives the bytes, without the NUL that follows them; may be NULL for a text
 * Returns memory of the context that you own (wn_text_free), or NULL: wn_graph_error(graph) says why.
 * Cost: graph, dot and plan microseconds, and no LLVM; the others a compile each, which no cache answers.
 */
WN_API char *wn_inspect(wn_graph *graph, const wn_compile_options *options, wn_view view,
                        size_t *length);
/* Give back what wn_inspect returned, with its length. NULL does nothing. */
WN_API void wn_text_free(wn_context *context, char *text, size_t length);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
