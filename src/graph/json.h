/*
 * json.h - a JSON document written into a buffer, from its beginning to its end.
 *
 * Commas and quotes are the writer's business: open and close objects and arrays, and give each member its key first. Strings are always
 * valid UTF-8: each byte that is not part of it becomes U+FFFD.
 */
#ifndef WN_JSON_H
#define WN_JSON_H

#include "graph/graph.h"

typedef struct json {
    wn_buffer *b;
    bool comma; /* something stands before, on this level */
} json;

/* '{' or '[', and '}' or ']'. */
void wn_json_open(json *j, char bracket);
void wn_json_close(json *j, char bracket);
/* A member of an object; its value follows. */
void wn_json_key(json *j, const char *key);
void wn_json_text(json *j, const char *text, size_t length);
void wn_json_string(json *j, const char *text);
void wn_json_number(json *j, int64_t number);
void wn_json_bool(json *j, bool value);
/* The same as members. */
void wn_json_open_member(json *j, const char *key, char bracket);
void wn_json_member(json *j, const char *key, const char *text);
void wn_json_count(json *j, const char *key, int64_t number);

#endif
