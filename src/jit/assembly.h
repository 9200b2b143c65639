/*
 * assembly.h - what one instruction does, as far as its text tells: memory, registers, jumps. x86-64 in AT&T's spelling, as LLVM writes it.
 */
#ifndef WN_ASSEMBLY_H
#define WN_ASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct instruction_facts {
    bool loads, stores; /* memory                                                    */
    bool stack;         /* that memory is the stack                                  */
    bool jumps;         /* to another place of the function: by displacement         */
    int64_t displacement;
    bool does_nothing;    /* padding */
    uint32_t vector_bits; /* of its widest vector register; 0: none, or one element of it */
    int written;          /* a vector or mask register that it writes, as a number; -1: none */
} instruction_facts;

/* `framed`: %rbp is the frame's, and no register for values. */
instruction_facts wn_instruction_facts(const char *text, bool framed);
/* Whether it mentions the register. */
bool wn_instruction_mentions(const char *text, int vector_register);

#endif
