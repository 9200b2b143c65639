/*
 * timing.c - candidates take turns, round after round; a sample is so many calls that the clock does not count.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define SAMPLE_NS 20e3
/* A core that sleeps is slow to wake, in a virtual machine up to two milliseconds: with two threads, many calls follow each other. */
#define SAMPLE_NS_THREADS 1e6
#define WAKING_SAMPLES 4
/* Above this a call leaves nothing in the caches that its next one could use. */
#define WARM_NS 1e6
/* Before a sample: one call does not undo what the stores of the candidate before did, which may have gone past the caches. */
#define WARM_CALLS 4

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

double median_ratio(const timing *over, const timing *under, size_t rounds) {
    double ratios[MAX_ROUNDS];
    for (size_t r = 0; r < rounds; r++)
        ratios[r] = over->samples[r] / under->samples[r];
    return median(ratios, rounds);
}

double best_of(const candidate *c, size_t calls) {
    double best = INFINITY;
    for (int k = 0; k < 21; k++)
        best = fmin(best, sample(c, calls));
    return best;
}

static size_t calls_in_sample(const candidate *c, double least) {
    c->call(c);
    size_t calls = 1;
    while (sample(c, calls) * (double)calls < least)
        calls *= 2;
    return calls;
}

static void move_outputs(candidate *c, size_t count, const arrays *a, size_t place) {
    wn_array in[MAX_INPUTS], out[MAX_OUTPUTS];
    char *to = a->out + place * PLACE;
    size_t outs = arrays_of_outputs(a, to, out);
    for (size_t i = 0; i < count * a->masks; i++) {
        arrays own = arrays_with_mask(a, i / count);
        size_t ins = arrays_of_inputs(&own, in);
        c[i].out = to;
        for (size_t k = 0; k < outs; k++)
            c[i].streams.out[k] = out[k].data;
        if (c[i].binding) wn_rebind(c[i].binding, in, ins, out, outs, NULL);
    }
}

/* One behind the other, those of all masks by turns. */
static void call_each(const candidate *c, size_t count, size_t masks, size_t calls) {
    for (size_t i = 0; i < calls; i++)
        c[i % masks * count].call(&c[i % masks * count]);
}

/* As `sample`, but no call sees what one before it saw: in bursts of a call for each mask, less what reading the clock takes. */
static double sample_unseen(const candidate *c, size_t count, const arrays *a, size_t calls,
                            uint64_t seed) {
    size_t bursts = (calls + a->masks - 1) / a->masks;
    double ns = 0, clock = INFINITY;
    for (size_t i = 0; i < bursts; i++) {
        call_each(c, count, a->masks, WARM_CALLS);
        arrays_shuffle(a, &seed);
        double before = now(), start = now();
        call_each(c, count, a->masks, a->masks);
        ns += now() - start;
        clock = fmin(clock, start - before);
    }
    return (ns / (double)bursts - clock) / (double)a->masks;
}

/* Each candidate begins a round as often as the others, and finds its own data in the caches when its sample begins. */
static void one_round(const candidate *c, size_t count, const arrays *a, const size_t *calls,
                      size_t round, size_t threads, timing *t) {
    for (size_t i = 0; i < count; i++) {
        size_t k = (round + i) % count;
        for (int n = 0; threads > 1 && n < WAKING_SAMPLES; n++)
            sample(&c[k], calls[k]);
        if (a->masks == 1 && (calls[k] > 1 || (round && t[k].samples[round - 1] < WARM_NS)))
            call_each(&c[k], count, 1, WARM_CALLS);
        t[k].samples[round] = a->masks == 1 ? sample(&c[k], calls[k])
                                            : sample_unseen(&c[k], count, a, calls[k], round);
    }
}

static bool round_of_peers(peers *p, timing *t, size_t round) {
    double ns[MAX_PEERS];
    TRY(peers_round(p, ns));
    for (size_t k = 0; k < peer_count(p); k++)
        t[k].samples[round] = ns[k];
    return true;
}

static void conclude(timing *t, size_t rounds) {
    t->median = median(t->samples, rounds);
    t->best = t->samples[0];
    for (size_t r = 1; r < rounds; r++)
        t->best = fmin(t->best, t->samples[r]);
}

size_t take_turns(candidate *c, size_t count, const arrays *a, peers *p, timing *t, size_t threads,
                  bool quick) {
    size_t calls[MAX_CANDIDATES], rounds = 0, least = quick || p ? 7 : 21;
    for (size_t i = 0; i < count; i++)
        calls[i] = calls_in_sample(&c[i], threads > 1 ? SAMPLE_NS_THREADS : SAMPLE_NS);
    double budget = (quick ? 0.005e9 : 0.06e9) * (double)count * (p ? 2 : 1), start = now();
    for (; rounds < MAX_ROUNDS && (rounds < least || now() - start < budget); rounds++) {
        move_outputs(c, count, a, rounds % PLACES);
        one_round(c, count, a, calls, rounds, threads, t);
        if (p && !round_of_peers(p, t + count, rounds)) return 0;
    }
    for (size_t i = 0; i < count + peer_count(p); i++)
        conclude(&t[i], rounds);
    return rounds;
}
