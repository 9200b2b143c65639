/*
 * main.c - the `winnow` command: which of its commands is meant, and how the process ends.
 *
 * Exit status: 0 done, 1 the expression or the data is wrong, 2 wrong usage. The locale is never set, so numbers are
 * read and written the same everywhere.
 */
#include "tool/tool.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void complain(const char *format, va_list list) {
    fputs("winnow: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
}

exit_status wn_wrong(const char *format, ...) {
    va_list list;
    va_start(list, format);
    complain(format, list);
    va_end(list);
    return WRONG;
}

exit_status wn_misused(const char *format, ...) {
    va_list list;
    va_start(list, format);
    complain(format, list);
    va_end(list);
    return USAGE;
}

void *wn_have(void *p) {
    if (p) return p;
    fputs("winnow: out of memory\n", stderr);
    exit(WRONG);
}

/* What is printed may have gone nowhere: a full disk shows only here. */
static exit_status flush_output(exit_status status) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    exit_status failed = wn_wrong("standard output: %s", strerror(errno));
    return status == DONE ? failed : status;
}

static const struct command {
    const char *name;
    exit_status (*run)(arguments *a);
} commands[COMMAND_COUNT_] = {
    [COMMAND_EVAL] = {"eval", wn_command_eval},
    [COMMAND_BENCH] = {"bench", wn_command_bench},
    [COMMAND_EXPLAIN] = {"explain", wn_command_explain},
    [COMMAND_CHECK] = {"check", wn_command_check},
};

static exit_status run_command(tool_command command, int argc, char **argv) {
    arguments a = {.command = command, .compile.size = sizeof a.compile, .threads = 1};
    exit_status status = wn_arguments_read(&a, argc, argv);
    if (status == DONE && a.help)
        wn_help_command(stdout, command);
    else if (status == DONE)
        status = commands[command].run(&a);
    wn_arguments_free(&a);
    return status;
}

static int find_command(const char *name) {
    for (int i = 0; i < COMMAND_COUNT_; i++)
        if (!strcmp(name, commands[i].name)) return i;
    return -1;
}

/* `winnow help`, `winnow help eval` */
static exit_status help(int argc, char **argv) {
    int command = argc > 0 ? find_command(argv[0]) : -1;
    if (argc > 0 && command < 0) return wn_misused("help: there is no command '%s'", argv[0]);
    if (command < 0)
        wn_help(stdout);
    else
        wn_help_command(stdout, (tool_command)command);
    return DONE;
}

static exit_status start(int argc, char **argv) {
    if (argc < 2)
        return wn_misused("no command given: eval, bench, explain or check (see winnow --help)");
    const char *word = argv[1];
    int command = find_command(word);
    if (command >= 0) return run_command((tool_command)command, argc - 2, argv + 2);
    if (!strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h"))
        return help(argc - 2, argv + 2);
    if (!strcmp(word, "--version")) {
        printf("winnow %s\n", wn_version());
        return DONE;
    }
    return wn_misused(
        "'%s' is no command; there are eval, bench, explain and check (see winnow --help)", word);
}

int main(int argc, char **argv) {
    signal(SIGXFSZ, SIG_IGN); /* a file too large is then an error of write, which removes it */
    return (int)flush_output(start(argc, argv));
}
