/*
 * bench.c - winnow-bench: Winnow's kernels against loops that an expert wrote by hand, and against memcpy.
 *
 * Everything runs in one process, on one thread that stays on one core, over the same arrays. Kernel, hand-written loops
 * and memcpy take turns, round after round; a sample is so many calls that the clock does not count. Times are the best of
 * all rounds; a ratio is the median over the rounds of hand time / our time, so that what disturbs the machine for longer
 * than a round disturbs both sides. From round to round the output moves through a page, since a load that meets an earlier
 * store at the same place of another page may wait for it: what depends on luck with addresses does so for both sides. Of several hand-written loops for one work, the one with the lowest median counts.
 *
 * Before anything is timed, the results of both sides are compared byte by byte: a difference ends the program.
 */
#define _GNU_SOURCE /* sched_setaffinity */
#include "bench.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __linux__
#include <sched.h>
#endif

/* ---- What is measured ------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}
static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2");
}
#define HANDS(name) wn_hand_##name##_avx2, wn_hand_##name##_avx512
#else
static bool has_avx2(void) {
    return false;
}
#define has_avx512 has_avx2
#define HANDS(name) NULL, NULL
#endif

static const isa_row isas[ISA_COUNT] = {
    {"AVX2", WN_ISA_X86_64_V3, has_avx2},
    {"AVX-512", WN_ISA_X86_64_V4, has_avx512},
};

static hand_fn *const reads[ISA_COUNT] = {HANDS(read)};

/* clang-format off */
static const work works[] = {
/*   name     expression                         inputs kind       type      hand-written: plain stores, streaming stores */
    {"where", "where(x < 0, 0, x)",                 "x", WORK_MAP,   WN_F32,  {{HANDS(where)},    {HANDS(where_stream)}}},
    {"scale", "x * f32(a > 0.1)",                  "xa", WORK_MAP,   WN_F32,  {{HANDS(scale)},    {HANDS(scale_stream)}}},
    {"logic", "(a > 0) & (b < 0.2) | !(c >= x)", "xabc", WORK_MAP,   WN_BOOL, {{HANDS(logic)},    {HANDS(logic_stream)}}},
    {"mask",  "x[x < 0]",                           "x", WORK_PACK,  WN_F32,  {{HANDS(negative)}, {HANDS(negative_stream)}}},
    {"mask3", "x[(a > 0) & (b < 0.2)]",           "xab", WORK_PACK,  WN_F32,  {{HANDS(both)},     {HANDS(both_stream)}}},
    {"count", "x[x < 0]",                           "x", WORK_COUNT, WN_F32,  {{HANDS(count)},    {NULL}}},
    {"expand","expand(v, m, x)",                  "vmx", WORK_MAP,   WN_F32,  {{HANDS(expand)},   {NULL}}},

    {"sum",      "sum(x)",              "x",  WORK_SUM,    WN_F32,  {{HANDS(sum)}}},
    {"sumwhere", "sum(x, where=m)",     "xm", WORK_SUM,    WN_F32,  {{HANDS(sum_where)}, {HANDS(sum_where_ahead)}}},
    {"summask",  "sum(x[x > 0])",       "x",  WORK_SUM,    WN_F32,  {{HANDS(sum_positive)}}},
    {"mean",     "mean(x)",             "x",  WORK_SUM,    WN_F32,  {{HANDS(mean)}}},
    {"sumf64",   "sum(d)",              "d",  WORK_SUM,    WN_F64,  {{HANDS(sum_f64)}}},
    {"sumi32",   "sum(i)",              "i",  WORK_REDUCE, WN_I64,  {{HANDS(sum_i32)}}},
    {"min",      "min(x)",              "x",  WORK_REDUCE, WN_F32,  {{HANDS(min)}}},
    {"max",      "max(x)",              "x",  WORK_REDUCE, WN_F32,  {{HANDS(max)}}},
    {"argmin",   "argmin(x)",           "x",  WORK_REDUCE, WN_I64,  {{HANDS(argmin)}}},
    {"negative", "count(x < 0)",        "x",  WORK_REDUCE, WN_I64,  {{HANDS(count_negative)}}},
    {"nonzero",  "count(x)",            "x",  WORK_REDUCE, WN_I64,  {{HANDS(count_nonzero)}}},
    {"any",      "any(x > 2)",          "x",  WORK_REDUCE, WN_BOOL, {{HANDS(any)}}},
};
/* clang-format on */

static const size_t sizes[] = {64, 4 << 10, 256 << 10, 16 << 20};

typedef struct options {
    bool quick, accuracy;
    const char *json, *isa, *work;
    size_t size; /* 0: all */
} options;

/* ---- Candidates: what takes turns ------------------------------------------------------------------------------------- */

static size_t call_run(const candidate *c) {
    return wn_run(c->binding, NULL) == WN_OK ? c->n : FAILED;
}

static size_t call_count(const candidate *c) {
    int64_t count;
    return wn_count(c->binding, 0, &count, NULL) == WN_OK ? (size_t)count : FAILED;
}

static size_t call_hand(const candidate *c) {
    return c->hand(&c->in, c->out, c->n);
}

static size_t call_memcpy(const candidate *c) {
    memcpy(c->out, c->in.x, c->n);
    return c->n;
}

/* ---- Winnow's side ---------------------------------------------------------------------------------------------------- */

wn_graph *graph_of(wn_context *context, const char *inputs, const char *text) {
    wn_graph *g = wn_graph_new(context);
    declare_inputs(g, inputs);
    wn_parse(g, text, strlen(text));
    return g;
}

wn_kernel *compile(wn_graph *g, wn_isa isa) {
    wn_compile_options o = {.size = sizeof o, .engine = WN_ENGINE_JIT, .isa = isa};
    wn_kernel *k = wn_compile(g, &o);
    if (!k) fprintf(stderr, "winnow-bench: %s\n", wn_graph_error(g));
    return k;
}

wn_binding *bind(wn_context *context, wn_isa isa, const work *w, const arrays *a) {
    wn_array in[MAX_INPUTS], out = array_of_output(a, w, a->out);
    arrays_of_inputs(a, w->inputs, in);
    wn_graph *g = graph_of(context, w->inputs, w->text);
    wn_kernel *k = compile(g, isa);
    wn_binding *b = NULL;
    wn_error error;
    if (k && wn_bind(k, in, strlen(w->inputs), &out, 1, &b, &error) != WN_OK)
        fprintf(stderr, "winnow-bench: %s: %s\n", w->text, error.message);
    wn_kernel_free(k);
    wn_graph_free(g);
    return b;
}

/* ---- Are both sides equal? -------------------------------------------------------------------------------------------- */

static size_t room(const work *w, size_t n) {
    return is_reduction(w) ? 1 : n;
}

static bool report_difference(const work *w, const candidate *hand, const char *ours) {
    size_t size = wn_type_size(w->type), i = 0;
    const char *theirs = hand->out;
    while (theirs[i] == ours[i])
        i++;
    i = i / size * size;
    uint64_t a = 0, b = 0;
    memcpy(&a, ours + i, size);
    memcpy(&b, theirs + i, size);
    fprintf(stderr, "winnow-bench: %s: element %zu is 0x%" PRIx64 ", by hand (%s) 0x%" PRIx64 "\n",
            w->text, i / size, a, hand->name, b);
    return false;
}

static double float_at(const void *at, wn_type type) {
    double d;
    float f;
    memcpy(type == WN_F32 ? (void *)&f : (void *)&d, at, wn_type_size(type));
    return type == WN_F32 ? (double)f : d;
}

/* Sums are added up in different orders: of n elements of up to a half, about to their digits. */
static bool are_near(const work *w, const void *ours, const void *theirs, size_t n) {
    double a = float_at(ours, w->type), b = float_at(theirs, w->type);
    if (isnan(a) || isnan(b) || isinf(a)) return (isnan(a) && isnan(b)) || a == b;
    if (w->kind != WORK_SUM) return a == b && signbit(a) == signbit(b);
    return fabs(a - b) <= (w->type == WN_F32 ? 0x1p-21 : 0x1p-50) * (double)n;
}

static bool are_equal(const work *w, const void *ours, const candidate *hand, size_t elements) {
    if (w->kind == WORK_COUNT) return true;
    if (is_reduction(w) && (w->type == WN_F32 || w->type == WN_F64))
        return are_near(w, ours, hand->out, hand->n);
    return memcmp(ours, hand->out, elements * wn_type_size(w->type)) == 0;
}

/* Runs ours into `copy`, then compares each hand-written loop with it. */
static bool check_into(const work *w, const candidate *c, size_t hands, char *copy, size_t *elements) {
    size_t bytes = room(w, c[0].n) * wn_type_size(w->type);
    *elements = c[0].call(&c[0]);
    if (*elements == FAILED) {
        fprintf(stderr, "winnow-bench: %s: the run failed\n", w->text);
        return false;
    }
    if (w->kind == WORK_PACK) *elements = (size_t)wn_result(c[0].binding, 0)->shape[0];
    if (is_reduction(w)) *elements = 1;
    memcpy(copy, c[0].out, bytes);
    for (size_t i = 1; i <= hands; i++) {
        memset(c[i].out, 0x55, bytes);
        size_t theirs = c[i].call(&c[i]);
        if (theirs != *elements) {
            fprintf(stderr, "winnow-bench: %s: %zu elements, by hand (%s) %zu\n", w->text,
                    *elements, c[i].name, theirs);
            return false;
        }
        if (!are_equal(w, copy, &c[i], theirs)) return report_difference(w, &c[i], copy);
    }
    return true;
}

/* A NaN hides all else from a sum, and all but zeros hide zeros from min. What the arrays are filled with last is what is timed. */
static bool check(const work *w, const arrays *a, const candidate *c, size_t hands, size_t *elements) {
    char *copy = malloc(room(w, c[0].n) * wn_type_size(w->type));
    if (!copy) fprintf(stderr, "winnow-bench: out of memory\n");
    bool equal = copy != NULL;
    filling last = is_reduction(w) ? FILL_FINITE : FILL_SPECIAL;
    for (filling how = FILL_SPECIAL; equal && how <= last; how++) {
        arrays_fill(a, w->inputs, how);
        equal = check_into(w, c, hands, copy, elements);
    }
    free(copy);
    return equal;
}

/* ---- One row of the table --------------------------------------------------------------------------------------------- */

/* What bounds a work from below. */
static const char *limit_of(const work *w) {
    return is_reduction(w) ? "read" : "memcpy";
}

static size_t list_candidates(const work *w, const arrays *a, size_t isa, wn_binding *b, candidate *c) {
    candidate base = {.binding = b, .in = hand_inputs_of(a), .out = a->out, .n = a->n};
    size_t count = 0;
    c[count] = base;
    c[count].name = "winnow";
    c[count++].call = w->kind == WORK_COUNT ? call_count : call_run;
    for (size_t i = 0; i < MAX_HANDS; i++)
        if (w->hand[i][isa]) {
            c[count] = base;
            c[count].name = i == 0 ? "plain" : is_reduction(w) ? "ahead" : "stream";
            c[count].hand = w->hand[i][isa];
            c[count++].call = call_hand;
        }
    c[count] = base;
    c[count].name = limit_of(w);
    c[count].call = is_reduction(w) ? call_hand : call_memcpy;
    c[count].hand = reads[isa];
    return count + 1;
}

static double median_ratio(const timing *over, const timing *under, size_t rounds) {
    double ratios[MAX_ROUNDS];
    for (size_t r = 0; r < rounds; r++)
        ratios[r] = over->samples[r] / under->samples[r];
    return median(ratios, rounds);
}

void json_begin(report *r) {
    if (!r->json) return;
    fputs(r->began ? ",\n" : "[\n", r->json);
    r->began = true;
}

static void print_row(report *r, const isa_row *isa, const work *w, size_t n, const candidate *hand,
                      const double ns[3], double ratio) {
    printf("%-32s %9zu %9.4f %9.4f %9.4f %7.2f  %s\n",
           w->kind == WORK_COUNT ? "count of x < 0" : w->text, n, ns[0], ns[1], ns[2], ratio,
           hand->name);
    fflush(stdout);
    json_begin(r);
    if (r->json)
        fprintf(r->json,
                "{\"isa\": \"%s\", \"work\": \"%s\", \"size\": %zu, \"ours_ns\": %.6g, "
                "\"hand_ns\": %.6g, "
                "\"%s_ns\": %.6g, \"ratio\": %.4g, \"hand\": \"%s\"}",
                wn_isa_name(isa->isa), w->name, n, ns[0], ns[1], limit_of(w), ns[2], ratio, hand->name);
}

static bool measure_bound(const options *o, report *r, size_t isa, const work *w, const arrays *a,
                          wn_binding *b) {
    candidate c[MAX_CANDIDATES];
    size_t count = list_candidates(w, a, isa, b, c), last = count - 1, elements, best = 1;
    TRY(check(w, a, c, last - 1, &elements));
    size_t written = w->kind == WORK_COUNT ? 0 : elements * wn_type_size(w->type);
    c[last].n = is_reduction(w) ? a->input_bytes : (a->n * input_bytes(w->inputs) + written) / 2;

    timing *t = malloc(count * sizeof *t);
    if (!t) return false;
    size_t rounds = take_turns(c, count, w, a, t, o->quick);
    for (size_t i = 2; i < last; i++)
        if (t[i].median < t[best].median) best = i;
    double n = (double)a->n;
    double ns[3] = {t[0].best / n, t[best].best / n, t[last].best / n};
    print_row(r, &isas[isa], w, a->n, &c[best], ns, median_ratio(&t[best], &t[0], rounds));
    free(t);
    return true;
}

static bool measure_work(const options *o, report *r, wn_context *context, size_t isa,
                         const work *w, size_t n) {
    arrays a;
    TRY(arrays_new(&a, n, w->inputs));
    wn_binding *b = bind(context, isas[isa].isa, w, &a);
    bool done = b && measure_bound(o, r, isa, w, &a, b);
    wn_binding_free(b);
    free(a.memory);
    return done;
}

/* ---- The whole -------------------------------------------------------------------------------------------------------- */

static void print_heading(const work *w) {
    printf("%-32s %9s %9s %9s %9s %7s  %s\n", "", "elements", "winnow", "hand", limit_of(w),
           "ratio", is_reduction(w) ? "hand's loads" : "hand's stores");
}

static bool measure_isa(const options *o, report *r, wn_context *context, size_t isa) {
    const work *before = NULL;
    printf("\nWinnow %s against %s by hand, one thread; ns an element, best of many\n",
           wn_isa_name(isas[isa].isa), isas[isa].name);
    for (const work *w = works; w < works + LENGTH(works); w++) {
        if (o->work && strcmp(o->work, w->name) != 0) continue;
        if (!before || limit_of(before) != limit_of(w)) print_heading(w);
        before = w;
        for (size_t s = 0; s < (o->size ? 1 : LENGTH(sizes)); s++) {
            if (o->quick && !o->size && sizes[s] > 1 << 20) continue;
            TRY(measure_work(o, r, context, isa, w, o->size ? o->size : sizes[s]));
        }
    }
    if (o->work) return true;
    printf("\n");
    return measure_costs(r, context, isas[isa].isa, &works[0]);
}

static bool measure_all(const options *o, report *r) {
    size_t measured = 0;
    for (size_t isa = 0; isa < ISA_COUNT; isa++) {
        if (o->isa && strcmp(o->isa, wn_isa_name(isas[isa].isa)) != 0) continue;
        if (!isas[isa].available() || !wn_isa_available(isas[isa].isa)) continue;
        wn_context *context = wn_context_new(NULL);
        bool done = context && measure_isa(o, r, context, isa);
        wn_context_free(context);
        TRY(done);
        measured++;
    }
    if (!measured)
        fprintf(stderr, "winnow-bench: no hand-written loops for this processor or --isa\n");
    return measured > 0;
}

/* A thread that moves takes its caches with it only slowly. */
static void stay_on_this_core(void) {
#ifdef __linux__
    int core = sched_getcpu();
    cpu_set_t set;
    CPU_ZERO(&set);
    if (core < 0) return;
    CPU_SET((size_t)core, &set);
    sched_setaffinity(0, sizeof set, &set);
#endif
}

static int usage(void) {
    fputs("usage: winnow-bench [--quick] [--json FILE] [--isa NAME] [--work NAME] [--size N]\n"
          "       winnow-bench --accuracy [--json FILE]\n"
          "\n"
          "  --quick      fewer rounds, and no arrays that exceed the caches\n"
          "  --json FILE  the figures as JSON too\n"
          "  --isa NAME   x86-64-v3 or x86-64-v4; default: each that this machine has\n"
          "  --size N     a multiple of 64; default: 64, 4 Ki, 256 Ki, 16 Mi\n"
          "  --accuracy   how far float32 sums are from the exact ones, beside NumPy's way\n"
          "  --work NAME  only that work, and no compile times:\n",
          stderr);
    for (size_t i = 0; i < LENGTH(works); i++)
        fprintf(stderr, "      %-8s %s\n", works[i].name, works[i].text);
    return 2;
}

static bool is_work(const char *name) {
    for (size_t i = 0; i < LENGTH(works); i++)
        if (strcmp(name, works[i].name) == 0) return true;
    return false;
}

static bool read_size(const char *text, size_t *size) {
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    *size = (size_t)value;
    return *end == '\0' && value > 0 && value % 64 == 0 && value <= (unsigned long long)1 << 32;
}

static bool read_options(int argc, char **argv, options *o) {
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool quick = strcmp(argv[i], "--quick") == 0;
        if (quick || strcmp(argv[i], "--accuracy") == 0) {
            *(quick ? &o->quick : &o->accuracy) = true;
            continue;
        }
        TRY(value);
        if (strcmp(argv[i], "--json") == 0)
            o->json = value;
        else if (strcmp(argv[i], "--isa") == 0)
            o->isa = value;
        else if (strcmp(argv[i], "--work") == 0)
            o->work = value;
        else if (strcmp(argv[i], "--size") != 0 || !read_size(value, &o->size))
            return false;
        i++;
    }
    return !o->work || is_work(o->work);
}

int main(int argc, char **argv) {
    options o = {.quick = false};
    report r = {.json = NULL};
    if (!read_options(argc, argv, &o)) return usage();
    if (o.json && !(r.json = fopen(o.json, "w"))) {
        fprintf(stderr, "winnow-bench: cannot write %s\n", o.json);
        return 1;
    }
    stay_on_this_core();
    bool done = o.accuracy ? measure_accuracy(&r) : measure_all(&o, &r);
    if (r.json) {
        fputs(r.began ? "\n]\n" : "[]\n", r.json);
        fclose(r.json);
    }
    return done ? 0 : 1;
}
