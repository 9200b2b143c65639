/*
 * pack.c - left-packing: the lanes that a mask selects, moved together and stored; and its inverse, expanding: lanes that lie together,
 * moved to where a mask is true.
 *
 * LLVM's own compressing store takes 5 to 25 times the instructions except on AVX-512, where its memory form is slow on some
 * processors (docs/packing.md has the counts). So each instruction set gets the sequence that an expert would write,
 * chosen by element width: compress in a register, or a shuffle whose indices come from a table at the mask's bits;
 * then a full-width store, and the position moves by the popcount. Expanding is the same with a full-width load at the position, and the
 * inverse instruction or table.
 *
 * Invariant: the store or load at `position` covers at most the lanes that the call was given; the caller knows that there is room
 * for them all.
 */
#include "jit/llvm/emit.h"

#include <string.h>

/*
 * A way of packing and expanding: so many elements at once, by a table of 2^lanes entries of `entry` bytes. AVX-512 has its own instruction
 * instead, for elements of `widened` bits. One row per instruction set and width; the last one fits any machine.
 */
typedef enum pack_way { WAY_COMPRESS, WAY_PERMUTE, WAY_SHUFFLE, WAY_SCALAR } pack_way;

typedef struct pack_row {
    wn_isa isa;
    bool vbmi2;
    uint8_t bits;
    pack_way way;
    uint8_t lanes;
    uint8_t widened; /* COMPRESS: bits of the element that is moved in its stead */
} pack_row;

static const pack_row pack_rows[] = {
    /* isa              vbmi2  bits way           lanes widened */
    {WN_ISA_X86_64_V4, false, 64, WAY_COMPRESS, 8, 64},
    {WN_ISA_X86_64_V4, false, 32, WAY_COMPRESS, 16, 32},
    {WN_ISA_X86_64_V4, true, 16, WAY_COMPRESS, 32, 16},
    {WN_ISA_X86_64_V4, true, 8, WAY_COMPRESS, 64, 8},
    {WN_ISA_X86_64_V4, false, 16, WAY_COMPRESS, 16, 32},
    {WN_ISA_X86_64_V4, false, 8, WAY_COMPRESS, 16, 32},
    {WN_ISA_X86_64_V3, false, 64, WAY_PERMUTE, 4, 0},
    {WN_ISA_X86_64_V3, false, 32, WAY_PERMUTE, 8, 0},
    {WN_ISA_X86_64_V3, false, 16, WAY_SHUFFLE, 8, 0},
    {WN_ISA_X86_64_V3, false, 8, WAY_SHUFFLE, 8, 0},
    {WN_ISA_X86_64_V2, false, 64, WAY_SHUFFLE, 2, 0},
    {WN_ISA_X86_64_V2, false, 32, WAY_SHUFFLE, 4, 0},
    {WN_ISA_X86_64_V2, false, 16, WAY_SHUFFLE, 8, 0},
    {WN_ISA_X86_64_V2, false, 8, WAY_SHUFFLE, 8, 0},
};
/* Which way elements go. */
typedef enum direction { TO_PACK, TO_EXPAND } direction;

static const pack_row scalar_row = {WN_ISA_PORTABLE, false, 0, WAY_SCALAR, 8, 0};

static const pack_row *find_row(const emitter *e, unsigned bits) {
    for (size_t i = 0; i < sizeof pack_rows / sizeof *pack_rows; i++) {
        const pack_row *r = &pack_rows[i];
        if (r->isa == e->target.isa && r->bits == bits && (!r->vbmi2 || e->target.vbmi2)) return r;
    }
    return &scalar_row;
}

unsigned wn_pack_lanes(const emitter *e, unsigned bits) {
    return find_row(e, bits)->lanes;
}

static void tell_compress(emitter *e, direction d, const pack_row *row, unsigned bits) {
    const char *name = d == TO_PACK ? "vpcompress" : "vpexpand";
    const char *reasons[] = {"AVX-512 has the instruction; into a register, since its memory form "
                             "is slow on some processors",
                             "AVX-512 has the instruction"};
    char letter = row->widened == 64   ? 'q'
                  : row->widened == 32 ? 'd'
                  : row->widened == 16 ? 'w'
                                       : 'b';
    if (row->widened > bits)
        wn_tell(e, "without VBMI2 the instruction is there for 32 and 64 bits alone",
                "%s%c, %u elements of %u bits at once, widened to %u", name, letter, row->lanes,
                bits, row->widened);
    else
        wn_tell(e, reasons[d], "%s%c, %u elements at once", name, letter, row->lanes);
}

/* Whether the table has entries for the upper half of a register behind those for the lower one. */
static bool table_has_upper_half(direction d, unsigned bits) {
    return d == TO_PACK && bits == 8;
}

/* Which row was taken. */
static void tell_way(emitter *e, direction d, const pack_row *row, unsigned bits) {
    static const char *const verbs[] = {"packed", "expanded"};
    unsigned entries = row->way == WAY_COMPRESS ? 0 : 1u << row->lanes, entry = row->lanes * (bits / 8);
    if (table_has_upper_half(d, bits)) entries *= 2;
    if (row->way == WAY_COMPRESS)
        tell_compress(e, d, row, bits);
    else if (row->way == WAY_PERMUTE)
        wn_tell(
            e, "AVX2 has no instruction for it: the mask's bits say which lanes move, and so index a table of shuffles",
            "%s by vpermd, %u elements of %u bits at once; its lanes come from a table of %u bytes",
            verbs[d], row->lanes, bits, entries * (bits == 32 ? 4 : 32));
    else if (row->way == WAY_SHUFFLE)
        wn_tell(
            e, e->target.isa == WN_ISA_X86_64_V3 ? "AVX2 has no instruction for it, and vpermd moves 32 bits at least: the mask's bits index a table of shuffles" : "SSE has no instruction for it: the mask's bits say which bytes move, and so index a table of shuffles",
            "%s by pshufb, %u elements of %u bits at once; its bytes come from a table of %u bytes",
            verbs[d], row->lanes, bits, entries * entry);
    else
        wn_tell(e, "no instruction set may be relied on, and a branch would be mispredicted every other time",
                "%s one element after the other, each moved always and counted if it is selected",
                verbs[d]);
}

/* ---- Lanes of a larger vector --------------------------------------------------------------------------------------- */

/* Lanes first .. first + count - 1 of a vector. */
static ir take_lanes(emitter *e, ir value, unsigned first, unsigned count) {
    if (LLVMGetVectorSize(LLVMTypeOf(value)) == count) return value;
    ir index[64];
    for (unsigned i = 0; i < count; i++)
        index[i] = LLVMConstInt(int_type(e, 32), first + i, false);
    return LLVMBuildShuffleVector(e->builder, value, LLVMGetUndef(LLVMTypeOf(value)),
                                  LLVMConstVector(index, count), "");
}

/* The bits of what is compared first to give a mask's lanes; 1: nothing is. */
static unsigned compared_bits(ir mask) {
    while (LLVMIsACmpInst(mask) || LLVMIsABinaryOperator(mask)) {
        mask = LLVMGetOperand(mask, 0);
        LLVMTypeRef lane = LLVMGetElementType(LLVMTypeOf(mask));
        if (LLVMGetTypeKind(lane) == LLVMDoubleTypeKind) return 64;
        if (LLVMGetTypeKind(lane) != LLVMIntegerTypeKind) return 32;
        if (LLVMGetIntTypeWidth(lane) > 1) return LLVMGetIntTypeWidth(lane);
    }
    return 1;
}

/* The signs of lanes first .. first + count - 1, which are as wide as they were compared: an instruction takes them out of a register. */
static ir mask_signs(emitter *e, ir mask, unsigned first, unsigned count) {
    LLVMTypeRef wide =
        LLVMVectorType(int_type(e, register_bits(e) / count), LLVMGetVectorSize(LLVMTypeOf(mask)));
    ir lanes = take_lanes(e, LLVMBuildSExt(e->builder, mask, wide, ""), first, count);
    return LLVMBuildICmp(e->builder, LLVMIntSLT, lanes, LLVMConstNull(LLVMTypeOf(lanes)), "");
}

/* A mask's lanes first .. first + count - 1, as an integer. Before AVX-512 those of bytes and words are taken from the bits of all, or LLVM would compare
   each group of lanes for itself. */
static ir mask_bits(emitter *e, const pack_mask *mask, unsigned first, unsigned count) {
    ir bits = mask->bits, vector = mask->vector;
    if (vector) {
        unsigned all = LLVMGetVectorSize(LLVMTypeOf(vector)), compared = compared_bits(vector);
        bool split = count < all && e->target.isa != WN_ISA_X86_64_V4;
        if (split && compared * count == register_bits(e))
            return wn_ir_bitcast(e, mask_signs(e, vector, first, count), int_type(e, count));
        if (!split || compared >= 32)
            return wn_ir_bitcast(e, take_lanes(e, vector, first, count), int_type(e, count));
        bits = wn_ir_bitcast(e, vector, int_type(e, all));
    }
    if (first)
        bits = LLVMBuildLShr(e->builder, bits, LLVMConstInt(LLVMTypeOf(bits), first, false), "");
    return LLVMGetIntTypeWidth(LLVMTypeOf(bits)) == count
               ? bits
               : LLVMBuildTrunc(e->builder, bits, int_type(e, count), "");
}

static ir mask_vector(emitter *e, const pack_mask *mask, unsigned first, unsigned count) {
    if (mask->vector) return take_lanes(e, mask->vector, first, count);
    return wn_ir_bitcast(e, mask_bits(e, mask, first, count), LLVMVectorType(int_type(e, 1), count));
}

/* An integer of any width as an i64. */
static ir as_i64(emitter *e, ir bits) {
    return LLVMGetIntTypeWidth(LLVMTypeOf(bits)) == 64
               ? bits
               : LLVMBuildZExt(e->builder, bits, int_type(e, 64), "");
}

static ir count_bits(emitter *e, ir bits) {
    ir wide = as_i64(e, bits);
    return wn_ir_intrinsic(e, "llvm.ctpop", LLVMTypeOf(wide), &wide, 1);
}

static void store_at(emitter *e, ir value, unsigned bits, ir base, ir position) {
    ir at = LLVMBuildInBoundsGEP2(e->builder, int_type(e, bits), base, &position, 1, "");
    if (e->debug) wn_locate(e, e->storing);
    LLVMSetAlignment(LLVMBuildStore(e->builder, value, at), 1);
    if (e->debug) wn_locate(e, e->packing);
}

/* A value of `type`, an element or a vector of them. */
static ir load_at(emitter *e, LLVMTypeRef type, ir base, ir position) {
    bool vector = LLVMGetTypeKind(type) == LLVMVectorTypeKind;
    ir at = LLVMBuildInBoundsGEP2(e->builder, vector ? LLVMGetElementType(type) : type, base,
                                  &position, 1, "");
    ir value = LLVMBuildLoad2(e->builder, type, at, "");
    LLVMSetAlignment(value, 1);
    return value;
}

/* ---- AVX-512: the instruction ---------------------------------------------------------------------------------------- */

static ir widen(emitter *e, const pack_row *row, ir value) {
    LLVMTypeRef wide = LLVMVectorType(int_type(e, row->widened), row->lanes);
    return LLVMTypeOf(value) == wide ? value : LLVMBuildZExt(e->builder, value, wide, "");
}

static ir narrow(emitter *e, ir value, LLVMTypeRef type) {
    return LLVMTypeOf(value) == type ? value : LLVMBuildTrunc(e->builder, value, type, "");
}

/* Onto itself: a zeroing vpcompress waits for what its register held before. */
static ir pack_compress(emitter *e, const pack_row *row, ir value, ir mask) {
    ir wide = widen(e, row, value), args[] = {wide, wide, mask};
    ir packed = wn_ir_intrinsic(e, "llvm.x86.avx512.mask.compress", LLVMTypeOf(wide), args, 3);
    return narrow(e, packed, LLVMTypeOf(value));
}

/* Into the fill. */
static ir expand_into(emitter *e, const pack_row *row, ir value, ir fill, ir mask) {
    ir args[] = {widen(e, row, value), widen(e, row, fill), mask};
    ir expanded = wn_ir_intrinsic(e, "llvm.x86.avx512.mask.expand", LLVMTypeOf(args[0]), args, 3);
    return narrow(e, expanded, LLVMTypeOf(value));
}

/* ---- Tables ---------------------------------------------------------------------------------------------------------- */

/* From which lane each lane comes. To pack: the lanes that are set in `mask`, lowest first; to expand, each of them from the next. The
   others are 0. */
static void source_lanes(direction d, unsigned mask, unsigned lanes, uint8_t lane[8]) {
    unsigned n = 0;
    memset(lane, 0, 8);
    for (unsigned i = 0; i < lanes; i++) {
        if (!(mask >> i & 1)) continue;
        if (d == TO_PACK)
            lane[n++] = (uint8_t)i;
        else
            lane[i] = (uint8_t)n++;
    }
}

/* The longest: 256 entries of 16 bytes. */
#define TABLE_BYTES 4096

/* A private constant of the module, so that an object stands alone. Bytes, since thousands of numbers would take LLVM a tenth of a compile. */
static ir add_table(emitter *e, const char *name, const uint8_t *bytes, unsigned size) {
    ir array = LLVMConstStringInContext2(e->context, (const char *)bytes, size, true),
       global = LLVMAddGlobal(e->module, LLVMTypeOf(array), name);
    LLVMSetInitializer(global, array);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    LLVMSetAlignment(global, 64);
    return global;
}

static ir load_entry(emitter *e, ir global, LLVMTypeRef element, ir index, unsigned alignment) {
    ir at = LLVMBuildInBoundsGEP2(e->builder, element, global, &index, 1, "");
    ir entry = LLVMBuildLoad2(e->builder, element, at, "");
    LLVMSetAlignment(entry, alignment);
    return entry;
}

/* 256 words of eight 4-bit lane numbers, for vpermd: 1 KiB. */
static ir nibble_table(emitter *e, direction d) {
    static const char *const names[] = {"wn_pack_8", "wn_expand_8"};
    ir made = LLVMGetNamedGlobal(e->module, names[d]);
    uint8_t bytes[256 * 4];
    for (unsigned mask = 0; mask < 256 && !made; mask++) {
        uint8_t lane[8];
        source_lanes(d, mask, 8, lane);
        for (unsigned i = 0; i < 4; i++)
            bytes[4 * mask + i] = (uint8_t)(lane[2 * i] | lane[2 * i + 1] << 4);
    }
    return made ? made : add_table(e, names[d], bytes, sizeof bytes);
}

/* 8 x 32 bits: the eight numbers of the entry are shifted apart; vpermd reads the low three bits of each. */
static ir permute_8x32(emitter *e, direction d, ir value, ir index) {
    LLVMTypeRef v8 = LLVMVectorType(int_type(e, 32), 8);
    ir word = load_entry(e, nibble_table(e, d), int_type(e, 32), index, 4);
    ir zero = LLVMConstInt(int_type(e, 32), 0, false), shifts[8];
    for (unsigned i = 0; i < 8; i++)
        shifts[i] = LLVMConstInt(int_type(e, 32), 4 * i, false);
    ir spread = LLVMBuildInsertElement(e->builder, LLVMGetUndef(v8), word, zero, "");
    spread = LLVMBuildShuffleVector(e->builder, spread, LLVMGetUndef(v8), LLVMConstNull(v8), "");
    ir apart[] = {spread, LLVMConstVector(shifts, 8)};
    ir lanes = wn_ir_intrinsic(e, "llvm.x86.avx2.psrlv.d.256", NULL, apart, 2);
    ir args[] = {value, lanes};
    return wn_ir_intrinsic(e, "llvm.x86.avx2.permd", NULL, args, 2);
}

/* 16 entries of eight lane numbers, words for vpermd, which moves halves: 512 bytes. */
static ir halves_table(emitter *e, direction d) {
    static const char *const names[] = {"wn_pack_4", "wn_expand_4"};
    ir made = LLVMGetNamedGlobal(e->module, names[d]);
    uint8_t bytes[16 * 32] = {0};
    for (unsigned mask = 0; mask < 16 && !made; mask++) {
        uint8_t lane[8];
        source_lanes(d, mask, 4, lane);
        for (unsigned i = 0; i < 8; i++)
            bytes[32 * mask + 4 * i] = (uint8_t)(2 * lane[i / 2] + i % 2);
    }
    return made ? made : add_table(e, names[d], bytes, sizeof bytes);
}

/* 4 x 64 bits. */
static ir permute_4x64(emitter *e, direction d, ir value, ir index) {
    LLVMTypeRef v8 = LLVMVectorType(int_type(e, 32), 8);
    ir lanes = load_entry(e, halves_table(e, d), v8, index, 32);
    ir args[] = {wn_ir_bitcast(e, value, v8), lanes};
    return wn_ir_bitcast(e, wn_ir_intrinsic(e, "llvm.x86.avx2.permd", NULL, args, 2), LLVMTypeOf(value));
}

static ir permute(emitter *e, direction d, ir value, unsigned bits, ir index) {
    return bits == 32 ? permute_8x32(e, d, value, index) : permute_4x64(e, d, value, index);
}

/* Entries of `width` bytes for each of the source lanes: for pshufb. */
static ir bytes_table(emitter *e, direction d, unsigned width, unsigned lanes) {
    static const char *const names[][9] = {
        {[1] = "wn_pack_bytes_1", [2] = "wn_pack_bytes_2", [4] = "wn_pack_bytes_4", [8] = "wn_pack_bytes_8"},
        {[1] = "wn_expand_bytes_1", [2] = "wn_expand_bytes_2", [4] = "wn_expand_bytes_4", [8] = "wn_expand_bytes_8"}};
    ir made = LLVMGetNamedGlobal(e->module, names[d][width]);
    unsigned size = lanes * width, masks = 1u << lanes,
             count = table_has_upper_half(d, 8 * width) ? 2 * masks : masks;
    uint8_t bytes[TABLE_BYTES];
    for (unsigned entry = 0; entry < count && !made; entry++) {
        uint8_t lane[8];
        source_lanes(d, entry % masks, lanes, lane);
        for (unsigned i = 0; i < size; i++)
            bytes[size * entry + i] =
                (uint8_t)(lane[i / width] * width + i % width + entry / masks * size);
    }
    return made ? made : add_table(e, names[d][width], bytes, size * count);
}

/* 8 or 16 bytes in a register of 16; the others are whatever they are. */
static ir in_register(emitter *e, ir bytes) {
    LLVMTypeRef type = LLVMTypeOf(bytes);
    unsigned size = LLVMGetVectorSize(type);
    if (size == 16) return bytes;
    ir index[16];
    for (unsigned i = 0; i < 16; i++)
        index[i] = i < size ? LLVMConstInt(int_type(e, 32), i, false) : LLVMGetUndef(int_type(e, 32));
    return LLVMBuildShuffleVector(e->builder, bytes, LLVMGetUndef(type), LLVMConstVector(index, 16), "");
}

/* pshufb: lanes of 2^lanes masks; 16 bytes an entry, 8 where eight bytes are packed. `value` is so many lanes, or 16 bytes for a table that
   has entries for their upper half. */
static ir shuffle(emitter *e, direction d, ir value, unsigned bits, unsigned lanes, ir index) {
    unsigned size = lanes * bits / 8;
    LLVMTypeRef entry_type = LLVMVectorType(int_type(e, 8), size);
    unsigned given = LLVMGetVectorSize(LLVMTypeOf(value)) * bits / 8;
    ir from = load_entry(e, bytes_table(e, d, bits / 8, lanes), entry_type, index, size);
    ir bytes = wn_ir_bitcast(e, value, LLVMVectorType(int_type(e, 8), given));
    ir args[] = {in_register(e, bytes), in_register(e, from)};
    ir moved = wn_ir_intrinsic(e, "llvm.x86.ssse3.pshuf.b.128", NULL, args, 2);
    return wn_ir_bitcast(e, take_lanes(e, moved, 0, size), LLVMVectorType(int_type(e, bits), lanes));
}

static ir move_by_table(emitter *e, direction d, const pack_row *row, ir value, unsigned bits, ir index) {
    if (row->way == WAY_PERMUTE) return permute(e, d, value, bits, index);
    return shuffle(e, d, value, bits, row->lanes, index);
}

/* ---- Anywhere: one lane at a time, without branches -------------------------------------------------------------------- */

static ir bit_of(emitter *e, ir mask, unsigned i) {
    ir shifted = LLVMBuildLShr(e->builder, mask, wn_ir_i64(e, i), "");
    return LLVMBuildAnd(e->builder, shifted, wn_ir_i64(e, 1), "");
}

static ir pack_scalar(emitter *e, ir value, unsigned bits, ir mask, unsigned lanes, ir base,
                      ir position) {
    for (unsigned i = 0; i < lanes; i++) {
        ir lane = LLVMConstInt(int_type(e, 32), i, false);
        store_at(e, LLVMBuildExtractElement(e->builder, value, lane, ""), bits, base, position);
        position = LLVMBuildAdd(e->builder, position, bit_of(e, mask, i), "");
    }
    return position;
}

static ir expand_scalar(emitter *e, LLVMTypeRef type, ir mask, ir base, ir position) {
    ir values = LLVMGetUndef(type);
    for (unsigned i = 0; i < LLVMGetVectorSize(type); i++) {
        ir next = load_at(e, LLVMGetElementType(type), base, position);
        values = LLVMBuildInsertElement(e->builder, values, next,
                                        LLVMConstInt(int_type(e, 32), i, false), "");
        position = LLVMBuildAdd(e->builder, position, bit_of(e, mask, i), "");
    }
    return values;
}

/* ---- Packing ----------------------------------------------------------------------------------------------------------- */

static ir pack_lanes(emitter *e, const pack_row *row, ir value, unsigned bits,
                     const pack_mask *mask, unsigned first) {
    if (row->way == WAY_COMPRESS)
        return pack_compress(e, row, take_lanes(e, value, first, row->lanes),
                             mask_vector(e, mask, first, row->lanes));
    ir index = as_i64(e, mask_bits(e, mask, first, row->lanes));
    if (!table_has_upper_half(TO_PACK, bits) || first / row->lanes % 2 == 0)
        return move_by_table(e, TO_PACK, row, take_lanes(e, value, first, row->lanes), bits, index);
    index = LLVMBuildAdd(e->builder, index, wn_ir_i64(e, 1u << row->lanes), "");
    return shuffle(e, TO_PACK, take_lanes(e, value, first - row->lanes, 2 * row->lanes), bits,
                   row->lanes, index);
}

ir wn_emit_pack(emitter *e, ir value, unsigned bits, const pack_mask *mask, ir base, ir position) {
    const pack_row *row = find_row(e, bits);
    unsigned total = LLVMGetVectorSize(LLVMTypeOf(value));
    tell_way(e, TO_PACK, row, bits);
    for (unsigned first = 0; first < total; first += row->lanes) {
        ir selected = mask_bits(e, mask, first, row->lanes);
        if (row->way == WAY_SCALAR) {
            ir group = take_lanes(e, value, first, row->lanes);
            position = pack_scalar(e, group, bits, as_i64(e, selected), row->lanes, base, position);
            continue;
        }
        store_at(e, pack_lanes(e, row, value, bits, mask, first), bits, base, position);
        position = LLVMBuildAdd(e->builder, position, count_bits(e, selected), "");
    }
    return position;
}

/* ---- Expanding --------------------------------------------------------------------------------------------------------- */

/* Bytes that are true or false, as 1 or 0. */
static ir normalised(emitter *e, ir bytes) {
    ir truth = LLVMBuildICmp(e->builder, LLVMIntNE, bytes, LLVMConstNull(LLVMTypeOf(bytes)), "");
    return LLVMBuildZExt(e->builder, truth, LLVMTypeOf(bytes), "");
}

static ir expand_lanes(emitter *e, const pack_row *row, ir fill, wn_type type,
                       const pack_mask *mask, unsigned first, ir base, ir position) {
    LLVMTypeRef group = LLVMTypeOf(fill);
    ir chosen = mask_vector(e, mask, first, row->lanes),
       index = as_i64(e, mask_bits(e, mask, first, row->lanes)), next;
    if (row->way == WAY_SCALAR)
        next = expand_scalar(e, group, index, base, position);
    else
        next = load_at(e, group, base, position);
    if (type == WN_BOOL) next = normalised(e, next);
    if (row->way == WAY_COMPRESS) return expand_into(e, row, next, fill, chosen);
    if (row->way != WAY_SCALAR)
        next = move_by_table(e, TO_EXPAND, row, next, type_bits(type), index);
    return wn_ir_choose(e, chosen, next, fill);
}

ir wn_emit_expand(emitter *e, ir fill, wn_type type, const pack_mask *mask, ir base, ir position, ir to) {
    unsigned bits = type_bits(type), total = LLVMGetVectorSize(LLVMTypeOf(fill));
    const pack_row *row = find_row(e, bits);
    tell_way(e, TO_EXPAND, row, bits);
    for (unsigned first = 0; first < total; first += row->lanes) {
        ir group = take_lanes(e, fill, first, row->lanes);
        ir value = expand_lanes(e, row, group, type, mask, first, base, position);
        store_at(e, value, bits, to, wn_ir_i64(e, first));
        position = LLVMBuildAdd(e->builder, position,
                                count_bits(e, mask_bits(e, mask, first, row->lanes)), "");
    }
    return position;
}
