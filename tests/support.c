/*
 * support.c - see support.h.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- Contexts ---------------------------------------------------------------------------------------------------- */

wn_context *support_context(int32_t threads) {
    wn_context_options options = {.size = sizeof options, .threads = threads};
#ifdef WN_TEST_LLVM_PATH
    options.llvm_library = WN_TEST_LLVM_PATH;
#endif
    wn_context *c = wn_context_new(&options);
    assert_non_null(c);
    return c;
}

wn_kernel *support_compile(wn_context *c, const char *text, wn_engine engine) {
    wn_graph *g = wn_graph_new(c);
    wn_compile_options options = {.size = sizeof options, .engine = engine};
    assert_non_null(g);
    wn_parse(g, text, strlen(text));
    wn_kernel *k = wn_compile(g, &options);
    if (!k) fail_msg("%s: %s", text, wn_graph_error(g));
    wn_graph_free(g);
    return k;
}

void support_expect_ok(wn_status status, const wn_error *error) {
    if (status != WN_OK) fail_msg("%s: %s", wn_status_name(status), error->message);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

guarded support_guard_new(size_t size, guard_side side) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t inside = (size + page - 1) / page * page;
    guarded g = {.mapped = inside + 2 * page};
    g.mapping = mmap(NULL, g.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.mapping != MAP_FAILED);
    assert_int_equal(mprotect(g.mapping, page, PROT_NONE), 0);
    assert_int_equal(mprotect(g.mapping + page + inside, page, PROT_NONE), 0);
    g.data = g.mapping + page + (side == GUARD_BEHIND ? inside - size : 0);
    return g;
}

void support_guard_free(guarded *g) {
    if (g->mapping) munmap(g->mapping, g->mapped);
    *g = (guarded){0};
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */

#define UNTOUCHED 0xA5

const char *support_layout_name(layout l) {
    static const char *const names[] = {"contiguous", "reversed",   "stepped",
                                        "padded",     "transposed", "repeated"};
    return names[l];
}

/* Strides of a layout in axes as they lie in memory, slowest first; returns the bytes. */
static size_t lay_axes(wn_array *a, layout l) {
    int64_t bytes = (int64_t)wn_type_size(a->type);
    for (int32_t i = 0; i < a->rank; i++) {
        int32_t axis = l == LAYOUT_TRANSPOSED ? i : a->rank - 1 - i;
        a->strides[axis] = bytes * (l == LAYOUT_STEPPED && i == 0 ? 2 : 1);
        if (l == LAYOUT_REPEATED && axis == 0)
            a->strides[axis] = 0;
        else
            bytes = a->strides[axis] * a->shape[axis];
        if (l == LAYOUT_PADDED && i == 0) bytes += 8;
    }
    return (size_t)bytes;
}

placed support_place(wn_type type, int32_t rank, const int64_t *shape, layout l, guard_side side) {
    placed p = {.array = wn_array_of(type, NULL, rank, shape)};
    p.size = lay_axes(&p.array, l);
    p.memory = support_guard_new(p.size, side);
    memset(p.memory.data, UNTOUCHED, p.size);
    p.array.data = p.memory.data;
    for (int32_t i = 0; l == LAYOUT_REVERSED && i < rank; i++) {
        if (shape[i] == 0) continue;
        p.array.data = (char *)p.array.data + (shape[i] - 1) * p.array.strides[i];
        p.array.strides[i] = -p.array.strides[i];
    }
    return p;
}

void support_unplace(placed *p) {
    support_guard_free(&p->memory);
}

int64_t support_elements(const wn_array *a) {
    int64_t count = 1;
    for (int32_t i = 0; i < a->rank; i++)
        count *= a->shape[i];
    return count;
}

char *support_element(const wn_array *a, int64_t number) {
    char *at = a->data;
    for (int32_t i = a->rank; i-- > 0; number /= a->shape[i])
        at += number % a->shape[i] * a->strides[i];
    return at;
}

uint64_t support_random(uint64_t *seed) {
    *seed += 0x9e3779b97f4a7c15u;
    uint64_t x = *seed;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void fill_element(char *to, wn_type type, uint64_t random) {
    static const double special[] = {-0.0, 1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0};
    static const uint16_t halves[] = {0x8000, 0x7c00, 0xfc00, 0x7e00,
                                      0x3c00, 0xbc00, 0x0001, 0x4200};
    bool odd = random % 16 == 0;
    double wide = odd ? special[random >> 8 & 3] : (double)(random >> 32 & 15) - 7;
    float narrow = (float)wide;
    uint64_t bits = (random >> 32 & 15) - 7;
    switch (type) {
    case WN_BOOL:
        *to = (char)(random & 1 ? random >> 8 & 1 ? (int)(random >> 16 & 255) : 1 : 0);
        break;
    case WN_F16:
    case WN_BF16: memcpy(to, &halves[random >> 8 & 7], 2); break;
    case WN_F32: memcpy(to, &narrow, 4); break;
    case WN_F64: memcpy(to, &wide, 8); break;
    default: memcpy(to, &bits, wn_type_size(type)); break; /* little-endian: the low bytes */
    }
}

void support_fill(const wn_array *a, uint64_t *seed) {
    for (int64_t i = 0; i < support_elements(a); i++)
        fill_element(support_element(a, i), a->type, support_random(seed));
}

static bool is_nan(wn_type type, const char *element) {
    float narrow = 0;
    double wide = 0;
    uint16_t half = 0;
    if (type == WN_F32) memcpy(&narrow, element, 4);
    if (type == WN_F64) memcpy(&wide, element, 8);
    if (type == WN_F16 || type == WN_BF16) memcpy(&half, element, 2);
    half &= 0x7fff;
    return narrow != narrow || wide != wide || half > (type == WN_F16 ? 0x7c00 : 0x7f80);
}

static uint64_t element_bits(const wn_array *a, int64_t i) {
    uint64_t bits = 0;
    memcpy(&bits, support_element(a, i), wn_type_size(a->type));
    return bits;
}

void support_expect_equal(const wn_array *actual, const wn_array *expected, const char *text) {
    assert_int_equal(actual->type, expected->type);
    assert_int_equal(actual->rank, expected->rank);
    for (int32_t i = 0; i < actual->rank; i++)
        if (actual->shape[i] != expected->shape[i])
            fail_msg("%s: axis %d has %lld, not %lld", text, i, (long long)actual->shape[i],
                     (long long)expected->shape[i]);
    for (int64_t i = 0; i < support_elements(expected); i++) {
        uint64_t a = element_bits(actual, i), e = element_bits(expected, i);
        bool nans = is_nan(actual->type, (const char *)&a) && is_nan(actual->type, (const char *)&e);
        if (a != e && !nans)
            fail_msg("%s: element %lld of %lld is %#llx, not %#llx", text, (long long)i,
                     (long long)support_elements(expected), (unsigned long long)a,
                     (unsigned long long)e);
    }
}

void support_expect_gaps(const placed *p, const wn_array *a) {
    size_t size = wn_type_size(a->type);
    char *expected = malloc(p->size + 1);
    assert_non_null(expected);
    memset(expected, UNTOUCHED, p->size);
    for (int64_t i = 0; i < support_elements(a); i++) {
        const char *element = support_element(a, i);
        memcpy(expected + (element - p->memory.data), element, size);
    }
    for (size_t i = 0; i < p->size; i++)
        if (expected[i] != p->memory.data[i])
            fail_msg("byte %zu, which is in no element, was written", i);
    free(expected);
}
