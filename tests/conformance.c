/*
 * conformance.c - the reader of conformance.h. A file is a list of lines, each of words:
 *
 *     # a comment
 *     array 0 f32 [2,3] 3f800000 .3f8 0*3 nan      numbered in order; bits in hexadecimal, after a dot without the zeros at
 *                                                  their end; `*n` repeats; `nan` is any NaN
 *     array 1 i16 [1000] random 7                  small numbers from the seed 7
 *     array 2 bool [16,4] bits                     row i has the bits of i, least significant first
 *     kernel x < y                                 an expression
 *     input x f32 2                                its inputs: name, type, rank
 *     test numpy TestX.test_y                      whose cases follow
 *     case 0 1 -> 2                                values of the inputs, and the result
 *     case (row) 0 1 -> 2                          which differs from what the library says: a row of docs/differences.md
 *     case 0 1 -> f32 ~ 3 4                        each element within array 4, which is f32, of array 3, which is f64
 *     case 0 1 -> i64 [90,2] # 93a5...             the hash of the result
 *     case 0 1 -> ! shape error                    a status; `! error` is any that blames the caller
 *
 * A line that begins with a space goes on with the one before it.
 */
#include "conformance.h"
#include "compare.h"
#include "values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct reader {
    conformance *to;
    const char *file;
    char *at, *next; /* in this line; the next one */
    int line;
    char test[CONFORMANCE_NAME];
} reader;

_Noreturn static void mistake(const reader *r, const char *what) {
    print_error("%s.txt:%d: %s before '%.30s'\n", r->file, r->line, what, r->at);
    fail();
    abort(); /* fail doesn't return, and doesn't say so */
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* To the next line, which gets an end; false after the last. */
static bool next_line(reader *r) {
    if (!*r->next) return false;
    r->at = r->next;
    for (char *c = r->at;; c++) {
        if (*c && *c != '\n') continue;
        r->line += *c == '\n';
        r->next = *c ? c + 1 : c;
        if (*r->next != ' ') {
            *c = '\0';
            return true;
        }
        *c = ' ';
    }
}

/* The next word of the line, in place; "" at its end. */
static char *word(reader *r) {
    while (*r->at == ' ')
        r->at++;
    char *start = r->at;
    while (*r->at && *r->at != ' ')
        r->at++;
    if (*r->at) *r->at++ = '\0';
    return start;
}

static bool take(reader *r, const char *what) {
    size_t n = strlen(what);
    if (strncmp(r->at, what, n) != 0) return false;
    r->at += n;
    return true;
}

static void copy(const reader *r, char *to, size_t size, const char *from) {
    if (strlen(from) >= size) mistake(r, "too long a text");
    memcpy(to, from, strlen(from) + 1);
}

static wn_type type_word(reader *r) {
    const char *text = word(r);
    wn_type type = wn_type_of_name(text, strlen(text));
    if (type == (wn_type)WN_TYPE_COUNT) mistake(r, "no type");
    return type;
}

static wn_array shape_word(reader *r, wn_type type) {
    int64_t shape[WN_MAX_RANK];
    int32_t rank = 0;
    char *at = word(r);
    if (*at++ != '[') mistake(r, "no shape");
    while (*at && *at != ']') {
        if (rank == WN_MAX_RANK) mistake(r, "too high a rank");
        shape[rank++] = strtoll(at, &at, 10);
        if (*at == ',') at++;
    }
    return wn_array_of(type, NULL, rank, shape);
}

static void *zeros(size_t count, size_t size) {
    void *p = calloc(count + 1, size);
    assert_non_null(p);
    return p;
}

/* Room for one more than `count` elements. */
static void *grow(void *list, int count, size_t size) {
    if (count & (count - 1)) return list; /* doubled at each power of two */
    list = realloc(list, (size_t)(count ? 2 * count : 1) * size);
    assert_non_null(list);
    return list;
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

/* Small numbers, of which sums are exact; halves among bools. */
static void fill_random(const wn_array *a, uint64_t seed) {
    for (int64_t i = 0, n = compare_count(a); i < n; i++) {
        uint64_t z = values_random(&seed);
        double v = (double)(z % 512);
        if (a->type == WN_BOOL)
            v = (double)(z >> 32 & 1);
        else if (type_is_float(a->type))
            v = v / 16 - 16;
        else if (wn_type_class(a->type) == CLASS_SIGNED)
            v -= 256;
        values_store(a->type, a->data, i, values_of_double(a->type, v));
    }
}

static void fill_bits(const wn_array *a) {
    int64_t columns = a->shape[a->rank - 1];
    for (int64_t i = 0, n = compare_count(a); i < n; i++)
        values_store(a->type, a->data, i, (uint64_t)(i / columns >> i % columns & 1));
}

/* "3f800000" or ".3f8"; "-1" */
static uint64_t bits_of(const char *text, size_t size) {
    if (*text != '.') return strtoull(text, NULL, 16);
    size_t digits = strspn(text + 1, "0123456789abcdef");
    return digits ? strtoull(text + 1, NULL, 16) << 4 * (2 * size - digits) : 0;
}

static void fill_elements(reader *r, conformance_array *a) {
    int64_t i = 0, n = compare_count(&a->array);
    for (char *text = word(r); *text; text = word(r)) {
        bool nan = strncmp(text, "nan", 3) == 0;
        uint64_t bits = nan ? 0 : bits_of(text, wn_type_size(a->array.type));
        const char *times = strchr(text, '*');
        int64_t repeat = times ? strtoll(times + 1, NULL, 10) : 1;
        if (repeat > n - i) mistake(r, "too many elements");
        if (nan && !a->any_nan) a->any_nan = zeros((size_t)n, 1);
        for (; repeat > 0; repeat--, i++) {
            values_store(a->array.type, a->array.data, i, bits);
            if (nan) a->any_nan[i] = 1;
        }
    }
    if (i < n) mistake(r, "too few elements");
}

static void read_array(reader *r) {
    conformance *c = r->to;
    if (strtol(word(r), NULL, 10) != c->array_count) mistake(r, "an array out of turn");
    wn_type type = type_word(r);
    c->arrays = grow(c->arrays, c->array_count, sizeof *c->arrays);
    conformance_array *a = c->arrays[c->array_count++] = zeros(1, sizeof *a);
    a->array = shape_word(r, type);
    a->array.data = zeros((size_t)compare_count(&a->array), wn_type_size(type));
    if (take(r, "random "))
        fill_random(&a->array, strtoull(word(r), NULL, 10));
    else if (take(r, "bits"))
        fill_bits(&a->array);
    else
        fill_elements(r, a);
}

static const conformance_array *array_word(reader *r) {
    char *end, *text = word(r);
    long i = strtol(text, &end, 10);
    if (end == text || i < 0 || i >= r->to->array_count) mistake(r, "no array");
    return r->to->arrays[i];
}

/* ---- Kernels and cases ----------------------------------------------------------------------- */

static void read_kernel(reader *r) {
    conformance *c = r->to;
    c->kernels = grow(c->kernels, c->kernel_count, sizeof *c->kernels);
    conformance_kernel *k = &c->kernels[c->kernel_count++];
    memset(k, 0, sizeof *k);
    copy(r, k->text, sizeof k->text, r->at);
}

static conformance_kernel *last_kernel(const reader *r) {
    if (r->to->kernel_count == 0) mistake(r, "no kernel");
    return &r->to->kernels[r->to->kernel_count - 1];
}

static void read_input(reader *r) {
    conformance_kernel *k = last_kernel(r);
    if (k->input_count == CONFORMANCE_INPUTS) mistake(r, "too many inputs");
    copy(r, k->inputs[k->input_count].name, sizeof k->inputs->name, word(r));
    k->inputs[k->input_count].type = type_word(r);
    k->inputs[k->input_count++].rank = (int32_t)strtol(word(r), NULL, 10);
}

static wn_status status_of(const reader *r, const char *name) {
    if (strcmp(name, "error") == 0) return WN_OK;
    for (int s = WN_OK + 1; s <= WN_ERROR_INTERNAL; s++)
        if (strcmp(wn_status_name((wn_status)s), name) == 0) return (wn_status)s;
    mistake(r, "no status");
}

static void read_want(reader *r, conformance_case *one) {
    if (*r->at >= '0' && *r->at <= '9') {
        one->want = WANT_EQUAL;
        one->result = array_word(r);
    } else if (take(r, "! ")) {
        one->want = WANT_ERROR;
        one->error = status_of(r, r->at);
    } else {
        one->type = type_word(r);
        if (take(r, "~ ")) {
            one->want = WANT_NEAR;
            one->result = array_word(r);
            one->bound = array_word(r);
            return;
        }
        one->want = WANT_HASH;
        one->shape = shape_word(r, one->type);
        if (!take(r, "# ")) mistake(r, "no hash");
        one->hash = strtoull(r->at, NULL, 16);
    }
}

static void read_case(reader *r) {
    conformance_kernel *k = last_kernel(r);
    k->cases = grow(k->cases, k->case_count, sizeof *k->cases);
    conformance_case *one = &k->cases[k->case_count++];
    memset(one, 0, sizeof *one);
    one->line = r->line;
    memcpy(one->name, r->test, sizeof one->name);
    if (take(r, "(")) {
        char *row = word(r);
        row[strcspn(row, ")")] = '\0';
        copy(r, one->difference, sizeof one->difference, row);
    }
    for (int i = 0; i < k->input_count; i++)
        one->inputs[i] = &array_word(r)->array;
    if (!take(r, "-> ")) mistake(r, "no result");
    read_want(r, one);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static char *read_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("cannot open %s", path);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    assert_true(size > 0);
    rewind(f);
    char *text = zeros((size_t)size, 1);
    assert_int_equal(fread(text, 1, (size_t)size, f), size);
    fclose(f);
    return text;
}

conformance *conformance_read(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/conformance/%s.txt", WN_TEST_DATA, name);
    char *text = read_file(path);
    reader r = {.to = zeros(1, sizeof *r.to), .file = name, .next = text};
    while (next_line(&r)) {
        if (*r.at == '#' || !*r.at) continue;
        if (take(&r, "array "))
            read_array(&r);
        else if (take(&r, "kernel "))
            read_kernel(&r);
        else if (take(&r, "input "))
            read_input(&r);
        else if (take(&r, "test "))
            copy(&r, r.test, sizeof r.test, r.at);
        else if (take(&r, "case "))
            read_case(&r);
        else
            mistake(&r, "not understood");
    }
    free(text);
    return r.to;
}

void conformance_free(conformance *c) {
    for (int i = 0; i < c->array_count; i++) {
        free(c->arrays[i]->array.data);
        free(c->arrays[i]->any_nan);
        free(c->arrays[i]);
    }
    for (int i = 0; i < c->kernel_count; i++)
        free(c->kernels[i].cases);
    free(c->arrays);
    free(c->kernels);
    free(c);
}

uint64_t conformance_hash(const wn_array *a) {
    uint64_t sum = 0;
    for (int64_t i = 0, n = compare_count(a); i < n; i++) {
        uint64_t place = (uint64_t)i, state = values_load(a->type, a->data, i) ^ values_random(&place);
        sum += values_random(&state);
    }
    return sum;
}
