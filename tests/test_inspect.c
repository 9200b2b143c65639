/*
 * test_inspect.c - from the text to the instruction and back: every operation, on every instruction set. What an inspection says must be complete
 * both ways, and looking must change nothing.
 */
#include "graph_fixture.h"

#include "recipe.h"

#include "jit/object.h"
#include "jit/provider.h"
#include "run/inspection.h"
#include "run/kernel.h"

#include <elf.h>
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

/* What the rows of ops.def do not have: the operations that change the number of elements, reductions, and several at once. */
static const char *const TEXTS[] = {"x[m]",
                                    "x[x < 0]",
                                    "b[m]",
                                    "h[m]",
                                    "d[m]",
                                    "sqrt(x[m]) + y[m]",
                                    "t[m]",
                                    "nonzero(x)",
                                    "nonzero(m)",
                                    "expand(x[m] * 2, m, x)",
                                    "expand(y, m, x)",
                                    "expand(b, m, 0)",
                                    "place(x, m, y)",
                                    "putmask(x, m, y)",
                                    "compress(m, x, axis=0)",
                                    "x[m][x[m] > 1]",
                                    "x[m][k]",
                                    "count(m)",
                                    "count(x)",
                                    "any(m)",
                                    "all(i)",
                                    "sum(x)",
                                    "sum(i)",
                                    "sum(x, where=m)",
                                    "sum(x[m])",
                                    "prod(d)",
                                    "mean(x)",
                                    "mean(i)",
                                    "min(x)",
                                    "max(i, where=m, initial=0)",
                                    "min(m)",
                                    "argmin(x)",
                                    "argmax(i)",
                                    "argmin(b)",
                                    "sum(r, axis=1)",
                                    "sum(t, axis=1)",
                                    "sum(t, axis=0)",
                                    "x > mean(x)",
                                    "where(m, x, sum(x[m]))",
                                    "output u = x[m]; output v = y[m]; output w = count(m);",
                                    "clip(x, 0, 1)",
                                    "select(x < 0, -1, x > 0, 1, 0)",
                                    "f32(i)",
                                    "i32(x)",
                                    "f16(x)",
                                    "f32(h)",
                                    "bool(x)",
                                    "i64(b)",
                                    "f64(x) + d",
                                    "x * s",
                                    "sqrt(s) + x",
                                    "x",
                                    "1",
                                    "output u = x; output v = x;",
                                    "where(m, i * 3, j // i) % 7",
                                    "output p = x * 2 + y; output q = x * 2 - y;",
                                    "m & !k ^ (i < 300)",
                                    "h[m & k][h[m & k] > 0]",
                                    "output n = sum(x); output o = x[x > sum(x)];"};
#define TEXT_COUNT (sizeof TEXTS / sizeof *TEXTS)

/* ---- Inspections ------------------------------------------------------------------------------------------------------ */

static wn_inspection *inspect(fixture f, const char *text, wn_isa isa) {
    const wn_compile_options options = {.size = sizeof options, .isa = isa};
    wn_trace(f.g);
    wn_parse(f.g, INPUTS, strlen(INPUTS));
    wn_parse(f.g, text, strlen(text));
    wn_inspection *i = wn_inspection_new(f.g, &options);
    assert_non_null(i);
    return i;
}

static bool is_served(const wn_inspection *i, wn_origin o) {
    size_t count;
    const wn_instruction *all = wn_inspection_instructions(i, &count);
    for (size_t k = 0; k < count; k++)
        if (all[k].of.serves == o.serves && all[k].of.number == o.number) return true;
    return false;
}

/* Every instruction says what it serves; together they are all of each function's bytes. */
static void check_instructions(const wn_inspection *i, const char *text) {
    size_t function_count, count, node_count;
    const wn_function_info *functions = wn_inspection_functions(i, &function_count);
    const wn_instruction *all = wn_inspection_instructions(i, &count);
    wn_inspection_nodes(i, &node_count);
    for (size_t f = 0; f < function_count; f++) {
        uint32_t at = functions[f].offset;
        for (uint32_t k = 0; k < functions[f].instruction_count; k++) {
            const wn_instruction *n = &all[functions[f].first_instruction + k];
            if (n->of.serves == WN_SERVES_NOTHING)
                fail_msg("%s: %s: nobody is served by %s", text, functions[f].name, n->text);
            if (n->of.serves == WN_SERVES_NODE) assert_in_range(n->of.number, 1, node_count);
            assert_int_equal(n->offset, at);
            assert_string_not_equal(n->text, "(bad)");
            at += n->length;
        }
        assert_int_equal(at, functions[f].offset + functions[f].bytes);
        assert_true(functions[f].loops >= 1);
        assert_true(functions[f].loop_begin < functions[f].loop_end &&
                    functions[f].loop_instructions > 0);
        assert_true(functions[f].elements > 1);
    }
}

/* Every node has instructions, as many as say that they serve it, or what became of it leads to some. */
static void check_nodes(const wn_inspection *i, const char *text) {
    size_t count, instruction_count;
    const wn_node_info *nodes = wn_inspection_nodes(i, &count);
    const wn_instruction *all = wn_inspection_instructions(i, &instruction_count);
    for (uint32_t id = 1; id <= count; id++) {
        const wn_node_info *n = &nodes[id - 1];
        uint32_t own = 0;
        for (size_t k = 0; k < instruction_count; k++)
            own += all[k].of.serves == WN_SERVES_NODE && all[k].of.number == id;
        assert_int_equal(n->instructions, own);
        bool leads = n->into.serves != WN_SERVES_NOTHING && is_served(i, n->into);
        bool ok = false;
        switch (n->fate) {
        case WN_FATE_CODE: ok = own > 0; break;
        case WN_FATE_HOISTED: ok = own > 0 && n->loop_instructions == 0; break;
        case WN_FATE_LOADED:
            ok = leads && !strcmp(n->op, "input") && n->loop_instructions == 0;
            break;
        case WN_FATE_ABSORBED:
        case WN_FATE_PACKED: ok = leads; break;
        case WN_FATE_CONSTANT: ok = own == 0; break;
        case WN_FATE_C:
        case WN_FATE_UNUSED: ok = n->loop_instructions == 0; break;
        case WN_FATE_UNKNOWN: break;
        }
        if (!ok)
            fail_msg("%s: node %u (%s, %s): fate %d, into %d %u, %u instructions", text, id, n->op,
                     n->label, (int)n->fate, (int)n->into.serves, n->into.number, own);
    }
}

/* Each instruction of the IR comes from somewhere. */
static void check_ir(const wn_inspection *i, const char *text) {
    size_t function_count;
    const wn_function_info *f = wn_inspection_functions(i, &function_count);
    const wn_line *ir = wn_inspection_ir(i, NULL);
    for (size_t n = 0; n < function_count; n++) {
        assert_true(f[n].ir_count > 3 && f[n].optimized_count > 3);
        for (uint32_t k = 1; k < f[n].ir_count; k++) {
            const wn_line *l = &ir[f[n].first_ir + k];
            if (l->text[0] == ' ' && l->of.serves == WN_SERVES_NOTHING)
                fail_msg("%s: %s comes from nowhere", text, l->text);
        }
    }
}

/* Every stage's decision is there, and every node without code is explained. */
static void check_ledger(const wn_inspection *i, const char *text) {
    size_t count, node_count, stage_count, function_count, explained = 0, cuts = 0, widths = 0,
                                                           functions = 0, wanted = 0, loops = 0;
    wn_inspection_functions(i, &function_count);
    const wn_decision *d = wn_inspection_decisions(i, &count);
    const wn_node_info *nodes = wn_inspection_nodes(i, &node_count);
    const wn_stage_info *stages = wn_inspection_stages(i, &stage_count);
    for (size_t k = 0; k < stage_count; k++)
        assert_true(*stages[k].reason && !strchr(stages[k].reason, '\n'));
    for (size_t k = 0; k < stage_count; k++)
        loops += strcmp(stages[k].kind, "whole") != 0;
    for (size_t k = 0; k < count; k++) {
        explained += !strcmp(d[k].pass, "code");
        cuts += !strcmp(d[k].pass, "plan");
        widths += !strcmp(d[k].pass, "lanes");
        functions += !strcmp(d[k].pass, "functions");
        assert_true(d[k].rule[0] && d[k].reason[0] && d[k].before[0]);
    }
    for (size_t k = 0; k < node_count; k++)
        wanted += nodes[k].fate != WN_FATE_CODE;
    assert_int_equal(widths, loops);
    assert_int_equal(functions, function_count);
    if (explained != wanted || cuts != stage_count)
        fail_msg("%s: %zu of %zu nodes without code, %zu of %zu cuts explained", text, explained,
                 wanted, cuts, stage_count);
}

static void check_complete(const wn_inspection *i, const char *text) {
    assert_string_equal(wn_inspection_error(i), "");
    check_instructions(i, text);
    check_nodes(i, text);
    check_ir(i, text);
    check_ledger(i, text);
}

/* The node that these bytes of the text asked for; 0 if it is not alive. */
static uint32_t node_spelled(const wn_inspection *i, const char *text) {
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
static uint32_t node_named(const wn_inspection *i, const char *name) {
    size_t count;
    const wn_node_info *nodes = wn_inspection_nodes(i, &count);
    for (uint32_t id = 1; id <= count; id++)
        if (!strcmp(nodes[id - 1].label, name)) return id;
    fail_msg("nothing is called %s", name);
    return 0;
}

/* ---- Every operation -------------------------------------------------------------------------------------------------- */

/* An expression of one operation over inputs of a type that it takes. */
static void write_operation(op o, char *text, size_t size) {
    const op_row *row = wn_op_row(o);
    static const char *const operands[][3] = {
        [TAKES_ALL] = {"x", "y", ""},     [TAKES_NUMBER] = {"x", "y", ""},
        [TAKES_BOOLEAN] = {"m", "k", ""}, [TAKES_INTEGER] = {"i", "j", ""},
        [TAKES_FLOAT] = {"x", "y", ""},   [TAKES_CHOICE] = {"m", "x", "y"}};
    const char *const *a = operands[row->takes];
    if (row->arity == 1)
        snprintf(text, size, "%s(%s)", row->name, a[0]);
    else if (row->arity == 2)
        snprintf(text, size, "%s(%s, %s)", row->name, a[0], a[1]);
    else
        snprintf(text, size, "%s(%s, %s, %s)", row->name, a[0], a[1], a[2]);
}

static void every_operation_is_followed_to_its_instructions(void **state) {
    (void)state;
    for (op o = OP_first_elementwise_; o < OP_end_; o++)
        for (size_t n = 0; n < ISA_COUNT; n++) {
            char text[80];
            write_operation(o, text, sizeof text);
            fixture f = set_up();
            wn_inspection *i = inspect(f, text, ISAS[n]);
            check_complete(i, text);
            uint32_t id = node_spelled(i, text);
            const wn_node_info *nodes = wn_inspection_nodes(i, NULL);
            if (!id || nodes[id - 1].fate == WN_FATE_C || !nodes[id - 1].line)
                fail_msg("%s has no node, or that has no line or no code", text);
            wn_inspection_free(i);
            tear_down(f);
        }
}

/* On other types too, each on one of the instruction sets in turn: narrow ones meet wide ones, and halves are computed as floats. */
static void operations_on_every_type_are_complete_both_ways(void **state) {
    (void)state;
    size_t turn = 0;
    for (op o = OP_first_elementwise_; o < OP_end_; o++)
        for (wn_type type = 0; type < WN_TYPE_COUNT; type++) {
            const char *name = wn_type_name(type), *operands[] = {"p", "p, q", "m, p, q"};
            char text[160];
            if (!wn_op_takes(o, type)) continue;
            snprintf(text, sizeof text, "input p: %s[?]; input q: %s[?]; %s(%s)", name, name,
                     wn_op_row(o)->name, operands[wn_op_row(o)->arity - 1]);
            fixture f = set_up();
            wn_inspection *i = inspect(f, text, ISAS[turn++ % ISA_COUNT]);
            check_complete(i, text);
            wn_inspection_free(i);
            tear_down(f);
        }
    assert_true(turn > 200);
}

/* From every type to every other. */
static void casts_are_complete_both_ways(void **state) {
    (void)state;
    for (wn_type from = 0; from < WN_TYPE_COUNT; from++)
        for (size_t n = 0; n < ISA_COUNT; n++) {
            char text[800];
            size_t used = (size_t)snprintf(text, sizeof text, "input p: %s[?];", wn_type_name(from));
            for (wn_type to = 0; to < WN_TYPE_COUNT; to++)
                used += (size_t)snprintf(text + used, sizeof text - used, " output o%d = %s(p);",
                                         (int)to, wn_type_name(to));
            fixture f = set_up();
            wn_inspection *i = inspect(f, text, ISAS[n]);
            check_complete(i, text);
            wn_inspection_free(i);
            tear_down(f);
        }
}

static void every_other_text_is_complete_both_ways(void **state) {
    (void)state;
    for (size_t t = 0; t < TEXT_COUNT; t++)
        for (size_t n = 0; n < ISA_COUNT; n++) {
            fixture f = set_up();
            wn_inspection *i = inspect(f, TEXTS[t], ISAS[n]);
            check_complete(i, TEXTS[t]);
            wn_inspection_free(i);
            tear_down(f);
        }
}

/* Of the kernels for arrays that are bitmaps, too. */
static void kernels_for_bitmaps_are_complete_both_ways(void **state) {
    (void)state;
    static const char *const texts[] = {
        "x[m]", "m & !k", "where(m, x, 0)", "x[m & k]",      "sum(x, where=m)", "expand(y, m, x)",
        "t[m]", "x < y",  "count(m)",       "where(m, d, 1)"};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        for (size_t n = 0; n < ISA_COUNT; n++) {
            fixture f = set_up();
            wn_parse(f.g, INPUTS, strlen(INPUTS));
            wn_parse(f.g, texts[t], strlen(texts[t]));
            wn_graph *copy = wn_graph_copy(f.g);
            bool bitmaps[32] = {false};
            for (uint32_t k = 0; k < copy->input_count; k++)
                bitmaps[k] = graph_node(copy, copy->inputs[k])->type == WN_BOOL;
            for (uint32_t k = 0; k < copy->output_count; k++)
                bitmaps[copy->input_count + k] = graph_node(copy, copy->outputs[k])->type == WN_BOOL;
            const kernel_recipe how = {copy, bitmaps, WN_ENGINE_JIT, {ISAS[n], false}};
            wn_kernel *kernel = NULL;
            wn_error error = {WN_OK, ""};
            if (wn_isa_available(ISAS[n])) {
                if (wn_kernel_make(&how, &kernel, &error) != WN_OK) fail_msg("%s", error.message);
                wn_inspection *i = wn_inspection_of_kernel(kernel);
                check_complete(i, texts[t]);
                wn_inspection_free(i);
                wn_kernel_free(kernel);
            }
            wn_graph_free(copy);
            tear_down(f);
        }
}

/* A binding to bitmaps leads to their kernel, and that to how a bit becomes a lane. */
static void a_binding_leads_to_the_kernel_for_its_bitmaps(void **state) {
    (void)state;
    fixture f = set_up();
    float x[128], y[128];
    unsigned char bits[16] = {5};
    size_t count, found = 0;
    wn_error error = {WN_OK, ""};
    wn_parse(f.g, "input x: f32[?]; input m: bool[?]; where(m, x, 0)", 49);
    wn_kernel *kernel = wn_compile(f.g, NULL);
    wn_array in[] = {wn_vector(WN_F32, x, 128), wn_bitmap(bits, 0, 128)},
             out = wn_vector(WN_F32, y, 128);
    wn_binding *binding = NULL;
    if (wn_bind(kernel, in, 2, &out, 1, &binding, &error) != WN_OK) fail_msg("%s", error.message);
    assert_ptr_not_equal(wn_binding_kernel(binding), kernel);
    assert_null(wn_binding_kernel(NULL));
    wn_inspection *i = wn_inspection_of_kernel(wn_binding_kernel(binding));
    const wn_decision *d = wn_inspection_decisions(i, &count);
    for (size_t k = 0; k < count; k++)
        found += !strcmp(d[k].pass, "emit") && !strcmp(d[k].before, "m") &&
                 !strncmp(d[k].rule, "a bitmap's bits are ", 20);
    assert_int_equal(found, 1);
    wn_inspection_free(i);
    wn_binding_free(binding);
    wn_kernel_free(kernel);
    tear_down(f);
}

/* Nothing is left out above: each kind of stage and each function has been seen. */
static void every_kind_of_stage_and_function_is_among_them(void **state) {
    (void)state;
    static const char *const kinds[] = {"map", "pack", "rows", "reduce", "expand", "whole"};
    bool stages[6] = {false}, functions[KERNEL_FUNCTION_COUNT] = {false};
    for (size_t t = 0; t < TEXT_COUNT; t++) {
        fixture f = set_up();
        wn_inspection *i = inspect(f, TEXTS[t], WN_ISA_PORTABLE);
        size_t count;
        const wn_stage_info *s = wn_inspection_stages(i, &count);
        for (size_t k = 0; k < count; k++)
            for (size_t j = 0; j < 6; j++)
                stages[j] |= !strcmp(s[k].kind, kinds[j]);
        const wn_function_info *all = wn_inspection_functions(i, &count);
        for (size_t k = 0; k < count; k++)
            for (size_t j = 0; j < KERNEL_FUNCTION_COUNT; j++)
                functions[j] |= !strcmp(all[k].kind, kernel_function_name[j]);
        wn_inspection_free(i);
        tear_down(f);
    }
    for (size_t j = 0; j < 6; j++)
        if (!stages[j]) fail_msg("no stage is %s", kinds[j]);
    for (size_t j = 0; j < KERNEL_FUNCTION_COUNT; j++)
        if (!functions[j]) fail_msg("no function is %s", kernel_function_name[j]);
}

/* ---- Looking changes nothing ------------------------------------------------------------------------------------------ */

static const wn_provider *provider(void) {
    wn_error error = {WN_OK, ""};
    const wn_provider *p = wn_provider_open(NULL, &error);
    if (!p) fail_msg("%s", error.message);
    return p;
}

static void compile(const wn_plan *plan, wn_target target, provider_functions functions,
                    const provider_debug *debug, provider_result *result) {
    const provider_request request = {
        .plan = plan, .target = target, .functions = functions, .debug = debug};
    wn_error error = {WN_OK, ""};
    if (provider()->compile(&request, result, &error) != WN_OK) fail_msg("%s", error.message);
}

/* The code with debug information is the code without it, byte by byte. */
static void compare_code(const wn_graph *g, const wn_plan *plan, wn_target target, const char *text) {
    wn_context *c = g->context;
    wn_buffer b = {.context = c};
    wn_spot *nodes = calloc(g->node_count, sizeof *nodes),
            *outputs = calloc(g->output_count + 1, sizeof *outputs);
    wn_print_listing_places(g, &b, nodes, outputs);
    const provider_debug debug = {"listing", "/", nodes, outputs};
    for (provider_functions f = FUNCTIONS_ALL; f <= FUNCTIONS_LATE; f++) {
        provider_result plain = {0}, with = {0};
        object_view a, w;
        compile(plan, target, f, NULL, &plain);
        compile(plan, target, f, &debug, &with);
        assert_null(plain.elements);
        wn_status first = wn_object_open(c, plain.object, plain.object_size, &a, NULL),
                  second = wn_object_open(c, with.object, with.object_size, &w, NULL);
        assert_int_equal(first, second);
        if (first == WN_OK) {
            assert_int_equal(a.row_count, 0);
            assert_true(a.code.size == 0 || w.row_count > 0);
            if (a.code.size != w.code.size || memcmp(a.code.bytes, w.code.bytes, a.code.size) != 0)
                fail_msg("%s on isa %d, functions %d: debug information changes the code", text,
                         target.isa, f);
        }
        wn_object_free(c, &a);
        wn_object_free(c, &w);
        provider()->release(&plain);
        provider()->release(&with);
    }
    free(nodes);
    free(outputs);
    wn_buffer_free(&b);
}

static void compare_graph(const wn_graph *g, wn_target target, const char *text) {
    wn_graph *copy = wn_graph_copy(g);
    wn_plan *plan = wn_plan_new(g->context, copy, NULL, target.isa, NULL);
    assert_non_null(plan);
    compare_code(copy, plan, target, text);
    wn_plan_free(plan);
    wn_graph_free(copy);
}

static void compare_text(const char *text, wn_target target) {
    fixture f = set_up();
    wn_parse(f.g, INPUTS, strlen(INPUTS));
    wn_parse(f.g, text, strlen(text));
    compare_graph(f.g, target, text);
    tear_down(f);
}

static void debug_information_changes_no_instruction(void **state) {
    (void)state;
    for (size_t n = 0; n < ISA_COUNT; n++)
        for (int vbmi2 = 0; vbmi2 <= (ISAS[n] == WN_ISA_X86_64_V4); vbmi2++) {
            const wn_target target = {ISAS[n], vbmi2};
            for (size_t t = 0; t < TEXT_COUNT; t++)
                compare_text(TEXTS[t], target);
            for (op o = OP_first_elementwise_; o < OP_end_; o++) {
                char text[80];
                write_operation(o, text, sizeof text);
                compare_text(text, target);
            }
        }
}

/* Random graphs are complete both ways too, and not changed by looking. */
static void random_graphs_are_as_well(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        wn_context *c = wn_context_new(NULL);
        recipe r = recipe_random(seed);
        wn_graph *g = recipe_graph(c, &r, r.outputs, r.output_count);
        const wn_isa isa = ISAS[seed % ISA_COUNT];
        const wn_compile_options options = {.size = sizeof options, .isa = isa};
        wn_buffer b = {.context = c};
        assert_non_null(g);
        expect_ok(g);
        wn_print_listing(g, &b);
        wn_inspection *i = wn_inspection_new(g, &options);
        check_complete(i, b.text);
        compare_graph(g, (wn_target){isa, false}, b.text);
        wn_inspection_free(i);
        wn_buffer_free(&b);
        wn_graph_free(g);
        wn_context_free(c);
    }
}

static void a_trace_changes_no_graph(void **state) {
    (void)state;
    for (size_t t = 0; t < TEXT_COUNT; t++) {
        fixture plain = set_up(), traced = set_up();
        wn_trace(traced.g);
        for (int k = 0; k < 2; k++) {
            wn_graph *g = k ? traced.g : plain.g;
            wn_parse(g, INPUTS, strlen(INPUTS));
            wn_parse(g, TEXTS[t], strlen(TEXTS[t]));
        }
        assert_true(same_key(plain.g, traced.g));
        tear_down(plain);
        tear_down(traced);
    }
}

/* ---- Figures ---------------------------------------------------------------------------------------------------------- */

static const wn_function_info *function_named(const wn_inspection *i, const char *name) {
    size_t count;
    const wn_function_info *f = wn_inspection_functions(i, &count);
    for (size_t k = 0; k < count; k++)
        if (!strcmp(f[k].name, name)) return &f[k];
    fail_msg("there is no %s", name);
    return NULL;
}

#if defined(__x86_64__)
static void figures_are_what_a_reader_counts(void **state) {
    (void)state;
    fixture f = set_up();
    wn_inspection *i = inspect(f, "where(x < 0, 0, x)", WN_ISA_X86_64_V3);
    const wn_function_info *map = function_named(i, "wn_map_0");
    assert_int_equal(map->loops, 1);
    assert_int_equal(map->loop_instructions, 11); /* 4 vmaxps, 4 vmovups, add, cmp, jl */
    assert_int_equal(map->loop_loads, 4);
    assert_int_equal(map->loop_stores, 4);
    assert_int_equal(map->spills, 0);
    assert_int_equal(map->vector_bits, 256);
    assert_int_equal(map->elements, 32);
    assert_int_equal(wn_inspection_figures(i)->bytes_per_element, 8);
    assert_int_equal(wn_inspection_figures(i)->stages, 1);
    wn_inspection_free(i);
    tear_down(f);
}

/* The loop of a reduction is the one over whole rows, not those for what is left or for the leaves. */
static void a_reductions_loop_is_the_one_over_rows(void **state) {
    (void)state;
    static const char *const texts[] = {"sum(x)",   "sum(i)", "min(x)",
                                        "count(m)", "sum(b)", "argmin(x)"};
    for (size_t t = 0; t < 6; t++)
        for (size_t n = 2; n < ISA_COUNT; n++) {
            fixture f = set_up();
            wn_inspection *i = inspect(f, texts[t], ISAS[n]);
            const wn_function_info *r = function_named(i, "wn_reduce_0");
            bool two = strcmp(texts[t], "sum(x)") == 0 && ISAS[n] == WN_ISA_X86_64_V4; /* leaves */
            assert_int_equal(r->elements, two ? 128 : 64);
            if (r->loop_stores) fail_msg("%s: its loop stores", texts[t]);
            assert_true(r->vector_bits >= 128);
            wn_inspection_free(i);
            tear_down(f);
        }
}
#endif

#if defined(__x86_64__)
/* The instruction that begins with these words; of several, the first. */
static const wn_instruction *instruction_like(const wn_inspection *i, const char *begin) {
    size_t count;
    const wn_instruction *all = wn_inspection_instructions(i, &count);
    for (size_t k = 0; k < count; k++)
        if (!strncmp(all[k].text, begin, strlen(begin))) return &all[k];
    fail_msg("there is no %s", begin);
    return NULL;
}

/* What is loaded before the loop serves whoever needs it there, whatever stands above it, and says what it is. */
static void what_is_prepared_serves_its_user(void **state) {
    (void)state;
    fixture f = set_up();
    wn_inspection *i = inspect(f, "v = x < 0; w = y * 0.5; where(v, w, x)", WN_ISA_X86_64_V3);
    const wn_instruction *half = instruction_like(i, "vbroadcastss (%rip)"),
                         *zero = instruction_like(i, "vxorps %xmm"),
                         *index = instruction_like(i, "xorl "),
                         *load = instruction_like(i, "vmovups (");
    assert_string_equal(half->constant, "0.5");
    assert_int_equal(half->of.number, node_spelled(i, "y * 0.5"));
    assert_int_equal(zero->of.number, node_spelled(i, "x < 0"));
    assert_int_equal(index->of.serves, WN_SERVES_LOOP);
    assert_string_equal(load->constant, "");
    wn_inspection_free(i);
    tear_down(f);
}

/* Nor the packing's: a comparison and the bits that it becomes. */
static void a_mask_that_is_counted_is_the_comparisons(void **state) {
    (void)state;
    for (size_t n = 0; n < ISA_COUNT; n++) {
        fixture f = set_up();
        wn_inspection *i = inspect(f, "v = x < 0; x[v]", ISAS[n]);
        const wn_function_info *c = function_named(i, "wn_count_0");
        const wn_instruction *all = wn_inspection_instructions(i, NULL);
        uint32_t own = 0, v = node_named(i, "v");
        for (uint32_t k = 0; k < c->instruction_count; k++) {
            const wn_instruction *at = &all[c->first_instruction + k];
            own += at->in_loop && at->of.serves == WN_SERVES_NODE && at->of.number == v;
        }
        assert_true(own > 0);
        wn_inspection_free(i);
        tear_down(f);
    }
}

/* An operand in memory is loaded by whoever has it. */
static void an_operand_in_memory_is_loaded_by_its_user(void **state) {
    (void)state;
    static const struct {
        const char *text, *input, *by;
    } cases[] = {{"where(x < 0, 0, x)", "x", "result"},
                 {"v = x * y; v + 1", "y", "v"},
                 {"w = h * h; w < 1", "h", "w"},
                 {"expand(y, m, x)", "y", "result"}};
    for (size_t t = 0; t < sizeof cases / sizeof *cases; t++) {
        fixture f = set_up();
        wn_inspection *i = inspect(f, cases[t].text, WN_ISA_X86_64_V3);
        const wn_node_info *n = &wn_inspection_nodes(i, NULL)[node_named(i, cases[t].input) - 1];
        if (n->fate != WN_FATE_LOADED || n->into.serves != WN_SERVES_NODE ||
            n->into.number != node_named(i, cases[t].by))
            fail_msg("%s: fate %d, into %u", cases[t].text, (int)n->fate, n->into.number);
        wn_inspection_free(i);
        tear_down(f);
    }
}

/* What LLVM makes one instruction of is the value's: a comparison and its bytes, a load and its cast. */
static void what_is_one_instruction_is_not_the_stores(void **state) {
    (void)state;
    for (size_t n = 0; n < ISA_COUNT; n++) {
        fixture f = set_up();
        wn_inspection *i = inspect(f, "c = x > y; output c; output e = i64(b);", ISAS[n]);
        const wn_node_info *nodes = wn_inspection_nodes(i, NULL),
                           *c = &nodes[node_named(i, "c") - 1], *e = &nodes[node_named(i, "e") - 1];
        assert_true(c->fate == WN_FATE_CODE && c->loop_instructions >= 4);
        bool converted = e->fate == WN_FATE_CODE ||
                         (e->fate == WN_FATE_ABSORBED && e->into.serves == WN_SERVES_NODE &&
                          e->into.number == node_named(i, "b"));
        if (!converted)
            fail_msg("isa %d: fate %d, into %d %u", ISAS[n], e->fate, e->into.serves, e->into.number);
        wn_inspection_free(i);
        tear_down(f);
    }
}

/* A load that only changes its type on the way to be packed is still its array's. */
static void a_packed_load_is_the_arrays(void **state) {
    (void)state;
    fixture f = set_up();
    wn_inspection *i = inspect(f, "x[m]", WN_ISA_X86_64_V4);
    const wn_function_info *scatter = function_named(i, "wn_scatter_0");
    const wn_instruction *all = wn_inspection_instructions(i, NULL);
    uint32_t loads = 0, x = node_named(i, "x");
    for (uint32_t k = 0; k < scatter->instruction_count; k++) {
        const wn_instruction *at = &all[scatter->first_instruction + k];
        loads += at->in_loop && at->of.serves == WN_SERVES_NODE && at->of.number == x;
    }
    assert_int_equal(loads, 4);
    wn_inspection_free(i);
    tear_down(f);
}
#endif

/* ---- Literals --------------------------------------------------------------------------------------------------------- */

/* A literal is spelled where it stands, and leads to the constant that it became there. */
static void a_literal_leads_to_its_constant(void **state) {
    (void)state;
    static const struct {
        const char *text, *literal, *constant;
    } cases[] = {
        {"x * 0.25", "0.25", "0.25"},
        {"where(x < 7, 2, x)", "7", "7.0"},
        {"where(x < 7, 2, x)", "2", "2.0"},
        {"b < 300", "300", "255"},
        {"i + 2 * 3", "2 * 3", "6"},
        {"i * -5", "-5", "-5"},
        {"clip(x, 0.5, 8)", "8", "8.0"},
        {"i64(i) + 3", "3", "3"},
        {"m | true | (x > inf)", "inf", "inf"},
        {"five = 5; x * five", "five", "5.0"},
        {"max(x, initial=9)", "9", "9.0"},
        {"select(m, 11, k, 12, x)", "12", "12.0"},
        {"42", "42", "42"},
    };
    for (size_t t = 0; t < sizeof cases / sizeof *cases; t++) {
        fixture f = set_up();
        wn_inspection *i = inspect(f, cases[t].text, WN_ISA_NATIVE);
        uint32_t id = node_spelled(i, cases[t].literal);
        const wn_node_info *nodes = wn_inspection_nodes(i, NULL);
        if (!id || strcmp(nodes[id - 1].op, "constant") != 0 ||
            strcmp(nodes[id - 1].label, cases[t].constant) != 0)
            fail_msg("%s: %s is %s", cases[t].text, cases[t].literal,
                     id ? nodes[id - 1].label : "nothing");
        wn_inspection_free(i);
        tear_down(f);
    }
}

/* Of equal literals each one leads to the constant of its own type, and one within another to none. */
static void equal_literals_lead_apart(void **state) {
    (void)state;
    static const char text[] =
        "output p = x * 3; output q = i + 3; output r = 3 * d; output s = y - (3 + 4);";
    static const wn_type types[] = {WN_F32, WN_I32, WN_F64};
    fixture f = set_up();
    wn_inspection *i = inspect(f, text, WN_ISA_NATIVE);
    const wn_node_info *nodes = wn_inspection_nodes(i, NULL);
    size_t count, found = 0;
    const wn_spelling *s = wn_inspection_spellings(i, &count);
    const char *source = wn_inspection_text(i, NULL);
    for (size_t begin = strlen(INPUTS); source[begin]; begin++)
        for (size_t k = 0; k < count; k++) {
            if (s[k].name || s[k].begin != begin || s[k].end != begin + 1 || source[begin] != '3')
                continue;
            assert_true(found < 3);
            assert_string_equal(nodes[s[k].node - 1].op, "constant");
            assert_int_equal(nodes[s[k].node - 1].type, types[found++]);
        }
    assert_int_equal(found, 3);
    wn_inspection_free(i);
    tear_down(f);
}

/* ---- The ledger ------------------------------------------------------------------------------------------------------- */

typedef struct ledger_case {
    const char *text, *pass, *rule, *before, *after;
} ledger_case;

static const ledger_case LEDGER[] = {
    {"!(x == y)", "simplify", "!(a == b) ==> a != b, !(a < b) ==> a >= b on integers",
     "logical_not(equal(x, y))", "result"},
    {"i * 1 + j", "simplify", "x * 1 ==> x", "multiply(i, 1)", "i"},
    {"where(!(x < 0), x, 0)", "simplify", "where(!c, x, y) ==> where(c, y, x)",
     "where(logical_not(v1), x, 0.0)", "result"},
    {"0.5 > x", "simplify", "f(K, x) ==> f'(x, K), and the older operand first where f commutes",
     "greater(0.5, x)", "result"},
    {"x * 2 + x * 2", "merge", "an equal value is there already", "multiply(x, 2.0)", "v1"},
    {"b < 300", "build", "x < int ==> the comparison in x's type that is always the same",
     "less(b, 300)", "result"},
    {"clip(x, 0, 1)", "build", "clip(x, lo, hi) ==> minimum(maximum(x, lo), hi)", "clip(x, 0, 1)",
     "result"},
    {"sum(x[m])", "build", "f(g(x[m])) ==> f(g(x), where=m)", "sum(boolean_mask(x, m))", "result"},
    {"mean(i)", "build", "a reduction ==> one of the few that graphs have, with casts", "mean(i)",
     "result"},
};

static void the_ledger_names_each_rewrite(void **state) {
    (void)state;
    for (size_t t = 0; t < sizeof LEDGER / sizeof *LEDGER; t++) {
        const ledger_case *c = &LEDGER[t];
        fixture f = set_up();
        wn_inspection *i = inspect(f, c->text, WN_ISA_NATIVE);
        size_t count;
        const wn_decision *d = wn_inspection_decisions(i, &count);
        bool found = false;
        for (size_t k = 0; k < count && !found; k++)
            found = !strcmp(d[k].pass, c->pass) && !strcmp(d[k].rule, c->rule) &&
                    !strcmp(d[k].before, c->before) && !strcmp(d[k].after, c->after);
        for (size_t k = 0; k < count && !found; k++)
            print_message("%s: %s: %s: %s ==> %s\n", c->text, d[k].pass, d[k].rule, d[k].before,
                          d[k].after);
        assert_true(found);
        wn_inspection_free(i);
        tear_down(f);
    }
}

#if defined(__x86_64__)
typedef struct choice_case {
    const char *text;
    wn_isa isa;
    const char *before, *rule; /* a part of it */
} choice_case;

static const choice_case CHOICES[] = {
    {"x[m]", WN_ISA_X86_64_V4, "result", "vpcompressd, 16 elements at once"},
    {"d[m]", WN_ISA_X86_64_V4, "result", "vpcompressq, 8 elements at once"},
    {"b[m]", WN_ISA_X86_64_V4, "result", "vpcompress"},
    {"x[m]", WN_ISA_X86_64_V3, "result",
     "packed by vpermd, 8 elements of 32 bits at once; its lanes come from a table of 1024 bytes"},
    {"d[m]", WN_ISA_X86_64_V3, "result",
     "4 elements of 64 bits at once; its lanes come from a table of 512 bytes"},
    {"b[m]", WN_ISA_X86_64_V3, "result",
     "packed by pshufb, 8 elements of 8 bits at once; its bytes come from a table of 2048 bytes"},
    {"h[m]", WN_ISA_X86_64_V3, "result", "of 16 bits at once; its bytes come from a table of 4096 bytes"},
    {"x[m]", WN_ISA_X86_64_V2, "result", "packed by pshufb, 4 elements of 32 bits at once"},
    {"x[m]", WN_ISA_PORTABLE, "result", "packed one element after the other"},
    {"expand(y, m, x)", WN_ISA_X86_64_V4, "result", "vpexpandd, 16 elements at once"},
    {"expand(y, m, x)", WN_ISA_X86_64_V3, "result", "expanded by vpermd"},
    {"x[x < 0]", WN_ISA_X86_64_V4, "result", "mask and values of the next 64 elements"},
    {"x[m]", WN_ISA_X86_64_V3, "m", "the mask's next word is found out before"},
    {"x[m]", WN_ISA_X86_64_V3, "result", "none of 64 elements is selected: nothing is done"},
    {"c = x < y; output u = x[c]; output v = y[c]; output w = x[c] * 2;", WN_ISA_X86_64_V4, "u",
     "the mask of the next 64 elements"},
    {"x[m]", WN_ISA_X86_64_V3, "result", "2 times 8 elements are evaluated before any of them is stored"},
    {"x + y", WN_ISA_X86_64_V3, "the loop", "stores that pass by the caches"},
    {"sum(x)", WN_ISA_X86_64_V4, "result", "added to 4 vectors of 16 lanes; leaf by leaf"},
    {"sum(x)", WN_ISA_X86_64_V4, "result", "two leaves of 1024 elements"},
    {"x * f32(m)", WN_ISA_X86_64_V4, "result", "a product with 0 under the opposite mask"},
    {"sum(i)", WN_ISA_X86_64_V4, "result", ", joined at the end"},
    {"min(x)", WN_ISA_X86_64_V3, "result", "signs and NaNs in three more"},
    {"min(x)", WN_ISA_X86_64_V4, "result", "NaNs in one more"},
    {"count(m)", WN_ISA_X86_64_V4, "result", "counted in"},
    {"argmin(x)", WN_ISA_X86_64_V4, "result", "the leaf in which each was found"},
    {"i // j", WN_ISA_X86_64_V3, "result", "divided as f64"},
    {"b // b", WN_ISA_X86_64_V3, "result", "divided as f32"},
    {"i // 7", WN_ISA_X86_64_V3, "result", "divided by a multiplication and shifts"},
    {"i64(i) % i64(j)", WN_ISA_X86_64_V3, "result", "divided one element after the other"},
    {"h * h", WN_ISA_X86_64_V3, "result", "computed as f32, and rounded"},
    {"h < 1", WN_ISA_X86_64_V3, "result", "computed as f32"},
    {"f16(d)", WN_ISA_X86_64_V3, "result", "rounded to f16 in two steps"},
    {"i32(x)", WN_ISA_X86_64_V3, "result", "what does not fit is set to 0"},
};

/* Each once, with a reason, and the stage and functions that it is about. */
static void the_ledger_says_what_the_emitters_chose(void **state) {
    (void)state;
    for (size_t t = 0; t < sizeof CHOICES / sizeof *CHOICES; t++) {
        const choice_case *c = &CHOICES[t];
        fixture f = set_up();
        wn_inspection *i = inspect(f, c->text, c->isa);
        size_t count, found = 0;
        const wn_decision *d = wn_inspection_decisions(i, &count);
        for (size_t k = 0; k < count; k++) {
            if (strcmp(d[k].pass, "emit") != 0) continue;
            found += strstr(d[k].rule, c->rule) && !strcmp(d[k].before, c->before);
            assert_true(*d[k].reason && d[k].stage == 1 && !strncmp(d[k].after, "wn_", 3));
            for (size_t j = 0; j < k; j++)
                assert_false(!strcmp(d[j].rule, d[k].rule) && !strcmp(d[j].before, d[k].before));
        }
        if (found != 1) fail_msg("%s on isa %d: %zu times: %s", c->text, c->isa, found, c->rule);
        wn_inspection_free(i);
        tear_down(f);
    }
}

/* What is chosen for the whole object is of no stage. */
static void the_ledger_says_what_holds_for_all(void **state) {
    (void)state;
    enum { TERMS = 1100 };
    char *text = calloc(TERMS, 24);
    size_t length = 0, count, found = 0;
    for (int k = 0; k < TERMS; k++)
        length += (size_t)snprintf(text + length, 24, "%s(x * %d.5)", k ? " + " : "", k + 1);
    fixture f = set_up();
    wn_inspection *i = inspect(f, text, WN_ISA_NATIVE);
    const wn_decision *d = wn_inspection_decisions(i, &count);
    for (size_t k = 0; k < count; k++)
        found += !strcmp(d[k].pass, "emit") && d[k].stage == 0 &&
                 !strcmp(d[k].after, "all functions") && strstr(d[k].rule, "left in the order");
    assert_int_equal(found, 1);
    wn_inspection_free(i);
    tear_down(f);
    free(text);
}
#endif

/* ---- Rules ------------------------------------------------------------------------------------------------------------ */

typedef struct check_case {
    const char *text, *rule;
    wn_status status;
    bool met, shows_code;
} check_case;

static const check_case CHECKS[] = {
    {"where(x < 0, 0, x)", "vectorized", WN_OK, true, false},
    {"where(x < 0, 0, x)", "loops==1", WN_OK, true, false},
    {"where(x < 0, 0, x)", "loops>1", WN_OK, false, false},
    {"where(x < 0, 0, x)", "no-spill", WN_OK, true, false},
    {"where(x < 0, 0, x)", "max-instructions<=14", WN_OK, true, false},
    {"where(x < 0, 0, x)", "max-instructions<=10", WN_OK, false, true},
    {"where(x < 0, 0, x)", "bytes-per-element<=8", WN_OK, true, false},
    {"where(x < 0, 0, x)", "bytes-per-element<8", WN_OK, false, false},
    {"where(x < 0, 0, x)", "isa>=v2", WN_OK, true, false},
    {"where(x < 0, 0, x)", "isa==x86-64-v3", WN_OK, true, false},
    {"where(x < 0, 0, x)", "isa!=v3", WN_OK, false, false},
    {"x > mean(x)", "loops==1", WN_OK, false, false},
    {"place(x, m, y)", "vectorized", WN_OK, false, false},
    {"x[", "vectorized", WN_ERROR_SYNTAX, false, false},
    {"x", "fast", WN_ERROR_ARGUMENT, false, false},
    {"x", "", WN_ERROR_ARGUMENT, false, false},
    {"x", "loops", WN_ERROR_ARGUMENT, false, false},
    {"x", "loops==", WN_ERROR_ARGUMENT, false, false},
    {"x", "loops=1", WN_ERROR_ARGUMENT, false, false},
    {"x", "loops==1x", WN_ERROR_ARGUMENT, false, false},
    {"x", "loops==99999999999999999999", WN_ERROR_ARGUMENT, false, false},
    {"x", "loops==4294967297", WN_ERROR_ARGUMENT, false, false}, /* 1, were it cut off at 32 bits */
    {"x", "loops<=4294967295", WN_OK, true, false},
    {"x", "vectorized==1", WN_ERROR_ARGUMENT, false, false},
    {"x", "isa>=3", WN_ERROR_ARGUMENT, false, false},
};

static void rules_are_met_or_not(void **state) {
    (void)state;
    for (size_t t = 0; t < sizeof CHECKS / sizeof *CHECKS; t++) {
        const check_case *c = &CHECKS[t];
        fixture f = set_up();
        wn_inspection *i = inspect(f, c->text, ISAS[ISA_COUNT > 2 ? 2 : 0]);
        wn_finding found;
        wn_status status = wn_check(i, c->rule, &found);
        if (status != c->status || found.met != c->met || (found.count > 0) != c->shows_code)
            fail_msg("%s on %s: status %d, met %d, %u instructions: %s", c->rule, c->text, status,
                     found.met, found.count, found.message);
        assert_true(found.message[0]);
        assert_int_equal(wn_check(i, c->rule, NULL), c->status);
        wn_inspection_free(i);
        tear_down(f);
    }
    assert_int_equal(wn_check(NULL, "vectorized", NULL), WN_ERROR_ARGUMENT);
}

/* Of another processor's instructions nothing is known: no rule about them is met, or broken. */
static void other_instructions_are_not_judged(void **state) {
    (void)state;
    fixture f = set_up();
    wn_inspection *i = inspect(f, "x + 1", WN_ISA_PORTABLE);
    i->object.machine = EM_AARCH64;
    assert_int_equal(wn_check(i, "no-spill", NULL), WN_ERROR_TARGET);
    assert_int_equal(wn_check(i, "max-instructions<=14", NULL), WN_ERROR_TARGET);
    assert_int_equal(wn_check(i, "loops==1", NULL), WN_OK);
    wn_inspection_free(i);
    tear_down(f);
}

#if defined(__x86_64__)
/* Thirty values that all live at once do not fit sixteen registers. */
static void a_spill_is_found(void **state) {
    (void)state;
    char text[4000] = "";
    for (int k = 0; k < 30; k++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "a%d = x * %d.5; b%d = sqrt(a%d); ", k, k, k, k);
    strcat(text, "output o = ");
    for (int k = 0; k < 30; k++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%sa%d / (b%d + a%d)",
                 k ? " + " : "", k, 29 - k, (k * 7) % 30);
    fixture f = set_up();
    wn_inspection *i = inspect(f, text, WN_ISA_X86_64_V2);
    wn_finding found;
    assert_int_equal(wn_check(i, "no-spill", &found), WN_OK);
    assert_false(found.met);
    const wn_instruction *all = wn_inspection_instructions(i, NULL);
    bool shown = false;
    for (uint32_t k = found.first; k < found.first + found.count; k++)
        shown |= strstr(all[k].text, "(%rsp)") != NULL;
    assert_true(shown);
    wn_inspection_free(i);
    tear_down(f);
}
#endif

int main(void) {
#if !defined(WN_LLVM_STATIC) && !defined(WN_TEST_LLVM_PATH)
    return 0; /* there is no code to look at; test_inspect_json has what remains */
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_followed_to_its_instructions),
        cmocka_unit_test(operations_on_every_type_are_complete_both_ways),
        cmocka_unit_test(casts_are_complete_both_ways),
        cmocka_unit_test(every_other_text_is_complete_both_ways),
        cmocka_unit_test(kernels_for_bitmaps_are_complete_both_ways),
        cmocka_unit_test(a_binding_leads_to_the_kernel_for_its_bitmaps),
        cmocka_unit_test(every_kind_of_stage_and_function_is_among_them),
        cmocka_unit_test(debug_information_changes_no_instruction),
        cmocka_unit_test(random_graphs_are_as_well),
        cmocka_unit_test(a_trace_changes_no_graph),
        cmocka_unit_test(a_literal_leads_to_its_constant),
        cmocka_unit_test(equal_literals_lead_apart),
        cmocka_unit_test(the_ledger_names_each_rewrite),
        cmocka_unit_test(rules_are_met_or_not),
        cmocka_unit_test(other_instructions_are_not_judged),
#if defined(__x86_64__)
        cmocka_unit_test(figures_are_what_a_reader_counts),
        cmocka_unit_test(a_reductions_loop_is_the_one_over_rows),
        cmocka_unit_test(a_spill_is_found),
        cmocka_unit_test(the_ledger_says_what_the_emitters_chose),
        cmocka_unit_test(the_ledger_says_what_holds_for_all),
        cmocka_unit_test(what_is_prepared_serves_its_user),
        cmocka_unit_test(a_packed_load_is_the_arrays),
        cmocka_unit_test(what_is_one_instruction_is_not_the_stores),
        cmocka_unit_test(a_mask_that_is_counted_is_the_comparisons),
        cmocka_unit_test(an_operand_in_memory_is_loaded_by_its_user),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
