/*
 * plan.c - which loops: where each node is evaluated, and what must be finished before it.
 *
 * First every node gets a placement, bottom up: PLAIN over its own axes, or PACKED: it has an axis of length n_true of some mask,
 * and is evaluated over the axes of that mask, before packing. Operands that do not fit their user's placement are
 * kept in temporaries. Then temporaries and outputs, in order of their nodes, are put into stages: one that has the same
 * space, mask and level is joined, else a new one opened. lower.c turns the nodes of a stage into its program.
 */
#include "jit/lower.h"

#include <stdio.h>
#include <string.h>

/* ---- Placement --------------------------------------------------------------------------------------------------- */

static bool arg_is_temp(const placement *p, size_t i) {
    return p->temp_args >> i & 1;
}

static void keep_in_temp(planner *p, placement *user, const node *n, size_t i) {
    user->temp_args |= (uint8_t)(1 << i);
    p->places[n->args[i]].temp_wanted = true;
}

/* The length of operand axis `axis` of a result of rank `rank`, aligned right; 1 where the operand has no such axis. */
static dim aligned_dim(const wn_graph *g, const node *operand, int rank, int axis) {
    int own = axis - (rank - operand->rank);
    return own < 0 ? 1 : node_dims(g, operand)[own];
}

static int aligned_axis(const node *operand, int rank, int own) {
    return rank - operand->rank + own;
}

/* An operand that is evaluated before packing, if the user lets it. */
static bool arg_is_packed(const planner *p, const node *n, size_t i) {
    return n->args[i] && p->places[n->args[i]].kind == PLACE_PACKED;
}

/* Whether all packed operands are packed alike, and the others do not vary along the packed axis. */
static bool operands_pack_alike(const planner *p, const node *n, placement *place) {
    const wn_graph *g = p->plan->graph;
    place->axis = -1;
    for (size_t i = 0; i < 3; i++) {
        if (!arg_is_packed(p, n, i)) continue;
        const placement *a = &p->places[n->args[i]];
        int axis = aligned_axis(graph_node(g, n->args[i]), n->rank, a->axis);
        if (place->axis >= 0 && (axis != place->axis || a->key != place->key)) return false;
        place->axis = (int8_t)axis;
        place->key = a->key;
    }
    for (size_t i = 0; i < 3 && n->args[i]; i++) {
        if (arg_is_packed(p, n, i)) continue;
        if (aligned_dim(g, graph_node(g, n->args[i]), n->rank, place->axis) != 1) return false;
    }
    return true;
}

static void place_elementwise(planner *p, const node *n, placement *place) {
    bool any = false;
    for (size_t i = 0; i < 3; i++) any |= arg_is_packed(p, n, i);
    if (any && operands_pack_alike(p, n, place)) {
        place->kind = PLACE_PACKED;
        return;
    }
    for (size_t i = 0; i < 3; i++)
        if (arg_is_packed(p, n, i)) keep_in_temp(p, place, n, i);
}

/* t[m]: a mask that is packed itself goes on being one only if t is packed by the same mask on the same axis. */
static void place_boolean_mask(planner *p, const node *n, placement *place) {
    const wn_graph *g = p->plan->graph;
    const placement *t = &p->places[n->args[0]], *m = &p->places[n->args[1]];
    bool t_packed = arg_is_packed(p, n, 0), m_packed = arg_is_packed(p, n, 1);
    bool chained = t_packed && m_packed && t->key == m->key && t->axis == n->attribute + m->axis &&
                   p->masks[m->key].depth < PLAN_MAX_CHAIN;
    if (!chained && t_packed) keep_in_temp(p, place, n, 0);
    if (!chained && m_packed) keep_in_temp(p, place, n, 1);
    place->kind = PLACE_PACKED;
    place->axis = n->attribute;
    place->key = 2 * ~node_dims(g, n)[n->attribute] + chained;
    p->masks[place->key] = (mask_place){n->args[1], chained ? p->masks[m->key].depth + 1 : 0};
}

static void place_nonzero(planner *p, const node *n, placement *place) {
    if (arg_is_packed(p, n, 0)) keep_in_temp(p, place, n, 0);
    place->kind = PLACE_INDEX;
    place->axis = 0;
    place->key = 2 * ~node_dims(p->plan->graph, n)[0];
    p->masks[place->key] = (mask_place){n->args[0], 0};
}

static void place_node(planner *p, node_id id) {
    const node *n = graph_node(p->plan->graph, id);
    placement *place = &p->places[id];
    if (n->op == OP_boolean_mask) place_boolean_mask(p, n, place);
    else if (n->op == OP_nonzero) place_nonzero(p, n, place);
    else if (op_is_elementwise((op)n->op)) place_elementwise(p, n, place);
    for (size_t i = 0; i < 3 && n->args[i]; i++) {
        const placement *a = &p->places[n->args[i]];
        if (a->kind == PLACE_INDEX) keep_in_temp(p, place, n, i);
        uint32_t level = a->level + (arg_is_temp(place, i) ? 1 : 0);
        if (level > place->level) place->level = level;
    }
}

/* ---- Spaces ------------------------------------------------------------------------------------------------------ */

/* Append the axes of a mask: its own, with one that is packed by the mask it is chained to replaced by that mask's. */
static bool add_mask_axes(const planner *p, int64_t key, dim *dims, int *rank) {
    const wn_graph *g = p->plan->graph;
    const node *m = graph_node(g, p->masks[key].node);
    const placement *place = &p->places[p->masks[key].node];
    for (int j = 0; j < m->rank; j++) {
        if (mask_is_chained(key) && j == place->axis) {
            if (!add_mask_axes(p, place->key, dims, rank)) return false;
        } else {
            if (*rank == PLAN_MAX_AXES) return false;
            dims[(*rank)++] = node_dims(g, m)[j];
        }
    }
    return true;
}

int wn_mask_width(const planner *p, int64_t key) {
    dim dims[PLAN_MAX_AXES];
    int rank = 0;
    return add_mask_axes(p, key, dims, &rank) ? rank : -1;
}

/* The space in which a node is evaluated: its own axes, a packed one widened to its mask's. */
static bool node_space(const planner *p, node_id id, plan_stage *s) {
    const wn_graph *g = p->plan->graph;
    const node *n = graph_node(g, id);
    const placement *place = &p->places[id];
    plan_program *space = &s->program;
    if (place->kind == PLACE_INDEX) {
        if (!add_mask_axes(p, place->key, space->dims, &space->rank)) return false;
        s->mask_rank = space->rank;
        return true;
    }
    for (int i = 0; i < n->rank; i++) {
        if (place->kind == PLACE_PACKED && i == place->axis) {
            s->mask_first = space->rank;
            if (!add_mask_axes(p, place->key, space->dims, &space->rank)) return false;
            s->mask_rank = space->rank - s->mask_first;
        } else {
            if (space->rank == PLAN_MAX_AXES) return false;
            space->dims[space->rank++] = node_dims(g, n)[i];
        }
    }
    return true;
}

/* ---- Stages ------------------------------------------------------------------------------------------------------ */

static bool same_space(const plan_stage *a, const plan_stage *b) {
    return a->kind == b->kind && a->level == b->level && a->program.rank == b->program.rank &&
           a->mask_first == b->mask_first && a->mask_rank == b->mask_rank && a->mask_key == b->mask_key &&
           memcmp(a->program.dims, b->program.dims, sizeof(dim) * (size_t)a->program.rank) == 0;
}

static plan_stage *new_stage(planner *p, const plan_stage *like) {
    wn_plan *plan = p->plan;
    if (!wn_grow(plan->context, (void **)&plan->stages, &plan->stage_room, plan->stage_count + 1, sizeof *plan->stages)) {
        p->failed = true;
        return NULL;
    }
    plan_stage *s = &plan->stages[plan->stage_count++];
    *s = *like;
    s->mask_stage = plan->stage_count - 1;
    s->owns_mask = s->kind != STAGE_MAP;
    return s;
}

/* A mask that an earlier stage counts is not evaluated again. */
static void share_mask(wn_plan *plan, plan_stage *s) {
    for (uint32_t i = 0; i + 1 < plan->stage_count; i++) {
        plan_stage *other = &plan->stages[i];
        if (!other->owns_mask || other->mask_key != s->mask_key || other->level > s->level) continue;
        s->mask_stage = i;
        s->owns_mask = false;
        other->bitmap_shared = true;
        return;
    }
}

static void explain_stage(const planner *p, plan_stage *s) {
    char mask[48] = "";
    size_t size = sizeof s->reason;
    if (s->kind != STAGE_MAP) wn_node_label(p->plan->graph, p->masks[s->mask_key].node, mask, sizeof mask);
    if (s->kind == STAGE_MAP && s->level == 0)
        snprintf(s->reason, size, "one loop for everything of this shape");
    else if (s->kind == STAGE_MAP)
        snprintf(s->reason, size, "a packed value meets an array of its length: it is packed first, and read back here");
    else if (!s->owns_mask)
        snprintf(s->reason, size, "mask %s is known from another stage over other axes: its bitmap serves here too", mask);
    else if (s->kind == STAGE_PACK)
        snprintf(s->reason, size, "mask %s is evaluated once; values are computed before they are packed", mask);
    else
        snprintf(s->reason, size, "mask %s covers %d of %d axes: whole rows are moved", mask, s->mask_rank, s->program.rank);
}

static plan_stage *open_stage(planner *p, const plan_stage *like) {
    plan_stage *s = new_stage(p, like);
    if (!s) return NULL;
    if (s->kind != STAGE_MAP) share_mask(p->plan, s);
    if (s->owns_mask) wn_lower_mask(p, s);
    explain_stage(p, s);
    return s;
}

static stage_kind kind_of_stage(const placement *place, const plan_stage *s) {
    if (place->kind == PLACE_PLAIN) return STAGE_MAP;
    return s->mask_rank == s->program.rank ? STAGE_PACK : STAGE_ROWS;
}

static void add_stage_output(planner *p, plan_stage *s, target_kind target, uint32_t number, node_id id) {
    uint32_t value = wn_lower_value(p, s, id);
    wn_context *c = p->plan->context;
    if (p->failed || !wn_grow(c, (void **)&s->outputs, &s->output_room, s->output_count + 1, sizeof *s->outputs)) {
        p->failed = true;
        return;
    }
    bool coordinates = p->places[id].kind == PLACE_INDEX;
    s->outputs[s->output_count++] = (plan_output){target, number, value, id, coordinates};
}

/* Put the computation of a node into the stage that it fits, or a new one. */
static void place_root(planner *p, target_kind target, uint32_t number, node_id id) {
    plan_stage like = {.count_symbol = -1};
    const placement *place = &p->places[id];
    if (!node_space(p, id, &like)) {
        p->failed = true;
        wn_fail(p->error, WN_ERROR_LIMIT, "%s: masks of masks have more than %d axes in all",
                wn_op_row((op)graph_node(p->plan->graph, id)->op)->name, PLAN_MAX_AXES);
        return;
    }
    like.kind = kind_of_stage(place, &like);
    like.level = place->level;
    like.mask_key = like.kind == STAGE_MAP ? -1 : place->key;
    if (like.kind != STAGE_MAP) like.count_symbol = place->key / 2;
    plan_stage *s = NULL;
    for (uint32_t i = 0; i < p->plan->stage_count && !s; i++)
        if (same_space(&p->plan->stages[i], &like)) s = &p->plan->stages[i];
    if (!s) s = open_stage(p, &like);
    if (!p->failed) add_stage_output(p, s, target, number, id);
}

static bool add_temp(planner *p, node_id id) {
    wn_plan *plan = p->plan;
    if (!wn_grow(plan->context, (void **)&plan->temps, &plan->temp_room, plan->temp_count + 1, sizeof *plan->temps)) {
        p->failed = true;
        return false;
    }
    p->places[id].temp = plan->temp_count;
    plan->temps[plan->temp_count++] = (plan_temp){id};
    return true;
}

/* ---- Checks ------------------------------------------------------------------------------------------------------ */

/* The stage before which both lengths are known. */
static int32_t known_before(const wn_plan *plan, dim a, dim b) {
    int32_t stage = 0;
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const plan_stage *s = &plan->stages[i];
        if (s->owns_mask && (s->count_symbol == ~a || s->count_symbol == ~b))
            stage = (int32_t)i + 1;
    }
    return stage;
}

static void add_check(planner *p, node_id id, dim a, dim b) {
    wn_plan *plan = p->plan;
    if (!wn_grow(plan->context, (void **)&plan->checks, &plan->check_room, plan->check_count + 1, sizeof *plan->checks)) {
        p->failed = true;
        return;
    }
    plan->checks[plan->check_count++] = (plan_check){id, a, b, known_before(plan, a, b)};
}

static void check_mask(planner *p, node_id id, const node *n) {
    const wn_graph *g = p->plan->graph;
    const node *t = graph_node(g, n->args[0]), *m = graph_node(g, n->args[1]);
    for (int j = 0; j < m->rank; j++) {
        dim a = node_dims(g, t)[n->attribute + j], b = node_dims(g, m)[j];
        if (a != b && (a < 0 || b < 0)) add_check(p, id, a, b);
    }
}

static void check_pair(planner *p, node_id id, const node *n, const node *a, const node *b) {
    const wn_graph *g = p->plan->graph;
    for (int i = 0; i < n->rank; i++) {
        dim x = aligned_dim(g, a, n->rank, i), y = aligned_dim(g, b, n->rank, i);
        if (x != y && x != 1 && y != 1 && (x < 0 || y < 0)) add_check(p, id, x, y);
    }
}

/* Operands that broadcast pairwise broadcast together: the lengths that are not 1 are all equal. */
static void check_broadcast(planner *p, node_id id, const node *n) {
    const wn_graph *g = p->plan->graph;
    for (size_t i = 0; i < 3 && n->args[i]; i++)
        for (size_t j = i + 1; j < 3 && n->args[j]; j++)
            check_pair(p, id, n, graph_node(g, n->args[i]), graph_node(g, n->args[j]));
}

static void add_checks(planner *p) {
    const wn_graph *g = p->plan->graph;
    for (node_id id = 1; id < g->node_count && !p->failed; id++) {
        const node *n = graph_node(g, id);
        if (n->op == OP_boolean_mask) check_mask(p, id, n);
        else if (op_is_elementwise((op)n->op)) check_broadcast(p, id, n);
    }
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static int32_t register_bytes(wn_isa isa) {
    return isa == WN_ISA_X86_64_V4 ? 64 : isa == WN_ISA_X86_64_V3 ? 32 : 16;
}

/* The widest element that the program computes with; 16-bit floats are computed as f32. */
static int32_t widest_element(const plan_program *p) {
    size_t widest = 1;
    for (uint32_t i = 0; i < p->value_count; i++) {
        const plan_value *v = &p->values[i];
        size_t size = wn_type_size((wn_type)v->type);
        if (size == 2 && type_is_float((wn_type)v->type) && v->kind == VALUE_OPERATION) size = 4;
        if (!v->invariant && size > widest) widest = size;
    }
    return (int32_t)widest;
}

/* Whether all elements that are loaded and stored are as wide as the widest that is computed with. */
static bool is_uniform(const plan_stage *s, const plan_program *p) {
    size_t widest = (size_t)widest_element(p);
    for (uint32_t i = 0; i < p->stream_count; i++)
        if (!p->streams[i].scalar && wn_type_size(p->streams[i].type) != widest) return false;
    for (uint32_t i = 0; i < s->output_count; i++)
        if (wn_type_size((wn_type)p->values[s->outputs[i].value].type) != widest) return false;
    return true;
}

/* Four registers a value keep the ports busy in a small graph; in one of hundreds of nodes they would only spill. Vectors are a register
   wide where all elements are, so that LLVM sees what one instruction can do; where narrow ones meet wide ones they are the whole step,
   so that a narrow load or store fills a register too. */
static void choose_step(const plan_stage *s, plan_program *p, wn_isa isa) {
    int32_t registers = p->value_count <= 24 ? 4 : p->value_count <= 96 ? 2 : 1;
    int32_t lanes = register_bytes(isa) / widest_element(p);
    if (lanes < 4) lanes = 4;
    p->step = lanes * registers;
    p->lanes = is_uniform(s, p) ? lanes : p->step;
}

/* ---- The plan ---------------------------------------------------------------------------------------------------- */

static void make_stages(planner *p) {
    const wn_graph *g = p->plan->graph;
    for (node_id id = 1; id < g->node_count; id++) place_node(p, id);
    for (node_id id = 1; id < g->node_count && !p->failed; id++)
        if (p->places[id].temp_wanted && add_temp(p, id)) place_root(p, TARGET_TEMP, p->places[id].temp, id);
    for (uint32_t i = 0; i < g->output_count && !p->failed; i++) place_root(p, TARGET_OUTPUT, i, g->outputs[i]);
}

/* Stages run in the order of their levels; within one, in the order in which they were opened. */
static bool sort_stages(planner *p) {
    wn_plan *plan = p->plan;
    size_t bytes = sizeof *plan->stages * plan->stage_room;
    uint32_t *moved = wn_allocate(plan->context, sizeof *moved * (plan->stage_count + 1));
    plan_stage *sorted = wn_allocate(plan->context, bytes ? bytes : 1);
    uint32_t count = 0;
    if (moved && sorted) {
        for (uint32_t level = 0; count < plan->stage_count; level++)
            for (uint32_t i = 0; i < plan->stage_count; i++)
                if (plan->stages[i].level == level) {
                    moved[i] = count;
                    sorted[count++] = plan->stages[i];
                }
        for (uint32_t i = 0; i < count; i++) sorted[i].mask_stage = moved[sorted[i].mask_stage];
        memcpy(plan->stages, sorted, sizeof *sorted * count);
    }
    bool ok = moved && sorted;
    wn_release(plan->context, sorted, bytes ? bytes : 1);
    wn_release(plan->context, moved, sizeof *moved * (plan->stage_count + 1));
    return ok;
}

static bool planner_begin(planner *p) {
    const wn_graph *g = p->plan->graph;
    wn_context *c = p->plan->context;
    p->places = wn_allocate(c, sizeof *p->places * g->node_count);
    p->masks = wn_allocate(c, sizeof *p->masks * 2 * (g->symbol_count + 1));
    if (!p->places || !p->masks) return false;
    memset(p->places, 0, sizeof *p->places * g->node_count);
    memset(p->masks, 0, sizeof *p->masks * 2 * (g->symbol_count + 1));
    return true;
}

static void planner_end(planner *p) {
    const wn_graph *g = p->plan->graph;
    wn_context *c = p->plan->context;
    wn_lower_end(p);
    wn_release(c, p->places, sizeof *p->places * g->node_count);
    wn_release(c, p->masks, sizeof *p->masks * 2 * (g->symbol_count + 1));
}

wn_plan *wn_plan_new(wn_context *context, const wn_graph *graph, wn_isa isa, wn_error *error) {
    wn_error own = {WN_OK, ""};
    wn_plan *plan = wn_allocate(context, sizeof *plan);
    if (!plan) {
        wn_fail(error, WN_ERROR_MEMORY, "compile: out of memory");
        return NULL;
    }
    *plan = (wn_plan){.context = context, .graph = graph};
    planner p = {.plan = plan, .error = &own};
    p.failed = !planner_begin(&p);
    if (!p.failed) make_stages(&p);
    if (!p.failed && !sort_stages(&p)) p.failed = true;
    if (!p.failed) add_checks(&p);
    planner_end(&p);
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        plan_stage *s = &plan->stages[i];
        choose_step(s, &s->program, isa);
        if (s->kind == STAGE_PACK) s->program.step = KERNEL_WORD;
        s->mask.step = KERNEL_WORD;
    }
    if (!p.failed) return plan;
    if (own.status == WN_OK) wn_fail(&own, WN_ERROR_MEMORY, "compile: out of memory");
    if (error) *error = own;
    wn_plan_free(plan);
    return NULL;
}

static void free_program(wn_context *c, plan_program *p) {
    wn_release(c, p->streams, sizeof *p->streams * p->stream_room);
    wn_release(c, p->values, sizeof *p->values * p->value_room);
}

void wn_plan_free(wn_plan *plan) {
    if (!plan) return;
    wn_context *c = plan->context;
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        free_program(c, &plan->stages[i].program);
        free_program(c, &plan->stages[i].mask);
        wn_release(c, plan->stages[i].outputs, sizeof *plan->stages[i].outputs * plan->stages[i].output_room);
    }
    wn_release(c, plan->stages, sizeof *plan->stages * plan->stage_room);
    wn_release(c, plan->checks, sizeof *plan->checks * plan->check_room);
    wn_release(c, plan->temps, sizeof *plan->temps * plan->temp_room);
    wn_release(c, plan, sizeof *plan);
}
