/*
 * relocate.c - one relocation of an ELF object, on a little-endian machine.
 *
 * The table holds what position-independent code without a global offset table needs, which is what the provider
 * emits. AArch64 instructions are 32-bit words whose fields are replaced, so those relocations keep the other bits.
 */
#include "jit/relocate.h"

#include <elf.h>
#include <string.h>

#define ROW(machine, type, bytes, form, scale)                                                     \
    { EM_##machine, R_##machine##_##type, bytes, FORM_##form, scale, "R_" #machine "_" #type }

/* clang-format off */
static const relocation relocations[] = {
    /*  machine  type                 bytes form     scale */
    ROW(X86_64,  NONE,                0, NOTHING,  0),
    ROW(X86_64,  64,                  8, ABSOLUTE, 0),
    ROW(X86_64,  PC32,                4, RELATIVE, 0),
    ROW(X86_64,  PLT32,               4, RELATIVE, 0),
    ROW(X86_64,  PC64,                8, RELATIVE, 0),
    ROW(AARCH64, NONE,                0, NOTHING,  0),
    ROW(AARCH64, ABS64,               8, ABSOLUTE, 0),
    ROW(AARCH64, PREL64,              8, RELATIVE, 0),
    ROW(AARCH64, PREL32,              4, RELATIVE, 0),
    ROW(AARCH64, CALL26,              4, BRANCH26, 0),
    ROW(AARCH64, JUMP26,              4, BRANCH26, 0),
    ROW(AARCH64, ADR_PREL_PG_HI21,    4, PAGE21,   0),
    ROW(AARCH64, ADD_ABS_LO12_NC,     4, LOW12,    0),
    ROW(AARCH64, LDST8_ABS_LO12_NC,   4, LOW12,    0),
    ROW(AARCH64, LDST16_ABS_LO12_NC,  4, LOW12,    1),
    ROW(AARCH64, LDST32_ABS_LO12_NC,  4, LOW12,    2),
    ROW(AARCH64, LDST64_ABS_LO12_NC,  4, LOW12,    3),
    ROW(AARCH64, LDST128_ABS_LO12_NC, 4, LOW12,    4),
};
/* clang-format on */

const relocation *wn_relocation(uint16_t machine, uint32_t type) {
    for (size_t i = 0; i < sizeof relocations / sizeof *relocations; i++) {
        const relocation *r = &relocations[i];
        if (r->machine == machine && r->type == type) return r;
    }
    return NULL;
}

/* Whether a signed number fits in so many bits. */
static bool fits(int64_t value, int bits) {
    int64_t limit = INT64_C(1) << (bits - 1);
    return value >= -limit && value < limit;
}

/* Replace the bits of `mask` in the instruction. */
static void set_field(void *bytes, uint32_t mask, uint32_t field) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    word = (word & ~mask) | (field & mask);
    memcpy(bytes, &word, sizeof word);
}

static bool write_relative(const relocation *r, void *bytes, int64_t distance) {
    if (r->bytes == 4 && !fits(distance, 32)) return false;
    memcpy(bytes, &distance, r->bytes);
    return true;
}

static bool write_branch(void *bytes, int64_t distance) {
    if (distance % 4 != 0 || !fits(distance, 28)) return false;
    set_field(bytes, 0x03ffffff, (uint32_t)((uint64_t)distance >> 2));
    return true;
}

/* adrp keeps the number's two low bits in bits 29 and 30, the 19 others in bits 5 to 23. */
static bool write_page(void *bytes, uint64_t place, uint64_t target) {
    int64_t pages = (int64_t)((target & ~UINT64_C(0xfff)) - (place & ~UINT64_C(0xfff))) / 4096;
    if (!fits(pages, 21)) return false;
    uint32_t number = (uint32_t)(uint64_t)pages;
    set_field(bytes, 0x60ffffe0, (number & 3) << 29 | (number >> 2 & 0x7ffff) << 5);
    return true;
}

static bool write_low12(const relocation *r, void *bytes, uint64_t target) {
    uint32_t low = (uint32_t)(target & 0xfff);
    if (low & ((1u << r->scale) - 1)) return false;
    set_field(bytes, 0x003ffc00, low >> r->scale << 10);
    return true;
}

bool wn_relocate(const relocation *r, void *bytes, uint64_t place, uint64_t target) {
    switch ((relocation_form)r->form) {
    case FORM_NOTHING: return true;
    case FORM_ABSOLUTE: memcpy(bytes, &target, sizeof target); return true;
    case FORM_RELATIVE: return write_relative(r, bytes, (int64_t)(target - place));
    case FORM_BRANCH26: return write_branch(bytes, (int64_t)(target - place));
    case FORM_PAGE21: return write_page(bytes, place, target);
    case FORM_LOW12: return write_low12(r, bytes, target);
    }
    return false;
}
