/*
 * npy.c - NumPy's .npy files: mapped when read, so that nothing is copied; written as numpy.save does.
 *
 * A file is a magic string, a version, the length of a header, the header (a Python dict literal with three keys), and the
 * elements. Nothing in it is trusted: each length is checked against what the file has before it is used, and no more is
 * read than the header says, so that a device without end is refused at its start. Big-endian elements are turned over
 * into memory, and what cannot be mapped (a pipe) is read into it; the rest stays in the file.
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
    char text[65536];        /* as long as version 1's may be; ours are under 300 */
    const char *at, *end;
    size_t size; /* of all that stands before the elements */
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
        if (*h->at == '\\' || *h->at < ' ' || length + 1 == size) return false;
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

/* Read `size` bytes, or as many as there are before the end; -1 after an error. */
static ssize_t read_all(int file, void *to, size_t size) {
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(file, (char *)to + used, size - used);
        if (got == 0) break;
        if (got < 0 && errno != EINTR) return -1;
        if (got > 0) used += (size_t)got;
    }
    return (ssize_t)used;
}

static exit_status read_exactly(const header *h, int file, void *to, size_t size, const char *cut_off) {
    ssize_t got = read_all(file, to, size);
    if (got < 0) return malformed(h, strerror(errno));
    return (size_t)got == size ? DONE : malformed(h, cut_off);
}

/* Read what stands before the elements: h->at, h->end, h->size. */
static exit_status read_header(header *h, int file) {
    unsigned char start[MAGIC_LENGTH + 2 + 4];
    const char *cut_off = "the file ends within its header";
    size_t used = MAGIC_LENGTH + 2, length = 0;
    TRY(read_exactly(h, file, start, used, "no .npy file (or one cut off at its start)"));
    if (memcmp(start, magic, MAGIC_LENGTH) != 0) return malformed(h, "no .npy file");
    int version = start[MAGIC_LENGTH], minor = start[MAGIC_LENGTH + 1];
    if (version < 1 || version > 3 || minor != 0)
        return wn_wrong("%s: %s: version %d.%d of the .npy format is not known", h->name, h->path,
                        version, minor);
    size_t width = version == 1 ? 2 : 4;
    TRY(read_exactly(h, file, start + used, width, cut_off));
    for (size_t i = 0; i < width; i++)
        length |= (size_t)start[used + i] << (8 * i);
    if (length > sizeof h->text)
        return wn_wrong("%s: %s: a header of %zu bytes is too long", h->name, h->path, length);
    TRY(read_exactly(h, file, h->text, length, cut_off));
    h->at = h->text;
    h->end = h->text + length;
    h->size = used + width + length;
    return DONE;
}

static exit_status cut_short(const header *h, size_t needed, size_t there) {
    return wn_wrong("%s: %s is cut off: its shape needs %zu bytes, it has %zu", h->name, h->path,
                    needed, there);
}

/* The elements, all there, mapped or in memory. */
static exit_status get_elements(const header *h, int file, size_t needed, holding *held,
                                const void **data) {
    struct stat info;
    if (needed == 0) return DONE;
    if (fstat(file, &info) != 0) return malformed(h, strerror(errno));
    if (S_ISREG(info.st_mode)) {
        if ((uint64_t)info.st_size - h->size < needed)
            return cut_short(h, needed, (size_t)info.st_size - h->size);
        void *map = mmap(NULL, h->size + needed, PROT_READ, MAP_PRIVATE, file, 0);
        if (map == MAP_FAILED) return malformed(h, strerror(errno));
        held->map = map;
        held->map_size = h->size + needed;
        *data = (const char *)map + h->size;
        return DONE;
    }
    *data = held->memory = malloc(needed);
    if (!*data) return malformed(h, "the elements are more than memory can hold");
    ssize_t got = read_all(file, held->memory, needed);
    if (got < 0) return malformed(h, strerror(errno));
    return (size_t)got == needed ? DONE : cut_short(h, needed, (size_t)got);
}

static void *turn_over(const unsigned char *from, size_t count, size_t size) {
    unsigned char *to = wn_have(malloc(count * size + 1));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < size; j++)
            to[i * size + j] = from[i * size + size - 1 - j];
    return to;
}

static exit_status read_elements(const header *h, int file, wn_type type, bool big, holding *held) {
    size_t size = wn_type_size(type);
    int64_t count = wn_element_count(h->rank, h->shape, size);
    const void *data = "";
    if (count < 0) return malformed(h, "the header's shape has more elements than memory can hold");
    TRY(get_elements(h, file, (size_t)count * size, held, &data));
    if (big && size > 1) {
        void *turned = turn_over(data, (size_t)count, size);
        free(held->memory);
        data = held->memory = turned;
    }
    held->array = wn_array_of(type, data, h->rank, h->shape);
    set_strides(&held->array, h->fortran);
    return DONE;
}

static exit_status read_file(header *h, int file, const wn_type *declared, holding *held) {
    wn_type type = WN_BOOL;
    bool big = false;
    TRY(read_header(h, file));
    TRY(take_header(h));
    TRY(check_type(h, declared, &type, &big));
    return read_elements(h, file, type, big, held);
}

exit_status wn_npy_read(const char *name, const char *path, const wn_type *declared, holding *held) {
    header h = {.name = name, .path = path};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return malformed(&h, strerror(errno));
    exit_status status = read_file(&h, file, declared, held);
    close(file);
    return status;
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
