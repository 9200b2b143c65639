/*
 * interpret.h - what the interpreter's files say to each other.
 */
#ifndef WN_INTERPRET_H
#define WN_INTERPRET_H

#include "graph/graph.h"

#define SHAPE_TEXT 200 /* a shape, for a message */

/* Cast n contiguous elements. To the same type, bits are copied (bools normalised). */
void wn_interpret_cast(wn_type from, wn_type to, const void *arg, void *result, size_t n);

#endif
