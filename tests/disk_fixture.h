/*
 * disk_fixture.h - a folder for each test with a cache directory in it, and what can be done to the files there.
 */
#ifndef WN_TEST_DISK_FIXTURE_H
#define WN_TEST_DISK_FIXTURE_H

#include "graph_fixture.h"

#include "run/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE 300

typedef struct folder {
    char base[64], cache[100], llvm[100]; /* llvm: a file that stands for LLVM's library */
} folder;

/* Where the words of a file's header lie. */
enum {
    AT_MAGIC,
    AT_FORMAT,
    AT_CHECKSUM,
    AT_KEY_WORDS,
    AT_PATH_BYTES,
    AT_OBJECT_BYTES,
    AT_LLVM,
    HEADER_WORDS = 11
};

typedef struct contents {
    unsigned char *bytes; /* malloc's */
    size_t size;
} contents;

static inline void put_file(const char *path, const void *bytes, size_t size) {
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0600), 0);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(close(fd), 0);
}

static inline contents get_file(const char *path) {
    struct stat s;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &s) == 0);
    contents c = {malloc((size_t)s.st_size + 1), (size_t)s.st_size};
    assert_int_equal(read(fd, c.bytes, c.size), c.size);
    close(fd);
    return c;
}

static inline ino_t inode_of(const char *path) {
    struct stat s;
    return lstat(path, &s) == 0 ? s.st_ino : 0;
}

static inline uint64_t word_at(const contents *c, int which) {
    uint64_t word;
    memcpy(&word, c->bytes + 8 * which, sizeof word);
    return word;
}

/* Change a word of the header, and make the checksum right again. */
static inline void forge(const contents *c, int which, uint64_t word) {
    uint64_t sum = c->size;
    memcpy(c->bytes + 8 * which, &word, sizeof word);
    memset(c->bytes + 8 * AT_CHECKSUM, 0, 8);
    for (size_t i = 0; i < c->size; i += 8) {
        word = 0;
        memcpy(&word, c->bytes + i, c->size - i < 8 ? c->size - i : 8);
        sum = hash_mix(sum, word);
    }
    memcpy(c->bytes + 8 * AT_CHECKSUM, &sum, sizeof sum);
}

static inline folder folder_new(void) {
    folder f = {.base = "/tmp/winnow-disk-XXXXXX"};
    assert_non_null(mkdtemp(f.base));
    snprintf(f.cache, sizeof f.cache, "%s/cache", f.base);
    snprintf(f.llvm, sizeof f.llvm, "%s/llvm", f.base);
    put_file(f.llvm, "LLVM", 4);
    return f;
}

static inline void remove_all(const char *path) {
    DIR *entries = opendir(path);
    for (const struct dirent *e; entries && (e = readdir(entries));) {
        char name[PATH_SIZE];
        snprintf(name, sizeof name, "%.180s/%.100s", path, e->d_name);
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        if (unlink(name) != 0) remove_all(name);
    }
    if (entries) closedir(entries);
    rmdir(path);
}

static inline void folder_free(const folder *f) {
    remove_all(f->base);
}

static inline int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

/* The names in the cache directory, in order; returns how many. */
static inline int list_cache(const folder *f, char names[][PATH_SIZE], int room) {
    DIR *entries = opendir(f->cache);
    int count = 0;
    for (const struct dirent *e; entries && (e = readdir(entries));) {
        if (*e->d_name == '.') continue;
        if (count < room) snprintf(names[count], PATH_SIZE, "%s/%.100s", f->cache, e->d_name);
        count++;
    }
    if (entries) closedir(entries);
    if (names) qsort(names, (size_t)(count < room ? count : room), PATH_SIZE, by_name);
    return count;
}

static inline int count_files(const folder *f) {
    return list_cache(f, NULL, 0);
}

/* Whether a child that does this says that it succeeded. */
static inline bool child_does(bool (*what)(void *), void *state) {
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(what(state) ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif
