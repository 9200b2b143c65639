/*
 * output.c - files that appear whole or not at all.
 *
 * A file is written beside its place under another name and renamed when all is well, so that a failed run leaves nothing
 * behind, and an input may be overwritten while it is mapped. A file that was there keeps its mode; one that may not be
 * written is left alone, though renaming could replace it. What exists and is no regular file (/dev/stdout, a pipe) is
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

static mode_t new_file_mode(void) {
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static exit_status open_temporary(output_file *f, mode_t mode) {
    static const char last[] = ".winnow-XXXXXX"; /* of its own: the file's may be as long as names can be */
    const char *slash = strrchr(f->path, '/');
    size_t folder = slash ? (size_t)(slash - f->path) + 1 : 0;
    char *name = wn_have(malloc(folder + sizeof last));
    memcpy(name, f->path, folder);
    memcpy(name + folder, last, sizeof last);
    int descriptor = mkstemp(name);
    if (descriptor < 0) {
        free(name);
        return wn_wrong("%s: no file can be made in its folder: %s", f->path, strerror(errno));
    }
    f->temporary = name;
    f->file = wn_have(fdopen(descriptor, "wb"));
    return fchmod(descriptor, mode) == 0 ? DONE : failed(f);
}

exit_status wn_output_open(output_file *f, const char *path) {
    struct stat info;
    bool exists = stat(path, &info) == 0;
    char *real = exists ? realpath(path, NULL) : NULL; /* a link stays a link */
    *f = (output_file){.path = real ? real : wn_have(strdup(path))};
    if (!exists && lstat(path, &info) == 0) return wn_wrong("%s: a link that leads nowhere", path);
    if (!exists) return open_temporary(f, new_file_mode());
    if (S_ISDIR(info.st_mode)) errno = EISDIR;
    if (S_ISDIR(info.st_mode) || access(path, W_OK) != 0) return failed(f);
    if (S_ISREG(info.st_mode)) return open_temporary(f, info.st_mode & 0777);
    f->file = fopen(path, "wb");
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
