/*
 * debugger.h - the list through which GDB finds machine code that no file on disk holds.
 */
#ifndef WN_DEBUGGER_H
#define WN_DEBUGGER_H

#include <stdint.h>

/* An object in memory, as GDB's documentation lays it out ("JIT Compilation Interface"): its sections' addresses are those they run at. */
typedef struct debugger_entry {
    struct debugger_entry *next, *previous;
    const char *object;
    uint64_t size;
} debugger_entry;

/* Put an entry, whose object is filled in, into the list, and take it out; both stop for a debugger that is attached. Thread-safe. */
void wn_debugger_add(debugger_entry *e);
void wn_debugger_remove(debugger_entry *e);

#endif
