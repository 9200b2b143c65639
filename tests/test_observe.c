/*
 * test_observe.c - kernels made known to debuggers and profilers: GDB's list, the folder of listings, perf's map; and that nothing which
 * goes wrong with them is more than a line in the log.
 */
#include "counted_memory.h"
#include "graph_fixture.h"

#include "jit/debugger.h"
#include "run/kernel.h"
#include "winnow/inspect.h"

#include <elf.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4

/* As GDB declares it. */
struct jit_descriptor {
    uint32_t version, action;
    debugger_entry *relevant, *first;
};
extern struct jit_descriptor __jit_debug_descriptor;

/* The length of the list, whose links are right in both directions. */
static int list_length(void) {
    int length = 0;
    const debugger_entry *previous = NULL;
    for (const debugger_entry *e = __jit_debug_descriptor.first; e; e = e->next) {
        assert_ptr_equal(e->previous, previous);
        previous = e;
        length++;
    }
    return length;
}

static void remember(void *user, wn_log_level level, const char *message) {
    (void)level;
    snprintf(user, 700, "%s", message);
}

static wn_context_options observed(char *log) {
    wn_context_options options = {.size = sizeof options,
                                  .perf_map = true,
                                  .debugger_directory = "/tmp",
                                  .log = log ? remember : NULL,
                                  .log_user = log};
#ifdef WN_TEST_LLVM_PATH
    options.llvm_library = WN_TEST_LLVM_PATH;
#endif
    return options;
}

static wn_kernel *compile(wn_context *c, int number) {
    char text[80];
    wn_graph *g = wn_graph_new(c);
    snprintf(text, sizeof text, "input x: f32[?]; output y = where(x < 0, %d, x)", number);
    if (g) wn_parse(g, text, strlen(text));
    wn_kernel *k = g ? wn_compile(g, NULL) : NULL;
    wn_graph_free(g);
    return k;
}

static bool has_jit(void) {
    wn_context_options options = observed(NULL);
    options.perf_map = false;
    options.debugger_directory = NULL;
    wn_context *c = wn_context_new(&options);
    wn_kernel *k = compile(c, 0);
    bool jit = wn_kernel_engine(k) == WN_ENGINE_JIT;
    wn_kernel_free(k);
    wn_context_free(c);
    if (!jit) print_message("no machine code here\n");
    return jit;
}

/* ---- GDB's list -------------------------------------------------------------------------------------------------------- */

static void *add_and_remove(void *state) {
    debugger_entry *e = state;
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < 5; i++)
            wn_debugger_add(&e[i]);
        for (int i = 0; i < 4; i++) /* from the middle outwards */
            wn_debugger_remove(&e[(i * 2 + 2) % 5]);
        wn_debugger_remove(&e[0]);
    }
    wn_debugger_add(&e[0]);
    return NULL;
}

static void threads_keep_the_list_whole(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    static debugger_entry entries[THREADS][5];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_and_remove, entries[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(list_length(), THREADS);
    for (int i = 0; i < THREADS; i++)
        wn_debugger_remove(&entries[i][0]);
    assert_int_equal(list_length(), 0);
    assert_int_equal(__jit_debug_descriptor.version, 1);
    assert_int_equal(__jit_debug_descriptor.action, 0);
}

typedef struct making {
    wn_context *context;
    int first;
    wn_kernel *kept;
} making;

static void *make_and_free(void *state) {
    making *m = state;
    for (int i = 0; i < 4; i++)
        wn_kernel_free(compile(m->context, m->first + i));
    m->kept = compile(m->context, m->first + 100);
    return NULL;
}

static void threads_make_and_free_kernels_that_are_shown(void **state) {
    (void)state;
    if (!has_jit()) skip();
    pthread_t threads[THREADS];
    making m[THREADS];
    wn_context_options options = observed(NULL);
    options.cache_bytes = 1; /* nothing is kept: a kernel that is freed is gone */
    options.perf_map = false;
    wn_context *c = wn_context_new(&options);
    for (int i = 0; i < THREADS; i++) {
        m[i] = (making){.context = c, .first = i * 10};
        assert_int_equal(pthread_create(&threads[i], NULL, make_and_free, &m[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(list_length(), THREADS);
    for (int i = 0; i < THREADS; i++)
        wn_kernel_free(m[i].kept);
    assert_int_equal(list_length(), 0);
    wn_context_free(c);
}

/* A section with the address of the function that it holds. */
static bool names_address(const debugger_entry *e, uintptr_t address) {
    Elf64_Ehdr header;
    memcpy(&header, e->object, sizeof header);
    for (size_t i = 0; i < header.e_shnum; i++) {
        Elf64_Shdr s;
        memcpy(&s, e->object + header.e_shoff + i * sizeof s, sizeof s);
        if ((s.sh_flags & SHF_EXECINSTR) && address - s.sh_addr < s.sh_size) return true;
    }
    return false;
}

static void spoiled_objects_are_refused_or_shown(void **state) {
    (void)state;
    if (!has_jit()) skip();
    fixture f = set_up();
    wn_parse(f.g, "input x: f32[?]; x[x < 0]", 25);
    wn_inspection *inspection = wn_inspection_new(f.g, NULL);
    size_t size = 0;
    const void *object = wn_inspection_object(inspection, &size);
    assert_non_null(object);
    wn_error error = {WN_OK, ""};
    wn_code *code = wn_code_load(f.context, object, size, &error);
    assert_non_null(code);
    code_function function;
    assert_true(wn_code_function(code, 0, &function));
    assert_true(wn_code_show(code, object, size, &error));
    assert_true(names_address(__jit_debug_descriptor.first, function.address));

    unsigned char *spoiled = malloc(size);
    for (size_t cut = 0; cut < size; cut += 7) /* sections end the object: none is whole */
        assert_false(wn_code_show(code, object, cut, &error));
    for (size_t i = 0; i < size; i++) {
        memcpy(spoiled, object, size);
        spoiled[i] ^= 0xff;
        if (!wn_code_show(code, spoiled, size, &error)) assert_int_not_equal(error.status, WN_OK);
        assert_int_equal(list_length(), 1);
    }
    free(spoiled);
    wn_code_free(code);
    assert_int_equal(list_length(), 0);
    wn_inspection_free(inspection);
    tear_down(f);
}

/* ---- The folder of listings -------------------------------------------------------------------------------------------- */

static void a_listing_lives_as_long_as_its_kernel(void **state) {
    (void)state;
    if (!has_jit()) skip();
    char folder[200], path[220], text[200] = "";
    wn_context_options options = observed(NULL);
    options.cache_bytes = 1;
    wn_context *c = wn_context_new(&options);
    assert_non_null(c->listings);
    snprintf(folder, sizeof folder, "%s", c->listings);
    struct stat s;
    assert_int_equal(stat(folder, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0700);
    wn_kernel *k = compile(c, 3);
    snprintf(path, sizeof path, "%s/%u.winnow", folder, k->number);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_string_equal(text,
                        "input x: f32[?];\nv1 = less(x, 0.0);\noutput y = where(v1, 3.0, x);\n");

    pid_t child = fork(); /* what a child frees is its parent's still */
    if (child == 0) {
        wn_kernel_free(k);
        wn_context_free(c);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    assert_int_equal(access(path, R_OK), 0);
    wn_kernel_free(k);
    assert_int_not_equal(access(path, R_OK), 0);
    wn_context_free(c);
    assert_int_not_equal(access(folder, R_OK), 0);
}

static void listings_lie_in_the_directory_that_is_named_wherever_the_process_goes(void **state) {
    (void)state;
    if (!has_jit()) skip();
    char folder[] = "/tmp/winnow-test-XXXXXX", before[500], path[620];
    assert_non_null(mkdtemp(folder));
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    wn_context_options options = observed(NULL);
    options.debugger_directory = ".";
    setenv("TMPDIR", "/tmp", 1); /* is not looked at */
    wn_context *c = wn_context_new(&options);
    unsetenv("TMPDIR");
    assert_int_equal(chdir(before), 0);
    assert_non_null(c->listings);
    assert_non_null(strstr(c->listings, strrchr(folder, '/')));
    wn_kernel *k = compile(c, 4);
    snprintf(path, sizeof path, "%s/%u.winnow", c->listings, k->number);
    assert_int_equal(access(path, R_OK), 0);
    wn_kernel_free(k);
    wn_context_free(c);
    assert_int_equal(rmdir(folder), 0); /* is empty again */
}

static void a_folder_that_cannot_be_made_is_a_line_in_the_log(void **state) {
    (void)state;
    char log[700] = "";
    wn_context_options options = observed(log);
    options.perf_map = false;
    options.debugger_directory = "/nowhere";
    wn_context *c = wn_context_new(&options);
    assert_non_null(c);
    assert_non_null(strstr(log, "no listings for a debugger in /nowhere"));
    wn_kernel *k = compile(c, 1);
    assert_non_null(k);
    wn_kernel_free(k);
    wn_context_free(c);
}

/* ---- perf's map -------------------------------------------------------------------------------------------------------- */

static const char *map_path(void) {
    static char path[60];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    return path;
}

static void perf_map_names_the_functions(void **state) {
    (void)state;
    if (!has_jit()) skip();
    char text[2000] = "", line[300];
    unlink(map_path());
    wn_context_options options = observed(NULL);
    wn_context *c = wn_context_new(&options);
    wn_kernel *k = compile(c, 5), *other = compile(c, 6);
    struct stat s;
    assert_int_equal(stat(map_path(), &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    FILE *file = fopen(map_path(), "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    code_function f;
    assert_true(wn_code_function(k->code, 0, &f));
    assert_ptr_equal(f.address, (uintptr_t)k->functions[0][KERNEL_MAP]);
    assert_true(f.size > 16 && f.size <= wn_code_size(k->code));
    snprintf(line, sizeof line, "%llx %llx winnow:wn_map_0:y = where(v1, 5.0, x)\n",
             (unsigned long long)f.address, (unsigned long long)f.size);
    assert_memory_equal(text, line, strlen(line));
    assert_non_null(strstr(text, " winnow:wn_map_0:y = where(v1, 6.0, x)\n"));
    wn_kernel_free(k);
    wn_kernel_free(other);
    wn_context_free(c);
    unlink(map_path());
}

static void perf_map_follows_no_link(void **state) {
    (void)state;
    if (!has_jit()) skip();
    char log[700], victim[] = "/tmp/winnow-victim-XXXXXX";
    close(mkstemp(victim));
    wn_context_options options = observed(log);
    options.debugger_directory = NULL;
    for (int hard = 0; hard < 2; hard++) {
        log[0] = 0;
        unlink(map_path());
        assert_int_equal(hard ? link(victim, map_path()) : symlink(victim, map_path()), 0);
        wn_context *c = wn_context_new(&options);
        wn_kernel *k = compile(c, 1);
        assert_int_equal(wn_kernel_engine(k), WN_ENGINE_JIT);
        assert_non_null(strstr(log, "no names for perf in /tmp/perf-"));
        wn_kernel_free(k);
        wn_context_free(c);
        struct stat s;
        assert_int_equal(stat(victim, &s), 0);
        assert_int_equal(s.st_size, 0);
    }
    unlink(map_path());
    unlink(victim);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------------ */

static void memory_may_run_out_anywhere(void **state) {
    (void)state;
    counted_memory m = {-1, 0};
    wn_context_options options = observed(NULL);
    options.allocate = allocate_counted;
    options.allocate_user = &m;
    for (int64_t n = 0;; n++) {
        m.until_failure = n;
        wn_context *c = wn_context_new(&options);
        wn_kernel *k = c ? compile(c, 7) : NULL;
        bool all = m.until_failure > 0;
        m.until_failure = -1;
        wn_kernel_free(k);
        wn_context_free(c);
        assert_int_equal(list_length(), 0);
        assert_int_equal(m.live, 0);
        if (all) break;
    }
    unlink(map_path());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_keep_the_list_whole),
        cmocka_unit_test(threads_make_and_free_kernels_that_are_shown),
        cmocka_unit_test(spoiled_objects_are_refused_or_shown),
        cmocka_unit_test(a_listing_lives_as_long_as_its_kernel),
        cmocka_unit_test(listings_lie_in_the_directory_that_is_named_wherever_the_process_goes),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_a_line_in_the_log),
        cmocka_unit_test(perf_map_names_the_functions),
        cmocka_unit_test(perf_map_follows_no_link),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
