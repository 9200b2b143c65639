/*
 * counted_memory.c - an allocator that counts.
 */
#include "counted_memory.h"

#include <stdlib.h>

void *allocate_counted(void *user, void *pointer, size_t old_size, size_t new_size) {
    counted_memory *m = user;
    if (new_size == 0) {
        m->live -= (int64_t)old_size;
        free(pointer);
        return NULL;
    }
    if (m->until_failure == 0) return NULL;
    if (m->until_failure > 0) m->until_failure--;
    void *moved = realloc(pointer, new_size);
    if (moved) m->live += (int64_t)new_size - (int64_t)old_size;
    return moved;
}
