/*
 * test_load.c - the loader of objects: what a good one gives, and that a bad one gives an error.
 *
 * The objects are made here, byte by byte, and look like those of LLVM: code, constants, relocations between them,
 * unwind tables and debugging sections. The corrupted ones are only loaded, never run. Relocations of other machines
 * are tested on their own, as bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "graph/graph.h"
#include "jit/provider.h"
#include "jit/relocate.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- A builder of objects ---------------------------------------------------------------------------------------- */

/* The sections of every object here. */
#define SECTION_ROWS(X)                                                                            \
    X(TEXT, ".text")                                                                               \
    X(RODATA, ".rodata.cst8")                                                                      \
    X(RELRO, ".data.rel.ro")                                                                       \
    X(ZERO, ".zero")                                                                               \
    X(EH_FRAME, ".eh_frame")                                                                       \
    X(DEBUG, ".debug_info")                                                                        \
    X(RELA_TEXT, ".rela.text")                                                                     \
    X(RELA_RELRO, ".rela.data.rel.ro")                                                             \
    X(RELA_EH_FRAME, ".rela.eh_frame")                                                             \
    X(RELA_DEBUG, ".rela.debug_info")                                                              \
    X(SYMTAB, ".symtab")                                                                           \
    X(STRTAB, ".strtab")                                                                           \
    X(SHSTRTAB, ".shstrtab")

#define SECTION_INDEX(index, name) index,
#define SECTION_NAME(index, name) [index] = name,
enum { NONE, SECTION_ROWS(SECTION_INDEX) SECTIONS };
static const char *const section_names[SECTIONS] = {[NONE] = "", SECTION_ROWS(SECTION_NAME)};

typedef struct object {
    unsigned char bytes[4096];
    size_t size;
    Elf64_Ehdr header;
    Elf64_Shdr sections[SECTIONS];
} object;

static uint32_t add_string(char *table, size_t *used, const char *text) {
    size_t at = *used;
    memcpy(table + at, text, strlen(text) + 1);
    *used += strlen(text) + 1;
    return (uint32_t)at;
}

static void add_section(object *o, int index, uint32_t type, uint64_t flags, const void *bytes,
                        size_t size, uint64_t alignment, uint64_t entry) {
    o->size = (o->size + 7) & ~(size_t)7;
    Elf64_Shdr *s = &o->sections[index];
    s->sh_type = type;
    s->sh_flags = flags;
    s->sh_offset = o->size;
    s->sh_size = size;
    s->sh_addralign = alignment;
    s->sh_entsize = entry;
    if (type == SHT_NOBITS) return;
    memcpy(o->bytes + o->size, bytes, size);
    o->size += size;
}

/* Write headers and section table over the bytes; call it again after a change of either. */
static void finish(object *o) {
    memcpy(o->bytes + o->header.e_shoff, o->sections, sizeof o->sections);
    memcpy(o->bytes, &o->header, sizeof o->header);
}

static Elf64_Rela relocation_of(uint64_t offset, uint32_t index, uint32_t type, int64_t addend) {
    return (Elf64_Rela){offset, ELF64_R_INFO((uint64_t)index, type), addend};
}

enum {
    SYMBOL_RODATA = 1,
    SYMBOL_RELRO,
    SYMBOL_ZERO,
    SYMBOL_MAP_0,
    SYMBOL_MAP_1,
    SYMBOL_MAP_2,
    SYMBOL_MAP_3,
    SYMBOL_MAP_4,
    SYMBOL_LOCAL,
    SYMBOL_MISSING,
    SYMBOLS
};

#define CONSTANT INT64_C(0x1122334455667788)

/* clang-format off */
static const unsigned char code[] = {
    /*  0 map_0: mov rax, [rip + rodata + 8]; ret           */ 0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3,
    /*  8 map_1: mov eax, 42; ret                           */ 0xb8, 42, 0, 0, 0, 0xc3, 0x90, 0x90,
    /* 16 map_2: jmp map_1                                  */ 0xe9, 0, 0, 0, 0, 0x90, 0x90, 0x90,
    /* 24 map_3: mov rax, [rip + relro]; mov rax, [rax]; ret */ 0x48, 0x8b, 0x05, 0, 0, 0, 0, 0x48, 0x8b, 0, 0xc3, 0x90,
    /* 36 map_4: mov rax, [rip + zero]; ret                 */ 0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3,
};
/* clang-format on */

static void add_code(object *o) {
    const uint64_t rodata[4] = {1, (uint64_t)CONSTANT, 3, 4};
    const Elf64_Rela text[] = {
        relocation_of(3, SYMBOL_RODATA, R_X86_64_PC32, 8 - 4),
        relocation_of(17, SYMBOL_MAP_1, R_X86_64_PLT32, -4),
        relocation_of(27, SYMBOL_RELRO, R_X86_64_PC32, -4),
        relocation_of(39, SYMBOL_ZERO, R_X86_64_PC32, -4),
    };
    const Elf64_Rela relro[] = {relocation_of(0, SYMBOL_RODATA, R_X86_64_64, 8)};
    const Elf64_Rela ignored[] = {relocation_of(0xffffff, 77, 99, 0)};
    add_section(o, TEXT, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, code, sizeof code, 16, 0);
    add_section(o, RODATA, SHT_PROGBITS, SHF_ALLOC | SHF_MERGE, rodata, sizeof rodata, 64, 8);
    add_section(o, RELRO, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, (uint64_t[1]){0}, 8, 8, 0);
    add_section(o, ZERO, SHT_NOBITS, SHF_ALLOC, NULL, 9000, 4096, 0);
    add_section(o, EH_FRAME, SHT_PROGBITS, SHF_ALLOC, "unwind", 6, 8, 0);
    add_section(o, DEBUG, SHT_PROGBITS, 0, "debug", 5, 1, 0);
    add_section(o, RELA_TEXT, SHT_RELA, SHF_INFO_LINK, text, sizeof text, 8, sizeof *text);
    add_section(o, RELA_RELRO, SHT_RELA, SHF_INFO_LINK, relro, sizeof relro, 8, sizeof *relro);
    add_section(o, RELA_EH_FRAME, SHT_RELA, SHF_INFO_LINK, ignored, sizeof ignored, 8, sizeof *ignored);
    add_section(o, RELA_DEBUG, SHT_RELA, SHF_INFO_LINK, ignored, sizeof ignored, 8, sizeof *ignored);
    for (int i = RELA_TEXT; i <= RELA_DEBUG; i++)
        o->sections[i].sh_link = SYMTAB;
    o->sections[RELA_TEXT].sh_info = TEXT;
    o->sections[RELA_RELRO].sh_info = RELRO;
    o->sections[RELA_EH_FRAME].sh_info = EH_FRAME;
    o->sections[RELA_DEBUG].sh_info = DEBUG;
}

static void add_symbols(object *o) {
    static const struct {
        const char *name;
        unsigned char bind, type;
        uint16_t section;
        uint64_t value;
    } rows[SYMBOLS] = {
        {"", STB_LOCAL, STT_NOTYPE, SHN_UNDEF, 0},
        {"", STB_LOCAL, STT_SECTION, RODATA, 0},
        {"", STB_LOCAL, STT_SECTION, RELRO, 0},
        {"", STB_LOCAL, STT_SECTION, ZERO, 0},
        {"wn_map_0", STB_GLOBAL, STT_FUNC, TEXT, 0},
        {"wn_map_1", STB_GLOBAL, STT_FUNC, TEXT, 8},
        {"wn_map_2", STB_GLOBAL, STT_FUNC, TEXT, 16},
        {"wn_map_3", STB_GLOBAL, STT_FUNC, TEXT, 24},
        {"wn_map_4", STB_GLOBAL, STT_FUNC, TEXT, 36},
        {"local", STB_LOCAL, STT_FUNC, TEXT, 8},
        {"memcpy", STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0},
    };
    char names[200] = "";
    size_t used = 1;
    Elf64_Sym symbols[SYMBOLS] = {{0}};
    for (int i = 1; i < SYMBOLS; i++) {
        if (*rows[i].name) symbols[i].st_name = add_string(names, &used, rows[i].name);
        symbols[i].st_info = (unsigned char)ELF64_ST_INFO(rows[i].bind, rows[i].type);
        symbols[i].st_shndx = rows[i].section;
        symbols[i].st_value = rows[i].value;
    }
    add_section(o, SYMTAB, SHT_SYMTAB, 0, symbols, sizeof symbols, 8, sizeof *symbols);
    add_section(o, STRTAB, SHT_STRTAB, 0, names, used, 1, 0);
    o->sections[SYMTAB].sh_link = STRTAB;
}

static void add_section_names(object *o) {
    char names[300] = "";
    size_t used = 1;
    for (int i = 1; i < SECTIONS; i++)
        o->sections[i].sh_name = add_string(names, &used, section_names[i]);
    add_section(o, SHSTRTAB, SHT_STRTAB, 0, names, used, 1, 0);
}

static void build(object *o) {
    memset(o, 0, sizeof *o);
    memcpy(o->header.e_ident, ELFMAG, SELFMAG);
    o->header.e_ident[EI_CLASS] = ELFCLASS64;
    o->header.e_ident[EI_DATA] = ELFDATA2LSB;
    o->header.e_ident[EI_VERSION] = EV_CURRENT;
    o->header.e_type = ET_REL;
    o->header.e_machine = EM_X86_64;
    o->header.e_version = EV_CURRENT;
    o->header.e_ehsize = sizeof(Elf64_Ehdr);
    o->header.e_shentsize = sizeof(Elf64_Shdr);
    o->header.e_shnum = SECTIONS;
    o->header.e_shstrndx = SHSTRTAB;
    o->size = sizeof(Elf64_Ehdr);
    add_code(o);
    add_symbols(o);
    add_section_names(o);
    o->header.e_shoff = o->size = (o->size + 7) & ~(size_t)7;
    o->size += sizeof o->sections;
    finish(o);
}

/* ---- Loading it -------------------------------------------------------------------------------------------------- */

static wn_context *context;

static int open_context(void **state) {
    (void)state;
    context = wn_context_new(NULL);
    return context ? 0 : -1;
}

static int close_context(void **state) {
    (void)state;
    wn_context_free(context);
    return 0;
}

static void need_x86_64(void) {
#if !defined(__x86_64__)
    skip();
#endif
}

static int64_t call(const wn_code *loaded, const char *wanted) {
    kernel_fn function = wn_code_find(loaded, wanted);
    assert_non_null(function);
    return function(NULL, NULL, NULL, 0, NULL);
}

/* Load it, expecting an error whose message has this in it. */
static void expect_refusal(object *o, const char *words) {
    finish(o);
    wn_error error = {WN_OK, ""};
    wn_code *loaded = wn_code_load(context, o->bytes, o->size, &error);
    assert_null(loaded);
    assert_int_equal(error.status, WN_ERROR_COMPILER);
    if (!strstr(error.message, words)) fail_msg("\"%s\" does not say \"%s\"", error.message, words);
}

static void set_relocation(object *o, size_t index, Elf64_Rela entry) {
    memcpy(o->bytes + o->sections[RELA_TEXT].sh_offset + index * sizeof entry, &entry, sizeof entry);
}

static void functions_and_constants_are_loaded(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    wn_error error = {WN_OK, ""};
    wn_code *loaded = wn_code_load(context, o.bytes, o.size, &error);
    assert_string_equal(error.message, "");
    assert_non_null(loaded);
    assert_int_equal(call(loaded, "wn_map_0"), CONSTANT);
    assert_int_equal(call(loaded, "wn_map_1"), 42);
    assert_int_equal(call(loaded, "wn_map_2"), 42);
    assert_int_equal(call(loaded, "wn_map_3"), CONSTANT);
    assert_int_equal(call(loaded, "wn_map_4"), 0);
    assert_true(wn_code_size(loaded) >= 4096 + 9000);
    wn_code_free(loaded);
    wn_code_free(NULL);
}

static void only_global_functions_are_found(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    wn_code *loaded = wn_code_load(context, o.bytes, o.size, NULL);
    assert_non_null(loaded);
    assert_null(wn_code_find(loaded, "local"));
    assert_null(wn_code_find(loaded, "memcpy"));
    assert_null(wn_code_find(loaded, "wn_map"));
    assert_null(wn_code_find(loaded, ""));
    wn_code_free(loaded);
}

static void an_object_may_lie_at_any_address(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    unsigned char *copy = malloc(o.size + 1);
    assert_non_null(copy);
    memcpy(copy + 1, o.bytes, o.size);
    wn_code *loaded = wn_code_load(context, copy + 1, o.size, NULL);
    free(copy);
    assert_non_null(loaded);
    assert_int_equal(call(loaded, "wn_map_0"), CONSTANT);
    wn_code_free(loaded);
}

/* The mapping of an address, as the system lists it: "r-xp". */
static void read_permissions(uintptr_t address, char permissions[5]) {
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps) skip();
    char line[512];
    permissions[0] = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long low, high;
        char found[5];
        if (sscanf(line, "%lx-%lx %4s", &low, &high, found) == 3 && address >= low && address < high)
            memcpy(permissions, found, 5);
    }
    fclose(maps);
}

static void memory_is_read_and_execute_alone(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    wn_code *loaded = wn_code_load(context, o.bytes, o.size, NULL);
    assert_non_null(loaded);
    char permissions[5];
    read_permissions((uintptr_t)wn_code_find(loaded, "wn_map_0"), permissions);
    assert_string_equal(permissions, "r-xp");
    wn_code_free(loaded);
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

static void an_undefined_symbol_is_named(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    set_relocation(&o, 1, relocation_of(17, SYMBOL_MISSING, R_X86_64_PLT32, -4));
    expect_refusal(&o, "symbol memcpy is undefined");
}

static void an_unknown_relocation_is_named(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    set_relocation(&o, 1, relocation_of(17, SYMBOL_MAP_1, R_X86_64_GOTPCREL, -4));
    expect_refusal(&o, "relocation type 9 in section .text");
}

static void relocations_stay_in_their_section(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    set_relocation(&o, 1, relocation_of(sizeof code - 3, SYMBOL_MAP_1, R_X86_64_PLT32, -4));
    expect_refusal(&o, "R_X86_64_PLT32 lies outside section .text");
    set_relocation(&o, 1, relocation_of(UINT64_MAX, SYMBOL_MAP_1, R_X86_64_PC32, -4));
    expect_refusal(&o, "R_X86_64_PC32 lies outside section .text");
}

static void relocations_reach_their_target(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    set_relocation(&o, 1, relocation_of(0, SYMBOL_MAP_2, R_X86_64_PC32, INT32_MAX));
    expect_refusal(&o, "does not reach");
    set_relocation(&o, 1, relocation_of(17, SYMBOL_MAP_1, R_X86_64_64, INT64_MIN));
    expect_refusal(&o, "bytes from symbol wn_map_1");
    set_relocation(&o, 1, relocation_of(17, SYMBOLS, R_X86_64_PC32, 0));
    expect_refusal(&o, "names symbol 11 of 11");
}

static void foreign_files_are_refused(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    o.header.e_ident[0] = 'x';
    expect_refusal(&o, "no ELF object");
    build(&o);
    o.header.e_ident[EI_CLASS] = ELFCLASS32;
    expect_refusal(&o, "not 64-bit");
    build(&o);
    o.header.e_machine = EM_AARCH64;
    expect_refusal(&o, "machine 183, this is 62");
    build(&o);
    o.header.e_type = ET_DYN;
    expect_refusal(&o, "not a relocatable object");
}

static void bad_sections_are_refused(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    o.sections[RODATA].sh_addralign = 48;
    expect_refusal(&o, "section .rodata.cst8 has alignment 48");
    build(&o);
    o.sections[ZERO].sh_size = UINT64_MAX;
    expect_refusal(&o, "section .zero has 18446744073709551615 bytes");
    build(&o);
    o.sections[ZERO].sh_size = (uint64_t)1 << 30;
    expect_refusal(&o, "needs over");
    build(&o);
    o.sections[RODATA].sh_flags |= SHF_WRITE;
    expect_refusal(&o, ".rodata.cst8 is writable");
    build(&o);
    o.sections[TEXT].sh_offset = UINT64_MAX - 8;
    expect_refusal(&o, ".text reaches past the object's end");
    build(&o);
    o.sections[RELA_TEXT].sh_type = SHT_REL;
    expect_refusal(&o, ".rela.text is no table of relocations");
}

static void an_object_without_code_is_refused(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    for (int i = TEXT; i <= EH_FRAME; i++)
        o.sections[i].sh_flags = 0;
    expect_refusal(&o, "holds no code");
}

/* A system that forbids execution of what was written, as some hardened ones do: an error, in a process of its own. */
static void a_refusal_of_the_system_is_an_error(void **state) {
    (void)state;
    need_x86_64();
#if !defined(PR_SET_MDWE)
#define PR_SET_MDWE 65
#endif
    object o;
    build(&o);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (prctl(PR_SET_MDWE, 1L, 0L, 0L, 0L) != 0) _exit(77);
        wn_error error = {WN_OK, ""};
        wn_code *loaded = wn_code_load(context, o.bytes, o.size, &error);
        _exit(!loaded && error.status == WN_ERROR_COMPILER && strstr(error.message, "refused execution")
                  ? 0
                  : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- Memory that runs out ---------------------------------------------------------------------------------------- */

typedef struct meter {
    int64_t left; /* allocations that still succeed */
    size_t bytes; /* now allocated */
} meter;

static void *metered(void *user, void *pointer, size_t old_size, size_t new_size) {
    meter *m = user;
    if (new_size > old_size && m->left-- <= 0) return NULL;
    m->bytes += new_size - old_size;
    if (new_size) return realloc(pointer, new_size);
    free(pointer);
    return NULL;
}

static void every_failed_allocation_is_an_error(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    meter m = {1000, 0};
    wn_context_options options = {.size = sizeof options, .allocate = metered, .allocate_user = &m};
    wn_context *limited = wn_context_new(&options);
    assert_non_null(limited);
    size_t before = m.bytes;
    wn_code *loaded = NULL;
    int failures = 0;
    for (; !loaded; failures++) {
        assert_true(failures < 100);
        wn_error error = {WN_OK, ""};
        m.left = failures;
        loaded = wn_code_load(limited, o.bytes, o.size, &error);
        if (!loaded) assert_int_equal(error.status, WN_ERROR_MEMORY);
        if (!loaded) assert_int_equal(m.bytes, before);
    }
    assert_true(failures > 2);
    wn_code_free(loaded);
    assert_int_equal(m.bytes, before);
    wn_context_free(limited);
}

/* ---- Corruption -------------------------------------------------------------------------------------------------- */

/* Load a copy of exactly this size, so that a sanitizer sees any byte read past it. Returns whether it loads. */
static bool load_copy(const unsigned char *bytes, size_t size) {
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    wn_error error = {WN_OK, ""};
    wn_code *loaded = wn_code_load(context, copy, size, &error);
    if (!loaded && (error.status != WN_ERROR_COMPILER || !error.message[0]))
        fail_msg("refused with status %d and message \"%s\"", (int)error.status, error.message);
    if (loaded) wn_code_find(loaded, "no such function");
    wn_code_free(loaded);
    free(copy);
    return loaded != NULL;
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    for (size_t size = 0; size < o.size; size++) {
        if (load_copy(o.bytes, size)) fail_msg("%zu of %zu bytes were loaded", size, o.size);
    }
    assert_true(load_copy(o.bytes, o.size));
}

static void any_corrupt_byte_is_survived(void **state) {
    (void)state;
    need_x86_64();
    static const unsigned char flips[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20,
                                          0x40, 0x80, 0xff, 0x7f, 0x0f, 0x55};
    object o;
    build(&o);
    for (size_t i = 0; i < o.size; i++) {
        unsigned char byte = o.bytes[i];
        for (size_t k = 0; k < sizeof flips; k++) {
            o.bytes[i] = byte ^ flips[k];
            load_copy(o.bytes, o.size);
        }
        o.bytes[i] = byte;
    }
}

static void any_corrupt_number_is_survived(void **state) {
    (void)state;
    need_x86_64();
    object o;
    build(&o);
    const uint64_t numbers[] = {0,
                                1,
                                o.size,
                                o.size - 1,
                                0x7fffffff,
                                0x80000000,
                                0xffffffff,
                                INT64_MAX,
                                (uint64_t)INT64_MAX + 1,
                                UINT64_MAX,
                                UINT64_MAX - 63,
                                UINT64_MAX - o.size};
    static const size_t widths[] = {2, 4, 8};
    for (size_t i = 0; i + 8 <= o.size; i += 2) {
        unsigned char kept[8];
        memcpy(kept, o.bytes + i, 8);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers * 3; k++) {
            memcpy(o.bytes + i, &numbers[k / 3], widths[k % 3]);
            load_copy(o.bytes, o.size);
            memcpy(o.bytes + i, kept, 8);
        }
    }
}

static void several_corrupt_bytes_are_survived(void **state) {
    (void)state;
    need_x86_64();
    object o;
    uint64_t random = 1;
    for (int round = 0; round < 20000; round++) {
        build(&o);
        for (int k = 0; k < 4; k++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            o.bytes[(random >> 33) % o.size] = (unsigned char)(random >> 24);
        }
        load_copy(o.bytes, o.size);
    }
}

/* ---- Relocations of any machine ---------------------------------------------------------------------------------- */

/* What the relocation makes of an instruction at `place`; 0 if it cannot be done. */
static uint32_t relocated(uint16_t machine, uint32_t type, uint32_t word, uint64_t place,
                          uint64_t target) {
    const relocation *r = wn_relocation(machine, type);
    assert_non_null(r);
    unsigned char bytes[8] = {0};
    memcpy(bytes, &word, sizeof word);
    if (!wn_relocate(r, bytes, place, target)) return 0;
    memcpy(&word, bytes, sizeof word);
    return word;
}

#define ARM(type, word, place, target) relocated(EM_AARCH64, R_AARCH64_##type, word, place, target)

/* clang-format off */
/* Expected words are an assembler's for the same instruction with the number written out. */
static void aarch64_instructions_get_their_fields(void **state) {
    (void)state;
    /* bl #64               */ assert_int_equal(ARM(CALL26, 0x94000000, 0x1000, 0x1000 + 64), 0x94000010);
    /* b #-4                */ assert_int_equal(ARM(JUMP26, 0x14000000, 0x1000, 0x1000 - 4), 0x17ffffff);
    /* adrp x0, #12288      */ assert_int_equal(ARM(ADR_PREL_PG_HI21, 0x90000000, 0x1ffc, 0x4010), 0xf0000000);
    /* adrp x8, #-4096      */ assert_int_equal(ARM(ADR_PREL_PG_HI21, 0x90000008, 0x5000, 0x4fff), 0xf0ffffe8);
    /* add x0, x0, #837     */ assert_int_equal(ARM(ADD_ABS_LO12_NC, 0x91000000, 0, 0x12345), 0x910d1400);
    /* ldrb w0, [x0, #837]  */ assert_int_equal(ARM(LDST8_ABS_LO12_NC, 0x39400000, 0, 0x1345), 0x394d1400);
    /* ldrh w0, [x0, #2]    */ assert_int_equal(ARM(LDST16_ABS_LO12_NC, 0x79400000, 0, 0x1002), 0x79400400);
    /* ldr w0, [x0, #4]     */ assert_int_equal(ARM(LDST32_ABS_LO12_NC, 0xb9400000, 0, 0x1004), 0xb9400400);
    /* ldr x0, [x0, #4088]  */ assert_int_equal(ARM(LDST64_ABS_LO12_NC, 0xf9400000, 0, 0x1ff8), 0xf947fc00);
    /* ldr q0, [x0, #16]    */ assert_int_equal(ARM(LDST128_ABS_LO12_NC, 0x3dc00000, 0, 0x1010), 0x3dc00400);
    assert_int_equal(ARM(PREL32, 0, 0x1000, 0xff0), 0xfffffff0);
}
/* clang-format on */

static void aarch64_relocations_that_cannot_be_written_are_refused(void **state) {
    (void)state;
    assert_int_equal(ARM(CALL26, 0x94000000, 0x1000, 0x1002), 0); /* not an instruction's address */
    assert_int_equal(ARM(CALL26, 0x94000000, 0, (uint64_t)1 << 27), 0);           /* 128 MiB */
    assert_int_equal(ARM(LDST128_ABS_LO12_NC, 0x3dc00000, 0, 0x1008), 0);         /* misaligned */
    assert_int_equal(ARM(ADR_PREL_PG_HI21, 0x90000000, 0, (uint64_t)1 << 32), 0); /* 4 GiB */
    assert_null(wn_relocation(EM_AARCH64, R_AARCH64_ADR_GOT_PAGE));
}

static void x86_64_distances_fit_in_32_bits(void **state) {
    (void)state;
    uint64_t place = UINT64_C(0x7f0000000000);
    assert_int_equal(relocated(EM_X86_64, R_X86_64_PC32, 0, place, place + INT32_MAX), INT32_MAX);
    assert_int_equal(relocated(EM_X86_64, R_X86_64_PC32, 0, place, place - 16), 0xfffffff0);
    assert_int_equal(relocated(EM_X86_64, R_X86_64_PC32, 7, place, place + INT32_MAX + 1), 0);
    assert_int_equal(relocated(EM_X86_64, R_X86_64_64, 0, place, 0x12345678), 0x12345678);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_and_constants_are_loaded),
        cmocka_unit_test(only_global_functions_are_found),
        cmocka_unit_test(an_object_may_lie_at_any_address),
        cmocka_unit_test(memory_is_read_and_execute_alone),
        cmocka_unit_test(an_undefined_symbol_is_named),
        cmocka_unit_test(an_unknown_relocation_is_named),
        cmocka_unit_test(relocations_stay_in_their_section),
        cmocka_unit_test(relocations_reach_their_target),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(bad_sections_are_refused),
        cmocka_unit_test(an_object_without_code_is_refused),
        cmocka_unit_test(a_refusal_of_the_system_is_an_error),
        cmocka_unit_test(every_failed_allocation_is_an_error),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(any_corrupt_byte_is_survived),
        cmocka_unit_test(any_corrupt_number_is_survived),
        cmocka_unit_test(several_corrupt_bytes_are_survived),
        cmocka_unit_test(aarch64_instructions_get_their_fields),
        cmocka_unit_test(aarch64_relocations_that_cannot_be_written_are_refused),
        cmocka_unit_test(x86_64_distances_fit_in_32_bits),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
