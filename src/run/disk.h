/*
 * disk.h - objects of compiled kernels in a directory, so that an equal graph in another process needs no LLVM.
 *
 * What a file says is believed only if all of it can be: the directory and the file are this user's and no one else can write them,
 * the file is whole, its key, which also names the compiler, is the one that is asked for, word by word, and the compiler's own LLVM
 * is still there. Anything else is as if there were no file: the caller compiles, and what it writes takes the file's place.
 * No call here fails, and none waits for another process.
 */
#ifndef WN_DISK_H
#define WN_DISK_H

#include "run/context.h"

typedef struct disk_object {
    const void *bytes; /* inside the file */
    size_t size;
    void *file; /* memory of the context */
    size_t file_size;
} disk_object;

/* The object that was kept under this key; false: there is none that can be used. */
bool wn_disk_read(wn_context *c, const wn_key *key, disk_object *object);
void wn_disk_release(wn_context *c, disk_object *object);
/* Keep an object that was just compiled. Removes what was not used for longest when the directory takes too much. */
void wn_disk_write(wn_context *c, const wn_key *key, const provider_files *compiler,
                   const void *object, size_t size);

#endif
