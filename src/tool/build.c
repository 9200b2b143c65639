/*
 * build.c - from the command line to a kernel: context, data, graph, compile, and the arrays in the kernel's order.
 *
 * A declared length is a length of the graph, and so is a written array's; a file's lengths are left open, so that the
 * kernel is the one that any file of the type would get.
 */
#include "tool/tool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

double wn_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void print_warning(void *user, wn_log_level level, const char *message) {
    (void)user;
    if (level == WN_LOG_WARNING) fprintf(stderr, "winnow: note: %s\n", message);
}

/* ---- Data --------------------------------------------------------------------------------------------------------- */

static exit_status check_shape(const tool_input *in) {
    const wn_array *a = &in->held.array;
    bool same = !in->shaped || a->rank == in->rank;
    if (!same)
        return wn_wrong("%s is declared with %d axes, its data have %d", in->name, (int)in->rank,
                        (int)a->rank);
    for (int32_t i = 0; in->shaped && i < in->rank; i++)
        if (in->dims[i] >= 0 && in->dims[i] != a->shape[i])
            return wn_wrong("%s is declared with length %lld on axis %d, its data have %lld",
                            in->name, (long long)in->dims[i], (int)i, (long long)a->shape[i]);
    return DONE;
}

static exit_status load(tool_input *in) {
    const wn_type *type = in->typed ? &in->type : NULL;
    if (!in->value || in->has_data) return DONE;
    TRY(in->file ? wn_npy_read(in->name, in->value, type, &in->held)
                 : wn_literal_read(in->name, in->value, type, &in->held));
    in->has_data = true;
    return check_shape(in);
}

static void declare(wn_graph *graph, const tool_input *in) {
    int64_t dims[WN_MAX_RANK];
    const wn_array *a = &in->held.array;
    wn_type type = in->has_data ? a->type : in->type;
    int32_t rank = in->has_data ? a->rank : in->rank;
    for (int32_t i = 0; i < rank; i++)
        dims[i] = in->shaped ? in->dims[i] : in->file ? WN_ANY : a->shape[i];
    wn_input_dims(graph, in->name, type, rank, dims);
}

/* ---- Graph and kernel ------------------------------------------------------------------------------------------------- */

static exit_status graph_error(const job *s) {
    return wn_wrong("%s", wn_graph_error(s->graph));
}

/* Where eval keeps what it compiles: $XDG_CACHE_HOME/winnow or ~/.cache/winnow, as the XDG Base Directory Specification says, a
   relative path being none. The others compile to show how that goes. NULL: nowhere. */
static char *cache_directory(const arguments *a) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"), *below = "";
    if (a->command != COMMAND_EVAL || a->no_cache || a->compile.engine == WN_ENGINE_INTERPRETER)
        return NULL;
    if (!cache || *cache != '/') {
        if (!home || *home != '/') return NULL;
        cache = home;
        below = "/.cache";
    }
    size_t size = strlen(cache) + sizeof "/.cache/winnow";
    char *path = wn_have(malloc(size));
    snprintf(path, size, "%s%s", cache, below);
    mkdir(path, 0700); /* it is there, or this is for the library to find out */
    snprintf(path, size, "%s%s/winnow", cache, below);
    return path;
}

/* Where the listings for a debugger lie: $TMPDIR, unless it is no absolute path. */
static const char *debugger_directory(const arguments *a) {
    const char *temporary = getenv("TMPDIR");
    if (!a->debugger) return NULL;
    return temporary && *temporary == '/' ? temporary : "/tmp";
}

exit_status wn_job_graph(job *s, arguments *a) {
    char *cache = cache_directory(a);
    wn_context_options options = {.size = sizeof options,
                                  .log = s->quiet ? NULL : print_warning,
                                  .threads = a->threads,
                                  .cache_directory = cache,
                                  .perf_map = a->perf_map,
                                  .debugger_directory = debugger_directory(a)};
    s->context = wn_have(wn_context_new(&options));
    free(cache);
    s->graph = wn_have(wn_graph_new(s->context));
    if (a->command == COMMAND_EXPLAIN) wn_trace(s->graph);
    for (size_t i = 0; i < a->input_count; i++) {
        TRY(load(&a->inputs[i]));
        if (!a->inputs[i].in_text) declare(s->graph, &a->inputs[i]);
    }
    wn_parse(s->graph, a->text, a->text_length);
    return wn_graph_status(s->graph) == WN_OK ? DONE : graph_error(s);
}

static bool has_output(const wn_kernel *kernel, const char *name) {
    for (int32_t i = 0; i < wn_kernel_output_count(kernel); i++)
        if (!strcmp(wn_kernel_output_name(kernel, i), name)) return true;
    return false;
}

/* Make an output of every name that -o asks for. What the text has as outputs, a kernel of the interpreter says: that costs
   nothing, and is not made when no -o has a name. */
static exit_status add_outputs(job *s, const arguments *a) {
    wn_compile_options options = {.size = sizeof options, .engine = WN_ENGINE_INTERPRETER};
    for (size_t i = 0; i < a->output_count; i++) {
        const char *name = a->outputs[i].name;
        if (!name) continue;
        wn_kernel *outputs = wn_compile(s->graph, &options);
        if (!s->text_outputs && outputs) s->text_outputs = (size_t)wn_kernel_output_count(outputs);
        bool there = outputs && has_output(outputs, name);
        wn_kernel_free(outputs);
        if (there) continue;
        wn_node value = wn_find(s->graph, name);
        if (value.id == 0 && wn_graph_status(s->graph) == WN_OK)
            return wn_wrong("-o %s=%s: nothing in the expression is called %s", name,
                            a->outputs[i].path, name);
        wn_output(s->graph, name, value);
    }
    return wn_graph_status(s->graph) == WN_OK ? DONE : graph_error(s);
}

static exit_status gather_inputs(job *s, const arguments *a) {
    s->input_count = (size_t)wn_kernel_input_count(s->kernel);
    s->inputs = wn_have(calloc(s->input_count + 1, sizeof *s->inputs));
    for (size_t i = 0; i < s->input_count; i++) {
        const char *name = wn_kernel_input_name(s->kernel, (int32_t)i);
        const tool_input *in = NULL;
        for (size_t j = 0; j < a->input_count; j++)
            if (!strcmp(a->inputs[j].name, name)) in = &a->inputs[j];
        if (!in || !in->has_data)
            return wn_wrong("input %s has no data: give %s=FILE.npy or %s=[...]", name, name, name);
        s->inputs[i] = in->held.array;
    }
    return DONE;
}

exit_status wn_job_kernel(job *s, const arguments *a) {
    if (!wn_isa_available(a->compile.isa))
        return wn_wrong("this machine lacks %s", wn_isa_name(a->compile.isa));
    if (a->command == COMMAND_EVAL) TRY(add_outputs(s, a));
    double start = wn_now_ms();
    s->kernel = wn_compile(s->graph, &a->compile);
    s->compile_ms = wn_now_ms() - start;
    if (!s->kernel) return graph_error(s);
    s->output_count = (size_t)wn_kernel_output_count(s->kernel);
    if (!s->text_outputs) s->text_outputs = s->output_count;
    return gather_inputs(s, a);
}

void wn_job_free(job *s) {
    free(s->inputs);
    wn_kernel_free(s->kernel);
    wn_graph_free(s->graph);
    wn_context_free(s->context);
}
