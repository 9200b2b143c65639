/*
 * walk.h - elements copied between arrays of any strides and contiguous memory.
 */
#ifndef WN_WALK_H
#define WN_WALK_H

#include "run/shuffle.h"

/* Copy `count` elements of an array of these axes, from the row-major place `first` on, out of it or into it. `known`, what was found out about
   lines that lie as these do, may be NULL. */
void wn_gather(shuffle *known, char *to, const char *from, uint8_t size, int rank,
               const int64_t *dims, const int64_t *strides, int64_t first, int64_t count);
void wn_scatter(shuffle *known, char *to, const char *from, uint8_t size, int rank,
                const int64_t *dims, const int64_t *strides, int64_t first, int64_t count);

#endif
