/*
 * inspection.c - the road from a graph to its code, taken once more with everything on it kept.
 *
 * A copy of the live nodes, the listing, the plan, a compile with debug information, the object looked into: each step leaves off where one
 * before it has failed, and what was found until then stays. Nothing is cached, and nothing of the graph or kernel is changed.
 */
#include "run/inspection.h"

#include "graph/environment.h"
#include "graph/trace.h"
#include "run/context.h"
#include "run/kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What debuggers are told that the listing is called. */
#define LISTING_FILE "winnow.listing"

/* ---- Memory ------------------------------------------------------------------------------------------------------------ */

struct text_block {
    text_block *next;
    size_t used, size;
    char text[];
};

bool wn_inspection_grow(wn_inspection *i, void **array, uint32_t *room, uint32_t count, size_t size) {
    if (!i->failed && !wn_grow(i->context, array, room, (size_t)count + 1, size)) i->failed = true;
    return !i->failed;
}

/* Room for so many bytes in a block that stays where it is; NULL: out of memory. */
static char *new_text(wn_inspection *i, size_t size) {
    text_block *b = i->blocks;
    if (!b || b->size - b->used < size) {
        size_t room = size > 16384 ? size : 16384;
        b = i->failed ? NULL : wn_allocate(i->context, sizeof *b + room);
        i->failed |= !b;
        if (!b) return NULL;
        *b = (text_block){.next = i->blocks, .size = room};
        i->blocks = b;
    }
    char *text = b->text + b->used;
    b->used += size;
    return text;
}

const char *wn_inspection_keep(wn_inspection *i, const char *text, size_t length) {
    char *copy = new_text(i, length + 1);
    if (!copy) return "";
    if (length) memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

const char *wn_inspection_print(wn_inspection *i, const char *format, ...) {
    char text[600];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    size_t kept = length < 0 ? 0 : (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    return wn_inspection_keep(i, text, kept);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------------- */

static void list(wn_inspection *i) {
    const wn_graph *g = i->graph;
    size_t nodes = sizeof *i->node_spots * g->node_count,
           outputs = sizeof *i->output_spots * (g->output_count + 1);
    i->node_spots = wn_allocate(i->context, nodes);
    i->output_spots = wn_allocate(i->context, outputs);
    i->failed |= !i->node_spots || !i->output_spots;
    if (i->failed) return;
    memset(i->node_spots, 0, nodes);
    memset(i->output_spots, 0, outputs);
    wn_print_listing_places(g, &i->listing, i->node_spots, i->output_spots);
    i->failed |= i->listing.failed;
    wn_inspect_listed(i);
}

static void plan(wn_inspection *i) {
    if (i->failed || i->error.status != WN_OK) return;
    int64_t start = now();
    i->plan = wn_plan_new(i->context, i->graph, i->bitmaps, i->target.isa, &i->error);
    i->figures.plan_ns = now() - start;
    if (i->plan) wn_inspect_plan(i);
}

/* On a machine that could run it, how long loading takes. */
static void load(wn_inspection *i) {
    wn_target own = {.isa = i->target.isa};
    if (!wn_target_resolve(i->target.isa, &own)) return;
    int64_t start = now();
    wn_code *code = wn_code_load(i->context, i->result.object, i->result.object_size, NULL);
    i->figures.load_ns = now() - start;
    wn_code_free(code);
}

/* A plan of operations on whole arrays alone has no code. */
static bool has_code(const wn_plan *p) {
    for (uint32_t s = 0; s < p->stage_count; s++)
        for (kernel_function f = KERNEL_MAP; f < KERNEL_FUNCTION_COUNT; f++)
            if (stage_has(&p->stages[s], f)) return true;
    return false;
}

/* With debug information, which changes no instruction. */
static void compile(wn_inspection *i) {
    const provider_debug debug = {LISTING_FILE, "/", i->node_spots, i->output_spots};
    const provider_request request = {
        .plan = i->plan, .target = i->target, .want_ir = true, .want_ir_optimized = true, .debug = &debug};
    if (i->failed || i->error.status != WN_OK || !has_code(i->plan)) return;
    i->provider = wn_provider_open(i->context->llvm_library, &i->error);
    if (!i->provider || i->provider->compile(&request, &i->result, &i->error) != WN_OK) return;
    i->figures.emit_ns = i->result.emit_ns;
    i->figures.optimize_ns = i->result.optimize_ns;
    i->figures.codegen_ns = i->result.codegen_ns;
    load(i);
    if (wn_object_open(i->context, i->result.object, i->result.object_size, &i->object, &i->error) ==
            WN_OK &&
        i->provider->disassemble(&i->target, i->object.code.bytes, (size_t)i->object.code.size,
                                 &i->disassembly, &i->error) == WN_OK)
        wn_inspect_code(i);
}

/* ids: what the nodes of `from` are in the copy; both NULL: it is not known where the copy comes from. */
static void take_road(wn_inspection *i, const wn_graph *from, const node_id *ids) {
    environment callers = environment_enter();
    list(i);
    wn_inspect_trace(i, from, ids);
    plan(i);
    compile(i);
    wn_inspect_fates(i);
    environment_leave(callers);
    i->figures.isa = i->target.isa;
    if (i->failed) wn_fail(&i->error, WN_ERROR_MEMORY, "inspect: out of memory");
    if (i->failed || !*i->problem) i->problem = i->error.message;
}

/* ---- New and free ------------------------------------------------------------------------------------------------------ */

static wn_inspection *new_inspection(wn_context *c) {
    wn_inspection *i = wn_allocate(c, sizeof *i);
    if (!i) return NULL;
    memset(i, 0, sizeof *i);
    i->magic = INSPECTION_MAGIC;
    i->context = i->listing.context = c;
    i->source = i->problem = "";
    return i;
}

static wn_target look_target(wn_isa isa) {
    wn_target target = {.isa = isa, .amd = wn_is_amd(), .halves = wn_takes_halves()};
    if (!wn_target_resolve(isa, &target) && isa == WN_ISA_NATIVE) target.isa = WN_ISA_PORTABLE;
    return target;
}

/* What an older program's struct lacks is 0. */
wn_status wn_inspection_target(const wn_compile_options *given, wn_target *target, wn_error *error) {
    wn_compile_options options = {.size = sizeof options};
    bool sized = !given || given->size >= sizeof given->size;
    if (given && sized)
        memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    bool known = sized && (unsigned)options.isa <= WN_ISA_X86_64_V4;
    *target = look_target(known ? options.isa : WN_ISA_NATIVE);
    return known ? WN_OK
                 : wn_fail(error, WN_ERROR_ARGUMENT,
                           "inspect: options without a size, or an unknown isa");
}

wn_target wn_inspection_kernel_target(const wn_kernel *kernel) {
    return kernel->engine == WN_ENGINE_JIT ? kernel->target : look_target(WN_ISA_NATIVE);
}

/* The graph's error, in all its length. */
static void take_error(wn_inspection *i, const wn_graph *g) {
    if (g->long_message)
        i->problem = wn_inspection_keep(i, g->long_message, strlen(g->long_message));
    if (g->error.status != WN_OK)
        i->error = g->error;
    else if (g->output_count == 0)
        wn_fail(&i->error, WN_ERROR_ARGUMENT, "inspect: the graph has no output");
}

WN_API wn_inspection *wn_inspection_new(wn_graph *graph, const wn_compile_options *options) {
    if (!graph || graph->magic != GRAPH_MAGIC) return NULL;
    wn_inspection *i = new_inspection(graph->context);
    if (!i) return NULL;
    wn_inspection_target(options, &i->target, &i->error);
    size_t size = sizeof(node_id) * graph->node_count;
    node_id *ids = wn_allocate(i->context, size);
    int64_t start = now();
    i->graph = ids ? wn_graph_copy_ids(graph, ids) : NULL;
    i->figures.prune_ns = now() - start;
    if (graph->trace) i->figures.build_ns = graph->trace->build_ns;
    if (i->graph) {
        take_error(i, graph);
        take_road(i, graph, ids);
    }
    wn_release(i->context, ids, ids ? size : 0);
    if (i->graph) return i;
    wn_inspection_free(i);
    return NULL;
}

WN_API wn_inspection *wn_inspection_of_kernel(const wn_kernel *kernel) {
    if (!kernel_ok(kernel)) return NULL;
    wn_inspection *i = new_inspection(kernel->context);
    if (!i) return NULL;
    i->target = wn_inspection_kernel_target(kernel);
    i->bitmaps = kernel->bitmaps; /* for this call; the plan is made in it */
    i->graph = wn_graph_copy(kernel->graph);
    if (!i->graph) {
        wn_inspection_free(i);
        return NULL;
    }
    take_road(i, NULL, NULL);
    i->bitmaps = NULL;
    return i;
}

#define RELEASE(table) wn_release(c, i->table.at, i->table.room * sizeof *i->table.at)

WN_API void wn_inspection_free(wn_inspection *i) {
    if (!inspection_ok(i)) return;
    wn_context *c = i->context;
    if (i->provider) {
        i->provider->release(&i->result);
        i->provider->release_listing(&i->disassembly);
    }
    wn_object_free(c, &i->object);
    wn_plan_free(i->plan);
    if (i->graph) {
        wn_release(c, i->node_spots, i->node_spots ? sizeof *i->node_spots * i->graph->node_count : 0);
        wn_release(c, i->output_spots,
                   i->output_spots ? sizeof *i->output_spots * (i->graph->output_count + 1) : 0);
    }
    wn_graph_free(i->graph);
    wn_buffer_free(&i->listing);
    wn_release(c, i->places, i->places ? (i->source_length + 1) * sizeof *i->places : 0);
    RELEASE(listed);
    RELEASE(nodes);
    RELEASE(spellings);
    RELEASE(decisions);
    RELEASE(stages);
    RELEASE(plan_lines);
    RELEASE(functions);
    RELEASE(instructions);
    RELEASE(ir);
    RELEASE(ir_optimized);
    while (i->blocks) {
        text_block *b = i->blocks;
        i->blocks = b->next;
        wn_release(c, b, sizeof *b + b->size);
    }
    i->magic = 0;
    wn_release(c, i, sizeof *i);
}

/* ---- What is in it ----------------------------------------------------------------------------------------------------- */

WN_API const char *wn_inspection_error(const wn_inspection *i) {
    return inspection_ok(i) ? i->problem : "the inspection is NULL, or not one";
}

#define GET(name, type, table)                                                                     \
    WN_API const type *wn_inspection_##name(const wn_inspection *i, size_t *count) {               \
        bool ok = inspection_ok(i);                                                                \
        if (count) *count = ok ? i->table.count : 0;                                               \
        return ok ? i->table.at : NULL;                                                            \
    }
GET(nodes, wn_node_info, nodes)
GET(spellings, wn_spelling, spellings)
GET(decisions, wn_decision, decisions)
GET(stages, wn_stage_info, stages)
GET(plan, wn_line, plan_lines)
GET(functions, wn_function_info, functions)
GET(instructions, wn_instruction, instructions)
GET(ir, wn_line, ir)
GET(ir_optimized, wn_line, ir_optimized)

WN_API const wn_figures *wn_inspection_figures(const wn_inspection *i) {
    return inspection_ok(i) ? &i->figures : NULL;
}

WN_API const void *wn_inspection_object(const wn_inspection *i, size_t *size) {
    bool ok = inspection_ok(i);
    if (size) *size = ok ? i->result.object_size : 0;
    return ok ? i->result.object : NULL;
}

WN_API const char *wn_inspection_text(const wn_inspection *i, size_t *length) {
    bool ok = inspection_ok(i);
    if (length) *length = ok ? i->source_length : 0;
    return ok ? i->source : "";
}

WN_API const char *wn_inspection_listing(const wn_inspection *i, size_t *length) {
    bool there = inspection_ok(i) && i->listing.length;
    if (length) *length = there ? i->listing.length : 0;
    return there ? i->listing.text : "";
}
