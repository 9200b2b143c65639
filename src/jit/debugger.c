/*
 * debugger.c - GDB's JIT interface: a list of objects, and a function on which GDB sets a breakpoint to hear of changes.
 *
 * Names and layout are GDB's. Other JITs have them too, LLVM's own among them: the two symbols are weak and visible, so that the linkers
 * make one of those that meet in a program. (Where they don't meet, as in a library opened RTLD_LOCAL, GDB follows each.)
 *
 * Process-wide by nature: there is one list, and this file's lock guards it against ourselves. Another JIT that shares the list has a lock
 * of its own that we can't know; the interface provides none. LLVM as Winnow uses it, to make objects, does not touch the list.
 */
#include "jit/debugger.h"

#include <pthread.h>
#include <stddef.h>

typedef enum jit_action { JIT_NOTHING, JIT_REGISTER, JIT_UNREGISTER } jit_action;

typedef struct jit_descriptor {
    uint32_t version; /* 1 */
    uint32_t action;
    debugger_entry *relevant, *first;
} jit_descriptor;

#define SHARED __attribute__((weak, visibility("default")))
/* NOLINTBEGIN(bugprone-reserved-identifier): GDB looks for these names */
extern jit_descriptor __jit_debug_descriptor;
void __jit_debug_register_code(void);
/* NOLINTEND(bugprone-reserved-identifier) */

SHARED jit_descriptor __jit_debug_descriptor = {1, JIT_NOTHING, NULL, NULL};

/* What is written before the call must be in memory when GDB stops in it. */
SHARED __attribute__((noinline)) void __jit_debug_register_code(void) {
    __asm__ volatile("" ::: "memory");
}

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;

static void announce(jit_action action, debugger_entry *e) {
    __jit_debug_descriptor.relevant = e;
    __jit_debug_descriptor.action = action;
    __jit_debug_register_code();
    __jit_debug_descriptor.relevant = NULL;
    __jit_debug_descriptor.action = JIT_NOTHING;
}

void wn_debugger_add(debugger_entry *e) {
    pthread_mutex_lock(&list_mutex);
    e->previous = NULL;
    e->next = __jit_debug_descriptor.first;
    if (e->next) e->next->previous = e;
    __jit_debug_descriptor.first = e;
    announce(JIT_REGISTER, e);
    pthread_mutex_unlock(&list_mutex);
}

void wn_debugger_remove(debugger_entry *e) {
    pthread_mutex_lock(&list_mutex);
    *(e->previous ? &e->previous->next : &__jit_debug_descriptor.first) = e->next;
    if (e->next) e->next->previous = e->previous;
    announce(JIT_UNREGISTER, e);
    pthread_mutex_unlock(&list_mutex);
}
