/*
 * test_text.c - the files of tests/test_text: a text, and in comments at its end what becomes of it.
 *
 * "# expect:" is followed by the listing, "# error:" by the message, each line behind "# ". To write a new file, leave what
 * follows empty and copy what the failing test prints, once it is right.
 */
#include "text_fixture.h"

#include <dirent.h>

static char *read_whole(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("cannot open %s", path);
    char *text = calloc(1, 65536);
    size_t length = fread(text, 1, 65535, file);
    assert_true(length < 65535);
    fclose(file);
    return text;
}

/* Lines without the "# " before each; free() it. */
static char *uncomment(const char *lines) {
    char *text = calloc(1, strlen(lines) + 1), *out = text;
    while (*lines) {
        const char *end = strchr(lines, '\n');
        size_t length = end ? (size_t)(end - lines) : strlen(lines);
        size_t skipped = length > 1 ? 2 : length;
        memcpy(out, lines + skipped, length - skipped);
        out += length - skipped;
        *out++ = '\n';
        lines += length + (end != NULL);
    }
    return text;
}

/* What becomes of the text: its listing, or the message and a newline; free() it. */
static char *outcome(const char *text, bool *error) {
    fixture f = set_up();
    parse(f.g, text);
    *error = wn_graph_status(f.g) != WN_OK;
    char *shown = NULL;
    if (*error) {
        shown = malloc(strlen(wn_graph_error(f.g)) + 2);
        sprintf(shown, "%s\n", wn_graph_error(f.g));
    } else {
        shown = list(f.g);
    }
    tear_down(f);
    return shown;
}

static void try_file(const char *path) {
    char *text = read_whole(path);
    char *expect = strstr(text, "# expect:\n"), *error = strstr(text, "# error:\n");
    if (!expect == !error) fail_msg("%s: one of \"# expect:\" and \"# error:\" is needed", path);
    bool failed;
    char *shown = outcome(text, &failed);
    char *wanted = uncomment(expect ? expect + 10 : error + 9);
    if (failed != !expect || strcmp(shown, wanted) != 0)
        fail_msg("%s gives\n%s\nnot\n%s", path, shown, wanted);
    free(text);
    free(shown);
    free(wanted);
}

static void test_files(void **state) {
    (void)state;
    int count = 0;
    DIR *folder = opendir(WN_TEST_DATA "/test_text");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", WN_TEST_DATA "/test_text", entry->d_name);
        try_file(path);
        count++;
    }
    closedir(folder);
    assert_true(count > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
