/*
 * disk.c - the cache on disk: a file a key, named by the key's hash.
 *
 * A file is a header, the key, the path of LLVM's library, and the object; the checksum is over all of it. It is written under a name
 * of its own and renamed, so that a reader sees a whole file or none, and two writers do not meet. (What a crash of the machine
 * leaves of it has a wrong checksum.) Whatever is opened is opened relative to the directory, never through a link, and without
 * waiting for the other end of a fifo; and it is read into memory before it is looked at, where no one changes it any more.
 *
 * The time of a file's last change is that of its last use. Who writes removes the least recently used; other processes may do so at
 * the same time, and a file that is gone is no matter to anyone.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* O_NOFOLLOW, O_DIRECTORY */
#endif
#include "run/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x004b776f6e6e6957u /* "WinnowK" */
#define FORMAT 1
#define NAME_SIZE 64

typedef struct disk_header {
    uint64_t magic, format, checksum;
    uint64_t key_words, path_bytes, object_bytes; /* that follow; the path ends in NUL */
    file_stamp llvm;
} disk_header;

#define MOST_BYTES ((size_t)256 << 20)

/* Of a file, as if its checksum were 0. */
static uint64_t checksum(const unsigned char *file, size_t size) {
    uint64_t hash = size, word;
    for (size_t i = 0; i < size; i += sizeof word) {
        word = 0;
        memcpy(&word, file + i, size - i < sizeof word ? size - i : sizeof word);
        hash = hash_mix(hash, i == offsetof(disk_header, checksum) ? 0 : word);
    }
    return hash;
}

static void file_name(const wn_key *key, char name[NAME_SIZE]) {
    snprintf(name, NAME_SIZE, "%016llx.kernel", (unsigned long long)wn_key_hash(key->words, key->count));
}

/* The directory, made if it is wanted for writing; or -1. */
static int open_directory(wn_context *c, bool writing) {
    struct stat s;
    if (writing) mkdir(c->cache_directory, 0700);
    int fd = open(c->cache_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && !writing) return -1; /* it is made later */
    if (fd < 0) {
        wn_log(c, WN_LOG_DEBUG, "cache: %.400s cannot be opened (%s): not used", c->cache_directory,
               strerror(errno));
        return -1;
    }
    if (fstat(fd, &s) == 0 && s.st_uid == geteuid() && !(s.st_mode & 022)) return fd;
    wn_log(c, WN_LOG_DEBUG, "cache: %.400s is another user's, or others can write it: not used",
           c->cache_directory);
    close(fd);
    return -1;
}

/* ---- Reading: what is wrong is said by a text, NULL if nothing is ---------------------------------------------------------- */

static const char *check_file(int fd, size_t *size) {
    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) return "it is no file";
    if (s.st_uid != geteuid()) return "it is another user's";
    if ((s.st_mode & 07777) != 0600) return "its mode is not 0600";
    if (s.st_nlink != 1) return "it has another name too";
    if (s.st_size < (off_t)sizeof(disk_header) || s.st_size > (off_t)MOST_BYTES)
        return "its size is wrong";
    *size = (size_t)s.st_size;
    return NULL;
}

static bool read_all(int fd, void *to, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, (char *)to + done, size - done);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static const char *check_contents(const wn_key *key, disk_object *o) {
    disk_header h;
    file_stamp now;
    const unsigned char *file = o->file, *rest = file + sizeof h;
    size_t left = o->file_size - sizeof h, key_bytes = key->count * sizeof *key->words;
    memcpy(&h, file, sizeof h);
    if (h.magic != MAGIC || h.format != FORMAT) return "its format is another";
    if (h.checksum != checksum(file, o->file_size)) return "it is damaged";
    if (h.key_words != key->count || left < key_bytes || memcmp(rest, key->words, key_bytes) != 0)
        return "it is of another graph, target or build";
    const char *path = (const char *)rest + key_bytes;
    left -= key_bytes;
    if (!h.path_bytes || h.path_bytes > left || path[h.path_bytes - 1] ||
        h.object_bytes != left - h.path_bytes)
        return "its lengths are wrong";
    if (!wn_stamp_file(path, &now) || memcmp(&now, &h.llvm, sizeof now) != 0)
        return "LLVM has changed";
    o->bytes = path + h.path_bytes;
    o->size = (size_t)h.object_bytes;
    return NULL;
}

static const char *read_object(wn_context *c, int fd, const wn_key *key, disk_object *o) {
    const char *wrong = check_file(fd, &o->file_size);
    if (wrong) return wrong;
    o->file = wn_allocate(c, o->file_size);
    if (!o->file) return "memory ran out";
    wrong = read_all(fd, o->file, o->file_size) ? check_contents(key, o) : "it cannot be read";
    if (wrong) wn_disk_release(c, o);
    return wrong;
}

bool wn_disk_read(wn_context *c, const wn_key *key, disk_object *object) {
    char name[NAME_SIZE];
    int directory = open_directory(c, false);
    if (directory < 0) return false;
    file_name(key, name);
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool missing = fd < 0 && errno == ENOENT;
    const char *wrong = fd < 0 ? "it cannot be opened" : read_object(c, fd, key, object);
    if (!wrong) futimens(fd, NULL);
    if (fd >= 0) close(fd);
    close(directory);
    if (!missing)
        wn_log(c, WN_LOG_DEBUG, "cache: %s is %sused%s%s", name, wrong ? "not " : "",
               wrong ? ": " : "", wrong ? wrong : "");
    return !wrong;
}

void wn_disk_release(wn_context *c, disk_object *object) {
    wn_release(c, object->file, object->file_size);
    *object = (disk_object){0};
}

/* ---- Room -------------------------------------------------------------------------------------------------------------- */

typedef struct kept_file {
    char name[NAME_SIZE];
    struct timespec used;
    size_t bytes;
} kept_file;

typedef struct kept_files {
    kept_file *list;
    uint32_t count, room;
    size_t bytes;
} kept_files;

static int by_use(const void *a, const void *b) {
    const struct timespec *x = &((const kept_file *)a)->used, *y = &((const kept_file *)b)->used;
    if (x->tv_sec != y->tv_sec) return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* A name that this file gives, also that of a file which a process left half-written. No other file is ever removed. */
static bool is_ours(const char *name) {
    size_t digits = strspn(name, "0123456789abcdef-");
    return digits >= 16 && strlen(name) < NAME_SIZE &&
           (!strcmp(name + digits, ".kernel") || !strcmp(name + digits, ".new"));
}

static void note_file(wn_context *c, int directory, const char *name, kept_files *files) {
    struct stat s;
    if (!is_ours(name) || fstatat(directory, name, &s, AT_SYMLINK_NOFOLLOW) != 0) return;
    void *list = files->list;
    bool grown = wn_grow(c, &list, &files->room, (size_t)files->count + 1, sizeof *files->list);
    files->list = list;
    if (!grown) return;
    kept_file *f = &files->list[files->count++];
    memcpy(f->name, name, strlen(name) + 1);
    f->used = s.st_mtim;
    f->bytes = ((size_t)s.st_size + 4095) & ~(size_t)4095;
    files->bytes += f->bytes;
}

static void list_files(wn_context *c, int directory, kept_files *files) {
    int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again < 0 ? NULL : fdopendir(again);
    if (!entries && again >= 0) close(again);
    if (!entries) return;
    for (const struct dirent *e; (e = readdir(entries));)
        note_file(c, directory, e->d_name, files);
    closedir(entries);
}

/* Remove the least recently used until a quarter is free, if it has become too much. */
static void make_room(wn_context *c, int directory) {
    kept_files files = {0};
    list_files(c, directory, &files);
    if (files.bytes > c->cache_directory_bytes) {
        qsort(files.list, files.count, sizeof *files.list, by_use);
        size_t most = c->cache_directory_bytes - c->cache_directory_bytes / 4;
        for (uint32_t i = 0; i < files.count && files.bytes > most; i++) {
            unlinkat(directory, files.list[i].name, 0);
            files.bytes -= files.list[i].bytes;
        }
    }
    wn_release(c, files.list, files.room * sizeof *files.list);
}

/* Looking through thousands of files takes longer than a compile, so small ones let others look, 15 times in 16. */
static bool is_time_to_look(const wn_context *c, const wn_key *key, size_t size) {
    return size > c->cache_directory_bytes / 256 || wn_key_hash(key->words, key->count) % 16 == 0;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------------- */

/* The bytes of a file; NULL: out of memory. */
static void *make_file(wn_context *c, const wn_key *key, const provider_files *compiler,
                       const void *object, size_t size, size_t *file_size) {
    disk_header h = {.magic = MAGIC,
                     .format = FORMAT,
                     .key_words = key->count,
                     .path_bytes = strlen(compiler->llvm_path) + 1,
                     .object_bytes = size,
                     .llvm = compiler->llvm};
    const void *const parts[] = {&h, key->words, compiler->llvm_path, object};
    const size_t sizes[] = {sizeof h, key->count * sizeof *key->words, (size_t)h.path_bytes, size};
    *file_size = sizes[0] + sizes[1] + sizes[2] + sizes[3];
    unsigned char *file = wn_allocate(c, *file_size), *end = file;
    if (!file) return NULL;
    for (int i = 0; i < 4; end += sizes[i++])
        memcpy(end, parts[i], sizes[i]);
    h.checksum = checksum(file, *file_size);
    memcpy(file, &h, sizeof h);
    return file;
}

static bool write_all(int fd, const void *from, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)from + done, size - done);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* To write more than the process may would raise a signal. */
static bool may_write(size_t size) {
    struct rlimit most;
    return getrlimit(RLIMIT_FSIZE, &most) == 0 && size <= most.rlim_cur;
}

/* What has the name is replaced; an empty directory too, a full one stays. */
static bool rename_file(int directory, const char *from, const char *to) {
    if (renameat(directory, from, directory, to) == 0) return true;
    return unlinkat(directory, to, AT_REMOVEDIR) == 0 && renameat(directory, from, directory, to) == 0;
}

static bool write_file(int directory, const char *name, const void *bytes, size_t size) {
    char own_name[NAME_SIZE];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(own_name, sizeof own_name, "%08lx-%010llx-%08lx.new", (unsigned long)getpid(),
             (unsigned long long)now.tv_sec, (unsigned long)now.tv_nsec);
    int fd = openat(directory, own_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    bool written = fchmod(fd, 0600) == 0 && write_all(fd, bytes, size);
    written &= close(fd) == 0;
    if (written && rename_file(directory, own_name, name)) return true;
    unlinkat(directory, own_name, 0);
    return false;
}

void wn_disk_write(wn_context *c, const wn_key *key, const provider_files *compiler,
                   const void *object, size_t size) {
    char name[NAME_SIZE];
    size_t file_size;
    int directory = open_directory(c, true);
    if (directory < 0) return;
    void *file = make_file(c, key, compiler, object, size, &file_size);
    file_name(key, name);
    bool fits = file && file_size <= MOST_BYTES && file_size <= c->cache_directory_bytes / 4;
    bool written = fits && may_write(file_size) && write_file(directory, name, file, file_size);
    if (written && is_time_to_look(c, key, file_size)) make_room(c, directory);
    wn_log(c, WN_LOG_DEBUG, "cache: %s %s written", name, written ? "is" : "cannot be");
    if (file) wn_release(c, file, file_size);
    close(directory);
}
