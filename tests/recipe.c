/*
 * recipe.c - how random graphs are made.
 */
#include "recipe.h"
#include "values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MOST_ELEMENTS 150000
#define TRIES 12

/* Few types and mostly one rank in a graph, or hardly two values would combine. */
typedef struct cook {
    recipe *r;
    uint64_t random;
    wn_type types[3];
    uint8_t rank;
} cook;

static uint64_t below(cook *k, uint64_t end) {
    return values_below(&k->random, end);
}

static bool one_in(cook *k, uint64_t n) {
    return below(k, n) == 0;
}

/* ---- Labels --------------------------------------------------------------------------------------------------------- */

/* The most that a length can be. */
static int64_t bound(const recipe *r, label l) {
    if (l == LABEL_ONE) return 1;
    if (l < LABEL_FIXED) return r->lengths[l - LABEL_LENGTH];
    if (l < LABEL_COUNT) return l - LABEL_FIXED;
    const step *mask = &r->steps[l - LABEL_COUNT];
    int64_t most = 1;
    for (int i = 0; i < mask->rank; i++)
        most *= bound(r, mask->axes[i]);
    return most;
}

static bool too_large(const recipe *r, const step *s) {
    int64_t most = 1;
    for (int i = 0; i < s->rank; i++) {
        int64_t length = bound(r, s->axes[i]);
        most *= length ? length : 1;
        if (most > MOST_ELEMENTS) return true;
    }
    return false;
}

static label aligned(const step *s, int rank, int axis) {
    int own = axis - (rank - s->rank);
    return own < 0 ? LABEL_ONE : s->axes[own];
}

/* Broadcast two shapes of labels into `to`. */
static bool combine(const step *a, const step *b, step *to) {
    int rank = a->rank > b->rank ? a->rank : b->rank;
    step result = *to;
    result.rank = (uint8_t)rank;
    for (int i = 0; i < rank; i++) {
        label x = aligned(a, rank, i), y = aligned(b, rank, i);
        if (x != y && x != LABEL_ONE && y != LABEL_ONE) return false;
        result.axes[i] = x == LABEL_ONE ? y : x;
    }
    *to = result;
    return true;
}

/* ---- Steps ---------------------------------------------------------------------------------------------------------- */

static int keep(cook *k, step s) {
    recipe *r = k->r;
    for (int i = 0; i < 3; i++)
        if (s.args[i] >= 0 && r->steps[s.args[i]].depth >= s.depth)
            s.depth = (uint8_t)(r->steps[s.args[i]].depth + 1);
    if (r->count == RECIPE_STEPS || s.depth > RECIPE_DEPTH || too_large(r, &s)) return -1;
    r->steps[r->count] = s;
    return r->count++;
}

static step blank(op o, wn_type type) {
    step s = {.op = (uint8_t)o, .type = (uint8_t)type, .args = {-1, -1, -1}};
    return s;
}

static wn_type any_type(cook *k) {
    return one_in(k, 3) ? WN_BOOL : k->types[below(k, 3)];
}

static int add_input(cook *k) {
    step s = blank(OP_input, any_type(k));
    s.rank = (uint8_t)(one_in(k, 3) ? below(k, RECIPE_LENGTHS + 1) : k->rank);
    s.style = values_random(&k->random);
    for (int i = 0; i < s.rank; i++)
        s.axes[i] = (label)(one_in(k, 7) ? LABEL_ONE : LABEL_LENGTH + RECIPE_LENGTHS - s.rank + i);
    return keep(k, s);
}

static int add_constant(cook *k, wn_type type) {
    step s = blank(OP_constant, type);
    size_t size = wn_type_size(type);
    s.bits = values_any(type, &k->random);
    if (type == WN_BOOL) s.bits = s.bits != 0;
    if (size < 8) s.bits &= ((uint64_t)1 << 8 * size) - 1;
    return keep(k, s);
}

/* Late steps more often than early ones, so that graphs grow deep. */
static int any_step(cook *k) {
    uint64_t count = (uint64_t)k->r->count, a = below(k, count), b = below(k, count);
    return (int)(a > b ? a : b);
}

/* A step of this type (WN_TYPE_COUNT: any) whose shape combines with `with`'s, rarely step `other`; -1 if none is found. */
static int find_step(cook *k, wn_type type, const step *with, int other) {
    for (int i = 0; i < TRIES * 2; i++) {
        int at = any_step(k);
        step result = blank(OP_null, WN_BOOL);
        const step *s = &k->r->steps[at];
        if ((type != WN_TYPE_COUNT && s->type != type) || (at == other && !one_in(k, 20))) continue;
        if (!with || combine(s, with, &result)) return at;
    }
    return -1;
}

static int add_cast(cook *k, int of, wn_type type) {
    if (of < 0 || k->r->steps[of].type == type) return of;
    step s = k->r->steps[of];
    s.op = OP_cast;
    s.type = (uint8_t)type;
    s.args[0] = of;
    s.args[1] = s.args[2] = -1;
    return keep(k, s);
}

/* An operand of a type that combines with `with`: there already, cast, or a constant. */
static int find_operand(cook *k, wn_type type, const step *with, int other) {
    int at = one_in(k, 10) ? -1 : find_step(k, type, with, other);
    if (at < 0 && !one_in(k, 3)) at = add_cast(k, find_step(k, WN_TYPE_COUNT, with, other), type);
    return at < 0 ? add_constant(k, type) : at;
}

static int add_operation(cook *k, op o) {
    const op_row *row = wn_op_row(o);
    int first = find_step(k, WN_TYPE_COUNT, NULL, -1);
    if (first < 0 || !wn_op_takes(o, (wn_type)k->r->steps[first].type)) return -1;
    wn_type type = (wn_type)k->r->steps[first].type;
    step s = k->r->steps[first];
    s.op = (uint8_t)o;
    s.type = (uint8_t)(row->gives_bool ? WN_BOOL : type);
    int last = row->arity - 1;
    for (int i = 0; i < 3; i++)
        s.args[i] = -1;
    s.args[last] = first;
    for (int i = 0; i < last; i++) {
        wn_type wanted = o == OP_where && i == 0 ? WN_BOOL : type;
        s.args[i] = find_operand(k, wanted, &s, first);
        if (s.args[i] < 0 || !combine(&k->r->steps[s.args[i]], &s, &s)) return -1;
    }
    if (last == 1 && one_in(k, 2)) { /* the operands in either order */
        int swap = s.args[0];
        s.args[0] = s.args[1];
        s.args[1] = swap;
    }
    return keep(k, s);
}

static bool mask_fits(const step *t, const step *m, int axis) {
    return axis + m->rank <= t->rank && memcmp(t->axes + axis, m->axes, m->rank * sizeof *m->axes) == 0;
}

static step masked(const step *t, int t_at, const step *m, int m_at, int axis) {
    step s = *t;
    s.op = OP_boolean_mask;
    s.axis = (int8_t)axis;
    s.args[0] = t_at;
    s.args[1] = m_at;
    s.args[2] = -1;
    s.rank = (uint8_t)(t->rank - m->rank + 1);
    s.axes[axis] = (label)(LABEL_COUNT + m_at);
    for (int i = axis + 1; i < s.rank; i++)
        s.axes[i] = t->axes[i + m->rank - 1];
    return s;
}

static int add_mask(cook *k) {
    for (int i = 0; i < TRIES; i++) {
        int m_at = find_step(k, WN_BOOL, NULL, -1);
        if (m_at < 0 || k->r->steps[m_at].rank == 0) continue;
        const step *m = &k->r->steps[m_at];
        for (int j = 0; j < TRIES; j++) {
            int t_at = any_step(k), axis = (int)below(k, WN_MAX_RANK);
            const step *t = &k->r->steps[t_at];
            if (mask_fits(t, m, axis) && (t_at != m_at || one_in(k, 10)))
                return keep(k, masked(t, t_at, m, m_at, axis));
        }
    }
    return -1;
}

static int add_nonzero(cook *k) {
    int at = any_step(k);
    step s = blank(OP_nonzero, WN_I64);
    if (k->r->steps[at].rank == 0) return -1;
    s.args[0] = at;
    s.rank = 2;
    s.axes[0] = (label)(LABEL_COUNT + at);
    s.axes[1] = (label)(k->r->steps[at].rank == 1 ? LABEL_ONE : LABEL_FIXED + k->r->steps[at].rank);
    return keep(k, s);
}

/* An input as long as a packed value. */
static int add_count_input(cook *k) {
    const step *like = &k->r->steps[any_step(k)];
    step s = blank(OP_input, any_type(k));
    if (like->rank == 0 || like->axes[0] < LABEL_COUNT) return -1;
    s.rank = like->rank;
    memcpy(s.axes, like->axes, sizeof s.axes);
    s.style = values_random(&k->random);
    return keep(k, s);
}

/* The type of a reduction of elements of a type. */
static wn_type reduced_type(op o, wn_type type) {
    if (o == OP_count || o == OP_argmin || o == OP_argmax) return WN_I64;
    if (o == OP_any || o == OP_all) return WN_BOOL;
    if (o == OP_min || o == OP_max || type_is_float(type)) return type;
    if (o == OP_mean) return WN_F64;
    return type_is_signed(type) || type == WN_BOOL ? WN_I64 : WN_U64;
}

/* A mask that broadcasts to a step without stretching it; -1 if none is found. */
static int find_where(cook *k, const step *x) {
    int at = find_step(k, WN_BOOL, x, -1);
    step both = *x;
    if (at < 0 || !combine(&k->r->steps[at], x, &both) || both.rank != x->rank) return -1;
    return memcmp(both.axes, x->axes, x->rank * sizeof *x->axes) == 0 ? at : -1;
}

static bool has_packed_axis(const step *s) {
    for (int i = 0; i < s->rank; i++)
        if (s->axes[i] >= LABEL_COUNT) return true;
    return false;
}

/* The sum of a step and another; the step itself if there is none. */
static int join(cook *k, int at) {
    step s = k->r->steps[at];
    int other = wn_op_takes(OP_add, (wn_type)s.type) ? find_operand(k, (wn_type)s.type, &s, at) : -1;
    if (other < 0 || !combine(&k->r->steps[other], &s, &s)) return at;
    s.op = OP_add;
    s.args[0] = at;
    s.args[1] = other;
    s.args[2] = -1;
    int sum = keep(k, s);
    return sum < 0 ? at : sum;
}

/* Half of the time of what is packed, or of a sum with that. */
static int add_reduction(cook *k, op o) {
    int at = any_step(k);
    bool packed = one_in(k, 2);
    for (int i = 0; i < TRIES && packed && !has_packed_axis(&k->r->steps[at]); i++)
        at = any_step(k);
    if (packed && one_in(k, 2)) at = join(k, at);
    const step *x = &k->r->steps[at];
    if (x->op == OP_constant) return -1;
    step s = blank(o, reduced_type(o, (wn_type)x->type));
    uint64_t all = ((uint64_t)1 << x->rank) - 1;
    bool places = o == OP_argmin || o == OP_argmax;
    s.args[0] = at;
    s.args[1] = one_in(k, 2) ? find_where(k, x) : -1;
    s.bits = one_in(k, 3) || x->rank == 0 ? all
             : places                     ? (uint64_t)1 << below(k, x->rank)
                                          : 1 + below(k, all);
    if (one_in(k, 3)) s.bits |= REDUCE_KEEPDIMS;
    bool takes_initial = o == OP_sum || o == OP_prod || o == OP_min || o == OP_max;
    if (takes_initial && !one_in(k, 3)) s.bits |= RECIPE_INITIAL;
    s.style = values_any((wn_type)s.type, &k->random);
    for (int i = 0; i < x->rank; i++) {
        bool reduced = s.bits >> i & 1;
        if (!reduced || s.bits & REDUCE_KEEPDIMS)
            s.axes[s.rank++] = (label)(reduced ? LABEL_ONE : x->axes[i]);
    }
    return keep(k, s);
}

/* A step of this type and these axes, or a constant of the type. */
static int find_alike(cook *k, const step *like) {
    for (int i = 0; i < TRIES; i++) {
        int at = any_step(k);
        const step *s = &k->r->steps[at];
        if (s->type == like->type && s->rank == like->rank &&
            !memcmp(s->axes, like->axes, like->rank * sizeof *like->axes))
            return at;
    }
    return add_constant(k, (wn_type)like->type);
}

/* expand(v, m, fill), v packed by m or a scalar. */
static int add_expand(cook *k) {
    int m_at = find_step(k, WN_BOOL, NULL, -1), v_at = -1, axis = 0;
    if (m_at < 0 || k->r->steps[m_at].rank == 0) return -1;
    for (int i = 0; i < 2 * TRIES && v_at < 0; i++) {
        int at = any_step(k);
        for (int j = 0; j < k->r->steps[at].rank; j++)
            if (k->r->steps[at].axes[j] == LABEL_COUNT + m_at) {
                v_at = at;
                axis = j;
            }
    }
    step s = k->r->steps[m_at];
    if (v_at >= 0) {
        const step *v = &k->r->steps[v_at];
        s.rank = (uint8_t)(v->rank - 1 + s.rank);
        if (s.rank > WN_MAX_RANK) return -1;
        memcpy(s.axes, v->axes, (size_t)axis * sizeof *s.axes);
        memcpy(s.axes + axis, k->r->steps[m_at].axes, k->r->steps[m_at].rank * sizeof *s.axes);
        for (int j = axis + 1; j < v->rank; j++)
            s.axes[j + k->r->steps[m_at].rank - 1] = v->axes[j];
        s.type = v->type;
    } else {
        s.type = (uint8_t)any_type(k);
        v_at = add_constant(k, (wn_type)s.type);
    }
    s.op = OP_expand;
    s.axis = (int8_t)axis;
    s.args[0] = v_at;
    s.args[1] = m_at;
    s.args[2] = find_alike(k, &s);
    return s.args[0] < 0 || s.args[2] < 0 ? -1 : keep(k, s);
}

/* place or putmask: v has any shape. */
static int add_put(cook *k, op o) {
    int m_at = find_step(k, WN_BOOL, NULL, -1);
    if (m_at < 0 || k->r->steps[m_at].rank == 0) return -1;
    step s = k->r->steps[m_at];
    s.type = (uint8_t)any_type(k);
    int a_at = find_alike(k, &s), v_at = find_step(k, (wn_type)s.type, NULL, -1);
    if (a_at < 0 || v_at < 0 || k->r->steps[a_at].op == OP_constant) return -1;
    s.op = (uint8_t)o;
    s.args[0] = a_at;
    s.args[1] = m_at;
    s.args[2] = v_at;
    return keep(k, s);
}

static int add_compress(cook *k) {
    for (int i = 0; i < TRIES; i++) {
        int c_at = find_step(k, WN_BOOL, NULL, -1), t_at = any_step(k);
        if (c_at < 0 || k->r->steps[c_at].rank != 1 || k->r->steps[t_at].rank == 0) continue;
        const step *t = &k->r->steps[t_at];
        int axis = (int)below(k, t->rank);
        step s = masked(t, t_at, &k->r->steps[c_at], c_at, axis);
        s.op = OP_compress;
        s.args[0] = c_at;
        s.args[1] = t_at;
        return keep(k, s);
    }
    return -1;
}

static int add_whole(cook *k) {
    switch (below(k, 5)) {
    case 0: return add_put(k, OP_place);
    case 1: return add_put(k, OP_putmask);
    case 2: return add_compress(k);
    default: return add_expand(k);
    }
}

static int add_step(cook *k) {
    uint64_t kind = below(k, 26);
    if (kind >= 23) return add_whole(k);
    if (kind >= 20)
        return add_reduction(k, (op)(OP_first_reduction_ +
                                     (int)below(k, OP_first_elementwise_ - OP_first_reduction_)));
    if (kind < 4) return add_mask(k);
    if (kind == 4) return one_in(k, 2) ? add_nonzero(k) : add_count_input(k);
    if (kind < 7) return add_cast(k, any_step(k), any_type(k));
    if (kind < 9) return add_operation(k, OP_where);
    return add_operation(
        k, (op)(OP_first_elementwise_ + (int)below(k, OP_end_ - OP_first_elementwise_)));
}

static void choose_lengths(cook *k) {
    static const uint8_t some[] = {0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40};
    static const int16_t longer[] = {0, 1, 3, 15, 17, 63, 64, 65, 100, 129, 255, 300, 511, 1025};
    int64_t *lengths = k->r->lengths;
    for (int i = 0; i < RECIPE_LENGTHS - 1; i++)
        lengths[i] = some[below(k, i == 0 ? 6 : sizeof some)];
    lengths[2] = longer[below(k, sizeof longer / sizeof *longer)];
    if (!one_in(k, 40)) return;
    lengths[0] = (int64_t)below(k, 3);
    lengths[1] = 1 + (int64_t)below(k, 2);
    lengths[2] = 20000 + (int64_t)below(k, 15000);
}

recipe recipe_random(uint64_t seed) {
    recipe r = {.seed = seed};
    cook k = {.r = &r, .random = seed};
    choose_lengths(&k);
    k.rank = (uint8_t)(1 + below(&k, RECIPE_LENGTHS));
    for (int i = 0; i < 3; i++)
        k.types[i] = (wn_type)below(&k, WN_TYPE_COUNT);
    uint64_t inputs = 2 + below(&k, 5), steps = 2 + below(&k, 22);
    for (uint64_t i = 0; i < inputs; i++)
        add_input(&k);
    if (r.count == 0) add_constant(&k, WN_F32);
    for (uint64_t i = 0; i < steps; i++)
        add_step(&k);
    r.output_count = 1 + (int)below(&k, RECIPE_OUTPUTS);
    for (int i = 0; i < r.output_count; i++)
        r.outputs[i] = i == 0 ? r.count - 1 : any_step(&k);
    r.spoilt = one_in(&k, 40);
    return r;
}

/* ---- The graph ------------------------------------------------------------------------------------------------------ */

void recipe_live(const recipe *r, const int *outputs, int output_count, bool live[RECIPE_STEPS]) {
    memset(live, 0, RECIPE_STEPS * sizeof *live);
    for (int i = 0; i < output_count; i++)
        live[outputs[i]] = true;
    for (int i = r->count - 1; i >= 0; i--)
        for (int j = 0; live[i] && j < 3; j++)
            if (r->steps[i].args[j] >= 0) live[r->steps[i].args[j]] = true;
}

/* Whether an input's length is written in its declaration. */
static bool is_declared(const recipe *r, const step *s, int axis) {
    return !r->spoilt && s->axes[axis] < LABEL_COUNT && (s->style >> (32 + axis) & 3) == 0;
}

static node_id build_input(wn_graph *g, const recipe *r, int at) {
    const step *s = &r->steps[at];
    int64_t dims[WN_MAX_RANK];
    char name[16];
    for (int i = 0; i < s->rank; i++)
        dims[i] = is_declared(r, s, i) ? bound(r, s->axes[i]) : WN_ANY;
    snprintf(name, sizeof name, "x%d", at);
    return wn_input_dims(g, name, (wn_type)s->type, s->rank, dims).id;
}

static node_id build_reduction(wn_graph *g, const step *s, const node_id *ids) {
    reduction how = {.keepdims = (s->bits & REDUCE_KEEPDIMS) != 0};
    if (s->args[1] >= 0) how.where = ids[s->args[1]];
    bool places = s->op == OP_argmin || s->op == OP_argmax; /* of one axis, or without axis= */
    bool all = places && (s->bits & (REDUCE_KEEPDIMS - 1) & (s->bits - 1));
    for (int i = 0; i < WN_MAX_RANK && !all; i++)
        if (s->bits >> i & 1) how.axis[how.axis_count++] = i;
    size_t size = wn_type_size((wn_type)s->type);
    uint64_t bits = size < 8 ? s->style & (((uint64_t)1 << 8 * size) - 1) : s->style;
    if (s->type == WN_BOOL) bits = bits != 0;
    if (s->bits & RECIPE_INITIAL) how.initial = wn_build_constant(g, (wn_type)s->type, bits);
    return wn_build_reduction(g, (op)s->op, ids[s->args[0]], &how);
}

static node_id build_step(wn_graph *g, const recipe *r, int at, const node_id *ids) {
    const step *s = &r->steps[at];
    node_id args[3] = {0};
    size_t count = 0;
    if (s->op == OP_input) return build_input(g, r, at);
    if (s->op == OP_constant) return wn_build_constant(g, (wn_type)s->type, s->bits);
    if (op_is_reduction((op)s->op)) return build_reduction(g, s, ids);
    while (count < 3 && s->args[count] >= 0) {
        args[count] = ids[s->args[count]];
        count++;
    }
    return wn_build(g, (op)s->op, args, count, (wn_type)s->type, s->axis);
}

wn_graph *recipe_graph(wn_context *c, const recipe *r, const int *outputs, int output_count) {
    wn_graph *g = wn_graph_new(c);
    node_id ids[RECIPE_STEPS] = {0};
    bool live[RECIPE_STEPS];
    char name[16];
    recipe_live(r, outputs, output_count, live);
    for (int i = 0; i < r->count; i++)
        if (live[i]) ids[i] = build_step(g, r, i, ids);
    for (int i = 0; i < output_count; i++) {
        snprintf(name, sizeof name, "y%d", i);
        wn_output(g, name, (wn_node){g, ids[outputs[i]]});
    }
    return g;
}

/* ---- The arrays ----------------------------------------------------------------------------------------------------- */

/* A mask is true nowhere, here and there, half, nearly everywhere or everywhere. */
static void fill_input(const step *s, void *data, int64_t count, uint64_t seed) {
    static const uint16_t densities[] = {0, 10, 100, 500, 500, 900, 990, 1000};
    values_fill((wn_type)s->type, data, count, &seed);
    uint8_t *bytes = data;
    if (s->type != WN_BOOL) return;
    for (int64_t i = 0; i < count; i++) {
        uint64_t word = values_random(&seed);
        bytes[i] = word % 1000 < densities[s->style >> 40 & 7]
                       ? (uint8_t)(word >> 20 & 1 ? 1 : word >> 32 | 1)
                       : 0;
    }
}

/* How many elements of a step are true: the interpreter finds their places. */
static int64_t count_true(wn_context *c, const recipe *r, int mask) {
    recipe only = *r;
    wn_array arrays[RECIPE_STEPS], results[2] = {{0}};
    int steps[RECIPE_STEPS];
    only.outputs[0] = mask;
    only.output_count = 1;
    only.spoilt = false;
    int count = recipe_arrays(c, &only, arrays, steps);
    if (count < 0) return -1;
    wn_graph *g = recipe_graph(c, &only, only.outputs, 1);
    wn_output(g, "places", wn_nonzero(wn_find(g, "y0")));
    wn_compile_options options = {sizeof options, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE};
    wn_kernel *k = wn_compile(g, &options);
    wn_error error = {WN_OK, ""};
    if (!k) fail_msg("seed %llu: %s", (unsigned long long)r->seed, wn_graph_error(g));
    bool done = wn_call(k, arrays, (size_t)count, results, 2, &error) ==
                WN_OK; /* or it is of nothing, or v is empty */
    int64_t n_true = done ? results[1].shape[0] : -1;
    for (int i = 0; done && i < 2; i++)
        wn_array_free(c, &results[i]);
    for (int i = 0; i < count; i++)
        free(arrays[i].data);
    wn_kernel_free(k);
    wn_graph_free(g);
    return n_true;
}

static bool make_array(wn_context *c, const recipe *r, int at, bool spoilt, wn_array *array) {
    const step *s = &r->steps[at];
    int64_t shape[WN_MAX_RANK] = {0}, count = 1;
    for (int i = 0; i < s->rank; i++) {
        shape[i] = s->axes[i] < LABEL_COUNT ? bound(r, s->axes[i])
                                            : count_true(c, r, s->axes[i] - LABEL_COUNT);
        if (shape[i] < 0) return false;
        if (spoilt && i == 0) shape[i]++;
        count *= shape[i];
    }
    if (count > 2 * MOST_ELEMENTS) return false;
    void *data = malloc((size_t)count * wn_type_size((wn_type)s->type) + 1);
    assert_non_null(data);
    fill_input(s, data, count, r->seed + (uint64_t)at);
    *array = wn_array_of((wn_type)s->type, data, s->rank, shape);
    return true;
}

int recipe_arrays(wn_context *c, const recipe *r, wn_array arrays[RECIPE_STEPS],
                  int steps[RECIPE_STEPS]) {
    bool live[RECIPE_STEPS], spoilt = r->spoilt;
    int count = 0;
    recipe_live(r, r->outputs, r->output_count, live);
    for (int i = 0; i < r->count; i++) {
        if (!live[i] || r->steps[i].op != OP_input) continue;
        bool spoil = spoilt && r->steps[i].rank > 0;
        if (!make_array(c, r, i, spoil, &arrays[count])) {
            while (count-- > 0)
                free(arrays[count].data);
            return -1;
        }
        if (spoil) spoilt = false;
        steps[count++] = i;
    }
    return count;
}
