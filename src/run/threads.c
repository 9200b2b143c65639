/*
 * threads.c - a context's threads, made when the first run wants them, and ended with the context.
 *
 * One run has them at a time; another that comes meanwhile works alone rather than wait. Tasks are claimed by a counter, so a thread
 * that is late, or never comes, holds nobody up. No result depends on who runs what.
 *
 * A process that is forked has the pool's memory but none of its threads, and mutexes as they happened to be. So a pool knows its
 * process: another one lets go of it untouched, and makes its own.
 */
#include "run/threads.h"
#include "graph/environment.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

typedef struct pool_thread {
    thread_pool *pool;
    int32_t number; /* from 1: the caller is 0 */
    pthread_t thread;
} pool_thread;

struct thread_pool {
    pthread_mutex_t busy;  /* held by the run that has the threads */
    pthread_mutex_t mutex; /* guards what follows, but for `next`  */
    pthread_cond_t wake, done;
    uint64_t job; /* counts up */
    bool ending;
    int32_t active;     /* threads inside the job */
    parallel_task task; /* NULL: no job           */
    void *user;
    int64_t tasks;
    atomic_llong next;
    int32_t count, room;
    pid_t process; /* that has the threads */
    pool_thread threads[];
};

static void run_tasks(thread_pool *p, int32_t number) {
    int64_t task;
    while ((task = atomic_fetch_add(&p->next, 1)) < p->tasks)
        p->task(p->user, task, number);
}

static void *serve(void *user) {
    pool_thread *own = user;
    thread_pool *p = own->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&p->mutex);
    while (!p->ending) {
        if (p->job == seen || !p->task) {
            seen = p->job;
            pthread_cond_wait(&p->wake, &p->mutex);
            continue;
        }
        seen = p->job;
        p->active++;
        pthread_mutex_unlock(&p->mutex);
        environment callers = environment_enter();
        run_tasks(p, own->number);
        environment_leave(callers);
        pthread_mutex_lock(&p->mutex);
        if (--p->active == 0) pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* As many as the system gives. They take no signals: handlers are the program's own threads' business. */
static void start_threads(thread_pool *p) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (p->count < p->room) {
        pool_thread *t = &p->threads[p->count];
        t->pool = p;
        t->number = p->count + 1;
        if (pthread_create(&t->thread, NULL, serve, t) != 0) break;
        p->count++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static size_t pool_size(int32_t room) {
    return sizeof(thread_pool) + (size_t)room * sizeof(pool_thread);
}

static thread_pool *new_pool(wn_context *c) {
    int32_t room = c->threads - 1;
    thread_pool *p = wn_allocate(c, pool_size(room));
    if (!p) return NULL;
    memset(p, 0, pool_size(room));
    p->room = room;
    p->process = getpid();
    pthread_mutex_init(&p->busy, NULL); /* none of these fails on a system with threads */
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    start_threads(p);
    return p;
}

static void end_threads(thread_pool *p) {
    pthread_mutex_lock(&p->mutex);
    p->ending = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    for (int32_t i = 0; i < p->count; i++)
        pthread_join(p->threads[i].thread, NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->mutex);
    pthread_mutex_destroy(&p->busy);
}

void wn_pool_free(wn_context *c, thread_pool *p) {
    if (!p) return;
    if (p->process == getpid()) end_threads(p);
    wn_release(c, p, pool_size(p->room));
}

static thread_pool *take_pool(wn_context *c) {
    if (c->threads == 1) return NULL;
    pthread_mutex_lock(&c->mutex);
    if (c->pool && c->pool->process != getpid()) {
        wn_pool_free(c, c->pool);
        c->pool = NULL;
    }
    if (!c->pool) c->pool = new_pool(c);
    thread_pool *p = c->pool;
    pthread_mutex_unlock(&c->mutex);
    return p && pthread_mutex_trylock(&p->busy) == 0 ? p : NULL;
}

static void run_alone(int64_t count, parallel_task task, void *user) {
    for (int64_t i = 0; i < count; i++)
        task(user, i, 0);
}

void wn_parallel(wn_context *c, int64_t count, parallel_task task, void *user) {
    thread_pool *p = count > 1 ? take_pool(c) : NULL;
    if (!p) {
        run_alone(count, task, user);
        return;
    }
    pthread_mutex_lock(&p->mutex);
    p->task = task;
    p->user = user;
    p->tasks = count;
    atomic_store(&p->next, 0);
    p->job++;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);

    run_tasks(p, 0);

    pthread_mutex_lock(&p->mutex);
    while (p->active > 0)
        pthread_cond_wait(&p->done, &p->mutex);
    p->task = NULL;
    pthread_mutex_unlock(&p->mutex);
    pthread_mutex_unlock(&p->busy);
}
