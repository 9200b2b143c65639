/*
 * mca.c - what llvm-mca says of each innermost loop, where it is installed.
 *
 * One process for all functions, without a shell: a region each, from a temporary file; its report is read until a deadline. The model
 * is a processor of the instruction set, whatever this machine is, so that a report is the same everywhere.
 */
#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ITERATIONS = 100, LIMIT_MS = 10000, MOST_INSTRUCTIONS = 4000 };

static const char *const tools[] = {"llvm-mca-22", "llvm-mca-21", "llvm-mca-20", "llvm-mca-19",
                                    "llvm-mca"};

static const char *model_of(wn_isa isa) {
    switch (isa) {
    case WN_ISA_X86_64_V4: return "icelake-server";
    case WN_ISA_X86_64_V3: return "skylake";
    default: return "nehalem";
    }
}

/* ---- What it reads ------------------------------------------------------------------------------------------------------ */

/* A jump's distance is of no matter here, and would be read as an address. */
static void write_instruction(FILE *out, const wn_instruction *i) {
    if (i->target < 0)
        fprintf(out, "%s\n", i->text);
    else
        fprintf(out, "%.*s .Ltarget\n", (int)strcspn(i->text, " \t"), i->text);
}

/* How many regions there are. */
static uint32_t write_loops(FILE *out, const wn_inspection *inspection) {
    size_t count;
    uint32_t regions = 0, written = 0;
    const wn_function_info *f = wn_inspection_functions(inspection, &count);
    const wn_instruction *all = wn_inspection_instructions(inspection, NULL);
    for (uint32_t k = 0; k < count; k++) {
        if (f[k].loop_begin == f[k].loop_end) continue;
        if ((written += f[k].loop_instructions) > MOST_INSTRUCTIONS) break;
        fprintf(out, "# LLVM-MCA-BEGIN %u\n", (unsigned)k);
        for (uint32_t i = f[k].first_instruction;
             i < f[k].first_instruction + f[k].instruction_count; i++)
            if (all[i].in_loop) write_instruction(out, &all[i]);
        fprintf(out, "# LLVM-MCA-END %u\n", (unsigned)k);
        regions++;
    }
    rewind(out);
    return regions;
}

/* ---- The process ---------------------------------------------------------------------------------------------------------- */

/* 0, and its id and the end of a pipe where its output comes; or an errno. */
static int start(const char *tool, const char *model, int input, pid_t *id, int *output) {
    char cpu[64], iterations[32];
    snprintf(cpu, sizeof cpu, "-mcpu=%s", model);
    snprintf(iterations, sizeof iterations, "-iterations=%d", ITERATIONS);
    char *argv[] = {(char *)tool,           "-mtriple=x86_64",     cpu, iterations,
                    "-resource-pressure=0", "-instruction-info=0", NULL};
    int ends[2], failed;
    posix_spawn_file_actions_t actions;
    if (pipe(ends) != 0) return errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    failed = posix_spawnp(id, tool, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *output = ends[0];
    if (failed) close(ends[0]);
    return failed;
}

/* All that it says, or NULL when it takes too long or fails. */
static char *read_all(pid_t id, int output) {
    size_t length = 0, room = 1 << 16;
    char *text = wn_have(malloc(room));
    double deadline = wn_now_ms() + LIMIT_MS;
    ssize_t got = 1;
    while (got > 0) {
        struct pollfd ready = {.fd = output, .events = POLLIN};
        double left = deadline - wn_now_ms();
        int answered = left > 0 ? poll(&ready, 1, (int)left + 1) : 0;
        if (answered < 0 && errno == EINTR) continue;
        if (length + 1 == room) text = wn_have(realloc(text, room *= 2));
        got = answered > 0 ? read(output, text + length, room - length - 1) : -1;
        if (got > 0) length += (size_t)got;
    }
    text[length] = 0;
    close(output);
    if (got < 0) kill(id, SIGKILL);
    int status = -1;
    while (waitpid(id, &status, 0) < 0 && errno == EINTR) {
    }
    if (got == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
    free(text);
    return NULL;
}

/* ---- What it says ---------------------------------------------------------------------------------------------------------- */

/* The number after `name` on this line, or -1. */
static double number_after(const char *line, const char *name) {
    const char *end = line + strcspn(line, "\n"), *found = strstr(line, name);
    return found && found < end ? strtod(found + strlen(name), NULL) : -1;
}

static void read_report(const char *text, mca *m) {
    mca_loop *at = m->loops;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        double region = number_after(line, "Code Region - ");
        double cycles = number_after(line, "Total Cycles:"),
               rate = number_after(line, "Block RThroughput:");
        if (region >= 0 && m->count == m->room) return;
        if (region >= 0) *(at = &m->loops[m->count++]) = (mca_loop){.function = (uint32_t)region};
        if (cycles >= 0) at->cycles = cycles / ITERATIONS;
        if (rate >= 0) at->throughput = rate;
    }
}

static void ask(FILE *input, mca *m) {
    pid_t id = 0;
    int output = -1, failed = ENOENT;
    for (size_t i = 0; failed == ENOENT && i < sizeof tools / sizeof *tools; i++)
        failed = start(m->tool = tools[i], m->cpu, fileno(input), &id, &output);
    if (failed) {
        m->note = failed == ENOENT
                      ? "llvm-mca is not installed: no cycles are estimated (Debian: llvm)"
                      : "llvm-mca cannot be run: no cycles are estimated";
        return;
    }
    char *text = read_all(id, output);
    if (text)
        read_report(text, m);
    else
        m->note = "llvm-mca failed, or took too long: no cycles are estimated";
    free(text);
}

void wn_mca(const wn_inspection *inspection, mca *m) {
    *m = (mca){.cpu = model_of(wn_inspection_figures(inspection)->isa), .tool = ""};
    FILE *input = tmpfile();
    m->room = input ? write_loops(input, inspection) : 0;
    m->loops = wn_have(calloc(m->room + 1, sizeof *m->loops));
    if (!input)
        m->note = "no temporary file can be made for llvm-mca: no cycles are estimated";
    else if (m->room)
        ask(input, m);
    if (input) fclose(input);
}

void wn_mca_free(mca *m) {
    free(m->loops);
}

const mca_loop *wn_mca_loop(const mca *m, uint32_t function) {
    for (size_t i = 0; i < m->count; i++)
        if (m->loops[i].function == function) return &m->loops[i];
    return NULL;
}
