/* SPDX-License-Identifier: MIT
**
** body: the body of a request: bytes and ranges of files, one after the other.
** Its length is known before anything is sent, and each attempt reads the same
** bytes. Files are read in small pieces, never past the range that was there
** when they were opened. Knows nothing of Lua or libcurl.
*/

#ifndef lipsync_body_h
#define lipsync_body_h

#include <stdint.h>

#include "buf.h"

#define BODY_SLICE (64 * 1024) /* most bytes that one read gives */
#define BODY_REST  UINT64_MAX  /* a length: to the end of the file */

enum body_status {
  BODY_OK,
  BODY_NO_MEMORY,
  BODY_MISSING,    /* there is no such file */
  BODY_UNREADABLE, /* it cannot be opened */
  BODY_FOLDER,
  BODY_SPECIAL,   /* neither a file nor a folder, but a pipe, say */
  BODY_EMPTY,     /* the file has no bytes */
  BODY_RANGE,     /* the range has none, or ends after the file */
  BODY_MALFORMED, /* a boundary or a content type that cannot be sent */
  BODY_SHRANK,    /* a file became shorter while it was read */
  BODY_UNREAD     /* a file cannot be read any more */
};

/* What changes when a file does. */
struct body_stamp {
  uint64_t device, inode, size;
  int64_t seconds; /* of its last change */
  long nanoseconds;
};

struct body_piece;

struct body {
  unsigned owners;
  struct body_piece *pieces;
  size_t count;
  struct buf bytes; /* of all pieces that are no files' */
  uint64_t length;  /* of the whole body */
  unsigned parts;   /* of multipart, begun so far */
  int has_files;
  char boundary[71]; /* "": this is not multipart */
};

/* A new, empty body with one owner, or NULL when out of memory. The last owner
** that releases it closes its files. */
struct body *body_new (void);
void body_retain (struct body *b);
void body_release (struct body *b);

/* Each adds to the end. '*os_error' is the errno of BODY_UNREADABLE. A file is
** given by its path, or, where that is NULL, by a descriptor, which stays the
** caller's; only regular files are taken. */
enum body_status body_add_bytes (struct body *b, const void *data, size_t n);
enum body_status body_add_file (struct body *b, const char *path, int fd,
                                uint64_t offset, uint64_t length,
                                int *os_error);

/* What a part of multipart/form-data begins with, and what the last one ends
** with. Names are escaped as browsers do; 'filename' and 'type' may be NULL. */
enum body_status body_begin_part (struct body *b, const char *name,
                                  size_t name_length, const char *filename,
                                  size_t filename_length, const char *type);
enum body_status body_end_parts (struct body *b);

/* Makes it multipart, with a boundary of 1 to 70 letters, digits, "-", "_". */
enum body_status body_set_boundary (struct body *b, const char *boundary);

/* The path (NULL: none) and the stamp at opening of the file of part 'part',
** which is 1 where there are no parts; false where it has no file. */
int body_file_of (const struct body *b, unsigned part, const char **path,
                  struct body_stamp *stamp);

/* The part of the first file that is not as it was opened any more, or 0. */
unsigned body_changed (const struct body *b);

/* The stamp of a regular file that is not empty. */
enum body_status body_stamp (const char *path, struct body_stamp *stamp,
                             int *os_error);

/* Reading, of which each attempt has its own. */
struct body_reader {
  struct body *body; /* NULL: none */
  size_t piece;      /* the next bytes are in this one, */
  uint64_t at;       /* so far from its start */
  uint64_t given;    /* bytes read so far */
  uint64_t hold;     /* bytes at the end that are not given yet */
  unsigned part;     /* where a read failed, */
  int os_error;      /* and its errno, for BODY_UNREAD */
};

/* Begins to read 'b' (NULL: none), of which the reader becomes an owner until
** body_close. */
void body_open (struct body_reader *r, struct body *b, uint64_t hold);
void body_close (struct body_reader *r);

/* All of it at once, where it is at most BODY_SLICE bytes, with none of a file
** and none held back; or NULL. body_take_whole takes it as read. */
const char *body_whole (const struct body_reader *r);
void body_take_whole (struct body_reader *r);

/* Whether all has been read but what is held back. */
int body_is_held (const struct body_reader *r);

/* Reads on: at most 'room' bytes and BODY_SLICE; '*n' is 0 at the end. */
enum body_status body_read (struct body_reader *r, char *out, size_t room,
                            size_t *n);

#endif
