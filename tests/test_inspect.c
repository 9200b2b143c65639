/*
 * test_inspect.c - from the text to the instruction and back: every operation, on every instruction set. What an inspection says must be complete
 * both ways, and looking must change nothing.
 */
#include "inspect_fixture.h"

#include "recipe.h"

#include "jit/object.h"
#include "jit/provider.h"
#include "run/inspection.h"
#include "run/kernel.h"

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
                                    "sum(b)",
                                    "mean(i16(b), where=m)",
                                    "mean(m)",
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

/* ---- Complete both ways ---------------------------------------------------------------------------------------------------- */

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
            const kernel_recipe how = {copy, bitmaps, WN_ENGINE_JIT, {.isa = ISAS[n]}};
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
            const wn_target target = {.isa = ISAS[n], .vbmi2 = vbmi2};
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
        compare_graph(g, (wn_target){.isa = isa}, b.text);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
