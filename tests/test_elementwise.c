/*
 * test_elementwise.c - every operation of ops.def and every cast, for every type and instruction set, bit by bit as the
 * interpreter has it. A test for each pair of operation and type: `test_elementwise add` runs those whose names begin so.
 *
 * One kernel has the operation over arrays, over an array and a scalar, over an array and a literal. It is bound once and
 * bound again for windows of many lengths into one set of values, which lie against unreadable pages. Rounds:
 *   0  all pairs of special values
 *   1  random values
 *   2  types of one byte: all pairs of values; one operand of two bytes: all values
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 3
#define PAIRS 65536
#define LONGEST (PAIRS + 3)

typedef struct subject {
    op o;
    wn_type type, to; /* to: of a cast */
    char name[48];
} subject;

typedef struct trial {
    const subject *subject;
    wn_context *context;
    wn_graph *graph;
    bool scalar[COMPARE_ARRAYS]; /* which inputs are */
    wn_type types[COMPARE_ARRAYS];
    size_t input_count, output_count;
    void *values[COMPARE_ARRAYS]; /* of the inputs, LONGEST each */
    wn_array want[COMPARE_ARRAYS];
    wn_kernel *oracle, *kernels[COMPARE_ISAS];
    wn_binding *bindings[COMPARE_ISAS];
    compare_isas isas;
    arena arena;
    uint64_t random;
} trial;

/* ---- The graph ------------------------------------------------------------------------------------------------------ */

static node_id add_input(trial *t, const char *name, wn_type type, bool scalar) {
    int64_t any = WN_ANY;
    t->types[t->input_count] = type;
    t->scalar[t->input_count++] = scalar;
    return wn_input_dims(t->graph, name, type, scalar ? 0 : 1, &any).id;
}

static void add_output(trial *t, node_id a, node_id b, node_id c) {
    const node_id args[] = {a, b, c};
    const subject *s = t->subject;
    char name[8];
    size_t arity = s->o == OP_cast ? 1 : wn_op_row(s->o)->arity;
    snprintf(name, sizeof name, "y%zu", t->output_count++);
    wn_output(t->graph, name, (wn_node){t->graph, wn_build(t->graph, s->o, args, arity, s->to, 0)});
}

/* A NaN, or any other value. */
static node_id add_literal(trial *t) {
    wn_type type = t->subject->type;
    uint64_t bits = values_any(type, &t->random);
    if (type == WN_BOOL) bits = bits != 0;
    size_t size = wn_type_size(type);
    if (size < 8) bits &= ((uint64_t)1 << 8 * size) - 1;
    return wn_build_constant(t->graph, type, bits);
}

static void build_choice(trial *t) {
    wn_type type = t->subject->type;
    node_id c = add_input(t, "c", WN_BOOL, false), a = add_input(t, "a", type, false);
    node_id b = add_input(t, "b", type, false), s = add_input(t, "s", type, true);
    node_id d = add_input(t, "d", WN_BOOL, true);
    add_output(t, c, a, b);
    add_output(t, c, s, b);
    add_output(t, c, a, add_literal(t));
    add_output(t, d, a, b);
}

static void build(trial *t) {
    const subject *s = t->subject;
    if (s->o == OP_where) {
        build_choice(t);
        return;
    }
    node_id a = add_input(t, "a", s->type, false);
    if (s->o == OP_cast || wn_op_row(s->o)->arity == 1) {
        add_output(t, a, 0, 0);
        add_output(t, add_input(t, "s", s->type, true), 0, 0);
        return;
    }
    node_id b = add_input(t, "b", s->type, false), scalar = add_input(t, "s", s->type, true);
    add_output(t, a, b, 0);
    add_output(t, a, scalar, 0);
    add_output(t, scalar, b, 0);
    add_output(t, a, add_literal(t), 0);
    add_output(t, add_literal(t), b, 0);
}

static void open_trial(trial *t, const subject *s) {
    memset(t, 0, sizeof *t);
    t->subject = s;
    t->random = (uint64_t)s->o * 1000 + s->type * 20 + s->to;
    t->context = compare_context(1);
    t->graph = wn_graph_new(t->context);
    build(t);
    if (wn_graph_status(t->graph) != WN_OK)
        compare_fail(t->graph, s->name, wn_graph_error(t->graph));
    t->isas = compare_available(t->context);
    t->oracle = compare_compile(t->graph, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    for (size_t i = 0; i < t->isas.count; i++)
        t->kernels[i] = compare_compile(t->graph, WN_ENGINE_JIT, t->isas.list[i]);
    for (size_t i = 0; i < t->input_count; i++) {
        t->values[i] = malloc(LONGEST * wn_type_size(t->types[i]));
        assert_non_null(t->values[i]);
    }
    arena_new(&t->arena, t->input_count, t->output_count, LONGEST * sizeof(uint64_t));
    char *listing = compare_listing(t->graph);
    guard_describe(listing);
    free(listing);
}

static void close_trial(trial *t) {
    guard_describe(NULL);
    for (size_t i = 0; i < t->isas.count; i++) {
        wn_binding_free(t->bindings[i]);
        wn_kernel_free(t->kernels[i]);
    }
    for (size_t i = 0; i < t->input_count; i++)
        free(t->values[i]);
    arena_free(&t->arena);
    wn_kernel_free(t->oracle);
    wn_graph_free(t->graph);
    wn_context_free(t->context);
}

/* ---- Values --------------------------------------------------------------------------------------------------------- */

static void fill_special_pairs(trial *t) {
    uint64_t list[VALUES_MAX];
    for (size_t i = 0; i < t->input_count; i++) {
        size_t count = values_special(t->types[i], list);
        size_t turn = i == 1 ? count : 1; /* the second operand turns once a round of the first */
        for (size_t j = 0; j < LONGEST; j++)
            values_store(t->types[i], t->values[i], (int64_t)j, list[j / turn % count]);
    }
}

static void fill_all_pairs(trial *t) {
    bool narrow = wn_type_size(t->subject->type) == 1;
    for (size_t i = 0; i < t->input_count; i++)
        for (int64_t j = 0; j < LONGEST; j++)
            values_store(t->types[i], t->values[i], j, (uint64_t)(narrow && i == 1 ? j >> 8 : j));
}

/* How many values round `round` has; 0: the type doesn't take part. */
static int64_t fill(trial *t, int round) {
    size_t size = wn_type_size(t->subject->type);
    if (round == 2) {
        if (size > 2) return 0;
        fill_all_pairs(t);
        return LONGEST;
    }
    if (round == 0) fill_special_pairs(t);
    for (size_t i = 0; i < t->input_count; i++)
        if (round == 1 || t->scalar[i]) values_fill(t->types[i], t->values[i], LONGEST, &t->random);
    return COMPARE_SAMPLED ? 5000 : 20000;
}

static void window(const trial *t, int64_t first, int64_t length, wn_array *arrays) {
    for (size_t i = 0; i < t->input_count; i++) {
        const char *from =
            (char *)t->values[i] + (t->scalar[i] ? 0 : (size_t)first * wn_type_size(t->types[i]));
        arrays[i] = t->scalar[i] ? wn_scalar(t->types[i], from) : wn_vector(t->types[i], from, length);
    }
}

static void ask_oracle(trial *t, int64_t length) {
    wn_array inputs[COMPARE_ARRAYS];
    wn_error error = {WN_OK, ""};
    window(t, 0, length, inputs);
    memset(t->want, 0, sizeof t->want);
    if (wn_call(t->oracle, inputs, t->input_count, t->want, t->output_count, &error) != WN_OK)
        compare_fail(t->graph, "interpreter", error.message);
}

/* ---- Running -------------------------------------------------------------------------------------------------------- */

/* The part of an expected result that belongs to a window. */
static wn_array expected(const trial *t, size_t output, int64_t first, int64_t length) {
    const wn_array *want = &t->want[output];
    if (want->rank == 0) return *want;
    return wn_vector(want->type, (char *)want->data + (size_t)first * wn_type_size(want->type), length);
}

static void check_outputs(const trial *t, const wn_array *outputs, int64_t first, const char *what) {
    char text[1024], wrong[1200];
    for (size_t i = 0; i < t->output_count; i++) {
        wn_array want = expected(t, i, first, outputs[i].rank ? outputs[i].shape[0] : 0);
        bool exact = compare_is_exact(t->graph, t->graph->outputs[i]);
        if (compare_elements(want.type, outputs[i].data, want.data, compare_count(&want), exact) < 0)
            continue;
        compare_arrays(&outputs[i], &want, exact, text, sizeof text);
        int64_t at =
            compare_elements(want.type, outputs[i].data, want.data, compare_count(&want), exact);
        int used = snprintf(wrong, sizeof wrong,
                            "values from %" PRId64 ", output %zu: %s  operands", first, i, text);
        for (size_t j = 0; j < t->input_count && used < (int)sizeof wrong; j++)
            used += snprintf(wrong + used, sizeof wrong - (size_t)used, " 0x%" PRIx64,
                             values_load(t->types[j], t->values[j], t->scalar[j] ? 0 : first + at));
        compare_fail(t->graph, what, wrong);
    }
}

static void run_window(trial *t, size_t isa, placement where, int64_t first, int64_t length) {
    wn_array from[COMPARE_ARRAYS], shapes[COMPARE_ARRAYS], inputs[COMPARE_ARRAYS],
        outputs[COMPARE_ARRAYS];
    wn_error error = {WN_OK, ""};
    char what[96], text[128];
    compare_what(t->isas.list[isa], where, what);
    window(t, first, length, from);
    for (size_t i = 0; i < t->output_count; i++)
        shapes[i] = expected(t, i, first, length);
    arena_inputs(&t->arena, where, from, t->input_count, inputs);
    arena_outputs(&t->arena, where, shapes, t->output_count, outputs);
    wn_binding **b = &t->bindings[isa];
    wn_status status =
        *b ? wn_rebind(*b, inputs, t->input_count, outputs, t->output_count, &error)
           : wn_bind(t->kernels[isa], inputs, t->input_count, outputs, t->output_count, b, &error);
    if (status == WN_OK) status = wn_run(*b, &error);
    if (status != WN_OK) compare_fail(t->graph, what, error.message);
    check_outputs(t, outputs, first, what);
    if (!arena_intact(&t->arena, from, t->input_count, t->output_count, text, sizeof text))
        compare_fail(t->graph, what, text);
}

/* Every length to three vectors of the widest step and one for two plain operations, chosen lengths for the others; and
   around the driver's block, which is a power of two. */
static bool takes_length(const subject *s, int64_t length) {
    static const int16_t chosen[] = {0,   1,   2,   3,   4,   7,   8,   9,   15,  16,  17,  31,
                                     32,  33,  47,  63,  64,  65,  96,  127, 128, 129, 191, 192,
                                     193, 255, 256, 257, 383, 385, 511, 512, 513, 767, 768, 769};
    bool all = !COMPARE_SAMPLED && (s->o == OP_add || s->o == OP_logical_and);
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++)
        if (chosen[i] == length) return true;
    return all && length <= 769;
}

static void run_lengths(trial *t, size_t isa, int round, int64_t total) {
    for (int64_t length = 0; length <= 769; length++) {
        if (!takes_length(t->subject, length)) continue;
        for (placement where = AT_END; where < PLACEMENT_COUNT; where++) {
            if (COMPARE_SAMPLED && (length + (int64_t)isa + round) % PLACEMENT_COUNT != (int64_t)where)
                continue;
            int64_t first = (int64_t)values_below(&t->random, (uint64_t)(total - length));
            run_window(t, isa, where, first, length);
        }
    }
}

static void run_round(trial *t, int round) {
    int64_t total = fill(t, round);
    if (total == 0) return;
    ask_oracle(t, total);
    for (size_t isa = 0; isa < t->isas.count; isa++) {
        run_window(t, isa, AT_END, 0, total);
        if (round < 2) run_lengths(t, isa, round, total);
        if (round != 1) continue;
        for (int64_t block = 1024; block < total; block *= 2)
            for (int64_t d = -1; d <= 1; d++)
                run_window(t, isa, (placement)((size_t)(block / 1024 + d + 1) % PLACEMENT_COUNT), 0,
                           block + d);
    }
    for (size_t i = 0; i < t->output_count; i++)
        wn_array_free(t->context, &t->want[i]);
}

static void is_as_the_interpreter_has_it(void **state) {
    trial t;
    open_trial(&t, *state);
    for (int round = 0; round < ROUNDS; round++)
        run_round(&t, round);
    close_trial(&t);
}

/* ---- All operations --------------------------------------------------------------------------------------------------- */

#define MOST ((OP_end_ - OP_first_elementwise_ + WN_TYPE_COUNT) * WN_TYPE_COUNT)

static size_t list_subjects(subject *list) {
    size_t count = 0;
    for (op o = OP_first_elementwise_; o < OP_end_; o++)
        for (wn_type type = 0; type < WN_TYPE_COUNT; type++) {
            if (!wn_op_takes(o, type)) continue;
            list[count] = (subject){.o = o, .type = type};
            snprintf(list[count].name, sizeof list->name, "%s %s", wn_op_row(o)->name,
                     wn_type_name(type));
            count++;
        }
    for (wn_type type = 0; type < WN_TYPE_COUNT; type++) /* to the type itself: a copy */
        for (wn_type to = 0; to < WN_TYPE_COUNT; to++) {
            list[count] = (subject){OP_cast, type, to, ""};
            snprintf(list[count].name, sizeof list->name, "cast %s to %s", wn_type_name(type),
                     wn_type_name(to));
            count++;
        }
    return count;
}

int main(int count, char **arguments) {
    static subject subjects[MOST];
    static struct CMUnitTest tests[MOST];
    size_t all = list_subjects(subjects), chosen = 0;
    for (size_t i = 0; i < all; i++) {
        if (count > 1 && strncmp(subjects[i].name, arguments[1], strlen(arguments[1])) != 0)
            continue;
        tests[chosen++] = (struct CMUnitTest){subjects[i].name, is_as_the_interpreter_has_it, NULL,
                                              NULL, &subjects[i]};
    }
    return _cmocka_run_group_tests("elementwise", tests, chosen, NULL, NULL);
}
