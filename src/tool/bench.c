/*
 * bench.c - `winnow bench`: how long an expression takes, best of repeated runs over outputs allocated beforehand.
 *
 * GB/s counts what a run has to move: each input and each result, once.
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

/* ---- Running ------------------------------------------------------------------------------------------------------------ */

static void report(const job *s, const arguments *a, const measure *m, double first_ms) {
    int64_t elements = m->elements, bytes = m->bytes_read + m->bytes_written;
    double ns = m->best_ms * 1e6, per_element = ns / (double)(elements ? elements : 1);
    double rate = ns > 0 ? (double)bytes / ns : 0;
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
    wn_error error;
    for (size_t i = 0; i < a->input_count; i++)
        TRY(make_data(&a->inputs[i], i + 1));
    exit_status status = compile(&s, a, &first_ms);
    if (status == DONE && wn_measure(&s, &m, &error) != WN_OK)
        status = wn_wrong("%s", error.message);
    if (status == DONE) report(&s, a, &m, first_ms);
    wn_job_free(&s);
    return status;
}
