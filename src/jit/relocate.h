/*
 * relocate.h - one relocation of an ELF object: which there are, and how each writes an address into code.
 *
 * Pure arithmetic on bytes, so that every machine's relocations are tested on any machine.
 */
#ifndef WN_RELOCATE_H
#define WN_RELOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is stored: S + A is the target, P the place. */
typedef enum relocation_form {
    FORM_NOTHING,
    FORM_ABSOLUTE, /* S + A                                               */
    FORM_RELATIVE, /* S + A - P, signed                                   */
    FORM_BRANCH26, /* (S + A - P) >> 2 in the low 26 bits                 */
    FORM_PAGE21,   /* 4 KiB pages from P to S + A, in adrp's two fields   */
    FORM_LOW12     /* the low 12 bits of S + A, >> scale, in bits 10 to 21 */
} relocation_form;

typedef struct relocation {
    uint16_t machine; /* EM_... */
    uint16_t type;    /* R_...  */
    uint8_t bytes;    /* that it changes */
    uint8_t form;
    uint8_t scale;
    const char *name;
} relocation;

/* NULL: not one that we know. */
const relocation *wn_relocation(uint16_t machine, uint32_t type);
/* Write it at `bytes`, which will run at address `place`. false: out of reach, or misaligned; nothing is written. */
bool wn_relocate(const relocation *r, void *bytes, uint64_t place, uint64_t target);

#endif
