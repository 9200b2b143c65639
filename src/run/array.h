/*
 * array.h - arrays as callers give them: what is wrong with one, where it lies in memory, whether two of them overlap.
 */
#ifndef WN_ARRAY_H
#define WN_ARRAY_H

#include "graph/graph.h"

/* How many elements a shape has; -1 if their bytes do not fit an int64_t. */
int64_t wn_count_elements(wn_type type, int32_t rank, const int64_t *shape);
/* The same of an array that has been checked. */
static inline int64_t array_elements(const wn_array *a) {
    return wn_count_elements(a->type, a->rank, a->shape);
}

/* The byte in which the first element of an array begins, and at which bit of it. */
static inline char *array_first(const wn_array *a) {
    uintptr_t bytes = a->type == WN_BITMAP && a->data ? (uintptr_t)(a->bit >> 3) : 0;
    return (char *)((uintptr_t)a->data + bytes);
}
static inline uint8_t array_bit(const wn_array *a) {
    return a->type == WN_BITMAP ? (uint8_t)(a->bit & 7) : 0;
}

/*
 * Whether an array can be one at all: rank, type, lengths, the number of its bytes, its reach in memory, NULL data.
 * `role` is "input" or "output"; the message begins with it and the name.
 */
wn_status wn_array_check(const wn_array *a, const char *role, const char *name, wn_error *error);

/* The same place, type, shape and strides. */
bool wn_array_is_same(const wn_array *a, const wn_array *b);
/* The same but for the place; of bitmaps, at the same bit of a byte. */
static inline bool array_is_alike(const wn_array *a, const wn_array *b) {
    if (a->type != b->type || a->rank != b->rank || array_bit(a) != array_bit(b)) return false;
    for (int32_t i = 0; i < a->rank; i++) {
        if (a->shape[i] != b->shape[i]) return false;
        if (a->shape[i] != 1 && a->strides[i] != b->strides[i]) return false;
    }
    return true;
}

/* The bytes from an array's first to its last, wherever its strides lead; false: there are none. */
bool wn_array_span(const wn_array *a, uintptr_t *first, uintptr_t *end);
/* Whether two elements may share a byte, of a bitmap a bit. Never wrongly false; true also for some interleaved strides that are harmless. */
bool wn_array_overlaps_itself(const wn_array *a);
/* Whether two arrays may share a byte, likewise. Columns of one matrix, odd and even elements and the like are told apart, but not of
   bitmaps, which cover all bytes from the first to the last. */
bool wn_arrays_overlap(const wn_array *a, const wn_array *b);

#endif
