/*
 * disassemble.c - bytes of code as the instructions that they are, through LLVM's disassembler.
 */
#include "jit/llvm/emit.h"

#include <llvm-c/Disassembler.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void initialize_disassembler(void) {
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeDisassembler();
}

/* Room for one more instruction and its text; false: out of memory. */
static bool make_room(provider_listing *l, size_t *room, size_t *text_room, size_t text_end) {
    if (l->count == *room) {
        *room = *room ? 2 * *room : 256;
        void *more = realloc(l->instructions, *room * sizeof *l->instructions);
        if (!more) return false;
        l->instructions = more;
    }
    if (text_end + 256 <= *text_room) return true;
    *text_room = *text_room ? 2 * *text_room : 16384;
    void *more = realloc(l->texts, *text_room);
    if (!more) return false;
    l->texts = more;
    return true;
}

/* LLVM writes "\tvaddps\t%ymm0, ..." */
static void tidy(char *text) {
    size_t skip = strspn(text, " \t");
    memmove(text, text + skip, strlen(text + skip) + 1);
    for (char *p = text; *p; p++)
        if (*p == '\t') *p = ' ';
}

static bool take_instructions(LLVMDisasmContextRef context, const uint8_t *code, size_t size,
                              provider_listing *l) {
    size_t room = 0, text_room = 0, text_end = 0;
    for (size_t at = 0, length; at < size; at += length) {
        if (!make_room(l, &room, &text_room, text_end)) return false;
        char *text = l->texts + text_end;
        length = LLVMDisasmInstruction(context, (uint8_t *)(uintptr_t)(code + at), size - at, at,
                                       text, 255);
        if (length == 0) {
            length = 1;
            snprintf(text, 255, "(bad)");
        }
        tidy(text);
        l->instructions[l->count++] =
            (provider_instruction){(uint32_t)at, (uint32_t)length, (uint32_t)text_end};
        text_end += strlen(text) + 1;
    }
    return true;
}

wn_status wn_disassemble(const wn_target *target, const void *code, size_t size,
                         provider_listing *listing, wn_error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize_disassembler);
    *listing = (provider_listing){.count = 0};
    char *triple = LLVMGetDefaultTargetTriple();
    LLVMDisasmContextRef context = LLVMCreateDisasmCPUFeatures(
        triple, wn_cpu_name(target), wn_cpu_features(target), NULL, 0, NULL, NULL);
    LLVMDisposeMessage(triple);
    bool done = context && take_instructions(context, code, size, listing);
    if (context) LLVMDisasmDispose(context);
    if (done) return WN_OK;
    wn_release_listing(listing);
    if (error) {
        error->status = context ? WN_ERROR_MEMORY : WN_ERROR_COMPILER;
        snprintf(error->message, sizeof error->message,
                 context ? "inspect: out of memory"
                         : "inspect: LLVM has no disassembler for this machine");
    }
    return context ? WN_ERROR_MEMORY : WN_ERROR_COMPILER;
}

void wn_release_listing(provider_listing *listing) {
    free(listing->instructions);
    free(listing->texts);
    *listing = (provider_listing){.count = 0};
}
