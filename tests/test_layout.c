/*
 * test_layout.c - arrays of every layout give the interpreter's bits, and nothing beside them is touched.
 *
 * Each expression is run over shapes around the sizes of words, steps and blocks, with inputs and outputs contiguous, reversed,
 * stepped, padded, transposed or repeated, in memory beside unreadable pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "layouts.h"

#include <stdio.h>
#include <string.h>

#define MAX_ARRAYS 4

typedef struct shape {
    int32_t rank;
    int64_t lengths[3];
} shape;

/* What an input's shape is made of: the letters of `dims` stand for a case's three lengths. */
typedef struct expression {
    const char *text;
    const char *dims[MAX_ARRAYS]; /* "nk": lengths n and k; "1" is 1; NULL beyond the last */
    bool more_room; /* axis 0 of every output is packed: it may be given more room than it needs */
} expression;

static const expression expressions[] = {
    {"input x: f32[?]; where(x < 0, 0, x)", {"n"}, false},
    {"input x: f32[?, ?]; input w: f32[?]; x * w + x", {"nk", "k"}, false},
    {"input x: i16[?, ?]; input w: i16[?, 1]; x - w", {"nk", "n1"}, false},
    {"input x: f64[?, ?]; input y: f64[?, ?]; output a = x < y; output b = x + y;", {"nk", "nk"}, false},
    {"input x: u8[?, ?, ?]; input y: u8[?, ?]; input s: u8[]; (x ^ y) + s", {"nmk", "mk", ""}, false},
    {"input c: bool[?]; input x: i64[?]; output a = where(c, x, 3); output b = i8(x); output d = "
     "!c;",
     {"n", "n"},
     false},
    {"input x: f32[?]; x[x < 0]", {"n"}, true},
    {"input x: u8[?, ?]; x[x < 3]", {"nk"}, true},
    {"input x: i64[?]; input c: bool[?]; output a = x[c]; output b = i16(x[c]); output d = c[c];",
     {"n", "n"},
     true},
    {"input x: f32[?, ?]; input y: f32[?]; nonzero(x < y)", {"nk", "k"}, true},
    {"input x: f64[?]; nonzero(x)", {"n"}, true},
    {"input x: u16[?, ?, ?]; nonzero(x > 2)", {"nmk"}, true},
    {"input c: bool[?]; input x: f32[?]; output a = nonzero(c); output b = sqrt(x[c]) + 1;",
     {"n", "n"},
     true},
    {"input t: f32[?, ?]; input c: bool[?]; t[c]", {"nk", "n"}, true},
    {"input t: f32[?, ?]; input c: bool[?]; t[:, c]", {"nk", "k"}, false},
    {"input t: u8[?, ?, ?]; input c: bool[?]; t[:, c]", {"nmk", "m"}, false},
    {"input t: bool[?, ?]; input c: bool[?]; t[c]", {"nk", "n"}, true},
    {"input t: i16[?, ?, ?]; input c: bool[?, ?]; t[c]", {"nmk", "nm"}, true},
    {"input t: f64[?, ?, ?]; input c: bool[?, ?]; t[:, c] * 2", {"nmk", "mk"}, false},
    {"input t: i32[?, ?]; input w: i32[?]; input c: bool[?]; output a = (t + w)[c]; output b = "
     "t[c];",
     {"nk", "k", "n"},
     true},
    {"input t: f32[?, ?]; input x: f32[?]; input c: bool[?]; output a = t[c]; output b = x[c];",
     {"nk", "n", "n"},
     true},
    {"input x: f32[?]; input y: f32[?]; input c: bool[?]; x[c] + y[c & (y == y | y != y)]",
     {"n", "n", "n"},
     true},
    {"input x: f32[?]; input c: bool[?]; x[c][x[c] > 0]", {"n", "n"}, true},
    {"input x: f32[?]; input c: bool[?]; nonzero(x[c] > 0)", {"n", "n"}, true},
    {"input t: i32[?, ?]; input c: bool[?]; input d: bool[?]; t[c][:, d]", {"nk", "n", "k"}, false},
    {"input t: f32[?, ?]; input c: bool[?]; input w: f32[?]; expand(w, c, t)", {"nk", "n", "k"}, false},
    {"input t: u8[?, ?, ?]; input c: bool[?, ?]; input w: u8[?, 1]; expand(w, c, t, axis=1)",
     {"nmk", "mk", "n1"},
     false},
};

static const int64_t sizes[][3] = {
    /* n, m, k */
    {0, 1, 1},    {1, 1, 1},   {3, 2, 5},    {7, 0, 3},    {63, 2, 1},
    {64, 3, 3},   {65, 4, 2},  {5, 7, 127},  {1000, 3, 2}, {3, 5, 1000},
    {2, 2, 4097}, {333, 4, 3}, {4099, 1, 2}, {1, 3, 9000}, {129, 65, 3},
};

static shape shape_of(const char *dims, const int64_t *size) {
    shape s = {.rank = (int32_t)strlen(dims)};
    for (int32_t i = 0; i < s.rank; i++)
        s.lengths[i] = dims[i] == '1' ? 1 : size[dims[i] == 'n' ? 0 : dims[i] == 'm' ? 1 : 2];
    return s;
}

static int32_t input_types(const char *text, wn_type *types) {
    int32_t count = 0;
    for (const char *at = text; (at = strstr(at, "input ")); at += 6) {
        const char *name = strchr(at, ':') + 2;
        wn_type type = WN_BOOL;
        while (strncmp(name, wn_type_name(type), strlen(wn_type_name(type))) != 0 ||
               name[strlen(wn_type_name(type))] != '[')
            type = (wn_type)(type + 1);
        types[count++] = type;
    }
    return count;
}

typedef struct trial {
    const expression *e;
    wn_kernel *compiled;
    wn_array inputs[MAX_ARRAYS], expected[MAX_ARRAYS];
    int32_t input_count, output_count;
    char label[300];
} trial;

static void expect_context_results(const trial *t, wn_context *c) {
    wn_array results[MAX_ARRAYS] = {{0}};
    wn_error error;
    compare_expect_ok(wn_call(t->compiled, t->inputs, (size_t)t->input_count, results,
                              (size_t)t->output_count, &error),
                      &error);
    for (int32_t i = 0; i < t->output_count; i++) {
        compare_expect_equal(&results[i], &t->expected[i], t->label);
        wn_array_free(c, &results[i]);
    }
}

/* Outputs of the caller's: `more` elements of room on packed axes. */
static void expect_given_results(const trial *t, layout l, placement side, int64_t more) {
    placed places[MAX_ARRAYS];
    wn_array outputs[MAX_ARRAYS];
    wn_error error;
    for (int32_t i = 0; i < t->output_count; i++) {
        wn_array room = t->expected[i];
        if (more) room.shape[0] += more;
        places[i] = layout_place(room.type, room.rank, room.shape, l, side);
        outputs[i] = places[i].array;
    }
    wn_binding *b = NULL;
    compare_expect_ok(wn_bind(t->compiled, t->inputs, (size_t)t->input_count, outputs,
                              (size_t)t->output_count, &b, &error),
                      &error);
    for (int again = 0; again < 2; again++) {
        compare_expect_ok(wn_run(b, &error), &error);
        for (int32_t i = 0; i < t->output_count; i++) {
            compare_expect_equal(wn_result(b, (size_t)i), &t->expected[i], t->label);
            layout_expect_gaps(&places[i], more ? &outputs[i] : wn_result(b, (size_t)i));
        }
    }
    wn_binding_free(b);
    for (int32_t i = 0; i < t->output_count; i++)
        layout_unplace(&places[i]);
}

static void run_trial(trial *t, wn_context *c, wn_kernel *reference, layout in, placement side,
                      const int64_t *size) {
    wn_error error;
    const wn_array none = {0};
    for (int32_t i = 0; i < MAX_ARRAYS; i++)
        t->expected[i] = none;
    compare_expect_ok(wn_call(reference, t->inputs, (size_t)t->input_count, t->expected,
                              (size_t)t->output_count, &error),
                      &error);
    snprintf(t->label, sizeof t->label, "%s over %lld, %lld, %lld, inputs %s", t->e->text,
             (long long)size[0], (long long)size[1], (long long)size[2], layout_name(in));
    expect_context_results(t, c);
    for (layout out = LAYOUT_CONTIGUOUS; out < LAYOUT_REPEATED; out++)
        expect_given_results(t, out, side, 0);
    if (t->e->more_room) {
        expect_given_results(t, LAYOUT_CONTIGUOUS, side, 1);
        expect_given_results(t, LAYOUT_CONTIGUOUS, side, 70);
        expect_given_results(t, LAYOUT_STEPPED, side, 5);
    }
    for (int32_t i = 0; i < t->output_count; i++)
        wn_array_free(c, &t->expected[i]);
}

static void try_layouts(wn_context *c, const expression *e, wn_kernel *compiled,
                        wn_kernel *reference, const int64_t *size) {
    uint64_t seed = (uint64_t)size[0] * 7919 + (uint64_t)size[2];
    wn_type types[MAX_ARRAYS];
    trial t = {.e = e, .compiled = compiled};
    t.input_count = input_types(e->text, types);
    t.output_count = wn_kernel_output_count(compiled);
    for (layout in = LAYOUT_CONTIGUOUS; in < LAYOUT_COUNT; in++) {
        placed places[MAX_ARRAYS];
        placement side = in % 2 ? AT_START : AT_END;
        for (int32_t i = 0; i < t.input_count; i++) {
            shape s = shape_of(e->dims[i], size);
            places[i] = layout_place(types[i], s.rank, s.lengths, in, side);
            layout_fill(&places[i].array, &seed);
            t.inputs[i] = places[i].array;
        }
        run_trial(&t, c, reference, in, side, size);
        for (int32_t i = 0; i < t.input_count; i++)
            layout_unplace(&places[i]);
    }
}

static void every_layout_gives_the_interpreters_bits(void **state) {
    (void)state;
    wn_context *c = compare_context(1);
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        wn_kernel *compiled = compare_compile_text(c, expressions[i].text, COMPARE_ENGINE);
        wn_kernel *reference = compare_compile_text(c, expressions[i].text, WN_ENGINE_INTERPRETER);
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
            try_layouts(c, &expressions[i], compiled, reference, sizes[j]);
        wn_kernel_free(reference);
        wn_kernel_free(compiled);
    }
    wn_context_free(c);
}

/* ---- In place ---------------------------------------------------------------------------------------------------------- */

/* Run a text of x and c onto x's own array, in a layout, and compare with the interpreter's result of the same. */
static void expect_in_place(wn_context *c, const char *text, int64_t n, layout l) {
    uint64_t seed = (uint64_t)n;
    wn_kernel *compiled = compare_compile_text(c, text, COMPARE_ENGINE);
    wn_kernel *reference = compare_compile_text(c, text, WN_ENGINE_INTERPRETER);
    placed x = layout_place(WN_F32, 1, &n, l, AT_END);
    placed mask = layout_place(WN_BOOL, 1, &n, l, AT_END);
    wn_array inputs[] = {x.array, mask.array}, out = x.array, expected = {0};
    wn_error error;
    layout_fill(&x.array, &seed);
    layout_fill(&mask.array, &seed);
    compare_expect_ok(wn_call(reference, inputs, 2, &expected, 1, &error), &error);
    compare_expect_ok(wn_call(compiled, inputs, 2, &out, 1, &error), &error);
    compare_expect_equal(&out, &expected, text);
    wn_array_free(c, &expected);
    layout_unplace(&x);
    layout_unplace(&mask);
    wn_kernel_free(reference);
    wn_kernel_free(compiled);
}

static void an_output_may_lie_on_its_input(void **state) {
    static const int64_t lengths[] = {0, 1, 16, 63, 64, 65, 200, 4096, 5000, 100003};
    (void)state;
    wn_context *c = compare_context(2);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (layout l = LAYOUT_CONTIGUOUS; l <= LAYOUT_STEPPED; l++) {
            expect_in_place(c, "input x: f32[?]; input c: bool[?]; where(c, 0, x * 3)", lengths[i], l);
            expect_in_place(c, "input x: f32[?]; input c: bool[?]; x[c]", lengths[i], l);
        }
    wn_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_gives_the_interpreters_bits),
        cmocka_unit_test(an_output_may_lie_on_its_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
