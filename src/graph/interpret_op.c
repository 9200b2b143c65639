/*
 * interpret_op.c - one operation over contiguous elements: a plain loop for each row of ops.def and
 * each type that the row takes.
 *
 * ops.def is included once for each class of types, and OP makes a function of a row's meaning for
 * every type of the class: less_I8, less_I16, ... Included once more, it fills the table LOOPS.
 *
 * Invariant: what only moves bits or turns single ones (where, negative and abs of floats) runs on
 * unsigned integers, so that no NaN passes through a float register or a rounding.
 */
#include "graph/interpret.h"

#include <math.h>

/* A meaning is written for all types of a class: for some of them `a < 0` is never true. */
#pragma GCC diagnostic ignored "-Wtype-limits"

typedef void loop(const void *const *args, void *result, size_t n);

/* ---- The types of each class --------------------------------------------------------------- */

/*    type  T       U         W         BITS                                                     */
#define INTEGERS(X, ...)                                                                           \
    X(I8, int8_t, uint8_t, unsigned, 8, __VA_ARGS__)                                               \
    X(I16, int16_t, uint16_t, unsigned, 16, __VA_ARGS__)                                           \
    X(I32, int32_t, uint32_t, unsigned, 32, __VA_ARGS__)                                           \
    X(I64, int64_t, uint64_t, uint64_t, 64, __VA_ARGS__)                                           \
    X(U8, uint8_t, uint8_t, unsigned, 8, __VA_ARGS__)                                              \
    X(U16, uint16_t, uint16_t, unsigned, 16, __VA_ARGS__)                                          \
    X(U32, uint32_t, uint32_t, unsigned, 32, __VA_ARGS__)                                          \
    X(U64, uint64_t, uint64_t, uint64_t, 64, __VA_ARGS__)

/*    type  stored as computed as  read           write                                          */
#define FLOATS(X, ...)                                                                             \
    X(F16, uint16_t, float, wn_f16_to_f32, wn_f32_to_f16, __VA_ARGS__)                             \
    X(BF16, uint16_t, float, wn_bf16_to_f32, wn_f32_to_bf16, __VA_ARGS__)                          \
    X(F32, float, float, AS_IT_IS, AS_IT_IS, __VA_ARGS__)                                          \
    X(F64, double, double, AS_IT_IS, AS_IT_IS, __VA_ARGS__)

#define AS_IT_IS(v) (v)
#define TRUTH(v) ((v) != 0)

/* ---- The words of the meanings in ops.def -------------------------------------------------- */

#define IS_UNSIGNED(T) ((T)-1 > 0)
#define IS_MINUS_ONE(T, v) (!IS_UNSIGNED(T) && v == (T)-1)
/* Whether the quotient lies below what C's division, which cuts, gives. */
#define LIES_BELOW(a, b) (a % b != 0 && (a < 0) != (b < 0))
#define DIVIDE(T, W, a, b)                                                                         \
    (b == 0 ? (T)0 : IS_MINUS_ONE(T, b) ? (T)(0 - (W)a) : (T)(a / b - LIES_BELOW(a, b)))
#define MODULO(T, W, a, b)                                                                         \
    (b == 0 || IS_MINUS_ONE(T, b) ? (T)0 : (T)(a % b + (LIES_BELOW(a, b) ? b : 0)))

#define OF_WIDTH(function, a) _Generic((a), float : function##f, double : function)(a)
#define SQRT(a) OF_WIDTH(sqrt, a)
#define FLOOR(a) OF_WIDTH(floor, a)
#define CEIL(a) OF_WIDTH(ceil, a)
#define RINT(a) OF_WIDTH(rint, a)
#define TRUNC(a) OF_WIDTH(trunc, a)
#define MAGNITUDE(a) OF_WIDTH(fabs, a)
/* A NaN wins; of equal values the one with the sign, or the one without. */
#define LEAST(a, b) (a != a || a < b ? a : b != b || b < a ? b : signbit(a) ? a : b)
#define GREATEST(a, b) (a != a || a > b ? a : b != b || b > a ? b : signbit(a) ? b : a)

/* ---- From a row to a loop ------------------------------------------------------------------ */

/* The operands are stored as S and become V by `read`; the result becomes R by `write`. `words` are
   declarations that the meaning needs. */
#define LOOP_1(name, words, S, V, read, R, write, meaning)                                         \
    static void name(const void *const *args, void *result, size_t n) {                            \
        words;                                                                                     \
        const S *pa = args[0];                                                                     \
        R *out = result;                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            V a = read(pa[i]);                                                                     \
            out[i] = (R)write(meaning);                                                            \
        }                                                                                          \
    }
#define LOOP_2(name, words, S, V, read, R, write, meaning)                                         \
    static void name(const void *const *args, void *result, size_t n) {                            \
        words;                                                                                     \
        const S *pa = args[0], *pb = args[1];                                                      \
        R *out = result;                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            V a = read(pa[i]), b = read(pb[i]);                                                    \
            out[i] = (R)write(meaning);                                                            \
        }                                                                                          \
    }
/* Of three operands the first is a bool. */
#define LOOP_3(name, words, S, V, read, R, write, meaning)                                         \
    static void name(const void *const *args, void *result, size_t n) {                            \
        words;                                                                                     \
        const uint8_t *pa = args[0];                                                               \
        const S *pb = args[1], *pc = args[2];                                                      \
        R *out = result;                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            bool a = TRUTH(pa[i]);                                                                 \
            V b = read(pb[i]), c = read(pc[i]);                                                    \
            out[i] = (R)write(meaning);                                                            \
        }                                                                                          \
    }

#define NO_WORDS
#define INTEGER_WORDS(T_, U_, W_, BITS_)                                                           \
    typedef T_ T __attribute__((unused));                                                          \
    typedef U_ U __attribute__((unused));                                                          \
    typedef W_ W __attribute__((unused));                                                          \
    enum { BITS = BITS_ }

#define GIVES_SAME(S, write) S, write
#define GIVES_BOOL(S, write) uint8_t, AS_IT_IS
/* Expands its arguments before they are counted. */
#define CALL(macro, ...) macro(__VA_ARGS__)

#define BOOLEAN_LOOP(name, n, gives, meaning)                                                      \
    LOOP_##n(name##_BOOL, NO_WORDS, uint8_t, bool, TRUTH, uint8_t, AS_IT_IS, meaning)
#define INTEGER_LOOP(TYPE, T_, U_, W_, BITS_, name, n, gives, meaning)                             \
    CALL(LOOP_##n, name##_##TYPE, INTEGER_WORDS(T_, U_, W_, BITS_), T_, T_, AS_IT_IS,              \
         GIVES_##gives(T_, AS_IT_IS), meaning)
#define FLOAT_LOOP(TYPE, S, V, read, write, name, n, gives, meaning)                               \
    CALL(LOOP_##n, name##_##TYPE, NO_WORDS, S, V, read, GIVES_##gives(S, write), meaning)

#define BOOLEAN_ENTRY(name, n, gives, meaning) [OP_##name][WN_BOOL] = name##_BOOL,
#define INTEGER_ENTRY(TYPE, T_, U_, W_, BITS_, name, n, gives, meaning)                            \
    [OP_##name][WN_##TYPE] = name##_##TYPE,
#define FLOAT_ENTRY(TYPE, S, V, read, write, name, n, gives, meaning)                              \
    [OP_##name][WN_##TYPE] = name##_##TYPE,

/* Which classes a row takes: CLASS_takes(X, row) is X for each type of the class, or nothing. */
#define BOOLEAN_ALL(X, ...) X(__VA_ARGS__)
#define BOOLEAN_BOOLEAN(X, ...) X(__VA_ARGS__)
#define BOOLEAN_CHOICE(X, ...) X(__VA_ARGS__)
#define BOOLEAN_NUMBER(X, ...)
#define BOOLEAN_INTEGER(X, ...)
#define BOOLEAN_FLOAT(X, ...)
#define INTEGER_ALL(X, ...) INTEGERS(X, __VA_ARGS__)
#define INTEGER_NUMBER(X, ...) INTEGERS(X, __VA_ARGS__)
#define INTEGER_INTEGER(X, ...) INTEGERS(X, __VA_ARGS__)
#define INTEGER_CHOICE(X, ...) INTEGERS(X, __VA_ARGS__)
#define INTEGER_BOOLEAN(X, ...)
#define INTEGER_FLOAT(X, ...)
#define FLOAT_ALL(X, ...) FLOATS(X, __VA_ARGS__)
#define FLOAT_NUMBER(X, ...) FLOATS(X, __VA_ARGS__)
#define FLOAT_FLOAT(X, ...) FLOATS(X, __VA_ARGS__)
#define FLOAT_CHOICE(X, ...) /* runs on the integers*/
#define FLOAT_BOOLEAN(X, ...)
#define FLOAT_INTEGER(X, ...)

#define OP(name, n, takes, gives, mirror, negation, exact, laws, on_bool, on_int, on_float, text, doc) \
    BOOLEAN_##takes(BOOLEAN_LOOP, name, n, gives, on_bool)
#include "graph/ops.def"
#undef OP

#define OP(name, n, takes, gives, mirror, negation, exact, laws, on_bool, on_int, on_float, text, doc) \
    INTEGER_##takes(INTEGER_LOOP, name, n, gives, on_int)
#include "graph/ops.def"
#undef OP

#define OP(name, n, takes, gives, mirror, negation, exact, laws, on_bool, on_int, on_float, text, doc) \
    FLOAT_##takes(FLOAT_LOOP, name, n, gives, on_float)
#include "graph/ops.def"
#undef OP

static loop *const LOOPS[OP_end_][WN_TYPE_COUNT] = {
#define OP(name, n, takes, gives, mirror, negation, exact, laws, on_bool, on_int, on_float, text, doc) \
    BOOLEAN_##takes(BOOLEAN_ENTRY, name, n, gives, on_bool)                                            \
        INTEGER_##takes(INTEGER_ENTRY, name, n, gives, on_int)                                         \
            FLOAT_##takes(FLOAT_ENTRY, name, n, gives, on_float)
#include "graph/ops.def"
#undef OP
};

/* ---- Signs --------------------------------------------------------------------------------- */

/* f16 is computed as float, which would make a signalling NaN quiet: the sign bit has its own loops. */
#define SIGN_LOOP(U)                                                                               \
    static void sign_##U(op o, const void *arg, void *result, size_t n) {                          \
        const U *in = arg, sign = (U)((U)1 << (8 * sizeof(U) - 1));                                \
        U *out = result;                                                                           \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i] = (U)(o == OP_abs ? in[i] & ~sign : in[i] ^ sign);                              \
    }
SIGN_LOOP(uint16_t)
SIGN_LOOP(uint32_t)
SIGN_LOOP(uint64_t)

static void change_sign(op o, wn_type type, const void *arg, void *result, size_t n) {
    switch (wn_type_size(type)) {
    case 2: sign_uint16_t(o, arg, result, n); break;
    case 4: sign_uint32_t(o, arg, result, n); break;
    default: sign_uint64_t(o, arg, result, n); break;
    }
}

/* ---- The door ------------------------------------------------------------------------------ */

/* The unsigned type of the same size. */
static wn_type bits_of(wn_type type) {
    switch (wn_type_size(type)) {
    case 2: return WN_U16;
    case 4: return WN_U32;
    default: return WN_U64;
    }
}

void wn_interpret_op(op o, wn_type type, wn_type to, const void *const *args, void *result, size_t n) {
    if (o == OP_cast) {
        wn_interpret_cast(type, to, args[0], result, n);
    } else if (type_is_float(type) && (o == OP_negative || o == OP_abs)) {
        change_sign(o, type, args[0], result, n);
    } else {
        LOOPS[o][type_is_float(type) && o == OP_where ? bits_of(type) : type](args, result, n);
    }
}
