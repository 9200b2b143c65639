/*
 * guard.h - memory that lies flush against pages which nobody may touch, so that one byte read or written outside an array
 * ends the test. Where an array doesn't reach its area's edge, a rim of known bytes shows what was written outside it.
 */
#ifndef WN_TEST_GUARD_H
#define WN_TEST_GUARD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct guard {
    char *map;
    size_t map_size;
    char *low, *high; /* what may be touched; a page before and a page after may not */
    char *data;       /* what was placed last */
    size_t size;
} guard;

typedef enum placement {
    AT_END, /* the first byte behind the array can't be touched                                     */
    AT_START, /* the first byte before it can't                                                       */
    AT_ODD, /* at an odd address near the end: no element is aligned                                */
    PLACEMENT_COUNT
} placement;

/* Room for `size` bytes in each placement. Ends the test when there is no memory. */
void guard_new(guard *g, size_t size);
void guard_free(guard *g);
/* Place `size` bytes, filled with GUARD_BYTE; also for size 0, where the pointer may not be followed. */
void *guard_place(guard *g, placement where, size_t size);
/* Whether the rim around what was placed is as it was. */
bool guard_intact(const guard *g);

#define GUARD_BYTE 0xa5

/* When a page is touched that may not be, say this first: what was being run. NULL: nothing is. The text is kept. */
void guard_describe(const char *text);

#endif
