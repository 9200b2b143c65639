/*
 * parse.c - text becomes nodes: recursive descent over statements, precedence climbing over operators.
 *
 * Nothing is kept between text and nodes: an operation is built when its operands have been read, by wn_build, which checks
 * them. So an error comes with the token that asked for it, and wn_locate_error adds that token's place.
 *
 * Chains (a + b + c ..., c ? x : d ? y : ...) are loops, so their length is bounded by memory alone. What nests takes stack,
 * and is bounded by DEEPEST. A function that reads something returns 0 or false after an error, and then the graph has one.
 */
#include "graph/parse.h"
#include "graph/trace.h"

#include <stdio.h>
#include <string.h>

enum { DEEPEST = 1000 };

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* A name as the functions of the graph take it. NULL: out of memory, and the graph has failed. */
static char *copy_name(parser *p, const token *t) {
    char *copy = wn_allocate(p->g->context, t->length + 1);
    if (!copy) {
        wn_graph_fail(p->g, WN_ERROR_MEMORY, "out of memory for a name of %zu bytes", t->length);
        return NULL;
    }
    memcpy(copy, p->text + t->offset, t->length);
    copy[t->length] = '\0';
    return copy;
}

static void release_name(parser *p, char *name, const token *t) {
    wn_release(p->g->context, name, t->length + 1);
}

/* What has this name; 0 if nothing has, or memory ran out. */
static node_id find_name(parser *p, const token *t) {
    char *text = copy_name(p, t);
    if (!text) return 0;
    node_id id = wn_find(p->g, text).id;
    release_name(p, text, t);
    return id;
}

/* Whether the token can name something new of the kind that `what` says. */
static bool check_new_name(parser *p, const token *t, const char *what) {
    if (t->kind != TOKEN_NAME) return wn_parse_expected(p, what);
    if (word_of(p, t))
        return wn_parse_fail_word(p, t, WN_ERROR_NAME,
                                  "%s is a word of the language and cannot be a name");
    return true;
}

static bool check_untaken(parser *p, const token *t) {
    if (find_name(p, t))
        return wn_parse_fail_word(
            p, t, WN_ERROR_NAME,
            "%s is already the name of an input or a value; write another, or `output` before it");
    return graph_ok(p->g);
}

/* Name a value, or export it under a name. */
static bool name_value(parser *p, const token *t, node_id id, bool output) {
    char *text = copy_name(p, t);
    if (!text) return false;
    wn_node value = {p->g, id};
    if (output)
        wn_output(p->g, text, value);
    else
        wn_name(value, text);
    release_name(p, text, t);
    return graph_ok(p->g) || wn_parse_locate(p, t->offset);
}

/* ---- Building ---------------------------------------------------------------------------------------------------- */

static node_id build(parser *p, size_t place, op o, const node_id *args, size_t count, wn_type type,
                     int32_t attribute) {
    node_id id = wn_build(p->g, o, args, count, type, attribute);
    return id ? id : wn_parse_locate(p, place);
}

/* What was read since `start` is this value. */
static node_id spelled(parser *p, node_id id, size_t start) {
    if (id) wn_trace_spelling(p->g, id, p->base + start, p->base + p->end);
    return id;
}

static bool push(parser *p, node_id id, size_t place) {
    size_t count = (size_t)p->count + 1;
    if (!wn_grow(p->g->context, (void **)&p->stack, &p->room, count, sizeof *p->stack))
        return wn_graph_fail(p->g, WN_ERROR_MEMORY, "out of memory for %zu operands", count);
    p->stack[p->count++] = (operand){id, place, place};
    return true;
}

/* `& | ^ ~` mean one operation on bool and another on integers. */
static bool any_bool(const parser *p, node_id a, node_id b) {
    const node *m = graph_node(p->g, a), *n = graph_node(p->g, b);
    if (node_is_literal(m) == node_is_literal(n)) return m->type == WN_BOOL || n->type == WN_BOOL;
    return (node_is_literal(m) ? n : m)->type == WN_BOOL;
}

/* ---- Calls ------------------------------------------------------------------------------------------------------- */

static node_id parse_expression(parser *p);

typedef enum call_option {
    OPTION_WHERE = 1,
    OPTION_AXIS = 2,
    OPTION_KEEPDIMS = 4,
    OPTION_INITIAL = 8
} call_option;

static const struct option_name {
    const char *text;
    call_option option;
} OPTIONS[] = {{"where", OPTION_WHERE},
               {"axis", OPTION_AXIS},
               {"keepdims", OPTION_KEEPDIMS},
               {"initial", OPTION_INITIAL}};

/* A call whose operands are being read: they stand on the stack, from `base` on. */
typedef struct call {
    const word *function;
    token name;
    uint32_t base;
    wn_type type;   /* of cast(e, type) */
    unsigned given; /* which options    */
    reduction how;  /* the options      */
} call;

/* [-]digits. */
static bool parse_small_int(parser *p, int32_t *value) {
    bool negative = accept(p, TOKEN_MINUS);
    if (!at(p, TOKEN_INT)) return wn_parse_expected(p, "an integer");
    if (p->now.bits > INT32_MAX)
        return wn_parse_fail_word(p, &p->now, WN_ERROR_LITERAL, "%s is too large for an option");
    *value = negative ? -(int32_t)p->now.bits : (int32_t)p->now.bits;
    advance(p);
    return true;
}

static bool parse_axis(parser *p, reduction *how) {
    if (how->axis_count == WN_MAX_RANK)
        return wn_graph_fail(p->g, WN_ERROR_LIMIT, "more than %d axes", WN_MAX_RANK) ||
               wn_parse_locate(p, p->now.offset);
    return parse_small_int(p, &how->axis[how->axis_count++]);
}

/* 1, (0, 2) or (0,) */
static bool parse_axes(parser *p, reduction *how) {
    if (!accept(p, TOKEN_LEFT_PAREN)) return parse_axis(p, how);
    do
        if (!parse_axis(p, how)) return false;
    while (accept(p, TOKEN_COMMA) && !at(p, TOKEN_RIGHT_PAREN));
    return expect(p, TOKEN_RIGHT_PAREN, "\",\" or \")\"");
}

static bool parse_truth(parser *p, bool *value) {
    const word *w = word_of(p, &p->now);
    if (!w || w->kind != WORD_BOOL) return wn_parse_expected(p, "true or false");
    *value = w->value;
    advance(p);
    return true;
}

/* Which options a function has. */
static unsigned options_of(const word *function) {
    if (function->kind == WORD_REDUCTION)
        return OPTION_WHERE | OPTION_AXIS | OPTION_KEEPDIMS | OPTION_INITIAL;
    bool axis = function->kind == WORD_OPERATION &&
                (function->value == OP_boolean_mask || function->value == OP_expand ||
                 function->value == OP_compress);
    return axis ? OPTION_AXIS : 0;
}

static node_id fail_option(parser *p, const call *c, const token *name, const char *format) {
    char text[48], message[256];
    snprintf(message, sizeof message, format, c->function->text, wn_token_text(p, name, text));
    wn_graph_fail(p->g, WN_ERROR_NAME, "%s", message);
    return wn_parse_locate(p, name->offset);
}

/* name=value */
static bool parse_option(parser *p, call *c) {
    token name = p->now;
    unsigned known = options_of(c->function), option = 0;
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++)
        if (token_is(p, &name, OPTIONS[i].text)) option = OPTIONS[i].option;
    if (!known)
        return wn_parse_fail_word(p, &name, WN_ERROR_NAME, "no option %s: this function has none");
    if (known == OPTION_AXIS && option != OPTION_AXIS)
        return fail_option(p, c, &name, "%s: no option %s; there is axis=0");
    if (!(known & option))
        return fail_option(p, c, &name,
                           "%s: no option %s; there are where=, axis=, keepdims= and initial=");
    if (c->given & option) return fail_option(p, c, &name, "%s: the option %s is given twice");
    advance(p);
    advance(p);
    c->given |= option;
    switch (option) {
    case OPTION_WHERE: return (c->how.where = parse_expression(p)) != 0;
    case OPTION_INITIAL: return (c->how.initial = parse_expression(p)) != 0;
    case OPTION_KEEPDIMS: return parse_truth(p, &c->how.keepdims);
    default: return known == OPTION_AXIS ? parse_axis(p, &c->how) : parse_axes(p, &c->how);
    }
}

static bool parse_type(parser *p, wn_type *type) {
    const word *w = word_of(p, &p->now);
    if (!w || w->kind != WORD_TYPE) return wn_parse_expected(p, "a type, as f32");
    *type = (wn_type)w->value;
    advance(p);
    return true;
}

static bool parse_argument(parser *p, call *c) {
    size_t place = p->now.offset;
    if (at(p, TOKEN_NAME) && peek(p).kind == TOKEN_ASSIGN) return parse_option(p, c);
    if (c->given) return wn_parse_expected(p, "an option: operands come before them");
    if (c->function->kind == WORD_CAST && p->count - c->base == 1)
        return parse_type(p, &c->type) && push(p, 0, place);
    node_id id = parse_expression(p);
    return id && push(p, id, place);
}

static bool parse_arguments(parser *p, call *c) {
    if (!expect(p, TOKEN_LEFT_PAREN, "\"(\" after the name of a function")) return false;
    if (accept(p, TOKEN_RIGHT_PAREN)) return true;
    do
        if (!parse_argument(p, c)) return false;
    while (accept(p, TOKEN_COMMA));
    return expect(p, TOKEN_RIGHT_PAREN, "an operator, \",\" or \")\"");
}

static node_id fail_count(parser *p, const call *c, const char *takes) {
    const char *hint = options_of(c->function) ? "; the axis is written axis=1" : "";
    wn_graph_fail(p->g, WN_ERROR_SYNTAX, "%s: takes %s, not %u%s", c->function->text, takes,
                  p->count - c->base, hint);
    return wn_parse_locate(p, c->name.offset);
}

/* Conditions and values alternate, the default comes last. */
static node_id build_select(parser *p, const call *c) {
    uint32_t given = p->count - c->base, count = given / 2;
    if (given < 3 || given % 2 == 0)
        return fail_count(p, c, "conditions and values in turn, then a default");
    size_t size = given * sizeof(node_id);
    node_id *ids = wn_allocate(p->g->context, size);
    if (!ids)
        return wn_graph_fail(p->g, WN_ERROR_MEMORY, "out of memory for a select of %u operands", given);
    const operand *from = p->stack + c->base;
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = from[2 * i].id;
        ids[count + i] = from[2 * i + 1].id;
    }
    node_id id = wn_build_select(p->g, ids, ids + count, count, from[given - 1].id);
    wn_release(p->g->context, ids, size);
    return id ? id : wn_parse_locate(p, c->name.offset);
}

static node_id build_clip(parser *p, const call *c, const node_id *args) {
    if (p->count - c->base != 3) return fail_count(p, c, "3 operands");
    node_id id = wn_build_clip(p->g, args[0], args[1], args[2]);
    return id ? id : wn_parse_locate(p, c->name.offset);
}

/* where(c) is nonzero(c), but in messages. */
static node_id build_places(parser *p, const call *c, const node_id *args) {
    p->g->written = OP_where;
    node_id id = build(p, c->name.offset, OP_nonzero, args, 1, WN_BOOL, 0);
    p->g->written = OP_null;
    return id;
}

static node_id build_operation(parser *p, const call *c, const node_id *args, uint32_t count) {
    op o = (op)c->function->value;
    if (o == OP_where && count == 1) return build_places(p, c, args);
    uint32_t arity = wn_op_row(o)->arity;
    char takes[32];
    snprintf(takes, sizeof takes, "%u operand%s", arity, arity == 1 ? "" : "s");
    if (count != arity) return fail_count(p, c, o == OP_where ? "1 or 3 operands" : takes);
    if (o == OP_compress && !c->given) {
        wn_graph_fail(p->g, WN_ERROR_ARGUMENT,
                      "compress: axis= is missing; write compress(c, t, axis=0)");
        return wn_parse_locate(p, c->name.offset);
    }
    return build(p, c->name.offset, o, args, count, WN_BOOL, c->how.axis[0]);
}

static node_id build_call(parser *p, const call *c) {
    node_id args[3] = {0};
    uint32_t count = p->count - c->base;
    for (uint32_t i = 0; i < count && i < 3; i++)
        args[i] = p->stack[c->base + i].id;
    switch (c->function->kind) {
    case WORD_SELECT: return build_select(p, c);
    case WORD_REDUCTION:
        if (count != 1) return fail_count(p, c, "1 operand");
        args[1] = wn_build_reduction(p->g, (op)c->function->value, args[0], &c->how);
        return args[1] ? args[1] : wn_parse_locate(p, c->name.offset);
    case WORD_CLIP: return build_clip(p, c, args);
    case WORD_TYPE:
        if (count != 1) return fail_count(p, c, "1 operand");
        return build(p, c->name.offset, OP_cast, args, 1, (wn_type)c->function->value, 0);
    case WORD_CAST:
        if (count != 2) return fail_count(p, c, "an operand and a type");
        return build(p, c->name.offset, OP_cast, args, 1, c->type, 0);
    default: return build_operation(p, c, args, count);
    }
}

static node_id parse_call(parser *p, const word *function) {
    call c = {.function = function, .name = p->now, .base = p->count};
    advance(p);
    if (!parse_arguments(p, &c)) return 0;
    node_id id = build_call(p, &c);
    p->count = c.base;
    return id;
}

/* ---- Operands ---------------------------------------------------------------------------------------------------- */

static node_id parse_literal(parser *p, literal_kind kind, uint64_t bits) {
    node_id id = wn_build_literal(p->g, kind, bits);
    advance(p);
    return id;
}

static node_id parse_word(parser *p, const word *w) {
    switch (w->kind) {
    case WORD_BOOL: return parse_literal(p, LITERAL_BOOL, w->value);
    case WORD_NAN: return parse_literal(p, LITERAL_FLOAT, 0x7ff8000000000000);
    case WORD_INF: return parse_literal(p, LITERAL_FLOAT, 0x7ff0000000000000);
    case WORD_TYPE:
    case WORD_OPERATION:
    case WORD_CAST:
    case WORD_SELECT:
    case WORD_REDUCTION:
    case WORD_CLIP: return parse_call(p, w);
    case WORD_INPUT:
    case WORD_OUTPUT:
    case WORD_OPTION: break;
    }
    return wn_parse_expected(p, "an operand");
}

static node_id parse_name(parser *p) {
    token t = p->now;
    const word *w = word_of(p, &t);
    if (w) return parse_word(p, w);
    node_id id = find_name(p, &t);
    if (!graph_ok(p->g)) return 0;
    advance(p);
    return id && !at(p, TOKEN_LEFT_PAREN) ? id : wn_parse_unknown(p, &t, at(p, TOKEN_LEFT_PAREN));
}

static node_id parse_parentheses(parser *p) {
    advance(p);
    node_id id = parse_expression(p);
    return id && expect(p, TOKEN_RIGHT_PAREN, "an operator or \")\"") ? id : 0;
}

static node_id parse_primary(parser *p) {
    size_t start = p->now.offset;
    switch (p->now.kind) {
    case TOKEN_INT: return spelled(p, parse_literal(p, LITERAL_INT, p->now.bits), start);
    case TOKEN_FLOAT: return spelled(p, parse_literal(p, LITERAL_FLOAT, p->now.bits), start);
    case TOKEN_NAME: return spelled(p, parse_name(p), start);
    case TOKEN_LEFT_PAREN: return parse_parentheses(p);
    default: return wn_parse_expected(p, "an operand");
    }
}

/* t[m], t[:, m], t[:, :, m] */
static node_id parse_index(parser *p, node_id tensor) {
    size_t place = p->now.offset;
    int32_t axis = 0;
    advance(p);
    while (accept(p, TOKEN_COLON)) {
        if (!expect(p, TOKEN_COMMA, "\",\" and a mask")) return 0;
        if (axis <= WN_MAX_RANK) axis++;
    }
    node_id args[2] = {tensor, parse_expression(p)};
    if (!args[1] || !expect(p, TOKEN_RIGHT_BRACKET, "an operator or \"]\": the mask comes last"))
        return 0;
    return build(p, place, OP_boolean_mask, args, 2, WN_BOOL, axis);
}

static node_id parse_postfix(parser *p) {
    size_t start = p->now.offset;
    node_id id = parse_primary(p);
    while (id && at(p, TOKEN_LEFT_BRACKET))
        id = spelled(p, parse_index(p, id), start);
    return id;
}

/* ---- Operators --------------------------------------------------------------------------------------------------- */

static bool go_deeper(parser *p) {
    if (++p->depth <= DEEPEST) return true;
    wn_graph_fail(p->g, WN_ERROR_LIMIT, "nested deeper than %d; give a part of it a name", DEEPEST);
    return wn_parse_locate(p, p->now.offset);
}

static op unary_op(const parser *p, token_kind kind, node_id arg) {
    if (kind == TOKEN_MINUS) return OP_negative;
    return kind == TOKEN_NOT || any_bool(p, arg, arg) ? OP_logical_not : OP_invert;
}

static node_id parse_unary(parser *p) {
    token t = p->now;
    if (t.kind != TOKEN_MINUS && t.kind != TOKEN_NOT && t.kind != TOKEN_TILDE)
        return parse_postfix(p);
    if (!go_deeper(p)) return 0;
    advance(p);
    node_id arg = parse_unary(p);
    p->depth--;
    node_id id = arg ? build(p, t.offset, unary_op(p, t.kind, arg), &arg, 1, WN_BOOL, 0) : 0;
    return spelled(p, id, t.offset);
}

/* A higher rank binds tighter. */
typedef struct infix {
    token_kind token;
    int rank;
    op on_bool, on_numbers;
} infix;

static const infix *find_infix(token_kind kind) {
    static const infix table[] = {
        {TOKEN_STAR, 10, OP_multiply, OP_multiply},
        {TOKEN_SLASH, 10, OP_divide, OP_divide},
        {TOKEN_SLASH_SLASH, 10, OP_floor_divide, OP_floor_divide},
        {TOKEN_PERCENT, 10, OP_floor_mod, OP_floor_mod},
        {TOKEN_PLUS, 9, OP_add, OP_add},
        {TOKEN_MINUS, 9, OP_subtract, OP_subtract},
        {TOKEN_SHIFT_LEFT, 8, OP_left_shift, OP_left_shift},
        {TOKEN_SHIFT_RIGHT, 8, OP_right_shift, OP_right_shift},
        {TOKEN_LESS, 7, OP_less, OP_less},
        {TOKEN_LESS_EQUAL, 7, OP_less_equal, OP_less_equal},
        {TOKEN_GREATER, 7, OP_greater, OP_greater},
        {TOKEN_GREATER_EQUAL, 7, OP_greater_equal, OP_greater_equal},
        {TOKEN_EQUAL, 6, OP_equal, OP_equal},
        {TOKEN_NOT_EQUAL, 6, OP_not_equal, OP_not_equal},
        {TOKEN_AND, 5, OP_logical_and, OP_bitwise_and},
        {TOKEN_XOR, 4, OP_logical_xor, OP_bitwise_xor},
        {TOKEN_OR, 3, OP_logical_or, OP_bitwise_or},
        {TOKEN_AND_AND, 2, OP_logical_and, OP_logical_and},
        {TOKEN_OR_OR, 1, OP_logical_or, OP_logical_or},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].token == kind) return &table[i];
    return NULL;
}

static node_id build_infix(parser *p, const infix *o, size_t place, node_id a, node_id b) {
    const node_id args[2] = {a, b};
    return build(p, place, any_bool(p, a, b) ? o->on_bool : o->on_numbers, args, 2, WN_BOOL, 0);
}

/* Operators of at least this rank, grouped from the left. */
static node_id parse_infix(parser *p, int rank) {
    size_t start = p->now.offset;
    node_id left = parse_unary(p);
    for (const infix *o; left && (o = find_infix(p->now.kind)) && o->rank >= rank;) {
        size_t place = p->now.offset;
        advance(p);
        if (!go_deeper(p)) return 0;
        node_id right = parse_infix(p, o->rank + 1);
        p->depth--;
        left = spelled(p, right ? build_infix(p, o, place, left, right) : 0, start);
    }
    return left;
}

/* Conditions and values on the stack from `base` on become one where after the other, the last first. */
static node_id build_choices(parser *p, uint32_t base, node_id otherwise) {
    while (otherwise && p->count > base) {
        p->count -= 2;
        const operand *pair = p->stack + p->count;
        const node_id args[3] = {pair[0].id, pair[1].id, otherwise};
        otherwise = spelled(p, build(p, pair[0].place, OP_where, args, 3, WN_BOOL, 0), pair[0].start);
    }
    return otherwise;
}

/* c ? x : d ? y : z groups from the right. */
static node_id parse_choices(parser *p) {
    uint32_t base = p->count;
    for (;;) {
        size_t start = p->now.offset;
        node_id first = parse_infix(p, 1);
        size_t place = p->now.offset;
        if (!first || !accept(p, TOKEN_QUESTION)) return build_choices(p, base, first);
        node_id value = 0;
        if (push(p, first, place)) {
            p->stack[p->count - 1].start = start;
            value = parse_expression(p);
        }
        if (!value || !expect(p, TOKEN_COLON, "an operator or the \":\" of \"?:\"")) return 0;
        if (!push(p, value, place)) return 0;
    }
}

static node_id parse_expression(parser *p) {
    if (!go_deeper(p)) return 0;
    node_id id = parse_choices(p);
    p->depth--;
    return id;
}

/* ---- Statements -------------------------------------------------------------------------------------------------- */

/* [?, 3]; *rank counts lengths beyond WN_MAX_RANK too, without keeping them. */
static bool parse_lengths(parser *p, int64_t *lengths, int32_t *rank) {
    if (!accept(p, TOKEN_LEFT_BRACKET) || accept(p, TOKEN_RIGHT_BRACKET)) return true;
    do {
        if (!at(p, TOKEN_QUESTION) && !at(p, TOKEN_INT))
            return wn_parse_expected(p, "a length or \"?\"");
        if (at(p, TOKEN_INT) && p->now.bits > INT64_MAX)
            return wn_parse_fail_word(p, &p->now, WN_ERROR_LITERAL, "%s is too large for a length");
        if (*rank < WN_MAX_RANK) lengths[*rank] = at(p, TOKEN_INT) ? (int64_t)p->now.bits : WN_ANY;
        if (*rank < INT32_MAX) ++*rank;
        advance(p);
    } while (accept(p, TOKEN_COMMA));
    return expect(p, TOKEN_RIGHT_BRACKET, "\",\" or \"]\"");
}

/* input x: f32[?, 3] */
static bool parse_input(parser *p) {
    advance(p);
    token name = p->now;
    if (!check_new_name(p, &name, "the name of an input") || !check_untaken(p, &name)) return false;
    advance(p);
    wn_type type = WN_BOOL;
    int64_t lengths[WN_MAX_RANK];
    int32_t rank = 0;
    if (!expect(p, TOKEN_COLON, "\":\" and a type") || !parse_type(p, &type)) return false;
    if (!parse_lengths(p, lengths, &rank)) return false;
    char *text = copy_name(p, &name);
    if (!text) return false;
    wn_input_dims(p->g, text, type, rank, lengths);
    release_name(p, text, &name);
    return graph_ok(p->g) || wn_parse_locate(p, name.offset);
}

/* A value's name may become an output's only together with the value; an input may be replaced by an output. */
static bool check_output_name(parser *p, const token *name, node_id value) {
    node_id taken = find_name(p, name);
    if (!graph_ok(p->g)) return false;
    if (!taken || taken == value || graph_node(p->g, taken)->op == OP_input) return true;
    return wn_parse_fail_word(p, name, WN_ERROR_NAME, "%s is already the name of another value");
}

/* output y = e, or output y for a y that has a value */
static bool parse_output(parser *p) {
    advance(p);
    token name = p->now;
    if (!check_new_name(p, &name, "the name of an output")) return false;
    bool defines = peek(p).kind == TOKEN_ASSIGN;
    if (defines) {
        advance(p);
        advance(p);
    }
    node_id value = defines ? parse_expression(p) : parse_name(p);
    if (!value || !check_output_name(p, &name, value) || !name_value(p, &name, value, true))
        return false;
    p->has_output = true;
    p->last = value;
    return true;
}

/* name = e */
static bool parse_assignment(parser *p) {
    token name = p->now;
    if (!check_new_name(p, &name, "a name") || !check_untaken(p, &name)) return false;
    advance(p);
    advance(p);
    node_id value = parse_expression(p);
    if (!value || !name_value(p, &name, value, false)) return false;
    p->last = value;
    p->last_name = name;
    return true;
}

static bool parse_value(parser *p) {
    token start = p->now;
    node_id value = parse_expression(p);
    if (!value) return false;
    p->last = value;
    p->last_name = (token){.kind = TOKEN_END, .offset = start.offset};
    return true;
}

static bool parse_statement(parser *p) {
    const word *w = word_of(p, &p->now);
    if (w && w->kind == WORD_INPUT) return parse_input(p);
    if (w && w->kind == WORD_OUTPUT) return parse_output(p);
    if (at(p, TOKEN_NAME) && peek(p).kind == TOKEN_ASSIGN) return parse_assignment(p);
    return parse_value(p);
}

static bool end_statement(parser *p) {
    if (at(p, TOKEN_END) || accept(p, TOKEN_SEMICOLON)) return true;
    if (at(p, TOKEN_ASSIGN)) return wn_parse_expected(p, "an operator or \";\" (equality is ==)");
    return wn_parse_expected(p, "an operator or \";\"");
}

static bool parse_statements(parser *p) {
    if (at(p, TOKEN_END)) return wn_parse_expected(p, "an expression");
    while (!at(p, TOKEN_END)) {
        if (accept(p, TOKEN_SEMICOLON)) continue;
        if (!parse_statement(p) || !end_statement(p)) return false;
    }
    return true;
}

/* A text without outputs exports its last value. */
static void export_last(parser *p) {
    if (p->has_output || !p->last) return;
    if (p->last_name.kind == TOKEN_NAME) {
        name_value(p, &p->last_name, p->last, true);
        return;
    }
    wn_output(p->g, "result", (wn_node){p->g, p->last});
    if (!graph_ok(p->g)) wn_parse_locate(p, p->last_name.offset);
}

WN_API wn_node wn_parse(wn_graph *graph, const char *text, size_t length) {
    wn_node null = {graph, 0};
    if (!graph_ok(graph)) return null;
    if (!text && length > 0) {
        wn_graph_fail(graph, WN_ERROR_ARGUMENT, "parse: the text is NULL");
        return null;
    }
    parser p = {.g = graph, .text = text ? text : "", .length = length};
    p.base = wn_trace_text(graph, p.text, length);
    p.now = wn_lex(p.text, length, 0);
    if (parse_statements(&p)) export_last(&p);
    wn_trace_text_done(graph);
    wn_release(graph->context, p.stack, p.room * sizeof *p.stack);
    return graph_ok(graph) ? (wn_node){graph, p.last} : null;
}
