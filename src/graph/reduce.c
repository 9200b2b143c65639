/*
 * reduce.c - the meaning of a reduction over one row: loops over whole leaves, and what joins them.
 *
 * Every loop goes through strips of a constant length and has no condition, so that the compiler makes vectors of it. So a leaf that
 * is masked, or not of whole strips, is copied first: the identity stands for what is missing. A leaf of fewer strips is as good as
 * one that the identity fills up: joining that changes nothing.
 *
 * min, max and arg of floats run on integers in the floats' order. These are called keys: -0 is -1, +0 is 0, and a NaN lies beyond
 * all numbers, on the side that wins.
 */
#include "graph/reduce.h"

#include <string.h>

/* A leaf of any type. */
typedef union leaf_copy {
    uint8_t u8[REDUCE_LEAF];
    uint16_t u16[REDUCE_LEAF];
    uint32_t u32[REDUCE_LEAF];
    uint64_t u64[REDUCE_LEAF];
} leaf_copy;

static bool is_least(op o) {
    return o == OP_min || o == OP_argmin;
}
static bool is_place(op o) {
    return o == OP_argmin || o == OP_argmax;
}
static bool is_order(op o) {
    return o == OP_min || o == OP_max || is_place(o);
}
static bool is_truth(op o) {
    return o == OP_count || o == OP_any || o == OP_all;
}

/* Divides a leaf, and is a multiple of all lanes. */
#define STRIP 64
#define EACH(i, n)                                                                                 \
    for (int strip = 0; strip < (n); strip += STRIP)                                               \
        for (int i = strip; i < strip + STRIP; i++)

/* ---- A leaf ------------------------------------------------------------------------------------------------------- */

/* What is not selected becomes the identity; of a mask of 0 and 1. Written so that no compiler makes it a branch. */
#define BLEND(T)                                                                                   \
    static void blend_##T(T *restrict x, const uint8_t *restrict selected, int n, T identity) {    \
        EACH(i, n)                                                                                 \
        x[i] = (T)((x[i] ^ identity) & (T) - (T)selected[i]) ^ identity;                           \
    }
BLEND(uint8_t)
BLEND(uint16_t)
BLEND(uint32_t)
BLEND(uint64_t)

static void blend(leaf_copy *l, size_t size, const uint8_t *selected, int n, uint64_t identity) {
    switch (size) {
    case 1: blend_uint8_t(l->u8, selected, n, (uint8_t)identity); break;
    case 2: blend_uint16_t(l->u16, selected, n, (uint16_t)identity); break;
    case 4: blend_uint32_t(l->u32, selected, n, (uint32_t)identity); break;
    default: blend_uint64_t(l->u64, selected, n, (uint64_t)identity); break;
    }
}

static void normalise(uint8_t *mask, int n) {
    EACH(i, n)
    mask[i] = mask[i] != 0;
}

static int64_t count_truths(const uint8_t *x, int n) {
    int32_t count = 0;
    EACH(i, n)
    count += x[i] != 0;
    return count;
}

/* ---- Integers in order --------------------------------------------------------------------------------------------- */

/* The least, the greatest, and the place of the first selected one that is equal to a key. */
#define ORDER_LOOPS(TYPE, T)                                                                       \
    static uint64_t least_##TYPE(const void *leaf, int n) {                                        \
        const T *x = leaf;                                                                         \
        T best = x[0];                                                                             \
        EACH(i, n)                                                                                 \
        best = x[i] < best ? x[i] : best;                                                          \
        return (uint64_t)best;                                                                     \
    }                                                                                              \
    static uint64_t greatest_##TYPE(const void *leaf, int n) {                                     \
        const T *x = leaf;                                                                         \
        T best = x[0];                                                                             \
        EACH(i, n)                                                                                 \
        best = x[i] > best ? x[i] : best;                                                          \
        return (uint64_t)best;                                                                     \
    }                                                                                              \
    static int find_##TYPE(const void *leaf, const uint8_t *selected, uint64_t key) {              \
        const T *x = leaf;                                                                         \
        int i = 0;                                                                                 \
        while (x[i] != (T)key || (selected && !selected[i]))                                       \
            i++;                                                                                   \
        return i;                                                                                  \
    }
REDUCE_INTEGERS(ORDER_LOOPS)

#define ORDER_ROW(TYPE, T) [WN_##TYPE] = {least_##TYPE, greatest_##TYPE, find_##TYPE},
static const struct order_row {
    uint64_t (*least)(const void *leaf, int n), (*greatest)(const void *leaf, int n);
    int (*find)(const void *leaf, const uint8_t *selected, uint64_t key);
} ORDER[WN_TYPE_COUNT] = {REDUCE_INTEGERS(ORDER_ROW)};

/* Floats to keys and back: an involution, but for the NaNs. `nan` is the key of every NaN; places know one zero only. */
#define KEYS(T, U, INFINITY_BITS)                                                                  \
    static T key_##T(T bits) {                                                                     \
        return bits ^ (T)((U)(bits >> (8 * sizeof(T) - 1)) >> 1);                                  \
    }                                                                                              \
    static void keys_##T(T *x, int n, T nan, bool one_zero) {                                      \
        T magnitude = (T)((U)-1 >> 1), add_to_minus_zero = one_zero;                               \
        EACH(i, n) {                                                                               \
            T key = key_##T(x[i]);                                                                 \
            key += key == -1 ? add_to_minus_zero : 0;                                              \
            x[i] = (x[i] & magnitude) > INFINITY_BITS ? nan : key;                                 \
        }                                                                                          \
    }
KEYS(int32_t, uint32_t, 0x7f800000)
KEYS(int64_t, uint64_t, 0x7ff0000000000000)

/* The type of the keys. */
static wn_type key_type(wn_type type) {
    return type == WN_F32 ? WN_I32 : type == WN_F64 ? WN_I64 : type;
}

/* The key of an element, extended to 64 bits; of a key, the element. */
static uint64_t key_of(wn_type type, uint64_t bits) {
    switch (type) {
    case WN_I8: return (uint64_t)(int8_t)bits;
    case WN_I16: return (uint64_t)(int16_t)bits;
    case WN_I32: return (uint64_t)(int32_t)bits;
    case WN_F32: return (uint64_t)key_int32_t((int32_t)bits);
    case WN_F64: return (uint64_t)key_int64_t((int64_t)bits);
    default: return bits;
    }
}

static void make_keys(leaf_copy *l, int n, op o, wn_type type) {
    if (type == WN_F32)
        keys_int32_t((int32_t *)l->u32, n, is_least(o) ? INT32_MIN : INT32_MAX, is_place(o));
    if (type == WN_F64)
        keys_int64_t((int64_t *)l->u64, n, is_least(o) ? INT64_MIN : INT64_MAX, is_place(o));
}

/* Whether a key wins against an earlier one; of equals the earlier stays. */
static bool wins(op o, wn_type type, uint64_t key, uint64_t earlier) {
    uint64_t low = is_least(o) ? key : earlier, high = is_least(o) ? earlier : key;
    return type_is_integer(type) && !type_is_signed(type) ? low < high : (int64_t)low < (int64_t)high;
}

int wn_reduce_compare(op o, wn_type type, uint64_t x, uint64_t y) {
    double a = wn_constant_value(type, x), b = wn_constant_value(type, y);
    uint64_t p = key_of(type, x), q = key_of(type, y);
    bool equal = type_is_float(type) ? a == b : p == q;
    bool less = type_is_float(type)    ? a < b
                : type_is_signed(type) ? (int64_t)p < (int64_t)q
                                       : p < q;
    return equal ? 0 : less == is_least(o) ? 1 : -1;
}

static void fold_order(reduce_state *s, const void *leaf, const uint8_t *selected, int n, int64_t count) {
    const struct order_row *row = &ORDER[key_type(s->type)];
    uint64_t key = is_least(s->op) ? row->least(leaf, n) : row->greatest(leaf, n);
    bool better = wins(s->op, s->type, key, s->value);
    if (is_place(s->op) && (better || s->selected == 0) && count > 0) {
        int place = row->find(leaf, selected, key), before = place;
        if (selected && s->bits & REDUCE_PACKED) {
            before = 0;
            for (int i = 0; i < place; i++)
                before += selected[i];
        }
        s->best = (s->bits & REDUCE_PACKED ? s->selected : s->places) + before;
    }
    if (better) s->value = key;
}

/* ---- Integers that are added or multiplied ------------------------------------------------------------------------- */

static uint64_t sum_integers(const uint64_t *x, int n) {
    uint64_t sum = 0;
    EACH(i, n)
    sum += x[i];
    return sum;
}

static uint64_t multiply_integers(const uint64_t *x, int n) {
    uint64_t product = 1;
    EACH(i, n)
    product *= x[i];
    return product;
}

/* ---- Floats that are added or multiplied: by the tree of reduce.h -------------------------------------------------- */

/* Of a constant length: a vector's work. */
#define HALVE(h, OPERATION)                                                                        \
    for (int j = 0; j < (h); j++)                                                                  \
    lane[j] = lane[j] OPERATION lane[j + (h)]

#define TREE(name, T, identity, OPERATION)                                                         \
    static void lanes_##name(const void *leaf, int n, void *lanes) {                               \
        enum { LANES = REDUCE_LANE_BYTES / sizeof(T) };                                            \
        const T *restrict x = leaf;                                                                \
        T *restrict lane = lanes;                                                                  \
        for (int j = 0; j < LANES; j++)                                                            \
            lane[j] = identity;                                                                    \
        for (int i = 0; i < n; i += LANES)                                                         \
            for (int j = 0; j < LANES; j++)                                                        \
                lane[j] = lane[j] OPERATION x[i + j];                                              \
    }                                                                                              \
    static void join_##name(const void *earlier, void *lanes) {                                    \
        const T *restrict left = earlier;                                                          \
        T *restrict right = lanes;                                                                 \
        for (size_t j = 0; j < REDUCE_LANE_BYTES / sizeof(T); j++)                                 \
            right[j] = left[j] OPERATION right[j];                                                 \
    }                                                                                              \
    static void halve_##name(void *lanes) {                                                        \
        T *lane = lanes;                                                                           \
        if (sizeof(T) == 4) HALVE(32, OPERATION);                                                  \
        HALVE(16, OPERATION);                                                                      \
        HALVE(8, OPERATION);                                                                       \
        HALVE(4, OPERATION);                                                                       \
        HALVE(2, OPERATION);                                                                       \
        HALVE(1, OPERATION);                                                                       \
    }
TREE(sum_f32, float, 0, +)
TREE(sum_f64, double, 0, +)
TREE(prod_f32, float, 1, *)
TREE(prod_f64, double, 1, *)

#define TREE_ROW(name)                                                                             \
    { lanes_##name, join_##name, halve_##name }
static const struct tree {
    void (*lanes)(const void *leaf, int n, void *lanes);
    void (*join)(const void *earlier, void *lanes);
    void (*halve)(void *lanes);
} TREES[2][2] = {{TREE_ROW(sum_f32), TREE_ROW(sum_f64)}, {TREE_ROW(prod_f32), TREE_ROW(prod_f64)}};

static const struct tree *tree_of(const reduce_state *s) {
    return &TREES[s->op == OP_prod][s->type == WN_F64];
}

/* Add lanes that stand for 2^level leaves, and use them up. */
static void carry(reduce_state *s, reduce_vector *lanes, int level) {
    uint64_t before = s->leaves;
    s->leaves += (uint64_t)1 << level;
    for (; before >> level & 1; level++)
        tree_of(s)->join(&s->stack[level], lanes);
    s->stack[level] = *lanes;
}

uint64_t wn_reduce_tree(op o, wn_type type, uint64_t leaves, const reduce_vector *levels,
                        int64_t selected) {
    const struct tree *tree = &TREES[o == OP_prod][type == WN_F64];
    uint64_t bits = wn_reduction_identity(o, type);
    reduce_vector lanes;
    if (leaves) {
        int level = __builtin_ctzll(leaves);
        lanes = levels[level];
        while (leaves >> ++level)
            if (leaves >> level & 1) tree->join(&levels[level], &lanes);
        tree->halve(&lanes);
    } else {
        memcpy(&lanes, &bits, sizeof bits); /* little-endian, as all that the JIT knows */
    }
    if (o == OP_mean && type == WN_F32) lanes.f32[0] /= (float)selected;
    if (o == OP_mean && type == WN_F64) lanes.f64[0] /= (double)selected;
    memcpy(&bits, &lanes, type == WN_F32 ? 4 : 8);
    return bits;
}

/* ---- The row ------------------------------------------------------------------------------------------------------- */

static bool is_tree(const reduce_state *s) {
    return type_is_float(s->type) && !is_order(s->op);
}

void wn_reduce_begin(reduce_state *s, op o, wn_type type, uint64_t bits) {
    uint64_t identity = wn_reduction_identity(o, type);
    s->op = o;
    s->type = type;
    s->bits = bits;
    s->places = s->selected = s->best = 0;
    s->leaves = 0;
    s->value = is_order(o) ? key_of(type, identity) : identity;
}

/* The n elements of a leaf, a multiple of STRIP, `count` of them selected: those that `selected` says, or without it the first. */
static void fold(reduce_state *s, const void *values, const uint8_t *selected, int n, int64_t count) {
    if (is_order(s->op)) {
        fold_order(s, values, selected, n, count);
    } else if (is_truth(s->op)) {
        s->value += (uint64_t)count_truths(values, n);
    } else if (is_tree(s)) {
        reduce_vector lanes;
        tree_of(s)->lanes(values, n, &lanes);
        carry(s, &lanes, 0);
    } else if (s->op == OP_prod) {
        s->value *= multiply_integers(values, n);
    } else {
        s->value += sum_integers(values, n);
    }
    s->selected += count;
}

/* A leaf that has to be copied: it is masked, or not of whole strips, or its keys are made. */
static void fold_copy(reduce_state *s, const void *values, const uint8_t *selected, int n) {
    uint8_t mask[REDUCE_LEAF];
    leaf_copy copy;
    int whole = (n + STRIP - 1) & -STRIP;
    memset(mask + whole - STRIP, 0, STRIP);
    memcpy(&copy, values, (size_t)n * wn_type_size(s->type));
    if (selected)
        memcpy(mask, selected, (size_t)n);
    else
        memset(mask, 1, (size_t)n);
    normalise(mask, whole);
    blend(&copy, wn_type_size(s->type), mask, whole, wn_reduction_identity(s->op, s->type));
    if (is_order(s->op)) make_keys(&copy, whole, s->op, s->type);
    fold(s, &copy, mask, whole, count_truths(mask, whole));
}

void wn_reduce_add(reduce_state *s, const void *values, const uint8_t *selected, int64_t n) {
    bool keys = is_order(s->op) && type_is_float(s->type);
    for (const char *from = values; n > 0; n -= REDUCE_LEAF) {
        int now = n < REDUCE_LEAF ? (int)n : REDUCE_LEAF;
        if (now % STRIP || selected || keys)
            fold_copy(s, from, selected, now);
        else
            fold(s, from, NULL, now, now);
        s->places += now;
        from += REDUCE_LEAF * wn_type_size(s->type);
        if (selected) selected += REDUCE_LEAF;
    }
}

static void merge_order(reduce_state *s, const reduce_state *part) {
    if (part->selected == 0 || (s->selected && !wins(s->op, s->type, part->value, s->value)))
        return;
    s->value = part->value;
    s->best = part->best + (s->bits & REDUCE_PACKED ? s->selected : s->places);
}

static void merge_tree(reduce_state *s, const reduce_state *part) {
    for (int level = 0; part->leaves >> level; level++) {
        if (!(part->leaves >> level & 1)) continue;
        reduce_vector lanes = part->stack[level];
        carry(s, &lanes, level);
    }
}

void wn_reduce_merge(reduce_state *s, const reduce_state *part) {
    if (is_order(s->op))
        merge_order(s, part);
    else if (is_tree(s))
        merge_tree(s, part);
    else if (s->op == OP_prod)
        s->value *= part->value;
    else
        s->value += part->value;
    s->places += part->places;
    s->selected += part->selected;
}

/* The sum of integers that a mean takes (build_reduction.c) is far below 2^63 in either type. */
uint64_t wn_reduce_mean(uint64_t sum, int64_t selected) {
    double mean = (double)(int64_t)sum / (double)selected;
    uint64_t bits;
    memcpy(&bits, &mean, sizeof bits);
    return bits;
}

wn_status wn_reduce_finish(const reduce_state *s, uint64_t *bits, wn_error *error) {
    unsigned width = 8 * (unsigned)wn_type_size(s->type);
    if (is_order(s->op) && s->selected == 0 && !(s->bits & REDUCE_NEUTRAL))
        return wn_fail(error, WN_ERROR_ARGUMENT, "%s: nothing is selected%s",
                       wn_op_row(s->op)->name, is_place(s->op) ? "" : ", and there is no initial=");
    switch ((int)s->op) {
    case OP_any: *bits = s->value != 0; break;
    case OP_all: *bits = s->value == (uint64_t)s->selected; break;
    case OP_min:
    case OP_max: *bits = key_of(s->type, s->value) & UINT64_MAX >> (64 - width); break;
    case OP_argmin:
    case OP_argmax: *bits = (uint64_t)s->best; break;
    default:
        *bits = is_tree(s) ? wn_reduce_tree(s->op, s->type, s->leaves, s->stack, s->selected)
                : s->op == OP_mean ? wn_reduce_mean(s->value, s->selected)
                                   : s->value;
        break;
    }
    return WN_OK;
}
