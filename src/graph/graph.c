/*
 * graph.c - the graph's storage: nodes, symbols, names, inputs, outputs and the first error.
 *
 * Three hash tables with chained entries stand over three arrays (nodes, symbols, names). An entry
 * holds the index of the next one in its chain, so a table is one array of chain heads, and growing
 * it only writes heads and links anew. A head or link of 0 ends a chain: node 0 is the null node
 * and never in one; symbols and names are kept as index + 1.
 *
 * Invariants: an operand's id is below its user's; no two nodes are written the same; when the
 * status is not WN_OK, nothing in the graph changes any more.
 */
#include "graph/graph.h"
#include "graph/trace.h"

#include <stdio.h>
#include <string.h>

/* ---- Errors ---------------------------------------------------------------------------------- */

/* Keep a message of `length` bytes whole. Without memory, its beginning in the error struct has
   to do. */
static void keep_long_message(wn_graph *g, size_t length, const char *format, va_list args) {
    g->long_message = wn_allocate(g->context, length + 1);
    if (g->long_message) vsnprintf(g->long_message, length + 1, format, args);
}

node_id wn_graph_fail(wn_graph *g, wn_status status, const char *format, ...) {
    if (!graph_ok(g)) return 0;
    g->error.status = status;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(g->error.message, sizeof g->error.message, format, args);
    if (length >= (int)sizeof g->error.message) keep_long_message(g, (size_t)length, format, again);
    va_end(again);
    va_end(args);
    return 0;
}

void wn_graph_wrap_error(wn_graph *g, const char *before, const char *after) {
    wn_error first = g->error;
    char *whole = g->long_message;
    if (first.status == WN_OK) return;
    g->error.status = WN_OK;
    g->long_message = NULL;
    wn_graph_fail(g, first.status, "%s%s%s", before, whole ? whole : first.message, after);
    if (whole) wn_release(g->context, whole, strlen(whole) + 1);
}

static bool no_memory(wn_graph *g) {
    wn_graph_fail(g, WN_ERROR_MEMORY, "out of memory while building a graph of %u nodes", g->node_count);
    return false;
}

WN_API wn_status wn_graph_status(const wn_graph *graph) {
    if (!graph || graph->magic != GRAPH_MAGIC) return WN_ERROR_ARGUMENT;
    return graph->error.status != WN_OK ? graph->error.status : graph->compile_error.status;
}

WN_API const char *wn_graph_error(const wn_graph *graph) {
    if (!graph || graph->magic != GRAPH_MAGIC) return "the graph is NULL, or not a graph";
    if (graph->long_message) return graph->long_message;
    return graph->error.status != WN_OK ? graph->error.message : graph->compile_error.message;
}

void wn_graph_report(wn_graph *g, const wn_error *outcome) {
    g->compile_error = *outcome;
}

/* ---- New and free ---------------------------------------------------------------------------- */

WN_API wn_graph *wn_graph_new(wn_context *context) {
    if (!wn_context_ok(context)) return NULL;
    wn_graph *g = wn_allocate(context, sizeof *g);
    if (!g) return NULL;
    memset(g, 0, sizeof *g);
    g->magic = GRAPH_MAGIC;
    g->context = context;
    if (!wn_grow(context, (void **)&g->nodes, &g->node_room, 1, sizeof *g->nodes)) {
        wn_graph_free(g);
        return NULL;
    }
    g->nodes[0] = (node){0};
    g->node_count = 1;
    return g;
}

static void free_names(wn_graph *g) {
    for (uint32_t i = 0; i < g->name_count; i++)
        wn_release(g->context, g->names[i].text, strlen(g->names[i].text) + 1);
    wn_release(g->context, g->names, g->name_room * sizeof *g->names);
    wn_release(g->context, g->name_buckets, g->name_bucket_count * sizeof *g->name_buckets);
}

WN_API void wn_graph_free(wn_graph *g) {
    if (!g || g->magic != GRAPH_MAGIC) return;
    wn_context *c = g->context;
    free_names(g);
    wn_trace_free(g);
    wn_release(c, g->nodes, g->node_room * sizeof *g->nodes);
    wn_release(c, g->buckets, g->bucket_count * sizeof *g->buckets);
    wn_release(c, g->dims, g->dim_room * sizeof *g->dims);
    wn_release(c, g->symbols, g->symbol_room * sizeof *g->symbols);
    wn_release(c, g->symbol_buckets, g->symbol_bucket_count * sizeof *g->symbol_buckets);
    wn_release(c, g->inputs, g->input_room * sizeof *g->inputs);
    wn_release(c, g->outputs, g->output_room * sizeof *g->outputs);
    for (int kind = 0; kind <= NAME_OUTPUT; kind++)
        wn_release(c, g->numbered[kind], g->numbered_room[kind] * sizeof *g->numbered[kind]);
    if (g->long_message) wn_release(c, g->long_message, strlen(g->long_message) + 1);
    g->magic = 0;
    wn_release(c, g, sizeof *g);
}

/* ---- Hash tables ----------------------------------------------------------------------------- */

typedef enum growth { GROWTH_FAILED, GROWTH_NONE, GROWTH_EMPTIED } growth;

/* Make the heads outnumber the entries. GROWTH_EMPTIED: they are new and 0, and every entry has
   to be chained again. */
static growth grow_buckets(wn_graph *g, uint32_t **buckets, uint32_t *count, uint32_t entries) {
    if (entries < *count) return GROWTH_NONE;
    uint32_t new_count = *count ? *count * 2 : 16;
    size_t size = new_count * sizeof **buckets;
    uint32_t *heads = new_count ? wn_allocate(g->context, size) : NULL;
    if (!heads) {
        no_memory(g);
        return GROWTH_FAILED;
    }
    memset(heads, 0, size);
    wn_release(g->context, *buckets, *count * sizeof **buckets);
    *buckets = heads;
    *count = new_count;
    return GROWTH_EMPTIED;
}

static uint64_t text_hash(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++)
        hash = hash_mix(hash, (unsigned char)*text);
    return hash;
}

/* Put `entry` at the head of the chain for `hash`, and return what came first before. */
static uint32_t chain(uint32_t *buckets, uint32_t bucket_count, uint64_t hash, uint32_t entry) {
    uint32_t *head = &buckets[hash & (bucket_count - 1)];
    uint32_t next = *head;
    *head = entry;
    return next;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

uint64_t wn_node_hash(const node *n) {
    uint64_t hash = hash_mix(n->op, (uint64_t)n->type << 8 | (uint8_t)n->attribute);
    for (int i = 0; i < 3; i++)
        hash = hash_mix(hash, n->args[i]);
    return hash_mix(hash, n->bits);
}

bool wn_node_same(const node *a, const dim *a_dims, const node *b, const dim *b_dims) {
    return a->op == b->op && a->type == b->type && a->rank == b->rank && a->attribute == b->attribute &&
           a->bits == b->bits && !memcmp(a->args, b->args, sizeof a->args) &&
           (a->rank == 0 || !memcmp(a_dims, b_dims, a->rank * sizeof *a_dims));
}

static bool grow_node_table(wn_graph *g) {
    growth grown = grow_buckets(g, &g->buckets, &g->bucket_count, g->node_count);
    if (grown == GROWTH_EMPTIED)
        for (node_id id = 1; id < g->node_count; id++)
            g->nodes[id].next = chain(g->buckets, g->bucket_count, wn_node_hash(&g->nodes[id]), id);
    return grown != GROWTH_FAILED;
}

/* Where the lengths are kept: with an operand that has the same ones, or new. */
static bool place_dims(wn_graph *g, node *n, const dim *dims) {
    n->dims = 0;
    if (n->rank == 0) return true;
    for (int i = 0; i < 3; i++) {
        const node *arg = graph_node(g, n->args[i]);
        n->dims = arg->dims;
        if (arg->rank == n->rank && !memcmp(node_dims(g, arg), dims, n->rank * sizeof *dims))
            return true;
    }
    size_t count = (size_t)g->dim_count + n->rank;
    if (!wn_grow(g->context, (void **)&g->dims, &g->dim_room, count, sizeof *g->dims))
        return no_memory(g);
    memcpy(g->dims + g->dim_count, dims, n->rank * sizeof *dims);
    n->dims = g->dim_count;
    g->dim_count += n->rank;
    return true;
}

static node_id append_node(wn_graph *g, node n, const dim *dims, uint64_t hash) {
    if (!wn_grow(g->context, (void **)&g->nodes, &g->node_room, (size_t)g->node_count + 1,
                 sizeof *g->nodes))
        return no_memory(g);
    if (!place_dims(g, &n, dims)) return 0;
    n.next = chain(g->buckets, g->bucket_count, hash, g->node_count);
    g->nodes[g->node_count] = n;
    return g->node_count++;
}

node_id wn_intern(wn_graph *g, const node *n, const dim *dims) {
    if (!graph_ok(g) || !grow_node_table(g)) return 0;
    uint64_t hash = wn_node_hash(n);
    for (node_id id = g->buckets[hash & (g->bucket_count - 1)]; id; id = g->nodes[id].next)
        if (wn_node_same(&g->nodes[id], node_dims(g, &g->nodes[id]), n, dims)) return id;
    return append_node(g, *n, dims, hash);
}

/* ---- Symbols --------------------------------------------------------------------------------- */

static uint64_t symbol_hash(symbol_kind kind, int64_t a, int64_t b) {
    return hash_mix(hash_mix(kind, (uint64_t)a), (uint64_t)b);
}

static bool grow_symbol_table(wn_graph *g) {
    growth grown = grow_buckets(g, &g->symbol_buckets, &g->symbol_bucket_count, g->symbol_count);
    if (grown == GROWTH_EMPTIED)
        for (uint32_t i = 0; i < g->symbol_count; i++) {
            length_symbol *s = &g->symbols[i];
            s->next = chain(g->symbol_buckets, g->symbol_bucket_count,
                            symbol_hash(s->kind, s->a, s->b), i + 1);
        }
    return grown != GROWTH_FAILED;
}

int64_t wn_find_symbol(const wn_graph *g, symbol_kind kind, int64_t a, int64_t b) {
    if (g->symbol_bucket_count == 0) return -1;
    uint64_t hash = symbol_hash(kind, a, b);
    for (uint32_t i = g->symbol_buckets[hash & (g->symbol_bucket_count - 1)]; i;
         i = g->symbols[i - 1].next) {
        const length_symbol *s = &g->symbols[i - 1];
        if (s->kind == kind && s->a == a && s->b == b) return i - 1;
    }
    return -1;
}

dim wn_symbol(wn_graph *g, symbol_kind kind, int64_t a, int64_t b) {
    if (!graph_ok(g) || !grow_symbol_table(g)) return 0;
    uint64_t hash = symbol_hash(kind, a, b);
    int64_t found = wn_find_symbol(g, kind, a, b);
    if (found >= 0) return ~(dim)found;
    size_t count = (size_t)g->symbol_count + 1;
    if (!wn_grow(g->context, (void **)&g->symbols, &g->symbol_room, count, sizeof *g->symbols))
        return no_memory(g);
    uint32_t next = chain(g->symbol_buckets, g->symbol_bucket_count, hash, g->symbol_count + 1);
    g->symbols[g->symbol_count] = (length_symbol){.kind = kind, .next = next, .a = a, .b = b};
    return ~(dim)g->symbol_count++;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static bool grow_name_table(wn_graph *g) {
    growth grown = grow_buckets(g, &g->name_buckets, &g->name_bucket_count, g->name_count);
    if (grown == GROWTH_EMPTIED)
        for (uint32_t i = 0; i < g->name_count; i++)
            g->names[i].next =
                chain(g->name_buckets, g->name_bucket_count, text_hash(g->names[i].text), i + 1);
    return grown != GROWTH_FAILED;
}

/* Names of inputs and values are one set, those of outputs another. */
static const node_name *find_name(const wn_graph *g, const char *text, bool output) {
    if (!g->name_bucket_count) return NULL;
    for (uint32_t i = g->name_buckets[text_hash(text) & (g->name_bucket_count - 1)]; i;
         i = g->names[i - 1].next) {
        const node_name *n = &g->names[i - 1];
        if ((n->kind == NAME_OUTPUT) == output && !strcmp(n->text, text)) return n;
    }
    return NULL;
}

/* What a name in an expression means: an input or a value, or else the value of an output. */
static const node_name *find_meaning(const wn_graph *g, const char *text) {
    const node_name *found = find_name(g, text, false);
    return found ? found : find_name(g, text, true);
}

node_id wn_find_output(const wn_graph *g, const char *text) {
    const node_name *found = find_name(g, text, true);
    return found ? found->id : 0;
}

static bool append_id(wn_graph *g, uint32_t **ids, uint32_t *count, uint32_t *room, uint32_t id) {
    if (!wn_grow(g->context, (void **)ids, room, (size_t)*count + 1, sizeof **ids))
        return no_memory(g);
    (*ids)[(*count)++] = id;
    return true;
}

bool wn_add_name(wn_graph *g, name_kind kind, const char *text, node_id id) {
    if (!graph_ok(g) || !grow_name_table(g)) return false;
    size_t size = strlen(text) + 1;
    size_t count = (size_t)g->name_count + 1;
    if (!wn_grow(g->context, (void **)&g->names, &g->name_room, count, sizeof *g->names))
        return no_memory(g);
    char *copy = wn_allocate(g->context, size);
    if (!copy) return no_memory(g);
    memcpy(copy, text, size);
    uint32_t next = chain(g->name_buckets, g->name_bucket_count, text_hash(text), g->name_count + 1);
    g->names[g->name_count++] = (node_name){.text = copy, .id = id, .kind = kind, .next = next};
    return append_id(g, &g->numbered[kind], &g->numbered_count[kind], &g->numbered_room[kind],
                     g->name_count - 1);
}

bool wn_add_input(wn_graph *g, node_id id) {
    return graph_ok(g) && append_id(g, &g->inputs, &g->input_count, &g->input_room, id);
}

bool wn_add_output(wn_graph *g, node_id id) {
    return graph_ok(g) && append_id(g, &g->outputs, &g->output_count, &g->output_room, id);
}

/* Whether `text` can name something; `what` is for the message. */
static bool check_name(wn_graph *g, const char *text, const char *what) {
    if (!text) return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s: the name is NULL", what);
    size_t length = strlen(text);
    if (!wn_is_name(text, length))
        return wn_graph_fail(
            g, WN_ERROR_NAME,
            "%s: \"%s\" is no name: letters, digits and _, not beginning with a digit", what, text);
    if (wn_is_word(text, length))
        return wn_graph_fail(g, WN_ERROR_NAME, "%s: \"%s\" is a word of the language", what, text);
    return true;
}

static node_id fail_taken(wn_graph *g, const char *what, const char *text, name_kind kind) {
    static const char *const kinds[] = {"an input", "a value", "an output"};
    return wn_graph_fail(g, WN_ERROR_NAME, "%s: \"%s\" is already the name of %s", what, text,
                         kinds[kind]);
}

/* Whether the handle is a value of this graph. */
static bool check_value(wn_graph *g, wn_node value, const char *what, const char *text) {
    if (value.graph != g)
        return wn_graph_fail(
            g, WN_ERROR_ARGUMENT, "%s \"%s\": the value is of %s", what, text ? text : "",
            value.graph ? "another graph" : "no graph: only literals, or a NULL graph, made it");
    if (value.id == 0 || value.id >= g->node_count)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s \"%s\": the value is the null node", what,
                             text ? text : "");
    return true;
}

WN_API wn_node wn_name(wn_node value, const char *text) {
    wn_graph *g = value.graph;
    wn_node null = {g, 0};
    if (!graph_ok(g) || !check_value(g, value, "name", text) || !check_name(g, text, "name"))
        return null;
    const node_name *taken = find_meaning(g, text);
    if (taken && taken->id == value.id && taken->kind != NAME_OUTPUT) return value;
    if (taken && taken->id != value.id) {
        fail_taken(g, "name", text, taken->kind);
        return null;
    }
    return wn_add_name(g, NAME_VALUE, text, value.id) ? value : null;
}

WN_API wn_node wn_find(const wn_graph *graph, const char *text) {
    wn_node null = {(wn_graph *)graph, 0};
    if (!graph_ok(graph) || !text) return null;
    const node_name *found = find_meaning(graph, text);
    return found ? (wn_node){(wn_graph *)graph, found->id} : null;
}

/* ---- Inputs and outputs ---------------------------------------------------------------------- */

static bool check_input(wn_graph *g, const char *text, wn_type type, int32_t rank, const int64_t *dims) {
    if (!check_name(g, text, "input")) return false;
    const node_name *taken = find_meaning(g, text);
    if (taken) return fail_taken(g, "input", text, taken->kind);
    if (type == WN_BITMAP)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT,
                             "input \"%s\": declare it bool, and give it a bitmap", text);
    if ((unsigned)type >= WN_TYPE_COUNT)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "input \"%s\": %d is no type", text, (int)type);
    if (rank < 0 || rank > WN_MAX_RANK)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "input \"%s\": rank %d is not between 0 and %d",
                             text, (int)rank, WN_MAX_RANK);
    if (rank > 0 && !dims)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "input \"%s\": the lengths are NULL", text);
    for (int32_t i = 0; i < rank; i++)
        if (dims[i] < 0 && dims[i] != WN_ANY)
            return wn_graph_fail(g, WN_ERROR_ARGUMENT, "input \"%s\": length %lld of axis %d is below 0",
                                 text, (long long)dims[i], (int)i);
    return true;
}

WN_API wn_node wn_input_dims(wn_graph *graph, const char *text, wn_type type, int32_t rank,
                             const int64_t *dims) {
    wn_node null = {graph, 0};
    if (!graph_ok(graph) || !check_input(graph, text, type, rank, dims)) return null;
    node n = {.op = OP_input, .type = (uint8_t)type, .rank = (uint8_t)rank, .bits = graph->input_count};
    dim lengths[WN_MAX_RANK];
    for (int32_t i = 0; i < rank; i++)
        lengths[i] =
            dims[i] == WN_ANY ? wn_symbol(graph, SYMBOL_INPUT, graph->input_count, i) : dims[i];
    node_id id = wn_intern(graph, &n, lengths);
    if (!id || !wn_add_input(graph, id) || !wn_add_name(graph, NAME_INPUT, text, id)) return null;
    return (wn_node){graph, id};
}

WN_API void wn_output(wn_graph *graph, const char *text, wn_node value) {
    if (!graph_ok(graph) || !check_name(graph, text, "output") ||
        !check_value(graph, value, "output", text))
        return;
    if (find_name(graph, text, true)) {
        fail_taken(graph, "output", text, NAME_OUTPUT);
        return;
    }
    node_id id = value.id;
    if (node_is_literal(graph_node(graph, id))) id = wn_default_literal(graph, id);
    if (id && wn_add_output(graph, id)) wn_add_name(graph, NAME_OUTPUT, text, id);
}
