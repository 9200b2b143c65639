/*
 * pieces.c - PACK stages of large arrays and on threads: packed piece by piece, step by step, or share by share.
 *
 * On threads, each takes a piece of the space, and learns in turn where in the outputs what is selected of it goes. There are four ways:
 *
 *     copy    the piece is packed into the worker's memory, and copied while it is in the cache: so every piece is read before it, or one behind it,
 *             is written, and an output may lie on an input
 *     count   the mask is counted, which brings the piece to the second cache, and then packed straight to its place: for what has much to store
 *     hold    of what comes from memory, on processors that have to be asked for it ahead: packed step by step, and each step stored past the
 *             caches before the same step of the next piece is packed
 *     share   of what the caches hold, like count: but each thread has one share of the space, and before any is packed all threads count all
 *             shares but the last
 *
 * What no cache holds is packed by steps, and stored past the caches, if no output lies on an input. One thread alone needs no pieces.
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
#define PAGE ((int64_t)4096)
#define STEP_BYTES 2048 /* of the widest input; of all, twice as many */
#define STEPS_AHEAD 3 /* of several wide inputs, 2: more would be more than the first cache holds */

/* Bytes of an element: in all inputs and in the widest, in those that the mask is made of, in all outputs and in the widest. */
typedef struct element_bytes {
    int64_t in, widest_in, mask, out, widest_out;
} element_bytes;

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static element_bytes measure(const bound_stage *s) {
    const grid *g = &s->grid;
    element_bytes bytes = {.widest_in = 1, .widest_out = 1};
    for (uint32_t i = 0; i < g->out_count; i++) {
        bytes.out += g->out[i].size;
        bytes.widest_out = most(bytes.widest_out, g->out[i].size);
    }
    for (uint32_t i = 0; i < g->in_count; i++) {
        if (g->in[i].mode == OPERAND_SCALAR) continue;
        bytes.in += g->in[i].size;
        bytes.widest_in = most(bytes.widest_in, g->in[i].size);
        if (s->uses[i] & USE_MASK) bytes.mask += g->in[i].size;
    }
    return bytes;
}

/* As many elements as a page has room for, and two of all outputs; 0 if they are very many. */
static int64_t step_of_page(const element_bytes *bytes) {
    int64_t room = PAGE - KERNEL_LINE,
            step = least(room / bytes->widest_out, 2 * room / (1 + bytes->out)) - KERNEL_WORD;
    return step < KERNEL_WORD ? 0 : step & -KERNEL_WORD;
}

static void choose_step(const wn_binding *b, bound_stage *s) {
    if (!wn_grid_reads_directly(&s->grid, 0) || !wn_packs_directly(s)) return;
    element_bytes bytes = measure(s);
    if (b->kernel->target.amd) {
        s->step = step_of_page(&bytes);
        return;
    }
    if (bytes.widest_in > 4) return; /* packing these takes as long as their lines take to come */
    s->step = least(STEP_BYTES / bytes.widest_in, 2 * STEP_BYTES / (1 + bytes.in)) & -KERNEL_WORD;
    s->steps_ahead = bytes.in > 2 * 4 ? STEPS_AHEAD - 1 : STEPS_AHEAD;
}

/* ---- A worker's memory ----------------------------------------------------------------------------------------------------- */

/*
 * Each output has chunks there, one for each step of a piece, or one for all of it. What a chunk holds begins behind a line, where the writer
 * puts what the chunk before lacked to fill one; full-width stores may run past its end. A chunk that fits a page lies within one: on a Zen 4 a
 * step takes twice as long if it crosses a border.
 */
static void lay_chunks(bound_stage *s, int64_t elements, int64_t count) {
    int64_t at = 0;
    for (uint32_t i = 0; i < s->grid.out_count; i++) {
        bound_output *out = &s->outputs[i];
        int64_t bytes = KERNEL_LINE + (elements + KERNEL_WORD) * s->grid.out[i].size, size = KERNEL_LINE;
        while (size < bytes)
            size = size < PAGE ? 2 * size : size + PAGE;
        at = round_up(at, least(size, PAGE));
        out->chunk_at = at + KERNEL_LINE;
        out->chunk_bytes = size;
        at += count * size;
    }
    s->piece_buffer = s->grid.buffers;
    s->chunks_bytes = at;
    s->counts_bytes = round_up(count * (int64_t)sizeof(int64_t), KERNEL_LINE);
    s->grid.buffers += (size_t)(PAGE + at + s->counts_bytes) + s->grid.out_count * sizeof(line_writer);
}

static char *chunks_of(const bound_stage *s, const worker *w) {
    char *at = w->buffers + s->piece_buffer;
    return at + -(uintptr_t)at % PAGE;
}

static char *chunk_place(const bound_stage *s, const worker *w, int64_t chunk, uint32_t output) {
    const bound_output *out = &s->outputs[output];
    return chunks_of(s, w) + out->chunk_at + chunk * out->chunk_bytes;
}

/* By chunk: how many elements it holds. */
static int64_t *counts_of(const bound_stage *s, const worker *w) {
    return (int64_t *)(void *)(chunks_of(s, w) + s->chunks_bytes);
}

/* ---- Whole lines past the caches ------------------------------------------------------------------------------------------- */

/* By output. */
static line_writer *writers_of(const bound_stage *s, const worker *w) {
    return (line_writer *)(void *)(chunks_of(s, w) + s->chunks_bytes + s->counts_bytes);
}

/* From element `at` of the outputs on. */
static void begin_writing(const bound_stage *s, const worker *w, int64_t at) {
    for (uint32_t i = 0; i < s->grid.out_count; i++)
        writers_of(s, w)[i] =
            (line_writer){.to = (char *)s->outputs[i].array->data + at * s->grid.out[i].size};
}

/* What begins within a line of the output's fills that first, through the caches: nothing waits then. The last line waits for what comes next. */
static void write_bytes(line_writer *l, char *from, int64_t bytes) {
    int64_t head = least((int64_t)(-(uintptr_t)l->to % KERNEL_LINE), bytes);
    if (head) memcpy(l->to, from, (size_t)head);
    l->to += head;
    from += head - l->waiting;
    bytes -= head - l->waiting;
    memcpy(from, l->line, (size_t)l->waiting);
    int64_t whole = bytes & -KERNEL_LINE;
    wn_copy_lines(l->to, from, (size_t)whole);
    l->to += whole;
    l->waiting = bytes - whole;
    memcpy(l->line, from + whole, (size_t)l->waiting);
}

static void write_chunk(const bound_stage *s, const worker *w, int64_t chunk, int64_t count) {
    for (uint32_t i = 0; i < s->grid.out_count; i++)
        write_bytes(&writers_of(s, w)[i], chunk_place(s, w, chunk, i), count * s->grid.out[i].size);
}

static void end_writing(const bound_stage *s, const worker *w) {
    for (uint32_t i = 0; i < s->grid.out_count; i++) {
        line_writer *l = &writers_of(s, w)[i];
        memcpy(l->to, l->line, (size_t)l->waiting);
        l->waiting = 0;
    }
    wn_end_copies();
}

/* ---- Step by step -------------------------------------------------------------------------------------------------------- */

static void begin_steps(const packing *p) {
    const bound_stage *s = p->stage;
    if (p->end - p->first >= s->step) wn_grid_point(&s->grid, p->w, 0, p->first, s->step);
}

/* Pack the next step into a chunk; how many elements. */
static int64_t pack_step(packing *p, int64_t chunk) {
    const bound_stage *s = p->stage;
    const grid *g = &s->grid;
    worker *w = p->w;
    int64_t step = s->step;
    kernel_cursor cursor = {.room = step + KERNEL_WORD, .base = p->first, .looks = w->way == PACK_LOOKING};
    for (uint32_t i = 0; s->steps_ahead && i < g->in_count; i++)
        if (g->in[i].mode == OPERAND_DIRECT)
            wn_prefetch((uintptr_t)w->in[i] + (uintptr_t)operand_bytes(&g->in[i], s->steps_ahead * step),
                        operand_bytes(&g->in[i], step));
    for (uint32_t i = 0; i < g->out_count; i++)
        w->out[i] = chunk_place(s, w, chunk, i);
    s->fused(w->in, w->out, NULL, step, &cursor);
    for (uint32_t i = 0; i < g->in_count; i++)
        if (g->in[i].mode == OPERAND_DIRECT)
            w->in[i] = (const char *)w->in[i] + operand_bytes(&g->in[i], step);
    p->first += step;
    p->uniform += cursor.uniform;
    return cursor.position;
}

static bool is_dense(const bound_stage *s, int64_t found, int64_t n) {
    return found > n / s->move_one_in;
}

/* Go on as suits the last n elements, of which `found` were true, and which were steps. */
static void learn(packing *p, int64_t found, int64_t n) {
    if (n == 0) return;
    wn_learn_way(p->stage, p->w, found, p->uniform, n);
    p->w->dense = is_dense(p->stage, found, n);
    p->uniform = 0;
}

/* As long as there is room and something to store. */
static void pack_steps(packing *p) {
    const bound_stage *s = p->stage;
    worker *w = p->w;
    int64_t begun = p->position, chunk = p->first, before = p->position;
    begin_steps(p);
    begin_writing(s, w, p->offset + p->position);
    while (w->dense && p->end - p->first >= s->step) {
        int64_t first = p->first, uniform = p->uniform, found = pack_step(p, 0);
        if (found > p->room - p->position) {
            p->first = first;
            p->uniform = uniform;
            break;
        }
        write_chunk(s, w, 0, found);
        p->position += found;
        if (p->first - chunk < MOVE_CHUNK) continue;
        learn(p, p->position - before, p->first - chunk);
        chunk = p->first;
        before = p->position;
    }
    learn(p, p->position - before, p->first - chunk);
    p->found += p->position - begun;
    end_writing(s, w);
}

/* ---- Piece by piece ------------------------------------------------------------------------------------------------------ */

/* A piece, and what is packed of it, stay in a core's second cache from one reading of it to the other, and from its packing to its copying. */
#define PIECE_BYTES ((int64_t)256 << 10)
/* Of a byte a second time, on a Zen 4: x[x < 0] of which half are true is just worth counting, x[m] of which a tenth are not. */
#define STORING_COST 9
#define EVALUATING_COST 4
/* So many a thread at least, so that none is left waiting for the last. */
#define PIECES_PER_WORKER 8

void wn_pieces_prepare(const wn_binding *b, bound_stage *s, int32_t workers, bool apart) {
    element_bytes bytes = measure(s);
    s->in_caches = !wn_exceeds_caches(b, s);
    if (apart && !s->in_caches) choose_step(b, s);
    s->may_count = apart && !s->steps_ahead && wn_packs_directly(s) &&
                   wn_grid_reads_directly(&s->grid, USE_MASK);
    s->counts_first = s->may_count;
    int64_t unit = s->step ? s->step : s->grid.block,
            piece = s->may_count ? 2 * PIECE_BYTES : PIECE_BYTES;
    int64_t size =
        least(piece / (1 + bytes.in + bytes.out), s->grid.total / (PIECES_PER_WORKER * workers));
    s->piece = size < unit ? unit : size - size % unit;
    s->mask_bytes = bytes.mask;
    s->output_bytes = bytes.out;
    if (s->step)
        lay_chunks(s, s->step, s->piece / s->step);
    else
        lay_chunks(s, s->piece, 1);
}

typedef struct pieces {
    bound_stage *stage;
    int64_t room;
    running_sum found;
} pieces;

/* The next chunk of the piece that a worker holds, to its place. */
static void write_held(const bound_stage *s, worker *w) {
    held_piece *h = &w->held;
    if (h->written == h->chunks) return;
    write_chunk(s, w, h->written, counts_of(s, w)[h->written]);
    if (++h->written == h->chunks) end_writing(s, w);
}

static void write_all_held(const bound_stage *s, worker *w) {
    while (w->held.written < w->held.chunks)
        write_held(s, w);
}

/* Before a step is packed into a chunk, what the piece before left there is written. What is not packed by steps is the last chunk. */
static void pack_with_held(packing *p) {
    const bound_stage *s = p->stage;
    worker *w = p->w;
    int64_t begun = p->first, *counts = counts_of(s, w);
    begin_steps(p);
    while (w->dense && p->end - p->first >= s->step) {
        write_held(s, w);
        counts[p->chunk] = pack_step(p, p->chunk);
        p->found += counts[p->chunk++];
    }
    learn(p, p->found, p->first - begun);
    write_all_held(s, w);
    if (p->first < p->end) {
        wn_pack_range(p);
        counts[p->chunk++] = p->position;
    }
    w->dense = is_dense(s, p->found, p->end - begun);
}

/* Counting brings a piece to the second cache, and tells where in the outputs it goes. Then it is packed straight to there, no more than was
   counted. */
static int64_t count_and_pack(pieces *all, int64_t task, packing *p) {
    int64_t begun = p->first, found = wn_count_range(p->stage, p->w, p->first, p->end, NULL),
            before = wn_add_in_turn(&all->found, task, found);
    write_all_held(p->stage, p->w);
    if (before + found > all->room) return found;
    p->piece = NULL;
    p->offset = before;
    p->room = found;
    if (p->stage->step && found) pack_steps(p);
    if (p->first < p->end && found) wn_pack_range(p);
    p->w->dense = is_dense(p->stage, found, p->end - begun);
    return found;
}

static int64_t pack_and_hold(pieces *all, int64_t task, packing *p) {
    pack_with_held(p);
    int64_t before = wn_add_in_turn(&all->found, task, p->found);
    if (before + p->found > all->room) return p->found;
    p->w->held = (held_piece){.chunks = p->chunk};
    begin_writing(p->stage, p->w, before);
    return p->found;
}

static int64_t pack_and_copy(pieces *all, int64_t task, packing *p) {
    wn_pack_range(p);
    int64_t before = wn_add_in_turn(&all->found, task, p->found);
    bool fits = before + p->found <= all->room;
    for (uint32_t i = 0; fits && p->found && i < p->stage->grid.out_count; i++)
        wn_store_packed(p->stage, i, packed_place(p, i), before, p->found);
    return p->found;
}

/* Whether storing what was found a second time takes longer than evaluating the mask of n elements a second time. */
static bool pays_to_count(const bound_stage *s, int64_t found, int64_t n) {
    return s->may_count && STORING_COST * found * s->output_bytes >= EVALUATING_COST * n * s->mask_bytes;
}

static void pack_piece(void *user, int64_t task, int32_t number) {
    pieces *all = user;
    const bound_stage *s = all->stage;
    worker *w = &all->stage->workers[number];
    int64_t first = task * s->piece, end = least(first + s->piece, s->grid.total);
    packing p = {.stage = s, .w = w, .piece = chunks_of(s, w), .first = first, .end = end};
    p.room = s->piece + KERNEL_WORD;
    int64_t found = w->counts_first ? count_and_pack(all, task, &p)
                    : s->step       ? pack_and_hold(all, task, &p)
                                    : pack_and_copy(all, task, &p);
    w->counts_first = pays_to_count(s, found, end - first);
}

static int64_t pack_in_pieces(const wn_binding *b, bound_stage *s) {
    pieces all = {.stage = s, .room = s->room};
    for (int32_t i = 0; i < s->worker_count; i++) {
        s->workers[i].held = (held_piece){0};
        s->workers[i].dense = true;
        s->workers[i].counts_first = s->counts_first;
    }
    wn_parallel(b->kernel->context, (s->grid.total + s->piece - 1) / s->piece, pack_piece, &all);
    for (int32_t i = 0; i < s->worker_count; i++)
        write_all_held(s, &s->workers[i]);
    return all.found.sum;
}

/* ---- Share by share -------------------------------------------------------------------------------------------------------- */

typedef struct shares {
    bound_stage *stage;
    int64_t *before; /* by part of a share, how many are true; later, by share, how many are before it */
    int64_t found; /* in the last share */
} shares;

/* Where a share begins: with a word. */
static int64_t share_begin(const bound_stage *s, int64_t share) {
    return s->grid.total / KERNEL_WORD * share / s->worker_count * KERNEL_WORD;
}

static void count_part(void *user, int64_t task, int32_t number) {
    const shares *all = user;
    const bound_stage *s = all->stage;
    int64_t share = task / PARTS_PER_WORKER, first = share_begin(s, share),
            end = share_begin(s, share + 1),
            part = round_up((end - first + PARTS_PER_WORKER - 1) / PARTS_PER_WORKER, KERNEL_WORD);
    first += task % PARTS_PER_WORKER * part;
    end = least(end, first + part);
    all->before[task] = first < end ? wn_count_range(s, &s->workers[number], first, end, NULL) : 0;
}

/* A share's room is what was counted of it; that of the last one, which is not counted, is what is left. */
static void pack_share(void *user, int64_t task, int32_t number) {
    shares *all = user;
    const bound_stage *s = all->stage;
    bool is_last = task == s->worker_count - 1;
    packing p = {.stage = s, .w = &s->workers[number], .first = share_begin(s, task)};
    p.end = is_last ? s->grid.total : share_begin(s, task + 1);
    p.offset = least(all->before[task], s->room);
    p.room = (is_last ? s->room : least(all->before[task + 1], s->room)) - p.offset;
    if (is_last || p.room) wn_pack_range(&p);
    if (is_last) all->found = p.found;
}

static int64_t pack_in_shares(const wn_binding *b, bound_stage *s) {
    shares all = {.stage = s, .before = s->parts.data};
    int64_t last = s->worker_count - 1, before = 0;
    wn_parallel(b->kernel->context, last * PARTS_PER_WORKER, count_part, &all);
    for (int64_t i = 0; i < last; i++) {
        int64_t found = 0;
        for (int64_t k = 0; k < PARTS_PER_WORKER; k++)
            found += all.before[i * PARTS_PER_WORKER + k];
        all.before[i] = before;
        before += found;
    }
    all.before[last] = before;
    wn_parallel(b->kernel->context, s->worker_count, pack_share, &all);
    return before + all.found;
}

int64_t wn_pack_on_threads(const wn_binding *b, bound_stage *s) {
    bool in_shares = s->counts_first && s->in_caches;
    int64_t found = in_shares ? pack_in_shares(b, s) : pack_in_pieces(b, s), n = s->grid.total;
    s->counts_first = pays_to_count(s, found, s->in_caches ? n - n / s->worker_count : n);
    return found;
}

/* ---- One thread, past the caches --------------------------------------------------------------------------------------- */

void wn_steps_prepare(const wn_binding *b, bound_stage *s) {
    choose_step(b, s);
    s->piece = s->step;
    if (s->step) lay_chunks(s, s->step, 1);
}

int64_t wn_pack_past_caches(bound_stage *s) {
    worker *w = &s->workers[0];
    packing p = {.stage = s, .w = w, .room = s->room};
    w->dense = true;
    while (p.first < s->grid.total) {
        p.end = s->grid.total;
        if (w->dense && p.found <= p.room) pack_steps(&p);
        int64_t first = p.first, found = p.found;
        p.end = least(first + MOVE_CHUNK, s->grid.total);
        wn_pack_range(&p);
        w->dense = is_dense(s, p.found - found, p.first - first);
    }
    return p.found;
}
