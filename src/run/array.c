/*
 * array.c - arrays: making them, checking what a caller gives, and where they lie in memory.
 *
 * Overlap is decided on regions: the lowest address, and the axes as pairs of length and positive stride, largest stride first. An
 * array whose strides are negative covers the same bytes as its mirror image. Lengths and strides of bitmaps are bits until the
 * bytes are asked for that they cover.
 */
#include "run/array.h"
#include "run/context.h"

#include <string.h>

/* ---- Making arrays ------------------------------------------------------------------------------------------------ */

static bool rank_ok(int32_t rank) {
    return rank >= 0 && rank <= WN_MAX_RANK;
}

static bool type_ok(wn_type type) {
    return wn_type_size(type) != 0 || type == WN_BITMAP;
}

int64_t wn_count_elements(wn_type type, int32_t rank, const int64_t *shape) {
    int64_t count = 1, bytes = type_step(type);
    for (int32_t i = 0; i < rank; i++)
        if (shape[i] == 0) return 0;
    for (int32_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(bytes, shape[i], &bytes)) return -1;
    for (int32_t i = 0; i < rank; i++)
        count *= shape[i];
    return count;
}

/* Unsigned, so that lengths that no array can have do no harm before they are found. */
static void set_strides(wn_array *a) {
    uint64_t stride = (uint64_t)type_step(a->type);
    for (int32_t i = a->rank; i-- > 0;) {
        a->strides[i] = (int64_t)stride;
        stride *= (uint64_t)a->shape[i];
    }
}

WN_API wn_array wn_array_of(wn_type type, const void *data, int32_t rank, const int64_t *shape) {
    wn_array a = {.data = (void *)(uintptr_t)data, .type = type, .rank = rank};
    if (!rank_ok(rank)) return a;
    for (int32_t i = 0; i < rank; i++)
        a.shape[i] = shape ? shape[i] : -1;
    set_strides(&a);
    return a;
}

WN_API wn_array wn_vector(wn_type type, const void *data, int64_t length) {
    return wn_array_of(type, data, 1, &length);
}

WN_API wn_array wn_scalar(wn_type type, const void *data) {
    return wn_array_of(type, data, 0, NULL);
}

WN_API wn_array wn_bitmap(const void *data, int64_t bit_offset, int64_t length) {
    wn_array a = wn_vector(WN_BITMAP, data, length);
    a.bit = bit_offset;
    return a;
}

static bool shape_ok(int32_t rank, const int64_t *shape) {
    if (!rank_ok(rank) || (rank && !shape)) return false;
    for (int32_t i = 0; i < rank; i++)
        if (shape[i] < 0) return false;
    return true;
}

/* How many bytes such an array has; -1: there is none. */
static int64_t count_bytes(wn_type type, int32_t rank, const int64_t *shape) {
    if (wn_type_size(type) == 0 || !shape_ok(rank, shape)) return -1;
    int64_t count = wn_count_elements(type, rank, shape);
    return count < 0 ? -1 : count * (int64_t)wn_type_size(type);
}

WN_API wn_array wn_array_new(wn_context *context, wn_type type, int32_t rank, const int64_t *shape) {
    wn_array none = {.type = type};
    int64_t bytes = count_bytes(type, rank, shape);
    if (!context_ok(context) || bytes < 0) return none;
    void *data = wn_allocate(context, (size_t)bytes);
    return data ? wn_array_of(type, data, rank, shape) : none;
}

WN_API void wn_array_free(wn_context *context, wn_array *array) {
    if (!context_ok(context) || !array || !array->data) return;
    int64_t bytes = count_bytes(array->type, array->rank, array->shape);
    if (bytes < 0) return; /* not one of ours */
    wn_release(context, array->data, (size_t)bytes);
    array->data = NULL;
}

/* ---- Checking ----------------------------------------------------------------------------------------------------- */

/* The bytes, or bits, before and after an array's first element that it covers. false: they do not fit an int64_t. */
static bool measure_reach(const wn_array *a, int64_t *before, int64_t *after) {
    *before = 0;
    *after = type_step(a->type);
    for (int32_t i = 0; i < a->rank; i++) {
        int64_t reach;
        if (__builtin_mul_overflow(a->strides[i], a->shape[i] - 1, &reach)) return false;
        bool back = reach < 0;
        if (back && __builtin_sub_overflow(*before, reach, before)) return false;
        if (!back && __builtin_add_overflow(*after, reach, after)) return false;
    }
    return true;
}

/* Whether all of a non-empty array lies inside the address space. */
static bool fits_memory(const wn_array *a) {
    int64_t before, after, whole;
    if (!measure_reach(a, &before, &after) || __builtin_add_overflow(before, after, &whole))
        return false;
    if (a->type == WN_BITMAP) { /* and data itself */
        int64_t bytes = a->bit >> 3;
        before = before / 8 + 1 + (bytes < 0 ? -bytes : 0);
        after = after / 8 + 2 + (bytes > 0 ? bytes : 0);
    }
    uintptr_t first = (uintptr_t)a->data, end;
    return first >= (uintptr_t)before && !__builtin_add_overflow(first, (uintptr_t)after, &end);
}

static wn_status fail_array(wn_error *error, wn_status status, const wn_array *a, const char *role,
                            const char *name, const char *what) {
    char text[200];
    return wn_fail(error, status, "%s %s: %s, with shape %s and type %s", role, name, what,
                   wn_shape_text(a->rank, a->shape, text, sizeof text), wn_type_name(a->type));
}

static wn_status check_lengths(const wn_array *a, const char *role, const char *name, wn_error *error) {
    for (int32_t i = 0; i < a->rank; i++)
        if (a->shape[i] < 0)
            return wn_fail(error, WN_ERROR_SHAPE, "%s %s: axis %d has length %lld", role, name, i,
                           (long long)a->shape[i]);
    int64_t count = array_elements(a);
    if (count < 0) return fail_array(error, WN_ERROR_LIMIT, a, role, name, "too large");
    if (count == 0) return WN_OK;
    if (!a->data) return fail_array(error, WN_ERROR_ARGUMENT, a, role, name, "data is NULL");
    if (!fits_memory(a))
        return fail_array(error, WN_ERROR_LIMIT, a, role, name, "the strides lead out of memory");
    return WN_OK;
}

wn_status wn_array_check(const wn_array *a, const char *role, const char *name, wn_error *error) {
    if (!rank_ok(a->rank))
        return wn_fail(error, WN_ERROR_ARGUMENT, "%s %s: rank %d is not between 0 and %d", role,
                       name, a->rank, WN_MAX_RANK);
    if (!type_ok(a->type))
        return wn_fail(error, WN_ERROR_TYPE, "%s %s: %d is not a type", role, name, (int)a->type);
    return check_lengths(a, role, name, error);
}

bool wn_array_is_same(const wn_array *a, const wn_array *b) {
    return array_first(a) == array_first(b) && array_is_alike(a, b);
}

/* ---- Overlap ------------------------------------------------------------------------------------------------------ */

typedef struct region {
    uintptr_t first; /* the lowest byte */
    int64_t size;    /* of an element   */
    int axes;        /* those longer than 1 */
    int64_t lengths[WN_MAX_RANK], strides[WN_MAX_RANK];
} region;

static bool is_empty(const wn_array *a) {
    return array_elements(a) == 0;
}

/* The bytes from the first to the last element, of the axes from `axis` on. */
static int64_t region_bytes(const region *r, int axis) {
    int64_t bytes = r->size;
    for (; axis < r->axes; axis++)
        bytes += (r->lengths[axis] - 1) * r->strides[axis];
    return bytes;
}

static void add_axis(region *r, int64_t length, int64_t stride) {
    int at = r->axes++;
    for (; at > 0 && r->strides[at - 1] < stride; at--) {
        r->lengths[at] = r->lengths[at - 1];
        r->strides[at] = r->strides[at - 1];
    }
    r->lengths[at] = length;
    r->strides[at] = stride;
}

static region region_of(const wn_array *a) {
    region r = {.first = (uintptr_t)a->data, .size = type_step(a->type)};
    for (int32_t i = 0; i < a->rank; i++) {
        int64_t stride = a->strides[i];
        if (a->shape[i] == 1) continue;
        if (stride < 0) {
            r.first -= (uintptr_t)((a->shape[i] - 1) * -stride);
            stride = -stride;
        }
        add_axis(&r, a->shape[i], stride);
    }
    return r;
}

bool wn_array_span(const wn_array *a, uintptr_t *first, uintptr_t *end) {
    int64_t before, after, bit = array_bit(a);
    if (is_empty(a)) return false;
    measure_reach(a, &before, &after); /* which fits, or the array would have been refused */
    if (a->type == WN_BITMAP) {
        before = -((bit - before) >> 3);
        after = ((bit + after - 1) >> 3) + 1;
    }
    *first = (uintptr_t)array_first(a) - (uintptr_t)before;
    *end = (uintptr_t)array_first(a) + (uintptr_t)after;
    return true;
}

/* Of a bitmap, the bytes from the first to the last as one element. */
static region region_of_bytes(const wn_array *a) {
    uintptr_t first = 0, end = 0;
    if (a->type != WN_BITMAP) return region_of(a);
    wn_array_span(a, &first, &end);
    return (region){.first = first, .size = (int64_t)(end - first)};
}

/* Each axis steps over all that the axes below it cover. */
bool wn_array_overlaps_itself(const wn_array *a) {
    if (is_empty(a)) return false;
    region r = region_of(a);
    for (int i = 0; i < r.axes; i++)
        if (r.strides[i] < region_bytes(&r, i + 1)) return true;
    return false;
}

/*
 * Whether the axes from `axis` on of two regions meet when the second begins `distance` bytes after the first. While the largest
 * strides are equal, only their difference matters: the inner parts are compared at each multiple of it at which they
 * could touch, of which there are one or two unless an array overlaps itself.
 */
static bool regions_meet(const region *a, const region *b, int axis, int64_t distance) {
    if (distance >= region_bytes(a, axis) || -distance >= region_bytes(b, axis)) return false;
    if (axis == a->axes || axis == b->axes || a->strides[axis] != b->strides[axis]) return true;
    int64_t stride = a->strides[axis];
    int64_t a_inner = region_bytes(a, axis + 1), b_inner = region_bytes(b, axis + 1);
    if (stride <= 0 || a_inner > stride || b_inner > stride) return true;
    int64_t nearest = distance / stride;
    for (int64_t k = nearest - 1; k <= nearest + 1; k++) {
        if (k >= a->lengths[axis] || -k >= b->lengths[axis]) continue;
        if (regions_meet(a, b, axis + 1, distance - k * stride)) return true;
    }
    return false;
}

bool wn_arrays_overlap(const wn_array *a, const wn_array *b) {
    if (is_empty(a) || is_empty(b)) return false;
    region p = region_of_bytes(a), q = region_of_bytes(b);
    if (p.first + (uintptr_t)region_bytes(&p, 0) <= q.first) return false;
    if (q.first + (uintptr_t)region_bytes(&q, 0) <= p.first) return false;
    return regions_meet(&p, &q, 0, (int64_t)(q.first - p.first));
}
