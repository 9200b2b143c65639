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
 * without branches is faster; from memory it is sooner, where all is read in order then.
 */
#define MOVE_NEAR ((int64_t)1 << 20) /* fewer elements are taken to lie in a cache */
static inline bool move_pays(int64_t found, int64_t n, bool from_memory) {
    return found <= n / (from_memory ? 48 : 20);
}

/*
 * Those of the elements at `from` whose bits are set, to `to`, which has room for so many or more and may lie before or at `from`; how
 * many. `words`: so many of 64 elements. `size` is 1, 2, 4 or 8 bytes. What lies behind them in the room may be overwritten.
 */
int64_t wn_move_selected(size_t size, void *to, int64_t room, const void *from,
                         const uint64_t *words, int64_t count);

#endif
