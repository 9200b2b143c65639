/*
 * inspect_fixture.h - graphs of these inputs, inspected.
 */
#ifndef WN_TEST_INSPECT_FIXTURE_H
#define WN_TEST_INSPECT_FIXTURE_H

#include "graph_fixture.h"

#include "winnow/inspect.h"

#if defined(__x86_64__)
static const wn_isa ISAS[] = {WN_ISA_PORTABLE, WN_ISA_X86_64_V2, WN_ISA_X86_64_V3, WN_ISA_X86_64_V4};
#else
static const wn_isa ISAS[] = {WN_ISA_PORTABLE};
#endif
#define ISA_COUNT (sizeof ISAS / sizeof *ISAS)

#define INPUTS                                                                                     \
    "input x: f32[?]; input y: f32[?]; input i: i32[?]; input j: i32[?]; input b: u8[?]; input "   \
    "h: f16[?]; "                                                                                  \
    "input m: bool[?]; input k: bool[?]; input d: f64[?]; input s: f32[]; input r: f32[?, 300]; "  \
    "input t: u8[?, 3];"

static inline wn_inspection *inspect(fixture f, const char *text, wn_isa isa) {
    const wn_compile_options options = {.size = sizeof options, .isa = isa};
    wn_trace(f.g);
    wn_parse(f.g, INPUTS, strlen(INPUTS));
    wn_parse(f.g, text, strlen(text));
    wn_inspection *i = wn_inspection_new(f.g, &options);
    assert_non_null(i);
    return i;
}

/* The node that these bytes of the text asked for; 0 if it is not alive. */
static inline uint32_t node_spelled(const wn_inspection *i, const char *text) {
    size_t count, length;
    const wn_spelling *s = wn_inspection_spellings(i, &count);
    const char *source = wn_inspection_text(i, &length);
    for (size_t k = 0; k < count; k++)
        if (!s[k].name && s[k].end - s[k].begin == strlen(text) &&
            !memcmp(source + s[k].begin, text, strlen(text)))
            return s[k].node;
    return 0;
}

/* The node of this name. */
static inline uint32_t node_named(const wn_inspection *i, const char *name) {
    size_t count;
    const wn_node_info *nodes = wn_inspection_nodes(i, &count);
    for (uint32_t id = 1; id <= count; id++)
        if (!strcmp(nodes[id - 1].label, name)) return id;
    fail_msg("nothing is called %s", name);
    return 0;
}

#endif
