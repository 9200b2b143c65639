/*
 * reduce.c - REDUCE stages: a row of elements for each result.
 *
 * Long rows go through the stage's reduce function, in place where they are contiguous. A short one, and those whose places in x[m] are
 * asked for, are computed into the buffers and reduced in C; many short ones, and rows that lie across memory, by columns (columns.h).
 * On threads, rows are shared out if there are many; one long row is cut into parts of 2^k leaves, each of which is one digit of the
 * whole row's tree: the bits are the same.
 */
#include "graph/reduce.h"
#include "run/array.h"
#include "run/columns.h"
#include "run/fold.h"
#include "run/threads.h"

#include <string.h>

/* The function's leaves are the interpreter's. */
_Static_assert((int)KERNEL_LEAF == (int)REDUCE_LEAF && (int)KERNEL_LEVELS == (int)REDUCE_LEVELS,
               "one tree");
_Static_assert(sizeof((kernel_accumulator *)0)->levels == sizeof((reduce_state *)0)->stack,
               "of lanes of one size");

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- By rows or by columns ---------------------------------------------------------------------------------------------- */

static uint64_t nearest(const operand *o, const int64_t *dims, int first, int end) {
    uint64_t best = UINT64_MAX;
    for (int i = first; i < end; i++) {
        uint64_t stride = (uint64_t)(o->strides[i] < 0 ? -o->strides[i] : o->strides[i]);
        if (dims[i] > 1 && stride && stride < best) best = stride;
    }
    return best;
}

/* Whether more streams have neighbours in a column than in a row. */
static bool columns_are_nearer(const bound_stage *s) {
    int kept = s->plan->kept, votes = 0;
    for (uint32_t i = 0; i < s->grid.in_count; i++) {
        const operand *o = &s->grid.in[i];
        if (o->mode == OPERAND_SCALAR) continue;
        uint64_t column = nearest(o, s->grid.dims, 0, kept),
                 row = nearest(o, s->grid.dims, kept, s->grid.rank);
        votes += (column < row) - (row < column);
    }
    return votes > 0;
}

static void turn(int64_t *axes, int kept, int rank) {
    int64_t turned[PLAN_MAX_AXES];
    for (int i = 0; i < rank; i++)
        turned[i] = axes[(i + kept) % rank];
    memcpy(axes, turned, sizeof *axes * (size_t)rank);
}

bool wn_columns_choose(const wn_binding *b, bound_stage *s) {
    grid *g = &s->grid;
    int kept = s->plan->kept;
    int64_t columns = wn_count_elements(WN_BOOL, kept, g->dims); /* of an empty space, of any size */
    s->in_rows = false;
    if (columns < 2 || g->total == 0) return false;
    int64_t length = g->total / columns;
    if (!columns_are_nearer(s)) {
        if (length >= SHORT_ROW) return false;
        s->in_rows = length >= 2 && length <= FOLD_LONG_ROW && wn_columns_have_rows(b, s, length);
        if (s->in_rows) return true;
    }
    g->tiled = columns > KERNEL_WORD; /* fewer are one tile */
    turn(g->dims, kept, g->rank);
    for (uint32_t i = 0; i < g->in_count; i++)
        if (g->in[i].mode != OPERAND_SCALAR) turn(g->in[i].strides, kept, g->rank);
    return true;
}

/* ---- Preparing ----------------------------------------------------------------------------------------------------------- */

static bool rows_are_long(const bound_stage *s) {
    return s->reduce && (s->length >= SHORT_ROW || s->rows == 1);
}

/* Elements of a part of one long row: 2^k leaves. */
static int64_t part_size(const bound_stage *s) {
    int64_t size = KERNEL_LEAF;
    while (size * PARTS_PER_WORKER * s->worker_count < s->length)
        size *= 2;
    return size;
}

static bool cuts_rows(const bound_stage *s) {
    return s->worker_count > 1 && s->rows < PARTS_PER_WORKER * s->worker_count &&
           (s->rows == 1 || s->length >= PARALLEL_LEAST);
}

/* How many accumulators there are for each output: one a part, or one a worker. */
static int64_t accumulator_sets(const bound_stage *s) {
    return cuts_rows(s) ? (s->length + part_size(s) - 1) / part_size(s) : s->worker_count;
}

/* What a row is reduced to on the way, for each output: by the function, or in C. */
typedef union row_state {
    kernel_accumulator by_function;
    reduce_state in_c;
} row_state;

/* ---- A row, or a part of one --------------------------------------------------------------------------------------------- */

static row_state *states_of(const bound_stage *s, int64_t set) {
    uintptr_t first = ((uintptr_t)s->accumulators.data + 63) & ~(uintptr_t)63;
    return (row_state *)first + (size_t)set * s->plan->output_count;
}

static const node *node_of(const wn_binding *b, const bound_stage *s, uint32_t output) {
    return graph_node(b->kernel->graph, s->plan->outputs[output].node);
}

static op op_of(const wn_binding *b, const bound_stage *s, uint32_t output) {
    return (op)node_of(b, s, output)->op;
}

static wn_type type_of(const bound_stage *s, uint32_t output) {
    return (wn_type)s->outputs[output].value_type;
}

static bool is_tree(op o, wn_type type) {
    return type_is_float(type) && (o == OP_sum || o == OP_prod || o == OP_mean);
}

/* Of a constant size memcpy is a load and a store, else a call. */
static inline void copy_element(void *to, const void *from, size_t size) {
    switch (size) {
    case 1: memcpy(to, from, 1); break;
    case 2: memcpy(to, from, 2); break;
    case 4: memcpy(to, from, 4); break;
    case 8: memcpy(to, from, 8); break;
    }
}

/* The function joins to a value that begins at the identity. */
static void begin_lanes(kernel_accumulator *a, uint64_t identity) {
    a->leaves = a->count = 0;
    a->leaf = a->place = -1; /* of nothing there is none */
    a->unsure = false;
    memcpy(a->lanes, &identity, sizeof identity); /* little-endian, as what the function was made for */
}

static void begin_row(const wn_binding *b, const bound_stage *s, row_state *states) {
    bool by_function = rows_are_long(s);
    for (uint32_t i = 0; i < s->plan->output_count; i++) {
        if (by_function)
            begin_lanes(&states[i].by_function, s->outputs[i].identity);
        else
            wn_reduce_begin(&states[i].in_c, op_of(b, s, i), type_of(s, i), node_of(b, s, i)->bits);
    }
}

/* ---- Places -------------------------------------------------------------------------------------------------------------- */

/* What a call found, whose first element is at `first`, joined to what the calls before it did. */
static void take_place(kernel_accumulator *a, op o, wn_type type, int64_t first) {
    uint64_t value = 0;
    if (a->leaf < 0) return;
    copy_element(&value, a->lanes, wn_type_size(type));
    if (a->place >= 0 && wn_reduce_compare(o, type, value, a->best) <= 0)
        return; /* of equals the first wins */
    a->best = value;
    a->place = first + a->leaf * KERNEL_LEAF;
}

static void take_places(const wn_binding *b, const bound_stage *s, row_state *states, int64_t first) {
    for (uint32_t i = 0; s->plan->places && i < s->plan->output_count; i++)
        if (op_is_place(op_of(b, s, i)) && first_alike(s->plan, i) == i)
            take_place(&states[i].by_function, op_of(b, s, i), type_of(s, i), first);
}

/* Whether any and all have their answer before all elements are seen. */
static bool all_decided(const bound_stage *s, const row_state *states) {
    for (uint32_t i = 0; i < s->plan->output_count; i++)
        if (states[first_alike(s->plan, i)].by_function.count == 0) return false;
    return true;
}

static bool may_decide(const wn_binding *b, const bound_stage *s) {
    for (uint32_t i = 0; i < s->plan->output_count; i++)
        if (op_of(b, s, i) != OP_any && op_of(b, s, i) != OP_all) return false;
    return true;
}

/* Elements between two looks at whether all is decided. */
#define DECIDE_LENGTH (32 * KERNEL_LEAF)

/* Elements that a call may take at once. */
static int64_t most_of_call(const wn_binding *b, const bound_stage *s, bool direct) {
    int64_t most = direct ? KERNEL_REDUCE_MOST : s->grid.block;
    if (may_decide(b, s)) most = least(most, DECIDE_LENGTH);
    for (uint32_t i = 0; i < s->plan->output_count; i++) {
        op o = op_of(b, s, i);
        if (op_is_place(o)) most = least(most, kernel_places_most(wn_type_size(type_of(s, i))));
        int64_t widened = widened_value(s->plan, o, i);
        if (widened >= 0)
            most = least(most, kernel_widened_most(
                                   wn_type_size((wn_type)s->plan->program.values[widened].type)));
    }
    return most;
}

/* Of `count` elements from `first` on, those behind the last whole word are copied if that word is not all there, since the function reads
   whole words. */
static void point_in_place(const grid *g, const worker *w, const void **in, int64_t first,
                           int64_t count) {
    int64_t rest = count % KERNEL_WORD, whole = count - rest;
    bool copied = rest && first + whole + KERNEL_WORD > g->total;
    for (uint32_t i = 0; i < g->in_count; i++) {
        const operand *o = &g->in[i];
        char *buffer = w->buffers + o->buffer;
        const char *from = o->mode == OPERAND_SCALAR ? o->data : o->data + first * o->size;
        in[i] = in[2 * g->in_count + i] = from;
        in[g->in_count + i] = (const void *)(uintptr_t)o->bit;
        if (o->mode == OPERAND_SCALAR || !copied) continue;
        memcpy(buffer, from + whole * o->size, (size_t)(rest * o->size));
        in[2 * g->in_count + i] = (const void *)((uintptr_t)buffer - (uintptr_t)(whole * o->size));
    }
}

static void point(const bound_stage *s, worker *w, int64_t first, int64_t count) {
    uint32_t streams = s->grid.in_count;
    if (s->in_place) {
        point_in_place(&s->grid, w, w->in, first, count);
        return;
    }
    wn_grid_point(&s->grid, w, 0, first, count);
    memcpy(w->in + 2 * streams, w->in, sizeof *w->in * streams);
}

static kernel_fn function_of(const bound_stage *s) {
    return s->stream ? s->stream : s->reduce;
}

/* By the function: whole leaves as long as there are any. */
static void add_long(const wn_binding *b, const bound_stage *s, worker *w, row_state *states,
                     int64_t first, int64_t count) {
    int64_t most = most_of_call(b, s, wn_grid_reads_directly(&s->grid, 0)), done = 0;
    bool decides = may_decide(b, s);
    kernel_cursor cursor = {0};
    while (done < count) {
        int64_t now = least(count - done, most);
        if (now > KERNEL_LEAF) now -= now % KERNEL_LEAF;
        point(s, w, first + done, now);
        for (uint32_t i = 0; i < s->plan->output_count; i++)
            w->out[i] = &states[i].by_function;
        function_of(s)(w->in, w->out, NULL, now, &cursor);
        take_places(b, s, states, done);
        done += now;
        if (decides && all_decided(s, states)) return;
    }
}

/* In C: `count` elements of an output that lie in the buffers from element `at` on. */
static void add_output(const bound_stage *s, const worker *w, uint32_t output, reduce_state *state,
                       int64_t at, int64_t count) {
    const operand *value = &s->grid.out[output], *mask = &s->grid.out[s->plan->output_count + output];
    const char *values = w->buffers + value->buffer + at * value->size;
    const void *selected = s->plan->outputs[output].masked ? w->buffers + mask->buffer + at : NULL;
    wn_reduce_add(state, values, selected, count);
}

static void add_computed(const bound_stage *s, const worker *w, row_state *states, int64_t at,
                         int64_t count) {
    for (uint32_t i = 0; i < s->plan->output_count; i++)
        if (first_alike(s->plan, i) == i) add_output(s, w, i, &states[i].in_c, at, count);
}

static void add_short(const bound_stage *s, worker *w, row_state *states, int64_t first, int64_t count) {
    while (count > 0) {
        int64_t now = least(count, s->grid.block);
        wn_compute(s, w, first, now);
        add_computed(s, w, states, 0, now);
        first += now;
        count -= now;
    }
}

static void add(const wn_binding *b, const bound_stage *s, worker *w, row_state *states,
                int64_t first, int64_t count) {
    if (rows_are_long(s))
        add_long(b, s, w, states, first, count);
    else
        add_short(s, w, states, first, count);
}

/* ---- Results ------------------------------------------------------------------------------------------------------------- */

/* What the function found out, as if it had been found out in C. */
static void take_over(const bound_stage *s, uint32_t output, const node *n,
                      const kernel_accumulator *a, int64_t length, reduce_state *to) {
    wn_type type = type_of(s, output);
    op o = (op)n->op;
    wn_reduce_begin(to, o, type, n->bits);
    if (is_tree(o, type)) {
        to->leaves = (uint64_t)a->leaves;
        for (int i = 0; a->leaves >> i; i++)
            memcpy(&to->stack[i], a->levels[i], sizeof to->stack[i]);
    } else if (type != WN_BOOL) {
        wn_reduce_add(to, a->lanes, NULL, 1);
    }
    to->places = length;
    to->selected = s->outputs[output].counts ? a->count : length;
    if (type == WN_BOOL) to->value = (uint64_t)(o == OP_all ? to->selected - a->count : a->count);
}

/* Reduce `count` elements of the space in C. */
static void compute_all(const bound_stage *s, worker *w, uint32_t output, int64_t first,
                        int64_t count, reduce_state *to) {
    for (int64_t done = 0, now; done < count; done += now) {
        now = least(count - done, s->grid.block);
        wn_compute(s, w, first + done, now);
        add_output(s, w, output, to, 0, now);
    }
}

/* Elements of an output from `first` of the space on, where they lie, or computed. */
static const void *values_at(const bound_stage *s, worker *w, uint32_t output, int64_t first,
                             int64_t count) {
    const plan_value *v = &s->plan->program.values[s->plan->outputs[output].value];
    const operand *stream = v->kind == VALUE_STREAM ? &s->grid.in[v->number] : NULL;
    if (stream && stream->mode == OPERAND_DIRECT && !s->plan->outputs[output].masked &&
        (uintptr_t)stream->data % stream->size == 0)
        return stream->data + first * stream->size;
    wn_compute(s, w, first, count);
    return w->buffers + s->grid.out[output].buffer;
}

/* The place of the best, in the leaf in which the function found it; of a row, or a part of one, that begins at `first`. */
static int64_t place_of_best(const wn_binding *b, const bound_stage *s, worker *w, uint32_t output,
                             const kernel_accumulator *a, int64_t first, int64_t count) {
    int64_t n = least(KERNEL_LEAF, count - a->place);
    const operand *mask = &s->grid.out[s->plan->output_count + output];
    const void *values = values_at(s, w, output, first + a->place, n);
    const char *selected = s->plan->outputs[output].masked ? w->buffers + mask->buffer : NULL;
    return a->place + wn_fold_loops(b->kernel->target.isa)
                          ->find(type_of(s, output), values, (const uint8_t *)selected, n, a->best);
}

/* It does not look for the place of a NaN, or of what is no better than the identity. */
static bool place_is_known(const kernel_accumulator *a) {
    return a->place >= 0 && !a->unsure;
}

static void find_place(const wn_binding *b, const bound_stage *s, worker *w, uint32_t output,
                       const kernel_accumulator *a, int64_t first, int64_t count, reduce_state *to) {
    const node *n = node_of(b, s, output);
    wn_reduce_begin(to, (op)n->op, type_of(s, output), n->bits);
    if (!place_is_known(a)) {
        compute_all(s, w, output, first, count, to);
        return;
    }
    wn_reduce_add(to, &a->best, NULL, 1);
    to->best = place_of_best(b, s, w, output, a, first, count);
    to->places = count;
    to->selected = s->plan->outputs[output].masked ? a->count : count;
}

/* What became of `count` elements from `first` on. */
static const reduce_state *finish(const wn_binding *b, const bound_stage *s, worker *w,
                                  uint32_t output, const row_state *states, int64_t first,
                                  int64_t count, reduce_state *room) {
    uint32_t own = first_alike(s->plan, output);
    const node *n = node_of(b, s, output);
    const kernel_accumulator *a = &states[own].by_function;
    if (!rows_are_long(s)) return &states[own].in_c;
    if (op_is_place((op)n->op))
        find_place(b, s, w, own, a, first, count, room);
    else
        take_over(s, own, n, a, count, room);
    return room;
}

/* Where the result of a row lies. */
static char *place_of(const wn_array *a, int64_t row) {
    char *to = a->data;
    for (int i = a->rank; row && i-- > 0; row /= a->shape[i])
        to += row % a->shape[i] * a->strides[i];
    return to;
}

static inline void store_bits(const bound_output *out, int64_t row, uint64_t bits) {
    if (out->size)
        copy_element(place_of(out->array, row), &bits, out->size);
    else
        wn_array_put(out->array, (const char *)&bits, row, 1);
}

static wn_status store_result(const bound_stage *s, uint32_t output, const reduce_state *state,
                              int64_t row, wn_error *error) {
    uint64_t bits = 0;
    TRY(wn_reduce_finish(state, &bits, error));
    store_bits(&s->outputs[output], row, bits);
    return WN_OK;
}

/* One function a size: memcpy of a constant size is a load and a store. It loads no more than the function stored: that would wait. */
#define SETTLE_VALUE(BYTES)                                                                        \
    static bool settle_value_##BYTES(const kernel_accumulator *a, int64_t selected, void *to) {    \
        if (selected) memcpy(to, a->lanes, BYTES);                                                 \
        return selected != 0;                                                                      \
    }
SETTLE_VALUE(1)
SETTLE_VALUE(2)
SETTLE_VALUE(4)
SETTLE_VALUE(8)

#define SETTLE_MEAN(T)                                                                             \
    static bool settle_mean_##T(const kernel_accumulator *a, int64_t selected, void *to) {         \
        T mean;                                                                                    \
        memcpy(&mean, a->lanes, sizeof mean);                                                      \
        mean /= (T)selected;                                                                       \
        memcpy(to, &mean, sizeof mean);                                                            \
        return true;                                                                               \
    }
SETTLE_MEAN(float)
SETTLE_MEAN(double)

static bool settle_mean_integers(const kernel_accumulator *a, int64_t selected, void *to) {
    uint64_t sum;
    memcpy(&sum, a->lanes, sizeof sum);
    sum = wn_reduce_mean(sum, selected);
    memcpy(to, &sum, sizeof sum);
    return true;
}

static bool settle_count(const kernel_accumulator *a, int64_t selected, void *to) {
    (void)selected;
    memcpy(to, &a->count, sizeof a->count);
    return true;
}

static bool settle_any(const kernel_accumulator *a, int64_t selected, void *to) {
    (void)selected;
    *(bool *)to = a->count != 0;
    return true;
}

static bool settle_all(const kernel_accumulator *a, int64_t selected, void *to) {
    (void)selected;
    *(bool *)to = a->count == 0;
    return true;
}

static settle_fn *settle_of(op o, wn_type value) {
    static settle_fn *const of_size[] = {
        [1] = settle_value_1, [2] = settle_value_2, [4] = settle_value_4, [8] = settle_value_8};
    switch ((int)o) {
    case OP_count: return settle_count;
    case OP_any: return settle_any;
    case OP_all: return settle_all;
    case OP_mean:
        return value == WN_F32   ? settle_mean_float
               : value == WN_F64 ? settle_mean_double
                                 : settle_mean_integers;
    default: return op_is_place(o) ? NULL : of_size[wn_type_size(value)];
    }
}

static wn_status finish_and_store(const wn_binding *b, const bound_stage *s, worker *w, uint32_t output,
                                  const row_state *states, int64_t row, wn_error *error) {
    reduce_state room;
    const kernel_accumulator *a = &states[s->outputs[output].own].by_function;
    int64_t first = row * s->length;
    if (rows_are_long(s) && op_is_place(op_of(b, s, output)) && place_is_known(a)) {
        store_bits(&s->outputs[output], row,
                   (uint64_t)place_of_best(b, s, w, output, a, first, s->length));
        return WN_OK;
    }
    return store_result(s, output, finish(b, s, w, output, states, first, s->length, &room), row, error);
}

/* Of a row that the function reduced. */
static inline wn_status settle_and_store(const wn_binding *b, const bound_stage *s, worker *w,
                                         uint32_t output, const row_state *states, int64_t row,
                                         wn_error *error) {
    const bound_output *out = &s->outputs[output];
    const kernel_accumulator *a = &states[out->own].by_function;
    int64_t selected = out->counts ? a->count : s->length;
    if (out->settle && out->settle(a, selected, place_of(out->array, row))) return WN_OK;
    return finish_and_store(b, s, w, output, states, row, error);
}

static wn_status store_row(const wn_binding *b, const bound_stage *s, worker *w,
                           const row_state *states, int64_t row, wn_error *error) {
    bool by_function = rows_are_long(s);
    for (uint32_t i = 0; i < s->plan->output_count; i++)
        TRY(by_function ? settle_and_store(b, s, w, i, states, row, error)
                        : finish_and_store(b, s, w, i, states, row, error));
    return WN_OK;
}

/* ---- Rows, one after the other ------------------------------------------------------------------------------------------- */

static wn_status reduce_row(const wn_binding *b, const bound_stage *s, worker *w, row_state *states,
                            int64_t row, wn_error *error) {
    begin_row(b, s, states);
    add(b, s, w, states, row * s->length, s->length);
    return store_row(b, s, w, states, row, error);
}

/* Short rows: as many at a time as a block holds. */
static wn_status reduce_block(const wn_binding *b, const bound_stage *s, worker *w,
                              row_state *states, int64_t first, int64_t end, wn_error *error) {
    wn_compute(s, w, first * s->length, (end - first) * s->length);
    for (int64_t row = first; row < end; row++) {
        begin_row(b, s, states);
        add_computed(s, w, states, (row - first) * s->length, s->length);
        TRY(store_row(b, s, w, states, row, error));
    }
    return WN_OK;
}

static wn_status reduce_rows(const wn_binding *b, const bound_stage *s, worker *w,
                             row_state *states, int64_t first, int64_t end, wn_error *error) {
    int64_t at_once = s->length ? s->grid.block / s->length : 0;
    bool one_by_one = rows_are_long(s) || at_once < 2;
    if (s->length) wn_grid_begin(&s->grid, w);
    for (int64_t row = first; row < end;) {
        int64_t next = one_by_one ? row + 1 : least(row + at_once, end);
        TRY(one_by_one ? reduce_row(b, s, w, states, row, error)
                       : reduce_block(b, s, w, states, row, next, error));
        row = next;
    }
    return WN_OK;
}

/* ---- On threads ---------------------------------------------------------------------------------------------------------- */

typedef struct reduce_job {
    const wn_binding *b;
    bound_stage *stage;
    int64_t size; /* of a part: rows, or elements of the one row */
    int64_t row;
    _Atomic(bool) failed;
} reduce_job;

static void rows_task(void *user, int64_t task, int32_t number) {
    reduce_job *job = user;
    bound_stage *s = job->stage;
    int64_t first = task * job->size;
    wn_status status = reduce_rows(job->b, s, &s->workers[number], states_of(s, number), first,
                                   least(first + job->size, s->rows), NULL);
    if (status != WN_OK) job->failed = true;
}

static wn_status share_rows(const wn_binding *b, bound_stage *s, wn_error *error) {
    reduce_job job = {.b = b, .stage = s, .size = s->rows / (PARTS_PER_WORKER * s->worker_count) + 1};
    wn_parallel(b->kernel->context, (s->rows + job.size - 1) / job.size, rows_task, &job);
    /* The first row that fails says why. */
    return job.failed ? reduce_rows(b, s, &s->workers[0], states_of(s, 0), 0, s->rows, error) : WN_OK;
}

static void part_task(void *user, int64_t task, int32_t number) {
    const reduce_job *job = user;
    bound_stage *s = job->stage;
    worker *w = &s->workers[number];
    int64_t first = task * job->size;
    wn_grid_begin(&s->grid, w);
    begin_row(job->b, s, states_of(s, task));
    add(job->b, s, w, states_of(s, task), job->row * s->length + first,
        least(job->size, s->length - first));
}

/* The parts' states in order, as one. */
static wn_status store_parts(const wn_binding *b, const bound_stage *s, const reduce_job *job,
                             int64_t parts, wn_error *error) {
    wn_grid_begin(&s->grid, &s->workers[0]); /* which looks for places */
    for (uint32_t i = 0; i < s->plan->output_count; i++) {
        const node *n = node_of(b, s, i);
        reduce_state whole, part;
        wn_reduce_begin(&whole, (op)n->op, type_of(s, i), n->bits);
        for (int64_t k = 0; k < parts; k++) {
            int64_t first = k * job->size, count = least(job->size, s->length - first);
            wn_reduce_merge(&whole, finish(b, s, &s->workers[0], i, states_of(s, k),
                                           job->row * s->length + first, count, &part));
        }
        TRY(store_result(s, i, &whole, job->row, error));
    }
    return WN_OK;
}

static wn_status cut_rows(const wn_binding *b, bound_stage *s, wn_error *error) {
    reduce_job job = {.b = b, .stage = s, .size = part_size(s)};
    int64_t parts = accumulator_sets(s);
    for (job.row = 0; job.row < s->rows; job.row++) {
        wn_parallel(b->kernel->context, parts, part_task, &job);
        TRY(store_parts(b, s, &job, parts, error));
    }
    return WN_OK;
}

/* ---- One row, in place ----------------------------------------------------------------------------------------------------- */

/* One call of the function reduces all, from where the streams lie. */
static bool is_direct(const wn_binding *b, const bound_stage *s) {
    if (s->rows != 1 || s->by_columns || s->worker_count > 1 || !rows_are_long(s) || !s->early)
        return false;
    if (s->plan->places && s->length % KERNEL_WORD) return false;
    return s->in_place && s->length > 0 && s->length <= most_of_call(b, s, true);
}

wn_status wn_reduce_directly(wn_binding *b, uint32_t stage, wn_error *error) {
    const bound_stage *s = &b->stages[stage];
    row_state *states = states_of(s, 0);
    worker *w = &s->workers[0];
    uint32_t count = s->plan->output_count;
    kernel_cursor cursor = {0};
    for (uint32_t i = 0; i < count; i++)
        begin_lanes(&states[i].by_function, s->outputs[i].identity);
    if (s->length % KERNEL_WORD) point_in_place(&s->grid, w, s->in, 0, s->length);
    function_of(s)(s->in, s->out, NULL, s->length, &cursor);
    if (s->plan->places) take_places(b, s, states, 0);
    for (uint32_t i = 0; i < count; i++)
        TRY(settle_and_store(b, s, w, i, states, 0, error));
    return WN_OK;
}

static void prepare_outputs(const wn_binding *b, bound_stage *s) {
    for (uint32_t i = 0; i < s->plan->output_count; i++) {
        bound_output *out = &s->outputs[i];
        out->own = first_alike(s->plan, i);
        out->value_type = s->plan->program.values[s->plan->outputs[i].value].type;
        out->counts =
            s->plan->outputs[i].masked && op_of(b, s, i) != OP_sum && op_of(b, s, i) != OP_prod;
        out->settle = out->array->type == WN_BITMAP ? NULL : settle_of(op_of(b, s, i), type_of(s, i));
        out->size = (uint8_t)(out->array->type == WN_BITMAP ? 0 : wn_type_size(out->array->type));
        out->identity = wn_reduction_identity(op_of(b, s, i), type_of(s, i));
    }
}

wn_status wn_reduce_prepare(wn_binding *b, bound_stage *s, uint32_t stage, wn_error *error) {
    const plan_stage *p = s->plan;
    prepare_outputs(b, s);
    /* Of an empty space, the lengths beside the 0 may be of any size: those of the results are checked when they are made. */
    s->rows = wn_count_elements(WN_BOOL, p->kept, s->dims);
    s->length = s->rows > 0 ? s->grid.total / s->rows : 0;
    bool maps = s->by_columns || !rows_are_long(s);
    if (maps && s->rows && s->length && !s->map)
        TRY(wn_kernel_late(b->kernel, stage, KERNEL_MAP, &s->map, error));
    s->in_place = wn_grid_reads_directly(&s->grid, 0) && !wn_grid_has_bits(&s->grid);
    if (!maps && s->in_place && wn_exceeds_caches(b, s))
        TRY(wn_kernel_late(b->kernel, stage, KERNEL_STREAM, &s->stream, error));
    s->direct = is_direct(b, s);
    if (s->by_columns) return wn_columns_prepare(b, s, error);
    size_t size = 64 + sizeof(row_state) * p->output_count * (size_t)accumulator_sets(s);
    if (!wn_memory_make(b->kernel->context, &s->accumulators, size))
        return wn_fail(error, WN_ERROR_MEMORY, "run: out of memory");
    for (uint32_t i = 0; i < p->output_count; i++)
        s->out[i] = &states_of(s, 0)[i];
    return WN_OK;
}

/* ---- A stage ------------------------------------------------------------------------------------------------------------- */

wn_status wn_reduce_run(wn_binding *b, uint32_t stage, wn_error *error) {
    bound_stage *s = &b->stages[stage];
    for (uint32_t i = 0; !s->placed && i < s->plan->output_count; i++)
        TRY(wn_target_make(b, &s->plan->outputs[i], error));
    for (int32_t i = 0; i < s->worker_count; i++)
        s->workers[i].filled = false;
    if (s->rows == 0) return WN_OK;
    if (s->by_columns) return wn_columns_run(b, s, error);
    if (cuts_rows(s)) return cut_rows(b, s, error);
    if (s->worker_count > 1) return share_rows(b, s, error);
    return reduce_rows(b, s, &s->workers[0], states_of(s, 0), 0, s->rows, error);
}
