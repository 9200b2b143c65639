/*
 * test_inspect_json.c - the JSON of an inspection: well-formed whatever the text, the same for equal graphs, of kernels too; and objects that are
 * not what they should be.
 */
#include "counted_memory.h"
#include "graph_fixture.h"
#include "json_check.h"

#include "graph/trace.h"
#include "jit/assembly.h"
#include "jit/object.h"
#include "winnow/inspect.h"

#if defined(WN_LLVM_STATIC) || defined(WN_TEST_LLVM_PATH)
#define HAS_LLVM true
#else
#define HAS_LLVM false
#endif

#define TEXT                                                                                       \
    "input x: f32[?]; input w: f32[]; m = x > 0.5 & x < 2; output y = sqrt(x[m]) * w; output n = " \
    "sum(x, where=m);"

/* ---- Documents -------------------------------------------------------------------------------------------------------- */

static char *document_of(wn_graph *g, size_t *length) {
    char *text = wn_inspect(g, NULL, WN_VIEW_JSON, length);
    if (!text) fail_msg("%s", wn_graph_error(g));
    const char *fault = json_first_fault(text, *length);
    if (fault) fail_msg("this is no JSON from byte %td on: %.60s", fault - text, fault);
    return text;
}

/* A text is looked at, and has these words in its document. */
static void expect_words(const char *text, size_t length, const char *const *words) {
    fixture f = set_up();
    size_t size;
    wn_trace(f.g);
    wn_parse(f.g, text, length);
    char *json = document_of(f.g, &size);
    for (; *words; words++)
        if (!strstr(json, *words)) fail_msg("%.60s: the document lacks %s", text, *words);
    wn_text_free(f.context, json, size);
    tear_down(f);
}
#define EXPECT(text, ...)                                                                          \
    expect_words(text, sizeof text - 1, (const char *const[]){__VA_ARGS__, NULL})

static void a_document_has_every_part(void **state) {
    (void)state;
    EXPECT(TEXT, "\"version\":1", "\"text\":\"input x: f32[?]; input w",
           "\"listing\":[{\"text\":\"input x: f32[?];\",\"of\":[\"n1\"]}",
           "\"inputs\":[{\"of\":\"n1\",\"name\":\"x\"",
           "\"outputs\":[{\"of\":\"o0\",\"name\":\"y\"", "\"op\":\"boolean_mask\"",
           "\"spellings\":[{\"name\":\"m\"},{\"begin\":37,\"end\":52,\"line\":1,\"column\":38}",
           "\"decisions\":[{\"pass\"", "\"plan\":{\"lines\":[{\"text\":\"2 stages",
           "\"stages\":[{\"kind\":\"pack\"");
    if (HAS_LLVM)
        EXPECT(TEXT, "\"llvm\":\"", "\"functions\":[{\"name\":\"wn_",
               "\"figures\":{\"loops\":", "\"of\":\"n5\"", "\"of\":\"loop\"",
               "\"ir\":[{\"text\":\"define i64 @wn_");
    else
        EXPECT(TEXT, "\"error\":{\"status\":\"compiler error\"", "\"functions\":[]");
}

static void any_bytes_give_a_document(void **state) {
    (void)state;
    EXPECT("input x: f32[?]; x # \xff <script> & \"q\" \\ \xc3\xa9 \xe2\x82 \xed\xa0\x80 \x01\x7f",
           "\"text\":\"input x: f32[?]; x # \xef\xbf\xbd \\u003cscript> & \\\"q\\\" \\\\ \xc3\xa9 "
           "\xef\xbf\xbd\xef\xbf\xbd "
           "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \\u0001\\u007f\"");
    EXPECT("x\0y", "\"text\":\"x\\u0000y\"", "\"error\"");
    EXPECT("\xff", "\"text\":\"\xef\xbf\xbd\"", "\"error\"");
    EXPECT("</script>", "\\u003c/script>", "\"error\":{\"status\":\"syntax error\"");
    EXPECT("", "\"error\"", "\"nodes\":[]");
    for (int first = 0; first < 256; first++)
        for (int second = 0; second < 256; second += 15) {
            char text[] = {'#', (char)first, (char)second};
            expect_words(text, 3, (const char *const[]){"\"text\":\"#", NULL});
        }
}

static void places_are_counted_in_characters(void **state) {
    (void)state;
    EXPECT("input x: f32[?]; # \xc3\xa9\xff\n -x",
           "{\"begin\":23,\"end\":25,\"line\":2,\"column\":2}");
}

static void what_fails_is_explained_as_far_as_it_got(void **state) {
    (void)state;
    EXPECT("input x: f32[?]; m = x < 0; y = x * 2; z = x[q]",
           "\"error\":{\"status\":\"name error\",\"message\":\"line 1, column 46",
           "\"op\":\"multiply\",\"label\":\"y\"", "\"fate\":\"unknown\"", "\"functions\":[]");
    EXPECT("input x: f32[?]; input i: i32[?]; m = x < 0; x + i",
           "\"error\":{\"status\":\"type error\"", "\"label\":\"m\"");
    fixture f = set_up();
    size_t length;
    wn_input(f.g, "x", WN_F32, WN_ANY);
    char *json = document_of(f.g, &length);
    assert_non_null(strstr(json, "the graph has no output"));
    assert_null(strstr(json, "\"text\":\"input x: f32[?]\"")); /* not traced */
    wn_text_free(f.context, json, length);
    tear_down(f);
}

static void what_is_no_graph_is_refused(void **state) {
    (void)state;
    fixture f = set_up();
    wn_error error = {WN_OK, ""};
    const wn_compile_options bad = {.size = sizeof bad, .isa = (wn_isa)99};
    wn_output(f.g, "y", wn_input(f.g, "x", WN_F32, WN_ANY));
    assert_null(wn_inspect(NULL, NULL, WN_VIEW_JSON, NULL));
    assert_null(wn_inspect(f.g, NULL, (wn_view)99, NULL));
    assert_null(wn_inspect_kernel(NULL, WN_VIEW_JSON, NULL, &error));
    assert_int_equal(error.status, WN_ERROR_ARGUMENT);
    assert_null(wn_inspection_new(NULL, NULL));
    assert_null(wn_inspection_of_kernel(NULL));
    assert_null(wn_inspection_nodes(NULL, NULL));
    wn_trace(NULL);
    wn_inspection_free(NULL);
    wn_inspection *i = wn_inspection_new(f.g, &bad);
    assert_non_null(strstr(wn_inspection_error(i), "unknown isa"));
    wn_inspection_free(i);
    tear_down(f);
}

/* ---- The same again --------------------------------------------------------------------------------------------------- */

static void equal_graphs_give_equal_bytes(void **state) {
    (void)state;
    char *first = NULL;
    size_t first_length = 0;
    fixture kept = set_up();
    for (int k = 0; k < 3; k++) {
        fixture f = set_up();
        size_t length;
        wn_trace(f.g);
        wn_parse(f.g, TEXT, strlen(TEXT));
        char *json = document_of(f.g, &length);
        if (first) {
            assert_int_equal(length, first_length);
            assert_memory_equal(json, first, length);
        } else {
            first = malloc(length);
            assert_non_null(first);
            memcpy(first, json, length);
            first_length = length;
        }
        wn_text_free(f.context, json, length);
        char *timed = wn_inspect(f.g, NULL, WN_VIEW_JSON_TIMED, &length);
        assert_non_null(strstr(timed, "\"timings\":{\"build_ns\":"));
        assert_null(json_first_fault(timed, length));
        wn_text_free(f.context, timed, length);
        tear_down(f);
    }
    free(first);
    tear_down(kept);
}

/* What is after "nodes" does not depend on the trace, but for places and rewrites; of a graph that was not traced, nothing does. */
static void a_kernel_of_a_cache_is_shown_as_its_graph(void **state) {
    (void)state;
    fixture f = set_up();
    size_t graph_length, length;
    wn_error error = {WN_OK, ""};
    wn_parse(f.g, TEXT, strlen(TEXT));
    wn_kernel *first = wn_compile(f.g, NULL), *again = wn_compile(f.g, NULL);
    assert_ptr_equal(first, again);
    char *graph = document_of(f.g, &graph_length);
    char *kernel = wn_inspect_kernel(again, WN_VIEW_JSON, &length, &error);
    assert_non_null(kernel);
    assert_string_equal(kernel, graph);
    wn_text_free(f.context, graph, graph_length);
    wn_text_free(f.context, kernel, length);
    for (wn_view v = WN_VIEW_GRAPH; HAS_LLVM && v <= WN_VIEW_OBJECT; v++) {
        graph = wn_inspect(f.g, NULL, v, &graph_length);
        kernel = wn_inspect_kernel(again, v, &length, &error);
        assert_int_equal(length, graph_length);
        assert_memory_equal(kernel, graph, length);
        wn_text_free(f.context, graph, graph_length);
        wn_text_free(f.context, kernel, length);
    }
    wn_kernel_free(first);
    wn_kernel_free(again);
    tear_down(f);
}

/* ---- Objects that are not believed ------------------------------------------------------------------------------------ */

/* Whatever is in it, it is read without a step outside: the sanitizer's builds see to that. */
static void try_object(wn_context *c, const unsigned char *bytes, size_t size) {
    unsigned char *exact = malloc(size ? size : 1);
    object_view view;
    assert_non_null(exact);
    if (size) memcpy(exact, bytes, size);
    wn_object_open(c, exact, size, &view, NULL);
    for (uint32_t k = 0; k < view.function_count; k++) {
        assert_true(view.functions[k].offset <= view.code.size);
        assert_true(view.functions[k].size <= view.code.size - view.functions[k].offset);
        wn_object_spot(&view, view.functions[k].offset);
        assert_true(strlen(view.functions[k].name) < size);
    }
    for (uint32_t k = 0; k < view.reference_count; k++) {
        uint32_t place = (uint32_t)view.references[k].place;
        object_bytes there = wn_object_referred(&view, place, place + 4);
        char constant[96];
        wn_instruction_constant("vmovups (%rip), %zmm0", there.bytes, there.size, constant);
    }
    wn_object_free(c, &view);
    free(exact);
}

static void a_spoiled_object_is_never_read_outside(void **state) {
    (void)state;
    if (!HAS_LLVM) skip();
    fixture f = set_up();
    size_t size;
    wn_parse(f.g, "input x: f32[?]; x[x < 0]", 25);
    wn_inspection *i = wn_inspection_new(f.g, NULL);
    const unsigned char *object = wn_inspection_object(i, &size);
    unsigned char *spoiled = malloc(size);
    assert_true(object && spoiled && size > 500);
    for (size_t k = 0; k < size; k++) {
        static const unsigned char values[] = {0x00, 0x7f, 0x80, 0xff};
        memcpy(spoiled, object, size);
        spoiled[k] = (unsigned char)(spoiled[k] ^ (1u << k % 8));
        try_object(f.context, spoiled, size);
        spoiled[k] = values[k % 4];
        try_object(f.context, spoiled, size);
    }
    for (size_t k = 0; k < size; k += 1 + k / 64)
        try_object(f.context, object, k);
    free(spoiled);
    wn_inspection_free(i);
    tear_down(f);
}

/* A line table as DWARF 5 writes it, put together by hand: one unit with this program. */
static bool read_program(wn_context *c, const char *program, size_t size, object_view *view) {
    static const char head[] =
        "\5\0\x8\0"          /* version, sizes of an address and a segment selector */
        "\x17\0\0\0"         /* header length */
        "\1\1\1\xfb\xe\xa"   /* 1, 1, is_stmt, line base -5, range 14, opcodes below 10 */
        "\0\1\1\1\1\0\0\0\1" /* operands of the nine */
        "\0\0\0\0\0\0\0\0";  /* directories and files, which are skipped */
    unsigned char unit[100] = {(unsigned char)(sizeof head - 1 + size)};
    assert_true(4 + sizeof head - 1 + size <= sizeof unit);
    memcpy(unit + 4, head, sizeof head - 1);
    memcpy(unit + 4 + sizeof head - 1, program, size);
    *view = (object_view){.row_count = 0};
    return wn_object_lines(c, (object_bytes){unit, 4 + sizeof head - 1 + size}, NULL, 0, view);
}

/* Line 3 column 7 at 0x10, line 4 from 0x14 on, the end at 0x20. */
static void a_line_table_of_dwarf_5_is_read(void **state) {
    (void)state;
    static const char program[] = "\0\x9\2\x10\0\0\0\0\0\0\0" /* address 0x10 */
                                  "\3\2\5\7\1"                /* line +2, column 7, row */
                                  "\x48"         /* 10 + 4 * 14 + 6: address +4, line +1, row */
                                  "\2\xc\0\1\1"; /* address +12, the end */
    fixture f = set_up();
    object_view view;
    assert_true(read_program(f.context, program, sizeof program - 1, &view));
    assert_int_equal(view.row_count, 3);
    assert_int_equal(wn_object_spot(&view, 0x0f).line, 0);
    assert_int_equal(wn_object_spot(&view, 0x10).line, 3);
    assert_int_equal(wn_object_spot(&view, 0x13).column, 7);
    assert_int_equal(wn_object_spot(&view, 0x14).line, 4);
    assert_int_equal(wn_object_spot(&view, 0x1f).line, 4);
    assert_int_equal(wn_object_spot(&view, 0x20).line, 0);
    wn_object_free(f.context, &view);
    tear_down(f);
}

/* An extended opcode of 2^64 - 11 bytes would be its own successor, and append rows until memory runs out. */
static void a_line_program_only_goes_on(void **state) {
    (void)state;
    static const char program[] = "\0\xf5\xff\xff\xff\xff\xff\xff\xff\xff\1\1";
    counted_memory m = {100, 0};
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = &m};
    wn_context *c = wn_context_new(&options);
    object_view view;
    assert_non_null(c);
    m.until_failure = 3;
    assert_true(read_program(c, program, sizeof program - 1, &view));
    assert_int_equal(view.row_count, 0);
    wn_object_free(c, &view);
    wn_context_free(c);
}

/* ---- Instructions as text --------------------------------------------------------------------------------------------- */

typedef struct text_case {
    const char *text;
    int written;
    bool prepares, loads, stores;
} text_case;

static void an_instruction_says_what_it_does(void **state) {
    (void)state;
    static const text_case cases[] = {
        {"vxorps %xmm0, %xmm0, %xmm0", 0, true, false, false},
        {"vpternlogd $255, %zmm3, %zmm3, %zmm3", 3, true, false, false},
        {"kxnorw %k1, %k1, %k1", 101, true, false, false},
        {"xorl %r9d, %r9d", 209, true, false, false},
        {"movl $64, %eax", 200, true, false, false},
        {"leaq (%rip), %r14", 214, true, false, false},
        {"vbroadcastss (%rip), %ymm1", 1, true, true, false},
        {"vmovaps (%rip), %zmm31", 31, true, true, false},
        {"andps (%rip), %xmm1", 1, false, true, false},
        {"vandps (%rip), %ymm2, %ymm2", 2, false, true, false},
        {"vsubps %ymm1, %ymm1, %ymm1", 1, false, false, false},
        {"vmovups (%rcx,%rsi,4), %ymm1", 1, false, true, false},
        {"vmovups %ymm1, (%rdx,%rsi,4)", -1, false, false, true},
        {"cmpq %rcx, %rdi", -1, false, false, false},
        {"movb %al, %sil", 206, false, false, false},
        {"pushq %rbp", -1, false, false, false},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const text_case *c = &cases[k];
        instruction_facts f = wn_instruction_facts(c->text, false);
        if (f.written != c->written || f.prepares != c->prepares || f.loads != c->loads ||
            f.stores != c->stores)
            fail_msg("%s: writes %d, prepares %d, loads %d, stores %d", c->text, f.written,
                     f.prepares, f.loads, f.stores);
    }
    assert_true(wn_instruction_mentions("vmovups (%rcx,%r10,4), %ymm1", 210));
    assert_false(wn_instruction_mentions("vmovups (%rcx,%r10,4), %ymm1", 203));
}

static void a_constant_is_read_as_its_instruction_does(void **state) {
    (void)state;
    static const unsigned char half[] = {0, 0, 0, 0x3f}, sign[] = {0, 0, 0, 0x80},
                               ones[16] = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0},
                               lanes[16] = {0, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0},
                               two[8] = {0, 0, 0, 0, 0, 0, 0, 0x40};
    static const struct {
        const char *text;
        const unsigned char *bytes;
        size_t size;
        const char *constant;
    } cases[] = {
        {"vbroadcastss (%rip), %ymm1", half, 4, "0.5"},
        {"vmulps (%rip){1to16}, %zmm0, %zmm0", half, 4, "0.5"},
        {"vaddss (%rip), %xmm0, %xmm0", half, 4, "0.5"},
        {"vpbroadcastd (%rip), %ymm1", sign, 4, "0x80000000"},
        {"vpbroadcastd (%rip), %xmm1", sign, 4, "0x80000000"},
        {"vbroadcasti32x4 (%rip), %zmm2", lanes, 16, "0, 4, 8, 12"},
        {"vxorps (%rip){1to16}, %zmm0, %zmm0", sign, 4, "0x80000000"},
        {"vbroadcastsd (%rip), %zmm1", two, 8, "2.0"},
        {"vpaddw (%rip), %xmm0, %xmm0", ones, 16, "1"},
        {"vpaddd (%rip), %xmm0, %xmm0", ones, 16, "0x10001"},
        {"vmovdqa (%rip), %xmm2", lanes, 16, "0, 4, 8, 12"},
        {"vbroadcasti128 (%rip), %ymm2", lanes, 16, "0, 4, 8, 12"},
        {"pshufb (%rip), %xmm2", lanes, 16, "0, 0, 0, 0, ..."},
        {"addl (%rip), %eax", ones, 4, "0x10001"},
        {"vmovdqa (%rip), %ymm2", lanes, 16, ""},
        {"vpmovzxbd (%rip), %xmm2", lanes, 16, ""},
        {"leaq (%rip), %rax", lanes, 16, "table"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char constant[96];
        wn_instruction_constant(cases[k].text, cases[k].bytes, cases[k].size, constant);
        if (strcmp(constant, cases[k].constant) != 0)
            fail_msg("%s reads %s, not %s", cases[k].text, constant, cases[k].constant);
    }
}

/* ---- Memory that runs out --------------------------------------------------------------------------------------------- */

static bool try_document(counted_memory *m) {
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = m};
    wn_context *c = wn_context_new(&options);
    wn_graph *g = c ? wn_graph_new(c) : NULL;
    size_t length = 0;
    if (g) {
        wn_trace(g);
        wn_parse(g, TEXT, strlen(TEXT));
    }
    bool built = g && wn_graph_status(g) == WN_OK;
    char *json = g ? wn_inspect(g, NULL, WN_VIEW_JSON, &length) : NULL;
    if (json) assert_null(json_first_fault(json, length));
    if (g && built && !json) assert_int_equal(wn_graph_status(g), WN_ERROR_MEMORY);
    wn_text_free(c, json, length);
    wn_graph_free(g);
    wn_context_free(c);
    return built && json != NULL;
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    bool done = false;
    int64_t n = 0;
    for (; !done; n += 1 + n / 100) {
        counted_memory m = {n, 0};
        done = try_document(&m);
        assert_int_equal(m.live, 0);
    }
    assert_true(n > 50);
}

/* Also where the message is longer than an error's, and memory runs out on it. */
static void what_is_incomplete_always_says_why(void **state) {
    (void)state;
    counted_memory m = {-1, 0};
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = &m};
    fixture f = {wn_context_new(&options), NULL};
    f.g = wn_graph_new(f.context);
    wn_graph_fail(f.g, WN_ERROR_SYNTAX, "%600d", 7);
    assert_non_null(f.g->long_message);
    for (int64_t n = 0; m.until_failure <= 0; n++) {
        m.until_failure = n;
        wn_inspection *i = wn_inspection_new(f.g, NULL);
        if (i) assert_string_not_equal(wn_inspection_error(i), "");
        if (m.until_failure > 0) assert_string_equal(wn_inspection_error(i), f.g->long_message);
        wn_inspection_free(i);
    }
    m.until_failure = -1;
    tear_down(f);
    assert_int_equal(m.live, 0);
}

/* A trace that could not keep the text has no places in it. */
static void what_is_not_kept_has_no_places(void **state) {
    (void)state;
    counted_memory m = {-1, 0};
    wn_context_options options = {
        .size = sizeof options, .allocate = allocate_counted, .allocate_user = &m};
    fixture f = {wn_context_new(&options), NULL};
    size_t count, length;
    f.g = wn_graph_new(f.context);
    wn_node x = wn_input(f.g, "x", WN_F32, WN_ANY);
    wn_output(f.g, "y", wn_negative(x));
    wn_trace(f.g);
    m.until_failure = 0;
    wn_trace_text(f.g, "x", 1);
    m.until_failure = -1;
    wn_trace_spelling(f.g, x.id, 0, 1);
    wn_inspection *i = wn_inspection_new(f.g, NULL);
    const wn_spelling *s = wn_inspection_spellings(i, &count);
    wn_inspection_text(i, &length);
    for (size_t k = 0; k < count; k++)
        assert_true(s[k].name || s[k].end <= length);
    wn_inspection_free(i);
    tear_down(f);
    assert_int_equal(m.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_has_every_part),
        cmocka_unit_test(any_bytes_give_a_document),
        cmocka_unit_test(places_are_counted_in_characters),
        cmocka_unit_test(what_fails_is_explained_as_far_as_it_got),
        cmocka_unit_test(what_is_no_graph_is_refused),
        cmocka_unit_test(equal_graphs_give_equal_bytes),
        cmocka_unit_test(a_kernel_of_a_cache_is_shown_as_its_graph),
        cmocka_unit_test(a_spoiled_object_is_never_read_outside),
        cmocka_unit_test(a_line_table_of_dwarf_5_is_read),
        cmocka_unit_test(a_line_program_only_goes_on),
        cmocka_unit_test(an_instruction_says_what_it_does),
        cmocka_unit_test(a_constant_is_read_as_its_instruction_does),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(what_is_incomplete_always_says_why),
        cmocka_unit_test(what_is_not_kept_has_no_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
