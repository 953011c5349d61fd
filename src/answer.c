/* SPDX-License-Identifier: MIT
**
** answer: see answer.h. There is always one window of decoded bytes: the
** exchange's own buffer for a plain answer, 'plain' for a compressed one. Of
** the window, the first part has been scanned and is kept because an element
** is not complete; the rest is unread.
*/

#include <string.h>
#include <strings.h>

#include "answer.h"


void answer_open (struct answer *a, struct http_exchange *x, int is_list,
                  size_t max_element, size_t max_response) {
  struct json_limits limits;
  memset(a, 0, sizeof(*a));
  limits.element = max_element;
  limits.depth = JSON_DEPTH_MAX;
  limits.members = JSON_MEMBERS_MAX;
  json_open(&a->scanner, JSON_LIST, &limits);
  buf_init(&a->plain, (size_t)-1);
  a->exchange = x;
  a->is_list = is_list;
  a->max_response = max_response;
}


void answer_close (struct answer *a) {
  if (a->exchange != NULL)
    http_free(a->exchange);
  a->exchange = NULL;
  inflate_close(a->inflater);
  a->inflater = NULL;
  json_close(&a->scanner);
  buf_free(&a->plain);
}


static enum answer_status fail (struct answer *a, enum answer_fault fault) {
  a->fault = fault;
  return ANSWER_FAILED;
}


/* ---- The window ---- */

static int is_gzip (const struct answer *a) {
  return a->coding >= CODING_GZIP;
}


static struct buf *window (struct answer *a) {
  return is_gzip(a) ? &a->plain : &a->exchange->body;
}


static size_t unread (const struct answer *a) {
  return is_gzip(a) ? a->unread : a->exchange->unread;
}


/* Takes 'n' bytes of the window as scanned. */
static void mark_scanned (struct answer *a, size_t n) {
  if (is_gzip(a))
    a->unread -= n;
  else
    http_read(a->exchange, n);
}


/* Drops of what was scanned all that the scanner does not need any more. */
static void drop_scanned (struct answer *a) {
  size_t needed = (size_t)(a->scanner.offset - json_keep(&a->scanner));
  size_t n = window(a)->length - unread(a) - needed;
  if (is_gzip(a))
    buf_consume(&a->plain, n);
  else
    http_consume(a->exchange, n);
}


static int is_token (const char *text, size_t n, const char *token) {
  return n == strlen(token) && strncasecmp(text, token, n) == 0;
}


/* Finds out how the body is encoded. What an error's answer is encoded with
** does not matter: the status says enough. */
static enum answer_fault learn_coding (struct answer *a) {
  size_t n = 0;
  const char *coding = http_header(a->exchange, "content-encoding", &n);
  a->coding = CODING_PLAIN;
  if (coding == NULL || n == 0 || is_token(coding, n, "identity"))
    return FAULT_NONE;
  if (!is_token(coding, n, "gzip") && !is_token(coding, n, "x-gzip"))
    return a->exchange->status >= 400 ? FAULT_NONE : FAULT_ENCODING;
  a->inflater = inflate_open();
  if (a->inflater == NULL)
    return FAULT_MEMORY;
  a->coding = CODING_GZIP;
  return FAULT_NONE;
}


/* What has to be right before the body is looked at. */
static enum answer_fault begin (struct answer *a) {
  if (a->fault != FAULT_NONE)
    return a->fault;
  if (!http_is_ours(a->exchange))
    return FAULT_FORKED;
  if (a->coding == CODING_UNKNOWN && a->exchange->status != 0)
    return learn_coding(a);
  return FAULT_NONE;
}


/* Whether decode has something to do. */
static int can_decode (const struct answer *a) {
  return is_gzip(a)
         && (a->exchange->body.length > 0 || a->coding == CODING_GZIP_OUT);
}


/* Decodes at most one slice more into the window. */
static enum answer_fault decode (struct answer *a) {
  struct http_exchange *x = a->exchange;
  size_t used, made;
  enum inflate_status status;
  char *out;
  if (buf_reserve(&a->plain, ANSWER_SLICE, &out) != BUF_OK)
    return FAULT_MEMORY;
  status = inflate_feed(a->inflater, buf_data(&x->body), x->body.length, &used,
                        out, ANSWER_SLICE, &made);
  buf_added(&a->plain, made);
  a->unread += made;
  http_read(x, used);
  http_consume(x, used);
  switch (status) {
    case INFLATE_MORE:
      a->coding = made == ANSWER_SLICE ? CODING_GZIP_OUT : CODING_GZIP_IN;
      return FAULT_NONE;
    case INFLATE_END: a->coding = CODING_GZIP_END; return FAULT_NONE;
    case INFLATE_MEMORY: return FAULT_MEMORY;
    default: return FAULT_GZIP;
  }
}


/* How everything ended, once nothing more will come. */
static enum answer_fault outcome (const struct answer *a) {
  if (a->exchange->result != HTTP_OK)
    return FAULT_HTTP;
  if (a->coding == CODING_GZIP_IN)
    return FAULT_GZIP;
  return FAULT_NONE;
}


/* What is read whole is of no use before the end, apart from decoding it. */
int answer_ready (const struct answer *a) {
  if (a->holds || a->fault != FAULT_NONE || a->exchange->over || can_decode(a))
    return 1;
  return a->is_list && a->exchange->status == 200 && unread(a) > 0;
}


const char *answer_beginning (struct answer *a, size_t *length) {
  const struct buf *b = window(a);
  *length = b->length;
  if (b->length == 0 || b->length - unread(a) != a->scanner.offset)
    return NULL;
  return buf_data(b);
}


/* ---- Element by element ---- */

/* The element that the scanner found last: it ends where the unread bytes
** begin. */
static void view (struct answer *a, struct element *e) {
  const struct json_scanner *s = &a->scanner;
  const struct buf *b = window(a);
  size_t behind = unread(a) + (size_t)(s->offset - s->element);
  e->text = buf_data(b) + (b->length - behind);
  e->length = s->element_length;
  e->members = s->members;
  e->count = s->count;
}


/* Whether an endless answer is hidden in white space, which belongs to no
** element and so falls under no other ceiling. */
static int is_blank (struct answer *a, size_t used) {
  if (json_keep(&a->scanner) == a->scanner.offset)
    a->blank += used;
  return a->blank > a->scanner.limits.element;
}


/* Scans at most '*slice' of the unread bytes. ANSWER_WAIT: no element yet. */
static enum answer_status scan (struct answer *a, size_t *slice,
                                struct element *e) {
  const struct buf *b = window(a);
  size_t n = unread(a), used = 0;
  const char *data = buf_data(b) + (b->length - n);
  a->json = json_feed(&a->scanner, data, n < *slice ? n : *slice, &used);
  mark_scanned(a, used);
  *slice -= used;
  switch (a->json) {
    case JSON_ELEMENT:
      a->blank = 0;
      view(a, e);
      a->holds = element_has_id(e);
      return a->holds ? ANSWER_ELEMENT : fail(a, FAULT_NO_ID);
    case JSON_MORE:
    case JSON_END:
      drop_scanned(a);
      return is_blank(a, used) ? fail(a, FAULT_BLANK) : ANSWER_WAIT;
    default:
      return fail(a, a->json == JSON_E_MEMORY ? FAULT_MEMORY : FAULT_JSON);
  }
}


/* Nothing is unread and nothing will come. */
static enum answer_status finish (struct answer *a) {
  enum answer_fault fault = outcome(a);
  if (fault != FAULT_NONE)
    return fail(a, fault);
  a->json = json_finish(&a->scanner);
  return a->json == JSON_END ? ANSWER_END : fail(a, FAULT_JSON);
}


/* Nothing more can be done with what is there. If that was the last of a
** paused stream it has to go on now, or nobody would ever ask again. */
static enum answer_status wait_for_more (struct answer *a) {
  http_resume(a->exchange);
  return ANSWER_WAIT;
}


enum answer_status answer_next (struct answer *a, struct element *e) {
  size_t slice = ANSWER_SLICE;
  enum answer_fault fault = begin(a);
  if (a->holds && fault == FAULT_NONE) {
    view(a, e);
    return ANSWER_ELEMENT;
  }
  if (fault == FAULT_NONE)
    http_resume(a->exchange);
  while (fault == FAULT_NONE) {
    if (unread(a) > 0) {
      enum answer_status status = scan(a, &slice, e);
      if (status != ANSWER_WAIT)
        return status;
      if (slice == 0)
        return wait_for_more(a);
    }
    else if (can_decode(a))
      fault = decode(a);
    else
      return a->exchange->over ? finish(a) : wait_for_more(a);
  }
  return fail(a, fault);
}


void answer_take (struct answer *a) {
  a->holds = 0;
  a->taken++;
  drop_scanned(a);
}


/* ---- Whole ---- */

enum answer_status answer_read (struct answer *a, const char **text,
                                size_t *length) {
  enum answer_fault fault = begin(a);
  if (fault == FAULT_NONE && can_decode(a)) {
    fault = decode(a);
    if (fault == FAULT_NONE && a->plain.length > a->max_response)
      fault = FAULT_SIZE;
    if (fault == FAULT_NONE)
      return ANSWER_WAIT; /* one slice at a time */
  }
  if (fault == FAULT_NONE && !a->exchange->over)
    return ANSWER_WAIT;
  if (fault == FAULT_NONE)
    fault = outcome(a);
  if (fault != FAULT_NONE)
    return fail(a, fault);
  *length = window(a)->length;
  *text = *length == 0 ? "" : buf_data(window(a));
  return ANSWER_END;
}
