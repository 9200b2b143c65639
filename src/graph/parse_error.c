/*
 * parse_error.c - mistakes in a text: what was expected, what was found, and where.
 */
#include "graph/parse.h"

#include <stdio.h>

node_id wn_parse_locate(parser *p, size_t place) {
    wn_locate_error(p->g, p->text, p->length, place);
    return 0;
}

/* A token for a message: its text, cut if it is long. */
const char *wn_token_text(const parser *p, const token *t, char out[48]) {
    if (t->kind == TOKEN_END) return "the end of the text";
    bool cut = t->length > 40;
    snprintf(out, 48, "\"%.*s%s\"", (int)(cut ? 40 : t->length), p->text + t->offset, cut ? "..." : "");
    return out;
}

/* A character that begins no token. */
static node_id fail_character(parser *p) {
    const char *at = p->text + p->now.offset;
    unsigned char c = (unsigned char)*at;
    if (c < 0x20 || c == 0x7f || wn_utf8_length(at, p->now.length) == 0)
        wn_graph_fail(p->g, WN_ERROR_SYNTAX, "the byte 0x%02x means nothing here", c);
    else
        wn_graph_fail(p->g, WN_ERROR_SYNTAX, "\"%.*s\" means nothing here", (int)p->now.length, at);
    return wn_parse_locate(p, p->now.offset);
}

/* The text should go on with something else. */
node_id wn_parse_expected(parser *p, const char *what) {
    char text[48];
    if (p->now.kind == TOKEN_BAD && !p->now.complaint) return fail_character(p);
    if (p->now.kind == TOKEN_BAD)
        wn_graph_fail(p->g, p->now.status, "%s", p->now.complaint);
    else
        wn_graph_fail(p->g, WN_ERROR_SYNTAX, "expected %s, found %s", what,
                      wn_token_text(p, &p->now, text));
    return wn_parse_locate(p, p->now.offset);
}

/* Something is wrong about a name or word; `format` has one %s, for it. */
node_id wn_parse_fail_word(parser *p, const token *t, wn_status status, const char *format) {
    char text[48], message[256];
    snprintf(message, sizeof message, format, wn_token_text(p, t, text));
    wn_graph_fail(p->g, status, "%s", message);
    return wn_parse_locate(p, t->offset);
}
