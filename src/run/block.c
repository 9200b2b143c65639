/*
 * block.c - a space laid out for kernels (block.h): what is contiguous is read and stored where it lies, what repeats itself is laid out once a
 * run, all else block by block.
 */
#include "run/block.h"
#include "graph/bits.h"
#include "run/array.h"

#include <string.h>

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- Bits -------------------------------------------------------------------------------------------------------------- */

/* A walk over an array of bits, line by line, to or from bits side by side, or bools. */
typedef struct bit_walk {
    bool into_array;
    bits array, block; /* the array's first element, the block's next */
    int rank;
    const int64_t *dims, *strides;
} bit_walk;

/* Walk from row-major place `first` to the end of its line, or `count` elements; how many. */
static int64_t walk_bits(bit_walk *w, int64_t first, int64_t count) {
    bits line = w->array;
    int last = w->rank - 1;
    int64_t left = count;
    line.stride = w->rank ? w->strides[last] : 0;
    for (int i = last; i >= 0; first /= w->dims[i--]) {
        line.at += first % w->dims[i] * w->strides[i];
        if (i == last) left = least(count, w->dims[i] - first % w->dims[i]);
    }
    if (w->into_array)
        wn_bits_copy(line, w->block, left);
    else
        wn_bits_copy(w->block, line, left);
    w->block.at += left * w->block.stride;
    return left;
}

static void copy_bits(bit_walk *w, int64_t first, int64_t count) {
    for (int64_t now; count > 0; first += now, count -= now)
        now = walk_bits(w, first, count);
}

void wn_array_put(const wn_array *a, const char *from, int64_t first, int64_t count) {
    if (a->type != WN_BITMAP) {
        wn_scatter(NULL, a->data, from, (uint8_t)wn_type_size(a->type), a->rank, a->shape,
                   a->strides, first, count);
        return;
    }
    bit_walk w = {.into_array = true, .rank = a->rank, .dims = a->shape, .strides = a->strides};
    w.array = (bits){array_first(a), array_bit(a), 0};
    w.block = (bits){(char *)(uintptr_t)from, 0, 8}; /* only read */
    copy_bits(&w, first, count);
}

/* ---- Laying out -------------------------------------------------------------------------------------------------------- */

static bool has_strides(const operand *o) {
    return o->mode != OPERAND_SCALAR && o->mode != OPERAND_BUFFER;
}

static bool merges(const operand *o, int axis, int64_t length) {
    return !has_strides(o) ||
           (uint64_t)o->strides[axis] == (uint64_t)o->strides[axis + 1] * (uint64_t)length;
}

/* Whether every operand runs through axes `axis` and the next, of this length, as if they were one. */
static bool all_merge(const grid *g, int axis, int64_t length) {
    for (uint32_t i = 0; i < g->in_count; i++)
        if (!merges(&g->in[i], axis, length)) return false;
    for (uint32_t i = 0; i < g->out_count; i++)
        if (!merges(&g->out[i], axis, length)) return false;
    return true;
}

static void move_axis(grid *g, int to, int from) {
    g->dims[to] = g->dims[from];
    for (uint32_t i = 0; i < g->in_count; i++)
        g->in[i].strides[to] = g->in[i].strides[from];
    for (uint32_t i = 0; i < g->out_count; i++)
        g->out[i].strides[to] = g->out[i].strides[from];
}

static int64_t magnitude(int64_t n) {
    return n < 0 ? -n : n;
}

/* Bytes of an element of those operands whose elements lie further apart along axis `axis` + 1 than along `axis`, less those of the others. */
static int64_t vote_to_swap(const operand *all, uint32_t count, int axis) {
    int64_t votes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const operand *o = &all[i];
        if (!has_strides(o) || !o->strides[axis] || !o->strides[axis + 1]) continue;
        int64_t outer = magnitude(o->strides[axis]), inner = magnitude(o->strides[axis + 1]);
        votes += outer < inner ? o->size : outer > inner ? -o->size : 0;
    }
    return votes;
}

static void swap(int64_t *a, int64_t *b) {
    int64_t first = *a;
    *a = *b;
    *b = first;
}

static void swap_axes(grid *g, int axis) {
    swap(&g->dims[axis], &g->dims[axis + 1]);
    for (uint32_t i = 0; i < g->in_count; i++)
        swap(&g->in[i].strides[axis], &g->in[i].strides[axis + 1]);
    for (uint32_t i = 0; i < g->out_count; i++)
        swap(&g->out[i].strides[axis], &g->out[i].strides[axis + 1]);
}

/* Outer axes first, as outputs lie, if that suits most of the memory: so what is in another order throughout is read and stored in place. */
static void sort_axes(grid *g) {
    for (int sorted = 1; sorted < g->rank; sorted++)
        for (int k = sorted; k-- > 0;) {
            int64_t out = vote_to_swap(g->out, g->out_count, k);
            if (out <= 0 || out + vote_to_swap(g->in, g->in_count, k) <= 0) break;
            swap_axes(g, k);
        }
}

/* Drop axes of length 1, sort the others if that may be, then merge neighbours. */
static void collapse(grid *g) {
    int rank = 0;
    for (int i = 0; i < g->rank; i++)
        if (g->dims[i] != 1) move_axis(g, rank++, i);
    g->rank = rank;
    if (rank == 0) return;
    if (g->any_order && !wn_grid_has_bits(g)) sort_axes(g);
    int at = 0;
    for (int i = 1; i < rank; i++) {
        move_axis(g, at + 1, i);
        if (!all_merge(g, at, g->dims[at + 1])) {
            at++;
            continue;
        }
        int64_t length = g->dims[at];
        move_axis(g, at, at + 1);
        g->dims[at] *= length;
    }
    g->rank = at + 1;
}

/* The elements after which an operand repeats itself; 0: it does not. */
static int64_t find_period(const grid *g, const operand *o) {
    int64_t period = 1;
    int axis = 0;
    while (axis < g->rank && o->strides[axis] == 0)
        axis++;
    if (axis == 0) return 0;
    for (; axis < g->rank; axis++)
        if (__builtin_mul_overflow(period, g->dims[axis], &period)) return 0;
    return period;
}

static void choose_mode(const grid *g, operand *o) {
    if (!has_strides(o)) return;
    int64_t step = o->size ? o->size : 1;
    bool direct = g->rank == 0 || (g->rank == 1 && o->strides[0] == step);
    for (int64_t expected = step, i = g->rank; g->rank > 1 && i-- > 0; expected *= g->dims[i]) {
        direct = o->strides[i] == expected;
        if (!direct) break;
    }
    o->mode = direct ? OPERAND_DIRECT : OPERAND_STRIDED;
    o->period = direct ? 0 : find_period(g, o);
}

static int64_t common_multiple(int64_t a, int64_t b) {
    int64_t x = a, y = b;
    while (y) {
        int64_t rest = x % y;
        x = y;
        y = rest;
    }
    return a / x * b;
}

/* What is laid out once a run is as long as a block: a short run takes shorter blocks, and more of them. */
#define REPEATED_LEAST ((int64_t)1024)
#define REPEATED_BLOCKS 16

/* Operands that repeat themselves within a block are periodic. Blocks are multiples of as many periods as fit, so that in a run from the
   first element on each begins where a period does, and what is laid out stays aligned. */
static void use_periods(grid *g, int64_t quantum) {
    int64_t multiple = quantum, shorter = g->total / REPEATED_BLOCKS;
    bool any = false;
    if (shorter < REPEATED_LEAST) shorter = REPEATED_LEAST;
    for (uint32_t i = 0; i < g->in_count; i++) {
        operand *o = &g->in[i];
        if (o->mode != OPERAND_STRIDED || o->period == 0 || o->period > g->block) continue;
        if (g->tiled && o->period != 1) continue;
        int64_t both = common_multiple(multiple, o->period);
        if (both <= g->block) multiple = both;
        o->mode = OPERAND_PERIODIC;
        any = true;
    }
    if (any) g->block = least(g->block, round_up(shorter, multiple));
    g->block -= g->block % multiple;
}

/* Elements that are laid out of a periodic operand: a block, from any place of a period on. */
static int64_t repeated_length(const grid *g, const operand *o) {
    return g->block + o->period - 1;
}

static bool needs_block(const operand *o) {
    return o->mode == OPERAND_STRIDED || o->mode == OPERAND_PERIODIC || o->mode == OPERAND_BUFFER;
}

static int64_t block_bytes(const operand *all, uint32_t count) {
    int64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += needs_block(&all[i]) ? operand_bytes(&all[i], 1) : 0;
    return bytes;
}

static void place_buffers(grid *g, operand *all, uint32_t count, int64_t quantum) {
    for (uint32_t i = 0; i < count; i++) {
        operand *o = &all[i];
        o->buffer = g->buffers;
        if (o->mode == OPERAND_SCALAR) continue;
        int64_t elements = o->mode == OPERAND_PERIODIC ? repeated_length(g, o)
                           : needs_block(o)            ? g->block
                                                       : quantum;
        g->buffers += (size_t)round_up(operand_bytes(o, elements), 64);
        o->known = g->buffers;
        if (o->mode == OPERAND_STRIDED && o->size)
            g->buffers += (size_t)round_up(sizeof(shuffle), 64);
    }
}

void wn_grid_lay_out(grid *g, int64_t largest_block) {
    int64_t quantum = g->step > KERNEL_WORD ? g->step : KERNEL_WORD;
    if (g->total == 0) g->rank = 0; /* the lengths beside a 0 may be of any size */
    collapse(g);
    for (uint32_t i = 0; i < g->in_count; i++)
        choose_mode(g, &g->in[i]);
    for (uint32_t i = 0; i < g->out_count; i++) {
        choose_mode(g, &g->out[i]);
        if (g->out[i].bit && has_strides(&g->out[i]))
            g->out[i].mode = OPERAND_STRIDED; /* stores are whole bytes */
    }
    int64_t bytes = block_bytes(g->in, g->in_count) + block_bytes(g->out, g->out_count);
    g->direct = bytes == 0;
    g->block = least(largest_block, bytes ? BUFFER_BYTES / bytes : largest_block);
    if (g->total < g->block) g->block = round_up(g->total, quantum);
    g->block -= g->block % quantum;
    if (g->block < quantum) g->block = quantum;
    use_periods(g, quantum);
    g->buffers = 0;
    place_buffers(g, g->in, g->in_count, quantum);
    place_buffers(g, g->out, g->out_count, quantum);
}

/* ---- Running ----------------------------------------------------------------------------------------------------------- */

static void move_bits(const grid *g, const worker *w, const operand *o, int64_t first,
                      int64_t count, bool into_array) {
    bit_walk b = {.into_array = into_array, .rank = g->rank, .dims = g->dims, .strides = o->strides};
    b.array = (bits){o->data, o->bit, 0};
    b.block = (bits){w->buffers + o->buffer, 0, 1};
    copy_bits(&b, first, count);
}

shuffle *wn_known_lines(const worker *w, const operand *o) {
    return o->mode == OPERAND_STRIDED && o->size ? (shuffle *)(void *)(w->buffers + o->known) : NULL;
}

static void gather(const grid *g, const worker *w, const operand *o, int64_t first, int64_t count) {
    if (o->size)
        wn_gather(wn_known_lines(w, o), w->buffers + o->buffer, o->data, o->size, g->rank, g->dims,
                  o->strides, first, count);
    else
        move_bits(g, w, o, first, count, false);
}

void wn_grid_put(const grid *g, const worker *w, const operand *o, int64_t first, int64_t count) {
    const char *from = w->buffers + o->buffer;
    if (!o->size)
        move_bits(g, w, o, first, count, true);
    else if (o->mode == OPERAND_DIRECT)
        memcpy(o->data + first * o->size, from, (size_t)(count * o->size));
    else
        wn_scatter(wn_known_lines(w, o), o->data, from, o->size, g->rank, g->dims, o->strides,
                   first, count);
}

bool wn_grid_reads_directly(const grid *g, uint8_t uses) {
    for (uint32_t i = 0; i < g->in_count; i++) {
        const operand *o = &g->in[i];
        if (uses && !(o->uses & uses)) continue;
        if (o->mode != OPERAND_DIRECT && o->mode != OPERAND_SCALAR) return false;
    }
    return true;
}

bool wn_grid_has_bits(const grid *g) {
    for (uint32_t i = 0; i < g->in_count; i++)
        if (g->in[i].size == 0 && g->in[i].mode != OPERAND_SCALAR) return true;
    for (uint32_t i = 0; i < g->out_count; i++)
        if (g->out[i].size == 0) return true;
    return false;
}

/* One period, then twice as much each time. */
static void lay_out_periods(const grid *g, const worker *w, const operand *o) {
    int64_t count = least(repeated_length(g, o), g->total), done = o->size ? o->period : count;
    char *buffer = w->buffers + o->buffer;
    gather(g, w, o, 0, done);
    for (; done < count; done *= 2)
        memcpy(buffer + done * o->size, buffer, (size_t)(least(done, count - done) * o->size));
}

static void forget_lines(const worker *w, const operand *all, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        shuffle *known = wn_known_lines(w, &all[i]);
        if (known) known->width = 0;
    }
}

void wn_grid_begin(const grid *g, worker *w) {
    if (w->filled) return;
    forget_lines(w, g->in, g->in_count);
    forget_lines(w, g->out, g->out_count);
    for (uint32_t i = 0; i < g->in_count; i++)
        if (g->in[i].mode == OPERAND_PERIODIC) lay_out_periods(g, w, &g->in[i]);
    w->filled = true;
}

/* Point a stream at element `first` of what begins at `from`, of bits at their bit `bit`. */
static void point(const grid *g, const worker *w, uint32_t i, const char *from, int64_t first,
                  uint8_t bit) {
    const operand *o = &g->in[i];
    int64_t place = first + bit;
    w->in[i] = from + (o->size ? first * o->size : place >> 3);
    if (!o->size) w->in[g->in_count + i] = (const void *)(uintptr_t)(place & 7);
}

/* A direct operand whose last step is not whole is copied, since kernels read whole steps. */
static void point_direct(const grid *g, const worker *w, uint32_t i, int64_t first, int64_t count) {
    const operand *o = &g->in[i];
    char *buffer = w->buffers + o->buffer;
    if (first + round_up(count, g->step) <= g->total) {
        point(g, w, i, o->data, first, o->bit);
        return;
    }
    if (o->size)
        memcpy(buffer, o->data + first * o->size, (size_t)(count * o->size));
    else
        move_bits(g, w, o, first, count, false);
    point(g, w, i, buffer, 0, 0);
}

void wn_grid_point(const grid *g, worker *w, uint8_t uses, int64_t first, int64_t count) {
    for (uint32_t i = 0; i < g->in_count; i++) {
        const operand *o = &g->in[i];
        char *buffer = w->buffers + o->buffer;
        if (uses && !(o->uses & uses)) continue;
        switch ((operand_mode)o->mode) {
        case OPERAND_SCALAR: point(g, w, i, o->data, 0, o->bit); break;
        case OPERAND_DIRECT: point_direct(g, w, i, first, count); break;
        case OPERAND_PERIODIC: point(g, w, i, buffer, first % o->period, 0); break;
        case OPERAND_STRIDED:
            gather(g, w, o, first, count);
            point(g, w, i, buffer, 0, 0);
            break;
        case OPERAND_BUFFER: break;
        }
    }
}
