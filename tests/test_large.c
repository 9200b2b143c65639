/*
 * test_large.c - graphs of 100,000 statements: whatever is done with one takes time in proportion to its size.
 *
 * The bound is several times what each step needs, and a fraction of what it needs if it looks at everything once per
 * statement.
 */
#include "graph_fixture.h"
#include "winnow/inspect.h"

#include <time.h>

enum { STATEMENTS = 100000, SECONDS = 5 };

static void expect_quick(clock_t start, const char *step, const wn_graph *g) {
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    expect_ok(g);
    if (seconds > SECONDS) fail_msg("%s: %.1f seconds", step, seconds);
}

/* The statement many times, with its number in place of each '#'. */
static void parse_many(wn_graph *g, const char *head, const char *statement) {
    size_t length = strlen(head);
    char *text = malloc(length + STATEMENTS * (6 * strlen(statement) + 1));
    memcpy(text, head, length);
    for (int i = 0; i < STATEMENTS; i++)
        for (const char *c = statement; *c; c++)
            if (*c == '#')
                length += (size_t)sprintf(text + length, "%d", i);
            else
                text[length++] = *c;
    clock_t start = clock();
    wn_parse(g, text, length);
    expect_quick(start, "parse", g);
    free(text);
}

static void expect_everything_quick(const char *head, const char *statement) {
    static const char *const views[] = {"the graph", "the picture", "the plan"};
    fixture f = set_up();
    parse_many(f.g, head, statement);
    for (wn_view view = WN_VIEW_GRAPH; view <= WN_VIEW_PLAN; view++) {
        size_t length;
        clock_t start = clock();
        char *text = wn_inspect(f.g, NULL, view, &length);
        assert_non_null(text);
        expect_quick(start, views[view], f.g);
        wn_text_free(f.context, text, length);
    }
    clock_t start = clock();
    wn_compile_options options = {.size = sizeof options, .engine = WN_ENGINE_INTERPRETER};
    wn_kernel *k = wn_compile(f.g, &options);
    assert_non_null(k);
    expect_quick(start, "compile", f.g);
    wn_kernel_free(k);
    tear_down(f);
}

static void many_names(void **state) {
    (void)state;
    expect_everything_quick("input x: f32[?];", "n# = x * #.5; output o# = n# + 1;");
}

static void many_masks(void **state) {
    (void)state;
    expect_everything_quick("input x: f32[?]; input i: i64[?];", "output o# = x[i > #];");
}

static void many_inputs(void **state) {
    (void)state;
    expect_everything_quick("", "input x#: f32[?]; output o# = x#;");
}

static void many_constants(void **state) {
    (void)state;
    expect_everything_quick("", "output o# = #.0;");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_names),
        cmocka_unit_test(many_masks),
        cmocka_unit_test(many_inputs),
        cmocka_unit_test(many_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
