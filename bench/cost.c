/*
 * cost.c - what compiling takes, and what a call costs.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

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

static bool time_compile(wn_context *context, wn_isa isa, const struct compile_row *row,
                         int literal, double *ms) {
    char text[160];
    snprintf(text, sizeof text, "%s%d%s", row->before, literal, row->after);
    wn_graph *g = graph_of(context, "xabc", text);
    double start = now();
    wn_kernel *k = compile(g, isa);
    *ms = (now() - start) / 1e6;
    wn_kernel_free(k);
    wn_graph_free(g);
    return k != NULL;
}

static void print_cost(report *r, wn_isa isa, const char *what, const char *unit, double value) {
    printf("%-44s %9.3f %s\n", what, value, unit);
    json_begin(r);
    if (r->json)
        fprintf(r->json, "{\"isa\": \"%s\", \"what\": \"%s\", \"%s\": %.6g}", wn_isa_name(isa),
                what, unit, value);
}

static bool measure_compiles(report *r, wn_context *context, wn_isa isa) {
    for (size_t i = 0; i < LENGTH(compiles); i++) {
        double ms[WARMING + COMPILES];
        char what[80];
        for (int k = 0; k < WARMING + COMPILES; k++)
            TRY(time_compile(context, isa, &compiles[i], k + 1, &ms[k]));
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

static size_t call_run(const candidate *c) {
    return wn_run(c->binding, NULL) == WN_OK ? c->n : FAILED;
}

/* To the one half of the arrays and to the other by turns. */
static size_t call_rebind(const candidate *c) {
    const rebinding *b = (const rebinding *)(const void *)c;
    size_t k = (*b->turn)++ & 1;
    return wn_rebind(c->binding, &b->in[k], 1, &b->out[k], 1, NULL) == WN_OK ? 0 : FAILED;
}

static bool measure_calls(report *r, wn_context *context, wn_isa isa, const work *w) {
    arrays a;
    size_t turn = 0;
    TRY(arrays_new(&a, 128, w->inputs));
    arrays_fill(&a, w->inputs, FILL_SPECIAL);
    a.n = 16;
    wn_binding *b = bind(context, isa, w, &a);
    if (b) {
        rebinding re = {.c = {.name = "rebind", .call = call_rebind, .binding = b}, .turn = &turn};
        candidate run = {.name = "run", .call = call_run, .binding = b};
        for (int64_t k = 0; k < 2; k++) {
            re.in[k] = wn_vector(WN_F32, (float *)a.in[0] + 64 * k, 16 + k);
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

bool measure_costs(report *r, wn_context *context, wn_isa isa, const work *w) {
    return measure_compiles(r, context, isa) && measure_calls(r, context, isa, w);
}
