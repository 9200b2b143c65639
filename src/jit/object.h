/*
 * object.h - what an ELF object of the provider's holds, for whoever looks at it: its code, its functions, the lines of its code.
 *
 * Nothing in an object is believed: every offset and size is checked before it is used, as the loader does. What cannot be read is an
 * error, never a read outside.
 */
#ifndef WN_OBJECT_H
#define WN_OBJECT_H

#include "graph/graph.h"

/* Bytes of an object. */
typedef struct object_bytes {
    const unsigned char *bytes;
    uint64_t size;
} object_bytes;

typedef struct object_function {
    const char *name; /* in the object */
    uint32_t offset, size;
} object_function;

/* From this offset of the code on, until the next row, instructions come from this place. Of none: line 0. */
typedef struct object_row {
    uint32_t offset;
    wn_spot spot;
} object_row;

/* What the code refers to, by a number relative to itself at `place`: so many bytes from the beginning of a section on. */
typedef struct object_reference {
    uint64_t place;
    object_bytes section;
    uint64_t offset;
} object_reference;

typedef struct object_view {
    unsigned machine;           /* e_machine: what its code is for */
    object_bytes code;          /* the section .text */
    uint64_t constant_bytes;    /* of all loaded sections beside it */
    object_function *functions; /* by offset */
    uint32_t function_count, function_room;
    object_row *rows; /* by offset; empty without debug information */
    uint32_t row_count, row_room;
    object_reference *references; /* by place */
    uint32_t reference_count, reference_room;
} object_view;

/* Look into an object that outlives the view. Whatever it returns, wn_object_free. */
wn_status wn_object_open(wn_context *c, const void *object, size_t size, object_view *view,
                         wn_error *error);
void wn_object_free(wn_context *c, object_view *view);
/* Where the code at an offset comes from; and whether that is said of this offset, not of one before it. */
wn_spot wn_object_spot(const object_view *view, uint32_t offset);
bool wn_object_has_row(const object_view *view, uint32_t offset);
/* What the instruction of an x86-64 object that lies from `begin` to `end` refers to beside itself; of size 0: nothing. */
object_bytes wn_object_referred(const object_view *view, uint32_t begin, uint32_t end);

/* Of object.c, for lines.c: a little-endian number of up to 8 bytes, 0 where they are not there. */
uint64_t wn_object_number(object_bytes from, uint64_t offset, size_t size);
/*
 * The line program of .debug_line (lines.c): append its rows to the view. `addends` has, sorted by place, what relocations add to the
 * addresses in it.
 */
typedef struct object_addend {
    uint64_t place, value;
} object_addend;
bool wn_object_lines(wn_context *c, object_bytes section, const object_addend *addends,
                     size_t addend_count, object_view *view);

#endif
