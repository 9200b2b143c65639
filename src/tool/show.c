/*
 * show.c - arrays as NumPy prints them: [1. 2. 0. 4. 0.], [10 30 40 70], [ True False].
 *
 * The rules are those of numpy.set_printoptions' defaults: 8 digits after the point, lines of 75 columns, more than 1,000
 * elements cut to 3 at each end of each axis. A column's width depends on all elements that are shown, so these are
 * walked twice: to measure, and to print.
 */
#include "tool/tool.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 8, LINE_WIDTH = 75, THRESHOLD = 1000, EDGE = 3, WORD = 400 };

typedef struct printer {
    FILE *out;
    const wn_array *array;
    bool summary;
    /* measured */
    bool any, finite, nonzero, negative_inf, other;
    double least, most; /* magnitudes of finite elements but 0 */
    bool scientific;
    int whole, fraction,
        power; /* digits before the point with a sign, after it, of the exponent with its sign */
    int width; /* of integers */
    /* printing */
    char line[LINE_WIDTH + WORD];
    int length;
} printer;

/* ---- Numbers as text -------------------------------------------------------------------------------------------------- */

typedef struct parts {
    char whole[24], fraction[WORD], power[16];
} parts;

static void scientific_parts(const decimal *d, parts *p) {
    snprintf(p->whole, sizeof p->whole, "%s%c", d->negative ? "-" : "", d->digits[0]);
    snprintf(p->fraction, sizeof p->fraction, "%s", d->count > 1 ? d->digits + 1 : "");
    snprintf(p->power, sizeof p->power, "%c%02d", d->exponent < 0 ? '-' : '+', abs(d->exponent));
}

static void positional_parts(const decimal *d, parts *p) {
    int at = 0;
    char *w = p->whole, *f = p->fraction;
    if (d->negative) *w++ = '-';
    for (int e = d->exponent; e >= 0; e--, at++)
        *w++ = at < d->count ? d->digits[at] : '0';
    if (d->exponent < 0) *w++ = '0';
    for (int e = -1; e > d->exponent; e--)
        *f++ = '0';
    while (at < d->count && !(d->count == 1 && d->digits[0] == '0'))
        *f++ = d->digits[at++];
    *w = *f = p->power[0] = 0;
}

/* The shortest decimal, or v itself rounded where that has less than `least` or more than `most` digits after the point. */
static parts float_parts(wn_type type, double v, bool scientific, int least, int most) {
    parts p = {.power = ""};
    decimal d = wn_decimal_shortest(type, v);
    int places = d.count - 1 - (scientific ? 0 : d.exponent);
    if (places < least || places > most)
        d = wn_decimal_rounded(v, places < least ? least : most, scientific);
    if (scientific)
        scientific_parts(&d, &p);
    else
        positional_parts(&d, &p);
    return p;
}

static void integer_text(wn_type type, const void *element, char text[WORD]) {
    if (type_is_signed(type))
        snprintf(text, WORD, "%lld", (long long)wn_load_signed(type, element));
    else
        snprintf(text, WORD, "%llu", (unsigned long long)wn_load_unsigned(type, element));
}

/* ---- The elements that are shown ---------------------------------------------------------------------------------------- */

typedef void (*visit_fn)(printer *p, const unsigned char *element);

static int64_t stride_of(const wn_array *a, int32_t axis) {
    int64_t stride = (int64_t)wn_type_size(a->type);
    for (int32_t i = axis + 1; i < a->rank; i++)
        stride *= a->shape[i];
    return stride;
}

/* Whether only both ends of an axis are shown. */
static bool is_cut(const printer *p, int32_t axis) {
    return p->summary && p->array->shape[axis] > 2 * EDGE;
}

static void visit(printer *p, int32_t axis, const unsigned char *at, visit_fn fn) {
    if (axis == p->array->rank) {
        fn(p, at);
        return;
    }
    int64_t length = p->array->shape[axis], stride = stride_of(p->array, axis);
    for (int64_t i = 0; i < length; i++) {
        if (is_cut(p, axis) && i == EDGE) i = length - EDGE;
        visit(p, axis + 1, at + i * stride, fn);
    }
}

/* ---- Measuring ------------------------------------------------------------------------------------------------------------ */

static void larger(int *width, size_t length) {
    if (*width < (int)length) *width = (int)length;
}

static void measure_range(printer *p, const unsigned char *element) {
    double v = wn_float_load(p->array->type, element), magnitude = fabs(v);
    if (!isfinite(v)) {
        p->other = true;
        if (isinf(v) && v < 0) p->negative_inf = true;
        return;
    }
    p->finite = true;
    if (v == 0) return;
    if (!p->nonzero || magnitude < p->least) p->least = magnitude;
    if (!p->nonzero || magnitude > p->most) p->most = magnitude;
    p->nonzero = true;
}

/* A double as the type has it, in which NumPy computes and compares. */
static double rounded(wn_type type, double v) {
    unsigned char element[8];
    wn_float_store(type, element, v);
    return wn_float_load(type, element);
}

/* From here on an exponent is written: 10 to the digits that the type has. */
static double positional_end(wn_type type) {
    return type == WN_F64 ? 1e16 : type == WN_F16 ? 1e3 : 1e6;
}

static void measure_float(printer *p, const unsigned char *element) {
    double v = wn_float_load(p->array->type, element);
    if (!isfinite(v)) return;
    parts text = float_parts(p->array->type, v, p->scientific, 0, PLACES);
    larger(&p->whole, strlen(text.whole));
    larger(&p->fraction, strlen(text.fraction));
    larger(&p->power, strlen(text.power));
}

static void measure_integer(printer *p, const unsigned char *element) {
    char text[WORD];
    integer_text(p->array->type, element, text);
    larger(&p->width, strlen(text));
}

/* A column of floats is as wide as its longest number, or as nan and -inf need. */
static void measure_floats(printer *p) {
    wn_type type = p->array->type;
    double limit = fmin(positional_end(type), 1e8);
    visit(p, 0, p->array->data, measure_range);
    p->scientific = p->nonzero && (p->most >= limit || p->least < rounded(type, 1e-4) ||
                                   rounded(type, p->most / p->least) > 1000);
    visit(p, 0, p->array->data, measure_float);
    int tail = p->fraction + 1 + (p->power ? p->power + 1 : 0);
    if (!p->finite) tail = 1;
    if (p->other && p->whole + tail < 3 + p->negative_inf) p->whole = 3 + p->negative_inf - tail;
    p->width = p->whole + tail;
}

/* ---- Elements as words ------------------------------------------------------------------------------------------------------ */

static void float_word(const printer *p, const unsigned char *element, char word[WORD]) {
    double v = wn_float_load(p->array->type, element);
    const char *special = isnan(v) ? "nan" : v < 0 ? "-inf" : "inf";
    if (!isfinite(v)) {
        snprintf(word, WORD, "%*s", p->width, special);
        return;
    }
    int least = p->scientific ? p->fraction : 0; /* of a column with exponents, each has all its digits */
    parts text = float_parts(p->array->type, v, p->scientific, least, PLACES);
    char fill = p->scientific ? '0' : ' ';
    int used = snprintf(word, WORD, "%*s.%s", p->whole, text.whole, text.fraction);
    for (int i = (int)strlen(text.fraction); i < p->fraction; i++)
        word[used++] = fill;
    if (p->scientific) {
        word[used++] = 'e';
        word[used++] = text.power[0];
        for (int i = (int)strlen(text.power); i < p->power; i++)
            word[used++] = '0';
        used += snprintf(word + used, (size_t)(WORD - used), "%s", text.power + 1);
    }
    word[used] = 0;
}

static void element_word(const printer *p, const unsigned char *element, char word[WORD]) {
    wn_type type = p->array->type;
    if (type == WN_BOOL) {
        snprintf(word, WORD, "%s", *element ? " True" : "False");
    } else if (type_is_float(type)) {
        float_word(p, element, word);
    } else {
        char text[WORD];
        integer_text(type, element, text);
        snprintf(word, WORD, "%*s", p->width, text);
    }
}

/* ---- Lines -------------------------------------------------------------------------------------------------------------------- */

static void start_line(printer *p, int indent) {
    memset(p->line, ' ', (size_t)indent);
    p->length = indent;
}

/* Write what the line holds from column `from`. */
static void end_line(printer *p, int from) {
    fwrite(p->line + from, 1, (size_t)(p->length - from), p->out);
}

/* Add a word; a line that would get too long is written first, without its trailing blanks. Blanks in front of the first
   line are not written: its brackets stand there. */
static void add_word(printer *p, const char *word, int width, int indent, int *from) {
    int length = (int)strlen(word);
    if (p->length + length > width && p->length > indent) {
        while (p->length > *from && p->line[p->length - 1] == ' ')
            p->length--;
        end_line(p, *from);
        fputc('\n', p->out);
        *from = 0;
        start_line(p, indent);
    }
    memcpy(p->line + p->length, word, (size_t)length);
    p->length += length;
}

static void print_row(printer *p, int32_t axis, const unsigned char *at, int indent, int width) {
    int64_t length = p->array->shape[axis], stride = stride_of(p->array, axis);
    int from = indent;
    char word[WORD];
    start_line(p, indent);
    for (int64_t i = 0; i < length; i++) {
        if (i > 0) p->line[p->length++] = ' ';
        if (is_cut(p, axis) && i == EDGE) {
            add_word(p, "...", width - 1, indent, &from);
            p->line[p->length++] = ' ';
            i = length - EDGE;
        }
        element_word(p, at + i * stride, word);
        add_word(p, word, width - 1, indent, &from);
    }
    end_line(p, from);
}

static void print_axis(printer *p, int32_t axis, const unsigned char *at, int indent, int width) {
    int32_t left = p->array->rank - axis;
    fputc('[', p->out);
    if (left == 1) {
        print_row(p, axis, at, indent, width);
    } else {
        int64_t length = p->array->shape[axis], stride = stride_of(p->array, axis);
        for (int64_t i = 0; i < length; i++) {
            for (int32_t j = 1; i > 0 && j < left; j++)
                fputc('\n', p->out);
            if (i > 0) fprintf(p->out, "%*s", indent, "");
            if (is_cut(p, axis) && i == EDGE) {
                fputs("...", p->out);
                for (int32_t j = 1; j < left; j++)
                    fputc('\n', p->out);
                fprintf(p->out, "%*s", indent, "");
                i = length - EDGE;
            }
            print_axis(p, axis + 1, at + i * stride, indent + 1, width - 1);
        }
    }
    fputc(']', p->out);
}

/* ---- Arrays ----------------------------------------------------------------------------------------------------------------------- */

/* A scalar is printed as NumPy's scalars are: 3.0, 1e-05, True. */
static void show_scalar(FILE *out, const wn_array *a) {
    char text[WORD];
    if (a->type == WN_BOOL) {
        fputs(*(const unsigned char *)a->data ? "True" : "False", out);
    } else if (!type_is_float(a->type)) {
        integer_text(a->type, a->data, text);
        fputs(text, out);
    } else {
        double v = wn_float_load(a->type, a->data), magnitude = fabs(v);
        bool scientific = v != 0 && (magnitude < 1e-4 || magnitude >= positional_end(a->type));
        if (!isfinite(v)) {
            fputs(isnan(v) ? "nan" : v < 0 ? "-inf" : "inf", out);
            return;
        }
        parts p = float_parts(a->type, v, scientific, 0, INT_MAX);
        if (scientific)
            fprintf(out, "%s%s%se%s", p.whole, *p.fraction ? "." : "", p.fraction, p.power);
        else
            fprintf(out, "%s.%s", p.whole, *p.fraction ? p.fraction : "0");
    }
}

static void show_array(FILE *out, const wn_array *a, int64_t count) {
    printer p = {.out = out, .array = a, .summary = count > THRESHOLD};
    if (type_is_float(a->type))
        measure_floats(&p);
    else if (a->type != WN_BOOL)
        visit(&p, 0, a->data, measure_integer);
    print_axis(&p, 0, a->data, 1, LINE_WIDTH);
}

void wn_show(FILE *out, const wn_array *a) {
    int64_t count = wn_element_count(a->rank, a->shape, wn_type_size(a->type));
    if (a->rank == 0)
        show_scalar(out, a);
    else if (count == 0)
        fputs("[]", out);
    else
        show_array(out, a, count);
    fputc('\n', out);
}
