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

#include <stdio.h>
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(more_than_2_to_32_elements, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lengths_and_strides, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
