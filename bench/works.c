/*
 * works.c - what is measured: one row a work, with the loops by hand that do the same.
 */
#include "bench.h"

#if defined(__x86_64__)
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}
static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2");
}
#define FOR_ISA(kind, name, isa) wn_##kind##_##name##_##isa
#else
static bool has_avx2(void) {
    return false;
}
#define has_avx512 has_avx2
#define FOR_ISA(kind, name, isa) NULL
#endif

#define LIMIT_NAME(name) #name,
#define LIMIT_AVX2(name) FOR_ISA(limit, name, avx2),
#define LIMIT_AVX512(name) FOR_ISA(limit, name, avx512),
const char *const limit_names[LIMITS] = {LIMIT_LOOPS(LIMIT_NAME)};
/* The second is the machine's own, which may have more than x86-64-v4: VBMI2, as the loops by hand. */
const isa_row isas[ISA_COUNT] = {
    {"v3", "AVX2", WN_ISA_X86_64_V3, has_avx2, {LIMIT_LOOPS(LIMIT_AVX2)}},
    {"v4", "AVX-512", WN_ISA_NATIVE, has_avx512, {LIMIT_LOOPS(LIMIT_AVX512)}},
};

#define HAND(as, name)                                                                             \
    {                                                                                              \
        as, {                                                                                      \
            FOR_ISA(hand, name, avx2), FOR_ISA(hand, name, avx512)                                 \
        }                                                                                          \
    }
#define ONE(name)                                                                                  \
    { HAND("plain", name) }
#define STREAM(name)                                                                               \
    { HAND("plain", name), HAND("stream", name##_stream) }
#define MASKED                                                                                     \
    { HAND("plain", masked), HAND("stream", masked_stream), HAND("words", masked_words) }

/* clang-format off */
const work works[] = {
/*   name         expression                         inputs   kind       type      by hand */
    {"where",     "where(x < 0, 0, x)",               "x",    WORK_MAP,  WN_F32,  .hand = STREAM(where), .huge = true},
    {"wheref64",  "where(d < 0, 0, d)",               "d",    WORK_MAP,  WN_F64,  .hand = STREAM(where_f64)},
    {"wherei16",  "where(s < 0, 0, s)",               "s",    WORK_MAP,  WN_I16,  .hand = STREAM(where_i16)},
    {"scale",     "x * f32(a > 0.1)",                 "xa",   WORK_MAP,  WN_F32,  .hand = STREAM(scale), .huge = true},
    {"logic",     "(a > 0) & (b < 0.2) | !(c >= x)",  "xabc", WORK_MAP,  WN_BOOL, .hand = STREAM(logic)},
    {"nodes20",   "where((a > 0) & (b < 0.2) | !(c >= x), x * 2 + a * b - where(c < e, c, e), "
                  "(x - f) * 0.5 + abs(e) - f * (a - c))",
                                                    "xabcef", WORK_MAP,  WN_F32,  .hand = STREAM(nodes20)},
    {"expand",    "expand(v, m, x)",                  "vmx",  WORK_MAP,  WN_F32,  .hand = ONE(expand)},

    {"mask",      "x[x < 0]",                         "x",    WORK_PACK, WN_F32,  .hand = STREAM(negative), .huge = true},
    {"maskf64",   "d[d < 0]",                         "d",    WORK_PACK, WN_F64,  .hand = ONE(negative_f64)},
    {"maski16",   "s[s < 0]",                         "s",    WORK_PACK, WN_I16,  .hand = ONE(negative_i16)},
    {"masku8",    "u[u < 77]",                        "u",    WORK_PACK, WN_U8,   .hand = ONE(below_u8)},
    {"mask3",     "x[(a > 0) & (b < 0.2)]",           "xab",  WORK_PACK, WN_F32,  .hand = STREAM(both)},
    {"columns",   "output p = x[m]; output q = a[m]; output r = b[m]",
                                                      "xabm", WORK_PACK, WN_F32,  .hand = ONE(columns), .outputs = 3},
    {"rows",      "t[m]",                             "tm",   WORK_PACK, WN_F32,  .hand = {HAND("vectors", rows), HAND("each", rows_each)}, .row = 3},
    {"places",    "nonzero(x < 0)",                   "x",    WORK_PACK, WN_I64,  .hand = ONE(places), .row = 1},
    {"mask.1",    "x[m]",                             "xm",   WORK_PACK, WN_F32,  .hand = MASKED, .per_mille = 1},
    {"mask1",     "x[m]",                             "xm",   WORK_PACK, WN_F32,  .hand = MASKED, .per_mille = 10},
    {"mask10",    "x[m]",                             "xm",   WORK_PACK, WN_F32,  .hand = MASKED, .per_mille = 100},
    {"mask50",    "x[m]",                             "xm",   WORK_PACK, WN_F32,  .hand = MASKED, .per_mille = 500},
    {"mask90",    "x[m]",                             "xm",   WORK_PACK, WN_F32,  .hand = MASKED, .per_mille = 900},
    {"mask99.9",  "x[m]",                             "xm",   WORK_PACK, WN_F32,  .hand = MASKED, .per_mille = 999},

    {"sum",       "sum(x)",                           "x",  WORK_SUM,    WN_F32,  .hand = ONE(sum), .huge = true},
    {"sumwhere",  "sum(x, where=m)",                  "xm", WORK_SUM,    WN_F32,  .hand = {HAND("plain", sum_where), HAND("ahead", sum_where_ahead)}},
    {"summask",   "sum(x[x > 0])",                    "x",  WORK_SUM,    WN_F32,  .hand = ONE(sum_positive)},
    {"mean",      "mean(x)",                          "x",  WORK_SUM,    WN_F32,  .hand = ONE(mean)},
    {"sumf64",    "sum(d)",                           "d",  WORK_SUM,    WN_F64,  .hand = ONE(sum_f64)},
    {"sumi32",    "sum(i)",                           "i",  WORK_REDUCE, WN_I64,  .hand = ONE(sum_i32)},
    {"sumu8",     "sum(u)",                           "u",  WORK_REDUCE, WN_U64,  .hand = ONE(sum_u8)},
    {"meanu8",    "mean(u)",                          "u",  WORK_REDUCE, WN_F64,  .hand = ONE(mean_u8)},
    {"min",       "min(x)",                           "x",  WORK_REDUCE, WN_F32,  .hand = ONE(min)},
    {"max",       "max(x)",                           "x",  WORK_REDUCE, WN_F32,  .hand = ONE(max)},
    {"argmin",    "argmin(x)",                        "x",  WORK_REDUCE, WN_I64,  .hand = ONE(argmin)},
    {"count",     "count(x < 0)",                     "x",  WORK_REDUCE, WN_I64,  .hand = ONE(count_negative)},
    {"countall",  "count(x)",                         "x",  WORK_REDUCE, WN_I64,  .hand = ONE(count_nonzero)},
    {"any",       "any(x > 2)",                       "x",  WORK_REDUCE, WN_BOOL, .hand = ONE(any)},
};
/* clang-format on */
const size_t work_count = LENGTH(works);
