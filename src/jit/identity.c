/*
 * identity.c - which build of what this is: files as they lie on disk, and the code that is in memory.
 *
 * A file may be replaced while a process still runs what was loaded from the old one. So the library knows itself by what the
 * linker wrote into it, which is in memory; other files by stamps that are taken as they are opened.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* dladdr, dl_iterate_phdr */
#endif
#include "jit/provider.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

bool wn_stamp_file(const char *path, file_stamp *stamp) {
    struct stat s;
    if (stat(path, &s) != 0) return false;
    *stamp = (file_stamp){(uint64_t)s.st_dev, (uint64_t)s.st_ino, (uint64_t)s.st_size,
                          (uint64_t)s.st_mtim.tv_sec, (uint64_t)s.st_mtim.tv_nsec};
    return true;
}

/* The program's own headers lie in it. */
static bool is_program(const Dl_info *module) {
    Dl_info program;
    const void *headers =
        (const void *)(uintptr_t)getauxval(AT_PHDR); /* NOLINT(performance-no-int-to-ptr) */
    return headers && dladdr(headers, &program) && program.dli_fbase == module->dli_fbase;
}

/* The loader names the program itself as it was called, which says nothing without a slash, or after chdir. */
bool wn_file_of(const void *code, char path[PATH_MAX]) {
    Dl_info info;
    if (!dladdr(code, &info) || !info.dli_fname) return false;
    const char *file = is_program(&info) ? "/proc/self/exe" : info.dli_fname;
    return strchr(file, '/') && realpath(file, path);
}

/* The program comes first. */
static int has_loader(struct dl_phdr_info *program, size_t size, void *state) {
    bool *found = state;
    (void)size;
    for (int i = 0; i < program->dlpi_phnum; i++)
        *found |= program->dlpi_phdr[i].p_type == PT_INTERP;
    return 1;
}

bool wn_program_is_static(void) {
    bool found = false;
    dl_iterate_phdr(has_loader, &found);
    return !found;
}

/* ---- The build id ------------------------------------------------------------------------------------------------------ */

typedef struct build_search {
    uintptr_t code;
    const void *id;
    size_t size;
} build_search;

static uint32_t align4(uint32_t size) {
    return (size + 3) & ~3u;
}

static void search_notes(build_search *b, const unsigned char *notes, size_t size) {
    Elf64_Nhdr n;
    while (size >= sizeof n) {
        memcpy(&n, notes, sizeof n);
        size_t whole = sizeof n + align4(n.n_namesz) + align4(n.n_descsz);
        if (whole > size) return;
        const unsigned char *name = notes + sizeof n;
        if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && !memcmp(name, "GNU", 4)) {
            b->id = name + 4;
            b->size = n.n_descsz;
        }
        notes += whole;
        size -= whole;
    }
}

static int search_module(struct dl_phdr_info *module, size_t size, void *state) {
    build_search *b = state;
    bool here = false;
    (void)size;
    for (int i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &module->dlpi_phdr[i];
        here |= p->p_type == PT_LOAD && b->code - (module->dlpi_addr + p->p_vaddr) < p->p_memsz;
    }
    for (int i = 0; here && i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &module->dlpi_phdr[i];
        const unsigned char *notes = (const void *)(module->dlpi_addr + p->p_vaddr);
        if (p->p_type == PT_NOTE && p->p_align <= 4) search_notes(b, notes, p->p_filesz);
    }
    return here;
}

const void *wn_build_id(const void *code, size_t *size) {
    build_search b = {.code = (uintptr_t)code};
    dl_iterate_phdr(search_module, &b);
    *size = b.size;
    return b.id;
}
