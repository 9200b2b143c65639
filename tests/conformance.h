/*
 * conformance.h - the files of conformance/, which say what NumPy and TensorFlow make of the cases of their own tests.
 * make.py writes them; conformance.c describes their format.
 */
#ifndef WN_TEST_CONFORMANCE_H
#define WN_TEST_CONFORMANCE_H

#include "winnow/winnow.h"

#define CONFORMANCE_INPUTS 6
#define CONFORMANCE_NAME 96

/* An array and, for results, which elements may be any NaN (NULL: none may). */
typedef struct conformance_array {
    wn_array array;
    unsigned char *any_nan;
} conformance_array;

typedef enum conformance_want {
    WANT_EQUAL, /* the array `result`, bit by bit                                                          */
    WANT_NEAR, /* within `bound`, f32, of `result`, f64; `type` is the type of the kernel's result            */
    WANT_HASH, /* an array of this type and shape whose elements have this hash                            */
    WANT_ERROR /* the status `error`; WN_OK: any that blames the caller                                    */
} conformance_want;

typedef struct conformance_case {
    int line;
    char name[CONFORMANCE_NAME]; /* "numpy TestWhere.test_basic" */
    char difference[48];         /* the row of docs/differences.md, or "" */
    const wn_array *inputs[CONFORMANCE_INPUTS];
    conformance_want want;
    wn_type type; /* of the result */
    const conformance_array *result, *bound;
    wn_array shape; /* of a hashed result: no data */
    uint64_t hash;
    wn_status error;
} conformance_case;

/* An expression, the inputs that it takes, and the cases that give them values. */
typedef struct conformance_kernel {
    char text[400];
    struct {
        char name[16];
        wn_type type;
        int32_t rank;
    } inputs[CONFORMANCE_INPUTS];
    int input_count;
    conformance_case *cases;
    int case_count;
} conformance_kernel;

typedef struct conformance {
    conformance_array **arrays;
    int array_count;
    conformance_kernel *kernels;
    int kernel_count;
} conformance;

/* Read tests/conformance/NAME.txt; a mistake in it ends the test. */
conformance *conformance_read(const char *name);
void conformance_free(conformance *c);

/* Of contiguous elements: what make.py computes of a result that is too long to be written down. */
uint64_t conformance_hash(const wn_array *a);

#endif
