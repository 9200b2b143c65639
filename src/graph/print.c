/*
 * print.c - nodes become text: the listing, which parses back, and the picture for Graphviz.
 *
 * A listing declares every input, gives each live operation a statement in the order of the nodes, and ends with the
 * outputs:
 *
 *     input x: f32[?];
 *     c = less(x, 0.0);
 *     v1 = where(c, 0.0, x);
 *     output y = add(v1, x);
 *     output c;
 *
 * An operation that one output alone uses, and that has no other name, is written in the output's statement. A label is the
 * first name of a node that means nothing else in the listing; without one, v1, v2 and so on, past names that are taken.
 * A constant is written bare where what it meets gives it its type back, and else as a cast: i8(44). Only the payload of a
 * NaN is lost: the language has no way to write it.
 */
#include "graph/graph.h"

#include <stdio.h>
#include <string.h>

/* What is found out about each node before anything is written. */
typedef struct note {
    uint32_t uses; /* by live operations and outputs; 0: dead, or an unused input                 */
    uint32_t name; /* index + 1 in the graph's names                                              */
    uint32_t number; /* of a live operation without a name: N in vN                                 */
    bool is_output;
    bool in_output; /* written in the statement of an output, and not in one of its own            */
} note;

typedef wn_labels printer;

/* ---- Constants --------------------------------------------------------------------------------------------------- */

static void typed_text(wn_type type, uint64_t bits, char text[40]) {
    unsigned shift = 64 - 8 * (unsigned)wn_type_size(type);
    if (type == WN_BOOL)
        snprintf(text, 40, "%s", bits ? "true" : "false");
    else if (type_is_signed(type))
        snprintf(text, 40, "%lld", (long long)(int64_t)(bits << shift) >> shift);
    else if (type_is_integer(type))
        snprintf(text, 40, "%llu", (unsigned long long)bits);
    else
        wn_format_float(type, wn_constant_value(type, bits), text);
    if (type_is_float(type) && text[0] == 'n' && bits << shift >> 63) snprintf(text, 40, "-nan");
}

void wn_constant_text(const node *n, char text[40]) {
    if (n->op != OP_literal) {
        typed_text((wn_type)n->type, n->bits, text);
        return;
    }
    switch ((literal_kind)n->attribute) {
    case LITERAL_BOOL: typed_text(WN_BOOL, n->bits, text); break;
    case LITERAL_INT: typed_text(WN_U64, n->bits, text); break;
    case LITERAL_NEGATIVE: typed_text(WN_I64, n->bits, text); break;
    case LITERAL_COMPLEMENT: snprintf(text, 40, "~%llu", (unsigned long long)n->bits); break;
    case LITERAL_FLOAT: typed_text(WN_F64, n->bits, text); break;
    }
}

static bool is_constant(const wn_graph *g, node_id id) {
    return graph_node(g, id)->op == OP_constant || graph_node(g, id)->op == OP_literal;
}

/* Whether a literal without anything beside it becomes this type. */
static bool is_default_type(wn_type type) {
    return type == WN_BOOL || type == WN_I64 || type == WN_F64;
}

/* Whether operand `i`, a constant, gets its type back from its place in the operation. */
static bool place_gives_type(const wn_graph *g, const node *n, int i) {
    const node *operand = graph_node(g, n->args[i]);
    if (operand->op == OP_literal || operand->type == WN_BOOL) return true;
    if (n->op == OP_expand || n->op == OP_place || n->op == OP_putmask)
        return !is_constant(g, n->args[i == 0 ? 2 : 0]) ||
               i == 2; /* of two constants the first is written with its type */
    int first = n->op == OP_where, other = first + 1 - (i - first);
    if (n->args[first + 1] == 0 || n->op < OP_first_elementwise_) return false;
    if (!is_constant(g, n->args[other])) return true;
    bool defaults =
        n->op == OP_where && !is_constant(g, n->args[0]) && is_default_type((wn_type)operand->type);
    return defaults || other < i; /* the first of two constants is written with its type */
}

/* ---- Labels ------------------------------------------------------------------------------------------------------ */

static bool is_operation(const wn_graph *g, node_id id) {
    return id > 0 && !is_constant(g, id) && graph_node(g, id)->op != OP_input;
}

static void count_uses(printer *p) {
    const wn_graph *g = p->g;
    for (uint32_t i = 0; i < g->output_count; i++) {
        p->notes[g->outputs[i]].uses++;
        p->notes[g->outputs[i]].is_output = true;
    }
    for (node_id id = g->node_count - 1; id > 0; id--)
        for (int i = 0; i < 3 && p->notes[id].uses; i++)
            p->notes[graph_node(g, id)->args[i]].uses++;
}

/* Whether the name can stand for its node in the listing. */
static bool is_free(const printer *p, const node_name *n) {
    if (n->kind == NAME_INPUT) return true;
    if (graph_node(p->g, n->id)->op == OP_input) return false;
    if (n->kind == NAME_OUTPUT) return wn_find(p->g, n->text).id == n->id;
    node_id output = wn_find_output(p->g, n->text);
    return output == 0 || output == n->id;
}

static void choose_labels(printer *p) {
    const wn_graph *g = p->g;
    for (uint32_t i = 0; i < g->name_count; i++) {
        const node_name *n = &g->names[i];
        if (!p->notes[n->id].name && is_free(p, n)) p->notes[n->id].name = i + 1;
    }
    uint32_t number = 0;
    for (node_id id = 1; id < g->node_count; id++) {
        char text[16];
        if (!is_operation(g, id) || !p->notes[id].uses || p->notes[id].name) continue;
        do
            snprintf(text, sizeof text, "v%u", ++number);
        while (wn_find(g, text).id);
        p->notes[id].number = number;
    }
}

bool wn_labels_find(printer *p, const wn_graph *g) {
    *p = (printer){.g = g, .notes = wn_allocate(g->context, g->node_count * sizeof(note))};
    if (!p->notes) return false;
    memset(p->notes, 0, g->node_count * sizeof(note));
    count_uses(p);
    choose_labels(p);
    return true;
}

void wn_labels_free(printer *p) {
    wn_release(p->g->context, p->notes, p->g->node_count * sizeof(note));
}

static const char *name_of(const printer *p, node_id id) {
    uint32_t name = p->notes[id].name;
    return name ? p->g->names[name - 1].text : NULL;
}

static void print_label(const printer *p, wn_buffer *b, node_id id) {
    const char *name = name_of(p, id);
    if (name)
        wn_buffer_add(b, "%s", name);
    else
        wn_buffer_add(b, "v%u", p->notes[id].number);
}

void wn_node_label(const printer *p, node_id id, char *text, size_t size) {
    char constant[40];
    if (id == 0 || id >= p->g->node_count) {
        snprintf(text, size, "null");
    } else if (is_constant(p->g, id)) {
        wn_constant_text(graph_node(p->g, id), constant);
        snprintf(text, size, "%s", constant);
    } else if (name_of(p, id)) {
        snprintf(text, size, "%s", name_of(p, id));
    } else {
        snprintf(text, size, "v%u", p->notes[id].number);
    }
}

/* ---- Statements -------------------------------------------------------------------------------------------------- */

static void print_constant(const printer *p, wn_buffer *b, node_id id, bool bare) {
    const node *n = graph_node(p->g, id);
    char text[40];
    wn_constant_text(n, text);
    if (bare)
        wn_buffer_add(b, "%s", text);
    else
        wn_buffer_add(b, "%s(%s)", wn_type_name((wn_type)n->type), text);
}

static void print_operand(const printer *p, wn_buffer *b, const node *n, int i) {
    if (is_constant(p->g, n->args[i]))
        print_constant(p, b, n->args[i], place_gives_type(p->g, n, i));
    else
        print_label(p, b, n->args[i]);
}

static void begin_line(printer *p, const wn_buffer *b) {
    p->line++;
    p->line_start = b->length;
}

/* What is printed next stands here. */
static wn_spot place_here(const printer *p, const wn_buffer *b) {
    return (wn_spot){p->line, (uint32_t)(b->length - p->line_start) + 1};
}

static void print_axes(const printer *p, wn_buffer *b, const node *n) {
    int rank = graph_node(p->g, n->args[0])->rank, count = 0, written = 0, axes[WN_MAX_RANK];
    for (int i = 0; i < rank; i++)
        if (axis_is_reduced(n, i)) axes[count++] = i;
    if (count == rank) return;
    wn_buffer_add(b, count == 1 ? ", axis=" : ", axis=(");
    for (; written < count; written++)
        wn_buffer_add(b, "%s%d", written ? ", " : "", axes[written]);
    if (count > 1) wn_buffer_add(b, ")");
}

static void print_reduction(const printer *p, wn_buffer *b, const node *n) {
    print_operand(p, b, n, 0);
    if (n->args[1] && !(n->bits & REDUCE_PACKED)) {
        wn_buffer_add(b, ", where=");
        print_operand(p, b, n, 1);
    }
    print_axes(p, b, n);
    if (n->bits & REDUCE_KEEPDIMS) wn_buffer_add(b, ", keepdims=true");
    if (n->bits & REDUCE_NEUTRAL) {
        node neutral = {.type = n->type, .bits = wn_reduction_identity((op)n->op, (wn_type)n->type)};
        char text[40];
        wn_constant_text(&neutral, text);
        wn_buffer_add(b, ", initial=%s", text);
    }
}

static void print_operation(const printer *p, wn_buffer *b, node_id id) {
    const node *n = graph_node(p->g, id);
    if (p->nodes) p->nodes[id] = place_here(p, b);
    wn_buffer_add(b, "%s(", wn_op_row((op)n->op)->name);
    if (op_is_reduction((op)n->op)) {
        print_reduction(p, b, n);
    } else {
        for (int i = 0; i < node_arity(n); i++) {
            if (i) wn_buffer_add(b, ", ");
            print_operand(p, b, n, i);
        }
    }
    if (n->op == OP_cast) wn_buffer_add(b, ", %s", wn_type_name((wn_type)n->type));
    bool axis = n->op == OP_boolean_mask || n->op == OP_expand;
    if (n->op == OP_compress || (axis && n->attribute)) wn_buffer_add(b, ", axis=%d", n->attribute);
    wn_buffer_add(b, ")");
}

/* "f32[?, 3]" */
static void print_type(const printer *p, wn_buffer *b, node_id id) {
    const node *n = graph_node(p->g, id);
    char shape[256];
    wn_shape_text(n->rank, node_dims(p->g, n), shape, sizeof shape);
    wn_buffer_add(b, "%s%s", wn_type_name((wn_type)n->type), shape);
}

static void print_input(const printer *p, wn_buffer *b, node_id id) {
    wn_buffer_add(b, "input ");
    if (p->nodes) p->nodes[id] = place_here(p, b);
    wn_buffer_add(b, "%s: ", name_of(p, id));
    print_type(p, b, id);
    wn_buffer_add(b, ";\n");
}

/* Whether an operation is written in the statement of the output that has this name. */
static bool is_inline(const printer *p, node_id id, const char *output) {
    const char *name = name_of(p, id);
    return is_operation(p->g, id) && p->notes[id].uses == 1 && (!name || !strcmp(name, output));
}

static void print_output(const printer *p, wn_buffer *b, uint32_t number, const node_name *entry) {
    const char *output = entry->text;
    node_id id = entry->id;
    const char *name = name_of(p, id);
    wn_buffer_add(b, "output ");
    if (p->outputs) p->outputs[number] = place_here(p, b);
    wn_buffer_add(b, "%s", output);
    if (is_constant(p->g, id)) {
        wn_buffer_add(b, " = ");
        print_constant(p, b, id, is_default_type((wn_type)graph_node(p->g, id)->type));
    } else if (is_inline(p, id, output)) {
        wn_buffer_add(b, " = ");
        print_operation(p, b, id);
    } else if (!name || strcmp(name, output) != 0) {
        wn_buffer_add(b, " = ");
        print_label(p, b, id);
    }
    wn_buffer_add(b, ";\n");
}

/* Mark what the outputs' statements will hold: such a node gets no statement of its own. */
static void mark_inline(printer *p) {
    for (uint32_t i = 0; i < p->g->name_count; i++) {
        const node_name *n = &p->g->names[i];
        if (n->kind == NAME_OUTPUT && is_inline(p, n->id, n->text))
            p->notes[n->id].in_output = true;
    }
}

static void print_statements(printer *p, wn_buffer *b) {
    for (node_id id = 1; id < p->g->node_count; id++) {
        if (!is_operation(p->g, id) || !p->notes[id].uses || p->notes[id].in_output) continue;
        begin_line(p, b);
        print_label(p, b, id);
        wn_buffer_add(b, " = ");
        print_operation(p, b, id);
        wn_buffer_add(b, ";\n");
    }
}

void wn_print_listing_places(const wn_graph *g, wn_buffer *b, wn_spot *nodes, wn_spot *outputs) {
    printer p;
    if (!wn_labels_find(&p, g)) {
        b->failed = true;
        return;
    }
    p.nodes = nodes;
    p.outputs = outputs;
    for (uint32_t i = 0; i < g->input_count; i++) {
        begin_line(&p, b);
        print_input(&p, b, g->inputs[i]);
    }
    mark_inline(&p);
    print_statements(&p, b);
    for (uint32_t i = 0; i < g->numbered_count[NAME_OUTPUT]; i++) {
        begin_line(&p, b);
        print_output(&p, b, i, &g->names[g->numbered[NAME_OUTPUT][i]]);
    }
    wn_labels_free(&p);
}

void wn_print_listing(const wn_graph *g, wn_buffer *b) {
    wn_print_listing_places(g, b, NULL, NULL);
}

/* ---- Graphviz ---------------------------------------------------------------------------------------------------- */

/* A box with the node's statement and type, and arrows from its operands; constants stand in the statement alone. */
static void draw_node(const printer *p, wn_buffer *b, node_id id) {
    const node *n = graph_node(p->g, id);
    wn_buffer_add(b, "  n%u [label=\"", id);
    if (is_constant(p->g, id)) {
        print_constant(p, b, id, false);
    } else {
        print_label(p, b, id);
        if (n->op != OP_input) wn_buffer_add(b, " = ");
        if (n->op != OP_input) print_operation(p, b, id);
    }
    wn_buffer_add(b, "\\n");
    print_type(p, b, id);
    wn_buffer_add(b, "\"%s];\n", n->op == OP_input ? ", style=filled, fillcolor=lightgrey" : "");
    for (int i = 0; i < 3 && n->args[i]; i++)
        if (!is_constant(p->g, n->args[i])) wn_buffer_add(b, "  n%u -> n%u;\n", n->args[i], id);
}

static bool is_drawn(const printer *p, node_id id) {
    if (graph_node(p->g, id)->op == OP_input) return true;
    return is_operation(p->g, id) ? p->notes[id].uses > 0 : p->notes[id].is_output;
}

static void draw_outputs(const printer *p, wn_buffer *b) {
    for (uint32_t i = 0; i < p->g->name_count; i++) {
        const node_name *n = &p->g->names[i];
        if (n->kind != NAME_OUTPUT) continue;
        wn_buffer_add(b, "  out_%s [label=\"output %s\", shape=ellipse];\n", n->text, n->text);
        wn_buffer_add(b, "  n%u -> out_%s;\n", n->id, n->text);
    }
}

void wn_print_dot(const wn_graph *g, wn_buffer *b) {
    printer p;
    if (!wn_labels_find(&p, g)) {
        b->failed = true;
        return;
    }
    wn_buffer_add(b, "digraph winnow {\n  node [shape=box, fontname=\"monospace\"];\n");
    for (node_id id = 1; id < g->node_count; id++)
        if (is_drawn(&p, id)) draw_node(&p, b, id);
    draw_outputs(&p, b);
    wn_buffer_add(b, "}\n");
    wn_labels_free(&p);
}
