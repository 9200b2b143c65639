/*
 * test_golden.c - every operation on every type, every cast, reductions, masks and broadcasting
 * against what NumPy, TensorFlow and exact arithmetic say (golden/make.py), bit by bit.
 *
 * The same files are run three ways: the interpreter's loops alone, and whole graphs by either engine,
 * once with lengths that are declared and once with lengths that only a run knows.
 */
#include "compare.h"
#include "golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static op op_of(const char *text) {
    for (int o = 1; o < OP_end_; o++) {
        if (strcmp(wn_op_row((op)o)->name, text) == 0) return (op)o;
    }
    fail_msg("no operation '%s'", text);
    return OP_none;
}

/* ---- The loops alone ----------------------------------------------------------------------- */

/* Operand k of a cross product, laid out over all of it. */
static void *lay_out(const golden *g, int k) {
    const wn_array *a = &g->inputs[k];
    size_t count = golden_count(&g->output), size = wn_type_size(a->type), repeat = 1;
    for (int axis = k + 1; axis < g->output.rank; axis++)
        repeat *= (size_t)g->output.shape[axis];
    char *to = malloc(count * size + 1);
    assert_non_null(to);
    for (size_t i = 0; i < count; i++) {
        size_t place = i / repeat % (size_t)a->shape[k];
        memcpy(to + i * size, (const char *)a->data + place * size, size);
    }
    return to;
}

static void run_loops(const char *file) {
    golden *g = golden_open(file);
    int cases = 0;
    for (; golden_next(g); cases++) {
        const void *args[GOLDEN_MAX_INPUTS] = {0};
        for (int k = 0; k < g->input_count; k++)
            args[k] = lay_out(g, k);
        size_t count = golden_count(&g->output);
        wn_array result = g->output;
        result.data = malloc(count * wn_type_size(result.type) + 1);
        assert_non_null(result.data);
        wn_type type = g->inputs[g->input_count - 1].type;
        wn_interpret_op(op_of(g->name), type, result.type, args, result.data, count);
        golden_check(g, &result, "wn_interpret_op");
        free(result.data);
        for (int k = 0; k < g->input_count; k++)
            free((void *)args[k]);
    }
    assert_true(cases > 0);
    golden_close(g);
}

static void loops_of_operations(void **state) {
    (void)state;
    run_loops("ops.txt");
}

static void loops_of_casts(void **state) {
    (void)state;
    run_loops("casts.txt");
}

/* Each row of ops.def has goldens for each type that it takes. */
static void every_operation_and_type_has_goldens(void **state) {
    (void)state;
    bool seen[OP_end_][WN_TYPE_COUNT] = {{false}};
    golden *g = golden_open("ops.txt");
    while (golden_next(g))
        seen[op_of(g->name)][g->inputs[g->input_count - 1].type] = true;
    golden_close(g);
    for (int o = OP_first_elementwise_; o < OP_end_; o++) {
        for (int t = 0; t < WN_TYPE_COUNT; t++) {
            if (wn_op_takes((op)o, (wn_type)t) && !seen[o][t]) {
                fail_msg("no golden for %s of %s", wn_op_row((op)o)->name, wn_type_name((wn_type)t));
            }
        }
    }
}

/* ---- Whole graphs -------------------------------------------------------------------------- */

static wn_graph *build(wn_context *context, const golden *g, bool declared) {
    static const char *const NAMES[GOLDEN_MAX_INPUTS] = {"a", "b", "c"};
    static const int64_t ANY[WN_MAX_RANK] = {-1, -1, -1, -1, -1, -1, -1, -1};
    wn_graph *graph = wn_graph_new(context);
    assert_non_null(graph);
    node_id ids[GOLDEN_MAX_INPUTS];
    for (int i = 0; i < g->input_count; i++) {
        const wn_array *a = &g->inputs[i];
        ids[i] = wn_input_dims(graph, NAMES[i], a->type, a->rank, declared ? a->shape : ANY).id;
    }
    if (g->is_text) {
        wn_parse(graph, g->name, strlen(g->name)); /* what it ends in is an output */
        return graph;
    }
    node_id id = wn_build(graph, op_of(g->name), ids, (size_t)g->input_count, g->output.type, g->axis);
    if (id) wn_output(graph, "result", (wn_node){graph, id});
    return graph;
}

/* Build, compile and run a case; the status of what failed, or WN_OK. */
static wn_status run_case(wn_context *context, const golden *g, wn_engine engine, bool declared,
                          wn_array *result, wn_error *error) {
    wn_graph *graph = build(context, g, declared);
    wn_compile_options options = {.size = sizeof options, .engine = engine};
    wn_kernel *kernel = wn_compile(graph, &options);
    wn_status status;
    if (kernel) {
        status = wn_call(kernel, g->inputs, (size_t)g->input_count, result, 1, error);
    } else {
        status = wn_graph_status(graph);
        error->status = status;
        snprintf(error->message, sizeof error->message, "%s", wn_graph_error(graph));
    }
    wn_kernel_free(kernel);
    wn_graph_free(graph);
    return status;
}

static void run_graphs(const char *file, wn_engine engine, bool declared) {
    const char *how = engine == WN_ENGINE_JIT ? "the JIT" : "the interpreter";
    wn_context *context = compare_context(0);
    golden *g = golden_open(file);
    int cases = 0;
    for (; golden_next(g); cases++) {
        if (COMPARE_SAMPLED && engine == WN_ENGINE_JIT && cases % 5)
            continue; /* each is a compile, which a sanitizer makes slow */
        wn_array result = {0};
        wn_error error = {WN_OK, ""};
        wn_status status = run_case(context, g, engine, declared, &result, &error);
        if (status != g->error) {
            fail_msg("line %d, %s by %s: %s, not %s: %s", g->line, g->name, how,
                     wn_status_name(status), wn_status_name(g->error), error.message);
        }
        if (status == WN_OK) golden_check(g, &result, how);
        wn_array_free(context, &result);
    }
    assert_true(cases > 0);
    golden_close(g);
    wn_context_free(context);
}

static void run_all_graphs(wn_engine engine) {
    run_graphs("ops.txt", engine, false);
    run_graphs("casts.txt", engine, false);
    run_graphs("arrays.txt", engine, false);
    run_graphs("arrays.txt", engine, true);
    run_graphs("reductions.txt", engine, false);
    run_graphs("reductions.txt", engine, true);
}

static void graphs_by_the_interpreter(void **state) {
    (void)state;
    run_all_graphs(WN_ENGINE_INTERPRETER);
}

static bool jit_is_there(void) {
    wn_context *context = compare_context(0);
    wn_graph *graph = wn_graph_new(context);
    wn_output(graph, "y", wn_negative(wn_input(graph, "x", WN_F32, WN_ANY)));
    wn_compile_options options = {.size = sizeof options, .engine = WN_ENGINE_JIT};
    wn_kernel *kernel = wn_compile(graph, &options);
    bool there = kernel != NULL || wn_graph_status(graph) != WN_ERROR_COMPILER;
    wn_kernel_free(kernel);
    wn_graph_free(graph);
    wn_context_free(context);
    return there;
}

static void graphs_by_the_jit(void **state) {
    (void)state;
    if (!jit_is_there()) skip();
    run_all_graphs(WN_ENGINE_JIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_of_operations),
        cmocka_unit_test(loops_of_casts),
        cmocka_unit_test(every_operation_and_type_has_goldens),
        cmocka_unit_test(graphs_by_the_interpreter),
        cmocka_unit_test(graphs_by_the_jit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
