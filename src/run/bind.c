/*
 * bind.c - kernels joined with arrays: one block of memory with everything that a run needs.
 *
 * A binding has two sets of arrays. New ones are checked in the set that is not in use; only when all fits do the sets change
 * places and the stages are laid out again. Scratch memory never shrinks, so a failure there can always be undone.
 */
#include "run/array.h"
#include "run/binding.h"

#include <string.h>

/* ---- One block ---------------------------------------------------------------------------------------------------------- */

/* Hands out parts of a block; without one it only measures. */
typedef struct arena {
    char *base;
    size_t used;
} arena;

static void *take(arena *a, size_t count, size_t size) {
    size_t at = a->used;
    a->used += (count * size + 15) & ~(size_t)15;
    return a->base ? a->base + at : NULL;
}

static void lay_arrays(const wn_graph *g, arena *a, bound_arrays *set) {
    set->inputs = take(a, g->input_count, sizeof *set->inputs);
    set->outputs = take(a, g->output_count, sizeof *set->outputs);
    set->rooms = take(a, g->output_count, sizeof *set->rooms);
    set->symbols = take(a, g->symbol_count, sizeof *set->symbols);
    set->in_place = take(a, g->output_count, sizeof *set->in_place);
}

static void lay_stage(const plan_stage *p, arena *a, bound_stage *s) {
    s->grid.in_count = p->program.stream_count;
    s->grid.out_count = p->kind == STAGE_REDUCE ? 2 * p->output_count : p->output_count; /* and the masks */
    s->mask.in_count = p->mask.stream_count;
    s->grid.in = take(a, s->grid.in_count, sizeof *s->grid.in);
    s->grid.out = take(a, s->grid.out_count, sizeof *s->grid.out);
    s->mask.in = take(a, s->mask.in_count, sizeof *s->mask.in);
    s->outputs = take(a, p->output_count, sizeof *s->outputs);
    s->in = take(a, 3 * ((size_t)s->grid.in_count + s->mask.in_count), sizeof *s->in);
    s->out = take(a, s->grid.out_count, sizeof *s->out);
    s->plan = p;
}

static uint32_t stage_count(const wn_kernel *k) {
    return k->engine == WN_ENGINE_JIT ? k->plan->stage_count : 0;
}

static uint32_t temp_count(const wn_kernel *k) {
    return k->engine == WN_ENGINE_JIT ? k->plan->temp_count : 0;
}

/* Set all pointers of a binding into the arena. */
static void lay_binding(const wn_kernel *k, arena *a, wn_binding *b) {
    const wn_graph *g = k->graph;
    lay_arrays(g, a, &b->now);
    lay_arrays(g, a, &b->next);
    b->now.spans = b->next.spans =
        take(a, (size_t)g->input_count + g->output_count, sizeof *b->now.spans);
    b->reaches = take(a, (size_t)g->input_count + g->output_count, sizeof *b->reaches);
    b->owned = take(a, g->output_count, sizeof *b->owned);
    b->results = take(a, g->output_count, sizeof *b->results);
    b->temps = take(a, temp_count(k), sizeof *b->temps);
    b->temp_memory = take(a, temp_count(k), sizeof *b->temp_memory);
    b->stages = take(a, stage_count(k), sizeof *b->stages);
    for (uint32_t i = 0; i < stage_count(k); i++) {
        bound_stage measured;
        lay_stage(&k->plan->stages[i], a, a->base ? &b->stages[i] : &measured);
    }
}

/* Whether no length of a program's space waits for a count. */
static bool is_known(const wn_graph *g, const plan_program *p) {
    for (int i = 0; i < p->rank; i++)
        if (dim_is_packed(g, p->dims[i])) return false;
    return true;
}

static void use_kernel(wn_binding *b, wn_kernel *k) {
    b->kernel = k;
    for (uint32_t i = 0; i < stage_count(k); i++) {
        bound_stage *s = &b->stages[i];
        s->map = k->functions[i][KERNEL_MAP];
        s->count = k->functions[i][KERNEL_COUNT];
        s->fused = k->functions[i][KERNEL_FUSED];
        s->scatter = k->functions[i][KERNEL_SCATTER]; /* NULL: made when it is needed */
        s->reduce = k->functions[i][KERNEL_REDUCE];
        s->expand = k->functions[i][KERNEL_EXPAND];
        s->uses = k->uses[i];
        s->plan = &k->plan->stages[i];
        s->early = s->plan->level == 0 && s->plan->kind != STAGE_WHOLE &&
                   is_known(k->graph, &s->plan->program);
    }
    for (uint32_t i = 0; k->plan && i < k->plan->check_count; i++)
        b->late_checks |= k->plan->checks[i].stage > 0;
}

static wn_binding *new_binding(wn_kernel *k) {
    wn_binding measured = {0};
    arena a = {NULL, 0};
    take(&a, 1, sizeof measured);
    lay_binding(k, &a, &measured);
    wn_binding *b = wn_allocate(k->context, a.used);
    if (!b) return NULL;
    memset(b, 0, a.used);
    b->size = a.used;
    a = (arena){(char *)b, 0};
    take(&a, 1, sizeof *b);
    lay_binding(k, &a, b);
    use_kernel(b, k);
    kernel_keep(k);
    b->magic = BINDING_MAGIC;
    return b;
}

static bool binding_ok(const wn_binding *b) {
    return b && b->magic == BINDING_MAGIC;
}

WN_API void wn_binding_free(wn_binding *b) {
    if (!binding_ok(b)) return;
    wn_kernel *k = b->kernel;
    wn_context *c = k->context;
    for (uint32_t i = 0; i < stage_count(k); i++) {
        wn_memory_free(c, &b->stages[i].scratch);
        wn_memory_free(c, &b->stages[i].bitmap);
        wn_memory_free(c, &b->stages[i].spread);
        wn_memory_free(c, &b->stages[i].parts);
        wn_memory_free(c, &b->stages[i].columns);
        wn_memory_free(c, &b->stages[i].accumulators);
    }
    for (uint32_t i = 0; i < temp_count(k); i++)
        wn_memory_free(c, &b->temp_memory[i]);
    for (uint32_t i = 0; i < k->graph->output_count; i++)
        wn_memory_free(c, &b->owned[i]);
    b->magic = 0;
    wn_release(c, b, b->size);
    wn_kernel_free(k);
}

/* ---- Binding ------------------------------------------------------------------------------------------------------------- */

static wn_status check_call(const wn_kernel *k, const wn_array *inputs, size_t input_count,
                            const wn_array *outputs, size_t output_count, wn_error *error) {
    const wn_graph *g = k->graph;
    if (input_count != g->input_count)
        return wn_fail(error, WN_ERROR_ARGUMENT, "bind: %u inputs expected, %zu given",
                       g->input_count, input_count);
    if (output_count != g->output_count)
        return wn_fail(error, WN_ERROR_ARGUMENT, "bind: %u outputs expected, %zu given",
                       g->output_count, output_count);
    if (!inputs && input_count) return wn_fail(error, WN_ERROR_ARGUMENT, "bind: inputs is NULL");
    if (!outputs) return wn_fail(error, WN_ERROR_ARGUMENT, "bind: outputs is NULL");
    return WN_OK;
}

static void take_arrays(const wn_graph *g, bound_arrays *set, const wn_array *inputs,
                        const wn_array *outputs) {
    if (g->input_count) memcpy(set->inputs, inputs, g->input_count * sizeof *inputs);
    memcpy(set->rooms, outputs, g->output_count * sizeof *outputs);
    memcpy(set->outputs, outputs, g->output_count * sizeof *outputs);
}

static void exchange(wn_binding *b) {
    bound_arrays set = b->now;
    b->now = b->next;
    b->next = set;
}

static wn_status prepare_stages(wn_binding *b, wn_error *error) {
    for (uint32_t i = 0; i < stage_count(b->kernel); i++) {
        b->stages[i].prepared = false;
        if (b->stages[i].early) TRY(wn_stage_prepare(b, i, error));
    }
    wn_run_choose(b);
    return WN_OK;
}

static bound_reach reach_of(const wn_array *a) {
    uintptr_t first, end;
    if (!a->data || !wn_array_span(a, &first, &end)) return (bound_reach){0, 0};
    return (bound_reach){(uintptr_t)array_first(a) - first, end - first};
}

static void find_reaches(wn_binding *b) {
    const wn_graph *g = b->kernel->graph;
    for (uint32_t i = 0; i < g->input_count; i++)
        b->reaches[i] = reach_of(&b->now.inputs[i]);
    for (uint32_t i = 0; i < g->output_count; i++)
        b->reaches[g->input_count + i] = reach_of(&b->now.rooms[i]);
}

/* `k` differs from the kernel that the binding has in what is a bitmap, and in nothing else. */
static wn_status bind_all(wn_binding *b, wn_kernel *k, const wn_array *inputs,
                          const wn_array *outputs, wn_error *error) {
    wn_kernel *old = b->kernel;
    take_arrays(k->graph, &b->next, inputs, outputs);
    TRY(wn_check_arrays(k, &b->next, error));
    exchange(b);
    use_kernel(b, k);
    wn_status status = prepare_stages(b, error);
    if (status == WN_OK) {
        find_reaches(b);
        b->bound = true;
        b->has_run = false;
        kernel_keep(k);
        wn_kernel_free(old);
        return WN_OK;
    }
    exchange(b);
    use_kernel(b, old);
    if (b->bound) prepare_stages(b, NULL); /* in the memory that they had */
    return status;
}

/* ---- New pointers alone ---------------------------------------------------------------------------------------------------- */

static bool only_data_changes(const wn_binding *b, const wn_array *inputs, const wn_array *outputs) {
    const wn_graph *g = b->kernel->graph;
    const wn_array *bound = b->now.inputs, *rooms = b->now.rooms;
    for (uint32_t i = 0; i < g->input_count; i++)
        if (!array_is_alike(&inputs[i], &bound[i])) return false;
    for (uint32_t i = 0; i < g->output_count; i++) {
        if (!outputs[i].data != !rooms[i].data) return false;
        if (outputs[i].data && !array_is_alike(&outputs[i], &rooms[i])) return false;
    }
    return true;
}

static void take_place(wn_array *to, const wn_array *from) {
    to->data = from->data;
    to->bit = from->bit;
}

static void take_data(const wn_graph *g, bound_arrays set, const wn_array *inputs,
                      const wn_array *outputs) {
    for (uint32_t i = 0; i < g->input_count; i++)
        take_place(&set.inputs[i], &inputs[i]);
    for (uint32_t i = 0; i < g->output_count; i++) {
        take_place(&set.rooms[i], &outputs[i]);
        if (outputs[i].data) take_place(&set.outputs[i], &outputs[i]);
    }
}

/* An output in the place of an input may change how a stage is run. */
static bool stays_in_place(const wn_binding *b) {
    size_t size = b->kernel->graph->output_count * sizeof *b->now.in_place;
    return memcmp(b->now.in_place, b->next.in_place, size) == 0;
}

/* Pairs of arrays that are compared one by one rather than sorted. */
#define PAIRS_MOST 256

/* Where a reach lies if its array begins elsewhere. False: nowhere, or there is no data. */
static inline bool move_reach(const bound_reach *r, const wn_array *a, bound_span *span) {
    uintptr_t data = (uintptr_t)array_first(a);
    span->first = data - r->before;
    span->end = span->first + r->size;
    return r->size == 0 || (a->data && span->first <= data && span->first < span->end);
}

/* Whether arrays that differ from the bound ones in their place alone need no closer look: no output meets another array. */
static bool are_apart(const wn_binding *b, const wn_array *inputs, const wn_array *outputs) {
    uint32_t in = b->kernel->graph->input_count, out = b->kernel->graph->output_count;
    const bound_reach *reaches = b->reaches;
    const bool *in_place = b->now.in_place;
    bound_span *spans = b->now.spans;
    if ((uint64_t)(in + out) * out > PAIRS_MOST) return false;
    for (uint32_t i = 0; i < in; i++)
        if (!move_reach(&reaches[i], &inputs[i], &spans[i])) return false;
    for (uint32_t i = 0; i < out; i++) {
        bound_span *own = &spans[in + i];
        if (in_place[i] || !move_reach(&reaches[in + i], &outputs[i], own)) return false;
        for (uint32_t j = 0; j < in + i; j++)
            if (own->first < spans[j].end && spans[j].first < own->end) return false;
    }
    return true;
}

static wn_status check_data(wn_binding *b, const wn_array *inputs, const wn_array *outputs,
                            wn_error *error) {
    const wn_graph *g = b->kernel->graph;
    for (uint32_t i = 0; i < g->input_count; i++)
        TRY(wn_array_check(&inputs[i], "input", wn_graph_name(g, NAME_INPUT, (int32_t)i), error));
    for (uint32_t i = 0; i < g->output_count; i++)
        if (outputs[i].data)
            TRY(wn_array_check(&outputs[i], "output", wn_graph_name(g, NAME_OUTPUT, (int32_t)i), error));
    take_arrays(g, &b->next, inputs, outputs);
    return wn_check_overlaps(b->kernel, &b->next, error);
}

static wn_status bind_data(wn_binding *b, const wn_array *inputs, const wn_array *outputs,
                           wn_error *error) {
    if (!are_apart(b, inputs, outputs)) {
        TRY(check_data(b, inputs, outputs, error));
        if (!stays_in_place(b)) return bind_all(b, b->kernel, inputs, outputs, error);
    }
    take_data(b->kernel->graph, b->now, inputs, outputs);
    b->has_run = false;
    for (uint32_t i = 0; i < stage_count(b->kernel); i++)
        if (b->stages[i].early) wn_stage_point(b, i);
    return WN_OK;
}

/* ---- The calls ------------------------------------------------------------------------------------------------------------- */

WN_API wn_status wn_bind(wn_kernel *k, const wn_array *inputs, size_t input_count,
                         const wn_array *outputs, size_t output_count, wn_binding **binding,
                         wn_error *error) {
    if (!binding) return wn_fail(error, WN_ERROR_ARGUMENT, "bind: binding is NULL");
    *binding = NULL;
    if (!kernel_ok(k))
        return wn_fail(error, WN_ERROR_ARGUMENT, "bind: the kernel is NULL or not one");
    TRY(check_call(k, inputs, input_count, outputs, output_count, error));
    wn_kernel *own;
    TRY(wn_kernel_for(k, inputs, outputs, &own, error));
    wn_binding *b = new_binding(own);
    wn_status status = b ? bind_all(b, own, inputs, outputs, error)
                         : wn_fail(error, WN_ERROR_MEMORY, "bind: out of memory");
    wn_kernel_free(own);
    if (status == WN_OK)
        *binding = b;
    else
        wn_binding_free(b);
    return status;
}

WN_API wn_status wn_rebind(wn_binding *b, const wn_array *inputs, size_t input_count,
                           const wn_array *outputs, size_t output_count, wn_error *error) {
    if (!binding_ok(b))
        return wn_fail(error, WN_ERROR_ARGUMENT, "rebind: the binding is NULL or not one");
    const wn_kernel *k = b->kernel;
    TRY(check_call(k, inputs, input_count, outputs, output_count, error));
    if (only_data_changes(b, inputs, outputs)) return bind_data(b, inputs, outputs, error);
    wn_kernel *own;
    TRY(wn_kernel_for(b->kernel, inputs, outputs, &own, error));
    wn_status status = own->engine == k->engine
                           ? bind_all(b, own, inputs, outputs, error)
                           : wn_fail(error, WN_ERROR_COMPILER,
                                     "rebind: with other bitmaps it can only be "
                                     "interpreted; bind the kernel anew");
    wn_kernel_free(own);
    return status;
}
