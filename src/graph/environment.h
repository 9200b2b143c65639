/*
 * environment.h - the floating-point environment of runs, folding and compiling: the default one, whatever the caller's is.
 *
 * The caller's comes back as it was, the sticky flags of exceptions included. MXCSR is written then without a look at what became of it:
 * reading it waits for all floats that are under way (on a Zen 4 that costs 4 ns a run), writing does not. Before, it is read, and written only
 * if its mode is another one, which takes tens of nanoseconds.
 */
#ifndef WN_ENVIRONMENT_H
#define WN_ENVIRONMENT_H

#if defined(__x86_64__)

#include <immintrin.h>

#define MXCSR_DEFAULT 0x1F80u /* round to nearest, subnormals kept, exceptions masked */
#define MXCSR_FLAGS 0x003Fu

typedef unsigned environment;

static inline environment environment_enter(void) {
    environment callers = _mm_getcsr();
    if ((callers & ~MXCSR_FLAGS) != MXCSR_DEFAULT) _mm_setcsr(MXCSR_DEFAULT);
    return callers;
}

static inline void environment_leave(environment callers) {
    _mm_setcsr(callers);
}

#else

#include <fenv.h>

typedef fenv_t environment;

static inline environment environment_enter(void) {
    environment callers;
    fegetenv(&callers);
    fesetenv(FE_DFL_ENV);
    return callers;
}

static inline void environment_leave(environment callers) {
    fesetenv(&callers);
}

#endif

#endif
