/*
 * graph.h - the inside of a graph: nodes, lengths, names, errors. Meanings are in ops.def.
 *
 * Nodes live in one array and are hash-consed at birth: two equal subexpressions are one node, and an operand's id is always
 * below its user's. So a walk from 1 to node_count is a topological order, and equal ids mean equal values.
 * Node 0 is the null node.
 */
#ifndef WN_GRAPH_H
#define WN_GRAPH_H

#include "winnow/winnow.h"

#include <stdarg.h>

/* ---- Types: bit-width, class, C type of storage, in the order of wn_type ---------------------------------------- */

#define WN_TYPES(X)                                                                                \
    X(BOOL, "bool", BOOLEAN, uint8_t)                                                              \
    X(I8, "i8", SIGNED, int8_t)                                                                    \
    X(I16, "i16", SIGNED, int16_t)                                                                 \
    X(I32, "i32", SIGNED, int32_t)                                                                 \
    X(I64, "i64", SIGNED, int64_t)                                                                 \
    X(U8, "u8", UNSIGNED, uint8_t)                                                                 \
    X(U16, "u16", UNSIGNED, uint16_t)                                                              \
    X(U32, "u32", UNSIGNED, uint32_t)                                                              \
    X(U64, "u64", UNSIGNED, uint64_t)                                                              \
    X(F16, "f16", FLOATING, uint16_t)                                                              \
    X(BF16, "bf16", FLOATING, uint16_t)                                                            \
    X(F32, "f32", FLOATING, float)                                                                 \
    X(F64, "f64", FLOATING, double)

typedef enum type_class {
    CLASS_BOOLEAN = 1,
    CLASS_SIGNED = 2,
    CLASS_UNSIGNED = 4,
    CLASS_FLOATING = 8
} type_class;

type_class wn_type_class(wn_type type);
/* From an element of an array to the next where there are no gaps: bytes; of a bitmap, bits. */
static inline int64_t type_step(wn_type t) {
    return t == WN_BITMAP ? 1 : (int64_t)wn_type_size(t);
}
static inline bool type_is_integer(wn_type t) {
    return t >= WN_I8 && t <= WN_U64;
}
static inline bool type_is_float(wn_type t) {
    return t >= WN_F16;
}
static inline bool type_is_half(wn_type t) {
    return t == WN_F16 || t == WN_BF16;
}
static inline bool type_is_signed(wn_type t) {
    return t >= WN_I8 && t <= WN_I64;
}
/* "f32" to WN_F32; WN_TYPE_COUNT if it is no type's name. */
wn_type wn_type_of_name(const char *name, size_t length);

/* ---- Operations -------------------------------------------------------------------------------------------------- */

typedef enum op {
    OP_null,
    OP_input, /* bits: the number of the input                                                          */
    OP_literal, /* untyped: bits, and in `attribute` a literal_kind                                       */
    OP_constant, /* typed: bits hold the value as it is stored, zero-extended                              */
    OP_cast, /* to the node's type                                                                     */
    OP_boolean_mask, /* args: t, m; attribute: the axis, >= 0                                                  */
    OP_nonzero, /* args: c                                                                                */
    OP_expand, /* args: v, m, fill; attribute: the axis of v that m selects, >= 0                        */
    OP_place, /* args: a, m, v                                                                          */
    OP_putmask, /* args: a, m, v                                                                          */
    OP_compress, /* args: c, t; attribute: the axis of t, >= 0                                             */
    OP_select, /* no node's, like clip: what messages call the operations that it is made of          */
    OP_clip,
    OP_first_reduction_,
    OP_before_reductions_ = OP_first_reduction_ - 1,
#define REDUCTION(name, ...) OP_##name, /* args: x, and where or 0; bits: a reduction's, below */
#include "graph/reductions.def"
#undef REDUCTION
    OP_first_elementwise_,
    OP_before_elementwise_ = OP_first_elementwise_ - 1,
#define OP(name, ...) OP_##name,
#include "graph/ops.def"
#undef OP
    OP_end_,
    OP_none = OP_null
} op;

/* What a row of ops.def takes. */
typedef enum op_takes {
    TAKES_ALL,
    TAKES_NUMBER,
    TAKES_BOOLEAN,
    TAKES_INTEGER,
    TAKES_FLOAT,
    TAKES_CHOICE
} op_takes;

typedef struct op_row {
    const char *name;
    uint8_t arity;
    uint8_t takes; /* op_takes                                        */
    bool gives_bool;
    bool idempotent;
    bool negation_exact; /* negation holds on floats too                   */
    uint8_t mirror;      /* an op, or OP_none                               */
    uint8_t negation;
    const char *text; /* the operator, "" without one                    */
    const char *doc;
} op_row;

/* The row of any op; the structural ones have names and arities too. */
const op_row *wn_op_row(op o);
static inline bool op_is_elementwise(op o) {
    return o == OP_cast || (o >= OP_first_elementwise_ && o < OP_end_);
}
static inline bool op_is_reduction(op o) {
    return o >= OP_first_reduction_ && o < OP_first_elementwise_;
}
static inline bool op_is_place(op o) {
    return o == OP_argmin || o == OP_argmax;
}
/* Whether a row takes operands of this type (for CHOICE: operands after the first). */
bool wn_op_takes(op o, wn_type type);

/* ---- Lengths ----------------------------------------------------------------------------------------------------- */

/*
 * A length: >= 0 is known, < 0 is the symbol ~dim, known when the kernel runs. Equal symbols are equal lengths;
 * different ones may turn out equal.
 */
typedef int64_t dim;

typedef enum symbol_kind {
    SYMBOL_INPUT, /* a: input number, b: axis                                                              */
    SYMBOL_BROADCAST, /* a, b: two lengths, of which at least one is a symbol: equal, or one of them 1         */
    SYMBOL_COUNT /* a: id of a mask (any type: non-zero counts); how many of its elements are true        */
} symbol_kind;

typedef struct length_symbol {
    symbol_kind kind;
    uint32_t next; /* in the hash chain, as index + 1 */
    int64_t a, b;
} length_symbol;

static inline bool dim_is_known(dim d) {
    return d >= 0;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

typedef uint32_t node_id;

typedef enum literal_kind {
    LITERAL_BOOL,
    LITERAL_INT,        /* bits: 0 .. 2^64 - 1            */
    LITERAL_NEGATIVE,   /* bits: an int64_t below 0       */
    LITERAL_COMPLEMENT, /* ~bits, where bits is 0 .. 2^64 - 1: in a signed type ~bits < 0, in an unsigned one complemented */
    LITERAL_FLOAT       /* bits of a double               */
} literal_kind;

typedef struct node {
    uint8_t op;
    uint8_t type; /* wn_type; of a literal: BOOL, I64 or F64 */
    uint8_t rank;
    int8_t attribute;
    node_id args[3]; /* 0 beyond the arity */
    uint64_t bits;
    uint32_t dims; /* index of the first of `rank` lengths in graph->dims */
    node_id next;  /* in the hash chain */
    bool may_fail; /* it, or what it is made from, has a shape that is checked when the kernel runs */
    uint8_t written; /* for messages: the op that the user wrote, OP_null if it is this one        */
    bool exchanged; /* of its operands that are no scalars, the last two were written the other way round */
} node;

typedef enum name_kind { NAME_INPUT, NAME_VALUE, NAME_OUTPUT } name_kind;

/* A name for a node; one node may have many. An output's name is also a value's if nothing else is called so. */
typedef struct node_name {
    char *text;
    node_id id;
    name_kind kind;
    uint32_t next; /* in the hash chain, as index + 1 */
} node_name;

typedef struct graph_trace graph_trace; /* trace.h */

typedef struct wn_graph {
    uint32_t magic;
    wn_context *context;

    node *nodes;
    uint32_t node_count, node_room;
    node_id *buckets;
    uint32_t bucket_count; /* a power of two */
    dim *dims;
    uint32_t dim_count, dim_room;
    length_symbol *symbols;
    uint32_t symbol_count, symbol_room;
    uint32_t *symbol_buckets;
    uint32_t symbol_bucket_count;
    node_name *names; /* inputs and outputs in order of declaration among themselves */
    uint32_t name_count, name_room;
    uint32_t *name_buckets;
    uint32_t name_bucket_count;
    node_id *inputs; /* by number */
    uint32_t input_count, input_room;
    node_id *outputs;
    uint32_t output_count, output_room;
    uint32_t *numbered[NAME_OUTPUT + 1]; /* by kind and number: index in names */
    uint32_t numbered_count[NAME_OUTPUT + 1], numbered_room[NAME_OUTPUT + 1];

    op written; /* what the user wrote, of which something is being built; OP_null: nothing is */
    size_t places[3];   /* the operands' of what is built, counted from 1 among the written ones */
    bool exchanged;     /* as the next node's */
    graph_trace *trace; /* NULL: none is kept */
    const char *rule;   /* the rewrite that was applied last, for the trace */

    wn_error error;         /* the first */
    wn_error compile_error; /* of the last wn_compile or wn_inspect; it does not stick */
    char *long_message; /* the message when it does not fit the error struct (a caret under a long line), or NULL */
} wn_graph;

#define GRAPH_MAGIC 0x476e6957u /* "WinG" */

static inline const node *graph_node(const wn_graph *g, node_id id) {
    return &g->nodes[id];
}
static inline const dim *node_dims(const wn_graph *g, const node *n) {
    return n->rank ? g->dims + n->dims : g->dims; /* NULL before the first length: nothing may be added */
}
static inline bool node_is_literal(const node *n) {
    return n->op == OP_literal;
}
static inline int node_arity(const node *n) {
    return n->args[0] == 0 ? 0 : n->args[1] == 0 ? 1 : n->args[2] == 0 ? 2 : 3;
}

/*
 * The bits of a reduction's node. In the lowest WN_MAX_RANK of them, bit i says that axis i of x is reduced.
 * PACKED: x is made by elementwise operations of y[m], all packed on its axis `attribute` by the one mask that `where` is, and is reduced
 * in the order of m's places: those of x are filled up by what does not take part. Else `where` broadcasts to x.
 */
enum {
    REDUCE_KEEPDIMS = 1 << WN_MAX_RANK, /* reduced axes stay, with length 1                                         */
    REDUCE_NEUTRAL = 2 << WN_MAX_RANK, /* min, max: of nothing the greatest or least of the type (inf), no error   */
    REDUCE_PACKED = 4 << WN_MAX_RANK
};
static inline bool axis_is_reduced(const node *n, int axis) {
    return n->bits >> axis & 1;
}

/* The name of an input or output, by its number; NULL beyond the last. */
static inline const char *wn_graph_name(const wn_graph *g, name_kind kind, int32_t index) {
    bool exists = index >= 0 && (uint32_t)index < g->numbered_count[kind];
    return exists ? g->names[g->numbered[kind][index]].text : NULL;
}

/* Set the graph's error if it has none, and return 0, the null node's id. printf's formats. */
node_id wn_graph_fail(wn_graph *g, wn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a message calls an operation that is being built: as the user wrote it, before any rewrite. */
static inline const char *written_name(const wn_graph *g, op o) {
    return wn_op_row(g->written ? g->written : o)->name;
}
static inline const char *node_written_name(const node *n) {
    return wn_op_row(n->written ? (op)n->written : (op)n->op)->name;
}
/* And its operand, counted from 0 here and from 1 there. */
static inline size_t written_place(const wn_graph *g, size_t position) {
    return g->written ? g->places[position] : position + 1;
}

/* Put texts before and after the message of the graph's error: the place in a text that it comes from. */
void wn_graph_wrap_error(wn_graph *g, const char *before, const char *after);

/* The outcome of a wn_compile or wn_inspect: reported until the next one, and no hindrance to it. */
void wn_graph_report(wn_graph *g, const wn_error *outcome);

/* Whether the handle is a live graph without an error. */
static inline bool graph_ok(const wn_graph *g) {
    return g && g->magic == GRAPH_MAGIC && g->error.status == WN_OK;
}

/*
 * The node with these fields: simplified, hash-consed, its type and shape inferred, its literal operands typed; 0 after an
 * error. build.c. `type` is a cast's target and else ignored; `attribute` a boolean_mask's axis, maybe negative.
 */
node_id wn_build(wn_graph *g, op o, const node_id *args, size_t count, wn_type type, int32_t attribute);
/* minimum(maximum(x, lo), hi) */
node_id wn_build_clip(wn_graph *g, node_id x, node_id lo, node_id hi);
node_id wn_build_literal(wn_graph *g, literal_kind kind, uint64_t bits);
node_id wn_build_constant(wn_graph *g, wn_type type, uint64_t bits);

/* What a reduction is told beside its operand; a zeroed one is of everything. */
typedef struct reduction {
    node_id where, initial; /* 0: none */
    int32_t axis[WN_MAX_RANK];
    size_t axis_count; /* 0: all axes */
    bool keepdims;
} reduction;
node_id wn_build_reduction(wn_graph *g, op o, node_id x, const reduction *how); /* build_reduction.c */
/* What joins without a change: 0 of a sum, 1 of a prod, the greatest of the type (inf) of a min; as a constant stores it. */
uint64_t wn_reduction_identity(op o, wn_type type);
/* select(c1, v1, c2, v2, ..., otherwise): nested wheres whose values get one type together. */
node_id wn_build_select(wn_graph *g, const node_id *conditions, const node_id *values, size_t count,
                        node_id otherwise);

/* Hash-cons a node whose fields are final (graph.c); `dims` has n->rank lengths and lies outside g->dims. */
node_id wn_intern(wn_graph *g, const node *n, const dim *dims);
/* Whether two nodes, each with its lengths, are written the same. */
bool wn_node_same(const node *a, const dim *a_dims, const node *b, const dim *b_dims);
uint64_t wn_node_hash(const node *n);
/* Both halves of the product: a table looks at the low bits, and a float's differ in the high ones. */
static inline uint64_t hash_mix(uint64_t hash, uint64_t word) {
    __extension__ unsigned __int128 product = (unsigned __int128)(hash ^ word) * 0x9e3779b97f4a7c15u;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
/* Append to the graph's lists, unchecked; false when memory runs out, and the graph fails. */
bool wn_add_name(wn_graph *g, name_kind kind, const char *text, node_id id);
bool wn_add_input(wn_graph *g, node_id id);
bool wn_add_output(wn_graph *g, node_id id);
/* The output that has this name; 0 if none has. */
node_id wn_find_output(const wn_graph *g, const char *text);
/* Before it is interned, try the rewrites of simplify.c: the id of an equal node, or 0 if none applies. May change *n. */
node_id wn_simplify(wn_graph *g, node *n, dim *dims);

/* ---- Literals (literal.c) ----------------------------------------------------------------------------------------- */

/* Evaluate an elementwise operation (or cast to a type, giving a constant) over literals. 0 after an error. */
node_id wn_fold_literal(wn_graph *g, op o, const node_id *args, size_t count);
/* A literal as a constant of a type. `o` and `position` say where, for the message. 0 after an error. */
node_id wn_type_literal(wn_graph *g, node_id literal, wn_type type, op o, size_t position);
/* One elementwise operation over scalars as constants store them, in the default floating-point environment. */
uint64_t wn_evaluate(op o, wn_type type, wn_type to, const uint64_t *args, size_t count);
/* A literal as a cast makes it: i8(300) is 44. */
node_id wn_cast_literal(wn_graph *g, node_id literal, wn_type type);
/*
 * Compare a value with an int literal, exactly, whatever the range of the value's type: the comparison of the same kind
 * with a constant of the value's type that has the same result for every value. `o` is a comparison. 0 after an error.
 */
node_id wn_compare_with_int(wn_graph *g, op o, node_id value, node_id literal);
/* What an untyped literal is when nothing types it (an output, where(c, 1, 0)): bool, i64 or f64. 0 after an error. */
node_id wn_default_literal(wn_graph *g, node_id literal);

/* ---- Shapes (shape.c) --------------------------------------------------------------------------------------------- */

/* Whether broadcasting these lengths to the result's leaves the result as it is, whatever the symbols turn out to be. */
bool wn_broadcast_is_safe(int rank, const dim *dims, int result_rank, const dim *result);
/* Broadcast the shapes of `count` nodes into dims (WN_MAX_RANK); the rank, or -1 after an error that names `o`. */
int wn_broadcast(wn_graph *g, op o, const node_id *args, size_t count, dim *dims);
dim wn_symbol(wn_graph *g, symbol_kind kind, int64_t a,
              int64_t b); /* hash-consed; memory error: 0 and the graph fails */
int64_t wn_find_symbol(const wn_graph *g, symbol_kind kind, int64_t a,
                       int64_t b); /* its index; -1: there is none */
/* Whether d is a packed length (SYMBOL_COUNT), which never stretches. */
static inline bool dim_is_packed(const wn_graph *g, dim d) {
    return d < 0 && g->symbols[~d].kind == SYMBOL_COUNT;
}
/* "[?, 3]" into text; returns text. A node's shape at build time, or lengths as they are. */
const char *wn_shape_text(int rank, const dim *dims, char *text, size_t size);

/* Operands with these shapes, as texts, do not broadcast in a run. Scalars always do and are not shown. */
#define SHAPE_TEXT 200
wn_status wn_fail_shapes(const node *n, char (*texts)[SHAPE_TEXT], bool packed, wn_error *error);

/* ---- Numbers (number.c): 16-bit floats, decimals; no locale ---------------------------------------------------------- */

float wn_f16_to_f32(uint16_t bits);
float wn_bf16_to_f32(uint16_t bits);
uint16_t wn_f32_to_f16(float v); /* each rounds once, to nearest even */
uint16_t wn_f32_to_bf16(float v);
uint16_t wn_f64_to_f16(double v);
uint16_t wn_f64_to_bf16(double v);
uint16_t wn_i64_to_f16(int64_t v);
uint16_t wn_i64_to_bf16(int64_t v);
uint16_t wn_u64_to_f16(uint64_t v);
uint16_t wn_u64_to_bf16(uint64_t v);
/* The value of a constant of any type as a double (exact but for 64-bit integers). */
double wn_constant_value(wn_type type, uint64_t bits);
/* The shortest decimal that reads back as v ("0.1", "1e+30", "inf", "nan"), at most 32 bytes with the NUL. For an f32 or a
   16-bit float: the shortest that rounds to it. Always has '.', 'e', "inf" or "nan", so that it reads as a float. */
void wn_format_float(wn_type type, double v, char text[32]);
/* Read a decimal float [digits][.digits][e[+-]digits], correctly rounded; false if it isn't one or has trailing bytes. */
bool wn_read_float(const char *text, size_t length, double *v);

/* ---- Text (parse.c, print.c) ---------------------------------------------------------------------------------------- */

typedef struct wn_buffer { /* a growing string in the context's memory; failed is sticky */
    wn_context *context;
    char *text;
    size_t length, room;
    bool failed;
} wn_buffer;

void wn_buffer_add(wn_buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void wn_buffer_add_bytes(wn_buffer *b, const char *bytes, size_t length); /* NULs too */
void wn_buffer_free(wn_buffer *b);

/* Whether the words of the language include this one (operations, types, keywords, options). */
bool wn_is_word(const char *text, size_t length);
bool wn_is_name(const char *text, size_t length);

/* The canonical listing: inputs, one statement a live node in order, outputs. Parses back to an equal graph. */
void wn_print_listing(const wn_graph *g, wn_buffer *b);
/* Graphviz. */
void wn_print_dot(const wn_graph *g, wn_buffer *b);
/* A place in the listing, both counted from 1; line 0: none. */
typedef struct wn_spot {
    uint32_t line, column;
} wn_spot;

/* The same, and where in it each node and each output stands: of an operation its name, of an input and an output theirs. Constants have no
   place. `nodes` has g->node_count elements, `outputs` g->output_count. */
void wn_print_listing_places(const wn_graph *g, wn_buffer *b, wn_spot *nodes, wn_spot *outputs);
/* What a listing calls the nodes: by their first name, or vN. Found for all of them at once. */
typedef struct wn_labels {
    const wn_graph *g;
    struct note *notes;
    wn_spot *nodes, *outputs; /* while a listing is printed: where places go, or NULL */
    uint32_t line;
    size_t line_start;
} wn_labels;
bool wn_labels_find(wn_labels *l, const wn_graph *g); /* false: out of memory */
void wn_labels_free(wn_labels *l);
void wn_node_label(const wn_labels *l, node_id id, char *text, size_t size);
/* A constant or literal as the language writes it, without its type. */
void wn_constant_text(const node *n, char text[40]);

/* ---- Copy ------------------------------------------------------------------------------------------------------------ */

/* A new graph with the live nodes of g alone, renumbered in order, and its inputs (used or not), outputs and names: what a
   kernel keeps. Two graphs that compute the same from the same declarations give equal copies. NULL: out of memory. */
wn_graph *wn_graph_copy(const wn_graph *g);
/* The same; ids[n], of g->node_count, receives what node n is in the copy, 0 if it is not there. */
wn_graph *wn_graph_copy_ids(const wn_graph *g, node_id *ids);

/*
 * A key: words that say all that a kernel depends on, to be compared in full. A key whose memory ran out has `failed` set, and what
 * is added to it is lost. Ends by wn_key_end, whatever happened.
 */
#define KEY_OWN_WORDS 384 /* of a graph of some 60 nodes */
typedef struct wn_key {
    wn_context *context;
    uint64_t *words; /* own, or the context's memory */
    size_t count, room;
    bool failed;
    uint64_t own[KEY_OWN_WORDS];
} wn_key;

void wn_key_begin(wn_key *key, wn_context *c);
void wn_key_end(wn_key *key);
void wn_key_add(wn_key *key, uint64_t word);
void wn_key_add_bytes(wn_key *key, const void *bytes, size_t size);
/* Live nodes, lengths, inputs, outputs and their names. (Names of values don't matter.) A graph and its copy give the same words,
   and so do two graphs that compute the same from the same declarations. */
void wn_key_add_graph(wn_key *key, const wn_graph *g);
uint64_t wn_key_hash(const uint64_t *words, size_t count);

/* ---- Memory: the context's (run/context.c) ---------------------------------------------------------------------------- */

/* Whether a handle is a live context. */
bool wn_context_ok(const wn_context *c);
void *wn_allocate(wn_context *c, size_t size); /* NULL when there is none */
void *wn_reallocate(wn_context *c, void *p, size_t old_size, size_t new_size); /* NULL: p is kept        */
void wn_release(wn_context *c, void *p, size_t size);
/* Grow an array of `size`-byte elements so that it holds `count`; false when memory runs out. */
bool wn_grow(wn_context *c, void **array, uint32_t *room, size_t count, size_t size);
void wn_log(wn_context *c, wn_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Fill an error (which may be NULL) and return its status. */
wn_status wn_fail(wn_error *error, wn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Return what a call returned, unless it was WN_OK. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        wn_status status_ = (call);                                                                \
        if (status_ != WN_OK) return status_;                                                      \
    } while (0)

/* ---- The interpreter (interpret.c) ------------------------------------------------------------------------------------- */

/*
 * Run a graph copy node by node: the meaning of every operation, in plain C. The oracle of the tests, and the engine
 * where there is no LLVM.
 *
 * inputs   graph->input_count arrays whose types and ranks have been checked; any strides
 * results  graph->output_count arrays; each gets contiguous data in the context's memory (wn_array_free), also for length 0
 */
wn_status wn_interpret(wn_context *c, const wn_graph *g, const wn_array *inputs, wn_array *results,
                       wn_error *error);

/* One operation over n contiguous elements, args and result as stored: what the interpreter's loops are made of. `type` is
   the operands' type (for where: of the choices; for cast: `to` is the result's). Bools that come in are normalised. */
void wn_interpret_op(op o, wn_type type, wn_type to, const void *const *args, void *result, size_t n);

#endif
