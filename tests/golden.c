/*
 * golden.c - the reader of golden.h, and the comparison with what was read.
 */
#include "golden.h"
#include "compare.h"

#include "graph/graph.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- Arrays -------------------------------------------------------------------------------- */

size_t golden_count(const wn_array *a) {
    size_t count = 1;
    for (int i = 0; i < a->rank; i++)
        count *= (size_t)a->shape[i];
    return count;
}

unsigned long long golden_bits(const wn_array *a, size_t i) {
    size_t size = wn_type_size(a->type);
    uint64_t bits = 0;
    memcpy(&bits, (const char *)a->data + i * size, size); /* little-endian, as the machines it runs on */
    return bits;
}

static wn_array new_array(wn_type type, int rank, const int64_t *shape) {
    wn_array a = wn_array_of(type, NULL, rank, shape);
    a.data = calloc(golden_count(&a) + 1, wn_type_size(type));
    assert_non_null(a.data);
    return a;
}

static void free_case(golden *g) {
    for (int i = 0; i < g->input_count; i++)
        free(g->inputs[i].data);
    free(g->output.data);
    free(g->any_nan);
    memset(g->inputs, 0, sizeof g->inputs);
    memset(&g->output, 0, sizeof g->output);
    g->any_nan = NULL;
    g->input_count = 0;
    g->axis = g->is_text = 0;
    g->error = WN_OK;
}

/* ---- Lines and words ----------------------------------------------------------------------- */

golden *golden_open(const char *file) {
    char path[1024];
    snprintf(path, sizeof path, "%s/golden/%s", WN_TEST_DATA, file);
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("cannot open %s", path);
    golden *g = calloc(1, sizeof *g);
    assert_non_null(g);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    assert_true(size > 0);
    rewind(f);
    g->text = g->at = calloc((size_t)size + 1, 1);
    assert_non_null(g->text);
    assert_int_equal(fread(g->text, 1, (size_t)size, f), size);
    fclose(f);
    g->next_line = 1;
    return g;
}

void golden_close(golden *g) {
    free_case(g);
    for (int i = 0; i < g->list_count; i++)
        free(g->lists[i].elements.data);
    free(g->text);
    free(g);
}

/* The next line's first character, past blank lines and comments; 0 at the end. */
static char line_start(golden *g) {
    while (*g->at == '\n' || *g->at == '#') {
        while (*g->at && *g->at != '\n')
            g->at++;
        if (*g->at) g->at++;
        g->next_line++;
    }
    return *g->at;
}

/* The next word of this line, "" at its end. */
static void word(golden *g, char *to, size_t size) {
    size_t n = 0;
    while (*g->at == ' ')
        g->at++;
    while (*g->at && *g->at != ' ' && *g->at != '\n' && n + 1 < size)
        to[n++] = *g->at++;
    to[n] = '\0';
}

static void end_line(golden *g) {
    if (*g->at != '\n') fail_msg("line %d: not understood from '%.20s' on", g->next_line, g->at);
    g->at++;
    g->next_line++;
}

static wn_type type_word(golden *g) {
    char text[32];
    word(g, text, sizeof text);
    wn_type type = wn_type_of_name(text, strlen(text));
    if (type == (wn_type)WN_TYPE_COUNT) fail_msg("line %d: no type '%s'", g->next_line, text);
    return type;
}

/* The elements in lines that begin with two spaces; `nan` sets any_nan[i], where it is not NULL. */
static size_t read_elements(golden *g, wn_type type, char *to, unsigned char *any_nan, size_t room) {
    size_t n = 0, size = wn_type_size(type);
    while (line_start(g) == ' ' && g->at[1] == ' ') {
        char text[32];
        for (word(g, text, sizeof text); *text; word(g, text, sizeof text)) {
            if (n == room) fail_msg("line %d: more than %zu elements", g->next_line, room);
            uint64_t bits = strtoull(text, NULL, 16);
            if (any_nan) any_nan[n] = strcmp(text, "nan") == 0;
            memcpy(to + n++ * size, &bits, size);
        }
        end_line(g);
    }
    return n;
}

static void fill(golden *g, wn_array *a, unsigned char *any_nan) {
    size_t count = golden_count(a);
    if (read_elements(g, a->type, a->data, any_nan, count) != count) {
        fail_msg("line %d: fewer than %zu elements", g->next_line, count);
    }
}

static void take_output(golden *g, wn_array output) {
    g->output = output;
    g->any_nan = calloc(golden_count(&output) + 1, 1);
    assert_non_null(g->any_nan);
    fill(g, &g->output, g->any_nan);
}

/* ---- Records ------------------------------------------------------------------------------- */

static void read_list(golden *g) {
    assert_true(g->list_count < GOLDEN_MAX_LISTS);
    golden_list *l = &g->lists[g->list_count++];
    word(g, l->name, sizeof l->name);
    wn_type type = type_word(g);
    end_line(g);
    int64_t most = 1000;
    l->elements = new_array(type, 1, &most);
    l->elements.shape[0] = (int64_t)read_elements(g, type, l->elements.data, NULL, (size_t)most);
}

static const wn_array *find_list(const golden *g, const char *name) {
    for (int i = 0; i < g->list_count; i++) {
        if (strcmp(g->lists[i].name, name) == 0) return &g->lists[i].elements;
    }
    fail_msg("line %d: no list '%s'", g->next_line, name);
    return NULL;
}

/* Operand i of `count` gets its list on axis i. */
static void read_op(golden *g) {
    const wn_array *lists[GOLDEN_MAX_INPUTS];
    int64_t whole[GOLDEN_MAX_INPUTS];
    char text[32];
    int count = 0;
    word(g, g->name, sizeof g->name);
    wn_type to = type_word(g);
    for (word(g, text, sizeof text); *text; word(g, text, sizeof text)) {
        assert_true(count < GOLDEN_MAX_INPUTS);
        lists[count] = find_list(g, text);
        whole[count] = lists[count]->shape[0];
        count++;
    }
    end_line(g);
    for (int i = 0; i < count; i++) {
        int64_t shape[GOLDEN_MAX_INPUTS] = {1, 1, 1};
        shape[i] = whole[i];
        g->inputs[i] = new_array(lists[i]->type, count, shape);
        memcpy(g->inputs[i].data, lists[i]->data, (size_t)whole[i] * wn_type_size(lists[i]->type));
        g->input_count++;
    }
    take_output(g, new_array(to, count, whole));
}

/* "[2,3]" */
static wn_array shape_word(golden *g, wn_type type) {
    char text[128], *at = text + 1;
    int64_t shape[WN_MAX_RANK];
    int rank = 0;
    word(g, text, sizeof text);
    while (*at && *at != ']') {
        assert_true(rank < WN_MAX_RANK);
        shape[rank++] = strtoll(at, &at, 10);
        if (*at == ',') at++;
    }
    end_line(g);
    return new_array(type, rank, shape);
}

static wn_status status_word(golden *g) {
    char text[32];
    word(g, text, sizeof text);
    end_line(g);
    if (strcmp(text, "shape") == 0) return WN_ERROR_SHAPE;
    assert_string_equal(text, "argument");
    return WN_ERROR_ARGUMENT;
}

static void read_arrays(golden *g) {
    char text[32];
    while (line_start(g) == ' ') {
        word(g, text, sizeof text);
        if (strcmp(text, "error") == 0) {
            g->error = status_word(g);
            return;
        }
        wn_array a = shape_word(g, type_word(g));
        if (strcmp(text, "out") == 0) {
            take_output(g, a);
            return;
        }
        assert_true(g->input_count < GOLDEN_MAX_INPUTS);
        g->inputs[g->input_count++] = a;
        fill(g, &a, NULL);
    }
}

static void read_graph(golden *g) {
    char text[32];
    word(g, g->name, sizeof g->name);
    word(g, text, sizeof text);
    if (*text) assert_int_equal(sscanf(text, "axis=%d", &g->axis), 1);
    end_line(g);
    read_arrays(g);
}

static void read_text(golden *g) {
    g->at += strspn(g->at, " ");
    size_t length = strcspn(g->at, "\n");
    assert_true(length < sizeof g->name);
    memcpy(g->name, g->at, length);
    g->name[length] = '\0';
    g->at += length;
    g->is_text = 1;
    end_line(g);
    read_arrays(g);
}

int golden_next(golden *g) {
    char text[32];
    free_case(g);
    while (line_start(g)) {
        g->line = g->next_line;
        word(g, text, sizeof text);
        if (strcmp(text, "list") == 0) {
            read_list(g);
        } else if (strcmp(text, "op") == 0) {
            read_op(g);
            return 1;
        } else if (strcmp(text, "graph") == 0) {
            read_graph(g);
            return 1;
        } else if (strcmp(text, "text") == 0) {
            read_text(g);
            return 1;
        } else {
            fail_msg("line %d: '%s' begins nothing", g->line, text);
        }
    }
    return 0;
}

/* ---- Comparing ----------------------------------------------------------------------------- */

/* " f32:3f800000", element i of a broadcast operand. */
static void add_operand(char *text, size_t size, const wn_array *a, const wn_array *result, size_t i) {
    size_t place = 0, unit = 1;
    for (int axis = result->rank - 1; axis >= 0; axis--) {
        int own = axis - (result->rank - a->rank);
        size_t index = i % (size_t)result->shape[axis];
        i /= (size_t)result->shape[axis];
        if (own < 0) continue;
        if (a->shape[own] != 1) place += index * unit;
        unit *= (size_t)a->shape[own];
    }
    size_t used = strlen(text);
    snprintf(text + used, size - used, " %s:%0*llx", wn_type_name(a->type),
             (int)(2 * wn_type_size(a->type)), golden_bits(a, place));
}

static void fail_element(const golden *g, const wn_array *actual, const char *how, size_t i) {
    char operands[200] = "";
    bool aligned =
        !g->is_text && strcmp(g->name, "boolean_mask") != 0 && strcmp(g->name, "nonzero") != 0;
    for (int k = 0; aligned && k < g->input_count; k++) {
        add_operand(operands, sizeof operands, &g->inputs[k], &g->output, i);
    }
    int digits = (int)(2 * wn_type_size(g->output.type));
    fail_msg("line %d, %s by %s: element %zu,%s, is %0*llx, not %0*llx%s", g->line, g->name, how, i,
             operands, digits, golden_bits(actual, i), digits, golden_bits(&g->output, i),
             g->any_nan[i] ? " (any NaN)" : "");
}

void golden_check(const golden *g, const wn_array *actual, const char *how) {
    const wn_array *expected = &g->output;
    char want[100], got[100];
    if (actual->type != expected->type || actual->rank != expected->rank ||
        memcmp(actual->shape, expected->shape, (size_t)actual->rank * sizeof(int64_t)) != 0) {
        fail_msg("line %d, %s by %s: %s%s, not %s%s", g->line, g->name, how, wn_type_name(actual->type),
                 wn_shape_text(actual->rank, actual->shape, got, sizeof got),
                 wn_type_name(expected->type),
                 wn_shape_text(expected->rank, expected->shape, want, sizeof want));
    }
    size_t count = golden_count(expected);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = golden_bits(actual, i);
        bool same =
            g->any_nan[i] ? compare_is_nan(actual->type, bits) : bits == golden_bits(expected, i);
        if (!same) fail_element(g, actual, how, i);
    }
}
