/* SPDX-License-Identifier: MIT
**
** body: where the bytes of a response come from, read so much at a time: a
** text, a listing that is read from the store as it goes, or the gzip of
** another. Memory is constant however long the body is.
*/

#ifndef emulator_body_h
#define emulator_body_h

#include "../store/store.h"

#include <sys/types.h>

#define BODY_CUT (-1) /* the connection has to be closed here */

struct body {
  /* Gives 1 to 'size' bytes, 0 at the end, or BODY_CUT. */
  ssize_t (*read)(struct body *b, char *out, size_t size);
  void (*close)(struct body *b); /* what it owns, but not itself */
  int64_t length;                /* in all; -1: not known */

  /* set by body_spoil */
  double rate;
  int64_t left; /* bytes until the cut; -1: any number */
  int (*sleep)(void *arg, int64_t milliseconds);
  void *arg;
};

/* Makes a body of some kind: a struct of 'size' bytes that begins with a struct
** body. They are zero but for these members of it. NULL when out of memory. */
void *body_new (size_t size, ssize_t (*read)(struct body *b, char *, size_t),
                void (*close)(struct body *b), int64_t length);

ssize_t body_read (struct body *b, char *out, size_t size);

/* Lets it give 'rate' bytes a second (0: as fast as may be) and end after 'cut'
** bytes (-1: never) with BODY_CUT. 'sleep' returns 0 where it is time to give
** up. */
void body_spoil (struct body *b, double rate, int64_t cut,
                 int (*sleep)(void *arg, int64_t milliseconds), void *arg);

/* NULL is allowed. */
void body_close (struct body *b);

/* Each of these gives NULL when out of memory, and then has closed or freed
** what it was to own. */

/* Owns 'text', from SQLite's memory. */
struct body *body_text (char *text, size_t length);

/* A listing of everything in a scope, as one JSON array in the order of
** insertion. Takes what the scope holds. 'now' is asked for the time before
** each step. NULL also where the database fails at once. */
struct body *body_listing (struct store *s, struct scope *scope,
                           int64_t (*now)(void *arg), void *arg);

/* So many bytes of a file, from an offset on. Owns the descriptor. */
struct body *body_file (int fd, int64_t offset, int64_t length);

/* Owns and compresses 'inner'. */
struct body *body_gzip (struct body *inner);

#endif
