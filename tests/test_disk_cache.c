/*
 * test_disk_cache.c - kernels of the cache on disk: found by another process without LLVM, and by no one else's key.
 *
 * Whether a kernel was compiled shows in its file: one that is read stays, one that is compiled is written anew, which changes its inode.
 */
#include "compare.h"
#include "counted_memory.h"
#include "disk_fixture.h"

#include "run/kernel.h"

#define COUNT 1000

static const char *const texts[] = {
    "input x: f32[?]; where(x < 0, 0, x)",
    "input x: f32[?]; x[x < 0]",
    "input x: f32[?]; output s = sum(x, where=x > 0); output m = x > mean(x)",
    "input x: f32[?]; expand(x[x < 0] * 2, x < 0, x)",
    "input x: f32[?]; nonzero(x > 0.25)",
};
#define TEXTS ((int)(sizeof texts / sizeof *texts))

typedef struct user {
    folder f;
    const char *llvm; /* the provider */
    const char *text;
    wn_isa isa;
    int warnings;
} user;

#ifdef WN_TEST_LLVM_PATH
#define LLVM_PATH WN_TEST_LLVM_PATH
#else
#define LLVM_PATH NULL
#endif

static user user_new(void) {
    return (user){.f = folder_new(), .llvm = LLVM_PATH, .text = texts[0]};
}

static void user_free(user *u) {
    assert_int_equal(u->warnings, 0);
    folder_free(&u->f);
}

static void hear(void *state, wn_log_level level, const char *message) {
    (void)message;
    if (level > WN_LOG_DEBUG) ((user *)state)->warnings++;
}

static wn_context *context_of(user *u) {
    wn_context_options options = {.size = sizeof options,
                                  .log = hear,
                                  .log_user = u,
                                  .llvm_library = u->llvm,
                                  .cache_directory = u->f.cache};
    return wn_context_new(&options);
}

static wn_kernel *compile(wn_context *c, const user *u, wn_engine engine) {
    wn_compile_options options = {.size = sizeof options, .engine = engine, .isa = u->isa};
    wn_graph *g = wn_graph_new(c);
    wn_parse(g, u->text, strlen(u->text));
    wn_kernel *k = wn_compile(g, &options);
    wn_graph_free(g);
    return k;
}

/* Run it on the same elements, into memory of the context, so that late functions are used too. */
static bool run(wn_kernel *k, wn_array *out, size_t outputs) {
    static float x[COUNT];
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)(i * 7919 % 1000) / 1000 - 0.5f;
    wn_array in = wn_vector(WN_F32, x, COUNT);
    memset(out, 0, outputs * sizeof *out);
    return k && wn_call(k, &in, 1, out, outputs, NULL) == WN_OK;
}

/* Compile in a context of its own, so that only the disk remembers, and compare with the interpreter. */
static bool is_right(void *state) {
    user *u = state;
    char text[400];
    wn_context *c = context_of(u);
    wn_kernel *k = compile(c, u, WN_ENGINE_JIT), *plain = compile(c, u, WN_ENGINE_INTERPRETER);
    size_t outputs = k ? (size_t)wn_kernel_output_count(k) : 0;
    wn_array got[2], want[2];
    bool right = run(k, got, outputs) && run(plain, want, outputs);
    for (size_t i = 0; right && i < outputs; i++)
        right = compare_arrays(&got[i], &want[i], false, text, sizeof text);
    for (size_t i = 0; k && i < outputs; i++) {
        wn_array_free(c, &got[i]);
        wn_array_free(c, &want[i]);
    }
    wn_kernel_free(k);
    wn_kernel_free(plain);
    wn_context_free(c);
    return right && u->warnings == 0;
}

static void need_llvm(void) {
    user u = user_new();
    wn_context *c = context_of(&u);
    wn_kernel *k = compile(c, &u, WN_ENGINE_AUTO);
    bool missing = wn_kernel_engine(k) == WN_ENGINE_INTERPRETER;
    wn_kernel_free(k);
    wn_context_free(c);
    folder_free(&u.f);
    if (missing) skip();
}

static bool has_llvm(void *state) {
    (void)state;
#ifdef WN_TEST_LLVM_PATH
    return access(WN_TEST_LLVM_PATH, R_OK) == 0;
#else
    return false; /* there is none, or it is linked in */
#endif
}

/* ---- Found ----------------------------------------------------------------------------------------------------------------- */

static bool maps(const char *name) {
    char line[1024];
    bool found = false;
    FILE *all = fopen("/proc/self/maps", "r");
    while (all && fgets(line, sizeof line, all))
        found |= strstr(line, name) != NULL;
    if (all) fclose(all);
    return found;
}

static bool opens_llvm(void *state) {
    return is_right(state) && maps("libwinnow-llvm") && maps("libLLVM");
}

static bool does_without_llvm(void *state) {
    return is_right(state) && !maps("libwinnow-llvm") && !maps("libLLVM");
}

/* First of all tests: no other may have opened LLVM in this process. */
static void another_process_needs_no_llvm(void **state) {
    (void)state;
    if (!has_llvm(NULL) || maps("libLLVM")) skip(); /* linked in */
    user u = user_new();
    for (int i = 0; i < TEXTS; i++) {
        u.text = texts[i];
        assert_true(child_does(opens_llvm, &u));
        if (!child_does(does_without_llvm, &u)) fail_msg("%s", texts[i]);
    }
    assert_false(maps("libLLVM"));
    user_free(&u);
}

static void a_file_that_is_used_stays(void **state) {
    (void)state;
    need_llvm();
    wn_context *any = compare_context(1);
    const compare_isas isas = compare_available(any);
    char names[8][PATH_SIZE];
    wn_context_free(any);
    for (size_t j = 0; j < isas.count; j++)
        for (int i = 0; i < TEXTS; i++) {
            user u = user_new();
            ino_t before[8];
            u.text = texts[i];
            u.isa = isas.list[j];
            assert_true(is_right(&u));
            int count = list_cache(&u.f, names, 8);
            assert_in_range(count, 1, 2);
            if (i == 1) assert_int_equal(count, 2); /* scatter is compiled late */
            for (int k = 0; k < count; k++)
                before[k] = inode_of(names[k]);
            assert_true(is_right(&u));
            assert_int_equal(count_files(&u.f), count);
            for (int k = 0; k < count; k++)
                assert_int_equal(inode_of(names[k]), before[k]);
            user_free(&u);
        }
}

/* Every engine that may compile finds it; what is interpreted neither reads nor writes. */
static void the_engine_that_is_wanted_does_not_matter(void **state) {
    (void)state;
    need_llvm();
    user u = user_new();
    for (wn_engine e = WN_ENGINE_INTERPRETER; (int)e >= 0; e = (wn_engine)((int)e - 1)) {
        wn_context *c = context_of(&u);
        wn_kernel_free(compile(c, &u, e));
        wn_context_free(c);
        assert_int_equal(count_files(&u.f), e == WN_ENGINE_INTERPRETER ? 0 : 1);
    }
    user_free(&u);
}

/* x < 0 into bits, by a kernel that is bound to them. */
static bool bits_are_right(void *state) {
    static float x[COUNT];
    unsigned char bits[COUNT / 8] = {0};
    user *u = state;
    wn_context *c = context_of(u);
    wn_kernel *k = compile(c, u, WN_ENGINE_JIT);
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)(i % 7) - 3;
    wn_array in = wn_vector(WN_F32, x, COUNT), out = wn_bitmap(bits, 0, COUNT);
    bool right = k && wn_call(k, &in, 1, &out, 1, NULL) == WN_OK;
    for (int i = 0; i < COUNT; i++)
        right &= (bits[i / 8] >> i % 8 & 1) == (x[i] < 0);
    wn_kernel_free(k);
    wn_context_free(c);
    return right;
}

static void bitmaps_have_files_of_their_own(void **state) {
    (void)state;
    need_llvm();
    user u = user_new();
    u.text = "input x: f32[?]; x < 0";
    assert_true(is_right(&u));
    assert_int_equal(count_files(&u.f), 1);
    assert_true(bits_are_right(&u));
    assert_int_equal(count_files(&u.f), 2);
    assert_true(bits_are_right(&u) && is_right(&u));
    assert_int_equal(count_files(&u.f), 2);
    user_free(&u);
}

/* ---- Not used ---------------------------------------------------------------------------------------------------------------- */

/* The one file, after a kernel was compiled; its path. */
static void keep_one(user *u, char path[1][PATH_SIZE]) {
    assert_true(is_right(u));
    assert_int_equal(list_cache(&u->f, path, 1), 1);
}

/* What lies there now is not used, and is replaced. */
static bool is_compiled_again(user *u, const char *path) {
    ino_t before = inode_of(path);
    return is_right(u) && inode_of(path) != before && count_files(&u->f) == 1;
}

static void a_damaged_file_is_replaced(void **state) {
    (void)state;
    need_llvm();
    user u = user_new();
    char path[1][PATH_SIZE];
    keep_one(&u, path);
    contents c = get_file(*path);
    const size_t step = COMPARE_SAMPLED ? 97 : 23;
    for (size_t at = 0; at < c.size; at += step) {
        c.bytes[at] ^= (unsigned char)(1u << at % 8);
        put_file(*path, c.bytes, c.size);
        if (!is_compiled_again(&u, *path)) fail_msg("byte %zu changed", at);
        c.bytes[at] ^= (unsigned char)(1u << at % 8);
        put_file(*path, c.bytes, at);
        if (!is_compiled_again(&u, *path)) fail_msg("cut at %zu", at);
    }
    free(c.bytes);
    user_free(&u);
}

/* Another object behind one kernel's header and key, with the checksum made right. */
static void put_object(const char *path, const contents *c, const void *object, size_t size) {
    size_t before = c->size - (size_t)word_at(c, AT_OBJECT_BYTES);
    contents with = {malloc(before + size + 1), before + size};
    memcpy(with.bytes, c->bytes, before);
    memcpy(with.bytes + before, object, size);
    forge(&with, AT_OBJECT_BYTES, size);
    put_file(path, with.bytes, with.size);
    free(with.bytes);
}

static void an_object_that_is_not_what_is_wanted_is_replaced(void **state) {
    (void)state;
    need_llvm();
    user u = user_new(), other = user_new();
    char path[1][PATH_SIZE], of_other[1][PATH_SIZE];
    other.text = "input x: f32[?]; sum(x)"; /* has no map of the first stage */
    keep_one(&u, path);
    keep_one(&other, of_other);
    contents c = get_file(*path), d = get_file(*of_other);
    size_t size = (size_t)word_at(&c, AT_OBJECT_BYTES),
           size_of_other = (size_t)word_at(&d, AT_OBJECT_BYTES);
    put_object(*path, &c, c.bytes + c.size - size, size);
    ino_t before = inode_of(*path);
    assert_true(is_right(&u) && inode_of(*path) == before); /* so that put_object is right */
    put_object(*path, &c, d.bytes + d.size - size_of_other, size_of_other);
    assert_true(is_compiled_again(&u, *path));
    put_object(*path, &c, c.bytes + c.size - size, size / 2);
    assert_true(is_compiled_again(&u, *path));
    put_object(*path, &c, "no object", 9);
    assert_true(is_compiled_again(&u, *path));
    put_object(*path, &c, "", 0);
    assert_true(is_compiled_again(&u, *path));
    free(c.bytes);
    free(d.bytes);
    user_free(&u);
    user_free(&other);
}

/* The file of one under the name of the other, as if their hashes were equal. */
static void expect_no_confusion(user *u, user *other) {
    char path[1][PATH_SIZE], of_other[1][PATH_SIZE];
    keep_one(u, path);
    keep_one(other, of_other);
    assert_string_not_equal(strrchr(*path, '/'), strrchr(*of_other, '/'));
    contents c = get_file(*of_other);
    put_file(*path, c.bytes, c.size);
    assert_true(is_compiled_again(u, *path));
    free(c.bytes);
}

static void files_are_not_confused(void **state) {
    (void)state;
    need_llvm();
    user u = user_new(), other = user_new();
    other.text = "input x: f32[?]; where(x < 0, 1, x)";
    expect_no_confusion(&u, &other);
    user_free(&other);
    if (wn_isa_available(WN_ISA_X86_64_V3)) {
        other = user_new();
        other.isa = WN_ISA_X86_64_V2;
        u.isa = WN_ISA_X86_64_V3;
        remove_all(u.f.cache);
        expect_no_confusion(&u, &other);
        expect_no_confusion(&other, &u);
        user_free(&other);
    }
    user_free(&u);
}

static void copy_provider(const char *from, const char *to) {
    contents c = get_file(from);
    char beside[PATH_SIZE + 8];
    snprintf(beside, sizeof beside, "%s.new", to);
    put_file(beside, c.bytes, c.size);
    assert_int_equal(rename(beside, to), 0);
    free(c.bytes);
}

/* A provider of another build compiles anew. And one that has been replaced since it was opened keeps nothing: it is not the one that
   the next process would open. */
static void another_provider_is_noticed(void **state) {
    (void)state;
    need_llvm();
    if (!has_llvm(NULL)) skip();
    user u = user_new();
    char path[PATH_SIZE];
    assert_true(is_right(&u));
    assert_int_equal(count_files(&u.f), 1);
    snprintf(path, sizeof path, "%s/libwinnow-llvm.so", u.f.base);
    copy_provider(u.llvm, path);
    u.llvm = path;
    assert_true(is_right(&u));
    assert_int_equal(count_files(&u.f), 2);
    assert_true(is_right(&u));
    assert_int_equal(count_files(&u.f), 2);
    copy_provider(path, path);
    assert_true(is_right(&u));
    assert_int_equal(count_files(&u.f), 2);
    user_free(&u);
}

/* ---- Beside others, and without memory ---------------------------------------------------------------------------------------- */

static void processes_compile_at_once(void **state) {
    (void)state;
    need_llvm();
    user u = user_new();
    pid_t children[8];
    fflush(NULL);
    for (int i = 0; i < 8; i++) {
        u.text = texts[i % 2];
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) _exit(is_right(&u) ? 0 : 1);
    }
    for (int i = 0; i < 8; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(count_files(&u.f), 3);
    user_free(&u);
}

/* Whether it compiled; if not, memory is what is missing. */
static bool compiles(const user *u, counted_memory *m) {
    wn_context_options options = {.size = sizeof options,
                                  .allocate = allocate_counted,
                                  .allocate_user = m,
                                  .llvm_library = u->llvm,
                                  .cache_directory = u->f.cache};
    wn_context *c = wn_context_new(&options);
    wn_graph *g = c ? wn_graph_new(c) : NULL;
    if (g) wn_parse(g, u->text, strlen(u->text));
    wn_kernel *k = g ? wn_compile(g, NULL) : NULL;
    if (g && !k) assert_int_equal(wn_graph_status(g), WN_ERROR_MEMORY);
    bool compiled = k && wn_kernel_engine(k) == WN_ENGINE_JIT;
    wn_kernel_free(k);
    wn_graph_free(g);
    wn_context_free(c);
    return compiled;
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    need_llvm();
    for (int kept = 0; kept < 2; kept++) {
        user u = user_new();
        bool done = false;
        int64_t n = 0;
        if (kept) assert_true(is_right(&u));
        for (; !done; n++) {
            counted_memory m = {n, 0};
            done = compiles(&u, &m);
            assert_int_equal(m.live, 0);
            if (!kept) remove_all(u.f.cache);
        }
        assert_true(n > 10);
        user_free(&u);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_process_needs_no_llvm), /* the first */
        cmocka_unit_test(a_file_that_is_used_stays),
        cmocka_unit_test(the_engine_that_is_wanted_does_not_matter),
        cmocka_unit_test(bitmaps_have_files_of_their_own),
        cmocka_unit_test(a_damaged_file_is_replaced),
        cmocka_unit_test(an_object_that_is_not_what_is_wanted_is_replaced),
        cmocka_unit_test(files_are_not_confused),
        cmocka_unit_test(another_provider_is_noticed),
        cmocka_unit_test(processes_compile_at_once),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("disk_cache", tests, NULL, NULL);
}
