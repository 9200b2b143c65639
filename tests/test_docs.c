/*
 * test_docs.c - docs/operations.md is the tables of operations, as they are: `test_docs --write` makes it again.
 */
#include "graph/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FILE_NAME WN_TEST_DATA "/../docs/operations.md"

static const char INTRODUCTION[] =
    "# Operations\n\n"
    "Made from `src/graph/ops.def` and `src/graph/reductions.def` by `./dev docs`; "
    "[language.md](language.md) says what each means, "
    "bit by bit.\n\n";

static const char *const TAKES[] = {
    [TAKES_ALL] = "all",          [TAKES_NUMBER] = "numbers", [TAKES_BOOLEAN] = "bool",
    [TAKES_INTEGER] = "integers", [TAKES_FLOAT] = "floats",   [TAKES_CHOICE] = "bool, then all",
};

/* A bar would end the column. */
static void put_escaped(FILE *f, const char *text) {
    for (; *text; text++)
        fprintf(f, *text == '|' ? "\\|" : "%c", *text);
}

static void put_elementwise(FILE *f, op o) {
    static const char *const operands[] = {"", "(a)", "(a, b)", "(a, b, c)"};
    const op_row *row = wn_op_row(o);
    fprintf(f, "| `%s%s` | ", row->name, operands[row->arity]);
    if (*row->text) fprintf(f, "`");
    put_escaped(f, row->text);
    fprintf(f, "%s | %s | %s | `wn_%s` | ", *row->text ? "`" : "", TAKES[row->takes],
            row->gives_bool ? "bool" : "the same", row->name);
    put_escaped(f, row->doc);
    fprintf(f, " |\n");
}

static void put_operations(FILE *f) {
    fputs(INTRODUCTION, f);
    fprintf(f, "## Elementwise\n\n| function | operator | takes | gives | in C | "
               "|\n|--|--|--|--|--|--|\n");
    for (op o = OP_first_elementwise_; o < OP_end_; o++)
        put_elementwise(f, o);
    fprintf(
        f, "\n## Changing the number of elements, and back\n\n| function | in C | |\n|--|--|--|\n");
    for (op o = OP_boolean_mask; o <= OP_compress; o++) {
        static const char *const operands[] = {"", "(a)", "(a, b)", "(a, b, c)"};
        fprintf(f, "| `%s%s` | `wn_%s` | %s |\n", wn_op_row(o)->name, operands[wn_op_row(o)->arity],
                wn_op_row(o)->name, wn_op_row(o)->doc);
    }
    fprintf(f, "\n## Reductions\n\nEach is `f(x, where=m, axis=(0, 1), keepdims=true)`.\n\n"
               "| function | `initial=` | in C | |\n|--|--|--|--|\n");
#define REDUCTION(name, NAME, takes, gives, nothing, join, doc)                                    \
    fprintf(f, "| `%s(x)` | %s | `WN_REDUCE_%s` | %s |\n", #name, OP_##join ? "`" #join "`" : "",  \
            #NAME, doc);
#include "graph/reductions.def"
#undef REDUCTION
}

static void operations_md_is_the_tables(void **state) {
    (void)state;
    char *made = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&made, &size);
    put_operations(f);
    fclose(f);
    char *text = calloc(size + 2, 1);
    f = fopen(FILE_NAME, "rb");
    if (!f) fail_msg("%s: not there; run ./dev docs", FILE_NAME);
    size_t length = fread(text, 1, size + 1, f);
    fclose(f);
    if (length != size || memcmp(text, made, size) != 0)
        fail_msg("docs/operations.md is not the tables; run ./dev docs");
    free(text);
    free(made);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "--write")) {
        FILE *f = fopen(FILE_NAME, "wb");
        if (!f) return 1;
        put_operations(f);
        return fclose(f) != 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(operations_md_is_the_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
