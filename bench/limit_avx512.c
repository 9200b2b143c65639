/*
 * limit_avx512.c - what no loop of AVX-512 over the same streams can go below: loads of which nothing is made, stores of a constant.
 */
#include "hand.h"

#if defined(__AVX512F__)
#include <immintrin.h>

/* The compiler may not leave out the load; no instruction uses it. */
#define LOAD(at) __asm__ volatile("" ::"v"(_mm512_load_si512((const __m512i *)(const void *)(at))))
#define STORE(at) _mm512_storeu_si512((__m512i *)(void *)(at), _mm512_set1_epi8(1))
#define STREAM(at) _mm512_stream_si512((__m512i *)(void *)(at), _mm512_set1_epi8(1))

LIMIT_LOOP(plain, avx512, 64, LOAD, STORE, 0, (void)0)
LIMIT_LOOP(stream, avx512, 64, LOAD, STREAM, 0, _mm_sfence())
LIMIT_LOOP(ahead, avx512, 64, LOAD, STORE, 1, (void)0)
LIMIT_LOOP(both, avx512, 64, LOAD, STREAM, 1, _mm_sfence())

#endif
