/*
 * provider.h - the narrow door to LLVM: a plan in, an ELF object out.
 *
 * Everything that calls LLVM lives in src/jit/llvm and is built into libwinnow-llvm.so, which the library opens at the first
 * compile that needs it (loading libLLVM takes 18 ms and 100 MB), or is linked in by a static build. The two share plain
 * structs, so the handshake compares a hash of the headers that declare them, and the version text.
 */
#ifndef WN_PROVIDER_H
#define WN_PROVIDER_H

#include "jit/plan.h"

#include <limits.h>

/* What the two sides of the door must agree on: a hash of the shared headers, from the build. */
#if !defined(WN_INTERFACE)
#define WN_INTERFACE 0u
#endif

/* Instruction set of a compile: the level, and what native adds. */
typedef struct wn_target {
    wn_isa isa;  /* not NATIVE */
    bool vbmi2;  /* AVX-512 VBMI2: compress for 8 and 16 bits */
    bool amd;    /* the machine is AMD's (wn_is_amd)                                             */
    bool halves; /* it takes 512 bits as two halves, one after the other (wn_takes_halves): Zen 4 */
} wn_target;

/* What few bindings need is compiled when it is first needed, so that the first compile is shorter: the scatter of a stage that also has a
   fused function, for results that are allocated exactly, or a map, for rows that turn out to be short; stream, for arrays larger than the caches; the map of a stage that has a
   reduce function, for short rows (but for places, which are looked for again if there is a NaN). */
typedef enum provider_functions {
    FUNCTIONS_ALL,
    FUNCTIONS_EARLY,
    FUNCTIONS_LATE
} provider_functions;

static inline bool function_is_wanted(const plan_stage *s, kernel_function function,
                                      provider_functions functions) {
    bool late =
        function == KERNEL_STREAM ||
        (function == KERNEL_SCATTER && (stage_has(s, KERNEL_FUSED) || stage_has(s, KERNEL_MAP))) ||
        (function == KERNEL_MAP && stage_has(s, KERNEL_REDUCE) && !s->places);
    return stage_has(s, function) &&
           (functions == FUNCTIONS_ALL || late == (functions == FUNCTIONS_LATE));
}

/* Columns of a line that starts with `output` or a name, before what has a place of its own: the loop itself, and smaller loops beside it. */
enum { PLACE_LOOP = 1, PLACE_BESIDE = 2 };

/* Debug information, for whoever looks: the places of the listing that instructions come from. */
typedef struct provider_debug {
    const char *file, *folder;      /* where the listing is said to lie */
    const wn_spot *nodes, *outputs; /* as wn_print_listing_places gives them */
} provider_debug;

typedef struct provider_request {
    const wn_plan *plan;
    wn_target target;
    provider_functions functions;
    bool want_ir, want_ir_optimized, want_assembly; /* text, made only when asked for */
    bool object_not_wanted;
    const provider_debug *debug; /* NULL: none, and nothing is spent on it; the instructions are the same */
} provider_request;

/* What an emitter chose where others were possible. */
typedef struct provider_choice {
    uint32_t stage;
    uint32_t functions; /* of the stage: bit k is kernel_function k; 0: it is about the whole object */
    node_id node;       /* whose instructions it is about; 0: nobody's */
    char what[160];
    const char *why; /* the provider's own */
} provider_choice;

/* Memory of malloc's, freed by the provider's `release`. Texts end in NUL, NULL if not asked for. */
typedef struct provider_result {
    void *object;
    size_t object_size;
    char *ir, *ir_optimized, *assembly;
    wn_spot *ir_places, *ir_optimized_places; /* with debug: of each line of the texts, which leave it out */
    uint32_t *elements; /* with debug: by stage and kernel_function, what an iteration of the innermost loop computes */
    provider_choice *choices; /* with debug: each once, in the order in which they were made */
    size_t choice_count, choice_room;
    int64_t emit_ns, optimize_ns, codegen_ns; /* what each step took */
} provider_result;

/* An instruction of some code; its text ends in NUL, and lies at `text` in the texts. */
typedef struct provider_instruction {
    uint32_t offset, length, text;
} provider_instruction;

typedef struct provider_listing { /* malloc's, as a result */
    provider_instruction *instructions;
    size_t count;
    char *texts;
} provider_listing;

/* A file as it was when it was looked at: another one, or the same one written anew, has another stamp. */
typedef struct file_stamp {
    uint64_t device, inode, bytes, seconds, nanoseconds;
} file_stamp;

/* What compiles: the files, as they were when they were opened. */
typedef struct provider_files {
    file_stamp provider, llvm;
    const char *llvm_path;
} provider_files;

typedef struct wn_provider {
    uint32_t abi;
    const char *version;      /* wn_version() of the build that it belongs to */
    const char *llvm_version; /* "22.1.8" */
    wn_status (*compile)(const provider_request *request, provider_result *result, wn_error *error);
    void (*release)(provider_result *result);
    /* The instructions of `size` bytes of code. A byte that begins none is one, "(bad)". */
    wn_status (*disassemble)(const wn_target *target, const void *code, size_t size,
                             provider_listing *listing, wn_error *error);
    void (*release_listing)(provider_listing *listing);
    const provider_files *(*files)(void); /* NULL: not known */
} wn_provider;

/* The one symbol of libwinnow-llvm.so. Thread-safe. */
__attribute__((visibility("default"))) const wn_provider *wn_llvm_provider(void);

/* ---- The library's side (provider.c, target.c, load.c) ----------------------------------------------------------------- */

/* The provider: opened once a process, from `path` or beside the library. NULL: error says what was tried. Thread-safe. */
const wn_provider *wn_provider_open(const char *path, wn_error *error);

/* Add to a key what its object depends on besides what is compiled: this build, and the provider that would be opened, whose stamp is
   given too. Loads nothing. false: not known. (What the provider depends on, LLVM, is known only once it is open.) */
bool wn_provider_identify(const char *path, wn_key *key, file_stamp *provider);

/* identity.c. The stamp of a file; the file that code was loaded from; and what the linker wrote into that to tell one build from
   another, NULL if nothing. The provider has its own copy. */
bool wn_stamp_file(const char *path, file_stamp *stamp);
bool wn_file_of(const void *code, char path[PATH_MAX]);
/* Whether the C library is part of the program, and no loader came with it. */
bool wn_program_is_static(void);
const void *wn_build_id(const void *code, size_t *size);

/* Whether this machine is AMD's: what comes from memory is asked for 1.5 KiB ahead there, and not 4 (body.c), and packing asks for neither outputs
   (emit_pack.c) nor inputs (pieces.c). On a Zen 4, asking 4 KiB ahead is no better than not at all, from 2.4 KiB on some loops take 1.6 times
   as long, and 1.5 KiB saves up to a fifth; on a Xeon (Sapphire Rapids) 4 KiB saves up to a third. */
bool wn_is_amd(void);
/* Whether it takes vectors of 512 bits in halves, so that what AVX-512 alone takes longer for is better left to AVX2 (emit.c). */
bool wn_takes_halves(void);
/* What an isa means on this machine: NATIVE resolved, extensions found. false if the machine cannot run it. */
bool wn_target_resolve(wn_isa isa, wn_target *target);

/*
 * An object in executable memory. Code, constants and the PC-relative relocations between them, nothing else: an undefined
 * symbol or an unknown relocation is an error that names it. Mapped writable, copied, relocated, then made read+execute: never both.
 */
typedef struct wn_code wn_code;
wn_code *wn_code_load(wn_context *context, const void *object, size_t size, wn_error *error);
void wn_code_free(wn_code *code);
/* The address of a function of the object, NULL if it has none of this name. */
kernel_fn wn_code_find(const wn_code *code, const char *symbol);
size_t wn_code_size(const wn_code *code);
/* Its functions, by number; false: there are no more. The name is the code's. */
typedef struct code_function {
    const char *name;
    uintptr_t address;
    size_t size;
} code_function;
bool wn_code_function(const wn_code *code, size_t number, code_function *function);
/* Make it known to debuggers, until it is freed; `object` is what it was loaded from. false: error says why, and nothing has changed. */
bool wn_code_show(wn_code *code, const void *object, size_t size, wn_error *error);

#endif
