/*
 * assembly.h - what one instruction does, as far as its text tells: memory, registers, jumps. x86-64 in AT&T's spelling, as LLVM writes it; of
 * another processor's nothing is told.
 */
#ifndef WN_ASSEMBLY_H
#define WN_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct instruction_facts {
    bool loads, stores; /* memory                                                    */
    bool stack;         /* that memory is the stack                                  */
    bool jumps;         /* to another place of the function: by displacement         */
    int64_t displacement;
    bool does_nothing;    /* padding */
    uint32_t vector_bits; /* of its widest vector register; 0: none, or one element of it */
    int written; /* a register that it writes, as a number; -1: none, or more than its last operand */
    bool prepares; /* writes it from nothing: a zero, an immediate, a constant beside the code */
} instruction_facts;

/* Numbers of registers: vectors, masks, and from this one on general ones. */
#define GENERAL_REGISTERS 200

/* `framed`: %rbp is the frame's, and no register for values. */
instruction_facts wn_instruction_facts(const char *text, bool framed);
/* Whether it mentions the register. */
bool wn_instruction_mentions(const char *text, int number);
/* Whether it makes elements wider, or others: of what it loads. */
bool wn_instruction_converts(const char *text);
/* Whether an address of memory is made of it. */
bool wn_instruction_addresses(const char *text, int number);
/* What an instruction that refers to what lies beside the code reads there, `bytes` being what begins there: "0.5", "0x7fffffff", "0, 1, 2, 3, ..."
   of different lanes, "table" where it takes the address; "" where the text does not tell. */
void wn_instruction_constant(const char *text, const unsigned char *bytes, size_t size,
                             char constant[96]);

#endif
