/*
 * test_inspect_said.c - what an inspection says of code that is known: figures, where literals are, the ledger, and rules that are met or not.
 */
#include "inspect_fixture.h"

#include "run/inspection.h"

#include <elf.h>

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
    static const char *const texts[] = {"sum(x)",    "sum(i)",   "min(x)",
                                        "argmin(x)", "count(m)", "sum(b)"};
    enum { OF_BYTES = 4 }; /* whose rows are joined two at a time */
    for (size_t t = 0; t < 6; t++)
        for (size_t n = 2; n < ISA_COUNT; n++) {
            fixture f = set_up();
            wn_inspection *i = inspect(f, texts[t], ISAS[n]);
            const wn_function_info *r = function_named(i, "wn_reduce_0");
            bool leaves = strcmp(texts[t], "sum(x)") == 0 && ISAS[n] == WN_ISA_X86_64_V4;
            bool two = leaves || t >= OF_BYTES;
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
    {"sum(x[m][k[m]])", "build", "f(x[k][m[k]]) ==> f(x[k], where=m[k])",
     "sum(boolean_mask(v1, v2))", "result"},
    {"sum(where(x < 0, 1, 0))", "simplify",
     "where(c, 1, 0) ==> T(c), where(c, 0, 1) ==> T(!c) on integers", "where(v1, 1, 0)", "cast(v1, i64)"},
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
     "packed by pshufb, 8 elements of 8 bits at once; its bytes come from a table of 4096 bytes"},
    {"h[m]", WN_ISA_X86_64_V3, "result", "of 16 bits at once; its bytes come from a table of 4096 bytes"},
    {"x[m]", WN_ISA_X86_64_V2, "result", "packed by pshufb, 4 elements of 32 bits at once"},
    {"x[m]", WN_ISA_PORTABLE, "result", "packed one element after the other"},
    {"expand(y, m, x)", WN_ISA_X86_64_V4, "result", "vpexpandd, 16 elements at once"},
    {"expand(y, m, x)", WN_ISA_X86_64_V3, "result", "expanded by vpermd"},
    {"x[x < 0]", WN_ISA_X86_64_V4, "result", "mask and values of the next 64 elements"},
    {"x[m]", WN_ISA_X86_64_V3, "m", "the mask's next word is found out before"},
    {"b[b > 1]", WN_ISA_X86_64_V3, "result", "the mask's bits of the next 64 elements"},
    {"x[m]", WN_ISA_X86_64_V3, "result", "none of 64 elements is selected: nothing is done"},
    {"c = x < y; output u = x[c]; output v = y[c]; output w = x[c] * 2;", WN_ISA_X86_64_V4, "u",
     "the mask of the next 64 elements"},
    {"x[m]", WN_ISA_X86_64_V3, "result", "2 times 8 elements are evaluated before any of them is stored"},
    {"x + y", WN_ISA_X86_64_V3, "the loop", "stores that pass by the caches"},
    {"sum(x)", WN_ISA_X86_64_V4, "result", "added to 4 vectors of 16 lanes; leaf by leaf"},
    {"sum(x)", WN_ISA_X86_64_V4, "result", "two leaves of 2048 elements"},
    {"x * f32(m)", WN_ISA_X86_64_V4, "result", "a product with 0 under the opposite mask"},
    {"max(i)", WN_ISA_X86_64_V4, "result", ", joined at the end"},
    {"sum(i)", WN_ISA_X86_64_V4, "result", "as they are and their upper halves"},
    {"sum(b)", WN_ISA_X86_64_V3, "result", "added to 2 vectors of 4 lanes, several neighbours"},
    {"mean(i16(b))", WN_ISA_X86_64_V3, "result", "several neighbours to each lane"},
    {"mean(m)", WN_ISA_X86_64_V3, "result", "counted in"},
    {"min(x)", WN_ISA_X86_64_V3, "result", "signs and NaNs in three more"},
    {"min(x)", WN_ISA_X86_64_V4, "result", "NaNs in one more"},
    {"count(m)", WN_ISA_X86_64_V4, "result", "counted in"},
    {"count(x < 0)", WN_ISA_X86_64_V3, "result", "counted in 4 vectors of 8 lanes"},
    {"argmin(x)", WN_ISA_X86_64_V4, "result", "the leaf in which each was found"},
    {"i // j", WN_ISA_X86_64_V3, "result", "divided as f64"},
    {"b // b", WN_ISA_X86_64_V3, "result", "divided as f32"},
    {"i // 7", WN_ISA_X86_64_V3, "result", "divided by a multiplication and shifts"},
    {"i64(i) % i64(j)", WN_ISA_X86_64_V3, "result", "divided one element after the other"},
    {"h * h", WN_ISA_X86_64_V3, "result", "computed as f32, and rounded"},
    {"h < 1", WN_ISA_X86_64_V3, "result", "computed as f32"},
    {"h < 0", WN_ISA_X86_64_V3, "result", "compared as integers"},
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
