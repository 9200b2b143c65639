/*
 * assembly.c - instructions read as text. The C interface of LLVM's disassembler gives no more, and the figures need no more: they count
 * what a reader of the listing would count.
 */
#include "jit/assembly.h"

#include "graph/graph.h"

#include <math.h>
#include <stdio.h>
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

/* %rax, %eax, %ax and %al are 200; %r9, %r9d, %r9w and %r9b 209. */
static int general_number(const char *name) {
    static const char *const names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    if (name[0] == 'r' && name[1] >= '0' && name[1] <= '9')
        return GENERAL_REGISTERS + (int)strtol(name + 1, NULL, 10);
    if (name[0] == 'r' || name[0] == 'e') name++;
    for (int k = 0; k < 8; k++) {
        bool byte = k < 4 && name[0] == names[k][0] && name[1] == 'l';
        if (byte || starts(name, names[k])) return GENERAL_REGISTERS + k;
    }
    return -1;
}

/* %xmm5, %ymm5 and %zmm5 are 5, %k1 is 101. */
static int register_number(const char *name) {
    if (name[0] != '%' || !name[1]) return -1;
    if (strchr("xyz", name[1]) && starts(name + 2, "mm")) return (int)strtol(name + 4, NULL, 10);
    if (name[1] == 'k' && name[2] >= '0' && name[2] <= '7') return 100 + (name[2] - '0');
    return general_number(name + 1);
}

bool wn_instruction_mentions(const char *text, int number) {
    for (const char *p = strchr(text, '%'); p; p = strchr(p + 1, '%'))
        if (register_number(p) == number) return true;
    return false;
}

bool wn_instruction_converts(const char *text) {
    static const char *const converting[] = {"pmovs", "vpmovs", "pmovz", "vpmovz",
                                             "cvt",   "vcvt",   NULL};
    return starts_with_any(text, converting);
}

bool wn_instruction_addresses(const char *text, int number) {
    const char *begin = strchr(text, '('), *end = begin ? strchr(begin, ')') : NULL;
    for (const char *p = begin; p && p < end; p = strchr(p + 1, '%'))
        if (register_number(p) == number) return true;
    return false;
}

/* No register but this one; %rip is none. */
static bool mentions_alone(const char *text, int number) {
    for (const char *p = strchr(text, '%'); p; p = strchr(p + 1, '%'))
        if (register_number(p) != number && !starts(p, "%rip")) return false;
    return true;
}

static bool prepares(const char *text, int written) {
    static const char *const loads[] = {"mov",         "vmov", "vbroadcast", "lea",
                                        "vpbroadcast", "pmov", "vpmov",      NULL};
    static const char *const of_itself[] = {"xor",   "pxor",   "vxor",    "vpxor",     "kxor",
                                            "kxnor", "pcmpeq", "vpcmpeq", "vpternlog", NULL};
    if (written < 0 || !mentions_alone(text, written)) return false;
    if (strstr(text, "(%rip)")) return starts_with_any(text, loads);
    if (strchr(text, '(')) return false;
    return starts_with_any(text, of_itself) || (starts(text, "mov") && strchr(text, '$'));
}

/* The last operand is read as well, or alone. */
static const char *const reads_only[] = {"cmp", "test", "ucomis", "vucomis", "comis", "vcomis",
                                         "bt ", "btq",  "vptest", "ptest",   "vtest", "push",
                                         "mul", "imul", "div",    "idiv",    NULL};

static void find_memory(instruction_facts *f, const char *text, bool framed) {
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
    if (!f.stores && !starts_with_any(text, reads_only))
        f.written = register_number(last_operand(text));
    f.prepares = prepares(text, f.written);
    return f;
}

/* ---- Constants ----------------------------------------------------------------------------------------------------- */

/* How a constant is read: elements of so many bytes, of which there are so many bytes. */
typedef struct constant_form {
    unsigned element, bytes;
    bool is_float;
} constant_form;

/* By the end of the mnemonic: ss, ps, b, ...; bits are bits whatever the instruction calls them. */
static unsigned element_bytes(const char *text, bool *is_float) {
    static const char *const of_bits[] = {"and", "vand", "or", "vor", "xor", "vxor", NULL};
    size_t length = strcspn(text, " ");
    char last = length ? text[length - 1] : ' ', before = length > 1 ? text[length - 2] : ' ';
    *is_float = (before == 's' || before == 'p') && (last == 's' || last == 'd') &&
                !starts_with_any(text, of_bits);
    if ((before == 's' || before == 'p') && last == 's') return 4;
    if ((before == 's' || before == 'p') && last == 'd') return 8;
    return last == 'b' ? 1 : last == 'w' ? 2 : last == 'q' ? 8 : 4;
}

/* What is broadcast is one element, or, by vbroadcasti32x4 and its like, a part of the register. */
static constant_form form_of(const char *text) {
    constant_form f;
    f.element = element_bytes(text, &f.is_float);
    uint32_t bits = widest_register(text);
    bool part = strstr(text, "broadcasti") || strstr(text, "broadcastf");
    bool half = strstr(text, "32x8") || strstr(text, "64x4");
    bool one = bits == 0 || strstr(text, "{1to") || (strstr(text, "broadcast") && !part);
    f.bytes = one ? f.element : part ? (half ? 32 : 16) : bits / 8;
    return f;
}

/* An integer that is a pattern of bits is one in hexadecimal, as is a float that is none. */
static void element_text(const constant_form *f, const unsigned char *bytes, char text[40]) {
    uint64_t value = 0;
    for (unsigned k = 0; k < f->element; k++)
        value |= (uint64_t)bytes[k] << 8 * k;
    unsigned shift = 64 - 8 * f->element;
    int64_t number = (int64_t)(value << shift) >> shift;
    double v = f->is_float ? wn_constant_value(f->element == 4 ? WN_F32 : WN_F64, value) : 0;
    bool plain = value == 0 || isnormal(v) || isinf(v);
    if (f->is_float && plain)
        wn_format_float(f->element == 4 ? WN_F32 : WN_F64, v, text);
    else if (number > -10000 && number < 10000)
        snprintf(text, 40, "%lld", (long long)number);
    else
        snprintf(text, 40, "0x%llx", (unsigned long long)value);
}

void wn_instruction_constant(const char *text, const unsigned char *bytes, size_t size,
                             char constant[96]) {
    enum { MOST = 4 };
    const constant_form f = form_of(text);
    constant[0] = 0;
    if (starts(text, "lea")) memcpy(constant, "table", sizeof "table");
    if (constant[0] || f.bytes > size || strstr(text, "pmov")) return;
    unsigned count = f.bytes / f.element, shown = 1;
    for (unsigned k = 1; k < count; k++)
        if (memcmp(bytes, bytes + k * f.element, f.element) != 0)
            shown = count < MOST ? count : MOST;
    for (unsigned k = 0; k < shown; k++) {
        char element[40];
        size_t used = strlen(constant);
        element_text(&f, bytes + k * f.element, element);
        snprintf(constant + used, 96 - used, "%s%s", k ? ", " : "", element);
    }
    if (shown > 1 && shown < count) strncat(constant, ", ...", 95 - strlen(constant));
}
