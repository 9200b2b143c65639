/*
 * interpret_cast.c - every pair of types, by way of the widest type of the source's class.
 *
 * int64_t, uint64_t and double hold all values of the types below them, so a cast is a widening, which
 * is exact, and then one step that rounds, saturates or wraps. That makes 13 loops in and 3 x 13 out.
 */
#include "graph/interpret.h"

#include <string.h>

typedef union wide {
    int64_t i;
    uint64_t u;
    double f;
} wide;

#define CHUNK 256

/* ---- In ------------------------------------------------------------------------------------ */

#define EACH(T, target, value)                                                                     \
    {                                                                                              \
        const T *in = arg;                                                                         \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i].target = value;                                                                 \
    }                                                                                              \
    break

static void widen(wn_type type, const void *arg, wide *out, size_t n) {
    switch (type) {
    case WN_BOOL: EACH(uint8_t, u, in[i] != 0);
    case WN_I8: EACH(int8_t, i, in[i]);
    case WN_I16: EACH(int16_t, i, in[i]);
    case WN_I32: EACH(int32_t, i, in[i]);
    case WN_I64: EACH(int64_t, i, in[i]);
    case WN_U8: EACH(uint8_t, u, in[i]);
    case WN_U16: EACH(uint16_t, u, in[i]);
    case WN_U32: EACH(uint32_t, u, in[i]);
    case WN_U64: EACH(uint64_t, u, in[i]);
    case WN_F16: EACH(uint16_t, f, wn_f16_to_f32(in[i]));
    case WN_BF16: EACH(uint16_t, f, wn_bf16_to_f32(in[i]));
    case WN_F32: EACH(float, f, in[i]);
    case WN_F64: EACH(double, f, in[i]);
    case WN_BITMAP: memset(out, 0, n * sizeof *out); break; /* no value has it */
    }
}
#undef EACH

/* ---- Out ----------------------------------------------------------------------------------- */

#define EACH(T, value)                                                                             \
    {                                                                                              \
        T *out = result;                                                                           \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i] = (T)(value);                                                                   \
    }                                                                                              \
    break

/* An integer in fewer bits is its low ones, whatever its sign. */
static void narrow_integer(wn_type to, const wide *in, void *result, size_t n) {
    switch (to) {
    case WN_BOOL: EACH(uint8_t, in[i].u != 0);
    case WN_I8: EACH(int8_t, in[i].u);
    case WN_I16: EACH(int16_t, in[i].u);
    case WN_I32: EACH(int32_t, in[i].u);
    case WN_I64: EACH(int64_t, in[i].u);
    case WN_U8: EACH(uint8_t, in[i].u);
    case WN_U16: EACH(uint16_t, in[i].u);
    case WN_U32: EACH(uint32_t, in[i].u);
    default: EACH(uint64_t, in[i].u);
    }
}

static void narrow_signed(wn_type to, const wide *in, void *result, size_t n) {
    switch (to) {
    case WN_F16: EACH(uint16_t, wn_i64_to_f16(in[i].i));
    case WN_BF16: EACH(uint16_t, wn_i64_to_bf16(in[i].i));
    case WN_F32: EACH(float, in[i].i);
    case WN_F64: EACH(double, in[i].i);
    default: narrow_integer(to, in, result, n);
    }
}

static void narrow_unsigned(wn_type to, const wide *in, void *result, size_t n) {
    switch (to) {
    case WN_F16: EACH(uint16_t, wn_u64_to_f16(in[i].u));
    case WN_BF16: EACH(uint16_t, wn_u64_to_bf16(in[i].u));
    case WN_F32: EACH(float, in[i].u);
    case WN_F64: EACH(double, in[i].u);
    default: narrow_integer(to, in, result, n);
    }
}

/* Cut towards 0, held at the ends; NaN is 0. The ends of 64 bits round to 2^63 and 2^64 as doubles,
   the first values that do not fit. */
#define CUT(T, v, least, greatest)                                                                 \
    ((v) != (v) ? 0 : (v) <= (double)least ? least : (v) >= (double)greatest ? greatest : (T)(v))

static void narrow_float(wn_type to, const wide *in, void *result, size_t n) {
    switch (to) {
    case WN_BOOL: EACH(uint8_t, in[i].f != 0);
    case WN_I8: EACH(int8_t, CUT(int8_t, in[i].f, INT8_MIN, INT8_MAX));
    case WN_I16: EACH(int16_t, CUT(int16_t, in[i].f, INT16_MIN, INT16_MAX));
    case WN_I32: EACH(int32_t, CUT(int32_t, in[i].f, INT32_MIN, INT32_MAX));
    case WN_I64: EACH(int64_t, CUT(int64_t, in[i].f, INT64_MIN, INT64_MAX));
    case WN_U8: EACH(uint8_t, CUT(uint8_t, in[i].f, 0, UINT8_MAX));
    case WN_U16: EACH(uint16_t, CUT(uint16_t, in[i].f, 0, UINT16_MAX));
    case WN_U32: EACH(uint32_t, CUT(uint32_t, in[i].f, 0, UINT32_MAX));
    case WN_U64: EACH(uint64_t, CUT(uint64_t, in[i].f, 0, UINT64_MAX));
    case WN_F16: EACH(uint16_t, wn_f64_to_f16(in[i].f));
    case WN_BF16: EACH(uint16_t, wn_f64_to_bf16(in[i].f));
    case WN_F32: EACH(float, in[i].f);
    case WN_F64: EACH(double, in[i].f);
    case WN_BITMAP: break;
    }
}
#undef EACH

/* ---- Both ---------------------------------------------------------------------------------- */

static void narrow(type_class from, wn_type to, const wide *in, void *result, size_t n) {
    if (from == CLASS_FLOATING)
        narrow_float(to, in, result, n);
    else if (from == CLASS_SIGNED)
        narrow_signed(to, in, result, n);
    else
        narrow_unsigned(to, in, result, n);
}

void wn_interpret_cast(wn_type from, wn_type to, const void *arg, void *result, size_t n) {
    size_t from_size = wn_type_size(from), to_size = wn_type_size(to);
    if (from == to && from != WN_BOOL) {
        if (n) memcpy(result, arg, n * from_size);
        return;
    }
    wide between[CHUNK];
    for (size_t done = 0; done < n; done += CHUNK) {
        size_t count = n - done < CHUNK ? n - done : CHUNK;
        widen(from, (const char *)arg + done * from_size, between, count);
        narrow(wn_type_class(from), to, between, (char *)result + done * to_size, count);
    }
}
