/*
 * layouts.h - arrays in every layout, beside unreadable pages (guard.h).
 */
#ifndef WN_TEST_LAYOUTS_H
#define WN_TEST_LAYOUTS_H

#include "guard.h"
#include "winnow/winnow.h"

typedef enum layout {
    LAYOUT_CONTIGUOUS,
    LAYOUT_REVERSED,   /* all axes backwards                       */
    LAYOUT_STEPPED,    /* every second element of the last axis    */
    LAYOUT_PADDED,     /* rows apart, contiguous in themselves     */
    LAYOUT_TRANSPOSED, /* the first axis is the fastest            */
    LAYOUT_REPEATED,   /* stride 0 on the first axis: inputs alone */
    LAYOUT_COUNT
} layout;

const char *layout_name(layout l);

/* An array in guarded memory; all bytes, gaps too, are GUARD_BYTE. */
typedef struct placed {
    wn_array array;
    guard memory;
} placed;

placed layout_place(wn_type type, int32_t rank, const int64_t *shape, layout l, placement where);
void layout_unplace(placed *p);

/* Small numbers, NaN, infinities and -0 among floats; any byte among bools. */
void layout_fill(const wn_array *a, uint64_t *seed);

/* Every byte that is no element of `a`, inside the room that it was given or around it, is still GUARD_BYTE. */
void layout_expect_gaps(const placed *p, const wn_array *a);

#endif
