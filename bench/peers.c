/*
 * peers.c - the other end of peers.py: a process that has the peers, told what to do over a pipe, a line each way.
 *
 * It is started once and inherits the core that we stay on; while it works we wait for its line, so that nobody has to share. Of each
 * cell it gets the inputs and our outputs by a file, checks what its peers make of them, and then times a round whenever it is told.
 *
 *     hears      says
 *                NAME VERSION|NAME VERSION|...        once; a missing one has its reason in place of the version
 *     {cell}     0 or 1                               whether any peer can do it: then rounds follow
 *     round      NS NS ...                            a call of each; nan of one that has no part in it
 */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"

#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct peers {
    FILE *to, *from;
    pid_t process;
    size_t count;
    char *names[MAX_PEERS], *versions[MAX_PEERS];
    char line[4096];
    char path[64]; /* of the file that data goes by */
};

static bool hear(peers *p) {
    if (fgets(p->line, sizeof p->line, p->from)) return true;
    fprintf(stderr, "winnow-bench: the peers' process has ended\n");
    return false;
}

/* Pipes to a process that runs the command. */
static bool start(peers *p, const char *command) {
    int to[2], from[2];
    char *arguments[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t actions;
    if (pipe(to) != 0 || pipe(from) != 0) return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    posix_spawn_file_actions_addclose(&actions, to[1]);
    posix_spawn_file_actions_addclose(&actions, from[0]);
    int status = posix_spawn(&p->process, "/bin/sh", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    p->to = fdopen(to[1], "w");
    p->from = fdopen(from[0], "r");
    return status == 0 && p->to && p->from;
}

/* "numpy 2.4|jax not installed|..." */
static void take_names(peers *p) {
    p->line[strcspn(p->line, "\n")] = '\0';
    char *names = strdup(p->line);
    for (char *at = names; at && *at && p->count < MAX_PEERS; p->count++) {
        char *end = strchr(at, '|'), *space = strchr(at, ' ');
        if (end) *end = '\0';
        if (space) *space = '\0';
        p->names[p->count] = strdup(at);
        p->versions[p->count] = strdup(space ? space + 1 : "");
        at = end ? end + 1 : NULL;
    }
    free(names);
}

peers *peers_new(const char *command) {
    peers *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    signal(SIGPIPE, SIG_IGN); /* a process that has ended is an error, not our end */
    snprintf(p->path, sizeof p->path, "/tmp/winnow-bench-XXXXXX");
    int file = mkstemp(p->path);
    if (file >= 0) close(file);
    if (file >= 0 && start(p, command) && hear(p)) {
        take_names(p);
        return p;
    }
    fprintf(stderr, "winnow-bench: cannot run %s\n", command);
    peers_free(p);
    return NULL;
}

void peers_free(peers *p) {
    if (!p) return;
    if (p->to) fclose(p->to);
    if (p->process) waitpid(p->process, NULL, 0);
    if (p->from) fclose(p->from);
    for (size_t k = 0; k < p->count; k++) {
        free(p->names[k]);
        free(p->versions[k]);
    }
    unlink(p->path);
    free(p);
}

size_t peer_count(const peers *p) {
    return p ? p->count : 0;
}
const char *peer_name(const peers *p, size_t k) {
    return p->names[k];
}
const char *peer_version(const peers *p, size_t k) {
    return p->versions[k];
}

/* The bytes into the file, what they are into the line. */
static bool put_array(peers *p, FILE *data, const char *name, const wn_array *array,
                      const char *separator) {
    size_t count = 1;
    fprintf(p->to, "%s[\"%s\", \"%s\", [", separator, name, wn_type_name(array->type));
    for (int32_t i = 0; i < array->rank; i++) {
        fprintf(p->to, i ? ", %lld" : "%lld", (long long)array->shape[i]);
        count *= (size_t)array->shape[i];
    }
    fputs("]]", p->to);
    return fwrite(array->data, wn_type_size(array->type), count, data) == count;
}

/* {"text": ..., "file": path, "inputs": [[name, type, shape], ...], "outputs": [...], "unseen": whether each call has data of its own} */
static bool put_cell(peers *p, FILE *data, const arrays *a) {
    wn_array in[MAX_INPUTS], out[MAX_OUTPUTS];
    size_t ins = arrays_of_inputs(a, in), outs = arrays_of_outputs(a, a->out, out);
    fprintf(p->to, "{\"text\": \"%s\", \"file\": \"%s\", \"inputs\": [", a->w->text, p->path);
    for (size_t k = 0; k < ins; k++)
        TRY(put_array(p, data, (char[]){a->w->inputs[k], 0}, &in[k], k ? ", " : ""));
    fputs("], \"outputs\": [", p->to);
    for (size_t k = 0; k < outs; k++) {
        if (a->w->kind == WORK_PACK) out[k].shape[0] = (int64_t)a->elements;
        TRY(put_array(p, data, "", &out[k], k ? ", " : ""));
    }
    return true;
}

/* Peers may branch where what takes part is selected, whatever selects it. */
static bool is_unseen(const arrays *a) {
    return is_learnt(a->n) &&
           (a->w->kind == WORK_PACK || strchr(a->w->inputs, 'm') || strchr(a->w->text, '['));
}

bool peers_begin(peers *p, const arrays *a) {
    FILE *data = p ? fopen(p->path, "w") : NULL;
    if (!data) return false;
    bool done = put_cell(p, data, a);
    done = fclose(data) == 0 && done;
    fprintf(p->to, "], \"unseen\": %s}\n", is_unseen(a) ? "true" : "false");
    return done && fflush(p->to) == 0 && hear(p) && *p->line == '1';
}

bool peers_round(peers *p, double *ns) {
    TRY(fputs("round\n", p->to) >= 0 && fflush(p->to) == 0 && hear(p));
    char *at = p->line;
    for (size_t k = 0; k < p->count; k++)
        ns[k] = strtod(at, &at);
    return true;
}
