/*
 * packing.h - what the two files of PACK stages share: mask.c, which packs any range of the space, and pieces.c, which packs
 * what is large, or shared by threads.
 */
#ifndef WN_PACKING_H
#define WN_PACKING_H

#include "run/binding.h"

/* A range of the space that is being packed. */
typedef struct packing {
    const bound_stage *stage;
    worker *w;
    const uint64_t *words; /* the whole bitmap; NULL: the mask is evaluated on the way */
    char *piece;           /* NULL, or the memory that is packed into instead of the outputs */
    int64_t chunk;         /* of that memory: which is packed into (pieces.c) */
    int64_t first, end;
    int64_t offset;   /* where in the outputs this begins                               */
    int64_t room;     /* elements from there                                            */
    int64_t position; /* elements written                                               */
    int64_t found;    /* elements that are true; beyond the room, they are only counted */
    int64_t uniform; /* words of steps (pieces.c) that were found to be, since last something was learned from them */
} packing;

/* Where the elements of output i go that are packed from now on, if they are contiguous. */
static inline char *packed_place(const packing *p, uint32_t i) {
    const bound_output *out = &p->stage->outputs[i];
    if (p->piece) return p->piece + out->chunk_at + p->chunk * out->chunk_bytes;
    return (char *)out->array->data + p->offset * p->stage->grid.out[i].size;
}

/* Elements between two looks at whether there is little to do. */
#define MOVE_CHUNK ((int64_t)64 << 10)

/* ---- mask.c ------------------------------------------------------------------------------------------------------------ */

/* Pack what is left of the range. */
void wn_pack_range(packing *p);
/* How the worker is to go on after `found` of n were true; of their words `uniform` are known to be all true, or all false. */
void wn_learn_way(const bound_stage *s, worker *w, int64_t found, int64_t uniform, int64_t n);
/* Packed elements of output i to their place `at` in its array. */
void wn_store_packed(const bound_stage *s, uint32_t i, const char *from, int64_t at, int64_t count);

/* ---- pieces.c ---------------------------------------------------------------------------------------------------------- */

/* Pack all, on threads, or alone past the caches; how many are true. */
int64_t wn_pack_on_threads(const wn_binding *b, bound_stage *s);
int64_t wn_pack_past_caches(bound_stage *s);

#endif
