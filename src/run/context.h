/*
 * context.h - the inside of a context: what graphs, kernels and bindings made from it share.
 *
 * Everything but the cache and the pool is set when the context is made and never changes. The mutex guards the cache
 * and the making of the pool; it is never held while something is compiled or run, or memory is asked for.
 */
#ifndef WN_CONTEXT_H
#define WN_CONTEXT_H

#include "jit/provider.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

typedef struct thread_pool thread_pool;
typedef struct cache_entry cache_entry;
typedef struct eval_entry eval_entry;

#define CACHE_CHAINS 1024 /* a kernel has some 10 KiB, so the chains of a full cache are short */
#define CACHE_BYTES ((size_t)64 << 20)
#define CACHE_DIRECTORY_BYTES ((size_t)64 << 20)

/* Compiled kernels by what they compute (cache.c), and by the text that wn_eval was given (eval.c), the latest used first. */
typedef struct kernel_cache {
    cache_entry *table[CACHE_CHAINS];
    cache_entry *newest, *oldest;
    size_t bytes, most_bytes; /* of all in the list, roughly */
    pthread_cond_t made;      /* a kernel that others may wait for */
    eval_entry *evals;
    uint32_t eval_count;
} kernel_cache;

/* Spaces with fewer elements gain nothing by a second thread: at 64 Ki most kernels lose a quarter, at 192 Ki all gain. */
#define PARALLEL_LEAST (128 * 1024)

struct wn_context {
    uint32_t magic;
    wn_allocate_fn allocate;
    void *allocate_user;
    wn_log_fn log;
    void *log_user;
    int32_t threads;       /* >= 1 */
    wn_target native;      /* isa is NATIVE where there is none that is known */
    char *llvm_library;    /* or NULL */
    char *cache_directory; /* or NULL: nothing is kept on disk */
    size_t cache_directory_bytes;
    int64_t parallel_least;          /* PARALLEL_LEAST, but for tests */
    wn_parallel_for_fn parallel_for; /* or NULL */
    void *parallel_for_user;
    pthread_mutex_t mutex;
    kernel_cache cache;
    thread_pool *pool;       /* made at the first run that uses it */
    bool perf_map, debugger; /* whom kernels are made known to (observe.c) */
    char *listings;          /* the folder of those that debuggers read, or NULL */
    pid_t maker;             /* of the folder */
    atomic_uint numbers;     /* of listings, given out so far */
};

#define CONTEXT_MAGIC 0x436e6957u /* "WinC" */
#define CONTEXT_MAX_THREADS 256

static inline bool context_ok(const wn_context *c) {
    return c && c->magic == CONTEXT_MAGIC;
}

/* A copy in the context's memory; NULL has none, and its free does nothing. false: no memory. */
bool wn_copy_path(wn_context *c, const char *path, char **copy);
void wn_free_path(wn_context *c, char *path);
/* Drop all that the cache keeps (cache.c, eval.c). */
void wn_cache_clear(wn_context *c);
void wn_eval_clear(wn_context *c);
/* A folder for listings in this one, and its end, when no kernel is left (observe.c). */
void wn_listings_make(wn_context *c, const char *directory);
void wn_listings_remove(wn_context *c);
/* End and join the threads (threads.c). NULL does nothing. */
void wn_pool_free(wn_context *c, thread_pool *pool);

#endif
