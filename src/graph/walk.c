/*
 * walk.c - strides become runs: as many elements at once as the last axis has left.
 */
#include "graph/walk.h"
#include "graph/bits.h"

#include <string.h>

#define EACH(size)                                                                                 \
    for (int64_t i = 0; i < n; i++)                                                                \
        memcpy(to + i * to_stride, from + i * from_stride, size);                                  \
    break

static void copy(size_t size, char *to, int64_t to_stride, const char *from, int64_t from_stride,
                 int64_t n) {
    if (to_stride == (int64_t)size && from_stride == (int64_t)size) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    switch (size) {
    case 1: EACH(1);
    case 2: EACH(2);
    case 4: EACH(4);
    default: EACH(8);
    }
}
#undef EACH

/* How many of n elements, at least 1, lie a stride apart from here on. */
static int64_t run_length(const walker *w, int64_t n) {
    int64_t left = w->rank ? w->shape[w->rank - 1] - w->index[w->rank - 1] : n;
    return left < n ? left : n;
}

static int64_t run_stride(const walker *w) {
    return w->rank ? w->strides[w->rank - 1] : 0;
}

/* Over elements of the last axis, which has them, and at its end on to the next row. */
static void step(walker *w, int64_t n) {
    int axis = w->rank - 1;
    if (axis < 0) return;
    w->index[axis] += n;
    w->offset += n * w->strides[axis];
    while (axis >= 0 && w->index[axis] == w->shape[axis]) {
        w->offset -= w->index[axis] * w->strides[axis];
        w->index[axis] = 0;
        if (--axis < 0) break;
        w->index[axis]++;
        w->offset += w->strides[axis];
    }
}

static bits bits_at(const walker *w) {
    return (bits){w->data, w->offset, run_stride(w)};
}

void wn_walk_take(walker *w, void *to, int64_t n) {
    bool packed = w->type == WN_BITMAP;
    size_t size = (size_t)type_step(w->type);
    char *place = to;
    for (int64_t left = n, now; left > 0; left -= now) {
        now = run_length(w, left);
        if (packed)
            wn_bits_unpack((uint8_t *)place, bits_at(w), now);
        else
            copy(size, place, (int64_t)size, w->data + w->offset, run_stride(w), now);
        step(w, now);
        place += (size_t)now * size;
    }
    uint8_t *truths = to;
    for (int64_t i = 0; w->type == WN_BOOL && i < n; i++)
        truths[i] = truths[i] != 0;
}

void wn_walk_put(walker *w, const void *from, int64_t n) {
    bool packed = w->type == WN_BITMAP;
    size_t size = (size_t)type_step(w->type);
    for (const char *place = from; n > 0;) {
        int64_t now = run_length(w, n);
        if (packed)
            wn_bits_copy(bits_at(w), (bits){(char *)(uintptr_t)place, 0, 8}, now);
        else
            copy(size, w->data + w->offset, run_stride(w), place, (int64_t)size, now);
        step(w, now);
        place += (size_t)now * size;
        n -= now;
    }
}

/* An empty array may have lengths whose product no integer holds. */
static void add_axis(walker *w, int64_t length, int64_t stride) {
    int last = w->rank - 1;
    int64_t reach, together;
    if (length == 1) return;
    if (last >= 0 && !__builtin_mul_overflow(length, stride, &reach) && w->strides[last] == reach &&
        !__builtin_mul_overflow(length, w->shape[last], &together)) {
        w->shape[last] = together;
        w->strides[last] = stride;
    } else {
        w->shape[w->rank] = length;
        w->strides[w->rank++] = stride;
    }
}

walker wn_walk(const wn_array *a, int rank, const int64_t *shape) {
    walker w = {.data = a->data, .type = a->type};
    if (a->type == WN_BITMAP) w.offset = a->bit;
    int missing = rank - a->rank;
    for (int i = 0; i < rank; i++) {
        bool stretched = i < missing || a->shape[i - missing] == 1;
        add_axis(&w, shape[i], stretched ? 0 : a->strides[i - missing]);
    }
    return w;
}
