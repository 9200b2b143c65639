/*
 * interpret_mask.c - what a mask takes out of an array, and what it puts into one.
 *
 * There are two loops. One packs: of the elements of t, in row-major order, those that the mask selects. The other fills: of the
 * elements of a, those that it selects become the next of v. A mask that covers some axes only is stretched over the others, and so
 * is a v; then rows, scalars and columns need nothing of their own, as the selected elements come in the order of v's.
 */
#include "graph/interpret_mask.h"
#include "graph/bits.h"
#include "graph/interpret.h"
#include "graph/walk.h"

#include <string.h>

#define BLOCK 512

static const char *op_name(op o) {
    return wn_op_row(o)->name;
}

/* The product of lengths that are known to fit, being those of an array. */
static int64_t count_elements(int rank, const int64_t *shape) {
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        if (shape[i] == 0) return 0;
    for (int i = 0; i < rank; i++)
        count *= shape[i];
    return count;
}

static int64_t elements(const wn_array *a) {
    return count_elements(a->rank, a->shape);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- Masks ----------------------------------------------------------------------------------- */

/* Of bytes that are 0 or 1; eight are added by a multiplication. */
static int64_t count_block(const uint8_t *mask, int64_t n) {
    int64_t count = 0, i = 0;
    for (uint64_t word; i + 8 <= n; i += 8) {
        memcpy(&word, mask + i, 8);
        count += (int64_t)(word * 0x0101010101010101u >> 56);
    }
    for (; i < n; i++)
        count += mask[i];
    return count;
}

static int64_t count_true(const wn_array *m) {
    uint8_t mask[BLOCK];
    int64_t count = 0;
    walker w = wn_walk(m, m->rank, m->shape);
    for (int64_t left = elements(m), now; left > 0; left -= now) {
        now = least(left, BLOCK);
        wn_walk_take(&w, mask, now);
        count += count_block(mask, now);
    }
    return count;
}

/* A mask of some axes of a shape, from `axis` on, stretched over all of it. */
static walker walk_mask(const wn_array *m, int axis, int rank, const int64_t *shape) {
    wn_array whole = {.data = m->data, .type = m->type, .rank = rank, .bit = m->bit};
    memcpy(whole.shape, shape, (size_t)rank * sizeof *shape);
    for (int i = 0; i < m->rank; i++)
        whole.strides[axis + i] = m->strides[i];
    return wn_walk(&whole, rank, shape);
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

wn_status wn_fail_mask(op o, const wn_array *t, const wn_array *m, int axis, wn_error *error) {
    char mask[SHAPE_TEXT], tensor[SHAPE_TEXT];
    return wn_fail(error, WN_ERROR_SHAPE, "%s: mask shape %s does not match tensor shape %s at axis %d",
                   op_name(o), wn_shape_text(m->rank, m->shape, mask, sizeof mask),
                   wn_shape_text(t->rank, t->shape, tensor, sizeof tensor), axis);
}

static wn_status check_mask(op o, const wn_array *t, const wn_array *m, int axis, wn_error *error) {
    if (memcmp(t->shape + axis, m->shape, (size_t)m->rank * sizeof *m->shape) == 0) return WN_OK;
    return wn_fail_mask(o, t, m, axis, error);
}

/* `shape` with `width` axes from `axis` on replaced by one; its rank. */
static int packed_shape(int rank, const int64_t *shape, int axis, int width, int64_t count,
                        int64_t *packed) {
    int at = 0;
    for (int i = 0; i < rank; i++)
        if (i <= axis || i >= axis + width) packed[at++] = i == axis ? count : shape[i];
    return at;
}

/* Element i of a vector. */
static bool is_true(const wn_array *c, int64_t i) {
    uint8_t truth;
    int64_t at = i * c->strides[0];
    if (c->type == WN_BITMAP)
        wn_bits_unpack(&truth, (bits){c->data, c->bit + at, 0}, 1);
    else
        truth = ((const uint8_t *)c->data)[at];
    return truth;
}

static wn_status check_compress(const wn_array *c, const wn_array *t, int axis, wn_error *error) {
    int64_t length = t->shape[axis];
    for (int64_t i = length; i < c->shape[0]; i++)
        if (is_true(c, i))
            return wn_fail(
                error,
                WN_ERROR_SHAPE, "compress: the condition has %lld elements, true at %lld, and axis %d has length %lld",
                (long long)c->shape[0], (long long)i, axis, (long long)length);
    return WN_OK;
}

static const char *plural(int64_t n) {
    return n == 1 ? "" : "s";
}

wn_status wn_check_values(const wn_array *v, unsigned held_axes, int axis, int width, int rank,
                          const int64_t *shape, int64_t count, wn_error *error) {
    int64_t packed[WN_MAX_RANK];
    int missing = packed_shape(rank, shape, axis, width, count, packed) - v->rank;
    for (int i = 0; i < v->rank; i++) {
        int64_t own = v->shape[i], want = packed[missing + i];
        bool held = held_axes >> i & 1;
        if (own == want || (own == 1 && !held)) continue;
        if (missing + i == axis)
            return wn_fail(error, WN_ERROR_SHAPE,
                           "expand: v has %lld element%s on axis %d and the mask %lld true%s",
                           (long long)own, plural(own), i, (long long)count,
                           own == 1 ? ": a packed axis does not stretch" : "");
        char v_text[SHAPE_TEXT], text[SHAPE_TEXT];
        packed[axis] = WN_ANY;
        return wn_fail(error, WN_ERROR_SHAPE, "expand: v has shape %s, which does not broadcast to %s",
                       wn_shape_text(v->rank, v->shape, v_text, sizeof v_text),
                       wn_shape_text(v->rank + missing, packed, text, sizeof text));
    }
    return WN_OK;
}

/* fill's shape, or if it is a scalar v's, with m's in the place of the packed axis. */
static wn_status expanded_shape(const mask_operation *o, int *rank, int64_t *shape, wn_error *error) {
    const wn_array *v = o->args[0], *m = o->args[1], *fill = o->args[2];
    if (fill->rank) {
        TRY(check_mask(OP_expand, fill, m, o->axis, error));
        *rank = fill->rank;
        memcpy(shape, fill->shape, sizeof fill->shape);
    } else {
        int after = v->rank - o->axis - 1;
        *rank = v->rank - 1 + m->rank;
        memcpy(shape, v->shape, (size_t)o->axis * sizeof *shape);
        memcpy(shape + o->axis, m->shape, (size_t)m->rank * sizeof *shape);
        memcpy(shape + o->axis + m->rank, v->shape + o->axis + 1, (size_t)after * sizeof *shape);
    }
    return wn_check_values(v, o->packed, o->axis, m->rank, *rank, shape, count_true(m), error);
}

static wn_status check_put(const mask_operation *o, wn_error *error) {
    const wn_array *a = o->args[0], *m = o->args[1], *v = o->args[2];
    TRY(check_mask(o->op, a, m, 0, error));
    int64_t count = o->op == OP_place && elements(v) == 0 ? count_true(m) : 0;
    if (count == 0) return WN_OK;
    return wn_fail(error, WN_ERROR_SHAPE, "place: v is empty and the mask has %lld true",
                   (long long)count);
}

wn_status wn_mask_shape(const mask_operation *o, int *rank, int64_t *shape, wn_error *error) {
    const wn_array *const *a = o->args;
    switch ((int)o->op) {
    case OP_boolean_mask:
        TRY(check_mask(o->op, a[0], a[1], o->axis, error));
        *rank = packed_shape(a[0]->rank, a[0]->shape, o->axis, a[1]->rank, count_true(a[1]), shape);
        return WN_OK;
    case OP_compress:
        TRY(check_compress(a[0], a[1], o->axis, error));
        *rank = packed_shape(a[1]->rank, a[1]->shape, o->axis, 1, count_true(a[0]), shape);
        return WN_OK;
    case OP_expand: return expanded_shape(o, rank, shape, error);
    default:
        *rank = a[0]->rank;
        memcpy(shape, a[0]->shape, sizeof a[0]->shape);
        return check_put(o, error);
    }
}

/* ---- Loops ----------------------------------------------------------------------------------- */

typedef union block {
    uint8_t u8[BLOCK];
    uint16_t u16[BLOCK];
    uint32_t u32[BLOCK];
    uint64_t u64[BLOCK];
} block;

/* By size: x[i] where the mask is true, from x[0] on; and back: the next of v where it is. No branch: masks are hard to predict. */
#define LOOPS(T)                                                                                   \
    static void pack_##T(T *x, const uint8_t *mask, int64_t n) {                                   \
        for (int64_t i = 0, j = 0; i < n; j += mask[i++])                                          \
            x[j] = x[i];                                                                           \
    }                                                                                              \
    static void fill_##T(T *x, const uint8_t *mask, const T *v, int64_t n) {                       \
        for (int64_t i = 0, j = 0; i < n; j += mask[i++])                                          \
            x[i] ^= (T)((x[i] ^ v[j]) & (T) - (T)mask[i]);                                         \
    }
LOOPS(uint8_t)
LOOPS(uint16_t)
LOOPS(uint32_t)
LOOPS(uint64_t)

static void pack_block(size_t size, block *x, const uint8_t *mask, int64_t n) {
    switch (size) {
    case 1: pack_uint8_t(x->u8, mask, n); break;
    case 2: pack_uint16_t(x->u16, mask, n); break;
    case 4: pack_uint32_t(x->u32, mask, n); break;
    default: pack_uint64_t(x->u64, mask, n); break;
    }
}

static void fill_block(size_t size, block *x, const uint8_t *mask, const block *v, int64_t n) {
    switch (size) {
    case 1: fill_uint8_t(x->u8, mask, v->u8, n); break;
    case 2: fill_uint16_t(x->u16, mask, v->u16, n); break;
    case 4: fill_uint32_t(x->u32, mask, v->u32, n); break;
    default: fill_uint64_t(x->u64, mask, v->u64, n); break;
    }
}

static void pack(const mask_operation *o, const wn_array *out) {
    bool compress = o->op == OP_compress;
    wn_array t = *o->args[compress], m = *o->args[!compress];
    if (compress) t.shape[o->axis] = m.shape[0] = least(t.shape[o->axis], m.shape[0]);
    walker from = wn_walk(&t, t.rank, t.shape), mask = walk_mask(&m, o->axis, t.rank, t.shape),
           to = wn_walk(out, out->rank, out->shape);
    uint8_t selected[BLOCK];
    block x;
    int64_t room =
        elements(out); /* of what the mask selected when it was counted: it may have changed since */
    for (int64_t left = elements(&t), now; left > 0; left -= now) {
        now = least(left, BLOCK);
        wn_walk_take(&from, &x, now);
        wn_walk_take(&mask, selected, now);
        pack_block((size_t)type_step(t.type), &x, selected, now);
        int64_t packed = least(count_block(selected, now), room);
        wn_walk_put(&to, &x, packed);
        room -= packed;
    }
}

/* v along the packed axis is as long as it is, even if the mask has come to have more since it was counted: then v begins again. */
static walker walk_values(const mask_operation *o, const wn_array *v, const wn_array *out) {
    int64_t packed[WN_MAX_RANK];
    if (o->op != OP_expand) return wn_walk(v, v->rank, v->shape);
    const wn_array *m = o->args[1];
    int rank = packed_shape(out->rank, out->shape, o->axis, m->rank, count_true(m), packed);
    int own = o->axis - (rank - v->rank);
    if (own >= 0 && v->shape[own] != 1) packed[o->axis] = v->shape[own];
    return wn_walk(v, rank, packed);
}

static void fill(const mask_operation *o, const wn_array *out) {
    static const uint8_t FALSE = 0;
    wn_array m = *o->args[1];
    const wn_array *a = o->args[o->op == OP_expand ? 2 : 0], *v = o->args[o->op == OP_expand ? 0 : 2];
    walker values = walk_values(o, v, out);
    bool none = count_elements(values.rank, values.shape) == 0; /* to take, whatever the mask has become */
    bool each = o->op == OP_putmask && !none; /* place i takes the i-th of v, whatever is selected */
    if (none) m = wn_scalar(WN_BOOL, &FALSE);
    walker from = wn_walk(a, out->rank, out->shape), to = wn_walk(out, out->rank, out->shape),
           mask = walk_mask(&m, o->op == OP_expand ? o->axis : 0, out->rank, out->shape);
    size_t size = (size_t)type_step(out->type);
    uint8_t selected[BLOCK];
    block x, next;
    for (int64_t left = elements(out), now; left > 0; left -= now) {
        now = least(left, BLOCK);
        wn_walk_take(&from, &x, now);
        wn_walk_take(&mask, selected, now);
        wn_walk_take(&values, &next, each ? now : count_block(selected, now));
        if (each) pack_block(size, &next, selected, now);
        fill_block(size, &x, selected, &next, now);
        wn_walk_put(&to, &x, now);
    }
}

void wn_mask_run(const mask_operation *o, const wn_array *out) {
    if (elements(out) == 0) return;
    if (o->op == OP_boolean_mask || o->op == OP_compress)
        pack(o, out);
    else
        fill(o, out);
}
