/*
 * environment.h - the floating-point environment of runs, folding and compiling: the default one, whatever the caller's is.
 *
 * The caller's comes back as it was, the sticky flags of exceptions included. Entering reads MXCSR, and writes it only if the mode is another
 * one, which takes tens of nanoseconds. Leaving writes it without reading it: a read waits for all floats under way (4 ns a run on a Zen 4).
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
