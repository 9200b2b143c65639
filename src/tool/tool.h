/*
 * tool.h - the inside of the `winnow` command: what its files share. It is a user of winnow/winnow.h and winnow/inspect.h only.
 *
 *   main.c     which command                     npy.c      .npy files, mapped in and written out
 *   help.c     the manual pages                  output.c   files that appear whole or not at all
 *   args.c     the command line                  show.c     arrays as NumPy prints them
 *   literal.c  [[1, 2], [3, 4]]                  build.c    arguments -> graph -> kernel
 *   number.c   decimals and 16-bit floats        eval.c, bench.c, explain.c, check.c: the commands
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
    wn_engine engine;
    wn_isa isa;
    int32_t threads;
    bool json;
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
