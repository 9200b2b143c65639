/*
 * lower.c - nodes into the program of a stage: what a value is made of, over the axes of the stage's space.
 *
 * A node is lowered under a map: where in the space each of its axes begins. Broadcasting drops axes from the map, boolean_mask
 * replaces its packed axis by the mask's axes, and an input under its map is a stream. No node has a place in memory of its
 * own, so packing costs nothing until the end. The walk keeps its own stack: graphs may be 100,000 nodes deep.
 */
#include "jit/lower.h"

#include <string.h>

/* ---- The table of what is lowered already --------------------------------------------------------------------------- */

static bool same_key(const lower_key *a, const lower_key *b) {
    return a->node == b->node && a->program == b->program && a->from_temp == b->from_temp &&
           memcmp(&a->map, &b->map, sizeof a->map) == 0;
}

static uint32_t hash_key(const lower_key *k) {
    uint64_t map;
    memcpy(&map, &k->map, sizeof map);
    uint64_t h = map * 0x9e3779b97f4a7c15u ^ ((uint64_t)k->node << 20) ^ k->program ^
                 (k->from_temp ? (uint64_t)1 << 63 : 0);
    return (uint32_t)((h * 0xff51afd7ed558ccdu) >> 32);
}

static lower_entry *find_slot(lower_entry *entries, uint32_t room, const lower_key *k) {
    uint32_t i = hash_key(k) & (room - 1);
    while (entries[i].key.node && !same_key(&entries[i].key, k))
        i = (i + 1) & (room - 1);
    return &entries[i];
}

static bool find_value(const planner *p, const lower_key *k, uint32_t *value) {
    if (!p->entry_room) return false;
    const lower_entry *e = find_slot(p->entries, p->entry_room, k);
    if (e->key.node) *value = e->value;
    return e->key.node != 0;
}

static bool grow_entries(planner *p) {
    wn_context *c = p->plan->context;
    uint32_t room = p->entry_room ? 2 * p->entry_room : 64;
    lower_entry *entries = wn_allocate(c, sizeof *entries * room);
    if (!entries) return false;
    memset(entries, 0, sizeof *entries * room);
    for (uint32_t i = 0; i < p->entry_room; i++)
        if (p->entries[i].key.node) *find_slot(entries, room, &p->entries[i].key) = p->entries[i];
    wn_release(c, p->entries, sizeof *p->entries * p->entry_room);
    p->entries = entries;
    p->entry_room = room;
    return true;
}

static void keep_value(planner *p, const lower_key *k, uint32_t value) {
    if (2 * p->entry_count >= p->entry_room && !grow_entries(p)) {
        p->failed = true;
        return;
    }
    *find_slot(p->entries, p->entry_room, k) = (lower_entry){*k, value};
    p->entry_count++;
}

void wn_lower_end(planner *p) {
    wn_context *c = p->plan->context;
    wn_release(c, p->entries, sizeof *p->entries * p->entry_room);
    wn_release(c, p->frames, sizeof *p->frames * p->frame_room);
}

/* ---- Values --------------------------------------------------------------------------------------------------------- */

/* Values that many stages share are computed in each. In an ordinary graph that is next to nothing; in a long chain with a mask at every
   link it would be the square of its length. */
#define MOST_VALUES 1000000u

static uint32_t add_value(planner *p, plan_program *to, const plan_value *v) {
    if (++p->value_count > MOST_VALUES && !p->failed) {
        p->failed = true;
        wn_fail(p->error, WN_ERROR_LIMIT,
                "compile: the loops would compute more than %u values in all", MOST_VALUES);
        return 0;
    }
    if (!wn_grow(p->plan->context, (void **)&to->values, &to->value_room, to->value_count + 1,
                 sizeof *to->values)) {
        p->failed = true;
        return 0;
    }
    plan_value *added = &to->values[to->value_count];
    *added = *v;
    added->of_bools = v->type == WN_BOOL;
    for (uint32_t i = 0; i < value_arity(v); i++)
        added->of_bools &= to->values[v->args[i]].of_bools;
    return to->value_count++;
}

static uint32_t add_stream(planner *p, plan_program *to, const lower_key *k) {
    const node *n = graph_node(p->plan->graph, k->node);
    plan_stream s = {.type = (wn_type)n->type, .scalar = true};
    s.source = k->from_temp ? SOURCE_TEMP : SOURCE_INPUT;
    s.number = k->from_temp ? p->places[k->node].temp : (uint32_t)n->bits;
    s.bits = s.source == SOURCE_INPUT && p->plan->bitmaps && p->plan->bitmaps[s.number];
    memset(s.axes, -1, sizeof s.axes);
    for (int i = 0; i < n->rank; i++) {
        if (k->map.first[i] < 0) continue;
        s.axes[k->map.first[i]] = (int8_t)i;
        s.scalar = false;
    }
    if (!wn_grow(p->plan->context, (void **)&to->streams, &to->stream_room, to->stream_count + 1,
                 sizeof *to->streams)) {
        p->failed = true;
        return 0;
    }
    to->streams[to->stream_count] = s;
    plan_value v = {.kind = VALUE_STREAM, .type = n->type, .invariant = s.scalar, .node = k->node};
    v.number = to->stream_count++;
    return add_value(p, to, &v);
}

/* ---- Maps ----------------------------------------------------------------------------------------------------------- */

/* Operand i of an elementwise node: its axes are the node's, aligned right; a length of 1 stays where the node's is not 1. */
static lower_key operand_key(const planner *p, const lower_key *user, const node *n, size_t i) {
    const wn_graph *g = p->plan->graph;
    const node *a = graph_node(g, n->args[i]);
    lower_key k = {user->program, n->args[i], {{0}}, p->places[user->node].temp_args >> i & 1};
    memset(&k.map, -1, sizeof k.map);
    int shift = n->rank - a->rank;
    for (int j = 0; j < a->rank; j++) {
        bool stays = node_dims(g, a)[j] == 1 && node_dims(g, n)[j + shift] != 1;
        if (!stays) k.map.first[j] = user->map.first[j + shift];
    }
    return k;
}

/* Where each axis of a mask begins, if the mask's first one begins at `first`. */
static axis_map mask_map(const planner *p, int64_t key, int first) {
    const node *m = graph_node(p->plan->graph, p->masks[key].node);
    const placement *place = &p->places[p->masks[key].node];
    axis_map map;
    memset(&map, -1, sizeof map);
    for (int j = 0; j < m->rank; j++) {
        map.first[j] = (int8_t)first;
        first += mask_is_chained(key) && j == place->axis ? wn_mask_width(p, place->key) : 1;
    }
    return map;
}

/* The tensor under a boolean_mask: the packed axis becomes the mask's axes again. */
static lower_key tensor_key(const planner *p, const lower_key *user, const node *n) {
    const placement *place = &p->places[user->node];
    const node *t = graph_node(p->plan->graph, n->args[0]);
    int width = graph_node(p->plan->graph, n->args[1])->rank, axis = n->attribute;
    lower_key k = {user->program, n->args[0], {{0}}, place->temp_args & 1};
    memset(&k.map, -1, sizeof k.map);
    axis_map mask = mask_map(p, place->key, user->map.first[axis]);
    for (int i = 0; i < t->rank; i++) {
        if (i < axis)
            k.map.first[i] = user->map.first[i];
        else if (i < axis + width)
            k.map.first[i] = mask.first[i - axis];
        else
            k.map.first[i] = user->map.first[i - width + 1];
    }
    return k;
}

/* ---- The walk ------------------------------------------------------------------------------------------------------- */

static void push(planner *p, const lower_key *k) {
    wn_context *c = p->plan->context;
    if (!wn_grow(c, (void **)&p->frames, &p->frame_room, p->frame_count + 1, sizeof *p->frames))
        p->failed = true;
    if (!p->failed) p->frames[p->frame_count++] = *k;
}

/* An elementwise node whose operands are lowered; pushes the first that is not, and returns false. */
static bool lower_operation(planner *p, plan_program *to, const lower_key *k, uint32_t *value) {
    const node *n = graph_node(p->plan->graph, k->node);
    plan_value v = {
        .kind = VALUE_OPERATION, .op = n->op, .type = n->type, .invariant = true, .node = k->node};
    for (size_t i = 0; i < 3 && n->args[i]; i++) {
        lower_key operand = operand_key(p, k, n, i);
        if (!find_value(p, &operand, &v.args[i])) {
            push(p, &operand);
            return false;
        }
        v.invariant &= to->values[v.args[i]].invariant;
    }
    *value = add_value(p, to, &v);
    return true;
}

/* expand(v, m, fill), v packed by m or the same everywhere: where(m, v, fill). What v's packed axis is widened to are m's axes. */
static bool lower_expand(planner *p, plan_program *to, const lower_key *k, uint32_t *value) {
    const wn_graph *g = p->plan->graph;
    const node *n = graph_node(g, k->node);
    static const uint8_t order[3] = {1, 0, 2}; /* where(m, v, fill) */
    plan_value v = {.kind = VALUE_OPERATION, .op = OP_where, .type = n->type, .node = k->node};
    for (size_t i = 0; i < 3; i++) {
        size_t arg = order[i];
        const node *a = graph_node(g, n->args[arg]);
        lower_key operand = {k->program, n->args[arg], {{0}}, p->places[k->node].temp_args >> arg & 1};
        memset(&operand.map, -1, sizeof operand.map);
        for (int j = 0; j < a->rank; j++) {
            int axis = arg == 1 ? n->attribute + j : arg == 0 ? expand_axis_of(g, n, j) : j;
            bool stays = arg == 0 && node_dims(g, a)[j] == 1 && node_dims(g, n)[axis] != 1;
            if (!stays) operand.map.first[j] = k->map.first[axis];
        }
        if (find_value(p, &operand, &v.args[i])) continue;
        push(p, &operand);
        return false;
    }
    *value = add_value(p, to, &v);
    return true;
}

static bool lower_tensor(planner *p, const lower_key *k, const node *n, uint32_t *value) {
    lower_key tensor = tensor_key(p, k, n);
    if (find_value(p, &tensor, value)) return true;
    push(p, &tensor);
    return false;
}

/* One step on the node at the top of the stack: true when its value is known. */
static bool lower_top(planner *p, plan_program *to, const lower_key *k, uint32_t *value) {
    const node *n = graph_node(p->plan->graph, k->node);
    if (find_value(p, k, value)) return true;
    if (k->from_temp || n->op == OP_input) {
        *value = add_stream(p, to, k);
    } else if (n->op == OP_constant) {
        plan_value v = {.kind = VALUE_CONSTANT, .type = n->type, .invariant = true, .node = k->node};
        *value = add_value(p, to, &v);
    } else if (n->op == OP_nonzero) {
        plan_value v = {.kind = VALUE_INDEX, .type = WN_I64, .node = k->node};
        *value = add_value(p, to, &v);
    } else if (n->op == OP_expand) {
        if (!lower_expand(p, to, k, value)) return false;
    } else if (n->op == OP_boolean_mask) {
        if (!lower_tensor(p, k, n, value)) return false;
    } else if (!lower_operation(p, to, k, value)) {
        return false;
    }
    if (!p->failed) keep_value(p, k, *value);
    return true;
}

static uint32_t lower(planner *p, plan_program *to, const lower_key *root) {
    uint32_t value = 0;
    p->frame_count = 0;
    push(p, root);
    while (p->frame_count && !p->failed) {
        lower_key top = p->frames[p->frame_count - 1];
        if (lower_top(p, to, &top, &value)) p->frame_count--;
    }
    return value;
}

static uint32_t stage_number(const planner *p, const plan_stage *s) {
    return (uint32_t)(s - p->plan->stages);
}

/* A mask and those that it is chained to, all true. */
static uint32_t lower_mask_chain(planner *p, plan_program *to, uint32_t program, int64_t key, int first) {
    node_id mask = p->masks[key].node;
    const placement *place = &p->places[mask];
    lower_key k = {program, mask, mask_map(p, key, first),
                   place->kind != PLACE_PLAIN && !mask_is_chained(key)};
    uint32_t own = lower(p, to, &k);
    if (!mask_is_chained(key) || p->failed) return own;
    uint32_t outer = lower_mask_chain(p, to, program, place->key, k.map.first[place->axis]);
    plan_value both = {.kind = VALUE_AND, .type = WN_BOOL, .args = {outer, own}, .node = mask};
    both.invariant = to->values[outer].invariant && to->values[own].invariant;
    return p->failed ? 0 : add_value(p, to, &both);
}

static void lay_mask_axes(plan_stage *s) {
    s->mask.rank = s->mask_rank;
    memcpy(s->mask.dims, s->program.dims + s->mask_first, sizeof(dim) * (size_t)s->mask_rank);
}

void wn_lower_mask(planner *p, plan_stage *s) {
    bool rows = stage_has_rows(s);
    plan_program *to = rows ? &s->mask : &s->program;
    if (rows) lay_mask_axes(s);
    s->mask_value = lower_mask_chain(p, to, 2 * stage_number(p, s) + rows, s->mask_key, 0);
}

/* The map of the node that is a stage's output: its axes are the space's, in order. */
static axis_map root_map(const plan_stage *s, const node *n, const placement *place) {
    axis_map map;
    memset(&map, -1, sizeof map);
    int at = 0;
    for (int i = 0; i < n->rank; i++) {
        map.first[i] = (int8_t)at;
        at += place->kind != PLACE_PLAIN && i == place->axis ? s->mask_rank : 1;
    }
    return map;
}

uint32_t wn_lower_value(planner *p, plan_stage *s, node_id id) {
    lower_key k = {2 * stage_number(p, s), id,
                   root_map(s, graph_node(p->plan->graph, id), &p->places[id]), false};
    return lower(p, &s->program, &k);
}

/* ---- Reductions ----------------------------------------------------------------------------------------------------- */

/* The operand of a reduction: kept axes lie first in the space, then the reduced ones; a packed one is as wide as its mask. */
static axis_map reduced_map(const wn_graph *g, const node *n) {
    int rank = graph_node(g, n->args[0])->rank, at = 0;
    axis_map map;
    memset(&map, -1, sizeof map);
    for (int reduced = 0; reduced < 2; reduced++)
        for (int i = 0; i < rank && i < WN_MAX_RANK; i++) {
            if (axis_is_reduced(n, i) != reduced) continue;
            bool packed = n->bits & REDUCE_PACKED && i == n->attribute;
            map.first[i] = (int8_t)at;
            at += packed ? graph_node(g, n->args[1])->rank : 1;
        }
    return map;
}

/* where= is aligned right, and stretches. */
static axis_map where_map(const wn_graph *g, const node *n, const axis_map *operand) {
    const node *x = graph_node(g, n->args[0]), *m = graph_node(g, n->args[1]);
    int first = x->rank - m->rank;
    axis_map map;
    memset(&map, -1, sizeof map);
    for (int j = 0; j < m->rank; j++) {
        bool stays = node_dims(g, m)[j] == 1 && node_dims(g, x)[first + j] != 1;
        if (!stays) map.first[j] = operand->first[first + j];
    }
    return map;
}

void wn_lower_reduction(planner *p, plan_stage *s, plan_output *o) {
    const wn_graph *g = p->plan->graph;
    const node *n = graph_node(g, o->node);
    const placement *place = &p->places[o->node];
    lower_key k = {2 * stage_number(p, s), n->args[0], reduced_map(g, n), place->temp_args & 1};
    o->masked = n->args[1] != 0;
    o->value = lower(p, &s->program, &k);
    if (!o->masked || p->failed) return;
    lower_key mask = {k.program, n->args[1], {{0}}, place->temp_args >> 1 & 1};
    if (n->bits & REDUCE_PACKED)
        mask.map = mask_map(p, place->key, k.map.first[n->attribute]);
    else
        mask.map = where_map(g, n, &k.map);
    o->mask = lower(p, &s->program, &mask);
}

/* ---- Expanding ------------------------------------------------------------------------------------------------------ */

/* An argument that has the axes of the program, or none. */
static uint32_t lower_over_space(planner *p, plan_stage *s, node_id user, size_t arg) {
    const wn_graph *g = p->plan->graph;
    bool own = arg == 1 && stage_has_rows(s);
    lower_key k = {2 * stage_number(p, s) + own,
                   graph_node(g, user)->args[arg],
                   {{0}},
                   p->places[user].temp_args >> arg & 1};
    memset(&k.map, -1, sizeof k.map);
    for (int i = 0; i < graph_node(g, k.node)->rank; i++)
        k.map.first[i] = (int8_t)i;
    return lower(p, own ? &s->mask : &s->program, &k);
}

void wn_lower_expand(planner *p, plan_stage *s, plan_output *o) {
    s->owns_mask = stage_has_rows(s);
    s->mask_stage = stage_number(p, s);
    if (s->owns_mask) lay_mask_axes(s);
    s->mask_value = lower_over_space(p, s, o->node, 1);
    if (!p->failed) o->value = lower_over_space(p, s, o->node, 2);
}
