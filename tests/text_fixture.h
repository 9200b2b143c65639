/*
 * text_fixture.h - what the tests of text share: declarations to parse after, parsing, listings.
 */
#ifndef WN_TEST_TEXT_FIXTURE_H
#define WN_TEST_TEXT_FIXTURE_H

#include "graph_fixture.h"

/* Inputs of many types for every test that does not declare its own. */
#define INPUTS                                                                                     \
    "input a: f32[?]; input b: f32[?]; input c: bool[?]; input d: bool[?]; input i: i32[?]; "      \
    "input j: i32[?];"                                                                             \
    "input u: u8[?]; input t: f64[2, 3, 4]; input k: bool[3]; input n: bool[4]; "

static inline wn_node parse(wn_graph *g, const char *text) {
    return wn_parse(g, text, strlen(text));
}

/* The listing of a graph; free() it. */
static inline char *list(const wn_graph *g) {
    wn_buffer b = {.context = g->context};
    wn_print_listing(g, &b);
    assert_false(b.failed);
    char *text = strdup(b.text ? b.text : "");
    wn_buffer_free(&b);
    return text;
}

#endif
