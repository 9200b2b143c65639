/*
 * store.c - the arrays of one comparison (store.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store.h"
#include "values.h"
#include "run/context.h"

#include <stdlib.h>

wn_array *store_add(store *s, wn_type type, int32_t rank, const int64_t *shape) {
    wn_array *a = &s->arrays[s->count++];
    *a = wn_array_of(type, NULL, rank, shape);
    a->data = malloc((size_t)compare_count(a) * wn_type_size(type) + 1);
    assert_non_null(a->data);
    values_fill(type, a->data, compare_count(a), &s->random);
    return a;
}

void store_add_mask(store *s, int density, int32_t rank, const int64_t *shape) {
    wn_array *a = store_add(s, WN_BOOL, rank, shape);
    uint8_t *m = a->data;
    for (int64_t i = 0; i < compare_count(a); i++) {
        uint64_t word = values_random(&s->random);
        m[i] = (int)(word % 1000) < density ? (uint8_t)(word >> 40 & 3 ? 1 : word >> 48 | 1) : 0;
    }
}

void store_drop(store *s) {
    for (size_t i = 0; i < s->count; i++)
        free(s->arrays[i].data);
    s->count = 0;
}

void store_compare(wn_context *c, const char *text, store *s) {
    compare_text(c, text, s->arrays, s->count);
    store_drop(s);
}

int store_make_context(void **state) {
    *state = compare_context(1);
    return *state == NULL;
}

int store_make_context_of_threads(void **state) {
    wn_context *c = compare_context(2);
    if (c) c->parallel_least = 1;
    *state = c;
    return c == NULL;
}

int store_free_context(void **state) {
    wn_context_free(*state);
    return 0;
}
