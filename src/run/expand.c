/*
 * expand.c - EXPAND stages: over the places of a space in turn, those where the mask is true take the next element of v.
 *
 * A mask over some of the axes is counted into a bitmap first. Then short rows are expanded as elements are, by its bits repeated for each
 * element of a row (rows.h); for longer ones the fill is computed, a unit of rows at a time, and those of v are laid over it.
 *
 * Kernels read v a word at a time, wherever they are in it, so its last elements are given to them in a padded buffer; one that is
 * not contiguous is laid out there piece by piece. A v of one element is an array that stays where it is (stride 0) and never ends.
 *
 * Invariant: how far v is read follows from its length alone, which the kernel is told; if v is too short, it is found out when the
 * place after its last element would be taken, and from there on the mask is only counted.
 */
#include "graph/interpret_mask.h"
#include "run/array.h"
#include "run/rows.h"
#include "run/threads.h"

#include <string.h>

/* Elements of v that are laid out at a time. */
#define PIECE 2048

size_t wn_expand_buffer(const bound_stage *s) {
    return (size_t)(PIECE + KERNEL_WORD) * s->grid.out[0].size;
}

/* Elements that are filled at once, and then laid over; longer rows in parts of so many. */
#define UNIT 1024

/* An array that is read in turn, in the order of its elements over the shape to which the mask packs the space. */
typedef struct values {
    const char *data;
    int rank;
    int64_t dims[WN_MAX_RANK], strides[WN_MAX_RANK];
    int64_t length; /* elements */
    bool contiguous;
} values;

static const wn_array *array_of_v(const wn_binding *b, const bound_stage *s) {
    const plan_operand *o = &s->plan->operands[0];
    return o->source == SOURCE_INPUT ? &b->now.inputs[o->number] : &b->temps[o->number];
}

/* n_true < 0: it is not known yet. Then v has one axis, of that length, or one that stretches as far as it has to. */
static values values_of(const wn_binding *b, const bound_stage *s, int64_t n_true) {
    const plan_stage *p = s->plan;
    const wn_array *v = array_of_v(b, s);
    bool held = wn_packed_axes(b->kernel->graph, p->operands[0].node) & 1;
    if (n_true < 0) n_true = v->shape[0] == 1 && !held ? INT64_MAX / 2 : v->shape[0];
    values to = {.data = v->data, .length = 1, .contiguous = true};
    for (int i = 0; i < p->program.rank; i++) {
        if (i <= p->mask_first || i >= p->mask_first + p->mask_rank)
            to.dims[to.rank++] = i == p->mask_first ? n_true : s->dims[i];
    }
    for (int i = to.rank, own = v->rank; i-- > 0;) {
        bool stays = --own < 0 || (v->shape[own] == 1 && to.dims[i] != 1);
        to.strides[i] = stays ? 0 : v->strides[own];
        if (to.dims[i] != 1) to.contiguous &= to.strides[i] == to.length * s->grid.out[0].size;
        to.length *= to.dims[i];
    }
    return to;
}

typedef struct expanding {
    const bound_stage *stage;
    worker *w;
    const values *v;
    const uint64_t *words; /* of rows: the bitmap */
    int64_t first, end;    /* of the space */
    int64_t taken;         /* of v, by what is before `first` */
    int64_t piece;         /* of v: where what the cursor counts in begins */
    kernel_cursor cursor;
} expanding;

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Elements of v from those on that are taken: where they lie, or laid out in the buffer. */
static const char *next_values(const expanding *e, int64_t count) {
    const values *v = e->v;
    uint8_t size = e->stage->grid.out[0].size;
    if (v->contiguous) return v->data + e->taken * size;
    char *buffer = e->w->buffers + e->stage->values_buffer;
    if (count)
        wn_gather(NULL, buffer, v->data, size, v->rank, v->dims, v->strides, e->taken, count);
    return buffer;
}

/* Let the cursor count from what is taken on: in v itself, if whole words of it are left, else in the buffer. */
static void take_piece(expanding *e) {
    const bound_stage *s = e->stage;
    int64_t size = s->grid.out[0].size, left = e->v->length - e->taken, count = least(left, PIECE);
    const char *from = next_values(e, count);
    e->piece = e->taken;
    if (e->v->contiguous && left >= KERNEL_WORD) {
        e->cursor = (kernel_cursor){.room = left, .values = from};
        return;
    }
    char *buffer = e->w->buffers + s->values_buffer;
    if (count && from != buffer) memcpy(buffer, from, (size_t)(count * size));
    int64_t room = count < left ? count : count + KERNEL_WORD;
    e->cursor = (kernel_cursor){.room = room, .values = buffer};
}

/* What is left of less than a word: the kernel evaluates the mask past the end too, so it is counted apart. `bits` of a bitmap end there. */
static void expand_rest(expanding *e, const uint64_t *bits) {
    const bound_stage *s = e->stage;
    int64_t count = e->end - e->first, found = bits ? __builtin_popcountll(*bits)
                                                    : wn_count_range(s, e->w, e->first, e->end, NULL);
    wn_grid_point(&s->grid, e->w, 0, e->first, count);
    wn_point_outputs(&s->grid, e->w, e->first, false);
    s->expand(e->w->in, e->w->out, (uint64_t *)(uintptr_t)bits, KERNEL_WORD, &e->cursor);
    wn_write_outputs(&s->grid, e->w, e->first, count, false);
    e->taken += found;
    e->first = e->end;
}

static void expand_words(expanding *e, const uint64_t *bits, int64_t count) {
    const bound_stage *s = e->stage;
    wn_grid_point(&s->grid, e->w, 0, e->first, count);
    wn_point_outputs(&s->grid, e->w, e->first, true);
    int64_t done =
        s->expand(e->w->in, e->w->out, (uint64_t *)(uintptr_t)bits, count, &e->cursor); /* only read */
    wn_write_outputs(&s->grid, e->w, e->first, done, true);
    e->taken = e->piece + e->cursor.position;
    e->first += done;
}

/* As much as is there of v, up to the end or that of a block. */
static void expand_next(expanding *e, const uint64_t *bits) {
    const grid *g = &e->stage->grid;
    if (e->cursor.position + KERNEL_WORD > e->cursor.room) take_piece(e);
    e->cursor.base = e->first;
    int64_t count = grid_next_count(g, g->direct, e->first, e->end);
    if (count < KERNEL_WORD)
        expand_rest(e, bits);
    else
        expand_words(e, bits, count);
}

/* To the end, or till v has not enough. */
static void expand_range(expanding *e) {
    wn_grid_begin(&e->stage->grid, e->w);
    while (e->first < e->end && e->taken <= e->v->length)
        expand_next(e, NULL);
}

/* ---- Rows ----------------------------------------------------------------------------------------------------------------- */

/* Block by block, with a bit for each element. */
static void expand_short_rows(expanding *e) {
    const bound_stage *s = e->stage;
    int64_t end = e->end;
    wn_grid_begin(&s->grid, e->w);
    for (int64_t first = e->first; first < end; first = e->end) {
        e->end = least(first + s->grid.block, end);
        int64_t count = (e->end - first) / s->row;
        const uint64_t *bits = wn_bits_of_rows(s, e->w, e->words, first / s->row, count);
        bits = wn_bits_of_elements(s, e->w, bits, count);
        while (e->first < e->end)
            expand_next(e, bits + (e->first - first) / KERNEL_WORD);
    }
}

/* Whether the fill lies where the result goes, as it is. */
static bool is_in_place(const bound_stage *s) {
    const plan_value *fill = &s->plan->program.values[s->plan->outputs[0].value];
    const operand *to = &s->grid.out[0];
    return fill->kind == VALUE_STREAM && fill->type != WN_BOOL && to->mode == OPERAND_DIRECT &&
           s->grid.in[fill->number].data == to->data;
}

/* The next `count` elements: rows of one outer index, or a part of one. `own` are those that v has. */
static void expand_unit(expanding *e, const rows *selected, int64_t own, int64_t count) {
    const bound_stage *s = e->stage;
    const operand *out = &s->grid.out[0];
    bool direct = out->mode == OPERAND_DIRECT, fills = own < count && !is_in_place(s);
    if (fills && direct) wn_map_range(s, e->w, e->first, e->first + count);
    if (fills && !direct) wn_compute(s, e->w, e->first, count);
    rows to = *selected;
    to.at = direct ? out->data + e->first * out->size : e->w->buffers + out->buffer;
    if (own == count)
        memcpy(to.at, next_values(e, own), (size_t)(own * out->size));
    else if (own)
        wn_expand_rows(next_values(e, own), &to, (size_t)to.stride);
    if (s->outputs[0].normalise) wn_normalise(to.at, count);
    if (!direct) wn_grid_put(&s->grid, e->w, out, e->first, count);
    e->taken += own;
    e->first += count;
}

static void expand_long_rows(expanding *e) {
    const bound_stage *s = e->stage;
    int64_t unit = least(UNIT, s->grid.block), rows_of_unit = s->row < unit ? unit / s->row : 1;
    wn_grid_begin(&s->grid, e->w);
    while (e->first < e->end) {
        int64_t row = e->first / s->row, in_row = e->first % s->row;
        slice of = wn_slice_of(s, row, least(row + rows_of_unit, e->end / s->row));
        int64_t selected = wn_count_rows(s, e->words, row, row + of.count);
        int64_t each = rows_of_unit > 1 ? s->row : least(unit, s->row - in_row);
        rows r = {NULL, s->row * s->grid.out[0].size, e->words, of.place, of.place + of.count};
        expand_unit(e, &r, selected * each, of.count * each);
    }
}

/* ---- A stage ------------------------------------------------------------------------------------------------------------ */

/* In the words of the interpreter. */
static wn_status check_values(const wn_binding *b, const bound_stage *s, int64_t n_true,
                              wn_error *error) {
    const plan_stage *p = s->plan;
    return wn_check_values(array_of_v(b, s), wn_packed_axes(b->kernel->graph, p->operands[0].node),
                           p->mask_first, p->mask_rank, p->program.rank, s->dims, n_true, error);
}

/* All is in place, the first words of v too. */
static void expand_directly(expanding *e) {
    const bound_stage *s = e->stage;
    e->cursor = (kernel_cursor){.room = e->v->length, .values = e->v->data};
    e->first = s->expand(s->in, s->out, NULL, e->end & -KERNEL_WORD, &e->cursor);
    e->taken = e->cursor.position;
}

static wn_status expand_alone(const wn_binding *b, bound_stage *s, wn_error *error) {
    values v = values_of(b, s, -1);
    expanding e = {.stage = s, .w = &s->workers[0], .v = &v, .end = s->grid.total};
    if (s->direct && s->placed && v.contiguous) expand_directly(&e);
    expand_range(&e);
    if (e.first < e.end) e.taken += wn_count_range(s, e.w, e.first, e.end, NULL);
    return check_values(b, s, e.taken, error);
}

/* A run cut into parts for threads: counted first, so that each knows where in v it begins. */
typedef struct parts {
    bound_stage *stage;
    values v;
    int64_t size;
    int64_t *taken;   /* by part: how many are true in it; later, before it */
    running_sum rows; /* selected in the parts before */
} parts;

static parts cut_parts(const wn_binding *b, bound_stage *s, int64_t n_true) {
    parts p = {.stage = s, .v = values_of(b, s, n_true), .taken = s->parts.data};
    int64_t most = s->worker_count == 1 ? 1 : PARTS_PER_WORKER * s->worker_count, block = s->grid.block;
    if (n_true >= 0 && !s->pack_rows) block = s->row;
    p.size = round_up(s->grid.total / most + 1, block);
    return p;
}

static int64_t part_count(const parts *p) {
    return (p->stage->grid.total + p->size - 1) / p->size;
}

static expanding part_of(const parts *p, int64_t part, int32_t number) {
    return (expanding){.stage = p->stage,
                       .w = &p->stage->workers[number],
                       .v = &p->v,
                       .first = part * p->size,
                       .end = least((part + 1) * p->size, p->stage->grid.total)};
}

static void count_part(void *user, int64_t part, int32_t number) {
    const parts *p = user;
    expanding e = part_of(p, part, number);
    p->taken[part] = wn_count_range(e.stage, e.w, e.first, e.end, NULL);
}

static void expand_part(void *user, int64_t part, int32_t number) {
    const parts *p = user;
    expanding e = part_of(p, part, number);
    e.taken = p->taken[part];
    expand_range(&e);
}

static wn_status expand_in_parts(const wn_binding *b, bound_stage *s, wn_error *error) {
    int64_t n_true = 0;
    parts p = cut_parts(b, s, -1);
    wn_parallel(b->kernel->context, part_count(&p), count_part, &p);
    for (int64_t i = 0; i < part_count(&p); i++) {
        int64_t found = p.taken[i];
        p.taken[i] = n_true;
        n_true += found;
    }
    TRY(check_values(b, s, n_true, error));
    wn_parallel(b->kernel->context, part_count(&p), expand_part, &p);
    return WN_OK;
}

static void expand_part_of_rows(void *user, int64_t part, int32_t number) {
    parts *p = user;
    const bound_stage *s = p->stage;
    expanding e = part_of(p, part, number);
    e.words = s->bitmap.data;
    int64_t count = wn_count_rows(s, e.words, e.first / s->row, e.end / s->row);
    e.taken = wn_add_in_turn(&p->rows, part, count) * s->row;
    if (s->pack_rows)
        expand_short_rows(&e);
    else
        expand_long_rows(&e);
}

static wn_status expand_rows(const wn_binding *b, bound_stage *s, wn_error *error) {
    s->n_true = wn_mask_count(b, s, true);
    TRY(check_values(b, s, s->n_true, error));
    if (s->grid.total == 0) return WN_OK;
    for (int32_t i = 0; i < s->worker_count; i++)
        s->workers[i].filled = false; /* what is laid out there is of the mask */
    parts p = cut_parts(b, s, s->n_true);
    wn_parallel(b->kernel->context, part_count(&p), expand_part_of_rows, &p);
    return WN_OK;
}

wn_status wn_expand_prepare(const wn_binding *b, bound_stage *s, wn_error *error) {
    s->pack_rows = false;
    s->outputs[0].normalise = graph_node(b->kernel->graph, s->plan->outputs[0].node)->type == WN_BOOL;
    if (!stage_has_rows(s->plan) || s->grid.total == 0) return WN_OK;
    wn_rows_measure(s);
    bool expands = row_is_packed(s->row) && stage_has(s->plan, KERNEL_EXPAND);
    return expands ? wn_spread_prepare(b, s, error) : WN_OK;
}

wn_status wn_expand_run(wn_binding *b, uint32_t stage, wn_error *error) {
    bound_stage *s = &b->stages[stage];
    TRY(wn_make_targets_in_place(b, s, error));
    for (int32_t i = 0; i < s->worker_count; i++)
        s->workers[i].filled = false;
    if (stage_has_rows(s->plan)) return expand_rows(b, s, error);
    if (s->grid.total == 0) return check_values(b, s, 0, error);
    return s->worker_count == 1 ? expand_alone(b, s, error) : expand_in_parts(b, s, error);
}
