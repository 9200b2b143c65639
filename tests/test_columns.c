/*
 * test_columns.c - reductions of some axes, in every order of kept and reduced ones, by the JIT as by the interpreter: bit by bit, with
 * arrays of every layout beside unreadable pages, on one thread and on two.
 */
#include "compare.h"
#include "layouts.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { MAX_INPUTS = 2, MAX_OUTPUTS = 12 };

/* ---- Running ------------------------------------------------------------------------------------------------------- */

typedef struct subject {
    char text[1500];
    wn_type types[MAX_INPUTS];
    int32_t inputs, ranks[MAX_INPUTS];
    bool stretched[MAX_INPUTS][WN_MAX_RANK]; /* an axis of length 1 */
    bool bits; /* arrays of bools are bitmaps, with as many bits from one element to the next as there were bytes */
} subject;

/* The interpreter's results, or its error. */
typedef struct oracle {
    wn_status status;
    wn_error error;
    wn_array results[MAX_OUTPUTS];
    int32_t count;
} oracle;

static oracle interpret(wn_kernel *k, const subject *s, const wn_array *inputs) {
    oracle o = {.status = WN_OK};
    o.count = wn_kernel_output_count(k);
    o.status = wn_call(k, inputs, (size_t)s->inputs, o.results, (size_t)o.count, &o.error);
    return o;
}

/* Results of the context, or in the caller's arrays of a layout. */
static void expect_run(wn_context *c, wn_kernel *k, const subject *s, const wn_array *inputs,
                       const oracle *o, layout l, bool given) {
    placed places[MAX_OUTPUTS];
    wn_array outputs[MAX_OUTPUTS] = {{0}};
    wn_error error = {WN_OK, ""};
    for (int32_t i = 0; given && i < o->count; i++) {
        const wn_array *want = &o->results[i];
        places[i] = layout_place(want->type, want->rank, want->shape, l, AT_END);
        outputs[i] = places[i].array;
    }
    wn_status status = wn_call(k, inputs, (size_t)s->inputs, outputs, (size_t)o->count, &error);
    if (status != o->status)
        fail_msg("%s: %s; the interpreter: %s", s->text, error.message, o->error.message);
    if (status != WN_OK) assert_string_equal(error.message, o->error.message);
    for (int32_t i = 0; status == WN_OK && i < o->count; i++) {
        compare_expect_equal(&outputs[i], &o->results[i], s->text);
        if (given) layout_expect_gaps(&places[i], &outputs[i]);
    }
    for (int32_t i = 0; i < o->count; i++)
        if (given)
            layout_unplace(&places[i]);
        else
            wn_array_free(c, &outputs[i]);
}

static void place_inputs(const subject *s, const int64_t *shape, int32_t rank, layout l,
                         uint64_t *seed, placed *places, wn_array *inputs) {
    for (int32_t i = 0; i < s->inputs; i++) {
        int64_t own[WN_MAX_RANK];
        for (int32_t axis = 0; axis < s->ranks[i]; axis++)
            own[axis] = s->stretched[i][axis] ? 1 : shape[rank - s->ranks[i] + axis];
        places[i] = layout_place(s->types[i], s->ranks[i], own, l, (placement)(l % PLACEMENT_COUNT));
        layout_fill(&places[i].array, seed);
        inputs[i] = places[i].array;
        if (s->bits && inputs[i].type == WN_BOOL) inputs[i].type = WN_BITMAP;
    }
}

/* Kernels for the instruction sets that have loops of their own, on one thread or on two; for the best of them on both. */
typedef struct bench {
    wn_context *contexts[4];
    wn_kernel *kernels[4], *interpreter;
    size_t count;
} bench;

static void compile(bench *b, wn_context *const *two, const subject *s) {
    static const wn_isa isas[] = {WN_ISA_X86_64_V2, WN_ISA_X86_64_V3, WN_ISA_X86_64_V4, WN_ISA_NATIVE};
    bool jit = compare_available(two[0]).count > 0;
    *b = (bench){.interpreter = compare_compile_text(two[0], s->text, WN_ENGINE_INTERPRETER)};
    for (size_t i = 0; jit && i < 4; i++) {
        wn_compile_options options = {sizeof options, WN_ENGINE_JIT, isas[i]};
        if (!wn_isa_available(isas[i])) continue;
        wn_graph *g = wn_graph_new(two[i % 2]);
        wn_parse(g, s->text, strlen(s->text));
        b->contexts[b->count] = two[i % 2];
        b->kernels[b->count] = wn_compile(g, &options);
        if (!b->kernels[b->count++]) fail_msg("%s: %s", s->text, wn_graph_error(g));
        wn_graph_free(g);
    }
}

static void dismiss(const bench *b) {
    for (size_t i = 0; i < b->count; i++)
        wn_kernel_free(b->kernels[i]);
    wn_kernel_free(b->interpreter);
}

/* Some layouts over one shape. */
static void expect_same(const bench *b, const subject *s, const int64_t *shape, int32_t rank,
                        layout first, layout step) {
    uint64_t seed = (uint64_t)shape[0] + 1;
    for (layout l = first; l < LAYOUT_COUNT; l += step) {
        placed places[MAX_INPUTS];
        wn_array inputs[MAX_INPUTS];
        place_inputs(s, shape, rank, l, &seed, places, inputs);
        oracle o = interpret(b->interpreter, s, inputs);
        for (size_t i = 0; i < b->count; i++) {
            bool given = o.status == WN_OK && (i + l) % 2 == 0;
            expect_run(b->contexts[i], b->kernels[i], s, inputs, &o, l % LAYOUT_REPEATED, given);
        }
        for (int32_t i = 0; i < o.count; i++)
            wn_array_free(b->contexts[0], &o.results[i]);
        for (int32_t i = 0; i < s->inputs; i++)
            layout_unplace(&places[i]);
    }
}

static void run_shapes(wn_context *const *two, const subject *s, const int64_t (*shapes)[4],
                       size_t count, int32_t rank, layout step) {
    bench b;
    compile(&b, two, s);
    for (size_t i = 0; i < count; i++)
        expect_same(&b, s, shapes[i], rank, (layout)(i % step), step);
    dismiss(&b);
}

/* ---- Subjects ------------------------------------------------------------------------------------------------------ */

static const char *const DIMS[] = {"", "?", "?, ?", "?, ?, ?", "?, ?, ?, ?"};

/* The masks of where=, for x of this rank: none, x's shape, its last axis, its first axis. */
enum mask_kind { NO_MASK, WHOLE_MASK, LAST_MASK, FIRST_MASK, MASK_KINDS };

static void declare(subject *s, wn_type type, int32_t rank, enum mask_kind mask) {
    const char *dims = mask == LAST_MASK ? "?" : DIMS[rank];
    *s = (subject){.types = {type, WN_BOOL}, .inputs = mask ? 2 : 1, .ranks = {rank, rank}};
    if (mask == LAST_MASK) s->ranks[1] = 1;
    if (mask == FIRST_MASK) dims = rank == 2 ? "?, 1" : rank == 3 ? "?, 1, 1" : "?, 1, 1, 1";
    for (int32_t axis = 1; mask == FIRST_MASK && axis < rank; axis++)
        s->stretched[1][axis] = true;
    snprintf(s->text, sizeof s->text, "input x: %s[%s]; ", wn_type_name(type), DIMS[rank]);
    size_t length = strlen(s->text);
    if (mask) snprintf(s->text + length, sizeof s->text - length, "input m: bool[%s]; ", dims);
}

static void add_output(subject *s, const char *format, const char *kind, const char *axes) {
    size_t length = strlen(s->text);
    snprintf(s->text + length, sizeof s->text - length, format, kind, kind, axes);
}

static const char *const KINDS[] = {"sum", "prod", "mean", "count",  "any",
                                    "all", "min",  "max",  "argmin", "argmax"};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS, FIRST_PLACE = 8 };

/* Shapes with short, long and very long reduced axes wherever they lie, and with enough elements for two threads. */
static const int64_t SHAPES_3[][4] = {
    {1, 1, 1},    {2, 3, 4},    {7, 0, 3},    {0, 5, 2},     {5, 64, 3},    {65, 2, 33},
    {300, 3, 2},  {3, 300, 2},  {2, 3, 300},  {1100, 2, 3},  {2, 1100, 17}, {3, 5, 1100},
    {5000, 3, 1}, {1, 5000, 7}, {9, 1, 5000}, {24000, 1, 3}, {40, 41, 42},  {3, 24000, 1},
};
enum { SHAPE_COUNT = sizeof SHAPES_3 / sizeof *SHAPES_3 };

static const char *const AXES_3[] = {"0", "1", "2", "(0, 1)", "(0, 2)", "(1, 2)"};
enum { AXES_COUNT = sizeof AXES_3 / sizeof *AXES_3, FIRST_PAIR = 3 };

static void start(wn_context **two) {
    two[0] = compare_context(1);
    two[1] = compare_context(2);
}

static void stop(wn_context **two) {
    wn_context_free(two[0]);
    wn_context_free(two[1]);
}

/* ---- Tests --------------------------------------------------------------------------------------------------------- */

static void each_kind_of_three_axes(void **state) {
    (void)state;
    wn_context *two[2];
    start(two);
    unsigned round = 0;
    for (int kind = 0; kind < KIND_COUNT; kind++)
        for (int axes = 0; axes < AXES_COUNT; axes++, round++) {
            if (kind >= FIRST_PLACE && axes >= FIRST_PAIR) continue;
            for (int with = 0; with < 2; with++) {
                int mask = with ? 1 + (int)round % (MASK_KINDS - 1) : NO_MASK;
                static const wn_type types[] = {WN_F32, WN_F64,  WN_I32, WN_I64,
                                                WN_U8,  WN_BOOL, WN_U16};
                wn_type type = mask == NO_MASK ? WN_F32 : types[(round + (unsigned)mask) % 7];
                subject s;
                declare(&s, type, 3, (enum mask_kind)mask);
                add_output(&s,
                           mask ? "output o_%s = %s(x, where=m, axis=%s);"
                                : "output o_%s = %s(x, axis=%s);",
                           KINDS[kind], AXES_3[axes]);
                run_shapes(two, &s, SHAPES_3, SHAPE_COUNT, 3, COMPARE_SAMPLED ? 5 : 3);
            }
        }
    stop(two);
}

/* One loop for all, of plain elements and of computed ones, of every type; what is least of nothing has a value. */
static void all_kinds_at_once_of_each_type(void **state) {
    (void)state;
    wn_context *two[2];
    start(two);
    for (wn_type type = WN_BOOL; type <= WN_F64; type++)
        for (int axes = 0; axes < FIRST_PAIR; axes++)
            for (int computed = 0; computed < 2; computed++) {
                subject s;
                declare(&s, type, 3, computed ? WHOLE_MASK : NO_MASK);
                for (int kind = 0; kind < (computed ? FIRST_PLACE : KIND_COUNT); kind++) {
                    bool initial = !strcmp(KINDS[kind], "min") || !strcmp(KINDS[kind], "max");
                    char format[100];
                    snprintf(format, sizeof format,
                             "output o_%%s = %%s(x %s x, where=m & x == x%s, axis=%%s);",
                             type == WN_BOOL ? "&" : "+",
                             !initial          ? ""
                             : type == WN_BOOL ? ", initial=true"
                                               : ", initial=1");
                    add_output(&s, computed ? format : "output o_%s = %s(x, axis=%s);", KINDS[kind],
                               AXES_3[axes]);
                }
                run_shapes(two, &s, SHAPES_3, SHAPE_COUNT, 3, COMPARE_SAMPLED ? 6 : 4);
            }
    stop(two);
}

/* Rows of lengths that have loops of their own, around those of whole vectors, and more; around as many as these take at once, and in several
   tiles. */
static void short_rows(void **state) {
    (void)state;
    static const wn_type types[] = {WN_F32, WN_F64, WN_I32, WN_U8,  WN_BOOL, WN_I64,
                                    WN_U64, WN_F16, WN_I8,  WN_I16, WN_U16,  WN_U32};
    static const int64_t lengths[] = {2,  3,  4,  5,  6,  7,  8,   9,   16,
                                      17, 31, 33, 64, 65, 97, 128, 129, 255};
    static const int64_t numbers[] = {2, 4, 5, 7, 8, 9, 17, 700, 9000};
    static const char *const formats[] = {"output o_%s = %s(x, axis=%s);",
                                          "output o_%s = %s(x, where=m, axis=%s);"};
    enum {
        NUMBERS = sizeof numbers / sizeof *numbers,
        LENGTHS = sizeof lengths / sizeof *lengths,
        TYPES = sizeof types / sizeof *types
    };
    wn_context *two[2];
    start(two);
    for (int kind = 0; kind < FIRST_PLACE; kind++)
        for (int with = 0; with < 2; with++)
            for (int l = 0; l < LENGTHS; l += COMPARE_SAMPLED ? 3 : 1) {
                int64_t shapes[NUMBERS][4] = {{0}}, length = lengths[l];
                wn_type type = types[(l + 5 * kind + with) % TYPES];
                size_t count = length < 32 ? NUMBERS : NUMBERS - 1;
                subject s;
                for (size_t i = 0; i < NUMBERS; i++)
                    shapes[i][0] = numbers[i], shapes[i][1] = length;
                declare(&s, type, 2, with ? WHOLE_MASK : NO_MASK);
                add_output(&s, formats[with], KINDS[kind], "1");
                if (kind != 1) add_output(&s, "output s_%s = %s(x == x, axis=%s);", "count", "1");
                run_shapes(two, &s, (const int64_t(*)[4])shapes, count, 2, COMPARE_SAMPLED ? 5 : 3);
            }
    stop(two);
}

/* Of x[m]: places are counted among the elements that m selects. */
static void of_packed_rows(void **state) {
    (void)state;
    static const char *const mine[] = {"argmin", "argmax", "mean", "max"};
    wn_context *two[2];
    start(two);
    for (size_t kind = 0; kind < sizeof mine / sizeof *mine; kind++) {
        subject s;
        declare(&s, kind % 2 ? WN_F32 : WN_I16, 3, FIRST_MASK);
        char *dims = strstr(s.text, "bool[") + 5;
        strcpy(dims, "?]; ");
        s.ranks[1] = 1;
        s.stretched[1][0] = false;
        add_output(&s, "output o_%s = %s(x[m], axis=%s);", mine[kind], "0");
        static const int64_t shapes[][4] = {{5, 5, 5}, {64, 3, 64}, {3, 700, 3}, {300, 300, 300}};
        bench b;
        compile(&b, two, &s);
        for (size_t i = 0; i < 4; i++) {
            int64_t shape[] = {shapes[i][0], 3,
                               shapes[i][2]}; /* m has the last axis' length, which is the first's */
            shape[0] = shape[2];
            expect_same(&b, &s, shape, 3, LAYOUT_CONTIGUOUS, 2);
        }
        dismiss(&b);
    }
    stop(two);
}

static void every_length(void **state) {
    (void)state;
    static const char *const mine[] = {"sum", "prod", "mean", "max", "argmin", "count"};
    wn_context *two[2];
    start(two);
    for (size_t kind = 0; kind < sizeof mine / sizeof *mine; kind++)
        for (int axis = 0; axis < 2; axis++)
            for (wn_type type = WN_F32; type <= WN_F64; type++) {
                int64_t shapes[140][4];
                for (int64_t n = 0; n < 140; n++) {
                    int64_t length = n < 131 ? n : 1020 + n - 131, kept = 1 + n % 5;
                    memcpy(shapes[n], axis ? (int64_t[]){kept, length} : (int64_t[]){length, kept},
                           2 * sizeof kept);
                }
                subject s;
                declare(&s, type, 2, NO_MASK);
                add_output(&s, "output o_%s = %s(x, axis=%s);", mine[kind], axis ? "1" : "0");
                run_shapes(two, &s, (const int64_t(*)[4])shapes, 140, 2, 6);
            }
    stop(two);
}

static void four_axes_in_every_order(void **state) {
    (void)state;
    static const int64_t shapes[][4] = {{2, 3, 4, 5}, {33, 3, 17, 2}, {3, 70, 5, 66}, {1, 300, 2, 300}};
    wn_context *two[2];
    start(two);
    for (int set = 1; set < 15; set++) {
        char axes[20] = "(";
        for (int axis = 0; axis < 4; axis++)
            if (set >> axis & 1) snprintf(axes + strlen(axes), 4, "%d, ", axis);
        strcpy(axes + strlen(axes) - 2, ")");
        if ((set & (set - 1)) == 0) axes[2] = 0;
        subject s;
        declare(&s, WN_F32, 4, (enum mask_kind)(set % MASK_KINDS));
        const char *format = s.inputs > 1 ? "output o_%s = %s(x, where=m, axis=%s, keepdims=true);"
                                          : "output o_%s = %s(x, axis=%s, keepdims=true);";
        const char *axes_text = axes[2] ? axes : axes + 1;
        add_output(&s, format, "sum", axes_text);
        add_output(&s, format, "mean", axes_text);
        run_shapes(two, &s, shapes, 4, 4, 2);
    }
    stop(two);
}

/* A tile is narrower than the columns, and its leaves have levels. */
static void wide_and_tall(void **state) {
    (void)state;
    static const int64_t shapes[][4] = {{2100, 1500}, {5000, 130}, {1500, 2100}, {20, 5000}, {5000, 20}};
    wn_context *two[2];
    start(two);
    for (int kind = 0; kind < 4; kind++)
        for (int axis = 0; axis < 2; axis++)
            for (int mask = 0; mask < 2; mask++) {
                subject s;
                declare(&s, kind % 2 ? WN_F64 : WN_F32, 2, mask ? WHOLE_MASK : NO_MASK);
                add_output(&s,
                           mask ? "output o_%s = %s(x + x, where=m, axis=%s);"
                                : "output o_%s = %s(x, axis=%s);",
                           (const char *[]){"sum", "mean", "max", "argmax"}[kind], axis ? "1" : "0");
                run_shapes(two, &s, shapes, COMPARE_SAMPLED ? 2 : 5, 2, 4);
            }
    stop(two);
}

static const int64_t REPEATED[][4] = {{3000, 2},  {2, 3000}, {5000, 3}, {1500, 77},
                                      {40, 1030}, {7, 5000}, {24000, 3}};
enum { REPEATED_COUNT = sizeof REPEATED / sizeof *REPEATED };

/* Rows, blocks and parts of threads begin anywhere in what repeats itself. */
static void what_repeats_itself(void **state) {
    (void)state;
    static const char *const outputs[] = {
        "output o = sum(x * w, axis=0); output p = sum(x * w, axis=1);",
        "output o = sum(x * w); output p = argmin(x - w); output q = count(x > w);",
        "output o = max(w + x, axis=0, where=x > w, initial=0); output p = any(x == w, axis=1);",
        "output o = (x * w)[x > w];"};
    wn_context *two[2];
    start(two);
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        for (int kind = 0; kind < 3; kind++) {
            subject s = {.types = {WN_F32, WN_F32}, .inputs = 2, .ranks = {2, kind ? 2 : 1}};
            s.stretched[1][0] = kind == 1;
            s.stretched[1][1] = kind == 2;
            snprintf(s.text, sizeof s.text, "input x: f32[?, ?]; input w: f32[%s]; %s",
                     (const char *[]){"?", "1, ?", "?, 1"}[kind], outputs[i]);
            run_shapes(two, &s, REPEATED, REPEATED_COUNT, 2, 2);
        }
    stop(two);
}

static void masks_that_are_bitmaps(void **state) {
    (void)state;
    static const wn_type types[] = {WN_F32, WN_U16, WN_BOOL};
    wn_context *two[2];
    start(two);
    for (int mask = WHOLE_MASK; mask < MASK_KINDS; mask++)
        for (int kind = 0; kind < 3; kind++) {
            subject s;
            declare(&s, types[kind], 2, (enum mask_kind)mask);
            s.bits = true;
            for (int axis = 0; axis < 2; axis++) {
                const char *text = axis ? "1" : "0";
                add_output(&s, "output a%s_%s = sum(x, where=m, axis=%s);", text, text);
                add_output(&s, "output b%s_%s = count(m & x == x, axis=%s);", text, text);
                add_output(&s, "output c%s_%s = any(m | x != x, axis=%s);", text, text);
            }
            run_shapes(two, &s, REPEATED, REPEATED_COUNT, 2, 2);
        }
    stop(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_three_axes),
        cmocka_unit_test(short_rows),
        cmocka_unit_test(of_packed_rows),
        cmocka_unit_test(all_kinds_at_once_of_each_type),
        cmocka_unit_test(every_length),
        cmocka_unit_test(four_axes_in_every_order),
        cmocka_unit_test(wide_and_tall),
        cmocka_unit_test(what_repeats_itself),
        cmocka_unit_test(masks_that_are_bitmaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
