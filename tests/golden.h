/*
 * golden.h - reads the files that golden/make.py writes; the format is described there.
 *
 * Every case, of an operation on lists as of one on arrays, comes as contiguous arrays: the lists of
 * an `op` have shapes [n, 1] and [1, m], so that broadcasting them is their cross product.
 */
#ifndef WN_TEST_GOLDEN_H
#define WN_TEST_GOLDEN_H

#include "winnow/winnow.h"

#include <stddef.h>

#define GOLDEN_MAX_LISTS 40
#define GOLDEN_MAX_INPUTS 3

typedef struct golden_list {
    char name[16];
    wn_array elements;
} golden_list;

typedef struct golden {
    /* the case: valid until the next one is read */
    char name[128]; /* of the operation; or an expression, if it is a text */
    int is_text, axis, line, input_count;
    wn_array inputs[GOLDEN_MAX_INPUTS];
    wn_array output;        /* data is NULL when an error is expected                  */
    unsigned char *any_nan; /* by element of the output: 1 if any NaN will do          */
    wn_status error;

    char *text, *at; /* the reader's own */
    int next_line, list_count;
    golden_list lists[GOLDEN_MAX_LISTS];
} golden;

/* Open a file of golden/; the test fails if it cannot be read. */
golden *golden_open(const char *file);
/* Read the next case; false at the end of the file. */
int golden_next(golden *g);
void golden_close(golden *g);

/* How many elements an array has. */
size_t golden_count(const wn_array *a);
/* The bits of element i of a contiguous array. */
unsigned long long golden_bits(const wn_array *a, size_t i);
/* Fail, naming the case, unless `actual` is the output that is expected. `how` says what ran it. */
void golden_check(const golden *g, const wn_array *actual, const char *how);

#endif
