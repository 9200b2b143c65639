/*
 * object.c - an ELF object looked into: sections by name, functions by offset, what the code refers to, and the relocations of its line table.
 *
 * The loader (load.c) puts an object into memory to be run; this only reads one, of any machine.
 */
#include "jit/object.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    wn_context *context;
    object_bytes all;
    Elf64_Ehdr header;
    object_view *view;
    bool failed; /* out of memory */
} reader;

/* ---- Bytes ------------------------------------------------------------------------------------------------------------ */

/* A part; empty where it is not all there. */
static object_bytes part(object_bytes of, uint64_t offset, uint64_t size) {
    bool inside = offset <= of.size && size <= of.size - offset;
    return inside ? (object_bytes){of.bytes + offset, size} : (object_bytes){of.bytes, 0};
}

static bool copy(object_bytes from, uint64_t offset, void *to, size_t size) {
    object_bytes bytes = part(from, offset, size);
    if (bytes.size) memcpy(to, bytes.bytes, size);
    return bytes.size != 0;
}

uint64_t wn_object_number(object_bytes from, uint64_t offset, size_t size) {
    object_bytes bytes = part(from, offset, size);
    uint64_t number = 0;
    for (size_t i = 0; i < bytes.size; i++)
        number |= (uint64_t)bytes.bytes[i] << 8 * i;
    return number;
}

/* A string of a table; "" if it has no end. */
static const char *string_at(object_bytes table, uint64_t offset) {
    bool ends = offset < table.size && memchr(table.bytes + offset, 0, table.size - offset);
    return ends ? (const char *)table.bytes + offset : "";
}

/* ---- Sections --------------------------------------------------------------------------------------------------------- */

static bool section_header(const reader *r, uint64_t index, Elf64_Shdr *s) {
    return index < r->header.e_shnum &&
           copy(r->all, r->header.e_shoff + index * sizeof *s, s, sizeof *s);
}

static object_bytes section_bytes(const reader *r, uint64_t index) {
    Elf64_Shdr s;
    bool there = section_header(r, index, &s) && s.sh_type != SHT_NOBITS;
    return there ? part(r->all, s.sh_offset, s.sh_size) : part(r->all, 0, 0);
}

/* Its index; 0 if there is none of this name. */
static uint64_t find_section(const reader *r, const char *name) {
    object_bytes names = section_bytes(r, r->header.e_shstrndx);
    Elf64_Shdr s;
    for (uint64_t i = 1; section_header(r, i, &s); i++)
        if (!strcmp(string_at(names, s.sh_name), name)) return i;
    return 0;
}

static uint64_t find_symbols(const reader *r) {
    Elf64_Shdr s;
    for (uint64_t i = 1; section_header(r, i, &s); i++)
        if (s.sh_type == SHT_SYMTAB) return i;
    return 0;
}

static uint64_t count_constants(const reader *r, uint64_t code) {
    object_bytes names = section_bytes(r, r->header.e_shstrndx);
    uint64_t bytes = 0;
    Elf64_Shdr s;
    for (uint64_t i = 1; section_header(r, i, &s); i++)
        if (i != code && s.sh_flags & SHF_ALLOC && strcmp(string_at(names, s.sh_name), ".eh_frame") != 0)
            bytes += s.sh_size;
    return bytes;
}

/* ---- Functions -------------------------------------------------------------------------------------------------------- */

static int compare_functions(const void *a, const void *b) {
    const object_function *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void find_functions(reader *r, uint64_t code) {
    object_view *v = r->view;
    uint64_t table = find_symbols(r);
    Elf64_Shdr s;
    Elf64_Sym symbol = {0};
    if (!section_header(r, table, &s)) return;
    object_bytes symbols = section_bytes(r, table), names = section_bytes(r, s.sh_link);
    for (uint64_t at = 0; copy(symbols, at, &symbol, sizeof symbol); at += sizeof symbol) {
        bool inside =
            symbol.st_value <= v->code.size && symbol.st_size <= v->code.size - symbol.st_value;
        if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx != code || !inside)
            continue;
        if (!wn_grow(r->context, (void **)&v->functions, &v->function_room,
                     (size_t)v->function_count + 1, sizeof *v->functions)) {
            r->failed = true;
            return;
        }
        v->functions[v->function_count++] = (object_function){
            string_at(names, symbol.st_name), (uint32_t)symbol.st_value, (uint32_t)symbol.st_size};
    }
    if (v->function_count)
        qsort(v->functions, v->function_count, sizeof *v->functions, compare_functions);
}

/* ---- References ------------------------------------------------------------------------------------------------------- */

static int compare_references(const void *a, const void *b) {
    const object_reference *x = a, *y = b;
    return x->place < y->place ? -1 : x->place > y->place;
}

static void find_references(reader *r) {
    object_view *v = r->view;
    uint64_t relocations = find_section(r, ".rela.text");
    Elf64_Shdr s = {0};
    Elf64_Rela rela = {0};
    Elf64_Sym symbol = {0};
    if (!relocations || !section_header(r, relocations, &s)) return;
    object_bytes bytes = section_bytes(r, relocations), symbols = section_bytes(r, s.sh_link);
    for (uint64_t at = 0; copy(bytes, at, &rela, sizeof rela); at += sizeof rela) {
        if (!copy(symbols, ELF64_R_SYM(rela.r_info) * sizeof symbol, &symbol, sizeof symbol))
            continue;
        if (!wn_grow(r->context, (void **)&v->references, &v->reference_room,
                     (size_t)v->reference_count + 1, sizeof *v->references)) {
            r->failed = true;
            return;
        }
        v->references[v->reference_count++] =
            (object_reference){rela.r_offset, section_bytes(r, symbol.st_shndx),
                               symbol.st_value + (uint64_t)rela.r_addend};
    }
    if (v->reference_count)
        qsort(v->references, v->reference_count, sizeof *v->references, compare_references);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------------ */

static int compare_addends(const void *a, const void *b) {
    const object_addend *x = a, *y = b;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* What a relocation puts in its place: the code begins at 0, so symbol plus addend is an offset in it. */
static uint64_t relocated_value(const reader *r, const Elf64_Rela *from, uint64_t table) {
    Elf64_Sym symbol;
    object_bytes symbols = section_bytes(r, table);
    if (!copy(symbols, ELF64_R_SYM(from->r_info) * sizeof symbol, &symbol, sizeof symbol))
        return (uint64_t)from->r_addend;
    return symbol.st_value + (uint64_t)from->r_addend;
}

static void find_lines(reader *r) {
    uint64_t lines = find_section(r, ".debug_line"),
             relocations = find_section(r, ".rela.debug_line");
    Elf64_Shdr s = {0};
    Elf64_Rela rela = {0};
    if (!lines) return;
    object_bytes bytes = section_bytes(r, relocations);
    if (relocations) section_header(r, relocations, &s);
    size_t count = relocations ? (size_t)(bytes.size / sizeof rela) : 0,
           size = (count + 1) * sizeof(object_addend);
    object_addend *addends = wn_allocate(r->context, size);
    for (size_t i = 0; addends && i < count; i++) {
        copy(bytes, i * sizeof rela, &rela, sizeof rela);
        addends[i] = (object_addend){rela.r_offset, relocated_value(r, &rela, s.sh_link)};
    }
    if (addends && count) qsort(addends, count, sizeof *addends, compare_addends);
    if (!addends || !wn_object_lines(r->context, section_bytes(r, lines), addends, count, r->view))
        r->failed = true;
    wn_release(r->context, addends, addends ? size : 0);
}

/* ---- All of it --------------------------------------------------------------------------------------------------------- */

wn_status wn_object_open(wn_context *c, const void *object, size_t size, object_view *view,
                         wn_error *error) {
    *view = (object_view){.row_count = 0};
    reader r = {.context = c, .all = {object, size}, .view = view};
    bool readable = copy(r.all, 0, &r.header, sizeof r.header) &&
                    memcmp(r.header.e_ident, ELFMAG, SELFMAG) == 0 &&
                    r.header.e_ident[EI_CLASS] == ELFCLASS64 &&
                    r.header.e_ident[EI_DATA] == ELFDATA2LSB && r.header.e_shoff <= size;
    if (!readable)
        return wn_fail(error, WN_ERROR_COMPILER, "inspect: this is no 64-bit ELF object");
    view->machine = r.header.e_machine;
    uint64_t code = find_section(&r, ".text");
    view->code = section_bytes(&r, code);
    if (!code || view->code.size > UINT32_MAX)
        return wn_fail(error, WN_ERROR_COMPILER, "inspect: the object has no code");
    view->constant_bytes = count_constants(&r, code);
    find_functions(&r, code);
    find_references(&r);
    find_lines(&r);
    return r.failed ? wn_fail(error, WN_ERROR_MEMORY, "inspect: out of memory") : WN_OK;
}

void wn_object_free(wn_context *c, object_view *view) {
    wn_release(c, view->functions, view->function_room * sizeof *view->functions);
    wn_release(c, view->rows, view->row_room * sizeof *view->rows);
    wn_release(c, view->references, view->reference_room * sizeof *view->references);
    *view = (object_view){.row_count = 0};
}

/* How many rows begin up to this offset. */
static uint32_t rows_until(const object_view *view, uint32_t offset) {
    uint32_t low = 0, high = view->row_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (view->rows[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

wn_spot wn_object_spot(const object_view *view, uint32_t offset) {
    uint32_t rows = rows_until(view, offset);
    return rows ? view->rows[rows - 1].spot : (wn_spot){0, 0};
}

bool wn_object_has_row(const object_view *view, uint32_t offset) {
    uint32_t rows = rows_until(view, offset);
    return rows && view->rows[rows - 1].offset == offset;
}

/* The number is relative to its own place, and the processor adds it to the end of the instruction. */
object_bytes wn_object_referred(const object_view *view, uint32_t begin, uint32_t end) {
    uint32_t low = 0, high = view->reference_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (view->references[middle].place < begin)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == view->reference_count || view->references[low].place >= end)
        return (object_bytes){view->code.bytes, 0};
    const object_reference *r = &view->references[low];
    uint64_t offset = r->offset + (end - r->place);
    return offset < r->section.size ? part(r->section, offset, r->section.size - offset)
                                    : (object_bytes){r->section.bytes, 0};
}
