/*
 * test_cache.c - the kernels that a context keeps: found again, made once, let go when they take too much.
 */
#include "graph_fixture.h"

#include "run/kernel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define THREADS 8

static wn_kernel *compile(wn_context *c, const char *text, wn_engine engine, wn_status *status) {
    wn_compile_options options = {.size = sizeof options, .engine = engine};
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    wn_kernel *k = wn_compile(g, &options);
    if (status) *status = wn_graph_status(g);
    wn_graph_free(g);
    return k;
}

/* ---- Many threads want one kernel -------------------------------------------------------------------------------------- */

typedef struct wanting {
    wn_context *context;
    pthread_barrier_t *start;
    wn_engine engine;
    wn_kernel *kernel;
    wn_status status;
} wanting;

/* Heard whenever a kernel is made, and slow, so that the other threads come meanwhile. */
static void count_makings(void *user, wn_log_level level, const char *message) {
    const struct timespec while_ = {.tv_nsec = 50 * 1000 * 1000};
    if (level != WN_LOG_WARNING || !strstr(message, "interpreted")) return;
    atomic_fetch_add((atomic_int *)user, 1);
    nanosleep(&while_, NULL);
}

static void *want(void *state) {
    wanting *w = state;
    pthread_barrier_wait(w->start);
    w->kernel = compile(w->context, "input x: f32[?]; x * 3", w->engine, &w->status);
    return NULL;
}

static void want_together(wn_context *c, wn_engine engine, wanting *w) {
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        w[i] = (wanting){.context = c, .start = &start, .engine = engine};
        assert_int_equal(pthread_create(&threads[i], NULL, want, &w[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
}

static void eight_threads_make_one_kernel(void **state) {
    (void)state;
    atomic_int makings = 0;
    wanting w[THREADS];
    wn_context_options options = {.size = sizeof options,
                                  .log = count_makings,
                                  .log_user = &makings,
                                  .llvm_library = "/nowhere/libwinnow-llvm.so"};
    wn_context *c = wn_context_new(&options);
    want_together(c, WN_ENGINE_AUTO, w);
    for (int i = 0; i < THREADS; i++) {
        assert_non_null(w[i].kernel);
        assert_ptr_equal(w[i].kernel, w[0].kernel);
    }
    if (wn_kernel_engine(w[0].kernel) == WN_ENGINE_INTERPRETER) assert_int_equal(makings, 1);
    for (int i = 0; i < THREADS; i++)
        wn_kernel_free(w[i].kernel);
    wn_context_free(c);
}

static void a_failure_is_told_to_all_and_forgotten(void **state) {
    (void)state;
    wanting w[THREADS];
    wn_context_options options = {.size = sizeof options, .llvm_library = "/nowhere/libwinnow-llvm.so"};
    wn_context *c = wn_context_new(&options);
    for (int round = 0; round < 50; round++) {
        want_together(c, WN_ENGINE_JIT, w);
        for (int i = 0; i < THREADS; i++) {
            if (w[i].kernel) { /* LLVM is linked in */
                assert_ptr_equal(w[i].kernel, w[0].kernel);
                wn_kernel_free(w[i].kernel);
            } else {
                assert_int_equal(w[i].status, WN_ERROR_COMPILER);
            }
        }
    }
    assert_int_equal(c->cache.bytes == 0, !w[0].kernel);
    wn_context_free(c);
}

/* ---- What is kept ------------------------------------------------------------------------------------------------------ */

static wn_kernel *numbered(wn_context *c, int number) {
    char text[64];
    snprintf(text, sizeof text, "input x: f32[?]; x + %d", number);
    wn_kernel *k = compile(c, text, WN_ENGINE_INTERPRETER, NULL);
    assert_non_null(k);
    return k;
}

static void the_least_recently_used_goes(void **state) {
    (void)state;
    wn_context *c = wn_context_new(NULL);
    wn_kernel_free(numbered(c, 0));
    wn_context_options options = {.size = sizeof options, .cache_bytes = c->cache.bytes * 7 / 2};
    wn_context_free(c);
    c = wn_context_new(&options); /* room for three */
    wn_kernel *k[4];
    for (int i = 0; i < 3; i++)
        k[i] = numbered(c, i);
    wn_kernel_free(numbered(c, 0)); /* so that 1 is the oldest */
    k[3] = numbered(c, 3);
    assert_true(c->cache.bytes <= options.cache_bytes);
    for (int i = 0; i < 4; i++) { /* looking for 1 makes it again, and sends 2 away: it is looked for last */
        static const int order[] = {0, 3, 2, 1};
        wn_kernel *again = numbered(c, order[i]);
        assert_int_equal(again == k[order[i]], order[i] != 1);
        wn_kernel_free(again);
    }
    for (int i = 0; i < 4; i++)
        wn_kernel_free(k[i]);
    wn_context_free(c);
}

/* Whatever the hash says, keys are compared in full. */
static void equal_hashes_are_not_equal_kernels(void **state) {
    (void)state;
    fixture f = set_up();
    wn_kernel *made[3];
    static const char *const texts[] = {"input x: f32[?]; x + 1", "input x: f32[?]; x + 2",
                                        "input x: f32[?]; x + 1"};
    for (int i = 0; i < 3; i++) {
        wn_graph *g = wn_graph_new(f.context);
        wn_parse(g, texts[i], strlen(texts[i]));
        kernel_recipe recipe = {.graph = g, .engine = WN_ENGINE_INTERPRETER};
        wn_key key;
        wn_key_begin(&key, f.context);
        wn_key_add_graph(&key, g);
        assert_int_equal(wn_cache_get(f.context, &key, 7, &recipe, &made[i], NULL), WN_OK);
        wn_key_end(&key);
        wn_graph_free(g);
    }
    assert_ptr_not_equal(made[0], made[1]);
    assert_ptr_equal(made[0], made[2]);
    for (int i = 0; i < 3; i++)
        wn_kernel_free(made[i]);
    tear_down(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_threads_make_one_kernel),
        cmocka_unit_test(a_failure_is_told_to_all_and_forgotten),
        cmocka_unit_test(the_least_recently_used_goes),
        cmocka_unit_test(equal_hashes_are_not_equal_kernels),
    };
    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
