/*
 * copy.c - what of a graph matters to a kernel: the live nodes alone, as a graph of their own and as the words of a key.
 *
 * A copy keeps the order of the nodes, so equal building gives equal copies whatever died on the
 * way. It keeps every input, used or not, since a kernel takes them all.
 *
 * A key is that copy written down without being made: the same nodes and symbols under the same numbers. So a graph and its
 * copy have one key, and finding a kernel again costs no copy.
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
    for (node_id id = g->node_count - 1; id > 0; id--) {
        const node *n = &g->nodes[id];
        if (c->ids[id]) c->ids[n->args[0]] = c->ids[n->args[1]] = c->ids[n->args[2]] = 1;
    }
    c->ids[0] = 0;
}

static void mark_length(copying *c, dim d) {
    if (d < 0) c->symbols[~d] = 1;
}

/* The parts of a symbol are older than it. */
static void mark_symbols(copying *c) {
    const wn_graph *g = c->from;
    for (node_id id = 1; id < g->node_count; id++) {
        const node *n = &g->nodes[id];
        const dim *dims = node_dims(g, n);
        for (int i = c->ids[id] ? n->rank : 0; i-- > 0;)
            mark_length(c, dims[i]);
    }
    for (uint32_t i = g->symbol_count; i-- > 0;) {
        const length_symbol *s = &g->symbols[i];
        if (!c->symbols[i] || s->kind != SYMBOL_BROADCAST) continue;
        mark_length(c, s->a);
        mark_length(c, s->b);
    }
}

static void mark_live(copying *c) {
    memset(c->ids, 0, c->from->node_count * sizeof *c->ids);
    memset(c->symbols, 0, c->from->symbol_count * sizeof *c->symbols);
    mark_nodes(c);
    mark_symbols(c);
}

static bool new_maps(copying *c) {
    c->ids = wn_allocate(c->from->context, c->from->node_count * sizeof *c->ids);
    c->symbols = wn_allocate(c->from->context, c->from->symbol_count * sizeof *c->symbols);
    return c->ids && c->symbols;
}

static void free_maps(copying *c) {
    wn_release(c->from->context, c->ids, c->from->node_count * sizeof *c->ids);
    wn_release(c->from->context, c->symbols, c->from->symbol_count * sizeof *c->symbols);
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
    mark_live(c);
    uint32_t next_symbol = 0;
    for (node_id id = 1; id < c->from->node_count && graph_ok(c->to); id++)
        if (c->ids[id]) copy_node(c, id, &next_symbol);
    copy_lists(c);
}

wn_graph *wn_graph_copy_ids(const wn_graph *g, node_id *ids) {
    wn_graph *to = wn_graph_new(g->context);
    if (!to) return NULL;
    copying c = {.from = g, .to = to};
    bool done = new_maps(&c);
    if (done) copy_all(&c);
    if (done && ids) memcpy(ids, c.ids, g->node_count * sizeof *ids);
    free_maps(&c);
    if (done && graph_ok(to)) return to;
    wn_graph_free(to);
    return NULL;
}

wn_graph *wn_graph_copy(const wn_graph *g) {
    return wn_graph_copy_ids(g, NULL);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

void wn_key_begin(wn_key *key, wn_context *c) {
    key->context = c;
    key->words = key->own;
    key->count = 0;
    key->room = KEY_OWN_WORDS;
    key->failed = false;
}

void wn_key_end(wn_key *key) {
    if (key->words != key->own)
        wn_release(key->context, key->words, key->room * sizeof *key->words);
}

static bool make_room(wn_key *key, size_t count) {
    size_t room = 2 * (key->count + count), size = room * sizeof *key->words;
    uint64_t *words = key->failed ? NULL : wn_allocate(key->context, size);
    if (!words) {
        key->failed = true;
        return false;
    }
    memcpy(words, key->words, key->count * sizeof *words);
    wn_key_end(key);
    key->words = words;
    key->room = room;
    return true;
}

/* Room for `count` more words at the end, which are added; NULL: out of memory. */
static inline uint64_t *add_words(wn_key *key, size_t count) {
    if (key->count + count > key->room && !make_room(key, count)) return NULL;
    key->count += count;
    return key->words + key->count - count;
}

void wn_key_add(wn_key *key, uint64_t word) {
    uint64_t *words = add_words(key, 1);
    if (words) *words = word;
}

void wn_key_add_bytes(wn_key *key, const void *bytes, size_t size) {
    size_t count = (size + 7) / 8;
    uint64_t *words = add_words(key, 1 + count);
    if (!words) return;
    words[count] = 0;
    words[0] = size;
    if (size) memcpy(words + 1, bytes, size);
}

uint64_t wn_key_hash(const uint64_t *words, size_t count) {
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        hash = hash_mix(hash, words[i]);
    return hash;
}

static void write_node(const copying *c, const node *n, wn_key *key) {
    uint64_t *words = add_words(key, 3 + (size_t)n->rank);
    const dim *dims = node_dims(c->from, n);
    if (!words) return;
    words[0] = n->op | (uint64_t)n->type << 8 | (uint64_t)n->rank << 16 |
               (uint64_t)(uint8_t)n->attribute << 24 | (uint64_t)c->ids[n->args[0]] << 32;
    words[1] = c->ids[n->args[1]] | (uint64_t)c->ids[n->args[2]] << 32;
    words[2] = n->bits;
    for (int i = 0; i < n->rank; i++)
        words[3 + i] = (uint64_t)copied_length(c, dims[i]);
}

static void write_symbol(const copying *c, const length_symbol *s, wn_key *key) {
    bool broadcast = s->kind == SYMBOL_BROADCAST, count = s->kind == SYMBOL_COUNT;
    uint64_t *words = add_words(key, 3);
    if (!words) return;
    words[0] = s->kind;
    words[1] = (uint64_t)(broadcast ? copied_length(c, s->a) : count ? c->ids[s->a] : s->a);
    words[2] = (uint64_t)(broadcast ? copied_length(c, s->b) : s->b);
}

static void write_names(const copying *c, name_kind kind, const node_id *ids, uint32_t count,
                        wn_key *key) {
    for (uint32_t i = 0; i < count; i++) {
        const char *text = wn_graph_name(c->from, kind, (int32_t)i);
        wn_key_add(key, c->ids[ids[i]]);
        wn_key_add_bytes(key, text, strlen(text));
    }
}

static void write_all(copying *c, wn_key *key) {
    const wn_graph *g = c->from;
    uint32_t nodes = 1, symbols = 0;
    mark_live(c);
    for (uint32_t i = 0; i < g->symbol_count; i++)
        if (c->symbols[i]) c->symbols[i] = ~(dim)symbols++;
    size_t counts = key->count;
    wn_key_add(key, 0); /* for both counts */
    for (node_id id = 1; id < g->node_count; id++) {
        if (!c->ids[id]) continue;
        c->ids[id] = nodes++;
        write_node(c, &g->nodes[id], key);
    }
    for (uint32_t i = 0; i < g->symbol_count; i++)
        if (c->symbols[i]) write_symbol(c, &g->symbols[i], key);
    wn_key_add(key, g->input_count | (uint64_t)g->output_count << 32);
    write_names(c, NAME_INPUT, g->inputs, g->input_count, key);
    write_names(c, NAME_OUTPUT, g->outputs, g->output_count, key);
    if (!key->failed) key->words[counts] = nodes | (uint64_t)symbols << 32;
}

void wn_key_add_graph(wn_key *key, const wn_graph *g) {
    dim few_symbols[64];
    node_id few_ids[256];
    copying c = {.from = g, .ids = few_ids, .symbols = few_symbols};
    bool many = g->node_count > 256 || g->symbol_count > 64;
    if (many && !new_maps(&c)) key->failed = true;
    if (!key->failed) write_all(&c, key);
    if (many) free_maps(&c);
}
