/*
 * tables.c - the figures as the tables of docs/performance.md, in Markdown: a row for each work, its sizes side by side.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

/* ---- Cells ------------------------------------------------------------------------------------------------------------- */

static const cell *find_cell(const report *r, const work *w, size_t n, size_t threads) {
    for (const cell *c = r->cells; c < r->cells + r->cell_count; c++)
        if (c->w == w && c->n == n && c->threads == threads) return c;
    return NULL;
}

static const figures *find_figures(const report *r, const work *w, size_t n, size_t threads, size_t isa) {
    const cell *c = find_cell(r, w, n, threads);
    return c && c->isa[isa].ours > 0 ? &c->isa[isa] : NULL;
}

/* The time on the better instruction set; 0: it was not measured. */
static double best_of_ours(const cell *c) {
    double best = 0;
    for (size_t i = 0; c && i < ISA_COUNT; i++)
        if (c->isa[i].ours > 0 && (best <= 0 || c->isa[i].ours < best)) best = c->isa[i].ours;
    return best;
}

/* Whether the machine has it. */
static bool isa_is_measured(const report *r, size_t isa) {
    for (const cell *c = r->cells; c < r->cells + r->cell_count; c++)
        if (c->isa[isa].ours > 0) return true;
    return false;
}

static bool is_measured(const report *r, const work *w, size_t threads) {
    for (const cell *c = r->cells; c < r->cells + r->cell_count; c++)
        if (c->w == w && c->threads == threads) return true;
    return false;
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------------- */

static void put_ratio(FILE *f, double ratio) {
    if (ratio > 0) fprintf(f, " %.2f", ratio);
    fputs(" |", f);
}

/* ".017" */
static void put_ns(FILE *f, double ns) {
    char text[24];
    snprintf(text, sizeof text, ns < 0.9995 ? "%.3f" : "%.3g", ns);
    fputs(ns > 0 ? text + (ns < 0.9995) : "-", f);
}

/* What fits a column, with what Markdown takes for the end of a cell marked. */
static void put_work(FILE *f, const work *w) {
    fputs("\n| `", f);
    for (const char *at = strlen(w->text) < 40 ? w->text : w->name; *at; at++) {
        if (*at == '|') fputc('\\', f);
        fputc(*at, f);
    }
    fputc('`', f);
    if (w->per_mille) fprintf(f, ", %g %%", w->per_mille / 10.0);
    fputs(" |", f);
}

static void put_columns(FILE *f, const char *heading, int count) {
    fprintf(f, "\n\n%s\n|", heading);
    while (count-- > 0)
        fputs("--|", f);
}

/* ---- Tables ------------------------------------------------------------------------------------------------------------ */

static const size_t sizes[] = {64, 4 << 10, 256 << 10, 16 << 20, 128 << 20};
enum { FROM_MEMORY = 3 }; /* the first of them that no cache holds */

static void put_isa(FILE *f, const report *r, size_t isa) {
    fprintf(f, "\n\n%s against %s:", isas[isa].name, isas[isa].loops);
    put_columns(f, "| | 64 | 4 Ki | 256 Ki | 16 Mi | 128 Mi | by hand, ns | limit, 16 Mi | 128 Mi |", 9);
    for (const work *w = works; w < works + work_count; w++) {
        const figures *of[LENGTH(sizes)];
        for (size_t i = 0; i < LENGTH(sizes); i++)
            of[i] = find_figures(r, w, sizes[i], 1, isa);
        if (!is_measured(r, w, 1)) continue;
        put_work(f, w);
        for (size_t i = 0; i < LENGTH(sizes); i++)
            put_ratio(f, of[i] ? of[i]->by_hand : 0);
        for (size_t i = 0; i <= FROM_MEMORY; i++) {
            fputs(i ? " / " : " ", f);
            put_ns(f, of[i] ? of[i]->hand : 0);
        }
        fputs(" |", f);
        for (size_t i = FROM_MEMORY; i < LENGTH(sizes); i++)
            put_ratio(f, of[i] ? of[i]->by_limit : 0);
    }
}

static void put_two_threads(FILE *f, const report *r) {
    static const size_t n[2] = {1 << 20, 16 << 20};
    if (r->cell_count == 0 || r->cells[r->cell_count - 1].threads == 1) return;
    fputs("\n\nTwo threads against one, and against the limit of two:", f);
    put_columns(f, "| | 1 Mi, AVX2 | AVX-512 | 16 Mi, AVX2 | AVX-512 | to the limit of two, AVX2 | AVX-512 |",
                7);
    for (const work *w = works; w < works + work_count; w++) {
        if (!is_measured(r, w, 2)) continue;
        put_work(f, w);
        for (size_t i = 0; i < 3; i++)
            for (size_t isa = 0; isa < ISA_COUNT; isa++) {
                const figures *g = find_figures(r, w, n[i > 0], 2, isa);
                put_ratio(f, !g ? 0 : i < 2 ? g->by_hand : g->by_limit);
            }
    }
}

/* "5.4 / 1.3 / -": how often our time fits into a peer's. */
static void put_peer(FILE *f, const cell *of[3], size_t k) {
    bool any = false;
    for (size_t i = 0; i < 3; i++)
        any |= of[i] && of[i]->peer[k] > 0;
    for (size_t i = 0; any && i < 3; i++) {
        fputs(i ? " / " : " ", f);
        if (of[i] && of[i]->peer[k] > 0)
            fprintf(f, "%.*f", of[i]->by_peer[k] < 9.95, of[i]->by_peer[k]);
        else
            fputs("-", f);
    }
    fputs(" |", f);
}

static void put_peers(FILE *f, const report *r) {
    fputs("\n\nPeers' time / our time at 4 Ki / 256 Ki / 16 Mi elements:\n\n| | Winnow, ns |", f);
    for (size_t k = 0; k < peer_count(r->peers); k++)
        fprintf(f, " %s |", peer_name(r->peers, k));
    fputs("\n|--|", f);
    for (size_t k = 0; k <= peer_count(r->peers); k++)
        fputs("--|", f);
    for (const work *w = works; w < works + work_count; w++) {
        const cell *of[3];
        if (!is_measured(r, w, 1)) continue;
        put_work(f, w);
        for (size_t i = 0; i < 3; i++) {
            of[i] = find_cell(r, w, sizes[i + 1], 1);
            fputs(i ? " / " : " ", f);
            put_ns(f, best_of_ours(of[i]));
        }
        fputs(" |", f);
        for (size_t k = 0; k < peer_count(r->peers); k++)
            put_peer(f, of, k);
    }
}

/* Each instruction set measures the same in the same order. */
static void put_costs(FILE *f, const report *r) {
    put_columns(f, "| | AVX2 | AVX-512 |", 3);
    for (const cost *c = r->costs; c < r->costs + r->cost_count; c++) {
        if (strcmp(c->isa, r->costs->isa) != 0) continue;
        fprintf(f, "\n| %s |", c->what);
        for (const cost *d = r->costs; d < r->costs + r->cost_count; d++)
            if (strcmp(c->what, d->what) == 0) fprintf(f, " %.3g %s |", d->value, d->unit);
    }
}

void put_tables(FILE *f, const report *r) {
    char machine[128];
    machine_name(machine, sizeof machine);
    fprintf(f, "%s, LLVM %s, gcc %s, commit %s", machine, BENCH_LLVM, __VERSION__,
            r->commit ? r->commit : "unknown");
    for (size_t isa = 0; isa < ISA_COUNT; isa++)
        if (isa_is_measured(r, isa)) put_isa(f, r, isa);
    put_two_threads(f, r);
    if (r->peers) put_peers(f, r);
    if (r->cost_count) put_costs(f, r);
    fputs("\n", f);
}
