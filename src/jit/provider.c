/*
 * provider.c - where LLVM comes from: libwinnow-llvm.so, opened when something must be compiled, or linked in.
 *
 * The library is found at the path that the user gave or beside this one, never by a bare name: that would load whatever
 * file of that name the search path holds. It stays open for the life of the process (LLVM does not survive being
 * unloaded), and the dynamic loader itself remembers what is open, under a lock: asking again costs microseconds, a path
 * that failed can be tried again, and two contexts may use two different files. So there is no state here.
 */
#include "jit/provider.h"
#include "graph/graph.h"

#include <string.h>

static const void *here(void) {
    return (const void *)(uintptr_t)wn_provider_open;
}

/* To a key: this build, and the file that compiles. */
static bool identify(const char *file, wn_key *key, file_stamp *provider) {
    size_t size;
    const void *build = wn_build_id(here(), &size);
    if (!build || !wn_stamp_file(file, provider)) return false;
    wn_key_add(key, WN_INTERFACE);
    wn_key_add_bytes(key, wn_version(), strlen(wn_version()));
    wn_key_add_bytes(key, build, size);
    wn_key_add_bytes(key, provider, sizeof *provider);
    return true;
}

#if defined(WN_LLVM_STATIC)

const wn_provider *wn_provider_open(const char *path, wn_error *error) {
    (void)path, (void)error;
    return wn_llvm_provider();
}

bool wn_provider_identify(const char *path, wn_key *key, file_stamp *provider) {
    char own[PATH_MAX];
    (void)path;
    return wn_file_of(here(), own) && identify(own, key, provider);
}

#else

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "libwinnow-llvm.so"
/* An archive becomes part of programs that lie anywhere. What is not beside them is where an install has libraries, as seen from its programs;
   or where the archive was to be installed, or in a build of which it is a part, built. */
#if !defined(WN_PROGRAM_TO_LIBRARY)
#define WN_PROGRAM_TO_LIBRARY NULL
#define WN_LIBRARY_FOLDER NULL
#endif

typedef const wn_provider *(*provider_fn)(void);

static void refuse_missing(const char *path, const char *reason, wn_error *error) {
    wn_fail(
        error, WN_ERROR_COMPILER,
        FILE_NAME
        " not found at %.250s (%.60s); name it by llvm_library, build Winnow with LLVM (package "
        "llvm-dev), or use the interpreter",
        path, reason);
}

/* The path of the provider beside this library (or beside the program that it is linked into). */
static bool path_beside_library(char path[PATH_MAX], wn_error *error) {
    if (!wn_file_of(here(), path)) {
        refuse_missing("an unknown place", "where the library itself lies is not known", error);
        return false;
    }
    size_t folder = (size_t)(strrchr(path, '/') + 1 - path);
    if (folder + sizeof FILE_NAME > PATH_MAX) {
        refuse_missing(path, "the path is too long", error);
        return false;
    }
    memcpy(path + folder, FILE_NAME, sizeof FILE_NAME);
    return true;
}

/* In a folder that nobody chose anyone else could have put it: so it has to be root's or the user's, and no one else's to write. */
static bool is_trusted(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && (s.st_uid == 0 || s.st_uid == geteuid()) &&
           !(s.st_mode & (S_IWGRP | S_IWOTH));
}

/* In one of the other folders of an archive, if it is not beside the program. */
static void look_elsewhere(char path[PATH_MAX]) {
    const char *to_library = WN_PROGRAM_TO_LIBRARY, *folder = WN_LIBRARY_FOLDER;
    char other[2 * PATH_MAX];
    if (!to_library || access(path, F_OK) == 0) return;
    int program = (int)(strrchr(path, '/') - path);
    for (int i = 0; i < 2; i++) {
        int length = i ? snprintf(other, sizeof other, "%s/" FILE_NAME, folder)
                       : snprintf(other, sizeof other, "%.*s/%s/" FILE_NAME, program, path, to_library);
        if (length >= PATH_MAX || !is_trusted(other)) continue;
        memcpy(path, other, (size_t)length + 1);
        return;
    }
}

/* The two share structs that change freely from build to build. */
static bool shakes_hands(const wn_provider *provider, const char *path, wn_error *error) {
    if (provider && provider->abi == WN_INTERFACE && strcmp(provider->version, wn_version()) == 0)
        return true;
    if (!provider)
        wn_fail(error, WN_ERROR_COMPILER, "%.300s has no LLVM to offer", path);
    else if (provider->abi != WN_INTERFACE)
        wn_fail(error, WN_ERROR_COMPILER,
                "%.300s has interface %08x, this library needs %08x: install both from one build",
                path, provider->abi, WN_INTERFACE);
    else
        wn_fail(error, WN_ERROR_COMPILER,
                "%.300s belongs to Winnow %.30s, this is %s: install both from one build", path,
                provider->version, wn_version());
    return false;
}

static const wn_provider *open_at(const char *path, wn_error *error) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        const char *reason = dlerror();
        wn_fail(error, WN_ERROR_COMPILER,
                FILE_NAME " cannot be opened: %.400s; is LLVM's library installed?",
                reason ? reason : path);
        return NULL;
    }
    provider_fn make = (provider_fn)(uintptr_t)dlsym(library, "wn_llvm_provider");
    if (!make)
        wn_fail(error, WN_ERROR_COMPILER, "%.300s is not Winnow's: it has no wn_llvm_provider", path);
    const wn_provider *provider = make ? make() : NULL;
    if (make && shakes_hands(provider, path, error)) return provider;
    dlclose(library);
    return NULL;
}

/* An absolute path, since dlopen would look for a name without a slash in the search path. */
static bool find_file(const char *path, char absolute[PATH_MAX], wn_error *error) {
    char beside[PATH_MAX];
    if (!path) {
        if (!path_beside_library(beside, error)) return false;
        look_elsewhere(beside);
        path = beside;
    }
    if (realpath(path, absolute)) return true;
    refuse_missing(path, errno == ENOENT ? "no such file" : "it cannot be read", error);
    return false;
}

const wn_provider *wn_provider_open(const char *path, wn_error *error) {
    char absolute[PATH_MAX];
    if (wn_program_is_static()) { /* dlopen gives it a second C library, and LLVM crashes in it */
        wn_fail(
            error, WN_ERROR_COMPILER,
            "LLVM cannot be loaded into a program that is linked statically (-static); link the C "
            "library dynamically, or use the interpreter");
        return NULL;
    }
    return find_file(path, absolute, error) ? open_at(absolute, error) : NULL;
}

bool wn_provider_identify(const char *path, wn_key *key, file_stamp *provider) {
    char absolute[PATH_MAX];
    return find_file(path, absolute, NULL) && identify(absolute, key, provider);
}

#endif
