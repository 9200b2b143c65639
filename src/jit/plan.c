/*
 * plan.c - which loops: where each node is evaluated, and what must be finished before it.
 *
 * First every node gets a placement, bottom up: PLAIN over its own axes, or PACKED: it has an axis of length n_true of some mask,
 * and is evaluated over the axes of that mask, before packing. Operands that do not fit their user's placement are
 * kept in temporaries. Then temporaries and outputs, level by level, are put into stages: one that has the same space, mask and
 * level is joined, else a new one opened. lower.c turns the nodes of a stage into its program.
 */
#include "jit/lower.h"

#include <stdlib.h>
#include <string.h>

/* ---- Placement --------------------------------------------------------------------------------------------------- */

static bool arg_is_temp(const placement *p, size_t i) {
    return p->temp_args >> i & 1;
}

static void keep_in_temp(planner *p, placement *user, const node *n, size_t i) {
    user->temp_args |= (uint8_t)(1 << i);
    p->places[n->args[i]].temp_wanted = true;
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
    for (size_t i = 0; i < 3; i++)
        any |= arg_is_packed(p, n, i);
    bool alike = any && operands_pack_alike(p, n, place);
    if (alike) place->kind = PLACE_PACKED;
    for (size_t i = 0; i < 3 && n->args[i]; i++)
        if (alike ? p->places[n->args[i]].in_order : arg_is_packed(p, n, i))
            keep_in_temp(p, place, n, i);
}

/* t[m]: a mask that is packed itself goes on being one only if t is packed by the same mask on the same axis. */
static void place_boolean_mask(planner *p, const node *n, placement *place) {
    const wn_graph *g = p->plan->graph;
    const placement *t = &p->places[n->args[0]], *m = &p->places[n->args[1]];
    bool t_packed = arg_is_packed(p, n, 0), m_packed = arg_is_packed(p, n, 1);
    bool chained = t_packed && m_packed && t->key == m->key && t->axis == n->attribute + m->axis &&
                   p->masks[m->key].depth < PLAN_MAX_CHAIN;
    if (!chained && (t_packed || t->in_order)) keep_in_temp(p, place, n, 0);
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

/* Whether a reduction's axes are not the last ones, so that its space has them in another order. */
static bool exchanges_axes(const node *n, int rank) {
    for (int i = 1; i < rank; i++)
        if (axis_is_reduced(n, i - 1) && !axis_is_reduced(n, i)) return true;
    return false;
}

/* A reduction reads each operand over the operand's own axes, but what is packed by its own mask over the mask's. */
static void place_reduction(planner *p, const node *n, placement *place) {
    bool exchanges = exchanges_axes(n, graph_node(p->plan->graph, n->args[0])->rank);
    place->kind = PLACE_REDUCED;
    place->key = p->places[n->args[0]].key;
    for (size_t i = n->bits & REDUCE_PACKED ? 1 : 0; i < 2; i++)
        if (arg_is_packed(p, n, i) || (exchanges && p->places[n->args[i]].in_order))
            keep_in_temp(p, place, n, i);
}

/*
 * expand(v, m, fill), where v is packed by m itself, is where(m, v before packing, fill): a[m] = f(a[m]) is one elementwise loop. v must have
 * the axes of the result, without stretching any. So is any expand of what is the same for all true places: a[m] = row.
 */
static bool is_choice(const planner *p, const node *n) {
    const wn_graph *g = p->plan->graph;
    const node *v = graph_node(g, n->args[0]), *m = graph_node(g, n->args[1]);
    const placement *packed = &p->places[n->args[0]];
    int axis = n->attribute;
    if (expand_repeats(g, n)) return true;
    if (packed->kind != PLACE_PACKED || mask_is_chained(packed->key) ||
        p->masks[packed->key].node != n->args[1])
        return false;
    if (p->places[n->args[1]].kind != PLACE_PLAIN || p->places[n->args[2]].kind == PLACE_PACKED)
        return false;
    if (v->rank != n->rank - m->rank + 1 || packed->axis != axis) return false;
    for (int i = 0; i < v->rank; i++)
        if (i != axis && node_dims(g, v)[i] != node_dims(g, n)[i < axis ? i : i + m->rank - 1])
            return false;
    for (int j = 0; j < m->rank; j++)
        if (m->rank > 1 && node_dims(g, m)[j] == 1) return false;
    return true;
}

static void place_expand(planner *p, const node *n, placement *place) {
    const wn_graph *g = p->plan->graph;
    bool choice = is_choice(p, n), repeats = expand_repeats(g, n);
    place->in_order = choice && !repeats && graph_node(g, n->args[1])->rank > 1;
    bool of_bits =
        n->type == WN_BOOL &&
        p->plan->bitmaps; /* v or the result may be a bitmap, which no lanes of bytes are taken from */
    place->kind = choice ? PLACE_PLAIN : of_bits ? PLACE_WHOLE : PLACE_EXPANDED;
    for (size_t i = repeats ? 0 : 1; i < 3; i++)
        if (place->kind != PLACE_WHOLE && arg_is_packed(p, n, i)) keep_in_temp(p, place, n, i);
}

/* What is read as a whole array: inputs and constants are as they are. */
static void keep_whole_operands(planner *p, const node *n, placement *place) {
    size_t count = place->kind == PLACE_WHOLE ? 3 : place->kind == PLACE_EXPANDED ? 1 : 0;
    for (size_t i = 0; i < count && n->args[i]; i++) {
        op o = (op)graph_node(p->plan->graph, n->args[i])->op;
        if (o != OP_input && o != OP_constant) keep_in_temp(p, place, n, i);
    }
}

static void place_whole(planner *p, const node *n, placement *place) {
    place->kind = PLACE_WHOLE;
    if (n->op == OP_expand) place_expand(p, n, place);
    keep_whole_operands(p, n, place);
}

/* Whether a node's value is there only when a stage has run to its end. */
static bool is_finished_apart(const placement *p) {
    return p->kind == PLACE_INDEX || p->kind == PLACE_REDUCED || p->kind == PLACE_EXPANDED ||
           p->kind == PLACE_WHOLE;
}

static void place_node(planner *p, node_id id) {
    const node *n = graph_node(p->plan->graph, id);
    placement *place = &p->places[id];
    if (n->op == OP_boolean_mask)
        place_boolean_mask(p, n, place);
    else if (n->op == OP_nonzero)
        place_nonzero(p, n, place);
    else if (op_is_elementwise((op)n->op))
        place_elementwise(p, n, place);
    else if (op_is_reduction((op)n->op))
        place_reduction(p, n, place);
    else if (op_is_whole((op)n->op))
        place_whole(p, n, place);
    for (size_t i = 0; i < 3 && n->args[i]; i++) {
        const placement *a = &p->places[n->args[i]];
        if (is_finished_apart(a)) keep_in_temp(p, place, n, i);
        place->in_order |= place->kind != PLACE_PACKED && a->in_order && !arg_is_temp(place, i);
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

/* The array under the first boolean_mask that an operand of a PACKED reduction is made of: its lengths there are the mask's. */
static const node *packed_array(const planner *p, const node *n) {
    const wn_graph *g = p->plan->graph;
    while (n->op != OP_boolean_mask) {
        size_t i = 0;
        while (i < 2 && !arg_is_packed(p, n, i))
            i++;
        n = graph_node(g, n->args[i]);
    }
    return n;
}

/* The axes of a reduction's operand, a packed one widened to the mask's: those that are kept, then the others. */
static void reduction_space(const planner *p, const node *n, plan_stage *s) {
    const wn_graph *g = p->plan->graph;
    const node *x = graph_node(g, n->args[0]);
    for (int reduced = 0; reduced < 2; reduced++) {
        for (int i = 0; i < x->rank; i++) {
            if (axis_is_reduced(n, i) != reduced) continue;
            const dim *dims = node_dims(g, x) + i;
            int width = 1;
            if (n->bits & REDUCE_PACKED && i == n->attribute) {
                const node *packs = packed_array(p, x);
                dims = node_dims(g, graph_node(g, packs->args[0])) + packs->attribute;
                width = graph_node(g, n->args[1])->rank;
            }
            while (width-- > 0)
                s->program.dims[s->program.rank++] = *dims++;
        }
        if (!reduced) s->kept = s->program.rank;
    }
}

/* The space in which a node is evaluated: its own axes, a packed one widened to its mask's. */
static bool node_space(const planner *p, node_id id, plan_stage *s) {
    const wn_graph *g = p->plan->graph;
    const node *n = graph_node(g, id);
    const placement *place = &p->places[id];
    plan_program *space = &s->program;
    if (place->kind == PLACE_WHOLE) return true;
    if (place->kind == PLACE_REDUCED) {
        reduction_space(p, n, s);
        return true;
    }
    if (place->kind == PLACE_INDEX) {
        if (!add_mask_axes(p, place->key, space->dims, &space->rank)) return false;
        s->mask_rank = space->rank;
        return true;
    }
    if (place->kind == PLACE_EXPANDED) {
        s->mask_first = n->attribute;
        s->mask_rank = graph_node(g, n->args[1])->rank;
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
           a->mask_first == b->mask_first && a->mask_rank == b->mask_rank &&
           a->mask_key == b->mask_key && a->kept == b->kept && a->folds == b->folds &&
           memcmp(a->program.dims, b->program.dims, sizeof(dim) * (size_t)a->program.rank) == 0;
}

/* The chain of stages that may have the same space: the table has as many as there can be masks and shapes to tell apart. */
static uint32_t *stage_chain(const planner *p, const plan_stage *s) {
    uint64_t h = (uint64_t)s->mask_key * 0x9e3779b97f4a7c15u + s->level;
    for (int i = 0; i < s->program.rank; i++)
        h = (h ^ (uint64_t)s->program.dims[i]) * 0xff51afd7ed558ccdu;
    return &p->chains[(h >> 32) & (PLAN_CHAINS - 1)];
}

static plan_stage *find_stage(const planner *p, const plan_stage *like) {
    if (like->kind == STAGE_WHOLE || like->kind == STAGE_EXPAND) return NULL;
    for (uint32_t i = *stage_chain(p, like); i; i = p->plan->stages[i - 1].next)
        if (same_space(&p->plan->stages[i - 1], like)) return &p->plan->stages[i - 1];
    return NULL;
}

/* A mask that an earlier stage counts is not evaluated again. */
static void find_mask_owner(planner *p, plan_stage *s, uint32_t number) {
    uint32_t owner = p->owners[s->mask_key];
    s->mask_stage = owner ? owner - 1 : number;
    s->owns_mask = !owner;
    if (owner)
        p->plan->stages[owner - 1].bitmap_shared = true;
    else
        p->owners[s->mask_key] = number + 1;
}

static plan_stage *open_stage(planner *p, const plan_stage *like) {
    wn_plan *plan = p->plan;
    if (!wn_grow(plan->context, (void **)&plan->stages, &plan->stage_room, plan->stage_count + 1,
                 sizeof *plan->stages)) {
        p->failed = true;
        return NULL;
    }
    uint32_t number = plan->stage_count++, *chain = stage_chain(p, like);
    plan_stage *s = &plan->stages[number];
    *s = *like;
    s->next = *chain;
    *chain = number + 1;
    if (stage_is_masked(s)) find_mask_owner(p, s, number);
    if (s->count_symbol >= 0 && !p->known[s->count_symbol]) p->known[s->count_symbol] = number + 1;
    if (s->owns_mask) wn_lower_mask(p, s);
    return s;
}

static stage_kind kind_of_stage(const placement *place, const plan_stage *s) {
    if (place->kind == PLACE_PLAIN) return STAGE_MAP;
    if (place->kind == PLACE_REDUCED) return STAGE_REDUCE;
    if (place->kind == PLACE_EXPANDED) return STAGE_EXPAND;
    if (place->kind == PLACE_WHOLE) return STAGE_WHOLE;
    return s->mask_rank == s->program.rank ? STAGE_PACK : STAGE_ROWS;
}

/* Of a stage that has rows, as far as its space says. */
static int64_t row_length(const plan_stage *s) {
    int64_t length = 1;
    for (int i = s->mask_first + s->mask_rank; i < s->program.rank; i++) {
        dim d = s->program.dims[i];
        if (!dim_is_known(d)) return -1;
        length = d == 0 ? 0 : length <= PACKED_ROW && d <= PACKED_ROW ? length * d : PACKED_ROW + 1;
    }
    return length;
}

/* Whether a reduction over this space has to do without a function for long rows. */
static bool must_fold(const node *n, const plan_stage *s) {
    if (op_is_place((op)n->op) && n->bits & REDUCE_PACKED) return true;
    int64_t length = 1;
    for (int i = s->kept; i < s->program.rank; i++) {
        dim d = s->program.dims[i];
        if (!dim_is_known(d) || d >= SHORT_ROW) return false;
        length *= d;
        if (length >= SHORT_ROW) return false;
    }
    return s->kept > 0;
}

/*
 * count(m) is the length of x[m]: known without a loop if a stage before packs by m. The symbol, or -1.
 */
static int64_t known_count(const planner *p, const node *n) {
    const wn_graph *g = p->plan->graph;
    uint64_t all = ((uint64_t)1 << graph_node(g, n->args[0])->rank) - 1;
    if (n->op != OP_count || n->args[1] || (n->bits & all) != all) return -1;
    int64_t symbol = wn_find_symbol(g, SYMBOL_COUNT, n->args[0], 0);
    return symbol >= 0 && p->known[symbol] ? symbol : -1;
}

/* The first `count` operands, or as many as there are. */
static void find_operands(const planner *p, plan_stage *s, node_id id, size_t count) {
    const wn_graph *g = p->plan->graph;
    const node *n = graph_node(g, id);
    for (size_t i = 0; i < count && n->args[i]; i++) {
        const node *a = graph_node(g, n->args[i]);
        bool temp = arg_is_temp(&p->places[id], i);
        s->operands[i].source = temp                ? SOURCE_TEMP
                                : a->op == OP_input ? SOURCE_INPUT
                                                    : SOURCE_CONSTANT;
        s->operands[i].number = temp ? p->places[n->args[i]].temp : (uint32_t)a->bits;
        s->operands[i].node = n->args[i];
    }
}

/* What an output's value is made of. */
static void lower_output(planner *p, plan_stage *s, plan_output *o) {
    const node *n = graph_node(p->plan->graph, o->node);
    if (s->kind == STAGE_WHOLE && n->op == OP_count)
        o->symbol = known_count(p, n);
    else if (s->kind == STAGE_REDUCE)
        wn_lower_reduction(p, s, o);
    else if (s->kind == STAGE_WHOLE)
        find_operands(p, s, o->node, 3);
    else if (s->kind == STAGE_EXPAND)
        find_operands(p, s, o->node, 1), wn_lower_expand(p, s, o);
    else
        o->value = wn_lower_value(p, s, o->node);
}

static void add_stage_output(planner *p, plan_stage *s, target_kind target, uint32_t number, node_id id) {
    plan_output o = {.target = target, .number = number, .node = id};
    s->places |= op_is_place((op)graph_node(p->plan->graph, id)->op);
    o.coordinates = p->places[id].kind == PLACE_INDEX;
    o.bits = s->kind == STAGE_MAP && target == TARGET_OUTPUT && p->plan->bitmaps &&
             p->plan->bitmaps[p->plan->graph->input_count + number];
    lower_output(p, s, &o);
    wn_context *c = p->plan->context;
    if (p->failed ||
        !wn_grow(c, (void **)&s->outputs, &s->output_room, s->output_count + 1, sizeof *s->outputs)) {
        p->failed = true;
        return;
    }
    s->outputs[s->output_count++] = o;
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
    like.mask_key = stage_is_masked(&like) ? place->key : -1;
    if (stage_is_masked(&like)) like.count_symbol = place->key / 2;
    if (stage_has_rows(&like)) like.row = row_length(&like);
    const node *n = graph_node(p->plan->graph, id);
    if (like.kind == STAGE_REDUCE) like.folds = must_fold(n, &like);
    if (known_count(p, n) >= 0)
        like = (plan_stage){
            .kind = STAGE_WHOLE, .level = place->level, .mask_key = -1, .count_symbol = -1};
    if (n->op == OP_compress) like.count_symbol = ~node_dims(p->plan->graph, n)[n->attribute];
    plan_stage *s = find_stage(p, &like);
    if (!s) s = open_stage(p, &like);
    if (!p->failed) add_stage_output(p, s, target, number, id);
}

/* What has to be computed: a temporary or an output. */
typedef struct plan_root {
    node_id node;
    uint32_t level, number;
    target_kind target;
    bool is_count;
} plan_root;

static bool add_temp(planner *p, node_id id) {
    wn_plan *plan = p->plan;
    if (!wn_grow(plan->context, (void **)&plan->temps, &plan->temp_room, plan->temp_count + 1,
                 sizeof *plan->temps))
        return false;
    p->places[id].temp = plan->temp_count;
    plan->temps[plan->temp_count++] = (plan_temp){id};
    return true;
}

/* Level by level, so that stages are opened in the order in which they run; in a level counts last, which another stage may find out, and
   temporaries first. */
static int compare_roots(const void *a, const void *b) {
    const plan_root *x = a, *y = b;
    if (x->level != y->level) return x->level < y->level ? -1 : 1;
    if (x->is_count != y->is_count) return x->is_count ? 1 : -1;
    if (x->target != y->target) return x->target == TARGET_TEMP ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static plan_root new_root(const planner *p, target_kind target, uint32_t number, node_id id) {
    return (plan_root){id, p->places[id].level, number, target,
                       graph_node(p->plan->graph, id)->op == OP_count};
}

static void place_roots(planner *p, plan_root *roots) {
    const wn_graph *g = p->plan->graph;
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->plan->temp_count; i++) {
        node_id id = p->plan->temps[i].node;
        roots[count++] = new_root(p, TARGET_TEMP, i, id);
    }
    for (uint32_t i = 0; i < g->output_count; i++)
        roots[count++] = new_root(p, TARGET_OUTPUT, i, g->outputs[i]);
    qsort(roots, count, sizeof *roots, compare_roots);
    for (uint32_t i = 0; i < count && !p->failed; i++)
        place_root(p, roots[i].target, roots[i].number, roots[i].node);
}

static void make_stages(planner *p) {
    const wn_graph *g = p->plan->graph;
    for (node_id id = 1; id < g->node_count; id++)
        place_node(p, id);
    for (node_id id = 1; id < g->node_count && !p->failed; id++)
        if (p->places[id].temp_wanted && !add_temp(p, id)) p->failed = true;
    size_t size = sizeof(plan_root) * ((size_t)p->plan->temp_count + g->output_count);
    plan_root *roots = p->failed ? NULL : wn_allocate(p->plan->context, size);
    if (roots)
        place_roots(p, roots);
    else
        p->failed = true;
    wn_release(p->plan->context, roots, size);
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
    for (uint32_t i = 0; i < s->output_count; i++) {
        wn_type type = (wn_type)p->values[s->outputs[i].value].type;
        bool counted = s->kind == STAGE_REDUCE && type == WN_BOOL; /* not stored, but in its map */
        if (!counted && wn_type_size(type) != widest) return false;
    }
    return true;
}

static bool has_bits(const plan_stage *s, const plan_program *p) {
    bool any = false;
    for (uint32_t i = 0; i < p->stream_count; i++)
        any |= p->streams[i].bits;
    for (uint32_t i = 0; i < s->output_count; i++)
        any |= s->outputs[i].bits;
    return any;
}

/* Vectors are a register wide where all elements are, so that LLVM sees what one instruction can do; where narrow ones meet wide ones they are the whole step,
   so that a narrow load or store fills a register too. Bits are loaded and stored as whole bytes, and at most as words. */
static void choose_step(const plan_stage *s, plan_program *p, wn_isa isa) {
    int32_t registers = step_registers(p);
    int32_t lanes = register_bytes(isa) / widest_element(p);
    if (lanes < 4) lanes = 4;
    p->step = lanes * registers;
    p->lanes = is_uniform(s, p) ? lanes : p->step;
    if (!has_bits(s, p)) return;
    if (p->lanes > KERNEL_WORD) p->lanes = KERNEL_WORD;
    if (p->lanes < 8) p->lanes = 8;
    if (p->step < 8) p->step = 8;
}

/* ---- The plan ---------------------------------------------------------------------------------------------------- */

static void *zeroed(wn_context *c, size_t size) {
    void *p = wn_allocate(c, size);
    if (p) memset(p, 0, size);
    return p;
}

static size_t mask_keys(const planner *p) {
    return 2 * ((size_t)p->plan->graph->symbol_count + 1);
}

static bool planner_begin(planner *p) {
    wn_context *c = p->plan->context;
    p->places = zeroed(c, sizeof *p->places * p->plan->graph->node_count);
    p->masks = zeroed(c, sizeof *p->masks * mask_keys(p));
    p->owners = zeroed(c, sizeof *p->owners * mask_keys(p));
    p->known = zeroed(c, sizeof *p->known * mask_keys(p));
    p->chains = zeroed(c, sizeof *p->chains * PLAN_CHAINS);
    p->plan->reads = zeroed(c, sizeof *p->plan->reads * p->plan->graph->input_count);
    p->plan->writers = zeroed(c, sizeof *p->plan->writers * p->plan->graph->output_count);
    return p->places && p->masks && p->owners && p->known && p->chains && p->plan->reads &&
           p->plan->writers;
}

static void planner_end(planner *p) {
    wn_context *c = p->plan->context;
    wn_lower_end(p);
    wn_release(c, p->places, sizeof *p->places * p->plan->graph->node_count);
    wn_release(c, p->masks, sizeof *p->masks * mask_keys(p));
    wn_release(c, p->owners, sizeof *p->owners * mask_keys(p));
    wn_release(c, p->known, sizeof *p->known * mask_keys(p));
    wn_release(c, p->chains, sizeof *p->chains * PLAN_CHAINS);
}

wn_plan *wn_plan_new(wn_context *context, const wn_graph *graph, const bool *bitmaps, wn_isa isa,
                     wn_error *error) {
    wn_error own = {WN_OK, ""};
    wn_plan *plan = wn_allocate(context, sizeof *plan);
    if (!plan) {
        wn_fail(error, WN_ERROR_MEMORY, "compile: out of memory");
        return NULL;
    }
    *plan = (wn_plan){.context = context, .graph = graph, .bitmaps = bitmaps};
    plan->computes_floats = wn_computes_floats(graph);
    planner p = {.plan = plan, .error = &own};
    p.failed = !planner_begin(&p);
    if (!p.failed) make_stages(&p);
    if (!p.failed) wn_plan_checks(&p);
    if (!p.failed) wn_plan_find_uses(plan);
    planner_end(&p);
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        plan_stage *s = &plan->stages[i];
        if (s->kind == STAGE_WHOLE) continue;
        if (isa == WN_ISA_PORTABLE && stage_has_rows(s)) s->row = PACKED_ROW + 1;
        choose_step(s, &s->program, isa);
        if (!stage_has(s, KERNEL_MAP)) s->program.step = KERNEL_WORD;
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
        wn_release(c, plan->stages[i].outputs,
                   sizeof *plan->stages[i].outputs * plan->stages[i].output_room);
    }
    wn_release(c, plan->stages, sizeof *plan->stages * plan->stage_room);
    wn_release(c, plan->checks, sizeof *plan->checks * plan->check_room);
    wn_release(c, plan->reads, sizeof *plan->reads * plan->graph->input_count);
    wn_release(c, plan->writers, sizeof *plan->writers * plan->graph->output_count);
    wn_release(c, plan->temps, sizeof *plan->temps * plan->temp_room);
    wn_release(c, plan, sizeof *plan);
}
