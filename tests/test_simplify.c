/*
 * test_simplify.c - the rewrites of simplify.c: each right one exhausted, each tempting wrong one
 * not applied.
 *
 * A right one is built both ways. As it is written it goes through the simplifier; the meaning it
 * must keep is computed by applying wn_interpret_op to the operations one by one, with no graph.
 * The inputs are all values of bool, i8, u8 and f16, and, for two inputs, all pairs of the 8-bit
 * ones.
 */
#include "graph_fixture.h"

#include <math.h>

/* ---- Terms: expressions outside any graph ---------------------------------------------------- */

/*
 * A term in Polish notation, a step a character, over inputs a, b (of the type under test) and p, q
 * (bools):
 *   ! logical_not   = equal  # not_equal  < less  L less_equal  > greater  G greater_equal
 *   & | ^ logical   A O X bitwise  ~ invert  l left_shift  r right_shift
 *   ? where         + - * /  d floor_divide  N multiply_no_nan  m minimum  M maximum
 *   n negative  s abs  f floor  c ceil  i rint  t trunc
 *   T cast of a bool to the type   0 1 2 the int constants   z -0.0   F all bits   Y true  W false
 */
typedef struct step {
    char letter;
    op o;
} step;

static const step STEPS[] = {
    {'!', OP_logical_not},
    {'=', OP_equal},
    {'#', OP_not_equal},
    {'<', OP_less},
    {'L', OP_less_equal},
    {'>', OP_greater},
    {'G', OP_greater_equal},
    {'&', OP_logical_and},
    {'|', OP_logical_or},
    {'^', OP_logical_xor},
    {'A', OP_bitwise_and},
    {'O', OP_bitwise_or},
    {'X', OP_bitwise_xor},
    {'~', OP_invert},
    {'l', OP_left_shift},
    {'r', OP_right_shift},
    {'?', OP_where},
    {'+', OP_add},
    {'-', OP_subtract},
    {'*', OP_multiply},
    {'/', OP_divide},
    {'d', OP_floor_divide},
    {'N', OP_multiply_no_nan},
    {'m', OP_minimum},
    {'M', OP_maximum},
    {'n', OP_negative},
    {'s', OP_abs},
    {'f', OP_floor},
    {'c', OP_ceil},
    {'i', OP_rint},
    {'t', OP_trunc},
    {'T', OP_cast},
};

static op op_of(char letter) {
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++)
        if (STEPS[i].letter == letter) return STEPS[i].o;
    return OP_null;
}

/* A constant's bits; false if the letter is none. */
static bool constant_of(char letter, wn_type type, uint64_t *bits, wn_type *its_type) {
    size_t width = 8 * wn_type_size(type);
    uint64_t number = letter == '1' ? 1 : letter == '2' ? 2 : 0;
    *its_type = letter == 'Y' || letter == 'W' ? WN_BOOL : type;
    if (letter == 'Y' || letter == 'W') return *bits = letter == 'Y', true;
    if (letter == 'z') return *bits = 1ull << (width - 1), true;
    if (letter == 'F') return *bits = UINT64_MAX >> (64 - width), true;
    *bits = type_is_float(type) ? wn_evaluate(OP_cast, WN_U64, type, &number, 1) : number;
    return letter >= '0' && letter <= '2';
}

/* ---- In a graph ------------------------------------------------------------------------------ */

static node_id build_term(wn_graph *g, wn_type type, const char **text) {
    char letter = *(*text)++;
    const char name[2] = {letter, 0};
    wn_type its_type;
    uint64_t bits;
    if (strchr("abpq", letter)) return wn_find(g, name).id;
    if (constant_of(letter, type, &bits, &its_type)) return wn_build_constant(g, its_type, bits);
    op o = op_of(letter);
    assert_int_not_equal(o, OP_null);
    node_id args[3];
    size_t count = wn_op_row(o)->arity;
    for (size_t i = 0; i < count; i++)
        args[i] = build_term(g, type, text);
    return wn_build(g, o, args, count, type, 0);
}

static node_id term(wn_graph *g, wn_type type, const char *text) {
    node_id id = build_term(g, type, &text);
    assert_string_equal(wn_graph_error(g), "");
    return id;
}

/* With scalars for inputs, so that shapes stand in no rewrite's way; or with vectors of one
   symbol. */
static void declare(wn_graph *g, wn_type type) {
    wn_input(g, "a", type, 7);
    wn_input(g, "b", type, 7);
    wn_input(g, "p", WN_BOOL, 7);
    wn_input(g, "q", WN_BOOL, 7);
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* All of the inputs' values, side by side: a and b as stored, p and q. */
typedef struct samples {
    wn_type type;
    size_t count;
    void *a, *b;
    uint8_t *p, *q;
} samples;

static void *filled(wn_type type, size_t count, size_t divisor, size_t modulus) {
    size_t size = wn_type_size(type);
    uint8_t *values = malloc(count * size);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < size; j++)
            values[i * size + j] = (uint8_t)((i / divisor % modulus) >> 8 * j);
    return values;
}

/* All pairs of 8-bit values, or each f16 beside a few; and each with the four pairs of bools. */
static samples all_samples(wn_type type) {
    bool wide = wn_type_size(type) > 1;
    size_t one = type == WN_BOOL ? 2 : wide ? 65536 : 256, pairs = wide ? one : one * one;
    samples s = {.type = type, .count = pairs * 4};
    s.a = filled(type, s.count, 1, one);
    s.b = filled(type, s.count, wide ? 7 : one, one);
    s.p = filled(WN_BOOL, s.count, pairs, 2);
    s.q = filled(WN_BOOL, s.count, pairs * 2, 2);
    return s;
}

static void free_samples(samples s) {
    free(s.a);
    free(s.b);
    free(s.p);
    free(s.q);
}

static const void *input_values(const samples *s, char letter) {
    return letter == 'a' ? s->a : letter == 'b' ? s->b : letter == 'p' ? s->p : s->q;
}

static void *copied(const void *values, size_t bytes) {
    void *copy = malloc(bytes);
    assert_non_null(copy);
    return memcpy(copy, values, bytes);
}

static void *repeated(wn_type type, uint64_t bits, size_t count) {
    size_t size = wn_type_size(type);
    uint8_t *values = malloc(count * size);
    assert_non_null(values);
    for (size_t i = 0; i < count * size; i++)
        values[i] = (uint8_t)(bits >> i % size * 8);
    return values;
}

static void *apply(op o, wn_type *types, void **args, size_t count, wn_type to, size_t n) {
    wn_type type = types[o == OP_where ? 1 : 0];
    wn_type result_type = o == OP_cast ? to : wn_op_row(o)->gives_bool ? WN_BOOL : type;
    void *result = malloc(n * 8);
    assert_non_null(result);
    const void *const list[3] = {args[0], args[1], args[2]};
    wn_interpret_op(o, type, result_type, list, result, n);
    for (size_t i = 0; i < count; i++)
        free(args[i]);
    types[0] = result_type;
    return result;
}

/* The value of a term, as it is written. Its type goes to *type. */
static void *value_of_term(const samples *s, const char **text, wn_type *type) {
    char letter = *(*text)++;
    uint64_t bits;
    *type = letter == 'p' || letter == 'q' ? WN_BOOL : s->type;
    if (strchr("abpq", letter))
        return copied(input_values(s, letter), s->count * wn_type_size(*type));
    if (constant_of(letter, s->type, &bits, type)) return repeated(*type, bits, s->count);
    op o = op_of(letter);
    void *args[3] = {0};
    wn_type types[3] = {WN_BOOL, WN_BOOL, WN_BOOL};
    size_t count = wn_op_row(o)->arity;
    for (size_t i = 0; i < count; i++)
        args[i] = value_of_term(s, text, &types[i]);
    void *result = apply(o, types, args, count, s->type, s->count);
    *type = types[0];
    return result;
}

/* The value of a node, as the simplifier left it. */
static void *value_of_node(const samples *s, const wn_graph *g, node_id id) {
    const node *n = graph_node(g, id);
    if (n->op == OP_input)
        return copied(input_values(s, "abpq"[n->bits]), s->count * wn_type_size((wn_type)n->type));
    if (n->op == OP_constant) return repeated((wn_type)n->type, n->bits, s->count);
    void *args[3] = {0};
    wn_type types[3] = {WN_BOOL, WN_BOOL, WN_BOOL};
    size_t count = wn_op_row((op)n->op)->arity;
    for (size_t i = 0; i < count; i++) {
        args[i] = value_of_node(s, g, n->args[i]);
        types[i] = (wn_type)graph_node(g, n->args[i])->type;
    }
    return apply((op)n->op, types, args, count, (wn_type)n->type, s->count);
}

static uint64_t element(wn_type type, const void *values, size_t i) {
    size_t size = wn_type_size(type);
    uint64_t bits = 0;
    for (size_t j = 0; j < size; j++)
        bits |= (uint64_t)((const uint8_t *)values)[i * size + j] << 8 * j;
    return bits;
}

static bool same_bits(wn_type type, uint64_t x, uint64_t y) {
    if (x == y || !type_is_float(type)) return x == y;
    return isnan(wn_constant_value(type, x)) && isnan(wn_constant_value(type, y));
}

/* The first place where two arrays differ, or `count`. */
static size_t first_difference(wn_type type, const void *x, const void *y, size_t count) {
    size_t i = 0;
    while (i < count && same_bits(type, element(type, x, i), element(type, y, i)))
        i++;
    return i;
}

/* ---- Right rewrites -------------------------------------------------------------------------- */

enum {
    BOOLS = 1,
    SIGNED = 2,
    UNSIGNED = 4,
    INTS = SIGNED | UNSIGNED,
    FLOATS = 8,
    NUMBERS = INTS | FLOATS
};

typedef struct rule {
    int types;
    const char *before, *after;
} rule;

static const rule RIGHT[] = {
    /* logic */
    {BOOLS, "!!p", "p"},
    {NUMBERS, "!=ab", "#ab"},
    {NUMBERS, "!#ab", "=ab"},
    {INTS, "!<ab", "Gab"},
    {INTS, "!Lab", ">ab"},
    {INTS, "!>ab", "Lab"},
    {INTS, "!Gab", "<ab"},
    {BOOLS, "!=pq", "#pq"},
    {BOOLS, "&pY", "p"},
    {BOOLS, "|pW", "p"},
    {BOOLS, "^pW", "p"},
    {BOOLS, "^pY", "!p"},
    {BOOLS, "#pW", "p"},
    {BOOLS, "#pY", "!p"},
    {BOOLS, "=pY", "p"},
    {BOOLS, "=Wp", "!p"},
    {BOOLS, "&pp", "p"},
    {BOOLS, "|pp", "p"},
    /* order */
    {NUMBERS, "+ba", "+ab"},
    {NUMBERS, "mba", "mab"},
    {NUMBERS, "<1a", ">a1"},
    /* choice */
    {NUMBERS, "?Yab", "a"},
    {NUMBERS, "?Wab", "b"},
    {NUMBERS, "?!pab", "?pba"},
    {NUMBERS, "?paa", "a"},
    {BOOLS, "?pYW", "p"},
    {BOOLS, "?pWY", "!p"},
    {BOOLS, "?pqW", "&pq"},
    {BOOLS, "?pYq", "|pq"},
    {INTS, "?p10", "Tp"},
    {INTS, "?p01", "T!p"},
    {INTS, "?!p10", "T!p"},
    {NUMBERS, "?p?pab1", "?pa1"},
    {NUMBERS, "?pa?p1b", "?pab"},
    /* bits */
    {INTS, "AaF", "a"},
    {INTS, "Oa0", "a"},
    {INTS, "Xa0", "a"},
    {INTS, "la0", "a"},
    {INTS, "ra0", "a"},
    {INTS, "~~a", "a"},
    {INTS, "Aaa", "a"},
    {INTS, "Oaa", "a"},
    /* arithmetic */
    {NUMBERS, "nna", "a"},
    {NUMBERS, "maa", "a"},
    {NUMBERS, "Maa", "a"},
    {NUMBERS, "*a1", "a"},
    {NUMBERS, "*1a", "a"},
    {NUMBERS, "-a0", "a"},
    {INTS, "+a0", "a"},
    {INTS, "+0a", "a"},
    {FLOATS, "+az", "a"},
    {FLOATS, "/a1", "a"},
    {FLOATS, "Na1", "a"},
    {INTS, "da1", "a"},
    {INTS, "*aTp", "?pa0"},
    {INTS, "*Tpa", "?pa0"},
    {INTS, "*TpTq", "?qTp0"},
    {UNSIGNED, "sa", "a"},
    {SIGNED | FLOATS, "ssa", "sa"},
    {SIGNED | FLOATS, "sna", "sa"},
    {FLOATS, "ffa", "fa"},
    {FLOATS, "fca", "ca"},
    {FLOATS, "tia", "ia"},
    {FLOATS, "ita", "ta"},
};

static void check_rule(const rule *r, const samples *s) {
    fixture f = set_up();
    declare(f.g, s->type);
    node_id before = term(f.g, s->type, r->before), after = term(f.g, s->type, r->after);
    if (before != after)
        fail_msg("%s on %s does not become %s", r->before, wn_type_name(s->type), r->after);
    const char *text = r->before;
    wn_type type;
    void *meant = value_of_term(s, &text, &type), *got = value_of_node(s, f.g, after);
    size_t i = first_difference(type, meant, got, s->count);
    if (i < s->count)
        fail_msg("%s on %s: a %llx, b %llx, p %d, q %d: %llx before, %llx after", r->before,
                 wn_type_name(s->type), (unsigned long long)element(s->type, s->a, i),
                 (unsigned long long)element(s->type, s->b, i), s->p[i], s->q[i],
                 (unsigned long long)element(type, meant, i),
                 (unsigned long long)element(type, got, i));
    free(meant);
    free(got);
    expect_ok(f.g);
    tear_down(f);
}

static void right_rewrites_keep_every_bit(void **state) {
    (void)state;
    static const struct {
        int class;
        wn_type type;
    } types[] = {{BOOLS, WN_BOOL}, {SIGNED, WN_I8}, {UNSIGNED, WN_U8}, {FLOATS, WN_F16}};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        samples s = all_samples(types[t].type);
        for (size_t i = 0; i < sizeof RIGHT / sizeof *RIGHT; i++)
            if (RIGHT[i].types & types[t].class) check_rule(&RIGHT[i], &s);
        free_samples(s);
    }
}

/* The other widths have the same rules: the constants 1, -0 and all-ones of each type. */
static void rules_know_the_constants_of_every_type(void **state) {
    (void)state;
    for (int type = WN_I8; type < WN_TYPE_COUNT; type++) {
        fixture f = set_up();
        wn_type t = (wn_type)type;
        declare(f.g, t);
        node_id a = term(f.g, t, "a");
        assert_int_equal(term(f.g, t, "*a1"), a);
        assert_int_equal(term(f.g, t, "-a0"), a);
        if (type_is_float(t))
            assert_int_equal(term(f.g, t, "+az"), a);
        else
            assert_int_equal(term(f.g, t, "AaF"), a);
        expect_ok(f.g);
        tear_down(f);
    }
}

/* ---- Wrong rewrites -------------------------------------------------------------------------- */

typedef struct trap {
    wn_type type;
    const char *before, *wrong;
    uint64_t a, b; /* where they differ */
    bool p;
} trap;

static const trap WRONG[] = {
    {WN_F16, "!<ab", "Gab", 0x7e00, 0, false}, /* NaN */
    {WN_F16, "!Gab", "<ab", 0x7e00, 0, false},
    {WN_F16, "+a0", "a", 0x8000, 0, false}, /* -0 */
    {WN_F16, "-az", "a", 0x8000, 0, false},
    {WN_F16, "-0a", "na", 0, 0, false},
    {WN_F16, "-aa", "0", 0x7c00, 0, false}, /* inf */
    {WN_F16, "/aa", "1", 0, 0, false},
    {WN_F16, "*a0", "0", 0x7c00, 0, false},
    {WN_F16, "*a0", "0", 0xc500, 0, false}, /* -5 * 0 is -0 */
    {WN_F16, "*aTp", "?pa0", 0x7c00, 0, false},
    {WN_F16, "*aTp", "?pa0", 0xc500, 0, false},
    {WN_F16, "-+abb", "a", 0x3c00, 0x7bff, false}, /* (1 + 65504) - 65504 */
    {WN_F16, "=aa", "Y", 0x7e00, 0, false},
    {WN_F16, "mab", "?<abab", 0x7e00, 0, false},
    {WN_F16, "mab", "?<abab", 0x8000, 0, false}, /* -0 and +0 */
    {WN_F16, "Mab", "?>abab", 0, 0x8000, false},
    {WN_F16, "M0mab", "ma0", 0x3c00, 0x4000, false},
    {WN_U8, "sna", "sa", 1, 0, false},
    {WN_U8, "rlaFF", "a", 1, 0, false},
    {WN_I8, "nsa", "a", 1, 0, false},
    {WN_I8, "d*abb", "a", 64, 4, false}, /* 64 * 4 wraps to 0 */
    {WN_I8, "*aTp", "a", 5, 0, false},
};

static void check_trap(const trap *t) {
    fixture f = set_up();
    declare(f.g, t->type);
    if (term(f.g, t->type, t->before) == term(f.g, t->type, t->wrong))
        fail_msg("%s on %s became %s", t->before, wn_type_name(t->type), t->wrong);
    uint8_t p = t->p, q = 0;
    uint64_t a = t->a, b = t->b;
    samples s = {t->type, 1, &a, &b, &p, &q};
    const char *before = t->before, *wrong = t->wrong;
    wn_type type;
    void *x = value_of_term(&s, &before, &type), *y = value_of_term(&s, &wrong, &type);
    void *z = value_of_node(&s, f.g, term(f.g, t->type, t->before));
    if (first_difference(type, x, y, 1) == 1)
        fail_msg("%s ==> %s: no counter-example", t->before, t->wrong);
    assert_int_equal(first_difference(type, x, z, 1), 1);
    free(x);
    free(y);
    free(z);
    expect_ok(f.g);
    tear_down(f);
}

static void wrong_rewrites_are_not_applied(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        check_trap(&WRONG[i]);
}

/* ---- Casts ----------------------------------------------------------------------------------- */

/* Every chain of two casts from a type of up to 16 bits, over all its values. */
static void check_cast_chain(wn_type from, wn_type middle, wn_type to) {
    fixture f = set_up();
    wn_node a = wn_input(f.g, "a", from), chained = wn_cast(wn_cast(a, middle), to);
    size_t count = from == WN_BOOL ? 2 : wn_type_size(from) == 1 ? 256 : 65536;
    samples s = {.type = from, .count = count, .a = filled(from, count, 1, count)};
    void *args[3] = {copied(s.a, count * wn_type_size(from))};
    wn_type types[3] = {from};
    args[0] = apply(OP_cast, types, args, 1, middle, count);
    void *meant = apply(OP_cast, types, args, 1, to, count), *got = value_of_node(&s, f.g, chained.id);
    size_t i = first_difference(to, meant, got, count);
    if (i < count)
        fail_msg("%s(%s(%s)): of %llx: %llx before, %llx after", wn_type_name(to),
                 wn_type_name(middle), wn_type_name(from), (unsigned long long)element(from, s.a, i),
                 (unsigned long long)element(to, meant, i), (unsigned long long)element(to, got, i));
    free(meant);
    free(got);
    free(s.a);
    expect_ok(f.g);
    tear_down(f);
}

static void cast_chains_keep_every_value(void **state) {
    (void)state;
    for (int from = 0; from < WN_TYPE_COUNT; from++)
        for (int middle = 0; middle < WN_TYPE_COUNT; middle++)
            for (int to = 0; to < WN_TYPE_COUNT; to++)
                if (wn_type_size((wn_type)from) <= 2)
                    check_cast_chain((wn_type)from, (wn_type)middle, (wn_type)to);
}

static void lossless_cast_chains_shrink(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node b = wn_input(f.g, "b", WN_I8), u = wn_input(f.g, "u", WN_U8),
            h = wn_input(f.g, "h", WN_F16);
    wn_node w = wn_input(f.g, "w", WN_I32), d = wn_input(f.g, "d", WN_F64),
            c = wn_input(f.g, "c", WN_BOOL);
    assert_int_equal(wn_cast(wn_cast(b, WN_I16), WN_I32).id, wn_cast(b, WN_I32).id);
    assert_int_equal(wn_cast(wn_cast(u, WN_F32), WN_U8).id, u.id);
    assert_int_equal(wn_cast(wn_cast(h, WN_F32), WN_F16).id, h.id);
    assert_int_equal(wn_cast(wn_cast(w, WN_F64), WN_I32).id, w.id);
    assert_int_equal(wn_cast(wn_cast(c, WN_BF16), WN_BOOL).id, c.id);
    assert_int_equal(wn_cast(w, WN_I32).id, w.id);
    /* not these */
    assert_int_not_equal(wn_cast(wn_cast(w, WN_F32), WN_I32).id, w.id);
    assert_int_not_equal(wn_cast(wn_cast(w, WN_I8), WN_I32).id, w.id);
    assert_int_not_equal(wn_cast(wn_cast(d, WN_F32), WN_F16).id, wn_cast(d, WN_F16).id);
    assert_int_not_equal(wn_cast(wn_cast(u, WN_F32), WN_I8).id, wn_cast(u, WN_I8).id);
    assert_int_not_equal(wn_cast(wn_cast(h, WN_BF16), WN_F16).id, h.id);
    expect_ok(f.g);
    tear_down(f);
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static void an_operand_whose_shape_matters_stays(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32, WN_ANY), y = wn_input(f.g, "y", WN_F32, WN_ANY);
    wn_node c = wn_input(f.g, "c", WN_BOOL, WN_ANY), s = wn_input(f.g, "s", WN_BOOL),
            r = wn_input(f.g, "r", WN_F32);
    bool yes = true;
    assert_int_equal(wn_where(s, x, x).id, x.id);
    assert_int_equal(wn_where(wn_less(x, 0), x, x).id, x.id);
    assert_int_not_equal(wn_where(c, x, x).id, x.id); /* c may have another length */
    assert_int_not_equal(wn_where(c, r, r).id, r.id);
    assert_int_not_equal(wn_where(yes, x, y).id, x.id);
    assert_int_not_equal(wn_where(yes, r, x).id, r.id);
    assert_int_equal(wn_where(yes, x, r).id, x.id);
    assert_int_not_equal(wn_logical_and(c, false).id, wn_logical_and(s, false).id);
    assert_int_equal(graph_node(f.g, wn_logical_and(s, false).id)->op, OP_constant);
    expect_ok(f.g);
    tear_down(f);
}

static void a_check_of_the_run_stays(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32, WN_ANY), y = wn_input(f.g, "y", WN_F32, 3);
    wn_node c = wn_less(x, y); /* [3], if x's length turns out to be 3 or 1 */
    assert_int_equal(wn_where(wn_less(y, 0), y, y).id, y.id);
    assert_int_not_equal(wn_where(c, y, y).id, y.id);
    assert_int_not_equal(wn_where(true, y, wn_add(x, y)).id, y.id);
    expect_ok(f.g);
    tear_down(f);
}

static void constants_fold_as_they_run(void **state) {
    (void)state;
    fixture f = set_up();
    node_id a = wn_build_constant(f.g, WN_I8, 44), b = wn_build_constant(f.g, WN_I8, 100);
    const node_id args[2] = {a, b};
    const node *sum = graph_node(f.g, wn_build(f.g, OP_add, args, 2, WN_BOOL, 0));
    assert_int_equal(sum->op, OP_constant);
    assert_int_equal(sum->bits, 144); /* wrapped: -112 */
    const node *less = graph_node(f.g, wn_build(f.g, OP_less, args, 2, WN_BOOL, 0));
    assert_int_equal(less->type, WN_BOOL);
    assert_int_equal(less->bits, 1);
    expect_ok(f.g);
    tear_down(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_rewrites_keep_every_bit),
        cmocka_unit_test(rules_know_the_constants_of_every_type),
        cmocka_unit_test(wrong_rewrites_are_not_applied),
        cmocka_unit_test(cast_chains_keep_every_value),
        cmocka_unit_test(lossless_cast_chains_shrink),
        cmocka_unit_test(an_operand_whose_shape_matters_stays),
        cmocka_unit_test(a_check_of_the_run_stays),
        cmocka_unit_test(constants_fold_as_they_run),
    };
    return cmocka_run_group_tests_name("simplify", tests, NULL, NULL);
}
