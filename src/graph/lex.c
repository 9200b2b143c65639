/*
 * lex.c - the tokens and the words of the language.
 *
 * Only ASCII means something: letters are a to z and A to Z in every locale, and any other byte outside a comment is an
 * error that is shown as the character it belongs to.
 */
#include "graph/lex.h"

#include <string.h>

/* ---- Characters -------------------------------------------------------------------------------------------------- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool begins_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool continues_name(char c) {
    return begins_name(c) || is_digit(c);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

size_t wn_utf8_length(const char *text, size_t length) {
    if (length == 0) return 0;
    unsigned char first = (unsigned char)text[0];
    if (first < 0x80) return 1;
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || size > length) return 0;
    for (size_t i = 1; i < size; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 0;
    unsigned char second = (unsigned char)text[1];
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool surrogate = first == 0xed && second >= 0xa0;
    return overlong || surrogate || (first == 0xf4 && second >= 0x90) ? 0 : size;
}

/* ---- Tokens ------------------------------------------------------------------------------------------------------ */

/* Where a token begins: behind spaces and comments. */
static size_t skip_blanks(const char *text, size_t length, size_t i) {
    for (; i < length && (is_space(text[i]) || text[i] == '#'); i++)
        if (text[i] == '#')
            while (i + 1 < length && text[i + 1] != '\n')
                i++;
    return i;
}

static token bad_token(token t, wn_status status, const char *complaint) {
    t.kind = TOKEN_BAD;
    t.status = status;
    t.complaint = complaint;
    return t;
}

/* Everything that belongs to a number, rightly written or not: 1.5e-3, 0xff, 1.2.3, 12abc. */
static size_t number_length(const char *text, size_t length) {
    bool hex = length > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    size_t i = 0;
    while (i < length) {
        bool exponent = !hex && i > 0 && (text[i - 1] == 'e' || text[i - 1] == 'E');
        bool sign = exponent && (text[i] == '+' || text[i] == '-') && i + 1 < length &&
                    is_digit(text[i + 1]);
        if (!sign && text[i] != '.' && !continues_name(text[i])) break;
        i++;
    }
    return i;
}

/* Digits of a base into *value. False: one is no digit, or (*fits is false) there are too many. */
static bool read_digits(const char *text, size_t length, unsigned base, uint64_t *value, bool *fits) {
    *value = 0;
    *fits = true;
    for (size_t i = 0; i < length; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0 || (unsigned)digit >= base) return false;
        if (*value > (UINT64_MAX - (unsigned)digit) / base) *fits = false;
        *value = *value * base + (unsigned)digit;
    }
    return length > 0;
}

static token lex_number(const char *text, size_t length, token t) {
    t.length = number_length(text, length);
    bool hex = t.length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    bool fits;
    double v;
    if (read_digits(hex ? text + 2 : text, hex ? t.length - 2 : t.length, hex ? 16 : 10, &t.bits, &fits)) {
        t.kind = TOKEN_INT;
        return fits ? t
                    : bad_token(
                          t, WN_ERROR_LITERAL,
                          "the integer is above 2^64 - 1; write it as a float if that is meant");
    }
    if (!wn_read_float(text, t.length, &v))
        return bad_token(t, WN_ERROR_SYNTAX, "this is no number: write 12, 0x1f, 1.5 or 1e-3");
    t.kind = TOKEN_FLOAT;
    memcpy(&t.bits, &v, sizeof v);
    return t;
}

static token lex_name(const char *text, size_t length, token t) {
    t.kind = TOKEN_NAME;
    while (t.length < length && continues_name(text[t.length]))
        t.length++;
    return t;
}

static token lex_punctuation(const char *text, size_t length, token t) {
    static const struct {
        token_kind kind;
        const char *text;
    } marks[] = {
#define WN_X(name, text) {TOKEN_##name, text},
        WN_PUNCTUATION(WN_X)
#undef WN_X
    };
    if (length > 1 && memcmp(text, "**", 2) == 0) {
        t.length = 2;
        return bad_token(t, WN_ERROR_SYNTAX, "there is no power; write x * x");
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t size = strlen(marks[i].text);
        if (size > length || memcmp(text, marks[i].text, size) != 0) continue;
        t.kind = marks[i].kind;
        t.length = size;
        return t;
    }
    t.length = wn_utf8_length(text, length);
    if (t.length == 0) t.length = 1;
    return bad_token(t, WN_ERROR_SYNTAX, NULL);
}

token wn_lex(const char *text, size_t length, size_t offset) {
    token t = {.kind = TOKEN_END, .offset = offset};
    size_t start = skip_blanks(text, length, offset);
    if (start == length) return t;
    const char *rest = text + start;
    size_t room = length - start;
    t.offset = start;
    if (begins_name(*rest)) return lex_name(rest, room, t);
    bool number = is_digit(*rest) || (*rest == '.' && room > 1 && is_digit(rest[1]));
    return number ? lex_number(rest, room, t) : lex_punctuation(rest, room, t);
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static const word WORDS[] = {
    {"input", WORD_INPUT, 0},
    {"output", WORD_OUTPUT, 0},
    {"true", WORD_BOOL, 1},
    {"false", WORD_BOOL, 0},
    {"nan", WORD_NAN, 0},
    {"inf", WORD_INF, 0},
#define WN_X(NAME, name, class, storage) {name, WORD_TYPE, WN_##NAME},
    WN_TYPES(WN_X)
#undef WN_X
#define OP(name, ...) {#name, WORD_OPERATION, OP_##name},
#include "graph/ops.def"
#undef OP
        {"boolean_mask", WORD_OPERATION, OP_boolean_mask},
    {"nonzero", WORD_OPERATION, OP_nonzero},
    {"cast", WORD_CAST, 0},
    {"select", WORD_SELECT, 0},
    {"clip", WORD_CLIP, 0},
    {"expand", WORD_OPERATION, OP_expand},
    {"place", WORD_OPERATION, OP_place},
    {"putmask", WORD_OPERATION, OP_putmask},
    {"compress", WORD_OPERATION, OP_compress},
#define REDUCTION(name, ...) {#name, WORD_REDUCTION, OP_##name},
#include "graph/reductions.def"
#undef REDUCTION
    {"axis", WORD_OPTION, 0},
    {"keepdims", WORD_OPTION, 0},
    {"initial", WORD_OPTION, 0},
};

const word *wn_find_word(const char *text, size_t length) {
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strlen(WORDS[i].text) == length && !memcmp(WORDS[i].text, text, length))
            return &WORDS[i];
    return NULL;
}

bool wn_is_word(const char *text, size_t length) {
    return wn_find_word(text, length) != NULL;
}

bool wn_is_name(const char *text, size_t length) {
    if (length == 0 || !begins_name(text[0])) return false;
    for (size_t i = 1; i < length; i++)
        if (!continues_name(text[i])) return false;
    return true;
}
