/*
 * context.h - the inside of a context: what graphs, kernels and bindings made from it share.
 *
 * Everything but the cache and the pool is set when the context is made and never changes. The mutex guards the two lists of the
 * cache and the making of the pool; it is never held while something is compiled or run.
 */
#ifndef WN_CONTEXT_H
#define WN_CONTEXT_H

#include "graph/graph.h"

#include <pthread.h>

typedef struct thread_pool thread_pool;
typedef struct eval_entry eval_entry;

/* Compiled kernels by what they compute, and by the text that wn_eval was given; each list has the latest used first. */
typedef struct kernel_cache {
    wn_kernel *first;
    size_t bytes; /* of all in the list, roughly */
    eval_entry *evals;
    uint32_t eval_count;
} kernel_cache;

struct wn_context {
    uint32_t magic;
    wn_allocate_fn allocate;
    void *allocate_user;
    wn_log_fn log;
    void *log_user;
    int32_t threads;    /* >= 1 */
    char *llvm_library; /* or NULL */
    pthread_mutex_t mutex;
    kernel_cache cache;
    thread_pool *pool; /* made at the first run that uses it */
};

#define CONTEXT_MAGIC 0x436e6957u /* "WinC" */
#define CONTEXT_MAX_THREADS 256

static inline bool context_ok(const wn_context *c) {
    return c && c->magic == CONTEXT_MAGIC;
}

/* Drop all that the cache keeps (kernel.c, eval.c). */
void wn_cache_clear(wn_context *c);
void wn_eval_clear(wn_context *c);
/* End and join the threads (threads.c). NULL does nothing. */
void wn_pool_free(wn_context *c, thread_pool *pool);

#endif
