/*
 * inspection.h - the inside of an inspection: the road from graph to code taken once more, with everything on it kept.
 *
 * inspection.c takes the road; inspect_nodes.c says what became of each node, inspect_code.c what each instruction serves and what the
 * loops are like; inspect_json.c writes it all down, inspect_check.c holds it against rules.
 */
#ifndef WN_RUN_INSPECTION_H
#define WN_RUN_INSPECTION_H

#include "winnow/inspect.h"

#include "jit/object.h"
#include "jit/provider.h"

/* A table that grows; `room` is the allocator's. */
#define TABLE(type)                                                                                \
    struct {                                                                                       \
        type *at;                                                                                  \
        uint32_t count, room;                                                                      \
    }

/* Where in the listing something stands, sorted. */
typedef struct listed {
    wn_spot spot;
    wn_origin origin;
} listed;

/* Where a byte of the source stands, as people count: characters, of which a byte that is not UTF-8 is one. */
typedef struct text_place {
    uint32_t character;    /* from 0 */
    uint32_t line, column; /* from 1 */
} text_place;

typedef struct text_block text_block;

struct wn_inspection {
    uint32_t magic;
    wn_context *context;
    wn_graph *graph; /* a copy */
    wn_target target;
    wn_error error;
    bool failed; /* out of memory: sticky */
    const char *problem;

    text_block *blocks; /* the strings of the tables */
    const char *source;
    size_t source_length;
    text_place *places; /* of each byte of the source and of its end; NULL without one */
    wn_buffer listing;
    wn_spot *node_spots, *output_spots;
    TABLE(listed) listed;

    const bool *bitmaps;
    wn_plan *plan;
    const wn_provider *provider;
    provider_result result;
    provider_listing disassembly;
    object_view object;
    wn_figures figures;

    TABLE(wn_node_info) nodes;
    TABLE(wn_spelling) spellings;
    TABLE(wn_decision) decisions;
    TABLE(wn_stage_info) stages;
    TABLE(wn_line) plan_lines;
    TABLE(wn_function_info) functions;
    TABLE(wn_instruction) instructions;
    TABLE(wn_line) ir, ir_optimized;
};

#define INSPECTION_MAGIC 0x49736e57u /* "WnsI" */

static inline bool inspection_ok(const wn_inspection *i) {
    return i && i->magic == INSPECTION_MAGIC;
}

/* Append a zeroed element; a place to write to in any case, which is thrown away when memory has run out. */
#define APPEND(i, table)                                                                           \
    (wn_inspection_grow((i), (void **)&(i)->table.at, &(i)->table.room, (i)->table.count,          \
                        sizeof *(i)->table.at)                                                     \
         ? (memset(&(i)->table.at[(i)->table.count], 0, sizeof *(i)->table.at),                    \
            &(i)->table.at[(i)->table.count++])                                                    \
         : NULL)
bool wn_inspection_grow(wn_inspection *i, void **array, uint32_t *room, uint32_t count, size_t size);

/* A string that lasts as long as the inspection; "" when memory has run out. */
const char *wn_inspection_keep(wn_inspection *i, const char *text, size_t length);
const char *wn_inspection_print(wn_inspection *i, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The steps, in this order; each leaves off where something has failed.
 *
 * listed   nodes, and what stands where in the listing (inspect_nodes.c)
 * trace    text, spellings by node, rewrites (inspect_trace.c)
 * plan     stages and lines of the plan (inspect_code.c)
 * code     functions, instructions, IR (inspect_code.c)
 * fates    what became of nodes, and the rest of the ledger (inspect_nodes.c)
 */
void wn_inspect_listed(wn_inspection *i);
void wn_inspect_trace(wn_inspection *i, const wn_graph *from, const node_id *ids);
void wn_inspect_plan(wn_inspection *i);
void wn_inspect_code(wn_inspection *i);
void wn_inspect_fates(wn_inspection *i);
wn_origin wn_inspection_origin(const wn_inspection *i, wn_spot spot);

/* What options ask for, NULL for defaults, where code is only looked at: this machine need not be able to run it. Of no options of ours, native
   and an error. */
wn_status wn_inspection_target(const wn_compile_options *options, wn_target *target, wn_error *error);
/* That of a kernel, which the interpreter's does not have. */
wn_target wn_inspection_kernel_target(const wn_kernel *kernel);

/* The document (inspect_json.c). */
void wn_inspection_json(const wn_inspection *i, bool timed, wn_buffer *b);

#endif
