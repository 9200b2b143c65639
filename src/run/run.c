/*
 * run.c - a binding's runs: stage after stage, or node by node where the kernel is interpreted.
 */
#include "run/array.h"
#include "run/binding.h"
#include "graph/environment.h"

#include <string.h>

static bool binding_ok(const wn_binding *b) {
    return b && b->magic == BINDING_MAGIC;
}

static const node *output_node(const wn_binding *b, uint32_t i) {
    return graph_node(b->kernel->graph, b->kernel->graph->outputs[i]);
}

/* ---- Compiled ------------------------------------------------------------------------------------------------------------ */

static void forget_counts(wn_binding *b) {
    const wn_plan *plan = b->kernel->plan;
    for (uint32_t i = 0; i < plan->stage_count; i++)
        if (plan->stages[i].count_symbol >= 0) b->now.symbols[plan->stages[i].count_symbol] = -1;
}

/* How a stage is run, and how one that is direct. */
static const struct run_row {
    run_fn *run, *directly;
} RUNS[] = {[STAGE_MAP] = {wn_map_run, wn_map_directly},
            [STAGE_PACK] = {wn_pack_run, wn_pack_directly},
            [STAGE_ROWS] = {wn_rows_run, NULL},
            [STAGE_REDUCE] = {wn_reduce_run, wn_reduce_directly},
            [STAGE_EXPAND] = {wn_expand_run, wn_expand_run},
            [STAGE_WHOLE] = {wn_whole_run, NULL}};

static run_fn *run_of(const bound_stage *s) {
    return s->direct && s->placed ? RUNS[s->plan->kind].directly : RUNS[s->plan->kind].run;
}

static wn_status run_stages(wn_binding *b, uint32_t all, wn_error *error) {
    uint32_t count = b->kernel->plan->stage_count;
    (void)all;
    forget_counts(b);
    for (uint32_t i = 0; i < count; i++) {
        const bound_stage *s = &b->stages[i];
        if (b->late_checks && i > 0) TRY(wn_check_lengths(b->kernel, &b->now, i, error));
        if (!s->early && s->plan->kind != STAGE_WHOLE) TRY(wn_stage_prepare(b, i, error));
        TRY(run_of(s)(b, i, error));
        wn_stage_keep_targets(b, i);
    }
    return b->late_checks ? wn_check_lengths(b->kernel, &b->now, count, error) : WN_OK;
}

/* ---- Interpreted ----------------------------------------------------------------------------------------------------------- */

/* The lengths of packed axes, which the interpreter has found out. */
static void learn_counts(wn_binding *b, uint32_t i, const wn_array *result) {
    const node *n = output_node(b, i);
    for (int j = 0; j < n->rank; j++) {
        dim d = node_dims(b->kernel->graph, n)[j];
        if (d < 0) b->now.symbols[~d] = result->shape[j];
    }
}

static void copy_result(const wn_array *result, wn_array *to) {
    memcpy(to->shape, result->shape, sizeof *to->shape * (size_t)to->rank);
    int64_t count = array_elements(result);
    if (count) wn_array_put(to, result->data, 0, count);
}

/* The caller's array gets a copy, the context's becomes the result itself. */
static void give_result(wn_binding *b, uint32_t i, wn_array *result) {
    wn_context *c = b->kernel->context;
    if (b->now.rooms[i].data) {
        copy_result(result, &b->now.outputs[i]);
        wn_array_free(c, result);
    } else {
        wn_memory_free(c, &b->owned[i]);
        b->owned[i] =
            (memory){result->data, (size_t)array_elements(result) * wn_type_size(result->type)};
        b->now.outputs[i] = *result;
    }
}

static wn_status check_rooms(wn_binding *b, const wn_array *results, wn_error *error) {
    for (uint32_t i = 0; i < b->kernel->graph->output_count; i++) {
        learn_counts(b, i, &results[i]);
        if (b->now.rooms[i].data) TRY(wn_check_room(b->kernel, &b->now, i, error));
    }
    return WN_OK;
}

static wn_status run_interpreted(wn_binding *b, uint32_t all, wn_error *error) {
    (void)all;
    const wn_kernel *k = b->kernel;
    uint32_t count = k->graph->output_count;
    TRY(wn_interpret(k->context, k->graph, b->now.inputs, b->results, error));
    wn_status status = check_rooms(b, b->results, error);
    for (uint32_t i = 0; i < count; i++) {
        if (status == WN_OK)
            give_result(b, i, &b->results[i]);
        else
            wn_array_free(k->context, &b->results[i]);
    }
    return status;
}

/* ---- The calls ------------------------------------------------------------------------------------------------------------- */

void wn_run_choose(wn_binding *b) {
    const wn_kernel *k = b->kernel;
    b->computes_floats = k->computes_floats;
    if (k->engine != WN_ENGINE_JIT)
        b->run = run_interpreted;
    else if (k->plan->stage_count == 1 && b->stages->direct && b->stages->placed && !b->late_checks)
        b->run = run_of(b->stages);
    else
        b->run = run_stages;
}

static wn_status run_in_default_environment(wn_binding *b, wn_error *error) {
    environment callers = environment_enter();
    wn_status status = b->run(b, 0, error);
    environment_leave(callers);
    return status;
}

WN_API wn_status wn_run(wn_binding *b, wn_error *error) {
    if (!binding_ok(b))
        return wn_fail(error, WN_ERROR_ARGUMENT, "run: the binding is NULL or not one");
    wn_status status = b->computes_floats ? run_in_default_environment(b, error) : b->run(b, 0, error);
    b->has_run = status == WN_OK;
    return status;
}

WN_API const wn_array *wn_result(const wn_binding *b, size_t output) {
    if (!binding_ok(b) || !b->has_run || output >= b->kernel->graph->output_count) return NULL;
    return &b->now.outputs[output];
}

/* The axis of an output that is counted: of a PACK or ROWS stage its own, else the first packed one; -1 without one. */
static int packed_axis(const wn_binding *b, uint32_t output) {
    const wn_graph *g = b->kernel->graph;
    const wn_plan *plan = b->kernel->plan;
    const node *n = output_node(b, output);
    int first = -1;
    for (int i = n->rank; i-- > 0;)
        if (dim_is_packed(g, node_dims(g, n)[i])) first = i;
    for (uint32_t i = 0; plan && i < plan->stage_count; i++)
        for (uint32_t j = 0; j < plan->stages[i].output_count; j++) {
            const plan_output *o = &plan->stages[i].outputs[j];
            if (o->target == TARGET_OUTPUT && o->number == output && stage_is_masked(&plan->stages[i]))
                return plan->stages[i].mask_first;
        }
    return first;
}

/* The stage that counts a symbol and needs nothing before it; NULL if there is none. */
static bound_stage *counting_stage(const wn_binding *b, dim d) {
    if (b->kernel->engine != WN_ENGINE_JIT) return NULL;
    for (uint32_t i = 0; i < b->kernel->plan->stage_count; i++) {
        bound_stage *s = &b->stages[i];
        if (s->early && s->plan->owns_mask && s->plan->count_symbol == ~d) return s;
    }
    return NULL;
}

/* A mask that is made of packed values: found out without touching the caller's outputs. */
static wn_status count_by_interpreter(wn_binding *b, uint32_t output, int axis, int64_t *n_true,
                                      wn_error *error) {
    const wn_kernel *k = b->kernel;
    wn_context *c = k->context;
    uint32_t count = k->graph->output_count;
    size_t size = count * sizeof(wn_array);
    wn_array *results = wn_allocate(c, size);
    if (!results) return wn_fail(error, WN_ERROR_MEMORY, "count: out of memory");
    wn_status status = wn_interpret(c, k->graph, b->now.inputs, results, error);
    if (status == WN_OK) *n_true = results[output].shape[axis];
    for (uint32_t i = 0; status == WN_OK && i < count; i++)
        wn_array_free(c, &results[i]);
    wn_release(c, results, size);
    return status;
}

WN_API wn_status wn_count(wn_binding *b, size_t output, int64_t *n_true, wn_error *error) {
    if (!binding_ok(b))
        return wn_fail(error, WN_ERROR_ARGUMENT, "count: the binding is NULL or not one");
    const wn_graph *g = b->kernel->graph;
    if (!n_true) return wn_fail(error, WN_ERROR_ARGUMENT, "count: n_true is NULL");
    if (output >= g->output_count)
        return wn_fail(error, WN_ERROR_ARGUMENT, "count: output %zu of %u", output, g->output_count);
    int axis = packed_axis(b, (uint32_t)output);
    if (axis < 0)
        return wn_fail(error, WN_ERROR_ARGUMENT, "count: output %s has no packed axis",
                       wn_graph_name(g, NAME_OUTPUT, (int32_t)output));
    bound_stage *s = counting_stage(b, node_dims(g, output_node(b, (uint32_t)output))[axis]);
    wn_status status = WN_OK;
    environment callers = environment_enter();
    if (s)
        *n_true = wn_mask_count(b, s, false);
    else
        status = count_by_interpreter(b, (uint32_t)output, axis, n_true, error);
    environment_leave(callers);
    return status;
}

/* What the context allocated becomes the caller's. */
static void hand_over(wn_binding *b, wn_array *outputs) {
    for (uint32_t i = 0; i < b->kernel->graph->output_count; i++) {
        outputs[i] = b->now.outputs[i];
        if (!b->now.rooms[i].data) b->owned[i] = (memory){NULL, 0};
    }
}

WN_API wn_status wn_call(wn_kernel *k, const wn_array *inputs, size_t input_count,
                         wn_array *outputs, size_t output_count, wn_error *error) {
    wn_binding *b;
    TRY(wn_bind(k, inputs, input_count, outputs, output_count, &b, error));
    wn_status status = wn_run(b, error);
    if (status == WN_OK) hand_over(b, outputs);
    wn_binding_free(b);
    return status;
}
