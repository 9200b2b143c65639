/*
 * test_parse_errors.c - the text form: how mistakes are shown, what is too deep, and what happens without memory.
 */
#include "counted_memory.h"
#include "text_fixture.h"

static void expect_message(const char *text, size_t length, wn_status status, const char *message) {
    fixture f = set_up();
    wn_node value = wn_parse(f.g, text, length);
    assert_int_equal(value.id, 0);
    expect_error(f, status, message);
}

/* ---- Mistakes ---------------------------------------------------------------------------------------------------- */

typedef struct mistake {
    wn_status status;
    const char *text, *message;
} mistake;

static const mistake MISTAKES[] = {
    {WN_ERROR_SYNTAX, "1 +",
     "line 1, column 4: expected an operand, found the end of the text\n"
     "1 +\n"
     "   ^"},
    {WN_ERROR_SYNTAX, "(1 + 2",
     "line 1, column 7: expected an operator or \")\", found the end of the text\n"
     "(1 + 2\n"
     "      ^"},
    {WN_ERROR_SYNTAX, "1 + )",
     "line 1, column 5: expected an operand, found \")\"\n"
     "1 + )\n"
     "    ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; x ** 2",
     "line 1, column 20: there is no power; write x * x\n"
     "input x: f32[?]; x ** 2\n"
     "                   ^"},
    {WN_ERROR_SYNTAX, "input m: bool[?]; m and m",
     "line 1, column 21: expected an operator or \";\", found \"and\"; write m & k\n"
     "input m: bool[?]; m and m\n"
     "                    ^"},
    {WN_ERROR_NAME, "input m: bool[?]; not m",
     "line 1, column 19: nothing is named \"not\"; write !m\n"
     "input m: bool[?]; not m\n"
     "                  ^"},
    {WN_ERROR_NAME, "input x: f32[?]; isnan(x)",
     "line 1, column 18: \"isnan\" is not a function; write is_nan(x)\n"
     "input x: f32[?]; isnan(x)\n"
     "                 ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; x.sum()",
     "line 1, column 19: \".\" means nothing here; a function is written before what it is of: "
     "sum(x)\n"
     "input x: f32[?]; x.sum()\n"
     "                  ^"},
    {WN_ERROR_NAME, "x < 0",
     "line 1, column 1: nothing is named \"x\": an input is declared by `input x: f32[?];`\n"
     "x < 0\n"
     "^"},
    {WN_ERROR_TYPE, "input x: f32[?]; input y: f64[?]; x < y",
     "line 1, column 37: less: operands are f32 and f64; write cast(b, f32) or cast(a, f64)\n"
     "input x: f32[?]; input y: f64[?]; x < y\n"
     "                                    ^"},
    {WN_ERROR_TYPE, "input x: f32[?];\ninput y: f64[?];\n\nx + 1 <\n\t y",
     "line 4, column 7: less: operands are f32 and f64; write cast(b, f32) or cast(a, f64)\n"
     "x + 1 <\n"
     "      ^"},
    {WN_ERROR_TYPE, "input x: f32[?]; x & 1",
     "line 1, column 20: bitwise_and: operands are f32; it takes integers: i8 i16 i32 i64 u8 u16 "
     "u32 u64\n"
     "input x: f32[?]; x & 1\n"
     "                   ^"},
    {WN_ERROR_TYPE, "input x: f32[?]; !x",
     "line 1, column 18: logical_not: the operand is f32; it takes bool; write x != 0\n"
     "input x: f32[?]; !x\n"
     "                 ^"},
    {WN_ERROR_TYPE, "input x: f32[?]; x ? 1 : 0",
     "line 1, column 20: where: the condition is f32, it must be bool; write cast(c, bool)\n"
     "input x: f32[?]; x ? 1 : 0\n"
     "                   ^"},
    {WN_ERROR_TYPE, "input c: bool[?]; c & 1",
     "line 1, column 21: logical_and: operand 2 is the literal 1 where bool is wanted; write true "
     "or false\n"
     "input c: bool[?]; c & 1\n"
     "                    ^"},
    {WN_ERROR_LITERAL, "input u: u8[?]; u + 300",
     "line 1, column 19: add: operand 2 is the literal 300, which does not fit u8\n"
     "input u: u8[?]; u + 300\n"
     "                  ^"},
    {WN_ERROR_TYPE, "input i: i32[?]; i * 0.5",
     "line 1, column 20: multiply: operand 2 is the literal 0.5 where i32 is wanted, a float; cast "
     "the other operand\n"
     "input i: i32[?]; i * 0.5\n"
     "                   ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; less(x)",
     "line 1, column 18: less: takes 2 operands, not 1\n"
     "input x: f32[?]; less(x)\n"
     "                 ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; where(x, 1)",
     "line 1, column 18: where: takes 1 or 3 operands, not 2\n"
     "input x: f32[?]; where(x, 1)\n"
     "                 ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; select(x > 0, 1)",
     "line 1, column 18: select: takes conditions and values in turn, then a default, not 2\n"
     "input x: f32[?]; select(x > 0, 1)\n"
     "                 ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; cast(x)",
     "line 1, column 18: cast: takes an operand and a type, not 1\n"
     "input x: f32[?]; cast(x)\n"
     "                 ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; cast(x, y)",
     "line 1, column 26: expected a type, as f32, found \"y\"\n"
     "input x: f32[?]; cast(x, y)\n"
     "                         ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; f32(x, x)",
     "line 1, column 18: f32: takes 1 operand, not 2\n"
     "input x: f32[?]; f32(x, x)\n"
     "                 ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; clip(x, 0)",
     "line 1, column 18: clip: takes 3 operands, not 2\n"
     "input x: f32[?]; clip(x, 0)\n"
     "                 ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; boolean_mask(x, x > 0, 0)",
     "line 1, column 18: boolean_mask: takes 2 operands, not 3; the axis is written axis=1\n"
     "input x: f32[?]; boolean_mask(x, x > 0, 0)\n"
     "                 ^"},
    {WN_ERROR_NAME, "input x: f32[?]; boolean_mask(x, x > 0, axes=0)",
     "line 1, column 41: boolean_mask: no option \"axes\"; there is axis=0\n"
     "input x: f32[?]; boolean_mask(x, x > 0, axes=0)\n"
     "                                        ^"},
    {WN_ERROR_NAME, "input x: f32[?]; boolean_mask(x, axis=0, axis=0)",
     "line 1, column 42: boolean_mask: the option \"axis\" is given twice\n"
     "input x: f32[?]; boolean_mask(x, axis=0, axis=0)\n"
     "                                         ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; boolean_mask(x, axis=0, x > 0)",
     "line 1, column 42: expected an option: operands come before them, found \"x\"\n"
     "input x: f32[?]; boolean_mask(x, axis=0, x > 0)\n"
     "                                         ^"},
    {WN_ERROR_ARGUMENT, "input x: f32[?]; boolean_mask(x, x > 0, axis=3)",
     "line 1, column 18: boolean_mask: axis 3 is out of range for a tensor of rank 1\n"
     "input x: f32[?]; boolean_mask(x, x > 0, axis=3)\n"
     "                 ^"},
    {WN_ERROR_LITERAL, "input x: f32[?]; boolean_mask(x, x > 0, axis=99999999999)",
     "line 1, column 46: \"99999999999\" is too large for an option\n"
     "input x: f32[?]; boolean_mask(x, x > 0, axis=99999999999)\n"
     "                                             ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; boolean_mask(x, x > 0, axis=x)",
     "line 1, column 46: expected an integer, found \"x\"\n"
     "input x: f32[?]; boolean_mask(x, x > 0, axis=x)\n"
     "                                             ^"},
    {WN_ERROR_NAME, "input x: f32[?]; less(x, 1, axis=0)",
     "line 1, column 29: no option \"axis\": this function has none\n"
     "input x: f32[?]; less(x, 1, axis=0)\n"
     "                            ^"},
    {WN_ERROR_SHAPE, "input t: f32[2, 2]; input m: bool[3]; output y = t[m];",
     "line 1, column 51: boolean_mask: mask shape [3] does not match tensor shape [2, 2] at axis "
     "0\n"
     "input t: f32[2, 2]; input m: bool[3]; output y = t[m];\n"
     "                                                  ^"},
    {WN_ERROR_ARGUMENT, "input t: f32[2, 2]; input m: bool[2]; t[:, :, m]",
     "line 1, column 40: boolean_mask: axis 2 is out of range for a tensor of rank 2\n"
     "input t: f32[2, 2]; input m: bool[2]; t[:, :, m]\n"
     "                                       ^"},
    {WN_ERROR_SYNTAX, "input t: f32[2, 2]; input m: bool[2]; t[m, :]",
     "line 1, column 42: expected an operator or \"]\": the mask comes last, found \",\"\n"
     "input t: f32[2, 2]; input m: bool[2]; t[m, :]\n"
     "                                         ^"},
    {WN_ERROR_NAME, "input x: f32[?]; input x: f32[?];",
     "line 1, column 24: \"x\" is already the name of an input or a value; write another, or "
     "`output` before it\n"
     "input x: f32[?]; input x: f32[?];\n"
     "                       ^"},
    {WN_ERROR_NAME, "input x: f32[?]; x = 1",
     "line 1, column 18: \"x\" is already the name of an input or a value; write another, or "
     "`output` before it\n"
     "input x: f32[?]; x = 1\n"
     "                 ^"},
    {WN_ERROR_NAME, "y = 1; y = 2",
     "line 1, column 8: \"y\" is already the name of an input or a value; write another, or "
     "`output` before it\n"
     "y = 1; y = 2\n"
     "       ^"},
    {WN_ERROR_NAME, "y = 1; output y = 2",
     "line 1, column 15: \"y\" is already the name of another value\n"
     "y = 1; output y = 2\n"
     "              ^"},
    {WN_ERROR_NAME, "output y = 1; output y = 2",
     "line 1, column 22: \"y\" is already the name of another value\n"
     "output y = 1; output y = 2\n"
     "                     ^"},
    {WN_ERROR_NAME, "y = y + 1",
     "line 1, column 5: nothing is named \"y\": an input is declared by `input x: f32[?];`\n"
     "y = y + 1\n"
     "    ^"},
    {WN_ERROR_NAME, "output y",
     "line 1, column 8: nothing is named \"y\": an input is declared by `input x: f32[?];`\n"
     "output y\n"
     "       ^"},
    {WN_ERROR_ARGUMENT, "input x: f32[1, 2, 3, 4, 5, 6, 7, 8, 9];",
     "line 1, column 7: input \"x\": rank 9 is not between 0 and 8\n"
     "input x: f32[1, 2, 3, 4, 5, 6, 7, 8, 9];\n"
     "      ^"},
    {WN_ERROR_SYNTAX, "input x: f32[-1];",
     "line 1, column 14: expected a length or \"?\", found \"-\"\n"
     "input x: f32[-1];\n"
     "             ^"},
    {WN_ERROR_LITERAL, "input x: f32[18446744073709551615];",
     "line 1, column 14: \"18446744073709551615\" is too large for a length\n"
     "input x: f32[18446744073709551615];\n"
     "             ^"},
    {WN_ERROR_SYNTAX, "input x: f33[?];",
     "line 1, column 10: expected a type, as f32, found \"f33\"\n"
     "input x: f33[?];\n"
     "         ^"},
    {WN_ERROR_SYNTAX, "input x f32;",
     "line 1, column 9: expected \":\" and a type, found \"f32\"\n"
     "input x f32;\n"
     "        ^"},
    {WN_ERROR_NAME, "input less: f32;",
     "line 1, column 7: \"less\" is a word of the language and cannot be a name\n"
     "input less: f32;\n"
     "      ^"},
    {WN_ERROR_ARGUMENT, "input x: f32[?]; sum(x, axis=1)",
     "line 1, column 18: sum: axis 1 is out of range for a tensor of rank 1\n"
     "input x: f32[?]; sum(x, axis=1)\n"
     "                 ^"},
    {WN_ERROR_SYNTAX, "x = input",
     "line 1, column 5: expected an operand, found \"input\"\n"
     "x = input\n"
     "    ^"},
    {WN_ERROR_NAME, "min = 3",
     "line 1, column 1: \"min\" is a word of the language and cannot be a name\n"
     "min = 3\n"
     "^"},
    {WN_ERROR_SYNTAX, "less",
     "line 1, column 5: expected \"(\" after the name of a function, found the end of the text\n"
     "less\n"
     "    ^"},
    {WN_ERROR_SYNTAX, "f32 + 1",
     "line 1, column 5: expected \"(\" after the name of a function, found \"+\"\n"
     "f32 + 1\n"
     "    ^"},
    {WN_ERROR_SYNTAX, "axis + 1",
     "line 1, column 1: expected an operand, found \"axis\"\n"
     "axis + 1\n"
     "^"},
    {WN_ERROR_NAME, "foo(1)",
     "line 1, column 1: \"foo\" is not a function; docs/operations.md has all\n"
     "foo(1)\n"
     "^"},
    {WN_ERROR_NAME, "input x: f32[?]; x = = 1",
     "line 1, column 18: \"x\" is already the name of an input or a value; write another, or "
     "`output` before it\n"
     "input x: f32[?]; x = = 1\n"
     "                 ^"},
    {WN_ERROR_SYNTAX, "input x: f32[?]; (x = 1)",
     "line 1, column 21: expected an operator or \")\", found \"=\"\n"
     "input x: f32[?]; (x = 1)\n"
     "                    ^"},
    {WN_ERROR_SYNTAX, "y = 1; 2 = y",
     "line 1, column 10: expected an operator or \";\" (equality is ==), found \"=\"\n"
     "y = 1; 2 = y\n"
     "         ^"},
    {WN_ERROR_SYNTAX, "1 2",
     "line 1, column 3: expected an operator or \";\", found \"2\"\n"
     "1 2\n"
     "  ^"},
    {WN_ERROR_SYNTAX, "1 $ 2",
     "line 1, column 3: \"$\" means nothing here\n"
     "1 $ 2\n"
     "  ^"},
    {WN_ERROR_SYNTAX, "\"a\"",
     "line 1, column 1: \"\"\" means nothing here\n"
     "\"a\"\n"
     "^"},
    {WN_ERROR_SYNTAX, "1 é",
     "line 1, column 3: \"é\" means nothing here\n"
     "1 é\n"
     "  ^"},
    {WN_ERROR_SYNTAX, "é",
     "line 1, column 1: \"é\" means nothing here\n"
     "é\n"
     "^"},
    {WN_ERROR_SYNTAX, "12abc",
     "line 1, column 1: this is no number: write 12, 0x1f, 1.5 or 1e-3\n"
     "12abc\n"
     "^"},
    {WN_ERROR_SYNTAX, "0x",
     "line 1, column 1: this is no number: write 12, 0x1f, 1.5 or 1e-3\n"
     "0x\n"
     "^"},
    {WN_ERROR_SYNTAX, "1.2.3",
     "line 1, column 1: this is no number: write 12, 0x1f, 1.5 or 1e-3\n"
     "1.2.3\n"
     "^"},
    {WN_ERROR_SYNTAX, "1e",
     "line 1, column 1: this is no number: write 12, 0x1f, 1.5 or 1e-3\n"
     "1e\n"
     "^"},
    {WN_ERROR_LITERAL, "18446744073709551616",
     "line 1, column 1: the integer is above 2^64 - 1; write it as a float if that is meant\n"
     "18446744073709551616\n"
     "^"},
    {WN_ERROR_LITERAL, "18446744073709551615",
     "line 1, column 1: the literal 18446744073709551615 does not fit i64, which an int becomes "
     "where nothing gives it a type\n"
     "18446744073709551615\n"
     "^"},
    {WN_ERROR_LITERAL, "1 // 0",
     "line 1, column 3: floor_divide: division of a literal by 0\n"
     "1 // 0\n"
     "  ^"},
    {WN_ERROR_LITERAL, "1 << 70",
     "line 1, column 3: left_shift: the count is outside 0 to 64\n"
     "1 << 70\n"
     "  ^"},
    {WN_ERROR_LITERAL, "-18446744073709551615",
     "line 1, column 1: negative: the result is outside the integers from -2^63 to 2^64 - 1\n"
     "-18446744073709551615\n"
     "^"},
    {WN_ERROR_SYNTAX, "i8",
     "line 1, column 3: expected \"(\" after the name of a function, found the end of the text\n"
     "i8\n"
     "  ^"},
    {WN_ERROR_NAME, "c ? 1",
     "line 1, column 1: nothing is named \"c\": an input is declared by `input x: f32[?];`\n"
     "c ? 1\n"
     "^"},
    {WN_ERROR_TYPE, "1 ? 2 : 3",
     "line 1, column 3: where: the condition is a literal number, it must be bool\n"
     "1 ? 2 : 3\n"
     "  ^"},
    {WN_ERROR_SHAPE, "input a: f32[2]; input b: f32[3]; a + b",
     "line 1, column 37: add: shapes [2] and [3] do not broadcast\n"
     "input a: f32[2]; input b: f32[3]; a + b\n"
     "                                    ^"},
    {WN_ERROR_TYPE, "true + 1",
     "line 1, column 6: add: does not take the literals true and false\n"
     "true + 1\n"
     "     ^"},
    {WN_ERROR_SYNTAX, "\t\tüü + 1",
     "line 1, column 3: \"ü\" means nothing here\n"
     "\t\tüü + 1\n"
     "\t\t^"},
    {WN_ERROR_NAME, "y = 1;\r\nz = y + q\r\n",
     "line 2, column 9: nothing is named \"q\": an input is declared by `input x: f32[?];`\n"
     "z = y + q\n"
     "        ^"},
    {WN_ERROR_SYNTAX, "1 +\n\n\n",
     "line 1, column 4: expected an operand, found the end of the text\n"
     "1 +\n"
     "   ^"},
    {WN_ERROR_SYNTAX, "# only a comment",
     "line 1, column 1: expected an expression, found the end of the text\n"
     "# only a comment\n"
     "^"},
};

static void test_mistakes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++)
        expect_message(MISTAKES[i].text, strlen(MISTAKES[i].text), MISTAKES[i].status,
                       MISTAKES[i].message);
}

static void test_messages_name_what_was_written(void **state) {
    (void)state;
    static const struct {
        const char *expression, *message;
    } cases[] = {
        {"select(c, a, i)", "select: operands are f32 and i32; write cast(v, f32) or cast(v, i32)"},
        {"select(c, u, c, 300, 1)", "select: operand 4 is the literal 300, which does not fit u8"},
        {"select(c, u, c, 1, 300)", "select: operand 5 is the literal 300, which does not fit u8"},
        {"select(c, 1, i, 2, 3)", "select: operand 3 is i32, it must be bool; write cast(c, bool)"},
        {"select(c, 1, true, 2, false)",
         "select: the choices are a bool and a number; write true and false"},
        {"select(1, 2, 3)", "select: the condition is a literal number, it must be bool"},
        {"select(k, 1.0, n, t, 2.0)", "select: shapes [3] and [2, 3, 4] do not broadcast"},
        {"clip(c, c, c)",
         "clip: operands are bool; it takes numbers, not bool; write cast(x, i64)"},
        {"clip(a, i, 0)", "clip: operands are f32 and i32; write cast(lo, f32) or cast(x, i32)"},
        {"clip(a, 0, i)", "clip: operands are f32 and i32; write cast(hi, f32) or cast(x, i32)"},
        {"clip(u, 300, 0)", "clip: operand 2 is the literal 300, which does not fit u8"},
        {"clip(u, 0, 300)", "clip: operand 3 is the literal 300, which does not fit u8"},
        {"clip(300, 0, u)", "clip: operand 1 is the literal 300, which does not fit u8"},
        {"u < ~300", "less: operand 2 is the literal ~300, which does not fit u8"},
        {"~300 < u", "less: operand 1 is the literal ~300, which does not fit u8"},
        {"300 + u", "add: operand 1 is the literal 300, which does not fit u8"},
        {"c ? u : 300", "where: operand 3 is the literal 300, which does not fit u8"},
        {"where(true)", "where: the operand is a scalar; it needs an axis"},
        {"nonzero(true)", "nonzero: the operand is a scalar; it needs an axis"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f = set_up();
        parse(f.g, INPUTS);
        wn_parse(f.g, cases[i].expression, strlen(cases[i].expression));
        const char *message = strstr(wn_graph_error(f.g), ": ");
        assert_non_null(message);
        size_t length = strcspn(message + 2, "\n");
        if (length != strlen(cases[i].message) || memcmp(message + 2, cases[i].message, length) != 0)
            fail_msg("%s: %s", cases[i].expression, wn_graph_error(f.g));
        tear_down(f);
    }
}

static void test_bytes_that_are_not_text(void **state) {
    (void)state;
    expect_message("1 +\0 2", 6, WN_ERROR_SYNTAX,
                   "line 1, column 4: the byte 0x00 means nothing here\n1 +? 2\n   ^");
    expect_message("1 + \xff", 5, WN_ERROR_SYNTAX,
                   "line 1, column 5: the byte 0xff means nothing here\n1 + ?\n    ^");
    expect_message("# \xff\xc3\xa9\n1 + \xe2\x82", 12, WN_ERROR_SYNTAX,
                   "line 2, column 5: the byte 0xe2 means nothing here\n1 + ??\n    ^");
    expect_message("1 +\x7f", 4, WN_ERROR_SYNTAX,
                   "line 1, column 4: the byte 0x7f means nothing here\n1 +?\n   ^");
    /* The length counts, not what comes after it. */
    fixture f = set_up();
    assert_int_not_equal(wn_parse(f.g, "1 + 2 $$$", 5).id, 0);
    expect_ok(f.g);
    tear_down(f);
}

static void test_null_text(void **state) {
    (void)state;
    expect_message(NULL, 1, WN_ERROR_ARGUMENT, "parse: the text is NULL");
    expect_message(NULL, 0, WN_ERROR_SYNTAX,
                   "line 1, column 1: expected an expression, found the end of the text\n\n^");
    assert_int_equal(wn_parse(NULL, "1", 1).id, 0);
}

static void test_first_error_stays(void **state) {
    (void)state;
    fixture f = set_up();
    parse(f.g, "oops");
    char *first = strdup(wn_graph_error(f.g));
    assert_int_equal(parse(f.g, "1 + 2").id, 0);
    assert_string_equal(wn_graph_error(f.g), first);
    free(first);
    tear_down(f);
}

/* A long line is cut around the place, and the message fits the error struct. */
static void test_long_lines_are_cut(void **state) {
    (void)state;
    char text[4096];
    memset(text, ' ', sizeof text);
    memcpy(text + 2000, "oops \xc3\xa9", 7);
    fixture f = set_up();
    wn_parse(f.g, text, sizeof text);
    assert_string_equal(wn_graph_error(f.g), "line 1, column 2001: nothing is named \"oops\": an "
                                             "input is declared by `input x: f32[?];`\n"
                                             "...                                        oops "
                                             "\xc3\xa9                              ...\n"
                                             "                                           ^");
    assert_null(f.g->long_message);
    tear_down(f);
}

static void test_long_names_are_cut(void **state) {
    (void)state;
    char *text = malloc(1000000);
    memset(text, 'x', 1000000);
    fixture f = set_up();
    wn_parse(f.g, text, 1000000);
    assert_string_equal(
        wn_graph_error(f.g),
        "line 1, column 1: nothing is named \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\": an "
        "input is "
        "declared by `input x: f32[?];`\n"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\n^");
    tear_down(f);
    free(text);
}

/* ---- Limits ------------------------------------------------------------------------------------------------------ */

/* `count` times `piece`, between two texts; free() it. */
static char *repeat(const char *before, const char *piece, size_t count, const char *after) {
    size_t size = strlen(piece);
    char *text = malloc(strlen(before) + count * size + strlen(after) + 1), *out = text;
    out += sprintf(out, "%s", before);
    for (size_t i = 0; i < count; i++)
        out += sprintf(out, "%s", piece);
    sprintf(out, "%s", after);
    return text;
}

static void expect_parsed(char *text, bool deep) {
    fixture f = set_up();
    parse(f.g, text);
    if (!deep && wn_graph_status(f.g) != WN_OK) fail_msg("%s", wn_graph_error(f.g));
    assert_int_equal(wn_graph_status(f.g), deep ? WN_ERROR_LIMIT : WN_OK);
    if (deep)
        assert_non_null(
            strstr(wn_graph_error(f.g), ": nested deeper than 1000; give a part of it a name\n"));
    tear_down(f);
    free(text);
}

static void test_nesting_is_limited(void **state) {
    (void)state;
    static const char *const pieces[] = {"(",
                                         "-",
                                         "!",
                                         "~",
                                         "sqrt(",
                                         "f32(",
                                         "x[",
                                         "where(c, ",
                                         "1 + (",
                                         "c ? x : (",
                                         "c ? ",
                                         "select(c, ",
                                         "1 | (1 ^ (1 & (1 == (1 < (1 << (1 + (1 * -(",
                                         "boolean_mask(x, "};
    const char *inputs = "input x: f32[?]; input c: bool[?]; ";
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        expect_parsed(repeat(inputs, pieces[i], 10000, ""), true);
    expect_parsed(repeat(inputs, "1 || 1 && 1 | 1 ^ 1 & 1 == 1 < 1 << 1 + 1 * -(", 10000, ""), true);
}

static void test_what_nests_within_the_limit(void **state) {
    (void)state;
    char *closing = repeat("x", ")", 900, "");
    expect_parsed(repeat("input x: f32[?]; ", "(", 900, closing), false);
    expect_parsed(repeat("input x: f32[?]; ", "sqrt(", 900, closing), false);
    expect_parsed(repeat("input x: f32[?]; ", "-", 900, "x"), false);
    free(closing);
}

static void test_chains_are_not_limited(void **state) {
    (void)state;
    const char *inputs = "input x: f32[?]; input c: bool[?]; ";
    expect_parsed(repeat("input x: f32[?]; x", " + x", 100000, ""), false);
    expect_parsed(repeat("input x: f32[?]; x", ";x", 100000, ""), false);
    expect_parsed(repeat("input c: bool[?]; c", " && c | c", 20000, ""), false);
    expect_parsed(repeat(inputs, "c ? x : ", 20000, "x"), false);
    expect_parsed(repeat(inputs, "c ? x + 1 : ", 1000, "-x"), false);
    expect_parsed(repeat("input x: f32[?]; input c: bool[?]; select(", "c, x, ", 20000, "-x)"), false);
    expect_parsed(repeat("input x: f32[?]; ", "# comment\n", 100000, "x"), false);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* Every allocation fails once; nothing leaks, nothing crashes, and the status says why. */
static void test_no_memory(void **state) {
    (void)state;
    const char *text =
        "input x: f32[?]; input c: bool[?]; y = select(c, x, x < 1 ? true : c, -x, 3); output y; "
        "output z = y[c] + sqrt(y[c]); where(c)";
    bool done = false;
    for (long n = 0; !done && n < 1000; n++) {
        counted_memory m = {n, 0};
        wn_context_options options = {
            .size = sizeof options, .allocate = allocate_counted, .allocate_user = &m};
        wn_context *context = wn_context_new(&options);
        wn_graph *g = wn_graph_new(context);
        if (g) {
            parse(g, text);
            wn_status status = wn_graph_status(g);
            if (status == WN_OK) {
                wn_buffer listing = {.context = context};
                wn_print_listing(g, &listing);
                wn_print_dot(g, &listing);
                done = !listing.failed;
                wn_buffer_free(&listing);
            } else {
                assert_int_equal(status, WN_ERROR_MEMORY);
            }
            wn_graph_free(g);
        }
        wn_context_free(context);
        assert_int_equal(m.live, 0);
    }
    assert_true(done);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_messages_name_what_was_written),
        cmocka_unit_test(test_bytes_that_are_not_text),
        cmocka_unit_test(test_null_text),
        cmocka_unit_test(test_first_error_stays),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_long_names_are_cut),
        cmocka_unit_test(test_nesting_is_limited),
        cmocka_unit_test(test_what_nests_within_the_limit),
        cmocka_unit_test(test_chains_are_not_limited),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
