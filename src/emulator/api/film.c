/* SPDX-License-Identifier: MIT
**
** film: see film.h. Numbers are those of ISO/IEC 14496, parts 10 (H.264), 12
** and 15 (its boxes).
*/

#include "film.h"

#include <string.h>

#define RATE    25 /* pictures a second, and in the film */
#define SIDE    64 /* pixels */
#define BLOCKS  (SIDE / 16)
#define PICTURE 480 /* bytes that suffice for one */

/* ---- Boxes: big-endian numbers, in a buffer that is large enough ---- */

struct film {
  uint8_t *out;
  size_t length;
};

/* Appends a number of so many bytes. */
static void put (struct film *f, int bytes, uint32_t n) {
  while (bytes-- > 0)
    f->out[f->length++] = (uint8_t)(n >> (8 * bytes));
}

static void put_bytes (struct film *f, const void *data, size_t size) {
  memcpy(f->out + f->length, data, size);
  f->length += size;
}

/* Appends the same number of four bytes several times. */
static void put_times (struct film *f, int times, uint32_t n) {
  while (times-- > 0)
    put(f, 4, n);
}

/* Begins a box; returns where, for its end. */
static size_t begin (struct film *f, const char *type) {
  size_t at = f->length;
  put(f, 4, 0);
  put_bytes(f, type, 4);
  return at;
}

/* The same for a box with a version of 0 and flags. */
static size_t begin_full (struct film *f, const char *type, uint32_t flags) {
  size_t at = begin(f, type);
  put(f, 4, flags);
  return at;
}

static void end (struct film *f, size_t at) {
  struct film size = {f->out + at, 0};
  put(&size, 4, (uint32_t)(f->length - at));
}

/* ---- Bits: as H.264 writes them ---- */

struct bits {
  uint8_t *out;
  size_t count; /* of bits */
};

static void bit (struct bits *b, uint32_t set) {
  uint8_t *byte = b->out + b->count / 8;
  if (b->count % 8 == 0)
    *byte = 0;
  *byte = (uint8_t)(*byte | (set & 1) << (7 - b->count % 8));
  b->count++;
}

static void bits (struct bits *b, int n, uint32_t value) {
  while (n-- > 0)
    bit(b, value >> n);
}

/* An Exp-Golomb code: as many zeros as follow the first one of value + 1. */
static void code (struct bits *b, uint32_t value) {
  int n = 1;
  while ((value + 1) >> n > 0)
    n++;
  bits(b, 2 * n - 1, value + 1);
}

static void codes (struct bits *b, const uint8_t *values, size_t count) {
  while (count-- > 0)
    code(b, *values++);
}

/* Ends a unit with a one and zeros; returns its bytes. */
static size_t finish (struct bits *b) {
  bit(b, 1);
  while (b->count % 8 != 0)
    bit(b, 0);
  return b->count / 8;
}

/* Baseline profile, level 1; pictures in the order of decoding. */
static size_t sequence_parameters (uint8_t *out) {
  static const uint8_t fields[] = {0, 0, 2, 1};
  struct bits b = {out, 0};
  bits(&b, 32, 0x6742C00A);
  codes(&b, fields, sizeof(fields));
  bit(&b, 0); /* no gaps */
  code(&b, BLOCKS - 1);
  code(&b, BLOCKS - 1);
  bits(&b, 4, 0xC); /* frames, direct inference; not cropped, no more */
  return finish(&b);
}

static size_t picture_parameters (uint8_t *out) {
  static const uint8_t references[] = {0, 0}, quality[] = {0, 0, 0};
  struct bits b = {out, 0};
  bits(&b, 8, 0x68);
  codes(&b, references, sizeof(references));
  bits(&b, 2, 0); /* no arithmetic coding, no fields */
  code(&b, 0);    /* one slice group */
  codes(&b, references, sizeof(references));
  bits(&b, 3, 0); /* no weights */
  codes(&b, quality, sizeof(quality));
  bits(&b, 3, 4); /* a slice says whether it is deblocked */
  return finish(&b);
}

/* One block that has no data: predicted from its neighbors, nothing added. How
** "no coefficient" is written depends on them: one with plain data counts as
** full. */
static void follow (struct bits *b, int block) {
  code(b, 3); /* 16 x 16, by the mean of the neighbors */
  bits(b, 2, 3);
  if (block == 1 || block == BLOCKS)
    bits(b, 6, 3);
  else
    bit(b, 1);
}

static size_t first_picture (uint8_t *out, const uint8_t color[3]) {
  static const uint8_t head[] = {0, 7, 0};
  struct bits b = {out, 0};
  int i;
  bits(&b, 8, 0x65);
  codes(&b, head, sizeof(head));
  bits(&b, 4, 0);
  code(&b, 0);    /* the id of this beginning */
  bits(&b, 2, 0); /* nothing is kept from before */
  code(&b, 0);
  code(&b, 1);  /* not deblocked */
  code(&b, 25); /* a block of plain data */
  while (b.count % 8 != 0)
    bit(&b, 0);
  for (i = 0; i < 16 * 16 * 3 / 2; i++)
    bits(&b, 8, color[i < 256 ? 0 : i < 320 ? 1 : 2]);
  for (i = 1; i < BLOCKS * BLOCKS; i++)
    follow(&b, i);
  return finish(&b);
}

/* A picture that is the one before it. */
static size_t same_picture (uint8_t *out, uint32_t n) {
  static const uint8_t head[] = {0, 5, 0}, tail[] = {0, 1, BLOCKS * BLOCKS};
  struct bits b = {out, 0};
  bits(&b, 8, 0x41);
  codes(&b, head, sizeof(head));
  bits(&b, 4, n % 16);
  bits(&b, 3, 0);
  codes(&b, tail, sizeof(tail));
  return finish(&b);
}

/* ---- The film ---- */

/* Writes the data, each picture after its length; notes the lengths. */
static void put_pictures (struct film *f, const uint8_t color[3],
                          uint32_t sizes[RATE]) {
  uint8_t picture[PICTURE];
  uint32_t i;
  for (i = 0; i < RATE; i++) {
    size_t n = i == 0 ? first_picture(picture, color)
                      : same_picture(picture, i);
    put(f, 4, (uint32_t)n);
    put_bytes(f, picture, n);
    sizes[i] = (uint32_t)n + 4;
  }
}

static void put_matrix (struct film *f) {
  put(f, 4, 0x10000);
  put_times(f, 3, 0);
  put(f, 4, 0x10000);
  put_times(f, 3, 0);
  put(f, 4, 0x40000000);
}

/* How the pictures are coded. */
static void put_description (struct film *f) {
  size_t stsd = begin_full(f, "stsd", 0), avc1, avcc;
  uint8_t unit[PICTURE];
  size_t n;
  put(f, 4, 1);
  avc1 = begin(f, "avc1");
  put(f, 4, 0);
  put(f, 4, 1);
  put_times(f, 4, 0);
  put(f, 2, SIDE);
  put(f, 2, SIDE);
  put_times(f, 2, 72 << 16); /* dots an inch */
  put(f, 4, 0);
  put(f, 2, 1);
  put_times(f, 8, 0); /* no name */
  put(f, 2, 24);
  put(f, 2, 0xFFFF);
  avcc = begin(f, "avcC");
  put(f, 4, 0x0142C00A);
  put(f, 2, 0xFFE1);
  n = sequence_parameters(unit);
  put(f, 2, (uint32_t)n);
  put_bytes(f, unit, n);
  put(f, 1, 1);
  n = picture_parameters(unit);
  put(f, 2, (uint32_t)n);
  put_bytes(f, unit, n);
  end(f, avcc);
  end(f, avc1);
  end(f, stsd);
}

/* Where the pictures are; returns where their offset is to be written. */
static size_t put_table (struct film *f, const uint32_t sizes[RATE]) {
  size_t stbl = begin(f, "stbl"), at, offset;
  int i;
  put_description(f);
  at = begin_full(f, "stts", 0);
  put(f, 4, 1);
  put(f, 4, RATE);
  put(f, 4, 1);
  end(f, at);
  at = begin_full(f, "stss", 0);
  put_times(f, 2, 1);
  end(f, at);
  at = begin_full(f, "stsc", 0);
  put_times(f, 2, 1);
  put(f, 4, RATE);
  put(f, 4, 1);
  end(f, at);
  at = begin_full(f, "stsz", 0);
  put(f, 4, 0);
  put(f, 4, RATE);
  for (i = 0; i < RATE; i++)
    put(f, 4, sizes[i]);
  end(f, at);
  at = begin_full(f, "stco", 0);
  put(f, 4, 1);
  offset = f->length;
  put(f, 4, 0);
  end(f, at);
  end(f, stbl);
  return offset;
}

static void put_heads (struct film *f) {
  size_t at = begin_full(f, "mvhd", 0);
  put_times(f, 2, 0); /* no dates */
  put(f, 4, RATE);
  put(f, 4, RATE);
  put(f, 4, 0x10000);
  put(f, 4, 0x01000000);
  put_times(f, 2, 0);
  put_matrix(f);
  put_times(f, 6, 0);
  put(f, 4, 2);
  end(f, at);
}

static void put_track_head (struct film *f) {
  size_t at = begin_full(f, "tkhd", 3);
  put_times(f, 2, 0);
  put(f, 4, 1);
  put(f, 4, 0);
  put(f, 4, RATE);
  put_times(f, 4, 0);
  put_matrix(f);
  put_times(f, 2, SIDE << 16);
  end(f, at);
}

/* What kind of track it is, and in which time and file. */
static void put_media_heads (struct film *f) {
  size_t at = begin_full(f, "mdhd", 0);
  put_times(f, 2, 0);
  put(f, 4, RATE);
  put(f, 4, RATE);
  put(f, 4, 0x55C40000); /* no language */
  end(f, at);
  at = begin_full(f, "hdlr", 0);
  put(f, 4, 0);
  put_bytes(f, "vide", 4);
  put_times(f, 3, 0);
  put(f, 1, 0);
  end(f, at);
}

static void put_references (struct film *f) {
  size_t at = begin_full(f, "vmhd", 1), dref, url;
  put_times(f, 2, 0);
  end(f, at);
  at = begin(f, "dinf");
  dref = begin_full(f, "dref", 0);
  put(f, 4, 1);
  url = begin_full(f, "url ", 1); /* in this file */
  end(f, url);
  end(f, dref);
  end(f, at);
}

size_t film_make (uint8_t out[FILM_SIZE], const uint8_t color[3]) {
  struct film f = {out, 0};
  uint8_t data[FILM_SIZE];
  struct film pictures = {data, 0}, patch;
  uint32_t sizes[RATE];
  size_t at = begin(&f, "ftyp"), moov, trak, mdia, minf, offset;
  put_bytes(&f, "isom\0\0\2\0isomiso2avc1mp41", 24);
  end(&f, at);
  put_pictures(&pictures, color, sizes);
  moov = begin(&f, "moov");
  put_heads(&f);
  trak = begin(&f, "trak");
  put_track_head(&f);
  mdia = begin(&f, "mdia");
  put_media_heads(&f);
  minf = begin(&f, "minf");
  put_references(&f);
  offset = put_table(&f, sizes);
  end(&f, minf);
  end(&f, mdia);
  end(&f, trak);
  end(&f, moov);
  at = begin(&f, "mdat");
  patch.out = f.out + offset;
  patch.length = 0;
  put(&patch, 4, (uint32_t)f.length);
  put_bytes(&f, data, pictures.length);
  end(&f, at);
  return f.length;
}
