/*
 * debug.c - where instructions come from: debug locations that are places of the canonical listing.
 *
 * One compile unit, whose source file is the listing; one subprogram a function; and a location for each instruction, which LLVM carries to
 * .debug_line. What a column says is written in docs/inspection.md. No variables: locations alone change no instruction.
 *
 * Without provider_request.debug every function here does nothing.
 */
#include "jit/llvm/body.h"

#include <llvm-c/DebugInfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static LLVMMetadataRef file_of(const emitter *e) {
    const provider_debug *d = e->debug;
    return LLVMDIBuilderCreateFile(e->describing, d->file, strlen(d->file), d->folder,
                                   strlen(d->folder));
}

static void add_flag(const emitter *e, const char *name, unsigned value) {
    LLVMValueRef number = LLVMConstInt(int_type(e, 32), value, false);
    LLVMAddModuleFlag(e->module, LLVMModuleFlagBehaviorWarning, name, strlen(name),
                      LLVMValueAsMetadata(number));
}

void wn_debug_begin(emitter *e) {
    if (!e->debug) return;
    add_flag(e, "Debug Info Version", LLVMDebugMetadataVersion());
    add_flag(e, "Dwarf Version", 4); /* with LLVM's oldest and newest the same */
    e->describing = LLVMCreateDIBuilder(e->module);
    LLVMDIBuilderCreateCompileUnit(e->describing, LLVMDWARFSourceLanguageC99, file_of(e), "winnow",
                                   6, true, "", 0, 0, "", 0, LLVMDWARFEmissionFull, 0, false, false,
                                   "", 0, "", 0);
}

void wn_debug_end(emitter *e) {
    if (!e->describing) return;
    LLVMDIBuilderFinalize(e->describing);
    LLVMDisposeDIBuilder(e->describing);
    e->describing = NULL;
}

void wn_debug_function(body *b, const char *name) {
    emitter *e = b->e;
    if (!e->debug) return;
    LLVMMetadataRef file = file_of(e), none = NULL;
    LLVMMetadataRef type = LLVMDIBuilderCreateSubroutineType(e->describing, file, &none, 0, 0);
    const plan_output *first = &b->stage->outputs[0];
    unsigned line = wn_place_of_output(b, first).line;
    e->scope = LLVMDIBuilderCreateFunction(e->describing, file, name, strlen(name), name,
                                           strlen(name), file, line, type, false, true, line, 0, true);
    LLVMSetSubprogram(e->function, e->scope);
}

wn_spot wn_place_of_output(const body *b, const plan_output *o) {
    return o->target == TARGET_OUTPUT ? b->e->debug->outputs[o->number] : b->e->debug->nodes[o->node];
}

void wn_locate(const emitter *e, wn_spot place) {
    if (place.line == 0) return; /* a constant: it is part of what is made of it */
    LLVMSetCurrentDebugLocation2(
        e->builder,
        LLVMDIBuilderCreateDebugLocation(e->context, place.line, place.column, e->scope, NULL));
}

/* ---- Choices --------------------------------------------------------------------------------------------------------------- */

static bool same_choice(const provider_choice *a, const provider_choice *b) {
    return a->stage == b->stage && a->node == b->node && !strcmp(a->what, b->what);
}

/* One that is told again is of both functions; one that memory lacks for is left out. */
void wn_tell(emitter *e, const char *why, const char *what, ...) {
    if (!e->debug) return;
    provider_result *to = e->result;
    provider_choice choice = e->about;
    va_list list;
    va_start(list, what);
    vsnprintf(choice.what, sizeof choice.what, what, list);
    va_end(list);
    choice.why = why;
    for (size_t i = to->choice_count; i-- > 0 && to->choices[i].stage == choice.stage;) {
        if (!same_choice(&to->choices[i], &choice)) continue;
        to->choices[i].functions |= choice.functions;
        return;
    }
    if (to->choice_count == to->choice_room) {
        size_t room = to->choice_room ? 2 * to->choice_room : 16;
        provider_choice *more = realloc(to->choices, room * sizeof *more);
        if (!more) return;
        to->choices = more;
        to->choice_room = room;
    }
    to->choices[to->choice_count++] = choice;
}

/* ---- Texts ----------------------------------------------------------------------------------------------------------------- */

/* The place of every instruction of the module, in order; count receives how many. NULL: out of memory. */
static wn_spot *find_places(LLVMModuleRef module, size_t *count) {
    size_t room = 0;
    wn_spot *places = NULL;
    *count = 0;
    for (ir f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
        for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
            for (ir i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
                if (*count == room) {
                    room = room ? 2 * room : 256;
                    wn_spot *more = realloc(places, room * sizeof *places);
                    if (!more) {
                        free(places);
                        return NULL;
                    }
                    places = more;
                }
                LLVMMetadataRef at = LLVMInstructionGetDebugLoc(i);
                places[(*count)++] =
                    at ? (wn_spot){LLVMDILocationGetLine(at), LLVMDILocationGetColumn(at)}
                       : (wn_spot){0, 0};
            }
    return places ? places : calloc(1, sizeof *places);
}

static size_t count_lines(const char *text) {
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* Give each line that is an instruction the next place. The printer writes one a line, indented by two, and nothing else so within a
   function. */
static wn_spot *place_lines(const char *text, const wn_spot *places, size_t count) {
    wn_spot *lines = calloc(count_lines(text) + 1, sizeof *lines);
    bool inside = false;
    size_t next = 0;
    for (size_t i = 0; lines && *text; i++) {
        if (strncmp(text, "define", 6) == 0) inside = true;
        if (*text == '}') inside = false;
        bool instruction = inside && text[0] == ' ' && text[1] == ' ' && text[2] != ' ';
        if (instruction && next < count) lines[i] = places[next++];
        const char *end = strchr(text, '\n');
        if (!end) break;
        text = end + 1;
    }
    return lines;
}

/* Of a copy without debug information. */
static char *stripped_text(LLVMModuleRef module) {
    LLVMModuleRef copy = LLVMCloneModule(module);
    LLVMStripModuleDebugInfo(copy);
    char *text = LLVMPrintModuleToString(copy), *kept = strdup(text);
    LLVMDisposeMessage(text);
    LLVMDisposeModule(copy);
    return kept;
}

bool wn_debug_text(LLVMModuleRef module, char **text, wn_spot **lines) {
    size_t count = 0;
    wn_spot *places = find_places(module, &count);
    *text = places ? stripped_text(module) : NULL;
    *lines = *text ? place_lines(*text, places, count) : NULL;
    free(places);
    return *lines != NULL;
}
