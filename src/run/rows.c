/*
 * rows.c - ROWS stages: a mask over some axes selects whole rows of the axes behind it, for each index of the axes before it.
 *
 * Rows are counted through all outer indices, one bitmap serves each of these. When the mask is counted, the rows are cut into pieces
 * for the threads, and a piece is done in one of three ways:
 *
 *   packed    short rows: the kernel's scatter packs elements by a bitmap in which each bit of the mask is repeated for each element of the row, made
 *             block by block. A vector packs several rows at once, takes as long whatever the mask is, and values are computed on the way.
 *   moved     plain pieces of an input: row by row straight from it. Longer than a vector; or short, but nearly none or nearly
 *             all are selected.
 *   computed  all others: block by block into buffers, as many rows as fit, and moved from there.
 *
 * Invariant: what is written follows from the bits of a bitmap that is ours; a piece writes where its rows belong and nowhere else.
 */
#include "run/rows.h"
#include "run/array.h"
#include "run/move.h"
#include "run/threads.h"

#include <string.h>

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

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

/* Of few bytes, by way of registers: memmove would be a call. */
static inline __attribute__((always_inline)) void move_row(char *to, const char *from, size_t bytes) {
    char row[32];
    if (!__builtin_constant_p(bytes) || bytes > sizeof row) {
        memmove(to, from, bytes);
        return;
    }
    memcpy(row, from, bytes);
    memcpy(to, row, bytes);
}

static inline void move_either_way(char *packed, char *row, size_t bytes, bool back) {
    move_row(back ? row : packed, back ? packed : row, bytes);
}

/* `bytes` and `back` are constants where this is inlined. Rows may be packed onto themselves: they only move towards the beginning. */
static inline __attribute__((always_inline)) char *move_rows_of(char *packed, const rows *all,
                                                                size_t bytes, bool back) {
    const rows r = *all;
    for (int64_t k = r.first / 64; k * 64 < r.end; k++) {
        uint64_t bits = bits_between(r.words, k, r.first, r.end);
        int64_t row = k * 64 - r.first; /* of the word's lowest bit; < 0 if that is not one of ours */
        if (bits == ~(uint64_t)0 && r.stride == (int64_t)bytes) {
            move_either_way(packed, r.at + row * r.stride, 64 * bytes, back);
            packed += 64 * bytes;
            continue;
        }
        for (; bits; bits &= bits - 1, packed += bytes)
            move_either_way(packed, r.at + (row + __builtin_ctzll(bits)) * r.stride, bytes, back);
    }
    return packed;
}

char *wn_pack_rows(char *to, const rows *r, size_t bytes) {
#define ROW_OF(BYTES)                                                                              \
    case BYTES: return move_rows_of(to, r, BYTES, false);
    switch (bytes) {
        ROW_OF(1)
        ROW_OF(2)
        ROW_OF(3)
        ROW_OF(4)
        ROW_OF(5)
        ROW_OF(6)
        ROW_OF(7)
        ROW_OF(8)
        ROW_OF(12)
        ROW_OF(16)
        ROW_OF(20)
        ROW_OF(24)
        ROW_OF(28)
        ROW_OF(32)
    default: return move_rows_of(to, r, bytes, false);
    }
#undef ROW_OF
}

/* They are longer than most that are packed. */
void wn_expand_rows(const char *from, const rows *r, size_t bytes) {
    move_rows_of((char *)(uintptr_t)from, r, bytes, true); /* only read */
}

/* ---- Spreading: each bit as often as a row has elements ------------------------------------------------------------------ */

/* What a byte of the mask becomes, for all of them: 8 * PACKED_ROW bits at most. */
wn_status wn_spread_prepare(const wn_binding *b, bound_stage *s, wn_error *error) {
    s->pack_rows = true;
    s->grid.step = KERNEL_WORD * s->row;
    if (s->spread.data && s->spread_row == s->row) return WN_OK;
    if (!wn_memory_make(b->kernel->context, &s->spread, 256 * sizeof(uint64_t)))
        return wn_fail(error, WN_ERROR_MEMORY, "run: out of memory");
    uint64_t *table = s->spread.data, each = ((uint64_t)1 << s->row) - 1;
    for (unsigned byte = 0; byte < 256; byte++) {
        table[byte] = 0;
        for (unsigned i = 0; i < 8; i++)
            if (byte >> i & 1) table[byte] |= each << s->row * i;
    }
    s->spread_row = s->row;
    return WN_OK;
}

/* `count` words, of which each becomes `row`, a constant where this is inlined. They may end where those end that are made. */
static inline __attribute__((always_inline)) void spread_by(uint64_t *to, const uint64_t *words,
                                                            int64_t count, const uint64_t *table,
                                                            unsigned row) {
    for (int64_t k = 0; k < count; k++) {
        uint64_t word = words[k], bits = 0;
        unsigned full = 0; /* of `bits` */
#pragma GCC unroll 8
        for (unsigned i = 0; i < 8; i++) {
            uint64_t spread = table[word >> 8 * i & 255];
            bits |= spread << full;
            full += 8 * row;
            if (full < 64) continue;
            *to++ = bits;
            full -= 64;
            bits = full ? spread >> (8 * row - full) : 0;
        }
    }
}

static void spread(uint64_t *to, const uint64_t *words, int64_t count, const bound_stage *s) {
    const uint64_t *table = s->spread.data;
    switch (s->row) {
    case 2: spread_by(to, words, count, table, 2); break;
    case 3: spread_by(to, words, count, table, 3); break;
    case 4: spread_by(to, words, count, table, 4); break;
    case 5: spread_by(to, words, count, table, 5); break;
    case 6: spread_by(to, words, count, table, 6); break;
    case 7: spread_by(to, words, count, table, 7); break;
    case 8: spread_by(to, words, count, table, 8); break;
    default: break;
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

/* Whether the elements of axis `from` and those behind it have no gaps. The array may be longer along it than it will be. */
static bool lies_in_order(const wn_array *a, int from) {
    int64_t expected = (int64_t)wn_type_size(a->type);
    if (a->type == WN_BITMAP) return false;
    for (int i = a->rank; i-- > from;) {
        if (a->shape[i] == 1 && i != from) continue;
        if (a->strides[i] != expected) return false;
        expected *= a->shape[i];
    }
    return true;
}

/* Elements of so many bytes that are packed at once. */
static int64_t lanes_of(const wn_target *t, int64_t size) {
    switch (t->isa) {
    case WN_ISA_X86_64_V2: return least(8, 16 / size);
    case WN_ISA_X86_64_V3: return least(8, 32 / size);
    case WN_ISA_X86_64_V4: return size > 2 || t->vbmi2 ? 64 / size : 16;
    default: return 0;
    }
}

/* Whether rows that can be moved had better be: those that one instruction moves, unless a vector packs two; and longer ones than a
   vector. */
static bool are_long(const bound_stage *s, const wn_target *t) {
    for (uint32_t i = 0; i < s->grid.out_count; i++) {
        int64_t size = s->grid.out[i].size, bytes = s->row * size, lanes = lanes_of(t, size);
        bool at_once = bytes <= 16 && (bytes & (bytes - 1)) == 0;
        if (s->row > (at_once ? lanes / 2 : lanes)) return true;
    }
    return false;
}

void wn_rows_measure(bound_stage *s) {
    const plan_stage *p = s->plan;
    s->outer = product(s->dims, 0, p->mask_first);
    s->places = product(s->dims, p->mask_first, p->mask_first + p->mask_rank);
    s->row = product(s->dims, p->mask_first + p->mask_rank, p->program.rank);
}

wn_status wn_rows_prepare(const wn_binding *b, bound_stage *s, wn_error *error) {
    const plan_stage *p = s->plan;
    s->move_rows = s->grid.total != 0;
    s->pack_rows = false;
    if (s->grid.total == 0) return WN_OK;
    wn_rows_measure(s);
    for (uint32_t i = 0; i < p->output_count; i++) {
        bound_output *out = &s->outputs[i];
        out->contiguous = !out->given || lies_in_order(out->array, p->mask_first);
        s->move_rows &= out->contiguous && has_plain_rows(s, i);
    }
    for (uint32_t i = 0; s->move_rows && i < p->output_count; i++)
        find_source(s, i);
    bool packs = row_is_packed(s->row) && stage_has(p, KERNEL_SCATTER) &&
                 !(s->move_rows && are_long(s, &b->kernel->target));
    return packs ? wn_spread_prepare(b, s, error) : WN_OK;
}

/* ---- A piece ---------------------------------------------------------------------------------------------------------------- */

/* Some of the rows of all outer indices, and the thread that does them. */
typedef struct piece {
    const bound_stage *stage;
    worker *w;
    const uint64_t *words;
    int64_t first, end;
    int64_t packed; /* how many are in the outputs, of all that are selected from the first outer index on */
} piece;

slice wn_slice_of(const bound_stage *s, int64_t first, int64_t end) {
    int64_t place = first % s->places;
    return (slice){first / s->places, place, least(end - first, s->places - place)};
}

int64_t wn_count_rows(const bound_stage *s, const uint64_t *words, int64_t first, int64_t end) {
    int64_t count = 0;
    while (first < end) {
        slice of = wn_slice_of(s, first, end);
        count +=
            of.count == s->places ? s->n_true : count_between(words, of.place, of.place + of.count);
        first += of.count;
    }
    return count;
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

void wn_normalise(char *truths, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        truths[i] = truths[i] != 0;
}

static void move_output(const piece *p, uint32_t i) {
    const bound_stage *s = p->stage;
    const bound_output *out = &s->outputs[i];
    const operand *source = &s->grid.in[out->source];
    int64_t bytes = s->row * source->size, packed = p->packed;
    for (int64_t first = p->first; first < p->end;) {
        slice of = wn_slice_of(s, first, p->end);
        rows r = {source->data + outer_offset(s, out->outer_strides, of.outer) + of.place * out->row_stride,
                  out->row_stride, p->words, of.place, of.place + of.count};
        char *to = slab_of(s, i, of.outer) + (packed - of.outer * s->n_true) * bytes,
             *end = wn_pack_rows(to, &r, (size_t)bytes);
        if (out->normalise) wn_normalise(to, end - to);
        packed += (end - to) / bytes;
        first += of.count;
    }
}

static void move_piece(const piece *p) {
    for (uint32_t i = 0; i < p->stage->plan->output_count; i++)
        move_output(p, i);
}

/* ---- Element by element ---------------------------------------------------------------------------------------------------- */

/* Where the elements of a piece go: `position` of the `room` that they have from `offset` on are there. */
typedef struct packing {
    const bound_stage *stage;
    worker *w;
    int64_t offset, room, position;
    bool stored; /* straight into the outputs */
} packing;

/* Where the bits of so many rows are put together: the end of the room for those of their elements, which are spread from its beginning on. */
static uint64_t *room_for_rows(const bound_stage *s, worker *w, int64_t count) {
    return w->words + round_up(count, 64) / 64 * (s->row - 1);
}

const uint64_t *wn_bits_of_rows(const bound_stage *s, worker *w, const uint64_t *words,
                                int64_t first, int64_t count) {
    uint64_t *room = room_for_rows(s, w, count);
    if (s->outer == 1) return words + first / 64;
    memset(room, 0, (size_t)(round_up(count, 64) / 8));
    for (int64_t at = 0, n; at < count; at += n) {
        int64_t place = (first + at) % s->places, k = place / 64, shift = place % 64;
        n = least(least(s->places - place, count - at), 64);
        uint64_t bits = words[k] >> shift;
        if (shift + n > 64) bits |= words[k + 1] << (64 - shift);
        if (n < 64) bits &= ((uint64_t)1 << n) - 1;
        room[at / 64] |= bits << at % 64;
        if (at % 64 + n > 64) room[at / 64 + 1] |= bits >> (64 - at % 64);
    }
    return room;
}

const uint64_t *wn_bits_of_elements(const bound_stage *s, worker *w, const uint64_t *bits,
                                    int64_t count) {
    if (s->row == 1) return bits;
    spread(w->words, bits, round_up(count, 64) / 64, s);
    return w->words;
}

static bool any_is_set(const uint64_t *words, int64_t count) {
    int64_t k = 0, n = round_up(count, 64) / 64;
    while (k < n && words[k] == 0)
        k++;
    return k < n;
}

static void store_packed(const packing *p, int64_t count) {
    const bound_stage *s = p->stage;
    for (uint32_t i = 0; i < s->grid.out_count; i++) {
        const wn_array *a = s->outputs[i].array;
        int64_t at = p->offset + p->position, size = s->grid.out[i].size;
        if (p->stored)
            memcpy((char *)a->data + at * size, p->w->out[i], (size_t)(count * size));
        else
            wn_array_put(a, p->w->out[i], at, count);
    }
}

/* Whole words straight into the outputs as long as there is room for them, all else by way of the buffers; how many were taken. */
static int64_t pack_elements(packing *p, int64_t first, int64_t count, const uint64_t *words) {
    const bound_stage *s = p->stage;
    const grid *g = &s->grid;
    bool stored = p->stored && count >= KERNEL_WORD && p->room - p->position >= KERNEL_WORD;
    kernel_cursor cursor = {.room = g->block, .base = first};
    wn_grid_point(g, p->w, 0, first, count);
    if (stored) cursor.position = p->position, cursor.room = p->room;
    for (uint32_t i = 0; i < g->out_count; i++)
        p->w->out[i] = stored ? (char *)s->outputs[i].array->data + p->offset * g->out[i].size
                              : p->w->buffers + g->out[i].buffer;
    int64_t taken = s->scatter(p->w->in, p->w->out, (uint64_t *)(uintptr_t)words, /* only read */
                               round_up(count, KERNEL_WORD), &cursor);
    if (!stored) store_packed(p, cursor.position);
    p->position = stored ? cursor.position : p->position + cursor.position;
    return taken;
}

static bool all_lie_in_order(const bound_stage *s) {
    for (uint32_t i = 0; i < s->grid.out_count; i++)
        if (!lies_in_order(s->outputs[i].array, 0)) return false;
    return true;
}

/* How many elements to take next: whole words, or what is left of less than one; in a sparse mask such that none is true, or some are
   in each. */
static int64_t words_of_a_kind(const uint64_t *words, int64_t count, bool sparse) {
    int64_t whole = count / KERNEL_WORD, k = 1;
    if (whole == 0) return count;
    while (sparse && k < whole && (words[k] == 0) == (words[0] == 0))
        k++;
    return KERNEL_WORD * (sparse ? k : whole);
}

static void pack_piece(const piece *p, int64_t count) {
    const bound_stage *s = p->stage;
    packing all = {s, p->w, p->packed * s->row, count * s->row, 0, all_lie_in_order(s)};
    int64_t rows_of_block = s->grid.block / s->row;
    bool sparse = count < (p->end - p->first) / 32;
    wn_grid_begin(&s->grid, p->w);
    for (int64_t first = p->first; first < p->end; first += rows_of_block) {
        int64_t rows_now = least(rows_of_block, p->end - first), elements = rows_now * s->row;
        const uint64_t *words = wn_bits_of_rows(s, p->w, p->words, first, rows_now);
        if (!any_is_set(words, rows_now)) continue;
        words = wn_bits_of_elements(s, p->w, words, rows_now);
        for (int64_t at = 0, now; at < elements; at += now) {
            now = words_of_a_kind(words + at / KERNEL_WORD, elements - at, sparse);
            if (sparse && words[at / KERNEL_WORD] == 0) continue;
            now = pack_elements(&all, first * s->row + at, now, words + at / KERNEL_WORD);
        }
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

/* Rows of one outer index, which lie in the buffers from row `at` on. */
static int64_t store_rows(const piece *p, slice of, int64_t at) {
    const bound_stage *s = p->stage;
    int64_t end = of.place + of.count, count = count_between(p->words, of.place, end),
            place = p->packed - of.outer * s->n_true;
    if (count == 0) return 0;
    for (uint32_t i = 0; i < s->grid.out_count; i++) {
        int64_t bytes = s->row * s->grid.out[i].size;
        char *from = p->w->buffers + s->grid.out[i].buffer + at * bytes;
        rows r = {from, bytes, p->words, of.place, end};
        if (s->outputs[i].contiguous) {
            wn_pack_rows(slab_of(s, i, of.outer) + place * bytes, &r, (size_t)bytes);
            continue;
        }
        wn_pack_rows(from, &r, (size_t)bytes);
        store(s, i, of.outer, place, 0, from, count * s->row);
    }
    return count;
}

/* Rows that fit a block: several at a time. */
static void compute_short_rows(piece *p) {
    const bound_stage *s = p->stage;
    int64_t rows_of_block = s->grid.block / s->row;
    for (int64_t first = p->first; first < p->end; first += rows_of_block) {
        int64_t end = least(first + rows_of_block, p->end);
        if (wn_count_rows(s, p->words, first, end) == 0) continue;
        wn_compute(s, p->w, first * s->row, (end - first) * s->row);
        for (int64_t q = first; q < end;) {
            slice of = wn_slice_of(s, q, end);
            p->packed += store_rows(p, of, q - first);
            q += of.count;
        }
    }
}

static void compute_row(const piece *p, int64_t outer, int64_t place) {
    const bound_stage *s = p->stage;
    int64_t first = (outer * s->places + place) * s->row;
    for (int64_t at = 0; at < s->row; at += s->grid.block) {
        int64_t count = least(s->row - at, s->grid.block);
        wn_compute(s, p->w, first + at, count);
        for (uint32_t i = 0; i < s->grid.out_count; i++)
            store(s, i, outer, p->packed - outer * s->n_true, at,
                  p->w->buffers + s->grid.out[i].buffer, count);
    }
}

/* Rows longer than a block: only those that are selected. */
static void compute_long_rows(piece *p) {
    for (int64_t q = p->first; q < p->end; q++) {
        int64_t outer = q / p->stage->places, place = q % p->stage->places;
        if (!(p->words[place / 64] >> place % 64 & 1)) continue;
        compute_row(p, outer, place);
        p->packed++;
    }
}

static void compute_piece(piece *p) {
    wn_grid_begin(&p->stage->grid, p->w);
    if (p->stage->row <= p->stage->grid.block)
        compute_short_rows(p);
    else
        compute_long_rows(p);
}

/* ---- The stage -------------------------------------------------------------------------------------------------------------- */

typedef enum rows_way { ROWS_MOVED, ROWS_PACKED, ROWS_COMPUTED } rows_way;

typedef struct rows_job {
    bound_stage *stage;
    const uint64_t *words;
    rows_way way;
    int64_t size, all; /* rows: of a piece, and of all */
    running_sum packed;
} rows_job;

#define FEW 48          /* one of so many rows is selected, of those that no cache holds */
#define NEARLY_ALL 4096 /* one of so many is not                                         */

/* Moving takes a branch that nobody foresees for each word of the mask of which some are selected, but not all; packing takes the longer, the
   wider elements are. */
static bool pays_to_move(const bound_stage *s) {
    int64_t rest = s->places - s->n_true, few = FEW;
    if (s->grid.total < MOVE_NEAR) few = 32 / s->grid.out[0].size;
    return s->n_true <= s->places / few || rest <= s->places / NEARLY_ALL;
}

static void do_piece(void *user, int64_t task, int32_t number) {
    rows_job *job = user;
    const bound_stage *s = job->stage;
    piece p = {.stage = s, .w = &s->workers[number], .words = job->words, .first = task * job->size};
    p.end = least(p.first + job->size, job->all);
    int64_t count = wn_count_rows(s, p.words, p.first, p.end);
    p.packed = wn_add_in_turn(&job->packed, task, count);
    if (count == 0) return;
    switch (job->way) {
    case ROWS_MOVED: move_piece(&p); break;
    case ROWS_PACKED: pack_piece(&p, count); break;
    case ROWS_COMPUTED: compute_piece(&p); break;
    }
}

/* Rows that a piece is made of: those of a block, so that what is packed begins with a word. */
static int64_t piece_size(const bound_stage *s, int64_t all) {
    int64_t block = s->grid.block / s->row, size = all / (PARTS_PER_WORKER * s->worker_count) + 1;
    return s->worker_count == 1 ? all : block > 1 ? round_up(size, block) : size;
}

wn_status wn_rows_run(wn_binding *b, uint32_t stage, wn_error *error) {
    bound_stage *s = &b->stages[stage];
    TRY(wn_mask_find(b, s, error));
    for (uint32_t i = 0; i < s->plan->output_count; i++)
        TRY(wn_target_make(b, &s->plan->outputs[i], error));
    if (s->grid.total == 0 || s->n_true == 0) return WN_OK;
    for (int32_t i = 0; i < s->worker_count; i++)
        s->workers[i].filled = false; /* what is laid out there is of the mask */
    rows_job job = {.stage = s, .words = mask_words(b, s), .all = s->outer * s->places};
    job.way = s->move_rows && !(s->pack_rows && !pays_to_move(s)) ? ROWS_MOVED
              : s->pack_rows                                      ? ROWS_PACKED
                                                                  : ROWS_COMPUTED;
    job.size = piece_size(s, job.all);
    wn_parallel(b->kernel->context, (job.all + job.size - 1) / job.size, do_piece, &job);
    return WN_OK;
}
