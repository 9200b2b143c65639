/*
 * threads.c - who runs the tasks of a run: a context's own threads, made when the first run wants them and ended with the context,
 * or the embedder's, by its parallel_for.
 *
 * A run is a job on its caller's stack. Whoever takes part claims a worker's number by one counter and tasks by another, so a thread
 * that is late, or never comes, or comes twice, holds nobody up; what others leave the caller does. No result depends on who runs what.
 *
 * Of the own threads one run has them at a time; another that comes meanwhile works alone rather than wait. A thread that has nothing
 * to do spins for a moment, since runs follow each other and a wake takes microseconds, then sleeps.
 *
 * A process that is forked has the pool's memory but none of its threads, and mutexes as they happened to be. So a pool knows its
 * process: another one lets go of it untouched, and makes its own.
 */
#include "run/threads.h"
#include "graph/environment.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How long a thread without work spins before it sleeps. */
#define SPIN_NANOSECONDS 50000

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Between two looks at what another thread is about to do: patient with one that is not running just now. */
static void wait_a_little(unsigned *looks) {
    static const struct timespec nap = {0, 50000};
    if (*looks < 100)
        relax();
    else if (*looks < 4000)
        sched_yield();
    else
        nanosleep(&nap, NULL);
    ++*looks;
}

/* ---- Jobs ---------------------------------------------------------------------------------------------------------------- */

typedef struct job {
    parallel_task task;
    void *user;
    int64_t count, workers;
    atomic_llong entered; /* how often it was taken part in: the next worker's number */
    atomic_llong next;    /* task */
    atomic_llong inside;  /* the embedder's threads */
} job;

static void take_part(job *j) {
    int64_t number = atomic_fetch_add(&j->entered, 1), task;
    if (number >= j->workers) return;
    while ((task = atomic_fetch_add(&j->next, 1)) < j->count)
        j->task(j->user, task, (int32_t)number);
}

int64_t wn_add_in_turn(running_sum *s, int64_t task, int64_t count) {
    unsigned looks = 0;
    while (atomic_load_explicit(&s->turn, memory_order_acquire) != task)
        wait_a_little(&looks);
    int64_t before = s->sum;
    s->sum += count;
    atomic_store_explicit(&s->turn, task + 1, memory_order_release);
    return before;
}

/* ---- The embedder's threads -------------------------------------------------------------------------------------------- */

static void take_part_hosted(void *user, size_t index) {
    job *j = user;
    (void)index;
    atomic_fetch_add(&j->inside, 1);
    environment callers = environment_enter();
    take_part(j);
    environment_leave(callers);
    atomic_fetch_sub(&j->inside, 1);
}

static void run_hosted(const wn_context *c, job *j) {
    unsigned looks = 0;
    size_t calls = (size_t)(j->count < j->workers ? j->count : j->workers);
    c->parallel_for(c->parallel_for_user, calls, take_part_hosted, j);
    take_part(j);
    while (atomic_load(&j->inside) > 0)
        wait_a_little(&looks);
}

/* ---- The pool ------------------------------------------------------------------------------------------------------------ */

struct thread_pool {
    pthread_mutex_t busy; /* held by the run that has the threads */
    _Atomic(uint64_t) state; /* the job's number, from bit 32 on; whether it may be joined; how many threads are inside */
    job *job;
    pthread_mutex_t mutex; /* of those who sleep: */
    pthread_cond_t wake;   /* threads, for a job                   */
    pthread_cond_t done;   /* the caller, for the threads inside   */
    atomic_int sleepers;
    atomic_bool caller_sleeps;
    int32_t count, room;
    pid_t process; /* that has the threads */
    pthread_t threads[];
};

#define JOB_NUMBER ((uint64_t)1 << 32)
#define JOB_OPEN ((uint64_t)1 << 31)
#define POOL_ENDS ((uint64_t)1 << 30)
#define THREADS_INSIDE (POOL_ENDS - 1)

/* Look at the state until it is what is waited for, or a while is over. */
static bool spin(thread_pool *p, bool (*is_it)(uint64_t state, uint64_t seen), uint64_t seen,
                 uint64_t *state) {
    int64_t end = 0;
    for (unsigned looks = 0;; looks++) {
        *state = atomic_load_explicit(&p->state, memory_order_acquire);
        if (is_it(*state, seen)) return true;
        if (looks % 32 == 0) {
            int64_t time = now();
            if (end == 0) end = time + SPIN_NANOSECONDS;
            if (time >= end) return false;
        }
        relax();
    }
}

/* Whether there is a job that a thread whose last was `seen` has not been in, or the end. */
static bool is_news(uint64_t state, uint64_t seen) {
    return state & POOL_ENDS || (state & JOB_OPEN && state / JOB_NUMBER != seen);
}

static bool all_have_left(uint64_t state, uint64_t seen) {
    (void)seen;
    return (state & THREADS_INSIDE) == 0;
}

/* Till there has been another job than that of `state`: it may be over again, but then the next is likely to be soon. */
static void sleep_on(thread_pool *p, uint64_t state) {
    uint64_t current;
    pthread_mutex_lock(&p->mutex);
    atomic_fetch_add(&p->sleepers, 1);
    while (current = atomic_load(&p->state),
           current / JOB_NUMBER == state / JOB_NUMBER && !(current & POOL_ENDS))
        pthread_cond_wait(&p->wake, &p->mutex);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->mutex);
}

static void leave(thread_pool *p) {
    uint64_t state = atomic_fetch_sub(&p->state, 1) - 1;
    if (state & (JOB_OPEN | THREADS_INSIDE) || !atomic_load(&p->caller_sleeps)) return;
    pthread_mutex_lock(&p->mutex);
    pthread_cond_signal(&p->done);
    pthread_mutex_unlock(&p->mutex);
}

static void *serve(void *user) {
    thread_pool *p = user;
    uint64_t seen = 0, state = 0;
    while (!(state & POOL_ENDS)) {
        if (!spin(p, is_news, seen, &state)) {
            sleep_on(p, state);
        } else if (!(state & POOL_ENDS) && atomic_compare_exchange_strong(&p->state, &state, state + 1)) {
            seen = state / JOB_NUMBER;
            environment callers = environment_enter();
            take_part(p->job);
            environment_leave(callers);
            leave(p);
        }
    }
    return NULL;
}

static void wake_sleepers(thread_pool *p) {
    if (atomic_load(&p->sleepers) == 0) return;
    pthread_mutex_lock(&p->mutex);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
}

static void wait_for_threads(thread_pool *p) {
    uint64_t state;
    if (spin(p, all_have_left, 0, &state)) return;
    pthread_mutex_lock(&p->mutex);
    atomic_store(&p->caller_sleeps, true);
    while (!all_have_left(atomic_load(&p->state), 0))
        pthread_cond_wait(&p->done, &p->mutex);
    atomic_store(&p->caller_sleeps, false);
    pthread_mutex_unlock(&p->mutex);
}

static void run_on_pool(thread_pool *p, job *j) {
    uint64_t number = atomic_load(&p->state) / JOB_NUMBER + 1;
    p->job = j;
    atomic_store(&p->state, number * JOB_NUMBER | JOB_OPEN);
    wake_sleepers(p);
    take_part(j);
    atomic_fetch_and(&p->state, ~JOB_OPEN);
    wait_for_threads(p);
}

/* As many as the system gives. They take no signals: handlers are the program's own threads' business. */
static void start_threads(thread_pool *p) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (p->count < p->room && pthread_create(&p->threads[p->count], NULL, serve, p) == 0)
        p->count++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static size_t pool_size(int32_t room) {
    return sizeof(thread_pool) + (size_t)room * sizeof(pthread_t);
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
    atomic_fetch_or(&p->state, POOL_ENDS);
    wake_sleepers(p);
    for (int32_t i = 0; i < p->count; i++)
        pthread_join(p->threads[i], NULL);
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

/* ---- A run --------------------------------------------------------------------------------------------------------------- */

void wn_parallel(wn_context *c, int64_t count, parallel_task task, void *user) {
    job j = {.task = task, .user = user, .count = count, .workers = c->threads};
    bool alone = count < 2 || c->threads == 1;
    thread_pool *p = alone || c->parallel_for ? NULL : take_pool(c);
    if (p) {
        run_on_pool(p, &j);
        pthread_mutex_unlock(&p->busy);
    } else if (!alone && c->parallel_for) {
        run_hosted(c, &j);
    } else {
        take_part(&j);
    }
}
