/*
 * stage.c - stages made ready for arrays, and the running of MAP stages.
 *
 * Preparing evaluates the lengths of a stage's space, finds the strides of every stream over it, and lays out the buffers. After
 * that, a run of contiguous operands is one call of the kernel, and one more for what is not a whole step.
 */
#include "run/array.h"
#include "run/columns.h"
#include "run/threads.h"

#include <string.h>

#define MAP_BLOCK 4096
#define PACK_BLOCK 2048
#define ROWS_BLOCK 16384

/* ---- Memory ---------------------------------------------------------------------------------------------------------- */

bool wn_memory_make(wn_context *c, memory *m, size_t size) {
    if (m->data && size <= m->size) return true;
    void *data = wn_allocate(c, size);
    if (!data) return false;
    memset(data, 0, size);
    wn_memory_free(c, m);
    *m = (memory){data, size};
    return true;
}

void wn_memory_free(wn_context *c, memory *m) {
    wn_release(c, m->data, m->size);
    *m = (memory){NULL, 0};
}

static wn_status no_memory(wn_error *error) {
    return wn_fail(error, WN_ERROR_MEMORY, "run: out of memory");
}

/* ---- Targets ---------------------------------------------------------------------------------------------------------- */

wn_array *wn_stage_target(const wn_binding *b, const plan_output *o) {
    return o->target == TARGET_OUTPUT ? &b->now.outputs[o->number] : &b->temps[o->number];
}

static memory *target_memory(const wn_binding *b, const plan_output *o) {
    return o->target == TARGET_OUTPUT ? &b->owned[o->number] : &b->temp_memory[o->number];
}

/* The array of a target as far as its lengths are known. The context's is contiguous; until it is made, it lies in the memory of
   the run before, whose result is still lent when a rebind fails. */
static void shape_target(wn_binding *b, const plan_output *o) {
    const node *n = graph_node(b->kernel->graph, o->node);
    wn_array *a = wn_stage_target(b, o);
    int64_t shape[WN_MAX_RANK];
    wn_node_shape(b->kernel, &b->now, n, shape);
    if (target_is_given(b, o))
        memcpy(a->shape, shape, sizeof *shape * n->rank);
    else
        *a = wn_array_of((wn_type)n->type, target_memory(b, o)->data, n->rank, shape);
}

/* A result's memory has exactly its size, since it may become the caller's. */
static bool make_result(wn_context *c, memory *m, size_t size) {
    if (m->data && m->size == size) return true;
    void *data = wn_allocate(c, size);
    if (!data) return false;
    wn_memory_free(c, m);
    *m = (memory){data, size};
    return true;
}

wn_status wn_target_make(wn_binding *b, const plan_output *o, wn_error *error) {
    wn_context *c = b->kernel->context;
    wn_array *a = wn_stage_target(b, o);
    if (target_is_given(b, o)) {
        TRY(wn_check_room(b->kernel, &b->now, o->number, error));
        shape_target(b, o);
        return WN_OK;
    }
    shape_target(b, o);
    memory *m = target_memory(b, o);
    int64_t count = array_elements(a);
    char text[200];
    if (count < 0)
        return wn_fail(error, WN_ERROR_LIMIT, "%s: a result of shape %s and type %s is too large",
                       wn_op_row((op)graph_node(b->kernel->graph, o->node)->op)->name,
                       wn_shape_text(a->rank, a->shape, text, sizeof text), wn_type_name(a->type));
    size_t size = (size_t)count * wn_type_size(a->type);
    bool made = o->target == TARGET_OUTPUT ? make_result(c, m, size) : wn_memory_make(c, m, size);
    a->data = m->data;
    if (made) return WN_OK;
    return wn_fail(error, WN_ERROR_MEMORY, "%s: out of memory for a result of shape %s",
                   wn_op_row((op)graph_node(b->kernel->graph, o->node)->op)->name,
                   wn_shape_text(a->rank, a->shape, text, sizeof text));
}

/* ---- Grids ------------------------------------------------------------------------------------------------------------ */

static const wn_array *stream_array(const wn_binding *b, const plan_stream *s) {
    return s->source == SOURCE_INPUT ? &b->now.inputs[s->number] : &b->temps[s->number];
}

static void lay_stream(const wn_binding *b, const plan_program *p, const plan_stream *s,
                       const grid *g, operand *o) {
    const wn_array *a = stream_array(b, s);
    o->size = (uint8_t)(s->bits ? 0 : wn_type_size(s->type));
    o->bit = array_bit(a);
    o->mode = s->scalar ? OPERAND_SCALAR : OPERAND_STRIDED;
    for (int i = 0; i < p->rank; i++) {
        int axis = s->axes[i];
        bool stays = axis < 0 || (a->shape[axis] == 1 && g->dims[i] != 1);
        o->strides[i] = stays ? 0 : a->strides[axis];
    }
}

/* The space of a MAP or EXPAND stage is the shape of its results; that of the others lies behind theirs. */
static wn_status fail_size(const wn_binding *b, const plan_stage *s, const grid *g, wn_error *error) {
    char text[400];
    const node *n = graph_node(b->kernel->graph, s->outputs[0].node);
    const char *name = node_written_name(n);
    wn_shape_text(g->rank, g->dims, text, sizeof text);
    if (stage_is_masked(s) || s->kind == STAGE_REDUCE)
        return wn_fail(error, WN_ERROR_LIMIT, "%s: a space of shape %s is too large", name, text);
    return wn_fail(error, WN_ERROR_LIMIT, "%s: a result of shape %s and type %s is too large", name,
                   text, wn_type_name((wn_type)n->type));
}

/* The lengths of a program's space and the streams over it. The modes are not chosen yet. */
static wn_status lay_program(const wn_binding *b, const plan_stage *s, const plan_program *p,
                             grid *g, wn_error *error) {
    g->rank = p->rank;
    g->step = p->step;
    for (int i = 0; i < p->rank; i++)
        g->dims[i] = length_of(&b->now, p->dims[i]);
    g->total = wn_count_elements(WN_F64, g->rank, g->dims); /* in the widest elements */
    if (g->total < 0) return fail_size(b, s, g, error);
    for (uint32_t i = 0; i < p->stream_count; i++)
        lay_stream(b, p, &p->streams[i], g, &g->in[i]);
    return WN_OK;
}

/* Whether outputs lie over the space. */
static bool stores_in_place(const plan_stage *s) {
    return s->kind == STAGE_MAP || s->kind == STAGE_EXPAND;
}

static void lay_map_outputs(wn_binding *b, bound_stage *s) {
    grid *g = &s->grid;
    for (uint32_t i = 0; i < g->out_count; i++) {
        const plan_output *o = &s->plan->outputs[i];
        operand *to = &g->out[i];
        shape_target(b, o);
        const wn_array *a = wn_stage_target(b, o);
        to->size = (uint8_t)wn_type_size(a->type);
        to->bit = array_bit(a);
        s->outputs[i].given = target_is_given(b, o);
        to->mode = OPERAND_STRIDED;
        memcpy(to->strides, a->strides, sizeof *a->strides * (size_t)a->rank);
    }
}

/* Packed outputs have no place on the grid: their values go through buffers where they can't be stored at once. */
static void lay_buffered_outputs(wn_binding *b, bound_stage *s) {
    for (uint32_t i = 0; i < s->grid.out_count; i++) {
        const plan_output *o = &s->plan->outputs[i];
        const node *n = graph_node(b->kernel->graph, o->node);
        bound_output *out = &s->outputs[i];
        s->grid.out[i].size = (uint8_t)wn_type_size((wn_type)n->type);
        s->grid.out[i].mode = OPERAND_BUFFER;
        *out = (bound_output){
            .array = wn_stage_target(b, o), .given = target_is_given(b, o), .source = UINT32_MAX};
        shape_target(b, o);
        if (!out->given) continue;
        out->contiguous = out->array->rank > 0 && out->array->type != WN_BITMAP &&
                          out->array->strides[0] == s->grid.out[i].size;
        if (o->coordinates) out->contiguous &= out->array->shape[1] == 1;
    }
}

/* A reduction's values and masks go through buffers, where there is no function that takes them from their place. */
static void lay_reduced_outputs(wn_binding *b, bound_stage *s) {
    uint32_t count = s->plan->output_count;
    for (uint32_t i = 0; i < count; i++) {
        const plan_output *o = &s->plan->outputs[i];
        operand *value = &s->grid.out[i], *mask = &s->grid.out[count + i];
        value->size = (uint8_t)wn_type_size((wn_type)s->plan->program.values[o->value].type);
        value->mode = OPERAND_BUFFER;
        mask->size = 1;
        mask->mode = o->masked ? OPERAND_BUFFER : OPERAND_SCALAR;
        shape_target(b, o);
        s->outputs[i] = (bound_output){.array = wn_stage_target(b, o), .given = target_is_given(b, o)};
    }
}

static void use_streams(const bound_stage *s, grid *g) {
    for (uint32_t i = 0; i < g->in_count; i++)
        g->in[i].uses = s->uses[i];
}

/* ---- Workers ----------------------------------------------------------------------------------------------------------- */

static size_t aligned(size_t n) {
    return (n + 63) & ~(size_t)63;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* One worker's part of the scratch: pointers of streams, pointers of outputs, words, buffers. */
typedef struct worker_layout {
    size_t in, out, words, buffers, size;
} worker_layout;

static worker_layout lay_worker(const bound_stage *s) {
    worker_layout l = {0};
    l.out = l.in + aligned(3 * sizeof(void *) * larger(s->grid.in_count, s->mask.in_count));
    l.words = l.out + aligned(sizeof(void *) * s->grid.out_count);
    size_t words = larger((size_t)s->grid.block, (size_t)s->mask.block);
    if (s->may_move) words = larger(words, (size_t)s->move_block);
    l.buffers = l.words + aligned(words / 8);
    l.size = l.buffers + larger(s->grid.buffers, s->mask.buffers);
    return l;
}

static bool make_workers(wn_context *c, bound_stage *s, int32_t count) {
    worker_layout l = lay_worker(s);
    size_t table = aligned(sizeof(worker) * (size_t)count);
    if (!wn_memory_make(c, &s->scratch, 64 + table + l.size * (size_t)count)) return false;
    char *base = (char *)aligned((size_t)s->scratch.data);
    s->workers = (worker *)(void *)base;
    s->worker_count = count;
    for (int32_t i = 0; i < count; i++) {
        char *own = base + table + l.size * (size_t)i;
        s->workers[i] = (worker){.in = (const void **)(void *)(own + l.in),
                                 .out = (void **)(void *)(own + l.out),
                                 .words = (uint64_t *)(void *)(own + l.words),
                                 .buffers = own + l.buffers,
                                 .way = PACK_LOOKING,
                                 .dense = true};
    }
    return true;
}

/* ---- Preparing --------------------------------------------------------------------------------------------------------- */

static bool all_given(const bound_stage *s) {
    for (uint32_t i = 0; i < s->plan->output_count; i++)
        if (!s->outputs[i].given) return false;
    return true;
}

/* Mask, pack and store at once; else, a count of its own, with a bitmap, is for what must know how many there are before it begins. */
static bool packs_in_one_pass(const bound_stage *s) {
    return s->plan->kind == STAGE_PACK && s->plan->owns_mask && s->fused && all_given(s);
}

static int64_t least_room(const wn_binding *b, const bound_stage *s) {
    int64_t room = INT64_MAX;
    for (uint32_t i = 0; i < s->plan->output_count; i++) {
        int64_t own = b->now.rooms[s->plan->outputs[i].number].shape[0];
        if (own < room) room = own;
    }
    return room;
}

static wn_status make_bitmap(const wn_binding *b, bound_stage *s, wn_error *error) {
    const grid *g = stage_has_rows(s->plan) ? &s->mask : &s->grid;
    s->bitmap_wanted = s->plan->owns_mask && !packs_in_one_pass(s);
    if (!s->bitmap_wanted) return WN_OK;
    size_t size = (size_t)round_up(g->total, KERNEL_WORD) / 8;
    return wn_memory_make(b->kernel->context, &s->bitmap, size) ? WN_OK : no_memory(error);
}

static wn_status lay_out(wn_binding *b, bound_stage *s, wn_error *error) {
    const plan_stage *p = s->plan;
    s->grid.tiled = false;
    s->grid.any_order = p->kind == STAGE_MAP;
    TRY(lay_program(b, p, &p->program, &s->grid, error));
    memcpy(s->dims, s->grid.dims, sizeof *s->dims * (size_t)s->grid.rank);
    if (stores_in_place(p)) {
        lay_map_outputs(b, s);
    } else if (p->kind == STAGE_REDUCE) {
        lay_reduced_outputs(b, s);
        s->by_columns = wn_columns_choose(b, s);
        if (!s->by_columns) s->grid.step = KERNEL_LEAF;
    } else {
        lay_buffered_outputs(b, s);
    }
    if (stage_has_rows(p) && p->owns_mask) TRY(lay_program(b, p, &p->mask, &s->mask, error));
    if (p->kind == STAGE_ROWS) TRY(wn_rows_prepare(b, s, error));
    if (p->kind == STAGE_EXPAND) TRY(wn_expand_prepare(b, s, error));
    use_streams(s, &s->grid);
    wn_grid_lay_out(&s->grid, p->kind == STAGE_PACK ? PACK_BLOCK
                              : s->pack_rows        ? ROWS_BLOCK
                                                    : MAP_BLOCK);
    if (s->pack_rows) s->grid.step = KERNEL_WORD; /* blocks are of whole words of rows */
    wn_grid_lay_out(&s->mask, MAP_BLOCK);
    if (p->kind == STAGE_PACK) wn_moves_prepare(b, s);
    s->values_buffer = s->grid.buffers;
    if (p->kind == STAGE_EXPAND) s->grid.buffers += aligned(wn_expand_buffer(s));
    return WN_OK;
}

/* Whether an output has the memory of an input: then parts of the stage can't run in any other order. */
static bool lies_on_input(const wn_binding *b, const bound_stage *s) {
    for (uint32_t i = 0; i < s->plan->output_count; i++) {
        const plan_output *o = &s->plan->outputs[i];
        if (o->target == TARGET_OUTPUT && b->now.in_place[o->number]) return true;
    }
    return false;
}

/* Where this many bytes are read and written, they come from memory, and what is stored would be pushed out of the caches before it is read. */
#define STREAM_LEAST ((int64_t)64 << 20)

static int32_t workers_for(const wn_binding *b, const bound_stage *s) {
    bool alone = stage_is_masked(s->plan) && !packs_in_one_pass(s) && lies_on_input(b, s);
    const wn_context *c = b->kernel->context;
    return alone || s->grid.total < c->parallel_least ? 1 : c->threads;
}

bool wn_exceeds_caches(const wn_binding *b, const bound_stage *s) {
    int64_t element = 0;
    for (uint32_t i = 0; s->plan->kind != STAGE_REDUCE && i < s->grid.out_count; i++)
        element += s->grid.out[i].size;
    for (uint32_t i = 0; i < s->grid.in_count; i++)
        if (s->grid.in[i].mode != OPERAND_SCALAR) element += s->grid.in[i].size;
    return element && s->grid.total >= STREAM_LEAST / element &&
           b->kernel->target.isa != WN_ISA_PORTABLE;
}

static bool wants_stream(const wn_binding *b, const bound_stage *s) {
    if (s->plan->kind != STAGE_MAP || !s->grid.direct || lies_on_input(b, s)) return false;
    for (uint32_t i = 0; i < s->grid.out_count; i++)
        if (s->grid.out[i].size == 0) return false;
    return wn_exceeds_caches(b, s);
}

static wn_status find_late_functions(wn_binding *b, bound_stage *s, uint32_t stage, wn_error *error) {
    bool scatters = s->plan->kind == STAGE_PACK ? s->bitmap_wanted
                                                : s->plan->kind == STAGE_ROWS && s->pack_rows;
    if (scatters && !s->scatter)
        TRY(wn_kernel_late(b->kernel, stage, KERNEL_SCATTER, &s->scatter, error));
    if (!wants_stream(b, s)) return WN_OK;
    return wn_kernel_late(b->kernel, stage, KERNEL_STREAM, &s->stream, error);
}

static bool is_direct(const bound_stage *s) {
    if (s->worker_count > 1 || s->piece || !s->early || s->bitmap_wanted || s->stream) return false;
    if (s->plan->kind == STAGE_PACK)
        return s->plan->owns_mask && wn_grid_reads_directly(&s->grid, 0) && wn_packs_directly(s);
    return stores_in_place(s->plan) && s->grid.direct;
}

wn_status wn_stage_prepare(wn_binding *b, uint32_t stage, wn_error *error) {
    bound_stage *s = &b->stages[stage];
    wn_context *c = b->kernel->context;
    TRY(lay_out(b, s, error));
    int32_t workers = workers_for(b, s);
    s->piece = s->step = s->steps_ahead = 0;
    s->stream = NULL;
    if (packs_in_one_pass(s)) {
        s->room = least_room(b, s);
        bool apart = !lies_on_input(b, s);
        if (workers > 1)
            wn_pieces_prepare(b, s, workers, apart);
        else if (apart && wn_exceeds_caches(b, s))
            wn_steps_prepare(b, s);
    }
    size_t parts = sizeof(int64_t) * (PARTS_PER_WORKER * (size_t)workers + 1);
    if (!make_workers(c, s, workers) || !wn_memory_make(c, &s->parts, parts))
        return no_memory(error);
    if (s->plan->kind == STAGE_REDUCE) TRY(wn_reduce_prepare(b, s, stage, error));
    TRY(make_bitmap(b, s, error));
    TRY(find_late_functions(b, s, stage, error));
    if (s->plan->kind != STAGE_REDUCE) s->direct = is_direct(s);
    s->repeats = s->grid.direct && !lies_on_input(b, s) && !wn_grid_has_bits(&s->grid);
    wn_stage_point(b, stage);
    s->placed = s->early && all_given(s);
    s->prepared = true;
    return WN_OK;
}

/* `pointers`: as functions take them, with the bits of streams behind. */
static inline void point_streams(const wn_binding *b, const plan_program *p, operand *in,
                                 const void **pointers) {
    for (uint32_t i = 0, count = p->stream_count; i < count; i++) {
        in[i].data = array_first(stream_array(b, &p->streams[i]));
        pointers[i] = in[i].data;
        pointers[count + i] = (const void *)(uintptr_t)in[i].bit;
        pointers[2 * count + i] = in[i].data;
    }
}

void wn_stage_point(wn_binding *b, uint32_t stage) {
    bound_stage *s = &b->stages[stage];
    const plan_stage *p = s->plan;
    if (stage_has_rows(p) && p->owns_mask) point_streams(b, &p->mask, s->mask.in, s->in);
    point_streams(b, &p->program, s->grid.in, s->in);
    for (uint32_t i = 0; p->kind != STAGE_REDUCE && i < p->output_count; i++) {
        s->out[i] = array_first(wn_stage_target(b, &p->outputs[i]));
        if (stores_in_place(p)) s->grid.out[i].data = s->out[i];
    }
}

/* ---- Running a MAP stage ------------------------------------------------------------------------------------------------ */

void wn_point_outputs(const grid *g, worker *w, int64_t first, bool whole) {
    for (uint32_t i = 0; i < g->out_count; i++) {
        const operand *o = &g->out[i];
        bool direct = whole && o->mode == OPERAND_DIRECT;
        w->out[i] = direct ? o->data + operand_bytes(o, first) : w->buffers + o->buffer;
    }
}

void wn_write_outputs(const grid *g, const worker *w, int64_t first, int64_t count, bool whole) {
    for (uint32_t i = 0; i < g->out_count; i++) {
        const operand *o = &g->out[i];
        if (!whole || o->mode != OPERAND_DIRECT) wn_grid_put(g, w, o, first, count);
    }
}

static void map_block(const bound_stage *s, worker *w, int64_t first, int64_t count) {
    const grid *g = &s->grid;
    int64_t rounded = round_up(count, g->step);
    kernel_cursor cursor = {.base = first};
    wn_grid_point(g, w, 0, first, count);
    wn_point_outputs(g, w, first, rounded == count);
    s->map(w->in, w->out, NULL, rounded, &cursor);
    wn_write_outputs(g, w, first, count, rounded == count);
}

/* What is left of [begin, end) from `first` on, less than a step: the last whole step once more if that needs no buffers. */
static void map_rest(const bound_stage *s, worker *w, int64_t begin, int64_t first, int64_t end) {
    int64_t step = s->grid.step;
    if (s->repeats && end - begin >= step)
        map_block(s, w, end - step, step);
    else
        map_block(s, w, first, end - first);
}

/* Elements up to the next place where all outputs are aligned to a line; -1 if there is none. */
static int64_t elements_to_line(const grid *g, int64_t first) {
    int64_t elements = -1;
    for (uint32_t i = 0; i < g->out_count; i++) {
        const operand *o = &g->out[i];
        int64_t bytes = (int64_t)(-(uintptr_t)(o->data + first * o->size) % KERNEL_LINE);
        if (bytes % o->size || (i && bytes / o->size != elements)) return -1;
        elements = bytes / o->size;
    }
    return elements;
}

/* Whole steps, stored past the caches, from the first aligned place on; where they end. */
static int64_t stream_range(const bound_stage *s, worker *w, int64_t first, int64_t end) {
    const grid *g = &s->grid;
    int64_t head = elements_to_line(g, first), whole = (end - first - head) & -g->step;
    kernel_cursor cursor = {.base = first + head};
    if (head < 0 || whole <= 0) return first;
    if (head) map_block(s, w, first, head);
    wn_grid_point(g, w, 0, first + head, whole);
    wn_point_outputs(g, w, first + head, true);
    s->stream(w->in, w->out, NULL, whole, &cursor);
    return first + head + whole;
}

void wn_map_range(const bound_stage *s, worker *w, int64_t first, int64_t end) {
    const grid *g = &s->grid;
    int64_t begin = first;
    wn_grid_begin(g, w);
    if (s->stream) first = stream_range(s, w, first, end);
    while (first < end) {
        int64_t count = end - first;
        if (!g->direct && count > g->block) count = g->block;
        if (count < g->step) {
            map_rest(s, w, begin, first, end);
            return;
        }
        count &= -g->step;
        map_block(s, w, first, count);
        first += count;
    }
}

typedef struct map_job {
    const bound_stage *stage;
    int64_t part; /* elements of a task: whole blocks */
} map_job;

static void map_task(void *user, int64_t task, int32_t number) {
    const map_job *job = user;
    const grid *g = &job->stage->grid;
    int64_t first = task * job->part, end = first + job->part;
    wn_map_range(job->stage, &job->stage->workers[number], first, end < g->total ? end : g->total);
}

static wn_status map_all(const wn_binding *b, bound_stage *s) {
    const grid *g = &s->grid;
    for (int32_t i = 0; i < s->worker_count; i++)
        s->workers[i].filled = false;
    if (s->worker_count == 1) {
        wn_map_range(s, &s->workers[0], 0, g->total);
        return WN_OK;
    }
    map_job job = {s, round_up(g->total / (PARTS_PER_WORKER * s->worker_count) + 1, g->block)};
    wn_parallel(b->kernel->context, (g->total + job.part - 1) / job.part, map_task, &job);
    return WN_OK;
}

wn_status wn_map_directly(wn_binding *b, uint32_t stage, wn_error *error) {
    const bound_stage *s = &b->stages[stage];
    (void)error;
    int64_t total = s->grid.total, whole = total & -s->grid.step;
    kernel_cursor cursor = {0};
    if (whole) s->map(s->in, s->out, NULL, whole, &cursor);
    if (whole != total) map_rest(s, &s->workers[0], 0, whole, total);
    return WN_OK;
}

void wn_stage_keep_targets(wn_binding *b, uint32_t stage) {
    bound_stage *s = &b->stages[stage];
    if (s->placed || !s->early || !(stores_in_place(s->plan) || s->plan->kind == STAGE_REDUCE))
        return;
    s->placed = true;
    wn_stage_point(b, stage);
    wn_run_choose(b);
}

wn_status wn_make_targets_in_place(wn_binding *b, bound_stage *s, wn_error *error) {
    for (uint32_t i = 0; !s->placed && i < s->grid.out_count; i++) {
        const plan_output *o = &s->plan->outputs[i];
        TRY(wn_target_make(b, o, error));
        s->grid.out[i].data = array_first(wn_stage_target(b, o));
    }
    return WN_OK;
}

wn_status wn_map_run(wn_binding *b, uint32_t stage, wn_error *error) {
    bound_stage *s = &b->stages[stage];
    TRY(wn_make_targets_in_place(b, s, error));
    return s->grid.total ? map_all(b, s) : WN_OK;
}
