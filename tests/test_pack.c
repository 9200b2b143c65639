/*
 * test_pack.c - boolean_mask and nonzero: every mask of a vector, every density, every amount of room, rows, chains of
 * masks, several outputs, in place; each for every instruction set and against unreadable pages (compare_graph).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASKS 65536
#define LANES 16

/* A mask whose words are mostly alike, a chunk of them all false and the next all true, with mixed ones among them: each way of
   packing goes on to the others. */
static void add_runs(store *s, int64_t length) {
    enum { CHUNK = 64 << 10 };
    store_add_mask(s, 500, 1, &length);
    uint8_t *m = s->arrays[s->count - 1].data;
    for (int64_t i = 0; i < length; i += 64) {
        bool mixed = values_random(&s->random) % 600 == 0;
        int64_t end = i + 64 < length ? i + 64 : length;
        if (!mixed) memset(m + i, i / CHUNK & 1, (size_t)(end - i));
    }
}

static int make_context(void **state) {
    *state = compare_context(1);
    return *state == NULL;
}

static int make_context_of_threads(void **state) {
    *state = compare_context(3);
    return *state == NULL;
}

static int free_context(void **state) {
    wn_context_free(*state);
    return 0;
}

/* One type of each width, and a second of two bytes. */
static const wn_type widths[] = {WN_U8, WN_I16, WN_F16, WN_F32, WN_F64};
#define WIDTHS (sizeof widths / sizeof *widths)

/* ---- Every mask ------------------------------------------------------------------------------------------------------- */

/* 16 elements and a mask of them, each flush against the page behind, and a result with just enough room. */
typedef struct sixteen {
    guard x, m, y;
    wn_type type;
    wn_kernel *kernel;
    wn_binding *binding;
} sixteen;

static void run_sixteen(sixteen *t, unsigned mask, wn_status expected) {
    uint8_t *m = (uint8_t *)t->m.data;
    int64_t count = __builtin_popcount(mask), room = expected == WN_OK ? count : count - 1;
    for (int i = 0; i < LANES; i++)
        m[i] = (uint8_t)(mask >> i & 1 ? i + 1 : 0);
    wn_array in[] = {wn_vector(t->type, t->x.data, LANES), wn_vector(WN_BOOL, m, LANES)};
    wn_array out =
        wn_vector(t->type, guard_place(&t->y, AT_END, (size_t)room * wn_type_size(t->type)), room);
    wn_error error = {WN_OK, ""};
    wn_status status = t->binding ? wn_rebind(t->binding, in, 2, &out, 1, &error)
                                  : wn_bind(t->kernel, in, 2, &out, 1, &t->binding, &error);
    if (status == WN_OK) status = wn_run(t->binding, &error);
    if (status != expected) fail_msg("mask %04x: status %d: %s", mask, (int)status, error.message);
    if (!guard_intact(&t->y)) fail_msg("mask %04x: something was written before the result", mask);
    if (expected != WN_OK) return;
    assert_int_equal(wn_result(t->binding, 0)->shape[0], count);
    for (int64_t i = 0, j = 0; i < LANES; i++) {
        if (!m[i]) continue;
        if (values_load(t->type, out.data, j++) == values_load(t->type, t->x.data, i)) continue;
        fail_msg("mask %04x, %s: element %d is not x[%d]", mask, wn_type_name(t->type), (int)j - 1,
                 (int)i);
    }
}

static void run_every_mask(sixteen *t) {
    for (unsigned mask = 0; mask < MASKS; mask += COMPARE_SAMPLED ? 7 : 1) {
        run_sixteen(t, mask, WN_OK);
        if (mask % 64 == 63) run_sixteen(t, mask, WN_ERROR_ROOM);
    }
}

static void every_mask_of_16_lanes_in_just_enough_room(void **state) {
    wn_context *c = *state;
    compare_isas isas = compare_available(c);
    for (size_t w = 0; w < WIDTHS; w++) {
        sixteen t = {.type = widths[w]};
        char text[96];
        size_t bytes = LANES * wn_type_size(t.type);
        snprintf(text, sizeof text, "input x: %s[?]; input m: bool[?]; output y = x[m];",
                 wn_type_name(t.type));
        wn_graph *g = wn_graph_new(c);
        wn_parse(g, text, strlen(text));
        guard_new(&t.x, bytes), guard_new(&t.m, LANES), guard_new(&t.y, bytes);
        guard_place(&t.x, AT_END, bytes), guard_place(&t.m, AT_END, LANES);
        uint64_t random = w;
        for (int i = 0; i < LANES; i++)
            values_store(t.type, t.x.data, i, values_random(&random));
        for (size_t i = 0; i < isas.count; i++) {
            char what[160];
            snprintf(what, sizeof what, "%s: %s", wn_isa_name(isas.list[i]), text);
            guard_describe(what);
            t.kernel = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
            run_every_mask(&t);
            wn_binding_free(t.binding);
            t.binding = NULL;
            wn_kernel_free(t.kernel);
        }
        guard_describe(NULL);
        guard_free(&t.x), guard_free(&t.m), guard_free(&t.y);
        wn_graph_free(g);
    }
}

/* All 65,536 masks of 16 lanes one after the other: as words of 64 and at every vector's place. */
static void add_every_mask(store *s, wn_type type, int64_t masks) {
    int64_t length = masks * LANES;
    void *m = store_add(s, type, 1, &length)->data;
    for (int64_t i = 0; i < length; i++)
        values_store(type, m, i, (uint64_t)(i / LANES * (MASKS / masks) >> i % LANES & 1));
}

static void every_mask_of_16_lanes_in_one_array(void **state) {
    int64_t masks = COMPARE_SAMPLED ? 4096 : MASKS, length = masks * LANES;
    static const struct {
        wn_type type;
        const char *mask;
    } kinds[] = {{WN_BOOL, "m"}, {WN_U8, "m != 0"}, {WN_I16, "m > 0"}};
    for (size_t w = 0; w < WIDTHS; w++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            store s = {.random = w + 1};
            char text[96];
            store_add(&s, widths[w], 1, &length);
            add_every_mask(&s, kinds[k].type, masks);
            snprintf(text, sizeof text, "input x: %s[?]; input m: %s[?]; output y = x[%s];",
                     wn_type_name(widths[w]), wn_type_name(kinds[k].type), kinds[k].mask);
            store_compare(*state, text, &s);
        }
}

static void every_density(void **state) {
    static const int densities[] = {0, 1, 10, 100, 500, 900, 990, 1000};
    for (size_t w = 0; w < WIDTHS; w++)
        for (size_t d = 0; d < sizeof densities / sizeof *densities; d += COMPARE_SAMPLED ? 3 : 1) {
            store s = {.random = w * 10 + d};
            char text[96];
            int64_t length = 100000; /* on threads it is cut into parts */
            store_add(&s, widths[w], 1, &length);
            store_add_mask(&s, densities[d], 1, &length);
            snprintf(text, sizeof text, "input x: %s[?]; input m: bool[?]; output y = x[m];",
                     wn_type_name(widths[w]));
            store_compare(*state, text, &s);
        }
}

static void masks_of_long_runs(void **state) {
    for (size_t w = 0; w < WIDTHS; w++) {
        store s = {.random = w};
        char text[96];
        int64_t length = (5 << 16) + 77;
        store_add(&s, widths[w], 1, &length);
        add_runs(&s, length);
        snprintf(text, sizeof text, "input x: %s[?]; input m: bool[?]; output y = x[m];",
                 wn_type_name(widths[w]));
        store_compare(*state, text, &s);
    }
}

/* A first run finds nothing, so that the second looks for words that have any: one element, or two, anywhere; up to the mask's last byte. */
static void lone_elements_among_none(void **state) {
    enum { LENGTH = 1024 };
    wn_context *c = *state;
    compare_isas isas = compare_available(c);
    const char *text = "input x: i32[?]; input m: bool[?]; x[m]";
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    guard x, m, y;
    guard_new(&x, LENGTH * sizeof(int32_t)), guard_new(&m, LENGTH),
        guard_new(&y, LENGTH * sizeof(int32_t));
    for (size_t i = 0; i < isas.count; i++) {
        wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
        for (int64_t length = 64; length <= LENGTH; length += COMPARE_SAMPLED ? 192 : 64) {
            int32_t *from = guard_place(&x, AT_END, (size_t)length * sizeof *from);
            bool *mask = guard_place(&m, AT_END, (size_t)length);
            int32_t *to = guard_place(&y, AT_END, (size_t)length * sizeof *to);
            for (int32_t j = 0; j < length; j++)
                from[j] = 1000 + j;
            const wn_array in[] = {wn_vector(WN_I32, from, length), wn_vector(WN_BOOL, mask, length)},
                           out = wn_vector(WN_I32, to, length);
            wn_binding *b;
            assert_int_equal(wn_bind(k, in, 2, &out, 1, &b, NULL), WN_OK);
            for (int64_t first = 0; first < length; first++) {
                int64_t second = first * 7919 % length, last = first > second ? first : second;
                memset(mask, 0, (size_t)length);
                assert_int_equal(wn_run(b, NULL), WN_OK);
                assert_int_equal(wn_result(b, 0)->shape[0], 0);
                mask[first] = mask[second] = true;
                assert_int_equal(wn_run(b, NULL), WN_OK);
                assert_int_equal(wn_result(b, 0)->shape[0], 1 + (first != second));
                assert_int_equal(to[0], 1000 + first + second - last);
                if (first != second) assert_int_equal(to[1], 1000 + last);
            }
            wn_binding_free(b);
        }
        wn_kernel_free(k);
    }
    guard_free(&x), guard_free(&m), guard_free(&y);
    wn_graph_free(g);
}

static void every_short_length(void **state) {
    for (int64_t length = 0; length <= 260; length += COMPARE_SAMPLED ? 13 : 1)
        for (int density = 0; density <= 1000; density += 500) {
            store s = {.random = (uint64_t)length};
            store_add(&s, WN_U8, 1, &length);
            store_add(&s, WN_I64, 1, &length);
            store_add_mask(&s, density, 1, &length);
            store_compare(
                *state, "input x: u8[?]; input y: i64[?]; input m: bool[?]; output a = x[m]; output b = y[m];",
                &s);
        }
}

static void every_type_keeps_its_bits(void **state) {
    for (wn_type type = 0; type < WN_TYPE_COUNT; type++) {
        store s = {.random = type};
        char text[96];
        store_add(&s, type, 1, SHAPE(1000));
        store_add_mask(&s, 500, 1, SHAPE(1000));
        snprintf(text, sizeof text, "input x: %s[?]; input m: bool[?]; output y = x[m];",
                 wn_type_name(type));
        store_compare(*state, text, &s);
    }
}

/* ---- Expressions ------------------------------------------------------------------------------------------------------ */

static void masks_that_are_computed(void **state) {
    static const char *const texts[] = {
        "output y = x[x < 0];",
        "output y = sqrt(x[x > 0]) * 2;",
        "output y = x[a > 0 & a < 10 | x != x];",
        "output y = where(x[a > 3] < 0, 0, x[a > 3]);",
        "output y = a[x < 0] + 1;",
        "output y = i8(x[a < 4]);",
        "m = x > 0; output y = x[m] + f32(a[m]);",
        "output y = x[is_nan(x)];",
        "output y = x[true | x < 0];",
        "output y = f64(x)[a % 3 == 0];",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int64_t length = 0; length < 700; length = 3 * length + 1) {
            store s = {.random = i};
            char text[200];
            store_add(&s, WN_F32, 1, &length);
            store_add(&s, WN_I16, 1, &length);
            snprintf(text, sizeof text, "input x: f32[?]; input a: i16[?]; %s", texts[i]);
            store_compare(*state, text, &s);
        }
}

static void masks_of_bytes_and_words(void **state) {
    static const char *const texts[] = {
        "output y = u[u < 1];",
        "output y = u[u < 26];",
        "output y = u[u < 128];",
        "output y = u[u < 255];",
        "output y = s[s < -20000];",
        "output y = s[s < 0];",
        "output y = s[s < 30000];",
        "output y = s[u < 128] * 2;",
        "output y = f64(s)[u < 128];",
        "output y = u[m & s < 0];",
        "output y = u[m & s < 0]; output z = s[m & s < 0];",
        "output y = u[u < 128]; output z = m[u < 128]; output v = u[u < 128] // 2;",
        "output y = nonzero(u > 77);",
    };
    static const int64_t lengths[] = {0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1000, 100000};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k += COMPARE_SAMPLED ? 5 : 1) {
            store s = {.random = i};
            char text[200];
            store_add(&s, WN_U8, 1, &lengths[k]);
            store_add(&s, WN_I16, 1, &lengths[k]);
            store_add_mask(&s, 500, 1, &lengths[k]);
            snprintf(text, sizeof text, "input u: u8[?]; input s: i16[?]; input m: bool[?]; %s",
                     texts[i]);
            store_compare(*state, text, &s);
        }
}

static void outputs_of_many_types_share_a_mask(void **state) {
    for (int64_t length = 1; length < 100000; length = 5 * length + 3) {
        store s = {.random = (uint64_t)length};
        store_add(&s, WN_BOOL, 1, &length);
        store_add(&s, WN_BF16, 1, &length);
        store_add(&s, WN_I32, 1, &length);
        store_add(&s, WN_F64, 1, &length);
        store_add_mask(&s, 300, 1, &length);
        store_compare(*state,
                      "input b: bool[?]; input h: bf16[?]; input i: i32[?]; input d: f64[?]; input "
                      "m: bool[?];"
                      "output y0 = b[m]; output y1 = h[m]; output y2 = i[m]; output y3 = d[m]; "
                      "output y4 = i[m] * 3;"
                      "output y5 = nonzero(m); output y6 = d * 2; output y7 = u8(i)[m];",
                      &s);
    }
}

static void two_masks_in_one_graph(void **state) {
    store s = {.random = 9};
    store_add(&s, WN_F32, 1, SHAPE(3001));
    store_add_mask(&s, 300, 1, SHAPE(3001));
    store_add_mask(&s, 900, 1, SHAPE(3001));
    store_compare(*state,
                  "input x: f32[?]; input m: bool[?]; input k: bool[?];"
                  "output a = x[m]; output b = x[k]; output c = x[m & k]; output d = nonzero(!m);",
                  &s);
}

static void masks_of_masks(void **state) {
    static const char *const texts[] = {
        "a = x[m]; output y = a[a > 0];",
        "a = x[m]; b = a[a > 0]; output y = b[b < 20]; output z = b; output w = a;",
        "output y = x[m][k[m]];",
        "output y = nonzero(x[m] > 0);",
        "a = x[m]; output y = a[a < 0] + a[a < 0];",
        "output y = x[m] + x[k & m | !k & m];", /* two masks that turn out equal */
        "a = x[m]; output y = a[is_nan(a)][true & is_nan(a[is_nan(a)])];",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int64_t length = 0; length < 3000; length = 7 * length + 1) {
            store s = {.random = i + (uint64_t)length};
            char text[256];
            store_add(&s, WN_F32, 1, &length);
            store_add_mask(&s, 600, 1, &length);
            store_add_mask(&s, 600, 1, &length);
            snprintf(text, sizeof text, "input x: f32[?]; input m: bool[?]; input k: bool[?]; %s",
                     texts[i]);
            store_compare(*state, text, &s);
        }
}

/* Packed values beside arrays of the packed length, which must be packed first. */
static void packed_values_meet_arrays(void **state) {
    for (int64_t length = 1; length < 5000; length = 6 * length + 1) {
        store s = {.random = (uint64_t)length};
        store_add(&s, WN_F64, 1, &length);
        store_add_mask(&s, 400, 1, &length);
        int64_t n_true = 0;
        for (int64_t i = 0; i < length; i++)
            n_true += ((uint8_t *)s.arrays[1].data)[i] != 0;
        store_add(&s, WN_F64, 1, &n_true);
        store_add_mask(&s, 500, 1, &n_true);
        store_compare(*state,
                      "input x: f64[?]; input m: bool[?]; input v: f64[?]; input k: bool[?];"
                      "output a = x[m] + v; output b = x[m][k]; output c = where(k, x[m], v); "
                      "output d = x[m];",
                      &s);
    }
}

/* ---- Shapes ----------------------------------------------------------------------------------------------------------- */

static void rows_of_all_sizes(void **state) {
    static const int64_t rows[] = {0, 1, 2, 3, 4, 5, 8, 16, 17, 64, 100};
    for (size_t w = 0; w < WIDTHS; w++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            store s = {.random = i};
            char text[200];
            int64_t count = rows[i] == 17 && w % 2 ? 5003 : 333; /* the longer ones are cut for threads */
            store_add(&s, widths[w], 2, SHAPE(count, rows[i]));
            store_add_mask(&s, 400, 1, SHAPE(count));
            snprintf(text,
                     sizeof text, "input t: %s[?, ?]; input m: bool[?]; output y = t[m]; output z = where(t[m] == t[m], t[m], t[m]);",
                     wn_type_name(widths[w]));
            store_compare(*state, text, &s);
        }
}

static void masks_at_every_axis(void **state) {
    static const struct {
        const char *text;
        int64_t shape[3];
    } cases[] = {
        {"boolean_mask(t, m, axis=0)", {9}},        {"boolean_mask(t, m, axis=1)", {17}},
        {"boolean_mask(t, m, axis=2)", {5}},        {"boolean_mask(t, m, axis=-1)", {5}},
        {"boolean_mask(t, m, axis=-2)", {17}},      {"boolean_mask(t, m, axis=0)", {9, 17}},
        {"boolean_mask(t, m, axis=1)", {17, 5}},    {"boolean_mask(t, m, axis=-2)", {17, 5}},
        {"boolean_mask(t, m, axis=0)", {9, 17, 5}}, {"boolean_mask(t, m, axis=-3)", {9, 17, 5}},
        {"boolean_mask(-t * 2, m, axis=1)", {17}},  {"t[:, m] + t[:, m]", {17}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int density = 0; density <= 1000; density += 250) {
            store s = {.random = i};
            char text[200];
            int32_t rank = cases[i].shape[1] == 0 ? 1 : cases[i].shape[2] == 0 ? 2 : 3;
            store_add(&s, i % 2 ? WN_F32 : WN_I8, 3, SHAPE(9, 17, 5));
            store_add_mask(&s, density, rank, cases[i].shape);
            snprintf(text, sizeof text, "input t: %s[?, ?, ?]; input m: bool[%s]; output y = %s;",
                     i % 2 ? "f32" : "i8",
                     rank == 1   ? "?"
                     : rank == 2 ? "?, ?"
                                 : "?, ?, ?",
                     cases[i].text);
            store_compare(*state, text, &s);
        }
}

static void broadcast_values_under_a_mask(void **state) {
    store s = {.random = 4};
    store_add(&s, WN_I32, 2, SHAPE(40, 30));
    store_add(&s, WN_I32, 1, SHAPE(30));
    store_add(&s, WN_I32, 2, SHAPE(40, 1));
    store_add(&s, WN_I32, 0, NULL);
    store_add_mask(&s, 500, 2, SHAPE(40, 30));
    store_compare(*state,
                  "input t: i32[?, ?]; input r: i32[?]; input c: i32[?, 1]; input s: i32[]; input "
                  "m: bool[?, ?];"
                  "output y = (t + r * c)[m] - s; output z = (t * c)[t > r];"
                  "output w = t[(r > 0) & (c > 0)];",
                  &s);
}

static void nonzero_of_ranks_1_to_3(void **state) {
    static const char *const dims[] = {"?", "?, ?", "?, ?, ?"};
    for (int32_t rank = 1; rank <= 3; rank++)
        for (int64_t length = 0; length < 70; length = 2 * length + 1)
            for (wn_type type = 0; type < WN_TYPE_COUNT; type += 3) {
                store s = {.random = (uint64_t)length};
                char text[96];
                store_add(&s, type, rank, SHAPE(length, 13, 3));
                snprintf(text, sizeof text, "input c: %s[%s]; output y = nonzero(c);",
                         wn_type_name(type), dims[rank - 1]);
                store_compare(*state, text, &s);
            }
}

/* ---- Reductions of what is packed ------------------------------------------------------------------------------------- */

/* Nothing is packed for most of these: the elements are taken where they lie. Few of the sums are NaN: orders of addition show. */
static void reductions_of_packed_values(void **state) {
    static const char *const texts[] = {
        "output a = sum(x[m] * y[m]); output b = max(x[m] - y[m], initial=0); output e = sum(x);",
        "output a = mean(sqrt(x[m] * x[m]) + s); output b = count(x[m] > y[m]);",
        "output a = argmin(x[m]); output b = argmax(y[m]); output e = any(x[m] > 3); output d = "
        "x[m];",
        "output a = sum(x[m] - 1) * sum(y[k] * x[k]); output b = prod(x[k], initial=2); output e = "
        "sum(y[k] + 1);",
        "output a = sum(x[m][k[m]]); output b = sum(x[m][k[m]] * 2); output e = "
        "argmin(y[m][k[m]]);",
        "output a = sum(v[k[m]]); output b = sum(x[m] - mean(x[m])); output e = x[m] > sum(y[m] * "
        "s);",
    };
    for (size_t i = 0; i < LENGTH(texts); i++)
        for (int64_t length = strstr(texts[i], "arg") ? 100 : 1; length < 20000;
             length = 4 * length + 3) {
            int64_t n_true = 0;
            store s = {.random = i + (uint64_t)length};
            char text[256];
            store_add(&s, WN_I16, 1, &length);
            store_add(&s, WN_I16, 1, &length);
            store_add(&s, WN_F32, 0, NULL);
            store_add_mask(&s, 400, 1, &length);
            store_add_mask(&s, 700, 1, &length);
            for (int64_t j = 0; j < length; j++)
                n_true += ((uint8_t *)s.arrays[3].data)[j] != 0;
            store_add(&s, WN_F16, 1, &n_true);
            snprintf(text, sizeof text,
                     "input p: i16[?]; input q: i16[?]; input s: f32; input m: bool[?]; input k: "
                     "bool[?]; input v: f16[?]; "
                     "x = f32(p) * 0.37; y = f32(q) / 3; %s",
                     texts[i]);
            store_compare(*state, text, &s);
        }
}

/* The mask's axes lie anywhere among those that are reduced and those that are kept, which trade places. */
static void reductions_of_packed_axes(void **state) {
    static const char *const texts[] = {
        "output a = sum(t[m], axis=0); output b = max(t[m] * r, axis=0, initial=0);",
        "output a = sum(t[m], axis=(0, 2)); output b = mean(t[m] + 1, axis=(0, 1), keepdims=true);",
        "output a = sum(t[m], axis=1); output b = argmax(t[m], axis=0); output e = min(t[m], "
        "initial=9);",
        "output a = sum(t[:, n], axis=1); output b = sum(t[:, n] * r, axis=(1, 2), keepdims=true);",
        "output a = sum(t[:, n] + c[n], axis=1); output b = prod(t[:, n], axis=(0, 1));",
        "output a = sum(t[k], axis=0); output b = sum(t[k] * r, axis=0, keepdims=true);",
        "output a = count(t[k] > t[k] * 2); output b = mean(t[k], axis=(0, 1));",
        "output a = sum(expand(t[k] * 2, k, t)[m], axis=0); output b = sum(expand(1, k, t)[m], "
        "axis=1);",
        "output a = sum(t[m] * expand(r[r > 0] * 3, r > 0, r), axis=(0, 2));",
        "output a = sum(t[m] * expand(w[j] * 3, j, w), axis=(0, 1));",
        "output a = sum(w[j] * 2); output b = sum((t > 0)[m], axis=(1, 0));",
        "output a = sum(w[n] + r[r == r], axis=0); output b = sum((w[n] + r[r == r]) * 2, axis=0);",
        "e = expand(!j[j], j, j); output a = sum(w[e] * w[e]); output b = w[e] + w[e] * 2;",
        "output a = argmin((it > 3)[m]); output b = argmax(i8(it)[m]);",
    };
    for (size_t i = 0; i < LENGTH(texts); i++)
        for (int64_t rows = 1; rows < 700; rows = 5 * rows + 2)
            for (int density = strstr(texts[i], "arg") ? 1000 : 0; density <= 1000; density += 500) {
                store s = {.random = i + (uint64_t)rows};
                char text[512];
                store_add(&s, WN_I16, 3, SHAPE(rows, 7, 5));
                store_add(&s, WN_I16, 2, SHAPE(7, 5));
                store_add(&s, WN_I16, 1, SHAPE(5));
                store_add(&s, WN_I16, 2, SHAPE(7, 1));
                store_add_mask(&s, density, 1, SHAPE(rows));
                store_add_mask(&s, density, 1, SHAPE(7));
                store_add_mask(&s, density, 2, SHAPE(rows, 7));
                store_add_mask(&s, density, 2, SHAPE(7, 5));
                snprintf(
                    text, sizeof text,
                    "input it: i16[?, ?, ?]; input iw: i16[?, ?]; input ir: i16[?]; input ic: "
                    "i16[?, 1]; "
                    "input m: bool[?]; input n: bool[?]; input k: bool[?, ?]; input j: bool[?, ?]; "
                    "t = f32(it) * 0.37; w = f32(iw); r = f32(ir) / 7; c = f32(ic); %s",
                    texts[i]);
                store_compare(*state, text, &s);
            }
}

/* sum(g(x[m])) has the bits of sum(g(x), where=m): outputs in pairs. */
static void places_are_those_of_where(void **state) {
    static const char text[] =
        "input x: f32[1250, 40]; input m: bool[1250, 40]; input k: bool[1250]; input n: bool[40]; "
        "input q: bool[40];"
        "output a = sum(x[m] * x[m]); output b = sum(x * x, where=m);"
        "output c = mean(3 - x[m]); output d = mean(3 - x, where=m);"
        "output e = sum(x[k][m[k]]); output f = sum(x[k], where=m[k]);"
        "output g = sum(sum(x[:, n][:, q[n]], axis=1)); output h = sum(sum(x[:, n], where=q[n], "
        "axis=1));"
        "output i = sum(x[m][(x > 0.01)[m]]); output j = sum(x[m], where=(x > 0.01)[m]);";
    enum { COUNT = 50000, RESULTS = 10 };
    wn_kernel *k = compare_compile_text(*state, text, COMPARE_ENGINE);
    store s = {.random = 5};
    wn_array *x = store_add(&s, WN_F32, 2, SHAPE(1250, 40)), results[RESULTS];
    float values[RESULTS];
    for (int i = 0; i < COUNT; i++)
        ((float *)x->data)[i] = 1 / (float)(i % 1000 + 3);
    store_add_mask(&s, 300, 2, SHAPE(1250, 40));
    store_add_mask(&s, 600, 1, SHAPE(1250));
    store_add_mask(&s, 600, 1, SHAPE(40));
    store_add_mask(&s, 600, 1, SHAPE(40));
    for (int i = 0; i < RESULTS; i++)
        results[i] = wn_scalar(WN_F32, &values[i]);
    assert_int_equal(wn_call(k, s.arrays, s.count, results, RESULTS, NULL), WN_OK);
    for (int i = 0; i < RESULTS; i += 2)
        assert_memory_equal(&values[i], &values[i + 1], sizeof *values);
    wn_kernel_free(k);
    store_drop(&s);
}

/* ---- In place ----------------------------------------------------------------------------------------------------------- */

/* A density below 0: runs. */
static void pack_in_place(wn_context *c, wn_type type, wn_isa isa, placement where, int64_t length,
                          int density) {
    store s = {.random = (uint64_t)length};
    arena a;
    char text[96], wrong[1024];
    store_add(&s, type, 1, &length);
    if (density < 0)
        add_runs(&s, length);
    else
        store_add_mask(&s, density, 1, &length);
    snprintf(text, sizeof text, "input x: %s[?]; input m: bool[?]; output y = x[m];",
             wn_type_name(type));
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    wn_kernel *oracle = compare_compile(g, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isa);
    wn_array want = {0}, in[2], out;
    wn_error error = {WN_OK, ""};
    assert_int_equal(wn_call(oracle, s.arrays, 2, &want, 1, &error), WN_OK);
    arena_new(&a, 2, 0, (size_t)length * 8);
    arena_inputs(&a, where, s.arrays, 2, in);
    out = in[0];
    if (wn_call(k, in, 2, &out, 1, &error) != WN_OK) compare_fail(g, "in place", error.message);
    if (!compare_arrays(&out, &want, true, wrong, sizeof wrong)) compare_fail(g, "in place", wrong);
    if (!guard_intact(&a.inputs[0])) compare_fail(g, "in place", "something was written outside");
    arena_free(&a);
    wn_array_free(c, &want);
    wn_kernel_free(k);
    wn_kernel_free(oracle);
    wn_graph_free(g);
    store_drop(&s);
}

static void packing_onto_the_input_itself(void **state) {
    compare_isas isas = compare_available(*state);
    for (size_t i = 0; i < isas.count; i++)
        for (size_t w = 0; w < WIDTHS; w++)
            for (placement where = AT_END; where < PLACEMENT_COUNT; where++)
                for (int64_t length = 1; length < 70000; length = 6 * length + 2)
                    for (int density = 0; density <= 1000; density += 250)
                        pack_in_place(*state, widths[w], isas.list[i], where, length, density);
    for (size_t i = 0; i < isas.count; i++)
        for (size_t w = 0; w < WIDTHS; w++)
            for (int density = -1; density <= 35; density += 12) /* runs; moved one by one */
                pack_in_place(*state, widths[w], isas.list[i], AT_END, (5 << 16) + 77, density);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_context, free_context)
#define TEST_ON_THREADS(name)                                                                      \
    { #name "_on_threads", name, make_context_of_threads, free_context, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_mask_of_16_lanes_in_just_enough_room),
        TEST(every_mask_of_16_lanes_in_one_array),
        TEST(every_density),
        TEST(masks_of_long_runs),
        TEST(lone_elements_among_none),
        TEST(every_short_length),
        TEST(every_type_keeps_its_bits),
        TEST(masks_that_are_computed),
        TEST(masks_of_bytes_and_words),
        TEST(outputs_of_many_types_share_a_mask),
        TEST(two_masks_in_one_graph),
        TEST(masks_of_masks),
        TEST(packed_values_meet_arrays),
        TEST(rows_of_all_sizes),
        TEST(masks_at_every_axis),
        TEST(broadcast_values_under_a_mask),
        TEST(nonzero_of_ranks_1_to_3),
        TEST(reductions_of_packed_values),
        TEST(reductions_of_packed_axes),
        TEST(places_are_those_of_where),
        TEST(packing_onto_the_input_itself),
        TEST_ON_THREADS(every_density),
        TEST_ON_THREADS(masks_of_long_runs),
        TEST_ON_THREADS(outputs_of_many_types_share_a_mask),
        TEST_ON_THREADS(rows_of_all_sizes),
        TEST_ON_THREADS(packing_onto_the_input_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
