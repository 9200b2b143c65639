/*
 * load.c - an ELF object of the provider, put into executable memory.
 *
 * The object holds functions, constants and PC-relative relocations between the two, so loading needs neither LLVM nor
 * a linker: lay out the allocated sections in one mapping, copy, relocate, make it executable. Objects may come from a
 * cache on disk, so nothing in them is believed: every offset, size, index and name is checked before it is used, and
 * a corrupt object is an error. (What a well-formed object *does* when it is called is its maker's business.)
 *
 * Invariants: after check_sections every section lies inside the object and has a name; after check_symbols every
 * symbol has a name, and one that is defined in a loaded section lies in it. The mapping is never writable and
 * executable at once.
 */
#include "jit/debugger.h"
#include "jit/kernel.h"
#include "jit/provider.h"
#include "jit/relocate.h"
#include "graph/graph.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define MACHINE EM_AARCH64
#else
#define MACHINE EM_NONE
#endif

/* PC-relative relocations reach 2 GiB; anything near that is no kernel of ours. */
#define MAX_CODE ((uint64_t)1 << 30)
#define MAX_ALIGNMENT 4096
#define NOT_LOADED UINT64_MAX

typedef struct code_symbol {
    size_t name;    /* in names  */
    uint64_t place; /* in memory */
    uint64_t size;
} code_symbol;

struct wn_code {
    wn_context *context;
    unsigned char *memory;
    size_t mapped;
    code_symbol *symbols; /* the functions that can be found */
    char *names;
    size_t symbol_count, names_size;
    debugger_entry *shown; /* followed by a copy of the object; NULL: no debugger knows of it */
};

/* A string table of the object, which ends in NUL. */
typedef struct strings {
    const char *text;
    uint64_t size;
} strings;

typedef struct loader {
    wn_context *context;
    wn_error *error;
    const unsigned char *object;
    size_t size;
    Elf64_Ehdr header;
    strings section_names, symbol_names;
    uint64_t *places; /* for each section, its offset in memory or NOT_LOADED */
    size_t symbol_table, symbol_count;
    Elf64_Shdr symbols;
    unsigned char *memory;
    size_t used, mapped;
} loader;

/* Say what is wrong with the object; false, so that a check can return it. */
__attribute__((format(printf, 2, 3))) static bool refuse(const loader *l, const char *format, ...) {
    char reason[400];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    wn_fail(l->error, WN_ERROR_COMPILER, "load: %s", reason);
    return false;
}

static bool out_of_memory(const loader *l) {
    wn_fail(l->error, WN_ERROR_MEMORY, "load: out of memory");
    return false;
}

/* ---- Reading: the object may lie at any alignment ---------------------------------------------------------------- */

static Elf64_Shdr section_at(const loader *l, size_t index) {
    Elf64_Shdr section;
    memcpy(&section, l->object + l->header.e_shoff + index * sizeof section, sizeof section);
    return section;
}

static Elf64_Sym symbol_at(const loader *l, size_t index) {
    Elf64_Sym entry;
    memcpy(&entry, l->object + l->symbols.sh_offset + index * sizeof entry, sizeof entry);
    return entry;
}

static const char *section_name(const loader *l, const Elf64_Shdr *section) {
    return l->section_names.text + section->sh_name;
}

/* A symbol that stands for a section has no name of its own. */
static const char *symbol_name(const loader *l, const Elf64_Sym *entry) {
    if (ELF64_ST_TYPE(entry->st_info) == STT_SECTION && entry->st_shndx < l->header.e_shnum) {
        Elf64_Shdr section = section_at(l, entry->st_shndx);
        return section_name(l, &section);
    }
    return l->symbol_names.text + entry->st_name;
}

/* ---- Checking ---------------------------------------------------------------------------------------------------- */

static bool check_identity(const loader *l) {
    const Elf64_Ehdr *h = &l->header;
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) return refuse(l, "this is no ELF object");
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
        return refuse(l, "the object is not 64-bit little-endian");
    if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT)
        return refuse(l, "the object is of ELF version %u, not 1", h->e_version);
    if (MACHINE == EM_NONE) return refuse(l, "this machine's code cannot be loaded yet");
    if (h->e_machine != MACHINE)
        return refuse(l, "the object is for ELF machine %u, this is %u", h->e_machine, MACHINE);
    if (h->e_type != ET_REL)
        return refuse(l, "the ELF file is of type %u, not a relocatable object", h->e_type);
    return true;
}

static bool check_header(loader *l) {
    if (l->size < sizeof l->header) return refuse(l, "%zu bytes are no ELF object", l->size);
    memcpy(&l->header, l->object, sizeof l->header);
    if (!check_identity(l)) return false;
    const Elf64_Ehdr *h = &l->header;
    if (h->e_shentsize != sizeof(Elf64_Shdr))
        return refuse(l, "section headers have %u bytes", h->e_shentsize);
    if (h->e_shnum == 0) return refuse(l, "the object has no sections");
    if (h->e_shoff > l->size || h->e_shnum > (l->size - h->e_shoff) / sizeof(Elf64_Shdr))
        return refuse(l, "%u section headers reach past the object's end", h->e_shnum);
    return true;
}

static bool find_strings(const loader *l, uint64_t index, strings *found) {
    if (index >= l->header.e_shnum)
        return refuse(l, "a string table is section %llu of %u", (unsigned long long)index,
                      l->header.e_shnum);
    Elf64_Shdr section = section_at(l, index);
    bool inside = section.sh_offset <= l->size && section.sh_size <= l->size - section.sh_offset;
    if (section.sh_type != SHT_STRTAB || !inside || section.sh_size == 0)
        return refuse(l, "section %llu is no string table", (unsigned long long)index);
    found->text = (const char *)l->object + section.sh_offset;
    found->size = section.sh_size;
    if (found->text[found->size - 1]) return refuse(l, "a string table has no end");
    return true;
}

/* Constants with addresses in them are writable until they are relocated, so they may be; other data may not. */
static bool check_loadable(const loader *l, const Elf64_Shdr *s) {
    const char *label = section_name(l, s);
    if (s->sh_addralign > MAX_ALIGNMENT || (s->sh_addralign & (s->sh_addralign - 1)) != 0)
        return refuse(l, "section %.80s has alignment %llu", label, (unsigned long long)s->sh_addralign);
    if (s->sh_size > MAX_CODE)
        return refuse(l, "section %.80s has %llu bytes", label, (unsigned long long)s->sh_size);
    if (s->sh_flags & (SHF_TLS | SHF_COMPRESSED))
        return refuse(l, "section %.80s is thread-local or compressed", label);
    if ((s->sh_flags & SHF_WRITE) && s->sh_size > 0 && strncmp(label, ".data.rel.ro", 12) != 0)
        return refuse(l, "section %.80s is writable", label);
    return true;
}

/* Unwind tables describe functions that never unwind. */
static bool is_loaded(const loader *l, const Elf64_Shdr *section) {
    if (!(section->sh_flags & SHF_ALLOC) || section->sh_type == SHT_NULL) return false;
    return strcmp(section_name(l, section), ".eh_frame") != 0;
}

static bool check_section(const loader *l, size_t index) {
    Elf64_Shdr s = section_at(l, index);
    if (s.sh_name >= l->section_names.size) return refuse(l, "section %zu has no name", index);
    bool has_bytes = s.sh_type != SHT_NULL && s.sh_type != SHT_NOBITS;
    if (has_bytes && (s.sh_offset > l->size || s.sh_size > l->size - s.sh_offset))
        return refuse(l, "section %.80s reaches past the object's end", section_name(l, &s));
    return !is_loaded(l, &s) || check_loadable(l, &s);
}

/* Check every section, and lay out those that are loaded, each at its own alignment. */
static bool check_sections(loader *l) {
    if (!find_strings(l, l->header.e_shstrndx, &l->section_names)) return false;
    l->places = wn_allocate(l->context, l->header.e_shnum * sizeof *l->places);
    if (!l->places) return out_of_memory(l);

    uint64_t used = 0;
    for (size_t i = 0; i < l->header.e_shnum; i++) {
        l->places[i] = NOT_LOADED;
        if (!check_section(l, i)) return false;
        Elf64_Shdr s = section_at(l, i);
        if (!is_loaded(l, &s)) continue;
        uint64_t alignment = s.sh_addralign ? s.sh_addralign : 1;
        l->places[i] = (used + alignment - 1) & ~(alignment - 1);
        used = l->places[i] + s.sh_size;
        if (used > MAX_CODE)
            return refuse(l, "the object needs over %llu bytes", (unsigned long long)MAX_CODE);
    }
    if (used == 0) return refuse(l, "the object holds no code");
    l->used = (size_t)used;
    return true;
}

static bool find_symbol_table(loader *l) {
    for (size_t i = 0; i < l->header.e_shnum; i++) {
        Elf64_Shdr s = section_at(l, i);
        if (s.sh_type != SHT_SYMTAB) continue;
        if (l->symbol_table) return refuse(l, "the object has two symbol tables");
        if (s.sh_entsize != sizeof(Elf64_Sym) || s.sh_size % sizeof(Elf64_Sym) != 0)
            return refuse(l, "the symbol table's entries have %llu bytes",
                          (unsigned long long)s.sh_entsize);
        if (i == 0) return refuse(l, "section 0 is a symbol table");
        l->symbols = s;
        l->symbol_table = i;
        l->symbol_count = (size_t)(s.sh_size / sizeof(Elf64_Sym));
    }
    if (!l->symbol_table) return refuse(l, "the object has no symbol table");
    return find_strings(l, l->symbols.sh_link, &l->symbol_names);
}

static bool symbol_is_loaded(const loader *l, const Elf64_Sym *entry) {
    return entry->st_shndx != SHN_UNDEF && entry->st_shndx < l->header.e_shnum &&
           l->places[entry->st_shndx] != NOT_LOADED;
}

static bool check_symbols(loader *l) {
    if (!find_symbol_table(l)) return false;
    for (size_t i = 0; i < l->symbol_count; i++) {
        Elf64_Sym entry = symbol_at(l, i);
        if (entry.st_name >= l->symbol_names.size) return refuse(l, "symbol %zu has no name", i);
        if (!symbol_is_loaded(l, &entry)) continue;
        if (entry.st_value > section_at(l, entry.st_shndx).sh_size)
            return refuse(l, "symbol %.80s lies outside its section", symbol_name(l, &entry));
    }
    return true;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* A hardened system may forbid memory that was written from becoming executable: say so, and what the system said. */
static bool refuse_memory(const loader *l, const char *what) {
    char reason[120] = "";
    if (strerror_r(errno, reason, sizeof reason) != 0) reason[0] = 0;
    return refuse(l, "the system refused %s of %zu bytes for compiled code: %s", what, l->mapped,
                  reason);
}

static bool map_sections(loader *l) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    l->mapped = (l->used + page - 1) & ~(page - 1);
    void *memory = mmap(NULL, l->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return refuse_memory(l, "a mapping");
    l->memory = memory;
    for (size_t i = 0; i < l->header.e_shnum; i++) {
        Elf64_Shdr s = section_at(l, i);
        if (l->places[i] == NOT_LOADED || s.sh_type == SHT_NOBITS) continue;
        memcpy(l->memory + l->places[i], l->object + s.sh_offset, (size_t)s.sh_size);
    }
    return true;
}

static bool make_executable(const loader *l) {
    if (mprotect(l->memory, l->mapped, PROT_READ | PROT_EXEC) != 0)
        return refuse_memory(l, "execution");
    __builtin___clear_cache((char *)l->memory, (char *)l->memory + l->mapped);
    return true;
}

/* ---- Relocating -------------------------------------------------------------------------------------------------- */

/* The address that a relocation names: symbol + addend. */
static bool find_target(const loader *l, const Elf64_Rela *rela, uint64_t *target) {
    uint64_t index = ELF64_R_SYM(rela->r_info);
    if (index >= l->symbol_count)
        return refuse(l, "a relocation names symbol %llu of %zu", (unsigned long long)index,
                      l->symbol_count);
    Elf64_Sym entry = symbol_at(l, (size_t)index);
    const char *label = symbol_name(l, &entry);
    if (entry.st_shndx == SHN_UNDEF) return refuse(l, "symbol %.200s is undefined", label);
    if (!symbol_is_loaded(l, &entry))
        return refuse(l, "symbol %.200s is in no section that is loaded", label);
    if (rela->r_addend < INT32_MIN || rela->r_addend > INT32_MAX)
        return refuse(l, "a relocation lies %lld bytes from symbol %.200s",
                      (long long)rela->r_addend, label);
    *target = (uint64_t)(uintptr_t)l->memory + l->places[entry.st_shndx] + entry.st_value +
              (uint64_t)rela->r_addend;
    return true;
}

static bool relocate_one(const loader *l, size_t section_index, const Elf64_Rela *rela) {
    Elf64_Shdr section = section_at(l, section_index);
    const char *label = section_name(l, &section);
    uint32_t type = (uint32_t)ELF64_R_TYPE(rela->r_info);
    const relocation *r = wn_relocation(MACHINE, type);
    if (!r) return refuse(l, "relocation type %u in section %.80s is unknown", type, label);
    if (r->form == FORM_NOTHING) return true;
    if (section.sh_size < r->bytes || rela->r_offset > section.sh_size - r->bytes)
        return refuse(l, "relocation %s lies outside section %.80s", r->name, label);

    uint64_t target = 0;
    if (!find_target(l, rela, &target)) return false;
    unsigned char *place = l->memory + l->places[section_index] + rela->r_offset;
    if (!wn_relocate(r, place, (uint64_t)(uintptr_t)place, target))
        return refuse(l, "relocation %s in section %.80s does not reach its target", r->name, label);
    return true;
}

static bool relocate_section(const loader *l, const Elf64_Shdr *table) {
    if (table->sh_info >= l->header.e_shnum)
        return refuse(l, "section %.80s relocates section %u of %u", section_name(l, table),
                      table->sh_info, l->header.e_shnum);
    if (l->places[table->sh_info] == NOT_LOADED) return true; /* debugging, unwinding */
    if (table->sh_type != SHT_RELA || table->sh_entsize != sizeof(Elf64_Rela) ||
        table->sh_size % sizeof(Elf64_Rela) != 0 || table->sh_link != l->symbol_table)
        return refuse(l, "section %.80s is no table of relocations", section_name(l, table));
    for (uint64_t at = 0; at < table->sh_size; at += sizeof(Elf64_Rela)) {
        Elf64_Rela rela;
        memcpy(&rela, l->object + table->sh_offset + at, sizeof rela);
        if (!relocate_one(l, table->sh_info, &rela)) return false;
    }
    return true;
}

static bool relocate_sections(const loader *l) {
    for (size_t i = 0; i < l->header.e_shnum; i++) {
        Elf64_Shdr s = section_at(l, i);
        if (s.sh_type != SHT_RELA && s.sh_type != SHT_REL) continue;
        if (!relocate_section(l, &s)) return false;
    }
    return true;
}

/* ---- The result -------------------------------------------------------------------------------------------------- */

/* A function that other objects could call, and so one that can be asked for. */
static bool is_function(const loader *l, const Elf64_Sym *entry) {
    if (ELF64_ST_TYPE(entry->st_info) != STT_FUNC || !symbol_is_loaded(l, entry)) return false;
    if (ELF64_ST_BIND(entry->st_info) == STB_LOCAL) return false;
    Elf64_Shdr section = section_at(l, entry->st_shndx);
    return (section.sh_flags & SHF_EXECINSTR) && entry->st_value < section.sh_size;
}

static void measure_symbols(const loader *l, wn_code *code) {
    for (size_t i = 0; i < l->symbol_count; i++) {
        Elf64_Sym entry = symbol_at(l, i);
        if (!is_function(l, &entry)) continue;
        code->symbol_count++;
        code->names_size += strlen(symbol_name(l, &entry)) + 1;
    }
}

static void copy_symbols(const loader *l, wn_code *code) {
    size_t count = 0, used = 0;
    for (size_t i = 0; i < l->symbol_count; i++) {
        Elf64_Sym entry = symbol_at(l, i);
        if (!is_function(l, &entry)) continue;
        const char *label = symbol_name(l, &entry);
        uint64_t room = section_at(l, entry.st_shndx).sh_size - entry.st_value;
        code->symbols[count++] = (code_symbol){used, l->places[entry.st_shndx] + entry.st_value,
                                               entry.st_size < room ? entry.st_size : room};
        memcpy(code->names + used, label, strlen(label) + 1);
        used += strlen(label) + 1;
    }
}

/* One allocation: the code, its symbols, their names. */
static size_t code_bytes(const wn_code *code) {
    return sizeof *code + code->symbol_count * sizeof *code->symbols + code->names_size;
}

static wn_code *collect(const loader *l) {
    wn_code sizes = {.context = l->context, .memory = l->memory, .mapped = l->mapped};
    measure_symbols(l, &sizes);
    wn_code *code = wn_allocate(l->context, code_bytes(&sizes));
    if (!code) {
        out_of_memory(l);
        return NULL;
    }
    *code = sizes;
    code->symbols = (code_symbol *)(code + 1);
    code->names = (char *)(code->symbols + code->symbol_count);
    copy_symbols(l, code);
    return code;
}

wn_code *wn_code_load(wn_context *context, const void *object, size_t size, wn_error *error) {
    loader l = {.context = context, .error = error, .object = object, .size = size};
    wn_code *code = NULL;
    if (check_header(&l) && check_sections(&l) && check_symbols(&l) && map_sections(&l) &&
        relocate_sections(&l) && make_executable(&l))
        code = collect(&l);
    if (!code && l.memory) munmap(l.memory, l.mapped);
    if (l.places) wn_release(context, l.places, l.header.e_shnum * sizeof *l.places);
    return code;
}

static void hide(wn_code *code) {
    if (!code->shown) return;
    wn_debugger_remove(code->shown);
    wn_release(code->context, code->shown, sizeof *code->shown + (size_t)code->shown->size);
}

void wn_code_free(wn_code *code) {
    if (!code) return;
    hide(code);
    munmap(code->memory, code->mapped);
    wn_release(code->context, code, code_bytes(code));
}

kernel_fn wn_code_find(const wn_code *code, const char *wanted) {
    for (size_t i = 0; i < code->symbol_count; i++) {
        if (strcmp(code->names + code->symbols[i].name, wanted) == 0)
            return (kernel_fn)(uintptr_t)(code->memory + code->symbols[i].place);
    }
    return NULL;
}

bool wn_code_function(const wn_code *code, size_t number, code_function *function) {
    if (number >= code->symbol_count) return false;
    const code_symbol *s = &code->symbols[number];
    *function = (code_function){code->names + s->name,
                                (uintptr_t)code->memory + (uintptr_t)s->place, (size_t)s->size};
    return true;
}

/* A copy of the object whose sections say where they lie: debuggers apply the relocations of its debugging sections themselves. */
static debugger_entry *describe(const loader *l, const wn_code *code) {
    debugger_entry *e = wn_allocate(l->context, sizeof *e + l->size);
    if (!e) return NULL;
    unsigned char *object = (unsigned char *)(e + 1);
    *e = (debugger_entry){.object = (const char *)object, .size = l->size};
    memcpy(object, l->object, l->size);
    for (size_t i = 0; i < l->header.e_shnum; i++) {
        if (l->places[i] == NOT_LOADED) continue;
        Elf64_Shdr s = section_at(l, i);
        s.sh_addr = (uint64_t)(uintptr_t)code->memory + l->places[i];
        memcpy(object + l->header.e_shoff + i * sizeof s, &s, sizeof s);
    }
    return e;
}

/* The layout follows from the object: it is what loading made of it. */
bool wn_code_show(wn_code *code, const void *object, size_t size, wn_error *error) {
    loader l = {.context = code->context, .error = error, .object = object, .size = size};
    bool good = check_header(&l) && check_sections(&l);
    if (good && l.used > code->mapped) good = refuse(&l, "this is not the object of the code");
    debugger_entry *e = good ? describe(&l, code) : NULL;
    if (good && !e) out_of_memory(&l);
    if (e) {
        hide(code);
        code->shown = e;
        wn_debugger_add(e);
    }
    if (l.places) wn_release(l.context, l.places, l.header.e_shnum * sizeof *l.places);
    return e;
}

/* Bytes of executable memory, whole pages. */
size_t wn_code_size(const wn_code *code) {
    return code->mapped;
}
