/* SPDX-License-Identifier: MIT
**
** exchange: the life of exchanges: how they begin and end, the queues they are
** on, and what their owner asks of them.
*/

#include <stdlib.h>

#include "exchange.h"
#include "header.h"
#include "process.h"


/* ---- Queues ---- */

void exchange_enqueue (struct exchange *x, enum queues which) {
  struct queue *queue = &x->pub.session->queues[which];
  if (x->in[which])
    return;
  x->in[which] = 1;
  x->after[which] = NULL;
  *queue->last = x;
  queue->last = &x->after[which];
  queue->length++;
}


void exchange_dequeue (struct exchange *x, enum queues which) {
  struct queue *queue = &x->pub.session->queues[which];
  struct exchange **at = &queue->first;
  if (!x->in[which])
    return;
  while (*at != x)
    at = &(*at)->after[which];
  *at = x->after[which];
  if (*at == NULL)
    queue->last = at;
  queue->length--;
  x->in[which] = 0;
}


void exchange_notify (struct exchange *x) {
  x->pub.session->has_events = 1;
  exchange_enqueue(x, QUEUE_READY);
}


void *http_next_ready (struct http_session *s) {
  struct exchange *x = s->queues[QUEUE_READY].first;
  if (x == NULL)
    return NULL;
  exchange_dequeue(x, QUEUE_READY);
  return x->user;
}


unsigned http_tell (struct http_exchange *pub) {
  struct exchange *x = (struct exchange *)pub;
  unsigned was_in = x->in[QUEUE_READY] != 0;
  if (was_in)
    exchange_dequeue(x, QUEUE_READY);
  return was_in;
}


/* ---- How exchanges begin and end ---- */

void exchange_note_held (struct exchange *x) {
  if (x->pub.session != NULL)
    x->pub.session->held += x->pub.body.capacity - x->held;
  x->held = x->pub.body.capacity;
}


struct exchange *exchange_new (struct http_session *s,
                               const struct http_request *request, void *user) {
  struct exchange *x = (struct exchange *)calloc(1, sizeof(*x));
  if (x == NULL)
    return NULL;
  x->user = user;
  x->pub.session = s;
  x->origin = &s->origin;
  x->pub.detail = x->error;
  x->forks = process_forks();
  x->socket = CURL_SOCKET_BAD;
  x->mode = request->mode;
  x->blocking = request->blocking;
  body_open(&x->pub.upload, request->body, request->hold);
  buf_init(&x->pub.body, request->max_body);
  buf_init(&x->headers, HTTP_HEADERS_MAX);
  x->next = s->exchanges;
  x->at = &s->exchanges;
  if (x->next != NULL)
    x->next->at = &x->next;
  s->exchanges = x;
  s->count++;
  process_count_exchange(+1);
  return x;
}


/* Gives the easy handle to the session's pool if all went well: libcurl may
** leave one that failed in any state, and after a 417 it never sends Expect
** again. Not by curl_easy_reset, which cannot say that it ran out of memory,
** and leaves a handle without its defaults. So request.c sets every option of
** all that may differ; here go those that point into the exchange. */
static void release_easy (struct http_session *s, struct exchange *x) {
  CURL *easy = x->easy;
  if (s->pooled < POOL_MAX && x->pub.result == HTTP_OK
      && x->pub.status != 417) {
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_CURLU, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    s->pool[s->pooled++] = easy;
  }
  else
    curl_easy_cleanup(easy);
}


/* Whether nothing came on a connection that had served before. Those that are
** idle may be dead as well: the network or a balancer has dropped them. */
static int reused_dead (const struct exchange *x, enum http_result result) {
  long made = 0;
  if (result == HTTP_RESEND)
    return 1;
  if (result != HTTP_CUT && result != HTTP_EMPTY && result != HTTP_SEND
      && result != HTTP_CANCELED)
    return 0;
  curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &made);
  return made == 0 && x->pub.sent && x->pub.received == 0;
}


/* Notes that the connection waits for a next request, if it does. */
static void note_idle (struct exchange *x) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  long version = 0, port = 0;
  if (curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version) == CURLE_OK
      && version <= CURL_HTTP_VERSION_1_1
      && curl_easy_getinfo(x->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK
      && fd != CURL_SOCKET_BAD
      && curl_easy_getinfo(x->easy, CURLINFO_LOCAL_PORT, &port) == CURLE_OK)
    idle_add(&x->pub.session->idle, fd, port);
}


/* Makes 'x' over: gives its easy handle back (in a forked child it is left
** alone, for it is the parent's), tells of it. What arrived stays readable. */
static void end_exchange (struct exchange *x, enum http_result result) {
  struct http_session *s = x->pub.session;
  x->pub.result = result;
  x->pub.over = 1;
  if (x->added)
    s->under_way--;
  exchange_dequeue(x, QUEUE_RESUME);
  if (x->easy != NULL && s->forks == process_forks()) {
    if (x->added) {
      if (reused_dead(x, result))
        session_doubt(s);
      if (result == HTTP_OK)
        note_idle(x);
      curl_multi_remove_handle(s->engine.multi, x->easy);
    }
    release_easy(s, x);
    header_cut(x->own_headers, x->shared);
    header_wipe(x->own_headers);
  }
  x->easy = NULL;
  x->own_headers = NULL;
  if (x->pub.body.length == 0)
    buf_free(&x->pub.body);
  exchange_note_held(x);
  exchange_notify(x);
}


void exchange_detach (struct exchange *x) {
  exchange_dequeue(x, QUEUE_READY);
  x->pub.session->count--;
  x->pub.session->held -= x->held;
  *x->at = x->next;
  if (x->next != NULL)
    x->next->at = x->at;
  x->pub.session = NULL;
}


void http_cancel (struct http_exchange *pub, enum http_result result) {
  struct exchange *x = (struct exchange *)pub;
  struct process_guard guard;
  if (pub->over)
    return;
  process_guard_begin(&guard);
  end_exchange(x, result);
  process_guard_end(&guard);
}


void http_free (struct http_exchange *pub) {
  struct exchange *x = (struct exchange *)pub;
  if (pub->session != NULL) {
    http_cancel(pub, HTTP_CANCELED);
    exchange_detach(x);
  }
  buf_free(&pub->body);
  buf_free(&x->headers);
  origin_free(&x->other);
  body_close(&pub->upload);
  free(pub->proxy);
  free(x);
  process_count_exchange(-1);
}


/* Begins anew, on a new connection, with a request that was stopped before it
** was sent. */
static void begin_anew (struct exchange *x) {
  CURLM *multi = x->pub.session->engine.multi;
  x->is_stale = 0;
  x->error[0] = '\0';
  curl_multi_remove_handle(multi, x->easy);
  x->added = curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK
             && curl_multi_add_handle(multi, x->easy) == CURLM_OK;
  if (x->added)
    return;
  x->pub.session->under_way--;
  end_exchange(x, HTTP_MEMORY);
}


static void finish (struct exchange *x, CURLcode code) {
  if (x->is_stale)
    begin_anew(x);
  else
    end_exchange(x, result_of(x, code));
}


void exchange_reap (struct http_session *s) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(s->engine.multi, &left)) != NULL) {
    char *x = NULL;
    CURLcode code = message->data.result;
    if (message->msg == CURLMSG_DONE
        && curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &x)
             == CURLE_OK)
      finish((struct exchange *)(void *)x, code);
  }
}


/* ---- What their owner asks of them ---- */

void http_release (struct http_exchange *pub) {
  struct exchange *x = (struct exchange *)pub;
  pub->upload.hold = 0;
  if (pub->held && !pub->over && pub->session->forks == process_forks())
    exchange_enqueue(x, QUEUE_RESUME);
  pub->held = 0;
}


void http_read (struct http_exchange *x, size_t n) {
  x->unread -= n;
}


int http_is_ours (const struct http_exchange *pub) {
  const struct exchange *x = (const struct exchange *)pub;
  return x->forks == process_forks();
}


void http_consume (struct http_exchange *x, size_t n) {
  buf_consume(&x->body, n);
  if (!x->over || x->body.length > 0)
    return;
  buf_free(&x->body);
  exchange_note_held((struct exchange *)x);
}


int http_can_resume (const struct http_exchange *pub) {
  const struct exchange *x = (const struct exchange *)pub;
  return x->paused && !x->in[QUEUE_RESUME] && !pub->over
         && pub->unread < HTTP_LOW && pub->session->forks == process_forks();
}


void http_resume (struct http_exchange *pub) {
  if (http_can_resume(pub))
    exchange_enqueue((struct exchange *)pub, QUEUE_RESUME);
}


void exchange_resume_next (struct http_session *s) {
  struct exchange *x = s->queues[QUEUE_RESUME].first;
  CURLcode code;
  exchange_dequeue(x, QUEUE_RESUME);
  x->paused = 0; /* a callback may pause it again, or hold it */
  code = curl_easy_pause(x->easy, CURLPAUSE_CONT);
  if (code == CURLE_OK && !x->paused && !engine_unhold(&s->engine, x->socket))
    code = CURLE_OUT_OF_MEMORY;
  if (code != CURLE_OK) /* the bytes it held back may be lost */
    finish(x, code);
}


const char *http_header (const struct http_exchange *pub, const char *name,
                         size_t *length) {
  const struct exchange *x = (const struct exchange *)pub;
  if (pub->status == 0)
    return NULL;
  return header_find(buf_data(&x->headers), x->headers.length, name, length);
}


const char *http_headers (const struct http_exchange *pub, size_t *length) {
  const struct exchange *x = (const struct exchange *)pub;
  *length = x->headers.length;
  return pub->status == 0 ? NULL : buf_data(&x->headers);
}
