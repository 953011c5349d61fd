/* SPDX-License-Identifier: MIT
**
** uploads: files that requests have brought. All are counted and digested. The
** bytes go to a temporary file without a name, which is kept, so that their URL
** gives them, while all that are kept do not exceed a number of bytes and of
** files; the oldest go first. Knows nothing of HTTP.
*/

#ifndef emulator_uploads_h
#define emulator_uploads_h

#include "../../digest/sha256.h"

#include <pthread.h>

#define UPLOAD_SPACE ((int64_t)1 << 30) /* bytes that are kept at a time */
#define UPLOAD_FILES 64                 /* descriptors, which are few */

/* A file that is being received. */
struct incoming {
  int fd; /* -1: its bytes are not kept */
  int64_t size;
  struct sha256 sha256;
};

void incoming_open (struct incoming *f);

void incoming_add (struct incoming *f, const void *data, size_t size);

/* Ends it and writes its digest. */
void incoming_end (struct incoming *f, char digest[SHA256_HEX]);

/* Forgets its bytes, unless they were handed on. */
void incoming_close (struct incoming *f);

/* A file that was received. */
struct upload {
  char *name;
  char *org;  /* that it belongs to */
  char *type; /* of its content; "" where it is not known */
  char digest[SHA256_HEX];
  int64_t size; /* -1: it is announced, but has not come */
  int fd;       /* -1: its bytes are not kept */
  struct upload *next;
};

struct uploads {
  pthread_mutex_t lock;
  struct upload *first; /* the newest */
  int64_t kept;         /* bytes */
  int open;             /* files whose bytes these are */
};

void uploads_open (struct uploads *all);

/* Forgets all. */
void uploads_clear (struct uploads *all);

void uploads_close (struct uploads *all);

/* Adds a file that has ended, and takes its bytes. One of the same name and
** organization is replaced. Returns 0 when out of memory. */
int uploads_add (struct uploads *all, const char *name, const char *org,
                 const char *type, struct incoming *f);

/* Announces a file, which has no bytes yet. Returns 0 when out of memory. */
int uploads_expect (struct uploads *all, const char *name, const char *org,
                    const char *type);

/* Finds a file by its name, and by its organization unless that is NULL: a copy
** with a descriptor of its own. Returns 0 where there is none. */
int uploads_find (struct uploads *all, const char *name, const char *org,
                  struct upload *out);

/* Frees what a copy holds. */
void upload_close (struct upload *u);

#endif
