/*
 * store.h - the arrays of one comparison: made of random values, compared on all ways to run (compare.h), dropped.
 */
#ifndef STORE_H
#define STORE_H

#include "compare.h"

#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})
#define LENGTH(x) (sizeof(x) / sizeof *(x))
#define SAMPLE(few, all) (COMPARE_SAMPLED ? (few) : (all))

typedef struct store {
    wn_array arrays[COMPARE_ARRAYS];
    size_t count;
    uint64_t random;
} store;

wn_array *store_add(store *s, wn_type type, int32_t rank, const int64_t *shape);
/* A mask of which about density / 1000 are true; not every true byte is 1. */
void store_add_mask(store *s, int density, int32_t rank, const int64_t *shape);
void store_drop(store *s);
/* And drops them. */
void store_compare(wn_context *c, const char *text, store *s);

/* A group's context, with one thread; or with two, which take parts, however short. */
int store_make_context(void **state);
int store_make_context_of_threads(void **state);
int store_free_context(void **state);

#endif
