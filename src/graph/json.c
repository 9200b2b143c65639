/*
 * json.c - a JSON document, written (RFC 8259).
 */
#include "graph/json.h"
#include "graph/lex.h"

#include <string.h>

static void separate(json *j) {
    if (j->comma) wn_buffer_add(j->b, ",");
    j->comma = true;
}

void wn_json_open(json *j, char bracket) {
    separate(j);
    wn_buffer_add(j->b, "%c", bracket);
    j->comma = false;
}

void wn_json_close(json *j, char bracket) {
    wn_buffer_add(j->b, "%c", bracket);
    j->comma = true;
}

void wn_json_key(json *j, const char *key) {
    separate(j);
    wn_buffer_add(j->b, "\"%s\":", key);
    j->comma = false;
}

/* What may stand in a string as it is: also <, which is no end of a script element without a slash, and that is escaped. */
static size_t plain_length(const char *text, size_t length) {
    size_t n = 0;
    while (n < length) {
        unsigned char c = (unsigned char)text[n];
        size_t size = wn_utf8_length(text + n, length - n);
        if (c < 0x20 || c == '"' || c == '\\' || c == '<' || c == 0x7f || size == 0) break;
        n += size;
    }
    return n;
}

static void escape(json *j, unsigned char c) {
    switch (c) {
    case '"': wn_buffer_add(j->b, "\\\""); break;
    case '\\': wn_buffer_add(j->b, "\\\\"); break;
    case '\n': wn_buffer_add(j->b, "\\n"); break;
    case '\t': wn_buffer_add(j->b, "\\t"); break;
    default:
        if (c < 0x80)
            wn_buffer_add(j->b, "\\u%04x", c);
        else
            wn_buffer_add(j->b, "\xef\xbf\xbd"); /* U+FFFD */
    }
}

void wn_json_text(json *j, const char *text, size_t length) {
    separate(j);
    wn_buffer_add(j->b, "\"");
    for (size_t i = 0; i < length;) {
        size_t plain = plain_length(text + i, length - i);
        if (plain) wn_buffer_add(j->b, "%.*s", (int)plain, text + i);
        i += plain;
        if (i < length) escape(j, (unsigned char)text[i++]);
    }
    wn_buffer_add(j->b, "\"");
}

void wn_json_string(json *j, const char *text) {
    wn_json_text(j, text, strlen(text));
}

void wn_json_number(json *j, int64_t number) {
    separate(j);
    wn_buffer_add(j->b, "%lld", (long long)number);
}

void wn_json_bool(json *j, bool value) {
    separate(j);
    wn_buffer_add(j->b, value ? "true" : "false");
}

void wn_json_open_member(json *j, const char *key, char bracket) {
    wn_json_key(j, key);
    wn_json_open(j, bracket);
}

void wn_json_member(json *j, const char *key, const char *text) {
    wn_json_key(j, key);
    wn_json_string(j, text);
}

void wn_json_count(json *j, const char *key, int64_t number) {
    wn_json_key(j, key);
    wn_json_number(j, number);
}
