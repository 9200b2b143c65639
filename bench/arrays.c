/*
 * arrays.c - what works read and write: an array for each letter, all in one piece of memory.
 */
#define _GNU_SOURCE /* madvise */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#define WORD 64 /* bools that loops look at at once */

static const struct input_row {
    const char *name;
    wn_type type;
    int32_t row; /* 0: of rank 1 */
} input_rows[MAX_INPUTS] = {
    {"x", WN_F32, 0}, {"a", WN_F32, 0},  {"b", WN_F32, 0}, {"c", WN_F32, 0}, {"e", WN_F32, 0},
    {"f", WN_F32, 0}, {"m", WN_BOOL, 0}, {"i", WN_I32, 0}, {"d", WN_F64, 0}, {"v", WN_F32, 0},
    {"u", WN_U8, 0},  {"s", WN_I16, 0},  {"t", WN_F32, 3},
};
enum { MASK = 6 }; /* m's row */

static size_t input_of(char letter) {
    size_t k = 0;
    while (*input_rows[k].name != letter)
        k++;
    return k;
}

static size_t row_of(size_t k) {
    return input_rows[k].row ? (size_t)input_rows[k].row : 1;
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

/* The integers go over their types' ranges; `per_mille` of the bools are true. */
static void fill(void *to, wn_type type, size_t n, uint64_t seed, filling how, uint64_t per_mille) {
    for (size_t i = 0; i < n; i++) {
        uint64_t v = next_random(&seed);
        switch ((int)type) {
        case WN_F32: ((float *)to)[i] = value_of(v, how); break;
        case WN_F64: ((double *)to)[i] = (double)value_of(v, how); break;
        case WN_I32: ((int32_t *)to)[i] = (int32_t)(v >> 32); break;
        case WN_I16: ((int16_t *)to)[i] = (int16_t)(v >> 48); break;
        case WN_U8: ((uint8_t *)to)[i] = (uint8_t)(v >> 56); break;
        default: ((char *)to)[i] = (v >> 32) % 1000 < per_mille;
        }
    }
}

arrays arrays_with_mask(const arrays *a, size_t mask) {
    arrays other = *a;
    other.in[MASK] = (char *)a->in[MASK] + mask * (a->n + HAND_STAGGER);
    return other;
}

void arrays_fill(const arrays *a, filling how) {
    for (const char *letter = a->w->inputs; *letter; letter++) {
        size_t k = input_of(*letter);
        fill(a->in[k], input_rows[k].type, a->n * row_of(k), k + 1, how,
             a->w->per_mille ? (uint64_t)a->w->per_mille : 500);
    }
    for (size_t k = 1; k < a->masks; k++)
        memcpy(arrays_with_mask(a, k).in[MASK], a->in[MASK], a->n);
}

/* As many are true as before. */
void arrays_shuffle(const arrays *a, uint64_t *state) {
    for (size_t k = 0; k < a->masks; k++) {
        char(*words)[WORD] = arrays_with_mask(a, k).in[MASK], word[WORD];
        for (size_t i = a->n / WORD; i > 1; i--) {
            size_t other = next_random(state) % i;
            memcpy(word, words[i - 1], WORD);
            memcpy(words[i - 1], words[other], WORD);
            memcpy(words[other], word, WORD);
        }
    }
}

/* ---- Making ----------------------------------------------------------------------------------------------------------- */

static size_t input_bytes(const arrays *a, size_t k) {
    size_t n = *input_rows[k].name == 'v' ? a->selected : a->n;
    return n * row_of(k) * wn_type_size(input_rows[k].type);
}

/* Kernels and loops by hand branch only where bools select. Few masks, so that the caches hold them and a binding of each. */
static size_t mask_count(const work *w, size_t n) {
    if (!strchr(w->inputs, 'm') || is_reduction(w) || !is_learnt(n)) return 1;
    return n > 64 << 10 ? 2 : MAX_MASKS;
}

size_t output_stride(const arrays *a) {
    return a->n * element_size(a->w) + HAND_STAGGER;
}

bool arrays_new(arrays *a, const work *w, size_t n) {
    *a = (arrays){.w = w, .n = n, .selected = n, .masks = mask_count(w, n)};
    size_t ins = 0, outs = output_count(w) * output_stride(a) + PLACES * PLACE;
    ins += (a->masks - 1) * (n + HAND_STAGGER);
    for (const char *letter = w->inputs; *letter; letter++)
        ins += input_bytes(a, input_of(*letter)) + HAND_STAGGER;
    size_t page = ins + outs > (size_t)4 << 20 ? (size_t)2 << 20 : 64;
    size_t total = (ins + outs + page) / page * page;
    a->memory = aligned_alloc(page, total);
    if (!a->memory) {
        fprintf(stderr, "winnow-bench: no memory for %zu bytes\n", total);
        return false;
    }
#ifdef __linux__
    /* As NumPy asks for its large arrays. */
    if (page > 64) madvise(a->memory, total, MADV_HUGEPAGE);
#endif
    memset(a->memory, 0, total);
    for (size_t k = 0; k < MAX_INPUTS; k++)
        a->in[k] = a->memory;
    char *at = a->memory;
    for (const char *letter = w->inputs; *letter; letter++) {
        size_t k = input_of(*letter);
        a->in[k] = at;
        at += (input_bytes(a, k) + HAND_STAGGER) * (k == MASK ? a->masks : 1);
    }
    a->out = at;
    arrays_fill(a, FILL_FINITE);
    const char *m = a->in[MASK];
    if (strchr(w->inputs, 'm'))
        for (size_t i = a->selected = 0; i < n; i++)
            a->selected += (size_t)m[i];
    return true;
}

void arrays_free(arrays *a) {
    free(a->memory);
}

/* ---- As a graph, a binding, a hand-written loop and the limit take them -------------------------------------------------- */

size_t arrays_of_inputs(const arrays *a, wn_array to[MAX_INPUTS]) {
    size_t count = 0;
    for (const char *letter = a->w->inputs; *letter; letter++) {
        size_t k = input_of(*letter);
        int64_t shape[2] = {(int64_t)(*letter == 'v' ? a->selected : a->n), input_rows[k].row};
        to[count++] = wn_array_of(input_rows[k].type, a->in[k], 1 + (input_rows[k].row > 0), shape);
    }
    return count;
}

size_t arrays_of_outputs(const arrays *a, void *out, wn_array to[MAX_OUTPUTS]) {
    int64_t shape[2] = {(int64_t)a->n, a->w->row};
    int32_t rank = is_reduction(a->w) ? 0 : 1 + (a->w->row > 0);
    for (size_t k = 0; k < output_count(a->w); k++)
        to[k] = wn_array_of(a->w->type, (char *)out + k * output_stride(a), rank, shape);
    return output_count(a->w);
}

void declare_inputs(wn_graph *g, const char *inputs) {
    for (; *inputs; inputs++) {
        const struct input_row *row = &input_rows[input_of(*inputs)];
        const int64_t dims[2] = {WN_ANY, row->row};
        (void)wn_input_dims(g, row->name, row->type, 1 + (row->row > 0), dims);
    }
}

hand_inputs hand_inputs_of(const arrays *a) {
    return (hand_inputs){a->in[0], a->in[1], a->in[2], a->in[3],  a->in[4],  a->in[5], a->in[6],
                         a->in[7], a->in[8], a->in[9], a->in[10], a->in[11], a->in[12]};
}

limit_streams streams_of(const arrays *a) {
    limit_streams s = {.steps = 1};
    for (const char *letter = a->w->inputs; *letter; letter++, s.in_count++) {
        size_t k = input_of(*letter);
        s.in[s.in_count] = a->in[k];
        s.in_bytes[s.in_count] = input_bytes(a, k);
    }
    for (; !is_reduction(a->w) && s.out_count < output_count(a->w); s.out_count++) {
        s.out[s.out_count] = a->out + s.out_count * output_stride(a);
        s.out_bytes[s.out_count] = a->elements * element_size(a->w);
    }
    /* Streams take turns, by a KiB or two; one alone need not. */
    while (s.in_count + s.out_count > 1 && s.steps * 1024 < a->n)
        s.steps *= 2;
    return s;
}

size_t traffic(const limit_streams *s) {
    size_t bytes = 0;
    for (size_t k = 0; k < s->in_count; k++)
        bytes += s->in_bytes[k];
    for (size_t k = 0; k < s->out_count; k++)
        bytes += s->out_bytes[k];
    return bytes;
}
