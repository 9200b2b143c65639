/*
 * target.c - instruction sets: their names, and which this machine has.
 *
 * A level is had only with all that compiled code for it may use: the compiler is told "x86-64-v3" and takes movbe, lzcnt
 * and f16c with AVX2. For AVX and AVX-512 the operating system must save the registers too, which
 * __builtin_cpu_supports looks at. Three features have no name in clang 14's list and are read from CPUID.
 */
#include "jit/provider.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const struct {
    wn_isa isa;
    const char *name;
} isa_names[] = {
    {WN_ISA_NATIVE, "native"},       {WN_ISA_PORTABLE, "portable"},
    {WN_ISA_X86_64_V2, "x86-64-v2"}, {WN_ISA_X86_64_V3, "x86-64-v3"},
    {WN_ISA_X86_64_V4, "x86-64-v4"},
};

WN_API const char *wn_isa_name(wn_isa isa) {
    for (size_t i = 0; i < sizeof isa_names / sizeof *isa_names; i++) {
        if (isa_names[i].isa == isa) return isa_names[i].name;
    }
    return "?";
}

#if defined(__x86_64__)

static bool has_v2(void) {
    return __builtin_cpu_supports("sse3") && __builtin_cpu_supports("ssse3") &&
           __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("sse4.2") &&
           __builtin_cpu_supports("popcnt");
}

/* Every x86-64 has both leaves. CPUID takes microseconds in a virtual machine, so this is asked last. */
static bool has_lzcnt_movbe_f16c(void) {
    const unsigned lzcnt = 1u << 5; /* in the second ecx; its name in cpuid.h depends on the compiler */
    unsigned a, b, c, d;
    __cpuid(1, a, b, c, d);
    if (!(c & bit_MOVBE) || !(c & bit_F16C)) return false;
    __cpuid(0x80000001, a, b, c, d);
    return c & lzcnt;
}

static bool has_v3(void) {
    return has_v2() && __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("fma") && has_lzcnt_movbe_f16c();
}

static bool has_v4(void) {
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

/* Portable code is compiled for v2 as well: it only leaves out the sequences that are particular to it. */
static bool machine_has(wn_isa isa) {
    __builtin_cpu_init();
    switch (isa) {
    case WN_ISA_PORTABLE:
    case WN_ISA_X86_64_V2: return has_v2();
    case WN_ISA_X86_64_V3: return has_v3();
    case WN_ISA_X86_64_V4: return has_v4();
    case WN_ISA_NATIVE: break;
    }
    return false;
}

static bool has_vbmi2(void) {
    return __builtin_cpu_supports("avx512vbmi2");
}

bool wn_is_amd(void) {
    __builtin_cpu_init();
    return __builtin_cpu_is("amd");
}

bool wn_takes_halves(void) {
    __builtin_cpu_init();
    return __builtin_cpu_is("amdfam19h"); /* Zen 3, which has no AVX-512, and Zen 4 */
}

#else

static bool machine_has(wn_isa isa) {
    return isa == WN_ISA_PORTABLE;
}

static bool has_vbmi2(void) {
    return false;
}

bool wn_is_amd(void) {
    return false;
}

bool wn_takes_halves(void) {
    return false;
}

#endif

/* The best level first; portable is last, since it is the slow one. */
static bool resolve_native(wn_target *target) {
    static const wn_isa best[] = {WN_ISA_X86_64_V4, WN_ISA_X86_64_V3, WN_ISA_X86_64_V2, WN_ISA_PORTABLE};
    for (size_t i = 0; i < sizeof best / sizeof *best; i++) {
        if (!machine_has(best[i])) continue;
        *target = (wn_target){best[i], best[i] == WN_ISA_X86_64_V4 && has_vbmi2(), wn_is_amd(),
                              wn_takes_halves()};
        return true;
    }
    return false;
}

bool wn_target_resolve(wn_isa isa, wn_target *target) {
    if (isa == WN_ISA_NATIVE) return resolve_native(target);
    if (!machine_has(isa)) return false;
    *target = (wn_target){isa, false, wn_is_amd(), wn_takes_halves()};
    return true;
}

WN_API bool wn_isa_available(wn_isa isa) {
    wn_target target;
    return wn_target_resolve(isa, &target);
}
