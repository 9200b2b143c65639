/*
 * values.h - values worth testing: those at which types, rounding and C's undefined operations end, and random ones.
 */
#ifndef WN_TEST_VALUES_H
#define WN_TEST_VALUES_H

#include "graph/graph.h"

/* The next of a sequence of random words; any start is good. */
uint64_t values_random(uint64_t *state);
/* A random number below `end`, which is above 0. */
uint64_t values_below(uint64_t *state, uint64_t end);

/* One element, as stored, to and from an array. */
void values_store(wn_type type, void *to, int64_t index, uint64_t bits);
uint64_t values_load(wn_type type, const void *from, int64_t index);

#define VALUES_MAX 160
/* The special values of a type; how many there are, at most VALUES_MAX. */
size_t values_special(wn_type type, uint64_t list[VALUES_MAX]);
/* A special value, a small one, or any bits. A bool may be any byte. */
uint64_t values_any(wn_type type, uint64_t *state);
void values_fill(wn_type type, void *to, int64_t count, uint64_t *state);
/* Any value of a type that converts a double to it; integers by truncation, of a double in their range. */
uint64_t values_of_double(wn_type type, double v);

#endif
