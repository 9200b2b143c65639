/*
 * test_random.c - random graphs over random arrays of any strides, compiled, against the interpreter.
 *
 *   test_random              a fixed number of fixed seeds
 *   test_random SEED [COUNT] this one, or COUNT from it on
 *
 * A graph that fails is made smaller while it still fails, and printed with its arrays. Seeds say all: the graph, the
 * arrays, the instruction set, the number of threads and where the results go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"
#include "recipe.h"
#include "run/context.h"
#include "values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS (COMPARE_SAMPLED ? 250 : 1500)
#define FIRST_SEED 1
#define MOST_BYTES ((int64_t)6 << 20) /* of an array, with its gaps */

typedef enum results {
    RESULT_ALLOCATED,
    RESULT_EXACT,
    RESULT_STRIDED,
    RESULT_ROOMY,
    RESULT_COUNT
} results;

typedef struct kitchen {     /* what all runs share */
    wn_context *contexts[2]; /* of one thread and of three */
    compare_isas isas;
    guard inputs[RECIPE_STEPS], outputs[RECIPE_OUTPUTS];
} kitchen;

typedef struct run {
    kitchen *kitchen;
    const recipe *recipe;
    wn_context *context;
    wn_isa isa;
    placement where;
    results results;
    bool plain; /* inputs are contiguous; else as their style says */
    wn_graph *graph;
    wn_array arrays[RECIPE_STEPS], placed[RECIPE_STEPS], want[RECIPE_OUTPUTS], got[RECIPE_OUTPUTS];
    char *copies[RECIPE_STEPS]; /* of the inputs' memory */
    int steps[RECIPE_STEPS];
    int input_count;
    char wrong[2048];
} run;

/* ---- Arrays of any strides ---------------------------------------------------------------------------------------------- */

typedef struct span {
    int64_t low, high; /* bytes from the first element */
} span;

static span span_of(const wn_array *a) {
    span s = {0, (int64_t)wn_type_size(a->type)};
    for (int i = 0; i < a->rank; i++) {
        int64_t reach = a->strides[i] * (a->shape[i] - 1);
        if (a->shape[i] == 0) return (span){0, 0};
        if (reach < 0)
            s.low += reach;
        else
            s.high += reach;
    }
    return s;
}

/* Strides for an array: contiguous, every second or third element, transposed, backwards, repeated. */
static void stretch(wn_array *a, uint64_t style, bool may_repeat) {
    int order[WN_MAX_RANK];
    if (style % 3 == 0) return;
    for (int i = 0; i < a->rank; i++)
        order[i] = i;
    if (a->rank > 1 && style >> 3 & 1) {
        order[0] = a->rank - 1;
        order[a->rank - 1] = 0;
    }
    int64_t stride = (int64_t)wn_type_size(a->type);
    for (int i = a->rank - 1; i >= 0; i--) {
        int axis = order[i];
        stride *= style >> (4 + i) & 1 ? 1 : 2 + (int64_t)(style >> 14 & 1);
        a->strides[axis] = style >> (16 + i) & 1 ? -stride : stride;
        stride *= a->shape[axis] ? a->shape[axis] : 1;
        if (may_repeat && (style >> (20 + 2 * i) & 3) == 0) a->strides[axis] = 0;
    }
}

/* Visit the elements in row-major order: copy from or to a contiguous array; with neither, fill with GUARD_BYTE. */
static void walk(const wn_array *a, char *contiguous, bool out) {
    int64_t count = compare_count(a), index[WN_MAX_RANK] = {0};
    size_t size = wn_type_size(a->type);
    char *at = a->data;
    for (int64_t i = 0; i < count; i++) {
        if (!contiguous)
            memset(at, GUARD_BYTE, size);
        else if (out)
            memcpy(contiguous + (size_t)i * size, at, size);
        else
            memcpy(at, contiguous + (size_t)i * size, size);
        for (int axis = a->rank - 1; axis >= 0; axis--) {
            at += a->strides[axis];
            if (++index[axis] < a->shape[axis]) break;
            at -= a->strides[axis] * index[axis];
            index[axis] = 0;
        }
    }
}

/* Place an array, as its strides say if it doesn't become too large by them; its memory is all GUARD_BYTE. */
static void place(guard *g, placement where, wn_array *a) {
    span s = span_of(a);
    if (s.high - s.low > MOST_BYTES) {
        *a = wn_array_of(a->type, NULL, a->rank, a->shape);
        s = span_of(a);
    }
    char *low = guard_place(g, where, (size_t)(s.high - s.low));
    a->data = low - s.low;
}

static void place_inputs(run *r) {
    for (int i = 0; i < r->input_count; i++) {
        wn_array *to = &r->placed[i];
        guard *g = &r->kitchen->inputs[i];
        *to = wn_array_of(r->arrays[i].type, NULL, r->arrays[i].rank, r->arrays[i].shape);
        if (!r->plain) stretch(to, r->recipe->steps[r->steps[i]].style, true);
        place(g, r->where, to);
        walk(to, r->arrays[i].data, false);
        walk(to, r->arrays[i].data, true); /* what is repeated is what was written last */
        r->copies[i] = malloc(g->size + 1);
        assert_non_null(r->copies[i]);
        if (g->size) memcpy(r->copies[i], g->data, g->size);
    }
}

static bool inputs_intact(const run *r) {
    for (int i = 0; i < r->input_count; i++) {
        const guard *g = &r->kitchen->inputs[i];
        if (!guard_intact(g) || (g->size && memcmp(r->copies[i], g->data, g->size) != 0))
            return false;
    }
    return true;
}

static void place_outputs(run *r, uint64_t style) {
    for (int i = 0; i < r->recipe->output_count; i++) {
        const node *n = graph_node(r->graph, r->graph->outputs[i]);
        wn_array *out = &r->got[i];
        int64_t shape[WN_MAX_RANK];
        memset(out, 0, sizeof *out);
        if (r->results == RESULT_ALLOCATED) continue;
        memcpy(shape, r->want[i].shape, sizeof shape);
        bool roomy = r->results == RESULT_ROOMY && compare_count(&r->want[i]) < 10000;
        for (int axis = 0; roomy && axis < n->rank; axis++)
            if (dim_is_packed(r->graph, node_dims(r->graph, n)[axis]))
                shape[axis] += 1 + (int64_t)(style % 70);
        *out = wn_array_of(r->want[i].type, NULL, r->want[i].rank, shape);
        if (r->results == RESULT_STRIDED) stretch(out, style >> i, false);
        place(&r->kitchen->outputs[i], r->where, out);
    }
}

/* Whether nothing but the elements was written: with those overwritten, all is as it was placed. */
static bool outputs_intact(const run *r, const wn_array *rooms) {
    if (r->results == RESULT_ALLOCATED) return true;
    for (int i = 0; i < r->recipe->output_count; i++) {
        const guard *g = &r->kitchen->outputs[i];
        if (!guard_intact(g)) return false;
        walk(&rooms[i], NULL, true);
        for (size_t j = 0; j < g->size; j++)
            if ((unsigned char)g->data[j] != GUARD_BYTE) return false;
    }
    return true;
}

/* ---- One run ------------------------------------------------------------------------------------------------------------ */

static bool is_wrong(run *r, const char *what) {
    snprintf(r->wrong, sizeof r->wrong, "%s", what);
    return false;
}

static bool same_results(run *r) {
    char text[1024];
    for (int i = 0; i < r->recipe->output_count; i++) {
        if (compare_arrays(&r->got[i], &r->want[i],
                           compare_is_exact(r->graph, r->graph->outputs[i]), text, sizeof text))
            continue;
        snprintf(r->wrong, sizeof r->wrong, "output y%d: %s", i, text);
        return false;
    }
    return true;
}

/* Run twice: the second time over a used binding. */
static bool run_compiled(run *r, wn_kernel *k, wn_status expected) {
    wn_array rooms[RECIPE_OUTPUTS];
    wn_binding *b = NULL;
    wn_error error = {WN_OK, ""};
    size_t inputs = (size_t)r->input_count, outputs = (size_t)r->recipe->output_count;
    memcpy(rooms, r->got, sizeof rooms);
    wn_status status = wn_bind(k, r->placed, inputs, rooms, outputs, &b, &error);
    bool right = true;
    for (int i = 0; i < 2 && right && b && status == WN_OK; i++) {
        status = wn_run(b, &error);
        for (size_t j = 0; j < outputs && status == WN_OK; j++)
            r->got[j] = *wn_result(b, j);
        right = status != WN_OK || expected != WN_OK || same_results(r);
    }
    if ((status == WN_OK) != (expected == WN_OK)) { /* of several mistakes another may be found first */
        snprintf(r->wrong, sizeof r->wrong, "status %s, expected %s: %s", wn_status_name(status),
                 wn_status_name(expected), error.message);
        right = false;
    }
    if (right && !inputs_intact(r)) right = is_wrong(r, "an input was written");
    if (right && expected == WN_OK && !outputs_intact(r, rooms))
        right = is_wrong(r, "something was written outside an output");
    wn_binding_free(b);
    return right;
}

static bool fits_memory(const run *r) {
    for (int i = 0; i < r->recipe->output_count; i++)
        if (compare_count(&r->want[i]) * (int64_t)wn_type_size(r->want[i].type) > MOST_BYTES / 4)
            return false;
    return true;
}

static bool run_graph(run *r, uint64_t style) {
    wn_compile_options options = {sizeof options, WN_ENGINE_JIT, r->isa};
    wn_error error = {WN_OK, ""};
    wn_kernel *oracle = compare_compile(r->graph, WN_ENGINE_INTERPRETER, WN_ISA_NATIVE);
    size_t outputs = (size_t)r->recipe->output_count;
    bool right = true;
    memset(r->want, 0, sizeof r->want);
    wn_status expected = wn_call(oracle, r->placed, (size_t)r->input_count, r->want, outputs, &error);
    wn_kernel *k = wn_compile(r->graph, &options);
    if (expected != WN_OK) r->results = RESULT_ALLOCATED;
    if (!k) {
        right = is_wrong(r, wn_graph_error(r->graph));
    } else if (expected != WN_OK || fits_memory(r)) {
        place_outputs(r, style);
        right = run_compiled(r, k, expected);
    }
    for (size_t i = 0; i < outputs && expected == WN_OK; i++)
        wn_array_free(r->context, &r->want[i]);
    wn_kernel_free(k);
    wn_kernel_free(oracle);
    return right;
}

static void describe(const run *r) {
    char *listing = compare_listing(r->graph);
    char text[8000];
    snprintf(text, sizeof text, "seed %" PRIu64 ", %s:\n%s", r->recipe->seed, wn_isa_name(r->isa),
             listing);
    guard_describe(text);
    free(listing);
}

/* Set r up from the seed, but for what a smaller recipe keeps simple. */
static void choose(run *r, kitchen *k, const recipe *from, bool plain) {
    uint64_t random = ~from->seed;
    memset(r, 0, sizeof *r);
    r->kitchen = k;
    r->recipe = from;
    r->isa = k->isas.list[values_below(&random, k->isas.count)];
    r->where = (placement)values_below(&random, PLACEMENT_COUNT);
    r->results = (results)values_below(&random, RESULT_COUNT);
    r->context = k->contexts[values_below(&random, 4) == 0];
    r->plain = plain;
}

static void print_array(const char *name, const wn_array *a, const wn_array *placed) {
    char shape[160], strides[160];
    int64_t count = compare_count(a);
    print_error("%s: %s%s strides %s\n   ", name, wn_type_name(a->type),
                wn_shape_text(a->rank, a->shape, shape, sizeof shape),
                wn_shape_text(a->rank, placed->strides, strides, sizeof strides));
    for (int64_t i = 0; i < count && i < 70; i++)
        print_error(" 0x%" PRIx64, values_load(a->type, a->data, i));
    print_error("%s\n", count > 70 ? " ..." : "");
}

static void print_run(const run *r) {
    static const char *const kinds[] = {"of the context", "that just fit", "with strides",
                                        "with room to spare"};
    char *listing = compare_listing(r->graph);
    char what[96], name[16];
    print_error("%s, results %s, %d threads\n%s\n", compare_what(r->isa, r->where, what),
                kinds[r->results], r->context == r->kitchen->contexts[0] ? 1 : 3, listing);
    for (int i = 0; i < r->input_count; i++) {
        snprintf(name, sizeof name, "x%d", r->steps[i]);
        print_array(name, &r->arrays[i], &r->placed[i]);
    }
    free(listing);
}

static bool is_right(kitchen *k, const recipe *from, bool plain, char wrong[2048], bool print) {
    static run r;
    choose(&r, k, from, plain);
    uint64_t style = from->seed * 0x9e3779b97f4a7c15u >> 20;
    bool right = true;
    wrong[0] = 0;
    r.input_count = recipe_arrays(r.context, from, r.arrays, r.steps);
    if (r.input_count < 0) return true;
    r.graph = recipe_graph(r.context, from, from->outputs, from->output_count);
    if (wn_graph_status(r.graph) != WN_OK) {
        right = is_wrong(&r, wn_graph_error(r.graph));
    } else {
        describe(&r);
        place_inputs(&r);
        right = run_graph(&r, style);
        if (print) print_run(&r);
    }
    memcpy(wrong, r.wrong, sizeof r.wrong);
    for (int i = 0; i < r.input_count; i++) {
        free(r.arrays[i].data);
        free(r.copies[i]);
    }
    wn_graph_free(r.graph);
    return right;
}

/* ---- Making a failure smaller -------------------------------------------------------------------------------------------- */

typedef struct shrinker {
    kitchen *kitchen;
    recipe best;
    bool plain;
    int tries;
} shrinker;

/* Keep a change if the graph still fails. */
static bool still_fails(shrinker *s, const recipe *smaller, bool plain) {
    char wrong[2048];
    if (s->tries++ > 600 || is_right(s->kitchen, smaller, plain, wrong, false)) return false;
    s->best = *smaller;
    s->plain = plain;
    return true;
}

static bool drop_outputs(shrinker *s) {
    for (int i = 0; i < s->best.output_count && s->best.output_count > 1; i++) {
        recipe r = s->best;
        r.outputs[i] = r.outputs[--r.output_count];
        if (still_fails(s, &r, s->plain)) return true;
    }
    return false;
}

static bool lower_outputs(shrinker *s) {
    for (int i = 0; i < s->best.output_count; i++)
        for (int j = 0; j < 3; j++) {
            recipe r = s->best;
            int arg = r.steps[r.outputs[i]].args[j];
            if (arg < 0) continue;
            r.outputs[i] = arg;
            if (still_fails(s, &r, s->plain)) return true;
        }
    return false;
}

static bool alike(const step *a, const step *b) {
    return a->type == b->type && a->rank == b->rank &&
           memcmp(a->axes, b->axes, a->rank * sizeof *a->axes) == 0;
}

/* Let a user take an earlier step of the same type and shape instead of an operand: the operand's own operand or an input. */
static bool bypass_steps(shrinker *s) {
    bool live[RECIPE_STEPS];
    recipe_live(&s->best, s->best.outputs, s->best.output_count, live);
    for (int user = s->best.count - 1; user >= 0; user--)
        for (int j = 0; live[user] && j < 3; j++) {
            int arg = s->best.steps[user].args[j];
            if (arg < 0 || s->best.steps[arg].op == OP_input) continue;
            for (int other = 0; other < arg; other++) {
                const step *o = &s->best.steps[other];
                const int *own = s->best.steps[arg].args;
                bool is_operand = own[0] == other || own[1] == other || own[2] == other;
                if (!alike(o, &s->best.steps[arg]) || (!is_operand && o->op != OP_input)) continue;
                recipe r = s->best;
                r.steps[user].args[j] = other;
                if (still_fails(s, &r, s->plain)) return true;
            }
        }
    return false;
}

/* A computed value as an input of its own. */
static bool cut_steps(shrinker *s) {
    bool live[RECIPE_STEPS];
    recipe_live(&s->best, s->best.outputs, s->best.output_count, live);
    for (int i = s->best.count - 1; i >= 0; i--) {
        if (!live[i] || s->best.steps[i].op == OP_input) continue;
        recipe r = s->best;
        r.steps[i].op = OP_input;
        r.steps[i].style = (uint64_t)3 << 40 | (uint64_t)~0u << 32;
        for (int j = 0; j < 3; j++)
            r.steps[i].args[j] = -1;
        if (still_fails(s, &r, s->plain)) return true;
    }
    return false;
}

static bool shorten(shrinker *s) {
    for (int i = 0; i < RECIPE_LENGTHS; i++)
        for (int64_t by = s->best.lengths[i]; by > 0; by /= 2) {
            recipe r = s->best;
            r.lengths[i] -= by;
            if (still_fails(s, &r, s->plain)) return true;
        }
    return false;
}

static bool make_plain(shrinker *s) {
    return !s->plain && still_fails(s, &s->best, true);
}

static void shrink(shrinker *s) {
    while (make_plain(s) || drop_outputs(s) || lower_outputs(s) || cut_steps(s) ||
           bypass_steps(s) || shorten(s)) {
    }
}

/* ---- Seeds --------------------------------------------------------------------------------------------------------------- */

static void report(kitchen *k, const recipe *r) {
    static shrinker s;
    char wrong[2048];
    s = (shrinker){k, *r, false, 0};
    shrink(&s);
    print_error("\nSeed %" PRIu64 " fails. Made smaller (run `test_random %" PRIu64
                "` for the whole):\n",
                r->seed, r->seed);
    is_right(k, &s.best, s.plain, wrong, true);
    print_error("%s\n", wrong);
}

static bool seed_is_right(kitchen *k, uint64_t seed, bool print) {
    static recipe r;
    char wrong[2048];
    r = recipe_random(seed);
    if (is_right(k, &r, false, wrong, print)) return true;
    if (print) print_error("%s\n", wrong);
    report(k, &r);
    return false;
}

static kitchen shared;
static uint64_t first_seed = FIRST_SEED, seed_count = SEEDS;
static bool verbose;

static void open_kitchen(kitchen *k) {
    k->contexts[0] = compare_context(1);
    k->contexts[1] = compare_context(3);
    k->contexts[1]->native.halves = !k->contexts[1]->native.halves; /* both ways to count on AVX-512 */
    k->isas = compare_available(k->contexts[0]);
    for (size_t i = 0; i < RECIPE_STEPS; i++)
        guard_new(&k->inputs[i], (size_t)MOST_BYTES);
    for (size_t i = 0; i < RECIPE_OUTPUTS; i++)
        guard_new(&k->outputs[i], (size_t)MOST_BYTES);
}

static void close_kitchen(kitchen *k) {
    guard_describe(NULL);
    for (size_t i = 0; i < RECIPE_STEPS; i++)
        guard_free(&k->inputs[i]);
    for (size_t i = 0; i < RECIPE_OUTPUTS; i++)
        guard_free(&k->outputs[i]);
    wn_context_free(k->contexts[0]);
    wn_context_free(k->contexts[1]);
}

static void random_graphs_are_as_the_interpreter_has_them(void **state) {
    (void)state;
    uint64_t failures = 0;
    open_kitchen(&shared);
    print_message("Seeds %" PRIu64 " to %" PRIu64 "\n", first_seed, first_seed + seed_count - 1);
    for (uint64_t i = 0; i < seed_count && shared.isas.count > 0 && failures < 5; i++)
        failures += !seed_is_right(&shared, first_seed + i, verbose);
    close_kitchen(&shared);
    if (failures > 0) fail_msg("%" PRIu64 " of the graphs fail", failures);
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs_are_as_the_interpreter_has_them)};
    if (count > 1) {
        first_seed = strtoull(arguments[1], NULL, 10);
        seed_count = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
        verbose = count == 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
