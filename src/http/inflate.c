/* SPDX-License-Identifier: MIT
**
** inflate: decompresses gzip (RFC 1952) with zlib into the caller's memory.
** Keeps no output but zlib's window, whatever size the input claims.
*/

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

#include "inflate.h"

/* For inflateInit2: the largest window, and a gzip wrapping, nothing else. */
#define GZIP_ONLY (16 + MAX_WBITS)

#define GZIP_FIRST 0x1F /* the first byte of every member */

struct inflater {
  z_stream stream;
  int fresh;                  /* no byte of the current member was read */
  int ended;                  /* a member has ended before it */
  enum inflate_status failed; /* INFLATE_MORE, or the error that stays */
};

struct inflater *inflate_open (void) {
  struct inflater *z = malloc(sizeof *z);
  if (z == NULL)
    return NULL;
  memset(z, 0, sizeof *z);
  z->fresh = 1;
  z->failed = INFLATE_MORE;
  if (inflateInit2(&z->stream, GZIP_ONLY) != Z_OK) {
    free(z);
    return NULL;
  }
  return z;
}

/* zlib counts in unsigned int; the rest waits for the next round. */
static uInt at_most (size_t n) {
  return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

/* Calls zlib once with the rest of input and room. */
static int once (struct inflater *z, const char *in, size_t length,
                 size_t *used, char *out, size_t room, size_t *made) {
  z_stream *s = &z->stream;
  uInt input = at_most(length - *used);
  uInt output = at_most(room - *made);
  int code;
  s->next_in = (const Bytef *)in + *used;
  s->avail_in = input;
  s->next_out = (Bytef *)(out + *made);
  s->avail_out = output;
  code = inflate(s, Z_NO_FLUSH);
  *used += input - s->avail_in;
  *made += output - s->avail_out;
  if (s->avail_in != input)
    z->fresh = 0;
  return code;
}

/* Whether the input so far ends with a member. */
static int is_between (const struct inflater *z) {
  return z->fresh && z->ended;
}

/* Whether 'in' cannot continue a member. zlib checks the first two bytes of one
** together, and so would wait for a second byte of garbage. */
static int is_garbage (const struct inflater *z, const char *in) {
  return z->fresh && (unsigned char)*in != GZIP_FIRST;
}

/* Remembers an error, because a damaged stream cannot be resumed. */
static enum inflate_status fail (struct inflater *z,
                                 enum inflate_status status) {
  z->failed = status;
  return status;
}

enum inflate_status inflate_feed (struct inflater *z, const char *in,
                                  size_t length, size_t *used, char *out,
                                  size_t room, size_t *made) {
  *used = 0;
  *made = 0;
  if (z->failed != INFLATE_MORE)
    return z->failed;
  while (room > *made && !(is_between(z) && *used == length)) {
    if (*used < length && is_garbage(z, in + *used))
      return fail(z, INFLATE_DATA);
    switch (once(z, in, length, used, out, room, made)) {
      case Z_OK: break;
      case Z_STREAM_END:
        if (inflateReset(&z->stream) != Z_OK)
          return fail(z, INFLATE_DATA);
        z->fresh = 1;
        z->ended = 1;
        break;
      case Z_BUF_ERROR: /* nothing could be done: one side is used up */
        return INFLATE_MORE;
      case Z_MEM_ERROR: return fail(z, INFLATE_MEMORY);
      default: return fail(z, INFLATE_DATA);
    }
  }
  return is_between(z) && *used == length ? INFLATE_END : INFLATE_MORE;
}

void inflate_close (struct inflater *z) {
  if (z != NULL) {
    inflateEnd(&z->stream);
    free(z);
  }
}
