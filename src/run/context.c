/*
 * context.c - the root of everything: memory, messages, and what lives as long as a program uses the library.
 *
 * All memory comes from one function of the user's, which is told the old size; so every owner here knows the size of what it
 * owns. A block of 0 bytes is one of 1 byte, so that NULL always means that memory ran out.
 */
#include "run/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

WN_API const char *wn_version(void) {
    return VERSION_TEXT(WN_VERSION_MAJOR, WN_VERSION_MINOR, WN_VERSION_PATCH);
}

/* ---- Statuses and messages --------------------------------------------------------------------------------------- */

WN_API const char *wn_status_name(wn_status status) {
    static const char *const names[] = {
#define WN_X(code, name, doc) name,
        WN_STATUSES(WN_X)
#undef WN_X
    };
    return (size_t)status < sizeof names / sizeof *names ? names[status] : "unknown status";
}

wn_status wn_fail(wn_error *error, wn_status status, const char *format, ...) {
    if (!error) return status;
    va_list args;
    va_start(args, format);
    error->status = status;
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return status;
}

void wn_log(wn_context *c, wn_log_level level, const char *format, ...) {
    if (!c->log) return;
    char text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->log(c->log_user, level, text);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static void *allocate_by_malloc(void *user, void *pointer, size_t old_size, size_t new_size) {
    (void)user, (void)old_size;
    if (new_size) return realloc(pointer, new_size);
    free(pointer);
    return NULL;
}

static size_t block_size(size_t size) {
    return size ? size : 1;
}

void *wn_allocate(wn_context *c, size_t size) {
    return c->allocate(c->allocate_user, NULL, 0, block_size(size));
}

void *wn_reallocate(wn_context *c, void *p, size_t old_size, size_t new_size) {
    size_t old = p ? block_size(old_size) : 0;
    return c->allocate(c->allocate_user, p, old, block_size(new_size));
}

void wn_release(wn_context *c, void *p, size_t size) {
    if (p) c->allocate(c->allocate_user, p, block_size(size), 0);
}

bool wn_grow(wn_context *c, void **array, uint32_t *room, size_t count, size_t size) {
    if (count <= *room) return true;
    if (count > UINT32_MAX / 2) return false;
    uint32_t new_room = *room ? *room : 8;
    while (new_room < count)
        new_room *= 2;
    size_t bytes;
    if (__builtin_mul_overflow((size_t)new_room, size, &bytes)) return false;
    void *grown = wn_reallocate(c, *array, *room * size, bytes);
    if (!grown) return false;
    *array = grown;
    *room = new_room;
    return true;
}

/* ---- The context ------------------------------------------------------------------------------------------------- */

/* The options as this version knows them: what an older program's struct lacks is 0. false: not an options struct. */
static bool read_options(const wn_context_options *given, wn_context_options *options) {
    memset(options, 0, sizeof *options);
    if (given) {
        if (given->size < sizeof given->size) return false;
        memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
    }
    if (!options->allocate) options->allocate = allocate_by_malloc;
    if (!options->cache_bytes) options->cache_bytes = CACHE_BYTES;
    if (!options->cache_directory_bytes) options->cache_directory_bytes = CACHE_DIRECTORY_BYTES;
    if (options->threads < 1) options->threads = 1;
    if (options->threads > CONTEXT_MAX_THREADS) options->threads = CONTEXT_MAX_THREADS;
    return true;
}

bool wn_copy_path(wn_context *c, const char *path, char **copy) {
    if (!path) return true;
    size_t size = strlen(path) + 1;
    *copy = wn_allocate(c, size);
    if (*copy) memcpy(*copy, path, size);
    return *copy != NULL;
}

void wn_free_path(wn_context *c, char *path) {
    if (path) wn_release(c, path, strlen(path) + 1);
}

static bool make_locks(wn_context *c) {
    if (pthread_mutex_init(&c->mutex, NULL) != 0) return false;
    if (pthread_cond_init(&c->cache.made, NULL) == 0) return true;
    pthread_mutex_destroy(&c->mutex);
    return false;
}

static void free_context(wn_context *c) {
    wn_free_path(c, c->llvm_library);
    wn_free_path(c, c->cache_directory);
    c->magic = 0;
    wn_release(c, c, sizeof *c);
}

WN_API wn_context *wn_context_new_abi(uint32_t abi_version, const wn_context_options *given) {
    wn_context_options options;
    if (abi_version != WN_ABI_VERSION || !read_options(given, &options)) return NULL;
    wn_context *c = options.allocate(options.allocate_user, NULL, 0, sizeof *c);
    if (!c) return NULL;
    *c = (wn_context){
        .magic = CONTEXT_MAGIC,
        .allocate = options.allocate,
        .allocate_user = options.allocate_user,
        .log = options.log,
        .log_user = options.log_user,
        .threads = options.threads,
        .cache_directory_bytes = options.cache_directory_bytes,
        .parallel_least = PARALLEL_LEAST,
        .parallel_for = options.parallel_for,
        .parallel_for_user = options.parallel_for_user,
    };
    c->cache.most_bytes = options.cache_bytes;
    if (!wn_target_resolve(WN_ISA_NATIVE, &c->native))
        c->native = (wn_target){.isa = WN_ISA_NATIVE};
    if (wn_copy_path(c, options.llvm_library, &c->llvm_library) &&
        wn_copy_path(c, options.cache_directory, &c->cache_directory) && make_locks(c)) {
        c->perf_map = options.perf_map;
        c->debugger = options.debugger_directory != NULL;
        if (c->debugger) wn_listings_make(c, options.debugger_directory);
        return c;
    }
    free_context(c);
    return NULL;
}

bool wn_context_ok(const wn_context *c) {
    return context_ok(c);
}

WN_API void wn_context_free(wn_context *c) {
    if (!context_ok(c)) return;
    wn_pool_free(c, c->pool);
    wn_eval_clear(c);
    wn_cache_clear(c);
    wn_listings_remove(c);
    pthread_cond_destroy(&c->cache.made);
    pthread_mutex_destroy(&c->mutex);
    free_context(c);
}
