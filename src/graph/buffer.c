/*
 * buffer.c - a string that grows in the context's memory.
 *
 * `failed` is sticky: after an allocation fails, adding does nothing, so a writer checks once, at
 * its end. While nothing has failed and something was added, text ends in NUL at text[length].
 */
#include "graph/graph.h"

#include <stdio.h>
#include <string.h>

/* Room for `more` bytes and the NUL. */
static bool make_room(wn_buffer *b, size_t more) {
    if (b->length + more < b->room) return true;
    size_t room = b->room ? b->room : 256;
    while (room <= b->length + more)
        room *= 2;
    char *text = wn_reallocate(b->context, b->text, b->room, room);
    if (!text) return false;
    b->text = text;
    b->room = room;
    return true;
}

/* Write as much as fits; the length of the whole, or less than 0 if the format cannot be written.
 */
__attribute__((format(printf, 2, 0))) static int write_tail(wn_buffer *b, const char *format,
                                                            va_list list) {
    va_list copy;
    va_copy(copy, list);
    size_t room = b->room - b->length;
    int length = vsnprintf(room ? b->text + b->length : NULL, room, format, copy);
    va_end(copy);
    return length;
}

void wn_buffer_add(wn_buffer *b, const char *format, ...) {
    if (b->failed) return;
    va_list list;
    va_start(list, format);
    int length = write_tail(b, format, list);
    if (length >= 0 && (size_t)length >= b->room - b->length && make_room(b, (size_t)length)) {
        length = write_tail(b, format, list);
    }
    va_end(list);
    if (length < 0 || (size_t)length >= b->room - b->length) {
        b->failed = true;
        return;
    }
    b->length += (size_t)length;
}

void wn_buffer_add_bytes(wn_buffer *b, const char *bytes, size_t length) {
    if (b->failed || !make_room(b, length)) {
        b->failed = true;
        return;
    }
    if (length) memcpy(b->text + b->length, bytes, length);
    b->length += length;
    b->text[b->length] = 0;
}

void wn_buffer_free(wn_buffer *b) {
    if (b->text) wn_release(b->context, b->text, b->room);
    *b = (wn_buffer){.context = b->context};
}
