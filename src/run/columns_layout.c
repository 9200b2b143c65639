/*
 * columns_layout.c - what a stage's columns are reduced to, by which loops, how many at once, and where their accumulators lie
 * (columns_layout.h).
 */
#include "run/columns_layout.h"
#include "graph/reduce.h"

#define TILE_BYTES ((int64_t)256 << 10) /* what is used for every element: within L2 */
#define SET_BYTES ((int64_t)1 << 20)    /* all that a tile keeps                     */
#define LONG_LANES 512                  /* elements of all lanes: long enough for a loop */
#define TRANSPOSED 16                   /* places gathered at once, across lines     */

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static bool is_plain(const bound_stage *s) {
    for (uint32_t i = 0; i < s->plan->output_count; i++) {
        const plan_output *o = &s->plan->outputs[i];
        if (!plain_stream(s, o->value) || (o->masked && !plain_stream(s, o->mask))) return false;
    }
    return true;
}

static bool reads_bits(const bound_stage *s) {
    for (uint32_t i = 0; i < s->grid.in_count; i++)
        if (s->plan->program.streams[i].bits) return true;
    return false;
}

static void describe(const wn_binding *b, const bound_stage *s, uint32_t i, column_output *out) {
    const plan_output *o = &s->plan->outputs[i];
    const node *n = graph_node(b->kernel->graph, o->node);
    wn_type type = (wn_type)s->plan->program.values[o->value].type;
    *out = (column_output){.op = (op)n->op, .type = type, .bits = n->bits, .masked = o->masked};
    out->identity = wn_reduction_identity(out->op, type);
    out->place = n->op == OP_argmin || n->op == OP_argmax;
    out->order = out->place || n->op == OP_min || n->op == OP_max;
    out->truth = type == WN_BOOL;
    out->tree = type_is_float(type) && !out->order;
    out->running = out->place && out->masked && n->bits & REDUCE_PACKED;
    bool must_be = out->order && !out->place && !(n->bits & REDUCE_NEUTRAL);
    out->counts = n->op == OP_mean || n->op == OP_all || (out->masked && must_be) || out->running;
    out->folded = type;
    if (out->order && type_is_float(type)) out->folded = type == WN_F32 ? WN_I32 : WN_I64;
}

static fold_step step_of(const column_output *out) {
    if (out->order) return is_least(out) ? FOLD_LEAST : FOLD_GREATEST;
    return out->op == OP_prod ? FOLD_MULTIPLY : FOLD_ADD;
}

static void choose_fold(const column_layout *l, column_output *out) {
    wn_type type = out->truth ? WN_U8 : out->folded;
    out->fold = l->loops->of(step_of(out), type);
    out->rows = l->loops->rows(step_of(out), out->truth ? WN_U8 : out->type, l->length);
}

bool wn_columns_have_rows(const wn_binding *b, const bound_stage *s, int64_t length) {
    const fold_loops *loops = wn_fold_loops(b->kernel->target.isa);
    for (uint32_t i = 0; i < s->plan->output_count; i++) {
        column_output out;
        describe(b, s, i, &out);
        if (out.place || !loops->rows(step_of(&out), out.truth ? WN_U8 : out.type, length))
            return false;
    }
    return true;
}

/* Lanes of what may be joined in any order: enough for long loops over few columns, no more than there are places. */
static int64_t free_lanes(const column_layout *l) {
    int64_t lanes = 1;
    while (!l->in_rows && lanes * l->columns < LONG_LANES && 2 * lanes <= l->length)
        lanes *= 2;
    return lanes;
}

static int64_t tree_lanes(const column_layout *l, wn_type type) {
    int64_t lanes = 1;
    while (!l->in_rows && lanes < reduce_lanes(type) && lanes < l->length)
        lanes *= 2;
    return lanes;
}

static size_t reserve(size_t *used, size_t size) {
    size_t at = *used;
    *used += (size + 63) & ~(size_t)63;
    return at;
}

static void lay_counter(counter *c, int64_t lanes, int64_t width, size_t *used) {
    size_t cells = (size_t)(lanes * width);
    *c = (counter){.lanes = lanes};
    c->narrow = reserve(used, cells);
    c->wide = reserve(used, 8 * cells);
}

static void lay_output(column_layout *l, column_output *out, size_t *used) {
    size_t size = wn_type_size(out->type);
    out->lanes = out->tree ? tree_lanes(l, out->type) : out->running ? 1 : free_lanes(l);
    out->cells = (size_t)(out->lanes * l->width) * size;
    if (out->truth)
        lay_counter(&out->trues, out->lanes, l->width, used);
    else
        out->acc = reserve(used, out->cells);
    if (out->counts) lay_counter(&out->selected, out->running ? 1 : free_lanes(l), l->width, used);
    if (out->place) out->places = reserve(used, 8 * (size_t)(out->lanes * l->width));
    if (out->tree) {
        out->levels = reserve(used, out->cells * (size_t)l->levels);
    }
}

static size_t lay_set(column_layout *l, uint32_t outputs, int64_t width) {
    size_t used = 0;
    l->width = width;
    for (uint32_t i = 0; i < outputs; i++)
        lay_output(l, &l->outputs[i], &used);
    return used;
}

/* Columns of a tile: few enough for the caches and the buffers. */
static int64_t choose_width(const bound_stage *s, column_layout *l) {
    int64_t most = least(TILE_BYTES, SET_BYTES / (l->levels + 1)), unit = KERNEL_WORD;
    int64_t column = (int64_t)lay_set(l, s->plan->output_count, unit) / unit / (l->levels + 1) + 1;
    if (l->in_rows) return least(l->columns, s->grid.block / l->length);
    bool gathers = l->boxes && !(l->plain && wn_grid_reads_directly(&s->grid, 0));
    int64_t block = s->grid.block / (gathers ? least(l->length, TRANSPOSED) : 1);
    int64_t width = least(most / column, block);
    return width >= l->columns ? l->columns : least(l->columns, width < unit ? unit : width & -unit);
}

/* On threads: a tile or more for each; of too few columns for that, parts. */
static void share(const bound_stage *s, column_layout *l) {
    int64_t workers = s->worker_count, each = l->columns / workers & -KERNEL_WORD;
    if (l->in_rows && each < KERNEL_WORD) each = KERNEL_WORD;
    if (workers == 1 || (!each && l->width < l->columns)) return;
    if (each) {
        l->width = least(l->width, each);
        return;
    }
    l->part = REDUCE_LEAF;
    while (l->part * PARTS_PER_WORKER * workers < l->length)
        l->part *= 2;
    l->parts = (l->length + l->part - 1) / l->part;
}

wn_status wn_columns_prepare(wn_binding *b, bound_stage *s, wn_error *error) {
    wn_context *c = b->kernel->context;
    uint32_t outputs = s->plan->output_count;
    if (!wn_memory_make(c, &s->columns, sizeof(column_layout) + sizeof(column_output) * outputs))
        return wn_fail(error, WN_ERROR_MEMORY, "run: out of memory");
    column_layout *l = layout_of(s);
    *l = (column_layout){.columns = s->rows, .length = s->length, .part = s->length, .parts = 1};
    l->loops = wn_fold_loops(b->kernel->target.isa);
    l->plain = is_plain(s);
    l->in_rows = s->in_rows;
    l->boxes = !s->in_rows && s->grid.rank == 2 && s->grid.dims[0] == s->length && !reads_bits(s);
    for (int64_t leaves = (s->length - 1) / REDUCE_LEAF; leaves; leaves /= 2)
        l->levels++;
    l->levels += l->levels > 0; /* 2^k leaves are a digit more than 2^k - 1 */
    for (uint32_t i = 0; i < outputs; i++) {
        describe(b, s, i, &l->outputs[i]);
        choose_fold(l, &l->outputs[i]);
    }
    l->width = choose_width(s, l);
    share(s, l);
    l->tiles = (l->columns + l->width - 1) / l->width;
    l->set_size = lay_set(l, outputs, l->width);
    size_t sets = (size_t)(l->parts > 1 ? l->parts : s->worker_count);
    if (!wn_memory_make(c, &s->accumulators, l->set_size * sets + 64))
        return wn_fail(error, WN_ERROR_MEMORY, "run: out of memory");
    return WN_OK;
}
