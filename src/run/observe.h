/*
 * observe.h - what profilers and debuggers are told of kernels, when the context's options ask for it.
 *
 * None of it is needed to run: what fails is a line in the log.
 */
#ifndef WN_OBSERVE_H
#define WN_OBSERVE_H

#include "run/kernel.h"

/* A kernel's listing while some of its functions are compiled. */
typedef struct observation {
    wn_buffer text;
    wn_spot *nodes, *outputs; /* NULL: no one asked, or memory ran out */
    char file[32];            /* its name in the context's folder of listings */
    provider_debug debug;
} observation;

/* Begin, and get the debug information that the compile is to make: NULL if none. Then wn_observe_end in any case. */
const provider_debug *wn_observe_begin(const wn_kernel *k, observation *o);
/* The functions are loaded: tell of them. `object` is what they were loaded from. */
void wn_observe_loaded(const wn_kernel *k, const observation *o, wn_code *code, const void *object,
                       size_t size);
void wn_observe_end(const wn_kernel *k, observation *o);
/* The kernel goes, and with it the file of its listing. */
void wn_observe_forget(const wn_kernel *k);

#endif
