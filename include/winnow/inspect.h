/*
 * inspect.h - look at what becomes of a graph: its listing, its plan, its LLVM IR, its machine code, and which came from which.
 *
 *     size_t length;
 *     char *text = wn_inspect(g, NULL, WN_VIEW_PLAN, &length);
 *     if (text) fwrite(text, 1, length, stdout);
 *     wn_text_free(ctx, text, length);
 *
 * For people and for tools that show things to people. The texts may change with any version; only the listing
 * (WN_VIEW_GRAPH) is a language, which wn_parse reads back, and the members of the JSON (WN_VIEW_JSON) that docs/inspection.md
 * describes keep their meaning while its "version" stays the same. Equal graphs, options and builds of Winnow give equal bytes.
 *
 * Nothing here costs anything to those who don't ask: debug information, ledgers and maps are made when something is inspected.
 */
#ifndef WINNOW_INSPECT_H
#define WINNOW_INSPECT_H

#include "winnow/winnow.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

typedef enum wn_view {
    WN_VIEW_GRAPH,        /* the canonical listing: inputs, each live value's statement, outputs */
    WN_VIEW_DOT,          /* the same as a drawing, for Graphviz */
    WN_VIEW_PLAN,         /* the loops that the graph is cut into, each with its reason */
    WN_VIEW_IR,           /* LLVM IR as it is emitted */
    WN_VIEW_IR_OPTIMIZED, /* LLVM IR after the passes */
    WN_VIEW_ASSEMBLY,     /* the instructions */
    WN_VIEW_OBJECT,       /* the ELF object, the very bytes that a kernel runs: binary */
    WN_VIEW_JSON,         /* all of it and what connects it, in UTF-8: see docs/inspection.md */
    WN_VIEW_JSON_TIMED    /* the same with "timings", which differ from run to run */
} wn_view;

/*
 * Show one stage of a graph's way to machine code.
 *
 * graph    kept and unchanged; needs an output. Of one that has failed, JSON shows what there is, with the error
 * options  NULL for defaults; isa may be one that this machine lacks; engine does not matter
 * length   receives the bytes, without the NUL that follows them; may be NULL for a text
 * Returns memory of the context that you own (wn_text_free), or NULL: wn_graph_error(graph) says why.
 * Cost: graph, dot and plan microseconds, and no LLVM; the others a compile each, which no cache answers.
 */
WN_API char *wn_inspect(wn_graph *graph, const wn_compile_options *options, wn_view view,
                        size_t *length);
/*
 * The same of a kernel, which may come from a cache: it is compiled again, to the same instructions. What the kernel would
 * compile when it is first needed is there as well.
 *
 * error   may be NULL
 */
WN_API char *wn_inspect_kernel(const wn_kernel *kernel, wn_view view, size_t *length, wn_error *error);
/* The kernel that a binding runs, and owns: for arrays that are bitmaps another than the one that was bound. NULL of what is no binding. */
WN_API const wn_kernel *wn_binding_kernel(const wn_binding *binding);
/* Give back what wn_inspect returned, with its length. NULL does nothing. */
WN_API void wn_text_free(wn_context *context, char *text, size_t length);

/*
 * From now on keep the texts that are parsed, which place in them asked for which value, and each rewrite: the spellings and the ledger of
 * an inspection. Call it before building. Costs some 50 bytes an operation; without it an inspection knows names alone.
 */
WN_API void wn_trace(wn_graph *graph);

/* ---- Inspections: the same as tables ----------------------------------------------------------------------------- */

/* Everything that is known about a graph on one instruction set. All that the functions below return belongs to it. */
typedef struct wn_inspection wn_inspection;

/* A copy is made: the graph or kernel may be freed first, the context may not. Never NULL but for want of memory or a wrong handle: what could not
   be found out is empty, and wn_inspection_error says why. Cost: two compiles. */
WN_API wn_inspection *wn_inspection_new(wn_graph *graph, const wn_compile_options *options);
WN_API wn_inspection *wn_inspection_of_kernel(const wn_kernel *kernel);
WN_API void wn_inspection_free(wn_inspection *inspection);
/* What kept it from being complete; "" if nothing did. */
WN_API const char *wn_inspection_error(const wn_inspection *inspection);

/* What something serves. In the JSON "n3", "o0", "loop", "". */
typedef enum wn_serves {
    WN_SERVES_NOTHING, /* IR that is no instruction, a line of the plan about no value   */
    WN_SERVES_NODE,    /* computes this node; of an input: loads it                      */
    WN_SERVES_OUTPUT,  /* stores output `number`                                         */
    WN_SERVES_LOOP     /* the loop itself, and what is done once for it: index, branches */
} wn_serves;

typedef struct wn_origin {
    wn_serves serves;
    uint32_t number; /* node: 1 and on; output: 0 and on */
} wn_origin;

/* What became of a node. */
typedef enum wn_fate {
    WN_FATE_CODE,     /* it has instructions */
    WN_FATE_HOISTED,  /* it has, but before the loop alone */
    WN_FATE_LOADED,   /* an input that instructions of `into` load, as their operand in memory */
    WN_FATE_ABSORBED, /* those of `into` do its work too */
    WN_FATE_CONSTANT, /* an immediate operand, or memory beside the code, of those of `into` */
    WN_FATE_PACKED,   /* computed before packing; the packing of `into` moves its elements */
    WN_FATE_C,        /* a function of the library does it, over whole arrays or short rows */
    WN_FATE_UNUSED,   /* an input that nothing reads */
    WN_FATE_UNKNOWN   /* there is no code: the inspection is incomplete */
} wn_fate;

/* A live node. Node n is element n - 1. */
typedef struct wn_node_info {
    const char *op;    /* "less" */
    const char *label; /* its name in the listing, "v3", or a constant's value */
    const char *shape; /* "[?, 3]" */
    wn_type type;
    uint32_t operands[3];  /* nodes; 0 beyond the last */
    uint32_t line, column; /* in the listing, from 1; 0: a constant, which its users' lines have */
    wn_fate fate;
    wn_origin into;
    uint32_t instructions, loop_instructions; /* that serve it, in all functions */
} wn_node_info;

/* A way that a node was written: a name, or a place in the text. */
typedef struct wn_spelling {
    uint32_t node;
    const char *name;      /* NULL: a place */
    uint32_t begin, end;   /* in the text, in bytes */
    uint32_t line, column; /* of begin, from 1 */
} wn_spelling;

/* A line of the ledger. */
typedef struct wn_decision {
    const char *pass;   /* "build", "simplify", "merge", "plan", ...: see docs/inspection.md */
    const char *rule;   /* "where(!c, x, y) ==> where(c, y, x)" */
    const char *before; /* what it was done to */
    const char *after;  /* what came out */
    const char *reason;
    wn_origin of;   /* what came out, if it is still there */
    uint32_t stage; /* that it is about, from 1; 0: none */
} wn_decision;

/* A function of the object. Its instructions and lines of IR are those from `first` on, `count` of them. */
typedef struct wn_function_info {
    const char *name; /* "wn_map_0" */
    const char *kind; /* "map": see src/jit/kernel.h */
    uint32_t stage;
    uint32_t offset, bytes; /* in the code */
    uint32_t first_instruction, instruction_count;
    uint32_t first_ir, ir_count;
    uint32_t first_optimized, optimized_count;
    /* Figures, all but the first of the innermost loop: the one in which most elements pass.
       They are read off x86-64's instructions; of another processor's, all but `elements` are 0. */
    uint32_t loops;                   /* in the function's code */
    uint32_t loop_begin, loop_end;    /* offsets in the code; equal: there is no loop */
    uint32_t loop_instructions;       /* padding left out */
    uint32_t loop_loads, loop_stores; /* instructions that read, write memory; not the stack */
    uint32_t spills;                  /* those that read or write the stack */
    uint32_t vector_bits;             /* of the widest registers; 0: scalars alone */
    uint32_t elements;                /* that an iteration computes */
} wn_function_info;

typedef struct wn_instruction {
    uint32_t offset, length; /* in the code */
    const uint8_t *bytes;
    const char *text;
    const char *constant; /* that it reads beside the code: "0.5", "0, 1, 2, 3, ...", "table"; "" */
    wn_origin of;
    bool in_loop;   /* the innermost one */
    int64_t target; /* of a jump: an offset in the code; -1: it is none */
} wn_instruction;

typedef struct wn_line {
    const char *text;
    wn_origin of;
} wn_line;

/* A loop of the plan. */
typedef struct wn_stage_info {
    const char *kind;                /* "map", "pack", "rows", "reduce", "expand", "whole" */
    const char *reason;              /* why it is there */
    const char *space;               /* "[?, 3]" */
    uint32_t bytes_read;             /* for an element of the space; of a bitmap, one */
    uint32_t bytes_written;          /* the same, at most */
    uint32_t first_line, line_count; /* of the plan's lines */
} wn_stage_info;

/* Of the whole. */
typedef struct wn_figures {
    wn_isa isa;
    uint32_t code_bytes, constant_bytes, object_bytes;
    uint32_t stages;
    uint32_t bytes_per_element; /* of all stages, each for an element of its own space */
    /* What each phase took; 0: it was not measured. */
    int64_t build_ns;    /* texts read, built and rewritten, of a graph that was traced */
    int64_t prune_ns;    /* the live nodes copied, in order */
    int64_t plan_ns;     /* cut into stages */
    int64_t emit_ns;     /* LLVM IR */
    int64_t optimize_ns; /* LLVM's passes */
    int64_t codegen_ns;  /* machine code */
    int64_t load_ns;     /* that mapped and relocated, where this machine can run it */
} wn_figures;

/* Tables; *count receives how many. */
WN_API const wn_node_info *wn_inspection_nodes(const wn_inspection *inspection, size_t *count);
WN_API const wn_spelling *wn_inspection_spellings(const wn_inspection *inspection, size_t *count);
WN_API const wn_decision *wn_inspection_decisions(const wn_inspection *inspection, size_t *count);
WN_API const wn_stage_info *wn_inspection_stages(const wn_inspection *inspection, size_t *count);
WN_API const wn_line *wn_inspection_plan(const wn_inspection *inspection, size_t *count);
WN_API const wn_function_info *wn_inspection_functions(const wn_inspection *inspection, size_t *count);
WN_API const wn_instruction *wn_inspection_instructions(const wn_inspection *inspection, size_t *count);
WN_API const wn_line *wn_inspection_ir(const wn_inspection *inspection, size_t *count);
WN_API const wn_line *wn_inspection_ir_optimized(const wn_inspection *inspection, size_t *count);
WN_API const wn_figures *wn_inspection_figures(const wn_inspection *inspection);
/* The object with debug information, whose lines are those of the listing; NULL if there is none. */
WN_API const void *wn_inspection_object(const wn_inspection *inspection, size_t *size);
/* The text as it was parsed ("" if it wasn't traced), and the listing; both end in NUL. */
WN_API const char *wn_inspection_text(const wn_inspection *inspection, size_t *length);
WN_API const char *wn_inspection_listing(const wn_inspection *inspection, size_t *length);

/* ---- Checks: what generated code is expected to be --------------------------------------------------------------- */

/*
 * A rule is one of
 *   vectorized              every loop of the plan is machine code whose innermost loop has vector registers and computes several elements
 *   isa>=v3                 the instruction set: v2, v3, v4, portable
 *   loops==1                loops of the plan
 *   no-spill                no innermost loop touches the stack
 *   max-instructions<=14    of any innermost loop
 *   bytes-per-element<=8    read and written, in all loops together
 * with any of == != < <= > >= where there is one, and any number.
 */
typedef struct wn_finding {
    bool met;
    char message[256];     /* what was found: "max-instructions<=14: wn_map_0 has 21" */
    uint32_t function;     /* whose code it is about, from 1; 0: none */
    uint32_t first, count; /* the offending instructions; count 0: none in particular */
} wn_finding;

/*
 * WN_OK              the finding says whether the rule is met
 * WN_ERROR_ARGUMENT  it is no rule
 * WN_ERROR_TARGET    it is about instructions, and these are not x86-64's
 * another status     the inspection is incomplete, and there is nothing to check
 * The message says more in each case.
 */
WN_API wn_status wn_check(const wn_inspection *inspection, const char *rule, wn_finding *finding);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
