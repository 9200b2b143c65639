/*
 * test_stream.c - arrays larger than the caches: outputs whose stores go past them, whatever the alignment of the arrays; reductions whose
 * lines are asked for ahead. The same bits.
 */
#include "compare.h"
#include "graph_fixture.h"

#include "run/move.h"
#include "run/packing.h"

#define LENGTH ((int64_t)9 * 1024 * 1024 + 37) /* 36 MiB of f32 */

typedef struct arrays {
    float *x;
    char *first, *second; /* room for LENGTH elements and an offset */
} arrays;

static arrays make_arrays(void) {
    size_t size = (size_t)LENGTH * sizeof(float) + 256;
    arrays a = {aligned_alloc(64, size & ~(size_t)63), aligned_alloc(64, size & ~(size_t)63),
                aligned_alloc(64, size & ~(size_t)63)};
    assert_true(a.x && a.first && a.second);
    for (int64_t i = 0; i < LENGTH; i++)
        a.x[i] = (float)(i * 7919 % 2000 - 1000);
    return a;
}

static void free_arrays(arrays a) {
    free(a.x);
    free(a.first);
    free(a.second);
}

/* So that what is written outside shows. */
static void fill_outputs(const arrays *a, size_t first, size_t second) {
    memset(a->first, 0xa5, first + (size_t)LENGTH * sizeof(float) + 16);
    memset(a->second, 0xa5, second + (size_t)LENGTH + 16);
}

static void check_before(const arrays *a, size_t first, size_t second) {
    for (size_t i = 0; i < first; i++)
        assert_int_equal((uint8_t)a->first[i], 0xa5);
    for (size_t i = 0; i < second; i++)
        assert_int_equal((uint8_t)a->second[i], 0xa5);
}

/* Where `first` and `second` begin, in bytes from an aligned address; the bytes before and after them must stay. */
static void check_offsets(wn_kernel *k, const arrays *a, size_t first, size_t second) {
    char *y = a->first + first;
    uint8_t *z = (uint8_t *)a->second + second;
    wn_array in = wn_vector(WN_F32, a->x, LENGTH);
    wn_array out[] = {wn_vector(WN_F32, y, LENGTH), wn_vector(WN_BOOL, z, LENGTH)};
    wn_error error = {WN_OK, ""};
    fill_outputs(a, first, second);
    if (wn_call(k, &in, 1, out, 2, &error) != WN_OK) fail_msg("%s", error.message);
    for (int64_t i = 0; i < LENGTH; i++) {
        float got, want = a->x[i] < 0 ? 0 : a->x[i];
        memcpy(&got, y + i * (int64_t)sizeof got, sizeof got);
        if (got != want || z[i] != (a->x[i] < 0))
            fail_msg("offsets %zu and %zu: element %lld", first, second, (long long)i);
    }
    check_before(a, first, second);
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal((uint8_t)a->first[first + (size_t)LENGTH * sizeof(float) + i], 0xa5);
        assert_int_equal(z[(size_t)LENGTH + i], 0xa5);
    }
}

static void compile_and_check(wn_isa isa, int32_t threads, bool amd, const char *text,
                              void (*check)(wn_kernel *k, void *user), void *user) {
    wn_context_options options = {.size = sizeof options, .threads = threads};
    wn_compile_options compile = {.size = sizeof compile, .isa = isa};
    wn_context *ctx = wn_context_new(&options);
    ctx->native.amd = ctx->native.halves = amd;
    wn_graph *g = wn_graph_new(ctx);
    wn_parse(g, text, strlen(text));
    wn_kernel *k = wn_compile(g, &compile);
    assert_non_null(k);
    check(k, user);
    wn_kernel_free(k);
    wn_graph_free(g);
    wn_context_free(ctx);
}

/* With every instruction set and number of threads, and as on each make of processor. */
static void for_each_way(const char *text, void (*check)(wn_kernel *k, void *user), void *user) {
    for (wn_isa isa = WN_ISA_NATIVE; isa <= WN_ISA_X86_64_V4; isa++)
        for (int way = 0; wn_isa_available(isa) && way < 4; way++)
            compile_and_check(isa, 1 + way % 2, way / 2, text, check, user);
}

static void check_alignments(wn_kernel *k, void *user) {
    /* aligned; both unaligned but aligned at the same element; never aligned together; never aligned */
    static const size_t offsets[][2] = {{0, 0}, {60, 63}, {4, 0}, {2, 1}};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
        check_offsets(k, user, offsets[i][0], offsets[i][1]);
}

static void large_outputs_are_right_at_any_alignment(void **state) {
    (void)state;
    arrays a = make_arrays();
    for_each_way("input x: f32[?]; output y = where(x < 0, 0, x); output z = x < 0;",
                 check_alignments, &a);
    free_arrays(a);
}

/* ---- Packing ----------------------------------------------------------------------------------------------------------- */

/* Stretches of which half, none, all, one in a thousand are negative. */
static void fill_stretches(float *x) {
    const int64_t stretch = LENGTH / 11;
    for (int64_t i = 0; i < LENGTH; i++) {
        bool negative[] = {i * 2654435761 % 1000003 % 2 == 0, false, true, i % 1000 == 0};
        x[i] = negative[i / stretch % 4] ? (float)(-1 - i % 1000) : (float)(i % 1000);
    }
}

/* x[x < 0] and (x < -500)[x < 0], which has room for exactly what there is, or for one less. */
static void check_packed(wn_kernel *k, const arrays *a, size_t first, size_t second, int64_t room,
                         int64_t count) {
    char *y = a->first + first;
    uint8_t *z = (uint8_t *)a->second + second;
    wn_array in = wn_vector(WN_F32, a->x, LENGTH);
    wn_array out[] = {wn_vector(WN_F32, y, LENGTH), wn_vector(WN_BOOL, z, room)};
    wn_error error = {WN_OK, ""};
    fill_outputs(a, first, second);
    wn_status status = wn_call(k, &in, 1, out, 2, &error);
    assert_int_equal(status, room < count ? WN_ERROR_ROOM : WN_OK);
    int64_t at = 0;
    for (int64_t i = 0; i < LENGTH && status == WN_OK; i++) {
        if (a->x[i] >= 0) continue;
        float got;
        memcpy(&got, y + at * (int64_t)sizeof got, sizeof got);
        if (got != a->x[i] || z[at] != (got < -500))
            fail_msg("offsets %zu and %zu: element %lld", first, second, (long long)i);
        at++;
    }
    check_before(a, first, second);
    for (int64_t i = room; i < LENGTH + 16; i++)
        if (z[i] != 0xa5) fail_msg("a byte %lld past the room was written", (long long)(i - room));
}

static void check_packed_alignments(wn_kernel *k, void *user) {
    static const size_t offsets[][2] = {{0, 0}, {60, 63}, {2, 1}};
    const arrays *a = user;
    int64_t count = 0;
    for (int64_t i = 0; i < LENGTH; i++)
        count += a->x[i] < 0;
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
        check_packed(k, a, offsets[i][0], offsets[i][1], count, count);
    check_packed(k, a, 4, 0, count - 1, count);
}

static void large_packed_outputs_are_right_at_any_alignment(void **state) {
    (void)state;
    arrays a = make_arrays();
    fill_stretches(a.x);
    for_each_way("input x: f32[?]; output y = x[x < 0]; output z = (x < -500)[x < 0];",
                 check_packed_alignments, &a);
    free_arrays(a);
}

/* A mask of bits that begins inside a byte; all is moved as it is, so that sparse stretches have a way of their own. */
static void check_bitmap(wn_kernel *k, void *user) {
    const arrays *a = user;
    uint8_t *bits = (uint8_t *)a->second;
    memset(bits, 0, (size_t)LENGTH / 8 + 2);
    for (int64_t i = 0; i < LENGTH; i++)
        bits[(i + 3) / 8] |= (uint8_t)((a->x[i] < 0) << (i + 3) % 8);
    wn_array in[] = {wn_vector(WN_F32, a->x, LENGTH), wn_bitmap(bits, 3, LENGTH)};
    wn_array out = wn_vector(WN_F32, a->first + 8, LENGTH);
    wn_error error = {WN_OK, ""};
    if (wn_call(k, in, 2, &out, 1, &error) != WN_OK) fail_msg("%s", error.message);
    const float *y = out.data;
    for (int64_t i = 0; i < LENGTH; i++)
        if (a->x[i] < 0 && *y++ != a->x[i]) fail_msg("element %lld", (long long)i);
    assert_int_equal(y - (const float *)out.data, out.shape[0]);
}

static void large_packed_outputs_of_bitmaps_are_right(void **state) {
    (void)state;
    arrays a = make_arrays();
    fill_stretches(a.x);
    for_each_way("input x: f32[?]; input m: bool[?]; output y = x[m];", check_bitmap, &a);
    free_arrays(a);
}

#define STEPPED ((int64_t)384 * 12000)
#define WORDS 1024

/* Of a mask of bools half are true, in no order; also where no power of two is a number of whole steps. */
static void check_columns(wn_kernel *k, void *user) {
    const arrays *a = user;
    uint8_t *m = (uint8_t *)a->second;
    float *y = (float *)(void *)a->first, *z = y + STEPPED;
    wn_array in[] = {wn_vector(WN_F32, a->x, STEPPED), wn_vector(WN_F32, a->x + STEPPED, STEPPED),
                     wn_vector(WN_BOOL, m, STEPPED)};
    wn_array out[] = {wn_vector(WN_F32, y, STEPPED), wn_vector(WN_F32, z, STEPPED)};
    wn_binding *b;
    wn_error error;
    for (int64_t i = 0; i < STEPPED; i++)
        m[i] = (uint8_t)(i * 2654435761 % 1000003 % 2);
    compare_expect_ok(wn_bind(k, in, 3, out, 2, &b, &error), &error);
    compare_expect_ok(wn_run(b, &error), &error);
    if (b->kernel->engine == WN_ENGINE_JIT && b->kernel->target.isa != WN_ISA_PORTABLE) {
        const bound_stage *stage = &b->stages[0];
        assert_int_equal(stage->step, k->target.amd ? 832 : 384);
        for (int32_t i = 0; i < stage->worker_count; i++)
            assert_int_equal(stage->workers[i].way, PACK_LOOKING); /* no word is alike: that costs nothing */
    }
    for (int64_t i = 0; i < STEPPED; i++)
        if (m[i] && (*y++ != a->x[i] || *z++ != a->x[STEPPED + i]))
            fail_msg("element %lld", (long long)i);
    wn_binding_free(b);
}

static void two_columns_under_a_mask_are_right(void **state) {
    (void)state;
    arrays a = make_arrays();
    for_each_way(
        "input x: f32[?]; input w: f32[?]; input m: bool[?]; output y = x[m]; output z = w[m];",
        check_columns, &a);
    free_arrays(a);
}

static pack_way way_after(const bound_stage *s, worker *w, int64_t found, int64_t alike) {
    wn_learn_way(s, w, found, alike, WORDS * KERNEL_WORD);
    return w->way;
}

/* How words are packed follows from how many of the last ones were all true or all false. */
static void words_are_looked_at_where_that_pays(void **state) {
    enum { N = WORDS * KERNEL_WORD };
    (void)state;
    static float x[N], y[N];
    static bool m[N];
    wn_context *c = compare_context(1);
    wn_kernel *k = compare_compile_text(c, "input x: f32[?]; input m: bool[?]; x[m]", COMPARE_ENGINE);
    if (k->engine != WN_ENGINE_JIT) {
        wn_kernel_free(k);
        wn_context_free(c);
        skip();
    }
    const wn_array in[] = {wn_vector(WN_F32, x, N), wn_vector(WN_BOOL, m, N)},
                   out = wn_vector(WN_F32, y, N);
    wn_binding *b;
    assert_int_equal(wn_bind(k, in, 2, &out, 1, &b, NULL), WN_OK);
    bound_stage *s = &b->stages[0];
    worker *w = &s->workers[0];
    assert_int_equal(w->way, PACK_LOOKING);
    assert_int_equal(way_after(s, w, N / 2, 0), PACK_LOOKING);                 /* none is alike */
    assert_int_equal(way_after(s, w, N / 2, WORDS - WORDS / 8), PACK_LOOKING); /* nearly all are */
    assert_int_equal(way_after(s, w, N / 2, WORDS / 2), PACK_WORDS);
    for (int call = 1; call < 16; call++)
        assert_int_equal(way_after(s, w, N / 2, 0), PACK_WORDS);
    assert_int_equal(way_after(s, w, N / 2, 0), PACK_LOOKING); /* once more */
    assert_int_equal(way_after(s, w, N / 100, WORDS / 2), PACK_MOVING);
    assert_int_equal(way_after(s, w, N / 100, WORDS - WORDS / 20), PACK_LOOKING); /* they lie together */
    s->grid.total = MOVE_NEAR; /* as if it came from memory */
    assert_int_equal(way_after(s, w, N / 100, WORDS - WORDS / 20), PACK_MOVING);
    assert_int_equal(way_after(s, w, N / 100, WORDS - WORDS / 64), PACK_LOOKING);
    wn_binding_free(b);
    wn_kernel_free(k);
    wn_context_free(c);
}

/* ---- Reductions ---------------------------------------------------------------------------------------------------------- */

#define REDUCED 5

static const char reductions[] =
    "input x: f32[?]; input y: f32[?]; input z: f32[?]; output a = sum(x * y, where=z < 10);"
    "output b = min(x + y); output c = argmin(z); output d = count(x < y); output e = mean(z);";

typedef struct reduced {
    uint64_t values[REDUCED];
} reduced;

static reduced reduce_all(wn_context *c, wn_engine engine, wn_isa isa, const arrays *a, int64_t length) {
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, reductions, strlen(reductions));
    wn_kernel *k = compare_compile(g, engine, isa);
    wn_array in[] = {wn_vector(WN_F32, a->x, length), wn_vector(WN_F32, a->first, length),
                     wn_vector(WN_F32, a->second, length)};
    static const wn_type types[REDUCED] = {WN_F32, WN_F32, WN_I64, WN_I64, WN_F32};
    reduced r;
    wn_array out[REDUCED];
    wn_binding *b;
    wn_error error;
    memset(&r, 0, sizeof r);
    for (size_t i = 0; i < REDUCED; i++)
        out[i] = wn_scalar(types[i], &r.values[i]);
    compare_expect_ok(wn_bind(k, in, 3, out, REDUCED, &b, &error), &error);
    compare_expect_ok(wn_run(b, &error), &error);
    if (engine == WN_ENGINE_JIT && isa != WN_ISA_PORTABLE) assert_non_null(b->stages[0].stream);
    wn_binding_free(b);
    wn_kernel_free(k);
    wn_graph_free(g);
    return r;
}

static void large_reductions_are_the_same(void **state) {
    (void)state;
    arrays a = make_arrays();
    float *y = (float *)(void *)a.first, *z = (float *)(void *)a.second;
    for (int64_t i = 0; i < LENGTH; i++) {
        y[i] = (float)(i * 104729 % 4001 - 2000) / 7;
        z[i] = (float)(i * 15485863 % 10007 - 17) / 3;
    }
    for (int32_t threads = 1; threads <= 2; threads++) {
        wn_context *c = compare_context(threads);
        for (int64_t length = LENGTH - 37; length <= LENGTH; length += 37) {
            reduced want = reduce_all(c, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE, &a, length);
            compare_isas isas = compare_available(c);
            for (size_t i = 0; i < isas.count; i++) {
                reduced got = reduce_all(c, WN_ENGINE_JIT, isas.list[i], &a, length);
                assert_memory_equal(&got, &want, sizeof want);
            }
        }
        wn_context_free(c);
    }
    free_arrays(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_outputs_are_right_at_any_alignment),
        cmocka_unit_test(large_packed_outputs_are_right_at_any_alignment),
        cmocka_unit_test(large_packed_outputs_of_bitmaps_are_right),
        cmocka_unit_test(two_columns_under_a_mask_are_right),
        cmocka_unit_test(words_are_looked_at_where_that_pays),
        cmocka_unit_test(large_reductions_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
