/*
 * stream.h - reading from memory, and writing to it, what no cache holds.
 */
#ifndef WN_STREAM_H
#define WN_STREAM_H

#include "jit/kernel.h"

#include <string.h>

#ifdef __x86_64__
#include <emmintrin.h>
#endif

/* Ask for the lines of some bytes, which may lie anywhere. */
static inline void wn_prefetch(uintptr_t at, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += KERNEL_LINE)
        __builtin_prefetch((const void *)(at + (uintptr_t)i)); /* NOLINT(performance-no-int-to-ptr) */
    __asm__ volatile(""); /* gcc takes a function that only prefetches for one that does nothing */
}

/* What is stored past the caches one part after the other, whole lines at a time. */
typedef struct line_writer {
    _Alignas(KERNEL_LINE) char *to; /* where what comes next belongs; aligned, once a line was filled */
    int64_t waiting;                /* bytes that do not fill a line yet */
    char line[KERNEL_LINE];
} line_writer;

/* Copy whole lines past the caches; `to` is aligned to them. */
static inline void wn_copy_lines(char *to, const char *from, size_t bytes) {
#ifdef __x86_64__
    for (const char *end = from + bytes; from < end; to += KERNEL_LINE, from += KERNEL_LINE) {
        const __m128i *line = (const __m128i *)(const void *)from;
        __m128i *at = (__m128i *)(void *)to, a = _mm_loadu_si128(line), b = _mm_loadu_si128(line + 1),
                c = _mm_loadu_si128(line + 2), d = _mm_loadu_si128(line + 3);
        _mm_stream_si128(at, a);
        _mm_stream_si128(at + 1, b);
        _mm_stream_si128(at + 2, c);
        _mm_stream_si128(at + 3, d);
    }
#else
    memcpy(to, from, bytes);
#endif
}

/* Before others may read what was copied past the caches. */
static inline void wn_end_copies(void) {
#ifdef __x86_64__
    _mm_sfence();
#endif
}

#endif
