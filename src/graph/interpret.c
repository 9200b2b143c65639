/*
 * interpret.c - a graph run node by node: what every expression means, without a compiler.
 *
 * The live nodes are taken in order of their ids, which is an order of evaluation. The value of each
 * is a contiguous array of the context's memory, in the shape it really has, and is freed after its
 * last use. Lengths that the graph could not know are checked here.
 *
 * Elementwise nodes run in blocks: an operand of the result's shape is used where it lies, any other
 * is laid out, stretched, in a buffer of a block's length.
 */
#include "graph/interpret.h"
#include "graph/interpret_mask.h"
#include "graph/reduce.h"
#include "graph/walk.h"

#include <string.h>

#define BLOCK 512
#define MAX_OPERANDS 3

typedef struct run {
    wn_context *context;
    const wn_graph *graph;
    const wn_array *inputs;
    wn_array *values; /* by node id; data is NULL before and after it lives    */
    uint32_t *uses;   /* by node id: operands and outputs yet to take the value */
    wn_error *error;
} run;

static const char *op_name(const node *n) {
    return node_written_name(n);
}

/* ---- Arrays -------------------------------------------------------------------------------- */

/* How many elements a shape has; -1 if their bytes do not fit an int64_t. */
static int64_t count_elements(wn_type type, int rank, const int64_t *shape) {
    int64_t count = 1, bytes = (int64_t)wn_type_size(type);
    for (int i = 0; i < rank; i++) {
        if (shape[i] == 0) return 0;
    }
    for (int i = 0; i < rank; i++) {
        if (__builtin_mul_overflow(count, shape[i], &count)) return -1;
        if (__builtin_mul_overflow(bytes, shape[i], &bytes)) return -1;
    }
    return count;
}

static int64_t elements(const wn_array *a) {
    return count_elements(a->type, a->rank, a->shape);
}

/* A new value of node n. */
static wn_status make_value(run *r, const node *n, wn_type type, int rank, const int64_t *shape,
                            wn_array *value) {
    char text[SHAPE_TEXT];
    if (count_elements(type, rank, shape) < 0) {
        return wn_fail(r->error, WN_ERROR_LIMIT, "%s: a result of shape %s and type %s is too large",
                       op_name(n), wn_shape_text(rank, shape, text, sizeof text), wn_type_name(type));
    }
    *value = wn_array_new(r->context, type, rank, shape);
    if (value->data) return WN_OK;
    return wn_fail(r->error, WN_ERROR_MEMORY, "%s: out of memory for a result of shape %s",
                   op_name(n), wn_shape_text(rank, shape, text, sizeof text));
}

/* ---- Inputs and constants ------------------------------------------------------------------ */

static const char *input_name(const wn_graph *g, node_id id) {
    for (uint32_t i = 0; i < g->name_count; i++) {
        if (g->names[i].kind == NAME_INPUT && g->names[i].id == id) return g->names[i].text;
    }
    return "?";
}

static wn_status check_input(run *r, node_id id, const wn_array *a) {
    const node *n = graph_node(r->graph, id);
    const dim *dims = node_dims(r->graph, n);
    bool fits = true;
    for (int i = 0; i < n->rank; i++) {
        fits &= a->shape[i] >= 0 && (!dim_is_known(dims[i]) || dims[i] == a->shape[i]);
    }
    if (fits) return WN_OK;
    char expected[SHAPE_TEXT], actual[SHAPE_TEXT];
    return wn_fail(r->error, WN_ERROR_SHAPE, "input %s: shape %s expected, %s given",
                   input_name(r->graph, id), wn_shape_text(n->rank, dims, expected, sizeof expected),
                   wn_shape_text(a->rank, a->shape, actual, sizeof actual));
}

static wn_status take_input(run *r, node_id id, wn_array *value) {
    const node *n = graph_node(r->graph, id);
    const wn_array *a = &r->inputs[n->bits];
    TRY(check_input(r, id, a));
    TRY(make_value(r, n, (wn_type)n->type, a->rank, a->shape, value));
    walker w = wn_walk(a, a->rank, a->shape);
    wn_walk_take(&w, value->data, elements(value));
    return WN_OK;
}

/* An element, from the lowest bits of a word. */
static void store(wn_type type, void *to, uint64_t bits) {
    uint8_t b1 = (uint8_t)bits;
    uint16_t b2 = (uint16_t)bits;
    uint32_t b4 = (uint32_t)bits;
    switch (wn_type_size(type)) {
    case 1: memcpy(to, &b1, 1); break;
    case 2: memcpy(to, &b2, 2); break;
    case 4: memcpy(to, &b4, 4); break;
    default: memcpy(to, &bits, 8); break;
    }
}

static wn_status take_constant(run *r, const node *n, wn_array *value) {
    TRY(make_value(r, n, (wn_type)n->type, 0, NULL, value));
    store((wn_type)n->type, value->data, n->bits);
    return WN_OK;
}

/* ---- Elementwise --------------------------------------------------------------------------- */

static int arity(const node *n) {
    return node_arity(n);
}

/* The length of one axis, counted from the last, that all operands have or stretch to; -1 if there is
   none. A packed length, which the graph marks, never stretches. */
static int64_t broadcast_axis(const run *r, const node *n, int from_last) {
    int64_t length = 1;
    bool held = false; /* `length` is not to be stretched */
    for (int i = 0; i < arity(n); i++) {
        const node *arg = graph_node(r->graph, n->args[i]);
        int axis = arg->rank - 1 - from_last;
        if (axis < 0) continue;
        int64_t own = r->values[n->args[i]].shape[axis];
        bool packed = dim_is_packed(r->graph, node_dims(r->graph, arg)[axis]);
        bool stretches = own == 1 && !packed;
        if (own != length && (length != 1 || held) && !stretches) return -1;
        if (own != length && !stretches) length = own;
        held |= packed;
    }
    return length;
}

static wn_status fail_broadcast(run *r, const node *n, int from_last) {
    char texts[MAX_OPERANDS][SHAPE_TEXT] = {"", "", ""};
    bool packed = false;
    for (int i = 0; i < arity(n); i++) {
        const wn_array *a = &r->values[n->args[i]];
        const node *arg = graph_node(r->graph, n->args[i]);
        int axis = arg->rank - 1 - from_last;
        wn_shape_text(a->rank, a->shape, texts[i], SHAPE_TEXT);
        packed |= axis >= 0 && a->shape[axis] == 1 &&
                  dim_is_packed(r->graph, node_dims(r->graph, arg)[axis]);
    }
    return wn_fail_shapes(n, texts, packed, r->error);
}

static wn_status broadcast(run *r, const node *n, int *rank, int64_t *shape) {
    *rank = 0;
    for (int i = 0; i < arity(n); i++) {
        int own = r->values[n->args[i]].rank;
        if (own > *rank) *rank = own;
    }
    for (int i = 0; i < *rank; i++) {
        int64_t length = broadcast_axis(r, n, i);
        if (length < 0) return fail_broadcast(r, n, i);
        shape[*rank - 1 - i] = length;
    }
    return WN_OK;
}

/* Whether stretching to a shape leaves an array as it lies in memory. */
static bool lies_ready(const wn_array *a, int rank, const int64_t *shape) {
    return a->rank == rank && (rank == 0 || memcmp(a->shape, shape, (size_t)rank * sizeof *shape) == 0);
}

static void run_blocks(const run *r, const node *n, const wn_array *result) {
    uint64_t buffers[MAX_OPERANDS][BLOCK]; /* room for the widest elements */
    const void *blocks[MAX_OPERANDS] = {0};
    walker walkers[MAX_OPERANDS];
    int count = arity(n);
    const wn_array *last = &r->values[n->args[count - 1]]; /* of the operands' type, in `where` too */
    for (int i = 0; i < count; i++) {
        walkers[i] = wn_walk(&r->values[n->args[i]], result->rank, result->shape);
    }
    int64_t total = elements(result);
    for (int64_t done = 0; done < total; done += BLOCK) {
        int64_t now = total - done < BLOCK ? total - done : BLOCK;
        for (int i = 0; i < count; i++) {
            const wn_array *a = &r->values[n->args[i]];
            if (lies_ready(a, result->rank, result->shape)) {
                blocks[i] = (const char *)a->data + (size_t)done * wn_type_size(a->type);
            } else {
                wn_walk_take(&walkers[i], buffers[i], now);
                blocks[i] = buffers[i];
            }
        }
        void *out = (char *)result->data + (size_t)done * wn_type_size(result->type);
        wn_interpret_op((op)n->op, last->type, result->type, blocks, out, (size_t)now);
    }
}

static wn_status run_elementwise(run *r, const node *n, wn_array *value) {
    int rank;
    int64_t shape[WN_MAX_RANK];
    TRY(broadcast(r, n, &rank, shape));
    TRY(make_value(r, n, (wn_type)n->type, rank, shape, value));
    run_blocks(r, n, value);
    return WN_OK;
}

/* ---- Changing the number of elements ------------------------------------------------------- */

/* Bit i: axis i of a node is packed. */
static unsigned packed_axes(const wn_graph *g, const node *n) {
    unsigned axes = 0;
    for (int i = 0; i < n->rank; i++)
        axes |= (unsigned)dim_is_packed(g, node_dims(g, n)[i]) << i;
    return axes;
}

static wn_status run_mask(run *r, const node *n, wn_array *value) {
    mask_operation m = {.op = (op)n->op, .axis = n->attribute};
    for (int i = 0; i < arity(n); i++)
        m.args[i] = &r->values[n->args[i]];
    m.packed = packed_axes(r->graph, graph_node(r->graph, n->args[0]));
    int rank;
    int64_t shape[WN_MAX_RANK];
    TRY(wn_mask_shape(&m, &rank, shape, r->error));
    TRY(make_value(r, n, (wn_type)n->type, rank, shape, value));
    wn_mask_run(&m, value);
    return WN_OK;
}

static bool is_true(const wn_array *a, int64_t i) {
    uint8_t truth;
    const void *element = (const char *)a->data + (size_t)i * wn_type_size(a->type);
    wn_interpret_cast(a->type, WN_BOOL, element, &truth, 1);
    return truth;
}

static wn_status run_nonzero(run *r, const node *n, wn_array *value) {
    const wn_array *c = &r->values[n->args[0]];
    int64_t total = elements(c), shape[2] = {0, c->rank}, index[WN_MAX_RANK] = {0};
    for (int64_t i = 0; i < total; i++)
        shape[0] += is_true(c, i);
    TRY(make_value(r, n, WN_I64, 2, shape, value));
    int64_t *to = value->data;
    for (int64_t i = 0; i < total; i++) {
        if (is_true(c, i)) {
            memcpy(to, index, (size_t)c->rank * sizeof *index);
            to += c->rank;
        }
        for (int axis = c->rank - 1; axis >= 0 && ++index[axis] == c->shape[axis]; axis--) {
            index[axis] = 0;
        }
    }
    return WN_OK;
}

/* ---- Reductions ---------------------------------------------------------------------------- */

/* Without where=, m is the null node's value: of rank 0, and never looked at. */
static bool is_masked(const node *n) {
    return n->args[1] != 0;
}

/* What a reduction is of: x, the mask m, whose first axis is x's axis `first`, and which of x's axes go. */
typedef struct operands {
    wn_array x, m;
    int first;
    unsigned reduced;
} operands;

static wn_status check_where(run *r, const node *n, const operands *o) {
    bool fits = true;
    unsigned packed = packed_axes(r->graph, graph_node(r->graph, n->args[1]));
    for (int i = 0; i < o->m.rank; i++) {
        bool stretches = o->m.shape[i] == 1 && !(packed >> i & 1);
        fits &= stretches || o->m.shape[i] == o->x.shape[o->first + i];
    }
    if (fits) return WN_OK;
    char m_text[SHAPE_TEXT], x_text[SHAPE_TEXT];
    return wn_fail(r->error, WN_ERROR_SHAPE, "%s: where has shape %s, which does not broadcast to %s",
                   op_name(n), wn_shape_text(o->m.rank, o->m.shape, m_text, sizeof m_text),
                   wn_shape_text(o->x.rank, o->x.shape, x_text, sizeof x_text));
}

/* x, packed by m, to where it was before; between stand zeros, which no one looks at. The array is new. */
static wn_status unpack(run *r, const node *n, operands *o) {
    static const uint64_t ZERO;
    wn_array packed = o->x, zero = wn_scalar(packed.type, &ZERO);
    mask_operation expand = {.op = OP_expand, .axis = n->attribute, .args = {&packed, &o->m, &zero}};
    int rank;
    int64_t shape[WN_MAX_RANK];
    TRY(wn_mask_shape(&expand, &rank, shape, r->error));
    TRY(make_value(r, n, packed.type, rank, shape, &o->x));
    wn_mask_run(&expand, &o->x);
    return WN_OK;
}

/* The lengths of the result. */
static int reduced_shape(const node *n, const wn_array *x, int64_t *shape) {
    int rank = 0;
    for (int i = 0; i < x->rank; i++) {
        bool reduced = axis_is_reduced(n, i);
        if (!reduced || n->bits & REDUCE_KEEPDIMS) shape[rank++] = reduced ? 1 : x->shape[i];
    }
    return rank;
}

/*
 * Rows one after another: an array of x's shape, or one that stretches to it and begins at x's axis `first`, with the kept axes
 * before the reduced ones.
 */
static walker walk_rows(const operands *o, const wn_array *a, int first) {
    wn_array rows = {.data = a->data, .type = a->type, .rank = o->x.rank};
    int at = 0;
    for (unsigned reduced = 0; reduced < 2; reduced++)
        for (int i = 0; i < rows.rank; i++) {
            if ((o->reduced >> i & 1) != reduced) continue;
            bool own = i >= first && i < first + a->rank && a->shape[i - first] != 1;
            rows.shape[at] = o->x.shape[i];
            rows.strides[at++] = own ? a->strides[i - first] : 0;
        }
    return wn_walk(&rows, rows.rank, rows.shape);
}

static wn_status reduce_rows(run *r, const node *n, const operands *o, const wn_array *value) {
    uint64_t elements_of_x[REDUCE_LEAF];
    uint8_t selected[REDUCE_LEAF];
    reduce_state s;
    walker from = walk_rows(o, &o->x, 0), mask = walk_rows(o, &o->m, o->first);
    int64_t rows = elements(value), places = rows ? elements(&o->x) / rows : 0;
    char *to = value->data;
    for (int64_t row = 0; row < rows; row++, to += wn_type_size(value->type)) {
        uint64_t bits;
        wn_reduce_begin(&s, (op)n->op, o->x.type, n->bits);
        for (int64_t left = places, now; left > 0; left -= now) {
            now = left < REDUCE_LEAF ? left : REDUCE_LEAF;
            wn_walk_take(&from, elements_of_x, now);
            if (is_masked(n)) wn_walk_take(&mask, selected, now);
            wn_reduce_add(&s, elements_of_x, is_masked(n) ? selected : NULL, now);
        }
        TRY(wn_reduce_finish(&s, &bits, r->error));
        store(value->type, to, bits);
    }
    return WN_OK;
}

static wn_status run_reduction(run *r, const node *n, wn_array *value) {
    bool packed = n->bits & REDUCE_PACKED;
    operands o = {.x = r->values[n->args[0]], .m = r->values[n->args[1]], .reduced = (unsigned)n->bits};
    o.first = packed ? n->attribute : o.x.rank - o.m.rank;
    int64_t shape[WN_MAX_RANK];
    int rank = reduced_shape(n, &o.x, shape);
    TRY(make_value(r, n, (wn_type)n->type, rank, shape, value));
    if (!packed) {
        if (is_masked(n)) TRY(check_where(r, n, &o));
        return reduce_rows(r, n, &o, value);
    }
    unsigned below = (1u << o.first) - 1, own = (1u << o.m.rank) - 1;
    o.reduced = (o.reduced & below) | own << o.first | (o.reduced >> 1 & ~below) << o.m.rank;
    TRY(unpack(r, n, &o));
    wn_status status = reduce_rows(r, n, &o, value);
    wn_array_free(r->context, &o.x);
    return status;
}

/* ---- The walk ------------------------------------------------------------------------------ */

static wn_status run_node(run *r, node_id id, wn_array *value) {
    const node *n = graph_node(r->graph, id);
    switch ((op)n->op) {
    case OP_input: return take_input(r, id, value);
    case OP_constant: return take_constant(r, n, value);
    case OP_nonzero: return run_nonzero(r, n, value);
    case OP_boolean_mask:
    case OP_expand:
    case OP_place:
    case OP_putmask:
    case OP_compress: return run_mask(r, n, value);
    case OP_null:
    case OP_literal:
        return wn_fail(r->error, WN_ERROR_INTERNAL, "%s: a node without a type is run", op_name(n));
    default:
        return op_is_reduction((op)n->op) ? run_reduction(r, n, value) : run_elementwise(r, n, value);
    }
}

static void drop(run *r, node_id id) {
    if (r->values[id].data) wn_array_free(r->context, &r->values[id]);
    r->values[id].data = NULL;
}

/* One user of a value is done with it. */
static void release(run *r, node_id id) {
    if (--r->uses[id] == 0) drop(r, id);
}

/* Users come after what they use: from the last node down, each live node's operands are live. */
static void count_uses(run *r) {
    const wn_graph *g = r->graph;
    for (uint32_t i = 0; i < g->output_count; i++)
        r->uses[g->outputs[i]]++;
    for (node_id id = g->node_count; id-- > 1;) {
        const node *n = graph_node(g, id);
        for (int i = 0; r->uses[id] && i < arity(n); i++)
            r->uses[n->args[i]]++;
    }
}

static wn_status run_nodes(run *r) {
    /* An input that nothing uses is still an argument that has to fit. */
    for (uint32_t i = 0; i < r->graph->input_count; i++) {
        TRY(check_input(r, r->graph->inputs[i], &r->inputs[i]));
    }
    for (node_id id = 1; id < r->graph->node_count; id++) {
        const node *n = graph_node(r->graph, id);
        if (r->uses[id] == 0) continue;
        TRY(run_node(r, id, &r->values[id]));
        for (int i = 0; i < arity(n); i++)
            release(r, n->args[i]);
    }
    return WN_OK;
}

/* The last output that a value has takes the array itself, the others a copy. */
static wn_status give_result(run *r, node_id id, wn_array *result) {
    wn_array *value = &r->values[id];
    wn_array copy = *value;
    if (r->uses[id] > 1) {
        TRY(make_value(r, graph_node(r->graph, id), value->type, value->rank, value->shape, &copy));
        size_t bytes = (size_t)elements(value) * wn_type_size(value->type);
        if (bytes) memcpy(copy.data, value->data, bytes);
    } else {
        value->data = NULL;
    }
    r->uses[id]--;
    *result = copy;
    return WN_OK;
}

static wn_status give_results(run *r, wn_array *results) {
    for (uint32_t i = 0; i < r->graph->output_count; i++) {
        wn_status status = give_result(r, r->graph->outputs[i], &results[i]);
        if (status == WN_OK) continue;
        while (i-- > 0)
            wn_array_free(r->context, &results[i]);
        return status;
    }
    return WN_OK;
}

wn_status wn_interpret(wn_context *c, const wn_graph *g, const wn_array *inputs, wn_array *results,
                       wn_error *error) {
    size_t values_size = g->node_count * sizeof(wn_array);
    size_t uses_size = g->node_count * sizeof(uint32_t);
    run r = {c, g, inputs, wn_allocate(c, values_size), wn_allocate(c, uses_size), error};
    wn_status status = WN_ERROR_MEMORY;
    if (r.values && r.uses) {
        memset(r.values, 0, values_size);
        memset(r.uses, 0, uses_size);
        count_uses(&r);
        status = run_nodes(&r);
        if (status == WN_OK) status = give_results(&r, results);
        for (node_id id = 1; id < g->node_count; id++)
            drop(&r, id);
    } else {
        wn_fail(error, WN_ERROR_MEMORY, "out of memory for a run of %u nodes", g->node_count);
    }
    if (r.values) wn_release(c, r.values, values_size);
    if (r.uses) wn_release(c, r.uses, uses_size);
    return status;
}
