/*
 * lines.c - .debug_line read back: from an offset in the code to a line and column.
 *
 * DWARF (versions 2 to 5, section 6.2 of the standard) writes the table as programs for a small machine. It has registers for address, line and
 * column; most opcodes change one; some append what the registers hold as a row, which is true up to the address of the next one.
 *
 *     unit_length version [address_size segment_selector_size]5 header_length
 *     minimum_instruction_length [maximum_operations]4,5 default_is_stmt line_base line_range opcode_base
 *     lengths of the standard opcodes, directories, files   (which header_length skips)
 *     program
 *
 * A special opcode moves address and line at once and appends a row; standard ones are below opcode_base; 0 begins an extended one,
 * which says how long it is. An address in an object is 0 until it is relocated: what it becomes comes from `addends`.
 */
#include "jit/object.h"

#include <stdlib.h>

/* Codes of section 7.22. */
enum {
    COPY = 1,
    ADVANCE_PC,
    ADVANCE_LINE,
    SET_FILE,
    SET_COLUMN,
    NEGATE_STATEMENT,
    SET_BASIC_BLOCK,
    CONST_ADD_PC,
    FIXED_ADVANCE_PC,
    EXTENDED_END_SEQUENCE = 1,
    EXTENDED_SET_ADDRESS = 2
};

typedef struct machine {
    wn_context *context;
    object_view *view;
    const object_addend *addends;
    size_t addend_count;
    object_bytes section;
    uint64_t at, end; /* in the section: of the program */
    uint64_t lengths; /* of the standard opcodes */
    unsigned minimum_length, line_range, opcode_base;
    int line_base;
    uint64_t address, line, column;
    bool failed;
} machine;

/* ---- Numbers ----------------------------------------------------------------------------------------------------------- */

static uint64_t take(machine *m, size_t size) {
    uint64_t number = m->at < m->end ? wn_object_number(m->section, m->at, size) : 0;
    m->at += size;
    return number;
}

/* Seven bits a byte, the lowest first; the highest bit says that there are more. */
static uint64_t take_uleb(machine *m) {
    uint64_t number = 0;
    for (unsigned shift = 0; m->at < m->end; shift += 7) {
        uint64_t byte = take(m, 1);
        if (shift < 64) number |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return number;
}

static uint64_t take_sleb(machine *m) {
    uint64_t number = 0, byte = 0;
    unsigned shift = 0;
    do {
        byte = take(m, 1);
        if (shift < 64) number |= (byte & 0x7f) << shift;
        shift += 7;
    } while (byte >= 0x80 && m->at < m->end);
    return byte & 0x40 && shift < 64 ? number | UINT64_MAX << shift : number;
}

/* An address, with what a relocation makes of it. */
static uint64_t take_address(machine *m) {
    uint64_t place = m->at, address = take(m, 8);
    size_t low = 0, high = m->addend_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->addends[middle].place < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->addend_count && m->addends[low].place == place ? m->addends[low].value : address;
}

/* ---- The machine ------------------------------------------------------------------------------------------------------- */

static void append(machine *m, bool end) {
    object_view *v = m->view;
    if (m->address > UINT32_MAX) return;
    if (!wn_grow(m->context, (void **)&v->rows, &v->row_room, (size_t)v->row_count + 1, sizeof *v->rows)) {
        m->failed = true;
        return;
    }
    wn_spot spot = {end ? 0 : (uint32_t)m->line, end ? 0 : (uint32_t)m->column};
    v->rows[v->row_count++] = (object_row){(uint32_t)m->address, spot};
}

static void reset(machine *m) {
    m->address = m->column = 0;
    m->line = 1;
}

static void run_extended(machine *m) {
    uint64_t length = take_uleb(m);
    if (length == 0 || length > m->end - m->at) {
        m->at = m->end;
        return;
    }
    uint64_t next = m->at + length;
    switch (take(m, 1)) {
    case EXTENDED_END_SEQUENCE:
        append(m, true);
        reset(m);
        break;
    case EXTENDED_SET_ADDRESS: m->address = take_address(m); break;
    default: break;
    }
    m->at = next;
}

static void run_standard(machine *m, unsigned code) {
    switch (code) {
    case COPY: append(m, false); break;
    case ADVANCE_PC: m->address += take_uleb(m) * m->minimum_length; break;
    case ADVANCE_LINE: m->line += take_sleb(m); break;
    case SET_COLUMN: m->column = take_uleb(m); break;
    case NEGATE_STATEMENT:
    case SET_BASIC_BLOCK: break;
    case CONST_ADD_PC:
        m->address += (255 - m->opcode_base) / m->line_range * m->minimum_length;
        break;
    case FIXED_ADVANCE_PC: m->address += take(m, 2); break;
    default: /* its operands are as many as the header says */
        for (uint64_t i = wn_object_number(m->section, m->lengths + code - 1, 1); i > 0; i--)
            take_uleb(m);
    }
}

static void run(machine *m) {
    reset(m);
    while (m->at < m->end && !m->failed) {
        unsigned code = (unsigned)take(m, 1);
        if (code == 0) {
            run_extended(m);
        } else if (code < m->opcode_base) {
            run_standard(m, code);
        } else {
            unsigned step = code - m->opcode_base;
            m->address += step / m->line_range * m->minimum_length;
            m->line += (uint64_t)(int64_t)(m->line_base + (int)(step % m->line_range));
            append(m, false);
        }
    }
}

/* ---- Units ------------------------------------------------------------------------------------------------------------- */

/* Read a unit's header; the machine then stands at its program. false: it is of a kind that we do not know, and left out. */
static bool read_header(machine *m) {
    uint64_t version = take(m, 2);
    if (version < 2 || version > 5) return false;
    if (version == 5) take(m, 2);
    uint64_t header_length = take(m, 4), program = m->at + header_length;
    m->minimum_length = (unsigned)take(m, 1);
    if (version >= 4) take(m, 1);
    take(m, 1);
    m->line_base = (int8_t)take(m, 1);
    m->line_range = (unsigned)take(m, 1);
    m->opcode_base = (unsigned)take(m, 1);
    m->lengths = m->at;
    m->at = program;
    return program <= m->end && m->line_range > 0 && m->opcode_base > 0;
}

static int compare_rows(const void *a, const void *b) {
    const object_row *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Rows at one offset: only the last one written is true of the code there, but the end of a sequence is not where another begins. */
static void sort_rows(object_view *v) {
    for (uint32_t i = 1; i < v->row_count; i++)
        if (v->rows[i].offset < v->rows[i - 1].offset) {
            qsort(v->rows, v->row_count, sizeof *v->rows, compare_rows);
            return;
        }
}

bool wn_object_lines(wn_context *c, object_bytes section, const object_addend *addends,
                     size_t addend_count, object_view *view) {
    machine m = {
        .context = c, .view = view, .addends = addends, .addend_count = addend_count, .section = section};
    uint64_t next = 0;
    while (section.size - next >= 4 && !m.failed) {
        uint64_t length = wn_object_number(section, next, 4);
        m.at = next + 4;
        if (length >= 0xfffffff0 || length > section.size - m.at)
            break; /* 64-bit DWARF, or cut off */
        m.end = next = m.at + length;
        if (read_header(&m)) run(&m);
    }
    sort_rows(view);
    return !m.failed;
}
