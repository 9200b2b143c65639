/*
 * svg.c - the figures as one drawing that needs nothing else: a panel a size, a line a work, time from left to right.
 *
 * The scale is logarithmic, the same for all sizes. Of each work: a bar from the limit to the better of ours, ticks for the loop by hand
 * and for the limit, a dot for each of ours, a small mark for each peer. Colours follow the reader's light or dark.
 */
#include "bench.h"

#include <math.h>

#define LEFT 190.0
#define PANEL 270.0
#define GAP 14.0
#define TOP 96.0
#define LINE 19.0
#define LEAST 3e-3 /* nanoseconds an element */
#define MOST 3e3
#define MAX_PANELS 6

/* Plain properties, which every viewer knows; a reader in the dark gets others. */
static const char *const style =
    "<style>\n"
    "svg{font:12px system-ui,sans-serif} text{fill:#1b1f24} .dim{fill:#6b7480;font-size:11px}\n"
    ".title{font-size:17px;font-weight:600} .paper{fill:#fff} .grid{stroke:#e3e6ea}\n"
    ".bar{stroke:#cfe1f5;stroke-width:7} .tick{stroke:#1b1f24;stroke-width:2} "
    ".limit{stroke:#6b7480;stroke-width:2}\n"
    ".v3{fill:#0a66c2} .v4{fill:#c2410c}\n"
    "@media (prefers-color-scheme:dark){text{fill:#e8eaed} .dim{fill:#98a1ad} "
    ".paper{fill:#12161b}\n"
    ".grid{stroke:#30363d} .bar{stroke:#1f3a5a} .tick{stroke:#e8eaed} .limit{stroke:#98a1ad}\n"
    ".v3{fill:#58a6ff} .v4{fill:#fb8c4e}}\n"
    "</style>\n";

static const char *const peer_colours[MAX_PEERS] = {"#2ca02c", "#9467bd", "#d62728", "#e6a700",
                                                    "#8c6d31", "#17a2b8", "#e377c2", "#7f7f7f"};

static double place(double ns) {
    double at = log10(fmax(ns, LEAST) / LEAST) / log10(MOST / LEAST);
    return PANEL * fmin(at, 1);
}

/* ---- What there is to draw -------------------------------------------------------------------------------------------- */

/* The sizes, in the order of their first appearance; returns how many. */
static size_t list_sizes(const report *r, size_t sizes[MAX_PANELS]) {
    size_t count = 0;
    for (const cell *c = r->cells; c < r->cells + r->cell_count; c++) {
        size_t k = 0;
        while (k < count && sizes[k] != c->n)
            k++;
        if (c->threads == 1 && k == count && count < MAX_PANELS) sizes[count++] = c->n;
    }
    return count;
}

static const cell *find_cell(const report *r, const work *w, size_t n) {
    for (const cell *c = r->cells; c < r->cells + r->cell_count; c++)
        if (c->w == w && c->n == n && c->threads == 1) return c;
    return NULL;
}

static bool was_measured(const report *r, const work *w) {
    for (const cell *c = r->cells; c < r->cells + r->cell_count; c++)
        if (c->w == w && c->threads == 1) return true;
    return false;
}

/* ---- Drawing ---------------------------------------------------------------------------------------------------------- */

static void put_text(FILE *f, const char *text) {
    for (; *text; text++)
        if (*text == '<')
            fputs("&lt;", f);
        else if (*text == '&')
            fputs("&amp;", f);
        else
            fputc(*text, f);
}

static void put_tick(FILE *f, const char *class, double x, double y, double half) {
    fprintf(f, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", class, x, x,
            y - half, y + half);
}

static void put_cell(FILE *f, const report *r, const cell *c, double x, double y) {
    const figures *best = NULL;
    for (const figures *g = c->isa; g < c->isa + ISA_COUNT; g++)
        if (g->ours > 0 && (!best || g->ours < best->ours)) best = g;
    if (!best) return;
    if (best->limit > 0) {
        fprintf(f, "<line class=\"bar\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                x + place(best->limit), x + place(best->ours), y, y);
        put_tick(f, "limit", x + place(best->limit), y, 3.5);
    }
    for (size_t k = 0; k < peer_count(r->peers); k++)
        if (c->peer[k] > 0)
            fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"6\" height=\"6\" fill=\"%s\"><title>%s %.4g ns</title></rect>",
                    x + place(c->peer[k]) - 3, y - 3, peer_colours[k], peer_name(r->peers, k),
                    c->peer[k]);
    if (best->hand > 0) put_tick(f, "tick", x + place(best->hand), y, 6);
    for (size_t i = 0; i < ISA_COUNT; i++)
        if (c->isa[i].ours > 0)
            fprintf(f, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>%s %.4g ns, by hand %.4g, limit %.4g</title></circle>",
                    isas[i].name, x + place(c->isa[i].ours), y, isas[i].name, c->isa[i].ours,
                    c->isa[i].hand, c->isa[i].limit);
    fputc('\n', f);
}

static void put_panel(FILE *f, size_t n, double x, double bottom) {
    char name[24];
    size_name(name, sizeof name, n);
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" font-weight=\"600\">%s elements</text>\n", x, TOP - 26,
            name);
    for (double ns = 0.01; ns < MOST; ns *= 10)
        fprintf(f,
                "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/><text "
                "class=\"dim\" x=\"%.1f\" "
                "y=\"%.1f\" text-anchor=\"middle\">%g</text>\n",
                x + place(ns), x + place(ns), TOP - 8, bottom, x + place(ns), TOP - 11, ns);
}

/* Marks and their names, in a row. */
static void put_legend(FILE *f, const report *r, double y) {
    double x = LEFT;
    for (size_t i = 0; i < ISA_COUNT; i++, x += 130)
        fprintf(f, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/><text x=\"%.1f\" y=\"%.1f\">Winnow, %s</text>\n",
                isas[i].name, x, y - 4, x + 9, y, isas[i].loops);
    put_tick(f, "tick", x, y - 4, 6);
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\">by hand</text>", x + 8, y);
    put_tick(f, "limit", x += 70, y - 4, 3.5);
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\">limit</text>\n", x + 8, y);
    x = 16;
    y += 20;
    for (size_t k = 0; k < peer_count(r->peers); k++, x += 125) {
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"6\" height=\"6\" fill=\"%s\"/><text x=\"%.1f\" y=\"%.1f\">%s ",
                x, y - 7, peer_colours[k], x + 10, y, peer_name(r->peers, k));
        put_text(f, peer_version(r->peers, k));
        fputs("</text>\n", f);
    }
}

static void put_title(FILE *f, const report *r) {
    char machine[128];
    machine_name(machine, sizeof machine);
    fputs("<text class=\"title\" x=\"16\" y=\"26\">Winnow: nanoseconds an element, one thread; "
          "further left is faster</text>\n"
          "<text class=\"dim\" x=\"16\" y=\"46\">",
          f);
    put_text(f, machine);
    fprintf(f, "; Winnow %s ", wn_version());
    put_text(f, r->commit ? r->commit : "");
    fprintf(f, "; LLVM %s; by hand: gcc " __VERSION__ "; best of many rounds in which all take turns</text>\n",
            BENCH_LLVM);
}

void put_svg(FILE *f, const report *r) {
    size_t sizes[MAX_PANELS], panels = list_sizes(r, sizes);
    double y = TOP + 8;
    size_t lines = 0;
    for (const work *w = works; w < works + work_count; w++)
        lines += was_measured(r, w);
    double bottom = TOP + 8 + LINE * (double)lines, width = LEFT + (PANEL + GAP) * (double)panels + 16;
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\">\n%s",
            width, bottom + 60, width, style);
    fputs("<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n", f);
    put_title(f, r);
    for (size_t k = 0; k < panels; k++)
        put_panel(f, sizes[k], LEFT + (PANEL + GAP) * (double)k, bottom);
    for (const work *w = works; w < works + work_count; w++) {
        if (!was_measured(r, w)) continue;
        char name[40];
        work_name(name, sizeof name, w);
        fprintf(f, "<text x=\"16\" y=\"%.1f\">", y + 4);
        put_text(f, name);
        fputs("</text>", f);
        for (size_t k = 0; k < panels; k++) {
            const cell *c = find_cell(r, w, sizes[k]);
            if (c) put_cell(f, r, c, LEFT + (PANEL + GAP) * (double)k, y);
        }
        y += LINE;
    }
    put_legend(f, r, bottom + 24);
    fputs("</svg>\n", f);
}
