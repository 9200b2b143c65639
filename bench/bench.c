/*
 * bench.c - winnow-bench: Winnow's kernels against loops that an expert wrote by hand, against the limit, and against peers.
 *
 * Everything runs on one thread that stays on one core, over the same data; only the peers have a process of their own, on the same
 * core. All candidates of a cell take turns, round after round; a sample is so many calls that the clock does not count. Times are
 * the best of all rounds; a ratio is the median over the rounds of their time / our time, so that what disturbs the machine for
 * longer than a round disturbs both sides. From round to round the outputs move through a page, since a load that meets an earlier
 * store at the same place of another page may wait for it: what depends on luck with addresses does so for both sides. Of several
 * hand-written loops for one work, the one with the lowest median counts; so does the lowest of the limit's. A mask that a loop may
 * branch on is another in each call, since a processor would know it by heart (docs/performance.md).
 *
 * Before anything is timed, the results of both sides are compared byte by byte: a difference ends the program.
 */
#define _GNU_SOURCE /* sched_setaffinity */
#include "bench.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#ifdef __linux__
#include <sched.h>
#endif

#define MAX_LIST 16
/* A cell is in the caches if it moves less than this. */
#define CACHED ((size_t)512 << 10)
/* Starting a thread costs what it takes to move a few hundred KiB. */
#define LIMIT_WITH_THREADS ((size_t)32 << 20)

typedef struct options {
    bool quick, accuracy, compile;
    const char *json, *svg, *tables, *isa, *only, *peers, *commit;
    size_t sizes[MAX_LIST], size_count; /* none: all */
    size_t threads;                     /* 0: 1 and 2 */
} options;

typedef struct bench {
    const options *o;
    report r;
    peers *p;
    wn_context *context[2]; /* with as many threads and one more */
} bench;

/* ---- Cores ------------------------------------------------------------------------------------------------------------ */

/* A thread that moves takes its caches with it only slowly: we stay on the core where we begin, a second thread on another. */
#ifdef __linux__
static cpu_set_t core_set(size_t which) {
    static int cores[2] = {-1, -1};
    cpu_set_t set;
    if (cores[0] < 0 && sched_getaffinity(0, sizeof set, &set) == 0) {
        cores[0] = cores[1] = sched_getcpu();
        for (int k = 0; k < CPU_SETSIZE; k++)
            if (k != cores[0] && CPU_ISSET((size_t)k, &set)) cores[1] = k;
    }
    CPU_ZERO(&set);
    if (cores[which] >= 0) CPU_SET((size_t)cores[which], &set);
    return set;
}

static void stay_on_core(size_t which) {
    cpu_set_t set = core_set(which);
    sched_setaffinity(0, sizeof set, &set);
}

static int start_on_other_core(pthread_t *thread, void *(*function)(void *), void *user) {
    cpu_set_t set = core_set(1);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    int failed = pthread_create(thread, &attributes, function, user);
    pthread_attr_destroy(&attributes);
    return failed;
}
#else
static void stay_on_core(size_t which) {
    (void)which;
}
static int start_on_other_core(pthread_t *thread, void *(*function)(void *), void *user) {
    return pthread_create(thread, NULL, function, user);
}
#endif

/* ---- Candidates: what takes turns ------------------------------------------------------------------------------------- */

size_t call_run(const candidate *c) {
    return wn_run(c->binding, NULL) == WN_OK ? c->n : FAILED;
}

static size_t call_hand(const candidate *c) {
    return c->hand(&c->in, c->out, c->n);
}

static size_t call_limit(const candidate *c) {
    c->limit(&c->streams);
    return c->n;
}

static void *limit_on_thread(void *user) {
    const candidate *c = user;
    c->limit(&c->streams);
    return NULL;
}

/* The second half of each stream on a thread of its own. */
static size_t call_limit_halves(const candidate *c) {
    candidate half[2] = {*c, *c};
    limit_streams *s = &half[0].streams, *t = &half[1].streams;
    for (size_t k = 0; k < s->in_count; k++) {
        s->in_bytes[k] = s->in_bytes[k] / 2 & ~(size_t)63;
        t->in[k] += s->in_bytes[k];
        t->in_bytes[k] -= s->in_bytes[k];
    }
    for (size_t k = 0; k < s->out_count; k++) {
        s->out_bytes[k] = s->out_bytes[k] / 2 & ~(size_t)63;
        t->out[k] += s->out_bytes[k];
        t->out_bytes[k] -= s->out_bytes[k];
    }
    s->steps = t->steps = s->steps > 1 ? s->steps / 2 : 1;
    pthread_t thread;
    if (start_on_other_core(&thread, limit_on_thread, &half[1]) != 0) return FAILED;
    half[0].limit(s);
    pthread_join(thread, NULL);
    return c->n;
}

/* ---- Winnow's side ---------------------------------------------------------------------------------------------------- */

wn_graph *graph_of(wn_context *context, const char *inputs, const char *text) {
    wn_graph *g = wn_graph_new(context);
    declare_inputs(g, inputs);
    wn_parse(g, text, strlen(text));
    return g;
}

wn_kernel *compile(wn_graph *g, wn_isa isa) {
    wn_compile_options o = {.size = sizeof o, .engine = WN_ENGINE_JIT, .isa = isa};
    wn_kernel *k = wn_compile(g, &o);
    if (!k) fprintf(stderr, "winnow-bench: %s\n", wn_graph_error(g));
    return k;
}

wn_binding *bind(wn_context *context, wn_isa isa, const arrays *a) {
    wn_array in[MAX_INPUTS], out[MAX_OUTPUTS];
    size_t ins = arrays_of_inputs(a, in), outs = arrays_of_outputs(a, a->out, out);
    wn_graph *g = graph_of(context, a->w->inputs, a->w->text);
    wn_kernel *k = compile(g, isa);
    wn_binding *b = NULL;
    wn_error error;
    if (k && wn_bind(k, in, ins, out, outs, &b, &error) != WN_OK)
        fprintf(stderr, "winnow-bench: %s: %s\n", a->w->text, error.message);
    wn_kernel_free(k);
    wn_graph_free(g);
    return b;
}

/* ---- Are both sides equal? -------------------------------------------------------------------------------------------- */

static double float_at(const void *at, wn_type type) {
    double d;
    float f;
    memcpy(type == WN_F32 ? (void *)&f : (void *)&d, at, wn_type_size(type));
    return type == WN_F32 ? (double)f : d;
}

/* Bit by bit, but that any NaN is as good as another. Sums are added up in different orders: of n elements of up to a half, about
   to their digits. */
static bool same_element(const arrays *a, const char *ours, const char *theirs) {
    wn_type type = a->w->type;
    if (memcmp(ours, theirs, wn_type_size(type)) == 0) return true;
    if (type != WN_F32 && type != WN_F64) return false;
    double x = float_at(ours, type), y = float_at(theirs, type);
    if (isnan(x) || isnan(y)) return isnan(x) && isnan(y);
    if (a->w->kind != WORK_SUM) return false;
    return x == y || fabs(x - y) <= (type == WN_F32 ? 0x1p-21 : 0x1p-50) * (double)a->n;
}

static bool same_output(const arrays *a, const char *ours, const candidate *other, size_t k) {
    size_t bytes = a->elements * element_size(a->w), size = wn_type_size(a->w->type);
    const char *theirs = (char *)other->out + k * output_stride(a);
    ours += k * output_stride(a);
    if (memcmp(ours, theirs, bytes) == 0) return true;
    for (size_t i = 0; i < bytes; i += size)
        if (!same_element(a, ours + i, theirs + i)) {
            uint64_t x = 0, y = 0;
            memcpy(&x, ours + i, size);
            memcpy(&y, theirs + i, size);
            fprintf(stderr,
                    "winnow-bench: %s: element %zu of %zu is 0x%" PRIx64 ", of %s %s 0x%" PRIx64 "\n",
                    a->w->text, i / size, a->n, x, isas[other->isa].name, other->name, y);
            return false;
        }
    return true;
}

static size_t run_candidate(const arrays *a, const candidate *c) {
    size_t elements = c->call(c);
    if (is_reduction(a->w)) return elements == FAILED ? FAILED : 1;
    if (c->binding && elements != FAILED && a->w->kind == WORK_PACK)
        return (size_t)wn_result(c->binding, 0)->shape[0];
    return elements;
}

/* All that compute, against the first, whose outputs are kept in `copy`. */
static bool check_into(arrays *a, const candidate *c, size_t count, char *copy) {
    size_t room = output_count(a->w) * output_stride(a);
    for (size_t i = 0; i < count; i++) {
        if (c[i].role == LIMIT) continue;
        if (i) memset(c[i].out, 0x55, room);
        size_t elements = run_candidate(a, &c[i]);
        if (elements == FAILED || (i && elements != a->elements)) {
            fprintf(stderr, "winnow-bench: %s: %zd elements, %s %s %zd\n", a->w->text,
                    (ssize_t)a->elements, isas[c[i].isa].name, c[i].name, (ssize_t)elements);
            return false;
        }
        a->elements = elements;
        if (i == 0) memcpy(copy, c[0].out, room);
        for (size_t k = 0; i && k < output_count(a->w); k++)
            TRY(same_output(a, copy, &c[i], k));
    }
    return true;
}

/* A NaN hides all else from a sum, and all but zeros hide zeros from min. What the arrays are filled with last is what is timed. */
static bool check(arrays *a, const candidate *c, size_t count) {
    char *copy = malloc(output_count(a->w) * output_stride(a));
    if (!copy) fprintf(stderr, "winnow-bench: out of memory\n");
    bool equal = copy != NULL;
    for (filling how = a->n > (size_t)1 << 20 ? FILL_FINITE : FILL_SPECIAL; equal && how < FILLINGS;
         how++) {
        arrays_fill(a, how);
        for (size_t k = 0; equal && k < a->masks; k++)
            equal = check_into(a, c + k * count, count, copy);
    }
    free(copy);
    return equal;
}

/* ---- One cell --------------------------------------------------------------------------------------------------------- */

static bool isa_is_wanted(const options *o, size_t isa) {
    const isa_row *row = &isas[isa];
    return row->available() && (!o->isa || strcmp(o->isa, row->name) == 0);
}

static candidate *add(candidate *c, size_t *count, const candidate *base, role as, const char *name) {
    c += (*count)++;
    *c = *base;
    c->role = as;
    c->name = name;
    return c;
}

static bool is_for_large(const char *name) {
    return strcmp(name, "stream") == 0 || strcmp(name, "ahead") == 0;
}

/* Ours, then what is measured against it. With threads that is ours with one, and the limit with as many. */
static bool list_isa(const bench *b, const arrays *a, size_t isa, size_t threads, candidate *c,
                     size_t *count) {
    candidate base = {
        .isa = isa, .in = hand_inputs_of(a), .out = a->out, .n = a->n, .streams = streams_of(a)};
    for (size_t k = threads; k >= 1; k--) {
        candidate *ours =
            add(c, count, &base, k == threads ? OURS : HAND, k == threads ? "winnow" : "1 thread");
        ours->call = call_run;
        TRY((ours->binding = bind(b->context[k - 1], isas[isa].isa, a)));
    }
    bool large = traffic(&base.streams) >= CACHED;
    for (const hand_row *h = a->w->hand; threads == 1 && h < a->w->hand + MAX_HANDS; h++)
        if (h->loop[isa] && (large || !is_for_large(h->name))) {
            candidate *hand = add(c, count, &base, HAND, h->name);
            hand->call = call_hand;
            hand->hand = h->loop[isa];
        }
    for (size_t k = 0; k < (large ? LIMITS : 1); k++) {
        if (threads > 1 && traffic(&base.streams) < LIMIT_WITH_THREADS) break;
        candidate *limit = add(c, count, &base, LIMIT, limit_names[k]);
        limit->call = threads > 1 ? call_limit_halves : call_limit;
        limit->limit = isas[isa].limits[k];
    }
    return true;
}

/* The one of a role with the least median; NULL: there is none. */
static const timing *best_of_role(const candidate *c, size_t count, const timing *t, size_t isa,
                                  role as, const char **name) {
    const timing *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (c[i].role == as && c[i].isa == isa && (!best || t[i].median < best->median)) {
            best = &t[i];
            *name = c[i].name;
        }
    return best;
}

static void conclude_isa(const candidate *c, size_t count, const timing *t, size_t rounds,
                         size_t isa, size_t n, figures *f) {
    const char *name;
    const timing *ours = best_of_role(c, count, t, isa, OURS, &name);
    const timing *hand = best_of_role(c, count, t, isa, HAND, &f->hand_name);
    const timing *limit = best_of_role(c, count, t, isa, LIMIT, &f->limit_name);
    if (!ours) return;
    f->ours = ours->best / (double)n;
    if (hand) {
        f->hand = hand->best / (double)n;
        f->by_hand = median_ratio(hand, ours, rounds);
    }
    if (limit) {
        f->limit = limit->best / (double)n;
        f->by_limit = median_ratio(limit, ours, rounds);
    }
}

/* Against the better of ours. */
static void conclude_peers(const candidate *c, size_t count, const timing *t, size_t rounds,
                           size_t others, cell *to) {
    const timing *ours = NULL;
    for (size_t i = 0; i < count; i++)
        if (c[i].role == OURS && (!ours || t[i].median < ours->median)) ours = &t[i];
    for (size_t k = 0; k < others; k++) {
        to->peer[k] = t[count + k].best / (double)to->n;
        to->by_peer[k] = median_ratio(&t[count + k], ours, rounds);
    }
}

static bool time_cell(bench *b, const arrays *a, candidate *c, size_t count, size_t threads) {
    cell to = {.w = a->w, .n = a->n, .threads = threads};
    limit_streams s = streams_of(a);
    to.bytes = traffic(&s);
    for (size_t i = 0; i < count * a->masks; i++) {
        arrays own = arrays_with_mask(a, i / count);
        c[i].streams = streams_of(&own);
    }
    bool with_peers = threads == 1 && a->n <= (size_t)16 << 20 && peers_begin(b->p, a);
    timing *t = malloc((count + MAX_PEERS) * sizeof *t);
    if (!t) return false;
    size_t rounds = take_turns(c, count, a, with_peers ? b->p : NULL, t, threads, b->o->quick);
    for (size_t isa = 0; isa < ISA_COUNT; isa++)
        conclude_isa(c, count, t, rounds, isa, a->n, &to.isa[isa]);
    if (with_peers && rounds) conclude_peers(c, count, t, rounds, peer_count(b->p), &to);
    free(t);
    return rounds && report_cell(&b->r, &to);
}

static bool measure_cell(bench *b, const work *w, size_t n, size_t threads) {
    arrays a;
    candidate c[MAX_MASKS * MAX_CANDIDATES];
    size_t count = 0;
    TRY(arrays_new(&a, w, n));
    if (threads > 1) a.masks = 1; /* the second would sleep while they are shuffled */
    bool done = true;
    for (size_t k = 0; done && k < a.masks; k++) {
        arrays own = arrays_with_mask(&a, k);
        for (size_t isa = 0; isa < ISA_COUNT; isa++)
            if (isa_is_wanted(b->o, isa)) done = done && list_isa(b, &own, isa, threads, c, &count);
    }
    size_t each = count / a.masks;
    done = done && check(&a, c, each) && time_cell(b, &a, c, each, threads);
    for (size_t i = 0; i < count; i++)
        wn_binding_free(c[i].binding);
    arrays_free(&a);
    return done;
}

/* ---- The whole -------------------------------------------------------------------------------------------------------- */

/* A word of a list with commas. */
static bool is_in_list(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || !at[length])) return true;
    }
    return false;
}

/* The first run with two threads starts the second, which inherits where we are: on the other core. */
static bool start_second_thread(bench *b) {
    arrays a;
    TRY(arrays_new(&a, &works[0], (size_t)4 << 20));
    stay_on_core(1);
    wn_binding *binding = bind(b->context[1], WN_ISA_NATIVE, &a);
    bool done = binding && wn_run(binding, NULL) == WN_OK;
    stay_on_core(0);
    wn_binding_free(binding);
    arrays_free(&a);
    return done;
}

/* With one thread, what costs nothing to move is measured too; with two only what is worth two. */
static const size_t sizes[2][MAX_LIST] = {{64, 4 << 10, 256 << 10, 16 << 20, 128 << 20},
                                          {1 << 20, 16 << 20}};

static bool measure_sizes(bench *b, const work *w, size_t threads) {
    const options *o = b->o;
    const size_t *list = o->size_count ? o->sizes : sizes[threads - 1];
    for (size_t i = 0; i < MAX_LIST && list[i]; i++) {
        if (!o->size_count && o->quick && list[i] > (size_t)256 << 10) continue;
        if (!o->size_count && list[i] > (size_t)16 << 20 && !w->huge) continue;
        TRY(measure_cell(b, w, list[i], threads));
    }
    return true;
}

static bool measure_works(bench *b, size_t threads) {
    if (threads > 1) TRY(start_second_thread(b));
    for (const work *w = works; w < works + work_count; w++)
        if (!b->o->only || is_in_list(b->o->only, w->name)) TRY(measure_sizes(b, w, threads));
    return true;
}

static bool measure_all(bench *b) {
    const options *o = b->o;
    for (size_t threads = 1; threads <= 2; threads++) {
        if (o->compile || (o->threads && threads != o->threads)) continue;
        if (!o->threads && o->quick && threads == 2) continue;
        TRY(measure_works(b, threads));
    }
    report_peers(&b->r);
    for (size_t isa = 0; isa < ISA_COUNT; isa++)
        if ((o->compile || !o->only) && isa_is_wanted(o, isa))
            TRY(measure_costs(&b->r, b->context[0], &isas[isa]));
    return true;
}

static bool write_file(const report *r, const char *path, void (*put)(FILE *f, const report *r)) {
    FILE *f = fopen(path, "w");
    if (f) put(f, r);
    bool bad = f && ferror(f);
    if (f && fclose(f) == 0 && !bad) return true;
    fprintf(stderr, "winnow-bench: cannot write %s\n", path);
    return false;
}

static bool write_files(const bench *b) {
    return (!b->o->json || write_file(&b->r, b->o->json, put_json)) &&
           (!b->o->svg || write_file(&b->r, b->o->svg, put_svg)) &&
           (!b->o->tables || write_file(&b->r, b->o->tables, put_tables));
}

static bool run(bench *b) {
    if (b->o->accuracy) return measure_accuracy(&b->r);
    if (!isa_is_wanted(b->o, 0) && !isa_is_wanted(b->o, 1)) {
        fprintf(stderr, "winnow-bench: no hand-written loops for this processor or --isa\n");
        return false;
    }
    stay_on_core(0); /* the peers, too */
    if (b->o->peers) {
        b->p = peers_new(b->o->peers);
        b->r.peers = b->p;
        TRY(b->p);
    }
    for (int32_t k = 0; k < 2; k++) {
        wn_context_options c = {.size = sizeof c, .threads = k + 1};
        TRY((b->context[k] = wn_context_new(&c)));
    }
    return measure_all(b);
}

/* ---- The command line ------------------------------------------------------------------------------------------------- */

static int usage(void) {
    fputs(
        "usage: winnow-bench [OPTION]...\n"
        "\n"
        "  --quick         within a minute: fewer rounds, and no arrays that exceed the caches\n"
        "  --only NAMES    only these works, with commas between: see below\n"
        "  --size N,...    multiples of 64; default: 64, 4096, 262144, 16777216 and, of some, "
        "134217728\n"
        "  --isa v3|v4     only this instruction set; default: each that this machine has\n"
        "  --threads 1|2   only so many; default: both\n"
        "  --compile       only what compiling and calling costs\n"
        "  --accuracy      only how far float32 sums are from the exact ones, beside NumPy's way\n"
        "  --json FILE     the figures as JSON too\n"
        "  --svg FILE      and as a drawing\n"
        "  --tables FILE   and as tables in Markdown\n"
        "  --commit TEXT   is written on both\n"
        "  --peers COMMAND that runs peers.py, with Python and whichever of the peers there are\n"
        "\n",
        stderr);
    for (size_t i = 0; i < work_count; i++)
        fprintf(stderr, "  %-9s %s\n", works[i].name, works[i].text);
    return 2;
}

static bool read_sizes(const char *text, options *o) {
    char *end;
    for (o->size_count = 0; o->size_count < MAX_LIST - 1; text = end + 1) {
        unsigned long long value = strtoull(text, &end, 10);
        if (end == text || value == 0 || value % 64 || value > 1ull << 32) return false;
        o->sizes[o->size_count++] = (size_t)value;
        if (*end != ',') return *end == '\0';
    }
    return false;
}

static bool read_options(int argc, char **argv, options *o) {
    const struct {
        const char *name;
        bool *flag;
        const char **text;
    } rows[] = {{"--quick", &o->quick, 0},     {"--accuracy", &o->accuracy, 0},
                {"--compile", &o->compile, 0}, {"--json", 0, &o->json},
                {"--svg", 0, &o->svg},         {"--tables", 0, &o->tables},
                {"--isa", 0, &o->isa},         {"--only", 0, &o->only},
                {"--peers", 0, &o->peers},     {"--commit", 0, &o->commit}};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        size_t k = 0;
        while (k < LENGTH(rows) && strcmp(argv[i], rows[k].name) != 0)
            k++;
        if (k < LENGTH(rows) && rows[k].flag) {
            *rows[k].flag = true;
            continue;
        }
        TRY(value);
        if (k < LENGTH(rows))
            *rows[k].text = value;
        else if (strcmp(argv[i], "--threads") == 0 && (*value == '1' || *value == '2') && !value[1])
            o->threads = (size_t)(*value - '0');
        else if (strcmp(argv[i], "--size") != 0 || !read_sizes(value, o))
            return false;
        i++;
    }
    return true;
}

/* A name that is none would be a silent nothing. */
static bool names_are_known(const char *only) {
    size_t named = only != NULL, known = 0;
    for (const char *at = only; at && *at; at++)
        named += *at == ',';
    for (size_t i = 0; i < work_count; i++)
        known += is_in_list(only, works[i].name);
    return named == known;
}

int main(int argc, char **argv) {
    options o = {.quick = false};
    if (!read_options(argc, argv, &o) || !names_are_known(o.only)) return usage();
    bench b = {.o = &o, .r = {.commit = o.commit}};
    bool done = run(&b) && write_files(&b);
    peers_free(b.p);
    for (size_t k = 0; k < 2; k++)
        wn_context_free(b.context[k]);
    free(b.r.cells);
    free(b.r.costs);
    return done ? 0 : 1;
}
