/*
 * move.h - packing where there is little to do: of a mask that is nearly all false only the true ones are looked at. Elements are copied
 * as they are.
 */
#ifndef WN_MOVE_H
#define WN_MOVE_H

#include "jit/provider.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOVE_NEAR ((int64_t)1 << 20) /* fewer elements are taken to lie in a cache */

/*
 * Of how many elements one is so few that moving takes no longer than packing. Any element that is moved takes some 3 ns, for branches that
 * nobody foresees, and from beyond a core's own caches up to 20, where packing reads all in order. Packing has no branches: .02 to .3 ns for
 * each element, as its size and the instruction set have it.
 */
static inline int64_t move_one_in(const wn_target *t, size_t size, int64_t total) {
    static const uint16_t one_in[][4] = {/* elements of 1, 2, 4 and 8 bytes */
                                         [WN_ISA_PORTABLE] = {20, 20, 20, 20},
                                         [WN_ISA_X86_64_V2] = {80, 80, 24, 12},
                                         [WN_ISA_X86_64_V3] = {80, 72, 72, 24},
                                         [WN_ISA_X86_64_V4] = {80, 72, 90, 36}};
    int64_t near = one_in[t->isa][size == 8 ? 3 : size / 2];
    if (t->vbmi2 && size <= 2) near = size == 1 ? 4096 : 256;
    int64_t far = t->amd ? 128 : 48;
    return total >= MOVE_NEAR && near < far ? far : near;
}

/*
 * Move those of the elements at `from` whose bits are set to `to`, which may lie before or at `from`; how many.
 *
 * size   of an element: 1, 2, 4 or 8 bytes
 * room   elements that `to` has room for: no fewer than bits are set. Of what lies behind those moved, two may be overwritten
 * words  `count` of them, each of 64 elements
 * mixed  receives in how many of them some are set and some are not
 */
int64_t wn_move_selected(size_t size, void *to, int64_t room, const void *from,
                         const uint64_t *words, int64_t count, int64_t *mixed);

#endif
