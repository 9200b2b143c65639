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
#include "hand.h"
#include "winnow/winnow.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef __linux__
#include <sched.h>
#endif

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define TRY(call)                                                                                  \
    do {                                                                                           \
        if (!(call)) return false;                                                                 \
    } while (0)

/* ---- What is measured ------------------------------------------------------------------------------------------------- */

#define MAX_INPUTS 4
#define MAX_HANDS 2
#define ISA_COUNT 2

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

typedef struct isa_row {
    const char *name; /* of the loops that it is measured against */
    wn_isa isa;
    bool (*available)(void); /* whether the hand-written loops may be called */
} isa_row;

static const isa_row isas[ISA_COUNT] = {
    {"AVX2", WN_ISA_X86_64_V3, has_avx2},
    {"AVX-512", WN_ISA_X86_64_V4, has_avx512},
};

typedef enum work_kind { WORK_MAP, WORK_PACK, WORK_COUNT } work_kind;

typedef struct work {
    const char *name, *text;
    size_t inputs; /* the first so many of x, a, b, c */
    work_kind kind;
    wn_type type; /* of the output */
    hand_fn *hand[MAX_HANDS][ISA_COUNT];
} work;

static const char *const input_names[MAX_INPUTS] = {"x", "a", "b", "c"};
static const char *const hand_names[MAX_HANDS] = {"plain", "stream"};

/* clang-format off */
static const work works[] = {
/*   name     expression                         inputs kind       type      hand-written: plain stores, streaming stores */
    {"where", "where(x < 0, 0, x)",                   1, WORK_MAP,   WN_F32,  {{HANDS(where)},    {HANDS(where_stream)}}},
    {"scale", "x * f32(a > 0.1)",                     2, WORK_MAP,   WN_F32,  {{HANDS(scale)},    {HANDS(scale_stream)}}},
    {"logic", "(a > 0) & (b < 0.2) | !(c >= x)",      4, WORK_MAP,   WN_BOOL, {{HANDS(logic)},    {HANDS(logic_stream)}}},
    {"mask",  "x[x < 0]",                             1, WORK_PACK,  WN_F32,  {{HANDS(negative)}, {HANDS(negative_stream)}}},
    {"mask3", "x[(a > 0) & (b < 0.2)]",               3, WORK_PACK,  WN_F32,  {{HANDS(both)},     {HANDS(both_stream)}}},
    {"count", "x[x < 0]",                             1, WORK_COUNT, WN_F32,  {{HANDS(count)},    {NULL}}},
};

/* Compiled with another integer between the two halves of the text each time, so that no cache answers. */
static const struct compile_row { const char *name, *before, *after; } compiles[] = {
    {"where(x < 0, 0, x)",    "where(x < ", ", 0, x)"},
    {"x[x < 0]",              "x[x < ", "]"},
    {"10 nodes, map",         "where((a > ", ") & (b < 0.2) | !(c >= x), x * 2 + a, b - x)"},
    {"10 nodes, with a mask", "(x * 2 + a - b)[(a > ", ") & (b < 0.2) | !(c >= x)]"},
};
/* clang-format on */

static const size_t sizes[] = {64, 4 << 10, 256 << 10, 16 << 20};

typedef struct options {
    bool quick;
    const char *json, *isa, *work;
    size_t size; /* 0: all */
} options;

typedef struct report {
    FILE *json; /* NULL: none */
    bool began;
} report;

/* ---- Arrays ----------------------------------------------------------------------------------------------------------- */

/* Arrays begin five lines later each, so that they do not fall into the same sets of a cache. */
#define STAGGER 320
/* The output begins at one of so many places, so many bytes apart. */
#define PLACES 7
#define PLACE 576

typedef struct arrays {
    size_t n;
    char *memory;
    float *in[MAX_INPUTS];
    char *out; /* room for half of what any work reads and writes, which memcpy copies, and for moving */
} arrays;

/* splitmix64: the same numbers in every run. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in [-0.5, 0.5), and here and there a value that only a careful loop treats rightly. */
static void fill(float *to, size_t n, uint64_t seed) {
    const float special[] = {NAN, -0.0f, INFINITY, -INFINITY, 0, 1e-45f};
    for (size_t i = 0; i < n; i++) {
        uint64_t v = next_random(&seed);
        to[i] = v % 509 < LENGTH(special) ? special[v % 509] : (float)(v >> 40) * 0x1p-24f - 0.5f;
    }
}

static bool arrays_new(arrays *a, size_t n) {
    size_t input = n * sizeof(float) + STAGGER, out = n * 9 + PLACES * PLACE;
    size_t total = (MAX_INPUTS * input + out + 63) & ~(size_t)63;
    *a = (arrays){.n = n, .memory = aligned_alloc(64, total)};
    if (!a->memory) {
        fprintf(stderr, "winnow-bench: no memory for %zu bytes\n", total);
        return false;
    }
    memset(a->memory, 0, total);
    for (size_t i = 0; i < MAX_INPUTS; i++) {
        a->in[i] = (float *)(void *)(a->memory + i * input);
        fill(a->in[i], n, i + 1);
    }
    a->out = a->memory + MAX_INPUTS * input;
    return true;
}

static void arrays_of_inputs(const arrays *a, wn_array to[MAX_INPUTS]) {
    for (size_t i = 0; i < MAX_INPUTS; i++)
        to[i] = wn_vector(WN_F32, a->in[i], (int64_t)a->n);
}

/* ---- Candidates: what takes turns ------------------------------------------------------------------------------------- */

typedef struct candidate {
    const char *name;
    size_t (*call)(const struct candidate *c); /* returns the elements written or counted */
    wn_binding *binding;
    hand_fn *hand;
    hand_inputs in;
    void *out;
    size_t n; /* memcpy: bytes */
} candidate;

#define FAILED ((size_t)-1)

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

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds a call, over so many calls. */
static double sample(const candidate *c, size_t calls) {
    double start = now();
    for (size_t i = 0; i < calls; i++)
        c->call(c);
    return (now() - start) / (double)calls;
}

/* ---- Timing ----------------------------------------------------------------------------------------------------------- */

#define MAX_CANDIDATES (MAX_HANDS + 2)
#define MAX_ROUNDS 301
#define SAMPLE_NS 30e3
/* Above this a call leaves nothing in the caches that its next one could use. */
#define WARM_NS 1e6

typedef struct timing {
    double best, median;
    double samples[MAX_ROUNDS];
} timing;

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, size_t count) {
    double sorted[MAX_ROUNDS];
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static size_t calls_in_sample(const candidate *c) {
    c->call(c);
    size_t calls = 1;
    while (sample(c, calls) * (double)calls < SAMPLE_NS)
        calls *= 2;
    return calls;
}

static void move_output(candidate *c, size_t count, const work *w, const arrays *a, size_t place) {
    char *to = a->out + place * PLACE;
    wn_array in[MAX_INPUTS], out = wn_vector(w->type, to, (int64_t)a->n);
    arrays_of_inputs(a, in);
    for (size_t i = 0; i < count; i++)
        c[i].out = to;
    wn_rebind(c[0].binding, in, w->inputs, &out, 1, NULL);
}

/* Each candidate begins a round as often as the others, and finds its own data in the caches when its sample begins. */
static size_t take_turns(candidate *c, size_t count, const work *w, const arrays *a, timing *t,
                         bool quick) {
    size_t calls[MAX_CANDIDATES], rounds = 0;
    for (size_t i = 0; i < count; i++)
        calls[i] = calls_in_sample(&c[i]);
    double budget = quick ? 0.04e9 : 0.3e9, start = now();
    size_t least = quick ? 7 : 21;
    for (; rounds < MAX_ROUNDS && (rounds < least || now() - start < budget); rounds++) {
        move_output(c, count, w, a, rounds % PLACES);
        for (size_t i = 0; i < count; i++) {
            size_t k = (rounds + i) % count;
            if (calls[k] > 1 || (rounds && t[k].samples[rounds - 1] < WARM_NS)) c[k].call(&c[k]);
            t[k].samples[rounds] = sample(&c[k], calls[k]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        t[i].median = median(t[i].samples, rounds);
        t[i].best = t[i].samples[0];
        for (size_t r = 1; r < rounds; r++)
            t[i].best = fmin(t[i].best, t[i].samples[r]);
    }
    return rounds;
}

/* ---- Winnow's side ---------------------------------------------------------------------------------------------------- */

static wn_graph *graph_of(wn_context *context, size_t inputs, const char *text) {
    wn_graph *g = wn_graph_new(context);
    for (size_t i = 0; i < inputs; i++)
        (void)wn_input(g, input_names[i], WN_F32, WN_ANY);
    wn_parse(g, text, strlen(text));
    return g;
}

static wn_kernel *compile(wn_graph *g, wn_isa isa) {
    wn_compile_options o = {.size = sizeof o, .engine = WN_ENGINE_JIT, .isa = isa};
    wn_kernel *k = wn_compile(g, &o);
    if (!k) fprintf(stderr, "winnow-bench: %s\n", wn_graph_error(g));
    return k;
}

static wn_binding *bind(wn_context *context, const isa_row *isa, const work *w, const arrays *a) {
    wn_array in[MAX_INPUTS], out = wn_vector(w->type, a->out, (int64_t)a->n);
    arrays_of_inputs(a, in);
    wn_graph *g = graph_of(context, w->inputs, w->text);
    wn_kernel *k = compile(g, isa->isa);
    wn_binding *b = NULL;
    wn_error error;
    if (k && wn_bind(k, in, w->inputs, &out, 1, &b, &error) != WN_OK)
        fprintf(stderr, "winnow-bench: %s: %s\n", w->text, error.message);
    wn_kernel_free(k);
    wn_graph_free(g);
    return b;
}

/* ---- Are both sides equal? -------------------------------------------------------------------------------------------- */

static bool report_difference(const work *w, const candidate *hand, const char *ours) {
    size_t size = wn_type_size(w->type), i = 0;
    const char *theirs = hand->out;
    while (theirs[i] == ours[i])
        i++;
    i = i / size * size;
    uint32_t a = 0, b = 0;
    memcpy(&a, ours + i, size);
    memcpy(&b, theirs + i, size);
    fprintf(stderr, "winnow-bench: %s: element %zu is 0x%" PRIx32 ", by hand (%s) 0x%" PRIx32 "\n",
            w->text, i / size, a, hand->name, b);
    return false;
}

/* Runs ours into `copy`, then compares each hand-written loop with it. */
static bool check_into(const work *w, const candidate *c, size_t hands, char *copy, size_t *elements) {
    size_t size = wn_type_size(w->type);
    *elements = c[0].call(&c[0]);
    if (*elements == FAILED) {
        fprintf(stderr, "winnow-bench: %s: the run failed\n", w->text);
        return false;
    }
    if (w->kind == WORK_PACK) *elements = (size_t)wn_result(c[0].binding, 0)->shape[0];
    memcpy(copy, c[0].out, c[0].n * size);
    for (size_t i = 1; i <= hands; i++) {
        memset(c[i].out, 0x55, c[i].n * size);
        size_t theirs = c[i].call(&c[i]);
        if (theirs != *elements) {
            fprintf(stderr, "winnow-bench: %s: %zu elements, by hand (%s) %zu\n", w->text,
                    *elements, c[i].name, theirs);
            return false;
        }
        if (w->kind != WORK_COUNT && memcmp(copy, c[i].out, theirs * size) != 0)
            return report_difference(w, &c[i], copy);
    }
    return true;
}

static bool check(const work *w, const candidate *c, size_t hands, size_t *elements) {
    char *copy = malloc(c[0].n * wn_type_size(w->type));
    if (!copy) fprintf(stderr, "winnow-bench: out of memory\n");
    bool equal = copy && check_into(w, c, hands, copy, elements);
    free(copy);
    return equal;
}

/* ---- One row of the table --------------------------------------------------------------------------------------------- */

static size_t list_candidates(const work *w, const arrays *a, size_t isa, wn_binding *b, candidate *c) {
    candidate base = {
        .binding = b, .in = {a->in[0], a->in[1], a->in[2], a->in[3]}, .out = a->out, .n = a->n};
    size_t count = 0;
    c[count] = base;
    c[count].name = "winnow";
    c[count++].call = w->kind == WORK_COUNT ? call_count : call_run;
    for (size_t i = 0; i < MAX_HANDS; i++)
        if (w->hand[i][isa]) {
            c[count] = base;
            c[count].name = hand_names[i];
            c[count].hand = w->hand[i][isa];
            c[count++].call = call_hand;
        }
    c[count] = base;
    c[count].name = "memcpy";
    c[count].call = call_memcpy;
    return count + 1;
}

static double median_ratio(const timing *over, const timing *under, size_t rounds) {
    double ratios[MAX_ROUNDS];
    for (size_t r = 0; r < rounds; r++)
        ratios[r] = over->samples[r] / under->samples[r];
    return median(ratios, rounds);
}

static void json_begin(report *r) {
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
                "\"memcpy_ns\": %.6g, \"ratio\": %.4g, \"hand\": \"%s\"}",
                wn_isa_name(isa->isa), w->name, n, ns[0], ns[1], ns[2], ratio, hand->name);
}

static bool measure_bound(const options *o, report *r, size_t isa, const work *w, const arrays *a,
                          wn_binding *b) {
    candidate c[MAX_CANDIDATES];
    size_t count = list_candidates(w, a, isa, b, c), last = count - 1, elements, best = 1;
    TRY(check(w, c, last - 1, &elements));
    size_t written = w->kind == WORK_COUNT ? 0 : elements * wn_type_size(w->type);
    c[last].n = (w->inputs * a->n * sizeof(float) + written) / 2;

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
    TRY(arrays_new(&a, n));
    wn_binding *b = bind(context, &isas[isa], w, &a);
    bool done = b && measure_bound(o, r, isa, w, &a, b);
    wn_binding_free(b);
    free(a.memory);
    return done;
}

/* ---- Compiling, and what a call costs --------------------------------------------------------------------------------- */

#define COMPILES 20
#define WARMING 3

static bool time_compile(wn_context *context, wn_isa isa, const struct compile_row *row,
                         int literal, double *ms) {
    char text[160];
    snprintf(text, sizeof text, "%s%d%s", row->before, literal, row->after);
    wn_graph *g = graph_of(context, MAX_INPUTS, text);
    double start = now();
    wn_kernel *k = compile(g, isa);
    *ms = (now() - start) / 1e6;
    wn_kernel_free(k);
    wn_graph_free(g);
    return k != NULL;
}

static void print_cost(report *r, const isa_row *isa, const char *what, const char *unit, double value) {
    printf("%-44s %9.3f %s\n", what, value, unit);
    json_begin(r);
    if (r->json)
        fprintf(r->json, "{\"isa\": \"%s\", \"what\": \"%s\", \"%s\": %.6g}", wn_isa_name(isa->isa),
                what, unit, value);
}

static bool measure_compiles(report *r, wn_context *context, const isa_row *isa) {
    for (size_t i = 0; i < LENGTH(compiles); i++) {
        double ms[WARMING + COMPILES];
        char what[80];
        for (int k = 0; k < WARMING + COMPILES; k++)
            TRY(time_compile(context, isa->isa, &compiles[i], k + 1, &ms[k]));
        snprintf(what, sizeof what, "compile %s", compiles[i].name);
        print_cost(r, isa, what, "ms", median(ms + WARMING, COMPILES));
    }
    return true;
}

typedef struct rebinding {
    candidate c; /* first: call_rebind finds the rest behind it */
    wn_array in[2], out[2];
    size_t *turn;
} rebinding;

/* To the one half of the arrays and to the other by turns. */
static size_t call_rebind(const candidate *c) {
    const rebinding *b = (const rebinding *)(const void *)c;
    size_t k = (*b->turn)++ & 1;
    return wn_rebind(c->binding, &b->in[k], 1, &b->out[k], 1, NULL) == WN_OK ? 0 : FAILED;
}

static bool measure_calls(report *r, wn_context *context, const isa_row *isa) {
    arrays a;
    size_t turn = 0;
    TRY(arrays_new(&a, 128));
    a.n = 16;
    wn_binding *b = bind(context, isa, &works[0], &a);
    if (b) {
        rebinding re = {.c = {.name = "rebind", .call = call_rebind, .binding = b}, .turn = &turn};
        candidate run = {.name = "run", .call = call_run, .binding = b};
        for (int64_t k = 0; k < 2; k++) {
            re.in[k] = wn_vector(WN_F32, a.in[0] + 64 * k, 16 + k);
            re.out[k] = wn_vector(WN_F32, a.out + 256 * k, 16 + k);
        }
        double ns[2] = {INFINITY, INFINITY};
        for (int k = 0; k < 21; k++)
            ns[0] = fmin(ns[0], sample(&run, 4096));
        for (int k = 0; k < 21; k++)
            ns[1] = fmin(ns[1], sample(&re.c, 4096));
        print_cost(r, isa, "wn_run of where(x < 0, 0, x), 16 elements", "ns", ns[0]);
        print_cost(r, isa, "wn_rebind of the same", "ns", ns[1]);
    }
    wn_binding_free(b);
    free(a.memory);
    return b != NULL;
}

/* ---- The whole -------------------------------------------------------------------------------------------------------- */

static bool measure_isa(const options *o, report *r, wn_context *context, size_t isa) {
    printf("\nWinnow %s against %s by hand, one thread; ns an element, best of many\n",
           wn_isa_name(isas[isa].isa), isas[isa].name);
    printf("%-32s %9s %9s %9s %9s %7s  %s\n", "", "elements", "winnow", "hand", "memcpy", "ratio",
           "hand's stores");
    for (size_t i = 0; i < LENGTH(works); i++)
        for (size_t s = 0; s < LENGTH(sizes); s++) {
            if (o->work && strcmp(o->work, works[i].name) != 0) continue;
            if (o->size && s > 0) continue;
            if (o->quick && !o->size && sizes[s] > 1 << 20) continue;
            TRY(measure_work(o, r, context, isa, &works[i], o->size ? o->size : sizes[s]));
        }
    if (o->work) return true;
    printf("\n");
    return measure_compiles(r, context, &isas[isa]) && measure_calls(r, context, &isas[isa]);
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
          "\n"
          "  --quick      fewer rounds, and no arrays that exceed the caches\n"
          "  --json FILE  the figures as JSON too\n"
          "  --isa NAME   x86-64-v3 or x86-64-v4; default: each that this machine has\n"
          "  --size N     a multiple of 64; default: 64, 4 Ki, 256 Ki, 16 Mi\n"
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
        if (strcmp(argv[i], "--quick") == 0) {
            o->quick = true;
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
    bool done = measure_all(&o, &r);
    if (r.json) {
        fputs(r.began ? "\n]\n" : "[]\n", r.json);
        fclose(r.json);
    }
    return done ? 0 : 1;
}
