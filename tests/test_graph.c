/*
 * test_graph.c - building a graph: names, operands, types, errors, copies, memory.
 *
 * What a wrong call says is compared word by word: the messages are the library's manners.
 */
#include "counted_memory.h"
#include "graph_fixture.h"

#include <time.h>

/* ---- Nodes, names, outputs ------------------------------------------------------------------- */

static void equal_expressions_are_one_node(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32, WN_ANY), y = wn_input(f.g, "y", WN_F32, WN_ANY);
    wn_node a = wn_where(wn_less(x, 0), 0, wn_add(x, y));
    wn_node b = wn_where(wn_greater(0.0f, x), 0.0, wn_add(y, x));
    assert_int_equal(a.id, b.id);
    assert_int_not_equal(wn_subtract(x, y).id, wn_subtract(y, x).id);
    expect_ok(f.g);
    for (node_id id = 1; id < f.g->node_count; id++)
        for (int i = 0; i < 3; i++)
            assert_true(f.g->nodes[id].args[i] < id);
    tear_down(f);
}

static node_id mean(wn_node x) {
    return wn_reduce(WN_REDUCE_MEAN, x, NULL).id;
}

/* What a mean adds up: integers where floats would not round their sums, whatever was written. */
static void means_add_up_integers_where_floats_are_exact(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node u = wn_input(f.g, "u", WN_U8, WN_ANY), s = wn_input(f.g, "s", WN_I16, WN_ANY),
            i = wn_input(f.g, "i", WN_I32, WN_ANY), c = wn_input(f.g, "c", WN_BOOL, WN_ANY);
    wn_node same[][3] = {{wn_cast(u, WN_U64), u, wn_cast(u, WN_F64)},
                         {wn_cast(s, WN_I64), s, wn_cast(s, WN_I32)},
                         {wn_cast(c, WN_I64), c, wn_cast(c, WN_F64)},
                         {wn_cast(wn_cast(s, WN_U8), WN_U64), wn_cast(s, WN_U8), wn_cast(s, WN_U8)}};
    for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
        const node *n = graph_node(f.g, mean(same[k][1]));
        assert_int_equal(n->type, WN_F64);
        assert_int_equal(n->args[0], same[k][0].id);
        for (size_t other = 0; other < 3; other++)
            assert_int_equal(mean(same[k][other]), mean(same[k][1]));
    }
    wn_node floats[] = {i, wn_cast(s, WN_U32)};
    for (size_t k = 0; k < 2; k++)
        assert_int_equal(graph_node(f.g, mean(floats[k]))->args[0], wn_cast(floats[k], WN_F64).id);
    wn_node of_numbers = wn_reduce(WN_REDUCE_COUNT, wn_cast(c, WN_I16), NULL);
    wn_node of_bools = wn_reduce(WN_REDUCE_COUNT, c, NULL);
    assert_int_equal(of_numbers.id, of_bools.id);
    wn_node single = wn_cast(u, WN_F32);
    assert_int_equal(graph_node(f.g, mean(single))->args[0], single.id);
    expect_ok(f.g);
    tear_down(f);
}

static void names_find_inputs_values_and_outputs(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32), y = wn_negative(x);
    assert_int_equal(wn_name(y, "minus").id, y.id);
    assert_int_equal(wn_name(y, "minus").id, y.id);
    assert_int_equal(wn_name(y, "other").id, y.id);
    wn_output(f.g, "out", wn_sqrt(y));
    wn_output(f.g, "x", y);
    expect_ok(f.g);
    assert_int_equal(wn_find(f.g, "x").id, x.id);
    assert_int_equal(wn_find(f.g, "minus").id, y.id);
    assert_int_equal(wn_find(f.g, "other").id, y.id);
    assert_int_equal(wn_find(f.g, "out").id, f.g->outputs[0]);
    assert_int_equal(wn_find(f.g, "nothing").id, 0);
    assert_int_equal(wn_find(f.g, NULL).id, 0);
    expect_ok(f.g);
    tear_down(f);
}

static void bad_names_are_errors(void **state) {
    (void)state;
    fixture f = set_up();
    wn_input(f.g, "2x", WN_F32);
    expect_error(f, WN_ERROR_NAME,
                 "input: \"2x\" is no name: letters, digits and _, not beginning with a digit");
    f = set_up();
    wn_input(f.g, "where", WN_F32);
    expect_error(f, WN_ERROR_NAME, "input: \"where\" is a word of the language");
    f = set_up();
    wn_input(f.g, "x", WN_F32);
    wn_input(f.g, "x", WN_F32);
    expect_error(f, WN_ERROR_NAME, "input: \"x\" is already the name of an input");
    f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32);
    wn_name(wn_negative(x), "x");
    expect_error(f, WN_ERROR_NAME, "name: \"x\" is already the name of an input");
    f = set_up();
    x = wn_input(f.g, "x", WN_F32);
    wn_output(f.g, "y", x);
    wn_output(f.g, "y", x);
    expect_error(f, WN_ERROR_NAME, "output: \"y\" is already the name of an output");
    f = set_up();
    wn_output(f.g, NULL, wn_input(f.g, "x", WN_F32));
    expect_error(f, WN_ERROR_ARGUMENT, "output: the name is NULL");
}

static void bad_inputs_are_errors(void **state) {
    (void)state;
    fixture f = set_up();
    wn_input(f.g, "x", (wn_type)14);
    expect_error(f, WN_ERROR_ARGUMENT, "input \"x\": 14 is no type");
    f = set_up();
    wn_input(f.g, "x", WN_F32, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    expect_error(f, WN_ERROR_ARGUMENT, "input \"x\": rank 9 is not between 0 and 8");
    f = set_up();
    wn_input(f.g, "x", WN_F32, 3, -2);
    expect_error(f, WN_ERROR_ARGUMENT, "input \"x\": length -2 of axis 1 is below 0");
    f = set_up();
    wn_input_dims(f.g, "x", WN_F32, 1, NULL);
    expect_error(f, WN_ERROR_ARGUMENT, "input \"x\": the lengths are NULL");
}

static void the_first_error_stays(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32, 3), y = wn_input(f.g, "y", WN_F32, 4);
    wn_node bad = wn_less(x, y);
    assert_int_equal(bad.id, 0);
    uint32_t nodes = f.g->node_count;
    assert_int_equal(wn_add(x, 1).id, 0);
    assert_int_equal(wn_add(bad, bad).id, 0);
    assert_int_equal(wn_input(f.g, "z", WN_F32).id, 0);
    wn_output(f.g, "o", x);
    assert_int_equal(f.g->output_count, 0);
    assert_int_equal(f.g->node_count, nodes);
    expect_error(f, WN_ERROR_SHAPE, "less: shapes [3] and [4] do not broadcast");
}

static void foreign_and_null_handles_are_errors(void **state) {
    (void)state;
    fixture f = set_up(), other = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32), y = wn_input(other.g, "y", WN_F32);
    wn_add(x, y);
    expect_ok(other.g);
    expect_error(f, WN_ERROR_ARGUMENT, "add: operand 2 is a node of another graph");
    f = set_up();
    wn_output(f.g, "o", y);
    expect_error(f, WN_ERROR_ARGUMENT, "output \"o\": the value is of another graph");
    tear_down(other);
    wn_node null = wn_add(1, 2);
    assert_null(null.graph);
    assert_int_equal(null.id, 0);
    f = set_up();
    wn_less(null, wn_input(f.g, "x", WN_F32));
    expect_error(
        f, WN_ERROR_ARGUMENT,
        "less: operand 1 is a node of no graph: made of literals alone, or of a NULL graph");
    f = set_up();
    wn_negative(wn_find(f.g, "nothing"));
    expect_error(f, WN_ERROR_ARGUMENT, "negative: operand 1 is the null node");
    f = set_up();
    uint32_t not_a_graph[64] = {0};
    wn_node stray = {(wn_graph *)(void *)not_a_graph, 1};
    wn_less(wn_input(f.g, "x", WN_F32), stray);
    expect_error(f, WN_ERROR_ARGUMENT, "less: operand 2 is no node of a graph");
    assert_int_equal(wn_negative(stray).id, 0);
    assert_int_equal(wn_graph_status(NULL), WN_ERROR_ARGUMENT);
    assert_int_equal(wn_input(NULL, "x", WN_F32).id, 0);
    wn_graph_free(NULL);
}

static void long_messages_are_kept_whole(void **state) {
    (void)state;
    fixture f = set_up();
    char name[2000];
    memset(name, '-', sizeof name - 1);
    name[sizeof name - 1] = 0;
    wn_input(f.g, name, WN_F32);
    assert_non_null(strstr(wn_graph_error(f.g), "not beginning with a digit"));
    tear_down(f);
}

/* ---- Types ----------------------------------------------------------------------------------- */

static void operands_of_two_types_are_an_error(void **state) {
    (void)state;
    fixture f = set_up();
    wn_less(wn_input(f.g, "x", WN_F32), wn_input(f.g, "y", WN_I32));
    expect_error(f, WN_ERROR_TYPE, "less: operands are f32 and i32; write cast(b, f32) or cast(a, i32)");
    f = set_up();
    wn_where(wn_input(f.g, "c", WN_BOOL), wn_input(f.g, "x", WN_F32), wn_input(f.g, "y", WN_U8));
    expect_error(f, WN_ERROR_TYPE, "where: operands are f32 and u8; write cast(y, f32) or cast(x, u8)");
    f = set_up();
    wn_where(wn_input(f.g, "c", WN_U8), 1, 0);
    expect_error(f, WN_ERROR_TYPE, "where: the condition is u8, it must be bool; write cast(c, bool)");
}

static void an_operation_says_what_it_takes(void **state) {
    (void)state;
    fixture f = set_up();
    wn_sqrt(wn_input(f.g, "x", WN_I32));
    expect_error(f, WN_ERROR_TYPE,
                 "sqrt: the operand is i32; it takes floats: f16 bf16 f32 f64; write cast(x, f64)");
    f = set_up();
    wn_add(wn_input(f.g, "x", WN_BOOL), wn_input(f.g, "y", WN_BOOL));
    expect_error(f, WN_ERROR_TYPE,
                 "add: operands are bool; it takes numbers, not bool; write cast(x, i64)");
    f = set_up();
    wn_logical_not(wn_input(f.g, "x", WN_U8));
    expect_error(f, WN_ERROR_TYPE, "logical_not: the operand is u8; it takes bool; write x != 0");
    f = set_up();
    wn_cast(wn_input(f.g, "x", WN_U8), (wn_type)99);
    expect_error(f, WN_ERROR_ARGUMENT, "cast: 99 is no type");
}

/* ---- Copies ---------------------------------------------------------------------------------- */

static void build_example(wn_graph *g, bool litter) {
    wn_node x = wn_input(g, "x", WN_F32, WN_ANY), unused = wn_input(g, "unused", WN_F32, WN_ANY);
    if (litter) wn_boolean_mask(wn_sqrt(x), wn_less(wn_add(x, unused), 7));
    wn_node v = wn_boolean_mask(x, wn_less(x, 0));
    if (litter) wn_name(wn_add(x, 5), "dead");
    if (litter) wn_name(v, "negatives");
    wn_output(g, "v", wn_multiply(v, 2));
    wn_output(g, "w", wn_where(wn_less(x, 0), 0, x));
    expect_ok(g);
}

static void copies_keep_what_lives(void **state) {
    (void)state;
    fixture a = set_up(), b = set_up();
    build_example(a.g, false);
    build_example(b.g, true);
    wn_graph *c = wn_graph_copy(a.g), *d = wn_graph_copy(b.g);
    assert_true(same_key(a.g, b.g));
    assert_true(same_key(a.g, c));
    assert_true(same_key(c, d));
    assert_int_equal(c->input_count, 2);
    assert_true(d->node_count < b.g->node_count);
    assert_int_equal(wn_find(d, "dead").id, 0);
    assert_int_not_equal(wn_find(d, "negatives").id, 0);
    wn_node v = wn_find(d, "v");
    dim packed = node_dims(d, at(v))[0];
    assert_true(dim_is_packed(d, packed));
    assert_string_equal(wn_op_row((op)graph_node(d, (node_id)d->symbols[~packed].a)->op)->name,
                        "less");
    wn_output(b.g, "another", wn_find(b.g, "x"));
    wn_graph *e = wn_graph_copy(b.g);
    assert_false(same_key(d, e));
    assert_true(same_key(b.g, e));
    wn_graph_free(c);
    wn_graph_free(d);
    wn_graph_free(e);
    tear_down(a);
    tear_down(b);
}

/* ---- Memory and size ------------------------------------------------------------------------- */

/* Whether everything went well with only so many allocations. */
static bool build_with(counted_memory *m) {
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = m};
    wn_context *context = wn_context_new(&options);
    if (!context) return false;
    wn_graph *g = wn_graph_new(context);
    wn_node x = wn_input(g, "x", WN_F32, WN_ANY), sum = x;
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        sum = wn_add(sum, wn_multiply(wn_input(g, name, WN_F32, WN_ANY), i + 2));
    }
    const wn_operand conditions[] = {wn_operand_node(wn_less(x, 1))}, values[] = {wn_operand_node(x)};
    wn_output(g, "y", wn_select(1, conditions, values, wn_operand_int(0)));
    bool built = wn_graph_status(g) != WN_ERROR_MEMORY && g;
    wn_graph *copy = g ? wn_graph_copy(g) : NULL;
    wn_graph_free(copy);
    wn_graph_free(g);
    wn_context_free(context);
    return built && copy;
}

static void failed_allocations_are_errors_and_leak_nothing(void **state) {
    (void)state;
    bool done = false;
    for (long n = 0; !done; n++) {
        counted_memory m = {n, 0};
        done = build_with(&m);
        assert_int_equal(m.live, 0);
        assert_true(n < 10000);
    }
}

static void hundred_thousand_nodes_build_fast(void **state) {
    (void)state;
    fixture f = set_up();
    clock_t start = clock();
    wn_node x = wn_input(f.g, "x", WN_F32, WN_ANY), y = x;
    for (int i = 0; i < 100000; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        y = wn_name(i % 3 ? wn_add(y, x) : wn_multiply(y, 0.5 + i), name);
    }
    for (int i = 0; i < 20000; i++) {
        char name[16];
        snprintf(name, sizeof name, "in%d", i);
        y = wn_add(y, wn_input(f.g, name, WN_F32, WN_ANY));
    }
    wn_output(f.g, "y", y);
    expect_ok(f.g);
    wn_graph *copy = wn_graph_copy(f.g);
    assert_non_null(copy);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    assert_true(seconds < 5); /* 0.1 here; the bound is for sanitizers and slow machines */
    wn_graph_free(copy);
    tear_down(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_expressions_are_one_node),
        cmocka_unit_test(means_add_up_integers_where_floats_are_exact),
        cmocka_unit_test(names_find_inputs_values_and_outputs),
        cmocka_unit_test(bad_names_are_errors),
        cmocka_unit_test(bad_inputs_are_errors),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(foreign_and_null_handles_are_errors),
        cmocka_unit_test(long_messages_are_kept_whole),
        cmocka_unit_test(operands_of_two_types_are_an_error),
        cmocka_unit_test(an_operation_says_what_it_takes),
        cmocka_unit_test(copies_keep_what_lives),
        cmocka_unit_test(failed_allocations_are_errors_and_leak_nothing),
        cmocka_unit_test(hundred_thousand_nodes_build_fast),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
