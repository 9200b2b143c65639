/*
 * json_check.c - a reader of JSON that keeps nothing: written from the RFC's grammar, so that it shares no mistake with the writer.
 */
#include "json_check.h"

#include <stdbool.h>
#include <string.h>

enum { DEEPEST = 64 };

typedef struct reader {
    const unsigned char *at, *end;
    int depth;
} reader;

static bool read_value(reader *r);

static void skip_space(reader *r) {
    while (r->at < r->end && strchr(" \t\n\r", *r->at) && *r->at)
        r->at++;
}

static bool take(reader *r, unsigned char c) {
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool in_range(const reader *r, int i, unsigned low, unsigned high) {
    return r->end - r->at > i && r->at[i] >= low && r->at[i] <= high;
}

/* Table 3-7 of the Unicode standard. */
static bool read_character(reader *r) {
    int size = in_range(r, 0, 0x20, 0x7f)                                                     ? 1
               : in_range(r, 0, 0xc2, 0xdf) && in_range(r, 1, 0x80, 0xbf)                     ? 2
               : in_range(r, 0, 0xe0, 0xe0) && in_range(r, 1, 0xa0, 0xbf)                     ? 3
               : in_range(r, 0, 0xed, 0xed) && in_range(r, 1, 0x80, 0x9f)                     ? 3
               : in_range(r, 0, 0xe1, 0xef) && in_range(r, 1, 0x80, 0xbf) && r->at[0] != 0xed ? 3
               : in_range(r, 0, 0xf0, 0xf0) && in_range(r, 1, 0x90, 0xbf)                     ? 4
               : in_range(r, 0, 0xf1, 0xf3) && in_range(r, 1, 0x80, 0xbf)                     ? 4
               : in_range(r, 0, 0xf4, 0xf4) && in_range(r, 1, 0x80, 0x8f)                     ? 4
                                                                                              : 0;
    for (int i = 2; i < size; i++)
        if (!in_range(r, i, 0x80, 0xbf)) return false;
    r->at += size;
    return size > 0;
}

static bool read_escape(reader *r) {
    if (r->at == r->end) return false;
    unsigned char c = *r->at++;
    for (int i = 0; c == 'u' && i < 4; i++) {
        if (!in_range(r, 0, '0', '9') && !in_range(r, 0, 'a', 'f') && !in_range(r, 0, 'A', 'F'))
            return false;
        r->at++;
    }
    return c && strchr("\"\\/bfnrtu", c);
}

static bool read_string(reader *r) {
    if (!take(r, '"')) return false;
    while (r->at < r->end && *r->at != '"')
        if (!(take(r, '\\') ? read_escape(r) : read_character(r))) return false;
    return take(r, '"');
}

static bool read_number(reader *r) {
    take(r, '-');
    if (take(r, '0')) return !in_range(r, 0, '0', '9');
    if (!in_range(r, 0, '1', '9')) return false;
    while (in_range(r, 0, '0', '9'))
        r->at++;
    return true; /* the writer has integers alone */
}

static bool read_members(reader *r, unsigned char close, bool keys) {
    skip_space(r);
    if (take(r, close)) return true;
    do {
        skip_space(r);
        if (keys && !read_string(r)) return false;
        skip_space(r);
        if (keys && !take(r, ':')) return false;
        if (!read_value(r)) return false;
        skip_space(r);
    } while (take(r, ','));
    return take(r, close);
}

static bool read_word(reader *r, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0) return false;
    r->at += length;
    return true;
}

static bool read_value(reader *r) {
    skip_space(r);
    if (++r->depth > DEEPEST) return false;
    bool ok = take(r, '{')               ? read_members(r, '}', true)
              : take(r, '[')             ? read_members(r, ']', false)
              : in_range(r, 0, '"', '"') ? read_string(r)
              : in_range(r, 0, 't', 't') ? read_word(r, "true")
              : in_range(r, 0, 'f', 'f') ? read_word(r, "false")
              : in_range(r, 0, 'n', 'n') ? read_word(r, "null")
                                         : read_number(r);
    r->depth--;
    return ok;
}

const char *json_first_fault(const char *text, size_t length) {
    reader r = {(const unsigned char *)text, (const unsigned char *)text + length, 0};
    bool ok = read_value(&r);
    skip_space(&r);
    return ok && r.at == r.end ? NULL : (const char *)r.at;
}
