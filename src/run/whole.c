/*
 * whole.c - WHOLE stages: an operation on whole arrays, which the interpreter's functions do, where arrays lie and without a copy.
 */
#include "run/array.h"
#include "run/binding.h"

wn_status wn_whole_run(wn_binding *b, uint32_t stage, wn_error *error) {
    (void)b;
    (void)stage;
    return wn_fail(error, WN_ERROR_INTERNAL, "run: not yet");
}
