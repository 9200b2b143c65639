/*
 * kernel.h - the inside of a kernel: a graph copy, its plan, and the machine code of its stages.
 *
 * Immutable once made, but for the count of its owners (users, bindings and the context's cache) and the code that is
 * compiled when it is first needed.
 */
#ifndef WN_RUN_KERNEL_H
#define WN_RUN_KERNEL_H

#include "jit/provider.h"
#include "run/context.h"

#include <stdatomic.h>

/* What a stream of a PACK or EXPAND stage's program is read for. */
enum { USE_MASK = 1, USE_VALUES = 2 };

struct wn_kernel {
    uint32_t magic;
    atomic_uint owners;
    wn_context *context;
    wn_graph *graph; /* a copy: the live nodes */
    wn_plan *plan;   /* NULL: the graph is beyond the planner, and interpreted */
    wn_engine engine;
    wn_target target;
    wn_code *code;                /* JIT alone */
    pthread_mutex_t late_mutex;   /* held while late_code is made */
    _Atomic(wn_code *) late_code; /* JIT alone: the parts that few bindings need, or NULL */
    kernel_fn (*functions)[KERNEL_FUNCTION_COUNT]; /* JIT alone: by stage */
    uint8_t **uses;                                /* by stage, then by stream of its program */
    bool computes_floats; /* JIT: false if no run depends on the floating-point environment, or changes it */

    wn_engine wanted; /* with the graph, the target and the bitmaps: the recipe */
    wn_target wanted_target;
    bool *bitmaps;   /* by input, then by output: whether it is given as a bitmap; NULL: none is */
    size_t bytes;    /* roughly */
    uint32_t number; /* of its listing's file, in a context for debuggers; else 0 */
};

#define KERNEL_MAGIC 0x4b6e6957u /* "WinK" */

static inline bool kernel_ok(const wn_kernel *k) {
    return k && k->magic == KERNEL_MAGIC;
}
static inline void kernel_keep(wn_kernel *k) {
    atomic_fetch_add_explicit(&k->owners, 1, memory_order_relaxed);
}

/* A function of a stage that may not be compiled yet: it is when it is first asked for. Any number of threads may ask at once; once it
   is compiled, none takes a lock. */
wn_status wn_kernel_late(wn_kernel *k, uint32_t stage, kernel_function which, kernel_fn *function,
                         wn_error *error);

/* Of a kernel, the one for arrays of which these are bitmaps; compiled if it has not been. Kept for the caller. */
wn_status wn_kernel_for(wn_kernel *k, const wn_array *inputs, const wn_array *outputs,
                        wn_kernel **own, wn_error *error);

/* What a kernel is made of. */
typedef struct kernel_recipe {
    const wn_graph *graph;
    const bool *bitmaps; /* as a kernel's */
    wn_engine engine;
    wn_target target;
} kernel_recipe;

wn_status wn_kernel_make(const kernel_recipe *recipe, wn_kernel **kernel, wn_error *error);

/* The kernel with this key: found, or else made by the recipe that the key was written from; or NULL. Kept for the caller (cache.c). */
wn_status wn_cache_get(wn_context *c, const wn_key *key, uint64_t hash, const kernel_recipe *recipe,
                       wn_kernel **kernel, wn_error *error);

#endif
