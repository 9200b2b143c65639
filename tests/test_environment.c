/*
 * test_environment.c - the caller's floating-point environment changes no bit of a result, and is found as it was: rounding
 * mode, flush-to-zero, masks of exceptions and status flags; for the interpreter and for every instruction set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "run/kernel.h"
#include "values.h"

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

/* Rounds, flushes, and its literals (0.1, 1e-40) are read, whatever the mode is. */
static const char text[] =
    "input x: f32[?]; input y: f32[?]; input d: f64[?]; input i: i64[?]; input h: f16[?];"
    "output added = x + y; output divided = x / y; output multiplied = x * y + 0.1;"
    "output root = sqrt(x); output narrow = f32(d); output half = f16(d); output from = f32(i);"
    "output whole = rint(x); output halves = h * h / 3; output brain = bf16(d) - bf16(x);"
    "output tiny = d * 1e-310 + 1e-40; output integer = i32(d); output packed = (x * y)[x > y];"
    "output chosen = where(x * 0.3 < y, x, 1 / y); output up = ceil(d) - floor(d / 3);"
    "output folded = where(0 < 5e-324 && !(1 < nan) && 1 / 3 != 1e-400 && x < 16777217, x * 3, "
    "-nan);"
    "output compared = (h < 70000) ^ (h >= 2049) ^ (i < 7);";
#define INPUTS 5
#define OUTPUTS 17
#define LENGTH 3003

/* MXCSR: exceptions raised (0x3f), denormals are zero, exceptions masked (0x1f80), rounding (0x6000), flush to zero. */
static const unsigned states[] = {
    0x1f80, 0x3f80, 0x5f80,
    0x7f80, /* each rounding mode                                              */
    0x9f80, 0x1fc0, 0x9fc0,
    0xffc0,                 /* flush to zero, denormals are zero, both, and rounding to zero   */
    0x1f81, 0x1fbf, 0xbfed, /* with flags raised                                               */
    0x0000, 0x6000, 0x1f00,
    0x9f40, /* exceptions not masked: must not trap                            */
};
#define STATES (sizeof states / sizeof *states)

typedef struct scene {
    wn_context *context;
    wn_graph *graph;
    wn_array inputs[INPUTS], want[OUTPUTS];
} scene;

static wn_graph *parse(wn_context *c) {
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, sizeof text - 1);
    if (wn_graph_status(g) != WN_OK) fail_msg("%s", wn_graph_error(g));
    return g;
}

static int open_scene(void **state) {
    static const wn_type types[INPUTS] = {WN_F32, WN_F32, WN_F64, WN_I64, WN_F16};
    scene *s = calloc(1, sizeof *s);
    uint64_t random = 1;
    s->context = compare_context(1);
    s->graph = parse(s->context);
    for (size_t i = 0; i < INPUTS; i++) {
        s->inputs[i] = wn_array_new(s->context, types[i], 1, &(int64_t){LENGTH});
        values_fill(types[i], s->inputs[i].data, LENGTH, &random);
    }
    wn_kernel *k = compare_compile(s->graph, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    wn_error error = {WN_OK, ""};
    if (wn_call(k, s->inputs, INPUTS, s->want, OUTPUTS, &error) != WN_OK)
        fail_msg("%s", error.message);
    wn_kernel_free(k);
    *state = s;
    return 0;
}

static int close_scene(void **state) {
    scene *s = *state;
    for (size_t i = 0; i < INPUTS; i++)
        wn_array_free(s->context, &s->inputs[i]);
    for (size_t i = 0; i < OUTPUTS; i++)
        wn_array_free(s->context, &s->want[i]);
    wn_graph_free(s->graph);
    wn_context_free(s->context);
    free(s);
    return 0;
}

static void expect_results(const scene *s, const wn_graph *g, wn_array *got, const char *what) {
    char wrong[1024];
    for (size_t i = 0; i < OUTPUTS; i++)
        if (!compare_arrays(&got[i], &s->want[i], compare_is_exact(g, g->outputs[i]), wrong, sizeof wrong))
            compare_fail(g, what, wrong);
    for (size_t i = 0; i < OUTPUTS; i++)
        wn_array_free(s->context, &got[i]);
}

/* Run under MXCSR `mxcsr`, which must be left so; the x87's rounding (0x0c00) likewise. */
static void run_under(const scene *s, const wn_graph *g, wn_kernel *k, unsigned mxcsr, const char *who) {
    wn_array got[OUTPUTS] = {{0}};
    wn_error error = {WN_OK, ""};
    char what[96];
    unsigned before = _mm_getcsr();
    uint16_t x87_before, x87 = 0x0f7f, x87_after;
    __asm__ volatile("fnstcw %0" : "=m"(x87_before));
    __asm__ volatile("fldcw %0" ::"m"(x87));
    _mm_setcsr(mxcsr);
    wn_status status = wn_call(k, s->inputs, INPUTS, got, OUTPUTS, &error);
    unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    __asm__ volatile("fnstcw %0" : "=m"(x87_after));
    __asm__ volatile("fldcw %0" ::"m"(x87_before));
    snprintf(what, sizeof what, "%s under MXCSR %04x", who, mxcsr);
    if (status != WN_OK) compare_fail(g, what, error.message);
    if (after != mxcsr || x87_after != x87)
        fail_msg("%s: MXCSR is %04x afterwards, x87 %04x", what, after, x87_after);
    expect_results(s, g, got, what);
}

static void run_in_every_state(const scene *s, wn_engine engine, wn_isa isa) {
    wn_kernel *k = compare_compile(s->graph, engine, isa);
    for (size_t i = 0; i < STATES; i++)
        run_under(s, s->graph, k, states[i], engine == WN_ENGINE_JIT ? wn_isa_name(isa) : "interpreter");
    wn_kernel_free(k);
}

static void the_interpreter_runs_in_the_default_environment(void **state) {
    run_in_every_state(*state, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
}

static void compiled_code_runs_in_the_default_environment(void **state) {
    scene *s = *state;
    compare_isas isas = compare_available(s->context);
    for (size_t i = 0; i < isas.count; i++)
        run_in_every_state(s, WN_ENGINE_JIT, isas.list[i]);
}

/* A graph that is read, simplified (constants are folded) and compiled in another environment is the same graph. */
static void build_under(const scene *s, unsigned mxcsr, wn_engine engine) {
    wn_context *c = compare_context(1); /* without a cache of kernels */
    unsigned before = _mm_getcsr();
    _mm_setcsr(mxcsr);
    wn_graph *g = parse(c);
    wn_compile_options options = {sizeof options, engine, WN_ISA_NATIVE};
    wn_kernel *k = wn_compile(g, &options);
    char *now = compare_listing(g);
    unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    if (!k) fail_msg("under MXCSR %04x: %s", mxcsr, wn_graph_error(g));
    char *usual = compare_listing(s->graph);
    assert_string_equal(now, usual);
    free(now);
    free(usual);
    if (after != mxcsr) fail_msg("MXCSR was %04x, is %04x after wn_compile", mxcsr, after);
    run_under(s, g, k, mxcsr, "a graph built");
    wn_kernel_free(k);
    wn_graph_free(g);
    wn_context_free(c);
}

static void building_does_not_depend_on_the_environment(void **state) {
    scene *s = *state;
    bool jit = compare_available(s->context).count > 0;
    for (size_t i = 0; i < STATES; i++) {
        build_under(s, states[i], WN_ENGINE_INTERPRETER);
        if (jit) build_under(s, states[i], WN_ENGINE_JIT);
    }
}

/* The same by fesetround, as a portable program would, and on the library's own threads. */
static void rounding_modes_by_fesetround(void **state) {
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
    scene *s = *state;
    wn_context *c = compare_context(3);
    wn_graph *g = parse(c);
    wn_compile_options how = {.size = sizeof how};
    wn_kernel *k = wn_compile(g, &how);
    assert_non_null(k);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        wn_array got[OUTPUTS] = {{0}};
        wn_error error = {WN_OK, ""};
        assert_int_equal(fesetround(modes[i]), 0);
        wn_status status = wn_call(k, s->inputs, INPUTS, got, OUTPUTS, &error);
        int after = fegetround();
        fesetround(FE_TONEAREST);
        if (status != WN_OK) fail_msg("%s", error.message);
        assert_int_equal(after, modes[i]);
        expect_results(s, g, got, "fesetround");
    }
    wn_kernel_free(k);
    wn_graph_free(g);
    wn_context_free(c);
}

static const struct {
    const char *text;
    bool computes_floats;
} kernels[] = {{"count(x)", true},
               {"x[b] == y[b]", true},
               {"f64(i) > 7.5", true},
               {"h[h < 1]", true},
               {"h[h < 0]", false},
               {"nonzero(x)", true},
               {"any(x < 1e-39)", true},
               {"any(x < -1e-39)", true},
               {"x[x < 1e-39]", true},
               {"x[x > 1e-39]", true},
               {"where(x < -1e-40, y, x)", true},
               {"where(x == 1e-40, y, x)", true},
               {"where(bool(x), 1e-40, x)", true},
               {"where(x >= 0, y, x)", true},
               {"where(x < 0, 0, x)", true},
               {"where(is_nan(x), 1, -abs(x))", false},
               {"f32(i)", true},
               {"bool(x)", true},
               {"mean(i)", true},
               {"where(b, x, y)", false},
               {"x[b]", false},
               {"count(b)", false},
               {"i * 3", false},
               {"u8(i)", false},
               {"expand(x[b], b, y)", false},
               {"where(i < 3, d, -1e-310)", false}};

/* Subnormals are read as 0; and exceptions are not masked: neither changes a result, and nothing traps. */
static void run_kernel(wn_context *c, const char *expression, bool computes_floats) {
    float tiny[] = {1e-40f, -1e-40f, 0, 1, NAN};
    bool b[] = {true, false, true, true, true};
    double d[] = {1, 2, 3, 4, 5};
    int64_t i[] = {1, 2, INT64_MAX, 4, 5};
    uint16_t h[] = {1, 2, 3, 4, 5};
    static const unsigned modes[] = {0xffc0, 0x0000, 0x1f95};
    const wn_array in[] = {wn_vector(WN_F32, tiny, 5), wn_vector(WN_F32, tiny, 5),
                           wn_vector(WN_F64, d, 5),    wn_vector(WN_I64, i, 5),
                           wn_vector(WN_F16, h, 5),    wn_vector(WN_BOOL, b, 5)};
    wn_array want = {0};
    char declared[300];
    snprintf(declared, sizeof declared,
             "input x: f32[5]; input y: f32[5]; input d: f64[5]; "
             "input i: i64[5]; input h: f16[5]; input b: bool[5]; %s",
             expression);
    wn_kernel *k = compare_compile_text(c, declared, WN_ENGINE_AUTO);
    compare_expect_ok(wn_call(k, in, 6, &want, 1, NULL), NULL);
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        wn_array got = {0};
        _mm_setcsr(modes[m]);
        wn_status status = wn_call(k, in, 6, &got, 1, NULL);
        unsigned after = _mm_getcsr();
        _mm_setcsr(0x1f80);
        assert_int_equal(status, WN_OK);
        assert_int_equal(after, modes[m]);
        compare_expect_equal(&got, &want, expression);
        wn_array_free(c, &got);
    }
    if (wn_kernel_engine(k) == WN_ENGINE_JIT && k->computes_floats != computes_floats)
        fail_msg("%s: computes_floats is %d", expression, k->computes_floats);
    wn_array_free(c, &want);
    wn_kernel_free(k);
}

/* A kernel that only moves floats, or looks at their bits, leaves the registers alone; one that computes any, however little, does not. */
static void each_kernel_knows_whether_it_computes_floats(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    for (size_t t = 0; t < sizeof kernels / sizeof *kernels; t++)
        run_kernel(c, kernels[t].text, kernels[t].computes_floats);
    wn_context_free(c);
}

/* A count alone runs the same code. */
static void counting_runs_in_the_default_environment(void **state) {
    scene *s = *state;
    wn_kernel *k = compare_compile(s->graph, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    for (int engine = 0; engine < 2; engine++) {
        wn_array outputs[OUTPUTS] = {{0}};
        wn_binding *b = NULL;
        int64_t n_true = -1;
        size_t packed = 12;
        assert_int_equal(wn_bind(k, s->inputs, INPUTS, outputs, OUTPUTS, &b, NULL), WN_OK);
        _mm_setcsr(0xffc0);
        wn_status status = wn_count(b, packed, &n_true, NULL);
        unsigned after = _mm_getcsr();
        _mm_setcsr(0x1f80);
        assert_int_equal(status, WN_OK);
        assert_int_equal(after, 0xffc0);
        assert_int_equal(n_true, s->want[packed].shape[0]);
        wn_binding_free(b);
        wn_kernel_free(k);
        k = wn_compile(s->graph, NULL);
        assert_non_null(k);
    }
    wn_kernel_free(k);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_interpreter_runs_in_the_default_environment),
        TEST(compiled_code_runs_in_the_default_environment),
        TEST(building_does_not_depend_on_the_environment),
        TEST(rounding_modes_by_fesetround),
        TEST(each_kernel_knows_whether_it_computes_floats),
        TEST(counting_runs_in_the_default_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) {
    return 0; /* the registers above are those of x86-64 */
}

#endif
