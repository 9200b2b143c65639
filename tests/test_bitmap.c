/*
 * test_bitmap.c - packed masks: whatever takes or gives bools takes and gives bits, at any bit, in any layout, by every engine.
 *
 * Each expression is run with its bools as bytes by the interpreter; then every one of its bools, some of them, or none is a bitmap.
 * Areas are filled with a pattern and lie against unreadable pages: a bit that is no element must be as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 6
#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})

typedef enum lie { CONTIGUOUS, REVERSED, STEPPED, PADDED, TRANSPOSED, LIES } lie;

/* How the arrays of a run lie. */
typedef struct how {
    lie lie;
    int bit;         /* of every bitmap's lowest bit, in its area                   */
    unsigned packed; /* bit i: array i, inputs first, is a bitmap if it is of bools */
    placement where;
    bool in_place; /* the first output is the first input */
    bool allocate; /* what is no bitmap is made by the context */
} how;

typedef struct trial {
    wn_context *context;
    const char *text;
    wn_kernel *kernels[COMPARE_ISAS + 1]; /* the interpreter's first */
    size_t kernel_count;
    wn_array in[MOST], want[MOST]; /* bytes */
    size_t in_count, out_count;
    guard areas[2 * MOST];
    wn_array placed[2 * MOST];
    uint64_t random;
} trial;

/* ---- Bits, one by one --------------------------------------------------------------------------------------------- */

/* Where element `number` lies: the bit of a bitmap, else the byte. */
static int64_t place_of(const wn_array *a, int64_t number) {
    int64_t at = a->type == WN_BITMAP ? a->bit : 0;
    for (int i = a->rank; i-- > 0; number /= a->shape[i])
        at += number % a->shape[i] * a->strides[i];
    return at;
}

static void write_bit(void *data, int64_t bit, bool value) {
    uint8_t *byte = (uint8_t *)data + (bit >> 3);
    *byte = (uint8_t)((*byte & ~(1 << (bit & 7))) | value << (bit & 7));
}

/* A bitmap in an area of its own; the bits around it are GUARD_BYTE's. */
static wn_array place_bitmap(guard *area, const wn_array *like, const how *h) {
    wn_array a = {.type = WN_BITMAP, .rank = like->rank, .bit = h->bit};
    int64_t span = 1;
    memcpy(a.shape, like->shape, sizeof a.shape);
    for (int i = 0; i < a.rank; i++) {
        int axis = h->lie == TRANSPOSED ? i : a.rank - 1 - i;
        a.strides[axis] = span * (h->lie == STEPPED && i == 0 ? 3 : 1);
        span = a.strides[axis] * a.shape[axis] + (h->lie == PADDED && i == 0 ? 5 : 0);
    }
    size_t bytes = (size_t)(h->bit + span + 7) / 8;
    a.data = guard_place(area, h->where, bytes);
    for (int i = 0; h->lie == REVERSED && i < a.rank; i++) {
        a.bit += (a.shape[i] - 1) * a.strides[i];
        a.strides[i] = -a.strides[i];
    }
    return a;
}

/* The area of a bitmap as it should be: the pattern, and these elements. */
static bool area_is(const guard *area, const wn_array *a, const uint8_t *elements) {
    size_t size = area->size;
    char *expected = malloc(size + 1);
    memset(expected, GUARD_BYTE, size);
    for (int64_t i = 0; i < compare_count(a); i++)
        write_bit(expected + ((char *)a->data - area->data), place_of(a, i), elements[i] != 0);
    bool same = memcmp(expected, area->data, size) == 0;
    free(expected);
    return same && guard_intact(area);
}

/* ---- A run -------------------------------------------------------------------------------------------------------- */

static wn_array place_input(trial *t, size_t i, const how *h) {
    const wn_array *from = &t->in[i];
    int64_t count = compare_count(from);
    if (from->type != WN_BOOL || !(h->packed >> i & 1)) return *from;
    wn_array a = place_bitmap(&t->areas[i], from, h);
    for (int64_t j = 0; j < count; j++)
        write_bit(a.data, place_of(&a, j), ((uint8_t *)from->data)[j] != 0);
    return a;
}

static wn_array place_output(trial *t, size_t i, const how *h) {
    const wn_array *like = &t->want[i];
    guard *area = &t->areas[t->in_count + i];
    bool bitmap = like->type == WN_BOOL && h->packed >> (t->in_count + i) & 1;
    if (bitmap && h->in_place && i == 0) return t->placed[0];
    if (bitmap) return place_bitmap(area, like, h);
    if (h->allocate) return (wn_array){0};
    size_t bytes = (size_t)compare_count(like) * wn_type_size(like->type);
    return wn_array_of(like->type, guard_place(area, h->where, bytes), like->rank, like->shape);
}

static void fail_run(const trial *t, size_t kernel, const how *h, const char *what) {
    const wn_kernel *k = t->kernels[kernel];
    fail_msg("%s\n%s by %s: layout %d, bit %d, packed 0x%x, placement %d%s%s, %lld elements of the "
             "first",
             t->text, what, kernel ? wn_isa_name(wn_kernel_isa(k)) : "the interpreter", h->lie,
             h->bit, h->packed, h->where, h->in_place ? ", in place" : "",
             h->allocate ? ", allocated" : "", (long long)compare_count(&t->in[0]));
}

static void check_output(const trial *t, size_t kernel, const how *h, size_t i, const wn_array *got) {
    const wn_array *want = &t->want[i];
    char text[2000];
    if (memcmp(got->shape, want->shape, sizeof *got->shape * (size_t)want->rank) != 0)
        fail_run(t, kernel, h, "a wrong shape");
    if (got->type != WN_BITMAP) {
        if (!compare_arrays(got, want, false, text, sizeof text)) fail_run(t, kernel, h, text);
        return;
    }
    bool in_place = h->in_place && i == 0;
    if (!area_is(&t->areas[in_place ? 0 : t->in_count + i], got, want->data))
        fail_run(t, kernel, h, "wrong bits, or wrong neighbours");
}

static void run_once(trial *t, size_t kernel, const how *h) {
    wn_error error = {WN_OK, ""};
    wn_array *out = t->placed + t->in_count;
    for (size_t i = 0; i < t->in_count; i++)
        t->placed[i] = place_input(t, i, h);
    for (size_t i = 0; i < t->out_count; i++)
        out[i] = place_output(t, i, h);
    if (wn_call(t->kernels[kernel], t->placed, t->in_count, out, t->out_count, &error) != WN_OK)
        fail_run(t, kernel, h, error.message);
    for (size_t i = h->in_place ? 1 : 0; i < t->in_count; i++)
        if (t->placed[i].type == WN_BITMAP && !area_is(&t->areas[i], &t->placed[i], t->in[i].data))
            fail_run(t, kernel, h, "an input was written");
    for (size_t i = 0; i < t->out_count; i++) {
        check_output(t, kernel, h, i, &out[i]);
        bool given = out[i].type == WN_BITMAP || !h->allocate;
        if (!given) wn_array_free(t->context, &out[i]);
    }
}

/* ---- A trial: an expression by all engines ------------------------------------------------------------------------- */

static trial new_trial(wn_context *c, const char *text, size_t out_count) {
    trial t = {.context = c, .text = text, .out_count = out_count, .random = 1};
    compare_isas isas = compare_available(c);
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    t.kernels[t.kernel_count++] = compare_compile(g, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    for (size_t i = 0; i < isas.count; i++)
        t.kernels[t.kernel_count++] = compare_compile(g, WN_ENGINE_JIT, isas.list[i]);
    wn_graph_free(g);
    for (size_t i = 0; i < 2 * MOST; i++)
        guard_new(&t.areas[i], 1 << 17);
    guard_describe(text);
    return t;
}

static void end_trial(trial *t) {
    for (size_t i = 0; i < t->kernel_count; i++)
        wn_kernel_free(t->kernels[i]);
    for (size_t i = 0; i < 2 * MOST; i++)
        guard_free(&t->areas[i]);
    guard_describe(NULL);
}

static void add_input(trial *t, wn_type type, int32_t rank, const int64_t *shape) {
    wn_array *a = &t->in[t->in_count++];
    *a = wn_array_of(type, NULL, rank, shape);
    a->data = malloc((size_t)compare_count(a) * wn_type_size(type) + 1);
    values_fill(type, a->data, compare_count(a), &t->random);
    if (type != WN_BOOL) return;
    for (int64_t i = 0; i < compare_count(a); i++)
        ((uint8_t *)a->data)[i] = values_random(&t->random) >> 40 & 1;
}

/* What the interpreter makes of bytes. */
static void find_results(trial *t) {
    wn_error error = {WN_OK, ""};
    memset(t->want, 0, sizeof t->want);
    compare_expect_ok(wn_call(t->kernels[0], t->in, t->in_count, t->want, t->out_count, &error), &error);
}

static void drop_arrays(trial *t) {
    for (size_t i = 0; i < t->in_count; i++)
        free(t->in[i].data);
    for (size_t i = 0; i < t->out_count; i++)
        wn_array_free(t->context, &t->want[i]);
    t->in_count = 0;
}

static void run_all(trial *t, const how *h) {
    for (size_t k = 0; k < t->kernel_count; k++)
        run_once(t, k, h);
}

static const unsigned patterns[] = {~0u, 0x55555555, 0xaaaaaaaa};

/* ---- Vectors ------------------------------------------------------------------------------------------------------- */

typedef struct expression {
    const char *text; /* of m, k: bool, and x: f32 */
    size_t outputs;
} expression;

#define VECTORS "input m: bool[?]; input k: bool[?]; input x: f32[?]; "
static const expression of_vectors[] = {
    {VECTORS "output y = where(m, x, 0);", 1},
    {VECTORS "output y = x[m];", 1},
    {VECTORS "output y = x[m & !k]; output z = m[m & !k];", 2},
    {VECTORS "output y = x[m][k[m]]; output n = count(m);", 2},
    {VECTORS "output y = where(m ^ k); output a = any(m); output b = all(k | m);", 3},
    {VECTORS
     "output y = count(m, where=k); output s = sum(x, where=m); output b = max(m, initial=false);",
     3},
    {VECTORS "output y = m & k | !(x < 0); output z = k; output w = where(k, x, x * 2);", 3},
    {VECTORS "output y = m ^ k;", 1},
    {VECTORS
     "output y = u8(m) + u8(k); output z = u16(m); output w = f64(k); output v = u64(x < 1);",
     4},
    {VECTORS "output y = where(m, f64(x), 1.0); output z = f64(x) > 0;", 2},
    {VECTORS "output y = expand(k, m | !m, m); output z = expand(k, m | !m, false);", 2},
    {VECTORS "output y = expand(x[m], m, 0); output z = expand(k[m], m, true);", 2},
    {VECTORS "output y = expand(x[k], k, x); output z = expand(m[k], k, m); output w = k;", 3},
    {VECTORS "output y = putmask(m, k, k); output z = compress(m, x, axis=0);", 2},
    {VECTORS "output y = compress(k, m, axis=0); output z = place(k, m & !m, m);", 2},
    {VECTORS "output y = x > sum(x, where=m); output z = mean(x[k]) + x[m]; ", 2},
    {VECTORS
     "output y = mean(m, where=k); output z = sum(i8(m)[k]); output w = mean(x > 0, where=m);",
     3},
    {VECTORS "output y = x[m] > 0; output z = m[k] ^ k[k];", 2},
};
#define EXPRESSIONS (sizeof of_vectors / sizeof *of_vectors)

static void add_vectors(trial *t, int64_t length) {
    add_input(t, WN_BOOL, 1, SHAPE(length));
    add_input(t, WN_BOOL, 1, SHAPE(length));
    add_input(t, WN_F32, 1, SHAPE(length));
    find_results(t);
}

static void each_expression(wn_context *c, void (*show)(trial *t)) {
    for (size_t i = 0; i < EXPRESSIONS; i++) {
        trial t = new_trial(c, of_vectors[i].text, of_vectors[i].outputs);
        show(&t);
        end_trial(&t);
    }
}

/* Each length meets each bit once in 17 of the runs of that length, or of its neighbours. */
static void show_lengths(trial *t) {
    for (int64_t length = 0; length <= 200; length++) {
        add_vectors(t, length);
        for (int i = 0; i < (COMPARE_SAMPLED ? 1 : 4); i++) {
            how h = {.bit = (int)((length * 3 + i * 5) % 17),
                     .packed = patterns[i % 3],
                     .where = (placement)((length + i) % PLACEMENT_COUNT),
                     .allocate = i & 1};
            run_all(t, &h);
        }
        drop_arrays(t);
    }
}

static void every_length(void **state) {
    each_expression(*state, show_lengths);
}

static void show_bits(trial *t) {
    static const int64_t lengths[] = {1, 63, 64, 77, 130, 700};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        add_vectors(t, lengths[i]);
        for (int bit = 0; bit <= 16; bit++)
            for (size_t p = 0; p < 3; p++) {
                how h = {.bit = bit,
                         .packed = patterns[p],
                         .where = (placement)((size_t)bit % PLACEMENT_COUNT)};
                run_all(t, &h);
            }
        drop_arrays(t);
    }
}

static void every_bit(void **state) {
    each_expression(*state, show_bits);
}

/* Around the ends of blocks and leaves. */
static void show_blocks(trial *t) {
    static const int64_t lengths[] = {1024, 2047, 2049, 4096, 4097, 8191, 12300};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        add_vectors(t, lengths[i]);
        for (lie l = CONTIGUOUS; l <= STEPPED; l++)
            for (size_t p = 0; p < 3; p++) {
                how h = {
                    .lie = l, .bit = (int)(i * 3 + p) % 11, .packed = patterns[p], .allocate = p == 2};
                run_all(t, &h);
            }
        drop_arrays(t);
    }
}

static void around_blocks(void **state) {
    each_expression(*state, show_blocks);
}

/* ---- More axes ----------------------------------------------------------------------------------------------------- */

#define TABLES                                                                                     \
    "input m: bool[?, ?]; input r: bool[?]; input c: bool[?]; input s: bool; input x: i16[?, ?]; "
static const expression of_tables[] = {
    {TABLES "output y = where(m, x, 3); output z = m & c; output w = where(s, x, 0);", 3},
    {TABLES "output y = x[m]; output z = m[m]; output w = x[m & s];", 3},
    {TABLES "output y = x[r]; output z = m[r]; output w = m[:, c];", 3},
    {TABLES "output y = any(m, axis=0); output z = all(m, axis=1); output w = any(m, axis=1, "
            "where=c, keepdims=true);",
     3},
    {TABLES "output y = sum(x, axis=0, where=m); output z = count(m, axis=1); output w = argmax(m, "
            "axis=1);",
     3},
    {TABLES
     "output y = expand(x[r], r, 0); output z = expand(m[:, c], c, false, axis=1); output w = s;",
     3},
    {TABLES "output y = where(m); output z = expand(s, m, m); output w = !s;", 3},
    {TABLES
     "output y = compress(c, m, axis=1); output z = compress(r, x, axis=0); output w = m ^ s;",
     3},
};
#define OF_TABLES (sizeof of_tables / sizeof *of_tables)

static void add_tables(trial *t, int64_t rows, int64_t columns) {
    add_input(t, WN_BOOL, 2, SHAPE(rows, columns));
    add_input(t, WN_BOOL, 1, SHAPE(rows));
    add_input(t, WN_BOOL, 1, SHAPE(columns));
    add_input(t, WN_BOOL, 0, NULL);
    add_input(t, WN_I16, 2, SHAPE(rows, columns));
    find_results(t);
}

static void every_layout(void **state) {
    static const int64_t shapes[][2] = {{0, 3},  {3, 1},    {1, 9},   {5, 7},
                                        {3, 64}, {13, 300}, {70, 70}, {300, 2}};
    for (size_t e = 0; e < OF_TABLES; e++) {
        trial t = new_trial(*state, of_tables[e].text, of_tables[e].outputs);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            add_tables(&t, shapes[i][0], shapes[i][1]);
            for (lie l = CONTIGUOUS; l < LIES; l++)
                for (size_t p = 0; p < 3; p++) {
                    how h = {.lie = l,
                             .bit = (int)(i * 5 + p) % 17,
                             .packed = patterns[p],
                             .allocate = p == 1};
                    run_all(&t, &h);
                }
            drop_arrays(&t);
        }
        end_trial(&t);
    }
}

/* ---- In place ------------------------------------------------------------------------------------------------------ */

static void in_place(void **state) {
    static const expression all[] = {
        {VECTORS "output y = m ^ k;", 1},
        {VECTORS "output y = !m; output z = u8(m);", 2},
        {VECTORS "output y = expand(x[k] > 0, k, m);", 1},
        {VECTORS "output y = putmask(m, k, k);", 1},
    };
    for (size_t e = 0; e < sizeof all / sizeof *all; e++) {
        trial t = new_trial(*state, all[e].text, all[e].outputs);
        for (int64_t length = 1; length < 9000; length = length * 2 + 3)
            for (int bit = 0; bit < 9; bit++)
                for (lie l = CONTIGUOUS; l <= STEPPED; l++) {
                    how h = {.lie = l, .bit = bit, .packed = ~0u, .in_place = true};
                    add_vectors(&t, length);
                    run_all(&t, &h);
                    drop_arrays(&t);
                }
        end_trial(&t);
    }
}

/* A mask packed by another, onto its own bits: what lies behind the packed ones is anything. */
static void a_mask_is_packed_onto_itself(void **state) {
    trial t = new_trial(*state, VECTORS "output y = m[k];", 1);
    for (int64_t length = 1; length < 9000; length = length * 2 + 3)
        for (size_t k = 0; k < t.kernel_count; k++) {
            how h = {.lie = (lie)(length % LIES), .bit = (int)(length % 9), .packed = ~0u};
            wn_error error;
            if (k == 0) continue; /* the interpreter knows no aliases */
            add_vectors(&t, length);
            for (size_t i = 0; i < t.in_count; i++)
                t.placed[i] = place_input(&t, i, &h);
            wn_array out = t.placed[0];
            compare_expect_ok(wn_call(t.kernels[k], t.placed, t.in_count, &out, 1, &error), &error);
            assert_int_equal(out.shape[0], t.want[0].shape[0]);
            for (int64_t i = 0; i < out.shape[0]; i++) {
                int64_t at = place_of(&out, i);
                int got = ((uint8_t *)out.data)[at >> 3] >> (at & 7) & 1;
                if (got != ((uint8_t *)t.want[0].data)[i]) fail_run(&t, k, &h, "a wrong bit");
            }
            assert_true(guard_intact(&t.areas[0]));
            drop_arrays(&t);
        }
    end_trial(&t);
}

/* So many values that vectors have a few lanes only. */
static void long_programs(void **state) {
    char text[4000] = VECTORS "output y = where(m, f64(x)";
    for (int i = 2; i < 80; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), " %c %d", i % 2 ? '+' : '-', i);
    strcat(text, ", 0); output z = f64(x) < 1 & k;");
    trial t = new_trial(*state, text, 2);
    for (int64_t length = 1; length < 300; length += 37) {
        how h = {.bit = (int)(length % 9), .packed = ~0u};
        add_vectors(&t, length);
        run_all(&t, &h);
        drop_arrays(&t);
    }
    end_trial(&t);
}

static int make_context(void **state) {
    *state = compare_context(1);
    return *state == NULL;
}

static int free_context(void **state) {
    wn_context_free(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length),
        cmocka_unit_test(every_bit),
        cmocka_unit_test(around_blocks),
        cmocka_unit_test(every_layout),
        cmocka_unit_test(in_place),
        cmocka_unit_test(long_programs),
        cmocka_unit_test(a_mask_is_packed_onto_itself),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
