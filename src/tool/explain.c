/*
 * explain.c - `winnow explain`: show what becomes of an expression. Declarations are enough; only a report, given data, runs it.
 */
#include "tool/tool.h"

#include <string.h>
#include <unistd.h>

/* What --emit takes. */
typedef struct emission {
    const char *name;
    wn_view view;
    exit_status (*write)(job *s, const arguments *a, FILE *out); /* NULL: the view is written as it is */
    bool parts; /* of a text that does not compile it shows what there is */
} emission;

static const emission emissions[] = {{.name = "graph", .view = WN_VIEW_GRAPH},
                                     {.name = "dot", .view = WN_VIEW_DOT},
                                     {.name = "plan", .view = WN_VIEW_PLAN},
                                     {.name = "ir", .view = WN_VIEW_IR},
                                     {.name = "ir-opt", .view = WN_VIEW_IR_OPTIMIZED},
                                     {.name = "asm", .view = WN_VIEW_ASSEMBLY},
                                     {.name = "object", .view = WN_VIEW_OBJECT},
                                     {.name = "json", .view = WN_VIEW_JSON, .parts = true},
                                     {.name = "html", .write = wn_write_report, .parts = true}};
static const emission by_default = {.name = NULL, .write = wn_write_listing, .parts = true};

static const emission *find_emission(const char *name) {
    if (!name) return &by_default;
    for (size_t i = 0; i < sizeof emissions / sizeof *emissions; i++)
        if (!strcmp(name, emissions[i].name)) return &emissions[i];
    return NULL;
}

static exit_status write_view(job *s, const arguments *a, wn_view view, FILE *out) {
    size_t length = 0;
    char *text = wn_inspect(s->graph, &a->compile, view, &length);
    if (!text) return wn_wrong("%s", wn_graph_error(s->graph));
    fwrite(text, 1, length, out);
    wn_text_free(s->context, text, length);
    return DONE;
}

static exit_status emit(job *s, const arguments *a, const emission *e, FILE *out) {
    return e->write ? e->write(s, a, out) : write_view(s, a, e->view, out);
}

static exit_status emit_file(job *s, const arguments *a, const emission *e) {
    output_file file = {.path = NULL};
    exit_status status = wn_output_open(&file, a->outputs[0].path);
    if (status == DONE) status = emit(s, a, e, file.file);
    if (status == DONE) status = wn_output_finish(&file);
    if (status == DONE) status = wn_output_commit(&file);
    wn_output_close(&file, status == DONE);
    return status;
}

exit_status wn_command_explain(arguments *a) {
    job s = {.context = NULL};
    const emission *e = find_emission(a->emit);
    if (!e)
        return wn_misused(
            "--emit is graph, dot, plan, ir, ir-opt, asm, object, json or html, not '%s'", a->emit);
    if (a->output_count > 1 || (a->output_count && a->outputs[0].name))
        return wn_misused("explain takes one -o FILE, without a name");
    if (e->view == WN_VIEW_OBJECT && !a->output_count && isatty(STDOUT_FILENO))
        return wn_misused("an object is binary: give -o FILE");
    exit_status status = wn_job_graph(&s, a);
    bool failed = s.graph && wn_graph_status(s.graph) != WN_OK; /* it is said already why */
    if (status == DONE || (failed && e->parts)) {
        exit_status written = a->output_count ? emit_file(&s, a, e) : emit(&s, a, e, stdout);
        if (status == DONE) status = written;
    }
    wn_job_free(&s);
    return status;
}
