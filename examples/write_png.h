/*
 * write_png.h - an RGB picture as a PNG file that any viewer opens. The rows are stored, not compressed: that needs no
 * library, only the two checksums of the format.
 */
#ifndef WRITE_PNG_H
#define WRITE_PNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct png {
    FILE *file;
    uint32_t crc, a, b; /* of the chunk; a and b: Adler-32 of the rows */
} png;

static inline void png_byte(png *p, unsigned byte) {
    fputc((int)byte, p->file);
    p->crc ^= byte;
    for (int i = 0; i < 8; i++)
        p->crc = p->crc >> 1 ^ (p->crc & 1 ? 0xedb88320u : 0);
}
static inline void png_long(png *p, uint32_t v) {
    for (int shift = 24; shift >= 0; shift -= 8)
        png_byte(p, v >> shift & 255);
}
/* A byte of a row, with its filter byte in front. */
static inline void png_row_byte(png *p, unsigned byte) {
    png_byte(p, byte);
    p->a = (p->a + byte) % 65521;
    p->b = (p->b + p->a) % 65521;
}
static inline void png_begin(png *p, uint32_t length, const char *name) {
    png_long(p, length);
    p->crc = 0xffffffffu;
    for (int i = 0; i < 4; i++)
        png_byte(p, (unsigned char)name[i]);
}
static inline void png_end(png *p) {
    png_long(p, ~p->crc);
}

/* Each row is one stored block: whether it is the last, its length, the length's complement, the bytes. */
static inline void png_row(png *p, const unsigned char *rgb, uint32_t width, bool last) {
    uint32_t length = 3 * width + 1;
    png_byte(p, last);
    for (int i = 0; i < 4; i++)
        png_byte(p, ((i < 2 ? length : ~length) >> (8 * (i % 2))) & 255);
    png_row_byte(p, 0);
    for (uint32_t i = 0; i < 3 * width; i++)
        png_row_byte(p, rgb[i]);
}

/* rgb: height x width x 3 bytes; width below 21,845. */
static inline bool write_png(const char *path, const unsigned char *rgb, uint32_t width,
                             uint32_t height) {
    png p = {.file = fopen(path, "wb"), .a = 1};
    if (!p.file) return false;
    fwrite("\x89PNG\r\n\x1a\n", 1, 8, p.file);
    png_begin(&p, 13, "IHDR");
    png_long(&p, width);
    png_long(&p, height);
    png_long(&p, 0x08020000); /* 8 bits, RGB, the only compression and filter method there are */
    png_byte(&p, 0);
    png_end(&p);
    png_begin(&p, 2 + height * (3 * width + 6) + 4, "IDAT");
    png_byte(&p, 0x78);
    png_byte(&p, 0x01);
    for (uint32_t y = 0; y < height; y++)
        png_row(&p, rgb + (size_t)y * width * 3, width, y + 1 == height);
    png_long(&p, p.b << 16 | p.a);
    png_end(&p);
    png_begin(&p, 0, "IEND");
    png_end(&p);
    bool good = !ferror(p.file);
    return fclose(p.file) == 0 && good;
}

#endif
