/*
 * pieces.c - PACK stages of large arrays and on threads: packed piece by piece, or step by step, into memory of a thread's own, and
 * copied from there to the outputs.
 *
 * On threads, each packs a piece of the space, learns in turn where in the outputs that goes, and copies it while it is in the cache: so
 * every piece is read before it, or one behind it, is written, and an output may lie on an input. One thread alone needs no pieces.
 *
 * What no cache holds is packed by steps and stored past the caches, if no output lies on an input: a lone thread copies the lines that each step
 * fills; on threads each copies a share of its last piece with each step of the next one.
 *
 * Invariant: as many elements are copied as were packed, if the outputs have room for them, whatever has become of the mask since.
 */
#include "run/packing.h"
#include "run/stream.h"
#include "run/threads.h"

#include <string.h>

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- Past the caches ------------------------------------------------------------------------------------------------------- */

/*
 * Stores to lines that no cache holds have them read first, which takes a third of the time of what comes from memory. So a step is packed
 * into a buffer that stays in the first cache, and whole lines are copied out of it past the caches. But on Intel's processors that alone gains
 * nothing: while lines are copied no input comes. So there the inputs are asked for some steps ahead. AMD's fetch ahead far enough, and are
 * disturbed by it (on a Zen 4 steps without are at .9 to 1 of the limit, with at .75).
 */
#define STEP_BYTES 2048       /* of the widest input; of all, twice as many */
#define STEPS_MOVE_ONE_IN 128 /* steps that ask for nothing are worth it for fewer */
#define STEPS_AHEAD 3 /* of several wide inputs, 2: more would be more than the first cache holds */

/* Bytes that a selected element takes at most in an input, and in all of them together. */
typedef struct input_bytes {
    int64_t widest, all;
} input_bytes;

static input_bytes measure_inputs(const grid *g) {
    input_bytes bytes = {1, 1};
    for (uint32_t i = 0; i < g->in_count; i++) {
        if (g->in[i].mode != OPERAND_DIRECT) continue;
        bytes.all += g->in[i].size;
        if (g->in[i].size > bytes.widest) bytes.widest = g->in[i].size;
    }
    return bytes;
}

/* As many elements as a page has room for, and two of all outputs; 0 if they are very many. */
static int64_t step_of_page(const grid *g) {
    int64_t widest = 1, all = 1;
    for (uint32_t i = 0; i < g->out_count; i++) {
        all += g->out[i].size;
        if (g->out[i].size > widest) widest = g->out[i].size;
    }
    int64_t step = least(PAGE / widest, 2 * PAGE / all) - 2 * KERNEL_WORD;
    return step < KERNEL_WORD ? 0 : step & -KERNEL_WORD;
}

static void choose_step(const wn_binding *b, bound_stage *s) {
    if (!wn_grid_reads_directly(&s->grid, 0) || !wn_packs_directly(s)) return;
    input_bytes in = measure_inputs(&s->grid);
    if (b->kernel->target.amd) {
        s->step = step_of_page(&s->grid);
        s->steps_ahead = 0;
        s->move_one_in = STEPS_MOVE_ONE_IN;
    } else if (in.widest <= 4) { /* more gain nothing, since packing them takes as long as their lines take to come */
        s->step = least(STEP_BYTES / in.widest, 2 * STEP_BYTES / in.all) & -KERNEL_WORD;
        s->steps_ahead = in.all > 2 * 4 + 1 ? STEPS_AHEAD - 1 : STEPS_AHEAD;
    }
}

/* Where the next element of output i goes. */
static char *next_place(const packing *p, uint32_t i) {
    return packed_place(p, i) + p->position * p->stage->grid.out[i].size;
}

static char *line_of(char *at) {
    return at - (uintptr_t)at % KERNEL_LINE;
}

/* Pack the next step to w->out; how many elements. */
static int64_t pack_step(packing *p) {
    const bound_stage *s = p->stage;
    const grid *g = &s->grid;
    int64_t step = s->step;
    kernel_cursor cursor = {
        .room = step + KERNEL_WORD, .base = p->first, .looks = p->w->way == PACK_LOOKING};
    for (uint32_t i = 0; s->steps_ahead && i < g->in_count; i++)
        if (g->in[i].mode == OPERAND_DIRECT)
            wn_prefetch((uintptr_t)p->w->in[i] +
                            (uintptr_t)operand_bytes(&g->in[i], s->steps_ahead * step),
                        operand_bytes(&g->in[i], step));
    s->fused(p->w->in, p->w->out, NULL, step, &cursor);
    for (uint32_t i = 0; i < g->in_count; i++)
        if (g->in[i].mode == OPERAND_DIRECT)
            p->w->in[i] = (const char *)p->w->in[i] + operand_bytes(&g->in[i], step);
    p->first += step;
    return cursor.position;
}

static bool is_dense(const bound_stage *s, int64_t found, int64_t n) {
    return found > n / s->move_one_in;
}

/* Go on as suits the last n elements, of which `found` were true. */
static void learn(const bound_stage *s, worker *w, int64_t found, int64_t n) {
    w->way = wn_way_after(s, false, found, n);
    w->dense = is_dense(s, found, n);
}

/* ---- Piece by piece ------------------------------------------------------------------------------------------------------ */

/* A piece and what is packed of it, and of the one before, stay in a core's cache from its packing to its copying. */
#define PIECE_BYTES ((int64_t)256 << 10)
/* So many a thread at least, so that none is left waiting for the last. */
#define PIECES_PER_WORKER 8

void wn_pieces_prepare(const wn_binding *b, bound_stage *s, int32_t workers, bool past_caches) {
    const grid *g = &s->grid;
    int64_t bytes = 1, least_size = g->block;
    for (uint32_t i = 0; i < g->out_count; i++)
        bytes += g->out[i].size;
    for (uint32_t i = 0; i < g->in_count; i++)
        bytes += g->in[i].mode == OPERAND_SCALAR ? 0 : g->in[i].size;
    int64_t size = least(PIECE_BYTES / bytes, g->total / (PIECES_PER_WORKER * workers));
    s->piece = size < least_size ? least_size : size - size % least_size;
    s->piece_buffer = g->buffers;
    if (past_caches) choose_step(b, s);
    s->step = least(s->step, s->piece);
    s->grid.buffers += (size_t)(PAGE + piece_offset(s, g->out_count) * (s->step ? 2 : 1));
}

typedef struct pieces {
    bound_stage *stage;
    int64_t room;
    running_sum found;
} pieces;

static char *piece_memory(const bound_stage *s, const worker *w, bool second) {
    char *at = w->buffers + s->piece_buffer;
    at += -(uintptr_t)at % PAGE;
    return at + (second ? piece_offset(s, s->grid.out_count) : 0);
}

/* Where the last line that ends within `bytes` from `to` on ends. */
static int64_t whole_lines(char *to, int64_t bytes) {
    int64_t lines = line_of(to + bytes) - to;
    return lines < 0 ? 0 : lines;
}

/* The next elements of the piece that a worker holds to their places: whole lines but at both ends of the piece. */
static void copy_held(const bound_stage *s, worker *w, int64_t count) {
    held_piece *h = &w->held;
    int64_t end = least(h->copied + count, h->count);
    if (end == h->copied) return;
    for (uint32_t i = 0; i < s->grid.out_count; i++) {
        int64_t size = s->grid.out[i].size;
        char *to = (char *)s->outputs[i].array->data + h->at * size;
        int64_t first = whole_lines(to, h->copied * size),
                last = end == h->count ? end * size : whole_lines(to, end * size);
        const char *from = piece_memory(s, w, h->second) + piece_offset(s, i);
        wn_copy_past_caches(to + first, from + first, (size_t)(last - first));
    }
    h->copied = end;
}

/* With each step of a piece a share of the one before is copied. */
static void pack_with_held(packing *p) {
    const bound_stage *s = p->stage;
    worker *w = p->w;
    int64_t begun = p->first, share = w->held.count / (s->piece / s->step) + KERNEL_WORD;
    if (p->end - p->first >= s->step) wn_grid_point(&s->grid, w, 0, p->first, s->step);
    while (w->dense && p->end - p->first >= s->step) {
        for (uint32_t i = 0; i < s->grid.out_count; i++)
            w->out[i] = next_place(p, i);
        p->position += pack_step(p);
        copy_held(s, w, share);
    }
    p->found = p->position;
    wn_pack_range(p);
    copy_held(s, w, w->held.count);
    wn_end_copies();
    learn(s, w, p->found, p->end - begun);
}

static void pack_piece(void *user, int64_t task, int32_t number) {
    pieces *all = user;
    bound_stage *s = all->stage;
    worker *w = &s->workers[number];
    int64_t first = task * s->piece;
    packing p = {.stage = s, .w = w, .first = first};
    p.end = least(first + s->piece, s->grid.total);
    p.room = s->piece + KERNEL_WORD;
    p.piece = piece_memory(s, w, s->step && !w->held.second);
    if (s->step)
        pack_with_held(&p);
    else
        wn_pack_range(&p);
    int64_t before = wn_add_in_turn(&all->found, task, p.found);
    bool fits = before + p.found <= all->room;
    w->held = (held_piece){.at = before, .count = fits ? p.found : 0, .second = !w->held.second};
    for (uint32_t i = 0; fits && p.found && !s->step && i < s->grid.out_count; i++)
        wn_store_packed(s, i, packed_place(&p, i), before, p.found);
}

int64_t wn_pack_in_pieces(const wn_binding *b, bound_stage *s) {
    pieces all = {.stage = s, .room = s->room};
    for (int32_t i = 0; i < s->worker_count; i++) {
        s->workers[i].held = (held_piece){0};
        s->workers[i].dense = true;
    }
    wn_parallel(b->kernel->context, (s->grid.total + s->piece - 1) / s->piece, pack_piece, &all);
    for (int32_t i = 0; s->step && i < s->worker_count; i++)
        copy_held(s, &s->workers[i], s->piece);
    wn_end_copies();
    return all.found.sum;
}

/* ---- One thread, past the caches --------------------------------------------------------------------------------------- */

void wn_steps_prepare(const wn_binding *b, bound_stage *s) {
    choose_step(b, s);
    s->piece = s->step;
    s->piece_buffer = s->grid.buffers;
    if (s->step) s->grid.buffers += (size_t)(PAGE + piece_offset(s, s->grid.out_count));
}

static char *step_buffer(const packing *p, uint32_t i) {
    return piece_memory(p->stage, p->w, false) + piece_offset(p->stage, i);
}

/* What was packed of output i for `from` .. `to`, where the first line is in the buffer as in memory: all lines but the last, which is moved
   to the buffer's front. Nothing before `begin` is touched. */
static void store_lines(char *buffer, char *begin, char *from, char *to) {
    char *first = line_of(from), *last = line_of(to), *at = first < begin ? begin : first;
    if (first == last) return;
    wn_copy_past_caches(at, buffer + (at - first), (size_t)(last - at));
    memcpy(buffer, buffer + (last - first), KERNEL_LINE);
}

/* The last line. */
static void store_rest(const char *buffer, char *begin, char *to) {
    char *last = line_of(to), *at = last < begin ? begin : last;
    memcpy(at, buffer + (at - last), (size_t)(to - at));
}

/* Step by step, as long as there is room and something to store. */
static void pack_steps(packing *p) {
    const bound_stage *s = p->stage;
    worker *w = p->w;
    int64_t begun = p->position, chunk = p->first, before = p->position;
    if (p->end - p->first < s->step) return;
    wn_grid_point(&s->grid, w, 0, p->first, s->step);
    while (w->dense && p->end - p->first >= s->step && p->room - p->position >= s->step) {
        for (uint32_t i = 0; i < s->grid.out_count; i++)
            w->out[i] = step_buffer(p, i) + (uintptr_t)next_place(p, i) % KERNEL_LINE;
        int64_t found = pack_step(p);
        for (uint32_t i = 0; i < s->grid.out_count; i++) {
            char *to = next_place(p, i);
            int64_t size = s->grid.out[i].size;
            store_lines(step_buffer(p, i), packed_place(p, i) + begun * size, to, to + found * size);
        }
        p->position += found;
        if (p->first - chunk < MOVE_CHUNK) continue;
        learn(s, w, p->position - before, p->first - chunk);
        chunk = p->first;
        before = p->position;
    }
    p->found += p->position - begun;
    for (uint32_t i = 0; i < s->grid.out_count; i++)
        store_rest(step_buffer(p, i), packed_place(p, i) + begun * s->grid.out[i].size,
                   next_place(p, i));
    wn_end_copies();
}

int64_t wn_pack_past_caches(bound_stage *s) {
    worker *w = &s->workers[0];
    packing p = {.stage = s, .w = w, .room = s->room};
    w->dense = true;
    while (p.first < s->grid.total) {
        p.end = s->grid.total;
        if (w->dense) pack_steps(&p);
        int64_t first = p.first, found = p.found;
        p.end = least(first + MOVE_CHUNK, s->grid.total);
        wn_pack_range(&p);
        w->dense = is_dense(s, p.found - found, p.first - first);
    }
    return p.found;
}
