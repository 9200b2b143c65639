/*
 * args.c - the command line: options, the expression, the inputs and what the expression itself declares.
 *
 * Options may stand anywhere before `--`. The first other word is the expression, the rest are inputs.
 */
#include "tool/tool.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- Words -------------------------------------------------------------------------------------------------------- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* The length of the name that begins here; 0 if none does. */
static size_t name_length(const char *p) {
    size_t n = 0;
    if (!is_letter(*p)) return 0;
    while (is_letter(p[n]) || is_digit(p[n]))
        n++;
    return n;
}

static const char *skip_space(const char *p) {
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
        p++;
    return p;
}

static char *copy_text(const char *text, size_t length) {
    char *copy = wn_have(malloc(length + 1));
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

/* The array, moved perhaps, with room for one more than count. */
static void *grow(void *array, size_t count, size_t *room, size_t size) {
    if (count < *room) return array;
    *room = *room ? 2 * *room : 8;
    return wn_have(realloc(array, *room * size));
}

/* ---- Declarations: TYPE, TYPE[?, 3] --------------------------------------------------------------------------------- */

/* [?, 3] into in->dims; where it ends, or NULL if it cannot be read. */
static const char *read_dims(tool_input *in, const char *p) {
    in->shaped = true;
    in->rank = 0;
    p = skip_space(p + 1);
    if (*p == ']') return p + 1;
    for (;; p++) {
        int64_t length = 0;
        p = skip_space(p);
        if (*p == '?') {
            length = WN_ANY;
            p++;
        } else if (is_digit(*p)) {
            for (; is_digit(*p); p++)
                if (__builtin_mul_overflow(length, 10, &length) ||
                    __builtin_add_overflow(length, *p - '0', &length))
                    return NULL;
        } else {
            return NULL;
        }
        if (in->rank == WN_MAX_RANK) return NULL;
        in->dims[in->rank++] = length;
        p = skip_space(p);
        if (*p == ']') return p + 1;
        if (*p != ',') return NULL;
    }
}

/* The type's name into in->type, then dims if there are any; where it ends, or NULL. */
static const char *read_declaration(tool_input *in, const char *p) {
    size_t length = name_length(p);
    for (int t = 0; t < WN_TYPE_COUNT; t++) {
        const char *name = wn_type_name((wn_type)t);
        if (strlen(name) != length || strncmp(name, p, length) != 0) continue;
        in->typed = true;
        in->type = (wn_type)t;
    }
    if (!in->typed) return NULL;
    p += length;
    const char *bracket = skip_space(p);
    return *bracket == '[' ? read_dims(in, bracket) : p;
}

static tool_input *find_input(arguments *a, const char *name, size_t length) {
    for (size_t i = 0; i < a->input_count; i++)
        if (strlen(a->inputs[i].name) == length && !strncmp(a->inputs[i].name, name, length))
            return &a->inputs[i];
    return NULL;
}

static tool_input *add_input(arguments *a, const char *name, size_t length) {
    a->inputs = grow(a->inputs, a->input_count, &a->input_room, sizeof *a->inputs);
    tool_input *in = &a->inputs[a->input_count++];
    *in = (tool_input){.name = copy_text(name, length)};
    return in;
}

/* ---- INPUT ---------------------------------------------------------------------------------------------------------- */

/* A file's name, rather than an array written out: ends in .npy, or looks like no number. */
static bool names_file(const char *value) {
    static const char *const words[] = {"true", "false", "nan", "inf"};
    size_t length = strlen(value);
    if (length >= 4 && !strcmp(value + length - 4, ".npy")) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(value, words[i])) return false;
    value = skip_space(value);
    bool relative = *value == '.' && !is_digit(value[1]);
    return *value && !is_digit(*value) && (relative || !strchr("[.-+", *value));
}

/* A rule of check begins with no name that an = or : follows alone: "vectorized", "loops==1", "no-spill". */
static bool is_rule(const char *word) {
    size_t length = strcspn(word, "=:");
    return word[length] == 0 || (word[length] == '=' && word[length + 1] == '=') ||
           (length > 0 && strchr("<>!", word[length - 1]));
}

static exit_status add_rule(arguments *a, char *word) {
    a->rules = grow(a->rules, a->rule_count, &a->rule_room, sizeof *a->rules);
    a->rules[a->rule_count++] = word;
    return DONE;
}

static exit_status read_input(arguments *a, char *word) {
    size_t length = name_length(word);
    const char *p = word + length;
    if (a->command == COMMAND_CHECK && is_rule(word)) return add_rule(a, word);
    if (length == 0 || (*p != '=' && *p != ':'))
        return wn_misused(
            "'%s' is no input: write NAME=VALUE, NAME=FILE.npy, NAME:TYPE=... or NAME:TYPE[DIMS]", word);
    if (find_input(a, word, length))
        return wn_misused("input %.*s is given twice", (int)length, word);
    tool_input *in = add_input(a, word, length);
    if (*p == ':') {
        p = read_declaration(in, p + 1);
        if (!p && !in->typed)
            return wn_misused("'%s': no type (f32, i64, bool, ...) after the colon", word);
        if (!p)
            return wn_misused("'%s': dimensions are numbers or ?, at most 8, as in f32[?, 3]", word);
    }
    if (*p == '=') {
        in->value = p + 1;
        in->file = names_file(in->value);
        return *in->value ? DONE : wn_misused("'%s': nothing after the =", word);
    }
    if (*p) return wn_misused("'%s': '%s' after the type", word, p);
    return in->shaped
               ? DONE
               : wn_misused("'%s': no value, and no dimensions (%s[] is a scalar)", word, word);
}

/* ---- What the text declares: `input NAME: TYPE[DIMS];` --------------------------------------------------------------- */

/* The start of the next statement: past the next ; that stands in no comment. */
static const char *next_statement(const char *p) {
    for (; *p && *p != ';'; p++)
        if (*p == '#') {
            while (p[1] && p[1] != '\n')
                p++;
        }
    return *p ? p + 1 : p;
}

static const char *skip_comments(const char *p) {
    for (p = skip_space(p); *p == '#'; p = skip_space(p))
        while (*p && *p != '\n')
            p++;
    return p;
}

/* A shape as "[?, 3]". */
static void shape_text(const tool_input *in, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "[");
    for (int32_t i = 0; i < in->rank; i++) {
        const char *comma = i ? ", " : "";
        if (in->dims[i] < 0)
            used += (size_t)snprintf(text + used, size - used, "%s?", comma);
        else
            used +=
                (size_t)snprintf(text + used, size - used, "%s%lld", comma, (long long)in->dims[i]);
    }
    snprintf(text + used, size - used, "]");
}

/* What the text says and what the command line says must agree; each may fill in what the other leaves open. */
static exit_status merge(tool_input *in, const tool_input *text) {
    if (in->in_text) return DONE; /* declared twice: wn_parse says it better */
    if (in->typed && in->type != text->type)
        return wn_wrong("%s is declared %s in the expression, %s on the command line", in->name,
                        wn_type_name(text->type), wn_type_name(in->type));
    bool same = in->rank == text->rank;
    for (int32_t i = 0; same && i < in->rank; i++)
        same = in->dims[i] == text->dims[i] || in->dims[i] < 0 || text->dims[i] < 0;
    if (in->shaped && !same) {
        char mine[200], other[200];
        shape_text(in, mine, sizeof mine);
        shape_text(text, other, sizeof other);
        return wn_wrong("%s is declared %s in the expression, %s on the command line", in->name,
                        other, mine);
    }
    for (int32_t i = 0; i < text->rank; i++)
        if (!in->shaped || in->dims[i] < 0) in->dims[i] = text->dims[i];
    in->rank = text->rank;
    in->type = text->type;
    in->typed = in->shaped = in->in_text = true;
    return DONE;
}

/* Only what is plainly a declaration is taken here; what else there is, and what is wrong, is for wn_parse. */
static exit_status read_text_declarations(arguments *a) {
    for (const char *p = a->text; *p; p = next_statement(p)) {
        p = skip_comments(p);
        if (name_length(p) != 5 || strncmp(p, "input", 5) != 0) continue;
        const char *name = skip_comments(p + 5);
        size_t length = name_length(name);
        const char *colon = skip_comments(name + length);
        tool_input declared = {.name = NULL};
        if (length == 0 || *colon != ':' || !read_declaration(&declared, skip_comments(colon + 1)))
            continue;
        tool_input *in = find_input(a, name, length);
        TRY(merge(in ? in : add_input(a, name, length), &declared));
    }
    return DONE;
}

/* ---- EXPR ------------------------------------------------------------------------------------------------------------- */

static exit_status read_file(arguments *a, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return wn_wrong("%s: %s", path, strerror(errno));
    size_t room = 0, got = 0, most = (size_t)1 << 24; /* a device has no end */
    do {
        room = room ? 2 * room : 4096;
        a->text = wn_have(realloc(a->text, room + 1));
        got = fread(a->text + a->text_length, 1, room - a->text_length, file);
        a->text_length += got;
    } while (a->text_length == room && room < most);
    a->text[a->text_length] = 0;
    bool bad = ferror(file) != 0;
    fclose(file);
    if (a->text_length == most)
        return wn_wrong("%s: longer than any expression, %zu bytes", path, most);
    return bad ? wn_wrong("%s: %s", path, strerror(errno)) : DONE;
}

static exit_status read_expression(arguments *a, const char *word) {
    if (*word == '@') return read_file(a, word + 1);
    a->text_length = strlen(word);
    a->text = copy_text(word, a->text_length);
    return DONE;
}

/* ---- Options ------------------------------------------------------------------------------------------------------------ */

typedef exit_status (*option_fn)(arguments *a, const char *value);

static exit_status set_engine(arguments *a, const char *value) {
    a->compile.engine = !strcmp(value, "jit") ? WN_ENGINE_JIT : WN_ENGINE_INTERPRETER;
    if (a->compile.engine == WN_ENGINE_JIT || !strcmp(value, "interpreter")) return DONE;
    return wn_misused("--engine is jit or interpreter, not '%s'", value);
}

/* v3 is x86-64-v3, as in a rule of check. */
static exit_status set_isa(arguments *a, const char *value) {
    static const wn_isa isas[] = {WN_ISA_NATIVE, WN_ISA_PORTABLE, WN_ISA_X86_64_V2,
                                  WN_ISA_X86_64_V3, WN_ISA_X86_64_V4};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        const char *name = wn_isa_name(isas[i]), *level = strrchr(name, '-');
        if (strcmp(value, name) != 0 && !(level && !strcmp(value, level + 1))) continue;
        a->compile.isa = isas[i];
        return DONE;
    }
    return wn_misused(
        "--isa is native, portable, x86-64-v2, x86-64-v3 or x86-64-v4 (or v2, v3, v4), not '%s'", value);
}

static exit_status set_threads(arguments *a, const char *value) {
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (!is_digit(*value) || *end || errno || n < 1 || n > 4096)
        return wn_misused("--threads takes a number from 1 to 4096, not '%s'", value);
    a->threads = (int32_t)n;
    return DONE;
}

static exit_status set_emit(arguments *a, const char *value) {
    a->emit = value;
    return DONE;
}

static exit_status add_output(arguments *a, const char *value) {
    size_t length = name_length(value);
    bool named = length && value[length] == '=';
    const char *path = named ? value + length + 1 : value;
    if (!*path) return wn_misused("-o takes FILE or NAME=FILE, not '%s'", value);
    for (size_t i = 0; i < a->output_count; i++)
        if (!strcmp(a->outputs[i].path, path)) return wn_misused("-o %s is given twice", path);
    a->outputs = grow(a->outputs, a->output_count, &a->output_room, sizeof *a->outputs);
    a->outputs[a->output_count++] = (tool_output){named ? copy_text(value, length) : NULL, path};
    return DONE;
}

enum {
    IN_EVAL = 1 << COMMAND_EVAL,
    IN_BENCH = 1 << COMMAND_BENCH,
    IN_EXPLAIN = 1 << COMMAND_EXPLAIN,
    IN_ALL = 15
};

/* An option has a function that takes its value, or a flag in the arguments. */
#define FLAG(name) NULL, offsetof(arguments, name)

static const struct option {
    const char *name;
    int commands;
    option_fn set;
    size_t flag;
} options[] = {
    {"--engine", IN_ALL, set_engine, 0},
    {"--isa", IN_ALL, set_isa, 0},
    {"--threads", IN_ALL, set_threads, 0},
    {"--emit", IN_EXPLAIN, set_emit, 0},
    {"-o", IN_EVAL | IN_EXPLAIN, add_output, 0},
    {"--json", IN_BENCH, FLAG(json)},
    {"--no-cache", IN_EVAL, FLAG(no_cache)},
    {"--perf-map", IN_EVAL | IN_BENCH, FLAG(perf_map)},
    {"--debugger", IN_EVAL | IN_BENCH, FLAG(debugger)},
    {"--help", IN_ALL, FLAG(help)},
    {"-h", IN_ALL, FLAG(help)},
};

/* --isa V, --isa=V, -o V, -oV; moves *argv past a value that is a word of its own. */
static exit_status read_option(arguments *a, char ***argv) {
    const char *word = **argv;
    bool is_long = word[1] == '-';
    for (const struct option *o = options; o < options + sizeof options / sizeof *options; o++) {
        size_t length = strlen(o->name);
        const char *rest = word + length;
        if (strncmp(word, o->name, length) != 0 || !(o->commands >> a->command & 1)) continue;
        if (*rest && (!o->set || (is_long && *rest != '='))) continue;
        if (!o->set) {
            *(bool *)((char *)a + o->flag) = true;
            return DONE;
        }
        if (!*rest)
            rest = *++*argv;
        else if (is_long)
            rest++;
        return rest ? o->set(a, rest) : wn_misused("%s needs a value", word);
    }
    return wn_misused(
        "there is no option '%s' here (an expression that begins with - comes after --)", word);
}

/* ---- All of it ------------------------------------------------------------------------------------------------------------ */

exit_status wn_arguments_read(arguments *a, int argc, char **argv) {
    char **end = argv + argc;
    bool options_end = false;
    for (; argv < end; argv++) {
        char *word = *argv;
        if (!options_end && !strcmp(word, "--"))
            options_end = true;
        else if (!options_end && word[0] == '-' && word[1])
            TRY(read_option(a, &argv));
        else if (!a->text)
            TRY(read_expression(a, word));
        else
            TRY(read_input(a, word));
        if (a->help) return DONE;
    }
    if (!a->text) return wn_misused("no expression given (see winnow --help)");
    return read_text_declarations(a);
}

void wn_arguments_free(arguments *a) {
    for (size_t i = 0; i < a->input_count; i++) {
        wn_holding_free(&a->inputs[i].held);
        free(a->inputs[i].name);
    }
    for (size_t i = 0; i < a->output_count; i++)
        free(a->outputs[i].name);
    free(a->inputs);
    free(a->outputs);
    free(a->rules);
    free(a->text);
}
