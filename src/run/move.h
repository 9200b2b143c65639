/*
 * move.h - packing where there is little to do: of a mask that is nearly all false only the true ones are looked at. Elements are copied
 * as they are.
 */
#ifndef WN_MOVE_H
#define WN_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether `found` of n are so few that moving them pays. With more, the time goes into branches that cannot be foreseen, and packing
 * without branches is faster; from memory, where each is waited for, it is sooner.
 */
#define MOVE_NEAR ((int64_t)1 << 20) /* elements that are taken to lie in a cache */
static inline bool move_pays(int64_t found, int64_t n, bool from_memory) {
    return found <= n / (from_memory ? 256 : 32);
}

/* Those of the n elements at `from` whose bits are set, to `to`, which may lie before or at `from`; how many. `size` is 1, 2, 4 or 8
   bytes. */
int64_t wn_move_selected(size_t size, void *to, const void *from, const uint64_t *words, int64_t n);

#endif
