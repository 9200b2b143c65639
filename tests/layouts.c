/*
 * layouts.c - see layouts.h.
 */
#include "layouts.h"
#include "compare.h"
#include "values.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

const char *layout_name(layout l) {
    static const char *const names[] = {"contiguous", "reversed",   "stepped",
                                        "padded",     "transposed", "repeated"};
    return names[l];
}

/* Strides of a layout in axes as they lie in memory, slowest first; returns the bytes. */
static size_t lay_axes(wn_array *a, layout l) {
    int64_t bytes = (int64_t)wn_type_size(a->type);
    for (int32_t i = 0; i < a->rank; i++) {
        int32_t axis = l == LAYOUT_TRANSPOSED ? i : a->rank - 1 - i;
        a->strides[axis] = bytes * (l == LAYOUT_STEPPED && i == 0 ? 2 : 1);
        if (l == LAYOUT_REPEATED && axis == 0)
            a->strides[axis] = 0;
        else
            bytes = a->strides[axis] * a->shape[axis];
        if (l == LAYOUT_PADDED && i == 0) bytes += 8;
    }
    return (size_t)bytes;
}

placed layout_place(wn_type type, int32_t rank, const int64_t *shape, layout l, placement where) {
    placed p = {.array = wn_array_of(type, NULL, rank, shape)};
    size_t size = lay_axes(&p.array, l);
    guard_new(&p.memory, size);
    p.array.data = guard_place(&p.memory, where, size);
    for (int32_t i = 0; l == LAYOUT_REVERSED && i < rank; i++) {
        if (shape[i] == 0) continue;
        p.array.data = (char *)p.array.data + (shape[i] - 1) * p.array.strides[i];
        p.array.strides[i] = -p.array.strides[i];
    }
    return p;
}

void layout_unplace(placed *p) {
    guard_free(&p->memory);
}

/* The address of an element by its row-major number. */
static char *element(const wn_array *a, int64_t number) {
    char *at = a->data;
    for (int32_t i = a->rank; i-- > 0; number /= a->shape[i])
        at += number % a->shape[i] * a->strides[i];
    return at;
}

static void fill_element(char *to, wn_type type, uint64_t random) {
    static const double special[] = {-0.0, 1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0};
    static const uint16_t halves[] = {0x8000, 0x7c00, 0xfc00, 0x7e00,
                                      0x3c00, 0xbc00, 0x0001, 0x4200};
    bool odd = random % 16 == 0;
    double wide = odd ? special[random >> 8 & 3] : (double)(random >> 32 & 15) - 7;
    float narrow = (float)wide;
    uint64_t bits = (random >> 32 & 15) - 7;
    switch (type) {
    case WN_BOOL:
        *to = (char)(random & 1 ? random >> 8 & 1 ? (int)(random >> 16 & 255) : 1 : 0);
        break;
    case WN_F16:
    case WN_BF16: memcpy(to, &halves[random >> 8 & 7], 2); break;
    case WN_F32: memcpy(to, &narrow, 4); break;
    case WN_F64: memcpy(to, &wide, 8); break;
    default: memcpy(to, &bits, wn_type_size(type)); break; /* little-endian: the low bytes */
    }
}

void layout_fill(const wn_array *a, uint64_t *seed) {
    for (int64_t i = 0; i < compare_count(a); i++)
        fill_element(element(a, i), a->type, values_random(seed));
}

void layout_expect_gaps(const placed *p, const wn_array *a) {
    size_t size = wn_type_size(a->type);
    char *expected = malloc(p->memory.size + 1);
    assert_non_null(expected);
    memset(expected, GUARD_BYTE, p->memory.size);
    for (int64_t i = 0; i < compare_count(a); i++) {
        const char *from = element(a, i);
        memcpy(expected + (from - p->memory.data), from, size);
    }
    for (size_t i = 0; i < p->memory.size; i++)
        if (expected[i] != p->memory.data[i])
            fail_msg("byte %zu, which is in no element, was written", i);
    if (!guard_intact(&p->memory)) fail_msg("a byte beside the array's room was written");
    free(expected);
}
