/*
 * columns.h - a REDUCE stage whose kept axes lie innermost: all columns at once, place by place.
 *
 *     grid      (reduced axes, kept axes): place i and column j are element i * columns + j
 *     tile      columns [j, j + width): what one worker keeps accumulators of
 *     cells     an accumulator's memory: lane i mod lanes of each column, [lanes][width]. So the elements of consecutive places, if the
 *               tile is all of the columns, lie in memory as their lanes do, and are joined as one long vector.
 *
 * Rows of up to FOLD_LONG_ROW elements that lie in order are columns as well, but not turned: column j has elements
 * [j * length, (j + 1) * length), and what it is reduced to is found at once, by loops that take several rows together.
 *
 * Float sums have the lanes, leaves and levels of graph/reduce.h, and so its bits; everything else has as many lanes as make vectors
 * long. When there are too few columns for the threads, the places are cut into parts of whole leaves, as one long row is.
 */
#ifndef WN_COLUMNS_H
#define WN_COLUMNS_H

#include "run/binding.h"

/* Whether a stage whose program is laid out is better run by columns; then its grid's axes are turned, kept ones last. */
bool wn_columns_choose(const wn_binding *b, bound_stage *s); /* reduce.c */
/* Whether there are loops for rows of this length, of all that a stage reduces to. */
bool wn_columns_have_rows(const wn_binding *b, const bound_stage *s, int64_t length);
wn_status wn_columns_prepare(wn_binding *b, bound_stage *s, wn_error *error);
wn_status wn_columns_run(const wn_binding *b, bound_stage *s, wn_error *error);

#endif
