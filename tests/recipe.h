/*
 * recipe.h - random graphs that fit together, written so that a failing one can be made smaller: a list of steps, from which
 * graph and arrays are made again after each change.
 *
 * Lengths are labels. Two values are combined only if their labels, aligned right, are equal or LABEL_ONE: so every graph
 * is right by construction, unless the recipe is `spoilt`.
 */
#ifndef WN_TEST_RECIPE_H
#define WN_TEST_RECIPE_H

#include "graph/graph.h"

#define RECIPE_STEPS 40
#define RECIPE_OUTPUTS 4
#define RECIPE_LENGTHS 3
#define RECIPE_DEPTH 8

/* 1; recipe.lengths[label - LABEL_LENGTH]; exactly label - LABEL_FIXED; how many are true in step label - LABEL_COUNT */
typedef int16_t label;
enum { LABEL_ONE = 0, LABEL_LENGTH = 1, LABEL_FIXED = 10, LABEL_COUNT = 100 };

typedef struct step {
    uint8_t op;
    uint8_t type;
    uint8_t rank;
    uint8_t depth;
    int8_t axis; /* of a boolean_mask, expand, compress */
    label axes[WN_MAX_RANK];
    int args[3];    /* earlier steps */
    uint64_t bits;  /* of a constant; of a reduction: its axes, REDUCE_KEEPDIMS, RECIPE_INITIAL */
    uint64_t style; /* of an input: how its array lies, what is in it; which of its lengths are declared. Of a reduction: initial */
} step;

#define RECIPE_INITIAL ((uint64_t)1 << 32)

typedef struct recipe {
    uint64_t seed;
    step steps[RECIPE_STEPS];
    int count;
    int outputs[RECIPE_OUTPUTS];
    int output_count;
    int64_t lengths[RECIPE_LENGTHS];
    bool spoilt; /* one input is longer than it should be */
} recipe;

recipe recipe_random(uint64_t seed);
/* The graph of some of the steps and what they need; inputs are called x0, x1, ... by their steps. */
wn_graph *recipe_graph(wn_context *c, const recipe *r, const int *outputs, int output_count);
/* Which steps the outputs need. */
void recipe_live(const recipe *r, const int *outputs, int output_count, bool live[RECIPE_STEPS]);
/*
 * Contiguous arrays of malloc's for the live inputs, in order. Lengths that are counts come from the interpreter.
 * Returns how many; -1 if an array is too large.
 */
int recipe_arrays(wn_context *c, const recipe *r, wn_array arrays[RECIPE_STEPS],
                  int steps[RECIPE_STEPS]);

#endif
