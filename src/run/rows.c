/*
 * rows.c - ROWS stages: a mask over some axes selects whole rows of the axes behind it, for each index of the axes before it.
 *
 * One bitmap serves every outer index. Rows that are plain pieces of an input are moved straight from it; any others are computed
 * block by block, as many rows as fit, across outer indices, and moved from the buffers.
 */
#include "run/array.h"
#include "run/binding.h"

#include <string.h>

/* ---- Moving the rows whose bits are set --------------------------------------------------------------------------------- */

/* The bits of word `k` that lie in [first, end), which it overlaps. */
static inline uint64_t bits_between(const uint64_t *words, int64_t k, int64_t first, int64_t end) {
    uint64_t bits = words[k];
    if (k * 64 < first) bits &= ~(uint64_t)0 << (first - k * 64);
    if (end - k * 64 < 64) bits &= ((uint64_t)1 << (end - k * 64)) - 1;
    return bits;
}

static int64_t count_between(const uint64_t *words, int64_t first, int64_t end) {
    int64_t count = 0;
    for (int64_t k = first / 64; k * 64 < end; k++)
        count += __builtin_popcountll(bits_between(words, k, first, end));
    return count;
}

typedef struct rows {
    const char *from; /* the row of bit `first` */
    int64_t stride;   /* from row to row        */
    const uint64_t *words;
    int64_t first, end;
} rows;

/* `bytes` is a constant where this is inlined. `to` may be `from` itself: rows only move towards its beginning. */
static inline __attribute__((always_inline)) void move_rows_of(char *to, const rows *r, size_t bytes) {
    for (int64_t k = r->first / 64; k * 64 < r->end; k++) {
        uint64_t bits = bits_between(r->words, k, r->first, r->end);
        int64_t row = k * 64 - r->first; /* of the word's lowest bit; < 0 if that is not one of ours */
        if (bits == ~(uint64_t)0 && r->stride == (int64_t)bytes) {
            memmove(to, r->from + row * r->stride, 64 * bytes);
            to += 64 * bytes;
            continue;
        }
        for (; bits; bits &= bits - 1, to += bytes)
            memmove(to, r->from + (row + __builtin_ctzll(bits)) * r->stride, bytes);
    }
}

static void move_rows(char *to, const rows *r, size_t bytes) {
    switch (bytes) {
    case 1: move_rows_of(to, r, 1); break;
    case 2: move_rows_of(to, r, 2); break;
    case 3: move_rows_of(to, r, 3); break;
    case 4: move_rows_of(to, r, 4); break;
    case 6: move_rows_of(to, r, 6); break;
    case 8: move_rows_of(to, r, 8); break;
    case 12: move_rows_of(to, r, 12); break;
    case 16: move_rows_of(to, r, 16); break;
    case 24: move_rows_of(to, r, 24); break;
    default: move_rows_of(to, r, bytes); break;
    }
}

/* ---- Preparing ----------------------------------------------------------------------------------------------------------- */

static int64_t product(const int64_t *dims, int first, int end) {
    int64_t p = 1;
    for (int i = first; i < end; i++)
        p *= dims[i];
    return p;
}

/* Whether axes [first, end) are run through at one stride; what it is, and how far it leads in all. */
static bool one_stride(const int64_t *dims, const int64_t *strides, int first, int end, int64_t *stride) {
    int64_t expected = 0;
    bool any = false;
    for (int i = end; i-- > first;) {
        if (dims[i] == 1) continue;
        if (any && strides[i] != expected) return false;
        if (!any) *stride = strides[i];
        any = true;
        expected = (int64_t)((uint64_t)strides[i] * (uint64_t)dims[i]);
    }
    return true;
}

/* Whether an output's rows lie in an input, each of them contiguous, at one distance. */
static bool has_plain_rows(const bound_stage *s, uint32_t output) {
    const plan_stage *p = s->plan;
    const plan_value *v = &p->program.values[p->outputs[output].value];
    if (v->kind != VALUE_STREAM || s->grid.in[v->number].mode == OPERAND_SCALAR) return false;
    const operand *o = &s->grid.in[v->number];
    if (o->size == 0) return false;
    int mask_end = p->mask_first + p->mask_rank;
    int64_t element = o->size, row = 0;
    return one_stride(s->dims, o->strides, mask_end, p->program.rank, &element) &&
           element == o->size && one_stride(s->dims, o->strides, p->mask_first, mask_end, &row);
}

static void find_source(bound_stage *s, uint32_t output) {
    const plan_stage *p = s->plan;
    bound_output *out = &s->outputs[output];
    out->source = p->program.values[p->outputs[output].value].number;
    const operand *o = &s->grid.in[out->source];
    memcpy(out->outer_strides, o->strides, sizeof *o->strides * (size_t)p->mask_first);
    out->row_stride = 0;
    one_stride(s->dims, o->strides, p->mask_first, p->mask_first + p->mask_rank, &out->row_stride);
    out->normalise = p->program.streams[out->source].type == WN_BOOL;
}

/* Whether the packed rows of one outer index have no gaps in the caller's array. */
static bool slab_is_contiguous(const wn_array *a, int axis) {
    int64_t expected = (int64_t)wn_type_size(a->type);
    if (a->type == WN_BITMAP) return false;
    for (int i = a->rank; i-- > axis + 1;) {
        if (a->shape[i] == 1) continue;
        if (a->strides[i] != expected) return false;
        expected *= a->shape[i];
    }
    return a->strides[axis] == expected;
}

void wn_rows_prepare(bound_stage *s) {
    const plan_stage *p = s->plan;
    s->move_rows = s->grid.total != 0;
    if (s->grid.total == 0) return;
    s->outer = product(s->dims, 0, p->mask_first);
    s->places = product(s->dims, p->mask_first, p->mask_first + p->mask_rank);
    s->row = product(s->dims, p->mask_first + p->mask_rank, p->program.rank);
    for (uint32_t i = 0; i < p->output_count; i++) {
        bound_output *out = &s->outputs[i];
        out->contiguous = !out->given || slab_is_contiguous(out->array, p->mask_first);
        s->move_rows &= out->contiguous && has_plain_rows(s, i);
    }
    for (uint32_t i = 0; s->move_rows && i < p->output_count; i++)
        find_source(s, i);
}

/* ---- Straight from the inputs --------------------------------------------------------------------------------------------- */

static int64_t outer_offset(const bound_stage *s, const int64_t *strides, int64_t outer) {
    int64_t offset = 0;
    for (int i = s->plan->mask_first; i-- > 1;) {
        offset += outer % s->dims[i] * strides[i];
        outer /= s->dims[i];
    }
    return s->plan->mask_first ? offset + outer * strides[0] : 0;
}

/* Where the packed rows of an outer index begin. */
static char *slab_of(const bound_stage *s, uint32_t output, int64_t outer) {
    const wn_array *a = s->outputs[output].array;
    return (char *)a->data + outer_offset(s, a->strides, outer);
}

static void normalise(uint8_t *truths, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        truths[i] = truths[i] != 0;
}

static void move_output(const bound_stage *s, uint32_t i, const uint64_t *words) {
    const bound_output *out = &s->outputs[i];
    const operand *source = &s->grid.in[out->source];
    size_t bytes = (size_t)(s->row * source->size);
    for (int64_t o = 0; o < s->outer; o++) {
        rows r = {source->data + outer_offset(s, out->outer_strides, o), out->row_stride, words, 0,
                  s->places};
        char *to = slab_of(s, i, o);
        move_rows(to, &r, bytes);
        if (out->normalise) normalise((uint8_t *)to, s->n_true * s->row);
    }
}

/* ---- By way of the buffers ------------------------------------------------------------------------------------------------ */

/* What is not a whole step at the end of the space is a call of its own. */
void wn_compute(const bound_stage *s, worker *w, int64_t first, int64_t count) {
    const grid *g = &s->grid;
    int64_t done = 0, step = s->plan->program.step;
    while (done < count) {
        int64_t now = count - done;
        if (first + done + round_up(now, g->step) > g->total && now > g->step) now -= now % g->step;
        kernel_cursor cursor = {.base = first + done};
        wn_grid_point(g, w, 0, first + done, now);
        for (uint32_t i = 0; i < g->out_count; i++)
            w->out[i] = w->buffers + g->out[i].buffer + done * g->out[i].size;
        s->map(w->in, w->out, NULL, round_up(now, step), &cursor);
        done += now;
    }
}

/* Elements of a packed row `place` of an outer index, from element `at` of it on. */
static void store(const bound_stage *s, uint32_t i, int64_t outer, int64_t place, int64_t at,
                  const char *from, int64_t count) {
    const wn_array *a = s->outputs[i].array;
    uint8_t size = s->grid.out[i].size;
    int64_t first = place * s->row + at;
    if (s->outputs[i].contiguous)
        memcpy(slab_of(s, i, outer) + first * size, from, (size_t)(count * size));
    else
        wn_array_put(a, from, outer * s->n_true * s->row + first, count);
}

/* Rows [first, end) of one outer index, which lie in the buffers from row `at` on; `place` rows were packed before them. */
static int64_t store_rows(const bound_stage *s, const worker *w, const uint64_t *words,
                          int64_t outer, int64_t first, int64_t end, int64_t at, int64_t place) {
    int64_t count = count_between(words, first, end);
    if (count == 0) return 0;
    for (uint32_t i = 0; i < s->grid.out_count; i++) {
        int64_t bytes = s->row * s->grid.out[i].size;
        char *from = w->buffers + s->grid.out[i].buffer + at * bytes;
        rows r = {from, bytes, words, first, end};
        if (s->outputs[i].contiguous) {
            move_rows(slab_of(s, i, outer) + place * bytes, &r, (size_t)bytes);
            continue;
        }
        move_rows(from, &r, (size_t)bytes);
        store(s, i, outer, place, 0, from, count * s->row);
    }
    return count;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Whether any of the rows [first, end), counted through all outer indices, is selected. */
static bool any_selected(const bound_stage *s, const uint64_t *words, int64_t first, int64_t end) {
    while (first < end) {
        int64_t place = first % s->places, count = least(end - first, s->places - place);
        if (count_between(words, place, place + count)) return true;
        first += count;
    }
    return false;
}

/* Rows that fit a block: several at a time. */
static void compute_short_rows(const bound_stage *s, worker *w, const uint64_t *words) {
    int64_t rows_of_block = s->grid.block / s->row, all = s->outer * s->places, packed = 0;
    for (int64_t first = 0; first < all; first += rows_of_block) {
        int64_t end = least(first + rows_of_block, all);
        bool any = any_selected(s, words, first, end);
        if (any) wn_compute(s, w, first * s->row, (end - first) * s->row);
        for (int64_t q = first; q < end;) {
            int64_t place = q % s->places, count = least(end - q, s->places - place);
            if (place == 0) packed = 0;
            if (any)
                packed +=
                    store_rows(s, w, words, q / s->places, place, place + count, q - first, packed);
            q += count;
        }
    }
}

static void compute_row(const bound_stage *s, worker *w, int64_t outer, int64_t place, int64_t packed) {
    int64_t first = (outer * s->places + place) * s->row;
    for (int64_t at = 0; at < s->row; at += s->grid.block) {
        int64_t count = least(s->row - at, s->grid.block);
        wn_compute(s, w, first + at, count);
        for (uint32_t i = 0; i < s->grid.out_count; i++)
            store(s, i, outer, packed, at, w->buffers + s->grid.out[i].buffer, count);
    }
}

/* Rows longer than a block: only those that are selected. */
static void compute_long_rows(const bound_stage *s, worker *w, const uint64_t *words) {
    for (int64_t outer = 0; outer < s->outer; outer++) {
        int64_t packed = 0;
        for (int64_t k = 0; k * 64 < s->places; k++)
            for (uint64_t bits = bits_between(words, k, 0, s->places); bits; bits &= bits - 1)
                compute_row(s, w, outer, k * 64 + __builtin_ctzll(bits), packed++);
    }
}

wn_status wn_rows_run(wn_binding *b, uint32_t stage, wn_error *error) {
    bound_stage *s = &b->stages[stage];
    TRY(wn_mask_find(b, s, error));
    for (uint32_t i = 0; i < s->plan->output_count; i++)
        TRY(wn_target_make(b, &s->plan->outputs[i], error));
    if (s->grid.total == 0 || s->n_true == 0) return WN_OK;
    const uint64_t *words = mask_words(b, s);
    worker *w = &s->workers[0];
    w->filled = false; /* what is laid out there is of the mask */
    for (uint32_t i = 0; s->move_rows && i < s->plan->output_count; i++)
        move_output(s, i, words);
    if (s->move_rows) return WN_OK;
    wn_grid_begin(&s->grid, w);
    if (s->row <= s->grid.block)
        compute_short_rows(s, w, words);
    else
        compute_long_rows(s, w, words);
    return WN_OK;
}
