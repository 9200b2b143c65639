/*
 * mask.c - the counting of masks, and PACK stages: the elements where a mask is true, moved together.
 *
 * Where every output is the caller's, one pass does all: mask, pack, store, word by word, as long as there is room for a whole word. On threads,
 * and past the caches, there are other ways (pieces.c).
 * Else the mask is counted into a bitmap, outputs are allocated exactly, and a second pass reads the bitmap. Both passes end
 * in the same way: what is near the end of the room, or not a whole word, or not contiguous, is packed into a buffer and
 * copied from there.
 *
 * Invariant: what is written follows from the bits of a bitmap that is ours, or from the room that the kernel was told; the mask in
 * memory may change under us and only makes the result meaningless.
 */
#include "run/array.h"
#include "run/move.h"
#include "run/packing.h"
#include "run/threads.h"

#include <string.h>

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t count_bits(const uint64_t *words, int64_t count) {
    int64_t bits = 0;
    for (int64_t i = 0; i < count; i++)
        bits += __builtin_popcountll(words[i]);
    return bits;
}

/* ---- Counting ---------------------------------------------------------------------------------------------------------- */

static const grid *mask_grid(const bound_stage *s) {
    return stage_has_rows(s->plan) ? &s->mask : &s->grid;
}

static uint8_t mask_uses(const bound_stage *s) {
    return stage_has_rows(s->plan) ? 0 : USE_MASK;
}

/* Count elements that w->in points at: whole words, or less than one, whose bits past the end are cleared. */
static int64_t count_pointed(const bound_stage *s, const worker *w, int64_t first, int64_t count,
                             uint64_t *words) {
    kernel_cursor cursor = {.base = first};
    int64_t found = s->count(w->in, w->out, words, round_up(count, KERNEL_WORD), &cursor);
    int64_t rest = count % KERNEL_WORD;
    if (rest == 0) return found;
    words[0] &= ((uint64_t)1 << rest) - 1;
    return __builtin_popcountll(words[0]);
}

int64_t wn_count_range(const bound_stage *s, worker *w, int64_t first, int64_t end, uint64_t *words) {
    const grid *g = mask_grid(s);
    bool directly = words && wn_grid_reads_directly(g, mask_uses(s));
    int64_t found = 0;
    wn_grid_begin(g, w);
    while (first < end) {
        int64_t count = grid_next_count(g, directly, first, end);
        wn_grid_point(g, w, mask_uses(s), first, count);
        found += count_pointed(s, w, first, count, words ? words + first / KERNEL_WORD : w->words);
        first += count;
    }
    return found;
}

/* A run cut into parts for threads: whole blocks; how many are true in each. */
typedef struct parts {
    bound_stage *stage;
    bool keep; /* the bits */
    int64_t size, total;
    int64_t *found; /* by part; later, by part, how many are before it */
    const uint64_t *words;
} parts;

static parts cut_parts(bound_stage *s, const grid *g, bool keep) {
    parts p = {.stage = s, .keep = keep, .total = g->total, .found = s->parts.data};
    p.size = round_up(g->total / (PARTS_PER_WORKER * s->worker_count) + 1, g->block);
    return p;
}

static int64_t part_count(const parts *p) {
    return (p->total + p->size - 1) / p->size;
}

static void count_part(void *user, int64_t task, int32_t number) {
    const parts *p = user;
    bound_stage *s = p->stage;
    int64_t first = task * p->size;
    p->found[task] = wn_count_range(s, &s->workers[number], first, least(first + p->size, p->total),
                                    p->keep ? s->bitmap.data : NULL);
}

static int64_t count_in_parts(const wn_binding *b, bound_stage *s, bool keep) {
    parts p = cut_parts(s, mask_grid(s), keep);
    int64_t found = 0;
    wn_parallel(b->kernel->context, part_count(&p), count_part, &p);
    for (int64_t i = 0; i < part_count(&p); i++)
        found += p.found[i];
    return found;
}

static void begin_run(bound_stage *s) {
    for (int32_t i = 0; i < s->worker_count; i++)
        s->workers[i].filled = false;
}

int64_t wn_mask_count(const wn_binding *b, bound_stage *s, bool keep) {
    int64_t total = mask_grid(s)->total;
    begin_run(s);
    if (total == 0) return 0;
    if (s->worker_count > 1 && total >= b->kernel->context->parallel_least)
        return count_in_parts(b, s, keep);
    return wn_count_range(s, &s->workers[0], 0, total, keep ? s->bitmap.data : NULL);
}

wn_status wn_mask_announce(wn_binding *b, const bound_stage *s, int64_t n_true, wn_error *error) {
    int64_t *known = &b->now.symbols[s->plan->count_symbol];
    if (*known >= 0 && *known != n_true)
        return wn_fail(error, WN_ERROR_ARGUMENT,
                       "run: a mask changed while it was read: %lld true, then %lld",
                       (long long)*known, (long long)n_true);
    *known = n_true;
    return WN_OK;
}

wn_status wn_mask_find(wn_binding *b, bound_stage *s, wn_error *error) {
    s->n_true = s->plan->owns_mask ? wn_mask_count(b, s, true) : b->stages[s->plan->mask_stage].n_true;
    return wn_mask_announce(b, s, s->n_true, error);
}

/* ---- Coordinates ------------------------------------------------------------------------------------------------------- */

/* Row-major indices, ascending, as rows of coordinates: divided anew only where one leaves the line of the one before. */
static void store_coordinates(char *to, const wn_array *a, const int64_t *index, int64_t count,
                              const int64_t *dims, int rank) {
    int64_t line[WN_MAX_RANK] = {0}, length = dims[rank - 1], begin = 0;
    for (int64_t i = 0; i < count; i++, to += a->strides[0]) {
        if (index[i] - begin >= length || i == 0) {
            int64_t rest = index[i] / length;
            begin = rest * length;
            for (int axis = rank - 1; axis-- > 0; rest /= dims[axis])
                line[axis] = rest % dims[axis];
        }
        line[rank - 1] = index[i] - begin;
        for (int axis = 0; axis < rank; axis++)
            memcpy(to + axis * a->strides[1], &line[axis], sizeof *line);
    }
}

/* ---- Packing ----------------------------------------------------------------------------------------------------------- */

static bool is_full(const packing *p) {
    return p->found > p->room;
}

/* The bits of a block, and how many are set. Its streams are pointed at, if there is anything to do. */
static int64_t find_bits(const packing *p, int64_t first, int64_t count, const uint64_t **words) {
    const bound_stage *s = p->stage;
    if (!p->words) {
        *words = p->w->words;
        wn_grid_point(&s->grid, p->w, is_full(p) ? USE_MASK : 0, first, count);
        return count_pointed(s, p->w, first, count, p->w->words);
    }
    *words = p->words + first / KERNEL_WORD;
    int64_t found = count_bits(*words, round_up(count, KERNEL_WORD) / KERNEL_WORD);
    if (found) wn_grid_point(&s->grid, p->w, USE_VALUES, first, count);
    return found;
}

/* Elements whose bits are found before they are moved, if all is read in place. */
#define MOVE_BLOCK 16384

void wn_moves_prepare(const wn_binding *b, bound_stage *s) {
    size_t widest = 1;
    s->may_move = stage_moves_elements(s->plan);
    for (uint32_t i = 0; s->may_move && i < s->plan->output_count; i++) {
        const operand *from = &s->grid.in[s->plan->program.values[s->plan->outputs[i].value].number];
        s->outputs[i].source = (uint32_t)(from - s->grid.in);
        s->may_move &= from->mode == OPERAND_DIRECT;
        if (from->size > widest) widest = from->size;
    }
    s->move_one_in = move_one_in(&b->kernel->target, widest, s->grid.total);
    s->move_block = wn_grid_reads_directly(&s->grid, 0) ? MOVE_BLOCK : s->grid.block;
}

static bool pays_to_move(const bound_stage *s, int64_t found, int64_t n) {
    return s->may_move && found <= n / s->move_one_in;
}

/*
 * Looking at a word pays if the branch is foreseen, for one that is not takes as long as packing a word. So much is saved if at most one in 8
 * is mixed; where moving is the other way, one in 20, and from memory, where loads then wait for the branch, one in 64.
 */
static bool pays_to_look(const bound_stage *s, bool moves, int64_t mixed, int64_t words) {
    int64_t one_in = !moves ? 8 : s->grid.total < MOVE_NEAR ? 20 : 64;
    return s->may_move && one_in * mixed <= words;
}

/* If at most one in 16 is uniform, nothing is lost. In between words are not looked at for the next 16 calls, of a block or a chunk each. */
#define UNIFORM_ONE_IN 16
#define CALLS_WITHOUT_LOOK 16

/* A mask that is computed has no words to look at. */
void wn_learn_way(const bound_stage *s, worker *w, int64_t found, int64_t uniform, int64_t n) {
    bool moves = pays_to_move(s, found, n);
    int64_t words = n / KERNEL_WORD;
    if (!s->may_move || n == 0 || !stage_mask_is_bools(s->plan))
        w->way = moves && n ? PACK_MOVING : PACK_WORDS;
    else if (pays_to_look(s, moves, words - uniform, words))
        w->way = PACK_LOOKING;
    else if (moves)
        w->way = PACK_MOVING;
    else if (w->way == PACK_LOOKING && UNIFORM_ONE_IN * uniform > words)
        w->way = PACK_WORDS, w->unlooked = CALLS_WITHOUT_LOOK;
    else if (w->way == PACK_LOOKING || --w->unlooked <= 0)
        w->way = PACK_LOOKING, w->unlooked = 0;
    else
        w->way = PACK_WORDS;
}

/* Block by block, as long as there is little to do, but not next to nothing; how many elements were taken. A bitmap was found to be of this kind as a whole. */
static int64_t move_blocks(packing *p, int64_t first, int64_t count) {
    const bound_stage *s = p->stage;
    const grid *g = &s->grid;
    int64_t taken = 0;
    while (taken < count) {
        int64_t now = least(count - taken, s->move_block), moved = 0, mixed = 0;
        const uint64_t *words = p->words ? p->words + (first + taken) / KERNEL_WORD : NULL;
        if (!words) {
            int64_t found = find_bits(p, first + taken, now, &words);
            if (!pays_to_move(s, found, now) || found > p->room - p->position) break;
        }
        for (uint32_t i = 0; i < g->out_count; i++) {
            const operand *from = &g->in[s->outputs[i].source];
            moved = wn_move_selected(from->size, packed_place(p, i) + p->position * from->size,
                                     p->room - p->position, from->data + (first + taken) * from->size,
                                     words, round_up(now, KERNEL_WORD) / KERNEL_WORD, &mixed);
        }
        p->position += moved;
        p->found += moved;
        taken += now;
        if (p->words) continue;
        wn_learn_way(s, p->w, moved, now / KERNEL_WORD - mixed, now);
        if (p->w->way != PACK_MOVING) break;
    }
    return taken;
}

/* Whole words straight into the outputs, as long as there is room for whole words; how many elements were taken. */
static int64_t pack_directly(packing *p, int64_t first, int64_t count) {
    const bound_stage *s = p->stage;
    int64_t taken = p->w->way == PACK_MOVING ? move_blocks(p, first, count) : 0;
    if (taken) return taken;
    if (s->may_move && !p->words) count = least(count, MOVE_CHUNK);
    const grid *g = &s->grid;
    kernel_cursor cursor = {
        .position = p->position, .room = p->room, .base = first, .looks = p->w->way == PACK_LOOKING};
    wn_grid_point(g, p->w, p->words ? USE_VALUES : 0, first, count);
    for (uint32_t i = 0; i < g->out_count; i++)
        p->w->out[i] = packed_place(p, i);
    if (p->words) {
        uint64_t *words = (uint64_t *)(uintptr_t)(p->words + first / KERNEL_WORD); /* only read */
        taken = s->scatter(p->w->in, p->w->out, words, count, &cursor);
    } else {
        taken = s->fused(p->w->in, p->w->out, NULL, count, &cursor);
    }
    int64_t found = cursor.position - p->position;
    p->found += found;
    p->position = cursor.position;
    if (!p->words) wn_learn_way(s, p->w, found, cursor.uniform, taken);
    return taken;
}

/* The array's own length is not known yet. */
static void put_packed(const wn_array *a, const char *from, int64_t at, int64_t count) {
    wn_array so_far = *a;
    so_far.shape[0] = at + count;
    wn_array_put(&so_far, from, at, count);
}

void wn_store_packed(const bound_stage *s, uint32_t i, const char *from, int64_t at, int64_t count) {
    const wn_array *a = s->outputs[i].array;
    uint8_t size = s->grid.out[i].size;
    if (s->outputs[i].contiguous)
        memcpy((char *)a->data + at * size, from, (size_t)(count * size));
    else if (s->plan->outputs[i].coordinates)
        store_coordinates((char *)a->data + at * a->strides[0], a,
                          (const int64_t *)(const void *)from, count, s->dims, s->plan->program.rank);
    else
        put_packed(a, from, at, count);
}

/* Packed elements from the buffers to their places. */
static void store_block(packing *p, int64_t count) {
    const bound_stage *s = p->stage;
    for (uint32_t i = 0; i < s->grid.out_count; i++) {
        int64_t size = s->grid.out[i].size;
        if (p->piece)
            memcpy(packed_place(p, i) + p->position * size, p->w->out[i], (size_t)(count * size));
        else
            wn_store_packed(s, i, p->w->out[i], p->offset + p->position, count);
    }
    p->position += count;
}

/* At most a block, by way of the buffers. Without a bitmap the mask is evaluated once more; what lies past the end of the last
   word is packed last, and left behind. */
static void pack_block(packing *p, int64_t first, int64_t count) {
    const bound_stage *s = p->stage;
    const grid *g = &s->grid;
    const uint64_t *words;
    int64_t found = find_bits(p, first, count, &words);
    p->found += found;
    if (found == 0 || is_full(p)) return;
    kernel_cursor cursor = {.room = g->block, .base = first};
    for (uint32_t i = 0; i < g->out_count; i++)
        p->w->out[i] = p->w->buffers + g->out[i].buffer;
    kernel_fn pack = p->words ? s->scatter : s->fused;
    pack(p->w->in, p->w->out, (uint64_t *)(uintptr_t)words, round_up(count, KERNEL_WORD), &cursor);
    store_block(p, found);
}

static bool stores_directly(const bound_stage *s) {
    for (uint32_t i = 0; i < s->grid.out_count; i++)
        if (!s->outputs[i].contiguous) return false;
    return true;
}

bool wn_packs_directly(const bound_stage *s) {
    for (uint32_t i = 0; i < s->grid.out_count; i++)
        if (!s->outputs[i].given) return false;
    return stores_directly(s);
}

void wn_pack_range(packing *p) {
    const grid *g = &p->stage->grid;
    bool stored = p->piece || stores_directly(p->stage),
         read = wn_grid_reads_directly(g, p->words ? USE_VALUES : 0);
    wn_grid_begin(g, p->w);
    while (p->first < p->end) {
        int64_t count = grid_next_count(g, read, p->first, p->end), taken = 0;
        bool fits = p->w->way == PACK_MOVING || p->room - p->position >= KERNEL_WORD;
        if (stored && count >= KERNEL_WORD && fits && !is_full(p))
            taken = pack_directly(p, p->first, count);
        p->first += taken;
        if (taken) continue;
        count = grid_next_count(g, false, p->first, p->end);
        pack_block(p, p->first, count);
        p->first += count;
    }
}

/* ---- One pass ---------------------------------------------------------------------------------------------------------- */

static wn_status make_targets(wn_binding *b, bound_stage *s, wn_error *error) {
    for (uint32_t i = 0; i < s->plan->output_count; i++) {
        const plan_output *o = &s->plan->outputs[i];
        TRY(wn_target_make(b, o, error));
        if (!s->outputs[i].given)
            s->outputs[i].contiguous = !o->coordinates || s->outputs[i].array->shape[1] == 1;
    }
    return WN_OK;
}

static int64_t pack_alone(bound_stage *s, int64_t first, int64_t found) {
    packing p = {.stage = s, .w = &s->workers[0], .first = first, .end = s->grid.total, .room = s->room};
    p.position = p.found = found;
    if (first < p.end) wn_pack_range(&p);
    return p.found;
}

/* All is in place: what is left to do is to say how many there are. */
wn_status wn_pack_directly(wn_binding *b, uint32_t stage, wn_error *error) {
    bound_stage *s = &b->stages[stage];
    worker *w = &s->workers[0];
    kernel_cursor cursor = {.room = s->room, .looks = w->way == PACK_LOOKING};
    int64_t taken = 0, whole = s->grid.total & -KERNEL_WORD;
    if (w->way != PACK_MOVING) {
        if (s->may_move) whole = least(whole, MOVE_CHUNK);
        taken = s->fused(s->in, s->out, NULL, whole, &cursor);
        wn_learn_way(s, w, cursor.position, cursor.uniform, taken);
    }
    int64_t found = cursor.position;
    if (taken < s->grid.total) found = pack_alone(s, taken, found);
    s->n_true = b->now.symbols[s->plan->count_symbol] = found;
    if (found > s->room) return make_targets(b, s, error);
    for (uint32_t i = 0; i < s->grid.out_count; i++)
        s->outputs[i].array->shape[0] = found;
    return WN_OK;
}

static wn_status pack_in_one_pass(wn_binding *b, bound_stage *s, wn_error *error) {
    begin_run(s);
    s->n_true = !s->piece              ? pack_alone(s, 0, 0)
                : s->worker_count == 1 ? wn_pack_past_caches(s)
                                       : wn_pack_on_threads(b, s);
    TRY(wn_mask_announce(b, s, s->n_true, error));
    return make_targets(b, s, error);
}

/* ---- Two passes ------------------------------------------------------------------------------------------------------------ */

static void pack_part(void *user, int64_t task, int32_t number) {
    const parts *p = user;
    int64_t first = task * p->size,
            last = task + 1 < part_count(p) ? p->found[task + 1] : p->stage->n_true;
    packing own = {.stage = p->stage, .w = &p->stage->workers[number], .words = p->words, .first = first};
    own.end = least(first + p->size, p->total);
    own.offset = p->found[task];
    own.room = last - own.offset;
    wn_pack_range(&own);
}

/* Each part has its place in the outputs, and exactly the room that its bits take. */
static void pack_in_parts(const wn_binding *b, bound_stage *s) {
    parts p = cut_parts(s, &s->grid, true);
    int64_t before = 0;
    p.words = mask_words(b, s);
    for (int64_t i = 0; i < part_count(&p); i++) {
        int64_t first = i * p.size / KERNEL_WORD,
                end = round_up(least((i + 1) * p.size, p.total), KERNEL_WORD) / KERNEL_WORD;
        p.found[i] = before;
        before += count_bits(p.words + first, end - first);
    }
    wn_parallel(b->kernel->context, part_count(&p), pack_part, &p);
}

#define SAMPLE 256

/* From some words of all over, an odd number apart, since masks of rows repeat after an even one. */
static pack_way way_of_bitmap(const bound_stage *s, const uint64_t *words) {
    int64_t count = s->grid.total / KERNEL_WORD, distance = count / SAMPLE | 1, mixed = 0;
    for (int64_t k = 0; k < count; k += distance)
        mixed += words[k] + 1 >= 2;
    bool moves = pays_to_move(s, s->n_true, s->grid.total);
    if (pays_to_look(s, moves, mixed * distance, count)) return PACK_LOOKING;
    return moves ? PACK_MOVING : PACK_WORDS;
}

static wn_status pack_in_two_passes(wn_binding *b, bound_stage *s, wn_error *error) {
    TRY(wn_mask_find(b, s, error));
    TRY(make_targets(b, s, error));
    begin_run(s);
    packing p = {
        .stage = s, .w = &s->workers[0], .words = mask_words(b, s), .end = s->grid.total, .room = s->n_true};
    if (s->n_true == 0) return WN_OK;
    pack_way way = way_of_bitmap(s, p.words);
    for (int32_t i = 0; i < s->worker_count; i++)
        s->workers[i].way = way;
    if (s->worker_count > 1) {
        pack_in_parts(b, s);
        return WN_OK;
    }
    wn_pack_range(&p);
    return WN_OK;
}

/* ---- The stage ------------------------------------------------------------------------------------------------------------- */

wn_status wn_pack_run(wn_binding *b, uint32_t stage, wn_error *error) {
    bound_stage *s = &b->stages[stage];
    bool one_pass = s->plan->owns_mask && !s->bitmap_wanted;
    return one_pass ? pack_in_one_pass(b, s, error) : pack_in_two_passes(b, s, error);
}
