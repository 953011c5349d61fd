/* SPDX-License-Identifier: MIT
**
** response: see response.h. There is always one window of decoded bytes: the
** exchange's own buffer for a plain response, 'plain' for a compressed one. Of
** the window, the first part has been scanned and is kept because an element
** is not complete; the rest is unread.
*/

#include <curl/curl.h>
#include <string.h>

#include "response.h"


void response_open (struct response *a, struct http_exchange *x,
                    const struct response_rules *rules) {
  struct json_limits limits;
  memset(a, 0, sizeof(*a));
  limits.element = rules->max_element;
  limits.depth = JSON_DEPTH_MAX;
  limits.members = JSON_MEMBERS_MAX;
  json_open(&a->scanner, rules->mode == HTTP_LINES ? JSON_LINES : JSON_LIST,
            &limits);
  buf_init(&a->plain, (size_t)-1);
  a->exchange = x;
  a->rules = *rules;
}


void response_close (struct response *a) {
  if (a->exchange != NULL)
    http_free(a->exchange);
  a->exchange = NULL;
  inflate_close(a->inflater);
  a->inflater = NULL;
  json_close(&a->scanner);
  buf_free(&a->plain);
}


static enum response_status fail (struct response *a,
                                  enum response_failure failure) {
  a->failure = failure;
  return RESPONSE_FAILED;
}


/* ---- The window ---- */

static int is_gzip (const struct response *a) {
  return a->coding >= CODING_GZIP;
}


static struct buf *window (struct response *a) {
  return is_gzip(a) ? &a->plain : &a->exchange->body;
}


static size_t unread (const struct response *a) {
  return is_gzip(a) ? a->unread : a->exchange->unread;
}


/* Takes 'n' bytes of the window as scanned. */
static void mark_scanned (struct response *a, size_t n) {
  if (is_gzip(a))
    a->unread -= n;
  else
    http_read(a->exchange, n);
}


/* Drops of what was scanned all that the scanner does not need any more. */
static void drop_scanned (struct response *a) {
  size_t needed = (size_t)(a->scanner.offset - json_keep(&a->scanner));
  size_t n = window(a)->length - unread(a) - needed;
  if (is_gzip(a))
    buf_consume(&a->plain, n);
  else
    http_consume(a->exchange, n);
}


static int is_token (const char *text, size_t n, const char *token) {
  return n == strlen(token) && curl_strnequal(text, token, n);
}


/* Whether the body may be gzip: in chunks it is passed on as it comes. */
static int may_be_gzip (const struct response *a) {
  return a->rules.mode != HTTP_CHUNKS || a->exchange->status >= 400;
}


/* Finds out how the body is encoded. It does not matter what an error's
** response is encoded with, because the status says enough. */
static enum response_failure learn_coding (struct response *a) {
  size_t n = 0;
  const char *coding = http_header(a->exchange, "content-encoding", &n);
  a->coding = CODING_PLAIN;
  if (coding == NULL || n == 0 || is_token(coding, n, "identity"))
    return FAILURE_NONE;
  if ((!is_token(coding, n, "gzip") && !is_token(coding, n, "x-gzip"))
      || !may_be_gzip(a))
    return a->exchange->status >= 400 ? FAILURE_NONE : FAILURE_ENCODING;
  a->inflater = inflate_open();
  if (a->inflater == NULL)
    return FAILURE_MEMORY;
  a->coding = CODING_GZIP;
  return FAILURE_NONE;
}


/* What has to be right before the body is looked at. */
static enum response_failure begin (struct response *a) {
  if (a->failure != FAILURE_NONE)
    return a->failure;
  if (!http_is_ours(a->exchange))
    return FAILURE_FORKED;
  if (a->coding == CODING_UNKNOWN && a->exchange->status != 0)
    return learn_coding(a);
  return FAILURE_NONE;
}


/* Whether decode has something to do. */
static int can_decode (const struct response *a) {
  return is_gzip(a)
         && (a->exchange->body.length > 0 || a->coding == CODING_GZIP_OUT);
}


/* Decodes at most one slice more into the window. */
static enum response_failure decode (struct response *a) {
  struct http_exchange *x = a->exchange;
  size_t used, made;
  enum inflate_status status;
  char *out;
  if (buf_reserve(&a->plain, RESPONSE_SLICE, &out) != BUF_OK)
    return FAILURE_MEMORY;
  status = inflate_feed(a->inflater, buf_data(&x->body), x->body.length, &used,
                        out, RESPONSE_SLICE, &made);
  buf_added(&a->plain, made);
  a->unread += made;
  http_read(x, used);
  http_consume(x, used);
  switch (status) {
    case INFLATE_MORE:
      a->coding = made == RESPONSE_SLICE ? CODING_GZIP_OUT : CODING_GZIP_IN;
      return FAILURE_NONE;
    case INFLATE_END: a->coding = CODING_GZIP_END; return FAILURE_NONE;
    case INFLATE_MEMORY: return FAILURE_MEMORY;
    default: return FAILURE_GZIP;
  }
}


/* How everything ended, once nothing more will come. */
static enum response_failure outcome (const struct response *a) {
  if (a->exchange->result != HTTP_OK)
    return FAILURE_HTTP;
  if (a->coding == CODING_GZIP_IN)
    return FAILURE_GZIP;
  return FAILURE_NONE;
}


/* What is read whole is of no use before the end, apart from decoding it. A
** request that is held goes on when it is released. */
int response_ready (const struct response *a) {
  return a->holds || a->failure != FAILURE_NONE || a->exchange->over
         || a->exchange->held || can_decode(a)
         || (a->exchange->streams && unread(a) > 0)
         || http_can_resume(a->exchange);
}


const char *response_beginning (struct response *a, size_t *length) {
  const struct buf *b = window(a);
  *length = b->length;
  if (b->length == 0 || b->length - unread(a) != a->scanner.offset)
    return NULL;
  return buf_data(b);
}


/* ---- Element by element ---- */

/* Finds the last element of the scanner's in the window: it ends where the
** unread bytes begin. */
static void view (struct response *a, struct element *e) {
  const struct json_scanner *s = &a->scanner;
  const struct buf *b = window(a);
  size_t from_end = unread(a) + (size_t)(s->offset - s->element);
  e->text = buf_data(b) + (b->length - from_end);
  e->length = s->element_length;
  e->members = s->members;
  e->count = s->count;
}


/* Whether an endless response is hidden in white space, which belongs to no
** element and so falls under no other ceiling. */
static int is_blank (struct response *a, size_t used) {
  if (json_keep(&a->scanner) == a->scanner.offset)
    a->blank += used;
  return a->blank > a->scanner.limits.element;
}


/* Scans at most '*slice' of the unread bytes. RESPONSE_WAIT: no element yet. */
static enum response_status scan (struct response *a, size_t *slice,
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
      a->holds = !a->rules.has_ids || element_has_id(e);
      return a->holds ? RESPONSE_THERE : fail(a, FAILURE_NO_ID);
    case JSON_MORE:
    case JSON_END:
      drop_scanned(a);
      return is_blank(a, used) ? fail(a, FAILURE_BLANK) : RESPONSE_WAIT;
    default:
      return fail(a, a->json == JSON_E_MEMORY ? FAILURE_MEMORY : FAILURE_JSON);
  }
}


/* Nothing is unread and nothing will come. */
static enum response_status finish (struct response *a) {
  enum response_failure failure = outcome(a);
  if (failure != FAILURE_NONE)
    return fail(a, failure);
  a->json = json_finish(&a->scanner);
  return a->json == JSON_END ? RESPONSE_END : fail(a, FAILURE_JSON);
}


/* Nothing more can be done with what is there. A paused exchange whose last
** bytes these were is resumed now, or nothing would ever resume it. */
static enum response_status wait_for_more (struct response *a) {
  http_resume(a->exchange);
  return RESPONSE_WAIT;
}


enum response_status response_next (struct response *a, struct element *e) {
  size_t slice = RESPONSE_SLICE;
  enum response_failure failure = begin(a);
  if (a->holds && failure == FAILURE_NONE) {
    view(a, e);
    return RESPONSE_THERE;
  }
  if (failure == FAILURE_NONE)
    http_resume(a->exchange);
  while (failure == FAILURE_NONE) {
    if (unread(a) > 0) {
      enum response_status status = scan(a, &slice, e);
      if (status != RESPONSE_WAIT)
        return status;
      if (slice == 0)
        return wait_for_more(a);
    }
    else if (can_decode(a))
      failure = decode(a);
    else
      return a->exchange->over ? finish(a) : wait_for_more(a);
  }
  return fail(a, failure);
}


int response_again (struct response *a, struct element *e) {
  if (a->holds)
    view(a, e);
  return a->holds;
}


void response_take (struct response *a) {
  a->holds = 0;
  a->taken++;
  a->end = a->scanner.offset;
  drop_scanned(a);
}


/* ---- Chunk by chunk ---- */

enum response_status response_chunk (struct response *a, size_t max,
                                     const char **data, size_t *length) {
  enum response_failure failure = begin(a);
  if (failure == FAILURE_NONE)
    http_resume(a->exchange);
  if (failure == FAILURE_NONE && unread(a) == 0 && can_decode(a))
    failure = decode(a);
  if (failure == FAILURE_NONE && unread(a) > 0) {
    size_t n = unread(a);
    *data = buf_data(window(a)) + (window(a)->length - n);
    *length = n < max ? n : max;
    return RESPONSE_THERE;
  }
  if (failure == FAILURE_NONE && (can_decode(a) || !a->exchange->over))
    return wait_for_more(a);
  if (failure == FAILURE_NONE)
    failure = outcome(a);
  return failure == FAILURE_NONE ? RESPONSE_END : fail(a, failure);
}


void response_take_bytes (struct response *a, size_t n) {
  mark_scanned(a, n);
  a->taken += n;
  if (is_gzip(a))
    buf_consume(&a->plain, n);
  else
    http_consume(a->exchange, n);
}


/* ---- Whole ---- */

enum response_status response_read (struct response *a, const char **text,
                                    size_t *length) {
  enum response_failure failure = begin(a);
  if (failure == FAILURE_NONE && can_decode(a)) {
    failure = decode(a);
    if (failure == FAILURE_NONE && a->plain.length > a->rules.max_response)
      failure = FAILURE_SIZE;
    if (failure == FAILURE_NONE)
      return RESPONSE_WAIT; /* one slice at a time */
  }
  if (failure == FAILURE_NONE && !a->exchange->over)
    return RESPONSE_WAIT;
  if (failure == FAILURE_NONE)
    failure = outcome(a);
  if (failure != FAILURE_NONE)
    return fail(a, failure);
  *length = window(a)->length;
  *text = *length == 0 ? "" : buf_data(window(a));
  return RESPONSE_END;
}
