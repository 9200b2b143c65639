/*
 * test_in_place.c - arrays that overlap: which output may be the very array of which input, that the results are then the same, and
 * that all else is refused, by both engines and with any number of threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"

#include "run/array.h"
#include "run/binding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { X, W, M, P, Q, R, C, U, V, S, INPUTS, NO = -1 };

/* u has an element for each that is true in m. */
#define DECLARATIONS                                                                               \
    "input x: f32[?, 4]; input w: f32[?, 4]; input m: bool[?, 4]; input p: f32[?]; input q: "      \
    "f32[?]; input r: bool[?]; input c: bool[4]; input u: f32[?]; input v: f32[5]; input s: "      \
    "f32[]; "

static const struct in_place_case {
    const char *text;
    int on[2]; /* the input that output i lies on */
    bool allowed;
} cases[] = {
    /* every use is in one elementwise stage, at the same element */
    {"x * 2 + w", {X}, true},
    {"x * 2 + w", {W}, true},
    {"where(m, 0, x)", {X}, true},
    {"output a = x + w; output b = x * w;", {X, W}, true},
    {"output a = x + w - x; output b = x + w - w;", {X, W}, true},
    {"output a = p[r]; output b = q + 1;", {NO, Q}, true},
    {"output a = p + 1; output b = q[r];", {Q, P}, false},
    {"p - mean(p)", {P}, false},
    {"p - sum(q)", {Q}, false},
    {"output a = p + 1; output b = sum(p);", {P, NO}, false},
    {"output a = sum(p); output b = q + 1;", {NO, Q}, true},
    /* expand of what was packed is a choice */
    {"expand(w[m], m, x)", {X}, true},
    {"expand(w[m], m, x)", {W}, true},
    {"expand(x[m] * 2, m, x)", {X}, true},
    {"expand(x[x < 0] * 2, x < 0, x)", {X}, true},
    /* a boolean_mask that is read by nothing else */
    {"p[r]", {P}, true},
    {"x[r]", {X}, true},
    {"x[:, c]", {X}, true},
    {"output a = x[r]; output b = w[r] * 2;", {X, NO}, true},
    {"output a = x[r]; output b = p[r];", {X, P}, true},
    {"p[p < 0]", {P}, false},
    {"p[r] * 2", {P}, false},
    {"x[r] * 2", {X}, false},
    {"x[any(x < 0, axis=1)]", {X}, false},
    {"output a = x[r]; output b = x[r] * 2;", {X, NO}, false},
    {"output a = x[r]; output b = x + 1;", {X, NO}, false},
    {"output a = p[r]; output b = p[r];", {P, NO}, false},
    {"p[r] + s", {P}, false},
    /* the array that a mask puts something into */
    {"expand(u, m, x)", {X}, true},
    {"expand(s, m, x)", {X}, true},
    {"expand(u, x < 0 | m, x)", {X}, true},
    {"place(x, m, v)", {X}, true},
    {"place(x, x < 0, v)", {X}, true},
    {"putmask(x, m, v)", {X}, true},
    {"putmask(x, x < 0, v * 2)", {X}, true},
    {"putmask(x, m, w)", {W}, false},
    {"putmask(x, m, x)", {X}, false},
    {"place(p, r, q)", {Q}, false},
    {"output a = putmask(p, r, v); output b = putmask(q, r, p);", {P, NO}, false},
    {"output a = putmask(p, r, v); output b = sum(p + a);", {P, NO}, false},
};

/* ---- The inputs ------------------------------------------------------------------------------------------------------ */

typedef struct arrays {
    wn_array in[INPUTS];
} arrays;

static wn_array filled(wn_type type, int32_t rank, const int64_t *shape, uint32_t seed) {
    wn_array a = wn_array_of(type, NULL, rank, shape);
    int64_t count = compare_count(&a);
    a.data = malloc((size_t)count * wn_type_size(type) + 1);
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = ((uint32_t)i + seed * 77777) * 2654435761u >> 16;
        if (type == WN_BOOL)
            ((uint8_t *)a.data)[i] = bits & 1;
        else
            ((float *)a.data)[i] = (float)(bits % 200) - 100;
    }
    return a;
}

static arrays make_arrays(int64_t n) {
    const int64_t whole[] = {n, 4}, four[] = {4}, five[] = {5};
    arrays a;
    for (uint32_t i = 0; i < INPUTS; i++) {
        int32_t rank = i <= M ? 2 : i == S ? 0 : 1;
        const int64_t *shape = i == C ? four : i == V ? five : whole;
        a.in[i] = filled(i == M || i == R || i == C ? WN_BOOL : WN_F32, rank, shape, i);
    }
    return a;
}

static void free_arrays(arrays *a) {
    for (int i = 0; i < INPUTS; i++)
        free(a->in[i].data);
}

/* As many as a case's mask has true: those of "x < 0 | m" where that is used. */
static void set_values(arrays *a, const char *text) {
    int64_t count = 0, all = compare_count(&a->in[X]);
    bool both = strstr(text, "x < 0 | m") != NULL;
    for (int64_t i = 0; i < all; i++)
        count += ((uint8_t *)a->in[M].data)[i] || (both && ((float *)a->in[X].data)[i] < 0);
    free(a->in[U].data);
    a->in[U] = filled(WN_F32, 1, &count, U);
}

/* ---- The cases ------------------------------------------------------------------------------------------------------- */

static void check_case(wn_context *c, const struct in_place_case *t, wn_engine engine, int64_t n) {
    char text[600];
    snprintf(text, sizeof text, "%s%s", DECLARATIONS, t->text);
    wn_kernel *reference = compare_compile_text(c, text, WN_ENGINE_INTERPRETER);
    wn_kernel *k = compare_compile_text(c, text, engine);
    size_t count = (size_t)wn_kernel_output_count(k);
    arrays a = make_arrays(n);
    wn_array want[2] = {{0}}, out[2] = {{0}};
    wn_error error = {WN_OK, ""};
    set_values(&a, t->text);
    compare_expect_ok(wn_call(reference, a.in, INPUTS, want, count, &error), &error);
    for (size_t i = 0; i < count; i++)
        if (t->on[i] != NO) out[i] = a.in[t->on[i]];
    wn_status status = wn_call(k, a.in, INPUTS, out, count, &error);
    if (status != (t->allowed ? WN_OK : WN_ERROR_OVERLAP))
        fail_msg("%s: %s", t->text, status ? error.message : "is allowed");
    for (size_t i = 0; i < count; i++) {
        if (t->allowed) compare_expect_equal(&out[i], &want[i], t->text);
        if (t->allowed && t->on[i] == NO) wn_array_free(c, &out[i]);
        wn_array_free(c, &want[i]);
    }
    free_arrays(&a);
    wn_kernel_free(k);
    wn_kernel_free(reference);
}

static void check_cases(int32_t threads, wn_engine engine) {
    static const int64_t lengths[] = {0, 1, 7, 200, 50001};
    wn_context *c = compare_context(threads);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            if (cases[i].allowed || lengths[l]) check_case(c, &cases[i], engine, lengths[l]);
    wn_context_free(c);
}

static void an_output_may_be_an_input_by_the_interpreter(void **state) {
    (void)state;
    check_cases(1, WN_ENGINE_INTERPRETER);
}

static void an_output_may_be_an_input_compiled(void **state) {
    (void)state;
    check_cases(1, COMPARE_ENGINE);
}

static void an_output_may_be_an_input_on_threads(void **state) {
    (void)state;
    check_cases(3, COMPARE_ENGINE);
}

/* ---- Elements moved one by one ----------------------------------------------------------------------------------------- */

#define FEW 200003

/* Some at the beginning, so that elements are moved to where the next words begin; then, in every other word, none to six. */
static void fill_few(uint8_t *m, int64_t first) {
    for (int64_t i = 0; i < FEW; i++) {
        int64_t place = i % 64, count = i / 64 * 2654435761 % 65536 % 6;
        m[i] = i < first ||
               (i / 64 % 2 && place * count % (first % 2 ? 24 : 36) == 0 && place / 13 < count);
    }
}

static void check_few(wn_context *c, const char *type, uint8_t *m, unsigned char *x,
                      unsigned char *want) {
    char text[100];
    snprintf(text, sizeof text, "input x: %s[?]; input m: bool[?]; x[m]", type);
    wn_kernel *k = compare_compile_text(c, text, COMPARE_ENGINE);
    wn_type t = wn_kernel_output_type(k, 0);
    size_t size = wn_type_size(t);
    wn_array in[] = {wn_vector(t, x, FEW), wn_vector(WN_BOOL, m, FEW)};
    wn_binding *b;
    wn_error error;
    compare_expect_ok(wn_bind(k, in, 2, in, 1, &b, &error), &error);
    if (b->kernel->engine == WN_ENGINE_JIT)
        b->stages[0].move_one_in = 20;              /* however fast packing is here */
    for (int64_t first = 0; first < 100; first++) { /* a run goes on as the one before ended */
        int64_t count = 0;
        fill_few(m, first);
        for (int64_t i = 0; i < FEW; i++) {
            for (size_t byte = 0; byte < size; byte++)
                x[(size_t)i * size + byte] = (unsigned char)(i * 31 + i / 251 + (int64_t)byte * 7);
            if (m[i]) memcpy(want + (size_t)count++ * size, x + (size_t)i * size, size);
        }
        compare_expect_ok(wn_run(b, &error), &error);
        if (memcmp(x, want, (size_t)count * size) != 0)
            fail_msg("%s: after %d true ones", text, (int)first);
        if (b->kernel->engine == WN_ENGINE_JIT)
            assert_int_equal(b->stages[0].workers[0].way, PACK_MOVING);
    }
    wn_binding_free(b);
    wn_kernel_free(k);
}

static void few_are_moved_in_place(void **state) {
    (void)state;
    static const char *const types[] = {"u8", "u16", "f32", "f64"};
    uint8_t *m = malloc(FEW);
    unsigned char *x = malloc(FEW * sizeof(double)), *want = malloc(FEW * sizeof(double));
    wn_context *c = compare_context(1);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        check_few(c, types[i], m, x, want);
    wn_context_free(c);
    free(want);
    free(x);
    free(m);
}

/* ---- Overlap of other kinds ------------------------------------------------------------------------------------------ */

/* A result inside an input's memory, of one element or of a few. */
static void results_of_reductions_must_lie_apart(void **state) {
    (void)state;
    static const char *const texts[] = {"sum(x)", "max(x, axis=0)", "count(x < 0, axis=1)",
                                        "argmin(x, axis=1)", "mean(x, axis=1, keepdims=true)"};
    float x[32] = {0};
    wn_context *c = compare_context(1);
    for (size_t i = 0; i < 2 * sizeof texts / sizeof *texts; i++) {
        char text[100];
        snprintf(text, sizeof text, "input x: f32[4, 4]; %s", texts[i / 2]);
        wn_kernel *k = compare_compile_text(c, text, i % 2 ? COMPARE_ENGINE : WN_ENGINE_INTERPRETER);
        wn_array in = wn_array_of(WN_F32, x, 2, (const int64_t[]){4, 4});
        int64_t shape[] = {4, 1};
        wn_array out = wn_array_of(wn_kernel_output_type(k, 0), x, wn_kernel_output_rank(k, 0), shape);
        wn_error error = {WN_OK, ""};
        for (int at = 0; at < 16; at += 5) {
            out.data = x + at;
            assert_int_equal(wn_call(k, &in, 1, &out, 1, &error), WN_ERROR_OVERLAP);
            assert_string_equal(error.message,
                                "output result: overlaps input x; give it memory of its own");
        }
        out.data = x + 16;
        compare_expect_ok(wn_call(k, &in, 1, &out, 1, &error), &error);
        wn_kernel_free(k);
    }
    wn_context_free(c);
}

/* ---- Many arrays ----------------------------------------------------------------------------------------------------- */

#define MANY 20000

/* Every y_i = x_i < 1, the arrays side by side in one piece of memory: x_0, y_0, x_1, y_1, ... */
static void many_arrays_are_bound_at_once(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    wn_graph *g = wn_graph_new(c);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        wn_node x = wn_input(g, name, WN_F32, 4);
        wn_output(g, name, wn_less(x, 1));
    }
    wn_kernel *k = compare_compile(g, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    wn_array *in = calloc(MANY, sizeof *in), *out = calloc(MANY, sizeof *out);
    char *data = calloc(MANY, 20);
    for (int i = 0; i < MANY; i++) {
        in[i] = wn_vector(WN_F32, data + 20 * i, 4);
        out[i] = wn_vector(WN_BOOL, data + 20 * i + 16, 4);
    }
    wn_binding *b;
    wn_error error;
    clock_t begin = clock();
    compare_expect_ok(wn_bind(k, in, MANY, out, MANY, &b, &error), &error);
    compare_expect_ok(wn_rebind(b, in, MANY, out, MANY, &error), &error);
    assert_true(clock() - begin < 5 * CLOCKS_PER_SEC); /* a look at each pair takes a minute */
    out[7777].data = data + 20 * 7777 + 17;
    assert_int_equal(wn_rebind(b, in, MANY, out, MANY, &error), WN_ERROR_OVERLAP);
    assert_string_equal(error.message,
                        "output x7777: overlaps input x7778; give it memory of its own");
    out[7777].data = out[123].data;
    assert_int_equal(wn_rebind(b, in, MANY, out, MANY, &error), WN_ERROR_OVERLAP);
    assert_string_equal(error.message, "output x7777: overlaps output x123");
    free(data);
    free(out);
    free(in);
    wn_binding_free(b);
    wn_kernel_free(k);
    wn_graph_free(g);
    wn_context_free(c);
}

#define SOME 12

static bool any_overlap(const wn_array *in, const wn_array *out) {
    for (int i = 0; i < SOME; i++) {
        for (int j = 0; j < SOME; j++)
            if (wn_arrays_overlap(&out[i], &in[j])) return true;
        for (int j = 0; j < i; j++)
            if (wn_arrays_overlap(&out[i], &out[j])) return true;
    }
    return false;
}

/* Of any length from 0 on, anywhere, also in the midst of another; inputs overlap each other often. */
static wn_array random_array(wn_type type, const char *area, uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    uint64_t bits = *seed >> 20;
    wn_array a = wn_vector(type, area + 256 + bits % 9000, (int64_t)(bits >> 16) % 12);
    if (bits >> 32 & 1) a.strides[0] = bits >> 33 & 1 ? -8 : 8;
    return a;
}

static void overlap_is_found_in_any_order(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    char text[40 * SOME + 1], *area = calloc(1, 10000);
    size_t used = 0;
    for (int i = 0; i < SOME; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "input x%d: f32[?]; output y%d = x%d < 0;", i, i, i);
    wn_kernel *k = compare_compile_text(c, text, WN_ENGINE_INTERPRETER);
    int refused = 0;
    uint64_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        wn_array in[SOME], out[SOME];
        wn_binding *b;
        for (int i = 0; i < SOME; i++) {
            in[i] = random_array(WN_F32, area, &seed);
            out[i] = random_array(WN_BOOL, area, &seed);
            out[i].shape[0] = in[i].shape[0];
        }
        wn_status want = any_overlap(in, out) ? WN_ERROR_OVERLAP : WN_OK;
        assert_int_equal(wn_bind(k, in, SOME, out, SOME, &b, NULL), want);
        wn_binding_free(b);
        refused += want != WN_OK;
    }
    assert_in_range(refused, 500, 1500);
    free(area);
    wn_kernel_free(k);
    wn_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_output_may_be_an_input_by_the_interpreter),
        cmocka_unit_test(an_output_may_be_an_input_compiled),
        cmocka_unit_test(an_output_may_be_an_input_on_threads),
        cmocka_unit_test(few_are_moved_in_place),
        cmocka_unit_test(results_of_reductions_must_lie_apart),
        cmocka_unit_test(many_arrays_are_bound_at_once),
        cmocka_unit_test(overlap_is_found_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
