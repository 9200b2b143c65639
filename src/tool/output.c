/*
 * output.c - files that appear whole or not at all.
 *
 * A file is written beside its place under another name and renamed when all is well, so that a failed run leaves nothing
 * behind, and an input may be overwritten while it is mapped. What exists and is no regular file (/dev/stdout, a pipe) is
 * written directly: renaming onto a device would replace it.
 */
#include "tool/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static exit_status failed(const output_file *f) {
    return wn_wrong("%s: %s", f->path, strerror(errno));
}

static void open_temporary(output_file *f) {
    size_t size = strlen(f->path) + sizeof ".XXXXXX";
    f->temporary = wn_have(malloc(size));
    snprintf(f->temporary, size, "%s.XXXXXX", f->path);
    int descriptor = mkstemp(f->temporary);
    if (descriptor < 0) {
        free(f->temporary);
        f->temporary = NULL;
        return;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask);
    f->file = fdopen(descriptor, "wb");
}

exit_status wn_output_open(output_file *f, const char *path) {
    struct stat info;
    bool exists = stat(path, &info) == 0;
    char *real = exists ? realpath(path, NULL) : NULL; /* a link stays a link */
    *f = (output_file){.path = real ? real : wn_have(strdup(path))};
    if (exists && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return failed(f);
    }
    if (exists && !S_ISREG(info.st_mode))
        f->file = fopen(path, "wb");
    else
        open_temporary(f);
    return f->file ? DONE : failed(f);
}

exit_status wn_output_finish(output_file *f) {
    FILE *file = f->file;
    f->file = NULL;
    bool bad = ferror(file) != 0;
    return fclose(file) != 0 || bad ? failed(f) : DONE;
}

exit_status wn_output_commit(output_file *f) {
    if (f->temporary && rename(f->temporary, f->path) != 0) return failed(f);
    f->committed = f->temporary != NULL;
    return DONE;
}

void wn_output_close(output_file *f, bool keep) {
    if (f->file) fclose(f->file);
    if (f->temporary && !f->committed) unlink(f->temporary);
    if (f->committed && !keep) unlink(f->path);
    free(f->temporary);
    free(f->path);
    *f = (output_file){.path = NULL};
}
