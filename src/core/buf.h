/* SPDX-License-Identifier: MIT
**
** buf: a growable byte buffer with a ceiling, appended to at the back and
** consumed from the front, its bytes always in one piece. Knows nothing of
** Lua, HTTP or JSON.
*/

#ifndef lipsync_buf_h
#define lipsync_buf_h

#include <stddef.h>

enum buf_status {
  BUF_OK,
  BUF_FULL,  /* the bytes would not fit under the ceiling; nothing changed */
  BUF_MEMORY /* out of memory; nothing changed */
};

struct buf {
  char *block;     /* what malloc gave, or NULL */
  size_t start;    /* offset of the first byte not consumed */
  size_t length;   /* how many bytes there are from 'start' on */
  size_t capacity; /* size of 'block' */
  size_t ceiling;  /* 'length' never exceeds this */
};

/* Makes 'b' empty, without allocating. */
void buf_init (struct buf *b, size_t ceiling);

/* The same, with a block of the caller's. It never has more than those 'n'
** bytes, and is not to be freed. */
void buf_lend (struct buf *b, char *block, size_t n);

/* The bytes, 'b->length' of them; moves with the next buf_append or
** buf_reserve. */
#define buf_data(b) ((b)->block + (b)->start)

/* Makes room for 'n' bytes after the last one and returns where they go
** through 'room'; buf_added says how many were really written. */
enum buf_status buf_reserve (struct buf *b, size_t n, char **room);
void buf_added (struct buf *b, size_t n);

/* Copies 'n' bytes to the back. Amortized cost is linear, whatever the
** pattern of appends and consumes. */
enum buf_status buf_append (struct buf *b, const void *data, size_t n);

/* Drops the first 'n' (at most 'length') bytes. The memory stays for what
** comes next. */
void buf_consume (struct buf *b, size_t n);

/* Gives the memory back and leaves an empty buffer, usable again. */
void buf_free (struct buf *b);

#endif
