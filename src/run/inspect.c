/*
 * inspect.c - the texts that show what becomes of a graph.
 *
 * Each view takes the road of wn_compile as far as it needs: a copy of the live nodes, the plan, the provider. Nothing is
 * cached and nothing is loaded, so an instruction set that this machine lacks can be looked at as well.
 */
#include "winnow/inspect.h"

#include "graph/environment.h"
#include "graph/graph.h"
#include "jit/plan.h"
#include "jit/provider.h"
#include "run/binding.h"
#include "run/context.h"
#include "run/inspection.h"
#include "run/kernel.h"

#include <string.h>

/* ---- Texts ------------------------------------------------------------------------------------------------------ */

/* A copy that wn_text_free can give back knowing its length alone. NULL: out of memory. */
static char *keep_text(wn_context *c, const char *text, size_t length, size_t *kept) {
    char *copy = wn_allocate(c, length + 1);
    if (!copy) return NULL;
    if (length) memcpy(copy, text, length);
    copy[length] = 0;
    *kept = length;
    return copy;
}

static char *keep_buffer(wn_buffer *b, size_t *length) {
    char *text = b->failed ? NULL : keep_text(b->context, b->text, b->length, length);
    wn_buffer_free(b);
    return text;
}

static char *out_of_memory(wn_error *error) {
    wn_fail(error, WN_ERROR_MEMORY, "inspect: out of memory");
    return NULL;
}

/* ---- Views ------------------------------------------------------------------------------------------------------ */

typedef struct look {
    wn_context *context;
    const wn_graph *graph; /* a copy */
    const bool *bitmaps;   /* as a kernel's, or NULL */
    wn_target target;
    wn_view view;
    size_t *length;
    wn_error *error;
} look;

static char *look_at_graph(const look *l) {
    wn_buffer b = {.context = l->context};
    if (l->view == WN_VIEW_DOT)
        wn_print_dot(l->graph, &b);
    else
        wn_print_listing(l->graph, &b);
    char *text = keep_buffer(&b, l->length);
    return text ? text : out_of_memory(l->error);
}

static char *look_at_plan(const look *l, const wn_plan *plan) {
    wn_buffer b = {.context = l->context};
    wn_plan_print(plan, &b);
    char *text = keep_buffer(&b, l->length);
    return text ? text : out_of_memory(l->error);
}

static char *look_at_result(const look *l, const provider_result *r) {
    const char *bytes = r->object;
    size_t size = r->object_size;
    if (l->view != WN_VIEW_OBJECT) {
        bytes = l->view == WN_VIEW_IR             ? r->ir
                : l->view == WN_VIEW_IR_OPTIMIZED ? r->ir_optimized
                                                  : r->assembly;
        size = bytes ? strlen(bytes) : 0;
    }
    if (!bytes) {
        wn_fail(l->error, WN_ERROR_INTERNAL, "inspect: the compiler gave nothing to show");
        return NULL;
    }
    char *text = keep_text(l->context, bytes, size, l->length);
    return text ? text : out_of_memory(l->error);
}

static char *look_at_code(const look *l, const wn_plan *plan) {
    const wn_provider *provider = wn_provider_open(l->context->llvm_library, l->error);
    if (!provider) return NULL;
    const provider_request request = {
        .plan = plan,
        .target = l->target,
        .want_ir = l->view == WN_VIEW_IR,
        .want_ir_optimized = l->view == WN_VIEW_IR_OPTIMIZED,
        .want_assembly = l->view == WN_VIEW_ASSEMBLY,
        .object_not_wanted = l->view != WN_VIEW_OBJECT,
    };
    provider_result result = {.object = NULL};
    if (provider->compile(&request, &result, l->error) != WN_OK) return NULL;
    char *text = look_at_result(l, &result);
    provider->release(&result);
    return text;
}

static char *look_at(const look *l) {
    if (l->view == WN_VIEW_GRAPH || l->view == WN_VIEW_DOT) return look_at_graph(l);
    wn_plan *plan = wn_plan_new(l->context, l->graph, l->bitmaps, l->target.isa, l->error);
    if (!plan) return NULL;
    char *text = l->view == WN_VIEW_PLAN ? look_at_plan(l, plan) : look_at_code(l, plan);
    wn_plan_free(plan);
    return text;
}

/* ---- The public calls ------------------------------------------------------------------------------------------- */

static wn_status check_arguments(const wn_graph *g, const wn_compile_options *options, look *l) {
    if ((unsigned)l->view > WN_VIEW_JSON_TIMED)
        return wn_fail(l->error, WN_ERROR_ARGUMENT, "inspect: there is no view %d", (int)l->view);
    wn_status status = wn_inspection_target(options, &l->target, l->error);
    if (status != WN_OK) return status;
    if (g->output_count == 0)
        return wn_fail(l->error, WN_ERROR_ARGUMENT, "inspect: the graph has no output");
    return WN_OK;
}

static char *inspect_copy(look *l, const wn_graph *graph) {
    wn_graph *copy = wn_graph_copy(graph);
    l->context = graph->context;
    l->graph = copy;
    char *text = copy ? look_at(l) : out_of_memory(l->error);
    wn_graph_free(copy);
    return text;
}

/* An inspection, which that uses up, as a document. */
static char *document(wn_inspection *i, wn_view view, size_t *length, wn_error *error) {
    if (!i) return out_of_memory(error);
    wn_buffer b = {.context = i->context};
    if (!i->failed) wn_inspection_json(i, view == WN_VIEW_JSON_TIMED, &b);
    char *text = i->failed ? NULL : keep_buffer(&b, length);
    wn_inspection_free(i);
    return text ? text : out_of_memory(error);
}

WN_API char *wn_inspect(wn_graph *graph, const wn_compile_options *options, wn_view view,
                        size_t *length) {
    size_t own_length = 0;
    wn_error error = {WN_OK, ""};
    look l = {.view = view, .length = length ? length : &own_length, .error = &error};
    if (view == WN_VIEW_JSON || view == WN_VIEW_JSON_TIMED) {
        char *text = document(wn_inspection_new(graph, options), view, l.length, &error);
        if (!text && graph_ok(graph)) wn_graph_report(graph, &error);
        return text;
    }
    if (!graph_ok(graph)) return NULL;
    environment callers = environment_enter();
    char *text = check_arguments(graph, options, &l) == WN_OK ? inspect_copy(&l, graph) : NULL;
    environment_leave(callers);
    wn_graph_report(graph, &error);
    return text;
}

WN_API char *wn_inspect_kernel(const wn_kernel *kernel, wn_view view, size_t *length, wn_error *error) {
    size_t own_length = 0;
    if (!kernel_ok(kernel)) {
        wn_fail(error, WN_ERROR_ARGUMENT, "inspect: the kernel is NULL, or not one");
        return NULL;
    }
    if ((unsigned)view > WN_VIEW_JSON_TIMED) {
        wn_fail(error, WN_ERROR_ARGUMENT, "inspect: there is no view %d", (int)view);
        return NULL;
    }
    look l = {.context = kernel->context,
              .graph = kernel->graph,
              .bitmaps = kernel->bitmaps,
              .target = wn_inspection_kernel_target(kernel),
              .view = view,
              .length = length ? length : &own_length,
              .error = error};
    if (view == WN_VIEW_JSON || view == WN_VIEW_JSON_TIMED)
        return document(wn_inspection_of_kernel(kernel), view, l.length, error);
    environment callers = environment_enter();
    char *text = look_at(&l);
    environment_leave(callers);
    return text;
}

WN_API const wn_kernel *wn_binding_kernel(const wn_binding *b) {
    return b && b->magic == BINDING_MAGIC ? b->kernel : NULL;
}

WN_API void wn_text_free(wn_context *context, char *text, size_t length) {
    if (context_ok(context) && text) wn_release(context, text, length + 1);
}
