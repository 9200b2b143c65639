/*
 * test_disk.c - files of the cache on disk: what was written is read, and what was touched since is not.
 *
 * Keys and objects are any bytes here; test_disk_cache.c has kernels.
 */
#include "counted_memory.h"
#include "disk_fixture.h"

#include <sys/resource.h>
#include <time.h>

#define OBJECT_BYTES 203

/* A context that keeps one object. */
typedef struct keeper {
    folder f;
    wn_context *context;
    wn_key key;
    unsigned char object[OBJECT_BYTES];
    provider_files compiler;
    char path[PATH_SIZE]; /* of its file */
} keeper;

static void set_key(keeper *k, uint64_t number) {
    wn_key_begin(&k->key, k->context);
    for (uint64_t i = 0; i < 10; i++)
        wn_key_add(&k->key, i * i + number);
    snprintf(k->path, sizeof k->path, "%s/%016llx.kernel", k->f.cache,
             (unsigned long long)wn_key_hash(k->key.words, k->key.count));
}

static void keeper_open(keeper *k, const folder *f, size_t bytes) {
    memset(k, 0, sizeof *k);
    k->f = *f;
    wn_context_options options = {
        .size = sizeof options, .cache_directory = k->f.cache, .cache_directory_bytes = bytes};
    k->context = wn_context_new(&options);
    assert_non_null(k->context);
    for (int i = 0; i < OBJECT_BYTES; i++)
        k->object[i] = (unsigned char)(i * 7 | 1); /* no end of a text */
    k->compiler.llvm_path = k->f.llvm;
    assert_true(wn_stamp_file(k->f.llvm, &k->compiler.llvm));
    set_key(k, 1);
}

static void write_it(keeper *k) {
    wn_disk_write(k->context, &k->key, &k->compiler, k->object, OBJECT_BYTES);
}

/* Whether it is found. What is found is what was written. */
static bool reads(keeper *k) {
    disk_object o = {0};
    if (!wn_disk_read(k->context, &k->key, &o)) {
        assert_null(o.file);
        return false;
    }
    assert_int_equal(o.size, OBJECT_BYTES);
    assert_memory_equal(o.bytes, k->object, OBJECT_BYTES);
    wn_disk_release(k->context, &o);
    return true;
}

/* Made anew, and whole. */
static bool is_replaced(keeper *k) {
    struct stat s;
    write_it(k);
    assert_int_equal(lstat(k->path, &s), 0);
    return S_ISREG(s.st_mode) && (s.st_mode & 07777) == 0600 && s.st_nlink == 1 && reads(k);
}

static void keeper_new(keeper *k) {
    folder f = folder_new();
    keeper_open(k, &f, 0);
    write_it(k);
    assert_true(reads(k));
}

static void keeper_free(keeper *k) {
    wn_key_end(&k->key);
    wn_context_free(k->context);
    folder_free(&k->f);
}

/* ---- Whole files ------------------------------------------------------------------------------------------------------- */

static void what_is_written_is_read(void **state) {
    (void)state;
    struct stat s;
    for (int i = 0; i < 3; i++) {
        static const mode_t masks[] = {022, 0, 0777}; /* the last would leave a file that no one may read */
        mode_t before = umask(masks[i]);
        keeper k;
        folder f = folder_new();
        if (i == 2)
            assert_int_equal(mkdir(f.cache, 0), 0), assert_int_equal(chmod(f.cache, 0700), 0);
        keeper_open(&k, &f, 0);
        assert_false(reads(&k));
        write_it(&k);
        assert_true(reads(&k));
        assert_int_equal(count_files(&k.f), 1);
        assert_int_equal(stat(k.f.cache, &s), 0);
        assert_int_equal(s.st_mode & 07777, 0700);
        assert_int_equal(stat(k.path, &s), 0);
        assert_int_equal(s.st_mode & 07777, 0600);
        keeper_free(&k);
        umask(before);
    }
}

static void no_part_of_a_file_is_used(void **state) {
    (void)state;
    keeper k;
    keeper_new(&k);
    contents c = get_file(k.path);
    c.bytes[c.size] = 0;
    for (size_t size = 0; size <= c.size + 1; size++) {
        put_file(k.path, c.bytes, size);
        if (reads(&k) != (size == c.size)) fail_msg("%zu bytes of %zu", size, c.size);
    }
    assert_true(is_replaced(&k));
    free(c.bytes);
    keeper_free(&k);
}

static void any_changed_bit_is_noticed(void **state) {
    (void)state;
    keeper k;
    keeper_new(&k);
    contents c = get_file(k.path);
    for (size_t bit = 0; bit < 8 * c.size; bit++) {
        c.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        put_file(k.path, c.bytes, c.size);
        if (reads(&k)) fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
        c.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    put_file(k.path, c.bytes, c.size);
    assert_true(reads(&k));
    free(c.bytes);
    keeper_free(&k);
}

/* Whoever can make a checksum right can still not make us read outside, or take another format. */
static void a_wrong_header_is_refused_whatever_its_checksum(void **state) {
    (void)state;
    keeper k;
    keeper_new(&k);
    contents c = get_file(k.path);
    for (int which = 0; which < HEADER_WORDS; which++) {
        const uint64_t right = word_at(&c, which);
        const uint64_t wrong[] = {right + 1,          right - 1,         0,     UINT64_MAX,
                                  UINT64_MAX / 8 + 1, (uint64_t)1 << 63, c.size};
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong && which != AT_CHECKSUM; i++) {
            if (wrong[i] == right) continue;
            forge(&c, which, wrong[i]);
            put_file(k.path, c.bytes, c.size);
            if (reads(&k)) fail_msg("word %d as %llx", which, (unsigned long long)wrong[i]);
        }
        forge(&c, which, right);
    }
    put_file(k.path, c.bytes, c.size);
    assert_true(reads(&k));                   /* so that the checksums above were right */
    c.bytes[c.size - OBJECT_BYTES - 1] = 'x'; /* the path has no end */
    forge(&c, AT_FORMAT, word_at(&c, AT_FORMAT));
    put_file(k.path, c.bytes, c.size);
    assert_false(reads(&k));
    free(c.bytes);
    keeper_free(&k);
}

static void equal_hashes_are_not_equal_keys(void **state) {
    (void)state;
    keeper k;
    char first[PATH_SIZE];
    keeper_new(&k);
    snprintf(first, sizeof first, "%s", k.path);
    set_key(&k, 2);
    assert_false(reads(&k));
    assert_int_equal(rename(first, k.path), 0);
    assert_false(reads(&k));
    assert_true(is_replaced(&k));
    keeper_free(&k);
}

static void another_llvm_is_noticed(void **state) {
    (void)state;
    keeper k;
    keeper_new(&k);
    put_file(k.f.llvm, "LLVM 2", 6);
    assert_false(reads(&k));
    assert_true(wn_stamp_file(k.f.llvm, &k.compiler.llvm));
    assert_true(is_replaced(&k));
    unlink(k.f.llvm);
    assert_false(reads(&k));
    keeper_free(&k);
}

/* ---- What is no file of ours --------------------------------------------------------------------------------------------- */

static void only_the_written_mode_is_used(void **state) {
    (void)state;
    keeper k;
    keeper_new(&k);
    for (mode_t mode = 0; mode < 010000; mode += mode < 01000 ? 1 : 01000) {
        assert_int_equal(chmod(k.path, mode), 0);
        if (reads(&k) != (mode == 0600)) fail_msg("mode %o", (unsigned)mode);
    }
    assert_true(is_replaced(&k));
    keeper_free(&k);
}

static void put_link(const keeper *k, const char *aside) {
    assert_int_equal(rename(k->path, aside), 0);
    assert_int_equal(symlink(aside, k->path), 0);
}
static void put_hard_link(const keeper *k, const char *aside) {
    assert_int_equal(link(k->path, aside), 0);
}
static void put_fifo(const keeper *k, const char *aside) {
    (void)aside;
    unlink(k->path);
    assert_int_equal(mkfifo(k->path, 0600), 0);
}
static void put_empty_directory(const keeper *k, const char *aside) {
    (void)aside;
    unlink(k->path);
    assert_int_equal(mkdir(k->path, 0600), 0);
}
static void put_link_to_nothing(const keeper *k, const char *aside) {
    unlink(k->path);
    assert_int_equal(symlink(aside, k->path), 0);
}

static void only_a_file_is_used(void **state) {
    (void)state;
    static void (*const puts_there[])(const keeper *, const char *) = {
        put_link, put_hard_link, put_fifo, put_empty_directory, put_link_to_nothing};
    for (size_t i = 0; i < sizeof puts_there / sizeof *puts_there; i++) {
        keeper k;
        char aside[PATH_SIZE + 16];
        keeper_new(&k);
        snprintf(aside, sizeof aside, "%s/aside", k.f.base);
        contents before = get_file(k.path);
        puts_there[i](&k, aside);
        if (reads(&k)) fail_msg("case %zu is read", i);
        if (!is_replaced(&k)) fail_msg("case %zu is not replaced", i);
        if (i < 2) { /* and nothing was written through the link */
            contents after = get_file(aside);
            assert_int_equal(after.size, before.size);
            assert_memory_equal(after.bytes, before.bytes, before.size);
            free(after.bytes);
        }
        free(before.bytes);
        keeper_free(&k);
    }
}

static void a_directory_that_holds_something_stays(void **state) {
    (void)state;
    keeper k;
    char inside[PATH_SIZE + 16];
    keeper_new(&k);
    unlink(k.path);
    assert_int_equal(mkdir(k.path, 0700), 0);
    snprintf(inside, sizeof inside, "%s/inside", k.path);
    put_file(inside, "x", 1);
    write_it(&k);
    assert_false(reads(&k));
    assert_true(inode_of(inside) != 0);
    assert_int_equal(count_files(&k.f), 1); /* and nothing is left beside it */
    keeper_free(&k);
}

/* ---- Directories --------------------------------------------------------------------------------------------------------- */

static void only_a_directory_of_ones_own_is_used(void **state) {
    (void)state;
    static const struct {
        mode_t mode;
        bool used;
    } modes[] = {{0700, true},  {0755, true},  {0777, false},
                 {0770, false}, {0702, false}, {01777, false}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        keeper k;
        keeper_new(&k);
        assert_int_equal(chmod(k.f.cache, modes[i].mode), 0);
        ino_t before = inode_of(k.path);
        if (reads(&k) != modes[i].used) fail_msg("reads with mode %o", (unsigned)modes[i].mode);
        write_it(&k);
        if ((inode_of(k.path) != before) != modes[i].used)
            fail_msg("writes with mode %o", (unsigned)modes[i].mode);
        keeper_free(&k);
    }
}

static void a_link_to_a_directory_is_not_followed(void **state) {
    (void)state;
    keeper k;
    char aside[100];
    keeper_new(&k);
    snprintf(aside, sizeof aside, "%s/aside", k.f.base);
    assert_int_equal(rename(k.f.cache, aside), 0);
    assert_int_equal(symlink(aside, k.f.cache), 0);
    assert_false(reads(&k));
    ino_t before = inode_of(k.path);
    write_it(&k);
    assert_true(before && inode_of(k.path) == before);
    keeper_free(&k);
}

static void a_directory_that_cannot_be_made_is_done_without(void **state) {
    (void)state;
    folder f = folder_new();
    keeper k;
    snprintf(f.cache, sizeof f.cache, "%s/not/there", f.base);
    keeper_open(&k, &f, 0);
    write_it(&k);
    assert_false(reads(&k));
    put_file(f.llvm, "LLVM", 4);
    snprintf(k.context->cache_directory, strlen(f.cache) + 1, "%s", f.llvm); /* a file, no directory */
    write_it(&k);
    assert_false(reads(&k));
    keeper_free(&k);
}

/* ---- As another user: root can become one, and only then can a file be another's ------------------------------------------- */

#define NOBODY 65534

static bool become_nobody(void) {
    return setegid(NOBODY) == 0 && seteuid(NOBODY) == 0;
}

static bool does_without_writing(void *state) {
    keeper *k = state;
    ino_t before = inode_of(k->path);
    if (geteuid() == 0 && !become_nobody()) return false;
    if (!reads(k)) return false;
    write_it(k);
    return inode_of(k->path) == before;
}

static void a_directory_that_is_only_read_is_read(void **state) {
    (void)state;
    keeper k;
    keeper_new(&k);
    if (geteuid() == 0) {
        assert_int_equal(chmod(k.f.base, 0755), 0);
        assert_int_equal(chown(k.f.cache, NOBODY, NOBODY), 0);
        assert_int_equal(chown(k.path, NOBODY, NOBODY), 0);
    }
    assert_int_equal(chmod(k.f.cache, 0500), 0);
    assert_true(child_does(does_without_writing, &k));
    assert_int_equal(chmod(k.f.cache, 0700), 0);
    keeper_free(&k);
}

static void a_file_of_another_user_is_not_used(void **state) {
    (void)state;
    if (geteuid() != 0) {
        print_message("only root can give a file away\n");
        skip();
    }
    keeper k;
    keeper_new(&k);
    assert_int_equal(chown(k.path, NOBODY, NOBODY), 0);
    assert_false(reads(&k));
    assert_true(is_replaced(&k));
    assert_int_equal(chown(k.f.cache, NOBODY, NOBODY), 0);
    assert_false(reads(&k));
    keeper_free(&k);
}

/* ---- Limits ---------------------------------------------------------------------------------------------------------------- */

static size_t bytes_in(const folder *f) {
    static char names[200][PATH_SIZE];
    int count = list_cache(f, names, 200);
    size_t bytes = 0;
    struct stat s;
    assert_true(count <= 200);
    for (int i = 0; i < count; i++)
        if (lstat(names[i], &s) == 0) bytes += ((size_t)s.st_size + 4095) & ~(size_t)4095;
    return bytes;
}

static void set_age(const char *path, time_t seconds) {
    struct timespec when[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
    assert_int_equal(utimensat(AT_FDCWD, path, when, 0), 0);
}

static void the_least_recently_used_goes(void **state) {
    (void)state;
    folder f = folder_new();
    keeper k;
    char foreign[PATH_SIZE + 16], half[PATH_SIZE + 64], paths[17][PATH_SIZE];
    keeper_open(&k, &f, 16 * 4096);
    for (uint64_t i = 0; i < 16; i++) {
        set_key(&k, i);
        write_it(&k);
        snprintf(paths[i], PATH_SIZE, "%s", k.path);
        set_age(k.path, 1000 - (time_t)i);
    }
    assert_int_equal(count_files(&f), 16);
    set_key(&k, 0);
    assert_true(reads(&k)); /* and is the last to go now */
    snprintf(foreign, sizeof foreign, "%s/notes.kernel", f.cache);
    put_file(foreign, "keep me", 7);
    snprintf(half, sizeof half, "%s/00000007-0000000001-00000002.new", f.cache);
    put_file(half, "half", 4);
    set_age(foreign, 2000);
    set_age(half, 2000);
    set_key(&k, 16);
    write_it(&k);
    assert_true(bytes_in(&f) <= 13 * 4096);
    assert_true(reads(&k));
    assert_true(inode_of(paths[0]) && inode_of(paths[15]) && inode_of(foreign));
    assert_true(!inode_of(paths[1]) && !inode_of(paths[5]) && !inode_of(half));
    keeper_free(&k);
}

static void a_directory_of_small_files_is_bounded_too(void **state) {
    (void)state;
    folder f = folder_new();
    keeper k;
    keeper_open(&k, &f, 256 * 1024); /* each less than a 256th, so that not every write looks */
    for (uint64_t i = 0; i < 400; i++) {
        set_key(&k, i);
        write_it(&k);
    }
    assert_in_range(count_files(&f), 32, 160); /* 64 fit */
    keeper_free(&k);
}

static void what_would_fill_it_is_not_kept(void **state) {
    (void)state;
    static const unsigned char large[20000];
    folder f = folder_new();
    keeper k;
    keeper_open(&k, &f, 16 * 4096);
    write_it(&k);
    set_key(&k, 2);
    wn_disk_write(k.context, &k.key, &k.compiler, large, 15000);
    assert_int_equal(count_files(&f), 2);
    set_key(&k, 3);
    wn_disk_write(k.context, &k.key, &k.compiler, large, sizeof large);
    assert_int_equal(count_files(&f), 2);
    keeper_free(&k);
}

/* A process that may not write files of this size gets a signal if it tries. */
static bool writes_within_limits(void *state) {
    keeper *k = state;
    struct rlimit most = {100, 100};
    if (setrlimit(RLIMIT_FSIZE, &most) != 0) return false;
    write_it(k);
    return count_files(&k->f) == 0;
}

static void a_limit_on_files_is_no_signal(void **state) {
    (void)state;
    folder f = folder_new();
    keeper k;
    keeper_open(&k, &f, 0);
    assert_true(child_does(writes_within_limits, &k));
    keeper_free(&k);
}

/* ---- Several processes, and memory that runs out ------------------------------------------------------------------------------ */

/* Write and read a few keys again and again, in a directory that is always too small; what is found is right. */
static bool write_and_read(void *state) {
    keeper *k = state;
    int found = 0;
    for (int i = 0; i < 300; i++) {
        set_key(k, (uint64_t)i % 7);
        k->object[0] = (unsigned char)(i % 7);
        write_it(k);
        set_key(k, (uint64_t)(i + 3) % 7);
        k->object[0] = (unsigned char)((i + 3) % 7);
        found += reads(k);
    }
    return found > 0;
}

static void processes_write_at_once(void **state) {
    (void)state;
    folder f = folder_new();
    keeper k;
    pid_t children[4];
    keeper_open(&k, &f, 5 * 4096);
    fflush(NULL);
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) _exit(write_and_read(&k) ? 0 : 1);
    }
    for (int i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_in_range(count_files(&f), 1, 5); /* nothing half-written is left */
    keeper_free(&k);
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    folder f = folder_new();
    counted_memory memory = {1000, 0};
    keeper k;
    keeper_open(&k, &f, 3 * 4096);
    wn_context_free(k.context);
    wn_context_options options = {.size = sizeof options,
                                  .allocate = allocate_counted,
                                  .allocate_user = &memory,
                                  .cache_directory = f.cache,
                                  .cache_directory_bytes = 3 * 4096};
    k.context = wn_context_new(&options);
    int64_t live = memory.live;
    int found = 0;
    for (int i = 0; i < 40; i++) {
        set_key(&k, (uint64_t)i);
        memory.until_failure = i % 4;
        write_it(&k);
        assert_int_equal(memory.live, live);
        memory.until_failure = i % 3;
        found += reads(&k);
        assert_int_equal(memory.live, live);
    }
    assert_in_range(found, 1, 39);
    keeper_free(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_part_of_a_file_is_used),
        cmocka_unit_test(any_changed_bit_is_noticed),
        cmocka_unit_test(a_wrong_header_is_refused_whatever_its_checksum),
        cmocka_unit_test(equal_hashes_are_not_equal_keys),
        cmocka_unit_test(another_llvm_is_noticed),
        cmocka_unit_test(only_the_written_mode_is_used),
        cmocka_unit_test(only_a_file_is_used),
        cmocka_unit_test(a_directory_that_holds_something_stays),
        cmocka_unit_test(only_a_directory_of_ones_own_is_used),
        cmocka_unit_test(a_link_to_a_directory_is_not_followed),
        cmocka_unit_test(a_directory_that_cannot_be_made_is_done_without),
        cmocka_unit_test(a_directory_that_is_only_read_is_read),
        cmocka_unit_test(a_file_of_another_user_is_not_used),
        cmocka_unit_test(the_least_recently_used_goes),
        cmocka_unit_test(a_directory_of_small_files_is_bounded_too),
        cmocka_unit_test(what_would_fill_it_is_not_kept),
        cmocka_unit_test(a_limit_on_files_is_no_signal),
        cmocka_unit_test(processes_write_at_once),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
