/*
 * guard.c - areas between unreadable pages, and the handler that says which test touched one.
 */
#include "guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

/* More than the widest store of any kernel, four registers of 64 bytes. */
#define RIM 320

void guard_new(guard *g, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t usable = (size + 2 * RIM + page - 1) / page * page;
    g->map_size = usable + 2 * page;
    void *map = mmap(NULL, g->map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    g->map = map;
    g->low = g->map + page;
    g->high = g->low + usable;
    assert_int_equal(mprotect(g->low, usable, PROT_READ | PROT_WRITE), 0);
    g->data = g->low;
    g->size = 0;
}

void guard_free(guard *g) {
    if (g->map) munmap(g->map, g->map_size);
    memset(g, 0, sizeof *g);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t rim_before(const guard *g) {
    return least(RIM, (size_t)(g->data - g->low));
}

static size_t rim_after(const guard *g) {
    return least(RIM, (size_t)(g->high - g->data) - g->size);
}

void *guard_place(guard *g, placement where, size_t size) {
    assert_true(size + 2 * RIM <= (size_t)(g->high - g->low));
    switch (where) {
    case AT_START: g->data = g->low; break;
    case AT_ODD: g->data = (char *)((uintptr_t)(g->high - size - 64) | 1); break;
    default: g->data = g->high - size; break;
    }
    g->size = size;
    memset(g->data - rim_before(g), GUARD_BYTE, rim_before(g) + size + rim_after(g));
    return g->data;
}

static bool is_rim(const char *p, size_t size) {
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)p[i] != GUARD_BYTE) return false;
    return true;
}

bool guard_intact(const guard *g) {
    return is_rim(g->data - rim_before(g), rim_before(g)) && is_rim(g->data + g->size, rim_after(g));
}

/* ---- When a page is touched --------------------------------------------------------------------------------------- */

static char description[8192];
static struct sigaction before[2];
static const int signals[2] = {SIGSEGV, SIGBUS};

static void say(const char *text) {
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written <= 0) return;
        text += written;
        length -= (size_t)written;
    }
}

/* Say what was run, then let the instruction fail again as it would have without us. */
static void on_fault(int number) {
    say("\nA byte outside an array was touched (or a pointer was wild) by:\n");
    say(description);
    (void)number;
    for (size_t i = 0; i < 2; i++)
        sigaction(signals[i], &before[i], NULL);
    description[0] = 0;
}

void guard_describe(const char *text) {
    bool described = description[0] != 0;
    snprintf(description, sizeof description, "%s", text ? text : "");
    if (described == (text != NULL)) return;
    for (size_t i = 0; i < 2; i++) {
        struct sigaction action = {.sa_handler = on_fault};
        if (text)
            sigaction(signals[i], &action, &before[i]);
        else
            sigaction(signals[i], &before[i], NULL);
    }
}
