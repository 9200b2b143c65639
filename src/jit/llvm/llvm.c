/*
 * llvm.c - a module in, an ELF object out: the whole use of LLVM's code generator, and the provider's one symbol.
 *
 * A compile has an LLVMContext of its own, so any number of threads may compile at once. Process-wide calls (option
 * parsing, the fatal error handler, shutdown) are never made; only the registration of the native target is, once. Each context has a
 * diagnostic handler, because the default one ends the process.
 */
#include "jit/llvm/emit.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is left to do is to join equal expressions; the code generator chooses the cheaper of two by itself, and instcombine would
   only take 0.3 ms. No vectoriser, no loop passes: the IR is vectors already. */
#define PASSES "function(early-cse)"

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static wn_status fail_memory(wn_error *error) {
    if (error) {
        error->status = WN_ERROR_MEMORY;
        snprintf(error->message, sizeof error->message, "compile: out of memory");
    }
    return WN_ERROR_MEMORY;
}

static wn_status fail(wn_error *error, const char *what, const char *detail) {
    if (error) {
        error->status = WN_ERROR_COMPILER;
        snprintf(error->message, sizeof error->message, "compile: %s: %s", what,
                 detail ? detail : "no reason given");
    }
    return WN_ERROR_COMPILER;
}

/* ---- Targets --------------------------------------------------------------------------------------------------------------- */

const char *wn_cpu_name(const wn_target *t) {
    switch (t->isa) {
    case WN_ISA_X86_64_V4: return "x86-64-v4";
    case WN_ISA_X86_64_V3: return "x86-64-v3";
    case WN_ISA_X86_64_V2: return "x86-64-v2";
    default:
#if defined(__x86_64__)
        return "x86-64-v2";
#else
        return "generic";
#endif
    }
}

const char *wn_cpu_features(const wn_target *t) {
    return t->isa == WN_ISA_X86_64_V4 && t->vbmi2 ? "+avx512vbmi2" : "";
}

static void add_attribute(const emitter *e, ir function, const char *key, const char *value) {
    LLVMAttributeRef a = LLVMCreateStringAttribute(e->context, key, (unsigned)strlen(key), value,
                                                   (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, a);
}

void wn_set_target_attributes(const emitter *e, ir function) {
    unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8),
             uwtable = LLVMGetEnumAttributeKindForName("uwtable", 7);
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(e->context, nounwind, 0));
    /* With debug information LLVM describes frames, and what describes them counts when it decides how near two instructions are. So
       that the code is the same without, they always are. */
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(e->context, uwtable, 1));
    add_attribute(e, function, "target-cpu", wn_cpu_name(&e->target));
    if (*wn_cpu_features(&e->target))
        add_attribute(e, function, "target-features", wn_cpu_features(&e->target));
    if (e->target.isa == WN_ISA_X86_64_V4) add_attribute(e, function, "prefer-vector-width", "512");
}

static void initialize_native_target(void) {
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
}

/* LLVM's scheduler takes time in the square of a block's length, so a loop of thousands of values goes without it. */
static LLVMCodeGenOptLevel level_for(const wn_plan *plan) {
    for (uint32_t i = 0; i < plan->stage_count; i++)
        if (plan->stages[i].program.value_count > 2000) return LLVMCodeGenLevelNone;
    return LLVMCodeGenLevelLess;
}

static LLVMTargetMachineRef new_machine(const wn_target *t, LLVMCodeGenOptLevel level, wn_error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize_native_target);
    char *triple = LLVMGetDefaultTargetTriple(), *message = NULL;
    LLVMTargetRef target = NULL;
    LLVMTargetMachineRef machine = NULL;
    if (LLVMGetTargetFromTriple(triple, &target, &message))
        fail(error, "LLVM does not know this machine", message);
    else
        machine = LLVMCreateTargetMachine(target, triple, wn_cpu_name(t), wn_cpu_features(t), level,
                                          LLVMRelocPIC, LLVMCodeModelSmall);
    if (target && !machine) fail(error, "LLVM has no code generator for", triple);
    LLVMDisposeMessage(message);
    LLVMDisposeMessage(triple);
    return machine;
}

/* ---- Machines that wait for the next compile --------------------------------------------------------------------------------- */

/* Making one, and what it finds out about its instruction set, takes a quarter of a millisecond. One compile at a time uses it. */
#define IDLE_MACHINES 8

typedef struct idle_machine {
    LLVMTargetMachineRef machine; /* NULL: an empty place */
    wn_target target;
    LLVMCodeGenOptLevel level;
} idle_machine;

static pthread_mutex_t idle_mutex = PTHREAD_MUTEX_INITIALIZER;
static idle_machine idle[IDLE_MACHINES];

static LLVMTargetMachineRef take_machine(const wn_target *t, LLVMCodeGenOptLevel level, wn_error *error) {
    LLVMTargetMachineRef machine = NULL;
    pthread_mutex_lock(&idle_mutex);
    for (int i = 0; i < IDLE_MACHINES && !machine; i++) {
        const wn_target *own = &idle[i].target;
        if (own->isa != t->isa || own->vbmi2 != t->vbmi2 || idle[i].level != level) continue;
        machine = idle[i].machine;
        idle[i].machine = NULL;
    }
    pthread_mutex_unlock(&idle_mutex);
    return machine ? machine : new_machine(t, level, error);
}

static void give_machine(idle_machine m) {
    pthread_mutex_lock(&idle_mutex);
    for (int i = 0; i < IDLE_MACHINES && m.machine; i++) {
        if (idle[i].machine) continue;
        idle[i] = m;
        m.machine = NULL;
    }
    pthread_mutex_unlock(&idle_mutex);
    if (m.machine) LLVMDisposeTargetMachine(m.machine);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------------------- */

/* Keep the first error that LLVM reports, instead of printing it and ending the process. */
static void keep_diagnostic(LLVMDiagnosticInfoRef info, void *user) {
    wn_error *first = user;
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError || first->status != WN_OK) return;
    char *text = LLVMGetDiagInfoDescription(info);
    fail(first, "LLVM reports", text);
    LLVMDisposeMessage(text);
}

static void set_machine(emitter *e, LLVMTargetMachineRef machine) {
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
    char *triple = LLVMGetTargetMachineTriple(machine);
    LLVMSetModuleDataLayout(e->module, layout);
    LLVMSetTarget(e->module, triple);
    LLVMDisposeMessage(triple);
    LLVMDisposeTargetData(layout);
}

static wn_status verify(const emitter *e, wn_error *error) {
    char *message = NULL;
    wn_status status = WN_OK;
    if (LLVMVerifyModule(e->module, LLVMReturnStatusAction, &message))
        status = fail(error, "invalid IR", message);
    LLVMDisposeMessage(message);
    return status;
}

static wn_status optimize(const emitter *e, LLVMTargetMachineRef machine, wn_error *error) {
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef failed = LLVMRunPasses(e->module, PASSES, machine, options);
    wn_status status = WN_OK;
    if (failed) {
        char *message = LLVMGetErrorMessage(failed);
        status = fail(error, "optimizer", message);
        LLVMDisposeErrorMessage(message);
    }
    LLVMDisposePassBuilderOptions(options);
    return status;
}

static void *copy_bytes(const void *from, size_t size, bool terminate) {
    char *to = malloc(size + 1);
    if (!to) return NULL;
    memcpy(to, from, size);
    if (terminate) to[size] = 0;
    return to;
}

static bool module_text(const emitter *e, char **text, wn_spot **places) {
    if (e->debug) return wn_debug_text(e->module, text, places);
    char *own = LLVMPrintModuleToString(e->module);
    *text = copy_bytes(own, strlen(own), true);
    LLVMDisposeMessage(own);
    return *text != NULL;
}

/* Generate code from a module, which that uses up. */
static wn_status generate(LLVMModuleRef module, LLVMTargetMachineRef machine,
                          LLVMCodeGenFileType type, void **bytes, size_t *size, wn_error *error) {
    LLVMMemoryBufferRef buffer = NULL;
    char *message = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, type, &message, &buffer)) {
        wn_status status = fail(error, "code generator", message);
        LLVMDisposeMessage(message);
        return status;
    }
    *size = LLVMGetBufferSize(buffer);
    *bytes = copy_bytes(LLVMGetBufferStart(buffer), *size, true);
    LLVMDisposeMemoryBuffer(buffer);
    return *bytes ? WN_OK : fail_memory(error);
}

static wn_status generate_assembly(const emitter *e, LLVMTargetMachineRef machine,
                                   provider_result *result, wn_error *error) {
    LLVMModuleRef copy = LLVMCloneModule(e->module);
    size_t size;
    void *text = NULL;
    wn_status status = generate(copy, machine, LLVMAssemblyFile, &text, &size, error);
    result->assembly = text;
    LLVMDisposeModule(copy);
    return status;
}

static wn_status run_steps(emitter *e, LLVMTargetMachineRef machine, const provider_request *request,
                           provider_result *result, wn_error *error) {
    int64_t start = now();
    set_machine(e, machine);
    wn_debug_begin(e);
    e->result = result;
    if (level_for(request->plan) == LLVMCodeGenLevelNone)
        wn_tell(e, "LLVM's scheduler takes time in the square of a block's length",
                "instructions are left in the order in which they were emitted");
    bool done = wn_emit_plan(e, request->plan, request->functions, result);
    wn_debug_end(e);
    if (!done) return fail_memory(error);
    if (request->want_ir && !module_text(e, &result->ir, &result->ir_places))
        return fail_memory(error);
    if (verify(e, error) != WN_OK) return WN_ERROR_COMPILER;
    int64_t emitted = now();
    if (optimize(e, machine, error) != WN_OK) return WN_ERROR_COMPILER;
    int64_t optimized = now();
    if (request->want_ir_optimized &&
        !module_text(e, &result->ir_optimized, &result->ir_optimized_places))
        return fail_memory(error);
    wn_status status = WN_OK;
    if (request->want_assembly) status = generate_assembly(e, machine, result, error);
    int64_t generating = now();
    if (status == WN_OK && !request->object_not_wanted)
        status = generate(e->module, machine, LLVMObjectFile, &result->object, &result->object_size,
                          error);
    result->emit_ns = emitted - start;
    result->optimize_ns = optimized - emitted;
    result->codegen_ns = now() - generating;
    return status;
}

/* ---- The provider -------------------------------------------------------------------------------------------------------------- */

static void release(provider_result *result) {
    free(result->object);
    free(result->ir);
    free(result->ir_optimized);
    free(result->assembly);
    free(result->ir_places);
    free(result->ir_optimized_places);
    free(result->elements);
    free(result->choices);
    memset(result, 0, sizeof *result);
}

static wn_status compile(const provider_request *request, provider_result *result, wn_error *error) {
    wn_error first = {WN_OK, ""};
    memset(result, 0, sizeof *result);
    LLVMCodeGenOptLevel level = level_for(request->plan);
    emitter e = {.graph = request->plan->graph, .target = request->target, .debug = request->debug};
    wn_choose_level(&e, request->plan);
    LLVMTargetMachineRef machine = take_machine(&e.target, level, error);
    if (!machine) return WN_ERROR_COMPILER;
    e.context = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(e.context, keep_diagnostic, &first);
    LLVMContextSetDiscardValueNames(e.context, !request->want_ir && !request->want_ir_optimized &&
                                                   !request->want_assembly);
    e.module = LLVMModuleCreateWithNameInContext("winnow", e.context);
    e.builder = LLVMCreateBuilderInContext(e.context);
    wn_status status = run_steps(&e, machine, request, result, error);
    if (status == WN_OK && first.status != WN_OK) {
        if (error) *error = first;
        status = first.status;
    }
    LLVMDisposeBuilder(e.builder);
    LLVMDisposeModule(e.module);
    LLVMContextDispose(e.context);
    give_machine((idle_machine){machine, e.target, level});
    if (status != WN_OK) release(result);
    return status;
}

/* Looked at as soon as the provider is opened: a later one may take a file's place while this one is in use. */
static provider_files files;
static bool files_known;

static void find_files(void) {
    static char own[PATH_MAX], llvm[PATH_MAX];
    const void *here = (const void *)(uintptr_t)wn_llvm_provider;
    const void *there = (const void *)(uintptr_t)LLVMContextCreate;
    files.llvm_path = llvm;
    files_known = wn_file_of(here, own) && wn_stamp_file(own, &files.provider) &&
                  wn_file_of(there, llvm) && wn_stamp_file(llvm, &files.llvm);
}

static const provider_files *known_files(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_files);
    return files_known ? &files : NULL;
}

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)

const wn_provider *wn_llvm_provider(void) {
    static const wn_provider provider = {
        WN_INTERFACE,
        TEXT_OF(WN_VERSION_MAJOR) "." TEXT_OF(WN_VERSION_MINOR) "." TEXT_OF(WN_VERSION_PATCH),
        LLVM_VERSION_STRING,
        compile,
        release,
        wn_disassemble,
        wn_release_listing,
        known_files};
    known_files();
    return &provider;
}
