/*
 * threads.h - a context's threads, and how a run is cut into tasks for them.
 */
#ifndef WN_THREADS_H
#define WN_THREADS_H

#include "run/context.h"

/* Spaces with fewer elements are not worth waking a thread for. */
#define PARALLEL_LEAST (64 * 1024)

/* `worker` is below the context's number of threads, and no two tasks run at once under one number. */
typedef void (*parallel_task)(void *user, int64_t task, int32_t worker);

/*
 * Run tasks 0 .. count - 1, in the default floating-point environment, on as many threads as there are to be had at the moment
 * (the caller's alone, if another run has the others), and return when all are done.
 */
void wn_parallel(wn_context *c, int64_t count, parallel_task task, void *user);

#endif
