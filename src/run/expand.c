/*
 * expand.c - EXPAND stages: over the places of a space in turn, those where the mask is true take the next element of v.
 *
 * Kernels read v a word at a time, wherever they are in it, so its last elements are given to them in a padded buffer; one that is
 * not contiguous is laid out there piece by piece. A v of one element is an array that stays where it is (stride 0) and never ends.
 *
 * Invariant: how far v is read follows from its length alone, which the kernel is told; if v is too short, it is found out when the
 * place after its last element would be taken, and from there on the mask is only counted.
 */
#include "run/array.h"
#include "run/binding.h"
#include "run/threads.h"

#include <string.h>

/* Elements of v that are laid out at a time. */
#define PIECE 2048

size_t wn_expand_buffer(const bound_stage *s) {
    return (size_t)(PIECE + KERNEL_WORD) * s->grid.out[0].size;
}

/* An array that is read in turn. */
typedef struct values {
    const char *data;
    int64_t stride, length;
} values;

static values values_of(const wn_binding *b, const bound_stage *s) {
    const plan_operand *o = &s->plan->operands[0];
    const wn_array *v = o->source == SOURCE_INPUT ? &b->now.inputs[o->number] : &b->temps[o->number];
    dim d = node_dims(b->kernel->graph, graph_node(b->kernel->graph, o->node))[0];
    bool stays = v->shape[0] == 1 && !dim_is_packed(b->kernel->graph, d);
    return (values){v->data, stays ? 0 : v->strides[0], stays ? INT64_MAX / 2 : v->shape[0]};
}

typedef struct expanding {
    const bound_stage *stage;
    worker *w;
    values v;
    int64_t first, end; /* of the space */
    int64_t taken;      /* of v, by what is before `first` */
    int64_t piece;      /* of v: where what the cursor counts in begins */
    kernel_cursor cursor;
} expanding;

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Let the cursor count from what is taken on: in v itself, if whole words of it are left, else in the buffer. */
static void take_piece(expanding *e) {
    const bound_stage *s = e->stage;
    int64_t size = s->grid.out[0].size, left = e->v.length - e->taken;
    const char *from = e->v.data + e->taken * e->v.stride;
    e->piece = e->taken;
    if (e->v.stride == size && left >= KERNEL_WORD) {
        e->cursor = (kernel_cursor){.room = left, .values = from};
        return;
    }
    char *buffer = e->w->buffers + s->values_buffer;
    int64_t count = least(left, PIECE);
    if (count && e->v.stride == size)
        memcpy(buffer, from, (size_t)(count * size));
    else if (count)
        wn_gather(buffer, from, (uint8_t)size, 1, &count, &e->v.stride, 0, count);
    int64_t room = count < left ? count : count + KERNEL_WORD;
    e->cursor = (kernel_cursor){.room = room, .values = buffer};
}

/* What is left of less than a word: the kernel evaluates the mask past the end too, so it is counted apart. */
static void expand_rest(expanding *e) {
    const bound_stage *s = e->stage;
    int64_t count = e->end - e->first, found = wn_count_range(s, e->w, e->first, e->end, NULL);
    wn_grid_point(&s->grid, e->w, 0, e->first, count);
    wn_point_outputs(&s->grid, e->w, e->first, false);
    s->expand(e->w->in, e->w->out, NULL, KERNEL_WORD, &e->cursor);
    wn_write_outputs(&s->grid, e->w, e->first, count, false);
    e->taken += found;
    e->first = e->end;
}

static void expand_words(expanding *e, int64_t count) {
    const bound_stage *s = e->stage;
    wn_grid_point(&s->grid, e->w, 0, e->first, count);
    wn_point_outputs(&s->grid, e->w, e->first, true);
    int64_t done = s->expand(e->w->in, e->w->out, NULL, count, &e->cursor);
    wn_write_outputs(&s->grid, e->w, e->first, done, true);
    e->taken = e->piece + e->cursor.position;
    e->first += done;
}

/* To the end, or till v has not enough. */
static void expand_range(expanding *e) {
    const grid *g = &e->stage->grid;
    wn_grid_begin(g, e->w);
    while (e->first < e->end && e->taken <= e->v.length) {
        if (e->cursor.position + KERNEL_WORD > e->cursor.room) take_piece(e);
        e->cursor.base = e->first;
        int64_t count = grid_next_count(g, g->direct, e->first, e->end);
        if (count < KERNEL_WORD)
            expand_rest(e);
        else
            expand_words(e, count);
    }
}

/* ---- A stage ------------------------------------------------------------------------------------------------------------ */

/* In the words of the interpreter. */
static wn_status check_length(const values *v, int64_t n_true, wn_error *error) {
    if (v->stride == 0 && v->length == INT64_MAX / 2) return WN_OK;
    if (v->length == n_true) return WN_OK;
    return wn_fail(error, WN_ERROR_SHAPE,
                   "expand: v has %lld element%s on axis 0 and the mask %lld true%s",
                   (long long)v->length, v->length == 1 ? "" : "s", (long long)n_true,
                   v->length == 1 ? ": a packed axis does not stretch" : "");
}

/* All is in place, the first words of v too. */
static void expand_directly(expanding *e) {
    const bound_stage *s = e->stage;
    e->cursor = (kernel_cursor){.room = e->v.length, .values = e->v.data};
    e->first = s->expand(s->in, s->out, NULL, e->end & -KERNEL_WORD, &e->cursor);
    e->taken = e->cursor.position;
}

static wn_status expand_alone(bound_stage *s, values v, wn_error *error) {
    expanding e = {.stage = s, .w = &s->workers[0], .v = v, .end = s->grid.total};
    if (s->direct && v.stride == s->grid.out[0].size) expand_directly(&e);
    expand_range(&e);
    if (e.first < e.end) e.taken += wn_count_range(s, e.w, e.first, e.end, NULL);
    return check_length(&v, e.taken, error);
}

/* A run cut into parts for threads: counted first, so that each knows where in v it begins. */
typedef struct parts {
    bound_stage *stage;
    values v;
    int64_t size;
    int64_t *taken; /* by part: how many are true in it; later, before it */
} parts;

static int64_t end_of_part(const parts *p, int64_t part) {
    return least((part + 1) * p->size, p->stage->grid.total);
}

static void count_part(void *user, int64_t part, int32_t number) {
    const parts *p = user;
    p->taken[part] = wn_count_range(p->stage, &p->stage->workers[number], part * p->size,
                                    end_of_part(p, part), NULL);
}

static void expand_part(void *user, int64_t part, int32_t number) {
    const parts *p = user;
    expanding e = {.stage = p->stage, .w = &p->stage->workers[number], .v = p->v};
    e.first = part * p->size;
    e.end = end_of_part(p, part);
    e.taken = p->taken[part];
    expand_range(&e);
}

static wn_status expand_in_parts(const wn_binding *b, bound_stage *s, values v, wn_error *error) {
    int64_t total = s->grid.total, n_true = 0;
    parts p = {.stage = s, .v = v, .taken = s->parts.data};
    p.size = round_up(total / (PARTS_PER_WORKER * s->worker_count) + 1, s->grid.block);
    int64_t count = (total + p.size - 1) / p.size;
    wn_parallel(b->kernel->context, count, count_part, &p);
    for (int64_t i = 0; i < count; i++) {
        int64_t found = p.taken[i];
        p.taken[i] = n_true;
        n_true += found;
    }
    TRY(check_length(&v, n_true, error));
    wn_parallel(b->kernel->context, count, expand_part, &p);
    return WN_OK;
}

wn_status wn_expand_run(wn_binding *b, uint32_t stage, wn_error *error) {
    bound_stage *s = &b->stages[stage];
    if (!s->direct) TRY(wn_make_targets_in_place(b, s, error));
    for (int32_t i = 0; i < s->worker_count; i++)
        s->workers[i].filled = false;
    values v = values_of(b, s);
    if (s->grid.total == 0) return check_length(&v, 0, error);
    return s->worker_count == 1 ? expand_alone(s, v, error) : expand_in_parts(b, s, v, error);
}
