/*
 * columns.c - reducing all columns at once (columns.h): accumulators, and the loops of fold.h over them.
 *
 * A stage whose values and masks are plain inputs is not computed: float sums and integers are taken from where they lie, and
 * what has to be changed first (masked, made keys, made 0 and 1) is copied to the buffers that map would write.
 */
#include "run/columns_layout.h"
#include "graph/reduce.h"
#include "run/array.h"
#include "run/threads.h"

#include <string.h>

#define COUNTED_ROUNDS 128 /* that counters of a byte count             */

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- A set ------------------------------------------------------------------------------------------------------------- */

/* Some columns at some places, and the set that they are joined to. */
typedef struct tile {
    const bound_stage *s;
    const column_layout *l;
    worker *w;
    char *set;
    int64_t column, width;
    int64_t first, end; /* places */
} tile;

static char *set_of(const bound_stage *s, int64_t number) {
    char *base = (char *)(((uintptr_t)s->accumulators.data + 63) & ~(uintptr_t)63);
    return base + layout_of(s)->set_size * (size_t)number;
}

static int64_t *wide_of(const tile *t, const counter *c) {
    return (int64_t *)(void *)(t->set + c->wide);
}

static int64_t *places_of(const tile *t, const column_output *out) {
    return (int64_t *)(void *)(t->set + out->places);
}

static void begin_counter(const tile *t, const counter *c) {
    memset(t->set + c->narrow, 0, (size_t)(c->lanes * t->width));
    memset(t->set + c->wide, 0, 8 * (size_t)(c->lanes * t->width));
}

static void begin_output(const tile *t, const column_output *out) {
    int64_t cells = out->lanes * t->width;
    if (out->counts) begin_counter(t, &out->selected);
    if (out->place) memset(t->set + out->places, 0xff, 8 * (size_t)cells);
    if (out->truth) {
        begin_counter(t, &out->trues);
        return;
    }
    t->l->loops->fill((uint8_t)wn_type_size(out->type), t->set + out->acc, out->identity, cells);
    if (out->folded != out->type)
        t->l->loops->keys(out->type, is_least(out), false, t->set + out->acc, cells);
}

/* ---- Joining elements --------------------------------------------------------------------------------------------------- */

/* Elements of consecutive places from `place` on, those of the next place `pitch` elements further. */
typedef struct piece {
    const char *x;
    const uint8_t *selected;
    int64_t place, count, pitch;
} piece;

static piece after(const piece *p, int64_t places, size_t size) {
    return (piece){p->x + places * p->pitch * (int64_t)size,
                   p->selected ? p->selected + places * p->pitch : NULL, p->place + places,
                   p->count - places, p->pitch};
}

/* Join to lanes: a whole round of them, or many, as one vector if the columns have no gaps between them. */
static void fold_lanes(fold_fn *fold, char *cells, size_t size, int64_t lanes, int64_t width, piece p) {
    while (p.count > 0) {
        int64_t lane = p.place % lanes, rounds = lane ? 0 : p.count / lanes;
        int64_t now = rounds ? lanes : least(lanes - lane, p.count), times = rounds ? rounds : 1;
        char *to = cells + lane * width * (int64_t)size;
        if (p.pitch == width)
            fold(to, p.x, now * width, times, lanes * width);
        else
            for (int64_t k = 0; k < now; k++)
                fold(to + k * width * (int64_t)size, p.x + k * p.pitch * (int64_t)size, width,
                     times, lanes * p.pitch);
        p = after(&p, now * times, size);
    }
}

static void flush(const tile *t, const counter *c) {
    t->l->loops->flush(wide_of(t, c), (uint8_t *)t->set + c->narrow, c->lanes * t->width);
}

static void count(const tile *t, const counter *c, piece p) {
    int64_t most = COUNTED_ROUNDS * c->lanes;
    while (p.count > 0) {
        piece now = p;
        now.count = least(p.count, most - p.place % most);
        fold_lanes(t->l->loops->of(FOLD_ADD, WN_U8), t->set + c->narrow, 1, c->lanes, t->width, now);
        p = after(&p, now.count, 1);
        if (p.place % most == 0) flush(t, c);
    }
}

/* Lanes that stand for 2^level leaves, with `leaves` before them: as in graph/reduce.h. */
static void carry(const tile *t, const column_output *out, uint64_t leaves, int level) {
    char *acc = t->set + out->acc, *levels = t->set + out->levels;
    int64_t cells = out->lanes * t->width;
    for (; leaves >> level & 1; level++)
        out->fold(acc, levels + out->cells * (size_t)level, cells, 1, 0);
    memcpy(levels + out->cells * (size_t)level, acc, (size_t)cells * wn_type_size(out->type));
}

static void fold_tree(const tile *t, const column_output *out, piece p) {
    size_t size = wn_type_size(out->type);
    while (p.count > 0) {
        piece now = p;
        now.count = least(p.count, REDUCE_LEAF - p.place % REDUCE_LEAF);
        fold_lanes(out->fold, t->set + out->acc, size, out->lanes, t->width, now);
        p = after(&p, now.count, size);
        if (t->l->levels == 0 || (p.place % REDUCE_LEAF && p.place != t->end)) continue;
        carry(t, out, (uint64_t)((p.place - 1 - t->first) / REDUCE_LEAF), 0);
        t->l->loops->fill((uint8_t)size, t->set + out->acc, out->identity, out->lanes * t->width);
    }
}

static void fold_places(const tile *t, const column_output *out, piece p) {
    size_t size = wn_type_size(out->type);
    while (p.count > 0) {
        int64_t lane = p.place % out->lanes, now = least(out->lanes - lane, p.count);
        int64_t cell = lane * t->width, n = now * t->width;
        fold_place places = {places_of(t, out) + cell, p.selected, NULL, p.place / out->lanes};
        if (out->running) places.counts = wide_of(t, &out->selected);
        t->l->loops->place(is_least(out), out->folded, t->set + out->acc + cell * (int64_t)size,
                           p.x, n, &places);
        for (int64_t j = 0; out->running && p.selected && j < n; j++) /* which running columns have */
            wide_of(t, &out->selected)[j] += p.selected[j];
        p = after(&p, now, size);
    }
}

static void join(const tile *t, const column_output *out, const piece *p) {
    piece selected = *p;
    selected.x = (const char *)p->selected;
    if (out->counts && out->masked && !out->running) count(t, &out->selected, selected);
    if (out->truth)
        count(t, &out->trues, *p);
    else if (out->tree)
        fold_tree(t, out, *p);
    else if (out->place)
        fold_places(t, out, *p);
    else
        fold_lanes(out->fold, t->set + out->acc, wn_type_size(out->type), out->lanes, t->width, *p);
}

/* ---- Elements ------------------------------------------------------------------------------------------------------------ */

/* Whether an output's elements are taken from where they lie, or are gathered to; an array may be aligned to nothing. */
static bool taken_as_it_is(const tile *t, uint32_t i) {
    const column_output *out = &t->l->outputs[i];
    bool keys = out->folded != out->type && !t->l->in_rows; /* which rows make themselves */
    if (!t->l->plain || out->masked || out->truth || keys || out->place) return false;
    const operand *o = plain_stream(t->s, t->s->plan->outputs[i].value);
    return (uintptr_t)o->data % o->size == 0;
}

static bool reads_rows_in_place(const tile *t, uint32_t i) {
    return taken_as_it_is(t, i) &&
           plain_stream(t->s, t->s->plan->outputs[i].value)->mode == OPERAND_DIRECT;
}

/* A plain stream's elements: where they lie, or gathered. */
static const char *find_plain(const tile *t, const operand *o, int64_t place, int64_t places,
                              int64_t *pitch) {
    const grid *g = &t->s->grid;
    char *buffer = t->w->buffers + o->buffer;
    int64_t first = place * t->l->columns + t->column;
    *pitch = t->width;
    if (o->mode == OPERAND_DIRECT) {
        *pitch = t->l->columns;
        return o->data + first * o->size;
    }
    if (o->mode == OPERAND_PERIODIC) return buffer + first % o->period * o->size;
    if (t->l->boxes) {
        int64_t dims[] = {t->l->length, t->width};
        wn_gather(wn_known_lines(t->w, o), buffer,
                  o->data + place * o->strides[0] + t->column * o->strides[1], o->size, 2, dims,
                  o->strides, 0, places * t->width);
    } else {
        wn_gather(wn_known_lines(t->w, o), buffer, o->data, o->size, g->rank, g->dims, o->strides,
                  first, places * t->width);
    }
    return buffer;
}

static char *copy_plain(const tile *t, const operand *from, const operand *to, int64_t place,
                        int64_t places) {
    int64_t pitch = 0, line = t->width * from->size;
    const char *x = find_plain(t, from, place, places, &pitch);
    char *buffer = t->w->buffers + to->buffer;
    if (pitch == t->width) {
        memcpy(buffer, x, (size_t)(places * line));
        return buffer;
    }
    for (int64_t k = 0; k < places; k++)
        memcpy(buffer + k * line, x + k * pitch * from->size, (size_t)line);
    return buffer;
}

/* Compute values and masks into the buffers: over boxes, every stream is gathered. */
/* A tile jumps from place to place, which the machine does not foresee. */
static void prefetch(const tile *t, int64_t place) {
    const grid *g = &t->s->grid;
    if (place >= t->end) return;
    for (uint32_t i = 0; i < g->in_count; i++) {
        const operand *o = &g->in[i];
        const char *line = o->data + (place * t->l->columns + t->column) * o->size;
        for (int64_t at = 0; o->mode == OPERAND_DIRECT && at < t->width * o->size; at += 64)
            __builtin_prefetch(line + at);
    }
}

static void compute(const tile *t, int64_t place, int64_t places) {
    const grid *g = &t->s->grid;
    int64_t n = places * t->width, pitch = 0;
    kernel_cursor cursor = {0};
    if (places == 1 || t->width == t->l->columns) {
        if (t->width < t->l->columns) prefetch(t, place + 1);
        wn_compute(t->s, t->w, place * t->l->columns + t->column, n);
        return;
    }
    for (uint32_t i = 0; i < g->in_count; i++)
        t->w->in[i] = g->in[i].mode == OPERAND_SCALAR
                          ? g->in[i].data
                          : find_plain(t, &g->in[i], place, places, &pitch);
    for (uint32_t i = 0; i < g->out_count; i++)
        t->w->out[i] = t->w->buffers + g->out[i].buffer;
    t->s->map(t->w->in, t->w->out, NULL, round_up(n, t->s->plan->program.step), &cursor);
}

/* Make values and masks what is folded. */
static void make_ready(const tile *t, const column_output *out, char *x, uint8_t *selected, int64_t n) {
    bool as_given = t->l->plain && !t->l->in_rows; /* else map has made them 0 or 1 */
    if (out->truth && as_given) t->l->loops->truths((uint8_t *)x, n);
    if (selected) {
        if (as_given) t->l->loops->truths(selected, n);
        t->l->loops->blend((uint8_t)wn_type_size(out->type), x, selected, out->identity, n);
    }
    if (out->folded != out->type && !t->l->in_rows)
        t->l->loops->keys(out->type, is_least(out), out->place, x, n);
}

static void join_output(const tile *t, uint32_t i, int64_t place, int64_t places) {
    const column_output *out = &t->l->outputs[i];
    const bound_stage *s = t->s;
    const plan_output *o = &s->plan->outputs[i];
    const operand *value = &s->grid.out[i], *mask = &s->grid.out[s->plan->output_count + i];
    piece p = {NULL, NULL, place, places, t->width};
    if (taken_as_it_is(t, i)) {
        p.x = find_plain(t, plain_stream(s, o->value), place, places, &p.pitch);
    } else {
        char *x = t->w->buffers + value->buffer;
        uint8_t *selected = out->masked ? (uint8_t *)t->w->buffers + mask->buffer : NULL;
        if (t->l->plain) copy_plain(t, plain_stream(s, o->value), value, place, places);
        if (t->l->plain && selected) copy_plain(t, plain_stream(s, o->mask), mask, place, places);
        make_ready(t, out, x, selected, places * t->width);
        p.x = x;
        p.selected = selected;
    }
    join(t, out, &p);
}

/* How many places at once: all, if all lie where they are taken from; else what the buffers hold, if that can be gathered. */
static int64_t places_at_once(const tile *t) {
    const column_layout *l = t->l;
    bool in_place = l->plain && wn_grid_reads_directly(&t->s->grid, 0);
    for (uint32_t i = 0; i < t->s->plan->output_count; i++)
        in_place = in_place && taken_as_it_is(t, i);
    if (in_place) return t->end - t->first;
    bool gathers = l->plain && l->boxes;
    for (uint32_t i = 0; l->boxes && !l->plain && i < t->s->grid.in_count; i++)
        gathers = (i == 0 || gathers) && t->s->grid.in[i].mode != OPERAND_DIRECT;
    bool whole =
        t->width == l->columns || gathers || (l->plain && wn_grid_reads_directly(&t->s->grid, 0));
    int64_t places = whole ? t->s->grid.block / t->width : 1;
    return places > 1 ? places : 1;
}

/* Where the elements of a tile's rows lie: in place, or in the buffer, made ready. */
static const char *find_rows(const tile *t, uint32_t i, uint8_t **selected) {
    const column_output *out = &t->l->outputs[i];
    const bound_stage *s = t->s;
    const operand *mask = &s->grid.out[s->plan->output_count + i];
    char *x = t->w->buffers + s->grid.out[i].buffer;
    if (reads_rows_in_place(t, i)) {
        const operand *o = plain_stream(s, s->plan->outputs[i].value);
        return o->data + t->column * t->l->length * o->size;
    }
    if (out->masked) *selected = (uint8_t *)t->w->buffers + mask->buffer;
    make_ready(t, out, x, *selected, t->width * t->l->length);
    return x;
}

static void join_rows(const tile *t) {
    const column_layout *l = t->l;
    bool in_place = l->plain;
    wn_grid_begin(&t->s->grid, t->w);
    for (uint32_t i = 0; i < t->s->plan->output_count; i++)
        in_place = in_place && reads_rows_in_place(t, i);
    if (!in_place) wn_compute(t->s, t->w, t->column * l->length, t->width * l->length);
    for (uint32_t i = 0; i < t->s->plan->output_count; i++) {
        const column_output *out = &l->outputs[i];
        uint8_t *selected = NULL;
        const char *x = find_rows(t, i, &selected);
        out->rows(t->set + (out->truth ? out->trues.narrow : out->acc), x, t->width, l->length);
        if (!out->counts || !selected) continue;
        l->loops->rows(FOLD_ADD, WN_U8, l->length)(t->set + out->selected.narrow, selected,
                                                   t->width, l->length);
    }
}

static void join_tile(const tile *t) {
    if (t->l->in_rows) {
        join_rows(t);
        return;
    }
    int64_t at_once = places_at_once(t);
    wn_grid_begin(&t->s->grid, t->w);
    for (uint32_t i = 0; i < t->s->plan->output_count; i++)
        begin_output(t, &t->l->outputs[i]);
    for (int64_t place = t->first; place < t->end; place += at_once) {
        int64_t places = least(at_once, t->end - place);
        if (!t->l->plain) compute(t, place, places);
        for (uint32_t i = 0; i < t->s->plan->output_count; i++)
            join_output(t, i, place, places);
    }
}

/* ---- Results ------------------------------------------------------------------------------------------------------------- */

static void halve(fold_fn *fold, char *cells, size_t size, int64_t lanes, int64_t width) {
    for (int64_t h = lanes / 2; h > 0; h /= 2)
        fold(cells, cells + h * width * (int64_t)size, h * width, 1, 0);
}

static void finish_counter(const tile *t, const counter *c) {
    if (t->l->in_rows) {
        t->l->loops->widen(wide_of(t, c), (uint8_t *)t->set + c->narrow, t->width);
        return;
    }
    flush(t, c);
    halve(t->l->loops->of(FOLD_ADD, WN_I64), t->set + c->wide, 8, c->lanes, t->width);
}

/* All levels as one, from the lowest up. */
static void finish_levels(const tile *t, const column_output *out) {
    uint64_t leaves = (uint64_t)((t->l->length + REDUCE_LEAF - 1) / REDUCE_LEAF);
    char *acc = t->set + out->acc, *levels = t->set + out->levels;
    int64_t cells = out->lanes * t->width;
    int level = __builtin_ctzll(leaves);
    if (t->l->levels == 0) return;
    memcpy(acc, levels + out->cells * (size_t)level, (size_t)cells * wn_type_size(out->type));
    while (leaves >> ++level)
        if (leaves >> level & 1) out->fold(acc, levels + out->cells * (size_t)level, cells, 1, 0);
}

/* From rounds to places, and the best of all lanes. */
static void finish_places(const tile *t, const column_output *out) {
    int64_t *places = places_of(t, out), size = (int64_t)wn_type_size(out->type);
    char *acc = t->set + out->acc;
    for (int64_t k = 0; k < out->lanes && !out->running; k++)
        for (int64_t j = k * t->width; j < (k + 1) * t->width; j++)
            places[j] = places[j] < 0 ? -1 : places[j] * out->lanes + k;
    for (int64_t h = out->lanes / 2; h > 0; h /= 2)
        t->l->loops->join_places(is_least(out), out->folded, acc, places, acc + h * t->width * size,
                                 places + h * t->width, h * t->width);
}

/* The results of a row, in the place of its accumulators; NULL: one of them is of nothing, and has none. */
static void *finish_output(const tile *t, const column_output *out) {
    char *acc = t->set + out->acc;
    int64_t *selected = wide_of(t, &out->selected), *trues = wide_of(t, &out->trues), missing = 0;
    if (out->counts && out->masked)
        finish_counter(t, &out->selected);
    else
        selected = NULL; /* all are */
    if (out->truth) finish_counter(t, &out->trues);
    if (out->tree) finish_levels(t, out);
    if (out->place)
        finish_places(t, out);
    else if (!out->truth)
        halve(out->fold, acc, wn_type_size(out->type), out->lanes, t->width);
    uint8_t *truths = (uint8_t *)t->set + out->trues.narrow;
    if (out->op == OP_any || out->op == OP_all) {
        t->l->loops->decide(out->op == OP_any, truths, trues, selected, t->l->length, t->width);
        return truths;
    }
    if (out->truth) return trues;
    if (out->op == OP_mean) t->l->loops->divide(out->type, acc, selected, t->l->length, t->width);
    for (int64_t j = 0; out->order && selected && !out->place && j < t->width; j++)
        missing += selected[j] == 0;
    for (int64_t j = 0; out->place && j < t->width; j++)
        missing += places_of(t, out)[j] < 0;
    if (missing) return NULL;
    if (out->place) return places_of(t, out);
    if (out->folded != out->type) t->l->loops->unkey(out->type, acc, t->width);
    return acc;
}

static wn_status fail_missing(const column_output *out, wn_error *error) {
    reduce_state nothing;
    uint64_t bits;
    wn_reduce_begin(&nothing, out->op, out->type, out->bits);
    return wn_reduce_finish(&nothing, &bits, error);
}

static wn_status store_tile(const tile *t, wn_error *error) {
    for (uint32_t i = 0; i < t->s->plan->output_count; i++) {
        const wn_array *a = t->s->outputs[i].array;
        const void *results = finish_output(t, &t->l->outputs[i]);
        if (!results) return fail_missing(&t->l->outputs[i], error);
        wn_array_put(a, results, t->column, t->width);
    }
    return WN_OK;
}

/* ---- Running ------------------------------------------------------------------------------------------------------------- */

typedef struct columns_job {
    const wn_binding *b;
    const bound_stage *s;
    _Atomic(bool) failed;
} columns_job;

static tile tile_of(const columns_job *job, int64_t number, int32_t worker_number) {
    const column_layout *l = layout_of(job->s);
    int64_t column = number * l->width;
    return (tile){.s = job->s,
                  .l = l,
                  .w = &job->s->workers[worker_number],
                  .set = set_of(job->s, worker_number),
                  .column = column,
                  .width = least(l->width, l->columns - column),
                  .end = l->length};
}

static void tile_task(void *user, int64_t task, int32_t number) {
    columns_job *job = user;
    tile t = tile_of(job, task, number);
    join_tile(&t);
    if (store_tile(&t, NULL) != WN_OK) job->failed = true;
}

static tile part_of(const columns_job *job, int64_t part, int32_t worker_number) {
    tile t = tile_of(job, 0, worker_number);
    t.set = set_of(job->s, part);
    t.first = part * t.l->part;
    t.end = least(t.first + t.l->part, t.l->length);
    return t;
}

static void part_task(void *user, int64_t task, int32_t number) {
    tile t = part_of(user, task, number);
    join_tile(&t);
}

static void merge_counter(const tile *t, const tile *part, const counter *c) {
    flush(part, c);
    t->l->loops->of(FOLD_ADD, WN_I64)(wide_of(t, c), wide_of(part, c), c->lanes * t->width, 1, 0);
}

static void merge_tree(const tile *t, const tile *part, const column_output *out) {
    uint64_t before = (uint64_t)(part->first / REDUCE_LEAF),
             leaves = (uint64_t)((part->end - part->first + REDUCE_LEAF - 1) / REDUCE_LEAF);
    for (int level = 0; leaves >> level; level++) {
        if (!(leaves >> level & 1)) continue;
        memcpy(t->set + out->acc, part->set + out->levels + out->cells * (size_t)level, out->cells);
        carry(t, out, before, level);
        before += (uint64_t)1 << level;
    }
}

/* The next part's set into that of those before it. */
static void merge(const tile *t, const tile *part, const column_output *out) {
    int64_t cells = out->lanes * t->width, *places = places_of(part, out);
    for (int64_t j = 0; out->running && j < cells; j++)
        if (places[j] >= 0) places[j] += wide_of(t, &out->selected)[j];
    if (out->counts && out->masked) merge_counter(t, part, &out->selected);
    if (out->truth)
        merge_counter(t, part, &out->trues);
    else if (out->tree)
        merge_tree(t, part, out);
    else if (out->place)
        t->l->loops->join_places(is_least(out), out->folded, t->set + out->acc, places_of(t, out),
                                 part->set + out->acc, places, cells);
    else
        out->fold(t->set + out->acc, part->set + out->acc, cells, 1, 0);
}

static wn_status run_parts(columns_job *job, wn_error *error) {
    const column_layout *l = layout_of(job->s);
    wn_parallel(job->b->kernel->context, l->parts, part_task, job);
    tile whole = part_of(job, 0, 0);
    for (int64_t k = 1; k < l->parts; k++) {
        tile part = part_of(job, k, 0);
        for (uint32_t i = 0; i < job->s->plan->output_count; i++)
            merge(&whole, &part, &l->outputs[i]);
    }
    return store_tile(&whole, error);
}

static wn_status run_tiles(columns_job *job, wn_error *error) {
    const column_layout *l = layout_of(job->s);
    for (int64_t k = 0; k < l->tiles; k++) {
        tile t = tile_of(job, k, 0);
        join_tile(&t);
        TRY(store_tile(&t, error));
    }
    return WN_OK;
}

wn_status wn_columns_run(const wn_binding *b, bound_stage *s, wn_error *error) {
    const column_layout *l = layout_of(s);
    columns_job job = {.b = b, .s = s};
    if (l->parts > 1) return run_parts(&job, error);
    if (s->worker_count == 1) return run_tiles(&job, error);
    wn_parallel(b->kernel->context, l->tiles, tile_task, &job);
    return job.failed ? run_tiles(&job, error) : WN_OK; /* the first that fails says why */
}
