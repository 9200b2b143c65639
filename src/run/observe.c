/*
 * observe.c - kernels made known to profilers and debuggers: perf's map, the file of the listing, GDB's list.
 *
 * perf reads /tmp/perf-PID.map: a line for each function. It is opened anew for each kernel, so that a fork writes to its own, and a
 * kernel's lines are appended by one write, so that those of other threads and other JITs stay whole. /tmp is everyone's: a file that
 * isn't plainly ours is left alone.
 *
 * GDB gets the object, and for its lines a file with the listing, in a folder that mkdtemp made for this context. Only the process
 * that made the folder removes what is in it, not one forked off.
 */
#include "run/observe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Files ----------------------------------------------------------------------------------------------------------- */

static void warn(wn_context *c, const char *what, const char *path, int error) {
    char reason[120] = "";
    if (strerror_r(error, reason, sizeof reason) != 0) reason[0] = 0;
    wn_log(c, WN_LOG_WARNING, "%s %.300s: %s", what, path, reason);
}

/* All of it in one call, or an errno. */
static int write_and_close(int file, const char *text, size_t length) {
    ssize_t written = write(file, text, length);
    int error = written < 0 ? errno : (size_t)written < length ? ENOSPC : 0;
    close(file);
    return error;
}

static bool folder_is_ours(const wn_context *c) {
    return c->listings && c->maker == getpid();
}

/* Its absolute path: the process may change its directory, and GDB has one of its own. */
void wn_listings_make(wn_context *c, const char *directory) {
    static const char name[] = "/winnow-XXXXXX";
    char path[PATH_MAX + sizeof name];
    bool there = realpath(directory, path) != NULL;
    if (there) memcpy(path + strlen(path), name, sizeof name);
    if (!there || !mkdtemp(path)) {
        warn(c, "no listings for a debugger in", directory, errno);
        return;
    }
    c->maker = getpid();
    if (!wn_copy_path(c, path, &c->listings)) rmdir(path);
}

void wn_listings_remove(wn_context *c) {
    if (folder_is_ours(c)) rmdir(c->listings);
    wn_free_path(c, c->listings);
    c->listings = NULL;
}

/* false: longer than paths can be. */
static bool listing_path(const wn_kernel *k, char path[PATH_MAX]) {
    int length = snprintf(path, PATH_MAX, "%s/%u.winnow", k->context->listings, k->number);
    return length > 0 && length < PATH_MAX;
}

/* There is one already when the kernel's later functions are compiled. */
static void write_listing(const wn_kernel *k, const wn_buffer *text) {
    char path[PATH_MAX];
    if (!k->context->listings || !listing_path(k, path)) return;
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 && errno == EEXIST) return;
    int error = file < 0 ? errno : write_and_close(file, text->text, text->length);
    if (error) warn(k->context, "no listing for a debugger in", path, error);
}

void wn_observe_forget(const wn_kernel *k) {
    char path[PATH_MAX];
    if (k->number && folder_is_ours(k->context) && listing_path(k, path)) unlink(path);
}

/* ---- perf's map -------------------------------------------------------------------------------------------------------- */

static int open_map(const char *path, int *error) {
    struct stat s;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    *error = file < 0 ? errno : 0;
    if (file < 0) return -1;
    if (fstat(file, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == geteuid() && s.st_nlink == 1)
        return file;
    *error = EPERM;
    close(file);
    return -1;
}

/* From a place of the listing to the end of the statement: "y = where(m, 0, x)". */
static void add_statement(wn_buffer *b, const wn_buffer *listing, wn_spot place) {
    const char *at = listing->text, *end = at + listing->length;
    for (uint32_t line = 1; line < place.line && at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
    }
    for (uint32_t column = 1; column < place.column && at < end && *at != '\n'; column++)
        at++;
    size_t length = 0;
    while (at + length < end && length < 160 && at[length] != ';' && at[length] != '\n')
        length++;
    wn_buffer_add_bytes(b, at, length);
}

/* Names come from an object: whatever they hold, it stays one line. */
static void add_line(const wn_kernel *k, const observation *o, const code_function *f, wn_buffer *b) {
    size_t begin = b->length;
    const char *number = strrchr(f->name, '_');
    unsigned long stage = number ? strtoul(number + 1, NULL, 10) : ULONG_MAX;
    wn_buffer_add(b, "%llx %llx winnow:%s", (unsigned long long)f->address,
                  (unsigned long long)f->size, f->name);
    if (stage < k->plan->stage_count && k->plan->stages[stage].output_count > 0) {
        const plan_output *first = &k->plan->stages[stage].outputs[0];
        wn_buffer_add(b, ":");
        add_statement(b, &o->text,
                      first->target == TARGET_OUTPUT ? o->outputs[first->number]
                                                     : o->nodes[first->node]);
    }
    for (size_t i = begin; !b->failed && i < b->length; i++)
        if ((unsigned char)b->text[i] < ' ') b->text[i] = ' ';
    wn_buffer_add(b, "\n");
}

static void map_functions(const wn_kernel *k, const observation *o, const wn_code *code) {
    char path[48];
    code_function f;
    int error = ENOMEM;
    wn_buffer b = {.context = k->context};
    for (size_t i = 0; wn_code_function(code, i, &f); i++)
        add_line(k, o, &f, &b);
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    if (!b.failed) {
        int file = open_map(path, &error);
        if (file >= 0) error = write_and_close(file, b.text, b.length);
    }
    if (error) warn(k->context, "no names for perf in", path, error);
    wn_buffer_free(&b);
}

/* ---- A compile that is observed ---------------------------------------------------------------------------------------- */

static size_t nodes_size(const wn_kernel *k) {
    return sizeof(wn_spot) * k->graph->node_count;
}
static size_t outputs_size(const wn_kernel *k) {
    return sizeof(wn_spot) * k->graph->output_count;
}

const provider_debug *wn_observe_begin(const wn_kernel *k, observation *o) {
    wn_context *c = k->context;
    *o = (observation){.text.context = c};
    if (!c->perf_map && !c->debugger) return NULL;
    o->nodes = wn_allocate(c, nodes_size(k));
    o->outputs = wn_allocate(c, outputs_size(k));
    if (o->nodes && o->outputs) {
        memset(o->nodes, 0, nodes_size(k));
        memset(o->outputs, 0, outputs_size(k));
        wn_print_listing_places(k->graph, &o->text, o->nodes, o->outputs);
    }
    if (!o->nodes || !o->outputs || o->text.failed) {
        wn_log(c, WN_LOG_WARNING, "a kernel is not shown to profilers and debuggers: out of memory");
        wn_observe_end(k, o);
        return NULL;
    }
    snprintf(o->file, sizeof o->file, "%u.winnow", k->number);
    o->debug = (provider_debug){o->file, c->listings ? c->listings : "/", o->nodes, o->outputs};
    return c->debugger ? &o->debug : NULL;
}

void wn_observe_loaded(const wn_kernel *k, const observation *o, wn_code *code, const void *object,
                       size_t size) {
    wn_error error;
    if (!o->nodes) return;
    if (k->context->perf_map) map_functions(k, o, code);
    if (!k->context->debugger) return;
    write_listing(k, &o->text);
    if (!wn_code_show(code, object, size, &error))
        wn_log(k->context, WN_LOG_WARNING, "not shown to debuggers: %s", error.message);
}

void wn_observe_end(const wn_kernel *k, observation *o) {
    wn_release(k->context, o->nodes, nodes_size(k));
    wn_release(k->context, o->outputs, outputs_size(k));
    wn_buffer_free(&o->text);
    *o = (observation){.text.context = k->context};
}
