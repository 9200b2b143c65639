/*
 * support.h - what several tests share: contexts, memory beside unreadable pages, arrays in every layout, random elements.
 */
#ifndef WN_TEST_SUPPORT_H
#define WN_TEST_SUPPORT_H

#include "winnow/winnow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* A context that finds this build's provider. */
wn_context *support_context(int32_t threads);
/* A kernel of a text whose inputs are declared in it. Fails the test with the library's message. */
wn_kernel *support_compile(wn_context *c, const char *text, wn_engine engine);
/* The engine that tests of compiled kernels ask for: the JIT, if the library has one. */
#ifdef WN_TEST_LLVM_PATH
#define SUPPORT_ENGINE WN_ENGINE_JIT
#else
#define SUPPORT_ENGINE WN_ENGINE_AUTO
#endif
/* Fail the test with the message if the status is not OK. */
void support_expect_ok(wn_status status, const wn_error *error);

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* `size` bytes that end where an unreadable page begins, or begin where one ends. */
typedef struct guarded {
    char *data;
    char *mapping;
    size_t mapped;
} guarded;

typedef enum guard_side { GUARD_BEHIND, GUARD_BEFORE } guard_side;

guarded support_guard_new(size_t size, guard_side side);
void support_guard_free(guarded *g);

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */

typedef enum layout {
    LAYOUT_CONTIGUOUS,
    LAYOUT_REVERSED,   /* all axes backwards                       */
    LAYOUT_STEPPED,    /* every second element of the last axis    */
    LAYOUT_PADDED,     /* rows apart, contiguous in themselves     */
    LAYOUT_TRANSPOSED, /* the first axis is the fastest            */
    LAYOUT_REPEATED,   /* stride 0 on the first axis: inputs alone */
    LAYOUT_COUNT
} layout;

const char *support_layout_name(layout l);

/* An array in guarded memory; all bytes, gaps too, are 0xA5. */
typedef struct placed {
    wn_array array;
    guarded memory;
    size_t size;
} placed;

placed support_place(wn_type type, int32_t rank, const int64_t *shape, layout l, guard_side side);
void support_unplace(placed *p);

/* The address of an element by its row-major number. */
char *support_element(const wn_array *a, int64_t number);
int64_t support_elements(const wn_array *a);

/* Small numbers, NaN, infinities and -0 among floats; any byte among bools. */
void support_fill(const wn_array *a, uint64_t *seed);
uint64_t support_random(uint64_t *seed);

/* The same type, shape and bits of every element; NaNs are equal whatever their bits. Prints the first difference. */
void support_expect_equal(const wn_array *actual, const wn_array *expected, const char *text);
/* Every byte that is no element of `a`, but inside the room that it was given, is still 0xA5. */
void support_expect_gaps(const placed *p, const wn_array *a);

#endif
