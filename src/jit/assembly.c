/*
 * assembly.c - instructions read as text. The C interface of LLVM's disassembler gives no more, and the figures need no more: they count
 * what a reader of the listing would count.
 */
#include "jit/assembly.h"

#include <stdlib.h>
#include <string.h>

static bool starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static bool starts_with_any(const char *text, const char *const *with) {
    for (; *with; with++)
        if (starts(text, *with)) return true;
    return false;
}

/* The mnemonic ends with these two letters. */
static bool mnemonic_ends(const char *text, const char *with) {
    size_t length = strcspn(text, " "), tail = strlen(with);
    return length >= tail && strncmp(text + length - tail, with, tail) == 0;
}

/* The operand that is written, the last one; an empty text where there is none. */
static const char *last_operand(const char *text) {
    const char *operands = strchr(text, ' '), *last = operands ? operands + 1 : "";
    int depth = 0;
    for (const char *p = last; *p; p++) {
        depth += (*p == '(') - (*p == ')');
        if (*p == ',' && depth == 0) last = p + 1;
    }
    return last + strspn(last, " ");
}

/* One element of a vector register is no vector. */
static bool is_scalar(const char *text) {
    static const char *const moves[] = {"movd ", "movq ", "vmovd ", "vmovq ", NULL};
    if (starts_with_any(text, moves)) return true;
    return (mnemonic_ends(text, "ss") || mnemonic_ends(text, "sd")) && !strstr(text, "broadcast");
}

static uint32_t widest_register(const char *text) {
    if (is_scalar(text)) return 0;
    return strstr(text, "%zmm") ? 512 : strstr(text, "%ymm") ? 256 : strstr(text, "%xmm") ? 128 : 0;
}

/* %xmm5, %ymm5 and %zmm5 are 5, %k1 is 101. */
static int register_number(const char *name) {
    if (name[0] != '%' || !name[1]) return -1;
    if (strchr("xyz", name[1]) && starts(name + 2, "mm")) return (int)strtol(name + 4, NULL, 10);
    return name[1] == 'k' && name[2] >= '0' && name[2] <= '7' ? 100 + (name[2] - '0') : -1;
}

bool wn_instruction_mentions(const char *text, int vector_register) {
    for (const char *p = strchr(text, '%'); p; p = strchr(p + 1, '%'))
        if (register_number(p) == vector_register) return true;
    return false;
}

static void find_memory(instruction_facts *f, const char *text, bool framed) {
    static const char *const reads_only[] = {"cmp", "test", "ucomis", "vucomis", "comis", "vcomis",
                                             "bt ", "btq",  "vptest", "ptest",   "vtest", "push",
                                             "mul", "imul", "div",    "idiv",    NULL};
    static const char *const writes_only[] = {
        "mov", "vmov", "vpcompress", "vcompress", "vextract",  "vpextr",  "pextr",
        "set", "kmov", "extract",    "vpmov",     "vcvtps2ph", "stmxcsr", NULL};
    static const char *const no_access[] = {"lea", "nop", "prefetch", NULL};
    if (!strchr(text, '(') || starts_with_any(text, no_access)) return;
    bool last = strchr(last_operand(text), '(') != NULL;
    f->stores = last && !starts_with_any(text, reads_only);
    f->loads = !f->stores || !starts_with_any(text, writes_only);
    f->stack = strstr(text, "(%rsp") || (framed && strstr(text, "(%rbp"));
}

instruction_facts wn_instruction_facts(const char *text, bool framed) {
    instruction_facts f = {.written = -1, .vector_bits = widest_register(text)};
    if (text[0] == 'j') {
        char *end;
        const char *operand = last_operand(text);
        f.displacement = strtoll(operand, &end, 0);
        f.jumps = end != operand && *end == 0;
        return f;
    }
    f.does_nothing = starts(text, "nop") || strstr(text, " nop") || starts(text, "data16") ||
                     starts(text, "int3");
    find_memory(&f, text, framed);
    if (!f.stores) f.written = register_number(last_operand(text));
    return f;
}
