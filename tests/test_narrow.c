/*
 * test_narrow.c - sums and means of bools and of integers of 8 and 16 bits, which the JIT adds up without making each a 64-bit integer: of each
 * type and instruction set, alone, masked and beside others, of every length around vectors and leaves, against the interpreter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

enum { INPUTS = 4, MOST_OUTPUTS = 6, LONGEST = 5000 };

/* Of x, of the type under test, and beside it m, y and d. z and w are y and d as that type: sums of both are one loop. What is wide makes few
   lanes, and the last one the fewest. */
static const char *const TEXTS[] = {
    "output s = sum(x); output t = mean(x);",
    "output s = sum(x, where=m); output t = mean(x, where=m);",
    "output s = sum(x[x > 3]); output t = mean(x[x > 3]); output u = max(i64(x)); output v = sum(x "
    "+ x);",
    "output s = sum(x, where=y > 0); output t = mean(x, where=y > 0);",
    "output s = sum(z); output t = sum(y); output u = mean(z, where=y > 0);",
    "output s = sum(w); output t = sum(d, where=d > 3); output u = sum(w[d > 2]); output v = "
    "count(d);",
    "output s = sum(z); output t = argmin(y); output u = sum(i32(y) * 2); output v = mean(y > 3);",
    "output s = mean(m); output t = mean(x > 3, where=m); output u = sum(i8(m)[m]); "
    "output v = mean(y > 0); output p = sum(i16(y > 0)[y > -3]);",
    "output s = sum(w, where=(d > 1) ^ (d > 2) ^ (d > 3) ^ (d > 4) ^ (d > 5) ^ (d > 6) ^ (d > 7) ^ "
    "(d > 8) ^ (d > 9) ^ (d > 10)); output t = mean(w); output u = mean(d > 3);",
};
#define TEXT_COUNT (sizeof TEXTS / sizeof *TEXTS)

static const wn_type TYPES[] = {WN_I8, WN_U8, WN_I16, WN_U16};
#define TYPE_COUNT (sizeof TYPES / sizeof *TYPES)

static wn_kernel *compile(wn_context *c, wn_type type, const char *text, wn_engine engine, wn_isa isa) {
    char whole[1024];
    snprintf(whole, sizeof whole,
             "input x: %s[?]; input m: bool[?]; input y: f32[?]; input d: f64[?]; "
             "z = %s(y); w = %s(d); %s",
             wn_type_name(type), wn_type_name(type), wn_type_name(type), text);
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, whole, strlen(whole));
    wn_kernel *k = compare_compile(g, engine, isa);
    wn_graph_free(g);
    return k;
}

/* All least, all greatest, or any. */
static void fill(wn_type type, void *x, int64_t n, int kind, uint64_t *random) {
    uint64_t bits =
        kind == 1 ? wn_reduction_identity(OP_max, type) : wn_reduction_identity(OP_min, type);
    values_fill(type, x, n, random);
    for (int64_t i = 0; kind && i < n; i++)
        values_store(type, x, i, bits);
}

static void call(wn_kernel *k, const wn_array *in, uint64_t results[MOST_OUTPUTS]) {
    wn_array out[MOST_OUTPUTS];
    wn_error error;
    int32_t count = wn_kernel_output_count(k);
    memset(results, 0, MOST_OUTPUTS * sizeof *results);
    for (int32_t i = 0; i < count; i++)
        out[i] = wn_scalar(wn_kernel_output_type(k, i), &results[i]);
    compare_expect_ok(wn_call(k, in, INPUTS, out, (size_t)count, &error), &error);
}

typedef struct subject {
    wn_type type;
    const char *text;
    wn_kernel *interpreted, *compiled;
    wn_isa isa;
    arena arena;
    uint64_t random;
} subject;

static void check(subject *s, int64_t n) {
    static uint64_t memory[INPUTS][LONGEST];
    wn_type types[INPUTS] = {s->type, WN_BOOL, WN_F32, WN_F64};
    wn_array from[INPUTS], in[INPUTS];
    uint64_t want[MOST_OUTPUTS], got[MOST_OUTPUTS];
    for (size_t i = 0; i < INPUTS; i++) {
        fill(types[i], memory[i], n, i ? 0 : (int)(n % 3), &s->random);
        from[i] = wn_vector(types[i], memory[i], n);
    }
    for (int64_t i = 0; i < n; i++) { /* no overflow, and any order */
        ((float *)(void *)memory[2])[i] = (float)((int64_t)values_below(&s->random, 31) - 15);
        ((double *)(void *)memory[3])[i] = (double)values_below(&s->random, 12);
    }
    arena_inputs(&s->arena, (placement)(n % PLACEMENT_COUNT), from, INPUTS, in);
    call(s->interpreted, from, want);
    call(s->compiled, in, got);
    for (int32_t i = 0; i < wn_kernel_output_count(s->compiled); i++) {
        wn_type type = wn_kernel_output_type(s->compiled, i);
        if (compare_elements(type, &got[i], &want[i], 1, false) >= 0)
            fail_msg("output %d of %lld %s on %s: %#llx, expected %#llx\n%s", (int)i, (long long)n,
                     wn_type_name(s->type), wn_isa_name(s->isa), (unsigned long long)got[i],
                     (unsigned long long)want[i], s->text);
    }
}

static void check_lengths(subject *s) {
    static const int64_t long_ones[] = {255, 256, 257, 2047, 2048, 2049, 4095, 4096, 4160, LONGEST};
    for (int64_t n = 1; n <= 132; n += COMPARE_SAMPLED ? 7 : 1)
        check(s, n);
    for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++)
        check(s, long_ones[i]);
}

static void sums_are_the_interpreters(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    compare_isas isas = compare_available(c);
    for (size_t t = 0; t < TYPE_COUNT; t++)
        for (size_t i = 0; i < TEXT_COUNT; i++) {
            subject s = {.type = TYPES[t], .text = TEXTS[i], .random = i};
            s.interpreted = compile(c, s.type, s.text, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
            arena_new(&s.arena, INPUTS, 0, LONGEST * sizeof(uint64_t));
            for (size_t k = 0; k < isas.count; k++) {
                s.isa = isas.list[k];
                s.compiled = compile(c, s.type, s.text, COMPARE_ENGINE, s.isa);
                check_lengths(&s);
                wn_kernel_free(s.compiled);
            }
            arena_free(&s.arena);
            wn_kernel_free(s.interpreted);
        }
    wn_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_the_interpreters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
