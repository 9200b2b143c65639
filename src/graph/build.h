/*
 * build.h - what the files that make nodes share: build.c (elementwise), build_mask.c, build_reduction.c.
 */
#ifndef WN_BUILD_H
#define WN_BUILD_H

#include "graph/graph.h"

static inline bool is_literal(const wn_graph *g, node_id id) {
    return node_is_literal(graph_node(g, id));
}
static inline wn_type node_type(const wn_graph *g, node_id id) {
    return (wn_type)graph_node(g, id)->type;
}

/* Give values that must have one type that type, literals among them: the choices of a where or select, or what is put in and where it
   is put in. build.c */
bool wn_type_choices(wn_graph *g, op o, node_id *args, size_t count);

/* An operation from OP_boolean_mask to OP_compress. build_mask.c */
node_id wn_build_mask(wn_graph *g, op o, const node_id *args, int32_t attribute);
/* x != 0, or x if it is a bool: what nonzero and the reductions of truth look at. build_mask.c */
node_id wn_build_truth(wn_graph *g, node_id x);
/* A negative axis counts from the end of `rank` axes. False, and the graph fails, if there is none such. build_mask.c */
bool wn_find_axis(wn_graph *g, op o, int rank, int32_t *axis);

#endif
