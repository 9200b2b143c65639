/*
 * columns_layout.h - how a stage's columns are reduced: decided when it is prepared (columns_layout.c), done by columns.c.
 */
#ifndef WN_COLUMNS_LAYOUT_H
#define WN_COLUMNS_LAYOUT_H

#include "run/columns.h"
#include "run/fold.h"

/* Counters of a byte for the last rounds, and of eight for those before. */
typedef struct counter {
    int64_t lanes;
    size_t narrow, wide; /* in a set */
} counter;

typedef struct column_output {
    op op;
    wn_type type, folded;    /* of elements; of what is folded: f32's keys are i32 */
    uint64_t bits, identity; /* the node's; of elements                            */
    bool tree, truth, place, order, masked;
    bool counts;  /* what is selected is counted                        */
    bool running; /* place by place: places are of those selected       */
    int64_t lanes;
    fold_fn *fold;
    fold_rows_fn *rows;
    size_t acc, levels, places; /* in a set */
    size_t cells;               /* bytes of acc, and of a level */
    counter trues, selected;
} column_output;

/* How a stage's columns are reduced. A set is what is kept of all outputs, of one tile or part. */
typedef struct column_layout {
    int64_t columns, length;
    int64_t width, tiles;
    int64_t part, parts; /* places */
    int levels;          /* 0: one leaf is all */
    bool plain, boxes;   /* nothing is computed; places and columns are one axis each */
    bool in_rows;        /* columns are short rows */
    size_t set_size;
    const fold_loops *loops;
    column_output outputs[];
} column_layout;

static inline column_layout *layout_of(const bound_stage *s) {
    return s->columns.data;
}

/* The stream that a value is, plain; NULL: it is computed. */
static inline operand *plain_stream(const bound_stage *s, uint32_t value) {
    const plan_value *v = &s->plan->program.values[value];
    if (v->kind != VALUE_STREAM || s->grid.in[v->number].mode == OPERAND_SCALAR) return NULL;
    return s->plan->program.streams[v->number].bits ? NULL : &s->grid.in[v->number];
}

static inline bool is_least(const column_output *out) {
    return out->op == OP_min || out->op == OP_argmin;
}

#endif
