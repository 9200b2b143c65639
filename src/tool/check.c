/*
 * check.c - `winnow check`: rules on the code that an expression becomes, for a test of one's own. Declarations are enough; nothing runs.
 *
 * Every rule is looked at, so that one run shows all that is wrong.
 */
#include "tool/tool.h"

#include <string.h>

/* A jump says where it goes, and what lies beside the code what it is. */
const char *wn_instruction_text(const wn_instruction *i, char text[200]) {
    if (i->target >= 0)
        snprintf(text, 200, "%.*s %llx", (int)strcspn(i->text, " \t"), i->text,
                 (unsigned long long)i->target);
    else
        snprintf(text, 200, "%s%s%s", i->text, *i->constant ? "  # " : "", i->constant);
    return text;
}

/* The offending code, each instruction with its offset. */
static void show_code(const wn_inspection *i, const wn_finding *f) {
    const wn_instruction *all = wn_inspection_instructions(i, NULL);
    char text[200];
    for (uint32_t k = f->first; k < f->first + f->count; k++)
        printf("    %4x  %s\n", (unsigned)all[k].offset, wn_instruction_text(&all[k], text));
}

static exit_status check_rule(const wn_inspection *i, const char *rule) {
    wn_finding f;
    wn_status status = wn_check(i, rule, &f);
    if (status == WN_ERROR_ARGUMENT) return wn_misused("%s", f.message);
    if (status != WN_OK) return wn_wrong("%s", f.message);
    printf("%s  %s\n", f.met ? "ok    " : "FAILED", f.message);
    if (!f.met) show_code(i, &f);
    return f.met ? DONE : WRONG;
}

static exit_status check(const job *s, const arguments *a) {
    wn_inspection *i = wn_have(wn_inspection_new(s->graph, &a->compile));
    exit_status worst = DONE;
    for (size_t k = 0; k < a->rule_count && worst != USAGE; k++) {
        exit_status status = check_rule(i, a->rules[k]);
        if (status > worst) worst = status;
    }
    wn_inspection_free(i);
    return worst;
}

exit_status wn_command_check(arguments *a) {
    job s = {.context = NULL};
    if (!a->rule_count)
        return wn_misused(
            "check: no rule given; there are vectorized, isa>=v3, loops==1, no-spill, "
            "max-instructions<=14 and bytes-per-element<=8");
    exit_status status = wn_job_graph(&s, a);
    if (status == DONE) status = check(&s, a);
    wn_job_free(&s);
    return status;
}
