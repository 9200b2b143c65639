/*
 * test_expand.c - expand(v, m, fill) with a mask over all axes: every mask of a vector, every density, layouts, in place, and a v that is
 * too short or too long; each for every instruction set and against unreadable pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "layouts.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASKS 65536
#define LANES 16

/* One type of each width, and bool, whose bytes become 0 or 1. */
static const wn_type widths[] = {WN_U8, WN_BOOL, WN_F16, WN_F32, WN_F64};
#define WIDTHS (sizeof widths / sizeof *widths)
#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})

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

/* ---- What is expected ------------------------------------------------------------------------------------------------ */

static int64_t count_true(const wn_array *m) {
    uint8_t *mask = compare_copy(m);
    int64_t found = 0;
    for (int64_t i = 0; i < compare_count(m); i++)
        found += mask[i] != 0;
    free(mask);
    return found;
}

/* In malloc's memory, contiguous. A v of one element is the same for all; a scalar fill too. */
static wn_array expected(const wn_array *v, const wn_array *m, const wn_array *fill) {
    wn_array out = wn_array_of(v->type, NULL, m->rank, m->shape);
    uint8_t *mask = compare_copy(m);
    void *values = compare_copy(v), *fills = compare_copy(fill);
    out.data = malloc((size_t)compare_count(m) * 8 + 1);
    assert_non_null(out.data);
    for (int64_t i = 0, j = 0; i < compare_count(m); i++) {
        uint64_t bits = mask[i] ? values_load(v->type, values, v->shape[0] == 1 ? 0 : j++)
                                : values_load(v->type, fills, fill->rank ? i : 0);
        values_store(v->type, out.data, i, v->type == WN_BOOL ? bits != 0 : bits);
    }
    free(mask), free(values), free(fills);
    return out;
}

static wn_graph *graph_of(wn_context *c, wn_type type, int rank, const char *result) {
    char text[200];
    const char *t = wn_type_name(type), *shape = rank == 1 ? "?" : "?, ?";
    snprintf(text, sizeof text, "input v: %s[?]; input m: bool[%s]; input a: %s[%s]; output y = %s;",
             t, shape, t, shape, result);
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    assert_string_equal(wn_graph_error(g), "");
    return g;
}

/* ---- Every mask ------------------------------------------------------------------------------------------------------- */

/* 16 elements, a mask of them and just enough others in their place, each flush against the page behind. */
typedef struct sixteen {
    guard v, m, a, y;
    wn_type type;
    wn_kernel *kernel;
    wn_binding *binding;
} sixteen;

/* With `more` elements in v than there are true ones. */
static void run_sixteen(sixteen *t, unsigned mask, int more) {
    int64_t length = __builtin_popcount(mask) + more;
    size_t size = wn_type_size(t->type);
    if (length < 0 || (more && length == 1)) return;
    uint8_t *m = (uint8_t *)t->m.data;
    for (int i = 0; i < LANES; i++)
        m[i] = (uint8_t)(mask >> i & 1 ? i + 1 : 0);
    void *v = guard_place(&t->v, AT_END, (size_t)length * size);
    for (int64_t i = 0; i < length; i++)
        values_store(t->type, v, i, 100u + (uint64_t)i);
    wn_array in[] = {wn_vector(t->type, v, length), wn_vector(WN_BOOL, m, LANES),
                     wn_vector(t->type, t->a.data, LANES)};
    wn_array out = wn_vector(t->type, guard_place(&t->y, AT_END, LANES * size), LANES);
    wn_error error = {WN_OK, ""};
    wn_status status = t->binding ? wn_rebind(t->binding, in, 3, &out, 1, &error)
                                  : wn_bind(t->kernel, in, 3, &out, 1, &t->binding, &error);
    if (status == WN_OK) status = wn_run(t->binding, &error);
    if (status != (more ? WN_ERROR_SHAPE : WN_OK))
        fail_msg("mask %04x: status %d: %s", mask, (int)status, error.message);
    if (!guard_intact(&t->y)) fail_msg("mask %04x: something was written before the result", mask);
    if (more) return;
    for (int64_t i = 0, j = 0; i < LANES; i++) {
        uint64_t want = m[i] ? values_load(t->type, v, j++) : values_load(t->type, t->a.data, i);
        if (t->type == WN_BOOL) want = want != 0;
        if (values_load(t->type, out.data, i) == want) continue;
        fail_msg("mask %04x, %s: element %d is wrong", mask, wn_type_name(t->type), (int)i);
    }
}

static void run_every_mask(sixteen *t) {
    for (unsigned mask = 0; mask < MASKS; mask += COMPARE_SAMPLED ? 7 : 1) {
        run_sixteen(t, mask, 0);
        if (mask % 64 == 63) run_sixteen(t, mask, -1), run_sixteen(t, mask, 1);
    }
}

static void every_mask_of_16_lanes_from_just_enough(void **state) {
    wn_context *c = *state;
    compare_isas isas = compare_available(c);
    for (size_t w = 0; w < WIDTHS; w++) {
        sixteen t = {.type = widths[w]};
        size_t bytes = LANES * wn_type_size(t.type);
        uint64_t random = w;
        wn_graph *g = graph_of(c, t.type, 1, "expand(v, m, a)");
        guard_new(&t.v, bytes + 8), guard_new(&t.m, LANES), guard_new(&t.a, bytes),
            guard_new(&t.y, bytes);
        guard_place(&t.m, AT_END, LANES), guard_place(&t.a, AT_END, bytes);
        for (int i = 0; i < LANES; i++)
            values_store(t.type, t.a.data, i, values_random(&random));
        for (size_t i = 0; i < isas.count; i++) {
            char what[96];
            snprintf(what, sizeof what, "%s: %s", wn_isa_name(isas.list[i]), wn_type_name(t.type));
            guard_describe(what);
            t.kernel = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
            run_every_mask(&t);
            wn_binding_free(t.binding);
            t.binding = NULL;
            wn_kernel_free(t.kernel);
        }
        guard_describe(NULL);
        guard_free(&t.v), guard_free(&t.m), guard_free(&t.a), guard_free(&t.y);
        wn_graph_free(g);
    }
}

/* ---- Against the interpreter ------------------------------------------------------------------------------------------ */

typedef struct operands {
    wn_array arrays[3]; /* v, m, a: contiguous, malloc's */
} operands;

static void new_array(wn_array *a, wn_type type, int32_t rank, const int64_t *shape) {
    *a = wn_array_of(type, NULL, rank, shape);
    a->data = malloc((size_t)compare_count(a) * wn_type_size(type) + 1);
    assert_non_null(a->data);
}

/* A mask of which about density / 1000 are true, not every true byte 1, and a v that is as long. */
static operands make_operands(wn_type type, int32_t rank, const int64_t *shape, int density,
                              uint64_t seed) {
    operands o;
    new_array(&o.arrays[1], WN_BOOL, rank, shape);
    uint8_t *m = o.arrays[1].data;
    for (int64_t i = 0; i < compare_count(&o.arrays[1]); i++) {
        uint64_t word = values_random(&seed);
        m[i] = (int)(word % 1000) < density ? (uint8_t)(word >> 40 & 3 ? 1 : word >> 48 | 1) : 0;
    }
    new_array(&o.arrays[0], type, 1, SHAPE(count_true(&o.arrays[1])));
    new_array(&o.arrays[2], type, rank, shape);
    values_fill(type, o.arrays[0].data, o.arrays[0].shape[0], &seed);
    values_fill(type, o.arrays[2].data, compare_count(&o.arrays[2]), &seed);
    return o;
}

static void drop_operands(operands *o) {
    for (int i = 0; i < 3; i++)
        free(o->arrays[i].data);
}

static void compare_operands(wn_context *c, operands *o, const char *result) {
    wn_graph *g = graph_of(c, o->arrays[0].type, o->arrays[1].rank, result);
    compare_graph(c, g, o->arrays, 3);
    wn_graph_free(g);
    drop_operands(o);
}

/* All 65,536 masks of 16 lanes one after the other: as words of 64 and at every vector's place. */
static void every_mask_of_16_lanes_in_one_array(void **state) {
    int64_t masks = COMPARE_SAMPLED ? 4096 : MASKS, length = masks * LANES;
    for (size_t w = 0; w < WIDTHS; w++) {
        operands o = make_operands(widths[w], 1, &length, 0, w);
        uint8_t *m = o.arrays[1].data;
        for (int64_t i = 0; i < length; i++)
            m[i] = (uint8_t)(i / LANES * (MASKS / masks) >> i % LANES & 1);
        int64_t n_true = count_true(&o.arrays[1]);
        uint64_t seed = w;
        free(o.arrays[0].data);
        new_array(&o.arrays[0], widths[w], 1, &n_true);
        values_fill(widths[w], o.arrays[0].data, n_true, &seed);
        compare_operands(*state, &o, "expand(v, m, a)");
    }
}

static void every_density(void **state) {
    static const int densities[] = {0, 1, 10, 100, 500, 900, 990, 1000};
    for (size_t w = 0; w < WIDTHS; w++)
        for (size_t d = 0; d < sizeof densities / sizeof *densities; d += COMPARE_SAMPLED ? 3 : 1) {
            operands o = make_operands(widths[w], 1, SHAPE(100000), densities[d], w * 10 + d);
            compare_operands(*state, &o, "expand(v, m, a)");
        }
}

static void every_short_length(void **state) {
    for (int64_t length = 0; length <= 260; length += COMPARE_SAMPLED ? 13 : 1)
        for (int density = 0; density <= 1000; density += 500) {
            operands o =
                make_operands(length % 2 ? WN_U8 : WN_F32, 1, &length, density, (uint64_t)length);
            compare_operands(*state, &o, "expand(v, m, a)");
        }
}

static void lengths_around_blocks(void **state) {
    for (int64_t block = 2048; block <= 8192; block *= 2)
        for (int64_t length = block - 65; length <= block + 65; length += length == block - 1 ? 1 : 32) {
            operands o = make_operands(WN_I16, 1, &length, 970, (uint64_t)length);
            compare_operands(*state, &o, "expand(v, m, a)");
        }
}

static void every_type_keeps_its_bits(void **state) {
    for (wn_type type = 0; type < WN_TYPE_COUNT; type++) {
        operands o = make_operands(type, 1, SHAPE(1000), 500, type);
        compare_operands(*state, &o, "expand(v, m, a)");
    }
}

/* The masks here have as many true ones as m. */
static void masks_fills_and_values_that_are_computed(void **state) {
    static const char *const texts[] = {
        "expand(v, m & (a == a | m), a * 2)",
        "expand(v, !!m, 0)",
        "expand(v * 2 + 1, m, sqrt(a))",
        "expand(v, m | false, where(a < 0, 0, a)) + a",
        "expand(v, m, expand(v, m, 1) * a)",
        "expand(a[m], m | a != a & false, a)",
        "expand(v + a[m], m, a)",
        "expand(v, m, max(a, initial=0))",
        "sum(expand(v, m, a)) + f32(count(m))",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int64_t length = 1; length < 5000; length = 7 * length + 1) {
            operands o = make_operands(WN_F32, 1, &length, 400, i + (uint64_t)length);
            compare_operands(*state, &o, texts[i]);
        }
}

/* x[k] has an axis of its own length, and so has a mask that is computed from it. */
static void everything_may_be_packed(void **state) {
    operands o = make_operands(WN_I32, 1, SHAPE(3001), 500, 7);
    compare_operands(*state, &o, "expand(v[v > 2], a[m] * 0 == 0 & v > 2, v * 3 + a[m])");
}

static void scalars_and_masks_of_some_axes(void **state) {
    static const char *const texts[] = {"expand(7, m, a)", "expand(max(a, initial=3), m & a > 0, a)",
                                        "expand(v, m, a)", "expand(v, m, 1) * 2"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        operands o = make_operands(WN_I64, 2, SHAPE(37, 61), 300, i);
        compare_operands(*state, &o, texts[i]);
    }
    for (int64_t row = 0; row < 130; row = 3 * row + 1) {
        operands o = make_operands(WN_U8, 1, SHAPE(50), 300, (uint64_t)row);
        free(o.arrays[2].data);
        new_array(&o.arrays[2], WN_U8, 2, SHAPE(50, row));
        uint64_t seed = 3;
        values_fill(WN_U8, o.arrays[2].data, 50 * row, &seed);
        compare_text(
            *state,
            "input v: u8[?]; input m: bool[?]; input a: u8[?, ?]; output y = expand(9, m, a); "
            "output z = expand(v, m, 0);",
            o.arrays, 3);
        drop_operands(&o);
    }
}

static void one_element_stretches(void **state) {
    for (size_t w = 0; w < WIDTHS; w++)
        for (int64_t length = 1; length < 100000; length = 9 * length + 5) {
            operands o = make_operands(widths[w], 1, &length, 500, w);
            o.arrays[0].shape[0] = 1;
            if (count_true(&o.arrays[1]) == 0) o.arrays[0].shape[0] = 0;
            compare_operands(*state, &o, "expand(v, m, a)");
        }
}

/* ---- Layouts ----------------------------------------------------------------------------------------------------------- */

static void put_values(const wn_array *from, placed *to) {
    uint8_t *data = from->data;
    size_t size = wn_type_size(from->type);
    for (int64_t i = 0; i < compare_count(from); i++) {
        int64_t at = 0;
        for (int64_t axis = from->rank, rest = i; axis-- > 0; rest /= from->shape[axis])
            at += rest % from->shape[axis] * to->array.strides[axis];
        memcpy((char *)to->array.data + at, data + (size_t)i * size, size);
    }
}

static void run_layouts(wn_kernel *k, const operands *o, const layout *l, placement where) {
    placed p[4];
    wn_array in[3];
    wn_error error = {WN_OK, ""};
    for (int i = 0; i < 3; i++) {
        p[i] = layout_place(o->arrays[i].type, o->arrays[i].rank, o->arrays[i].shape, l[i], where);
        put_values(&o->arrays[i], &p[i]);
        in[i] = p[i].array;
    }
    p[3] = layout_place(o->arrays[2].type, o->arrays[2].rank, o->arrays[2].shape, l[3], where);
    wn_array want = expected(&in[0], &in[1], &in[2]);
    compare_expect_ok(wn_call(k, in, 3, &p[3].array, 1, &error), &error);
    compare_expect_equal(&p[3].array, &want, layout_name(l[3]));
    layout_expect_gaps(&p[3], &p[3].array);
    free(want.data);
    for (int i = 0; i < 4; i++)
        layout_unplace(&p[i]);
}

static void arrays_of_every_layout(void **state) {
    compare_isas isas = compare_available(*state);
    static const int64_t shapes[][2] = {{1, 1}, {3, 5}, {65, 3}, {3, 700}, {130, 130}};
    for (size_t w = 0; w < WIDTHS; w++) {
        wn_graph *g = graph_of(*state, widths[w], 2, "expand(v, m, a)");
        for (size_t i = 0; i < isas.count; i++) {
            wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
            for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
                for (int l = 0; l < LAYOUT_COUNT * 4; l++) {
                    operands o = make_operands(widths[w], 2, shapes[s], 500, s);
                    layout v = l % 3 == 0   ? LAYOUT_CONTIGUOUS
                               : l % 3 == 1 ? LAYOUT_STEPPED
                                            : LAYOUT_REVERSED;
                    layout out = (layout)(l % LAYOUT_COUNT);
                    if (out == LAYOUT_REPEATED) out = LAYOUT_PADDED;
                    layout m = (layout)(l / 2 % LAYOUT_COUNT), a = (layout)(l / 3 % LAYOUT_COUNT);
                    if (m == LAYOUT_REPEATED) m = LAYOUT_CONTIGUOUS; /* v would not fit it */
                    run_layouts(k, &o, (const layout[]){v, m, a, out}, (placement)(l % PLACEMENT_COUNT));
                    drop_operands(&o);
                }
            wn_kernel_free(k);
        }
        wn_graph_free(g);
    }
}

/* ---- In place ---------------------------------------------------------------------------------------------------------- */

static void expand_in_place(wn_kernel *k, wn_type type, int64_t length, int density) {
    for (placement where = AT_END; where < PLACEMENT_COUNT; where++)
        for (layout l = LAYOUT_CONTIGUOUS; l <= LAYOUT_STEPPED; l++) {
            operands o = make_operands(type, 1, &length, density, (uint64_t)length);
            wn_array want = expected(&o.arrays[0], &o.arrays[1], &o.arrays[2]);
            placed a = layout_place(type, 1, &length, l, where);
            wn_error error = {WN_OK, ""};
            put_values(&o.arrays[2], &a);
            wn_array in[3] = {o.arrays[0], o.arrays[1], a.array}, out = a.array;
            compare_expect_ok(wn_call(k, in, 3, &out, 1, &error), &error);
            compare_expect_equal(&out, &want, "in place");
            layout_expect_gaps(&a, &out);
            layout_unplace(&a);
            free(want.data);
            drop_operands(&o);
        }
}

static void into_the_fill_itself(void **state) {
    compare_isas isas = compare_available(*state);
    for (size_t w = 0; w < WIDTHS; w++) {
        wn_graph *g = graph_of(*state, widths[w], 1, "expand(v, m, a)");
        for (size_t i = 0; i < isas.count; i++) {
            wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
            for (int64_t length = 1; length < 100000; length = 6 * length + 2)
                for (int density = 0; density <= 1000; density += 500)
                    expand_in_place(k, widths[w], length, density);
            wn_kernel_free(k);
        }
        wn_graph_free(g);
    }
}

/* a[a < 0] = v: the mask reads a too, each element before it is overwritten. */
static void into_an_array_that_the_mask_reads(void **state) {
    compare_isas isas = compare_available(*state);
    wn_graph *g = graph_of(*state, WN_I16, 1, "expand(v, (a < 0) & m | (a < 0), a)");
    for (size_t i = 0; i < isas.count; i++) {
        wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
        for (int64_t length = 1; length < 100000; length = 6 * length + 3) {
            operands o = make_operands(WN_I16, 1, &length, 0, (uint64_t)length);
            uint8_t *m = o.arrays[1].data;
            for (int64_t j = 0; j < length; j++)
                m[j] = ((int16_t *)o.arrays[2].data)[j] < 0;
            int64_t n_true = count_true(&o.arrays[1]);
            free(o.arrays[0].data);
            new_array(&o.arrays[0], WN_I16, 1, &n_true);
            for (int64_t j = 0; j < n_true; j++) /* an element that is read too late is not below 0 any more */
                values_store(WN_I16, o.arrays[0].data, j, (uint64_t)j & 0x7fff);
            wn_array want = expected(&o.arrays[0], &o.arrays[1], &o.arrays[2]), out = o.arrays[2];
            wn_error error = {WN_OK, ""};
            compare_expect_ok(wn_call(k, o.arrays, 3, &out, 1, &error), &error);
            compare_expect_equal(&out, &want, "in place");
            free(want.data);
            drop_operands(&o);
        }
        wn_kernel_free(k);
    }
    wn_graph_free(g);
}

/* Stages before it read the array too. */
static void into_an_array_that_was_read_before(void **state) {
    static const char *const texts[] = {"expand(v + a[m], m, a)",
                                        "expand(max(a, initial=3), m, a)"};
    compare_isas isas = compare_available(*state);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        wn_graph *g = graph_of(*state, WN_I64, 1, texts[t]);
        wn_kernel *oracle = compare_compile(g, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
        for (size_t i = 0; i < isas.count; i++) {
            wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
            for (int64_t length = 1; length < 100000; length = 6 * length + 3) {
                operands o = make_operands(WN_I64, 1, &length, 500, (uint64_t)length);
                wn_array want = {0}, out = o.arrays[2];
                wn_error error = {WN_OK, ""};
                compare_expect_ok(wn_call(oracle, o.arrays, 3, &want, 1, &error), &error);
                compare_expect_ok(wn_call(k, o.arrays, 3, &out, 1, &error), &error);
                compare_expect_equal(&out, &want, texts[t]);
                wn_array_free(*state, &want);
                drop_operands(&o);
            }
            wn_kernel_free(k);
        }
        wn_kernel_free(oracle);
        wn_graph_free(g);
    }
}

static void not_into_its_values(void **state) {
    uint8_t v[100] = {0}, m[100], a[100] = {0};
    wn_graph *g = graph_of(*state, WN_U8, 1, "expand(v, m, a)");
    wn_kernel *k = compare_compile(g, COMPARE_ENGINE, WN_ISA_NATIVE);
    memset(m, 1, sizeof m);
    wn_array in[3] = {wn_vector(WN_U8, v, 100), wn_vector(WN_BOOL, m, 100), wn_vector(WN_U8, a, 100)};
    wn_error error = {WN_OK, ""};
    assert_int_equal(wn_call(k, in, 3, &in[0], 1, &error), WN_ERROR_OVERLAP);
    assert_string_equal(error.message, "output y: overlaps input v, which is not used at the same "
                                       "element alone; give it memory of its own");
    wn_kernel_free(k);
    wn_graph_free(g);
}

/* ---- A v of another length --------------------------------------------------------------------------------------------- */

static void fail_with(wn_kernel *k, int64_t length, int density, int64_t more) {
    operands o = make_operands(WN_F32, 1, &length, density, (uint64_t)length);
    int64_t n_true = o.arrays[0].shape[0], own = n_true + more;
    if (own < 0 || own == 1) {
        drop_operands(&o);
        return;
    }
    char want[200];
    snprintf(want, sizeof want, "expand: v has %lld elements on axis 0 and the mask %lld true",
             (long long)own, (long long)n_true);
    for (placement where = AT_END; where < PLACEMENT_COUNT; where++) {
        guard v, y;
        wn_error error = {WN_OK, ""};
        guard_new(&v, (size_t)own * 4), guard_new(&y, (size_t)length * 4);
        wn_array in[3] = {wn_vector(WN_F32, guard_place(&v, where, (size_t)own * 4), own),
                          o.arrays[1], o.arrays[2]};
        wn_array out = wn_vector(WN_F32, guard_place(&y, where, (size_t)length * 4), length);
        assert_int_equal(wn_call(k, in, 3, &out, 1, &error), WN_ERROR_SHAPE);
        assert_string_equal(error.message, want);
        if (!guard_intact(&y)) fail_msg("length %d: something was written outside", (int)length);
        guard_free(&v), guard_free(&y);
    }
    drop_operands(&o);
}

static void values_that_are_too_few_or_too_many(void **state) {
    static const int64_t more[] = {-100000, -5000, -65, -64, -63, -2, -1, 1, 2, 63, 64, 65, 5000};
    compare_isas isas = compare_available(*state);
    wn_graph *g = graph_of(*state, WN_F32, 1, "expand(v, m, a)");
    for (size_t i = 0; i < isas.count; i++) {
        wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
        for (int64_t length = 1; length < 100000; length = 5 * length + 60)
            for (size_t j = 0; j < sizeof more / sizeof *more; j++)
                for (int density = 0; density <= 1000; density += 500)
                    fail_with(k, length, density, more[j]);
        wn_kernel_free(k);
    }
    wn_graph_free(g);
}

static void nothing_to_put_in(void **state) {
    float a[100], y[100];
    uint8_t m[100] = {0};
    compare_isas isas = compare_available(*state);
    wn_graph *g = graph_of(*state, WN_F32, 1, "expand(v, m, a)");
    for (int i = 0; i < 100; i++)
        a[i] = (float)i;
    for (size_t i = 0; i < isas.count; i++) {
        wn_kernel *k = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
        for (int64_t length = 0; length <= 100; length += 50) {
            wn_array in[3] = {wn_vector(WN_F32, NULL, 0), wn_vector(WN_BOOL, m, length),
                              wn_vector(WN_F32, a, length)};
            wn_array out = wn_vector(WN_F32, y, length);
            wn_error error = {WN_OK, ""};
            compare_expect_ok(wn_call(k, in, 3, &out, 1, &error), &error);
            assert_memory_equal(y, a, (size_t)length * sizeof *a);
        }
        wn_kernel_free(k);
    }
    wn_graph_free(g);
}

static void expect_shape_error(wn_context *c, const char *text, const wn_array *in, size_t count,
                               const char *message) {
    static const wn_engine engines[] = {COMPARE_ENGINE, WN_ENGINE_INTERPRETER};
    for (size_t i = 0; i < 2; i++) {
        wn_kernel *k = compare_compile_text(c, text, engines[i]);
        wn_array out = {0};
        wn_error error = {WN_OK, ""};
        assert_int_equal(wn_call(k, in, count, &out, 1, &error), WN_ERROR_SHAPE);
        assert_string_equal(error.message, message);
        wn_kernel_free(k);
    }
}

/* The same words from both engines. */
static void errors_say_both_lengths(void **state) {
    float x[5] = {1, -2, 3, 4, 5}, one[1] = {7};
    uint8_t m[5] = {1, 0, 1, 1, 0};
    static const char text[] =
        "input v: f32[?]; input m: bool[?]; input a: f32[?]; output y = expand(v, m, a);";
    wn_array in[] = {wn_vector(WN_F32, x, 2), wn_vector(WN_BOOL, m, 5), wn_vector(WN_F32, x, 5)};
    expect_shape_error(*state, text, in, 3, "expand: v has 2 elements on axis 0 and the mask 3 true");
    in[1].shape[0] = 4;
    expect_shape_error(*state, text, in, 3,
                       "expand: mask shape [4] does not match tensor shape [5] at axis 0");
    expect_shape_error(*state, "input m: bool[?]; input a: f32[?]; output y = expand(2, m, a);",
                       in + 1, 2, "expand: mask shape [4] does not match tensor shape [5] at axis 0");
    in[0] = wn_vector(WN_F32, one, 1);
    in[1].shape[0] = 5;
    expect_shape_error(
        *state,
        "input v: f32[?]; input m: bool[?]; input a: f32[?]; output y = expand(v[v > 0], m, a);", in,
        3, "expand: v has 1 element on axis 0 and the mask 3 true: a packed axis does not stretch");
}

static void a_row_must_be_as_long_as_the_fills(void **state) {
    float x[10] = {0};
    uint8_t m[5] = {1, 0, 1, 1, 0};
    static const char text[] =
        "input r: f32[?]; input m: bool[?]; input a: f32[?, ?]; output y = expand(r, m, a);";
    wn_array in[] = {wn_vector(WN_F32, x, 3), wn_vector(WN_BOOL, m, 5),
                     wn_array_of(WN_F32, x, 2, SHAPE(5, 2))};
    expect_shape_error(*state, text, in, 3,
                       "expand: v has shape [3], which does not broadcast to [?, 2]");
    in[2] = wn_array_of(WN_F32, x, 2, SHAPE(5, 1)); /* a does not stretch */
    expect_shape_error(*state, text, in, 3,
                       "expand: v has shape [3], which does not broadcast to [?, 1]");
    in[1].shape[0] = 4;
    expect_shape_error(*state, text, in, 3,
                       "expand: mask shape [4] does not match tensor shape [5, 1] at axis 0");
    in[0].shape[0] = 1;
    expect_shape_error(
        *state, "input r: f32[?]; input m: bool[?]; input a: f32[?, ?]; output y = expand(r[r == r], m, a);",
        (const wn_array[]){in[0], wn_vector(WN_BOOL, m, 5), wn_array_of(WN_F32, x, 2, SHAPE(5, 2))},
        3, "expand: v has shape [1], which does not broadcast to [?, 2]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_context, free_context)
#define TEST_ON_THREADS(name)                                                                      \
    { #name "_on_threads", name, make_context_of_threads, free_context, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_mask_of_16_lanes_from_just_enough),
        TEST(every_mask_of_16_lanes_in_one_array),
        TEST(every_density),
        TEST(every_short_length),
        TEST(lengths_around_blocks),
        TEST(every_type_keeps_its_bits),
        TEST(masks_fills_and_values_that_are_computed),
        TEST(everything_may_be_packed),
        TEST(scalars_and_masks_of_some_axes),
        TEST(one_element_stretches),
        TEST(arrays_of_every_layout),
        TEST(into_the_fill_itself),
        TEST(into_an_array_that_the_mask_reads),
        TEST(into_an_array_that_was_read_before),
        TEST(not_into_its_values),
        TEST(values_that_are_too_few_or_too_many),
        TEST(nothing_to_put_in),
        TEST(errors_say_both_lengths),
        TEST(a_row_must_be_as_long_as_the_fills),
        TEST_ON_THREADS(every_density),
        TEST_ON_THREADS(one_element_stretches),
        TEST_ON_THREADS(into_the_fill_itself),
        TEST_ON_THREADS(into_an_array_that_the_mask_reads),
        TEST_ON_THREADS(into_an_array_that_was_read_before),
        TEST_ON_THREADS(values_that_are_too_few_or_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
