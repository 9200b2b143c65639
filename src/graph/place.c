/*
 * place.c - an error in a text, shown as
 *
 *     line 1, column 7: less: operands are f32 and f64
 *     x < 0 & y < z
 *               ^
 *
 * Columns count characters. The line is shown as valid UTF-8 whatever it is: a byte that is none, or a control character,
 * becomes a '?'. The caret's line repeats the tabs of the line above, so that it stands right for every width of a tab. A
 * long line is cut on both sides of the place, so that the message fits a wn_error.
 */
#include "graph/lex.h"

#include <stdio.h>
#include <string.h>

enum {
    WIDEST = 76, /* characters shown of a line */
    BEFORE = 40, /* of these at most before the place, if the line is cut */
    CUT = 3      /* the length of "..." */
};

/* A line of the text, without its end. */
typedef struct line {
    const char *text;
    size_t length;
    size_t number; /* from 1 */
} line;

static line find_line(const char *text, size_t length, size_t offset) {
    line l = {.text = text, .number = 1};
    for (size_t i = 0; i < offset; i++) {
        if (text[i] != '\n') continue;
        l.number++;
        l.text = text + i + 1;
    }
    size_t rest = length - (size_t)(l.text - text);
    const char *end = rest ? memchr(l.text, '\n', rest) : NULL;
    l.length = end ? (size_t)(end - l.text) : rest;
    if (l.length && l.text[l.length - 1] == '\r') l.length--;
    return l;
}

/* A character's bytes, where a byte that is not UTF-8 is a character too. */
static size_t step(const line *l, size_t i) {
    size_t size = wn_utf8_length(l->text + i, l->length - i);
    return size ? size : 1;
}

static size_t count_characters(const line *l, size_t end) {
    size_t count = 0;
    for (size_t i = 0; i < end; i += step(l, i))
        count++;
    return count;
}

/* The byte at which a character begins. */
static size_t find_character(const line *l, size_t number) {
    size_t i = 0;
    while (number-- > 0 && i < l->length)
        i += step(l, i);
    return i;
}

static char *copy_character(char *out, const line *l, size_t i) {
    size_t size = wn_utf8_length(l->text + i, l->length - i);
    unsigned char c = (unsigned char)l->text[i];
    bool control = (c < 0x20 && c != '\t') || c == 0x7f;
    if (size == 0 || control) {
        *out++ = '?';
        return out;
    }
    memcpy(out, l->text + i, size);
    return out + size;
}

/* The bytes [start, end) of the line, and under `place` a caret. `out` has room for WIDEST characters twice. */
static void write_line(char *out, const line *l, size_t start, size_t end, size_t place) {
    *out++ = '\n';
    if (start > 0) out = memcpy(out, "...", CUT), out += CUT;
    for (size_t i = start; i < end; i += step(l, i))
        out = copy_character(out, l, i);
    if (end < l->length) out = memcpy(out, "...", CUT), out += CUT;
    *out++ = '\n';
    if (start > 0) out = memset(out, ' ', CUT), out += CUT;
    for (size_t i = start; i < place; i += step(l, i))
        *out++ = l->text[i] == '\t' ? '\t' : ' ';
    *out++ = '^';
    *out = '\0';
}

void wn_locate_error(wn_graph *g, const char *text, size_t length, size_t offset) {
    line l = find_line(text, length, offset);
    size_t place = offset - (size_t)(l.text - text);
    if (place > l.length) place = l.length;
    size_t column = count_characters(&l, place);
    bool whole = count_characters(&l, l.length) <= WIDEST;
    size_t first = whole || column < BEFORE ? 0 : column - BEFORE;
    char before[64], after[WIDEST * 5 + 32];
    snprintf(before, sizeof before, "line %zu, column %zu: ", l.number, column + 1);
    write_line(after, &l, find_character(&l, first), find_character(&l, first + WIDEST), place);
    wn_graph_wrap_error(g, before, after);
}
