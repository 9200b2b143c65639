/*
 * pack.c - left-packing: the lanes that a mask selects, moved together and stored.
 *
 * LLVM's own compressing store takes 5 to 25 times the instructions except on AVX-512, where its memory form is slow on some
 * processors (docs/packing.md has the counts). So each instruction set gets the sequence that an expert would write,
 * chosen by element width: compress in a register, or a shuffle whose indices come from a table at the mask's bits;
 * then a full-width store, and the position moves by the popcount.
 *
 * Invariant: the store at `position` covers at most the lanes that the call was given; the caller knows that there is room
 * for them all.
 */
#include "jit/llvm/emit.h"

#include <string.h>

/*
 * A way of packing: so many elements at once, by a table of 2^lanes entries of `entry` bytes. AVX-512 has its own instruction
 * instead, for elements of `widened` bits. One row per instruction set and width; the last one fits any machine.
 */
typedef enum pack_way { WAY_COMPRESS, WAY_PERMUTE, WAY_SHUFFLE, WAY_SCALAR } pack_way;

typedef struct pack_row {
    wn_isa isa;
    bool vbmi2;
    uint8_t bits;
    pack_way way;
    uint8_t lanes;
    uint8_t widened; /* COMPRESS: bits of the element that is compressed in its stead */
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

/* A mask's lanes first .. first + count - 1, as an integer. */
static ir mask_bits(emitter *e, const pack_mask *mask, unsigned first, unsigned count) {
    if (mask->vector)
        return wn_ir_bitcast(e, take_lanes(e, mask->vector, first, count), int_type(e, count));
    ir bits = mask->bits;
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
    LLVMSetAlignment(LLVMBuildStore(e->builder, value, at), 1);
}

/* ---- AVX-512: the instruction ---------------------------------------------------------------------------------------- */

static ir pack_compress(emitter *e, const pack_row *row, ir value, unsigned bits, ir mask) {
    LLVMTypeRef narrow = LLVMTypeOf(value),
                wide = LLVMVectorType(int_type(e, row->widened), row->lanes);
    if (row->widened != bits) value = LLVMBuildZExt(e->builder, value, wide, "");
    ir args[] = {value, value, mask}; /* onto itself: a zeroing vpcompress waits for what its register held before */
    ir packed = wn_ir_intrinsic(e, "llvm.x86.avx512.mask.compress", wide, args, 3);
    return row->widened != bits ? LLVMBuildTrunc(e->builder, packed, narrow, "") : packed;
}

/* ---- Tables ---------------------------------------------------------------------------------------------------------- */

/* The lanes that are set in `mask`, lowest first, into `lane`; the others are 0. */
static void selected_lanes(unsigned mask, unsigned lanes, uint8_t lane[8]) {
    unsigned n = 0;
    memset(lane, 0, 8);
    for (unsigned i = 0; i < lanes; i++)
        if (mask >> i & 1) lane[n++] = (uint8_t)i;
}

/* A private constant of the module, so that an object stands alone; made once. */
static ir table(emitter *e, const char *name, LLVMTypeRef element, const ir *entries, unsigned count) {
    ir global = LLVMGetNamedGlobal(e->module, name);
    if (global) return global;
    ir array = LLVMConstArray(element, (ir *)entries, count);
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
static ir nibble_table(emitter *e) {
    ir entries[256];
    for (unsigned mask = 0; mask < 256; mask++) {
        uint8_t lane[8];
        uint32_t word = 0;
        selected_lanes(mask, 8, lane);
        for (unsigned i = 0; i < 8; i++)
            word |= (uint32_t)lane[i] << 4 * i;
        entries[mask] = LLVMConstInt(int_type(e, 32), word, false);
    }
    return table(e, "wn_lanes_of_8", int_type(e, 32), entries, 256);
}

/* 8 x 32 bits: the eight numbers of the entry are shifted apart; vpermd reads the low three bits of each. */
static ir permute_8x32(emitter *e, ir value, ir index) {
    LLVMTypeRef v8 = LLVMVectorType(int_type(e, 32), 8);
    ir word = load_entry(e, nibble_table(e), int_type(e, 32), index, 4);
    ir zero = LLVMConstInt(int_type(e, 32), 0, false), shifts[8];
    for (unsigned i = 0; i < 8; i++)
        shifts[i] = LLVMConstInt(int_type(e, 32), 4 * i, false);
    ir spread = LLVMBuildInsertElement(e->builder, LLVMGetUndef(v8), word, zero, "");
    spread = LLVMBuildShuffleVector(e->builder, spread, LLVMGetUndef(v8), LLVMConstNull(v8), "");
    ir lanes = LLVMBuildLShr(e->builder, spread, LLVMConstVector(shifts, 8), "");
    ir args[] = {value, lanes};
    return wn_ir_intrinsic(e, "llvm.x86.avx2.permd", NULL, args, 2);
}

/* 4 x 64 bits: vpermd moves halves; 16 entries of eight lane numbers, 512 bytes. */
static ir permute_4x64(emitter *e, ir value, ir index) {
    LLVMTypeRef v8 = LLVMVectorType(int_type(e, 32), 8);
    ir entries[16];
    for (unsigned mask = 0; mask < 16; mask++) {
        uint8_t lane[8];
        ir halves[8];
        selected_lanes(mask, 4, lane);
        for (unsigned i = 0; i < 8; i++)
            halves[i] = LLVMConstInt(int_type(e, 32), 2u * lane[i / 2] + i % 2, false);
        entries[mask] = LLVMConstVector(halves, 8);
    }
    ir lanes = load_entry(e, table(e, "wn_lanes_of_4", v8, entries, 16), v8, index, 32);
    ir args[] = {wn_ir_bitcast(e, value, v8), lanes};
    return wn_ir_bitcast(e, wn_ir_intrinsic(e, "llvm.x86.avx2.permd", NULL, args, 2), LLVMTypeOf(value));
}

static ir pack_permute(emitter *e, ir value, unsigned bits, ir index) {
    return bits == 32 ? permute_8x32(e, value, index) : permute_4x64(e, value, index);
}

/* The bytes of the selected lanes, `width` bytes each: an entry of a pshufb table, `size` bytes. */
static ir shuffle_entry(emitter *e, unsigned mask, unsigned lanes, unsigned width, unsigned size) {
    uint8_t lane[8];
    ir bytes[16];
    selected_lanes(mask, lanes, lane);
    for (unsigned i = 0; i < size; i++)
        bytes[i] = LLVMConstInt(int_type(e, 8), (unsigned)lane[i / width] * width + i % width, false);
    return LLVMConstVector(bytes, size);
}

/* pshufb: lanes of 2^lanes masks; 16 bytes an entry, 8 where eight bytes are packed. */
static ir pack_shuffle(emitter *e, ir value, unsigned bits, unsigned lanes, ir index) {
    unsigned width = bits / 8, size = lanes * width, count = 1u << lanes;
    static const char *const names[] = {
        [1] = "wn_bytes_1", [2] = "wn_bytes_2", [4] = "wn_bytes_4", [8] = "wn_bytes_8"};
    LLVMTypeRef entry_type = LLVMVectorType(int_type(e, 8), size);
    ir entries[256];
    if (!LLVMGetNamedGlobal(e->module, names[width]))
        for (unsigned mask = 0; mask < count; mask++)
            entries[mask] = shuffle_entry(e, mask, lanes, width, size);
    ir shuffle =
        load_entry(e, table(e, names[width], entry_type, entries, count), entry_type, index, size);
    ir bytes = wn_ir_bitcast(e, value, entry_type), widen[16];
    for (unsigned i = 0; i < 16; i++)
        widen[i] = LLVMConstInt(int_type(e, 32), i < size ? i : 0, false);
    if (size < 16) {
        bytes = LLVMBuildShuffleVector(e->builder, bytes, LLVMGetUndef(entry_type),
                                       LLVMConstVector(widen, 16), "");
        shuffle = LLVMBuildShuffleVector(e->builder, shuffle, LLVMGetUndef(entry_type),
                                         LLVMConstVector(widen, 16), "");
    }
    ir args[] = {bytes, shuffle};
    ir packed = wn_ir_intrinsic(e, "llvm.x86.ssse3.pshuf.b.128", NULL, args, 2);
    if (size < 16) packed = take_lanes(e, packed, 0, size);
    return wn_ir_bitcast(e, packed, LLVMTypeOf(value));
}

/* ---- Anywhere: one lane at a time, without branches -------------------------------------------------------------------- */

static ir pack_scalar(emitter *e, ir value, unsigned bits, ir mask, unsigned lanes, ir base,
                      ir position) {
    for (unsigned i = 0; i < lanes; i++) {
        ir lane = LLVMConstInt(int_type(e, 32), i, false);
        store_at(e, LLVMBuildExtractElement(e->builder, value, lane, ""), bits, base, position);
        ir set = LLVMBuildAnd(e->builder, LLVMBuildLShr(e->builder, mask, wn_ir_i64(e, i), ""),
                              wn_ir_i64(e, 1), "");
        position = LLVMBuildAdd(e->builder, position, set, "");
    }
    return position;
}

/* ---------------------------------------------------------------------------------------------------------------------- */

static ir pack_lanes(emitter *e, const pack_row *row, ir value, unsigned bits,
                     const pack_mask *mask, unsigned first) {
    ir group = take_lanes(e, value, first, row->lanes);
    if (row->way == WAY_COMPRESS)
        return pack_compress(e, row, group, bits, mask_vector(e, mask, first, row->lanes));
    ir index = as_i64(e, mask_bits(e, mask, first, row->lanes));
    if (row->way == WAY_PERMUTE) return pack_permute(e, group, bits, index);
    return pack_shuffle(e, group, bits, row->lanes, index);
}

ir wn_emit_pack(emitter *e, ir value, unsigned bits, const pack_mask *mask, ir base, ir position) {
    const pack_row *row = find_row(e, bits);
    unsigned total = LLVMGetVectorSize(LLVMTypeOf(value));
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
