/*
 * kernel.c - the road from a graph to a kernel: copy, plan, LLVM's object, executable memory, functions.
 *
 * Where a step of the compiler fails and the caller left the engine to the library, the log says why and the kernel is
 * interpreted: the same bits, more slowly.
 */
#include "run/observe.h"

#include "graph/environment.h"
#include "run/disk.h"

#include <stdio.h>
#include <string.h>

static wn_status no_memory(wn_error *error) {
    return wn_fail(error, WN_ERROR_MEMORY, "compile: out of memory");
}

/* ---- Freeing ------------------------------------------------------------------------------------------------------ */

/* The functions and uses of a plan in one block: rows of pointers, then a byte a stream. */
static size_t tables_size(const wn_plan *plan) {
    size_t size = plan->stage_count * (sizeof(kernel_fn[KERNEL_FUNCTION_COUNT]) + sizeof(uint8_t *));
    for (uint32_t i = 0; i < plan->stage_count; i++)
        size += plan->stages[i].program.stream_count;
    return size;
}

static size_t bitmaps_size(const wn_graph *g) {
    return sizeof(bool) * ((size_t)g->input_count + g->output_count);
}

static void free_kernel(wn_kernel *k) {
    wn_context *c = k->context;
    if (k->functions) wn_release(c, k->functions, tables_size(k->plan));
    wn_code_free(k->code);
    wn_code_free(k->late_code);
    wn_observe_forget(k);
    wn_plan_free(k->plan);
    if (k->graph && k->bitmaps) wn_release(c, k->bitmaps, bitmaps_size(k->graph));
    wn_graph_free(k->graph);
    pthread_mutex_destroy(&k->late_mutex);
    k->magic = 0;
    wn_release(c, k, sizeof *k);
}

WN_API void wn_kernel_free(wn_kernel *k) {
    if (!kernel_ok(k)) return;
    if (atomic_fetch_sub_explicit(&k->owners, 1, memory_order_acq_rel) == 1) free_kernel(k);
}

/* ---- Streams and what they are read for ----------------------------------------------------------------------------- */

/* Mark what marked values are made of, and with it the streams; args come before their users. */
static void mark_uses(const plan_program *p, uint8_t *values, uint8_t *streams) {
    for (uint32_t i = p->value_count; i-- > 0;) {
        const plan_value *v = &p->values[i];
        if (v->kind == VALUE_STREAM) streams[v->number] |= values[i];
        for (uint32_t a = 0; a < value_arity(v); a++)
            values[v->args[a]] |= values[i];
    }
}

static wn_status find_uses(wn_kernel *k, uint32_t stage, wn_error *error) {
    const plan_stage *s = &k->plan->stages[stage];
    const plan_program *p = &s->program;
    uint8_t *values = wn_allocate(k->context, p->value_count), *streams = k->uses[stage];
    if (!values) return no_memory(error);
    memset(values, 0, p->value_count);
    memset(streams, 0, p->stream_count);
    if ((s->kind == STAGE_PACK && s->owns_mask) || (s->kind == STAGE_EXPAND && !stage_has_rows(s)))
        values[s->mask_value] |= USE_MASK;
    for (uint32_t i = 0; s->kind != STAGE_WHOLE && i < s->output_count; i++) {
        values[s->outputs[i].value] |= USE_VALUES;
        if (s->outputs[i].masked) values[s->outputs[i].mask] |= USE_VALUES;
    }
    mark_uses(p, values, streams);
    wn_release(k->context, values, p->value_count);
    return WN_OK;
}

static wn_status make_tables(wn_kernel *k, wn_error *error) {
    const wn_plan *plan = k->plan;
    k->functions = wn_allocate(k->context, tables_size(plan));
    if (!k->functions) return no_memory(error);
    memset(k->functions, 0, tables_size(plan));
    k->uses = (uint8_t **)(void *)(k->functions + plan->stage_count);
    uint8_t *bytes = (uint8_t *)(k->uses + plan->stage_count);
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        k->uses[i] = bytes;
        bytes += plan->stages[i].program.stream_count;
        TRY(find_uses(k, i, error));
    }
    return WN_OK;
}

/* ---- The compiler's steps ------------------------------------------------------------------------------------------- */

static wn_status make_plan(wn_kernel *k, wn_error *error) {
    wn_error own = {WN_ERROR_INTERNAL, "compile: the planner failed"};
    k->plan = wn_plan_new(k->context, k->graph, k->bitmaps, k->target.isa, &own);
    if (k->plan) return make_tables(k, error);
    return wn_fail(error, own.status, "%s", own.message);
}

static kernel_fn look_up(const wn_code *code, uint32_t stage, kernel_function which) {
    char symbol[48];
    snprintf(symbol, sizeof symbol, "wn_%s_%u", kernel_function_name[which], stage);
    return wn_code_find(code, symbol);
}

static wn_status find_function(const wn_code *code, uint32_t stage, kernel_function which,
                               kernel_fn *function, wn_error *error) {
    *function = look_up(code, stage, which);
    if (*function) return WN_OK;
    return wn_fail(error, WN_ERROR_INTERNAL, "compile: the object lacks wn_%s_%u",
                   kernel_function_name[which], stage);
}

static bool has_functions(const wn_plan *plan, provider_functions functions) {
    for (uint32_t i = 0; i < plan->stage_count; i++)
        for (kernel_function f = KERNEL_MAP; f < KERNEL_FUNCTION_COUNT; f++)
            if (function_is_wanted(&plan->stages[i], f, functions)) return true;
    return false;
}

/* ---- Parts of the plan, compiled or found on disk ------------------------------------------------------------------------ */

/* Of a recipe: a graph and a copy of it give the same. */
static void write_key(const kernel_recipe *r, wn_key *key) {
    wn_key_add(key, r->engine);
    wn_key_add(key, (uint64_t)r->target.isa | (uint64_t)r->target.vbmi2 << 32 |
                        (uint64_t)r->target.amd << 33 | (uint64_t)r->target.halves << 34);
    wn_key_add_bytes(key, r->bitmaps, r->bitmaps ? bitmaps_size(r->graph) : 0);
    wn_key_add_graph(key, r->graph);
}

/* The same of what is on disk, with who compiles it. false: it is not looked for there, and not kept. */
static bool write_disk_key(const wn_kernel *k, provider_functions functions, wn_key *key,
                           file_stamp *provider) {
    const kernel_recipe recipe = {k->graph, k->bitmaps, WN_ENGINE_JIT, k->target};
    if (k->context->perf_map || k->context->debugger)
        return false; /* these are told of what is compiled */
    if (!k->context->cache_directory || !wn_provider_identify(k->context->llvm_library, key, provider))
        return false;
    wn_key_add(key, functions);
    write_key(&recipe, key);
    return !key->failed;
}

static bool has_code(const wn_plan *plan, provider_functions functions, const wn_code *code) {
    for (uint32_t i = 0; i < plan->stage_count; i++)
        for (kernel_function f = KERNEL_MAP; f < KERNEL_FUNCTION_COUNT; f++)
            if (function_is_wanted(&plan->stages[i], f, functions) && !look_up(code, i, f))
                return false;
    return true;
}

/* NULL: there is nothing that can be used. */
static wn_code *load_kept(const wn_kernel *k, provider_functions functions, const wn_key *key) {
    disk_object object = {0};
    if (!wn_disk_read(k->context, key, &object)) return NULL;
    wn_code *code = wn_code_load(k->context, object.bytes, object.size, NULL);
    wn_disk_release(k->context, &object);
    if (code && has_code(k->plan, functions, code)) return code;
    wn_code_free(code);
    return NULL;
}

/* Compile some parts of the plan and load them; keep the object on disk if there is a key. */
static wn_status compile_functions(const wn_kernel *k, provider_functions functions, const wn_key *key,
                                   const file_stamp *expected, wn_code **code, wn_error *error) {
    wn_error own = {WN_ERROR_INTERNAL, "compile: the provider failed"};
    environment callers = environment_enter(); /* the constructors of LLVM compute too */
    const wn_provider *provider = wn_provider_open(k->context->llvm_library, &own);
    observation seen;
    provider_request request = {.plan = k->plan,
                                .target = k->target,
                                .functions = functions,
                                .debug = wn_observe_begin(k, &seen)};
    provider_result result = {0};
    if (provider && provider->compile(&request, &result, &own) == WN_OK) {
        *code = wn_code_load(k->context, result.object, result.object_size, &own);
        const provider_files *files = key && *code ? provider->files() : NULL;
        if (files && memcmp(&files->provider, expected, sizeof *expected) == 0)
            wn_disk_write(k->context, key, files, result.object, result.object_size);
        if (*code) wn_observe_loaded(k, &seen, *code, result.object, result.object_size);
        provider->release(&result);
    }
    wn_observe_end(k, &seen);
    environment_leave(callers);
    return *code ? WN_OK : wn_fail(error, own.status, "%s", own.message);
}

static wn_status load_functions(const wn_kernel *k, provider_functions functions, wn_code **code,
                                wn_error *error) {
    wn_key key;
    file_stamp provider;
    wn_status status = WN_OK;
    wn_key_begin(&key, k->context);
    bool kept = write_disk_key(k, functions, &key, &provider);
    if (kept) *code = load_kept(k, functions, &key);
    if (!*code)
        status = compile_functions(k, functions, kept ? &key : NULL, &provider, code, error);
    wn_key_end(&key);
    return status;
}

static wn_status compile_code(wn_kernel *k, wn_error *error) {
    if (!has_functions(k->plan, FUNCTIONS_EARLY)) return WN_OK;
    TRY(load_functions(k, FUNCTIONS_EARLY, &k->code, error));
    for (uint32_t stage = 0; stage < k->plan->stage_count; stage++)
        for (kernel_function f = KERNEL_MAP; f < KERNEL_FUNCTION_COUNT; f++)
            if (function_is_wanted(&k->plan->stages[stage], f, FUNCTIONS_EARLY))
                TRY(find_function(k->code, stage, f, &k->functions[stage][f], error));
    return WN_OK;
}

/* One thread compiles, others that come meanwhile wait for it. */
static wn_status load_late(wn_kernel *k, wn_code **code, wn_error *error) {
    wn_status status = WN_OK;
    pthread_mutex_lock(&k->late_mutex);
    *code = atomic_load_explicit(&k->late_code, memory_order_relaxed);
    if (!*code) status = load_functions(k, FUNCTIONS_LATE, code, error);
    atomic_store_explicit(&k->late_code, *code, memory_order_release);
    pthread_mutex_unlock(&k->late_mutex);
    return status;
}

wn_status wn_kernel_late(wn_kernel *k, uint32_t stage, kernel_function which, kernel_fn *function,
                         wn_error *error) {
    *function = k->functions[stage][which];
    if (*function) return WN_OK;
    wn_code *code = atomic_load_explicit(&k->late_code, memory_order_acquire);
    if (!code) TRY(load_late(k, &code, error));
    return find_function(code, stage, which, function, error);
}

/* The interpreter needs the plan only for what it knows of shapes and aliases: one that is too large is left out. */
static wn_status settle_for_interpreter(wn_kernel *k, wn_status status, wn_error *error) {
    wn_code_free(k->code);
    k->code = NULL;
    k->engine = WN_ENGINE_INTERPRETER;
    k->target = (wn_target){.isa = WN_ISA_PORTABLE};
    return status == WN_ERROR_MEMORY ? no_memory(error) : WN_OK;
}

/* Plan and compile a kernel whose graph and target are set. */
static wn_status fill_kernel(wn_kernel *k, wn_error *error) {
    wn_error own = {WN_OK, ""};
    wn_status status = make_plan(k, &own);
    if (k->wanted == WN_ENGINE_INTERPRETER) return settle_for_interpreter(k, status, error);
    if (status == WN_OK && k->target.isa == WN_ISA_NATIVE)
        status = wn_fail(&own, WN_ERROR_TARGET,
                         "compile: this machine has no instruction set that is known");
    if (status == WN_OK) status = compile_code(k, &own);
    k->engine = WN_ENGINE_JIT;
    k->computes_floats = status != WN_OK || k->plan->computes_floats;
    if (status == WN_OK) return WN_OK;
    if (k->wanted == WN_ENGINE_JIT) return wn_fail(error, status, "%s", own.message);
    if (status != WN_ERROR_MEMORY)
        wn_log(k->context, WN_LOG_WARNING, "interpreted: %s", own.message);
    return settle_for_interpreter(k, status, error);
}

/* What has code in reserve is counted twice. */
static size_t rough_size(const wn_kernel *k) {
    size_t size = sizeof *k + sizeof *k->graph;
    size += k->graph->node_room * sizeof(node) + k->graph->dim_room * sizeof(dim) +
            k->graph->name_room * 64u;
    for (uint32_t i = 0; k->plan && i < k->plan->stage_count; i++)
        size += sizeof(plan_stage) + k->plan->stages[i].program.value_room * sizeof(plan_value);
    size_t code = k->code ? wn_code_size(k->code) : 0;
    return size + code * (k->plan && has_functions(k->plan, FUNCTIONS_LATE) ? 2 : 1);
}

static bool copy_recipe(wn_kernel *k, const kernel_recipe *r) {
    k->graph = wn_graph_copy(r->graph);
    if (!k->graph || !r->bitmaps) return k->graph;
    k->bitmaps = wn_allocate(k->context, bitmaps_size(k->graph));
    if (k->bitmaps) memcpy(k->bitmaps, r->bitmaps, bitmaps_size(k->graph));
    return k->bitmaps;
}

wn_status wn_kernel_make(const kernel_recipe *r, wn_kernel **kernel, wn_error *error) {
    wn_context *c = r->graph->context;
    wn_kernel *k = wn_allocate(c, sizeof *k);
    if (!k) return no_memory(error);
    *k = (wn_kernel){.magic = KERNEL_MAGIC, .context = c, .wanted = r->engine, .computes_floats = true};
    atomic_init(&k->owners, 1);
    pthread_mutex_init(&k->late_mutex, NULL);
    k->target = k->wanted_target = r->target;
    if (c->debugger)
        k->number = atomic_fetch_add_explicit(&c->numbers, 1, memory_order_relaxed) + 1;
    wn_status status = copy_recipe(k, r) ? fill_kernel(k, error) : no_memory(error);
    if (status == WN_OK) {
        k->bytes = rough_size(k);
        *kernel = k;
    } else {
        free_kernel(k);
    }
    return status;
}

/* ---- wn_compile ----------------------------------------------------------------------------------------------------- */

static wn_status read_options(const wn_compile_options *given, wn_compile_options *options,
                              wn_error *error) {
    memset(options, 0, sizeof *options);
    if (given && given->size < sizeof given->size)
        return wn_fail(error, WN_ERROR_ARGUMENT, "compile: options.size is not set");
    if (given)
        memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
    if ((unsigned)options->engine > WN_ENGINE_INTERPRETER)
        return wn_fail(error, WN_ERROR_ARGUMENT, "compile: %d is not an engine", (int)options->engine);
    if ((unsigned)options->isa > WN_ISA_X86_64_V4)
        return wn_fail(error, WN_ERROR_ARGUMENT, "compile: %d is not an instruction set",
                       (int)options->isa);
    return WN_OK;
}

/* Levels contain each other. A machine that lacks even the least still interprets; one that is asked for by name must be there. */
static wn_status find_target(const wn_context *c, wn_isa isa, wn_target *target, wn_error *error) {
    *target = c->native;
    if (isa != WN_ISA_NATIVE) target->isa = isa, target->vbmi2 = false;
    if (isa <= c->native.isa) return WN_OK;
    return wn_fail(error, WN_ERROR_TARGET, "compile: this machine lacks %s", wn_isa_name(isa));
}

static wn_status find_or_make(const kernel_recipe *r, wn_kernel **kernel, wn_error *error) {
    wn_key key;
    wn_key_begin(&key, r->graph->context);
    write_key(r, &key);
    uint64_t hash = wn_key_hash(key.words, key.count);
    wn_status status = key.failed ? no_memory(error)
                                  : wn_cache_get(r->graph->context, &key, hash, r, kernel, error);
    wn_key_end(&key);
    return status;
}

static wn_status compile(const wn_graph *graph, const wn_compile_options *given, wn_kernel **kernel,
                         wn_error *error) {
    wn_compile_options options;
    TRY(read_options(given, &options, error));
    if (graph->output_count == 0)
        return wn_fail(
            error, WN_ERROR_ARGUMENT,
            "compile: the graph has no output; call wn_output, or end the text with an expression");
    kernel_recipe recipe = {.graph = graph, .engine = options.engine};
    TRY(find_target(graph->context, options.isa, &recipe.target, error));
    return find_or_make(&recipe, kernel, error);
}

WN_API wn_kernel *wn_compile(wn_graph *graph, const wn_compile_options *options) {
    if (!graph_ok(graph)) return NULL;
    wn_kernel *kernel = NULL;
    wn_error error = {WN_OK, ""};
    compile(graph, options, &kernel, &error);
    wn_graph_report(graph, &error);
    return kernel;
}

/* ---- Bitmaps --------------------------------------------------------------------------------------------------------- */

/* What is no bool can't be one, and is refused when it is checked; what the context allocates is bytes. */
static bool is_bitmap(const wn_graph *g, node_id id, const wn_array *a, bool allocated) {
    return a->type == WN_BITMAP && graph_node(g, id)->type == WN_BOOL && !allocated;
}

/* Which arrays are bitmaps, and whether that is what the kernel is for. */
static bool find_bitmaps(const wn_kernel *k, const wn_array *inputs, const wn_array *outputs,
                         bool *bitmaps, bool *any) {
    const wn_graph *g = k->graph;
    uint32_t count = g->input_count + g->output_count;
    bool same = true;
    for (uint32_t i = 0; i < count; i++) {
        bool is_input = i < g->input_count;
        uint32_t number = is_input ? i : i - g->input_count;
        const wn_array *a = is_input ? &inputs[number] : &outputs[number];
        bool bitmap =
            is_bitmap(g, is_input ? g->inputs[number] : g->outputs[number], a, !is_input && !a->data);
        same &= bitmap == (k->bitmaps && k->bitmaps[i]);
        *any |= bitmap;
        if (bitmaps) bitmaps[i] = bitmap;
    }
    return same;
}

wn_status wn_kernel_for(wn_kernel *k, const wn_array *inputs, const wn_array *outputs,
                        wn_kernel **own, wn_error *error) {
    bool any = false, *bitmaps = NULL;
    *own = k;
    if (k->engine == WN_ENGINE_INTERPRETER || find_bitmaps(k, inputs, outputs, NULL, &any)) {
        kernel_keep(k);
        return WN_OK;
    }
    if (any) {
        bitmaps = wn_allocate(k->context, bitmaps_size(k->graph));
        if (!bitmaps) return no_memory(error);
        find_bitmaps(k, inputs, outputs, bitmaps, &any);
    }
    const kernel_recipe recipe = {k->graph, bitmaps, k->wanted, k->wanted_target};
    *own = NULL;
    wn_status status = find_or_make(&recipe, own, error);
    if (any) wn_release(k->context, bitmaps, bitmaps_size(k->graph));
    return status;
}

/* ---- What a kernel is ----------------------------------------------------------------------------------------------- */

static const node *output_node(const wn_kernel *k, int32_t index) {
    if (!kernel_ok(k) || index < 0 || (uint32_t)index >= k->graph->output_count) return NULL;
    return graph_node(k->graph, k->graph->outputs[index]);
}

WN_API int32_t wn_kernel_input_count(const wn_kernel *k) {
    return kernel_ok(k) ? (int32_t)k->graph->input_count : -1;
}

WN_API int32_t wn_kernel_output_count(const wn_kernel *k) {
    return kernel_ok(k) ? (int32_t)k->graph->output_count : -1;
}

WN_API const char *wn_kernel_input_name(const wn_kernel *k, int32_t index) {
    return kernel_ok(k) ? wn_graph_name(k->graph, NAME_INPUT, index) : NULL;
}

WN_API const char *wn_kernel_output_name(const wn_kernel *k, int32_t index) {
    return kernel_ok(k) ? wn_graph_name(k->graph, NAME_OUTPUT, index) : NULL;
}

WN_API wn_type wn_kernel_output_type(const wn_kernel *k, int32_t index) {
    const node *n = output_node(k, index);
    return n ? (wn_type)n->type : (wn_type)-1;
}

WN_API int32_t wn_kernel_output_rank(const wn_kernel *k, int32_t index) {
    const node *n = output_node(k, index);
    return n ? n->rank : -1;
}

WN_API wn_engine wn_kernel_engine(const wn_kernel *k) {
    return kernel_ok(k) ? k->engine : WN_ENGINE_INTERPRETER;
}

WN_API wn_isa wn_kernel_isa(const wn_kernel *k) {
    return kernel_ok(k) ? k->target.isa : WN_ISA_PORTABLE;
}
