/*
 * listing.c - `winnow explain` in a terminal: the text, its listing with what became of each line, then each function's instructions
 * beside the lines that they serve.
 *
 * A node has the same colour everywhere; colours are for a terminal alone, and only where NO_COLOR is not set.
 */
#include "tool/tool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct view {
    FILE *out;
    bool colours;
    const wn_inspection *inspection;
    const wn_node_info *nodes;
    char **lines; /* of the listing */
    uint32_t line_count;
    int label_width;
} view;

/* ---- Words --------------------------------------------------------------------------------------------------------- */

static void emphasize(const view *v, bool on) {
    if (v->colours) fputs(on ? "\033[1m" : "\033[0m", v->out);
}

/* The line of the listing that stores an output: they come in order. 0: none */
static uint32_t output_line(const view *v, uint32_t number) {
    for (uint32_t i = 0; i < v->line_count; i++)
        if (!strncmp(v->lines[i], "output ", 7) && number-- == 0) return i + 1;
    return 0;
}

/* The last node that has this line: what the line is about. NULL: none */
static const wn_node_info *node_of_line(const view *v, uint32_t line, uint32_t *number) {
    size_t count;
    const wn_node_info *nodes = wn_inspection_nodes(v->inspection, &count), *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (nodes[i].line == line) found = &nodes[i], *number = (uint32_t)i + 1;
    return found;
}

/* An output has the colour of the value in its line. */
static void paint(const view *v, wn_origin of) {
    static const int palette[] = {39, 208, 77, 170, 220, 44, 203, 141, 113, 215, 75, 211};
    if (!v->colours) return;
    if (of.serves == WN_SERVES_OUTPUT && node_of_line(v, output_line(v, of.number), &of.number))
        of.serves = WN_SERVES_NODE;
    if (of.serves == WN_SERVES_NODE)
        fprintf(v->out, "\033[38;5;%dm", palette[(of.number - 1) % (sizeof palette / sizeof *palette)]);
    else if (of.serves == WN_SERVES_LOOP)
        fputs("\033[2m", v->out);
}
static uint32_t line_of(const view *v, wn_origin of) {
    uint32_t line = of.serves == WN_SERVES_NODE     ? v->nodes[of.number - 1].line
                    : of.serves == WN_SERVES_OUTPUT ? output_line(v, of.number)
                                                    : 0;
    return line <= v->line_count ? line : 0;
}

/* An output's name stands in its line: "output y = ...". */
static void write_label(const view *v, wn_origin of, char *text, size_t size) {
    uint32_t line = line_of(v, of);
    const char *name = line ? v->lines[line - 1] + 7 : "";
    if (of.serves == WN_SERVES_NODE)
        snprintf(text, size, "%s", v->nodes[of.number - 1].label);
    else if (of.serves == WN_SERVES_OUTPUT)
        snprintf(text, size, "store %.*s", (int)strcspn(name, " ;"), name);
    else
        snprintf(text, size, "%s", of.serves == WN_SERVES_LOOP ? "loop" : "");
}

static const char *plural(uint32_t n) {
    return n == 1 ? "" : "s";
}

/* ---- The listing ----------------------------------------------------------------------------------------------------- */

static void write_fate(const view *v, const wn_node_info *n) {
    static const char *const words[] = {[WN_FATE_LOADED] = "loaded by ",
                                        [WN_FATE_ABSORBED] = "absorbed by ",
                                        [WN_FATE_CONSTANT] = "a constant of ",
                                        [WN_FATE_PACKED] = "packed by ",
                                        [WN_FATE_C] = "a function of the library",
                                        [WN_FATE_UNUSED] = "unused",
                                        [WN_FATE_UNKNOWN] = ""};
    char into[64];
    write_label(v, n->into, into, sizeof into);
    if (n->fate == WN_FATE_CODE)
        fprintf(v->out, "%u instruction%s, %u in loops", (unsigned)n->instructions,
                plural(n->instructions), (unsigned)n->loop_instructions);
    else if (n->fate == WN_FATE_HOISTED)
        fprintf(v->out, "%u instruction%s before the loop", (unsigned)n->instructions,
                plural(n->instructions));
    else if (n->fate == WN_FATE_ABSORBED && !*into)
        fputs("nothing to do", v->out);
    else
        fprintf(v->out, "%s%s", words[n->fate], into);
}

static void write_lines(const view *v) {
    enum { WIDEST = 60 };
    int width = 0;
    for (uint32_t i = 0; i < v->line_count; i++) {
        int length = (int)strlen(v->lines[i]);
        if (length <= WIDEST && length > width) width = length;
    }
    for (uint32_t i = 0; i < v->line_count; i++) {
        uint32_t number = 0;
        const wn_node_info *n = node_of_line(v, i + 1, &number);
        wn_origin of = {n ? WN_SERVES_NODE : WN_SERVES_NOTHING, number};
        fprintf(v->out, "%4u  ", (unsigned)i + 1);
        paint(v, of);
        fprintf(v->out, "%-*s", n && n->fate != WN_FATE_UNKNOWN ? width : 0, v->lines[i]);
        emphasize(v, false);
        if (n && n->fate != WN_FATE_UNKNOWN) {
            fputs("   ", v->out);
            write_fate(v, n);
        }
        fputc('\n', v->out);
    }
}

/* ---- Decisions ------------------------------------------------------------------------------------------------------- */

static bool is_of_pass(const wn_decision *d, const char *pass) {
    return !strcmp(d->pass, pass);
}

static bool is_rewrite(const wn_decision *d) {
    return is_of_pass(d, "build") || is_of_pass(d, "simplify") || is_of_pass(d, "merge");
}

/* The longest text of some, in columns, unless it is very long. */
static void widen(int *width, const char *text) {
    enum { WIDEST = 40 };
    int length = (int)strlen(text);
    if (length <= WIDEST && length > *width) *width = length;
}

/* What building the graph did to what is written. Of very many, the first. */
static void write_rewrites(const view *v) {
    enum { MOST = 30 };
    size_t count, rewrites = 0;
    int before = 0, after = 0;
    const wn_decision *d = wn_inspection_decisions(v->inspection, &count);
    for (size_t i = 0; i < count; i++) {
        if (!is_rewrite(&d[i])) continue;
        widen(&before, d[i].before);
        widen(&after, d[i].after);
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_rewrite(&d[i]) || ++rewrites > MOST) continue;
        if (rewrites == 1) fputs("\nrewritten, while it was built:\n", v->out);
        fputs("    ", v->out);
        paint(v, d[i].of);
        fprintf(v->out, "%-*s  is  %-*s", before, d[i].before, after, d[i].after);
        emphasize(v, false);
        fprintf(v->out, "  %s\n", d[i].rule);
    }
    if (rewrites > MOST)
        fprintf(v->out, "    and %zu more, which --emit json has\n", rewrites - MOST);
}

/* How a stage is computed: how wide, and what the emitters chose. What holds for all stands at the first. */
static void write_choices(const view *v, uint32_t stage) {
    size_t count;
    const wn_decision *d = wn_inspection_decisions(v->inspection, &count);
    for (size_t i = 0; i < count; i++) {
        bool lanes = is_of_pass(&d[i], "lanes");
        bool here = d[i].stage == stage + 1 || (stage == 0 && d[i].stage == 0);
        if (!here || !(lanes || is_of_pass(&d[i], "emit"))) continue;
        fputs("    ", v->out);
        paint(v, d[i].of);
        if (lanes)
            fprintf(v->out, "%s", d[i].after);
        else
            fprintf(v->out, "%s: %s (%s)", d[i].before, d[i].rule, d[i].after);
        emphasize(v, false);
        fprintf(v->out, "\n        because: %s\n", lanes ? d[i].rule : d[i].reason);
    }
}

/* What a function is for. */
static void write_purpose(const view *v, const char *function) {
    size_t count;
    const wn_decision *d = wn_inspection_decisions(v->inspection, &count);
    for (size_t i = 0; i < count; i++)
        if (is_of_pass(&d[i], "functions") && !strcmp(d[i].after, function))
            fprintf(v->out, "    %s: %s\n", d[i].rule, d[i].reason);
}

/* ---- Functions --------------------------------------------------------------------------------------------------------- */

static void write_figures(const view *v, const wn_function_info *f, const mca *m, const mca_loop *loop) {
    fprintf(v->out, "    %u bytes", (unsigned)f->bytes);
    if (f->loop_begin != f->loop_end)
        fprintf(v->out, "; loop: %u instruction%s for %u element%s, %u load%s, %u store%s, %u spill%s",
                (unsigned)f->loop_instructions, plural(f->loop_instructions), (unsigned)f->elements,
                plural(f->elements), (unsigned)f->loop_loads, plural(f->loop_loads),
                (unsigned)f->loop_stores, plural(f->loop_stores), (unsigned)f->spills,
                plural(f->spills));
    if (f->vector_bits) fprintf(v->out, ", %u-bit vectors", (unsigned)f->vector_bits);
    fputc('\n', v->out);
    if (loop)
        fprintf(v->out, "    %.4g cycles an iteration, block throughput %.4g (%s, %s)\n",
                loop->cycles, loop->throughput, m->tool, m->cpu);
}

static bool same_origin(wn_origin a, wn_origin b) {
    return a.serves == b.serves && a.number == b.number;
}

static void write_code(const view *v, const wn_function_info *f) {
    enum { WIDEST = 56 };
    const wn_instruction *code = wn_inspection_instructions(v->inspection, NULL) + f->first_instruction;
    wn_origin before = {WN_SERVES_NOTHING, 0};
    char text[200];
    int width = 0;
    for (uint32_t i = 0; i < f->instruction_count; i++) {
        int length = (int)strlen(wn_instruction_text(&code[i], text));
        if (length <= WIDEST && length > width) width = length;
    }
    for (uint32_t i = 0; i < f->instruction_count; i++) {
        char label[64];
        uint32_t line = line_of(v, code[i].of);
        write_label(v, code[i].of, label, sizeof label);
        fprintf(v->out, "%6x %s ", (unsigned)code[i].offset, code[i].in_loop ? "│" : " ");
        paint(v, code[i].of);
        fprintf(v->out, "%-*s", width, wn_instruction_text(&code[i], text));
        if (line && !same_origin(before, code[i].of))
            fprintf(v->out, "  %-*s  %s", v->label_width, label, v->lines[line - 1]);
        else
            fprintf(v->out, "  %s", label);
        before = code[i].of;
        emphasize(v, false);
        fputc('\n', v->out);
    }
}

/* A stream function is the map function once more: it is named, not shown. */
static void write_function(const view *v, const wn_function_info *f, const mca *m, const mca_loop *loop) {
    fputc('\n', v->out);
    emphasize(v, true);
    fputs(f->name, v->out);
    emphasize(v, false);
    fputc('\n', v->out);
    write_purpose(v, f->name);
    if (!strcmp(f->kind, "stream")) {
        fprintf(v->out, "    %u bytes (--emit asm shows them)\n", (unsigned)f->bytes);
        return;
    }
    write_figures(v, f, m, loop);
    write_code(v, f);
}

static void write_stage(const view *v, uint32_t number, const mca *m) {
    size_t count;
    const wn_stage_info *stage = &wn_inspection_stages(v->inspection, NULL)[number];
    const wn_function_info *f = wn_inspection_functions(v->inspection, &count);
    fputc('\n', v->out);
    emphasize(v, true);
    fprintf(v->out, "stage %u: %s%s%s", (unsigned)number, stage->kind,
            *stage->space ? " over " : "", stage->space);
    emphasize(v, false);
    fprintf(v->out, ", %u byte%s read and %u written an element\n    because: %s\n",
            (unsigned)stage->bytes_read, plural(stage->bytes_read), (unsigned)stage->bytes_written,
            stage->reason);
    write_choices(v, number);
    for (uint32_t i = 0; i < count; i++)
        if (f[i].stage == number) write_function(v, &f[i], m, wn_mca_loop(m, i));
}

/* ---- All of it ------------------------------------------------------------------------------------------------------------- */

/* The listing's lines, in a copy of it, and the widest label that is not too wide. */
static void read_lines(view *v, char *listing) {
    enum { WIDEST = 20 };
    size_t count;
    v->nodes = wn_inspection_nodes(v->inspection, &count);
    v->lines = wn_have(calloc(1, sizeof *v->lines));
    for (char *line = strtok(listing, "\n"); line; line = strtok(NULL, "\n")) {
        v->lines = wn_have(realloc(v->lines, (v->line_count + 1) * sizeof *v->lines));
        v->lines[v->line_count++] = line;
    }
    for (uint32_t i = 0; i < count + v->line_count; i++) {
        char label[64];
        wn_origin node = {WN_SERVES_NODE, i + 1}, output = {WN_SERVES_OUTPUT, (uint32_t)(i - count)};
        write_label(v, i < count ? node : output, label, sizeof label);
        int length = (int)strlen(label);
        if (length <= WIDEST && length > v->label_width) v->label_width = length;
    }
}

static bool wants_colours(FILE *out) {
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(out)) && !(no && *no) && !(terminal && !strcmp(terminal, "dumb"));
}

static void write_all(const view *v, const arguments *a) {
    size_t stages;
    mca m;
    wn_mca(v->inspection, &m);
    wn_inspection_stages(v->inspection, &stages);
    fprintf(v->out, "%s\n\n", a->text);
    write_lines(v);
    write_rewrites(v);
    for (uint32_t i = 0; i < stages; i++)
        write_stage(v, i, &m);
    if (m.note) fprintf(v->out, "\n%s\n", m.note);
    wn_mca_free(&m);
}

exit_status wn_write_listing(job *s, const arguments *a, FILE *out) {
    wn_inspection *inspection = wn_have(wn_inspection_new(s->graph, &a->compile));
    view v = {.out = out, .colours = wants_colours(out), .inspection = inspection};
    char *listing = wn_have(strdup(wn_inspection_listing(inspection, NULL)));
    const char *error = wn_inspection_error(inspection);
    exit_status status = DONE;
    read_lines(&v, listing);
    write_all(&v, a);
    if (*error && wn_graph_status(s->graph) == WN_OK)
        status = wn_wrong("%s", error); /* else it is said already */
    free(v.lines);
    free(listing);
    wn_inspection_free(inspection);
    return status;
}
