/* SPDX-License-Identifier: MIT
**
** response: reads the response of an exchange: whole, or while it arrives as
** objects or as chunks of bytes. Joins the layers below: bytes from http,
** through inflate where they are compressed, into json. Knows nothing of Lua
** and holds no more than the element being read and one slice.
*/

#ifndef lipsync_response_h
#define lipsync_response_h

#include "buf.h"
#include "element.h"
#include "http.h"
#include "inflate.h"
#include "json.h"

#define RESPONSE_SLICE (64 * 1024) /* most bytes that one call works on */

enum response_status {
  RESPONSE_WAIT,  /* nothing yet; if response_ready, call again, else wait */
  RESPONSE_THERE, /* an element or a chunk is there, until it is taken */
  RESPONSE_END,   /* all of the response was read */
  RESPONSE_FAILED /* see 'failure' */
};

/* What went wrong; final. */
enum response_failure {
  FAILURE_NONE,
  FAILURE_HTTP,     /* the exchange failed: its 'result' */
  FAILURE_ENCODING, /* a content encoding that was not asked for */
  FAILURE_GZIP,     /* damaged, or cut short */
  FAILURE_JSON,     /* the scanner's status */
  FAILURE_NO_ID,    /* an element without a string "id" */
  FAILURE_BLANK,    /* more white space between elements than one may have */
  FAILURE_SIZE,     /* more than max_response once decoded */
  FAILURE_FORKED,   /* belongs to the parent process */
  FAILURE_MEMORY
};

/* How the body is encoded, and how far its decoding has come. */
enum response_coding {
  CODING_UNKNOWN, /* the headers have not come */
  CODING_PLAIN,
  CODING_GZIP,     /* not begun */
  CODING_GZIP_IN,  /* inside a member; more bytes have to come */
  CODING_GZIP_OUT, /* inside a member; more comes out without more bytes */
  CODING_GZIP_END  /* after a complete member */
};

/* What is expected of a response. */
struct response_rules {
  enum http_mode mode; /* as the request's */
  int has_ids;         /* each of them has a string "id" */
  size_t max_element;
  size_t max_response; /* of what is read whole */
};

struct response {
  struct http_exchange *exchange;
  struct response_rules rules;
  enum response_failure failure;
  enum json_status json; /* for FAILURE_JSON */
  struct json_scanner scanner;
  struct inflater *inflater; /* where it is gzip */
  enum response_coding coding;
  struct buf plain; /* decoded bytes */
  size_t unread;    /* of those, not scanned yet */
  uint64_t taken;   /* elements so far, or bytes where they are chunks */
  uint64_t end;     /* of the last of those elements, in the decoded body */
  size_t blank;     /* bytes since the last element, outside of one */
  int holds;        /* an element waits to be taken */
};

/* Begins to read 'x', which it owns from here on. Allocates nothing. */
void response_open (struct response *a, struct http_exchange *x,
                    const struct response_rules *rules);

/* The next element, valid until the next call here. The same one again until it
** is taken. In all modes but HTTP_CHUNKS. */
enum response_status response_next (struct response *a, struct element *e);
void response_take (struct response *a);

/* The element that waits to be taken, once more; 0: none does. */
int response_again (struct response *a, struct element *e);

/* The next bytes, at most 'max', valid until the next call here. The same ones
** again until 'n' of them are taken. In HTTP_CHUNKS. */
enum response_status response_chunk (struct response *a, size_t max,
                                     const char **data, size_t *length);
void response_take_bytes (struct response *a, size_t n);

/* The whole body, decoded: RESPONSE_END when it is there. */
enum response_status response_read (struct response *a, const char **text,
                                    size_t *length);

/* Whether one of these, or http_release, would get further without waiting. */
int response_ready (const struct response *a);

/* The bytes at hand, for an error's text, if the response began with them;
** else NULL. */
const char *response_beginning (struct response *a, size_t *length);

/* Frees everything, the exchange included; twice is fine. */
void response_close (struct response *a);

#endif
