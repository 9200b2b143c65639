/*
 * test_shapes.c - shapes: broadcasting of known, unknown and packed lengths, and the masking
 * operations.
 */
#include "graph_fixture.h"

static void expect_shape(wn_node n, const char *shape) {
    char text[128];
    expect_ok(n.graph);
    assert_string_equal(wn_shape_text(at(n)->rank, node_dims(n.graph, at(n)), text, sizeof text), shape);
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static void known_shapes_broadcast(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node a = wn_input(f.g, "a", WN_F32, 2, 1, 3), b = wn_input(f.g, "b", WN_F32, 4, 1);
    wn_node zero = wn_input(f.g, "zero", WN_F32, 0), one = wn_input(f.g, "one", WN_F32, 1);
    expect_shape(wn_add(a, b), "[2, 4, 3]");
    expect_shape(wn_add(a, 1), "[2, 1, 3]");
    expect_shape(wn_add(zero, one), "[0]");
    wn_add(a, zero);
    expect_error(f, WN_ERROR_SHAPE, "add: shapes [2, 1, 3] and [0] do not broadcast");
}

static void unknown_lengths_broadcast(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node s = wn_input(f.g, "s", WN_F32, WN_ANY), t = wn_input(f.g, "t", WN_F32, WN_ANY);
    wn_node one = wn_input(f.g, "one", WN_F32, 1), three = wn_input(f.g, "three", WN_F32, 3);
    expect_shape(wn_add(s, three), "[3]");
    assert_true(at(wn_add(s, three))->may_fail);
    assert_true(node_dims(f.g, at(wn_add(s, one)))[0] == node_dims(f.g, at(s))[0]);
    assert_false(at(wn_add(s, one))->may_fail);
    dim both = node_dims(f.g, at(wn_add(s, t)))[0];
    assert_int_equal(f.g->symbols[~both].kind, SYMBOL_BROADCAST);
    assert_true(both == node_dims(f.g, at(wn_multiply(t, s)))[0]);
    assert_true(both == node_dims(f.g, at(wn_multiply(t, wn_add(s, t))))[0]);
    assert_true(at(wn_sqrt(wn_add(s, t)))->may_fail);
    tear_down(f);
}

static void packed_lengths_do_not_stretch(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32, WN_ANY), y = wn_input(f.g, "y", WN_F32, WN_ANY);
    wn_node v = wn_boolean_mask(x, wn_less(x, 0)), w = wn_boolean_mask(y, wn_less(y, 0));
    dim packed = node_dims(f.g, at(v))[0];
    assert_true(dim_is_packed(f.g, packed));
    assert_true(node_dims(f.g, at(wn_add(v, y)))[0] == packed);
    assert_true(node_dims(f.g, at(wn_add(wn_input(f.g, "five", WN_F32, 5), v)))[0] == packed);
    assert_true(node_dims(f.g, at(wn_add(wn_input(f.g, "one", WN_F32, 1), v)))[0] == packed);
    assert_true(node_dims(f.g, at(wn_add(w, v)))[0] == packed);
    assert_true(node_dims(f.g, at(wn_boolean_mask(y, wn_less(x, 0))))[0] == packed);
    expect_ok(f.g);
    tear_down(f);
}

/* ---- Masks ----------------------------------------------------------------------------------- */

static void boolean_mask_packs_the_axes_of_the_mask(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node t = wn_input(f.g, "t", WN_U8, 2, 3, 4, 5), m = wn_input(f.g, "m", WN_BOOL, 3, 4);
    expect_shape(wn_boolean_mask_axis(t, m, 1), "[2, ?, 5]");
    assert_int_equal(wn_boolean_mask_axis(t, m, -3).id, wn_boolean_mask_axis(t, m, 1).id);
    assert_int_equal(at(wn_boolean_mask_axis(t, m, -3))->attribute, 1);
    assert_false(at(wn_boolean_mask_axis(t, m, 1))->may_fail);
    wn_node u = wn_input(f.g, "u", WN_U8, WN_ANY);
    assert_true(at(wn_boolean_mask(u, wn_input(f.g, "n", WN_BOOL, WN_ANY)))->may_fail);
    tear_down(f);
}

static void boolean_mask_checks_what_is_known(void **state) {
    (void)state;
    static const struct {
        int rank;
        int64_t dims[3];
        int32_t axis;
        wn_type type;
        wn_status status;
        const char *message;
    } rows[] = {
        {1, {3}, 0, WN_BOOL, WN_ERROR_SHAPE, "boolean_mask: mask shape [3] does not match tensor shape [2, 2] at axis 0"},
        {1, {0}, -1, WN_BOOL, WN_ERROR_SHAPE, "boolean_mask: mask shape [0] does not match tensor shape [2, 2] at axis 1"},
        {2, {2, 2}, 1, WN_BOOL, WN_ERROR_SHAPE, "boolean_mask: a mask of rank 2 at axis 1 reaches past a tensor of rank 2"},
        {1, {2}, 2, WN_BOOL, WN_ERROR_ARGUMENT, "boolean_mask: axis 2 is out of range for a tensor of rank 2"},
        {1, {2}, -3, WN_BOOL, WN_ERROR_ARGUMENT, "boolean_mask: axis -3 is out of range for a tensor of rank 2"},
        {0, {0}, 0, WN_BOOL, WN_ERROR_SHAPE, "boolean_mask: the mask is a scalar; it needs an axis"},
        {1, {2}, 0, WN_U8, WN_ERROR_TYPE, "boolean_mask: the mask is u8, it must be bool; write cast(m, bool)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f = set_up();
        wn_node t = wn_input(f.g, "t", WN_F32, 2, 2);
        wn_node m = wn_input_dims(f.g, "m", rows[i].type, rows[i].rank, rows[i].dims);
        wn_boolean_mask_axis(t, m, rows[i].axis);
        expect_error(f, rows[i].status, rows[i].message);
    }
    fixture f = set_up();
    wn_boolean_mask(wn_input(f.g, "t", WN_F32, 2), true);
    expect_error(f, WN_ERROR_TYPE, "boolean_mask: the mask is a literal; it must be an array");
}

static void nonzero_gives_places(void **state) {
    (void)state;
    fixture f = set_up();
    wn_node x = wn_input(f.g, "x", WN_F32, 4, WN_ANY), places = wn_nonzero(x);
    expect_shape(places, "[?, 2]");
    assert_int_equal(at(places)->type, WN_I64);
    assert_int_equal(at(places)->args[0], wn_not_equal(x, 0).id);
    wn_nonzero(wn_input(f.g, "s", WN_BOOL));
    expect_error(f, WN_ERROR_SHAPE, "nonzero: the operand is a scalar; it needs an axis");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_shapes_broadcast),
        cmocka_unit_test(unknown_lengths_broadcast),
        cmocka_unit_test(packed_lengths_do_not_stretch),
        cmocka_unit_test(boolean_mask_packs_the_axes_of_the_mask),
        cmocka_unit_test(boolean_mask_checks_what_is_known),
        cmocka_unit_test(nonzero_gives_places),
    };
    return cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
}
