/*
 * cache.c - the kernels that a context has compiled, the latest used first; the least used go when they take too much memory.
 *
 * A kernel is found by its graph copy, the engine that was asked for, the target, and which arrays are bitmaps. The cache owns each once, as a user does.
 */
#include "run/kernel.h"

#include <string.h>

#define CACHE_BYTES ((size_t)64 << 20)

/* Of kernels of one graph. */
static bool same_bitmaps(const wn_kernel *a, const wn_kernel *b) {
    size_t count = (size_t)a->graph->input_count + a->graph->output_count;
    return a->bitmaps && b->bitmaps ? memcmp(a->bitmaps, b->bitmaps, count * sizeof *a->bitmaps) == 0
                                    : a->bitmaps == b->bitmaps;
}

static bool same_key(const wn_kernel *a, const wn_kernel *b) {
    return a->hash == b->hash && a->wanted == b->wanted &&
           a->wanted_target.isa == b->wanted_target.isa &&
           a->wanted_target.vbmi2 == b->wanted_target.vbmi2 && wn_graph_equal(a->graph, b->graph) &&
           same_bitmaps(a, b);
}

/* The kernel with this key, moved to the front. The mutex is held. */
static wn_kernel *find(kernel_cache *cache, const wn_kernel *like) {
    wn_kernel **link = &cache->first;
    while (*link && !same_key(*link, like))
        link = &(*link)->next;
    wn_kernel *k = *link;
    if (!k) return NULL;
    *link = k->next;
    k->next = cache->first;
    cache->first = k;
    kernel_keep(k);
    return k;
}

/* Cut the list where it becomes too long; the first stays in any case. Returns what was cut off. */
static wn_kernel *cut(kernel_cache *cache) {
    wn_kernel *last = cache->first;
    size_t bytes = last->bytes;
    while (last->next && bytes + last->next->bytes <= CACHE_BYTES) {
        last = last->next;
        bytes += last->bytes;
    }
    wn_kernel *rest = last->next;
    last->next = NULL;
    cache->bytes = bytes;
    return rest;
}

static void free_list(wn_kernel *k) {
    while (k) {
        wn_kernel *next = k->next;
        wn_kernel_free(k);
        k = next;
    }
}

wn_kernel *wn_cache_find(wn_context *c, const wn_kernel *like) {
    pthread_mutex_lock(&c->mutex);
    wn_kernel *found = find(&c->cache, like);
    pthread_mutex_unlock(&c->mutex);
    return found;
}

wn_kernel *wn_cache_add(wn_context *c, wn_kernel *k) {
    kernel_cache *cache = &c->cache;
    pthread_mutex_lock(&c->mutex);
    wn_kernel *found = find(cache, k), *rest = NULL;
    if (!found) {
        kernel_keep(k);
        k->next = cache->first;
        cache->first = k;
        cache->bytes += k->bytes;
        if (cache->bytes > CACHE_BYTES) rest = cut(cache);
    }
    pthread_mutex_unlock(&c->mutex);
    free_list(rest);
    if (!found) return k;
    wn_kernel_free(k);
    return found;
}

void wn_cache_clear(wn_context *c) {
    free_list(c->cache.first);
    c->cache = (kernel_cache){0};
}
