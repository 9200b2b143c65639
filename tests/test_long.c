/*
 * test_long.c - more than 2^32 elements and bytes: nothing is counted in 32 bits.
 *
 * Arrays lie in memory that is reserved but mostly never written, and costs nothing: it reads as zeroes. What is at its far end must be
 * found there. Results are short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "jit/kernel.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LENGTH (((int64_t)1 << 32) + 1000) /* bytes */
#define LAST (LENGTH - 3)

/* The interpreter would make arrays of all the values between. */
static uint8_t *reserve(wn_context *c) {
    if (compare_available(c).count == 0) skip();
    void *p = mmap(NULL, (size_t)LENGTH, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) skip(); /* no address space for it */
    return p;
}

/* A result of the context's, of one call on one array. */
static wn_array evaluate(wn_context *c, const char *text, wn_array x) {
    static const char *const names[] = {"x"};
    wn_array result = {0};
    wn_error error = {WN_OK, ""};
    if (wn_eval(c, text, names, &x, 1, &result, 1, &error) != WN_OK)
        fail_msg("%s: %s", text, error.message);
    return result;
}

/* The first integer of a result, of however many bytes, and how long the result is. */
static void expect(wn_context *c, const char *text, wn_array x, int64_t length, int64_t first) {
    wn_array y = evaluate(c, text, x);
    int64_t value = 0;
    if (y.rank) assert_int_equal(y.shape[0], length);
    memcpy(&value, y.data, wn_type_size(y.type));
    if (value != first)
        fail_msg("%s: %lld, expected %lld", text, (long long)value, (long long)first);
    wn_array_free(c, &y);
}

static void more_than_2_to_32_elements(void **state) {
    wn_context *c = *state;
    uint8_t *memory = reserve(c);
    memory[5] = 3;
    memory[LAST] = 7;
    wn_array x = wn_vector(WN_U8, memory, LENGTH);
    expect(c, "count(x == 0)", x, 0, LENGTH - 2);
    expect(c, "sum(x)", x, 0, 10);
    expect(c, "max(x)", x, 0, 7);
    expect(c, "argmax(x)", x, 0, LAST);
    expect(c, "x[x > 6]", x, 1, 7);
    expect(c, "nonzero(x > 6)", x, 1, LAST);
    munmap(memory, (size_t)LENGTH);
}

/* Elements far apart and backwards, and rows. */
static void lengths_and_strides(void **state) {
    wn_context *c = *state;
    uint8_t *memory = reserve(c);
    const int64_t far = LAST / 2, rows = LENGTH / 1000;
    memory[LAST - 2 * far] = 1;
    memory[LAST] = 7;
    wn_array x = wn_vector(WN_U8, memory + LAST, 3);
    x.strides[0] = -far;
    expect(c, "x[x > 0]", x, 2, 7);
    expect(c, "argmin(x)", x, 0, 1);
    memory[rows * 1000 - 5] = 2;
    wn_array table = wn_array_of(WN_U8, memory, 2, (const int64_t[]){rows, 1000});
    expect(c, "count(x)", table, 0, 2);
    expect(c, "argmax(sum(x, axis=1))", table, 0, rows - 1);
    expect(c, "argmax(sum(x, axis=0))", table, 0, 995);
    munmap(memory, (size_t)LENGTH);
}

static int set_up(void **state) {
    *state = compare_context(0);
    return *state == NULL;
}

static int tear_down(void **state) {
    wn_context_free(*state);
    return 0;
}

/* ---- Sums of narrow integers ---------------------------------------------------------------------------------------------- */

/* As many as a call of reduce takes, and more, which are not whole words. */
#define SUMMED (2 * KERNEL_WIDENED_MOST + 77)

static void expect_sum(wn_context *c, wn_isa isa, const char *format, wn_array x, int64_t sum) {
    char text[100];
    snprintf(text, sizeof text, format, wn_type_name(x.type));
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, text, strlen(text));
    wn_kernel *k = compare_compile(g, COMPARE_ENGINE, isa);
    int64_t result = 0;
    wn_array to = wn_array_of(wn_kernel_output_type(k, 0), &result, 0, NULL);
    wn_error error;
    compare_expect_ok(wn_call(k, &x, 1, &to, 1, &error), &error);
    if (result != sum)
        fail_msg("%s of %lld on %s: %lld, expected %lld", text, (long long)x.shape[0],
                 wn_isa_name(isa), (long long)result, (long long)sum);
    wn_kernel_free(k);
    wn_graph_free(g);
}

static void expect_sums(wn_context *c, wn_isa isa, wn_array x, int64_t value) {
    int64_t n = x.shape[0];
    expect_sum(c, isa, "input x: %s[?]; sum(x)", x, value * n);
    expect_sum(c, isa, "input x: %s[?]; sum(x[x < 1])", x, value < 1 ? value * n : 0);
    expect_sum(c, isa, "input x: %s[?]; i64(mean(x))", x, value);
}

/* What is kept of as many of them as a call takes just fits its lanes. */
static void sums_of_the_least_and_the_greatest(void **state) {
    static const wn_type types[] = {WN_I8, WN_U8, WN_I16, WN_U16, WN_I32, WN_U32};
    static const uint64_t BITS[] = {0, 0x7fffffff7fff7f7f, 0x8000000080008080, 0xffff8000ffff8000,
                                    UINT64_MAX};
    static const int64_t lengths[] = {KERNEL_WIDENED_MOST - 1, KERNEL_WIDENED_MOST, SUMMED};
    wn_context *c = *state;
    compare_isas isas = compare_available(c);
    uint32_t *x = malloc(SUMMED * sizeof *x);
    assert_non_null(x);
    for (size_t k = 0; k < sizeof BITS / sizeof *BITS; k++)
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            uint64_t first = values_load(types[t], &BITS[k], 0);
            int64_t value = (int64_t)wn_constant_value(types[t], first);
            for (int64_t i = 0; i < SUMMED; i++)
                values_store(types[t], x, i, first);
            for (size_t i = 0; i < 3 * isas.count; i++)
                expect_sums(c, isas.list[i / 3], wn_vector(types[t], x, lengths[i % 3]), value);
        }
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(more_than_2_to_32_elements, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lengths_and_strides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sums_of_the_least_and_the_greatest, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
