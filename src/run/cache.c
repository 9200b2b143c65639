/*
 * cache.c - the kernels that a context has compiled, found by their keys; the least recently used go when they take too much memory.
 *
 * An entry is in the table from the moment that its kernel is wanted: the thread that put it there makes the kernel, others wait for it
 * and get what became of it, a failure too. So nothing is compiled twice, and as making a kernel waits for no other, no
 * two threads wait for each other. A failure is forgotten when all have heard of it.
 *
 * Invariants, under the context's mutex: an entry that is in the list of uses is done and has a kernel, which the cache owns once, as
 * a user does; one that is not in the table is freed by the last that uses it.
 */
#include "run/kernel.h"

#include <string.h>

struct cache_entry {
    cache_entry *chain;         /* in the table */
    cache_entry *newer, *older; /* in the list of uses */
    uint64_t hash;
    wn_kernel *kernel; /* NULL: not made yet, or never */
    wn_error error;    /* why it was not made */
    size_t bytes;      /* roughly */
    uint32_t users;    /* threads that make it or wait for it */
    bool done, kept;   /* made, or failed; in the table */
    size_t count;
    uint64_t key[];
};

static size_t entry_size(size_t count) {
    return sizeof(cache_entry) + count * sizeof(uint64_t);
}

static cache_entry *new_entry(wn_context *c, const wn_key *key, uint64_t hash) {
    cache_entry *e = wn_allocate(c, entry_size(key->count));
    if (!e) return NULL;
    *e = (cache_entry){.hash = hash, .count = key->count};
    memcpy(e->key, key->words, key->count * sizeof *e->key);
    return e;
}

static void free_entry(wn_context *c, cache_entry *e) {
    wn_kernel_free(e->kernel);
    wn_release(c, e, entry_size(e->count));
}

/* What was cut off the list of uses, and the entries that no one uses are gone for good. The mutex is not held. */
static void free_entries(wn_context *c, cache_entry *e) {
    while (e) {
        cache_entry *older = e->older;
        free_entry(c, e);
        e = older;
    }
}

/* ---- The table and the list of uses: the mutex is held ----------------------------------------------------------------- */

static cache_entry **find(kernel_cache *cache, const wn_key *key, uint64_t hash) {
    cache_entry **link = &cache->table[hash % CACHE_CHAINS];
    for (cache_entry *e; (e = *link); link = &e->chain)
        if (e->hash == hash && e->count == key->count &&
            memcmp(e->key, key->words, key->count * sizeof *e->key) == 0)
            break;
    return link;
}

static void forget(kernel_cache *cache, cache_entry *e) {
    cache_entry **link = &cache->table[e->hash % CACHE_CHAINS];
    while (*link != e)
        link = &(*link)->chain;
    *link = e->chain;
    e->kept = false;
}

static void unlink_use(kernel_cache *cache, cache_entry *e) {
    *(e->newer ? &e->newer->older : &cache->newest) = e->older;
    *(e->older ? &e->older->newer : &cache->oldest) = e->newer;
}

static void link_newest(kernel_cache *cache, cache_entry *e) {
    e->newer = NULL;
    e->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = e;
    cache->newest = e;
}

/* Take out the least recently used until the rest fits. Returns those to free, linked by `older`. */
static cache_entry *cut(kernel_cache *cache) {
    cache_entry *gone = NULL;
    while (cache->bytes > cache->most_bytes) {
        cache_entry *e = cache->oldest;
        unlink_use(cache, e);
        forget(cache, e);
        cache->bytes -= e->bytes;
        if (e->users) continue; /* who waits for it frees it */
        e->older = gone;
        gone = e;
    }
    return gone;
}

/* No longer used by this thread. Returns the entry if that makes it garbage. */
static cache_entry *leave(cache_entry *e) {
    if (--e->users || e->kept) return NULL;
    e->older = NULL;
    return e;
}

/* Its kernel, waited for if another thread is about it. */
static wn_status take(wn_context *c, cache_entry *e, wn_kernel **kernel, wn_error *error,
                      cache_entry **garbage) {
    e->users++;
    while (!e->done)
        pthread_cond_wait(&c->cache.made, &c->mutex);
    *kernel = e->kernel;
    if (e->kernel) {
        kernel_keep(e->kernel);
        if (e->kept && c->cache.newest != e) {
            unlink_use(&c->cache, e);
            link_newest(&c->cache, e);
        }
    } else if (error) {
        *error = e->error;
    }
    wn_status status = e->error.status;
    *garbage = leave(e);
    return status;
}

/* ---- Making ---------------------------------------------------------------------------------------------------------------- */

static wn_status make(wn_context *c, cache_entry *e, const kernel_recipe *recipe,
                      wn_kernel **kernel, wn_error *error) {
    wn_error own = {WN_OK, ""};
    kernel_cache *cache = &c->cache;
    wn_status status = wn_kernel_make(recipe, kernel, &own);
    pthread_mutex_lock(&c->mutex);
    e->done = true;
    e->kernel = *kernel;
    e->error = own;
    if (e->kernel) {
        kernel_keep(e->kernel);
        e->bytes = e->kernel->bytes + entry_size(e->count);
        cache->bytes += e->bytes;
        link_newest(cache, e);
    } else {
        forget(cache, e);
    }
    cache_entry *garbage = cut(cache), *self = leave(e);
    if (self) {
        self->older = garbage;
        garbage = self;
    }
    pthread_cond_broadcast(&cache->made);
    pthread_mutex_unlock(&c->mutex);
    free_entries(c, garbage);
    return status == WN_OK ? WN_OK : wn_fail(error, own.status, "%s", own.message);
}

wn_status wn_cache_get(wn_context *c, const wn_key *key, uint64_t hash, const kernel_recipe *recipe,
                       wn_kernel **kernel, wn_error *error) {
    cache_entry *fresh = NULL, *garbage = NULL;
    pthread_mutex_lock(&c->mutex);
    cache_entry **link = find(&c->cache, key, hash), *found = *link;
    if (!found) { /* no one else's code is called with the mutex held */
        pthread_mutex_unlock(&c->mutex);
        fresh = new_entry(c, key, hash);
        if (!fresh) return wn_fail(error, WN_ERROR_MEMORY, "compile: out of memory");
        pthread_mutex_lock(&c->mutex);
        link = find(&c->cache, key, hash);
        found = *link;
    }
    if (found) {
        wn_status status = take(c, found, kernel, error, &garbage);
        pthread_mutex_unlock(&c->mutex);
        free_entries(c, garbage);
        if (fresh) free_entry(c, fresh);
        return status;
    }
    fresh->kept = true;
    fresh->users = 1;
    *link = fresh;
    pthread_mutex_unlock(&c->mutex);
    return make(c, fresh, recipe, kernel, error);
}

void wn_cache_clear(wn_context *c) {
    free_entries(c, c->cache.newest);
    memset(c->cache.table, 0, sizeof c->cache.table);
    c->cache.newest = c->cache.oldest = NULL;
    c->cache.bytes = 0;
}
