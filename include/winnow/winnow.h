/*
 * winnow.h - build masking expressions, compile them into one vectorised loop, run them on arrays.
 *
 *     wn_context *ctx = wn_context_new(NULL);
 *     wn_graph *g = wn_graph_new(ctx);
 *     wn_node x = wn_input(g, "x", WN_F32, WN_ANY);
 *     wn_output(g, "y", wn_where(wn_less(x, 0), 0, x));
 *     wn_kernel *k = wn_compile(g, NULL);
 *     wn_array in = wn_vector(WN_F32, data, n), out = wn_vector(WN_F32, result, n);
 *     wn_error err;
 *     if (wn_call(k, &in, 1, &out, 1, &err) != WN_OK) puts(err.message);
 *
 * What each operation means, bit by bit, is in docs/language.md; how it becomes machine code, in docs/design.md.
 *
 * Rules for the whole header:
 *   - Nothing prints, aborts, exits or raises a signal. A call that can fail says so by a status, by NULL or by the null
 *     node; a message names the operation, the argument, and the shapes or types it saw.
 *   - What a `_new`, wn_compile, wn_bind or wn_array_new gives you is yours, and its `_free` takes NULL. A context must
 *     outlive whatever was made from it; a kernel needs no graph, a binding keeps its kernel alive.
 *   - Strings are UTF-8, end in NUL, and are copied when they must last.
 *   - Lengths are elements, strides are bytes (of a bitmap bits), and both are int64_t.
 *   - Threads: a graph and a binding belong to one thread at a time; a context and a kernel to any number at once.
 *     A forked process may use all that it has a copy of, if no other thread was in the library while it was forked.
 */
#ifndef WINNOW_WINNOW_H
#define WINNOW_WINNOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WN_VERSION_MAJOR 0
#define WN_VERSION_MINOR 1
#define WN_VERSION_PATCH 0
/* Changes when a program has to be compiled again to work with the library. */
#define WN_ABI_VERSION 1

#if defined(WN_BUILDING) && defined(__GNUC__)
#define WN_API __attribute__((visibility("default")))
#else
#define WN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0": the version of the library that is linked, which may be newer than this header. */
WN_API const char *wn_version(void);

/* ---- Statuses -------------------------------------------------------------------------------------------------- */

/* clang-format off */
/*   code             name                what went wrong, and whose turn it is */
#define WN_STATUSES(X)                                                                             \
    X(OK,             "ok",               "nothing went wrong")                                    \
    X(ERROR_MEMORY,   "out of memory",    "the allocator returned NULL")                           \
    X(ERROR_ARGUMENT, "bad argument",     "a NULL or foreign handle, or a value out of range")     \
    X(ERROR_TYPE,     "type error",       "an operation does not take operands of this type")      \
    X(ERROR_SHAPE,    "shape error",      "shapes do not fit each other")                          \
    X(ERROR_LITERAL,  "literal error",    "a number does not fit, or has no value")                \
    X(ERROR_NAME,     "name error",       "a name is unknown, taken, or not a name")               \
    X(ERROR_SYNTAX,   "syntax error",     "the text of an expression cannot be read")              \
    X(ERROR_ROOM,     "no room",          "the caller's buffer is smaller than the result")        \
    X(ERROR_OVERLAP,  "arrays overlap",   "an output overlaps another array in a way that is not allowed") \
    X(ERROR_LIMIT,    "limit exceeded",   "nested too deep, too large, or too many")               \
    X(ERROR_TARGET,   "target missing",   "this machine lacks the instruction set asked for")      \
    X(ERROR_COMPILER, "compiler error",   "LLVM is missing or refused, and the JIT was asked for") \
    X(ERROR_INTERNAL, "internal error",   "a mistake in Winnow: please report it")
/* clang-format on */

typedef enum wn_status {
#define WN_X(code, name, doc) WN_##code,
    WN_STATUSES(WN_X)
#undef WN_X
} wn_status;

/* The status's name, as in the table: "shape error". Never NULL. */
WN_API const char *wn_status_name(wn_status status);

/* Filled by a call that fails; untouched by one that succeeds. Every parameter of this type may be NULL. */
typedef struct wn_error {
    wn_status status;
    char message[508];
} wn_error;

/* ---- Types and arrays ------------------------------------------------------------------------------------------ */

/* A bool is one byte, any non-zero byte is true when read; f16 is IEEE binary16, bf16 the upper half of an f32. BITMAP is no type of a
   value: it says of an array of bools that each is a bit. */
/* clang-format off */
typedef enum wn_type {
    WN_BOOL, WN_I8, WN_I16, WN_I32, WN_I64, WN_U8, WN_U16, WN_U32, WN_U64, WN_F16, WN_BF16, WN_F32, WN_F64,
    WN_BITMAP
} wn_type;
/* clang-format on */

#define WN_TYPE_COUNT 13
#define WN_MAX_RANK 8

/* "f32", "bitmap"; "?" for a value that is no type. */
WN_API const char *wn_type_name(wn_type type);
/* Bytes in an element; 0 for BITMAP and for a value that is no type. */
WN_API size_t wn_type_size(wn_type type);

/* An array in memory: element (i, j, …) lies at data + i * strides[0] + j * strides[1] + …, at any alignment. */
typedef struct wn_array {
    void *data;
    wn_type type;
    int32_t rank;
    int64_t shape[WN_MAX_RANK];
    int64_t strides[WN_MAX_RANK]; /* bytes, of BITMAP bits; negative and 0 are fine */
    int64_t bit; /* BITMAP: at which bit, counted from data's lowest, the first element lies; any, also below 0 or above 7 */
} wn_array;

/* A contiguous array over memory of yours; a scalar has rank 0, and shape may then be NULL. A rank or length that no
   array can have is kept as it is, and found by the call that is given the array. */
WN_API wn_array wn_array_of(wn_type type, const void *data, int32_t rank, const int64_t *shape);
WN_API wn_array wn_vector(wn_type type, const void *data, int64_t length);
WN_API wn_array wn_scalar(wn_type type, const void *data);

/*
 * A packed mask, as Arrow has it: bits from `bit_offset` of data on, the lowest of a byte first. Input or output, it may stand wherever an
 * array of bool may, of any rank and strides (wn_array_of, wn_vector make the others); contiguous ones are fast, at any offset. The
 * first wn_bind or wn_call of a kernel with other inputs or outputs packed than before compiles once more. Of bytes that an output has
 * only in part, the other bits stay as they are, even if other threads write them in the same way; but arrays overlap that
 * share a byte. What the context allocates is bytes.
 */
WN_API wn_array wn_bitmap(const void *data, int64_t bit_offset, int64_t length);

/* ---- Context --------------------------------------------------------------------------------------------------- */

typedef struct wn_context wn_context;

/* One function for all memory, as in Lua: (NULL, 0, n) allocates n bytes, (p, n, m) resizes and keeps the contents,
   (p, n, 0) frees and returns NULL. Results are aligned as malloc's. Called from any thread that uses the context. */
typedef void *(*wn_allocate_fn)(void *user, void *pointer, size_t old_size, size_t new_size);

typedef enum wn_log_level { WN_LOG_DEBUG, WN_LOG_INFO, WN_LOG_WARNING } wn_log_level;
/* Hears what is no failure but may be worth knowing: a fall back to the interpreter and why, say. Neither this function nor the one
   for memory may compile in the same context: an equal graph to the one that is being compiled would wait for itself. */
typedef void (*wn_log_fn)(void *user, wn_log_level level, const char *message);

/*
 * Runs a loop on threads of the program's own: calls body(body_user, i) for each i below count, in any order, on any threads, or one
 * after another on the calling one, and returns when all calls have returned.
 *
 * The calls share a run's work, whoever comes first takes it, and none waits for one that has not begun. So calls left out leave
 * their work to the thread that runs, calls made twice do no harm, and the result is the same bits. After parallel_for has
 * returned, body must not be called. Any threads that run with the context may be in it at once; it may itself run other bindings
 * of the context. It must return: no exception or longjmp through it.
 */
typedef void (*wn_parallel_for_fn)(void *user, size_t count,
                                   void (*body)(void *body_user, size_t index), void *body_user);

typedef struct wn_context_options {
    size_t size; /* sizeof(wn_context_options) */
    wn_allocate_fn allocate;
    void *allocate_user;
    wn_log_fn log;
    void *log_user;
    int32_t threads; /* that a run may use, the caller's included; 0 and 1 mean the caller's alone */
    const char *llvm_library; /* path of libwinnow-llvm.so; NULL: beside the library; if that is an archive, beside the program, in ../lib from
                                 there, or where the archive was to be installed */
    size_t cache_bytes; /* that kernels may take, roughly, which the context keeps for equal graphs; 0: 64 MiB */
    const char *cache_directory; /* where kernels are kept for other processes (docs/caching.md); NULL: nowhere */
    size_t cache_directory_bytes; /* that they may take there, roughly; 0: 64 MiB */
    wn_parallel_for_fn parallel_for; /* NULL: threads that the context makes at the first run that is worth it */
    void *parallel_for_user;
    /*
     * Make kernels known to others (docs/inspection.md): what of this fails is a line in the log.
     *
     * perf_map            their functions' names are added to /tmp/perf-PID.map, where perf looks for them; the file stays
     * debugger_directory  GDB breaks in them by name and steps through the lines of the listing; NULL: it is told nothing. They are
     *                     compiled with debug information, which changes no instruction but takes a fifth more time and a copy of the
     *                     object. Listings lie in a folder that the context makes in this directory (/tmp, say), for its user alone,
     *                     and wn_context_free removes
     */
    bool perf_map;
    const char *debugger_directory;
} wn_context_options;

/*
 * A context: the allocator, the log, the threads, the kernels that it has compiled.
 *
 * options  NULL for defaults: malloc, no log, one thread, nothing on disk
 * A cache directory is made with the mode 0700 if only it itself is missing, and left alone unless it is the user's and
 * no one else can write it. Whatever is wrong with it or with a file in it costs a compile, and never an error.
 * Returns NULL when memory runs out, when options->size is not set, or when the program was compiled for another ABI of the library.
 */
#define wn_context_new(...)                                                                        \
    wn_context_new_abi(WN_ABI_VERSION, __VA_ARGS__) /* a compound literal has commas */
WN_API wn_context *wn_context_new_abi(uint32_t abi_version, const wn_context_options *options);
WN_API void wn_context_free(wn_context *context);

/* ---- Graph ----------------------------------------------------------------------------------------------------- */

typedef struct wn_graph wn_graph;

/* A value in a graph. Small: pass it and copy it freely. Id 0 is the null node, which a failed call returns. */
typedef struct wn_node {
    wn_graph *graph;
    uint32_t id;
} wn_node;

/*
 * A graph keeps its first error. After it every call on the graph does nothing and returns the null node, and wn_compile
 * reports it: building needs no checks.
 */
WN_API wn_graph *wn_graph_new(wn_context *context);
WN_API void wn_graph_free(wn_graph *graph);
/* Of the first error, else of the last wn_compile or wn_inspect. */
WN_API wn_status wn_graph_status(const wn_graph *graph);
/* The message of the first error, else of the last wn_compile or wn_inspect, "" if neither failed; valid until the next call on the
   graph. */
WN_API const char *wn_graph_error(const wn_graph *graph);

/* A length that is known only when the kernel runs. Two of them are never assumed equal. */
#define WN_ANY (INT64_C(-1))

/*
 * Declare an input array. wn_input(g, "x", WN_F32) is a scalar, wn_input(g, "t", WN_U8, WN_ANY, 3) has two axes.
 *
 * name  [A-Za-z_][A-Za-z0-9_]*, no word of the language, not yet taken
 * dims  `rank` lengths, each >= 0 or WN_ANY
 */
WN_API wn_node wn_input_dims(wn_graph *graph, const char *name, wn_type type, int32_t rank,
                             const int64_t *dims);

/* Export a value under a name. The kernel takes its output arrays in the order of these calls. */
WN_API void wn_output(wn_graph *graph, const char *name, wn_node value);

/* Name a value, for listings and wn_find. Naming changes nothing else. */
WN_API wn_node wn_name(wn_node value, const char *name);
/* The input or value that has this name; the null node, and no error, if nothing has. */
WN_API wn_node wn_find(const wn_graph *graph, const char *name);

/*
 * Read the text form (docs/language.md) into the graph: "input x: f32[?]; output y = where(x < 0, 0, x);"
 *
 * Inputs that the graph has already need no declaration in the text. If the text has no `output`, its last expression or
 * assignment becomes the output (an expression as "result"). Returns the value of the last statement that has one.
 * An error's message has line, column, the line itself and a caret.
 */
WN_API wn_node wn_parse(wn_graph *graph, const char *text, size_t length);

/* ---- Operands -------------------------------------------------------------------------------------------------- */

/*
 * What an operation takes: a node or a literal. In C, write the value itself: every operation below is also a macro that
 * turns a wn_node, a bool, an integer of any size, a float or a double into an operand. In C++ they convert implicitly.
 * Other languages fill the struct. A literal takes the type of what it meets: wn_less(x, 0) compares f32 with f32.
 */
typedef enum wn_operand_kind {
    WN_OPERAND_NODE, /* graph, id                       */
    WN_OPERAND_BOOL, /* value: 0 or 1                   */
    WN_OPERAND_INT,  /* value: an int64_t, converted    */
    WN_OPERAND_UINT, /* value                           */
    WN_OPERAND_FLOAT /* value: the bits of a double     */
} wn_operand_kind;

typedef struct wn_operand {
    wn_graph *graph;
    uint64_t value;
    uint32_t id;
    uint32_t kind;
#ifdef __cplusplus
    wn_operand() : graph(), value(), id(), kind() {}
    wn_operand(wn_node n) : graph(n.graph), value(), id(n.id), kind(WN_OPERAND_NODE) {}
    wn_operand(bool v) : graph(), value(v), id(), kind(WN_OPERAND_BOOL) {}
    wn_operand(int v)
        : graph(), value(static_cast<uint64_t>(static_cast<int64_t>(v))), id(), kind(WN_OPERAND_INT) {}
    wn_operand(long v) : graph(), value(static_cast<uint64_t>(v)), id(), kind(WN_OPERAND_INT) {}
    wn_operand(long long v)
        : graph(), value(static_cast<uint64_t>(v)), id(), kind(WN_OPERAND_INT) {}
    wn_operand(unsigned v) : graph(), value(v), id(), kind(WN_OPERAND_UINT) {}
    wn_operand(unsigned long v) : graph(), value(v), id(), kind(WN_OPERAND_UINT) {}
    wn_operand(unsigned long long v) : graph(), value(v), id(), kind(WN_OPERAND_UINT) {}
    wn_operand(const void *) = delete; /* a pointer is no bool */
    wn_operand(double v) : graph(), value(), id(), kind(WN_OPERAND_FLOAT) {
        __builtin_memcpy(&value, &v, sizeof v);
    }
#endif
} wn_operand;

/* The same by name, for any language. */
static inline wn_operand wn_operand_of(uint32_t kind, wn_graph *graph, uint32_t id, uint64_t value) {
    wn_operand o;
    o.graph = graph;
    o.value = value;
    o.id = id;
    o.kind = kind;
    return o;
}
static inline wn_operand wn_operand_node(wn_node n) {
    return wn_operand_of(WN_OPERAND_NODE, n.graph, n.id, 0);
}
static inline wn_operand wn_operand_bool(bool v) {
    return wn_operand_of(WN_OPERAND_BOOL, NULL, 0, v);
}
static inline wn_operand wn_operand_int(long long v) {
    return wn_operand_of(WN_OPERAND_INT, NULL, 0, (uint64_t)v);
}
static inline wn_operand wn_operand_uint(unsigned long long v) {
    return wn_operand_of(WN_OPERAND_UINT, NULL, 0, v);
}
static inline wn_operand wn_operand_float(double v) {
    wn_operand o = wn_operand_of(WN_OPERAND_FLOAT, NULL, 0, 0);
    __builtin_memcpy(&o.value, &v, sizeof v);
    return o;
}

#ifndef __cplusplus
static inline wn_operand wn_operand_same(wn_operand o) {
    return o;
}
/* clang-format off */
#define WN_OPERAND(x)                                                                              \
    _Generic((x), wn_node: wn_operand_node, wn_operand: wn_operand_same, bool: wn_operand_bool,    \
        char: wn_operand_int, signed char: wn_operand_int, short: wn_operand_int,                  \
        int: wn_operand_int, long: wn_operand_int, long long: wn_operand_int,                      \
        unsigned char: wn_operand_uint, unsigned short: wn_operand_uint,                           \
        unsigned: wn_operand_uint, unsigned long: wn_operand_uint,                                 \
        unsigned long long: wn_operand_uint, float: wn_operand_float, double: wn_operand_float)(x)
/* clang-format on */
#endif

/* ---- Elementwise operations ------------------------------------------------------------------------------------ */

/* A literal as a node, when no operand says which graph: wn_constant(g, wn_operand_int(3)) in every language. */
WN_API wn_node wn_constant(wn_graph *graph, wn_operand value);

/* Shapes broadcast as NumPy's do; both operands have one type. By each: its meaning, its spelling in text. */

/* clang-format off */
/* Comparisons give bool. == and != take all types, the others numbers.                                            */
WN_API wn_node wn_equal(wn_operand a, wn_operand b);         /* a == b   IEEE: nan != nan, -0 == 0                  */
WN_API wn_node wn_not_equal(wn_operand a, wn_operand b);     /* a != b                                             */
WN_API wn_node wn_less(wn_operand a, wn_operand b);          /* a < b    false if either is NaN, as are the next 3 */
WN_API wn_node wn_less_equal(wn_operand a, wn_operand b);    /* a <= b                                             */
WN_API wn_node wn_greater(wn_operand a, wn_operand b);       /* a > b                                              */
WN_API wn_node wn_greater_equal(wn_operand a, wn_operand b); /* a >= b                                             */

/* Logic, on bool. */
WN_API wn_node wn_logical_and(wn_operand a, wn_operand b); /* a & b   a && b                                       */
WN_API wn_node wn_logical_or(wn_operand a, wn_operand b);  /* a | b   a || b                                       */
WN_API wn_node wn_logical_xor(wn_operand a, wn_operand b); /* a ^ b                                                */
WN_API wn_node wn_logical_not(wn_operand a);               /* !a   ~a                                              */

/* Bits, on integers. A shift count is read as unsigned; the width or more gives 0, or the sign. */
WN_API wn_node wn_bitwise_and(wn_operand a, wn_operand b); /* a & b                                                */
WN_API wn_node wn_bitwise_or(wn_operand a, wn_operand b);  /* a | b                                                */
WN_API wn_node wn_bitwise_xor(wn_operand a, wn_operand b); /* a ^ b                                                */
WN_API wn_node wn_invert(wn_operand a);                    /* ~a                                                   */
WN_API wn_node wn_left_shift(wn_operand a, wn_operand b);  /* a << b                                               */
WN_API wn_node wn_right_shift(wn_operand a, wn_operand b); /* a >> b                                               */

/* Choice. Copies bits: NaN payloads and -0 are kept, the side not chosen never leaks. */
WN_API wn_node wn_where(wn_operand c, wn_operand x, wn_operand y); /* c ? x : y   where(c, x, y)                    */
/* The value of the first true condition, else `otherwise`: select(c1, v1, c2, v2, ..., otherwise).                */
WN_API wn_node wn_select(size_t count, const wn_operand *conditions, const wn_operand *values, wn_operand otherwise);
/* f32(x)   float to int truncates and saturates, NaN to 0; int to a narrower int wraps; to bool is != 0           */
WN_API wn_node wn_cast(wn_operand x, wn_type type);

/* Arithmetic. Integers wrap; floats are IEEE, each operation rounded to its type, never contracted or reordered. */
WN_API wn_node wn_add(wn_operand a, wn_operand b);             /* a + b                                            */
WN_API wn_node wn_subtract(wn_operand a, wn_operand b);        /* a - b                                            */
WN_API wn_node wn_multiply(wn_operand a, wn_operand b);        /* a * b                                            */
WN_API wn_node wn_multiply_no_nan(wn_operand a, wn_operand b); /* 0 where b is 0, whatever a is; floats            */
WN_API wn_node wn_divide(wn_operand a, wn_operand b);          /* a / b    floats                                  */
WN_API wn_node wn_floor_divide(wn_operand a, wn_operand b);    /* a // b   integers, rounds down; by 0 gives 0     */
WN_API wn_node wn_floor_mod(wn_operand a, wn_operand b);       /* a % b    integers, sign of b; by 0 gives 0       */
WN_API wn_node wn_minimum(wn_operand a, wn_operand b);         /* NaN if either is NaN; -0 is below +0             */
WN_API wn_node wn_maximum(wn_operand a, wn_operand b);
WN_API wn_node wn_clip(wn_operand x, wn_operand lo, wn_operand hi); /* minimum(maximum(x, lo), hi)                 */
WN_API wn_node wn_negative(wn_operand a); /* -a   wraps; on floats the sign bit only                               */
WN_API wn_node wn_abs(wn_operand a);
WN_API wn_node wn_sqrt(wn_operand a); /* these five: floats                                                        */
WN_API wn_node wn_floor(wn_operand a);
WN_API wn_node wn_ceil(wn_operand a);
WN_API wn_node wn_rint(wn_operand a); /* to nearest, ties to even                                                  */
WN_API wn_node wn_trunc(wn_operand a);
WN_API wn_node wn_is_nan(wn_operand a); /* these three: floats to bool                                             */
WN_API wn_node wn_is_inf(wn_operand a);
WN_API wn_node wn_is_finite(wn_operand a);
/* clang-format on */

/* ---- Masking --------------------------------------------------------------------------------------------------- */

/*
 * The elements of t where m is true, in row-major order of m: t[m], tf.boolean_mask, numpy t[m].
 *
 * m     bool, rank K >= 1; its shape must equal shape(t)[axis : axis + K], without broadcasting
 * axis  a negative one counts from the end; wn_boolean_mask(t, m) is for 0
 * Result: shape(t)[:axis] + [n_true] + shape(t)[axis + K:], and n_true is known when the kernel runs.
 */
WN_API wn_node wn_boolean_mask_axis(wn_operand t, wn_operand m, int32_t axis);

/* The places where c is true (not 0; NaN is): i64 [n_true, rank(c)], row-major. where(c), tf.where, np.argwhere. */
WN_API wn_node wn_nonzero(wn_operand c);

/*
 * The inverse of boolean_mask: the true places of m take the elements of v in turn, the others keep fill. NumPy's a[m] = v is
 * wn_expand(v, m, a); the adjoint of boolean_mask(t, m) is wn_expand(g, m, 0).
 *
 * fill  an array: the result has its shape, m's shape must be its from `axis` on, and v broadcasts to it with those axes
 *       replaced by n_true; a scalar: the result has the shape of v with axis `axis` replaced by m's shape
 * axis  wn_expand(v, m, fill) is for 0
 */
WN_API wn_node wn_expand_axis(wn_operand v, wn_operand m, wn_operand fill, int32_t axis);

/* a with elements of v where m, which has a's shape, is true. place takes them in turn and starts again at the end of v (np.place);
   putmask takes v[i % length of v] at place i (np.putmask). */
WN_API wn_node wn_place(wn_operand a, wn_operand m, wn_operand v);
WN_API wn_node wn_putmask(wn_operand a, wn_operand m, wn_operand v);
/* The slices of t where the vector c is true; a shorter c counts as padded with false. compress(c, t, axis=1), np.compress. */
WN_API wn_node wn_compress(wn_operand c, wn_operand t, int32_t axis);

/* ---- Reductions ------------------------------------------------------------------------------------------------ */

/* clang-format off */
typedef enum wn_reduction_kind {
    WN_REDUCE_COUNT,  /* i64: how many are true (not 0; NaN is), of any type; np.count_nonzero     */
    WN_REDUCE_ANY,    /* bool, of any type; tf.reduce_any                                          */
    WN_REDUCE_ALL,    /* bool, of any type; tf.reduce_all                                          */
    WN_REDUCE_SUM,    /* integers and bool in i64 or u64, floats in their type (f16, bf16 by f32)  */
    WN_REDUCE_PROD,   /* the same                                                                  */
    WN_REDUCE_MEAN,   /* floats in their type, all others in f64; NaN of nothing                   */
    WN_REDUCE_MIN,    /* NaN if one is; -0 is below +0; an error of nothing, but with initial      */
    WN_REDUCE_MAX,
    WN_REDUCE_ARGMIN, /* i64: the place of the first of the least, or of the first NaN             */
    WN_REDUCE_ARGMAX
} wn_reduction_kind;
/* clang-format on */

/* What of an array is reduced: (wn_reduction){0} is all of it. In text: sum(x, where=m, axis=(0, 1), keepdims=true, initial=1). */
typedef struct wn_reduction {
    wn_node where; /* bool, broadcast to the operand: only its elements take part; the null node: all do       */
    wn_operand initial; /* a scalar that takes part too (sum, prod, min, max); of no node and kind NODE: none       */
    int32_t axis[WN_MAX_RANK]; /* negative ones count from the end                                                  */
    int32_t axis_count; /* 0: all axes; argmin and argmax take one or all                                    */
    bool keepdims; /* reduced axes stay, with length 1                                                  */
} wn_reduction;

/*
 * Reduce an array: wn_reduce(WN_REDUCE_SUM, x, NULL), wn_reduce(WN_REDUCE_MEAN, x, &(wn_reduction){.where = m}).
 *
 * how  NULL for all of x
 * A float sum adds in an order that follows from places and lengths alone: the same bits on every machine and with any number of
 * threads. Of x[m], all but argmin and argmax are those of x where m is true; these two count places in x[m].
 */
WN_API wn_node wn_reduce_node(wn_reduction_kind kind, wn_operand x, const wn_reduction *how);

/* ---- Compile --------------------------------------------------------------------------------------------------- */

typedef struct wn_kernel wn_kernel;

typedef enum wn_engine { WN_ENGINE_AUTO, WN_ENGINE_JIT, WN_ENGINE_INTERPRETER } wn_engine;

/* clang-format off */
typedef enum wn_isa {
    WN_ISA_NATIVE,    /* the best of the following that this machine has, and its extensions          */
    WN_ISA_PORTABLE,  /* no sequence that is particular to an instruction set: slow, the same anywhere */
    WN_ISA_X86_64_V2, /* SSE4.2, POPCNT         */
    WN_ISA_X86_64_V3, /* AVX2, BMI2, F16C, FMA  */
    WN_ISA_X86_64_V4  /* AVX-512 F BW CD DQ VL  */
} wn_isa;
/* clang-format on */

typedef struct wn_compile_options {
    size_t size; /* sizeof(wn_compile_options) */
    wn_engine engine;
    wn_isa isa;
} wn_compile_options;

/*
 * Compile every output of a graph into one kernel.
 *
 * graph    kept; it may be changed or freed before the kernel
 * options  NULL for defaults: the JIT for this machine, or the interpreter where there is no LLVM (the log says why)
 * Returns a kernel, or NULL: wn_graph_error(graph) says why. A failure to compile leaves the graph as it was: another call, with
 * another engine or instruction set, may succeed.
 * Cost: 2 to 10 ms, and 15 more for loading LLVM at the first in a process; under 1 us when the context has compiled an equal graph before,
 * under 0.1 ms and no LLVM when another process has, into the same cache directory.
 */
WN_API wn_kernel *wn_compile(wn_graph *graph, const wn_compile_options *options);
WN_API void wn_kernel_free(wn_kernel *kernel);

/* What a kernel takes and gives, in order. An index out of range gives NULL or -1. */
WN_API int32_t wn_kernel_input_count(const wn_kernel *kernel);
WN_API int32_t wn_kernel_output_count(const wn_kernel *kernel);
WN_API const char *wn_kernel_input_name(const wn_kernel *kernel, int32_t index);
WN_API const char *wn_kernel_output_name(const wn_kernel *kernel, int32_t index);
WN_API wn_type wn_kernel_output_type(const wn_kernel *kernel, int32_t index);
WN_API int32_t wn_kernel_output_rank(const wn_kernel *kernel, int32_t index);
/* What runs it: WN_ENGINE_JIT or WN_ENGINE_INTERPRETER, and for which instruction set (never WN_ISA_NATIVE). */
WN_API wn_engine wn_kernel_engine(const wn_kernel *kernel);
WN_API wn_isa wn_kernel_isa(const wn_kernel *kernel);
/* "x86-64-v3" and the like. */
WN_API const char *wn_isa_name(wn_isa isa);
/* Whether this machine can run kernels made for it. */
WN_API bool wn_isa_available(wn_isa isa);

/* ---- Run ------------------------------------------------------------------------------------------------------- */

typedef struct wn_binding wn_binding;

/*
 * Join a kernel with arrays.
 *
 * inputs   in the order of declaration; read when the binding runs, so contents may change in between
 * outputs  in the order of declaration, each one of
 *            - your memory: data, type and shape; on a packed axis (boolean_mask, nonzero) shape gives the room there is;
 *            - data NULL: the first run, and each whose result has another size, allocates it exactly, and wn_result lends it. Type and shape
 *              are ignored.
 *          The library never writes past what shape and strides describe.
 * binding  receives the binding, or NULL
 * An output may be the very array of an input that is used only at the same element; other overlap is ERROR_OVERLAP.
 */
WN_API wn_status wn_bind(wn_kernel *kernel, const wn_array *inputs, size_t input_count,
                         const wn_array *outputs, size_t output_count, wn_binding **binding,
                         wn_error *error);
/* Other arrays for the same binding; on failure the old ones stay. Cheap when only pointers and lengths change. */
WN_API wn_status wn_rebind(wn_binding *binding, const wn_array *inputs, size_t input_count,
                           const wn_array *outputs, size_t output_count, wn_error *error);
/* Run. Nothing is allocated but results the context owns, and no lock is taken on one thread. */
WN_API wn_status wn_run(wn_binding *binding, wn_error *error);
/* How many elements a packed output would have, without making it: the count pass alone. */
WN_API wn_status wn_count(wn_binding *binding, size_t output, int64_t *n_true, wn_error *error);
/* An output of the last run, its true lengths in shape; lent until the binding runs again, is bound again or freed. NULL before. */
WN_API const wn_array *wn_result(const wn_binding *binding, size_t output);
WN_API void wn_binding_free(wn_binding *binding);

/*
 * Bind, run, free. An output whose data is NULL is allocated and becomes yours (wn_array_free); the others get the true
 * lengths of packed axes in shape, where the room was: set it again before the next call.
 */
WN_API wn_status wn_call(wn_kernel *kernel, const wn_array *inputs, size_t input_count,
                         wn_array *outputs, size_t output_count, wn_error *error);

/*
 * One call from text to result: wn_eval(ctx, "x[x < 0]", (const char *[]){"x"}, &x, 1, &y, 1, &error). The types of the
 * arrays declare the inputs; the context keeps the kernel for the next call with the same text and types.
 */
WN_API wn_status wn_eval(wn_context *context, const char *text, const char *const *names,
                         const wn_array *inputs, size_t input_count, wn_array *outputs,
                         size_t output_count, wn_error *error);

/* A contiguous array of the context's memory, uninitialised; data is NULL, and the array of rank 0, if there is none. */
WN_API wn_array wn_array_new(wn_context *context, wn_type type, int32_t rank, const int64_t *shape);
/* Give back the data of an array from wn_array_new, wn_call or wn_eval, with the type and shape that it came with. */
WN_API void wn_array_free(wn_context *context, wn_array *array);

#ifdef __cplusplus
} /* extern "C" */
static inline wn_node wn_boolean_mask(wn_operand t, wn_operand m, int32_t axis = 0) {
    return wn_boolean_mask_axis(t, m, axis);
}
static inline wn_node wn_expand(wn_operand v, wn_operand m, wn_operand fill, int32_t axis = 0) {
    return wn_expand_axis(v, m, fill, axis);
}
static inline wn_node wn_reduce(wn_reduction_kind kind, wn_operand x, const wn_reduction *how = NULL) {
    return wn_reduce_node(kind, x, how);
}
#else
#define wn_equal(a, b) wn_equal(WN_OPERAND(a), WN_OPERAND(b))
#define wn_not_equal(a, b) wn_not_equal(WN_OPERAND(a), WN_OPERAND(b))
#define wn_less(a, b) wn_less(WN_OPERAND(a), WN_OPERAND(b))
#define wn_less_equal(a, b) wn_less_equal(WN_OPERAND(a), WN_OPERAND(b))
#define wn_greater(a, b) wn_greater(WN_OPERAND(a), WN_OPERAND(b))
#define wn_greater_equal(a, b) wn_greater_equal(WN_OPERAND(a), WN_OPERAND(b))
#define wn_logical_and(a, b) wn_logical_and(WN_OPERAND(a), WN_OPERAND(b))
#define wn_logical_or(a, b) wn_logical_or(WN_OPERAND(a), WN_OPERAND(b))
#define wn_logical_xor(a, b) wn_logical_xor(WN_OPERAND(a), WN_OPERAND(b))
#define wn_logical_not(a) wn_logical_not(WN_OPERAND(a))
#define wn_bitwise_and(a, b) wn_bitwise_and(WN_OPERAND(a), WN_OPERAND(b))
#define wn_bitwise_or(a, b) wn_bitwise_or(WN_OPERAND(a), WN_OPERAND(b))
#define wn_bitwise_xor(a, b) wn_bitwise_xor(WN_OPERAND(a), WN_OPERAND(b))
#define wn_invert(a) wn_invert(WN_OPERAND(a))
#define wn_left_shift(a, b) wn_left_shift(WN_OPERAND(a), WN_OPERAND(b))
#define wn_right_shift(a, b) wn_right_shift(WN_OPERAND(a), WN_OPERAND(b))
#define wn_where(c, x, y) wn_where(WN_OPERAND(c), WN_OPERAND(x), WN_OPERAND(y))
#define wn_cast(x, type) wn_cast(WN_OPERAND(x), type)
#define wn_add(a, b) wn_add(WN_OPERAND(a), WN_OPERAND(b))
#define wn_subtract(a, b) wn_subtract(WN_OPERAND(a), WN_OPERAND(b))
#define wn_multiply(a, b) wn_multiply(WN_OPERAND(a), WN_OPERAND(b))
#define wn_multiply_no_nan(a, b) wn_multiply_no_nan(WN_OPERAND(a), WN_OPERAND(b))
#define wn_divide(a, b) wn_divide(WN_OPERAND(a), WN_OPERAND(b))
#define wn_floor_divide(a, b) wn_floor_divide(WN_OPERAND(a), WN_OPERAND(b))
#define wn_floor_mod(a, b) wn_floor_mod(WN_OPERAND(a), WN_OPERAND(b))
#define wn_minimum(a, b) wn_minimum(WN_OPERAND(a), WN_OPERAND(b))
#define wn_maximum(a, b) wn_maximum(WN_OPERAND(a), WN_OPERAND(b))
#define wn_clip(x, lo, hi) wn_clip(WN_OPERAND(x), WN_OPERAND(lo), WN_OPERAND(hi))
#define wn_negative(a) wn_negative(WN_OPERAND(a))
#define wn_abs(a) wn_abs(WN_OPERAND(a))
#define wn_sqrt(a) wn_sqrt(WN_OPERAND(a))
#define wn_floor(a) wn_floor(WN_OPERAND(a))
#define wn_ceil(a) wn_ceil(WN_OPERAND(a))
#define wn_rint(a) wn_rint(WN_OPERAND(a))
#define wn_trunc(a) wn_trunc(WN_OPERAND(a))
#define wn_is_nan(a) wn_is_nan(WN_OPERAND(a))
#define wn_is_inf(a) wn_is_inf(WN_OPERAND(a))
#define wn_is_finite(a) wn_is_finite(WN_OPERAND(a))
#define wn_boolean_mask_axis(t, m, axis) wn_boolean_mask_axis(WN_OPERAND(t), WN_OPERAND(m), axis)
#define wn_boolean_mask(t, m) wn_boolean_mask_axis(t, m, 0)
#define wn_nonzero(c) wn_nonzero(WN_OPERAND(c))
#define wn_expand_axis(v, m, fill, axis)                                                           \
    wn_expand_axis(WN_OPERAND(v), WN_OPERAND(m), WN_OPERAND(fill), axis)
#define wn_expand(v, m, fill) wn_expand_axis(v, m, fill, 0)
#define wn_place(a, m, v) wn_place(WN_OPERAND(a), WN_OPERAND(m), WN_OPERAND(v))
#define wn_putmask(a, m, v) wn_putmask(WN_OPERAND(a), WN_OPERAND(m), WN_OPERAND(v))
#define wn_compress(c, t, axis) wn_compress(WN_OPERAND(c), WN_OPERAND(t), axis)
#define wn_reduce(kind, x, ...) wn_reduce_node(kind, WN_OPERAND(x), __VA_ARGS__)
#endif

/* wn_input(g, "x", WN_F32, 2, WN_ANY): the lengths are int64_t in the macro, whatever integers they are in the call.
   (The leading 0 lets a scalar have none.) */
#ifdef __cplusplus
template <typename... Dims>
static inline wn_node wn_input(wn_graph *graph, const char *name, wn_type type, Dims... dims) {
    const int64_t list[] = {0, static_cast<int64_t>(dims)...};
    return wn_input_dims(graph, name, type, static_cast<int32_t>(sizeof...(dims)), list + 1);
}
#else
#define WN_DIMS(...) ((const int64_t[]){__VA_ARGS__})
#define wn_input(graph, name, ...)                                                                 \
    wn_input_list(graph, name, WN_DIMS(__VA_ARGS__), sizeof WN_DIMS(__VA_ARGS__))
/* list: the type, then the lengths; size: in bytes */
static inline wn_node wn_input_list(wn_graph *graph, const char *name, const int64_t *list, size_t size) {
    return wn_input_dims(graph, name, (wn_type)list[0], (int32_t)(size / sizeof *list) - 1, list + 1);
}
#endif

#endif
