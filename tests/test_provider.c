/*
 * test_provider.c - finding LLVM: what is said when it is not there, and the handshake when it is; and instruction sets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "graph/graph.h"
#include "jit/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(WN_LLVM_STATIC) || !defined(WN_TEST_LLVM_PATH)
#define LLVM_PATH NULL
#else
#define LLVM_PATH WN_TEST_LLVM_PATH
#endif

/* In a static build every path gives the provider that is linked in. */
static void need_dynamic_provider(void) {
#if defined(WN_LLVM_STATIC)
    skip();
#endif
}

/* Open it, expecting an error whose message has both in it. */
static void expect_refusal(const char *path, const char *words, const char *more_words) {
    wn_error error = {WN_OK, ""};
    assert_null(wn_provider_open(path, &error));
    assert_int_equal(error.status, WN_ERROR_COMPILER);
    if (!strstr(error.message, words) || !strstr(error.message, more_words))
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", error.message, words, more_words);
    assert_null(wn_provider_open(path, NULL));
}

static void a_missing_file_is_named(void **state) {
    (void)state;
    need_dynamic_provider();
    expect_refusal("/nowhere/libwinnow-llvm.so", "not found at /nowhere/libwinnow-llvm.so",
                   "interpreter");
    expect_refusal("", "not found", "interpreter");
}

/* libc.so.6 would be found in the search path. */
static void a_bare_name_is_not_searched_for(void **state) {
    (void)state;
    need_dynamic_provider();
    expect_refusal("libc.so.6", "not found at libc.so.6", "no such file");
}

static void a_long_path_is_an_error(void **state) {
    (void)state;
    need_dynamic_provider();
    static char path[20000];
    memset(path, 'x', sizeof path - 1);
    expect_refusal(path, "not found", "cannot be read");
}

static void a_text_file_is_an_error(void **state) {
    (void)state;
    need_dynamic_provider();
    char path[] = "/tmp/winnow-test-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, "no library\n", 11), 11);
    close(file);
    expect_refusal(path, "cannot be opened", path);
    unlink(path);
}

static void a_folder_is_an_error(void **state) {
    (void)state;
    need_dynamic_provider();
    expect_refusal("/tmp", "cannot be opened", "/tmp");
}

/* The C library's math functions: a library, and at a path that this process knows. */
static void a_library_without_the_symbol_is_an_error(void **state) {
    (void)state;
    need_dynamic_provider();
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps) skip();
    char line[1024], *found = NULL;
    while (!found && fgets(line, sizeof line, maps)) {
        found = strchr(line, '/');
        if (found && !strstr(found, "/libc.") && !strstr(found, "/libc-")) found = NULL;
    }
    fclose(maps);
    if (!found) skip();
    found[strcspn(found, "\n")] = 0;
    expect_refusal(found, "is not Winnow's", "wn_llvm_provider");
}

static void the_provider_is_of_this_build(void **state) {
    (void)state;
#if !defined(WN_LLVM_STATIC) && !defined(WN_TEST_LLVM_PATH)
    skip();
#endif
    wn_error error = {WN_OK, ""};
    const wn_provider *provider = wn_provider_open(LLVM_PATH, &error);
    assert_string_equal(error.message, "");
    assert_non_null(provider);
    assert_string_equal(provider->version, wn_version());
    assert_true(atoi(provider->llvm_version) >= 19);
    assert_non_null(provider->compile);
    assert_non_null(provider->release);
    assert_ptr_equal(wn_provider_open(LLVM_PATH, &error), provider);
}

/* ---- Instruction sets -------------------------------------------------------------------------------------------- */

static void isas_have_names(void **state) {
    (void)state;
    assert_string_equal(wn_isa_name(WN_ISA_NATIVE), "native");
    assert_string_equal(wn_isa_name(WN_ISA_PORTABLE), "portable");
    assert_string_equal(wn_isa_name(WN_ISA_X86_64_V2), "x86-64-v2");
    assert_string_equal(wn_isa_name(WN_ISA_X86_64_V3), "x86-64-v3");
    assert_string_equal(wn_isa_name(WN_ISA_X86_64_V4), "x86-64-v4");
    assert_string_equal(wn_isa_name((wn_isa)99), "?");
}

static void native_is_the_best_that_is_there(void **state) {
    (void)state;
    wn_target target;
    assert_true(wn_isa_available(WN_ISA_NATIVE));
    assert_true(wn_target_resolve(WN_ISA_NATIVE, &target));
    assert_int_not_equal(target.isa, WN_ISA_NATIVE);
    assert_true(wn_isa_available(target.isa));
    for (int isa = (int)target.isa + 1; isa <= WN_ISA_X86_64_V4; isa++)
        assert_false(wn_isa_available((wn_isa)isa));
    if (target.isa != WN_ISA_X86_64_V4) assert_false(target.vbmi2);
}

static void a_level_includes_those_below(void **state) {
    (void)state;
    for (int isa = WN_ISA_X86_64_V4; isa > WN_ISA_PORTABLE; isa--) {
        if (wn_isa_available((wn_isa)isa)) assert_true(wn_isa_available((wn_isa)(isa - 1)));
    }
}

static void a_level_asked_for_has_no_extensions(void **state) {
    (void)state;
    wn_target target = {.isa = WN_ISA_NATIVE, .vbmi2 = true};
    if (!wn_target_resolve(WN_ISA_X86_64_V4, &target)) skip();
    assert_int_equal(target.isa, WN_ISA_X86_64_V4);
    assert_false(target.vbmi2);
}

static void an_isa_that_is_none_is_not_available(void **state) {
    (void)state;
    assert_false(wn_isa_available((wn_isa)99));
}

/* ---- Who compiles ------------------------------------------------------------------------------------------------------ */

/* Whether words of a key follow each other in it. */
static bool has_words(const wn_key *key, const void *bytes, size_t size) {
    uint64_t words[16] = {0};
    size_t count = (size + 7) / 8;
    assert_true(size <= sizeof words);
    memcpy(words, bytes, size);
    for (size_t i = 0; i + count <= key->count; i++)
        if (!memcmp(key->words + i, words, count * 8)) return true;
    return false;
}

static void a_key_names_the_build_and_the_provider(void **state) {
    (void)state;
    wn_context *c = wn_context_new(NULL);
    file_stamp stamp;
    wn_key key;
    size_t size;
    wn_key_begin(&key, c);
    bool known = wn_provider_identify(LLVM_PATH, &key, &stamp);
    const void *build = wn_build_id((const void *)(uintptr_t)wn_provider_open, &size);
    assert_non_null(build);
    assert_true(size >= 8);
    if (known) {
        assert_true(has_words(&key, build, size));
        assert_true(has_words(&key, &stamp, sizeof stamp));
    }
    wn_key_end(&key);
    wn_context_free(c);
}

static void another_file_has_another_build(void **state) {
    (void)state;
    size_t size, size_of_libc;
    const void *build = wn_build_id((const void *)(uintptr_t)wn_provider_open, &size);
    const void *libc = wn_build_id((const void *)(uintptr_t)getenv, &size_of_libc);
    assert_true(build != libc);
    assert_null(wn_build_id(&size, &size)); /* the stack is in no file */
    assert_int_equal(size, 0);
}

/* The tests' program holds the library, as an archive's would. */
static void a_program_is_found_from_anywhere(void **state) {
    (void)state;
    char program[PATH_MAX], found[PATH_MAX], folder[PATH_MAX];
    assert_non_null(realpath("/proc/self/exe", program));
    assert_non_null(getcwd(folder, sizeof folder));
    assert_int_equal(chdir("/"), 0);
    bool is_found = wn_file_of((const void *)(uintptr_t)wn_version, found);
    assert_int_equal(chdir(folder), 0);
    assert_true(is_found);
    assert_string_equal(found, program);
    assert_false(wn_file_of(&is_found, found)); /* the stack is in no file */
}

static void a_missing_provider_is_not_known(void **state) {
    (void)state;
    need_dynamic_provider();
    wn_context *c = wn_context_new(NULL);
    file_stamp stamp;
    wn_key key;
    wn_key_begin(&key, c);
    assert_false(wn_provider_identify("/nowhere/libwinnow-llvm.so", &key, &stamp));
    assert_false(wn_stamp_file("/nowhere", &stamp));
    wn_key_end(&key);
    wn_context_free(c);
}

/* What the provider says of itself is what lies on disk. */
static void the_provider_knows_its_files(void **state) {
    (void)state;
    const wn_provider *p = wn_provider_open(LLVM_PATH, NULL);
    if (!p) skip();
    const provider_files *files = p->files();
    file_stamp stamp;
    assert_non_null(files);
    assert_true(wn_stamp_file(files->llvm_path, &stamp));
    assert_memory_equal(&stamp, &files->llvm, sizeof stamp);
#ifdef WN_TEST_LLVM_PATH
    assert_true(wn_stamp_file(WN_TEST_LLVM_PATH, &stamp));
    assert_memory_equal(&stamp, &files->provider, sizeof stamp);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_bare_name_is_not_searched_for),
        cmocka_unit_test(a_long_path_is_an_error),
        cmocka_unit_test(a_text_file_is_an_error),
        cmocka_unit_test(a_folder_is_an_error),
        cmocka_unit_test(a_library_without_the_symbol_is_an_error),
        cmocka_unit_test(the_provider_is_of_this_build),
        cmocka_unit_test(isas_have_names),
        cmocka_unit_test(native_is_the_best_that_is_there),
        cmocka_unit_test(a_level_includes_those_below),
        cmocka_unit_test(a_level_asked_for_has_no_extensions),
        cmocka_unit_test(an_isa_that_is_none_is_not_available),
        cmocka_unit_test(a_key_names_the_build_and_the_provider),
        cmocka_unit_test(another_file_has_another_build),
        cmocka_unit_test(a_program_is_found_from_anywhere),
        cmocka_unit_test(a_missing_provider_is_not_known),
        cmocka_unit_test(the_provider_knows_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
