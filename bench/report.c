/*
 * report.c - figures as they come: rows on the terminal, and kept for the files.
 */
#include "bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

static const cell *last_cell(const report *r) {
    return r->cell_count ? &r->cells[r->cell_count - 1] : NULL;
}

void size_name(char *to, size_t room, size_t n) {
    if (n >= (size_t)1 << 20)
        snprintf(to, room, "%zu Mi", n >> 20);
    else if (n >= 1024)
        snprintf(to, room, "%zu Ki", n >> 10);
    else
        snprintf(to, room, "%zu", n);
}

void machine_name(char *to, size_t room) {
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(to, room, "unknown machine");
    while (f && fgets(line, sizeof line, f)) {
        const char *value = strstr(line, ": ");
        if (strncmp(line, "model name", 10) != 0 || !value) continue;
        snprintf(to, room, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
        break;
    }
    if (f) fclose(f);
}

/* ---- The terminal ----------------------------------------------------------------------------------------------------- */

/* "x[m] 0.1 %": a text of many words gives its name alone. */
void work_name(char *to, size_t room, const work *w) {
    int length = strlen(w->text) > 30 ? snprintf(to, room, "%s", w->name)
                                      : snprintf(to, room, "%s", w->text);
    if (w->per_mille && (size_t)length < room)
        snprintf(to + length, room - (size_t)length, " %g %%", w->per_mille / 10.0);
}

static void print_heading(const cell *c) {
    printf("\nns an element, best of many; ratios above 1: Winnow is faster; %s\n",
           c->threads == 1 ? "one thread" : "two threads, against one and against the limit of two");
    printf("%-31s %7s", "", "");
    for (size_t i = 0; i < ISA_COUNT; i++)
        if (c->isa[i].ours > 0)
            printf(" | %7s %7s %5s %7s %5s %5s", isas[i].name,
                   c->threads == 1 ? isas[i].loops : "1", "ratio", "limit", "ratio", "GB/s");
    printf("\n");
}

static void print_figure(double value, int width, int digits) {
    if (value > 0)
        printf(" %*.*f", width, digits, value);
    else
        printf(" %*s", width, "-");
}

bool report_cell(report *r, const cell *c) {
    cell *grown = realloc(r->cells, (r->cell_count + 1) * sizeof *grown);
    if (!grown) return false;
    r->cells = grown;
    const cell *before = last_cell(r);
    if (!before || before->threads != c->threads) print_heading(c);
    r->cells[r->cell_count++] = *c;
    char name[40], size[24];
    work_name(name, sizeof name, c->w);
    size_name(size, sizeof size, c->n);
    printf("%-31s %7s", name, size);
    for (const figures *f = c->isa; f < c->isa + ISA_COUNT; f++) {
        if (!(f->ours > 0)) continue;
        printf(" |");
        print_figure(f->ours, 7, 4);
        print_figure(f->hand, 7, 4);
        print_figure(f->by_hand, 5, 2);
        print_figure(f->limit, 7, 4);
        print_figure(f->by_limit, 5, 2);
        print_figure((double)c->bytes / (f->ours * (double)c->n), 5, 0);
    }
    printf("\n");
    fflush(stdout);
    return true;
}

static cost *new_cost(report *r, const char *isa, const char *unit, double value, const char *what,
                      va_list list) {
    cost *grown = realloc(r->costs, (r->cost_count + 1) * sizeof *grown);
    if (!grown) return NULL;
    r->costs = grown;
    cost *c = &grown[r->cost_count++];
    *c = (cost){.isa = isa, .unit = unit, .value = value};
    vsnprintf(c->what, sizeof c->what, what, list);
    return c;
}

bool keep_cost(report *r, const char *isa, const char *unit, double value, const char *what, ...) {
    va_list list;
    va_start(list, what);
    cost *c = new_cost(r, isa, unit, value, what, list);
    va_end(list);
    return c != NULL;
}

bool report_cost(report *r, const char *isa, const char *unit, double value, const char *what, ...) {
    va_list list;
    va_start(list, what);
    cost *c = new_cost(r, isa, unit, value, what, list);
    va_end(list);
    if (!c) return false;
    if (r->cost_count == 1 || strcmp(isa, c[-1].isa) != 0) printf("\n%s\n", isa);
    printf("%-52s %10.4g %s\n", c->what, value, unit);
    fflush(stdout);
    return true;
}

void report_peers(const report *r) {
    if (!r->peers) return;
    printf("\nPeers: ns an element, and how often Winnow's time (the better instruction set) fits "
           "into it\n%-31s %7s %9s",
           "", "", "winnow");
    for (size_t k = 0; k < peer_count(r->peers); k++)
        printf(" %15s", peer_name(r->peers, k));
    printf("\n");
    for (const cell *c = r->cells; c < r->cells + r->cell_count; c++) {
        double ours = INFINITY;
        for (size_t i = 0; i < ISA_COUNT; i++)
            if (c->isa[i].ours > 0) ours = fmin(ours, c->isa[i].ours);
        if (c->threads > 1) continue;
        char name[40], size[24];
        work_name(name, sizeof name, c->w);
        size_name(size, sizeof size, c->n);
        printf("%-31s %7s %9.4f", name, size, ours);
        for (size_t k = 0; k < peer_count(r->peers); k++) {
            char ratio[16];
            snprintf(ratio, sizeof ratio, "(%.*f)", c->by_peer[k] < 9.95, c->by_peer[k]);
            if (c->peer[k] > 0)
                printf(" %8.3f %6s", c->peer[k], ratio);
            else
                printf(" %15s", "-");
        }
        printf("\n");
    }
    for (size_t k = 0; k < peer_count(r->peers); k++)
        printf("%-10s %s\n", peer_name(r->peers, k), peer_version(r->peers, k));
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------- */

/* The text is anyone's. */
static void put_member(FILE *f, const char *separator, const char *key, const char *text) {
    fprintf(f, "%s\"%s\": \"", separator, key);
    for (; *text; text++)
        if (strchr("\"\\", *text) || (unsigned char)*text < ' ')
            fprintf(f, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, f);
    fputc('"', f);
}

/* A ratio or a time that was not measured is null. */
static void put_number(FILE *f, const char *key, double value) {
    fprintf(f, value > 0 ? ", \"%s\": %.5g" : ", \"%s\": null", key, value);
}

static void put_cell(FILE *f, const report *r, const cell *c) {
    fprintf(f, "    {\"work\": \"%s\", \"text\": \"%s\", \"elements\": %zu, \"threads\": %zu, \"bytes\": %zu",
            c->w->name, c->w->text, c->n, c->threads, c->bytes);
    for (size_t i = 0; i < ISA_COUNT; i++) {
        const figures *g = &c->isa[i];
        if (!(g->ours > 0)) continue;
        fprintf(f, ",\n     \"%s\": {\"hand_is\": \"%s\", \"limit_is\": \"%s\"", isas[i].name,
                g->hand_name ? g->hand_name : "", g->limit_name ? g->limit_name : "");
        put_number(f, "ours_ns", g->ours);
        put_number(f, "hand_ns", g->hand);
        put_number(f, "hand_ratio", g->by_hand);
        put_number(f, "limit_ns", g->limit);
        put_number(f, "limit_ratio", g->by_limit);
        fputs("}", f);
    }
    if (r->peers && c->threads == 1) {
        fputs(",\n     \"peers\": {", f);
        for (size_t k = 0; k < peer_count(r->peers); k++) {
            fprintf(f, "%s\"%s\": {\"ok\": %s", k ? ", " : "", peer_name(r->peers, k),
                    c->peer[k] > 0 ? "true" : "false");
            put_number(f, "ns", c->peer[k]);
            put_number(f, "ratio", c->by_peer[k]);
            fputs("}", f);
        }
        fputs("}", f);
    }
    fputs("}", f);
}

void put_json(FILE *f, const report *r) {
    char machine[128];
    machine_name(machine, sizeof machine);
    put_member(f, "{", "machine", machine);
    put_member(f, ", ", "winnow", wn_version());
    put_member(f, ", ", "commit", r->commit ? r->commit : "");
    put_member(f, ", ", "llvm", BENCH_LLVM);
    put_member(f, ", ", "compiler", __VERSION__);
    fputs(",\n \"peers\": {", f);
    for (size_t k = 0; k < peer_count(r->peers); k++)
        put_member(f, k ? ", " : "", peer_name(r->peers, k), peer_version(r->peers, k));
    fputs("},\n \"cells\": [\n", f);
    for (size_t i = 0; i < r->cell_count; i++) {
        put_cell(f, r, &r->cells[i]);
        fputs(i + 1 < r->cell_count ? ",\n" : "\n", f);
    }
    fputs(" ],\n \"costs\": [\n", f);
    for (size_t i = 0; i < r->cost_count; i++)
        fprintf(f, "    {\"isa\": \"%s\", \"what\": \"%s\", \"%s\": %.5g}%s\n", r->costs[i].isa,
                r->costs[i].what, r->costs[i].unit, r->costs[i].value,
                i + 1 < r->cost_count ? "," : "");
    fputs(" ]}\n", f);
}
