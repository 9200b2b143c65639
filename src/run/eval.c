/*
 * eval.c - wn_eval: from text to result in one call, and the kernels that a context keeps for texts.
 *
 * A text is known again by the text itself and by its inputs' names, types and ranks, written one after the other into one key.
 * Lengths are left open, so that arrays of any length share a kernel.
 */
#include "run/kernel.h"

#include <string.h>

#define MAX_EVALS 256

struct eval_entry {
    eval_entry *next;
    wn_kernel *kernel;
    size_t length;
    char key[];
};

static void free_entry(wn_context *c, eval_entry *e) {
    wn_kernel_free(e->kernel);
    wn_release(c, e, sizeof *e + e->length);
}

void wn_eval_clear(wn_context *c) {
    while (c->cache.evals) {
        eval_entry *e = c->cache.evals;
        c->cache.evals = e->next;
        free_entry(c, e);
    }
    c->cache.eval_count = 0;
}

/* ---- The key -------------------------------------------------------------------------------------------------------- */

/* A bitmap is an array of bool. */
static wn_type value_type(const wn_array *a) {
    return a->type == WN_BITMAP ? WN_BOOL : a->type;
}

static void write_key(wn_buffer *b, const char *text, const char *const *names,
                      const wn_array *inputs, size_t count) {
    for (size_t i = 0; i < count; i++)
        wn_buffer_add(b, "%s:%s:%d,", names[i], wn_type_name(value_type(&inputs[i])), inputs[i].rank);
    wn_buffer_add(b, ";%s", text);
}

static bool is_key(const eval_entry *e, const wn_buffer *key) {
    return e->length == key->length && memcmp(e->key, key->text, e->length) == 0;
}

static wn_kernel *find_kernel(wn_context *c, const wn_buffer *key) {
    wn_kernel *found = NULL;
    pthread_mutex_lock(&c->mutex);
    eval_entry **link = &c->cache.evals;
    while (*link && !is_key(*link, key))
        link = &(*link)->next;
    eval_entry *e = *link;
    if (e) {
        *link = e->next;
        e->next = c->cache.evals;
        c->cache.evals = e;
        found = e->kernel;
        kernel_keep(found);
    }
    pthread_mutex_unlock(&c->mutex);
    return found;
}

/* Unlink the last entry. The mutex is held. */
static eval_entry *take_last(kernel_cache *cache) {
    eval_entry **link = &cache->evals;
    while ((*link)->next)
        link = &(*link)->next;
    eval_entry *last = *link;
    *link = NULL;
    cache->eval_count--;
    return last;
}

/* Remember a kernel. Without memory it is compiled again next time; two entries of one key do no harm. */
static void keep_kernel(wn_context *c, const wn_buffer *key, wn_kernel *kernel) {
    eval_entry *e = wn_allocate(c, sizeof *e + key->length), *last = NULL;
    if (!e) return;
    *e = (eval_entry){.kernel = kernel, .length = key->length};
    memcpy(e->key, key->text, key->length);
    kernel_keep(kernel);
    pthread_mutex_lock(&c->mutex);
    e->next = c->cache.evals;
    c->cache.evals = e;
    if (++c->cache.eval_count > MAX_EVALS) last = take_last(&c->cache);
    pthread_mutex_unlock(&c->mutex);
    if (last) free_entry(c, last);
}

/* ---- The call ------------------------------------------------------------------------------------------------------- */

static void declare_inputs(wn_graph *g, const char *const *names, const wn_array *inputs, size_t count) {
    const int64_t dims[WN_MAX_RANK] = {WN_ANY, WN_ANY, WN_ANY, WN_ANY,
                                       WN_ANY, WN_ANY, WN_ANY, WN_ANY};
    for (size_t i = 0; i < count; i++)
        wn_input_dims(g, names[i], value_type(&inputs[i]), inputs[i].rank, dims);
}

static wn_kernel *compile_text(wn_context *c, const char *text, const char *const *names,
                               const wn_array *inputs, size_t count, wn_error *error) {
    wn_graph *g = wn_graph_new(c);
    if (!g) {
        wn_fail(error, WN_ERROR_MEMORY, "eval: out of memory");
        return NULL;
    }
    declare_inputs(g, names, inputs, count);
    wn_parse(g, text, strlen(text));
    wn_kernel *k = wn_compile(g, NULL);
    if (!k) wn_fail(error, wn_graph_status(g), "%s", wn_graph_error(g));
    wn_graph_free(g);
    return k;
}

static wn_status check_arguments(wn_context *c, const char *text, const char *const *names,
                                 const wn_array *inputs, size_t count, wn_error *error) {
    if (!context_ok(c))
        return wn_fail(error, WN_ERROR_ARGUMENT, "eval: the context is NULL or not one");
    if (!text) return wn_fail(error, WN_ERROR_ARGUMENT, "eval: the text is NULL");
    if (count && (!names || !inputs))
        return wn_fail(error, WN_ERROR_ARGUMENT, "eval: names or inputs is NULL");
    for (size_t i = 0; i < count; i++)
        if (!names[i])
            return wn_fail(error, WN_ERROR_ARGUMENT, "eval: the name of input %zu is NULL", i);
    return WN_OK;
}

WN_API wn_status wn_eval(wn_context *c, const char *text, const char *const *names,
                         const wn_array *inputs, size_t input_count, wn_array *outputs,
                         size_t output_count, wn_error *error) {
    wn_status status = check_arguments(c, text, names, inputs, input_count, error);
    if (status != WN_OK) return status;
    wn_error own = {WN_ERROR_MEMORY, "eval: out of memory"};
    wn_buffer key = {.context = c};
    write_key(&key, text, names, inputs, input_count);
    wn_kernel *k = key.failed ? NULL : find_kernel(c, &key);
    if (!k && !key.failed) {
        k = compile_text(c, text, names, inputs, input_count, &own);
        if (k) keep_kernel(c, &key, k);
    }
    wn_buffer_free(&key);
    if (!k) return wn_fail(error, own.status, "%s", own.message);
    status = wn_call(k, inputs, input_count, outputs, output_count, error);
    wn_kernel_free(k);
    return status;
}
