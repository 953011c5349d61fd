/* SPDX-License-Identifier: MIT
**
** callbacks: what libcurl calls for an exchange: asks whether it may connect
** and send, takes the request's body, gives the response's headers and body.
** They read or append to buffers and set fields; they call nothing above.
*/

#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "guard.h"
#include "platform.h"
#include "socket.h"


/* Lets the request be sent once and stops a second time: libcurl would send it
** again by itself when a reused connection dies early, or after a 417. On a
** connection with bytes that are no answer to it, it is not sent at all. */
static int on_request (void *arg, char *peer, char *own, int peer_port,
                       int own_port) {
  struct exchange *x = (struct exchange *)arg;
  int is_clean = idle_take(&x->pub.session->idle, own_port);
  (void)own;
  (void)peer_port;
  if (x->pub.sent) {
    if (x->pub.status != 417)
      x->pub.result = HTTP_RESEND;
    return CURL_PREREQFUNC_ABORT;
  }
  x->is_stale = !is_clean;
  if (x->is_stale)
    return CURL_PREREQFUNC_ABORT;
  guard_note_peer(x, peer);
  x->pub.sent = 1;
  if (x->is_whole)
    body_take_whole(&x->pub.upload);
  return CURL_PREREQFUNC_OK;
}


/* Notes whether the descriptors for a lookup are there: a pair to its thread,
** and two in it. When it has failed those are free again. */
static int on_lookup (void *state, void *reserved, void *arg) {
  struct exchange *x = (struct exchange *)arg;
  (void)state;
  (void)reserved;
  x->few = platform_lacks(4);
  return 0;
}


static curl_socket_t on_open_socket (void *arg, curlsocktype purpose,
                                     struct curl_sockaddr *address) {
  struct exchange *x = (struct exchange *)arg;
  enum http_result refused = guard_judge(x, &address->addr);
  curl_socket_t s;
  (void)purpose;
  if (refused != HTTP_OK) {
    x->refused = refused;
    return CURL_SOCKET_BAD;
  }
  s = socket_open(address->family, address->socktype, address->protocol,
                  &x->no_socket);
  if (s != CURL_SOCKET_BAD)
    engine_opened(&x->pub.session->engine, s);
  x->few = platform_lacks(1); /* for the file of certificates */
  return s;
}


static int on_close_socket (void *arg, curl_socket_t socket) {
  struct http_session *s = (struct http_session *)arg;
  idle_remove(&s->idle, socket);
  engine_closing(&s->engine, socket);
  return socket_close(socket);
}


static size_t stop (struct exchange *x, enum http_result result) {
  x->pub.result = result;
  return 0; /* not what was offered: libcurl gives up */
}


static int status_of (const char *line, size_t n) {
  const char *space = (const char *)memchr(line, ' ', n);
  return (space == NULL) ? 0 : (int)strtol(space + 1, NULL, 10);
}


static int is_stream (enum http_mode mode, int status) {
  return (mode != HTTP_WHOLE && status == 200)
         || (mode >= HTTP_CHUNKS && status == 206);
}


/* Whether nothing but a body of another protocol can follow on 'status'. Any
** other 1xx is followed by the response. */
static int is_last_interim (int status) {
  return status < 100 || status == 101;
}


/* One header line. A status line begins a new response: a 1xx may have come
** before. Trailers come after the empty line and are only counted. */
static size_t on_header (char *data, size_t one, size_t n, void *arg) {
  struct exchange *x = (struct exchange *)arg;
  (void)one;
  x->pub.received += n;
  x->header_bytes += n;
  if (x->header_bytes > HTTP_HEADERS_MAX)
    return stop(x, HTTP_HEADERS_LIMIT);
  if (x->pub.status != 0)
    return n;
  if (n > 5 && memcmp(data, "HTTP/", 5) == 0)
    buf_consume(&x->headers, x->headers.length);
  if (buf_append(&x->headers, data, n) != BUF_OK)
    return stop(x, HTTP_MEMORY);
  if (n <= 2 && (*data == '\r' || *data == '\n')) {
    int status = status_of(buf_data(&x->headers), x->headers.length);
    if (status >= 200) {
      x->pub.status = status;
      x->pub.streams = is_stream(x->mode, status);
      if (status >= 300)
        http_release(&x->pub); /* libcurl sends no more, but would wait */
      exchange_notify(x);
    }
    else if (is_last_interim(status)) {
      x->pub.status = status;
      return stop(x, HTTP_INTERIM);
    }
  }
  return n;
}


static size_t mark_of (const struct exchange *x) {
  return x->mode == HTTP_CHUNKS ? HTTP_FILE_MARK : HTTP_MARK;
}


/* Whether libcurl is to hand over no more for now: until the stream is read,
** or, past the deadline, until the next step. Over HTTP/2 it would take in all
** the same what it is not to hand over. */
static int has_enough (struct exchange *x) {
  if (x->pub.streams && x->pub.unread >= mark_of(x)) {
    exchange_dequeue(x, QUEUE_RESUME);
    return 1;
  }
  if (!x->http1 || x->paused || !engine_past_deadline(&x->pub.session->engine))
    return 0;
  exchange_enqueue(x, QUEUE_RESUME);
  return 1;
}


/* Pauses after a piece, which is taken: of one that is refused, libcurl copies
** all of its read that is left, and hands over the copy later. What it has read
** still comes, at most BLOCKING_BUFFER bytes. In both directions, because where
** only one is paused, libcurl looks at once whether the other can go on. */
static int pause_after (struct exchange *x) {
  x->paused = 1;
  engine_hold(&x->pub.session->engine, x->socket);
  return curl_easy_pause(x->easy, CURLPAUSE_ALL) == CURLE_OK;
}


/* There is no exchange where libcurl closes a connection that nothing uses. */
int callbacks_note_socket (CURL *easy, curl_socket_t s, int is_waited) {
  char *private = NULL;
  struct exchange *x;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
  x = (struct exchange *)(void *)private;
  if (x == NULL)
    return 0;
  if (is_waited)
    x->socket = s;
  else if (x->socket == s)
    x->socket = CURL_SOCKET_BAD;
  return x->paused;
}


/* Takes a piece of a stream, which the mark bounds; of a file, into a block of
** its full size, twice the mark. */
static enum buf_status take_piece (struct exchange *x, const char *data,
                                   size_t n) {
  struct buf *body = &x->pub.body;
  enum buf_status status = BUF_OK;
  char *room;
  body->ceiling = (size_t)-1;
  if (x->mode == HTTP_CHUNKS && body->capacity == 0)
    status = buf_reserve(body, HTTP_FILE_MARK, &room);
  return status == BUF_OK ? buf_append(body, data, n) : status;
}


static size_t on_body (char *data, size_t one, size_t n, void *arg) {
  struct exchange *x = (struct exchange *)arg;
  enum buf_status status;
  (void)one;
  status = x->pub.streams ? take_piece(x, data, n)
                          : buf_append(&x->pub.body, data, n);
  exchange_note_held(x);
  if (status != BUF_OK)
    return stop(x, status == BUF_FULL ? HTTP_BODY_LIMIT : HTTP_MEMORY);
  x->pub.received += n;
  x->pub.unread += n;
  if (x->pub.streams)
    exchange_notify(x);
  if (has_enough(x) && !pause_after(x))
    return stop(x, HTTP_MEMORY);
  return n;
}


/* Gives the next bytes of the request's body, and none past its length. */
static size_t on_upload (char *out, size_t one, size_t room, void *arg) {
  struct exchange *x = (struct exchange *)arg;
  enum body_status status;
  size_t n;
  if (body_is_held(&x->pub.upload)) {
    x->pub.held = 1;
    exchange_notify(x);
    return CURL_READFUNC_PAUSE;
  }
  status = body_read(&x->pub.upload, out, one * room, &n);
  if (status == BODY_OK)
    return n;
  x->pub.result = status == BODY_SHRANK ? HTTP_FILE_SHRANK : HTTP_FILE_UNREAD;
  return CURL_READFUNC_ABORT;
}


CURLcode callbacks_set (struct exchange *x) {
  CURLcode code = CURLE_OK;
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_READFUNCTION, on_upload);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_PREREQFUNCTION, on_request);
  SET(CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
  SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  SET(CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
  SET(CURLOPT_CLOSESOCKETDATA, x->pub.session);
  return code;
}


CURLcode callbacks_set_data (struct exchange *x) {
  CURLcode code = CURLE_OK;
  SET(CURLOPT_PRIVATE, x);
  SET(CURLOPT_ERRORBUFFER, x->error);
  SET(CURLOPT_WRITEDATA, x);
  SET(CURLOPT_READDATA, x);
  SET(CURLOPT_HEADERDATA, x);
  SET(CURLOPT_PREREQDATA, x);
  SET(CURLOPT_RESOLVER_START_DATA, x);
  SET(CURLOPT_OPENSOCKETDATA, x);
  return code;
}
