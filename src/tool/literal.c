/*
 * literal.c - arrays written on the command line: 7, [1, 2, -3], [[true, false], [false, true]].
 *
 * Elements are gathered first, since the last one may decide the type of all; then each is stored as the language types
 * its literals: an int must fit, a float goes to the nearest value.
 */
#include "tool/tool.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum item_kind { ITEM_BOOL, ITEM_INT, ITEM_FLOAT } item_kind;

typedef struct item {
    item_kind kind;
    bool negative;
    uint64_t magnitude; /* of an int; a bool's 0 or 1 */
    double v;
    const char *text;
    int length;
} item;

typedef struct reader {
    const char *name, *text, *at;
    item *items;
    size_t count, room;
    int32_t rank; /* -1 until the first element or empty list has been seen */
    int64_t shape[WN_MAX_RANK];
} reader;

static exit_status unreadable(const reader *r, const char *what) {
    return wn_wrong("%s: %s at column %d of '%s'", r->name, what, (int)(r->at - r->text) + 1, r->text);
}

static void skip_space(reader *r) {
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n')
        r->at++;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Where a float's text ends, p itself if none begins there: [digits][.digits][e[+-]digits]. */
static const char *float_end(const char *p) {
    const char *start = p;
    int digits = 0;
    for (; is_digit(*p); p++)
        digits++;
    if (*p == '.')
        for (p++; is_digit(*p); p++)
            digits++;
    if (digits == 0) return start;
    const char *power = p;
    if (*power == 'e' || *power == 'E') {
        power++;
        if (*power == '+' || *power == '-') power++;
        if (is_digit(*power)) {
            while (is_digit(*power))
                power++;
            p = power;
        }
    }
    return p;
}

/* The word here, if it is this one. */
static bool take_word(reader *r, const char *word) {
    size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0) return false;
    r->at += length;
    return true;
}

static exit_status read_integer(reader *r, item *it, int base, const char *end) {
    errno = 0;
    it->kind = ITEM_INT;
    it->magnitude = strtoull(r->at, NULL, base);
    if (errno || (it->negative && it->magnitude > (uint64_t)1 << 63))
        return unreadable(r, "an integer outside -2^63 to 2^64 - 1");
    if (it->magnitude == 0) it->negative = false;
    r->at = end;
    return DONE;
}

static exit_status read_number(reader *r, item *it) {
    if (*r->at == '-') {
        it->negative = true;
        r->at++;
    }
    it->kind = ITEM_FLOAT;
    if (take_word(r, "inf")) {
        it->v = (double)INFINITY;
    } else if (take_word(r, "nan")) {
        it->v = (double)NAN;
    } else if (r->at[0] == '0' && (r->at[1] == 'x' || r->at[1] == 'X') && is_hex(r->at[2])) {
        const char *end = r->at + 2;
        while (is_hex(*end))
            end++;
        return read_integer(r, it, 16, end);
    } else {
        const char *end = float_end(r->at);
        if (end == r->at) return unreadable(r, "no number, true, false or [");
        size_t whole = strspn(r->at, "0123456789");
        if (r->at + whole == end) return read_integer(r, it, 10, end);
        it->v = strtod(r->at, NULL);
        r->at = end;
    }
    if (it->negative) it->v = -it->v;
    return DONE;
}

static exit_status read_item(reader *r) {
    item it = {.text = r->at};
    if (take_word(r, "true")) {
        it.magnitude = 1;
    } else if (!take_word(r, "false")) {
        TRY(read_number(r, &it));
    }
    if (*r->at && !strchr(" \t\n,]", *r->at)) return unreadable(r, "no number, true or false");
    it.length = (int)(r->at - it.text);
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        r->items = wn_have(realloc(r->items, r->room * sizeof *r->items));
    }
    r->items[r->count++] = it;
    return DONE;
}

/* Elements end at one depth, and lists at one depth have one length. */
static exit_status read_list(reader *r, int32_t depth);

static exit_status read_value(reader *r, int32_t depth) {
    skip_space(r);
    if (*r->at == '[') return read_list(r, depth);
    if (r->rank >= 0 && r->rank != depth) return unreadable(r, "an element where a list belongs");
    r->rank = depth;
    return read_item(r);
}

static exit_status end_list(reader *r, int32_t depth, int64_t length) {
    if (r->shape[depth] >= 0 && r->shape[depth] != length) {
        char what[120];
        snprintf(what, sizeof what, "a list of %lld beside one of %lld", (long long)length,
                 (long long)r->shape[depth]);
        return unreadable(r, what);
    }
    r->shape[depth] = length;
    r->at++;
    return DONE;
}

static exit_status read_list(reader *r, int32_t depth) {
    int64_t length = 0;
    if (depth == WN_MAX_RANK) return unreadable(r, "more than 8 axes");
    if (r->rank >= 0 && depth >= r->rank) return unreadable(r, "a list where an element belongs");
    r->at++;
    skip_space(r);
    if (*r->at == ']') {
        if (r->rank < 0) r->rank = depth + 1;
        if (r->rank != depth + 1) return unreadable(r, "an empty list beside one with lists");
        return end_list(r, depth, 0);
    }
    for (;;) {
        TRY(read_value(r, depth + 1));
        length++;
        skip_space(r);
        if (*r->at == ']') return end_list(r, depth, length);
        if (*r->at != ',') return unreadable(r, *r->at ? "no , or ]" : "a list that does not end");
        r->at++;
    }
}

/* bool, i64, or f64 if any element is a float. */
static exit_status find_type(const reader *r, wn_type *type) {
    bool bools = false, numbers = false, floats = false;
    for (size_t i = 0; i < r->count; i++) {
        bools |= r->items[i].kind == ITEM_BOOL;
        numbers |= r->items[i].kind != ITEM_BOOL;
        floats |= r->items[i].kind == ITEM_FLOAT;
    }
    if (bools && numbers)
        return wn_wrong("%s: bools and numbers in one array: '%s'", r->name, r->text);
    *type = bools ? WN_BOOL : floats ? WN_F64 : WN_I64;
    return DONE;
}

static exit_status unfit(const reader *r, const item *it, wn_type type) {
    return wn_wrong("%s: %.*s does not fit %s", r->name, it->length, it->text, wn_type_name(type));
}

/* An int as the nearest double, or, past 53 bits, one that rounds to a shorter float as the int itself would. */
static double int_to_double(const item *it, wn_type type) {
    uint64_t m = it->magnitude;
    if (type != WN_F64 && m >> 53) m = (m >> 11 | ((m & 2047) != 0)) << 11;
    return it->negative ? -(double)m : (double)m;
}

static exit_status store_float(const reader *r, const item *it, wn_type type, void *to) {
    if (it->kind == ITEM_BOOL) return unfit(r, it, type);
    wn_float_store(type, to, it->kind == ITEM_FLOAT ? it->v : int_to_double(it, type));
    if (it->kind == ITEM_INT && isinf(wn_float_load(type, to))) return unfit(r, it, type);
    return DONE;
}

static exit_status store_integer(const reader *r, const item *it, wn_type type, void *to) {
    int bits = 8 * (int)wn_type_size(type);
    uint64_t most = UINT64_MAX >> (64 - bits) >> type_is_signed(type);
    uint64_t limit = !it->negative ? most : type_is_signed(type) ? most + 1 : 0;
    if (it->kind != ITEM_INT || it->magnitude > limit) return unfit(r, it, type);
    uint64_t v = it->negative ? 0 - it->magnitude : it->magnitude;
    memcpy(to, &v, wn_type_size(type)); /* little-endian, as every machine Winnow runs on */
    return DONE;
}

static exit_status store(const reader *r, const item *it, wn_type type, unsigned char *to) {
    if (type_is_float(type)) return store_float(r, it, type, to);
    if (type != WN_BOOL) return store_integer(r, it, type, to);
    if (it->kind == ITEM_FLOAT || it->negative || it->magnitude > 1) return unfit(r, it, type);
    *to = (unsigned char)it->magnitude;
    return DONE;
}

static exit_status store_all(const reader *r, wn_type type, holding *h) {
    size_t size = wn_type_size(type);
    unsigned char *to = h->memory = wn_have(malloc(r->count * size + 1));
    for (size_t i = 0; i < r->count; i++)
        TRY(store(r, &r->items[i], type, to + i * size));
    h->array = wn_array_of(type, h->memory, r->rank, r->shape);
    return DONE;
}

exit_status wn_literal_read(const char *name, const char *text, const wn_type *declared, holding *h) {
    reader r = {.name = name, .text = text, .at = text, .rank = -1};
    for (int i = 0; i < WN_MAX_RANK; i++)
        r.shape[i] = -1;
    wn_type type = declared ? *declared : WN_I64;
    exit_status status = read_value(&r, 0);
    skip_space(&r);
    if (status == DONE && *r.at) status = unreadable(&r, "something after the end");
    if (status == DONE && !declared) status = find_type(&r, &type);
    if (status == DONE) status = store_all(&r, type, h);
    free(r.items);
    return status;
}
