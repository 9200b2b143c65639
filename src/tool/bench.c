/*
 * bench.c - `winnow bench`: how long an expression takes, best of repeated runs over outputs allocated beforehand.
 *
 * GB/s counts what a run has to move: each input and each result, once.
 *
 * A first run says how large the outputs are; they are allocated so, bound once, and the binding is run again and again
 * for about a second. Short runs are timed in batches, so that the clock does not count.
 */
#include "tool/tool.h"

#include <stdlib.h>
#include <string.h>

/* ---- Inputs that are declared without data ---------------------------------------------------------------------------- */

/* splitmix64: the same numbers in every run. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Integers over their type's range, floats in [-0.5, 0.5) (rounded down to few enough bits to stay below), bools half true. */
static void fill(wn_type type, unsigned char *data, int64_t count, uint64_t seed) {
    size_t size = wn_type_size(type);
    int bits = type == WN_F64 ? 53 : type == WN_F32 ? 24 : type == WN_F16 ? 11 : 8;
    for (int64_t i = 0; i < count; i++) {
        uint64_t v = next_random(&seed);
        if (type == WN_BOOL)
            data[i] = (unsigned char)(v >> 63);
        else if (type_is_float(type))
            wn_float_store(type, data + (size_t)i * size,
                           (double)(v >> (64 - bits)) / (double)(1ull << bits) - 0.5);
        else
            memcpy(data + (size_t)i * size, &v, size);
    }
}

static exit_status make_data(tool_input *in, uint64_t seed) {
    if (in->value) return DONE;
    for (int32_t i = 0; i < in->rank; i++)
        if (in->dims[i] < 0)
            return wn_misused("bench: input %s needs lengths (or data), not ?", in->name);
    size_t size = wn_type_size(in->type);
    int64_t count = wn_element_count(in->rank, in->dims, size);
    void *data = count < 0 ? NULL : aligned_alloc(64, ((size_t)count * size + 127) / 64 * 64);
    if (!data) return wn_wrong("bench: input %s is too large for memory", in->name);
    fill(in->type, data, count, seed);
    in->held.memory = data;
    in->held.array = wn_array_of(in->type, data, in->rank, in->dims);
    in->has_data = true;
    return DONE;
}

/* ---- Timing ------------------------------------------------------------------------------------------------------------ */

typedef struct measure {
    double best_ms; /* of one run */
    int64_t runs;
    int64_t bytes; /* that a run reads and writes: inputs and results, each once */
} measure;

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

static int64_t bytes_of(const wn_array *a) {
    size_t size = wn_type_size(a->type);
    return wn_element_count(a->rank, a->shape, size) * (int64_t)size;
}

static int64_t traffic(const job *s, const wn_binding *binding) {
    int64_t bytes = 0;
    for (size_t i = 0; i < s->input_count; i++)
        bytes += bytes_of(&s->inputs[i]);
    for (size_t i = 0; i < s->output_count; i++)
        bytes += bytes_of(wn_result(binding, i));
    return bytes;
}

/* ---- Running ------------------------------------------------------------------------------------------------------------ */

static wn_status bind_and_time(job *s, const wn_array *outputs, measure *m, wn_error *error) {
    wn_binding *binding = NULL;
    wn_status status =
        wn_bind(s->kernel, s->inputs, s->input_count, outputs, s->output_count, &binding, error);
    if (status == WN_OK) status = time_runs(binding, m, error);
    if (status == WN_OK) m->bytes = traffic(s, binding);
    wn_binding_free(binding);
    return status;
}

static exit_status measure_kernel(job *s, measure *m) {
    wn_error error;
    wn_array *outputs = wn_have(calloc(s->output_count + 1, sizeof *outputs));
    wn_status status = wn_call(s->kernel, s->inputs, s->input_count, outputs, s->output_count, &error);
    if (status == WN_OK) status = bind_and_time(s, outputs, m, &error);
    for (size_t i = 0; i < s->output_count; i++)
        wn_array_free(s->context, &outputs[i]);
    free(outputs);
    return status == WN_OK ? DONE : wn_wrong("%s", error.message);
}

static int64_t largest_input(const job *s) {
    int64_t most = s->input_count ? 0 : 1;
    for (size_t i = 0; i < s->input_count; i++) {
        const wn_array *a = &s->inputs[i];
        int64_t count = wn_element_count(a->rank, a->shape, wn_type_size(a->type));
        if (count > most) most = count;
    }
    return most;
}

static void report(const job *s, const arguments *a, const measure *m, double first_ms) {
    int64_t elements = largest_input(s);
    double ns = m->best_ms * 1e6, per_element = ns / (double)(elements ? elements : 1);
    double rate = ns > 0 ? (double)m->bytes / ns : 0;
    const char *engine = wn_kernel_engine(s->kernel) == WN_ENGINE_JIT ? "jit" : "interpreter";
    const char *isa = wn_isa_name(wn_kernel_isa(s->kernel));
    const char *format =
        a->json
            ? "{\"elements\": %lld, \"ns_per_element\": %.6g, \"ns_per_run\": %.6g, \"gb_per_s\": "
              "%.4g, \"runs\": %lld, \"compile_ms\": %.4g, \"first_compile_ms\": %.4g, "
              "\"engine\": \"%s\", \"isa\": \"%s\", \"threads\": %d}\n"
            : "%lld elements: %.4g ns each, %.6g ns a run, %.3g GB/s (best of %lld)\n"
              "compiled in %.3g ms (the first %.3g); engine %s, isa %s, threads %d\n";
    printf(format, (long long)elements, per_element, ns, rate, (long long)m->runs, s->compile_ms,
           first_ms, engine, isa, (int)a->threads);
}

/* Compile in a context of its own each time, since a context remembers: LLVM is loaded at the first, and the least time of the
   others is what a compile takes in a process that has done one. */
static exit_status compile(job *s, arguments *a, double *first_ms) {
    double least = -1;
    for (int i = 0; i < 5; i++) {
        wn_job_free(s);
        *s = (job){.quiet = i > 0};
        TRY(wn_job_graph(s, a));
        TRY(wn_job_kernel(s, a));
        if (i == 0)
            *first_ms = s->compile_ms;
        else if (least < 0 || s->compile_ms < least)
            least = s->compile_ms;
    }
    s->compile_ms = least;
    return DONE;
}

exit_status wn_command_bench(arguments *a) {
    job s = {.context = NULL};
    double first_ms = 0;
    measure m = {.best_ms = 0};
    for (size_t i = 0; i < a->input_count; i++)
        TRY(make_data(&a->inputs[i], i + 1));
    exit_status status = compile(&s, a, &first_ms);
    if (status == DONE) status = measure_kernel(&s, &m);
    if (status == DONE) report(&s, a, &m, first_ms);
    wn_job_free(&s);
    return status;
}
