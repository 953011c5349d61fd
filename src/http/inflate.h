/* SPDX-License-Identifier: MIT
**
** inflate: gzip (RFC 1952) undone by zlib, no more at a time than the caller
** has room for, so that a small response can never become a large allocation.
** Knows nothing of Lua, HTTP or JSON.
*/

#ifndef lipsync_inflate_h
#define lipsync_inflate_h

#include <stddef.h>

enum inflate_status {
  INFLATE_MORE,  /* the room is full or the input is used up: call again */
  INFLATE_END,   /* a gzip member ended with a right checksum, and the input
                     is used up; another member may follow */
  INFLATE_DATA,  /* this is not gzip, or it is damaged */
  INFLATE_MEMORY /* out of memory */
};

struct inflater;

/* A new one, or NULL when out of memory. About 40 KiB live with it. */
struct inflater *inflate_open (void);

/* Reads from 'in' and writes at most 'room' bytes to 'out'. '*used' is how
** much of the input was read, '*made' how many bytes were written; both are
** right for every status. Members that follow each other are joined, as RFC
** 1952 has it; anything else after a member is INFLATE_DATA. */
enum inflate_status inflate_feed (struct inflater *z, const char *in,
                                  size_t length, size_t *used, char *out,
                                  size_t room, size_t *made);

/* Frees it; NULL is fine. */
void inflate_close (struct inflater *z);

#endif
