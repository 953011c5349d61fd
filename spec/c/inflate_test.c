/* SPDX-License-Identifier: MIT
**
** Unit tests of src/http/inflate.c: the same text whatever the sizes of
** input and room, members joined, damage found, and a bomb that stays as small
** as the room it is given.
*/

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "inflate.h"
#include "check.h"

/* Writes 'text' as one gzip member to 'out'; gives its length. */
static size_t pack (const char *text, size_t length, int window, char *out,
                    size_t room) {
  z_stream z;
  size_t n;
  memset(&z, 0, sizeof z);
  CHECK(deflateInit2(&z, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  z.next_in = (Bytef *)(size_t)text;
  z.avail_in = (uInt)length;
  z.next_out = (Bytef *)out;
  z.avail_out = (uInt)room;
  CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
  n = room - z.avail_out;
  deflateEnd(&z);
  return n;
}

#define GZIP (16 + MAX_WBITS)

/* Decompresses 'in', fed in pieces of 'piece' into room for 'room' bytes, to
** 'out'; gives the last status, or INFLATE_MORE if a status was ever wrong. */
static enum inflate_status undo (const char *in, size_t length, size_t piece,
                                 size_t room, char *out, size_t *total) {
  struct inflater *z = inflate_open();
  enum inflate_status status = INFLATE_MORE;
  size_t at = 0;
  *total = 0;
  while (z != NULL) {
    size_t n = length - at < piece ? length - at : piece;
    size_t used, made;
    status = inflate_feed(z, in + at, n, &used, out + *total, room, &made);
    at += used;
    *total += made;
    if (status == INFLATE_DATA || status == INFLATE_MEMORY)
      break;
    if (at == length && (status == INFLATE_END || made < room))
      break;
  }
  inflate_close(z);
  return status;
}

static char text[70000]; /* what is packed: half noise, half repetition */
static char packed[300000];
static char out[200000];

static void fill_text (void) {
  unsigned long seed = 1;
  size_t i;
  for (i = 0; i < sizeof text; i++) {
    seed = (seed * 1103515245ul + 12345ul) & 0x7fffffff;
    text[i] = i % 1000 < 500 ? (char)(seed >> 16) : 'a';
  }
}

static void test_pieces (void) {
  static const size_t sizes[] = {1, 2, 3, 7, 100, 4096, 65536, 300000};
  size_t length = pack(text, sizeof text, GZIP, packed, sizeof packed);
  size_t i, j, total;
  for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (j = 0; j < sizeof sizes / sizeof *sizes; j++) {
      size_t room = sizes[j] < 100000 ? sizes[j] : 100000;
      enum inflate_status status = undo(packed, length, sizes[i], room, out,
                                        &total);
      CHECK_SAYS(status == INFLATE_END && total == sizeof text
                   && memcmp(out, text, total) == 0,
                 "pieces of %lu into %lu: status %d, %lu bytes",
                 (unsigned long)sizes[i], (unsigned long)room, (int)status,
                 (unsigned long)total);
    }
}

static void test_members (void) {
  size_t a = pack(text, 5000, GZIP, packed, sizeof packed);
  size_t b = pack("", 0, GZIP, packed + a, sizeof packed - a);
  size_t c = pack(text + 5000, 300, GZIP, packed + a + b,
                  sizeof packed - a - b);
  size_t piece, total;
  for (piece = 1; piece < 40; piece += 19) {
    CHECK(undo(packed, a + b + c, piece, 64, out, &total) == INFLATE_END);
    CHECK(total == 5300 && memcmp(out, text, total) == 0);
  }
  /* the end of a member is known before the next one begins */
  CHECK(undo(packed, a, 1000000, 6000, out, &total) == INFLATE_END);
  CHECK(total == 5000);
  /* a second member that has begun is awaited */
  CHECK(undo(packed, a + 1, 1000000, 6000, out, &total) == INFLATE_MORE);
}

static void test_end_stays (void) {
  struct inflater *z = inflate_open();
  size_t length = pack("abc", 3, GZIP, packed, sizeof packed);
  size_t used, made;
  if (!CHECK(z != NULL))
    return;
  CHECK(inflate_feed(z, packed, 0, &used, out, 10, &made) == INFLATE_MORE);
  CHECK(inflate_feed(z, packed, length, &used, out, 10, &made) == INFLATE_END);
  CHECK(used == length && made == 3);
  CHECK(inflate_feed(z, NULL, 0, &used, out, 10, &made) == INFLATE_END);
  CHECK(used == 0 && made == 0);
  CHECK(inflate_feed(z, "x", 1, &used, out, 10, &made) == INFLATE_DATA);
  CHECK(inflate_feed(z, packed, length, &used, out, 10, &made) == INFLATE_DATA);
  CHECK(used == 0 && made == 0);
  inflate_close(z);
  inflate_close(NULL);
}

/* A room that is full exactly when the member ends loses nothing. */
static void test_exact_room (void) {
  struct inflater *z = inflate_open();
  size_t length = pack(text, 1000, GZIP, packed, sizeof packed);
  size_t used, made, more;
  enum inflate_status status;
  if (!CHECK(z != NULL))
    return;
  status = inflate_feed(z, packed, length, &used, out, 1000, &made);
  CHECK(made == 1000 && memcmp(out, text, 1000) == 0);
  if (status == INFLATE_MORE)
    status = inflate_feed(z, packed + used, length - used, &more, out, 10,
                          &made);
  CHECK(status == INFLATE_END);
  inflate_close(z);
}

/* Each damage is found, however the input is cut. */
static void test_damage (void) {
  size_t length = pack(text, 3000, GZIP, packed, sizeof packed);
  size_t i, total;
  char kept;
  static const size_t places[] = {0, 1, 2, 3};
  for (i = 0; i < sizeof places / sizeof *places; i++) {
    kept = packed[places[i]];
    packed[places[i]] = (char)(kept ^ 0xE0);
    CHECK_SAYS(undo(packed, length, 1, 5000, out, &total) == INFLATE_DATA,
               "header byte %lu", (unsigned long)places[i]);
    packed[places[i]] = kept;
  }
  for (i = length - 8; i < length; i++) { /* checksum and length */
    kept = packed[i];
    packed[i] = (char)(kept ^ 1);
    CHECK_SAYS(undo(packed, length, length, 5000, out, &total) == INFLATE_DATA,
               "trailer byte %lu", (unsigned long)i);
    packed[i] = kept;
  }
  for (i = 0; i < length; i++) /* cut anywhere: never an end */
    if (undo(packed, i, i, 5000, out, &total) != INFLATE_MORE)
      break;
  CHECK(i == length);
}

static void test_not_gzip (void) {
  size_t total, length;
  CHECK(undo("[]", 2, 2, 100, out, &total) == INFLATE_DATA && total == 0);
  length = pack("abc", 3, MAX_WBITS, packed, sizeof packed); /* zlib */
  CHECK(undo(packed, length, 1, 100, out, &total) == INFLATE_DATA);
  length = pack("abc", 3, -MAX_WBITS, packed, sizeof packed); /* raw */
  CHECK(undo(packed, length, 1, 100, out, &total) == INFLATE_DATA);
}

static void test_garbage_behind (void) {
  static const char *const garbage[] = {"x", "[]", "\x1fx", "\x1f\x8b\x07x"};
  size_t length = pack("abc", 3, GZIP, packed, sizeof packed);
  size_t i, total, n;
  for (i = 0; i < sizeof garbage / sizeof *garbage; i++) {
    n = strlen(garbage[i]);
    memcpy(packed + length, garbage[i], n);
    CHECK(undo(packed, length + n, 1, 100, out, &total) == INFLATE_DATA);
    CHECK(total == 3);
    CHECK(undo(packed, length + n, length + n, 100, out, &total)
          == INFLATE_DATA);
  }
  packed[length] = '\0'; /* padding is garbage, too */
  CHECK(undo(packed, length + 1, length + 1, 100, out, &total) == INFLATE_DATA);
}

/* 100 MB of zeros in about 100 KB: no call makes more than its room. */
static void test_bomb (void) {
  struct inflater *z = inflate_open();
  static char zeros[100000];
  unsigned long long total = 0;
  size_t n = 0, at = 0, used, made, i;
  enum inflate_status status = INFLATE_MORE;
  z_stream d;
  memset(&d, 0, sizeof d);
  CHECK(deflateInit2(&d, 9, Z_DEFLATED, GZIP, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  d.next_out = (Bytef *)packed;
  d.avail_out = (uInt)sizeof packed;
  for (i = 0; i < 1000; i++) {
    d.next_in = (Bytef *)zeros;
    d.avail_in = (uInt)sizeof zeros;
    deflate(&d, i == 999 ? Z_FINISH : Z_NO_FLUSH);
  }
  n = sizeof packed - d.avail_out;
  deflateEnd(&d);
  while (z != NULL && status == INFLATE_MORE) {
    status = inflate_feed(z, packed + at, n - at, &used, out, 65536, &made);
    at += used;
    total += made;
    if (made > 65536 || (used == 0 && made == 0))
      break;
  }
  CHECK(status == INFLATE_END && total == 100000000ull && at == n);
  inflate_close(z);
}

int main (void) {
  fill_text();
  test_pieces();
  test_members();
  test_end_stays();
  test_exact_room();
  test_damage();
  test_not_gzip();
  test_garbage_behind();
  test_bomb();
  return check_end();
}
