/*
 * interpret.h - what the interpreter's files say to each other.
 */
#ifndef WN_INTERPRET_H
#define WN_INTERPRET_H

#include "graph/graph.h"

#define SHAPE_TEXT 200 /* a shape, for a message */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        wn_status status_ = (call);                                                                \
        if (status_ != WN_OK) return status_;                                                      \
    } while (0)

/* Cast n contiguous elements. To the same type, bits are copied (bools normalised). */
void wn_interpret_cast(wn_type from, wn_type to, const void *arg, void *result, size_t n);

#endif
