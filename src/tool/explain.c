/*
 * explain.c - `winnow explain`: show what becomes of an expression. Declarations are enough; nothing runs.
 */
#include "tool/tool.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    wn_view view;
} views[] = {{"graph", WN_VIEW_GRAPH},         {"dot", WN_VIEW_DOT},
             {"plan", WN_VIEW_PLAN},           {"ir", WN_VIEW_IR},
             {"ir-opt", WN_VIEW_IR_OPTIMIZED}, {"asm", WN_VIEW_ASSEMBLY},
             {"object", WN_VIEW_OBJECT},       {"json", WN_VIEW_JSON}};

static exit_status find_view(const char *name, wn_view *view) {
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        if (strcmp(name, views[i].name) != 0) continue;
        *view = views[i].view;
        return DONE;
    }
    if (!strcmp(name, "html")) return wn_misused("--emit %s is not available yet", name);
    return wn_misused("--emit is graph, dot, plan, ir, ir-opt, asm or object, not '%s'", name);
}

static exit_status write_file(const char *path, const char *text, size_t length) {
    output_file file = {.path = NULL};
    exit_status status = wn_output_open(&file, path);
    if (status == DONE) {
        fwrite(text, 1, length, file.file);
        status = wn_output_finish(&file);
    }
    if (status == DONE) status = wn_output_commit(&file);
    wn_output_close(&file, status == DONE);
    return status;
}

static exit_status show(job *s, const arguments *a, wn_view view) {
    wn_compile_options options = {.size = sizeof options, .engine = a->engine, .isa = a->isa};
    size_t length = 0;
    char *text = wn_inspect(s->graph, &options, view, &length);
    if (!text) return wn_wrong("%s", wn_graph_error(s->graph));
    exit_status status = DONE;
    if (a->output_count)
        status = write_file(a->outputs[0].path, text, length);
    else
        fwrite(text, 1, length, stdout);
    wn_text_free(s->context, text, length);
    return status;
}

exit_status wn_command_explain(arguments *a) {
    job s = {.context = NULL};
    wn_view view = WN_VIEW_GRAPH;
    if (a->emit) TRY(find_view(a->emit, &view));
    if (a->output_count > 1 || (a->output_count && a->outputs[0].name))
        return wn_misused("explain takes one -o FILE, without a name");
    if (view == WN_VIEW_OBJECT && !a->output_count && isatty(STDOUT_FILENO))
        return wn_misused("an object is binary: give -o FILE");
    exit_status status = wn_job_graph(&s, a);
    bool parts = view == WN_VIEW_JSON && s.graph && wn_graph_status(s.graph) != WN_OK;
    if (status == DONE)
        status = show(&s, a, view);
    else if (parts) /* it is said already what is wrong; this is what there is */
        show(&s, a, view);
    wn_job_free(&s);
    return status;
}
