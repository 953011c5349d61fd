/* SPDX-License-Identifier: MIT
**
** buf: a growable byte buffer with a ceiling. Bytes are moved only when at
** least as many have been appended or consumed since they were moved last,
** so any pattern of calls costs linear time, and the block is never larger
** than twice what was asked of it.
*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* The smallest block: below it the allocator's own overhead counts more. */
#define SMALLEST 512

/* If the bytes consumed are so many times those left, the rest moves to the
** front at once: the move is cheap now, and the front stays in the cache. */
#define FEW 8

void buf_init (struct buf *b, size_t ceiling) {
  b->block = NULL;
  b->start = 0;
  b->length = 0;
  b->capacity = 0;
  b->ceiling = ceiling;
}

void buf_lend (struct buf *b, char *block, size_t n) {
  buf_init(b, n);
  b->block = block;
  b->capacity = n;
}

/* The capacity for 'need' bytes: as much again stays free, so the next move
** is paid for by the bytes that fill it. */
static size_t roomy (size_t need) {
  if (need < SMALLEST / 2)
    return SMALLEST;
  return need <= SIZE_MAX / 2 ? 2 * need : need;
}

/* Moves the bytes to a new block with room for 'n' more. Uses realloc if
** nothing was consumed, because it may not need to copy a large block. */
static enum buf_status grow (struct buf *b, size_t n) {
  size_t capacity = roomy(b->length + n);
  int is_all = b->start == 0 && b->length > 0;
  char *block = is_all ? realloc(b->block, capacity) : malloc(capacity);
  if (block == NULL)
    return BUF_MEMORY;
  if (!is_all) {
    if (b->length > 0)
      memcpy(block, buf_data(b), b->length);
    free(b->block);
  }
  b->block = block;
  b->start = 0;
  b->capacity = capacity;
  return BUF_OK;
}

static void move_to_front (struct buf *b) {
  if (b->start > 0 && b->length > 0)
    memmove(b->block, buf_data(b), b->length);
  b->start = 0;
}

enum buf_status buf_reserve (struct buf *b, size_t n, char **room) {
  if (b->length > b->ceiling || n > b->ceiling - b->length)
    return BUF_FULL;
  if (b->start / FEW >= b->length && n <= b->capacity - b->length)
    move_to_front(b);
  else if (n > b->capacity - b->start - b->length) {
    /* moving within the block is free if as much was consumed before it */
    if (b->start >= b->length && n <= b->capacity - b->length)
      move_to_front(b);
    else {
      enum buf_status status = grow(b, n);
      if (status != BUF_OK)
        return status;
    }
  }
  *room = b->block == NULL ? NULL : buf_data(b) + b->length;
  return BUF_OK;
}

void buf_added (struct buf *b, size_t n) {
  b->length += n;
}

enum buf_status buf_append (struct buf *b, const void *data, size_t n) {
  char *room;
  enum buf_status status = buf_reserve(b, n, &room);
  if (status == BUF_OK && n > 0) {
    memcpy(room, data, n);
    buf_added(b, n);
  }
  return status;
}

void buf_consume (struct buf *b, size_t n) {
  b->start += n;
  b->length -= n;
  if (b->length == 0) /* nothing to move: the whole block is free again */
    b->start = 0;
}

void buf_free (struct buf *b) {
  free(b->block);
  buf_init(b, b->ceiling);
}
