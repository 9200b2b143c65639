/*
 * measure.c - how long a run takes, how long memory would take for the same bytes, and how dense masks are.
 *
 * A first run says how large the outputs are; they are allocated so, bound once, and the binding is run again and again
 * for about a second. Short runs are timed in batches, so that the clock does not count.
 */
#include "tool/tool.h"

#include <stdlib.h>
#include <string.h>

/* ---- A run --------------------------------------------------------------------------------------------------------- */

static wn_status time_batch(wn_binding *binding, int64_t runs, double *ms, wn_error *error) {
    double start = wn_now_ms();
    for (int64_t i = 0; i < runs; i++) {
        wn_status status = wn_run(binding, error);
        if (status != WN_OK) return status;
    }
    *ms = wn_now_ms() - start;
    return WN_OK;
}

static wn_status time_runs(wn_binding *binding, measure *m, wn_error *error) {
    double ms = 0, total = 0;
    int64_t batch = 1;
    *m = (measure){.best_ms = -1};
    for (int64_t batches = 0; batches < 5 || total < 700; batches++) {
        wn_status status = time_batch(binding, batch, &ms, error);
        if (status != WN_OK) return status;
        if (m->best_ms < 0 || ms / (double)batch < m->best_ms) m->best_ms = ms / (double)batch;
        m->runs += batch;
        total += ms;
        if (ms < 0.2) batch *= 2;
        if (total > 20000) break;
    }
    return WN_OK;
}

static int64_t count_of(const wn_array *a) {
    return wn_element_count(a->rank, a->shape, wn_type_size(a->type));
}

static int64_t bytes_of(const wn_array *a) {
    return count_of(a) * (int64_t)wn_type_size(a->type);
}

static void count_bytes(const job *s, const wn_binding *binding, measure *m) {
    m->elements = s->input_count ? 0 : 1;
    for (size_t i = 0; i < s->input_count; i++) {
        int64_t count = count_of(&s->inputs[i]);
        if (count > m->elements) m->elements = count;
        m->bytes_read += bytes_of(&s->inputs[i]);
    }
    for (size_t i = 0; i < s->output_count; i++)
        m->bytes_written += bytes_of(wn_result(binding, i));
}

static wn_status bind_and_time(job *s, const wn_array *outputs, measure *m, wn_error *error) {
    wn_binding *binding = NULL;
    wn_status status =
        wn_bind(s->kernel, s->inputs, s->input_count, outputs, s->output_count, &binding, error);
    if (status == WN_OK) status = time_runs(binding, m, error);
    if (status == WN_OK) count_bytes(s, binding, m);
    wn_binding_free(binding);
    return status;
}

wn_status wn_measure(job *s, measure *m, wn_error *error) {
    wn_array *outputs = wn_have(calloc(s->output_count + 1, sizeof *outputs));
    wn_status status = wn_call(s->kernel, s->inputs, s->input_count, outputs, s->output_count, error);
    if (status == WN_OK) status = bind_and_time(s, outputs, m, error);
    for (size_t i = 0; i < s->output_count; i++)
        wn_array_free(s->context, &outputs[i]);
    free(outputs);
    return status;
}

/* ---- Memory's limit --------------------------------------------------------------------------------------------------- */

/* Copy what is both read and written; read or write what is left. The calls go through pointers that the compiler must not see
   through, since nobody looks at what they do. */
static void move_bytes(unsigned char *from, unsigned char *to, size_t read, size_t written) {
    void *(*volatile copy)(void *, const void *, size_t) = memcpy;
    void *(*volatile write)(void *, int, size_t) = memset;
    void *(*volatile search)(const void *, int, size_t) = (void *(*)(const void *, int, size_t))memchr;
    size_t both = read < written ? read : written;
    copy(to, from, both);
    if (read > both) search(from + both, 0xff, read - both);
    if (written > both) write(to + both, 0, written - both);
}

double wn_memory_ns(int64_t read, int64_t written) {
    enum { LEAST_MS = 300, LEAST_RUNS = 5 };
    unsigned char *from = malloc((size_t)read + 1), *to = malloc((size_t)written + 1);
    double best = 0, total = 0;
    int64_t batch = 1;
    if (from) memset(from, 0, (size_t)read); /* or every page would be the same one */
    if (to) memset(to, 0, (size_t)written);
    for (int runs = 0; from && to && (runs < LEAST_RUNS || total < LEAST_MS); runs++) {
        double start = wn_now_ms();
        for (int64_t i = 0; i < batch; i++)
            move_bytes(from, to, (size_t)read, (size_t)written);
        double ms = wn_now_ms() - start;
        if (!runs || ms / (double)batch < best) best = ms / (double)batch;
        total += ms;
        if (ms < 0.2) batch *= 2;
    }
    free(from);
    free(to);
    return best * 1e6;
}

/* ---- Densities ----------------------------------------------------------------------------------------------------------- */

/* The listing with values where it has outputs, and the mean of each mask as the outputs: a name of its own for each, which no value has. */
static wn_kernel *density_kernel(wn_graph *graph, const char *listing, const mask_density *masks,
                                 size_t count) {
    char prefix[32] = "density";
    for (size_t n = strlen(prefix); strstr(listing, prefix) && n + 1 < sizeof prefix; n++)
        prefix[n] = '_';
    size_t room = strlen(listing) + 1;
    for (size_t i = 0; i < count; i++)
        room += strlen(masks[i].label) + 80;
    char *text = wn_have(malloc(room)), *end = text;
    for (const char *line = listing, *next; *line; line = next) {
        next = strchr(line, '\n') + 1;
        if (!strncmp(line, "output ", 7)) line += 7;
        memcpy(end, line, (size_t)(next - line));
        end += next - line;
    }
    for (size_t i = 0; i < count; i++)
        end += snprintf(end, room - (size_t)(end - text), "output %s%zu = mean(f64(%s));\n", prefix,
                        i, masks[i].label);
    wn_parse(graph, text, (size_t)(end - text));
    free(text);
    return wn_compile(graph, NULL);
}

static wn_status run_densities(const job *s, wn_kernel *kernel, mask_density *masks, size_t count) {
    size_t inputs = (size_t)wn_kernel_input_count(kernel);
    wn_array *in = wn_have(calloc(inputs + 1, sizeof *in)), *out = wn_have(calloc(count, sizeof *out));
    for (size_t i = 0; i < inputs; i++)
        for (size_t k = 0; k < s->input_count; k++)
            if (!strcmp(wn_kernel_input_name(kernel, (int32_t)i),
                        wn_kernel_input_name(s->kernel, (int32_t)k)))
                in[i] = s->inputs[k];
    wn_status status = wn_call(kernel, in, inputs, out, count, NULL);
    for (size_t i = 0; i < count; i++) {
        if (status == WN_OK) masks[i].density = *(const double *)out[i].data;
        wn_array_free(s->context, &out[i]);
    }
    free(in);
    free(out);
    return status;
}

bool wn_densities(const job *s, const char *listing, mask_density *masks, size_t count) {
    if (!count) return true;
    wn_graph *graph = wn_have(wn_graph_new(s->context));
    wn_kernel *kernel = density_kernel(graph, listing, masks, count);
    bool known = kernel && run_densities(s, kernel, masks, count) == WN_OK;
    wn_kernel_free(kernel);
    wn_graph_free(graph);
    return known;
}
