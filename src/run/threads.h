/*
 * threads.h - a context's threads, and how a run is cut into tasks for them.
 */
#ifndef WN_THREADS_H
#define WN_THREADS_H

#include "run/context.h"

#include <stdatomic.h>

/* `worker` is below the context's number of threads, and no two tasks run at once under one number. */
typedef void (*parallel_task)(void *user, int64_t task, int32_t worker);

/*
 * Run tasks 0 .. count - 1, in the default floating-point environment, on as many threads as there are to be had at the moment
 * (the caller's alone, if another run has the others), and return when all are done. Tasks begin in the order of their numbers,
 * each on a thread that does not leave it: so a task may wait for those with lower numbers, and for no other.
 */
void wn_parallel(wn_context *c, int64_t count, parallel_task task, void *user);

/* A sum that tasks learn and add to in the order of their numbers. Begins as {0}. */
typedef struct running_sum {
    atomic_llong turn; /* the task that may add next */
    int64_t sum;
} running_sum;

/* Wait for the tasks before `task` to have added theirs, add to the sum, and let the next one go on; what the sum was before. Every task
   of a wn_parallel must add, once. */
int64_t wn_add_in_turn(running_sum *s, int64_t task, int64_t count);

#endif
