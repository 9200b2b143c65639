/*
 * compare.h - one graph, compiled for every instruction set that this machine has, against the interpreter, bit by bit.
 *
 * A NaN that arithmetic made may be any NaN; where a value is `exact`, NaNs too must have the same bits. Arrays are placed
 * against unreadable pages (guard.h). What differs is shown with its surroundings, its operands and the graph's listing.
 */
#ifndef WN_TEST_COMPARE_H
#define WN_TEST_COMPARE_H

#include "graph/graph.h"
#include "guard.h"

/* The sanitizers make the interpreter and the tests several times slower: less is sampled, always the same. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COMPARE_SAMPLED 1
#else
#define COMPARE_SAMPLED 0
#endif

#define COMPARE_ISAS 5
#define COMPARE_ARRAYS 12

typedef struct compare_isas {
    wn_isa list[COMPARE_ISAS];
    size_t count;
} compare_isas;

/* A context that finds the build's LLVM. */
wn_context *compare_context(int32_t threads);
/* All instruction sets of this machine, portable first, native last. None if the library is built without LLVM. */
compare_isas compare_available(wn_context *c);

/* The engine that tests of compiled kernels ask for: the JIT, if the library has one. */
#ifdef WN_TEST_LLVM_PATH
#define COMPARE_ENGINE WN_ENGINE_JIT
#else
#define COMPARE_ENGINE WN_ENGINE_AUTO
#endif

/* Compile; a failure ends the test with the graph's message and listing. */
wn_kernel *compare_compile(wn_graph *g, wn_engine engine, wn_isa isa);
/* The same of a text that declares its inputs, for this machine. */
wn_kernel *compare_compile_text(wn_context *c, const char *text, wn_engine engine);
/* End the test with the message if the status is not OK. */
void compare_expect_ok(wn_status status, const wn_error *error);

/* Whether a graph's value copies bits from inputs, so that its NaNs are not any NaN. */
bool compare_is_exact(const wn_graph *g, node_id id);

/* ---- Elements ---------------------------------------------------------------------------------------------------- */

/* Whether an element, as stored, is a NaN. */
bool compare_is_nan(wn_type type, uint64_t bits);
/* The first of n contiguous elements that is not the same; -1 if there is none. */
int64_t compare_elements(wn_type type, const void *got, const void *want, int64_t n, bool exact);
int64_t compare_count(const wn_array *a); /* elements */
/* A contiguous copy of an array of any strides, in malloc's memory. */
void *compare_copy(const wn_array *a);
/* Whether two arrays have one shape and the same elements; else `text` says where they first differ. */
bool compare_arrays(const wn_array *got, const wn_array *want, bool exact, char *text, size_t size);
/* End the test, saying `what`, unless they are the same but for which NaN a NaN is. */
void compare_expect_equal(const wn_array *got, const wn_array *want, const char *what);

/* ---- Running ----------------------------------------------------------------------------------------------------- */

/* Areas for the arrays of a run. */
typedef struct arena {
    guard inputs[COMPARE_ARRAYS], outputs[COMPARE_ARRAYS];
} arena;

void arena_new(arena *a, size_t inputs, size_t outputs, size_t bytes);
void arena_free(arena *a);
/* Copy contiguous arrays into the arena. */
void arena_inputs(arena *a, placement where, const wn_array *from, size_t count, wn_array *placed);
/* Make room for contiguous arrays of these shapes, filled with GUARD_BYTE. */
void arena_outputs(arena *a, placement where, const wn_array *like, size_t count, wn_array *placed);
/* Whether the inputs are as they were and nothing outside the outputs was written; else `text` says which. */
bool arena_intact(const arena *a, const wn_array *from, size_t inputs, size_t outputs, char *text,
                  size_t size);

/* End the test: what was run, what is wrong, the listing of the graph. */
_Noreturn void compare_fail(const wn_graph *g, const char *what, const char *wrong);
/* The listing, in malloc's memory. */
char *compare_listing(const wn_graph *g);
/* "x86-64-v3, arrays at their areas' ends" */
const char *compare_what(wn_isa isa, placement where, char text[96]);

/*
 * Run a graph by the interpreter, then compiled for every instruction set in every placement: results made by the context,
 * in buffers that just hold them, in larger ones; and in too small ones if there is a packed axis, which must give
 * ERROR_ROOM; and wn_count. Ends the test at the first difference.
 *
 * inputs  contiguous
 */
void compare_graph(wn_context *c, wn_graph *g, const wn_array *inputs, size_t count);
/* The same of a text. */
void compare_text(wn_context *c, const char *text, const wn_array *inputs, size_t count);

#endif
