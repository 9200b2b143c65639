/*
 * copy.c - what of a graph matters to a kernel: the live nodes alone, and equality and a hash of
 * that.
 *
 * A copy keeps the order of the nodes, so equal building gives equal copies whatever died on the
 * way. It keeps every input, used or not, since a kernel takes them all.
 */
#include "graph/graph.h"

#include <string.h>

/* One copying. Ids and symbols of the source are indices into the maps. */
typedef struct copying {
    const wn_graph *from;
    wn_graph *to;
    node_id *ids; /* in `to`; 1 while only marked as live, 0: dead */
    dim *symbols; /* in `to`; 1 while only marked as live, 0: dead */
} copying;

/* ---- What is live ---------------------------------------------------------------------------- */

/* Operands have lower ids than their users, so one walk downwards meets every user first. */
static void mark_nodes(copying *c) {
    const wn_graph *g = c->from;
    for (uint32_t i = 0; i < g->input_count; i++)
        c->ids[g->inputs[i]] = 1;
    for (uint32_t i = 0; i < g->output_count; i++)
        c->ids[g->outputs[i]] = 1;
    for (uint32_t i = 0; g->error.status != WN_OK && i < g->name_count; i++)
        c->ids[g->names[i].id] = 1; /* of what has failed, all that has a name, to be looked at */
    for (node_id id = g->node_count - 1; id > 0; id--)
        for (int i = 0; i < 3 && c->ids[id]; i++)
            c->ids[g->nodes[id].args[i]] = 1;
    c->ids[0] = 0;
}

static void mark_length(copying *c, dim d) {
    if (d < 0) c->symbols[~d] = 1;
}

/* The parts of a symbol are older than it. */
static void mark_symbols(copying *c) {
    const wn_graph *g = c->from;
    for (node_id id = 1; id < g->node_count; id++)
        for (int i = 0; i < g->nodes[id].rank && c->ids[id]; i++)
            mark_length(c, node_dims(g, &g->nodes[id])[i]);
    for (uint32_t i = g->symbol_count; i-- > 0;) {
        const length_symbol *s = &g->symbols[i];
        if (!c->symbols[i] || s->kind != SYMBOL_BROADCAST) continue;
        mark_length(c, s->a);
        mark_length(c, s->b);
    }
}

/* ---- Copying --------------------------------------------------------------------------------- */

static dim copied_length(const copying *c, dim d) {
    return d < 0 ? c->symbols[~d] : d;
}

/* A symbol when the first node needs it: the nodes and symbols that it is made of are copied by
   then. */
static void copy_symbols_before(copying *c, uint32_t *next, uint32_t end) {
    for (; *next < end; ++*next) {
        if (!c->symbols[*next]) continue;
        length_symbol s = c->from->symbols[*next];
        if (s.kind == SYMBOL_COUNT) s.a = c->ids[s.a];
        if (s.kind == SYMBOL_BROADCAST) {
            s.a = copied_length(c, s.a);
            s.b = copied_length(c, s.b);
        }
        c->symbols[*next] = wn_symbol(c->to, s.kind, s.a, s.b);
    }
}

static void copy_node(copying *c, node_id id, uint32_t *next_symbol) {
    node n = c->from->nodes[id];
    const dim *from = node_dims(c->from, &n);
    dim dims[WN_MAX_RANK];
    for (int i = 0; i < n.rank; i++) {
        if (from[i] < 0) copy_symbols_before(c, next_symbol, (uint32_t)~from[i] + 1);
        dims[i] = copied_length(c, from[i]);
    }
    for (int i = 0; i < 3; i++)
        n.args[i] = c->ids[n.args[i]];
    c->ids[id] = wn_intern(c->to, &n, dims);
}

static void copy_lists(copying *c) {
    const wn_graph *g = c->from;
    for (uint32_t i = 0; i < g->input_count; i++)
        wn_add_input(c->to, c->ids[g->inputs[i]]);
    for (uint32_t i = 0; i < g->output_count; i++)
        wn_add_output(c->to, c->ids[g->outputs[i]]);
    for (uint32_t i = 0; i < g->name_count; i++)
        if (c->ids[g->names[i].id])
            wn_add_name(c->to, g->names[i].kind, g->names[i].text, c->ids[g->names[i].id]);
}

static void copy_all(copying *c) {
    memset(c->ids, 0, c->from->node_count * sizeof *c->ids);
    memset(c->symbols, 0, c->from->symbol_count * sizeof *c->symbols);
    mark_nodes(c);
    mark_symbols(c);
    uint32_t next_symbol = 0;
    for (node_id id = 1; id < c->from->node_count && graph_ok(c->to); id++)
        if (c->ids[id]) copy_node(c, id, &next_symbol);
    copy_lists(c);
}

wn_graph *wn_graph_copy_ids(const wn_graph *g, node_id *ids) {
    wn_graph *to = wn_graph_new(g->context);
    if (!to) return NULL;
    size_t ids_size = g->node_count * sizeof(node_id),
           symbols_size = (g->symbol_count + 1) * sizeof(dim);
    copying c = {.from = g, .to = to};
    c.ids = wn_allocate(g->context, ids_size);
    c.symbols = wn_allocate(g->context, symbols_size);
    bool done = c.ids && c.symbols;
    if (done) copy_all(&c);
    if (done && ids) memcpy(ids, c.ids, ids_size);
    wn_release(g->context, c.ids, c.ids ? ids_size : 0);
    wn_release(g->context, c.symbols, c.symbols ? symbols_size : 0);
    if (done && graph_ok(to)) return to;
    wn_graph_free(to);
    return NULL;
}

wn_graph *wn_graph_copy(const wn_graph *g) {
    return wn_graph_copy_ids(g, NULL);
}

/* ---- Equality -------------------------------------------------------------------------------- */

/* The next name from *i on that a kernel shows, or NULL. */
static const node_name *next_shown_name(const wn_graph *g, uint32_t *i) {
    while (*i < g->name_count) {
        const node_name *n = &g->names[(*i)++];
        if (n->kind != NAME_VALUE) return n;
    }
    return NULL;
}

static bool names_equal(const wn_graph *a, const wn_graph *b) {
    uint32_t i = 0, j = 0;
    for (;;) {
        const node_name *m = next_shown_name(a, &i), *n = next_shown_name(b, &j);
        if (!m || !n) return m == n;
        if (m->kind != n->kind || m->id != n->id || strcmp(m->text, n->text) != 0) return false;
    }
}

static bool ids_equal(const node_id *a, uint32_t a_count, const node_id *b, uint32_t b_count) {
    return a_count == b_count && (a_count == 0 || !memcmp(a, b, a_count * sizeof *a));
}

bool wn_graph_equal(const wn_graph *a, const wn_graph *b) {
    if (a->node_count != b->node_count || a->symbol_count != b->symbol_count) return false;
    for (uint32_t i = 0; i < a->symbol_count; i++) {
        const length_symbol *s = &a->symbols[i], *t = &b->symbols[i];
        if (s->kind != t->kind || s->a != t->a || s->b != t->b) return false;
    }
    for (node_id id = 1; id < a->node_count; id++) {
        const node *m = &a->nodes[id], *n = &b->nodes[id];
        if (!wn_node_same(m, node_dims(a, m), n, node_dims(b, n))) return false;
    }
    return ids_equal(a->inputs, a->input_count, b->inputs, b->input_count) &&
           ids_equal(a->outputs, a->output_count, b->outputs, b->output_count) && names_equal(a, b);
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text; text++)
        hash = hash_mix(hash, (unsigned char)*text);
    return hash_mix(hash, 0x100);
}

uint64_t wn_graph_hash(const wn_graph *g) {
    uint64_t hash = g->node_count;
    for (node_id id = 1; id < g->node_count; id++) {
        const node *n = &g->nodes[id];
        hash = hash_mix(hash, wn_node_hash(n));
        for (int i = 0; i < n->rank; i++)
            hash = hash_mix(hash, (uint64_t)node_dims(g, n)[i]);
    }
    uint32_t i = 0;
    for (const node_name *n; (n = next_shown_name(g, &i));)
        hash = hash_text(hash_mix(hash, (uint64_t)n->kind << 32 | n->id), n->text);
    return hash;
}
