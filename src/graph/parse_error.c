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

/* What others call it, and what is written here. */
static const struct {
    const char *theirs, *ours;
} ELSEWHERE[] = {
    {"not", "!m"},
    {"and", "m & k"},
    {"or", "m | k"},
    {"if", "m ? x : y"},
    {"True", "true"},
    {"False", "false"},
    {"np", "the function's name alone: where(m, x, 0)"},
    {"numpy", "the function's name alone: where(m, x, 0)"},
    {"tf", "the function's name alone: where(m, x, 0)"},
    {"astype", "cast(x, f32) or f32(x)"},
    {"float", "f32(x) or f64(x)"},
    {"float16", "f16(x)"},
    {"bfloat16", "bf16(x)"},
    {"float32", "f32(x)"},
    {"float64", "f64(x)"},
    {"double", "f64(x)"},
    {"int", "i32(x) or i64(x)"},
    {"int8", "i8(x)"},
    {"int16", "i16(x)"},
    {"int32", "i32(x)"},
    {"int64", "i64(x)"},
    {"uint8", "u8(x)"},
    {"uint16", "u16(x)"},
    {"uint32", "u32(x)"},
    {"uint64", "u64(x)"},
    {"isnan", "is_nan(x)"},
    {"isinf", "is_inf(x)"},
    {"isfinite", "is_finite(x)"},
    {"count_nonzero", "count(x)"},
    {"reduce_sum", "sum(x)"},
    {"reduce_mean", "mean(x)"},
    {"reduce_min", "min(x)"},
    {"reduce_max", "max(x)"},
    {"reduce_any", "any(m)"},
    {"reduce_all", "all(m)"},
    {"round", "rint(x)"},
    {"power", "x * x"},
    {"pow", "x * x"},
    {"argwhere", "nonzero(m)"},
    {"extract", "x[m]"},
};

/* NULL if the token is nothing of that kind. */
static const char *find_ours(const parser *p, const token *t) {
    for (size_t i = 0; t->kind == TOKEN_NAME && i < sizeof ELSEWHERE / sizeof *ELSEWHERE; i++)
        if (token_is(p, t, ELSEWHERE[i].theirs)) return ELSEWHERE[i].ours;
    return NULL;
}

/* A character that begins no token. */
static node_id fail_character(parser *p) {
    const char *at = p->text + p->now.offset;
    unsigned char c = (unsigned char)*at;
    if (c == '.')
        wn_graph_fail(
            p->g, WN_ERROR_SYNTAX,
            "\".\" means nothing here; a function is written before what it is of: sum(x)");
    else if (c < 0x20 || c == 0x7f || wn_utf8_length(at, p->now.length) == 0)
        wn_graph_fail(p->g, WN_ERROR_SYNTAX, "the byte 0x%02x means nothing here", c);
    else
        wn_graph_fail(p->g, WN_ERROR_SYNTAX, "\"%.*s\" means nothing here", (int)p->now.length, at);
    return wn_parse_locate(p, p->now.offset);
}

/* The text should go on with something else. */
node_id wn_parse_expected(parser *p, const char *what) {
    char text[48];
    if (p->now.kind == TOKEN_BAD && !p->now.complaint) return fail_character(p);
    const char *ours = find_ours(p, &p->now);
    if (p->now.kind == TOKEN_BAD)
        wn_graph_fail(p->g, p->now.status, "%s", p->now.complaint);
    else
        wn_graph_fail(p->g, WN_ERROR_SYNTAX, "expected %s, found %s%s%s", what,
                      wn_token_text(p, &p->now, text), ours ? "; write " : "", ours ? ours : "");
    return wn_parse_locate(p, p->now.offset);
}

/* Something is wrong about a name or word; `format` has one %s, for it. */
node_id wn_parse_fail_word(parser *p, const token *t, wn_status status, const char *format) {
    char text[48], message[256];
    snprintf(message, sizeof message, format, wn_token_text(p, t, text));
    wn_graph_fail(p->g, status, "%s", message);
    return wn_parse_locate(p, t->offset);
}

node_id wn_parse_unknown(parser *p, const token *t, bool called) {
    char text[48];
    const char *ours = find_ours(p, t),
               *otherwise = called ? "; docs/operations.md has all"
                                   : ": an input is declared by `input x: f32[?];`";
    wn_graph_fail(p->g, WN_ERROR_NAME, "%s%s%s%s%s", called ? "" : "nothing is named ",
                  wn_token_text(p, t, text), called ? " is not a function" : "",
                  ours ? "; write " : otherwise, ours ? ours : "");
    return wn_parse_locate(p, t->offset);
}
