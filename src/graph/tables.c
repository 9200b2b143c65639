/*
 * tables.c - what is known of each type and operation before any graph: the rows of WN_TYPES and
 * ops.def as data.
 *
 * Everything here is constant and is indexed by the enums that the same rows make, so the two
 * cannot disagree.
 */
#include "graph/graph.h"

#include <string.h>

/* ---- Types --------------------------------------------------------------------------------- */

typedef struct type_row {
    const char *name;
    uint8_t size;
    uint8_t class; /* type_class */
} type_row;

static const type_row TYPES[WN_TYPE_COUNT] = {
#define ROW(NAME, name, class, storage) [WN_##NAME] = {name, sizeof(storage), CLASS_##class},
    WN_TYPES(ROW)
#undef ROW
};

static bool is_type(wn_type type) {
    return (unsigned)type < WN_TYPE_COUNT;
}

WN_API const char *wn_type_name(wn_type type) {
    return is_type(type) ? TYPES[type].name : type == WN_BITMAP ? "bitmap" : "?";
}

WN_API size_t wn_type_size(wn_type type) {
    return is_type(type) ? TYPES[type].size : 0;
}

type_class wn_type_class(wn_type type) {
    return (type_class)TYPES[type].class;
}

wn_type wn_type_of_name(const char *text, size_t length) {
    int t = 0;
    for (; t < WN_TYPE_COUNT; t++) {
        const char *known = TYPES[t].name;
        if (strlen(known) == length && memcmp(known, text, length) == 0) break;
    }
    return (wn_type)t;
}

/* ---- Operations ---------------------------------------------------------------------------- */

/* The words of ops.def as values. */
enum { GIVES_SAME = false, GIVES_BOOL = true };
enum { ON_INT = false, ON_EXACT = true };
enum { LAW_0 = false, LAW_IDEM = true };

#define STRUCTURAL(word, operands, meaning)                                                        \
    { .name = word, .arity = operands, .takes = TAKES_ALL, .text = "", .doc = meaning }

static const op_row OPS[OP_end_] = {
    [OP_null] = STRUCTURAL("null", 0, "no node"),
    [OP_input] = STRUCTURAL("input", 0, "an input array"),
    [OP_literal] = STRUCTURAL("literal", 0, "a number without a type"),
    [OP_constant] = STRUCTURAL("constant", 0, "a number of a type"),
    [OP_cast] = STRUCTURAL("cast", 1, "a as another type"),
    [OP_boolean_mask] = STRUCTURAL("boolean_mask", 2, "the elements of a where b is true"),
    [OP_nonzero] = STRUCTURAL("nonzero", 1, "the places where a is true"),
    [OP_expand] = STRUCTURAL("expand", 3, "c, with the elements of a in turn where b is true"),
    [OP_place] =
        STRUCTURAL("place", 3, "a, with the elements of c in turn, again and again, where b is true"),
    [OP_putmask] =
        STRUCTURAL("putmask", 3, "a, with element i of c, repeated, at each place i where b is true"),
    [OP_compress] = STRUCTURAL("compress", 2, "the slices of b where a, which may be shorter, is true"),
#define REDUCTION(word, NAME, takes, gives, nothing, initial, meaning)                             \
    [OP_##word] = STRUCTURAL(#word, 1, meaning),
#include "graph/reductions.def"
#undef REDUCTION
    [OP_select] = STRUCTURAL("select", 0, "the value of the first condition that is true"),
    [OP_clip] = STRUCTURAL("clip", 3, "a, held between b and c"),
#define OP(NAME, n, TAKES, GIVES, MIRROR, NEGATION, ON, LAW, bool_, integer, float_, TEXT, DOC)    \
    [OP_##NAME] = {.name = #NAME,                                                                  \
                   .arity = n,                                                                     \
                   .takes = TAKES_##TAKES,                                                         \
                   .gives_bool = GIVES_##GIVES,                                                    \
                   .idempotent = LAW_##LAW,                                                        \
                   .negation_exact = ON_##ON,                                                      \
                   .mirror = OP_##MIRROR,                                                          \
                   .negation = OP_##NEGATION,                                                      \
                   .text = TEXT,                                                                   \
                   .doc = DOC},
#include "graph/ops.def"
#undef OP
};

const op_row *wn_op_row(op o) {
    return &OPS[o];
}

bool wn_op_takes(op o, wn_type type) {
    switch ((op_takes)OPS[o].takes) {
    case TAKES_NUMBER: return type != WN_BOOL;
    case TAKES_BOOLEAN: return type == WN_BOOL;
    case TAKES_INTEGER: return type_is_integer(type);
    case TAKES_FLOAT: return type_is_float(type);
    case TAKES_ALL:
    case TAKES_CHOICE: break;
    }
    return true;
}
