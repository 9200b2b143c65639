/*
 * rows.h - a mask over some axes of a space: which of its rows are selected, for every outer index.
 *
 * Rows are numbered through all outer indices, one bitmap serves each of these. A row is s->row elements.
 */
#ifndef WN_ROWS_H
#define WN_ROWS_H

#include "run/binding.h"

/* Rows from one on that one outer index has. */
typedef struct slice {
    int64_t outer, place, count;
} slice;

slice wn_slice_of(const bound_stage *s, int64_t first, int64_t end);
int64_t wn_count_rows(const bound_stage *s, const uint64_t *words, int64_t first, int64_t end);

/* Rows that lie at one distance, and which of them are selected. */
typedef struct rows {
    char *at;       /* the row of bit `first` */
    int64_t stride; /* from row to row        */
    const uint64_t *words;
    int64_t first, end;
} rows;

/* Move the selected rows together; where they end. `to` may be r->at itself. */
char *wn_pack_rows(char *to, const rows *r, size_t bytes);
/* Move what lies together to the selected rows. */
void wn_expand_rows(const char *from, const rows *r, size_t bytes);
/* Bools of any byte become 0 or 1. */
void wn_normalise(char *truths, int64_t count);

/* How many rows there are and how long they are, of a space that is not empty. */
void wn_rows_measure(bound_stage *s);
/* Rows of up to PACKED_ROW elements are to be taken element by element: how bits are spread, and blocks of whole words of rows. */
wn_status wn_spread_prepare(const wn_binding *b, bound_stage *s, wn_error *error);
/* The bits of `count` rows; of one outer index, the first begins a word. They may lie in w->words. */
const uint64_t *wn_bits_of_rows(const bound_stage *s, worker *w, const uint64_t *words,
                                int64_t first, int64_t count);
/* Those, of the rows' elements: a bit for each. */
const uint64_t *wn_bits_of_elements(const bound_stage *s, worker *w, const uint64_t *bits,
                                    int64_t count);

#endif
