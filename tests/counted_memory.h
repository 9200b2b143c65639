/*
 * counted_memory.h - an allocator for a context that runs out when a test says so, and counts what is not given back.
 */
#ifndef WN_TEST_COUNTED_MEMORY_H
#define WN_TEST_COUNTED_MEMORY_H

#include "winnow/winnow.h"

typedef struct counted_memory {
    int64_t until_failure; /* allocations that still succeed; negative: all do */
    int64_t live;          /* bytes                                            */
} counted_memory;

/* wn_context_options.allocate, whose allocate_user is a counted_memory. For one thread. */
void *allocate_counted(void *user, void *pointer, size_t old_size, size_t new_size);

#endif
