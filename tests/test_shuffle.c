/*
 * test_shuffle.c - lines gathered by shuffles, of every size, length, distance and direction, against elements copied one by one;
 * with both arrays flush against pages that can't be touched.
 */
#include "run/shuffle.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MOST_BYTES ((size_t)1 << 20)

static guard from_area, to_area;

static int64_t magnitude(int64_t n) {
    return n < 0 ? -n : n;
}

/* Returns how many lines were shuffled. */
static int64_t check_lines(short_lines of, int64_t lines, placement where) {
    int64_t extent =
        (lines - 1) * magnitude(of.across) + (of.length - 1) * magnitude(of.stride) + of.size;
    int64_t packed = of.length * of.size, first = 0;
    assert_true(extent <= (int64_t)MOST_BYTES && lines * packed <= (int64_t)MOST_BYTES);
    char *array = guard_place(&from_area, where, (size_t)extent);
    char *to = guard_place(&to_area, where, (size_t)(lines * packed));
    for (int64_t i = 0; i < extent; i++)
        array[i] = (char)(i * 37 + i / 256);
    if (of.across < 0) first -= (lines - 1) * of.across;
    if (of.stride < 0) first -= (of.length - 1) * of.stride;
    shuffle known;
    known.width = 0;
    int64_t done = wn_shuffle_lines(&known, to, array + first, of, lines);
    assert_in_range(done, 0, lines);
    for (int64_t i = 0; i < done; i++)
        for (int64_t j = 0; j < of.length; j++)
            if (memcmp(to + i * packed + j * of.size, array + first + i * of.across + j * of.stride,
                       (size_t)of.size) != 0)
                fail_msg("element %d of line %d of %d, size %d, length %d, stride %d, across %d",
                         (int)j, (int)i, (int)lines, (int)of.size, (int)of.length, (int)of.stride,
                         (int)of.across);
    for (int64_t i = done * packed; i < lines * packed; i++)
        assert_int_equal((uint8_t)to[i], GUARD_BYTE);
    assert_true(guard_intact(&to_area));
    return done;
}

static int64_t check_layout(short_lines of) {
    int64_t done = 0;
    for (int64_t lines = 4; lines < 700; lines += lines < 40 ? 3 : 101)
        for (placement where = AT_END; where < PLACEMENT_COUNT; where++)
            done += check_lines(of, lines, where);
    return done;
}

static void every_direction_and_distance(void **state) {
    (void)state;
    for (int64_t size = 1; size <= 8; size *= 2)
        for (int64_t length = 1; length <= 17; length++)
            for (int64_t step = -3; step <= 3; step++)
                for (int64_t gap = 0; gap <= 2; gap++) {
                    int64_t across = (magnitude(step) + !step) * length * size + gap * size;
                    int64_t done = check_layout((short_lines){size, length, step * size, across});
                    done += check_layout((short_lines){size, length, step * size, -across});
                    if (magnitude(step) == 1 && gap == 0 && length < 8) assert_true(done > 0);
                }
}

/* Lines beside each other, whose elements lie far apart; and those that overlap, at distances that are no multiple of the size. */
static void other_orders_and_odd_distances(void **state) {
    (void)state;
    for (int64_t size = 1; size <= 8; size *= 2)
        for (int64_t length = 1; length <= 17; length += 1 + length / 4)
            for (int64_t stride = -1003; stride <= 1003; stride += 59)
                for (int64_t across = -19; across <= 19; across += across == -1 ? 2 : 1)
                    check_lines((short_lines){size, length, stride, across}, 67 * size, AT_START);
}

static void what_is_known_is_of_lines_that_lie_alike(void **state) {
    (void)state;
    uint8_t x[4096], to[2048];
    shuffle known;
    known.width = 0;
    for (int i = 0; i < 4096; i++)
        x[i] = (uint8_t)(i * 7 + i / 256);
    for (int step = 1; step <= 3; step++) {
        int64_t done =
            wn_shuffle_lines(&known, (char *)to, (const char *)x, (short_lines){1, 1, 0, step}, 1000);
        for (int64_t i = 0; i < done; i++)
            assert_int_equal(to[i], x[i * step]);
    }
}

int main(void) {
    guard_new(&from_area, MOST_BYTES);
    guard_new(&to_area, MOST_BYTES);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_direction_and_distance),
        cmocka_unit_test(other_orders_and_odd_distances),
        cmocka_unit_test(what_is_known_is_of_lines_that_lie_alike),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    guard_free(&from_area);
    guard_free(&to_area);
    return failed;
}
