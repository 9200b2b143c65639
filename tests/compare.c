/*
 * compare.c - the same graph through the interpreter and through compiled code, and what differs.
 */
#include "compare.h"
#include "run/context.h"
#include "values.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- Compiling ---------------------------------------------------------------------------------------------------- */

wn_context *compare_context(int32_t threads) {
    wn_context_options options = {.size = sizeof options, .threads = threads};
#ifdef WN_TEST_LLVM_PATH
    options.llvm_library = WN_TEST_LLVM_PATH;
#endif
    wn_context *c = wn_context_new(&options);
    assert_non_null(c);
    c->parallel_least = 64 << 10; /* so that arrays of moderate size go to threads */
    return c;
}

/* A build that has a provider must find it: else these tests would show nothing. */
static bool has_jit(wn_context *c) {
    wn_graph *g = wn_graph_new(c);
    wn_output(g, "y", wn_logical_not(wn_input(g, "x", WN_BOOL)));
    wn_compile_options options = {sizeof options, WN_ENGINE_JIT, WN_ISA_NATIVE};
    wn_kernel *k = wn_compile(g, &options);
#ifdef WN_TEST_LLVM_PATH
    if (!k) fail_msg("The JIT is missing: %s", wn_graph_error(g));
#endif
    static bool said;
    if (!k && !said) print_message("The JIT is left out: %s\n", wn_graph_error(g));
    said = true;
    bool there = k != NULL;
    wn_kernel_free(k);
    wn_graph_free(g);
    return there;
}

compare_isas compare_available(wn_context *c) {
    static const wn_isa all[] = {WN_ISA_PORTABLE, WN_ISA_X86_64_V2, WN_ISA_X86_64_V3,
                                 WN_ISA_X86_64_V4, WN_ISA_NATIVE};
    compare_isas isas = {{WN_ISA_NATIVE}, 0};
    if (!has_jit(c)) return isas;
    for (size_t i = 0; i < COMPARE_ISAS; i++)
        if (wn_isa_available(all[i])) isas.list[isas.count++] = all[i];
    return isas;
}

char *compare_listing(const wn_graph *g) {
    wn_buffer b = {.context = g->context};
    wn_print_listing(g, &b);
    char *text = malloc(b.length + 1);
    assert_non_null(text);
    if (b.length) memcpy(text, b.text, b.length);
    text[b.length] = 0;
    wn_buffer_free(&b);
    return text;
}

_Noreturn void compare_fail(const wn_graph *g, const char *what, const char *wrong) {
    char *listing = compare_listing(g);
    print_error("%s: %s\nGraph:\n%s\n", what, wrong, listing);
    free(listing);
    fail();
    abort(); /* fail doesn't return, and doesn't say so */
}

const char *compare_what(wn_isa isa, placement where, char text[96]) {
    static const char *const places[] = {"ends", "starts", "ends, at odd addresses"};
    snprintf(text, 96, "%s%s, arrays at their areas' %s", isa == WN_ISA_NATIVE ? "native: " : "",
             wn_isa_name(isa), places[where]);
    return text;
}

wn_kernel *compare_compile(wn_graph *g, wn_engine engine, wn_isa isa) {
    wn_compile_options options = {sizeof options, engine, isa};
    wn_kernel *k = wn_compile(g, &options);
    char what[96];
    if (!k) compare_fail(g, compare_what(isa, AT_END, what), wn_graph_error(g));
    if (engine != WN_ENGINE_AUTO && wn_kernel_engine(k) != engine)
        compare_fail(g, "wn_kernel_engine", "is not the engine that was asked for");
    if (engine == WN_ENGINE_JIT && isa != WN_ISA_NATIVE && wn_kernel_isa(k) != isa)
        compare_fail(g, "wn_kernel_isa", "is not what was asked for");
    return k;
}

static wn_graph *parse(wn_context *c, const char *text) {
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    if (wn_graph_status(g) != WN_OK) fail_msg("%s\n%s", text, wn_graph_error(g));
    return g;
}

wn_kernel *compare_compile_text(wn_context *c, const char *text, wn_engine engine) {
    wn_graph *g = parse(c, text);
    wn_kernel *k = compare_compile(g, engine, WN_ISA_NATIVE);
    wn_graph_free(g);
    return k;
}

void compare_expect_ok(wn_status status, const wn_error *error) {
    if (status != WN_OK) fail_msg("%s: %s", wn_status_name(status), error->message);
}

bool compare_is_exact(const wn_graph *g, node_id id) {
    const node *n = graph_node(g, id);
    switch (n->op) {
    case OP_input:
    case OP_constant:
    case OP_literal: return true;
    case OP_negative:
    case OP_abs:
    case OP_boolean_mask: return compare_is_exact(g, n->args[0]);
    case OP_compress: return compare_is_exact(g, n->args[1]);
    case OP_expand:
    case OP_place:
    case OP_putmask: return compare_is_exact(g, n->args[0]) && compare_is_exact(g, n->args[2]);
    case OP_where: return compare_is_exact(g, n->args[1]) && compare_is_exact(g, n->args[2]);
    default: return !type_is_float((wn_type)n->type);
    }
}

/* ---- Elements ----------------------------------------------------------------------------------------------------- */

bool compare_is_nan(wn_type type, uint64_t bits) {
    int mantissa = type == WN_F16 ? 10 : type == WN_BF16 ? 7 : type == WN_F32 ? 23 : 52;
    uint64_t sign = (uint64_t)1 << (8 * wn_type_size(type) - 1);
    return type_is_float(type) && (bits & (sign - 1)) > sign - ((uint64_t)1 << mantissa);
}

int64_t compare_elements(wn_type type, const void *got, const void *want, int64_t n, bool exact) {
    if (n == 0 || memcmp(got, want, (size_t)n * wn_type_size(type)) == 0) return -1;
    for (int64_t i = 0; i < n; i++) {
        uint64_t a = values_load(type, got, i), b = values_load(type, want, i);
        if (a != b && (exact || !compare_is_nan(type, a) || !compare_is_nan(type, b))) return i;
    }
    return -1;
}

int64_t compare_count(const wn_array *a) {
    int64_t count = 1;
    for (int32_t i = 0; i < a->rank; i++)
        count *= a->shape[i];
    return count;
}

static bool is_contiguous(const wn_array *a) {
    int64_t stride = (int64_t)wn_type_size(a->type);
    for (int32_t i = a->rank - 1; i >= 0; i--) {
        if (a->strides[i] != stride && a->shape[i] != 1) return false;
        stride *= a->shape[i];
    }
    return true;
}

void *compare_copy(const wn_array *a) {
    int64_t count = compare_count(a), index[WN_MAX_RANK] = {0};
    size_t size = wn_type_size(a->type);
    char *copy = malloc((size_t)count * size + 1);
    assert_non_null(copy);
    const char *from = a->data;
    if (is_contiguous(a)) {
        if (count) memcpy(copy, from, (size_t)count * size);
        return copy;
    }
    for (int64_t i = 0; i < count; i++) {
        memcpy(copy + (size_t)i * size, from, size);
        for (int32_t axis = a->rank - 1; axis >= 0; axis--) {
            from += a->strides[axis];
            if (++index[axis] < a->shape[axis]) break;
            from -= a->strides[axis] * index[axis];
            index[axis] = 0;
        }
    }
    return copy;
}

static void element_text(wn_type type, uint64_t bits, char text[64]) {
    snprintf(text, 64, "0x%0*" PRIx64 " (%.9g)", (int)(2 * wn_type_size(type)), bits,
             wn_constant_value(type, bits));
}

/* The elements around the first that differs. */
static void surroundings(wn_type type, const void *got, const void *want, int64_t n, int64_t at,
                         char *text, size_t size) {
    size_t used = 0;
    for (int64_t i = at < 3 ? 0 : at - 3; i < n && i < at + 5 && used < size; i++) {
        char a[64], b[64];
        element_text(type, values_load(type, got, i), a);
        element_text(type, values_load(type, want, i), b);
        int written = snprintf(text + used, size - used, "  %s[%" PRId64 "] %s, expected %s\n",
                               i == at ? ">" : " ", i, a, b);
        used += written > 0 ? (size_t)written : 0;
    }
}

bool compare_arrays(const wn_array *got, const wn_array *want, bool exact, char *text, size_t size) {
    char a[160], b[160];
    if (got->type != want->type || got->rank != want->rank ||
        memcmp(got->shape, want->shape, (size_t)want->rank * sizeof *want->shape) != 0) {
        snprintf(text, size, "%s%s, expected %s%s", wn_type_name(got->type),
                 wn_shape_text(got->rank, got->shape, a, sizeof a), wn_type_name(want->type),
                 wn_shape_text(want->rank, want->shape, b, sizeof b));
        return false;
    }
    void *copy = compare_copy(got);
    int64_t n = compare_count(got), at = compare_elements(got->type, copy, want->data, n, exact);
    if (at >= 0) {
        int head = snprintf(
            text, size,
            "%s%s, first difference at element %" PRId64 " of %" PRId64 " in row-major order:\n",
            wn_type_name(got->type), wn_shape_text(got->rank, got->shape, a, sizeof a), at, n);
        surroundings(got->type, copy, want->data, n, at, text + head, size - (size_t)head);
    }
    free(copy);
    return at < 0;
}

void compare_expect_equal(const wn_array *got, const wn_array *want, const char *what) {
    char wrong[2000];
    if (!compare_arrays(got, want, false, wrong, sizeof wrong)) fail_msg("%s: %s", what, wrong);
}

/* ---- Arrays between unreadable pages --------------------------------------------------------------------------------- */

void arena_new(arena *a, size_t inputs, size_t outputs, size_t bytes) {
    memset(a, 0, sizeof *a);
    for (size_t i = 0; i < inputs; i++)
        guard_new(&a->inputs[i], bytes);
    for (size_t i = 0; i < outputs; i++)
        guard_new(&a->outputs[i], bytes);
}

void arena_free(arena *a) {
    for (size_t i = 0; i < COMPARE_ARRAYS; i++) {
        guard_free(&a->inputs[i]);
        guard_free(&a->outputs[i]);
    }
}

static size_t array_bytes(const wn_array *a) {
    return (size_t)compare_count(a) * wn_type_size(a->type);
}

void arena_inputs(arena *a, placement where, const wn_array *from, size_t count, wn_array *placed) {
    for (size_t i = 0; i < count; i++) {
        void *data = guard_place(&a->inputs[i], where, array_bytes(&from[i]));
        if (array_bytes(&from[i])) memcpy(data, from[i].data, array_bytes(&from[i]));
        placed[i] = wn_array_of(from[i].type, data, from[i].rank, from[i].shape);
    }
}

void arena_outputs(arena *a, placement where, const wn_array *like, size_t count, wn_array *placed) {
    for (size_t i = 0; i < count; i++) {
        void *data = guard_place(&a->outputs[i], where, array_bytes(&like[i]));
        placed[i] = wn_array_of(like[i].type, data, like[i].rank, like[i].shape);
    }
}

bool arena_intact(const arena *a, const wn_array *from, size_t inputs, size_t outputs, char *text,
                  size_t size) {
    for (size_t i = 0; i < inputs; i++) {
        bool same = array_bytes(&from[i]) == 0 ||
                    memcmp(a->inputs[i].data, from[i].data, array_bytes(&from[i])) == 0;
        if (same && guard_intact(&a->inputs[i])) continue;
        snprintf(text, size, "input %zu was written", i);
        return false;
    }
    for (size_t i = 0; i < outputs; i++) {
        if (guard_intact(&a->outputs[i])) continue;
        snprintf(text, size, "something was written outside output %zu", i);
        return false;
    }
    return true;
}

/* ---- A graph through everything ------------------------------------------------------------------------------------- */

typedef struct comparison {
    const wn_graph *graph;
    const wn_array *inputs;
    size_t input_count, output_count;
    wn_array want[COMPARE_ARRAYS];
    int packed_axis[COMPARE_ARRAYS]; /* of each output, -1 without one */
    bool exact[COMPARE_ARRAYS];
    arena arena;
    wn_kernel *kernel;
    wn_isa isa;
    placement where;
} comparison;

_Noreturn static void differs(const comparison *t, const char *how, const char *wrong) {
    char what[96], all[200];
    snprintf(all, sizeof all, "%s, %s", compare_what(t->isa, t->where, what), how);
    compare_fail(t->graph, all, wrong);
}

static void expect_results(const comparison *t, const wn_array *got, const char *how) {
    char text[1024], wrong[1200];
    for (size_t i = 0; i < t->output_count; i++) {
        if (compare_arrays(&got[i], &t->want[i], t->exact[i], text, sizeof text)) continue;
        snprintf(wrong, sizeof wrong, "output %zu: %s", i, text);
        differs(t, how, wrong);
    }
    if (!arena_intact(&t->arena, t->inputs, t->input_count, t->output_count, text, sizeof text))
        differs(t, how, text);
}

/* The outputs' shapes with room for `extra` more (or fewer) elements on the packed axis; false if it has not so many. */
static bool shape_rooms(const comparison *t, int64_t extra, wn_array *shapes) {
    for (size_t i = 0; i < t->output_count; i++) {
        int64_t shape[WN_MAX_RANK];
        memcpy(shape, t->want[i].shape, sizeof shape);
        if (t->packed_axis[i] >= 0) shape[t->packed_axis[i]] += extra;
        if (t->packed_axis[i] >= 0 && shape[t->packed_axis[i]] < 0) return false;
        shapes[i] = wn_array_of(t->want[i].type, NULL, t->want[i].rank, shape);
    }
    return true;
}

static bool packs(const comparison *t) {
    for (size_t i = 0; i < t->output_count; i++)
        if (t->packed_axis[i] >= 0) return true;
    return false;
}

static wn_status call(comparison *t, wn_array *outputs, wn_error *error) {
    wn_array inputs[COMPARE_ARRAYS];
    arena_inputs(&t->arena, t->where, t->inputs, t->input_count, inputs);
    return wn_call(t->kernel, inputs, t->input_count, outputs, t->output_count, error);
}

static void run_in_room(comparison *t, int64_t extra, const char *how) {
    wn_array shapes[COMPARE_ARRAYS], outputs[COMPARE_ARRAYS];
    wn_error error = {WN_OK, ""};
    if (!shape_rooms(t, extra, shapes)) return;
    arena_outputs(&t->arena, t->where, shapes, t->output_count, outputs);
    if (call(t, outputs, &error) != WN_OK) differs(t, how, error.message);
    expect_results(t, outputs, how);
}

static void run_in_too_little(comparison *t, int64_t extra) {
    static const char how[] = "too little room";
    wn_array shapes[COMPARE_ARRAYS], outputs[COMPARE_ARRAYS];
    wn_error error = {WN_OK, ""};
    char text[128];
    if (!shape_rooms(t, extra, shapes)) return;
    arena_outputs(&t->arena, t->where, shapes, t->output_count, outputs);
    wn_status status = call(t, outputs, &error);
    if (status != WN_ERROR_ROOM)
        differs(t, how, status == WN_OK ? "gives no error" : error.message);
    if (error.status != status || !error.message[0]) differs(t, how, "says nothing");
    if (!arena_intact(&t->arena, t->inputs, t->input_count, t->output_count, text, sizeof text))
        differs(t, how, text);
}

static void run_allocated(comparison *t, wn_context *c) {
    static const char how[] = "results of the context";
    wn_array outputs[COMPARE_ARRAYS] = {{0}};
    wn_error error = {WN_OK, ""};
    for (size_t i = 0; i < t->output_count; i++)
        guard_place(&t->arena.outputs[i], AT_END, 0);
    if (call(t, outputs, &error) != WN_OK) differs(t, how, error.message);
    expect_results(t, outputs, how);
    for (size_t i = 0; i < t->output_count; i++)
        wn_array_free(c, &outputs[i]);
}

static void run_count(comparison *t) {
    wn_array inputs[COMPARE_ARRAYS], outputs[COMPARE_ARRAYS] = {{0}};
    wn_binding *b = NULL;
    wn_error error = {WN_OK, ""};
    char wrong[96];
    arena_inputs(&t->arena, t->where, t->inputs, t->input_count, inputs);
    if (wn_bind(t->kernel, inputs, t->input_count, outputs, t->output_count, &b, &error) != WN_OK)
        differs(t, "wn_bind", error.message);
    for (size_t i = 0; i < t->output_count; i++) {
        int64_t n_true = -1;
        if (t->packed_axis[i] < 0) continue;
        if (wn_count(b, i, &n_true, &error) != WN_OK) differs(t, "wn_count", error.message);
        if (n_true == t->want[i].shape[t->packed_axis[i]]) continue;
        snprintf(wrong, sizeof wrong, "output %zu: %" PRId64 ", expected %" PRId64, i, n_true,
                 t->want[i].shape[t->packed_axis[i]]);
        differs(t, "wn_count", wrong);
    }
    wn_binding_free(b);
}

static void run_everything(comparison *t, wn_context *c) {
    run_in_room(t, 0, "outputs that just fit");
    run_allocated(t, c);
    if (!packs(t)) return;
    run_in_room(t, 1, "room for one more");
    run_in_room(t, 100, "room for 100 more");
    run_count(t);
    run_in_too_little(t, -1);
    run_in_too_little(t, -70);
}

/* Which axis of each output is packed, and how large the largest array is with the most room. */
static size_t look_at_outputs(comparison *t) {
    size_t most = 64;
    for (size_t i = 0; i < t->input_count; i++)
        if (array_bytes(&t->inputs[i]) > most) most = array_bytes(&t->inputs[i]);
    for (size_t i = 0; i < t->output_count; i++) {
        const node *n = graph_node(t->graph, t->graph->outputs[i]);
        t->packed_axis[i] = -1;
        t->exact[i] = compare_is_exact(t->graph, t->graph->outputs[i]);
        size_t row = wn_type_size((wn_type)n->type);
        for (int axis = 0; axis < n->rank; axis++) {
            bool packed = dim_is_packed(t->graph, node_dims(t->graph, n)[axis]);
            if (packed)
                t->packed_axis[i] = axis;
            else
                row *= (size_t)t->want[i].shape[axis];
        }
        size_t bytes = array_bytes(&t->want[i]) + 100 * row;
        if (bytes > most) most = bytes;
    }
    return most;
}

void compare_graph(wn_context *c, wn_graph *g, const wn_array *inputs, size_t count) {
    comparison t = {.graph = g, .inputs = inputs, .input_count = count, .output_count = g->output_count};
    wn_error error = {WN_OK, ""};
    assert_true(count <= COMPARE_ARRAYS && t.output_count <= COMPARE_ARRAYS);
    if (wn_graph_status(g) != WN_OK) compare_fail(g, "graph", wn_graph_error(g));
    wn_kernel *oracle = compare_compile(g, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    if (wn_call(oracle, inputs, count, t.want, t.output_count, &error) != WN_OK)
        compare_fail(g, "interpreter", error.message);
    arena_new(&t.arena, count, t.output_count, look_at_outputs(&t));
    char *listing = compare_listing(g);
    guard_describe(listing);
    free(listing);
    compare_isas isas = compare_available(c);
    for (size_t i = 0; i < isas.count; i++) {
        t.isa = isas.list[i];
        t.kernel = compare_compile(g, WN_ENGINE_JIT, t.isa);
        for (t.where = AT_END; t.where < PLACEMENT_COUNT; t.where++)
            run_everything(&t, c);
        wn_kernel_free(t.kernel);
    }
    guard_describe(NULL);
    arena_free(&t.arena);
    for (size_t i = 0; i < t.output_count; i++)
        wn_array_free(c, &t.want[i]);
    wn_kernel_free(oracle);
}

void compare_text(wn_context *c, const char *text, const wn_array *inputs, size_t count) {
    wn_graph *g = parse(c, text);
    compare_graph(c, g, inputs, count);
    wn_graph_free(g);
}
