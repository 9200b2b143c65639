/*
 * inspect_check.c - rules on generated code, and what an inspection says to them.
 *
 * A rule is a name, or a name, a relation and a number. Each name is a row: what it measures, of the whole or function by function. The first
 * function that breaks a rule is the finding, with the instructions that a reader should look at.
 */
#include "run/inspection.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Reading a rule ---------------------------------------------------------------------------------------------------- */

typedef enum relation { IS, IS_NOT, AT_MOST, AT_LEAST, BELOW, ABOVE } relation;

static const char *const relation_texts[] = {
    "==", "!=", "<=", ">=", "<", ">"}; /* longer ones first */

typedef struct rule rule;

typedef struct rule_row {
    const char *name;
    bool compares; /* takes a relation and a number */
    bool reads;    /* instructions, which are understood of x86-64 alone */
    void (*check)(const wn_inspection *i, const rule *r, wn_finding *f);
} rule_row;

struct rule {
    const char *text;
    const rule_row *row;
    relation relation;
    uint32_t number;
};

static bool holds(const rule *r, uint32_t found) {
    switch (r->relation) {
    case IS: return found == r->number;
    case IS_NOT: return found != r->number;
    case AT_MOST: return found <= r->number;
    case AT_LEAST: return found >= r->number;
    case BELOW: return found < r->number;
    case ABOVE: return found > r->number;
    }
    return false;
}

static bool read_relation(const char **p, relation *to) {
    for (size_t k = 0; k < sizeof relation_texts / sizeof *relation_texts; k++) {
        size_t length = strlen(relation_texts[k]);
        if (strncmp(*p, relation_texts[k], length) != 0) continue;
        *p += length;
        *to = (relation)k;
        return true;
    }
    return false;
}

static bool read_number(const char *p, uint32_t *to) {
    uint64_t number = 0;
    if (!*p) return false;
    for (; *p; p++) {
        if (*p < '0' || *p > '9') return false;
        number = number * 10 + (uint64_t)(*p - '0');
        if (number > UINT32_MAX) return false;
    }
    *to = (uint32_t)number;
    return true;
}

/* portable, v2, v3, v4, with or without "x86-64-": as wn_isa counts them. */
static bool read_isa(const char *p, uint32_t *to) {
    static const char *const names[] = {"portable", "v2", "v3", "v4"};
    if (!strncmp(p, "x86-64-", 7)) p += 7;
    for (uint32_t k = 0; k < 4; k++)
        if (!strcmp(p, names[k])) {
            *to = WN_ISA_PORTABLE + k;
            return true;
        }
    return false;
}

/* ---- Findings ---------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void broken(const rule *r, wn_finding *f,
                                                         const char *format, ...) {
    va_list list;
    size_t used = (size_t)snprintf(f->message, sizeof f->message, "%.80s: ", r->text);
    va_start(list, format);
    vsnprintf(f->message + used, sizeof f->message - used, format, list);
    va_end(list);
    f->met = false;
}

/* The innermost loop of a function is what to look at; without one, all of it. */
static void point_at_loop(const wn_inspection *i, const wn_function_info *at, wn_finding *f) {
    const wn_instruction *all = i->instructions.at;
    f->function = (uint32_t)(at - i->functions.at) + 1;
    f->first = at->first_instruction;
    f->count = 0;
    for (uint32_t k = at->first_instruction; k < at->first_instruction + at->instruction_count; k++) {
        if (!all[k].in_loop) continue;
        if (!f->count) f->first = k;
        f->count = k - f->first + 1;
    }
    if (!f->count) f->count = at->instruction_count;
}

/* A loop of the plan that is no machine code, or NULL. */
static const wn_stage_info *library_stage(const wn_inspection *i) {
    for (uint32_t s = 0; i->plan && s < i->plan->stage_count; s++)
        if (stage_is_librarys(&i->plan->stages[s])) return &i->stages.at[s];
    return NULL;
}

/* ---- The rules --------------------------------------------------------------------------------------------------------- */

/* Words of a bitmap are vectors too: 64 elements in a general register. */
static void check_vectorized(const wn_inspection *i, const rule *r, wn_finding *f) {
    const wn_stage_info *library = library_stage(i);
    if (library) {
        broken(r, f, "stage %d, %s, is done by a function of the library: %s",
               (int)(library - i->stages.at), library->kind, library->reason);
        return;
    }
    for (uint32_t k = 0; k < i->functions.count && f->met; k++) {
        const wn_function_info *at = &i->functions.at[k];
        if (at->vector_bits >= 128 && at->elements > 1) continue;
        broken(r, f, "the innermost loop of %s has no vector registers", at->name);
        point_at_loop(i, at, f);
    }
}

static void check_isa(const wn_inspection *i, const rule *r, wn_finding *f) {
    if (!holds(r, i->target.isa)) broken(r, f, "the code is %s", wn_isa_name(i->target.isa));
}

static void check_loops(const wn_inspection *i, const rule *r, wn_finding *f) {
    if (holds(r, i->stages.count)) return;
    const char *reason = i->stages.count ? i->stages.at[i->stages.count - 1].reason : "";
    broken(r, f, "the plan has %u, the last because: %.120s", i->stages.count, reason);
}

static void check_spills(const wn_inspection *i, const rule *r, wn_finding *f) {
    for (uint32_t k = 0; k < i->functions.count && f->met; k++) {
        const wn_function_info *at = &i->functions.at[k];
        if (at->spills == 0) continue;
        broken(r, f, "the innermost loop of %s reads or writes the stack %u times", at->name,
               at->spills);
        point_at_loop(i, at, f);
    }
}

static void check_instructions(const wn_inspection *i, const rule *r, wn_finding *f) {
    for (uint32_t k = 0; k < i->functions.count && f->met; k++) {
        const wn_function_info *at = &i->functions.at[k];
        if (holds(r, at->loop_instructions)) continue;
        broken(r, f, "the innermost loop of %s has %u, for %u elements", at->name,
               at->loop_instructions, at->elements);
        point_at_loop(i, at, f);
    }
}

static void check_bytes(const wn_inspection *i, const rule *r, wn_finding *f) {
    if (!holds(r, i->figures.bytes_per_element))
        broken(r, f, "%u are read and written", i->figures.bytes_per_element);
}

static const rule_row rows[] = {
    /* name          compares reads  check */
    {"vectorized", false, true, check_vectorized},
    {"isa", true, false, check_isa},
    {"loops", true, false, check_loops},
    {"no-spill", false, true, check_spills},
    {"max-instructions", true, true, check_instructions},
    {"bytes-per-element", true, false, check_bytes},
};

static bool read_rule(const char *text, rule *r) {
    size_t length = strcspn(text, "=!<>");
    const char *rest = text + length;
    *r = (rule){.text = text};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        if (strlen(rows[k].name) == length && !strncmp(rows[k].name, text, length))
            r->row = &rows[k];
    if (!r->row) return false;
    if (!r->row->compares) return *rest == 0;
    if (!read_relation(&rest, &r->relation)) return false;
    return r->row->check == check_isa ? read_isa(rest, &r->number) : read_number(rest, &r->number);
}

WN_API wn_status wn_check(const wn_inspection *i, const char *text, wn_finding *finding) {
    wn_finding own, *f = finding ? finding : &own;
    rule r;
    *f = (wn_finding){.met = false};
    if (!inspection_ok(i) || !text) {
        snprintf(f->message, sizeof f->message, "check: the inspection or the rule is NULL");
        return WN_ERROR_ARGUMENT;
    }
    if (!read_rule(text, &r)) {
        snprintf(f->message, sizeof f->message,
                 "'%.60s' is no rule; there are vectorized, isa>=v3, loops==1, no-spill, "
                 "max-instructions<=14 and "
                 "bytes-per-element<=8",
                 text);
        return WN_ERROR_ARGUMENT;
    }
    if (i->error.status != WN_OK) {
        snprintf(f->message, sizeof f->message, "%.80s: there is nothing to check: %.120s", text,
                 i->problem);
        return i->error.status;
    }
    if (r.row->reads && i->functions.count && i->object.machine != EM_X86_64) {
        snprintf(f->message, sizeof f->message, "%.80s: only x86-64's instructions are understood",
                 text);
        return WN_ERROR_TARGET;
    }
    f->met = true;
    r.row->check(i, &r, f);
    if (f->met) snprintf(f->message, sizeof f->message, "%.200s", text);
    return WN_OK;
}
