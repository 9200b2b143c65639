/*
 * build.c - operations become nodes: operands are checked, literals typed, shapes and types
 * inferred.
 *
 * Everything that makes a node passes through wn_build: the public functions below (made from
 * ops.def), the parser, and the simplifier's rewrites. After it a graph holds no operation on an
 * untyped literal: literals among themselves are folded, and one that meets a typed value becomes a
 * constant.
 *
 * The public functions add only what C needs: operands become nodes, and the integers 0 and 1
 * become bools where they meet one (text has `true` and `false` for that).
 */
#include "graph/build.h"
#include "graph/trace.h"

#include <stdio.h>
#include <string.h>

/* ---- Types ----------------------------------------------------------------------------------- */

/* What a row takes, for messages. */
static const char *taken_types(op o) {
    static const char *const texts[] = {
        [TAKES_ALL] = "all types",
        [TAKES_NUMBER] = "numbers, not bool",
        [TAKES_BOOLEAN] = "bool",
        [TAKES_INTEGER] = "integers: i8 i16 i32 i64 u8 u16 u32 u64",
        [TAKES_FLOAT] = "floats: f16 bf16 f32 f64",
        [TAKES_CHOICE] = "all types",
    };
    return texts[wn_op_row(o)->takes];
}

static bool is_comparison(op o) {
    return o >= OP_equal && o <= OP_greater_equal;
}

/* What to write where an operation does not take a type. */
static const char *advice(op o) {
    switch (wn_op_row(o)->takes) {
    case TAKES_BOOLEAN: return "; write x != 0";
    case TAKES_NUMBER:
        return is_comparison(o) ? "; for a < b < c write a < b & b < c" : "; write cast(x, i64)";
    case TAKES_FLOAT:
        return o == OP_divide ? "; write cast(x, f64), or //" : "; write cast(x, f64)";
    default: return "";
    }
}

static bool all_literals(const wn_graph *g, const node_id *args, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!is_literal(g, args[i])) return false;
    return true;
}

/* What the casts that a message proposes call the operand at a position. */
static const char *operand_name(const wn_graph *g, op o, size_t position) {
    static const char *const plain[] = {"a", "b", "c"}, *const where[] = {"c", "x", "y"},
                             *const clip[] = {"x", "lo", "hi"};
    if (g->written == OP_select) return "v";
    if (g->written == OP_clip) return clip[written_place(g, position) - 1];
    if (o == OP_expand) return position ? "fill" : "v";
    if (o == OP_place || o == OP_putmask) return position ? "v" : "a";
    return (o == OP_where ? where : plain)[position];
}

/* Whether the typed ones of `args` have one type, which goes to *type; *type is WN_TYPE_COUNT if
   all are literals. The first of them is the operand at `start`. */
static bool find_type(wn_graph *g, op o, const node_id *args, size_t count, size_t start, wn_type *type) {
    *type = (wn_type)WN_TYPE_COUNT;
    size_t first = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_literal(g, args[i])) continue;
        wn_type here = node_type(g, args[i]);
        if (*type == (wn_type)WN_TYPE_COUNT) {
            *type = here;
            first = i;
        } else if (here != *type && wn_op_row(o)->takes == TAKES_BOOLEAN) {
            return wn_graph_fail(g, WN_ERROR_TYPE, "%s: operands are %s and %s; it takes bool%s",
                                 written_name(g, o), wn_type_name(*type), wn_type_name(here),
                                 advice(o));
        } else if (here != *type) {
            const char *a = wn_type_name(*type), *b = wn_type_name(here);
            return wn_graph_fail(g, WN_ERROR_TYPE,
                                 "%s: operands are %s and %s; write cast(%s, %s) or cast(%s, %s)",
                                 written_name(g, o), a, b, operand_name(g, o, start + i), a,
                                 operand_name(g, o, start + first), b);
        }
    }
    return true;
}

/* One of the choices, a literal, as a constant. */
static node_id type_choice(wn_graph *g, op o, node_id literal, wn_type type, size_t i, size_t count) {
    if (o != OP_where)
        return wn_type_literal(g, literal, type, o, 2 * i); /* the mask is between the two */
    if (g->written != OP_select) return wn_type_literal(g, literal, type, OP_where, i + 1);
    g->places[0] = i + 1 < count ? 2 * i + 2 : 2 * i + 1; /* the last has no condition */
    return wn_type_literal(g, literal, type, OP_where, 0);
}

/* Literals among the choices of a where or select, with no typed value beside them: all bool, or
   i64, or with a float f64. */
static bool default_choices(wn_graph *g, op o, node_id *args, size_t count) {
    bool has_bool = false, has_float = false, has_int = false;
    for (size_t i = 0; i < count; i++) {
        has_bool |= node_type(g, args[i]) == WN_BOOL;
        has_float |= node_type(g, args[i]) == WN_F64;
        has_int |= node_type(g, args[i]) == WN_I64;
    }
    if (has_bool && (has_float || has_int))
        return wn_graph_fail(g, WN_ERROR_TYPE,
                             "%s: the choices are a bool and a number; write true and false",
                             written_name(g, o));
    for (size_t i = 0; i < count; i++) {
        args[i] = has_float ? type_choice(g, o, args[i], WN_F64, i, count)
                            : wn_default_literal(g, args[i]);
        if (!args[i]) return false;
    }
    return true;
}

bool wn_type_choices(wn_graph *g, op o, node_id *args, size_t count) {
    wn_type type;
    if (!find_type(g, o, args, count, o == OP_where, &type)) return false;
    if (type == (wn_type)WN_TYPE_COUNT) return default_choices(g, o, args, count);
    for (size_t i = 0; i < count; i++)
        if (is_literal(g, args[i]) && !(args[i] = type_choice(g, o, args[i], type, i, count)))
            return false;
    return true;
}

static bool type_condition(wn_graph *g, node_id *condition) {
    if (node_type(g, *condition) != WN_BOOL) {
        const char *type = wn_type_name(node_type(g, *condition));
        const char *kind = is_literal(g, *condition) ? "a literal number" : type;
        char which[40] = "the condition";
        if (g->written == OP_select) snprintf(which, sizeof which, "operand %zu", g->places[0]);
        return wn_graph_fail(g, WN_ERROR_TYPE, "%s: %s is %s, it must be bool; write cast(c, bool)",
                             written_name(g, OP_where), which, kind);
    }
    if (is_literal(g, *condition))
        *condition = wn_type_literal(g, *condition, WN_BOOL, OP_where, 0);
    return *condition != 0;
}

/* ---- Elementwise ----------------------------------------------------------------------------- */

static void trace_elementwise(wn_graph *g, const node *written, const node *n, node_id simpler,
                              node_id id, bool known) {
    bool turned = written->op != n->op || written->args[0] != n->args[0];
    if (simpler)
        wn_trace_rewrite(g, "simplify", g->rule, written, id);
    else if (known)
        wn_trace_rewrite(g, "merge", "an equal value is there already", written, id);
    else if (turned)
        wn_trace_rewrite(g, "simplify",
                         "f(K, x) ==> f'(x, K), and the older operand first where f commutes",
                         written, id);
}

/* A node whose operands are typed. */
static node_id finish_elementwise(wn_graph *g, op o, const node_id *args, size_t count, wn_type type) {
    dim dims[WN_MAX_RANK];
    int rank = wn_broadcast(g, o, args, count, dims);
    if (rank < 0) return 0;
    node n = {.op = (uint8_t)o, .type = (uint8_t)type, .rank = (uint8_t)rank};
    n.written = (uint8_t)g->written;
    n.exchanged = g->exchanged;
    for (size_t i = 0; i < count; i++) {
        const node *arg = graph_node(g, args[i]);
        n.args[i] = args[i];
        n.may_fail |= arg->may_fail || !wn_broadcast_is_safe(arg->rank, node_dims(g, arg), rank, dims);
    }
    const node written = n;
    uint32_t nodes = g->node_count;
    node_id simpler = wn_simplify(g, &n, dims);
    node_id id = simpler ? simpler : wn_intern(g, &n, dims);
    if (g->trace) trace_elementwise(g, &written, &n, simpler, id, g->node_count == nodes);
    return id;
}

static node_id build_where(wn_graph *g, const node_id *args) {
    node_id typed[3] = {args[0], args[1], args[2]};
    if (!type_condition(g, &typed[0]) || !wn_type_choices(g, OP_where, typed + 1, 2)) return 0;
    return finish_elementwise(g, OP_where, typed, 3, node_type(g, typed[1]));
}

static node_id build_cast(wn_graph *g, node_id value, wn_type type) {
    if (type == WN_BITMAP)
        return wn_graph_fail(
            g, WN_ERROR_ARGUMENT,
            "cast: cast to bool; a bitmap is how an array of bools may lie in memory");
    if ((unsigned)type >= WN_TYPE_COUNT)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "cast: %d is no type", (int)type);
    if (is_literal(g, value)) return wn_cast_literal(g, value, type);
    return finish_elementwise(g, OP_cast, &value, 1, type);
}

/* `a < 300`, with the literal on either side. */
static node_id build_int_comparison(wn_graph *g, op o, const node_id *args) {
    const node written = {.op = (uint8_t)o, .args = {args[0], args[1]}};
    node_id id;
    if (is_literal(g, args[1])) {
        id = wn_compare_with_int(g, o, args[0], args[1]);
    } else {
        g->places[1] = g->places[0];
        id = wn_compare_with_int(g, (op)wn_op_row(o)->mirror, args[1], args[0]);
    }
    if (g->trace && id && graph_node(g, id)->op != o)
        wn_trace_rewrite(g, "build", "x < int ==> the comparison in x's type that is always the same",
                         &written, id);
    return id;
}

static node_id build_elementwise(wn_graph *g, op o, const node_id *args, size_t count) {
    wn_type type;
    if (!find_type(g, o, args, count, 0, &type)) return 0;
    const op_row *row = wn_op_row(o);
    if (!wn_op_takes(o, type))
        return wn_graph_fail(g, WN_ERROR_TYPE, "%s: %s %s; it takes %s%s", written_name(g, o),
                             count == 1 ? "the operand is" : "operands are", wn_type_name(type),
                             taken_types(o), advice(o));
    node_id typed[3] = {0};
    for (size_t i = 0; i < count; i++) {
        typed[i] = args[i];
        if (!is_literal(g, args[i])) continue;
        if (is_comparison(o) && type != WN_BOOL && node_type(g, args[i]) == WN_I64)
            return build_int_comparison(g, o, args);
        typed[i] = wn_type_literal(g, args[i], type, o, i);
        if (!typed[i]) return 0;
    }
    return finish_elementwise(g, o, typed, count, row->gives_bool ? WN_BOOL : type);
}

/* ---- The one door ---------------------------------------------------------------------------- */

static bool check_args(wn_graph *g, op o, const node_id *args, size_t count) {
    const op_row *row = wn_op_row(o);
    if (count != row->arity)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s: takes %d operands, not %zu", row->name,
                             row->arity, count);
    for (size_t i = 0; i < count; i++)
        if (args[i] == 0 || args[i] >= g->node_count)
            return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s: operand %zu is the null node",
                                 row->name, i + 1);
    return true;
}

static node_id build(wn_graph *g, op o, const node_id *args, size_t count, wn_type type,
                     int32_t attribute) {
    if (o == OP_cast) return build_cast(g, args[0], type);
    if (o >= OP_boolean_mask && o <= OP_compress) return wn_build_mask(g, o, args, attribute);
    if (!op_is_elementwise(o))
        return wn_graph_fail(g, WN_ERROR_INTERNAL, "%s is not built of operands", wn_op_row(o)->name);
    if (all_literals(g, args, count)) return wn_fold_literal(g, o, args, count);
    return o == OP_where ? build_where(g, args) : build_elementwise(g, o, args, count);
}

node_id wn_build(wn_graph *g, op o, const node_id *args, size_t count, wn_type type, int32_t attribute) {
    if (!graph_ok(g) || !check_args(g, o, args, count)) return 0;
    op written = g->written;
    if (written == OP_null) {
        g->written = o;
        g->exchanged = false;
        memcpy(g->places, (const size_t[]){1, 2, 3}, sizeof g->places);
    }
    node_id id = build(g, o, args, count, type, attribute);
    g->written = written;
    return id;
}

node_id wn_build_clip(wn_graph *g, node_id x, node_id lo, node_id hi) {
    if (!graph_ok(g)) return 0;
    node_id pair[2] = {x, lo};
    g->written = OP_clip;
    g->exchanged = false;
    memcpy(g->places, (const size_t[]){1, 2}, 2 * sizeof *g->places);
    pair[0] = wn_build(g, OP_maximum, pair, 2, WN_BOOL, 0);
    pair[1] = hi;
    g->exchanged = false;
    memcpy(g->places, (const size_t[]){1, 3}, 2 * sizeof *g->places);
    node_id id = pair[0] ? wn_build(g, OP_minimum, pair, 2, WN_BOOL, 0) : 0;
    g->written = OP_null;
    const node written = {.op = OP_clip, .args = {x, lo, hi}};
    wn_trace_rewrite(g, "build", "clip(x, lo, hi) ==> minimum(maximum(x, lo), hi)", &written, id);
    return id;
}

node_id wn_build_literal(wn_graph *g, literal_kind kind, uint64_t bits) {
    wn_type type = kind == LITERAL_BOOL ? WN_BOOL : kind == LITERAL_FLOAT ? WN_F64 : WN_I64;
    node n = {.op = OP_literal, .type = (uint8_t)type, .attribute = (int8_t)kind, .bits = bits};
    return wn_intern(g, &n, NULL);
}

node_id wn_build_constant(wn_graph *g, wn_type type, uint64_t bits) {
    node n = {.op = OP_constant, .type = (uint8_t)type, .bits = bits};
    return wn_intern(g, &n, NULL);
}

/* One where of a select, from the last one on. Literal conditions are constants by now. */
static node_id build_chain(wn_graph *g, const node_id *conditions, const node_id *values, size_t count) {
    node_id rest = values[count];
    for (size_t i = count; i-- > 0 && rest;) {
        const node_id args[3] = {conditions[i], values[i], rest};
        g->places[0] = 2 * i + 1;
        g->exchanged = false;
        rest = wn_build(g, OP_where, args, 3, WN_BOOL, 0);
    }
    return rest;
}

static bool check_select(wn_graph *g, const node_id *ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (ids[i] == 0 || ids[i] >= g->node_count)
            return wn_graph_fail(g, WN_ERROR_ARGUMENT, "select: an operand is the null node");
    return true;
}

node_id wn_build_select(wn_graph *g, const node_id *conditions, const node_id *values, size_t count,
                        node_id otherwise) {
    if (!graph_ok(g)) return 0;
    if (count == 0)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "select: takes at least one condition");
    size_t size = (count + 1) * sizeof(node_id);
    node_id *typed = wn_allocate(g->context, size);
    if (!typed)
        return wn_graph_fail(g, WN_ERROR_MEMORY, "out of memory for a select of %zu conditions", count);
    memcpy(typed, values, count * sizeof *typed);
    typed[count] = otherwise;
    node_id result = 0;
    if (check_select(g, conditions, count) && check_select(g, typed, count + 1)) {
        bool fold = all_literals(g, conditions, count) && all_literals(g, typed, count + 1);
        g->written = OP_select;
        if (fold || wn_type_choices(g, OP_where, typed, count + 1))
            result = build_chain(g, conditions, typed, count);
        g->written = OP_null;
        const node written = {.op = OP_select,
                              .args = {conditions[0], typed[0], count == 1 ? otherwise : 0}};
        wn_trace_rewrite(g, "build", "select(c, v, ...) ==> where(c, v, select(...))", &written, result);
    }
    wn_release(g->context, typed, size);
    return result;
}

/* ---- Operands -------------------------------------------------------------------------------- */

/* The graph that an operation belongs to: its first operand's that has one; NULL if none has. */
static wn_graph *find_graph(const wn_operand *operands, size_t count) {
    for (size_t i = 0; i < count; i++) {
        wn_graph *g = operands[i].graph;
        if (operands[i].kind == WN_OPERAND_NODE && g && g->magic == GRAPH_MAGIC) return g;
    }
    return NULL;
}

/* `what` and `place` name the operand in messages. */
static node_id node_of_operand(wn_graph *g, wn_operand o, const char *what, size_t place) {
    switch (o.kind) {
    case WN_OPERAND_BOOL: return wn_build_literal(g, LITERAL_BOOL, o.value != 0);
    case WN_OPERAND_INT:
        return wn_build_literal(g, (int64_t)o.value < 0 ? LITERAL_NEGATIVE : LITERAL_INT, o.value);
    case WN_OPERAND_UINT: return wn_build_literal(g, LITERAL_INT, o.value);
    case WN_OPERAND_FLOAT: return wn_build_literal(g, LITERAL_FLOAT, o.value);
    case WN_OPERAND_NODE: break;
    default:
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s: operand %zu is of no kind (%u)", what,
                             place, o.kind);
    }
    if (o.graph == g && o.id > 0 && o.id < g->node_count) return o.id;
    const char *fault = !o.graph ? "a node of no graph: made of literals alone, or of a NULL graph"
                        : o.graph == g                  ? "the null node"
                        : o.graph->magic == GRAPH_MAGIC ? "a node of another graph"
                                                        : "no node of a graph";
    return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s: operand %zu is %s", what, place, fault);
}

/* In C the integers 0 and 1 are bools too: if this node is one, the bool. */
static node_id bool_of_int(wn_graph *g, node_id id) {
    const node *n = graph_node(g, id);
    bool fits = node_is_literal(n) && n->attribute == LITERAL_INT && n->bits <= 1;
    return fits ? wn_build_literal(g, LITERAL_BOOL, n->bits) : id;
}

/* Turn 0 and 1 among `args` into bools if any of them is a bool. */
static void agree_on_bool(wn_graph *g, node_id *args, size_t count, bool wanted) {
    for (size_t i = 0; i < count && !wanted; i++)
        wanted = node_type(g, args[i]) == WN_BOOL;
    for (size_t i = 0; i < count && wanted; i++)
        args[i] = bool_of_int(g, args[i]);
}

static void adapt_bools(wn_graph *g, op o, node_id *args, size_t count) {
    if (o == OP_cast || !op_is_elementwise(o)) return;
    if (o == OP_where) {
        agree_on_bool(g, args, 1, true);
        agree_on_bool(g, args + 1, 2, false);
    } else if (wn_op_takes(o, WN_BOOL)) {
        agree_on_bool(g, args, count, wn_op_row(o)->takes == TAKES_BOOLEAN);
    }
}

/* What every public operation does. */
static wn_node operate(op o, const wn_operand *operands, size_t count, wn_type type, int32_t attribute) {
    wn_graph *g = find_graph(operands, count);
    wn_node null = {g, 0};
    if (!graph_ok(g)) return null;
    node_id args[3];
    for (size_t i = 0; i < count; i++) {
        args[i] = node_of_operand(g, operands[i], wn_op_row(o)->name, i + 1);
        if (!args[i]) return null;
    }
    adapt_bools(g, o, args, count);
    return graph_ok(g) ? (wn_node){g, wn_build(g, o, args, count, type, attribute)} : null;
}

/* ---- The public operations ------------------------------------------------------------------- */

#define PARAMETERS_1 wn_operand a
#define PARAMETERS_2 wn_operand a, wn_operand b
#define PARAMETERS_3 wn_operand a, wn_operand b, wn_operand c
#define ARGUMENTS_1 a
#define ARGUMENTS_2 a, b
#define ARGUMENTS_3 a, b, c
#define OP(name, n, ...)                                                                           \
    WN_API wn_node(wn_##name)(PARAMETERS_##n) {                                                    \
        const wn_operand operands[] = {ARGUMENTS_##n};                                             \
        return operate(OP_##name, operands, n, WN_BOOL, 0);                                        \
    }
#include "graph/ops.def"
#undef OP

WN_API wn_node(wn_cast)(wn_operand x, wn_type type) {
    return operate(OP_cast, &x, 1, type, 0);
}

WN_API wn_node(wn_boolean_mask_axis)(wn_operand t, wn_operand m, int32_t axis) {
    const wn_operand operands[] = {t, m};
    return operate(OP_boolean_mask, operands, 2, WN_BOOL, axis);
}

WN_API wn_node(wn_nonzero)(wn_operand c) {
    return operate(OP_nonzero, &c, 1, WN_BOOL, 0);
}

WN_API wn_node(wn_expand_axis)(wn_operand v, wn_operand m, wn_operand fill, int32_t axis) {
    const wn_operand operands[] = {v, m, fill};
    return operate(OP_expand, operands, 3, WN_BOOL, axis);
}

WN_API wn_node(wn_place)(wn_operand a, wn_operand m, wn_operand v) {
    const wn_operand operands[] = {a, m, v};
    return operate(OP_place, operands, 3, WN_BOOL, 0);
}

WN_API wn_node(wn_putmask)(wn_operand a, wn_operand m, wn_operand v) {
    const wn_operand operands[] = {a, m, v};
    return operate(OP_putmask, operands, 3, WN_BOOL, 0);
}

WN_API wn_node(wn_compress)(wn_operand c, wn_operand t, int32_t axis) {
    const wn_operand operands[] = {c, t};
    return operate(OP_compress, operands, 2, WN_BOOL, axis);
}

static bool is_none(const wn_operand *o) {
    return o->kind == WN_OPERAND_NODE && !o->graph && !o->id;
}

/* The options of a reduction as nodes. */
static bool take_reduction(wn_graph *g, op o, const wn_reduction *from, reduction *to) {
    const char *name = wn_op_row(o)->name;
    if (from->axis_count < 0 || from->axis_count > WN_MAX_RANK)
        return wn_graph_fail(g, WN_ERROR_ARGUMENT, "%s: axis_count is %d, it must be 0 to %d", name,
                             (int)from->axis_count, WN_MAX_RANK);
    wn_operand where = wn_operand_node(from->where);
    if (!is_none(&where) && !(to->where = node_of_operand(g, where, name, 2))) return false;
    if (!is_none(&from->initial) && !(to->initial = node_of_operand(g, from->initial, name, 3)))
        return false;
    memcpy(to->axis, from->axis, sizeof to->axis);
    to->axis_count = (size_t)from->axis_count;
    to->keepdims = from->keepdims;
    return true;
}

WN_API wn_node wn_reduce_node(wn_reduction_kind kind, wn_operand x, const wn_reduction *how) {
    static const op ops[] = {
#define REDUCTION(name, NAME, ...) [WN_REDUCE_##NAME] = OP_##name,
#include "graph/reductions.def"
#undef REDUCTION
    };
    wn_graph *g = find_graph(&x, 1);
    wn_node null = {g, 0};
    if (!graph_ok(g)) return null;
    reduction own = {0};
    if ((unsigned)kind >= sizeof ops / sizeof *ops) {
        wn_graph_fail(g, WN_ERROR_ARGUMENT, "reduce: %d is no kind of reduction", (int)kind);
        return null;
    }
    node_id id = node_of_operand(g, x, wn_op_row(ops[kind])->name, 1);
    if (!id || (how && !take_reduction(g, ops[kind], how, &own))) return null;
    return (wn_node){g, wn_build_reduction(g, ops[kind], id, &own)};
}

WN_API wn_node(wn_clip)(wn_operand x, wn_operand lo, wn_operand hi) {
    const wn_operand operands[] = {x, lo, hi};
    wn_graph *g = find_graph(operands, 3);
    wn_node null = {g, 0};
    if (!graph_ok(g)) return null;
    node_id args[3];
    for (size_t i = 0; i < 3; i++)
        if (!(args[i] = node_of_operand(g, operands[i], "clip", i + 1))) return null;
    return (wn_node){g, wn_build_clip(g, args[0], args[1], args[2])};
}

WN_API wn_node wn_constant(wn_graph *graph, wn_operand value) {
    return (wn_node){graph, graph_ok(graph) ? node_of_operand(graph, value, "constant", 1) : 0};
}

/* The operands of a select as nodes: `count` conditions, then count + 1 values. */
static bool select_nodes(wn_graph *g, const wn_operand *conditions, const wn_operand *values,
                         size_t count, wn_operand otherwise, node_id *ids) {
    for (size_t i = 0; i < count; i++) {
        if (!(ids[i] = node_of_operand(g, conditions[i], "select", 2 * i + 1))) return false;
        if (!(ids[count + i] = node_of_operand(g, values[i], "select", 2 * i + 2))) return false;
    }
    if (!(ids[2 * count] = node_of_operand(g, otherwise, "select", 2 * count + 1))) return false;
    agree_on_bool(g, ids + count, count + 1, false);
    for (size_t i = 0; i < count; i++)
        ids[i] = bool_of_int(g, ids[i]);
    return graph_ok(g);
}

WN_API wn_node wn_select(size_t count, const wn_operand *conditions, const wn_operand *values,
                         wn_operand otherwise) {
    wn_graph *g = conditions ? find_graph(conditions, count) : NULL;
    if (!g && values) g = find_graph(values, count);
    if (!g) g = find_graph(&otherwise, 1);
    wn_node null = {g, 0};
    if (!graph_ok(g)) return null;
    if (count > 0 && (!conditions || !values)) {
        wn_graph_fail(g, WN_ERROR_ARGUMENT, "select: the conditions or the values are NULL");
        return null;
    }
    size_t size = (2 * count + 1) * sizeof(node_id);
    node_id *ids = count < SIZE_MAX / 32 ? wn_allocate(g->context, size) : NULL;
    if (!ids) {
        wn_graph_fail(g, WN_ERROR_MEMORY, "out of memory for a select of %zu conditions", count);
        return null;
    }
    wn_node result = null;
    if (select_nodes(g, conditions, values, count, otherwise, ids))
        result.id = wn_build_select(g, ids, ids + count, count, ids[2 * count]);
    wn_release(g->context, ids, size);
    return result;
}
