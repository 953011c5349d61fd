/* SPDX-License-Identifier: MIT
**
** multipart: reads a body of multipart/form-data (RFC 7578, RFC 2046), fed any
** number of bytes at a time. It keeps a part's headers and at most a delimiter
** of its data: memory is the same for every size. Knows nothing of where the
** bytes come from or go to.
*/

#ifndef emulator_multipart_h
#define emulator_multipart_h

#include <stddef.h>

#define BOUNDARY_MAX 70   /* bytes, by RFC 2046 */
#define HEADERS_MAX  8192 /* bytes of a part's headers */

struct multipart_part {
  const char *name;
  const char *file_name; /* NULL: it is no file */
  const char *type;      /* of its content, or NULL */
};

/* What is done with the parts. Each returns 0 to end the reading. */
struct multipart_reader {
  int (*begin)(void *arg, const struct multipart_part *part);
  int (*data)(void *arg, const char *data, size_t size);
  int (*end)(void *arg);
};

enum multipart_state {
  MULTIPART_PREAMBLE, /* before the first delimiter: bytes are dropped */
  MULTIPART_LINE,     /* after a delimiter: "--", or blanks and a line's end */
  MULTIPART_CLOSING,  /* after its first "-": the second */
  MULTIPART_LF,       /* after a CR there: the LF */
  MULTIPART_HEADERS,  /* up to an empty line */
  MULTIPART_DATA,     /* up to the next delimiter */
  MULTIPART_EPILOGUE, /* after the last delimiter: bytes are dropped */
  MULTIPART_STOPPED,  /* the reader has ended it */
  MULTIPART_BAD       /* it is not well formed; 'why' says how */
};

struct multipart {
  enum multipart_state state;
  const char *why;
  const struct multipart_reader *reader;
  void *arg;
  char delimiter[BOUNDARY_MAX + 5]; /* CR LF "--" and the boundary */
  size_t length;                    /* of that */
  size_t matched;                   /* how much of it the last bytes are */
  size_t before;                    /* how many of those are no data */
  char headers[HEADERS_MAX];
  size_t used; /* of 'headers' */
};

/* Finds the boundary in a Content-Type. Returns 0 where the type is another
** (then '*why' is NULL) or the boundary is missing or no boundary. */
int multipart_boundary (const char *type, char out[BOUNDARY_MAX + 1],
                        const char **why);

void multipart_open (struct multipart *m, const char *boundary,
                     const struct multipart_reader *reader, void *arg);

/* Reads more; returns 0 where it is stopped or bad. */
int multipart_feed (struct multipart *m, const char *data, size_t size);

/* Says that no more comes; returns 0 where it is stopped or bad, which it is
** without its last delimiter. */
int multipart_finish (struct multipart *m);

#endif
