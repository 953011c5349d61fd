/* SPDX-License-Identifier: MIT
**
** Unit tests of src/core/buf.c: contents against a plain model, the ceiling,
** and that the bytes moved stay in proportion to the bytes appended.
*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/buf.h"
#include "check.h"
#include "hook.h"

/* A second copy of the buffer, the memory of which runs out on demand. */
#define buf_init    hooked_init
#define buf_lend    hooked_lend
#define buf_reserve hooked_reserve
#define buf_added   hooked_added
#define buf_append  hooked_append
#define buf_consume hooked_consume
#define buf_free    hooked_free
#define malloc      hook_malloc
#define realloc     hook_realloc

void hooked_init (struct buf *b, size_t ceiling);
void hooked_lend (struct buf *b, char *block, size_t n);
enum buf_status hooked_reserve (struct buf *b, size_t n, char **room);
void hooked_added (struct buf *b, size_t n);
enum buf_status hooked_append (struct buf *b, const void *data, size_t n);
void hooked_consume (struct buf *b, size_t n);
void hooked_free (struct buf *b);

#include "../../src/core/buf.c"

#undef buf_init
#undef buf_lend
#undef buf_reserve
#undef buf_added
#undef buf_append
#undef buf_consume
#undef buf_free
#undef malloc
#undef realloc

static unsigned next_random (uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

/* Reserves 'n' bytes and counts what was moved for it: the bytes held, if the
** block is another or its first byte is elsewhere in it. */
static enum buf_status watched_reserve (struct buf *b, size_t n, char **room,
                                        size_t *moved) {
  size_t start = b->start;
  size_t capacity = b->capacity;
  enum buf_status status = buf_reserve(b, n, room);
  if (b->start != start || b->capacity != capacity)
    *moved += b->length;
  return status;
}

static void test_empty (void) {
  struct buf b;
  buf_init(&b, 100);
  CHECK(b.length == 0 && b.block == NULL && b.ceiling == 100);
  CHECK(buf_append(&b, NULL, 0) == BUF_OK && b.block == NULL);
  buf_consume(&b, 0);
  CHECK(b.length == 0);
  buf_free(&b);
  buf_free(&b);
  CHECK(b.length == 0 && b.ceiling == 100);
}

static void test_ceiling (void) {
  struct buf b;
  char *room;
  buf_init(&b, 10);
  CHECK(buf_append(&b, "0123456789", 10) == BUF_OK);
  CHECK(buf_append(&b, "x", 1) == BUF_FULL);
  CHECK(b.length == 10 && memcmp(buf_data(&b), "0123456789", 10) == 0);
  CHECK(buf_append(&b, "", 0) == BUF_OK);
  buf_consume(&b, 4);
  CHECK(buf_append(&b, "abcde", 5) == BUF_FULL);
  CHECK(buf_append(&b, "abcd", 4) == BUF_OK);
  CHECK(b.length == 10 && memcmp(buf_data(&b), "456789abcd", 10) == 0);
  CHECK(buf_reserve(&b, SIZE_MAX, &room) == BUF_FULL);
  buf_free(&b);
  buf_init(&b, 0);
  CHECK(buf_append(&b, "x", 1) == BUF_FULL);
  buf_free(&b);
}

/* A block of the caller's is all there is. */
static void test_lent (void) {
  char block[4];
  struct buf b;
  buf_lend(&b, block, sizeof block);
  CHECK(buf_append(&b, "abc", 3) == BUF_OK && b.length == 3);
  CHECK(buf_append(&b, "de", 2) == BUF_FULL && b.length == 3);
  CHECK(buf_append(&b, "d", 1) == BUF_OK && b.length == 4);
  CHECK(buf_data(&b) == block && memcmp(block, "abcd", 4) == 0);
}

/* Out of memory changes nothing, and is over when there is memory again. */
static void test_memory (void) {
  struct buf b;
  char bytes[600] = {0};
  hooked_init(&b, SIZE_MAX);
  hook_left = 0;
  CHECK(hooked_append(&b, "lost", 4) == BUF_MEMORY && b.length == 0);
  hook_left = 1;
  CHECK(hooked_append(&b, "kept", 4) == BUF_OK);
  CHECK(hooked_append(&b, bytes, sizeof bytes) == BUF_MEMORY);
  CHECK(b.length == 4 && memcmp(buf_data(&b), "kept", 4) == 0);
  hook_left = HOOK_ENDLESS;
  CHECK(hooked_append(&b, bytes, sizeof bytes) == BUF_OK);
  CHECK(b.length == 604 && memcmp(buf_data(&b), "kept", 4) == 0);
  hooked_consume(&b, 4);
  CHECK(b.length == 600);
  hooked_free(&b);
}

static void test_reserve (void) {
  struct buf b;
  char *room;
  buf_init(&b, 1000);
  CHECK(buf_reserve(&b, 100, &room) == BUF_OK && b.length == 0);
  memcpy(room, "abc", 3);
  buf_added(&b, 3);
  CHECK(b.length == 3 && memcmp(buf_data(&b), "abc", 3) == 0);
  buf_consume(&b, 3);
  CHECK(b.length == 0 && b.start == 0 && b.block != NULL);
  buf_free(&b);
  CHECK(buf_append(&b, "again", 5) == BUF_OK && b.length == 5);
  buf_free(&b);
}

/* Random appends and consumes: the buffer holds what the model holds, which
** is the stretch of an endless row of counted bytes between two places. */
static void test_model (void) {
  uint32_t seed = 7;
  size_t written = 0, read = 0;
  unsigned round;
  int same = 1;
  struct buf b;
  buf_init(&b, 3000);
  for (round = 0; round < 20000; round++) {
    char bytes[700];
    size_t n = next_random(&seed) % sizeof bytes, i;
    for (i = 0; i < n; i++)
      bytes[i] = (char)((written + i) % 251);
    if (n > 3000 - b.length)
      same = same && buf_append(&b, bytes, n) == BUF_FULL;
    else {
      same = same && buf_append(&b, bytes, n) == BUF_OK;
      written += n;
    }
    n = next_random(&seed) % (b.length + 1);
    if (round % 3 != 0) {
      buf_consume(&b, n);
      read += n;
    }
    same = same && b.length == written - read;
    for (i = 0; i < b.length; i++)
      same = same && buf_data(&b)[i] == (char)((read + i) % 251);
  }
  CHECK(same);
  CHECK(b.capacity <= 2 * 3000);
  buf_free(&b);
}

/* Moves per appended byte, for appends of 'in' bytes that are consumed 'out'
** at a time once 'held' bytes are there. */
static double moves (size_t held, size_t in, size_t out) {
  size_t moved = 0, appended = 0;
  struct buf b;
  buf_init(&b, held + in);
  while (appended < 40 * held) {
    char *room;
    if (watched_reserve(&b, in, &room, &moved) != BUF_OK)
      break;
    memset(room, 'x', in);
    buf_added(&b, in);
    appended += in;
    while (b.length >= held)
      buf_consume(&b, out);
  }
  CHECK(appended >= 40 * held);
  CHECK(b.capacity <= 2 * b.ceiling || b.capacity <= 512);
  buf_free(&b);
  return (double)moved / (double)appended;
}

static void test_linear (void) {
  CHECK(moves(65536, 1, 1) <= 1.5);
  CHECK(moves(65536, 16384, 1) <= 1.5);
  CHECK(moves(65536, 1, 65536) <= 1.5);
  CHECK(moves(65536, 100, 99) <= 1.5);
  CHECK(moves(1000, 7, 3) <= 1.5);
  CHECK(moves(4000000, 16384, 1100) <= 1.5);
}

int main (void) {
  test_empty();
  test_ceiling();
  test_lent();
  test_memory();
  test_reserve();
  test_model();
  test_linear();
  return check_end();
}
