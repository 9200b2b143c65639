/*
 * interpret_mask.h - boolean_mask, expand, place, putmask and compress over arrays of any strides: for the interpreter, and for
 * whoever else has whole arrays.
 */
#ifndef WN_INTERPRET_MASK_H
#define WN_INTERPRET_MASK_H

#include "graph/graph.h"

typedef struct mask_operation {
    op op;
    int axis; /* of boolean_mask, expand, compress; >= 0                                */
    const wn_array *args[3]; /* as the node's: t, m; v, m, fill; a, m, v; c, t                         */
    unsigned packed; /* of expand: bit i says that axis i of v is packed, so does not stretch  */
} mask_operation;

/* Check what only a run knows, and find the shape of the result (of WN_MAX_RANK lengths). Ranks and types have been checked. */
wn_status wn_mask_shape(const mask_operation *m, int *rank, int64_t *shape, wn_error *error);
/* Into an array of that shape, which may be the very `fill` or `a`. Once wn_mask_shape was fine, this is. */
void wn_mask_run(const mask_operation *m, const wn_array *out);

/* v of an expand against `shape`, whose `width` axes from `axis` on a mask covers that has `count` true; `packed` as above. */
wn_status wn_check_values(const wn_array *v, unsigned packed, int axis, int width, int rank,
                          const int64_t *shape, int64_t count, wn_error *error);

/* "boolean_mask: mask shape [3] does not match tensor shape [2, 2] at axis 0" */
wn_status wn_fail_mask(op o, const wn_array *t, const wn_array *m, int axis, wn_error *error);

#endif
