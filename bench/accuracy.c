/*
 * accuracy.c - how far float32 sums are from the exact ones, beside those that NumPy's way of adding gives.
 *
 * An error counts as a part of the sum of absolute values, in units of 2^-24, half of the distance of floats at 1: so it does not
 * depend on how much of the sum cancels. "Exact" is a sum in double of what at most 4,096 values in double add up to.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

#define VALUES ((size_t)16 << 20)
#define SEEDS 20

/* ---- What NumPy does: pairs of halves, down to blocks of 128 that are added in eight lanes ------------------------------- */

static float block_sum(const float *x, size_t n) {
    float lane[8] = {0};
    for (size_t i = 0; i < n; i++)
        lane[i % 8] += x[i];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

/* n is a multiple of 8 */
static float pairwise_sum(const float *x, size_t n) {
    if (n <= 128) return block_sum(x, n);
    size_t half = n / 2 - n / 2 % 8;
    return pairwise_sum(x, half) + pairwise_sum(x + half, n - half);
}

/* ---- Values --------------------------------------------------------------------------------------------------------------- */

static double uniform(uint64_t *state) {
    return (double)(next_random(state) >> 40) * 0x1p-24;
}

static void fill_uniform(float *x, uint64_t seed) {
    for (size_t i = 0; i < VALUES; i++)
        x[i] = (float)uniform(&seed);
}

/* Box and Muller: two normal values of two uniform ones. */
static void fill_normal(float *x, uint64_t seed) {
    for (size_t i = 0; i < VALUES; i += 2) {
        double radius = sqrt(-2 * log(1 - uniform(&seed))),
               angle = 0x1.921fb54442d18p+2 * uniform(&seed);
        x[i] = (float)(radius * cos(angle));
        x[i + 1] = (float)(radius * sin(angle));
    }
}

static const struct distribution {
    const char *name;
    void (*fill)(float *x, uint64_t seed);
} distributions[] = {
    {"uniform in [0, 1)", fill_uniform},
    {"normal", fill_normal},
};

/* ---- Errors --------------------------------------------------------------------------------------------------------------- */

typedef struct errors {
    double mean, most;
} errors;

static void exact_sums(const float *x, double *sum, double *absolute) {
    *sum = *absolute = 0;
    for (size_t i = 0; i < VALUES; i += 4096) {
        double here = 0, absolute_here = 0;
        for (size_t k = i; k < i + 4096; k++) {
            here += (double)x[k];
            absolute_here += fabs((double)x[k]);
        }
        *sum += here;
        *absolute += absolute_here;
    }
}

static void add_error(errors *e, float sum, double exact, double absolute) {
    double error = fabs((double)sum - exact) / absolute * 0x1p24;
    e->mean += error / SEEDS;
    e->most = fmax(e->most, error);
}

static bool measure_distribution(report *r, wn_binding *b, const arrays *a, const float *sum,
                                 const struct distribution *d) {
    errors ours = {0}, pairs = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        double exact, absolute;
        d->fill(a->in[0], seed << 32);
        exact_sums(a->in[0], &exact, &absolute);
        TRY(wn_run(b, NULL) == WN_OK);
        add_error(&ours, *sum, exact, absolute);
        add_error(&pairs, pairwise_sum(a->in[0], VALUES), exact, absolute);
    }
    printf("%-32s %9.4f %9.4f %9.4f %9.4f %7.2f\n", d->name, ours.mean, ours.most, pairs.mean,
           pairs.most, ours.mean / pairs.mean);
    const double values[] = {ours.mean, ours.most, pairs.mean, pairs.most};
    const char *const whats[] = {"mean", "most", "pairwise mean", "pairwise most"};
    for (size_t k = 0; k < LENGTH(values); k++)
        TRY(keep_cost(r, "native", "2^-24", values[k], "error of a sum, %s: %s", d->name, whats[k]));
    return true;
}

static bool measure_sums(report *r, wn_context *context) {
    const work sum = {.text = "sum(x)", .inputs = "x", .kind = WORK_REDUCE, .type = WN_F32};
    arrays a;
    TRY(arrays_new(&a, &sum, VALUES));
    wn_binding *b = bind(context, WN_ISA_NATIVE, &a);
    bool done = b != NULL;
    for (size_t i = 0; done && i < LENGTH(distributions); i++)
        done = measure_distribution(r, b, &a, (const float *)(const void *)a.out, &distributions[i]);
    wn_binding_free(b);
    arrays_free(&a);
    return done;
}

bool measure_accuracy(report *r) {
    printf("float32 sums of 16 Mi values, %d seeds: |error| / sum of |x|, in units of 2^-24\n", SEEDS);
    printf("%-32s %9s %9s %9s %9s %7s\n", "", "winnow", "most", "pairwise", "most", "ratio");
    wn_context *context = wn_context_new(NULL);
    bool done = context && measure_sums(r, context);
    wn_context_free(context);
    return done;
}
