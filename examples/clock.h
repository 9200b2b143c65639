/* clock.h - milliseconds, for the examples that say how long they took. */
#ifndef CLOCK_H
#define CLOCK_H

#include <time.h>

static inline double now_ms(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

#endif
