/*
 * parse.h - a text that is being read: its tokens, what waits, and how mistakes are shown.
 */
#ifndef WN_PARSE_H
#define WN_PARSE_H

#include "graph/lex.h"

#include <string.h>

/* An operand that waits for the rest of its call or chain. */
typedef struct operand {
    node_id id;
    size_t place, start; /* start: of a choice's condition */
} operand;

typedef struct parser {
    wn_graph *g;
    const char *text;
    size_t length;
    token now;
    size_t end;  /* of the last token that was read */
    size_t base; /* where the text begins in the graph's trace */
    int depth;
    operand *stack;
    uint32_t count, room;
    bool has_output;
    node_id last;    /* the value of the last statement that has one    */
    token last_name; /* its name; not a name if it is an expression     */
} parser;

/* ---- Errors (parse_error.c): each gives the graph an error with its place, and returns 0 ------------------------------ */

node_id wn_parse_locate(parser *p, size_t place);
/* The text should go on with something else. */
node_id wn_parse_expected(parser *p, const char *what);
/* Something is wrong about a name or word; `format` has one %s, for it. */
node_id wn_parse_fail_word(parser *p, const token *t, wn_status status, const char *format)
    __attribute__((format(printf, 4, 0)));
/* A name that nothing has; `called`: no function has it. What other languages call something is said as it is written here. */
node_id wn_parse_unknown(parser *p, const token *t, bool called);
/* A token for a message: its text, cut if it is long. */
const char *wn_token_text(const parser *p, const token *t, char out[48]);

/* ---- Tokens ------------------------------------------------------------------------------------------------------ */

static inline void advance(parser *p) {
    p->end = p->now.offset + p->now.length;
    p->now = wn_lex(p->text, p->length, p->end);
}

static inline token peek(const parser *p) {
    return wn_lex(p->text, p->length, p->now.offset + p->now.length);
}

static inline bool at(const parser *p, token_kind kind) {
    return p->now.kind == kind;
}

static inline bool accept(parser *p, token_kind kind) {
    if (!at(p, kind)) return false;
    advance(p);
    return true;
}

static inline bool expect(parser *p, token_kind kind, const char *what) {
    if (accept(p, kind)) return true;
    return wn_parse_expected(p, what);
}

static inline bool token_is(const parser *p, const token *t, const char *text) {
    return strlen(text) == t->length && !memcmp(text, p->text + t->offset, t->length);
}

static inline const word *word_of(const parser *p, const token *t) {
    return t->kind == TOKEN_NAME ? wn_find_word(p->text + t->offset, t->length) : NULL;
}

#endif
