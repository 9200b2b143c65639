/*
 * test_threads.c - one kernel and one context used by many threads at once, and runs that are cut for threads.
 *
 * A result must not depend on how many threads made it, to the bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "layouts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 40

/* ---- Many threads, one context ----------------------------------------------------------------------------------- */

typedef struct user {
    wn_context *context;
    wn_kernel *shared;
    int number;
    const char *wrong; /* NULL: all was well */
} user;

static const char *const shared_text = "input x: f32[?]; output n = x[x < 0]; output y = x * 2;";

static const char *run_shared(const user *u, int round) {
    float x[1000] = {0}, y[1000];
    int64_t length = 1 + (u->number * 131 + round * 17) % 1000, negative = 0;
    for (int64_t i = 0; i < length; i++) {
        x[i] = (float)((i * 7 + u->number) % 13 - 6);
        negative += x[i] < 0;
    }
    wn_array in = wn_vector(WN_F32, x, length);
    wn_array out[] = {{0}, wn_vector(WN_F32, y, length)};
    if (wn_call(u->shared, &in, 1, out, 2, NULL) != WN_OK) return "wn_call failed";
    bool right = out[0].shape[0] == negative;
    for (int64_t i = 0; i < length; i++)
        right &= y[i] == x[i] * 2;
    wn_array_free(u->context, &out[0]);
    return right ? NULL : "a result is wrong";
}

/* Texts that some threads share and some do not, so that the cache is filled, searched and cut at once. */
static const char *run_own(const user *u, int round) {
    char text[64];
    float x[] = {1, 2, 3}, y[3];
    const char *names[] = {"x"};
    int added = (u->number / 2 + round) % 12;
    wn_array in = wn_vector(WN_F32, x, 3), out = wn_vector(WN_F32, y, 3);
    snprintf(text, sizeof text, "x + %d", added);
    if (wn_eval(u->context, text, names, &in, 1, &out, 1, NULL) != WN_OK) return "wn_eval failed";
    return y[2] == (float)(3 + added) ? NULL : "a result of wn_eval is wrong";
}

static void *use(void *state) {
    user *u = state;
    for (int round = 0; round < ROUNDS && !u->wrong; round++) {
        u->wrong = run_shared(u, round);
        if (!u->wrong) u->wrong = run_own(u, round);
    }
    return NULL;
}

/* The work of several threads with one kernel, in a context that has threads of its own. */
static void work_together(int32_t context_threads, void *(*work)(void *)) {
    wn_context *c = compare_context(context_threads);
    wn_kernel *k = compare_compile_text(c, shared_text, WN_ENGINE_AUTO);
    pthread_t threads[THREADS];
    user users[THREADS];
    for (int i = 0; i < THREADS; i++) {
        users[i] = (user){c, k, i, NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &users[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        if (users[i].wrong) fail_msg("thread %d: %s", i, users[i].wrong);
    wn_kernel_free(k);
    wn_context_free(c);
}

static void threads_share_a_context_and_a_kernel(void **state) {
    (void)state;
    work_together(1, use);
}

/* ---- One run, many threads ---------------------------------------------------------------------------------------- */

static const char *const texts[] = {
    "input x: f32[?, ?]; input w: f32[?]; where(x < w, x * w, w)",
    ("input x: f32[?, ?]; input w: f32[?]; output a = x[x < w]; output b = (x + w)[x < w]; output "
     "c "
     "= nonzero(x < w);"),
    "input x: f32[?, ?]; input w: f32[?]; output a = x[w < 0 | x == x]; output b = x - w;",
    "input x: f32[?, ?]; input w: f32[?]; x[:, w < 0] * 2",
};

/* Frees the context. */
static void run_text(wn_context *c, const char *text, const wn_array *in, wn_array *out, size_t *count) {
    wn_error error;
    wn_kernel *k = compare_compile_text(c, text, WN_ENGINE_AUTO);
    *count = (size_t)wn_kernel_output_count(k);
    wn_array given[3] = {{0}};
    compare_expect_ok(wn_call(k, in, 2, given, *count, &error), &error);
    for (size_t i = 0; i < *count;
         i++) { /* into memory that outlives the context; a second run has the caller's arrays */
        size_t bytes = (size_t)compare_count(&given[i]) * wn_type_size(given[i].type);
        out[i] = wn_array_of(given[i].type, malloc(bytes + 1), given[i].rank, given[i].shape);
        memset(out[i].data, 0xA5, bytes + 1);
    }
    compare_expect_ok(wn_call(k, in, 2, out, *count, &error), &error);
    for (size_t i = 0; i < *count; i++) {
        compare_expect_equal(&out[i], &given[i], text);
        size_t bytes = (size_t)compare_count(&out[i]) * wn_type_size(out[i].type);
        assert_int_equal(((uint8_t *)out[i].data)[bytes], 0xA5);
        wn_array_free(c, &given[i]);
    }
    wn_kernel_free(k);
    wn_context_free(c);
}

static void results_do_not_depend_on_threads(void **state) {
    static const int64_t shapes[][2] = {{1, 65536}, {70001, 3}, {400, 1001}};
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        uint64_t seed = s;
        for (layout l = LAYOUT_CONTIGUOUS; l <= LAYOUT_TRANSPOSED; l = (layout)(l + 2)) {
            placed x = layout_place(WN_F32, 2, shapes[s], l, AT_END);
            placed w = layout_place(WN_F32, 1, shapes[s] + 1, l, AT_END);
            layout_fill(&x.array, &seed);
            layout_fill(&w.array, &seed);
            for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
                wn_array in[] = {x.array, w.array}, one[3], many[3];
                size_t count;
                run_text(compare_context(1), texts[t], in, one, &count);
                for (int32_t threads = 2; threads <= 5; threads += 3) {
                    run_text(compare_context(threads), texts[t], in, many, &count);
                    for (size_t i = 0; i < count; i++) {
                        compare_expect_equal(&many[i], &one[i], texts[t]);
                        free(many[i].data);
                    }
                }
                for (size_t i = 0; i < count; i++)
                    free(one[i].data);
            }
            layout_unplace(&x);
            layout_unplace(&w);
        }
    }
}

/* ---- Many runs on a context's threads ------------------------------------------------------------------------------ */

static void *run_large(void *state) {
    user *u = state;
    int64_t n = 200000;
    float *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(i % 1000);
    wn_array in = wn_vector(WN_F32, x, n), out[] = {wn_vector(WN_F32, y, n), wn_vector(WN_F32, y, n)};
    out[0] = wn_vector(WN_F32, y, 0);
    out[0].data = NULL;
    for (int round = 0; round < 10 && !u->wrong; round++) {
        if (wn_call(u->shared, &in, 1, out, 2, NULL) != WN_OK) u->wrong = "wn_call failed";
        if (!u->wrong && (y[n - 1] != x[n - 1] * 2 || out[0].shape[0] != 0))
            u->wrong = "a result is wrong";
        wn_array_free(u->context, &out[0]);
    }
    free(x);
    free(y);
    return NULL;
}

static void runs_share_a_contexts_threads(void **state) {
    (void)state;
    work_together(3, run_large);
}

/* ---- A process that is forked -------------------------------------------------------------------------------------- */

#if defined(__SANITIZE_THREAD__)
#define CAN_FORK false /* ThreadSanitizer ends a child that starts threads */
#else
#define CAN_FORK true
#endif

#define FORKED 200000

/* What a child does: free the context at once; or first run on its threads, maybe fork in turn. */
enum { CHILD_FREES, CHILD_RUNS, CHILD_FORKS };

static bool run_forked(wn_binding *b, float *x, const float *y) {
    for (int round = 0; round < 3; round++) {
        x[0] = (float)round;
        if (wn_run(b, NULL) != WN_OK || y[0] != (float)(2 * round) || y[FORKED - 1] != 2)
            return false;
    }
    return true;
}

static bool fork_and(int what, wn_context *c, wn_kernel *k, wn_binding *b, float *x, const float *y) {
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20); /* a child that waits for a thread is ended */
        bool right = what == CHILD_FREES || run_forked(b, x, y);
        if (what == CHILD_FORKS) right &= fork_and(CHILD_RUNS, c, k, b, x, y);
        wn_binding_free(b);
        wn_kernel_free(k);
        wn_context_free(c);
        _exit(right ? 0 : 1);
    }
    waitpid(child, &status, 0);
    return status == 0;
}

static void a_forked_process_has_threads_of_its_own(void **state) {
    (void)state;
    float *x = malloc(FORKED * sizeof *x), *y = malloc(FORKED * sizeof *y);
    for (int i = 0; i < FORKED; i++)
        x[i] = 1;
    wn_context *c = compare_context(3);
    wn_kernel *k = compare_compile_text(c, "input x: f32[?]; x * 2", COMPARE_ENGINE);
    wn_array in = wn_vector(WN_F32, x, FORKED), out = wn_vector(WN_F32, y, FORKED);
    wn_binding *b;
    assert_int_equal(wn_bind(k, &in, 1, &out, 1, &b, NULL), WN_OK);
    assert_true(run_forked(b, x, y));
    for (int what = CHILD_FREES; CAN_FORK && what <= CHILD_FORKS; what++) {
        if (!fork_and(what, c, k, b, x, y)) fail_msg("child %d hung or was wrong", what);
        assert_true(run_forked(b, x, y));
    }
    wn_binding_free(b);
    wn_kernel_free(k);
    wn_context_free(c);
    free(x);
    free(y);
}

/* ---- The program's own threads --------------------------------------------------------------------------------------- */

typedef struct host host;
typedef void (*loop_body)(void *body_user, size_t index);

struct host {
    void (*loop)(host *h, size_t count, loop_body body, void *body_user);
    atomic_int calls;
    wn_binding *inner; /* run from inside the loop */
};

static void no_call(host *h, size_t count, loop_body body, void *body_user) {
    (void)h, (void)count, (void)body, (void)body_user;
}

static void one_after_another(host *h, size_t count, loop_body body, void *body_user) {
    (void)h;
    for (size_t i = 0; i < count; i++)
        body(body_user, i);
}

static void backwards_and_twice(host *h, size_t count, loop_body body, void *body_user) {
    (void)h;
    for (size_t i = 2 * count; i-- > 0;)
        body(body_user, i / 2);
}

typedef struct call {
    loop_body body;
    void *body_user;
    size_t index;
} call;

static void *make_call(void *state) {
    const call *c = state;
    c->body(c->body_user, c->index);
    return NULL;
}

#define MANY 16

/* Every call on a thread of its own, four times: more at once than there are workers. */
static void all_at_once(host *h, size_t count, loop_body body, void *body_user) {
    pthread_t threads[MANY];
    call calls[MANY];
    size_t made = count * 4 < MANY ? count * 4 : MANY;
    (void)h;
    for (size_t i = 0; i < made; i++) {
        calls[i] = (call){body, body_user, i / 4};
        assert_int_equal(pthread_create(&threads[i], NULL, make_call, &calls[i]), 0);
    }
    for (size_t i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
}

/* Another run of the context in the middle of this one; its own loop nests no deeper. */
static void another_run_within(host *h, size_t count, loop_body body, void *body_user) {
    wn_binding *inner = h->inner;
    h->inner = NULL;
    if (count) body(body_user, 0);
    if (inner) assert_int_equal(wn_run(inner, NULL), WN_OK);
    for (size_t i = 1; i < count; i++)
        body(body_user, i);
    h->inner = inner;
}

static void run_loop(void *state, size_t count, loop_body body, void *body_user) {
    host *h = state;
    atomic_fetch_add(&h->calls, 1);
    h->loop(h, count, body, body_user);
}

static wn_context *host_context(host *h) {
    wn_context_options options = {
        .size = sizeof options, .threads = 3, .parallel_for = run_loop, .parallel_for_user = h};
#ifdef WN_TEST_LLVM_PATH
    options.llvm_library = WN_TEST_LLVM_PATH;
#endif
    return wn_context_new(&options);
}

static void (*const loops[])(host *, size_t, loop_body, void *) = {
    no_call, one_after_another, backwards_and_twice, all_at_once, another_run_within};

#define HOSTED 300007

static void compare_hosted(wn_context *one, wn_context *many, const char *text, const wn_array *in) {
    size_t count;
    wn_array want[3], got[3];
    run_text(one, text, in, want, &count);
    run_text(many, text, in, got, &count);
    for (size_t i = 0; i < count; i++) {
        compare_expect_equal(&got[i], &want[i], text);
        free(got[i].data);
        free(want[i].data);
    }
}

static void a_programs_threads_give_the_same_bits(void **state) {
    static const int64_t shape[] = {40001, 7};
    uint64_t seed = 1;
    placed x = layout_place(WN_F32, 2, shape, LAYOUT_CONTIGUOUS, AT_END);
    placed w = layout_place(WN_F32, 1, shape + 1, LAYOUT_CONTIGUOUS, AT_END);
    (void)state;
    layout_fill(&x.array, &seed);
    layout_fill(&w.array, &seed);
    wn_array in[] = {x.array, w.array};
    for (size_t l = 0; l < sizeof loops / sizeof *loops; l++)
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
            host h = {.loop = loops[l]}, nested = {.loop = one_after_another};
            wn_context *c = host_context(&h), *c2 = host_context(&nested);
            float *y = malloc(FORKED * sizeof *y);
            wn_kernel *k = compare_compile_text(c2, "input y: f32[?]; y - y", WN_ENGINE_AUTO);
            wn_array flat = wn_vector(WN_F32, y, FORKED);
            memset(y, 0, FORKED * sizeof *y);
            assert_int_equal(wn_bind(k, &flat, 1, &flat, 1, &h.inner, NULL), WN_OK);
            compare_hosted(compare_context(1), c, texts[t], in);
            if (COMPARE_ENGINE == WN_ENGINE_JIT) assert_true(h.calls > 0);
            wn_binding_free(h.inner);
            wn_kernel_free(k);
            wn_context_free(c2);
            free(y);
        }
    layout_unplace(&x);
    layout_unplace(&w);
}

/* ---- Pieces ------------------------------------------------------------------------------------------------------------ */

typedef struct packed {
    wn_kernel *k;
    wn_array in[2];
    const int32_t *want;
    int64_t count;
} packed;

/* Twice: how the second run goes about it depends on what the first one found. */
static void expect_packed(const packed *p, const wn_array *room) {
    int64_t needed = p->count;
    wn_binding *b;
    wn_error error;
    char text[40];
    snprintf(text, sizeof text, " %lld needed", (long long)needed);
    compare_expect_ok(wn_bind(p->k, p->in, 2, room, 1, &b, &error), &error);
    for (int run = 0; run < 2; run++) {
        wn_status status = wn_run(b, &error);
        assert_int_equal(status, room->shape[0] < needed ? WN_ERROR_ROOM : WN_OK);
        if (status == WN_OK) {
            assert_int_equal(wn_result(b, 0)->shape[0], needed);
            if (needed) assert_memory_equal(room->data, p->want, (size_t)needed * sizeof *p->want);
            memset(room->data, 0xA5, (size_t)room->shape[0] * sizeof *p->want);
        } else {
            assert_non_null(strstr(error.message, text));
        }
    }
    wn_binding_free(b);
}

/* Lengths around the borders of blocks, pieces and shares; too little room; in the place of the input. */
static void packing_in_pieces_is_packing(void **state) {
    static const int64_t lengths[] = {65535, 65536, 65537,  65600, 67583,
                                      67584, 67585, 262144, 300001};
    wn_context *c = compare_context(3);
    wn_kernel *k = compare_compile_text(c, "input x: i32[?]; input m: bool[?]; x[m]", WN_ENGINE_AUTO);
    (void)state;
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (int density = 0; density <= 6; density++) {
            int64_t n = lengths[l], count = 0, size = (int64_t)sizeof(int32_t);
            int32_t *x = malloc((size_t)(n * size)), *want = malloc((size_t)(n * size) + 1);
            bool *m = malloc((size_t)n);
            for (int64_t i = 0; i < n; i++) {
                int64_t here = density == 5 ? i / 20000 % 5 : density; /* stretches */
                bool rare = density == 6 && i % 1000 == 7;
                x[i] = (int32_t)(rare || (density < 6 && i * 2654435761 % 1000003 % 4 < here) ? -i - 1
                                                                                              : i);
                m[i] = x[i] < 0;
                if (m[i]) want[count++] = x[i];
            }
            const packed p = {k, {wn_vector(WN_I32, x, n), wn_vector(WN_BOOL, m, n)}, want, count};
            guard area;
            guard_new(&area, (size_t)(n * size));
            for (int64_t room = count ? count - 1 : 0; room <= count; room++) {
                wn_array out =
                    wn_vector(WN_I32, guard_place(&area, AT_END, (size_t)(room * size)), room);
                expect_packed(&p, &out);
                assert_true(guard_intact(&area));
            }
            wn_array out = p.in[0];
            assert_int_equal(wn_call(k, p.in, 2, &out, 1, NULL), WN_OK);
            assert_int_equal(out.shape[0], count);
            if (count) assert_memory_equal(x, want, (size_t)(count * size));
            guard_free(&area);
            free(x);
            free(want);
            free(m);
        }
    wn_kernel_free(k);
    wn_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_context_and_a_kernel),
        cmocka_unit_test(results_do_not_depend_on_threads),
        cmocka_unit_test(runs_share_a_contexts_threads),
        cmocka_unit_test(a_forked_process_has_threads_of_its_own),
        cmocka_unit_test(a_programs_threads_give_the_same_bits),
        cmocka_unit_test(packing_in_pieces_is_packing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
