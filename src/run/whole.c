/*
 * whole.c - WHOLE stages: an operation on whole arrays, which the interpreter's functions do, where arrays lie and without a copy.
 */
#include "graph/interpret_mask.h"
#include "run/array.h"
#include "run/binding.h"

#include <string.h>

/* Operand i as an array. */
static wn_array operand_array(const wn_binding *b, const plan_stage *s, int i) {
    const plan_operand *o = &s->operands[i];
    if (o->source == SOURCE_INPUT) return b->now.inputs[o->number];
    if (o->source == SOURCE_TEMP) return b->temps[o->number];
    const node *n = graph_node(b->kernel->graph, o->node);
    return wn_scalar((wn_type)n->type, &n->bits); /* little-endian, as all that is compiled for */
}

unsigned wn_packed_axes(const wn_graph *g, node_id v) {
    const node *n = graph_node(g, v);
    unsigned packed = 0;
    for (int i = 0; i < n->rank; i++)
        packed |= (unsigned)dim_is_packed(g, node_dims(g, n)[i]) << i;
    return packed;
}

/* A count that is the length of what an earlier stage has packed. */
static wn_status store_length(wn_binding *b, const plan_output *o, wn_error *error) {
    TRY(wn_target_make(b, o, error));
    memcpy(wn_stage_target(b, o)->data, &b->now.symbols[o->symbol], sizeof(int64_t));
    return WN_OK;
}

wn_status wn_whole_run(wn_binding *b, uint32_t stage, wn_error *error) {
    const plan_stage *s = b->stages[stage].plan;
    const plan_output *o = &s->outputs[0];
    const node *n = graph_node(b->kernel->graph, o->node);
    if (n->op == OP_count) return store_length(b, o, error);
    mask_operation m = {.op = (op)n->op, .axis = n->attribute};
    if (n->op == OP_expand) m.packed = wn_packed_axes(b->kernel->graph, n->args[0]);
    wn_array args[3];
    for (int i = 0; i < node_arity(n); i++) {
        args[i] = operand_array(b, s, i);
        m.args[i] = &args[i];
    }
    int rank;
    int64_t shape[WN_MAX_RANK];
    TRY(wn_mask_shape(&m, &rank, shape, error));
    if (s->count_symbol >= 0) b->now.symbols[s->count_symbol] = shape[n->attribute];
    TRY(wn_target_make(b, o, error));
    wn_mask_run(&m, wn_stage_target(b, o));
    return WN_OK;
}
