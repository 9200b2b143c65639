/*
 * lex.h - text becomes tokens, and an offset in it a place that a person can find.
 *
 * Nothing here allocates or keeps state: a token is a view of the text, and the next one begins to be looked for where it
 * ends. A text is bytes with a length; it may hold NUL, need not end in a newline, and need not be UTF-8.
 */
#ifndef WN_LEX_H
#define WN_LEX_H

#include "graph/graph.h"

/* Punctuation: its name and text. A longer text stands before its own beginnings. */
#define WN_PUNCTUATION(X)                                                                          \
    X(SHIFT_LEFT, "<<")                                                                            \
    X(SHIFT_RIGHT, ">>")                                                                           \
    X(LESS_EQUAL, "<=")                                                                            \
    X(GREATER_EQUAL, ">=")                                                                         \
    X(EQUAL, "==")                                                                                 \
    X(NOT_EQUAL, "!=")                                                                             \
    X(AND_AND, "&&")                                                                               \
    X(OR_OR, "||")                                                                                 \
    X(SLASH_SLASH, "//")                                                                           \
    X(LESS, "<")                                                                                   \
    X(GREATER, ">")                                                                                \
    X(ASSIGN, "=")                                                                                 \
    X(NOT, "!")                                                                                    \
    X(AND, "&")                                                                                    \
    X(OR, "|")                                                                                     \
    X(SLASH, "/")                                                                                  \
    X(XOR, "^")                                                                                    \
    X(TILDE, "~")                                                                                  \
    X(PLUS, "+")                                                                                   \
    X(MINUS, "-")                                                                                  \
    X(STAR, "*")                                                                                   \
    X(PERCENT, "%")                                                                                \
    X(QUESTION, "?")                                                                               \
    X(COLON, ":")                                                                                  \
    X(COMMA, ",")                                                                                  \
    X(SEMICOLON, ";")                                                                              \
    X(LEFT_PAREN, "(")                                                                             \
    X(RIGHT_PAREN, ")")                                                                            \
    X(LEFT_BRACKET, "[")                                                                           \
    X(RIGHT_BRACKET, "]")

typedef enum token_kind {
    TOKEN_END,
    TOKEN_BAD, /* no token: complaint says why */
    TOKEN_NAME,
    TOKEN_INT,   /* bits: the value                */
    TOKEN_FLOAT, /* bits: the bits of the double   */
#define WN_X(name, text) TOKEN_##name,
    WN_PUNCTUATION(WN_X)
#undef WN_X
} token_kind;

typedef struct token {
    token_kind kind;
    size_t offset,
        length; /* in bytes; the end stands right behind the last token, before space and comments */
    uint64_t bits;
    wn_status status;
    const char *complaint;
} token;

/* The first token from `offset` on. */
token wn_lex(const char *text, size_t length, size_t offset);

/* ---- Words ------------------------------------------------------------------------------------------------------- */

typedef enum word_kind {
    WORD_INPUT,
    WORD_OUTPUT,
    WORD_BOOL, /* value: 0 or 1                            */
    WORD_NAN,
    WORD_INF,
    WORD_TYPE,      /* value: a wn_type                    */
    WORD_OPERATION, /* value: an op, built of its operands */
    WORD_CAST,
    WORD_SELECT,
    WORD_CLIP,
    WORD_REDUCTION, /* value: an op, with options          */
    WORD_OPTION
} word_kind;

typedef struct word {
    const char *text;
    word_kind kind;
    uint8_t value;
} word;

/* The word of the language that this text is, or NULL. */
const word *wn_find_word(const char *text, size_t length);

/* ---- Places ------------------------------------------------------------------------------------------------------ */

/* The bytes of the character that `text` begins with: 1 to 4 of them; 0 if it is not UTF-8, or length is 0. */
size_t wn_utf8_length(const char *text, size_t length);

/* Give the graph's error the place of a byte of the text: line, column, the line itself and a caret. */
void wn_locate_error(wn_graph *g, const char *text, size_t length, size_t offset);

#endif
