/*
 * limit_avx2.c - what no loop of AVX2 over the same streams can go below: loads of which nothing is made, stores of a constant.
 */
#include "hand.h"

#if defined(__AVX2__)
#include <immintrin.h>

/* The compiler may not leave out the load; no instruction uses it. */
#define LOAD(at) __asm__ volatile("" ::"x"(_mm256_load_si256((const __m256i *)(const void *)(at))))
#define STORE(at) _mm256_storeu_si256((__m256i *)(void *)(at), _mm256_set1_epi8(1))
#define STREAM(at) _mm256_stream_si256((__m256i *)(void *)(at), _mm256_set1_epi8(1))

LIMIT_LOOP(plain, avx2, 32, LOAD, STORE, 0, (void)0)
LIMIT_LOOP(stream, avx2, 32, LOAD, STREAM, 0, _mm_sfence())
LIMIT_LOOP(ahead, avx2, 32, LOAD, STORE, 1, (void)0)
LIMIT_LOOP(both, avx2, 32, LOAD, STREAM, 1, _mm_sfence())

#endif
