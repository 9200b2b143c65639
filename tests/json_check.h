/*
 * json_check.h - whether a text is one well-formed JSON document of valid UTF-8 (RFC 8259), and nothing else.
 */
#ifndef WN_TEST_JSON_CHECK_H
#define WN_TEST_JSON_CHECK_H

#include <stddef.h>

/* The byte at which it stops being one; NULL if it is one. */
const char *json_first_fault(const char *text, size_t length);

#endif
