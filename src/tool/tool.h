/*
 * tool.h - the inside of the `winnow` command: what its files share. It is a user of winnow/winnow.h and winnow/inspect.h only.
 *
 *   main.c     which command                     npy.c      .npy files, mapped in and written out
 *   help.c     the manual pages                  output.c   files that appear whole or not at all
 *   args.c     the command line                  show.c     arrays as NumPy prints them
 *   literal.c  [[1, 2], [3, 4]]                  build.c    arguments -> graph -> kernel
 *   number.c   decimals and 16-bit floats        eval.c, bench.c, explain.c, check.c: the commands
 *   measure.c  runs, memory and masks            listing.c  explain in a terminal
 *   mca.c      llvm-mca's cycles                 report.c   explain as a page, from report.html
 *
 * A function that can fail prints its own message and returns the exit status that the process is to end with.
 */
#ifndef WINNOW_TOOL_H
#define WINNOW_TOOL_H

#include "winnow/inspect.h"
#include "winnow/winnow.h"

#include <stdio.h>

typedef enum exit_status {
    DONE,
    WRONG, /* the expression or the data */
    USAGE  /* the command line           */
} exit_status;

/* Print "winnow: " and the message on standard error; the first returns WRONG, the second USAGE. */
exit_status wn_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
exit_status wn_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define TRY(call)                                                                                  \
    do {                                                                                           \
        exit_status try_status = (call);                                                           \
        if (try_status != DONE) return try_status;                                                 \
    } while (0)

/* ---- Numbers (number.c) ---------------------------------------------------------------------------------------- */

/* A decimal d.ddd * 10^exponent. Zero has the one digit 0. */
typedef struct decimal {
    bool negative;
    int count, exponent;
    char digits[24];
} decimal;

/* An element of a float type as a double (exactly), and a double as an element, rounded once to nearest even. */
double wn_float_load(wn_type type, const void *element);
void wn_float_store(wn_type type, void *element, double v);
/* The shortest decimal that rounds to v in its type; v is finite. */
decimal wn_decimal_shortest(wn_type type, double v);
/* v rounded to `places` digits after the point (of d.ddd if scientific), without trailing zeros. */
decimal wn_decimal_rounded(double v, int places, bool scientific);

static inline bool type_is_float(wn_type t) {
    return t >= WN_F16;
}
static inline bool type_is_signed(wn_type t) {
    return t >= WN_I8 && t <= WN_I64;
}
int64_t wn_load_signed(wn_type type, const void *element);
uint64_t wn_load_unsigned(wn_type type, const void *element);

/* ---- Arrays from the command line ------------------------------------------------------------------------------ */

/* An array and the memory that it lies in: mapped from a file, or allocated, or none. */
typedef struct holding {
    wn_array array;
    void *map;
    size_t map_size;
    void *memory;
} holding;

void wn_holding_free(holding *h);
/* Elements of a shape, or -1 if their bytes are more than an object can have. */
int64_t wn_element_count(int32_t rank, const int64_t *shape, size_t element_size);

/* NAME=VALUE, NAME:TYPE=VALUE, NAME:TYPE[DIMS], and what the text declares by `input NAME: TYPE[DIMS];`. */
typedef struct tool_input {
    char *name;
    const char *value; /* after the `=`; NULL without one */
    bool typed, shaped;
    bool in_text; /* the text declares it, so the graph must not */
    bool file;    /* value names one */
    wn_type type;
    int32_t rank;
    int64_t dims[WN_MAX_RANK];
    holding held; /* array.data stays NULL where there are no data */
    bool has_data;
} tool_input;

/* Read a literal (literal.c): the type given, or found out. */
exit_status wn_literal_read(const char *name, const char *text, const wn_type *type, holding *h);
/* Map a .npy file (npy.c). A declared bf16 reads '<V2'. Data stay in the file, but for big-endian ones. */
exit_status wn_npy_read(const char *name, const char *path, const wn_type *declared, holding *h);
/* Write a contiguous array as NumPy's save does. false: errno says why. */
bool wn_npy_write(FILE *file, const wn_array *array);

/* ---- Files that appear whole or not at all (output.c) ------------------------------------------------------------ */

typedef struct output_file {
    char *path, *temporary; /* temporary is NULL for what is no regular file (/dev/stdout) */
    FILE *file;
    bool committed;
} output_file;

exit_status wn_output_open(output_file *f, const char *path);
/* Everything written and closed; the file is still under its temporary name. */
exit_status wn_output_finish(output_file *f);
exit_status wn_output_commit(output_file *f);
/* Free; a file that was opened is removed unless `keep`. */
void wn_output_close(output_file *f, bool keep);

/* ---- The command line (args.c) ----------------------------------------------------------------------------------- */

typedef enum tool_command {
    COMMAND_EVAL,
    COMMAND_BENCH,
    COMMAND_EXPLAIN,
    COMMAND_CHECK,
    COMMAND_COUNT_
} tool_command;

/* -o [NAME=]FILE */
typedef struct tool_output {
    char *name; /* NULL without one */
    const char *path;
} tool_output;

typedef struct arguments {
    tool_command command;
    bool help;
    char *text; /* the expression, read from @FILE if need be */
    size_t text_length;
    tool_input *inputs;
    size_t input_count, input_room;
    tool_output *outputs;
    size_t output_count, output_room;
    wn_compile_options compile;
    int32_t threads;
    bool json, no_cache, perf_map, debugger;
    const char *emit;
    char **rules; /* of check; the texts are argv's */
    size_t rule_count, rule_room;
} arguments;

/* Read argv after the command's name. Whatever it returns, wn_arguments_free. */
exit_status wn_arguments_read(arguments *a, int argc, char **argv);
void wn_arguments_free(arguments *a);
/* Memory that is there, or the end of the process: the command has nothing better to do. */
void *wn_have(void *p);

/* ---- Graph and kernel (build.c) ----------------------------------------------------------------------------------- */

typedef struct job {
    wn_context *context;
    wn_graph *graph;
    wn_kernel *kernel;
    wn_array *inputs; /* in the kernel's order */
    size_t input_count, output_count;
    size_t text_outputs; /* that the text has: the first ones; -o may have added others */
    double compile_ms;
    bool quiet; /* no notes */
} job;

/* Context, data, graph; then the kernel, and the arrays in its order. Whatever they return, wn_job_free. */
exit_status wn_job_graph(job *s, arguments *a);
exit_status wn_job_kernel(job *s, const arguments *a);
void wn_job_free(job *s);
double wn_now_ms(void);

/* ---- Measuring (measure.c) ------------------------------------------------------------------------------------------ */

typedef struct measure {
    double best_ms; /* of one run */
    int64_t runs;
    int64_t elements;                  /* of the largest input; 1 without one  */
    int64_t bytes_read, bytes_written; /* inputs and results, each once        */
} measure;

/* Run the kernel on the job's inputs for about a second. */
wn_status wn_measure(job *s, measure *m, wn_error *error);
/* The least time in which the C library moves so many bytes in one thread, in ns; 0 for want of memory. Takes a third of a second. */
double wn_memory_ns(int64_t read, int64_t written);

typedef struct mask_density {
    uint32_t node;
    const char *label; /* in the listing, which lends it             */
    double density;    /* of true elements; NaN where there are none */
} mask_density;

/* Find the density of each mask on the job's inputs. false: it cannot be found out. */
bool wn_densities(const job *s, const char *listing, mask_density *masks, size_t count);

/* ---- Explaining ---------------------------------------------------------------------------------------------------- */

/* llvm-mca's estimate of an innermost loop (mca.c), in cycles an iteration: all of them, and if nothing but ports held it up. */
typedef struct mca_loop {
    uint32_t function;
    double cycles, throughput;
} mca_loop;

typedef struct mca {
    const char *tool, *cpu; /* which one was run, and for which processor      */
    const char *note;       /* why there is no estimate; NULL if there is one  */
    mca_loop *loops;
    size_t count, room;
} mca;

/* Never an error. Takes some 20 ms, and 10 s at most. wn_mca_free. */
void wn_mca(const wn_inspection *inspection, mca *m);
void wn_mca_free(mca *m);
const mca_loop *wn_mca_loop(const mca *m, uint32_t function); /* NULL: none */

/* What explain writes by default, and --emit html. Both also show as much as there is of a graph that has failed. */
exit_status wn_write_listing(job *s, const arguments *a, FILE *out);
exit_status wn_write_report(job *s, const arguments *a, FILE *out);
/* An instruction as both show it, and check; returns text (check.c). */
const char *wn_instruction_text(const wn_instruction *i, char text[200]);

/* ---- The rest ------------------------------------------------------------------------------------------------------ */

/* As numpy.set_printoptions' defaults print it, with a newline (show.c). The array is contiguous. */
void wn_show(FILE *out, const wn_array *array);

void wn_help(FILE *out);
void wn_help_command(FILE *out, tool_command command);

exit_status wn_command_eval(arguments *a);
exit_status wn_command_bench(arguments *a);
exit_status wn_command_explain(arguments *a);
exit_status wn_command_check(arguments *a);

#endif
