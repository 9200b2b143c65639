/*
 * eval.c - `winnow eval`: run an expression once, and print its outputs or write them to files.
 *
 * All files are complete before the first gets its name.
 */
#include "tool/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The number of the output that an -o means; -1 after a message. */
static int32_t find_output(const job *s, const tool_output *out, exit_status *status) {
    for (int32_t i = 0; out->name && i < (int32_t)s->output_count; i++)
        if (!strcmp(wn_kernel_output_name(s->kernel, i), out->name)) return i;
    return out->name ? (*status = wn_wrong("there is no output %s", out->name), -1) : 0;
}

static exit_status write_all(const job *s, const arguments *a, const wn_array *results,
                             output_file *files) {
    exit_status status = DONE;
    for (size_t i = 0; i < a->output_count; i++) {
        int32_t number = find_output(s, &a->outputs[i], &status);
        if (number < 0) return status;
        TRY(wn_output_open(&files[i], a->outputs[i].path));
        if (!wn_npy_write(files[i].file, &results[number]))
            return wn_wrong("%s: %s", a->outputs[i].path, strerror(errno));
        TRY(wn_output_finish(&files[i]));
    }
    for (size_t i = 0; i < a->output_count; i++)
        TRY(wn_output_commit(&files[i]));
    return DONE;
}

static exit_status write_files(const job *s, const arguments *a, const wn_array *results) {
    output_file *files = wn_have(calloc(a->output_count + 1, sizeof *files));
    exit_status status = write_all(s, a, results, files);
    for (size_t i = 0; i < a->output_count; i++)
        wn_output_close(&files[i], status == DONE);
    free(files);
    return status;
}

static void print_all(const job *s, const wn_array *results) {
    for (size_t i = 0; i < s->output_count; i++) {
        if (s->output_count > 1) printf("%s =\n", wn_kernel_output_name(s->kernel, (int32_t)i));
        wn_show(stdout, &results[i]);
    }
}

/* -o FILE without a name is for the only output that the text has. */
static exit_status check_names(const job *s, const arguments *a) {
    size_t unnamed = 0;
    for (size_t i = 0; i < a->output_count; i++)
        unnamed += !a->outputs[i].name;
    if (unnamed > 1) return wn_misused("-o FILE is given twice: write -o NAME=FILE");
    if (unnamed && s->text_outputs > 1)
        return wn_misused("there are %zu outputs: write -o NAME=FILE for each one wanted",
                          s->text_outputs);
    return DONE;
}

static exit_status run(job *s, const arguments *a) {
    wn_error error;
    wn_array *results = wn_have(calloc(s->output_count + 1, sizeof *results));
    exit_status status = DONE;
    if (wn_call(s->kernel, s->inputs, s->input_count, results, s->output_count, &error) != WN_OK)
        status = wn_wrong("%s", error.message);
    else if (a->output_count)
        status = write_files(s, a, results);
    else
        print_all(s, results);
    for (size_t i = 0; i < s->output_count; i++)
        wn_array_free(s->context, &results[i]);
    free(results);
    return status;
}

exit_status wn_command_eval(arguments *a) {
    job s = {.context = NULL};
    for (size_t i = 0; i < a->input_count; i++)
        if (!a->inputs[i].value && !a->inputs[i].in_text)
            return wn_misused("eval: input %s is declared without data", a->inputs[i].name);
    exit_status status = wn_job_graph(&s, a);
    if (status == DONE) status = wn_job_kernel(&s, a);
    if (status == DONE) status = check_names(&s, a);
    if (status == DONE) status = run(&s, a);
    wn_job_free(&s);
    return status;
}
