/*
 * test_conformance.c - the cases of NumPy's and TensorFlow's own tests, with what those libraries say (conformance/make.py),
 * by the interpreter and by the JIT for every instruction set, bit by bit. A test a file.
 *
 * Cases with the same expression and the same types and ranks share a kernel, whose lengths only the run knows. The
 * interpreter also runs each case with its lengths declared: what is then found wrong before a run must be the same.
 */
#include "compare.h"
#include "conformance.h"
#include "values.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ENGINES (COMPARE_ISAS + 1)
#define SHOWN 20 /* of the failures in a file */

typedef struct trial {
    const char *file;
    wn_context *context;
    compare_isas isas;
    const conformance_kernel *kernel;
    int cases, failures;
} trial;

/* ---- Saying what is wrong -------------------------------------------------------------------- */

static void show_array(const char *name, const wn_array *a) {
    char shape[160];
    int64_t n = compare_count(a);
    wn_shape_text(a->rank, a->shape, shape, sizeof shape);
    print_error("  %s: %s%s =", name, wn_type_name(a->type), shape);
    for (int64_t i = 0; i < n && i < 24; i++) {
        uint64_t bits = values_load(a->type, a->data, i);
        print_error(" %" PRIx64 "(%g)", bits, wn_constant_value(a->type, bits));
    }
    print_error(n > 24 ? " ...\n" : "\n");
}

static void report(trial *t, const conformance_case *one, const char *how, const char *wrong) {
    if (t->failures++ >= SHOWN) return;
    print_error("%s.txt:%d, %s, by %s:\n  %s\n", t->file, one->line, one->name, how, t->kernel->text);
    for (int i = 0; i < t->kernel->input_count; i++)
        show_array(t->kernel->inputs[i].name, one->inputs[i]);
    print_error("  %s\n", wrong);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool same_shape(const wn_array *got, const wn_array *want, wn_type type, char *wrong,
                       size_t size) {
    char a[160], b[160];
    if (got->type == type && got->rank == want->rank &&
        memcmp(got->shape, want->shape, (size_t)want->rank * sizeof *want->shape) == 0)
        return true;
    snprintf(wrong, size, "gives %s%s, expected %s%s", wn_type_name(got->type),
             wn_shape_text(got->rank, got->shape, a, sizeof a), wn_type_name(type),
             wn_shape_text(want->rank, want->shape, b, sizeof b));
    return false;
}

static bool same_element(const conformance_case *one, const wn_array *got, int64_t i) {
    uint64_t bits = values_load(got->type, got->data, i);
    const wn_array *want = &one->result->array;
    uint64_t expected = values_load(want->type, want->data, i);
    if (one->result->any_nan && one->result->any_nan[i]) return compare_is_nan(got->type, bits);
    if (one->want == WANT_EQUAL) return bits == expected;
    double value = wn_constant_value(got->type, bits);
    double bound = wn_constant_value(WN_F32, values_load(WN_F32, one->bound->array.data, i));
    if (bound == 0) return values_of_double(WN_F64, value) == expected;
    return fabs(value - wn_constant_value(WN_F64, expected)) <= bound;
}

/* Whether a result is right; else `wrong` says where it isn't. */
static bool check(const conformance_case *one, const wn_array *got, char *wrong, size_t size) {
    if (one->want == WANT_HASH) {
        if (!same_shape(got, &one->shape, one->type, wrong, size)) return false;
        snprintf(wrong, size, "hash %" PRIx64 ", expected %" PRIx64, conformance_hash(got), one->hash);
        return conformance_hash(got) == one->hash;
    }
    const wn_array *want = &one->result->array;
    wn_type type = one->want == WANT_NEAR ? one->type : want->type;
    if (!same_shape(got, want, type, wrong, size)) return false;
    for (int64_t i = 0, n = compare_count(want); i < n; i++) {
        if (same_element(one, got, i)) continue;
        uint64_t a = values_load(got->type, got->data, i), b = values_load(want->type, want->data, i);
        bool nan = one->result->any_nan && one->result->any_nan[i];
        snprintf(wrong, size,
                 "element %" PRId64 " of %" PRId64 " is 0x%" PRIx64 " (%.9g), expected %s0x%" PRIx64
                 " (%.9g)%s",
                 i, n, a, wn_constant_value(got->type, a), nan ? "any NaN, " : "", b,
                 wn_constant_value(want->type, b), one->want == WANT_NEAR ? " or near it" : "");
        return false;
    }
    return true;
}

/* A status that says that the caller was wrong, rather than the library or the machine. */
static bool blames_caller(wn_status status) {
    return status != WN_OK && status != WN_ERROR_MEMORY && status != WN_ERROR_TARGET &&
           status != WN_ERROR_COMPILER && status != WN_ERROR_INTERNAL;
}

static void check_outcome(trial *t, const conformance_case *one, const char *how, wn_status status,
                          const char *message, wn_array *result) {
    char wrong[1000];
    bool right;
    if (one->want == WANT_ERROR) {
        right = one->error == WN_OK ? blames_caller(status) : status == one->error;
        snprintf(wrong, sizeof wrong, "%s: %s; expected %s", wn_status_name(status), message,
                 one->error == WN_OK ? "an error" : wn_status_name(one->error));
    } else if (status != WN_OK) {
        right = false;
        snprintf(wrong, sizeof wrong, "%s: %s", wn_status_name(status), message);
    } else {
        right = check(one, result, wrong, sizeof wrong);
    }
    if (!right) report(t, one, how, wrong);
    if (status == WN_OK) wn_array_free(t->context, result);
}

/* ---- Running --------------------------------------------------------------------------------- */

/* The expression; its inputs have the lengths of a case, or any. */
static wn_graph *build(const trial *t, const conformance_case *declared) {
    static const int64_t any[WN_MAX_RANK] = {-1, -1, -1, -1, -1, -1, -1, -1};
    wn_graph *g = wn_graph_new(t->context);
    assert_non_null(g);
    for (int i = 0; i < t->kernel->input_count; i++)
        wn_input_dims(g, t->kernel->inputs[i].name, t->kernel->inputs[i].type,
                      t->kernel->inputs[i].rank, declared ? declared->inputs[i]->shape : any);
    wn_parse(g, t->kernel->text, strlen(t->kernel->text));
    return g;
}

static void run_case(trial *t, const conformance_case *one, const char *how, wn_kernel *k,
                     const wn_graph *g) {
    wn_error error = {WN_OK, ""};
    wn_array inputs[CONFORMANCE_INPUTS], result = {0};
    for (int i = 0; i < t->kernel->input_count; i++)
        inputs[i] = *one->inputs[i];
    wn_status status = wn_graph_status(g);
    if (k) status = wn_call(k, inputs, (size_t)t->kernel->input_count, &result, 1, &error);
    check_outcome(t, one, how, status, k ? error.message : wn_graph_error(g), &result);
}

static void run_kernel(trial *t, const char *how, wn_engine engine, wn_isa isa) {
    wn_graph *g = build(t, NULL);
    wn_compile_options options = {sizeof options, engine, isa};
    wn_kernel *k = wn_graph_status(g) == WN_OK ? wn_compile(g, &options) : NULL;
    if (!k && wn_graph_status(g) == WN_OK)
        fail_msg("%s: %s: %s", t->kernel->text, how, wn_graph_error(g));
    for (int i = 0; i < t->kernel->case_count; i++)
        run_case(t, &t->kernel->cases[i], how, k, g);
    wn_kernel_free(k);
    wn_graph_free(g);
}

static void run_declared(trial *t) {
    for (int i = 0; i < t->kernel->case_count; i++) {
        wn_graph *g = build(t, &t->kernel->cases[i]);
        wn_compile_options options = {sizeof options, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE};
        wn_kernel *k = wn_compile(g, &options);
        run_case(t, &t->kernel->cases[i], "the interpreter, lengths declared", k, g);
        wn_kernel_free(k);
        wn_graph_free(g);
    }
}

static void agrees(void **state) {
    trial t = {.file = *state, .context = compare_context(0)};
    t.isas = compare_available(t.context);
    if (t.isas.count) t.isas.count--; /* native is one of the others, but for what test_pack has */
    conformance *c = conformance_read(t.file);
    for (int i = 0; i < c->kernel_count; i++) {
        t.kernel = &c->kernels[i];
        t.cases += t.kernel->case_count;
        run_kernel(&t, "the interpreter", WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
        run_declared(&t);
        for (size_t j = 0; j < t.isas.count; j++)
            run_kernel(&t, wn_isa_name(t.isas.list[j]), WN_ENGINE_JIT, t.isas.list[j]);
    }
    conformance_free(c);
    wn_context_free(t.context);
    print_message("%s: %d cases, %zu ways\n", t.file, t.cases, t.isas.count + 2);
    if (t.failures)
        fail_msg("%s: %d failures, of which at most %d are shown", t.file, t.failures, SHOWN);
}

/* ---- docs/differences.md --------------------------------------------------------------------- */

static const char *const FILES[] = {
    "tf_boolean_mask",  "tf_where",    "tf_select",  "tf_compare",    "tf_logical", "tf_cast",
    "tf_sequence_mask", "tf_bitwise",  "tf_clip",    "tf_arithmetic", "tf_reduce",  "tf_arg",
    "np_nonzero",       "np_where",    "np_compare", "np_integer",    "np_float",   "np_index",
    "np_assign",        "np_select",   "np_count",   "np_any_all",    "np_min_max", "np_arg",
    "np_sum",           "differences",
};
#define FILE_COUNT (sizeof FILES / sizeof *FILES)

/* The document, or NULL. */
static char *differences(void) {
    FILE *f = fopen(WN_TEST_DATA "/../docs/differences.md", "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 17);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 17) - 1, f) > 0);
    fclose(f);
    return text;
}

/* Cases that differ from a library say which row tells why; each row has a case. A row begins with its name: "| `name` |". */
static void differences_are_documented(void **state) {
    (void)state;
    char *document = differences(), row[64];
    char *seen = calloc(1, 1 << 17), *at = seen;
    assert_non_null(seen);
    for (size_t f = 0; f < FILE_COUNT; f++) {
        conformance *c = conformance_read(FILES[f]);
        for (int i = 0; i < c->kernel_count; i++)
            for (int j = 0; j < c->kernels[i].case_count; j++) {
                const char *name = c->kernels[i].cases[j].difference;
                if (!*name) continue;
                snprintf(row, sizeof row, "\n| `%s` |", name);
                if (!strstr(document, row))
                    fail_msg("%s.txt:%d: docs/differences.md has no row '%s'", FILES[f],
                             c->kernels[i].cases[j].line, name);
                if (!strstr(seen, row)) at += sprintf(at, "%s", row);
            }
        conformance_free(c);
    }
    for (char *line = strstr(document, "\n| `"); line; line = strstr(line + 1, "\n| `")) {
        snprintf(row, sizeof row, "%.*s", (int)(strstr(line, "` |") + 3 - line), line);
        if (!strstr(seen, row)) fail_msg("docs/differences.md: no case has the row%s", row);
    }
    free(seen);
    free(document);
}

/* ---- All files ------------------------------------------------------------------------------- */

int main(int count, char **arguments) {
    struct CMUnitTest tests[FILE_COUNT + 1];
    size_t chosen = 0;
    for (size_t i = 0; i < FILE_COUNT; i++)
        if (count < 2 || strcmp(FILES[i], arguments[1]) == 0)
            tests[chosen++] =
                (struct CMUnitTest){FILES[i], agrees, NULL, NULL, (void *)(uintptr_t)FILES[i]};
    if (count < 2)
        tests[chosen++] = (struct CMUnitTest)cmocka_unit_test(differences_are_documented);
    return _cmocka_run_group_tests("conformance", tests, chosen, NULL, NULL);
}
