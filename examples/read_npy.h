/*
 * read_npy.h - enough of NumPy's .npy format for the data beside the examples: version 1, little-endian, C order.
 * (The winnow command reads the whole format.) An example has nothing better to do on an error than to end.
 */
#ifndef READ_NPY_H
#define READ_NPY_H

#include <winnow/winnow.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void give_up(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* "{'descr': '<f4', 'fortran_order': False, 'shape': (27004,), }" to an array without data. */
static inline wn_array read_npy_header(const char *path, const char *header) {
    static const struct {
        const char *descr;
        wn_type type;
    } types[] = {{"'|u1'", WN_U8}, {"'|i1'", WN_I8}, {"'<i2'", WN_I16}, {"'<f4'", WN_F32}};
    wn_array a = {.rank = -1};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strstr(header, types[i].descr)) a = (wn_array){.type = types[i].type};
    const char *p = strstr(header, "'shape': (");
    if (a.rank < 0 || !p || !strstr(header, "False")) give_up(path, "not such a file");
    for (p += strlen("'shape': ("); *p && *p != ')' && a.rank < WN_MAX_RANK; p += strspn(p, ", ")) {
        char *end;
        a.shape[a.rank++] = strtoll(p, &end, 10);
        p = end;
    }
    return a;
}

/* The file's array; its data are yours (free). */
static inline wn_array read_npy(const char *folder, const char *name) {
    char path[1000], header[65536];
    unsigned char start[10];
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file || fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY\1", 7) != 0)
        give_up(path, "cannot be read as .npy, version 1");
    size_t length = start[8] + 256u * start[9];
    if (length >= sizeof header || fread(header, 1, length, file) != length)
        give_up(path, "is cut off");
    header[length] = 0;
    wn_array a = read_npy_header(path, header);
    size_t size = wn_type_size(a.type);
    for (int i = 0; i < a.rank; i++)
        size *= (size_t)a.shape[i];
    void *data = malloc(size + 1);
    if (!data || fread(data, 1, size, file) != size) give_up(path, "is cut off");
    fclose(file);
    return wn_array_of(a.type, data, a.rank, a.shape);
}

#endif
