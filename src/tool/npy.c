/*
 * npy.c - NumPy's .npy files: mapped when read, so that nothing is copied; written as numpy.save does.
 *
 * A file is a magic string, a version, the length of a header, the header (a Python dict literal with three keys), and the
 * elements. Nothing in it is trusted: each length is checked against what the file has before it is used. Big-endian
 * elements are turned over into memory, and what cannot be mapped (a pipe) is read into it; the rest stays in the file.
 */
#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[] = "\x93NUMPY";
enum { MAGIC_LENGTH = 6, ALIGNMENT = 64 };

/* ---- Shapes ----------------------------------------------------------------------------------------------------- */

int64_t wn_element_count(int32_t rank, const int64_t *shape, size_t element_size) {
    int64_t count = 1;
    for (int32_t i = 0; i < rank; i++)
        if (shape[i] == 0) return 0;
    for (int32_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(count, shape[i], &count)) return -1;
    return count <= INT64_MAX / (int64_t)element_size ? count : -1;
}

/* Strides of a contiguous array, first axis slowest or (Fortran) fastest. All lengths' product fits, or is 0. */
static void set_strides(wn_array *a, bool fortran) {
    uint64_t step = wn_type_size(a->type);
    for (int32_t i = 0; i < a->rank; i++) {
        int32_t axis = fortran ? i : a->rank - 1 - i;
        a->strides[axis] = (int64_t)(step & INT64_MAX);
        step *= (uint64_t)(a->shape[axis] ? a->shape[axis] : 1);
    }
}

/* ---- The header: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } ---------------------------------------- */

typedef struct header {
    const char *name, *path; /* for messages */
    const char *at, *end;
    char descr[16];
    bool has_descr, has_order, has_shape;
    bool fortran;
    int32_t rank;
    int64_t shape[WN_MAX_RANK];
} header;

static exit_status malformed(const header *h, const char *what) {
    return wn_wrong("%s: %s: %s", h->name, h->path, what);
}

static void skip_space(header *h) {
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\n' || *h->at == '\t' || *h->at == '\r'))
        h->at++;
}

static bool take(header *h, char c) {
    skip_space(h);
    if (h->at == h->end || *h->at != c) return false;
    h->at++;
    return true;
}

/* 'text' or "text", without escapes, shorter than `size`. */
static bool take_string(header *h, char *text, size_t size) {
    skip_space(h);
    if (h->at == h->end || (*h->at != '\'' && *h->at != '"')) return false;
    char quote = *h->at++;
    size_t length = 0;
    for (; h->at < h->end && *h->at != quote; h->at++) {
        if (*h->at == '\\' || *h->at == 0 || length + 1 == size) return false;
        text[length++] = *h->at;
    }
    text[length] = 0;
    return take(h, quote);
}

static bool take_word(header *h, const char *word) {
    size_t length = strlen(word);
    skip_space(h);
    if ((size_t)(h->end - h->at) < length || memcmp(h->at, word, length) != 0) return false;
    h->at += length;
    return true;
}

static exit_status take_length(header *h, int64_t *length) {
    int64_t v = 0;
    if (take(h, '-')) return malformed(h, "the header's shape has a negative length");
    if (h->at == h->end || *h->at < '0' || *h->at > '9')
        return malformed(h, "the header's shape cannot be read");
    for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *h->at - '0', &v))
            return malformed(h, "the header's shape has a length past 2^63");
    if (h->at < h->end && *h->at == 'L') h->at++; /* Python 2 wrote 3L */
    *length = v;
    return DONE;
}

/* (), (3,), (3, 4) */
static exit_status take_shape(header *h) {
    if (!take(h, '(')) return malformed(h, "the header's shape is no tuple");
    bool comma = true;
    while (!take(h, ')')) {
        int64_t length = 0;
        if (!comma) return malformed(h, "the header's shape cannot be read");
        TRY(take_length(h, &length));
        if (h->rank == WN_MAX_RANK) return malformed(h, "the array has more than 8 axes");
        h->shape[h->rank++] = length;
        comma = take(h, ',');
    }
    if (h->rank == 1 && !comma) return malformed(h, "the header's shape is no tuple");
    return DONE;
}

static exit_status take_entry(header *h) {
    char key[16];
    bool *seen = NULL;
    if (!take_string(h, key, sizeof key) || !take(h, ':'))
        return malformed(h, "the header cannot be read");
    if (!strcmp(key, "descr")) {
        seen = &h->has_descr;
        if (!take_string(h, h->descr, sizeof h->descr))
            return malformed(
                h, "elements of this kind (a structure, or a long dtype) are not supported");
    } else if (!strcmp(key, "fortran_order")) {
        seen = &h->has_order;
        h->fortran = take_word(h, "True");
        if (!h->fortran && !take_word(h, "False"))
            return malformed(h, "the header's fortran_order is no bool");
    } else if (!strcmp(key, "shape")) {
        seen = &h->has_shape;
        h->rank = 0;
        TRY(take_shape(h));
    }
    if (!seen || *seen) return malformed(h, "the header has a key too many");
    *seen = true;
    return DONE;
}

static exit_status take_header(header *h) {
    if (!take(h, '{')) return malformed(h, "the header is no dict");
    while (!take(h, '}')) {
        TRY(take_entry(h));
        if (take(h, ',')) continue;
        if (!take(h, '}')) return malformed(h, "the header cannot be read");
        break;
    }
    skip_space(h);
    if (h->at != h->end) return malformed(h, "the header goes on after its end");
    if (!h->has_descr || !h->has_order || !h->has_shape)
        return malformed(h, "the header lacks descr, fortran_order or shape");
    return DONE;
}

/* ---- Types: '<f4' and so on, in the order of wn_type ---------------------------------------------------------------- */

static const char codes[WN_TYPE_COUNT][3] = {"b1", "i1", "i2", "i4", "i8", "u1", "u2",
                                             "u4", "u8", "f2", "V2", "f4", "f8"};

static bool find_type(const char *descr, wn_type *type, bool *big) {
    *big = *descr == '>';
    if (*descr && strchr("<>|=", *descr)) descr++;
    for (int t = 0; t < WN_TYPE_COUNT; t++) {
        if (strcmp(descr, codes[t]) != 0) continue;
        *type = (wn_type)t;
        return true;
    }
    return false;
}

static exit_status check_type(const header *h, const wn_type *declared, wn_type *type, bool *big) {
    if (!find_type(h->descr, type, big))
        return wn_wrong("%s: %s: elements of dtype '%s' are not supported", h->name, h->path, h->descr);
    if (*type == WN_BF16 && !declared)
        return wn_wrong(
            "%s: %s holds '%s', two bytes of no stated meaning: write %s:bf16=... if they are bf16",
            h->name, h->path, h->descr, h->name);
    if (declared && *declared != *type)
        return wn_wrong("%s: %s holds %s, but %s is declared %s", h->name, h->path,
                        *type == WN_BF16 ? h->descr : wn_type_name(*type), h->name,
                        wn_type_name(*declared));
    return DONE;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

typedef struct bytes {
    unsigned char *data;
    size_t size;
} bytes;

/* A pipe's bytes. */
static bool read_all(int file, holding *h, bytes *b) {
    size_t room = 0;
    for (;;) {
        if (b->size == room) {
            room = room ? 2 * room : 1 << 16;
            h->memory = wn_have(realloc(h->memory, room));
        }
        ssize_t got = read(file, (unsigned char *)h->memory + b->size, room - b->size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0) break;
        b->size += (size_t)got;
    }
    b->data = h->memory;
    return true;
}

static bool map_or_read(int file, holding *h, bytes *b) {
    struct stat info;
    if (fstat(file, &info) != 0) return false;
    if (!S_ISREG(info.st_mode)) return read_all(file, h, b);
    if (info.st_size == 0) return true;
    h->map_size = (size_t)info.st_size;
    void *map = mmap(NULL, h->map_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (map == MAP_FAILED) return false;
    h->map = map;
    *b = (bytes){map, h->map_size};
    return true;
}

static exit_status get_bytes(const char *name, const char *path, holding *h, bytes *b) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool got = file >= 0 && map_or_read(file, h, b);
    exit_status status = got ? DONE : wn_wrong("%s: %s: %s", name, path, strerror(errno));
    if (file >= 0) close(file);
    return status;
}

/* Find the header in the file: h->at, h->end; the elements begin at h->end. */
static exit_status find_header(header *h, const bytes *b) {
    if (b->size < MAGIC_LENGTH + 2 || memcmp(b->data, magic, MAGIC_LENGTH) != 0)
        return malformed(h, "no .npy file (or one cut off at its start)");
    int version = b->data[MAGIC_LENGTH], minor = b->data[MAGIC_LENGTH + 1];
    if (version < 1 || version > 3 || minor != 0)
        return wn_wrong("%s: %s: version %d.%d of the .npy format is not known", h->name, h->path,
                        version, minor);
    size_t width = version == 1 ? 2 : 4, start = MAGIC_LENGTH + 2 + width, length = 0;
    if (b->size < start) return malformed(h, "the file ends within its header");
    for (size_t i = 0; i < width; i++)
        length |= (size_t)b->data[start - width + i] << (8 * i);
    if (length > b->size - start)
        return wn_wrong("%s: %s: a header of %zu bytes in a file of %zu", h->name, h->path, length,
                        b->size);
    h->at = (const char *)b->data + start;
    h->end = h->at + length;
    return DONE;
}

static void *turn_over(const unsigned char *from, size_t count, size_t size) {
    unsigned char *to = wn_have(malloc(count * size + 1));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < size; j++)
            to[i * size + j] = from[i * size + size - 1 - j];
    return to;
}

static exit_status place_elements(const header *h, const bytes *b, wn_type type, bool big,
                                  holding *held) {
    size_t size = wn_type_size(type);
    size_t there = b->size - (size_t)((const unsigned char *)h->end - b->data);
    int64_t count = wn_element_count(h->rank, h->shape, size);
    if (count < 0) return malformed(h, "the header's shape has more elements than memory can hold");
    uint64_t needed = (uint64_t)count * size;
    if (needed > there)
        return wn_wrong("%s: %s is cut off: its shape needs %llu bytes, it has %zu", h->name,
                        h->path, (unsigned long long)needed, there);
    const void *data = h->end;
    if (big && size > 1) {
        void *turned = turn_over(data, (size_t)count, size);
        free(held->memory);
        data = held->memory = turned;
    }
    held->array = wn_array_of(type, data, h->rank, h->shape);
    set_strides(&held->array, h->fortran);
    return DONE;
}

exit_status wn_npy_read(const char *name, const char *path, const wn_type *declared, holding *held) {
    header h = {.name = name, .path = path};
    bytes b = {NULL, 0};
    wn_type type = WN_BOOL;
    bool big = false;
    TRY(get_bytes(name, path, held, &b));
    TRY(find_header(&h, &b));
    TRY(take_header(&h));
    TRY(check_type(&h, declared, &type, &big));
    return place_elements(&h, &b, type, big, held);
}

void wn_holding_free(holding *h) {
    if (h->map) munmap(h->map, h->map_size);
    free(h->memory);
    *h = (holding){.map = NULL};
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* The dict as NumPy writes it, with its blanks for a first axis that grows in place, and blanks to the alignment. */
static int header_text(const wn_array *a, char text[512]) {
    int used = snprintf(text, 512, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                        wn_type_size(a->type) == 1 ? '|' : '<', codes[a->type]);
    int digits = 21;
    for (int32_t i = 0; i < a->rank; i++) {
        int before = used;
        used += snprintf(text + used, 512 - (size_t)used, "%lld", (long long)a->shape[i]);
        if (i == 0) digits = used - before;
        if (a->rank == 1 || i + 1 < a->rank) text[used++] = ',';
        if (i + 1 < a->rank) text[used++] = ' ';
    }
    used += snprintf(text + used, 512 - (size_t)used, "), }%*s", 21 - digits, "");
    int blanks = ALIGNMENT - (MAGIC_LENGTH + 4 + used + 1) % ALIGNMENT;
    return used + snprintf(text + used, 512 - (size_t)used, "%*s\n", blanks, "");
}

bool wn_npy_write(FILE *file, const wn_array *a) {
    char text[512];
    int length = header_text(a, text);
    size_t size = wn_type_size(a->type), count = (size_t)wn_element_count(a->rank, a->shape, size);
    const unsigned char start[4] = {1, 0, (unsigned char)(length & 255), (unsigned char)(length >> 8)};
    if (fwrite(magic, 1, MAGIC_LENGTH, file) != MAGIC_LENGTH || fwrite(start, 1, 4, file) != 4)
        return false;
    if (fwrite(text, 1, (size_t)length, file) != (size_t)length) return false;
    return count == 0 || fwrite(a->data, size, count, file) == count;
}
