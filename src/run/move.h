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
 * Of how many elements one is so few that moving pays. With more, the time goes into branches that cannot be foreseen, and packing
 * without branches is faster; from memory it is sooner, where all is read in order then.
 */
#define MOVE_NEAR ((int64_t)1 << 20) /* fewer elements are taken to lie in a cache */
static inline int64_t move_one_in(int64_t total) {
    return total >= MOVE_NEAR ? 48 : 20;
}

/*
 * Move those of the elements at `from` whose bits are set to `to`, which may lie before or at `from`; how many.
 *
 * size   of an element: 1, 2, 4 or 8 bytes
 * room   elements that `to` has room for: no fewer than bits are set. Of what lies behind those moved, two may be overwritten
 * words  `count` of them, each of 64 elements
 */
int64_t wn_move_selected(size_t size, void *to, int64_t room, const void *from,
                         const uint64_t *words, int64_t count);

#endif
