/*
 * walk.h - an array of any strides, gone through in row-major order in runs of any length.
 */
#ifndef WN_WALK_H
#define WN_WALK_H

#include "graph/graph.h"

/* A place in an array, or in one that is stretched. Neighbouring axes that are one in memory are one here. */
typedef struct walker {
    char *data;
    wn_type type;
    int rank;
    int64_t shape[WN_MAX_RANK], strides[WN_MAX_RANK], index[WN_MAX_RANK];
    int64_t offset; /* of the element at `index`, in bytes; of a bitmap in bits */
} walker;

/* At the first element of `a`, stretched to a shape that it broadcasts to. */
walker wn_walk(const wn_array *a, int rank, const int64_t *shape);
/*
 * The next n elements: copied out to where they lie without gaps, bools, also those of a bitmap, as 0 or 1; or copied in from there. After the last element
 * comes the first again. Of an empty array only n = 0.
 */
void wn_walk_take(walker *w, void *to, int64_t n);
void wn_walk_put(walker *w, const void *from, int64_t n);

#endif
