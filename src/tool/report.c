/*
 * report.c - `winnow explain --emit html`: the page of report.html with its data in the place of a marker.
 *
 * The data are one JSON object: the inspection as the library writes it, which has no < that is not escaped, so that it cannot end its
 * element, but for its functions, which are written shorter; what llvm-mca says; and, where every input has data, a run: its time, what it
 * moves, how long memory would take for that, and the density of each mask.
 */
#include "tool/tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* report.html, from the build; ends in NUL. */
extern const char wn_report_page[];

static const char marker[] = "<!--data-->";

/* A string of JSON that may stand in HTML: a tag begins with no digit. What is ours is ASCII, but for what it quotes. */
static void write_string(FILE *out, const char *text) {
    fputc('"', out);
    for (const char *p = text; *p; p++) {
        if (*p & 0x80)
            fputs("\\ufffd", out);
        else if (*p < ' ' || strchr("\"\\", *p) || (*p == '<' && !(p[1] >= '0' && p[1] <= '9')))
            fprintf(out, "\\u%04x", (unsigned)*p);
        else
            fputc(*p, out);
    }
    fputc('"', out);
}

/* ---- Functions ------------------------------------------------------------------------------------------------------------- */

static void write_origin(FILE *out, wn_origin of) {
    if (of.serves == WN_SERVES_NODE || of.serves == WN_SERVES_OUTPUT)
        fprintf(out, "\"%c%u\"", of.serves == WN_SERVES_NODE ? 'n' : 'o', (unsigned)of.number);
    else
        fputs(of.serves == WN_SERVES_LOOP ? "\"loop\"" : "\"\"", out);
}

/* [text, of, text, of, ...], of at most so many lines. */
static void write_lines(FILE *out, const char *key, const wn_line *lines, uint32_t first,
                        uint32_t count, uint32_t most) {
    uint32_t shown = count < most ? count : most;
    fprintf(out, ",\"%s\":[", key);
    for (uint32_t i = first; i < first + shown; i++) {
        if (i > first) fputc(',', out);
        write_string(out, lines[i].text);
        fputc(',', out);
        write_origin(out, lines[i].of);
    }
    if (shown < count)
        fprintf(out, ",\"; %u more lines: winnow explain --emit ir\",\"\"", (unsigned)(count - shown));
    fputc(']', out);
}

/* A page of n nodes, 20 at least, has room for so many bytes a node of all that stands in functions. */
#define NODE_BYTES 10000

/* What a line takes beside its text. */
#define LINE_BYTES 12

static size_t size_of_lines(const wn_line *lines, uint32_t count, uint32_t most) {
    size_t size = 0;
    for (uint32_t i = 0; i < count && i < most; i++)
        size += strlen(lines[i].text) + LINE_BYTES;
    return size;
}

/* How many lines of IR a function may have for all of it to fit beside the instructions, which are shown whatever they take. */
static uint32_t ir_lines_that_fit(const wn_inspection *inspection) {
    size_t nodes, functions, instructions, size;
    wn_inspection_nodes(inspection, &nodes);
    const wn_function_info *f = wn_inspection_functions(inspection, &functions);
    const wn_line *ir = wn_inspection_ir(inspection, NULL),
                  *optimized = wn_inspection_ir_optimized(inspection, NULL);
    const wn_instruction *code = wn_inspection_instructions(inspection, &instructions);
    size_t room = NODE_BYTES * (nodes < 20 ? 20 : nodes), code_size = 0;
    for (size_t i = 0; i < instructions; i++)
        code_size += strlen(code[i].text) + LINE_BYTES;
    for (uint32_t most = 1 << 20;; most -= most / 4) {
        size = code_size;
        for (size_t i = 0; i < functions; i++)
            size += size_of_lines(ir + f[i].first_ir, f[i].ir_count, most) +
                    size_of_lines(optimized + f[i].first_optimized, f[i].optimized_count, most);
        if (size <= room || most < 40) return most;
    }
}

/* [[offset, text, of], ...], of a jump its target as well, of what reads a constant that */
static void write_code(FILE *out, const wn_inspection *inspection, const wn_function_info *f) {
    const wn_instruction *all = wn_inspection_instructions(inspection, NULL) + f->first_instruction;
    fputs(",\"code\":[", out);
    for (uint32_t i = 0; i < f->instruction_count; i++) {
        fprintf(out, "%s[%u,", i ? "," : "", (unsigned)all[i].offset);
        write_string(out, all[i].text);
        fputc(',', out);
        write_origin(out, all[i].of);
        if (all[i].target >= 0) fprintf(out, ",%lld", (long long)all[i].target);
        if (*all[i].constant) fputc(',', out), write_string(out, all[i].constant);
        fputc(']', out);
    }
    fputc(']', out);
}

static void write_functions(FILE *out, const wn_inspection *inspection) {
    size_t count;
    const wn_function_info *f = wn_inspection_functions(inspection, &count);
    uint32_t most = ir_lines_that_fit(inspection);
    for (size_t i = 0; i < count; i++, f++) {
        fprintf(out, "%s{\"name\":\"%s\",\"kind\":\"%s\",\"stage\":%u,\"offset\":%u,\"bytes\":%u",
                i ? ",\n" : "", f->name, f->kind, (unsigned)f->stage, (unsigned)f->offset,
                (unsigned)f->bytes);
        fprintf(out,
                ",\"figures\":{\"loops\":%u,\"loop_begin\":%u,\"loop_end\":%u,\"loop_"
                "instructions\":%u,\"loop_loads\":%u,\"loop_stores\":%u,"
                "\"spills\":%u,\"vector_bits\":%u,\"elements\":%u}",
                (unsigned)f->loops, (unsigned)f->loop_begin, (unsigned)f->loop_end,
                (unsigned)f->loop_instructions, (unsigned)f->loop_loads, (unsigned)f->loop_stores,
                (unsigned)f->spills, (unsigned)f->vector_bits, (unsigned)f->elements);
        write_code(out, inspection, f);
        write_lines(out, "ir", wn_inspection_ir(inspection, NULL), f->first_ir, f->ir_count, most);
        write_lines(out, "ir_optimized", wn_inspection_ir_optimized(inspection, NULL),
                    f->first_optimized, f->optimized_count, most);
        fputc('}', out);
    }
}

/* The document, with functions as above. What is around them stands nowhere else: its quotes would be escaped. */
static void write_inspection(FILE *out, const char *json, size_t length,
                             const wn_inspection *inspection) {
    static const char before[] = "]},\"functions\":[", after[] = "],\"figures\":{\"stages\":";
    const char *begin = strstr(json, before), *end = begin ? strstr(begin, after) : NULL;
    if (!end) {
        fwrite(json, 1, length, out);
        return;
    }
    begin += strlen(before);
    fwrite(json, 1, (size_t)(begin - json), out);
    write_functions(out, inspection);
    fwrite(end, 1, length - (size_t)(end - json), out);
}

static void write_mca(FILE *out, const wn_inspection *inspection) {
    mca m;
    wn_mca(inspection, &m);
    fprintf(out, "{\"tool\":\"%s\",\"cpu\":\"%s\",\"functions\":[", m.tool, m.cpu);
    for (size_t i = 0; i < m.count; i++)
        fprintf(out, "%s{\"function\":%u,\"cycles\":%g,\"throughput\":%g}", i ? "," : "",
                (unsigned)m.loops[i].function, m.loops[i].cycles, m.loops[i].throughput);
    fputs("]", out);
    if (m.note) fputs(",\"note\":", out), write_string(out, m.note);
    fputs("}", out);
    wn_mca_free(&m);
}

/* ---- The run ------------------------------------------------------------------------------------------------------------- */

static void write_note(FILE *out, const char *note) {
    fputs("{\"note\":", out);
    write_string(out, note);
    fputs("}", out);
}

/* A mask is a bool array. Of very many, the first are enough. */
static size_t find_masks(const wn_inspection *inspection, mask_density *masks, size_t room) {
    size_t node_count, count = 0;
    const wn_node_info *nodes = wn_inspection_nodes(inspection, &node_count);
    for (size_t i = 0; i < node_count && count < room; i++)
        if (nodes[i].type == WN_BOOL && nodes[i].line && strcmp(nodes[i].shape, "[]") != 0)
            masks[count++] = (mask_density){.node = (uint32_t)i + 1, .label = nodes[i].label};
    return count;
}

static void write_masks(FILE *out, const job *s, const wn_inspection *inspection) {
    enum { MOST = 64 };
    mask_density masks[MOST];
    size_t count = find_masks(inspection, masks, MOST);
    if (!wn_densities(s, wn_inspection_listing(inspection, NULL), masks, count)) count = 0;
    fputs(",\"masks\":[", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s{\"of\":\"n%u\",\"density\":", i ? "," : "", (unsigned)masks[i].node);
        fprintf(out, isnan(masks[i].density) ? "null}" : "%.6g}", masks[i].density);
    }
    fputs("]", out);
}

static void write_measure(FILE *out, const job *s, const arguments *a, const measure *m) {
    fprintf(
        out,
        "{\"elements\":%lld,\"runs\":%lld,\"ns\":%.6g,\"bytes_read\":%lld,\"bytes_written\":%lld,"
        "\"limit_ns\":%.6g,\"engine\":\"%s\",\"isa\":\"%s\",\"threads\":%d",
        (long long)m->elements, (long long)m->runs, m->best_ms * 1e6, (long long)m->bytes_read,
        (long long)m->bytes_written, wn_memory_ns(m->bytes_read, m->bytes_written),
        wn_kernel_engine(s->kernel) == WN_ENGINE_JIT ? "jit" : "interpreter",
        wn_isa_name(wn_kernel_isa(s->kernel)), (int)a->threads);
}

/* Why nothing can be measured; NULL if it can. */
static const char *no_run(const job *s, const arguments *a) {
    if (wn_graph_status(s->graph) != WN_OK) return "Nothing was run: it does not compile.";
    for (size_t i = 0; i < a->input_count; i++)
        if (!a->inputs[i].has_data)
            return "Nothing was run: there are no data. With NAME=FILE.npy or NAME=[...] for every "
                   "input, a run is "
                   "measured and shown here.";
    return wn_isa_available(a->compile.isa)
               ? NULL
               : "Nothing was run: this machine lacks the instruction set.";
}

static void write_run(FILE *out, job *s, const arguments *a, const wn_inspection *inspection) {
    measure m;
    wn_error error = {.message = "it does not compile"};
    const char *why = no_run(s, a);
    if (why) {
        write_note(out, why);
    } else if (wn_job_kernel(s, a) != DONE || wn_measure(s, &m, &error) != WN_OK) {
        char note[sizeof error.message + 40];
        snprintf(note, sizeof note, "The run failed: %s", error.message);
        write_note(out, note);
        fprintf(stderr, "winnow: note: %s\n", note);
    } else {
        write_measure(out, s, a, &m);
        write_masks(out, s, inspection);
        fputs("}", out);
    }
}

/* ---- All of it ------------------------------------------------------------------------------------------------------------- */

exit_status wn_write_report(job *s, const arguments *a, FILE *out) {
    const char *place = strstr(wn_report_page, marker);
    wn_view view = no_run(s, a) ? WN_VIEW_JSON
                                : WN_VIEW_JSON_TIMED; /* what is measured may differ from run to run */
    size_t length;
    char *json = wn_inspect(s->graph, &a->compile, view, &length);
    if (!json) return wn_wrong("%s", wn_graph_error(s->graph));
    wn_inspection *inspection = wn_have(wn_inspection_new(s->graph, &a->compile));
    fwrite(wn_report_page, 1, (size_t)(place - wn_report_page), out);
    fputs("{\"inspection\":", out);
    write_inspection(out, json, length, inspection);
    fputs(",\n\"mca\":", out);
    write_mca(out, inspection);
    fputs(",\n\"run\":", out);
    write_run(out, s, a, inspection);
    fputs("}", out);
    fputs(place + strlen(marker), out);
    wn_inspection_free(inspection);
    wn_text_free(s->context, json, length);
    return DONE;
}
