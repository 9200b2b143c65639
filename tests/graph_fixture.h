/*
 * graph_fixture.h - a context and a graph for each test, and what is expected of them.
 */
#ifndef WN_TEST_GRAPH_FIXTURE_H
#define WN_TEST_GRAPH_FIXTURE_H

#include "graph/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct fixture {
    wn_context *context;
    wn_graph *g;
} fixture;

static inline fixture set_up(void) {
    fixture f = {wn_context_new(NULL), NULL};
    assert_non_null(f.context);
    f.g = wn_graph_new(f.context);
    assert_non_null(f.g);
    return f;
}

/* Whether two graphs have one key. */
static inline bool same_key(const wn_graph *a, const wn_graph *b) {
    wn_key k, l;
    wn_key_begin(&k, a->context);
    wn_key_begin(&l, b->context);
    wn_key_add_graph(&k, a);
    wn_key_add_graph(&l, b);
    assert_false(k.failed || l.failed);
    bool same = k.count == l.count && !memcmp(k.words, l.words, k.count * sizeof *k.words);
    wn_key_end(&k);
    wn_key_end(&l);
    return same;
}

static inline void tear_down(fixture f) {
    wn_graph_free(f.g);
    wn_context_free(f.context);
}

static inline void expect_ok(const wn_graph *g) {
    assert_string_equal(wn_graph_error(g), "");
    assert_int_equal(wn_graph_status(g), WN_OK);
}

/* The graph has failed so; and the graph goes. */
static inline void expect_error(fixture f, wn_status status, const char *message) {
    assert_string_equal(wn_graph_error(f.g), message);
    assert_int_equal(wn_graph_status(f.g), status);
    tear_down(f);
}

static inline const node *at(wn_node n) {
    assert_true(n.id > 0);
    return graph_node(n.graph, n.id);
}

#endif
