/*
 * arrays.c - what works read and write: an array for each letter, all in one piece of memory.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

/* Arrays begin five lines later each, so that they do not fall into the same sets of a cache. */
#define STAGGER 320

static const struct input_row {
    const char *name;
    wn_type type;
} input_rows[MAX_INPUTS] = {
    {"x", WN_F32},  {"a", WN_F32}, {"b", WN_F32}, {"c", WN_F32},
    {"m", WN_BOOL}, {"i", WN_I32}, {"d", WN_F64}, {"v", WN_F32},
};

static size_t input_of(char letter) {
    size_t k = 0;
    while (*input_rows[k].name != letter)
        k++;
    return k;
}

uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ---- Filling ---------------------------------------------------------------------------------------------------------- */

static float value_of(uint64_t v, filling how) {
    const float special[] = {NAN, -0.0f, INFINITY, -INFINITY, 0, 1e-45f};
    if (how == FILL_ZEROS) return v & 1 ? -0.0f : 0.0f;
    if (how == FILL_SPECIAL && v % 509 < LENGTH(special)) return special[v % 509];
    return (float)(v >> 40) * 0x1p-24f - 0.5f;
}

static void fill(void *to, wn_type type, size_t n, uint64_t seed, filling how) {
    for (size_t i = 0; i < n; i++) {
        uint64_t v = next_random(&seed);
        switch ((int)type) {
        case WN_F32: ((float *)to)[i] = value_of(v, how); break;
        case WN_F64: ((double *)to)[i] = (double)(v >> 11) * 0x1p-53 - 0.5; break;
        case WN_I32: ((int32_t *)to)[i] = (int32_t)(v >> 32); break;
        default: ((char *)to)[i] = (char)(v >> 63); break;
        }
    }
}

void arrays_fill(const arrays *a, const char *inputs, filling how) {
    for (; *inputs; inputs++) {
        size_t k = input_of(*inputs);
        fill(a->in[k], input_rows[k].type, a->n, k + 1, how);
    }
}

/* ---- Making ----------------------------------------------------------------------------------------------------------- */

size_t input_bytes(const char *inputs) {
    size_t bytes = 0;
    for (; *inputs; inputs++)
        bytes += wn_type_size(input_rows[input_of(*inputs)].type);
    return bytes;
}

bool arrays_new(arrays *a, size_t n, const char *inputs) {
    size_t out = n * 9 + PLACES * PLACE;
    *a = (arrays){.n = n, .input_bytes = n * input_bytes(inputs) + STAGGER * strlen(inputs)};
    size_t total = (a->input_bytes + out + 63) & ~(size_t)63;
    a->memory = aligned_alloc(64, total);
    if (!a->memory) {
        fprintf(stderr, "winnow-bench: no memory for %zu bytes\n", total);
        return false;
    }
    memset(a->memory, 0, total);
    for (size_t k = 0; k < MAX_INPUTS; k++)
        a->in[k] = a->memory;
    char *at = a->memory;
    const char *first = inputs;
    for (; *inputs; inputs++) {
        size_t k = input_of(*inputs);
        a->in[k] = at;
        at += n * wn_type_size(input_rows[k].type) + STAGGER;
    }
    a->out = at;
    arrays_fill(a, first, FILL_SPECIAL);
    const char *m = a->in[input_of('m')];
    for (size_t i = 0; strchr(first, 'm') && i < n; i++)
        a->selected += (size_t)m[i];
    return true;
}

/* ---- As a graph, a binding and a hand-written loop take them ------------------------------------------------------------ */

void arrays_of_inputs(const arrays *a, const char *inputs, wn_array to[MAX_INPUTS]) {
    for (size_t i = 0; inputs[i]; i++) {
        size_t k = input_of(inputs[i]);
        to[i] =
            wn_vector(input_rows[k].type, a->in[k], (int64_t)(inputs[i] == 'v' ? a->selected : a->n));
    }
}

wn_array array_of_output(const arrays *a, const work *w, void *to) {
    return is_reduction(w) ? wn_scalar(w->type, to) : wn_vector(w->type, to, (int64_t)a->n);
}

void declare_inputs(wn_graph *g, const char *inputs) {
    for (; *inputs; inputs++) {
        const struct input_row *row = &input_rows[input_of(*inputs)];
        (void)wn_input(g, row->name, row->type, WN_ANY);
    }
}

hand_inputs hand_inputs_of(const arrays *a) {
    return (hand_inputs){a->in[0], a->in[1], a->in[2],
                         a->in[3], a->in[4], a->in[5],
                         a->in[6], a->in[7], (const unsigned char *)a->memory};
}
