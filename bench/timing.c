/*
 * timing.c - candidates take turns, round after round; a sample is so many calls that the clock does not count.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define SAMPLE_NS 30e3
/* Above this a call leaves nothing in the caches that its next one could use. */
#define WARM_NS 1e6

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double sample(const candidate *c, size_t calls) {
    double start = now();
    for (size_t i = 0; i < calls; i++)
        c->call(c);
    return (now() - start) / (double)calls;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(const double *values, size_t count) {
    double sorted[MAX_ROUNDS];
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static size_t calls_in_sample(const candidate *c) {
    c->call(c);
    size_t calls = 1;
    while (sample(c, calls) * (double)calls < SAMPLE_NS)
        calls *= 2;
    return calls;
}

static void move_output(candidate *c, size_t count, const work *w, const arrays *a, size_t place) {
    char *to = a->out + place * PLACE;
    wn_array in[MAX_INPUTS], out = array_of_output(a, w, to);
    arrays_of_inputs(a, w->inputs, in);
    for (size_t i = 0; i < count; i++)
        c[i].out = to;
    wn_rebind(c[0].binding, in, strlen(w->inputs), &out, 1, NULL);
}

/* Each candidate begins a round as often as the others, and finds its own data in the caches when its sample begins. */
size_t take_turns(candidate *c, size_t count, const work *w, const arrays *a, timing *t, bool quick) {
    size_t calls[MAX_CANDIDATES], rounds = 0;
    for (size_t i = 0; i < count; i++)
        calls[i] = calls_in_sample(&c[i]);
    double budget = quick ? 0.04e9 : 0.3e9, start = now();
    size_t least = quick ? 7 : 21;
    for (; rounds < MAX_ROUNDS && (rounds < least || now() - start < budget); rounds++) {
        move_output(c, count, w, a, rounds % PLACES);
        for (size_t i = 0; i < count; i++) {
            size_t k = (rounds + i) % count;
            if (calls[k] > 1 || (rounds && t[k].samples[rounds - 1] < WARM_NS)) c[k].call(&c[k]);
            t[k].samples[rounds] = sample(&c[k], calls[k]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        t[i].median = median(t[i].samples, rounds);
        t[i].best = t[i].samples[0];
        for (size_t r = 1; r < rounds; r++)
            t[i].best = fmin(t[i].best, t[i].samples[r]);
    }
    return rounds;
}
