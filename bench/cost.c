/*
 * cost.c - what compiling takes, and what a call costs.
 */
#include "bench.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* clang-format off */
/* Compiled with another integer between the two halves of the text each time, so that no cache answers. */
static const struct compile_row { const char *name, *before, *after; } compiles[] = {
    {"where(x < 0, 0, x)",    "where(x < ", ", 0, x)"},
    {"x[x < 0]",              "x[x < ", "]"},
    {"10 nodes, map",         "where((a > ", ") & (b < 0.2) | !(c >= x), x * 2 + a, b - x)"},
    {"10 nodes, with a mask", "(x * 2 + a - b)[(a > ", ") & (b < 0.2) | !(c >= x)]"},
};
/* clang-format on */

#define COMPILES 20
#define WARMING 3

/* ---- Compiling -------------------------------------------------------------------------------------------------------- */

static bool time_compile(wn_graph *g, wn_isa isa, double *ms) {
    double start = now();
    wn_kernel *k = compile(g, isa);
    *ms = (now() - start) / 1e6;
    wn_kernel_free(k);
    wn_graph_free(g);
    return k != NULL;
}

static bool measure_compiles(report *r, wn_context *context, const isa_row *isa) {
    for (size_t i = 0; i < LENGTH(compiles); i++) {
        double ms[WARMING + COMPILES];
        for (int k = 0; k < WARMING + COMPILES; k++) {
            char text[160];
            snprintf(text, sizeof text, "%s%d%s", compiles[i].before, k + 1, compiles[i].after);
            TRY(time_compile(graph_of(context, "xabc", text), isa->isa, &ms[k]));
        }
        TRY(report_cost(r, isa->name, "ms", median(ms + WARMING, COMPILES), "compile %s",
                        compiles[i].name));
    }
    return true;
}

/* A chain of so many operations, none of which falls away. */
static wn_graph *chain(wn_context *context, size_t nodes, int literal) {
    wn_graph *g = graph_of(context, "xabc", "x");
    wn_node value = wn_find(g, "x"), with[3] = {wn_find(g, "a"), wn_find(g, "b"), wn_find(g, "c")};
    value = wn_add(value, literal);
    for (size_t i = 1; i < nodes; i++)
        value = i % 2 ? wn_multiply(value, with[i % 3]) : wn_add(value, with[i % 3]);
    wn_output(g, "y", value);
    return g;
}

/* Against the number of nodes; the slope is that of the line which fits the logarithms best. */
static bool measure_sizes(report *r, wn_context *context, const isa_row *isa) {
    const size_t sizes[] = {10, 30, 100, 300, 1000, 3000, 10000};
    double x = 0, y = 0, xx = 0, xy = 0, count = (double)LENGTH(sizes);
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        double best = INFINITY, ms;
        for (int k = 0; k < (sizes[i] > 1000 ? 3 : 7); k++) {
            TRY(time_compile(chain(context, sizes[i], k + 1), isa->isa, &ms));
            best = fmin(best, ms);
        }
        double a = log((double)sizes[i]), b = log(best);
        x += a;
        y += b;
        xx += a * a;
        xy += a * b;
        TRY(report_cost(r, isa->name, "ms", best, "compile a chain of %zu nodes", sizes[i]));
    }
    double slope = (count * xy - x * y) / (count * xx - x * x);
    return report_cost(r, isa->name, "", slope, "slope of log(time) over log(nodes)");
}

/* An equal graph in the same context: what the look-up takes, from a graph that is built. */
static bool measure_again(report *r, wn_context *context, const isa_row *isa) {
    char text[160];
    double best = INFINITY, ms;
    snprintf(text, sizeof text, "%s%d%s", compiles[3].before, 1, compiles[3].after);
    for (int k = 0; k < 200; k++) {
        TRY(time_compile(graph_of(context, "xabc", text), isa->isa, &ms));
        if (k) best = fmin(best, ms);
    }
    return report_cost(r, isa->name, "us", best * 1e3, "compile 10 nodes with a mask again");
}

static void remove_directory(const char *path) {
    DIR *entries = opendir(path);
    for (const struct dirent *e; entries && (e = readdir(entries));)
        unlinkat(dirfd(entries), e->d_name, 0);
    if (entries) closedir(entries);
    rmdir(path);
}

/* An equal graph in a context that has but the disk, as in a new process. */
static bool measure_kept(report *r, const isa_row *isa) {
    char text[160], directory[] = "/tmp/winnow-bench-XXXXXX";
    double ms[1 + COMPILES];
    bool done = mkdtemp(directory) != NULL;
    wn_context_options options = {.size = sizeof options, .cache_directory = directory};
    snprintf(text, sizeof text, "%s%d%s", compiles[3].before, 1, compiles[3].after);
    for (int k = 0; done && k <= COMPILES; k++) {
        wn_context *own = wn_context_new(&options);
        done = own && time_compile(graph_of(own, "xabc", text), isa->isa, &ms[k]);
        wn_context_free(own);
    }
    remove_directory(directory);
    return done && report_cost(r, isa->name, "us", median(ms + 1, COMPILES) * 1e3,
                               "compile 10 nodes with a mask, from disk");
}

/* ---- Calling ---------------------------------------------------------------------------------------------------------- */

typedef struct rebinding {
    candidate c; /* first: the calls find the rest behind it */
    wn_kernel *kernel;
    wn_array in[2], out[2];
} rebinding;

static bool rebind(const candidate *c, size_t k) {
    const rebinding *b = (const rebinding *)(const void *)c;
    return wn_rebind(c->binding, &b->in[k], 1, &b->out[k], 1, NULL) == WN_OK;
}

/* To the one half of the arrays and to the other. */
static size_t call_rebind(const candidate *c) {
    return rebind(c, 1) && rebind(c, 0) ? 0 : FAILED;
}

static size_t call_rebind_and_run(const candidate *c) {
    for (size_t k = 0; k < 2; k++)
        if (!rebind(c, k) || call_run(c) == FAILED) return FAILED;
    return 0;
}

static size_t call_bind(const candidate *c) {
    const rebinding *b = (const rebinding *)(const void *)c;
    wn_binding *binding = NULL;
    wn_status status = wn_bind(b->kernel, b->in, 1, b->out, 1, &binding, NULL);
    wn_binding_free(binding);
    return status == WN_OK ? 0 : FAILED;
}

/* `longer`: by how much the second half's arrays are longer than the first's; `count`: what a call does so many times. */
/* clang-format off */
static const struct call_row { const char *name; size_t (*call)(const candidate *c); int64_t longer; int count; } calls[] = {
    {"wn_run of where(x < 0, 0, x), 16 elements",   call_run,            0, 1},
    {"wn_rebind of the same, to other pointers",    call_rebind,         0, 2},
    {"wn_rebind and wn_run",                        call_rebind_and_run, 0, 2},
    {"wn_rebind, to other lengths too",             call_rebind,         1, 2},
    {"wn_bind and wn_binding_free",                 call_bind,           0, 1},
};
/* clang-format on */

static bool measure_calls(report *r, wn_context *context, const isa_row *isa) {
    float data[2][256] = {{0}};
    wn_graph *g = graph_of(context, "x", "where(x < 0, 0, x)");
    rebinding b = {.kernel = compile(g, isa->isa)};
    bool done = b.kernel;
    for (size_t i = 0; done && i < LENGTH(calls); i++) {
        for (int64_t k = 0; k < 2; k++) {
            b.in[k] = wn_vector(WN_F32, data[0] + 64 * k, 16 + k * calls[i].longer);
            b.out[k] = wn_vector(WN_F32, data[1] + 64 * k, 16 + k * calls[i].longer);
        }
        b.c.call = calls[i].call;
        done = wn_bind(b.kernel, b.in, 1, b.out, 1, &b.c.binding, NULL) == WN_OK &&
               report_cost(r, isa->name, "ns", best_of(&b.c, 4096) / calls[i].count, "%s",
                           calls[i].name);
        wn_binding_free(b.c.binding);
        b.c.binding = NULL;
    }
    wn_kernel_free(b.kernel);
    wn_graph_free(g);
    return done;
}

bool measure_costs(report *r, wn_context *context, const isa_row *isa) {
    return measure_compiles(r, context, isa) && measure_again(r, context, isa) &&
           measure_kept(r, isa) && measure_sizes(r, context, isa) && measure_calls(r, context, isa);
}
