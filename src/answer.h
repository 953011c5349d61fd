/* SPDX-License-Identifier: MIT
**
** answer: reads the answer of an exchange, either element by element while it
** arrives, or whole. Joins the layers below: bytes from http, through
** inflate where they are compressed, into json. Knows nothing of Lua and
** holds no more than the element being read and one slice.
*/

#ifndef lipsync_answer_h
#define lipsync_answer_h

#include "buf.h"
#include "element.h"
#include "http.h"
#include "inflate.h"
#include "json.h"

#define ANSWER_SLICE (64 * 1024) /* most bytes that one call works on */

enum answer_status {
  ANSWER_WAIT,    /* nothing yet; if answer_ready, call again, else wait */
  ANSWER_ELEMENT, /* an element is there, until answer_take */
  ANSWER_END,     /* the whole answer was read */
  ANSWER_FAILED   /* see 'fault' */
};

/* What went wrong; final. */
enum answer_fault {
  FAULT_NONE,
  FAULT_HTTP,     /* the exchange failed: its 'result' */
  FAULT_ENCODING, /* a content encoding that was not asked for */
  FAULT_GZIP,     /* damaged, or cut short */
  FAULT_JSON,     /* the scanner's status */
  FAULT_NO_ID,    /* an element without a string "id" */
  FAULT_BLANK,    /* more white space between elements than one may have */
  FAULT_SIZE,     /* more than max_response once decoded */
  FAULT_FORKED,   /* belongs to the parent process */
  FAULT_MEMORY
};

/* How the body is encoded, and how far its decoding has come. */
enum answer_coding {
  CODING_UNKNOWN, /* the headers have not come */
  CODING_PLAIN,
  CODING_GZIP,     /* not begun */
  CODING_GZIP_IN,  /* inside a member; more bytes have to come */
  CODING_GZIP_OUT, /* inside a member; more comes out without more bytes */
  CODING_GZIP_END  /* behind a complete member */
};

struct answer {
  struct http_exchange *exchange;
  int is_list; /* a 200 is read element by element */
  enum answer_fault fault;
  enum json_status json; /* for FAULT_JSON */
  struct json_scanner scanner;
  struct inflater *inflater; /* where it is gzip */
  enum answer_coding coding;
  struct buf plain; /* decoded bytes */
  size_t unread;    /* of those, not scanned yet */
  size_t max_response;
  uint64_t taken; /* elements so far */
  size_t blank;   /* bytes since the last one, outside of one */
  int holds;      /* an element waits to be taken */
};

/* Begins to read 'x', which it owns from here on. Allocates nothing. */
void answer_open (struct answer *a, struct http_exchange *x, int is_list,
                  size_t max_element, size_t max_response);

/* The next element of a list, valid until the next call here. The same one
** again until it is taken. */
enum answer_status answer_next (struct answer *a, struct element *e);
void answer_take (struct answer *a);

/* The whole answer, decoded: ANSWER_END when it is there. */
enum answer_status answer_read (struct answer *a, const char **text,
                                size_t *length);

/* Whether answer_next or answer_read would get further without waiting. */
int answer_ready (const struct answer *a);

/* The bytes at hand, for an error's text, if the answer began with them;
** else NULL. */
const char *answer_beginning (struct answer *a, size_t *length);

/* Frees everything, the exchange included; twice is fine. */
void answer_close (struct answer *a);

#endif
