/*
 * lower.h - what plan.c and lower.c share while a plan is made.
 */
#ifndef WN_LOWER_H
#define WN_LOWER_H

#include "jit/plan.h"

typedef enum place_kind {
    PLACE_PLAIN,    /* over its own axes                                                   */
    PLACE_PACKED,   /* over its own axes, but that axis `axis` is widened to a mask's axes  */
    PLACE_INDEX,    /* nonzero: the index itself, over the axes of its operand             */
    PLACE_REDUCED,  /* over the axes of its operand                                        */
    PLACE_EXPANDED, /* over its own axes, but that an expand's v is read in turn           */
    PLACE_WHOLE     /* at once                                                             */
} place_kind;

typedef struct placement {
    uint8_t kind;
    uint8_t temp_args; /* bit i: argument i is read from its temporary */
    bool temp_wanted;
    bool in_order; /* its axes must lie in the space in their own order, side by side: it is made of an expand. Nothing
                      PACKED is, since a reduction may exchange its axes: what it is made of is kept in a temporary */
    int8_t axis;
    uint32_t temp;
    uint32_t level;
    int64_t key; /* of the mask of the packed axis: an index of planner.masks */
} placement;

/*
 * A mask as a SYMBOL_COUNT stands for it, in one of two ways, and so at one of two keys: 2 * symbol, evaluated over its own axes;
 * 2 * symbol + 1, chained: the mask is itself packed by another, and both are evaluated together over that one's axes.
 */
typedef struct mask_place {
    node_id node;
    uint32_t depth; /* of the chain; bounded, so that walking it may recurse */
} mask_place;

#define PLAN_MAX_CHAIN 64

/* Where an array's or value's axes begin in the space; -1 where it stays. */
typedef struct axis_map {
    int8_t first[WN_MAX_RANK];
} axis_map;

/* Values already lowered: which program, which node, and where its axes lie in the space. */
typedef struct lower_key {
    uint32_t program; /* 2 * stage, + 1 for its mask program */
    node_id node;     /* 0: a free entry                     */
    axis_map map;
    bool from_temp;
} lower_key;

typedef struct lower_entry {
    lower_key key;
    uint32_t value; /* index in the program */
} lower_entry;

typedef struct planner {
    wn_plan *plan;
    placement *places; /* by node   */
    mask_place *masks; /* by key    */
    uint32_t *owners;  /* by key: the stage that counts the mask, + 1; 0: none yet       */
    uint32_t *known;   /* by symbol of a count: the first stage that finds it out, + 1   */
    uint32_t *chains;  /* stages by a hash of their space: the number of the latest, + 1 */
    wn_error *error;
    bool failed;

    lower_entry *entries;             /* open hashing */
    uint32_t entry_count, entry_room; /* room: a power of two */
    lower_key *frames;
    uint32_t frame_count, frame_room;
    uint32_t value_count; /* of all programs */
} planner;

#define PLAN_CHAINS 1024u

static inline bool mask_is_chained(int64_t key) {
    return key & 1;
}
/* expand(v, m, fill): whether all true places take the same of v, which has no axis for them, or one of length 1. */
static inline bool expand_repeats(const wn_graph *g, const node *n) {
    const node *v = graph_node(g, n->args[0]), *m = graph_node(g, n->args[1]);
    int own = n->attribute - (n->rank - m->rank + 1 - v->rank);
    return own < 0 || node_dims(g, v)[own] == 1;
}
/* The axis of an expand's result that axis i of v, which is not the packed one, lies along. */
static inline int expand_axis_of(const wn_graph *g, const node *n, int i) {
    const node *v = graph_node(g, n->args[0]), *m = graph_node(g, n->args[1]);
    int packed = n->rank - m->rank + 1 - v->rank + i;
    return packed > n->attribute ? packed + m->rank - 1 : packed;
}
/* How many axes a mask is evaluated over; a mask that a stage has is known to have few enough. */
int wn_mask_width(const planner *p, int64_t key);

/* The length of operand axis `axis` of a result of rank `rank`, aligned right; 1 where the operand has no such axis. */
static inline dim aligned_dim(const wn_graph *g, const node *operand, int rank, int axis) {
    int own = axis - (rank - operand->rank);
    return own < 0 ? 1 : node_dims(g, operand)[own];
}

/* An operation that has a stage of its own, over whole arrays or (expand) over the result. */
static inline bool op_is_whole(op o) {
    return o >= OP_expand && o <= OP_compress;
}

/* Write down the lengths that are compared when the kernel runs (plan_checks.c). */
void wn_plan_checks(planner *p);

void wn_lower_end(planner *p);
/* Lower a stage's mask: into its program (PACK), or into its mask program (ROWS). Sets mask_value. */
void wn_lower_mask(planner *p, plan_stage *s);
/* Lower a node into a stage's program; the value's index. */
uint32_t wn_lower_value(planner *p, plan_stage *s, node_id id);
/* Lower what a reduction reduces, and its mask. */
void wn_lower_reduction(planner *p, plan_stage *s, plan_output *o);
/* Lower the mask and the fill of an expand. Sets mask_value. */
void wn_lower_expand(planner *p, plan_stage *s, plan_output *o);

#endif
